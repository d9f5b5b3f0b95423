// SPDX-License-Identifier: Apache-2.0
//! Back into an account without its password.

use super::errand::{Errand, Step};
use super::program;
use crate::accounts::Answer;
use crate::accounts::event::Detail;
use crate::accounts::secret::Secret;
use crate::accounts::stage::{Stage, passes};
use crate::accounts::truth::Subgroups;

/// A step of a recovery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Recovering {
    Asked,
    /// What proves them comes back, or not.
    Proved,
    Done,
}

/// People who recover after forgetting, rather than trying another day (assumed), and proofs that work.
const RECOVERS: f64 = 0.75;
const PROVES: f64 = 0.85;

impl Errand {
    /// No guess was right.
    pub(crate) fn give_in(mut self, now: i64, stage: &mut Stage) {
        if self.random.chance(RECOVERS) {
            let wait = self.seconds(30.0, 0.7);
            self.tries = 0;
            self.later(now + wait, Step::Recover(Recovering::Asked), stage);
        }
    }

    fn channel(&self, stage: &Stage) -> &'static str {
        let person = &stage.members[self.person as usize].person;
        if person.has(40, 0.12) {
            "phone"
        } else if person.has(41, 0.04) {
            "recovery_code"
        } else {
            "email"
        }
    }

    pub(crate) fn recover(mut self, step: Recovering, now: i64, stage: &mut Stage) {
        self.marks = Subgroups::FORGOTTEN;
        let channel = self.channel(stage);
        let step = match step {
            Recovering::Asked => "asked",
            Recovering::Proved if self.random.chance(PROVES) => "proved",
            Recovering::Proved => {
                self.wrong = 1;
                "failed"
            }
            Recovering::Done => "done",
        };
        self.say(now, Detail::Recovery { channel, step }, stage);
    }

    pub(crate) fn recovered(mut self, step: Recovering, answer: Answer, now: i64, stage: &mut Stage) {
        if !passes(answer) && answer != Answer::Challenge {
            return;
        }
        match step {
            Recovering::Asked => {
                let wait = self.seconds(70.0, 0.9);
                self.later(now + wait, Step::Recover(Recovering::Proved), stage);
            }
            Recovering::Proved if self.wrong > 0 => {
                self.wrong = 0;
                self.tries += 1;
                if self.tries < 3 {
                    let wait = self.seconds(60.0, 0.8);
                    self.later(now + wait, Step::Recover(Recovering::Proved), stage);
                }
            }
            Recovering::Proved => {
                let wait = self.seconds(25.0, 0.6);
                self.later(now + wait, Step::Recover(Recovering::Done), stage);
            }
            Recovering::Done => {
                self.new_password(now, stage);
                self.tries = 0;
                let wait = self.seconds(12.0, 0.6);
                self.later(now + wait, Step::Login, stage);
            }
        }
    }

    /// The account has another password from now on; a mail program that was not told goes on with the old one.
    pub(crate) fn new_password(&mut self, now: i64, stage: &mut Stage) {
        let chosen = Secret::chosen(self.random.word());
        let member = &mut stage.members[self.person as usize];
        let old = std::mem::replace(&mut member.secret, chosen);
        member.locked_out = false;
        program::was_not_told(self.person, old, now, stage);
    }
}
