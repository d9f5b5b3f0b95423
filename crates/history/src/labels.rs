// SPDX-License-Identifier: Apache-2.0
//! What was known at a time: opinions of several sources about one subject, and what follows from them.
//!
//! Nothing is overwritten. Each source has one opinion about each label of a subject at a time, its newest; another source
//! takes nothing of it away. An opinion counts at a time if it was known by then, is not over by then, and its source has
//! neither said otherwise by then nor has the act been undone by which it was said. So a backtest asks what was known when it
//! would have decided, and gets the same answer however much was learned later.
//!
//! Pure: it knows neither how opinions are stored nor what a subject is. Whoever has a subject's opinions, in the order of
//! their records, asks here.

use std::collections::BTreeMap;
use wardroom_event::Micros;

/// What somebody said of one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// The record that says so: later records have greater numbers.
    pub seq: u64,
    /// When it was known: from then on, at that very time too.
    pub known: Micros,
    /// Whose word it is: `rule:ID`, `key:NAME`, `import:NAME`, `case:QUEUE`.
    pub source: Box<str>,
    /// The label.
    pub label: Box<str>,
    /// What is said of it.
    pub said: Said,
    /// Until when it holds; for good where it does not say. No longer at that very time.
    pub until: Option<Micros>,
    /// How sure the source is, from 0 to 1.
    pub confidence: Option<f64>,
}

/// What is said of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The subject bears it.
    Yes,
    /// It does not, and what the same source said before counts no more.
    No,
    /// The act of this record is undone: what was said by it was never said, and what its source had said before counts
    /// again.
    Undone(u64),
}

/// What a subject is, by the labels that say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// It is abuse.
    Abuse,
    /// It is not.
    Good,
    /// Somebody says the one, and somebody the other.
    Disputed,
}

impl Class {
    /// Its name, as queries write it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Abuse => "abuse",
            Class::Good => "good",
            Class::Disputed => "disputed",
        }
    }
}

/// Which labels make a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// Those that mean abuse.
    pub abuse: Vec<Box<str>>,
    /// Those that mean that all is well.
    pub good: Vec<Box<str>>,
}

impl Default for Classes {
    /// `abuse` and `good`.
    fn default() -> Classes {
        Classes { abuse: vec!["abuse".into()], good: vec!["good".into()] }
    }
}

impl Classes {
    fn of(&self, label: &str) -> Option<Class> {
        let is = |labels: &[Box<str>]| labels.iter().any(|l| **l == *label);
        match (is(&self.abuse), is(&self.good)) {
            (true, true) => Some(Class::Disputed),
            (true, false) => Some(Class::Abuse),
            (false, true) => Some(Class::Good),
            (false, false) => None,
        }
    }
}

/// The opinions that count at a time, of all that were ever said of a subject, in the order of their records: for each
/// label and source the newest, if it says that the subject bears the label. They come by label, then by source.
pub fn known_at(opinions: &[Opinion], at: Micros) -> impl Iterator<Item = &Opinion> {
    let mut newest: BTreeMap<(&str, &str), Vec<&Opinion>> = BTreeMap::new();
    for opinion in opinions.iter().filter(|opinion| opinion.known <= at) {
        let said = newest.entry((&opinion.label, &opinion.source)).or_default();
        match opinion.said {
            // Whoever undoes may be another than who had said it, so it is looked for among all.
            Said::Undone(act) => newest.values_mut().for_each(|said| said.retain(|o| o.seq != act)),
            Said::Yes | Said::No => said.push(opinion),
        }
    }
    let last = newest.into_values().filter_map(|said| said.last().copied());
    last.filter(move |o| o.said == Said::Yes && o.until.is_none_or(|until| at < until))
}

/// The labels that somebody says a subject bears at a time, each once, in order.
pub fn labels_at(opinions: &[Opinion], at: Micros) -> Vec<&str> {
    let mut labels: Vec<&str> = known_at(opinions, at).map(|opinion| &*opinion.label).collect();
    labels.dedup();
    labels
}

/// What a subject is at a time, where anybody says so.
pub fn class_at(opinions: &[Opinion], classes: &Classes, at: Micros) -> Option<Class> {
    known_at(opinions, at).filter_map(|opinion| classes.of(&opinion.label)).reduce(together)
}

/// What an event is at a time: what is said of itself, or where nobody says anything of that kind, what is said of its
/// entities, all of them together.
pub fn class_of_event<'a>(
    itself: &[Opinion],
    entities: impl IntoIterator<Item = &'a [Opinion]>,
    classes: &Classes,
    at: Micros,
) -> Option<Class> {
    class_at(itself, classes, at)
        .or_else(|| entities.into_iter().filter_map(|one| class_at(one, classes, at)).reduce(together))
}

