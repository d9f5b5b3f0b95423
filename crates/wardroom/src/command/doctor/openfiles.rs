// SPDX-License-Identifier: Apache-2.0
//! How many files may be open: each connection is one.

use super::Finding;
use rustix::process::{Resource, getrlimit};

/// What a server has open beside its connections.
const BESIDE: u64 = 64;

/// What was seen. The limit is that of this command, which a service may have otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenFiles {
    /// `None` where there is no limit.
    pub(super) limit: Option<u64>,
    pub(super) connections: u64,
}

pub(super) fn look(connections: usize) -> OpenFiles {
    OpenFiles { limit: getrlimit(Resource::Nofile).current, connections: connections as u64 }
}

pub(super) fn judge(seen: &OpenFiles) -> Vec<Finding> {
    let check = "open files";
    let needed = seen.connections.saturating_add(BESIDE);
    vec![match seen.limit {
        Some(limit) if limit < needed => Finding::warn(
            check,
            format!("{limit} may be open, and `max_connections` = {} needs {needed}", seen.connections),
            format!(
                "`LimitNOFILE={needed}` in the service's unit, or `ulimit -n`; or fewer `max_connections`"
            ),
        ),
        Some(limit) => Finding::ok(check, format!("{limit} may be open; {needed} are needed at most")),
        None => Finding::ok(check, "as many as there are may be open"),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::State::{Ok as Fine, Warn};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn limits_are_judged() {
        let judge = |limit, connections| judge(&OpenFiles { limit, connections });
        check(&judge(Some(1024), 10_000), &[(Warn, "LimitNOFILE=10064")]);
        check(&judge(Some(10_064), 10_000), &[(Fine, "10064 may be open")]);
        check(&judge(None, 10_000), &[(Fine, "as many")]);
    }
}
