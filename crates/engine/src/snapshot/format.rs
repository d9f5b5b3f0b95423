// SPDX-License-Identifier: Apache-2.0
//! The bytes of a snapshot's header, sections and end; `docs/src/snapshots.md` is the same in prose.
//!
//! The header's checksum is where the checksum of each section starts, so a section of another snapshot does not pass for
//! one of this, however it came there. Each section has its number in the row, and the end says how many there were and
//! what the checksum over all of them is: nothing can be missing, doubled or moved.

use std::path::{Path, PathBuf};
use wardroom_event::Micros;
use wardroom_journal::{SEAL_HEAD_BYTES, SealHead};

/// Major version written, and the only one read.
const MAJOR: u16 = 1;
const MINOR: u16 = 0;
const MAGIC: [u8; 8] = *b"WARDSNAP";

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 96;
/// Where it says what it is sealed with.
const SEAL_AT: usize = 64;
/// Where its checksum stands; it covers all before.
const CRC_AT: usize = HEADER_BYTES - 4;
/// Bytes of a section before its payload.
pub(super) const SECTION_HEAD: usize = 16;
/// Bytes of the end's payload.
const END_BYTES: usize = 20;

/// What a section holds.
pub(super) mod section {
    /// What held when the snapshot began.
    pub(crate) const HEAD: u8 = 1;
    /// A piece of the policy's text, as in the journal.
    pub(crate) const POLICY_PART: u8 = 2;
    /// A table: its number here, the definitions it serves, its head.
    pub(crate) const TABLE: u8 = 3;
    /// A piece of a table: its number here, then bytes of the tables' own.
    pub(crate) const PIECE: u8 = 4;
    /// Labels.
    pub(crate) const LABELS: u8 = 5;
    /// Entries that rules put on one list.
    pub(crate) const LIST: u8 = 6;
    /// Event ids.
    pub(crate) const SEEN: u8 = 7;
    /// Labels and entries that acts took off.
    pub(crate) const TAKEN_OFF: u8 = 8;
    /// Nothing follows.
    pub(crate) const END: u8 = 255;
}

/// Which snapshot one is: what a delta knows its parent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The last record that had been counted when it began.
    pub(crate) begin: u64,
    /// Bytes of the file before its end section.
    pub(crate) bytes: u64,
    /// CRC-32 over them.
    pub(crate) crc: u32,
}

/// The head of a snapshot file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The last record that had been counted when it began.
    pub(super) begin: u64,
    /// When it began, by the arrival of the newest event.
    pub(super) time: Micros,
    /// What the installation's secret makes of a fixed word: keys mean nothing under another secret.
    pub(super) secret: u64,
    /// The snapshot that this one only adds to; none says that it is whole.
    pub(super) parent: Option<Identity>,
    /// What it is sealed with, if it is encrypted.
    pub(super) seal: Option<SealHead>,
}

