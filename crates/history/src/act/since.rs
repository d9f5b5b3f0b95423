// SPDX-License-Identifier: Apache-2.0
//! What changed the same since an act: looked for in the journal, for the present state does not say it.
//!
//! A label that an act set may have been set once more since, by a rule, and looks the same. To take it off then would take
//! the rule's word away. So an undoing first walks along all changes since, and leaves alone what somebody else has changed.

use std::collections::HashMap;
use wardroom_engine::acts::{Act, ActError, Deed, Done, Job};
use wardroom_engine::acts::{ActRecord, Body, Changed};
use wardroom_engine::{Acted, Engine, EngineError};
use wardroom_event::Micros;

/// What is known of acts of which one or many are to be undone.
#[derive(Clone, Debug, Default)]
pub struct Since {
    /// By the acts' records: what changed the same since, in words.
    changed: HashMap<u64, Box<str>>,
    /// By item, for a job: the record of its act.
    items: HashMap<u32, u64>,
    /// Which act was the last to change something, by what it changed.
    last: HashMap<String, u64>,
}

impl Since {
    /// What changed the same since an act, in words; empty where nothing is known to have.
    pub fn of(&self, act: u64) -> Box<str> {
        self.changed.get(&act).cloned().unwrap_or_default()
    }

    /// The record of the act of an item; 0 where there is none, or no longer.
    pub(super) fn act_of(&self, item: u32) -> u64 {
        self.items.get(&item).copied().unwrap_or(0)
    }

    /// Takes notice of a record, `ours` if it is one of the acts that are to be undone.
    fn take(&mut self, seq: u64, acted: &Acted, ours: bool) {
        for Changed { mark, before, after, .. } in acted.changes() {
            let mark = format!("{mark:?}");
            if ours {
                self.last.insert(mark, seq);
            } else if let Some(act) = self.last.get(&mark)
                && (before != after || matches!(acted, Acted::Rule { .. } | Acted::Again(_)))
            {
                let words = || format!("changed by {}", who(seq, acted)).into();
                self.changed.entry(*act).or_insert_with(words);
            }
        }
    }
}

fn who(seq: u64, acted: &Acted) -> String {
    match acted {
        Acted::Rule { rule, decision, .. } => format!("rule `{rule}` on decision {decision}"),
        Acted::Again(record) => {
            format!("judging event {} again, by {} (record {seq})", record.event, record.by)
        }
        Acted::Act(record) => format!("{} (act {seq})", record.by),
    }
}

/// Walks along all acts and changes since the first act of a job. Blocks on the disk.
///
/// # Errors
/// When the journal cannot be read.
pub(super) fn of_job(engine: &Engine, job: &Job) -> Result<Since, EngineError> {
    let mut since = Since::default();
    if job.acts.0 == 0 {
        return Ok(since);
    }
    engine.acts_between(job.acts.0, u64::MAX, |seq, acted| {
        let (item, is_undo) = match &acted {
            Acted::Act(ActRecord { item, body, .. }) => (*item, matches!(body, Body::Undone { .. })),
            Acted::Again(record) => (record.item, false),
            Acted::Rule { .. } => (None, false),
        };
        let ours = item.filter(|item| item.job == job.id);
        match ours {
            // What was undone of it before a restart is no change by another.
            Some(_) if is_undo => {}
            // An undoing that was refused comes after the act itself, which is the one that counts.
            Some(item) => {
                since.items.entry(item.item).or_insert(seq);
                since.take(seq, &acted, true);
            }
            None => since.take(seq, &acted, false),
        }
    })?;
    Ok(since)
}

/// What changed the same since one act. Blocks on the disk.
///
/// # Errors
/// When the journal cannot be read.
pub fn changed_since(engine: &Engine, act: u64) -> Result<Box<str>, EngineError> {
    let mut since = Since::default();
    engine.acts_between(act, u64::MAX, |seq, acted| since.take(seq, &acted, seq == act))?;
    Ok(since.of(act))
}

/// Undoes one act, by hand.
///
/// # Errors
/// [`ActError`].
pub async fn undo(engine: &Engine, act: u64, source: &str, by: &str, now: Micros) -> Result<Done, ActError> {
    let since = changed_since(engine, act).map_err(|e| ActError::Journal(e.to_string()))?;
    let act = Act { deed: Deed::Undo { act, since }, source: source.into(), by: by.into(), item: None };
    let mut done = engine.act(vec![act], now).await?;
    done.pop().ok_or(ActError::NoAct(0))
}
