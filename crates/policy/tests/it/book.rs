// SPDX-License-Identifier: Apache-2.0
//! The book's pages on the language: every example compiles, every wrong one fails as the page says, and the page of
//! diagnostics is the one that the tool prints.
//!
//! In `language.md` the blocks marked `ward` are one policy, put together: `ward,file=ssh/rules.ward` names the file a
//! block belongs to, `ward,W0304` is one that must be refused with that code (on top of the others). Tables headed
//! `expression` hold, between backquotes in their first column, values of an event `login`.

use crate::support::{compiled, golden, path, read, said};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use wardroom_policy::{limits, pages};

const LANGUAGE: &str = "../../docs/src/language.md";
const DIAGNOSTICS: &str = "../../docs/src/diagnostics.md";

/// A fenced block: what stands after its fence, its text and the line it begins at.
struct Block {
    info: String,
    text: String,
    line: usize,
}

fn page() -> String {
    read(&path(LANGUAGE)).unwrap()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.to_owned(), text: String::new(), line: number + 2 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of the page does not end");
    blocks
}

/// What a block's fence says beside `ward`: the file, the code it must be refused with.
fn parts(block: &Block) -> (&str, Option<&str>) {
    let mut words = block.info.split(',').skip(1);
    let file = words.clone().find_map(|w| w.strip_prefix("file=")).unwrap_or("main.ward");
    (file, words.find(|w| w.starts_with('W')))
}

/// The page's policy, file by file. Each block stands at the line it has on the page, so that messages say where.
fn policy(blocks: &[Block]) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for block in blocks.iter().filter(|b| b.info.starts_with("ward") || b.info.starts_with("text,file=")) {
        let (file, code) = parts(block);
        if code.is_some() {
            continue;
        }
        let text = files.entry(file.to_owned()).or_default();
        if file.ends_with(".ward") {
            let line = text.matches('\n').count() + 1;
            text.push_str(&"\n".repeat(block.line - line));
        }
        text.push_str(&block.text);
    }
    files
}

fn check(files: &BTreeMap<String, String>, more: &str) -> (Vec<&'static str>, String) {
    let mut all: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    all.push(("more.ward", more));
    let compiled = compiled(&all);
    (compiled.diagnostics.iter().map(|d| d.code).collect(), said(&compiled))
}

#[test]
fn the_examples_are_a_policy() {
    let blocks = blocks(&page());
    let (codes, said) = check(&policy(&blocks), "");
    assert!(codes.is_empty(), "{said}");
    assert!(blocks.len() > 12);
}

#[test]
fn nothing_on_the_page_is_left_unread() {
    for block in blocks(&page()) {
        let known = block.info.starts_with("ward") || block.info.starts_with("text");
        assert!(known, "line {}: a block of `{}`", block.line, block.info);
    }
}

#[test]
fn wrong_examples_are_refused_as_the_page_says() {
    let blocks = blocks(&page());
    let files = policy(&blocks);
    let mut seen = 0;
    for block in &blocks {
        if let (_, Some(code)) = parts(block) {
            let (codes, said) = check(&files, &block.text);
            assert_eq!(codes, [code], "line {}\n{said}", block.line);
            seen += 1;
        }
    }
    assert!(seen >= 3);
}

/// The expressions in the tables headed `expression`, with the line each stands on.
fn expressions(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_table = false;
    for (number, line) in page.lines().enumerate() {
        let cells = line.strip_prefix('|').and_then(|rest| rest.split('|').next());
        let Some(first) = cells else {
            in_table = false;
            continue;
        };
        in_table |= first.trim() == "expression";
        let quoted = first.split('`').skip(1).step_by(2);
        found.extend(quoted.filter(|_| in_table).map(|e| (number + 1, e.to_owned())));
    }
    found
}

#[test]
fn the_expressions_in_tables_are_values_of_a_login() {
    let page = page();
    let files = policy(&blocks(&page));
    let found = expressions(&page);
    assert!(found.len() > 25, "{found:?}");
    for (line, expression) in found {
        let rule =
            format!("rule x on login:\n    when ok\n    then limit\n    because \"{{{expression}}}\"\n");
        let (codes, said) = check(&files, &rule);
        assert!(codes.is_empty(), "line {line}\n{said}");
    }
}

#[test]
fn the_page_names_the_limits_there_are() {
    let page = page();
    for limit in [
        format!("{} bytes", limits::FILE_BYTES),
        format!("{} bytes", limits::BUNDLE_BYTES),
        format!("{} files", limits::FILES),
        format!("{} levels", limits::DEPTH),
        format!("{} fields", limits::FIELDS),
        format!("{} event types", limits::EVENT_TYPES),
        format!("{} values in a key", limits::KEY_PARTS),
        format!("{} items", limits::DISTINCT_EXACT),
        format!("{} events", limits::GIVEN),
        format!("{} diagnostics", limits::DIAGNOSTICS),
    ] {
        assert!(page.contains(&limit), "the page does not say “{limit}”");
    }
}

#[test]
fn the_page_of_diagnostics_is_what_the_tool_says() {
    let mut out = String::from(
        "# Diagnostics\n\nWhat `wardroom check` says about a policy has a code, and every code has a page: `wardroom explain W0201` prints it.\nThis is all of them. Errors refuse the policy; W0901 is a warning.\n",
    );
    for page in pages() {
        let _ = write!(out, "\n## {}: {}\n\n", page.code, page.title);
        let mut fenced = false;
        for line in page.text.lines().chain([""]) {
            let code = line.starts_with("    ") || (fenced && line.is_empty());
            if code && !fenced {
                out.push_str("```text\n");
            }
            if line.is_empty() && fenced {
                out.push_str("```\n");
                fenced = false;
                continue;
            }
            fenced = code;
            let plain = line.strip_prefix("    ").unwrap_or(line);
            let plain = if fenced { plain.to_owned() } else { prose(plain) };
            out.push_str(&plain);
            out.push('\n');
        }
        while out.ends_with("\n\n") {
            out.pop();
        }
    }
    assert_eq!(golden(&path(DIAGNOSTICS), &out), None);
}

/// Marks of Markdown in prose that mean themselves.
fn prose(line: &str) -> String {
    let mut out = String::new();
    for (i, piece) in line.split('`').enumerate() {
        if i > 0 {
            out.push('`');
        }
        let outside = i % 2 == 0;
        out.push_str(&if outside {
            piece.replace('\\', "\\\\").replace('<', "\\<").replace('*', "\\*")
        } else {
            piece.to_owned()
        });
    }
    out
}
