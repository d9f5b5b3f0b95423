// SPDX-License-Identifier: Apache-2.0
//! Guesses by the thousand: leaked pairs over many accounts, common passwords over all, everything at one account.

use std::collections::BTreeMap;

use super::source::{Cookies, Face, Gear, Source, Tongues};
use super::{Campaign, Job, Raid, What};
use crate::accounts::Answer;
use crate::accounts::event::{Detail, Entry};
use crate::accounts::person::Second;
use crate::accounts::secret::Secret;
use crate::accounts::stage::{Draft, Follow, Owner, Stage, Task, passes};
use crate::accounts::truth::Truth;
use crate::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::random::{Random, derive};

/// The three kinds of guessing share their making of one attempt.
#[derive(Debug)]
struct Guesser {
    campaign: Campaign,
    gear: Gear,
    protocol: &'static str,
    made: u32,
    gap: f64,
    /// Guesses of which the door was asked before the password is looked at; each is taken out within the second.
    asked: BTreeMap<u32, Guess>,
    random: Random,
}

/// One attempt.
#[derive(Debug, Clone, Copy)]
struct Guess {
    owner: Owner,
    /// The victim, where the name is somebody's.
    victim: Option<u32>,
    secret: Secret,
}

impl Guesser {
    fn new(campaign: Campaign, mut gear: Gear, begins: i64, lasts: i64, mut random: Random) -> Guesser {
        let protocol = ["web", "imap", "app"][random.weighted(&[70, 22, 8])];
        if protocol != "web" {
            gear.face = Face::at_door(protocol, begins, &mut random);
            gear.cookies = Cookies::None;
        }
        let gap = lasts as f64 / f64::from(campaign.size);
        Guesser { campaign, gear, protocol, made: 0, gap, asked: BTreeMap::new(), random }
    }

    /// Puts down when the next attempt is due; gives this one's number.
    fn next(&mut self, now: i64, stage: &mut Stage) -> u32 {
        let member = self.made;
        self.made += 1;
        if self.made < self.campaign.size {
            let wait = (self.random.exponential(self.gap) as i64).clamp(1, DAY);
            stage.agenda.add(now + wait, Task::Raid(self.campaign.number, Job::BEGIN));
        }
        member
    }

    /// Makes an attempt; a mail server asks the door before it looks at the password.
    fn say(&mut self, member: u32, guess: Guess, now: i64, stage: &mut Stage) {
        let client = self.gear.client(now, &stage.internet, &mut self.random);
        let job = Job { what: What::Tried, member, tries: 0, note: 0, client: Some(client) };
        if self.protocol != "imap" {
            return self.log_in(job, guess, now, stage);
        }
        self.asked.insert(member, guess);
        let truth = self.truth(&guess, member, false, stage);
        let detail = Detail::Attempt { protocol: self.protocol, secret: guess.secret };
        let follow = Follow::Raid(self.campaign.number, job);
        stage.say(Draft { time: now, owner: guess.owner, client, detail, truth }, follow);
    }

    fn truth(&self, guess: &Guess, member: u32, takes: bool, stage: &Stage) -> Truth {
        let attack = self.campaign.attack(member, takes);
        match guess.victim {
            Some(victim) => stage.against(victim, attack),
            None => stage.foreign(attack, ""),
        }
    }

    fn log_in(&mut self, job: Job, guess: Guess, now: i64, stage: &mut Stage) {
        let Some(client) = job.client else { return };
        let ok = guess.victim.is_some_and(|victim| stage.members[victim as usize].secret == guess.secret);
        // where a second factor is asked for the right password alone opens nothing
        let opens = |victim: u32| stage.members[victim as usize].person.second == Second::None;
        let takes = ok && guess.victim.is_some_and(opens);
        let entry = Entry {
            ok,
            user_known: guess.victim.is_some(),
            protocol: self.protocol,
            secret: Some(guess.secret),
            factor: "password",
            session: (ok && self.protocol != "imap").then(|| self.session(job.member)),
        };
        let truth = self.truth(&guess, job.member, takes, stage);
        let note = guess.victim.map_or(0, |victim| u64::from(victim) + 1);
        let job = Job { what: What::Login, tries: u16::from(takes), note, ..job };
        let (owner, detail) = (guess.owner, Detail::Login(entry));
        stage.say(Draft { time: now, owner, client, detail, truth }, Follow::Raid(self.campaign.number, job));
    }

