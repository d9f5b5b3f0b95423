// SPDX-License-Identifier: Apache-2.0
//! Backtests over journals that engines wrote: `lives` asks whether the past comes out as it was, whatever the policy and the
//! traffic; `figures` whether what is counted of it is right.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests read back what they wrote themselves, and how much they try is set from outside"
)]

mod desk;
mod faded;
mod figures;
mod gone;
mod hashed;
mod lives;
#[allow(dead_code, reason = "what compares them with the engine is not used here")]
mod oracle;
mod support;
