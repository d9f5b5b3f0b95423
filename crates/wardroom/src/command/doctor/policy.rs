// SPDX-License-Identifier: Apache-2.0
//! The policy directory: whether it would be put in force.

use super::Finding;
use crate::policy_dir;
use std::path::Path;

/// What was seen.
#[derive(Clone, Debug)]
pub(super) enum Policy {
    /// It is not there, or cannot be read.
    Unread(String),
    /// It was compiled.
    Compiled { version: String, errors: usize, warnings: usize, first: Option<String> },
}

pub(super) fn look(path: &Path) -> Policy {
    let bundle = match policy_dir::load(path) {
        Ok(bundle) => bundle,
        Err(e) => return Policy::Unread(format!("{e:#}")),
    };
    let version = bundle.version().to_string();
    let said = wardroom_policy::compile(&bundle).diagnostics;
    let errors = said.iter().filter(|d| d.is_error()).count();
    let first = said.iter().find(|d| d.is_error()).map(|d| d.message.to_string());
    Policy::Compiled { version, errors, warnings: said.len() - errors, first }
}

pub(super) fn judge(policy: &Policy) -> Vec<Finding> {
    let check = "policy";
    vec![match policy {
        Policy::Unread(why) => Finding::warn(
            check,
            why,
            "a server goes on with the policy that its journal has, if there is one; name the directory with --policy",
        ),
        Policy::Compiled { errors: 0, warnings: 0, version, .. } => {
            Finding::ok(check, format!("version {version} compiles"))
        }
        Policy::Compiled { errors: 0, warnings, version, .. } => Finding::ok(
            check,
            format!("version {version} compiles, with {warnings} warnings: `wardroom check` shows them"),
        ),
        Policy::Compiled { errors, first, .. } => Finding::fail(
            check,
            format!("it has {errors} errors; the first: {}", first.as_deref().unwrap_or_default()),
            "`wardroom check` shows them with their places; a server does not start with it",
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fail, Ok as Fine, Warn};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn policies_are_judged() {
        let dir = tempfile::tempdir().unwrap();
        let judge = |text: &str| {
            std::fs::write(dir.path().join("a.ward"), text).unwrap();
            judge(&look(dir.path()))
        };
        check(&judge("event hit:\n    ip: ip\n"), &[(Fine, "compiles")]);
        check(&judge("event hit:\n    ip: address\n"), &[(Fail, "it has 1 errors")]);
        check(&super::judge(&look(&dir.path().join("none"))), &[(Warn, "cannot read the policy")]);
    }
}
