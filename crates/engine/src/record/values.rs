// SPDX-License-Identifier: Apache-2.0
//! Typed values as bytes: a tag, then the value.

use super::Unreadable;
use super::bytes::{Input, put_i64, put_len, put_text};
use super::dictionary::many;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wardroom_event::{Micros, Span, Type, Value};

const MISSING: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const NUMBER: u8 = 4;
const TEXT: u8 = 5;
const TIME: u8 = 6;
const DURATION: u8 = 7;
const IPV4: u8 = 8;
const IPV6: u8 = 9;
const NETV4: u8 = 10;
const NETV6: u8 = 11;
const LIST: u8 = 12;

pub(crate) fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Missing => out.push(MISSING),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Int(n) => tagged_i64(out, INT, *n),
        Value::Number(n) => {
            out.push(NUMBER);
            out.extend_from_slice(&n.to_bits().to_le_bytes());
        }
        Value::Text(text) => {
            out.push(TEXT);
            put_text(out, text);
        }
        Value::Time(t) => tagged_i64(out, TIME, t.0),
        Value::Duration(d) => tagged_i64(out, DURATION, d.0),
        Value::Ip(ip) => put_ip(out, (IPV4, IPV6), *ip),
        Value::Net(net) => {
            put_ip(out, (NETV4, NETV6), net.addr());
            out.push(net.prefix_len());
        }
        Value::List(values) => {
            out.push(LIST);
            put_len(out, values.len());
            values.iter().for_each(|v| put_value(out, v));
        }
    }
}

/// How many bytes a value takes, at most.
pub(crate) fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Missing | Value::Bool(_) => 1,
        Value::Int(_) | Value::Number(_) | Value::Time(_) | Value::Duration(_) => 11,
        // A tag and a length of at most five bytes: a text longer than that fits nowhere.
        Value::Text(text) => 6 + text.len(),
        Value::Ip(_) | Value::Net(_) => 18,
        Value::List(values) => 6 + values.iter().map(value_bytes).sum::<usize>(),
    }
}

fn tagged_i64(out: &mut Vec<u8>, tag: u8, n: i64) {
    out.push(tag);
    put_i64(out, n);
}

fn put_ip(out: &mut Vec<u8>, (v4, v6): (u8, u8), ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            out.push(v4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(v6);
            out.extend_from_slice(&ip.octets());
        }
    }
}

pub(crate) fn value(input: &mut Input<'_>) -> Result<Value, Unreadable> {
    match input.byte()? {
        LIST => many(input, |i| scalar(i.byte()?, i)).map(|values| Value::List(values.into())),
        tag => scalar(tag, input),
    }
}

/// Passes over a value without making one.
pub(crate) fn skip_value(input: &mut Input<'_>) -> Result<(), Unreadable> {
    match input.byte()? {
        LIST => {
            for _ in 0..input.len()? {
                let tag = input.byte()?;
                skip_scalar(tag, input)?;
            }
            Ok(())
        }
        tag => skip_scalar(tag, input),
    }
}

fn skip_scalar(tag: u8, input: &mut Input<'_>) -> Result<(), Unreadable> {
    let bytes = match tag {
        MISSING | FALSE | TRUE => 0,
        INT | TIME | DURATION => return input.u64().map(drop),
        NUMBER => 8,
        TEXT => input.len()?,
        IPV4 => 4,
        IPV6 => 16,
        NETV4 => 5,
        NETV6 => 17,
        tag => return Err(format!("a value has the unknown tag {tag}")),
    };
    input.take(bytes).map(drop)
}

/// What is no list: there are none in a list, so no payload makes a reader go deep.
fn scalar(tag: u8, input: &mut Input<'_>) -> Result<Value, Unreadable> {
    Ok(match tag {
        MISSING => Value::Missing,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        INT => Value::Int(input.i64()?),
        NUMBER => Value::Number(f64::from_bits(u64::from_le_bytes(input.array()?))),
        TEXT => Value::Text(input.text()?.into()),
        TIME => Value::Time(Micros(input.i64()?)),
        DURATION => Value::Duration(Span(input.i64()?)),
        IPV4 => Value::Ip(v4(input)?),
        IPV6 => Value::Ip(v6(input)?),
        NETV4 => net(v4(input)?, input.byte()?)?,
        NETV6 => net(v6(input)?, input.byte()?)?,
        tag => return Err(format!("a value has the unknown tag {tag}")),
    })
}