fn together(one: Class, other: Class) -> Class {
    if one == other { one } else { Class::Disputed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn opinion(seq: u64, known: i64, source: &str, label: &str, said: Said) -> Opinion {
        let (source, label) = (source.into(), label.into());
        Opinion { seq, known: Micros(known), source, label, said, until: None, confidence: None }
    }

    fn check(opinions: &[Opinion], at: i64, labels: &[&str], class: Option<Class>) {
        assert_eq!(labels_at(opinions, Micros(at)), labels, "at {at}");
        assert_eq!(class_at(opinions, &Classes::default(), Micros(at)), class, "at {at}");
    }

    #[test]
    fn sources_disagree_and_neither_is_overwritten() {
        let mut said = vec![
            opinion(1, 10, "rule:farm", "abuse", Said::Yes),
            opinion(2, 20, "key:ann", "good", Said::Yes),
            opinion(3, 30, "rule:farm", "abuse", Said::No),
        ];
        check(&said, 9, &[], None);
        check(&said, 10, &["abuse"], Some(Class::Abuse));
        check(&said, 20, &["abuse", "good"], Some(Class::Disputed));
        check(&said, 30, &["good"], Some(Class::Good));
        said.push(Opinion { until: Some(Micros(50)), ..opinion(4, 40, "key:bob", "abuse", Said::Yes) });
        check(&said, 49, &["abuse", "good"], Some(Class::Disputed));
        check(&said, 50, &["good"], Some(Class::Good));
        // Another's no takes nothing of Ann's word away.
        said.push(opinion(5, 60, "key:bob", "good", Said::No));
        check(&said, 60, &["good"], Some(Class::Good));
    }

    #[test]
    fn what_is_undone_was_not_said_and_what_was_said_before_counts_again() {
        let said = [
            Opinion { until: Some(Micros(100)), ..opinion(1, 10, "key:ann", "abuse", Said::Yes) },
            opinion(2, 20, "key:ann", "abuse", Said::No),
            opinion(3, 30, "key:bob", "abuse", Said::Undone(2)),
        ];
        check(&said, 20, &[], None);
        check(&said, 30, &["abuse"], Some(Class::Abuse));
        check(&said, 100, &[], None);
    }

    #[test]
    fn an_event_is_what_is_said_of_itself_or_else_of_its_entities() {
        let abuse = [opinion(1, 1, "s", "abuse", Said::Yes)];
        let good = [opinion(2, 1, "s", "good", Said::Yes)];
        let other = [opinion(3, 1, "s", "vip", Said::Yes)];
        let check = |itself: &[Opinion], entities: &[&[Opinion]], expect| {
            let class = class_of_event(itself, entities.iter().copied(), &Classes::default(), Micros(5));
            assert_eq!(class, expect);
        };
        check(&good, &[&abuse], Some(Class::Good));
        check(&other, &[&abuse, &other], Some(Class::Abuse));
        check(&[], &[&abuse, &good], Some(Class::Disputed));
        check(&[], &[&other], None);
        let both = Classes { abuse: vec!["vip".into()], good: vec!["vip".into()] };
        assert_eq!(class_at(&other, &both, Micros(5)), Some(Class::Disputed));
    }

    /// The rule in one sentence each, slowly: an opinion counts if it is a yes, known, not over, not undone by what is
    /// known, and no later one of the same source and label that is known and not undone.
    fn slowly(opinions: &[Opinion], at: Micros) -> BTreeSet<u64> {
        let known: Vec<&Opinion> = opinions.iter().filter(|o| o.known <= at).collect();
        let undone = |seq: u64| known.iter().any(|o| o.seq > seq && o.said == Said::Undone(seq));
        let stands = |o: &&&Opinion| !matches!(o.said, Said::Undone(_)) && !undone(o.seq);
        let counts = |o: &&&Opinion| {
            let later = |p: &&&Opinion| p.seq > o.seq && p.source == o.source && p.label == o.label;
            stands(o)
                && o.said == Said::Yes
                && o.until.is_none_or(|until| at < until)
                && !known.iter().filter(stands).any(|p| later(&p))
        };
        known.iter().filter(counts).map(|o| o.seq).collect()
    }

    fn any_opinions() -> impl Strategy<Value = Vec<Opinion>> {
        let one = (0i64..6, 0u8..3, 0u8..3, 0u8..6, prop::option::of(0i64..60));
        prop::collection::vec(one, 0..24).prop_map(|drawn| {
            let mut known = 0;
            let of = |(n, (step, source, label, said, until)): (usize, (i64, u8, u8, u8, Option<i64>))| {
                known += step;
                let seq = n as u64 + 1;
                let said = match said {
                    0..3 => Said::Yes,
                    3 | 4 => Said::No,
                    _ => Said::Undone(seq.saturating_sub(1 + u64::from(source))),
                };
                let label = ["abuse", "good", "vip"][usize::from(label)];
                let until = until.map(Micros);
                Opinion { until, ..opinion(seq, known, ["a", "b", "c"][usize::from(source)], label, said) }
            };
            drawn.into_iter().enumerate().map(of).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_known_is_what_the_rule_says(opinions in any_opinions(), at in -1i64..80) {
            let at = Micros(at);
            let found: BTreeSet<u64> = known_at(&opinions, at).map(|o| o.seq).collect();
            prop_assert_eq!(&found, &slowly(&opinions, at));
            let labels: BTreeSet<&str> = opinions.iter().filter(|o| found.contains(&o.seq)).map(|o| &*o.label).collect();
            prop_assert_eq!(labels_at(&opinions, at), labels.iter().copied().collect::<Vec<_>>());
            let class = match (labels.contains("abuse"), labels.contains("good")) {
                (true, true) => Some(Class::Disputed),
                (true, false) => Some(Class::Abuse),
                (false, true) => Some(Class::Good),
                (false, false) => None,
            };
            prop_assert_eq!(class_at(&opinions, &Classes::default(), at), class);
        }

        /// What was known then does not depend on what was learned since.
        #[test]
        fn the_past_is_not_rewritten(opinions in any_opinions(), at in -1i64..80, cut in 0usize..24) {
            let at = Micros(at);
            let later = opinions.iter().position(|o| o.known > at).unwrap_or(opinions.len());
            let fewer = &opinions[..later.max(cut.min(opinions.len()))];
            let seqs = |of: &[Opinion]| known_at(of, at).map(|o| o.seq).collect::<Vec<_>>();
            prop_assert_eq!(seqs(fewer), seqs(&opinions));
        }
    }
}
