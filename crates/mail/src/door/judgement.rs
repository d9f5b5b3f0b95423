// SPDX-License-Identifier: Apache-2.0
//! What is decided of a message: one record, which each door puts in the words of its protocol.

use super::limits;
use std::fmt;
use std::time::Duration;

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// It is delivered.
    Inbox,
    /// It is delivered, and marked as neither here nor there.
    Doubt,
    /// It is delivered as spam.
    Spam,
    /// It is delivered as an attempt to deceive.
    Phish,
    /// It is refused, and its sender is told.
    Reject,
    /// It is refused for now.
    Tempfail,
    /// It waits for a person.
    Hold,
    /// It is taken and thrown away. Nobody is told, so nothing decides this on its own.
    Discard,
}

impl Class {
    /// Each of them.
    pub const ALL: [Class; 8] = [
        Class::Inbox,
        Class::Doubt,
        Class::Spam,
        Class::Phish,
        Class::Reject,
        Class::Tempfail,
        Class::Hold,
        Class::Discard,
    ];

    /// Its name, in headers and figures.
    pub fn name(self) -> &'static str {
        match self {
            Class::Inbox => "inbox",
            Class::Doubt => "doubt",
            Class::Spam => "spam",
            Class::Phish => "phish",
            Class::Reject => "reject",
            Class::Tempfail => "tempfail",
            Class::Hold => "hold",
            Class::Discard => "discard",
        }
    }

    /// Whether a mail program is to put it where spam is.
    pub fn is_spam(self) -> bool {
        matches!(self, Class::Spam | Class::Phish | Class::Reject | Class::Hold | Class::Discard)
    }
}

/// What a listener does with a message that cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailMode {
    /// It is accepted, and says that it was not scanned.
    Tag,
    /// It is refused for now: its sender tries again.
    Tempfail,
}

/// Why a message was not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It took too long.
    Late,
    /// There was too much to do.
    Busy,
    /// The server was stopping.
    Stopping,
    /// No rule that is in force takes mail.
    NoRules,
    /// The server could not keep what it would have decided.
    Failed,
}

impl Why {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Why::Late => "it took too long",
            Why::Busy => "the server is busy",
            Why::Stopping => "the server is stopping",
            Why::NoRules => "no rule takes mail",
            Why::Failed => "the server failed",
        }
    }
}

/// Whether it was judged at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was.
    Scanned,
    /// It was not: there is no score of it, and what becomes of it is the listener's fail mode.
    NotScanned(Why),
}

/// A reason, as a door names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// The rule's or the feature's id.
    pub id: String,
    /// What it says, for people.
    pub words: String,
    /// How much it weighs, in log-odds, where that is known.
    pub weight: Option<f64>,
}

/// The short code of a case: ten letters and digits that nobody mistakes for one another when they are read out over the
/// telephone. It stands in the SMTP reply, in the header and in the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Case(u64);

impl Case {
    /// The code of a number: its lowest fifty bits.
    pub fn of(number: u64) -> Case {
        Case(number & ((1 << 50) - 1))
    }
}

/// Crockford's alphabet: no I, L, O and U.
const LETTERS: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M',
    'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for place in (0..10).rev() {
            f.write_char(LETTERS[(self.0 >> (5 * place)) as usize & 31])?;
            if place == 5 {
                f.write_char('-')?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({self})")
    }
}

/// What is decided of a message, or of a recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What is to become of it.
    pub class: Class,
    /// How likely it is spam, from 0 to 1, where a model has said so.
    pub probability: Option<f64>,
    /// Why, the strongest first.
    pub reasons: Vec<Reason>,
    /// Its code.
    pub case: Case,
    /// Whether it was judged.
    pub state: State,
    /// Headers that the rules add of their own.
    pub headers: Vec<(String, String)>,
    /// What a refusal says, where the rules say it.
    pub say: Option<String>,
    /// How long it took.
    pub took: Duration,
}

impl Judgement {
    /// A judgement without reasons.
    pub fn new(class: Class, case: Case) -> Judgement {
        Judgement {
            class,
            probability: None,
            reasons: Vec::new(),
            case,
            state: State::Scanned,
            headers: Vec::new(),
            say: None,
            took: Duration::ZERO,
        }
    }

    /// What a listener says of a message that was not judged.
    pub fn not_scanned(why: Why, mode: FailMode, case: Case) -> Judgement {
        let class = match mode {
            FailMode::Tag => Class::Inbox,
            FailMode::Tempfail => Class::Tempfail,
        };
        Judgement { state: State::NotScanned(why), ..Judgement::new(class, case) }
    }

    /// Why it was not judged, where it was not.
    pub fn missed(&self) -> Option<Why> {
        match self.state {
            State::Scanned => None,
            State::NotScanned(why) => Some(why),
        }
    }

