// SPDX-License-Identifier: Apache-2.0
//! Times an operation: warm up, then batches under one clock reading each; the best and the median batch count.

use crate::table::{Row, Table};
use anyhow::Result;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How much time is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Enough for numbers: eleven batches of 30 ms after 150 ms of warm-up.
    Careful,
    /// Enough to see that it runs.
    Quick,
}

impl Pace {
    /// How many batches, never fewer than seven when numbers are wanted.
    pub(crate) fn batches(self) -> usize {
        match self {
            Pace::Careful => 11,
            Pace::Quick => 2,
        }
    }

    fn batch(self) -> Duration {
        match self {
            Pace::Careful => Duration::from_millis(30),
            Pace::Quick => Duration::from_micros(200),
        }
    }

    fn warm_up(self) -> Duration {
        match self {
            Pace::Careful => Duration::from_millis(150),
            Pace::Quick => Duration::from_micros(200),
        }
    }

    /// `careful` operations, or a hundredth of them.
    pub(crate) fn scaled(self, careful: usize) -> usize {
        match self {
            Pace::Careful => careful,
            Pace::Quick => (careful / 100).max(2),
        }
    }
}

/// What an operation took, in nanoseconds for each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timing {
    /// In the fastest batch.
    pub(crate) best: f64,
    /// In the median batch.
    pub(crate) median: f64,
}

impl Timing {
    /// From the nanoseconds an operation took in each batch.
    pub(crate) fn of(mut each: Vec<f64>) -> Timing {
        each.sort_by(f64::total_cmp);
        Timing {
            best: each.first().copied().unwrap_or(f64::NAN),
            median: each.get(each.len() / 2).copied().unwrap_or(f64::NAN),
        }
    }
}

/// Runs operations and collects what they took.
pub(crate) struct Harness {
    /// How much time is spent on each.
    pub(crate) pace: Pace,
    /// What was found, in the order of running.
    pub(crate) tables: Vec<Table>,
}

impl Harness {
    pub(crate) fn new(pace: Pace) -> Harness {
        Harness { pace, tables: Vec::new() }
    }

    /// Begins a table; rows that follow go into it.
    pub(crate) fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Times `op` and adds the row. What `op` gives is not thrown away by the compiler.
    pub(crate) fn time<T>(&mut self, name: &str, mut op: impl FnMut() -> T) -> Timing {
        let timing = self.measure(&mut op);
        self.row(name, timing);
        timing
    }

    /// Times an operation that uses up one item of `items` each time: events that may come only once. The first half is
    /// not counted, because state that is still small is still fast; the rest are equal batches.
    ///
    /// # Errors
    /// What `op` gives.
    pub(crate) fn time_each<I, T>(
        &mut self,
        name: &str,
        items: &[I],
        op: impl FnMut(&I) -> Result<T>,
    ) -> Result<Timing> {
        let timing = self.measure_each(items, op)?;
        self.row(name, timing);
        Ok(timing)
    }

    /// As [`Harness::time_each`], without a row.
    ///
    /// # Errors
    /// What `op` gives.
    pub(crate) fn measure_each<I, T>(
        &self,
        items: &[I],
        mut op: impl FnMut(&I) -> Result<T>,
    ) -> Result<Timing> {
        let (before, measured) = items.split_at(items.len() / 2);
        for item in before {
            black_box(op(black_box(item))?);
        }
        let size = (measured.len() / self.pace.batches()).max(1);
        let mut each = Vec::new();
        for batch in measured.chunks_exact(size) {
            let began = Instant::now();
            for item in batch {
                black_box(op(black_box(item))?);
            }
            each.push(began.elapsed().as_nanos() as f64 / batch.len() as f64);
        }
        Ok(Timing::of(each))
    }

    /// Adds a row whose time was taken elsewhere.
    pub(crate) fn row(&mut self, name: &str, timing: Timing) {
        if let Some(table) = self.tables.last_mut() {
            table.rows.push(Row { name: name.to_owned(), timing });
        }
    }

    fn measure<T>(&self, op: &mut impl FnMut() -> T) -> Timing {
        let began = Instant::now();
        let mut runs = 0u64;
        while runs == 0 || began.elapsed() < self.pace.warm_up() {
            // Several runs to one reading of the clock, or a cheap operation would be mostly clock.
            for _ in 0..16 {
                black_box(op());
            }
            runs += 16;
        }
        let one = began.elapsed().as_secs_f64() / runs as f64;
        let size = ((self.pace.batch().as_secs_f64() / one) as u64).max(1);
        let batch = |_| {
            let began = Instant::now();
            for _ in 0..size {
                black_box(op());
            }
            began.elapsed().as_nanos() as f64 / size as f64
        };
        Timing::of((0..self.pace.batches()).map(batch).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_and_the_middle_batch_are_taken() {
        let timing = Timing::of(vec![5.0, 1.0, 9.0, 3.0, 4.0]);
        assert_eq!(timing, Timing { best: 1.0, median: 4.0 });
    }

    #[test]
    fn the_first_half_of_a_stream_is_not_counted_and_no_item_comes_twice() {
        let mut harness = Harness::new(Pace::Quick);
        let items: Vec<u32> = (0..32).collect();
        let mut seen = Vec::new();
        let slow_start = |n: &u32| {
            if *n < 16 {
                std::thread::sleep(Duration::from_millis(2));
            }
            seen.push(*n);
            Ok(())
        };
        let timing = harness.time_each("x", &items, slow_start).unwrap();
        assert_eq!(seen, items);
        assert!(timing.median < 1e6, "{timing:?}");
    }

    #[test]
    fn numbers_come_from_seven_batches_at_least() {
        assert!(Pace::Careful.batches() >= 7);
    }
}
