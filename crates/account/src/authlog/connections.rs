// SPDX-License-Identifier: Apache-2.0
//! What was told already of each connection, so that one attempt becomes one event.
//!
//! A connection is known by host and process id: sshd handles each in a process of its own. It is remembered from
//! its first line for at most [`Options::hold`](super::Options::hold), and only the newest so many; whatever leaves
//! with something held tells it then. So the worst an overfull memory does is to tell an attempt twice.

use super::Tally;
use super::message::{Attempt, Message, Peer};
use siphasher::sip::SipHasher13;
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;
use std::net::IpAddr;
use wardroom_event::{Draft, LineId, Micros, Raw, Span, limits};

/// The line a message stands on.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) time: Micros,
    pub(super) host: &'a str,
    pub(super) pid: &'a str,
    pub(super) line: LineId,
    /// Which of a line's repeats this is.
    pub(super) repeat: u32,
}

/// The newest connections.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    hold: Span,
    known: HashMap<u64, Connection>,
    /// In the order they began; an entry whose connection began anew since is void.
    queue: VecDeque<(u64, Micros)>,
}

#[derive(Debug)]
struct Connection {
    since: Micros,
    /// Something was told of it, so that its end is no news.
    told: bool,
    /// sshd said of its account that it exists.
    exists: bool,
    /// The exchange of versions failed: its end is that of a probe.
    no_version: bool,
    held: Option<Held>,
}

/// An event that is told unless a better line comes.
#[derive(Debug)]
struct Held {
    draft: Draft<'static>,
    ip: IpAddr,
    rank: Rank,
}

/// What replaces what: a better line what is of its own rank or below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A connection that said good-bye: any attempt replaces it.
    Probe,
    /// An account was named: any attempt from the same address is this one.
    Named,
    /// A try that failed: only a Failed line is the same one.
    Try,
}

impl Connections {
    pub(super) fn new(most: usize, hold: Span) -> Connections {
        Connections { most: most.max(1), hold, known: HashMap::new(), queue: VecDeque::new() }
    }

    /// Forgets connections too far from `now`, on either side: a clock may have been put back.
    pub(super) fn expire(&mut self, now: Micros, out: &mut Vec<Draft<'static>>) {
        while let Some((_, since)) = self.queue.front() {
            if since.plus(self.hold) >= now && now.plus(self.hold) >= *since {
                return;
            }
            self.forget_oldest(out);
        }
    }

    /// Forgets all.
    pub(super) fn finish(&mut self, out: &mut Vec<Draft<'static>>) {
        while !self.queue.is_empty() {
            self.forget_oldest(out);
        }
    }

    /// Puts to `out` what the message tells that is new.
    pub(super) fn take(
        &mut self,
        seen: &Seen<'_>,
        message: &Message<'_>,
        tally: &mut Tally,
        out: &mut Vec<Draft<'static>>,
    ) {
        if let Message::Unmapped(peer) = message {
            return out.push(probe("reverse_mapping", *peer, seen));
        }
        let key = key(seen);
        if matches!(message, Message::Start | Message::Probe { .. }) {
            self.begin(key, seen.time, tally, out);
        }
        if let Message::Named(attempt) = message
            && self.known.get(&key).is_some_and(|c| !c.announces(attempt))
        {
            self.begin(key, seen.time, tally, out);
        }
        if !self.known.contains_key(&key) {
            self.begin(key, seen.time, tally, out);
        }
        if let Some(connection) = self.known.get_mut(&key) {
            connection.take(seen, message, tally, out);
        }
    }

    /// A new connection under this key; process ids come round again.
    fn begin(&mut self, key: u64, since: Micros, tally: &mut Tally, out: &mut Vec<Draft<'static>>) {
        while self.queue.len() >= self.most {
            tally.evicted += u64::from(self.forget_oldest(out));
        }
        let fresh = Connection { since, told: false, exists: false, no_version: false, held: None };
        if let Some(old) = self.known.insert(key, fresh) {
            out.extend(old.held.map(|held| held.draft));
        }
        self.queue.push_back((key, since));
    }

    /// Drops the oldest entry; says whether there was a connection behind it.
    fn forget_oldest(&mut self, out: &mut Vec<Draft<'static>>) -> bool {
        let Some((key, since)) = self.queue.pop_front() else {
            return false;
        };
        if self.known.get(&key).is_none_or(|connection| connection.since != since) {
            return false;
        }
        out.extend(self.known.remove(&key).and_then(|c| c.held).map(|held| held.draft));
        true
    }
}

impl Connection {
    /// Whether "Invalid user" can be of this connection: it comes first, once, or told again.
    fn announces(&self, attempt: &Attempt<'_>) -> bool {
        match &self.held {
            Some(held) => held.ip == attempt.peer.ip,
            None => !self.told,
        }
    }

