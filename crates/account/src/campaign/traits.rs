// SPDX-License-Identifier: Apache-2.0
//! What two sign-ups may share: typed keys, exact and near, in families.
//!
//! Keys of one family depend on each other (an address and its network, a fingerprint and a program), so of each family only
//! the strongest counts. Near keys make near things meet without comparing all with all: a cell of a lattice that lies half
//! over its neighbours, a stem without its counter, a stem with one character left out.

use super::limits;
use super::signup::{Signup, script, shape};
use std::net::IpAddr;
use wardroom_event::Span;

/// Keys that depend on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Where it came from.
    Place,
    /// When.
    Time,
    /// With which program.
    Program,
    /// The name that was chosen.
    Handle,
    /// Where the recovery address is, and its make.
    Mail,
    /// How soon the code that was sent there came back: how fast mail goes there.
    Answer,
    /// What led here.
    Referrer,
    /// The device itself.
    Device,
    /// One and the same mailbox.
    Mailbox,
    /// How the form was filled in.
    Hand,
    /// How the captcha was solved.
    Captcha,
}

impl Family {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// Whether it tells of who does it. All else is circumstance: what a class, an office or the customers of a carrier
    /// share as a group without being one person.
    pub fn is_conduct(self) -> bool {
        self >= Family::Device
    }
}

macro_rules! kinds {
    ($($name:ident $family:ident $share:literal $spare:literal $personal:literal $id:literal $words:literal)*) => {
        /// What is shared.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "`id` and `words` say what each is")]
        pub enum Kind { $($name),* }

        impl Kind {
            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$name),*];

            /// The family it is of.
            pub fn family(self) -> Family { match self { $(Kind::$name => Family::$family),* } }

            /// Its name in answers.
            pub fn id(self) -> &'static str { match self { $(Kind::$name => $id),* } }

            /// Its name in sentences.
            pub fn words(self) -> &'static str { match self { $(Kind::$name => $words),* } }

            /// Whether its values tell of one person: they are masked where identifiers of people are.
            pub fn is_personal(self) -> bool { match self { $(Kind::$name => $personal),* } }

            /// Which share of people has the same value as another, before anything is learned of this provider's.
            pub(super) fn usual_share(self) -> f64 { match self { $(Kind::$name => $share),* } }

            /// How many accounts share one value because they are one household or one careful person.
            pub(super) fn spare(self) -> usize { match self { $(Kind::$name => $spare),* } }
        }
    };
}

kinds! {
    // Name      family   share spare personal
    Address      Place    0.001 0 false "ip" "the address"
    Net          Place    0.002 0 false "ip.net" "the network"
    Wide         Place    0.01  0 false "neighbourhood" "networks beside each other in"
    System       Place    0.03  0 false "ip.asn" "the autonomous system"
    Minutes      Time     0.001 0 false "time" "the ten minutes of"
    Setup        Program  0.03  0 false "program" "program, system, languages and TLS fingerprint"
    Tls          Program  0.1   0 false "ja4" "the TLS fingerprint"
    Agent        Program  0.15  0 false "user_agent" "the program"
    Stem         Handle   0.001 0 true  "username.stem" "names with a counter,"
    Near         Handle   0.001 0 true  "username.near" "names one character apart,"
    Make         Handle   0.03  0 false "username.make" "names of one make,"
    Script       Handle   0.05  0 false "username.shape" "names of the shape"
    MailStem     Mail     0.0005 0 true "email.stem" "mail addresses with a counter,"
    MailMake     Mail     0.02  0 false "email.make" "mail addresses of one make,"
    MailSite     Mail     0.1   0 false "email.site" "mail at"
    Answered     Answer   0.03  0 false "verification" "the code came back after"
    From         Referrer 0.1   0 false "referrer.site" "came from"
    Machine      Device   0.0005 4 true "device" "the device"
    OneMailbox   Mailbox  0.0005 3 true "email" "the mailbox"
    FormExact    Hand     0.002 0 false "form_time.exact" "the form was sent after exactly"
    FormFine     Hand     0.03  0 false "form_time.near" "the form was sent after"
    FormCoarse   Hand     0.2   0 false "form_time" "the form was sent after"
    Typing       Hand     0.03  0 false "typing" "typing pace and spread of"
    CaptchaFine  Captcha  0.04  0 false "captcha_time.near" "the captcha took"
    CaptchaCoarse Captcha 0.25  0 false "captcha_time" "the captcha took"
}

/// Ratio between two ends of a fine cell: what a program with a fixed pause and the noise of a network does.
const FINE: f64 = 1.08;
/// Ratio between two ends of a coarse cell: what a program does that waits for a random while.
const COARSE: f64 = 1.5;
/// Ratio for mean and spread of typing.
const TYPED: f64 = 1.25;
/// Length of a cell of time, in microseconds.
const MINUTES: i64 = 600_000_000;

