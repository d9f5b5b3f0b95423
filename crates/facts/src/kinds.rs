// SPDX-License-Identifier: Apache-2.0
//! An operator's own file of what kinds of network there are: `CIDR kind` or `asn NUMBER kind` a line.
//!
//! The narrowest network that holds an address counts; only where none does, the number of its network operator. A
//! kind is any word: policies compare it, nothing here does.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::{Fault, Faults};
use crate::limits;
use crate::ranges::{Range, Ranges};

/// What a line is, for messages.
const SHAPE: &str = "a line is a network and its kind, `203.0.113.0/24 hosting`, or `asn 64500 hosting`";

/// What the file says.
#[derive(Debug)]
pub(crate) struct Kinds {
    /// By number, from 1.
    words: Vec<Box<str>>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    asns: HashMap<u32, u16>,
    /// How many lines say something.
    pub(crate) entries: usize,
}

impl Kinds {
    /// Reads the file, or says everything that is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Kinds, Faults> {
        let mut reader = Reader::default();
        for (line, written) in (1..).zip(text.lines()) {
            if line > limits::LINES {
                reader.faults.push(line, format!("there are more than {} lines", limits::LINES));
                break;
            }
            let said = written.split('#').next().unwrap_or("").trim();
            if let Err(message) = if said.is_empty() { Ok(()) } else { reader.line(line, said) } {
                reader.faults.push(line, message);
            }
        }
        reader.finish()
    }

    /// The kind of the narrowest network that holds an address.
    pub(crate) fn of_address(&self, ip: IpAddr) -> Option<&str> {
        self.word(match ip.to_canonical() {
            IpAddr::V4(ip) => self.v4.get(u32::from(ip)),
            IpAddr::V6(ip) => self.v6.get(u128::from(ip)),
        })
    }

    /// Whether any network operator has a kind.
    pub(crate) fn knows_operators(&self) -> bool {
        !self.asns.is_empty()
    }

    /// The kind of a network operator.
    pub(crate) fn of_operator(&self, asn: u32) -> Option<&str> {
        self.word(*self.asns.get(&asn)?)
    }

    fn word(&self, number: u16) -> Option<&str> {
        self.words.get(usize::from(number).checked_sub(1)?).map(|word| &**word)
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    words: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u16>,
    /// Each network with its kind and its line.
    nets: HashMap<IpNet, (u16, usize)>,
    asns: HashMap<u32, (u16, usize)>,
    faults: Faults,
}

impl Reader {
    fn line(&mut self, line: usize, said: &str) -> Result<(), String> {
        let columns: Vec<&str> = said.split_whitespace().collect();
        match columns[..] {
            ["asn", number, kind] => {
                let asn = read_asn(number)?;
                let kind = self.kind(kind)?;
                once(*self.asns.entry(asn).or_insert((kind, line)), kind, &self.words)
            }
            [net, kind] if net != "asn" => {
                let net = read_net(net)?;
                let kind = self.kind(kind)?;
                once(*self.nets.entry(net).or_insert((kind, line)), kind, &self.words)
            }
            _ => Err(SHAPE.to_owned()),
        }
    }

    /// The number of a word.
    fn kind(&mut self, word: &str) -> Result<u16, String> {
        if !is_kind(word) {
            let most = limits::KIND_BYTES;
            return Err(format!(
                "a kind is at most {most} lower-case letters, digits, `_` and `-`; this is {word:?}"
            ));
        }
        if let Some(number) = self.numbers.get(word) {
            return Ok(*number);
        }
        let number =
            u16::try_from(self.words.len() + 1).ok().filter(|n| usize::from(*n) <= limits::KIND_WORDS);
        let number =
            number.ok_or_else(|| format!("there are more than {} different kinds", limits::KIND_WORDS))?;
        self.words.push(word.into());
        self.numbers.insert(word.into(), number);
        Ok(number)
    }

    fn finish(self) -> Result<Kinds, Faults> {
        let entries = self.nets.len() + self.asns.len();
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        if entries == 0 {
            return Err(Fault::whole("there is no network in it").into());
        }
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (net, (value, _)) in self.nets {
            match net {
                IpNet::V4(net) => {
                    v4.push(Range { first: net.network().into(), last: net.broadcast().into(), value });
                }
                IpNet::V6(net) => {
                    v6.push(Range { first: net.network().into(), last: net.broadcast().into(), value });
                }
            }
        }
        Ok(Kinds {
            words: self.words,
            v4: Ranges::nested(v4),
            v6: Ranges::nested(v6),
            asns: self.asns.into_iter().map(|(asn, (kind, _))| (asn, kind)).collect(),
            entries,
        })
    }
}

