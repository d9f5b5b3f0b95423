// SPDX-License-Identifier: Apache-2.0
//! What is due, and when: first by time, then by the order in which it was put down.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Tasks in the order in which they are due.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    due: BinaryHeap<Reverse<Due<T>>>,
    added: u64,
}

#[derive(Debug)]
struct Due<T> {
    order: (i64, u64),
    task: T,
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Due<T>) -> bool {
        self.order == other.order
    }
}
impl<T> Eq for Due<T> {}
impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Due<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Due<T>) -> Ordering {
        self.order.cmp(&other.order)
    }
}

impl<T> Agenda<T> {
    pub(crate) fn new() -> Agenda<T> {
        Agenda { due: BinaryHeap::new(), added: 0 }
    }

    /// Puts down a task for `time`.
    pub(crate) fn add(&mut self, time: i64, task: T) {
        self.due.push(Reverse(Due { order: (time, self.added), task }));
        self.added += 1;
    }

    /// Takes what is due next, if that is before `end`.
    pub(crate) fn take_before(&mut self, end: i64) -> Option<(i64, T)> {
        if self.due.peek()?.0.order.0 >= end {
            return None;
        }
        self.due.pop().map(|Reverse(due)| (due.order.0, due.task))
    }

    /// How many tasks wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}