/// Why a snapshot is no good, in words.
pub(super) type Bad = String;

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0u8; HEADER_BYTES];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&(u32::from(MAJOR) << 16 | u32::from(MINOR)).to_le_bytes());
        out[12..16].copy_from_slice(&(HEADER_BYTES as u32).to_le_bytes());
        out[16] = u8::from(self.parent.is_some());
        out[17] = u8::from(self.seal.is_some());
        out[24..32].copy_from_slice(&self.begin.to_le_bytes());
        out[32..40].copy_from_slice(&self.time.0.to_le_bytes());
        out[40..48].copy_from_slice(&self.secret.to_le_bytes());
        if let Some(parent) = self.parent {
            out[20..24].copy_from_slice(&parent.crc.to_le_bytes());
            out[48..56].copy_from_slice(&parent.begin.to_le_bytes());
            out[56..64].copy_from_slice(&parent.bytes.to_le_bytes());
        }
        if let Some(seal) = self.seal {
            out[SEAL_AT..SEAL_AT + SEAL_HEAD_BYTES].copy_from_slice(&seal.to_bytes());
        }
        let crc = crc32fast::hash(&out[..CRC_AT]);
        out[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header, with its checksum.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<(Header, u32), Bad> {
        if !bytes.starts_with(&MAGIC) {
            return Err("it is no snapshot".to_owned());
        }
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        if crc != u32_at(bytes, CRC_AT) {
            return Err("its header does not have its checksum".to_owned());
        }
        let major = u32_at(bytes, 8) >> 16;
        if major != u32::from(MAJOR) {
            return Err(format!("it has version {major}, and this program reads version {MAJOR}"));
        }
        if u32_at(bytes, 12) as usize != HEADER_BYTES || bytes[16] > 1 || bytes[17] > 1 {
            return Err("its header is of a form that this program does not know".to_owned());
        }
        let parent = Identity { begin: u64_at(bytes, 48), bytes: u64_at(bytes, 56), crc: u32_at(bytes, 20) };
        let mut seal = [0; SEAL_HEAD_BYTES];
        seal.copy_from_slice(&bytes[SEAL_AT..SEAL_AT + SEAL_HEAD_BYTES]);
        let header = Header {
            begin: u64_at(bytes, 24),
            time: Micros(u64_at(bytes, 32) as i64),
            secret: u64_at(bytes, 40),
            parent: (bytes[16] == 1).then_some(parent),
            seal: (bytes[17] == 1).then(|| SealHead::from_bytes(&seal)),
        };
        Ok((header, crc))
    }

    /// What says which snapshot a key is derived for.
    pub(super) fn context(&self) -> [u8; SEAL_AT] {
        let mut out = [0; SEAL_AT];
        out.copy_from_slice(&Header { seal: None, ..*self }.encode()[..SEAL_AT]);
        out
    }
}

/// The head of a section, decoded but not yet believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SectionHead {
    crc: u32,
    /// What the checksum covers of it, as it stands there.
    rest: [u8; SECTION_HEAD - 4],
}

