// SPDX-License-Identifier: Apache-2.0
//! Memory: what the machine or the container gives, against what counters may take.

use super::Finding;
use crate::config::Config;
use crate::host::{proc_kib, size};
use std::io::Read;

/// What a server needs beside its counters, in bytes: threads, buffers, ids, the policy.
const BESIDE: u64 = 256 << 20;

/// What was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) machine: Option<u64>,
    /// What the container may take, where it is limited.
    pub(super) container: Option<u64>,
    /// What counters may take; `None` where no cap is configured.
    pub(super) cap: Option<u64>,
}

pub(super) fn look(config: &Config) -> Memory {
    let mut text = String::new();
    let limit = std::fs::File::open("/sys/fs/cgroup/memory.max");
    let read = limit.and_then(|file| file.take(64).read_to_string(&mut text));
    Memory {
        machine: proc_kib("/proc/meminfo", "MemTotal:").map(|kib| kib * 1024),
        container: read.ok().and_then(|_| text.trim().parse().ok()),
        cap: cap(config),
    }
}

/// The cap on what counters hold.
fn cap(config: &Config) -> Option<u64> {
    Some(config.memory.value)
}

pub(super) fn judge(memory: &Memory) -> Vec<Finding> {
    let check = "memory";
    let given = match (memory.machine, memory.container) {
        (Some(machine), Some(container)) => Some(machine.min(container)),
        (machine, container) => machine.or(container),
    };
    vec![match (given, memory.cap) {
        (None, _) => Finding::unknown(check, "how much there is cannot be seen"),
        (Some(given), None) => Finding::ok(check, format!("there are {}", size(given))),
        (Some(given), Some(cap)) if cap.saturating_add(BESIDE) > given => Finding::warn(
            check,
            format!("counters may take {}, and there are {}", size(cap), size(given)),
            format!(
                "set `memory` to {} or less: the system ends what takes too much",
                size(given.saturating_sub(BESIDE))
            ),
        ),
        (Some(given), Some(cap)) => {
            Finding::ok(check, format!("counters may take {} of {}", size(cap), size(given)))
        }
    }]
}

#[cfg(test)]
mod tests {
    use super::super::State::{Ok as Fine, Unknown, Warn};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn memory_is_judged() {
        let gib = |n: u64| Some(n << 30);
        let judge = |machine, container, cap| judge(&Memory { machine, container, cap });
        check(&judge(None, None, gib(1)), &[(Unknown, "cannot be seen")]);
        check(&judge(gib(8), None, None), &[(Fine, "8.0 GiB")]);
        check(&judge(gib(8), None, gib(2)), &[(Fine, "2.0 GiB of 8.0 GiB")]);
        check(&judge(gib(8), gib(2), gib(2)), &[(Warn, "set `memory` to 1.8 GiB or less")]);
        check(&judge(gib(2), None, gib(2)), &[(Warn, "the system ends")]);
    }
}
