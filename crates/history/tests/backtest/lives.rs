// SPDX-License-Identifier: Apache-2.0
//! A backtest of the policy in force over the events it judged finds what was decided, to the bit, by both ways: over random
//! policies that follow each other, random traffic with late events, warming, restarts, and labels and lists that rules set.

use crate::oracle::compare::{Stream, setting, stream};
use crate::support::{Data, NOON, wait};
use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch};
use std::collections::BTreeMap;
use wardroom_engine::{Engine, Origin, Stored, Work};
use wardroom_event::{Event, EventId, Micros, Sight, Span};
use wardroom_history::backtest::{
    Ask, BacktestError, Batches, Change, Journal, JournalRows, Measures, PastRows, Progress, Report, Rows,
    RuleReport, Setting, Want, Way, run,
};
use wardroom_policy::{Bundle, Piece};

/// How many lives are tried unless told otherwise.
const LIVES: u64 = 10;

fn bundle(stream: &Stream) -> Bundle {
    let mut bundle = Bundle::new();
    stream.policy.iter().for_each(|(path, text)| bundle.add(*path, text.clone()));
    bundle
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Policies come and go while events come, some only to be recorded; now and then the engine is opened again.
fn live(seed: u64, data: &Data, streams: &[Stream]) -> Vec<Stored> {
    let mut chance = Chance(seed);
    let mut engine = data.open(Some(bundle(&streams[0])));
    let mut at = vec![0; streams.len()];
    for turn in 0..6 {
        let which = chance.below(streams.len() as u64) as usize;
        engine.pause_warming(chance.below(3) > 0);
        wait(engine.swap(bundle(&streams[which]), Origin::Api, Micros(NOON.0 + turn))).unwrap();
        for _ in 0..chance.below(40) {
            let Some(event) = streams[which].events.get(at[which]) else { break };
            let id = EventId { source: which.to_string().into(), id: at[which].to_string().into() };
            at[which] += 1;
            let work = if chance.below(8) == 0 { Work::Record } else { Work::Decide };
            wait(engine.submit(vec![Event { id, ..event.clone() }], work)).unwrap();
            if chance.below(12) == 0 {
                engine.pause_warming(false);
            }
        }
        if chance.below(3) == 0 {
            wait(engine.close());
            drop(engine);
            engine = data.open(None);
        }
    }
    let all = everything(&engine);
    wait(engine.close());
    all
}

fn everything(engine: &Engine) -> Vec<Stored> {
    (1..=engine.status().seq).filter_map(|seq| engine.decision(seq).unwrap()).collect()
}

/// The rows of events that one policy judged.
struct Under<'j> {
    rows: Box<dyn Rows + 'j>,
    version: String,
}

impl Rows for Under<'_> {
    fn parts(&self, want: &Want) -> Result<Vec<Batches<'_>>, BacktestError> {
        let mut with_policy = want.clone();
        with_policy.columns.push("policy".into());
        with_policy.columns.dedup();
        let of_version = |batch: RecordBatch| {
            let versions = batch.column_by_name("policy").unwrap().as_string::<i32>().clone();
            let is_it = (0..versions.len()).map(|row| Some(versions.value(row) == self.version));
            let is_it: BooleanArray = is_it.collect();
            arrow_select::filter::filter_record_batch(&batch, &is_it).unwrap()
        };
        let parts = self.rows.parts(&with_policy)?;
        let part = |part: Batches<'_>| -> Vec<_> { part.map(|batch| batch.map(of_version)).collect() };
        Ok(parts.into_iter().map(part).map(|all| Box::new(all.into_iter()) as Batches<'_>).collect())
    }

    fn columns(&self, table: &str) -> Result<Vec<Box<str>>, BacktestError> {
        self.rows.columns(table)
    }

    fn last(&self) -> u64 {
        self.rows.last()
    }

    fn delays(&self, from: Micros, as_of: Micros) -> Result<Vec<Span>, BacktestError> {
        self.rows.delays(from, as_of)
    }
}

fn report<'j>(
    rows: impl Rows + 'j,
    journal: &'j Journal,
    version: &str,
    ask: &Ask,
    threads: usize,
) -> Report {
    let rows = Under { rows: Box::new(rows), version: version.to_owned() };
    let setting = Setting { threads, ..Setting::default() };
    let now = Micros(i64::MAX);
    let mut report = run(ask, &rows, journal, &setting, now, &Progress::default()).unwrap();
    report.took_ms = 0;
    report
}

