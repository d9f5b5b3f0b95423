// SPDX-License-Identifier: Apache-2.0
//! Which of its means an attacker takes for an account, and how one that watches verdicts learns.
//!
//! Epsilon-greedy over each kind of means by itself: what passed most often so far, and now and then any other. Simple on
//! purpose: sellers of accounts adapt by looking at which batch got through, not by planning.

use crate::random::Random;

/// One of each kind of means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pick {
    pub(crate) gear: u8,
    pub(crate) handles: u8,
    pub(crate) mail: u8,
    pub(crate) timing: u8,
}

impl Pick {
    /// Any of each, so many being there.
    pub(crate) fn any(sizes: [usize; 4], random: &mut Random) -> Pick {
        let [gear, handles, mail, timing] = sizes.map(|size| random.below(size as u64) as u8);
        Pick { gear, handles, mail, timing }
    }

    /// As the low 31 bits of a job's note: kinds have fewer than 128 means.
    pub(crate) fn pack(self) -> u64 {
        u64::from(self.gear)
            | u64::from(self.handles) << 8
            | u64::from(self.mail) << 16
            | u64::from(self.timing & 0x7f) << 24
    }

    pub(crate) fn unpack(note: u64) -> Pick {
        let byte = |n: u32| (note >> (8 * n)) as u8;
        Pick { gear: byte(0), handles: byte(1), mail: byte(2), timing: byte(3) & 0x7f }
    }

    fn parts(self) -> [u8; 4] {
        [self.gear, self.handles, self.mail, self.timing]
    }
}

/// What was learnt: for each kind of means how often each was tried and what it brought.
#[derive(Debug, Clone)]
pub(crate) struct Arms {
    tried: [Vec<f64>; 4],
    brought: [Vec<f64>; 4],
    epsilon: f64,
}

/// Old experience counts less: a provider changes too.
const FADES: f64 = 0.98;

impl Arms {
    pub(crate) fn new(sizes: [usize; 4], epsilon: f64) -> Arms {
        let zeros = sizes.map(|size| vec![0.0; size]);
        Arms { tried: zeros.clone(), brought: zeros, epsilon }
    }

    pub(crate) fn choose(&self, random: &mut Random) -> Pick {
        let [gear, handles, mail, timing] = [0, 1, 2, 3].map(|kind: usize| {
            let many = self.tried[kind].len();
            if random.chance(self.epsilon) {
                return random.below(many as u64) as u8;
            }
            let mut best = (f64::MIN, 0);
            for arm in 0..many {
                let value = self.value(kind, arm);
                if value > best.0 {
                    best = (value, arm);
                }
            }
            best.1 as u8
        });
        Pick { gear, handles, mail, timing }
    }

    /// What was not tried yet is taken to work.
    pub(crate) fn value(&self, kind: usize, arm: usize) -> f64 {
        (self.brought[kind][arm] + 1.0) / (self.tried[kind][arm] + 1.0)
    }

    pub(crate) fn learn(&mut self, pick: Pick, reward: f64) {
        for (kind, arm) in pick.parts().into_iter().enumerate() {
            for value in self.tried[kind].iter_mut().chain(&mut self.brought[kind]) {
                *value *= FADES;
            }
            let arm = usize::from(arm);
            self.tried[kind][arm] += 1.0;
            self.brought[kind][arm] += reward;
        }
    }
}
