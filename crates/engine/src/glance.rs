// SPDX-License-Identifier: Apache-2.0
//! A look at a journal that somebody else may be writing: which policy is in force, and when the newest event was.
//!
//! For tools that must not take the lock: it reads the newest segment, folds nothing and changes nothing.

use crate::EngineError;
use crate::active::Origin;
use crate::decision::Stored;
use crate::record::{Dictionary, Part, decode_stored, kind, policy_of};
use crate::snapshot::{self, Stand};
use std::path::Path;
use wardroom_event::Micros;
use wardroom_journal::{FsDisk, JournalError, Keyring, Reader, segments};
use wardroom_policy::Bundle;

/// What the end of a journal says.
#[derive(Clone, Debug)]
pub struct Glance {
    /// The number of the newest record; 0 where there is none.
    pub last_seq: u64,
    /// The policy in force; `None` where there never was one.
    pub policy: Option<PolicyGlance>,
    /// Number and time of the newest event, where the newest segment has one.
    pub newest_event: Option<(u64, Micros)>,
    /// When the newest record was written: by the arrival of that event, or else when the newest segment was begun; later
    /// where a policy was put in force later.
    pub newest: Option<Micros>,
}

/// The policy that a journal has in force.
#[derive(Clone, Debug)]
pub struct PolicyGlance {
    /// The version of its text.
    pub version: String,
    /// Where it came from.
    pub origin: Origin,
    /// When it was put in force.
    pub since: Micros,
    /// Its text; `None` where the records that held it are no longer kept.
    pub bundle: Option<Bundle>,
}

impl Glance {
    /// Looks at the journal in `dir`, which is the folder `journal` of a data directory. An encrypted one is read with
    /// its keys.
    ///
    /// # Errors
    /// When it cannot be read, for want of the key as well, or the newest segment holds what this program cannot read.
    pub fn at(dir: &Path, keys: &Keyring) -> Result<Glance, EngineError> {
        let mut glance = Glance { last_seq: 0, policy: None, newest_event: None, newest: None };
        let Some(&newest) = segments(dir)?.last() else {
            return Ok(glance);
        };
        glance.last_seq = newest - 1;
        let mut head: Option<Dictionary> = None;
        let mut event = Newest::default();
        let mut found = None;
        let mut reader = Reader::open(dir)?.with_keys(keys).from(newest)?;
        while let Some(frame) = reader.next_frame()? {
            let seq = frame.position.seq;
            if !frame.is_prologue() {
                glance.last_seq = seq;
            }
            match frame.kind {
                kind::POLICY => {
                    // What came before is written with the names of the policy before.
                    found = event.read(head.as_ref()).or(found);
                    head = Some(
                        Dictionary::decode(frame.payload).map_err(|why| EngineError::Record { seq, why })?,
                    );
                }
                kind::DECIDED | kind::RECORDED => event.keep(seq, frame.kind == kind::DECIDED, frame.payload),
                _ => {}
            }
        }
        found = event.read(head.as_ref()).or(found);
        let written = found.as_ref().map(|(_, event)| event.received).or(reader.created_micros().map(Micros));
        glance.newest = written.max(head.as_ref().map(|head| head.time));
        glance.newest_event = found.map(|(seq, event)| (seq, event.time));
        glance.policy = head.map(|head| PolicyGlance::of(dir, keys, &head)).transpose()?;
        Ok(glance)
    }
}

/// The newest event seen, as its record holds it.
#[derive(Default)]
struct Newest {
    seq: u64,
    judged: bool,
    payload: Vec<u8>,
}

impl Newest {
    fn keep(&mut self, seq: u64, judged: bool, payload: &[u8]) {
        (self.seq, self.judged) = (seq, judged);
        self.payload.clear();
        self.payload.extend_from_slice(payload);
    }

    /// Its number and itself; nothing where there is none, or it cannot be read: a look is no check.
    fn read(&self, head: Option<&Dictionary>) -> Option<(u64, Stored)> {
        let head = head.filter(|head| policy_of(&self.payload) == Ok(head.seq))?;
        let stored = decode_stored(self.seq, self.judged, &self.payload, head).ok()?;
        Some((self.seq, stored))
    }
}

