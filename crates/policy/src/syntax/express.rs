// SPDX-License-Identifier: Apache-2.0
//! Expressions: Python's, without statements, loops or functions of one's own.
//!
//! Loosest first: `a if c else b` · `or` · `and` · `not` · `== != < <= > >= in is` (chains join with `and`) · `+ -` ·
//! `* /` · unary `-` · attribute and call.

use super::cursor::{Cursor, Parsed, Stopped};
use super::lex::Kind;
use super::tree::{Arg, ArithOp, CompareOp, Expr, ExprKind};
use crate::limits;
use wardroom_report::{Diagnostic, Loc};

/// Reads one expression.
pub(crate) fn expression(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    c.depth += 1;
    if c.depth > limits::DEPTH {
        let here = c.here();
        return Err(too_deep(c, here));
    }
    let then = either(c)?;
    let expr = if c.eat_word("if") {
        let cond = either(c)?;
        if !c.eat_word("else") {
            return Err(c.unexpected_so("`else` of this `if`", Some("write: 3 if ok else 0".to_owned())));
        }
        let other = expression(c)?;
        let loc = then.loc.to(other.loc);
        grow(c, ExprKind::If { then: then.into(), cond: cond.into(), other: other.into() }, loc)?
    } else {
        then
    };
    c.depth -= 1;
    Ok(expr)
}

/// Brackets bound the parser's own depth; this bounds the tree's, which chains of operators make deeper still.
fn grow(c: &mut Cursor<'_, '_>, kind: ExprKind, loc: Loc) -> Parsed<Expr> {
    let height = kind.height();
    if height > limits::DEPTH {
        return Err(too_deep(c, loc));
    }
    Ok(Expr { kind, loc, height })
}

fn too_deep(c: &mut Cursor<'_, '_>, loc: Loc) -> Stopped {
    let d = Diagnostic::error("W0103", loc, format!("nested deeper than {} levels", limits::DEPTH))
        .note("each bracket, operator, part and call in a row is a level; a row of `and` or of `or` is one")
        .help("split the condition, or ask for a part of it in a rule of its own");
    c.stop(d)
}

fn either(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    joined(c, "or", both, ExprKind::Or)
}

fn both(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    joined(c, "and", negated, ExprKind::And)
}

fn joined(
    c: &mut Cursor<'_, '_>,
    word: &str,
    part: fn(&mut Cursor<'_, '_>) -> Parsed<Expr>,
    make: fn(Vec<Expr>) -> ExprKind,
) -> Parsed<Expr> {
    let first = part(c)?;
    if !c.is_word(word) {
        return Ok(first);
    }
    let mut parts = vec![first];
    while c.eat_word(word) {
        parts.push(part(c)?);
    }
    let loc = parts[0].loc.to(parts[parts.len() - 1].loc);
    grow(c, make(parts), loc)
}

fn negated(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    let mut starts: Vec<Loc> = Vec::new();
    while c.is_word("not") {
        starts.push(c.here());
        c.next();
    }
    let mut expr = comparison(c)?;
    for start in starts.into_iter().rev() {
        let loc = start.to(expr.loc);
        expr = grow(c, ExprKind::Not(expr.into()), loc)?;
    }
    Ok(expr)
}

fn comparison(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    let mut left = sum(c)?;
    let mut links = Vec::new();
    loop {
        let negated_in = c.is_word("not") && matches!(c.peek_second(), Some(Kind::Word(w)) if w == "in");
        if negated_in {
            c.next();
        }
        if c.eat_word("in") {
            let hay = sum(c)?;
            let loc = left.loc.to(hay.loc);
            let kind = ExprKind::In { needle: left.into(), hay: hay.clone().into(), negated: negated_in };
            links.push(grow(c, kind, loc)?);
            left = hay;
        } else if c.eat_word("is") {
            links.push(is_missing(c, left.clone())?);
        } else if let Some(op) = compare_op(c) {
            let right = sum(c)?;
            let loc = left.loc.to(right.loc);
            let kind = ExprKind::Compare(op, left.into(), right.clone().into());
            links.push(grow(c, kind, loc)?);
            left = right;
        } else {
            break;
        }
    }
    if let Some(middle) = links.iter().skip(1).find_map(|link| first_operand(link).filter(|e| !is_plain(e))) {
        let d = Diagnostic::error("W0103", middle.loc, "too much in the middle of a chain of comparisons")
            .label("a name, a part or a written value may stand here")
            .help("write two comparisons and join them with `and`");
        return Err(c.stop(d));
    }
    match links.len() {
        0 => Ok(left),
        1 => Ok(links.remove(0)),
        _ => {
            let loc = links[0].loc.to(links[links.len() - 1].loc);
            grow(c, ExprKind::And(links), loc)
        }
    }
}

