// SPDX-License-Identifier: Apache-2.0
//! What is added up, for every group at once: one column of states for each aggregate.
//!
//! Whatever order events come in, and however they are shared out among threads, the same comes of them: sums are exact, the
//! first and last are by time and number, and what is estimated depends on the values alone.

use super::cells::{Cells, read};
use super::distinct::Distinct;
use super::exact::Exact;
use super::limits;
use super::quantile::Quantile;
use arrow_array::ArrayRef;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use wardroom_event::{Micros, Span, Type, Value};
use wardroom_policy::query::Fold;

/// One aggregate over all groups.
pub(super) struct Tally {
    fold: Fold,
    /// The type of what is added up.
    of: Type,
    states: States,
    hash: SipHasher13,
    scratch: Vec<u8>,
    /// For how many events what is added up was unknown.
    pub(super) unknown: u64,
}

enum States {
    Count(Vec<u64>),
    /// For how many it holds, and for how many it is known.
    Truths(Vec<(u64, u64)>),
    /// A sum of whole things, and of how many.
    Whole(Vec<(i128, u64)>),
    Real(Vec<(Exact, u64)>),
    /// The least or greatest.
    WholeEnd(Vec<Option<i64>>),
    RealEnd(Vec<Option<f64>>),
    Taken(Vec<Option<Box<Taken>>>),
    Distinct(Vec<Distinct>),
    Quantile(Vec<Quantile>),
}

/// A value with its place in the order of events.
#[derive(Clone)]
struct Taken {
    at: (i64, u64),
    bytes: Box<[u8]>,
}

/// Which rows are added to which groups, and when those happened.
pub(super) struct Rows<'a> {
    /// The rows, ascending.
    pub(super) rows: &'a [u32],
    /// The group of each.
    pub(super) groups: &'a [u32],
    /// Of the whole batch.
    pub(super) times: &'a [i64],
    /// Likewise.
    pub(super) seqs: &'a [u64],
}

impl Tally {
    /// No group yet. `secret` keys the hashes of what is told apart.
    pub(super) fn new(fold: Fold, of: Type, secret: [u8; 16]) -> Tally {
        let whole = !matches!(of, Type::Number | Type::Rate);
        let states = match fold {
            Fold::Count => States::Count(Vec::new()),
            Fold::Holds | Fold::Share => States::Truths(Vec::new()),
            Fold::Sum | Fold::Mean if whole => States::Whole(Vec::new()),
            Fold::Sum | Fold::Mean => States::Real(Vec::new()),
            Fold::Min | Fold::Max if whole => States::WholeEnd(Vec::new()),
            Fold::Min | Fold::Max => States::RealEnd(Vec::new()),
            Fold::First | Fold::Last => States::Taken(Vec::new()),
            Fold::Distinct => States::Distinct(Vec::new()),
            Fold::Quantile(_) => States::Quantile(Vec::new()),
        };
        Tally { fold, of, states, hash: SipHasher13::new_with_key(&secret), scratch: Vec::new(), unknown: 0 }
    }

    /// A tally of the same, without groups.
    pub(super) fn fresh(&self) -> Tally {
        let mut fresh = Tally::new(self.fold, self.of, [0; 16]);
        fresh.hash = self.hash;
        fresh
    }

    /// Bytes that one more group takes.
    pub(super) fn each(&self) -> usize {
        match &self.states {
            States::Count(_) => size_of::<u64>(),
            States::Truths(_) => size_of::<(u64, u64)>(),
            States::Whole(_) => size_of::<(i128, u64)>(),
            // Most sums need one run.
            States::Real(_) => size_of::<(Exact, u64)>() + size_of::<(i16, i128)>() * 4,
            States::WholeEnd(_) => size_of::<Option<i64>>(),
            States::RealEnd(_) => size_of::<Option<f64>>(),
            States::Taken(_) => size_of::<Option<Box<Taken>>>() + size_of::<Taken>(),
            States::Distinct(_) => size_of::<Distinct>(),
            States::Quantile(_) => size_of::<Quantile>(),
        }
    }

    /// For how many groups there is room.
    pub(super) fn groups(&self) -> usize {
        match &self.states {
            States::Count(all) => all.len(),
            States::Truths(all) => all.len(),
            States::Whole(all) => all.len(),
            States::Real(all) => all.len(),
            States::WholeEnd(all) => all.len(),
            States::RealEnd(all) => all.len(),
            States::Taken(all) => all.len(),
            States::Distinct(all) => all.len(),
            States::Quantile(all) => all.len(),
        }
    }

