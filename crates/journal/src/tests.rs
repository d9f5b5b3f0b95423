// SPDX-License-Identifier: Apache-2.0
//! Tests of the journal as a whole: on real files, on a disk that crashes, and on bytes from nowhere.

mod arbitrary;
mod crash;
mod files;
mod golden;
mod remove;
mod repair;
mod rewrite;
mod sealed;
