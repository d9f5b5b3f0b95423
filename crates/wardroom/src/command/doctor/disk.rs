// SPDX-License-Identifier: Apache-2.0
//! The disk: what kind it is, whether it does what it says, and how long its room lasts.

use super::Finding;
use crate::host::{self, size};
use rustix::fs::{FallocateFlags, fallocate};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use wardroom_journal::{Extent, segments};

/// How many writes are made durable, to see how long one takes.
const PROBES: usize = 32;
/// Bytes of one: about those of a small batch.
const PROBE_BYTES: usize = 4096;
/// Slower than this, and every answer waits noticeably.
const SLOW: Duration = Duration::from_millis(20);
/// Faster than this is no disk: not even one with a battery behind its cache.
const TOO_FAST: Duration = Duration::from_micros(5);
/// For so many days the room should last.
const DAYS: u64 = 14;
const DAY_MICROS: i64 = 86_400_000_000;

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    /// The kernel's number of the file system's kind.
    pub(super) kind: Option<i64>,
    pub(super) free: Option<u64>,
    /// Bytes that a segment takes, as configured: so much is needed now and then at once.
    pub(super) segment: u64,
    /// Bytes that the journal grew a day, over its whole life.
    pub(super) daily: Option<u64>,
    /// Why room cannot be set aside, where it cannot.
    pub(super) allocate: Result<(), String>,
    /// How long a durable write takes, in the middle and at most; or why there is none.
    pub(super) sync: Result<(Duration, Duration), String>,
}

pub(super) fn look(data: &Path, segment: u64) -> Disk {
    let host = host::look(data, None);
    Disk {
        kind: rustix::fs::statfs(data).ok().map(|s| s.f_type),
        free: host.disk_free_bytes,
        segment,
        daily: daily(data, host.journal_bytes),
        allocate: allocate(data).map_err(|e| e.to_string()),
        sync: sync(data).map_err(|e| e.to_string()),
    }
}

/// How much the journal grew a day, from the ages of its oldest and its newest segment.
fn daily(data: &Path, bytes: Option<u64>) -> Option<u64> {
    let journal = data.join("journal");
    let all = segments(&journal).ok()?;
    let created = |at: usize| {
        let next = all.get(at + 1).copied();
        Some(Extent::walk(&journal, *all.get(at)?, next).ok()?.created_micros)
    };
    let span = created(all.len().checked_sub(1)?)?.checked_sub(created(0)?)?;
    // Less than a day says nothing about days.
    let span = u64::try_from(span).ok().filter(|_| span >= DAY_MICROS)?;
    bytes.map(|bytes| (u128::from(bytes) * DAY_MICROS.unsigned_abs() as u128 / u128::from(span)) as u64)
}

/// In a file without a name: nothing is left behind, whatever happens.
fn allocate(data: &Path) -> io::Result<()> {
    let file = tempfile::tempfile_in(data)?;
    Ok(fallocate(&file, FallocateFlags::empty(), 0, 1 << 20)?)
}

