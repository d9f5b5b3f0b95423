// SPDX-License-Identifier: Apache-2.0
//! Lines of web servers' access logs → `http_request` events.
//!
//! The way of a line: `line` (which part is what) → `escape` (the logger's escapes undone) → draft. Read are the common
//! and combined log formats of Apache, nginx and those who write alike, with the virtual host in front or without,
//! and with further fields after the ones known:
//!
//! ```text
//! [vhost[:port] ]client ident user [17/May/2026:10:05:03 +0000] "GET /a?b HTTP/1.1" 200 5120["referrer" "user agent"…]
//! ```
//!
//! # Event
//!
//! `http_request`: `ip`, `status`, and where the line tells them `method`, `path` (up to `?`, with `%` escapes as sent;
//! a proxy request's whole URL), `query` (after `?`), `bytes`, `referrer`, `user_agent`, `host` (virtual host, without
//! port), `user` (the authenticated user; bogus if the status is 401). A request that is not HTTP has neither `method`
//! nor `path`. `-` and an empty field are the same: absent.
//!
//! # What a stranger can and cannot write
//!
//! The client's address stands at the left end, before anything a client chooses, and the request begins at the
//! first quote that follows a time stamp: servers escape quotes inside fields. A virtual host in front may come from
//! the request's `Host` header (nginx's `$host`); it is taken for one only if an address follows it. In a log *without*
//! virtual hosts the first word is always the client.
//!
//! Servers escape quotes, backslashes and bytes that are not printable (`\"`, `\\`, `\xHH`). Escapes are undone, so a field
//! is what the client sent, with bytes that are not UTF-8 replaced by U+FFFD. That includes line ends and terminal
//! sequences: whoever shows a field treats it as a stranger's text.

mod escape;
mod line;

#[cfg(test)]
mod tests;

use line::{Fault, Parts};
use std::borrow::Cow;
use wardroom_event::{Draft, LineIds, Raw, limits};

/// Longest line that is read, in bytes; a longer one is counted and dropped. Servers take 8 KiB for the request line and
/// for each header by default, and write a byte as up to four, so an honest line, and a hostile one, fits.
pub const LINE_BYTES: usize = 128 * 1024;

/// What became of the lines. Each line is in one of `used`, `ignored`, `no_address`, `junk` and `too_long`; the rest are
/// further counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines handed in.
    pub lines: u64,
    /// Events made.
    pub events: u64,
    /// Lines of which an event was made.
    pub used: u64,
    /// Empty lines, and `#` comments as W3C-style loggers write.
    pub ignored: u64,
    /// Requests from something that is no address, such as a host name.
    pub no_address: u64,
    /// Lines in no form known here.
    pub junk: u64,
    /// Lines over [`LINE_BYTES`].
    pub too_long: u64,
    /// Requests that are not HTTP, such as a TLS greeting on a plain port.
    pub garbage_requests: u64,
    /// Lines that end within a quoted field, as when a disk was full.
    pub unterminated: u64,
    /// Texts cut to the event's limits.
    pub cut: u64,
}

/// Reads lines in the order written.
#[derive(Debug)]
pub struct Reader {
    ids: LineIds,
    tally: Tally,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::new()
    }
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new() -> Reader {
        Reader { ids: LineIds::new("flood.accesslog"), tally: Tally::default() }
    }

    /// Reads one line, with or without its line end, and adds its event to `out`.
    pub fn line(&mut self, line: &str, out: &mut Vec<Draft<'static>>) {
        self.tally.lines += 1;
        let line = line.trim_end_matches(['\n', '\r']);
        if line.len() > LINE_BYTES {
            self.tally.too_long += 1;
        } else if line.is_empty() || line.starts_with('#') {
            self.tally.ignored += 1;
        } else {
            match line::parse(line) {
                Ok(parts) => out.push(self.draft(line, &parts)),
                Err(Fault::NoAddress) => self.tally.no_address += 1,
                Err(Fault::Junk) => self.tally.junk += 1,
            }
        }
    }

    /// The end of the input. Nothing is held, so nothing is added.
    pub fn finish(&mut self, _out: &mut Vec<Draft<'static>>) {}

    /// What became of the lines so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn draft(&mut self, line: &str, parts: &Parts<'_>) -> Draft<'static> {
        self.tally.events += 1;
        self.tally.used += 1;
        self.tally.unterminated += u64::from(parts.unterminated);
        let mut fields = Fields { list: Vec::with_capacity(10), cut: 0 };
        fields.list.push(("ip".into(), Raw::Text(parts.ip.to_string().into())));
        match line::request(parts.request) {
            Some(request) => {
                fields.plain("method", Some(request.method));
                fields.escaped("path", Some(request.path), limits::TEXT_BYTES);
                fields.escaped("query", request.query, limits::TEXT_BYTES);
            }
            // `-`: the server had no request to log, as when the client only connected.
            None => self.tally.garbage_requests += u64::from(!matches!(parts.request, "" | "-")),
        }
        fields.list.push(("status".into(), Raw::Int(parts.status)));
        fields.list.extend(parts.bytes.map(|bytes| ("bytes".into(), Raw::Int(bytes))));
        fields.escaped("referrer", parts.referrer, limits::TEXT_BYTES);
        fields.escaped("user_agent", parts.user_agent, limits::TEXT_BYTES);
        fields.plain("host", parts.host);
        fields.escaped("user", parts.user, limits::ENTITY_BYTES);
        self.tally.cut += fields.cut;
        let id = self.ids.line(line).event(0);
        Draft {
            kind: "http_request".into(),
            source: None,
            id: Some(id.into()),
            time: Some(parts.time),
            fields: fields.list,
            prefix: "",
        }
    }
}

/// An event's fields as they are put together.
struct Fields {
    list: Vec<(Cow<'static, str>, Raw<'static>)>,
    /// How many were cut.
    cut: u64,
}

impl Fields {
    /// A text without escapes; absent stays absent.
    fn plain(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.push(name, text.into(), limits::TEXT_BYTES);
        }
    }

    /// A text as the logger wrote it; `-` and nothing are absent.
    fn escaped(&mut self, name: &'static str, text: Option<&str>, most: usize) {
        if let Some(text) = text.filter(|text| !matches!(*text, "" | "-")) {
            self.push(name, escape::undo(text), most);
        }
    }

    /// At most `most` bytes, cut between characters.
    fn push(&mut self, name: &'static str, text: Cow<'_, str>, most: usize) {
        let end = text.floor_char_boundary(most);
        self.cut += u64::from(end < text.len());
        self.list.push((name.into(), Raw::Text(Cow::Owned(text[..end].to_owned()))));
    }
}
