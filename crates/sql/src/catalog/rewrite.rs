// SPDX-License-Identifier: Apache-2.0
//! PostgreSQL's ways of saying things, said so that DataFusion reads them: each a rewrite of one kind of expression, not
//! of one client's texts.
//!
//! | said | becomes |
//! |---|---|
//! | `pg_catalog.f(x)` | `f(x)` |
//! | `x OPERATOR(pg_catalog.~) y` | `x ~ y` |
//! | `x COLLATE c` | `x`: there is one order of texts |
//! | `'t'::regclass`, `n::regclass`, `regtype` | the number of that name, the name of that number |
//! | casts to `oid`, `name`, `"char"`, `pg_catalog.int4` … | to Arrow's types |
//! | `x = ANY (ARRAY[…])`, `x <> ALL (ARRAY[…])` | `x IN (…)`, `x NOT IN (…)` |
//! | `x = ANY (array)` | `any_of(array, x)` |
//! | `ARRAY(SELECT x …)` | `(SELECT array_agg(x) …)` |
//! | `x LIKE p ESCAPE e` | `x LIKE like_escape(p, e)` |
//! | `x || y` | `joined(x, y)`, which has a bound |
//! | in questions about the catalogue: a subquery of one value | its `max`: DataFusion wants to see that it is one |
//! | a column without a name | the name that PostgreSQL gives it, where that is one column's |

use super::empty::{self, Emptied, aggregates, shown_name};
use crate::engine::folded;
use datafusion::sql::sqlparser::ast::{
    self, Array, BinaryOperator, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, SelectItem, SetExpr,
    Statement, TableFactor, TimezoneInfo, UnaryOperator, Value, Visit, VisitMut, Visitor, VisitorMut,
};
use std::ops::ControlFlow;

/// Whether a statement asks about the catalogue.
fn is_about_catalog(statement: &Statement) -> bool {
    struct Asks;
    impl Visitor for Asks {
        type Break = ();
        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
            let mut parts = name.0.iter().filter_map(|part| part.as_ident()).map(folded);
            match parts.any(|part| part.starts_with("pg_") || part == "information_schema") {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    Visit::visit(statement, &mut Asks).is_break()
}

/// Says a statement so that it can be planned.
pub(crate) fn rewrite(statement: &mut Statement) {
    let about_catalog = is_about_catalog(statement);
    if about_catalog {
        let _ = VisitMut::visit(statement, &mut Emptied::default());
    }
    if let Statement::Query(query) = statement {
        name_columns(query);
    }
    let _ = VisitMut::visit(statement, &mut Spelled);
    if about_catalog {
        let _ = VisitMut::visit(statement, &mut One);
    }
}

/// Names columns as PostgreSQL does.
fn name_columns(query: &mut Query) {
    let SetExpr::Select(select) = &mut *query.body else { return };
    let name = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(expr) => Some(shown_name(expr).unwrap_or_else(|| "?column?".to_owned())),
        _ => None,
    };
    let names: Vec<Option<String>> = select.projection.iter().map(name).collect();
    let once = |name: &String| names.iter().flatten().filter(|other| *other == name).count() == 1;
    for (item, name) in select.projection.iter_mut().zip(&names) {
        let Some(name) = name.as_ref().filter(|name| once(name)) else { continue };
        if let SelectItem::UnnamedExpr(expr) = item
            && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
        {
            let expr = std::mem::replace(expr, empty::null());
            *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
        }
    }
}

struct Spelled;

impl VisitorMut for Spelled {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        // `pg_class` is looked for where PostgreSQL's own tables are.
        if let [ObjectNamePart::Identifier(one)] = name.0.as_slice()
            && folded(one).starts_with("pg_")
        {
            name.0.insert(0, ObjectNamePart::Identifier(Ident::new("pg_catalog")));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let taken = std::mem::replace(expr, empty::null());
        *expr = spelled(taken);
        ControlFlow::Continue(())
    }
}

fn spelled(expr: Expr) -> Expr {
    match expr {
        Expr::Function(function) => match function.args {
            FunctionArguments::Subquery(query) if named_array(&function.name) => array_of(query),
            _ if of_nothing(&function) => empty::null(),
            _ => Expr::Function(bare(function)),
        },
        Expr::Collate { expr, .. } => *expr,
        Expr::BinaryOp { left, op: BinaryOperator::PGCustomBinaryOperator(name), right } => {
            operated(*left, name.last().map_or("", String::as_str), *right)
        }
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => concatenated(*left, *right),
        Expr::Cast { kind, expr, data_type, array: false, format: None } => match named(&data_type) {
            Some(name) => cast(kind, *expr, &name, data_type),
            None => Expr::Cast { kind, expr, data_type, array: false, format: None },
        },
        Expr::Like { negated, any, expr, pattern, escape_char: Some(escape) } => {
            let pattern = Box::new(escaped(*pattern, escape));
            Expr::Like { negated, any, expr, pattern, escape_char: None }
        }
        Expr::ILike { negated, any, expr, pattern, escape_char: Some(escape) } => {
            let pattern = Box::new(escaped(*pattern, escape));
            Expr::ILike { negated, any, expr, pattern, escape_char: None }
        }
        Expr::AnyOp { left, compare_op, right, is_some } => any(left, compare_op, right, is_some),
        Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => match items(&right) {
            Some(list) => Expr::InList { expr: left, list, negated: true },
            None => {
                let has = call("any_of", vec![unwrapped(*right), *left]);
                Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(has) }
            }
        },
        other => other,
    }
}

