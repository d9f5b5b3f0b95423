// SPDX-License-Identifier: Apache-2.0
//! Why an example falls where it does, in words, and what would flip it.

use std::fmt;

use crate::bands::Band;
use crate::ensemble::Ensemble;
use crate::example::{Example, Words};
use crate::limits;
use crate::number::chance;
use crate::{Scorer as _, Term};

/// What one view adds, and its weightiest tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The view's name.
    pub view: &'static str,
    /// What it looks at.
    pub words: &'static str,
    /// What it adds to the fused log-odds; nothing where it has nothing to go by.
    pub nats: Option<f64>,
    /// Its tokens with what each adds, weightiest first.
    pub top: Vec<Reason>,
}

/// A token in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What it stands for. A stranger's text: escape it wherever it is shown.
    pub words: String,
    /// What it adds, in nats.
    pub nats: f64,
}

/// Why an example falls where it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The log-odds of abuse, in nats.
    pub nats: f64,
    /// Where that lies.
    pub band: Band,
    /// What is added before anything is known of the example.
    pub constant: f64,
    /// What each view adds; with the constant, these add up to the log-odds.
    pub parts: Vec<Part>,
    /// The smallest set of tokens without whose weight it would fall into the band next to it, toward the inbox; of one in
    /// the inbox, toward abuse. Empty where no set within bounds would do.
    pub flip: Vec<Reason>,
}

impl Explanation {
    /// Explains what a model says, with at most `most` tokens a view.
    pub fn of(model: &Ensemble, example: &Example, words: &Words, most: usize) -> Self {
        let says = model.says(example);
        let nats = model.fusion.fuse(&says);
        let terms = model.terms(example, usize::MAX);
        let parts = model.layout().iter().enumerate().map(|(view, what)| Part {
            view: what.name,
            words: what.words,
            nats: says[view].map(|nats| model.fusion.part(view, Some(nats))),
            top: terms
                .iter()
                .filter(|term| term.view == view)
                .take(most.min(limits::TERMS))
                .map(|term| reason(term, words))
                .collect(),
        });
        Self {
            nats,
            band: model.bands.of(nats),
            constant: model.fusion.constant,
            parts: parts.collect(),
            flip: flip(model, nats, &terms).iter().map(|term| reason(term, words)).collect(),
        }
    }
}

fn reason(term: &Term, words: &Words) -> Reason {
    let words = words.of(term.view, term.token).map_or_else(|| format!("{:08x}", term.token), str::to_owned);
    Reason { words, nats: term.nats }
}

/// Terms add up, so the smallest set that moves the sum by so much is that of the largest.
fn flip(model: &Ensemble, nats: f64, terms: &[Term]) -> Vec<Term> {
    let band = model.bands.of(nats);
    let (line, sign) = match band {
        Band::Spam => (model.bands.spam, 1.0),
        Band::Doubt => (model.bands.doubt, 1.0),
        Band::Inbox => (model.bands.doubt, -1.0),
    };
    let mut left = nats;
    let mut set = Vec::new();
    for term in terms.iter().filter(|term| term.nats * sign > 0.0).take(limits::TERMS) {
        set.push(*term);
        left -= term.nats;
        if model.bands.of(left) != band && (left - line) * sign <= 0.0 {
            return set;
        }
    }
    Vec::new()
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {:+.2} nats, a chance of {:.4}", self.band.name(), self.nats, chance(self.nats))?;
        for part in &self.parts {
            match part.nats {
                None => writeln!(out, "  {:<10} unknown", part.view)?,
                Some(nats) => writeln!(out, "  {:<10} {nats:+.2}  {}", part.view, part.words)?,
            }
            for reason in &part.top {
                writeln!(out, "    {:+.3}  {:?}", reason.nats, reason.words)?;
            }
        }
        match self.flip.len() {
            0 => writeln!(out, "  no {} tokens alone would change the band", limits::TERMS),
            _ => {
                let words: Vec<_> = self.flip.iter().map(|reason| format!("{:?}", reason.words)).collect();
                writeln!(out, "  another band without: {}", words.join(", "))
            }
        }
    }
}
