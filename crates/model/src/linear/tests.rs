// SPDX-License-Identifier: Apache-2.0
//! The linear model: it learns, and unlearns to the bit.

use super::*;
use crate::example::Writer;
use proptest::prelude::*;

fn example(words: &[u16]) -> Example {
    let mut writer = Writer::new(1);
    words.iter().for_each(|word| writer.token(0, "word", &word.to_le_bytes()));
    writer.finish().0
}

fn learn(model: &mut Linear, example: &Example, abuse: bool) -> Delta {
    model.count(example, abuse);
    model.step(example, abuse, 1.0)
}

#[test]
fn what_is_told_apart_is_learned() {
    let mut model = Linear::new(0, 16);
    let (good, bad) = (example(&[1, 2, 3]), example(&[3, 4, 5]));
    assert_eq!(model.score(&good), None, "nothing is known yet");
    for _ in 0..50 {
        learn(&mut model, &good, false);
        learn(&mut model, &bad, true);
    }
    assert!(model.score(&good).unwrap() < -2.0 && model.score(&bad).unwrap() > 2.0);
    assert_eq!(model.score(&example(&[])), None);
    assert_eq!(model.score(&example(&[3])), None, "what both have alike says nothing");
    assert_eq!(model.score(&example(&[77])), None, "nor does what is new");
    let terms = model.terms(&bad, 9);
    assert!(terms.len() == 2 && terms.iter().all(|term| term.nats > 0.5), "{terms:?}");
    let sum: f64 = terms.iter().map(|term| term.nats).sum();
    assert!((sum - model.score(&bad).unwrap()).abs() < 1e-9, "terms add up to the score");
}

#[test]
fn a_step_goes_as_far_as_its_rate() {
    let mut model = Linear::new(0, 16);
    let one = example(&[1, 2, 3, 4]);
    learn(&mut model, &one, true);
    assert!((model.score(&one).unwrap() - RATE / 2.0).abs() < 1e-4);
}

#[test]
fn logarithms_are_close_at_every_size() {
    for number in (0..60).map(|bits| (1u64 << bits) + (1 << bits) / 3) {
        let exact = libm::log(number as f64) * RATIO_UNIT;
        assert!((f64::from(logarithm(number)) - exact).abs() < 2.5, "{number}");
    }
    assert_eq!(logarithm(0), 0);
}

proptest! {
    /// Whatever is learned before, between and after: taking one away leaves the counts of the others and the sum of what
    /// their steps added.
    #[test]
    fn unlearning_is_exact(
        steps in prop::collection::vec((prop::collection::vec(0u16..50, 0..20), any::<bool>()), 1..30),
        which in 0usize..30,
    ) {
        let which = which % steps.len();
        // Few places, so that tokens share them.
        let mut model = Linear::new(0, 8);
        let mut expect = Linear::new(0, 8);
        let mut undo = None;
        for (at, (words, abuse)) in steps.iter().enumerate() {
            let example = example(words);
            let delta = learn(&mut model, &example, *abuse);
            if at == which {
                undo = Some((example, *abuse, delta));
                continue;
            }
            expect.seen[usize::from(*abuse)] += u32::from(!words.is_empty());
            for &token in example.tokens(0) {
                let cell = &mut expect.cells[(token >> 24) as usize];
                cell.weight += delta.0;
                cell.seen[usize::from(*abuse)] += 1;
            }
        }
        let (example, abuse, delta) = undo.unwrap();
        model.unstep(&example, delta);
        model.uncount(&example, abuse);
        prop_assert!(model == expect);
    }

    /// One more example of a kind never turns a token against it: its ratio grows on that side.
    #[test]
    fn ratios_grow_with_what_is_counted(abuse in 0u32..5000, good in 0u32..5000, total in 5000u32..1_000_000) {
        let mut model = Linear::new(0, 8);
        model.seen = [total, total];
        let side = |abuse: u32, good: u32| {
            let square = model.square(Cell { weight: 0, seen: [good, abuse] });
            if abuse >= good { square } else { -square }
        };
        prop_assert!(side(abuse + 1, good) >= side(abuse, good));
        prop_assert!(side(abuse, good + 1) <= side(abuse, good));
        prop_assert_eq!(side(abuse, abuse), 0);
    }
}
