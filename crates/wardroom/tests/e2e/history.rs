// SPDX-License-Identifier: Apache-2.0
//! The files of the past: written beside the server, looked at and verified by commands, whole after any death.

use crate::process::{run, until};
use crate::server::{Server, Shop, signup};
use serde_json::{Value, json};
use std::path::Path;

/// A shop whose segments are small, so that there are many to be exported.
fn shop(more: &str) -> Shop {
    let shop = Shop::new();
    let file = shop.path().join("wardroom.toml");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    std::fs::write(&file, format!("segment_size = \"4KiB\"\n{text}\n{more}\n")).unwrap();
    shop
}

fn send(server: &Server, series: &str, count: usize) {
    let event =
        |i: usize| signup(&format!("{series}-{i}"), &format!("a{}", i % 9), &format!("192.0.2.{}", i % 250));
    for piece in (0..count).collect::<Vec<_>>().chunks(20) {
        let lines: Vec<String> = piece.iter().map(|i| event(*i)).collect();
        assert_eq!(server.client.stream(&lines).len(), piece.len());
    }
}

/// How many sign-ups the past has, and how many different ones.
fn counted(server: &Server) -> (u64, u64) {
    let question = r#"{"query": "signup show count, distinct(account)"}"#;
    let answer = server.client.call("POST", "/v1/query", "application/json", question).unwrap().ok();
    let row = answer["rows"][0].as_array().unwrap().clone();
    (row[0].as_u64().unwrap(), row[1].as_u64().unwrap())
}

fn summary(server: &Server) -> Value {
    server.client.get("/v1/history").ok()
}

fn history(dir: &Path, args: &[&str], code: i32) -> String {
    run(dir, &[&["history"], args].concat()).ended(code).out
}

#[test]
fn the_past_is_whole_after_a_kill_while_it_is_exported() {
    let shop = shop("");
    let (mut sent, mut exported) = (0, 0);
    for round in 0..5 {
        let server = shop.serve();
        send(&server, &round.to_string(), 120);
        sent += 120;
        assert_eq!(counted(&server), (sent, 9), "round {round}");
        // In the midst of it: some segments lie in files, others do not yet.
        // Not by the number of files: small ones are joined.
        exported = until("an export", || summary(&server)["exported"].as_u64().filter(|now| *now > exported));
        server.kill();
    }
    let server = shop.serve();
    assert_eq!(counted(&server), (sent, 9));
    server.stop();
    history(shop.path(), &["export", "--all"], 0);
    let said: Value = serde_json::from_str(&history(shop.path(), &["verify", "--json"], 0)).unwrap();
    assert_eq!(said["faults"], json!([]));
    let said: Value = serde_json::from_str(&history(shop.path(), &["status", "--json"], 0)).unwrap();
    let of = said["tables"].as_array().unwrap().iter().find(|t| t["name"] == "signup").unwrap();
    assert_eq!((&of["rows"], &said["gaps"]), (&sent.into(), &json!([])));
    let server = shop.serve();
    assert_eq!(counted(&server), (sent, 9));
    server.stop();
}

#[test]
fn commands_say_what_there_is_and_what_is_wrong() {
    let shop = shop("");
    let server = shop.serve();
    send(&server, "s", 200);
    let busy = run(shop.path(), &["history", "export"]).ended(3);
    assert!(busy.one_error().contains("a running server writes the files itself"), "{busy:#?}");
    let metrics = server.client.get("/metrics");
    let metrics = metrics.body;
    for name in ["exported_seq", "files", "bytes", "export_failures_total"] {
        assert!(metrics.contains(&format!("wardroom_history_{name} ")), "{name}: {metrics}");
    }
    server.stop();
    let said = history(shop.path(), &["export", "--all"], 0);
    assert!(said.contains("lies in files"), "{said}");
    let said = history(shop.path(), &["status"], 0);
    assert!(said.contains("signup") && said.contains(" 200 "), "{said}");
    assert!(history(shop.path(), &["verify"], 0).ends_with("all of it is sound\n"));
    // A file that is not what was written.
    let file = first_file(&shop.path().join("data/history")).unwrap();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let said = history(shop.path(), &["verify"], 1);
    assert!(said.contains(file.file_name().unwrap().to_str().unwrap()) && said.contains("1 fault"), "{said}");
    let none = run(shop.path(), &["history", "status", "--data", "elsewhere"]).ended(3);
    assert!(none.one_error().contains("holds no journal"), "{none:#?}");
}

#[test]
fn an_encrypted_past_lies_in_files_too() {
    let shop = shop("[encryption]\nkey_file = \"seal.key\"");
    run(shop.path(), &["journal", "key", "new", "seal.key"]).ended(0);
    let server = shop.serve();
    send(&server, "s", 200);
    until("an encrypted file", || (summary(&server)["encrypted_files"].as_u64().unwrap() > 0).then_some(()));
    assert_eq!(counted(&server), (200, 9));
    server.stop();
    assert!(history(shop.path(), &["verify"], 0).ends_with("all of it is sound\n"));
}

/// Some Parquet file of the folder.
fn first_file(dir: &Path) -> Option<std::path::PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(dir).ok()?.map(|e| e.unwrap().path()).collect();
    entries.sort();
    entries.into_iter().find_map(|path| match path.is_dir() {
        true => first_file(&path),
        false => path.extension().is_some_and(|e| e == "parquet").then_some(path),
    })
}
