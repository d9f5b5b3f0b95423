// SPDX-License-Identifier: Apache-2.0
//! Real mail: nine thousand messages of people, lists and spammers. None of it is in the repository.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use wardroom_mail::limits::{BYTES, Budget, Resource};
use wardroom_mail::read::{Oddity, Reading, read};

/// Unpacks the archives that there are; none if there are none, or no program that unpacks them.
fn unpack(into: &Path) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/mail");
    let archives = ["mail-a.tar.xz", "mail-a-extra.tar.xz"].map(|name| folder.join(name));
    let unpacked = |archive: &PathBuf| {
        let status = Command::new("tar").arg("-xJf").arg(archive).arg("-C").arg(into).status();
        archive.is_file() && status.is_ok_and(|status| status.success())
    };
    archives.iter().filter(|archive| unpacked(archive)).count() == archives.len()
}

fn messages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            messages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            found.push(path);
        }
    }
}

#[test]
fn real_mail_is_read_within_its_budget() {
    let folder = tempfile::tempdir().unwrap();
    if !unpack(folder.path()) {
        eprintln!("skipped: no real mail at ../shared/data/mail");
        return;
    }
    let mut found = Vec::new();
    messages(folder.path(), &mut found);
    assert_eq!(found.len(), 9_322);
    let (mut silent, mut over, mut without_from) = (0, 0, 0);
    for path in &found {
        let mut raw = Vec::new();
        std::fs::File::open(path).unwrap().take(BYTES as u64).read_to_end(&mut raw).unwrap();
        let mut budget = Budget::default();
        let reading = read(&raw, &mut budget);
        check(&raw, &reading, &budget);
        silent += usize::from(reading.text.trim().is_empty());
        over += usize::from(Resource::ALL.iter().any(|&resource| budget.ran_out(resource)));
        without_from += usize::from(reading.oddities.contains(Oddity::NoFrom) || reading.headers.is_empty());
    }
    // Who, and what: nearly every message shows both, or the reader is at fault. Mail of pictures alone shows no text.
    assert!(silent < found.len() / 100, "{silent} messages show no text");
    assert!(without_from < found.len() / 100, "{without_from} messages have no From");
    assert!(over <= 2, "{over} messages want more than their budget");
}

/// What holds of every reading.
fn check(raw: &[u8], reading: &Reading, budget: &Budget) {
    for resource in Resource::ALL {
        assert!(reading.spent.of(resource) <= budget.limit(resource), "{resource:?}");
    }
    assert!(reading.parts.iter().all(|part| part.body.end <= raw.len() && part.body.start <= part.body.end));
    assert!(reading.headers.iter().all(|header| !header.value.contains(['\n', '\r', '\0'])));
    assert!(!reading.text.contains('\0'));
}
