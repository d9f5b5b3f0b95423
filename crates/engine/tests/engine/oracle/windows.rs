// SPDX-License-Identifier: Apache-2.0
//! What a feature reads: the rules of the book and of `wardroom_state::window`, told once more over everything that ever
//! happened, without a table, a tile that is kept or a key that is hashed.

use crate::oracle::brute::{Past, Sees};
use crate::oracle::world::*;

/// What one event was to one feature.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    key: Vec<V>,
    time: i64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Plain,
    Value(V),
    Amount(i64),
    Mark(bool),
    Steps(bool, bool),
    Place(f64, f64),
}

/// A figure, and how far another may be from it.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) value: Option<V>,
    pub(crate) slack: f64,
}

impl Read {
    pub(crate) fn exact(value: Option<V>) -> Read {
        Read { value, slack: 0.0 }
    }
}

const HOUR: i128 = 3_600_000_000;
const WEEK: i128 = 7 * 24 * HOUR;
/// Longest text that a `last` holds.
const HELD: usize = 256;

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
fn tile(w: i64, x: i64) -> i128 {
    floor(x.into(), ceil(w.into(), 60))
}

/// The tile in which a window of `w` begins that ends at `x`.
fn tail(w: i64, x: i64) -> i128 {
    floor(i128::from(x) - i128::from(w), ceil(w.into(), 60))
}

/// What an event is to a feature; `None` where it does not count.
pub(crate) fn sighting(world: &World, feature: usize, event: &Happened) -> Option<Sighting> {
    let of = &world.features[feature];
    if let Agg::Baseline(base, _) = of.agg {
        return sighting(world, base, event);
    }
    let sees = Sees::fields(world, event);
    let counts =
        of.events.contains(&event.kind) && of.filter.as_ref().is_none_or(|f| sees.truth(f) == Some(true));
    if !counts {
        return None;
    }
    let what = match &of.agg {
        Agg::Count | Agg::Seen | Agg::Rate | Agg::FirstSeen | Agg::Baseline(..) => What::Plain,
        Agg::Ratio(mark) => What::Mark(sees.truth(mark)?),
        Agg::Distinct(what, _) | Agg::Last(what, _) => What::Value(sees.eval(what)?),
        Agg::Sum(what, _) | Agg::Mean(what, _) | Agg::Min(what, _) | Agg::Max(what, _) => {
            What::Amount(held(&sees.eval(what)?)?)
        }
        Agg::Quantile(what, ..) => What::Amount(held(&sees.eval(what)?)?),
        Agg::Speed(lat, lon) => {
            let (lat, lon) = place(&sees, *lat, *lon)?;
            What::Place(lat, lon)
        }
        Agg::Sequence { first, then, .. } => {
            let (first, then) = (sees.truth(first) == Some(true), sees.truth(then) == Some(true));
            if !first && !then {
                return None;
            }
            What::Steps(first, then)
        }
    };
    Some(Sighting { key: key(&sees, of)?, time: event.counted(), what })
}

/// The key under which an event reads and counts; `None` where a part of it is missing.
fn key(sees: &Sees<'_>, of: &Feature) -> Option<Vec<V>> {
    of.by.iter().map(|path| sees.eval(&path.expression())).collect()
}

/// Where an event happened; `None` where that is no place on Earth.
fn place(sees: &Sees<'_>, lat: Path, lon: Path) -> Option<(f64, f64)> {
    let degrees = |path: Path| match sees.eval(&path.expression())? {
        V::N(n) => Some(n),
        V::I(n) => Some(n as f64),
        _ => None,
    };
    let (lat, lon) = (degrees(lat)?, degrees(lon)?);
    (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some((lat, lon))
}

/// A quantity as it is added up: whole things as they are, others in millionths.
fn held(v: &V) -> Option<i64> {
    match v {
        V::I(n) | V::D(n) | V::At(n) => Some(*n),
        V::N(n) => {
            let millionths = (n * 1e6).round();
            (millionths.abs() < 9.2e18).then_some(millionths as i64)
        }
        _ => None,
    }
}

/// What was added up, as a value again.
fn whole(kind: K, held: i64) -> V {
    match kind {
        K::Int | K::Size => V::I(held),
        K::Number | K::Rate => V::N(held as f64 / 1e6),
        K::Span => V::D(held),
        _ => V::At(held),
    }
}

/// What lies between quantities, as a value: a number of whole things need not be whole, a size is rounded.
fn between(kind: K, held: f64) -> Option<V> {
    let rounded = |make: fn(i64) -> V| (held.abs() < 9.2e18).then(|| make(held.round() as i64));
    match kind {
        K::Int => Some(V::N(held)),
        K::Number | K::Rate => Some(V::N(held / 1e6)),
        K::Size => rounded(V::I),
        K::Span => rounded(V::D),
        _ => rounded(V::At),
    }
}

/// The figure of a feature for an event that has not been counted yet.
pub(crate) fn read(past: &Past<'_>, feature: usize, figure: Figure, event: &Happened) -> Read {
    let of = &past.world.features[feature];
    if let Agg::Baseline(base, weeks) = of.agg {
        return usual(past, base, weeks, figure, event);
    }
    let sees = Sees::fields(past.world, event);
    let Some(key) = key(&sees, of) else {
        return Read::exact(None);
    };
    let mut all: Vec<&Sighting> = past.sightings(feature).collect();
    let own = of.with_self.then(|| sighting(past.world, feature, event)).flatten();
    all.extend(&own);
    let seen = Seen { all, key, now: event.counted() };
    match &of.agg {
        Agg::Speed(lat, lon) => seen.speed(of.window, place(&sees, *lat, *lon)),
        agg => seen.read(agg, of.window),
    }
}

/// The baseline of a count, in place.
pub(crate) fn usual(past: &Past<'_>, base: usize, weeks: i64, figure: Figure, event: &Happened) -> Read {
    let of = &past.world.features[base];
    let Some(key) = key(&Sees::fields(past.world, event), of) else {
        return Read::exact(None);
    };
    let seen = Seen { all: past.sightings(base).collect(), key, now: event.counted() };
    seen.baseline(of.window.unwrap(), weeks, figure)
}

/// Everything that was counted, and what is asked.
struct Seen<'a> {
    all: Vec<&'a Sighting>,
    key: Vec<V>,
    now: i64,
}