fn escaped(pattern: Expr, escape: ast::ValueWithSpan) -> Expr {
    call("like_escape", vec![pattern, Expr::Value(escape)])
}

fn concatenated(left: Expr, right: Expr) -> Expr {
    // Nothing joined to something is nothing; so no type need be found for it.
    if left == empty::null() || right == empty::null() {
        empty::null()
    } else {
        call("joined", vec![left, right])
    }
}

/// `array_to_string(NULL, …)`: DataFusion wants to know what the array is of.
fn of_nothing(function: &Function) -> bool {
    let name = function.name.0.last().and_then(|part| part.as_ident());
    let first = match &function.args {
        FunctionArguments::List(list) => list.args.first(),
        _ => None,
    };
    name.is_some_and(|name| folded(name) == "array_to_string")
        && matches!(first, Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) if *first == empty::null())
}

fn named_array(name: &ObjectName) -> bool {
    matches!(name.0.as_slice(), [ObjectNamePart::Identifier(one)] if folded(one) == "array")
}

/// `ARRAY(SELECT x …)` gathers what the query gives. What is gathered from a list of the row at hand cannot be planned;
/// only the catalogue asks for that, of options that no table here has.
fn array_of(mut query: Box<Query>) -> Expr {
    let SetExpr::Select(select) = &mut *query.body else { return empty::null() };
    let of_list = select.from.iter().any(|from| {
        matches!(
            &from.relation,
            TableFactor::Table { args: Some(_), .. }
                | TableFactor::Function { .. }
                | TableFactor::UNNEST { .. }
        )
    });
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
        select.projection.as_mut_slice()
    else {
        return empty::null();
    };
    if of_list {
        return empty::null();
    }
    let inner = std::mem::replace(value, empty::null());
    *value = call("array_agg", vec![inner]);
    query.order_by = None;
    Expr::Subquery(query)
}

/// A function's name without its schema.
fn bare(mut function: Function) -> Function {
    if let [ObjectNamePart::Identifier(schema), name] = function.name.0.as_slice()
        && matches!(folded(schema).as_str(), "pg_catalog" | "information_schema" | "public")
    {
        function.name = ObjectName(vec![name.clone()]);
    }
    if matches!(function.args, FunctionArguments::None) {
        // `current_user` and its like are said without parentheses.
        let list = FunctionArgumentList { duplicate_treatment: None, args: Vec::new(), clauses: Vec::new() };
        function.args = FunctionArguments::List(list);
    }
    function
}

pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn operated(left: Expr, name: &str, right: Expr) -> Expr {
    let op = match name {
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "~~" => BinaryOperator::PGLikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "~~*" => BinaryOperator::PGILikeMatch,
        "!~~*" => BinaryOperator::PGNotILikeMatch,
        "||" => return concatenated(left, right),
        other => BinaryOperator::PGCustomBinaryOperator(vec![other.to_owned()]),
    };
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// The last word of a type that SQL itself does not know.
fn named(kind: &DataType) -> Option<String> {
    match kind {
        DataType::Regclass => Some("regclass".to_owned()),
        DataType::Custom(name, _) => name.0.last()?.as_ident().map(folded),
        _ => None,
    }
}

fn is_text(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => {
            matches!(
                value.value,
                Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_) | Value::Placeholder(_)
            )
        }
        Expr::Nested(inner) => is_text(inner),
        Expr::Cast { expr, data_type: DataType::Text | DataType::Varchar(_), .. } => is_text(expr),
        _ => false,
    }
}

fn cast(kind: ast::CastKind, expr: Expr, name: &str, whole: DataType) -> Expr {
    let looked_up = match (name, is_text(&expr)) {
        ("regclass", true) => Some("to_regclass_oid"),
        ("regclass", false) => Some("regclass_name"),
        ("regtype", true) => Some("to_regtype_oid"),
        ("regtype", false) => Some("regtype_name"),
        ("regnamespace", false) => Some("regnamespace_name"),
        ("regrole", false) => Some("pg_get_userbyid"),
        ("regproc" | "regprocedure", _) => Some("regproc_name"),
        _ => None,
    };
    if let Some(function) = looked_up {
        return call(function, vec![expr]);
    }
    let data_type = match name {
        "text" | "name" | "char" | "varchar" | "bpchar" | "json" | "jsonb" | "inet" | "cidr" | "uuid"
        | "xml" | "pg_node_tree" | "aclitem" | "cstring" => DataType::Text,
        "oid" | "int8" | "xid" | "cid" | "regnamespace" | "regrole" => DataType::BigInt(None),
        "int4" => DataType::Integer(None),
        "int2" => DataType::SmallInt(None),
        "bool" => DataType::Boolean,
        "float8" => DataType::DoublePrecision,
        "float4" => DataType::Real,
        "timestamptz" => DataType::Timestamp(None, TimezoneInfo::WithTimeZone),
        "timestamp" => DataType::Timestamp(None, TimezoneInfo::None),
        "date" => DataType::Date,
        "numeric" => DataType::Double(ExactNumberInfo::None),
        _ => whole,
    };
    Expr::Cast { kind, expr: Box::new(expr), data_type, array: false, format: None }
}

fn any(left: Box<Expr>, op: BinaryOperator, right: Box<Expr>, is_some: bool) -> Expr {
    match (op, items(&right)) {
        (BinaryOperator::Eq, Some(list)) => Expr::InList { expr: left, list, negated: false },
        (BinaryOperator::Eq, None) if !matches!(*right, Expr::Subquery(_)) => {
            call("any_of", vec![unwrapped(*right), *left])
        }
        (compare_op, _) => Expr::AnyOp { left, compare_op, right, is_some },
    }
}

fn unwrapped(expr: Expr) -> Expr {
    match expr {
        Expr::Nested(inner) => unwrapped(*inner),
        other => other,
    }
}

/// The items of an array that is written out: `ARRAY[…]`, `'{a,b}'`, with or without a cast.
fn items(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Array(Array { elem, .. }) => Some(elem.clone()),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => items(inner),
        Expr::Value(value) => {
            let Value::SingleQuotedString(text) = &value.value else { return None };
            let inner = text.strip_prefix('{')?.strip_suffix('}')?;
            if inner.contains(['"', '\\', '{']) {
                return None;
            }
            let item = |text: &str| Expr::Value(Value::SingleQuotedString(text.trim().to_owned()).into());
            Some(inner.split(',').map(item).collect())
        }
        _ => None,
    }
}

/// A subquery that gives a value: DataFusion wants to see that it gives one only.
struct One;

impl VisitorMut for One {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Subquery(query) = expr
            && let SetExpr::Select(select) = &mut *query.body
            && !aggregates(select)
            && query.limit_clause.is_none()
            && let [item] = select.projection.as_mut_slice()
        {
            let (SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }) = item
            else {
                return ControlFlow::Continue(());
            };
            let inner = std::mem::replace(value, empty::null());
            *value = call("max", vec![inner]);
            query.order_by = None;
        }
        ControlFlow::Continue(())
    }
}
