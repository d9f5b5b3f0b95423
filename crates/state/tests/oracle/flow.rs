// SPDX-License-Identifier: Apache-2.0
//! What happens in a case: one counter, and sightings that come in order, late, at once, and after leaps of the clock.

use proptest::prelude::*;
use wardroom_event::{Span, Value};
use wardroom_state::{Kind, Spec};

/// One event: where it is counted, when it happened, and what it brings for each kind of counter.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    pub(crate) key: u64,
    pub(crate) time: i64,
    pub(crate) item: u64,
    pub(crate) amount: i64,
    pub(crate) mark: bool,
    pub(crate) then: bool,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    pub(crate) value: Value,
}

/// How the events of a case lie in time.
#[derive(Clone, Copy, Debug)]
struct Flow {
    start: i64,
    /// Greatest step forward.
    step: i64,
    /// Greatest step back.
    back: i64,
    keys: u64,
    items: u64,
}

const DAY: i64 = 86_400_000_000;

fn spec() -> impl Strategy<Value = Spec> {
    let window = prop_oneof![1_000_000i64..5_000_000, Just(60_000_000), 3_600_000_000i64..DAY];
    let over = prop_oneof![Just(7 * DAY), Just(28 * DAY), 7 * DAY..60 * DAY];
    let span = prop_oneof![Just(3_600_000_000), 1_000_000..DAY, Just(DAY), Just(8 * DAY)];
    (0..14, window, over, span, any::<bool>(), 0u16..=1000, 1u32..6).prop_map(build)
}

type Draw = (i32, i64, i64, i64, bool, u16, u32);

fn build((kind, window, over, span, max, q, times): Draw) -> Spec {
    let (kind, window) = match kind {
        0 => (Kind::Count, Some(window)),
        1 => (Kind::Distinct, Some(window)),
        2 => (Kind::FirstSeen, Some(window)),
        3 => (Kind::FirstSeen, None),
        4 => (Kind::Sum, Some(window)),
        5 => (Kind::Extreme { max }, Some(window)),
        6 => (Kind::Last, Some(window)),
        7 => (Kind::Ratio, Some(window)),
        8 => (Kind::Quantile { q }, Some(window)),
        9 | 10 => (Kind::Baseline { span: Span(span) }, Some(over)),
        11 => (Kind::Speed, Some(window)),
        _ => {
            // Shorter, hardly shorter, the same, and longer than the window.
            let within = [window / 5, window - 1, window, 3 * window / 2][usize::from(q) % 4];
            (Kind::Sequence { times, within: Span(within.max(1_000_000)) }, Some(window))
        }
    };
    Spec::new(kind, window.map(Span)).unwrap()
}

/// Steps that are as often inside a tile as beyond a window.
fn flow(window: i64) -> impl Strategy<Value = Flow> {
    let start = prop_oneof![Just(0), Just(1_767_607_200_000_000i64), -1_000_000_000i64..1_000_000_000];
    let step = prop_oneof![Just(1), Just(window / 240), Just(window / 20), Just(window)];
    let back = prop_oneof![Just(0), Just(window / 30), Just(window / 2), Just(3 * window)];
    (start, step, back, 1u64..6, 1u64..60).prop_map(|(start, step, back, keys, items)| Flow {
        start,
        step,
        back,
        keys,
        items,
    })
}

/// Whole numbers, small and great of either sign.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![-5..5i64, -3_000_000..3_000_000i64, 0..9_000_000_000_000i64, any::<i64>()]
}

fn value() -> impl Strategy<Value = Value> {
    let text = |len: usize| Value::Text("é".repeat(len).into());
    prop_oneof![
        (0..9i64).prop_map(Value::Int),
        (0..10usize).prop_map(text),
        (126..130usize).prop_map(text),
        Just(Value::Missing),
    ]
}

/// A place, most often one of a few.
fn place() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        Just((52.52, 13.405)),
        Just((-33.8688, 151.2093)),
        (-90.0..=90.0, -180.0..=180.0),
        Just((90.5, 0.0)),
        Just((f64::NAN, 0.0)),
    ]
}

/// In order in the main, with equal times, late ones and some that stay behind for good.
fn happened(flow: Flow) -> impl Strategy<Value = Vec<Happened>> {
    let when = (0..flow.keys, 0..10, 0.0..1.0f64);
    let what = (0..flow.items, amount(), any::<bool>(), prop::bool::weighted(0.3), place(), value());
    prop::collection::vec((when, what), 1..250).prop_map(move |steps| {
        let mut now = flow.start;
        let place = |((key, move_by, part), (item, amount, mark, then, (lat, lon), value))| {
            let by = |most: i64| (most as f64 * part) as i64;
            let late = if move_by == 0 { by(flow.back) } else { 0 };
            match move_by {
                0 | 2 | 3 => (),
                1 => now -= by(flow.back),
                _ => now += by(flow.step),
            }
            Happened { key, time: now - late, item, amount, mark, then, lat, lon, value }
        };
        steps.into_iter().map(place).collect()
    })
}

/// Counters that differ in their windows alone: some whose tiles lie in each other's, some that are the same, some at odds.
/// Events lie in time as suits one of them.
pub(crate) fn several() -> impl Strategy<Value = (Vec<Spec>, Vec<Happened>)> {
    let minute = 60_000_000i64;
    let chain = prop_oneof![Just(1i64), Just(2), Just(6), Just(10), Just(60), Just(144), Just(1440)];
    let window = prop_oneof![4 => chain.prop_map(move |n| n * minute), 1 => minute / 7..3 * minute];
    let kind = prop_oneof![
        4 => Just(Kind::Count),
        2 => Just(Kind::Sum),
        1 => any::<bool>().prop_map(|max| Kind::Extreme { max }),
        1 => Just(Kind::Ratio),
        2 => (0u16..=1000).prop_map(|q| Kind::Quantile { q }),
        1 => Just(Kind::Last),
        1 => Just(Kind::Speed),
        1 => Just(Kind::Distinct),
        1 => Just(Kind::FirstSeen),
    ];
    (kind, prop::collection::vec(window, 1..6)).prop_flat_map(|(kind, windows)| {
        let specs: Vec<Spec> = windows.iter().map(|w| Spec::new(kind, Some(Span(*w))).unwrap()).collect();
        let flow = prop::sample::select(windows).prop_flat_map(flow);
        (Just(specs), flow.prop_flat_map(happened))
    })
}

pub(crate) fn case() -> impl Strategy<Value = (Spec, Vec<Happened>)> {
    spec().prop_flat_map(|spec| {
        let window = spec.window().map_or(60_000_000, |w| w.0);
        (Just(spec), flow(window).prop_flat_map(happened))
    })
}
