// SPDX-License-Identifier: Apache-2.0
//! What a record says, in words: for those who look at a journal without serving from it.
//!
//! Nothing is judged or counted here, and no policy needs to compile: names come from the heads that the journal holds.

use crate::acts::{self, ActRecord, AgainRecord, Body, Changed, JobHead, JobStep};
use crate::decision::Stored;
use crate::limits;
use crate::record::{
    Change, Dictionary, ErasureRecord, ForgetRecord, Part, WarmingRecord, decode_stored, kind, policy_of,
};
use std::collections::BTreeMap;
use wardroom_event::{Micros, Sight};
use wardroom_journal::Frame;
use wardroom_policy::Piece;

/// One record in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Its kind, as the book names it; `unknown` for one of a later version.
    pub kind: &'static str,
    /// When what it records happened, where it says.
    pub time: Option<Micros>,
    /// What it says, in order. Identifiers of people are shown as asked for.
    pub details: Vec<(&'static str, Detail)>,
}

/// One thing that a record says.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
    /// Names with their values as texts; none where a value is missing.
    Values(Vec<(String, Option<String>)>),
}

/// The name of a kind of records, as the book has it; none for one of a later version.
#[must_use]
pub fn kind_name(number: u8) -> Option<&'static str> {
    Some(match number {
        kind::LOST => "lost",
        kind::DECIDED => "decided",
        kind::RECORDED => "recorded",
        kind::POLICY_PART => "policy text",
        kind::POLICY => "policy head",
        kind::WARMING => "warming",
        kind::CHANGE => "change",
        kind::FORGET => "forget",
        kind::EFFECT => "effect",
        kind::OUTBOX => "outbox",
        kind::ACT => "act",
        kind::JOB_PART => "job items",
        kind::JOB => "job",
        kind::JOB_STEP => "job step",
        kind::AGAIN => "again",
        kind::ERASURE => "erasure",
        _ => return None,
    })
}

/// Describes records in the journal's order, and remembers the names they refer to. It must see every frame of a segment,
/// prologue first, up to the one that is asked about.
#[derive(Debug, Default)]
pub struct Describer {
    policies: BTreeMap<u64, Dictionary>,
}

impl Describer {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Describer {
        Describer::default()
    }

