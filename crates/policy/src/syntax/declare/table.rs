// SPDX-License-Identifier: Apache-2.0
//! `table`: columns on the first line, a row a line, what holds otherwise last.

use super::super::cursor::{Cursor, Parsed, Stopped};
use super::super::express::expression;
use super::super::layout::Block;
use super::super::lex::Kind;
use super::super::tree::{CellDecl, CompareOp, Decl, ExprKind, Ident, RowDecl, TableDecl};
use super::colon;
use wardroom_report::Diagnostic;

pub(super) fn table(c: &mut Cursor<'_, '_>, b: &Block<'_>) -> Parsed<Decl> {
    let name = c.new_name("the table's name")?;
    let Ok((columns, result)) = head(c) else {
        return Ok(Decl::Broken { what: "table", name });
    };
    let mut table = TableDecl { name, columns, result, rows: vec![], otherwise: None, file: None };
    if c.eat_word("from") {
        let Ok(file) = c.text("the name of the table's file, in quotes") else {
            return Ok(Decl::Broken { what: "table", name: table.name });
        };
        table.file = Some(file);
        let _ = c.finish("the table");
        return Ok(Decl::Table(table));
    }
    let ended = colon(c, "table");
    for line in &b.lines {
        let mut c = Cursor::new(line, table.name.loc, c.diagnostics);
        let _ = row(&mut c, &mut table);
    }
    if ended && table.rows.is_empty() && table.otherwise.is_none() && b.lines.is_empty() {
        let message = format!("table `{}` has no rows", table.name.name);
        c.diagnostics.push(
            Diagnostic::error("W0110", table.name.loc, message)
                .help("list them below it, one a line: \"hosting\", < \"1d\" -> 0.7"),
        );
    }
    Ok(Decl::Table(table))
}

/// `(column: type, …) -> type`.
fn head(c: &mut Cursor<'_, '_>) -> Parsed<(Vec<(Ident, Ident)>, Ident)> {
    c.expect("(", "and the table's columns")?;
    let mut columns = Vec::new();
    while !c.eat(")") {
        let name = c.new_name("a column's name")?;
        c.expect(":", "and the column's type")?;
        columns.push((name, c.name("the column's type")?));
        if !c.eat(",") && !c.is_mark(")") {
            return Err(c.unexpected("`,` or `)`"));
        }
    }
    c.expect("->", "and the type of the table's result")?;
    Ok((columns, c.name("the type of the table's result")?))
}

fn row(c: &mut Cursor<'_, '_>, table: &mut TableDecl) -> Parsed<()> {
    let start = c.here();
    if let Some(otherwise) = &table.otherwise {
        let d = Diagnostic::error("W0111", start, "a row after `else`")
            .label("it can never be reached")
            .also(otherwise.loc, "this holds wherever no row above fits");
        return Err(c.stop(d.help("put it above `else`")));
    }
    let cells = if c.eat_word("else") { None } else { Some(cells(c)?) };
    if !c.eat("->") {
        let other = c.is_mark(":") || c.is_mark("=");
        let help = other.then(|| "before the result, write `->`".to_owned());
        return Err(c.unexpected_so("`->` and what follows for this row", help));
    }
    let value = expression(c)?;
    c.finish("the row")?;
    match cells {
        None => table.otherwise = Some(value),
        Some(cells) => {
            let loc = start.to(value.loc);
            table.rows.push(RowDecl { cells, value, loc });
        }
    }
    Ok(())
}

fn cells(c: &mut Cursor<'_, '_>) -> Parsed<Vec<CellDecl>> {
    let mut cells = Vec::new();
    loop {
        cells.push(cell(c)?);
        if !c.eat(",") {
            return Ok(cells);
        }
    }
}

fn cell(c: &mut Cursor<'_, '_>) -> Parsed<CellDecl> {
    if c.eat_word("any") {
        return Ok(CellDecl::Any);
    }
    let than = match c.peek() {
        Some(Kind::Mark("*")) => {
            let help = "what fits everything is written `any`".to_owned();
            return Err(c.unexpected_so("a value", Some(help)));
        }
        Some(Kind::Mark("==" | "!=")) => {
            let help = "write the value itself; what does not fit goes into a row above".to_owned();
            return Err(c.unexpected_so("a value", Some(help)));
        }
        Some(Kind::Mark("<")) => Some(CompareOp::Lt),
        Some(Kind::Mark("<=")) => Some(CompareOp::Le),
        Some(Kind::Mark(">")) => Some(CompareOp::Gt),
        Some(Kind::Mark(">=")) => Some(CompareOp::Ge),
        _ => None,
    };
    if let Some(op) = than {
        c.next();
        return Ok(CellDecl::Than(op, expression(c)?));
    }
    let first = expression(c)?;
    if c.eat_word("to") {
        return Ok(CellDecl::To(first, expression(c)?));
    }
    match first.kind {
        ExprKind::Items(items) => Ok(CellDecl::Among(items)),
        ExprKind::Bad => Err(Stopped),
        _ => Ok(CellDecl::Is(first)),
    }
}
