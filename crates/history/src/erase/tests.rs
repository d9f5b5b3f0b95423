// SPDX-License-Identifier: Apache-2.0
//! Somebody is in no file, and a row is what the journal, written anew, gives.

use super::search_file;
use crate::store::tests::{Shop, at, scanned};
use crate::{HistoryError, Options, Past, Scan, Store};
use std::path::{Path, PathBuf};
use wardroom_engine::{Eraser, Grep, Subject, Token};
use wardroom_journal::{Key, Keyring};

const TOKEN: &str = "erased-aaaaaaaaaaaaaaaaaaaaaaaaaa";
const TABLES: [&str; 5] = ["login", "signup", "labels", "lists", "policies"];

struct Whom {
    subject: Subject,
    eraser: Eraser,
    grep: Grep,
}

fn whom(text: &str) -> Whom {
    let subject = Subject::parse(text).unwrap();
    let eraser = Eraser::new(subject.clone(), &token()).unwrap();
    Whom { grep: Grep::new(&subject).unwrap(), eraser, subject }
}

fn token() -> Token {
    Token::parse(TOKEN).unwrap()
}

/// Every row of a table as text, in the order of its numbers.
fn shown(past: &Past, table: &str) -> Vec<String> {
    let scan = Scan::of(table);
    let mut rows = Vec::new();
    for batch in scanned(past, &scan) {
        for row in 0..batch.num_rows() {
            rows.push(format!("{:?}", batch.slice(row, 1).columns()));
        }
    }
    rows.sort();
    rows
}

fn parquet(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        match path.is_dir() {
            true => found.extend(parquet(&path)),
            false => found.extend(path.extension().is_some_and(|e| e == "parquet").then_some(path.clone())),
        }
    }
    found
}

/// Files that, decoded, hold it.
fn holding(past: &Past, whom: &Whom) -> usize {
    let files = parquet(past.store().dir());
    files.iter().filter(|path| search_file(path, &whom.grep).unwrap().hits.alone > 0).count()
}

#[test]
fn rows_are_what_the_journal_written_anew_gives() {
    for text in ["account:a10", "ip:192.0.2.3", "ip:2001:db8::21", "text:y21", "account:n25"] {
        let mut shop = Shop::open();
        shop.events(400);
        let past = shop.past();
        shop.export(&past, false);
        let whom = whom(text);
        let before: Vec<_> = TABLES.map(|table| shown(&past, table)).into();
        assert!(holding(&past, &whom) > 0, "{text}");
        let (proved, _) = past.prove(&whom.eraser, &whom.grep, u64::MAX).unwrap();
        assert!(proved.iter().any(|file| file.alone > 0), "{text}: a proof can fail");

        let done = shop.engine.erase(&whom.subject, &token(), at(500), &mut |_, _| {}).unwrap();
        let files = past.erase(&whom.eraser, done.seq).unwrap();
        assert!(files.iter().map(|file| file.met.replaced()).sum::<u64>() > 0, "{text}");
        assert_eq!(holding(&past, &whom), 0, "{text}: every file on disk, decoded");
        let (proved, after) = past.prove(&whom.eraser, &whom.grep, done.seq).unwrap();
        assert!(proved.iter().all(|file| file.alone == 0 && file.decoded > 0) && after == 0, "{text}");
        let dir = shop.journal().join("again");
        let again = Past::open(
            shop.journal(),
            &Keyring::default(),
            &Options { dir: Some(dir), ..Options::default() },
        )
        .unwrap();
        shop.export(&again, false);
        for (table, before) in TABLES.iter().zip(before) {
            let now = shown(&past, table);
            assert_eq!(now, shown(&again, table), "{text} {table}");
            assert_eq!(now.len(), before.len());
            let is_other = now.iter().filter(|row| !before.contains(row)).count();
            let had_it = before.iter().filter(|row| !now.contains(row)).count();
            assert_eq!(is_other, had_it, "{text} {table}");
            let value = text.split_once(':').map_or(text, |(_, value)| value);
            let others = before.iter().filter(|row| !row.contains(value));
            assert!(text.starts_with("ip") || others.clone().all(|row| now.contains(row)), "{text} {table}");
        }
        // Done again it changes nothing.
        let again = past.erase(&whom.eraser, done.seq).unwrap();
        assert_eq!(again.iter().map(|file| file.met.replaced()).sum::<u64>(), 0);
    }
}

