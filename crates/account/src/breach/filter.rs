// SPDX-License-Identifier: Apache-2.0
//! The small file: is this hash in the list, and about how often was it seen?
//!
//! Hashes are parted by their first bits into shards, each a filter of its own: so a list of any length is built with the
//! memory of one shard. The directory at the end of the content has 24 bytes for each: where its slots begin (8), its seed
//! (8), the number of its starts (4), the length of its segments (1), zeros (3).

use super::block::{Blocks, Sink, number};
use super::error::BreachError;
use super::fuse::{self, Fuse, Shape, VALUE_BITS};
use super::hash::{Hash, Kind, top};
use super::header::{About, What};
use super::limits::{SEGMENT_BITS, SHARD_BITS, SHARD_HASHES, SHARD_MOST, SHARD_SLOTS};
use std::path::Path;

/// Bytes of a shard in the directory.
const ENTRY: usize = 24;

/// How many bits a slot has: three of them say how often, the others tell hashes apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slot {
    /// Wrong about one in 8,192; 2.3 bytes a hash.
    #[default]
    Bits16,
    /// Wrong about one in two million; 3.4 bytes a hash.
    Bits24,
    /// Wrong about one in 537 million; 4.5 bytes a hash.
    Bits32,
}

impl Slot {
    /// As a number.
    pub fn bits(self) -> u8 {
        match self {
            Slot::Bits16 => 16,
            Slot::Bits24 => 24,
            Slot::Bits32 => 32,
        }
    }
}

/// How often a hash was seen, as a power of ten, up to ten million.
fn bucket(count: u32) -> u8 {
    count.max(1).ilog10().min((1 << VALUE_BITS) - 1) as u8
}

/// The least count that falls into a bucket.
fn least(bucket: u8) -> u64 {
    10u64.pow(u32::from(bucket))
}

#[derive(Clone, Copy)]
struct Shard {
    begins: u64,
    seed: u64,
    /// None where it has no hashes.
    shape: Option<Shape>,
}

/// Which hashes are known, wrong at a stated rate.
pub struct Filter {
    about: About,
    blocks: Blocks,
    shards: Box<[Shard]>,
}

impl Filter {
    /// Opens a file; one of up to `resident` bytes is read into memory, and a larger one is read at each question.
    ///
    /// # Errors
    /// It cannot be read, is another file, or is damaged.
    pub fn open(path: &Path, resident: u64) -> Result<Filter, BreachError> {
        let (blocks, about) = Blocks::open(path, resident)?;
        Filter::over(blocks, about)
    }

    /// The same of bytes in memory.
    ///
    /// # Errors
    /// They are something else, or damaged.
    pub fn of_bytes(bytes: &[u8]) -> Result<Filter, BreachError> {
        let (blocks, about) = Blocks::of_bytes(bytes, Path::new("memory"))?;
        Filter::over(blocks, about)
    }

    pub(super) fn over(blocks: Blocks, about: About) -> Result<Filter, BreachError> {
        if about.what != What::Filter {
            let why = format!("it has {} and no filter", about.what.name());
            return Err(BreachError::NotOurs { path: blocks.path().to_owned(), why });
        }
        let known = [16, 24, 32].contains(&about.slot_bits);
        if !known || about.split > SHARD_BITS || about.error_bits != about.slot_bits - VALUE_BITS as u8 {
            return Err(blocks.damaged("its header holds what no build writes"));
        }
        let mut bytes = vec![0; ENTRY << about.split];
        blocks.read(about.directory, &mut bytes)?;
        let shard = |entry: &[u8]| shard(entry, &about).ok_or_else(|| blocks.damaged("a shard lies outside"));
        let shards = bytes.chunks_exact(ENTRY).map(shard).collect::<Result<_, _>>()?;
        Ok(Filter { about, blocks, shards })
    }

    /// What it says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Whether it is held in memory.
    pub fn is_resident(&self) -> bool {
        self.blocks.is_resident()
    }

    /// How often a hash was seen at least: 1, 10, 100 and so on up to ten million. 0 where it is not in the list, which is
    /// certain; a hash that is not in the list is said to be in it at [`About::false_positive_rate`].
    ///
    /// # Errors
    /// The file cannot be read, or is damaged there.
    pub fn look(&self, hash: &Hash) -> Result<u64, BreachError> {
        let shard = self.shards[top(hash.place(), self.about.split) as usize];
        let Some(shape) = shard.shape else { return Ok(0) };
        let key = fuse::hash(hash.own(), shard.seed);
        let width = self.about.slot_bits / 8;
        let mut found = 0;
        for place in shape.places(key) {
            let mut slot = [0; 4];
            let at = shard.begins + place * u64::from(width);
            self.blocks.read(at, &mut slot[..usize::from(width)])?;
            found ^= u32::from_le_bytes(slot);
        }
        Ok(fuse::value(found, key, self.about.slot_bits).map_or(0, least))
    }
}

