// SPDX-License-Identifier: Apache-2.0
//! The outbox: effects that go out, beside the sequencer.
//!
//! It reads the journal behind the sequencer, decision by decision, takes up the effects that go out, says which are due
//! and what to send, and has their outcomes written down. The journal is the queue: where too much is on its way, the
//! outbox stops reading, and nobody else notices. The sequencer never waits for it: all it does for it is to store two
//! numbers with each batch and to append the outcomes it is handed, like any other work.
//!
//! Nothing here knows a clock or a network. Whoever drives it calls [`Outbox::look`], [`Outbox::due`], sends, and calls
//! [`Outbox::report`] and [`Outbox::write`]; each call says what time it is. An outbox that nobody drives does nothing.
//!
//! An effect happens at least once, and each time under one key ([`key`]). Only decisions that would survive a power cut are
//! looked at, for a number that is lost is given again.

mod again;
mod key;
mod ledger;
mod pace;

pub use again::{DeadLetters, Retried, Wanted};
pub use ledger::{Attempt, RetryError};

use crate::acts::{ActRecord, AgainRecord, Body, Deed};
use crate::decision::{Channel, Destination, EffectId, Stored, StoredSignal};
use crate::engine::Shared;
use crate::error::{EngineError, SubmitError};
use crate::limits;
use crate::queue::Queue;
use crate::record::{Checkpoint, EffectRecord, Outward, Restored, kind, outward, policy_of};
use crate::sequencer::Task;
use ledger::Ledger;
use siphasher::sip::SipHasher13;
use std::collections::BTreeSet;
use std::hash::Hasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::oneshot;
use wardroom_event::Micros;
use wardroom_journal::Lookup;
use wardroom_state::Secret;

/// An effect to be sent now.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which it is, for [`Outbox::report`].
    pub id: EffectId,
    /// Its key: the same each time it is sent, and that of no other.
    pub key: String,
    /// Where it goes.
    pub destination: Destination,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The decision it follows from, or that somebody asks it for.
    pub decision: Stored,
    /// Where it comes from.
    pub cause: Cause,
}

/// Where an effect comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A signal, among those of the decision.
    Signal(usize),
    /// Somebody asked for it.
    Act {
        /// Who.
        by: Box<str>,
    },
}

impl Delivery {
    /// The signal it follows from, where it follows from one.
    pub fn signal(&self) -> Option<&StoredSignal> {
        match self.cause {
            Cause::Signal(number) => self.decision.judged.as_ref()?.signals.get(number),
            Cause::Act { .. } => None,
        }
    }
}

/// Which effects to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// On their way.
    Pending,
    /// Given up.
    Dead,
    /// Opened cases.
    Cases,
}

/// An effect as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// The decision it follows from.
    pub decision: u64,
    /// Where it goes.
    pub destination: Destination,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, was given up, or was opened.
    pub at: Micros,
    /// Why the last attempt failed.
    pub why: Option<Box<str>>,
}

/// A part of a list, and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The first of them: pending ones in the order of their decisions, others the newest first.
    pub effects: Vec<Listed>,
    /// How many there are.
    pub total: usize,
}

/// The figures of one way that effects go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelStatus {
    /// Which.
    pub channel: Channel,
    /// On their way now.
    pub pending: u64,
    /// Arrived. This and the next three are since the program began.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Given up.
    pub dead: u64,
    /// Cases opened.
    pub opened: u64,
}

/// The outbox's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxStatus {
    /// By channel.
    pub channels: [ChannelStatus; 3],
    /// Since when the oldest effect is on its way.
    pub oldest: Option<Micros>,
    /// Dead letters that are listed.
    pub dead_letters: usize,
    /// Durable records that were not looked at yet.
    pub unread: u64,
    /// Destinations that are left alone for now, after failures.
    pub paused: usize,
    /// Destinations with more effects than are taken up at once; the others go on.
    pub behind: usize,
}

/// Effects that go out: taken up from the journal, sent by whoever drives this, put on record. An outbox that nobody drives
/// does nothing.
pub struct Outbox {
    shared: Arc<Shared>,
    /// Weak, for it does not keep an engine alive.
    tasks: Weak<Queue<Task>>,
    ledger: Mutex<Ledger>,
    /// One reads the journal at a time.
    looking: Mutex<()>,
    /// One writes at a time.
    writing: tokio::sync::Mutex<()>,
}

