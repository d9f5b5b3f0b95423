// SPDX-License-Identifier: Apache-2.0
//! The policies that were in force, from a journal that somebody else may be writing.
//!
//! Each segment begins with the policy in force, so only those are read in which that changed.

use crate::active::Origin;
use crate::error::EngineError;
use crate::glance::kept_text;
use crate::record::{Dictionary, kind};
use std::path::Path;
use std::sync::Arc;
use wardroom_event::Micros;
use wardroom_journal::{Keyring, Reader, segments};
use wardroom_policy::Bundle;

/// A policy that was in force once.
#[derive(Clone, Debug)]
pub struct PastPolicy {
    /// The record that put it in force; what comes after it was made under it, up to the next of these.
    pub seq: u64,
    /// When that was.
    pub since: Micros,
    /// The version of its text.
    pub version: Arc<str>,
    /// Where it came from.
    pub origin: Origin,
    /// Its text; `None` where the records that held it are no longer kept, and no snapshot has it.
    pub bundle: Option<Bundle>,
}

/// The policies of the journal in `dir`, oldest first. An encrypted one is read with its keys.
///
/// # Errors
/// When it cannot be read.
pub fn past_policies(dir: &Path, keys: &Keyring) -> Result<Vec<PastPolicy>, EngineError> {
    let begins = segments(dir)?;
    let mut found: Vec<PastPolicy> = Vec::new();
    for (at, first) in begins.iter().enumerate() {
        let after = match begins.get(at + 1) {
            Some(next) => begun_under(dir, keys, *next)?,
            None => None,
        };
        let known = found.last().map(|policy| policy.seq);
        if known.is_some() && after == known {
            continue;
        }
        within(dir, keys, *first, begins.get(at + 1).copied().unwrap_or(u64::MAX), &mut found)?;
    }
    Ok(found)
}

/// The number of the policy that a segment begins under.
fn begun_under(dir: &Path, keys: &Keyring, segment: u64) -> Result<Option<u64>, EngineError> {
    let mut reader = Reader::open(dir)?.with_keys(keys).from(segment)?;
    while let Some(frame) = reader.next_frame()? {
        if !frame.is_prologue() {
            break;
        }
        if frame.kind == kind::POLICY {
            let seq = frame.position.seq;
            let found = Dictionary::decode(frame.payload).map_err(|why| EngineError::Record { seq, why })?;
            return Ok(Some(found.seq));
        }
    }
    Ok(None)
}

/// Adds those that came into force within a segment, and the one that it begins under if that is not known.
fn within(
    dir: &Path,
    keys: &Keyring,
    first: u64,
    end: u64,
    found: &mut Vec<PastPolicy>,
) -> Result<(), EngineError> {
    let mut reader = Reader::open(dir)?.with_keys(keys).from(first)?;
    while let Some(frame) = reader.next_frame()? {
        let seq = frame.position.seq;
        if seq >= end {
            break;
        }
        if frame.kind != kind::POLICY {
            continue;
        }
        let head = Dictionary::decode(frame.payload).map_err(|why| EngineError::Record { seq, why })?;
        if found.last().is_some_and(|known| known.seq == head.seq) {
            continue;
        }
        let bundle = kept_text(dir, keys, &head)?;
        let Dictionary { seq, time, version, origin, .. } = head;
        found.push(PastPolicy { seq, since: time, version, origin, bundle });
    }
    Ok(())
}
