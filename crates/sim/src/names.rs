// SPDX-License-Identifier: Apache-2.0
//! User names and recovery addresses, all made from syllables: nobody is called this.
//!
//! Shapes and shares are assumed from how people generally choose names; several scripts, because what is rare in one
//! is common in another. Domains are reserved ones (RFC 2606, RFC 6761) and cannot receive mail.

use std::fmt::Write as _;

use crate::random::Random;

/// A language's way to build a name: a beginning and an ending.
#[derive(Debug, PartialEq)]
pub(crate) struct Tongue {
    starts: &'static [&'static str],
    ends: &'static [&'static str],
    /// Written with Latin letters; others often use Latin letters for a mail name anyway.
    latin: bool,
}

pub(crate) static WESTERN: Tongue = Tongue {
    starts: &[
        "mar", "tel", "bran", "lor", "kess", "wil", "har", "fen", "dor", "ash", "ros", "quin", "al", "ber",
        "cal", "ed", "gar", "jon", "nor", "pel", "stan", "tam", "ul", "vic",
    ],
    ends: &[
        "ow", "ick", "ella", "en", "ard", "ina", "by", "ton", "wyn", "eth", "is", "or", "ley", "mund",
        "ette", "an", "holm", "ster",
    ],
    latin: true,
};
pub(crate) static ROMANCE: Tongue = Tongue {
    starts: &[
        "sal", "cor", "mon", "vel", "lu", "rai", "bel", "fer", "gon", "tei", "alm", "car", "jo", "per", "vin",
    ],
    ends: &["inho", "eira", "ão", "osa", "ero", "ínes", "ado", "ela", "uso", "ánde", "etti", "iano"],
    latin: true,
};
pub(crate) static SLAVIC: Tongue = Tongue {
    starts: &["kow", "nov", "žel", "řeh", "wie", "krz", "dra", "mil", "sta", "čer", "bog", "zdi"],
    ends: &["al", "ová", "ski", "ek", "owicz", "ić", "ka", "ný", "mír", "ša", "ława"],
    latin: true,
};
pub(crate) static TURKIC: Tongue = Tongue {
    starts: &["yıl", "öz", "kar", "gün", "şah", "tek", "er", "ay", "dem", "çel"],
    ends: &["maz", "can", "gül", "ışık", "han", "soy", "taş", "bey", "nur", "ın"],
    latin: true,
};
pub(crate) static CYRILLIC: Tongue = Tongue {
    starts: &["мар", "вол", "лес", "зор", "яр", "бел", "тар", "нев", "руд", "жел"],
    ends: &["ин", "ова", "енко", "ский", "ка", "мир", "ов", "ан", "ель", "ута"],
    latin: false,
};
pub(crate) static GREEK: Tongue = Tongue {
    starts: &["θαλ", "μαρ", "νικ", "παπ", "κων", "ελ", "λαμ", "βασ"],
    ends: &["ίδης", "άκης", "ου", "ία", "ινος", "έας", "ανός"],
    latin: false,
};
pub(crate) static ARABIC: Tongue = Tongue {
    starts: &["نور", "سام", "كري", "ليل", "حال", "بدر", "رام", "زهر"],
    ends: &["ان", "ية", "ين", "ا", "ون", "اوي", "ي"],
    latin: false,
};
pub(crate) static DEVANAGARI: Tongue = Tongue {
    starts: &["अम", "दीप", "सुर", "माल", "विन", "कर", "नव", "लत"],
    ends: &["ित", "ेश", "िका", "ान", "ाली", "ोज", "ी"],
    latin: false,
};
pub(crate) static HAN: Tongue = Tongue {
    starts: &["林", "白", "江", "云", "石", "月", "青", "海", "天", "雨"],
    ends: &["山", "文", "星", "明", "风", "竹", "华", "安", "晨", "秋"],
    latin: false,
};
pub(crate) static HANGUL: Tongue = Tongue {
    starts: &["하", "민", "서", "도", "지", "수", "아", "은"],
    ends: &["늘", "준", "린", "윤", "우", "별", "온", "결"],
    latin: false,
};
pub(crate) static KANA: Tongue = Tongue {
    starts: &["さく", "ひな", "あお", "みず", "はる", "ゆき", "そら", "かえ"],
    ends: &["ら", "の", "み", "か", "と", "は", "しろ", "えだ"],
    latin: false,
};