fn sync(data: &Path) -> io::Result<(Duration, Duration)> {
    let mut file = tempfile::tempfile_in(data)?;
    let mut took = Vec::with_capacity(PROBES);
    for _ in 0..PROBES {
        let began = Instant::now();
        file.write_all(&[0x5a; PROBE_BYTES])?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok((took[PROBES / 2], took[PROBES - 1]))
}

/// File systems by the numbers of `statfs(2)`; what is to be said about some of them.
fn kind(number: i64) -> (&'static str, Option<(&'static str, &'static str)>) {
    let network = Some((
        "locks and syncs over a network hold less than they say",
        "put the data directory on a local disk",
    ));
    match number & 0xffff_ffff {
        0xef53 => ("ext4", None),
        0x5846_5342 => ("xfs", None),
        0x2fc1_2fc1 => ("zfs", None),
        0xf2f5_2010 => ("f2fs", None),
        0x0102_1994 | 0x8584_58f6 => (
            "tmpfs",
            Some((
                "it is memory: nothing in it survives a restart of the machine",
                "put the data directory on a disk",
            )),
        ),
        0x9123_683e => (
            "btrfs",
            Some((
                "copy-on-write makes small durable writes slow, and room set aside is not kept",
                "`chattr +C` on the empty journal directory, or ext4 or xfs",
            )),
        ),
        0x794c_7630 => (
            "overlay",
            Some((
                "it is a container's own layer and goes with the container",
                "mount a volume for the data directory",
            )),
        ),
        0x6969 => ("nfs", network),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => ("smb", network),
        0x6573_5546 => (
            "fuse",
            Some(("what a sync does there is up to a program", "put the data directory on a local disk")),
        ),
        _ => ("a file system that is not known here", None),
    }
}

pub(super) fn judge(disk: &Disk) -> Vec<Finding> {
    let mut found = Vec::new();
    match disk.kind.map(kind) {
        None => found.push(Finding::unknown("disk", "the kind of file system cannot be seen")),
        Some((name, None)) => found.push(Finding::ok("disk", format!("the data directory is on {name}"))),
        Some((name, Some((why, advice)))) => {
            found.push(Finding::warn("disk", format!("the data directory is on {name}: {why}"), advice));
        }
    }
    found.push(room(disk));
    found.push(match &disk.allocate {
        Ok(()) => Finding::ok("disk", "room for segments can be set aside"),
        Err(why) => Finding::warn(
            "disk",
            format!(
                "room for a segment cannot be set aside ({why}): segments are written full of zeros instead"
            ),
            "a file system with fallocate, such as ext4 or xfs, saves that",
        ),
    });
    found.push(match &disk.sync {
        Err(why) => Finding::fail(
            "disk",
            format!("a write cannot be made durable: {why}"),
            "look at the disk, the mount and who may write there",
        ),
        Ok((middle, most)) => durable(*middle, *most),
    });
    found
}

fn durable(middle: Duration, most: Duration) -> Finding {
    let says = format!("a durable write takes {middle:.1?}, {most:.1?} at most");
    if middle < TOO_FAST {
        let says = format!("{says}: that is too fast for any disk");
        return Finding::warn(
            "disk",
            says,
            "the disk, or the machine under this one, says that it is done before it is: a power cut may lose what was answered",
        );
    }
    if middle > SLOW {
        let advice = "every answer waits for it: a faster disk, or `durability = \"50ms\"` if a power cut may lose that much";
        return Finding::warn("disk", says, advice);
    }
    Finding::ok("disk", says)
}

fn room(disk: &Disk) -> Finding {
    let Some(free) = disk.free else {
        return Finding::unknown("disk", "the room that is left cannot be seen");
    };
    let left = format!("{} left", size(free));
    if free < disk.segment.saturating_mul(2) {
        return Finding::fail(
            "disk",
            format!("{left}: a segment takes {}", size(disk.segment)),
            "free some now; events are refused when it is full",
        );
    }
    match disk.daily.filter(|daily| *daily > 0) {
        Some(daily) => {
            let days = free / daily;
            let says = format!("{left}; at {} a day that lasts {days} days", size(daily));
            if days < DAYS {
                Finding::warn("disk", says, "free some, or keep less of the journal")
            } else {
                Finding::ok("disk", says)
            }
        }
        None if free < wardroom_api::limits::DISK_LOW_BYTES => {
            Finding::warn("disk", left, "free some, or keep less of the journal")
        }
        None => Finding::ok("disk", left),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fail, Ok as Fine, Unknown, Warn};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn disks_are_judged() {
        let well = Disk {
            kind: Some(0xef53),
            free: Some(500 << 30),
            segment: 64 << 20,
            daily: Some(1 << 30),
            allocate: Ok(()),
            sync: Ok((Duration::from_micros(300), Duration::from_millis(3))),
        };
        let with = |change: &dyn Fn(&mut Disk)| {
            let mut disk = well.clone();
            change(&mut disk);
            judge(&disk)
        };
        let fine = [
            (Fine, "on ext4"),
            (Fine, "lasts 500 days"),
            (Fine, "set aside"),
            (Fine, "takes 300.0µs, 3.0ms at most"),
        ];
        check(&judge(&well), &fine);
        let at = |n: usize, other| {
            let mut expect = fine;
            expect[n] = other;
            expect
        };
        for (number, word) in [
            (0x0102_1994, "memory"),
            (0x6969, "over a network"),
            (-0x6edc_97c2, "chattr"),
            (0x794c_7630, "a volume"),
        ] {
            check(&with(&|d| d.kind = Some(number)), &at(0, (Warn, word)));
        }
        check(&with(&|d| d.kind = None), &at(0, (Unknown, "cannot be seen")));
        check(&with(&|d| d.free = Some(100 << 20)), &at(1, (Fail, "100 MiB left")));
        // What is needed at once is what a segment is configured to take.
        check(
            &with(&|d| (d.free, d.segment) = (Some(1500 << 20), 1 << 30)),
            &at(1, (Fail, "1.5 GiB left: a segment takes 1.0 GiB")),
        );
        check(
            &with(&|d| (d.free, d.daily, d.segment) = (Some(100 << 20), Some(1 << 20), 4 << 20)),
            &at(1, (Fine, "lasts 100 days")),
        );
        check(&with(&|d| d.free = Some(5 << 30)), &at(1, (Warn, "lasts 5 days")));
        check(&with(&|d| (d.free, d.daily) = (Some(500 << 20), None)), &at(1, (Warn, "500 MiB left")));
        check(&with(&|d| d.daily = None), &at(1, (Fine, "500 GiB left")));
        check(&with(&|d| d.allocate = Err("not supported".into())), &at(2, (Warn, "not supported")));
        check(&with(&|d| d.sync = Err("read-only".into())), &at(3, (Fail, "read-only")));
        let both = |micros| Ok((Duration::from_micros(micros), Duration::from_micros(micros)));
        check(&with(&|d| d.sync = both(30_000)), &at(3, (Warn, "a faster disk")));
        check(&with(&|d| d.sync = both(1)), &at(3, (Warn, "too fast for any disk")));
    }

    #[test]
    fn a_real_disk_is_seen_and_nothing_is_left_on_it() {
        let dir = tempfile::tempdir().unwrap();
        let disk = look(dir.path(), 4 << 20);
        assert_eq!(disk.segment, 4 << 20);
        assert!(
            disk.kind.is_some() && disk.free.is_some() && disk.sync.is_ok() && disk.daily.is_none(),
            "{disk:?}"
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(look(&dir.path().join("none"), 4 << 20).sync.is_err());
    }
}
