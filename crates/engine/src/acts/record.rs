// SPDX-License-Identifier: Apache-2.0
//! An act as its record says it: who, what, and what was there before. `docs/src/records.md` has the bytes.

use super::{Deed, Held, JobItem, Mark, Subject};
use crate::record::{Input, Unreadable, kind_byte, many, put_i64, put_kind_byte, put_len, put_text, put_u64};
use crate::record::{put_until, put_value, until, value};
use wardroom_event::Micros;

const VERSION: u8 = 1;

/// One act.
#[derive(Clone, Debug, PartialEq)]
pub struct ActRecord {
    /// When it was done.
    pub at: Micros,
    /// Who did it.
    pub by: Box<str>,
    /// Whose word it is.
    pub source: Box<str>,
    /// The job it was done for.
    pub item: Option<JobItem>,
    /// What was done.
    pub body: Body,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A label or an entry was set or taken off, with what was there before and after. Of a label on an event rules see
    /// nothing, and both are [`Held::Not`].
    Made {
        /// A [`Deed::Label`] or a [`Deed::List`].
        deed: Deed,
        /// What was there.
        before: Held,
        /// What was there from then on.
        after: Held,
    },
    /// A case or a webhook goes out.
    Sent(Deed),
    /// What an act changed is what it was, as far as nothing else had changed it. What its source said of a label it says
    /// no more, and what it had said before counts again.
    Undone {
        /// The act.
        act: u64,
        /// What was restored.
        changes: Vec<Changed>,
        /// What was not, each in words.
        left: Vec<Box<str>>,
    },
    /// An item of a job could not be done.
    Refused(Box<str>),
}

/// A label or an entry that was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Which.
    pub mark: Mark,
    /// The rule it follows from; empty where it follows from none.
    pub rule: Box<str>,
    /// What was there.
    pub before: Held,
    /// What was there from then on.
    pub after: Held,
}

impl ActRecord {
    /// As bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_head(out, self.at, &self.by, &self.source, self.item);
        match &self.body {
            Body::Made { deed, before, after } => {
                out.push(1);
                put_deed(out, deed);
                put_held(out, *before);
                put_held(out, *after);
            }
            Body::Sent(deed) => {
                out.push(2);
                put_deed(out, deed);
            }
            Body::Undone { act, changes, left } => {
                out.push(3);
                put_u64(out, *act);
                put_changes(out, changes);
                put_len(out, left.len());
                left.iter().for_each(|why| put_text(out, why));
            }
            Body::Refused(why) => {
                out.push(4);
                put_text(out, why);
            }
        }
    }

    /// Reads the payload of a record of kind 10.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn decode(payload: &[u8]) -> Result<ActRecord, String> {
        let mut input = Input::new(payload);
        version(&mut input, "an act", VERSION)?;
        let (at, by, source, item) = head(&mut input)?;
        let body = match input.byte()? {
            1 => {
                let deed = deed(&mut input)?;
                Body::Made { deed, before: held(&mut input)?, after: held(&mut input)? }
            }
            2 => Body::Sent(deed(&mut input)?),
            3 => Body::Undone {
                act: input.u64()?,
                changes: changes(&mut input)?,
                left: many(&mut input, |i| Ok(i.text()?.into()))?,
            },
            4 => Body::Refused(input.text()?.into()),
            tag => return Err(format!("an unknown act {tag}")),
        };
        input.finish()?;
        Ok(ActRecord { at, by, source, item, body })
    }

    /// What it changed of what rules see.
    pub(crate) fn changes(&self) -> Vec<Changed> {
        match &self.body {
            Body::Made { deed, before, after } => {
                let changed = |(mark, _)| Changed { mark, rule: "".into(), before: *before, after: *after };
                deed.mark().map(changed).into_iter().collect()
            }
            Body::Undone { changes, .. } => changes.clone(),
            Body::Sent(_) | Body::Refused(_) => Vec::new(),
        }
    }
}

pub(super) fn version(input: &mut Input<'_>, what: &str, known: u8) -> Result<(), Unreadable> {
    match input.byte()? {
        version if version == known => Ok(()),
        other => Err(format!("{what} of version {other}; this program reads version {known}")),
    }
}

/// When, by whom, whose word, for which job: what acts begin with.
pub(super) fn put_head(out: &mut Vec<u8>, at: Micros, by: &str, source: &str, item: Option<JobItem>) {
    put_i64(out, at.0);
    put_text(out, by);
    put_text(out, source);
    out.push(u8::from(item.is_some()));
    if let Some(JobItem { job, item }) = item {
        put_u64(out, job);
        put_u64(out, item.into());
    }
}

