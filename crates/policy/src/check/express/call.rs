// SPDX-License-Identifier: Apache-2.0
//! Calls: the functions of the catalogue, and the few that need the checker's own eye: `len`, `matches`, `labelled`, a
//! table asked with its columns, a comprehension.

use super::compare::adapt;
use super::{Scope, dotted, each, near_declared, reads_text, value, widen};
use crate::check::names::Meaning;
use crate::check::{Context, computed, feature};
use crate::functions::{self, Class, Form, Function, Gives, Param};
use crate::ir::{Node, Typed};
use crate::pattern::Pattern;
use crate::program::Aggregate;
use crate::syntax::tree::{Arg, Expr, ExprKind, Ident};
use wardroom_event::{Repr, Type, Value, nearest};
use wardroom_report::{Diagnostic, Loc};

pub(super) fn call(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    expr: &Expr,
    of: &Expr,
    args: &[Arg],
) -> Option<Typed> {
    match callee(cx, scope, of) {
        Some((Meaning::Table(table), declared)) => return ask(cx, scope, expr.loc, (table, declared), args),
        // Its own fault has been reported.
        Some((Meaning::Broken, _)) => return None,
        _ => {}
    }
    match &of.kind {
        ExprKind::Attr(..) if computed::top_as_value(cx, scope, of) => None,
        ExprKind::Attr(subject, name) => method(cx, scope, expr.loc, subject, name, args),
        ExprKind::Name(name) => {
            let name = Ident { name: name.clone(), loc: of.loc };
            function(cx, scope, expr.loc, &name, args)
        }
        _ => {
            cx.diagnostics.push(Diagnostic::error("W0308", of.loc, "this cannot be called"));
            None
        }
    }
}

/// What is declared under the name of what is called: a table can be.
fn callee(cx: &mut Context<'_>, scope: &Scope<'_>, of: &Expr) -> Option<(Meaning, Loc)> {
    let name = dotted(of)?;
    match cx.names.meaning(scope.namespace, &name)? {
        Meaning::Table(_) | Meaning::Broken => cx.names.find(scope.namespace, &name, of.loc),
        _ => None,
    }
}

/// A decision table, asked with a value for each of its columns.
fn ask(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    (number, declared): (usize, Loc),
    args: &[Arg],
) -> Option<Typed> {
    if scope.fields_only {
        let d = Diagnostic::error("W0201", loc, "a feature that counts asks no tables");
        cx.diagnostics.push(d.note("it reads the fields of the event it counts, and functions of them"));
        return None;
    }
    let table = cx.tables[number].clone();
    let named = args.iter().find_map(|a| a.name.as_ref());
    if args.len() != table.columns.len() || named.is_some() {
        let names: Vec<&str> = table.columns.iter().map(|(name, _)| &**name).collect();
        let (at, message) = match named {
            Some(named) => (named.loc, "a table is asked with values without names".to_owned()),
            None => {
                (loc, format!("the table is asked with {}; {} given", of_columns(names.len()), args.len()))
            }
        };
        let d = Diagnostic::error("W0806", at, message).also(declared, "declared here");
        cx.diagnostics.push(d.help(format!("in the order of its columns: ({})", names.join(", "))));
        return None;
    }
    let columns = args.iter().zip(&table.columns);
    let inputs: Vec<Option<Typed>> =
        columns.map(|(arg, (name, kind))| input(cx, scope, &arg.value, (name, declared), *kind)).collect();
    let inputs = inputs.into_iter().collect::<Option<Vec<Typed>>>()?;
    Some(Typed { node: Node::Table(table.table.clone(), inputs), kind: table.result, loc })
}

fn of_columns(count: usize) -> String {
    if count == 1 { "one value".to_owned() } else { format!("{count} values, one for each column") }
}

fn input(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    arg: &Expr,
    (name, declared): (&str, Loc),
    kind: Type,
) -> Option<Typed> {
    let typed = value(cx, scope, arg)?;
    let typed = adapt(cx, typed, kind)?;
    let typed = if kind == Type::Number { widen(typed) } else { typed };
    let text = kind == Type::Text && typed.kind.repr() == Repr::Text;
    if typed.kind == kind || text {
        return Some(typed);
    }
    let message = format!("column `{name}` is of type {kind}; this is of type {}", typed.kind);
    cx.diagnostics.push(Diagnostic::error("W0806", typed.loc, message).also(declared, "declared here"));
    None
}

