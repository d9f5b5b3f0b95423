// SPDX-License-Identifier: Apache-2.0
//! What a replay found, by the numbers of events: which rules fire on which, and what a whole policy answers.

use super::ask::Way;
use super::meta::{Meta, NONE};
use super::plan::Plan;
use super::rows::Journal;
use super::side::{Fire, Said, Side};
use super::way::Chosen;
use super::{BacktestError, Progress, limits};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wardroom_engine::{Active, Asked, Recount, Recounted, Take, judge, recount};
use wardroom_event::TypeId;
use wardroom_journal::Reader;
use wardroom_policy::{Missing, Piece, Row, Source, Tri, Verdict};

/// A set of numbers that lie close to each other.
#[derive(Default)]
pub(crate) struct Numbers {
    chunks: BTreeMap<u64, Box<[u64; 1024]>>,
}

impl Numbers {
    fn insert(&mut self, number: u64) {
        let chunk = self.chunks.entry(number >> 16).or_insert_with(|| Box::new([0; 1024]));
        chunk[(number >> 6) as usize & 1023] |= 1 << (number & 63);
    }

    fn contains(&self, number: u64) -> bool {
        let bits = self.chunks.get(&(number >> 16)).map(|chunk| chunk[(number >> 6) as usize & 1023]);
        bits.is_some_and(|bits| bits >> (number & 63) & 1 == 1)
    }
}

/// What a replay found.
pub(crate) struct Replayed {
    /// All events on which a rule fires.
    any: Numbers,
    /// By number of the rule: where it holds, where it fires since it is unknown, how often that is.
    rules: BTreeMap<usize, OfRule>,
    /// What a whole policy answers, from the first event on.
    verdicts: Option<(u64, Vec<u8>)>,
    pub(crate) done: Recounted,
}

#[derive(Default)]
pub(crate) struct OfRule {
    holds: Numbers,
    missing: Numbers,
    unknown: Numbers,
    /// Reasons of some events, for examples.
    sample: BTreeMap<u64, (u64, Vec<Piece>)>,
}

/// What a piece of the past gave.
#[derive(Default)]
struct Found {
    /// Number of the event, of the rule, whether for want of an input.
    fires: Vec<(u64, usize, bool)>,
    unknown: Vec<(u64, usize)>,
    verdicts: Vec<(u64, u8)>,
    reasons: Vec<(u64, usize, Vec<Piece>)>,
}

impl Replayed {
    /// Replays the rules that need it; `None` where none does.
    pub(crate) fn run(
        active: &Arc<Active>,
        rules: &[(usize, Chosen)],
        plan: &Plan,
        journal: &Journal,
        way: &Replays,
        progress: &Progress,
    ) -> Result<Option<Replayed>, BacktestError> {
        let replayed: Vec<&(usize, Chosen)> = rules.iter().filter(|(_, c)| c.way == Way::Replay).collect();
        if replayed.is_empty() {
            return Ok(None);
        }
        let asks = Recount {
            active: active.clone(),
            takes: takes(active, &replayed),
            from: plan.from,
            to: plan.to,
            recorded: way.recorded,
            as_served: true,
            through: way.through,
            threads: way.threads,
            most_bytes: way.most_bytes,
        };
        let reader = Reader::open(&journal.dir).map_err(|e| BacktestError::Rows(e.to_string()))?;
        let numbers: Vec<usize> = replayed.iter().map(|(number, _)| *number).collect();
        let see = |asked: &[Asked]| see(active, &numbers, plan.whole, asked);
        let mut made = Replayed {
            any: Numbers::default(),
            rules: numbers.iter().map(|number| (*number, OfRule::default())).collect(),
            verdicts: plan.whole.then(|| (0, Vec::new())),
            done: Recounted::default(),
        };
        let reader = reader.with_keys(&journal.keys);
        let mut too_many = false;
        let done = recount(&asks, journal.secret, reader, &progress.watch, see, |found| {
            too_many |= !made.take(found);
            progress.replayed(way.through);
        })?;
        if too_many {
            return Err(BacktestError::Ask("the period has too many events to be judged anew".to_owned()));
        }
        made.done = done;
        Ok(Some(made))
    }

    fn take(&mut self, found: Found) -> bool {
        for (seq, number, missing) in found.fires {
            self.any.insert(seq);
            let of = self.rules.entry(number).or_default();
            if missing { of.missing.insert(seq) } else { of.holds.insert(seq) }
        }
        for (seq, number) in found.unknown {
            self.rules.entry(number).or_default().unknown.insert(seq);
        }
        for (seq, number, pieces) in found.reasons {
            let sample = &mut self.rules.entry(number).or_default().sample;
            sample.insert(spread(seq), (seq, pieces));
            if sample.len() > limits::SAMPLE {
                sample.pop_last();
            }
        }
        let Some((first, verdicts)) = &mut self.verdicts else { return true };
        for (seq, verdict) in found.verdicts {
            if verdicts.is_empty() {
                *first = seq;
            }
            let at = seq - *first;
            if at >= limits::REPLAY_SEQS {
                return false;
            }
            verdicts.resize(at as usize, NONE as u8);
            verdicts.push(verdict);
        }
        true
    }

