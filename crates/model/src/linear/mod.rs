// SPDX-License-Identifier: Apache-2.0
//! A linear model over hashed tokens, learned one example at a time: logistic regression in which a token has as much say as
//! the counts of it are one-sided.
//!
//! For each token the table has a weight and how many examples of either kind had it. The *ratio* of a token is the logarithm
//! of its rates in both, smoothed, so that a token never seen has none. Wang and Manning (2012) found that a linear classifier
//! over features that are multiplied by their Naive Bayes ratio beats both of its parents on text; on mail, held-out pairs in
//! the wrong order fall by a quarter. A step of theirs adds to each weight in proportion to the token's ratio, which then
//! multiplies that weight again. Here a weight is kept before both: what it adds is *ratio²* times the weight, and a step adds
//! one and the same number to the weight of each token of the example, which goes the same way.
//!
//! Weights are whole numbers of 2⁻²⁰ nats, ratios of 2⁻¹⁰. Hence:
//!
//! - the sums behind a score have the same bits in whatever order they are made;
//! - what an example added is one number ([`Delta`]) and one count, and taking them away takes exactly that away, whatever
//!   was learned since. What stays is its effect on *later* steps, which would have been other steps without it: to be rid
//!   of that as well, a model is trained again.

use std::sync::LazyLock;

use crate::example::Example;
use crate::limits;
use crate::number::chance;
use crate::{Scorer, Term};

/// How many units of a weight make one nat.
const UNIT: f64 = 1_048_576.0;
/// Binary digits of a ratio behind the point.
const RATIO_BITS: u32 = 10;
/// How many units of a ratio make one nat.
const RATIO_UNIT: f64 = (1 << RATIO_BITS) as f64;
/// How far one step moves the score of its own example, at most, in nats.
pub const RATE: f64 = 3.0;

/// What steps added to the weight of each token of their example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delta(pub i32);

impl Delta {
    /// Both as one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

/// What is known of the tokens of one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Cell {
    weight: i32,
    /// Examples that are good, and those that are abuse.
    seen: [u32; 2],
}

/// The table of one view.
#[derive(Clone, PartialEq, Eq)]
pub struct Linear {
    view: usize,
    bits: u32,
    cells: Vec<Cell>,
    /// Examples that are good, and those that are abuse.
    seen: [u32; 2],
}

impl std::fmt::Debug for Linear {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Linear").field("view", &self.view).field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// The sums over an example's tokens that everything is made of.
#[derive(Clone, Copy, Default)]
struct Sums {
    /// Weights times ratios squared.
    score: i64,
    /// Ratios squared.
    squares: i64,
}

impl Sums {
    /// The length of the example, as the vector of its tokens' ratios, in nats.
    fn length(self) -> f64 {
        (self.squares as f64 / RATIO_UNIT).sqrt()
    }

    /// Log-odds: those of the vector made to have length one, so that a long text does not speak louder than a short one. A
    /// text whose tokens are all new says nothing.
    fn nats(self) -> f64 {
        if self.squares == 0 { 0.0 } else { self.score as f64 / (self.length() * RATIO_UNIT * UNIT) }
    }
}

impl Linear {
    /// A model of a view that knows nothing: every score is zero.
    pub fn new(view: usize, bits: u32) -> Self {
        let bits = bits.clamp(limits::TABLE_BITS_LEAST, limits::TABLE_BITS);
        Self { view, bits, cells: vec![Cell::default(); 1 << bits], seen: [0; 2] }
    }

    /// How many bytes the table has.
    pub fn bytes(&self) -> usize {
        self.cells.len() * size_of::<Cell>()
    }

    fn place(&self, token: u32) -> usize {
        (token >> (u32::BITS - self.bits)) as usize
    }

    /// How one-sided the counts of a cell are: the ratio squared, in units of ratios.
    fn square(&self, cell: Cell) -> i64 {
        let [good, abuse] = self.seen.map(|count| u64::from(count).max(1));
        // One more example of the more frequent kind on both sides: a token never seen has a ratio of zero.
        let smooth = good.max(abuse);
        let rate = |count: u32, others: u64| logarithm(u64::from(count) * others + smooth);
        let ratio = i64::from(rate(cell.seen[1], good) - rate(cell.seen[0], abuse));
        (ratio * ratio) >> RATIO_BITS
    }

