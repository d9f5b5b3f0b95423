// SPDX-License-Identifier: Apache-2.0
//! How values lie in Arrow, and values to arrays.
//!
//! | type | Arrow |
//! |---|---|
//! | `bool` | Boolean |
//! | `int`, `size` (bytes) | Int64 |
//! | `number`, `rate` (a second) | Float64 |
//! | `time` | Timestamp(Microsecond, "UTC") |
//! | `duration` | Duration(Microsecond) |
//! | `ip` | FixedSizeBinary(16): IPv6, or IPv4 mapped into it (`::ffff:a.b.c.d`) |
//! | `net` | FixedSizeBinary(17): the address likewise, then the length of the prefix as it is written |
//! | `list` of a record | List(Struct) |
//! | `list` of a type | List of that |
//! | all else | Utf8 |
//!
//! A network is one of IPv4 exactly if its address is mapped and its prefix at most 32 long: an IPv6 network with so
//! short a prefix has zeros where a mapped address has ones.

use super::ColumnError;
use arrow_array::{
    ArrayRef, BooleanArray, DurationMicrosecondArray, FixedSizeBinaryArray, Float64Array, Int64Array,
    ListArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field as ArrowField, Fields, TimeUnit};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use wardroom_event::{Field, Repr, Value};

/// Bytes of an address.
pub const IP: i32 = 16;
/// Bytes of a network.
pub const NET: i32 = 17;
/// What Arrow calls the values of a list.
pub(super) const ITEM: &str = "item";
/// The time zone of all times.
pub(super) const UTC: &str = "UTC";

/// The Arrow type of a field's values.
pub fn data_type(field: &Field) -> DataType {
    match field.kind.repr() {
        Repr::Bool => DataType::Boolean,
        Repr::Int => DataType::Int64,
        Repr::Number => DataType::Float64,
        Repr::Text => DataType::Utf8,
        Repr::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        Repr::Duration => DataType::Duration(TimeUnit::Microsecond),
        Repr::Ip => DataType::FixedSizeBinary(IP),
        Repr::Net => DataType::FixedSizeBinary(NET),
        Repr::List => DataType::List(item(field)),
    }
}

/// A field of a batch. All may be null: what a policy demands of an event today, it may not have demanded before.
pub fn arrow_field(field: &Field) -> ArrowField {
    ArrowField::new(&*field.name, data_type(field), true)
}

fn item(field: &Field) -> Arc<ArrowField> {
    let of = match field.items() {
        [plain] if plain.name.is_empty() => data_type(plain),
        fields => DataType::Struct(fields.iter().map(arrow_field).collect()),
    };
    Arc::new(ArrowField::new(ITEM, of, true))
}

/// An address's bytes.
pub fn ip_bytes(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// A network's bytes.
pub fn net_bytes(net: IpNet) -> [u8; 17] {
    let mut bytes = [0; 17];
    bytes[..16].copy_from_slice(&ip_bytes(net.addr()));
    bytes[16] = net.prefix_len();
    bytes
}

/// The address of these bytes.
pub fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    Some(Ipv6Addr::from(bytes).to_canonical())
}

/// The network of these bytes; none where its prefix is too long.
pub fn net(bytes: &[u8]) -> Option<IpNet> {
    let (len, address) = bytes.split_last()?;
    let address: [u8; 16] = address.try_into().ok()?;
    let address = Ipv6Addr::from(address);
    match address.to_ipv4_mapped() {
        Some(v4) if *len <= 32 => Ipv4Net::new(v4, *len).ok().map(IpNet::V4),
        _ => Ipv6Net::new(address, *len).ok().map(IpNet::V6),
    }
}

/// Values of a field as an array.
///
/// # Errors
/// When a value is not of the field's type.
pub fn array(field: &Field, values: &[&Value]) -> Result<ArrayRef, ColumnError> {
    macro_rules! optional {
        ($variant:ident, |$v:ident| $held:expr) => {
            values
                .iter()
                .enumerate()
                .map(|(row, value)| match value {
                    Value::Missing => Ok(None),
                    Value::$variant($v) => Ok(Some($held)),
                    _ => Err(misfit(field, row)),
                })
                .collect::<Result<Vec<Option<_>>, ColumnError>>()?
        };
    }
    Ok(match field.kind.repr() {
        Repr::Bool => Arc::new(BooleanArray::from(optional!(Bool, |b| *b))),
        Repr::Int => Arc::new(Int64Array::from(optional!(Int, |n| *n))),
        Repr::Number => Arc::new(Float64Array::from(optional!(Number, |n| *n))),
        Repr::Text => Arc::new(StringArray::from(optional!(Text, |t| &**t))),
        Repr::Time => Arc::new(TimestampMicrosecondArray::from(optional!(Time, |t| t.0)).with_timezone(UTC)),
        Repr::Duration => Arc::new(DurationMicrosecondArray::from(optional!(Duration, |d| d.0))),
        Repr::Ip => binary(optional!(Ip, |ip| ip_bytes(*ip)), IP)?,
        Repr::Net => binary(optional!(Net, |net| net_bytes(*net)), NET)?,
        Repr::List => list(field, values)?,
    })
}

fn misfit(field: &Field, row: usize) -> ColumnError {
    ColumnError::Value { name: field.name.clone(), row }
}

fn binary<const N: usize>(values: Vec<Option<[u8; N]>>, size: i32) -> Result<ArrayRef, ColumnError> {
    let array = FixedSizeBinaryArray::try_from_sparse_iter_with_size(values.into_iter(), size)?;
    Ok(Arc::new(array))
}

fn list(field: &Field, values: &[&Value]) -> Result<ArrayRef, ColumnError> {
    let fields = field.items();
    let width = fields.len().max(1);
    let mut lengths = Vec::with_capacity(values.len());
    let mut all: Vec<Vec<&Value>> = vec![Vec::new(); fields.len()];
    for (row, value) in values.iter().enumerate() {
        let items: &[Value] = match value {
            Value::Missing => &[],
            Value::List(items) if items.len() % width == 0 => items,
            _ => return Err(misfit(field, row)),
        };
        lengths.push(items.len() / width);
        for item in items.chunks(width) {
            all.iter_mut().zip(item).for_each(|(column, value)| column.push(value));
        }
    }
    let total: usize = lengths.iter().sum();
    if i32::try_from(total).is_err() {
        return Err(misfit(field, values.len()));
    }
    let arrays = fields.iter().zip(&all).map(|(f, v)| array(f, v)).collect::<Result<Vec<_>, _>>()?;
    let items: ArrayRef = match (fields, arrays.as_slice()) {
        ([plain], [array]) if plain.name.is_empty() => array.clone(),
        _ => {
            let names: Fields = fields.iter().map(arrow_field).collect();
            Arc::new(StructArray::try_new_with_length(names, arrays, None, total)?)
        }
    };
    let nulls: NullBuffer = values.iter().map(|v| !v.is_missing()).collect();
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(item(field), offsets, items, Some(nulls))?))
}
