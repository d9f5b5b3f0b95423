// SPDX-License-Identifier: Apache-2.0
//! `wardroom sim`: events and truth belong together, and the same seed gives the same.

use crate::process::run;
use std::collections::BTreeSet;

#[test]
fn events_and_truth_belong_together() {
    let dir = tempfile::tempdir().unwrap();
    let words =
        ["sim", "--lasts", "3h", "--accounts", "2000", "--attacks-within", "30", "--truth", "truth.csv"];
    let first = run(dir.path(), &words).ended(0);
    let truth = std::fs::read_to_string(dir.path().join("truth.csv")).unwrap();
    let again = run(dir.path(), &words).ended(0);
    assert_eq!(first.out, again.out);
    let ids: Vec<String> = first
        .out
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let mut rows = truth.lines();
    assert_eq!(rows.next(), Some("id,type,account,time,truth,campaign"));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split(',').collect()).collect();
    assert_eq!(ids, rows.iter().map(|row| row[0].to_owned()).collect::<Vec<_>>());
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row[4]).collect();
    assert!(kinds.contains("farm.burst") && kinds.contains("honest.ordinary"), "{kinds:?}");
    assert!(rows.iter().all(|row| row.len() == 6 && row[5].is_empty() == row[4].starts_with("honest")));

    let peace =
        run(dir.path(), &["sim", "--lasts", "1h", "--accounts", "2000", "--peace", "--truth", "t.csv"])
            .ended(0);
    let quiet = std::fs::read_to_string(dir.path().join("t.csv")).unwrap();
    assert!(!peace.out.is_empty() && quiet.lines().skip(1).all(|row| row.contains(",honest.")));
    let wrong = run(dir.path(), &["sim", "--start", "yesterday"]).ended(3);
    assert!(wrong.err.contains("--start is a time such as"), "{}", wrong.err);
}
