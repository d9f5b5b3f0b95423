// SPDX-License-Identifier: Apache-2.0
//! Somebody is erased, through a server that runs and without one: no file has them, no backup made after, and the report
//! can be checked and not be changed.

use crate::process::{run, until, wardroom};
use crate::server::{Shop, signup};
use std::path::Path;

/// Files below whose bytes have this.
fn holding(dir: &Path, what: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(holding(&entry, what));
        } else if std::fs::read(&entry).unwrap().windows(what.len()).any(|w| w == what.as_bytes()) {
            found.push(entry.display().to_string());
        }
    }
    found
}

/// Parquet files below, and whether one has her in it, decoded.
fn in_columns(dir: &Path) -> Vec<(String, bool)> {
    let grep =
        wardroom_engine::Grep::new(&wardroom_engine::Subject::parse("account:marguerite").unwrap()).unwrap();
    let mut found = Vec::new();
    for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(in_columns(&path));
        } else if path.extension().is_some_and(|e| e == "parquet") {
            // A file is there before it is whole; or it has been joined with others, and is gone.
            let read = || wardroom_history::search_file(&path, &grep).ok();
            let has = until("a whole file", || match read() {
                Some(read) => Some(read.hits.alone > 0),
                None => (!path.exists()).then_some(false),
            });
            found.push((path.display().to_string(), has));
        }
    }
    found
}

#[test]
fn somebody_is_erased_beside_the_work_and_the_proof_stands() {
    let shop = Shop::new();
    let admin = run(shop.path(), &["key", "new", "desk", "--role", "admin"]).ended(0).out.trim().to_owned();
    let reader = run(shop.path(), &["key", "new", "r", "--role", "read"]).ended(0).out.trim().to_owned();
    let server = shop.serve_with(&["--data", "data"]);
    for n in 0..60 {
        let who = if n % 3 == 0 { "marguerite" } else { "somebody" };
        server.client.decide(&signup(&format!("{who}-{n}"), who, &format!("203.0.113.{}", n % 9))).ok();
    }
    let data = shop.path().join("data");
    std::fs::create_dir(data.join("backtests")).unwrap();
    std::fs::write(data.join("backtests/b_1.json"), r#"{"top": ["marguerite", "marguerites"]}"#).unwrap();
    assert!(!holding(&data, "marguerite").is_empty());
    let url = format!("http://{}", server.client.address);
    let erase = |key: &str, rest: &[&str]| {
        let mut command = wardroom(shop.path());
        command.args(["erase", "--server", &url]).args(rest).env("WARDROOM_KEY", key);
        crate::process::Process::start(&mut command).wait()
    };
    let refused = erase(&reader, &["account:marguerite"]);
    assert!(refused.code != Some(0) && refused.err.contains("admin"), "{refused:#?}");
    assert!(!refused.err.contains("marguerite"), "{refused:#?}");
    // Somebody else's erasure seals the segment, which lies in columns soon.
    erase(&admin, &["account:nobody.at.all"]).ended(0);
    until("columns that have her", || in_columns(&data).iter().any(|(_, has)| *has).then_some(()));
    let ran = erase(&admin, &["account:marguerite", "--report", "report.json"]).ended(0);
    assert!(ran.out.contains("the value is in none of them"), "{ran:#?}");
    assert!(ran.out.contains("part of a longer word"), "{ran:#?}");
    assert!(!ran.out.contains("marguerite") && ran.out.contains("erased-"), "{ran:#?}");
    let left = holding(&data, "marguerite");
    assert_eq!(left.len(), 1, "{left:?}");
    let columns = in_columns(&data);
    assert!(!columns.is_empty() && columns.iter().all(|(_, has)| !has), "{columns:?}");
    let text = std::fs::read_to_string(data.join("backtests/b_1.json")).unwrap();
    assert!(text.contains("\"marguerites\"") && !text.contains("\"marguerite\""), "{text}");
    assert!(
        holding(shop.path(), "marguerite").iter().all(|path| path.ends_with("b_1.json")),
        "nor the report"
    );
    // The server has gone on, and she is new to it.
    server.client.decide(&signup("back", "marguerite", "203.0.113.1")).ok();
    run(shop.path(), &["backup", "after", "--data", "data"]).ended(0);
    server.stop();

    // What came since is new; offline it goes as well.
    let ran = run(shop.path(), &["erase", "account:marguerite", "--data", "data", "--json"]).ended(0);
    let report = ran.json();
    assert_eq!(report["second_look"]["holds"], true, "{report}");
    let looked = report["second_look"]["files"].as_array().unwrap();
    let in_columns = looked.iter().filter(|file| file["as"] == "columns");
    assert!(
        in_columns.clone().count() > 0 && in_columns.clone().all(|file| file["decoded"].as_u64() > Some(0))
    );
    assert!(report["replaced"]["journal"]["values"].as_u64().unwrap() >= 1, "{report}");
    run(shop.path(), &["backup", "later", "--data", "data"]).ended(0);
    assert_eq!(holding(&shop.path().join("later"), "marguerite"), [""; 0], "no backup made after has it");
    assert!(self::in_columns(&shop.path().join("later")).iter().all(|(_, has)| !has));

    let verify = |report: &str, rest: &[&str]| {
        let args = [&["erase", "--verify", report, "--data", "data"], rest].concat();
        run(shop.path(), &args)
    };
    let ran = verify("report.json", &["account:marguerite"]).ended(0);
    assert!(ran.out.contains("unchanged") && ran.out.contains("says the same"), "{ran:#?}");
    assert!(ran.out.contains("in no file"), "{ran:#?}");
    let ran = verify("report.json", &["account:somebody"]);
    assert!(ran.err.contains("another subject"), "{ran:#?}");
    let text = std::fs::read_to_string(shop.path().join("report.json")).unwrap();
    let changed = text.replace("\"holds\": true", "\"holds\": false");
    assert_ne!(text, changed);
    std::fs::write(shop.path().join("changed.json"), changed).unwrap();
    let ran = verify("changed.json", &[]);
    assert!(ran.code != Some(0) && ran.err.contains("signature"), "{ran:#?}");
    assert!(run(shop.path(), &["erase", "nobody", "--data", "data"]).err.contains("TYPE:VALUE"));
}

#[test]
fn what_a_kill_cuts_short_a_server_goes_on_with() {
    let shop = Shop::new();
    let server = shop.serve_with(&["--data", "data"]);
    for n in 0..30 {
        server.client.decide(&signup(&format!("e{n}"), "marguerite", "203.0.113.1")).ok();
    }
    server.kill();
    let data = shop.path().join("data");
    std::fs::write(data.join("erasing"), "erased-aaaaaaaaaaaaaaaaaaaaaaaaaa account:marguerite\n").unwrap();
    let server = shop.serve_with(&["--data", "data"]);
    until("the end of what was begun", || (!data.join("erasing").exists()).then_some(()));
    until("its report", || data.join("erasures").exists().then_some(()));
    assert_eq!(holding(&data, "marguerite"), [""; 0]);
    assert!(!holding(&data, "erased-aaaaaaaaaaaaaaaaaaaaaaaaaa").is_empty());
    server.stop();
}
