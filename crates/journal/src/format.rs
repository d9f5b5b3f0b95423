// SPDX-License-Identifier: Apache-2.0
//! The bytes of segment headers and frames; `docs/src/journal-format.md` is the same in prose.
//!
//! The checksum comes first, so that it covers *everything* after it, the length and the padding included: a flipped
//! bit anywhere in a frame is seen. It starts from the segment's secret-enough salt: a payload that a stranger shaped
//! like a frame does not pass for one when a torn tail is searched, and neither do old bytes of a reused disk block.

use std::path::{Path, PathBuf};

use crate::error::Damage;
use crate::limits::{MAX_HEADER_BYTES, MAX_PAYLOAD};
use crate::seal::{SEAL_HEAD_BYTES, Seal, SealHead, TAG_BYTES};

/// Set on the frames that repeat the caller's prologue at the head of a segment; they consume no number.
pub const FLAG_PROLOGUE: u8 = 0b0000_0001;

/// Set on the frames that [`repair`](crate::repair) puts in the place of lost ones. They are of kind [`LOST`], are never
/// encrypted, and what they hold means nothing.
pub const FLAG_FILLER: u8 = 0b0000_0010;

/// The kind of a record that was lost: a reader passes over it.
pub const LOST: u8 = 0;

/// Major version of segments whose payloads lie in the open.
pub(crate) const FORMAT_PLAIN: u16 = 1;
/// Major version of segments whose payloads are encrypted.
pub(crate) const FORMAT_SEALED: u16 = 2;
const FORMAT_MINOR: u16 = 0;
const MAGIC: [u8; 8] = *b"WARDJRNL";

/// Where a header says how its segment is encrypted.
const SEAL_HEAD: usize = 36;

/// Bytes of a segment header as written.
pub(crate) const HEADER_BYTES: usize = 64;
/// Bytes of a frame before its payload.
pub(crate) const FRAME_HEAD: usize = 24;
/// Frames begin at multiples of this.
pub(crate) const ALIGN: usize = 8;

/// Largest length field of any frame: a payload with the tag of its encryption.
const MAX_STORED: usize = MAX_PAYLOAD + TAG_BYTES;

/// Bytes of the largest frame there can be.
#[cfg(test)]
pub(crate) const MAX_PAYLOAD_FRAME: usize = FRAME_HEAD + MAX_STORED;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The record's number: contiguous, from 1.
    pub seq: u64,
    /// The segment, named by the number of its first record.
    pub segment: u64,
    /// Byte offset of the frame in the segment file.
    pub offset: u64,
}

/// A frame as a reader sees it, borrowed from the reader's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where it lies. A prologue frame has the number of the first record of its segment.
    pub position: Position,
    /// The caller's kind; a reader skips kinds it does not know.
    pub kind: u8,
    /// [`FLAG_PROLOGUE`], [`FLAG_FILLER`] or zero; a reader ignores bits it does not know.
    pub flags: u8,
    /// The caller's bytes; none in a filler.
    pub payload: &'a [u8],
}

/// A frame that owns its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameBuf {
    /// Where it lies.
    pub position: Position,
    /// The caller's kind.
    pub kind: u8,
    /// [`FLAG_PROLOGUE`] or zero.
    pub flags: u8,
    /// The caller's bytes.
    pub payload: Vec<u8>,
}

impl Frame<'_> {
    /// True for a frame that repeats the caller's prologue and consumes no number.
    pub fn is_prologue(&self) -> bool {
        self.flags & FLAG_PROLOGUE != 0
    }

    /// Copies the payload out of the reader's buffer.
    pub fn to_owned(&self) -> FrameBuf {
        FrameBuf {
            position: self.position,
            kind: self.kind,
            flags: self.flags,
            payload: self.payload.to_vec(),
        }
    }
}

/// Bytes that a frame with this many bytes of payload takes: what to sum up for [`Writer::reserve`](crate::Writer::reserve).
pub const fn frame_bytes(payload: usize) -> u64 {
    (FRAME_HEAD + payload.next_multiple_of(ALIGN)) as u64
}