type Head = (Micros, Box<str>, Box<str>, Option<JobItem>);

pub(super) fn head(input: &mut Input<'_>) -> Result<Head, Unreadable> {
    let (at, by, source) = (Micros(input.i64()?), input.text()?.into(), input.text()?.into());
    let item = match input.byte()? {
        0 => None,
        _ => Some(JobItem { job: input.u64()?, item: small(input)? }),
    };
    Ok((at, by, source, item))
}

pub(super) fn small(input: &mut Input<'_>) -> Result<u32, Unreadable> {
    u32::try_from(input.u64()?).map_err(|_| "a number is too large".to_owned())
}

pub(super) fn put_held(out: &mut Vec<u8>, held: Held) {
    match held {
        Held::Not => out.push(0),
        Held::Always => out.push(1),
        Held::Until(end) => {
            out.push(2);
            put_i64(out, end.0);
        }
    }
}

pub(super) fn held(input: &mut Input<'_>) -> Result<Held, Unreadable> {
    Ok(match input.byte()? {
        0 => Held::Not,
        1 => Held::Always,
        2 => Held::Until(Micros(input.i64()?)),
        byte => return Err(format!("something that is there in way {byte}")),
    })
}

fn put_mark(out: &mut Vec<u8>, mark: &Mark) {
    match mark {
        Mark::Label { kind, value, name } => {
            out.push(1);
            put_kind_byte(out, *kind);
            put_value(out, value);
            put_text(out, name);
        }
        Mark::Entry { list, kind, value } => {
            out.push(2);
            put_text(out, list);
            put_kind_byte(out, *kind);
            put_value(out, value);
        }
    }
}

fn mark(input: &mut Input<'_>) -> Result<Mark, Unreadable> {
    Ok(match input.byte()? {
        1 => {
            let (kind, value) = (kind_byte(input)?, value(input)?);
            Mark::Label { kind, value, name: input.text()?.into() }
        }
        2 => {
            let list = input.text()?.into();
            Mark::Entry { list, kind: kind_byte(input)?, value: value(input)? }
        }
        tag => return Err(format!("an unknown mark {tag}")),
    })
}

pub(super) fn put_changes(out: &mut Vec<u8>, changes: &[Changed]) {
    put_len(out, changes.len());
    for Changed { mark, rule, before, after } in changes {
        put_mark(out, mark);
        put_text(out, rule);
        put_held(out, *before);
        put_held(out, *after);
    }
}

pub(super) fn changes(input: &mut Input<'_>) -> Result<Vec<Changed>, Unreadable> {
    many(input, |i| {
        let (mark, rule) = (mark(i)?, i.text()?.into());
        Ok(Changed { mark, rule, before: held(i)?, after: held(i)? })
    })
}

pub(super) fn put_deed(out: &mut Vec<u8>, deed: &Deed) {
    match deed {
        Deed::Label { subject, label, says, until, confidence, note, about } => {
            out.push(1);
            match subject {
                Subject::Event(event) => {
                    out.push(0);
                    put_u64(out, *event);
                }
                Subject::Entity { kind, value } => {
                    out.push(1);
                    put_kind_byte(out, *kind);
                    put_value(out, value);
                }
            }
            put_text(out, label);
            out.push(u8::from(*says));
            put_until(out, *until);
            out.push(u8::from(confidence.is_some()));
            if let Some(confidence) = confidence {
                out.extend_from_slice(&confidence.to_le_bytes());
            }
            put_text(out, note);
            put_until(out, *about);
        }
        Deed::List { list, kind, value, put, until } => {
            out.push(2);
            put_text(out, list);
            put_kind_byte(out, *kind);
            put_value(out, value);
            out.push(u8::from(*put));
            put_until(out, *until);
        }
        Deed::Case { event, queue } => put_about(out, 3, *event, queue),
        Deed::Webhook { event, name } => put_about(out, 4, *event, name),
        Deed::Again { event } => put_about(out, 5, *event, ""),
        Deed::Undo { act, since } => put_about(out, 6, *act, since),
    }
}

fn put_about(out: &mut Vec<u8>, tag: u8, event: u64, name: &str) {
    out.push(tag);
    put_u64(out, event);
    put_text(out, name);
}

