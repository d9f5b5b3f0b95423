// SPDX-License-Identifier: Apache-2.0
//! The tree of parts, walked once from the first byte to the last without recursion.
//!
//! Open multiparts lie on a stack that is as deep as the budget lets parts lie. A line that begins with `--` is held against
//! all of their boundaries, the innermost first, so that an outer boundary ends whatever was left open within. Two
//! boundaries of which one begins like the other are told apart, as whole lines are compared.
//!
//! The tree is walked here and not by `mail-parser`, because that keeps every decoded body, nests as deep as a stranger
//! likes, and tells nothing of what it mended on the way; the fields of headers are read by it.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use super::field::{self, ContentType};
use super::header::{self, Block, line_end, trim_end};
use super::oddity::Oddity;
use super::reading::{Encoding, Part, PartKind};
use crate::kind::Set;
use crate::limits::{self, Budget, Resource};

/// A multipart whose end has not come.
struct Open<'a> {
    boundary: Cow<'a, [u8]>,
    part: usize,
    /// The type of its parts that name none.
    digest: bool,
    begun: bool,
}

/// The parts of a message.
pub(super) struct Tree {
    pub parts: Vec<Part>,
    /// The fields of the message itself.
    pub top: Vec<header::Field>,
}

/// Walks the parts of a message.
pub(super) fn walk(raw: &[u8], budget: &mut Budget, odd: &mut Set<Oddity>) -> Tree {
    let mut walk =
        Walk { raw, budget, odd, open: Vec::new(), tree: Tree { parts: Vec::new(), top: Vec::new() } };
    walk.run();
    walk.tree
}

struct Walk<'a, 'b> {
    raw: &'a [u8],
    budget: &'b mut Budget,
    odd: &'b mut Set<Oddity>,
    open: Vec<Open<'a>>,
    tree: Tree,
}

/// Where the walk goes on.
enum Step {
    /// At the headers of a part, within the part named, if any.
    Entity(usize, Option<usize>),
    /// Behind the end of a multipart.
    Epilogue(usize),
    End,
}

/// What the bytes before a boundary are.
enum Behind {
    /// The body of that part.
    Part(usize),
    /// The body of a part that is not read.
    Unread,
    /// What stands behind the end of a multipart.
    Nothing,
}

/// A line that is a boundary.
struct Delimiter {
    /// Where the body before it ends, without the line end that belongs to the boundary.
    body_end: usize,
    /// Where the next line begins.
    next: usize,
    /// Which of the open multiparts.
    level: usize,
    closes: bool,
}

