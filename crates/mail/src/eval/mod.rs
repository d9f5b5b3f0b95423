// SPDX-License-Identifier: Apache-2.0
//! How good judgement is on labelled mail: of ours, or of an operator's own.
//!
//! Three ways to ask. *Batch*: train on one part, judge the other. *Online*: in the order of time, judge each message and then
//! learn it, as on a site where everybody reports. *Held out*: cross-validation on all that may be trained on, by
//! conversation, for choices that must not be made by looking at the test.

mod report;
mod source;

pub use report::{Figures, Measured, Misjudged, Report, Slice};
pub use source::{Entry, SourceError, conversation, manifest, without_headers};

use std::thread;

use wardroom_model::bands::Budget;
use wardroom_model::train::{Labelled, Options, Trained, train};
use wardroom_model::{Band, Ensemble, Example, Explanation, Words};

use crate::limits;
use crate::read::read;
use crate::views::{LAYOUT, views};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Train on what is for training, judge what is for testing.
    #[default]
    Batch,
    /// Judge each and then learn it, in the order of time.
    Online,
    /// Cross-validation on what is for training; the test is not looked at.
    HeldOut,
}

/// How to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Plan {
    /// What is asked.
    pub mode: Mode,
    /// Whether messages lose their headers, but for those that say how the body is written.
    pub without_headers: bool,
    /// Whether to say what each view is worth.
    pub ablation: bool,
    /// How many misjudged messages to explain.
    pub misjudged: usize,
    /// What bands are placed for.
    pub budget: Budget,
}

/// A message that is evaluated.
#[derive(Debug, Clone)]
struct Sample {
    entry: Entry,
    labelled: Labelled,
}

/// A judged message: its place, its log-odds, its band.
type Judged = (usize, f64, Band);

/// Evaluates. A message that cannot be read is an error: figures over part of what was asked for would mislead.
///
/// # Errors
/// When a file cannot be read.
pub fn evaluate(entries: Vec<Entry>, plan: Plan) -> Result<Report, SourceError> {
    let samples = samples(entries, plan)?;
    match plan.mode {
        Mode::Online => online(&samples, plan),
        Mode::Batch | Mode::HeldOut => batch(&samples, plan),
    }
}

fn batch(samples: &[Sample], plan: Plan) -> Result<Report, SourceError> {
    let learned: Vec<usize> = (0..samples.len()).filter(|&at| samples[at].entry.train).collect();
    let examples: Vec<Labelled> = learned.iter().map(|&at| samples[at].labelled.clone()).collect();
    let trained = train(LAYOUT, &examples, Options { budget: plan.budget, ..Options::default() });
    let model = &trained.ensemble;
    let judged: Vec<Judged> = match plan.mode {
        Mode::HeldOut => learned
            .iter()
            .zip(&trained.held_out)
            .map(|(&at, (nats, _))| (at, *nats, model.bands.of(*nats)))
            .collect(),
        _ => judge(model, samples),
    };
    let mut report = report(samples, &judged, plan);
    report.held_out = Some(Figures::of(&trained.held_out, None));
    report.model(model);
    if plan.ablation {
        report.ablation = ablation(&trained, &examples, samples, plan);
    }
    explain(model, samples, &judged, plan, &mut report)?;
    Ok(report)
}

fn judge(model: &Ensemble, samples: &[Sample]) -> Vec<Judged> {
    let tested = (0..samples.len()).filter(|&at| !samples[at].entry.train);
    tested
        .map(|at| {
            let nats = model.nats(&samples[at].labelled.example);
            (at, nats, model.bands.of(nats))
        })
        .collect()
}

/// What becomes of the figures without each view, and what each is worth alone.
fn ablation(trained: &Trained, examples: &[Labelled], samples: &[Sample], plan: Plan) -> Vec<Slice> {
    let mut slices = Vec::new();
    for (view, what) in LAYOUT.iter().enumerate() {
        for (name, alone) in [("without", false), ("only", true)] {
            let masked = trained.masked(examples, |other| (other == view) == alone, plan.budget);
            let figures = if plan.mode == Mode::HeldOut {
                Figures::of(&masked.held_out, None)
            } else {
                scored(samples, &judge(&masked.ensemble, samples))
            };
            slices.push(Slice { name: format!("{name} {}", what.name), figures });
        }
    }
    slices
}

