// SPDX-License-Identifier: Apache-2.0
//! A linear model for each view, their log-odds fused, and bands on what comes out.

use crate::bands::{Band, Bands, Budget};
use crate::example::{Example, Layout};
use crate::fusion::{Fusion, Says};
use crate::limits::VIEWS;
use crate::linear::{Delta, Linear};
use crate::progress::Progress;
use crate::{Scorer, Term};

/// What learning an example added, kept by whoever may want to take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    abuse: bool,
    steps: [Delta; VIEWS],
}

/// Models of several views as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    layout: Layout,
    /// How the views are put together.
    pub fusion: Fusion,
    /// Where the bands lie.
    pub bands: Bands,
    views: Vec<Linear>,
    /// Examples that are good, and those that are abuse.
    seen: [u32; 2],
    progress: Progress,
}

impl Ensemble {
    /// One that knows nothing.
    pub fn new(layout: Layout) -> Self {
        let layout = &layout[..layout.len().min(VIEWS)];
        let views = layout.iter().enumerate().map(|(view, what)| Linear::new(view, what.bits)).collect();
        Self {
            layout,
            fusion: Fusion::default(),
            bands: Bands::default(),
            views,
            seen: [0; 2],
            progress: Progress::default(),
        }
    }

    /// The views in their order.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The model of one view.
    pub fn view(&self, view: usize) -> Option<&Linear> {
        self.views.get(view)
    }

    /// How many bytes all tables have.
    pub fn bytes(&self) -> usize {
        self.views.iter().map(Linear::bytes).sum()
    }

    /// How many good examples were learned, and how many of abuse.
    pub fn seen(&self) -> [u32; 2] {
        self.seen
    }

    /// What each view says.
    pub fn says(&self, example: &Example) -> Says {
        let mut says = [None; VIEWS];
        for (nats, model) in says.iter_mut().zip(&self.views) {
            *nats = model.score(example);
        }
        says
    }

    /// The log-odds of all views together; those of the constant where none has anything to go by.
    pub fn nats(&self, example: &Example) -> f64 {
        self.fusion.fuse(&self.says(example))
    }

    /// The band of an example.
    pub fn band(&self, example: &Example) -> Band {
        self.bands.of(self.nats(example))
    }

    /// Judges an example, then learns it: what was said before is what fusion and bands are fitted to, from time to time,
    /// since only of examples that were not learned do scores tell what they are worth.
    pub fn observe(&mut self, example: &Example, abuse: bool, budget: Budget) -> Receipt {
        let says = self.says(example);
        let receipt = self.learn(example, abuse);
        if self.progress.note(says, abuse) {
            self.refit(budget);
        }
        receipt
    }

    /// Fits fusion and bands to what was said lately of examples before they were learned.
    fn refit(&mut self, budget: Budget) {
        let held_out = self.progress.recent();
        self.fusion = Fusion::fit(&held_out);
        let scored: Vec<(f64, bool)> =
            held_out.iter().map(|(says, abuse)| (self.fusion.fuse(says), *abuse)).collect();
        if let Some(bands) = Bands::place(&scored, budget) {
            self.bands = bands;
        }
    }

    /// Learns an example.
    pub fn learn(&mut self, example: &Example, abuse: bool) -> Receipt {
        self.count(example, abuse);
        Receipt { abuse, steps: self.step(example, abuse) }
    }

    /// Takes back what learning an example added to weights and counts, to the bit.
    pub fn unlearn(&mut self, example: &Example, receipt: Receipt) {
        let kind = usize::from(receipt.abuse);
        self.seen[kind] = self.seen[kind].wrapping_sub(1);
        for (model, delta) in self.views.iter_mut().zip(receipt.steps) {
            model.unstep(example, delta);
            model.uncount(example, receipt.abuse);
        }
    }

    /// Counts an example in all views.
    pub(crate) fn count(&mut self, example: &Example, abuse: bool) {
        self.seen[usize::from(abuse)] += 1;
        self.views.iter_mut().for_each(|model| model.count(example, abuse));
    }

    /// One step in each view.
    pub(crate) fn step(&mut self, example: &Example, abuse: bool) -> [Delta; VIEWS] {
        let weight = balance(self.seen, abuse);
        let mut steps = [Delta::default(); VIEWS];
        for (delta, model) in steps.iter_mut().zip(&mut self.views) {
            *delta = model.step(example, abuse, weight);
        }
        steps
    }

    /// The models of all views, to be trained apart.
    pub(crate) fn views_mut(&mut self) -> &mut [Linear] {
        &mut self.views
    }

    /// Notes how many examples the views have learned.
    pub(crate) fn set_seen(&mut self, seen: [u32; 2]) {
        self.seen = seen;
    }
}

/// How hard an example of a kind is learned: both kinds weigh alike in all, as far as a factor of four.
pub(crate) fn balance(seen: [u32; 2], abuse: bool) -> f64 {
    let [good, bad] = seen.map(|count| f64::from(count.max(1)));
    let own = if abuse { bad } else { good };
    ((good + bad) / (2.0 * own)).clamp(0.25, 4.0)
}

impl Scorer for Ensemble {
    fn score(&self, example: &Example) -> Option<f64> {
        let says = self.says(example);
        says.iter().any(Option::is_some).then(|| self.fusion.fuse(&says))
    }

    /// Terms of all views, as much as each adds to the fused score; the constant is in none of them.
    fn terms(&self, example: &Example, most: usize) -> Vec<Term> {
        let mut terms = Vec::new();
        for (view, model) in self.views.iter().enumerate() {
            let Some(nats) = model.score(example) else { continue };
            // Where a view says more than it may, each of its tokens counts for less.
            let share = if nats == 0.0 {
                self.fusion.weights[view]
            } else {
                self.fusion.part(view, Some(nats)) / nats
            };
            terms.extend(
                model.terms(example, most).into_iter().map(|term| Term { nats: term.nats * share, ..term }),
            );
        }
        terms.sort_by(|a, b| {
            b.nats.abs().total_cmp(&a.nats.abs()).then((a.view, a.token).cmp(&(b.view, b.token)))
        });
        terms.truncate(most);
        terms
    }
}
