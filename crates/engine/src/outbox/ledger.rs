// SPDX-License-Identifier: Apache-2.0
//! The outbox's books: what was taken up, when it is tried next, and what became of it. No disk, no threads, no clock.
//!
//! A conclusion is made here at once and its record queued; what is written down is the state with the queue worked off.
//! So a crash forgets conclusions at worst, and an effect goes out once more under the same key.
//!
//! Each destination has a share of the places. One that has used up its share *falls behind*: its further effects wait in
//! the journal and are looked up there when places are free, while the others go on.

use super::key::Keys;
use super::pace;
use crate::decision::{Channel, Destination, EffectId};
use crate::erase::{Eraser, Met};
use crate::limits;
use crate::record::{Checkpoint, DeadLetter, EffectRecord, Happened, OpenCase, Unfinished};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wardroom_event::{Micros, Span, nearest};

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It arrived: the destination said so.
    Delivered,
    /// It did not, and may later.
    Failed {
        /// Why, for people: without secrets.
        why: String,
        /// How long the destination asks to be left alone.
        wait: Option<Span>,
    },
    /// It did not, and never will: the destination said so, or what it is about is gone.
    Refused {
        /// Why, for people: without secrets.
        why: String,
    },
}

/// What the books know of one destination.
#[derive(Default)]
struct Lane {
    /// What waits, by when it is tried next.
    queue: BTreeSet<(Micros, EffectId)>,
    /// How many wait or are being tried.
    unfinished: usize,
    sending: usize,
    /// It has more than its share: effects of decisions after this one were not taken up.
    behind: Option<u64>,
    /// Failures in a row.
    failures: u32,
    paused_until: Option<Micros>,
}

impl Lane {
    fn is_idle(&self) -> bool {
        self.unfinished == 0 && self.behind.is_none()
    }

    /// How many may be sent at once now.
    fn places(&self, now: Micros) -> usize {
        if self.paused_until.is_some_and(|until| now < until) {
            return 0;
        }
        // One that keeps failing is tried with one.
        let most = if self.failures < limits::OUTBOX_PAUSE_AFTER { limits::OUTBOX_SENDING } else { 1 };
        most.saturating_sub(self.sending)
    }
}

/// Since the program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) delivered: u64,
    pub(super) failed: u64,
    pub(super) dead: u64,
    pub(super) opened: u64,
}

pub(super) struct Ledger {
    pub(super) keys: Keys,
    /// How many may be on their way.
    places: usize,
    /// Decisions up to this one were looked at.
    pub(super) through: u64,
    unfinished: BTreeMap<EffectId, Unfinished>,
    /// Why the last attempt failed, while an effect is on its way.
    whys: BTreeMap<EffectId, Box<str>>,
    lanes: BTreeMap<Destination, Lane>,
    settled: BTreeSet<EffectId>,
    dead: VecDeque<DeadLetter>,
    cases: VecDeque<OpenCase>,
    /// Conclusions that are not written down yet.
    unwritten: VecDeque<EffectRecord>,
    /// The first decision of those that are being written down.
    writing: Option<u64>,
    /// What is configured.
    known: BTreeSet<Destination>,
    /// By channel: since the program began.
    tallies: BTreeMap<Channel, Tally>,
    /// Conclusions and failed attempts since the last checkpoint.
    news: usize,
    /// `through` at the last checkpoint; none before there is one.
    noted: Option<u64>,
    /// As of which record the last checkpoint is.
    as_of: u64,
    /// What `news` and `through` were at the beginning of the checkpoint that is being written.
    begun: Option<(usize, u64)>,
}