/// Whether a word can be a kind.
pub(crate) fn is_kind(word: &str) -> bool {
    let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    (1..=limits::KIND_BYTES).contains(&word.len()) && word.bytes().all(sound)
}

/// Nothing may have two kinds; to say one twice is harmless.
fn once((before, line): (u16, usize), now: u16, words: &[Box<str>]) -> Result<(), String> {
    match before == now {
        true => Ok(()),
        false => Err(format!("line {line} says that this is {:?}", words[usize::from(before) - 1])),
    }
}

fn read_asn(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("AS").unwrap_or(text);
    digits.parse().map_err(|_| format!("{text:?} is not the number of a network operator, as `64500` is"))
}

fn read_net(text: &str) -> Result<IpNet, String> {
    let net = match text.contains('/') {
        true => text.parse::<IpNet>().ok(),
        false => text.parse::<IpAddr>().ok().map(IpNet::from),
    };
    let net = net.ok_or_else(|| format!("{text:?} is not a network; {SHAPE}"))?;
    if net.addr() != net.network() {
        return Err(format!("{text} has bits set behind its length; the network is {}", net.trunc()));
    }
    let mapped =
        matches!(net, IpNet::V6(net) if net.prefix_len() >= 96 && net.addr().to_ipv4_mapped().is_some());
    if mapped {
        return Err(format!(
            "{text} is IPv4 written as IPv6, and such addresses are looked up as IPv4: write it so"
        ));
    }
    Ok(net)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "\
# What we know of our neighbours.
203.0.113.0/24   hosting      # a data centre
203.0.113.128/25 vpn
203.0.113.129    tor
2001:db8::/32    education
0.0.0.0/0        elsewhere
asn 64500        hosting
asn AS64501      mobile
203.0.113.129    tor
";

    #[test]
    fn the_narrowest_network_counts() {
        let kinds = Kinds::read(FILE).unwrap();
        let check = |ip: &str, expect: Option<&str>| {
            assert_eq!(kinds.of_address(ip.parse().unwrap()), expect, "{ip}");
        };
        check("203.0.113.127", Some("hosting"));
        check("203.0.113.128", Some("vpn"));
        check("203.0.113.129", Some("tor"));
        check("203.0.113.130", Some("vpn"));
        check("203.0.114.0", Some("elsewhere"));
        check("::ffff:203.0.113.129", Some("tor"));
        check("2001:db8:7::1", Some("education"));
        check("2001:db9::1", None);
        let operators = [64500, 64501, 64502].map(|asn| kinds.of_operator(asn));
        assert_eq!(operators, [Some("hosting"), Some("mobile"), None]);
        assert_eq!(kinds.entries, 7);
    }

    #[test]
    fn everything_wrong_is_said() {
        let check = |text: &str, expect: &str| {
            let said = Kinds::read(text).map_or_else(|faults| faults.to_string(), |_| "good".to_owned());
            assert!(said.contains(expect), "{text}: {said}");
        };
        check("", "there is no network in it");
        check("# nothing\n\n", "there is no network in it");
        check("10.0.0.0/8 hosting", "good");
        check("10.0.0.0/8", "line 1: a line is a network and its kind");
        check("10.0.0.0/8 hosting too", "line 1: a line is a network");
        check("asn hosting", "line 1: a line is a network");
        check("asn x hosting", "line 1: \"x\" is not the number");
        check("asn 4294967296 hosting", "is not the number");
        check("10.0.0.0/33 hosting", "line 1: \"10.0.0.0/33\" is not a network");
        check("example.org hosting", "\"example.org\" is not a network");
        check(
            "\n203.0.113.9/24 hosting",
            "line 2: 203.0.113.9/24 has bits set behind its length; the network is 203.0.113.0/24",
        );
        check("::ffff:10.0.0.0/104 hosting", "IPv4 written as IPv6");
        check("10.0.0.0/8 Hosting", "lower-case letters");
        check("10.0.0.0/8 hosting\n10.0.0.0/8 vpn", "line 2: line 1 says that this is \"hosting\"");
        check("asn 1 hosting\nasn AS1 vpn", "line 2: line 1 says that this is \"hosting\"");
        check(
            "x\ny\nz z\n",
            "line 1: a line is a network and its kind, `203.0.113.0/24 hosting`, or `asn 64500 hosting`\nline 2",
        );
        let many: String = (0..300).map(|i| format!("10.0.{}.{} k{i}\n", i / 256, i % 256)).collect();
        check(&many, "line 251: there are more than 250 different kinds");
        check(&"x\n".repeat(40), "\nand 8 more");
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "((asn |)[0-9a-f:.]{0,12}(/[0-9]{1,3}|) {0,2}[a-z]{0,5}(#|)\r?\n?){0,6}") {
            let _ = Kinds::read(&text);
        }
    }
}
