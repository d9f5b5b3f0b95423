// SPDX-License-Identifier: Apache-2.0
//! `wardroom journal`: a journal that is sound, damaged, repaired, encrypted.

use crate::process::run;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const POLICY: &str = "\
event login:
    account: account
    ip:      ip
    ok:      bool

feature failures = count(login, where=not ok, by=ip, last=\"1d\")

rule guessing on login:
    when    failures >= 3
    then    block, label(ip, \"guesser\")
    because \"{failures} failures from {ip} as {account}\"
";

/// Ten failed logins, kept in `data`.
fn replayed(dir: &Path) -> Value {
    replayed_up_to(dir, 10)
}

fn replayed_up_to(dir: &Path, count: usize) -> Value {
    let events: String = (0..count)
        .map(|n| {
            format!(
                "{{\"type\":\"login\",\"id\":\"{n}\",\"time\":\"2026-01-05T12:00:{n:02}Z\",\"account\":\"marguerite\",\
                 \"ip\":\"203.0.113.7\",\"ok\":false}}\n"
            )
        })
        .collect();
    std::fs::create_dir_all(dir.join("policy")).unwrap();
    std::fs::write(dir.join("policy/login.ward"), POLICY).unwrap();
    std::fs::write(dir.join("events.ndjson"), events).unwrap();
    let args =
        ["replay", "events.ndjson", "--format", "ndjson", "--policy", "policy", "--data", "data", "--json"];
    run(dir, &args).ended(0).json()
}

fn here() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn segment(dir: &Path) -> PathBuf {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(dir.join("data/journal")).unwrap().map(|e| e.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == "wj"));
    found.sort();
    found.pop().unwrap()
}

fn dump(dir: &Path, more: &[&str]) -> Vec<Value> {
    let ran = run(dir, &[&["journal", "dump", "--json"], more].concat()).ended(0);
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn lines_of(dir: &Path, args: &[&str], code: i32) -> String {
    run(dir, &[&["journal"], args].concat()).ended(code).out
}

#[test]
fn a_sound_journal_is_verified_and_shown() {
    let dir = here();
    replayed(dir.path());
    let said = lines_of(dir.path(), &["verify"], 0);
    assert!(said.contains("1 segments, ") && said.contains("decided") && said.ends_with("sound\n"), "{said}");
    assert!(said.contains("events from 2026-01-05T12:00:00Z to 2026-01-05T12:00:09Z"), "{said}");
    let json: Value = serde_json::from_str(&lines_of(dir.path(), &["verify", "--json"], 0)).unwrap();
    assert_eq!(
        (&json["sound"], &json["events"], &json["kinds"]["decided"]["records"]),
        (&true.into(), &10.into(), &10.into())
    );
    assert!(json["bytes_per_event"].as_u64().unwrap() > 50, "{json}");
    assert!(lines_of(dir.path(), &["repair"], 0).contains("nothing to repair"));

    let all = dump(dir.path(), &[]);
    assert!(all.iter().map(|record| record["seq"].as_u64().unwrap()).eq(1..=all.len() as u64));
    let decided = dump(dir.path(), &["--kind", "decided"]);
    let last = decided.last().unwrap();
    assert_eq!(
        (&last["verdict"], &last["type"], &last["id"]),
        (&"block".into(), &"login".into(), &"9".into())
    );
    assert_eq!(last["features"]["failures"], "9");
    assert_eq!(dump(dir.path(), &["--from", "4", "--to", "9", "--limit", "3"]).len(), 3);
    assert!(dump(dir.path(), &["--kind", "change"])[0]["effect"].as_str().unwrap().contains("guesser"));

    // Identifiers are masked unless somebody asks.
    let (masked, whole) =
        (lines_of(dir.path(), &["dump"], 0), lines_of(dir.path(), &["dump", "--unmask"], 0));
    assert!(!masked.contains("marguerite") && masked.contains("account=ma"), "{masked}");
    assert!(whole.contains("account=marguerite") && whole.contains("as marguerite"), "{whole}");

    let wrong = run(dir.path(), &["journal", "dump", "--kind", "decide"]).ended(2);
    assert!(wrong.err.contains("did you mean `decided`?"), "{wrong:#?}");
    let none = run(dir.path(), &["journal", "verify", "--data", "elsewhere"]).ended(3);
    assert!(none.err.contains("elsewhere holds no journal"), "{none:#?}");
}

#[test]
fn a_damaged_journal_is_refused_verified_repaired_and_used_again() {
    let dir = here();
    replayed(dir.path());
    // The last batch has nothing behind it that could tell its damage from a torn tail.
    replayed_up_to(dir.path(), 11);
    let hurt = dump(dir.path(), &["--kind", "decided", "--limit", "3"])[2]["seq"].as_u64().unwrap();
    let path = segment(dir.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let at = (0..bytes.len())
        .step_by(8)
        .find(|at| {
            bytes[at + 8..].starts_with(&[1, 0, 0, 0]) && bytes[at + 16..].starts_with(&hurt.to_le_bytes())
        })
        .unwrap();
    bytes[at + 30] ^= 1;
    std::fs::write(&path, &bytes).unwrap();

    let place = format!("00000000000000000001.wj at byte {at}, record {hurt}: ");
    let said = lines_of(dir.path(), &["verify"], 1);
    assert!(said.contains(&format!("damaged: {place}")) && said.ends_with("not sound\n"), "{said}");
    let json: Value = serde_json::from_str(&lines_of(dir.path(), &["verify", "--json"], 1)).unwrap();
    let fault = &json["segments"][0]["faults"][0];
    assert_eq!((&fault["offset"], &fault["record"], &fault["lost"]), (&at.into(), &hurt.into(), &1.into()));
    let refused = run(
        dir.path(),
        &["replay", "events.ndjson", "--format", "ndjson", "--policy", "policy", "--data", "data"],
    )
    .ended(3);
    assert!(refused.err.contains("is damaged at byte"), "{refused:#?}");

    let planned = lines_of(dir.path(), &["repair", "--dry-run"], 1);
    assert!(planned.contains(&place) && planned.contains("nothing was changed"), "{planned}");
    assert!(std::fs::read(&path).unwrap() == bytes);
    let done = lines_of(dir.path(), &["repair"], 0);
    assert!(
        done.contains(&format!("record {hurt} is lost")) && done.contains("its id can be decided anew"),
        "{done}"
    );
    let kept = path.parent().unwrap().join("damaged").join(path.file_name().unwrap());
    assert!(std::fs::read(kept).unwrap() == bytes, "what was there is kept");
    assert!(lines_of(dir.path(), &["verify"], 0).contains("lost "));
    assert_eq!(dump(dir.path(), &["--kind", "lost"])[0]["seq"], hurt);

    // The one whose record is lost is decided anew; the others come again.
    let again = replayed_up_to(dir.path(), 11);
    assert_eq!((&again["repeated"], &again["events"]), (&10.into(), &11.into()), "{again}");
}

#[test]
fn an_encrypted_journal_needs_its_key_for_everything() {
    let dir = here();
    let made = run(dir.path(), &["journal", "key", "new", "journal.key"]).ended(0);
    let id = made.out.split_whitespace().next().unwrap().to_owned();
    assert_eq!(run(dir.path(), &["journal", "key", "id", "journal.key"]).ended(0).out, made.out);
    assert!(run(dir.path(), &["journal", "key", "new", "journal.key"]).ended(3).err.contains("journal.key"));
    std::fs::write(dir.path().join("wardroom.toml"), "[encryption]\nkey_file = \"journal.key\"\n").unwrap();
    replayed(dir.path());
    let bytes = std::fs::read(segment(dir.path())).unwrap();
    assert!(!bytes.windows(10).any(|w| w == b"marguerite"));
    let said = lines_of(dir.path(), &["verify"], 0);
    assert!(said.contains(&format!("encrypted with the key {id}")), "{said}");
    assert_eq!(dump(dir.path(), &["--kind", "decided"]).len(), 10);

    std::fs::remove_file(dir.path().join("wardroom.toml")).unwrap();
    let blind = lines_of(dir.path(), &["verify"], 1);
    assert!(
        blind.contains(&format!("encrypted with the key {id}, which was not given; its frames are whole")),
        "{blind}"
    );
    for command in ["dump", "verify"] {
        let ran = run(dir.path(), &["journal", command]);
        assert!(!(ran.out + &ran.err).contains("damaged"), "a missing key is no damage");
    }
    let refused = run(dir.path(), &["journal", "dump"]).ended(3);
    assert!(
        refused.one_error().contains(&format!("encrypted with the key {id}, and no key was given")),
        "{refused:#?}"
    );
}
