// SPDX-License-Identifier: Apache-2.0
//! Hashes that share their first bits, in few bits: Elias and Fano's code for numbers in order.
//!
//! A group of `n` hashes has their number; then of each hash the next `log2 n` bits as the distance to the one before, in
//! unary; then the bits after those as they are; then the counts. A distance and its end take two bits together, so that a
//! hash of 160 bits in a list of a thousand million takes 132.1 bits, and nothing can take less than 131.5.

use super::hash::{Hash, top};
use super::limits::GROUP_MOST;

/// Bits written one after the other, the first the highest.
#[derive(Default)]
struct BitWriter {
    out: Vec<u8>,
    held: u64,
    bits: u32,
}

impl BitWriter {
    /// Adds the lowest `bits` of a value: at most 32.
    fn push(&mut self, value: u32, bits: u32) {
        self.held = self.held << bits | u64::from(value);
        self.bits += bits;
        while self.bits >= 8 {
            self.bits -= 8;
            self.out.push((self.held >> self.bits) as u8);
        }
        self.held &= (1 << self.bits) - 1;
    }

    fn finish(mut self) -> Vec<u8> {
        if self.bits > 0 {
            self.out.push((self.held << (8 - self.bits)) as u8);
        }
        self.out
    }
}

/// `bits` (at most 32) of these bytes from bit `at` on; what lies beyond them is zero.
fn take(bytes: &[u8], at: usize, bits: u32) -> u32 {
    if bits == 0 {
        return 0;
    }
    let mut word = [0; 8];
    let rest = bytes.get(at / 8..).unwrap_or_default();
    let length = rest.len().min(8);
    word[..length].copy_from_slice(&rest[..length]);
    ((u64::from_be_bytes(word) << (at % 8)) >> (64 - bits)) as u32
}

/// Puts `bits` (at most 32) into these bytes, from bit `at` on, where there is nothing yet.
fn put(bytes: &mut [u8; 20], at: usize, value: u32, bits: u32) {
    if bits == 0 {
        return;
    }
    let word = (u64::from(value) << (64 - bits)) >> (at % 8);
    for (byte, more) in bytes[at / 8..].iter_mut().zip(word.to_be_bytes()) {
        *byte |= more;
    }
}

fn push_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok();
        }
    }
    None
}

/// Writes a group: hashes in order, of `width` bits, of which the first `shared` are the same.
pub(super) fn encode(hashes: &[(Hash, u32)], shared: u32, width: u32, out: &mut Vec<u8>) {
    if hashes.is_empty() {
        return;
    }
    let next = hashes.len().ilog2();
    push_varint(out, hashes.len() as u32);
    let mut distances = BitWriter::default();
    let mut before = 0;
    for (hash, _) in hashes {
        let head = take(&hash.0, shared as usize, next);
        (before..head).for_each(|_| distances.push(0, 1));
        distances.push(1, 1);
        before = head;
    }
    out.extend(distances.finish());
    let mut tails = BitWriter::default();
    for (hash, _) in hashes {
        let mut at = shared + next;
        while at < width {
            let bits = (width - at).min(32);
            tails.push(take(&hash.0, at as usize, bits), bits);
            at += bits;
        }
    }
    out.extend(tails.finish());
    hashes.iter().for_each(|(_, count)| push_varint(out, *count));
}

/// Reads a group whose hashes begin with the first `shared` bits of `place`; none where it is no group.
pub(super) fn decode(mut bytes: &[u8], place: u64, shared: u32, width: u32) -> Option<Vec<(Hash, u32)>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let count = take_varint(&mut bytes)? as usize;
    if !(1..=GROUP_MOST).contains(&count) {
        return None;
    }
    let next = count.ilog2();
    let (heads, read) = heads(bytes, count, next)?;
    let bytes = bytes.get(read..)?;
    let tail = width.checked_sub(shared + next)? as usize;
    let mut counts = bytes.get((tail * count).div_ceil(8)..)?;
    let mut hashes = Vec::with_capacity(count);
    for (number, head) in heads.into_iter().enumerate() {
        let mut hash = [0; 20];
        put(&mut hash, 0, top(place, shared as u8) as u32, shared);
        put(&mut hash, shared as usize, head, next);
        let mut done = 0;
        while done < tail {
            let bits = (tail - done).min(32);
            let value = take(bytes, number * tail + done, bits as u32);
            put(&mut hash, (shared + next) as usize + done, value, bits as u32);
            done += bits;
        }
        hashes.push((Hash(hash), take_varint(&mut counts)?));
    }
    counts.is_empty().then_some(hashes)
}

/// Reads the distances: the heads of the hashes, and how many bytes that took.
fn heads(bytes: &[u8], count: usize, next: u32) -> Option<(Vec<u32>, usize)> {
    let mut heads = Vec::with_capacity(count);
    let (mut at, mut head) = (0, 0);
    while heads.len() < count {
        let byte = *bytes.get(at / 8)?;
        if byte >> (7 - at % 8) & 1 == 1 {
            heads.push(head);
        } else {
            head += 1;
            if head >= 1 << next {
                return None;
            }
        }
        at += 1;
    }
    Some((heads, at.div_ceil(8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_group_reads_back(
            tails in prop::collection::btree_map(any::<[u8; 20]>(), any::<u32>(), 0..70),
            shared in 0u32..=20,
            start in any::<u32>(),
            narrow in any::<bool>(),
        ) {
            let width = if narrow { 128 } else { 160 };
            let place = u64::from(start) << 32 & if shared == 0 { 0 } else { u64::MAX << (64 - shared) };
            let hashes: BTreeMap<Hash, u32> = tails.into_iter().map(|(mut hash, count)| {
                if narrow { hash[16..].fill(0) }
                let word = u64::from_be_bytes(hash[..8].try_into().unwrap());
                let kept = if shared == 0 { word } else { word & (u64::MAX >> shared) };
                hash[..8].copy_from_slice(&(place | kept).to_be_bytes());
                (Hash(hash), count)
            }).collect();
            let hashes: Vec<_> = hashes.into_iter().collect();
            let mut out = Vec::new();
            encode(&hashes, shared, width, &mut out);
            prop_assert_eq!(decode(&out, place, shared, width), Some(hashes));
            // What is cut reads as no group.
            if !out.is_empty() {
                prop_assert_eq!(decode(&out[..out.len() - 1], place, shared, width).filter(|h| !h.is_empty()), None);
            }
        }

        #[test]
        fn any_bytes_are_a_group_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200), shared in 0u32..=20) {
            if let Some(hashes) = decode(&bytes, 0, shared, 160) {
                prop_assert!(hashes.len() <= GROUP_MOST);
            }
        }
    }
}