fn first_operand(link: &Expr) -> Option<&Expr> {
    match &link.kind {
        ExprKind::Compare(_, a, _) | ExprKind::In { needle: a, .. } | ExprKind::IsMissing { of: a, .. } => {
            Some(a)
        }
        _ => None,
    }
}

/// A name, a part or a literal. The middle of a chain stands in two terms, so a larger one would be checked twice,
/// and nested chains twice each time.
fn is_plain(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Attr(of, _) => is_plain(of),
        ExprKind::Name(_) | ExprKind::Int(_) | ExprKind::Number(_) | ExprKind::Text(_) => true,
        ExprKind::Bool(_) | ExprKind::Bad => true,
        _ => false,
    }
}

/// `is missing`, `is not missing`; `None` is understood for `missing`, as Python has it.
fn is_missing(c: &mut Cursor<'_, '_>, of: Expr) -> Parsed<Expr> {
    let negated = c.eat_word("not");
    if !(c.eat_word("missing") || c.eat_word("None")) {
        let help = match c.peek() {
            Some(Kind::Word(word)) if matches!(word.as_str(), "true" | "True") => {
                "write the condition itself"
            }
            Some(Kind::Word(word)) if matches!(word.as_str(), "false" | "False") => "write: not …",
            Some(Kind::Word(word)) if word == "null" || word == "empty" => "write: is missing",
            _ => "to compare, write `==`",
        };
        return Err(c.unexpected_so("`missing` after `is`", Some(help.to_owned())));
    }
    let loc = of.loc.to(c.last());
    grow(c, ExprKind::IsMissing { of: of.into(), negated }, loc)
}

fn compare_op(c: &mut Cursor<'_, '_>) -> Option<CompareOp> {
    let op = match c.peek()? {
        Kind::Mark("==") => CompareOp::Eq,
        Kind::Mark("!=") => CompareOp::Ne,
        Kind::Mark("<") => CompareOp::Lt,
        Kind::Mark("<=") => CompareOp::Le,
        Kind::Mark(">") => CompareOp::Gt,
        Kind::Mark(">=") => CompareOp::Ge,
        _ => return None,
    };
    c.next();
    Some(op)
}

fn sum(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    arithmetic(c, product, &[("+", ArithOp::Add), ("-", ArithOp::Sub)])
}

fn product(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    arithmetic(c, unary, &[("*", ArithOp::Mul), ("/", ArithOp::Div)])
}

/// A chain of operators of one rank, left to right; the tree leans to the left.
fn arithmetic(
    c: &mut Cursor<'_, '_>,
    part: fn(&mut Cursor<'_, '_>) -> Parsed<Expr>,
    ops: &[(&str, ArithOp)],
) -> Parsed<Expr> {
    let mut left = part(c)?;
    while let Some((_, op)) = ops.iter().find(|(mark, _)| c.is_mark(mark)) {
        c.next();
        let right = part(c)?;
        let loc = left.loc.to(right.loc);
        left = grow(c, ExprKind::Arith(*op, left.into(), right.into()), loc)?;
    }
    Ok(left)
}

fn unary(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    let start = c.here();
    if !c.eat("-") {
        return postfix(c);
    }
    let of = postfix(c)?;
    let loc = start.to(of.loc);
    let kind = match of.kind {
        ExprKind::Int(n) => ExprKind::Int(-n),
        ExprKind::Number(n) => ExprKind::Number(-n),
        _ => ExprKind::Neg(of.into()),
    };
    grow(c, kind, loc)
}

fn postfix(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    let mut expr = atom(c)?;
    loop {
        if c.eat(".") {
            let name = c.name("a name after `.`")?;
            let loc = expr.loc.to(name.loc);
            expr = grow(c, ExprKind::Attr(expr.into(), name), loc)?;
        } else if c.eat("(") {
            let args = arguments(c)?;
            let loc = expr.loc.to(c.last());
            expr = grow(c, ExprKind::Call(expr.into(), args), loc)?;
        } else {
            return Ok(expr);
        }
    }
}

