// SPDX-License-Identifier: Apache-2.0
//! SQL over the past, and the door for those who speak PostgreSQL's wire protocol. Read-only.
//!
//! This crate knows no policy internals: tables and their rows come from `history`.
#![cfg_attr(test, allow(clippy::unwrap_used))]
