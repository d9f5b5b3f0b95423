// SPDX-License-Identifier: Apache-2.0
//! A password on its way into two facts about it.
//!
//! Whoever asks sends a hash of the password, `password_sha1`, beside the fields of the event. It becomes `password`, which is the
//! same for the same password at any account, and is forgotten: it is no field of any event, stands in no error, and nothing logs
//! bodies.

use super::{asks_for, tags};
use crate::api::Api;
use crate::problem::Problem;
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
            let tag = tags(api).tag(of.0, &[&hash]);
            made.get_or_insert_with(|| tag.chars().take(DIGITS).collect::<String>());
        }
    }
    if let Some(made) = made.filter(|_| asks_for(api, &draft.kind, "password")) {
        draft.fields.push(("password".into(), Raw::Text(made.into())));
    }
    Ok(())
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
