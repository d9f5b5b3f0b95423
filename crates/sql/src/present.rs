// SPDX-License-Identifier: Apache-2.0
//! What lies in columns, as SQL shows it.
//!
//! | stored | shown |
//! |---|---|
//! | an address, a network | text: `203.0.113.7`, `203.0.113.0/24` |
//! | whole numbers of every width | Int64 |
//! | a duration | Float64, in seconds: every tool can compare, sum and draw it |
//! | identifiers of people, where the session may not see them whole | text that [`Mask`] makes |
//! | lists and records | the same of what is in them |
//! | bytes | not at all |
//!
//! What people wrote about people (a reason's words, a note) is null in a session that may not see identifiers whole.

use crate::mask::Mask;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, ListArray, RecordBatch, StringArray, StructArray, new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, DurationMicrosecondType, Field, FieldRef, Fields, Float64Type, Schema,
};
use datafusion::arrow::error::ArrowError;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use wardroom_event::{Micros, Type, Value};

/// The metadata's key for the type of the policy language.
const TYPE: &str = "wardroom.type";
/// The metadata's key for what a column is: `meta`, `known`, `field`, `fact` or `served`.
const ROLE: &str = "wardroom.role";
/// Columns whose type of entity stands in another column: theirs, and the other.
const KINDS: [(&str, &str); 2] = [("subject", "subject_kind"), ("value", "kind")];
/// Texts by people or with values in them, which have no type of their own.
const WORDS: [&str; 3] = ["because", "note", "effects"];

/// How a column's values are shown.
#[derive(Clone, Debug)]
pub(crate) enum How {
    /// As they lie.
    Same,
    /// In another type of Arrow.
    Cast(DataType),
    /// An address as text.
    Ip,
    /// A network as text.
    Net,
    /// A duration in seconds.
    Seconds,
    /// An identifier of this type, masked.
    Masked(Type),
    /// An identifier, masked if the type in this other column says that it is a person's.
    MaskedBy(Box<str>),
    /// Null.
    Withheld,
    /// Each item of a list.
    Items(FieldRef, Box<How>),
    /// Fields of a record, each from the place it has there.
    Fields(Fields, Vec<(usize, How)>),
}

/// A column as SQL has it.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Its name, stored and shown.
    pub(crate) name: Box<str>,
    /// Its shown form.
    pub(crate) field: FieldRef,
    /// Whether it says something about the row, not the event.
    pub(crate) meta: bool,
    how: How,
}

/// The columns of a stored table that SQL shows, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) columns: Vec<Column>,
}

impl Layout {
    /// What is shown of a table stored like this, to who sees through `mask` or, without one, everything.
    pub(crate) fn of(stored: &Schema, masked: bool) -> Layout {
        let columns = stored.fields().iter().filter(|field| !is_bytes(field.data_type())).map(|field| {
            let role = field.metadata().get(ROLE).map(String::as_str);
            let meta = !matches!(role, Some("field" | "fact" | "served"));
            let sibling = KINDS
                .iter()
                .find(|(name, kind)| name == field.name() && stored.field_with_name(kind).is_ok() && masked);
            let (how, shown) = match sibling {
                Some((_, kind)) if is_text(field.data_type()) => {
                    (How::MaskedBy((*kind).into()), DataType::Utf8)
                }
                _ => how(field, masked, meta),
            };
            let field = Field::new(field.name(), shown, true).with_metadata(field.metadata().clone());
            Column { name: field.name().as_str().into(), field: Arc::new(field), meta, how }
        });
        Layout { columns: columns.collect() }
    }

    /// The stored columns that these shown ones are made of.
    pub(crate) fn needed(&self, shown: &[usize]) -> Vec<Box<str>> {
        let mut names: Vec<Box<str>> = Vec::with_capacity(shown.len());
        let mut add = |name: &str| {
            if !names.iter().any(|n| &**n == name) {
                names.push(name.into());
            }
        };
        for column in shown.iter().filter_map(|&at| self.columns.get(at)) {
            add(&column.name);
            if let How::MaskedBy(kind) = &column.how {
                add(kind);
            }
        }
        names
    }

