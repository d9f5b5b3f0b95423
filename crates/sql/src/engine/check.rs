// SPDX-License-Identifier: Apache-2.0
//! What a query may be, before it is planned: read-only, not too deep, not too many tables; and the names it says.
//!
//! Planning puts each `with` query where it is named, and plans it there once more; thirty lines of them, each naming
//! the one before twice, would be a billion tables. So what planning would make is counted before anything is planned.

use super::error::{Kind, SqlError, quoted};
use crate::limits;
use datafusion::sql::sqlparser::ast::{
    self, Cte, Expr, Ident, ObjectName, Query, Select, SetExpr, Spanned, TableFactor, Visit, VisitMut,
    Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::Location;
use std::collections::HashMap;
use std::ops::ControlFlow;
use wardroom_event::nearest;

/// Which tables and which columns with a dot in their names there are.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) tables: Vec<Box<str>>,
    pub(crate) dotted: Vec<Box<str>>,
}

/// Looks at a query, and writes `ip.country` as the one name that it is.
pub(super) fn check(statement: &mut ast::Statement, text: &str, known: &Known) -> Result<(), SqlError> {
    let mut walk = Walk { depth: 0, text, known, ctes: Vec::new(), aliases: Vec::new() };
    if let ControlFlow::Break(error) = Visit::visit(&*statement, &mut walk) {
        return Err(*error);
    }
    let reads = match &*statement {
        ast::Statement::Query(query) => weigh(query, &HashMap::new()),
        ast::Statement::Explain { statement, .. } => match &**statement {
            ast::Statement::Query(query) => weigh(query, &HashMap::new()),
            _ => return Err(SqlError::new(Kind::ReadOnly, "EXPLAIN takes a SELECT")),
        },
        _ => 0,
    };
    if reads > limits::TABLES_READ {
        let most = limits::TABLES_READ;
        return Err(SqlError::new(
            Kind::TooLarge,
            format!(
                "a statement has at most {most} tables and SELECTs, those of a WITH as often as it is named"
            ),
        ));
    }
    let mut join = Join { dotted: &known.dotted, aliases: walk.aliases, text };
    match VisitMut::visit(statement, &mut join) {
        ControlFlow::Break(error) => Err(*error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Walk<'a> {
    depth: usize,
    text: &'a str,
    known: &'a Known,
    ctes: Vec<String>,
    aliases: Vec<String>,
}

type Flow = ControlFlow<Box<SqlError>>;

fn stop<T>(error: SqlError) -> ControlFlow<Box<SqlError>, T> {
    ControlFlow::Break(Box::new(error))
}

impl Visitor for Walk<'_> {
    type Break = Box<SqlError>;

    fn pre_visit_expr(&mut self, expr: &Expr) -> Flow {
        self.depth += 1;
        // `x[1][2]` is flat here and becomes as deep as it is long.
        let links = match expr {
            Expr::CompoundFieldAccess { access_chain, .. } => access_chain.len(),
            Expr::CompoundIdentifier(parts) => parts.len(),
            _ => 0,
        };
        if self.depth.saturating_add(links) > limits::EXPRESSION_DEPTH {
            let most = limits::EXPRESSION_DEPTH;
            return stop(
                SqlError::new(Kind::TooLarge, format!("an expression is deeper than {most}"))
                    .coded("54001")
                    .hint("write `x IN (…)` for a long chain of `OR`"),
            );
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> Flow {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> Flow {
        if let Some(with) = &query.with {
            if with.recursive {
                return stop(SqlError::new(Kind::Unsupported, "WITH RECURSIVE is not to be had here"));
            }
            self.ctes.extend(with.cte_tables.iter().map(|cte| cte.alias.name.value.to_lowercase()));
        }
        if writes(&query.body) {
            return stop(SqlError::new(
                Kind::ReadOnly,
                "a query that writes is refused: the past can only be read",
            ));
        }
        if !query.locks.is_empty() {
            return stop(SqlError::new(Kind::ReadOnly, "FOR UPDATE is refused: the past can only be read"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> Flow {
        match select.into {
            Some(_) => {
                stop(SqlError::new(Kind::ReadOnly, "SELECT INTO is refused: the past can only be read"))
            }
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Flow {
        match factor {
            TableFactor::Table { name, alias, args, .. } => {
                let alias = alias.as_ref().map(|alias| &alias.name);
                let own = name.0.last().and_then(|part| part.as_ident());
                self.aliases.extend(alias.or(own).map(|name| name.value.to_lowercase()));
                if args.is_none() { self.table(name) } else { ControlFlow::Continue(()) }
            }
            TableFactor::Derived { alias: Some(alias), .. } => {
                self.aliases.push(alias.name.value.to_lowercase());
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Walk<'_> {
    /// A table that is not there is told with the name that was probably meant.
    fn table(&self, name: &ObjectName) -> Flow {
        let parts: Option<Vec<String>> = name.0.iter().map(|part| part.as_ident().map(folded)).collect();
        let parts = parts.unwrap_or_default();
        let table = match parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [table] if self.ctes.iter().any(|cte| cte == table) => return ControlFlow::Continue(()),
            [table] if table.starts_with("pg_") => return ControlFlow::Continue(()),
            [table] | ["public", table] | [crate::CATALOG, "public", table] => (*table).to_owned(),
            _ => return ControlFlow::Continue(()),
        };
        if self.known.tables.iter().any(|known| **known == *table) {
            return ControlFlow::Continue(());
        }
        let said = SqlError::new(Kind::Name, format!("there is no table \"{table}\"")).coded("42P01");
        let start = name.span().start;
        let said = said.at(self.text, start.line, start.column);
        stop(match nearest(&table, self.known.tables.iter().map(|name| &**name)) {
            Some(meant) => said.hint(format!("did you mean {}?", quoted(meant))),
            None => said.hint("SHOW TABLES lists them"),
        })
    }
}

/// A name as it is looked for: without quotes in lower case.
pub(crate) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

fn writes(body: &SetExpr) -> bool {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => true,
        SetExpr::SetOperation { left, right, .. } => writes(left) || writes(right),
        _ => false,
    }
}

/// How many tables and selects planning the query would make: each `with` query as often as it is named.
fn weigh(query: &Query, around: &HashMap<String, usize>) -> usize {
    let mut known = around.clone();
    for Cte { alias, query, .. } in query.with.iter().flat_map(|with| &with.cte_tables) {
        let weight = weigh(query, &known);
        known.insert(folded(&alias.name), weight);
    }
    let mut count = Count { known: &known, reads: 0 };
    let mut bare = query.clone();
    bare.with = None;
    // Within it, queries that have a `with` of their own are weighed on their own.
    let _ = Visit::visit(&bare, &mut count);
    count.reads.max(1)
}

struct Count<'a> {
    known: &'a HashMap<String, usize>,
    reads: usize,
}

impl Visitor for Count<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if query.with.is_some() {
            self.reads = self.reads.saturating_add(weigh(query, self.known));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.reads = self.reads.saturating_add(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let known = match name.0.as_slice() {
            [one] => one.as_ident().and_then(|ident| self.known.get(&folded(ident))),
            _ => None,
        };
        self.reads = self.reads.saturating_add(*known.unwrap_or(&1));
        if self.reads > limits::TABLES_READ { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// `ip.country` is a column's name; elsewhere in SQL it would be the column `country` of a table `ip`.
struct Join<'a> {
    dotted: &'a [Box<str>],
    aliases: Vec<String>,
    text: &'a str,
}

impl Join<'_> {
    /// The one name that these parts are, if that is a column's; what is nearly one is told.
    fn one(&self, parts: &[Ident]) -> Result<Option<Ident>, Box<SqlError>> {
        let name = parts.iter().map(folded).collect::<Vec<_>>().join(".");
        if self.dotted.iter().any(|dotted| **dotted == *name) {
            return Ok(Some(Ident::with_quote('"', name)));
        }
        Ok(match nearest(&name, self.dotted.iter().map(|name| &**name)) {
            Some(meant) => {
                let said = SqlError::new(Kind::Name, format!("there is no column \"{name}\" here"));
                return Err(Box::new(said.hint(format!("did you mean {meant}?"))));
            }
            None => None,
        })
    }

    fn joined(&self, parts: &[Ident]) -> Result<Option<Expr>, Box<SqlError>> {
        let Some((first, rest)) = parts.split_first() else { return Ok(None) };
        if !self.aliases.contains(&folded(first)) {
            return Ok(self.one(parts)?.map(Expr::Identifier));
        }
        if rest.len() < 2 {
            return Ok(None);
        }
        Ok(self.one(rest)?.map(|one| Expr::CompoundIdentifier(vec![first.clone(), one])))
    }
}

impl VisitorMut for Join<'_> {
    type Break = Box<SqlError>;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let Expr::CompoundIdentifier(parts) = expr else { return ControlFlow::Continue(()) };
        match self.joined(parts) {
            Ok(Some(one)) => *expr = one,
            Ok(None) => {}
            Err(error) => {
                let start = parts.first().map_or(Location::empty(), |part| part.span.start);
                return stop(error.at(self.text, start.line, start.column));
            }
        }
        ControlFlow::Continue(())
    }
}
