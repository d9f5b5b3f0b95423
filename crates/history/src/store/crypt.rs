// SPDX-License-Identifier: Apache-2.0
//! Encrypted files: Parquet's modular encryption, its footer encrypted too, under a key of each file's own.
//!
//! That key is derived from the installation's as a segment's of the journal is, from its salt and its place within the
//! history; which of the installation's keys it was lies in the file, beside the salt, so that a change of keys needs nothing
//! written again. The place is also what the parts of the file are bound to: none can stand in for another.

use crate::HistoryError;
use parquet::encryption::decrypt::{FileDecryptionProperties, KeyRetriever};
use parquet::encryption::encrypt::FileEncryptionProperties;
use parquet::errors::ParquetError;
use std::path::Path;
use std::sync::Arc;
use wardroom_journal::{KeyId, Keyring, SEAL_HEAD_BYTES, SealHead};

/// What the keys are derived for.
const CONTEXT: &[u8] = b"wardroom history file";

/// What encrypts a new file; nothing where new files stay in the open.
pub(super) fn sealing(
    keys: &Keyring,
    relative: &str,
    path: &Path,
) -> Result<Option<(KeyId, Arc<FileEncryptionProperties>)>, HistoryError> {
    let begun = keys.begin_key(&[CONTEXT, relative.as_bytes()]);
    let begun = begun.map_err(|source| HistoryError::Seal { path: path.to_owned(), source })?;
    let Some((head, key)) = begun else { return Ok(None) };
    let sealing = FileEncryptionProperties::builder(key.to_vec())
        .with_footer_key_metadata(head.to_bytes().to_vec())
        .with_aad_prefix(relative.as_bytes().to_vec())
        .build()
        .map_err(HistoryError::parquet("encrypt", path))?;
    Ok(Some((head.key, sealing)))
}

/// What opens an encrypted file.
pub(super) fn opening(
    keys: &Keyring,
    relative: &str,
    path: &Path,
) -> Result<Arc<FileDecryptionProperties>, HistoryError> {
    let keys = Arc::new(Keys { keys: keys.clone(), relative: relative.into() });
    FileDecryptionProperties::with_key_retriever(keys)
        .with_aad_prefix(relative.as_bytes().to_vec())
        .build()
        .map_err(HistoryError::parquet("decrypt", path))
}

struct Keys {
    keys: Keyring,
    relative: Box<str>,
}

impl KeyRetriever for Keys {
    fn retrieve_key(&self, metadata: &[u8]) -> Result<Vec<u8>, ParquetError> {
        let head: &[u8; SEAL_HEAD_BYTES] = metadata
            .try_into()
            .map_err(|_| ParquetError::General("it does not say which key it needs".to_owned()))?;
        let key = self.keys.open_key(&SealHead::from_bytes(head), &[CONTEXT, self.relative.as_bytes()]);
        key.map(|key| key.to_vec()).map_err(|e| ParquetError::External(Box::new(e)))
    }
}
