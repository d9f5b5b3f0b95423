// SPDX-License-Identifier: Apache-2.0
//! One account after the other: gets in by what the approach gives, and then does what thieves do, in their order.

use super::approach::{Approach, Way};
use super::farm::seconds;
use super::{Campaign, Job, Raid, What};
use crate::accounts::Answer;
use crate::accounts::event::{Detail, Entry};
use crate::accounts::honest::{Errand, Step};
use crate::accounts::person::Second;
use crate::accounts::secret::Secret;
use crate::accounts::stage::{Draft, Follow, Owner, Stage, Task, passes};
use crate::accounts::truth::Truth;
use crate::clock::{DAY, HOUR, MINUTE};
use crate::event::Token;
use crate::random::Random;

/// Owners who see what happened and say so, and how soon (assumed; a third and within a day).
const NOTICES: f64 = 0.35;
const NOTICED_AFTER: f64 = 9.0 * 3_600.0;
/// What a thief changes, in this order, each with its share (assumed, after reports of responders: a way back in first, then
/// a copy of what comes, then what is there already).
const SEQUENCE: [(&str, f64); 6] = [
    ("recovery_email", 0.7),
    ("recovery_phone", 0.2),
    ("app_password", 0.25),
    ("filter", 0.3),
    ("forwarding", 0.6),
    ("export", 0.45),
];
/// Thieves who stop at the first thing that is refused, and who come back another day after a refused login (assumed).
const STOPS: f64 = 0.5;
const COMES_BACK: f64 = 0.4;

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Taking {
    campaign: Campaign,
    approach: Approach,
    made: u32,
    /// Mean time between two victims.
    gap: f64,
    random: Random,
}

impl Taking {
    pub(crate) fn new(way: Way, campaign: Campaign, stage: &Stage) -> Taking {
        let mut random = Random::new(stage.seed, 0x544b_0000_0000 + u64::from(campaign.number));
        let begins = stage.plan.start + stage.plan.families[campaign.number as usize].after;
        let approach = Approach::draw(way, begins, &mut random);
        let gap = random.log_normal(2.0 * HOUR as f64, 0.9);
        Taking { campaign, approach, made: 0, gap, random }
    }

    /// The next victim; their number and one are the job's note.
    fn next(&mut self, now: i64, stage: &mut Stage) {
        let member = self.made;
        self.made += 1;
        if self.made < self.campaign.size {
            let wait = (self.random.exponential(self.gap) as i64).clamp(MINUTE, 20 * DAY);
            stage.agenda.add(now + wait, Task::Raid(self.campaign.number, Job::BEGIN));
        }
        let Some(victim) = self.approach.victim(stage, &mut self.random) else { return };
        let client = self.approach.enters_with(victim, now, stage, &mut self.random);
        let what = match self.approach.way {
            Way::Cookie => What::Session,
            Way::Recovery => What::Recover,
            _ => What::Login,
        };
        let tries = if self.approach.way == Way::Targeted { self.random.below(6) as u16 } else { 0 };
        let job = Job { what, member, tries, note: u64::from(victim), client: Some(client) };
        self.act(job, now, stage);
    }

    fn say(&mut self, job: Job, enters: bool, now: i64, detail: Detail, stage: &mut Stage) {
        let Some(client) = job.client else { return };
        let truth: Truth = stage.against(job.note as u32, self.campaign.attack(job.member, enters));
        let owner = Owner::Person(job.note as u32);
        stage.say(Draft { time: now, owner, client, detail, truth }, Follow::Raid(self.campaign.number, job));
    }

    fn later(&self, job: Job, time: i64, stage: &mut Stage) {
        stage.agenda.add(time, Task::Raid(self.campaign.number, job));
    }

    /// The session a thief has: the stolen one, or that of the thief's own login.
    fn session(&self, job: Job, stage: &Stage) -> u64 {
        let own = crate::random::derive(job.note, 0x5345_5353, u64::from(job.member));
        match self.approach.way {
            Way::Cookie => stage.members[job.note as usize].session.unwrap_or(own),
            _ => own,
        }
    }

