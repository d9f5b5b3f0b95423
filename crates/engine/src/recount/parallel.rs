// SPDX-License-Identifier: Apache-2.0
//! The same done with each of some things, on several threads; results in the things' order, whoever was first.

use std::sync::{Mutex, PoisonError};

/// Does `work` with each of `items`, on at most so many threads.
pub fn each<I: Send, T: Send>(threads: usize, items: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T> {
    if threads <= 1 || items.len() <= 1 {
        return items.into_iter().map(work).collect();
    }
    let many = items.len();
    let todo = Mutex::new(items.into_iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(many));
    let worker = || loop {
        let next = todo.lock().unwrap_or_else(PoisonError::into_inner).next();
        let Some((at, item)) = next else { return };
        let made = work(item);
        done.lock().unwrap_or_else(PoisonError::into_inner).push((at, made));
    };
    std::thread::scope(|scope| {
        (1..threads.min(many)).for_each(|_| drop(scope.spawn(worker)));
        worker();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, made)| made).collect()
}
