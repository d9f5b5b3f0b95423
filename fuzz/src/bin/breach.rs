// SPDX-License-Identifier: Apache-2.0
//! Files of breached passwords whose checksums are right and whose content nobody wrote: they are refused or they answer,
//! in bounded memory; and lists as a stranger may have made them: every line is a hash or a bad line.
#![no_main]

use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wardroom_account::breach::{
    Filter, Hash, Kind, List, Plan, Prefix, Ranges, Sha1, Slot, build, limits, seal,
};

/// A filter and an exact file of some hashes, to be changed.
static FILES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let dir = scratch();
    let list = (0..700u32).map(|n| format!("{n}\n").repeat(1 + n as usize % 3)).collect::<String>();
    made(&dir, list.into_bytes(), true).expect("a sound list");
    let files = ["sha1.filter", "sha1.ranges"];
    let files = files.map(|name| std::fs::read(dir.join(name)).expect("it was made"));
    let _ = std::fs::remove_dir_all(dir);
    files
});

fn scratch() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("wardroom-fuzz-breach-{}", std::process::id()))
}

fn made(dir: &Path, list: Vec<u8>, plain: bool) -> Result<(), String> {
    let plan = Plan {
        kind: Kind::Sha1,
        plain,
        least: 1,
        slot: Slot::Bits16,
        ranges: true,
        skip_bad: false,
        out: dir.to_owned(),
    };
    let list = List::of("list".to_owned(), Cursor::new(list));
    build(&plan, vec![list], &mut |_, _| true).map(drop).map_err(|e| e.to_string())
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    match first % 8 {
        0 => read_list(rest),
        1 => look(&seal(rest)),
        _ => look(&seal(&changed(&FILES[usize::from(first % 2)], rest))),
    }
});

/// The file with some of its bytes changed: each change is a place and a byte.
fn changed(file: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    for change in changes.chunks_exact(4) {
        let at = u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize % file.len();
        file[at] = change[3];
    }
    file
}

fn look(file: &[u8]) {
    let asked: [Hash; 2] = [Sha1::of(b"7").hash(), Sha1::of(b"none").hash()];
    if let Ok(filter) = Filter::of_bytes(file) {
        for hash in &asked {
            if let Ok(times) = filter.look(hash) {
                assert!(times <= 10_000_000);
            }
        }
    }
    if let Ok(ranges) = Ranges::of_bytes(file) {
        for prefix in [asked[0].prefix(), asked[1].prefix(), Prefix::parse("fffff").expect("a prefix")] {
            if let Ok(range) = ranges.range(prefix) {
                assert!(range.len() <= limits::GROUP_MOST);
                assert!(range.iter().all(|(hash, _)| hash.prefix() == prefix));
            }
        }
    }
}

/// A list of hashes, read as far as it goes; what is told of a bad line has nothing of the line.
fn read_list(text: &[u8]) {
    let dir = scratch().join("list");
    if let Err(said) = made(&dir, text.to_vec(), false) {
        assert!(said.lines().count() <= limits::BAD_LINES + 2, "{said}");
    }
    let _ = std::fs::remove_dir_all(scratch());
}