/// Why an effect cannot be tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetryError {
    /// No effect has this key.
    #[error("no effect has the key `{0}`")]
    Unknown(String),
    /// It will be taken up by itself.
    #[error("it waits for its turn already")]
    NotYet,
    /// A case is not sent.
    #[error("a case is not sent anywhere")]
    Case,
    /// Its decision, from which it would be sent, is no longer kept.
    #[error("its decision is no longer in the journal")]
    Gone,
    /// Its destination is not configured.
    #[error("{0} is not configured")]
    NotConfigured(Destination),
    /// There is no place for it.
    #[error("too many effects are on their way; try again later")]
    Busy,
    /// The journal could not be read.
    #[error("the journal cannot be read: {0}")]
    Journal(String),
    /// The engine did not take it.
    #[error(transparent)]
    Submit(#[from] crate::SubmitError),
}

impl Ledger {
    pub(super) fn new(checkpoint: Checkpoint, noted: bool, places: usize) -> Ledger {
        let keys = Keys::of(&checkpoint);
        let Checkpoint { as_of, through, behind, unfinished, settled, dead, cases, .. } = checkpoint;
        let mut ledger = Ledger {
            keys,
            places,
            through,
            unfinished: BTreeMap::new(),
            whys: BTreeMap::new(),
            lanes: BTreeMap::new(),
            settled: settled.into_iter().collect(),
            dead: dead.into(),
            cases: cases.into(),
            unwritten: VecDeque::new(),
            writing: None,
            known: BTreeSet::new(),
            tallies: BTreeMap::new(),
            news: 0,
            noted: noted.then_some(through),
            as_of,
            begun: None,
        };
        for (to, through) in behind {
            ledger.lanes.entry(to).or_default().behind = Some(through);
        }
        unfinished.into_iter().for_each(|(id, it)| ledger.put(id, it));
        ledger
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        let behind = self.lanes.iter().filter_map(|(to, lane)| Some((to.clone(), lane.behind?)));
        Checkpoint {
            as_of: self.as_of,
            installation: self.keys.installation,
            through: self.through,
            behind: behind.collect(),
            unfinished: self.unfinished.clone(),
            settled: self.settled.iter().copied().collect(),
            dead: self.dead.iter().cloned().collect(),
            cases: self.cases.iter().cloned().collect(),
            restored: self.keys.restored.clone(),
        }
    }

    /// Whether it is time for a checkpoint.
    pub(super) fn wants_checkpoint(&self) -> bool {
        self.news >= limits::OUTBOX_CHECKPOINT
            || self.noted.is_none_or(|at| self.through - at >= limits::OUTBOX_CHECKPOINT_RECORDS)
    }

    /// Whether anything happened that the last checkpoint does not say.
    pub(super) fn has_news(&self) -> bool {
        self.news > 0
    }

    /// A checkpoint is about to be written.
    pub(super) fn begin_checkpoint(&mut self) -> Checkpoint {
        self.begun = Some((self.news, self.through));
        self.checkpoint()
    }

    /// It was, as of this record; or it was not, and what the one before it needs is needed still.
    pub(super) fn end_checkpoint(&mut self, as_of: Option<u64>) {
        if let (Some(as_of), Some((news, through))) = (as_of, self.begun.take()) {
            self.as_of = as_of;
            self.news -= news.min(self.news);
            self.noted = Some(through);
        }
    }

    /// Which destinations there are.
    pub(super) fn configure(&mut self, known: BTreeSet<Destination>) {
        self.known = known;
    }

    /// Reads on after a checkpoint: what the journal says became of an effect.
    pub(super) fn fold(&mut self, record: &EffectRecord) {
        let was_under_way = self.remove(record.id);
        if !was_under_way && !self.has_passed(record.id, &record.destination) {
            self.settled.insert(record.id);
        }
        self.news += 1;
        self.keep(record);
    }

    /// Whether a decision was looked at for this destination.
    fn has_passed(&self, id: EffectId, to: &Destination) -> bool {
        let behind = self.lanes.get(to).and_then(|lane| lane.behind);
        id.decision <= behind.unwrap_or(self.through)
    }

    /// Whether no more should be taken up or sent, since what happened cannot be written down.
    pub(super) fn is_crowded(&self) -> bool {
        self.unwritten.len() >= limits::OUTBOX_UNWRITTEN
    }

