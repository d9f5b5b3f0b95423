// SPDX-License-Identifier: Apache-2.0
//! A seeded disk in memory that does what real disks do to those who trust them.
//!
//! What it models: writes that were not synced survive a crash or not, sector by sector (512 bytes) and in any order;
//! lengths and directory entries likewise (a rename happens or not, or leaves both names, but loses no file); writes that
//! are short; reads, writes and syncs that fail; a failed sync that leaves pages in memory which the next sync will not
//! write; a full disk; a power cut in the middle of any operation; bits that flip at rest. And, to prove that the tests
//! notice, a sync that lies.
//!
//! What it does not model: sectors torn within, and time.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::disk::{Access, Disk, DiskFile, Lock};

const SECTOR: usize = 512;

/// A small seeded generator (SplitMix64), so that a seed printed by a failing test replays it.
#[derive(Debug, Clone)]
pub struct SimRng(u64);

impl SimRng {
    /// A generator that gives the same numbers for the same seed.
    pub fn new(seed: u64) -> SimRng {
        SimRng(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next_u64().checked_rem(n).unwrap_or(0)
    }

    /// True once in `n` times; never if `n` is 0.
    pub fn one_in(&mut self, n: u64) -> bool {
        n > 0 && self.below(n) == 0
    }
}

/// What goes wrong, and how often. The default is a disk that only loses unsynced writes at a crash.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// One write in this many writes less than asked; 0 for never.
    pub short_write_one_in: u64,
    /// One write in this many fails, having written a part; 0 for never.
    pub fail_write_one_in: u64,
    /// One sync in this many fails, and a file's drops what it had not written; 0 for never.
    pub fail_sync_one_in: u64,
    /// One read in this many fails, and the next may not; 0 for never.
    pub fail_read_one_in: u64,
    /// Power goes at this operation from now on; 0 for never. Only what changes something counts.
    pub crash_after_ops: u64,
    /// Syncs succeed and do nothing: a broken disk, to show that the tests notice one.
    pub lying_sync: bool,
    /// The same for directories only.
    pub lying_sync_dir: bool,
}

/// The simulated disk; clones are handles of the same disk. Directories need not be made, and are there as long as
/// something lies in them; each has its own sync.
#[derive(Debug, Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone)]
struct State {
    rng: SimRng,
    faults: Faults,
    capacity: u64,
    crashed: bool,
    /// Counts boots; handles and locks of an earlier boot are dead.
    boot: u64,
    files: Vec<FileState>,
    /// Entries as programs see them, and as they are on the platter.
    entries: BTreeMap<PathBuf, usize>,
    durable_entries: BTreeMap<PathBuf, usize>,
    /// What lies between the two, oldest first.
    pending: Vec<Entry>,
    locks: BTreeMap<PathBuf, u64>,
}

/// A change of a directory that was not synced yet.
#[derive(Debug, Clone)]
enum Entry {
    Link {
        path: PathBuf,
        id: usize,
    },
    /// `to` is the other name, if it went by a rename: a power cut does not lose a file from both places.
    Unlink {
        path: PathBuf,
        to: Option<(PathBuf, usize)>,
    },
}

impl Entry {
    fn is_in(&self, dir: &Path) -> bool {
        let (Entry::Link { path, .. } | Entry::Unlink { path, .. }) = self;
        path.parent() == Some(dir)
    }
}

/// One file: what programs see, what the platter has, and what lies between.
#[derive(Debug, Clone, Default)]
struct FileState {
    visible: Vec<u8>,
    durable: Vec<u8>,
    /// Versions of each sector written since the last sync, oldest first.
    dirty: BTreeMap<usize, Vec<[u8; SECTOR]>>,
    /// Lengths set since the last sync.
    lengths: Vec<usize>,
}