    /// Makes room for groups up to this number.
    pub(super) fn grow(&mut self, groups: usize) {
        match &mut self.states {
            States::Count(all) => all.resize(groups, 0),
            States::Truths(all) => all.resize(groups, (0, 0)),
            States::Whole(all) => all.resize(groups, (0, 0)),
            States::Real(all) => all.resize_with(groups, Default::default),
            States::WholeEnd(all) => all.resize(groups, None),
            States::RealEnd(all) => all.resize(groups, None),
            States::Taken(all) => all.resize(groups, None),
            States::Distinct(all) => all.resize_with(groups, Default::default),
            States::Quantile(all) => all.resize_with(groups, Default::default),
        }
    }

    /// Adds rows of a batch; how many bytes more are held.
    pub(super) fn add(&mut self, rows: &Rows<'_>, array: Option<&ArrayRef>) -> usize {
        let pairs = rows.rows.iter().map(|row| *row as usize).zip(rows.groups.iter().map(|g| *g as usize));
        if let States::Count(all) = &mut self.states {
            pairs.for_each(|(_, group)| all[group] += 1);
            return 0;
        }
        let Some(array) = array else { return 0 };
        let cells = &Cells::of(array);
        let mut unknown = 0u64;
        let grown = match &mut self.states {
            States::Count(_) => 0,
            States::Truths(all) => known(
                pairs,
                |row| cells.truth(row),
                &mut unknown,
                |group, truth| {
                    all[group].0 += u64::from(truth);
                    all[group].1 += 1;
                    0
                },
            ),
            States::Whole(all) => known(
                pairs,
                |row| cells.whole(row),
                &mut unknown,
                |group, n| {
                    all[group].0 += i128::from(n);
                    all[group].1 += 1;
                    0
                },
            ),
            States::Real(all) => known(
                pairs,
                |row| cells.number(row),
                &mut unknown,
                |group, n| {
                    all[group].0.add(n);
                    all[group].1 += 1;
                    0
                },
            ),
            States::WholeEnd(all) => {
                let pick = if self.fold == Fold::Min { i64::min } else { i64::max };
                known(
                    pairs,
                    |row| cells.whole(row),
                    &mut unknown,
                    |group, n| {
                        all[group] = Some(all[group].map_or(n, |held| pick(held, n)));
                        0
                    },
                )
            }
            States::RealEnd(all) => {
                let pick = if self.fold == Fold::Min { f64::min } else { f64::max };
                known(
                    pairs,
                    |row| cells.number(row).map(|n| n + 0.0),
                    &mut unknown,
                    |group, n| {
                        all[group] = Some(all[group].map_or(n, |held| pick(held, n)));
                        0
                    },
                )
            }
            States::Quantile(all) => {
                known(pairs, |row| cells.number(row), &mut unknown, |group, n| all[group].see(n))
            }
            States::Distinct(all) => {
                let (scratch, hash) = (&mut self.scratch, &self.hash);
                let hashed = |row: usize| {
                    scratch.clear();
                    cells.write(row, scratch);
                    let mut state = *hash;
                    state.write(scratch);
                    cells.is_known(row).then(|| state.finish())
                };
                known(pairs, hashed, &mut unknown, |group, hash| all[group].see(hash))
            }
            States::Taken(all) => {
                let (scratch, last) = (&mut self.scratch, self.fold == Fold::Last);
                let place =
                    |row: usize| cells.is_known(row).then(|| (row, (rows.times[row], rows.seqs[row])));
                known(pairs, place, &mut unknown, |group, (row, at)| {
                    scratch.clear();
                    cells.write(row, scratch);
                    take(&mut all[group], at, scratch, last)
                })
            }
        };
        self.unknown += unknown;
        grown
    }

    /// Adds the state that another has for one of its groups.
    pub(super) fn absorb(&mut self, group: usize, other: &Tally, from: usize) -> usize {
        let last = self.fold == Fold::Last;
        let least = self.fold == Fold::Min;
        match (&mut self.states, &other.states) {
            (States::Count(all), States::Count(others)) => all[group] += others[from],
            (States::Truths(all), States::Truths(others)) => {
                all[group].0 += others[from].0;
                all[group].1 += others[from].1;
            }
            (States::Whole(all), States::Whole(others)) => {
                all[group].0 += others[from].0;
                all[group].1 += others[from].1;
            }
            (States::Real(all), States::Real(others)) => {
                all[group].0.absorb(&others[from].0);
                all[group].1 += others[from].1;
            }
            (States::WholeEnd(all), States::WholeEnd(others)) => {
                let pick = if least { i64::min } else { i64::max };
                all[group] = joined(all[group], others[from], pick);
            }
            (States::RealEnd(all), States::RealEnd(others)) => {
                let pick = if least { f64::min } else { f64::max };
                all[group] = joined(all[group], others[from], pick);
            }
            (States::Taken(all), States::Taken(others)) => {
                if let Some(other) = &others[from] {
                    return take(&mut all[group], other.at, &other.bytes, last);
                }
            }
            (States::Distinct(all), States::Distinct(others)) => return all[group].absorb(&others[from]),
            (States::Quantile(all), States::Quantile(others)) => return all[group].absorb(&others[from]),
            _ => debug_assert!(false, "tallies of two kinds"),
        }
        0
    }

