// SPDX-License-Identifier: Apache-2.0
//! Which country an address belongs to: the table shipped with this build, and tables that an operator has.
//!
//! The shipped table says in which country a block of addresses is *registered*; `data/README.md` says where it is
//! from and how often that is another country than the one where the block is used. It is packed by
//! [`Countries::pack`] as places of change: each the distance from the one before (trailing zero bits, then the rest
//! as a varint) and the number of a country. A place takes about three bytes, so nothing else needs to compress it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use crate::error::{Fault, Faults};
use crate::limits;
use crate::ranges::{Address, Range, Ranges};

/// The packed table that every build holds.
static SHIPPED: &[u8] = include_bytes!("../data/countries.bin");
/// What a packed table begins with: the format and its version.
const MAGIC: &[u8; 4] = b"WCT1";

/// A country by its two letters (ISO 3166-1 alpha-2), upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Two ASCII letters, in either case.
    pub fn new(code: &str) -> Option<Country> {
        match code.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Country([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        // Made of ASCII letters only.
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A range of addresses of one family, both ends within, and its country.
pub type CountryRange = (IpAddr, IpAddr, Country);

/// Which addresses belong to which country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Countries {
    /// Where it is from, in words.
    source: String,
    /// The day it was made, as `2026-11-01`; empty when not known.
    date: String,
    /// By number, from 1.
    names: Vec<Country>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl Countries {
    /// The table shipped with this build.
    pub fn shipped() -> &'static Countries {
        static TABLE: LazyLock<Countries> = LazyLock::new(|| {
            // Compiled in, and read by a test of this file: it cannot be anything else.
            Countries::unpack(SHIPPED).expect("the table of countries in this build is whole")
        });
        &TABLE
    }

    /// The country of an address. An IPv4 address written as IPv6 (`::ffff:…`) is looked up as IPv4; private and
    /// reserved addresses belong to none.
    pub fn get(&self, ip: IpAddr) -> Option<Country> {
        let number = match ip.to_canonical() {
            IpAddr::V4(ip) => self.v4.get(u32::from(ip)),
            IpAddr::V6(ip) => self.v6.get(u128::from(ip)),
        };
        self.names.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// Where the table is from, in words.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The day the table was made, as `2026-11-01`; empty when not known.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// How many places there are at which the country changes.
    pub fn len(&self) -> usize {
        self.v4.changes().len() + self.v6.changes().len()
    }

    /// Whether no address has a country.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A table of these ranges; the narrowest range that holds an address counts, of equal ones the last. `None`
    /// when the ends of a range do not fit together.
    pub fn new(source: &str, date: &str, ranges: &[CountryRange]) -> Option<Countries> {
        let mut names: Vec<Country> = ranges.iter().map(|(_, _, country)| *country).collect();
        names.sort_unstable();
        names.dedup();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (first, last, country) in ranges {
            let value = u16::try_from(names.binary_search(country).ok()? + 1).ok()?;
            match (first, last) {
                (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => v4.push(range(*a, *b, value)),
                (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => v6.push(range(*a, *b, value)),
                _ => return None,
            }
        }
        let (v4, v6) = (Ranges::nested(v4), Ranges::nested(v6));
        Some(Countries { source: source.to_owned(), date: date.to_owned(), names, v4, v6 })
    }

    /// Reads lines `first,last,CC`, as Debian's `tor-geoipdb` and others write them: ends are addresses, or IPv4
    /// as whole numbers; `??` and `ZZ` are no country; `#` begins a comment.
    pub(crate) fn read(source: &str, text: &str) -> Result<Countries, Faults> {
        let mut faults = Faults::default();
        let mut ranges = Vec::new();
        for (line, written) in (1..).zip(text.lines()) {
            if line > limits::LINES {
                faults.push(line, format!("there are more than {} lines", limits::LINES));
                break;
            }
            match read_line(written) {
                Ok(range) => ranges.extend(range),
                Err(message) => faults.push(line, message),
            }
        }
        let table = Countries::new(source, "", &ranges);
        match table {
            _ if !faults.is_empty() => Err(faults),
            Some(table) if !table.is_empty() => Ok(table),
            Some(_) => Err(Fault::whole("there is no range in it").into()),
            None => Err(Fault::whole("its ranges do not fit together").into()),
        }
    }

    /// The table as bytes, for `data/countries.bin`.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for text in [&self.date, &self.source] {
            write_number(&mut out, text.len() as u128);
            out.extend(text.bytes());
        }
        write_number(&mut out, self.names.len() as u128);
        self.names.iter().for_each(|name| out.extend(name.0));
        write_changes(&mut out, self.v4.changes().map(|(at, value)| (u128::from(at), value)));
        write_changes(&mut out, self.v6.changes());
        out
    }

    /// Reads what [`Countries::pack`] wrote; `None` when the bytes are anything else.
    pub fn unpack(bytes: &[u8]) -> Option<Countries> {
        let rest = &mut bytes.strip_prefix(MAGIC)?;
        let date = take_text(rest)?;
        let source = take_text(rest)?;
        let count = usize::try_from(take_number(rest)?).ok().filter(|count| *count <= 26 * 26)?;
        let names = take(rest, count * 2)?.chunks_exact(2);
        let names =
            names.map(|two| Country::new(std::str::from_utf8(two).ok()?)).collect::<Option<Vec<_>>>()?;
        let v4 = take_changes(rest, count, |at| u32::try_from(at).ok())?;
        let v6 = take_changes(rest, count, Some)?;
        rest.is_empty().then_some(Countries { source, date, names, v4, v6 })
    }
}

fn range<A: Address>(first: impl Into<A>, last: impl Into<A>, value: u16) -> Range<A> {
    Range { first: first.into(), last: last.into(), value }
}

/// One line; nothing for an empty one, a comment, or a range of no country.
fn read_line(line: &str) -> Result<Option<CountryRange>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut columns = line.split(',').map(|column| column.trim().trim_matches('"'));
    let (Some(first), Some(last), Some(code)) = (columns.next(), columns.next(), columns.next()) else {
        return Err("a line is `first,last,CC`".to_owned());
    };
    let (first, last) = (read_end(first)?, read_end(last)?);
    if first.is_ipv4() != last.is_ipv4() || first > last {
        return Err(format!("{first} to {last} is not a range"));
    }
    match Country::new(code) {
        Some(country) if country.as_str() == "ZZ" => Ok(None),
        Some(country) => Ok(Some((first, last, country))),
        None if matches!(code, "??" | "") => Ok(None),
        None => Err(format!("{code:?} is not the two letters of a country")),
    }
}

fn read_end(text: &str) -> Result<IpAddr, String> {
    if let Ok(number) = text.parse::<u32>() {
        return Ok(IpAddr::V4(Ipv4Addr::from(number)));
    }
    text.parse().map_err(|_| format!("{text:?} is not an address"))
}

/// How many there are; then for each how far it is from the one before, and what holds from there.
fn write_changes(out: &mut Vec<u8>, changes: impl ExactSizeIterator<Item = (u128, u16)>) {
    write_number(out, changes.len() as u128);
    let mut before = 0;
    for (at, value) in changes {
        let far: u128 = at - before;
        let zeros = if far == 0 { 0 } else { far.trailing_zeros() };
        out.push(u8::try_from(zeros).unwrap_or(0));
        write_number(out, far >> zeros);
        write_number(out, u128::from(value));
        before = at;
    }
}

/// A varint: seven bits a byte, the lowest first, the eighth bit set where more follow.
fn write_number(out: &mut Vec<u8>, mut number: u128) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

fn take_number(rest: &mut &[u8]) -> Option<u128> {
    let mut number = 0u128;
    for shift in (0..128).step_by(7) {
        let byte = *take(rest, 1)?.first()?;
        let bits = u128::from(byte & 0x7f);
        // Bits that would fall off the end are no number of ours.
        number |= (bits << shift >> shift == bits).then_some(bits << shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let count = usize::try_from(take_number(rest)?).ok()?;
    String::from_utf8(take(rest, count)?.to_vec()).ok()
}

fn take_changes<A: Address>(
    rest: &mut &[u8],
    names: usize,
    address: impl Fn(u128) -> Option<A>,
) -> Option<Ranges<A>> {
    let count = take_number(rest)?;
    let mut ranges = Ranges::new();
    let mut before = 0u128;
    for _ in 0..count {
        let zeros = u32::from(*take(rest, 1)?.first()?);
        let far = take_number(rest)?;
        let far = (zeros < 128 && far.leading_zeros() >= zeros).then(|| far << zeros)?;
        before = before.checked_add(far)?;
        let value = u16::try_from(take_number(rest)?).ok().filter(|value| usize::from(*value) <= names)?;
        ranges.change(address(before)?, value);
    }
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv6Addr;

    #[test]
    fn the_shipped_table_knows_the_world() {
        let check = |ip: &str, expect: &str| {
            let country = Countries::shipped().get(ip.parse().unwrap());
            assert_eq!(country.map_or(String::new(), |c| c.as_str().to_owned()), expect, "{ip}");
        };
        check("8.8.8.8", "US");
        check("193.0.6.139", "NL");
        check("81.2.69.142", "GB");
        check("185.220.101.1", "DE");
        check("41.0.0.1", "ZA");
        check("200.160.0.8", "BR");
        check("133.11.0.1", "JP");
        check("2001:67c:2e8:22::c100:68b", "NL");
        check("2a00:1450:4001:80b::200e", "IE");
        check("2400:cb00::1", "US");
        check("::ffff:8.8.8.8", "US");
        check("::8.8.8.8", "");
        check("255.255.255.255", "");
        check("::1", "");
    }

    /// Whether nobody can have this address: private, local, reserved, for documentation, or for many.
    fn is_nobodys(ip: IpAddr) -> bool {
        let net = |text: &str| text.parse::<ipnet::IpNet>().unwrap().contains(&ip);
        [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "::/16",
            "2001:db8::/32",
            "fc00::/6",
            "ff00::/8",
            "2002::/16",
        ]
        .into_iter()
        .any(net)
    }

    #[test]
    fn private_and_reserved_addresses_are_nobodys() {
        let step = 1usize << 12;
        let all = (0..=u32::MAX).step_by(step).map(|at| IpAddr::V4(Ipv4Addr::from(at)));
        let six = (0..=u16::MAX).map(|top| IpAddr::V6(Ipv6Addr::from(u128::from(top) << 112)));
        let wrong: Vec<IpAddr> =
            all.chain(six).filter(|ip| is_nobodys(*ip) && Countries::shipped().get(*ip).is_some()).collect();
        assert_eq!(wrong, Vec::<IpAddr>::new());
    }

    #[test]
    fn the_shipped_table_says_what_it_is() {
        let shipped = Countries::shipped();
        assert!(shipped.source().contains("CC BY 4.0"), "{}", shipped.source());
        assert_eq!(shipped.date().len(), "2026-11-01".len());
        assert!(shipped.len() > 200_000, "{}", shipped.len());
        assert_eq!(shipped.pack(), SHIPPED);
    }

    #[test]
    fn lines_are_read() {
        let check = |text: &str, ip: &str, expect: &str| {
            let said = match Countries::read("x", text) {
                Ok(table) => table.get(ip.parse().unwrap()).map_or("none".into(), |c| format!("{c:?}")),
                Err(faults) => faults.to_string(),
            };
            assert_eq!(said, expect, "{text}");
        };
        check("# c\n\n16777216,16777471,AU\n", "1.0.0.255", "AU");
        check("16777216,16777471,AU\n16777472,16777473,??", "1.0.1.0", "none");
        check("\"1.0.0.0\",\"1.0.0.255\",\"au\",\"more\"", "1.0.0.7", "AU");
        check("2001:db8::,2001:db8:ffff::,DE", "2001:db8:1::", "DE");
        check("1.0.0.0,1.0.0.9,ZZ", "1.0.0.1", "there is no range in it");
        check(
            "1.0.0.0\n1.0.0.9,1.0.0.0,DE",
            "1.0.0.1",
            "line 1: a line is `first,last,CC`\nline 2: 1.0.0.9 to 1.0.0.0 is not a range",
        );
        check("1.0.0.0,::2,DE", "1.0.0.1", "line 1: 1.0.0.0 to ::2 is not a range");
        check("4294967296,4294967297,DE", "1.0.0.1", "line 1: \"4294967296\" is not an address");
        check("1.0.0.0,1.0.0.1,D3", "1.0.0.1", "line 1: \"D3\" is not the two letters of a country");
    }

    proptest! {
        #[test]
        fn unpack_undoes_pack(ends in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u128>(), any::<u128>(), "[A-Z]{2}"), 0..30)) {
            let ranges: Vec<CountryRange> = ends.iter().flat_map(|(a, b, c, d, code)| {
                let country = Country::new(code).unwrap();
                let four = |at: u32| IpAddr::V4(Ipv4Addr::from(at));
                let six = |at: u128| IpAddr::V6(Ipv6Addr::from(at));
                [(four(*a.min(b)), four(*a.max(b)), country), (six(*c.min(d)), six(*c.max(d)), country)]
            }).collect();
            let table = Countries::new("from somewhere", "2026-01-05", &ranges).unwrap();
            prop_assert_eq!(Countries::unpack(&table.pack()), Some(table));
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Countries::unpack(&[MAGIC.as_slice(), &bytes].concat());
        }

        #[test]
        fn any_text_is_taken(text in "([0-9a-f:.,?A-Z\"# ]{0,40}\n){0,5}") {
            let _ = Countries::read("x", &text);
        }
    }
}
