// SPDX-License-Identifier: Apache-2.0
//! Snapshots: whether there are any, and whether one was cut off. What is in them is the server's business.

use super::Finding;
use crate::host::{Files, size};
use std::path::Path;
use wardroom_event::Micros;

/// What was seen; `None` where there is no folder of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshots {
    /// How many files, their bytes, and when the newest was written.
    pub(super) files: Option<(u64, u64, Option<Micros>)>,
}

pub(super) fn look(data: &Path) -> Snapshots {
    let files = Files::in_dir(&data.join("snapshots"), |_| true);
    Snapshots { files: files.map(|f| (f.count, f.bytes, f.newest)) }
}

pub(super) fn judge(seen: &Snapshots) -> Vec<Finding> {
    let check = "snapshots";
    vec![match seen.files {
        None | Some((0, ..)) => Finding::ok(check, "there is none: a start reads the whole journal"),
        Some((count, bytes, newest)) => {
            let newest = newest.map_or(String::new(), |at| format!(", the newest of {at}"));
            Finding::ok(check, format!("{count} files, {}{newest}", size(bytes)))
        }
    }]
}

#[cfg(test)]
mod tests {
    use super::super::State::Ok as Fine;
    use super::super::tests::check;
    use super::*;

    #[test]
    fn snapshots_are_counted() {
        check(&judge(&Snapshots { files: None }), &[(Fine, "there is none")]);
        let files = Some((2, 3 << 20, Micros::parse("2026-11-27T12:00:00Z")));
        check(
            &judge(&Snapshots { files }),
            &[(Fine, "2 files, 3.0 MiB, the newest of 2026-11-27T12:00:00Z")],
        );
    }
}
