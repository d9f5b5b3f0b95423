// SPDX-License-Identifier: Apache-2.0
//! JSON to tree. What the parser would refuse is refused here, with the place in the JSON.

use super::VERSION;
use super::reader::{At, Fields, Got, Reader};
use crate::limits;
use crate::syntax::declare::WORDS;
use crate::syntax::tree::{
    BudgetDecl, CellDecl, ConstDecl, Decl, EventDecl, EvidenceDecl, ExpectDecl, Expr, ExprKind, FeatureDecl,
    FieldDecl, GivenDecl, Ident, ListDecl, ListFrom, ModeDecl, ModelDecl, RecordDecl, RowDecl, RuleDecl,
    ScoreDecl, TableDecl, TemplatePiece, TestDecl, TypeExpr,
};
use serde_json::Value;
use wardroom_event::Span;
use wardroom_report::Loc;

impl Reader {
    /// The declarations of a file.
    pub(super) fn document(&mut self, value: &Value) -> Got<Vec<Decl>> {
        let at = At::root(value);
        let fields = self.fields(&at, &["version", "declarations"])?;
        let version = self.optional(&fields, "version", |r, at| match at.value.as_u64() {
            Some(VERSION) => Ok(()),
            _ => r.fail(at, &format!("must be {VERSION}")),
        });
        let decls = self.required(&fields, "declarations", |r, at| r.items(at, 0, Reader::declaration));
        version?;
        decls
    }

    fn declaration(&mut self, at: &At<'_>) -> Got<Decl> {
        let (word, at) = self.single(at, "a declaration", &WORDS)?;
        match word {
            "event" => self.shape(&at).map(|(name, fields)| Decl::Event(EventDecl { name, fields })),
            "record" => self.shape(&at).map(|(name, fields)| Decl::Record(RecordDecl { name, fields })),
            "const" => self.named(&at).map(|(name, value)| Decl::Const(ConstDecl { name, value })),
            "feature" => self.named(&at).map(|(name, value)| Decl::Feature(FeatureDecl { name, value })),
            "list" => self.list(&at),
            "table" => self.table(&at),
            "model" => self.model(&at),
            "evidence" => self.evidence(&at),
            "score" => self.score(&at),
            "rule" => self.rule(&at),
            "budget" => self.budget(&at),
            _ => self.test(&at),
        }
    }

    /// A name and its value.
    fn named(&mut self, at: &At<'_>) -> Got<(Ident, Expr)> {
        let fields = self.fields(at, &["name", "value"])?;
        let name = self.required(&fields, "name", Reader::new_name);
        let value = self.required(&fields, "value", Reader::expr);
        Ok((name?, value?))
    }

    fn shape(&mut self, at: &At<'_>) -> Got<(Ident, Vec<FieldDecl>)> {
        let fields = self.fields(at, &["name", "fields"])?;
        let name = self.required(&fields, "name", Reader::new_name);
        let list = self.required(&fields, "fields", |r, at| r.items(at, 1, Reader::field));
        Ok((name?, list?))
    }

    fn field(&mut self, at: &At<'_>) -> Got<FieldDecl> {
        let fields = self.fields(at, &["name", "type", "optional", "hashed"])?;
        let name = self.required(&fields, "name", Reader::new_name);
        let kind = self.required(&fields, "type", Reader::kind_of_field);
        let optional = self.flag(&fields, "optional");
        let hashed = self.flag(&fields, "hashed");
        let name = name?;
        let hashed = hashed?.then_some(name.loc);
        Ok(FieldDecl { name, kind: Some(kind?), optional: optional?, hashed })
    }