/// People with another script who choose a Latin mail name (assumed; addresses were ASCII for decades).
const LATIN_ANYWAY: f64 = 0.6;

const ADJECTIVES: [&str; 16] = [
    "silver", "quiet", "blue", "lazy", "happy", "wild", "north", "tiny", "brave", "green", "lucky", "dark",
    "sunny", "old", "fast", "paper",
];
const NOUNS: [&str; 16] = [
    "fox", "river", "moon", "coder", "tiger", "cloud", "garden", "pixel", "panda", "stone", "rider", "owl",
    "maple", "wolf", "biker", "reader",
];
const LETTERS_AND_DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Where people's other mailboxes are, weighted: a few large providers and a tail (assumed).
const MAILBOX_DOMAINS: [&str; 8] = [
    "freemail.example",
    "post.example",
    "inbox.example",
    "example.com",
    "example.net",
    "example.org",
    "familie.example",
    "work.example",
];
const MAILBOX_WEIGHTS: [u32; 8] = [40, 22, 14, 6, 6, 4, 4, 4];

/// How a farm names its accounts; one style a farm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum NameStyle {
    /// `xk4v9q2m1z`
    Mixed,
    /// `silverfox4821`
    WordPair,
    /// `marella.kesston93`: made to look like anybody's.
    Person,
    /// `promo_0041`
    Counter,
}

/// A name an honest person chooses.
pub(crate) fn honest(tongue: &'static Tongue, random: &mut Random) -> String {
    let tongue = if !tongue.latin && random.chance(LATIN_ANYWAY) { &WESTERN } else { tongue };
    let mut name = String::with_capacity(24);
    // given+family, given+year, initial+family, nickname, two words, a random alias
    match random.weighted(&[34, 20, 12, 14, 15, 5]) {
        0 => given_and_family(&mut name, tongue, random),
        1 => {
            word(&mut name, tongue, random);
            number(&mut name, random.between(1955, 2010));
        }
        2 => {
            name.push_str(first_letter(random.pick(tongue.starts)));
            name.push('.');
            word(&mut name, tongue, random);
        }
        3 => {
            word(&mut name, tongue, random);
            if random.chance(0.6) {
                number(&mut name, random.between(1, 999));
            }
        }
        4 => {
            pair(&mut name, random);
            if random.chance(0.7) {
                number(&mut name, random.between(1, 99));
            }
        }
        _ => alias(&mut name, random, 8, 12),
    }
    name
}

/// A name of a farm's account number `serial`.
pub(crate) fn generated(style: NameStyle, serial: u32, random: &mut Random) -> String {
    let mut name = String::with_capacity(24);
    match style {
        NameStyle::Mixed => alias(&mut name, random, 10, 12),
        NameStyle::WordPair => {
            pair(&mut name, random);
            number(&mut name, random.between(1000, 9999));
        }
        NameStyle::Person => {
            word(&mut name, &WESTERN, random);
            name.push('.');
            word(&mut name, &WESTERN, random);
            number(&mut name, random.between(10, 99));
        }
        NameStyle::Counter => {
            let _ = write!(name, "promo_{serial:04}");
        }
    }
    name
}

/// A person's other mailbox, as a recovery address.
pub(crate) fn mailbox(random: &mut Random) -> String {
    let mut address = String::with_capacity(32);
    word(&mut address, &WESTERN, random);
    if random.chance(0.6) {
        address.push_str(if random.chance(0.5) { "." } else { "" });
        word(&mut address, &WESTERN, random);
    }
    if random.chance(0.5) {
        number(&mut address, random.between(1, 99));
    }
    address.push('@');
    address.push_str(MAILBOX_DOMAINS[random.weighted(&MAILBOX_WEIGHTS)]);
    address
}

