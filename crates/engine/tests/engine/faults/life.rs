// SPDX-License-Identifier: Apache-2.0
//! One life of a data directory, from one seed: what is asked of the engine, what goes wrong, and what must hold.
//!
//! Each step draws from its own numbers, so that leaving one out changes no other: that is how a failing life is made short.

use super::mirror::{Mirror, Read};
use super::policies::{POLICIES, bundle};
use super::promises::{Promises, name};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wardroom_engine::{
    Attempt, Channel, Config, Delivery, Destination, Durability, EffectId, Engine, EngineError, Every,
    Opened, Origin, Outcome, Retention, State, Stepper, SubmitError, SwapError, Work,
};
use wardroom_event::{Event, EventId, Micros, Span};
use wardroom_journal::{Disk, Faults, JournalError, Key, Keyring, SimDisk, SimRng};

const DATA: &str = "/d";
/// Steps of a life.
pub(super) const STEPS: u32 = 40;
/// Room on a disk that is not full.
const ROOMY: u64 = 1 << 30;
/// When lives begin: Monday, 5 January 2026, noon UTC.
const BEGINS: Micros = crate::support::NOON;
/// How often an opening is tried under faults before they end.
const TRIES: u32 = 3;

/// What lives met, so that the harness can show that it was not idle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Met {
    pub(super) events: u64,
    pub(super) repeated: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    pub(super) full: u64,
    pub(super) swaps: u64,
    pub(super) warmed: u64,
    pub(super) closes: u64,
    pub(super) kills: u64,
    pub(super) cuts: u64,
    pub(super) cuts_while_opening: u64,
    pub(super) torn: u64,
    pub(super) resolved: u64,
    pub(super) lost_by_interval: u64,
    pub(super) rotten: u64,
    pub(super) rot_refused: u64,
    pub(super) snapshots: u64,
    pub(super) from_snapshots: u64,
    pub(super) skipped: u64,
    pub(super) forgets: u64,
    pub(super) removed: u64,
    pub(super) delivered: u64,
}

impl Met {
    pub(super) fn add(&mut self, other: &Met) {
        for (mine, theirs) in self.all_mut().into_iter().zip(other.clone().all_mut()) {
            *mine += *theirs;
        }
    }

    pub(super) fn all_mut(&mut self) -> [&mut u64; 22] {
        [
            &mut self.events,
            &mut self.repeated,
            &mut self.refused,
            &mut self.failed,
            &mut self.full,
            &mut self.swaps,
            &mut self.warmed,
            &mut self.closes,
            &mut self.kills,
            &mut self.cuts,
            &mut self.cuts_while_opening,
            &mut self.torn,
            &mut self.resolved,
            &mut self.lost_by_interval,
            &mut self.rotten,
            &mut self.rot_refused,
            &mut self.snapshots,
            &mut self.from_snapshots,
            &mut self.skipped,
            &mut self.forgets,
            &mut self.removed,
            &mut self.delivered,
        ]
    }
}

/// How an engine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Told to, with nothing left to do.
    Close,
    /// Without a word; what the system was given is there.
    Kill,
    /// The machine with it; what was not synced is there or not.
    PowerCut,
}

/// Who gets webhooks and notifications, and honours their keys.
#[derive(Default)]
struct Receiver {
    /// What came first under each key: the effect, and the event that it is about.
    arrived: BTreeMap<String, (EffectId, Box<str>)>,
    /// Keys whose arrival is on record, and in which record at the latest.
    recorded: BTreeMap<String, u64>,
}

impl Receiver {
    fn destinations() -> [Destination; 2] {
        let to = |channel, name: &str| Destination { channel, name: name.into() };
        [to(Channel::Webhook, "revoke"), to(Channel::Notify, "desk")]
    }

    /// One key, one effect; and none that is on record comes again.
    fn take(&mut self, delivery: &Delivery) -> Result<(), String> {
        let (key, about) = (&delivery.key, delivery.decision.id.id.clone());
        if self.recorded.contains_key(key) {
            return Err(format!("effect {key} had arrived, on record, and is sent again"));
        }
        let first = self.arrived.entry(key.clone()).or_insert_with(|| (delivery.id, about.clone()));
        if *first != (delivery.id, about) {
            return Err(format!("key {key} was {first:?}, and is now {:?}", delivery.id));
        }
        Ok(())
    }
}

struct Live {
    engine: Engine,
    stepper: Stepper,
}

/// What callers ask, all before the next turn.
enum Ask {
    Submit(Vec<(u64, Event)>, Work),
    /// An id, and whether it must be found: what is asked at the same time may be done in any order.
    Find(u64, bool),
    Swap(usize),
}