/// `{first_seq:020}.wj` in `dir`.
pub(crate) fn segment_path(dir: &Path, first_seq: u64) -> PathBuf {
    dir.join(format!("{first_seq:020}.wj"))
}

/// The number in a segment's file name, or none for a file that is not a segment's.
pub(crate) fn parse_segment_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".wj")?;
    let plain = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|&seq| plain && seq > 0)
}

/// The head of a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Where the first frame begins.
    pub(crate) header_len: u32,
    pub(crate) first_seq: u64,
    /// When the segment was made, by the caller's clock, UTC microseconds.
    pub(crate) created_micros: i64,
    /// Start value of every frame checksum in the segment.
    pub(crate) salt: u32,
    /// How its payloads are encrypted, if they are.
    pub(crate) seal: Option<SealHead>,
}

/// Why a header was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    /// All zero (or no bytes at all): never written.
    Blank,
    /// It begins with the magic but is not whole.
    Damaged,
    /// Not a journal segment.
    Foreign,
    /// Whole, of a major version this program does not read.
    Version(u16),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0u8; HEADER_BYTES];
        out[0..8].copy_from_slice(&MAGIC);
        let major = if self.seal.is_some() { FORMAT_SEALED } else { FORMAT_PLAIN };
        out[8..12].copy_from_slice(&(u32::from(major) << 16 | u32::from(FORMAT_MINOR)).to_le_bytes());
        out[12..16].copy_from_slice(&self.header_len.to_le_bytes());
        out[16..24].copy_from_slice(&self.first_seq.to_le_bytes());
        out[24..32].copy_from_slice(&self.created_micros.to_le_bytes());
        out[32..36].copy_from_slice(&self.salt.to_le_bytes());
        if let Some(seal) = &self.seal {
            out[SEAL_HEAD..SEAL_HEAD + SEAL_HEAD_BYTES].copy_from_slice(&seal.to_bytes());
        }
        let crc = crc32fast::hash(&out[..60]);
        out[60..64].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header from the first bytes of a file. The first 64 bytes keep this shape and checksum in every version,
    /// so that an unknown version is told from damage.
    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentHeader, BadHeader> {
        let head = &bytes[..bytes.len().min(HEADER_BYTES)];
        if head.iter().all(|&b| b == 0) {
            return Err(BadHeader::Blank);
        }
        if !head.starts_with(&MAGIC) {
            return Err(BadHeader::Foreign);
        }
        if head.len() < HEADER_BYTES || crc32fast::hash(&head[..60]) != u32_at(head, 60) {
            return Err(BadHeader::Damaged);
        }
        let major = (u32_at(head, 8) >> 16) as u16;
        let seal = match major {
            FORMAT_PLAIN => None,
            FORMAT_SEALED => {
                let mut bytes = [0; SEAL_HEAD_BYTES];
                bytes.copy_from_slice(&head[SEAL_HEAD..SEAL_HEAD + SEAL_HEAD_BYTES]);
                Some(SealHead::from_bytes(&bytes))
            }
            other => return Err(BadHeader::Version(other)),
        };
        let header = SegmentHeader {
            header_len: u32_at(head, 12),
            first_seq: u64_at(head, 16),
            created_micros: u64_at(head, 24) as i64,
            salt: u32_at(head, 32),
            seal,
        };
        let aligned = header.header_len.is_multiple_of(ALIGN as u32);
        let bounded = (HEADER_BYTES as u32..=MAX_HEADER_BYTES).contains(&header.header_len);
        if aligned && bounded { Ok(header) } else { Err(BadHeader::Damaged) }
    }

    /// A header of which one byte is wrong, if there is exactly one way to put that right.
    pub(crate) fn decode_but_one_byte(bytes: &[u8; HEADER_BYTES]) -> Option<SegmentHeader> {
        let mut found = None;
        for at in 0..HEADER_BYTES {
            for change in 1..=u8::MAX {
                let mut tried = *bytes;
                tried[at] ^= change;
                if let Ok(header) = SegmentHeader::decode(&tried) {
                    if found.is_some() {
                        return None;
                    }
                    found = Some(header);
                }
            }
        }
        found
    }

    /// Whether what is left of a damaged header says that its segment is plain; none if it says nothing.
    pub(crate) fn says_plain(bytes: &[u8; HEADER_BYTES]) -> Option<bool> {
        let unused = bytes[SEAL_HEAD..SEAL_HEAD + SEAL_HEAD_BYTES].iter().all(|&byte| byte == 0);
        match (unused, u32_at(bytes, 8) >> 16) {
            (true, major) if major == u32::from(FORMAT_PLAIN) => Some(true),
            (true, major) if major != u32::from(FORMAT_SEALED) => None,
            _ => Some(false),
        }
    }

    /// What the segment's own key is derived from besides the seal's head, so that none of it can be exchanged: the bytes
    /// from the header's length to the salt.
    pub(crate) fn context(&self) -> [u8; 24] {
        let mut out = [0; 24];
        out.copy_from_slice(&self.encode()[12..36]);
        out
    }

    /// Bytes that a record of `payload` bytes has in this segment.
    pub(crate) fn largest(&self) -> usize {
        if self.seal.is_some() { MAX_STORED } else { MAX_PAYLOAD }
    }
}

