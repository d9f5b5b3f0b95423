// SPDX-License-Identifier: Apache-2.0
//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side: neither end shows the other what it could be imitated with.
//!
//! What is kept of a key is a verifier in PostgreSQL's own form, `SCRAM-SHA-256$4096:salt$stored:server`. It cannot be made
//! of the plain hash that HTTP needs, so it is made when a key is, and keys from before have none. A user that no key
//! has goes through the same steps with a made-up verifier, always the same one for the same name, and fails at the end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac};

/// What is kept of a password: nothing that lets in who reads it.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    salt: Vec<u8>,
    rounds: u32,
    stored: [u8; 32],
    server: [u8; 32],
}

/// Most rounds that are believed: what a client is made to reckon.
const MOST_ROUNDS: u32 = 1_000_000;
/// Longest salt, in bytes.
const SALT_BYTES: usize = 64;
/// Longest random part of a client, in characters.
const NONCE_CHARS: usize = 256;

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(…)")
    }
}

impl Verifier {
    /// Reads PostgreSQL's form.
    pub fn parse(text: &str) -> Option<Verifier> {
        let (head, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (rounds, salt) = head.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        let rounds = rounds.parse().ok().filter(|n| (1..=MOST_ROUNDS).contains(n))?;
        let salt = BASE64.decode(salt).ok().filter(|salt| !salt.is_empty() && salt.len() <= SALT_BYTES)?;
        let key = |text: &str| BASE64.decode(text).ok()?.try_into().ok();
        Some(Verifier { salt, rounds, stored: key(stored)?, server: key(server)? })
    }
}

/// An exchange under way: the server has answered the client's first message.
pub(super) struct Exchange {
    verifier: Verifier,
    header: String,
    nonce: String,
    /// What both sign: the client's first message, the server's, and the start of the client's last.
    said: String,
}

/// Answers a client's first message. Gives what to say; nothing where the message is none.
pub(super) fn begin(verifier: Verifier, first: &str, random: &[u8; 18]) -> Option<(Exchange, String)> {
    // `n`: no channel binding. `y`: the client could, and we did not offer it. `p` asks for what was not offered.
    let mut parts = first.splitn(3, ',');
    let (flag, authzid, bare) = (parts.next()?, parts.next()?, parts.next()?);
    if !matches!(flag, "n" | "y") || !(authzid.is_empty() || authzid.starts_with("a=")) {
        return None;
    }
    let mut fields = bare.split(',');
    fields.next().filter(|user| user.starts_with("n="))?;
    let theirs = fields.next()?.strip_prefix("r=")?;
    if theirs.is_empty() || theirs.len() > NONCE_CHARS {
        return None;
    }
    let nonce = format!("{theirs}{}", BASE64.encode(random));
    let answer = format!("r={nonce},s={},i={}", BASE64.encode(&verifier.salt), verifier.rounds);
    let said = format!("{bare},{answer}");
    let header = BASE64.encode(format!("{flag},{authzid},"));
    Some((Exchange { verifier, header, nonce, said }, answer))
}

impl Exchange {
    /// Checks a client's last message. Gives what to say to who has the password.
    pub(super) fn end(self, last: &str) -> Option<String> {
        let (bare, proof) = last.rsplit_once(",p=")?;
        let mut fields = bare.split(',');
        let binding = fields.next()?.strip_prefix("c=")?;
        let nonce = fields.next()?.strip_prefix("r=")?;
        if binding != self.header || nonce != self.nonce {
            return None;
        }
        let proof: [u8; 32] = BASE64.decode(proof).ok()?.try_into().ok()?;
        let said = format!("{},{bare}", self.said);
        let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.verifier.stored), said.as_bytes());
        let mut key = proof;
        key.iter_mut().zip(signed.as_ref()).for_each(|(a, b)| *a ^= b);
        let stored = digest::digest(&digest::SHA256, &key);
        if !same(stored.as_ref(), &self.verifier.stored) {
            return None;
        }
        let server = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.verifier.server), said.as_bytes());
        Some(format!("v={}", BASE64.encode(server.as_ref())))
    }
}

/// Compares all bytes whatever they are: time tells nothing about where two differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0u8, |acc, (a, b)| std::hint::black_box(acc | (a ^ b)));
    a.len() == b.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677's own example: user `user`, password `pencil`.
    #[test]
    fn the_example_of_the_standard() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let mut salted = [0; 32];
        let rounds = std::num::NonZeroU32::new(4096).unwrap();
        ring::pbkdf2::derive(ring::pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, b"pencil", &mut salted);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        let client = hmac::sign(&key, b"Client Key");
        let stored = digest::digest(&digest::SHA256, client.as_ref());
        let server = hmac::sign(&key, b"Server Key");
        let text = format!(
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==${}:{}",
            BASE64.encode(stored.as_ref()),
            BASE64.encode(server.as_ref())
        );
        let verifier = Verifier::parse(&text).unwrap();
        let exchange = || {
            Exchange {
            verifier: verifier.clone(),
            header: "biws".into(),
            nonce: "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".into(),
            said: "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".into(),
        }
        };
        let last = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(exchange().end(last).unwrap(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        for bad in [
            last.replace("p=d", "p=e"),
            last.replace("biws", "eSws"),
            last.replace("$k0", "$k1"),
            String::new(),
        ] {
            assert_eq!(exchange().end(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_first_message_that_is_none_is_refused() {
        let verifier = Verifier { salt: vec![1; 16], rounds: 4096, stored: [2; 32], server: [3; 32] };
        let begin = |first: &str| begin(verifier.clone(), first, &[0; 18]).map(|(_, said)| said);
        assert!(begin("n,,n=,r=abc").unwrap().starts_with("r=abcAAAA"));
        assert!(begin("y,,n=,r=abc").is_some());
        for bad in ["", "p=tls-server-end-point,,n=,r=abc", "n,,r=abc", "n,,n=,r=", "n,x,n=,r=abc"] {
            assert_eq!(begin(bad), None, "{bad}");
        }
        assert_eq!(Verifier::parse("SCRAM-SHA-256$0:AA==$AA==:AA=="), None);
    }
}
