// SPDX-License-Identifier: Apache-2.0
//! State as bytes: how numbers, tiles and cells are written into the pieces of a snapshot and read out of them.
//!
//! Whole numbers are LEB128 (seven bits a byte, the low ones first), those with a sign zigzag before that, hashes eight
//! bytes with the low one first. A tile is the difference to the one written before it, which for most is a byte.
//!
//! What is read may be anything: a disk can damage what a checksum then covers. So no length is believed that the bytes
//! left could not hold, and what was read breaks no invariant that a panic hangs on. That it is what was written is
//! for the snapshot's checksum to say. A derived serialiser was left out: it would tie the layout to our types.

use crate::generations::Cell;
use ipnet::IpNet;
use std::net::IpAddr;
use wardroom_event::{Micros, Span, Value};

/// Why bytes are no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There are fewer bytes than they themselves say.
    #[error("the bytes end in the middle of {0}")]
    Cut(&'static str),
    /// There are more bytes than belong to it.
    #[error("{0} bytes are left over")]
    Left(usize),
    /// Another version wrote them.
    #[error("version {0} of this layout is unknown; this program reads {known}", known = VERSION)]
    Version(u8),
    /// They say something that cannot be.
    #[error("there is no such {0}")]
    No(&'static str),
    /// They belong to another table.
    #[error("these bytes are of another counter than the table they are loaded into")]
    OtherTable,
}

/// The version of the layout of heads and pieces.
pub(crate) const VERSION: u8 = 1;

/// A cell that can be written and read again.
pub(crate) trait Stored: Cell {
    /// How many parts it holds beside itself, such as tiles or items, each of some bytes. Unlike its memory this is the
    /// same after it was written and read.
    fn parts(&self) -> usize {
        0
    }

    /// Writes it, so that [`Stored::decode`] gives the very same.
    fn encode(&self, pen: &mut Pen<'_>);

    /// Reads what was written, or any other bytes.
    fn decode(from: &mut Source<'_>) -> Result<Self, Unreadable>;
}

/// Appends to bytes.
pub(crate) struct Pen<'a> {
    out: &'a mut Vec<u8>,
    tile: u32,
}

impl<'a> Pen<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Pen<'a> {
        Pen { out, tile: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn hash(&mut self, hash: u64) {
        self.bytes(&hash.to_le_bytes());
    }

    pub(crate) fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.byte(n as u8 | 0x80);
            n >>= 7;
        }
        self.byte(n as u8);
    }

    pub(crate) fn signed(&mut self, n: i64) {
        self.number((n << 1 ^ n >> 63).cast_unsigned());
    }

    /// From where the next tile is told.
    pub(crate) fn begin_at(&mut self, tile: u32) {
        self.tile = tile;
    }

    pub(crate) fn tile(&mut self, tile: u32) {
        self.signed(self.tile.wrapping_sub(tile).cast_signed().into());
        self.tile = tile;
    }

    /// A text with its length.
    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }
}

