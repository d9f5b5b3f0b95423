// SPDX-License-Identifier: Apache-2.0
//! `wardroom doctor`, on a directory that is served, on one that is not, and on what is wrong with one.

use crate::process::{Ran, run};
use crate::server::{Shop, signup};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

/// The states of a check, and its sentences.
fn of(ran: &Ran, check: &str) -> Vec<(String, String)> {
    let text = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    let found = ran.json();
    let found = found.as_array().unwrap().iter().filter(|f| f["check"] == check);
    found.map(|f| (text(f, "state"), text(f, "says"))).collect()
}

#[track_caller]
fn says(ran: &Ran, check: &str, state: &str, words: &str) {
    let found = of(ran, check);
    assert!(
        found.iter().any(|(s, says)| s == state && says.contains(words)),
        "{check} {state} {words}: {found:?}"
    );
}

#[test]
fn a_served_directory_is_looked_at_without_disturbing_it() {
    let shop = Shop::new();
    std::fs::write(shop.path().join("wardroom.toml"), "listen = \"127.0.0.1:0\"\nmax_connections = 10\n")
        .unwrap();
    let fresh = run(shop.path(), &["doctor", "--json"]).ended(0);
    says(&fresh, "journal", "ok", "there is none yet");
    let server = shop.serve();
    server.client.decide(&signup("1", "a", "203.0.113.7")).ok();
    let ran = run(shop.path(), &["doctor", "--full", "--json"]).ended(0);
    says(&ran, "lock", "ok", &format!("process {} serves this directory", server.process.id()));
    says(&ran, "journal", "ok", "3 records in 1 segments, up to 3; every one was read through");
    says(&ran, "permissions", "ok", "closed to others");
    says(&ran, "policy", "ok", "compiles");
    says(&ran, "facts", "ok", "countries of this build are of 20");
    says(&ran, "clock", "ok", "the newest record is of 20");
    says(&ran, "open files", "ok", "74 are needed");
    server.client.decide(&signup("2", "a", "203.0.113.7")).ok();
    let table = run(shop.path(), &["doctor"]).ended(0);
    assert!(table.out.contains("ok    lock         process"), "{table:#?}");
    server.stop();
    says(&run(shop.path(), &["doctor", "--json"]).ended(0), "lock", "ok", "nobody serves");
}

#[test]
fn what_is_wrong_ends_it_with_1() {
    let shop = Shop::new();
    shop.serve().stop();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!("listen = \"{}\"\n[facts]\nmmdb = [\"none.mmdb\"]\n", taken.local_addr().unwrap())
        + "[telemetry]\nheaders = \"collector.headers\"\n[effects.webhook.revoke]\nurl = \"https://a.example\"\n"
        + "secret_file = \"hook.key\"\n";
    for name in ["collector.headers", "hook.key"] {
        std::fs::write(shop.path().join(name), "").unwrap();
    }
    std::fs::write(shop.path().join("wardroom.toml"), config).unwrap();
    shop.edit("rule", "rulle");
    let open = |name: &str, mode| {
        std::fs::set_permissions(shop.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open("data/secret", 0o644);
    for name in ["data/snapshots", "data/ids"] {
        std::fs::create_dir_all(shop.path().join(name)).unwrap();
    }
    open("data/snapshots", 0o777);
    open("data/ids", 0o770);
    open("collector.headers", 0o640);
    open("hook.key", 0o644);
    let segment = shop.path().join("data/journal/00000000000000000001.wj");
    let whole = std::fs::read(&segment).unwrap();
    let mut hurt = whole.clone();
    hurt[3] ^= 1;
    std::fs::write(&segment, hurt).unwrap();
    // What holds the port says nothing: it is no server of ours.
    let closing = std::thread::spawn(move || drop(taken.accept()));
    let ran = run(shop.path(), &["doctor", "--json"]).ended(1);
    closing.join().unwrap();
    says(&ran, "permissions", "fail", "secret is open to others (mode 0644)");
    says(&ran, "permissions", "fail", "data/snapshots is open to others (mode 0777)");
    says(&ran, "permissions", "fail", "data/ids is open to others (mode 0770)");
    says(&ran, "permissions", "fail", "collector.headers is open to others (mode 0640)");
    says(&ran, "permissions", "fail", "hook.key is open to others (mode 0644)");
    says(&ran, "journal", "fail", "00000000000000000001.wj");
    says(&ran, "policy", "fail", "errors; the first");
    says(&ran, "port", "fail", "cannot be listened on");
    says(&ran, "facts", "fail", "none.mmdb");
    open("data/secret", 0o600);
    std::fs::write(&segment, whole).unwrap();
    let elsewhere = run(shop.path(), &["doctor", "--data", "nowhere", "--json"]);
    says(&elsewhere, "data", "warn", "there is no data directory at nowhere");
}
