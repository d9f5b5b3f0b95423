// SPDX-License-Identifier: Apache-2.0
//! Backups of a real engine's directory: taken while it is open, damaged in every way, made anew.

#![allow(clippy::disallowed_methods, reason = "tests read back whole files that they wrote themselves")]

mod beginning;

use super::{Archive, Encryption, Restored, Target, take, verify};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use wardroom_engine::{Config, Engine, Outcome, Work};
use wardroom_event::{Micros, Value};
use wardroom_journal::Keyring;
use wardroom_policy::Bundle;

const POLICY: &str = "event hit:\n    ip: ip\nfeature hits = count(hit, by=ip, last=\"1h\")\nrule many on hit:\n    when    hits >= 3\n    then    block\n    because \"{hits}\"\n";

/// Restores what is not encrypted.
fn restore(
    newest: &Archive,
    earlier: &[Archive],
    data: &Path,
    policy: Option<&Path>,
) -> anyhow::Result<Restored> {
    let keys = Keyring::default();
    super::restore(newest, earlier, &Target { data, policy, keys: &keys, rebuild: false })
}

struct Shop {
    dir: TempDir,
    engine: Engine,
    events: i64,
}

impl Shop {
    fn new() -> Shop {
        let dir = tempfile::tempdir().unwrap();
        let engine = open(&dir.path().join("data"));
        fs::create_dir(dir.path().join("data/snapshots")).unwrap();
        fs::write(dir.path().join("data/snapshots/00000000000000000002.whole"), "as it was").unwrap();
        fs::write(dir.path().join("data/snapshots/unfinished"), "half").unwrap();
        fs::write(dir.path().join("data/keys.toml"), "").unwrap();
        fs::write(dir.path().join("data/key"), "never").unwrap();
        Shop { dir, engine, events: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Events, and the served counter of the last.
    fn hit(&mut self, times: i64) -> i64 {
        let mut served = 0;
        for _ in 0..times {
            self.events += 1;
            served = hit(&self.engine, self.events);
        }
        served
    }

    fn back_up(&self, name: &str, since: Option<&str>) -> super::Taken {
        let since = since.map(|name| Archive::open(&self.path(name)).unwrap());
        take(&self.path("data"), &self.path(name), since.as_ref(), &Encryption::default(), Micros(7_000_000))
            .unwrap()
    }

    fn archive(&self, name: &str) -> Archive {
        Archive::open(&self.path(name)).unwrap()
    }
}

fn open(data: &Path) -> Engine {
    let config = Config { segment_bytes: 4096, ..Config::new(data) };
    Engine::open(&config, Some(Bundle::single("a/b.ward", POLICY)), Micros(0)).unwrap().0
}

fn hit(engine: &Engine, n: i64) -> i64 {
    // Long ids, so that a few events fill a segment.
    let json = format!(r#"{{"type":"hit","id":"{n:0>200}","time":"{}","ip":"192.0.2.1"}}"#, Micros(n * 1000));
    let event = engine.intake(json.as_bytes(), Micros(3_600_000_000)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcome = runtime.block_on(engine.submit(vec![event], Work::Decide)).unwrap().remove(0);
    let Outcome::Decided { seq, .. } = outcome else { panic!("{outcome:?}") };
    match engine.decision(seq).unwrap().unwrap().judged.unwrap().served[0].2 {
        Value::Int(n) => n,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_restored_goes_on_as_the_original_does() {
    for name in ["backup", "backup.tar"] {
        let mut shop = Shop::new();
        shop.hit(50);
        let taken = shop.back_up(name, None);
        assert_eq!((taken.first_seq, taken.last_seq, taken.records, taken.snapshots), (1, 52, 52, 1));
        assert!(taken.segments > 2, "{taken:?}");
        assert_eq!(taken.newest_event.as_deref(), Some("1970-01-01T00:00:00.05Z"));
        let archive = shop.archive(name);
        let checked = verify(&archive, &[]).unwrap();
        assert_eq!((checked.records, checked.elsewhere, checked.bytes), (52, 0, taken.bytes));
        // What is never in it.
        let names: Vec<&str> = archive.manifest.files.iter().map(|f| &*f.path).collect();
        assert!(
            !names.iter().any(|n| n.contains("LOCK") || n.contains("unfinished") || *n == "key"),
            "{names:?}"
        );
        let whole =
            fs::read(if name == "backup" { shop.path("backup/secret") } else { shop.path(name) }).unwrap();
        assert!(!whole.windows(5).any(|w| w == b"never"));

        let restored = restore(&archive, &[], &shop.path("there/data/"), Some(&shop.path("policy"))).unwrap();
        assert_eq!((restored.last_seq, restored.records, restored.policy_fault), (52, 52, None));
        assert_eq!(restored.policy, Some(shop.engine.active().program.version.to_string()));
        assert_eq!(fs::read_to_string(shop.path("policy/a/b.ward")).unwrap(), POLICY);
        assert_eq!(
            fs::read_to_string(shop.path("there/data/snapshots/00000000000000000002.whole")).unwrap(),
            "as it was"
        );
        assert!(!shop.path("there/data/policy").exists());
        let there = open(&shop.path("there/data"));
        let (here, there) = (shop.hit(1), hit(&there, 51));
        assert_eq!((here, there), (50, 50));
    }
}

#[test]
fn what_a_backup_before_has_is_left_to_it() {
    let mut shop = Shop::new();
    shop.hit(50);
    let first = shop.back_up("1.tar", None);
    shop.hit(50);
    let second = shop.back_up("2", Some("1.tar"));
    // The newest segment of the first was not complete: that one is copied again.
    assert_eq!((second.records, second.segments_before), (102, first.segments - 1));
    shop.hit(30);
    let third = shop.back_up("3.tar", Some("2"));
    assert_eq!(third.segments_before, second.segments_before + second.segments - 1);

    let (one, two, three) = (shop.archive("1.tar"), shop.archive("2"), shop.archive("3.tar"));
    assert_eq!(verify(&three, &[]).unwrap().elsewhere, third.segments_before);
    let data = shop.path("restored");
    let said = restore(&three, &[], &data, None).unwrap_err().to_string();
    assert!(
        said.contains("segments are in earlier backups: name the one made at 1970-01-01T00:00:07Z"),
        "{said}"
    );
    assert!(restore(&three, std::slice::from_ref(&two), &data, None).is_err(), "not all of them");
    let earlier = [one, two];
    assert_eq!(verify(&three, &earlier).unwrap().elsewhere, 0);
    restore(&three, &earlier, &data, None).unwrap();
    assert_eq!((shop.hit(1), hit(&open(&data), 131)), (130, 130));
}

/// The same installation, restored, lives another life: its segments have the names of the first one's, and other records.
#[test]
fn another_life_is_not_taken_for_the_same() {
    let mut shop = Shop::new();
    shop.hit(20);
    shop.back_up("before", None);
    restore(&shop.archive("before"), &[], &shop.path("again"), None).unwrap();
    shop.hit(40);
    shop.back_up("one", None);
    let other = open(&shop.path("again"));
    (21..61).for_each(|n| assert_eq!(hit(&other, n), n - 1));
    let since = shop.archive("one");
    let taken =
        take(&shop.path("again"), &shop.path("two"), Some(&since), &Encryption::default(), Micros(8_000_000))
            .unwrap();
    let two = shop.archive("two");
    let left = verify(&two, std::slice::from_ref(&since)).unwrap();
    // A policy's two, the events, and that it was restored.
    assert_eq!((left.records, left.elsewhere), (63, 0));
    restore(&two, &[since], &shop.path("third"), None).unwrap();
    assert!(taken.segments > 1, "{taken:?}");
    drop(other);
    assert_eq!((hit(&open(&shop.path("third")), 61), hit(&open(&shop.path("again")), 61)), (60, 60));
}

#[test]
fn what_is_not_right_is_refused_and_leaves_nothing() {
    let mut shop = Shop::new();
    shop.hit(50);
    shop.back_up("whole", None);
    shop.back_up("whole.tar", None);
    let data = shop.path("restored");
    let check = |what: &str, expect: &str| {
        let opened = Archive::open(&shop.path("hurt"));
        let errors = match &opened {
            Err(e) => vec![format!("{e:#}")],
            Ok(archive) => vec![
                format!("{:#}", verify(archive, &[]).unwrap_err()),
                format!("{:#}", restore(archive, &[], &data, None).unwrap_err()),
            ],
        };
        assert!(errors.iter().all(|said| said.contains(expect)), "{what}: {errors:#?}");
        assert!(!data.exists() && !shop.path("restored.restoring").exists(), "{what}");
        let hurt = shop.path("hurt");
        if hurt.is_dir() { fs::remove_dir_all(hurt) } else { fs::remove_file(hurt) }.unwrap();
    };
    let hurt = || {
        copy_dir(&shop.path("whole"), &shop.path("hurt"));
        shop.path("hurt")
    };
    let first = "journal/00000000000000000001.wj";
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    flip(&hurt().join(first));
    check("a flipped bit", "its checksum is another");
    flip(&hurt().join("secret"));
    check("another secret", "secret of");
    fs::remove_file(hurt().join(first)).unwrap();
    check("a lost file", "cannot read");
    fs::write(hurt().join(first), "").unwrap();
    check("a cut file", "it has 0 bytes and had");
    fs::remove_file(hurt().join("manifest.json")).unwrap();
    check("no manifest", "it was never finished");
    let manifest = hurt().join("manifest.json");
    let text = fs::read(&manifest).unwrap();
    fs::write(manifest, &text[..text.len() - 9]).unwrap();
    check("a cut manifest", "its manifest is not one");

    let tar = fs::read(shop.path("whole.tar")).unwrap();
    for cut in [0, 100, 700, tar.len() / 2, tar.len() - 1500] {
        fs::write(shop.path("hurt"), &tar[..cut]).unwrap();
        check(&format!("cut at {cut}"), "cannot be used as a backup");
    }
    for at in (0..tar.len()).step_by(tar.len() / 23) {
        let mut bytes = tar.clone();
        bytes[at] ^= 0x10;
        fs::write(shop.path("hurt"), &bytes).unwrap();
        // A byte between two files says nothing, and of the head's date and owner nothing is read.
        let right = Archive::open(&shop.path("hurt")).and_then(|archive| verify(&archive, &[]));
        if right.is_err() {
            check(&format!("a flipped bit at {at}"), "");
        }
    }
}

/// What failed once is tried again without anything to be cleared away first.
#[test]
fn a_restore_that_fails_leaves_no_policy_either() {
    let mut shop = Shop::new();
    shop.hit(50);
    shop.back_up("whole", None);
    let (data, policy) = (shop.path("restored"), shop.path("rules"));
    let again = || restore(&shop.archive("whole"), &[], &data, Some(&policy));
    // The policy's text is in it before the journal is found to be short.
    let keys = shop.path("whole/keys.toml");
    fs::write(&keys, "x").unwrap();
    assert!(format!("{:#}", again().unwrap_err()).contains("keys.toml"));
    assert!(!policy.exists() && !shop.path("rules.restoring").exists() && !data.exists());
    fs::create_dir(&policy).unwrap();
    assert!(again().is_err());
    assert_eq!(fs::read_dir(&policy).unwrap().count(), 0, "one that was there stays empty");
    // Nor does it where the data directory cannot get its name.
    fs::write(&keys, "").unwrap();
    let within = policy.join("data");
    let said = restore(&shop.archive("whole"), &[], &within, Some(&policy)).unwrap_err().to_string();
    assert!(said.contains("one within the other"), "{said}");
    again().unwrap();
    assert_eq!(fs::read_to_string(policy.join("a/b.ward")).unwrap(), POLICY);
}

#[test]
fn nothing_is_written_over() {
    let mut shop = Shop::new();
    shop.hit(5);
    shop.back_up("whole", None);
    shop.back_up("whole.tar", None);
    let check = |result: anyhow::Result<()>, expect: &str| {
        let said = format!("{:#}", result.unwrap_err());
        assert!(said.contains(expect), "{said}");
    };
    let again = |name: &str| {
        take(&shop.path("data"), &shop.path(name), None, &Encryption::default(), Micros(0)).map(drop)
    };
    check(again("whole"), "is not empty");
    check(again("whole.tar"), "is there already");
    check(
        take(&shop.path("nowhere"), &shop.path("x"), None, &Encryption::default(), Micros(0)).map(drop),
        "holds no journal",
    );
    let archive = shop.archive("whole.tar");
    let to = |data: &str, policy: Option<&str>| {
        restore(&archive, &[], &shop.path(data), policy.map(|p| shop.path(p)).as_deref()).map(drop)
    };
    check(to("data", None), "is not empty");
    check(to("new", Some("data")), "is not empty");
    fs::create_dir(shop.path("empty")).unwrap();
    to("empty", None).unwrap();
    fs::create_dir(shop.path("late.restoring")).unwrap();
    check(to("late", None), "left by a restore that was cut off");
}

/// A damaged journal is not copied as if it were whole.
#[test]
fn damage_is_met_when_the_backup_is_made() {
    let mut shop = Shop::new();
    shop.hit(50);
    let path = shop.path("data/journal/00000000000000000001.wj");
    let mut bytes = fs::read(&path).unwrap();
    bytes[300] ^= 1;
    fs::write(&path, bytes).unwrap();
    let said =
        take(&shop.path("data"), &shop.path("out.tar"), None, &Encryption::default(), Micros(0)).unwrap_err();
    assert!(format!("{said:#}").contains("is damaged at byte"), "{said:#}");
    assert!(!shop.path("out.tar").exists());
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &to)
        } else {
            fs::copy(entry.path(), to).map(drop).unwrap()
        }
    }
}
