// SPDX-License-Identifier: Apache-2.0
//! A tree as text. Read again it is the same tree; how it looks is for the formatter to say.

mod express;

pub(crate) use super::space::quoted;
use crate::syntax::lex::escape_of;
use crate::syntax::tree::{
    CellDecl, Decl, EvidenceDecl, ExpectDecl, Expr, FieldDecl, GivenDecl, Ident, ListDecl, ListFrom,
    ModeDecl, ModelDecl, RowDecl, RuleDecl, TableDecl, TemplatePiece, TestDecl, TypeExpr,
};
pub(crate) use express::expression;
use express::{guarded, items};
use std::fmt::Write as _;
use wardroom_event::Span;

/// The text of declarations, one after the other.
pub(crate) fn print(decls: &[Decl]) -> String {
    let mut text = String::new();
    let mut before = "";
    for decl in decls {
        let (word, printed) = declaration(decl);
        let together = word == before && is_short(word);
        if !text.is_empty() && !together {
            text.push('\n');
        }
        before = word;
        text.push_str(&printed);
        text.push('\n');
    }
    text
}

/// Declarations of these kinds stand together.
fn is_short(word: &str) -> bool {
    matches!(word, "const" | "feature" | "list" | "budget" | "score")
}

/// A declaration's word and its text, without the last line's end.
fn declaration(decl: &Decl) -> (&'static str, String) {
    match decl {
        Decl::Event(e) => ("event", fields("event", &e.name, &e.fields)),
        Decl::Record(r) => ("record", fields("record", &r.name, &r.fields)),
        Decl::Const(c) => ("const", format!("const {} = {}", c.name.name, expression(&c.value))),
        Decl::Feature(f) => ("feature", format!("feature {} = {}", f.name.name, expression(&f.value))),
        Decl::List(l) => ("list", list(l)),
        Decl::Table(t) => ("table", table(t)),
        Decl::Model(m) => ("model", model(m)),
        Decl::Evidence(e) => ("evidence", evidence(e)),
        Decl::Score(s) => {
            ("score", format!("score {} on {} = {}", s.name.name, s.on.name, expression(&s.value)))
        }
        Decl::Rule(r) => ("rule", rule(r)),
        Decl::Budget(b) => ("budget", format!("budget {} = {}", b.event.name, quoted(&b.most.name))),
        Decl::Test(t) => ("test", test(t)),
        // Stands only in trees of texts with faults, which are not printed.
        Decl::Broken { what, name } => ("", format!("{what} {}", name.name)),
    }
}

/// Starts a line of a declaration's body.
fn line(text: &mut String, word: &str, value: &str) {
    let blank = if word.is_empty() || value.is_empty() { "" } else { " " };
    // Writing to a string cannot fail.
    let _ = write!(text, "\n    {word}{blank}{value}");
}

fn fields(word: &str, name: &Ident, fields: &[FieldDecl]) -> String {
    let mut text = format!("{word} {}:", name.name);
    for field in fields {
        let kind = match &field.kind {
            Some(TypeExpr::Named(kind)) => kind.name.clone(),
            Some(TypeExpr::OneOf { members, .. }) => {
                let members: Vec<String> = members.iter().map(|m| quoted(&m.name)).collect();
                format!("enum({})", members.join(", "))
            }
            Some(TypeExpr::ListOf { of, .. }) => format!("list({})", of.name),
            None => String::new(),
        };
        let mark = if field.optional { "?" } else { "" };
        line(&mut text, &format!("{}:", field.name.name), &format!("{kind}{mark}"));
    }
    text
}

fn list(list: &ListDecl) -> String {
    let suffix = if list.suffix.is_some() { " suffix" } else { "" };
    let from = match &list.from {
        ListFrom::Nothing => String::new(),
        ListFrom::Inline(entries) => format!(" = {}", items(entries)),
        ListFrom::File(file) => format!(" from {}", quoted(&file.name)),
    };
    format!("list {}: {}{suffix}{from}", list.name.name, list.kind.name)
}

fn table(table: &TableDecl) -> String {
    let columns: Vec<String> =
        table.columns.iter().map(|(name, kind)| format!("{}: {}", name.name, kind.name)).collect();
    let mut text = format!("table {}({}) -> {}", table.name.name, columns.join(", "), table.result.name);
    if let Some(file) = &table.file {
        return format!("{text} from {}", quoted(&file.name));
    }
    text.push(':');
    for row in &table.rows {
        line(&mut text, "", &row_text(row));
    }
    if let Some(otherwise) = &table.otherwise {
        line(&mut text, "else ->", &expression(otherwise));
    }
    text
}

fn row_text(row: &RowDecl) -> String {
    let cells: Vec<String> = row.cells.iter().map(cell).collect();
    format!("{} -> {}", cells.join(", "), expression(&row.value))
}

fn cell(cell: &CellDecl) -> String {
    match cell {
        CellDecl::Any => "any".to_owned(),
        CellDecl::Is(value) => guarded(value, "any"),
        CellDecl::Among(values) => items(values),
        CellDecl::Than(op, value) => format!("{} {}", op.sign(), expression(value)),
        CellDecl::To(from, to) => format!("{} to {}", guarded(from, "any"), expression(to)),
    }
}