fn v4(input: &mut Input<'_>) -> Result<IpAddr, Unreadable> {
    Ok(Ipv4Addr::from(input.array::<4>()?).into())
}

fn v6(input: &mut Input<'_>) -> Result<IpAddr, Unreadable> {
    Ok(Ipv6Addr::from(input.array::<16>()?).into())
}

fn net(ip: IpAddr, len: u8) -> Result<Value, Unreadable> {
    IpNet::new(ip, len).map(Value::Net).map_err(|_| format!("a network has a prefix of {len}"))
}

/// A type, by its name: numbers of types would tie the journal to the order of an enum.
pub(crate) fn kind(input: &mut Input<'_>) -> Result<Type, Unreadable> {
    let name = input.text()?;
    KIND_BYTES.into_iter().find(|k| k.name() == name).ok_or_else(|| format!("an unknown type `{name}`"))
}

/// A type as one byte, for reasons, where a name would be longer than the value.
pub(crate) fn put_kind_byte(out: &mut Vec<u8>, kind: Type) {
    let at = KIND_BYTES.iter().position(|k| *k == kind).unwrap_or(usize::from(u8::MAX));
    out.push(u8::try_from(at).unwrap_or(u8::MAX));
}

pub(crate) fn kind_byte(input: &mut Input<'_>) -> Result<Type, Unreadable> {
    let at = input.byte()?;
    KIND_BYTES.get(usize::from(at)).copied().ok_or_else(|| format!("an unknown type {at}"))
}

/// The byte of each type. Part of the format: append, never reorder.
const KIND_BYTES: [Type; 20] = [
    Type::Bool,
    Type::Int,
    Type::Number,
    Type::Text,
    Type::Time,
    Type::Duration,
    Type::Ip,
    Type::Net,
    Type::Account,
    Type::Device,
    Type::Domain,
    Type::Email,
    Type::Url,
    Type::Phone,
    Type::Wallet,
    Type::Size,
    Type::Rate,
    Type::UserAgent,
    Type::Enum,
    Type::List,
];

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let list = proptest::collection::vec(any_scalar(), 0..5);
        prop_oneof![9 => any_scalar(), 1 => list.prop_map(|values| Value::List(values.into()))]
    }

    fn any_scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Missing),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (-1e300..1e300).prop_map(Value::Number),
            prop::sample::select(vec![0.0, -0.0, f64::MIN_POSITIVE, f64::MAX, 0.1]).prop_map(Value::Number),
            ".{0,40}".prop_map(|t| Value::Text(t.into())),
            any::<i64>().prop_map(|t| Value::Time(Micros(t))),
            any::<i64>().prop_map(|t| Value::Duration(Span(t))),
            any::<IpAddr>().prop_map(Value::Ip),
            (any::<IpAddr>(), 0u8..=32).prop_map(|(ip, len)| Value::Net(IpNet::new_assert(ip, len))),
        ]
    }

    proptest! {
        #[test]
        fn values_round_trip(values in proptest::collection::vec(any_value(), 0..8)) {
            let mut out = Vec::new();
            values.iter().for_each(|v| put_value(&mut out, v));
            let (mut input, mut passed) = (Input::new(&out), Input::new(&out));
            for v in &values {
                prop_assert_eq!(&value(&mut input).unwrap(), v);
                skip_value(&mut passed).unwrap();
                prop_assert_eq!(passed.rest(), input.rest(), "what is passed over is as long as what is read");
            }
            prop_assert!(input.finish().is_ok());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut input = Input::new(&bytes);
            while value(&mut input).is_ok() {}
        }
    }

    #[test]
    fn lists_are_as_in_the_book_and_have_no_lists_in_them() {
        let mut out = Vec::new();
        put_value(&mut out, &Value::List([Value::Int(-2), Value::Text("a".into()), Value::Missing].into()));
        assert_eq!(out, [12, 3, 3, 3, 5, 1, b'a', 0]);
        let deep = [[12, 1].repeat(100_000), vec![0]].concat();
        assert!(value(&mut Input::new(&deep)).is_err());
        assert!(value(&mut Input::new(&[12, 0xff, 0xff, 0xff, 0x7f, 0])).is_err());
    }

    #[test]
    fn every_type_has_its_byte() {
        let composed = [Type::Enum, Type::List];
        assert!(Type::ALL.iter().chain(&composed).all(|t| KIND_BYTES.contains(t)));
    }
}
