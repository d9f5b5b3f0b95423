// SPDX-License-Identifier: Apache-2.0
//! The clock: whether it can be right, how it stands to the newest record, whether somebody sets it.

use super::Finding;
use crate::clock::{self, Gap};
use crate::terminal::lasting;
use std::path::Path;
use std::process::{Command, Stdio};
use wardroom_engine::Glance;
use wardroom_event::{Micros, Span};
use wardroom_journal::Keyring;

/// No clock of a machine that runs this is before the program was written.
const EARLIEST: &str = "2026-01-01T00:00:00Z";
/// Nor after this.
const LATEST: &str = "2100-01-01T00:00:00Z";

/// What was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) now: Micros,
    /// When the newest record of the journal was written.
    pub(super) newest: Option<Micros>,
    /// Whether the clock is set from outside; `None` where nobody can say.
    pub(super) synchronised: Option<bool>,
}

pub(super) fn look(data: &Path, keys: &Keyring) -> Clock {
    let newest = Glance::at(&data.join("journal"), keys).ok().and_then(|glance| glance.newest);
    Clock { now: clock::now(), newest, synchronised: synchronised() }
}

/// What systemd says, where it is. The kernel itself can be asked with `adjtimex(2)`, for which there is no safe call.
fn synchronised() -> Option<bool> {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Some(true);
    }
    let mut ask = Command::new("timedatectl");
    let asked =
        ask.args(["show", "-p", "NTPSynchronized", "--value"]).stdin(Stdio::null()).stderr(Stdio::null());
    match String::from_utf8(asked.output().ok().filter(|o| o.status.success())?.stdout).ok()?.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

pub(super) fn judge(clock: &Clock) -> Vec<Finding> {
    let Clock { now, newest, synchronised } = *clock;
    let mut found = Vec::new();
    let sane =
        Micros::parse(EARLIEST).is_none_or(|at| at <= now) && Micros::parse(LATEST).is_none_or(|at| now < at);
    found.push(if sane {
        Finding::ok("clock", format!("it is {now}"))
    } else {
        Finding::fail("clock", format!("the clock says {now}"), "set it: windows and expiries go by it")
    });
    found.extend(newest.map(|newest| against(now, newest)));
    found.push(match synchronised {
        Some(true) => Finding::ok("clock", "it is set from outside (NTP)"),
        Some(false) => Finding::warn(
            "clock",
            "nobody sets it: it drifts",
            "run chrony, systemd-timesyncd or another NTP client",
        ),
        None => Finding::unknown("clock", "whether somebody sets it (NTP) cannot be seen here"),
    });
    found
}

/// How the clock stands to the newest record.
fn against(now: Micros, newest: Micros) -> Finding {
    let words = |span: Span| lasting(span.0.unsigned_abs() / 1_000_000);
    match clock::gap(now, newest) {
        Gap::Far(past) => Finding::warn(
            "clock",
            format!("the newest record is of {newest}, and it is {now}: {} later", words(past)),
            "`wardroom serve` refuses to start so: if the clock is right, say so with --clock-is-right; if not, set it",
        ),
        Gap::Before(by) => Finding::warn(
            "clock",
            format!(
                "the newest record is of {newest}, and it is {now}: the clock has gone back by {}",
                words(by)
            ),
            "set it right before serving: events that come until then count as late",
        ),
        Gap::Fine(past) if past.0 < 0 => {
            Finding::ok("clock", format!("the newest record is of {newest}, in {}", words(past)))
        }
        Gap::Fine(past) => {
            Finding::ok("clock", format!("the newest record is of {newest}, {} ago", words(past)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fail, Ok as Fine, Unknown, Warn};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn clocks_are_judged() {
        let at = |text: &str| Micros::parse(text).unwrap();
        let judge = |now: &str, newest: Option<&str>, synchronised| {
            judge(&Clock { now: at(now), newest: newest.map(at), synchronised })
        };
        let now = "2026-11-27T12:00:00Z";
        check(&judge(now, None, Some(true)), &[(Fine, "it is 2026"), (Fine, "NTP")]);
        check(&judge("1970-01-01T00:00:09Z", None, None), &[(Fail, "1970"), (Unknown, "cannot be seen")]);
        check(&judge("2101-01-01T00:00:09Z", None, None), &[(Fail, "2101"), (Unknown, "")]);
        let newest = |n| judge(now, Some(n), Some(false));
        let says = |n, state, words| check(&newest(n), &[(Fine, ""), (state, words), (Warn, "drifts")]);
        says("2026-11-27T11:59:58Z", Fine, "the newest record is of 2026-11-27T11:59:58Z, 2s ago");
        says("2026-10-23T12:00:00Z", Fine, "35d 0h ago");
        says("2026-10-23T11:00:00Z", Warn, "it is 2026-11-27T12:00:00Z: 35d 1h later");
        says("2026-11-27T12:00:09Z", Fine, "in 9s");
        says("2026-11-27T14:00:00Z", Warn, "gone back by 2h 0m");
    }
}
