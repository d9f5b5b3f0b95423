// SPDX-License-Identifier: Apache-2.0
//! Tokens and comments to lines: which belong together, how deep they stand, between which a blank line remains.

use super::INDENT;
use super::space::{Piece, Role, pieces};
use super::wrap::{Clause, Part, wrap};
use crate::syntax::layout::{Block, WITH_BODY, blocks};
use crate::syntax::lex::{Comment, Kind, Token};

/// One line of the text to be.
#[derive(Debug)]
pub(super) struct Line {
    /// An empty line stands before it.
    pub(super) blank: bool,
    pub(super) indent: usize,
    /// What may be aligned with other lines; joined by a blank where it is not.
    pub(super) cells: Vec<String>,
    pub(super) comment: Option<String>,
    pub(super) shape: Shape,
    /// The number of its declaration.
    pub(super) block: usize,
}

/// What a line is, which decides with which others it is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Plain,
    /// A comment on a line of its own.
    Comment,
    /// `when …`, with the columns of its word without the blank after it: values begin at one column in all clauses.
    Clause(usize),
    /// `name: type`.
    Field,
    /// `name = value` of a model.
    Input,
    /// A declaration that stands on one line.
    Feature,
    Const,
    /// A row of a table.
    Row,
}

/// The columns of a clause's word: those of `because` and `missing`, and of a test's `expect`.
const CLAUSE: usize = 7;
const TEST_CLAUSE: usize = 6;

pub(super) fn lines(source: &str, tokens: &[Token], comments: &[Comment]) -> Vec<Line> {
    let mut maker = Maker { source, comments, next: 0, lines: Vec::new(), block: 0, at: 0 };
    let mut stands_alone = true;
    for block in blocks(tokens) {
        let word = word(&block.head[0]);
        let one_line = block.lines.is_empty() && !WITH_BODY.contains(&word);
        let blank = maker.between(Some(&block.head[0]), stands_alone || !one_line);
        maker.declaration(&block, word, one_line, blank);
        stands_alone = !one_line;
    }
    maker.between(None, false);
    maker.lines
}

fn word(token: &Token) -> &str {
    if let Kind::Word(word) = &token.kind { word } else { "" }
}

struct Maker<'a> {
    source: &'a str,
    comments: &'a [Comment],
    /// The first comment that has not been written.
    next: usize,
    lines: Vec<Line>,
    block: usize,
    /// The number of the next token.
    at: usize,
}

impl<'a> Maker<'a> {
    fn declaration(&mut self, block: &Block<'_>, word: &str, one_line: bool, blank: bool) {
        let (head, body) = match word {
            "feature" => (Shape::Feature, Shape::Plain),
            "const" => (Shape::Const, Shape::Plain),
            "event" | "record" => (Shape::Plain, Shape::Field),
            "model" => (Shape::Plain, Shape::Input),
            "table" => (Shape::Plain, Shape::Row),
            "test" => (Shape::Plain, Shape::Clause(TEST_CLAUSE)),
            _ => (Shape::Plain, Shape::Clause(CLAUSE)),
        };
        self.clause(block.head, 0, head, one_line, blank);
        let from = self.lines.len();
        for line in &block.lines {
            self.comments_before(INDENT);
            let blank = self.is_after_blank(line[0].loc.start);
            self.clause(line, INDENT, body, body != Shape::Row, blank);
        }
        if let Some(first) = self.lines.get_mut(from) {
            first.blank = false;
        }
    }

    /// The comments between two declarations, or after the last; whether a blank line follows them. Indented comments
    /// belong to the declaration before. Where declarations do not stand together, a blank line parts them.
    fn between(&mut self, token: Option<&Token>, apart: bool) -> bool {
        let is_first = self.lines.is_empty();
        let from = self.lines.len();
        let mut margin = None;
        while let Some(comment) = self.own_line_comment() {
            if margin.is_none() && (is_first || comment.col == 0) {
                margin = Some(self.lines.len());
            }
            self.comment_line(comment, if margin.is_some() { 0 } else { INDENT });
        }
        self.block += 1;
        let blank = token.is_some_and(|t| self.is_after_blank(t.loc.start));
        let parted = is_first || blank || self.lines[from..].iter().any(|l| l.blank);
        let wanted = token.is_some() && apart && !parted;
        if is_first && let Some(line) = self.lines.first_mut() {
            line.blank = false;
        }
        match margin {
            Some(line) if wanted => self.lines[line].blank = true,
            _ => {}
        }
        let follows = self.lines.len() > from || !is_first;
        follows && (blank || (wanted && margin.is_none()))
    }

