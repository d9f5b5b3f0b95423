// SPDX-License-Identifier: Apache-2.0
//! Gradient-boosted trees for two classes: histogram splits, logistic loss, Newton leaves.
//!
//! The usual recipe of such libraries, small: values are cut into at most 32 bins by quantiles, each tree has a depth of three,
//! a leaf is −G / (H + λ) times the rate. A value that is missing lies below all others. No sampling of rows or columns and no
//! early stopping: with labels of the same kind of world at hand it is the peer to beat, not a product.

use std::cmp::Ordering;

/// Bins of a column, the one for what is missing among them.
const BINS: usize = 32;
/// Rows that are looked at to choose the cuts of a column.
const CUT_ROWS: usize = 20_000;
/// Least gain of a split.
const GAIN: f64 = 1e-9;
/// Log-odds beyond which nothing is gained.
const MOST_ODDS: f64 = 30.0;

/// What trees learn from: rows of numbers, missing ones not a number, each with its label and weight.
#[derive(Debug, Clone, Default)]
pub struct Training {
    columns: usize,
    values: Vec<f32>,
    labels: Vec<bool>,
    weights: Vec<f32>,
}

impl Training {
    /// Nothing yet, of so many columns.
    pub fn new(columns: usize) -> Training {
        Training { columns, ..Training::default() }
    }

    /// Adds a row; one with another number of columns is filled up with missing ones, or cut.
    pub fn add(&mut self, row: &[f32], label: bool, weight: f32) {
        self.values.extend((0..self.columns).map(|at| row.get(at).copied().unwrap_or(f32::NAN)));
        self.labels.push(label);
        self.weights.push(weight);
    }

    /// Makes both classes weigh the same in all. `false` where there is only one class: nothing can be learnt.
    pub fn balance(&mut self) -> bool {
        let sum = |label: bool| -> f64 {
            let of = self.labels.iter().zip(&self.weights).filter(|(l, _)| **l == label);
            of.map(|(_, w)| f64::from(*w)).sum()
        };
        let (yes, no) = (sum(true), sum(false));
        if yes <= 0.0 || no <= 0.0 {
            return false;
        }
        let rows = self.labels.len() as f64;
        for (label, weight) in self.labels.iter().zip(&mut self.weights) {
            *weight = (f64::from(*weight) * rows / (2.0 * if *label { yes } else { no })) as f32;
        }
        true
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.columns..(at + 1) * self.columns]
    }
}

/// How trees grow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// How many.
    pub trees: usize,
    /// Splits from the root to a leaf.
    pub depth: usize,
    /// How much of a leaf's value is taken.
    pub rate: f64,
    /// Added to the curvature of a leaf: few rows move less.
    pub lambda: f64,
    /// Least curvature on either side of a split.
    pub least: f64,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { trees: 120, depth: 3, rate: 0.15, lambda: 1.0, least: 1.0 }
    }
}

/// Trees that have learnt.
#[derive(Debug, Clone, Default)]
pub struct Trees {
    bias: f64,
    trees: Vec<Tree>,
}

/// A full binary tree: inner nodes from the root on, level by level, then leaves.
#[derive(Debug, Clone)]
struct Tree {
    splits: Vec<Split>,
    leaves: Vec<f64>,
}

/// Values up to `cut` go left, and so do missing ones. A node that nothing could split sends all there.
#[derive(Debug, Clone, Copy)]
struct Split {
    column: usize,
    bin: u8,
    cut: f32,
}

const NO_SPLIT: Split = Split { column: 0, bin: u8::MAX, cut: f32::INFINITY };

impl Tree {
    fn leaf(&self, right: impl Fn(&Split) -> bool) -> f64 {
        let mut node = 0;
        while let Some(split) = self.splits.get(node) {
            node = 2 * node + 1 + usize::from(right(split));
        }
        self.leaves[node - self.splits.len()]
    }
}

