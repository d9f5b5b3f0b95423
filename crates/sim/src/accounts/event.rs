// SPDX-License-Identifier: Apache-2.0
//! The events a provider of accounts tells about, and their JSON form.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::internet::Facts;
use super::look::Look;
use super::secret::Secret;
use super::truth::Truth;
use crate::clock::{SECOND, write_time};
use crate::event::{Token, write_text};

/// One event with the truth beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// When it happened, microseconds UTC; the same as the event's own time.
    pub time: i64,
    /// When the provider hears of it; never before `time`, rarely after.
    pub arrival: i64,
    /// What the provider is told.
    pub event: Event,
    /// What it is not told.
    pub truth: Truth,
}

/// What the provider is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub(crate) id: Token,
    pub(crate) time: i64,
    pub(crate) account: Token,
    pub(crate) client: Client,
    /// What the network's database says of the address, which may be wrong.
    pub(crate) facts: Facts,
    pub(crate) detail: Detail,
}

/// From where and with what somebody connects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Client {
    pub(crate) ip: IpAddr,
    /// The cookie or app installation.
    pub(crate) device: Option<u64>,
    pub(crate) look: Look,
    /// Accept-Language.
    pub(crate) languages: &'static str,
    /// Round trip as the edge measures it within TLS, so up to the program itself and not to a proxy before it.
    pub(crate) rtt: i64,
}

/// The part in which event types differ.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Detail {
    Signup(Box<Form>),
    Verification { channel: &'static str, ok: bool, took: i64 },
    Attempt { protocol: &'static str, secret: Secret },
    Login(Entry),
    StepUp { factor: &'static str, ok: bool, took: i64 },
    Session { session: u64 },
    Recovery { channel: &'static str, step: &'static str },
    Setting { session: Option<u64>, what: &'static str, step: &'static str, target: Option<u64> },
    Report { about: Token, mine: bool },
}

/// What a login says beside who and from where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Entry {
    pub(crate) ok: bool,
    pub(crate) user_known: bool,
    pub(crate) protocol: &'static str,
    /// The password tried; `None` where none was, as with a passkey.
    pub(crate) secret: Option<Secret>,
    pub(crate) factor: &'static str,
    pub(crate) session: Option<u64>,
}

/// What a sign-up form contained, and how it was filled in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Form {
    pub(crate) username: String,
    pub(crate) display_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) time: i64,
    /// Mean and standard deviation of the time between two keys, where anything was typed and the script ran.
    pub(crate) typing: Option<(i64, i64)>,
    pub(crate) pasted: Option<u32>,
    pub(crate) referrer: Option<&'static str>,
    pub(crate) captcha_time: Option<i64>,
}

impl Event {
    /// Unique within the scene.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The event type, such as `login`.
    pub fn kind(&self) -> &'static str {
        match self.detail {
            Detail::Signup(_) => "signup",
            Detail::Verification { .. } => "verification",
            Detail::Attempt { .. } => "attempt",
            Detail::Login(_) => "login",
            Detail::StepUp { .. } => "step_up",
            Detail::Session { .. } => "session",
            Detail::Recovery { .. } => "recovery",
            Detail::Setting { .. } => "setting",
            Detail::Report { .. } => "owner_report",
        }
    }

    /// The account it happened to, or a name nobody owns.
    pub fn account(&self) -> &str {
        self.account.as_str()
    }

    /// Where it came from.
    pub fn ip(&self) -> IpAddr {
        self.client.ip
    }

    /// When it happened, microseconds UTC.
    pub fn time(&self) -> i64 {
        self.time
    }

    /// The cookie or app installation, where there is one.
    pub fn device(&self) -> Option<String> {
        self.client.device.map(|device| Token::new(device).as_str().to_owned())
    }

    /// Whether the password, or whatever stands in its place, was right; `None` where the event has no such field.
    pub fn ok(&self) -> Option<bool> {
        match &self.detail {
            Detail::Verification { ok, .. } | Detail::StepUp { ok, .. } => Some(*ok),
            Detail::Login(entry) => Some(entry.ok),
            _ => None,
        }
    }

    /// Whether the name tried belongs to an account; `None` where the event has no such field.
    pub fn user_known(&self) -> Option<bool> {
        match &self.detail {
            Detail::Login(entry) => Some(entry.user_known),
            _ => None,
        }
    }

    /// Appends the event as one JSON object without a line break: bare form, times RFC 3339 with microseconds UTC, lengths of
    /// time in seconds like `"0.142s"`, what is absent left out.
    pub fn write_json(&self, out: &mut String) {
        self.write_json_asked(out, |_| true);
    }

    /// The same, with only those facts that `asked` says yes to, of `ip.asn`, `ip.country`, `ip.kind`, `ip.lat` and `ip.lon`: a
    /// policy has a field for the facts that it reads, and refuses others.
    pub fn write_json_asked(&self, out: &mut String, asked: impl Fn(&str) -> bool) {
        let _ = write!(out, "{{\"type\":\"{}\",\"id\":\"{}\",\"time\":\"", self.kind(), self.id());
        write_time(out, self.time);
        let _ = write!(out, "\",\"account\":\"{}\",\"ip\":\"{}\"", self.account(), self.client.ip);
        self.facts.write(out, asked);
        if let Some(device) = self.client.device.filter(|_| !matches!(self.detail, Detail::Report { .. })) {
            name(out, "device", device);
        }
        self.detail.write(&self.client, out);
        out.push('}');
    }
}

