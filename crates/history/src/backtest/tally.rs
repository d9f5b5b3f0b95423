// SPDX-License-Identifier: Apache-2.0
//! Hits as they are counted, part by part. Parts are joined in their order, so a report is the same however many threads
//! there were.

use super::BacktestError;
use super::limits;
use super::meta::{CLASSES, Meta, NONE, OUTCOMES};
use super::replayed::{Replayed, spread};
use super::side::{Fire, Said, Side, strongest};
use arrow_array::RecordBatch;
use std::collections::{BTreeMap, HashMap};
use wardroom_event::{Type, Value};
use wardroom_policy::{Piece, Row, Verdict};

/// Events by outcome and class.
pub(crate) type Split = [[u64; CLASSES]; OUTCOMES];

/// What was counted.
#[derive(Clone)]
pub(crate) struct Tally {
    /// Events by what was answered.
    pub(crate) old: Split,
    /// Those for which something else would be answered: by what was, what would be, class.
    pub(crate) turned: [[[u64; CLASSES]; OUTCOMES]; OUTCOMES],
    pub(crate) rules: Vec<OfRule>,
    /// The numbers of these rules.
    pub(crate) reported: Vec<usize>,
    /// How often each rule of the past fired.
    pub(crate) others: HashMap<Box<str>, u64>,
    /// Hits of any of the rules, each event once, by class.
    pub(crate) any: [u64; CLASSES],
    /// Events that a replay could not reach.
    pub(crate) beyond: u64,
}

/// What was counted of one rule.
#[derive(Clone, Default)]
pub(crate) struct OfRule {
    pub(crate) holds: u64,
    pub(crate) missing: u64,
    pub(crate) unknown: u64,
    pub(crate) split: Split,
    pub(crate) appealed: u64,
    /// Hits on which nothing else had a say.
    pub(crate) alone: u64,
    /// By the rule of the same name that decided: how often it fired, and on how many of them this fires too.
    pub(crate) before: u64,
    pub(crate) both: u64,
    /// By hour, or by day.
    pub(crate) series: BTreeMap<i64, u64>,
    pub(crate) others: HashMap<Box<str>, u64>,
    /// By field: what it was, how often; how often it was one of those too many to be told apart.
    pub(crate) entities: BTreeMap<Box<str>, Counts>,
    pub(crate) sample: BTreeMap<u64, Sample>,
}

/// How often each value came, and how often one of those too many to be told apart.
pub(crate) type Counts = (HashMap<Box<str>, u64>, u64);

/// A hit that may become an example.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) seq: u64,
    pub(crate) time: i64,
    pub(crate) class: u8,
    pub(crate) old: u8,
    pub(crate) new: u8,
    pub(crate) missing: bool,
    pub(crate) fields: Vec<(Box<str>, Type, Value)>,
    pub(crate) because: Vec<Piece>,
}

/// What rows are held against.
pub(crate) struct Counting<'a> {
    pub(crate) side: &'a Side<'a>,
    /// The policy to compare with; what was decided where there is none.
    pub(crate) against: Option<&'a Side<'a>>,
    pub(crate) replayed: Option<&'a Replayed>,
    pub(crate) against_replayed: Option<&'a Replayed>,
    pub(crate) whole: bool,
    /// Whether rows count that were only recorded.
    pub(crate) recorded: bool,
    /// Ids under which what was decided names the rules of the report, with their places in it; without a place those
    /// that are gone.
    pub(crate) names: &'a HashMap<Box<str>, Option<usize>>,
    pub(crate) brief: bool,
    /// Microseconds of a step of the series.
    pub(crate) step: i64,
    /// The first record that a replay read.
    pub(crate) first: u64,
    /// The label that says that a decision was appealed.
    pub(crate) appealed: &'a str,
}

impl Tally {
    pub(crate) fn new(rules: &[usize]) -> Tally {
        Tally {
            old: Split::default(),
            turned: Default::default(),
            rules: vec![OfRule::default(); rules.len()],
            reported: rules.to_vec(),
            others: HashMap::new(),
            any: [0; CLASSES],
            beyond: 0,
        }
    }

    /// Counts a batch.
    pub(crate) fn batch(
        &mut self,
        counting: &Counting<'_>,
        batch: &RecordBatch,
    ) -> Result<(), BacktestError> {
        let meta = Meta::of(batch)?;
        let is_counted = |row: usize| {
            (meta.verdict[row] as usize != NONE || counting.recorded) && meta.seq[row] >= counting.first
        };
        let said = counting.side.say(batch, &meta, counting.replayed, &is_counted)?;
        let old = Old::of(counting, batch, &meta, &is_counted)?;
        for (place, unknown) in said.unknown.iter().enumerate() {
            if let Some(at) = counting.side.rules[place].at {
                self.rules[at].unknown += unknown;
            }
        }
        let mut fires = said.fires.iter().copied().peekable();
        let mut own: Vec<Fire> = Vec::new();
        for row in 0..meta.rows {
            own.clear();
            while let Some(fire) = fires.next_if(|fire| fire.row as usize == row) {
                own.push(fire);
            }
            if !is_counted(row) {
                self.beyond += u64::from(meta.seq[row] < counting.first);
                continue;
            }
            self.old[old.verdicts[row] as usize][meta.class[row] as usize] += 1;
            let signals = meta.signals.as_ref().is_some_and(|signals| signals.has(row));
            // In a whole policy's place nothing is taken from what was decided.
            let turns = counting.whole && Side::answered(&said, row).unwrap_or(0) != old.verdicts[row];
            if signals || turns || !own.is_empty() || old.has(row) {
                self.row(counting, &meta, &said, &old, row, &own);
            }
        }
        Ok(())
    }

