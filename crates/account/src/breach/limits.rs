// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a list or a file of breached passwords can make this crate hold or do, each with a name.

/// Longest line of a list, in bytes: a hash and its count take 60, and longer passwords are not in lists.
pub const LINE_BYTES: usize = 4096;
/// Most bad lines told one by one; the rest is counted.
pub const BAD_LINES: usize = 100;
/// Records are sorted in so many parts, by their first byte.
pub const PARTS: usize = 256;
/// What waits for each of these parts before it is written, in bytes.
pub const PART_BUFFER_BYTES: usize = 64 * 1024;
/// Most bytes of one part, which is sorted in memory: eleven thousand million records in all.
pub const PART_BYTES: u64 = 1024 * 1024 * 1024;
/// Most hashes that share a shard of a filter, were they spread evenly; a shard is made in memory.
pub const SHARD_HASHES: u64 = 1 << 20;
/// Most hashes of one shard: hashes of passwords spread evenly, so this is a list of something else.
pub const SHARD_MOST: usize = 4 << 20;
/// Most shards, as a power of two.
pub const SHARD_BITS: u8 = 16;
/// How often another seed is tried for a shard. One in ten fails; a hundred in a row do not.
pub const SEEDS: u64 = 100;
/// Longest segment of a shard, as a power of two: as the filter's authors have it.
pub const SEGMENT_BITS: u8 = 18;
/// Most slots of one shard.
pub const SHARD_SLOTS: u64 = 1 << 24;
/// How many hashes a group of the exact file has, about.
pub const GROUP_HASHES: u64 = 512;
/// Most groups, as a power of two: a group for each of the prefixes that clients ask for.
pub const GROUP_BITS: u8 = 20;
/// Most hashes of one group. With Have I Been Pwned's list of 2024 a prefix has up to 1,100.
pub const GROUP_MOST: usize = 65_536;
/// Longest group, in bytes: each hash takes at most 20 bytes and two bits, and each count five bytes.
pub const GROUP_BYTES: u64 = (GROUP_MOST as u64) * 26 + 64;
/// Between so many lines, or records, it is asked whether to stop.
pub const WATCH_EVERY: u64 = 65_536;
/// Files up to this size are held in memory, unless the configuration says otherwise.
pub const RESIDENT_BYTES: u64 = 256 * 1024 * 1024;
