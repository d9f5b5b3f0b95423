// SPDX-License-Identifier: Apache-2.0
//! What a job has done, item by item, as the journal tells it.

use serde::Serialize;
use wardroom_engine::acts::{Body, Job};
use wardroom_engine::{Acted, Engine, EngineError};
use wardroom_event::{Micros, Sight};

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The record that says so: its number as a text, for programs that have no such numbers.
    #[serde(serialize_with = "as_text")]
    pub seq: u64,
    /// The item, from 0.
    pub item: u32,
    /// When.
    #[serde(serialize_with = "as_time")]
    pub at: Micros,
    /// `made`, `sent`, `judged`, `undone`, `partly` (undone), `refused`.
    pub outcome: &'static str,
    /// What was done, or why it was not.
    pub what: String,
    /// What it changed.
    pub changes: Vec<String>,
    /// What was not undone, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

fn as_text<S: serde::Serializer>(seq: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(seq)
}

fn as_time<S: serde::Serializer>(at: &Micros, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

/// Walks along what a job has done and undone, after record `after`. Blocks on the disk.
///
/// # Errors
/// When the journal cannot be read.
pub fn entries(
    engine: &Engine,
    job: &Job,
    after: u64,
    sight: Sight,
    mut each: impl FnMut(Entry),
) -> Result<(), EngineError> {
    if job.acts.0 == 0 {
        return Ok(());
    }
    engine.acts_between(job.acts.0.max(after.saturating_add(1)), job.acts.1, |seq, acted| {
        let (item, at) = match &acted {
            Acted::Act(record) => (record.item, record.at),
            Acted::Again(record) => (record.item, record.at),
            Acted::Rule { .. } => return,
        };
        let Some(item) = item.filter(|item| item.job == job.id).map(|item| item.item) else { return };
        let change = |c: &wardroom_engine::acts::Changed| {
            format!("{}: was {}, is {}", c.mark.show(sight), c.before, c.after)
        };
        let changes = acted.changes().iter().map(change).collect();
        let (outcome, what, left) = said(&acted, sight);
        each(Entry { seq, item, at, outcome, what, changes, left });
    })
}

fn said(acted: &Acted, sight: Sight) -> (&'static str, String, Vec<String>) {
    match acted {
        Acted::Again(record) => ("judged", format!("event {} judged again", record.event), Vec::new()),
        Acted::Rule { rule, .. } => ("made", rule.to_string(), Vec::new()),
        Acted::Act(record) => match &record.body {
            Body::Made { deed, .. } => ("made", deed.show(sight), Vec::new()),
            Body::Sent(deed) => ("sent", deed.show(sight), Vec::new()),
            Body::Undone { act, left, .. } => {
                let outcome = if left.is_empty() { "undone" } else { "partly" };
                (outcome, format!("act {act} undone"), left.iter().map(|why| why.to_string()).collect())
            }
            Body::Refused(why) => ("refused", why.to_string(), Vec::new()),
        },
    }
}