impl<'a> Seen<'a> {
    /// The greatest time there is.
    fn latest(&self) -> i64 {
        self.all.iter().map(|s| s.time).fold(self.now, i64::max)
    }

    /// Under the key, in the window.
    fn inside(&self, w: i64) -> Vec<&'a Sighting> {
        let (from, to) = (tail(w, self.latest()), tile(w, self.now));
        self.of_key(|s| (from..=to).contains(&tile(w, s.time)))
    }

    /// Under the key, in the window or after it; without a window always.
    fn since(&self, w: Option<i64>) -> Vec<&'a Sighting> {
        let latest = self.latest();
        self.of_key(|s| w.is_none_or(|w| tile(w, s.time) >= tail(w, latest)))
    }

    fn of_key(&self, lies: impl Fn(&Sighting) -> bool) -> Vec<&'a Sighting> {
        self.all.iter().copied().filter(|s| s.key == self.key && lies(s)).collect()
    }

    fn amounts(&self, w: i64) -> Vec<i64> {
        let amount = |s: &Sighting| if let What::Amount(n) = s.what { n } else { unreachable!() };
        self.inside(w).into_iter().map(amount).collect()
    }

    fn read(&self, agg: &Agg, window: Option<i64>) -> Read {
        let w = window.unwrap_or(0);
        let count = || self.inside(w).len();
        Read::exact(match agg {
            Agg::Count => Some(V::I(count() as i64)),
            Agg::Seen => Some(V::B(count() > 0)),
            Agg::Rate => Some(V::N(count() as f64 / (w as f64 / 1e6))),
            Agg::FirstSeen => self.first_seen(window).map(V::At),
            Agg::Ratio(_) => {
                let marked = self.inside(w).iter().filter(|s| matches!(s.what, What::Mark(true))).count();
                (count() > 0).then(|| V::N(marked as f64 / count() as f64))
            }
            Agg::Distinct(..) => Some(V::I(self.different(w))),
            Agg::Last(..) => self.newest(window),
            Agg::Sum(_, kind) => {
                let total: i128 = self.amounts(w).into_iter().map(i128::from).sum();
                i64::try_from(total).ok().map(|total| whole(*kind, total))
            }
            Agg::Min(_, kind) => self.amounts(w).into_iter().min().map(|n| whole(*kind, n)),
            Agg::Max(_, kind) => self.amounts(w).into_iter().max().map(|n| whole(*kind, n)),
            Agg::Mean(_, kind) => return self.mean(w, *kind),
            Agg::Quantile(_, kind, q) => return self.quantile(w, *kind, *q),
            Agg::Sequence { times, within, .. } => Some(V::I(self.completed(w, *times, *within))),
            Agg::Speed(..) | Agg::Baseline(..) => unreachable!("they are asked otherwise"),
        })
    }

    fn different(&self, w: i64) -> i64 {
        let mut items: Vec<&V> = Vec::new();
        for s in self.since(Some(w)) {
            if let What::Value(v) = &s.what
                && !items.contains(&v)
            {
                items.push(v);
            }
        }
        items.len() as i64
    }

    /// Of equal times the one that came last; a long text was not kept, and nothing is known then.
    fn newest(&self, window: Option<i64>) -> Option<V> {
        let last = self.since(window).into_iter().max_by_key(|s| s.time)?;
        match &last.what {
            What::Value(V::T(text)) if text.len() > HELD => None,
            What::Value(v) => Some(v.clone()),
            _ => unreachable!(),
        }
    }

    /// Unknown where the sum is.
    fn mean(&self, w: i64, kind: K) -> Read {
        let amounts = self.amounts(w);
        let total: i128 = amounts.iter().map(|n| i128::from(*n)).sum();
        let total = i64::try_from(total).ok().filter(|_| !amounts.is_empty());
        let mean = total.map(|total| total as f64 / amounts.len() as f64);
        let value = mean.and_then(|mean| between(kind, mean));
        Read { value, slack: mean.map_or(0.0, |mean| mean.abs() * 1e-12) }
    }

    /// The amount of the nearest rank, to a 128th.
    fn quantile(&self, w: i64, kind: K, q: u16) -> Read {
        let mut amounts = self.amounts(w);
        amounts.sort_unstable();
        let rank = ceil(amounts.len() as i128 * i128::from(q), 1000).max(1) as usize;
        let Some(truth) = amounts.get(rank - 1).map(|n| *n as f64) else {
            return Read::exact(None);
        };
        let scale = if matches!(kind, K::Number | K::Rate) { 1e6 } else { 1.0 };
        let rounding = if matches!(kind, K::Size | K::Span) { 0.5 } else { 0.0 };
        if truth.abs() > 9.1e18 {
            // By a 128th it may or may not lie beyond what a whole quantity can be.
            return Read { value: None, slack: f64::INFINITY };
        }
        Read { value: between(kind, truth), slack: (truth.abs() / 128.0) / scale + rounding }
    }

    /// Lives through it all again: a key is forgotten when the clock leaves its newest sighting behind.
    fn first_seen(&self, window: Option<i64>) -> Option<i64> {
        let Some(w) = window else {
            return self.since(None).iter().map(|s| s.time).min();
        };
        let mut clock = i64::MIN;
        let mut run: Vec<i64> = Vec::new();
        let live = |time: i64, clock: i64| tile(w, time) >= tail(w, clock);
        for s in &self.all {
            clock = clock.max(s.time);
            if !run.iter().any(|time| live(*time, clock)) {
                run.clear();
            }
            if s.key == self.key && live(s.time, clock) {
                run.push(s.time);
            }
        }
        let known = run.iter().any(|time| live(*time, clock.max(self.now)));
        run.into_iter().min().filter(|_| known)
    }

    /// Lives through it all again: what ends a sequence with enough first steps before it completes one.
    fn completed(&self, w: i64, times: u32, within: i64) -> i64 {
        let mut clock = i64::MIN;
        let (mut firsts, mut done): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
        for s in &self.all {
            clock = clock.max(s.time);
            let What::Steps(first, then) = s.what else { unreachable!() };
            if s.key != self.key {
                continue;
            }
            let (from, to) = (tail(within, clock), tile(within, s.time));
            let before = firsts.iter().filter(|time| (from..=to).contains(&tile(within, **time))).count();
            if then && before >= times as usize {
                done.push(s.time);
            }
            if first {
                firsts.push(s.time);
            }
        }
        let (from, to) = (tail(w, self.latest()), tile(w, self.now));
        done.iter().filter(|time| (from..=to).contains(&tile(w, **time))).count() as i64
    }

    /// The mean and the spread of the counts at this hour of past weeks, and how many weeks those are.
    fn baseline(&self, span: i64, weeks: i64, figure: Figure) -> Read {
        let counts = self.weeks(span.into(), weeks);
        if figure == Figure::Weeks {
            return Read::exact(Some(V::I(counts.len() as i64)));
        }
        if counts.is_empty() {
            return Read::exact(None);
        }
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let square = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / n;
        let value = if figure == Figure::Mean { mean } else { square.sqrt() };
        Read { value: Some(V::N(value)), slack: 1e-7 * (1.0 + mean) }
    }

    /// The counts of the weeks that are known, scaled to the span.
    fn weeks(&self, span: i128, weeks: i64) -> Vec<f64> {
        let over = WEEK * i128::from(weeks);
        let hour = |time: i128| floor(time, HOUR);
        let Some(began) = self.all.first().map(|s| hour(s.time.into())) else {
            return Vec::new();
        };
        let n = ceil(span, HOUR).max(1);
        let kept = hour(i128::from(self.latest()) - over) - n + 1;
        let count = |week: i128| {
            let to = hour(i128::from(self.now) - WEEK * week);
            let from = to - n + 1;
            let seen = self.of_key(|s| (from..=to).contains(&hour(s.time.into()))).len();
            (from >= began && from >= kept).then_some(seen as f64 * span as f64 / (n * HOUR) as f64)
        };
        (1..=i128::from(weeks)).filter_map(count).collect()
    }

    /// From the last place to here, in kilometres an hour.
    fn speed(&self, window: Option<i64>, here: Option<(f64, f64)>) -> Read {
        let last = self.since(window).into_iter().max_by_key(|s| s.time).filter(|s| s.time <= self.now);
        let (Some(last), Some(here)) = (last, here) else {
            return Read::exact(None);
        };
        let What::Place(lat, lon) = last.what else { unreachable!() };
        let hours = ((self.now - last.time) as f64 / 3.6e9).max(1.0 / 3600.0);
        let km = distance((lat, lon), here);
        Read { value: Some(V::N(km / hours)), slack: (1e-3 + km * 1e-6) / hours }
    }
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
