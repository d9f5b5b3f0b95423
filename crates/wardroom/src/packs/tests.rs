// SPDX-License-Identifier: Apache-2.0
//! The packs are whole: nothing left out, every rule explained and tested both ways, the book's page current.

use super::page::{page, parts};
use super::{FILES, FIRST, shipped};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use wardroom_engine::{Active, CaseResult, Origin, rehearse};
use wardroom_facts::Library;
use wardroom_policy::{Bundle, Deed, Program, Verdict};
use wardroom_state::{Keyer, Secret};

#[test]
fn every_file_in_the_policy_folder_is_shipped() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policy");
    let read = crate::policy_dir::load(folder.as_ref()).unwrap();
    assert_eq!(read.version(), shipped().version());
}

#[test]
fn what_is_shipped_compiles_without_a_word() {
    for bundle in [shipped(), Bundle::single("first.ward", FIRST)] {
        let compiled = wardroom_policy::compile(&bundle);
        assert_eq!(wardroom_report::render(&compiled.diagnostics, &compiled.sources, false), "");
    }
}

#[test]
fn what_is_shipped_is_in_the_form_of_all_policies() {
    for (path, text) in FILES.iter().filter(|(path, _)| path.ends_with(".ward")) {
        let formed = wardroom_policy::format(path, text).unwrap_or_else(|_| panic!("{path} cannot be read"));
        assert!(formed == *text, "{path}: run `wardroom fmt policy`");
    }
}

fn active() -> Arc<Active> {
    let (active, _) =
        Active::compile(shipped(), Origin::Directory, &Keyer::new(Secret([0; 16])), None).unwrap();
    Arc::new(active)
}

#[test]
fn every_rule_says_what_it_sees_why_and_whom_it_hurts() {
    let active = active();
    let faults: Vec<String> = active
        .program
        .rules
        .iter()
        .filter_map(|rule| parts(&rule.doc).err().map(|why| format!("{}: {why}", rule.id)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(active.program.rules.iter().all(|r| r.owner.is_some()), "somebody answers for each");
}

#[test]
fn headings_are_told_apart() {
    let check = |doc: &str, expect: Result<usize, &str>| {
        assert_eq!(parts(doc).map(|p| p.len()), expect.map_err(str::to_owned), "{doc}");
    };
    check("Sees: a\nWhy: b\n and c\nHurts: d\nExample: e", Ok(4));
    check("Sees: a\nWhy: b\nHurts: d\nExample: e\nReferences: f", Ok(5));
    check("", Err("`Sees: …` is missing"));
    check("What it sees: a", Err("`What it sees: a` stands under no heading"));
    check("Sees: a\nWhy: b\nExample: e", Err("`Hurts: …` is missing"));
    check("Sees: a\nWhy: \nHurts: d\nExample: e", Err("`Why: …` is missing"));
    check("Why: b\nSees: a", Err("`Sees` stands after `Why`"));
}

/// Of each rule, tests that bear its name: one that makes it decide, and one of an honest look-alike, in which it is
/// silent.
#[test]
fn every_rule_is_tested_both_ways() {
    let active = active();
    let results = rehearse(&active, &Library::default());
    let faults: Vec<String> = active
        .program
        .rules
        .iter()
        .flat_map(|rule| {
            let own = |r: &&CaseResult| active.program.cases[r.case].id == rule.id;
            let fires = |r: &CaseResult| r.fired.iter().any(|(fired, ..)| *fired == rule.id);
            let decides =
                results.iter().filter(own).any(|r| fires(r) && is_asked_for(&active.program, r, &rule.id));
            let silent = results.iter().filter(own).any(|r| !fires(r));
            let fault = |is: bool, what: &str| (!is).then(|| format!("no test `{}` {what}", rule.id));
            [fault(decides, "in which it decides"), fault(silent, "in which it is silent")]
        })
        .flatten()
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let failed: Vec<_> = results.iter().filter_map(|r| r.failure.as_deref()).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Whether the test says `by` that rule, or, of one that has effects and no verdict, expects the first of them.
fn is_asked_for(program: &Program, result: &CaseResult, rule: &str) -> bool {
    let expect = &program.cases[result.case].expect;
    let Some(rule) = program.rules.iter().find(|r| *r.id == *rule) else { return false };
    match (rule.verdict, rule.effects.first()) {
        (None, Some(effect)) => expect.effects.contains(&effect.text),
        _ => expect.by.is_some_and(|by| program.rules[by].id == rule.id),
    }
}

/// Who can make an account look bad must not be able to lock its owner out.
#[test]
fn no_rule_marks_an_account() {
    let active = active();
    for rule in &active.program.rules {
        let fields = &active.program.schema.get(rule.on).fields;
        for effect in &rule.effects {
            let (Deed::Label { of, .. } | Deed::List { of, .. }) = &effect.what else { continue };
            // Joining is what the owner asks for, after showing a key.
            let joins = &*rule.id == "sentinel.joins";
            assert!(joins || *fields[of.slot].name != *"account", "{}", rule.id);
        }
        let is_lane = rule.verdict == Some(Verdict::Allow);
        assert!(!is_lane || rule.mode.name() == "live", "{} lets through whom it knows, always", rule.id);
    }
}

/// More than the page will ever have.
const MOST: u64 = 1024 * 1024;

/// `BLESS=1` writes the page anew.
#[test]
fn the_books_page_is_what_the_packs_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/packs.md");
    let mut kept = String::new();
    if let Ok(file) = std::fs::File::open(&path) {
        file.take(MOST).read_to_string(&mut kept).unwrap();
    }
    let page = page(&active().program, FILES);
    if kept != page && is_blessing() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let differs = kept.lines().zip(page.lines()).position(|(a, b)| a != b);
    assert!(
        kept == page,
        "docs/src/packs.md differs from line {:?} on; BLESS=1 rewrites it",
        differs.map(|n| n + 1)
    );
}

#[allow(clippy::disallowed_methods, reason = "a switch of the test run, read where it is used")]
fn is_blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|v| v == "1")
}