/// A mailbox of a throw-away service, one of its many domains.
pub(crate) fn throwaway(domain: u64, random: &mut Random) -> String {
    let mut address = String::with_capacity(32);
    alias(&mut address, random, 8, 10);
    let _ = write!(address, "@tempbox{domain}.example");
    address
}

/// One mailbox under ever new tags, which most providers deliver to the same person.
pub(crate) fn tagged(owner: u64, serial: u32) -> String {
    format!("box{owner}+{serial}@freemail.example")
}

fn given_and_family(name: &mut String, tongue: &Tongue, random: &mut Random) {
    word(name, tongue, random);
    name.push_str(random.pick(&["", ".", ".", "_", "-"]));
    word(name, tongue, random);
    if random.chance(0.3) {
        number(name, random.between(1, 99));
    }
}

fn word(name: &mut String, tongue: &Tongue, random: &mut Random) {
    name.push_str(random.pick(tongue.starts));
    if random.chance(0.15) {
        name.push_str(random.pick(tongue.starts));
    }
    name.push_str(random.pick(tongue.ends));
}

fn pair(name: &mut String, random: &mut Random) {
    name.push_str(random.pick(&ADJECTIVES));
    name.push_str(random.pick(&NOUNS));
}

fn alias(name: &mut String, random: &mut Random, shortest: i64, longest: i64) {
    for _ in 0..random.between(shortest, longest) {
        name.push(LETTERS_AND_DIGITS[random.below(36) as usize] as char);
    }
}

fn number(name: &mut String, number: i64) {
    let _ = write!(name, "{number}");
}

fn first_letter(text: &str) -> &str {
    text.char_indices().nth(1).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&Tongue; 11] =
        [&WESTERN, &ROMANCE, &SLAVIC, &TURKIC, &CYRILLIC, &GREEK, &ARABIC, &DEVANAGARI, &HAN, &HANGUL, &KANA];

    #[test]
    fn honest_names_are_short_and_use_their_script() {
        let mut random = Random::new(5, 0);
        for tongue in ALL {
            let names: Vec<_> = (0..500).map(|_| honest(tongue, &mut random)).collect();
            assert!(names.iter().all(|name| (2..=40).contains(&name.chars().count())), "{names:?}");
            let foreign = names.iter().filter(|name| !name.is_ascii()).count();
            if *tongue == WESTERN {
                assert_eq!(foreign, 0);
            } else {
                assert!((50..450).contains(&foreign), "{foreign} of 500 for {tongue:?}");
            }
        }
    }

    #[test]
    fn generated_names_follow_their_style() {
        let mut random = Random::new(5, 0);
        assert_eq!(generated(NameStyle::Counter, 41, &mut random), "promo_0041");
        let mut check = |style, fits: fn(&str) -> bool| {
            for serial in 0..100 {
                let name = generated(style, serial, &mut random);
                assert!(fits(&name), "{name}");
            }
        };
        check(NameStyle::Mixed, |name| (10..=12).contains(&name.len()));
        check(NameStyle::WordPair, |name| name[name.len() - 4..].parse::<u16>().is_ok());
        check(NameStyle::Person, |name| name.contains('.') && name.ends_with(|c: char| c.is_ascii_digit()));
    }

    #[test]
    fn addresses_have_reserved_domains() {
        let mut random = Random::new(5, 0);
        let reserved = |address: &str| {
            let (local, domain) = address.split_once('@').unwrap();
            !local.is_empty()
                && (domain.ends_with(".example")
                    || ["example.com", "example.net", "example.org"].contains(&domain))
        };
        for n in 0..300 {
            for address in [mailbox(&mut random), throwaway(n % 7, &mut random), tagged(n, n as u32)] {
                assert!(reserved(&address), "{address}");
            }
        }
    }
}
