// SPDX-License-Identifier: Apache-2.0
//! Tree to JSON.

use super::VERSION;
use super::express::Writer;
use crate::syntax::tree::{
    CellDecl, Decl, EvidenceDecl, ExpectDecl, Expr, FieldDecl, GivenDecl, Ident, ListDecl, ListFrom,
    ModeDecl, ModelDecl, RowDecl, RuleDecl, TableDecl, TemplatePiece, TestDecl, TypeExpr,
};
use serde_json::{Map, Value, json};
use wardroom_event::Span;

/// The JSON form of a file. With its text, places are written.
pub(super) fn document(decls: &[Decl], places_in: Option<&str>) -> Value {
    let w = Writer::new(places_in);
    let decls: Vec<Value> = decls.iter().map(|d| w.declaration(d)).collect();
    json!({ "version": VERSION, "declarations": decls })
}

/// An object of those entries that are there.
pub(super) fn object<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let entries = entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(entries.collect::<Map<_, _>>())
}

fn name(name: &Ident) -> Option<Value> {
    Some(Value::from(name.name.as_str()))
}

/// `true`, or nothing.
fn flag(set: bool) -> Option<Value> {
    set.then_some(Value::Bool(true))
}

fn list<T>(items: &[T], write: impl Fn(&T) -> Value) -> Option<Value> {
    Some(items.iter().map(write).collect())
}

/// A list that is left out where it is empty.
fn some<T>(items: &[T], write: impl Fn(&T) -> Value) -> Option<Value> {
    list(items, write).filter(|_| !items.is_empty())
}

fn kind(kind: &TypeExpr) -> Value {
    match kind {
        TypeExpr::Named(name) => json!(name.name),
        TypeExpr::OneOf { members, .. } => json!({ "enum": list(members, |m| json!(m.name)) }),
        TypeExpr::ListOf { of, .. } => json!({ "list": of.name }),
    }
}

fn span(span: Span) -> Option<Value> {
    (span != Span::ZERO).then(|| json!(span.to_string()))
}

