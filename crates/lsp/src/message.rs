// SPDX-License-Identifier: Apache-2.0
//! Messages of JSON-RPC 2.0: requests, notifications, answers.

use serde::Deserialize;
use serde_json::{Value, json};

/// What a client sent.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// It wants an answer.
    Request { id: Value, method: String, params: Value },
    /// It wants none.
    Notification { method: String, params: Value },
    /// An answer to a request of ours; there is nothing in one that we need.
    Response,
    /// No message; what is wrong with it.
    Bad(Fault),
    /// Nothing more comes, or nothing more can be understood.
    End,
}

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: i64,
    pub(crate) message: String,
}

pub(crate) const PARSE_ERROR: i64 = -32700;
pub(crate) const INVALID_REQUEST: i64 = -32600;
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;
pub(crate) const INVALID_PARAMS: i64 = -32602;
pub(crate) const INTERNAL_ERROR: i64 = -32603;
pub(crate) const NOT_INITIALIZED: i64 = -32002;
pub(crate) const REQUEST_FAILED: i64 = -32803;
pub(crate) const REQUEST_CANCELLED: i64 = -32800;

impl Fault {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into() }
    }
}

#[derive(Deserialize)]
struct Raw {
    // Absent and null differ: a request may have the id null, though it should not.
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    method: Option<String>,
    #[serde(default)]
    params: Value,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// Reads the body of a message.
pub(crate) fn parse(body: &[u8]) -> Incoming {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => return Incoming::Bad(Fault::new(PARSE_ERROR, format!("not JSON: {error}"))),
    };
    let bad = |why: &str| Incoming::Bad(Fault::new(INVALID_REQUEST, why));
    if !value.is_object() {
        return bad("a message is an object");
    }
    let Ok(raw) = serde_json::from_value::<Raw>(value) else { return bad("no message of JSON-RPC") };
    match (raw.id, raw.method) {
        (Some(id), _) if !(id.is_string() || id.is_i64() || id.is_u64() || id.is_null()) => {
            bad("an id is a number or a string")
        }
        (Some(id), Some(method)) => Incoming::Request { id, method, params: raw.params },
        (None, Some(method)) => Incoming::Notification { method, params: raw.params },
        (Some(_), None) => Incoming::Response,
        (None, None) => bad("neither an id nor a method"),
    }
}

/// An answer to the request with this id.
pub(crate) fn response(id: &Value, result: Result<Value, Fault>) -> Value {
    match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(fault) => {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": fault.code, "message": fault.message}})
        }
    }
}

/// Something the client is told.
pub(crate) fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}
