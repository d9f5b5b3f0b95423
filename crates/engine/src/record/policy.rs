// SPDX-License-Identifier: Apache-2.0
//! A policy's texts in parts no longer than a journal record may be.

use super::Unreadable;
use super::bytes::{Input, put_text};
use crate::limits::POLICY_PART_BYTES;
use wardroom_policy::Bundle;

const VERSION: u8 = 1;

/// A piece of one file. Pieces of a file follow each other.
pub(crate) struct Part {
    pub(crate) path: String,
    pub(crate) text: Box<str>,
}

/// The payloads of a bundle's parts, in order.
pub(crate) fn encode_parts(bundle: &Bundle) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    for (path, text) in bundle.files() {
        let mut rest = text;
        loop {
            let mut end = rest.len().min(POLICY_PART_BYTES);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (piece, after) = rest.split_at(end);
            payloads.push(Part { path: path.to_owned(), text: piece.into() }.encode());
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    payloads
}

impl Part {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_text(&mut out, &self.path);
        put_text(&mut out, &self.text);
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Part, Unreadable> {
        let mut input = Input::new(payload);
        let version = input.byte()?;
        if version != VERSION {
            return Err(format!("a policy text of version {version}; this program reads version {VERSION}"));
        }
        let part = Part { path: input.text()?.to_owned(), text: input.text()?.into() };
        input.finish()?;
        Ok(part)
    }

    /// Puts parts together again.
    pub(crate) fn join(parts: Vec<Part>) -> Bundle {
        let mut bundle = Bundle::new();
        let mut open: Option<(String, String)> = None;
        for part in parts {
            match &mut open {
                Some((path, text)) if *path == part.path => text.push_str(&part.text),
                _ => {
                    if let Some((path, text)) = open.replace((part.path, part.text.into())) {
                        bundle.add(path, text);
                    }
                }
            }
        }
        if let Some((path, text)) = open {
            bundle.add(path, text);
        }
        bundle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_comes_back_whole() {
        let mut bundle = Bundle::new();
        bundle.add("a.ward", "event e:\n    a: account\n");
        // Two bytes each after one of one byte: no part ends where the limit is.
        bundle.add("b/list.txt", format!("x{}", "é".repeat(POLICY_PART_BYTES)));
        bundle.add("empty.txt", "");
        let payloads = encode_parts(&bundle);
        assert_eq!(payloads.len(), 5);
        let parts = payloads.iter().map(|p| Part::decode(p).unwrap()).collect();
        assert_eq!(Part::join(parts), bundle);
    }
}
