// SPDX-License-Identifier: Apache-2.0
//! The fields of event types as bytes, with the shapes of enums and lists and what facts are about.

use super::Unreadable;
use super::bytes::{Input, put_len, put_text};
use super::dictionary::many;
use super::values::kind;
use std::sync::Arc;
use wardroom_event::{EventType, Fact, Field, Part, Shape, Type};

const OPTIONAL: u8 = 1;
const SHAPED: u8 = 2;
const FACT: u8 = 4;
const HASHED: u8 = 8;

const ONE_OF: u8 = 0;
const PLAIN_ITEMS: u8 = 1;
const RECORDS: u8 = 2;

/// Whether a head needs more than its first version can say.
pub(crate) fn beyond_first(event: &EventType) -> bool {
    event.fields.iter().any(|f| f.shape.is_some() || f.fact.is_some())
}

/// Whether a head needs more than its second version can say.
pub(crate) fn beyond_second(event: &EventType) -> bool {
    event.fields.iter().any(|f| f.hashed)
}

pub(crate) fn put_fields(out: &mut Vec<u8>, event: &EventType) {
    put_len(out, event.fields.len());
    for field in &event.fields {
        put_field(out, field);
        if let Some(fact) = field.fact {
            put_len(out, fact.of);
            put_text(out, fact.part.name());
        }
    }
}

/// All of a field but its fact, which the items of lists have none of.
fn put_field(out: &mut Vec<u8>, field: &Field) {
    put_text(out, &field.name);
    put_text(out, field.kind.name());
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(
        flag(field.optional, OPTIONAL)
            | flag(field.shape.is_some(), SHAPED)
            | flag(field.fact.is_some(), FACT)
            | flag(field.hashed, HASHED),
    );
    match field.shape.as_deref() {
        None => {}
        Some(Shape::OneOf(members)) => {
            out.push(ONE_OF);
            put_len(out, members.len());
            members.iter().for_each(|m| put_text(out, m));
        }
        Some(Shape::Items { record, fields }) => {
            out.push(if record.is_some() { RECORDS } else { PLAIN_ITEMS });
            record.iter().for_each(|name| put_text(out, name));
            put_len(out, fields.len());
            fields.iter().for_each(|f| put_field(out, f));
        }
    }
}

/// The fields of one event type, in a head of that version.
pub(crate) fn fields(input: &mut Input<'_>, version: u8) -> Result<Vec<Field>, Unreadable> {
    let mut fields: Vec<Field> = Vec::new();
    for _ in 0..input.len()? {
        let (name, kind) = (input.text()?, kind(input)?);
        let flags = input.byte()?;
        let field = if version == 1 {
            plain(name, kind, flags != 0)?
        } else {
            let fact = flags & FACT != 0;
            let hashed = version > 2 && flags & HASHED != 0;
            let known = if version > 2 { FACT | HASHED } else { FACT };
            let field = field(input, name, kind, flags & !known, false)?;
            Field { hashed, fact: if fact { Some(self::fact(input, &fields)?) } else { None }, ..field }
        };
        fields.push(field);
    }
    Ok(fields)
}

fn plain(name: &str, kind: Type, optional: bool) -> Result<Field, Unreadable> {
    match kind {
        Type::Enum | Type::List => Err(format!("field `{name}` is of type `{kind}` and has no shape")),
        _ => Ok(Field::plain(name, kind, optional)),
    }
}

/// The rest of a field, after its flags. `inner`: it belongs to the items of a list, which are no lists.
fn field(input: &mut Input<'_>, name: &str, kind: Type, flags: u8, inner: bool) -> Result<Field, Unreadable> {
    let optional = flags & OPTIONAL != 0;
    if flags & !(OPTIONAL | SHAPED) != 0 {
        return Err(format!("field `{name}` has the unknown flags {flags}"));
    }
    if flags & SHAPED == 0 {
        return plain(name, kind, optional);
    }
    let shape = match (input.byte()?, kind) {
        (ONE_OF, Type::Enum) => Shape::OneOf(many(input, |i| Ok(i.text()?.into()))?.into()),
        (PLAIN_ITEMS, Type::List) if !inner => items(input, None)?,
        (RECORDS, Type::List) if !inner => {
            let record = input.text()?.into();
            items(input, Some(record))?
        }
        (tag, _) => return Err(format!("field `{name}` is of type `{kind}` and has a shape of kind {tag}")),
    };
    Ok(Field { shape: Some(Arc::new(shape)), ..Field::plain(name, kind, optional) })
}

