// SPDX-License-Identifier: Apache-2.0
//! Queries of which it is plain that they have no rows: those that join a table which is always empty here.
//!
//! Most of PostgreSQL's catalogue is about what there is not: indexes, constraints, triggers, inheritance. Clients ask for
//! it in words that DataFusion does not read. What is joined to nothing is nothing, whatever else is asked, so such a
//! query becomes one of no rows, a subquery of no rows becomes null, and what is joined to one on the left stays.

use super::information;
use super::tables::EMPTY;
use crate::engine::folded;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArguments, GroupByExpr, Ident, JoinOperator, ObjectName, OrderBy, OrderByKind,
    Query, Select, SelectItem, SetExpr, SetOperator, TableFactor, TableWithJoins, Value, VisitMut,
    VisitorMut,
};
use std::ops::ControlFlow;

/// Makes queries of no rows plain, from the inside out.
#[derive(Debug, Default)]
pub(super) struct Emptied {
    frames: Vec<Frame>,
}

/// A query under way: its `with` queries come first, in their order.
#[derive(Debug)]
struct Frame {
    names: Vec<String>,
    next: usize,
    empty: Vec<String>,
    /// Tables that were joined to it and are gone.
    gone: Vec<String>,
}

pub(super) fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

fn boolean(value: bool) -> Expr {
    Expr::Value(Value::Boolean(value).into())
}

/// Whether it was made plain that the query has no rows.
pub(super) fn is_empty(query: &Query) -> bool {
    fn body(expr: &SetExpr) -> bool {
        match expr {
            SetExpr::Select(select) => {
                select.from.is_empty()
                    && select.selection.as_ref().is_some_and(|e| *e == boolean(false))
                    && !aggregates(select)
            }
            SetExpr::Query(query) => is_empty(query),
            SetExpr::SetOperation { left, op: SetOperator::Union, right, .. } => body(left) && body(right),
            SetExpr::SetOperation { left, op: SetOperator::Intersect, right, .. } => {
                body(left) || body(right)
            }
            SetExpr::SetOperation { left, .. } => body(left),
            _ => false,
        }
    }
    body(&query.body)
}

impl VisitorMut for Emptied {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        let names = ctes.map(|cte| folded(&cte.alias.name)).collect();
        self.frames.push(Frame { names, next: 0, empty: Vec::new(), gone: Vec::new() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let gone = self.frames.pop().map(|frame| frame.gone).unwrap_or_default();
        if let Some(OrderBy { kind: OrderByKind::Expressions(by), .. }) = &mut query.order_by {
            let _ = VisitMut::visit(by, &mut Nulled(gone));
            by.retain(|by| by.expr != null());
            if by.is_empty() {
                query.order_by = None;
            }
        }
        let empty = is_empty(query);
        if let Some(frame) = self.frames.last_mut()
            && let Some(name) = frame.names.get(frame.next)
        {
            if empty {
                frame.empty.push(name.clone());
            }
            frame.next += 1;
        }
        if empty {
            // What it was sorted by may be gone.
            (query.order_by, query.limit_clause, query.fetch) = (None, None, None);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let nothing = select.from.iter().any(|from| self.has_no_rows(from));
        if nothing && !aggregates(select) {
            clear(select);
            return ControlFlow::Continue(());
        }
        let mut gone = Vec::new();
        if nothing {
            gone.extend(select.from.iter().flat_map(names_of));
            select.from.clear();
            select.selection = Some(boolean(false));
        }
        for from in &mut select.from {
            from.joins.retain(|join| {
                let left = matches!(join.join_operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_));
                let dropped = left && self.is_nothing(&join.relation);
                gone.extend(dropped.then(|| name_of(&join.relation)).flatten());
                !dropped
            });
        }
        if !gone.is_empty() {
            name_nulls(select, &gone);
            let mut nulled = Nulled(gone);
            let _ = VisitMut::visit(select, &mut nulled);
            if let Some(frame) = self.frames.last_mut() {
                frame.gone.append(&mut nulled.0);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let plain = match expr {
            Expr::Subquery(query) if is_empty(query) => null(),
            Expr::Exists { subquery, negated } if is_empty(subquery) => boolean(*negated),
            Expr::InSubquery { subquery, negated, .. } if is_empty(subquery) => boolean(*negated),
            Expr::Function(Function { args: FunctionArguments::Subquery(query), .. }) if is_empty(query) => {
                null()
            }
            _ => return ControlFlow::Continue(()),
        };
        *expr = plain;
        ControlFlow::Continue(())
    }
}

impl Emptied {
    fn has_no_rows(&self, from: &TableWithJoins) -> bool {
        let mut nothing = self.is_nothing(&from.relation);
        for join in &from.joins {
            let joined = self.is_nothing(&join.relation);
            nothing = match join.join_operator {
                JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_) => {
                    nothing || joined
                }
                JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => nothing,
                JoinOperator::Right(_) | JoinOperator::RightOuter(_) => joined,
                _ => false,
            };
        }
        nothing
    }

    fn is_nothing(&self, relation: &TableFactor) -> bool {
        match relation {
            TableFactor::Table { name, args: None, .. } => self.is_empty_table(name),
            TableFactor::Derived { subquery, .. } => is_empty(subquery),
            TableFactor::NestedJoin { table_with_joins, .. } => self.has_no_rows(table_with_joins),
            _ => false,
        }
    }

    fn is_empty_table(&self, name: &ObjectName) -> bool {
        let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect();
        match parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [.., "information_schema", table] => information::EMPTY.contains(table),
            [.., "pg_catalog", table] => EMPTY.contains(table),
            [name] => {
                let known = self.frames.iter().rev().find(|frame| frame.names.iter().any(|n| n == name));
                match known {
                    Some(frame) => frame.empty.iter().any(|n| n == name),
                    None => EMPTY.contains(name),
                }
            }
            _ => false,
        }
    }
}

/// What a table is called in its query.
fn name_of(relation: &TableFactor) -> Option<String> {
    match relation {
        TableFactor::Table { name, alias, .. } => {
            let own = name.0.last().and_then(|part| part.as_ident());
            alias.as_ref().map(|alias| &alias.name).or(own).map(folded)
        }
        TableFactor::Derived { alias, .. } | TableFactor::NestedJoin { alias, .. } => {
            alias.as_ref().map(|alias| folded(&alias.name))
        }
        _ => None,
    }
}

fn names_of(from: &TableWithJoins) -> Vec<String> {
    std::iter::once(&from.relation)
        .chain(from.joins.iter().map(|join| &join.relation))
        .filter_map(name_of)
        .collect()
}

/// Columns of tables that are gone are null.
struct Nulled(Vec<String>);

impl VisitorMut for Nulled {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [.., table, _] = parts.as_slice()
            && self.0.contains(&folded(table))
        {
            *expr = null();
        }
        ControlFlow::Continue(())
    }
}

