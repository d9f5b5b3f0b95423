// SPDX-License-Identifier: Apache-2.0
//! What one message of sshd says: the forms of OpenSSH 5 to 10, sorted by what they tell about an attempt.
//!
//! A user name or a client's text may hold anything, spaces and another line's ending included. So each form is
//! read from the side where sshd's own words stand: mostly the right, where the address is; the left where the
//! client's text ends the message.

use super::header::digits;
use std::net::IpAddr;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) ip: IpAddr,
    pub(super) port: Option<u16>,
}

/// Somebody who tried to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt<'a> {
    /// As sent; may be empty.
    pub(super) user: &'a str,
    /// Whether the account exists, as far as sshd says.
    pub(super) known: bool,
    pub(super) method: Option<&'a str>,
    pub(super) peer: Peer,
}

/// What a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// A new connection.
    Start,
    /// A log-in that succeeded.
    Accepted(Attempt<'a>),
    /// One that failed.
    Failed(Attempt<'a>),
    /// The first request on a connection names an account that does not exist or may not log in.
    Named(Attempt<'a>),
    /// The client asked which methods there are (method `none`).
    Asked(Attempt<'a>),
    /// PAM refused; a Failed line follows only at a higher log level.
    Refused(Attempt<'a>),
    /// The account of this connection exists, though sshd will say "invalid user".
    Exists,
    /// A connection ended that had tried to log in.
    Ended(Attempt<'a>),
    /// A connection ended, and nobody is named. Without `sure` it may have been logged in.
    Closed { what: &'static str, peer: Peer, sure: bool },
    /// A connection ended, and the message names neither address nor account safely.
    Settled,
    /// The client says good-bye before logging in; in newer versions a [`Message::Ended`] follows.
    Leaving(Peer),
    /// A connection that is no log-in.
    Probe { what: &'static str, peer: Peer },
    /// The address's name and the name's address differ.
    Unmapped(Peer),
    /// The exchange of versions failed; the line that follows names the address.
    NoVersion,
    /// Nothing an event needs.
    Ignored,
    /// An attempt from something that is no address.
    NoAddress,
    /// Two addresses are possible.
    Ambiguous,
    /// No form known here.
    Unknown,
}

impl Message<'_> {
    /// Whether a repeat of this message is another attempt.
    pub(super) fn may_repeat(&self) -> bool {
        matches!(self, Message::Failed(_) | Message::Refused(_))
    }
}

/// rsyslog's `message repeated 5 times: [ TEXT]`: how often, and the text. Any other text is there once.
pub(super) fn unwrap_repeated(text: &str) -> (u32, &str) {
    let unwrapped = || {
        let (times, rest) = text.strip_prefix("message repeated ")?.split_once(" times: [")?;
        Some((count(times)?, rest.strip_suffix(']')?.trim_start()))
    };
    unwrapped().unwrap_or((1, text))
}

/// `last message repeated 5 times`, with or without dashes around: how often.
pub(super) fn last_repeated(text: &str) -> Option<u32> {
    let text = text.trim_matches(['-', ' ']).strip_prefix("last message repeated ")?;
    count(text.strip_suffix(" times").or_else(|| text.strip_suffix(" time"))?)
}

/// A number of repeats; one too large to hold is as large as can be.
fn count(text: &str) -> Option<u32> {
    (!text.is_empty() && digits(text)).then(|| text.parse().unwrap_or(u32::MAX))
}

/// Sorts one message.
pub(super) fn parse(text: &str) -> Message<'_> {
    let body = text.strip_suffix(" [preauth]").unwrap_or(text);
    let preauth = body.len() < text.len();
    let (word, _) = body.split_once(' ').unwrap_or((body, ""));
    let found = match word {
        "Accepted" | "Failed" => authentication(body),
        "Invalid" => body
            .strip_prefix("Invalid user ")
            .map(|rest| from(rest, false, None).map_or_else(no_address, Message::Named)),
        "User" => not_allowed(body),
        "Connection" => connection(body, preauth),
        "Disconnected" | "Disconnecting" | "Disconnecting:" => preauth.then(|| disconnect(body)),
        "Received" => leaving(body, preauth),
        "Did" | "Bad" | "banner" => probe(body),
        "reverse" | "Address" => unmapped(body),
        "error:" | "fatal:" | "Unable" | "maximum" => trouble(body, preauth),
        _ => None,
    };
    found.unwrap_or_else(|| if ignored(body) { Message::Ignored } else { Message::Unknown })
}

fn no_address<'a>() -> Message<'a> {
    Message::NoAddress
}

/// `ADDRESS[ port N]` at the right end, and what stands before it without the space between.
fn right_peer(text: &str) -> Option<(&str, Peer)> {
    let (head, port) = match text.rsplit_once(" port ") {
        Some((head, port)) if !port.is_empty() && digits(port) => (head, Some(port.parse().ok()?)),
        _ => (text, None),
    };
    let (before, ip) = head.rsplit_once(' ').unwrap_or(("", head));
    Some((before, Peer { ip: address(ip)?, port }))
}

/// `ADDRESS[ port N]` at the left end, up to a colon or the end.
fn left_peer(text: &str) -> Option<Peer> {
    let (ip, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Some(port) = rest.strip_prefix("port ") {
        let end = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
        return Some(Peer { ip: address(ip)?, port: Some(port[..end].parse().ok()?) });
    }
    Some(Peer { ip: address(ip.strip_suffix(':').unwrap_or(ip))?, port: None })
}

/// An address; the zone of a link-local one (`fe80::1%eth0`) is of no use elsewhere.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let text = text.split_once('%').map_or(text, |(ip, _)| ip);
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// `USER from ADDRESS[ port N]`.
fn from<'a>(text: &'a str, known: bool, method: Option<&'a str>) -> Option<Attempt<'a>> {
    let (before, peer) = right_peer(text)?;
    // An empty name leaves nothing before " from".
    let user = before.strip_suffix(" from")?;
    Some(Attempt { user, known, method, peer })
}

/// `Accepted|Failed METHOD for [invalid user ]USER from ADDRESS port N ssh2[: KEY]`.
fn authentication(body: &str) -> Option<Message<'_>> {
    let (word, rest) = body.split_once(' ')?;
    let (method, rest) = rest.split_once(" for ")?;
    let (known, rest) = account(rest);
    let sort = |attempt| match (word, method) {
        ("Accepted", _) => Message::Accepted(attempt),
        (_, "none") => Message::Asked(attempt),
        _ => Message::Failed(attempt),
    };
    let plain = ["ssh2", "ssh1", "ssh"].iter().find_map(|p| rest.strip_suffix(p)?.strip_suffix(' '));
    if let Some(text) = plain {
        return Some(from(text, known, Some(method)).map_or_else(no_address, sort));
    }
    Some(keyed(rest, known, method).map_or_else(|other| other, sort))
}

/// The same with `: KEY` at the end, where a certificate's id is a stranger's text too: every place at which the
/// address could stand is looked at. An account that exists has no space in its name.
fn keyed<'a>(text: &'a str, known: bool, method: &'a str) -> Result<Attempt<'a>, Message<'a>> {
    let mut found =
        text.match_indices(" ssh2: ").filter_map(|(at, _)| from(&text[..at], known, Some(method)));
    match (found.next(), found.next()) {
        (Some(attempt), _) if known && !attempt.user.contains(' ') => Ok(attempt),
        (Some(attempt), None) => Ok(attempt),
        (Some(_), Some(_)) => Err(Message::Ambiguous),
        (None, _) => Err(Message::NoAddress),
    }
}

/// Takes `invalid user ` off: whether the account exists, and the rest.
fn account(text: &str) -> (bool, &str) {
    let unknown = text.strip_prefix("invalid user ").or_else(|| text.strip_prefix("illegal user "));
    unknown.map_or((true, text), |rest| (false, rest))
}

/// `User NAME[ from ADDRESS] not allowed because …`.
fn not_allowed(body: &str) -> Option<Message<'_>> {
    let rest = body.strip_prefix("User ")?;
    let (who, _) = rest.rsplit_once(" not allowed because ")?;
    Some(from(who, true, None).map_or(Message::Exists, Message::Named))
}

/// `Connection from …`, `Connection closed|reset by [WHO ]ADDRESS port N`.
fn connection(body: &str, preauth: bool) -> Option<Message<'_>> {
    if body.starts_with("Connection from ") {
        return Some(Message::Start);
    }
    let (what, rest) = match body.strip_prefix("Connection closed by ") {
        Some(rest) => ("preauth_close", rest),
        None => ("reset", body.strip_prefix("Connection reset by ")?),
    };
    Some(ended(rest, what, preauth))
}

/// `[WHO ]ADDRESS[ port N]` of a connection that ended.
fn ended<'a>(text: &'a str, what: &'static str, sure: bool) -> Message<'a> {
    let Some((who, peer)) = right_peer(text) else {
        return Message::NoAddress;
    };
    let attempt = |user, known| Message::Ended(Attempt { user, known, method: None, peer });
    if who.is_empty() {
        return Message::Closed { what, peer, sure };
    }
    if let Some(user) = who.strip_prefix("authenticating user ") {
        return attempt(user, true);
    }
    match who.strip_prefix("invalid user ") {
        Some(user) => attempt(user, false),
        // `user NAME`: was logged in.
        None => Message::Ignored,
    }
}

/// `Disconnected from [WHO ]ADDRESS port N`, `Disconnecting [WHO ADDRESS port N]: REASON`. The reason may quote names
/// the client sent, so only an account that exists is read, from the left.
fn disconnect(body: &str) -> Message<'_> {
    if let Some(rest) = body.strip_prefix("Disconnected from ") {
        return ended(rest, "preauth_close", true);
    }
    let named = || {
        let rest = body.strip_prefix("Disconnecting authenticating user ")?;
        let (user, rest) = rest.split_once(' ')?;
        Some(Message::Ended(Attempt { user, known: true, method: None, peer: left_peer(rest)? }))
    };
    named().unwrap_or(Message::Settled)
}

/// `Received disconnect from ADDRESS[ port N]:CODE: TEXT`; the text is the client's.
fn leaving(body: &str, preauth: bool) -> Option<Message<'_>> {
    let rest = body.strip_prefix("Received disconnect from ")?;
    Some(match left_peer(rest) {
        Some(peer) if preauth => Message::Leaving(peer),
        _ => Message::Ignored,
    })
}

