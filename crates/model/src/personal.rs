// SPDX-License-Identifier: Apache-2.0
//! What one user has said, on top of what all have: one click acts at once, for that user only.
//!
//! A user's word is kept as it was given: a sketch of the example, who sent it, and how far it was off. A later example is moved
//! by the word for the most alike, in full where it is the same and not at all below [`LIKE`]. This is in place of weights of
//! the user's own over tokens: those spread one click over every text that shares common words with it, need many clicks to
//! find their way back, and an unlearned one leaves the marks of those that were learned with it. A word that is taken back is
//! gone, to the bit. A user holds at most [`PERSONAL_WORDS`]; the oldest goes first.
//!
//! [`PERSONAL_WORDS`]: crate::limits::PERSONAL_WORDS

use std::collections::VecDeque;

use crate::limits::PERSONAL_WORDS;
use crate::sketch::Sketch;

/// How much two examples must have in common for a word for one to bear on the other.
pub const LIKE: f64 = 0.35;
/// The same where both are of the same sender, whose mail has a frame in common whatever it says.
pub const LIKE_OF_SENDER: f64 = 0.15;
/// How sure an example is to be after its user's word on it: twelve to one.
pub const SURE: f64 = 2.5;

/// What a user has said of an example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Word {
    /// By which it is taken back.
    pub id: u64,
    /// The example.
    pub sketch: Sketch,
    /// Who sent it, as a hash of an authenticated domain or address; nothing where nobody can know.
    pub sender: Option<u64>,
    /// What it adds to the log-odds of the same example, in nats.
    pub nats: f64,
}

/// All that one user has said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Personal(VecDeque<Word>);

impl Personal {
    /// Takes a user's word that an example is abuse or not, which is at `nats` so far for this user.
    pub fn say(&mut self, id: u64, sketch: Sketch, sender: Option<u64>, nats: f64, abuse: bool) {
        let aim = if abuse { nats.max(SURE) } else { nats.min(-SURE) };
        self.take_back(id);
        // What earlier words add is part of `nats`; this one stands in their place for what it is like.
        let nats = aim - nats + self.shift(&sketch, sender);
        if self.0.len() == PERSONAL_WORDS {
            self.0.pop_front();
        }
        self.0.push_back(Word { id, sketch, sender, nats });
    }

    /// Takes a word back, and says whether there was one.
    pub fn take_back(&mut self, id: u64) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word.id != id);
        self.0.len() < before
    }

    /// What this user's words add to the log-odds of an example, in nats.
    pub fn shift(&self, sketch: &Sketch, sender: Option<u64>) -> f64 {
        self.closest(sketch, sender).map_or(0.0, |(word, share)| word.nats * share)
    }

    /// The word that bears on an example, and how far: the most alike, of those the latest. It is its reason.
    pub fn closest(&self, sketch: &Sketch, sender: Option<u64>) -> Option<(&Word, f64)> {
        let share = |word: &Word| {
            let same = sender.is_some() && word.sender == sender;
            let least = if same { LIKE_OF_SENDER } else { LIKE };
            ((word.sketch.resemblance(sketch) - least) / (1.0 - least)).max(0.0).sqrt()
        };
        let all = self.0.iter().map(|word| (word, share(word))).filter(|(_, share)| *share > 0.0);
        all.max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{chance, log_odds};

    /// A text of 200 tokens, `changed` of them other than in the first of its kind.
    fn sketch(kind: u32, changed: u32) -> Sketch {
        let token = |at: u32| (kind * 100_000 + at).wrapping_mul(0x9E37_79B1);
        let tokens: Vec<u32> =
            (0..200).map(|at| token(if at < changed { at + 1000 * changed } else { at })).collect();
        Sketch::of(&tokens).unwrap()
    }

    #[test]
    fn one_click_acts_at_once_and_on_nothing_else() {
        let mut user = Personal::default();
        let spam = log_odds(0.93);
        user.say(1, sketch(1, 0), None, spam, false);
        let next = chance(spam + user.shift(&sketch(1, 10), None));
        assert!(next < 0.15, "the next one like this: {next}");
        assert!((spam + user.shift(&sketch(1, 0), None) + SURE).abs() < 1e-9);
        assert_eq!(user.shift(&sketch(2, 0), None), 0.0);
    }

    #[test]
    fn words_are_taken_back_to_the_bit() {
        let mut user = Personal::default();
        user.say(1, sketch(1, 0), None, 1.0, false);
        let before = user.clone();
        user.say(2, sketch(2, 0), Some(7), -3.0, true);
        assert!(user.take_back(2) && !user.take_back(2));
        assert_eq!(user, before);
    }

    #[test]
    fn a_second_thought_stands_in_place_of_the_first() {
        let mut user = Personal::default();
        let global = 2.0;
        for (id, abuse) in [(1, false), (2, true), (3, false)] {
            let now = global + user.shift(&sketch(1, 0), None);
            user.say(id, sketch(1, 0), None, now, abuse);
            let after = global + user.shift(&sketch(1, 0), None);
            assert!(if abuse { after >= SURE } else { after <= -SURE }, "{id} {after}");
        }
    }

    #[test]
    fn a_sender_is_known_by_less() {
        let mut user = Personal::default();
        user.say(1, sketch(1, 0), Some(7), 3.0, false);
        let other = sketch(1, 110);
        assert!(user.shift(&other, Some(7)) < user.shift(&other, Some(8)) - 0.5);
        assert_eq!(user.shift(&other, Some(8)), user.shift(&other, None), "unknown is as unlike as another");
        for id in 0..2 * PERSONAL_WORDS as u64 {
            user.say(id, sketch(id as u32, 0), None, 0.0, true);
        }
        assert_eq!(user.len(), PERSONAL_WORDS);
    }
}
