// SPDX-License-Identifier: Apache-2.0
//! Event types: their fields and the types of those.

use super::Context;
use crate::sink::Sink;
use crate::syntax::tree::{BudgetDecl, Decl, FieldDecl, File, Ident, RecordDecl, TypeExpr};
use crate::{cost, limits};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use wardroom_event::{EventType, Field, Schema, Shape, Span, Type, TypeId, nearest};
use wardroom_report::{Diagnostic, Loc};

/// Names an event has by itself or an envelope takes.
const RESERVED: [&str; 7] = ["type", "id", "time", "source", "data", "specversion", "datacontenttype"];

/// Declares every event type of the policy. Event types belong to no namespace: senders name them.
pub(super) fn declare(cx: &mut Context<'_>, files: &[File]) {
    let records = records(files, cx.diagnostics);
    let mut seen: HashMap<&str, Loc> = HashMap::new();
    let mut types = Vec::new();
    let decls = files.iter().flat_map(|f| &f.decls);
    for event in decls.filter_map(|d| if let Decl::Event(e) = d { Some(e) } else { None }) {
        if let Some(before) = first_place(&mut seen, &event.name) {
            cx.diagnostics.push(
                Diagnostic::error(
                    "W0202",
                    event.name.loc,
                    format!("event type `{}` is declared twice", event.name.name),
                )
                .also(before, "first declared here")
                .note("event types are shared by all folders, since senders name them"),
            );
            continue;
        }
        if types.len() == limits::EVENT_TYPES {
            let message = format!("more than {} event types", limits::EVENT_TYPES);
            cx.diagnostics.push(Diagnostic::error("W0005", event.name.loc, message));
            break;
        }
        let (fields, broken) = fields(&event.fields, &records, cx.diagnostics);
        let event_type = EventType { name: event.name.name.as_str().into(), fields };
        let id = TypeId(u16::try_from(types.len()).unwrap_or(u16::MAX));
        cx.broken_fields.extend(broken.into_iter().map(|field| (id, field)));
        types.push(event_type);
    }
    cx.checked.schema = Schema::new(types);
}

/// Where the name was met first, if this is not the first time.
fn first_place<'n>(seen: &mut HashMap<&'n str, Loc>, name: &'n Ident) -> Option<Loc> {
    match seen.entry(&name.name) {
        Entry::Occupied(before) => Some(*before.get()),
        Entry::Vacant(free) => {
            free.insert(name.loc);
            None
        }
    }
}

/// What list fields can hold: records by their names. Like event types they belong to no namespace.
type Records = HashMap<Box<str>, Box<[Field]>>;

fn records(files: &[File], diagnostics: &mut Sink) -> Records {
    let mut records = Records::new();
    let mut seen: HashMap<&str, Loc> = HashMap::new();
    let decls = files.iter().flat_map(|f| &f.decls);
    for record in decls.filter_map(|d| if let Decl::Record(r) = d { Some(r) } else { None }) {
        if let Some(before) = first_place(&mut seen, &record.name) {
            let message = format!("record `{}` is declared twice", record.name.name);
            diagnostics.push(
                Diagnostic::error("W0202", record.name.loc, message).also(before, "first declared here"),
            );
            continue;
        }
        report_taken(record, diagnostics);
        flat(record, diagnostics);
        not_hashed(record, diagnostics);
        let (fields, _) = fields(&record.fields, &Records::new(), diagnostics);
        records.insert(record.name.name.as_str().into(), fields.into());
    }
    records
}

/// A record must not take a type's name: `list(url)` would be two things.
fn report_taken(record: &RecordDecl, diagnostics: &mut Sink) {
    if Type::named(&record.name.name).is_some() {
        let message = format!("`{}` is a type", record.name.name);
        diagnostics.push(
            Diagnostic::error("W0203", record.name.loc, message).help("choose another name for the record"),
        );
    }
}

/// A record's fields are single values, so that what a list field holds is bounded.
fn flat(record: &RecordDecl, diagnostics: &mut Sink) {
    for field in &record.fields {
        if let Some(TypeExpr::ListOf { loc, .. }) = &field.kind {
            let d = Diagnostic::error("W0208", *loc, "a list within a record");
            diagnostics.push(d.help("a record holds single values; put the list into the event itself"));
        }
    }
}

