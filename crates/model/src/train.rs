// SPDX-License-Identifier: Apache-2.0
//! Training in batch: several passes over the examples, and cross-validation for fusion and bands.
//!
//! Examples of one group (a conversation, a campaign) lie in one fold: a model that has seen the question must not be held
//! against the answer. For each fold, models are trained without it and asked about it; fusion and bands are fitted to what
//! they said. Then models are trained on everything. Views are trained side by side, which changes nothing in any of them.

use std::thread;

use crate::bands::{Bands, Budget};
use crate::ensemble::{Ensemble, balance};
use crate::example::{Example, Layout};
use crate::fusion::{Fusion, Says};
use crate::limits::{FOLDS, PASSES, VIEWS};
use crate::linear::Linear;
use crate::number::Draws;

/// An example with what is true of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// What it shows.
    pub example: Example,
    /// Whether it is abuse.
    pub abuse: bool,
    /// What must not be torn apart: those of a conversation have the same number.
    pub group: u64,
}

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Passes over the examples, at most [`PASSES`].
    pub passes: usize,
    /// What bands are placed for.
    pub budget: Budget,
}

impl Default for Options {
    fn default() -> Self {
        Self { passes: 12, budget: Budget::default() }
    }
}

/// A trained model, and what it is worth.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Trained on all examples.
    pub ensemble: Ensemble,
    /// What views said of each example, in their order, when they had not learned it.
    pub says: Vec<(Says, bool)>,
    /// The same fused, by weights that were not fitted to it either.
    pub held_out: Vec<(f64, bool)>,
}

impl Trained {
    /// The same model and figures without one view's say, or with the say of that view alone: for ablations.
    #[must_use]
    pub fn masked(&self, examples: &[Labelled], keep: impl Fn(usize) -> bool, budget: Budget) -> Self {
        let mut says = self.says.clone();
        for (says, _) in &mut says {
            mask(says, &keep);
        }
        let mut ensemble = self.ensemble.clone();
        let held_out = settle(&mut ensemble, examples, &says, budget);
        for (view, weight) in ensemble.fusion.weights.iter_mut().enumerate() {
            *weight *= f64::from(u8::from(keep(view)));
        }
        Self { ensemble, says, held_out }
    }
}

fn mask(says: &mut Says, keep: impl Fn(usize) -> bool) {
    for (view, nats) in says.iter_mut().enumerate() {
        *nats = nats.filter(|_| keep(view));
    }
}

/// Fits fusion and bands to what views said, and says what that comes to.
fn settle(
    ensemble: &mut Ensemble,
    examples: &[Labelled],
    says: &[(Says, bool)],
    budget: Budget,
) -> Vec<(f64, bool)> {
    let held_out = cross_fuse(examples, says);
    ensemble.fusion = Fusion::fit(says);
    if let Some(bands) = Bands::place(&held_out, budget) {
        ensemble.bands = bands;
    }
    held_out
}

/// Trains on examples.
pub fn train(layout: Layout, examples: &[Labelled], options: Options) -> Trained {
    let says = cross_says(layout, examples, options);
    let says: Vec<(Says, bool)> =
        says.into_iter().zip(examples).map(|(says, one)| (says, one.abuse)).collect();
    let mut ensemble = fit(layout, examples, |_| true, options.passes);
    let held_out = settle(&mut ensemble, examples, &says, options.budget);
    Trained { ensemble, says, held_out }
}

fn fold(one: &Labelled) -> u8 {
    (one.group % u64::from(FOLDS)) as u8
}

/// What models say of the fold that they were trained without, for each example.
fn cross_says(layout: Layout, examples: &[Labelled], options: Options) -> Vec<Says> {
    let mut says = vec![[None; VIEWS]; examples.len()];
    for held in 0..FOLDS {
        let models = fit(layout, examples, |one| fold(one) != held, options.passes);
        for (says, one) in says.iter_mut().zip(examples) {
            if fold(one) == held {
                *says = models.says(&one.example);
            }
        }
    }
    says
}

/// The same fused, for each fold by weights that are fitted to the others.
fn cross_fuse(examples: &[Labelled], noted: &[(Says, bool)]) -> Vec<(f64, bool)> {
    let mut fused: Vec<(f64, bool)> = noted.iter().map(|(_, abuse)| (0.0, *abuse)).collect();
    for held in 0..FOLDS {
        let others: Vec<(Says, bool)> = noted
            .iter()
            .zip(examples)
            .filter(|(_, one)| fold(one) != held)
            .map(|(noted, _)| *noted)
            .collect();
        let fusion = Fusion::fit(&others);
        for ((fused, (says, _)), one) in fused.iter_mut().zip(noted).zip(examples) {
            if fold(one) == held {
                fused.0 = fusion.fuse(says);
            }
        }
    }
    fused
}

