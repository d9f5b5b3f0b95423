// SPDX-License-Identifier: Apache-2.0
//! A snapshot as a file: written section after section, read section after section, believed when it was read to its end.

use super::format::{self, Bad, HEADER_BYTES, Header, Identity, SECTION_HEAD, SectionHead, section};
use crate::limits;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wardroom_journal::{Access, Disk, DiskFile, Keyring, Seal, SealHead, TAG_BYTES};

/// What keys are derived for, beside the header.
const CONTEXT: &[u8] = b"wardroom snapshot";
/// Bytes gathered before they are written, and read at a time.
const CHUNK: usize = 1 << 20;

/// A snapshot being written, under a name that says that it is not finished.
pub(super) struct Draft {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file: Box<dyn DiskFile>,
    header: Header,
    salt: u32,
    /// What is not written yet.
    buffer: Vec<u8>,
    /// Bytes written.
    written: u64,
    crc: crc32fast::Hasher,
    sections: u32,
    published: bool,
    seal: Option<Seal>,
    /// A section's bytes while they are sealed.
    sealing: Vec<u8>,
}

impl Draft {
    /// Begins a snapshot in `dir`, which is made if need be. What an earlier one left unfinished is replaced. It fails where
    /// the disk has no room for `room` bytes: what is written besides snapshots must not be left without.
    pub(super) fn begin(
        disk: Arc<dyn Disk>,
        dir: &Path,
        keys: &Keyring,
        mut header: Header,
        room: u64,
    ) -> io::Result<Draft> {
        let sealed = keys.begin(&[CONTEXT, &header.context()]).map_err(io::Error::other)?;
        header.seal = sealed.as_ref().map(|(head, _)| *head);
        disk.ensure_dir(dir)?;
        let path = dir.join(format::UNFINISHED);
        let file = disk.create(&path, room).and_then(|file| file.set_len(0).map(|()| file));
        let file = match file {
            Ok(file) => file,
            Err(e) => {
                let _ = disk.remove(&path);
                return Err(e);
            }
        };
        let bytes = header.encode();
        let mut crc = crc32fast::Hasher::new();
        crc.update(&bytes);
        let salt = crc32fast::hash(&bytes[..HEADER_BYTES - 4]);
        Ok(Draft {
            disk,
            dir: dir.to_owned(),
            file,
            header,
            salt,
            buffer: bytes.to_vec(),
            written: 0,
            crc,
            sections: 0,
            published: false,
            seal: sealed.map(|(_, seal)| seal),
            sealing: Vec::new(),
        })
    }