/// Calls `put` with every key of a sign-up, in words. The same key is the same words.
pub(super) fn each(signup: &Signup, put: &mut dyn FnMut(Kind, &str)) {
    place(signup, put);
    program(signup, put);
    if let Some(name) = &signup.username {
        handle(name, put);
    }
    mail(signup, put);
    if let Some(from) = &signup.referrer {
        put(Kind::From, from);
    }
    if let Some(device) = &signup.device {
        put(Kind::Machine, device);
    }
    hand(signup, put);
    cells(signup.captcha_time, FINE, Kind::CaptchaFine, put);
    cells(signup.captcha_time, COARSE, Kind::CaptchaCoarse, put);
    cells(signup.verified_after, FINE, Kind::Answered, put);
}

fn place(signup: &Signup, put: &mut dyn FnMut(Kind, &str)) {
    // Cells lie half over each other, so that what is less than half a cell apart meets.
    for half in 0..2 {
        let cell = (signup.time.0 + half * MINUTES / 2).div_euclid(MINUTES);
        let begins = wardroom_event::Micros(cell.saturating_mul(MINUTES) - half * MINUTES / 2);
        put(Kind::Minutes, &begins.to_string());
    }
    if let Some(asn) = signup.asn {
        put(Kind::System, &format!("AS{asn}"));
    }
    let Some(ip) = signup.ip.map(|ip| ip.to_canonical()) else { return };
    // Of IPv6 a household has a /64 and changes the rest as it likes.
    let (address, net, wide) = match ip {
        IpAddr::V4(_) => (32, 24, 20),
        IpAddr::V6(_) => (64, 48, 40),
    };
    put(Kind::Address, &prefix(ip, address));
    put(Kind::Net, &prefix(ip, net));
    put(Kind::Wide, &prefix(ip, wide));
}

fn prefix(ip: IpAddr, bits: u32) -> String {
    match ip {
        IpAddr::V4(ip) if bits == 32 => ip.to_string(),
        IpAddr::V4(ip) => {
            let mask = u32::MAX << (32 - bits);
            format!("{}/{bits}", std::net::Ipv4Addr::from(u32::from(ip) & mask))
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX << (128 - bits);
            format!("{}/{bits}", std::net::Ipv6Addr::from(u128::from(ip) & mask))
        }
    }
}

fn program(signup: &Signup, put: &mut dyn FnMut(Kind, &str)) {
    let text = |text: &Option<Box<str>>| text.as_deref().map_or("", cut).to_owned();
    let [ja4, program, system, languages] =
        [&signup.ja4, &signup.program, &signup.system, &signup.languages].map(text);
    if !ja4.is_empty() {
        put(Kind::Tls, &ja4);
    }
    let agent = [&*program, &*system].join(" on ");
    if !program.is_empty() {
        put(Kind::Agent, &agent);
    }
    // What is there together counts together: how often it is, is counted and not multiplied.
    let known = [&ja4, &program, &languages].into_iter().filter(|part| !part.is_empty()).count();
    if known >= 2 {
        put(Kind::Setup, &format!("{agent}, {languages}, {ja4}"));
    }
}

fn handle(name: &str, put: &mut dyn FnMut(Kind, &str)) {
    let name = cut(name).to_lowercase();
    let (shape, length) = (shape(&name), name.chars().count());
    let script = script(&shape);
    put(Kind::Script, &format!("{shape} ({script})"));
    put(Kind::Make, &format!("{shape} ({script}, {length} characters)"));
    let Some(stem) = stem(&name) else { return };
    put(Kind::Stem, &format!("{stem}…"));
    if !limits::NEAR_CHARS.contains(&stem.chars().count()) {
        return;
    }
    put(Kind::Near, &stem);
    for (at, left_out) in stem.char_indices() {
        let (before, after) = (&stem[..at], &stem[at + left_out.len_utf8()..]);
        put(Kind::Near, &format!("{before}{after}"));
    }
}

/// A name without its counter; digits within it are one sign, whatever they are. Too short a stem is everybody's.
fn stem(name: &str) -> Option<String> {
    let mut stem = String::new();
    for c in name.chars() {
        match c.is_numeric() {
            true if stem.ends_with('#') => {}
            true => stem.push('#'),
            false => stem.push(c),
        }
    }
    let stem = stem.trim_end_matches(['#', '_', '-', '.']);
    let letters = stem.chars().filter(|c| c.is_alphabetic()).count();
    (letters >= limits::STEM_CHARS).then(|| stem.to_owned())
}

fn mail(signup: &Signup, put: &mut dyn FnMut(Kind, &str)) {
    let Some(site) = signup.mail_site.as_deref().map(cut) else { return };
    put(Kind::MailSite, site);
    let Some(mailbox) = signup.mailbox.as_deref().map(|text| cut(text).to_lowercase()) else { return };
    put(Kind::MailMake, &format!("{} at {site}", shape(&mailbox)));
    if let Some(stem) = stem(&mailbox) {
        put(Kind::MailStem, &format!("{stem}… at {site}"));
    }
    // Tags and dots lead to one mailbox at the large providers; where they do not, hardly anybody else has the same.
    let bare: String = mailbox.split('+').next().unwrap_or("").chars().filter(|c| *c != '.').collect();
    if !bare.is_empty() {
        put(Kind::OneMailbox, &format!("{bare}@{site}"));
    }
}