    fn row(
        &mut self,
        counting: &Counting<'_>,
        meta: &Meta<'_>,
        said: &Said,
        old: &Old,
        row: usize,
        own: &[Fire],
    ) {
        let signals: Vec<(&str, u8, bool)> = old.signals(counting, meta, row);
        let named = |id: &str| counting.names.get(id).copied();
        let says = || own.iter().map(|fire| counting.side.speaks(said, meta, *fire));
        let (was, class) = (old.verdicts[row] as usize, meta.class[row] as usize);
        let is = match (counting.whole, Side::answered(said, row)) {
            (true, Some(answered)) => answered,
            (true, None) => strongest(says()),
            (false, _) if own.is_empty() && !signals.iter().any(|(id, ..)| named(id).is_some()) => was as u8,
            (false, _) => {
                let kept = signals.iter().filter(|(id, ..)| named(id).is_none());
                strongest(kept.map(|(_, verdict, says)| (*verdict, *says)).chain(says()))
            }
        };
        if is as usize != was {
            self.turned[was][is as usize][class] += 1;
        }
        for (id, ..) in &signals {
            let room = self.others.len() < limits::OTHERS;
            count(&mut self.others, id, room);
            if let Some(Some(at)) = named(id) {
                let fires = own.iter().any(|fire| counting.side.rules[fire.rule as usize].at == Some(at));
                self.rules[at].before += 1;
                self.rules[at].both += u64::from(fires);
            }
        }
        let reported = own.iter().filter(|fire| counting.side.rules[fire.rule as usize].at.is_some());
        self.any[class] += u64::from(reported.clone().next().is_some());
        for fire in reported {
            let hit = Hit { fire: *fire, was: was as u8, is, class, own, signals: &signals };
            self.hit(counting, meta, said, row, &hit);
        }
    }

    fn hit(&mut self, counting: &Counting<'_>, meta: &Meta<'_>, said: &Said, row: usize, hit: &Hit<'_>) {
        let side = counting.side;
        let Some(at) = side.rules[hit.fire.rule as usize].at else { return };
        let of = &mut self.rules[at];
        if hit.fire.missing {
            of.missing += 1
        } else {
            of.holds += 1
        }
        of.split[usize::from(hit.was)][hit.class] += 1;
        of.appealed += u64::from(meta.bears(row, counting.appealed));
        *of.series.entry(meta.time[row].div_euclid(counting.step)).or_default() += 1;
        let is_own = |id: &str| counting.names.get(id).copied().flatten() == Some(at);
        let others = hit.signals.iter().filter(|(id, ..)| !is_own(id));
        let mut alone = !others.clone().any(|(_, _, says)| *says);
        if counting.brief {
            of.alone += u64::from(alone);
            return;
        }
        others.for_each(|(id, ..)| count(&mut of.others, id, true));
        for other in hit.own.iter().filter(|other| other.rule != hit.fire.rule) {
            let id = &*side.rule(other.rule).id;
            if !hit.signals.iter().any(|(known, ..)| *known == id) {
                count(&mut of.others, id, true);
            }
            alone &= !side.speaks(said, meta, *other).1;
        }
        of.alone += u64::from(alone);
        let Some((event, served)) = side.row(meta, &said.rows, row) else { return };
        for (slot, name, kind) in side.entities() {
            let value = &event.values[slot];
            if value.is_missing() {
                continue;
            }
            let shown = value.show(kind, wardroom_event::Sight::Full);
            let (counts, more) = of.entities.entry(name.into()).or_default();
            let room = counts.len() < limits::ENTITIES;
            match counts.get_mut(&*shown) {
                Some(count) => *count += 1,
                None if room => drop(counts.insert(shown.into(), 1)),
                None => *more += 1,
            }
        }
        let hash = spread(meta.seq[row]);
        let is_kept = of.sample.len() < limits::SAMPLE
            || of.sample.last_key_value().is_some_and(|(worst, _)| hash < *worst);
        if !is_kept {
            return;
        }
        let rule = side.rule(hit.fire.rule);
        let number = side.rules[hit.fire.rule as usize].number;
        let replayed = counting.replayed.and_then(|r| r.of_rule(number)).map(|r| r.reason(meta.seq[row]));
        let because = match replayed {
            Some(reason) => reason.map(<[Piece]>::to_vec).unwrap_or_default(),
            None => rule.because(&Row::new(&event, &served, &**side.active)),
        };
        let fields = side
            .entities()
            .into_iter()
            .map(|(slot, name, kind)| (Box::from(name), kind, event.values[slot].clone()));
        let sample = Sample {
            seq: meta.seq[row],
            time: meta.time[row],
            class: hit.class as u8,
            old: hit.was,
            new: hit.is,
            missing: hit.fire.missing,
            fields: fields.filter(|(_, _, value)| !value.is_missing()).take(limits::EXAMPLE_FIELDS).collect(),
            because,
        };
        of.sample.insert(hash, sample);
        if of.sample.len() > limits::SAMPLE {
            of.sample.pop_last();
        }
    }