fn method(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    subject: &Expr,
    name: &Ident,
    args: &[Arg],
) -> Option<Typed> {
    let of = dotted(subject).and_then(|of| cx.names.meaning(scope.namespace, &of));
    if of == Some(Meaning::Broken) {
        return None;
    }
    if name.name == "matches" {
        let subject = value(cx, scope, subject)?;
        return matches(cx, scope, loc, subject, args);
    }
    if functions::find(Form::Method, &name.name).next().is_none() {
        no_method(cx, name);
        return None;
    }
    let subject = value(cx, scope, subject)?;
    chosen(cx, scope, loc, name, Form::Method, Some(subject), args)
}

fn no_method(cx: &mut Context<'_>, name: &Ident) {
    let names: Vec<&str> =
        functions::catalogue().iter().filter(|f| f.form == Form::Method).map(|f| f.name).collect();
    let d = Diagnostic::error("W0308", name.loc, format!("no function `{}`", name.name));
    cx.diagnostics.push(match other_name(&name.name).or(nearest(&name.name, names.iter().copied())) {
        Some(other) if functions::find(Form::Method, other).next().is_none() => {
            d.help(format!("it is called `{other}`, and stands before its value: {other}(…)"))
        }
        _ if functions::find(Form::Call, &name.name).next().is_some() => {
            d.help(format!("it stands before its value: {}(…)", name.name))
        }
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => {
            d.help("the functions of texts are: lower, upper, strip, startswith, endswith, …; see the book")
        }
    });
}

fn function(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, name: &Ident, args: &[Arg]) -> Option<Typed> {
    let word = name.name.as_str();
    if let [Arg { name: None, value: only }] = args
        && let Some((_, op)) = each::OPS.into_iter().find(|(n, _)| *n == word)
        && (matches!(only.kind, ExprKind::Each { .. }) || matches!(word, "any" | "all"))
    {
        return each::each(cx, scope, loc, op, only);
    }
    match word {
        "matches" => return matches_call(cx, scope, loc, args),
        "labelled" => return labelled(cx, scope, loc, args),
        "len" => {
            if let Some(counted) = items(cx, scope, loc, args) {
                return Some(counted);
            }
        }
        "baseline" if !scope.fields_only => {
            let d = Diagnostic::error("W0410", loc, "a baseline has figures: .mean, .spread and .weeks");
            cx.diagnostics.push(d.help("write: baseline(feature, over=\"28d\").mean"));
            return None;
        }
        _ => {}
    }
    if functions::find(Form::Call, word).next().is_none() || is_aggregate(word, args) {
        no_function(cx, scope, name);
        return None;
    }
    chosen(cx, scope, loc, name, Form::Call, None, args)
}

/// Whether a call is meant to count, as only a feature does.
fn is_aggregate(word: &str, args: &[Arg]) -> bool {
    Aggregate::NAMES.contains(&word)
        && args.iter().flat_map(|a| &a.name).any(|n| feature::ARGUMENTS.contains(&n.name.as_str()))
}

fn no_function(cx: &mut Context<'_>, scope: &Scope<'_>, name: &Ident) {
    let word = name.name.as_str();
    if Aggregate::NAMES.contains(&word) {
        let d = Diagnostic::error("W0308", name.loc, format!("`{word}` stands in a feature, not in a rule"));
        cx.diagnostics
            .push(d.help(format!("declare it: feature some_name = {word}(…), then use some_name here")));
        return;
    }
    if cx.names.meaning(scope.namespace, word).is_some() {
        let d = Diagnostic::error("W0308", name.loc, format!("`{word}` is no function"));
        cx.diagnostics.push(d.help(format!("write it without parentheses: {word}")));
        return;
    }
    let d = Diagnostic::error("W0308", name.loc, format!("no function `{word}`"));
    if ["now", "today", "current_time"].contains(&word) {
        cx.diagnostics.push(d.help("the event's time is `time`; there is no other clock"));
        return;
    }
    let names: Vec<&str> =
        functions::catalogue().iter().filter(|f| f.form == Form::Call).map(|f| f.name).collect();
    cx.diagnostics.push(if functions::find(Form::Method, word).next().is_some() {
        d.help(format!("it stands after the text: x.{word}(…)"))
    } else if let Some(near) = other_name(word) {
        d.help(format!("did you mean `{near}`?"))
    } else if let Some(near) =
        nearest(word, names.iter().copied().chain(["matches", "labelled", "any", "all"]))
    {
        d.help(format!("did you mean `{near}`?"))
    } else if let Some(near) = near_declared(cx, scope, word) {
        d.help(format!("did you mean `{near}`?"))
    } else {
        d.help("the functions are in the book; a policy declares none of its own")
    });
}

