// SPDX-License-Identifier: Apache-2.0
//! `wardroom bench keys`, small: it does what it says, and leaves its results and nothing else.

use crate::process::run;

#[test]
fn a_trial_of_keys_ends_with_the_same_counters() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("tmp")).unwrap();
    let args = ["bench", "keys", "--keys", "2000", "--memory", "16MiB", "--data", "tmp", "--out", "out"];
    let ran = run(dir.path(), &args).ended(0);
    assert!(ran.out.contains("single requests beside it, 0 refused"), "{ran:#?}");
    assert!(ran.out.contains(", with the same counters"), "{ran:#?}");
    let names = |name: &str| {
        let entries = std::fs::read_dir(dir.path().join(name)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("out"), ["keys.csv", "keys.svg"]);
    assert!(names("tmp").is_empty());
}
