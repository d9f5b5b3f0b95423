// SPDX-License-Identifier: Apache-2.0
//! When events come, and the thread that says that they have.

use super::{Arrivals, Shared, Work, limits};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One event to send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arrival {
    /// Which; each number comes once.
    pub(super) number: u64,
    /// When it was to be sent.
    pub(super) scheduled: Instant,
}

/// The arrivals of an open loop, one after another, the same whatever the server does.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    begin: Instant,
    until: Instant,
    rate: f64,
    /// The state of the random numbers; `None` for even spacing.
    random: Option<u64>,
    number: u64,
    /// Seconds from the beginning to the next arrival.
    offset: f64,
}

impl Schedule {
    /// Arrivals from `begin` to before `until`; `None` for a closed loop, which has none.
    pub(super) fn new(arrivals: Arrivals, begin: Instant, until: Instant) -> Option<Schedule> {
        let random = match arrivals {
            Arrivals::Fixed { .. } => None,
            Arrivals::Poisson { seed, .. } => Some(seed),
            Arrivals::Max => return None,
        };
        let rate = arrivals.rate()?;
        let mut schedule = Schedule { begin, until, rate, random, number: 0, offset: 0.0 };
        schedule.offset = schedule.first();
        Some(schedule)
    }

    /// Evenly spaced arrivals begin at once; others as if they had gone on before.
    fn first(&mut self) -> f64 {
        if self.random.is_some() { self.gap() } else { 0.0 }
    }

    /// The next arrival.
    pub(super) fn next(&mut self) -> Option<Arrival> {
        let arrival = self.peek()?;
        self.number += 1;
        // Even spacing is computed anew each time: adding up would drift.
        self.offset = match self.random {
            None => self.number as f64 / self.rate,
            Some(_) => self.offset + self.gap(),
        };
        Some(arrival)
    }

    fn peek(&self) -> Option<Arrival> {
        let scheduled = self.begin + Duration::from_secs_f64(self.offset);
        (scheduled < self.until).then_some(Arrival { number: self.number, scheduled })
    }

    /// Seconds to the next of independent arrivals: exponential, by inversion.
    fn gap(&mut self) -> f64 {
        let state = self.random.get_or_insert(0);
        // SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let unit = ((z >> 11) + 1) as f64 / (1u64 << 53) as f64;
        -unit.ln() / self.rate
    }
}

/// A thread that gives out a permit for each arrival when it is due. Dropping it stops it.
pub(super) struct Pacer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pacer {
    /// Begins to keep the time of an open loop; a closed one needs no pacer, and this one does nothing.
    pub(super) fn start(
        shared: &Arc<Shared>,
        arrivals: Arrivals,
        begin: Instant,
        connections: usize,
    ) -> io::Result<Pacer> {
        let stop = Arc::new(AtomicBool::new(false));
        let Some(schedule) = Schedule::new(arrivals, begin, shared.window.until) else {
            return Ok(Pacer { stop, thread: None });
        };
        let (shared, told) = (shared.clone(), stop.clone());
        let thread = std::thread::Builder::new()
            .name("pacer".to_owned())
            .spawn(move || pace(schedule, &shared, &told, connections))?;
        Ok(Pacer { stop, thread: Some(thread) })
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How long the pacer sleeps at most before it looks whether it should stop.
const SLICE: Duration = Duration::from_millis(20);

fn pace(mut schedule: Schedule, shared: &Shared, stop: &AtomicBool, connections: usize) {
    let Work::Open { due, .. } = &shared.work else {
        return;
    };
    while let Some(next) = schedule.peek() {
        if stop.load(Relaxed) {
            return;
        }
        let now = Instant::now();
        if next.scheduled > now {
            std::thread::sleep((next.scheduled - now).min(SLICE));
            continue;
        }
        let mut permits = 0;
        while schedule.peek().is_some_and(|a| a.scheduled <= now) {
            schedule.next();
            permits += 1;
        }
        due.add_permits(permits);
    }
    // Every connection must wake once more, to find that there is nothing left; a stream takes a piece's worth at once.
    due.add_permits(connections * limits::PIECE);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(arrivals: Arrivals, secs: u64) -> Vec<f64> {
        let begin = Instant::now();
        let mut schedule = Schedule::new(arrivals, begin, begin + Duration::from_secs(secs)).unwrap();
        let mut found = Vec::new();
        while let Some(arrival) = schedule.next() {
            assert_eq!(arrival.number, found.len() as u64);
            found.push((arrival.scheduled - begin).as_secs_f64());
        }
        found
    }

    #[test]
    fn fixed_arrivals_are_even_and_do_not_drift() {
        let found = offsets(Arrivals::Fixed { rate: 3.0 }, 100);
        assert_eq!(found.len(), 300);
        assert!((found[299] - 299.0 / 3.0).abs() < 1e-6, "{}", found[299]);
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread() {
        let found = offsets(Arrivals::Poisson { rate: 100.0, seed: 7 }, 200);
        // 20,000 expected, standard deviation 141.
        assert!((19_400..20_600).contains(&found.len()), "{}", found.len());
        let gaps: Vec<f64> = found.windows(2).map(|w| w[1] - w[0]).collect();
        // Of exponential gaps, 1 - 1/e are shorter than the mean; of even ones, none or all.
        let short = gaps.iter().filter(|g| **g < 0.01).count() as f64 / gaps.len() as f64;
        assert!((0.61..0.65).contains(&short), "{short}");
        assert_eq!(found, offsets(Arrivals::Poisson { rate: 100.0, seed: 7 }, 200));
        assert_ne!(found, offsets(Arrivals::Poisson { rate: 100.0, seed: 8 }, 200));
    }

    #[test]
    fn a_closed_loop_has_no_schedule() {
        let now = Instant::now();
        assert!(Schedule::new(Arrivals::Max, now, now + Duration::from_secs(1)).is_none());
    }
}
