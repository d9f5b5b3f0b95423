// SPDX-License-Identifier: Apache-2.0
//! What a backup says of itself: every file with its checksum, and which records they hold.
//!
//! It comes last, so a backup that was cut off has none and is refused. What it names is held to: paths are those that a
//! data directory has and no others, whatever somebody wrote into it.

use super::limits;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use wardroom_journal::segment_of;

/// Its name in a backup.
pub(crate) const NAME: &str = "manifest.json";
/// The format written, and the only one read.
const FORMAT: u32 = 1;

/// The contents of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// The version of the program that made it.
    pub(crate) wardroom: String,
    /// When, in RFC 3339.
    pub(crate) made: String,
    /// The backup before, whose segments it does not repeat: when that was made.
    pub(crate) since: Option<String>,
    /// The first record in it, and the last. The last is 0 for a journal without records.
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// The version of the policy in force.
    pub(crate) policy: Option<String>,
    pub(crate) files: Vec<Entry>,
}

/// A file of a data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Below the data directory; a policy's text is below `policy/`.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// False where an earlier backup holds it.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub(crate) held: bool,
    /// Of a segment: what it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) segment: Option<Segment>,
}

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// Whether it was complete: the next backup need not copy it again.
    pub(crate) sealed: bool,
    /// The SHA-256 of its header, which tells it from the segment of another life of the same installation.
    pub(crate) header: String,
}

fn yes() -> bool {
    true
}

fn is_true(held: &bool) -> bool {
    *held
}

impl Manifest {
    pub(crate) fn new(made: String, since: Option<String>) -> Manifest {
        Manifest {
            format: FORMAT,
            wardroom: env!("CARGO_PKG_VERSION").to_owned(),
            made,
            since,
            first_seq: 0,
            last_seq: 0,
            policy: None,
            files: Vec::new(),
        }
    }

    /// Reads one, and refuses whatever no backup of ours says.
    pub(crate) fn parse(json: &[u8]) -> Result<Manifest> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(json).context("its manifest is not one")?;
        if format != FORMAT {
            bail!(
                "it has format {format}, and this program reads format {FORMAT}; use the version that made it"
            );
        }
        let manifest: Manifest = serde_json::from_slice(json).context("its manifest is not one")?;
        manifest.is_sound().context("its manifest is not one of ours")?;
        Ok(manifest)
    }

    fn is_sound(&self) -> Result<()> {
        if self.files.len() > limits::FILES {
            bail!("{} files are more than {}", self.files.len(), limits::FILES);
        }
        let mut seen = HashSet::new();
        for entry in &self.files {
            if !is_ours(&entry.path) || !seen.insert(&*entry.path) {
                bail!("a file at {:?}", entry.path);
            }
            let first = entry.path.strip_prefix("journal/").and_then(segment_of);
            if first != entry.segment.as_ref().map(|s| s.first_seq) {
                bail!("{} as another segment than it is", entry.path);
            }
        }
        let mut expect = self.first_seq;
        for segment in self.segments() {
            if segment.first_seq != expect || segment.last_seq < segment.first_seq.saturating_sub(1) {
                bail!("record {expect} in no segment");
            }
            expect = segment.last_seq + 1;
        }
        match expect.saturating_sub(1) == self.last_seq {
            true => Ok(()),
            false => bail!("{} as its last record", self.last_seq),
        }
    }

    /// Whether a server can start from it: where its journal has no beginning, a snapshot must reach back to what is left.
    pub(crate) fn can_start(&self) -> Result<()> {
        let names = self.files.iter().filter_map(|entry| entry.path.strip_prefix("snapshots/"));
        match reaches(names, self.first_seq, self.last_seq) {
            true => Ok(()),
            false => bail!(
                "its journal begins with record {}, and none of its snapshots has counted all before it: no server can \
                 start from it",
                self.first_seq
            ),
        }
    }

    /// Its segments, in order.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.files.iter().filter_map(|entry| entry.segment.as_ref())
    }

    /// How many records it has.
    pub(crate) fn records(&self) -> u64 {
        if self.last_seq == 0 { 0 } else { self.last_seq + 1 - self.first_seq.max(1) }
    }
}

/// Whether a backup may have a file of this path.
fn is_ours(path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.contains(|c: char| c.is_control() || c == '\\')
    };
    match path.split_once('/') {
        None => matches!(path, "secret" | "hash-keys" | "keys.toml" | "erased" | "erasing"),
        Some(("journal", name)) => segment_of(name).is_some(),
        Some(("snapshots", name)) => is_snapshot(name),
        Some(("policy", rest)) => rest.split('/').all(plain),
        Some(_) => false,
    }
}