    pub(super) fn section(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        if payload.len() > limits::SECTION_BYTES {
            let words =
                format!("a section of {} bytes, where {} are the most", payload.len(), limits::SECTION_BYTES);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        let mut sealing = std::mem::take(&mut self.sealing);
        let payload = match &self.seal {
            None => payload,
            Some(seal) => {
                sealing.clear();
                sealing.extend_from_slice(payload);
                let tag = seal.seal(self.sections.into(), kind.into(), &[], &mut sealing);
                sealing.extend_from_slice(&tag);
                &sealing
            }
        };
        let head = format::section_head(self.salt, kind, self.sections, payload);
        self.sections += 1;
        for bytes in [&head[..], payload] {
            self.crc.update(bytes);
            self.buffer.extend_from_slice(bytes);
        }
        self.sealing = sealing;
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// When it began.
    pub(super) fn time(&self) -> wardroom_event::Micros {
        self.header.time
    }

    /// Ends the snapshot, makes it durable and gives it its name. Which snapshot it is, and its size in bytes.
    pub(super) fn publish(mut self) -> io::Result<(Identity, u64)> {
        let bytes = self.written + self.buffer.len() as u64;
        let crc = self.crc.clone().finalize();
        let identity = Identity { begin: self.header.begin, bytes, crc };
        let sections = u64::from(self.sections);
        self.section(section::END, &format::end(sections, identity))?;
        self.flush()?;
        self.file.sync_all()?;
        let path = format::path(&self.dir, self.header.begin, self.header.parent.is_some());
        self.disk.rename(&self.dir.join(format::UNFINISHED), &path)?;
        self.published = true;
        self.disk.sync_dir(&self.dir)?;
        Ok((identity, self.written))
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut rest = &self.buffer[..];
        while !rest.is_empty() {
            match self.file.write_at(rest, self.written) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    rest = &rest[n..];
                    self.written += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for Draft {
    /// What is not to become a snapshot takes no room.
    fn drop(&mut self) {
        if !self.published {
            let _ = self.disk.remove(&self.dir.join(format::UNFINISHED));
        }
    }
}

/// A snapshot being read.
pub(super) struct Sections {
    file: Box<dyn DiskFile>,
    size: u64,
    salt: u32,
    header: Header,
    /// What was read and not yet passed: from `at` on.
    buffer: Vec<u8>,
    at: usize,
    /// Bytes of the file before `buffer`.
    before: u64,
    crc: crc32fast::Hasher,
    sections: u32,
    seal: Option<Seal>,
    /// Which one it is, once its end was read.
    whole: Option<Identity>,
}

impl Sections {
    /// Opens a snapshot before its first section.
    pub(super) fn open(disk: &dyn Disk, path: &Path, keys: &Keyring) -> Result<Sections, Bad> {
        let file = disk.open(path, Access::Read).map_err(unread)?;
        let size = file.size().map_err(unread)?;
        let mut bytes = [0; HEADER_BYTES];
        if read_full(&*file, &mut bytes, 0).map_err(unread)? < HEADER_BYTES {
            return Err("it ends within its header".to_owned());
        }
        let (header, salt) = Header::decode(&bytes)?;
        let open = |seal: SealHead| keys.open(&seal, &[CONTEXT, &header.context()]);
        let seal = header.seal.map(open).transpose().map_err(|e| e.to_string())?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&bytes);
        Ok(Sections {
            file,
            size,
            salt,
            header,
            buffer: Vec::new(),
            at: 0,
            before: HEADER_BYTES as u64,
            crc,
            sections: 0,
            seal,
            whole: None,
        })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The next section; `None` after the end, where all of it was as it was written.
    pub(super) fn next(&mut self) -> Result<Option<(u8, &[u8])>, Bad> {
        let offset = self.before + self.at as u64;
        let mut head = [0; SECTION_HEAD];
        head.copy_from_slice(self.need(SECTION_HEAD)?);
        let found = SectionHead::decode(&head);
        let len = found.len();
        if len > limits::SECTION_BYTES + TAG_BYTES {
            return Err(format!("a section of {len} bytes at byte {offset}"));
        }
        let (salt, number) = (self.salt, self.sections);
        let bytes = self.need(SECTION_HEAD + len)?;
        if !found.holds(salt, number, &bytes[SECTION_HEAD..][..len]) {
            return Err(format!("the section at byte {offset} does not have its checksum"));
        }
        let identity = self.read();
        let whole = self.at..self.at + SECTION_HEAD + len;
        self.crc.update(&self.buffer[whole.clone()]);
        self.at = whole.end;
        self.sections += 1;
        let sealed = &mut self.buffer[whole.start + SECTION_HEAD..whole.end];
        let payload: &[u8] = match &self.seal {
            None => sealed,
            Some(seal) => {
                let opened = seal.open(number.into(), found.kind().into(), &[], sealed);
                opened.ok_or_else(|| format!("the section at byte {offset} is not what was sealed"))?
            }
        };
        if found.kind() != section::END {
            return Ok(Some((found.kind(), payload)));
        }
        if *payload != format::end(number.into(), identity) {
            return Err("its end does not fit what is before it".to_owned());
        }
        self.whole = Some(identity);
        if self.before + self.at as u64 != self.size {
            return Err("something follows its end".to_owned());
        }
        Ok(None)
    }

    /// Which snapshot it is as far as it was read; of all of it, once it was read to its end.
    pub(super) fn read(&self) -> Identity {
        self.whole.unwrap_or_else(|| self.identity(self.before + self.at as u64))
    }

    fn identity(&self, bytes: u64) -> Identity {
        Identity { begin: self.header.begin, bytes, crc: self.crc.clone().finalize() }
    }

    /// At least `n` bytes from where it is, and no more memory than the file has bytes.
    fn need(&mut self, n: usize) -> Result<&[u8], Bad> {
        if self.buffer.len() - self.at < n {
            self.buffer.drain(..self.at);
            self.before += self.at as u64;
            self.at = 0;
            let held = self.buffer.len();
            let left = self.size.saturating_sub(self.before + held as u64);
            let more = (n.max(CHUNK) - held).min(usize::try_from(left).unwrap_or(usize::MAX));
            self.buffer.resize(held + more, 0);
            let read = read_full(&*self.file, &mut self.buffer[held..], self.before + held as u64)
                .map_err(unread)?;
            self.buffer.truncate(held + read);
        }
        let bytes = self.buffer.get(self.at..self.at + n);
        bytes.ok_or_else(|| "it ends before its end".to_owned())
    }
}

/// Reads a snapshot to its end: which one it is.
pub(super) fn verify(disk: &dyn Disk, path: &Path, keys: &Keyring) -> Result<Identity, Bad> {
    let mut sections = Sections::open(disk, path, keys)?;
    while sections.next()?.is_some() {}
    Ok(sections.read())
}

fn unread(error: io::Error) -> Bad {
    format!("it cannot be read: {error}")
}

fn read_full(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_event::Micros;
    use wardroom_journal::{Key, SimDisk};

    const DIR: &str = "/d";

    fn header() -> Header {
        Header { begin: 5, time: Micros(1), secret: 9, parent: None, seal: None }
    }

    fn plain() -> Keyring {
        Keyring::default()
    }

    fn sealed() -> Keyring {
        Keyring::new(Some(Key::new([5; 32])), Vec::new())
    }

    fn written(disk: &SimDisk, keys: &Keyring, sections: &[(u8, Vec<u8>)]) -> (PathBuf, Identity) {
        let mut draft =
            Draft::begin(Arc::new(disk.clone()), Path::new(DIR), keys, header(), 1 << 20).unwrap();
        for (kind, payload) in sections {
            draft.section(*kind, payload).unwrap();
        }
        let (identity, bytes) = draft.publish().unwrap();
        let path = format::path(Path::new(DIR), 5, false);
        assert_eq!(disk.open(&path, Access::Read).unwrap().size().unwrap(), bytes);
        (path, identity)
    }

    fn sample() -> Vec<(u8, Vec<u8>)> {
        vec![(1, b"head".to_vec()), (4, vec![]), (4, vec![7; 300]), (6, b"x".to_vec())]
    }

    #[test]
    fn what_is_written_is_read() {
        let disk = SimDisk::new(1, 64 << 20);
        let large = [sample(), vec![(4, vec![1; CHUNK + 1]), (5, vec![2; 3 * CHUNK]), (7, vec![])]].concat();
        for (keys, sections) in [
            (plain(), vec![]),
            (plain(), sample()),
            (plain(), large.clone()),
            (sealed(), sample()),
            (sealed(), large),
        ] {
            let (path, identity) = written(&disk, &keys, &sections);
            let mut reader = Sections::open(&disk, &path, &keys).unwrap();
            let mut read = Vec::new();
            while let Some((kind, payload)) = reader.next().unwrap() {
                read.push((kind, payload.to_vec()));
            }
            assert!(read == sections);
            assert_eq!((reader.read(), verify(&disk, &path, &keys).unwrap()), (identity, identity));
        }
    }

    #[test]
    fn without_room_for_more_than_itself_there_is_none_and_nothing_is_left() {
        let disk = SimDisk::new(1, 1 << 20);
        let begin = |room| Draft::begin(Arc::new(disk.clone()), Path::new(DIR), &plain(), header(), room);
        assert!(begin(2 << 20).is_err());
        let mut draft = begin(1 << 20).unwrap();
        draft.section(1, b"x").unwrap();
        drop(draft);
        assert_eq!(disk.list(Path::new(DIR)).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_byte_changed_lost_or_added_anywhere_is_seen() {
        let disk = SimDisk::new(1, 64 << 20);
        for keys in [plain(), sealed()] {
            let (path, _) = written(&disk, &keys, &sample());
            let good = disk.load(&path, 1 << 20).unwrap();
            let check = |bytes: &[u8]| {
                disk.replace(&path, bytes).unwrap();
                verify(&disk, &path, &keys).is_err()
            };
            assert!(!check(&good));
            for at in 0..good.len() {
                let mut hurt = good.clone();
                hurt[at] ^= 0x10;
                assert!(check(&hurt), "byte {at}");
                assert!(check(&good[..at]), "cut at {at}");
            }
            assert!(check(&[&good[..], &[0]].concat()));
        }
    }

    #[test]
    fn what_is_sealed_shows_nothing_and_is_read_with_its_key_alone() {
        let disk = SimDisk::new(1, 64 << 20);
        let word = b"somebody@example.org";
        let (path, _) = written(&disk, &sealed(), &[(1, word.to_vec())]);
        let bytes = disk.load(&path, 1 << 20).unwrap();
        assert!(!bytes.windows(8).any(|window| word.windows(8).any(|part| part == window)));
        let why = verify(&disk, &path, &plain()).unwrap_err();
        assert!(why.contains("no key was given"), "{why}");
        let other = Keyring::new(Some(Key::new([6; 32])), vec![Key::new([5; 32])]);
        assert!(verify(&disk, &path, &other).is_ok(), "an older key opens");
    }
}
