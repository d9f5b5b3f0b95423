// SPDX-License-Identifier: Apache-2.0
//! A byte stream as lines of bounded length: an overlong line is skipped to its end, holding none of it.

use bytes::{Buf, Bytes, BytesMut};

/// One line of the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its number, from 1; empty lines count too.
    pub(crate) number: u64,
    /// Its text without the line's end; `None` where it was longer than allowed.
    pub(crate) text: Option<Bytes>,
}

/// Cuts pieces into lines. Feed a piece only when [`Lines::next`] has no more.
pub(crate) struct Lines {
    most: usize,
    piece: Bytes,
    /// The beginning of a line whose end has not arrived.
    begun: BytesMut,
    /// The line that has begun is too long; the rest of it is thrown away.
    skipping: bool,
    number: u64,
}

impl Lines {
    pub(crate) fn new(most: usize) -> Lines {
        Lines { most, piece: Bytes::new(), begun: BytesMut::new(), skipping: false, number: 0 }
    }

    /// Adds what arrived next.
    pub(crate) fn feed(&mut self, piece: Bytes) {
        debug_assert!(self.piece.is_empty(), "the piece before is not used up");
        self.piece = piece;
    }

    /// The next line that is not empty, as far as it has arrived.
    pub(crate) fn next(&mut self) -> Option<Line> {
        loop {
            let Some(end) = memchr::memchr(b'\n', &self.piece) else {
                let rest = std::mem::take(&mut self.piece);
                self.begin(&rest);
                return None;
            };
            let head = self.piece.split_to(end);
            self.piece.advance(1);
            if let Some(line) = self.complete(head) {
                return Some(line);
            }
        }
    }

    /// The last line, where it has no end of its own.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        self.complete(Bytes::new())
    }

    /// Forgets what has arrived and not been taken.
    pub(crate) fn clear(&mut self) {
        self.piece = Bytes::new();
        self.begun = BytesMut::new();
        self.skipping = false;
    }

    fn begin(&mut self, rest: &[u8]) {
        if self.skipping || rest.is_empty() {
            return;
        }
        // One byte more than allowed may be the carriage return before a line's end.
        if self.begun.len() + rest.len() > self.most + 1 {
            self.begun = BytesMut::new();
            self.skipping = true;
        } else {
            self.begun.extend_from_slice(rest);
        }
    }

    fn complete(&mut self, tail: Bytes) -> Option<Line> {
        self.number += 1;
        let number = self.number;
        let text = if std::mem::take(&mut self.skipping) {
            None
        } else if self.begun.is_empty() {
            trimmed(tail, self.most)
        } else if self.begun.len() + tail.len() > self.most + 1 {
            self.begun = BytesMut::new();
            None
        } else {
            self.begun.extend_from_slice(&tail);
            trimmed(self.begun.split().freeze(), self.most)
        };
        let empty = text.as_ref().is_some_and(|t| t.trim_ascii().is_empty());
        (!empty).then_some(Line { number, text })
    }
}

fn trimmed(mut text: Bytes, most: usize) -> Option<Bytes> {
    if text.last() == Some(&b'\r') {
        text.truncate(text.len() - 1);
    }
    (text.len() <= most).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of `input` fed in pieces of `size` bytes.
    fn cut(input: &str, size: usize, most: usize) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::new(most);
        let mut out = Vec::new();
        let mut take =
            |line: Line| out.push((line.number, line.text.map(|t| String::from_utf8(t.to_vec()).unwrap())));
        for piece in input.as_bytes().chunks(size) {
            lines.feed(Bytes::copy_from_slice(piece));
            while let Some(line) = lines.next() {
                take(line);
            }
        }
        if let Some(line) = lines.finish() {
            take(line);
        }
        out
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let check = |input: &str, most: usize, expect: &[(u64, Option<&str>)]| {
            for size in 1..=input.len().max(1) {
                let got = cut(input, size, most);
                let got: Vec<_> = got.iter().map(|(n, t)| (*n, t.as_deref())).collect();
                assert_eq!(got, expect, "{input:?} in pieces of {size}");
            }
        };
        check("", 4, &[]);
        check("a", 4, &[(1, Some("a"))]);
        check("a\nbb\n", 4, &[(1, Some("a")), (2, Some("bb"))]);
        check("a\r\n\r\n \n\nb", 4, &[(1, Some("a")), (5, Some("b"))]);
        check("abcd\nabcde\nf\n", 4, &[(1, Some("abcd")), (2, None), (3, Some("f"))]);
        check("abcd\r\nabcde\r\nabcdefghijklm\r\n", 4, &[(1, Some("abcd")), (2, None), (3, None)]);
        check("abcdefghij", 4, &[(1, None)]);
        check("abcdef", 4, &[(1, None)]);
    }

    #[test]
    fn an_overlong_line_is_not_held() {
        let mut lines = Lines::new(4);
        for _ in 0..1000 {
            lines.feed(Bytes::from_static(b"xxxxxxxxxx"));
            assert_eq!(lines.next(), None);
            assert!(lines.begun.len() <= 5);
        }
        lines.feed(Bytes::from_static(b"\nok\n"));
        assert_eq!(lines.next(), Some(Line { number: 1, text: None }));
        assert_eq!(lines.next(), Some(Line { number: 2, text: Some(Bytes::from_static(b"ok")) }));
    }
}
