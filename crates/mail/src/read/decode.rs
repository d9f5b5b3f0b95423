// SPDX-License-Identifier: Apache-2.0
//! Transfer encodings, read as mail programs do: what does not belong there is left out, and noted.

use memchr::memchr;

use super::field::hex;
use super::header::trim_end;
use super::oddity::Oddity;
use crate::kind::Set;

/// What decoding gave, beside the bytes.
pub(super) struct Outcome {
    /// How many bytes the whole has, those included that were not kept.
    pub size: usize,
    pub flaws: Set<Oddity>,
}

/// No digit of base64.
const JUNK: u8 = 0xff;
/// Blanks and line ends.
const BLANK: u8 = 0xfe;
/// The sign that fills up the last group.
const PAD: u8 = 0xfd;

const DIGITS: [u8; 256] = {
    let mut digits = [JUNK; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < alphabet.len() {
        digits[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    digits[b' ' as usize] = BLANK;
    digits[b'\t' as usize] = BLANK;
    digits[b'\r' as usize] = BLANK;
    digits[b'\n' as usize] = BLANK;
    digits[b'=' as usize] = PAD;
    digits
};

/// Base64 (RFC 2045, 6.8). No more than `most` bytes are put out; the rest is counted.
pub(super) fn base64(body: &[u8], most: usize, out: &mut Vec<u8>) -> Outcome {
    let mut flaws = Set::new();
    let mut end = out.len().saturating_add(most);
    out.reserve((body.len() / 4 * 3 + 3).min(most));
    let (mut group, mut have, mut size) = (0_u32, 0_u32, 0_usize);
    let mut padded = false;
    for &byte in body {
        match DIGITS[usize::from(byte)] {
            BLANK => {}
            JUNK => flaws.insert(Oddity::Base64Junk),
            PAD => {
                size += flush(group, have, &mut end, out);
                padded |= have > 1;
                flaws.insert_if(have == 1, Oddity::Base64Cut);
                (group, have) = (0, 0);
            }
            digit => {
                if padded {
                    flaws.insert(Oddity::Base64Trailing);
                    padded = false;
                }
                group = group << 6 | u32::from(digit);
                have += 1;
                if have == 4 {
                    size += 3;
                    if out.len() + 3 <= end {
                        out.extend_from_slice(&group.to_be_bytes()[1..]);
                    } else {
                        end = out.len();
                    }
                    (group, have) = (0, 0);
                }
            }
        }
    }
    flaws.insert_if(have > 0, Oddity::Base64Cut);
    size += flush(group, have, &mut end, out);
    Outcome { size, flaws }
}

/// Puts out the whole bytes of an incomplete group.
fn flush(group: u32, have: u32, end: &mut usize, out: &mut Vec<u8>) -> usize {
    let whole = (have * 6 / 8) as usize;
    let bytes = (group << (24 - 6 * have.min(4))).to_be_bytes();
    if out.len() + whole <= *end {
        out.extend_from_slice(&bytes[1..=whole]);
    } else {
        *end = out.len();
    }
    whole
}

/// Quoted-printable (RFC 2045, 6.7).
pub(super) fn quoted_printable(body: &[u8], most: usize, out: &mut Vec<u8>) -> Outcome {
    let mut flaws = Set::new();
    let mut sink = Sink { most, size: 0, out };
    let mut rest = body;
    while let Some(at) = memchr(b'=', rest) {
        sink.put(&rest[..at]);
        rest = &rest[at + 1..];
        if let [high, low, tail @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            sink.put(&[high << 4 | low]);
            rest = tail;
            continue;
        }
        // A line that goes on: blanks may stand before its end.
        let line = memchr(b'\n', rest).map_or(rest, |end| &rest[..=end]);
        if trim_end(line).is_empty() {
            rest = &rest[line.len()..];
        } else {
            flaws.insert(Oddity::QuotedPrintableBroken);
            sink.put(b"=");
        }
    }
    sink.put(rest);
    Outcome { size: sink.size, flaws }
}

/// The old encoding of Unix, `begin 644 name` to `end`.
pub(super) fn uuencode(body: &[u8], most: usize, out: &mut Vec<u8>) -> Outcome {
    let mut sink = Sink { most, size: 0, out };
    for line in body.split(|&b| b == b'\n') {
        let line = trim_end(line);
        if line == b"end" {
            break;
        }
        let [length, groups @ ..] = line else { continue };
        if line.starts_with(b"begin ") || !(b'!'..=b'`').contains(length) {
            continue;
        }
        let mut left = usize::from((length - b' ') & 0x3f);
        for group in groups.chunks(4) {
            let digit =
                |at: usize| u32::from(group.get(at).copied().unwrap_or(b' ').wrapping_sub(b' ') & 0x3f);
            let bytes = (digit(0) << 18 | digit(1) << 12 | digit(2) << 6 | digit(3)).to_be_bytes();
            let whole = left.min(3);
            sink.put(&bytes[1..=whole]);
            left -= whole;
        }
    }
    Outcome { size: sink.size, flaws: Set::new() }
}

struct Sink<'o> {
    most: usize,
    size: usize,
    out: &'o mut Vec<u8>,
}

impl Sink<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let room = self.most.saturating_sub(self.size).min(bytes.len());
        self.out.extend_from_slice(&bytes[..room]);
        self.size += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind as _;
    use proptest::prelude::*;

    fn check(outcome: &Outcome, out: &[u8], expect: &[u8], odd: &str) {
        let names: Vec<_> = outcome.flaws.iter().map(Oddity::name).collect();
        assert_eq!((out, names.join(" ").as_str()), (expect, odd));
        assert_eq!(outcome.size, expect.len());
    }

    fn check_base64(body: &str, expect: &str, odd: &str) {
        let mut out = Vec::new();
        check(&base64(body.as_bytes(), 1000, &mut out), &out, expect.as_bytes(), odd);
    }

    #[test]
    fn base64_is_read_as_far_as_it_goes() {
        check_base64("aGVsbG8=", "hello", "");
        check_base64("aGVs\r\nbG8=\r\n", "hello", "");
        check_base64("aG!Vs-bG8=", "hello", "base64_junk");
        check_base64("aGVsbG8", "hello", "base64_cut");
        check_base64("aGVsb", "hel", "base64_cut");
        check_base64("aGVsbG8=aGVsbG8=", "hellohello", "base64_trailing");
        check_base64("====", "", "");
    }

    #[test]
    fn quoted_printable_is_read_as_far_as_it_goes() {
        let run = |body: &str, expect: &str, odd: &str| {
            let mut out = Vec::new();
            check(&quoted_printable(body.as_bytes(), 1000, &mut out), &out, expect.as_bytes(), odd);
        };
        run("a=3Db=\r\nc=\nd= \t\ne", "a=bcde", "");
        run("a=zzb=", "a=zzb", "quoted_printable_broken");
        run("a=C3=A9=c3=a9", "aéé", "");
    }

    #[test]
    fn uuencode_is_read() {
        let mut out = Vec::new();
        let outcome = uuencode(b"begin 644 a.txt\n%:&5L;&\\\n`\nend\n", 1000, &mut out);
        check(&outcome, &out, b"hello", "");
    }

    proptest! {
        #[test]
        fn no_more_is_put_out_than_allowed(body in proptest::collection::vec(any::<u8>(), 0..200), most in 0_usize..40) {
            for decoder in [base64, quoted_printable, uuencode] {
                let (mut cut, mut whole) = (Vec::new(), Vec::new());
                let (short, full) = (decoder(&body, most, &mut cut), decoder(&body, usize::MAX, &mut whole));
                prop_assert!(cut.len() <= most);
                prop_assert_eq!(short.size, full.size);
                prop_assert_eq!(whole.len(), full.size);
                prop_assert!(whole.starts_with(&cut));
            }
        }
    }
}
