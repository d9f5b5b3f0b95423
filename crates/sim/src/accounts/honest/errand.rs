// SPDX-License-Identifier: Apache-2.0
//! Something a person is doing, step by step: each step makes one event and goes on by the answer.

use super::recovery::Recovering;
use crate::accounts::Answer;
use crate::accounts::event::{Detail, Entry, Form};
use crate::accounts::person::{Connection, Second};
use crate::accounts::secret::Secret;
use crate::accounts::stage::{Draft, Follow, Owner, Stage, Task, passes};
use crate::accounts::truth::Subgroups;
use crate::clock::{HOUR, SECOND};
use crate::event::Token;
use crate::random::Random;

/// After a refusal that they do not understand people try again at once, some as often as this (assumed).
const STUBBORN: u8 = 2;
/// Refused owners who try again within the minute.
const TRIES_AGAIN: f64 = 0.6;
/// Challenges: how many pass at the first try (Doerfler et al., WWW 2019: 52 % fail at first and 97 % get in shortly; that
/// counts many kinds, of which the provider here asks the easier), how many give up before trying (assumed), by whether they
/// are slow or use a screen reader.
const SOLVES: [f64; 2] = [0.75, 0.55];
const GIVES_UP: [f64; 2] = [0.04, 0.12];
const CHALLENGE_TRIES: u8 = 4;
/// Owners who answer a message about a login of theirs that is kept back (assumed).
const SAYS_MINE: f64 = 0.5;

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) person: u32,
    pub(crate) connection: Connection,
    pub(crate) random: Random,
    pub(crate) step: Step,
    /// Wrong passwords still to come.
    pub(crate) wrong: u8,
    pub(crate) tries: u8,
    pub(crate) session: Option<u64>,
    pub(crate) form: Option<Box<Form>>,
    /// What is special about the moment.
    pub(crate) marks: Subgroups,
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// Logs in with the right password.
    Login,
    /// With a mistyped one, or under a mistyped name.
    Typo { name: bool },
    /// With what the password might have been.
    Guess,
    /// Answers a challenge, so that something can happen.
    Solve(Then),
    /// Uses the session, some more times.
    Session { left: u8 },
    /// Changes a setting, which may be due after a wait.
    Setting { what: &'static str, due: bool },
    /// Wants back in without the password.
    Recover(Recovering),
    /// Sends the sign-up form.
    Join,
    /// Confirms the recovery address.
    Verify,
    /// Says whether a login was theirs.
    Report { about: Token, mine: bool },
}

/// What a solved challenge lets happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Then {
    Enter,
    GoOn { left: u8 },
    Set { what: &'static str },
    Join,
}

impl Errand {
    pub(crate) fn new(person: u32, connection: Connection, random: Random, step: Step) -> Errand {
        let marks = Subgroups::NONE;
        Errand { person, connection, random, step, wrong: 0, tries: 0, session: None, form: None, marks }
    }

    /// Does the step that is due.
    pub(crate) fn act(self, now: i64, stage: &mut Stage) {
        match self.step {
            Step::Login | Step::Typo { .. } | Step::Guess => self.log_in(now, stage),
            Step::Solve(then) => self.solve(then, now, stage),
            Step::Session { .. } => {
                let session = self.session.unwrap_or_default();
                self.say(now, Detail::Session { session }, stage);
            }
            Step::Setting { what, due } => self.set(what, due, now, stage),
            Step::Recover(step) => self.recover(step, now, stage),
            Step::Join => self.join(now, stage),
            Step::Verify => self.verify(now, stage),
            Step::Report { about, mine } => self.say(now, Detail::Report { about, mine }, stage),
        }
    }

    /// Goes on after the answer to what it did; `about` is that event's id.
    pub(crate) fn heard(self, answer: Answer, about: Token, now: i64, stage: &mut Stage) {
        match self.step {
            // a failure leads to the next try whatever was answered: they see only that it did not work
            Step::Typo { .. } | Step::Guess => self.try_again(now, stage),
            Step::Login => self.let_in(answer, about, now, stage),
            Step::Solve(then) => self.solved(then, answer, now, stage),
            Step::Session { left } => self.used(left, answer, now, stage),
            Step::Setting { what, .. } => self.set_answered(what, answer, now, stage),
            Step::Recover(step) => self.recovered(step, answer, now, stage),
            Step::Join => self.joined(answer, now, stage),
            Step::Verify | Step::Report { .. } => {}
        }
    }

