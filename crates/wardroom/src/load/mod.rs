// SPDX-License-Identifier: Apache-2.0
//! The load generator of `wardroom bench`: events to a server at times of their own, and what became of each.
//!
//! *Open loop.* Arrivals are scheduled before the run, as people arrive without asking whether the server is ready, and
//! latency counts from the scheduled time. A server that stalls for a second is charged for everyone who came in that
//! second, which a closed loop forgets to do ("coordinated omission", Gil Tene). [`Arrivals::Max`] is a closed loop and
//! finds the capacity; its latencies say only how long a full server takes.
//!
//! What keeps it honest on one machine: a thread of its own wakes the connections on time, because timers of the
//! runtime are a millisecond coarse; how late each event began is reported beside its latency ([`Report::lag`]); events
//! that were never answered count with the time they had waited; [`Peer`] is the same work without a server behind it.
//!
//! Memory is bounded: no queue holds what is due, only a count; see [`limits`]. It ends by itself, answered or not. It
//! talks to loopback addresses alone: it is no tool for loading somebody else's server.
//!
//! Left out on purpose: HTTP/2, TLS, several requests in flight on one connection of [`Mode::Single`], and spreading the
//! load over machines.

mod plan;

mod schedule;

mod single;

mod stream;

mod answer;

mod tally;

mod report;

pub(crate) mod events;

pub(crate) mod peer;

pub(crate) mod limits;

pub(crate) use events::{Events, Population};
pub(crate) use peer::Peer;
pub(crate) use plan::{Arrivals, LoadError, Mode, Plan};
pub(crate) use report::{Report, Times, time};
pub(crate) use tally::Interval;

use plan::Target;
use schedule::{Arrival, Pacer, Schedule};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tally::Tally;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Where who watches a run while it goes on finds what came back since.
pub(crate) type Watch = Arc<Mutex<Interval>>;

/// What the connections share.
struct Shared {
    target: Target,
    events: Events,
    /// When the run begins to count, ends sending and gives up waiting.
    window: Window,
    work: Work,
    tally: Mutex<Tally>,
}

/// The three times of a run.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// From here on events count.
    from: Instant,
    /// From here on none is scheduled.
    until: Instant,
    /// From here on none is waited for.
    give_up: Instant,
}

impl Window {
    /// Whether an event scheduled then is measured.
    fn counts(&self, at: Instant) -> bool {
        self.from <= at && at < self.until
    }
}

/// Where a connection takes its next event from.
enum Work {
    /// Arrivals that fall due on their own; a permit for each that is.
    Open { schedule: Mutex<Schedule>, due: Semaphore },
    /// The next as soon as somebody asks.
    Closed { next: AtomicU64, most: u64 },
}

impl Shared {
    /// The next event to send, once it is due; `None` when there are no more, or nobody waits for them any longer.
    async fn next(&self) -> Option<Arrival> {
        let Work::Open { due, .. } = &self.work else {
            return self.next_now();
        };
        let permit = tokio::time::timeout_at(self.window.give_up.into(), due.acquire()).await.ok()?.ok()?;
        permit.forget();
        self.claim()
    }

    /// The next event if one is due.
    fn next_now(&self) -> Option<Arrival> {
        match &self.work {
            Work::Open { due, .. } => {
                due.try_acquire().ok()?.forget();
                self.claim()
            }
            Work::Closed { next, most } => {
                let now = Instant::now();
                let number = (now < self.window.until).then(|| next.fetch_add(1, Relaxed))?;
                (number < *most).then_some(Arrival { number, scheduled: now })
            }
        }
    }

    fn claim(&self) -> Option<Arrival> {
        match &self.work {
            Work::Open { schedule, .. } if Instant::now() < self.window.give_up => lock(schedule).next(),
            _ => None,
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }
}

/// A panic elsewhere has been reported; what was counted still stands.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the plan. Takes its warm-up and duration, and up to [`limits::DRAIN`] more for answers that are late.
///
/// # Errors
/// Before anything is sent: a plan out of its limits, an address that is not loopback, or nobody listening there. What
/// goes wrong later is counted in [`Report::errors`].
pub(crate) async fn run(plan: Plan) -> Result<Report, LoadError> {
    plan.check()?;
    let target = Target::of(&plan).await?;
    single::reach(&target).await?;
    let begin = Instant::now() + limits::LEAD;
    let window = Window {
        from: begin + plan.warm_up,
        until: begin + plan.warm_up + plan.duration,
        give_up: begin + plan.warm_up + plan.duration + limits::DRAIN,
    };
    let work = match Schedule::new(plan.arrivals, begin, window.until) {
        Some(schedule) => Work::Open { schedule: Mutex::new(schedule), due: Semaphore::new(0) },
        None => Work::Closed { next: AtomicU64::new(0), most: plan.most.unwrap_or(u64::MAX) },
    };
    let tally = Mutex::new(Tally::new(window, plan.watch.clone()));
    let shared = Arc::new(Shared { target, events: plan.events.clone(), window, work, tally });
    let pacer = Pacer::start(&shared, plan.arrivals, begin, plan.connections).map_err(LoadError::Thread)?;
    let mut connections = JoinSet::new();
    for _ in 0..plan.connections {
        let shared = shared.clone();
        match plan.mode {
            Mode::Single => connections.spawn(single::work(shared)),
            Mode::Stream => connections.spawn(stream::work(shared, plan.in_flight)),
        };
    }
    while let Some(ended) = connections.join_next().await {
        if let Some(panic) = ended.err().and_then(|e| e.try_into_panic().ok()) {
            // Our own fault: events it had taken would be missing from the report without a word.
            std::panic::resume_unwind(panic);
        }
    }
    drop(pacer);
    if let Work::Open { schedule, .. } = &shared.work {
        let (mut schedule, mut tally, now) = (lock(schedule), shared.tally(), Instant::now());
        while let Some(arrival) = schedule.next() {
            tally.unsent(&arrival, now);
        }
    }
    Ok(Report::of(&plan, &shared.tally()))
}

#[cfg(test)]
mod tests;
