// SPDX-License-Identifier: Apache-2.0
//! What PAM's modules and login(1) say of services other than sshd.
//!
//! pam_unix tells a failure with the remote host where the service gave one; a success it does not tell with an address. Lines
//! of services whose own lines are read (sshd, Dovecot) are passed over: each would be a second telling. pam_faillock tells that
//! an account is locked, which is no login. What happens at a keyboard, sudo and su among it, has no address and is counted as
//! such.

use super::message::address;
use super::program::{Said, Tried};

/// Services whose own lines tell the same.
const TOLD_BY_THEMSELVES: [&str; 2] = ["sshd", "dovecot"];

/// Whether a message of any program is one of PAM's.
pub(super) fn is_pam(text: &str) -> bool {
    text.starts_with("pam_unix(") || text.starts_with("pam_faillock(") || text.starts_with("pam_sss(")
}

/// Sorts one message of PAM: `pam_unix(vsftpd:auth): authentication failure; logname= … ruser=… rhost=…  user=…`.
pub(super) fn parse(text: &str) -> Said<'_> {
    let Some((service, rest)) = head(text) else { return Said::Ignored };
    if TOLD_BY_THEMSELVES.contains(&service) || text.starts_with("pam_faillock(") {
        return Said::Ignored;
    }
    let Some(times) = failures(rest) else { return Said::Ignored };
    let mut places = rest.match_indices(" rhost=");
    let (Some((at, _)), None) = (places.next(), places.next()) else {
        return if rest.contains(" rhost=") { Said::Ambiguous } else { Said::NoAddress };
    };
    let (before, after) = (&rest[..at], &rest[at + 7..]);
    let (host, user) = after.split_once(" user=").map_or((after, ""), |(host, user)| (host, user.trim()));
    let Some(ip) = address(host.trim()) else { return Said::NoAddress };
    // Where pam_unix knows no such user, only what the service was told is there.
    let asked = before.split_once(" ruser=").map_or("", |(_, asked)| asked);
    let (account, known) = if user.is_empty() { (asked, None) } else { (user, Some(true)) };
    if account.is_empty() {
        return Said::Ignored;
    }
    Said::Tried(Tried { account, ip, ok: false, protocol: protocol(service), times, known })
}

/// The service, and what is said of it: `pam_unix(SERVICE:auth): …`.
fn head(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once('(')?;
    let (who, rest) = rest.split_once("): ")?;
    let (service, stage) = who.split_once(':')?;
    (stage == "auth").then_some((service, rest))
}

/// How many failures a message tells.
fn failures(text: &str) -> Option<u32> {
    if text.starts_with("authentication failure; ") {
        return Some(1);
    }
    let (count, rest) = text.split_once(" more authentication failure")?;
    let told = rest.starts_with("s; ") || rest.starts_with("; ");
    count.parse().ok().filter(|_| told)
}

/// What the account pack calls it.
fn protocol(service: &str) -> &str {
    match service {
        "vsftpd" | "proftpd" | "pure-ftpd" => "ftp",
        "smtp" | "submission" | "exim" => "smtp",
        "pop" => "pop3",
        "remote" => "login",
        other => other,
    }
}

/// Sorts one message of login(1): `LOGIN ON pts/1 BY root FROM 203.0.113.9`. Its failures pam_unix tells.
pub(super) fn login(text: &str) -> Said<'_> {
    let by_root = text.strip_prefix("ROOT LOGIN ON ").and_then(|rest| rest.rsplit_once(" FROM "));
    let found = match by_root {
        Some((_, host)) => Some(("root", host)),
        None => text
            .strip_prefix("LOGIN ON ")
            .and_then(|rest| rest.rsplit_once(" FROM "))
            .and_then(|(rest, host)| Some((rest.split_once(" BY ")?.1, host))),
    };
    let Some((account, host)) = found else { return Said::Ignored };
    match address(host.trim()) {
        Some(ip) => {
            Said::Tried(Tried { account, ip, ok: true, protocol: "login", times: 1, known: Some(true) })
        }
        None => Said::NoAddress,
    }
}