fn model(model: &ModelDecl) -> String {
    let mut text =
        format!("model {} on {} from {}:", model.name.name, model.on.name, quoted(&model.file.name));
    for (name, value) in &model.inputs {
        line(&mut text, &format!("{} =", name.name), &expression(value));
    }
    text
}

fn evidence(evidence: &EvidenceDecl) -> String {
    let mut text = format!("evidence {} on {}:", evidence.name.name, evidence.on.name);
    if let Some(weigh) = &evidence.weigh {
        let capped = evidence.capped.as_ref();
        let capped =
            capped.map(|(least, most)| format!(" capped {} to {}", expression(least), expression(most)));
        line(&mut text, "weigh", &(expression(weigh) + &capped.unwrap_or_default()));
    }
    because(&mut text, evidence.because.as_deref());
    text
}

fn because(text: &mut String, pieces: Option<&[TemplatePiece]>) {
    if let Some(pieces) = pieces {
        line(text, "because", &template(pieces));
    }
}

/// A reason with its quotes.
fn template(pieces: &[TemplatePiece]) -> String {
    let mut out = String::from("\"");
    for piece in pieces {
        match piece {
            TemplatePiece::Expr(value) => {
                let _ = write!(out, "{{{}}}", expression(value));
            }
            TemplatePiece::Text(words) => words.chars().for_each(|c| match c {
                '{' => out.push_str("{{"),
                '}' => out.push_str("}}"),
                '"' => out.push_str("\\\""),
                c => match escape_of(c) {
                    Some(letter) => out.extend(['\\', letter]),
                    None => out.push(c),
                },
            }),
        }
    }
    out.push('"');
    out
}

fn rule(rule: &RuleDecl) -> String {
    let mut text = String::new();
    if !rule.doc.is_empty() {
        for comment in rule.doc.split('\n') {
            let blank = if comment.is_empty() { "" } else { " " };
            let _ = writeln!(text, "#{blank}{comment}");
        }
    }
    let _ = write!(text, "rule {} on {}:", rule.name.name, rule.on.name);
    if let Some(when) = &rule.when {
        line(&mut text, "when", &expression(when));
    }
    if !rule.then.is_empty() {
        line(&mut text, "then", &row_of(&rule.then));
    }
    because(&mut text, rule.because.as_deref());
    if let Some(of) = &rule.mode {
        line(&mut text, "mode", &mode(of));
    }
    if let Some(missing) = &rule.missing {
        line(&mut text, "missing", &missing.name);
    }
    for (word, value) in [("owner", &rule.owner), ("expires", &rule.expires), ("was", &rule.was)] {
        if let Some(value) = value {
            line(&mut text, word, &quoted(&value.name));
        }
    }
    text
}

fn row_of(values: &[Expr]) -> String {
    values.iter().map(expression).collect::<Vec<_>>().join(", ")
}

fn mode(mode: &ModeDecl) -> String {
    let mut text = mode.name.name.clone();
    if let Some(share) = &mode.share {
        let _ = write!(text, " {}%", guarded(share, "by"));
    }
    if let Some(by) = &mode.by {
        let _ = write!(text, " by {}", expression(by));
    }
    text
}

fn test(test: &TestDecl) -> String {
    let title = test.title.as_ref().map(|t| format!(" {}", quoted(t))).unwrap_or_default();
    let mut text = format!("test {}{title}:", test.name.name);
    for event in &test.given {
        line(&mut text, "given", &given(event));
    }
    if !test.facts.is_empty() {
        let fact = |(of, value): &(Expr, Expr)| format!("{} = {}", once(of), expression(value));
        line(&mut text, "given", &test.facts.iter().map(fact).collect::<Vec<_>>().join(", "));
    }
    if let Some(when) = &test.when {
        let at = test.at.as_ref().map(|at| format!(" at {}", quoted(&at.name))).unwrap_or_default();
        line(&mut text, "when", &(expression(when) + &at));
    }
    if let Some(of) = &test.expect {
        line(&mut text, "expect", &expect(of));
    }
    text
}

fn given(given: &GivenDecl) -> String {
    let mut text = if given.times == 1 {
        once(&given.event)
    } else {
        format!("{} * {}", given.times, expression(&given.event))
    };
    for (word, span) in [("within", given.within), ("ago", given.ago)] {
        if span != Span::ZERO {
            let _ = write!(text, " {word} \"{span}\"");
        }
    }
    text
}

/// A product that begins with a number would be read as so many events.
fn once(event: &Expr) -> String {
    let text = expression(event);
    if text.starts_with(|c: char| c.is_ascii_digit()) { format!("1 * {text}") } else { text }
}

fn expect(expect: &ExpectDecl) -> String {
    let by = expect.by.as_ref().map(|by| format!(" by {}", expression(by))).unwrap_or_default();
    let effects: String = expect.effects.iter().map(|e| format!(", {}", expression(e))).collect();
    format!("{}{by}{effects}", expect.verdict.name)
}
