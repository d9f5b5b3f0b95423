// SPDX-License-Identifier: Apache-2.0
//! What clients ask of the sequencer beside their events: ids to be found.
//!
//! A question may cost a page from the disk, so only so many are handed out at a time, and events come in between. Clients
//! take turns, a question each; weights are for events. How many of one client wait is bounded as its events are: what is
//! still free of the open part, or its fair share.

use super::{Client, Taken, Whose};
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::time::Instant;

pub(super) struct Questions<T> {
    /// The open part; twice that is all that waits.
    open: usize,
    /// Those of each client that has any.
    lines: HashMap<u64, VecDeque<Taken<T>>>,
    /// The clients in the order of their turns.
    turns: VecDeque<u64>,
    waiting: usize,
}

impl<T> Questions<T> {
    pub(super) fn new(open: usize) -> Questions<T> {
        Questions { open, lines: HashMap::new(), turns: VecDeque::new(), waiting: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Takes a question, or says whose bound was met.
    pub(super) fn push(&mut self, client: Client, question: T, now: Instant) -> Result<(), Whose> {
        let mine = self.lines.get(&client.id).map_or(0, VecDeque::len);
        // Others, this one, and one more, who may come.
        let all = self.lines.len() + if mine > 0 { 1 } else { 2 };
        let most = self.open.saturating_sub(self.waiting).max(self.open / all);
        // Who has none waiting is taken as long as there is room at all.
        if mine > 0 && mine >= most {
            return Err(Whose::Client);
        }
        if self.waiting >= 2 * self.open {
            return Err(Whose::Server);
        }
        if mine == 0 {
            self.turns.push_back(client.id);
        }
        self.lines.entry(client.id).or_default().push_back((now, question));
        self.waiting += 1;
        Ok(())
    }

    /// Moves at most so many to `out`, in turns.
    pub(super) fn take(&mut self, most: usize, out: &mut Vec<Taken<T>>) {
        for _ in 0..most {
            let Some(id) = self.turns.pop_front() else { return };
            let Some(line) = self.lines.get_mut(&id) else { continue };
            let next = line.pop_front();
            self.waiting -= usize::from(next.is_some());
            out.extend(next);
            if line.is_empty() {
                self.lines.remove(&id);
            } else {
                self.turns.push_back(id);
            }
        }
    }
}