impl Client {
    fn write_agent(&self, out: &mut String) {
        text(out, "user_agent", &self.look.agent());
        out.push_str(",\"ja4\":\"");
        self.look.write_ja4(out);
        out.push('"');
    }

    fn write_platform(&self, out: &mut String) {
        if let Some(platform) = self.look.platform() {
            text(out, "platform", platform);
        }
    }
}

impl Detail {
    /// Appends this part's fields, each with a comma before it.
    fn write(&self, client: &Client, out: &mut String) {
        match self {
            Detail::Signup(form) => {
                form.write(out);
                client.write_agent(out);
                client.write_platform(out);
                text(out, "languages", client.languages);
            }
            Detail::Verification { channel, ok, took } => {
                text(out, "channel", channel);
                truth(out, "ok", *ok);
                length(out, "took", *took);
            }
            Detail::Attempt { protocol, secret } => {
                text(out, "protocol", protocol);
                client.write_agent(out);
                secret.write(out);
            }
            Detail::Login(entry) => {
                entry.write(out);
                client.write_agent(out);
                client.write_platform(out);
                length(out, "rtt", client.rtt);
            }
            Detail::StepUp { factor, ok, took } => {
                text(out, "factor", factor);
                truth(out, "ok", *ok);
                length(out, "took", *took);
            }
            Detail::Session { session } => {
                name(out, "session", *session);
                client.write_agent(out);
                length(out, "rtt", client.rtt);
            }
            Detail::Recovery { channel, step } => {
                text(out, "channel", channel);
                text(out, "step", step);
            }
            Detail::Setting { session, what, step, target } => {
                if let Some(session) = session {
                    name(out, "session", *session);
                }
                text(out, "what", what);
                text(out, "step", step);
                if let Some(target) = target {
                    name(out, "target", *target);
                }
            }
            Detail::Report { about, mine } => {
                text(out, "about", about.as_str());
                truth(out, "mine", *mine);
            }
        }
    }
}

impl Entry {
    fn write(&self, out: &mut String) {
        truth(out, "ok", self.ok);
        truth(out, "user_known", self.user_known);
        text(out, "protocol", self.protocol);
        if let Some(secret) = &self.secret {
            secret.write(out);
        }
        text(out, "factor", self.factor);
        if let Some(session) = self.session {
            name(out, "session", session);
        }
    }
}

impl Form {
    fn write(&self, out: &mut String) {
        if let Some(email) = &self.email {
            text(out, "email", email);
        }
        text(out, "username", &self.username);
        if let Some(display_name) = &self.display_name {
            text(out, "display_name", display_name);
        }
        length(out, "form_time", self.time);
        if let Some((pace, spread)) = self.typing {
            length(out, "typing_pace", pace);
            length(out, "typing_spread", spread);
        }
        if let Some(pasted) = self.pasted {
            let _ = write!(out, ",\"pasted\":{pasted}");
        }
        if let Some(referrer) = self.referrer {
            text(out, "referrer", referrer);
        }
        if let Some(time) = self.captcha_time {
            length(out, "captcha_time", time);
        }
    }
}

/// Appends `,"field":"text"`.
pub(crate) fn text(out: &mut String, field: &str, value: &str) {
    let _ = write!(out, ",\"{field}\":");
    write_text(out, value);
}

fn name(out: &mut String, field: &str, number: u64) {
    let _ = write!(out, ",\"{field}\":\"{}\"", Token::new(number).as_str());
}

fn truth(out: &mut String, field: &str, value: bool) {
    let _ = write!(out, ",\"{field}\":{value}");
}

/// Appends a length of time in seconds, to the millisecond, as a browser's clock gives it.
fn length(out: &mut String, field: &str, micros: i64) {
    let millis = (micros.max(0) + 500) / 1_000;
    let _ = write!(out, ",\"{field}\":\"{}.{:03}s\"", millis / (SECOND / 1_000), millis % 1_000);
}
