// SPDX-License-Identifier: Apache-2.0
//! The queue before the sequencer: fair between clients, bounded in all.
//!
//! **Whose turn it is.** Each client (an API key, a surface) has a line of its own, and the lines take turns: deficit
//! round robin (Shreedhar and Varghese, 1995), in *events*. Who sends batches gets no more than who sends single events,
//! and a key with fifty connections no more than one with a single connection. Within a line the order is kept.
//!
//! **How much may wait.** All that waits is bounded three ways: pieces of work, events, bytes. A client may have as much
//! waiting as is still free of the *open* part (dynamic thresholds, Choudhury and Hahne, 1998), and whatever is free its
//! fair share: the open part, divided by the clients that have work waiting and one more. So a single greedy client
//! fills half of the open part, and the next one finds room. What lies beyond the open part is for those within their
//! share when others took more before they came.
//!
//! **Who waits for a place** waits outside, without the lock, in the order of coming; clients are looked at in turn
//! there too. It may fill half of what its client may have, so that single requests under the same key find room.
//!
//! **What the program asks of itself** (a policy to put in force) has a lane of its own and goes first.
//!
//! **What clients ask beside their events** (an id to find) comes next, a few at a time ([`questions`]): who asks without
//! end holds up events by no more than these.
//!
//! Pushing and taking cost the same whatever waits: no line is looked through. Left out: priorities among clients beyond
//! their weight, and taking back what was accepted.

mod drain;
mod questions;
#[cfg(test)]
mod tests;

use crate::limits;
use drain::Drain;
use hashbrown::HashMap;
use questions::Questions;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::ops::{Add, AddAssign, SubAssign};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;

/// Who hands over events: an API key, or a surface of the program itself. Clients share the server fairly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    id: u64,
    weight: u8,
}

impl Client {
    /// The program itself, where it reads events from no client.
    pub const LOCAL: Client = Client { id: u64::MAX, weight: 1 };

    /// Those who act on what has happened, all together: events of others have their turns between.
    pub const ACTS: Client = Client { id: u64::MAX - 1, weight: 1 };

    /// The client with this number, at a weight of one.
    pub fn new(id: u64) -> Client {
        Client { id, weight: 1 }
    }

    /// The client with so many shares where others have one; no fewer than one.
    #[must_use]
    pub fn weighing(self, weight: u8) -> Client {
        Client { weight: weight.max(1), ..self }
    }
}

/// Whose bound was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The client's own: it has its share of work waiting.
    Client,
    /// The server's: too much waits in all.
    Server,
}

/// What work weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) pieces: usize,
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Load {
    fn fits(self, most: Load) -> bool {
        self.pieces <= most.pieces && self.events <= most.events && self.bytes <= most.bytes
    }

    /// What this weighs where it waits for a place.
    fn outside(self) -> Load {
        Load { pieces: 1, ..self }
    }

    fn each(self, change: impl Fn(usize) -> usize) -> Load {
        Load { pieces: change(self.pieces), events: change(self.events), bytes: change(self.bytes) }
    }

    fn less(self, other: Load) -> Load {
        Load {
            pieces: self.pieces.saturating_sub(other.pieces),
            events: self.events.saturating_sub(other.events),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

impl Add for Load {
    type Output = Load;

    fn add(mut self, other: Load) -> Load {
        self += other;
        self
    }
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Load) {
        self.pieces += other.pieces;
        self.events += other.events;
        self.bytes += other.bytes;
    }
}

impl SubAssign for Load {
    fn sub_assign(&mut self, other: Load) {
        debug_assert!(other.fits(*self), "{other:?} of {self:?}");
        *self = self.less(other);
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// What clients share.
    pub(crate) open: Load,
    /// The most of all.
    pub(crate) all: Load,
    /// Most that the program asks of itself.
    pub(crate) control: usize,
    /// Most questions of clients that these share; twice that in all.
    pub(crate) questions: usize,
    /// Most of them that are handed out at a time.
    pub(crate) quota: usize,
    /// Most that wait for a place: how many, and bytes.
    pub(crate) outside: Load,
    /// Events that a client of weight one may send in its turn; no piece has more.
    pub(crate) turn: usize,
    /// Most lines kept that are empty.
    pub(crate) idle: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        let open = Load { pieces: limits::QUEUE, events: limits::QUEUE_EVENTS, bytes: limits::QUEUE_BYTES };
        Bounds {
            open,
            all: open.each(|n| 2 * n),
            control: limits::QUEUE_CONTROL,
            questions: limits::QUEUE_QUESTIONS,
            quota: limits::BATCH_QUESTIONS,
            outside: Load {
                pieces: limits::QUEUE_OUTSIDE,
                events: usize::MAX,
                bytes: limits::QUEUE_OUTSIDE_BYTES,
            },
            turn: limits::WORK_EVENTS,
            idle: limits::QUEUE_IDLE_CLIENTS,
        }
    }
}

/// Why work was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing is taken any more.
    Closed,
    /// Too much waits; in so many seconds there may be room.
    Busy(Whose, u16),
}

/// A piece of work with what it weighs.
pub(crate) type Piece<T> = (Load, T);

/// Pieces handed over together: one, mostly.
pub(crate) type Pieces<T> = SmallVec<[Piece<T>; 1]>;

/// Work that was taken from the queue, and since when it waited there.
pub(crate) type Taken<T> = (Instant, T);

/// What waits, and for whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Pieces of work waiting for the sequencer.
    pub pieces: usize,
    /// Events in them.
    pub events: usize,
    /// Bytes of memory that these hold, about.
    pub bytes: usize,
    /// Clients that have work waiting.
    pub clients: usize,
    /// Handing over that waits for a place in the queue: streams that are slowed down.
    pub outside: usize,
}

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    bell: Condvar,
}

