// SPDX-License-Identifier: Apache-2.0
//! The exact file: every hash with its count, found by the first digits.
//!
//! Hashes that share their first `split` bits are a group, coded as `group` has it; there are as many groups as make
//! them some hundred hashes long, and never more than there are prefixes to ask for. The directory at the end of the
//! content has 8 bytes for each, where it begins, and 8 for where the last ends. A question reads two places of the file.

use super::block::{Blocks, Sink, number};
use super::error::BreachError;
use super::group;
use super::hash::{Hash, Kind, Prefix, top};
use super::header::{About, What};
use super::limits::{GROUP_BITS, GROUP_BYTES, GROUP_HASHES, GROUP_MOST};
use std::path::Path;

/// A hash with how often it was seen.
pub type Entry = (Hash, u32);

/// Every hash of a list.
pub struct Ranges {
    about: About,
    blocks: Blocks,
}

impl Ranges {
    /// Opens a file. Nothing of it is held in memory.
    ///
    /// # Errors
    /// It cannot be read, is another file, or is damaged.
    pub fn open(path: &Path) -> Result<Ranges, BreachError> {
        let (blocks, about) = Blocks::open(path, 0)?;
        Ranges::over(blocks, about)
    }

    /// The same of bytes in memory.
    ///
    /// # Errors
    /// They are something else, or damaged.
    pub fn of_bytes(bytes: &[u8]) -> Result<Ranges, BreachError> {
        let (blocks, about) = Blocks::of_bytes(bytes, Path::new("memory"))?;
        Ranges::over(blocks, about)
    }

    pub(super) fn over(blocks: Blocks, about: About) -> Result<Ranges, BreachError> {
        if about.what != What::Ranges {
            let why = format!("it is a {} and has no ranges", about.what.name());
            return Err(BreachError::NotOurs { path: blocks.path().to_owned(), why });
        }
        let directory = ((1u64 << about.split.min(GROUP_BITS)) + 1) * 8;
        let fits = about.directory.checked_add(directory).is_some_and(|end| end == about.content);
        if about.split > GROUP_BITS || about.slot_bits != 0 || about.error_bits != 0 || !fits {
            return Err(blocks.damaged("its header holds what no build writes"));
        }
        Ok(Ranges { about, blocks })
    }

    /// What it says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The hashes that begin with these five digits, in order.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged there.
    pub fn range(&self, prefix: Prefix) -> Result<Vec<Entry>, BreachError> {
        let mut hashes = self.group(top(prefix.place(), self.about.split))?;
        hashes.retain(|(hash, _)| hash.prefix() == prefix);
        Ok(hashes)
    }

    /// How often a hash was seen; 0 where it is not in the list.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged there.
    pub fn count(&self, hash: &Hash) -> Result<u32, BreachError> {
        let hashes = self.group(top(hash.place(), self.about.split))?;
        Ok(hashes.iter().find(|(other, _)| other == hash).map_or(0, |(_, count)| *count))
    }

    fn group(&self, group: u64) -> Result<Vec<Entry>, BreachError> {
        let mut places = [0; 16];
        self.blocks.read(self.about.directory + group * 8, &mut places)?;
        let (begins, ends) = (number(&places[..8]), number(&places[8..]));
        let within = ends <= self.about.directory && begins <= ends && ends - begins <= GROUP_BYTES;
        if !within {
            return Err(self.blocks.damaged(format!("group {group} lies outside")));
        }
        let mut bytes = vec![0; (ends - begins) as usize];
        self.blocks.read(begins, &mut bytes)?;
        let split = u32::from(self.about.split);
        let place = if split == 0 { 0 } else { group << (64 - split) };
        let width = self.about.kind.bytes() as u32 * 8;
        group::decode(&bytes, place, split, width)
            .ok_or_else(|| self.blocks.damaged(format!("group {group} is none")))
    }
}

/// Writes the file from hashes in order.
pub(super) struct Writer {
    sink: Sink,
    kind: Kind,
    split: u8,
    /// The group that is being gathered, and what is in it.
    group: u64,
    hashes: Vec<Entry>,
    begins: Vec<u64>,
    coded: Vec<u8>,
    total: u64,
}

impl Writer {
    /// For about so many hashes.
    pub(super) fn create(path: &Path, kind: Kind, hashes: u64) -> Result<Writer, BreachError> {
        let groups = hashes.div_ceil(GROUP_HASHES).next_power_of_two();
        let split = (groups.ilog2() as u8).min(GROUP_BITS);
        let (hashes, begins, coded) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Writer { sink: Sink::create(path)?, kind, split, group: 0, hashes, begins, coded, total: 0 })
    }

    /// Takes the next hash: greater than all before.
    pub(super) fn push(&mut self, hash: &Hash, count: u32) -> Result<(), BreachError> {
        let group = top(hash.place(), self.split);
        while self.group < group {
            self.end_group()?;
        }
        if self.hashes.len() >= GROUP_MOST {
            let groups = 1u64 << self.split;
            return Err(BreachError::NotHashes(format!(
                "more than {GROUP_MOST} of these hashes begin alike, with the same of {groups} beginnings: they are not \
                 spread as hashes of passwords are"
            )));
        }
        self.hashes.push((*hash, count));
        self.total += 1;
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), BreachError> {
        self.begins.push(self.sink.content());
        let width = self.kind.bytes() as u32 * 8;
        self.coded.clear();
        group::encode(&self.hashes, u32::from(self.split), width, &mut self.coded);
        self.sink.write(&self.coded)?;
        self.hashes.clear();
        self.group += 1;
        Ok(())
    }

    /// Writes what is left and the header.
    pub(super) fn finish(mut self, least: u64, left_out: u64) -> Result<About, BreachError> {
        while self.group < 1 << self.split {
            self.end_group()?;
        }
        let directory = self.sink.content();
        self.begins.push(directory);
        for begins in &self.begins {
            self.sink.write(&begins.to_le_bytes())?;
        }
        let about = About {
            what: What::Ranges,
            kind: self.kind,
            slot_bits: 0,
            split: self.split,
            error_bits: 0,
            hashes: self.total,
            least,
            left_out,
            content: self.sink.content(),
            directory,
        };
        self.sink.finish(&about)?;
        Ok(about)
    }
}
