// SPDX-License-Identifier: Apache-2.0
//! `testdata/bad`: one file a mistake, each beside what is said of it. Whoever changes a message reads it there.

use crate::support::{files, golden, read, said};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wardroom_policy::{Bundle, Compiled, compile, pages};

/// The policy of a bad file; one of the same name ending in `.list` comes along.
fn compiled(file: &Path) -> Compiled {
    let name = |p: &Path| p.file_name().unwrap().to_str().unwrap().to_owned();
    let mut bundle = Bundle::single(&name(file), &read(file).unwrap());
    let list = file.with_extension("list");
    if let Some(text) = read(&list) {
        bundle.add(name(&list), text);
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

#[test]
fn every_code_has_a_file() {
    let seen: BTreeSet<&str> =
        bad_files().iter().flat_map(|f| compiled(f).diagnostics.into_iter().map(|d| d.code)).collect();
    let known: BTreeSet<&str> = pages().iter().map(|p| p.code).collect();
    assert_eq!(seen, known);
}

#[test]
fn every_expected_text_has_its_file() {
    for text in files("testdata/bad", "txt") {
        assert!(text.with_extension("ward").exists(), "{} is left over", text.display());
    }
}