fn items(input: &mut Input<'_>, record: Option<Box<str>>) -> Result<Shape, Unreadable> {
    let fields = many(input, |i| {
        let (name, kind, flags) = (i.text()?, kind(i)?, i.byte()?);
        field(i, name, kind, flags, true)
    })?;
    match fields.len() {
        0 => Err("a list has items of no fields".to_owned()),
        2.. if record.is_none() => Err("a list of plain values has items of several fields".to_owned()),
        _ => Ok(Shape::Items { record, fields: fields.into() }),
    }
}

/// What a fact is about: a field before it, and a part of that field's type.
fn fact(input: &mut Input<'_>, before: &[Field]) -> Result<Fact, Unreadable> {
    let of = usize::try_from(input.u64()?).map_err(|_| "a number is too large")?;
    let name = input.text()?;
    let field = before.get(of).ok_or("a fact is about a field that does not come before it")?;
    match Part::named(field.kind, name) {
        Some((part, _)) => Ok(Fact { of, part }),
        None => Err(format!("a value of type {} has no part `{name}`", field.kind)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const NAME: &str = "[a-zé_.]{0,12}";

    fn any_plain() -> impl Strategy<Value = Field> {
        (NAME, prop::sample::select(Type::ALL.to_vec()), any::<bool>())
            .prop_map(|(name, kind, optional)| Field::plain(name, kind, optional))
    }

    fn shaped(name: String, kind: Type, optional: bool, shape: Shape) -> Field {
        Field { shape: Some(Arc::new(shape)), ..Field::plain(name, kind, optional) }
    }

    fn any_enum() -> impl Strategy<Value = Field> {
        (NAME, any::<bool>(), vec(".{0,8}", 0..4)).prop_map(|(name, optional, members)| {
            let members = members.into_iter().map(Into::into).collect();
            shaped(name, Type::Enum, optional, Shape::OneOf(members))
        })
    }

    fn any_list() -> impl Strategy<Value = Field> {
        let fields = vec(prop_oneof![any_plain(), any_enum()], 1..4);
        (NAME, any::<bool>(), prop::option::of(NAME), fields).prop_map(
            |(name, optional, record, mut fields)| {
                fields.truncate(if record.is_some() { 4 } else { 1 });
                let record = record.map(Into::into);
                shaped(name, Type::List, optional, Shape::Items { record, fields: fields.into() })
            },
        )
    }

    /// A fact about any of the fields before it that has parts.
    fn with_facts(mut fields: Vec<Field>, facts: Vec<prop::sample::Index>) -> Vec<Field> {
        for index in facts {
            let part = |(of, field): (usize, &Field)| {
                let parts = Part::ALL.into_iter().filter(|(_, t, ..)| *t == field.kind);
                parts.map(move |(part, _, name, kind)| (of, part, name, kind)).collect::<Vec<_>>()
            };
            let parts: Vec<_> = fields.iter().enumerate().flat_map(part).collect();
            if !parts.is_empty() {
                let (of, part, name, kind) = parts[index.index(parts.len())];
                let name = format!("{}.{name}", fields[of].name);
                fields.push(Field { fact: Some(Fact { of, part }), ..Field::plain(name, kind, true) });
            }
        }
        fields
    }

    pub(crate) fn any_event_type() -> impl Strategy<Value = EventType> {
        let field = prop_oneof![4 => any_plain(), 1 => any_enum(), 1 => any_list()];
        (NAME, vec(field, 0..6), vec(any::<prop::sample::Index>(), 0..3)).prop_map(|(name, fields, facts)| {
            EventType { name: name.into(), fields: with_facts(fields, facts) }
        })
    }

    /// The bytes are a format, as the book has it.
    #[test]
    fn the_layout_is_the_one_in_the_book() {
        let plain = Field::plain;
        let plan = shaped("p".into(), Type::Enum, true, Shape::OneOf(["a".into(), "bc".into()].into()));
        let link = Shape::Items { record: None, fields: [plain("", Type::Url, false)].into() };
        let file = Shape::Items {
            record: Some("att".into()),
            fields: [plain("s", Type::Size, true), plan.clone()].into(),
        };
        let fields = vec![
            plain("ip", Type::Ip, false),
            plan,
            shaped("u".into(), Type::List, false, link),
            shaped("f".into(), Type::List, true, file),
            Field { fact: Some(Fact { of: 0, part: Part::IpAsn }), ..plain("ip.asn", Type::Int, true) },
        ];
        let mut out = Vec::new();
        put_fields(&mut out, &EventType { name: "e".into(), fields: fields.clone() });
        let expect = b"\x05\x02ip\x02ip\x00\x01p\x04enum\x03\x00\x02\x01a\x02bc\x01u\x04list\x02\x01\x01\x00\x03url\x00\
            \x01f\x04list\x03\x02\x03att\x02\x01s\x04size\x01\x01p\x04enum\x03\x00\x02\x01a\x02bc\
            \x06ip.asn\x03int\x05\x00\x03asn";
        assert_eq!(out, expect, "{}", out.escape_ascii());
        assert_eq!(super::fields(&mut Input::new(&out), 3).unwrap(), fields);
        assert_eq!(super::fields(&mut Input::new(&out), 2).unwrap(), fields);
        let hashed = vec![Field { hashed: true, ..Field::plain("a", Type::Account, true) }];
        let (mut out, event) = (Vec::new(), EventType { name: "e".into(), fields: hashed.clone() });
        put_fields(&mut out, &event);
        assert_eq!((&out[..], beyond_second(&event)), (&b"\x01\x01a\x07account\x09"[..], true));
        assert_eq!(super::fields(&mut Input::new(&out), 3).unwrap(), hashed);
        assert!(super::fields(&mut Input::new(&out), 2).is_err());
    }

    /// What no policy declares is refused, so that nobody who goes by a schema trips over it.
    #[test]
    fn fields_that_cannot_be_are_refused() {
        let check = |bytes: &[u8], first_version: bool, expect: &str| {
            let read = super::fields(
                &mut Input::new(&[b"\x01\x01x", bytes].concat()),
                if first_version { 1 } else { 2 },
            );
            assert_eq!(read, Err(expect.to_owned()));
        };
        check(b"\x04enum\x00", true, "field `x` is of type `enum` and has no shape");
        check(b"\x04list\x01", false, "field `x` is of type `list` and has no shape");
        check(b"\x03int\x02\x00\x00", false, "field `x` is of type `int` and has a shape of kind 0");
        check(b"\x04list\x02\x00\x00", false, "field `x` is of type `list` and has a shape of kind 0");
        check(b"\x04enum\x02\x09", false, "field `x` is of type `enum` and has a shape of kind 9");
        check(b"\x03int\x08", false, "field `x` has the unknown flags 8");
        check(b"\x04list\x02\x01\x00", false, "a list has items of no fields");
        check(b"\x04list\x02\x02\x01r\x00", false, "a list has items of no fields");
        let two = b"\x04list\x02\x01\x02\x00\x03int\x00\x00\x03int\x00";
        check(two, false, "a list of plain values has items of several fields");
        let nested = b"\x04list\x02\x01\x01\x00\x04list\x02\x01\x01\x00\x03int\x00";
        check(nested, false, "field `` is of type `list` and has a shape of kind 1");
        check(b"\x04list\x02\x01\x01\x00\x03int\x04", false, "field `` has the unknown flags 4");
        check(b"\x03int\x04\x00\x03asn", false, "a fact is about a field that does not come before it");
        let fields = b"\x02\x01x\x04text\x00\x01y\x03int\x04\x00\x03asn";
        let read = super::fields(&mut Input::new(fields), 2);
        assert_eq!(read, Err("a value of type text has no part `asn`".to_owned()));
        assert!(super::fields(&mut Input::new(b"\x01\x01x\x03int\x07"), 1).unwrap()[0].optional);
    }
}
