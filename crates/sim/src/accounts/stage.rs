// SPDX-License-Identifier: Apache-2.0
//! What everybody acts on: the internet, the accounts, the agenda, and the one event that was just made.

use std::collections::HashSet;

use super::Answer;
use super::agenda::Agenda;
use super::attack::Job;
use super::event::{Client, Detail, Event, Happening};
use super::honest::{Crew, Errand, Stale};
use super::internet::Internet;
use super::person::{Connection, Person};
use super::plan::Plan;
use super::secret::Secret;
use super::truth::{Attack, Script, Subgroups, Truth};
use crate::clock::MINUTE;
use crate::event::Token;
use crate::random::{Random, derive, mix};

/// Something to do at a time.
#[derive(Debug)]
pub(crate) enum Task {
    /// A person thinks of the account.
    Visit(u32),
    /// A person's mail program connects.
    Program(u32),
    /// A person goes on with something.
    Errand(Box<Errand>),
    /// A mail program tries a password that was changed.
    Stale(Box<Stale>),
    /// Somebody makes an account.
    Signup,
    /// Somebody of the household makes an account too, and then so many more.
    Sibling(Box<(Connection, u32, u8)>),
    /// The next of a group that signs up together.
    Crew(u32),
    /// The provider is back after an outage.
    Outage,
    /// Campaign so-and-so goes on.
    Raid(u32, Job),
    /// An event that was told late.
    Late(Box<(Happening, Follow)>),
}

/// Who waits for the answer to an event.
#[derive(Debug)]
pub(crate) enum Follow {
    Nobody,
    Errand(Box<Errand>),
    Stale(Box<Stale>),
    Raid(u32, Job),
}

/// An honest person's account.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) person: Person,
    pub(crate) secret: Secret,
    /// Successful logins in this scene.
    pub(crate) logins: u32,
    /// Errands begun: each has its own random numbers, so that what attackers do changes nothing about people.
    pub(crate) errands: u32,
    /// Not made yet, refused, or given up.
    pub(crate) closed: bool,
    /// Somebody else changed the password.
    pub(crate) locked_out: bool,
    /// The session and the cookie of the last login by hand: what a thief of cookies gets.
    pub(crate) session: Option<u64>,
    pub(crate) cookie: Option<u64>,
    /// Hashes of the devices it was entered with, the last few.
    seen: [u32; DEVICES],
}

/// Devices of one account that the truth remembers.
const DEVICES: usize = 8;
/// Which of a person's questions says whether they stay.
const STAYS: u64 = 27;
/// Share of events told late where nobody waits for the verdict, and the longest delay (assumed: a delivery tried again).
const LATE: f64 = 0.01;
const LATEST: i64 = MINUTE;

/// Whose names account numbers are; distinct spaces never meet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner {
    Person(u32),
    /// Campaign and member.
    Attacker(u32, u32),
    /// A name nobody owns.
    Nobody(u64),
}

/// An event about to be made.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) time: i64,
    pub(crate) owner: Owner,
    pub(crate) client: Client,
    pub(crate) detail: Detail,
    pub(crate) truth: Truth,
}

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) seed: u64,
    pub(crate) plan: Plan,
    pub(crate) internet: Internet,
    pub(crate) members: Vec<Member>,
    pub(crate) agenda: Agenda<Task>,
    pub(crate) crews: Vec<Crew>,
    /// Names that are taken, as hashes: one for each member.
    names: HashSet<u64>,
    /// The id of the event that was made last.
    pub(crate) last_id: Option<Token>,
    said: Option<(Happening, Follow)>,
    made: u64,
}

impl Stage {
    pub(crate) fn new(plan: Plan) -> Stage {
        let seed = derive(plan.seed, 0x4143_4354, 0);
        // everybody who will be there has a place in it
        let internet = Internet::new(plan.people.saturating_add(plan.signups() as u32));
        let mut stage = Stage {
            seed,
            internet,
            members: Vec::with_capacity(plan.people as usize),
            names: HashSet::new(),
            agenda: Agenda::new(),
            crews: Vec::new(),
            last_id: None,
            said: None,
            made: 0,
            plan,
        };
        for number in 0..stage.plan.people {
            let person = Person::new(seed, number, &stage.internet);
            stage.add(person);
        }
        stage
    }

    /// Gives a person an account under a name that nobody has yet.
    fn add(&mut self, mut person: Person) {
        while !self.names.insert(hash(&person.username())) {
            person.name_is_taken();
        }
        self.members.push(Member::new(person));
    }