    /// Takes up the effects of the next decision.
    pub(super) fn take(&mut self, decision: u64, found: Vec<(u32, Destination)>, now: Micros) {
        let share = self.share();
        for (_, to) in &found {
            if let Some(lane) = self.lanes.get_mut(to)
                && lane.behind.is_none()
                && lane.unfinished >= share
            {
                lane.behind = Some(decision - 1);
            }
        }
        for (index, to) in found {
            if self.lanes.get(&to).is_none_or(|lane| lane.behind.is_none()) {
                self.take_one(EffectId { decision, index }, to, now);
            }
        }
        self.through = decision;
    }

    fn share(&self) -> usize {
        self.places / self.known.len().max(1)
    }

    fn take_one(&mut self, id: EffectId, to: Destination, now: Micros) {
        if self.settled.remove(&id) || self.unfinished.contains_key(&id) {
            return;
        }
        if to.channel == Channel::Case {
            return self.conclude(id, to, 0, now, Happened::Opened);
        }
        if !self.known.contains(&to) {
            let why = self.not_configured(&to);
            return self.conclude(id, to, 0, now, Happened::Dead(why));
        }
        self.put(id, Unfinished { destination: to, since: now, attempts: 0, due: now });
    }

    fn not_configured(&self, to: &Destination) -> Box<str> {
        let names = self.known.iter().filter(|k| k.channel == to.channel).map(|k| &*k.name);
        let near = nearest(&to.name, names);
        cut(match near {
            Some(near) => format!("{to} is not configured; did the rule mean `{near}`?"),
            None => format!("{to} is not configured"),
        })
    }

    /// The first decision whose record an effect on its way, or one that was not taken up yet, is sent from.
    fn sends_from(&self) -> u64 {
        let first = self.unfinished.keys().next().map_or(u64::MAX, |id| id.decision);
        let behind = self.lanes.values().filter_map(|lane| lane.behind).map(|through| through + 1);
        behind.fold(first, u64::min)
    }

    /// A destination that fell behind and has places again, and the decision to go on after.
    pub(super) fn lagging(&self) -> Option<(Destination, u64)> {
        let share = self.share();
        let lagging =
            self.lanes.iter().find(|(_, lane)| lane.behind.is_some() && lane.unfinished <= share / 2);
        lagging.and_then(|(to, lane)| Some((to.clone(), lane.behind?)))
    }

    /// Takes up, for a destination that fell behind, the effects of a decision; false where there is no place.
    pub(super) fn catch_up(&mut self, to: &Destination, decision: u64, places: &[u32], now: Micros) -> bool {
        let share = self.share();
        let Some(lane) = self.lanes.get_mut(to) else { return false };
        if lane.unfinished >= share {
            return false;
        }
        lane.behind = Some(decision);
        for index in places {
            self.take_one(EffectId { decision, index: *index }, to.clone(), now);
        }
        true
    }

    /// A destination that fell behind was caught up with to this decision.
    pub(super) fn caught_up(&mut self, to: &Destination, decision: u64) {
        let through = self.through;
        if let Some(lane) = self.lanes.get_mut(to) {
            lane.behind = Some(decision).filter(|d| *d < through);
        }
        self.tidy(to);
    }

    /// What is to be sent now, at most as much as each destination bears.
    pub(super) fn due(&mut self, now: Micros) -> Vec<EffectId> {
        self.set_back(now);
        self.expire(now);
        let mut due = Vec::new();
        let mut unknown = Vec::new();
        for (to, lane) in &mut self.lanes {
            if !self.known.contains(to) {
                unknown.extend(lane.queue.iter().map(|(_, id)| (*id, to.clone())));
                continue;
            }
            for _ in 0..lane.places(now) {
                match lane.queue.first() {
                    Some((at, id)) if *at <= now => {
                        due.push(*id);
                        lane.queue.pop_first();
                        lane.sending += 1;
                    }
                    _ => break,
                }
            }
        }
        for (id, to) in unknown.into_iter().take(limits::OUTBOX_UNWRITTEN) {
            let why = self.not_configured(&to);
            self.give_up(id, why, now);
        }
        due
    }

