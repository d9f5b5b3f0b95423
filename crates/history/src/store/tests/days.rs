// SPDX-License-Identifier: Apache-2.0
//! Which file a row lies in: that of its day, under a name that no other file has.

use super::{Shop, all_rows, at};
use crate::{PastRow, Scan};
use std::collections::BTreeSet;
use wardroom_event::Value;

#[test]
fn rows_lie_in_the_day_they_arrived() {
    let mut shop = Shop::open();
    // A minute each: into the third day.
    shop.events(300);
    shop.next = 1430;
    shop.events(20);
    shop.next = 2870;
    shop.events(20);
    let past = shop.past();
    let before = all_rows(&past, &Scan::of("login"));
    shop.export(&past, true);
    let files = past.store().files().unwrap();
    let days: BTreeSet<&str> = files.of("login").map(|f| &f.path[4..14]).collect();
    assert_eq!(days.len(), 3, "{days:?}");
    for file in files.all() {
        let day = file.received().to_string();
        assert_eq!(file.path[4..14], day[..10]);
        // The first of its rows too.
        assert_eq!(file.path[4..14], file.times().0.to_string()[..10], "{}", file.path);
    }
    let rows: u64 = files.of("login").map(|f| f.rows).sum();
    assert_eq!(rows, before.len() as u64);
    assert_eq!(all_rows(&past, &Scan::of("login")), before);
    // What is older than it is kept goes, day by day.
    let gone = past.store().expire(at(1440), at(3000)).unwrap();
    assert!(gone > 1);
    let kept: Vec<PastRow> = before.into_iter().filter(|row| row.received >= at(1440)).collect();
    assert_eq!(all_rows(&past, &Scan::of("login")), kept);
}

#[test]
fn no_file_is_written_over_one_that_is_read_or_leaves() {
    let mut shop = Shop::open();
    shop.events(100);
    let past = shop.past();
    shop.export(&past, true);
    let manifest = super::super::Manifest::read(past.store().dir()).unwrap();
    let entry = manifest.files[0].clone();
    let folder = entry.path.rsplit_once('/').unwrap().0;
    let mut taken = vec![entry.clone()];
    for _ in 0..3 {
        let path = manifest.free_path(folder, entry.seqs(), entry.shape, &taken);
        assert!(taken.iter().all(|t| t.path != path), "{path}");
        let mut next = entry.clone();
        next.path = path;
        taken.push(next);
    }
}

#[test]
fn a_network_passes_over_groups_of_others() {
    let mut shop = Shop::open();
    shop.events(200);
    let past = shop.past();
    shop.export(&past, true);
    let of = |net: &str| {
        let equal = vec![("ip".into(), Value::Net(net.parse().unwrap()))];
        all_rows(&past, &Scan { equal, ..Scan::of("login") }).len()
    };
    let all = all_rows(&past, &Scan::of("login")).len();
    assert_eq!(of("10.0.0.0/8"), 0);
    assert_eq!(of("192.0.2.0/24"), all);
    assert_eq!(of("2001:db8::/32"), all);
    assert_eq!(of("2001:db9::/32"), 0);
}
