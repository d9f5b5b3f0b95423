// SPDX-License-Identifier: Apache-2.0
//! An event as a stranger sends it: any bytes end in an event within every limit, or in faults that say where.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use wardroom_event::{Draft, EventType, Field, Micros, Schema, Shape, Type, Value, limits, parse_text, read};

/// One event type with an optional field of each type, named after the type, an enum, a list of values, a list of
/// records, and one field that must be there.
static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    let shaped =
        |name: &str, kind, shape| Field { shape: Some(Arc::new(shape)), ..Field::plain(name, kind, true) };
    let list = |name, record: Option<&str>, fields| {
        shaped(name, Type::List, Shape::Items { record: record.map(Into::into), fields })
    };
    let mut fields = vec![Field::plain("who", Type::Account, false)];
    fields.extend(Type::ALL.iter().map(|&kind| Field::plain(kind.name(), kind, true)));
    let plan = shaped("enum", Type::Enum, Shape::OneOf(["free".into(), "paid".into()].into()));
    let record = [Field::plain("size", Type::Size, false), plan.clone()];
    fields.push(plan);
    fields.push(list("list", None, [Field::plain("", Type::Url, false)].into()));
    fields.push(list("records", Some("record"), record.into()));
    Arc::new(Schema::new(vec![EventType { name: "signup".into(), fields }]))
});

/// When every event arrives: 2026-01-05T10:00:00Z.
const RECEIVED: Micros = Micros(1_767_607_200_000_000);

fuzz_target!(|bytes: &[u8]| {
    read_event(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        read_texts(text);
    }
});

/// The way of an HTTP body.
fn read_event(bytes: &[u8]) {
    let faults =
        match Draft::from_json(bytes).and_then(|draft| read(draft, &SCHEMA, RECEIVED, || "new".into())) {
            Ok(event) => {
                assert_eq!(event.values.len(), SCHEMA.get(event.kind).fields.len());
                assert_ne!(event.values[0], Value::Missing, "a field that must be there is not");
                assert!(event.time <= RECEIVED.plus(limits::FUTURE), "accepted from the future");
                assert!(event.id.id.len() <= limits::ID_BYTES && event.id.source.len() <= limits::ID_BYTES);
                event.values.iter().for_each(bounded);
                return;
            }
            Err(faults) => faults,
        };
    assert!((1..=limits::FAULTS).contains(&faults.list().len()), "{} faults", faults.list().len());
    for fault in faults.list() {
        assert!(
            fault.pointer.is_empty() || fault.pointer.starts_with('/'),
            "no JSON pointer: {:?}",
            fault.pointer
        );
    }
    let _ = faults.to_string();
}

/// The way of a field in a log line: the same value whatever its type is thought to be, and bounded.
fn read_texts(text: &str) {
    for &kind in &Type::ALL {
        if let Ok(value) = parse_text(text, kind) {
            bounded(&value);
        }
    }
}

/// No text outgrows its limit. Lower case may lengthen it: at most threefold, by Unicode's case mappings.
fn bounded(value: &Value) {
    match value {
        Value::Text(text) => {
            assert!(text.len() <= 3 * limits::TEXT_BYTES, "a text of {} bytes", text.len());
        }
        // The widest record here has two fields.
        Value::List(values) => {
            assert!(values.len() <= 2 * limits::LIST_ITEMS, "a list of {} values", values.len());
            values.iter().for_each(bounded);
        }
        _ => {}
    }
}
