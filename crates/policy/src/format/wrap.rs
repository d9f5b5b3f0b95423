// SPDX-License-Identifier: Apache-2.0
//! Where the lines of one clause break, and how deep each is indented.
//!
//! Breaks that were written stay. A line that is too long after that breaks where it holds together least: at commas,
//! then at `if` and `else`, at `or`, at `and`; outside of brackets first, then in the widest of them.

use super::INDENT;
use super::space::{Piece, Role};
use std::collections::VecDeque;
use std::ops::Range;

/// Longest line, in characters, comments not counted.
const WIDTH: usize = 110;
/// Deepest indentation: what is nested deeper stays there.
const DEEPEST: usize = 15 * INDENT;

/// One line of a clause.
#[derive(Debug)]
pub(super) struct Part {
    /// The tokens on it, counted within the clause.
    pub(super) tokens: Range<usize>,
    pub(super) indent: usize,
    /// The indentation of comments right above it.
    pub(super) comments: usize,
}

/// How a clause is to be laid out.
pub(super) struct Clause<'p> {
    pub(super) pieces: &'p [Piece],
    /// Before which tokens the text has a break.
    pub(super) broken: Vec<bool>,
    pub(super) indent: usize,
    /// Columns its first line takes beyond what it holds.
    pub(super) padding: usize,
    /// Whether its lines may break where they were not broken.
    pub(super) may_break: bool,
}

/// Breaks a clause into lines.
pub(super) fn wrap(clause: &Clause<'_>) -> Vec<Part> {
    let mut walk = Walk { clause, has_comma: commas(clause.pieces), open: Vec::new() };
    let mut waiting = written(&clause.broken);
    let mut parts = Vec::new();
    while let Some(tokens) = waiting.pop_front() {
        let (indent, comments) = walk.indents(tokens.start);
        let cuts = if walk.is_long(&tokens, indent) { cuts(clause.pieces, &tokens) } else { Vec::new() };
        if cuts.is_empty() {
            walk.pass(&tokens, indent);
            parts.push(Part { tokens, indent, comments });
            continue;
        }
        let mut end = tokens.end;
        for cut in cuts.into_iter().rev() {
            waiting.push_front(cut..end);
            end = cut;
        }
        waiting.push_front(tokens.start..end);
    }
    parts
}

/// The lines as they are in the text.
fn written(broken: &[bool]) -> VecDeque<Range<usize>> {
    let mut lines = VecDeque::new();
    let mut start = 0;
    for at in 1..=broken.len() {
        if broken.get(at).is_none_or(|b| *b) {
            lines.push_back(start..at);
            start = at;
        }
    }
    lines
}

/// For each bracket whether commas stand right within it.
fn commas(pieces: &[Piece]) -> Vec<bool> {
    let mut has = vec![false; pieces.len()];
    let mut open = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        match piece.role {
            Role::Open => open.push(i),
            Role::Close => drop(open.pop()),
            Role::Comma => {
                if let Some(bracket) = open.last() {
                    has[*bracket] = true;
                }
            }
            _ => {}
        }
    }
    has
}

struct Walk<'c, 'p> {
    clause: &'c Clause<'p>,
    has_comma: Vec<bool>,
    /// The brackets that are open, each with the indentation of its line.
    open: Vec<(usize, usize)>,
}

impl Walk<'_, '_> {
    /// The indentation of a line that begins with this token, and of comments above it.
    fn indents(&self, start: usize) -> (usize, usize) {
        let pieces = self.clause.pieces;
        if start == 0 {
            return (self.clause.indent, self.clause.indent);
        }
        let Some((bracket, outside)) = self.open.last() else {
            let deeper = self.clause.indent + INDENT;
            return (deeper, deeper);
        };
        let inside = (outside + INDENT).min(DEEPEST);
        if pieces[start].role == Role::Close {
            return (*outside, inside);
        }
        let goes_on = start - 1 != *bracket && pieces[start - 1].role != Role::Comma;
        let deeper = if goes_on && self.has_comma[*bracket] { INDENT } else { 0 };
        (inside + deeper, inside + deeper)
    }

    fn is_long(&self, tokens: &Range<usize>, indent: usize) -> bool {
        let padding = if tokens.start == 0 { self.clause.padding } else { 0 };
        self.clause.may_break && indent + padding + width(&self.clause.pieces[tokens.clone()]) > WIDTH
    }

    /// Opens and closes the brackets of a line.
    fn pass(&mut self, tokens: &Range<usize>, indent: usize) {
        for i in tokens.clone() {
            match self.clause.pieces[i].role {
                Role::Open => self.open.push((i, indent)),
                Role::Close => drop(self.open.pop()),
                _ => {}
            }
        }
    }
}

/// The columns that tokens on one line take.
fn width(pieces: &[Piece]) -> usize {
    let blanks = pieces.iter().skip(1).filter(|p| !p.glued).count();
    blanks + pieces.iter().map(|p| p.width).sum::<usize>()
}

/// Before which tokens a line breaks that is too long; none when it cannot.
fn cuts(pieces: &[Piece], line: &Range<usize>) -> Vec<usize> {
    let mut within = line.clone();
    let cuts = separators(pieces, &within);
    if !cuts.is_empty() {
        return cuts;
    }
    while let Some(group) = widest(pieces, &within) {
        let mut cuts = separators(pieces, &group);
        if !cuts.is_empty() {
            cuts.insert(0, group.start);
            if group.end < line.end {
                cuts.push(group.end);
            }
            return cuts;
        }
        within = group;
    }
    Vec::new()
}

/// The breaks between the parts of a row of tokens, at its outermost level.
fn separators(pieces: &[Piece], within: &Range<usize>) -> Vec<usize> {
    let Some(depth) = pieces[within.clone()].iter().map(|p| p.depth).min() else {
        return Vec::new();
    };
    for role in [Role::Comma, Role::Choice, Role::Or, Role::And] {
        let at = within.clone().filter(|i| pieces[*i].depth == depth && pieces[*i].role == role);
        let after = usize::from(role == Role::Comma);
        let cuts: Vec<usize> =
            at.map(|i| i + after).filter(|i| *i > within.start && *i < within.end).collect();
        if !cuts.is_empty() {
            return cuts;
        }
    }
    Vec::new()
}

/// What stands within the widest brackets at the outermost level of a row of tokens.
fn widest(pieces: &[Piece], within: &Range<usize>) -> Option<Range<usize>> {
    let depth = pieces[within.clone()].iter().map(|p| p.depth).min()?;
    let mut best: Option<(usize, Range<usize>)> = None;
    let mut open = None;
    for i in within.start..=within.end {
        let ends = i == within.end || (pieces[i].depth == depth && pieces[i].role == Role::Close);
        if let (true, Some(start)) = (ends, open) {
            let wide = width(&pieces[start..i]);
            if start < i && best.as_ref().is_none_or(|(most, _)| wide > *most) {
                best = Some((wide, start..i));
            }
            open = None;
        }
        if i < within.end && pieces[i].depth == depth && pieces[i].role == Role::Open {
            open = Some(i + 1);
        }
    }
    best.map(|(_, group)| group)
}