    /// What came of a group; of none, what comes of no event at all.
    pub(super) fn value(&self, group: Option<usize>) -> Value {
        let Some(at) = group else {
            return match self.fold {
                Fold::Count | Fold::Holds | Fold::Distinct => Value::Int(0),
                _ => Value::Missing,
            };
        };
        let whole = |n: i128| i64::try_from(n).map_or(Value::Missing, |n| typed(self.of, n));
        let count = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        match (&self.states, self.fold) {
            (States::Count(all), _) => count(all[at]),
            (States::Truths(all), Fold::Holds) => count(all[at].0),
            (States::Truths(all), _) => number(share(all[at].0, all[at].1)),
            (States::Whole(all), _) if all[at].1 == 0 => Value::Missing,
            (States::Whole(all), Fold::Sum) => whole(all[at].0),
            (States::Whole(all), _) if self.of == Type::Int => {
                number(Some(all[at].0 as f64 / all[at].1 as f64))
            }
            (States::Whole(all), _) => whole(rounded(all[at].0, i128::from(all[at].1))),
            (States::Real(all), _) if all[at].1 == 0 => Value::Missing,
            (States::Real(all), Fold::Sum) => number(all[at].0.value()),
            (States::Real(all), _) => number(all[at].0.value().map(|sum| sum / all[at].1 as f64)),
            (States::WholeEnd(all), _) => all[at].map_or(Value::Missing, |n| typed(self.of, n)),
            (States::RealEnd(all), _) => number(all[at]),
            (States::Taken(all), _) => {
                let read = |taken: &Taken| read(self.of, &taken.bytes).map(|(value, _)| value);
                all[at].as_deref().and_then(read).unwrap_or(Value::Missing)
            }
            (States::Distinct(all), _) => Value::Int(all[at].count()),
            (States::Quantile(all), Fold::Quantile(share)) => self.quantile(all[at].at(share)),
            (States::Quantile(_), _) => Value::Missing,
        }
    }

    fn quantile(&self, n: Option<f64>) -> Value {
        match (self.of, n) {
            (_, None) => Value::Missing,
            (Type::Number | Type::Rate, n) => number(n),
            // A double holds whole numbers up to 2^53: microseconds of 285 years.
            (of, Some(n)) => typed(of, n.round() as i64),
        }
    }

    /// How far an estimate among these groups may be off, as a share; none where all are exact.
    pub(super) fn error(&self) -> Option<f64> {
        match &self.states {
            States::Distinct(all) => all.iter().any(Distinct::is_estimate).then_some(limits::DISTINCT_ERROR),
            States::Quantile(all) => all.iter().any(Quantile::is_estimate).then_some(limits::QUANTILE_ERROR),
            _ => None,
        }
    }
}

/// Adds what is known, and counts what is not.
fn known<T>(
    pairs: impl Iterator<Item = (usize, usize)>,
    mut of: impl FnMut(usize) -> Option<T>,
    unknown: &mut u64,
    mut add: impl FnMut(usize, T) -> usize,
) -> usize {
    let mut grown = 0;
    for (row, group) in pairs {
        match of(row) {
            Some(value) => grown += add(group, value),
            None => *unknown += 1,
        }
    }
    grown
}

/// Takes a value where it is earlier or later than the one held.
fn take(held: &mut Option<Box<Taken>>, at: (i64, u64), bytes: &[u8], last: bool) -> usize {
    let wins = held.as_ref().is_none_or(|held| if last { at > held.at } else { at < held.at });
    if !wins {
        return 0;
    }
    let before = held.as_ref().map_or(0, |held| held.bytes.len());
    *held = Some(Box::new(Taken { at, bytes: bytes.into() }));
    bytes.len().saturating_sub(before)
}

fn joined<T: Copy>(a: Option<T>, b: Option<T>, pick: fn(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (a, b) => a.or(b),
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Half away from zero.
fn rounded(sum: i128, count: i128) -> i128 {
    let half = if sum < 0 { -(count / 2) } else { count / 2 };
    (sum + half) / count
}

fn number(n: Option<f64>) -> Value {
    n.filter(|n| n.is_finite()).map_or(Value::Missing, Value::Number)
}

/// A whole quantity as a value of its type.
fn typed(kind: Type, n: i64) -> Value {
    match kind {
        Type::Time => Value::Time(Micros(n)),
        Type::Duration => Value::Duration(Span(n)),
        _ => Value::Int(n),
    }
}
