// SPDX-License-Identifier: Apache-2.0
//! What a text looks like at a glance: a small table of look-alikes, after the idea of UTS #39 and far from its size.
//!
//! Unicode's own table has thousands of entries, changes with every version and folds what nobody uses. This one holds
//! what is found in the names of impostors, and a policy's verdicts do not change when Unicode does. Pairs that look
//! like one letter, `rn` and `vv`, are not folded: too many honest words have them.

use super::text::push;
use std::sync::LazyLock;
use wardroom_event::Value;

/// What a letter with marks, strokes or hooks is without them, and ligatures as their letters. Small letters only.
pub(super) const MARKED: [(&str, &str); 41] = [
    ("a", "àáâãäåāăąǎǟǡǻȁȃȧḁẚạảấầẩẫậắằẳẵặɑ"),
    ("ae", "æǣǽ"),
    ("b", "ḃḅḇƀɓ"),
    ("c", "çćĉċčḉƈȼ"),
    ("d", "ďḋḍḏḑḓđðɗ"),
    ("dz", "ǆǳ"),
    ("e", "èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệɇ"),
    ("f", "ḟƒ"),
    ("ff", "ﬀ"),
    ("ffi", "ﬃ"),
    ("ffl", "ﬄ"),
    ("fi", "ﬁ"),
    ("fl", "ﬂ"),
    ("g", "ĝğġģǧǵḡǥɠɡ"),
    ("h", "ĥȟḣḥḧḩḫẖħ"),
    ("i", "ìíîïĩīĭįǐȉȋḭḯỉịıɨɩ"),
    ("ij", "ĳ"),
    ("j", "ĵǰȷɉ"),
    ("k", "ķǩḱḳḵƙĸ"),
    ("l", "ĺļľŀḷḹḻḽłƚɫ"),
    ("lj", "ǉ"),
    ("m", "ḿṁṃ"),
    ("n", "ñńņňŉǹṅṇṉṋŋɲ"),
    ("nj", "ǌ"),
    ("o", "òóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợøǿɵ"),
    ("oe", "œ"),
    ("p", "ṕṗƥ"),
    ("q", "ɋ"),
    ("r", "ŕŗřȑȓṙṛṝṟɍ"),
    ("s", "śŝşšſșṡṣṥṧṩẛȿ"),
    ("ss", "ß"),
    ("st", "ﬅﬆ"),
    ("t", "ţťțṫṭṯṱẗŧƭ"),
    ("th", "þ"),
    ("u", "ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữựʉ"),
    ("v", "ṽṿʋ"),
    ("w", "ŵẁẃẅẇẉẘ"),
    ("x", "ẋẍ"),
    ("y", "ýÿŷȳẏẙỳỵỷỹɏƴ"),
    ("z", "źżžẑẓẕƶȥ"),
    ("и", "ѝй"),
];

/// What each letter stands for: digits, then Cyrillic, Greek, Armenian, small capitals and numerals. A capital is
/// listed where it looks like another letter than its small one does; else the small one speaks for both.
pub(super) const ALIKE: [(char, &str); 25] = [
    ('a', "4аαάᴀ"),
    ('b', "8вьβʙ"),
    ('c', "сᴄⅽ"),
    ('d', "ԁᴅⅾ"),
    ('e', "3еёѐзεέΣᴇ"),
    ('f', "ꜰ"),
    ('g', "ɢ"),
    ('h', "һнΗΉհʜ"),
    ('j', "јᴊ"),
    ('k', "кќκᴋ"),
    ('l', "1i|іїӏιίϊΐɪʟℓⅰⅼ"),
    ('m', "мΜᴍⅿ"),
    ('n', "пηήΝոɴ"),
    ('o', "0оөοόσօᴏ"),
    ('p', "рρᴘ"),
    ('q', "ԛ"),
    ('r', "гΓʀ"),
    ('s', "5ѕꜱ"),
    ('t', "7тτᴛ"),
    ('u', "μµυύϋΰսᴜ"),
    ('v', "ѵνᴠⅴ"),
    ('w', "ѡԝωώᴡ"),
    ('x', "хχⅹ"),
    ('y', "уўүγΥΎΫʏ"),
    ('z', "Ζᴢ"),
];

/// The skeleton of a text, as far as a text may be long.
pub(super) fn of(text: &str) -> Value {
    let mut out = String::with_capacity(text.len().min(256));
    for c in text.chars().filter(|c| !is_dropped(*c)) {
        if !fold(undressed(c), &mut out) {
            break;
        }
    }
    Value::Text(out.into())
}

/// Adds what one character looks like; says whether there was room.
fn fold(c: char, out: &mut String) -> bool {
    // What most texts are made of stands in no table.
    if matches!(c, 'a'..='h' | 'j'..='z' | ' ') {
        return push_char(out, c);
    }
    if let Some(like) = alike(c) {
        return push_char(out, like);
    }
    let small = c.to_lowercase().filter(|c| !is_dropped(*c));
    small.into_iter().all(|small| match marked(small) {
        Some(bare) => bare.chars().all(|b| push_char(out, alike(b).unwrap_or(b))),
        None => push_char(out, alike(small).unwrap_or(small)),
    })
}

fn push_char(out: &mut String, c: char) -> bool {
    push(out, c.encode_utf8(&mut [0; 4]))
}

