// SPDX-License-Identifier: Apache-2.0
//! Lists of addresses (RFC 5322, 3.4, with what is obsolete), as strangers write them.
//!
//! The list is taken apart before its words are decoded: a comma or bracket that comes out of an encoded word is part of a
//! name and makes no address.

use super::field::cut;
use super::oddity::Oddity;
use super::reading::Mailbox;
use super::words;
use crate::kind::Set;
use crate::limits;

/// The mailboxes of one header.
#[derive(Debug, Default)]
pub(super) struct List {
    pub mailboxes: Vec<Mailbox>,
    /// A group without members, as in `undisclosed-recipients:;`.
    pub empty_group: bool,
    /// Quotes, brackets or comments are not closed, or something stands where nothing may.
    pub broken: bool,
}

/// Reads a value in one line.
pub(super) fn list(value: &[u8], odd: &mut Set<Oddity>) -> List {
    let mut reader = Reader { rest: value, now: Raw::default(), list: List::default(), group: None, odd };
    reader.run();
    reader.list
}

/// A mailbox as far as it is read.
#[derive(Default)]
struct Raw {
    /// What stands outside of brackets, quotes taken off.
    bare: Vec<u8>,
    comment: Vec<u8>,
    angle: Option<Vec<u8>>,
    /// Whether any of it was in quotes.
    quoted: bool,
}

struct Reader<'a, 'o> {
    rest: &'a [u8],
    now: Raw,
    list: List,
    /// Within a group: how many mailboxes there were before it.
    group: Option<usize>,
    odd: &'o mut Set<Oddity>,
}

impl Reader<'_, '_> {
    fn run(&mut self) {
        while let Some(byte) = self.next() {
            if self.list.mailboxes.len() >= limits::ADDRESSES {
                return;
            }
            if byte == b'=' && self.word() {
                continue;
            }
            match byte {
                b'"' => {
                    self.now.quoted = true;
                    self.quoted();
                }
                b'(' => self.comment(),
                b'<' => self.angle(),
                b',' => self.end(),
                b';' => {
                    self.end();
                    let before = self.group.take();
                    self.list.empty_group |= before == Some(self.list.mailboxes.len());
                }
                b':' if self.opens_group() => {
                    self.now = Raw::default();
                    self.group = Some(self.list.mailboxes.len());
                }
                byte => self.now.bare.push(byte),
            }
        }
        self.end();
        self.list.empty_group |= self.group == Some(self.list.mailboxes.len());
    }

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Takes in an encoded word as one, whatever it has in it; its `=` is taken already.
    fn word(&mut self) -> bool {
        let Some(length) = words::length(self.rest) else { return false };
        let (word, rest) = self.rest.split_at(length);
        self.now.bare.push(b'=');
        self.now.bare.extend_from_slice(word);
        self.rest = rest;
        true
    }

    fn opens_group(&self) -> bool {
        self.group.is_none() && self.now.angle.is_none() && !self.now.bare.contains(&b'@')
    }

    /// Takes in what is quoted.
    fn quoted(&mut self) {
        while let Some(byte) = self.next() {
            match byte {
                b'"' => return,
                b'\\' => {
                    let escaped = self.next();
                    self.now.bare.extend(escaped);
                }
                byte => self.now.bare.push(byte),
            }
        }
        self.list.broken = true;
    }

    /// Takes in a comment, which may have comments in it.
    fn comment(&mut self) {
        let mut depth = 1;
        while let Some(byte) = self.next() {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    let escaped = self.next();
                    self.now.comment.extend(escaped);
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                return;
            }
            self.now.comment.push(byte);
        }
        self.list.broken = true;
    }

    /// Takes in what is in angle brackets. Of several the last counts, as programs take it.
    fn angle(&mut self) {
        let mut address = Vec::new();
        let mut quoted = false;
        while let Some(byte) = self.next() {
            match byte {
                b'>' if !quoted => {
                    self.list.broken |= self.now.angle.is_some();
                    self.now.angle = Some(address);
                    return;
                }
                b'"' => {
                    quoted = !quoted;
                    address.push(byte);
                }
                byte => address.push(byte),
            }
        }
        self.list.broken = true;
        self.now.angle = Some(address);
    }

    /// Ends a mailbox.
    fn end(&mut self) {
        let now = std::mem::take(&mut self.now);
        let bare = now.bare.trim_ascii();
        if bare.is_empty() && now.angle.is_none() {
            // A comment alone is no mailbox.
            return;
        }
        let (name, address) = match &now.angle {
            Some(angle) => (bare, unroute(angle.trim_ascii())),
            None => split_bare(bare, now.quoted),
        };
        self.list.broken |= now.angle.is_none() && !name.is_empty();
        let name = if name.is_empty() { now.comment.trim_ascii() } else { name };
        let name = words::text(name, self.odd);
        let address = words::text(address, self.odd);
        self.list.mailboxes.push(Mailbox {
            name: cut(name.trim(), limits::HEADER_VALUE_BYTES).to_owned(),
            address: cut(address.trim(), limits::HEADER_VALUE_BYTES).to_owned(),
        });
    }
}