/// What the key of a segment is derived for.
pub(crate) const SEGMENT_CONTEXT: &[u8] = b"wardroom journal segment";

/// The last part of the nonce of a frame at this offset, together with its number unique in the segment: frames begin at
/// multiples of eight, and a segment is no longer than 1 GiB.
fn nonce_place(offset: u64) -> u32 {
    (offset / ALIGN as u64) as u32
}

/// The head of a frame, decoded but not yet believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) crc: u32,
    /// Bytes of payload, padding not counted.
    pub(crate) len: u32,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    /// `seq` minus the last number known durable when the frame was written.
    pub(crate) lag: u32,
    pub(crate) seq: u64,
}

impl FrameHead {
    /// Decodes a head; `bytes` holds at least [`FRAME_HEAD`].
    pub(crate) fn decode(bytes: &[u8]) -> FrameHead {
        FrameHead {
            crc: u32_at(bytes, 0),
            len: u32_at(bytes, 4),
            kind: bytes[8],
            flags: bytes[9],
            lag: u32_at(bytes, 12),
            seq: u64_at(bytes, 16),
        }
    }

    pub(crate) fn is_prologue(&self) -> bool {
        self.flags & FLAG_PROLOGUE != 0
    }

    pub(crate) fn is_filler(&self) -> bool {
        self.flags & FLAG_FILLER != 0
    }

    /// The last record known durable when this frame was written.
    pub(crate) fn durable_seq(&self) -> u64 {
        self.seq.saturating_sub(u64::from(self.lag))
    }

    /// Bytes of the whole frame, or the damage if the length cannot be right.
    pub(crate) fn size(&self) -> Result<usize, Damage> {
        let len = self.len as usize;
        if len > MAX_STORED { Err(Damage::Length(self.len)) } else { Ok(frame_bytes(len) as usize) }
    }
}

/// True if the whole frame in `bytes` (head, payload, padding) has the checksum it states.
pub(crate) fn checksum_holds(salt: u32, bytes: &[u8]) -> bool {
    checksum(salt, &bytes[4..]) == u32_at(bytes, 0)
}

/// Appends a whole frame to `out`, its payload in the open. The caller has checked the payload's size.
#[cfg(test)]
pub(crate) fn encode_frame(out: &mut Vec<u8>, salt: u32, head: FrameHead, payload: &[u8]) {
    encode_sealed(out, salt, None, head, payload);
}