/// Marks over, under and through the letter before, and characters that nobody sees.
fn is_dropped(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// A letter or digit without its dress: wide, bold, in script, double-struck, circled, in brackets or in a square.
fn undressed(c: char) -> char {
    let from = |first: char, base: u8, most: u32| {
        let place = (u32::from(c) - u32::from(first)) % most;
        char::from(base + u8::try_from(place).unwrap_or(0))
    };
    match c {
        '\u{ff01}'..='\u{ff5e}' => from('\u{ff01}', b'!', 94),
        '\u{1d400}'..='\u{1d6a3}' => {
            let place = (u32::from(c) - 0x1d400) % 52;
            let base = if place < 26 { b'A' } else { b'a' };
            from('\u{1d400}', base, 26)
        }
        '\u{1d7ce}'..='\u{1d7ff}' => from('\u{1d7ce}', b'0', 10),
        '\u{24b6}'..='\u{24cf}' => from('\u{24b6}', b'A', 26),
        '\u{24d0}'..='\u{24e9}' => from('\u{24d0}', b'a', 26),
        '\u{249c}'..='\u{24b5}' => from('\u{249c}', b'a', 26),
        '\u{1f130}'..='\u{1f149}' => from('\u{1f130}', b'A', 26),
        '\u{1f150}'..='\u{1f169}' => from('\u{1f150}', b'A', 26),
        '\u{1f170}'..='\u{1f189}' => from('\u{1f170}', b'A', 26),
        _ => letterlike(c),
    }
}

/// The letters that Unicode had before it got the mathematical alphabets, and that are holes there.
fn letterlike(c: char) -> char {
    match c {
        'ℬ' => 'B',
        'ℂ' | 'ℭ' => 'C',
        'ℯ' => 'e',
        'ℰ' => 'E',
        'ℱ' => 'F',
        'ℊ' => 'g',
        'ℎ' => 'h',
        'ℋ' | 'ℌ' | 'ℍ' => 'H',
        'ℐ' | 'ℑ' => 'I',
        'ℒ' => 'L',
        'ℳ' => 'M',
        'ℕ' => 'N',
        'ℴ' => 'o',
        'ℙ' => 'P',
        'ℚ' => 'Q',
        'ℛ' | 'ℜ' | 'ℝ' => 'R',
        'ℤ' | 'ℨ' => 'Z',
        c => c,
    }
}

fn marked(c: char) -> Option<&'static str> {
    static MAP: LazyLock<Vec<(char, &str)>> = LazyLock::new(|| sorted(&MARKED));
    look_up(&MAP, c)
}

fn alike(c: char) -> Option<char> {
    static MAP: LazyLock<Vec<(char, char)>> = LazyLock::new(|| sorted(&ALIKE));
    look_up(&MAP, c)
}

/// One entry for each character, in their order.
fn sorted<T: Copy>(table: &[(T, &'static str)]) -> Vec<(char, T)> {
    let mut all: Vec<(char, T)> =
        table.iter().flat_map(|(to, from)| from.chars().map(|c| (c, *to))).collect();
    all.sort_unstable_by_key(|(c, _)| *c);
    all
}

fn look_up<T: Copy>(map: &[(char, T)], c: char) -> Option<T> {
    map.binary_search_by_key(&c, |(from, _)| *from).ok().map(|at| map[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wardroom_event::Value;

    fn skeleton(text: &str) -> String {
        match of(text) {
            Value::Text(t) => t.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn impostors_look_like_what_they_imitate() {
        let check = |impostor: &str, honest: &str| {
            assert_eq!(skeleton(impostor), skeleton(honest), "{impostor} {honest}");
        };
        check("раураl", "paypal");
        check("PAYPA1", "paypal");
        check("ΡΑΥΡΑL", "paypal");
        check("ⓟⓐⓨⓟⓐⓛ", "paypal");
        check("𝓹𝓪𝔂𝓹𝓪𝓵", "paypal");
        check("ｐａｙｐａｌ", "paypal");
        check("ᴘᴀʏᴘᴀʟ", "paypal");
        check("p\u{200b}ay\u{ad}pal\u{feff}", "paypal");
        check("p\u{301}a\u{300}ypal", "paypal");
        check("ΝΕΤFLΙΧ", "netflix");
        check("АDМIN", "admin");
        check("𝔄𝔡𝔪𝔦𝔫 ℋ𝒾", "admin hi");
        check("Müller", "muller");
        check("İSTANBUL", "istanbul");
        check("Straße", "strasse");
        check("ﬁnance", "finance");
        check("g00g1e", "google");
    }

    #[test]
    fn different_words_stay_different() {
        let words = ["admin", "support", "paypal", "paypel", "rn", "m", "vv", "w", "привет", "мир", "東京"];
        for a in words {
            for b in words {
                assert_eq!(a == b, skeleton(a) == skeleton(b), "{a} {b}");
            }
        }
        assert_eq!(skeleton("東京!"), "東京!");
    }

    #[test]
    fn each_character_stands_in_the_tables_once() {
        let mut all: Vec<char> = MARKED.iter().flat_map(|(_, from)| from.chars()).collect();
        all.extend(ALIKE.iter().flat_map(|(_, from)| from.chars()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn plain_letters_stand_for_themselves() {
        for c in ('a'..='z').chain([' ']).filter(|c| *c != 'i') {
            assert_eq!((alike(c), marked(c)), (None, None), "{c}");
        }
    }

    #[test]
    fn marked_letters_are_small() {
        for (_, from) in MARKED {
            for c in from.chars() {
                assert!(c.to_lowercase().eq([c]), "{c} would never be looked up");
            }
        }
    }

    proptest! {
        #[test]
        fn a_skeleton_is_its_own(text in "\\PC{0,40}") {
            let once = skeleton(&text);
            prop_assert_eq!(skeleton(&once), once);
        }

        #[test]
        fn every_character_has_a_skeleton_of_its_own(c in any::<char>()) {
            let once = skeleton(&c.to_string());
            prop_assert_eq!(skeleton(&once), once);
        }
    }
}
