// SPDX-License-Identifier: Apache-2.0
//! A policy's head: its version, and the names that its events' records refer to by number.

use super::Unreadable;
use super::bytes::{Input, put_i64, put_len, put_text, put_u64};
use super::fields::{beyond_first, beyond_second, fields, put_fields};
use super::values::kind;
use crate::active::{Active, Origin};
use std::collections::HashMap;
use std::sync::Arc;
use wardroom_event::{EventType, Micros, Schema, Type};
use wardroom_policy::Program;

/// The first layout, and what is still written where it is enough.
const FIRST: u8 = 1;
/// Fields may also have shapes, or be facts.
const SHAPED: u8 = 2;
/// Fields may also be kept as hashes.
const HASHED: u8 = 3;

type Named = (Box<str>, Type);

/// Names of all that is served, features that count first and in their order, and by event type which of them are.
fn served(program: &Program) -> (Vec<Named>, Vec<Vec<usize>>) {
    let mut named: Vec<Named> = program.features.iter().map(|f| (f.id.clone(), f.kind)).collect();
    let mut number: HashMap<Named, usize> = named.iter().cloned().zip(0..).collect();
    let mut served = Vec::new();
    for (id, _) in program.schema.iter() {
        let plan = program.plan(id);
        let numbers = plan.serve.iter().map(|s| {
            *number.entry((s.id.clone(), s.kind)).or_insert_with(|| {
                named.push((s.id.clone(), s.kind));
                named.len() - 1
            })
        });
        served.push(numbers.collect());
    }
    (named, served)
}

/// What is needed to read the records made under one policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dictionary {
    /// The number of the record that put the policy in force.
    pub(crate) seq: u64,
    /// When that was.
    pub(crate) time: Micros,
    /// The version of its text.
    pub(crate) version: Arc<str>,
    pub(crate) origin: Origin,
    /// How many records before its head hold its text.
    pub(crate) parts: u64,
    pub(crate) schema: Arc<Schema>,
    /// What is served by number, features that count first: id and type.
    pub(crate) features: Vec<(Box<str>, Type)>,
    /// For each event type, what is served, in order.
    pub(crate) served: Vec<Vec<usize>>,
    /// Rules by number.
    pub(crate) rules: Vec<Box<str>>,
}

impl Dictionary {
    /// Of no policy: before there is one.
    pub(crate) fn nothing() -> Dictionary {
        Dictionary {
            seq: 0,
            time: Micros(0),
            version: "".into(),
            origin: Origin::Directory,
            parts: 0,
            schema: Arc::default(),
            features: Vec::new(),
            served: Vec::new(),
            rules: Vec::new(),
        }
    }

    pub(crate) fn of(active: &Active, seq: u64, time: Micros, parts: u64) -> Dictionary {
        let program = &active.program;
        let (features, served) = served(program);
        Dictionary {
            seq,
            time,
            version: Arc::from(&*program.version.0),
            origin: active.origin,
            parts,
            schema: program.schema.clone(),
            features,
            served,
            rules: program.rules.iter().map(|r| r.id.clone()).collect(),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let any = |beyond: fn(&EventType) -> bool| self.schema.iter().any(|(_, event)| beyond(event));
        let mut out = vec![match (any(beyond_second), any(beyond_first)) {
            (true, _) => HASHED,
            (false, true) => SHAPED,
            (false, false) => FIRST,
        }];
        put_u64(&mut out, self.seq);
        put_i64(&mut out, self.time.0);
        put_text(&mut out, &self.version);
        put_text(&mut out, self.origin.name());
        put_u64(&mut out, self.parts);
        put_len(&mut out, self.schema.len());
        for (i, (_, event)) in self.schema.iter().enumerate() {
            put_text(&mut out, &event.name);
            put_fields(&mut out, event);
            let served = self.served.get(i).map_or(&[][..], Vec::as_slice);
            put_len(&mut out, served.len());
            served.iter().for_each(|n| put_len(&mut out, *n));
        }
        put_len(&mut out, self.features.len());
        for (id, kind) in &self.features {
            put_text(&mut out, id);
            put_text(&mut out, kind.name());
        }
        put_len(&mut out, self.rules.len());
        self.rules.iter().for_each(|id| put_text(&mut out, id));
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Dictionary, Unreadable> {
        let mut input = Input::new(payload);
        let layout = input.byte()?;
        if !(FIRST..=HASHED).contains(&layout) {
            return Err(format!(
                "a policy record of version {layout}; this program reads versions {FIRST} to {HASHED}"
            ));
        }
        let seq = input.u64()?;
        let time = Micros(input.i64()?);
        let version: Arc<str> = input.text()?.into();
        let origin = origin(input.text()?)?;
        let parts = input.u64()?;
        let (types, served): (Vec<EventType>, Vec<Vec<usize>>) =
            many(&mut input, |i| event_type(i, layout))?.into_iter().unzip();
        let features = many(&mut input, |i| Ok((i.text()?.into(), kind(i)?)))?;
        let rules = many(&mut input, |i| Ok(i.text()?.into()))?;
        input.finish()?;
        if served.iter().flatten().any(|n| *n >= features.len()) {
            return Err("it serves a feature it does not name".to_owned());
        }
        let schema = Arc::new(Schema::new(types));
        Ok(Dictionary { seq, time, version, origin, parts, schema, features, served, rules })
    }
}

fn origin(name: &str) -> Result<Origin, Unreadable> {
    let known = [Origin::Directory, Origin::Api].into_iter().find(|o| o.name() == name);
    known.ok_or_else(|| {
        format!("a policy from `{}`, which is unknown", name.chars().take(64).collect::<String>())
    })
}

/// A number of things, then each of them.
pub(crate) fn many<'a, T>(
    input: &mut Input<'a>,
    mut one: impl FnMut(&mut Input<'a>) -> Result<T, Unreadable>,
) -> Result<Vec<T>, Unreadable> {
    let len = input.len()?;
    (0..len).map(|_| one(input)).collect()
}

fn event_type(input: &mut Input<'_>, version: u8) -> Result<(EventType, Vec<usize>), Unreadable> {
    let name = input.text()?.into();
    let fields = fields(input, version)?;
    let served = many(input, |i| usize::try_from(i.u64()?).map_err(|_| "a number is too large".to_owned()))?;
    Ok((EventType { name, fields }, served))
}
