// SPDX-License-Identifier: Apache-2.0
//! Which snapshots there are, and what follows which.
//!
//! A chain is a whole snapshot and the deltas after it, each of which names the one before by its checksum. Whether one is
//! good shows when it is read to its end, and not before: a restart reads the newest chain, and older ones only if it must.

use super::format::{self, Identity};
use crate::limits;
use std::io;
use std::path::{Path, PathBuf};
use wardroom_event::Micros;
use wardroom_journal::Disk;

/// A file that is a snapshot by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    pub(super) begin: u64,
    pub(super) is_delta: bool,
    pub(super) path: PathBuf,
}

/// A whole snapshot and what stands after it by name.
pub(super) type Chain = Vec<Listed>;

/// The chain that the next snapshot may add to, as far as it has grown.
#[derive(Clone, Copy)]
pub(super) struct Grown {
    /// Its newest member.
    pub(super) last: Identity,
    /// Bytes of the whole one, and of all deltas together.
    whole: u64,
    deltas: u64,
    /// How many deltas there are.
    count: usize,
    /// When the whole one began.
    since: Micros,
}

impl Grown {
    /// One that begins.
    pub(super) fn whole(identity: Identity, bytes: u64, now: Micros) -> Grown {
        Grown { last: identity, whole: bytes, deltas: 0, count: 0, since: now }
    }

    /// With one delta more.
    pub(super) fn with(self, identity: Identity, bytes: u64) -> Grown {
        Grown { last: identity, deltas: self.deltas + bytes, count: self.count + 1, ..self }
    }

    /// Whether a delta after that record may follow. Not where deltas are together larger than the whole: those are slower
    /// to read than a new one. Nor where there are many, or the whole one is old: then a start opens many files, and
    /// retention, which needs two whole ones, waits long.
    pub(super) fn takes_another(&self, seq: u64, now: Micros) -> bool {
        self.last.begin < seq
            && self.deltas < self.whole
            && self.count < limits::SNAPSHOT_DELTAS
            && now < self.since.plus(limits::SNAPSHOT_WHOLE)
    }
}

/// Files of `dir` that are snapshots by their names, the oldest first; none where there is no directory.
pub(super) fn list(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<Listed>> {
    let names = match disk.list(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let listed = |name: &String| {
        let (begin, is_delta) = format::parse_name(name)?;
        Some(Listed { begin, is_delta, path: dir.join(name) })
    };
    let mut found: Vec<Listed> = names.iter().filter_map(listed).collect();
    found.sort();
    Ok(found)
}

/// The chains of `dir`, the newest first. Deltas before the first whole snapshot are of no use and left out.
pub(super) fn chains(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<Chain>> {
    let mut chains: Vec<Chain> = Vec::new();
    for found in list(disk, dir)? {
        match (found.is_delta, chains.last_mut()) {
            (false, _) => chains.push(vec![found]),
            (true, Some(chain)) => chain.push(found),
            (true, None) => {}
        }
    }
    chains.reverse();
    Ok(chains)
}

fn second_newest(found: &[Listed]) -> Option<&Listed> {
    found.iter().rev().filter(|found| !found.is_delta).nth(1)
}

/// Where the older of two whole snapshots begins, if there are two.
pub(super) fn older(disk: &dyn Disk, dir: &Path) -> io::Result<Option<u64>> {
    Ok(second_newest(&list(disk, dir)?).map(|older| older.begin))
}

/// Removes what is older than the second newest whole snapshot: two chains are kept. Gives where the older begins, if there
/// are two.
pub(super) fn prune(disk: &dyn Disk, dir: &Path) -> io::Result<Option<Listed>> {
    let found = list(disk, dir)?;
    let Some(older) = second_newest(&found) else { return Ok(None) };
    let mut removed = false;
    for old in found.iter().filter(|found| found.begin < older.begin) {
        disk.remove(&old.path)?;
        removed = true;
    }
    if removed {
        disk.sync_dir(dir)?;
    }
    Ok(Some(older.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_journal::SimDisk;

    fn dir() -> &'static Path {
        Path::new("/d")
    }

    fn make(disk: &SimDisk, begin: u64, is_delta: bool) {
        disk.replace(&format::path(dir(), begin, is_delta), b"x").unwrap();
    }

    fn shown(disk: &SimDisk) -> Vec<Vec<u64>> {
        let begins = |chain: &Chain| chain.iter().map(|listed| listed.begin).collect();
        chains(disk, dir()).unwrap().iter().map(begins).collect()
    }

    #[test]
    fn deltas_stand_after_their_whole_one_and_the_newest_goes_first() {
        let disk = SimDisk::new(1, 1 << 20);
        assert_eq!(shown(&disk), Vec::<Vec<u64>>::new());
        for (begin, is_delta) in [(5, true), (10, false), (20, true), (30, true), (40, false), (50, true)] {
            make(&disk, begin, is_delta);
        }
        disk.replace(&dir().join(format::UNFINISHED), b"x").unwrap();
        disk.replace(&dir().join("60.whole"), b"x").unwrap();
        assert_eq!(shown(&disk), [vec![40, 50], vec![10, 20, 30]]);
    }

    #[test]
    fn a_chain_grows_until_it_is_large_or_long_or_old() {
        let identity = |begin| Identity { begin, bytes: 0, crc: 0 };
        let begun = Grown::whole(identity(10), 1000, Micros(5));
        let last = Micros(Micros(5).plus(limits::SNAPSHOT_WHOLE).0 - 1);
        assert!(begun.takes_another(11, Micros(5)) && begun.takes_another(11, last));
        assert!(!begun.takes_another(10, Micros(5)), "nothing came");
        assert!(!begun.takes_another(11, Micros(5).plus(limits::SNAPSHOT_WHOLE)), "old");
        assert!(begun.with(identity(20), 999).takes_another(21, last));
        assert!(!begun.with(identity(20), 999).with(identity(30), 1).takes_another(31, last), "large");
        let grow = |count: usize| (0..count).fold(begun, |grown, _| grown.with(identity(20), 1));
        assert!(grow(limits::SNAPSHOT_DELTAS - 1).takes_another(21, last));
        assert!(!grow(limits::SNAPSHOT_DELTAS).takes_another(21, last), "long");
    }

    #[test]
    fn two_chains_are_kept() {
        let disk = SimDisk::new(1, 1 << 20);
        for begin in 1..=12 {
            make(&disk, begin, begin % 4 != 1);
            let older = prune(&disk, dir()).unwrap().map(|listed| listed.begin);
            assert_eq!(older, (begin > 4).then(|| (begin - 1) / 4 * 4 - 3), "{begin}");
        }
        assert_eq!(shown(&disk), [vec![9, 10, 11, 12], vec![5, 6, 7, 8]]);
    }
}
