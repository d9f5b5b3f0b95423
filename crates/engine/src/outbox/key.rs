// SPDX-License-Identifier: Apache-2.0
//! The keys under which effects go out: each names one effect, for ever and whatever becomes of the data directory.
//!
//! A key is a prefix, the number of the decision and the place of the effect in it. Numbers alone are not enough: whoever
//! restores a backup gives the numbers after it a second time, to other decisions, and a receiver that had the first would
//! take what comes now for a repetition. So a restore begins a new prefix for the decisions after the backup's end, and
//! those before it keep theirs.

use crate::decision::EffectId;
use crate::limits;
use crate::record::{Checkpoint, Restored};

/// Which prefix the keys of which decisions have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// The first prefix: the installation's.
    pub(super) installation: u64,
    /// The restores since, in the order of the records that they went back to.
    pub(super) restored: Vec<Restored>,
}

impl Keys {
    pub(super) fn of(checkpoint: &Checkpoint) -> Keys {
        Keys { installation: checkpoint.installation, restored: checkpoint.restored.clone() }
    }

    /// Takes note of a restore; false where it is known already. Of too many the oldest are forgotten: their decisions are
    /// long over.
    pub(super) fn restore(&mut self, restored: Restored) -> bool {
        if self.restored.contains(&restored) {
            return false;
        }
        self.restored.push(restored);
        // A stable sort: of two restores of one backup the later one counts.
        self.restored.sort_by_key(|restored| restored.after);
        let most = self.restored.len().saturating_sub(limits::RESTORES);
        self.restored.drain(..most);
        true
    }

    pub(super) fn key(&self, id: EffectId) -> String {
        let newest = self.restored.iter().rfind(|restored| restored.after < id.decision);
        let prefix = newest.map_or(self.installation, |restored| restored.prefix);
        format!("{prefix:016x}-{}-{}", id.decision, id.index)
    }

    /// The effect that one of these keys names.
    pub(super) fn id(&self, key: &str) -> Option<EffectId> {
        let (_, rest) = key.split_once('-')?;
        let (decision, index) = rest.split_once('-')?;
        let id = EffectId { decision: decision.parse().ok()?, index: index.parse().ok()? };
        (self.key(id) == key).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &Keys, decision: u64, prefix: &str) {
        let id = EffectId { decision, index: 2 };
        let key = keys.key(id);
        assert_eq!(key, format!("{prefix:0>16}-{decision}-2"));
        assert_eq!(keys.id(&key), Some(id));
    }

    #[test]
    fn each_restore_begins_a_prefix_and_leaves_those_before() {
        let mut keys = Keys { installation: 7, restored: Vec::new() };
        check(&keys, 1001, "7");
        assert!(keys.restore(Restored { after: 1000, prefix: 0xa }));
        assert!(
            !keys.restore(Restored { after: 1000, prefix: 0xa }),
            "it is one restore, however often it is met"
        );
        assert!(keys.restore(Restored { after: 1200, prefix: 0xb }));
        check(&keys, 1000, "7");
        check(&keys, 1001, "a");
        check(&keys, 1200, "a");
        check(&keys, 1201, "b");
        assert!(keys.restore(Restored { after: 1200, prefix: 0xc }));
        check(&keys, 1201, "c");
        assert_eq!(keys.id("000000000000000b-1201-2"), None, "that was another effect");
        assert_eq!(keys.id("0000000000000007-1001-2"), None);
    }

    #[test]
    fn restores_without_end_are_bounded() {
        let mut keys = Keys { installation: 7, restored: Vec::new() };
        for n in 0..=limits::RESTORES as u64 {
            assert!(keys.restore(Restored { after: n, prefix: n }));
        }
        assert_eq!(keys.restored.len(), limits::RESTORES);
        check(&keys, 1, "7");
        check(&keys, 2, "1");
    }
}
