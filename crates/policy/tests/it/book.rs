// SPDX-License-Identifier: Apache-2.0
//! The book's pages on the language: every example compiles and is in its form, every wrong one fails as the page says,
//! nothing of the language is left out, and the page of diagnostics is the one that the tool prints.
//!
//! On [`PAGES`] the blocks marked `ward` are one policy, put together: each page is a file, `ward,file=ssh/rules.ward`
//! names another that a block belongs to, and `ward,W0304` is one that must be refused with that code, on top of the
//! others. Tables headed `expression` hold, between backquotes in their first column, values of an event `login`; headed
//! `expression (message)`, of that event.

use crate::support::{compiled, golden, path, read, said};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use wardroom_event::{Part, Type};
use wardroom_policy::{Aggregate, Mode, Verdict, limits, pages};

const PAGES: [&str; 4] = ["language", "expressions", "features", "scores"];
const SEMANTICS: &str = "../../docs/src/semantics.md";
const DIAGNOSTICS: &str = "../../docs/src/diagnostics.md";

/// A fenced block: what stands after its fence, its text, its page and the line it begins at.
struct Block {
    info: String,
    text: String,
    page: &'static str,
    line: usize,
}

impl Block {
    /// The place, for messages.
    fn place(&self) -> String {
        format!("{}.md, line {}", self.page, self.line)
    }

    fn is_policy(&self) -> bool {
        self.info.split(',').next() == Some("ward")
    }

    /// What its fence says beside `ward`: the file, the code it must be refused with.
    fn parts(&self) -> (String, Option<&str>) {
        let words = || self.info.split(',').skip(1);
        let file = words().find_map(|w| w.strip_prefix("file="));
        let code = words().find(|w| w.starts_with('W'));
        (file.map_or_else(|| format!("{}.ward", self.page), str::to_owned), code)
    }
}

fn page(name: &str) -> String {
    read(&path(&format!("../../docs/src/{name}.md"))).unwrap()
}

fn all_blocks() -> Vec<Block> {
    PAGES.into_iter().flat_map(|name| blocks(name, &page(name))).collect()
}

