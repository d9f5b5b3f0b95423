// SPDX-License-Identifier: Apache-2.0
//! The JSON form of policy text: for programs that write, read or compare policies without a parser of their own.
//!
//! It is the tree of a file, one object a declaration, and says what the text says but for comments, blanks and
//! brackets that change nothing. `docs/src/json-form.md` shows each kind of declaration and expression.

mod express;
mod read;
mod reader;
mod write;

use crate::format::{Refusal, format, print, read as parse};
use crate::limits;
use reader::{Failed, Reader};
use serde::Deserialize as _;
use serde_json::Value;

/// The number of this form; another form will have another.
pub const VERSION: u64 = 1;

/// The JSON form of a text without faults of syntax. With `places`, declarations and expressions say under `at` in which
/// line and column they begin, both from 1. `path` is the name shown with faults.
pub fn to_json(path: &str, text: &str, places: bool) -> Result<Value, Refusal> {
    let (decls, sources) = parse(path, text)?;
    Ok(write::document(&decls, places.then(|| sources.text(wardroom_report::FileId::default()))))
}

/// The text of a JSON form, formatted; or each fault with the JSON pointer of where it is.
pub fn from_json(value: &Value) -> Result<String, Vec<String>> {
    let mut reader = Reader::default();
    let decls = match reader.document(value) {
        Ok(decls) if reader.is_content() => decls,
        Ok(_) | Err(Failed) => return Err(reader.finish()),
    };
    let text = format("json", &print::print(&decls)).map_err(said)?;
    // What is written must be what was meant.
    let again = to_json("json", &text, false).map_err(said)?;
    if again == write::document(&decls, None) {
        Ok(text)
    } else {
        Err(vec!["(root): it says what no policy text can say".to_owned()])
    }
}

/// The same for JSON that has not been read yet.
pub fn from_json_text(json: &str) -> Result<String, Vec<String>> {
    let refuse = |why: String| Err(vec![format!("(root): {why}")]);
    if json.len() > limits::JSON_BYTES {
        return refuse(format!("{} bytes; the JSON form may have {}", json.len(), limits::JSON_BYTES));
    }
    if depth(json) > limits::JSON_DEPTH {
        return refuse(format!("nested deeper than {} levels", limits::JSON_DEPTH));
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    // Bounded above, by what the language allows.
    deserializer.disable_recursion_limit();
    match Value::deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => from_json(&value),
        Err(error) => refuse(format!("no JSON: {error}")),
    }
}

fn said(refusal: Refusal) -> Vec<String> {
    refusal.diagnostics.iter().map(|d| format!("(root): {}", d.message)).collect()
}

/// The deepest nesting of a JSON text, right or not.
fn depth(json: &str) -> usize {
    let (mut depth, mut most) = (0usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

#[cfg(test)]
mod tests;
