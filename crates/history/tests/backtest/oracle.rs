// SPDX-License-Identifier: Apache-2.0
//! The random policies and streams that the engine is tested with.

#[path = "../../../engine/tests/engine/oracle/brute.rs"]
mod brute;
#[path = "../../../engine/tests/engine/oracle/compare.rs"]
pub(crate) mod compare;
#[path = "../../../engine/tests/engine/oracle/draw.rs"]
mod draw;
#[path = "../../../engine/tests/engine/oracle/print.rs"]
mod print;
#[path = "../../../engine/tests/engine/oracle/shrink.rs"]
mod shrink;
#[path = "../../../engine/tests/engine/oracle/windows.rs"]
mod windows;
#[path = "../../../engine/tests/engine/oracle/world.rs"]
mod world;
