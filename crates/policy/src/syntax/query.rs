// SPDX-License-Identifier: Apache-2.0
//! A query: what is asked of the events of one type.
//!
//! `login where not ok by ip.net show count top 20`. The event type stands first, then clauses in any order, on one line
//! or on many: a clause ends where the word of another begins, since no expression has two names side by side. So a
//! field may be called `from` or `last`; only the word that begins a clause is one.

use super::cursor::{Cursor, Parsed};
use super::express::expression;
use super::lex::{Kind, lex};
use super::report_turning;
use super::tree::{Expr, Ident};
use crate::sink::Sink;
use wardroom_event::nearest;
use wardroom_report::{Diagnostic, FileId, Loc, Sources};

/// The words that begin a clause, in the order in which a query is written in its form.
pub(crate) const CLAUSES: [&str; 10] =
    ["where", "last", "from", "to", "by", "show", "per", "against", "top", "bottom"];

/// What the clauses of other languages are called here.
const ELSEWHERE: [(&str, &str); 22] = [
    ("group", "by"),
    ("groupby", "by"),
    ("order", "top"),
    ("sort", "top"),
    ("orderby", "top"),
    ("limit", "top"),
    ("head", "top"),
    ("take", "top"),
    ("first", "top"),
    ("tail", "bottom"),
    ("select", "show"),
    ("project", "show"),
    ("stats", "show"),
    ("summarize", "show"),
    ("aggregate", "show"),
    ("having", "top"),
    ("filter", "where"),
    ("when", "where"),
    ("since", "from"),
    ("until", "to"),
    ("every", "per"),
    ("compare", "against"),
];

/// A query as it is written.
#[derive(Debug, Default)]
pub(crate) struct QueryDecl {
    pub(crate) event: Option<Ident>,
    pub(crate) filter: Option<Expr>,
    pub(crate) by: Vec<Item>,
    pub(crate) show: Vec<Item>,
    pub(crate) last: Option<Ident>,
    pub(crate) from: Option<Ident>,
    pub(crate) to: Option<Ident>,
    pub(crate) per: Option<Ident>,
    pub(crate) against: Option<Ident>,
    pub(crate) top: Option<TopDecl>,
    /// Where each clause that stood begins.
    pub(crate) seen: Vec<(&'static str, Loc)>,
}

/// What stands in `by` or `show`: an expression, and what it is called.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) expr: Expr,
    pub(crate) name: Option<Ident>,
}

/// `top 20 by count`.
#[derive(Debug)]
pub(crate) struct TopDecl {
    pub(crate) bottom: bool,
    pub(crate) most: i64,
    pub(crate) loc: Loc,
    pub(crate) by: Option<Expr>,
}

impl QueryDecl {
    /// Where a clause begins.
    pub(crate) fn place(&self, clause: &str) -> Option<Loc> {
        self.seen.iter().find(|(word, _)| *word == clause).map(|(_, loc)| *loc)
    }
}

/// Parses a query; what cannot be understood is reported and left out.
pub(crate) fn parse(file: FileId, sources: &Sources, diagnostics: &mut Sink) -> QueryDecl {
    let text = sources.text(file);
    report_turning(file, text, diagnostics);
    let tokens = lex(file, text, diagnostics);
    let mut query = QueryDecl::default();
    let mut c = Cursor::new(&tokens, Loc { file, ..Loc::default() }, diagnostics);
    if is_sql(&mut c) {
        return query;
    }
    query.event = head(&mut c).ok();
    while !c.at_end() {
        if clause(&mut c, &mut query).is_err() {
            skip(&mut c);
        }
    }
    query
}

/// The event type that is asked about.
fn head(c: &mut Cursor<'_, '_>) -> Parsed<Ident> {
    if c.peek().is_none() || (is_clause(c) && !begins_with_its_name(c)) {
        let d = Diagnostic::error("W1001", c.here(), "a query begins with a type of event")
            .label("the event type belongs before this");
        return Err(c.stop(d.help("write: login where not ok by ip.net show count")));
    }
    let name = c.name("the type of event to ask about")?;
    c.eat(":");
    Ok(name)
}

/// Whether this is SQL: of that there is no more to say.
fn is_sql(c: &mut Cursor<'_, '_>) -> bool {
    let is_sql = matches!(c.peek(), Some(Kind::Word(w)) if ["select", "with"].contains(&&*w.to_lowercase()));
    if is_sql {
        let d = Diagnostic::error("W1001", c.here(), "this is SQL, not a query of the policy language");
        c.diagnostics.push(d.help("write: login where not ok by ip.net show count; or ask it as SQL"));
    }
    is_sql
}

/// Whether the first word, though one of a clause, is the event type: another clause follows at once.
fn begins_with_its_name(c: &Cursor<'_, '_>) -> bool {
    matches!(c.peek_second(), Some(Kind::Word(w)) if CLAUSES.contains(&w.as_str()))
}