    /// Tries a password: a guess or two, where it is not known yet, then the right one.
    fn log_in(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let member = &stage.members[job.note as usize];
        let ok = job.tries == 0;
        let secret = match (ok, self.random.chance(0.6)) {
            (true, _) => member.secret,
            (false, true) => Secret::leaked(member.person.own(70 + u64::from(job.tries))),
            (false, false) => Secret::mistyped(&mut self.random),
        };
        let second = member.person.second;
        let shows = self.approach.way == Way::Phishing && ok;
        let factor = match second {
            Second::Code if shows => "one_time_code",
            Second::Text if shows => "text_message",
            _ => "password",
        };
        let session = ok.then(|| self.session(job, stage));
        let entry = Entry { ok, user_known: true, protocol: "web", secret: Some(secret), factor, session };
        // after a recovery the account was lost before
        let enters = ok && self.approach.way != Way::Recovery && (second == Second::None || shows);
        self.say(job, enters, now, Detail::Login(entry), stage);
    }

    fn logged_in(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        if job.tries > 0 {
            let wait = seconds(40.0, 1.0, &mut self.random);
            return self.later(Job { tries: job.tries - 1, ..job }, now + wait, stage);
        }
        let second = stage.members[job.note as usize].person.second;
        let stopped = second != Second::None && self.approach.way != Way::Phishing;
        match answer {
            _ if stopped => {}
            Answer::Pass | Answer::Limit => self.inside(job, now, stage),
            Answer::Challenge => {
                let wait = seconds(25.0, 0.5, &mut self.random);
                self.later(job.then(What::Factor), now + wait, stage);
            }
            Answer::Hold => self.owner_may_notice(job, now, stage), // who is asked whether that was them
            Answer::Refuse => self.come_back(job, now, stage),
        }
    }

    fn come_back(&mut self, job: Job, now: i64, stage: &mut Stage) {
        if job.what == What::Login && self.random.chance(COMES_BACK) {
            let then = now + self.random.between(HOUR, 30 * HOUR);
            let client = self.approach.enters_with(job.note as u32, then, stage, &mut self.random);
            self.later(Job { client: Some(client), ..job }, then, stage);
        }
    }

    /// Asked for more: a phishing proxy has the victim at hand, some thieves have the victim's mailbox.
    fn prove(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let second = stage.members[job.note as usize].person.second;
        let ok = second != Second::Passkey && self.random.chance(self.approach.proves);
        let factor = match second {
            Second::None => "link",
            Second::Code => "one_time_code",
            Second::Text => "text_message",
            Second::Passkey => "passkey",
        };
        let took = seconds(30.0, 0.5, &mut self.random);
        let job = Job { tries: u16::from(ok), ..job };
        self.say(job, false, now, Detail::StepUp { factor, ok, took }, stage);
    }

    /// In: goes on from where the thief really sits, and changes what thieves change.
    fn inside(&mut self, job: Job, now: i64, stage: &mut Stage) {
        self.owner_may_notice(job, now, stage);
        let client = self.approach.goes_on_with(job.client, now, stage, &mut self.random);
        let wait = seconds(self.approach.haste, 0.9, &mut self.random);
        let moved = self.approach.way == Way::Phishing;
        let what = if moved { What::Behave } else { What::Setting };
        self.later(Job { what, tries: 0, client, ..job }, now + wait, stage);
    }

    fn owner_may_notice(&mut self, job: Job, now: i64, stage: &mut Stage) {
        if !self.random.chance(NOTICES) {
            return;
        }
        let person = job.note as u32;
        let wait = seconds(NOTICED_AFTER, 1.0, &mut self.random);
        let mut random = stage.errand_random(person);
        let member = &stage.members[person as usize];
        let connection = member.person.connect(&stage.internet, now + wait, &mut random);
        let about = stage.last_id.unwrap_or(Token::new(0));
        let step = Step::Report { about, mine: false };
        Errand::new(person, connection, random, step).later(now + wait, step, stage);
    }

