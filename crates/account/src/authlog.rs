// SPDX-License-Identifier: Apache-2.0
//! Lines of an authentication log → `ssh_login` and `ssh_probe` events of sshd, `login` events of other programs.
//!
//! The way of a line: `header` (when, which host, which program) → `years` (a date without a year gets one) →
//! `message` (what sshd says) → `connections` (is that a new attempt, or the same one told again?) → draft.
//!
//! # Events
//!
//! `ssh_login`, one for each attempt to log in: `ip`, `ok`, and where the line tells them `account` (as sent; sshd
//! writes bytes outside ASCII as `\ooo`), `method`, `user_known`, `port`, `host` (the logging host).
//! `user_known` is sshd's word: it also says "invalid user" of an account that exists and may not log in, except
//! where a "not allowed because" line told us better.
//!
//! `ssh_probe`, a connection without any attempt: `ip`, `what`, and where told `port`, `host`. `what` is one of
//! `no_identification`, `bad_protocol`, `negotiation` (no common algorithm), `preauth_close`, `reset`, `timeout`,
//! `reverse_mapping` (this one besides, not instead of, what else the connection did).
//!
//! # What counts as an attempt
//!
//! sshd tells one attempt in up to five lines, and how many depends on its version and log level. So lines are of
//! two ranks. *Accepted* and *Failed* lines are attempts, each by itself. The others are attempts only if no such
//! line follows or came before on the same connection, known by host and process id:
//! "Invalid user", "Failed none" (a client asking which methods there are), "not allowed because", "error: PAM:",
//! "maximum authentication attempts exceeded", and "closed by authenticating user". They matter: a client that
//! only offers keys is never logged as "Failed" at sshd's default log level.
//!
//! PAM's own lines of sshd ("authentication failure", "N more authentication failures") are not read: each stands for
//! failures that a Failed line, or rsyslog's "message repeated N times" around one, has told already.
//!
//! # Other programs
//!
//! Lines of Dovecot's login processes, of PAM for services whose own lines are not read, and of login(1) become `login` events
//! of the account pack, with the service as `protocol`: `program`, `dovecot`, `pam`. They need no connection, since each tells
//! its tries by itself. What has no address (a keyboard, sudo) makes no event.
//!
//! # Delay
//!
//! A line of the second rank is held until its connection ends, and at most [`Options::hold`] of log time. The
//! default is 120 s, sshd's own limit for logging in (`LoginGraceTime`). A tail on a log that has gone quiet calls
//! [`Reader::idle`] so that the hold ends without a further line.
//!
//! # Whom a line accuses
//!
//! User names and client texts in these lines are chosen by strangers, and may look like the end of another line.
//! What stands right of them is sshd's: addresses are read from the right end of the line. Where strangers' text
//! stands on both sides (certificates' key ids) and two addresses are possible, no event is made of the line.

mod connections;
mod dovecot;
mod header;
mod message;
mod pam;
mod program;
mod years;

#[cfg(test)]
mod tests;

use connections::{Connections, Seen};
use header::{Header, Stamp};
use message::Message;
use program::Said;
use wardroom_event::{Draft, LineIds, Micros, Span};
pub use years::YearPolicy;
use years::Years;

/// Longest line that is read, in bytes; a longer one is counted and dropped. sshd cuts its messages at 1 KiB.
pub const LINE_BYTES: usize = 8 * 1024;
/// Most events made of one "message repeated N times" line. sshd itself stops a connection after `MaxAuthTries`
/// (6 by default), so only a damaged line says more.
pub const REPEATS: u32 = 1000;

/// How to read a log.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which year the first line without one is of.
    pub year: YearPolicy,
    /// What the logging host's local time is ahead of UTC, in seconds. Used for stamps that name no zone. A zone
    /// with summer time is an hour wrong for a part of the year: let syslog write RFC 3339 stamps instead.
    pub utc_offset_secs: i32,
    /// Most connections remembered; the oldest leaves first, and what it held is told then.
    pub connections: usize,
    /// How long, in log time, a connection is remembered and a line may be held.
    pub hold: Span,
}

