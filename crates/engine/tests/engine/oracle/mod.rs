// SPDX-License-Identifier: Apache-2.0
//! The whole language against an oracle: random policies are printed, compiled and run over random streams of events, and
//! a brute force that looks at everything that ever happened must say the same of every event.
//!
//! `world` has the oracle's own types, `draw` makes them by chance, `print` puts them into words, `brute` and `windows` say
//! what they mean, `compare` holds the engine against that, stream by stream in `streams`, and `shrink` makes a failure small enough to read.
//!
//! `WARDROOM_CASES` is how many streams are tried, `WARDROOM_SEED` the first of them.

mod brute;
mod columns;
pub(crate) mod compare;
mod draw;
mod print;
mod shrink;
mod streams;
mod windows;
mod world;