    fn take(
        &mut self,
        seen: &Seen<'_>,
        message: &Message<'_>,
        tally: &mut Tally,
        out: &mut Vec<Draft<'static>>,
    ) {
        match message {
            Message::Accepted(attempt) => {
                self.supersede(Rank::Named, attempt.peer.ip, out);
                self.tell(login(attempt, true, seen, tally), out);
            }
            Message::Failed(attempt) => {
                self.supersede(Rank::Try, attempt.peer.ip, out);
                self.tell(login(&self.known(attempt), false, seen, tally), out);
            }
            Message::Named(attempt) | Message::Asked(attempt) => {
                self.exists |= attempt.known;
                if !self.told {
                    self.hold(Rank::Named, attempt, seen, tally, out);
                }
            }
            Message::Refused(attempt) => self.hold(Rank::Try, attempt, seen, tally, out),
            Message::Exists => self.exists = true,
            Message::Ended(attempt) => {
                self.held.take_if(|held| held.rank == Rank::Probe);
                let told = self.told || self.held.is_some();
                self.settle(out);
                if !told {
                    self.tell(login(&self.known(attempt), false, seen, tally), out);
                }
            }
            Message::Closed { what, peer, sure } => self.close(*sure, probe(what, *peer, seen), out),
            Message::Settled => self.settle(out),
            Message::Leaving(peer) => {
                if !self.told && self.held.is_none() {
                    let draft = probe("preauth_close", *peer, seen);
                    self.held = Some(Held { draft, ip: peer.ip, rank: Rank::Probe });
                }
            }
            Message::Probe { what, peer } => self.tell(probe(what, *peer, seen), out),
            Message::NoVersion => self.no_version = true,
            Message::Start | Message::Unmapped(_) => {}
            Message::Ignored | Message::NoAddress | Message::Ambiguous | Message::Unknown => {}
        }
    }

    /// The end of a connection that names nobody: `probe`, if nothing was tried.
    fn close(&mut self, sure: bool, probe: Draft<'static>, out: &mut Vec<Draft<'static>>) {
        let told = self.told || self.held.is_some();
        self.settle(out);
        if !told && (sure || self.no_version) {
            self.tell(probe, out);
        }
    }

    /// Drops what is held if a line of rank `by` about `ip` tells the same; tells it otherwise.
    fn supersede(&mut self, by: Rank, ip: IpAddr, out: &mut Vec<Draft<'static>>) {
        let same = |held: &Held| held.rank == Rank::Probe || (held.rank <= by && held.ip == ip);
        out.extend(self.held.take().filter(|held| !same(held)).map(|held| held.draft));
    }

    /// Holds an attempt. One try after another are two.
    fn hold(
        &mut self,
        rank: Rank,
        attempt: &Attempt<'_>,
        seen: &Seen<'_>,
        tally: &mut Tally,
        out: &mut Vec<Draft<'static>>,
    ) {
        self.supersede(Rank::Named, attempt.peer.ip, out);
        let draft = login(&self.known(attempt), false, seen, tally);
        self.held = Some(Held { draft, ip: attempt.peer.ip, rank });
    }

    fn tell(&mut self, draft: Draft<'static>, out: &mut Vec<Draft<'static>>) {
        self.told = true;
        out.push(draft);
    }

    /// Tells what is held.
    fn settle(&mut self, out: &mut Vec<Draft<'static>>) {
        if let Some(held) = self.held.take() {
            self.tell(held.draft, out);
        }
    }

    fn known<'a>(&self, attempt: &Attempt<'a>) -> Attempt<'a> {
        Attempt { known: attempt.known || self.exists, ..*attempt }
    }
}

/// Host and process as one number; a collision in 64 bits would join two connections, no more.
fn key(seen: &Seen<'_>) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(seen.host.as_bytes());
    hasher.write_u8(0);
    hasher.write(seen.pid.as_bytes());
    hasher.finish()
}

type Fields = Vec<(Cow<'static, str>, Raw<'static>)>;

fn login(attempt: &Attempt<'_>, ok: bool, seen: &Seen<'_>, tally: &mut Tally) -> Draft<'static> {
    let mut fields = Fields::with_capacity(7);
    if !attempt.user.is_empty() {
        fields.push(text("account", within(attempt.user, limits::ENTITY_BYTES, tally)));
    }
    fields.push(text("ip", attempt.peer.ip.to_string()));
    fields.push(("ok".into(), Raw::Bool(ok)));
    if let Some(method) = attempt.method {
        fields.push(text("method", within(method, limits::TEXT_BYTES, tally)));
    }
    fields.push(("user_known".into(), Raw::Bool(attempt.known)));
    draft("ssh_login", fields, attempt.peer.port, seen)
}

fn probe(what: &'static str, peer: Peer, seen: &Seen<'_>) -> Draft<'static> {
    let mut fields = Fields::with_capacity(4);
    fields.push(text("ip", peer.ip.to_string()));
    fields.push(text("what", what));
    draft("ssh_probe", fields, peer.port, seen)
}

fn draft(kind: &'static str, mut fields: Fields, port: Option<u16>, seen: &Seen<'_>) -> Draft<'static> {
    if let Some(port) = port {
        fields.push(("port".into(), Raw::Int(port.into())));
    }
    if !seen.host.is_empty() {
        fields.push(text("host", seen.host.to_owned()));
    }
    let id = seen.line.event(seen.repeat);
    Draft { kind: kind.into(), source: None, id: Some(id.into()), time: Some(seen.time), fields, prefix: "" }
}

fn text(name: &'static str, value: impl Into<Cow<'static, str>>) -> (Cow<'static, str>, Raw<'static>) {
    (name.into(), Raw::Text(value.into()))
}

/// At most `most` bytes of `value`, cut between characters and counted.
fn within(value: &str, most: usize, tally: &mut Tally) -> String {
    let end = value.floor_char_boundary(most);
    tally.cut += u64::from(end < value.len());
    value[..end].to_owned()
}
