// SPDX-License-Identifier: Apache-2.0
//! The script of a text: the blocks of letters that names and messages are written in, after Unicode's Scripts.txt.
//!
//! Blocks are taken whole: what in them is no letter is never asked for. Han with kana is Japanese, Han with Hangul is
//! Korean and Han with Bopomofo is Chinese, as in UTS #39; these mixtures are of one script.

/// First and last character of a block, and its script; in order.
const BLOCKS: [(char, char, &str); 79] = [
    ('A', 'z', "latin"),
    ('\u{aa}', '\u{aa}', "latin"),
    ('\u{ba}', '\u{ba}', "latin"),
    ('\u{c0}', '\u{2b8}', "latin"),
    ('\u{2e0}', '\u{2e4}', "latin"),
    ('\u{370}', '\u{3e1}', "greek"),
    ('\u{3e2}', '\u{3ef}', "coptic"),
    ('\u{3f0}', '\u{3ff}', "greek"),
    ('\u{400}', '\u{52f}', "cyrillic"),
    ('\u{531}', '\u{58f}', "armenian"),
    ('\u{591}', '\u{5f4}', "hebrew"),
    ('\u{600}', '\u{6ff}', "arabic"),
    ('\u{700}', '\u{74f}', "syriac"),
    ('\u{750}', '\u{77f}', "arabic"),
    ('\u{780}', '\u{7bf}', "thaana"),
    ('\u{7c0}', '\u{7ff}', "nko"),
    ('\u{870}', '\u{8ff}', "arabic"),
    ('\u{900}', '\u{97f}', "devanagari"),
    ('\u{980}', '\u{9ff}', "bengali"),
    ('\u{a00}', '\u{a7f}', "gurmukhi"),
    ('\u{a80}', '\u{aff}', "gujarati"),
    ('\u{b00}', '\u{b7f}', "oriya"),
    ('\u{b80}', '\u{bff}', "tamil"),
    ('\u{c00}', '\u{c7f}', "telugu"),
    ('\u{c80}', '\u{cff}', "kannada"),
    ('\u{d00}', '\u{d7f}', "malayalam"),
    ('\u{d80}', '\u{dff}', "sinhala"),
    ('\u{e00}', '\u{e7f}', "thai"),
    ('\u{e80}', '\u{eff}', "lao"),
    ('\u{f00}', '\u{fff}', "tibetan"),
    ('\u{1000}', '\u{109f}', "myanmar"),
    ('\u{10a0}', '\u{10ff}', "georgian"),
    ('\u{1100}', '\u{11ff}', "hangul"),
    ('\u{1200}', '\u{139f}', "ethiopic"),
    ('\u{13a0}', '\u{13ff}', "cherokee"),
    ('\u{1780}', '\u{17ff}', "khmer"),
    ('\u{1800}', '\u{18aa}', "mongolian"),
    ('\u{1c80}', '\u{1c8f}', "cyrillic"),
    ('\u{1c90}', '\u{1cbf}', "georgian"),
    ('\u{1d00}', '\u{1d25}', "latin"),
    ('\u{1d26}', '\u{1d2a}', "greek"),
    ('\u{1d2b}', '\u{1d2b}', "cyrillic"),
    ('\u{1d2c}', '\u{1d5c}', "latin"),
    ('\u{1d5d}', '\u{1d61}', "greek"),
    ('\u{1d62}', '\u{1d65}', "latin"),
    ('\u{1d66}', '\u{1d6a}', "greek"),
    ('\u{1d6b}', '\u{1d77}', "latin"),
    ('\u{1d78}', '\u{1d78}', "cyrillic"),
    ('\u{1d79}', '\u{1dbe}', "latin"),
    ('\u{1dbf}', '\u{1dbf}', "greek"),
    ('\u{1e00}', '\u{1eff}', "latin"),
    ('\u{1f00}', '\u{1fff}', "greek"),
    ('\u{2071}', '\u{209c}', "latin"),
    ('\u{2100}', '\u{2125}', STYLED),
    ('\u{2126}', '\u{2126}', "greek"),
    ('\u{212a}', '\u{212b}', "latin"),
    ('\u{212c}', '\u{2149}', STYLED),
    ('\u{2160}', '\u{2188}', "latin"),
    ('\u{24b6}', '\u{24e9}', STYLED),
    ('\u{2c60}', '\u{2c7f}', "latin"),
    ('\u{2c80}', '\u{2cff}', "coptic"),
    ('\u{2d00}', '\u{2d2f}', "georgian"),
    ('\u{2d80}', '\u{2ddf}', "ethiopic"),
    ('\u{2de0}', '\u{2dff}', "cyrillic"),
    ('\u{3005}', '\u{3007}', HAN),
    ('\u{3041}', '\u{30ff}', JAPANESE),
    ('\u{3105}', '\u{312f}', BOPOMOFO),
    ('\u{3131}', '\u{318e}', HANGUL),
    ('\u{31a0}', '\u{31bf}', BOPOMOFO),
    ('\u{31f0}', '\u{31ff}', JAPANESE),
    ('\u{3400}', '\u{9fff}', HAN),
    ('\u{a640}', '\u{a69f}', "cyrillic"),
    ('\u{a722}', '\u{a7ff}', "latin"),
    ('\u{ab30}', '\u{ab64}', "latin"),
    ('\u{ac00}', '\u{d7ff}', HANGUL),
    ('\u{f900}', '\u{faff}', HAN),
    ('\u{fb00}', '\u{fb06}', "latin"),
    ('\u{ff21}', '\u{ff5a}', "latin"),
    ('\u{ff66}', '\u{ff9f}', JAPANESE),
];