impl Trees {
    /// Learns; gives the mean loss of the training rows after each tree as well.
    pub fn learn(training: &Training, shape: Shape) -> (Trees, Vec<f64>) {
        let binned = Binned::new(training);
        let mut odds = vec![prior(training); training.len()];
        let mut trees = Trees { bias: prior(training), trees: Vec::new() };
        let mut losses = Vec::with_capacity(shape.trees);
        for _ in 0..shape.trees {
            let tree = Grower::new(training, &binned, &odds, shape).grow();
            for (at, odds) in odds.iter_mut().enumerate() {
                let bins = binned.row(at);
                let leaf = tree.leaf(|split| bins[split.column] > split.bin);
                *odds = (*odds + leaf).clamp(-MOST_ODDS, MOST_ODDS);
            }
            losses.push(loss(training, &odds));
            trees.trees.push(tree);
        }
        (trees, losses)
    }

    /// The log-odds of a row.
    pub fn score(&self, row: &[f32]) -> f32 {
        let right = |split: &Split| row.get(split.column).is_some_and(|value| *value > split.cut);
        let sum: f64 = self.trees.iter().map(|tree| tree.leaf(right)).sum();
        (self.bias + sum) as f32
    }
}

/// The log-odds of the labels.
fn prior(training: &Training) -> f64 {
    let (mut yes, mut all) = (0.5, 1.0);
    for (label, weight) in training.labels.iter().zip(&training.weights) {
        all += f64::from(*weight);
        yes += if *label { f64::from(*weight) } else { 0.0 };
    }
    (yes / (all - yes)).ln()
}

fn probability(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

fn loss(training: &Training, odds: &[f64]) -> f64 {
    let (mut sum, mut all) = (0.0, 0.0);
    for ((label, weight), odds) in training.labels.iter().zip(&training.weights).zip(odds) {
        let wrong = if *label { -odds } else { *odds };
        // log(1 + e^x) without overflow.
        sum += f64::from(*weight) * (wrong.max(0.0) + (-wrong.abs()).exp().ln_1p());
        all += f64::from(*weight);
    }
    if all > 0.0 { sum / all } else { 0.0 }
}

/// Every value as the number of its bin, 0 for what is missing.
struct Binned {
    columns: usize,
    bins: Vec<u8>,
    cuts: Vec<Vec<f32>>,
}

impl Binned {
    fn new(training: &Training) -> Binned {
        let columns = training.columns;
        let cuts: Vec<Vec<f32>> = (0..columns).map(|column| cuts(training, column)).collect();
        let mut bins = Vec::with_capacity(training.values.len());
        for row in training.values.chunks(columns.max(1)) {
            bins.extend(row.iter().zip(&cuts).map(|(value, cuts)| bin(*value, cuts)));
        }
        Binned { columns, bins, cuts }
    }

    fn row(&self, at: usize) -> &[u8] {
        &self.bins[at * self.columns..(at + 1) * self.columns]
    }
}

/// The first bin is what is missing; a value lies in the bin after as many cuts as are below it.
fn bin(value: f32, cuts: &[f32]) -> u8 {
    if value.is_nan() { 0 } else { 1 + cuts.partition_point(|cut| *cut < value) as u8 }
}

/// The upper ends of the bins of a column but the last.
fn cuts(training: &Training, column: usize) -> Vec<f32> {
    let step = training.len().div_ceil(CUT_ROWS).max(1);
    let rows = (0..training.len()).step_by(step).map(|at| training.row(at)[column]);
    let mut values: Vec<f32> = rows.filter(|v| !v.is_nan()).collect();
    values.sort_by(f32::total_cmp);
    let mut kinds = values.clone();
    kinds.dedup();
    if kinds.len() < BINS {
        kinds.pop();
        return kinds;
    }
    let places = (1..BINS - 1).map(|place| values[place * values.len() / (BINS - 1)]);
    let mut cuts: Vec<f32> = places.collect();
    cuts.dedup();
    cuts
}

/// Sum of gradients and of curvatures.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    gradient: f64,
    curve: f64,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.gradient += other.gradient;
        self.curve += other.curve;
    }

    fn less(self, other: Sum) -> Sum {
        Sum { gradient: self.gradient - other.gradient, curve: self.curve - other.curve }
    }

    fn gain(self, lambda: f64) -> f64 {
        self.gradient * self.gradient / (self.curve + lambda)
    }
}

