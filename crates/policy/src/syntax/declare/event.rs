// SPDX-License-Identifier: Apache-2.0
//! `event` and `record`: fields, one a line.

use super::super::cursor::{Cursor, Parsed, Stopped};
use super::super::layout::Block;
use super::super::lex::Kind;
use super::super::tree::{Decl, EventDecl, FieldDecl, RecordDecl, TypeExpr};
use super::colon;
use wardroom_report::{Diagnostic, Loc};

pub(super) fn event(c: &mut Cursor<'_, '_>, b: &Block<'_>) -> Parsed<Decl> {
    let name = c.new_name("the event type's name")?;
    let fields = fields(c, b, "event type", &name)?;
    Ok(Decl::Event(EventDecl { name, fields }))
}

pub(super) fn record(c: &mut Cursor<'_, '_>, b: &Block<'_>) -> Parsed<Decl> {
    let name = c.new_name("the record's name")?;
    let fields = fields(c, b, "record", &name)?;
    Ok(Decl::Record(RecordDecl { name, fields }))
}

fn fields(
    c: &mut Cursor<'_, '_>,
    b: &Block<'_>,
    what: &str,
    name: &super::super::tree::Ident,
) -> Parsed<Vec<FieldDecl>> {
    let ended = colon(c, what);
    let mut fields = Vec::new();
    for line in &b.lines {
        let mut c = Cursor::new(line, name.loc, c.diagnostics);
        fields.extend(field(&mut c));
    }
    if b.lines.is_empty() && ended {
        c.diagnostics.push(
            Diagnostic::error("W0204", name.loc, format!("{what} `{}` has no fields", name.name))
                .help("list them below it, one a line: account: account"),
        );
    }
    Ok(fields)
}

/// A field whose type cannot be read is kept without one: what uses it is not at fault.
fn field(c: &mut Cursor<'_, '_>) -> Parsed<FieldDecl> {
    let name = c.new_name("a field's name")?;
    let (kind, optional, hashed) = match field_type(c) {
        Ok((kind, optional, hashed)) => (Some(kind), optional, hashed),
        Err(Stopped) => (None, true, None),
    };
    Ok(FieldDecl { name, kind, optional, hashed })
}

/// A type, whether the field may lack it, and where it says that it is hashed.
fn field_type(c: &mut Cursor<'_, '_>) -> Parsed<(TypeExpr, bool, Option<Loc>)> {
    c.expect(":", "and the field's type")?;
    let kind = type_expr(c)?;
    let optional = c.eat("?");
    let hashed = c.eat_word("hashed").then(|| c.last());
    if let Some(help) = type_of_elsewhere(c, &kind) {
        let d = Diagnostic::error("W0102", c.here(), "more than a type").label("nothing more belongs here");
        return Err(c.stop(d.help(help)));
    }
    c.finish("the field's type")?;
    Ok((kind, optional, hashed))
}

/// What to write for a type as other languages have it.
fn type_of_elsewhere(c: &Cursor<'_, '_>, kind: &TypeExpr) -> Option<String> {
    let TypeExpr::Named(name) = kind else { return None };
    let within = match c.peek_second() {
        Some(Kind::Word(word)) => word.as_str(),
        _ => "url",
    };
    match (c.peek()?, name.name.to_lowercase().as_str()) {
        (Kind::Mark("(" | "[" | "<"), "enum" | "oneof") => Some("write: enum(\"free\", \"paid\")".to_owned()),
        (Kind::Mark("("), "text" | "string") => Some("write: enum(\"free\", \"paid\")".to_owned()),
        (Kind::Mark("(" | "[" | "<"), "list" | "array" | "set" | "vec") => {
            Some(format!("write: list({within})"))
        }
        (Kind::Mark("(" | "[" | "<"), "optional" | "option" | "maybe") => Some(format!("write: {within}?")),
        (Kind::Mark("["), of) => Some(format!("write: list({of})")),
        (Kind::Mark("="), _) => {
            Some("a field has no default; mark one that may be absent with `?`".to_owned())
        }
        _ => None,
    }
}

/// `ip`, `enum("free", "paid")`, `list(url)`.
fn type_expr(c: &mut Cursor<'_, '_>) -> Parsed<TypeExpr> {
    let name = c.name("the field's type")?;
    let start = name.loc;
    match name.name.as_str() {
        "enum" if c.eat("(") => {
            let mut members = vec![c.text("a value of the enum, in quotes")?];
            while c.eat(",") && !c.is_mark(")") {
                members.push(c.text("a value of the enum, in quotes")?);
            }
            if !c.eat(")") {
                return Err(c.unexpected("`,` or `)`"));
            }
            Ok(TypeExpr::OneOf { loc: start.to(c.last()), members })
        }
        "list" if c.eat("(") => {
            let of = c.name("the type of what the list holds")?;
            c.expect(")", "after the type of what the list holds")?;
            Ok(TypeExpr::ListOf { loc: start.to(c.last()), of })
        }
        _ => Ok(TypeExpr::Named(name)),
    }
}
