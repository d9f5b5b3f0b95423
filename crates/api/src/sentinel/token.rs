// SPDX-License-Identifier: Apache-2.0
//! The token in a link "this was not me": which event, until when, and a proof that it was made here.
//!
//! It names no account, for links end up in logs of proxies. It is bound to the event's identity as well as to its number, since
//! a restore gives numbers again; and it is good for this one act, since its key is made for that alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{HMAC_SHA256, Key, sign, verify};
use wardroom_event::Micros;

/// Number, expiry, what it is bound to, proof.
const BYTES: usize = 8 + 8 + 8 + 32;
const SIGNED: usize = 24;

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The record of the event.
    pub(super) seq: u64,
    /// Until when it is good.
    pub(super) until: Micros,
    bound: [u8; 8],
}

/// Makes and checks tokens.
pub(super) struct Mint(Key);

impl Mint {
    /// Of an installation's secret.
    pub(super) fn new(secret: &[u8; 16]) -> Mint {
        let root = Key::new(HMAC_SHA256, secret);
        Mint(Key::new(HMAC_SHA256, sign(&root, b"wardroom not-me 1").as_ref()))
    }

    /// A token for an event of an account.
    pub(super) fn make(&self, seq: u64, until: Micros, event: (&str, &str), account: &str) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(seq.to_be_bytes());
        bytes.extend(until.0.to_be_bytes());
        bytes.extend(self.binding(event, account));
        bytes.extend(sign(&self.0, &bytes).as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a token says, if it was made here. Whether it is still good, and of which event, is another question.
    pub(super) fn read(&self, text: &str) -> Option<Token> {
        // Before it is decoded: anybody can send anything.
        if text.len() != BYTES.div_ceil(3) * 4 - 1 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == BYTES)?;
        let (signed, proof) = bytes.split_at(SIGNED);
        verify(&self.0, signed, proof).ok()?;
        let eight = |at: usize| signed.get(at..at + 8)?.try_into().ok();
        Some(Token {
            seq: u64::from_be_bytes(eight(0)?),
            until: Micros(i64::from_be_bytes(eight(8)?)),
            bound: eight(16)?,
        })
    }

    /// Whether a token is about this event.
    pub(super) fn is_about(&self, token: &Token, event: (&str, &str), account: &str) -> bool {
        token.bound == self.binding(event, account)
    }

    fn binding(&self, (source, id): (&str, &str), account: &str) -> [u8; 8] {
        let mut text = Vec::new();
        for part in ["bound", source, id, account] {
            text.extend((part.len() as u64).to_be_bytes());
            text.extend(part.as_bytes());
        }
        let mut bound = [0; 8];
        bound.copy_from_slice(&sign(&self.0, &text).as_ref()[..8]);
        bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL: Micros = Micros(1_767_614_400_000_000);
    const EVENT: (&str, &str) = ("/edge", "e-1");

    #[test]
    fn a_token_says_what_it_was_made_for() {
        let mint = Mint::new(&[7; 16]);
        let text = mint.make(42, UNTIL, EVENT, "ann");
        let token = mint.read(&text).unwrap();
        assert_eq!((token.seq, token.until), (42, UNTIL));
        assert!(mint.is_about(&token, EVENT, "ann"));
        assert!(!mint.is_about(&token, EVENT, "bob"));
        assert!(!mint.is_about(&token, ("/edge", "e-2"), "ann"));
        assert!(!mint.is_about(&token, ("/edge/e", "-1"), "ann"));
        assert!(
            !text.contains("ann") && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
        assert_eq!(Mint::new(&[8; 16]).read(&text), None, "another installation's");
    }

    #[test]
    fn a_token_with_anything_changed_is_none() {
        let mint = Mint::new(&[7; 16]);
        let text = mint.make(42, UNTIL, EVENT, "ann");
        for at in 0..text.len() {
            for other in ["A", "B", "-", "_", "9"] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, other);
                assert!(changed == text || mint.read(&changed).is_none(), "{at} {other}");
            }
            assert_eq!(mint.read(&text[..at]), None);
        }
        for wrong in [
            "",
            "x",
            "../../etc/passwd",
            &"A".repeat(75),
            &"é".repeat(37),
            &format!("{text}A"),
            &"A".repeat(1 << 16),
        ] {
            assert_eq!(mint.read(wrong), None);
        }
    }
}