/// Appends a whole frame to `out`, encrypted with the segment's key if there is one; the frame will lie at that offset.
/// The caller has checked the payload's size.
pub(crate) fn encode_sealed(
    out: &mut Vec<u8>,
    salt: u32,
    seal: Option<(&Seal, u64)>,
    head: FrameHead,
    payload: &[u8],
) {
    let start = out.len();
    let len = payload.len() + if seal.is_some() { TAG_BYTES } else { 0 };
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(len as u32).to_le_bytes());
    out.extend_from_slice(&[head.kind, head.flags, 0, 0]);
    out.extend_from_slice(&head.lag.to_le_bytes());
    out.extend_from_slice(&head.seq.to_le_bytes());
    out.extend_from_slice(payload);
    if let Some((seal, offset)) = seal {
        let (before, piece) = out.split_at_mut(start + FRAME_HEAD);
        let tag = seal.seal(head.seq, nonce_place(offset), &before[start + 4..], piece);
        out.extend_from_slice(&tag);
    }
    out.resize(start + frame_bytes(len) as usize, 0);
    let crc = checksum(salt, &out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// Decrypts the payload of the frame in `bytes`, which lies at `offset`, where it lies. Gives its length, or none if it is
/// not what was written with this key. A filler has no payload to speak of, and anything else in its place would be a
/// way around the encryption.
pub(crate) fn open_payload(seal: &Seal, head: &FrameHead, offset: u64, bytes: &mut [u8]) -> Option<usize> {
    let (before, stored) = bytes.split_at_mut(FRAME_HEAD);
    let sealed = stored.get_mut(..head.len as usize)?;
    seal.open(head.seq, nonce_place(offset), &before[4..], sealed).map(<[u8]>::len)
}

fn checksum(salt: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(bytes);
    hasher.finalize()
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

/// The salt with which the frame in `bytes` has the checksum it states: there is exactly one. A segment whose header is
/// lost gets it back this way; see [`repair`](crate::repair).
pub(crate) fn salt_of(bytes: &[u8]) -> u32 {
    let mut crc = !u32_at(bytes, 0);
    for &byte in bytes[4..].iter().rev() {
        // The checksum run backwards: the high byte tells which entry of the table went in last.
        let i = CRC_INDEX[(crc >> 24) as usize];
        crc = (crc ^ CRC_TABLE[usize::from(i)]) << 8 | u32::from(i ^ byte);
    }
    !crc
}

/// The table of CRC-32, byte by byte.
const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let (mut crc, mut bit) = (i as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
};

/// Which entry of [`CRC_TABLE`] has this high byte: each has another.
const CRC_INDEX: [u8; 256] = {
    let mut index = [0; 256];
    let mut i = 0;
    while i < 256 {
        index[(CRC_TABLE[i] >> 24) as usize] = i as u8;
        i += 1;
    }
    index
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_salt_is_told_from_any_frame() {
        for (salt, payload) in [(0, &b""[..]), (1, b"a"), (0xfeed_beef, &[7; 1000]), (u32::MAX, &[0; 33])] {
            let head = FrameHead { crc: 0, len: 0, kind: 3, flags: 0, lag: 2, seq: 9 };
            let mut bytes = Vec::new();
            encode_frame(&mut bytes, salt, head, payload);
            assert_eq!(salt_of(&bytes), salt);
        }
    }

    fn header() -> SegmentHeader {
        SegmentHeader { header_len: 64, first_seq: 7, created_micros: -5, salt: 0xfeed, seal: None }
    }

    fn sealed_header() -> SegmentHeader {
        let seal = SealHead { key: crate::KeyId([1; 8]), salt: [2; 16] };
        SegmentHeader { seal: Some(seal), ..header() }
    }

    #[test]
    fn header_survives_the_round_trip_and_every_flipped_bit_is_seen() {
        for header in [header(), sealed_header()] {
            let bytes = header.encode();
            assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
            for bit in 0..HEADER_BYTES * 8 {
                let mut hurt = bytes;
                hurt[bit / 8] ^= 1 << (bit % 8);
                assert!(SegmentHeader::decode(&hurt).is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn one_wrong_byte_of_a_header_is_put_right() {
        for header in [header(), sealed_header()] {
            let bytes = header.encode();
            for at in 0..HEADER_BYTES {
                let mut hurt = bytes;
                hurt[at] ^= 0x5a;
                assert_eq!(SegmentHeader::decode_but_one_byte(&hurt), Some(header), "byte {at}");
                hurt[(at + 9) % HEADER_BYTES] ^= 0x11;
                assert_eq!(SegmentHeader::decode_but_one_byte(&hurt), None, "byte {at} and another");
            }
        }
        assert_eq!(SegmentHeader::says_plain(&header().encode()), Some(true));
        assert_eq!(SegmentHeader::says_plain(&sealed_header().encode()), Some(false));
        assert_eq!(SegmentHeader::says_plain(&[0; 64]), None);
        let mut changed = header().encode();
        changed[40] = 1;
        assert_eq!(SegmentHeader::says_plain(&changed), Some(false));
    }

    #[test]
    fn a_later_minor_is_read_and_a_later_major_is_named() {
        let with_version = |version: u32| {
            let mut bytes = header().encode();
            bytes[8..12].copy_from_slice(&version.to_le_bytes());
            let crc = crc32fast::hash(&bytes[..60]);
            bytes[60..].copy_from_slice(&crc.to_le_bytes());
            SegmentHeader::decode(&bytes)
        };
        assert_eq!(with_version(0x0001_0009), Ok(header()));
        assert_eq!(with_version(0x0003_0000), Err(BadHeader::Version(3)));
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_seen() {
        let head = FrameHead { crc: 0, len: 0, kind: 3, flags: 0, lag: 2, seq: 9 };
        let mut bytes = Vec::new();
        encode_frame(&mut bytes, 77, head, b"abcde");
        assert_eq!(bytes.len() as u64, frame_bytes(5));
        assert!(checksum_holds(77, &bytes));
        assert!(!checksum_holds(78, &bytes), "the salt matters");
        for bit in 0..bytes.len() * 8 {
            let mut hurt = bytes.clone();
            hurt[bit / 8] ^= 1 << (bit % 8);
            assert!(!checksum_holds(77, &hurt), "bit {bit}");
        }
    }

    /// The bytes of one header and one frame, spelled out: a change here is a change of the format.
    #[test]
    fn the_bytes_are_the_documented_ones() {
        let bytes = header().encode();
        assert_eq!(&bytes[..16], b"WARDJRNL\x00\x00\x01\x00\x40\x00\x00\x00");
        assert_eq!(&bytes[16..36], b"\x07\0\0\0\0\0\0\0\xfb\xff\xff\xff\xff\xff\xff\xff\xed\xfe\0\0");
        let bytes = sealed_header().encode();
        assert_eq!(&bytes[8..12], b"\x00\x00\x02\x00");
        assert_eq!(&bytes[36..60], &[[1; 8], [2; 8], [2; 8]].concat());
        let mut frame = Vec::new();
        let head = FrameHead { crc: 0, len: 0, kind: 3, flags: 1, lag: 2, seq: 9 };
        encode_frame(&mut frame, 0, head, b"hi");
        assert_eq!(&frame[4..], b"\x02\0\0\0\x03\x01\0\0\x02\0\0\0\x09\0\0\0\0\0\0\0hi\0\0\0\0\0\0");
    }

    #[test]
    fn names_are_strict() {
        let check = |name: &str, expect| assert_eq!(parse_segment_name(name), expect, "{name}");
        check("00000000000000000001.wj", Some(1));
        check("18446744073709551615.wj", Some(u64::MAX));
        check("00000000000000000000.wj", None);
        check("1.wj", None);
        check("+0000000000000000001.wj", None);
        check("99999999999999999999.wj", None);
        check("00000000000000000001.wj.bak", None);
        check("LOCK", None);
    }
}