struct State<T> {
    bounds: Bounds,
    lines: HashMap<u64, Line<T>>,
    /// The lines with work, in the order of their turns.
    turns: VecDeque<u64>,
    /// Their weights, added up.
    weights: usize,
    /// The lines for a place in which somebody waits, in the order of their turns.
    longing: VecDeque<u64>,
    /// What waits for a place, each handing over as one piece.
    outside: Load,
    /// Numbers those who wait, in the order of coming.
    tickets: u64,
    /// Work that waits, and places given away and not yet filled.
    held: Load,
    control: VecDeque<Taken<T>>,
    questions: Questions<T>,
    /// Comes after all else.
    last: Option<T>,
    drain: Drain,
    /// The sequencer waits for the bell.
    asleep: bool,
    /// No more work is taken.
    closed: bool,
    /// There is no sequencer any more.
    gone: bool,
}

/// The work of one client.
struct Line<T> {
    weight: usize,
    pieces: VecDeque<(Instant, Load, T)>,
    held: Load,
    /// Events it may still send in its turn; below zero what it sent too much in the one before.
    credit: isize,
    /// Who waits for a place.
    outside: VecDeque<Longing<T>>,
    /// It stands in [`State::longing`].
    longing: bool,
}

/// Somebody who waits for a place.
struct Longing<T> {
    ticket: u64,
    load: Load,
    give: oneshot::Sender<Place<T>>,
}

impl<T> Default for Line<T> {
    fn default() -> Line<T> {
        Line {
            weight: 1,
            pieces: VecDeque::new(),
            held: Load::default(),
            credit: 0,
            outside: VecDeque::new(),
            longing: false,
        }
    }
}

impl<T> Queue<T> {
    /// An empty queue, and the end that takes from it.
    pub(crate) fn new(bounds: Bounds) -> (Arc<Queue<T>>, Taker<T>) {
        let state = State {
            bounds,
            lines: HashMap::new(),
            turns: VecDeque::new(),
            weights: 0,
            longing: VecDeque::new(),
            outside: Load::default(),
            tickets: 0,
            held: Load::default(),
            control: VecDeque::new(),
            questions: Questions::new(bounds.questions),
            last: None,
            drain: Drain::default(),
            asleep: false,
            closed: false,
            gone: false,
        };
        let queue = Arc::new(Queue { state: Mutex::new(state), bell: Condvar::new() });
        (queue.clone(), Taker(queue))
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the sequencer if it sleeps. The lock is given back first, or it would wake only to wait again.
    fn ring(&self, mut state: MutexGuard<'_, State<T>>) {
        if std::mem::take(&mut state.asleep) {
            drop(state);
            self.bell.notify_one();
        }
    }

    /// Takes work, all of it or none.
    pub(crate) fn push(&self, client: Client, pieces: Pieces<T>) -> Result<(), Refused> {
        let load = weigh(&pieces);
        let mut state = self.lock();
        state.admit(client, load, false)?;
        state.enter(client, pieces, Instant::now());
        self.ring(state);
        Ok(())
    }

    /// Takes work, all of it or none, once there is a place for it.
    pub(crate) async fn push_waiting(&self, client: Client, mut pieces: Pieces<T>) -> Result<(), Refused> {
        let Some(mut ticket) = self.push_or_wait(client, &mut pieces)? else {
            return Ok(());
        };
        (&mut ticket.place).await.map_err(|_| Refused::Closed)?.fill(pieces)
    }

    /// Takes the work where there is a place for it, or gives what will bring one.
    fn push_or_wait(&self, client: Client, pieces: &mut Pieces<T>) -> Result<Option<Ticket<'_, T>>, Refused> {
        let load = weigh(pieces);
        let mut state = self.lock();
        let others_wait = state.lines.get(&client.id).is_some_and(|l| !l.outside.is_empty());
        match state.admit(client, load, true) {
            Ok(()) if !others_wait => {
                state.enter(client, std::mem::take(pieces), Instant::now());
                self.ring(state);
                return Ok(None);
            }
            Err(Refused::Closed) => return Err(Refused::Closed),
            Err(refused) if !load.fits(state.bounds.all) => return Err(refused),
            Ok(()) | Err(Refused::Busy(..)) => {}
        }
        let (number, place) = state.wait(client, load)?;
        Ok(Some(Ticket { queue: self, client: client.id, number, place }))
    }

