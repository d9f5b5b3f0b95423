// SPDX-License-Identifier: Apache-2.0
//! What could be written at a place.

use super::Analysis;
use super::help::{self, Help};
use super::outline::{Declaration, Target};
use super::place::{Inside, Open, Place, word};
use super::symbol::{literal_type, shown};
use crate::check::argument_names;
use crate::functions::{self, Form, SPECIAL};
use crate::program::Reads;
use crate::syntax::lex::{Kind, Token};
use crate::syntax::tree::Decl;
use std::collections::BTreeMap;
use wardroom_event::{Part, Shape, Type};
use wardroom_report::FileId;

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A field of an event or a record.
    Field,
    /// A part of a value.
    Part,
    /// A feature, evidence, a score or a model.
    Feature,
    /// A list.
    List,
    /// A constant.
    Constant,
    /// A decision table.
    Table,
    /// An event type.
    Event,
    /// A rule.
    Rule,
    /// A type or a record.
    Type,
    /// A verdict, a mode or another word with a meaning of its own.
    Value,
    /// A function, an aggregate or an effect.
    Function,
    /// A named argument.
    Argument,
    /// A word that begins or joins something.
    Keyword,
}

/// Something that could be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is shown and, where no snippet says otherwise, written.
    pub label: String,
    /// What it is.
    pub what: What,
    /// Its type or form.
    pub detail: String,
    /// What it means.
    pub doc: String,
    /// What is written where the editor knows snippets: `${1:name}` are stops.
    pub snippet: Option<String>,
}

/// The place that is replaced, as bytes, and what could stand there.
pub type Completion = (std::ops::Range<usize>, Vec<Candidate>);

fn candidate(
    label: impl Into<String>,
    what: What,
    detail: impl Into<String>,
    doc: impl Into<String>,
) -> Candidate {
    Candidate { label: label.into(), what, detail: detail.into(), doc: doc.into(), snippet: None }
}

fn of_help(table: &'static [Help], what: What) -> impl Iterator<Item = Candidate> {
    table.iter().map(move |h| {
        let snippet = h.form.contains("${").then(|| h.form.to_owned());
        Candidate { snippet, ..candidate(h.word, what, shown(h).lines().next().unwrap_or_default(), h.doc) }
    })
}

fn words(words: &[&str]) -> Vec<Candidate> {
    let about = |word: &str| help::find(help::WORDS, word).map_or(("", ""), |h| (h.form, h.doc));
    words.iter().map(|word| candidate(*word, What::Keyword, about(word).0, about(word).1)).collect()
}

impl Analysis {
    /// What could be written at a place.
    pub fn complete(&self, file: FileId, offset: usize) -> Completion {
        let text = self.sources.text(file);
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let place = Place::of(text, file, offset);
        let digit = text[place.start..offset].starts_with(|c: char| c.is_ascii_digit());
        let found = match place.inside {
            Inside::Words => Vec::new(),
            Inside::String(_) => self.members(&place),
            Inside::Text if digit => Vec::new(),
            Inside::Text => Asked { of: self, place: &place, namespace: self.namespace(file) }.all(),
        };
        (place.start..offset, found)
    }

    fn namespace(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |f| &f.namespace)
    }

    /// The values of the enum that a string is compared with.
    fn members(&self, place: &Place) -> Vec<Candidate> {
        let [.., field, Token { kind: Kind::Mark("==" | "!=" | "="), .. }] = place.line.as_slice() else {
            return Vec::new();
        };
        let fields =
            self.checked.schema.iter().flat_map(|(_, e)| &e.fields).filter(|f| *f.name == *word(Some(field)));
        let mut found: Vec<Candidate> = Vec::new();
        for shape in fields.filter_map(|f| f.shape.as_deref()) {
            if let Shape::OneOf(members) = shape {
                found.extend(members.iter().map(|m| candidate(&**m, What::Value, "", "")));
            }
        }
        found.dedup_by(|a, b| a.label == b.label);
        found
    }

    /// The type of a declared value, as it is read.
    fn reads_as(&self, id: &str) -> Option<Type> {
        self.reads.get(id).copied()
    }
}

/// A question for what could stand at a place.
struct Asked<'a> {
    of: &'a Analysis,
    place: &'a Place,
    namespace: &'a str,
}

