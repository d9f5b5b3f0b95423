// SPDX-License-Identifier: Apache-2.0
//! Changes in plain words. Values stay pieces with their types, so that whoever shows them masks them.

use super::change::{Finder, beside};
use crate::Piece;
use crate::Row;
use crate::ir::{Each, EachOp, Node, Typed};
use crate::limits;
use crate::program::{KeyPath, Source};
use crate::syntax::tree::CompareOp;
use crate::trace::{is_fixed, number, shown_as, widened};
use wardroom_event::{Repr, Type, Value};

/// A sentence being written.
struct Line(Vec<Piece>);

impl Line {
    fn say(&mut self, words: &str) -> &mut Line {
        match self.0.last_mut() {
            Some(Piece::Text(text)) => *text = format!("{text}{words}").into(),
            _ => self.0.push(Piece::Text(words.into())),
        }
        self
    }

    /// A value, texts in quotes and numbers without digits that say nothing.
    fn value(&mut self, kind: Type, value: &Value) -> &mut Line {
        match value {
            Value::Number(n) if kind == Type::Number => return self.say(&number(*n)),
            Value::Text(_) => {
                self.say("\"").0.push(Piece::Value(kind, value.clone()));
                return self.say("\"");
            }
            _ => self.0.push(Piece::Value(kind, value.clone())),
        }
        self
    }
}

/// What the words of a [`Finder`] are made of.
pub(super) trait Words {
    fn bound(&self, of: &Typed, value: &Value, op: CompareOp, bound: (&Typed, &Value)) -> Vec<Piece>;
    fn score(&self, of: &Typed, values: (&Value, &Value), op: CompareOp, terms: &[Typed]) -> Vec<Piece>;
    fn one_of(&self, of: &Typed, value: &Value, values: &[Value], want: bool) -> Vec<Piece>;
    fn whether_known(&self, of: &Typed, want: bool) -> Vec<Piece>;
    fn on_list(&self, typed: &Typed, want: bool) -> Vec<Piece>;
    fn were(&self, typed: &Typed, want: bool) -> Vec<Piece>;
    fn items(&self, typed: &Typed, each: &Each, want: bool) -> Vec<Piece>;
    fn as_a_whole(&self, typed: &Typed, want: bool) -> Vec<Piece>;
    fn unknown_words(&self, typed: &Typed) -> Vec<Piece>;
}

impl Finder<'_, '_> {
    fn text(&self, typed: &Typed) -> String {
        self.look.program.text.line(typed.loc)
    }

    fn kind(&self, typed: &Typed) -> Type {
        shown_as(self.look.program, widened(typed))
    }

    /// What the change is to bring about.
    fn verb(&self) -> &'static str {
        if self.fires { "it would hold" } else { "it would not hold" }
    }

    /// `failures is 3`.
    fn is(&self, typed: &Typed, value: &Value) -> Line {
        let mut line = Line(Vec::new());
        let int = match (value, self.kind(typed)) {
            (Value::Number(n), Type::Int) => Some(Value::Int(*n as i64)),
            _ => None,
        };
        line.say(&format!("{} is ", self.text(widened(typed))));
        line.value(self.kind(typed), int.as_ref().unwrap_or(value));
        line
    }
}

impl Words for Finder<'_, '_> {
    /// `failures is 3; at 5 it would hold`.
    fn bound(&self, of: &Typed, value: &Value, op: CompareOp, (b, bound): (&Typed, &Value)) -> Vec<Piece> {
        let mut line = self.is(of, value);
        let (counts, fixed) = (widened(of).kind.repr() == Repr::Int, is_fixed(b));
        let nearest = beside(op, bound, widened(of)).filter(|_| counts && fixed);
        let words = match op {
            CompareOp::Eq if !counts => "for ",
            CompareOp::Ne => "for anything but ",
            CompareOp::Gt if nearest.is_none() => "above ",
            CompareOp::Lt if nearest.is_none() => "below ",
            _ => "at ",
        };
        let at = nearest.filter(|_| op != CompareOp::Ne);
        let target = |line: &mut Line| {
            line.say(words);
            match fixed {
                true => line.value(self.kind(of), at.as_ref().unwrap_or(bound)),
                false => {
                    line.say(&format!("{} (", self.text(widened(b)))).value(self.kind(b), bound).say(")")
                }
            };
        };
        line.say("; ");
        if words.starts_with("for") {
            line.say(&format!("{} ", self.verb()));
            target(&mut line);
        } else {
            target(&mut line);
            line.say(&format!(" {}", self.verb()));
        }
        line.0
    }

    /// `takeover is 3.9; above 4.5 it would hold, 0.6 more (evidence that says nothing now: new_device)`.
    fn score(
        &self,
        of: &Typed,
        (value, bound): (&Value, &Value),
        op: CompareOp,
        terms: &[Typed],
    ) -> Vec<Piece> {
        let mut line = self.is(of, value);
        let way = match op {
            CompareOp::Gt => "above",
            CompareOp::Lt => "below",
            _ => "at",
        };
        line.say(&format!("; {way} ")).value(Type::Number, bound).say(&format!(" {}", self.verb()));
        let (Value::Number(is), Value::Number(bound)) = (value, bound) else { return line.0 };
        let named = |keep: &dyn Fn(Option<f64>) -> bool| -> Vec<String> {
            let nats = |t: &Typed| match self.value(t) {
                Value::Number(n) => Some(n),
                _ => None,
            };
            let kept = terms.iter().filter(|t| !is_fixed(t) && keep(nats(t)));
            kept.take(limits::LISTED).map(|t| self.text(widened(t))).collect()
        };
        let (sense, what, names) = if bound >= is {
            ("more", "evidence that says nothing now", named(&|n| n.is_none_or(|n| n == 0.0)))
        } else {
            ("less", "what speaks for it", named(&|n| n.is_some_and(|n| n > 0.0)))
        };
        line.say(&format!(", {} {sense}", number((bound - is).abs())));
        if !names.is_empty() {
            line.say(&format!(" ({what}: {})", names.join(", ")));
        }
        line.0
    }

