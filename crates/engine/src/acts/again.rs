// SPDX-License-Identifier: Apache-2.0
//! An event that was judged once more, as its record says it: who asked, which event, what followed, and the decision.

use super::record::{changes, head, put_changes, put_head, version};
use super::{Changed, JobItem};
use crate::record::{Input, Unreadable, put_u64};
use wardroom_event::Micros;

const VERSION: u8 = 1;

/// An event that was judged once more. It counts nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct AgainRecord {
    /// When: the decision is that of an event of this moment.
    pub at: Micros,
    /// Who asked.
    pub by: Box<str>,
    /// Whose word it is.
    pub source: Box<str>,
    /// The job it was done for.
    pub item: Option<JobItem>,
    /// The record of the event.
    pub event: u64,
    /// What followed from it of labels and lists.
    pub changes: Vec<Changed>,
}

impl AgainRecord {
    /// As bytes, which the decision follows as a record of kind 1 has it.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_head(out, self.at, &self.by, &self.source, self.item);
        put_u64(out, self.event);
        put_changes(out, &self.changes);
    }

    /// Reads it off the payload of a record of kind 14, and gives what follows: the decision.
    pub(crate) fn split(payload: &[u8]) -> Result<(AgainRecord, &[u8]), Unreadable> {
        let mut input = Input::new(payload);
        version(&mut input, "an event judged again", VERSION)?;
        let (at, by, source, item) = head(&mut input)?;
        let (event, changes) = (input.u64()?, changes(&mut input)?);
        Ok((AgainRecord { at, by, source, item, event, changes }, input.rest()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Held, Mark};
    use super::*;
    use wardroom_event::{Type, Value};

    #[test]
    fn it_is_read_off_and_the_decision_is_left() {
        let mark = Mark::Label { kind: Type::Account, value: Value::Text("ann".into()), name: "farm".into() };
        let changes =
            vec![Changed { mark, rule: "r".into(), before: Held::Not, after: Held::Until(Micros(9)) }];
        let item = Some(JobItem { job: 7, item: 3 });
        let record =
            AgainRecord { at: Micros(5), by: "b".into(), source: "s".into(), item, event: 4, changes };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        bytes.extend_from_slice(b"decided");
        assert_eq!(AgainRecord::split(&bytes), Ok((record, &b"decided"[..])));
        for end in 0..bytes.len() - b"decided".len() {
            assert!(AgainRecord::split(&bytes[..end]).is_err(), "{end}");
        }
    }
}
