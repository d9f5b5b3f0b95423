// SPDX-License-Identifier: Apache-2.0
//! Policies made for measuring, compiled as the engine compiles them.

use anyhow::{Result, anyhow};
use std::sync::Arc;
use wardroom_engine::{Active, Flow, Origin, SwapError};
use wardroom_policy::Bundle;
use wardroom_state::{Keyer, Secret};

/// Keys the counters of a run: always the same, so that runs do the same work.
const SECRET: Secret = Secret([7; 16]);

/// The compiled policy.
///
/// # Errors
/// What is wrong with it, in full.
pub(crate) fn active(bundle: Bundle) -> Result<Active> {
    match Active::compile(bundle, Origin::Directory, &Keyer::new(SECRET), None) {
        Ok((active, _)) => Ok(active),
        Err(SwapError::Policy { diagnostics, sources }) => {
            Err(anyhow!(wardroom_report::render(&diagnostics, &sources, false)))
        }
        Err(other) => Err(other.into()),
    }
}

/// A flow under the policy, with nothing counted.
///
/// # Errors
/// As [`active`].
pub(crate) fn flow(bundle: Bundle) -> Result<Flow> {
    Ok(Flow::new(SECRET, Arc::new(active(bundle)?)))
}
