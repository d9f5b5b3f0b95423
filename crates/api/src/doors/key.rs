// SPDX-License-Identifier: Apache-2.0
//! Keys as programs send them that cannot send `Authorization: Bearer`.

use crate::api::Api;
use crate::keys::{Held, Role};
use crate::problem::Problem;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

/// What Dovecot sends where its setting names no header.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Lets in whose key has `role`, sent as bearer token, as the password of Basic authentication under any name, or alone.
pub(super) fn admit(api: &Api, headers: &HeaderMap, role: Role) -> Result<Arc<Held>, Problem> {
    let sent = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let alone = headers.get(API_KEY).map(|key| [b"Bearer ", key.as_bytes()].concat());
    let other = sent.and_then(basic).or(alone.filter(|_| sent.is_none()));
    api.admit_sent(other.as_deref().or(sent), role)
}

/// `Basic` with a password, as a bearer token.
fn basic(authorization: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = authorization.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let pair = STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = pair.iter().position(|b| *b == b':')?;
    Some([b"Bearer ", &pair[colon + 1..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_pair_is_the_key() {
        let check = |sent: &str, expect: Option<&str>| {
            assert_eq!(basic(sent.as_bytes()).as_deref(), expect.map(str::as_bytes), "{sent}");
        };
        check(&format!("Basic {}", STANDARD.encode("wforce:wk_1_2")), Some("Bearer wk_1_2"));
        check(&format!("bAsIc {}", STANDARD.encode(":wk:1")), Some("Bearer wk:1"));
        check(&format!("Basic {}", STANDARD.encode("nothing")), None);
        check("Basic !!", None);
        check("Bearer wk_1_2", None);
        check("B", None);
    }
}
