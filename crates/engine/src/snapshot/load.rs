// SPDX-License-Identifier: Apache-2.0
//! The newest state that snapshots hold: a restart goes on from there.
//!
//! A chain is read once, and each section is believed as it comes, for it has its own checksum. Where a file then turns out
//! not to be whole, what was loaded is dropped and the chain is read again up to the file before it; where that is none, the
//! chain before. A restart that finds no good one has only lost time.

use super::chain::{self, Chain, Listed};
use super::file::Sections;
use super::format::{Bad, Identity, section};
use super::pass::{self, Filling, Past};
use crate::EngineError;
use crate::active::Active;
use crate::flow::Flow;
use crate::record::Dictionary;
use crate::seen::Seen;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wardroom_event::Micros;
use wardroom_journal::{Disk, Keyring};
use wardroom_policy::Bundle;
use wardroom_state::Secret;

/// A snapshot that was passed over at a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its file.
    pub path: PathBuf,
    /// Why, in words.
    pub why: String,
}

/// State from a snapshot.
pub(crate) struct Loaded {
    /// The last record counted when it began: the fold goes on after it.
    pub(crate) begin: u64,
    pub(crate) flow: Flow,
    pub(crate) seen: Seen,
    /// The policy in force then.
    pub(crate) dictionary: Dictionary,
    pub(crate) past: Past,
    /// When the newest event had arrived.
    pub(crate) time: Micros,
}

/// What a snapshot must fit to be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fits {
    pub(crate) secret: Secret,
    /// The journal's first record that is kept, and its last.
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// Where snapshots lie, and how they are read.
#[derive(Clone, Copy)]
pub(crate) struct Stand<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) dir: &'a Path,
    pub(crate) keys: &'a Keyring,
}

impl Stand<'_> {
    fn open(self, path: &Path) -> Result<Sections, Bad> {
        Sections::open(self.disk, path, self.keys)
    }
}

/// Loads the newest good snapshot; none where there is none. What was no good is noted.
pub(crate) fn newest(
    stand: Stand<'_>,
    active: &Arc<Active>,
    fits: Fits,
    ids: &dyn Fn() -> Result<Seen, EngineError>,
    skipped: &mut Vec<Skipped>,
) -> io::Result<Option<Loaded>> {
    for chain in chain::chains(stand.disk, stand.dir)? {
        let mut chain = &chain[..];
        while !chain.is_empty() {
            match load(stand, chain, active, fits, ids) {
                Ok(loaded) => return Ok(Some(loaded)),
                Err((at, why)) => {
                    skipped.push(Skipped { path: chain[at].path.clone(), why });
                    chain = &chain[..at];
                }
            }
        }
    }
    Ok(None)
}

/// Loads a chain; or says which of its files is no good, and why.
fn load(
    stand: Stand<'_>,
    chain: &[Listed],
    active: &Arc<Active>,
    fits: Fits,
    ids: &dyn Fn() -> Result<Seen, EngineError>,
) -> Result<Loaded, (usize, Bad)> {
    let newest = chain.len() - 1;
    let mut flow = Flow::of(fits.secret, active.clone(), |_| false);
    let mut seen = ids().map_err(|e| (newest, e.to_string()))?;
    // Which ids lie in files is what the newest of the chain says.
    let held = stand.open(&chain[newest].path).and_then(|mut sections| head(&mut sections, None));
    let ids = held.map_err(|why| (newest, why))?.ids;
    seen.resume(ids).map_err(|e| (newest, e.to_string()))?;
    let mut before: Option<Identity> = None;
    let mut last = None;
    for (at, listed) in chain.iter().enumerate() {
        let filled = fill(stand, listed, before, fits, &mut flow, &mut seen);
        let (found, identity, time) = filled.map_err(|why| (at, why))?;
        last = Some((listed.begin, found, time));
        before = Some(identity);
    }
    let Some((begin, head, time)) = last else { return Err((0, "it is not there".to_owned())) };
    if begin + 1 < fits.first {
        let why = format!("it ends at record {begin}, and the journal begins with record {}", fits.first);
        return Err((newest, why));
    }
    flow.loaded();
    let pass::Head { dictionary, past, .. } = head;
    Ok(Loaded { begin, flow, seen, dictionary, past, time })
}

fn fill(
    stand: Stand<'_>,
    listed: &Listed,
    before: Option<Identity>,
    fits: Fits,
    flow: &mut Flow,
    seen: &mut Seen,
) -> Result<(pass::Head, Identity, Micros), Bad> {
    let mut sections = stand.open(&listed.path)?;
    let header = *sections.header();
    if header.begin != listed.begin || header.parent.is_some() != listed.is_delta {
        return Err("it does not bear its own name".to_owned());
    }
    if header.secret != super::secret_mark(fits.secret) {
        return Err("it was made under another secret".to_owned());
    }
    if header.begin > fits.last {
        return Err(format!("it knows record {}, and the journal ends with {}", header.begin, fits.last));
    }
    if header.parent != before {
        return Err("it adds to another snapshot than the one before it".to_owned());
    }
    let head = head(&mut sections, Some(&mut *flow))?;
    let mut filling = Filling::new(flow, seen, listed.is_delta);
    while let Some((kind, payload)) = sections.next()? {
        filling.section(kind, payload)?;
    }
    Ok((head, sections.read(), header.time))
}

fn head(sections: &mut Sections, flow: Option<&mut Flow>) -> Result<pass::Head, Bad> {
    match sections.next()? {
        Some((section::HEAD, payload)) => pass::read_head(payload, flow),
        _ => Err("it does not begin with a head".to_owned()),
    }
}

/// The text of the policy whose head is record `seq`, from a snapshot: with retention the journal may no longer have it.
pub(crate) fn policy_text(stand: Stand<'_>, seq: u64) -> io::Result<Option<Bundle>> {
    let chains: Vec<Chain> = chain::chains(stand.disk, stand.dir)?;
    let text = |listed: &Listed| text_in(stand, &listed.path, seq).ok().flatten();
    Ok(chains.iter().flat_map(|chain| chain.iter().rev()).find_map(text))
}

fn text_in(stand: Stand<'_>, path: &Path, seq: u64) -> Result<Option<Bundle>, Bad> {
    let mut sections = stand.open(path)?;
    if head(&mut sections, None)?.dictionary.seq != seq {
        return Ok(None);
    }
    let mut parts = Vec::new();
    while let Some((section::POLICY_PART, payload)) = sections.next()? {
        parts.push(payload.to_vec());
    }
    pass::text(&parts).map(Some)
}