    /// Takes what the program asks of itself, ahead of all events.
    pub(crate) fn control(&self, task: T) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.control.len() >= state.bounds.control {
            return Err(state.busy(None));
        }
        state.control.push_back((Instant::now(), task));
        self.ring(state);
        Ok(())
    }

    /// Takes what a client asks beside its events: ahead of them, a few at a time.
    pub(crate) fn question(&self, client: Client, task: T) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        match state.questions.push(client, task, Instant::now()) {
            Ok(()) => self.ring(state),
            Err(Whose::Client) => return Err(state.busy(Some(client))),
            Err(Whose::Server) => return Err(state.busy(None)),
        }
        Ok(())
    }

    /// Takes nothing more; what waits is done, and then `last`.
    pub(crate) fn close(&self, last: Option<T>) -> Result<(), Refused> {
        let mut state = self.lock();
        let before = std::mem::replace(&mut state.closed, true);
        if before || state.gone {
            return Err(Refused::Closed);
        }
        state.last = last;
        self.ring(state);
        Ok(())
    }

    pub(crate) fn backlog(&self) -> Backlog {
        let state = self.lock();
        let Load { pieces, events, bytes } = state.held;
        Backlog { pieces, events, bytes, clients: state.turns.len(), outside: state.outside.pieces }
    }
}

fn weigh<T>(pieces: &[Piece<T>]) -> Load {
    pieces.iter().fold(Load::default(), |sum, (load, _)| sum + *load)
}

impl<T> State<T> {
    /// Whether nothing waits but what comes last.
    fn is_idle(&self) -> bool {
        self.control.is_empty() && self.questions.is_empty() && self.turns.is_empty()
    }

