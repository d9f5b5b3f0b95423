// SPDX-License-Identifier: Apache-2.0
//! Snapshots of tables: taken piece by piece while counting goes on, loaded, and told the rest. Shards are small here, so
//! that few keys split them.

use super::*;
use crate::Unreadable;
use crate::{Item, limits};
use proptest::prelude::*;
use wardroom_event::{Span, Value};

const LIMITS: Limits = Limits { keys_per_table: 1 << 20, distinct_exact: 16 };
const WINDOW: i64 = 60_000_000;
const WEEK: i64 = limits::WEEK.0;

/// Bits that look like a hash's (SplitMix64).
fn spread(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Every kind of cell, with the length that time is measured in.
fn spec(kind: u8) -> (Spec, i64) {
    let span = |n: i64| Some(Span(n));
    let (kind, window) = match kind {
        0 => (Kind::Count, span(WINDOW)),
        1 => (Kind::Distinct, span(WINDOW)),
        2 => (Kind::FirstSeen, span(WINDOW)),
        3 => (Kind::FirstSeen, None),
        4 => (Kind::Sum, span(WINDOW)),
        5 => (Kind::Extreme { max: false }, span(WINDOW)),
        6 => (Kind::Last, span(WINDOW)),
        7 => (Kind::Ratio, span(WINDOW)),
        8 => (Kind::Quantile { q: 700 }, span(WINDOW)),
        9 => (Kind::Baseline { span: Span(3_600_000_000) }, span(2 * WEEK)),
        10 => (Kind::Speed, span(WINDOW)),
        _ => (Kind::Sequence { times: 2, within: Span(WINDOW / 3) }, span(WINDOW)),
    };
    let spec = Spec::new(kind, window).unwrap();
    (spec, spec.window().map_or(WINDOW, |window| window.0))
}

/// Counters of one table: one of every kind, and some over two windows.
fn specs(kind: u8) -> (Vec<Spec>, i64) {
    let over = |spec: Spec, times| Spec::new(spec.kind(), Some(Span(times * WINDOW))).unwrap();
    match kind.checked_sub(12) {
        None => (vec![spec(kind).0], spec(kind).1),
        Some(more) => {
            let (spec, _) = spec([0, 4, 8][usize::from(more)]);
            (vec![spec, over(spec, 6)], WINDOW)
        }
    }
}

/// A record of the journal: what it adds to a table, or that a table forgets.
#[derive(Clone, Copy, Debug)]
enum Record {
    /// Of which table, under which key, after how many thousandths of a window, what.
    Add(usize, u64, i64, u64),
    /// One late by so many thousandths.
    Late(usize, u64, i64, u64),
    Forget(usize),
}

/// What else happens: a pass begins, or a piece is taken, or it is given up.
#[derive(Clone, Copy, Debug)]
enum Step {
    Record(Record),
    Begin(bool),
    Piece,
    Abandon,
}

fn step() -> impl Strategy<Value = Step> {
    let add =
        (0..2usize, 0..150u64, prop_oneof![8 => 0..5i64, 2 => 0..100i64, 1 => 0..1500i64], any::<u64>());
    let busy = (0..2usize, 0..4u64, 0..3i64, any::<u64>());
    prop_oneof![
        40 => add.prop_map(|(table, key, by, what)| Step::Record(Record::Add(table, key, by, what))),
        30 => busy.prop_map(|(table, key, by, what)| Step::Record(Record::Add(table, key, by, what))),
        6 => (0..2usize, 0..150u64, 0..1500i64, any::<u64>())
            .prop_map(|(table, key, by, what)| Step::Record(Record::Late(table, key, by, what))),
        1 => (0..2usize).prop_map(|table| Step::Record(Record::Forget(table))),
        2 => any::<bool>().prop_map(Step::Begin),
        12 => Just(Step::Piece),
        1 => Just(Step::Abandon),
    ]
}

/// Tables that records are counted in.
struct Fold {
    tables: Tables,
    ids: Vec<TableId>,
    scales: Vec<i64>,
    now: Vec<i64>,
}

impl Fold {
    fn new(kinds: [u8; 2]) -> Fold {
        let mut tables = Tables::new(LIMITS);
        let (specs, scales): (Vec<_>, Vec<_>) = kinds.into_iter().map(specs).unzip();
        let ids = specs.iter().map(|specs| tables.add_tables(specs)[0].table()).collect();
        Fold { tables, ids, scales, now: vec![1_700_000_000_000_000; 2] }
    }

    /// The time and place of an addition, which a fold knows without counting it.
    fn time(&mut self, record: Record) -> i64 {
        match record {
            Record::Add(table, _, by, _) => {
                self.now[table] += by * self.scales[table] / 1000;
                self.now[table]
            }
            Record::Late(table, _, by, _) => self.now[table] - by * self.scales[table] / 1000,
            Record::Forget(_) => 0,
        }
    }

    fn fold(&mut self, record: Record) {
        let time = Micros(self.time(record));
        match record {
            Record::Add(table, key, _, what) | Record::Late(table, key, _, what) => {
                let id = self.ids[table];
                let text = Value::Text("x".repeat(what as usize % 300).into());
                let kind = self.tables.spec(id).kind();
                self.tables.add(id, Key(spread(key)), sighting(kind, what, &text), time);
            }
            Record::Forget(table) => self.tables.forget(self.ids[table]),
        }
    }
}

/// What a table of that kind is told. The first keys have many items.
fn sighting(kind: Kind, what: u64, text: &Value) -> Sighting<'_> {
    match kind {
        Kind::Count | Kind::FirstSeen | Kind::Baseline { .. } => Sighting::Plain,
        Kind::Distinct => Sighting::Item(Item(spread(what % 1000))),
        Kind::Sum | Kind::Extreme { .. } | Kind::Quantile { .. } => {
            Sighting::Amount((what >> (what % 60)) as i64)
        }
        Kind::Last => Sighting::Held(text),
        Kind::Ratio => Sighting::Mark(what.is_multiple_of(3)),
        Kind::Speed => Sighting::Place { lat: (what % 90) as f64 / 1.7, lon: (what % 180) as f64 / 1.3 },
        Kind::Sequence { .. } => Sighting::Steps { first: what % 5 < 4, then: what % 5 > 2 },
    }
}