/// Grows one tree, level by level.
struct Grower<'t> {
    binned: &'t Binned,
    shape: Shape,
    sums: Vec<Sum>,
    /// For each row, its node within the level.
    node: Vec<u16>,
}

impl<'t> Grower<'t> {
    fn new(training: &Training, binned: &'t Binned, odds: &[f64], shape: Shape) -> Grower<'t> {
        let rows = training.labels.iter().zip(&training.weights).zip(odds);
        let sums = rows.map(|((label, weight), odds)| {
            let (p, weight) = (probability(*odds), f64::from(*weight));
            let gradient = weight * (p - f64::from(u8::from(*label)));
            Sum { gradient, curve: weight * p * (1.0 - p) }
        });
        Grower { binned, shape, sums: sums.collect(), node: vec![0; odds.len()] }
    }

    fn grow(mut self) -> Tree {
        let mut splits = Vec::new();
        for level in 0..self.shape.depth {
            let nodes = 1 << level;
            let chosen = self.split(nodes);
            for (at, node) in self.node.iter_mut().enumerate() {
                let split = chosen[usize::from(*node)];
                let right = self.binned.row(at).get(split.column).is_some_and(|bin| *bin > split.bin);
                *node = 2 * *node + u16::from(right);
            }
            splits.extend(chosen);
        }
        let mut sums = vec![Sum::default(); 1 << self.shape.depth];
        for (node, sum) in self.node.iter().zip(&self.sums) {
            sums[usize::from(*node)].add(*sum);
        }
        let value = |s: &Sum| -self.shape.rate * s.gradient / (s.curve + self.shape.lambda);
        Tree { splits, leaves: sums.iter().map(value).collect() }
    }

    /// The best split of each node of a level.
    fn split(&self, nodes: usize) -> Vec<Split> {
        let mut wholes = vec![Sum::default(); nodes];
        for (node, sum) in self.node.iter().zip(&self.sums) {
            wholes[usize::from(*node)].add(*sum);
        }
        let mut best = vec![(GAIN, NO_SPLIT); nodes];
        let mut histogram = vec![[Sum::default(); BINS + 1]; nodes];
        for column in 0..self.binned.columns {
            histogram.iter_mut().for_each(|h| *h = [Sum::default(); BINS + 1]);
            for (at, (node, sum)) in self.node.iter().zip(&self.sums).enumerate() {
                let bin = self.binned.bins[at * self.binned.columns + column];
                histogram[usize::from(*node)][usize::from(bin)].add(*sum);
            }
            for (node, bins) in histogram.iter().enumerate() {
                let found = self.best_of(column, bins, wholes[node]);
                if let Some(found) = found.filter(|f| f.0.total_cmp(&best[node].0) == Ordering::Greater) {
                    best[node] = found;
                }
            }
        }
        best.into_iter().map(|(_, split)| split).collect()
    }

    fn best_of(&self, column: usize, bins: &[Sum], whole: Sum) -> Option<(f64, Split)> {
        let (lambda, least) = (self.shape.lambda, self.shape.least);
        let cuts = &self.binned.cuts[column];
        let (mut left, mut best) = (Sum::default(), None::<(f64, Split)>);
        for bin in 0..=cuts.len() {
            left.add(bins[bin]);
            let right = whole.less(left);
            if left.curve < least || right.curve < least {
                continue;
            }
            let gain = left.gain(lambda) + right.gain(lambda) - whole.gain(lambda);
            if best.is_none_or(|(most, _)| gain > most) {
                // What is missing alone goes left where the cut lies below every number.
                let cut = if bin == 0 { f32::NEG_INFINITY } else { cuts[bin - 1] };
                best = Some((gain, Split { column, bin: bin as u8, cut }));
            }
        }
        best
    }
}