fn arguments(c: &mut Cursor<'_, '_>) -> Parsed<Vec<Arg>> {
    let mut args = Vec::new();
    while !c.eat(")") {
        let named =
            matches!(c.peek(), Some(Kind::Word(_))) && matches!(c.peek_second(), Some(Kind::Mark("=")));
        let name = if named { Some(c.name("an argument")?) } else { None };
        if named {
            c.next();
        }
        let value = expression(c)?;
        let value = if name.is_none() && c.is_word("for") { each(c, value)? } else { value };
        args.push(Arg { name, value });
        if !c.eat(",") && !c.is_mark(")") {
            let forgotten = matches!(c.peek(), Some(Kind::Word(_) | Kind::Text(_) | Kind::Int(_)));
            let help =
                forgotten.then(|| "put a comma between values; a named one is written name=value".to_owned());
            return Err(c.unexpected_so("`,` or `)`", help));
        }
    }
    Ok(args)
}

/// `body for x in items if condition`: only within a call, so that it is plain what becomes of it.
fn each(c: &mut Cursor<'_, '_>, body: Expr) -> Parsed<Expr> {
    c.eat_word("for");
    let var = c.new_name("a name for each item")?;
    if !c.eat_word("in") {
        return Err(c.unexpected("`in` and the list"));
    }
    let over = either(c)?;
    let filter = if c.eat_word("if") { Some(either(c)?.into()) } else { None };
    let loc = body.loc.to(c.last());
    grow(c, ExprKind::Each { body: body.into(), var, over: over.into(), filter }, loc)
}

fn items(c: &mut Cursor<'_, '_>, close: &str) -> Parsed<Vec<Expr>> {
    let mut items = Vec::new();
    while !c.eat(close) {
        items.push(expression(c)?);
        if c.is_word("for") {
            return Err(c.stray_for());
        }
        if !c.eat(",") && !c.is_mark(close) {
            return Err(c.unexpected(&format!("`,` or `{close}`")));
        }
    }
    Ok(items)
}

fn atom(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    let start = c.here();
    let kind = match c.peek() {
        Some(Kind::Int(n)) => ExprKind::Int(*n),
        Some(Kind::Number(n)) => ExprKind::Number(*n),
        Some(Kind::Text(t)) => ExprKind::Text(t.clone()),
        Some(Kind::Bad) => ExprKind::Bad,
        Some(Kind::Word(w)) => word(c, w)?,
        Some(Kind::Mark("[")) => {
            c.next();
            let list = items(c, "]")?;
            let loc = start.to(c.last());
            return grow(c, ExprKind::Items(list), loc);
        }
        Some(Kind::Mark("(")) => {
            c.next();
            return parenthesised(c, start);
        }
        Some(Kind::Mark(">")) if c.follows("<") => {
            return Err(c.unexpected_so("a value", Some("for values that differ, write `!=`".to_owned())));
        }
        Some(Kind::Mark("<" | ">")) if c.follows("=") => {
            return Err(c.unexpected_so("a value", Some("to compare, write `<=` or `>=`".to_owned())));
        }
        _ => return Err(c.unexpected("a value")),
    };
    c.next();
    grow(c, kind, start)
}

fn word(c: &mut Cursor<'_, '_>, word: &str) -> Parsed<ExprKind> {
    Ok(match word {
        "true" | "True" => ExprKind::Bool(true),
        "false" | "False" => ExprKind::Bool(false),
        "and" | "or" | "not" | "in" | "is" | "if" | "else" => return Err(c.unexpected("a value")),
        "for" | "while" | "lambda" | "def" | "return" | "import" => {
            let d = Diagnostic::error("W0104", c.here(), format!("`{word}` is not part of the language"))
                .note("a policy has no loops, functions or statements, so that its cost is known before it runs")
                .help("count with a feature, choose with `a if condition else b`");
            return Err(c.stop(d));
        }
        _ => ExprKind::Name(word.to_owned()),
    })
}

/// `(a)` is `a`; `(a, b)` are items.
fn parenthesised(c: &mut Cursor<'_, '_>, start: Loc) -> Parsed<Expr> {
    let mut list = items(c, ")")?;
    let loc = start.to(c.last());
    if list.len() == 1 {
        return Ok(Expr { loc, ..list.remove(0) });
    }
    grow(c, ExprKind::Items(list), loc)
}