/// The call that was meant by a part of a text: `name.length`, `name.lower`.
pub(super) fn meant(of: Type, part: &str) -> Option<String> {
    if of.repr() != Repr::Text {
        return None;
    }
    let name = other_name(part).unwrap_or(part);
    if functions::find(Form::Method, name).next().is_some() {
        return Some(format!("….{name}(…)"));
    }
    let fits = |f: &&Function| f.params.first().is_some_and(|p| p.takes.fits(of));
    functions::find(Form::Call, name).find(fits).map(|f| format!("{}(…)", f.name))
}

/// What a function of another language is called here.
fn other_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "length" | "lenght" | "size" | "strlen" => "len",
        "includes" | "has" => "contains",
        "tolower" | "lowercase" | "casefold" => "lower",
        "toupper" | "uppercase" => "upper",
        "trim" => "strip",
        "starts_with" | "startsWith" | "hasprefix" => "startswith",
        "ends_with" | "endsWith" | "hassuffix" => "endswith",
        "substr" | "substring" => "slice",
        "indexof" | "index" => "find",
        "ln" => "log",
        "ceiling" => "ceil",
        "power" => "pow",
        "sigmoid" | "expit" => "logistic",
        "ifnull" | "nvl" | "default" => "coalesce",
        "str" => "text",
        "float" => "number",
        "levenshtein" | "edit_distance" => "distance",
        "regex" | "match" | "search" | "re_match" | "test" => "matches",
        "has_label" | "labeled" | "label" => "labelled",
        "exists" | "some" => "any",
        "every" => "all",
        _ => return None,
    })
}

/// How many items a list field holds; `None` where it is no list.
fn items(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, args: &[Arg]) -> Option<Typed> {
    let [Arg { name: None, value: Expr { kind: ExprKind::Name(name), loc: at, .. } }] = args else {
        return None;
    };
    let event = cx.checked.schema.get(scope.on);
    let slot = event.slot(name).filter(|slot| event.fields[*slot].kind == Type::List)?;
    cx.names.read_field(*at, scope.on, slot);
    let of = Typed { node: Node::Field(slot), kind: Type::List, loc: *at };
    Some(Typed { node: Node::Count(of.into()), kind: Type::Int, loc })
}

fn matches_call(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, args: &[Arg]) -> Option<Typed> {
    let [first, rest @ ..] = args else {
        let d = Diagnostic::error("W0309", loc, "`matches` takes a text and a regular expression");
        cx.diagnostics.push(d.help("write: matches(username, \"^[a-z]+[0-9]{4}$\")"));
        return None;
    };
    let subject = value(cx, scope, &first.value)?;
    matches(cx, scope, loc, subject, rest)
}

/// A regular expression is written out, so that it is compiled once and its faults are seen before it runs.
fn matches(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, subject: Typed, args: &[Arg]) -> Option<Typed> {
    reads_text(cx, scope, &subject, "`matches`")?;
    if subject.kind.repr() != Repr::Text {
        let message = format!("expected text, found a value of type {}", subject.kind);
        cx.diagnostics.push(Diagnostic::error("W0304", subject.loc, message));
        return None;
    }
    let [Arg { name: None, value: Expr { kind: ExprKind::Text(pattern), loc: at, .. } }] = args else {
        let at = args.first().map_or(loc, |a| a.value.loc);
        let d = Diagnostic::error("W0311", at, "`matches` takes a regular expression, written out in quotes");
        cx.diagnostics.push(d.help("write: matches(username, \"^[a-z]+[0-9]{4}$\")"));
        return None;
    };
    match Pattern::new(pattern) {
        Ok(pattern) => Some(Typed { node: Node::Matches(subject.into(), pattern), kind: Type::Bool, loc }),
        Err(why) => {
            cx.diagnostics.push(Diagnostic::error("W0311", *at, format!("this pattern {why}")));
            None
        }
    }
}

/// `labelled(ip.net, "farm")`.
fn labelled(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, args: &[Arg]) -> Option<Typed> {
    if scope.fields_only {
        let d = Diagnostic::error("W0201", loc, "a feature that counts asks for no labels");
        cx.diagnostics.push(d.note("it reads the fields of the event it counts, and functions of them"));
        return None;
    }
    let [Arg { name: None, value: entity }, Arg { name: None, value: label }] = args else {
        let d = Diagnostic::error("W0309", loc, "`labelled` takes an entity and a label");
        cx.diagnostics.push(d.help("write: labelled(ip.net, \"signup-farm\")"));
        return None;
    };
    let (path, kind) = feature::entity(cx, scope.on, entity)?;
    let name = feature::label_name(cx, label)?;
    Some(Typed { node: Node::Labelled(path, kind, name), kind: Type::Bool, loc })
}

