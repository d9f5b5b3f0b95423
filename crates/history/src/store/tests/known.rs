// SPDX-License-Identifier: Apache-2.0
//! What was known of events at a time: from files and the newest records the same as from the journal alone, also where
//! people said it, took it back, or an event was judged again, and where the journal is gone.

use super::{BEGINS, Shop, at, event, scanned};
use crate::backtest::{Journal, JournalRows, Rows, Want};
use crate::{Past, Scan};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, RecordBatch};
use std::collections::{BTreeMap, BTreeSet};
use wardroom_engine::acts::{Act, Deed, Done, Subject};
use wardroom_engine::{Work, installation_keyer, installation_secret, past_policies};
use wardroom_event::{Micros, Type, Value};
use wardroom_journal::Keyring;

/// What is known of one event: its class and its labels.
type Known = BTreeMap<u64, (Option<String>, Vec<String>)>;

fn known_of(batches: impl IntoIterator<Item = RecordBatch>) -> Known {
    let mut all = Known::new();
    for batch in batches {
        let column = |name: &str| batch.column_by_name(name).unwrap();
        let (seqs, classes) =
            (column("seq").as_primitive::<UInt64Type>(), column("class").as_string::<i32>());
        for row in 0..batch.num_rows() {
            let labels = column("labels").as_list::<i32>().value(row);
            let labels = labels.as_string::<i32>().iter().flatten().map(str::to_owned).collect();
            let class = classes.is_valid(row).then(|| classes.value(row).to_owned());
            assert!(all.insert(seqs.value(row), (class, labels)).is_none());
        }
    }
    all
}

fn of_past(past: &Past, table: &str, as_of: Micros) -> Known {
    let columns = Some(["class", "seq", "labels"].map(Box::from).into());
    known_of(scanned(past, &Scan { columns, as_of: Some(as_of), ..Scan::of(table) }))
}

fn of_journal(shop: &Shop, table: &str, as_of: Micros) -> Known {
    let (dir, keys) = (shop.journal().join("journal"), Keyring::default());
    let policies = past_policies(&dir, &keys).unwrap();
    let data = shop.journal();
    let (secret, keyer) = (installation_secret(data).unwrap(), installation_keyer(data).unwrap());
    let journal = Journal { secret, keyer, dir, keys, policies };
    let rows = JournalRows::new(&journal, u64::MAX).unwrap();
    let columns = ["seq", "class", "labels"].map(Box::from).into();
    let want = Want { table: table.into(), columns, from: Micros(0), to: Micros(i64::MAX), as_of };
    known_of(rows.parts(&want).unwrap().into_iter().flatten().map(Result::unwrap))
}

impl Shop {
    /// Events that come half an hour after they happened: what they say is known no sooner.
    fn late(&mut self, count: u64) {
        for n in self.next..self.next + count {
            let event = self.engine.intake(event(n).as_bytes(), at(n + 30)).unwrap();
            self.runtime.block_on(self.engine.submit(vec![event], Work::Decide)).unwrap();
        }
        self.next += count;
    }

    fn act(&self, source: &str, deed: Deed, n: u64) -> u64 {
        let act = Act { deed, source: source.into(), by: "ann".into(), item: None };
        match self.runtime.block_on(self.engine.act(vec![act], at(n))).unwrap().pop().unwrap() {
            Done::Made { seq, .. } | Done::Undone { seq, .. } | Done::Judged { seq, .. } => seq,
            other => panic!("{other:?}"),
        }
    }
}

fn label(subject: Subject, label: &str, says: bool, about: Option<Micros>) -> Deed {
    let (until, confidence) = (Some(at(900)).filter(|_| label == "vip"), Some(0.5));
    Deed::Label { subject, label: label.into(), says, until, confidence, note: "seen".into(), about }
}

fn account(name: &str) -> Subject {
    Subject::Entity { kind: Type::Account, value: Value::Text(name.into()) }
}

/// People say things between events, take some back, and have an event judged again.
fn said(shop: &mut Shop) {
    shop.late(120);
    shop.act("key:ann", label(account("a1"), "abuse", true, Some(at(3))), 121);
    let good = shop.act("key:bob", label(account("a1"), "good", true, None), 122);
    shop.act("import:bank", label(Subject::Event(8), "good", true, Some(at(1))), 123);
    shop.act("import:bank", label(account("a2"), "vip", true, None), 124);
    shop.late(60);
    shop.act("key:ann", Deed::Undo { act: good, since: "".into() }, 181);
    let seen = shop.act("key:ann", label(Subject::Event(9), "abuse", true, None), 182);
    shop.act("key:bob", Deed::Undo { act: seen, since: "".into() }, 183);
    shop.act("key:ann", label(account("a3"), "abuse", true, None), 184);
    shop.act("key:ann", label(account("a3"), "abuse", false, None), 185);
    let judged = shop.act("key:ann", Deed::Again { event: 30 }, 186);
    shop.late(40);
    shop.act("key:ann", Deed::Undo { act: judged, since: "".into() }, 221);
    shop.late(20);
}

