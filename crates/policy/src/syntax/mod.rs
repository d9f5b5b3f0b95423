// SPDX-License-Identifier: Apache-2.0
//! Text to tree: tokens, then layout, then declarations and expressions.

mod cursor;
mod declare;
mod express;
pub(crate) mod layout;
pub(crate) mod lex;
pub(crate) mod tree;

use crate::{Bundle, limits};
use wardroom_report::{Diagnostic, Loc, Sources};

/// Parses every `.ward` file of a bundle; what cannot be understood is reported and left out.
pub(crate) fn parse_bundle(bundle: &Bundle, diagnostics: &mut Vec<Diagnostic>) -> (Vec<tree::File>, Sources) {
    let mut sources = Sources::new();
    let mut files = Vec::new();
    let mut bytes = 0;
    for (path, text) in bundle.sources() {
        let id = sources.add(path, text);
        bytes += text.len();
        let top = Loc { file: id, start: 0, end: 0 };
        if text.len() > limits::FILE_BYTES || bytes > limits::BUNDLE_BYTES || files.len() == limits::FILES {
            diagnostics.push(Diagnostic::error("W0005", top, "the policy is larger than its limits").note(
                format!(
                    "a file may have {} bytes, a policy {} files and {} bytes",
                    limits::FILE_BYTES,
                    limits::FILES,
                    limits::BUNDLE_BYTES
                ),
            ));
            break;
        }
        let tokens = lex::lex(id, text, diagnostics);
        let blocks = layout::blocks(&tokens);
        let decls = blocks.iter().filter_map(|b| declare::declaration(b, &sources, diagnostics)).collect();
        files.push(tree::File { namespace: Bundle::namespace(path), path: path.to_owned(), decls });
    }
    (files, sources)
}
