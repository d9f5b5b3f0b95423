// SPDX-License-Identifier: Apache-2.0
//! A sign-up as it is linked to others: what is known of it at registration, and nothing that came later but the answer to
//! the code that was sent to its address.

use std::net::IpAddr;
use wardroom_event::{Micros, Part, Span, Value};

/// What is known of one sign-up. What was not sent is unknown, and links to nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Signup {
    /// The number of its record.
    pub seq: u64,
    /// The account that was made.
    pub account: Box<str>,
    /// When.
    pub time: Micros,
    /// From where.
    pub ip: Option<IpAddr>,
    /// The autonomous system of that address.
    pub asn: Option<i64>,
    /// What the address is used for: `hosting`, `mobile`, `residential`, …
    pub kind: Option<Box<str>>,
    /// Where the address is used.
    pub country: Option<Box<str>>,
    /// The device, by the opaque name it has.
    pub device: Option<Box<str>>,
    /// The fingerprint of the TLS hello.
    pub ja4: Option<Box<str>>,
    /// The program, without its version.
    pub program: Option<Box<str>>,
    /// The operating system, without its version.
    pub system: Option<Box<str>>,
    /// `Accept-Language`.
    pub languages: Option<Box<str>>,
    /// The name that was chosen.
    pub username: Option<Box<str>>,
    /// What stands before the `@` of the recovery address.
    pub mailbox: Option<Box<str>>,
    /// The registrable domain of the recovery address, or its domain where that is not known.
    pub mail_site: Option<Box<str>>,
    /// From opening the form to sending it.
    pub form_time: Option<Span>,
    /// Mean time between two keys.
    pub typing_pace: Option<Span>,
    /// Its standard deviation.
    pub typing_spread: Option<Span>,
    /// The site that led here.
    pub referrer: Option<Box<str>>,
    /// How long the captcha took.
    pub captcha_time: Option<Span>,
    /// From sending the code to its coming back.
    pub verified_after: Option<Span>,
}

impl Signup {
    /// A sign-up of which nothing else is known.
    pub fn new(seq: u64, account: impl Into<Box<str>>, time: Micros) -> Signup {
        Signup {
            seq,
            account: account.into(),
            time,
            ip: None,
            asn: None,
            kind: None,
            country: None,
            device: None,
            ja4: None,
            program: None,
            system: None,
            languages: None,
            username: None,
            mailbox: None,
            mail_site: None,
            form_time: None,
            typing_pace: None,
            typing_spread: None,
            referrer: None,
            captcha_time: None,
            verified_after: None,
        }
    }

    /// The place of a sign-up among all, whatever the order they were handed over in.
    pub(super) fn place(&self) -> (Micros, u64, &str) {
        (self.time, self.seq, &self.account)
    }
}

/// The shape of a text, as policy has it.
pub(super) fn shape(text: &str) -> String {
    match Part::TextShape.of(&Value::Text(text.into())) {
        Value::Text(shape) => shape.into(),
        _ => String::new(),
    }
}

/// The script of a text by its shape: that of its first letter.
pub(super) fn script(shape: &str) -> &'static str {
    let letter = |class| {
        Some(match class {
            'A' | 'a' => "Latin",
            'c' => "Cyrillic",
            'g' => "Greek",
            'h' => "Han",
            'k' => "kana",
            'r' => "Arabic",
            'b' => "Hebrew",
            'd' => "Devanagari",
            'l' => "other",
            _ => return None,
        })
    };
    shape.chars().find_map(letter).unwrap_or("no")
}