#[test]
fn what_was_known_is_the_same_from_files_and_from_the_journal() {
    let mut shop = Shop::open();
    said(&mut shop);
    let times = [0, 20, 31, 100, 121, 122, 123, 170, 183, 185, 222, 260, 899, 900, 2000].map(at);
    let expect: Vec<Known> =
        times.iter().flat_map(|t| ["login", "signup"].map(|table| of_journal(&shop, table, *t))).collect();
    let classes: BTreeSet<&str> =
        expect.iter().flat_map(BTreeMap::values).filter_map(|(c, _)| c.as_deref()).collect();
    assert_eq!(classes, BTreeSet::from(["abuse", "disputed", "good"]), "all there is to tell");
    assert!(
        expect.iter().flat_map(BTreeMap::values).any(|(_, labels)| labels.contains(&"guesser".to_owned()))
    );
    let check = |past: &Past, what: &str| {
        for (at, expect) in times.iter().flat_map(|t| [(t, "login"), (t, "signup")]).zip(&expect) {
            assert_eq!(of_past(past, at.1, *at.0), *expect, "{what}, {} at {}", at.1, at.0.0 - BEGINS);
        }
    };
    let past = shop.past();
    check(&past, "from the newest records");
    shop.export(&past, false);
    assert!(past.store().files().unwrap().exported() > 100);
    check(&past, "with files, as it goes on");
    check(&shop.past(), "with files, opened anew");
    shop.export(&past, true);
    while past.store().join(at(shop.next)).unwrap().is_some() {}
    check(&shop.past(), "from files alone");
    // What retention removed of the journal the files still say.
    shop.runtime.block_on(shop.engine.close());
    for file in std::fs::read_dir(past.journal()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    check(&shop.past(), "with no journal");
}

#[test]
fn what_is_said_later_is_heard() {
    let mut shop = Shop::open();
    shop.events(50);
    let past = shop.past();
    let class = |past: &Past, n: u64| of_past(past, "login", at(n)).into_values().next().unwrap().0;
    assert_eq!(class(&past, 100), None);
    for n in 0..11 {
        shop.act("key:ann", label(account(&format!("a{n}")), "abuse", true, None), 100);
    }
    assert_eq!((class(&past, 99), class(&past, 100).as_deref()), (None, Some("abuse")));
    // As of the newest where nobody says when.
    let columns = Some(["class"].map(Box::from).into());
    let found = scanned(&past, &Scan { columns, ..Scan::of("login") });
    assert!(found.iter().all(|b| b.num_columns() == 1 && b.column(0).null_count() == 0));
}

#[test]
fn the_tables_say_what_people_said_and_took_back() {
    let mut shop = Shop::open();
    said(&mut shop);
    let past = shop.past();
    let show = |past: &Past| {
        let mut rows: Vec<String> = Vec::new();
        for batch in scanned(past, &Scan::of("labels")) {
            for said in crate::known::said_rows(&batch).into_iter().filter(|s| s.by.is_some()) {
                let about = if said.time == said.known { "" } else { " about before" };
                let says = if said.says { "is" } else { "is not" };
                let sure = said.confidence.map_or(String::new(), |c| format!(" ({c})"));
                let kind = &said.subject_kind;
                let subject = if **kind == *"act" { "…" } else { &said.subject };
                rows.push(format!("{} {kind} {subject} {says} {}{sure}{about}", said.source, said.name));
            }
        }
        rows.sort();
        rows
    };
    let before = show(&past);
    for row in [
        "import:bank account a2 is vip (0.5)",
        "import:bank event 8 is good (0.5) about before",
        "key:ann account a1 is abuse (0.5) about before",
        "key:ann account a3 is not abuse (0.5)",
        "key:bob act … is not ",
    ] {
        assert!(before.iter().any(|r| r == row), "{row}: {before:#?}");
    }
    shop.export(&past, true);
    assert_eq!(show(&shop.past()), before);
}