impl SimDisk {
    /// An empty disk with room for `capacity` bytes.
    pub fn new(seed: u64, capacity: u64) -> SimDisk {
        let state = State {
            rng: SimRng::new(seed),
            faults: Faults::default(),
            capacity,
            crashed: false,
            boot: 0,
            files: Vec::new(),
            entries: BTreeMap::new(),
            durable_entries: BTreeMap::new(),
            pending: Vec::new(),
            locks: BTreeMap::new(),
        };
        SimDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// What goes wrong from now on, counted down so far.
    pub fn faults(&self) -> Faults {
        self.state().faults
    }

    /// Another disk, which holds what this one does and is as dirty, in a machine where nothing is open, locked or wrong.
    pub fn fork(&self) -> SimDisk {
        let mut state = self.state().clone();
        state.locks.clear();
        state.faults = Faults::default();
        state.crashed = false;
        SimDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Bytes that its files take.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Its files as programs see them, each with its length in bytes.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state();
        let bytes = |id: usize| state.files[id].visible.len() as u64;
        state.entries.iter().map(|(path, &id)| (path.clone(), bytes(id))).collect()
    }

    /// Flips the bits of `mask` in one byte at rest. False if the file has no such byte.
    pub fn rot(&self, path: &Path, offset: u64, mask: u8) -> bool {
        let state = &mut *self.state();
        let file = state.entries.get(path).map(|&id| &mut state.files[id]);
        let Some((file, at)) = file.zip(usize::try_from(offset).ok()) else {
            return false;
        };
        file.durable.get_mut(at).into_iter().for_each(|byte| *byte ^= mask);
        file.visible.get_mut(at).map(|byte| *byte ^= mask).is_some()
    }

    /// Sets how many bytes fit.
    pub fn set_capacity(&self, capacity: u64) {
        self.state().capacity = capacity;
    }

    /// True once the power is gone; every operation fails until [`SimDisk::reboot`].
    pub fn crashed(&self) -> bool {
        self.state().crashed
    }

    /// Cuts the power, if it is not gone yet, and starts again with what the platter happens to have.
    /// Handles and locks from before are dead; faults are cleared.
    pub fn reboot(&self) {
        let state = &mut *self.state();
        for file in &mut state.files {
            file.lose_power(&mut state.rng);
        }
        for entry in std::mem::take(&mut state.pending) {
            if state.rng.one_in(2) {
                state.persist(entry, false);
            }
        }
        state.entries = state.durable_entries.clone();
        state.locks.clear();
        state.faults = Faults::default();
        state.crashed = false;
        state.boot += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileState {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.visible.len() < end {
            self.visible.resize(end, 0);
            self.lengths.push(end);
        }
        self.visible[offset..end].copy_from_slice(bytes);
        for sector in offset / SECTOR..end.div_ceil(SECTOR) {
            let version = sector_of(&self.visible, sector);
            self.dirty.entry(sector).or_default().push(version);
        }
    }

    fn set_len(&mut self, len: usize) {
        self.visible.resize(len, 0);
        self.lengths.push(len);
    }

    fn sync(&mut self) {
        self.durable.resize(self.visible.len(), 0);
        for &sector in self.dirty.keys() {
            let version = sector_of(&self.visible, sector);
            put_sector(&mut self.durable, sector, &version);
        }
        self.dirty.clear();
        self.lengths.clear();
    }

    /// Some of what is dirty reaches the platter: any length, and for each sector any version.
    fn persist_some(&mut self, rng: &mut SimRng) {
        if let Some(&len) = self.lengths.get(rng.below(self.lengths.len() as u64 + 1) as usize) {
            self.durable.resize(len, 0);
        }
        for (&sector, versions) in &self.dirty {
            if let Some(version) = versions.get(rng.below(versions.len() as u64 + 1) as usize) {
                put_sector(&mut self.durable, sector, version);
            }
        }
        self.dirty.clear();
        self.lengths.clear();
    }

    fn lose_power(&mut self, rng: &mut SimRng) {
        self.persist_some(rng);
        self.visible = self.durable.clone();
    }
}

fn sector_of(bytes: &[u8], sector: usize) -> [u8; SECTOR] {
    let mut out = [0; SECTOR];
    let begin = (sector * SECTOR).min(bytes.len());
    let end = (begin + SECTOR).min(bytes.len());
    out[..end - begin].copy_from_slice(&bytes[begin..end]);
    out
}

fn put_sector(bytes: &mut [u8], sector: usize, version: &[u8; SECTOR]) {
    let begin = (sector * SECTOR).min(bytes.len());
    let end = (begin + SECTOR).min(bytes.len());
    bytes[begin..end].copy_from_slice(&version[..end - begin]);
}

fn power_is_gone() -> io::Error {
    io::Error::other("simulated power cut")
}

fn broken() -> io::Error {
    Errno::IO.into()
}

impl State {
    /// Counts an operation that changes something. True if the power goes during this very one.
    fn tick(&mut self) -> io::Result<bool> {
        self.alive()?;
        if self.faults.crash_after_ops > 0 {
            self.faults.crash_after_ops -= 1;
            self.crashed = self.faults.crash_after_ops == 0;
        }
        Ok(self.crashed)
    }

    fn alive(&self) -> io::Result<()> {
        if self.crashed { Err(power_is_gone()) } else { Ok(()) }
    }

    /// Changes the directory as programs see it, and notes what a power cut may lose.
    fn change(&mut self, entry: Entry) {
        match &entry {
            Entry::Link { path, id } => self.entries.insert(path.clone(), *id),
            Entry::Unlink { path, .. } => self.entries.remove(path),
        };
        self.pending.push(entry);
    }

    /// A change reaches the platter. `synced` says that all of its directory does.
    fn persist(&mut self, entry: Entry, synced: bool) {
        match entry {
            Entry::Link { path, id } => {
                self.durable_entries.insert(path, id);
            }
            Entry::Unlink { path, to } => {
                let safe = to.is_none_or(|(to, id)| self.durable_entries.get(&to) == Some(&id));
                if synced || safe {
                    self.durable_entries.remove(&path);
                }
            }
        }
    }

    fn used(&self) -> u64 {
        self.entries.values().map(|&id| self.files[id].visible.len() as u64).sum()
    }

    fn room_for(&self, more: u64) -> io::Result<()> {
        if self.used() + more > self.capacity { Err(Errno::NOSPC.into()) } else { Ok(()) }
    }
}

/// Finishes an operation during which the power may have gone.
fn unless(crash: bool) -> io::Result<()> {
    if crash { Err(power_is_gone()) } else { Ok(()) }
}

impl Disk for SimDisk {
    fn ensure_dir(&self, _dir: &Path) -> io::Result<()> {
        self.state().alive()
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let mut state = self.state();
        state.alive()?;
        if state.locks.contains_key(path) {
            return Ok(Lock::Taken { pid: None });
        }
        let boot = state.boot;
        state.locks.insert(path.to_owned(), boot);
        Ok(Lock::Held(Box::new(SimLock { disk: self.clone(), path: path.to_owned(), boot })))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        state.alive()?;
        let inside = state.entries.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.state();
        state.alive()?;
        Ok(state.entries.contains_key(path))
    }

    fn create(&self, path: &Path, len: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let crash = state.tick()?;
        let id = state.files.len();
        state.files.push(FileState::default());
        state.change(Entry::Link { path: path.to_owned(), id });
        state.room_for(len)?;
        state.files[id].set_len(len as usize);
        unless(crash)?;
        Ok(Box::new(SimFile { disk: self.clone(), id, boot: state.boot }))
    }

    fn open(&self, path: &Path, _access: Access) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state();
        state.alive()?;
        let id = *state.entries.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile { disk: self.clone(), id, boot: state.boot }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let crash = state.tick()?;
        state.entries.get(path).ok_or(io::ErrorKind::NotFound)?;
        state.change(Entry::Unlink { path: path.to_owned(), to: None });
        unless(crash)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let crash = state.tick()?;
        let id = *state.entries.get(from).ok_or(io::ErrorKind::NotFound)?;
        if from != to {
            state.change(Entry::Link { path: to.to_owned(), id });
            state.change(Entry::Unlink { path: from.to_owned(), to: Some((to.to_owned(), id)) });
        }
        unless(crash)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        unless(state.tick()?)?;
        let one_in = state.faults.fail_sync_one_in;
        if state.rng.one_in(one_in) {
            return Err(broken());
        }
        if !state.faults.lying_sync_dir {
            let (synced, rest) = std::mem::take(&mut state.pending).into_iter().partition(|e| e.is_in(dir));
            state.pending = rest;
            Vec::into_iter(synced).for_each(|entry| state.persist(entry, true));
        }
        Ok(())
    }
}

/// An open file of one boot.
#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    id: usize,
    boot: u64,
}