    /// The next thing to change from `job.tries` on, if any is left.
    fn change(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let mut place = usize::from(job.tries);
        while let Some((what, share)) = SEQUENCE.get(place) {
            place += 1;
            if self.random.chance(*share * self.approach.bold) {
                let target = matches!(*what, "recovery_email" | "recovery_phone" | "forwarding")
                    .then(|| self.random.word());
                let detail =
                    Detail::Setting { session: Some(self.session(job, stage)), what, step: "asked", target };
                return self.say(Job { tries: place as u16, ..job }, false, now, detail, stage);
            }
        }
    }

    fn changed(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        if passes(answer) || !self.random.chance(STOPS) {
            let wait = seconds(self.approach.haste, 0.9, &mut self.random);
            self.later(job, now + wait, stage);
        }
    }

    fn recover(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let channel = self.approach.channel;
        let step = ["asked", "proved", "done"][usize::from(job.tries).min(2)];
        let failed = step == "proved" && !self.random.chance(self.approach.proves);
        let step = if failed { "failed" } else { step };
        let note = job.note & 0xffff_ffff | u64::from(failed) << 32;
        self.say_recovery(Job { note, ..job }, step, channel, now, stage);
    }

    fn say_recovery(
        &mut self,
        job: Job,
        step: &'static str,
        channel: &'static str,
        now: i64,
        stage: &mut Stage,
    ) {
        let Some(client) = job.client else { return };
        let victim = job.note as u32;
        let truth = stage.against(victim, self.campaign.attack(job.member, step == "done"));
        let (owner, detail) = (Owner::Person(victim), Detail::Recovery { channel, step });
        stage.say(Draft { time: now, owner, client, detail, truth }, Follow::Raid(self.campaign.number, job));
    }

    fn recovered(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        if !passes(answer) {
            return;
        }
        let (victim, failed) = (job.note & 0xffff_ffff, job.note >> 32 != 0);
        let wait = seconds(120.0, 0.8, &mut self.random);
        match (job.tries, failed) {
            (_, true) if self.random.chance(0.5) => {
                self.later(Job { note: victim, ..job }, now + wait, stage)
            }
            (_, true) => {}
            (0 | 1, _) => self.later(Job { tries: job.tries + 1, ..job }, now + wait, stage),
            _ => {
                let member = &mut stage.members[victim as usize];
                member.secret = Secret::chosen(self.random.word());
                member.locked_out = true;
                self.later(Job { what: What::Login, tries: 0, note: victim, ..job }, now + wait / 4, stage);
            }
        }
    }
}

impl Raid for Taking {
    fn act(&mut self, job: Job, now: i64, stage: &mut Stage) {
        match job.what {
            What::Next => self.next(now, stage),
            What::Login => self.log_in(job, now, stage),
            What::Factor => self.prove(job, now, stage),
            What::Session => {
                let session = self.session(job, stage);
                self.say(job, true, now, Detail::Session { session }, stage);
            }
            What::Behave => {
                let session = self.session(job, stage);
                self.say(job, false, now, Detail::Session { session }, stage);
            }
            What::Setting => self.change(job, now, stage),
            What::Recover => self.recover(job, now, stage),
            _ => {}
        }
    }

    fn heard(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        match job.what {
            What::Login => self.logged_in(job, answer, now, stage),
            What::Factor if job.tries > 0 && (passes(answer) || answer == Answer::Challenge) => {
                self.inside(job, now, stage);
            }
            What::Session if passes(answer) => self.inside(job, now, stage),
            What::Behave if passes(answer) => {
                let wait = seconds(self.approach.haste, 0.9, &mut self.random);
                self.later(Job { what: What::Setting, tries: 0, ..job }, now + wait, stage);
            }
            What::Setting => self.changed(job, answer, now, stage),
            What::Recover => self.recovered(job, answer, now, stage),
            _ => {}
        }
    }
}