    /// Makes the one event of the task in hand; whoever follows hears the answer to it.
    pub(crate) fn say(&mut self, draft: Draft, follow: Follow) {
        let Draft { time, owner, client, detail, truth } = draft;
        let id = Token::new(mix(derive(self.seed, 0x4944, 0).wrapping_add(self.made)));
        self.made += 1;
        self.last_id = Some(id);
        let facts = self.internet.look_up(client.ip);
        let event = Event { id, time, account: Token::new(self.account(owner)), client, facts, detail };
        let nobody_waits = matches!(event.detail, Detail::Session { .. } | Detail::Verification { .. });
        // by account and time, so that one delivery more changes nothing about the others
        let mut random = Random::new(derive(self.seed, 0x4c41, self.account(owner)), time as u64);
        let late = if nobody_waits && random.chance(LATE) { random.between(1, LATEST) } else { 0 };
        let happening = Happening { time, arrival: time + late, event, truth };
        if late > 0 {
            self.agenda.add(happening.arrival, Task::Late(Box::new((happening, follow))));
        } else {
            self.said = Some((happening, follow));
        }
    }

    /// Takes the event that was made.
    pub(crate) fn said(&mut self) -> Option<(Happening, Follow)> {
        self.said.take()
    }

    /// The number that is an account's token.
    pub(crate) fn account(&self, owner: Owner) -> u64 {
        let key = derive(self.seed, 0x4143_434f, 0);
        let number = match owner {
            Owner::Person(number) => u64::from(number),
            Owner::Attacker(campaign, member) => 1 << 60 | u64::from(campaign) << 32 | u64::from(member),
            Owner::Nobody(number) => 2 << 60 | number >> 8,
        };
        mix(key ^ number)
    }

    /// The truth about what a person does with their account.
    pub(crate) fn honest(&self, person: u32, marks: Subgroups) -> Truth {
        let member = &self.members[person as usize];
        Truth {
            attack: None,
            person: Some(person),
            past_logins: member.logins,
            logins_per_week: member.person.per_week as f32,
            subgroups: marks
                .with(member.person.marks)
                .with_if(member.secret.is_breached(), Subgroups::BREACHED),
            script: member.person.script,
        }
    }

    /// The truth about what an attacker does to a person's account.
    pub(crate) fn against(&self, person: u32, attack: Attack) -> Truth {
        Truth { attack: Some(attack), ..self.honest(person, Subgroups::NONE) }
    }

    /// The truth about an attacker's own account, or a name nobody owns.
    pub(crate) fn foreign(&self, attack: Attack, name: &str) -> Truth {
        Truth {
            attack: Some(attack),
            person: None,
            past_logins: 0,
            logins_per_week: 0.0,
            subgroups: Subgroups::NONE,
            script: Script::of(name),
        }
    }

    /// Random numbers for the next thing this person does.
    pub(crate) fn errand_random(&mut self, person: u32) -> Random {
        let member = &mut self.members[person as usize];
        member.errands += 1;
        Random::new(member.person.own(90), u64::from(member.errands))
    }

    /// Adds an account for a newcomer, of a certain household and country where that is given; closed until it is let in. Gives
    /// its number.
    pub(crate) fn newcomer(&mut self, of: Option<(u64, usize)>) -> u32 {
        let number = self.members.len() as u32;
        let mut person = match of {
            Some((household, country)) => Person::of(self.seed, number, household, country, &self.internet),
            None => Person::new(self.seed, number, &self.internet),
        };
        if !person.has(STAYS, self.plan.stay) {
            person.is_there_once();
        }
        self.add(person);
        self.members[number as usize].closed = true;
        number
    }
}

impl Member {
    fn new(person: Person) -> Member {
        let secret = person.first_secret();
        Member {
            person,
            secret,
            logins: 0,
            errands: 0,
            closed: false,
            locked_out: false,
            session: None,
            cookie: None,
            seen: [0; DEVICES],
        }
    }

    /// Whether the account was entered before, and never with this device.
    pub(crate) fn is_new_device(&self, device: Option<u64>) -> bool {
        self.logins > 0 && device.is_some_and(|device| !self.seen.contains(&short(device)))
    }

    /// The owner is in.
    pub(crate) fn entered(&mut self, device: Option<u64>) {
        self.logins += 1;
        if let Some(device) = device.map(short).filter(|device| !self.seen.contains(device)) {
            self.seen.rotate_right(1);
            self.seen[0] = device;
        }
    }
}

/// FNV-1a, 64 bits.
fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn short(device: u64) -> u32 {
    (device >> 32) as u32 | 1
}

/// Whether an answer lets the thing happen now.
pub(crate) fn passes(answer: Answer) -> bool {
    matches!(answer, Answer::Pass | Answer::Limit)
}
