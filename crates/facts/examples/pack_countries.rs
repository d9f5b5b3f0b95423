// SPDX-License-Identifier: Apache-2.0
//! Makes `crates/facts/data/countries.bin`; `crates/facts/data/README.md` says from what and how.
//!
//! `cargo run -p wardroom-facts --example pack_countries -- DATE OUT FILE…`, each file either
//! - `delegated-REGISTRY-extended-…`: statistics as the five registries publish them daily, or
//! - `v4.bin` and `v6.bin`: the same statistics as the crate `iptocc` packs them, for those who reach only crates.io.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a recipe that people run by hand")]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use wardroom_facts::{Countries, Country, CountryRange};

const SOURCE: &str = "delegated statistics of the five regional Internet registries, (c) Number Resource \
                      Organization (nro.net), CC BY 4.0";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [date, out, files @ ..] = args.as_slice() else {
        return Err("usage: pack_countries DATE OUT FILE…".into());
    };
    let mut ranges = Vec::new();
    for file in files {
        let bytes = std::fs::read(file)?;
        let name = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or("");
        match name {
            "v4.bin" => iptocc_v4(&bytes, &mut ranges)?,
            "v6.bin" => iptocc_v6(&bytes, &mut ranges)?,
            _ => delegated(&String::from_utf8(bytes)?, &mut ranges)?,
        }
    }
    let table = Countries::new(SOURCE, date, &ranges).ok_or("a range is turned round")?;
    let packed = table.pack();
    println!("{} ranges, {} places of change, {} bytes", ranges.len(), table.len(), packed.len());
    Ok(std::fs::write(out, packed)?)
}

/// Lines `registry|CC|ipv4|first|count|date|status|…` and `registry|CC|ipv6|first|prefix length|date|status|…`.
fn delegated(text: &str, ranges: &mut Vec<CountryRange>) -> Result<()> {
    for line in text.lines() {
        let columns: Vec<&str> = line.split('|').collect();
        let [_, code, family, first, size, _, "allocated" | "assigned", ..] = columns[..] else { continue };
        let Some(country) = Country::new(code).filter(|country| country.as_str() != "ZZ") else { continue };
        match family {
            "ipv4" => {
                let first = u32::from(first.parse::<Ipv4Addr>()?);
                let last = first
                    .checked_add(size.parse::<u32>()?.saturating_sub(1))
                    .ok_or("beyond the last address")?;
                ranges.push((four(first), four(last), country));
            }
            "ipv6" => {
                let first = u128::from(first.parse::<Ipv6Addr>()?);
                let rest = u128::MAX.checked_shr(size.parse()?).unwrap_or(0);
                ranges.push((six(first), six(first | rest), country));
            }
            _ => {}
        }
    }
    Ok(())
}

/// 65,536 words, one for each /16: of one country, of none, or the number of a list of changes; then the two
/// letters of the countries, and the lists.
fn iptocc_v4(bytes: &[u8], ranges: &mut Vec<CountryRange>) -> Result<()> {
    let mut rest = bytes;
    let blocks: Vec<u32> = (0..0x1_0000).map(|_| word(&mut rest)).collect::<Result<_>>()?;
    let names = countries(&mut rest)?;
    let lists = word(&mut rest)? as usize;
    let begins: Vec<u32> = (0..=lists).map(|_| word(&mut rest)).collect::<Result<_>>()?;
    let firsts = take(&mut rest, lists)?;
    let changes = word(&mut rest)? as usize;
    let places = take(&mut rest, changes * 2)?;
    let values = take(&mut rest, changes)?;
    for (block, kind) in (0u32..).zip(blocks) {
        let base = block << 16;
        let mut add = |first: u32, last: u32, value: u8| {
            let country = names.get(usize::from(value)).copied();
            ranges.extend(country.map(|country| (four(base | first), four(base | last), country)));
        };
        let at = (kind & 0x3fff_ffff) as usize;
        match kind >> 30 {
            0 => {
                let list = begins[at] as usize..begins[at + 1] as usize;
                let (mut first, mut value) = (0, firsts[at]);
                for change in list {
                    let place = u32::from(u16::from_le_bytes([places[change * 2], places[change * 2 + 1]]));
                    if place > first {
                        add(first, place - 1, value);
                    }
                    (first, value) = (place, values[change]);
                }
                add(first, 0xffff, value);
            }
            1 => add(0, 0xffff, at as u8),
            _ => {}
        }
    }
    Ok(())
}

/// Several indices, which are skipped; then the countries, ranges that are no prefix, and prefixes. A prefix leaves
/// out its first 16 bits: they follow from the index of /16 blocks.
fn iptocc_v6(bytes: &[u8], ranges: &mut Vec<CountryRange>) -> Result<()> {
    let mut rest = bytes;
    let tops = take(&mut rest, 0x1_0000)?;
    let count = word(&mut rest)? as usize;
    let begins: Vec<u32> = (0..=count).map(|_| word(&mut rest)).collect::<Result<_>>()?;
    take(&mut rest, count * 257 * 2)?;
    for _ in 0..2 {
        let deep = word(&mut rest)? as usize;
        take(&mut rest, deep * 2 + deep * 257 * 4)?;
    }
    let names = countries(&mut rest)?;
    let odd = word(&mut rest)? as usize;
    let odd = take(&mut rest, odd * 33)?;
    let prefixes = word(&mut rest)? as usize;
    let prefixes = take(&mut rest, prefixes * 6)?;
    let mut tops: Vec<(u8, u128)> =
        tops.iter().copied().zip(0u128..).filter(|(number, _)| *number != 255).collect();
    tops.sort_unstable();
    for (number, top) in tops {
        for at in begins[usize::from(number)]..begins[usize::from(number) + 1] {
            let prefix = &prefixes[at as usize * 6..][..6];
            let what = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]);
            let (first, last, name) = match prefix[4] {
                0 => {
                    let odd = &odd[what as usize * 33..][..33];
                    let end = |at: usize| odd[at..at + 16].try_into().map(u128::from_le_bytes);
                    (end(0)?, end(16)?, odd[32])
                }
                len => {
                    let first = top << 112 | u128::from(what) << 80;
                    (first, first | u128::MAX >> len, prefix[5])
                }
            };
            ranges.push((six(first), six(last), names[usize::from(name)]));
        }
    }
    Ok(())
}

fn countries(rest: &mut &[u8]) -> Result<Vec<Country>> {
    let count = word(rest)? as usize;
    let names = take(rest, count * 2)?.chunks_exact(2);
    names.map(|two| Ok(Country::new(std::str::from_utf8(two)?).ok_or("not a country")?)).collect()
}

fn word(rest: &mut &[u8]) -> Result<u32> {
    Ok(u32::from_le_bytes(take(rest, 4)?.try_into()?))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count).ok_or("the file is too short")?;
    *rest = after;
    Ok(taken)
}

fn four(at: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(at))
}

fn six(at: u128) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from(at))
}
