// SPDX-License-Identifier: Apache-2.0
//! Every bound of the load generator, each with a name.

use std::time::Duration;

/// Most connections.
pub(crate) const CONNECTIONS: usize = 8192;
/// Highest rate to ask for, in events a second.
pub(crate) const RATE: f64 = 1e6;
/// Longest warm-up, and longest measured time.
pub(crate) const DURATION: Duration = Duration::from_secs(3600);
/// Most events without an answer on one stream.
pub(crate) const IN_FLIGHT: usize = 16 * 1024;
/// Most events sent in one piece of a stream.
pub(crate) const PIECE: usize = 256;
/// Pieces of a stream that wait for the socket.
pub(crate) const PIECES: usize = 4;
/// Longest answer read, in bytes; a longer one is an error.
pub(crate) const ANSWER_BYTES: usize = 1024 * 1024;
/// How long answers are waited for after the last event was scheduled.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);
/// Between the call and the first event: time to make the connections ready.
pub(crate) const LEAD: Duration = Duration::from_millis(50);
/// How long a connection that failed waits before it is made again.
pub(crate) const BACK_OFF: Duration = Duration::from_millis(20);
/// How long making a connection may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(2);
/// Longest latency told apart; longer ones count as this.
pub(crate) const LATENCY: Duration = Duration::from_secs(600);
/// Most different names counted apart, of verdicts and of errors.
pub(crate) const NAMES: usize = 32;
/// Longest such name, in characters.
pub(crate) const NAME_CHARS: usize = 40;
