// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a data file can make this crate hold or do, each with a name.

/// Largest MMDB file, in bytes. They are read into memory; the largest common ones (cities of the world) take 150 MB.
pub const MMDB_BYTES: u64 = 1024 * 1024 * 1024;
/// Most MMDB files.
pub const MMDB_FILES: usize = 16;
/// Networks of an MMDB file walked at most, when it is opened, to see what it knows.
pub const MMDB_WALK: usize = 200_000;
/// Records of an MMDB file looked into at most, when it is opened, to see what it knows.
pub const MMDB_RECORDS: usize = 1000;
/// Largest file of countries, in bytes.
pub const COUNTRIES_BYTES: u64 = 256 * 1024 * 1024;
/// Most files of countries.
pub const COUNTRIES_FILES: usize = 8;
/// Largest file of kinds, in bytes.
pub const KINDS_BYTES: u64 = 64 * 1024 * 1024;
/// Most lines of a file of kinds or of countries.
pub const LINES: usize = 2_000_000;
/// Most different words for a kind in one file.
pub const KIND_WORDS: usize = 250;
/// Longest word for a kind, in bytes.
pub const KIND_BYTES: usize = 32;
/// Most faults listed for one text file; the rest is counted.
pub const FAULTS: usize = 32;
/// Longest host whose site is looked for, in bytes: as long as a domain can be (RFC 1035), with its last dot.
pub const HOST_BYTES: usize = 254;
