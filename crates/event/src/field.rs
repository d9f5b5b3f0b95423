// SPDX-License-Identifier: Apache-2.0
//! Fields of event types and of records: name, type, and what a type alone does not say.

use crate::value::{SHOWN_CHARS, printable};
use crate::{Part, Sight, Type, Value};
use std::fmt::Write as _;
use std::sync::Arc;

/// Most of one item of a list that is shown, in characters.
const ITEM_CHARS: usize = 80;

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name. That of a fact is `FIELD.PART`, such as `ip.asn`; the one field of a list of plain values has none.
    pub name: Box<str>,
    /// What it holds.
    pub kind: Type,
    /// Whether an event may lack it.
    pub optional: bool,
    /// What belongs to an [`Type::Enum`] or a [`Type::List`]; other types have none.
    pub shape: Option<Arc<Shape>>,
    /// Where it comes from, if it is a fact. A fact may always be lacking.
    pub fact: Option<Fact>,
    /// Whether a keyed hash takes its value's place where the event comes in; see [`Field::may_be_hashed`].
    pub hashed: bool,
}

/// What a type needs beyond its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The texts an [`Type::Enum`] can be.
    OneOf(Box<[Box<str>]>),
    /// What the items of a [`Type::List`] are. None of their fields is itself a list.
    Items {
        /// The record's name; `None` for plain values.
        record: Option<Box<str>>,
        /// The record's fields; for plain values the one field, without a name.
        fields: Box<[Field]>,
    },
}

/// Where a fact comes from: what is looked up once, when the event arrives, and kept with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The slot of the field it is about.
    pub of: usize,
    /// Which part of that field.
    pub part: Part,
}

impl Field {
    /// A field whose type says all: no enum, no list, no fact.
    pub fn plain(name: impl Into<Box<str>>, kind: Type, optional: bool) -> Field {
        Field { name: name.into(), kind, optional, shape: None, fact: None, hashed: false }
    }

    /// Whether values of this type can be kept as keyed hashes: names of people and of what is theirs. A network address is
    /// looked up, put into networks and matched by them; hashed, little of that is left.
    pub fn may_be_hashed(kind: Type) -> bool {
        matches!(kind, Type::Account | Type::Device | Type::Email | Type::Phone | Type::Wallet | Type::Text)
    }

    /// Whether an event, or a record, may be without it.
    pub fn may_lack(&self) -> bool {
        self.optional || self.fact.is_some()
    }

    /// The texts its values can be; none for what is no enum.
    pub fn members(&self) -> &[Box<str>] {
        match self.shape.as_deref() {
            Some(Shape::OneOf(members)) => members,
            _ => &[],
        }
    }

    /// The fields of one item: as many values of the list belong to it. None for what is no list.
    pub fn items(&self) -> &[Field] {
        match self.shape.as_deref() {
            Some(Shape::Items { fields, .. }) => fields,
            _ => &[],
        }
    }

    /// Its value as a person reads it, as [`Value::show`] does; a list item by item, each masked by its own type and
    /// as many as fit a line.
    pub fn show(&self, value: &Value, sight: Sight) -> String {
        match value {
            Value::List(values) if !self.items().is_empty() => self.show_list(values, sight),
            _ => value.show(self.kind, sight),
        }
    }

    fn show_list(&self, values: &[Value], sight: Sight) -> String {
        let fields = self.items();
        let mut items = values.chunks(fields.len());
        let mut out = "[".to_owned();
        while let Some(item) = items.next() {
            out.push_str(&cut(show_item(fields, item, sight)));
            if items.len() > 0 && out.chars().count() > SHOWN_CHARS {
                let _ = write!(out, ", … {} more", items.len());
                break;
            }
            out.push_str(if items.len() > 0 { ", " } else { "" });
        }
        out + "]"
    }

    /// The type as policy writes it: `url`, `enum("free", "paid")`, `list(attachment)`.
    pub fn type_name(&self) -> String {
        match self.shape.as_deref() {
            None => self.kind.name().to_owned(),
            Some(Shape::OneOf(members)) => format!("enum({})", quoted(members, "")),
            Some(Shape::Items { record: Some(record), .. }) => format!("list({record})"),
            Some(Shape::Items { record: None, fields }) => {
                format!("list({})", fields.first().map(Field::type_name).unwrap_or_default())
            }
        }
    }
}

