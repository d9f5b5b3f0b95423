// SPDX-License-Identifier: Apache-2.0
//! The past: what was decided, in columns; backtests, queries in the policy language, and acting on what has happened.
//!
//! This crate knows no HTTP and no SQL. What it reads comes from the journal; what it writes there goes through the engine.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod act;
pub mod act;
pub mod backtest;
pub mod backtest;
pub mod labels;
pub mod query;
