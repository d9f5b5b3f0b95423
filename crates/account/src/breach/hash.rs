// SPDX-License-Identifier: Apache-2.0
//! Hashes of passwords, as lists and clients write them.

use std::fmt;

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SHA-1 of the password's bytes.
    Sha1,
    /// What Windows keeps: MD4 over the password in UTF-16.
    Ntlm,
}

impl Kind {
    /// Its name in options, file names and queries.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Sha1 => "sha1",
            Kind::Ntlm => "ntlm",
        }
    }

    /// How many bytes such a hash has.
    pub fn bytes(self) -> usize {
        match self {
            Kind::Sha1 => 20,
            Kind::Ntlm => 16,
        }
    }

    pub(super) fn number(self) -> u8 {
        match self {
            Kind::Sha1 => 1,
            Kind::Ntlm => 2,
        }
    }

    pub(super) fn numbered(number: u8) -> Option<Kind> {
        [Kind::Sha1, Kind::Ntlm].into_iter().find(|kind| kind.number() == number)
    }
}

/// A hash of either kind; a shorter one is followed by zeros. It orders as its digits do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub(super) [u8; 20]);

/// A hash of a common password is the password: nothing of it goes into a log.
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

impl Hash {
    /// Reads the digits of a hash of this kind, in either case.
    pub fn from_hex(text: &[u8], kind: Kind) -> Option<Hash> {
        if text.len() != 2 * kind.bytes() {
            return None;
        }
        let mut hash = [0; 20];
        for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Hash(hash))
    }

    /// The digits after a prefix's five, in capitals, as clients compare them.
    pub fn push_suffix(&self, kind: Kind, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let digits = self.0[..kind.bytes()].iter().flat_map(|byte| [byte >> 4, byte & 15]);
        out.extend(digits.skip(Prefix::DIGITS).map(|digit| DIGITS[usize::from(digit)]));
    }

    /// A hash of these bytes, for padding.
    pub fn of_bytes(bytes: [u8; 20]) -> Hash {
        Hash(bytes)
    }

    /// The first five digits.
    pub fn prefix(&self) -> Prefix {
        let [a, b, c, ..] = self.0;
        Prefix(u32::from_be_bytes([0, a, b, c]) >> 4)
    }

    /// Its first eight bytes: where it lies among all.
    pub(super) fn place(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The eight bytes after these: which one it is there.
    pub(super) fn own(&self) -> u64 {
        let [.., a, b, c, d, e, f, g, h, _, _, _, _] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// The first `bits` bits of a place.
pub(super) fn top(place: u64, bits: u8) -> u64 {
    place.checked_shr(64 - u32::from(bits)).unwrap_or(0)
}

fn digit(text: u8) -> Option<u8> {
    match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        b'A'..=b'F' => Some(text - b'A' + 10),
        _ => None,
    }
}

/// The first five digits of a hash, by which ranges are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix(pub(super) u32);

impl Prefix {
    /// How many digits.
    pub const DIGITS: usize = 5;

    /// Reads five hexadecimal digits, in either case.
    pub fn parse(text: &str) -> Option<Prefix> {
        if text.len() != Prefix::DIGITS {
            return None;
        }
        text.bytes().try_fold(0, |all, byte| Some(all << 4 | u32::from(digit(byte)?))).map(Prefix)
    }

    /// As a number below 16 to the power of five.
    pub fn number(self) -> u32 {
        self.0
    }

    /// Where hashes with this prefix begin.
    pub(super) fn place(self) -> u64 {
        u64::from(self.0) << 44
    }
}

/// The SHA-1 of a password. It shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Sha1(pub(super) [u8; 20]);

impl fmt::Debug for Sha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha1(…)")
    }
}

impl Sha1 {
    /// Of a password, as the bytes that were typed (UTF-8).
    pub fn of(password: &[u8]) -> Sha1 {
        // Nothing is proved by this hash: it is how lists of breached passwords are written.
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, password);
        let mut hash = [0; 20];
        hash.copy_from_slice(digest.as_ref());
        Sha1(hash)
    }

    /// From its 40 digits, in either case.
    pub fn from_hex(text: &str) -> Option<Sha1> {
        Hash::from_hex(text.as_bytes(), Kind::Sha1).map(|hash| Sha1(hash.0))
    }

    /// The same as a hash to look up.
    pub fn hash(&self) -> Hash {
        Hash(self.0)
    }
}
