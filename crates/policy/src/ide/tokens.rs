// SPDX-License-Identifier: Apache-2.0
//! What each stretch of a text is, for colours: keywords and literals by how they look, names by what they mean.

use super::outline::Target;
use super::{Analysis, expr};
use crate::sink::Sink;
use crate::syntax::cursor::TAKEN;
use crate::syntax::layout;
use crate::syntax::lex::{Kind, Token as Lexed, lex_all};
use crate::syntax::tree::ExprKind;
use crate::{Mode, Verdict};
use std::collections::BTreeMap;
use wardroom_event::Type;
use wardroom_report::{FileId, Loc};

/// What a stretch of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    /// A word of the language.
    Keyword,
    /// A type.
    Type,
    /// An event type or a record.
    Event,
    /// A field or a part.
    Field,
    /// A feature, evidence, a score or a model.
    Feature,
    /// A list, a table or a constant.
    Constant,
    /// A rule or a test.
    Rule,
    /// A function or an effect.
    Function,
    /// A named argument.
    Argument,
    /// A verdict or a mode.
    Verdict,
    /// A string.
    Text,
    /// A number.
    Number,
    /// A sign.
    Sign,
    /// A comment.
    Comment,
}

impl TokenKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [TokenKind; 14] = [
        TokenKind::Keyword,
        TokenKind::Type,
        TokenKind::Event,
        TokenKind::Field,
        TokenKind::Feature,
        TokenKind::Constant,
        TokenKind::Rule,
        TokenKind::Function,
        TokenKind::Argument,
        TokenKind::Verdict,
        TokenKind::Text,
        TokenKind::Number,
        TokenKind::Sign,
        TokenKind::Comment,
    ];
}

/// A stretch of text, its kind, and whether something is declared there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// Where.
    pub loc: Loc,
    /// What it is.
    pub kind: TokenKind,
    /// Whether it is the name in a declaration.
    pub declares: bool,
}

impl Analysis {
    /// What each stretch of a text is, in order and without overlap.
    pub fn tokens(&self, file: FileId) -> Vec<Token> {
        let (tokens, comments) = lex_all(file, self.sources.text(file), &mut Sink::default());
        let names = self.names(file);
        let mut out: Vec<Token> = Vec::new();
        for block in layout::blocks(&tokens) {
            self.line(block.head, true, &names, &mut out);
            block.lines.iter().for_each(|line| self.line(line, false, &names, &mut out));
        }
        out.extend(comments.iter().map(|c| Token { loc: c.loc, kind: TokenKind::Comment, declares: false }));
        out.sort_by_key(|t| t.loc.start);
        out
    }

    /// The names of a text, by where they begin.
    fn names(&self, file: FileId) -> BTreeMap<u32, Token> {
        let mut names = BTreeMap::new();
        let decls = self.files.get(file.0 as usize).map_or(&[][..], |f| &f.decls);
        for root in decls.iter().flat_map(expr::roots) {
            expr::walk(root, &mut |e| plain(e, &mut names));
        }
        let mut put = |loc: Loc, kind, declares| {
            names.insert(loc.start, Token { loc, kind, declares });
        };
        for (loc, target) in self.uses.iter().filter(|(loc, _)| loc.file == file) {
            if let Some(kind) = self.kind_of(target) {
                put(*loc, kind, false);
            }
        }
        for declared in self.declarations.iter().filter(|d| d.name.file == file && d.what != "budget") {
            if let Some(kind) = self.kind_of(&declared.target) {
                put(declared.name, kind, true);
            }
        }
        names
    }

    fn kind_of(&self, target: &Target) -> Option<TokenKind> {
        Some(match target {
            Target::Event(_) | Target::Record(_) | Target::Budget(_) => TokenKind::Event,
            Target::Field { .. } | Target::Column { .. } => TokenKind::Field,
            Target::Test(_) => TokenKind::Rule,
            Target::File(_) => return None,
            Target::Named(_) => match self.declared(target).next()?.what {
                "list" | "table" | "constant" => TokenKind::Constant,
                "rule" => TokenKind::Rule,
                _ => TokenKind::Feature,
            },
        })
    }

    fn line(&self, line: &[Lexed], head: bool, names: &BTreeMap<u32, Token>, out: &mut Vec<Token>) {
        let mut until = 0;
        for (at, token) in line.iter().enumerate() {
            // A name with dots is one stretch.
            if token.loc.start < until {
                continue;
            }
            if let Kind::Template(_) = token.kind {
                template(token.loc, names, out);
                continue;
            }
            let named = names.get(&token.loc.start).filter(|_| matches!(token.kind, Kind::Word(_)));
            let first = at == 0 && !named.is_some_and(|n| n.declares);
            let found = match named {
                Some(named) if !first => *named,
                _ => Token { loc: token.loc, kind: looks(token, first, head), declares: false },
            };
            until = found.loc.end;
            out.push(found);
        }
    }
}

/// Functions, arguments and parts, which no declaration stands behind.
fn plain(expr: &crate::syntax::tree::Expr, names: &mut BTreeMap<u32, Token>) {
    let mut put = |loc: Loc, kind| {
        names.insert(loc.start, Token { loc, kind, declares: false });
    };
    match &expr.kind {
        ExprKind::Attr(_, name) => put(name.loc, TokenKind::Field),
        ExprKind::Call(of, args) => {
            match &of.kind {
                ExprKind::Name(word) if Verdict::named(word).is_some() => put(of.loc, TokenKind::Verdict),
                ExprKind::Name(_) => put(of.loc, TokenKind::Function),
                _ => {}
            }
            args.iter().filter_map(|a| a.name.as_ref()).for_each(|name| put(name.loc, TokenKind::Argument));
        }
        _ => {}
    }
}

/// What a token is by its looks.
fn looks(token: &Lexed, first: bool, head: bool) -> TokenKind {
    match &token.kind {
        Kind::Int(_) | Kind::Number(_) | Kind::Bad => TokenKind::Number,
        Kind::Text(_) | Kind::Template(_) => TokenKind::Text,
        Kind::Mark(_) => TokenKind::Sign,
        Kind::Word(_) if first => TokenKind::Keyword,
        Kind::Word(w) if TAKEN.contains(&w.as_str()) || JOINING.contains(&w.as_str()) => TokenKind::Keyword,
        Kind::Word(w) if Verdict::named(w).is_some() || Mode::named(w).is_some() => TokenKind::Verdict,
        Kind::Word(w) if Type::named(w).is_some() || w == "enum" || w == "regex" => TokenKind::Type,
        Kind::Word(_) if head => TokenKind::Event,
        Kind::Word(_) => TokenKind::Field,
    }
}

/// Words of heads and clauses.
const JOINING: [&str; 12] =
    ["on", "by", "from", "suffix", "hashed", "capped", "to", "any", "within", "ago", "at", "self"];

/// A reason: its words as text, the names in it as what they are.
fn template(whole: Loc, names: &BTreeMap<u32, Token>, out: &mut Vec<Token>) {
    let mut from = whole.start;
    for named in names.range(whole.start..whole.end).map(|(_, token)| token) {
        if named.loc.start < from || named.loc.end > whole.end {
            continue;
        }
        if named.loc.start > from {
            out.push(Token {
                loc: Loc { start: from, end: named.loc.start, ..whole },
                kind: TokenKind::Text,
                declares: false,
            });
        }
        out.push(*named);
        from = named.loc.end;
    }
    if from < whole.end {
        out.push(Token { loc: Loc { start: from, ..whole }, kind: TokenKind::Text, declares: false });
    }
}
