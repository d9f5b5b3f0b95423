// SPDX-License-Identifier: Apache-2.0
//! A block of header fields, taken apart where lines begin and colons stand.
//!
//! A line that is no field ends the block, and the body begins with it: so do Postfix and most programs that show mail, and
//! what a reader would see must be read. A `From ` line of a mailbox file is passed over instead.

use std::ops::Range;

use memchr::{memchr, memchr2};

use super::oddity::Oddity;
use crate::kind::Set;
use crate::limits::{Budget, Resource};

/// Longest line that RFC 5322 (2.1.1) allows, without its end.
const LINE_BYTES: usize = 998;

/// A field as it lies in the message.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Where its name lies.
    pub name: Range<usize>,
    /// Where its value lies, with line ends and the blanks behind the colon.
    pub value: Range<usize>,
}

/// A block of fields.
pub(super) struct Block {
    pub fields: Vec<Field>,
    /// Where the body begins.
    pub body: usize,
}

/// Reads the block that begins at `at`. `stops` says of a line that begins with `--` whether it is a boundary.
pub(super) fn block(
    raw: &[u8],
    at: usize,
    budget: &mut Budget,
    odd: &mut Set<Oddity>,
    stops: impl Fn(&[u8]) -> bool,
) -> Block {
    let mut reader = Reader { fields: Vec::new(), odd, ended: false };
    let mut line = at;
    while line < raw.len() {
        let end = line_end(raw, line);
        let content = trim_line(&raw[line..end]);
        if content.is_empty() {
            reader.ended = true;
            line = end;
            break;
        }
        if content.starts_with(b"--") && stops(content) {
            reader.ended = true;
            break;
        }
        match reader.line(line, content, end, budget) {
            Next::Goes => line = end,
            Next::Body => break,
            Next::Short => {
                // What is not kept is passed over, so that the body is where it is.
                line = end_of_block(raw, line);
                reader.ended = true;
                break;
            }
        }
    }
    reader.odd.insert_if(!reader.ended && !reader.fields.is_empty(), Oddity::NoBlankLine);
    Block { fields: reader.fields, body: line }
}

struct Reader<'a> {
    fields: Vec<Field>,
    odd: &'a mut Set<Oddity>,
    ended: bool,
}

/// What comes behind a line.
enum Next {
    /// The next line of the block.
    Goes,
    /// Nothing: the line is no field, and the body begins with it.
    Body,
    /// Nothing that could be paid for.
    Short,
}

impl Reader<'_> {
    /// Takes the line from `at` to `end`, which has that content.
    fn line(&mut self, at: usize, content: &[u8], end: usize, budget: &mut Budget) -> Next {
        if budget.take(Resource::HeaderBytes, end - at) < end - at {
            return Next::Short;
        }
        self.odd.insert_if(content.len() > LINE_BYTES, Oddity::HeaderLineLong);
        if matches!(content[0], b' ' | b'\t') {
            match self.fields.last_mut() {
                Some(field) => field.value.end = end,
                None => self.odd.insert(Oddity::LeadingContinuation),
            }
            return Next::Goes;
        }
        let Some(colon) = memchr(b':', content) else { return self.no_field(content) };
        let name = trim_end(&content[..colon]);
        if name.iter().any(|b| matches!(b, b' ' | b'\t')) {
            return self.no_field(content);
        }
        if !budget.take_one(Resource::Headers) {
            return Next::Short;
        }
        self.odd.insert_if(name.len() < colon, Oddity::HeaderSpaceBeforeColon);
        self.odd.insert_if(name.is_empty(), Oddity::HeaderEmptyName);
        self.odd.insert_if(!name.iter().all(u8::is_ascii_graphic), Oddity::HeaderNameOdd);
        self.fields.push(Field { name: at..at + name.len(), value: at + colon + 1..end });
        Next::Goes
    }

    fn no_field(&mut self, content: &[u8]) -> Next {
        if content.starts_with(b"From ") || content.starts_with(b">From ") {
            self.odd.insert(Oddity::MboxLine);
            return Next::Goes;
        }
        self.odd.insert(Oddity::HeaderWithoutColon);
        Next::Body
    }
}

/// Where the line that begins at `at` ends, its end included.
pub(super) fn line_end(raw: &[u8], at: usize) -> usize {
    memchr(b'\n', &raw[at..]).map_or(raw.len(), |found| at + found + 1)
}

/// Where the first empty line from `at` on ends.
fn end_of_block(raw: &[u8], mut at: usize) -> usize {
    while at < raw.len() {
        let end = line_end(raw, at);
        if trim_line(&raw[at..end]).is_empty() {
            return end;
        }
        at = end;
    }
    at
}

/// Without its line end.
pub(super) fn trim_line(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r' | b'\n'] = line {
        line = rest;
    }
    line
}

/// Without blanks and line ends behind.
pub(super) fn trim_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = line {
        line = rest;
    }
    line
}

/// A value in one line: line ends go, blanks at both ends go, what continues it stays as it is written.
pub(super) fn unfold(value: &[u8], most: usize, odd: &mut Set<Oddity>) -> Vec<u8> {
    let value = trim_end(value.trim_ascii_start());
    let mut line = Vec::with_capacity(value.len().min(most));
    let mut rest = value;
    while let Some(at) = memchr2(b'\r', b'\n', rest) {
        line.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if line.len() >= most {
            break;
        }
    }
    line.extend_from_slice(rest);
    if line.len() > most {
        line.truncate(most);
        odd.insert(Oddity::HeaderCut);
    }
    line
}