    /// What is to wait for longer than anything waits was put off by a clock that has been set back since: it is tried now.
    fn set_back(&mut self, now: Micros) {
        let farthest = now.plus(limits::OUTBOX_LONGEST_WAIT).plus(limits::OUTBOX_LONGEST_WAIT);
        for lane in self.lanes.values_mut() {
            lane.paused_until = lane.paused_until.filter(|until| *until <= farthest);
            while let Some((_, id)) = lane.queue.last().copied().filter(|(at, _)| *at > farthest) {
                lane.queue.pop_last();
                lane.queue.insert((now, id));
                if let Some(it) = self.unfinished.get_mut(&id) {
                    it.due = now;
                }
            }
        }
    }

    /// Gives up what has been on its way for too long.
    fn expire(&mut self, now: Micros) {
        let old = now.minus(limits::OUTBOX_GIVE_UP);
        let waits = |(id, it): (&EffectId, &Unfinished)| {
            let lane = self.lanes.get(&it.destination)?;
            (it.since < old && lane.queue.contains(&(it.due, *id))).then_some(*id)
        };
        // They were taken up in about this order.
        let over: Vec<EffectId> =
            self.unfinished.iter().take(limits::OUTBOX_NOTE).filter_map(waits).collect();
        for id in over {
            let days = limits::OUTBOX_GIVE_UP.0 / Span::from_secs(86_400).0;
            let last = self.whys.get(&id).map_or(String::new(), |why| format!(": {why}"));
            self.give_up(id, cut(format!("not delivered within {days} days{last}")), now);
        }
    }

    fn give_up(&mut self, id: EffectId, why: Box<str>, now: Micros) {
        if let Some(it) = self.unfinished.get(&id).cloned() {
            self.conclude(id, it.destination, it.attempts, now, Happened::Dead(why));
        }
    }

    /// The destination of an effect on its way, and the number of the attempt that is due.
    pub(super) fn attempt(&self, id: EffectId) -> Option<(Destination, u32)> {
        self.unfinished.get(&id).map(|it| (it.destination.clone(), it.attempts + 1))
    }

    /// An attempt that [`Ledger::due`] gave out ended so.
    pub(super) fn report(&mut self, id: EffectId, attempt: Attempt, now: Micros) {
        let Some(it) = self.unfinished.get_mut(&id) else { return };
        let Some(lane) = self.lanes.get_mut(&it.destination) else { return };
        if lane.queue.contains(&(it.due, id)) {
            return;
        }
        lane.sending = lane.sending.saturating_sub(1);
        it.attempts = it.attempts.saturating_add(1);
        let (to, attempts) = (it.destination.clone(), it.attempts);
        match attempt {
            Attempt::Delivered => {
                (lane.failures, lane.paused_until) = (0, None);
                self.conclude(id, to, attempts, now, Happened::Delivered);
            }
            Attempt::Refused { why } => {
                self.fail(to.channel);
                self.conclude(id, to, attempts, now, Happened::Dead(cut(why)));
            }
            Attempt::Failed { why, wait } => {
                let wait = wait.map(|w| w.min(limits::OUTBOX_LONGEST_WAIT).max(Span::ZERO));
                lane.failed(self.keys.installation, wait, now);
                let due = now
                    .plus(pace::wait(self.keys.installation, id, attempts).max(wait.unwrap_or(Span::ZERO)));
                if attempts >= limits::OUTBOX_ATTEMPTS {
                    self.fail(to.channel);
                    let why = cut(format!("{attempts} attempts; the last: {why}"));
                    return self.conclude(id, to, attempts, now, Happened::Dead(why));
                }
                it.due = due;
                lane.queue.insert((due, id));
                self.whys.insert(id, cut(why));
                self.fail(to.channel);
            }
        }
    }