/// Trains the models of all views on those examples that are wanted.
fn fit(layout: Layout, examples: &[Labelled], wanted: impl Fn(&Labelled) -> bool, passes: usize) -> Ensemble {
    let chosen: Vec<&Labelled> = examples.iter().filter(|one| wanted(one)).collect();
    let mut seen = [0; 2];
    chosen.iter().for_each(|one| seen[usize::from(one.abuse)] += 1);
    let mut ensemble = Ensemble::new(layout);
    ensemble.set_seen(seen);
    thread::scope(|scope| {
        for model in ensemble.views_mut() {
            scope.spawn(|| fit_view(model, &chosen, seen, passes));
        }
    });
    ensemble
}

/// Counts all, then goes over them in another order each time.
fn fit_view(model: &mut Linear, examples: &[&Labelled], seen: [u32; 2], passes: usize) {
    examples.iter().for_each(|one| model.count(&one.example, one.abuse));
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut draws = Draws::new(0);
    for _ in 0..passes.min(PASSES) {
        draws.shuffle(&mut order);
        for &at in &order {
            let one = examples[at];
            model.step(&one.example, one.abuse, balance(seen, one.abuse));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bands::Band;
    use crate::example::{View, Words, Writer};
    use crate::explain::Explanation;
    use crate::metrics::{Errors, roca};

    const LAYOUT: Layout = &[
        View { name: "plain", words: "numbers that tell", bits: 12 },
        View { name: "noise", words: "numbers that tell nothing", bits: 10 },
        View { name: "absent", words: "what none has", bits: 8 },
    ];

    /// Three tokens of forty: abuse draws from the upper thirty, the rest from the lower thirty.
    fn one(draws: &mut Draws, abuse: bool) -> (Example, Words) {
        let mut writer = Writer::new(LAYOUT.len()).telling();
        for _ in 0..12 {
            let number = draws.below(30) + if abuse { 10 } else { 0 };
            writer.token(0, "number", number.to_string().as_bytes());
            writer.token(1, "number", draws.below(1000).to_string().as_bytes());
        }
        writer.finish()
    }

    fn examples(seed: u64, count: usize) -> Vec<Labelled> {
        let mut draws = Draws::new(seed);
        let make = |at| {
            let abuse = at % 4 == 0;
            Labelled { example: one(&mut draws, abuse).0, abuse, group: at as u64 / 3 }
        };
        (0..count).map(make).collect()
    }

    #[test]
    fn training_tells_kinds_apart_and_says_what_it_is_worth() {
        let trained = train(LAYOUT, &examples(1, 600), Options::default());
        let test = examples(2, 600);
        let scored: Vec<(f64, bool)> =
            test.iter().map(|one| (trained.ensemble.nats(&one.example), one.abuse)).collect();
        let held_out = roca(&trained.held_out).unwrap();
        let tested = roca(&scored).unwrap();
        assert!(tested < 1.0 && (held_out - tested).abs() < 1.0, "{held_out} {tested}");
        assert!(trained.ensemble.fusion.weights[0] > 4.0 * trained.ensemble.fusion.weights[1]);
        let errors = Errors::at(&scored, trained.ensemble.bands.spam);
        assert!(errors.false_positive_percent() < 1.5, "{errors:?}");
        let again = train(LAYOUT, &examples(1, 600), Options::default());
        assert!(again.ensemble == trained.ensemble, "threads change nothing");
    }

    #[test]
    fn learning_online_is_taken_back_to_the_bit() {
        let mut model = Ensemble::new(LAYOUT);
        let all = examples(3, 200);
        for one in &all[..100] {
            model.observe(&one.example, one.abuse, Budget::default());
        }
        let before = model.clone();
        let receipts: Vec<_> = all[100..].iter().map(|one| model.learn(&one.example, one.abuse)).collect();
        assert!(model != before);
        // In the order in which they came, not the reverse.
        for (one, receipt) in all[100..].iter().zip(receipts) {
            model.unlearn(&one.example, receipt);
        }
        assert!(model == before);
    }

    #[test]
    fn an_explanation_adds_up_and_its_flip_flips() {
        let model = train(LAYOUT, &examples(1, 600), Options::default()).ensemble;
        let mut draws = Draws::new(9);
        let mut flipped = 0;
        for at in 0..60 {
            let (example, words) = one(&mut draws, at % 2 == 0);
            let told = Explanation::of(&model, &example, &words, 5);
            let parts: f64 = told.parts.iter().filter_map(|part| part.nats).sum();
            assert!((told.constant + parts - told.nats).abs() < 1e-9);
            assert_eq!(told.parts[2].nats, None);
            if told.flip.is_empty() {
                continue;
            }
            flipped += 1;
            let without: f64 = told.flip.iter().map(|reason| reason.nats).sum();
            assert_ne!(model.bands.of(told.nats - without), told.band);
            let short: f64 = told.flip[..told.flip.len() - 1].iter().map(|reason| reason.nats).sum();
            assert_eq!(model.bands.of(told.nats - short), told.band, "one fewer would not do");
        }
        assert!(flipped > 20);
        assert_eq!(model.bands.of(f64::MAX), Band::Spam);
    }
}