/// An address without the route that RFC 822 allowed before it.
fn unroute(angle: &[u8]) -> &[u8] {
    match (angle.first(), angle.iter().rposition(|&b| b == b':')) {
        (Some(b'@'), Some(colon)) => &angle[colon + 1..],
        _ => angle,
    }
}

/// Without brackets: the word with an `@` is the address, and the rest a name.
fn split_bare(bare: &[u8], quoted: bool) -> (&[u8], &[u8]) {
    if !bare.contains(&b'@') {
        return if quoted || bare.contains(&b' ') { (bare, &[]) } else { (&[], bare) };
    }
    let (last_begin, first_end) = (
        bare.iter().rposition(|&b| b == b' ').map_or(0, |at| at + 1),
        bare.iter().position(|&b| b == b' ').unwrap_or(bare.len()),
    );
    if bare[last_begin..].contains(&b'@') {
        (bare[..last_begin].trim_ascii(), &bare[last_begin..])
    } else if bare[..first_end].contains(&b'@') {
        (bare[first_end..].trim_ascii(), &bare[..first_end])
    } else {
        (&[], bare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mailboxes as `name|address`, with commas between; a `!` if something is broken, a `0` for an empty group.
    fn check(value: &str, expect: &str) {
        let list = list(value.as_bytes(), &mut Set::new());
        let mailboxes: Vec<_> =
            list.mailboxes.iter().map(|one| format!("{}|{}", one.name, one.address)).collect();
        let marks = [(list.broken, " !"), (list.empty_group, " 0")];
        let marks: String = marks.iter().filter(|(set, _)| *set).map(|(_, mark)| *mark).collect();
        assert_eq!(format!("{}{marks}", mailboxes.join(", ")), expect, "{value}");
    }

    #[test]
    fn lists_are_read() {
        check("a@b.c", "|a@b.c");
        check("<a@b.c>", "|a@b.c");
        check("Ann Lee <a@b.c>", "Ann Lee|a@b.c");
        check("\"Lee, Ann\" <a@b.c>, d@e.f", "Lee, Ann|a@b.c, |d@e.f");
        check("\"Ann \\\"x\\\"\" <a@b.c>", "Ann \"x\"|a@b.c");
        check("a@b.c (Ann (x) Lee)", "Ann (x) Lee|a@b.c");
        check("=?utf-8?Q?Caf=C3=A9?= <a@b.c>", "Café|a@b.c");
        check("\"=?utf-8?Q?Caf=C3=A9?=\" <a@b.c>", "Café|a@b.c");
        check("=?utf-8?Q?x_=3Cceo=40big=2Ecom=3E,?= <a@b.c>", "x <ceo@big.com>,|a@b.c");
        check("<@r1,@r2:a@b.c>", "|a@b.c");
        check("friends: a@b.c, Dan <d@e.f>;, g@h.i", "|a@b.c, Dan|d@e.f, |g@h.i");
        check("undisclosed-recipients:;", " 0");
        check("undisclosed-recipients: ", " 0");
        check("<\"a>b\"@c.d>", "|\"a>b\"@c.d");
        check("", "");
        check(",,", "");
    }

    #[test]
    fn broken_lists_are_read_as_far_as_they_go() {
        check("Ann Lee", "Ann Lee| !");
        check("ann", "|ann");
        check("Ann <a@b.c", "Ann|a@b.c !");
        check("\"Ann <a@b.c>", "Ann|<a@b.c> !");
        check("a@b.c <d@e.f>", "a@b.c|d@e.f");
        check("A <a@b.c> <d@e.f>", "A|d@e.f !");
        check("Ann a@b.c", "Ann|a@b.c !");
        check("a@b.c Ann", "Ann|a@b.c !");
        check("x (never closed", "never closed|x !");
    }
}
