// SPDX-License-Identifier: Apache-2.0
//! Every message of the log: its id, by which a product translates it, and its English text with the names of its parameters
//! in braces.

use std::collections::BTreeMap;

/// Id and English text of every message, and of every word that stands in one.
pub const MESSAGES: &[(&str, &str)] = &[
    ("login.ok", "Somebody logged in to your account"),
    ("login.ok_with", "Somebody logged in to your account with {factor}"),
    ("login.right", "Somebody gave the right password for your account"),
    ("login.right_with", "Somebody gave {factor} for your account"),
    ("login.wrong", "Somebody tried to log in to your account and failed"),
    ("login.wrong_many", "{count} failed attempts to log in to your account"),
    ("session.used", "A session that was open already was used"),
    ("step_up.ok", "A security check was passed with {factor}"),
    ("step_up.failed", "A security check was failed"),
    ("recovery.asked", "Somebody asked to get back into your account {channel}"),
    ("recovery.proved", "Somebody who wants back into your account passed a check {channel}"),
    ("recovery.failed", "Somebody tried to get back into your account {channel} and failed"),
    ("recovery.done", "Somebody got back into your account {channel}"),
    ("setting.asked", "Somebody asked for a change: {setting}"),
    ("setting.due", "A change was to take effect: {setting}"),
    ("setting.undone", "A change was called off: {setting}"),
    ("verification.ok", "Your {channel} was confirmed"),
    ("verification.failed", "Your {channel} was not confirmed"),
    ("report.mine", "You told us that something was you"),
    ("report.not_mine", "You told us that something was not you"),
    ("from.place", "from {country}, address {address}"),
    ("from.country", "from {country}"),
    ("from.address", "from the address {address}"),
    ("from.places", "from {count} networks in {country}"),
    ("from.networks", "from {count} networks"),
    ("from.unknown", "from where is not known"),
    ("with.program", "with {program}"),
    ("with.program_on", "with {program} on {system}"),
    ("did.allowed", "We let it through."),
    ("did.failed", "Nobody got in."),
    ("did.noted", "We noted it."),
    ("did.slowed", "We slowed it down."),
    ("did.asked", "We asked for {proof} before going on."),
    ("did.asked_more", "We asked for more proof before going on."),
    ("did.held", "We put it on hold: nothing comes of it until it has been looked at."),
    ("did.waits", "We put it on hold: it does not take effect before a delay is over."),
    ("did.refused", "We refused it."),
    ("can.nothing", "You need not do anything."),
    ("can.not_me", "If this was not you, tell us: we end all sessions, and a person looks at it."),
    ("can.call_off", "If you do not want this, call it off in your settings before it takes effect."),
    ("can.password", "If you use this password elsewhere, use another one here."),
    ("can.support", "If you need help, write to support and name the time of this entry."),
    ("factor.password", "the password"),
    ("factor.one_time_code", "the password and a one-time code"),
    ("factor.text_message", "the password and a text message"),
    ("factor.passkey", "a passkey"),
    ("factor.security_key", "a security key"),
    ("factor.recovery_code", "a recovery code"),
    ("factor.link", "a link"),
    ("factor.captcha", "a captcha"),
    ("by.email", "by mail"),
    ("by.phone", "by phone"),
    ("by.recovery_code", "by a recovery code"),
    ("by.support", "by asking support"),
    ("channel.email", "mail address"),
    ("channel.phone", "phone number"),
    ("setting.password", "a new password"),
    ("setting.recovery_email", "another mail address for recovery"),
    ("setting.recovery_phone", "another phone number for recovery"),
    ("setting.two_factor_on", "two-factor authentication turned on"),
    ("setting.two_factor_off", "two-factor authentication turned off"),
    ("setting.passkey_added", "a new passkey"),
    ("setting.forwarding", "your mail forwarded to another address"),
    ("setting.filter", "a new filter for your mail"),
    ("setting.api_key", "a new key for programs"),
    ("setting.app_password", "a new password for an app"),
    ("setting.export", "a copy of all your data"),
    ("setting.delegate", "somebody else given access"),
    ("setting.delete", "your account deleted"),
    ("setting.sentinel_on", "stronger protection turned on"),
    ("setting.sentinel_off", "stronger protection turned off"),
    ("proof.second factor", "a second factor"),
    ("proof.security key", "a security key or passkey"),
    ("proof.captcha", "a captcha"),
    ("proof.email link", "a click on a link in a mail"),
];

/// A message with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Its id: one of [`MESSAGES`].
    pub id: &'static str,
    /// Its parameters: as they came (`de`, `one_time_code`), for who translates.
    pub params: BTreeMap<&'static str, String>,
    /// It in English.
    pub text: String,
}

impl Words {
    /// A message; each parameter by its name, with its value and how that reads in English.
    pub(super) fn new(id: &'static str, params: &[(&'static str, &str, &str)]) -> Words {
        let template = english(id).unwrap_or(id);
        let (mut text, mut rest) = (String::new(), template);
        // From left to right, so that a brace in a value is only text.
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, behind)) = after.split_once('}') else { break };
            text.push_str(params.iter().find(|(of, ..)| *of == name).map_or("", |(.., shown)| shown));
            rest = behind;
        }
        text.push_str(rest);
        let params = params.iter().map(|(name, value, _)| (*name, (*value).to_owned())).collect();
        Words { id, params, text }
    }

    /// One without parameters.
    pub(super) fn plain(id: &'static str) -> Words {
        Words::new(id, &[])
    }
}

/// The English text of a message.
fn english(id: &str) -> Option<&'static str> {
    MESSAGES.iter().find(|(known, _)| *known == id).map(|(_, text)| *text)
}

/// How a value reads in English: by a word of [`MESSAGES`], or with its underscores as spaces.
pub(super) fn word(kind: &str, value: &str) -> String {
    english(&format!("{kind}.{value}")).map_or_else(|| value.replace('_', " "), str::to_owned)
}