    /// Makes an event on the person's account, and waits for its answer.
    pub(crate) fn say(self, time: i64, detail: Detail, stage: &mut Stage) {
        let owner = Owner::Person(self.person);
        self.say_as(owner, time, detail, stage);
    }

    fn say_as(self, owner: Owner, time: i64, detail: Detail, stage: &mut Stage) {
        let truth = stage.honest(self.person, self.connection.marks.with(self.marks));
        let client = self.connection.client;
        stage.say(Draft { time, owner, client, detail, truth }, Follow::Errand(Box::new(self)));
    }

    /// Puts itself down for later.
    pub(crate) fn later(mut self, time: i64, step: Step, stage: &mut Stage) {
        self.step = step;
        stage.agenda.add(time, Task::Errand(Box::new(self)));
    }

    /// A while as people take it: log-normal around a median in seconds.
    pub(crate) fn seconds(&mut self, median: f64, sigma: f64) -> i64 {
        (self.random.log_normal(median, sigma) * SECOND as f64).min(1e13) as i64
    }

    fn log_in(mut self, now: i64, stage: &mut Stage) {
        let member = &stage.members[self.person as usize];
        let second = member.person.second;
        let right = self.step == Step::Login;
        let secret = if right {
            member.secret
        } else if self.step == Step::Guess && self.random.chance(0.3) {
            Secret::chosen(member.person.own(50 + u64::from(self.wrong))) // one of theirs from elsewhere
        } else {
            Secret::mistyped(&mut self.random)
        };
        let misnamed = matches!(self.step, Step::Typo { name: true });
        self.marks = match self.step {
            Step::Typo { .. } => Subgroups::TYPO,
            Step::Guess => Subgroups::FORGOTTEN,
            _ => self.marks,
        };
        if right && member.is_new_device(self.connection.client.device) {
            self.marks = self.marks.with(Subgroups::NEW_DEVICE);
        }
        if right {
            self.session = Some(self.random.word());
        } else {
            self.wrong = self.wrong.saturating_sub(1);
        }
        let passkey = right && second == Second::Passkey;
        let entry = Entry {
            ok: right,
            user_known: !misnamed,
            protocol: protocol(&self.connection),
            secret: (!passkey).then_some(secret),
            factor: if right { factor(second) } else { "password" },
            session: self.session,
        };
        let owner = if misnamed { Owner::Nobody(self.random.word()) } else { Owner::Person(self.person) };
        self.say_as(owner, now, Detail::Login(entry), stage);
    }

    /// After a wrong password: another guess, the right one, or giving in.
    fn try_again(mut self, now: i64, stage: &mut Stage) {
        let wait = self.seconds(8.0, 0.6);
        match self.step {
            Step::Guess if self.wrong == 0 => self.give_in(now, stage),
            Step::Typo { .. } if self.wrong == 0 => self.later(now + wait, Step::Login, stage),
            step => self.later(now + wait, step, stage),
        }
    }

    fn let_in(mut self, answer: Answer, about: Token, now: i64, stage: &mut Stage) {
        match answer {
            Answer::Pass | Answer::Limit => self.enter(now, stage),
            Answer::Challenge => self.challenged(Then::Enter, now, stage),
            Answer::Hold => {
                if self.random.chance(SAYS_MINE) {
                    let wait = self.seconds(HOUR as f64 / SECOND as f64, 1.0);
                    self.later(now + wait, Step::Report { about, mine: true }, stage);
                }
            }
            Answer::Refuse => {
                self.tries += 1;
                if self.tries <= STUBBORN && self.random.chance(TRIES_AGAIN) {
                    let wait = self.seconds(25.0, 0.7);
                    self.later(now + wait, Step::Login, stage);
                }
            }
        }
    }

    /// They are in: the session is used for a while, and now and then a setting is changed.
    fn enter(mut self, now: i64, stage: &mut Stage) {
        let member = &mut stage.members[self.person as usize];
        member.entered(self.connection.client.device);
        (member.session, member.cookie) = (self.session, self.connection.client.device);
        if let Some(what) = self.whim() {
            let wait = self.seconds(180.0, 0.8);
            self.later(now + wait, Step::Setting { what, due: false }, stage);
            return;
        }
        let left = [0, 1, 2, 4][self.random.weighted(&[55, 25, 12, 8])];
        self.use_later(left, now, stage);
    }

