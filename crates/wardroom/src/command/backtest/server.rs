// SPDX-License-Identifier: Apache-2.0
//! A backtest that a server does: begun, watched until it is done, fetched.

use crate::ask::{Server, key};
use crate::terminal::Progress;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::time::Duration;
use wardroom_history::backtest::{Ask, Report};

/// How often it is asked how far it is.
const LOOK: Duration = Duration::from_millis(200);

pub(super) async fn report(url: &str, ask: &Ask) -> Result<Report> {
    let key = key("a backtest is asked of its server")?;
    let server = Server::named(url)?;
    let begun = server.send_json("/v1/backtests", &key, &serde_json::to_value(ask)?).await?;
    let begun = begun.ok(server.url())?;
    let id = begun["id"].as_str().context("the server gives no id")?.to_owned();
    let mut shown = Progress::new("backtest");
    loop {
        let found: Value = server.get(&format!("/v1/backtests/{id}"), &key).await?.ok(server.url())?;
        match found["state"].as_str().unwrap_or_default() {
            "waiting" | "running" => {
                shown.at((found["progress"].as_f64().unwrap_or(0.0) * 1000.0) as u64, 1000);
                tokio::time::sleep(LOOK).await;
            }
            "done" => {
                return serde_json::from_value(found["report"].clone())
                    .context("the report is not understood");
            }
            state => {
                bail!("the backtest has {state}: {}", found["error"].as_str().unwrap_or("it gives no reason"))
            }
        }
    }
}
