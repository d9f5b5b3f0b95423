// SPDX-License-Identifier: Apache-2.0
//! How a data directory is opened: one way for every command that opens it, so that none of them writes or forgets what
//! the server there would not. `demo` and `bench` have directories of their own, which go with them, and take none of it.

use super::Config;
use anyhow::{Context, Result};
use wardroom_history::Store;
use wardroom_journal::Keyring;

impl Config {
    /// What an engine is opened with to write to the data directory, as the server does.
    pub(crate) fn engine(&self) -> Result<wardroom_engine::Config> {
        let keys = self.encryption.keys()?;
        // Whoever opens the journal to write there must not let go of what no file holds yet.
        let exported = self.store(&keys)?.exported();
        Ok(wardroom_engine::Config {
            exported: Some(exported),
            durability: self.durability.value,
            keys,
            memory_bytes: self.memory.value,
            segment_bytes: self.segment_size.value,
            snapshot_every: self.snapshot_every.value,
            retention: self.retention.value,
            ..wardroom_engine::Config::new(&self.data.value)
        })
    }

    /// The files of the past, which need not be there.
    fn store(&self, keys: &Keyring) -> Result<Store> {
        let dir = self.history.dir.value.clone().unwrap_or_else(|| self.data.value.join("history"));
        Store::open(&dir, keys).context("cannot open the past")
    }

    /// The same to look into it: to look is to change nothing, whatever the server is told to keep.
    pub(crate) fn engine_to_look(&self) -> Result<wardroom_engine::Config> {
        Ok(wardroom_engine::Config {
            memory_bytes: u64::MAX,
            snapshot_every: None,
            retention: wardroom_engine::Retention::default(),
            exported: None,
            ..self.engine()?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, resolve};
    use std::path::{Path, PathBuf};
    use std::time::Duration;
    use wardroom_engine::{Durability, Every, Retention};

    #[test]
    fn an_engine_is_opened_as_the_file_says_and_one_to_look_changes_nothing() {
        let of = |text: &str| parse(text).and_then(|w| resolve(w, Path::new("/etc"), None)).unwrap();
        let text = "durability = \"50ms\"\nmemory = \"8GiB\"\nsegment_size = \"4MiB\"\nsnapshot_every = \"1GiB\"\n\
                    retention = \"90d\"\n";
        let mut config = of(text);
        config.data.or_given(Some(PathBuf::from("/there")));
        let engine = config.engine().unwrap();
        assert_eq!((&*engine.data, engine.memory_bytes), (Path::new("/there"), 8 << 30));
        assert_eq!(engine.durability, Durability::Interval(Duration::from_millis(50)));
        assert_eq!(engine.segment_bytes, 4 << 20);
        assert_eq!(engine.snapshot_every, Some(Every { bytes: 1 << 30, time: Duration::MAX }));
        assert_eq!(engine.retention.age, Some(Duration::from_secs(90 * 86_400)));
        let look = config.engine_to_look().unwrap();
        assert_eq!((look.memory_bytes, look.snapshot_every), (u64::MAX, None));
        assert_eq!((look.retention, look.segment_bytes), (Retention::default(), 4 << 20));
        // A key that is not there is met before anything is opened.
        assert!(of("[encryption]\nkey_file = \"none\"").engine().is_err());
    }
}
