// SPDX-License-Identifier: Apache-2.0
//! Lines to drafts: one reader a format, with what it understood and what it passed over.

use crate::cli::{Format, Replay};
use crate::failure::Usage;
use crate::terminal::one_line;
use anyhow::Result;
use serde_json::{Value as Json, json};
use wardroom_account::authlog;
use wardroom_event::{Draft, Micros, Span, limits};
use wardroom_flood::accesslog;

/// Drafts gathered before they are judged together.
const GATHER: usize = 256;
/// Faulty NDJSON lines that are told, each with its line; the rest is counted.
const FAULTS_TOLD: usize = 10;

/// What was read and is not yet judged.
pub(crate) enum Read {
    /// A log reader's draft.
    Draft(Draft<'static>),
    /// A line of NDJSON with its number: it is taken apart where its event is typed.
    Json(u64, String),
}

/// A reader of one format.
pub(crate) struct Source {
    reader: Reader,
    read: Vec<Read>,
    drafts: Vec<Draft<'static>>,
}

enum Reader {
    Auth(Box<authlog::Reader>),
    Access(Box<accesslog::Reader>),
    Ndjson(Ndjson),
}

/// What became of NDJSON lines.
#[derive(Default)]
pub(crate) struct Ndjson {
    lines: u64,
    empty: u64,
    too_long: u64,
    pub(crate) faulty: u64,
    /// The first of them in the order of lines, each with its number.
    told: Vec<(u64, String)>,
}

impl Ndjson {
    /// Notes a line whose event was refused.
    pub(crate) fn refuse(&mut self, number: u64, why: String) {
        self.faulty += 1;
        // A line that is too long is known before the ones ahead of it are judged.
        let at = self.told.partition_point(|(n, _)| *n <= number);
        if at < FAULTS_TOLD {
            self.told.insert(at, (number, one_line(&why)));
            self.told.truncate(FAULTS_TOLD);
        }
    }
}

impl Source {
    /// A reader for `format`; `modified` is when the file was last written.
    pub(crate) fn new(format: Format, args: &Replay, modified: Micros) -> Result<Source> {
        let reader = match format {
            Format::Auth => {
                let year = match (args.year, args.follow) {
                    (Some(year), _) => authlog::YearPolicy::FirstLine(year),
                    (None, true) => authlog::YearPolicy::Following(modified),
                    (None, false) => authlog::YearPolicy::Ended(modified),
                };
                let options = authlog::Options {
                    utc_offset_secs: offset(&args.offset)?,
                    ..authlog::Options::new(year)
                };
                Reader::Auth(Box::new(authlog::Reader::new(options)))
            }
            Format::Access => Reader::Access(Box::new(accesslog::Reader::new())),
            Format::Ndjson => Reader::Ndjson(Ndjson::default()),
        };
        Ok(Source { reader, read: Vec::new(), drafts: Vec::new() })
    }

    /// Longest line worth reading.
    pub(crate) fn line_bytes(&self) -> usize {
        match self.reader {
            Reader::Auth(_) => authlog::LINE_BYTES,
            Reader::Access(_) => accesslog::LINE_BYTES,
            Reader::Ndjson(_) => limits::EVENT_BYTES,
        }
    }

    pub(crate) fn line(&mut self, text: &str, number: u64, cut: bool) {
        match &mut self.reader {
            Reader::Auth(reader) => reader.line(text, &mut self.drafts),
            Reader::Access(reader) => reader.line(text, &mut self.drafts),
            Reader::Ndjson(tally) => {
                tally.lines += 1;
                if text.trim().is_empty() {
                    tally.empty += 1;
                } else if cut {
                    tally.too_long += 1;
                    tally.refuse(number, format!("longer than {} bytes", limits::EVENT_BYTES));
                } else {
                    self.read.push(Read::Json(number, text.to_owned()));
                }
            }
        }
        self.read.extend(self.drafts.drain(..).map(Read::Draft));
    }

    /// Nothing was written for this long: what a reader held back in hope of another line can go.
    pub(crate) fn idle(&mut self, quiet: Span) {
        if let Reader::Auth(reader) = &mut self.reader {
            reader.idle(quiet, &mut self.drafts);
        }
        self.read.extend(self.drafts.drain(..).map(Read::Draft));
    }

    /// No more lines will come.
    pub(crate) fn finish(&mut self) {
        match &mut self.reader {
            Reader::Auth(reader) => reader.finish(&mut self.drafts),
            Reader::Access(reader) => reader.finish(&mut self.drafts),
            Reader::Ndjson(_) => {}
        }
        self.read.extend(self.drafts.drain(..).map(Read::Draft));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.read.len() >= GATHER
    }

