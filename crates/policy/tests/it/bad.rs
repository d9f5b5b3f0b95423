// SPDX-License-Identifier: Apache-2.0
//! `testdata/bad`: one file a mistake, each beside what is said of it. Whoever changes a message reads it there.
//! `testdata/mended` has the same policies without the mistake, and nothing is said of those.

use crate::support::{files, golden, path, read, said};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wardroom_policy::{Bundle, Compiled, compile, pages};

/// The policy of a file; those of the same name that hold a list, a table or a model come along.
fn compiled(file: &Path) -> Compiled {
    let name = |p: &Path| p.file_name().unwrap().to_str().unwrap().to_owned();
    let mut bundle = Bundle::single(&name(file), &read(file).unwrap());
    for ending in ["list", "csv", "json"] {
        let beside = file.with_extension(ending);
        if let Some(text) = read(&beside) {
            bundle.add(name(&beside), text);
        }
    }
    compile(&bundle)
}

fn bad_files() -> Vec<PathBuf> {
    let files = files("testdata/bad", "ward");
    assert!(files.len() >= pages().len());
    files
}

#[test]
fn every_mistake_is_told_as_it_was_agreed() {
    let differ: Vec<String> = bad_files()
        .iter()
        .filter_map(|file| golden(&file.with_extension("txt"), &format!("{}\n", said(&compiled(file)))))
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn only_warnings_leave_a_program() {
    for file in bad_files() {
        let compiled = compiled(&file);
        assert!(!compiled.diagnostics.is_empty(), "{} is not bad", file.display());
        let refused = compiled.diagnostics.iter().any(wardroom_report::Diagnostic::is_error);
        assert_eq!(compiled.program.is_none(), refused, "{}", file.display());
    }
}

/// The codes of what is said of policies; those of queries are seen where queries are.
fn known() -> BTreeSet<&'static str> {
    pages().iter().map(|p| p.code).filter(|code| !code.starts_with("W10")).collect()
}

#[test]
fn every_code_has_a_file() {
    let seen: BTreeSet<&str> =
        bad_files().iter().flat_map(|f| compiled(f).diagnostics.into_iter().map(|d| d.code)).collect();
    assert_eq!(seen, known());
}

#[test]
fn nothing_is_left_over() {
    for ending in ["txt", "list", "csv", "json"] {
        for file in files("testdata/bad", ending).into_iter().chain(files("testdata/mended", ending)) {
            assert!(file.with_extension("ward").exists(), "{} is left over", file.display());
        }
    }
}

fn mended_files() -> Vec<PathBuf> {
    files("testdata/mended", "ward")
}

/// The bad file of a mended one.
fn bad_of(mended: &Path) -> PathBuf {
    path("testdata/bad").join(mended.file_name().unwrap())
}

#[test]
fn nothing_is_said_of_what_was_mended() {
    for file in mended_files() {
        assert!(bad_of(&file).exists(), "{} has no bad file", file.display());
        let compiled = compiled(&file);
        assert!(compiled.diagnostics.is_empty(), "{}\n{}", file.display(), said(&compiled));
    }
}

#[test]
fn every_code_can_be_mended() {
    let mended = mended_files();
    let codes = mended.iter().flat_map(|f| compiled(&bad_of(f)).diagnostics.into_iter().map(|d| d.code));
    let seen: BTreeSet<&str> = codes.collect();
    assert_eq!(seen, known());
}

/// What a sentence of a diagnostic must be like; what is not.
fn against_the_tone(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase().replace("!=", "");
    let blames = |word: &str| lower.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word);
    let first = text.chars().next();
    let is_quoted = first.is_some_and(|c| matches!(c, '`' | '"' | '{' | '…'));
    // Names of things that are written with a capital.
    let is_name = ["IPv4", "UTC", "JSON"].iter().any(|name| text.starts_with(name));
    let words = ["invalid", "illegal", "sorry", "please", "oops", "your", "failed", "wrong"];
    match () {
        () if text.is_empty() => Some("it is empty"),
        () if lower.contains('!') => Some("it shouts"),
        () if text.ends_with('.') => Some("it ends with a full stop"),
        () if words.into_iter().any(blames) => Some("it blames"),
        () if first.is_some_and(char::is_uppercase) && !is_quoted && !is_name => {
            Some("it begins with a capital")
        }
        () if text.chars().count() > 160 => Some("it is long"),
        () => None,
    }
}

#[test]
fn every_message_keeps_the_tone() {
    let mut seen = BTreeSet::new();
    for d in bad_files().iter().flat_map(|f| compiled(f).diagnostics) {
        let others = d.others.iter().map(|(_, text)| text.clone());
        let labels = std::iter::once(d.primary.1.clone()).chain(others).filter(|l| !l.is_empty());
        seen.extend(labels.chain(d.notes.clone()).chain(d.helps.clone()).chain([d.message.clone()]));
    }
    let against: Vec<String> =
        seen.iter().filter_map(|text| against_the_tone(text).map(|why| format!("{why}: {text}"))).collect();
    assert!(against.is_empty(), "{}", against.join("\n"));
    assert!(seen.len() > 400, "{}", seen.len());
}

#[test]
fn nothing_is_said_twice_at_one_place() {
    for file in bad_files() {
        let compiled = compiled(&file);
        let mut seen = BTreeSet::new();
        for d in &compiled.diagnostics {
            assert!(seen.insert((d.primary.0, d.code)), "{}: {} twice", file.display(), d.code);
        }
    }
}