    /// Whether a client may have this much more waiting.
    fn admit(&self, client: Client, load: Load, patient: bool) -> Result<(), Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        let line = self.lines.get(&client.id);
        let mine = line.map_or(Load::default(), |l| l.held);
        let most = self.allowance(client, line);
        let most = if patient { most.each(|n| n / 2) } else { most };
        // Who has nothing waiting is taken as long as there is room at all.
        if mine.pieces > 0 && !(mine + load).fits(most) {
            return Err(self.busy(Some(client)));
        }
        if (self.held + load).fits(self.bounds.all) { Ok(()) } else { Err(self.busy(None)) }
    }

    /// The most that a client may have waiting now: what is still free, or its fair share.
    fn allowance(&self, client: Client, line: Option<&Line<T>>) -> Load {
        let weight = usize::from(client.weight);
        let others = self.weights - line.filter(|l| !l.pieces.is_empty()).map_or(0, |l| l.weight);
        // And one more, who may come.
        let all = others + weight + 1;
        let free = self.bounds.open.less(self.held);
        let most = |free: usize, open: usize| (free * weight).max(open * weight / all);
        Load {
            pieces: most(free.pieces, self.bounds.open.pieces),
            events: most(free.events, self.bounds.open.events),
            bytes: most(free.bytes, self.bounds.open.bytes),
        }
    }

    /// Too much waits: for this client, or in all.
    fn busy(&self, client: Option<Client>) -> Refused {
        let now = Instant::now();
        let Some(client) = client else {
            return Refused::Busy(Whose::Server, self.drain.secs(self.held.events, now));
        };
        let line = self.lines.get(&client.id);
        let (events, weight) = line.map_or((0, 1), |l| (l.held.events, l.weight));
        // Its line moves at its share of the pace.
        let ahead = events.saturating_mul(self.weights.max(weight)) / weight;
        Refused::Busy(Whose::Client, self.drain.secs(ahead.min(self.held.events), now))
    }

    /// Puts work that was admitted into its client's line.
    fn enter(&mut self, client: Client, pieces: Pieces<T>, now: Instant) {
        let load = weigh(&pieces);
        self.lines.entry(client.id).or_default().held += load;
        self.held += load;
        self.queue(client, pieces, now);
    }

    /// As [`State::enter`], for work whose place is counted already.
    fn queue(&mut self, client: Client, pieces: Pieces<T>, now: Instant) {
        if pieces.is_empty() {
            return;
        }
        let line = self.lines.entry(client.id).or_default();
        if line.pieces.is_empty() {
            line.weight = client.weight.into();
            self.weights += line.weight;
            self.turns.push_back(client.id);
        }
        line.pieces.extend(pieces.into_iter().map(|(load, work)| (now, load, work)));
    }

    /// Puts somebody among those who wait for a place.
    fn wait(&mut self, client: Client, load: Load) -> Result<(u64, oneshot::Receiver<Place<T>>), Refused> {
        if !(self.outside + load.outside()).fits(self.bounds.outside) {
            return Err(self.busy(None));
        }
        let line = self.lines.entry(client.id).or_default();
        if line.pieces.is_empty() {
            line.weight = client.weight.into();
        }
        if !std::mem::replace(&mut line.longing, true) {
            self.longing.push_back(client.id);
        }
        self.tickets += 1;
        let (give, place) = oneshot::channel();
        line.outside.push_back(Longing { ticket: self.tickets, load, give });
        self.outside += load.outside();
        Ok((self.tickets, place))
    }

    /// Somebody who waited for a place went away.
    fn leave(&mut self, client: u64, ticket: u64) {
        let Some(line) = self.lines.get_mut(&client) else { return };
        // Where it is not found it has its place, which goes back by itself.
        if let Ok(at) = line.outside.binary_search_by_key(&ticket, |l| l.ticket)
            && let Some(left) = line.outside.remove(at)
        {
            self.outside -= left.load.outside();
        }
    }

    /// Moves events to `out`, in turns, until there are `most`.
    fn serve(&mut self, most: usize, out: &mut Vec<Taken<T>>) -> usize {
        let mut served = 0;
        while served < most
            && let Some(id) = self.turns.front().copied()
        {
            let Some(line) = self.lines.get_mut(&id) else { break };
            if line.credit <= 0 {
                line.credit += (self.bounds.turn * line.weight).cast_signed();
            }
            while line.credit > 0
                && served < most
                && let Some((since, load, work)) = line.pieces.pop_front()
            {
                // A piece without events is work too.
                line.credit -= load.events.max(1).cast_signed();
                served += load.events.max(1);
                line.held -= load;
                self.held -= load;
                out.push((since, work));
            }
            if line.pieces.is_empty() {
                line.credit = line.credit.min(0);
                self.weights -= line.weight;
                self.turns.pop_front();
                self.tidy(id);
            } else if line.credit <= 0 {
                self.turns.rotate_left(1);
            }
        }
        served
    }

    /// Lets go of an empty line if there are many.
    fn tidy(&mut self, id: u64) {
        if self.lines.len() <= self.bounds.idle {
            return;
        }
        let idle = |l: &Line<T>| l.held == Load::default() && !l.longing;
        if self.lines.get(&id).is_some_and(idle) {
            self.lines.remove(&id);
        }
    }

    /// Gives places to those who wait for them, client by client, until no more are to be had.
    fn give(&mut self, queue: &Arc<Queue<T>>) {
        let mut in_vain = 0;
        while in_vain < self.longing.len() {
            let Some(id) = self.longing.pop_front() else { return };
            let given = self.give_one(id, queue);
            let Some(line) = self.lines.get_mut(&id) else { continue };
            line.longing = !line.outside.is_empty();
            if line.longing {
                self.longing.push_back(id);
                in_vain = if given { 0 } else { in_vain + 1 };
            }
        }
    }

    /// Gives the first who waits for a place in this line what it waits for, if that can be had.
    fn give_one(&mut self, id: u64, queue: &Arc<Queue<T>>) -> bool {
        while let Some(line) = self.lines.get(&id)
            && let Some(Longing { load, .. }) = line.outside.front()
        {
            let load = *load;
            let client = Client { id, weight: u8::try_from(line.weight).unwrap_or(u8::MAX) };
            if !self.may(client, load) {
                return false;
            }
            let Some(line) = self.lines.get_mut(&id) else { return false };
            let Some(Longing { give, .. }) = line.outside.pop_front() else { return false };
            self.outside -= load.outside();
            match give.send(Place { queue: Some(queue.clone()), client, load }) {
                Ok(()) => {
                    line.held += load;
                    self.held += load;
                    return true;
                }
                // It goes away this moment. Nothing was counted for it yet.
                Err(place) => place.forget(),
            }
        }
        false
    }

    /// Whether who waits may have a place now. What waited before the queue was closed is still taken.
    fn may(&self, client: Client, load: Load) -> bool {
        if self.closed {
            (self.held + load).fits(self.bounds.all)
        } else {
            self.admit(client, load, true).is_ok()
        }
    }
}