/// A pass that was published.
#[derive(Clone, Default)]
struct Snapshot {
    /// The records before it.
    begin: usize,
    whole: bool,
    heads: Vec<Vec<u8>>,
    pieces: Vec<(usize, Vec<u8>)>,
    now: Vec<i64>,
}

/// Runs the steps; the records, the tables at the end, and every pass that came to its end.
fn run(kinds: [u8; 2], steps: &[Step]) -> (Vec<Record>, Fold, Vec<Snapshot>) {
    let mut fold = Fold::new(kinds);
    let (mut records, mut done) = (Vec::new(), Vec::new());
    let mut pass: Option<Snapshot> = None;
    for step in steps {
        match step {
            Step::Record(record) => {
                fold.fold(*record);
                records.push(*record);
            }
            Step::Begin(whole) if pass.is_none() => {
                let heads = fold.ids.iter().map(|id| {
                    let mut head = Vec::new();
                    fold.tables.head(*id, &mut head);
                    head
                });
                let heads = heads.collect();
                let whole = fold.tables.begin_pass(*whole);
                let now = fold.now.clone();
                pass = Some(Snapshot { begin: records.len(), whole, heads, pieces: Vec::new(), now });
            }
            Step::Begin(_) => (),
            Step::Abandon => {
                fold.tables.end_pass();
                pass = None;
            }
            Step::Piece => {
                let Some(snapshot) = &mut pass else { continue };
                let mut piece = Vec::new();
                match fold.tables.next_piece(records.len() as u64, &mut piece) {
                    Some(id) => {
                        let table = fold.ids.iter().position(|own| *own == id).unwrap();
                        snapshot.pieces.push((table, piece));
                    }
                    None => {
                        assert!(fold.tables.has_base());
                        done.extend(pass.take());
                    }
                }
            }
        }
    }
    (records, fold, done)
}

