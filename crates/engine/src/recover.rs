// SPDX-License-Identifier: Apache-2.0
//! Restart: the journal from its beginning, folded into the state it left.

use crate::active::{Active, Origin};
use crate::flow::Flow;
use crate::record::{Dictionary, Part, decode_event, kind};
use crate::seen::Seen;
use crate::{EngineError, SwapError};
use std::path::Path;
use std::sync::Arc;
use wardroom_event::Micros;
use wardroom_journal::{Frame, Reader};
use wardroom_policy::Bundle;
use wardroom_state::{Keyer, Secret};

/// What the journal left.
pub(crate) struct Folded {
    /// The policy in force and all that was counted under it; `None` where there never was one.
    pub(crate) state: Option<(Flow, Arc<Dictionary>)>,
    pub(crate) seen: Seen,
    /// The version that was last taken from the policy directory.
    pub(crate) directory: Option<Arc<str>>,
    /// Events folded.
    pub(crate) events: u64,
    /// Events not counted, since the policy they were made under no longer compiles.
    pub(crate) uncounted: u64,
    /// Why the policy last in force does not compile, if that is so: its events are not counted.
    pub(crate) broken: Option<String>,
}

/// The fold, in progress.
struct Fold {
    secret: Secret,
    keyer: Keyer,
    folded: Folded,
    /// Texts since the last head. A crash between texts and head leaves some that belong to no policy.
    parts: Vec<Part>,
}

/// Folds the whole journal in `dir`.
pub(crate) fn fold(dir: &Path, secret: Secret) -> Result<Folded, EngineError> {
    let folded = Folded {
        state: None,
        seen: Seen::new(secret),
        directory: None,
        events: 0,
        uncounted: 0,
        broken: None,
    };
    let mut fold = Fold { secret, keyer: Keyer::new(secret), folded, parts: Vec::new() };
    let mut reader = Reader::open(dir)?;
    while let Some(frame) = reader.next_frame()? {
        fold.frame(&frame)?;
    }
    Ok(fold.folded)
}

impl Fold {
    fn frame(&mut self, frame: &Frame<'_>) -> Result<(), EngineError> {
        if frame.is_prologue() {
            return Ok(());
        }
        let seq = frame.position.seq;
        let unreadable = |why| EngineError::Record { seq, why };
        match frame.kind {
            kind::DECIDED | kind::RECORDED => self.event(seq, frame.kind, frame.payload).map_err(unreadable),
            kind::POLICY_PART => {
                Part::decode(frame.payload).map(|part| self.parts.push(part)).map_err(unreadable)
            }
            kind::POLICY => {
                let dictionary = Dictionary::decode(frame.payload).map_err(unreadable)?;
                self.policy(dictionary);
                Ok(())
            }
            // A kind of a later version: what it means is not for this one to say.
            _ => Ok(()),
        }
    }

    fn event(&mut self, seq: u64, kind: u8, payload: &[u8]) -> Result<(), String> {
        let Some((flow, dictionary)) = &mut self.folded.state else {
            return Err("an event before any policy".to_owned());
        };
        let event = decode_event(payload, kind == kind::DECIDED, dictionary)?;
        if self.folded.broken.is_some() {
            self.folded.uncounted += 1;
        } else {
            flow.count(&event);
        }
        self.folded.seen.insert(&event.id, seq, event.received);
        self.folded.events += 1;
        Ok(())
    }

    fn policy(&mut self, mut dictionary: Dictionary) {
        let bundle = self.bundle(dictionary.parts);
        if dictionary.origin == Origin::Directory {
            self.folded.directory = Some(dictionary.version.clone());
        }
        let before = self.folded.state.as_ref().map(|(flow, _)| flow.active().program.schema.clone());
        let compiled = Active::compile(bundle, dictionary.origin, &self.keyer, before.as_ref());
        let time = dictionary.time;
        self.folded.broken = match compiled {
            // Events are decoded by the dictionary and counted by the program: both must number types alike.
            Ok((active, _)) if *active.program.schema == *dictionary.schema => {
                dictionary.schema = active.program.schema.clone();
                self.adopt(active, time, dictionary);
                None
            }
            other => {
                self.keep(time, dictionary);
                Some(other.map_or_else(|e| why(&e), |_| "it declares other event types now".to_owned()))
            }
        };
    }

    /// The policy whose text lies in the last `parts` records of text.
    fn bundle(&mut self, parts: u64) -> Bundle {
        let mut found = std::mem::take(&mut self.parts);
        let orphans = found.len().saturating_sub(usize::try_from(parts).unwrap_or(usize::MAX));
        Part::join(found.split_off(orphans))
    }

    fn adopt(&mut self, active: Active, time: Micros, dictionary: Dictionary) {
        let active = Arc::new(active);
        let flow = match self.folded.state.take() {
            Some((mut flow, _)) => {
                flow.swap(active, time);
                flow
            }
            None => Flow::new(self.secret, active, time),
        };
        self.folded.state = Some((flow, Arc::new(dictionary)));
    }

    /// A policy that compiled once and does not now: its events keep their ids, and the counters rest.
    fn keep(&mut self, time: Micros, dictionary: Dictionary) {
        let flow = match self.folded.state.take() {
            Some((flow, _)) => flow,
            None => Flow::new(self.secret, Arc::new(Active::empty()), time),
        };
        self.folded.state = Some((flow, Arc::new(dictionary)));
    }
}

/// In one line, why a policy cannot be put in force.
fn why(error: &SwapError) -> String {
    match error {
        SwapError::Policy { diagnostics, .. } => {
            let first = diagnostics.iter().find(|d| d.is_error());
            first.map_or_else(|| error.to_string(), |d| d.message.to_string())
        }
        other => other.to_string(),
    }
}

impl Folded {
    /// Whether the policy last in force is the one the flow runs.
    pub(crate) fn runs_its_policy(&self) -> bool {
        self.state.as_ref().is_some_and(|(flow, d)| *flow.active().program.version.0 == *d.version)
    }

    /// Why there is none to go on with.
    pub(crate) fn no_policy(&self) -> EngineError {
        match (&self.state, &self.broken) {
            (Some((_, dictionary)), Some(why)) => {
                EngineError::OldPolicy { version: dictionary.version.to_string(), why: why.clone() }
            }
            _ => EngineError::NoPolicy,
        }
    }
}