impl SectionHead {
    fn new(kind: u8, number: u32, payload: &[u8]) -> SectionHead {
        let mut rest = [0; SECTION_HEAD - 4];
        rest[0..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        rest[4] = kind;
        rest[8..12].copy_from_slice(&number.to_le_bytes());
        SectionHead { crc: 0, rest }
    }

    pub(super) fn decode(bytes: &[u8; SECTION_HEAD]) -> SectionHead {
        let mut rest = [0; SECTION_HEAD - 4];
        rest.copy_from_slice(&bytes[4..]);
        SectionHead { crc: u32_at(bytes, 0), rest }
    }

    /// Bytes of payload.
    pub(super) fn len(&self) -> usize {
        u32_at(&self.rest, 0) as usize
    }

    pub(super) fn kind(&self) -> u8 {
        self.rest[4]
    }

    /// Whether this head and payload are those that were written as section `number` under the header's checksum.
    pub(super) fn holds(&self, salt: u32, number: u32, payload: &[u8]) -> bool {
        u32_at(&self.rest, 8) == number && checksum(salt, &self.rest, payload) == self.crc
    }
}

/// The head of a section with this payload.
pub(super) fn section_head(salt: u32, kind: u8, number: u32, payload: &[u8]) -> [u8; SECTION_HEAD] {
    let head = SectionHead::new(kind, number, payload);
    let mut out = [0; SECTION_HEAD];
    out[..4].copy_from_slice(&checksum(salt, &head.rest, payload).to_le_bytes());
    out[4..].copy_from_slice(&head.rest);
    out
}

fn checksum(salt: u32, rest: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(rest);
    hasher.update(payload);
    hasher.finalize()
}

/// The payload of the end: how many sections came before it, and what they add up to.
pub(super) fn end(sections: u64, identity: Identity) -> [u8; END_BYTES] {
    let mut out = [0; END_BYTES];
    out[0..8].copy_from_slice(&sections.to_le_bytes());
    out[8..16].copy_from_slice(&identity.bytes.to_le_bytes());
    out[16..20].copy_from_slice(&identity.crc.to_le_bytes());
    out
}

/// The file of a snapshot: whole ones and deltas are told apart by name, for people.
pub(super) fn path(dir: &Path, begin: u64, is_delta: bool) -> PathBuf {
    dir.join(format!("{begin:020}.{}", if is_delta { DELTA } else { WHOLE }))
}

const WHOLE: &str = "whole";
const DELTA: &str = "delta";
/// The file that a snapshot is written as, before it is one.
pub(super) const UNFINISHED: &str = "unfinished";

/// What a file's name says: when it began, and whether it is a delta. None for what is no snapshot.
pub(super) fn parse_name(name: &str) -> Option<(u64, bool)> {
    let (digits, kind) = name.split_once('.')?;
    let plain = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    let is_delta = match kind {
        WHOLE => false,
        DELTA => true,
        _ => return None,
    };
    digits.parse().ok().filter(|_| plain).map(|begin| (begin, is_delta))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut le = [0; 4];
    le.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(le)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut le = [0; 8];
    le.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(le)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(parent: Option<Identity>) -> Header {
        Header { begin: 7, time: Micros(-5), secret: 0x1122_3344_5566_7788, parent, seal: None }
    }

    #[test]
    fn a_header_comes_back_and_every_flipped_bit_is_seen() {
        let parent = Identity { begin: 3, bytes: 4096, crc: 0xfeed };
        let seal = Some(SealHead::from_bytes(&[7; SEAL_HEAD_BYTES]));
        for header in [header(None), header(Some(parent)), Header { seal, ..header(None) }] {
            let bytes = header.encode();
            assert_eq!(Header::decode(&bytes).unwrap().0, header);
            for bit in 0..HEADER_BYTES * 8 {
                let mut hurt = bytes;
                hurt[bit / 8] ^= 1 << (bit % 8);
                assert!(Header::decode(&hurt).is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_later_version_is_named() {
        let mut bytes = header(None).encode();
        bytes[10] = 2;
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        assert!(Header::decode(&bytes).unwrap_err().contains("version 2"));
    }

    #[test]
    fn every_flipped_bit_of_a_section_is_seen_and_it_has_one_place() {
        let payload = *b"abcde";
        let bytes = section_head(77, section::LIST, 3, &payload);
        assert!(SectionHead::decode(&bytes).holds(77, 3, &payload));
        assert!(!SectionHead::decode(&bytes).holds(78, 3, &payload), "another snapshot");
        assert!(!SectionHead::decode(&bytes).holds(77, 4, &payload), "another place");
        for bit in 0..SECTION_HEAD * 8 {
            let mut hurt = bytes;
            hurt[bit / 8] ^= 1 << (bit % 8);
            assert!(!SectionHead::decode(&hurt).holds(77, 3, &payload), "bit {bit}");
        }
        for bit in 0..payload.len() * 8 {
            let mut hurt = payload;
            hurt[bit / 8] ^= 1 << (bit % 8);
            assert!(!SectionHead::decode(&bytes).holds(77, 3, &hurt), "bit {bit}");
        }
    }

    /// The bytes spelled out: a change here is a change of the format.
    #[test]
    fn the_bytes_are_the_documented_ones() {
        let bytes = header(Some(Identity { begin: 3, bytes: 0x1000, crc: 0xfeed })).encode();
        assert_eq!(&bytes[..24], b"WARDSNAP\0\0\x01\0\x60\0\0\0\x01\0\0\0\xed\xfe\0\0");
        assert_eq!(
            &bytes[24..48],
            b"\x07\0\0\0\0\0\0\0\xfb\xff\xff\xff\xff\xff\xff\xff\x88\x77\x66\x55\x44\x33\x22\x11"
        );
        assert_eq!(&bytes[48..64], b"\x03\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0");
        assert_eq!(bytes[64..92], [0; 28], "not sealed");
        let section = section_head(0, section::LIST, 3, b"hi");
        assert_eq!(&section[4..], b"\x02\0\0\0\x06\0\0\0\x03\0\0\0");
        let end = end(9, Identity { begin: 0, bytes: 8, crc: 7 });
        assert_eq!(&end, b"\x09\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x07\0\0\0");
    }

    #[test]
    fn names_are_strict() {
        let check = |name: &str, expect| assert_eq!(parse_name(name), expect, "{name}");
        check("00000000000000000012.whole", Some((12, false)));
        check("00000000000000000012.delta", Some((12, true)));
        check("12.whole", None);
        check("+0000000000000000012.whole", None);
        check("00000000000000000012.whole.tmp", None);
        check("00000000000000000012", None);
        check(UNFINISHED, None);
        let path = path(Path::new("d"), 12, true);
        assert_eq!(path, Path::new("d/00000000000000000012.delta"));
    }
}