    fn fail(&mut self, channel: Channel) {
        self.news += 1;
        self.tallies.entry(channel).or_default().failed += 1;
    }

    /// Puts an effect on its way, at once, for somebody asked. What waits anyway is tried now. It is under way or dead
    /// according to the books, or its decision, which was looked at, has it.
    pub(super) fn ask(&mut self, id: EffectId, to: Destination, now: Micros) -> Result<(), RetryError> {
        if !self.known.contains(&to) {
            return Err(RetryError::NotConfigured(to));
        }
        if let Some(it) = self.unfinished.get_mut(&id) {
            if let Some(lane) = self.lanes.get_mut(&it.destination) {
                lane.paused_until = None;
                // What is being sent is not sent twice.
                if lane.queue.remove(&(it.due, id)) {
                    it.due = now;
                    lane.queue.insert((now, id));
                }
            }
            return Ok(());
        }
        if !self.has_passed(id, &to) {
            return Err(RetryError::NotYet);
        }
        if self.unfinished.len() >= self.places || self.is_crowded() {
            return Err(RetryError::Busy);
        }
        self.conclude(id, to, 0, now, Happened::Asked);
        Ok(())
    }

    /// The destination of an effect that is under way or dead.
    pub(super) fn destination(&self, id: EffectId) -> Option<Destination> {
        let dead =
            || self.dead.iter().find(|letter| letter.id == id).map(|letter| letter.destination.clone());
        self.unfinished.get(&id).map(|it| it.destination.clone()).or_else(dead)
    }

    /// Makes what happened so, and has it written down.
    fn conclude(&mut self, id: EffectId, to: Destination, attempts: u32, at: Micros, happened: Happened) {
        let tally = self.tallies.entry(to.channel).or_default();
        match happened {
            Happened::Delivered => tally.delivered += 1,
            Happened::Dead(_) => tally.dead += 1,
            Happened::Opened => tally.opened += 1,
            Happened::Asked => {}
        }
        self.news += 1;
        let record = EffectRecord { id, destination: to, at, attempts, happened };
        self.remove(id);
        self.keep(&record);
        self.unwritten.push_back(record);
    }

    /// What the books keep of what became of an effect.
    fn keep(&mut self, record: &EffectRecord) {
        let EffectRecord { id, destination, at, attempts, happened } = record.clone();
        match happened {
            Happened::Delivered => {}
            Happened::Dead(why) => {
                self.dead.push_back(DeadLetter { id, destination, at, attempts, why });
                if self.dead.len() > limits::DEAD_LETTERS {
                    self.dead.pop_front();
                }
            }
            Happened::Opened => {
                self.cases.push_back(OpenCase { id, destination, at });
                if self.cases.len() > limits::CASES {
                    self.cases.pop_front();
                }
            }
            Happened::Asked => {
                self.dead.retain(|letter| letter.id != id);
                self.put(id, Unfinished { destination, since: at, attempts: 0, due: at });
            }
        }
    }

    fn put(&mut self, id: EffectId, it: Unfinished) {
        let lane = self.lanes.entry(it.destination.clone()).or_default();
        lane.queue.insert((it.due, id));
        lane.unfinished += 1;
        self.unfinished.insert(id, it);
    }

    /// Takes an effect off its way; whether it was on it.
    fn remove(&mut self, id: EffectId) -> bool {
        let Some(it) = self.unfinished.remove(&id) else { return false };
        self.whys.remove(&id);
        if let Some(lane) = self.lanes.get_mut(&it.destination) {
            lane.queue.remove(&(it.due, id));
            lane.unfinished = lane.unfinished.saturating_sub(1);
        }
        self.tidy(&it.destination);
        true
    }

    /// Forgets a destination about which there is nothing to know.
    fn tidy(&mut self, to: &Destination) {
        if !self.known.contains(to) && self.lanes.get(to).is_some_and(Lane::is_idle) {
            self.lanes.remove(to);
        }
    }