    /// `country is "de"; it would hold for "ru" or "cn"`.
    fn one_of(&self, of: &Typed, value: &Value, values: &[Value], want: bool) -> Vec<Piece> {
        let mut line = self.is(of, value);
        line.say(&format!("; {} for {}", self.verb(), if want { "" } else { "anything but " }));
        let kind = self.kind(of);
        let shown = values.len().min(limits::LISTED);
        for (at, value) in values[..shown].iter().enumerate() {
            let last = at + 1 == values.len();
            line.say(if at == 0 {
                ""
            } else if last {
                " or "
            } else {
                ", "
            })
            .value(kind, value);
        }
        if shown < values.len() {
            line.say(&format!(" or one of {} more", values.len() - shown));
        }
        line.0
    }

    fn whether_known(&self, of: &Typed, want: bool) -> Vec<Piece> {
        let mut line = self.is(of, &self.value(of));
        line.say(&format!("; {} if it were {}", self.verb(), if want { "unknown" } else { "known" }));
        line.0
    }

    /// `ip is 203.0.113.7, which is not in trusted; it would hold if it were`.
    fn on_list(&self, typed: &Typed, want: bool) -> Vec<Piece> {
        let program = self.look.program;
        let (is, were) = if want { ("not ", "") } else { ("", " not") };
        let mut line = match &typed.node {
            Node::InList(list, of) => {
                let id = program.lists.get(list.0).map_or("a list", |l| &l.id);
                let mut line = self.is(of, &self.value(of));
                line.say(&format!(", which is {is}in {id}"));
                line
            }
            Node::Labelled(of, _, name) => {
                let mut line = Line(Vec::new());
                line.say(&format!("{} is {is}labelled \"{name}\"", self.path(*of)));
                line
            }
            _ => Line(Vec::new()),
        };
        line.say(&format!("; {} if it were{were}", self.verb()));
        line.0
    }

    fn were(&self, typed: &Typed, want: bool) -> Vec<Piece> {
        let mut line = self.is(typed, &self.value(typed));
        line.say(&format!("; {} if it were {want}", self.verb()));
        line.0
    }

    /// How many items there are for which the body holds.
    fn items(&self, typed: &Typed, each: &Each, want: bool) -> Vec<Piece> {
        let (filter, body) = (each.filter.as_ref().map(|f| self.look.value(f)), self.look.value(&each.body));
        let is_so = |item: &[Value]| {
            let row = Row { item, ..self.row };
            let taken = filter.as_ref().is_none_or(|f| f(&row) == Value::Bool(true));
            taken && (body(&row) == Value::Bool(true)) == (each.op == EachOp::Any)
        };
        let (count, all) = match self.value(&each.over) {
            Value::List(values) => {
                let items = values.chunks(each.width.max(1));
                (items.clone().filter(|item| is_so(item)).count(), items.len())
            }
            _ => (0, 0),
        };
        let (fits, needs) = match each.op {
            EachOp::Any => ("fit", if want { "with one" } else { "with none" }),
            _ => ("do not fit", if want { "with none" } else { "with one" }),
        };
        let mut line = Line(Vec::new());
        line.say(&format!("{}: {count} of {all} items {fits}; {needs} {}", self.text(typed), self.verb()));
        line.0
    }

    fn as_a_whole(&self, typed: &Typed, want: bool) -> Vec<Piece> {
        let mut line = Line(Vec::new());
        let parts = typed.children().into_iter().filter(|p| !is_fixed(p) && p.kind != Type::List);
        for part in parts.take(2) {
            let value = self.value(part);
            line.0.extend(self.is(part, &value).0);
            line.say("; ");
        }
        line.say(&format!("{} if `{}` were {want}", self.verb(), self.text(typed)));
        line.0
    }

    /// `logins is unknown, since device is; the condition hangs on it`.
    fn unknown_words(&self, typed: &Typed) -> Vec<Piece> {
        let since = match &typed.node {
            Node::Feature(number, _) => self.key_lacks(*number),
            _ => Vec::new(),
        };
        let since =
            if since.is_empty() { String::new() } else { format!(", since {} is", since.join(" and ")) };
        vec![Piece::Text(format!("{} is unknown{since}; the condition hangs on it", self.text(typed)).into())]
    }
}

impl Finder<'_, '_> {
    /// The parts of a counter's key that are unknown, as they are written.
    fn key_lacks(&self, number: usize) -> Vec<String> {
        let program = self.look.program;
        let key = program.plan(self.look.on).serve.iter().find_map(|s| match &s.source {
            Source::Feature { feature, key, .. } if *feature == number => Some(key),
            _ => None,
        });
        let lacking = key.into_iter().flatten().filter(|path| path.of(self.row.event).is_missing());
        lacking.map(|path| self.path(*path)).collect()
    }

    fn path(&self, KeyPath { slot, part }: KeyPath) -> String {
        let field = self.look.program.schema.get(self.look.on).fields.get(slot).map_or("?", |f| &f.name);
        format!("{field}{}", part.map_or(String::new(), |p| format!(".{}", p.name())))
    }
}