    pub(crate) fn take(&mut self) -> Vec<Read> {
        std::mem::take(&mut self.read)
    }

    /// Notes an NDJSON line whose event was refused.
    pub(crate) fn refuse(&mut self, number: u64, why: String) {
        if let Reader::Ndjson(tally) = &mut self.reader {
            tally.refuse(number, why);
        }
    }

    /// What was understood, as JSON.
    pub(crate) fn tally_json(&self) -> Json {
        match &self.reader {
            Reader::Auth(r) => {
                let t = r.tally();
                json!({
                    "lines": t.lines, "events": t.events, "used": t.used, "ignored": t.ignored,
                    "other_program": t.other_program, "unknown": t.unknown, "no_address": t.no_address,
                    "ambiguous": t.ambiguous, "junk": t.junk, "too_long": t.too_long,
                    "repeated_expanded": t.repeated_expanded, "misdated": t.misdated,
                })
            }
            Reader::Access(r) => {
                let t = r.tally();
                json!({
                    "lines": t.lines, "events": t.events, "used": t.used, "ignored": t.ignored,
                    "no_address": t.no_address, "junk": t.junk, "too_long": t.too_long,
                    "garbage_requests": t.garbage_requests, "unterminated": t.unterminated,
                })
            }
            Reader::Ndjson(t) => json!({
                "lines": t.lines, "empty": t.empty, "too_long": t.too_long, "faulty": t.faulty,
            }),
        }
    }

    /// What was understood, as a sentence.
    pub(crate) fn tally_text(&self) -> String {
        let Json::Object(counts) = self.tally_json() else {
            return String::new();
        };
        let parts = counts.iter().filter(|(name, n)| n.as_u64() != Some(0) || *name == "junk");
        let parts: Vec<String> = parts.map(|(name, n)| format!("{n} {}", name.replace('_', " "))).collect();
        parts.join(", ")
    }

    /// The first faults of NDJSON lines.
    pub(crate) fn faults(&self) -> Vec<String> {
        match &self.reader {
            Reader::Ndjson(tally) => tally.told.iter().map(|(n, why)| format!("line {n}: {why}")).collect(),
            _ => Vec::new(),
        }
    }
}

/// `+02:00` in seconds.
fn offset(text: &str) -> Result<i32> {
    let wrong = || Usage(format!("--offset is written +HH:MM or -HH:MM; this is `{text}`"));
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong().into()),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
    let (hours, minutes): (i32, i32) =
        (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
    if !(0..=14).contains(&hours) || !(0..60).contains(&minutes) {
        return Err(wrong().into());
    }
    Ok(sign * (hours * 3600 + minutes * 60))
}

/// Tries the readers on the first lines: the one that understands a line of them.
pub(crate) fn sniff(head: &str) -> Option<Format> {
    let lines: Vec<&str> = head.lines().filter(|l| !l.trim().is_empty()).take(20).collect();
    if lines.first()?.trim_start().starts_with('{') {
        return Some(Format::Ndjson);
    }
    let mut access = accesslog::Reader::new();
    let mut auth = authlog::Reader::new(authlog::Options::new(authlog::YearPolicy::FirstLine(2000)));
    let mut drafts = Vec::new();
    for line in &lines {
        access.line(line, &mut drafts);
        auth.line(line, &mut drafts);
    }
    let (a, b) = (access.tally().junk + access.tally().too_long, auth.tally().junk + auth.tally().too_long);
    let n = lines.len() as u64;
    match () {
        () if a < n && a <= b => Some(Format::Access),
        () if b < n => Some(Format::Auth),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_seen() {
        let check = |head: &str, expect| assert_eq!(sniff(head), expect, "{head}");
        check("{\"type\":\"login\"}\n", Some(Format::Ndjson));
        check("Mar 27 13:06:56 host sshd[1291]: Server listening on :: port 22.\n", Some(Format::Auth));
        check(
            "192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n",
            Some(Format::Access),
        );
        check("once upon a time\n", None);
        check("", None);
    }

    #[test]
    fn offsets_are_read() {
        assert_eq!(offset("+02:30").unwrap(), 9000);
        assert_eq!(offset("-05:00").unwrap(), -18_000);
        for wrong in ["", "2", "+2", "+15:00", "+01:60", "02:00", "+é:00"] {
            assert!(offset(wrong).is_err(), "{wrong}");
        }
    }
}