/// Whether a restart finds its way with snapshots of these names and a journal from record `first` to `last`: from the
/// journal's beginning, or from a snapshot that has counted all that is gone. A delta is one where a whole one is before it.
pub(crate) fn reaches<'a>(names: impl Iterator<Item = &'a str>, first: u64, last: u64) -> bool {
    let known = names.filter_map(|name| {
        let (number, kind) = name.split_once('.').filter(|_| is_snapshot(name))?;
        Some((number.parse::<u64>().ok().filter(|begin| *begin <= last)?, kind))
    });
    let known: Vec<(u64, &str)> = known.collect();
    let oldest = known.iter().filter(|(_, kind)| *kind == "whole").map(|(begin, _)| *begin).min();
    let newest =
        oldest.and_then(|oldest| known.iter().map(|(begin, _)| *begin).filter(|b| *b >= oldest).max());
    first <= 1 || newest.is_some_and(|newest| newest + 1 >= first)
}

/// Whether a file of this name is a finished snapshot: the number of a record, and which kind it is.
pub(crate) fn is_snapshot(name: &str) -> bool {
    name.split_once('.').is_some_and(|(number, kind)| {
        number.len() == 20
            && number.bytes().all(|b| b.is_ascii_digit())
            && !kind.is_empty()
            && kind.bytes().all(|b| b.is_ascii_lowercase())
            && kind != "tmp"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_a_data_directory() {
        let check = |path: &str, expect: bool| assert_eq!(is_ours(path), expect, "{path}");
        check("secret", true);
        check("keys.toml", true);
        check("journal/00000000000000000001.wj", true);
        check("snapshots/00000000000000000012.whole", true);
        check("policy/ssh/login.ward", true);
        check("journal/LOCK", false);
        check("snapshots/unfinished", false);
        check("snapshots/00000000000000000012.whole.tmp", false);
        check("policy/../secret", false);
        check("policy//x", false);
        check("policy/", false);
        check("/etc/passwd", false);
        check("../secret", false);
        check("wardroom.toml", false);
        check("", false);
    }

    #[test]
    fn what_is_left_of_a_journal_needs_a_snapshot_that_reaches_it() {
        let check = |snapshots: &[(u64, &str)], first: u64, expect: bool| {
            let names: Vec<String> = snapshots.iter().map(|(n, kind)| format!("{n:020}.{kind}")).collect();
            assert_eq!(reaches(names.iter().map(|n| &**n), first, 100), expect, "{snapshots:?} {first}");
        };
        check(&[], 0, true);
        check(&[], 1, true);
        check(&[], 2, false);
        check(&[(10, "whole")], 11, true);
        check(&[(10, "whole")], 5, true);
        check(&[(10, "whole")], 12, false);
        check(&[(10, "whole"), (20, "delta")], 21, true);
        check(&[(10, "whole"), (20, "delta")], 22, false);
        // One without its whole one, one ahead of the journal, and a name that means nothing.
        check(&[(20, "delta")], 15, false);
        check(&[(20, "delta"), (30, "whole")], 31, true);
        check(&[(101, "whole")], 50, false);
        check(&[(60, "some")], 50, false);
    }

    #[test]
    fn a_manifest_is_held_to() {
        let segment = |first: u64, last: u64| Entry {
            path: format!("journal/{first:020}.wj"),
            bytes: 64,
            sha256: String::new(),
            held: true,
            segment: Some(Segment { first_seq: first, last_seq: last, sealed: true, header: String::new() }),
        };
        let of = |files: &[Entry], last_seq: u64| {
            let mut manifest = Manifest::new("now".to_owned(), None);
            (manifest.first_seq, manifest.last_seq, manifest.files) = (1, last_seq, files.to_vec());
            manifest
        };
        let check = |manifest: &Manifest, expect: &str| {
            let json = serde_json::to_vec(manifest).unwrap();
            match Manifest::parse(&json) {
                Ok(read) => assert_eq!((&read, ""), (manifest, expect)),
                Err(e) => assert!(!expect.is_empty() && format!("{e:#}").contains(expect), "{e:#}"),
            }
        };
        check(&of(&[segment(1, 10), segment(11, 12)], 12), "");
        check(&of(&[segment(1, 10), segment(11, 10)], 10), "");
        check(&of(&[segment(1, 10), segment(12, 12)], 12), "record 11 in no segment");
        check(&of(&[segment(1, 10)], 11), "11 as its last record");
        check(&of(&[segment(1, 10), segment(1, 10)], 10), "a file at");
        check(&of(&[Entry { path: "../x".to_owned(), ..segment(1, 1) }], 1), "a file at \"../x\"");
        check(&of(&[Entry { segment: None, ..segment(1, 1) }], 0), "as another segment than it is");
        check(&Manifest { format: 2, ..of(&[], 0) }, "format 2, and this program reads format 1");
        assert!(Manifest::parse(b"{}").is_err());
    }
}