    /// The next conclusions to be written down.
    pub(super) fn unwritten(&mut self) -> Vec<EffectRecord> {
        let most = self.unwritten.len().min(limits::OUTBOX_NOTE);
        let records: Vec<EffectRecord> = self.unwritten.drain(..most).collect();
        self.writing = records.iter().map(|record| record.id.decision).min();
        records
    }

    /// They were.
    pub(super) fn written(&mut self) {
        self.writing = None;
    }

    /// They could not be: they are the next again.
    pub(super) fn give_back(&mut self, records: Vec<EffectRecord>) {
        self.writing = None;
        records.into_iter().rev().for_each(|record| self.unwritten.push_front(record));
    }

    /// Whether all conclusions were handed out to be written down.
    pub(super) fn is_written(&self) -> bool {
        self.unwritten.is_empty()
    }

    /// When something is due next, or a pause ends; none where nothing waits.
    pub(super) fn next_due(&self) -> Option<Micros> {
        let next = |lane: &Lane| {
            let first = lane.queue.first()?.0;
            Some(lane.paused_until.map_or(first, |until| until.max(first)))
        };
        self.lanes.values().filter_map(next).min()
    }

    /// The first record that a restart, or an effect on its way, still needs, of those that were looked at.
    pub(super) fn needs(&self) -> u64 {
        // A restart reads decisions and outcomes from the last checkpoint on. If nothing happened since, none of them says
        // anything.
        let told = match self.news {
            0 => u64::MAX,
            _ => self.noted.unwrap_or(0).min(self.as_of) + 1,
        };
        // What arrived and is not on record yet is sent once more after a crash: from its decision.
        let unwritten = self.unwritten.iter().map(|record| record.id.decision).chain(self.writing);
        unwritten.fold(told.min(self.sends_from()), u64::min)
    }

    pub(super) fn unfinished(&self) -> impl Iterator<Item = (EffectId, &Unfinished, Option<&str>)> {
        self.unfinished.iter().map(|(id, it)| (*id, it, self.whys.get(id).map(|why| &**why)))
    }

    /// Puts the token in the place of a subject in what was said of failures.
    pub(super) fn erase(&mut self, eraser: &Eraser) {
        for letter in &mut self.dead {
            if let Some(why) = eraser.text(&letter.why, &mut Met::default()) {
                letter.why = why.into();
            }
        }
    }

    /// The newest first.
    pub(super) fn dead(&self) -> impl ExactSizeIterator<Item = &DeadLetter> {
        self.dead.iter().rev()
    }

    /// The newest first.
    pub(super) fn cases(&self) -> impl ExactSizeIterator<Item = &OpenCase> {
        self.cases.iter().rev()
    }

    pub(super) fn tally(&self, channel: Channel) -> Tally {
        self.tallies.get(&channel).copied().unwrap_or_default()
    }

    /// Destinations that are left alone for now.
    pub(super) fn paused(&self, now: Micros) -> usize {
        self.lanes.values().filter(|lane| lane.paused_until.is_some_and(|until| now < until)).count()
    }

    /// Destinations whose effects wait in the journal.
    pub(super) fn behind(&self) -> usize {
        self.lanes.values().filter(|lane| lane.behind.is_some()).count()
    }
}

impl Lane {
    fn failed(&mut self, seed: u64, wait: Option<Span>, now: Micros) {
        self.failures = self.failures.saturating_add(1);
        let own = (self.failures >= limits::OUTBOX_PAUSE_AFTER).then(|| pace::pause(seed, self.failures));
        let until = [own, wait].into_iter().flatten().max().map(|pause| now.plus(pause));
        self.paused_until = self.paused_until.max(until);
    }
}

/// A reason, cut to what is kept.
fn cut(why: String) -> Box<str> {
    if why.len() <= limits::OUTBOX_WHY_BYTES {
        return why.into();
    }
    let mut end = limits::OUTBOX_WHY_BYTES - '…'.len_utf8();
    while !why.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &why[..end]).into()
}

#[cfg(test)]
mod tests;