    /// Adds what another part counted.
    pub(crate) fn join(&mut self, other: Tally) {
        let add = |to: &mut Split, of: &Split| {
            to.iter_mut().flatten().zip(of.iter().flatten()).for_each(|(to, of)| *to += of);
        };
        add(&mut self.old, &other.old);
        self.turned.iter_mut().zip(&other.turned).for_each(|(to, of)| add(to, of));
        self.any.iter_mut().zip(other.any).for_each(|(to, of)| *to += of);
        self.beyond += other.beyond;
        for (id, more) in other.others {
            *self.others.entry(id).or_default() += more;
        }
        for (to, of) in self.rules.iter_mut().zip(other.rules) {
            add(&mut to.split, &of.split);
            to.holds += of.holds;
            to.missing += of.missing;
            to.unknown += of.unknown;
            to.appealed += of.appealed;
            to.alone += of.alone;
            to.before += of.before;
            to.both += of.both;
            of.series.into_iter().for_each(|(at, n)| *to.series.entry(at).or_default() += n);
            of.others.into_iter().for_each(|(id, n)| *to.others.entry(id).or_default() += n);
            for (field, (counts, more)) in of.entities {
                let (into, too_many) = to.entities.entry(field).or_default();
                *too_many += more;
                let mut counts: Vec<_> = counts.into_iter().collect();
                // The order of a hash map must not show in which are told apart.
                counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                for (value, n) in counts {
                    let room = into.len() < limits::ENTITIES;
                    match into.get_mut(&value) {
                        Some(count) => *count += n,
                        None if room => drop(into.insert(value, n)),
                        None => *too_many += n,
                    }
                }
            }
            to.sample.extend(of.sample);
            while to.sample.len() > limits::SAMPLE {
                to.sample.pop_last();
            }
        }
    }
}

fn count(counts: &mut HashMap<Box<str>, u64>, id: &str, room: bool) {
    match counts.get_mut(id) {
        Some(count) => *count += 1,
        None if room => drop(counts.insert(id.into(), 1)),
        None => {}
    }
}

/// A rule that fires on a row, and what else is so there.
struct Hit<'a> {
    fire: Fire,
    was: u8,
    is: u8,
    class: usize,
    own: &'a [Fire],
    signals: &'a [(&'a str, u8, bool)],
}

/// What stands against the policy that is tried: what was decided, or what another policy says.
struct Old {
    verdicts: Vec<u8>,
    said: Option<Said>,
}

impl Old {
    fn of(
        counting: &Counting<'_>,
        batch: &RecordBatch,
        meta: &Meta<'_>,
        is_counted: &dyn Fn(usize) -> bool,
    ) -> Result<Old, BacktestError> {
        let Some(side) = counting.against else {
            return Ok(Old { verdicts: meta.verdict.clone(), said: None });
        };
        let said = side.say(batch, meta, counting.against_replayed, is_counted)?;
        let mut verdicts = vec![Verdict::Allow as u8; meta.rows];
        let mut fires = &said.fires[..];
        while let Some(first) = fires.first() {
            let row = first.row;
            let (own, rest) = fires.split_at(fires.partition_point(|fire| fire.row == row));
            verdicts[row as usize] = strongest(own.iter().map(|fire| side.speaks(&said, meta, *fire)));
            fires = rest;
        }
        for (row, verdict) in verdicts.iter_mut().enumerate() {
            *verdict = Side::answered(&said, row).unwrap_or(*verdict);
        }
        Ok(Old { verdicts, said: Some(said) })
    }

    fn fires(&self, row: usize) -> &[Fire] {
        let Some(said) = &self.said else { return &[] };
        let begin = said.fires.partition_point(|fire| (fire.row as usize) < row);
        let end = said.fires.partition_point(|fire| fire.row as usize <= row);
        &said.fires[begin..end]
    }

    fn has(&self, row: usize) -> bool {
        !self.fires(row).is_empty()
    }

    /// The rules that fired on a row.
    fn signals<'a>(
        &'a self,
        counting: &Counting<'a>,
        meta: &'a Meta<'a>,
        row: usize,
    ) -> Vec<(&'a str, u8, bool)> {
        match (counting.against, &self.said) {
            (Some(side), Some(said)) => {
                let of = |fire: &Fire| {
                    let (verdict, says) = side.speaks(said, meta, *fire);
                    (&*side.rule(fire.rule).id, verdict, says)
                };
                self.fires(row).iter().map(of).collect()
            }
            _ => meta.signals.as_ref().map(|signals| signals.of_row(row).collect()).unwrap_or_default(),
        }
    }
}
