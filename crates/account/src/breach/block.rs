// SPDX-License-Identifier: Apache-2.0
//! A file in blocks of 4,096 bytes, each with a checksum over its number and content: what is read is what was written, or
//! an error that says where, also where a file is read in a few places only.
//!
//! There is no memory map: a disk that fails under one ends the process, and here it ends one question. The first block is
//! the header; the content is what the others hold, one after the other, so that a position in it says where it lies.

use super::error::BreachError;
use super::header::About;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes of a block.
const BLOCK: usize = 4096;
/// Bytes of it that are content. It divides by 2, 3 and 4: no slot of a filter lies across two blocks.
pub(super) const CONTENT: usize = BLOCK - 4;

/// A little-endian number of up to eight bytes.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// How large a file with so much content is.
pub(super) fn file_bytes(content: u64) -> u64 {
    content.div_ceil(CONTENT as u64).saturating_add(1).saturating_mul(BLOCK as u64)
}

fn checksum(index: u64, content: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&index.to_le_bytes());
    hasher.update(content);
    hasher.finalize().to_le_bytes()
}

/// The content of a block, where its checksum holds.
fn open_block(index: u64, block: &[u8]) -> Option<&[u8]> {
    let (content, sum) = block.split_at_checked(CONTENT)?;
    (checksum(index, content) == sum).then_some(content)
}

/// Gives every block of these bytes the checksum that it should have; what is left over becomes a block with zeros. For
/// those who try what a file could say whose checksums are right.
pub fn seal(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + BLOCK);
    for (index, block) in (0..).zip(bytes.chunks(BLOCK)) {
        let mut content = block[..block.len().min(CONTENT)].to_vec();
        content.resize(CONTENT, 0);
        let sum = checksum(index, &content);
        out.extend(content);
        out.extend(sum);
    }
    out
}

/// A file to read from.
pub(super) struct Blocks {
    path: PathBuf,
    content: u64,
    source: Source,
}

enum Source {
    File(File),
    /// The whole content, checked when it was read.
    Memory(Box<[u8]>),
}

impl Blocks {
    /// Opens a file; one of up to `resident` bytes is read into memory as a whole.
    pub(super) fn open(path: &Path, resident: u64) -> Result<(Blocks, About), BreachError> {
        let mut file = File::open(path).map_err(BreachError::io("cannot open", path))?;
        let size = file.metadata().map_err(BreachError::io("cannot read", path))?.len();
        let mut first = Vec::with_capacity(BLOCK);
        let read = (&mut file).take(BLOCK as u64).read_to_end(&mut first);
        read.map_err(BreachError::io("cannot read", path))?;
        let about = begin(&first, size, path)?;
        let content = about.content;
        let source = if size <= resident {
            let size = usize::try_from(content).map_err(|_| BreachError::damaged(path, "it is too large"))?;
            let mut all = Vec::with_capacity(size);
            each(&mut file, path, content, |_, content| {
                all.extend_from_slice(content);
                Ok(())
            })?;
            all.truncate(size);
            Source::Memory(all.into())
        } else {
            Source::File(file)
        };
        Ok((Blocks { path: path.to_owned(), content, source }, about))
    }

