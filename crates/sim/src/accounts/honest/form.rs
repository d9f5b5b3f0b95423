// SPDX-License-Identifier: Apache-2.0
//! How honest people fill in the sign-up form, and which recovery address they give.

use crate::accounts::event::Form;
use crate::accounts::person::Person;
use crate::accounts::truth::Subgroups;
use crate::clock::SECOND;
use crate::names::{WESTERN, honest, mailbox};
use crate::random::{Random, exp, ln};

/// Seconds over the form: by hand, slowly, by screen reader, in a workshop; log-normal, as durations of human tasks are
/// (medians assumed for four to six fields). A password manager fills it at once, or all but a name.
const BY_HAND: f64 = 46.0;
const SLOWLY: f64 = 260.0;
const BY_SCREEN_READER: f64 = 170.0;
const SIGMA: f64 = 0.55;
const FILLED_AT_ONCE: f64 = 0.45;
const FILLED_AT_ONCE_MEDIAN: f64 = 1.6;
const FILLED_PARTLY_MEDIAN: f64 = 13.0;
/// Time between keys, ms: medians of people and of slow ones (studies of typing give 120 to 250 for most), and the spread in
/// proportion to the mean.
const PACE: f64 = 190.0;
const PACE_SLOW: f64 = 800.0;
/// Forms whose script did not run, so that nothing is measured (assumed).
const UNMEASURED: f64 = 0.08;
/// Who gives a recovery address, and of those an alias service's, a disposable one, one with a tag (assumed).
const GIVES_EMAIL: f64 = 0.7;
const ALIAS: f64 = 0.06;
const DISPOSABLE: f64 = 0.025;
const TAGGED: f64 = 0.02;
/// At a company's, a club's or a family's own domain: so many domains, some with many people, most with one (assumed).
const OWN_DOMAIN: f64 = 0.08;
const OWN_DOMAINS: f64 = 20_000.0;
const OWN_DOMAIN_ENDS: [&str; 8] = ["it", "group", "haus", "lab", "club", "co", "design", "home"];
const SHOWS_NAME: f64 = 0.5;

/// Services as they are, since lists of them are of real names; nothing is ever sent there. Some are on no list.
pub(crate) const ALIAS_DOMAINS: [&str; 8] = [
    "simplelogin.com",
    "aleeas.com",
    "passmail.net",
    "duck.com",
    "mozmail.com",
    "anonaddy.me",
    "addy.io",
    "relay.example",
];
pub(crate) const DISPOSABLE_DOMAINS: [&str; 14] = [
    "mailinator.com",
    "guerrillamail.com",
    "yopmail.com",
    "10minutemail.com",
    "temp-mail.org",
    "trashmail.com",
    "sharklasers.com",
    "dispostable.com",
    "maildrop.cc",
    "getnada.com",
    "tempbox1.example",
    "tempbox2.example",
    "tempbox3.example",
    "tempbox4.example",
];
/// Pages that people come from.
pub(crate) const REFERRERS: [&str; 7] = [
    "https://example.com/",
    "https://search.example/",
    "https://search.example/results",
    "https://provider.example/pricing",
    "https://provider.example/",
    "https://blog.example.net/privacy-tools",
    "https://forum.example.org/t/4711",
];
const REFERRER_WEIGHTS: [u32; 7] = [4, 20, 12, 26, 30, 5, 3];
const NO_REFERRER: f64 = 0.3;

/// The form as this person fills it in, and what that says of them.
pub(crate) fn fill(person: &Person, random: &mut Random) -> (Form, Subgroups) {
    let (email, marks) = email(random);
    let typing = typing(person, random);
    let managed = person.marks.contains(Subgroups::PASSWORD_MANAGER);
    let at_once = managed && random.chance(FILLED_AT_ONCE);
    let form = Form {
        username: person.username(),
        display_name: random.chance(SHOWS_NAME).then(|| display_name(person, random)),
        email,
        time: time(person, at_once, random),
        typing: typing.filter(|_| !at_once && !random.chance(UNMEASURED)),
        pasted: (!random.chance(UNMEASURED)).then(|| pasted(managed, at_once, random)),
        referrer: (!random.chance(NO_REFERRER)).then(|| REFERRERS[random.weighted(&REFERRER_WEIGHTS)]),
        captcha_time: Some(captcha_time(person.marks, random)),
    };
    (form, marks)
}