    fn sums(&self, tokens: &[u32]) -> Sums {
        let mut sums = Sums::default();
        for &token in tokens {
            let cell = self.cells[self.place(token)];
            let square = self.square(cell);
            sums.score += i64::from(cell.weight) * square;
            sums.squares += square;
        }
        sums
    }

    /// Counts an example as abuse or not. Nothing is learned of it but how often its tokens come.
    pub fn count(&mut self, example: &Example, abuse: bool) {
        self.recount(example, abuse, 1);
    }

    /// Takes a count away again.
    pub fn uncount(&mut self, example: &Example, abuse: bool) {
        self.recount(example, abuse, u32::MAX);
    }

    fn recount(&mut self, example: &Example, abuse: bool, by: u32) {
        let tokens = example.tokens(self.view);
        if tokens.is_empty() {
            return;
        }
        let kind = usize::from(abuse);
        self.seen[kind] = self.seen[kind].wrapping_add(by);
        for &token in tokens {
            let place = self.place(token);
            let count = &mut self.cells[place].seen[kind];
            *count = count.wrapping_add(by);
        }
    }

    /// One step toward an example being abuse or not, `weight` times as far as usual. Says what that added.
    pub fn step(&mut self, example: &Example, abuse: bool, weight: f64) -> Delta {
        let tokens = example.tokens(self.view);
        let sums = self.sums(tokens);
        if sums.squares == 0 {
            return Delta::default();
        }
        let wrong = f64::from(u8::from(abuse)) - chance(sums.nats());
        // As much on each token as moves the example's own score by the rate times how wrong it was.
        let each = RATE * weight * wrong / sums.length();
        let delta = Delta((each * UNIT).round() as i32);
        self.add(tokens, delta);
        delta
    }

    /// Takes away what steps added.
    pub fn unstep(&mut self, example: &Example, delta: Delta) {
        self.add(example.tokens(self.view), Delta(delta.0.wrapping_neg()));
    }

    fn add(&mut self, tokens: &[u32], delta: Delta) {
        for &token in tokens {
            let place = self.place(token);
            // It wraps so that subtracting undoes adding in any case; to come there would take 2,048 nats.
            let weight = &mut self.cells[place].weight;
            *weight = weight.wrapping_add(delta.0);
        }
    }
}

impl Scorer for Linear {
    fn score(&self, example: &Example) -> Option<f64> {
        let sums = self.sums(example.tokens(self.view));
        (sums.squares > 0).then(|| sums.nats())
    }

    fn terms(&self, example: &Example, most: usize) -> Vec<Term> {
        let tokens = example.tokens(self.view);
        let length = self.sums(tokens).length();
        let scale = 1.0 / (length * RATIO_UNIT * UNIT);
        let term = |&token| {
            let cell = self.cells[self.place(token)];
            let units = i64::from(cell.weight) * self.square(cell);
            Term { view: self.view, token, nats: units as f64 * scale }
        };
        let mut terms: Vec<Term> = tokens.iter().map(term).filter(|term| term.nats != 0.0).collect();
        terms.sort_by(|a, b| b.nats.abs().total_cmp(&a.nats.abs()).then(a.token.cmp(&b.token)));
        terms.truncate(most);
        terms
    }
}

/// How many bits of a number its logarithm looks at.
const LOGARITHM_BITS: u32 = 12;

/// Logarithms of the numbers below 2 to the power of [`LOGARITHM_BITS`], in units of ratios.
static LOGARITHMS: LazyLock<Vec<i32>> = LazyLock::new(|| {
    let one = |number: u32| (libm::log(f64::from(number.max(1))) * RATIO_UNIT).round() as i32;
    (0..1 << LOGARITHM_BITS).map(one).collect()
});

/// The natural logarithm in units of ratios, to within one of them; of zero as of one.
fn logarithm(number: u64) -> i32 {
    let table = LOGARITHMS.as_slice();
    let excess = (u64::BITS - number.leading_zeros()).saturating_sub(LOGARITHM_BITS);
    let doublings = excess as i32 * LN_2_UNITS_4096 / 4096;
    table[(number >> excess) as usize] + doublings
}

/// The logarithm of two, in units of ratios, times 4,096.
const LN_2_UNITS_4096: i32 = 2_907_270;

#[cfg(test)]
mod tests;