/// The fields, and the names of those that have no readable type.
fn fields(written: &[FieldDecl], records: &Records, diagnostics: &mut Sink) -> (Vec<Field>, Vec<String>) {
    let mut fields: Vec<Field> = Vec::new();
    let mut broken = Vec::new();
    let mut places: HashMap<&str, Loc> = HashMap::new();
    for field in written {
        if let Some(before) = first_place(&mut places, &field.name) {
            let message = format!("field `{}` is declared twice", field.name.name);
            diagnostics.push(
                Diagnostic::error("W0202", field.name.loc, message).also(before, "first declared here"),
            );
            continue;
        }
        if fields.len() == limits::FIELDS {
            let message = format!("more than {} fields in one event type", limits::FIELDS);
            diagnostics.push(Diagnostic::error("W0005", field.name.loc, message));
            break;
        }
        report_reserved(field, diagnostics);
        let found = field.kind.as_ref().and_then(|kind| field_type(kind, records, diagnostics));
        if found.is_none() {
            broken.push(field.name.name.clone());
        }
        let found_type = found.is_some();
        let (kind, shape) = found.unwrap_or((Type::Text, None));
        let plain = Field::plain(field.name.name.as_str(), kind, field.optional);
        let hashed = field.hashed.is_some_and(|loc| hashable(loc, kind, found_type, diagnostics));
        fields.push(Field { shape, hashed, ..plain });
    }
    (fields, broken)
}

/// Whether a field of this type is one that can be hashed; says so where it is not.
fn hashable(loc: Loc, kind: Type, is_known: bool, diagnostics: &mut Sink) -> bool {
    if Field::may_be_hashed(kind) || !is_known {
        return true;
    }
    let kinds = Type::ALL.into_iter().filter(|kind| Field::may_be_hashed(*kind)).map(Type::name);
    let kinds: Vec<&str> = kinds.collect();
    let d = Diagnostic::error("W0317", loc, format!("a value of type {kind} is not kept as a hash"));
    diagnostics.push(d.help(format!("types that are: {}", kinds.join(", "))));
    false
}

/// A record's fields are items of a list, which no feature is keyed by.
fn not_hashed(record: &RecordDecl, diagnostics: &mut Sink) {
    for loc in record.fields.iter().filter_map(|field| field.hashed) {
        let d = Diagnostic::error("W0317", loc, "a field of a record is not kept as a hash");
        diagnostics.push(d.help("put the value into a field of the event itself"));
    }
}

fn report_reserved(field: &FieldDecl, diagnostics: &mut Sink) {
    if RESERVED.contains(&field.name.name.as_str()) {
        diagnostics.push(
            Diagnostic::error(
                "W0203",
                field.name.loc,
                format!("`{}` is a name every event has", field.name.name),
            )
            .note(format!("reserved: {}", RESERVED.join(", ")))
            .help("choose another name for the field"),
        );
    }
}

type Shaped = (Type, Option<Arc<Shape>>);

fn field_type(written: &TypeExpr, records: &Records, diagnostics: &mut Sink) -> Option<Shaped> {
    match written {
        TypeExpr::Named(name) => match Type::named(&name.name) {
            Some(kind) => Some((kind, None)),
            None => {
                diagnostics.push(unknown_field_type(name, records));
                None
            }
        },
        TypeExpr::OneOf { loc, members } => one_of(*loc, members, diagnostics),
        TypeExpr::ListOf { of, .. } => list_of(of, records, diagnostics),
    }
}

fn unknown_field_type(name: &Ident, records: &Records) -> Diagnostic {
    match name.name.as_str() {
        record if records.contains_key(record) => {
            let message = format!("`{record}` is a record, not a type");
            Diagnostic::error("W0301", name.loc, message)
                .help(format!("a field holds a list of them: list({record})"))
        }
        "enum" => Diagnostic::error("W0314", name.loc, "an enum without its values")
            .help("list them: enum(\"free\", \"paid\")"),
        "list" => Diagnostic::error("W0301", name.loc, "a list of what?").help("write: list(url)"),
        other => unknown_type(other, name.loc),
    }
}

fn one_of(loc: Loc, members: &[Ident], diagnostics: &mut Sink) -> Option<Shaped> {
    if members.len() > limits::ENUM_VALUES {
        let message = format!("an enum of {} values; the most is {}", members.len(), limits::ENUM_VALUES);
        diagnostics.push(Diagnostic::error("W0314", loc, message));
        return None;
    }
    let mut seen: HashMap<&str, Loc> = HashMap::new();
    for member in members {
        if let Some(before) = first_place(&mut seen, member) {
            let message = format!("\"{}\" stands in the enum twice", member.name);
            diagnostics.push(Diagnostic::error("W0314", member.loc, message).also(before, "first here"));
        } else if member.name.is_empty() {
            diagnostics.push(Diagnostic::error("W0314", member.loc, "an empty value of an enum"));
        }
    }
    let members = members.iter().map(|m| m.name.as_str().into()).collect();
    Some((Type::Enum, Some(Arc::new(Shape::OneOf(members)))))
}