/// Bytes to read from.
pub(crate) struct Source<'a> {
    left: &'a [u8],
    tile: u32,
}

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Source<'a> {
        Source { left: bytes, tile: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// That all was read.
    pub(crate) fn end(&self) -> Result<(), Unreadable> {
        if self.is_empty() { Ok(()) } else { Err(Unreadable::Left(self.left.len())) }
    }

    /// The version that everything begins with.
    pub(crate) fn version(&mut self) -> Result<(), Unreadable> {
        match self.byte()? {
            VERSION => Ok(()),
            other => Err(Unreadable::Version(other)),
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Unreadable> {
        let (byte, left) = self.left.split_first().ok_or(Unreadable::Cut("a byte"))?;
        self.left = left;
        Ok(*byte)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Unreadable> {
        let (bytes, left) = self.left.split_at_checked(len).ok_or(Unreadable::Cut("some bytes"))?;
        self.left = left;
        Ok(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (bytes, left) = self.left.split_first_chunk().ok_or(Unreadable::Cut("a hash or an address"))?;
        self.left = left;
        Ok(*bytes)
    }

    pub(crate) fn hash(&mut self) -> Result<u64, Unreadable> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Unreadable> {
        let mut n = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            n |= bits << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(Unreadable::No("number of 64 bits"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Unreadable> {
        let n = self.number()?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    /// A number that fits.
    pub(crate) fn small<N: TryFrom<u64>>(&mut self) -> Result<N, Unreadable> {
        N::try_from(self.number()?).map_err(|_| Unreadable::No("number of so few bits"))
    }

    /// How many things follow, of which each takes at least so many bytes: no more than there can be.
    pub(crate) fn count(&mut self, each: usize) -> Result<usize, Unreadable> {
        let count = self.small::<usize>()?;
        if count > self.left.len() / each { Err(Unreadable::Cut("what was counted")) } else { Ok(count) }
    }

    /// From where the next tile is told.
    pub(crate) fn begin_at(&mut self, tile: u32) {
        self.tile = tile;
    }

    pub(crate) fn tile(&mut self) -> Result<u32, Unreadable> {
        let back = i32::try_from(self.signed()?).map_err(|_| Unreadable::No("tile"))?;
        self.tile = self.tile.wrapping_sub(back.cast_unsigned());
        Ok(self.tile)
    }

    /// A text with its length, of at most so many bytes.
    pub(crate) fn text(&mut self, most: usize) -> Result<&'a str, Unreadable> {
        let len = self.count(1)?;
        if len > most {
            return Err(Unreadable::No("text of so many bytes"));
        }
        std::str::from_utf8(self.bytes(len)?).map_err(|_| Unreadable::No("text"))
    }
}

impl Pen<'_> {
    /// A single value; a list is written as missing.
    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::Missing | Value::List(_) => self.byte(0),
            Value::Bool(b) => self.bytes(&[1, u8::from(*b)]),
            Value::Int(n) => self.tagged(2, *n),
            Value::Number(n) => {
                self.byte(3);
                self.hash(n.to_bits());
            }
            Value::Text(text) => {
                self.byte(4);
                self.text(text);
            }
            Value::Time(time) => self.tagged(5, time.0),
            Value::Duration(span) => self.tagged(6, span.0),
            Value::Ip(ip) => self.ip(7, *ip),
            Value::Net(net) => {
                self.ip(9, net.addr());
                self.byte(net.prefix_len());
            }
        }
    }

    fn tagged(&mut self, tag: u8, n: i64) {
        self.byte(tag);
        self.signed(n);
    }

    /// An address after its tag, or the next one for IPv6.
    fn ip(&mut self, tag: u8, ip: IpAddr) {
        self.byte(tag + u8::from(ip.is_ipv6()));
        match ip {
            IpAddr::V4(ip) => self.bytes(&ip.octets()),
            IpAddr::V6(ip) => self.bytes(&ip.octets()),
        }
    }
}

impl Source<'_> {
    /// A single value, in which no text is longer than so many bytes.
    pub(crate) fn value(&mut self, longest: usize) -> Result<Value, Unreadable> {
        Ok(match self.byte()? {
            0 => Value::Missing,
            1 => Value::Bool(self.byte()? != 0),
            2 => Value::Int(self.signed()?),
            3 => Value::Number(f64::from_bits(self.hash()?)),
            4 => Value::Text(self.text(longest)?.into()),
            5 => Value::Time(Micros(self.signed()?)),
            6 => Value::Duration(Span(self.signed()?)),
            tag @ (7 | 8) => Value::Ip(self.ip(tag == 8)?),
            tag @ (9 | 10) => {
                let ip = self.ip(tag == 10)?;
                let net = IpNet::new(ip, self.byte()?);
                Value::Net(net.map_err(|_| Unreadable::No("network"))?)
            }
            _ => return Err(Unreadable::No("form of a value")),
        })
    }

    fn ip(&mut self, six: bool) -> Result<IpAddr, Unreadable> {
        Ok(if six { IpAddr::from(self.array::<16>()?) } else { IpAddr::from(self.array::<4>()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let mut out = Vec::new();
        let mut pen = Pen::new(&mut out);
        let numbers = [0, 1, 127, 128, 16_383, 16_384, u64::MAX - 1, u64::MAX];
        let signed = [0, -1, 1, 63, -64, 64, i64::MIN, i64::MAX];
        let tiles = [5, 4, 6, u32::MAX, 0, 1 << 31];
        numbers.iter().for_each(|n| pen.number(*n));
        signed.iter().for_each(|n| pen.signed(*n));
        tiles.iter().for_each(|tile| pen.tile(*tile));
        pen.hash(7);
        let mut from = Source::new(&out);
        assert!(numbers.iter().all(|n| from.number() == Ok(*n)));
        assert!(signed.iter().all(|n| from.signed() == Ok(*n)));
        assert!(tiles.iter().all(|tile| from.tile() == Ok(*tile)));
        assert_eq!((from.hash(), from.end()), (Ok(7), Ok(())));
    }

    #[test]
    fn what_is_no_number_is_said() {
        let check = |bytes: &[u8], expect: Unreadable| {
            assert_eq!(Source::new(bytes).number(), Err(expect), "{bytes:?}");
        };
        check(&[], Unreadable::Cut("a byte"));
        check(&[0x80], Unreadable::Cut("a byte"));
        check(&[0xff; 10], Unreadable::No("number of 64 bits"));
        check(
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
            Unreadable::No("number of 64 bits"),
        );
        assert_eq!(Source::new(&[200, 1]).count(1), Err(Unreadable::Cut("what was counted")));
        assert_eq!(Source::new(&[2, b'x', 0xff]).text(9), Err(Unreadable::No("text")));
        assert_eq!(Source::new(&[2, b'x', b'y']).text(1), Err(Unreadable::No("text of so many bytes")));
        assert_eq!(Source::new(&[9]).version(), Err(Unreadable::Version(9)));
        assert_eq!(
            Unreadable::Version(9).to_string(),
            "version 9 of this layout is unknown; this program reads 1"
        );
    }
}
