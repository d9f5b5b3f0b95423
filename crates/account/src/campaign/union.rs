// SPDX-License-Identifier: Apache-2.0
//! Which sign-ups hang together: components, joined one edge at a time.

/// Components over numbers from 0.
pub(super) struct Union {
    parent: Vec<u32>,
}

impl Union {
    pub(super) fn new(count: usize) -> Union {
        Union { parent: (0..count as u32).collect() }
    }

    /// The one that stands for a component: of all its members the first.
    pub(super) fn root(&mut self, of: u32) -> u32 {
        let mut at = of;
        while self.parent[at as usize] != at {
            let up = self.parent[self.parent[at as usize] as usize];
            self.parent[at as usize] = up;
            at = up;
        }
        at
    }

    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }

    pub(super) fn is_joined(&mut self, a: u32, b: u32) -> bool {
        self.root(a) == self.root(b)
    }

    /// Components of at least so many, each ascending, in the order of their first members.
    pub(super) fn components(&mut self, least: usize) -> Vec<Vec<u32>> {
        let count = self.parent.len() as u32;
        let mut by_root: Vec<(u32, u32)> = (0..count).map(|at| (self.root(at), at)).collect();
        by_root.sort_unstable();
        let all = by_root.chunk_by(|a, b| a.0 == b.0).filter(|members| members.len() >= least);
        all.map(|members| members.iter().map(|(_, at)| *at).collect()).collect()
    }
}
