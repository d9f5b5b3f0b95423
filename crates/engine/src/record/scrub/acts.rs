// SPDX-License-Identifier: Apache-2.0
//! Acts and jobs with other values in them.
//!
//! Names of labels, lists, queues and webhooks are what a policy declares, and stay; who did it and whose word it is are
//! words like any other. A job's texts are what somebody wrote, and mostly hold what was looked for.

use super::Pen;
use crate::acts::{ActRecord, AgainRecord, Body, Changed, Deed, JobHead, JobStep, Mark, Subject};

impl Pen<'_> {
    pub(super) fn act(&mut self, act: &mut ActRecord) {
        self.words(&mut act.by);
        self.words(&mut act.source);
        match &mut act.body {
            Body::Made { deed, .. } | Body::Sent(deed) => self.deed(deed),
            Body::Undone { changes, left, .. } => {
                changes.iter_mut().for_each(|changed| self.change(changed));
                left.iter_mut().for_each(|why| self.words(why));
            }
            Body::Refused(why) => self.words(why),
        }
    }

    pub(super) fn again(&mut self, again: &mut AgainRecord) {
        self.words(&mut again.by);
        self.words(&mut again.source);
        again.changes.iter_mut().for_each(|changed| self.change(changed));
    }

    pub(super) fn job(&mut self, head: &mut JobHead) {
        let JobHead { by, source, key, what, from, reason, .. } = head;
        [by, source, key, what, from, reason].into_iter().for_each(|text| self.words(text));
    }

    pub(super) fn step(&mut self, step: &mut JobStep) {
        self.words(&mut step.by);
    }

    pub(super) fn deed(&mut self, deed: &mut Deed) {
        match deed {
            Deed::Label { subject, note, .. } => {
                if let Subject::Entity { kind, value } = subject {
                    self.shown(Some(*kind), value);
                }
                self.words(note);
            }
            Deed::List { kind, value, .. } => self.shown(Some(*kind), value),
            Deed::Undo { since, .. } => self.words(since),
            Deed::Case { .. } | Deed::Webhook { .. } | Deed::Again { .. } => {}
        }
    }

    fn change(&mut self, changed: &mut Changed) {
        match &mut changed.mark {
            Mark::Label { kind, value, .. } | Mark::Entry { kind, value, .. } => {
                self.shown(Some(*kind), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Dictionary, Hand, kind};
    use super::super::scrub;
    use super::*;
    use crate::acts::{Held, Part, Step, items};
    use wardroom_event::{Micros, Type, Value};

    /// Puts `x` in the place of `ann`, wherever it is shown.
    struct Ann;

    impl Hand for Ann {
        fn value(&mut self, _: Option<Type>, value: &Value) -> Option<Value> {
            matches!(value, Value::Text(text) if &**text == "ann").then(|| Value::Text("x".into()))
        }

        fn text(&mut self, text: &str) -> Option<String> {
            text.contains("ann").then(|| text.replace("ann", "x"))
        }

        fn id(&mut self, text: &str) -> Option<String> {
            self.text(text)
        }
    }

    fn ann() -> Value {
        Value::Text("ann".into())
    }

    fn deeds() -> Vec<Deed> {
        let subject = Subject::Entity { kind: Type::Account, value: ann() };
        let (until, about) = (None, None);
        let label = |subject| Deed::Label {
            subject,
            label: "ann".into(),
            says: true,
            until,
            confidence: Some(0.5),
            note: "of ann".into(),
            about,
        };
        let list =
            Deed::List { list: "ann".into(), kind: Type::Account, value: ann(), put: true, until: None };
        let undo = Deed::Undo { act: 3, since: "ann again".into() };
        vec![label(subject), label(Subject::Event(9)), list, undo, Deed::Case { event: 1, queue: "q".into() }]
    }

    fn changed() -> Vec<Changed> {
        let label = Mark::Label { kind: Type::Account, value: ann(), name: "busy".into() };
        let entry = Mark::Entry { list: "seen".into(), kind: Type::Account, value: ann() };
        let of = |mark| Changed { mark, rule: "r".into(), before: Held::Not, after: Held::Always };
        vec![of(label), of(entry)]
    }

    fn check(of: u8, payload: &[u8], dictionary: Option<&Dictionary>) -> Vec<u8> {
        let out = scrub(of, payload, dictionary, &mut Ann).unwrap().expect("it has it");
        assert!(scrub(of, &out, dictionary, &mut Ann).unwrap().is_none(), "once is enough");
        out
    }

    #[test]
    fn acts_hold_nothing_of_it_but_names_that_a_policy_declares() {
        let bodies = deeds().into_iter().flat_map(|deed| {
            let held = (Held::Not, Held::Until(Micros(7)));
            [Body::Made { deed: deed.clone(), before: held.0, after: held.1 }, Body::Sent(deed)]
        });
        let undone = Body::Undone { act: 4, changes: changed(), left: vec!["ann has it".into()] };
        for body in bodies.chain([undone, Body::Refused("not ann".into())]) {
            let (by, source) = ("ann".into(), "key:ann".into());
            let act = ActRecord { at: Micros(5), by, source, item: None, body };
            let mut bytes = Vec::new();
            act.encode(&mut bytes);
            let read = ActRecord::decode(&check(kind::ACT, &bytes, None)).unwrap();
            let shown = format!("{read:?}").replace("label: \"ann\"", "").replace("list: \"ann\"", "");
            assert!(!shown.contains("ann"), "{shown}");
            assert_eq!((read.at, read.item), (act.at, act.item));
        }
    }

    #[test]
    fn jobs_hold_nothing_of_it() {
        let text = || Box::<str>::from("login where account == \"ann\"");
        let head = JobHead {
            at: Micros(5),
            by: "ann".into(),
            source: "key:ann".into(),
            key: text(),
            what: text(),
            from: text(),
            reason: text(),
            items: 5,
            parts: vec![1, 2],
            second: true,
        };
        let mut bytes = Vec::new();
        head.encode(&mut bytes);
        let read = JobHead::decode(&check(kind::JOB, &bytes, None)).unwrap();
        assert!(!format!("{read:?}").contains("ann"), "{read:?}");
        assert_eq!((read.items, read.parts, read.second), (5, vec![1, 2], true));
        let step = JobStep { job: 9, step: Step::Start, at: Micros(6), by: "ann".into() };
        let mut bytes = Vec::new();
        step.encode(&mut bytes);
        let read = JobStep::decode(&check(kind::JOB_STEP, &bytes, None)).unwrap();
        assert_eq!(read, JobStep { by: "x".into(), ..step });
        for part in Part::encode(&deeds()) {
            let read = items(&check(kind::JOB_PART, &part, None)).unwrap();
            assert_eq!(read.len(), deeds().len());
            let shown = format!("{read:?}").replace("label: \"ann\"", "").replace("list: \"ann\"", "");
            assert!(!shown.contains("ann"), "{shown}");
        }
    }
}