    /// The reasons that a reply names.
    pub(super) fn named(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().take(limits::REASONS)
    }

    /// Its place on a scale, where it was judged. A judgement that no model had a part in stands at the lower end of its range.
    pub fn on(&self, scale: &Scale) -> Option<f64> {
        if self.missed().is_some() {
            return None;
        }
        let (low, high) = match self.class {
            Class::Inbox => (0.0, scale.doubt),
            Class::Doubt | Class::Tempfail => (scale.doubt, scale.spam),
            Class::Spam | Class::Phish => (scale.spam, scale.reject),
            Class::Reject | Class::Hold | Class::Discard => (scale.reject, scale.reject + scale.spam),
        };
        // Not quite the upper end, also when it is rounded to two digits: that is where the next range begins.
        let share = self.probability.filter(|p| p.is_finite()).map_or(0.0, |p| p.clamp(0.0, 1.0));
        Some(low + (high - low - 0.01) * share)
    }

    /// The SMTP reply of what is refused.
    pub fn refusal(&self) -> Option<Refusal> {
        let (code, status, words) = match (self.class, self.state) {
            (Class::Tempfail, State::NotScanned(why)) => {
                (451, "4.7.1", format!("Not checked: {}, try again later", why.words()))
            }
            (Class::Tempfail, State::Scanned) => {
                (451, "4.7.1", self.saying("Not accepted for now, try again later"))
            }
            (Class::Reject, _) => (550, "5.7.1", self.saying("Refused as unwanted mail")),
            _ => return None,
        };
        Some(Refusal { code, status, text: super::text::reply(&format!("{words} (case {})", self.case)) })
    }

    fn saying(&self, otherwise: &str) -> String {
        // Room for the code of the case, which is what a sender can ask with.
        super::text::plain(self.say.as_deref().unwrap_or(otherwise), limits::REPLY_BYTES - 32)
    }
}

/// An SMTP reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its code.
    pub code: u16,
    /// Its enhanced status.
    pub status: &'static str,
    /// Its text, on one line.
    pub text: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.code, self.status, self.text)
    }
}

/// Where a protocol's classes begin on its scale of points. Each class has its range and the probability is the place in it, so
/// that no score contradicts what was decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// From here it is in doubt.
    pub doubt: f64,
    /// From here it is spam.
    pub spam: f64,
    /// From here it is refused.
    pub reject: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale { doubt: 4.0, spam: 6.0, reject: 15.0 };

    #[test]
    fn a_case_is_ten_letters_and_each_number_has_its_own() {
        assert_eq!(Case::of(0).to_string(), "00000-00000");
        assert_eq!(Case::of((1 << 50) - 1).to_string(), "ZZZZZ-ZZZZZ");
        assert_eq!(Case::of(0x1_2345_6789_abcd).to_string(), "938NK-RKAYD");
        assert_eq!(Case::of(u64::MAX), Case::of((1 << 50) - 1));
    }

    #[test]
    fn a_score_is_on_the_side_of_each_limit_that_the_class_is_on() {
        for class in Class::ALL {
            let mut last = f64::NEG_INFINITY;
            for p in [None, Some(0.0), Some(0.3), Some(1.0), Some(7.0), Some(f64::NAN)] {
                let score =
                    Judgement { probability: p, ..Judgement::new(class, Case::of(1)) }.on(&SCALE).unwrap();
                let score = (score * 100.0).round() / 100.0;
                assert_eq!(score >= SCALE.spam, class.is_spam(), "{class:?} {p:?} {score}");
                assert_eq!(
                    score >= SCALE.reject,
                    class.is_spam() && !matches!(class, Class::Spam | Class::Phish)
                );
                if p.is_some_and(|p| p <= 1.0) {
                    assert!(score >= last);
                    last = score;
                }
            }
        }
    }

    #[test]
    fn what_was_not_judged_has_no_score() {
        for mode in [FailMode::Tag, FailMode::Tempfail] {
            let missed = Judgement::not_scanned(Why::Busy, mode, Case::of(1));
            assert_eq!(missed.on(&SCALE), None);
            assert_eq!(missed.refusal().is_some(), mode == FailMode::Tempfail);
        }
    }

    #[test]
    fn a_refusal_is_one_line_and_has_the_case_however_long_its_words_are() {
        let say = Some(format!("no\r\n250 ok {}", "x".repeat(9_000)));
        let refusal = Judgement { say, ..Judgement::new(Class::Reject, Case::of(31)) }.refusal().unwrap();
        let line = refusal.to_string();
        assert!(line.starts_with("550 5.7.1 no  250 ok x") && line.ends_with("(case 00000-0000Z)"), "{line}");
        assert!(line.len() < 510 && !line.contains(['\r', '\n']));
    }
}