impl Asked<'_> {
    fn all(&self) -> Vec<Candidate> {
        let place = self.place;
        match place.head_word() {
            "" if place.first => of_help(help::DECLARATIONS, What::Keyword).collect(),
            "event" | "record" => self.field(),
            "list" if place.after_mark(":") => {
                of_help(help::TYPES, What::Type).filter(|c| c.label != "list").collect()
            }
            "list" => self.list(),
            "table" => self.table(),
            "budget" if place.after_word("budget") => self.events(),
            "rule" | "evidence" | "score" | "model" if place.in_head && !place.has_mark("=") => self.head(),
            "rule" => self.rule(),
            "evidence" if place.line.is_empty() => of_help(help::EVIDENCE_CLAUSES, What::Keyword).collect(),
            "test" => self.test(),
            "const" if place.after_mark("=") => words(&["true", "false"]),
            "feature" | "score" | "model" | "evidence" if !place.line.is_empty() && self.has_begun() => {
                self.expression()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the value of a feature, a score, an input or a weight has begun.
    fn has_begun(&self) -> bool {
        self.place.has_mark("=") || matches!(self.place.clause(), "weigh" | "because")
    }

    /// The type of a field.
    fn field(&self) -> Vec<Candidate> {
        if self.place.in_head || !self.place.is_type() {
            return Vec::new();
        }
        let mut found: Vec<Candidate> =
            of_help(help::TYPES, What::Type).filter(|c| c.label != "regex").collect();
        if self.place.open().is_some() {
            found.retain(|c| !matches!(c.label.as_str(), "list" | "enum"));
            found.extend(self.declared("record", What::Type));
        }
        found
    }

    fn list(&self) -> Vec<Candidate> {
        match self.place.line.len() {
            4 if self.place.after_word("domain") => words(&["suffix", "from"]),
            4 | 5 => words(&["from"]),
            _ => Vec::new(),
        }
    }

    fn table(&self) -> Vec<Candidate> {
        if self.place.in_head {
            let types = self.place.is_type();
            return if types { of_help(help::TYPES, What::Type).collect() } else { words(&["from"]) };
        }
        if self.place.line.is_empty() { words(&["any", "else"]) } else { words(&["any", "to"]) }
    }

    /// The head of what is about one type of event.
    fn head(&self) -> Vec<Candidate> {
        match self.place.line.len() {
            2 => words(&["on"]),
            3 if self.place.after_word("on") => self.events(),
            4 if self.place.head_word() == "model" => words(&["from"]),
            _ => Vec::new(),
        }
    }

    fn rule(&self) -> Vec<Candidate> {
        let place = self.place;
        let open = place.open();
        match (place.clause(), &open) {
            ("", _) => of_help(help::RULE_CLAUSES, What::Keyword).collect(),
            ("then", None) if place.after_word("then") || place.after_mark(",") || place.after_mark(":") => {
                follows()
            }
            ("then", Some(open)) => self.effect(open),
            ("mode", _) if place.after_word("mode") => of_help(help::MODES, What::Value).collect(),
            ("mode", _) if place.after_word("by") || place.after_mark(".") => self.expression(),
            ("mode", _) => words(&["by"]),
            ("missing", _) if place.after_word("missing") => of_help(help::MISSING, What::Value).collect(),
            ("when" | "because", _) => self.expression(),
            _ => Vec::new(),
        }
    }

    /// The values of an effect.
    fn effect(&self, open: &Open<'_>) -> Vec<Candidate> {
        match (open.name, open.argument) {
            ("label" | "list", 0) => self.expression(),
            ("list", 1) => self.declared("list", What::List).collect(),
            ("label" | "list", 2) => vec![argument("expires", "How long it lasts: expires=\"14d\"")],
            _ => Vec::new(),
        }
    }

    fn test(&self) -> Vec<Candidate> {
        let place = self.place;
        if place.in_head {
            return Vec::new();
        }
        let begins = place.line.len() == 1 || place.after_mark(",") || place.after_mark("*");
        match (place.clause(), place.open()) {
            ("", _) => of_help(help::TEST_CLAUSES, What::Keyword).collect(),
            ("given" | "when", Some(open)) => self.fields_of_event(&open),
            ("given" | "when", None) if place.after_mark(".") => self.parts(),
            ("given", None) if begins => {
                let calls = self.events().into_iter();
                calls.chain(self.fields(None)).collect()
            }
            ("when", None) if begins => self.events(),
            ("given", None) => words(&["within", "ago"]),
            ("when", None) => words(&["at"]),
            ("expect", None) if place.after_word("expect") => of_help(help::VERDICTS, What::Value).collect(),
            ("expect", None) if place.after_word("by") => self.declared("rule", What::Rule).collect(),
            ("expect", None) if place.after_mark(",") => of_help(help::EFFECTS, What::Function).collect(),
            ("expect", None) => words(&["by"]),
            ("expect", Some(open)) => self.effect(&open),
            _ => Vec::new(),
        }
    }

    fn fields_of_event(&self, open: &Open<'_>) -> Vec<Candidate> {
        if self.place.after_mark("=") {
            return words(&["true", "false", "missing"]);
        }
        if !(self.place.after_mark("(") || self.place.after_mark(",")) {
            return Vec::new();
        }
        let given: Vec<&str> = open
            .inner
            .windows(2)
            .filter(|w| w[1].kind == Kind::Mark("="))
            .map(|w| word(Some(&w[0])))
            .collect();
        let fields = self.fields(Some(&[open.name.to_owned()]));
        fields
            .into_iter()
            .filter(|f| !given.contains(&f.label.as_str()))
            .map(|f| with_equals(Candidate { what: What::Argument, ..f }))
            .collect()
    }

    /// What could stand in an expression.
    fn expression(&self) -> Vec<Candidate> {
        if self.place.after_mark(".") {
            return self.parts();
        }
        if ends_value(self.place.line.last()) {
            return self.joining();
        }
        if self.place.after_word("is") {
            return words(&["missing", "not"]);
        }
        if self.place.after_word("in") {
            return self.declared("list", What::List).chain(self.fields(self.scope().as_deref())).collect();
        }
        match self.place.open() {
            Some(open) if is_aggregate(&open) && !open.method => self.aggregate(&open),
            _ => self.values(),
        }
    }

    fn joining(&self) -> Vec<Candidate> {
        let mut found = words(&["and", "or", "not", "in", "is", "if", "else"]);
        if self.place.clause() == "weigh" {
            found.extend(words(&["capped", "to"]));
        }
        if self.place.open().is_some() {
            found.extend(words(&["for"]));
        }
        found
    }

    /// The event types whose fields can be read; `None` for those of all.
    fn scope(&self) -> Option<Vec<String>> {
        if let Some(on) = self.place.on() {
            return Some(vec![on.to_owned()]);
        }
        let open = self.place.open().filter(is_aggregate)?;
        let events = events_in(&open);
        (!events.is_empty()).then_some(events)
    }

    /// Everything that is a value.
    fn values(&self) -> Vec<Candidate> {
        let mut found = self.fields(self.scope().as_deref());
        found.extend(self.items());
        for (what, kind) in VALUES {
            found.extend(self.declared(what, kind));
        }
        found.push(candidate("time", What::Field, "time", "When the event happened, in UTC."));
        found.extend(calls(Form::Call));
        if self.place.head_word() == "feature" && self.place.after_mark("=") {
            found.extend(aggregates());
        }
        if self.place.head_word() == "score" {
            found.push(call("sum", "sum(TERM, …)", "What a score is: the sum of the terms that are known."));
            found.push(call(
                "prior",
                "prior(-4.6)",
                "What speaks for abuse before anything is known, in nats.",
            ));
        }
        found.extend(words(&["not", "true", "false"]));
        found.dedup_by(|a, b| a.label == b.label && a.what == b.what);
        found
    }

    /// Names of the items of a comprehension.
    fn items(&self) -> Vec<Candidate> {
        let line = self.place.line.windows(2);
        let items = line.filter(|w| word(w.first()) == "for").map(|w| word(w.get(1)));
        items.map(|name| candidate(name, What::Field, "an item", "")).collect()
    }

    /// The arguments and events of an aggregate.
    fn aggregate(&self, open: &Open<'_>) -> Vec<Candidate> {
        let takes_what = argument_names(open.name).contains(&"of");
        let arguments = || {
            let given = |name: &str| {
                open.inner.windows(2).any(|w| word(w.first()) == name && w[1].kind == Kind::Mark("="))
            };
            let known = argument_names(open.name).iter().filter(move |name| !given(name));
            known.filter_map(|name| help::find(help::ARGUMENTS, name)).map(|h| argument(h.word, h.doc))
        };
        let events = events_in(open);
        let events = (!events.is_empty()).then_some(events);
        match open.named {
            Some("of") => self.events(),
            Some("including") => words(&["self"]),
            Some("where" | "first" | "then") => self.filter(events.as_deref()),
            Some("by" | "lat" | "lon") => self.fields(events.as_deref()),
            Some(_) => Vec::new(),
            None if open.argument > 0 => arguments().collect(),
            None if open.name == "baseline" => self.declared("feature", What::Feature).collect(),
            None if takes_what => self.fields(events.as_deref()),
            None => self.events(),
        }
    }

    /// What a filter reads: fields, constants and functions.
    fn filter(&self, events: Option<&[String]>) -> Vec<Candidate> {
        let mut found = self.fields(events);
        found.extend(self.declared("constant", What::Constant));
        found.extend(calls(Form::Call));
        found.extend(words(&["not", "true", "false"]));
        found
    }

    /// The parts of what stands before the dot.
    fn parts(&self) -> Vec<Candidate> {
        let line = &self.place.line[..self.place.line.len().saturating_sub(1)];
        let (names, text) = match chain(line) {
            Some(names) => self.parts_of(&names),
            None => (Vec::new(), true),
        };
        let methods = if text { calls(Form::Method).collect() } else { Vec::new() };
        names.into_iter().chain(methods).collect()
    }

    /// The parts of a row of names, and whether it is a text, or may be one.
    fn parts_of(&self, names: &[&str]) -> (Vec<Candidate>, bool) {
        let (first, rest) = (names.first().copied().unwrap_or_default(), names.get(1..).unwrap_or_default());
        let all: Vec<String> = self.events().into_iter().map(|e| e.label).collect();
        let scope = self.scope().unwrap_or(all);
        let mut fields = scope.iter().filter_map(|event| {
            let id = self.of.checked.schema.id(event)?;
            self.of.checked.schema.get(id).fields.iter().find(|f| *f.name == *first)
        });
        let field = fields.next().map(|f| f.kind).or((first == "time").then_some(Type::Time));
        if let Some(kind) = field {
            let kind = rest.iter().try_fold(kind, |kind, part| Part::named(kind, part).map(|(_, kind)| kind));
            return kind.map_or((Vec::new(), false), |kind| (parts(kind, rest.is_empty()), is_text(kind)));
        }
        if let Some(columns) = self.columns(first) {
            return (columns, false);
        }
        self.elsewhere(&names.join("."))
    }

    /// The fields of an item of a comprehension.
    fn columns(&self, item: &str) -> Option<Vec<Candidate>> {
        let line = &self.place.line;
        let at = line
            .windows(3)
            .position(|w| word(w.first()) == "for" && word(w.get(1)) == item && word(w.get(2)) == "in");
        let over = at.map(|at| word(line.get(at + 3)));
        let shapes = self.of.checked.schema.iter().flat_map(|(_, e)| &e.fields);
        // What is looked through may stand after the cursor: then every record's fields are offered.
        let known =
            shapes.filter(|f| over.is_none_or(|over| *f.name == *over)).filter_map(|f| f.shape.as_deref());
        let known_item = at.is_some()
            || self.place.open().is_some_and(|o| matches!(o.name, "any" | "all" | "sum" | "min" | "max"));
        let mut found = BTreeMap::new();
        for shape in known.filter(|_| known_item) {
            if let Shape::Items { fields, .. } = shape {
                let columns = fields.iter().filter(|f| !f.name.is_empty());
                found.extend(
                    columns
                        .map(|f| (f.name.to_string(), candidate(&*f.name, What::Field, f.kind.name(), ""))),
                );
            }
        }
        (!found.is_empty()).then(|| found.into_values().collect())
    }

    /// Figures of a declared value, or what a folder declares.
    fn elsewhere(&self, name: &str) -> (Vec<Candidate>, bool) {
        let own = Target::Named(crate::check::id(self.namespace, name));
        let root = Target::Named(name.to_owned());
        let declared = self.of.declared(&own).next().or(self.of.declared(&root).next());
        if let Some(declared) = declared {
            let figures: Vec<&str> = match declared.what {
                "score" if self.place.clause() == "because" => vec!["probability", "known", "top"],
                "score" => vec!["probability", "known"],
                "feature" if self.is_baseline(declared) => Reads::PARTS.map(|(name, ..)| name).to_vec(),
                _ => Vec::new(),
            };
            let about = |name: &str| help::find(help::FIGURES, name).map_or("", |h| h.doc);
            let text = self.id(declared).and_then(|id| self.of.reads_as(id)).is_some_and(is_text);
            return (figures.iter().map(|f| candidate(*f, What::Part, "", about(f))).collect(), text);
        }
        let folder = format!("{name}.");
        let below = self.of.declarations.iter().filter_map(|d| {
            let id = self.id(d).filter(|_| d.what != "rule")?;
            id.strip_prefix(&folder)
                .filter(|rest| !rest.contains('.'))
                .map(|rest| self.shown(d, rest.to_owned(), What::Feature))
        });
        (below.collect(), false)
    }

    fn is_baseline(&self, declared: &Declaration) -> bool {
        matches!(self.of.decl(&declared.target), Some(Decl::Feature(f)) if super::expr::called(&f.value) == Some(("baseline", false)))
    }

    fn id<'d>(&self, declared: &'d Declaration) -> Option<&'d str> {
        match &declared.target {
            Target::Named(id) => Some(id),
            _ => None,
        }
    }

    fn events(&self) -> Vec<Candidate> {
        self.declared("event", What::Event).collect()
    }

    /// The fields of these event types, or of all.
    fn fields(&self, events: Option<&[String]>) -> Vec<Candidate> {
        let mut found = BTreeMap::new();
        for declared in self.of.declarations.iter().filter(|d| d.what == "field") {
            let Target::Field { of, name } = &declared.target else { continue };
            if events.is_none_or(|events| events.contains(of)) {
                let text = self.of.sources.slice(declared.whole);
                let kind = text.split_once(':').map_or("", |(_, kind)| kind.trim());
                found
                    .entry(name.clone())
                    .or_insert_with(|| candidate(name, What::Field, kind, format!("A field of `{of}`.")));
            }
        }
        found.into_values().collect()
    }

    /// What is declared of one kind, under the name it has here.
    fn declared(&self, what: &str, kind: What) -> impl Iterator<Item = Candidate> {
        let of_kind = self.of.declarations.iter().filter(move |d| d.what == what);
        of_kind.map(move |d| {
            let label = match &d.target {
                Target::Named(_) if d.namespace == self.namespace => self.of.sources.slice(d.name).to_owned(),
                Target::Named(id) => id.clone(),
                _ => self.of.sources.slice(d.name).to_owned(),
            };
            self.shown(d, label, kind)
        })
    }

    fn shown(&self, declared: &Declaration, label: String, kind: What) -> Candidate {
        let detail = match self.of.decl(&declared.target) {
            Some(Decl::List(list)) => format!("list of {}", list.kind.name),
            Some(Decl::Table(table)) => table.result.name.clone(),
            Some(Decl::Const(constant)) => literal_type(&constant.value).to_owned(),
            _ => {
                self.id(declared).and_then(|id| self.of.reads_as(id)).map_or(String::new(), |k| k.to_string())
            }
        };
        let doc = match declared.what {
            "event" | "record" | "rule" => self.of.doc(declared),
            _ => format!("```ward\n{}\n```", self.of.definition(declared)),
        };
        candidate(label, kind, detail, doc)
    }
}

