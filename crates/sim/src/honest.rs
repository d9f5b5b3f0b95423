// SPDX-License-Identifier: Apache-2.0
//! What honest people do: log in, mistype, forget, sign up, and leave mail programs running with an old password.
//!
//! Each method that "goes on" does what is due now and says when it wants to be called again. Each habit has its own
//! stream of random numbers, so adding campaigns changes nothing about the people.

use crate::clock::{DAY, HOUR, Local, MINUTE, SECOND, mean_activity};
use crate::names::mailbox;
use crate::network::Networks;
use crate::outbox::{Client, Form, Outbox};
use crate::person::{AccountSpace, Device, LAB_AGENT, LAB_MACHINES, Person, account, lab_machine};
use crate::random::Random;
use crate::settings::Settings;
use crate::truth::{Situation, Truth};

/// Logins by hand that begin with a mistyped password or name, and those by somebody who has forgotten the password.
/// Assumed: together they make a few percent of attempts fail, the usual order at mail providers.
const TYPOS: f64 = 0.03;
const FORGOTTEN: f64 = 0.004;
/// Of mistyped logins, those with the name wrong rather than the password (assumed).
const NAME_MISTYPED: f64 = 0.1;
/// People who get back in after forgetting (assumed; Doerfler et al. 2019 saw 97 % return after failing a *challenge*,
/// which is easier than a recovery).
const RECOVERED: f64 = 0.7;
/// Share of accounts whose mail program is failing at any moment (assumed; a well-known nuisance of IMAP operators).
const STALE_SHARE: f64 = 0.001;
/// How long such a program goes on: median, spread, the longest. The mean of the log-normal is median * e^(1/2).
const STALE_MEDIAN: f64 = 10.0 * HOUR as f64;
const STALE_SIGMA: f64 = 1.0;
const STALE_MOST: i64 = 7 * DAY;
const STALE_MEAN: f64 = STALE_MEDIAN * 1.6487;
/// Sign-ups that come as a class, on top of the others, and the mean size of a class (assumed).
const CLASS_SHARE: f64 = 0.02;
const CLASS_MEAN: f64 = 25.0;
/// Time within which a class signs up.
const CLASS_TIME: i64 = 30 * MINUTE;
/// Campus clocks: minutes east of UTC.
const CAMPUS_OFFSET: i64 = 60;
/// Share of a week in which lessons are held: five days, eight to fifteen.
const LESSONS: f64 = 5.0 * 7.0 / (7.0 * 24.0);
/// Time to fill in the sign-up form in seconds: most people, people whose browser fills it in (15 %), pupils. Log-normal
/// as durations of human tasks generally are; medians assumed for a form of four to six fields.
const FORM_MEDIAN: f64 = 42.0;
const FORM_FILLED_MEDIAN: f64 = 14.0;
const FORM_PUPIL_MEDIAN: f64 = 70.0;
const FORM_SIGMA: f64 = 0.55;
/// Newcomers who log in within minutes (the rest come back another day), and those who leave a recovery address.
const FIRST_LOGIN: f64 = 0.85;
const RECOVERY_GIVEN: f64 = 0.45;

/// All honest people of one world.
#[derive(Debug)]
pub(crate) struct Honest {
    seed: u64,
    /// Accounts that exist now.
    pub(crate) people: u32,
    pub(crate) networks: Networks,
    logins_per_day: f64,
    signups_per_day: f64,
    login_random: Random,
    signup_random: Random,
    class_random: Random,
    stale_random: Random,
}

/// A mail program with an old password.
#[derive(Debug)]
pub(crate) struct StaleProgram {
    person: Person,
    phone: bool,
    every: i64,
    until: i64,
}

impl Honest {
    pub(crate) fn new(settings: &Settings) -> Honest {
        let stream = |number: u64| Random::new(settings.seed, 0x484f_0000 + number);
        Honest {
            seed: settings.seed,
            people: settings.accounts,
            networks: Networks::new(settings.seed, settings.accounts),
            logins_per_day: settings.logins_per_account_day,
            signups_per_day: settings.signups_per_day,
            login_random: stream(0),
            signup_random: stream(1),
            class_random: stream(2),
            stale_random: stream(3),
        }
    }

    /// Time until somebody next thinks of logging in; they do it with their local hour's activity as probability.
    pub(crate) fn login_gap(&mut self) -> Option<i64> {
        gap(f64::from(self.people) * self.logins_per_day / mean_activity(), &mut self.login_random)
    }

