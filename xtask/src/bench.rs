// SPDX-License-Identifier: Apache-2.0
//! `cargo xtask bench`: the benchmarks, in release builds. Numbers for people: nothing passes or fails by a time.

use anyhow::Result;

use crate::place::{self, Place};

/// Which benchmarks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// All, without arguments.
    Both,
    /// The `benches/` crate: rule evaluation beside other engines.
    Rules,
    /// `wardroom bench`: durable decisions over HTTP.
    Server,
}

/// Runs them; `rest` goes to the program that was named.
pub(crate) fn run(place: &Place, which: Which, rest: &[String]) -> Result<()> {
    if which != Which::Server {
        place::run(place.cargo("run --release --locked -p wardroom-benches --").args(rest))?;
    }
    if which != Which::Rules {
        place::run(place.cargo("run --release --locked -p wardroom -- bench").args(rest))?;
    }
    Ok(())
}
