// SPDX-License-Identifier: Apache-2.0
//! DuckDB and Polars with the same filters over the same files, where Python has them.

use super::past::Condition;
use crate::table::Table;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = include_str!("peer.py");

/// What is there of the peers.
pub(super) struct Peers {
    pub(super) all: Vec<Peer>,
    absent: Vec<&'static str>,
}

/// One of them.
pub(super) struct Peer {
    module: &'static str,
    python: String,
    /// Its name and version.
    pub(super) name: String,
}

/// What one said.
#[derive(Deserialize)]
pub(super) struct Times {
    /// Rows that match, of each rule.
    pub(super) hits: Vec<u64>,
    /// Each time.
    pub(super) nanos: Vec<f64>,
}

impl Peers {
    #[allow(clippy::disallowed_methods, reason = "a benchmark's own switch")]
    pub(super) fn look() -> Peers {
        let python = std::env::var("WARDROOM_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut peers = Peers { all: Vec::new(), absent: Vec::new() };
        for module in ["duckdb", "polars"] {
            let version = format!("import {module}; print({module}.__version__)");
            match Command::new(&python).args(["-c", &version]).output() {
                Ok(said) if said.status.success() => {
                    let name = format!("{module} {}", String::from_utf8_lossy(&said.stdout).trim());
                    peers.all.push(Peer { module, python: python.clone(), name });
                }
                _ => peers.absent.push(module),
            }
        }
        peers
    }

    /// Says who is not there.
    pub(super) fn note(&self, table: Table) -> Table {
        self.absent.iter().fold(table, |table, name| table.note(format!("{name}: not there, left out")))
    }
}

impl Peer {
    /// Has it count, some times over.
    pub(super) fn time(&self, dir: &Path, rules: &[Condition], rounds: usize) -> Result<Times> {
        let rules: Vec<serde_json::Value> =
            rules.iter().map(|r| serde_json::json!([r.tries, r.score, r.seen, r.kind])).collect();
        self.ask(&serde_json::json!({"peer": self.module, "dir": dir, "rules": rules, "rounds": rounds}))
    }

    /// Has it count over windows, some times over.
    pub(super) fn windows(&self, dir: &Path, rounds: usize) -> Result<Times> {
        let peer = format!("{} windows", self.module);
        self.ask(&serde_json::json!({"peer": peer, "dir": dir, "rules": [], "rounds": rounds}))
    }

    fn ask(&self, asked: &serde_json::Value) -> Result<Times> {
        let said = Command::new(&self.python).args(["-c", SCRIPT, &asked.to_string()]).output()?;
        ensure!(said.status.success(), "{}: {}", self.name, String::from_utf8_lossy(&said.stderr));
        serde_json::from_slice(&said.stdout).with_context(|| format!("{} said something else", self.name))
    }
}
