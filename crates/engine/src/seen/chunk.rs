// SPDX-License-Identifier: Apache-2.0
//! A file of ids: sorted by hash, in pages of 4 KiB with a checksum each, behind a filter and the first hash of each
//! page. Memory keeps the filter and those first hashes; one page is read where the filter lets an id pass.
//!
//! `docs/src/ids.md` has the layout. Only keyed hashes and numbers of records lie in it.

use super::filter::Filter;
use super::recent::Recent;
use crate::limits;
use std::fmt;
use std::io;
use wardroom_event::Micros;
use wardroom_journal::DiskFile;

const MAGIC: [u8; 8] = *b"WARDIDS\x01";
const HEADER: usize = 64;
const PAGE: usize = 4096;
const ENTRY: usize = 16;
/// Entries of a page; its last sixteen bytes end in the checksum.
const PER_PAGE: usize = PAGE / ENTRY - 1;

/// Ids in a file.
pub(super) struct Chunk {
    file: Box<dyn DiskFile>,
    head: Head,
    filter: Filter,
    fences: Box<[u64]>,
}

/// What a file's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    ids: usize,
    from: u64,
    last: u64,
    closed_at: Micros,
    /// Tells files of another secret.
    check: u64,
}

/// Why a file is of no use.
#[derive(Debug)]
pub(super) enum Unusable {
    Io(io::Error),
    /// What is wrong with it.
    Bad(&'static str),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Io(error) => error.fmt(f),
            Unusable::Bad(what) => write!(f, "the file of event ids is damaged: {what}"),
        }
    }
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Unusable {
        Unusable::Io(error)
    }
}

/// The bytes of a file with these ids.
pub(super) fn encode(ids: &Recent, closed_at: Micros, check: u64) -> Vec<u8> {
    let mut sorted = ids.after(0).to_vec();
    // Of one hash the newest stays.
    sorted.sort_unstable_by_key(|(hash, seq)| (*hash, std::cmp::Reverse(*seq)));
    sorted.dedup_by_key(|(hash, _)| *hash);
    let mut filter = Filter::new(sorted.len());
    sorted.iter().for_each(|(hash, _)| filter.add(*hash));
    let head = Head { ids: sorted.len(), from: ids.from(), last: ids.last(), closed_at, check };
    let mut out = head.encode();
    checked(&mut out, |out| filter.encode(out));
    checked(&mut out, |out| {
        sorted.chunks(PER_PAGE).for_each(|page| out.extend(page[0].0.to_le_bytes()));
    });
    for page in sorted.chunks(PER_PAGE) {
        let begin = out.len();
        for (hash, seq) in page {
            out.extend(hash.to_le_bytes());
            out.extend(seq.to_le_bytes());
        }
        out.resize(begin + PAGE - 4, 0);
        let crc = crc32fast::hash(&out[begin..]);
        out.extend(crc.to_le_bytes());
    }
    out
}

/// A part of a file with its checksum behind it.
fn checked(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    write(out);
    let crc = crc32fast::hash(&out[begin..]);
    out.extend(crc.to_le_bytes());
}

impl Head {
    fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend((self.ids as u64).to_le_bytes());
        out.extend(self.from.to_le_bytes());
        out.extend(self.last.to_le_bytes());
        out.extend(self.closed_at.0.to_le_bytes());
        out.extend(self.check.to_le_bytes());
        out.resize(HEADER - 4, 0);
        let crc = crc32fast::hash(&out);
        out.extend(crc.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8; HEADER]) -> Result<Head, Unusable> {
        let word = |i: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[8 * i..8 * i + 8]);
            u64::from_le_bytes(word)
        };
        let crc = crc32fast::hash(&bytes[..HEADER - 4]).to_le_bytes();
        if bytes[..8] != MAGIC || bytes[HEADER - 4..] != crc {
            return Err(Unusable::Bad("its header"));
        }
        let ids = usize::try_from(word(1)).ok().filter(|n| *n <= limits::IDS_PER_CHUNK);
        let ids = ids.ok_or(Unusable::Bad("it holds more ids than there can be"))?;
        let head =
            Head { ids, from: word(2), last: word(3), closed_at: Micros(word(4) as i64), check: word(5) };
        if head.from == 0 || head.from > head.last {
            return Err(Unusable::Bad("its range of records"));
        }
        Ok(head)
    }

    fn pages(&self) -> usize {
        self.ids.div_ceil(PER_PAGE)
    }

    /// Where the pages begin.
    fn body(&self) -> usize {
        HEADER + Filter::encoded(self.ids) + 4 + self.pages() * 8 + 4
    }
}

impl Chunk {
    /// Reads all but the pages of a file.
    pub(super) fn open(file: Box<dyn DiskFile>, check: u64) -> Result<Chunk, Unusable> {
        let mut header = [0; HEADER];
        read_exact(&*file, &mut header, 0)?;
        let head = Head::decode(&header)?;
        if head.check != check {
            return Err(Unusable::Bad("it belongs to another secret"));
        }
        let filter = part(&*file, HEADER, Filter::encoded(head.ids))?;
        let fences = part(&*file, HEADER + filter.len() + 4, head.pages() * 8)?;
        let fence = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        let fences = fences.chunks_exact(8).map(fence).collect();
        if file.size()? != (head.body() + head.pages() * PAGE) as u64 {
            return Err(Unusable::Bad("its length"));
        }
        Ok(Chunk { file, head, filter: Filter::decode(&filter), fences })
    }

    /// The record with this hash.
    pub(super) fn find(&self, hash: u64) -> Result<Option<u64>, Unusable> {
        if !self.filter.may_hold(hash) {
            return Ok(None);
        }
        let Some(page) = self.fences.partition_point(|first| *first <= hash).checked_sub(1) else {
            return Ok(None);
        };
        let mut bytes = [0; PAGE];
        read_exact(&*self.file, &mut bytes, self.head.body() + page * PAGE)?;
        let (entries, end) = bytes.split_at(PAGE - 4);
        if crc32fast::hash(entries).to_le_bytes() != *end {
            return Err(Unusable::Bad("a page"));
        }
        let held = (self.head.ids - page * PER_PAGE).min(PER_PAGE);
        let word = |at: usize| entries[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
        let (mut low, mut high) = (0, held);
        while low < high {
            let middle = (low + high) / 2;
            match word(middle * ENTRY).cmp(&hash) {
                std::cmp::Ordering::Equal => return Ok(Some(word(middle * ENTRY + 8))),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    pub(super) fn len(&self) -> u64 {
        self.head.ids as u64
    }

    /// The first record whose id would be in it.
    pub(super) fn from(&self) -> u64 {
        self.head.from
    }

    /// The last such.
    pub(super) fn last(&self) -> u64 {
        self.head.last
    }

    pub(super) fn closed_at(&self) -> Micros {
        self.head.closed_at
    }

    /// What it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.filter.bytes() + self.fences.len() * 8
    }
}

/// A part with its checksum.
fn part(file: &dyn DiskFile, at: usize, len: usize) -> Result<Vec<u8>, Unusable> {
    let mut bytes = vec![0; len + 4];
    read_exact(file, &mut bytes, at)?;
    let crc = bytes.split_off(len);
    if crc32fast::hash(&bytes).to_le_bytes() != *crc {
        return Err(Unusable::Bad("its filter or its fences"));
    }
    Ok(bytes)
}

fn read_exact(file: &dyn DiskFile, buf: &mut [u8], at: usize) -> Result<(), Unusable> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], (at + done) as u64) {
            Ok(0) => return Err(Unusable::Bad("it ends early")),
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}