    fn flag<'a>(&mut self, fields: &Fields<'a>, key: &'a str) -> Got<bool> {
        Ok(self.optional(fields, key, Reader::boolean)?.unwrap_or(false))
    }

    fn kind_of_field(&mut self, at: &At<'_>) -> Got<TypeExpr> {
        if at.value.is_string() {
            return self.word(at).map(TypeExpr::Named);
        }
        let loc = Loc::default();
        match self.single(at, "a type", &["enum", "list"])? {
            ("enum", at) => Ok(TypeExpr::OneOf { loc, members: self.items(&at, 1, Reader::quoted)? }),
            (_, at) => Ok(TypeExpr::ListOf { loc, of: self.word(&at)? }),
        }
    }

    fn list(&mut self, at: &At<'_>) -> Got<Decl> {
        let fields = self.fields(at, &["name", "type", "suffix", "entries", "file"])?;
        let name = self.required(&fields, "name", Reader::new_name);
        let kind = self.required(&fields, "type", Reader::word);
        let suffix = self.flag(&fields, "suffix");
        let entries = self.optional(&fields, "entries", |r, at| r.items(at, 0, Reader::expr));
        let file = self.optional(&fields, "file", Reader::quoted);
        let from = match (entries?, file?) {
            (Some(_), Some(_)) => return self.fail(at, "has both `entries` and `file`"),
            (Some(entries), None) => ListFrom::Inline(entries),
            (None, Some(file)) => ListFrom::File(file),
            (None, None) => ListFrom::Nothing,
        };
        Ok(Decl::List(ListDecl { name: name?, kind: kind?, suffix: suffix?.then(Loc::default), from }))
    }

    fn table(&mut self, at: &At<'_>) -> Got<Decl> {
        let fields = self.fields(at, &["name", "columns", "result", "rows", "else", "file"])?;
        let name = self.required(&fields, "name", Reader::new_name);
        let columns = self.required(&fields, "columns", |r, at| r.items(at, 0, Reader::column));
        let result = self.required(&fields, "result", Reader::word);
        let rows = self.optional(&fields, "rows", |r, at| r.items(at, 0, Reader::row));
        let otherwise = self.optional(&fields, "else", Reader::expr);
        let file = self.optional(&fields, "file", Reader::quoted);
        let (rows, otherwise, file) = (rows?.unwrap_or_default(), otherwise?, file?);
        let empty = rows.is_empty() && otherwise.is_none();
        match &file {
            Some(_) if !empty => return self.fail(at, "has both rows and `file`"),
            None if empty => return self.fail(at, "has neither `rows` nor `else` nor `file`"),
            _ => {}
        }
        Ok(Decl::Table(TableDecl { name: name?, columns: columns?, result: result?, rows, otherwise, file }))
    }

    fn column(&mut self, at: &At<'_>) -> Got<(Ident, Ident)> {
        let fields = self.fields(at, &["name", "type"])?;
        let name = self.required(&fields, "name", Reader::new_name);
        let kind = self.required(&fields, "type", Reader::word);
        Ok((name?, kind?))
    }

    fn row(&mut self, at: &At<'_>) -> Got<RowDecl> {
        let fields = self.fields(at, &["cells", "value"])?;
        let cells = self.required(&fields, "cells", |r, at| r.items(at, 1, Reader::cell));
        let value = self.required(&fields, "value", Reader::expr);
        Ok(RowDecl { cells: cells?, value: value?, loc: Loc::default() })
    }

    fn cell(&mut self, at: &At<'_>) -> Got<CellDecl> {
        let (form, at) = self.single(at, "a cell", &["any", "is", "among", "than", "to"])?;
        match form {
            "any" if at.value == &Value::Bool(true) => Ok(CellDecl::Any),
            "any" => self.fail(&at, "must be true"),
            "is" => match self.expr(&at)? {
                Expr { kind: ExprKind::Items(_), .. } => self.fail(&at, "several values stand in `among`"),
                value => Ok(CellDecl::Is(value)),
            },
            "among" => Ok(CellDecl::Among(self.items(&at, 0, Reader::expr)?)),
            "than" => {
                let [op, value] = self.array(&at)?;
                let (op, value) = (self.order(&op), self.expr(&value));
                Ok(CellDecl::Than(op?, value?))
            }
            _ => self.pair(&at).map(|(from, to)| CellDecl::To(from, to)),
        }
    }

    fn model(&mut self, at: &At<'_>) -> Got<Decl> {
        let fields = self.fields(at, &["name", "on", "file", "inputs"])?;
        let name = self.required(&fields, "name", Reader::new_name);
        let on = self.required(&fields, "on", Reader::word);
        let file = self.required(&fields, "file", Reader::quoted);
        let inputs = self.required(&fields, "inputs", |r, at| r.items(at, 0, Reader::input));
        Ok(Decl::Model(ModelDecl { name: name?, on: on?, file: file?, inputs: inputs? }))
    }

    fn input(&mut self, at: &At<'_>) -> Got<(Ident, Expr)> {
        let fields = self.fields(at, &["name", "value"])?;
        let name = self.required(&fields, "name", Reader::word);
        let value = self.required(&fields, "value", Reader::expr);
        Ok((name?, value?))
    }

    fn evidence(&mut self, at: &At<'_>) -> Got<Decl> {
        let fields = self.fields(at, &["name", "on", "weigh", "capped", "because"])?;
        let name = self.required(&fields, "name", Reader::new_name);
        let on = self.required(&fields, "on", Reader::word);
        let weigh = self.required(&fields, "weigh", Reader::expr);
        let capped = self.optional(&fields, "capped", Reader::pair);
        let because = self.required(&fields, "because", Reader::template);
        Ok(Decl::Evidence(EvidenceDecl {
            name: name?,
            on: on?,
            weigh: Some(weigh?),
            capped: capped?,
            because: Some(because?),
        }))
    }

    /// Words and values; words that stand side by side are one piece.
    fn template(&mut self, at: &At<'_>) -> Got<Vec<TemplatePiece>> {
        let pieces = self.items(at, 0, |r, at| match at.value {
            Value::String(_) => r.text(at).map(TemplatePiece::Text),
            _ => r.expr(at).map(TemplatePiece::Expr),
        })?;
        let mut whole: Vec<TemplatePiece> = Vec::new();
        for piece in pieces {
            match (whole.last_mut(), piece) {
                (_, TemplatePiece::Text(words)) if words.is_empty() => {}
                (Some(TemplatePiece::Text(before)), TemplatePiece::Text(words)) => before.push_str(&words),
                (_, piece) => whole.push(piece),
            }
        }
        Ok(whole)
    }

    fn score(&mut self, at: &At<'_>) -> Got<Decl> {
        let fields = self.fields(at, &["name", "on", "value"])?;
        let name = self.required(&fields, "name", Reader::new_name);
        let on = self.required(&fields, "on", Reader::word);
        let value = self.required(&fields, "value", Reader::expr);
        Ok(Decl::Score(ScoreDecl { name: name?, on: on?, value: value? }))
    }

    fn budget(&mut self, at: &At<'_>) -> Got<Decl> {
        let fields = self.fields(at, &["event", "most"])?;
        let event = self.required(&fields, "event", Reader::word);
        let most = self.required(&fields, "most", Reader::quoted);
        Ok(Decl::Budget(BudgetDecl { event: event?, most: most? }))
    }

    fn rule(&mut self, at: &At<'_>) -> Got<Decl> {
        let keys =
            ["name", "on", "doc", "when", "then", "because", "mode", "missing", "owner", "expires", "was"];
        let fields = self.fields(at, &keys)?;
        let name = self.required(&fields, "name", Reader::new_name);
        let on = self.required(&fields, "on", Reader::word);
        let doc = self.optional(&fields, "doc", Reader::text);
        let when = self.required(&fields, "when", Reader::expr);
        let then = self.required(&fields, "then", |r, at| r.items(at, 1, Reader::expr));
        let because = self.required(&fields, "because", Reader::template);
        let mode = self.optional(&fields, "mode", Reader::mode);
        let missing = self.optional(&fields, "missing", Reader::word);
        let owner = self.optional(&fields, "owner", Reader::quoted);
        let expires = self.optional(&fields, "expires", Reader::quoted);
        let was = self.optional(&fields, "was", Reader::quoted);
        Ok(Decl::Rule(RuleDecl {
            name: name?,
            on: on?,
            doc: doc?.map(|d| trimmed(&d)).unwrap_or_default(),
            when: Some(when?),
            then: then?,
            because: Some(because?),
            mode: mode?,
            missing: missing?,
            owner: owner?,
            expires: expires?,
            was: was?,
        }))
    }

    fn mode(&mut self, at: &At<'_>) -> Got<ModeDecl> {
        let fields = self.fields(at, &["name", "share", "by"])?;
        let name = self.required(&fields, "name", Reader::word);
        let share = self.optional(&fields, "share", Reader::expr);
        let by = self.optional(&fields, "by", Reader::expr);
        let mode = ModeDecl { name: name?, share: share?, by: by? };
        // What another mode has in plain figures is the checker's to refuse, as it is in a text.
        let plain = |share: &Expr| match share.kind {
            ExprKind::Int(n) => n >= 0,
            ExprKind::Number(x) => x.is_sign_positive(),
            _ => false,
        };
        if mode.name.name != "canary" && mode.share.as_ref().is_some_and(|share| !plain(share)) {
            return self.fail(at, "only the mode `canary` has a share");
        }
        Ok(mode)
    }

    fn test(&mut self, at: &At<'_>) -> Got<Decl> {
        let fields = self.fields(at, &["name", "title", "given", "facts", "when", "time", "expect"])?;
        let name = self.required(&fields, "name", Reader::word);
        let title = self.optional(&fields, "title", Reader::text);
        let given = self.optional(&fields, "given", |r, at| r.items(at, 0, Reader::given));
        let facts = self.optional(&fields, "facts", |r, at| r.items(at, 0, Reader::fact));
        let when = self.required(&fields, "when", Reader::expr);
        let time = self.optional(&fields, "time", Reader::quoted);
        let expect = self.required(&fields, "expect", Reader::expect);
        Ok(Decl::Test(TestDecl {
            name: name?,
            title: title?,
            given: given?.unwrap_or_default(),
            facts: facts?.unwrap_or_default(),
            when: Some(when?),
            at: time?,
            expect: Some(expect?),
        }))
    }

    fn given(&mut self, at: &At<'_>) -> Got<GivenDecl> {
        let fields = self.fields(at, &["times", "event", "within", "ago"])?;
        let times = self.optional(&fields, "times", |r, at| match r.int(at)? {
            n if (1..=limits::GIVEN).contains(&n) => Ok(n),
            _ => r.fail(at, &format!("must be between 1 and {}", limits::GIVEN)),
        });
        let event = self.required(&fields, "event", Reader::expr);
        let within = self.optional(&fields, "within", Reader::span);
        let ago = self.optional(&fields, "ago", Reader::span);
        Ok(GivenDecl {
            times: times?.unwrap_or(1),
            event: event?,
            within: within?.unwrap_or(Span::ZERO),
            ago: ago?.unwrap_or(Span::ZERO),
        })
    }

    fn span(&mut self, at: &At<'_>) -> Got<Span> {
        let text = self.text(at)?;
        Span::parse(&text).or_else(|e| self.fail(at, &format!("no length of time: {e}")))
    }

    fn fact(&mut self, at: &At<'_>) -> Got<(Expr, Expr)> {
        let fields = self.fields(at, &["of", "is"])?;
        let of = self.required(&fields, "of", Reader::expr);
        let is = self.required(&fields, "is", Reader::expr);
        Ok((of?, is?))
    }

    fn expect(&mut self, at: &At<'_>) -> Got<ExpectDecl> {
        let fields = self.fields(at, &["verdict", "by", "effects"])?;
        let verdict = self.required(&fields, "verdict", Reader::word);
        let by = self.optional(&fields, "by", Reader::expr);
        let effects = self.optional(&fields, "effects", |r, at| r.items(at, 0, Reader::expr));
        Ok(ExpectDecl { verdict: verdict?, by: by?, effects: effects?.unwrap_or_default() })
    }
}

/// A comment's lines have no blanks at their ends.
fn trimmed(doc: &str) -> String {
    doc.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n")
}