impl Writer<'_> {
    fn declaration(&self, decl: &Decl) -> Value {
        match decl {
            Decl::Event(e) => json!({ "event": self.fields(&e.name, &e.fields) }),
            Decl::Record(r) => json!({ "record": self.fields(&r.name, &r.fields) }),
            Decl::Const(c) => json!({ "const": self.value(&c.name, &c.value) }),
            Decl::Feature(f) => json!({ "feature": self.value(&f.name, &f.value) }),
            Decl::List(l) => json!({ "list": self.list(l) }),
            Decl::Table(t) => json!({ "table": self.table(t) }),
            Decl::Model(m) => json!({ "model": self.model(m) }),
            Decl::Evidence(e) => json!({ "evidence": self.evidence(e) }),
            Decl::Score(s) => json!({ "score": object([
                ("name", name(&s.name)), ("on", name(&s.on)), ("value", self.some(&s.value)), self.at(s.name.loc),
            ]) }),
            Decl::Rule(r) => json!({ "rule": self.rule(r) }),
            Decl::Budget(b) => json!({ "budget": object([
                ("event", name(&b.event)), ("most", name(&b.most)), self.at(b.event.loc),
            ]) }),
            Decl::Test(t) => json!({ "test": self.test(t) }),
            // Stands only in trees of texts with faults, which have no JSON form.
            Decl::Broken { .. } => Value::Null,
        }
    }

    fn some(&self, expr: &Expr) -> Option<Value> {
        Some(self.expr(expr))
    }

    fn value(&self, of: &Ident, value: &Expr) -> Value {
        object([("name", name(of)), ("value", self.some(value)), self.at(of.loc)])
    }

    fn fields(&self, of: &Ident, fields: &[FieldDecl]) -> Value {
        let field = |f: &FieldDecl| {
            object([
                ("name", name(&f.name)),
                ("type", f.kind.as_ref().map(kind)),
                ("optional", flag(f.optional)),
                ("hashed", flag(f.hashed.is_some())),
                self.at(f.name.loc),
            ])
        };
        object([("name", name(of)), ("fields", list(fields, field)), self.at(of.loc)])
    }

    fn list(&self, l: &ListDecl) -> Value {
        let (entries, file) = match &l.from {
            ListFrom::Nothing => (None, None),
            ListFrom::Inline(entries) => (list(entries, |e| self.expr(e)), None),
            ListFrom::File(file) => (None, name(file)),
        };
        object([
            ("name", name(&l.name)),
            ("type", name(&l.kind)),
            ("suffix", flag(l.suffix.is_some())),
            ("entries", entries),
            ("file", file),
            self.at(l.name.loc),
        ])
    }

    fn table(&self, t: &TableDecl) -> Value {
        let column = |(column, kind): &(Ident, Ident)| json!({ "name": column.name, "type": kind.name });
        let row = |r: &RowDecl| {
            object([
                ("cells", list(&r.cells, |c| self.cell(c))),
                ("value", self.some(&r.value)),
                self.at(r.loc),
            ])
        };
        object([
            ("name", name(&t.name)),
            ("columns", list(&t.columns, column)),
            ("result", name(&t.result)),
            ("rows", some(&t.rows, row)),
            ("else", t.otherwise.as_ref().map(|e| self.expr(e))),
            ("file", t.file.as_ref().and_then(name)),
            self.at(t.name.loc),
        ])
    }

    fn cell(&self, cell: &CellDecl) -> Value {
        match cell {
            CellDecl::Any => json!({ "any": true }),
            CellDecl::Is(value) => json!({ "is": self.expr(value) }),
            CellDecl::Among(values) => json!({ "among": list(values, |v| self.expr(v)) }),
            CellDecl::Than(op, value) => json!({ "than": [op.sign(), self.expr(value)] }),
            CellDecl::To(from, to) => json!({ "to": [self.expr(from), self.expr(to)] }),
        }
    }

    fn model(&self, m: &ModelDecl) -> Value {
        object([
            ("name", name(&m.name)),
            ("on", name(&m.on)),
            ("file", name(&m.file)),
            ("inputs", list(&m.inputs, |(name, value)| self.value(name, value))),
            self.at(m.name.loc),
        ])
    }

    fn evidence(&self, e: &EvidenceDecl) -> Value {
        let capped = |(least, most): &(Expr, Expr)| json!([self.expr(least), self.expr(most)]);
        object([
            ("name", name(&e.name)),
            ("on", name(&e.on)),
            ("weigh", e.weigh.as_ref().map(|w| self.expr(w))),
            ("capped", e.capped.as_ref().map(capped)),
            ("because", self.because(e.because.as_deref())),
            self.at(e.name.loc),
        ])
    }

    /// Words as text, values as expressions.
    fn because(&self, pieces: Option<&[TemplatePiece]>) -> Option<Value> {
        list(pieces?, |piece| match piece {
            TemplatePiece::Text(words) => json!(words),
            TemplatePiece::Expr(value) => self.expr(value),
        })
    }

    fn rule(&self, r: &RuleDecl) -> Value {
        object([
            ("name", name(&r.name)),
            ("on", name(&r.on)),
            ("doc", Some(json!(r.doc)).filter(|_| !r.doc.is_empty())),
            ("when", r.when.as_ref().map(|w| self.expr(w))),
            ("then", list(&r.then, |e| self.expr(e))),
            ("because", self.because(r.because.as_deref())),
            ("mode", r.mode.as_ref().map(|m| self.mode(m))),
            ("missing", r.missing.as_ref().and_then(name)),
            ("owner", r.owner.as_ref().and_then(name)),
            ("expires", r.expires.as_ref().and_then(name)),
            ("was", r.was.as_ref().and_then(name)),
            self.at(r.name.loc),
        ])
    }

    fn mode(&self, m: &ModeDecl) -> Value {
        object([
            ("name", name(&m.name)),
            ("share", m.share.as_ref().map(|e| self.expr(e))),
            ("by", m.by.as_ref().map(|e| self.expr(e))),
        ])
    }

    fn test(&self, t: &TestDecl) -> Value {
        let fact = |(of, is): &(Expr, Expr)| json!({ "of": self.expr(of), "is": self.expr(is) });
        object([
            ("name", name(&t.name)),
            ("title", t.title.as_ref().map(|t| json!(t))),
            ("given", some(&t.given, |g| self.given(g))),
            ("facts", some(&t.facts, fact)),
            ("when", t.when.as_ref().map(|e| self.expr(e))),
            ("time", t.at.as_ref().and_then(name)),
            ("expect", t.expect.as_ref().map(|e| self.expect(e))),
            self.at(t.name.loc),
        ])
    }

    fn given(&self, g: &GivenDecl) -> Value {
        object([
            ("times", Some(json!(g.times)).filter(|_| g.times != 1)),
            ("event", self.some(&g.event)),
            ("within", span(g.within)),
            ("ago", span(g.ago)),
        ])
    }

    fn expect(&self, e: &ExpectDecl) -> Value {
        object([
            ("verdict", name(&e.verdict)),
            ("by", e.by.as_ref().map(|e| self.expr(e))),
            ("effects", some(&e.effects, |e| self.expr(e))),
        ])
    }
}
