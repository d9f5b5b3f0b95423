// SPDX-License-Identifier: Apache-2.0
//! A program that was built without SQL: it says how to get it.

use crate::config::Config;
use anyhow::{Result, bail};
use std::sync::Arc;
use wardroom_api::Api;
use wardroom_history::Past;

/// No SQL.
pub(crate) struct Sql;

/// No door.
pub(crate) struct Door;

impl Sql {
    /// Refuses a configuration that wants a door.
    pub(crate) fn over(config: &Config, _: Arc<Past>) -> Result<Sql> {
        if config.sql.listen.value.is_some() {
            bail!(
                "`sql.listen` is configured, and this program is built without SQL: cargo build --release --features sql"
            );
        }
        Ok(Sql)
    }

    /// Nothing answers SQL.
    pub(crate) fn for_api(&self) -> Option<Arc<dyn wardroom_api::Sql>> {
        None
    }

    /// Opens nothing.
    #[allow(clippy::unused_async, reason = "as where there is SQL")]
    pub(crate) async fn open_door(&self, _: &Config, _: &Api) -> Result<Door> {
        Ok(Door)
    }
}

impl Door {
    /// Nothing is open.
    #[allow(clippy::unused_async, reason = "as where there is SQL")]
    pub(crate) async fn close(self) {}
}