/// The first function of that name whose values fit.
fn chosen(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    name: &Ident,
    form: Form,
    subject: Option<Typed>,
    args: &[Arg],
) -> Option<Typed> {
    let all: Vec<&'static Function> = functions::find(form, &name.name).collect();
    let own = usize::from(form == Form::Method);
    let args = in_place(cx, &all, name, own, args)?;
    let mut values: Vec<Typed> = subject.into_iter().collect();
    let typed: Vec<Option<Typed>> = args.iter().map(|arg| value(cx, scope, arg)).collect();
    values.extend(typed.into_iter().collect::<Option<Vec<Typed>>>()?);
    let fitting: Vec<&'static Function> = all.iter().copied().filter(|f| f.takes(values.len())).collect();
    if fitting.is_empty() {
        wrong_number(cx, loc, name, form, all.first()?, values.len() - own);
        return None;
    }
    let fits_all = |f: &&'static Function| {
        let quoted = |p: &Param, v: &Typed| f.gives == Gives::Common && beside_quantity(p, v, &values);
        values.iter().enumerate().all(|(i, v)| f.param(i).is_some_and(|p| fits(p, v) || quoted(p, v)))
    };
    match fitting.iter().copied().find(fits_all) {
        Some(function) => {
            for (i, value) in values.iter().enumerate() {
                if function.param(i).is_some_and(|param| is_read(param, value)) {
                    reads_text(cx, scope, value, &format!("`{}`", name.name))?;
                }
            }
            applied(cx, loc, function, values)
        }
        None => {
            wrong_types(cx, name, &fitting, &values);
            None
        }
    }
}

/// The values in the order of the parameters: a name may stand before one, if it is that parameter's.
fn in_place<'e>(
    cx: &mut Context<'_>,
    all: &[&'static Function],
    name: &Ident,
    own: usize,
    args: &'e [Arg],
) -> Option<Vec<&'e Expr>> {
    for (i, arg) in args.iter().enumerate() {
        let Some(written) = &arg.name else { continue };
        let fits = all.iter().any(|f| f.param(i + own).is_some_and(|p| p.name == written.name));
        if !fits {
            let known = all.first().map_or(&[][..], |f| f.params);
            let names: Vec<&str> = known.iter().skip(own).map(|p| p.name).collect();
            let message = format!("`{}` has no value `{}` in this place", name.name, written.name);
            let d = Diagnostic::error("W0309", written.loc, message);
            cx.diagnostics.push(d.help(format!("its values are, in order: {}", names.join(", "))));
            return None;
        }
    }
    Some(args.iter().map(|a| &a.value).collect())
}

/// Whether a function looks at the text of a value, and does not only hand it on.
fn is_read(param: &Param, value: &Typed) -> bool {
    value.kind.repr() == Repr::Text && !matches!(param.takes, Class::Any)
}

fn fits(param: &Param, value: &Typed) -> bool {
    let literal_text = matches!(&value.node, Node::Const(Value::Text(_)));
    match param.takes {
        Class::Is(Type::Number) => matches!(value.kind, Type::Int | Type::Number),
        Class::Is(Type::Text) => value.kind.repr() == Repr::Text,
        Class::Is(kind) => {
            value.kind == kind || (literal_text && value.kind == Type::Text && !is_plain(kind))
        }
        Class::Textual => value.kind.repr() == Repr::Text,
        Class::Numeric => matches!(value.kind, Type::Int | Type::Number),
        Class::Measure => is_measure(value.kind),
        Class::Ordered => is_measure(value.kind) || value.kind == Type::Time,
        Class::Any => value.kind != Type::List,
    }
}

/// Whether it is a quoted text that takes its type from a quantity among the other values: `max(form_time, "1s")`.
fn beside_quantity(param: &Param, value: &Typed, all: &[Typed]) -> bool {
    let quantity = |v: &Typed| v.kind == Type::Time || is_measure(v.kind) && !is_plain(v.kind);
    let literal = value.kind == Type::Text && matches!(&value.node, Node::Const(Value::Text(_)));
    param.takes == Class::Ordered && literal && all.iter().any(quantity)
}

/// Types that no quoted text is read as.
fn is_plain(kind: Type) -> bool {
    matches!(kind, Type::Bool | Type::Int | Type::Number | Type::Text)
}

fn is_measure(kind: Type) -> bool {
    matches!(kind, Type::Int | Type::Number | Type::Duration | Type::Size | Type::Rate)
}

