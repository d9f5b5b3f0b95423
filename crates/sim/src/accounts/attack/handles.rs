// SPDX-License-Identifier: Apache-2.0
//! How attackers name their accounts and which recovery addresses they give.

use crate::accounts::honest::{Crew, CrewKind};
use crate::accounts::internet::COUNTRIES;
use crate::names::{ROMANCE, SLAVIC, Tongue, WESTERN, honest, mailbox};
use crate::random::Random;

/// One generator of names.
#[derive(Debug, Clone)]
pub(crate) enum Handles {
    /// A word and a number that counts up.
    Counter { base: String, width: usize, from: u32 },
    /// Letters and digits.
    Mixed { length: i64, letters: &'static str },
    /// Given name, family name, digits.
    Person { tongue: &'static Tongue, digits: u32, between: &'static str },
    /// Consonant and vowel in turn.
    Syllables { count: i64, digits: u32 },
    /// What people choose, of one language.
    Like(&'static Tongue),
    /// What people choose, of the exits' languages.
    Anybody,
    /// A company's handles, further on.
    Company(Box<Crew>),
}

const ALL: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &str = "0123456789abcdef";
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";

impl Handles {
    /// What cheap tools have.
    pub(crate) fn cheap(random: &mut Random) -> Handles {
        match random.weighted(&[25, 30, 25, 20]) {
            0 => Handles::Counter {
                base: short_word(random),
                width: random.between(1, 5) as usize,
                from: random.below(900) as u32,
            },
            1 => Handles::Mixed {
                length: random.between(7, 14),
                letters: [ALL, HEX, LETTERS][random.below(3) as usize],
            },
            2 => Handles::Person {
                tongue: [&WESTERN, &ROMANCE, &SLAVIC][random.below(3) as usize],
                digits: random.between(2, 5) as u32,
                between: ["", ".", "_"][random.below(3) as usize],
            },
            _ => Handles::Syllables { count: random.between(3, 5), digits: random.below(4) as u32 },
        }
    }

    /// What careful ones have.
    pub(crate) fn careful(random: &mut Random) -> Handles {
        match random.weighted(&[35, 35, 30]) {
            0 => Handles::Person {
                tongue: &WESTERN,
                digits: random.between(1, 3) as u32,
                between: ["", "."][random.below(2) as usize],
            },
            1 => Handles::Like([&WESTERN, &ROMANCE, &SLAVIC][random.below(3) as usize]),
            _ => Handles::Anybody,
        }
    }

    /// Those of a company that makes its accounts in this scene, or what looks like one.
    pub(crate) fn company(crews: &[Crew]) -> Option<Handles> {
        let crew = crews.iter().find(|crew| crew.kind == CrewKind::Onboarding)?;
        Some(Handles::Company(Box::new(crew.clone())))
    }

    /// The name of member number `member`.
    pub(crate) fn name(&self, member: u32, country: usize, random: &mut Random) -> String {
        match self {
            Handles::Counter { base, width, from } => {
                let width = *width;
                format!("{base}{:0width$}", from + member)
            }
            Handles::Mixed { length, letters } => word_of(letters, *length, random),
            Handles::Person { tongue, digits, between } => {
                let (given, family) = (plain(tongue, random), plain(tongue, random));
                format!("{given}{between}{family}{}", word_of("0123456789", i64::from(*digits), random))
            }
            Handles::Syllables { count, digits } => {
                let mut name = String::new();
                for _ in 0..*count {
                    name.push_str(&word_of("bcdfghjklmnprstvwz", 1, random));
                    name.push_str(&word_of("aeiou", 1, random));
                }
                name + &word_of("0123456789", i64::from(*digits), random)
            }
            Handles::Like(tongue) => honest(tongue, random),
            Handles::Anybody => honest(COUNTRIES[country].tongues[0].0, random),
            Handles::Company(crew) => crew.handle(crew.size + 1 + member),
        }
    }
}

fn plain(tongue: &'static Tongue, random: &mut Random) -> String {
    let name: String = honest(tongue, random).chars().filter(char::is_ascii_alphabetic).take(9).collect();
    name
}

fn short_word(random: &mut Random) -> String {
    word_of(LETTERS, random.between(3, 8), random)
}

fn word_of(letters: &str, length: i64, random: &mut Random) -> String {
    let letters = letters.as_bytes();
    (0..length).map(|_| letters[random.below(letters.len() as u64) as usize] as char).collect()
}

/// Which recovery addresses a campaign gives.
#[derive(Debug, Clone)]
pub(crate) enum Mail {
    None,
    /// A disposable service's domains.
    Disposable(Vec<&'static str>),
    /// Few mailboxes under ever new tags.
    Tags {
        boxes: u64,
        key: u64,
    },
    /// Domains of its own that take all mail.
    CatchAll(Vec<String>),
    /// Free mailboxes made or bought by the thousand, named by the same tool or as anybody's.
    Free {
        named: bool,
    },
}

impl Mail {
    pub(crate) fn cheap(random: &mut Random) -> Mail {
        match random.weighted(&[25, 25, 15, 20, 15]) {
            0 => Mail::None,
            1 => Mail::Disposable(disposable(random)),
            2 => Mail::Tags { boxes: random.between(1, 5) as u64, key: random.word() },
            3 => Mail::CatchAll(domains(random)),
            _ => Mail::Free { named: true },
        }
    }

    pub(crate) fn careful(random: &mut Random) -> Mail {
        match random.weighted(&[15, 10, 35, 40]) {
            0 => Mail::None,
            1 => Mail::CatchAll(domains(random)),
            2 => Mail::Free { named: true },
            _ => Mail::Free { named: false },
        }
    }

    pub(crate) fn address(&self, name: &str, random: &mut Random) -> Option<String> {
        let local: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
        let local = if local.is_empty() { short_word(random) } else { local };
        Some(match self {
            Mail::None => return None,
            Mail::Disposable(domains) => {
                format!("{local}@{}", domains[random.below(domains.len() as u64) as usize])
            }
            Mail::Tags { boxes, key } => {
                let owner = (key >> 20).wrapping_add(random.below(*boxes)) % 100_000;
                format!("box{owner}+{local}@freemail.example")
            }
            Mail::CatchAll(domains) => {
                format!("{local}@{}", domains[random.below(domains.len() as u64) as usize])
            }
            Mail::Free { named: true } => format!("{local}@freemail.example"),
            Mail::Free { named: false } => mailbox(random),
        })
    }
}

fn disposable(random: &mut Random) -> Vec<&'static str> {
    let all = crate::accounts::honest::DISPOSABLE_DOMAINS;
    (0..random.between(1, 4)).map(|_| all[random.below(all.len() as u64) as usize]).collect()
}

fn domains(random: &mut Random) -> Vec<String> {
    (0..random.between(1, 8)).map(|_| format!("{}.example", short_word(random))).collect()
}