/// The last of some passes, loaded after those it is laid onto.
fn load(passes: &[Snapshot]) -> Fold {
    let first = passes.iter().rposition(|pass| pass.whole).unwrap();
    let mut tables = Tables::new(LIMITS);
    let (mut ids, mut now) = (Vec::new(), Vec::new());
    for pass in &passes[first..] {
        if pass.whole {
            ids = pass.heads.iter().map(|head| tables.load_head(head).unwrap()).collect();
        } else {
            for (id, head) in ids.iter().zip(&pass.heads) {
                tables.load_delta_head(*id, head).unwrap();
            }
        }
        for (table, piece) in &pass.pieces {
            tables.load_piece(ids[*table], piece).unwrap();
        }
        now.clone_from(&pass.now);
    }
    let scales = ids.iter().map(|id| tables.spec(*id).window().map_or(WINDOW, |window| window.0)).collect();
    Fold { tables, ids, scales, now }
}

/// That two say the same of all keys, now and later.
fn same(live: &mut Fold, loaded: &mut Fold) -> Result<(), TestCaseError> {
    for table in 0..2 {
        let (a, b) = (live.ids[table], loaded.ids[table]);
        for later in [0, 1, 300, 999, 1100] {
            let now = Micros(live.now[table] + later * live.scales[table] / 1000);
            for (key, window) in (0..150).flat_map(|key| [(key, 0), (key, live.tables.specs(a).len() - 1)]) {
                let key = Key(spread(key));
                let view = |table| View { table, window: window as u8 };
                let (a, b) = (view(a), view(b));
                prop_assert_eq!(live.tables.read(a, key, now), loaded.tables.read(b, key, now));
                let kind = live.tables.spec(a).kind();
                let with = sighting(kind, 7, &Value::Missing);
                prop_assert_eq!(
                    live.tables.read_with(a, key, with, now),
                    loaded.tables.read_with(b, key, with, now)
                );
            }
        }
        let (a, b) = (live.tables.stats(a), loaded.tables.stats(b));
        prop_assert_eq!((a.late_dropped, a.forgotten), (b.late_dropped, b.forgotten));
    }
    Ok(())
}

/// Sweeps everything, after which as many keys are there as can be seen.
fn swept(fold: &mut Fold) -> Vec<usize> {
    let ids = fold.ids.clone();
    let sweep = |id: TableId| {
        (0..2000).for_each(|_| _ = fold.tables.table_mut(id).tidy());
        fold.tables.stats(id).keys
    };
    ids.into_iter().map(sweep).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the passes and whenever their pieces were taken: loaded, and told every record since the pass began, the
    /// tables say what those say that were never written.
    #[test]
    fn a_snapshot_and_what_came_after_it_are_the_tables(
        kinds in [0..15u8, 0..15u8],
        steps in prop::collection::vec(step(), 50..900),
    ) {
        let (records, mut live, passes) = run(kinds, &steps);
        let first = passes.len().saturating_sub(3);
        for last in first..passes.len() {
            let mut loaded = load(&passes[..=last]);
            for (n, record) in records.iter().enumerate().skip(passes[last].begin) {
                loaded.tables.set_event(n as u64 + 1);
                loaded.fold(*record);
            }
            loaded.tables.set_event(0);
            same(&mut live, &mut loaded)?;
            if last + 1 == passes.len() {
                prop_assert_eq!(swept(&mut live), swept(&mut loaded));
                same(&mut live, &mut loaded)?;
                // They also go on alike, into other shards and past their generations.
                for record in &records {
                    live.fold(*record);
                    loaded.fold(*record);
                }
                same(&mut live, &mut loaded)?;
            }
        }
    }

    /// Loading what is no piece says so, or loads something; never does it fall over, nor does what is done after that.
    #[test]
    fn junk_is_refused_or_harmless(
        kind in 0..15u8,
        steps in prop::collection::vec(step(), 200..400),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..6),
        junk in prop::collection::vec(any::<u8>(), 0..200),
        pick in any::<prop::sample::Index>(),
    ) {
        let (records, mut live, _) = run([kind, kind], &steps);
        let (mut head, mut pieces) = (Vec::new(), Vec::new());
        live.tables.head(live.ids[0], &mut head);
        live.tables.begin_pass(true);
        let mut piece = Vec::new();
        while live.tables.next_piece(1, &mut piece).is_some() {
            pieces.push(std::mem::take(&mut piece));
        }
        let mut piece = pieces[pick.index(pieces.len())].clone();
        for (at, byte, what) in changes {
            mutate(&mut piece, at, byte, what);
            if byte % 8 == 0 {
                mutate(&mut head, at, byte / 8, what);
            }
        }
        for piece in [&piece, &junk, &[&[1, 1, 0][..], &junk].concat()] {
            let mut tables = Tables::new(LIMITS);
            let id = tables.load_head(&head).unwrap_or_else(|_| tables.add_tables(&specs(kind).0)[0].table());
            let _ = tables.load_piece(id, piece);
            prop_assert!(tables.bytes() < 600_000 + 300 * piece.len(), "{} for {}", tables.bytes(), piece.len());
            let mut fold = Fold { tables, ids: vec![id; 2], scales: vec![WINDOW; 2], now: live.now.clone() };
            records.iter().take(60).for_each(|record| fold.fold(*record));
            for key in 0..150 {
                let sighting = sighting(fold.tables.spec(id).kind(), 7, &Value::Missing);
                fold.tables.read_with(id, Key(spread(key)), sighting, Micros(fold.now[0]));
            }
            fold.tables.forget(id);
            fold.tables.begin_pass(true);
            while fold.tables.next_piece(2, &mut Vec::new()).is_some() {}
        }
    }
}

