// SPDX-License-Identifier: Apache-2.0
//! Which features are warming, as bytes: from its record on they read as missing, and all others as usual.

use super::Unreadable;
use super::bytes::{Input, put_len, put_u64};
use super::dictionary::many;

const VERSION: u8 = 1;

/// The features of a policy that are warming from here on. None after the policy's head says that none are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WarmingRecord {
    /// The number of the policy's head.
    pub(crate) policy: u64,
    /// Numbers of features, as in the head.
    pub(crate) features: Vec<usize>,
}

impl WarmingRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_u64(&mut out, self.policy);
        put_len(&mut out, self.features.len());
        self.features.iter().for_each(|n| put_len(&mut out, *n));
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<WarmingRecord, Unreadable> {
        let mut input = Input::new(payload);
        let version = input.byte()?;
        if version != VERSION {
            return Err(format!(
                "a record of warming features of version {version}; this program reads version {VERSION}"
            ));
        }
        let policy = input.u64()?;
        let features =
            many(&mut input, |i| usize::try_from(i.u64()?).map_err(|_| "a number is too large".to_owned()))?;
        input.finish()?;
        Ok(WarmingRecord { policy, features })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_is_read_strictly() {
        for features in [vec![], vec![0], vec![3, 200, 70_000]] {
            let record = WarmingRecord { policy: 12_345, features };
            let bytes = record.encode();
            assert_eq!(WarmingRecord::decode(&bytes), Ok(record));
            for len in 0..bytes.len() {
                assert!(WarmingRecord::decode(&bytes[..len]).is_err(), "{len}");
            }
            let longer = [&bytes[..], &[0]].concat();
            assert!(WarmingRecord::decode(&longer).is_err());
        }
        let later = WarmingRecord::decode(&[9, 1, 0]);
        assert!(later.is_err_and(|why| why.contains("version 9")));
    }
}
