// SPDX-License-Identifier: Apache-2.0
//! A data directory with an engine's journal, and backtests of it.

use std::future::Future;
use std::path::PathBuf;
use tempfile::TempDir;
use wardroom_engine::{Config, Engine, EngineError, installation_keyer, installation_secret, past_policies};
use wardroom_event::Micros;
use wardroom_history::backtest::{
    Ask, BacktestError, Files, Journal, JournalRows, Progress, Report, Setting, run,
};
use wardroom_history::{Options, Past};
use wardroom_journal::{JournalError, Keyring, segment_name, segments};
use wardroom_policy::Bundle;

/// Monday, 5 January 2026, noon UTC.
pub(crate) const NOON: Micros = Micros(1_767_614_400_000_000);
/// A day later than anything that happens in these tests.
pub(crate) const NOW: Micros = Micros(NOON.0 + 40 * 86_400_000_000);

pub(crate) struct Data {
    dir: TempDir,
}

impl Data {
    pub(crate) fn new() -> Data {
        Data { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn open(&self, policy: Option<Bundle>) -> Engine {
        // Segments as small as the journal makes them: there is a border every few dozen events.
        let config = Config { segment_bytes: 4096, ..Config::new(self.path()) };
        for _ in 0..50 {
            match Engine::open(&config, policy.clone(), NOON) {
                Err(EngineError::Journal(JournalError::Locked { .. })) => {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                opened => return opened.unwrap().0,
            }
        }
        panic!("the journal stays locked")
    }

    pub(crate) fn files(&self) -> Files {
        Files { data: self.path(), keys: Keyring::default() }
    }

    /// Its past: with nothing in files, with what is sealed in files, or with all in files, joined.
    pub(crate) fn past(&self, how: usize) -> Past {
        self.past_in(&format!("history{how}"), how)
    }

    /// Takes all there is into the files that a backtest of the directory reads.
    pub(crate) fn export(&self) {
        self.past_in("history", 2);
    }

    fn past_in(&self, name: &str, how: usize) -> Past {
        let dir = Some(self.path().join(name));
        let past =
            Past::open(&self.path(), &Keyring::default(), &Options { dir, ..Options::default() }).unwrap();
        let journal = self.path().join("journal");
        while how > 0 && past.store().export(&journal, how > 1, NOW).unwrap().is_some() {}
        while past.store().join(NOW).unwrap().is_some() {}
        past
    }

    /// Takes the journal's segments that end before this record, as retention does.
    pub(crate) fn cut(&self, before: u64) {
        let dir = self.path().join("journal");
        let begins = segments(&dir).unwrap();
        let gone = begins.iter().zip(&begins[1..]).filter(|(_, next)| **next <= before);
        gone.for_each(|(first, _)| std::fs::remove_file(dir.join(segment_name(*first))).unwrap());
    }

    pub(crate) fn journal(&self) -> Journal {
        let (dir, keys) = (self.path().join("journal"), Keyring::default());
        let policies = past_policies(&dir, &keys).unwrap();
        let secret = installation_secret(&self.path()).unwrap();
        Journal { secret, keyer: installation_keyer(&self.path()).unwrap(), dir, keys, policies }
    }

    /// A backtest over the journal's rows.
    pub(crate) fn test(&self, ask: &Ask, threads: usize) -> Result<Report, BacktestError> {
        let journal = self.journal();
        let rows = JournalRows::new(&journal, u64::MAX)?;
        let setting = Setting { threads, ..Setting::default() };
        run(ask, &rows, &journal, &setting, NOW, &Progress::default())
    }
}

/// Runs a future to its end on this thread.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
