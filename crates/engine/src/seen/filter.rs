// SPDX-License-Identifier: Apache-2.0
//! Whether a hash may be in a file: a split block Bloom filter (Putze, Sanders and Singler 2007; the form that Parquet
//! has, with blocks of 256 bits).
//!
//! One look touches one block, so one line of the cache. With [`BITS`] bits an id, about one strange id in five
//! thousand passes.

/// Bits of filter for each id.
const BITS: usize = 20;
/// Bytes of a block: eight words, in each of which a hash has one bit.
const BLOCK: usize = 32;
/// One odd number for each word, as in the Parquet format: the top five bits of the product are the bit.
const SALTS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

pub(super) struct Filter {
    blocks: Box<[[u32; 8]]>,
}

impl Filter {
    /// An empty filter with room for `ids`.
    pub(super) fn new(ids: usize) -> Filter {
        Filter { blocks: vec![[0; 8]; (ids * BITS / 8).div_ceil(BLOCK).max(1)].into() }
    }

    pub(super) fn add(&mut self, hash: u64) {
        let at = self.block(hash);
        let mask = mask(hash);
        if let Some(block) = self.blocks.get_mut(at) {
            block.iter_mut().zip(mask).for_each(|(word, bit)| *word |= bit);
        }
    }

    /// Whether the hash may have been added: false only if it was not.
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let block = self.blocks.get(self.block(hash));
        block.is_some_and(|block| block.iter().zip(mask(hash)).all(|(word, bit)| word & bit != 0))
    }

    fn block(&self, hash: u64) -> usize {
        ((u128::from(hash >> 32) * self.blocks.len() as u128) >> 32) as usize
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.blocks.iter().flatten().for_each(|word| out.extend(word.to_le_bytes()));
    }

    /// How many bytes [`Filter::encode`] writes for so many ids.
    pub(super) fn encoded(ids: usize) -> usize {
        (ids * BITS / 8).div_ceil(BLOCK).max(1) * BLOCK
    }

    pub(super) fn decode(bytes: &[u8]) -> Filter {
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
        let block = |block: &[u8]| {
            let mut words = block.chunks_exact(4).map(word);
            [(); 8].map(|()| words.next().unwrap_or(0))
        };
        Filter { blocks: bytes.chunks_exact(BLOCK).map(block).collect() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK
    }
}

fn mask(hash: u64) -> [u32; 8] {
    SALTS.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

#[cfg(test)]
mod tests {
    use super::*;
    use siphasher::sip::SipHasher13;
    use std::hash::Hasher;

    fn hash(n: u64) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&[7; 16]);
        hasher.write_u64(n);
        hasher.finish()
    }

    #[test]
    fn what_was_added_passes_and_little_else_does() {
        let mut filter = Filter::new(20_000);
        (0..20_000).for_each(|n| filter.add(hash(n)));
        let mut bytes = Vec::new();
        filter.encode(&mut bytes);
        assert_eq!(bytes.len(), Filter::encoded(20_000));
        for filter in [&filter, &Filter::decode(&bytes)] {
            assert!((0..20_000).all(|n| filter.may_hold(hash(n))));
            let passed = (20_000..220_000).filter(|n| filter.may_hold(hash(*n))).count();
            assert!(passed < 200, "{passed} of 200,000 strange ids passed");
            assert!(passed > 0, "too good to be a filter: {passed}");
        }
    }

    #[test]
    fn an_empty_filter_lets_nothing_pass() {
        assert!(!Filter::new(0).may_hold(hash(1)));
        assert!(!Filter::decode(&[]).may_hold(hash(1)));
    }
}