fn list_of(of: &Ident, records: &Records, diagnostics: &mut Sink) -> Option<Shaped> {
    let items = |record, fields| Some((Type::List, Some(Arc::new(Shape::Items { record, fields }))));
    if let Some(fields) = records.get(of.name.as_str()) {
        return items(Some(of.name.as_str().into()), fields.clone());
    }
    if let Some(kind) = Type::named(&of.name) {
        return items(None, [Field::plain("", kind, false)].into());
    }
    let near = nearest(&of.name, records.keys().map(|k| &**k)).map(|n| format!("did you mean `{n}`?"));
    diagnostics.push(match near {
        Some(near) => {
            Diagnostic::error("W0301", of.loc, format!("no type or record `{}`", of.name)).help(near)
        }
        None => unknown_type(&of.name, of.loc),
    });
    None
}

/// No type has that name.
pub(super) fn unknown_type(name: &str, loc: Loc) -> Diagnostic {
    let names = Type::ALL.map(Type::name);
    let meant = match name {
        "string" | "str" => Some("text"),
        "float" | "double" | "decimal" => Some("number"),
        "integer" | "long" | "i64" => Some("int"),
        "boolean" => Some("bool"),
        "user" | "username" => Some("account"),
        "ipaddr" | "address" => Some("ip"),
        "cidr" | "network" => Some("net"),
        "timestamp" | "datetime" | "date" => Some("time"),
        "interval" | "timedelta" => Some("duration"),
        "bytes" | "filesize" => Some("size"),
        "useragent" | "ua" => Some("user_agent"),
        _ => nearest(name, names),
    };
    let d = Diagnostic::error("W0301", loc, format!("no type `{name}`"));
    match meant {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("the types are: {}", names.join(", "))),
    }
}

/// `budget login = "100us"`.
pub(super) fn budget(cx: &mut Context<'_>, decl: &BudgetDecl) {
    let Some(event) = super::feature::event_named(cx, &decl.event) else {
        return;
    };
    let most = match Span::parse(&decl.most.name) {
        Ok(span) if (1..=1_000_000).contains(&span.0) => span,
        _ => {
            let d = Diagnostic::error("W0904", decl.most.loc, "a budget is a length of time from 1us to 1s");
            cx.diagnostics.push(d.help("write: budget login = \"100us\""));
            return;
        }
    };
    if let Some((_, before)) = cx.budgets.iter().find(|(of, _)| *of == event) {
        let message = format!("a second budget for `{}`", decl.event.name);
        let d = Diagnostic::error("W0202", decl.event.loc, message).also(*before, "the first is here");
        cx.diagnostics.push(d);
        return;
    }
    cx.checked.budgets.push((event, most));
    cx.budgets.push((event, decl.most.loc));
}

/// Warns where judging an event may cost more than its budget: what is served for it, and all its rules.
pub(super) fn over_budget(cx: &mut Context<'_>) {
    for (event, loc) in std::mem::take(&mut cx.budgets) {
        let budget = cx.checked.budgets.iter().find(|(of, _)| *of == event).map(|(_, most)| *most);
        let most = cost::budget(budget);
        let (sum, dearest) = cost::event(&cx.checked, event);
        if sum <= most {
            continue;
        }
        let name = &cx.checked.schema.get(event).name;
        let message = format!("judging `{name}` may cost {}, more than its budget", shown_cost(sum));
        let mut d = Diagnostic::warning("W0903", loc, message)
            .note("this is the most it can cost, by the size of what is asked; most events cost less");
        if let Some((cost, at)) = dearest {
            d = d.also(at, format!("the dearest: {}", shown_cost(u64::from(cost))));
        }
        cx.diagnostics.push(d.help("ask for less, ask the cheap terms first, or allow more"));
    }
}

/// A cost in units of about a nanosecond, as people read it.
fn shown_cost(units: u64) -> String {
    match units {
        0..1_000 => format!("{units}ns"),
        1_000..1_000_000 => format!("{:.1}us", units as f64 / 1e3),
        _ => format!("{:.1}ms", units as f64 / 1e6),
    }
}
