// SPDX-License-Identifier: Apache-2.0
//! What the server says: messages appended to a buffer, each with its length in front.

use super::values::Column;
use crate::engine::SqlError;
use bytes::{BufMut, BytesMut};

/// Appends one message of this type.
pub(super) fn message(out: &mut BytesMut, kind: u8, body: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    let at = out.len();
    out.put_i32(0);
    body(out);
    let length = u32::try_from(out.len() - at).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length);
    }
}

pub(super) fn text(out: &mut BytesMut, text: &str) {
    // A zero would end it early.
    out.extend(text.bytes().filter(|b| *b != 0));
    out.put_u8(0);
}

/// Asks for a password, begins or goes on with SASL, or lets in: by number.
pub(super) fn authentication(out: &mut BytesMut, number: i32, data: &[u8]) {
    message(out, b'R', |out| {
        out.put_i32(number);
        out.put_slice(data);
    });
}

pub(super) fn parameter(out: &mut BytesMut, name: &str, value: &str) {
    message(out, b'S', |out| {
        text(out, name);
        text(out, value);
    });
}

pub(super) fn key_data(out: &mut BytesMut, pid: i32, secret: i32) {
    message(out, b'K', |out| {
        out.put_i32(pid);
        out.put_i32(secret);
    });
}

/// That a newer version of the protocol is spoken as 3.0, and which options are unknown.
pub(super) fn older_protocol(out: &mut BytesMut, unknown: &[&str]) {
    message(out, b'v', |out| {
        out.put_i32(3 << 16);
        out.put_i32(i32::try_from(unknown.len()).unwrap_or(0));
        unknown.iter().for_each(|name| text(out, name));
    });
}

/// `I` idle, `T` in a transaction, `E` in one that failed.
pub(super) fn ready(out: &mut BytesMut, transaction: u8) {
    message(out, b'Z', |out| out.put_u8(transaction));
}

/// A message that is its type alone: `1` parsed, `2` bound, `3` closed, `n` no data, `s` suspended, `I` empty.
pub(super) fn bare(out: &mut BytesMut, kind: u8) {
    message(out, kind, |_| ());
}

pub(super) fn complete(out: &mut BytesMut, tag: &str) {
    message(out, b'C', |out| text(out, tag));
}

pub(super) fn parameter_types(out: &mut BytesMut, oids: &[u32]) {
    message(out, b't', |out| {
        out.put_u16(u16::try_from(oids.len()).unwrap_or(u16::MAX));
        oids.iter().for_each(|oid| out.put_u32(*oid));
    });
}

pub(super) fn columns(out: &mut BytesMut, columns: &[Column]) {
    message(out, b'T', |out| {
        out.put_u16(u16::try_from(columns.len()).unwrap_or(u16::MAX));
        for column in columns {
            text(out, &column.name);
            out.put_u32(0);
            out.put_u16(0);
            out.put_u32(column.oid);
            out.put_i16(column.size);
            out.put_i32(-1);
            out.put_i16(i16::from(column.binary));
        }
    });
}

/// What went wrong; `FATAL` ends the connection.
pub(super) fn error(out: &mut BytesMut, severity: &str, error: &SqlError) {
    message(out, b'E', |out| {
        let mut field = |kind: u8, value: &str| {
            out.put_u8(kind);
            text(out, value);
        };
        field(b'S', severity);
        field(b'V', severity);
        field(b'C', error.code());
        field(b'M', &error.message);
        if let Some(hint) = &error.hint {
            field(b'H', hint);
        }
        if let Some(position) = error.position {
            field(b'P', &position.to_string());
        }
        out.put_u8(0);
    });
}

pub(super) fn notice(out: &mut BytesMut, code: &str, said: &str) {
    message(out, b'N', |out| {
        for (kind, value) in [(b'S', "NOTICE"), (b'V', "NOTICE"), (b'C', code), (b'M', said)] {
            out.put_u8(kind);
            text(out, value);
        }
        out.put_u8(0);
    });
}
