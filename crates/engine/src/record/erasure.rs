// SPDX-License-Identifier: Apache-2.0
//! An erasure as bytes: that it happened, of which kind of subject, and what stands in its place. Not the value: a keyed
//! digest of it, so that a second erasure and an audit can tell.

use super::Unreadable;
use super::bytes::{Input, put_i64, put_text};
use super::values::{kind_byte, put_kind_byte};
use wardroom_event::{Micros, Type};

const VERSION: u8 = 1;

/// A subject was erased from all records before this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ErasureRecord {
    pub(crate) at: Micros,
    pub(crate) kind: Type,
    /// The value's digest under the installation's secret.
    pub(crate) digest: [u8; 16],
    /// What stands in the value's place.
    pub(crate) token: Box<str>,
}

impl ErasureRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_i64(&mut out, self.at.0);
        put_kind_byte(&mut out, self.kind);
        out.extend_from_slice(&self.digest);
        put_text(&mut out, &self.token);
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<ErasureRecord, Unreadable> {
        let mut input = Input::new(payload);
        let version = input.byte()?;
        if version != VERSION {
            return Err(format!("an erasure of version {version}; this program reads version {VERSION}"));
        }
        let (at, kind) = (Micros(input.i64()?), kind_byte(&mut input)?);
        let (digest, token) = (input.array()?, input.text()?.into());
        input.finish()?;
        Ok(ErasureRecord { at, kind, digest, token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_erasure_comes_back(at in any::<i64>(), digest in any::<[u8; 16]>(), token in ".{0,40}", junk in prop::collection::vec(any::<u8>(), 0..60)) {
            let record = ErasureRecord { at: Micros(at), kind: Type::Email, digest, token: token.into() };
            let mut bytes = record.encode();
            prop_assert_eq!(ErasureRecord::decode(&bytes).unwrap(), record);
            let _ = ErasureRecord::decode(&junk);
            bytes.push(0);
            prop_assert!(ErasureRecord::decode(&bytes).is_err());
        }
    }
}