impl Outbox {
    pub(crate) fn new(shared: Arc<Shared>, tasks: Weak<Queue<Task>>, left: Left) -> Outbox {
        let Left { checkpoint, since, noted } = left;
        let mut ledger = Ledger::new(checkpoint, noted, limits::OUTBOX_PENDING);
        since.iter().for_each(|record| ledger.fold(record));
        let outbox = Outbox {
            shared,
            tasks,
            ledger: Mutex::new(ledger),
            looking: Mutex::default(),
            writing: <_>::default(),
        };
        outbox.say_needs();
        outbox
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which destinations there are. An effect for another is given up at once, with its reason, and can be asked for
    /// again when there is one. At most [`limits::DESTINATIONS`] are taken.
    pub fn configure(&self, destinations: impl IntoIterator<Item = Destination>) {
        let known: BTreeSet<Destination> = destinations.into_iter().take(limits::DESTINATIONS).collect();
        self.ledger().configure(known);
    }

    /// Reads on in the journal, a bounded way, and takes up what it finds; true where there is more to read. Blocks on the
    /// disk.
    ///
    /// # Errors
    /// When the journal cannot be read. What was taken up before stays so.
    pub fn look(&self, now: Micros) -> Result<bool, EngineError> {
        let _alone = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let more = self.look_ahead(now)?;
        let more = self.look_behind(now)? || more;
        self.say_needs();
        Ok(more)
    }

    /// Says which records must stay, whenever that has changed. Whether those that were not looked at yet must is known to
    /// the sequencer alone: it may be writing one that does.
    fn say_needs(&self) {
        let ledger = self.ledger();
        self.shared.stats.outbox_needs.store(ledger.needs(), Release);
        self.shared.stats.outbox_through.store(ledger.through, Release);
    }

    /// Reads decisions that nobody looked at yet.
    fn look_ahead(&self, now: Micros) -> Result<bool, EngineError> {
        // In this order: what is durable has said whether it has effects.
        let durable = self.shared.stats.durable.load(Acquire);
        let last = self.shared.stats.outward.load(Acquire);
        let (through, crowded) = {
            let ledger = self.ledger();
            (ledger.through, ledger.is_crowded())
        };
        if through >= durable || crowded {
            return Ok(false);
        }
        if last <= through {
            self.ledger().through = durable;
            return Ok(false);
        }
        let to = durable.min(through + limits::OUTBOX_LOOK);
        let found = self.read(through + 1, to)?;
        let mut ledger = self.ledger();
        for (decision, effects) in found {
            if ledger.is_crowded() {
                ledger.through = ledger.through.max(decision - 1);
                return Ok(false);
            }
            ledger.take(decision, effects, now);
        }
        ledger.through = to;
        Ok(to < durable)
    }

    /// Reads again for a destination that fell behind and has places now.
    fn look_behind(&self, now: Micros) -> Result<bool, EngineError> {
        let (lagging, through) = {
            let ledger = self.ledger();
            (ledger.lagging().filter(|_| !ledger.is_crowded()), ledger.through)
        };
        let Some((destination, behind)) = lagging else { return Ok(false) };
        let to = through.min(behind + limits::OUTBOX_LOOK);
        let found = self.read(behind + 1, to)?;
        let mut ledger = self.ledger();
        for (decision, effects) in found {
            let places = effects.iter().filter(|(_, d)| *d == destination).map(|(index, _)| *index);
            let places: Vec<u32> = places.collect();
            let full = ledger.is_crowded();
            if !places.is_empty() && (full || !ledger.catch_up(&destination, decision, &places, now)) {
                return Ok(false);
            }
        }
        ledger.caught_up(&destination, to);
        Ok(true)
    }

    /// The effects that go out, of decisions from one record to another.
    fn read(&self, from: u64, to: u64) -> Result<Vec<(u64, Vec<Outward>)>, EngineError> {
        let mut found = Vec::new();
        let mut dictionary = None;
        self.shared.lookup.range(from, to, |frame| {
            let seq = frame.position.seq;
            let unreadable = |why| EngineError::Record { seq, why };
            let decided = match frame.kind {
                kind::DECIDED => frame.payload,
                kind::AGAIN => AgainRecord::split(frame.payload).map_err(unreadable)?.1,
                kind::ACT => {
                    let record = ActRecord::decode(frame.payload).map_err(unreadable)?;
                    found.extend(sent_by(&record).map(|to| (seq, vec![(0, to)])));
                    return Ok::<(), EngineError>(());
                }
                _ => return Ok(()),
            };
            let policy = policy_of(decided).map_err(unreadable)?;
            let known = match dictionary.take().filter(|(of, _)| *of == policy) {
                Some(known) => known,
                None => (policy, self.shared.dictionary(policy, frame.position.segment)?),
            };
            let effects = outward(decided, &known.1).map_err(unreadable)?;
            if !effects.is_empty() {
                found.push((seq, effects));
            }
            dictionary = Some(known);
            Ok(())
        })?;
        Ok(found)
    }

    /// What is to be sent now: at most [`limits::OUTBOX_SENDING`] at a time to each destination. Each must be reported.
    /// Blocks on the disk.
    pub fn due(&self, now: Micros) -> Vec<Delivery> {
        self.give_out(now, |id| self.prepare(id, now))
    }

    /// One that trips over a fault of our own has failed, and takes neither its place nor the others with it.
    fn give_out(&self, now: Micros, prepare: impl Fn(EffectId) -> Option<Delivery>) -> Vec<Delivery> {
        let due: Vec<EffectId> = {
            let mut ledger = self.ledger();
            if ledger.is_crowded() { Vec::new() } else { ledger.due(now) }
        };
        let one = |id| {
            catch_unwind(AssertUnwindSafe(|| prepare(id))).unwrap_or_else(|_| {
                let why = "a fault of our own".to_owned();
                self.report(id, Attempt::Failed { why, wait: None }, now);
                None
            })
        };
        due.into_iter().filter_map(one).collect()
    }

    fn prepare(&self, id: EffectId, now: Micros) -> Option<Delivery> {
        let (destination, attempt) = self.ledger().attempt(id)?;
        let ended = match self.about(id) {
            Ok(Some((decision, cause))) => match cause {
                Some(cause) => {
                    return Some(Delivery { id, key: self.key(id), destination, attempt, decision, cause });
                }
                None => Attempt::Refused { why: "its decision has no such effect".to_owned() },
            },
            Ok(None) => Attempt::Refused { why: "its decision is no longer in the journal".to_owned() },
            Err(error) => Attempt::Failed { why: error.to_string(), wait: None },
        };
        self.report(id, ended, now);
        None
    }

    /// The decision that an effect is about, and where it comes from.
    fn about(&self, id: EffectId) -> Result<Option<(Stored, Option<Cause>)>, EngineError> {
        let Some(decision) = self.shared.decision(id.decision)? else { return Ok(None) };
        if let Some((cause, _)) = self.asked_for(id)? {
            return Ok(Some((decision, Some(cause))));
        }
        let cause = signal_of(&decision, id.index).map(|(signal, _)| Cause::Signal(signal));
        Ok(Some((decision, cause)))
    }

    /// Who asked for an effect, and where it goes; none for one that follows from a decision.
    fn asked_for(&self, id: EffectId) -> Result<Option<(Cause, Destination)>, EngineError> {
        let frame = self.shared.lookup.get(id.decision)?.filter(|frame| frame.kind == kind::ACT);
        let Some(frame) = frame.filter(|_| id.index == 0) else { return Ok(None) };
        let unreadable = |why| EngineError::Record { seq: id.decision, why };
        let record = ActRecord::decode(&frame.payload).map_err(unreadable)?;
        let to = sent_by(&record);
        Ok(to.map(|to| (Cause::Act { by: record.by }, to)))
    }

    /// Whether there is something to read or to send, without looking at the disk.
    pub fn has_work(&self, now: Micros) -> bool {
        let durable = self.shared.stats.durable.load(Acquire);
        let ledger = self.ledger();
        let waits = ledger.through < durable || ledger.lagging().is_some();
        !ledger.is_crowded() && (waits || ledger.next_due().is_some_and(|due| due <= now))
    }

    /// How an attempt ended that [`Outbox::due`] gave out. It is on record after [`Outbox::write`].
    pub fn report(&self, id: EffectId, attempt: Attempt, now: Micros) {
        self.ledger().report(id, attempt, now);
    }

    /// When something may be due next.
    pub fn next_due(&self) -> Option<Micros> {
        self.ledger().next_due()
    }

    /// Has the sequencer write down what happened, in its turn, and now and then where the outbox stands; with `all`, that
    /// too if anything happened: at an orderly end, so that attempts are counted on after it.
    ///
    /// # Errors
    /// When the sequencer does not take it, for want of room on the disk for one. It is handed over again with the next
    /// call.
    pub async fn write(&self, all: bool) -> Result<(), SubmitError> {
        let _alone = self.writing.lock().await;
        loop {
            let (records, checkpoint) = {
                let mut ledger = self.ledger();
                let records = ledger.unwritten();
                let wanted = ledger.wants_checkpoint() || (all && ledger.has_news());
                let whole = ledger.is_written() && wanted;
                (records, whole.then(|| ledger.begin_checkpoint().encode()))
            };
            if records.is_empty() && checkpoint.is_none() {
                return Ok(());
            }
            let whole = checkpoint.is_some();
            let noted = self.note(records.iter().map(EffectRecord::encode).collect(), checkpoint).await;
            let mut ledger = self.ledger();
            if whole {
                ledger.end_checkpoint(noted.as_ref().ok().copied());
            }
            match noted {
                Ok(_) => ledger.written(),
                Err(error) => {
                    ledger.give_back(records);
                    return Err(error);
                }
            }
            drop(ledger);
            self.say_needs();
            if whole {
                return Ok(());
            }
        }
    }

    async fn note(&self, records: Vec<Vec<u8>>, checkpoint: Option<Vec<u8>>) -> Result<u64, SubmitError> {
        let (reply, noted) = oneshot::channel();
        let tasks = self.tasks.upgrade().ok_or_else(|| self.shared.gone())?;
        tasks.control(Task::Note { records, checkpoint, reply }).map_err(|r| self.shared.refused(r))?;
        noted.await.map_err(|_| self.shared.gone())?
    }

    /// Sends an effect again, as soon as may be: one that is on its way, was given up, or any other of a decision that the
    /// journal still has. It keeps its key. On record when this returns.
    ///
    /// # Errors
    /// [`RetryError`]: it is not to be had, or there is no place for it.
    pub async fn retry(&self, key: &str, now: Micros) -> Result<(), RetryError> {
        let id = self.ledger().keys.id(key).ok_or_else(|| RetryError::Unknown(key.to_owned()))?;
        let listed = self.ledger().destination(id);
        let destination = match listed {
            Some(destination) => destination,
            None => self.find(id)?.ok_or_else(|| RetryError::Unknown(key.to_owned()))?,
        };
        if destination.channel == Channel::Case {
            return Err(RetryError::Case);
        }
        self.ask(id, destination, now)?;
        Ok(self.write(false).await?)
    }

    /// Where an effect goes, from the journal.
    fn find(&self, id: EffectId) -> Result<Option<Destination>, RetryError> {
        let decision = self.shared.decision(id.decision).map_err(|e| RetryError::Journal(e.to_string()))?;
        let asked_for = self.asked_for(id).map_err(|e| RetryError::Journal(e.to_string()))?;
        Ok(asked_for.map(|(_, to)| to).or_else(|| decision.and_then(|d| signal_of(&d, id.index)?.1)))
    }

    /// The first effects in one state.
    pub fn list(&self, state: State, most: usize) -> Listing {
        let ledger = self.ledger();
        let key = |id| ledger.keys.key(id);
        match state {
            State::Pending => {
                let effects = ledger.unfinished().take(most).map(|(id, it, why)| Listed {
                    key: key(id),
                    decision: id.decision,
                    destination: it.destination.clone(),
                    attempts: it.attempts,
                    at: it.due,
                    why: why.map(Into::into),
                });
                Listing { effects: effects.collect(), total: ledger.unfinished().count() }
            }
            State::Dead => {
                let effects = ledger.dead().take(most).map(|letter| Listed {
                    key: key(letter.id),
                    decision: letter.id.decision,
                    destination: letter.destination.clone(),
                    attempts: letter.attempts,
                    at: letter.at,
                    why: Some(letter.why.clone()),
                });
                Listing { effects: effects.collect(), total: ledger.dead().len() }
            }
            State::Cases => {
                let effects = ledger.cases().take(most).map(|case| Listed {
                    key: key(case.id),
                    decision: case.id.decision,
                    destination: case.destination.clone(),
                    attempts: 0,
                    at: case.at,
                    why: None,
                });
                Listing { effects: effects.collect(), total: ledger.cases().len() }
            }
        }
    }

    /// The outbox's figures.
    pub fn status(&self, now: Micros) -> OutboxStatus {
        let durable = self.shared.stats.durable.load(Acquire);
        let ledger = self.ledger();
        let channels = [Channel::Case, Channel::Notify, Channel::Webhook].map(|channel| {
            let tally = ledger.tally(channel);
            let pending = ledger.unfinished().filter(|(_, it, _)| it.destination.channel == channel).count();
            ChannelStatus {
                channel,
                pending: pending as u64,
                delivered: tally.delivered,
                failed: tally.failed,
                dead: tally.dead,
                opened: tally.opened,
            }
        });
        OutboxStatus {
            channels,
            oldest: ledger.unfinished().map(|(_, it, _)| it.since).min(),
            dead_letters: ledger.dead().len(),
            unread: durable.saturating_sub(ledger.through),
            paused: ledger.paused(now),
            behind: ledger.behind(),
        }
    }

    /// The first record that the outbox still needs: what lies before it may go.
    pub fn needs(&self) -> u64 {
        self.shared.stats.outbox_needs()
    }

    fn key(&self, id: EffectId) -> String {
        self.ledger().keys.key(id)
    }

    /// The data directory was restored from a backup; where that is news, where the outbox stands is to be written down
    /// before all else: it is given as bytes, and [`Outbox::stands`] is to be told.
    pub(crate) fn restored(&self, restored: Restored) -> Option<Vec<u8>> {
        let mut ledger = self.ledger();
        ledger.keys.restore(restored).then(|| ledger.begin_checkpoint().encode())
    }

    /// Where it stands was written down, as of this record.
    pub(crate) fn stands(&self, as_of: u64) {
        self.ledger().end_checkpoint(Some(as_of));
    }
}

/// Where an act sends something.
fn sent_by(record: &ActRecord) -> Option<Destination> {
    let (channel, name) = match &record.body {
        Body::Sent(Deed::Case { queue, .. }) => (Channel::Case, queue),
        Body::Sent(Deed::Webhook { name, .. }) => (Channel::Webhook, name),
        _ => return None,
    };
    Some(Destination { channel, name: (&**name).into() })
}

/// The signal that an effect of a decision follows from, and where the effect goes.
fn signal_of(decision: &Stored, index: u32) -> Option<(usize, Option<Destination>)> {
    let signals = &decision.judged.as_ref()?.signals;
    let effects = signals.iter().enumerate().flat_map(|(n, s)| s.effects.iter().map(move |e| (n, e)));
    effects.map(|(n, effect)| (n, effect.destination())).nth(index as usize)
}

/// What the journal says of the outbox.
pub(crate) struct Left {
    checkpoint: Checkpoint,
    /// What became of effects since.
    since: Vec<EffectRecord>,
    /// Whether the checkpoint stands in the journal.
    noted: bool,
}

impl Left {
    /// Reads on from the last checkpoint. A journal that has records and none was written by a program without an outbox:
    /// what it holds is history, and the outbox begins at its end.
    pub(crate) fn read(
        lookup: &Lookup,
        checkpoint: Option<Checkpoint>,
        secret: Secret,
    ) -> Result<Left, EngineError> {
        let Some(checkpoint) = checkpoint else {
            let through = lookup.committed_seq();
            let installation = installation(secret);
            let checkpoint = Checkpoint { as_of: through, installation, through, ..Checkpoint::default() };
            // A new journal begins with it.
            return Ok(Left { checkpoint, since: Vec::new(), noted: through == 0 });
        };
        let mut since = Vec::new();
        lookup.range(checkpoint.as_of + 1, lookup.committed_seq(), |frame| {
            if frame.kind == kind::EFFECT {
                let unreadable = |why| EngineError::Record { seq: frame.position.seq, why };
                since.push(EffectRecord::decode(frame.payload).map_err(unreadable)?);
            }
            Ok::<(), EngineError>(())
        })?;
        Ok(Left { checkpoint, since, noted: true })
    }

    /// The checkpoint as a segment's prologue has it.
    pub(crate) fn prologue(&self) -> Vec<u8> {
        self.checkpoint.encode()
    }
}

/// What tells the effects of this installation from those of others: a keyed hash, which says nothing of the secret.
fn installation(secret: Secret) -> u64 {
    let mut state = SipHasher13::new_with_key(&secret.0);
    state.write(b"outbox");
    state.finish()
}

#[cfg(test)]
mod tests;