    /// Takes note of a record without describing it.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn pass(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        if frame.kind == kind::POLICY {
            let found = Dictionary::decode(frame.payload)?;
            self.policies.insert(found.seq, found);
            if self.policies.len() > limits::DICTIONARIES {
                self.policies.pop_first();
            }
        }
        Ok(())
    }

    /// Describes a record.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn describe(&mut self, frame: &Frame<'_>, sight: Sight) -> Result<Description, String> {
        self.pass(frame)?;
        let (time, details) = match frame.kind {
            kind::DECIDED | kind::RECORDED => self.event(frame, sight)?,
            kind::POLICY_PART => part(&Part::decode(frame.payload)?),
            kind::POLICY => self.policy(frame)?,
            kind::WARMING => self.warming(&WarmingRecord::decode(frame.payload)?),
            kind::CHANGE => change(&Change::decode(frame.payload)?, sight),
            kind::FORGET => forget(ForgetRecord::decode(frame.payload)?),
            kind::ACT => act(&ActRecord::decode(frame.payload)?, sight),
            kind::JOB_PART => {
                (None, vec![("items", Detail::Number(acts::items(frame.payload)?.len() as u64))])
            }
            kind::JOB => job(JobHead::decode(frame.payload)?, sight),
            kind::JOB_STEP => job_step(&JobStep::decode(frame.payload)?),
            kind::AGAIN => self.again(frame, sight)?,
            kind::ERASURE => erasure(&ErasureRecord::decode(frame.payload)?),
            kind::LOST => (None, Vec::new()),
            _ => (None, vec![("bytes", Detail::Number(frame.payload.len() as u64))]),
        };
        Ok(Description { kind: kind_name(frame.kind).unwrap_or("unknown"), time, details })
    }

    fn event(&self, frame: &Frame<'_>, sight: Sight) -> Result<Details, String> {
        let policy = policy_of(frame.payload)?;
        let names = self.policies.get(&policy);
        let names = names.ok_or_else(|| format!("the head of its policy, record {policy}, was not found"))?;
        let judged = frame.kind == kind::DECIDED;
        let stored = decode_stored(frame.position.seq, judged, frame.payload, names)?;
        Ok((Some(stored.time), event(&stored, sight)))
    }

    fn again(&self, frame: &Frame<'_>, sight: Sight) -> Result<Details, String> {
        let (record, decided) = AgainRecord::split(frame.payload)?;
        let policy = policy_of(decided)?;
        let names = self.policies.get(&policy);
        let names = names.ok_or_else(|| format!("the head of its policy, record {policy}, was not found"))?;
        let stored = decode_stored(frame.position.seq, true, decided, names)?;
        let mut details = vec![("of", Detail::Number(record.event)), ("by", Detail::Text(record.by.into()))];
        details.push(("changes", changes(&record.changes, sight)));
        details.append(&mut event(&stored, sight));
        Ok((Some(record.at), details))
    }

    fn policy(&self, frame: &Frame<'_>) -> Result<Details, String> {
        let found = Dictionary::decode(frame.payload)?;
        let details = vec![
            ("version", Detail::Text(found.version.to_string())),
            ("origin", Detail::Text(found.origin.name().to_owned())),
            ("texts", Detail::Number(found.parts)),
            ("event_types", Detail::Number(found.schema.len() as u64)),
            ("features", Detail::Number(found.features.len() as u64)),
            ("rules", Detail::Number(found.rules.len() as u64)),
        ];
        Ok((Some(found.time), details))
    }

    fn warming(&self, found: &WarmingRecord) -> Details {
        let names = self.policies.get(&found.policy);
        let named = |n: &usize| {
            let name = names.and_then(|names| names.features.get(*n));
            name.map_or_else(|| format!("feature {n}"), |(id, _)| id.to_string())
        };
        (None, vec![("features", Detail::Texts(found.features.iter().map(named).collect()))])
    }
}