/// Letters dressed up as signs, such as 𝐀 and Ⓐ. They belong to no script, and ordinary people do not type them.
const STYLED: &str = "styled";
const HAN: &str = "han";
const HANGUL: &str = "hangul";
const JAPANESE: &str = "japanese";
const BOPOMOFO: &str = "bopomofo";

/// The script of all letters in a text, `mixed` or `none`.
pub(super) fn of(text: &str) -> &'static str {
    let mut found: Option<&'static str> = None;
    for script in text.chars().filter_map(letter) {
        found = match found {
            None => Some(script),
            Some(before) => match together(before, script) {
                Some(both) => Some(both),
                None => return "mixed",
            },
        };
    }
    found.unwrap_or("none")
}

/// The script of a letter. Nothing for what is no letter, and for letters of all scripts, such as µ and the ʻokina.
fn letter(c: char) -> Option<&'static str> {
    if !c.is_alphabetic() || matches!(c, 'µ' | '\u{2b9}'..='\u{2df}' | '\u{2e5}'..='\u{36f}') {
        return None;
    }
    let at = BLOCKS.partition_point(|(_, last, _)| *last < c);
    match BLOCKS.get(at) {
        Some((first, _, script)) if *first <= c => Some(script),
        _ => Some(beyond(c)),
    }
}

/// Letters outside the table.
fn beyond(c: char) -> &'static str {
    match c {
        '\u{1d400}'..='\u{1d7ff}' | '\u{1f130}'..='\u{1f189}' => STYLED,
        '\u{20000}'..='\u{3ffff}' => HAN,
        '\u{1b000}'..='\u{1b16f}' => JAPANESE,
        '\u{1df00}'..='\u{1dfff}' | '\u{10780}'..='\u{107bf}' => "latin",
        '\u{fb1d}'..='\u{fb4f}' => "hebrew",
        '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => "arabic",
        '\u{fb13}'..='\u{fb17}' => "armenian",
        '\u{ffa0}'..='\u{ffdc}' | '\u{a960}'..='\u{a97f}' => HANGUL,
        '\u{a8e0}'..='\u{a8ff}' => "devanagari",
        '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}' => "myanmar",
        '\u{ab01}'..='\u{ab2e}' => "ethiopic",
        '\u{ab65}' => "greek",
        '\u{ab70}'..='\u{abbf}' => "cherokee",
        _ => "other",
    }
}

/// The script of a text that has letters of both.
fn together(a: &'static str, b: &'static str) -> Option<&'static str> {
    match (a, b) {
        _ if a == b => Some(a),
        (HAN, JAPANESE | HANGUL | BOPOMOFO) => Some(b),
        (JAPANESE | HANGUL | BOPOMOFO, HAN) => Some(a),
        _ => None,
    }
}

/// The names of all scripts that can be told apart, for the book.
#[cfg(test)]
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = BLOCKS.iter().map(|(.., name)| *name).chain(["other"]).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_in_order_and_apart() {
        assert!(BLOCKS.iter().all(|(first, last, _)| first <= last));
        assert!(BLOCKS.is_sorted_by(|a, b| a.1 < b.0), "partition_point needs order");
    }

    #[test]
    fn scripts_are_told_apart() {
        let check = |text: &str, expect: &str| assert_eq!(of(text), expect, "{text}");
        check("", "none");
        check("42 + 1 = 43!", "none");
        check("Žofie O'Brien-2", "latin");
        check("e\u{301}", "latin");
        check("Hawaiʻi", "latin");
        check("5 µm", "latin");
        check("Αθήνα", "greek");
        check("Київ", "cyrillic");
        check("Ереван Երևան", "mixed");
        check("p\u{430}ypal", "mixed");
        check("שלום", "hebrew");
        check("مرحبا", "arabic");
        check("नमस्ते", "devanagari");
        check("สวัสดี", "thai");
        check("東京", "han");
        check("東京タワーのそば", "japanese");
        check("東京 ㄅㄆ", "bopomofo");
        check("한국 漢字", "hangul");
        check("한국 かな", "mixed");
        check("漢 한 か", "mixed");
        check("𝐏𝐚𝐲", "styled");
        check("Ⓟⓐⓨ", "styled");
        check("Ｐａｙ", "latin");
        check("𐌰𐌱", "other");
    }

    #[test]
    fn the_order_of_letters_does_not_matter() {
        let letters = ["a", "б", "漢", "か", "한", "ㄅ", "𝐏"];
        for a in letters {
            for b in letters {
                for c in letters {
                    let of = |all: [&str; 3]| super::of(&all.concat());
                    assert_eq!(of([a, b, c]), of([c, a, b]));
                    assert_eq!(of([a, b, c]), of([b, a, c]));
                }
            }
        }
    }
}
