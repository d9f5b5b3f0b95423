// SPDX-License-Identifier: Apache-2.0
//! What came over a connection and is not yet used.

/// Bytes in the order they came.
#[derive(Debug, Default)]
pub(super) struct Heard {
    bytes: Vec<u8>,
    /// How many of them are used.
    at: usize,
    /// Up to where the present search has looked, so that a line that comes byte by byte is not searched anew each time.
    looked: usize,
}

impl Heard {
    /// Takes more.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.at == self.bytes.len() {
            self.bytes.clear();
            (self.at, self.looked) = (0, 0);
        } else if self.at > self.bytes.len() / 2 {
            self.bytes.drain(..self.at);
            self.looked = self.looked.saturating_sub(self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What is not yet used.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// Uses so many bytes, or all there are.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.bytes.len().min(self.at + count);
        self.looked = self.at;
    }

    /// Uses up to so many bytes.
    pub(super) fn take(&mut self, most: usize) -> &[u8] {
        let from = self.at;
        self.skip(most);
        &self.bytes[from..self.at]
    }

    /// Uses a line, and gives it without its end.
    pub(super) fn line(&mut self, most: usize) -> Result<Option<&[u8]>, TooLong> {
        let found = memchr::memchr(b'\n', &self.bytes[self.looked..]).map(|n| self.looked + n);
        let Some(end) = found else {
            self.looked = self.bytes.len();
            return if self.rest().len() > most { Err(TooLong) } else { Ok(None) };
        };
        let from = self.at;
        if end - from > most {
            return Err(TooLong);
        }
        self.skip(end + 1 - from);
        let line = &self.bytes[from..end];
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

/// A line is longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_however_they_come_in() {
        let text = b"one\r\ntwo\n\r\nthree\n";
        for step in 1..text.len() {
            let (mut heard, mut lines) = (Heard::default(), Vec::new());
            for piece in text.chunks(step) {
                heard.push(piece);
                while let Some(line) = heard.line(5).unwrap() {
                    lines.push(String::from_utf8(line.to_vec()).unwrap());
                }
            }
            assert_eq!(lines, ["one", "two", "", "three"], "in steps of {step}");
            assert!(heard.rest().is_empty());
        }
    }

    #[test]
    fn a_line_that_does_not_end_is_too_long_at_some_point() {
        let mut heard = Heard::default();
        heard.push(b"abcdef");
        assert_eq!(heard.line(6), Ok(None));
        heard.push(b"g");
        assert_eq!(heard.line(6), Err(TooLong));
    }
}
