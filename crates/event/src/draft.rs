// SPDX-License-Identifier: Apache-2.0
//! An event as its sender wrote it: JSON taken apart once, names and values not yet believed.
//!
//! Two JSON forms are read. CloudEvents 1.0 structured form (`specversion` is there): attributes at the top,
//! fields under `data`. Bare form: `type`, `id`, `time` and the fields side by side, or the fields under `data`.

use crate::{Fault, Faults, limits};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A JSON value that borrows from the bytes it was read from where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw<'a> {
    /// `null`: the same as absent.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// Any other number.
    Number(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// An array: all of its items, or one more than a list may have.
    List(Vec<Raw<'a>>),
    /// An object, in the order written.
    Map(Vec<(Cow<'a, str>, Raw<'a>)>),
}

impl Raw<'_> {
    /// What it is, for messages.
    pub fn what(&self) -> &'static str {
        match self {
            Raw::Null => "null",
            Raw::Bool(_) => "a boolean",
            Raw::Int(_) => "a whole number",
            Raw::Number(_) => "a number",
            Raw::Text(_) => "a string",
            Raw::List(_) => "an array",
            Raw::Map(_) => "an object",
        }
    }
}

/// An event as written: its envelope, and its fields by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft<'a> {
    /// The event type's name.
    pub kind: Cow<'a, str>,
    /// CloudEvents `source`, where given.
    pub source: Option<Cow<'a, str>>,
    /// The sender's id, where given.
    pub id: Option<Cow<'a, str>>,
    /// When it happened, where given.
    pub time: Option<crate::Micros>,
    /// The fields.
    pub fields: Vec<(Cow<'a, str>, Raw<'a>)>,
    /// Where the fields stood in what was sent: `""` or `"/data"`.
    pub prefix: &'static str,
}

impl<'a> Draft<'a> {
    /// Takes one JSON event apart.
    ///
    /// # Errors
    /// Not JSON, not an object, too large or too deep, or an envelope with anything wrong: every fault found.
    pub fn from_json(bytes: &'a [u8]) -> Result<Draft<'a>, Faults> {
        Draft::parse(bytes, None)
    }

    /// As [`Draft::from_json`], for an event whose type is known from elsewhere: it need not say it, and says no other.
    ///
    /// # Errors
    /// As there, and where it says another type.
    pub fn from_json_of(kind: &'static str, bytes: &'a [u8]) -> Result<Draft<'a>, Faults> {
        Draft::parse(bytes, Some(kind))
    }

    fn parse(bytes: &'a [u8], kind: Option<&'static str>) -> Result<Draft<'a>, Faults> {
        if bytes.len() > limits::EVENT_BYTES {
            let message = format!("the event has {} bytes; the most is {}", bytes.len(), limits::EVENT_BYTES);
            return Err(Faults::one("", "too_large", message));
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let raw = RawSeed { depth: 0 }
            .deserialize(&mut json)
            .and_then(|raw| json.end().map(|()| raw))
            .map_err(|e| Faults::one("", "not_json", syntax_message(bytes, &e)))?;
        match raw {
            Raw::Map(members) => envelope(members, kind),
            other => Err(Faults::one(
                "",
                "not_an_object",
                format!("an event is a JSON object; this is {}", other.what()),
            )),
        }
    }
}

/// serde_json's words without its line and column where the event is one line, as in NDJSON.
fn syntax_message(bytes: &[u8], error: &serde_json::Error) -> String {
    if bytes.is_empty() {
        return "the body is empty; send one event as a JSON object".to_owned();
    }
    format!("not JSON: {error}")
}

/// The members that belong to the envelope; all others are fields in bare form.
#[derive(Default)]
struct Attributes<'a> {
    specversion: Option<Raw<'a>>,
    kind: Option<Raw<'a>>,
    source: Option<Raw<'a>>,
    id: Option<Raw<'a>>,
    time: Option<Raw<'a>>,
    data: Option<Raw<'a>>,
    content: Option<Raw<'a>>,
}

fn envelope<'a>(
    mut members: Vec<(Cow<'a, str>, Raw<'a>)>,
    kind: Option<&'static str>,
) -> Result<Draft<'a>, Faults> {
    let mut faults = Faults::new();
    let mut found = Attributes::default();
    // What stays are the fields, in their order and where they are.
    members.retain_mut(|(name, raw)| {
        let place = match &**name {
            "specversion" => &mut found.specversion,
            "type" => &mut found.kind,
            "source" => &mut found.source,
            "id" => &mut found.id,
            "time" => &mut found.time,
            "data" => &mut found.data,
            "datacontenttype" => &mut found.content,
            _ => return true,
        };
        if place.is_some() {
            faults.add(crate::fault::pointer("", name), "repeated", format!("`{name}` is given twice"));
        }
        *place = Some(std::mem::replace(raw, Raw::Null));
        false
    });
    if let Some(kind) = kind {
        match &found.kind {
            None | Some(Raw::Null) => found.kind = Some(Raw::Text(kind.into())),
            Some(Raw::Text(said)) if said == kind => {}
            Some(_) => {
                faults.add("/type", "wrong_type", format!("`type` is \"{kind}\" here, and need not be said"));
            }
        }
    }
    let draft = assemble(found, members, &mut faults);
    match draft {
        Some(draft) if faults.is_empty() => Ok(draft),
        _ => Err(faults),
    }
}