/// What they are told.
enum Told {
    Outcomes(Vec<(u64, Micros)>, Result<Vec<Outcome>, SubmitError>),
    Found(u64, bool, Result<Option<u64>, SubmitError>),
    Swapped(usize, Result<(), SwapError>),
}

pub(super) struct Life {
    seed: u64,
    disk: SimDisk,
    config: Config,
    live: Option<Live>,
    now: Micros,
    /// Ids given so far.
    ids: u64,
    /// Events that were typed and wait to be handed over.
    held: Vec<(u64, Event)>,
    /// The policy in the policy directory.
    directory: usize,
    promises: Promises,
    mirror: Mirror,
    /// Faults of the disk explain failures until the engine is opened anew.
    hurt: bool,
    tight: bool,
    /// What was committed at once from a record on, and up to which record it proves all to have been durable.
    proofs: Vec<(u64, u64)>,
    receiver: Receiver,
    /// The power went since it was open last.
    cut: bool,
    met: Met,
    trace: Option<String>,
}

/// Runs a life, without the steps in `skip`; the error says which promise was broken.
pub(super) fn run(seed: u64, skip: &BTreeSet<u32>, lies: Faults) -> Result<Met, String> {
    Life::new(seed, None).go(skip, lies).map(|(met, _)| met).map_err(|(why, _)| why)
}

/// As [`run`], and tells the steps up to where it broke.
pub(super) fn tell(seed: u64, skip: &BTreeSet<u32>) -> String {
    match Life::new(seed, Some(String::new())).go(skip, Faults::default()) {
        Ok((_, trace)) => trace,
        Err((why, trace)) => format!("{trace}broken: {why}"),
    }
}

impl Life {
    fn new(seed: u64, trace: Option<String>) -> Life {
        let mut rng = SimRng::new(seed);
        let durability = match rng.below(3) {
            0 => Durability::Interval(Duration::from_secs(1)),
            _ => Durability::Sync,
        };
        let segment_bytes = 4096 << rng.below(3);
        let bytes = 2000 + rng.below(12_000);
        let snapshot_every = (!rng.one_in(4)).then_some(Every { bytes, time: Duration::MAX });
        let kept = segment_bytes * (1 + rng.below(3));
        let retention = Retention { bytes: rng.one_in(3).then_some(kept), age: None };
        // Small enough that counters forget, and that labels and list entries find no room.
        let memory_bytes = if rng.one_in(3) { 1024 << rng.below(8) } else { 1 << 30 };
        let keys = match rng.below(24) {
            0 => Keyring::new(Some(Key::new([seed as u8; 32])), Vec::new()).with_salts_from(seed),
            _ => Keyring::default(),
        };
        let config = Config {
            durability,
            segment_bytes,
            keys,
            memory_bytes,
            snapshot_every,
            retention,
            ..Config::new(DATA)
        };
        Life {
            seed,
            disk: SimDisk::new(seed ^ 0xd15c, ROOMY),
            config,
            live: None,
            now: BEGINS,
            ids: 0,
            held: Vec::new(),
            directory: 0,
            promises: Promises::default(),
            mirror: Mirror::new(seed, memory_bytes < 1 << 30),
            hurt: false,
            tight: false,
            proofs: Vec::new(),
            receiver: Receiver::default(),
            cut: false,
            met: Met::default(),
            trace,
        }
    }

    fn go(mut self, skip: &BTreeSet<u32>, lies: Faults) -> Result<(Met, String), (String, String)> {
        let lived = (0..STEPS).filter(|step| !skip.contains(step)).try_for_each(|step| {
            let mut rng =
                SimRng::new(self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(u64::from(step) << 32));
            self.step(step, &mut rng, lies)
        });
        let lived = lived.and_then(|()| self.finish());
        let trace = self.trace.take().unwrap_or_default();
        lived.map(|()| (self.met, trace.clone())).map_err(|why| (why, trace))
    }

