// SPDX-License-Identifier: Apache-2.0
//! Settings that honest people change now and then.

use super::errand::{Errand, Step, Then};
use crate::accounts::Answer;
use crate::accounts::event::Detail;
use crate::accounts::stage::Stage;
use crate::clock::HOUR;

/// How many of a thousand logins lead to each (assumed; nobody publishes how often people change what).
const PER_THOUSAND: [(&str, f64); 13] = [
    ("password", 2.5),
    ("recovery_email", 1.2),
    ("recovery_phone", 0.5),
    ("two_factor_on", 1.0),
    ("two_factor_off", 0.2),
    ("passkey_added", 0.8),
    ("forwarding", 0.6),
    ("filter", 3.0),
    ("api_key", 0.1),
    ("app_password", 0.5),
    ("export", 0.3),
    ("delegate", 0.1),
    ("delete", 0.15),
];
/// A provider that keeps a change back asks again after this long (assumed: two days, as delays of this kind go).
const DUE_AFTER: i64 = 48 * HOUR;

impl Errand {
    /// What they change this time, if anything.
    pub(crate) fn whim(&mut self) -> Option<&'static str> {
        let mut point = self.random.unit() * 1_000.0;
        for (what, share) in PER_THOUSAND {
            if point < share {
                return Some(what);
            }
            point -= share;
        }
        None
    }

    pub(crate) fn set(mut self, what: &'static str, due: bool, now: i64, stage: &mut Stage) {
        let target = matches!(what, "recovery_email" | "recovery_phone" | "forwarding" | "delegate")
            .then(|| self.random.word());
        let step = if due { "due" } else { "asked" };
        let session = if due { None } else { self.session };
        self.say(now, Detail::Setting { session, what, step, target }, stage);
    }

    pub(crate) fn set_answered(self, what: &'static str, answer: Answer, now: i64, stage: &mut Stage) {
        let asked_again = matches!(self.step, Step::Setting { due: true, .. });
        match answer {
            Answer::Pass | Answer::Limit => self.takes_effect(what, now, stage),
            Answer::Challenge => self.challenged(Then::Set { what }, now, stage),
            Answer::Hold if !asked_again => {
                self.later(now + DUE_AFTER, Step::Setting { what, due: true }, stage);
            }
            Answer::Hold | Answer::Refuse => {}
        }
    }

    pub(crate) fn takes_effect(mut self, what: &'static str, now: i64, stage: &mut Stage) {
        match what {
            "password" => self.new_password(now, stage),
            "delete" => stage.members[self.person as usize].closed = true,
            _ => {}
        }
    }
}