/// What was decided under the policy comes out; gives how many hits that were.
fn same(report: &Report, there: &[&Stored], what: &str) -> u64 {
    assert_eq!(report.events.all, there.len() as u64, "{what}");
    let other: Vec<_> = report.rules.iter().filter(|rule| rule.before != rule.both).map(|r| &r.id).collect();
    assert_eq!(report.change.changed, 0, "{what}: {:?}, {other:?}", report.change.matrix);
    let mut verdicts = BTreeMap::new();
    for stored in there {
        *verdicts.entry(stored.judged.as_ref().unwrap().verdict as usize).or_insert(0) += 1;
    }
    for (at, row) in report.change.matrix.iter().enumerate() {
        assert_eq!(row[at], verdicts.get(&at).copied().unwrap_or(0), "{what}");
    }
    let mut hits = 0;
    // A draft never ran: what it would have done is in the report, and not on the record.
    for rule in report.rules.iter().filter(|rule| rule.mode != "draft" && rule.mode != "retired") {
        let signals = there.iter().filter_map(|stored| {
            let judged = stored.judged.as_ref().unwrap();
            judged.signals.iter().find(|signal| *signal.rule == *rule.id)
        });
        let fired = signals.count() as u64;
        // On each event on which it fired it fires, and on no other.
        let found = (rule.measures.hits.all, rule.before, rule.both);
        assert_eq!(found, (fired, fired, fired), "{what}, {}", rule.id);
        for example in &rule.examples {
            let stored = there.iter().find(|stored| stored.seq == example.seq).unwrap();
            let judged = stored.judged.as_ref().unwrap();
            let signal = judged.signals.iter().find(|signal| *signal.rule == *rule.id).unwrap();
            assert_eq!(example.because, Piece::join(&signal.because, Sight::Masked), "{what}, {}", rule.id);
            assert_eq!(example.was.as_deref(), Some(judged.verdict.name()));
        }
        hits += fired;
    }
    hits
}

/// What a report says of the past, but for which way it took and why.
fn of(report: Report) -> (Vec<RuleReport>, Change, Measures) {
    let rules = report.rules.into_iter().map(|mut rule| {
        (rule.way, rule.why) = (None, String::new());
        rule
    });
    (rules.collect(), report.change, report.together)
}

#[test]
fn the_past_comes_out_as_it_was_by_both_ways() {
    let (first, lives) = (setting("WARDROOM_SEED", 1), setting("WARDROOM_CASES", LIVES));
    let (mut decisions, mut hits) = (0, 0);
    for seed in first..first + lives {
        let streams: Vec<Stream> = (seed * 1000..).filter_map(stream).take(2).collect();
        let data = Data::new();
        let all = live(seed, &data, &streams);
        let journal = data.journal();
        let mut asked = Vec::new();
        let pasts = [data.past(0), data.past(1), data.past(2)];
        for stream in &streams {
            let bundle = bundle(stream);
            let version = bundle.version().to_string();
            let is_own = |stored: &&Stored| *stored.policy == *version && stored.judged.is_some();
            let there: Vec<&Stored> = all.iter().filter(is_own).collect();
            let files = bundle.files().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
            // Named, for a policy that is compared with itself reports on all of them anyhow.
            let ask = Ask { files: Some(files), ..Ask::default() };
            let ask = Ask { against: None, rules: None, ..ask };
            let by = |way, threads| {
                let rows = JournalRows::new(&journal, u64::MAX).unwrap();
                report(rows, &journal, &version, &Ask { way: Some(way), ..ask.clone() }, threads)
            };
            let columns = by(Way::Columns, 1);
            assert_eq!(columns.past.replayed, 0);
            hits += same(&columns, &there, &format!("seed {seed}, columns"));
            let replay = by(Way::Replay, 2);
            assert_eq!(replay.past.columns, 0);
            same(&replay, &there, &format!("seed {seed}, replay"));
            let expect = of(columns);
            assert_eq!(expect, of(replay), "seed {seed}: two ways, one answer");
            let ask = Ask { way: Some(Way::Columns), ..ask };
            for past in &pasts {
                let found = report(PastRows::new(past, u64::MAX), &journal, &version, &ask, 2);
                same(&found, &there, &format!("seed {seed}, from files"));
                assert_eq!(of(found), expect, "seed {seed}: journal and files, one answer");
            }
            decisions += there.len();
            asked.push((version, ask, there, expect));
        }
        // The files outlast the journal.
        drop(pasts);
        data.cut(u64::MAX);
        let past = data.past(2);
        for (version, ask, there, expect) in asked {
            let found = report(PastRows::new(&past, u64::MAX), &journal, &version, &ask, 2);
            same(&found, &there, &format!("seed {seed}, without the journal"));
            assert_eq!(of(found), expect, "seed {seed}: files alone, the same answer");
        }
    }
    println!("{decisions} decisions, {hits} hits");
    assert!(lives < LIVES || decisions > 300 && hits > 100, "{decisions} decisions, {hits} hits");
}