/// Who waits for a place, and what brings it. Dropped before, it waits no more.
struct Ticket<'q, T> {
    queue: &'q Queue<T>,
    client: u64,
    number: u64,
    place: oneshot::Receiver<Place<T>>,
}

impl<T> Drop for Ticket<'_, T> {
    fn drop(&mut self) {
        self.queue.lock().leave(self.client, self.number);
        // A place that came and was not taken is dropped after this, without the lock.
    }
}

/// A place in the queue, given to who waited for it. Dropped without work it goes back.
struct Place<T> {
    queue: Option<Arc<Queue<T>>>,
    client: Client,
    load: Load,
}

impl<T> Place<T> {
    fn fill(mut self, pieces: Pieces<T>) -> Result<(), Refused> {
        let Some(queue) = self.queue.take() else { return Err(Refused::Closed) };
        let mut state = queue.lock();
        if state.gone {
            return Err(Refused::Closed);
        }
        state.queue(self.client, pieces, Instant::now());
        queue.ring(state);
        Ok(())
    }

    fn forget(mut self) {
        self.queue = None;
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else { return };
        let mut state = queue.lock();
        if state.gone {
            return;
        }
        state.held -= self.load;
        if let Some(line) = state.lines.get_mut(&self.client.id) {
            line.held -= self.load;
        }
        state.tidy(self.client.id);
        state.give(&queue);
    }
}

/// The end that takes. When it goes, all that waits is dropped and nothing more is taken.
pub(crate) struct Taker<T>(Arc<Queue<T>>);

impl<T> Taker<T> {
    /// Waits for work and moves it to `out`: all that the program asks of itself, some of what clients ask, then about
    /// `most` events in turns.
    /// False when the queue is closed and everything was taken.
    pub(crate) fn take(&self, most: usize, out: &mut Vec<Taken<T>>) -> bool {
        let mut state = self.0.lock();
        state.drain.pause(Instant::now());
        loop {
            if !state.is_idle() {
                break;
            }
            if state.closed {
                let Some(last) = state.last.take() else { return false };
                out.push((Instant::now(), last));
                return true;
            }
            state.asleep = true;
            state = self.0.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.asleep = false;
        self.hand_out(state, most, out);
        true
    }

    /// As [`Taker::take`], but takes what waits now, if anything does.
    pub(crate) fn take_now(&self, most: usize, out: &mut Vec<Taken<T>>) {
        let mut state = self.0.lock();
        state.drain.pause(Instant::now());
        if state.closed && state.is_idle() {
            out.extend(state.last.take().map(|last| (Instant::now(), last)));
        }
        self.hand_out(state, most, out);
    }

    fn hand_out(&self, mut state: MutexGuard<'_, State<T>>, most: usize, out: &mut Vec<Taken<T>>) {
        out.extend(state.control.drain(..));
        let quota = state.bounds.quota;
        state.questions.take(quota, out);
        let served = state.serve(most, out);
        state.give(&self.0);
        state.drain.resume(Instant::now(), served);
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        (state.closed, state.gone) = (true, true);
        let questions = std::mem::replace(&mut state.questions, Questions::new(0));
        let lines = std::mem::take(&mut state.lines);
        let left = (lines, std::mem::take(&mut state.control), questions, state.last.take());
        state.turns.clear();
        state.longing.clear();
        (state.weights, state.outside, state.held) = (0, Load::default(), Load::default());
        drop(state);
        // Whoever is told by this that nothing comes may ask the queue at once: the lock is free.
        drop(left);
    }
}
