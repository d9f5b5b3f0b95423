// SPDX-License-Identifier: Apache-2.0
//! Backtests over a data directory, also beside the server that writes it: to look is to change nothing.

use super::rows::Journal;
use super::{Ask, BacktestError, PastRows, Progress, Report, Setting, run};
use crate::{Options, Past};
use std::path::PathBuf;
use wardroom_engine::{Glance, installation_keyer, installation_secret, past_policies};
use wardroom_event::Micros;
use wardroom_journal::Keyring;

/// A data directory.
#[derive(Clone, Debug)]
pub struct Files {
    /// Where it is.
    pub data: PathBuf,
    /// What its journal is encrypted with.
    pub keys: Keyring,
}

impl Files {
    /// One whose journal is not encrypted.
    pub fn plain(data: impl Into<PathBuf>) -> Files {
        Files { data: data.into(), keys: Keyring::default() }
    }

    /// Does a backtest over what the journal holds by now.
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(
        &self,
        ask: &Ask,
        setting: &Setting,
        now: Micros,
        progress: &Progress,
    ) -> Result<Report, BacktestError> {
        let (journal, through) = self.journal()?;
        let past = Past::open(&self.data, &self.keys, &Options::default())
            .map_err(|error| BacktestError::Rows(error.to_string()))?;
        let rows = PastRows::new(&past, through);
        run(ask, &rows, &journal, setting, now, progress)
    }

    /// What the past is read from, and the last record there is.
    fn journal(&self) -> Result<(Journal, u64), BacktestError> {
        let fault = |error: wardroom_engine::EngineError| BacktestError::Rows(error.to_string());
        let (dir, keys) = (self.data.join("journal"), self.keys.clone());
        let policies = past_policies(&dir, &keys).map_err(fault)?;
        if policies.is_empty() {
            return Err(BacktestError::NoPolicy);
        }
        let through = Glance::at(&dir, &keys).map_err(fault)?.last_seq;
        let secret = installation_secret(&self.data).map_err(fault)?;
        let keyer = installation_keyer(&self.data).map_err(fault)?;
        Ok((Journal { dir, keys, secret, keyer, policies }, through))
    }

    /// What a backtest is known by: the same question over the same past is the same backtest.
    pub(crate) fn id(&self, ask: &Ask) -> Result<String, BacktestError> {
        let (journal, through) = self.journal()?;
        let version = journal.policies.last().map_or("", |policy| &*policy.version);
        let asked = serde_json::to_string(ask).map_err(|e| BacktestError::Ask(e.to_string()))?;
        let text = format!("{version} {through} {asked}");
        Ok(format!("b_{}", wardroom_policy::Bundle::single("ask", &text).version()))
    }
}