    fn session(&self, member: u32) -> u64 {
        derive(self.gear.key, 0x5345, u64::from(member))
    }

    /// Goes on with an attempt that was begun; says whether the job was that.
    fn goes_on(&mut self, job: Job, now: i64, stage: &mut Stage) -> bool {
        match job.what {
            What::Session => self.look_around(job, now, stage),
            What::Tried => {
                if let Some(guess) = self.asked.remove(&job.member) {
                    self.log_in(job, guess, now, stage);
                }
            }
            _ => return false,
        }
        true
    }

    fn heard(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        if job.what != What::Tried {
            return self.entered(job, answer, now, stage);
        }
        if passes(answer) {
            let soon = now + self.random.between(SECOND / 100, SECOND / 5);
            stage.agenda.add(soon, Task::Raid(self.campaign.number, job));
        } else {
            self.asked.remove(&job.member);
        }
    }

    /// An account that was entered is looked at: whoever buys it comes later, here only the session is used once.
    fn entered(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        if job.what == What::Login
            && job.tries > 0
            && passes(answer)
            && self.protocol != "imap"
            && self.random.chance(0.5)
        {
            let wait = self.random.between(5, 90) * SECOND;
            stage.agenda.add(now + wait, Task::Raid(self.campaign.number, job.then(What::Session)));
        }
    }

    fn look_around(&mut self, job: Job, now: i64, stage: &mut Stage) {
        let (Some(client), Some(victim)) = (job.client, job.note.checked_sub(1)) else { return };
        let victim = victim as u32;
        let truth = stage.against(victim, self.campaign.attack(job.member, false));
        let detail = Detail::Session { session: self.session(job.member) };
        let owner = Owner::Person(victim);
        stage.say(Draft { time: now, owner, client, detail, truth }, Follow::Nobody);
    }
}

fn anybody(stage: &Stage, random: &mut Random) -> u32 {
    random.below(u64::from(stage.plan.people)) as u32
}

/// Leaked pairs over so many addresses; see the file's head.
#[derive(Debug)]
pub(crate) struct Stuffing {
    by: Guesser,
    /// Share of attempts with the right password: 0.1 to 2 % (vendors' reports; general knowledge).
    success: f64,
    /// Share of the rest whose name is somebody's here (assumed; the lists come from elsewhere).
    known: f64,
    /// Share of the rest whose password is in public breaches too.
    breached: f64,
    /// People whose password is in the list, found so far.
    exposed: Vec<u32>,
}

/// People with a breached password that one list names (a bound on what is remembered).
const MOST_EXPOSED: usize = 20_000;