fn is_clause(c: &Cursor<'_, '_>) -> bool {
    matches!(c.peek(), Some(Kind::Word(w)) if CLAUSES.contains(&w.as_str()))
}

/// Goes on to the next clause, past brackets that stand open.
fn skip(c: &mut Cursor<'_, '_>) {
    let mut depth = 0usize;
    while let Some(kind) = c.peek() {
        match kind {
            Kind::Mark("(" | "[") => depth += 1,
            Kind::Mark(")" | "]") => depth = depth.saturating_sub(1),
            _ if depth == 0 && is_clause(c) => return,
            _ => {}
        }
        c.next();
    }
}

fn clause(c: &mut Cursor<'_, '_>, query: &mut QueryDecl) -> Parsed<()> {
    let here = c.here();
    let Some(Kind::Word(word)) = c.peek() else {
        return c.finish("the event type");
    };
    let Some(word) = CLAUSES.into_iter().find(|w| w == word) else {
        return Err(no_clause(c, &word.clone()));
    };
    c.next();
    c.depth = 0;
    if let Some(before) = query.place(word) {
        c.diagnostics.push(
            Diagnostic::error("W0107", here, format!("a second `{word}`"))
                .also(before, "the first is here")
                .help_opt((word == "where").then(|| "join conditions with `and`".to_owned())),
        );
    }
    query.seen.push((word, here));
    c.eat(":");
    match word {
        "where" => query.filter = Some(expression(c)?),
        "by" => query.by = items(c)?,
        "show" => query.show = items(c)?,
        "last" => query.last = Some(c.text("how long, in quotes: last \"7d\"")?),
        "from" => query.from = Some(c.text("a time or day, in quotes: from \"2026-11-01\"")?),
        "to" => query.to = Some(c.text("a time or day, in quotes: to \"2026-11-08\"")?),
        "per" => query.per = Some(c.text("how long each step is, in quotes: per \"1h\"")?),
        "against" => query.against = Some(c.text("how long before, in quotes: against \"7d\"")?),
        bound => query.top = Some(top(c, bound == "bottom", here)?),
    }
    ends(c, word)
}

/// Behind a clause stands another, or nothing.
fn ends(c: &mut Cursor<'_, '_>, word: &str) -> Parsed<()> {
    if c.at_end() || is_clause(c) {
        return Ok(());
    }
    match c.peek() {
        Some(Kind::Word(next)) if meant(next).is_some() => Err(no_clause(c, &next.clone())),
        _ => c.finish(&format!("`{word}`")),
    }
}

/// The clause that was probably meant.
fn meant(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    let elsewhere = ELSEWHERE.into_iter().find(|(name, _)| *name == lower).map(|(_, here)| here);
    elsewhere.or_else(|| CLAUSES.into_iter().find(|w| *w == lower)).or_else(|| nearest(&lower, CLAUSES))
}

fn no_clause(c: &mut Cursor<'_, '_>, word: &str) -> super::cursor::Stopped {
    let d = Diagnostic::error("W0106", c.here(), format!("a query has no clause `{word}`"));
    let d = match (word.to_lowercase().as_str(), meant(word)) {
        ("group" | "groupby", _) => d.help("write: by ip.net"),
        ("order" | "orderby" | "sort", _) => {
            c.next();
            // What it orders by is no key.
            c.eat_word("by");
            d.help("write: top 20 by count")
        }
        ("limit" | "head" | "take" | "first", _) => d.help("write: top 20"),
        ("having", _) => d.help("ask for the greatest: top 20 by count"),
        (_, Some(near)) => d.help(format!("did you mean `{near}`?")),
        _ => d.help(format!("its clauses are: {}", CLAUSES.join(", "))),
    };
    c.stop(d)
}

/// `ip.net as net, account`.
fn items(c: &mut Cursor<'_, '_>) -> Parsed<Vec<Item>> {
    let mut items = Vec::new();
    loop {
        if c.is_mark("*") {
            let d = Diagnostic::error("W0101", c.here(), "expected a value, found `*`");
            return Err(c.stop(d.help("without `show` every field is shown; to count rows, write: count")));
        }
        let expr = expression(c)?;
        let name = if c.eat_word("as") { Some(c.new_name("a name for this column")?) } else { None };
        items.push(Item { expr, name });
        if !c.eat(",") {
            return Ok(items);
        }
    }
}

fn top(c: &mut Cursor<'_, '_>, bottom: bool, start: Loc) -> Parsed<TopDecl> {
    let most = match c.peek() {
        Some(Kind::Int(n)) => *n,
        _ => {
            let stopped = c.unexpected_so("how many, such as 20", Some("write: top 20 by count".to_owned()));
            c.eat_word("by");
            return Err(stopped);
        }
    };
    c.next();
    let loc = start.to(c.last());
    let by = if c.eat_word("by") { Some(expression(c)?) } else { None };
    Ok(TopDecl { bottom, most, loc, by })
}
