// SPDX-License-Identifier: Apache-2.0
//! The rule, over all that was ever added.

use crate::flow::Happened;
use std::collections::HashSet;
use wardroom_event::{Micros, Value};
use wardroom_state::{Kind, Reading, Spec};

pub(crate) struct Oracle {
    spec: Spec,
    exact: usize,
    added: Vec<Happened>,
}

/// `floor(x / g)`.
fn floor(x: i128, g: i128) -> i128 {
    let cut = x / g;
    if x % g < 0 { cut - 1 } else { cut }
}

/// `ceil(x / g)` of what is not negative.
fn ceil(x: i128, g: i128) -> i128 {
    x / g + i128::from(x % g != 0)
}

/// The tile of `x` in a window of `w`.
fn tile(w: i128, x: i64) -> i128 {
    floor(x.into(), ceil(w, 60))
}

/// The tile of the tail of a window that ends at `x`.
fn tail(w: i128, x: i64) -> i128 {
    floor(i128::from(x) - w, ceil(w, 60))
}

const HOUR: i128 = 3_600_000_000;
const WEEK: i128 = 7 * 24 * HOUR;

impl Oracle {
    pub(crate) fn new(spec: Spec, exact: usize) -> Oracle {
        Oracle { spec, exact, added: Vec::new() }
    }

    /// Adds what is a sighting for the kind.
    pub(crate) fn add(&mut self, s: Happened) {
        let is = match self.spec.kind() {
            Kind::Last => !s.value.is_missing(),
            Kind::Speed => s.lat.abs() <= 90.0 && s.lon.abs() <= 180.0,
            Kind::Sequence { .. } => s.mark || s.then,
            _ => true,
        };
        if is {
            self.added.push(s);
        }
    }

    fn window(&self) -> i128 {
        self.spec.window().unwrap().0.into()
    }

    fn clock(&self, now: i64) -> i64 {
        self.added.iter().map(|s| s.time).fold(now, i64::max)
    }

    /// What lies in the window, for those that know its newer end.
    fn inside(&self, key: u64, now: i64) -> impl Iterator<Item = &Happened> {
        let w = self.window();
        let (from, to) = (tail(w, self.clock(now)), tile(w, now));
        self.added.iter().filter(move |s| s.key == key && (from..=to).contains(&tile(w, s.time)))
    }

    /// What lies in the window or after it.
    fn since(&self, key: u64, now: i64) -> impl Iterator<Item = &Happened> {
        let w = self.window();
        let from = tail(w, self.clock(now));
        self.added.iter().filter(move |s| s.key == key && tile(w, s.time) >= from)
    }

