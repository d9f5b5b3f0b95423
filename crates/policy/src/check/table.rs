// SPDX-License-Identifier: Apache-2.0
//! Decision tables: columns, rows inline or from a file, and rows that nothing reaches.

use super::Context;
use super::event::unknown_type;
use super::names::{Meaning, not_time};
use crate::limits;
use crate::syntax::tree::{CellDecl, CompareOp, Expr, ExprKind, File, RowDecl, TableDecl};
use crate::table::{self, Bound, Cell, RowOf, Table};
use std::sync::Arc;
use wardroom_event::{Repr, Type, Value, parse_text};
use wardroom_report::{Diagnostic, Loc};

/// A table as it is asked.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) columns: Vec<(Box<str>, Type)>,
    pub(super) result: Type,
    pub(super) table: Arc<Table>,
}

pub(super) fn check(cx: &mut Context<'_>, file: &File, decl: &TableDecl) {
    not_time(cx, &decl.name);
    let meaning = match asked(cx, file, decl) {
        Some(asked) => {
            cx.tables.push(asked);
            Meaning::Table(cx.tables.len() - 1)
        }
        None => Meaning::Broken,
    };
    cx.names.declare(&file.namespace, &decl.name, ("table", meaning), cx.diagnostics);
}

fn asked(cx: &mut Context<'_>, file: &File, decl: &TableDecl) -> Option<Asked> {
    let columns = columns(cx, decl);
    let result = column_type(cx, &decl.result.name, decl.result.loc);
    let (columns, result) = (columns?, result?);
    let (rows, otherwise) = match &decl.file {
        Some(name) => from_file(cx, file, name, &columns, (&decl.name.name, result))?,
        None => inline(cx, decl, &columns, result)?,
    };
    if rows.len() > limits::TABLE_ROWS {
        let message = format!("a table of {} rows; the most is {}", rows.len(), limits::TABLE_ROWS);
        cx.diagnostics.push(Diagnostic::error("W0005", decl.name.loc, message));
        return None;
    }
    let table = Table::new(rows, otherwise);
    report_unreachable(cx, decl, &table);
    Some(Asked { columns, result, table: Arc::new(table) })
}

fn columns(cx: &mut Context<'_>, decl: &TableDecl) -> Option<Vec<(Box<str>, Type)>> {
    if decl.columns.is_empty() || decl.columns.len() > limits::TABLE_COLUMNS {
        let message = format!("a table has between 1 and {} columns", limits::TABLE_COLUMNS);
        let d = Diagnostic::error("W0801", decl.name.loc, message);
        cx.diagnostics.push(d.help("write: table risk(kind: text, age: duration) -> number:"));
        return None;
    }
    let mut columns: Vec<(Box<str>, Type)> = Vec::new();
    let mut faulty = false;
    for (name, kind) in &decl.columns {
        let before = decl.columns.iter().map(|(n, _)| n).find(|n| n.name == name.name);
        if let Some(before) = before.filter(|n| n.loc != name.loc) {
            let message = format!("column `{}` stands there twice", name.name);
            let d = Diagnostic::error("W0801", name.loc, message).also(before.loc, "the first is here");
            cx.diagnostics.push(d);
            faulty = true;
        }
        match column_type(cx, &kind.name, kind.loc) {
            Some(kind) => columns.push((name.name.as_str().into(), kind)),
            None => faulty = true,
        }
    }
    (!faulty).then_some(columns)
}

fn column_type(cx: &mut Context<'_>, name: &str, loc: Loc) -> Option<Type> {
    let kind = Type::named(name);
    if kind.is_none() {
        cx.diagnostics.push(match name {
            "enum" => Diagnostic::error("W0801", loc, "an enum in a table is a text").help("write: text"),
            "list" => {
                Diagnostic::error("W0801", loc, "a table holds single values").help("write the type of one")
            }
            _ => unknown_type(name, loc),
        });
    }
    kind
}

type Rows = (Vec<RowOf>, Option<Value>);

