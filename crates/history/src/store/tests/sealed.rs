// SPDX-License-Identifier: Apache-2.0
//! Files beside an encrypted journal: nothing of a value lies open, and a change of keys needs nothing written again.

use super::super::file_part;
use super::{Shop, all_rows, at};
use crate::{Options, Past, Scan, Store};
use std::path::Path;
use std::sync::Arc;
use wardroom_journal::{Key, Keyring};

fn key(byte: u8) -> Key {
    Key::new([byte; 32])
}

/// How many of the folder's Parquet files hold these bytes as they are.
fn holding(store: &Store, bytes: &[u8]) -> (usize, usize) {
    let files = super::super::parquet_files(store.dir()).unwrap();
    let holds = |path: &&std::path::PathBuf| {
        std::fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes)
    };
    (files.iter().filter(holds).count(), files.len())
}

fn open(data: &Path, keys: &Keyring) -> Past {
    Past::open(data, keys, &Options::default()).unwrap()
}

#[test]
fn an_encrypted_past_is_read_with_its_key_alone() {
    let keys = Keyring::new(Some(key(1)), Vec::new());
    let mut shop = Shop::with(keys.clone());
    shop.events(300);
    let past = shop.past();
    let before = all_rows(&past, &Scan::of("login"));
    shop.export(&past, true);
    assert_eq!(all_rows(&past, &Scan::of("login")), before);
    let files = past.store().files().unwrap();
    assert!(files.all().iter().all(|f| f.key() == Some(&*key(1).id().to_string())));
    // Beside it one in the open, where the statistics show values: the policy's version, an address.
    let mut plain = Shop::open();
    plain.events(300);
    let in_the_open = plain.past();
    plain.export(&in_the_open, true);
    let version = before[0].policy.as_bytes();
    let address = &"192.0.2.0".parse::<std::net::Ipv4Addr>().unwrap().to_ipv6_mapped().octets()[..];
    for bytes in [version, address, b"account", b"PAR1"] {
        assert!(holding(in_the_open.store(), bytes).0 > 0, "{bytes:?}");
        let (open, all) = holding(past.store(), bytes);
        assert!(open == 0 && all > 3, "{bytes:?}: {open} of {all}");
    }
    // Another key opens nothing, and says which would.
    let wrong = Store::open(past.store().dir(), &Keyring::new(Some(key(2)), Vec::new())).unwrap();
    let files = wrong.files().unwrap();
    let entry = files.of("login").next().unwrap();
    let columns = past.columns("login").unwrap().into();
    let read = file_part(&wrong, entry, &Arc::new(Scan::of("login")), &columns, None).read().next();
    let said = read.unwrap().unwrap_err().to_string();
    let expect = format!("encrypted with the key {}, and the key given is {}", key(1).id(), key(2).id());
    assert!(said.contains(&expect) && said.contains(&entry.path), "{said}");
}

#[test]
fn files_are_read_with_older_keys_and_joined_under_the_newest() {
    let mut shop = Shop::segmented(Keyring::new(Some(key(1)), Vec::new()), 4 << 10);
    shop.events(300);
    let before = all_rows(&shop.past(), &Scan::of("login"));
    shop.export(&shop.past(), false);
    let past = open(shop.journal(), &Keyring::new(Some(key(2)), vec![key(1)]));
    assert_eq!(all_rows(&past, &Scan::of("login")), before);
    while past.store().join(at(shop.next)).unwrap().is_some() {}
    let files = past.store().files().unwrap();
    let newest = key(2).id().to_string();
    assert!(files.of("login").any(|f| f.key() == Some(&*newest)));
    assert_eq!(all_rows(&past, &Scan::of("login")), before);
}

#[test]
fn a_file_in_the_place_of_another_is_refused() {
    let mut shop = Shop::with(Keyring::new(Some(key(1)), Vec::new()));
    shop.events(300);
    let past = shop.past();
    shop.export(&past, true);
    let files = past.store().files().unwrap();
    let mut entry = files.of("login").next().unwrap().clone();
    let moved = entry.path.replace("type=login", "type=other");
    std::fs::create_dir_all(past.store().dir().join(&moved).parent().unwrap()).unwrap();
    std::fs::copy(past.store().dir().join(&entry.path), past.store().dir().join(&moved)).unwrap();
    entry.path.clone_from(&moved);
    let columns = past.columns("login").unwrap().into();
    let read = file_part(past.store(), &entry, &Arc::new(Scan::of("login")), &columns, None).read().next();
    let said = read.unwrap().unwrap_err().to_string();
    assert!(said.contains("cannot read") && said.contains(&moved), "{said}");
}