impl Stuffing {
    pub(crate) fn new(campaign: Campaign, addresses: u32, stage: &Stage) -> Stuffing {
        let mut random = Random::new(stage.seed, 0x5354_0000_0000 + u64::from(campaign.number));
        let r = &mut random;
        let begins = stage.plan.start + stage.plan.families[campaign.number as usize].after;
        let source = if addresses <= 100 {
            let nets = r.between(1, 4) as u64;
            let nets: Vec<u64> = (0..nets).map(|_| r.word()).collect();
            let hosts = u64::from(addresses).div_ceil(nets.len() as u64);
            Source::Rented { nets, hosts, v6_subnets: 0 }
        } else {
            Source::proxies(u64::from(addresses), r)
        };
        let face = match r.weighted(&[20, 45, 20, 15]) {
            0 => Face::tool(r),
            1 => Face::named(r.between(1, 20), begins, r),
            2 => Face::driven(begins, r),
            _ => Face::Population { lag: r.between(0, 200) },
        };
        let cookies = if r.chance(0.6) { Cookies::None } else { Cookies::Fresh };
        let gear = Gear { source, face, cookies, tongues: Tongues::draw(r), key: r.word() };
        // attempts a second: some for ten addresses, tens for many
        let rate = r.log_normal(if addresses <= 100 { 1.5 } else { 6.0 }, 0.8).clamp(0.05, 200.0);
        let lasts = (f64::from(campaign.size) / rate * SECOND as f64).max(5.0 * MINUTE as f64) as i64;
        let (success, known, breached) =
            (r.log_normal(0.006, 0.7).clamp(0.001, 0.02), r.real(0.03, 0.3), r.real(0.7, 0.98));
        let exposed = (0..stage.plan.people)
            .filter(|person| stage.members[*person as usize].secret.is_breached())
            .take(MOST_EXPOSED)
            .collect();
        Stuffing {
            by: Guesser::new(campaign, gear, begins, lasts, random),
            success,
            known,
            breached,
            exposed,
        }
    }

    fn guess(&mut self, stage: &Stage) -> Guess {
        let random = &mut self.by.random;
        let leaked =
            |r: &mut Random| if r.chance(0.2) { Secret::common(r) } else { Secret::leaked(r.word()) };
        if !self.exposed.is_empty() && random.chance(self.success) {
            let victim = self.exposed[random.below(self.exposed.len() as u64) as usize];
            let secret = stage.members[victim as usize].secret;
            return Guess { owner: Owner::Person(victim), victim: Some(victim), secret };
        }
        let secret = if random.chance(self.breached) { leaked(random) } else { Secret::mistyped(random) };
        if random.chance(self.known) {
            let victim = anybody(stage, random);
            return Guess { owner: Owner::Person(victim), victim: Some(victim), secret };
        }
        Guess { owner: Owner::Nobody(random.word()), victim: None, secret }
    }
}

impl Raid for Stuffing {
    fn act(&mut self, job: Job, now: i64, stage: &mut Stage) {
        if self.by.goes_on(job, now, stage) {
            return;
        }
        let member = self.by.next(now, stage);
        let guess = self.guess(stage);
        self.by.say(member, guess, now, stage);
    }

    fn heard(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        self.by.heard(job, answer, now, stage);
    }
}

/// A few common passwords over all accounts; see the file's head.
#[derive(Debug)]
pub(crate) struct Spray {
    by: Guesser,
    /// The passwords of this campaign, from the head of the lists.
    secrets: Vec<Secret>,
    /// Names come from a list of the provider's addresses, so most are known.
    known: f64,
    /// Where in the list it begins.
    step: u64,
}

impl Spray {
    pub(crate) fn new(campaign: Campaign, stage: &Stage) -> Spray {
        let mut random = Random::new(stage.seed, 0x5350_0000_0000 + u64::from(campaign.number));
        let r = &mut random;
        let begins = stage.plan.start + stage.plan.families[campaign.number as usize].after;
        let source = match r.weighted(&[40, 60]) {
            0 => Source::hidden(r),
            _ => Source::proxies(r.between(20, 2_000) as u64, r),
        };
        let face = if r.chance(0.5) { Face::named(2, begins, r) } else { Face::driven(begins, r) };
        let gear = Gear { source, face, cookies: Cookies::None, tongues: Tongues::draw(r), key: r.word() };
        // the head of a list from somewhere: in about the order in which people choose them, none twice
        let rounds = u64::from(campaign.size.div_ceil(stage.plan.people));
        let secrets =
            (0..rounds.clamp(5, 40)).map(|at| Secret::ranked(2 * at + r.between(1, 2) as u64)).collect();
        let lasts = (f64::from(campaign.size) / r.real(20.0, 400.0) * HOUR as f64) as i64;
        let (known, step) = (r.real(0.5, 0.95), r.word());
        Spray { by: Guesser::new(campaign, gear, begins, lasts, random), secrets, known, step }
    }
}

