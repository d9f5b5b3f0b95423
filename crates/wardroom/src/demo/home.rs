// SPDX-License-Identifier: Apache-2.0
//! Where the demo keeps its data: in a directory that goes with it, or with `--keep` in one that stays, as `init` makes it.

use crate::cli::Demo;
use crate::clock;
use crate::command::{issue_key, keys_file, lay_out};
use anyhow::{Context, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use wardroom_api::{Allowance, Role};
use wardroom_event::Micros;
use wardroom_policy::Bundle;

/// The simulated morning on which the demo begins: Tuesday, 6 January 2026, 09:00 UTC.
const MORNING: Micros = Micros(1_767_690_000_000_000);
const DAY: i64 = 86_400_000_000;
const NINE: i64 = 9 * 3_600_000_000;
/// How long a demo that is kept goes on where nobody says.
const SECONDS: u64 = 60;
/// What may pass between the last event and the end, in simulated time.
const MARGIN: i64 = 600_000_000;
/// What whoever holds the key of a kept demo may do: look at everything, and act on it.
const ROLES: [Role; 6] = [Role::Ingest, Role::Read, Role::Reveal, Role::Policy, Role::Act, Role::Approve];

/// Where the data is.
pub(super) enum Home {
    /// It goes when this is dropped.
    Passing(TempDir),
    /// It stays, and its key is told at the end.
    Kept { dir: PathBuf, data: PathBuf, token: String },
}

impl Home {
    /// Makes it. A demo that is kept is set back so far that its end is not yet to come, and has an end.
    pub(super) fn make(args: &mut Demo, policy: &Bundle) -> Result<(Home, Micros)> {
        let Some(dir) = args.keep.clone() else {
            let made = tempfile::Builder::new().prefix("wardroom-demo-").tempdir();
            return Ok((Home::Passing(made.context("cannot make a temporary directory")?), MORNING));
        };
        let data = lay_out(&dir, policy.files())?;
        let roles = ROLES.map(|role| role.name().to_owned());
        let token = issue_key(&keys_file(&data), "desk", &roles, Allowance::default())?;
        let seconds = *args.seconds.get_or_insert(SECONDS);
        Ok((Home::Kept { dir, data, token }, morning(clock::now(), seconds, args.speed)))
    }

    pub(super) fn data(&self) -> &Path {
        match self {
            Home::Passing(dir) => dir.path(),
            Home::Kept { data, .. } => data,
        }
    }

    /// What can be done with what is kept.
    pub(super) fn say(&self) -> Result<()> {
        let Home::Kept { dir, token, .. } = self else { return Ok(()) };
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nkept in {}; ask it, try rules on it, act on it:\n", dir.display())?;
        writeln!(out, "    cd {} && wardroom serve", dir.display())?;
        writeln!(out, "    export WARDROOM_KEY={token}")?;
        writeln!(out, "    wardroom query 'signup by ip.net show count top 5 by count'")?;
        Ok(())
    }
}

/// The latest nine o'clock from which on so many seconds at this speed are over by now.
fn morning(now: Micros, seconds: u64, speed: u32) -> Micros {
    let lasts = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let lasts = lasts.saturating_mul(i64::from(speed));
    let latest = now.0.saturating_sub(lasts).saturating_sub(MARGIN);
    Micros((latest - NINE).div_euclid(DAY) * DAY + NINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_demo_is_over_by_now_and_begins_at_nine() {
        let at = |text: &str| Micros::parse(text).unwrap();
        let check = |now: &str, seconds, speed, expect: &str| {
            assert_eq!(morning(at(now), seconds, speed), at(expect), "{now} {seconds} {speed}");
        };
        check("2026-11-28T11:20:00Z", 60, 120, "2026-11-28T09:00:00Z");
        check("2026-11-28T11:09:59Z", 60, 120, "2026-11-27T09:00:00Z");
        check("2026-11-28T08:59:00Z", 1, 1, "2026-11-27T09:00:00Z");
        check("2026-11-28T11:20:00Z", 864, 1000, "2026-11-18T09:00:00Z");
    }
}