/// Functions that give a row for no rows.
const AGGREGATES: [&str; 12] = [
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "array_agg",
    "string_agg",
    "bool_and",
    "bool_or",
    "every",
    "json_agg",
    "first_value",
];

/// Whether the select gives one row where there are none: it aggregates and does not group.
pub(super) fn aggregates(select: &Select) -> bool {
    let grouped = match &select.group_by {
        GroupByExpr::Expressions(by, _) => !by.is_empty(),
        GroupByExpr::All(_) => true,
    };
    !grouped
        && select.projection.iter().any(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => aggregate_in(expr),
            _ => false,
        })
}

fn aggregate_in(expr: &Expr) -> bool {
    match expr {
        Expr::Function(function) => {
            let name = function.name.0.last().and_then(|part| part.as_ident());
            function.over.is_none() && name.is_some_and(|name| AGGREGATES.contains(&folded(name).as_str()))
        }
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::UnaryOp { expr, .. } => aggregate_in(expr),
        Expr::BinaryOp { left, right, .. } => aggregate_in(left) || aggregate_in(right),
        _ => false,
    }
}

/// Columns of tables that are gone keep their names: two nulls without one would be one column twice.
fn name_nulls(select: &mut Select, gone: &[String]) {
    let mut names: Vec<String> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(folded(name)),
            _ => None,
        })
        .collect();
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) = item
            && let [.., table, column] = parts.as_slice()
            && gone.contains(&folded(table))
        {
            let mut name = folded(column);
            while names.contains(&name) {
                name.push('_');
            }
            names.push(name.clone());
            *item = SelectItem::ExprWithAlias { expr: null(), alias: Ident::with_quote('"', name) };
        }
    }
}

/// Leaves the names of a select's columns, and no rows.
fn clear(select: &mut Select) {
    let mut names: Vec<String> = Vec::new();
    for item in &select.projection {
        let mut name = match item {
            SelectItem::ExprWithAlias { alias, .. } => alias.value.clone(),
            SelectItem::UnnamedExpr(expr) => shown_name(expr).unwrap_or_else(|| "?column?".to_owned()),
            _ => "?column?".to_owned(),
        };
        while names.contains(&name) {
            name.push('_');
        }
        names.push(name);
    }
    let named =
        |name: String| SelectItem::ExprWithAlias { expr: null(), alias: Ident::with_quote('"', name) };
    select.projection = names.into_iter().map(named).collect();
    select.from.clear();
    select.selection = Some(boolean(false));
    select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
    (select.having, select.qualify, select.distinct) = (None, None, None);
    select.named_window.clear();
}

/// What PostgreSQL calls a column that has no alias.
pub(super) fn shown_name(expr: &Expr) -> Option<String> {
    Some(match expr {
        Expr::Identifier(name) => folded(name),
        Expr::CompoundIdentifier(parts) => folded(parts.last()?),
        Expr::Function(function) => folded(function.name.0.last()?.as_ident()?),
        Expr::Cast { expr, data_type, .. } => {
            shown_name(expr).unwrap_or_else(|| data_type.to_string().to_lowercase())
        }
        Expr::Collate { expr, .. } | Expr::Nested(expr) => shown_name(expr)?,
        Expr::Case { .. } => "case".to_owned(),
        Expr::Exists { .. } => "exists".to_owned(),
        Expr::Array(_) => "array".to_owned(),
        _ => return None,
    })
}