    /// A column's values as they are shown.
    pub(crate) fn show(
        &self,
        at: usize,
        batch: &RecordBatch,
        mask: Option<&Mask>,
    ) -> Result<ArrayRef, ArrowError> {
        let column = self.columns.get(at).ok_or_else(|| fault("no such column"))?;
        let Some(stored) = batch.column_by_name(&column.name) else {
            // A file from before the column came about.
            return Ok(new_null_array(column.field.data_type(), batch.num_rows()));
        };
        match &column.how {
            How::MaskedBy(kind) => {
                let kinds = batch.column_by_name(kind).ok_or_else(|| fault("no column of kinds"))?;
                masked_by(stored, kinds, mask)
            }
            how => show(stored, how, column.field.data_type(), mask),
        }
    }

    /// What a value given in SQL is where the column is stored; none where that cannot be said, or must not be asked.
    pub(crate) fn stored(&self, name: &str, text: &str) -> Option<Value> {
        let column = self.columns.iter().find(|c| &*c.name == name)?;
        match (&column.how, column.field.data_type()) {
            (How::Same, DataType::Utf8) => Some(Value::Text(text.into())),
            (How::Ip, _) => text.parse().ok().map(Value::Ip),
            (How::Net, _) => text.parse().ok().map(Value::Net),
            _ => None,
        }
    }
}

fn fault(why: &str) -> ArrowError {
    ArrowError::ComputeError(why.to_owned())
}

fn is_bytes(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        || matches!(kind, DataType::Dictionary(_, of) if is_text(of))
}

/// How a field is shown, and in which type.
fn how(field: &Field, masked: bool, meta: bool) -> (How, DataType) {
    use DataType as D;
    if masked && WORDS.contains(&field.name().as_str()) && meta {
        let shown = how(field, false, meta).1;
        return (How::Withheld, shown);
    }
    let named = field.metadata().get(TYPE).map(String::as_str);
    match field.data_type() {
        kind if is_text(kind) => {
            let of = match named {
                Some(name) => Type::named(name),
                // What lies inside a list and does not say what it is may be anybody.
                None if !meta => Some(Type::Account),
                None => None,
            };
            match of {
                Some(of) if masked && of.is_personal() => (How::Masked(of), D::Utf8),
                _ if *kind == D::Utf8 => (How::Same, D::Utf8),
                _ => (How::Cast(D::Utf8), D::Utf8),
            }
        }
        D::FixedSizeBinary(16) => (How::Ip, D::Utf8),
        D::FixedSizeBinary(17) => (How::Net, D::Utf8),
        D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 | D::Int8 | D::Int16 | D::Int32 => {
            (How::Cast(D::Int64), D::Int64)
        }
        D::Float16 | D::Float32 => (How::Cast(D::Float64), D::Float64),
        D::Duration(_) => (How::Seconds, D::Float64),
        D::List(item) => {
            let inner = item_of(item, field);
            let (items, shown) = how(&inner, masked, meta);
            let item = Arc::new(Field::new(item.name(), shown, true));
            (How::Items(item.clone(), Box::new(items)), D::List(item))
        }
        D::Struct(fields) => {
            let kept = fields.iter().enumerate().filter(|(_, field)| !is_bytes(field.data_type()));
            let shown = kept.map(|(at, field)| {
                let (how, kind) = how(field, masked, meta);
                ((at, how), Field::new(field.name(), kind, true))
            });
            let (hows, fields): (Vec<_>, Vec<_>) = shown.unzip();
            let fields = Fields::from(fields);
            (How::Fields(fields.clone(), hows), D::Struct(fields))
        }
        kind => (How::Same, kind.clone()),
    }
}

/// A list's item with the type that the list's own metadata gives it: `list(account)`.
fn item_of(item: &Field, list: &Field) -> Field {
    let of = list.metadata().get(TYPE).and_then(|t| t.strip_prefix("list(")?.strip_suffix(')'));
    match (of, item.metadata().get(TYPE)) {
        (Some(of), None) => {
            let metadata = [(TYPE.to_owned(), of.to_owned())].into();
            Field::new(item.name(), item.data_type().clone(), true).with_metadata(metadata)
        }
        _ => item.clone(),
    }
}

