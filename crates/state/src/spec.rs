// SPDX-License-Identifier: Apache-2.0
//! What a counter is: its kind and its window, checked once.

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
    /// `count` and `distinct` would grow for ever.
    #[error("a window is missing")]
    NoWindow,
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
            None if kind != Kind::FirstSeen => Err(SpecError::NoWindow),
            Some(w) if w < limits::WINDOW_MIN => Err(SpecError::TooShort(w)),
            Some(w) if w > limits::WINDOW_MAX => Err(SpecError::TooLong(w)),
            _ => Ok(Spec { kind, window }),
        }
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
        self.window.map_or(Span::ZERO, |w| Span(tile_len(w)))
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
        assert_eq!(SpecError::TooShort(Span(5)).to_string(), "the window 5us is shorter than 1s");
    }
}