fn from_file(
    cx: &mut Context<'_>,
    file: &File,
    name: &crate::syntax::tree::Ident,
    columns: &[(Box<str>, Type)],
    result: (&str, Type),
) -> Option<Rows> {
    let text = super::list::file_named(cx, file, name, "table")?;
    match table::read_csv(&text, columns, result) {
        Ok(found) => Some((found.rows, found.otherwise)),
        Err(faults) => {
            let mut lines: Vec<usize> = faults.iter().map(|(line, _)| *line).collect();
            lines.dedup();
            let message = match lines.len() {
                1 => format!("a line of `{}` cannot be read", name.name),
                n => format!("{n} lines of `{}` cannot be read", name.name),
            };
            let d = Diagnostic::error("W0805", name.loc, message);
            let notes = faults.into_iter().take(5).map(|(line, why)| format!("{}:{line}: {why}", name.name));
            cx.diagnostics.push(notes.fold(d, Diagnostic::note));
            None
        }
    }
}

fn inline(
    cx: &mut Context<'_>,
    decl: &TableDecl,
    columns: &[(Box<str>, Type)],
    result: Type,
) -> Option<Rows> {
    let rows: Vec<Option<RowOf>> = decl.rows.iter().map(|row| self::row(cx, row, columns, result)).collect();
    let otherwise = decl.otherwise.as_ref().map(|expr| literal(cx, expr, result, "W0807"));
    let otherwise = match otherwise {
        Some(value) => Some(value?),
        None => None,
    };
    Some((rows.into_iter().collect::<Option<Vec<RowOf>>>()?, otherwise))
}

fn row(cx: &mut Context<'_>, row: &RowDecl, columns: &[(Box<str>, Type)], result: Type) -> Option<RowOf> {
    if row.cells.len() != columns.len() {
        let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let (cells, wanted) = (many(row.cells.len(), "cell"), many(columns.len(), "column"));
        let message = format!("a row of {cells} in a table of {wanted}");
        let names: Vec<&str> = columns.iter().map(|(name, _)| &**name).collect();
        let d = Diagnostic::error("W0803", row.loc, message);
        cx.diagnostics.push(d.help(format!("its columns are: {}; `any` fits everything", names.join(", "))));
        return None;
    }
    let cells: Vec<Option<Cell>> =
        row.cells.iter().zip(columns).map(|(cell, (_, kind))| self::cell(cx, cell, *kind)).collect();
    let value = literal(cx, &row.value, result, "W0807");
    Some(RowOf { cells: cells.into_iter().collect::<Option<Vec<Cell>>>()?, value: value? })
}

fn cell(cx: &mut Context<'_>, cell: &CellDecl, kind: Type) -> Option<Cell> {
    match cell {
        CellDecl::Any => Some(Cell::Any),
        CellDecl::Is(expr) => literal(cx, expr, kind, "W0802").map(Cell::Is),
        CellDecl::Among(items) => {
            let values: Vec<Option<Value>> = items.iter().map(|i| literal(cx, i, kind, "W0802")).collect();
            Some(Cell::Among(values.into_iter().collect::<Option<Vec<Value>>>()?.into()))
        }
        CellDecl::Than(op, expr) => {
            let value = ordered(cx, expr, kind)?;
            let inclusive = matches!(op, CompareOp::Le | CompareOp::Ge);
            let bound = Some(Bound { value, inclusive });
            Some(match op {
                CompareOp::Lt | CompareOp::Le => Cell::Range { from: None, to: bound },
                _ => Cell::Range { from: bound, to: None },
            })
        }
        CellDecl::To(from, to) => {
            let (low, high) = (ordered(cx, from, kind), ordered(cx, to, kind));
            let (low, high) = (low?, high?);
            if !below(&low, &high) {
                let d = Diagnostic::error("W0802", from.loc.to(to.loc), "this range is empty");
                cx.diagnostics.push(d.note("a range holds its first value and not its last"));
                return None;
            }
            let from = Some(Bound { value: low, inclusive: true });
            Some(Cell::Range { from, to: Some(Bound { value: high, inclusive: false }) })
        }
    }
}

fn below(low: &Value, high: &Value) -> bool {
    match (low, high) {
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::Number(a), Value::Number(b)) => a < b,
        (Value::Time(a), Value::Time(b)) => a < b,
        (Value::Duration(a), Value::Duration(b)) => a < b,
        _ => false,
    }
}

