// SPDX-License-Identifier: Apache-2.0
//! What is kept of a key for SCRAM-SHA-256, by which SQL clients prove that they hold it without showing it.
//!
//! In PostgreSQL's own form, `SCRAM-SHA-256$4096:salt$stored:server` (RFC 5802, RFC 7677). It is made of the whole key as
//! it is shown to its owner, who gives that as the password. Reading it lets nobody in, as with the plain hash beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;

/// The fewest that the standard allows: a key has 128 random bits, so that more would cost time and gain nothing.
const ROUNDS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// What is kept of this key.
pub(crate) fn verifier(token: &str, salt: &[u8; 16]) -> String {
    let mut salted = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt, token.as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let stored = digest::digest(&digest::SHA256, hmac::sign(&key, b"Client Key").as_ref());
    let server = hmac::sign(&key, b"Server Key");
    let text = |bytes: &[u8]| BASE64.encode(bytes);
    format!("SCRAM-SHA-256${ROUNDS}:{}${}:{}", text(salt), text(stored.as_ref()), text(server.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verifier of RFC 7677's example: password `pencil`.
    #[test]
    fn the_example_of_the_standard() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let expect = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                      wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert_eq!(verifier("pencil", &salt), expect);
    }
}