impl Raid for Spray {
    fn act(&mut self, job: Job, now: i64, stage: &mut Stage) {
        if self.by.goes_on(job, now, stage) {
            return;
        }
        let member = self.by.next(now, stage);
        let people = u64::from(stage.plan.people);
        // one password over all names, then the next one: no name twice with one password
        let round = u64::from(member) / people;
        let secret = self.secrets[round as usize % self.secrets.len()];
        let victim = self.by.random.chance(self.known);
        let victim = victim.then_some(((self.step % people + u64::from(member)) % people) as u32);
        let owner = victim.map_or_else(|| Owner::Nobody(self.by.random.word()), Owner::Person);
        self.by.say(member, Guess { owner, victim, secret }, now, stage);
    }

    fn heard(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        self.by.heard(job, answer, now, stage);
    }
}

/// Everything at one account; see the file's head.
#[derive(Debug)]
pub(crate) struct Hammer {
    by: Guesser,
    victim: u32,
}

/// Guesses an hour, and how often the owner wants in meanwhile: somebody at work, who is asked for the password each time.
const GUESSES_AN_HOUR: f64 = 10_000.0;
const OWNER_EVERY: i64 = 25 * MINUTE;

impl Hammer {
    pub(crate) fn new(campaign: Campaign, stage: &Stage) -> Hammer {
        let mut random = Random::new(stage.seed, 0x4841_0000_0000 + u64::from(campaign.number));
        let r = &mut random;
        let begins = stage.plan.start + stage.plan.families[campaign.number as usize].after;
        let source = match r.weighted(&[30, 30, 40]) {
            0 => Source::server(r),
            1 => Source::servers(r),
            _ => Source::proxies(r.between(50, 5_000) as u64, r),
        };
        let face = if r.chance(0.6) { Face::tool(r) } else { Face::named(3, begins, r) };
        let gear = Gear { source, face, cookies: Cookies::None, tongues: Tongues::draw(r), key: r.word() };
        let lasts = (f64::from(campaign.size) / GUESSES_AN_HOUR * HOUR as f64) as i64;
        // somebody with a past: of some, who logs in most often
        let victim = (0..32).map(|_| anybody(stage, r)).max_by(|a, b| {
            let often = |person: &u32| stage.members[*person as usize].person.per_week;
            often(a).total_cmp(&often(b))
        });
        Hammer { by: Guesser::new(campaign, gear, begins, lasts, random), victim: victim.unwrap_or_default() }
    }
}

impl Raid for Hammer {
    fn act(&mut self, job: Job, now: i64, stage: &mut Stage) {
        if job.what == What::Behave {
            return crate::accounts::honest::log_in(self.victim, now, stage);
        }
        if self.by.goes_on(job, now, stage) {
            return;
        }
        let member = self.by.next(now, stage);
        if member == 0 {
            let lasts = (self.by.gap * f64::from(self.by.campaign.size)) as i64;
            let mut at = OWNER_EVERY / 3;
            while at < lasts.min(7 * DAY) {
                stage.agenda.add(now + at, Task::Raid(self.by.campaign.number, job.then(What::Behave)));
                at += OWNER_EVERY;
            }
        }
        let secret = match self.by.random.chance(0.7) {
            true => Secret::leaked(self.by.random.word()),
            false => Secret::mistyped(&mut self.by.random),
        };
        let guess = Guess { owner: Owner::Person(self.victim), victim: Some(self.victim), secret };
        self.by.say(member, guess, now, stage);
    }

    fn heard(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage) {
        self.by.heard(job, answer, now, stage);
    }
}