/// Reads a shard's entry; none where what it says cannot be.
fn shard(entry: &[u8], about: &About) -> Option<Shard> {
    let (begins, seed, starts) = (number(&entry[..8]), number(&entry[8..16]), number(&entry[16..20]) as u32);
    if starts == 0 {
        return Some(Shard { begins, seed, shape: None });
    }
    let shape = Shape { segment_bits: entry[20], starts };
    if shape.segment_bits > SEGMENT_BITS || shape.slots() > SHARD_SLOTS {
        return None;
    }
    let end = begins.checked_add(shape.slots() * u64::from(about.slot_bits / 8))?;
    (end <= about.directory).then_some(Shard { begins, seed, shape: Some(shape) })
}

/// Writes the file from hashes in order.
pub(super) struct Writer {
    sink: Sink,
    kind: Kind,
    slot: Slot,
    split: u8,
    /// The shard that is being gathered, and what is in it.
    shard: u64,
    keys: Vec<(u64, u8)>,
    directory: Vec<u8>,
    hashes: u64,
}

impl Writer {
    /// For about so many hashes.
    pub(super) fn create(path: &Path, kind: Kind, slot: Slot, hashes: u64) -> Result<Writer, BreachError> {
        let parts = hashes.div_ceil(SHARD_HASHES).next_power_of_two();
        let split = (parts.ilog2() as u8).min(SHARD_BITS);
        let sink = Sink::create(path)?;
        Ok(Writer { sink, kind, slot, split, shard: 0, keys: Vec::new(), directory: Vec::new(), hashes: 0 })
    }

    /// Takes the next hash: greater than all before.
    pub(super) fn push(&mut self, hash: &Hash, count: u32) -> Result<(), BreachError> {
        let shard = top(hash.place(), self.split);
        while self.shard < shard {
            self.end_shard()?;
        }
        if self.keys.len() >= SHARD_MOST {
            let part = 1u64 << self.split;
            return Err(BreachError::NotHashes(format!(
                "more than {SHARD_MOST} of these hashes lie in one of {part} parts: they are not spread as hashes of \
                 passwords are"
            )));
        }
        self.keys.push((hash.own(), bucket(count)));
        self.hashes += 1;
        Ok(())
    }

    fn end_shard(&mut self) -> Result<(), BreachError> {
        // Two hashes that differ only in what a filter does not look at are one to it, and the greater count is said.
        self.keys.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        self.keys.dedup_by_key(|key| key.0);
        let begins = self.sink.content();
        let mut entry = [0; ENTRY];
        if !self.keys.is_empty() {
            let fuse = Fuse::build(&self.keys, self.slot.bits()).ok_or_else(|| {
                BreachError::NotHashes("no filter can be built of these hashes: they were chosen".to_owned())
            })?;
            let width = usize::from(self.slot.bits() / 8);
            for slot in &fuse.slots {
                self.sink.write(&slot.to_le_bytes()[..width])?;
            }
            entry[8..16].copy_from_slice(&fuse.seed.to_le_bytes());
            entry[16..20].copy_from_slice(&fuse.shape.starts.to_le_bytes());
            entry[20] = fuse.shape.segment_bits;
        }
        entry[..8].copy_from_slice(&begins.to_le_bytes());
        self.directory.extend(entry);
        self.keys.clear();
        self.shard += 1;
        Ok(())
    }

    /// Writes what is left and the header.
    pub(super) fn finish(mut self, least: u64, left_out: u64) -> Result<About, BreachError> {
        while self.shard < 1 << self.split {
            self.end_shard()?;
        }
        let directory = self.sink.content();
        self.sink.write(&self.directory)?;
        let about = About {
            what: What::Filter,
            kind: self.kind,
            slot_bits: self.slot.bits(),
            split: self.split,
            error_bits: self.slot.bits() - VALUE_BITS as u8,
            hashes: self.hashes,
            least,
            left_out,
            content: self.sink.content(),
            directory,
        };
        self.sink.finish(&about)?;
        Ok(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_as_powers_of_ten() {
        let check = |count, expect| assert_eq!(least(bucket(count)), expect, "{count}");
        check(0, 1);
        check(1, 1);
        check(9, 1);
        check(10, 10);
        check(99_999, 10_000);
        check(10_000_000, 10_000_000);
        check(u32::MAX, 10_000_000);
    }
}