/// Mostly the name that the handle is made from, written out; sometimes the handle, or something else.
fn display_name(person: &Person, random: &mut Random) -> String {
    match random.weighted(&[50, 20, 30]) {
        0 => written_out(&person.username()),
        1 => person.username(),
        _ => person.display_name(),
    }
}

/// A handle as a name: its letters, with spaces where it has marks.
pub(crate) fn written_out(handle: &str) -> String {
    let spaced: String = handle
        .chars()
        .filter(|letter| !letter.is_ascii_digit())
        .map(|letter| if letter.is_alphabetic() || !letter.is_ascii() { letter } else { ' ' })
        .collect();
    let name = spaced.trim();
    if name.is_empty() { handle.to_owned() } else { name.to_owned() }
}

fn email(random: &mut Random) -> (Option<String>, Subgroups) {
    if !random.chance(GIVES_EMAIL) {
        return (None, Subgroups::NONE);
    }
    let address = mailbox(random);
    let (local, domain) = address.split_once('@').unwrap_or((&address, "example.com"));
    let fate = random.unit();
    let (address, marks) = if fate < ALIAS {
        let service = ALIAS_DOMAINS[random.below(8) as usize];
        (format!("{local}.{:04x}@{service}", random.below(0x1_0000)), Subgroups::ALIAS)
    } else if fate < ALIAS + DISPOSABLE {
        (format!("{local}@{}", DISPOSABLE_DOMAINS[random.below(14) as usize]), Subgroups::ALIAS)
    } else if fate < ALIAS + DISPOSABLE + TAGGED {
        (format!("{local}+mail@{domain}"), Subgroups::NONE)
    } else if fate < ALIAS + DISPOSABLE + TAGGED + OWN_DOMAIN {
        (format!("{local}@{}", own_domain(random)), Subgroups::NONE)
    } else {
        (address, Subgroups::NONE)
    };
    (Some(address), marks)
}

/// A small domain: by Zipf's law, as members of organisations are spread.
fn own_domain(random: &mut Random) -> String {
    let rank = exp(random.unit() * ln(OWN_DOMAINS)) as u64;
    let mut of = Random::new(rank, 0x444f);
    let name: String = honest(&WESTERN, &mut of).chars().filter(char::is_ascii_alphabetic).take(14).collect();
    format!("{name}-{}.example", OWN_DOMAIN_ENDS[of.below(8) as usize])
}

fn time(person: &Person, at_once: bool, random: &mut Random) -> i64 {
    let managed = person.marks.contains(Subgroups::PASSWORD_MANAGER);
    let (median, sigma) = if at_once {
        (FILLED_AT_ONCE_MEDIAN, 0.5)
    } else if person.marks.contains(Subgroups::SCREEN_READER) {
        (BY_SCREEN_READER, 0.6)
    } else if person.marks.contains(Subgroups::SLOW) {
        (SLOWLY, 0.7)
    } else if managed {
        (FILLED_PARTLY_MEDIAN, SIGMA)
    } else {
        (BY_HAND, SIGMA)
    };
    let hesitates = if random.chance(0.05) { 6.0 } else { 1.0 }; // the telephone rings
    (random.log_normal(median * hesitates, sigma).clamp(0.4, 3_600.0) * SECOND as f64) as i64
}

fn typing(person: &Person, random: &mut Random) -> Option<(i64, i64)> {
    let slow = person.marks.contains(Subgroups::SLOW);
    let pace = random.log_normal(if slow { PACE_SLOW } else { PACE }, if slow { 0.5 } else { 0.35 });
    let spread = pace * if slow { random.real(0.5, 1.6) } else { random.real(0.3, 0.95) };
    Some(((pace * 1_000.0) as i64, (spread * 1_000.0) as i64))
}

fn pasted(managed: bool, at_once: bool, random: &mut Random) -> u32 {
    match (at_once, managed) {
        (true, _) => 3 + random.below(2) as u32,
        (false, true) => 1 + random.below(2) as u32,
        (false, false) => [0, 1, 2][random.weighted(&[80, 15, 5])],
    }
}

/// Time over a captcha: image ones take people 10 to 18 s (Searles et al. 2023), by ear much longer.
pub(crate) fn captcha_time(marks: Subgroups, random: &mut Random) -> i64 {
    let median = if marks.contains(Subgroups::SCREEN_READER) {
        45.0
    } else if marks.contains(Subgroups::SLOW) {
        30.0
    } else {
        13.0
    };
    (random.log_normal(median, 0.45).min(600.0) * SECOND as f64) as i64
}