    /// Somebody thinks of logging in.
    pub(crate) fn login(&mut self, now: i64, outbox: &mut Outbox) {
        let random = &mut self.login_random;
        let person = Person::new(self.seed, active_account(self.people, random));
        if !random.chance(person.local(now).activity()) {
            return;
        }
        let (client, device) = person.connect(&self.networks, now, random);
        let account = account(self.seed, AccountSpace::People, u64::from(person.number));
        let session = Session { seed: self.seed, account, client };
        let fate = random.unit();
        if device == Device::MailProgram || fate >= TYPOS + FORGOTTEN {
            session.attempt(now, true, Situation::Ordinary, outbox);
        } else if fate < TYPOS {
            session.mistyped(now, random, outbox);
        } else {
            session.forgotten(now, random, outbox);
        }
    }

    /// Time until somebody next thinks of signing up.
    pub(crate) fn signup_gap(&mut self) -> Option<i64> {
        gap(self.signups_per_day / mean_activity(), &mut self.signup_random)
    }

    /// Somebody thinks of signing up. Whether the hour is right is asked of a person drawn from all; the newcomer is
    /// simply the next number, whose own clock may say otherwise.
    pub(crate) fn signup(&mut self, now: i64, outbox: &mut Outbox) {
        let asked = self.signup_random.below(u64::from(self.people)) as u32;
        if !self.signup_random.chance(Person::new(self.seed, asked).local(now).activity()) {
            return;
        }
        let person = newcomer(self.seed, &mut self.people);
        let random = &mut self.signup_random;
        let (client, _) = person.connect(&self.networks, now, random);
        let median = if random.chance(0.15) { FORM_FILLED_MEDIAN } else { FORM_MEDIAN };
        let form = form(&person, median, random);
        self.join(now, &person, &client, form, Situation::Ordinary, outbox);
    }

    /// Time until a class might next begin; see [`lesson`](Honest::lesson).
    pub(crate) fn class_gap(&mut self) -> Option<i64> {
        gap(self.signups_per_day * CLASS_SHARE / CLASS_MEAN / LESSONS, &mut self.class_random)
    }

    /// A class begins if lessons are held at this hour.
    pub(crate) fn lesson(&mut self, now: i64, outbox: &mut Outbox) {
        let local = Local::at(now, CAMPUS_OFFSET);
        if !local.weekend && (8..15).contains(&local.hour()) {
            self.class(now, outbox);
        }
    }

    /// A class of 20 to 30 signs up from one campus within half an hour: most at the room's machines, some on phones
    /// over the campus network. Afterwards they are people like others, on whatever networks those use.
    pub(crate) fn class(&mut self, now: i64, outbox: &mut Outbox) {
        let campus = self.class_random.below(self.networks.campuses);
        let first_seat = self.class_random.below(LAB_MACHINES);
        for pupil in 0..self.class_random.between(20, 30) as u64 {
            let time = now + self.class_random.between(0, CLASS_TIME);
            let person = newcomer(self.seed, &mut self.people);
            let random = &mut self.class_random;
            let mut client = person.connect(&self.networks, time, random).0;
            if random.chance(0.8) {
                let seat = (first_seat + pupil) % LAB_MACHINES;
                client = Client { device: Some(lab_machine(campus, seat)), agent: LAB_AGENT, ..client };
            }
            client.ip = self.networks.campus(campus, u64::from(person.number), time);
            let form = form(&person, FORM_PUPIL_MEDIAN, random);
            self.join(time, &person, &client, form, Situation::Classroom, outbox);
        }
    }

    /// The sign-up itself and, mostly, the first login from the same place.
    fn join(
        &mut self,
        now: i64,
        person: &Person,
        client: &Client,
        form: Form,
        why: Situation,
        outbox: &mut Outbox,
    ) {
        let random =
            if why == Situation::Classroom { &mut self.class_random } else { &mut self.signup_random };
        let account = account(self.seed, AccountSpace::People, u64::from(person.number));
        outbox.signup(now, account, client, form, Truth::Honest(why));
        if random.chance(FIRST_LOGIN) {
            let later = now + random.between(5 * SECOND, 4 * MINUTE);
            outbox.login(later, account, client, (true, true), Truth::Honest(why));
        }
    }

    /// Time until another mail program is left with an old password.
    pub(crate) fn stale_gap(&mut self) -> Option<i64> {
        let active = f64::from(self.people) * STALE_SHARE * self.mail_is_used();
        gap(active / STALE_MEAN * DAY as f64, &mut self.stale_random)
    }

    /// How many such programs are already running when the world begins.
    pub(crate) fn stale_at_start(&self) -> u32 {
        (f64::from(self.people) * STALE_SHARE * self.mail_is_used()) as u32
    }

    /// 1, or 0 in a world where nobody logs in at all.
    fn mail_is_used(&self) -> f64 {
        if self.logins_per_day > 0.0 { 1.0 } else { 0.0 }
    }

