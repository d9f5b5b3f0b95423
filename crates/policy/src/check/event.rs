// SPDX-License-Identifier: Apache-2.0
//! Event types: their fields and the types of those.

use super::Context;
use crate::limits;
use crate::syntax::tree::{Decl, EventDecl, FieldDecl, File};
use std::collections::HashMap;
use wardroom_event::{EventType, Field, Schema, Type, nearest};
use wardroom_report::{Diagnostic, Loc};

/// Names an event has by itself or an envelope takes.
const RESERVED: [&str; 7] = ["type", "id", "time", "source", "data", "specversion", "datacontenttype"];

/// Declares every event type of the policy. Event types belong to no namespace: senders name them.
pub(super) fn declare(cx: &mut Context<'_>, files: &[File]) {
    let mut seen: HashMap<&str, Loc> = HashMap::new();
    let mut types = Vec::new();
    let decls = files.iter().flat_map(|f| &f.decls);
    for event in decls.filter_map(|d| if let Decl::Event(e) = d { Some(e) } else { None }) {
        if let Some(before) = seen.insert(&event.name.name, event.name.loc) {
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
        types.push(event_type(event, cx.diagnostics));
    }
    cx.checked.schema = Schema::new(types);
}

fn event_type(event: &EventDecl, diagnostics: &mut Vec<Diagnostic>) -> EventType {
    let mut fields: Vec<Field> = Vec::new();
    let mut places: HashMap<&str, Loc> = HashMap::new();
    if event.fields.is_empty() {
        diagnostics.push(
            Diagnostic::error(
                "W0204",
                event.name.loc,
                format!("event type `{}` has no fields", event.name.name),
            )
            .help("list them below it, one a line: account: account"),
        );
    }
    for field in &event.fields {
        if let Some(before) = places.insert(&field.name.name, field.name.loc) {
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
        fields.push(typed_field(field, diagnostics));
    }
    EventType { name: event.name.name.as_str().into(), fields }
}

fn typed_field(field: &FieldDecl, diagnostics: &mut Vec<Diagnostic>) -> Field {
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
    let kind = Type::named(&field.kind.name).unwrap_or_else(|| {
        diagnostics.push(unknown_type(&field.kind.name, field.kind.loc));
        Type::Text
    });
    Field { name: field.name.name.as_str().into(), kind, optional: field.optional }
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
