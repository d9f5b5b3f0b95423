// SPDX-License-Identifier: Apache-2.0
//! Keyed hashes that stand in the place of values: equal for equal values, and nothing else of them.
//!
//! SipHash-2-4 with 128 bits under a key of the installation's own, which is kept apart from the counters' secret, for it is
//! changed now and then: values hashed under two keys cannot be told to be one. A hash says which key it was made under.
//! Whoever has the key can try values; who has only the data cannot.

use siphasher::sip128::{Hasher128, SipHasher24};
use std::fmt;
use std::hash::Hasher;
use wardroom_event::{Type, Value};

/// Digits of a hash: Base32 without digits that look like letters (RFC 4648), in small letters.
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A key that values are hashed under, and the number that their hashes name it by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey {
    /// Its number, from 1.
    pub id: u32,
    /// 128 random bits.
    pub bytes: [u8; 16],
}

/// Shows nothing of the key.
impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashKey({})", self.id)
    }
}

/// The keys of an installation, the newest last.
#[derive(Clone, Debug, Default)]
pub struct HashKeys(Vec<HashKey>);

impl HashKeys {
    /// These keys, the newest last.
    pub fn new(keys: Vec<HashKey>) -> HashKeys {
        HashKeys(keys)
    }

    /// The keys, the newest last.
    pub fn keys(&self) -> &[HashKey] {
        &self.0
    }

    /// What stands in the place of a value from now on. Without a key it is what it was: where nothing is kept.
    pub fn pseudonym(&self, kind: Type, value: &Value) -> Value {
        self.0.last().map_or_else(|| value.clone(), |key| of(key, kind, value))
    }

    /// What stood in its place, under each of the keys.
    pub fn all(&self, kind: Type, value: &Value) -> Vec<Value> {
        self.0.iter().map(|key| of(key, kind, value)).collect()
    }
}

/// `h1.` and 26 letters and digits; an e-mail address keeps its domain, which is not a person.
fn of(key: &HashKey, kind: Type, value: &Value) -> Value {
    let Value::Text(text) = value else { return Value::Missing };
    let mut hasher = SipHasher24::new_with_key(&key.bytes);
    hasher.write(b"wardroom value");
    hasher.write(text.as_bytes());
    let bits = hasher.finish128().as_u128();
    let digits = (0..26).rev().map(|n| char::from(DIGITS[(bits >> (5 * n)) as usize & 31]));
    let mut out = format!("h{}.", key.id);
    out.extend(digits);
    if let (Type::Email, Some((_, domain))) = (kind, text.rsplit_once('@')) {
        out.push('@');
        out.push_str(domain);
    }
    Value::Text(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    #[test]
    fn hashes_are_equal_for_equal_values_under_one_key_and_never_else() {
        let key = |id, fill| HashKey { id, bytes: [fill; 16] };
        let keys = HashKeys::new(vec![key(1, 1), key(2, 2)]);
        let alice = keys.pseudonym(Type::Account, &text("alice"));
        assert_eq!(alice, keys.pseudonym(Type::Text, &text("alice")), "fields of two types can be compared");
        assert_ne!(alice, keys.pseudonym(Type::Account, &text("alicf")));
        let all = keys.all(Type::Account, &text("alice"));
        assert!(all.len() == 2 && all[0] != all[1] && all[1] == alice, "{all:?}");
        assert_ne!(alice, HashKeys::new(vec![key(2, 3)]).pseudonym(Type::Account, &text("alice")));
        assert_eq!(HashKeys::default().pseudonym(Type::Account, &text("alice")), text("alice"));
        // A hash is a value like others: whoever sends one is not who it stands for.
        assert_ne!(keys.pseudonym(Type::Account, &alice), alice);
        let Value::Text(mail) = keys.pseudonym(Type::Email, &text("a@example.org")) else { panic!() };
        assert!(mail.starts_with("h2.") && mail.ends_with("@example.org") && mail.len() == 29 + 12, "{mail}");
        assert_eq!(keys.pseudonym(Type::Account, &Value::Missing), Value::Missing);
        assert_eq!(format!("{keys:?}"), "HashKeys([HashKey(1), HashKey(2)])");
    }

    /// The hash is in the journal for good: the expected digits come from another implementation.
    #[test]
    fn hashes_never_change() {
        let keys = HashKeys::new(vec![HashKey { id: 1, bytes: *b"0123456789abcdef" }]);
        assert_eq!(keys.pseudonym(Type::Account, &text("alice")), text("h1.fbg7bvwjxjvl25n3y2i7c6jcc2"));
    }
}