/// Connections that do not speak SSH.
fn probe(body: &str) -> Option<Message<'_>> {
    let none = body.strip_prefix("Did not receive identification string from ");
    let bad = body.strip_prefix("Bad protocol version identification '");
    let format = body.strip_prefix("banner exchange: Connection from ");
    let (what, peer) = match (none, bad, format) {
        (Some(rest), ..) => ("no_identification", left_peer(rest)),
        (_, Some(rest), _) => {
            let peer = right_peer(rest).filter(|(before, _)| before.ends_with("' from"));
            ("bad_protocol", peer.map(|(_, peer)| peer))
        }
        (_, _, Some(rest)) => ("bad_protocol", left_peer(rest)),
        _ => return None,
    };
    Some(peer.map_or_else(no_address, |peer| Message::Probe { what, peer }))
}

/// `reverse mapping checking getaddrinfo for NAME [ADDRESS] failed…`, `Address ADDRESS maps to NAME, but …`. The name is
/// whatever the owner of the address wrote into DNS.
fn unmapped(body: &str) -> Option<Message<'_>> {
    let ip = match body.strip_prefix("reverse mapping checking ") {
        Some(rest) => {
            let (before, _) = rest.rsplit_once("] failed")?;
            before.rsplit_once('[')?.1
        }
        None => body.strip_prefix("Address ")?.split_once(" maps to ")?.0,
    };
    Some(address(ip).map_or_else(no_address, |ip| Message::Unmapped(Peer { ip, port: None })))
}