type Details = (Option<Micros>, Vec<(&'static str, Detail)>);

fn erasure(found: &ErasureRecord) -> Details {
    let digest = found.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let details = vec![
        ("subject", Detail::Text(found.kind.name().to_owned())),
        ("digest", Detail::Text(digest)),
        ("token", Detail::Text(found.token.to_string())),
    ];
    (Some(found.at), details)
}

fn event(stored: &Stored, sight: Sight) -> Vec<(&'static str, Detail)> {
    let text = |text: &str| Detail::Text(text.to_owned());
    let fields = stored.fields.iter().map(|(field, value)| {
        (field.name.to_string(), (!value.is_missing()).then(|| field.show(value, sight)))
    });
    let mut out = vec![("type", text(&stored.event_type)), ("id", text(&stored.id.id))];
    if !stored.id.source.is_empty() {
        out.push(("source", text(&stored.id.source)));
    }
    out.push(("received", Detail::Text(stored.received.to_string())));
    out.push(("policy", text(&stored.policy)));
    out.push(("fields", Detail::Values(fields.collect())));
    let Some(judged) = &stored.judged else { return out };
    let served = judged
        .served
        .iter()
        .map(|(id, kind, value)| (id.to_string(), (!value.is_missing()).then(|| value.show(*kind, sight))));
    out.push(("features", Detail::Values(served.collect())));
    out.push(("verdict", Detail::Text(judged.verdict.to_string())));
    let signals = judged.signals.iter().map(|signal| {
        let shadow = if signal.decides { "" } else { " (shadow)" };
        format!("{} {}{shadow}: {}", signal.rule, signal.verdict, Piece::join(&signal.because, sight))
    });
    out.push(("signals", Detail::Texts(signals.collect())));
    let effects = judged.signals.iter().flat_map(|signal| signal.effects.iter().map(|e| e.show(sight)));
    out.push(("effects", Detail::Texts(effects.collect())));
    out
}

/// The text itself is not shown: it is long, and lies in the policy directory or behind the API.
fn part(part: &Part) -> Details {
    let bytes = Detail::Number(part.text.len() as u64);
    (None, vec![("path", Detail::Text(part.path.clone())), ("bytes", bytes)])
}

fn forget(found: ForgetRecord) -> Details {
    let definitions = found.definitions.into_iter().map(String::from).collect();
    (None, vec![("definitions", Detail::Texts(definitions))])
}

fn change(change: &Change, sight: Sight) -> Details {
    let details = vec![
        ("decision", Detail::Number(change.decision)),
        ("rule", Detail::Text(change.rule.to_string())),
        ("effect", Detail::Text(change.effect.show(sight))),
    ];
    (Some(change.at), details)
}

fn changes(changes: &[Changed], sight: Sight) -> Detail {
    let one = |c: &Changed| format!("{}: was {}, is {}", c.mark.show(sight), c.before, c.after);
    Detail::Texts(changes.iter().map(one).collect())
}

fn act(record: &ActRecord, sight: Sight) -> Details {
    let text = |text: &str| Detail::Text(text.to_owned());
    let mut details = vec![("by", text(&record.by)), ("source", text(&record.source))];
    if let Some(item) = record.item {
        details.push(("job", Detail::Number(item.job)));
        details.push(("item", Detail::Number(item.item.into())));
    }
    match &record.body {
        Body::Made { deed, .. } | Body::Sent(deed) => details.push(("does", Detail::Text(deed.show(sight)))),
        Body::Undone { act, left, .. } => {
            details.push(("undoes", Detail::Number(*act)));
            details.push(("left", Detail::Texts(left.iter().map(|why| why.to_string()).collect())));
        }
        Body::Refused(why) => details.push(("refused", text(why))),
    }
    details.push(("changes", changes(&record.changes(), sight)));
    (Some(record.at), details)
}

/// What somebody wrote: it may name whom it is about, and where identifiers are masked only its length is told.
fn written(text: Box<str>, sight: Sight) -> Detail {
    match sight {
        Sight::Full => Detail::Text(text.into()),
        Sight::Masked => Detail::Text(format!("{} characters", text.chars().count())),
    }
}

fn job(head: JobHead, sight: Sight) -> Details {
    let details = vec![
        ("by", Detail::Text(head.by.into())),
        ("what", written(head.what, sight)),
        ("from", written(head.from, sight)),
        ("reason", written(head.reason, sight)),
        ("items", Detail::Number(head.items.into())),
    ];
    (Some(head.at), details)
}

fn job_step(step: &JobStep) -> Details {
    let details = vec![
        ("job", Detail::Number(step.job)),
        ("step", Detail::Text(step.step.name().to_owned())),
        ("by", Detail::Text(step.by.to_string())),
    ];
    (Some(step.at), details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_of_a_job_is_told_only_whole_or_by_its_length() {
        let head = || JobHead {
            at: Micros(1),
            by: "ann".into(),
            source: "key:ann".into(),
            key: "".into(),
            what: "{}".into(),
            from: "login where account == \"bob\"".into(),
            reason: "Bob wrote".into(),
            items: 1,
            parts: vec![1],
            second: false,
        };
        let told = |sight| format!("{:?}", job(head(), sight).1);
        let masked = told(Sight::Masked);
        assert!(!masked.to_lowercase().contains("bob") && masked.contains("9 characters"), "{masked}");
        assert!(masked.contains("ann") && told(Sight::Full).contains("Bob wrote"), "{masked}");
    }
}
