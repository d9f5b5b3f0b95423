// SPDX-License-Identifier: Apache-2.0
//! `wardroom fmt` and `wardroom policy`: files in their form, and in JSON.

use crate::process::{Process, Ran, run, wardroom};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

const RAGGED: &str = "event e:\n  a: int\n  long: ip?\n\nlist  l : ip\n";
const FORM: &str = "event e:\n    a:    int\n    long: ip?\n\nlist l: ip\n";
const BROKEN: &str = "event e:\n  a: \n";

fn with_input(dir: &Path, args: &[&str], input: &str) -> Ran {
    let mut process = Process::start(wardroom(dir).args(args).stdin(Stdio::piped()));
    process.input().write_all(input.as_bytes()).unwrap();
    process.wait()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn files_are_put_in_form() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir_all(at("policy/sub")).unwrap();
    std::fs::write(at("policy/sub/ragged.ward"), RAGGED).unwrap();
    std::fs::set_permissions(at("policy/sub/ragged.ward"), PermissionsExt::from_mode(0o640)).unwrap();
    std::fs::write(at("policy/good.ward"), FORM).unwrap();
    std::fs::write(at("policy/list.txt"), "1  \n").unwrap();
    std::fs::write(at("linked.ward"), RAGGED).unwrap();
    symlink("../linked.ward", at("policy/link.ward")).unwrap();
    let inode = std::fs::metadata(at("policy/good.ward")).unwrap().ino();

    let shown = run(dir.path(), &["fmt", "--check"]).ended(1);
    let diff = "policy/sub/ragged.ward would change\n  line 2\n  -   a: int\n  -   long: ip?\n  +     a:    int\n  +     long: ip?\n  line 5\n  - list  l : ip\n  + list l: ip\n";
    assert!(shown.out.contains(diff) && !shown.out.contains("good.ward"), "{shown:#?}");
    assert_eq!(read(&at("policy/sub/ragged.ward")), RAGGED);

    let said = run(dir.path(), &["fmt"]).ended(0);
    assert_eq!(said.out, "policy/link.ward changed\npolicy/sub/ragged.ward changed\n");
    assert_eq!(read(&at("policy/sub/ragged.ward")), FORM);
    assert_eq!(read(&at("linked.ward")), FORM);
    assert!(at("policy/link.ward").is_symlink());
    let mode = std::fs::metadata(at("policy/sub/ragged.ward")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(std::fs::metadata(at("policy/good.ward")).unwrap().ino(), inode, "not written anew");
    assert_eq!(read(&at("policy/list.txt")), "1  \n");
    assert_eq!(std::fs::read_dir(at("policy")).unwrap().count(), 4, "nothing is left behind");

    assert_eq!(run(dir.path(), &["fmt", "--check"]).ended(0).out, "3 files in form\n");
    assert_eq!(run(dir.path(), &["fmt", "linked.ward", "policy"]).ended(0).out, "4 files in form\n");
}

#[test]
fn a_file_with_faults_stays() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.ward"), BROKEN).unwrap();
    std::fs::write(dir.path().join("b.ward"), RAGGED).unwrap();
    let said = run(dir.path(), &["fmt", "a.ward", "b.ward"]).ended(1);
    assert!(said.err.contains("W0101") && said.err.contains("a.ward:2"), "{said:#?}");
    assert!(said.err.contains("1 file with faults of syntax stayed as they were"), "{said:#?}");
    assert_eq!(said.out, "b.ward changed\n");
    assert_eq!(read(&dir.path().join("a.ward")), BROKEN);
    let read = || run(dir.path(), &["policy", "json", "a.ward"]);
    let heard = || with_input(dir.path(), &["fmt", "--stdin", "--check"], BROKEN);
    for said in [read().ended(1), heard().ended(1)] {
        assert!(said.err.contains("W0101") && said.out.is_empty(), "{said:#?}");
    }
}

#[test]
fn standard_input_is_put_in_form() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(with_input(dir.path(), &["fmt", "--stdin"], RAGGED).ended(0).out, FORM);
    assert_eq!(with_input(dir.path(), &["fmt", "--stdin", "--check"], FORM).ended(0).out, "");
    assert!(
        with_input(dir.path(), &["fmt", "--stdin", "--check"], RAGGED).ended(1).out.contains("+ list l: ip")
    );
    run(dir.path(), &["fmt", "--stdin", "x.ward"]).ended(2);
}

#[test]
fn json_and_back() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.ward"), RAGGED).unwrap();
    let json = run(dir.path(), &["policy", "json", "a.ward"]).ended(0);
    assert_eq!(json.json()["declarations"][1]["list"]["name"], "l");
    let placed = run(dir.path(), &["policy", "json", "a.ward", "--places"]).ended(0);
    assert_eq!(placed.json()["declarations"][1]["list"]["at"], serde_json::json!([5, 7]));
    std::fs::write(dir.path().join("a.json"), &json.out).unwrap();
    assert_eq!(run(dir.path(), &["policy", "text", "a.json"]).ended(0).out, FORM);
    assert_eq!(with_input(dir.path(), &["policy", "text", "-"], &placed.out).ended(0).out, FORM);
    let wrong = json.out.replace("\"optional\"", "\"optionl\"");
    let said = with_input(dir.path(), &["policy", "text", "-"], &wrong).ended(1);
    let expect = "standard input: /declarations/0/event/fields/1: no key `optionl` is known here; did you mean `optional`?\n";
    assert_eq!((said.err.as_str(), said.out.as_str()), (expect, ""));
}
