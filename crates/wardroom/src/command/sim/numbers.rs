// SPDX-License-Identifier: Apache-2.0
//! Served values as numbers, and a sample of the events that had them: what the boosted trees learn from.

use wardroom_event::{Micros, Value};

/// Honest events of one kind that are kept of a world, drawn evenly.
const HONEST: usize = 12_000;
/// Attacks of one kind that are kept of a world, the first.
const ATTACKS: usize = 30_000;
/// Microseconds of a second.
const SECOND: f64 = 1e6;

/// A value as a number; texts and what is missing are none.
pub(super) fn number(value: &Value, now: Micros) -> f32 {
    match value {
        Value::Bool(is) => f32::from(u8::from(*is)),
        Value::Int(n) => *n as f32,
        Value::Number(n) => *n as f32,
        Value::Time(at) => ((now.0 - at.0) as f64 / SECOND) as f32,
        Value::Duration(span) => (span.0 as f64 / SECOND) as f32,
        Value::Missing | Value::Text(_) | Value::Ip(_) | Value::Net(_) | Value::List(_) => f32::NAN,
    }
}

/// Rows of numbers with the event each belongs to.
pub(super) struct Sample {
    pub(super) columns: usize,
    rows: Vec<f32>,
    of: Vec<usize>,
    honest: Vec<usize>,
    honest_seen: u64,
    random: u64,
}

impl Sample {
    pub(super) fn new(columns: usize, seed: u64) -> Sample {
        Sample {
            columns,
            rows: Vec::new(),
            of: Vec::new(),
            honest: Vec::new(),
            honest_seen: 0,
            random: seed | 1,
        }
    }

    /// Offers an event: honest ones are drawn evenly (Vitter's algorithm R), of attacks the first are kept.
    pub(super) fn offer(&mut self, entry: usize, honest: bool, row: impl Iterator<Item = f32>) {
        if !honest {
            if self.of.len() - self.honest.len() < ATTACKS {
                self.push(entry, row);
            }
            return;
        }
        self.honest_seen += 1;
        if self.honest.len() < HONEST {
            self.honest.push(self.of.len());
            self.push(entry, row);
            return;
        }
        let place = self.below(self.honest_seen) as usize;
        if let Some(&at) = self.honest.get(place) {
            self.of[at] = entry;
            let to = &mut self.rows[at * self.columns..(at + 1) * self.columns];
            to.iter_mut().zip(row).for_each(|(to, value)| *to = value);
        }
    }

    fn push(&mut self, entry: usize, row: impl Iterator<Item = f32>) {
        let from = self.rows.len();
        self.rows.extend(row.take(self.columns));
        self.rows.resize(from + self.columns, f32::NAN);
        self.of.push(entry);
    }

    /// xorshift64*: good enough to draw a sample.
    fn below(&mut self, n: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let word = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d);
        ((u128::from(word) * u128::from(n)) >> 64) as u64
    }

    /// Each kept event's place among the world's entries, with its row.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.of.iter().copied().zip(self.rows.chunks(self.columns.max(1)))
    }

    /// How many honest events one that was kept stands for.
    pub(super) fn weight(&self) -> f32 {
        if self.honest.is_empty() { 0.0 } else { self.honest_seen as f32 / self.honest.len() as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_event::Span;

    #[test]
    fn values_are_numbers_or_none() {
        let now = Micros(9_000_000);
        assert_eq!(number(&Value::Bool(true), now), 1.0);
        assert_eq!(number(&Value::Time(Micros(2_000_000)), now), 7.0);
        assert_eq!(number(&Value::Duration(Span(1_500_000)), now), 1.5);
        assert!(number(&Value::Missing, now).is_nan() && number(&Value::Text("7".into()), now).is_nan());
    }

    #[test]
    fn honest_events_are_drawn_evenly() {
        let mut sample = Sample::new(1, 7);
        let all = HONEST * 4;
        for entry in 0..all {
            sample.offer(entry, true, std::iter::once(entry as f32));
        }
        assert_eq!(sample.rows().count(), HONEST);
        assert!((sample.weight() - 4.0).abs() < 1e-6);
        assert!(sample.rows().all(|(entry, row)| row == [entry as f32]));
        let mean = sample.rows().map(|(entry, _)| entry as f64).sum::<f64>() / HONEST as f64;
        assert!((mean / (all as f64 / 2.0) - 1.0).abs() < 0.03, "{mean}");
    }

    #[test]
    fn of_attacks_the_first_are_kept() {
        let mut sample = Sample::new(2, 7);
        for entry in 0..ATTACKS + 5 {
            sample.offer(entry, false, std::iter::once(1.0));
        }
        assert_eq!(sample.rows().count(), ATTACKS);
        assert!(sample.rows().all(|(_, row)| row[0] == 1.0 && row[1].is_nan()));
    }
}
