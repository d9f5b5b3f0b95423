// SPDX-License-Identifier: Apache-2.0
//! Links between pages: the file is there, the anchor is there, and the book lists every page it has.
//!
//! Links to other sites are not followed: their trouble must not fail our tests.

use std::collections::BTreeMap;

use super::markdown::{self, At, Page};
use super::{Finding, Tree};

/// The book's pages.
const BOOK: &str = "docs/src/";

/// The book's table of contents.
const SUMMARY: &str = "docs/src/SUMMARY.md";

/// Checks every Markdown page.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let pages: BTreeMap<&str, Page> =
        tree.texts(".md").map(|(path, text)| (path, markdown::read(text))).collect();
    let mut findings = Vec::new();
    for (&path, page) in &pages {
        let faults =
            page.links.iter().filter_map(|link| Some((link.line, fault(tree, &pages, path, &link.what)?)));
        let absent = page
            .includes
            .iter()
            .filter_map(|include| Some((include.line, not_included(tree, path, include)?)));
        findings.extend(faults.chain(absent).map(|(line, message)| Finding::new(path, line, message)));
    }
    findings.extend(unlisted(&pages));
    findings
}

/// What is wrong with a link on a page, if anything.
fn fault(tree: &Tree, pages: &BTreeMap<&str, Page>, from: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { Some(from.to_owned()) } else { resolve(from, file) };
    let Some(path) = path.filter(|path| tree.has(path)) else {
        return Some(format!("links to `{target}`, which does not exist"));
    };
    if from.starts_with(BOOK) && !path.starts_with(BOOK) {
        return Some(format!(
            "links to `{target}`, which is outside the book and would be dead in it: name it as code"
        ));
    }
    let page = pages.get(path.as_str())?;
    let anchor = anchor.filter(|&anchor| !page.anchors.iter().any(|known| known == anchor))?;
    Some(format!("links to `{target}`, but {path} has no heading `#{anchor}`"))
}

/// An included file that is not there.
fn not_included(tree: &Tree, from: &str, include: &At<String>) -> Option<String> {
    let there = resolve(from, &include.what).is_some_and(|path| tree.text(&path).is_some());
    (!there).then(|| format!("includes `{}`, which does not exist", include.what))
}

/// A relative path seen from a page, without `.` and `..`; `None` when it leaves the repository.
fn resolve(from: &str, file: &str) -> Option<String> {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = if folder.is_empty() { Vec::new() } else { folder.split('/').collect() };
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    (!file.starts_with('/')).then(|| parts.join("/"))
}

/// Pages of the book that its table of contents does not list, or lists twice.
fn unlisted(pages: &BTreeMap<&str, Page>) -> Vec<Finding> {
    let of_book = pages.keys().filter(|path| path.starts_with(BOOK) && **path != SUMMARY);
    let Some(summary) = pages.get(SUMMARY) else {
        return of_book
            .take(1)
            .map(|_| Finding::new(SUMMARY, 0, "is missing; it lists the pages of the book"))
            .collect();
    };
    let listed: Vec<String> = summary.links.iter().filter_map(|link| resolve(SUMMARY, &link.what)).collect();
    let times = |path: &str| listed.iter().filter(|&known| known == path).count();
    of_book
        .filter_map(|&path| match times(path) {
            0 => Some(Finding::new(SUMMARY, 0, format!("does not list {path}"))),
            1 => None,
            more => Some(Finding::new(SUMMARY, 0, format!("lists {path} {more} times"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check_with;

    #[track_caller]
    fn check_link(from: &str, link: &str, expect: &[&str]) {
        let text = format!("# Top\n\n[words]({link})\n");
        let mut files = vec![
            (from, text.as_str()),
            ("docs/src/SUMMARY.md", "- [One](one.md)\n- [Deep](deep/two.md)\n"),
            ("docs/src/one.md", "# One\n## Life of an event\n"),
            ("docs/src/deep/two.md", "# Two\n"),
            ("policy/ssh/ssh.ward", ""),
        ];
        files.dedup_by_key(|(path, _)| *path);
        if let Some(at) = files[1..].iter().position(|(path, _)| *path == from) {
            files.remove(at + 1);
        }
        check_with(check, &files, expect);
    }

    #[test]
    fn links_lead_somewhere() {
        for link in [
            "docs/src/one.md",
            "./docs/src/one.md#life-of-an-event",
            "policy/ssh",
            "#top",
            "https://example.org/x#y",
            "mailto:a@example.org",
        ] {
            check_link("README.md", link, &[]);
        }
        check_link(
            "README.md",
            "docs/src/gone.md",
            &["README.md:3: links to `docs/src/gone.md`, which does not exist"],
        );
        check_link("README.md", "docs/src/one.md#gone", &["docs/src/one.md has no heading `#gone`"]);
        check_link("README.md", "#gone", &["README.md has no heading `#gone`"]);
        check_link("README.md", "../outside.md", &["which does not exist"]);
        check_link("README.md", "/docs/src/one.md", &["which does not exist"]);
    }

    #[test]
    fn the_book_links_only_to_itself() {
        check_link("docs/src/deep/two.md", "../one.md#life-of-an-event", &[]);
        check_link("docs/src/deep/two.md", "../../../policy/ssh/ssh.ward", &["docs/src/deep/two.md:3:"]);
    }

    #[test]
    fn the_table_of_contents_is_whole() {
        let book = |summary| [("docs/src/SUMMARY.md", summary), ("docs/src/one.md", "# One\n")];
        check_with(check, &book("- [One](one.md)\n"), &[]);
        check_with(check, &book("# Summary\n"), &["SUMMARY.md: does not list docs/src/one.md"]);
        check_with(check, &book("- [One](one.md)\n- [Again](one.md)\n"), &["lists docs/src/one.md 2 times"]);
        check_with(check, &[("docs/src/one.md", "")], &["docs/src/SUMMARY.md: is missing"]);
    }

    #[test]
    fn included_files_are_there() {
        let with = |text| {
            [("docs/src/SUMMARY.md", "[One](one.md)\n"), ("docs/src/one.md", text), ("policy/a.ward", "")]
        };
        check_with(check, &with("```\n{{#include ../../policy/a.ward:1:2}}\n```\n"), &[]);
        check_with(
            check,
            &with("{{#include ../../policy/b.ward}}\n"),
            &["one.md:1: includes `../../policy/b.ward`"],
        );
    }
}
