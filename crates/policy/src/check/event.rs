// SPDX-License-Identifier: Apache-2.0
//! Event types: their fields and the types of those.

use super::Context;
use crate::limits;
use crate::sink::Sink;
use crate::syntax::tree::{Decl, EventDecl, FieldDecl, File, Ident};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use wardroom_event::{EventType, Field, Schema, Type, TypeId, nearest};
use wardroom_report::{Diagnostic, Loc};

/// Names an event has by itself or an envelope takes.
const RESERVED: [&str; 7] = ["type", "id", "time", "source", "data", "specversion", "datacontenttype"];

/// Declares every event type of the policy. Event types belong to no namespace: senders name them.
pub(super) fn declare(cx: &mut Context<'_>, files: &[File]) {
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
        let (event_type, broken) = event_type(event, cx.diagnostics);
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

/// The event type, and those of its fields that have no readable type.
fn event_type(event: &EventDecl, diagnostics: &mut Sink) -> (EventType, Vec<String>) {
    let mut fields: Vec<Field> = Vec::new();
    let mut broken = Vec::new();
    let mut places: HashMap<&str, Loc> = HashMap::new();
    for field in &event.fields {
        if let Some(before) = first_place(&mut places, &field.name) {
            diagnostics.push(
                Diagnostic::error(
                    "W0202",
                    field.name.loc,
                    format!("field `{}` is declared twice", field.name.name),
                )
                .also(before, "first declared here"),
            );
            continue;
        }
        if fields.len() == limits::FIELDS {
            let message = format!("more than {} fields in one event type", limits::FIELDS);
            diagnostics.push(Diagnostic::error("W0005", field.name.loc, message));
            break;
        }
        report_reserved(field, diagnostics);
        let kind = field_type(field, diagnostics);
        if kind.is_none() {
            broken.push(field.name.name.clone());
        }
        fields.push(Field::plain(field.name.name.as_str(), kind.unwrap_or(Type::Text), field.optional));
    }
    (EventType { name: event.name.name.as_str().into(), fields }, broken)
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

fn field_type(field: &FieldDecl, diagnostics: &mut Sink) -> Option<Type> {
    let written = field.kind.as_ref()?;
    let kind = Type::named(&written.name);
    if kind.is_none() {
        diagnostics.push(unknown_type(&written.name, written.loc));
    }
    kind
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
        _ => nearest(name, names),
    };
    let d = Diagnostic::error("W0301", loc, format!("no type `{name}`"));
    match meant {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("the types are: {}", names.join(", "))),
    }
}
