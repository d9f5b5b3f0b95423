// SPDX-License-Identifier: Apache-2.0
//! What came out of an evaluation, and how it is told.

use std::fmt;
use std::path::PathBuf;

use wardroom_model::metrics::{Bin, Errors, Scored, bootstrap, calibration, missed_at, roca};
use wardroom_model::{Band, Bands, Ensemble, Explanation};

use super::Mode;
use crate::limits;

/// A figure, with the middle 95 % of it over resamplings. Nothing where it cannot be had.
pub type Measured = Option<(f64, f64, f64)>;

/// Figures over some messages.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// 100 · (1 − area under the ROC curve).
    pub roca: Measured,
    /// Spam missed where 0.1 % of good mail is called spam, in percent.
    pub missed_at_01: Measured,
    /// Spam missed where 0.5 % of good mail is called spam, in percent.
    pub missed_at_05: Measured,
    /// What is wrong at the line of the model's own, which it placed without these.
    pub errors: Option<Errors>,
    /// Good mail and spam in doubt.
    pub doubt: [usize; 2],
    /// What was said of chances and what came.
    pub calibration: Vec<Bin>,
}

impl Figures {
    /// Of scores, and the bands that were said.
    pub fn of(scored: &[Scored], bands: Option<&[Band]>) -> Self {
        let measured = |figure: fn(&[Scored]) -> Option<f64>| {
            let (low, high) = bootstrap(scored, limits::EVAL_RESAMPLES, figure)?;
            Some((figure(scored)?, low, high))
        };
        let mut figures = Self {
            roca: measured(roca),
            missed_at_01: measured(|scored| missed_at(scored, 0.001)),
            missed_at_05: measured(|scored| missed_at(scored, 0.005)),
            calibration: calibration(scored).to_vec(),
            ..Self::default()
        };
        for ((_, abuse), band) in scored.iter().zip(bands.unwrap_or_default()) {
            figures.errors.get_or_insert_default().add(*band == Band::Spam, *abuse);
            figures.doubt[usize::from(*abuse)] += usize::from(*band == Band::Doubt);
        }
        figures
    }
}

/// Figures over a part of the messages, or under other circumstances.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slice {
    /// Which.
    pub name: String,
    /// Its figures.
    pub figures: Figures,
}

/// A message on the wrong side.
#[derive(Debug, Clone, PartialEq)]
pub struct Misjudged {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it is abuse.
    pub abuse: bool,
    /// The log-odds it was given.
    pub nats: f64,
    /// Its subject: a stranger's text.
    pub subject: String,
    /// Why.
    pub why: Explanation,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// What was asked.
    pub mode: Mode,
    /// How many messages were learned.
    pub learned: usize,
    /// Over all that was judged.
    pub all: Figures,
    /// Over the messages of each source.
    pub slices: Vec<Slice>,
    /// Cross-validation on what was learned.
    pub held_out: Option<Figures>,
    /// Without each view, and with each alone.
    pub ablation: Vec<Slice>,
    /// What each view's say was worth.
    pub weights: Vec<(&'static str, f64)>,
    /// Where the lines lay.
    pub bands: Bands,
    /// The worst that was misjudged.
    pub misjudged: Vec<Misjudged>,
}

impl Report {
    /// Notes what the model has fitted.
    pub(super) fn model(&mut self, model: &Ensemble) {
        self.weights = model
            .layout()
            .iter()
            .zip(model.fusion.weights)
            .map(|(view, weight)| (view.name, weight))
            .collect();
        self.bands = model.bands;
    }
}

/// A figure in its column; the range with it where there is room.
fn column(measured: Measured, range: bool) -> String {
    match measured {
        None => "-".to_owned(),
        Some((figure, low, high)) if range => format!("{figure:.4} [{low:.3}-{high:.3}]"),
        Some((figure, ..)) => format!("{figure:.4}"),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "learned {}; lines: doubt {:.2}, spam {:.2} nats",
            self.learned, self.bands.doubt, self.bands.spam
        )?;
        let weights: Vec<String> =
            self.weights.iter().map(|(name, weight)| format!("{name} {weight:.2}")).collect();
        writeln!(out, "views: {}", weights.join(", "))?;
        writeln!(
            out,
            "{:<28} {:>6} {:>6} {:>24} {:>8} {:>8} {:>8} {:>22} {:>22} {:>9}",
            "",
            "ham",
            "spam",
            "1-ROCA%",
            "FP",
            "missed",
            "error%",
            "miss% at 0.1% FP",
            "at 0.5% FP",
            "in doubt"
        )?;
        row(out, "all", &self.all, true)?;
        self.slices.iter().try_for_each(|slice| row(out, &slice.name, &slice.figures, true))?;
        if let Some(held_out) = &self.held_out {
            row(out, "cross-validation", held_out, true)?;
        }
        self.ablation.iter().try_for_each(|slice| row(out, &slice.name, &slice.figures, false))?;
        writeln!(out, "said of chances and came, by bins:")?;
        for bin in self.all.calibration.iter().filter(|bin| bin.count > 0) {
            writeln!(out, "  {:>6} said {:.4} came {:.4}", bin.count, bin.said, bin.was)?;
        }
        for one in &self.misjudged {
            let label = if one.abuse { "spam" } else { "ham" };
            writeln!(out, "\n{label} {} {:?}", one.path.display(), one.subject)?;
            write!(out, "{}", one.why)?;
        }
        Ok(())
    }
}

fn row(out: &mut fmt::Formatter<'_>, name: &str, figures: &Figures, range: bool) -> fmt::Result {
    let errors = figures.errors.unwrap_or_default();
    let [ham, spam] = figures.doubt;
    writeln!(
        out,
        "{name:<28} {:>6} {:>6} {:>24} {:>8} {:>8} {:>8.3} {:>22} {:>22} {:>9}",
        errors.good,
        errors.abuse,
        column(figures.roca, range),
        errors.false_positives,
        errors.missed,
        errors.percent(),
        column(figures.missed_at_01, range),
        column(figures.missed_at_05, range),
        format!("{ham}+{spam}"),
    )
}
