// SPDX-License-Identifier: Apache-2.0
//! The two events a simulated provider sends, and their JSON form.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::clock::{write_duration, write_time};
use crate::truth::Truth;

/// One event with the truth beside it; a [`World`](crate::World) gives them in order of `arrival`.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// When it happened, microseconds UTC; the same as the event's own time.
    pub time: i64,
    /// When it reaches the provider's anti-abuse system, microseconds UTC; never before `time`, rarely after.
    pub arrival: i64,
    /// What the anti-abuse system is told.
    pub event: SimEvent,
    /// What it is not told.
    pub truth: Truth,
}

/// What the provider knows of one sign-up or login.
#[derive(Debug, Clone, PartialEq)]
pub struct SimEvent {
    pub(crate) id: Token,
    pub(crate) time: i64,
    pub(crate) account: Token,
    pub(crate) ip: IpAddr,
    pub(crate) device: Option<Token>,
    pub(crate) user_agent: &'static str,
    pub(crate) what: Occurrence,
}

/// The part in which sign-ups and logins differ.
#[derive(Debug, Clone, PartialEq)]
pub enum Occurrence {
    /// Somebody made an account.
    Signup {
        /// Recovery address, if one was given.
        email: Option<String>,
        /// The chosen name, in any script.
        username: String,
        /// From showing the form to sending it, microseconds.
        form_time: i64,
    },
    /// Somebody tried to log in.
    Login {
        /// The password was right.
        ok: bool,
        /// An account of that name exists.
        user_known: bool,
    },
}

/// An opaque name of 16 hexadecimal digits: event ids, accounts, devices.
///
/// The provider is taken to send keyed hashes, so a login name nobody owns looks like any other account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token([u8; 16]);

impl Token {
    /// The token of a number; distinct numbers have distinct tokens.
    pub(crate) fn new(number: u64) -> Token {
        let mut digits = [0; 16];
        for (place, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(number >> (60 - 4 * place)) as usize & 15];
        }
        Token(digits)
    }

    /// The sixteen digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default() // hexadecimal digits are always UTF-8
    }
}

impl SimEvent {
    /// Unique within the world.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The event type: `signup` or `login`.
    pub fn kind(&self) -> &'static str {
        match self.what {
            Occurrence::Signup { .. } => "signup",
            Occurrence::Login { .. } => "login",
        }
    }

    /// When it happened, microseconds UTC.
    pub fn time(&self) -> i64 {
        self.time
    }

    /// The account made or tried.
    pub fn account(&self) -> &str {
        self.account.as_str()
    }

    /// Where it came from; always in [`ADDRESS_PLAN`](crate::ADDRESS_PLAN).
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The device's cookie or app id, absent for mail programs and cookie refusers.
    pub fn device(&self) -> Option<&str> {
        self.device.as_ref().map(Token::as_str)
    }

    /// What the client calls itself.
    pub fn user_agent(&self) -> &'static str {
        self.user_agent
    }

    /// The rest, by type.
    pub fn what(&self) -> &Occurrence {
        &self.what
    }

    /// Appends the event as one JSON object without a line break: bare form, times RFC 3339 with microseconds UTC,
    /// durations like `"4.2s"`, absent optional fields left out.
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"type\":\"");
        out.push_str(self.kind());
        out.push_str("\",\"id\":\"");
        out.push_str(self.id());
        out.push_str("\",\"time\":\"");
        write_time(out, self.time);
        out.push_str("\",\"account\":\"");
        out.push_str(self.account());
        out.push_str("\",\"ip\":\"");
        let _ = write!(out, "{}", self.ip);
        if let Some(device) = &self.device {
            out.push_str("\",\"device\":\"");
            out.push_str(device.as_str());
        }
        out.push('"');
        self.what.write_fields(out);
        out.push_str(",\"user_agent\":");
        write_text(out, self.user_agent);
        out.push('}');
    }
}

impl Occurrence {
    /// Appends this part's fields, each with a comma before it.
    fn write_fields(&self, out: &mut String) {
        match self {
            Occurrence::Signup { email, username, form_time } => {
                if let Some(email) = email {
                    out.push_str(",\"email\":");
                    write_text(out, email);
                }
                out.push_str(",\"username\":");
                write_text(out, username);
                out.push_str(",\"form_time\":\"");
                write_duration(out, *form_time);
                out.push('"');
            }
            Occurrence::Login { ok, user_known } => {
                let _ = write!(out, ",\"ok\":{ok},\"user_known\":{user_known}");
            }
        }
    }
}

/// Appends a JSON string. Generated text needs no escape today; a table edited tomorrow might.
pub(crate) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(event: &SimEvent) -> String {
        let mut out = String::new();
        event.write_json(&mut out);
        out
    }

    fn event(device: Option<Token>, what: Occurrence) -> SimEvent {
        let ip = "192.0.2.7".parse().unwrap();
        let id = Token::new(0xabc);
        SimEvent {
            id,
            time: 1_767_607_200_123_456,
            account: Token::new(7),
            ip,
            device,
            user_agent: "UA",
            what,
        }
    }

    #[test]
    fn a_login_is_written_without_absent_fields() {
        let login = event(None, Occurrence::Login { ok: true, user_known: false });
        assert_eq!(
            json(&login),
            r#"{"type":"login","id":"0000000000000abc","time":"2026-01-05T10:00:00.123456Z","account":"0000000000000007","ip":"192.0.2.7","ok":true,"user_known":false,"user_agent":"UA"}"#
        );
    }

    #[test]
    fn a_signup_is_written_with_all_its_fields() {
        let what = Occurrence::Signup {
            email: Some("kora@post.example".into()),
            username: "зорин".into(),
            form_time: 4_200_000,
        };
        assert_eq!(
            json(&event(Some(Token::new(u64::MAX)), what)),
            r#"{"type":"signup","id":"0000000000000abc","time":"2026-01-05T10:00:00.123456Z","account":"0000000000000007","ip":"192.0.2.7","device":"ffffffffffffffff","email":"kora@post.example","username":"зорин","form_time":"4.2s","user_agent":"UA"}"#
        );
    }

    #[test]
    fn text_is_escaped() {
        let check = |text: &str| {
            let mut out = String::new();
            write_text(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        };
        check("plain");
        check("a\"b\\c\n\u{1}д");
    }
}
