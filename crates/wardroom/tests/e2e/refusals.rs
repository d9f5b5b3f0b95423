// SPDX-License-Identifier: Apache-2.0
//! What a server does not start with: one message, one exit code, nothing changed.

use crate::process::{Process, run, wardroom};
use crate::server::{Shop, signup};
use std::net::TcpListener;

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

/// What is advised then works: nothing was left that would stand in its way.
#[test]
fn an_empty_directory_serves_nothing_and_can_still_be_made_ready() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &SERVE).ended(3);
    assert!(ran.one_error().contains("`wardroom init` makes both"), "{ran:#?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
    run(dir.path(), &["init"]).ended(0);
}

#[test]
fn a_data_directory_has_one_server() {
    let shop = Shop::new();
    let server = shop.serve();
    let ran = run(shop.path(), &SERVE).ended(3);
    let said = ran.one_error();
    assert!(said.contains("is locked") && said.contains(&server.process.id().to_string()), "{said}");
    // Nor may a replay write there.
    std::fs::write(shop.path().join("x.ndjson"), signup("r", "a", "203.0.113.1")).unwrap();
    let ran = run(shop.path(), &["replay", "x.ndjson", "--data", "data"]).ended(3);
    assert!(ran.one_error().contains("is locked"), "{ran:#?}");
    // The one that was there has not noticed.
    assert_eq!(server.client.decide(&signup("1", "a", "203.0.113.1")).ok()["verdict"], "allow");
    server.stop();
}

#[test]
fn a_port_in_use_is_said_before_anything_is_written() {
    let shop = Shop::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = run(shop.path(), &["serve", "--listen", &address, "--data", "other"]).ended(3);
    assert!(ran.one_error().contains(&format!("cannot listen on {address}: ")), "{ran:#?}");
    assert!(!shop.path().join("other").exists());
    let ran = run(shop.path(), &["serve", "--listen", "nowhere"]).ended(3);
    assert!(ran.one_error().contains("cannot listen on nowhere"), "{ran:#?}");
}

#[test]
fn a_broken_policy_is_drawn_and_refused() {
    let shop = Shop::new();
    shop.edit("signups_from_net >= 10", "signups_from_nett >= 10");
    let ran = run(shop.path(), &SERVE).ended(3);
    assert!(
        ran.err.contains("did you mean `signups_from_net`?") && ran.err.contains("first.ward:"),
        "{ran:#?}"
    );
    assert!(ran.err.ends_with("error: the policy in policy has errors\n"), "{ran:#?}");
    shop.edit("signups_from_nett >= 10", "signups_from_net >= 10");
    shop.serve().stop();
}

#[test]
fn what_cannot_be_read_is_named() {
    let shop = Shop::new();
    let check = |expect: &str| {
        let ran = run(shop.path(), &SERVE).ended(3);
        let last = ran.err.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: ") && last.contains(expect), "{expect}: {ran:#?}");
    };
    // A policy directory that holds none, and one that leads nowhere.
    std::fs::rename(shop.policy(), shop.path().join("first.ward")).unwrap();
    check("no .ward file in policy");
    std::os::unix::fs::symlink("nowhere", shop.policy()).unwrap();
    check("cannot read policy/first.ward");
    std::fs::remove_file(shop.policy()).unwrap();
    std::fs::write(shop.policy(), b"# caf\xe9\n").unwrap();
    check("cannot read policy/first.ward");
    std::fs::rename(shop.path().join("first.ward"), shop.policy()).unwrap();
    // Keys that are none, a secret that is none, a data directory that is a file.
    let keys = std::fs::read(shop.path().join("data/keys.toml")).unwrap();
    std::fs::write(shop.path().join("data/keys.toml"), "key = 3").unwrap();
    check("keys.toml");
    std::fs::write(shop.path().join("data/keys.toml"), keys).unwrap();
    shop.serve().stop();
    let secret = std::fs::read(shop.path().join("data/secret")).unwrap();
    std::fs::write(shop.path().join("data/secret"), "guess").unwrap();
    check("does not hold 32 hex digits; remove it");
    std::fs::write(shop.path().join("data/secret"), secret).unwrap();
    shop.serve().stop();
    std::fs::write(shop.path().join("wardroom.toml"), "data = \"wardroom.toml\"").unwrap();
    check("wardroom.toml");
    std::fs::write(shop.path().join("wardroom.toml"), "durability = \"often\"").unwrap();
    check("wardroom.toml is not right: `durability` is \"sync\" or how often to sync");
}

/// A journal with damage in its middle is not served, and not changed.
#[test]
fn a_damaged_journal_is_refused_and_left_as_it_is() {
    let shop = Shop::new();
    let server = shop.serve();
    for i in 0..20 {
        server.client.decide(&signup(&i.to_string(), "a", "203.0.113.1")).ok();
    }
    server.stop();
    let segment = std::fs::read_dir(shop.path().join("data/journal")).unwrap();
    let segment =
        segment.map(|e| e.unwrap().path()).find(|p| p.extension().is_some_and(|e| e == "wj")).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    // In the middle of what was written: the file itself is allocated whole.
    let end = bytes.iter().rposition(|b| *b != 0).unwrap();
    bytes[end / 2] ^= 0xff;
    std::fs::write(&segment, &bytes).unwrap();
    let ran = run(shop.path(), &SERVE).ended(3);
    assert!(ran.one_error().contains("is damaged"), "{ran:#?}");
    assert!(std::fs::read(&segment).unwrap() == bytes, "nothing was changed");
}

/// A server without a key says so, and how to make one.
#[test]
fn without_a_key_a_server_says_so() {
    let shop = Shop::new();
    std::fs::remove_file(shop.path().join("data/keys.toml")).unwrap();
    let mut process = Process::start(wardroom(shop.path()).args(SERVE));
    process.await_err("a warning", |log| log.contains("`wardroom key new NAME`").then_some(()));
    process.await_err("an address", crate::server::address);
}