    fn say(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let _ = writeln!(trace, "  {}", what());
        }
    }

    /// In the end nothing goes wrong, and all is there.
    fn finish(&mut self) -> Result<(), String> {
        self.say(|| "the end".to_owned());
        let mut rng = SimRng::new(!self.seed);
        self.end(End::PowerCut, &mut rng)?;
        self.calm();
        if self.open(None)?.is_none() {
            return Err("no fault, and yet it did not open".to_owned());
        }
        let asked = self.batch(&mut rng, 4);
        self.work(vec![asked])?;
        self.sync();
        self.all_arrive(&mut rng)?;
        self.look()?;
        self.end(End::Close, &mut rng)?;
        if self.open(None)?.is_none() {
            return Err("no fault, and yet it did not open again".to_owned());
        }
        let disk = &self.disk;
        let bytes = disk.files().into_iter().map(|(path, n)| (disk.load(&path, n as usize).ok(), path));
        let bytes: Vec<_> = if self.trace.is_some() { bytes.collect() } else { Vec::new() };
        self.say(|| format!("the disk in the end: {bytes:?}"));
        Ok(())
    }

    fn calm(&mut self) {
        self.disk.set_faults(Faults::default());
        self.disk.set_capacity(ROOMY);
        (self.hurt, self.tight) = (false, false);
    }

    fn step(&mut self, step: u32, rng: &mut SimRng, lies: Faults) -> Result<(), String> {
        if self.live.is_none() {
            self.revive(rng, lies)?;
        }
        self.say(|| format!("step {step}:"));
        match rng.below(100) {
            0..55 => self.requests(rng)?,
            55..60 => self.snapshot(rng),
            60..66 => self.backfill(1 + rng.below(60)),
            66..68 => self.sync(),
            68..72 => self.deliver(rng, 4)?,
            72..76 => self.jump(rng),
            76..81 => {
                self.tight = rng.one_in(2);
                let room = if self.tight { self.used() + rng.below(9000) } else { ROOMY };
                self.say(|| format!("room for {room} bytes"));
                self.disk.set_capacity(room);
            }
            81..87 => self.hurt(rng, lies),
            87..91 => self.end(End::Close, rng)?,
            91..96 => self.end(End::Kill, rng)?,
            _ => self.end(End::PowerCut, rng)?,
        }
        self.look()
    }

    /// After each step: what was committed is what it should be, and an engine that has failed is replaced.
    fn look(&mut self) -> Result<(), String> {
        let Some(live) = &self.live else {
            return Ok(());
        };
        if self.disk.crashed() || live.engine.status().failed.is_some() {
            let failed = live.engine.status().failed;
            if !self.hurt && !self.disk.crashed() {
                return Err(format!("it stopped, and nothing was wrong: {failed:?}"));
            }
            let end = if self.disk.crashed() { End::PowerCut } else { End::Kill };
            self.met.failed += 1;
            let mut rng = SimRng::new(self.seed ^ self.mirror.last());
            return self.end(end, &mut rng);
        }
        let committed = live.engine.status().seq;
        self.read_on(committed)
    }

    /// Reads what was committed since, from a disk that is well meanwhile.
    fn read_on(&mut self, committed: u64) -> Result<(), String> {
        let Some(live) = &self.live else {
            return Ok(());
        };
        let next = self.mirror.last() + 1;
        if committed < next {
            return Ok(());
        }
        self.proofs.push((next, self.promises.durable.min(next - 1)));
        let faults = self.disk.faults();
        self.disk.set_faults(Faults::default());
        let mut read = Read::from(&self.disk, &self.config.keys, next)?;
        read.records.truncate((committed + 1 - next) as usize);
        let taken = self.mirror.advance(read, &live.engine);
        self.disk.set_faults(faults);
        taken?;
        if self.mirror.last() != committed {
            return Err(format!("{committed} records are committed, {} are there", self.mirror.last()));
        }
        Ok(())
    }

    // ------------------------------------------------------------ what is asked

    fn requests(&mut self, rng: &mut SimRng) -> Result<(), String> {
        let mut asked = Vec::new();
        for _ in 0..1 + rng.below(3) {
            let ask = match rng.below(20) {
                0 => Ask::Swap(rng.below(POLICIES as u64 + 1) as usize),
                1 | 2 => self.find(rng.below(self.ids + 2)),
                3 => self.batch(rng, 40),
                _ => self.batch(rng, 5),
            };
            asked.push(ask);
        }
        self.work(asked)
    }

    fn find(&self, id: u64) -> Ask {
        Ask::Find(id, self.promises.must_be_known(id))
    }

    /// Events of all kinds: new ones, ones that were answered, ones that were not.
    fn batch(&mut self, rng: &mut SimRng, most: u64) -> Ask {
        let mut events = Vec::new();
        for _ in 0..1 + rng.below(most) {
            let id = match rng.below(10) {
                0 | 1 if self.ids > 0 => rng.below(self.ids),
                2 => pick(self.promises.unsure(), rng).unwrap_or(self.ids),
                3 => pick(self.promises.known(), rng).unwrap_or(self.ids),
                _ => self.ids,
            };
            self.ids = self.ids.max(id + 1);
            if let Some(event) = self.event(id, rng) {
                events.push((id, event));
            }
        }
        // Some wait until the policy is another.
        if rng.one_in(12) {
            self.held.append(&mut events);
        } else {
            events.append(&mut self.held);
        }
        self.now = self.now.plus(Span(rng.below(20_000_000) as i64));
        Ask::Submit(events, if rng.one_in(5) { Work::Record } else { Work::Decide })
    }

    /// An event of this id, as its sender would have it each time; none of a type that the policy does not have.
    fn event(&self, id: u64, rng: &mut SimRng) -> Option<Event> {
        self.event_on(&self.live.as_ref()?.engine, id, rng)
    }

    fn event_on(&self, engine: &Engine, id: u64, rng: &mut SimRng) -> Option<Event> {
        let mut own = SimRng::new(self.seed ^ id.wrapping_mul(0x51ed));
        let draw = &mut own;
        let (account, ip) = (draw.below(5), draw.below(4));
        let ip = format!("192.0.{}.{}", 2 + ip / 2, ip);
        let late = match rng.below(12) {
            0 => -(rng.below(3 * 3_600_000_000) as i64),
            1 => rng.below(600_000_000) as i64,
            _ => 0,
        };
        let time = self.now.plus(Span(late));
        let head = format!(r#""id":"{}","time":"{time}","account":"a{account}","ip":"{ip}""#, name(id));
        let json = if draw.one_in(3) {
            let age = draw.below(60);
            format!(r#"{{"type":"signup",{head},"email":"x@m{account}.example","age":{age}}}"#)
        } else {
            format!(r#"{{"type":"login",{head},"ok":{}}}"#, draw.one_in(2))
        };
        engine.intake(json.as_bytes(), self.now).ok()
    }

    fn work(&mut self, asked: Vec<Ask>) -> Result<(), String> {
        for ask in &asked {
            if let Ask::Submit(events, _) = ask {
                for (id, event) in events {
                    self.promises.sent(*id, event.received);
                }
            }
        }
        if self.trace.is_some() {
            let text: Vec<String> = asked.iter().map(Ask::show).collect();
            self.say(|| text.join("; "));
        }
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        let told = turn(live, asked, self.now)?;
        // Nothing waits, and what is done between two batches goes on.
        for _ in 0..self.ids % 5 {
            live.stepper.turn();
        }
        let (committed, failed) = (live.engine.status().seq, live.engine.status().failed.is_some());
        for told in told {
            self.told(told)?;
        }
        if !failed && !self.disk.crashed() {
            self.read_on(committed)?;
            if self.config.durability == Durability::Sync {
                self.promises.synced(committed);
            }
        } else if self.config.durability == Durability::Sync {
            self.promises.synced(self.promises.acknowledged);
        }
        Ok(())
    }

    fn told(&mut self, told: Told) -> Result<(), String> {
        match told {
            Told::Outcomes(ids, Ok(outcomes)) => {
                if ids.len() != outcomes.len() {
                    return Err(format!("{} outcomes for {} events", outcomes.len(), ids.len()));
                }
                ids.into_iter()
                    .zip(outcomes)
                    .try_for_each(|((id, at), outcome)| self.outcome(id, at, outcome))
            }
            Told::Outcomes(_, Err(error)) | Told::Found(_, _, Err(error)) => self.excuse(&error),
            Told::Found(id, must, Ok(found)) => self.found(id, must, found),
            Told::Swapped(number, Err(SwapError::Policy { .. })) if number == POLICIES => Ok(()),
            Told::Swapped(number, Ok(())) if number < POLICIES => {
                self.met.swaps += 1;
                Ok(())
            }
            Told::Swapped(_, Err(SwapError::Submit(error))) => self.excuse(&error),
            Told::Swapped(number, other) => Err(format!("policy {number}: {other:?}")),
        }
    }

    fn outcome(&mut self, id: u64, received: Micros, outcome: Outcome) -> Result<(), String> {
        self.say(|| match &outcome {
            Outcome::Refused(why) => format!("    {id}: refused, {why}"),
            Outcome::Decided { seq, verdict, .. } => format!("    {id}: {seq} {verdict}"),
            Outcome::Recorded { seq } => format!("    {id}: {seq} recorded"),
            Outcome::Repeated { seq } => format!("    {id}: {seq} again"),
        });
        match &outcome {
            Outcome::Refused(error) => {
                self.excuse(error)?;
                if !matches!(error, SubmitError::Failed(_) | SubmitError::Closed) {
                    self.promises.not_taken(id)?;
                }
            }
            Outcome::Repeated { .. } => self.met.repeated += 1,
            _ => self.met.events += 1,
        }
        self.promises.outcome(id, received, &outcome)
    }

    fn found(&mut self, id: u64, must: bool, found: Option<u64>) -> Result<(), String> {
        self.say(|| format!("    {id}: found {found:?}"));
        match (self.promises.answer(id), found) {
            (Some(answer), Some(seq)) if answer.seq != seq => {
                Err(format!("event {id} is {}, and was found as {seq}", answer.seq))
            }
            (Some(_), None) if must && self.promises.must_be_known(id) && !self.has_failed() => {
                Err(format!("event {id} was taken, and is not found"))
            }
            _ => Ok(()),
        }
    }

    fn has_failed(&self) -> bool {
        self.live.as_ref().is_none_or(|live| live.engine.status().failed.is_some())
    }

    /// Whether what goes wrong explains a refusal.
    fn excuse(&mut self, error: &SubmitError) -> Result<(), String> {
        self.met.refused += 1;
        let excused = match error {
            SubmitError::Failed(_) => self.hurt || self.disk.crashed(),
            SubmitError::Full(_) => {
                self.met.full += 1;
                self.tight
            }
            SubmitError::TypeChanged(_) => true,
            SubmitError::Busy { .. } | SubmitError::Closed => false,
        };
        if excused { Ok(()) } else { Err(format!("nothing was wrong, and yet: {error}")) }
    }

    fn backfill(&mut self, records: u64) {
        let Some(live) = &mut self.live else { return };
        let before = live.engine.warming().len();
        let done = live.stepper.backfill(records);
        let after = live.engine.warming().len();
        self.met.warmed += (before - after.min(before)) as u64;
        self.say(|| format!("back-fill of {records}: {before} were warming, {after} are; {done:?}"));
    }

    /// Asks for a snapshot, and waits for it or not.
    fn snapshot(&mut self, rng: &mut SimRng) {
        let turns = rng.below(2) * (1 + rng.below(40));
        let Some(live) = &mut self.live else { return };
        let told = {
            let mut asking = std::pin::pin!(live.engine.snapshot());
            let mut context = Context::from_waker(Waker::noop());
            let mut told = asking.as_mut().poll(&mut context);
            for _ in 0..turns {
                live.stepper.turn();
                if told.is_pending() {
                    told = asking.as_mut().poll(&mut context);
                }
            }
            told
        };
        self.say(|| format!("a snapshot is asked for, and {turns} turns pass: {told:?}"));
    }

    /// What is due goes out: it arrives or not, and what became of it is put on record or not.
    fn deliver(&mut self, rng: &mut SimRng, fails_one_in: u64) -> Result<(), String> {
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        let outbox = live.engine.outbox().clone();
        if let Err(error) = outbox.look(self.now) {
            return if self.hurt { Ok(()) } else { Err(error.to_string()) };
        }
        let mut reported = Vec::new();
        for delivery in outbox.due(self.now) {
            if rng.one_in(fails_one_in) {
                let why = "nobody is there".to_owned();
                outbox.report(delivery.id, Attempt::Failed { why, wait: None }, self.now);
                continue;
            }
            self.receiver.take(&delivery)?;
            // Cut off between the two, it is on its way until it is sent again.
            if fails_one_in == 0 || !rng.one_in(5) {
                outbox.report(delivery.id, Attempt::Delivered, self.now);
                reported.push(delivery.key);
            }
        }
        let written = {
            let mut context = Context::from_waker(Waker::noop());
            let mut writing = std::pin::pin!(outbox.write(rng.one_in(4)));
            let mut told = writing.as_mut().poll(&mut context);
            for _ in 0..4 {
                if told.is_pending() {
                    live.stepper.turn();
                    told = writing.as_mut().poll(&mut context);
                }
            }
            told
        };
        let committed = live.engine.status().seq;
        self.met.delivered += reported.len() as u64;
        self.say(|| format!("{} effects arrive; {written:?}", reported.len()));
        match written {
            Poll::Ready(Ok(())) => {
                self.receiver.recorded.extend(reported.into_iter().map(|key| (key, committed)));
                Ok(())
            }
            Poll::Ready(Err(error)) => self.excuse(&error),
            Poll::Pending => Err("the outbox is not answered".to_owned()),
        }
    }

    /// In the end every effect has arrived or was given up.
    fn all_arrive(&mut self, rng: &mut SimRng) -> Result<(), String> {
        let mut idle = 0;
        // Longer than anything waits.
        while idle < 20 {
            let before = self.met.delivered;
            self.deliver(rng, 0)?;
            if self.met.delivered == before {
                idle += 1;
                self.now = self.now.plus(Span::from_secs(3600));
            }
        }
        let Some(live) = &self.live else {
            return Ok(());
        };
        let dead = live.engine.outbox().list(State::Dead, usize::MAX).effects;
        let pending = live.engine.outbox().list(State::Pending, usize::MAX).total;
        let arrived = &self.receiver.arrived;
        if let Some(listed) = dead.iter().find(|listed| self.receiver.recorded.contains_key(&listed.key)) {
            return Err(format!(
                "effect {} had arrived, on record, and is dead: {:?}",
                listed.key, listed.why
            ));
        }
        for (seq, index) in self.mirror.outgoing() {
            let there = arrived.values().any(|(id, _)| (id.decision, id.index) == (seq, index));
            if !there && !dead.iter().any(|listed| listed.decision == seq) {
                return Err(format!(
                    "effect {index} of decision {seq} never arrived; {pending} are on their way"
                ));
            }
        }
        Ok(())
    }

    fn sync(&mut self) {
        let Some(live) = &mut self.live else { return };
        live.stepper.sync();
        if live.engine.status().failed.is_none() {
            let committed = live.engine.status().seq;
            self.promises.synced(committed);
        }
        self.say(|| "sync".to_owned());
    }

    /// The clock of arrivals jumps.
    fn jump(&mut self, rng: &mut SimRng) {
        let secs = match rng.below(8) {
            0..=3 => rng.below(120),
            4 | 5 => rng.below(7200),
            6 => rng.below(30 * 86_400),
            _ => rng.below(3 * 365 * 86_400),
        };
        let span = Span::from_secs(secs as i64);
        self.now = if rng.one_in(3) { self.now.minus(span) } else { self.now.plus(span) };
        let now = self.now;
        self.say(|| format!("it is {now}"));
    }

    fn used(&self) -> u64 {
        self.disk.used()
    }

    /// Something begins to go wrong.
    fn hurt(&mut self, rng: &mut SimRng, lies: Faults) {
        let mut faults = Faults { crash_after_ops: rng.below(3) * (1 + rng.below(30)), ..lies };
        match rng.below(5) {
            0 => faults.short_write_one_in = 3,
            1 => faults.fail_sync_one_in = 4,
            2 => faults.fail_write_one_in = 8,
            3 => faults.fail_read_one_in = 6,
            _ => {}
        }
        self.disk.set_faults(faults);
        self.hurt = true;
        self.say(|| format!("{faults:?}"));
    }

    // ------------------------------------------------------------ ends and beginnings

    fn end(&mut self, how: End, rng: &mut SimRng) -> Result<(), String> {
        self.say(|| format!("{how:?}"));
        let Some(mut live) = self.live.take() else {
            return Ok(());
        };
        let status = live.engine.status();
        let made = status.snapshots.made;
        self.say(|| format!("{made} snapshots were made"));
        self.met.snapshots += made;
        self.met.removed += status.snapshots.segments_removed;
        self.met.forgets += status.forgets;
        let mut how = how;
        if how == End::Close {
            let done = close(&mut live);
            let status = live.engine.status();
            if done && status.failed.is_none() && !self.disk.crashed() {
                self.live = Some(live);
                self.read_on(status.seq)?;
                self.promises.synced(status.seq);
                live = self.live.take().ok_or("it was just there")?;
                self.met.closes += 1;
            } else {
                how = End::Kill;
            }
        }
        drop(live);
        if how == End::Close && rng.one_in(2) {
            self.damage(rng)?;
        }
        if how == End::PowerCut || self.disk.crashed() {
            self.met.cuts += 1;
            self.power_cut();
        } else if how == End::Kill {
            self.met.kills += 1;
        }
        Ok(())
    }

    fn power_cut(&mut self) {
        self.disk.reboot();
        self.cut = true;
    }

    /// Opens the directory again, with faults at first or without.
    fn revive(&mut self, rng: &mut SimRng, lies: Faults) -> Result<(), String> {
        if rng.one_in(8) {
            self.directory = rng.below(POLICIES as u64) as usize;
        }
        for attempt in 0..TRIES {
            if attempt + 1 == TRIES || rng.one_in(2) {
                self.calm();
                self.disk.set_faults(lies);
            } else {
                self.hurt(rng, lies);
            }
            let offered = rng.one_in(2).then_some(self.directory);
            match self.open(offered)? {
                Some(opened) => {
                    self.met.torn += u64::from(opened.recovery.torn.is_some());
                    return Ok(());
                }
                None if self.disk.crashed() => {
                    self.met.cuts_while_opening += 1;
                    self.power_cut();
                }
                None => {}
            }
        }
        Err("no fault, and yet it did not open".to_owned())
    }

    /// Opens, and holds what is there against what was promised. None if a fault of the disk explains that it did not open.
    fn open(&mut self, offered: Option<usize>) -> Result<Option<Opened>, String> {
        let offered = offered.or_else(|| (self.promises.durable == 0).then_some(self.directory));
        let disk = Arc::new(self.disk.clone());
        self.say(|| format!("open, with policy {offered:?}"));
        match Engine::open_stepped(disk, &self.config, offered.map(bundle), self.now, self.seed) {
            // What cannot fail it, such as removing what is left over, may meet the cut.
            Ok(_) if self.disk.crashed() => Ok(None),
            Ok((engine, stepper, opened)) => {
                engine.outbox().configure(Receiver::destinations());
                self.live = Some(Live { engine, stepper });
                self.audit(&opened)?;
                Ok(Some(opened))
            }
            Err(error) if self.explains(&error) => {
                self.say(|| format!("it does not open: {error}"));
                Ok(None)
            }
            Err(error) => Err(format!("it does not open: {error}")),
        }
    }

    fn explains(&self, error: &EngineError) -> bool {
        let hurt = self.hurt || self.disk.crashed();
        match error {
            EngineError::Journal(JournalError::Io { .. }) | EngineError::File { .. } => hurt,
            EngineError::Policy(SwapError::Submit(SubmitError::Failed(_))) => hurt,
            EngineError::Policy(SwapError::Submit(SubmitError::Full(_))) => self.tight,
            _ => false,
        }
    }

    /// What a restart found: nothing promised is missing, nothing is there that should not be, and the state is a fold of
    /// what is there.
    fn audit(&mut self, opened: &Opened) -> Result<(), String> {
        let faults = self.disk.faults();
        self.disk.set_faults(Faults::default());
        let audited = self.audit_in_peace(opened);
        self.disk.set_faults(faults);
        audited
    }

    fn audit_in_peace(&mut self, opened: &Opened) -> Result<(), String> {
        let found = Read::from(&self.disk, &self.config.keys, 1)?;
        let (kept, there) = (self.mirror.in_common(&found), found.last());
        let floor =
            if self.cut { self.promises.durable } else { self.mirror.last().max(self.promises.acknowledged) };
        let lost = self.mirror.last().saturating_sub(kept);
        self.say(|| format!("records {} to {there}, {kept} as before, {floor} promised", found.first));
        // Records behind those read last were committed by an engine that failed before it could be asked.
        if kept < floor.min(self.mirror.last()) || there < floor {
            return Err(format!("{there} records, {kept} as before; {floor} were promised"));
        }
        if lost > 0 {
            self.met.lost_by_interval += lost;
        }
        self.cut = false;
        self.proofs.retain(|(from, _)| *from <= kept);
        self.receiver.recorded.retain(|_, seq| *seq <= kept);
        let live = self.live.as_ref().ok_or("it was just opened")?;
        let status = live.engine.status();
        if there != status.seq {
            return Err(format!("{there} records are there, and it says {}", status.seq));
        }
        self.met.from_snapshots += u64::from(opened.snapshot.is_some());
        self.mirror.begin_anew(kept as usize)?;
        let unsure = self.promises.unsure().count() as u64;
        self.mirror.advance(found, &live.engine)?;
        self.promises.settle(&self.mirror, kept, floor)?;
        self.met.resolved += unsure;
        let events = self.mirror.records.iter().filter(|r| r.stored.is_some()).count() as u64;
        if opened.events != events {
            return Err(format!("{events} events are there, {} were folded", opened.events));
        }
        self.spot_check()
    }

    /// Some decisions, by number and by id, as a caller asks for them.
    fn spot_check(&mut self) -> Result<(), String> {
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        let first = Read::from(&self.disk, &self.config.keys, self.mirror.last())?.kept_from;
        let mut rng = SimRng::new(self.seed ^ self.mirror.last() << 8);
        let ids: Vec<u64> = (0..4).filter_map(|_| pick(self.promises.known(), &mut rng)).collect();
        let asked = ids.iter().map(|id| Ask::Find(*id, self.promises.must_be_known(*id))).collect();
        let told = turn(live, asked, self.now)?;
        for id in ids {
            let seq = self.promises.answer(id).map_or(0, |a| a.seq);
            let decision = live.engine.decision(seq).map_err(|e| e.to_string())?;
            let gone = decision.is_none() && seq < first;
            if decision.as_ref() != self.mirror.stored(seq) && !gone {
                return Err(format!("decision {seq} reads as {decision:?}"));
            }
        }
        told.into_iter().try_for_each(|told| self.told(told))
    }

    // ------------------------------------------------------------ damage at rest

    /// The last record that records behind it prove to have been durable: only what is after it may pass for a torn tail.
    fn proven(&self) -> u64 {
        self.proofs.iter().map(|(_, durable)| *durable).max().unwrap_or(0)
    }

    /// Flips bits in one byte of a copy: reading refuses by place, or nothing has changed.
    fn damage(&mut self, rng: &mut SimRng) -> Result<(), String> {
        let disk = self.disk.fork();
        disk.set_capacity(ROOMY);
        let files = disk.files();
        let Some((path, bytes)) = files.get(rng.below(files.len() as u64) as usize) else {
            return Ok(());
        };
        let at = rng.below(*bytes);
        if !disk.rot(path, at, 1 << rng.below(8)) {
            return Ok(());
        }
        self.met.rotten += 1;
        let place = format!("{} at {at}", path.display());
        self.say(|| format!("on a copy, a bit flips in {place}"));
        let opened = Engine::open_stepped(Arc::new(disk.clone()), &self.config, None, self.now, self.seed);
        let (engine, stepper, opened) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.met.rot_refused += 1;
                let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                // A name and its temporary one may both be left to one file.
                let file = file.trim_end_matches(".tmp");
                let named = error.to_string().contains(file) || matches!(error, EngineError::Record { .. });
                // What was written last may have been cut short: nothing behind it proves that it was not.
                let excused = named || self.proven() < 2 && matches!(error, EngineError::NoPolicy);
                return if excused { Ok(()) } else { Err(format!("{place}, and said is only: {error}")) };
            }
        };
        let there = engine.status().seq;
        if there < self.proven() || there < self.mirror.last() && opened.recovery.torn.is_none() {
            return Err(format!("{place}: {there} records are left of {}, in silence", self.mirror.last()));
        }
        self.met.skipped += opened.skipped.len() as u64;
        // What can still be read is what it was.
        if let Ok(read) = Read::from(&disk, &self.config.keys, 1) {
            let same = self.mirror.in_common(&read);
            if same < read.last() {
                return Err(format!("{place}: record {} is another, in silence", same + 1));
            }
        }
        if there < self.mirror.last() {
            return Ok(());
        }
        self.probe(&disk, Live { engine, stepper }, rng).map_err(|e| format!("{place}: {e}"))
    }

    /// The state of an engine just opened is the one that was: another decision is what it would have been.
    fn probe(&self, disk: &SimDisk, mut live: Live, rng: &mut SimRng) -> Result<(), String> {
        let id = self.ids + 1 + rng.below(1000);
        let Some(event) = self.event_on(&live.engine, id, rng) else {
            return Ok(());
        };
        let told = turn(&mut live, vec![Ask::Submit(vec![(id, event)], Work::Decide)], self.now)?;
        let taken = told.iter().any(|told| match told {
            Told::Outcomes(_, Ok(outcomes)) => crate::support::seq_of(&outcomes[0]).is_some(),
            _ => false,
        });
        if !taken {
            return Err("it takes no more events".to_owned());
        }
        let mut again = self.mirror.again()?;
        let read = Read::from(disk, &self.config.keys, again.last() + 1)?;
        again.advance(read, &live.engine)
    }
}