/// What values can be declared.
const VALUES: [(&str, What); 6] = [
    ("feature", What::Feature),
    ("evidence", What::Feature),
    ("score", What::Feature),
    ("model", What::Feature),
    ("constant", What::Constant),
    ("table", What::Table),
];

/// Verdicts and effects.
fn follows() -> Vec<Candidate> {
    let effects = of_help(help::EFFECTS, What::Function)
        .map(|c| Candidate { snippet: Some(format!("{}(${{1}})", c.label)), ..c });
    of_help(help::VERDICTS, What::Value).chain(effects).collect()
}

fn argument(name: &str, doc: &str) -> Candidate {
    with_equals(candidate(name, What::Argument, "", doc))
}

fn with_equals(of: Candidate) -> Candidate {
    Candidate { snippet: Some(format!("{}=${{1}}", of.label)), ..of }
}

fn call(name: &str, form: &str, doc: &str) -> Candidate {
    Candidate { snippet: Some(format!("{name}(${{1}})")), ..candidate(name, What::Function, form, doc) }
}

/// Functions that are called so, each name once.
fn calls(form: Form) -> impl Iterator<Item = Candidate> {
    let mut seen: Vec<&str> = Vec::new();
    let special =
        SPECIAL.iter().filter(move |_| form == Form::Call).map(|s| (s.name, s.signature.to_owned(), s.doc));
    let of_form = functions::catalogue().iter().filter(move |f| f.form == form);
    let matches = (form == Form::Method).then_some((
        "matches",
        "text.matches(regex) -> bool".to_owned(),
        "Whether a regular expression is found in the text.",
    ));
    let all = of_form.map(|f| (f.name, f.signature(), f.doc)).chain(special).chain(matches);
    let all: Vec<Candidate> = all
        .filter(|(name, ..)| {
            let new = !seen.contains(name);
            seen.push(name);
            new
        })
        .map(|(name, signature, doc)| call(name, &signature, doc))
        .collect();
    all.into_iter()
}