impl<'a> Walk<'a, '_> {
    fn run(&mut self) {
        let mut step = Step::Entity(0, None);
        loop {
            step = match step {
                Step::Entity(at, parent) => self.entity(at, parent),
                Step::Epilogue(at) => self.body(at, Behind::Nothing),
                Step::End => break,
            };
        }
        self.odd.insert_if(!self.open.is_empty(), Oddity::MultipartUnclosed);
    }

    /// Reads a part's headers and goes into its body.
    fn entity(&mut self, at: usize, parent: Option<usize>) -> Step {
        let depth = parent.map_or(0, |parent| self.tree.parts[parent].depth + 1);
        if !self.budget.reach(depth) {
            return self.body(at, Behind::Unread);
        }
        if !self.budget.take_one(Resource::Parts) {
            return Step::End;
        }
        let Block { fields, body } = {
            let open = &self.open;
            header::block(self.raw, at, self.budget, self.odd, |line| find(open, line).is_some())
        };
        let mut part = Part { parent, depth, body: body..body, ..Part::default() };
        let digest = parent.is_some_and(|p| self.open.last().is_some_and(|o| o.digest && o.part == p));
        let content = field::describe(self.raw, &fields, digest, &mut part, self.odd);
        let here = self.tree.parts.len();
        if here == 0 {
            self.tree.top = fields;
        }
        let kind = part.kind;
        let plain = part.encoding == Encoding::Identity;
        self.tree.parts.push(part);
        match kind {
            PartKind::Multipart => self.multipart(here, body, content),
            PartKind::Message if plain => Step::Entity(body, Some(here)),
            _ => self.body(body, Behind::Part(here)),
        }
    }

    /// Opens a multipart whose body begins at `at`, if its boundary is known or can be guessed.
    fn multipart(&mut self, here: usize, at: usize, content: ContentType) -> Step {
        self.odd.insert_if(self.tree.parts[here].encoding != Encoding::Identity, Oddity::EncodingOnMultipart);
        let named = content.boundary.map(String::into_bytes).filter(|boundary| !boundary.is_empty());
        self.odd.insert_if(named.is_none(), Oddity::BoundaryMissing);
        let boundary = match named {
            Some(boundary) => Cow::Owned(boundary),
            None => match guess(self.raw, at) {
                Some(boundary) => {
                    self.odd.insert(Oddity::BoundaryGuessed);
                    Cow::Borrowed(boundary)
                }
                None => return self.unparted(here, at),
            },
        };
        if boundary.len() > limits::BOUNDARY_BYTES {
            self.odd.insert(Oddity::BoundaryLong);
            return self.unparted(here, at);
        }
        // RFC 2046, 5.1.1.
        self.odd.insert_if(boundary.len() > 70, Oddity::BoundaryLong);
        self.odd.insert_if(self.open.iter().any(|open| open.boundary == boundary), Oddity::BoundaryShared);
        let digest = self.tree.parts[here].declared == "multipart/digest";
        self.open.push(Open { boundary, part: here, digest, begun: false });
        self.body(at, Behind::Part(here))
    }

    /// A multipart that cannot be taken apart is text.
    fn unparted(&mut self, here: usize, at: usize) -> Step {
        self.tree.parts[here].kind = PartKind::Text;
        self.body(at, Behind::Part(here))
    }

    /// Looks for the boundary behind `at`, and goes on behind it.
    fn body(&mut self, at: usize, behind: Behind) -> Step {
        let found = self.delimiter(at);
        let body = at..found.as_ref().map_or(self.raw.len(), |found| found.body_end.max(at));
        match behind {
            Behind::Part(here) => self.finish(here, body, found.as_ref()),
            Behind::Nothing => {
                self.odd.insert_if(!self.raw[body].trim_ascii().is_empty(), Oddity::Epilogue);
            }
            Behind::Unread => {}
        }
        let Some(found) = found else { return Step::End };
        self.odd.insert_if(found.level + 1 < self.open.len(), Oddity::MultipartUnclosed);
        self.open.truncate(found.level + 1);
        let Some(open) = self.open.last_mut() else { return Step::End };
        if !found.closes {
            open.begun = true;
            return Step::Entity(found.next, Some(open.part));
        }
        self.odd.insert_if(!open.begun, Oddity::MultipartEmpty);
        self.open.pop();
        Step::Epilogue(found.next)
    }

    /// Notes a part's body, which for a multipart is what stands before its first boundary.
    fn finish(&mut self, here: usize, body: Range<usize>, found: Option<&Delimiter>) {
        let level = self.open.len().checked_sub(1).filter(|&last| self.open[last].part == here);
        let part = &mut self.tree.parts[here];
        match level {
            Some(level) if found.is_some_and(|found| found.level == level) => {
                self.odd.insert_if(!self.raw[body].trim_ascii().is_empty(), Oddity::Preamble);
            }
            Some(_) => {
                // Its boundary never comes: what it has is text.
                self.odd.insert(Oddity::BoundaryNotFound);
                self.open.pop();
                part.kind = PartKind::Text;
                part.body = body;
            }
            None => part.body = body,
        }
    }

    /// The next line from `at` on that is a boundary of an open multipart.
    fn delimiter(&mut self, at: usize) -> Option<Delimiter> {
        if self.open.is_empty() {
            return None;
        }
        let mut line = at;
        loop {
            if self.raw[line..].starts_with(b"--") {
                let next = line_end(self.raw, line);
                let content = trim_end(&self.raw[line..next]);
                if let Some((level, closes)) = find(&self.open, content) {
                    return Some(Delimiter {
                        body_end: before_line_end(self.raw, line),
                        next,
                        level,
                        closes,
                    });
                }
                self.odd.insert_if(resembles(&self.open, content), Oddity::BoundaryLookalike);
            }
            line += memchr(b'\n', &self.raw[line..])? + 1;
        }
    }
}

/// Which open multipart a line that begins with `--` belongs to, and whether it closes it.
fn find(open: &[Open<'_>], line: &[u8]) -> Option<(usize, bool)> {
    let line = trim_end(line.strip_prefix(b"--")?);
    let (levels, bare) = (open.iter().enumerate().rev(), line.strip_suffix(b"--"));
    levels.into_iter().find_map(|(level, open)| {
        let boundary = trim_end(&open.boundary);
        if line == boundary {
            Some((level, false))
        } else if bare.is_some_and(|bare| bare == boundary) {
            Some((level, true))
        } else {
            None
        }
    })
}

/// Whether a line that is no boundary begins like one.
fn resembles(open: &[Open<'_>], line: &[u8]) -> bool {
    line.strip_prefix(b"--").is_some_and(|line| open.iter().any(|open| line.starts_with(&open.boundary)))
}

/// The boundary that the body of a multipart begins with, if it seems to.
fn guess(raw: &[u8], at: usize) -> Option<&[u8]> {
    let rest = raw[at..].trim_ascii_start();
    let line = trim_end(&rest[..line_end(rest, 0)]).strip_prefix(b"--")?;
    (!line.is_empty() && line.len() <= limits::BOUNDARY_BYTES && !line.contains(&b' ')).then_some(line)
}

/// The place before the line end that comes before `line`.
fn before_line_end(raw: &[u8], line: usize) -> usize {
    match &raw[..line] {
        [rest @ .., b'\r', b'\n'] | [rest @ .., b'\n'] => rest.len(),
        whole => whole.len(),
    }
}
