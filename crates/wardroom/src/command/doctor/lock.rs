// SPDX-License-Identifier: Apache-2.0
//! Who serves this directory: the holder of its lock, seen in `/proc/locks` without touching the lock.

use super::Finding;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Longest list of locks read, in bytes.
const MOST: u64 = 1 << 20;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Lock {
    /// The process that the lock file names.
    pub(super) noted: Option<u32>,
    /// The processes that hold it here; `None` where that cannot be seen.
    pub(super) holders: Option<Vec<u32>>,
}

pub(super) fn look(data: &Path) -> Lock {
    let path = data.join("journal/LOCK");
    let read = |path: &Path, most: u64| {
        let mut text = String::new();
        std::fs::File::open(path).ok()?.take(most).read_to_string(&mut text).ok()?;
        Some(text)
    };
    let noted = read(&path, 16).and_then(|text| text.trim().parse().ok());
    let Some(about) = std::fs::metadata(&path).ok() else {
        return Lock { noted, holders: Some(Vec::new()) };
    };
    let file = format!("{:02x}:{:02x}:{}", major(about.dev()), minor(about.dev()), about.ino());
    let holders = read(Path::new("/proc/locks"), MOST).map(|text| holders(&text, &file));
    Lock { noted, holders }
}

fn major(dev: u64) -> u64 {
    rustix::fs::major(dev).into()
}

fn minor(dev: u64) -> u64 {
    rustix::fs::minor(dev).into()
}

/// Of lines such as `1: FLOCK  ADVISORY  WRITE 1234 fd:00:5678 0 EOF`, the processes that hold that file.
fn holders(locks: &str, file: &str) -> Vec<u32> {
    let of = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let held = words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&file);
        words.get(4).filter(|_| held)?.parse().ok()
    };
    locks.lines().filter_map(of).collect()
}

pub(super) fn judge(lock: &Lock) -> Vec<Finding> {
    let check = "lock";
    vec![match (lock.holders.as_deref(), lock.noted) {
        (None, _) => Finding::unknown(check, "who serves this directory cannot be seen here"),
        (Some([]), _) => Finding::ok(check, "nobody serves this directory"),
        (Some([one]), noted) if noted.is_none_or(|n| n == *one) => {
            Finding::ok(check, format!("process {one} serves this directory"))
        }
        (Some([one]), noted) => Finding::warn(
            check,
            format!("process {one} holds the lock, and process {} wrote itself into it", noted.unwrap_or(0)),
            "both may serve this directory, perhaps from two containers or machines: stop one",
        ),
        (Some(many), _) => Finding::fail(
            check,
            format!("{} processes hold the lock of this directory", many.len()),
            "stop all but one: the file system does not keep locks apart",
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fail, Ok as Fine, Unknown, Warn};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn locks_are_judged() {
        let judge =
            |noted, holders: Option<&[u32]>| judge(&Lock { noted, holders: holders.map(<[u32]>::to_vec) });
        check(&judge(Some(3), Some(&[])), &[(Fine, "nobody")]);
        check(&judge(Some(3), Some(&[3])), &[(Fine, "process 3 serves")]);
        check(&judge(None, Some(&[3])), &[(Fine, "process 3 serves")]);
        check(&judge(Some(4), Some(&[3])), &[(Warn, "process 4 wrote")]);
        check(&judge(Some(4), Some(&[3, 4])), &[(Fail, "2 processes")]);
        check(&judge(Some(4), None), &[(Unknown, "cannot be seen")]);
    }

    #[test]
    fn the_kernels_list_is_read() {
        let text = "1: FLOCK  ADVISORY  WRITE 1234 fd:00:77 0 EOF\n2: POSIX  ADVISORY  WRITE 5 fd:00:77 0 EOF\n\
                    2: -> FLOCK  ADVISORY  WRITE 9 fd:00:77 0 EOF\n3: FLOCK  ADVISORY  WRITE 6 fd:00:78 0 EOF\n";
        assert_eq!(holders(text, "fd:00:77"), [1234]);
        assert_eq!(holders("", "fd:00:77"), [0; 0]);
    }
}
