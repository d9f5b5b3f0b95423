// SPDX-License-Identifier: Apache-2.0
//! What a person sees on a terminal: colours where they are wanted, progress where it takes a while.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};
use wardroom_policy::Verdict;

/// Colours, or none.
#[derive(Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// Colours on standard output when a person reads it and has not asked for none (<https://no-color.org>).
    pub(crate) fn stdout() -> Paint {
        Paint { on: std::io::stdout().is_terminal() && wants_colour() }
    }

    /// No colours.
    #[cfg(test)]
    pub(crate) fn none() -> Paint {
        Paint { on: false }
    }

    /// As [`Paint::stdout`], for standard error.
    pub(crate) fn stderr() -> Paint {
        Paint { on: std::io::stderr().is_terminal() && wants_colour() }
    }

    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// A verdict in the colour of its strength, padded to eleven columns.
    pub(crate) fn verdict(self, verdict: Verdict) -> String {
        let code = match verdict {
            Verdict::Allow => "32",
            Verdict::Limit => "36",
            Verdict::Challenge => "33",
            Verdict::Review => "35",
            Verdict::Block => "31",
        };
        self.with(code, &format!("{verdict:<10}"))
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the edge where the environment is read")]
fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// A line on standard error that says how far something is; silent in the first second and where no person reads it.
pub(crate) struct Progress {
    what: &'static str,
    began: Instant,
    shown: Option<Instant>,
    on: bool,
}

impl Progress {
    pub(crate) fn new(what: &'static str) -> Progress {
        Progress { what, began: Instant::now(), shown: None, on: std::io::stderr().is_terminal() }
    }

    /// Says that `done` of `all` is done; nothing where `all` is not known, and 0.
    pub(crate) fn at(&mut self, done: u64, all: u64) {
        let last = self.shown.unwrap_or(self.began);
        let due = if self.shown.is_some() { Duration::from_millis(100) } else { Duration::from_secs(1) };
        if !self.on || all == 0 || last.elapsed() < due {
            return;
        }
        self.shown = Some(Instant::now());
        let share = done as f64 * 100.0 / all as f64;
        let _ = write!(std::io::stderr(), "\r{} {share:.0} %\u{1b}[K", self.what);
    }

    /// Says for how long it has been going on, where nobody knows how far it is.
    pub(crate) fn waits(&mut self) {
        let secs = self.began.elapsed().as_secs();
        if self.on && secs > 0 {
            self.shown = Some(Instant::now());
            let _ = write!(std::io::stderr(), "\r{} {secs} s\u{1b}[K", self.what);
        }
    }

    /// Takes the line away.
    pub(crate) fn finish(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The size of the terminal on standard output: columns, rows.
pub(crate) fn size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(s) if s.ws_col > 0 && s.ws_row > 0 => (s.ws_col.into(), s.ws_row.into()),
        _ => (100, 30),
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A length of time for people: `3d 4h`, `12m 5s`.
pub(crate) fn lasting(secs: u64) -> String {
    let parts = [(secs / 86_400, "d"), (secs / 3600 % 24, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")];
    let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(3);
    parts[first..].iter().take(2).map(|(n, unit)| format!("{n}{unit}")).collect::<Vec<_>>().join(" ")
}

/// Text of a stranger as one line that moves no cursor: characters that control a terminal, turn the direction of text or
/// hide are written as their number.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hides = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || hides { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// Text of several lines that a server made, as a terminal may have it: lines stay lines, each as [`one_line`] has it.
pub(crate) fn printable(text: &str) -> String {
    text.lines().map(one_line).collect::<Vec<_>>().join("\n")
}

/// At most `most` characters of a line, the cut marked.
pub(crate) fn fit(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(1)).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_two_units() {
        let check = |secs, expect| assert_eq!(lasting(secs), expect);
        check(0, "0s");
        check(61, "1m 1s");
        check(3600, "1h 0m");
        check(90_061, "1d 1h");
    }

    #[test]
    fn numbers_are_grouped_and_lines_fit() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(fit("äöü", 3), "äöü");
        assert_eq!(fit("äöüß", 3), "äö…");
    }

    #[test]
    fn what_would_act_on_a_terminal_is_written_out() {
        assert_eq!(one_line("grün 漢 \u{1f600}"), "grün 漢 \u{1f600}");
        assert_eq!(one_line("a\u{1b}[2J\u{9b}\n\u{202e}b"), r"a\u{1b}[2J\u{9b}\u{a}\u{202e}b");
    }
}
