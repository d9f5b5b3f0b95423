// SPDX-License-Identifier: Apache-2.0
//! Explaining a policy: what each part of a rule was, what would turn it, what tests reach, who reads what.
#![allow(clippy::unwrap_used)]

mod cover;
mod flip;
mod outline;
mod support;
mod trace;
mod turn;