fn blocks(name: &'static str, page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open =
                    Some(Block { info: info.to_owned(), text: String::new(), page: name, line: number + 2 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of {name}.md does not end");
    blocks
}

/// The pages' policy, file by file. Each block stands at the line it has on its page, so that messages say where.
fn policy(blocks: &[Block]) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for block in blocks.iter().filter(|b| b.is_policy() || b.info.starts_with("text,file=")) {
        let (file, code) = block.parts();
        if code.is_some() {
            continue;
        }
        let is_source = file.ends_with(".ward");
        let text = files.entry(file).or_default();
        if is_source {
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
    let blocks = all_blocks();
    let (codes, said) = check(&policy(&blocks), "");
    assert!(codes.is_empty(), "{said}");
    for name in PAGES {
        assert!(blocks.iter().filter(|b| b.page == name).count() >= 2, "{name}.md");
    }
}

/// A page with each example in the form that `wardroom fmt` gives it.
fn in_form(name: &'static str, page: &str) -> String {
    let mut out = page.to_owned();
    for block in blocks(name, page).iter().filter(|b| b.is_policy()) {
        let form = wardroom_policy::format(&block.place(), &block.text).unwrap();
        out = out.replacen(&format!("\n{}```", block.text), &format!("\n{form}```"), 1);
    }
    out
}

#[test]
fn the_examples_are_in_their_form() {
    for name in PAGES {
        let page = page(name);
        assert_eq!(golden(&path(&format!("../../docs/src/{name}.md")), &in_form(name, &page)), None);
    }
}

#[test]
fn nothing_on_the_pages_is_left_unread() {
    for block in all_blocks() {
        assert!(block.is_policy() || block.info.starts_with("text"), "{}: `{}`", block.place(), block.info);
    }
}

#[test]
fn wrong_examples_are_refused_as_the_page_says() {
    let blocks = all_blocks();
    let files = policy(&blocks);
    let mut seen = 0;
    for block in &blocks {
        if let (_, Some(code)) = block.parts() {
            let (codes, said) = check(&files, &block.text);
            assert_eq!(codes, [code], "{}\n{said}", block.place());
            seen += 1;
        }
    }
    assert!(seen >= 6);
}

/// An expression of a table, the event type it is about and where it stands.
struct Shown {
    expression: String,
    event: String,
    place: String,
}

/// The expressions in the tables headed `expression`.
fn expressions(name: &str, page: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    let mut about: Option<String> = None;
    for (number, line) in page.lines().enumerate() {
        let cells = line.strip_prefix('|').and_then(|rest| rest.split('|').next());
        let Some(first) = cells.map(str::trim) else {
            about = None;
            continue;
        };
        let Some(event) = &about else {
            let named = first.strip_prefix("expression (").and_then(|rest| rest.strip_suffix(')'));
            about = if first == "expression" { Some("login".to_owned()) } else { named.map(str::to_owned) };
            continue;
        };
        let place = format!("{name}.md, line {}", number + 1);
        let quoted = first.split('`').skip(1).step_by(2);
        found.extend(quoted.map(|e| Shown {
            expression: e.to_owned(),
            event: event.clone(),
            place: place.clone(),
        }));
    }
    found
}

#[test]
fn the_expressions_in_tables_are_values() {
    let files = policy(&all_blocks());
    let found: Vec<Shown> = PAGES.into_iter().flat_map(|name| expressions(name, &page(name))).collect();
    assert!(found.len() > 60, "{}", found.len());
    for Shown { expression, event, place } in found {
        let rule = format!(
            "rule shown on {event}:\n    when account == \"x\"\n    then limit\n    because \"{{{expression}}}\"\n"
        );
        let (codes, said) = check(&files, &rule);
        assert!(codes.is_empty(), "{place}\n{said}");
    }
}

/// All pages, one after the other.
fn book() -> String {
    PAGES.map(page).concat()
}

#[test]
fn the_pages_name_the_limits_there_are() {
    let book = book();
    for limit in [
        format!("{} bytes", limits::FILE_BYTES),
        format!("{} bytes", limits::BUNDLE_BYTES),
        format!("{} files", limits::FILES),
        format!("{} levels", limits::DEPTH),
        format!("{} fields", limits::FIELDS),
        format!("{} event types", limits::EVENT_TYPES),
        format!("{} values in a key", limits::KEY_PARTS),
        format!("{} items under", limits::DISTINCT_EXACT),
        format!("{} events", limits::GIVEN),
        format!("{} diagnostics", limits::DIAGNOSTICS),
        format!("{} values", limits::ENUM_VALUES),
        format!("{} items", wardroom_event::limits::LIST_ITEMS),
        format!("{} rows", limits::TABLE_ROWS),
        format!("{} columns", limits::TABLE_COLUMNS),
        format!("{} inputs", limits::MODEL_INPUTS),
        format!("{} terms", limits::SCORE_TERMS),
        format!("{} effects", limits::EFFECTS),
        format!("at most {} bytes", limits::LABEL_BYTES),
        format!("| a regular expression | {} bytes", limits::PATTERN_BYTES),
        format!("{} steps", limits::STEPS),
        format!("between {} and {}", limits::BASELINE.0, limits::BASELINE.1),
        format!("{} to 400d", limits::WINDOW_LEAST),
    ] {
        assert!(book.contains(&limit), "the pages do not say “{limit}”");
    }
    assert_eq!(
        (limits::BUDGET, limits::WINDOW_MOST.0),
        (1_000_000, 400 * 86_400_000_000),
        "the pages say so in words"
    );
}

#[test]
fn the_pages_name_all_there_is() {
    let book = book();
    let check = |what: String| assert!(book.contains(&what), "the pages do not name {what}");
    Type::ALL.into_iter().for_each(|kind| check(format!("`{kind}`")));
    Aggregate::NAMES.into_iter().for_each(|name| check(format!("= {name}(")));
    Mode::ALL.into_iter().for_each(|mode| check(format!("`{}", mode.name())));
    Verdict::ALL.into_iter().for_each(|verdict| check(format!("`{verdict}`")));
    for (_, of, part, _) in Part::ALL {
        let field = match of {
            Type::Url => "referrer",
            Type::UserAgent => "agent",
            Type::Text => "account",
            Type::Domain => "email",
            _ => of.name(),
        };
        check(format!("`{field}.{part}`"));
    }
}

/// Tests cite the statements, so a number is never given to another one, and none goes.
#[test]
fn the_statements_are_numbered() {
    let page = read(&path(SEMANTICS)).unwrap();
    let numbers: Vec<usize> = page
        .lines()
        .filter_map(|line| line.strip_prefix("- **S"))
        .map(|rest| rest.split_once("** ").unwrap().0.parse().unwrap())
        .collect();
    let different: BTreeSet<usize> = numbers.iter().copied().collect();
    assert_eq!(different.len(), numbers.len(), "a number stands twice");
    assert!(numbers.len() > 100 && different.into_iter().eq(1..=numbers.len()), "{numbers:?}");
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
