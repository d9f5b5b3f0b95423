// SPDX-License-Identifier: Apache-2.0
//! `wardroom sim`: events and truth belong together, and the same seed gives the same; `sim score` measures.

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

/// A small world of two families, as JSON.
fn score(dir: &std::path::Path, more: &[&str]) -> serde_json::Value {
    let words = [&["sim", "score", "--quick", "--json", "--people", "150", "--days", "6"], more].concat();
    serde_json::from_str(&run(dir, &words).ended(0).out).unwrap()
}

#[test]
fn a_policy_is_measured_beside_others() {
    let dir = tempfile::tempdir().unwrap();
    let families = ["--families", "signup.naive,login.stuffing_10", "--words"];
    let said = score(dir.path(), &families);
    let figure = |what: &str, judge: &str, of: &str| {
        let figures = said["figures"].as_array().unwrap();
        let found = figures.iter().find(|f| f["what"] == what && f["judge"] == judge && f["of"] == of);
        found.map(|f| f["value"].as_f64())
    };
    let stopped = figure("signup.members_stopped", "policy", "signup.naive of 100").flatten().unwrap();
    assert!(stopped > 0.5, "the shipped packs stop a script on one address: {stopped}");
    assert!(figure("signup.honest_with_friction", "per_address", "everybody").is_some());
    assert!(figure("login.stopped_by_answers", "fail2ban", "login.stuffing_10").is_some());
    assert!(figure("login.stopped_at_1_prompt", "freeman", "login.stuffing_10").is_some());
    assert_eq!(figure("login.stopped_by_answers", "policy", "login.spray"), None, "nobody sprayed");
    assert_eq!(said["seeds"].as_array().unwrap().len(), 2);
    assert!(said["cost"]["logins"].as_u64().unwrap() > 100 && said["where_we_lose"].is_array());
    let words = &said["words"]["signup.naive"];
    assert!(words["stops"] == true && words["because"].as_str().is_some_and(|b| !b.is_empty()), "{words}");

    let mut again = score(dir.path(), &families);
    for part in ["figures", "where_we_lose", "words"] {
        assert_eq!(again[part].take(), said[part], "the same seeds give the same {part}");
    }
    let table =
        run(dir.path(), &["sim", "score", "--quick", "--seeds", "7", "--people", "60", "--days", "5"]);
    let table = table.ended(0).out;
    assert!(
        table.contains("Where we lose") && table.contains("one world: there are no intervals"),
        "{table}"
    );
}

#[test]
fn words_that_name_nothing_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = run(dir.path(), &["sim", "score", "--seeds", "some"]).ended(2);
    assert!(wrong.err.contains("`tuning`, `sealed` or numbers"), "{}", wrong.err);
    let wrong = run(dir.path(), &["sim", "score", "--families", "signup.nave"]).ended(2);
    assert!(wrong.err.contains("signup.naive"), "{}", wrong.err);
    run(dir.path(), &["sim", "score", "--quick", "--policy", "not-there"]).ended(3);
}