fn mutate(bytes: &mut Vec<u8>, at: prop::sample::Index, byte: u8, what: u8) {
    if bytes.is_empty() {
        return;
    }
    let at = at.index(bytes.len());
    match what {
        0 => bytes[at] = byte,
        1 => bytes.truncate(at),
        _ => bytes.insert(at, byte),
    }
}

#[test]
fn a_pass_is_a_delta_only_to_all_there_is() {
    let mut tables = Tables::new(LIMITS);
    let pass = |tables: &mut Tables, whole: bool| {
        let whole = tables.begin_pass(whole);
        let mut bytes = Vec::new();
        while tables.next_piece(1, &mut bytes).is_some() {}
        (whole, bytes.len() > 50)
    };
    let id = tables.add_table(spec(0).0);
    (0..5).for_each(|n| tables.add(id, Key(spread(n)), Sighting::Plain, Micros(0)));
    assert_eq!(pass(&mut tables, false), (true, true));
    assert_eq!(pass(&mut tables, false), (false, false), "nothing was touched");
    (0..5).for_each(|n| tables.add(id, Key(spread(n)), Sighting::Plain, Micros(0)));
    assert_eq!(pass(&mut tables, false), (false, true));
    assert_eq!(pass(&mut tables, true), (true, true));
    tables.begin_pass(false);
    tables.end_pass();
    assert_eq!((tables.has_base(), pass(&mut tables, false)), (false, (true, true)));
    assert!(tables.has_base());
    tables.begin_pass(false);
    tables.add_table(spec(1).0);
    assert_eq!((tables.next_piece(1, &mut Vec::new()), tables.has_base()), (None, false));
    assert!(tables.begin_pass(false));
}

/// Pieces are of the table they are loaded into, and of its version.
#[test]
fn what_cannot_be_loaded_is_said() {
    let mut tables = Tables::new(LIMITS);
    let [id, other] = [0, 1].map(|kind| tables.add_table(spec(kind).0));
    let mut head = Vec::new();
    tables.head(id, &mut head);
    assert_eq!(tables.load_delta_head(id, &head), Ok(()));
    assert_eq!(tables.load_delta_head(other, &head), Err(Unreadable::OtherTable));
    assert_eq!(tables.load_head(&[&head[..], &[0]].concat()), Err(Unreadable::Left(1)));
    assert_eq!(tables.load_head(&[9]), Err(Unreadable::Version(9)));
    assert_eq!(tables.load_piece(id, &[1]), Err(Unreadable::Cut("a byte")));
    assert_eq!(tables.load_piece(id, &[1, 1, 0, 0, 1, 0]), Err(Unreadable::No("shard")));
}