    fn use_later(mut self, left: u8, now: i64, stage: &mut Stage) {
        if left > 0 {
            let wait = self.seconds(5_400.0, 0.8);
            let who = &stage.members[self.person as usize].person;
            self.connection = who.move_on(&stage.internet, &self.connection, now + wait, &mut self.random);
            self.later(now + wait, Step::Session { left: left - 1 }, stage);
        }
    }

    fn used(self, left: u8, answer: Answer, now: i64, stage: &mut Stage) {
        match answer {
            Answer::Pass | Answer::Limit => self.use_later(left, now, stage),
            Answer::Challenge => self.challenged(Then::GoOn { left }, now, stage),
            Answer::Hold => {}
            Answer::Refuse => {
                let mut again = self;
                let wait = again.seconds(15.0, 0.6);
                again.tries = 0;
                again.later(now + wait, Step::Login, stage);
            }
        }
    }

    /// Asked for something more: they try, or have better things to do.
    pub(crate) fn challenged(mut self, then: Then, now: i64, stage: &mut Stage) {
        self.tries = 0;
        let hard = usize::from(self.has_a_hard_time(stage));
        if !self.random.chance(GIVES_UP[hard]) {
            let wait = self.time_to_solve(then, stage);
            self.later(now + wait, Step::Solve(then), stage);
        }
    }

    fn has_a_hard_time(&self, stage: &Stage) -> bool {
        let marks = stage.members[self.person as usize].person.marks;
        marks.contains(Subgroups::SLOW) || marks.contains(Subgroups::SCREEN_READER)
    }

    fn time_to_solve(&mut self, then: Then, stage: &Stage) -> i64 {
        let slower = if self.has_a_hard_time(stage) { 2.5 } else { 1.0 };
        // captcha: Searles et al. 2023 give 9 to 18 s; codes and links assumed
        let median = match (then, self.factor_asked(then, stage)) {
            (_, "captcha") => 15.0,
            (_, "passkey") => 6.0,
            (_, "link") => 50.0,
            _ => 22.0,
        };
        self.seconds(median * slower, 0.5)
    }

    fn factor_asked(&self, then: Then, stage: &Stage) -> &'static str {
        if then == Then::Join {
            return "captcha";
        }
        match stage.members[self.person as usize].person.second {
            Second::None => "link",
            Second::Text => "text_message",
            Second::Code => "one_time_code",
            Second::Passkey => "passkey",
        }
    }

    fn solve(mut self, then: Then, now: i64, stage: &mut Stage) {
        let hard = usize::from(self.has_a_hard_time(stage));
        let ok = self.random.chance(SOLVES[hard]);
        let took = self.time_to_solve(then, stage);
        let factor = self.factor_asked(then, stage);
        self.tries += 1;
        self.wrong = u8::from(!ok);
        self.say(now, Detail::StepUp { factor, ok, took }, stage);
    }

    fn solved(mut self, then: Then, answer: Answer, now: i64, stage: &mut Stage) {
        let ok = self.wrong == 0;
        self.wrong = 0;
        if !ok {
            if self.tries < CHALLENGE_TRIES && self.random.chance(0.9) {
                let wait = self.time_to_solve(then, stage);
                self.later(now + wait, Step::Solve(then), stage);
            }
            return;
        }
        if !passes(answer) && answer != Answer::Challenge {
            return;
        }
        match then {
            Then::Enter => self.enter(now, stage),
            Then::GoOn { left } => self.use_later(left, now, stage),
            Then::Set { what } => self.takes_effect(what, now, stage),
            Then::Join => self.accepted(now, stage),
        }
    }
}

/// How a client talks to the provider.
pub(crate) fn protocol(connection: &Connection) -> &'static str {
    use crate::accounts::look::Program;
    match connection.client.look.program {
        Program::App => "app",
        Program::Thunderbird | Program::AppleMail | Program::Outlook | Program::K9 => "imap",
        _ => "web",
    }
}

/// What a login with that second factor shows.
pub(crate) fn factor(second: Second) -> &'static str {
    match second {
        Second::None => "password",
        Second::Code => "one_time_code",
        Second::Text => "text_message",
        Second::Passkey => "passkey",
    }
}