fn aggregates() -> impl Iterator<Item = Candidate> {
    help::AGGREGATES.iter().map(|h| call(h.word, h.form, h.doc))
}

/// The parts of a type; facts only of fields.
fn parts(kind: Type, field: bool) -> Vec<Candidate> {
    let of_kind = Part::ALL.iter().filter(|(part, of, ..)| *of == kind && (field || !part.is_fact()));
    of_kind
        .map(|(part, _, name, kind)| candidate(*name, What::Part, kind.name(), help::part(*part)))
        .collect()
}

fn is_text(kind: Type) -> bool {
    kind.repr() == wardroom_event::Repr::Text
}

/// Whether a call counts, or could: some of these names are functions too.
fn is_aggregate(open: &Open<'_>) -> bool {
    let counts = matches!(open.name, "min" | "max" | "sum" | "last");
    let named = || {
        open.inner
            .windows(2)
            .any(|w| w[1].kind == Kind::Mark("=") && help::find(help::ARGUMENTS, word(w.first())).is_some())
    };
    help::find(help::AGGREGATES, open.name).is_some() && (!counts || named())
}

/// The event types that a call of an aggregate names.
fn events_in(open: &Open<'_>) -> Vec<String> {
    let of = open.inner.windows(2).position(|w| word(w.first()) == "of" && w[1].kind == Kind::Mark("="));
    let from = match of {
        Some(at) => at + 2,
        None if argument_names(open.name).contains(&"of") => return Vec::new(),
        None => 0,
    };
    let tokens = open.inner.get(from..).unwrap_or_default();
    let several = matches!(tokens.first().map(|t| &t.kind), Some(Kind::Mark("[" | "(")));
    let stops: &[&str] = if several { &["]", ")"] } else { &["]", ")", ","] };
    let until = tokens.iter().position(|t| matches!(&t.kind, Kind::Mark(m) if stops.contains(m)));
    let tokens = &tokens[..until.unwrap_or(tokens.len())];
    tokens.iter().map(|t| word(Some(t)).to_owned()).filter(|w| !w.is_empty()).collect()
}

/// Names joined by dots at the end of a line; `None` where something else stands there.
fn chain(line: &[Token]) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = line;
    loop {
        let (last, before) = rest.split_last()?;
        let name = word(Some(last));
        if name.is_empty() {
            return None;
        }
        names.push(name);
        match before.split_last() {
            Some((dot, before)) if dot.kind == Kind::Mark(".") => rest = before,
            _ => break,
        }
    }
    names.reverse();
    Some(names)
}

/// Whether a value ends before the cursor, so that what joins values may follow.
fn ends_value(last: Option<&Token>) -> bool {
    match last.map(|t| &t.kind) {
        Some(Kind::Mark(mark)) => matches!(*mark, ")" | "]"),
        Some(Kind::Word(w)) => !matches!(
            w.as_str(),
            "and"
                | "or"
                | "not"
                | "in"
                | "is"
                | "if"
                | "else"
                | "for"
                | "when"
                | "because"
                | "weigh"
                | "by"
                | "capped"
                | "to"
        ),
        Some(Kind::Int(_) | Kind::Number(_) | Kind::Text(_)) => true,
        _ => false,
    }
}