/// One of several, if there are any.
fn pick(from: impl Iterator<Item = u64>, rng: &mut SimRng) -> Option<u64> {
    let all: Vec<u64> = from.collect();
    all.get(rng.below(all.len() as u64) as usize).copied()
}

impl Ask {
    fn show(&self) -> String {
        match self {
            Ask::Submit(events, work) => {
                let ids: Vec<u64> = events.iter().map(|(id, _)| *id).collect();
                format!("{work:?} {ids:?}")
            }
            Ask::Find(id, _) => format!("find {id}"),
            Ask::Swap(number) => format!("swap to policy {number}"),
        }
    }
}

type Asking<'a> = Pin<Box<dyn Future<Output = Told> + 'a>>;

fn ask(engine: &Engine, ask: Ask, now: Micros) -> Asking<'_> {
    Box::pin(async move {
        match ask {
            Ask::Submit(events, work) => {
                let ids = events.iter().map(|(id, event)| (*id, event.received)).collect();
                let events = events.into_iter().map(|(_, event)| event).collect();
                Told::Outcomes(ids, engine.submit(events, work).await)
            }
            Ask::Find(id, must) => {
                let named = EventId { source: "".into(), id: name(id).into() };
                Told::Found(id, must, engine.find(named).await)
            }
            Ask::Swap(number) => {
                let swapped = engine.swap(bundle(number), Origin::Api, now).await;
                Told::Swapped(number, swapped.map(drop))
            }
        }
    })
}

/// Hands all of it over, lets the sequencer do it, and gives the answers.
fn turn(live: &mut Live, asked: Vec<Ask>, now: Micros) -> Result<Vec<Told>, String> {
    let Live { engine, stepper } = live;
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting: Vec<Asking<'_>> = asked.into_iter().map(|a| ask(engine, a, now)).collect();
    let mut told: Vec<Option<Told>> = Vec::new();
    for asking in &mut waiting {
        told.push(match asking.as_mut().poll(&mut context) {
            Poll::Ready(told) => Some(told),
            Poll::Pending => None,
        });
    }
    stepper.turn();
    for (asking, told) in waiting.iter_mut().zip(&mut told) {
        if told.is_none() {
            match asking.as_mut().poll(&mut context) {
                Poll::Ready(answer) => *told = Some(answer),
                Poll::Pending => return Err("a turn was over, and no answer came".to_owned()),
            }
        }
    }
    Ok(told.into_iter().flatten().collect())
}

/// Tells the engine to close; whether it did.
fn close(live: &mut Live) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    let mut closing = std::pin::pin!(live.engine.close());
    let _ = closing.as_mut().poll(&mut context);
    let stopped = !live.stepper.turn();
    stopped && closing.as_mut().poll(&mut context).is_ready()
}