    /// Adds what fires on the rows of a batch, and how often rules are unknown.
    pub(crate) fn fires(
        &self,
        side: &Side<'_>,
        meta: &Meta<'_>,
        is_counted: &dyn Fn(usize) -> bool,
        said: &mut Said,
    ) {
        let rules = side.rules.iter().enumerate();
        let rules = rules.filter_map(|(place, ruled)| Some((place as u32, self.rules.get(&ruled.number)?)));
        let rules: Vec<(u32, &OfRule)> = rules.collect();
        for (row, seq) in meta.seq.iter().enumerate().filter(|(_, seq)| self.any.contains(**seq)) {
            for (rule, of) in &rules {
                let (holds, missing) = (of.holds.contains(*seq), of.missing.contains(*seq));
                if holds || missing {
                    said.fires.push(Fire { row: row as u32, rule: *rule, missing });
                }
            }
        }
        for (rule, of) in rules.iter().filter(|(_, of)| !of.unknown.chunks.is_empty()) {
            let unknown = meta
                .seq
                .iter()
                .enumerate()
                .filter(|(row, seq)| is_counted(*row) && of.unknown.contains(**seq));
            said.unknown[*rule as usize] = unknown.count() as u64;
        }
    }

    /// What the policy answers to the rows of a batch.
    pub(crate) fn verdicts(&self, _: TypeId, meta: &Meta<'_>) -> Option<Vec<u8>> {
        let (first, verdicts) = self.verdicts.as_ref()?;
        let of = |seq: &u64| seq.checked_sub(*first).and_then(|at| verdicts.get(at as usize)).copied();
        // Of events that no rule judges nothing was asked.
        let is_one = |verdict: &u8| usize::from(*verdict) != NONE;
        Some(meta.seq.iter().map(|seq| of(seq).filter(is_one).unwrap_or(Verdict::Allow as u8)).collect())
    }

    pub(crate) fn of_rule(&self, number: usize) -> Option<&OfRule> {
        self.rules.get(&number)
    }
}

impl OfRule {
    /// Its reason on an event, if that is among the sample.
    pub(crate) fn reason(&self, seq: u64) -> Option<&[Piece]> {
        self.sample.get(&spread(seq)).filter(|(of, _)| *of == seq).map(|(_, pieces)| &**pieces)
    }
}

/// How a replay is to be run.
pub(crate) struct Replays {
    pub(crate) recorded: bool,
    pub(crate) through: u64,
    pub(crate) threads: usize,
    pub(crate) most_bytes: usize,
}

/// A hash of an event's number (the finalizer of SplitMix64): those that hash lowest are spread evenly over the period.
pub(crate) fn spread(seq: u64) -> u64 {
    let z = (seq ^ (seq >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How each served value is come by: what the rules do not read is left out, and what is stored as it would be is taken.
fn takes(active: &Active, rules: &[&(usize, Chosen)]) -> Vec<Option<Vec<Take>>> {
    let program = &active.program;
    let mut takes: Vec<Option<Vec<Take>>> = vec![None; program.schema.len()];
    for (number, chosen) in rules {
        let kind = program.rules[*number].on;
        let serve = &program.plan(kind).serve;
        let of = takes[usize::from(kind.0)].get_or_insert_with(|| vec![Take::Skip; serve.len()]);
        for place in &chosen.reads.served {
            let anew = matches!(serve[*place].source, Source::Computed(_)) || chosen.anew.contains(place);
            if anew {
                of[*place] = Take::Anew;
            } else if of[*place] == Take::Skip {
                of[*place] = Take::Stored;
            }
        }
    }
    takes
}

fn see(active: &Active, numbers: &[usize], whole: bool, asked: &[Asked]) -> Found {
    let mut found = Found::default();
    let mut kept: BTreeMap<usize, BTreeMap<u64, u64>> = BTreeMap::new();
    for one in asked {
        // One event's fault must not take the others down.
        let _ =
            catch_unwind(AssertUnwindSafe(|| see_one(active, numbers, whole, one, &mut kept, &mut found)));
    }
    found
}

fn see_one(
    active: &Active,
    numbers: &[usize],
    whole: bool,
    one: &Asked,
    kept: &mut BTreeMap<usize, BTreeMap<u64, u64>>,
    found: &mut Found,
) {
    let program = &active.program;
    let row = Row::new(&one.event, &one.served, active);
    for number in numbers {
        let rule = &program.rules[*number];
        if rule.on != one.event.kind {
            continue;
        }
        let missing = match rule.holds(&row) {
            Tri::False => continue,
            Tri::True => false,
            Tri::Unknown => {
                found.unknown.push((one.seq, *number));
                if rule.missing == Missing::Nothing {
                    continue;
                }
                true
            }
        };
        if !rule.is_valid(one.event.counted_at()) {
            continue;
        }
        found.fires.push((one.seq, *number, missing));
        // Only what hashes lowest is worth its words.
        let (kept, hash) = (kept.entry(*number).or_default(), spread(one.seq));
        if kept.len() < limits::SAMPLE || kept.last_key_value().is_some_and(|(worst, _)| hash < *worst) {
            kept.insert(hash, one.seq);
            if kept.len() > limits::SAMPLE {
                kept.pop_last();
            }
            found.reasons.push((one.seq, *number, rule.because(&row)));
        }
    }
    if whole {
        let plan = program.plan(one.event.kind);
        found.verdicts.push((one.seq, judge(program, plan, &row, None).verdict as u8));
    }
}