impl PolicyGlance {
    fn of(dir: &Path, keys: &Keyring, head: &Dictionary) -> Result<PolicyGlance, EngineError> {
        let bundle = kept_text(dir, keys, head)?;
        Ok(PolicyGlance { version: head.version.to_string(), origin: head.origin, since: head.time, bundle })
    }
}

/// A policy's text, from the journal in `dir` or, where retention has taken it from there, from a snapshot beside it; `None`
/// where neither has it.
pub(crate) fn kept_text(
    dir: &Path,
    keys: &Keyring,
    head: &Dictionary,
) -> Result<Option<Bundle>, EngineError> {
    let is_it = |bundle: &Bundle| *bundle.version().0 == *head.version;
    match text(dir, keys, head) {
        Ok(bundle) if is_it(&bundle) => return Ok(Some(bundle)),
        Ok(_) | Err(EngineError::Journal(JournalError::Gone { .. })) => {}
        Err(error) => return Err(error),
    }
    let Some(data) = dir.parent() else { return Ok(None) };
    let stand = Stand { disk: &FsDisk, dir: &snapshot::directory(data), keys };
    // A snapshot that cannot be read is one that does not have it: a look is no check.
    Ok(snapshot::policy_text(stand, head.seq).ok().flatten().filter(is_it))
}

/// A policy's text: it lies right before its head.
fn text(dir: &Path, keys: &Keyring, head: &Dictionary) -> Result<Bundle, EngineError> {
    let mut parts = Vec::new();
    let mut reader = Reader::open(dir)?.with_keys(keys).from(head.seq.saturating_sub(head.parts).max(1))?;
    while let Some(frame) = reader.next_frame()? {
        let seq = frame.position.seq;
        if seq >= head.seq && !frame.is_prologue() {
            break;
        }
        if frame.kind == kind::POLICY_PART {
            parts.push(Part::decode(frame.payload).map_err(|why| EngineError::Record { seq, why })?);
        }
    }
    Ok(Part::join(parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Engine, Work};

    const POLICY: &str = "event hit:\n    ip: ip\n";

    #[test]
    fn a_journal_in_use_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { segment_bytes: 4096, ..Config::new(dir.path().join("data")) };
        let journal = config.data.join("journal");
        let bundle = Bundle::single("a.ward", POLICY);
        let (engine, _) = Engine::open(&config, Some(bundle.clone()), Micros(5)).unwrap();
        let before = Glance::at(&journal, &Keyring::default()).unwrap();
        assert_eq!((before.last_seq, before.newest_event, before.newest), (2, None, Some(Micros(5))));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // Beyond the first segment, so that the policy's text lies in another than the newest.
        for n in 0..100 {
            let json = format!(r#"{{"type":"hit","id":"{n}","time":"{}","ip":"192.0.2.1"}}"#, Micros(10 + n));
            let event = engine.intake(json.as_bytes(), Micros(1000)).unwrap();
            runtime.block_on(engine.submit(vec![event], Work::Decide)).unwrap();
        }
        assert!(segments(&journal).unwrap().len() > 1);
        let glance = Glance::at(&journal, &Keyring::default()).unwrap();
        assert_eq!((glance.last_seq, glance.newest_event), (102, Some((102, Micros(109)))));
        assert_eq!(glance.newest, Some(Micros(1000)));
        let policy = glance.policy.unwrap();
        assert_eq!((policy.version, policy.origin), (bundle.version().to_string(), Origin::Directory));
        let files = |b: &Bundle| b.files().map(|(p, t)| (p.to_owned(), t.to_owned())).collect::<Vec<_>>();
        assert_eq!((policy.since, policy.bundle.as_ref().map(files)), (Micros(5), Some(files(&bundle))));
    }

    #[test]
    fn an_empty_journal_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let glance = Glance::at(dir.path(), &Keyring::default()).unwrap();
        assert_eq!((glance.last_seq, glance.policy.is_none(), glance.newest), (0, true, None));
    }
}
