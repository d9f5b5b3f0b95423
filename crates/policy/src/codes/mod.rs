// SPDX-License-Identifier: Apache-2.0
//! The page of each diagnostic code, for `wardroom explain` and the book.

/// A table of pages: code, title, text.
macro_rules! pages {
    ($($code:literal $title:literal $text:literal)*) => {
        pub(super) const PAGES: &[super::Page] = &[$(super::Page { code: $code, title: $title, text: $text }),*];
    };
}

mod cases;
mod evidence;
mod features;
mod names;
mod query;
mod reading;
mod rules;
mod tables;
mod types;
mod whole;

use std::sync::LazyLock;

/// What a code means, with an example of the fault and of its mending.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The code, such as `W0201`.
    pub code: &'static str,
    /// The fault in a few words.
    pub title: &'static str,
    /// Why it is one, and what to do.
    pub text: &'static str,
}

/// Every page, in the order of the codes.
pub fn pages() -> &'static [Page] {
    static ALL: LazyLock<Vec<Page>> = LazyLock::new(|| {
        let of_the_parts = [names::PAGES, types::PAGES, features::PAGES, rules::PAGES, cases::PAGES];
        let of_the_rest = [evidence::PAGES, tables::PAGES, whole::PAGES, query::PAGES];
        [reading::PAGES, &of_the_parts.concat(), &of_the_rest.concat()].concat()
    });
    &ALL
}

/// The page of a code, in any case.
pub fn page(code: &str) -> Option<&'static Page> {
    pages().iter().find(|p| p.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn codes_are_in_order_and_found() {
        assert!(pages().windows(2).all(|w| w[0].code < w[1].code));
        assert_eq!(page("w0201").map(|p| p.title), Some("an unknown name"));
        assert!(page("W9999").is_none());
    }

    /// Every Rust file below a folder of this crate, with its text.
    fn sources(folder: &std::path::Path, out: &mut Vec<(std::path::PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let mut text = String::new();
                std::fs::File::open(&path).unwrap().take(1 << 20).read_to_string(&mut text).unwrap();
                out.push((path, text));
            }
        }
    }

    /// The codes a text names between quotes.
    fn named(text: &str) -> impl Iterator<Item = &str> {
        let is_code =
            |c: &&str| c.len() == 5 && c.starts_with('W') && c[1..].bytes().all(|b| b.is_ascii_digit());
        text.split('"').filter(is_code)
    }

    #[test]
    fn every_code_in_the_source_has_a_page_and_every_page_a_code() {
        let mut files = Vec::new();
        sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let mut seen = std::collections::BTreeSet::new();
        for (path, text) in files.iter().filter(|(path, _)| !path.to_string_lossy().contains("codes")) {
            for code in named(text) {
                assert!(page(code).is_some(), "{code} of {} has no page", path.display());
                seen.insert(code.to_owned());
            }
        }
        let idle: Vec<&str> = pages().iter().map(|p| p.code).filter(|c| !seen.contains(*c)).collect();
        assert!(idle.is_empty(), "{idle:?} are never said");
    }
}