fn assemble<'a>(
    found: Attributes<'a>,
    mut others: Vec<(Cow<'a, str>, Raw<'a>)>,
    faults: &mut Faults,
) -> Option<Draft<'a>> {
    let cloud = found.specversion.is_some();
    if cloud {
        check_cloud(&found, faults);
    }
    if others.iter().any(|(name, _)| name == "data_base64") {
        faults.add(
            "/data_base64",
            "not_supported",
            "binary data is not read; send the fields as JSON under `data`",
        );
    }
    let kind = required_text("type", found.kind, faults);
    let source = optional_text("source", found.source, faults);
    let id = optional_text("id", found.id, faults);
    let time = time(found.time, faults);
    let prefix = match found.data {
        None | Some(Raw::Null) if cloud => {
            // Extension attributes of CloudEvents are not fields.
            others.clear();
            "/data"
        }
        None | Some(Raw::Null) => "",
        Some(Raw::Map(fields)) => {
            if !cloud {
                beside_data(&others, faults);
            }
            others = fields;
            "/data"
        }
        Some(other) => {
            faults.add(
                "/data",
                "wrong_type",
                format!("`data` holds the event's fields as an object; this is {}", other.what()),
            );
            ""
        }
    };
    Some(Draft { kind: kind?, source, id, time, fields: others, prefix })
}

/// What CloudEvents 1.0 requires beyond what a bare event does.
fn check_cloud(found: &Attributes<'_>, faults: &mut Faults) {
    match &found.specversion {
        Some(Raw::Text(v)) if v == "1.0" => {}
        _ => faults.add(
            "/specversion",
            "wrong_version",
            "CloudEvents `specversion` must be the string \"1.0\"",
        ),
    }
    for (name, value) in [("id", &found.id), ("source", &found.source)] {
        if value.is_none() {
            faults.add("", "missing_attribute", format!("CloudEvents requires `{name}`"));
        }
    }
    match &found.content {
        None | Some(Raw::Null) => {}
        Some(Raw::Text(t)) if t == "application/json" || t.ends_with("+json") => {}
        Some(_) => faults.add("/datacontenttype", "not_supported", "`data` must be application/json"),
    }
}

fn beside_data(others: &[(Cow<'_, str>, Raw<'_>)], faults: &mut Faults) {
    for (name, _) in others {
        let message =
            format!("`{name}` stands beside `data`; fields go either all at the top or all under `data`");
        faults.add(crate::fault::pointer("", name), "unknown_field", message);
    }
}

fn required_text<'a>(name: &str, raw: Option<Raw<'a>>, faults: &mut Faults) -> Option<Cow<'a, str>> {
    if matches!(raw, None | Some(Raw::Null)) {
        faults.add("", "missing_attribute", format!("`{name}` is missing"));
        return None;
    }
    optional_text(name, raw, faults)
}

fn optional_text<'a>(name: &str, raw: Option<Raw<'a>>, faults: &mut Faults) -> Option<Cow<'a, str>> {
    let fault = match raw? {
        Raw::Null => return None,
        Raw::Text(text) if text.is_empty() => "must not be empty".to_owned(),
        Raw::Text(text) if text.len() > limits::ID_BYTES => {
            format!("is longer than {} bytes", limits::ID_BYTES)
        }
        Raw::Text(text) => return Some(text),
        other => format!("must be a string; this is {}", other.what()),
    };
    faults.add(format!("/{name}"), "wrong_type", format!("`{name}` {fault}"));
    None
}

fn time(raw: Option<Raw<'_>>, faults: &mut Faults) -> Option<crate::Micros> {
    let parsed = match raw? {
        Raw::Null => return None,
        Raw::Text(text) => crate::Micros::parse(&text),
        _ => None,
    };
    if parsed.is_none() {
        let message = "`time` must be RFC 3339, such as \"2026-01-05T10:00:00Z\"";
        faults.add("/time", "wrong_type", message);
    }
    parsed
}

/// Reads any JSON value into a [`Raw`], within the limits.
struct RawSeed {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for RawSeed {
    type Value = Raw<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RawSeed {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Raw<'de>, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Raw<'de>, E> {
        Ok(Raw::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Raw<'de>, E> {
        Ok(Raw::Int(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Raw<'de>, E> {
        Ok(i64::try_from(n).map_or(Raw::Number(n as f64), Raw::Int))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Raw<'de>, E> {
        Ok(Raw::Number(n))
    }

    fn visit_borrowed_str<E>(self, s: &'de str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Borrowed(s)))
    }

    fn visit_str<E>(self, s: &str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Owned(s.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw<'de>, A::Error> {
        let depth = deeper(self.depth)?;
        let mut list = Vec::new();
        while list.len() <= limits::LIST_ITEMS {
            let Some(item) = items.next_element_seed(RawSeed { depth })? else { return Ok(Raw::List(list)) };
            list.push(item);
        }
        while items.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Raw<'de>, A::Error> {
        let depth = deeper(self.depth)?;
        let mut map = Vec::with_capacity(12);
        while let Some(name) = members.next_key_seed(NameSeed)? {
            if map.len() == limits::MEMBERS {
                let message = format_args!("more than {} members in one object", limits::MEMBERS);
                return Err(de::Error::custom(message));
            }
            map.push((name, members.next_value_seed(RawSeed { depth })?));
        }
        Ok(Raw::Map(map))
    }
}

fn deeper<E: de::Error>(depth: usize) -> Result<usize, E> {
    if depth == limits::DEPTH {
        return Err(E::custom(format_args!("nested deeper than {} levels", limits::DEPTH)));
    }
    Ok(depth + 1)
}

/// A member's name, borrowed where it has no escapes.
struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, s: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(s))
    }

    fn visit_str<E>(self, s: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(s.to_owned()))
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Faults {
        Faults::one(fault.pointer, fault.code, fault.message)
    }
}