    /// Whether a reading is the rule's.
    pub(crate) fn agrees(&self, got: &Reading, key: u64, now: i64) -> bool {
        match (self.spec.kind(), got) {
            (Kind::Distinct, Reading::Distinct { count, approximate }) => {
                self.agrees_distinct(*count, *approximate, key, now)
            }
            (Kind::Quantile { q }, Reading::Quantile(got)) => self.agrees_quantile(*got, q, key, now),
            (Kind::Baseline { span }, Reading::Baseline { mean, spread, weeks }) => {
                let counts = self.weeks(span.0.into(), key, now);
                let n = counts.len() as f64;
                let expect = counts.iter().sum::<f64>() / n.max(1.0);
                let square = counts.iter().map(|c| (c - expect) * (c - expect)).sum::<f64>() / n.max(1.0);
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + b);
                *weeks as usize == counts.len() && near(*mean, expect) && near(*spread, square.sqrt())
            }
            (Kind::Speed, got) => *got == Reading::Speed(None),
            _ => *got == self.read(key, now),
        }
    }

    fn read(&self, key: u64, now: i64) -> Reading {
        match self.spec.kind() {
            Kind::Count => Reading::Count(self.inside(key, now).count() as u64),
            Kind::FirstSeen => Reading::FirstSeen(self.first_seen(key, now).map(Micros)),
            Kind::Sum => {
                let total: i128 = self.inside(key, now).map(|s| i128::from(s.amount)).sum();
                let count = self.inside(key, now).count() as u64;
                Reading::Sum { total: i64::try_from(total).ok(), count }
            }
            Kind::Extreme { max: true } => Reading::Extreme(self.inside(key, now).map(|s| s.amount).max()),
            Kind::Extreme { max: false } => Reading::Extreme(self.inside(key, now).map(|s| s.amount).min()),
            Kind::Last => {
                // Of equal times `max_by_key` gives the last.
                let last = self.since(key, now).max_by_key(|s| s.time).map(|s| s.value.clone());
                let held = |value: &Value| !matches!(value, Value::Text(text) if text.len() > 256);
                Reading::Last(last.filter(held))
            }
            Kind::Ratio => {
                let hits = self.inside(key, now).filter(|s| s.mark).count() as u64;
                Reading::Ratio { hits, of: self.inside(key, now).count() as u64 }
            }
            Kind::Sequence { times, within } => self.sequence(times, within.0.into(), key, now),
            other => unreachable!("{other:?} is not told exactly"),
        }
    }

    /// Exact up to the bound; an estimate above it, unless that is exact too.
    fn agrees_distinct(&self, count: u64, approximate: bool, key: u64, now: i64) -> bool {
        let items: HashSet<u64> = self.since(key, now).map(|s| s.item).collect();
        let truth = items.len() as u64;
        if !approximate {
            return count == truth;
        }
        let error = count.abs_diff(truth) as f64 / truth as f64;
        truth > self.exact as u64 && count >= self.exact as u64 && error <= 6.0 / (self.exact as f64).sqrt()
    }

    /// The amount of the nearest rank, to within a 128th.
    fn agrees_quantile(&self, got: Option<f64>, q: u16, key: u64, now: i64) -> bool {
        let mut amounts: Vec<i64> = self.inside(key, now).map(|s| s.amount).collect();
        amounts.sort_unstable();
        let rank = ceil(amounts.len() as i128 * i128::from(q), 1000).max(1) as usize;
        match (got, amounts.get(rank - 1)) {
            (Some(got), Some(truth)) => (got - *truth as f64).abs() <= (*truth as f64).abs() / 128.0,
            (None, None) => true,
            _ => false,
        }
    }

    /// Lives through it all again: a key is forgotten when the clock leaves its newest sighting behind.
    fn first_seen(&self, key: u64, now: i64) -> Option<i64> {
        let of_key = self.added.iter().filter(|s| s.key == key);
        let Some(w) = self.spec.window().map(|w| i128::from(w.0)) else {
            return of_key.map(|s| s.time).min();
        };
        let mut clock = i64::MIN;
        let mut run: Vec<i64> = Vec::new();
        for s in &self.added {
            clock = clock.max(s.time);
            if run.iter().all(|time| tile(w, *time) < tail(w, clock)) {
                run.clear();
            }
            if s.key == key && tile(w, s.time) >= tail(w, clock) {
                run.push(s.time);
            }
        }
        let live = run.iter().any(|time| tile(w, *time) >= tail(w, clock.max(now)));
        run.into_iter().min().filter(|_| live)
    }

    /// Lives through it all again.
    fn sequence(&self, times: u32, v: i128, key: u64, now: i64) -> Reading {
        let w = self.window();
        let mut clock = i64::MIN;
        let (mut firsts, mut done) = (Vec::new(), Vec::new());
        for s in &self.added {
            clock = clock.max(s.time);
            if s.key != key {
                continue;
            }
            if s.then && seen(&firsts, v, tail(v, clock), tile(v, s.time)) >= times as usize {
                done.push(s.time);
            }
            if s.mark {
                firsts.push(s.time);
            }
        }
        Reading::Sequence(seen(&done, w, tail(w, clock.max(now)), tile(w, now)) as u64)
    }

    /// The counts of the weeks that are known, scaled.
    fn weeks(&self, s: i128, key: u64, now: i64) -> Vec<f64> {
        let Some(began) = self.added.first().map(|s| floor(s.time.into(), HOUR)) else {
            return Vec::new();
        };
        let n = ceil(s, HOUR).max(1);
        let kept = floor(i128::from(self.clock(now)) - self.window(), HOUR) - n + 1;
        let count = |week: i128| {
            let to = floor(i128::from(now) - WEEK * week, HOUR);
            let from = to - n + 1;
            let seen = |s: &&Happened| s.key == key && (from..=to).contains(&floor(s.time.into(), HOUR));
            let count = self.added.iter().filter(seen).count() as f64;
            (from >= began && from >= kept).then_some(count * s as f64 / (n * HOUR) as f64)
        };
        (1..=self.window() / WEEK).filter_map(count).collect()
    }

    /// Whether a speed is the rule's, to a few centimetres and a millionth.
    pub(crate) fn agrees_speed(&self, got: Option<f64>, key: u64, here: (f64, f64), now: i64) -> bool {
        let last = match self.spec.kind() {
            Kind::Speed => self.since(key, now).max_by_key(|s| s.time).filter(|s| s.time <= now),
            _ => None,
        };
        match (got, last.filter(|_| here.0.abs() <= 90.0 && here.1.abs() <= 180.0)) {
            (Some(got), Some(last)) => {
                let hours = ((now - last.time) as f64 / 3.6e9).max(1.0 / 3600.0);
                let km = distance((last.lat, last.lon), here);
                (got * hours - km).abs() <= 1e-3 + km * 1e-6
            }
            (None, None) => true,
            _ => false,
        }
    }

    /// How many sightings were late beyond use.
    pub(crate) fn late(&self) -> u64 {
        let mut clock = i64::MIN;
        let late = |s: &&Happened| {
            clock = clock.max(s.time);
            self.spec.window().is_some() && self.is_late(s.time, clock)
        };
        self.added.iter().filter(late).count() as u64
    }

    fn is_late(&self, time: i64, clock: i64) -> bool {
        let w = self.window();
        match self.spec.kind() {
            Kind::Baseline { span } => {
                let n = ceil(span.0.into(), HOUR).max(1);
                floor(time.into(), HOUR) < floor(i128::from(clock) - w, HOUR) - n + 1
            }
            Kind::Sequence { within, .. } => {
                let longer = w.max(within.0.into());
                tile(longer, time) < tail(longer, clock) - 1
            }
            _ => tile(w, time) < tail(w, clock),
        }
    }
}

/// How many of the times lie in the tiles `from` to `to`.
fn seen(times: &[i64], w: i128, from: i128, to: i128) -> usize {
    times.iter().filter(|time| (from..=to).contains(&tile(w, **time))).count()
}

/// The great circle's length by the angle between two vectors, which is not how it is done elsewhere.
fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    let vector = |(lat, lon): (f64, f64)| {
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (a, b) = (vector(a), vector(b));
    let length = |v: [f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let dot: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
    6371.0088 * length(cross).atan2(dot)
}
