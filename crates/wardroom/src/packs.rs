// SPDX-License-Identifier: Apache-2.0
//! The shipped packs, inside the program: `demo` and `replay` need no file beside it.

#[cfg(test)]
mod page;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod tests;

use wardroom_policy::Bundle;

/// Names a file below `policy/`, with its text.
macro_rules! shipped {
    ($($path:literal,)*) => {
        [$(($path, include_str!(concat!("../../../policy/", $path)))),*]
    };
}

/// Path and text of every shipped file.
const FILES: &[(&str, &str)] = &shipped![
    "account/after.ward",
    "account/campaign.ward",
    "account/cases.ward",
    "account/disposable.txt",
    "account/events.ward",
    "account/farm.ward",
    "account/forwarding.txt",
    "account/free_mail.txt",
    "account/lanes.ward",
    "account/likeness.ward",
    "account/login.ward",
    "account/past.ward",
    "account/recovery.ward",
    "account/rtt.ward",
    "account/shared.ward",
    "account/signs.ward",
    "account/signup.ward",
    "account/stuffing.ward",
    "core/blocked_accounts.txt",
    "core/blocked_nets.txt",
    "core/core.ward",
    "core/crawlers.txt",
    "core/office_nets.txt",
    "core/reserved_nets.txt",
    "core/trusted_nets.txt",
    "core/watched_domains.txt",
    "mail/content.ward",
    "mail/events.ward",
    "mail/recipients.ward",
    "sentinel/members.txt",
    "sentinel/sentinel.ward",
    "ssh/ssh.ward",
    "web/probes.csv",
    "web/web.ward",
];

/// The policy that `init` writes: one event type, one rule, its test.
pub(crate) const FIRST: &str = include_str!("first.ward");

/// Path below the policy directory, and text, of every shipped file.
pub(crate) fn files() -> &'static [(&'static str, &'static str)] {
    FILES
}

/// All shipped packs as one policy.
pub(crate) fn shipped() -> Bundle {
    let mut bundle = Bundle::new();
    for &(path, text) in FILES {
        bundle.add(path, text);
    }
    bundle
}