/// The call with its values brought to the types of its parameters.
fn applied(cx: &mut Context<'_>, loc: Loc, function: &'static Function, values: Vec<Typed>) -> Option<Typed> {
    let mut fitted = Vec::new();
    for (i, v) in values.into_iter().enumerate() {
        let Some(param) = function.param(i) else { continue };
        let v = match param.takes {
            Class::Is(Type::Number) | Class::Numeric => widen(v),
            Class::Is(kind) if !is_plain(kind) => adapt(cx, v, kind)?,
            _ => v,
        };
        if param.literal && !matches!(v.node, Node::Const(_)) {
            let message = format!("`{}` of `{}` is written out", param.name, function.name);
            let d = Diagnostic::error("W0313", v.loc, message);
            cx.diagnostics
                .push(d.note("what it says decides how the function works, before any event comes"));
            return None;
        }
        if let Node::Const(value) = &v.node
            && let Some(why) = param.refuses(value).filter(|_| param.literal)
        {
            let message = format!("`{}` of `{}` {why}", param.name, function.name);
            cx.diagnostics.push(Diagnostic::error("W0316", v.loc, message));
            return None;
        }
        fitted.push(v);
    }
    let kind = match function.gives {
        Gives::Is(kind) => kind,
        Gives::First => fitted.first()?.kind,
        Gives::Common => {
            fitted = common(cx, function.name, fitted)?;
            fitted.iter().map(|v| v.kind).find(|k| *k != Type::Text).unwrap_or(fitted.first()?.kind)
        }
    };
    Some(Typed { node: Node::Call(function, fitted), kind, loc })
}

/// All values as one type: the first that is no text, or numbers where one of them is.
fn common(cx: &mut Context<'_>, name: &str, values: Vec<Typed>) -> Option<Vec<Typed>> {
    let first = values.iter().map(|v| v.kind).find(|k| *k != Type::Text).unwrap_or(Type::Text);
    let has_number = values.iter().any(|v| v.kind == Type::Number);
    let kind = if first == Type::Int && has_number { Type::Number } else { first };
    let mut out = Vec::new();
    for typed in values {
        let typed = adapt(cx, typed, kind)?;
        let typed = if kind == Type::Number { widen(typed) } else { typed };
        let both_text = typed.kind.repr() == Repr::Text && kind.repr() == Repr::Text;
        if typed.kind != kind && !both_text {
            let message = format!("`{name}` of a value of type {} beside {kind}", typed.kind);
            let d = Diagnostic::error("W0304", typed.loc, message).label(format!("of type {}", typed.kind));
            cx.diagnostics.push(d.help("all its values are of one type"));
            return None;
        }
        out.push(typed);
    }
    Some(out)
}

fn wrong_number(cx: &mut Context<'_>, loc: Loc, name: &Ident, form: Form, f: &Function, given: usize) {
    let own = usize::from(form == Form::Method);
    let least = f.params.len() - f.optional - own;
    let most = f.params.len() - own;
    let takes = match (least, most) {
        _ if f.variadic => format!("at least {least} values"),
        (0, 0) => "no value".to_owned(),
        (1, 1) => "one value".to_owned(),
        (a, b) if a == b => format!("{a} values"),
        (a, b) => format!("{a} to {b} values"),
    };
    let names: Vec<&str> = f.params.iter().skip(own).map(|p| p.name).collect();
    let message = format!("`{}` takes {takes}; {given} given", name.name);
    let before = if own == 1 { "text." } else { "" };
    let d = Diagnostic::error("W0309", loc, message);
    cx.diagnostics.push(d.help(format!("write: {before}{}({})", name.name, names.join(", "))));
}

fn wrong_types(cx: &mut Context<'_>, name: &Ident, fitting: &[&'static Function], values: &[Typed]) {
    let Some(f) = fitting.first() else { return };
    let no_fit = |i: usize, v: &Typed| fitting.iter().all(|f| f.param(i).is_none_or(|p| !fits(p, v)));
    let wrong = values.iter().enumerate().find(|(i, v)| no_fit(*i, v)).or(values.iter().enumerate().next());
    let Some((i, value)) = wrong else { return };
    let message = format!("`{}` of a value of type {}", name.name, value.kind);
    let Some(param) = f.param(i) else { return };
    let wants = match param.takes {
        Class::Is(kind) => format!("a value of type {kind}"),
        Class::Textual => "text".to_owned(),
        Class::Numeric => "a number".to_owned(),
        Class::Measure => "a number, a length of time, a size or a rate".to_owned(),
        Class::Ordered => "a number, a time, a length of time, a size or a rate".to_owned(),
        Class::Any => "a value".to_owned(),
    };
    cx.diagnostics.push(Diagnostic::error("W0304", value.loc, message).label(format!("expected {wants}")));
}
