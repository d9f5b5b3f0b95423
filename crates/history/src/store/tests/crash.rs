// SPDX-License-Identifier: Apache-2.0
//! The death of the process at every step of an export, a join and a removal: each row is there once, before and after.

use super::super::disk::faults;
use super::{Shop, all_rows, at, scanned};
use crate::limits::{JOIN_FROM, LEAVING_SECS};
use crate::{HistoryError, Options, Past, PastRow, Scan};
use arrow_array::RecordBatch;
use std::path::Path;
use wardroom_event::Micros;
use wardroom_journal::Keyring;

fn open(data: &Path) -> Past {
    Past::open(data, &Keyring::default(), &Options::default()).unwrap()
}

/// All that a keeper does, and after a while again.
fn keep(past: &Past, now: Micros) -> Result<usize, HistoryError> {
    let mut joined = 0;
    let later = Micros(now.0 + (LEAVING_SECS + 1) * 1_000_000);
    while past.store().export(past.journal(), true, now)?.is_some() {}
    while let Some((files, _)) = past.store().join(now)? {
        joined += files;
    }
    past.store().expire(Micros(i64::MIN), later)?;
    let mut manifest = super::super::Manifest::read(past.store().dir())?;
    past.store().sweep(&mut manifest, later.0 / 1_000_000)?;
    past.store().replace(manifest)?;
    Ok(joined)
}

fn content(past: &Past) -> (Vec<PastRow>, Vec<PastRow>, usize) {
    let labels = scanned(past, &Scan::of("labels")).iter().map(RecordBatch::num_rows).sum();
    (all_rows(past, &Scan::of("login")), all_rows(past, &Scan::of("signup")), labels)
}

#[test]
fn a_death_at_any_step_loses_no_row_and_gives_none_twice() {
    let mut shop = Shop::segmented(Keyring::default(), 4 << 10);
    shop.events(200);
    let (now, before) = (at(shop.next), content(&shop.past()));
    let history = shop.journal().join("history");
    let fresh = || {
        let _ = std::fs::remove_dir_all(&history);
        open(shop.journal())
    };
    faults::die_after(None);
    assert!(keep(&fresh(), now).unwrap() >= JOIN_FROM, "files were joined");
    let steps = faults::taken();
    assert!(steps > 60, "{steps}");
    // The exports of the segments in between are all alike.
    let tried = |step: &u64| *step < 24 || step + 24 > steps || step.is_multiple_of(5);
    for step in (0..steps).filter(tried) {
        let past = fresh();
        faults::die_after(Some(step));
        assert!(keep(&past, now).is_err(), "{step}");
        faults::die_after(None);
        let again = open(shop.journal());
        again.store().tidy().unwrap();
        assert!(content(&again) == before, "what is there after step {step}");
        if step.is_multiple_of(7) {
            keep(&again, now).unwrap();
            assert!(content(&again) == before, "what is there when all is done after step {step}");
            assert_eq!(again.store().tidy().unwrap(), 0, "{step}");
        }
    }
}

#[test]
fn a_torn_file_is_named_and_gives_no_row() {
    let mut shop = Shop::open();
    shop.events(100);
    let past = shop.past();
    shop.export(&past, true);
    let entry = past.store().files().unwrap().of("login").next().unwrap().clone();
    let path = past.store().dir().join(&entry.path);
    let whole = std::fs::read(&path).unwrap();
    let said = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let parts = past.scan(&Scan::of("login")).unwrap().into_iter().flat_map(crate::Part::read);
        parts.filter_map(Result::err).map(|e| e.to_string()).collect::<Vec<_>>().join(" ")
    };
    let (torn, mut turned) = (said(&whole[..whole.len() / 2]), whole.clone());
    assert!(torn.contains(&entry.path) && torn.contains("bytes where"), "{torn}");
    // As long as it should be, and not what was written.
    let end = turned.len();
    turned[end - 40..end - 8].fill(0xff);
    let turned = said(&turned);
    assert!(turned.contains("cannot read") && turned.contains(&entry.path), "{turned}");
    assert_eq!(said(&whole), "");
}

#[test]
fn what_left_the_journal_before_any_file_had_it_is_a_gap_that_is_told() {
    let mut shop = Shop::segmented(Keyring::default(), 4 << 10);
    shop.events(200);
    let past = shop.past();
    let segments = wardroom_journal::segments(past.journal()).unwrap();
    assert!(segments.len() > 3);
    assert!(past.store().export(past.journal(), false, at(200)).unwrap().is_some());
    let exported = past.store().files().unwrap().exported();
    assert_eq!(exported, segments[1] - 1);
    // As if retention had taken the next.
    for first in &segments[..2] {
        std::fs::remove_file(past.journal().join(wardroom_journal::segment_name(*first))).unwrap();
    }
    assert!(past.store().export(past.journal(), false, at(200)).unwrap().is_some());
    assert_eq!(past.store().files().unwrap().gaps(), [(segments[1], segments[2] - 1)]);
}