    /// Somebody changes the password and forgets a program: a third on a phone, the others on a computer at home, which
    /// tries every 3 to 15 minutes (assumed; usual polling intervals).
    pub(crate) fn leave_stale(&mut self, now: i64) -> StaleProgram {
        let random = &mut self.stale_random;
        let number = random.below(u64::from(self.people)) as u32;
        let lasts = (random.log_normal(STALE_MEDIAN, STALE_SIGMA) as i64).clamp(HOUR, STALE_MOST);
        StaleProgram {
            person: Person::new(self.seed, number),
            phone: random.chance(1.0 / 3.0),
            every: random.between(3, 15) * MINUTE,
            until: now + lasts,
        }
    }

    /// The program tries again; at the end its owner enters the new password (80 %) or removes the account from it.
    pub(crate) fn retry_stale(
        &mut self,
        program: &StaleProgram,
        now: i64,
        outbox: &mut Outbox,
    ) -> Option<i64> {
        let random = &mut self.stale_random;
        let (person, phone) = (&program.person, program.phone);
        let over = now >= program.until;
        let awake = phone || person.computer_is_on(now);
        if (awake && !over) || (over && random.chance(0.8)) {
            let client = person.connect_unattended(&self.networks, phone, now, random);
            let account = account(self.seed, AccountSpace::People, u64::from(person.number));
            outbox.login(now, account, &client, (over, true), Truth::Honest(Situation::StaleClient));
        }
        if over { None } else { Some(now + program.every + random.between(0, 5 * SECOND)) }
    }
}

/// One login session by hand.
struct Session {
    seed: u64,
    account: u64,
    client: Client,
}

impl Session {
    fn attempt(&self, time: i64, ok: bool, why: Situation, outbox: &mut Outbox) {
        outbox.login(time, self.account, &self.client, (ok, true), Truth::Honest(why));
    }

    /// One or two failures some seconds apart, then mostly success.
    fn mistyped(&self, now: i64, random: &mut Random, outbox: &mut Outbox) {
        let mut time = now;
        if random.chance(NAME_MISTYPED) {
            let nobody = account(self.seed, AccountSpace::Nobody, random.word() >> 8);
            outbox.login(time, nobody, &self.client, (false, false), Truth::Honest(Situation::Typo));
        } else {
            self.attempt(time, false, Situation::Typo, outbox);
            if random.chance(0.2) {
                time += random.between(4 * SECOND, 20 * SECOND);
                self.attempt(time, false, Situation::Typo, outbox);
            }
        }
        if random.chance(0.95) {
            time += random.between(4 * SECOND, 20 * SECOND);
            self.attempt(time, true, Situation::Typo, outbox);
        }
    }

    /// Three to six failures, then the recovery some minutes later, or nothing more.
    fn forgotten(&self, now: i64, random: &mut Random, outbox: &mut Outbox) {
        let mut time = now;
        for _ in 0..random.between(3, 6) {
            self.attempt(time, false, Situation::Forgotten, outbox);
            time += random.between(8 * SECOND, 40 * SECOND);
        }
        if random.chance(RECOVERED) {
            time += random.between(2 * MINUTE, 15 * MINUTE);
            self.attempt(time, true, Situation::Forgotten, outbox);
        }
    }
}

/// An account, the busy ones more often. Assumed: a tenth of accounts makes 45 % of logins, three tenths hardly any.
fn active_account(people: u32, random: &mut Random) -> u32 {
    let group = match random.weighted(&[45, 50, 5]) {
        0 => 0,
        1 => random.between(1, 6),
        _ => random.between(7, 9),
    };
    let tens = random.below(u64::from(people / 10) + 1);
    (tens * 10 + group as u64).min(u64::from(people - 1)) as u32
}

fn newcomer(seed: u64, people: &mut u32) -> Person {
    let person = Person::new(seed, *people);
    *people = people.saturating_add(1);
    person
}

fn form(person: &Person, median: f64, random: &mut Random) -> Form {
    let seconds = random.log_normal(median, FORM_SIGMA).clamp(3.0, 1_800.0);
    let email = random.chance(RECOVERY_GIVEN).then(|| mailbox(random));
    Form { username: person.username(random), email, time: (seconds * SECOND as f64) as i64 }
}

/// The wait for the next event of a Poisson process; `None` if it never comes. At most a thousand years.
pub(crate) fn gap(per_day: f64, random: &mut Random) -> Option<i64> {
    (per_day > 0.0).then(|| random.exponential(DAY as f64 / per_day).min(365_000.0 * DAY as f64) as i64)
}
