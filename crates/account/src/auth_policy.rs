// SPDX-License-Identifier: Apache-2.0
//! What a mail server asks before and after it looks at a password: the protocol of weakforced, which Dovecot speaks as
//! `auth_policy`.
//!
//! `allow` comes before the password is looked at, and once more after it was found right. The two bodies are the same, unless
//! Dovecot is told to say `authenticated` in the second (the configuration in examples/dovecot does). The first becomes an
//! `attempt`, the second a `login` that succeeded; `report` becomes a `login` with its outcome. A success is told by the second
//! `allow` and by `report`: both have the same id, and count once. A `report` with `policy_reject` counts nothing: whoever was
//! refused before the password was looked at has not failed at it, and whoever was refused after it is counted already.
//!
//! # What `pwhash` is
//!
//! Twelve bits of a hash over a nonce, the user name and the password. At one account it tells one password tried again from
//! another; across accounts it says nothing. So the field `password` is made of it together with the account: at two accounts it
//! is never the same, and nothing is taken for spraying that is a collision of twelve bits.

use crate::limits;
use crate::sheet::{self, Making};
use crate::step::Step;
use crate::tag::Tags;
use serde::Serialize;
use std::net::IpAddr;
use wardroom_event::{Draft, Faults};

/// The name of the door, as events have it in `source`.
const DOOR: &str = "auth-policy";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// May they go on?
    Allow,
    /// This came of it.
    Report,
    /// Forget what is known of them.
    Reset,
    /// Are you there?
    Ping,
}

impl Command {
    /// The command of that name.
    pub fn named(name: &str) -> Option<Command> {
        Some(match name {
            "allow" => Command::Allow,
            "report" => Command::Report,
            "reset" => Command::Reset,
            "ping" => Command::Ping,
            _ => return None,
        })
    }
}

/// The body of `allow` and `report`.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// The account, in lower case: mail servers take names in any.
    login: String,
    remote: Option<IpAddr>,
    protocol: Option<String>,
    program: Option<String>,
    session: Option<String>,
    pwhash: Option<String>,
    authenticated: bool,
    success: bool,
    policy_reject: bool,
}

/// Shows nothing of whom it is about, nor of the password.
impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Question(…)")
    }
}

impl Question {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is no JSON object, or too large.
    pub fn read(bytes: &[u8]) -> Result<Question, Faults> {
        let sheet = sheet::read(bytes, limits::AUTH_POLICY_BYTES)?;
        let text = |name: &str| sheet::text(&sheet, name);
        Ok(Question {
            login: text("login").unwrap_or_default().to_lowercase(),
            remote: sheet::address(&sheet, "remote"),
            protocol: text("protocol").map(protocol),
            program: text("device_id").and_then(program),
            session: text("session_id").map(str::to_owned),
            pwhash: text("pwhash").map(str::to_owned),
            authenticated: text("authenticated").is_some() || sheet::truth(&sheet, "authenticated"),
            success: sheet::truth(&sheet, "success"),
            policy_reject: sheet::truth(&sheet, "policy_reject"),
        })
    }

    /// The event of `allow`; none where nobody is named, or no address: a test from the server's own command line.
    pub fn asked(&self, tags: &Tags) -> Option<Draft<'static>> {
        if self.authenticated {
            return self.login(true, tags);
        }
        Some(self.common(Making::of("attempt", DOOR), tags)?.made())
    }

    /// The event of `report`; none where it tells nothing that was not told.
    pub fn reported(&self, tags: &Tags) -> Option<Draft<'static>> {
        if self.policy_reject {
            return None;
        }
        self.login(self.success, tags)
    }

    fn login(&self, ok: bool, tags: &Tags) -> Option<Draft<'static>> {
        let pwhash = self.pwhash.as_deref().unwrap_or_default();
        let id = self.session.as_deref().map(|session| {
            let outcome = if ok { "ok" } else { "failed" };
            tags.tag("auth-policy.login", &[session, &self.login, pwhash, outcome])
        });
        let login = Making::of("login", DOOR).id(id.as_deref()).truth("ok", Some(ok));
        let login = self.common(login, tags)?;
        Some(login.name("session", self.session.as_deref().filter(|_| ok)).made())
    }

    fn common(&self, making: Making, tags: &Tags) -> Option<Making> {
        if self.login.is_empty() {
            return None;
        }
        let password =
            self.pwhash.as_deref().map(|hash| tags.tag("auth-policy.password", &[&self.login, hash]));
        let making = making.name("account", Some(&self.login)).ip(self.remote?);
        let making =
            making.name("protocol", self.protocol.as_deref()).text("user_agent", self.program.as_deref());
        Some(making.name("password", password.as_deref()))
    }
}

/// Dovecot's names of services, in the words of the account pack.
pub(crate) fn protocol(name: &str) -> String {
    match name {
        "submission" | "smtps" | "submissions" => "smtp".to_owned(),
        "imaps" => "imap".to_owned(),
        "pop3s" => "pop3".to_owned(),
        "managesieve" => "sieve".to_owned(),
        other => other.to_lowercase(),
    }
}

/// The program of an IMAP `ID` (`"name" "Thunderbird" "version" "128.0"`) as browsers would say it; any other text as it is.
fn program(id: &str) -> Option<String> {
    let mut quoted = id.split('"').skip(1).step_by(2).take(2 * limits::ID_PAIRS);
    let (mut name, mut version) = (None, None);
    while let (Some(key), Some(value)) = (quoted.next(), quoted.next()) {
        match key {
            _ if key.eq_ignore_ascii_case("name") => name = Some(value),
            _ if key.eq_ignore_ascii_case("version") => version = Some(value),
            _ => {}
        }
    }
    match (name, version) {
        (Some(name), Some(version)) => Some(format!("{name}/{version}")),
        (Some(name), None) => Some(name.to_owned()),
        (None, _) if id.contains('"') => None,
        (None, _) => Some(id.to_owned()),
    }
}

/// The answer to `allow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// 0 lets on, -1 refuses, more is how many seconds to wait first.
    pub status: i32,
    /// What a mail program shows to its user. It names nobody: whoever guesses reads it too.
    pub msg: &'static str,
}

/// What a mail server can do of a step. A mail program can be asked for nothing: what would be asked for on the web is a refusal
/// here that says what to do.
pub fn answer(step: Step<'_>) -> Answer {
    let (status, msg) = match step {
        Step::LetIn | Step::LetInAndTell => (0, ""),
        Step::SlowDown { seconds } => (i32::from(seconds), ""),
        Step::StepUp { .. } => (-1, "Log in on the web first, or use an app password."),
        Step::Hold => (-1, "This login waits for a check. Log in on the web to see what to do."),
        Step::Refuse => (-1, "This login was refused. If it was you, log in on the web or ask for help."),
    };
    Answer { status, msg }
}

#[cfg(test)]
mod tests;
