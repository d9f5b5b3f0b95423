// SPDX-License-Identifier: Apache-2.0
//! Bounds of delivering, each with a name.

use std::time::Duration;

/// How long one attempt may take until the head of the answer is there, unless its destination says otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that a destination may say.
pub(crate) const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the journal is looked at for new effects, and outcomes are written down.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// How long it rests after the journal could not be read or written.
pub(super) const REST: Duration = Duration::from_secs(10);
/// How long requests under way may take at an orderly stop.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// Most that is read of an answer's body, in bytes; it says nothing that is needed.
pub(super) const ANSWER_BYTES: usize = 16 * 1024;
/// How long the rest of an answer is waited for after its head, which has decided: only so that the connection can be used
/// again.
pub(super) const ANSWER_REST: Duration = Duration::from_millis(500);
/// Largest head of an answer, in bytes.
pub(super) const HEAD_BYTES: usize = 16 * 1024;
/// Longest text of a secret, in bytes.
pub(super) const SECRET_BYTES: u64 = 1024;
/// Largest file of certificates, in bytes.
pub(super) const CA_BYTES: u64 = 4 * 1024 * 1024;
/// Connections kept open to one destination between two requests.
pub(super) const IDLE: usize = wardroom_engine::limits::OUTBOX_SENDING;
/// How long a connection that is not used is kept.
pub(super) const IDLE_FOR: Duration = Duration::from_secs(30);