/// Texts in quotes, with commas and `last` before the last of them.
pub(crate) fn quoted(texts: &[Box<str>], last: &str) -> String {
    let mut out = String::new();
    for (i, text) in texts.iter().enumerate() {
        let before = if i == 0 { "" } else { ", " };
        let last = if i > 0 && i + 1 == texts.len() { last } else { "" };
        let _ = write!(out, "{before}{last}\"{}\"", printable(text, SHOWN_CHARS));
    }
    out
}

/// A plain value as it is, a record as `{name: invoice.pdf, size: 1.5MB}`.
fn show_item(fields: &[Field], item: &[Value], sight: Sight) -> String {
    if let ([field], [value]) = (fields, item)
        && field.name.is_empty()
    {
        return field.show(value, sight);
    }
    let known = fields.iter().zip(item).filter(|(_, value)| !value.is_missing());
    let parts: Vec<String> = known.map(|(f, v)| format!("{}: {}", f.name, f.show(v, sight))).collect();
    format!("{{{}}}", parts.join(", "))
}

/// At most [`ITEM_CHARS`] of one item.
fn cut(shown: String) -> String {
    match shown.char_indices().nth(ITEM_CHARS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(record: Option<&str>, fields: Vec<Field>) -> Field {
        let shape = Shape::Items { record: record.map(Into::into), fields: fields.into() };
        Field { shape: Some(Arc::new(shape)), ..Field::plain("l", Type::List, true) }
    }

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    #[test]
    fn lists_are_shown_item_by_item_and_masked_by_the_type_of_each() {
        let check = |field: &Field, values: Vec<Value>, sight: Sight, expect: &str| {
            assert_eq!(field.show(&Value::List(values.into()), sight), expect);
        };
        let accounts = list(None, vec![Field::plain("", Type::Account, false)]);
        check(&accounts, vec![text("alice"), text("bob")], Sight::Masked, "[al…, b…]");
        check(&accounts, vec![text("alice"), text("bob")], Sight::Full, "[alice, bob]");
        check(&accounts, vec![], Sight::Full, "[]");
        let many = vec![text(&"x".repeat(50)); 9];
        let x = "x".repeat(50);
        check(&accounts, many, Sight::Full, &format!("[{x}, {x}, {x}, {x}, … 5 more]"));
        check(
            &accounts,
            vec![text(&"x".repeat(99)), text("y")],
            Sight::Full,
            &format!("[{}…, y]", "x".repeat(80)),
        );
        let files = list(
            Some("attachment"),
            vec![
                Field::plain("name", Type::Text, true),
                Field::plain("size", Type::Size, false),
                Field::plain("from", Type::Account, false),
            ],
        );
        let values = vec![
            text("a.pdf\n"),
            Value::Int(1_500_000),
            text("alice"),
            Value::Missing,
            Value::Int(1),
            text("bo"),
        ];
        check(
            &files,
            values,
            Sight::Masked,
            "[{name: a.pdf\\u{a}, size: 1.5MB, from: al…}, {size: 1B, from: b…}]",
        );
        let shapeless = Field::plain("l", Type::List, true);
        check(&shapeless, vec![text("alice")], Sight::Full, "1 value");
    }

    #[test]
    fn types_are_written_as_in_policy() {
        let check = |field: &Field, expect: &str| assert_eq!(field.type_name(), expect);
        let plan = Field {
            shape: Some(Arc::new(Shape::OneOf(["free".into(), "paid".into()].into()))),
            ..Field::plain("plan", Type::Enum, true)
        };
        check(&Field::plain("u", Type::UserAgent, true), "user_agent");
        check(&plan, "enum(\"free\", \"paid\")");
        check(&list(None, vec![Field::plain("", Type::Url, false)]), "list(url)");
        check(&list(None, vec![Field { name: "".into(), ..plan.clone() }]), "list(enum(\"free\", \"paid\"))");
        check(&list(Some("attachment"), vec![plan]), "list(attachment)");
    }
}
