// SPDX-License-Identifier: Apache-2.0
//! Lists as they come: `HASH:COUNT`, `HASH` alone, or passwords, one a line; any line end, any order.
//!
//! What is wrong with a line is told by its number and never by its content, which may be a password.

use super::error::BreachError;
use super::hash::{Hash, Kind, Sha1};
use super::limits::{BAD_LINES, LINE_BYTES};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A list to read.
pub struct List {
    name: String,
    from: BufReader<Box<dyn Read>>,
}

impl List {
    /// A file.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> Result<List, BreachError> {
        let file = File::open(path).map_err(BreachError::io("cannot open the list", path))?;
        Ok(List::of(path.display().to_string(), file))
    }

    /// Whatever can be read, under a name.
    pub fn of(name: String, from: impl Read + 'static) -> List {
        List { name, from: BufReader::with_capacity(1 << 20, Box::new(from)) }
    }
}

/// Why a line is not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Long,
    Digits(usize, Kind),
    NotHex,
    Count,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Long => write!(f, "it is longer than {LINE_BYTES} bytes"),
            Why::Digits(found, kind) => {
                write!(
                    f,
                    "{found} digits before the colon, and a hash ({}) has {}",
                    kind.name(),
                    kind.bytes() * 2
                )
            }
            Why::NotHex => f.write_str("not all before the colon are hexadecimal digits"),
            Why::Count => f.write_str("what is after the colon is no count"),
        }
    }
}

/// A line that is not right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The list's name.
    list: String,
    /// The line's number, from 1.
    line: u64,
    why: Why,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.list, self.line, self.why)
    }
}

/// Lines that are not right: the first ones told, the others counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadLines {
    /// The first of them.
    pub told: Vec<BadLine>,
    /// How many there are.
    pub count: u64,
}

impl BadLines {
    fn add(&mut self, list: &str, line: u64, why: Why) {
        self.count += 1;
        if self.told.len() < BAD_LINES {
            self.told.push(BadLine { list: list.to_owned(), line, why });
        }
    }
}

impl fmt::Display for BadLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = if self.count == 1 { "line is" } else { "lines are" };
        write!(f, "{} {lines} not right, and nothing is built:", self.count)?;
        self.told.iter().try_for_each(|line| write!(f, "\n  {line}"))?;
        match self.count - self.told.len() as u64 {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// How the lines of a list are to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) kind: Kind,
    /// They are passwords, not hashes.
    pub(super) plain: bool,
}

impl Reading {
    /// What a line says; none where it says nothing. A count of 0 is padding.
    fn line(self, line: &[u8]) -> Result<Option<(Hash, u32)>, Why> {
        if self.plain {
            return Ok((!line.is_empty()).then(|| (Sha1::of(line).hash(), 1)));
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (digits, count) = match colon {
            Some(at) => (&line[..at], count(&line[at + 1..])?),
            None => (line, 1),
        };
        if digits.len() != self.kind.bytes() * 2 {
            return Err(Why::Digits(digits.len(), self.kind));
        }
        let hash = Hash::from_hex(digits, self.kind).ok_or(Why::NotHex)?;
        Ok((count > 0).then_some((hash, count)))
    }
}

/// A count; what is beyond four thousand million is that.
fn count(text: &[u8]) -> Result<u32, Why> {
    let text = text.trim_ascii();
    let digits = !text.is_empty() && text.len() <= 20 && text.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text).ok().filter(|_| digits).ok_or(Why::Count)?;
    Ok(number.parse::<u64>().map_or(u32::MAX, |number| u32::try_from(number).unwrap_or(u32::MAX)))
}

/// Reads a list to its end. `take` gets each hash; it is called for a line without one as well, with none. Gives the
/// number of lines.
pub(super) fn read(
    list: List,
    reading: Reading,
    bad: &mut BadLines,
    mut take: impl FnMut(Option<(Hash, u32)>) -> Result<(), BreachError>,
) -> Result<u64, BreachError> {
    let List { name, mut from } = list;
    let mut line = Vec::with_capacity(LINE_BYTES);
    for number in 1.. {
        line.clear();
        let long = match next(&mut from, &mut line) {
            Ok(Some(long)) => long,
            Ok(None) => return Ok(number - 1),
            Err(e) => return Err(BreachError::io("cannot read the list", Path::new(&name))(e)),
        };
        let text = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
        let said = if long { Err(Why::Long) } else { reading.line(text) };
        match said {
            Ok(hash) => take(hash)?,
            Err(why) => {
                bad.add(&name, number, why);
                take(None)?;
            }
        }
    }
    Ok(0)
}

