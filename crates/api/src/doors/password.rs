// SPDX-License-Identifier: Apache-2.0
//! A password on its way into two facts about it.
//!
//! Whoever asks sends a hash of the password, `password_sha1`, beside the fields of the event. It becomes `password`, which is the
//! same for the same password at any account, and `breached` where breached passwords are known, and is forgotten: it is no field
//! of any event, stands in no error, and nothing logs bodies.

use super::{asks_for, tags};
use crate::api::Api;
use crate::problem::Problem;
use wardroom_account::breach::{PasswordFacts, Sha1};
use wardroom_event::{Draft, Faults, Raw};

/// The member that comes, and the digits of its hash.
const SHA1: (&str, usize) = ("password_sha1", 40);
/// The same of a password that only its NT hash is known of.
const NTLM: (&str, usize) = ("password_ntlm", 32);
/// How many digits of its tag are kept: enough to tell a password that is tried everywhere, and too few to find it by.
const DIGITS: usize = 4;

/// Puts facts about a password in the place of its hash.
///
/// # Errors
/// What is there is no such hash. The message says nothing of it.
pub(super) fn forget(api: &Api, draft: &mut Draft<'_>) -> Result<(), Problem> {
    let mut made = None;
    for of in [SHA1, NTLM] {
        if let Some(hash) = take(draft, of)? {
            made.get_or_insert_with(|| facts(api, of.0, &hash));
        }
    }
    let Some(PasswordFacts { password, breached }) = made else { return Ok(()) };
    if asks_for(api, &draft.kind, "password") {
        draft.fields.push(("password".into(), Raw::Text(password.into())));
    }
    // Who looked it up before has said so, and is believed.
    let is_told = draft.fields.iter().any(|(name, _)| name == "breached");
    if let Some(breached) = breached.filter(|_| !is_told && asks_for(api, &draft.kind, "breached")) {
        draft.fields.push(("breached".into(), Raw::Int(i64::try_from(breached).unwrap_or(i64::MAX))));
    }
    Ok(())
}

/// What an event may say of it. Of an NT hash nobody knows how often it is in breaches: the filter is of SHA-1.
fn facts(api: &Api, name: &str, hash: &str) -> PasswordFacts {
    let sha1 = Sha1::from_hex(hash).filter(|_| name == SHA1.0);
    match (&api.options().breach, sha1) {
        (Some(breach), Some(sha1)) => breach.facts(&sha1),
        _ => {
            let password = tags(api).tag(name, &[hash]).chars().take(DIGITS).collect();
            PasswordFacts { password, breached: None }
        }
    }
}

/// Takes a hash out of the fields, in small letters.
fn take(draft: &mut Draft<'_>, (name, digits): (&str, usize)) -> Result<Option<String>, Problem> {
    let Some(place) = draft.fields.iter().position(|(n, _)| n == name) else { return Ok(None) };
    let (_, raw) = draft.fields.remove(place);
    let hash = match raw {
        Raw::Null => return Ok(None),
        Raw::Text(text) if text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            text.to_ascii_lowercase()
        }
        _ => return Err(wrong(draft, name, digits)),
    };
    match draft.fields.iter().any(|(n, _)| n == name) {
        true => Err(wrong(draft, name, digits)),
        false => Ok(Some(hash)),
    }
}

fn wrong(draft: &Draft<'_>, name: &str, digits: usize) -> Problem {
    let what = if name == SHA1.0 { "the SHA-1" } else { "the NT hash" };
    let message = format!("`{name}` is {what} of the password as {digits} hex digits, given once");
    Faults::one(format!("{}/{name}", draft.prefix), "wrong_type", message).into()
}