impl Options {
    /// UTC, 4,096 connections, 120 s.
    pub fn new(year: YearPolicy) -> Options {
        Options { year, utc_offset_secs: 0, connections: 4096, hold: Span::from_secs(120) }
    }
}

/// What became of the lines. Each line is in one of `used`, `ignored`, `other_program`, `unknown`, `no_address`,
/// `ambiguous`, `junk` and `too_long`; the rest are further counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines handed in.
    pub lines: u64,
    /// Events made.
    pub events: u64,
    /// Lines about attempts and connections.
    pub used: u64,
    /// Lines of sshd that say nothing an event needs, empty lines, and the journal's own remarks.
    pub ignored: u64,
    /// Lines of other programs.
    pub other_program: u64,
    /// Lines of sshd in a form not known here.
    pub unknown: u64,
    /// Attempts from something that is no address, such as a host name.
    pub no_address: u64,
    /// Lines in which two addresses are possible because of text that a stranger chose.
    pub ambiguous: u64,
    /// Lines that are not syslog.
    pub junk: u64,
    /// Lines over [`LINE_BYTES`].
    pub too_long: u64,
    /// Events more than lines, from "message repeated N times".
    pub repeated_expanded: u64,
    /// Repeats over [`REPEATS`] that were not made events.
    pub repeats_cut: u64,
    /// Connections forgotten early because too many were open at once.
    pub evicted: u64,
    /// Names cut to the event's limits.
    pub cut: u64,
    /// 29 February in a year that has none: read as 1 March, and a sign that the year given is wrong.
    pub misdated: u64,
}

/// Reads lines in the order written.
#[derive(Debug)]
pub struct Reader {
    years: Years,
    utc_offset_secs: i32,
    connections: Connections,
    ids: LineIds,
    /// Host and message of the line before, if it may be repeated by "last message repeated N times".
    last: Option<(String, String, String)>,
    /// The newest time read.
    newest: Option<Micros>,
    tally: Tally,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(options: Options) -> Reader {
        Reader {
            years: Years::new(options.year, options.utc_offset_secs),
            utc_offset_secs: options.utc_offset_secs,
            connections: Connections::new(options.connections, options.hold),
            ids: LineIds::new("account.authlog"),
            last: None,
            newest: None,
            tally: Tally::default(),
        }
    }

    /// Reads one line, with or without its line end. Adds to `out` what it and earlier held lines tell.
    ///
    /// Events come in the order in which they are certain, so a held one comes after younger ones.
    pub fn line(&mut self, line: &str, out: &mut Vec<Draft<'static>>) {
        let before = out.len();
        self.tally.lines += 1;
        self.read(line.trim_end_matches(['\n', '\r']), out);
        self.tally.events += (out.len() - before) as u64;
    }

    /// Tells what is held too long if `quiet` passed since the newest line without another one.
    pub fn idle(&mut self, quiet: Span, out: &mut Vec<Draft<'static>>) {
        let before = out.len();
        if let Some(newest) = self.newest {
            self.connections.expire(newest.plus(quiet), out);
        }
        self.tally.events += (out.len() - before) as u64;
    }

    /// The end of the input: tells everything still held. More lines may follow all the same.
    pub fn finish(&mut self, out: &mut Vec<Draft<'static>>) {
        let before = out.len();
        self.connections.finish(out);
        self.tally.events += (out.len() - before) as u64;
    }

