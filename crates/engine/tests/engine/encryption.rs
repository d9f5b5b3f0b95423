// SPDX-License-Identifier: Apache-2.0
//! An encrypted data directory: the same decisions, nothing of them on disk in the open, and no opening without the key.

use crate::support::{Data, POLICY, bundle, content, decide, everything, line, login, open, run};
use std::path::Path;
use wardroom_engine::{Config, EngineError};
use wardroom_journal::{JournalError, Key, Keyring};

fn config(data: &Data, newest: Option<u8>, older: &[u8]) -> Config {
    let key = |fill: u8| Key::new([fill; 32]);
    let keys = Keyring::new(newest.map(key), older.iter().map(|fill| key(*fill)).collect());
    Config { keys, ..data.config() }
}

/// Whether any file below holds these bytes.
fn holds(dir: &Path, what: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
        true => holds(&path, what),
        false => std::fs::read(path).unwrap().windows(what.len()).any(|w| w == what),
    })
}

#[test]
fn decisions_are_the_same_and_nothing_of_them_is_readable() {
    let data = Data::new();
    let (engine, _) = open(&config(&data, Some(1), &[]), Some(bundle(POLICY))).unwrap();
    for i in 0..40 {
        decide(&engine, &login(i, i, "marguerite", "192.0.2.1", false));
    }
    let said: Vec<_> = everything(&engine).iter().map(content).collect();
    run(engine.close());
    assert!(!holds(&data.path(), b"marguerite") && !holds(&data.path(), b"guessing"));

    // The key is changed, and what was counted under the old one still counts.
    let (engine, opened) = open(&config(&data, Some(2), &[1]), None).unwrap();
    assert_eq!(opened.events, 40);
    assert_eq!(everything(&engine).iter().map(content).collect::<Vec<_>>(), said);
    assert_eq!(
        line(&decide(&engine, &login("x", 41, "a", "192.0.2.1", false))),
        "block guessing:block unknown_device:limit"
    );
    run(engine.close());

    let refused = |newest, older: &[u8]| match open(&config(&data, newest, older), None).map(drop) {
        Err(EngineError::Journal(e @ JournalError::Seal { .. })) => e.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refused(None, &[]).contains("no key was given"));
    let one = Key::new([1; 32]).id();
    assert!(refused(Some(2), &[]).contains(&format!("encrypted with the key {one}")));
    // And back: what is new is plain.
    let (engine, _) = open(&config(&data, None, &[2, 1]), None).unwrap();
    decide(&engine, &login("y", 42, "marguerite", "192.0.2.1", false));
    run(engine.close());
    assert!(holds(&data.path(), b"marguerite"));
}
