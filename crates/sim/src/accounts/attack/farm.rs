// SPDX-License-Identifier: Apache-2.0
//! Makes accounts by the dozen or by the thousand, with whatever its kit says, and uses them later.

use super::bandit::{Arms, Pick};
use super::handles::{Handles, Mail};
use super::source::Gear;
use super::{Campaign, Job, Raid, What};
use crate::accounts::Answer;
use crate::accounts::event::{Client, Detail, Entry, Form};
use crate::accounts::honest::written_out;
use crate::accounts::secret::Secret;
use crate::accounts::stage::{Draft, Follow, Owner, Stage, Task, passes};
use crate::clock::{DAY, MINUTE, SECOND};
use crate::random::{Random, derive};

/// What a campaign has and how it goes about it. Where there are several of a thing, each account gets one of them.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) gears: Vec<Gear>,
    pub(crate) handles: Vec<Handles>,
    pub(crate) mails: Vec<Mail>,
    pub(crate) timings: Vec<Timing>,
    pub(crate) verify: Confirms,
    pub(crate) solver: Option<Solver>,
    pub(crate) tempo: Tempo,
    pub(crate) after: After,
    pub(crate) referrer: Option<&'static str>,
    pub(crate) shows: Shows,
    /// One password for all, or one for each.
    pub(crate) one_secret: bool,
    pub(crate) learns: Option<Arms>,
}

/// What a campaign gives as the name to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    Nothing,
    Handle,
    WrittenOut,
    /// One more name from the same generator.
    Another,
}

/// How a form is filled in: seconds, log-normal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) form: f64,
    pub(crate) sigma: f64,
    /// Milliseconds between keys, and the spread in proportion.
    pub(crate) typing: Option<(f64, f64)>,
    pub(crate) pasted: Option<u32>,
    pub(crate) captcha: (f64, f64),
}

/// Confirming addresses: a loop looks into the mailboxes every so often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Confirms {
    pub(crate) share: f64,
    pub(crate) every: f64,
    pub(crate) sigma: f64,
}

/// Answers challenges for money: how fast, how surely, and how many the campaign pays for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Solver {
    pub(crate) median: f64,
    pub(crate) sigma: f64,
    pub(crate) right: f64,
    pub(crate) budget: u32,
    pub(crate) tries: u16,
}

/// How the accounts are spread over time: some at first, slowly, then the rest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tempo {
    pub(crate) first: u32,
    pub(crate) first_lasts: i64,
    pub(crate) lasts: i64,
    /// 0: like a clock; 1: as chance has it.
    pub(crate) jitter: f64,
    /// Nothing before this.
    pub(crate) not_before: i64,
}

/// What happens to the accounts afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct After {
    /// Share that logs in soon after.
    pub(crate) logs_in: f64,
    /// Days until an account is used, and until then a login so many times.
    pub(crate) rests: f64,
    pub(crate) keeps_warm: u16,
    /// Whether they then turn bad, all within hours.
    pub(crate) turns: bool,
}

/// The longest wait of one account for its next job.
const LONGEST: i64 = 90 * DAY;

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Farm {
    campaign: Campaign,
    kit: Kit,
    made: u32,
    paid: u32,
    /// When accounts that rest are used.
    wakes: i64,
    random: Random,
}

impl Farm {
    pub(crate) fn new(campaign: Campaign, kit: Kit, stage: &Stage) -> Farm {
        let random = Random::new(stage.seed, 0x4641_0000_0000 + u64::from(campaign.number));
        Farm { campaign, kit, made: 0, paid: 0, wakes: 0, random }
    }

    /// Begins with the next account, and puts down when the one after it is due.
    fn next(&mut self, job: Job, now: i64, stage: &mut Stage) {
        if now < self.kit.tempo.not_before {
            stage.agenda.add(self.kit.tempo.not_before, Task::Raid(self.campaign.number, job));
            return;
        }
        let member = self.made;
        self.made += 1;
        if member == 0 {
            self.wakes = now + self.kit.tempo.lasts + (self.kit.after.rests * DAY as f64) as i64;
        }
        if self.made < self.campaign.size {
            let gap = self.kit.tempo.gap(member, self.campaign.size, &mut self.random);
            stage.agenda.add(now + gap, Task::Raid(self.campaign.number, Job::BEGIN));
        }
        let pick = self.pick();
        let gear = &self.kit.gears[usize::from(pick.gear)];
        let client = gear.client(now, &stage.internet, &mut self.random);
        let note = pick.pack();
        self.join(Job { what: What::Join, member, tries: 0, note, client: Some(client) }, now, stage);
    }

    fn pick(&mut self) -> Pick {
        let kit = &self.kit;
        let sizes = [kit.gears.len(), kit.handles.len(), kit.mails.len(), kit.timings.len()];
        match &kit.learns {
            Some(arms) => arms.choose(&mut self.random),
            None => Pick::any(sizes, &mut self.random),
        }
    }

