// SPDX-License-Identifier: Apache-2.0
//! The past before it is exported, after it, and in between: always the same rows.

mod crash;
mod days;
mod known;
mod sealed;
mod verified;

use crate::{HistoryError, Past, PastRow, Scan, rows};
use arrow_array::RecordBatch;
use std::path::Path;
use std::sync::atomic::Ordering;
use wardroom_engine::{Config, Engine, Origin, Work};
use wardroom_event::{Micros, Value};
use wardroom_journal::{Keyring, segments};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    took: duration?
    tags: list(text)?
    plan: enum("free", "paid")?

event signup:
    ip: ip
    name: text

feature failures = count(login, where=not ok, by=ip, last="1h")

rule guessing on login:
    when    failures >= 3
    then    block, label(ip, "guesser", expires="1d")
    because "{failures} failed logins from {ip} for {account}"
"#;

/// A minute a step, from 2026-11-28 on.
const BEGINS: i64 = 1_795_824_000_000_000;
const STEP: i64 = 60_000_000;

pub(crate) fn at(n: u64) -> Micros {
    Micros(BEGINS + n as i64 * STEP)
}

fn event(n: u64) -> String {
    let time = at(n);
    let ip = format!("192.0.2.{}", n % 7);
    match n % 5 {
        0 => format!(r#"{{"type":"signup","id":"s{n}","time":"{time}","ip":"{ip}","name":"n{n}"}}"#),
        1 => format!(
            r#"{{"type":"login","id":"{n}","time":"{time}","ip":"2001:db8::{n}","account":"a{}","ok":true,"took":"2s","tags":["x","y{n}"],"plan":"paid"}}"#,
            n % 11
        ),
        _ => format!(
            r#"{{"type":"login","id":"{n}","time":"{time}","ip":"{ip}","account":"a{}","ok":false}}"#,
            n % 11
        ),
    }
}

pub(crate) struct Shop {
    _dir: tempfile::TempDir,
    config: Config,
    pub(crate) engine: Engine,
    runtime: tokio::runtime::Runtime,
    next: u64,
}

impl Shop {
    pub(crate) fn open() -> Shop {
        Shop::with(Keyring::default())
    }

    pub(crate) fn with(keys: Keyring) -> Shop {
        Shop::segmented(keys, 16 << 10)
    }

    fn segmented(keys: Keyring, segment_bytes: u64) -> Shop {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { segment_bytes, keys, ..Config::new(dir.path().join("data")) };
        let (engine, _) =
            Engine::open(&config, Some(Bundle::single("a.ward", POLICY)), Micros(BEGINS)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Shop { _dir: dir, config, engine, runtime, next: 0 }
    }

    pub(crate) fn events(&mut self, count: u64) {
        for n in self.next..self.next + count {
            let event = self.engine.intake(event(n).as_bytes(), at(n)).unwrap();
            self.runtime.block_on(self.engine.submit(vec![event], Work::Decide)).unwrap();
        }
        self.next += count;
    }

    pub(crate) fn past(&self) -> Past {
        Past::open(&self.config.data, &self.config.keys, &crate::Options::default()).unwrap()
    }

    pub(crate) fn journal(&self) -> &Path {
        &self.config.data
    }

    pub(crate) fn export(&self, past: &Past, all: bool) -> u64 {
        let mut files = 0;
        while let Some(done) =
            past.store().export(&self.journal().join("journal"), all, at(self.next)).unwrap()
        {
            files += done.files;
        }
        files
    }
}

pub(crate) fn scanned(past: &Past, scan: &Scan) -> Vec<RecordBatch> {
    past.scan(scan).unwrap().into_iter().flat_map(crate::Part::read).map(Result::unwrap).collect()
}

fn all_rows(past: &Past, scan: &Scan) -> Vec<PastRow> {
    let columns = past.columns(&scan.table).unwrap();
    let mut found: Vec<PastRow> =
        scanned(past, scan).iter().flat_map(|batch| rows(&columns, batch).unwrap()).collect();
    found.sort_by_key(|row| row.seq);
    found
}

#[test]
fn what_is_exported_is_what_was_recorded() {
    let mut shop = Shop::open();
    shop.events(400);
    let past = shop.past();
    let before: Vec<_> = ["login", "signup"].map(|t| all_rows(&past, &Scan::of(t))).into();
    assert_eq!((before[0].len(), before[1].len()), (320, 80));
    let judged = before[0].iter().filter_map(|r| r.judged.as_ref());
    assert!(judged.clone().any(|j| !j.signals.is_empty() && !j.signals[0].because.is_empty()));
    // As the engine gives them, one by one.
    for row in before.iter().flatten() {
        let stored = shop.engine.decision(row.seq).unwrap().unwrap();
        assert_eq!((&stored.id, stored.time, &stored.policy), (&row.id, row.time, &row.policy));
        assert_eq!(stored.fields.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>(), row.values);
        let judged = stored.judged.unwrap();
        let row = row.judged.as_ref().unwrap();
        assert_eq!((&judged.signals, judged.verdict), (&row.signals, row.verdict));
        assert_eq!(judged.served.into_iter().map(|(_, _, v)| v).collect::<Vec<_>>(), row.served);
    }
    let sealed = segments(past.journal()).unwrap().len() - 1;
    assert!(sealed > 2, "{sealed}");
    assert!(shop.export(&past, false) > 4);
    assert!(past.store().files().unwrap().exported() > 100);
    for (table, before) in ["login", "signup"].iter().zip(&before) {
        assert_eq!(all_rows(&past, &Scan::of(table)), *before, "sealed segments in files, the rest not");
        assert_eq!(all_rows(&shop.past(), &Scan::of(table)), *before, "and for whoever opens it now");
    }
    shop.export(&past, true);
    while past.store().join(at(shop.next)).unwrap().is_some() {}
    for (table, before) in ["login", "signup"].iter().zip(&before) {
        assert_eq!(all_rows(&past, &Scan::of(table)), *before, "all in files, joined");
    }
    // What comes after it is seen at once.
    shop.events(10);
    assert_eq!(all_rows(&past, &Scan::of("login")).len() + all_rows(&past, &Scan::of("signup")).len(), 410);
}

#[test]
fn a_scan_gives_what_was_asked_for() {
    let mut shop = Shop::open();
    shop.events(300);
    let past = shop.past();
    let between = Scan { from: Some(at(50)), to: Some(at(100)), ..Scan::of("login") };
    let seqs = Scan { seqs: Some((20, 60)), ..Scan::of("login") };
    let check = |past: &Past| {
        let found = all_rows(past, &between);
        assert_eq!(found.len(), 40);
        assert!(found.iter().all(|r| r.time >= at(50) && r.time < at(100)));
        assert!(all_rows(past, &seqs).iter().all(|r| (20..=60).contains(&r.seq)));
        // Only some columns, in another order.
        let some = Scan { columns: Some(vec!["ok".into(), "verdict".into()]), ..between.clone() };
        let batches = scanned(past, &some);
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 40);
        assert_eq!(batches[0].schema().field(0).name(), "ok");
        // A value leaves out only what does not hold it.
        let one = Value::Ip("2001:db8::51".parse().unwrap());
        let of = Scan { equal: vec![("ip".into(), one.clone())], ..Scan::of("login") };
        let found = all_rows(past, &of);
        assert_eq!(found.iter().filter(|r| r.values[1] == one).count(), 1);
        let nobody = Value::Text("nobody".into());
        let of = Scan { equal: vec![("account".into(), nobody)], ..Scan::of("login") };
        assert!(all_rows(past, &of).len() <= all_rows(past, &Scan::of("login")).len());
    };
    check(&past);
    shop.export(&past, true);
    check(&past);
    let nobody = Value::Text("nobody".into());
    let of = Scan { equal: vec![("account".into(), nobody)], ..Scan::of("login") };
    assert_eq!(all_rows(&past, &of).len(), 0, "filters tell that no row group holds it");
    // What is not there is named, with what is near.
    let said = past.scan(&Scan::of("logn")).unwrap_err().to_string();
    assert_eq!(said, "there is no table `logn`; did you mean `login`?");
    let of = Scan { columns: Some(vec!["acount".into()]), ..Scan::of("login") };
    let said = past.scan(&of).unwrap_err().to_string();
    assert_eq!(said, "table `login` has no column `acount`; did you mean `account`?");
    // Whoever stops it is not kept.
    let stopped = Scan::of("login");
    stopped.stop.store(true, Ordering::Relaxed);
    let ends = past.scan(&stopped).unwrap().into_iter().flat_map(crate::Part::read);
    assert!(ends.into_iter().any(|b| matches!(b, Err(HistoryError::Stopped))));
}

#[test]
fn labels_and_policies_are_tables() {
    let mut shop = Shop::open();
    shop.events(100);
    let past = shop.past();
    let count =
        |table: &str| scanned(&past, &Scan::of(table)).iter().map(RecordBatch::num_rows).sum::<usize>();
    let (labels, policies) = (count("labels"), count("policies"));
    assert!(labels > 3);
    assert_eq!(policies, 1);
    shop.export(&past, true);
    assert_eq!((count("labels"), count("policies")), (labels, policies));
}

#[test]
fn another_policy_adds_columns_and_leaves_the_old_rows() {
    let mut shop = Shop::open();
    shop.events(100);
    let past = shop.past();
    shop.export(&past, true);
    let grown = POLICY.replace("    ok: bool\n", "    ok: bool\n    country: text?\n");
    let bundle = Bundle::single("a.ward", &grown);
    shop.runtime.block_on(shop.engine.swap(bundle, Origin::Api, at(100))).unwrap();
    shop.events(100);
    let count = || scanned(&past, &Scan::of("login")).iter().map(RecordBatch::num_rows).sum::<usize>();
    assert_eq!(count(), 160);
    assert!(past.columns("login").unwrap().iter().any(|c| &*c.name == "country"));
    shop.export(&past, true);
    assert_eq!(count(), 160);
    assert!(past.columns("login").unwrap().iter().any(|c| &*c.name == "country"));
}

#[test]
fn what_a_crash_left_is_removed_and_what_the_manifest_names_stays() {
    let mut shop = Shop::open();
    shop.events(200);
    let past = shop.past();
    shop.export(&past, true);
    let file = past.store().files().unwrap().all()[0].path.clone();
    let left = past.store().dir().join(&file).with_file_name("9-9-0.parquet");
    std::fs::write(&left, b"half").unwrap();
    assert_eq!(past.store().tidy().unwrap(), 1);
    assert!(!left.exists() && past.store().dir().join(file).exists());
    // A manifest that was being written is nothing.
    std::fs::write(past.store().dir().join("manifest.json.new"), b"{").unwrap();
    assert_eq!(
        scanned(&shop.past(), &Scan::of("signup")).iter().map(RecordBatch::num_rows).sum::<usize>(),
        40
    );
    std::fs::write(past.store().dir().join("manifest.json"), b"{").unwrap();
    let said = Past::open(shop.journal(), &Keyring::default(), &crate::Options::default()).err().unwrap();
    assert!(said.to_string().contains("manifest.json is not what Wardroom writes there"), "{said}");
}
