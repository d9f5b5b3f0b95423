// SPDX-License-Identifier: Apache-2.0
//! The shape of a name: which kinds of characters follow each other. Names made by one machine are alike in it, however
//! different they are otherwise.

/// Longest shape, in characters; what comes after is left out.
const CHARS: usize = 32;

/// Each character becomes its class, and two or more alike in a row become two: `anna_92` is `aa_99`.
///
/// Classes: `A` upper-case Latin, `a` other Latin, `9` digits and other numerals of any script, `c` Cyrillic, `g` Greek,
/// `h` Han, `k` kana, `r` Arabic, `b` Hebrew, `d` Devanagari, `l` any other letter, among them the mathematical ones
/// that only look Latin. Every other character stands for itself. Marks on letters are passed over, so that `é` is `a`
/// whether it is written as one character or two.
pub(crate) fn shape(text: &str) -> String {
    let mut out = String::new();
    let (mut last, mut run, mut chars) = ('\0', 0, 0);
    for class in text.chars().filter(|c| !is_mark(*c)).map(class) {
        run = if class == last { run + 1 } else { 1 };
        last = class;
        if run > 2 {
            continue;
        }
        if chars == CHARS {
            break;
        }
        out.push(class);
        chars += 1;
    }
    out
}

fn class(c: char) -> char {
    if c.is_numeric() {
        return '9';
    }
    if !c.is_alphabetic() {
        return c;
    }
    match c as u32 {
        _ if is_latin(c) => {
            if c.is_uppercase() {
                'A'
            } else {
                'a'
            }
        }
        0x0370..=0x03e1 | 0x03f0..=0x03ff | 0x1f00..=0x1fff => 'g',
        0x0400..=0x052f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f => 'c',
        0x0590..=0x05ff | 0xfb1d..=0xfb4f => 'b',
        0x0600..=0x06ff | 0x0750..=0x077f | 0x0870..=0x08ff | 0xfb50..=0xfdff | 0xfe70..=0xfeff => 'r',
        0x0900..=0x097f | 0xa8e0..=0xa8ff => 'd',
        0x3040..=0x30ff | 0x31f0..=0x31ff | 0xff66..=0xff9f | 0x1aff0..=0x1b16f => 'k',
        0x2e80..=0x2fdf | 0x3005..=0x3007 | 0x3400..=0x4dbf | 0x4e00..=0x9fff => 'h',
        0xf900..=0xfaff | 0x20000..=0x3ffff => 'h',
        _ => 'l',
    }
}

/// Letters of the Latin blocks of Unicode, full-width ones and ligatures among them.
fn is_latin(c: char) -> bool {
    matches!(
        c as u32,
        0x41..=0x7a
            | 0xaa..=0xff
            | 0x0100..=0x02af
            | 0x1d00..=0x1d25
            | 0x1d6b..=0x1d77
            | 0x1d79..=0x1dbe
            | 0x1e00..=0x1eff
            | 0x2c60..=0x2c7f
            | 0xa722..=0xa7ff
            | 0xab30..=0xab64
            | 0xfb00..=0xfb06
            | 0xff21..=0xff5a
    )
}

/// Marks that combine with the letter before them: the blocks of combining marks, and the points and signs of the
/// scripts that have a class.
fn is_mark(c: char) -> bool {
    matches!(
        c as u32,
        0x0300..=0x036f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f
            // Cyrillic
            | 0x0483..=0x0489 | 0xa66f..=0xa67d
            // Hebrew
            | 0x0591..=0x05bd | 0x05bf | 0x05c1 | 0x05c2 | 0x05c4 | 0x05c5 | 0x05c7
            // Arabic
            | 0x0610..=0x061a | 0x064b..=0x065f | 0x0670 | 0x06d6..=0x06dc | 0x06df..=0x06e4 | 0x06e7 | 0x06e8
            | 0x06ea..=0x06ed
            // Devanagari
            | 0x0900..=0x0903 | 0x093a..=0x093c | 0x093e..=0x094f | 0x0951..=0x0957 | 0x0962 | 0x0963
            // Kana
            | 0x3099 | 0x309a
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes_are_taken() {
        let check = |text: &str, expect: &str| assert_eq!(shape(text), expect, "{text}");
        check("", "");
        check("anna_92", "aa_99");
        check("a", "a");
        check("Anna", "Aaa");
        check("ANna9", "AAaa9");
        check("x--y...z", "a--a..a");
        check("john.smith2024@", "aa.aa99@");
        check("Ærøskøbing", "Aaa");
        check("e\u{301}te\u{301}", "aa");
        check("été", "aa");
        check("Анна", "cc");
        check("αβγ1", "gg9");
        check("山田たろう", "hhkk");
        check("ヴィ", "kk");
        check("محمد٩", "rr9");
        check("שָׁלוֹם", "bb");
        check("हिन्दी", "dd");
        check("สวัสดี", "ll");
        check("𝓪𝓭𝓶𝓲𝓷", "ll");
        check("аdmin", "caa");
        check("a b\tc", "a a\ta");
        check("×÷", "×÷");
        check("😀😀😀!", "😀😀!");
        check(&"a1".repeat(40), &"a9".repeat(16));
    }

    proptest! {
        #[test]
        fn a_shape_is_short_and_has_no_run_of_three(text in ".{0,200}") {
            let shape: Vec<char> = shape(&text).chars().collect();
            prop_assert!(shape.len() <= CHARS);
            prop_assert!(shape.windows(3).all(|w| w[0] != w[1] || w[1] != w[2]));
        }
    }
}