    fn join(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let pick = Pick::unpack(job.note);
        let Some(client) = job.client else { return };
        let country = stage.internet.country_at(client.ip);
        let random = &mut self.random;
        let kit = &self.kit;
        let username = kit.handles[usize::from(pick.handles)].name(job.member, country, random);
        let email = kit.mails[usize::from(pick.mail)].address(&username, random);
        let display_name = match kit.shows {
            Shows::Nothing => None,
            Shows::Handle => Some(username.clone()),
            Shows::WrittenOut => Some(written_out(&username)),
            Shows::Another => Some(kit.handles[usize::from(pick.handles)].name(job.member, country, random)),
        };
        let form =
            kit.timings[usize::from(pick.timing)].fill(username, display_name, email, kit.referrer, random);
        let truth = stage.foreign(self.campaign.attack(job.member, false), &form.username);
        let (owner, detail) = (self.owner(job.member), Detail::Signup(Box::new(form)));
        let follow = Follow::Raid(self.campaign.number, job);
        stage.say(Draft { time: now, owner, client, detail, truth }, follow);
    }

    fn owner(&self, member: u32) -> Owner {
        Owner::Attacker(self.campaign.number, member)
    }

    fn joined(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        match answer {
            Answer::Pass | Answer::Limit => self.accepted(job, now, stage),
            Answer::Challenge => match self.kit.solver {
                Some(solver) if self.paid < solver.budget => {
                    let wait = seconds(solver.median, solver.sigma, &mut self.random);
                    self.later(job.then(What::Captcha), now + wait, stage);
                }
                _ => self.learn(job, 0.0),
            },
            Answer::Hold | Answer::Refuse => self.learn(job, 0.0),
        }
    }

    fn solve(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let (Some(solver), Some(client)) = (self.kit.solver, job.client) else { return };
        self.paid += 1;
        let ok = self.random.chance(solver.right);
        let took = seconds(solver.median, solver.sigma, &mut self.random);
        let job = Job { note: job.note & !SOLVED | if ok { SOLVED } else { 0 }, ..job };
        let truth = stage.foreign(self.campaign.attack(job.member, false), "");
        let detail = Detail::StepUp { factor: "captcha", ok, took };
        let owner = self.owner(job.member);
        stage.say(Draft { time: now, owner, client, detail, truth }, Follow::Raid(self.campaign.number, job));
    }

    fn solved(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        let Some(solver) = self.kit.solver else { return };
        if job.note & SOLVED != 0 {
            let in_now = passes(answer) || answer == Answer::Challenge;
            if in_now { self.accepted(job, now, stage) } else { self.learn(job, 0.0) }
        } else if job.tries < solver.tries && self.paid < solver.budget {
            let wait = seconds(solver.median, solver.sigma, &mut self.random);
            self.later(Job { tries: job.tries + 1, what: What::Captcha, ..job }, now + wait, stage);
        } else {
            self.learn(job, 0.0);
        }
    }

    /// The account exists: it is confirmed, and used now or when it has rested.
    fn accepted(&mut self, job: Job, now: i64, stage: &mut Stage) {
        // What had to be paid for is worth a little less.
        self.learn(job, if job.what == What::Captcha { 0.8 } else { 1.0 });
        let job = Job { tries: 0, ..job };
        let confirms = self.kit.verify;
        if self.random.chance(confirms.share) {
            let took = seconds(confirms.every, confirms.sigma, &mut self.random);
            let note = job.note | (took.min(0xffff_ffff) as u64) << 32;
            self.later(Job { note, what: What::Verify, ..job }, now + took, stage);
        }
        let after = self.kit.after;
        if self.random.chance(after.logs_in) {
            let wait = seconds(30.0, 0.8, &mut self.random);
            self.later(job.then(What::Login), now + wait, stage);
        }
        if after.keeps_warm > 0 {
            self.behave_later(job, now, stage);
        }
        if after.turns {
            let wakes = self.wakes.max(now) + self.random.between(MINUTE, 6 * 60 * MINUTE);
            self.later(job.then(What::Turn), wakes, stage);
        }
    }

    fn behave_later(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let every = (self.wakes - now).max(DAY) / i64::from(self.kit.after.keeps_warm.max(1));
        let wait = (self.random.real(0.4, 1.6) * every as f64) as i64;
        if now + wait < self.wakes {
            self.later(job.then(What::Behave), now + wait, stage);
        }
    }

    fn verify(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let took = (job.note >> 32) as i64;
        let detail = Detail::Verification { channel: "email", ok: true, took };
        self.use_account(job, job.client, now, detail, stage);
    }

