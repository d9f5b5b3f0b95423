// SPDX-License-Identifier: Apache-2.0
//! Text as a reader sees it: without what is invisible, which is noted where it stands within words.

use super::oddity::Oddity;
use crate::kind::Set;

/// How many blanks and invisible characters in a row are filler. Newsletters fill up the preview of a mail with some hundred.
const FILLER: usize = 40;

/// Puts text behind what is there.
pub(super) struct Writer<'a> {
    out: &'a mut String,
    /// The character before, also where it was left out.
    before: char,
    /// How many line ends that are seen, and blank or invisible characters beyond ASCII, came last.
    blanks: usize,
    /// Invisible characters stand behind an ASCII letter, so that one behind them would make a word torn apart.
    within: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut String) -> Self {
        Self { out, before: '\n', blanks: 0, within: false }
    }

    /// How long the text is by now.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether a letter or digit came last.
    pub(super) fn ends_in_word(&self) -> bool {
        self.before.is_alphanumeric()
    }

    /// What was put in from a place on.
    pub(super) fn since(&self, begin: usize) -> &str {
        self.out.get(begin..).unwrap_or_default()
    }

    /// Text whose blanks and line ends count.
    pub(super) fn plain(&mut self, text: &str, odd: &mut Set<Oddity>) {
        self.put(text, odd, |writer, blank| match blank {
            '\r' => {}
            blank => writer.out.push(blank),
        });
    }

    /// Text whose blanks and line ends, however many, are one blank.
    pub(super) fn flowing(&mut self, text: &str, odd: &mut Set<Oddity>) {
        self.put(text, odd, |writer, _| writer.space());
    }

    fn space(&mut self) {
        if !self.out.ends_with([' ', '\n']) && !self.out.is_empty() {
            self.out.push(' ');
        }
    }

    /// Ends the line, if something stands on it.
    pub(super) fn line(&mut self) {
        if self.out.ends_with(' ') {
            self.out.pop();
        }
        if !self.out.ends_with('\n') && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.before = '\n';
        self.within = false;
    }

    fn put(&mut self, text: &str, odd: &mut Set<Oddity>, blank: impl Fn(&mut Self, char)) {
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.bytes().position(|b| b <= b' ' || b >= 0x7f).unwrap_or(rest.len());
            if word > 0 {
                self.word(&rest[..word], odd);
                rest = &rest[word..];
            }
            let Some(next) = rest.chars().next() else { return };
            rest = &rest[next.len_utf8()..];
            match next {
                ' ' | '\t' | '\n' | '\r' => {
                    let lines = self.out.len();
                    blank(self, next);
                    self.blanks +=
                        usize::from(next == '\n' && self.out[lines.min(self.out.len())..].ends_with('\n'));
                    self.gap(next, odd);
                }
                next if next.is_control() => odd.insert_if(next == '\0', Oddity::BodyNul),
                next if next.is_whitespace() => {
                    blank(self, ' ');
                    self.blanks += 1;
                    self.gap(next, odd);
                }
                next if is_invisible(next) => self.invisible(next, odd),
                next => self.letter(next),
            }
        }
    }

    fn word(&mut self, word: &str, odd: &mut Set<Oddity>) {
        let ascii = word.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        odd.insert_if(self.within && ascii, Oddity::ZeroWidth);
        self.out.push_str(word);
        self.before = word.chars().next_back().unwrap_or('\n');
        (self.blanks, self.within) = (0, false);
    }

    fn letter(&mut self, letter: char) {
        self.out.push(letter);
        (self.before, self.blanks, self.within) = (letter, 0, false);
    }

    fn gap(&mut self, blank: char, odd: &mut Set<Oddity>) {
        odd.insert_if(self.blanks >= FILLER, Oddity::Filler);
        (self.before, self.within) = (blank, false);
    }

    fn invisible(&mut self, mark: char, odd: &mut Set<Oddity>) {
        odd.insert_if(matches!(mark, '\u{202d}' | '\u{202e}'), Oddity::BidiOverride);
        self.blanks += 1;
        odd.insert_if(self.blanks >= FILLER, Oddity::Filler);
        // Joiners shape letters of other scripts, and emoji; between Latin letters they do nothing. Soft hyphens divide words
        // in honest mail.
        if matches!(mark, '\u{200c}' | '\u{200d}') && !self.before.is_ascii() {
            self.out.push(mark);
        } else {
            self.within |= self.before.is_ascii_alphanumeric() && mark != '\u{ad}';
        }
    }
}

/// Whether nothing is seen of a character.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a character turns the direction of writing.
pub(super) fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a word mixes Latin letters with letters of scripts that look like them.
pub(super) fn mixes_scripts(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let (mut latin, mut other) = (false, false);
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => latin = true,
            // Greek, Cyrillic, Armenian, Cherokee; without the letters that stand for quantities.
            '\u{370}'..='\u{3ff}' if !matches!(c, 'μ' | 'π' | 'Ω' | 'Δ' | 'α' | 'β' | 'γ' | 'λ' | 'σ') => {
                other = true
            }
            '\u{400}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' => other = true,
            c if c.is_alphanumeric() || is_invisible(c) => {}
            _ => (latin, other) = (false, false),
        }
        if latin && other {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, plain: &str, flowing: &str, odd: &str) {
        let (mut seen, mut one, mut other) = (Set::new(), String::new(), String::new());
        Writer::new(&mut one).plain(text, &mut seen);
        Writer::new(&mut other).flowing(text, &mut Set::new());
        assert_eq!(
            (one.as_str(), other.as_str(), format!("{seen:?}").as_str()),
            (plain, flowing, odd),
            "{text:?}"
        );
    }

    #[test]
    fn what_is_invisible_is_left_out() {
        check("a  b\r\n\r\nc", "a  b\n\nc", "a b c", "[]");
        check("pay\u{200b}pal", "paypal", "paypal", "[zero_width]");
        check("pay\u{ad}ment", "payment", "payment", "[]");
        check("\u{feff}a", "a", "a", "[]");
        check("نمی\u{200c}خواهم", "نمی\u{200c}خواهم", "نمی\u{200c}خواهم", "[]");
        check("a\0b", "ab", "ab", "[body_nul]");
        check("exe\u{202e}fdp", "exefdp", "exefdp", "[zero_width, bidi_override]");
        check("a\u{a0}\u{2003}b", "a  b", "a b", "[]");
        check(&"\u{34f} ".repeat(50), &" ".repeat(50), "", "[filler]");
        check(&"\n".repeat(50), &"\n".repeat(50), "", "[filler]");
        check(&" ".repeat(50), &" ".repeat(50), "", "[]");
    }

    #[test]
    fn scripts_are_told_apart() {
        let mixed = |text: &str| mixes_scripts(text);
        assert!(mixed("pаypal"));
        assert!(mixed("the αpple Аpple"));
        assert!(!mixed("Привет world"));
        assert!(!mixed("5 μm of Straße"));
        assert!(!mixed("日本go"));
    }
}
