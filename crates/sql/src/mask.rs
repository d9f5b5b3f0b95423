// SPDX-License-Identifier: Apache-2.0
//! Identifiers of people as a session without the role `reveal` sees them: `al…·4k2m9q7x`.
//!
//! The first part is what masked identifiers are everywhere. The second is a pseudonym: a keyed hash, so that two
//! accounts beginning with the same letters stay two, and counting, grouping and joining give the right figures. All of
//! SQL works on these texts, filters too: a whole identifier never gets past the table's scan, so that no comparison, no
//! pattern and no timing of one can be asked about it. The key is made with the session and lost with it; pseudonyms of
//! two sessions have nothing to do with each other. What remains: who makes an event of their own can find its pseudonym
//! in that session.

use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use wardroom_event::{Sight, Type, Value};

/// What a session's pseudonyms are made with.
#[derive(Clone)]
pub struct Mask([u8; 16]);

/// Bits of a pseudonym, five a letter: among 100,000 accounts two share one with a chance of one in 200.
const LETTERS: usize = 8;
/// Letters and digits without those that are taken for one another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mask(…)")
    }
}

impl Mask {
    /// With this key, which nobody may know.
    pub fn new(key: [u8; 16]) -> Mask {
        Mask(key)
    }

    /// What is shown of `text`, an identifier of this type.
    pub(crate) fn mask(&self, kind: Type, text: &str) -> String {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(text.as_bytes());
        let hash = hasher.finish();
        let mut shown = Value::Text(text.into()).show(kind, Sight::Masked);
        shown.push('·');
        shown.extend((0..LETTERS).map(|at| char::from(ALPHABET[(hash >> (at * 5)) as usize % 32])));
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_tells_two_apart_and_is_of_its_key() {
        let (mask, other) = (Mask::new([1; 16]), Mask::new([2; 16]));
        let alice = mask.mask(Type::Account, "alice");
        assert!(alice.starts_with("al…·") && alice.chars().count() == 12, "{alice}");
        assert_eq!(alice, mask.mask(Type::Account, "alice"));
        assert_ne!(alice, mask.mask(Type::Account, "alina"));
        assert_ne!(alice, other.mask(Type::Account, "alice"));
        assert!(mask.mask(Type::Email, "alice@example.org").starts_with("al…@example.org·"));
    }
}
