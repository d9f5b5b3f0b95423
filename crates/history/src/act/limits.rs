// SPDX-License-Identifier: Apache-2.0
//! Every bound of acting, each with a name.

use std::time::Duration;

/// Items of a job that are done at once: one piece of work between the events of others.
pub(super) const BATCH: usize = 64;
/// Jobs work one part in this many of their time, and rest for the others.
pub(super) const SHARE: u32 = 4;
/// The longest rest after one batch.
pub(super) const REST: Duration = Duration::from_millis(500);
/// How long nothing is looked for where no job was under way, unless somebody says that one is.
pub(super) const IDLE: Duration = Duration::from_secs(1);
/// How long a job that met a fault waits before it goes on.
pub(super) const RETRY: Duration = Duration::from_secs(2);
/// How many items a preview shows.
pub(super) const SAMPLES: usize = 20;
/// Most bytes of one line of an import.
pub(super) const LINE_BYTES: usize = 8 * 1024;
/// Most faults of an import that are told one by one; of the others, how many there are.
pub(super) const FAULTS: usize = 100;
