// SPDX-License-Identifier: Apache-2.0
//! The first block of a file: which file it is, how much is in it, how often it is wrong. All numbers little endian.
//!
//! `magic 8 · version 2 · what 1 · hash 1 · slot bits 1 · split 1 · error bits 1 · zero 1 · hashes 8 · least count 8 ·
//! bytes of content 8 · where the directory begins 8 · hashes left out 8`, then zeros.

use super::block::{self, Blocks};
use super::error::BreachError;
use super::hash::Kind;
use std::path::Path;

const MAGIC: &[u8; 8] = b"wardbrch";
/// The version that is written, and the only one that is read.
pub(super) const VERSION: u16 = 1;
/// How much of the first block is used.
const USED: usize = 56;

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The small one: it is wrong at a stated rate.
    Filter,
    /// The exact one: it has every hash.
    Ranges,
}

impl What {
    /// What it is called, and how its file's name ends.
    pub fn name(self) -> &'static str {
        match self {
            What::Filter => "filter",
            What::Ranges => "ranges",
        }
    }
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Which file it is.
    pub what: What,
    /// Of which hashes.
    pub kind: Kind,
    /// Bits of a slot; 0 in an exact file.
    pub slot_bits: u8,
    /// Into how many parts it is split, as a power of two.
    pub split: u8,
    /// It is wrong about one in 2 to the power of this that it does not have; 0 where it never is.
    pub error_bits: u8,
    /// Different hashes in it.
    pub hashes: u64,
    /// Hashes that were seen less often are not in it.
    pub least: u64,
    /// How many these were.
    pub left_out: u64,
    /// Bytes of content, without checksums.
    pub content: u64,
    /// Where in the content the directory begins.
    pub directory: u64,
}

impl About {
    /// How often a password that is not in it is said to be.
    pub fn false_positive_rate(&self) -> f64 {
        if self.error_bits == 0 { 0.0 } else { (-f64::from(self.error_bits)).exp2() }
    }

    /// Bytes of the file.
    pub fn file_bytes(&self) -> u64 {
        block::file_bytes(self.content)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let what = match self.what {
            What::Filter => 1,
            What::Ranges => 2,
        };
        let mut out = MAGIC.to_vec();
        out.extend(VERSION.to_le_bytes());
        out.extend([what, self.kind.number(), self.slot_bits, self.split, self.error_bits, 0]);
        for number in [self.hashes, self.least, self.content, self.directory, self.left_out] {
            out.extend(number.to_le_bytes());
        }
        out
    }

    /// Reads the first block's content.
    pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<About, BreachError> {
        let not = |why: String| BreachError::NotOurs { path: path.to_owned(), why };
        let Some(used) = bytes.get(..USED).filter(|used| used.starts_with(MAGIC)) else {
            return Err(not("it does not begin like one".to_owned()));
        };
        let version = u16::from_le_bytes([used[8], used[9]]);
        if version != VERSION {
            return Err(not(format!("it is of version {version}, and this program reads {VERSION}")));
        }
        let what = match used[10] {
            1 => What::Filter,
            2 => What::Ranges,
            other => return Err(not(format!("it is of the unknown sort {other}"))),
        };
        let kind = Kind::numbered(used[11])
            .ok_or_else(|| not(format!("its hashes are of the unknown kind {}", used[11])))?;
        let number = |at: usize| block::number(&used[at..at + 8]);
        Ok(About {
            what,
            kind,
            slot_bits: used[12],
            split: used[13],
            error_bits: used[14],
            hashes: number(16),
            least: number(24),
            content: number(32),
            directory: number(40),
            left_out: number(48),
        })
    }
}

/// What a file says of itself; every block of it is read and checked.
///
/// # Errors
/// It cannot be read, is another file, or is damaged.
pub fn about(path: &Path, mut watch: impl FnMut(u64, u64) -> bool) -> Result<About, BreachError> {
    let (blocks, about) = Blocks::open(path, 0)?;
    blocks.verify(&mut watch)?;
    match about.what {
        What::Filter => super::Filter::over(blocks, about).map(drop),
        What::Ranges => super::Ranges::over(blocks, about).map(drop),
    }?;
    Ok(about)
}
