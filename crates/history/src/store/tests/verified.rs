// SPDX-License-Identifier: Apache-2.0
//! What is said of the files: how much there is, and what is wrong.

use super::{Shop, at};
use std::path::Path;

#[test]
fn files_are_held_against_the_manifest_and_the_journal() {
    let mut shop = Shop::open();
    shop.events(200);
    let past = shop.past();
    shop.export(&past, true);
    let sound = past.verify(|_, _| {}).unwrap();
    assert_eq!(sound.faults, [""; 0]);
    assert_eq!(sound.files, past.store().files().unwrap().all().len() as u64);
    assert!(sound.rows > 200 && sound.compared == sound.rows, "{sound:?}");
    let summary = past.summary().unwrap();
    let login = summary.tables.iter().find(|t| &*t.name == "login").unwrap();
    assert_eq!((login.rows, summary.exported), (160, summary.newest));
    assert!(login.bytes_per_row.unwrap() > 1.0 && login.first.is_some());
    assert!(summary.newest_received.as_deref() == Some(&*at(199).to_string()), "{summary:?}");

    // A file less than there were rows, though the manifest agrees with itself.
    let manifest = past.store().dir().join("manifest.json");
    let whole = std::fs::read(&manifest).unwrap();
    let mut less: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    let files = less["files"].as_array_mut().unwrap();
    files.retain(|f| f["table"] != "signup");
    std::fs::write(&manifest, less.to_string()).unwrap();
    let said = shop.past().verify(|_, _| {}).unwrap().faults.join("\n");
    assert!(said.contains("table `signup`: from record 1 on, the files hold 0 rows"), "{said}");

    // Other rows than the manifest has.
    let mut other: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    other["files"][0]["rows"] = 1.into();
    std::fs::write(&manifest, other.to_string()).unwrap();
    let said = shop.past().verify(|_, _| {}).unwrap().faults.join("\n");
    assert!(said.contains("not those that the manifest has of it"), "{said}");

    // A file that is gone.
    std::fs::write(&manifest, &whole).unwrap();
    let gone = past.store().files().unwrap().all()[0].path.clone();
    std::fs::remove_file(past.store().dir().join(Path::new(&gone))).unwrap();
    let said = shop.past().verify(|_, _| {}).unwrap().faults.join("\n");
    assert!(said.contains("cannot open") && said.contains(&gone), "{said}");
}
