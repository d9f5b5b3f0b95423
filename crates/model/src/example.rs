// SPDX-License-Identifier: Apache-2.0
//! What is learned from: tokens in views.
//!
//! A token is the hash of a kind and of bytes, 32 bits of it; a table takes as many of the upper bits as it has. Hashes are
//! kept in place of words, so a model holds nothing that can be read back, and whoever wants to know what a token stands for
//! asks for [`Words`] while the example is made.

use std::collections::BTreeMap;

use crate::limits;

/// A view: what it is called, and how large its table of weights is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The name for programs: lower case, words joined by `_`.
    pub name: &'static str,
    /// What it looks at, for people.
    pub words: &'static str,
    /// The table has 2 to the power of this many weights.
    pub bits: u32,
}

/// The views of an ensemble, in their order.
pub type Layout = &'static [View];

/// One example: the tokens of each view, each token once, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Example {
    views: Vec<Vec<u32>>,
}

impl Example {
    /// The tokens of a view; none where the example has no such view.
    pub fn tokens(&self, view: usize) -> &[u32] {
        self.views.get(view).map_or(&[], Vec::as_slice)
    }

    /// The same without what a view says, for ablations.
    pub fn without(&self, view: usize) -> Self {
        let mut views = self.views.clone();
        if let Some(tokens) = views.get_mut(view) {
            tokens.clear();
        }
        Self { views }
    }
}

/// What tokens stand for, by view and token. Where several fall on one token, the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(BTreeMap<(usize, u32), String>);

impl Words {
    /// The words of a token.
    pub fn of(&self, view: usize, token: u32) -> Option<&str> {
        self.0.get(&(view, token)).map(String::as_str)
    }
}

/// Makes an example, token by token.
#[derive(Debug)]
pub struct Writer {
    views: Vec<Vec<u32>>,
    words: Option<Words>,
}

impl Writer {
    /// Of as many views.
    pub fn new(views: usize) -> Self {
        Self { views: vec![Vec::new(); views.min(limits::VIEWS)], words: None }
    }

    /// The same, and it keeps what the tokens stand for: for explanations, since it takes many times as long.
    #[must_use]
    pub fn telling(mut self) -> Self {
        self.words = Some(Words::default());
        self
    }

    /// Adds a token: bytes of a kind, seen in a view.
    pub fn token(&mut self, view: usize, kind: &str, bytes: &[u8]) {
        let seed = seed(kind);
        self.hashed(view, kind, seed, bytes);
    }

    /// Adds all n-grams of `size` bytes.
    pub fn grams(&mut self, view: usize, kind: &str, bytes: &[u8], size: usize) {
        let seed = seed(kind);
        for gram in bytes.windows(size.max(1)) {
            self.hashed(view, kind, seed, gram);
        }
    }

    fn hashed(&mut self, view: usize, kind: &str, seed: u64, bytes: &[u8]) {
        let Some(tokens) = self.views.get_mut(view) else { return };
        // Four times what is kept: most are repeated and go when the example is finished.
        if tokens.len() >= 4 * limits::TOKENS {
            return;
        }
        let token = hash(seed, bytes);
        tokens.push(token);
        if let Some(Words(words)) = &mut self.words {
            words.entry((view, token)).or_insert_with(|| {
                let bytes = &bytes[..bytes.len().min(limits::WORD_BYTES)];
                format!("{kind} {}", String::from_utf8_lossy(bytes))
            });
        }
    }

    /// The example, with each token once.
    pub fn finish(self) -> (Example, Words) {
        let mut views = self.views;
        for tokens in &mut views {
            tokens.sort_unstable();
            tokens.dedup();
            // Those with the smallest hashes: a sample, and the same one of the same example.
            tokens.truncate(limits::TOKENS);
        }
        (Example { views }, self.words.unwrap_or_default())
    }
}

/// What a kind's tokens begin from.
fn seed(kind: &str) -> u64 {
    kind.bytes().fold(0x51_7C_C1_B7_27_22_0A_95, |state, byte| mix(state ^ u64::from(byte)))
}

fn mix(word: u64) -> u64 {
    let word = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word ^ (word >> 32)
}

/// A hash that is the same on every machine: eight bytes at a time, the length last. Nobody's secret: whoever wants two
/// tokens to fall together can have that, and gains one weight that both share.
fn hash(seed: u64, bytes: &[u8]) -> u32 {
    let mut state = seed;
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        state = mix(state ^ u64::from_le_bytes(*word));
        rest = behind;
    }
    let mut word = [0; 8];
    word[..rest.len()].copy_from_slice(rest);
    state = mix(state ^ u64::from_le_bytes(word));
    (mix(state ^ bytes.len() as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_kept_once_and_in_order() {
        let mut writer = Writer::new(2).telling();
        for word in ["b", "a", "b"] {
            writer.token(0, "word", word.as_bytes());
        }
        writer.token(1, "other", b"b");
        writer.token(7, "word", b"nowhere");
        let (example, words) = writer.finish();
        assert_eq!(example.tokens(0).len(), 2);
        assert!(example.tokens(0).is_sorted());
        assert!(example.tokens(7).is_empty());
        assert_eq!(words.of(1, example.tokens(1)[0]), Some("other b"));
        assert!(!example.tokens(0).contains(&example.tokens(1)[0]), "a kind is part of the token");
        assert!(example.without(0).tokens(0).is_empty() && !example.without(0).tokens(1).is_empty());
    }

    #[test]
    fn tokens_are_bounded_and_the_sample_is_the_same() {
        let make = |order: &mut dyn Iterator<Item = u32>| {
            let mut writer = Writer::new(1);
            order.for_each(|number| writer.token(0, "n", &number.to_le_bytes()));
            writer.finish().0
        };
        let forward = make(&mut (0..20_000));
        assert_eq!(forward.tokens(0).len(), limits::TOKENS);
        assert_eq!(forward, make(&mut (0..20_000).rev()));
    }

    #[test]
    fn hashes_are_as_they_always_were() {
        // A model that is shipped holds weights under these hashes.
        assert_eq!(hash(seed("word"), b"viagra"), hash(seed("word"), b"viagra"));
        let all = [hash(0, b""), hash(0, b"\0"), hash(0, b"12345678"), hash(0, b"123456789"), hash(1, b"")];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{all:x?}");
        }
    }
}
