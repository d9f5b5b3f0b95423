// SPDX-License-Identifier: Apache-2.0
//! What a counter is: its kind and its window, checked once.

mod bytes;

use crate::limits;
use crate::window::tile_len;
use wardroom_event::Span;

/// What a counter tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// How many sightings.
    Count,
    /// How many different items.
    Distinct,
    /// When the first sighting was.
    FirstSeen,
    /// What all amounts add up to, and how many there were.
    Sum,
    /// The greatest amount, or else the least.
    Extreme {
        /// Whether it is the greatest.
        max: bool,
    },
    /// The value that came last.
    Last,
    /// How many sightings of how many are marked.
    Ratio,
    /// The amount that a share of all amounts does not exceed.
    Quantile {
        /// The share, in thousandths.
        q: u16,
    },
    /// How many sightings are usual at this hour of the week. Its window is how far back it looks.
    Baseline {
        /// The window for which that is said.
        span: Span,
    },
    /// How fast one came here from the place before.
    Speed,
    /// How often sightings of one sort were followed by one of another.
    Sequence {
        /// How many of the first sort it takes.
        times: u32,
        /// How long before the other they may lie.
        within: Span,
    },
}

/// What a counter is: fixed for as long as its table lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    kind: Kind,
    window: Option<Span>,
}

/// Why there is no such counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// All but `first_seen` would grow for ever.
    #[error("a window is missing")]
    NoWindow,
    /// A `baseline` over less than [`limits::WEEK`].
    #[error("nothing is usual over {0}, which is shorter than {min}", min = limits::WEEK)]
    NoWeek(Span),
    /// A share of more than 1000 thousandths.
    #[error("{0} thousandths are more than all")]
    NoShare(u16),
    /// A sequence of nothing.
    #[error("a sequence begins with at least one sighting")]
    NoTimes,
    /// Shorter than [`limits::WINDOW_MIN`].
    #[error("the window {0} is shorter than {min}", min = limits::WINDOW_MIN)]
    TooShort(Span),
    /// Longer than [`limits::WINDOW_MAX`].
    #[error("the window {0} is longer than {max}", max = limits::WINDOW_MAX)]
    TooLong(Span),
}

impl Spec {
    /// A counter of `kind` over `window`; only `first_seen` can do without one.
    pub fn new(kind: Kind, window: Option<Span>) -> Result<Spec, SpecError> {
        match window {
            None if !matches!(kind, Kind::FirstSeen | Kind::Last) => return Err(SpecError::NoWindow),
            None => (),
            Some(window) => check_window(window)?,
        }
        match kind {
            Kind::Baseline { span } => {
                check_window(span)?;
                window
                    .filter(|over| *over < limits::WEEK)
                    .map_or(Ok(()), |over| Err(SpecError::NoWeek(over)))?;
            }
            Kind::Sequence { times: 0, .. } => return Err(SpecError::NoTimes),
            Kind::Sequence { within, .. } => check_window(within)?,
            Kind::Quantile { q } if q > 1000 => return Err(SpecError::NoShare(q)),
            _ => (),
        }
        Ok(Spec { kind, window })
    }

    /// What it tells.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Over how long; `None` is for ever.
    pub fn window(&self) -> Option<Span> {
        self.window
    }

    /// How far a reading can reach back beyond the window: one tile.
    pub fn worst_error(&self) -> Span {
        match self.kind {
            Kind::Baseline { .. } => limits::HOUR,
            _ => self.window.map_or(Span::ZERO, |w| Span(tile_len(w))),
        }
    }
}

fn check_window(window: Span) -> Result<(), SpecError> {
    match window {
        w if w < limits::WINDOW_MIN => Err(SpecError::TooShort(w)),
        w if w > limits::WINDOW_MAX => Err(SpecError::TooLong(w)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_checked() {
        let check = |kind, secs: Option<i64>, expect: Result<i64, SpecError>| {
            let spec = Spec::new(kind, secs.map(Span::from_secs));
            assert_eq!(spec.map(|s| s.worst_error().0), expect);
        };
        check(Kind::Count, Some(3600), Ok(60_000_000));
        check(Kind::Count, Some(1), Ok(16_667));
        check(Kind::Distinct, Some(400 * 86_400), Ok(576_000_000_000));
        check(Kind::FirstSeen, None, Ok(0));
        check(Kind::Count, None, Err(SpecError::NoWindow));
        check(Kind::Distinct, None, Err(SpecError::NoWindow));
        check(Kind::Count, Some(0), Err(SpecError::TooShort(Span::ZERO)));
        check(Kind::FirstSeen, Some(-1), Err(SpecError::TooShort(Span::from_secs(-1))));
        check(Kind::Count, Some(401 * 86_400), Err(SpecError::TooLong(Span::from_secs(401 * 86_400))));
        let span = Span::from_secs(3600);
        check(Kind::Baseline { span }, Some(28 * 86_400), Ok(3_600_000_000));
        let short = Span::from_secs(604_799);
        check(Kind::Baseline { span }, Some(604_799), Err(SpecError::NoWeek(short)));
        check(Kind::Baseline { span: Span(1) }, Some(604_800), Err(SpecError::TooShort(Span(1))));
        check(Kind::Quantile { q: 1000 }, Some(60), Ok(1_000_000));
        check(Kind::Quantile { q: 1001 }, Some(60), Err(SpecError::NoShare(1001)));
        check(Kind::Sequence { times: 1, within: span }, Some(60), Ok(1_000_000));
        check(Kind::Sequence { times: 0, within: span }, Some(60), Err(SpecError::NoTimes));
        check(
            Kind::Sequence { times: 1, within: Span::ZERO },
            Some(60),
            Err(SpecError::TooShort(Span::ZERO)),
        );
        check(Kind::Speed, None, Err(SpecError::NoWindow));
        assert_eq!(SpecError::TooShort(Span(5)).to_string(), "the window 5us is shorter than 1s");
    }
}
