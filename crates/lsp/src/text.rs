// SPDX-License-Identifier: Apache-2.0
//! Places in a text as clients say them: a line, and a column in UTF-16 units or in bytes.

use lsp_types::{Position, PositionEncodingKind, Range};
use wardroom_report::Loc;

/// What a client counts columns in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    #[default]
    Utf16,
}

impl Encoding {
    /// The better of those that a client knows: bytes, if it knows them.
    pub(crate) fn chosen(offered: Option<&[PositionEncodingKind]>) -> Encoding {
        let utf8 = offered.is_some_and(|kinds| kinds.contains(&PositionEncodingKind::UTF8));
        if utf8 { Encoding::Utf8 } else { Encoding::Utf16 }
    }

    pub(crate) fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    /// How long a text is.
    pub(crate) fn len(self, text: &str) -> u32 {
        let count = match self {
            Encoding::Utf8 => text.len(),
            Encoding::Utf16 => text.encode_utf16().count(),
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// A text with the places of its lines. A line ends with `\n`, `\r\n` or a `\r` alone.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str, encoding: Encoding) -> Lines<'t> {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, b)| match b {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Lines { text, starts, encoding }
    }

    /// The line a byte is in, and its place in it.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let before = &self.text[self.starts[line]..offset];
        Position::new(u32::try_from(line).unwrap_or(u32::MAX), self.encoding.len(before))
    }

    /// The byte at a place. One past the end of a line is its end, one past the end of the text is that.
    pub(crate) fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).copied() else { return self.text.len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let content = self.text[start..end].trim_end_matches(['\n', '\r']);
        let mut left = position.character as usize;
        for (at, c) in content.char_indices() {
            let width = match self.encoding {
                Encoding::Utf8 => c.len_utf8(),
                Encoding::Utf16 => c.len_utf16(),
            };
            // Within a character is before it.
            if left < width {
                return start + at;
            }
            left -= width;
        }
        start + content.len()
    }

    pub(crate) fn range(&self, range: std::ops::Range<usize>) -> Range {
        Range::new(self.position(range.start), self.position(range.end))
    }

    pub(crate) fn of_loc(&self, loc: Loc) -> Range {
        self.range(loc.start as usize..loc.end as usize)
    }

    /// The bytes of a range, whichever of its ends comes first.
    pub(crate) fn bytes(&self, range: Range) -> std::ops::Range<usize> {
        let (a, b) = (self.offset(range.start), self.offset(range.end));
        a.min(b)..a.max(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_are_counted_as_the_client_counts() {
        let text = "aé𝐀b\r\nx\ry\n";
        let check = |encoding, offset: usize, line: u32, character: u32| {
            let lines = Lines::of(text, encoding);
            assert_eq!(lines.position(offset), Position::new(line, character), "{offset}");
            assert_eq!(lines.offset(Position::new(line, character)), offset, "{line}:{character}");
        };
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            check(encoding, 0, 0, 0);
            check(encoding, 1, 0, 1);
            check(encoding, 10, 1, 0);
            check(encoding, 12, 2, 0);
            check(encoding, 14, 3, 0);
        }
        check(Encoding::Utf8, 7, 0, 7);
        check(Encoding::Utf16, 7, 0, 4);
        check(Encoding::Utf16, 8, 0, 5);
        let lines = Lines::of(text, Encoding::Utf16);
        assert_eq!(lines.offset(Position::new(0, 3)), 3, "within a pair");
        assert_eq!(lines.offset(Position::new(0, 99)), 8, "past the end of a line");
        assert_eq!(lines.offset(Position::new(99, 0)), text.len());
    }

    proptest! {
        #[test]
        fn there_and_back(text in "[a-cé𝐀\\n\\r]{0,40}", at in 0usize..60, utf8: bool) {
            let encoding = if utf8 { Encoding::Utf8 } else { Encoding::Utf16 };
            let lines = Lines::of(&text, encoding);
            let at = text.floor_char_boundary(at.min(text.len()));
            // Between the two characters that end a line there is no place.
            prop_assume!(!(text[..at].ends_with('\r') && text[at..].starts_with('\n')));
            prop_assert_eq!(lines.offset(lines.position(at)), at);
        }
    }
}