fn hand(signup: &Signup, put: &mut dyn FnMut(Kind, &str)) {
    if let Some(time) = signup.form_time.filter(|time| time.0 > 0) {
        put(Kind::FormExact, &seconds(time.0 as f64));
    }
    cells(signup.form_time, FINE, Kind::FormFine, put);
    cells(signup.form_time, COARSE, Kind::FormCoarse, put);
    let (Some(pace), Some(spread)) = (signup.typing_pace, signup.typing_spread) else { return };
    lattice(pace, TYPED, &mut |_, pace| {
        lattice(spread, TYPED, &mut |_, spread| put(Kind::Typing, &format!("{pace}, {spread}")));
    });
}

/// The cells that a length of time lies in.
fn cells(time: Option<Span>, ratio: f64, kind: Kind, put: &mut dyn FnMut(Kind, &str)) {
    if let Some(time) = time {
        lattice(time, ratio, &mut |_, words| put(kind, words));
    }
}

/// Two cells of a lattice of equal ratios that lie half over each other: what is less than half a cell apart shares one.
fn lattice(time: Span, ratio: f64, put: &mut dyn FnMut(i64, &str)) {
    if time.0 <= 0 {
        return;
    }
    let place = (time.0 as f64).ln() / ratio.ln();
    for half in [0.0, 0.5] {
        let cell = (place + half).floor() - half;
        let [from, to] = [cell, cell + 1.0].map(|at| seconds(ratio.powf(at)));
        put(cell as i64, &format!("{from} to {to}"));
    }
}

fn seconds(micros: f64) -> String {
    format!("{:.3} s", micros / 1e6)
}

/// So much of a text as is looked at.
fn cut(text: &str) -> &str {
    text.char_indices().nth(limits::TEXT_CHARS).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_event::Micros;

    fn keys(signup: &Signup, kind: Kind) -> Vec<String> {
        let mut found = Vec::new();
        each(signup, &mut |k, words| found.extend((k == kind).then(|| words.to_owned())));
        found
    }

    fn named(name: &str) -> Signup {
        Signup { username: Some(name.into()), ..Signup::new(1, "a", Micros(0)) }
    }

    fn meet(a: &Signup, b: &Signup, kind: Kind) -> bool {
        keys(a, kind).iter().any(|key| keys(b, kind).contains(key))
    }

    #[test]
    fn names_meet_by_stem_and_by_one_character() {
        let check =
            |kind, a: &str, b: &str, expect| assert_eq!(meet(&named(a), &named(b), kind), expect, "{a} {b}");
        check(Kind::Stem, "kora_81", "Kora-7", true);
        check(Kind::Stem, "kora_81", "mila_81", false);
        check(Kind::Stem, "k1x2abc", "k77x1abc5", true);
        check(Kind::Stem, "ab12", "ab13", false);
        check(Kind::Stem, "анна12", "анна77", true);
        check(Kind::Near, "falkenstein", "falkenstain", true);
        check(Kind::Near, "falkenstein", "falknstein", true);
        check(Kind::Near, "falkenstein", "falkenburg", false);
        check(Kind::Near, "kora", "kara", false);
        check(Kind::Make, "kora_81", "mila_17", true);
        check(Kind::Make, "kora_81", "милана_17", false);
    }

    #[test]
    fn times_meet_in_cells_that_lie_half_over_each_other() {
        let after = |secs: f64| Signup {
            form_time: Some(Span((secs * 1e6) as i64)),
            ..Signup::new(1, "a", Micros(0))
        };
        for n in 1..400 {
            let secs = 0.5 * 1.02_f64.powi(n);
            assert!(meet(&after(secs), &after(secs * 1.03), Kind::FormFine), "{secs}");
            assert!(!meet(&after(secs), &after(secs * 1.09), Kind::FormFine), "{secs}");
            assert!(meet(&after(secs), &after(secs * 1.2), Kind::FormCoarse), "{secs}");
        }
        assert_eq!(keys(&after(0.0), Kind::FormFine), [""; 0]);
    }

    #[test]
    fn addresses_and_mail_are_brought_into_one_form() {
        let from = |ip: &str| Signup { ip: ip.parse().ok(), ..Signup::new(1, "a", Micros(0)) };
        assert!(meet(&from("2001:db8:1:2::7"), &from("2001:db8:1:2:9::1"), Kind::Address));
        assert!(meet(&from("::ffff:192.0.2.7"), &from("192.0.2.7"), Kind::Address));
        assert!(meet(&from("192.0.2.7"), &from("192.0.3.9"), Kind::Wide));
        assert!(!meet(&from("192.0.2.7"), &from("192.0.3.9"), Kind::Net));
        let mail = |local: &str| Signup {
            mailbox: Some(local.into()),
            mail_site: Some("example.org".into()),
            ..Signup::new(1, "a", Micros(0))
        };
        assert!(meet(&mail("an.na+x"), &mail("anna+y"), Kind::OneMailbox));
        assert!(!meet(&mail("anna"), &mail("hanna"), Kind::OneMailbox));
    }
}
