// SPDX-License-Identifier: Apache-2.0
//! Campaigns: accounts that one hand made, found by what their sign-ups share, named, and listed with reasons.
//!
//! `signup → traits (typed keys) → index (who shares what, what it says) → link (edges, components) → judge (against honest
//! groups) → Campaign`; and when one of them turns out bad, `sweep` judges those about it once more.
//!
//! Nothing here knows storage, verdicts or the clock. The same sign-ups give the same campaigns, in whatever order they come.
//! Left out: who followed whom after registration; and pages of members whom nothing but circumstance links, which no honest
//! class or office would survive.

mod found;
mod honest;
mod index;
mod judge;
pub mod limits;
mod link;
mod signup;
mod sweep;
#[cfg(test)]
mod tests;
mod traits;
mod union;

pub use found::{Campaign, Look, Member, Shared};
pub use signup::Signup;
pub use sweep::{Known, Reason, Suspect};
pub use traits::{Family, Kind};

use std::collections::{BTreeMap, HashMap};
use wardroom_event::Micros;

/// Takes sign-ups, day after day, and finds the campaigns among those it holds.
#[derive(Debug)]
pub struct Linker {
    /// By their places: what is looked at does not depend on the order they came in.
    held: BTreeMap<(Micros, u64), Signup>,
    by_account: HashMap<Box<str>, (Micros, u64)>,
    secret: [u8; 16],
    left_out: u64,
}

impl Linker {
    /// Holds nothing yet. Keys are hashed under `secret`, and names of campaigns come of it: it must stay the same for them to.
    pub fn new(secret: [u8; 16]) -> Linker {
        Linker { held: BTreeMap::new(), by_account: HashMap::new(), secret, left_out: 0 }
    }

    /// Takes a sign-up. Of several for one account the first counts; beyond [`limits::SIGNUPS`] the oldest goes.
    pub fn add(&mut self, signup: Signup) {
        let place = (signup.time, signup.seq);
        if let Some(before) = self.by_account.get(&signup.account) {
            if *before <= place {
                return;
            }
            self.held.remove(before);
        }
        self.by_account.insert(signup.account.clone(), place);
        if let Some(other) = self.held.insert(place, signup) {
            // Two records of one number are none; the later word stands.
            let is_same = self.held.get(&place).is_some_and(|now| now.account == other.account);
            if !is_same {
                self.by_account.remove(&other.account);
            }
        }
        if self.held.len() > limits::SIGNUPS {
            self.left_out += 1;
            self.forget_oldest();
        }
    }

    /// Says how long the code took that was sent to an account's address, where it is held and nothing is known yet.
    pub fn verified(&mut self, account: &str, after: wardroom_event::Span) {
        let held = self.by_account.get(account).and_then(|place| self.held.get_mut(place));
        if let Some(signup) = held {
            signup.verified_after.get_or_insert(after);
        }
    }

    /// Lets go of all sign-ups before a time.
    pub fn forget_before(&mut self, time: Micros) {
        while self.held.first_key_value().is_some_and(|((first, _), _)| *first < time) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, signup)) = self.held.pop_first() {
            self.by_account.remove(&signup.account);
        }
    }

    /// How many sign-ups are held.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// How many had no room.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether an account's sign-up is held.
    pub fn holds(&self, account: &str) -> bool {
        self.by_account.contains_key(account)
    }

    /// Looks for campaigns among the sign-ups that are held.
    pub fn look(&self) -> Look<'_> {
        self.look_until(&|| false)
    }

    /// As [`Linker::look`], until `stop` says so: then what was found is cut short, and says so.
    pub fn look_until(&self, stop: &dyn Fn() -> bool) -> Look<'_> {
        Look::at(self.held.values().collect(), self.secret, stop)
    }
}