fn show(stored: &ArrayRef, how: &How, shown: &DataType, mask: Option<&Mask>) -> Result<ArrayRef, ArrowError> {
    Ok(match how {
        How::Same => stored.clone(),
        How::Cast(to) => cast(stored, to)?,
        How::Withheld => new_null_array(shown, stored.len()),
        How::Ip => texts(stored, |bytes| ip(bytes).map(|ip| ip.to_string()))?,
        How::Net => texts(stored, |bytes| net(bytes).map(|net| net.to_string()))?,
        How::Seconds => {
            let micros =
                cast(stored, &DataType::Duration(datafusion::arrow::datatypes::TimeUnit::Microsecond))?;
            let micros = micros.as_primitive::<DurationMicrosecondType>();
            Arc::new(micros.unary::<_, Float64Type>(|micros| micros as f64 / 1e6))
        }
        How::Masked(kind) => {
            let mask = mask.ok_or_else(|| fault("no mask"))?;
            let stored = cast(stored, &DataType::Utf8)?;
            let shown: StringArray = stored
                .as_string::<i32>()
                .iter()
                .map(|text| text.map(|text| mask.mask(*kind, text)))
                .collect();
            Arc::new(shown)
        }
        How::MaskedBy(_) => return Err(fault("a kind beside a nested value")),
        How::Items(item, inner) => {
            let list = stored.as_list_opt::<i32>().ok_or_else(|| fault("no list"))?;
            let values = show(list.values(), inner, item.data_type(), mask)?;
            Arc::new(ListArray::try_new(item.clone(), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        How::Fields(fields, hows) => {
            let record = stored.as_struct_opt().ok_or_else(|| fault("no record"))?;
            let columns = hows.iter().zip(fields).map(|((at, how), field)| {
                let column = record.columns().get(*at).ok_or_else(|| fault("no such field"))?;
                show(column, how, field.data_type(), mask)
            });
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            let nulls = record.nulls().cloned();
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, record.len())?)
        }
    })
}

fn texts(stored: &ArrayRef, text: impl Fn(&[u8]) -> Option<String>) -> Result<ArrayRef, ArrowError> {
    let bytes = stored.as_fixed_size_binary_opt().ok_or_else(|| fault("no bytes"))?;
    let shown: StringArray = bytes.iter().map(|bytes| bytes.and_then(&text)).collect();
    Ok(Arc::new(shown))
}

fn masked_by(stored: &ArrayRef, kinds: &ArrayRef, mask: Option<&Mask>) -> Result<ArrayRef, ArrowError> {
    let mask = mask.ok_or_else(|| fault("no mask"))?;
    let (stored, kinds) = (cast(stored, &DataType::Utf8)?, cast(kinds, &DataType::Utf8)?);
    let rows = stored.as_string::<i32>().iter().zip(kinds.as_string::<i32>().iter());
    let shown: StringArray = rows
        .map(|(text, kind)| {
            let text = text?;
            Some(match kind.and_then(Type::named) {
                Some(kind) if kind.is_personal() => mask.mask(kind, text),
                Some(_) => text.to_owned(),
                None if kind == Some("event") => text.to_owned(),
                None => mask.mask(Type::Account, text),
            })
        })
        .collect();
    Ok(Arc::new(shown))
}

/// The address of these bytes.
pub(crate) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    Some(Ipv6Addr::from(bytes).to_canonical())
}

/// The network of these bytes; none where its prefix is too long.
fn net(bytes: &[u8]) -> Option<IpNet> {
    let (len, address) = bytes.split_last()?;
    let address: [u8; 16] = address.try_into().ok()?;
    let address = Ipv6Addr::from(address);
    match address.to_ipv4_mapped() {
        Some(v4) if *len <= 32 => Ipv4Net::new(v4, *len).ok().map(IpNet::V4),
        _ => Ipv6Net::new(address, *len).ok().map(IpNet::V6),
    }
}

/// A time as PostgreSQL writes it: `2026-11-01 12:00:00.5+00`.
pub(crate) fn time_text(time: Micros) -> String {
    let text = time.to_string();
    match text.strip_suffix('Z') {
        Some(text) => text.replacen('T', " ", 1) + "+00",
        None => text,
    }
}
