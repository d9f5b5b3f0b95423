// SPDX-License-Identifier: Apache-2.0
//! The journal: its newest segment is walked, with `--full` every one. `wardroom backup verify` does the same to a copy.

use super::Finding;
use crate::terminal::{Progress, grouped};
use std::path::Path;
use wardroom_journal::{Extent, JournalError, segments};

/// What was seen.
#[derive(Clone, Debug)]
pub(super) enum Journal {
    /// There is none yet.
    None,
    /// It cannot be read, or is damaged: in words.
    Bad(String),
    Read {
        segments: usize,
        walked: usize,
        first_seq: u64,
        last_seq: u64,
        /// Bytes after the last record that are none.
        torn: u64,
    },
}

pub(super) fn look(data: &Path, full: bool) -> Journal {
    let dir = data.join("journal");
    if !dir.is_dir() {
        return Journal::None;
    }
    walk(&dir, full).unwrap_or_else(|e| Journal::Bad(e.to_string()))
}

fn walk(dir: &Path, full: bool) -> Result<Journal, JournalError> {
    let all = segments(dir)?;
    let (mut last_seq, mut torn, mut walked) = (0, 0, 0);
    let mut progress = Progress::new("journal");
    for (i, first) in all.iter().enumerate() {
        progress.at(i as u64, all.len() as u64);
        if full || i + 1 == all.len() {
            let extent = Extent::walk(dir, *first, all.get(i + 1).copied())?;
            last_seq = extent.last_seq;
            torn = extent.torn.map_or(0, |t| t.bytes);
            walked += 1;
        }
    }
    Ok(Journal::Read {
        segments: all.len(),
        walked,
        first_seq: all.first().copied().unwrap_or(0),
        last_seq,
        torn,
    })
}

pub(super) fn judge(journal: &Journal) -> Vec<Finding> {
    let check = "journal";
    match journal {
        Journal::None => vec![Finding::ok(check, "there is none yet")],
        Journal::Bad(why) => vec![Finding::fail(
            check,
            why,
            "see the page on operating, \"When something is wrong\"; a backup has what was whole",
        )],
        Journal::Read { segments: 0, .. } => vec![Finding::ok(check, "it is empty")],
        Journal::Read { segments, walked, first_seq, last_seq, torn } => {
            let how = match segments == walked {
                true => "every one was read through".to_owned(),
                false => format!("{walked} was read through; --full reads all"),
            };
            let records = grouped((last_seq + 1).saturating_sub(*first_seq));
            let mut found = vec![Finding::ok(
                check,
                format!("{records} records in {segments} segments, up to {last_seq}; {how}"),
            )];
            if *torn > 0 {
                found.push(Finding::warn(
                    check,
                    format!("{torn} bytes after the last record are none: a write was cut off"),
                    "nothing: the next start cuts them, and with `durability = \"sync\"` none of it was answered",
                ));
            }
            found
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fail, Ok as Fine, Warn};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn journals_are_judged() {
        let read = |segments, walked, torn| {
            judge(&Journal::Read { segments, walked, first_seq: 1001, last_seq: 3000, torn })
        };
        check(&judge(&Journal::None), &[(Fine, "none yet")]);
        check(&judge(&Journal::Bad("it is damaged at byte 3".into())), &[(Fail, "damaged at byte 3")]);
        check(
            &read(3, 1, 0),
            &[(Fine, "2,000 records in 3 segments, up to 3000; 1 was read through; --full")],
        );
        check(&read(3, 3, 0), &[(Fine, "every one was read through")]);
        check(&read(3, 3, 96), &[(Fine, ""), (Warn, "96 bytes")]);
    }
}