    /// Logs in; a while after the sign-up from another exit.
    fn log_in(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let gear = &self.kit.gears[usize::from(Pick::unpack(job.note).gear)];
        let moved = job.what != What::Login;
        let client = if moved {
            let mut client = gear.client(now, &stage.internet, &mut self.random);
            client.device = job.client.and_then(|client| client.device);
            Some(client)
        } else {
            job.client
        };
        let number = if self.kit.one_secret { 0 } else { u64::from(job.member) + 1 };
        let secret =
            Secret::chosen(derive(derive(stage.seed, 0x4650, u64::from(self.campaign.number)), 0, number));
        let protocol = if job.what == What::Turn { "smtp" } else { "web" };
        let session = (protocol == "web").then(|| self.random.word());
        let entry =
            Entry { ok: true, user_known: true, protocol, secret: Some(secret), factor: "password", session };
        self.use_account(job, client, now, Detail::Login(entry), stage);
    }

    fn use_account(&mut self, job: Job, client: Option<Client>, now: i64, detail: Detail, stage: &mut Stage) {
        let Some(client) = client else { return };
        let truth = stage.foreign(self.campaign.attack(job.member, false), "");
        let owner = self.owner(job.member);
        stage.say(Draft { time: now, owner, client, detail, truth }, Follow::Raid(self.campaign.number, job));
    }

    fn later(&self, job: Job, time: i64, stage: &mut Stage) {
        stage.agenda.add(time, Task::Raid(self.campaign.number, job));
    }

    fn learn(&mut self, job: Job, reward: f64) {
        if let Some(arms) = &mut self.kit.learns {
            arms.learn(Pick::unpack(job.note), reward);
        }
    }
}

/// Bit of a job's note: the captcha was solved.
const SOLVED: u64 = 1 << 31;

impl Raid for Farm {
    fn act(&mut self, job: Job, now: i64, stage: &mut Stage) {
        match job.what {
            What::Next => self.next(job, now, stage),
            What::Captcha => self.solve(job, now, stage),
            What::Verify => self.verify(job, now, stage),
            What::Login | What::Behave | What::Turn => self.log_in(job, now, stage),
            What::Setting => {
                let detail =
                    Detail::Setting { session: None, what: "app_password", step: "asked", target: None };
                self.use_account(job, job.client, now, detail, stage);
            }
            _ => {}
        }
    }

    fn heard(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        match job.what {
            What::Join => self.joined(job, answer, now, stage),
            What::Captcha => self.solved(job, answer, now, stage),
            What::Behave if passes(answer) => self.behave_later(job, now, stage),
            // sends what it was made for, by program
            What::Turn if passes(answer) && job.tries < 6 => {
                let wait = self.random.between(MINUTE, 90 * MINUTE);
                let what = if job.tries == 0 { What::Setting } else { What::Turn };
                self.later(Job { tries: job.tries + 1, what, ..job }, now + wait.min(LONGEST), stage);
            }
            What::Setting if passes(answer) => {
                let wait = self.random.between(MINUTE, 30 * MINUTE);
                self.later(job.then(What::Turn), now + wait, stage);
            }
            _ => {}
        }
    }
}

impl Tempo {
    /// All within `lasts`.
    pub(crate) fn over(lasts: i64, jitter: f64) -> Tempo {
        Tempo { first: 0, first_lasts: 0, lasts, jitter, not_before: 0 }
    }

    fn gap(&self, member: u32, size: u32, random: &mut Random) -> i64 {
        let mean = if member < self.first {
            self.first_lasts / i64::from(self.first)
        } else {
            self.lasts / i64::from((size - self.first.min(size)).max(1))
        };
        let even = mean as f64 * (1.0 - self.jitter);
        (even + random.exponential(mean as f64 * self.jitter.max(1e-9)))
            .clamp(SECOND as f64 / 100.0, LONGEST as f64) as i64
    }
}

impl Timing {
    fn fill(
        &self,
        username: String,
        display_name: Option<String>,
        email: Option<String>,
        referrer: Option<&'static str>,
        random: &mut Random,
    ) -> Form {
        let typing = self.typing.map(|(pace, spread)| {
            let pace = random.log_normal(pace, 0.15);
            ((pace * 1_000.0) as i64, (pace * spread * random.real(0.7, 1.3) * 1_000.0) as i64)
        });
        Form {
            username,
            display_name,
            email,
            time: seconds(self.form, self.sigma, random),
            typing,
            pasted: self.pasted,
            referrer,
            captcha_time: Some(seconds(self.captcha.0, self.captcha.1, random)),
        }
    }
}

/// Log-normal, from a median in seconds.
pub(crate) fn seconds(median: f64, sigma: f64, random: &mut Random) -> i64 {
    (random.log_normal(median, sigma) * SECOND as f64).min(LONGEST as f64) as i64
}