#[test]
fn an_encrypted_past_is_erased_as_well_and_stays_encrypted() {
    let mut shop = Shop::with(Keyring::new(Some(Key::new([5; 32])), Vec::new()));
    shop.events(300);
    let (past, whom) = (shop.past(), whom("account:a10"));
    shop.export(&past, false);
    let has = |seq| past.prove(&whom.eraser, &whom.grep, seq).unwrap().0.iter().any(|file| file.alone > 0);
    assert!(has(u64::MAX));
    let done = shop.engine.erase(&whom.subject, &token(), at(500), &mut |_, _| {}).unwrap();
    past.erase(&whom.eraser, done.seq).unwrap();
    assert!(!has(done.seq));
    assert_eq!(shown(&shop.past(), "login"), shown(&past, "login"));
    assert!(past.store().files().unwrap().all().iter().all(|file| file.key().is_some()));
}

#[test]
fn what_comes_after_stays_and_is_counted_apart() {
    let mut shop = Shop::open();
    shop.events(200);
    let (past, whom) = (shop.past(), whom("account:a10"));
    shop.export(&past, true);
    let done = shop.engine.erase(&whom.subject, &token(), at(300), &mut |_, _| {}).unwrap();
    past.erase(&whom.eraser, done.seq).unwrap();
    shop.events(100);
    shop.export(&past, true);
    while past.store().join(at(400)).unwrap().is_some() {}
    let (proved, after) = past.prove(&whom.eraser, &whom.grep, done.seq).unwrap();
    assert!(after > 3 && proved.iter().all(|file| file.alone == 0), "{after}");
    let rows = |past: &Past| TABLES.map(|table| shown(past, table));
    let before = rows(&past);
    past.erase(&whom.eraser, done.seq).unwrap();
    assert_eq!(rows(&past), before, "an erasure is not of what came after");
}

#[test]
fn cut_short_it_goes_on_and_leaves_no_old_file() {
    let mut shop = Shop::open();
    shop.events(400);
    let (past, whom) = (shop.past(), whom("account:a10"));
    shop.export(&past, false);
    let files = past.store().files().unwrap().all().len();
    assert!(files > 6);
    // Stopped between the manifest and the old file, which is still there then.
    let orphan = parquet(past.store().dir()).remove(0);
    let done = shop.engine.erase(&whom.subject, &token(), at(500), &mut |_, _| {}).unwrap();
    std::fs::copy(&orphan, orphan.with_file_name("9-9-0.parquet")).unwrap();
    let mut left = 3;
    let stopped = Store::rewrite(past.store(), &|_| true, &mut |_, columns, batch| {
        left -= 1;
        if left == 0 {
            return Err(HistoryError::Stopped);
        }
        super::batch::Pass::new(&whom.eraser, done.seq, batch).batch(columns, batch)
    });
    assert!(stopped.is_err());
    assert!(holding(&past, &whom) > 0 && holding(&past, &whom) < files);
    assert_eq!(shown(&shop.past(), "login").len(), 320, "what was done is seen, the rest as before");
    // By whoever opens it next.
    shop.past().erase(&whom.eraser, done.seq).unwrap();
    assert_eq!(holding(&past, &whom), 0);
    assert!(!orphan.with_file_name("9-9-0.parquet").exists());
    assert_eq!(parquet(past.store().dir()).len(), files);
    assert_eq!(shown(&shop.past(), "login"), shown(&past, "login"));
}
