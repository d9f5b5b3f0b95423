// SPDX-License-Identifier: Apache-2.0
//! Text to tree: tokens, then layout, then declarations and expressions.

pub(crate) mod cursor;
pub(crate) mod declare;
mod express;
#[cfg(test)]
mod grammar;
pub(crate) mod layout;
pub(crate) mod lex;
pub(crate) mod plain;
pub(crate) mod query;
pub(crate) mod tree;

use crate::sink::Sink;
use crate::{Bundle, limits};
use wardroom_report::{Diagnostic, FileId, Loc, Sources};

/// Parses every `.ward` file of a bundle; what cannot be understood is reported and left out.
pub(crate) fn parse_bundle(bundle: &Bundle, diagnostics: &mut Sink) -> (Vec<tree::File>, Sources) {
    let mut sources = Sources::new();
    let mut files = Vec::new();
    if let Some((path, diagnostic)) = too_large(bundle) {
        sources.add(path, "");
        diagnostics.push(diagnostic);
        return (files, sources);
    }
    for (path, text) in bundle.sources() {
        // Some editors begin a file with a byte-order mark; it says nothing about UTF-8.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let id = sources.add(path, text);
        let decls = parse_text(id, &sources, diagnostics);
        files.push(tree::File { namespace: Bundle::namespace(path), path: path.to_owned(), decls });
    }
    (files, sources)
}

/// Parses one text of `sources`.
pub(crate) fn parse_text(file: FileId, sources: &Sources, diagnostics: &mut Sink) -> Vec<tree::Decl> {
    let text = sources.text(file);
    report_turning(file, text, diagnostics);
    let tokens = lex::lex(file, text, diagnostics);
    layout::blocks(&tokens).iter().filter_map(|b| declare::declaration(b, sources, diagnostics)).collect()
}

/// The first file that goes beyond a limit, before anything is read.
fn too_large(bundle: &Bundle) -> Option<(&str, Diagnostic)> {
    let mut sum = 0;
    for (number, (path, text)) in bundle.files().enumerate() {
        sum += text.len();
        let message = if path.ends_with(".ward") && text.len() > limits::FILE_BYTES {
            format!("a file of {} bytes; a policy file may have {}", text.len(), limits::FILE_BYTES)
        } else if sum > limits::BUNDLE_BYTES {
            format!("the policy has more than {} bytes, list files counted", limits::BUNDLE_BYTES)
        } else if number == limits::FILES {
            format!("the policy has more than {} files", limits::FILES)
        } else {
            continue;
        };
        return Some((path, Diagnostic::error("W0005", Loc::default(), message)));
    }
    None
}

/// Whether a character turns the direction of writing (Unicode UAX #9).
pub(crate) fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that turn the direction of writing make a policy read otherwise than it works.
fn report_turning(file: FileId, text: &str, diagnostics: &mut Sink) {
    for (at, c) in text.char_indices().filter(|(_, c)| turns(*c)) {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let loc = Loc { file, start: offset(at), end: offset(at + c.len_utf8()) };
        let message = format!("a character that turns the direction of writing (U+{:04X})", u32::from(c));
        diagnostics.push(
            Diagnostic::error("W0001", loc, message)
                .note("it is invisible, and makes the lines around it look different from what they say"),
        );
    }
}