fn online(samples: &[Sample], plan: Plan) -> Result<Report, SourceError> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by(|&a, &b| (&samples[a].entry.time, a).cmp(&(&samples[b].entry.time, b)));
    let mut model = Ensemble::new(LAYOUT);
    let mut judged = Vec::with_capacity(order.len());
    for at in order {
        let Labelled { example, abuse, .. } = &samples[at].labelled;
        let nats = model.nats(example);
        judged.push((at, nats, model.bands.of(nats)));
        model.observe(example, *abuse, plan.budget);
    }
    let mut report = report(samples, &judged, plan);
    report
        .slices
        .push(Slice { name: "later half".into(), figures: scored(samples, &judged[judged.len() / 2..]) });
    report.model(&model);
    Ok(report)
}

fn report(samples: &[Sample], judged: &[Judged], plan: Plan) -> Report {
    let mut sources: Vec<&str> = judged.iter().map(|(at, ..)| samples[*at].entry.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let slice = |source: &str| {
        let of: Vec<Judged> =
            judged.iter().filter(|(at, ..)| samples[*at].entry.source == source).copied().collect();
        Slice { name: source.to_owned(), figures: scored(samples, &of) }
    };
    Report {
        mode: plan.mode,
        learned: samples.iter().filter(|sample| sample.entry.train || plan.mode == Mode::Online).count(),
        all: scored(samples, judged),
        slices: if sources.len() > 1 { sources.into_iter().map(slice).collect() } else { Vec::new() },
        ..Report::default()
    }
}

fn scored(samples: &[Sample], judged: &[Judged]) -> Figures {
    let scored: Vec<(f64, bool)> =
        judged.iter().map(|(at, nats, _)| (*nats, samples[*at].labelled.abuse)).collect();
    let bands: Vec<Band> = judged.iter().map(|(_, _, band)| *band).collect();
    Figures::of(&scored, Some(&bands))
}

/// Explains what was misjudged worst: good mail called spam, and spam that is not.
fn explain(
    model: &Ensemble,
    samples: &[Sample],
    judged: &[Judged],
    plan: Plan,
    report: &mut Report,
) -> Result<(), SourceError> {
    let mut wrong: Vec<&Judged> =
        judged.iter().filter(|(at, _, band)| (*band == Band::Spam) != samples[*at].labelled.abuse).collect();
    let far = |(_, nats, _): &Judged| (nats - model.bands.spam).abs();
    wrong.sort_by(|a, b| {
        let kind = |one: &Judged| samples[one.0].labelled.abuse;
        kind(a).cmp(&kind(b)).then(far(b).total_cmp(&far(a)))
    });
    for (at, nats, _) in wrong.into_iter().take(plan.misjudged) {
        let sample = &samples[*at];
        let (example, words, subject) = look(&sample.entry, plan, true)?;
        report.misjudged.push(Misjudged {
            path: sample.entry.path.clone(),
            abuse: sample.labelled.abuse,
            nats: *nats,
            subject,
            why: Explanation::of(model, &example, &words, limits::EVAL_REASONS),
        });
    }
    Ok(())
}

/// Reads all messages, on as many threads as there are processors.
fn samples(entries: Vec<Entry>, plan: Plan) -> Result<Vec<Sample>, SourceError> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = entries.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let read_some =
            |some: &[Entry]| some.iter().map(|entry| sample(entry, plan)).collect::<Result<Vec<_>, _>>();
        let running: Vec<_> =
            entries.chunks(share).map(|some| scope.spawn(move || read_some(some))).collect();
        let mut all = Vec::with_capacity(entries.len());
        for thread in running {
            // A thread that panicked has found a fault of ours: it goes on here.
            all.extend(thread.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault))?);
        }
        Ok(all)
    })
}

fn sample(entry: &Entry, plan: Plan) -> Result<Sample, SourceError> {
    let raw = entry.load()?;
    let (example, _, _) = tokens(&raw, plan, false);
    let group = conversation(&raw);
    Ok(Sample { labelled: Labelled { example, abuse: entry.abuse, group }, entry: entry.clone() })
}

fn look(entry: &Entry, plan: Plan, telling: bool) -> Result<(Example, Words, String), SourceError> {
    Ok(tokens(&entry.load()?, plan, telling))
}

fn tokens(raw: &[u8], plan: Plan, telling: bool) -> (Example, Words, String) {
    let stripped;
    let raw = if plan.without_headers {
        stripped = without_headers(raw);
        &stripped
    } else {
        raw
    };
    let reading = read(raw, &mut limits::Budget::default());
    let (example, words) = views(raw, &reading, telling);
    (example, words, reading.subject)
}

#[cfg(test)]
mod tests;