pub(super) fn deed(input: &mut Input<'_>) -> Result<Deed, Unreadable> {
    let tag = input.byte()?;
    Ok(match tag {
        1 => {
            let subject = match input.byte()? {
                0 => Subject::Event(input.u64()?),
                _ => Subject::Entity { kind: kind_byte(input)?, value: value(input)? },
            };
            let (label, says, until_) = (input.text()?.into(), input.byte()? != 0, until(input)?);
            let confidence = match input.byte()? {
                0 => None,
                _ => Some(f64::from_le_bytes(input.array()?)),
            };
            let (note, about) = (input.text()?.into(), until(input)?);
            Deed::Label { subject, label, says, until: until_, confidence, note, about }
        }
        2 => {
            let list = input.text()?.into();
            let (kind, value, put) = (kind_byte(input)?, value(input)?, input.byte()? != 0);
            Deed::List { list, kind, value, put, until: until(input)? }
        }
        3..=6 => {
            let (event, name) = (input.u64()?, Box::<str>::from(input.text()?));
            match tag {
                3 => Deed::Case { event, queue: name },
                4 => Deed::Webhook { event, name },
                5 => Deed::Again { event },
                _ => Deed::Undo { act: event, since: name },
            }
        }
        _ => return Err(format!("an unknown deed {tag}")),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::record::any_value;
    use proptest::prelude::*;
    use wardroom_event::Type;

    fn any_time() -> impl Strategy<Value = Option<Micros>> {
        prop::option::of(any::<i64>().prop_map(Micros))
    }

    fn any_kind() -> impl Strategy<Value = Type> {
        prop::sample::select(Type::ALL.to_vec())
    }

    fn any_held() -> impl Strategy<Value = Held> {
        prop_oneof![Just(Held::Not), Just(Held::Always), any::<i64>().prop_map(|t| Held::Until(Micros(t)))]
    }

    pub(crate) fn any_deed() -> BoxedStrategy<Deed> {
        let name = || ".{0,12}".prop_map(Box::<str>::from);
        let entity =
            (any_kind(), any_value().boxed()).prop_map(|(kind, value)| Subject::Entity { kind, value });
        let subject = prop_oneof![any::<u64>().prop_map(Subject::Event), entity];
        let label =
            (subject, name(), any::<bool>(), any_time(), prop::option::of(0.0..=1.0), name(), any_time());
        prop_oneof![
            label.prop_map(|(subject, label, says, until, confidence, note, about)| Deed::Label {
                subject,
                label,
                says,
                until,
                confidence,
                note,
                about
            }),
            (name(), any_kind(), any_value().boxed(), any::<bool>(), any_time())
                .prop_map(|(list, kind, value, put, until)| Deed::List { list, kind, value, put, until }),
            (any::<u64>(), name()).prop_map(|(event, queue)| Deed::Case { event, queue }),
            (any::<u64>(), name()).prop_map(|(event, name)| Deed::Webhook { event, name }),
            any::<u64>().prop_map(|event| Deed::Again { event }),
            (any::<u64>(), name()).prop_map(|(act, since)| Deed::Undo { act, since }),
        ]
        .boxed()
    }

    fn any_changed() -> BoxedStrategy<Changed> {
        let name = || ".{0,12}".prop_map(Box::<str>::from);
        let mark = (any::<bool>(), any_kind(), any_value().boxed(), name()).prop_map(
            |(label, kind, value, name)| {
                if label {
                    Mark::Label { kind, value, name }
                } else {
                    Mark::Entry { list: name, kind, value }
                }
            },
        );
        (mark, name(), any_held(), any_held())
            .prop_map(|(mark, rule, before, after)| Changed { mark, rule, before, after })
            .boxed()
    }

    fn any_body() -> BoxedStrategy<Body> {
        let texts = prop::collection::vec(".{0,20}".prop_map(Box::<str>::from), 0..3);
        prop_oneof![
            (any_deed(), any_held(), any_held()).prop_map(|(deed, before, after)| Body::Made {
                deed,
                before,
                after
            }),
            any_deed().prop_map(Body::Sent),
            (any::<u64>(), prop::collection::vec(any_changed(), 0..3), texts)
                .prop_map(|(act, changes, left)| Body::Undone { act, changes, left }),
            ".{0,20}".prop_map(|why| Body::Refused(why.into())),
        ]
        .boxed()
    }

    proptest! {
        #[test]
        fn an_act_comes_back(body in any_body(), at in any::<i64>(), by in ".{0,9}", item in prop::option::of(any::<(u64, u32)>()), junk in prop::collection::vec(any::<u8>(), 0..80)) {
            let item = item.map(|(job, item)| JobItem { job, item });
            let record = ActRecord { at: Micros(at), by: by.into(), source: "key:desk".into(), item, body };
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            prop_assert_eq!(format!("{:?}", ActRecord::decode(&bytes).unwrap()), format!("{record:?}"));
            let _ = ActRecord::decode(&junk);
            bytes.pop();
            prop_assert!(ActRecord::decode(&bytes).is_err());
        }
    }
}