    /// The next comment, if it stands on a line of its own before the next token.
    fn own_line_comment(&mut self) -> Option<&'a Comment> {
        let comment = self.comments.get(self.next).filter(|c| c.own_line && c.before <= self.at)?;
        self.next += 1;
        Some(comment)
    }

    fn comments_before(&mut self, indent: usize) {
        while let Some(comment) = self.own_line_comment() {
            self.comment_line(comment, indent);
        }
    }

    fn comment_line(&mut self, comment: &Comment, indent: usize) {
        let blank = self.is_after_blank(comment.loc.start);
        let text = vec![self.text(comment)];
        self.lines.push(Line {
            blank,
            indent,
            cells: text,
            comment: None,
            shape: Shape::Comment,
            block: self.block,
        });
    }

    fn text(&self, comment: &Comment) -> String {
        let whole = self.source.get(comment.loc.start as usize..comment.loc.end as usize).unwrap_or("");
        whole.trim_end().to_owned()
    }

    /// The comment that ends the line just written.
    fn trailing_comment(&mut self) -> Option<String> {
        let comment = self.comments.get(self.next).filter(|c| !c.own_line && c.before <= self.at)?;
        self.next += 1;
        Some(self.text(comment))
    }

    /// Whether an empty line stands right before this place.
    fn is_after_blank(&self, start: u32) -> bool {
        let before = self.source.get(..start as usize).unwrap_or("");
        before.bytes().rev().take_while(u8::is_ascii_whitespace).filter(|b| *b == b'\n').count() > 1
    }

    /// The lines of one clause; `blank` says that an empty line stands before the first.
    fn clause(&mut self, tokens: &[Token], indent: usize, shape: Shape, may_break: bool, blank: bool) {
        let led = !matches!(shape, Shape::Field | Shape::Input | Shape::Row);
        let pieces = pieces(self.source, tokens, led);
        let cell = first_cell(shape, tokens);
        let padding = if let Shape::Clause(width) = shape { padding(&pieces, cell, width) } else { 0 };
        let broken = tokens.iter().enumerate().map(|(i, t)| i > 0 && t.first).collect();
        let parts = wrap(&Clause { pieces: &pieces, broken, indent, padding, may_break });
        let shape = match shape {
            Shape::Feature | Shape::Const | Shape::Row if parts.len() > 1 => Shape::Plain,
            shape => shape,
        };
        let base = self.at;
        for part in parts {
            self.part(base, tokens, &pieces, &part, (shape, cell, blank));
        }
    }

    fn part(
        &mut self,
        base: usize,
        tokens: &[Token],
        pieces: &[Piece],
        part: &Part,
        (shape, cell, blank): (Shape, usize, bool),
    ) {
        let start = part.tokens.start;
        self.at = base + start;
        let mut line = Line {
            blank,
            indent: part.indent,
            cells: Vec::new(),
            comment: None,
            shape: Shape::Plain,
            block: self.block,
        };
        if start > 0 {
            self.comments_before(part.comments);
            line.blank = tokens[start].first && self.is_after_blank(tokens[start].loc.start);
            line.cells = vec![joined(&pieces[part.tokens.clone()])];
        } else {
            line.shape = shape;
            line.cells = cells(&pieces[part.tokens.clone()], shape, cell);
        }
        self.at = base + part.tokens.end;
        line.comment = self.trailing_comment();
        self.lines.push(line);
    }
}

/// How many tokens stand before what is aligned.
fn first_cell(shape: Shape, tokens: &[Token]) -> usize {
    match shape {
        Shape::Clause(_) if tokens.get(1).is_some_and(|t| t.kind == Kind::Mark(":")) => 2,
        Shape::Clause(_) | Shape::Input => 1,
        Shape::Field | Shape::Feature | Shape::Const => 2,
        Shape::Plain | Shape::Comment | Shape::Row => 0,
    }
}

fn padding(pieces: &[Piece], cell: usize, width: usize) -> usize {
    width.saturating_sub(pieces.iter().take(cell).map(|p| p.width).sum())
}

/// The cells of a clause's first line.
fn cells(pieces: &[Piece], shape: Shape, cell: usize) -> Vec<String> {
    if shape == Shape::Row {
        return row(pieces);
    }
    let (name, rest) = pieces.split_at(cell.min(pieces.len()));
    let mut cells: Vec<String> =
        [name, rest].into_iter().filter(|part| !part.is_empty()).map(joined).collect();
    if let Shape::Clause(width) = shape
        && cells.len() > 1
    {
        pad(&mut cells[0], width);
    }
    cells
}

/// The cells of a table's row: each with its comma, and the arrow with what follows.
fn row(pieces: &[Piece]) -> Vec<String> {
    let mut cells = Vec::new();
    let mut start = 0;
    for (i, piece) in pieces.iter().enumerate() {
        let arrow = piece.depth == 0 && piece.text == "->";
        let after_comma = i > 0 && pieces[i - 1].depth == 0 && pieces[i - 1].role == Role::Comma;
        if i > start && (arrow || after_comma) {
            cells.push(joined(&pieces[start..i]));
            start = i;
        }
    }
    cells.push(joined(&pieces[start..]));
    cells
}

/// Tokens on one line.
fn joined(pieces: &[Piece]) -> String {
    let mut line = String::new();
    for (i, piece) in pieces.iter().enumerate() {
        if i > 0 && !piece.glued {
            line.push(' ');
        }
        line.push_str(&piece.text);
    }
    line
}

/// Fills up with blanks.
pub(super) fn pad(cell: &mut String, width: usize) {
    let missing = width.saturating_sub(cell.chars().count());
    cell.extend(std::iter::repeat_n(' ', missing));
}
