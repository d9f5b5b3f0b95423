// SPDX-License-Identifier: Apache-2.0
//! Where retention has taken the journal's beginning, a backup needs a snapshot that reaches back to what is left.

use super::super::manifest::Manifest;
use super::super::take::take_while;
use super::*;
use wardroom_engine::{EngineError, Retention};

/// As little as can be kept: two segments and what two snapshots need.
fn config(data: &Path) -> Config {
    let retention = Retention { age: None, bytes: Some(8192) };
    Config { segment_bytes: 4096, snapshot_every: None, retention, ..Config::new(data) }
}

fn open(config: &Config) -> Result<Engine, EngineError> {
    Engine::open(config, Some(Bundle::single("a/b.ward", POLICY)), Micros(0)).map(|(engine, _)| engine)
}

/// Events and snapshots, of which more than two are whole, so that segments go. Gives the number of the last.
fn grow(engine: &Engine, from: i64) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for n in from..from + 100 {
        hit(engine, n);
        if n % 15 == 0 {
            runtime.block_on(engine.snapshot()).unwrap();
        }
    }
    from + 99
}

/// A directory whose journal has lost its beginning, and its engine.
fn cut(dir: &Path) -> (Engine, i64) {
    let engine = open(&config(&dir.join("data"))).unwrap();
    let last = grow(&engine, 1);
    let first = wardroom_journal::segments(dir.join("data/journal")).unwrap()[0];
    assert!(first > 1, "retention took nothing");
    (engine, last)
}

fn back_up(dir: &Path, name: &str, meanwhile: &mut dyn FnMut()) -> anyhow::Result<super::super::Taken> {
    let encryption = Encryption::default();
    take_while(&dir.join("data"), &dir.join(name), None, &encryption, Micros(7_000_000), meanwhile)
}

/// Changes what a backup that is a directory says of itself.
fn edit(backup: &Path, change: impl FnOnce(&mut Manifest)) {
    let path = backup.join("manifest.json");
    let mut manifest = Manifest::parse(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(path, serde_json::to_vec(&manifest).unwrap()).unwrap();
}

#[test]
fn what_no_server_can_start_from_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (engine, last) = cut(dir.path());
    let taken = back_up(dir.path(), "good", &mut || {}).unwrap();
    assert!(taken.first_seq > 1 && taken.snapshots > 0, "{taken:?}");
    verify(&Archive::open(&path("good")).unwrap(), &[]).unwrap();
    restore(&Archive::open(&path("good")).unwrap(), &[], &path("again"), None).unwrap();
    assert_eq!(hit(&open(&config(&path("again"))).unwrap(), last + 1), hit(&engine, last + 1));

    // Only older snapshots, and then none.
    let first = taken.first_seq;
    let old = format!("snapshots/{:020}.whole", first - 2);
    for without_any in [false, true] {
        copy_dir(&path("good"), &path("hurt"));
        edit(&path("hurt"), |manifest| {
            if let Some(entry) =
                manifest.files.iter_mut().find(|entry| entry.path.starts_with("snapshots/") && !without_any)
            {
                fs::rename(path("hurt").join(&entry.path), path("hurt").join(&old)).unwrap();
                entry.path = old.clone();
            }
            manifest.files.retain(|entry| !entry.path.starts_with("snapshots/") || entry.path == old);
        });
        let hurt = Archive::open(&path("hurt")).unwrap();
        let expect = format!("its journal begins with record {first}, and none of its snapshots");
        let said = format!("{:#}", verify(&hurt, &[]).unwrap_err());
        assert!(said.contains(&expect), "{said}");
        let (data, keys) = (path("restored"), Keyring::default());
        let said = format!("{:#}", restore(&hurt, &[], &data, None).unwrap_err());
        assert!(said.contains(&expect) && said.contains("restore --rebuild"), "{said}");
        assert!(!data.exists() && !path("restored.restoring").exists());

        // Whoever has nothing better gets what there is, and is told how to use it.
        let target = Target { data: &data, policy: None, keys: &keys, rebuild: true };
        assert!(super::super::restore(&hurt, &[], &target).unwrap().needs_rebuild);
        assert!(matches!(open(&config(&data)), Err(EngineError::PastGone { .. })));
        open(&Config { rebuild: true, ..config(&data) }).unwrap();
        fs::remove_dir_all(data).unwrap();
        fs::remove_dir_all(path("hurt")).unwrap();
    }
}

#[test]
fn a_directory_that_lost_its_snapshots_is_not_taken_for_a_backup() {
    let dir = tempfile::tempdir().unwrap();
    drop(cut(dir.path()));
    fs::remove_dir_all(dir.path().join("data/snapshots")).unwrap();
    let said = back_up(dir.path(), "out", &mut || {}).unwrap_err().to_string();
    assert!(said.contains("no snapshot has counted all before it"), "{said}");
    assert!(!dir.path().join("out").exists());
}

/// Between the look at the snapshots and that at the journal newer snapshots come, and the journal is cut up to them.
#[test]
fn snapshots_and_journal_are_of_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, mut last) = cut(dir.path());
    let mut times = 0;
    let taken = back_up(dir.path(), "out", &mut || {
        times += 1;
        if times <= 2 {
            last = grow(&engine, last + 1);
            last = grow(&engine, last + 1);
        }
    });
    assert_eq!((taken.unwrap().last_seq, times), (last as u64 + 2, 3));
    let archive = Archive::open(&dir.path().join("out")).unwrap();
    verify(&archive, &[]).unwrap();
    let data = dir.path().join("restored");
    restore(&archive, &[], &data, None).unwrap();
    assert_eq!(hit(&open(&config(&data)).unwrap(), last + 1), hit(&engine, last + 1));
}