/// What sshd logs as an error, with or without the word before it.
fn trouble(body: &str, preauth: bool) -> Option<Message<'_>> {
    let text = body.strip_prefix("error: ").or_else(|| body.strip_prefix("fatal: ")).unwrap_or(body);
    if let Some(rest) = text.strip_prefix("maximum authentication attempts exceeded for ") {
        let (known, rest) = account(rest);
        let rest = ["ssh2", "ssh1", "ssh"]
            .iter()
            .find_map(|p| rest.strip_suffix(p)?.strip_suffix(' '))
            .unwrap_or(rest);
        return Some(from(rest, known, None).map_or_else(no_address, Message::Ended));
    }
    if let Some(rest) = text.strip_prefix("PAM: ") {
        // "Have exhausted maximum number of retries for service for NAME": the tries before it are told.
        let (reason, rest) = rest.split_once(" for ")?;
        let (known, rest) = account(rest);
        let attempt = || from(rest, known, Some("keyboard-interactive/pam"));
        return (!reason.starts_with("Have exhausted"))
            .then(|| attempt().map_or_else(no_address, Message::Refused));
    }
    let (what, rest) = if let Some(rest) = text.strip_prefix("Unable to negotiate with ") {
        ("negotiation", rest)
    } else if let Some(rest) = text.strip_prefix("Timeout before authentication for ") {
        ("timeout", rest)
    } else if text.starts_with("kex_exchange_identification: ") {
        return Some(Message::NoVersion);
    } else {
        return leaving(text, preauth);
    };
    let closed = |peer| Message::Closed { what, peer, sure: true };
    Some(left_peer(rest).map_or(Message::Ignored, closed))
}

