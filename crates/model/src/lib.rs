// SPDX-License-Identifier: Apache-2.0
//! Learned scorers with reasons: train, evaluate, explain.
//!
//! An [`Example`] is what a thing shows, as hashed tokens in several views. A [`Scorer`] makes log-odds of it, in nats: above
//! zero speaks for abuse. [`Ensemble`] is one linear model a view, fused and calibrated on examples that the models had not
//! learned, with [`Bands`] placed for a stated share of false positives.
//!
//! This crate knows no surface, no files and no clock, and nothing of what the tokens stand for. Memory is fixed when a model
//! is made, and a score takes as long as the example has tokens. Weights are whole numbers: sums of them are the same in any
//! order and on any machine, and what an example added can be taken away to the bit.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bands;
pub mod ensemble;
pub mod example;
pub mod explain;
pub mod fusion;
pub mod guard;
pub mod limits;
pub mod linear;
pub mod metrics;
pub mod personal;
pub mod sketch;
pub mod train;

mod number;
mod progress;

pub use bands::{Band, Bands};
pub use ensemble::{Ensemble, Receipt};
pub use example::{Example, Layout, View, Words, Writer};
pub use explain::Explanation;
pub use fusion::Fusion;
pub use linear::{Delta, Linear};
pub use number::{chance, log_odds};

/// Something that says how much an example looks like abuse.
///
/// Linear models are one kind; trees or a table of counts are others. What reads a score reads no more than this.
pub trait Scorer {
    /// The log-odds of abuse in nats, or nothing where the scorer has nothing to go by: unknown weighs nothing.
    fn score(&self, example: &Example) -> Option<f64>;

    /// How much each token adds to the score, most weighty first, at most `most` of them. The sum of all terms is the score.
    fn terms(&self, example: &Example, most: usize) -> Vec<Term>;
}

/// What one token adds to a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Which view it is of.
    pub view: usize,
    /// The token; its words are found in [`Words`] where they were kept.
    pub token: u32,
    /// What it adds, in nats.
    pub nats: f64,
}
