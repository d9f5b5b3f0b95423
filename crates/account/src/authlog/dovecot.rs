// SPDX-License-Identifier: Apache-2.0
//! What Dovecot's login processes say: who got in, and whose connection ended after failed tries. The forms of 2.2 to 2.4.
//!
//! Only the login processes' lines are read. With `auth_verbose` the auth process tells each try as well ("Password mismatch"):
//! reading both would count every failure twice. The line that ends a connection says how many tries it had and the name of
//! the last; all of them are told of that name.
//!
//! A name is a stranger's text and may look like the rest of the line. Behind the last `rip=` stands nothing of a stranger, so a
//! line with two is given up.

use super::message::address;
use super::program::{Said, Tried};

/// Dovecot's own log file has no host: where it would stand is the process, and `Info` is what looks like a program.
pub(super) fn own_log<'a>(host: &'a str, program: &str) -> Option<&'a str> {
    let process = host.strip_suffix(':')?;
    (program == "Info" && process.ends_with("-login")).then_some(process)
}

/// Sorts one message of syslog: `imap-login: Login: user=<…>, …`.
pub(super) fn parse(text: &str) -> Said<'_> {
    match text.split_once(": ") {
        Some((process, rest)) if process.ends_with("-login") => {
            of_process(process, rest.strip_prefix("Info: ").unwrap_or(rest))
        }
        _ => Said::Ignored,
    }
}

/// Sorts what one login process said.
pub(super) fn of_process<'a>(process: &'a str, text: &'a str) -> Said<'a> {
    let ok = text.starts_with("Login: ") || text.starts_with("Logged in: ");
    let times = if ok { 1 } else { failed(text) };
    if times == 0 {
        return Said::Ignored;
    }
    let mut places = text.match_indices("rip=");
    let (Some((at, _)), None) = (places.next(), places.next()) else {
        return if text.contains("rip=") { Said::Ambiguous } else { Said::NoAddress };
    };
    let rest = &text[at + 4..];
    let Some(ip) = address(rest.split(',').next().unwrap_or(rest)) else { return Said::NoAddress };
    let Some(account) = user(&text[..at]) else { return Said::Ignored };
    let protocol = process.strip_suffix("-login").unwrap_or(process);
    Said::Tried(Tried { account, ip, ok, protocol, times, known: ok.then_some(true) })
}

/// How many tries failed: `(auth failed, 3 attempts in 8 secs)`; none where nothing was tried.
fn failed(text: &str) -> u32 {
    // Left of the name, where only Dovecot's words are.
    let (head, _) = text.split_once(": user=<").unwrap_or((text, ""));
    let Some((_, rest)) = head.split_once("(auth failed, ") else { return 0 };
    rest.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// The name in `user=<NAME>, method=PLAIN, `; none where it is empty.
fn user(head: &str) -> Option<&str> {
    let (_, rest) = head.split_once("user=<")?;
    // What follows is Dovecot's: the mechanism, or nothing.
    let end = rest.rfind(">, ")?;
    Some(&rest[..end]).filter(|name| !name.is_empty())
}