/// Reads a line without its end; none at the end of all. Tells whether it was too long, in which case it is cut.
fn next(from: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<Option<bool>> {
    let read = from.by_ref().take(LINE_BYTES as u64 + 2).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(None);
    }
    let ended = line.pop_if(|byte| *byte == b'\n').is_some();
    line.pop_if(|byte| *byte == b'\r');
    let mut long = line.len() > LINE_BYTES;
    if !ended && read == LINE_BYTES + 2 {
        long |= from.skip_until(b'\n')? > 0;
    }
    Ok(Some(long))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";

    fn all(text: &[u8], reading: Reading) -> (Vec<(Hash, u32)>, Vec<String>, u64) {
        let (mut found, mut bad) = (Vec::new(), BadLines::default());
        let list = List::of("list".to_owned(), std::io::Cursor::new(text.to_vec()));
        let lines = read(list, reading, &mut bad, |hash| {
            found.extend(hash);
            Ok(())
        });
        (found, bad.told.iter().map(ToString::to_string).collect(), lines.unwrap())
    }

    #[test]
    fn lines_say_a_hash_or_what_is_wrong() {
        let check = |line: &str, expect: Result<Option<u32>, &str>| {
            let (found, bad, lines) = all(line.as_bytes(), Reading { kind: Kind::Sha1, plain: false });
            assert_eq!(lines, 1, "{line}");
            match expect {
                Ok(count) => {
                    assert_eq!(found.first().map(|(_, count)| *count), count, "{line}");
                    assert!(bad.is_empty() && found.iter().all(|(h, _)| *h == Sha1::of(b"password").hash()));
                }
                Err(words) => assert!(found.is_empty() && bad[0].contains(words), "{line}: {bad:?}"),
            }
        };
        check(&format!("{HASH}:10434004\r\n"), Ok(Some(10_434_004)));
        check(&format!("{}:1", HASH.to_lowercase()), Ok(Some(1)));
        check(&format!(" {HASH} : 7 \n"), Err("41 digits"));
        check(&format!("\u{feff}{HASH}\n"), Ok(Some(1)));
        check(&format!("{HASH}:0\n"), Ok(None));
        check(&format!("{HASH}:99999999999999999999\n"), Ok(Some(u32::MAX)));
        check(&format!("{HASH}:999999999999999999999\n"), Err("no count"));
        check("\r\n", Ok(None));
        check(
            &format!("{}:1", &HASH[1..]),
            Err("list:1: 39 digits before the colon, and a hash (sha1) has 40"),
        );
        check(&format!("G{}:1", &HASH[1..]), Err("hexadecimal"));
        check(&format!("{HASH}:"), Err("no count"));
        check(&format!("{HASH}:-1"), Err("no count"));
        check(&"5".repeat(5000), Err("longer than 4096 bytes"));
    }

    #[test]
    fn passwords_are_what_is_on_the_line_and_are_never_told() {
        let plain = Reading { kind: Kind::Sha1, plain: true };
        let long = "x".repeat(LINE_BYTES);
        let text = format!(" a:b \r\n\n{long}\r\n{long}x\npassword\n{long}{long}{long}\nlast");
        let (found, bad, lines) = all(text.as_bytes(), plain);
        let expect = [" a:b ", &long, "password", "last"].map(|text| (Sha1::of(text.as_bytes()).hash(), 1));
        assert_eq!(found, expect);
        assert_eq!(lines, 7);
        let said = "it is longer than 4096 bytes";
        assert_eq!(bad, [format!("list:4: {said}"), format!("list:6: {said}")]);
    }

    #[test]
    fn the_first_bad_lines_are_told_and_the_others_counted() {
        let text = "x\n".repeat(BAD_LINES + 7);
        let list = List::of("list".to_owned(), std::io::Cursor::new(text.into_bytes()));
        let mut bad = BadLines::default();
        read(list, Reading { kind: Kind::Ntlm, plain: false }, &mut bad, |_| Ok(())).unwrap();
        let said = bad.to_string();
        assert!(said.starts_with("107 lines are not right") && said.ends_with("and 7 more"), "{said}");
        assert_eq!(said.lines().count(), BAD_LINES + 2);
    }
}