    /// The same of bytes in memory.
    pub(super) fn of_bytes(bytes: &[u8], path: &Path) -> Result<(Blocks, About), BreachError> {
        let about = begin(&bytes[..bytes.len().min(BLOCK)], bytes.len() as u64, path)?;
        let mut all = Vec::new();
        each(&mut &bytes[BLOCK..], path, about.content, |_, content| {
            all.extend_from_slice(content);
            Ok(())
        })?;
        all.truncate(usize::try_from(about.content).unwrap_or(usize::MAX));
        Ok((
            Blocks { path: path.to_owned(), content: about.content, source: Source::Memory(all.into()) },
            about,
        ))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn damaged(&self, why: impl Into<String>) -> BreachError {
        BreachError::damaged(&self.path, why)
    }

    /// Whether it is in memory.
    pub(super) fn is_resident(&self) -> bool {
        matches!(self.source, Source::Memory(_))
    }

    /// Fills `into` with the content from `at` on.
    pub(super) fn read(&self, at: u64, into: &mut [u8]) -> Result<(), BreachError> {
        let end = at.checked_add(into.len() as u64).filter(|end| *end <= self.content);
        if end.is_none() {
            return Err(self.damaged(format!("it points beyond its end, to byte {at} of {}", self.content)));
        }
        match &self.source {
            Source::Memory(all) => {
                // Within the content, which is in memory.
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                let found = all.get(at..).and_then(|rest| rest.get(..into.len()));
                found.map(|found| into.copy_from_slice(found)).ok_or_else(|| self.damaged("it is cut"))
            }
            Source::File(file) => self.read_blocks(file, at, into),
        }
    }

    fn read_blocks(&self, file: &File, at: u64, into: &mut [u8]) -> Result<(), BreachError> {
        let (mut at, mut rest) = (at, into);
        let mut block = [0; BLOCK];
        while !rest.is_empty() {
            let index = at / CONTENT as u64 + 1;
            let within = (at % CONTENT as u64) as usize;
            let read = file.read_exact_at(&mut block, index * BLOCK as u64);
            read.map_err(BreachError::io("cannot read", &self.path))?;
            let content = open_block(index, &block).ok_or_else(|| self.bad(index))?;
            let length = rest.len().min(CONTENT - within);
            let (now, later) = rest.split_at_mut(length);
            now.copy_from_slice(&content[within..within + length]);
            at += length as u64;
            rest = later;
        }
        Ok(())
    }

    /// Reads every block; `watch` is told how far it is, and says whether to go on.
    pub(super) fn verify(&self, watch: &mut dyn FnMut(u64, u64) -> bool) -> Result<(), BreachError> {
        // What is in memory was checked on its way there.
        let Source::File(file) = &self.source else { return Ok(()) };
        let mut file: &File = file;
        file.seek(SeekFrom::Start(BLOCK as u64)).map_err(BreachError::io("cannot read", &self.path))?;
        let all = self.content.div_ceil(CONTENT as u64);
        each(&mut file, &self.path, self.content, |index, _| {
            if watch(index, all) { Ok(()) } else { Err(BreachError::Stopped) }
        })
    }

    fn bad(&self, index: u64) -> BreachError {
        bad(&self.path, index)
    }
}

fn bad(path: &Path, index: u64) -> BreachError {
    let at = index * BLOCK as u64;
    BreachError::damaged(path, format!("the checksum of the block at byte {at} does not hold"))
}

/// Checks the header, and that a file of `size` bytes is as long as it says.
fn begin(first: &[u8], size: u64, path: &Path) -> Result<About, BreachError> {
    // A stranger's file is told apart from a damaged one of ours by its first bytes.
    let about = About::decode(first, path)?;
    open_block(0, first).ok_or_else(|| bad(path, 0))?;
    let expect = about.file_bytes();
    if size != expect {
        return Err(BreachError::damaged(path, format!("it has {size} bytes, and should have {expect}")));
    }
    Ok(about)
}

/// Gives the content of every block but the first, checked.
fn each(
    from: &mut dyn Read,
    path: &Path,
    content: u64,
    mut take: impl FnMut(u64, &[u8]) -> Result<(), BreachError>,
) -> Result<(), BreachError> {
    let mut from = io::BufReader::with_capacity(64 * BLOCK, from);
    let mut block = [0; BLOCK];
    for index in 1..=content.div_ceil(CONTENT as u64) {
        from.read_exact(&mut block).map_err(BreachError::io("cannot read", path))?;
        take(index, open_block(index, &block).ok_or_else(|| bad(path, index))?)?;
    }
    Ok(())
}

/// A file that is written from its beginning to its end; its header goes last.
pub(super) struct Sink {
    path: PathBuf,
    file: io::BufWriter<File>,
    block: Vec<u8>,
    index: u64,
}

impl Sink {
    pub(super) fn create(path: &Path) -> Result<Sink, BreachError> {
        let file = File::create_new(path).map_err(BreachError::io("cannot make", path))?;
        let mut file = io::BufWriter::with_capacity(64 * BLOCK, file);
        file.write_all(&[0; BLOCK]).map_err(BreachError::io("cannot write", path))?;
        Ok(Sink { path: path.to_owned(), file, block: Vec::with_capacity(BLOCK), index: 1 })
    }

    /// How much content there is.
    pub(super) fn content(&self) -> u64 {
        (self.index - 1) * CONTENT as u64 + self.block.len() as u64
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BreachError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(CONTENT - self.block.len()));
            self.block.extend_from_slice(now);
            rest = later;
            if self.block.len() == CONTENT {
                self.end_block()?;
            }
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), BreachError> {
        self.block.resize(CONTENT, 0);
        let sum = checksum(self.index, &self.block);
        self.block.extend(sum);
        self.file.write_all(&self.block).map_err(BreachError::io("cannot write", &self.path))?;
        self.block.clear();
        self.index += 1;
        Ok(())
    }

    /// Writes the header and waits until the disk has it all.
    pub(super) fn finish(mut self, about: &About) -> Result<(), BreachError> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let mut header = about.encode();
        header.resize(CONTENT, 0);
        let sum = checksum(0, &header);
        header.extend(sum);
        let io = BreachError::io("cannot write", &self.path);
        let done = self.file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| {
            file.write_all_at(&header, 0)?;
            file.sync_all()
        });
        done.map_err(io)
    }
}