    /// What became of the lines so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn read(&mut self, line: &str, out: &mut Vec<Draft<'static>>) {
        let last = self.last.take();
        if line.len() > LINE_BYTES {
            self.tally.too_long += 1;
            return;
        }
        // journalctl writes "-- Boot … --" and "-- Logs begin at … --" between the lines.
        if line.is_empty() || line.starts_with("-- ") {
            self.tally.ignored += 1;
            return;
        }
        let Some(header) = header::parse(line) else {
            self.tally.junk += 1;
            return;
        };
        let Some(time) = self.time(header.stamp) else {
            self.tally.junk += 1;
            return;
        };
        self.newest = self.newest.max(Some(time));
        self.connections.expire(time, out);
        if header.program.is_empty() {
            self.last_repeated(line, time, &header, last, out);
        } else if matches!(header.program, "sshd" | "sshd-session" | "sshd-auth") {
            self.sshd(line, time, &header, out);
        } else {
            self.other(line, time, &header, out);
        }
    }

    /// A line of another program, perhaps repeated.
    fn other(&mut self, line: &str, time: Micros, header: &Header<'_>, out: &mut Vec<Draft<'static>>) {
        let (times, text) = message::unwrap_repeated(header.message);
        let tried = match program::parse(header, text) {
            None => return self.tally.other_program += 1,
            Some(Said::Ignored) => return self.tally.ignored += 1,
            Some(Said::NoAddress) => return self.tally.no_address += 1,
            Some(Said::Ambiguous) => return self.tally.ambiguous += 1,
            Some(Said::Tried(tried)) => tried,
        };
        self.tally.used += 1;
        let told = self.bounded(times.saturating_mul(tried.times));
        let line = self.ids.line(line);
        out.extend((0..told).map(|repeat| program::event(&tried, time, line, repeat, &mut self.tally)));
    }

    /// At most so many repeats as are told, and counts the rest.
    fn bounded(&mut self, times: u32) -> u32 {
        let told = times.min(REPEATS);
        self.tally.repeats_cut += u64::from(times - told);
        self.tally.repeated_expanded += u64::from(told.saturating_sub(1));
        told
    }

    fn time(&mut self, stamp: Stamp) -> Option<Micros> {
        match stamp {
            Stamp::Exact(time) => Some(time),
            Stamp::Local(civil) => civil.utc(self.utc_offset_secs),
            Stamp::Yearless(civil) => {
                let (time, exact) = self.years.resolve(civil)?;
                self.tally.misdated += u64::from(!exact);
                Some(time)
            }
        }
    }

    /// A line of sshd, perhaps inside rsyslog's "message repeated N times: [ … ]".
    fn sshd(&mut self, line: &str, time: Micros, header: &Header<'_>, out: &mut Vec<Draft<'static>>) {
        let (times, text) = message::unwrap_repeated(header.message);
        let message = message::parse(text);
        if times == 1 && message.may_repeat() {
            self.last = Some((header.host.to_owned(), header.pid.to_owned(), text.to_owned()));
        }
        self.tell(line, time, header.host, header.pid, (times, &message), out);
    }

    /// BSD's and old syslogd's "last message repeated N times", which names neither program nor process.
    fn last_repeated(
        &mut self,
        line: &str,
        time: Micros,
        header: &Header<'_>,
        last: Option<(String, String, String)>,
        out: &mut Vec<Draft<'static>>,
    ) {
        match (last, message::last_repeated(header.message)) {
            (Some((host, pid, text)), Some(times)) if host == header.host => {
                let message = message::parse(&text);
                self.tell(line, time, &host, &pid, (times, &message), out);
                self.tally.repeated_expanded += u64::from(times > 0);
            }
            _ => self.tally.other_program += 1,
        }
    }

    fn tell(
        &mut self,
        line: &str,
        time: Micros,
        host: &str,
        pid: &str,
        (times, message): (u32, &Message<'_>),
        out: &mut Vec<Draft<'static>>,
    ) {
        match message {
            Message::Ignored => return self.tally.ignored += 1,
            Message::Unknown => return self.tally.unknown += 1,
            Message::NoAddress => return self.tally.no_address += 1,
            Message::Ambiguous => return self.tally.ambiguous += 1,
            _ => self.tally.used += 1,
        }
        let told = self.bounded(times);
        let line = self.ids.line(line);
        for repeat in 0..told {
            let seen = Seen { time, host, pid, line, repeat };
            self.connections.take(&seen, message, &mut self.tally, out);
        }
    }
}