/// Forms that are known and say nothing an event needs.
fn ignored(body: &str) -> bool {
    const KNOWN: [&str; 31] = [
        "pam_",
        "PAM ",
        "Server listening on ",
        "Received signal ",
        "Received SIG",
        "input_userauth_request: ",
        "User child is on pid ",
        "User ",
        "Starting session: ",
        "Close session: ",
        "Closing connection to ",
        "Disconnected from ",
        "Disconnecting",
        "Postponed ",
        "Partial ",
        "Exiting on signal ",
        "error: ",
        "fatal: ",
        "debug",
        "subsystem request ",
        "userauth_",
        "Found matching ",
        "Authorized ",
        "Authentication ",
        "Transferred: ",
        "Bad packet length",
        "ssh_dispatch_run_fatal: ",
        "lastlog_",
        "rexec ",
        "Nasty PTR record ",
        "Read error from ",
    ];
    KNOWN.iter().any(|start| body.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_unwrapped() {
        let check = |text: &str, expect: (u32, &str)| assert_eq!(unwrap_repeated(text), expect, "{text}");
        check("message repeated 5 times: [ Failed x]", (5, "Failed x"));
        check("message repeated 99999999999 times: [ x]", (u32::MAX, "x"));
        check("message repeated many times: [ x]", (1, "message repeated many times: [ x]"));
        check("message repeated 5 times: [ x", (1, "message repeated 5 times: [ x"));
        check("Failed x", (1, "Failed x"));
        assert_eq!(last_repeated("last message repeated 3 times"), Some(3));
        assert_eq!(last_repeated("--- last message repeated 1 time ---"), Some(1));
        assert_eq!(last_repeated("last message repeated times"), None);
    }

    #[test]
    fn addresses_are_read() {
        let check = |text: &str, expect: Option<(&str, Option<u16>)>| {
            let got = right_peer(text).map(|(_, peer)| (peer.ip.to_string(), peer.port));
            assert_eq!(got, expect.map(|(ip, port)| (ip.to_owned(), port)), "{text}");
        };
        check("x from 203.0.113.9 port 22", Some(("203.0.113.9", Some(22))));
        check("x from 203.0.113.9", Some(("203.0.113.9", None)));
        check("x port 9 from 203.0.113.9", Some(("203.0.113.9", None)));
        check("x from 2001:db8::1 port 22", Some(("2001:db8::1", Some(22))));
        check("x from fe80::1%eth0 port 22", Some(("fe80::1", Some(22))));
        check("x from ::ffff:203.0.113.9 port 22", Some(("203.0.113.9", Some(22))));
        check("x from 203.0.113.9 port 70000", None);
        check("x from host.example port 22", None);
        check("", None);
    }
}
