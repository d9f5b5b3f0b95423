// SPDX-License-Identifier: Apache-2.0
//! That keys of a counter were forgotten for lack of memory, as bytes: a restart forgets them at the same record.

use super::Unreadable;
use super::bytes::{Input, put_len, put_text};
use super::dictionary::many;

const VERSION: u8 = 1;

/// Of a table, the keys touched longest ago were forgotten here. It is named by all the definitions it served, so that
/// whichever of them a later policy still has forgets the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ForgetRecord {
    pub(crate) definitions: Vec<Box<str>>,
}

impl ForgetRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_len(&mut out, self.definitions.len());
        self.definitions.iter().for_each(|definition| put_text(&mut out, definition));
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<ForgetRecord, Unreadable> {
        let mut input = Input::new(payload);
        let version = input.byte()?;
        if version != VERSION {
            return Err(format!(
                "a record of forgotten keys of version {version}; this program reads version {VERSION}"
            ));
        }
        let definitions = many(&mut input, |i| i.text().map(Box::from))?;
        input.finish()?;
        Ok(ForgetRecord { definitions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_is_read_strictly() {
        for definitions in
            [vec![], vec!["count(hit)".into()], vec!["a".into(), "".into(), "é".repeat(200).into()]]
        {
            let record = ForgetRecord { definitions };
            let bytes = record.encode();
            assert_eq!(ForgetRecord::decode(&bytes), Ok(record));
            for len in 0..bytes.len() {
                assert!(ForgetRecord::decode(&bytes[..len]).is_err(), "{len}");
            }
            assert!(ForgetRecord::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
        assert!(ForgetRecord::decode(&[9, 0]).is_err_and(|why| why.contains("version 9")));
    }
}
