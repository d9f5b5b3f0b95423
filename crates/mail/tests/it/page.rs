// SPDX-License-Identifier: Apache-2.0
//! The page on reading names everything that reading may find, in the words that are shown with it.

use std::fmt::Write as _;

use wardroom_mail::kind::Kind;
use wardroom_mail::limits::Resource;
use wardroom_mail::read::{AttachmentMark, FileKind, HtmlMark, Oddity, UrlMark};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/mail-reading.md");
/// What stands before the tables, which are written by this test.
const MARK: &str = "<!-- What follows is written by `BLESS=1 cargo test -p wardroom-mail page`. -->\n";

/// The tables of all lists.
fn tables() -> String {
    let mut out = String::from(
        "\n## What one message may cost\n\n| resource | limit | when it runs out |\n|---|---|---|\n",
    );
    for resource in Resource::ALL {
        let name = format!("{resource:?}");
        writeln!(out, "| {name} | {} | `{}` |", resource.limit(), resource.oddity().name()).unwrap();
    }
    table::<Oddity>("Oddities of a message", &mut out);
    table::<HtmlMark>("What HTML does", &mut out);
    table::<UrlMark>("What is not plain about a URL", &mut out);
    table::<AttachmentMark>("What is not plain about an attachment", &mut out);
    table::<FileKind>("What a file is", &mut out);
    out
}

fn table<K: Kind>(title: &str, out: &mut String) {
    write!(out, "\n## {title}\n\n| name | what it says |\n|---|---|\n").unwrap();
    for kind in K::ALL {
        writeln!(out, "| `{}` | {} |", kind.name(), kind.words()).unwrap();
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a page of this repository, and the switch that writes it anew")]
fn the_page_names_all_that_is_found() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (words, have) = page.split_once(MARK).expect("the page has the mark before its tables");
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(PAGE, format!("{words}{MARK}{}", tables())).unwrap();
        return;
    }
    assert!(have == tables(), "docs/src/mail-reading.md has other tables; BLESS=1 rewrites them");
}

#[test]
fn no_list_has_a_name_twice() {
    fn names<K: Kind>() -> usize {
        let names: std::collections::BTreeSet<_> = K::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), K::ALL.len());
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
        );
        names.len()
    }
    assert!(names::<Oddity>() + names::<HtmlMark>() + names::<UrlMark>() + names::<AttachmentMark>() > 100);
    names::<FileKind>();
}