fn ordered(cx: &mut Context<'_>, expr: &Expr, kind: Type) -> Option<Value> {
    if matches!(kind.repr(), Repr::Int | Repr::Number | Repr::Time | Repr::Duration) {
        return literal(cx, expr, kind, "W0802");
    }
    let message = format!("values of type {kind} have no order");
    cx.diagnostics.push(
        Diagnostic::error("W0802", expr.loc, message).help("write the value itself, or several in brackets"),
    );
    None
}

/// A written value of a type.
pub(super) fn literal(cx: &mut Context<'_>, expr: &Expr, kind: Type, code: &'static str) -> Option<Value> {
    let found = match (&expr.kind, kind) {
        (ExprKind::Bad, _) => return None,
        (ExprKind::Bool(b), Type::Bool) => Ok(Value::Bool(*b)),
        (ExprKind::Int(n), Type::Int) => Ok(Value::Int(*n)),
        (ExprKind::Int(n), Type::Number) => Ok(Value::Number(*n as f64)),
        (ExprKind::Number(n), Type::Number) => Ok(Value::Number(*n)),
        (ExprKind::Text(text), kind) if !matches!(kind, Type::Bool | Type::Int | Type::Number) => {
            parse_text(text, kind)
        }
        _ => return unfit(cx, expr, kind, code),
    };
    found
        .map_err(|why| {
            let message = format!("expected a value of type {kind}; this {why}");
            cx.diagnostics.push(Diagnostic::error(code, expr.loc, message));
        })
        .ok()
}

/// What is written is of another type than what is wanted.
fn unfit<T>(cx: &mut Context<'_>, expr: &Expr, kind: Type, code: &'static str) -> Option<T> {
    let found = match &expr.kind {
        ExprKind::Text(_) => "a text",
        ExprKind::Int(_) => "a whole number",
        ExprKind::Number(_) => "a number",
        ExprKind::Bool(_) => "true or false",
        ExprKind::Name(_) | ExprKind::Attr(..) => "a name",
        ExprKind::Items(_) => "several in brackets",
        _ => "something that is computed",
    };
    let written = cx.sources.slice(expr.loc);
    let help = match (&expr.kind, kind) {
        (ExprKind::Name(name), _) if name == "_" => "what fits everything is written `any`".to_owned(),
        (ExprKind::Name(name), _) if name == "default" || name == "otherwise" => {
            "what holds where no row fits is written: else -> …".to_owned()
        }
        (ExprKind::Not(_), _) => "put a row for that value above, and `any` here".to_owned(),
        (ExprKind::Text(text), Type::Int | Type::Number) if text.parse::<f64>().is_ok() => {
            format!("write it without quotes: {text}")
        }
        (ExprKind::Text(text), Type::Bool) if text == "true" || text == "false" => {
            format!("write it without quotes: {text}")
        }
        (ExprKind::Number(_), Type::Int) => "write a whole number".to_owned(),
        (_, Type::Bool) => "write true or false".to_owned(),
        (_, Type::Int) => "write a whole number, such as 30".to_owned(),
        (_, Type::Number) => "write a number, such as 0.7".to_owned(),
        (_, Type::Duration) => "write a length of time in quotes: \"1h\"".to_owned(),
        (_, Type::Size) => "write a size in quotes: \"10MB\"".to_owned(),
        (_, Type::Rate) => "write a rate in quotes: \"5/m\"".to_owned(),
        (ExprKind::Name(_) | ExprKind::Attr(..), _) => format!("write it in quotes: \"{written}\""),
        _ => "write it in quotes".to_owned(),
    };
    let d = Diagnostic::error(code, expr.loc, format!("expected a value of type {kind}, found {found}"));
    cx.diagnostics.push(d.help(help));
    None
}

/// A row that an earlier one covers is a slip: it was meant to do something.
fn report_unreachable(cx: &mut Context<'_>, decl: &TableDecl, table: &Table) {
    for (row, by) in table.unreachable() {
        let d = match (decl.rows.get(row), decl.rows.get(by)) {
            (Some(row), Some(by)) => Diagnostic::warning("W0804", row.loc, "this row is never reached")
                .also(by.loc, "this one fits whenever it does, and stands before it"),
            _ => {
                let message = format!("row {} is never reached: row {} goes before it", row + 1, by + 1);
                Diagnostic::warning("W0804", decl.name.loc, message)
            }
        };
        cx.diagnostics.push(d.help("put the narrower row first"));
    }
}