impl SimFile {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.boot != self.boot { Err(power_is_gone()) } else { state.alive().map(|()| state) }
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.state()?.files[self.id].visible.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state()?;
        let one_in = state.faults.fail_read_one_in;
        if state.rng.one_in(one_in) {
            return Err(broken());
        }
        let visible = &state.files[self.id].visible;
        let rest = visible.get(offset as usize..).unwrap_or(&[]);
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let state = &mut *self.state()?;
        let crash = state.tick()?;
        let grow = (offset + bytes.len() as u64).saturating_sub(state.files[self.id].visible.len() as u64);
        state.room_for(grow)?;
        let fail = state.rng.one_in(state.faults.fail_write_one_in);
        let short = state.rng.one_in(state.faults.short_write_one_in);
        let mut n = bytes.len();
        if (crash || fail || short) && n > SECTOR {
            n = 1 + state.rng.below(n as u64 - 1) as usize;
        }
        state.files[self.id].write(offset as usize, &bytes[..n]);
        unless(crash)?;
        if fail { Err(broken()) } else { Ok(n) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state()?;
        let crash = state.tick()?;
        state.files[self.id].set_len(len as usize);
        unless(crash)
    }

    fn sync_data(&self) -> io::Result<()> {
        let state = &mut *self.state()?;
        unless(state.tick()?)?;
        if state.faults.lying_sync {
            return Ok(());
        }
        if state.rng.one_in(state.faults.fail_sync_one_in) {
            // The pages stay in memory, clean: readable, and never written again of their own accord.
            state.files[self.id].persist_some(&mut state.rng);
            return Err(broken());
        }
        state.files[self.id].sync();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    boot: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.locks.get(&self.path) == Some(&self.boot) {
            state.locks.remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIR: &str = "/d";

    fn path(name: &str) -> PathBuf {
        Path::new(DIR).join(name)
    }

    fn found(disk: &SimDisk, name: &str) -> Option<Vec<u8>> {
        disk.exists(&path(name)).unwrap().then(|| disk.load(&path(name), 4096).unwrap())
    }

    /// Every state that `work` followed by a power cut leaves, over many seeds.
    fn states(names: &[&str], work: impl Fn(&SimDisk)) -> std::collections::BTreeSet<Vec<Option<Vec<u8>>>> {
        (0..200)
            .map(|seed| {
                let disk = SimDisk::new(seed, 1 << 20);
                disk.replace(&path("a"), b"old").unwrap();
                work(&disk);
                disk.reboot();
                names.iter().map(|name| found(&disk, name)).collect()
            })
            .collect()
    }

    #[test]
    fn a_rename_is_durable_after_the_directory_is_synced_and_not_before() {
        let some = |bytes: &[u8]| Some(bytes.to_vec());
        let rename = |disk: &SimDisk| disk.rename(&path("a"), &path("b")).unwrap();
        let before = states(&["a", "b"], rename);
        let old = || some(b"old");
        let allowed = [vec![old(), None], vec![old(), old()], vec![None, old()]];
        assert_eq!(before, allowed.into(), "there or here or both, never nowhere");
        let after = states(&["a", "b"], |disk| {
            rename(disk);
            disk.sync_dir(Path::new(DIR)).unwrap();
        });
        assert_eq!(after, [vec![None, old()]].into());
    }

    #[test]
    fn another_directory_has_a_sync_of_its_own() {
        let elsewhere = Path::new("/elsewhere");
        let work = |disk: &SimDisk| {
            disk.rename(&path("a"), &elsewhere.join("a")).unwrap();
            disk.sync_dir(Path::new(DIR)).unwrap();
        };
        let nowhere = (0..50).filter(|&seed| {
            let disk = SimDisk::new(seed, 1 << 20);
            disk.replace(&path("a"), b"old").unwrap();
            work(&disk);
            disk.reboot();
            found(&disk, "a").is_none() && !disk.exists(&elsewhere.join("a")).unwrap()
        });
        assert!(nowhere.count() > 0, "the new name's directory was not synced");
    }

    #[test]
    fn a_file_renamed_before_it_was_synced_may_be_empty() {
        let careless = states(&["a"], |disk| {
            let file = disk.create(&path("t"), 0).unwrap();
            file.write_at(b"new", 0).unwrap();
            disk.rename(&path("t"), &path("a")).unwrap();
            disk.sync_dir(Path::new(DIR)).unwrap();
        });
        assert!(careless.contains(&vec![Some(Vec::new())]), "{careless:?}");
        assert!(!careless.contains(&vec![Some(b"old".to_vec())]));
    }

    #[test]
    fn a_fork_goes_its_own_way_and_bits_flip_at_rest() {
        let disk = SimDisk::new(1, 1 << 20);
        disk.replace(&path("a"), b"old").unwrap();
        let file = disk.create(&path("b"), 0).unwrap();
        file.write_at(b"unsynced", 0).unwrap();
        let fork = disk.fork();
        disk.replace(&path("a"), b"new").unwrap();
        assert_eq!(
            (found(&fork, "a").unwrap(), found(&fork, "b").unwrap()),
            (b"old".into(), b"unsynced".into())
        );
        assert!(fork.rot(&path("a"), 1, 0x20) && !fork.rot(&path("a"), 3, 1) && !fork.rot(&path("c"), 0, 1));
        fork.reboot();
        assert_eq!((found(&fork, "a").unwrap(), found(&disk, "a").unwrap()), (b"oLd".into(), b"new".into()));
    }

    #[test]
    fn reads_fail_now_and_then() {
        let disk = SimDisk::new(1, 1 << 20);
        disk.replace(&path("a"), b"old").unwrap();
        disk.set_faults(Faults { fail_read_one_in: 2, ..Faults::default() });
        let failed = (0..100).filter(|_| disk.load(&path("a"), 8).is_err()).count();
        assert!((20..90).contains(&failed), "{failed}");
    }

    /// Cuts the power at each step of a replacement: the old bytes or the new, and the new once it has returned.
    #[test]
    fn a_replacement_is_whole_or_not_at_all() {
        for seed in 0..400 {
            let disk = SimDisk::new(seed, 1 << 20);
            disk.replace(&path("a"), b"old").unwrap();
            let crash_after_ops = seed % 8;
            disk.set_faults(Faults { crash_after_ops, short_write_one_in: 2, ..Faults::default() });
            let done = disk.replace(&path("a"), &[7; 3000]);
            disk.reboot();
            let bytes = found(&disk, "a").unwrap();
            assert!(bytes == [7; 3000] || (done.is_err() && bytes == b"old"), "seed {seed}");
        }
    }
}
