// SPDX-License-Identifier: Apache-2.0
//! What views said of examples just before they were learned: the practice that fusion and bands are fitted to online.

use std::collections::VecDeque;

use crate::fusion::Says;
use crate::limits;

/// The latest examples, with what was said of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Progress {
    latest: VecDeque<(Says, bool)>,
    noted: u64,
}

impl Progress {
    /// Notes one, and says whether it is time to fit again: each time the number has doubled, and later at a steady pace.
    pub(crate) fn note(&mut self, says: Says, abuse: bool) -> bool {
        if self.latest.len() == limits::PROGRESS {
            self.latest.pop_front();
        }
        self.latest.push_back((says, abuse));
        self.noted += 1;
        let noted = self.noted;
        noted >= limits::PROGRESS_FIRST
            && (noted.is_power_of_two() || noted.is_multiple_of(limits::PROGRESS_PACE))
    }

    /// The later half of all that was noted, as far as it was kept: what was said at the beginning tells little of what the
    /// model is worth now.
    pub(crate) fn recent(&self) -> Vec<(Says, bool)> {
        let most = usize::try_from(self.noted.div_ceil(2)).unwrap_or(usize::MAX);
        self.latest.iter().skip(self.latest.len().saturating_sub(most)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_half_is_kept_within_its_bound() {
        let mut progress = Progress::default();
        let mut fits = Vec::new();
        for at in 0..5000u64 {
            let mut says = Says::default();
            says[0] = Some(at as f64);
            if progress.note(says, at % 2 == 0) {
                fits.push(at + 1);
            }
            assert!(progress.recent().len() as u64 <= (at + 1).div_ceil(2));
        }
        assert_eq!(fits[..5], [64, 128, 256, 512, 1024]);
        assert_eq!(progress.latest.len(), limits::PROGRESS);
        assert_eq!(progress.recent().last().unwrap().0[0], Some(4999.0));
    }
}
