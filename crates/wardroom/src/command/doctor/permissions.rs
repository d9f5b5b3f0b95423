// SPDX-License-Identifier: Apache-2.0
//! Who may look into the data directory: its owner, and nobody else.

use super::Finding;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What must be closed to others: below the data directory, and how.
const PRIVATE: [(&str, u32); 4] = [("", 0o700), ("journal", 0o755), ("secret", 0o600), ("keys.toml", 0o600)];

/// A file or directory.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) mode: u32,
    /// What it may be at most.
    pub(super) most: u32,
    pub(super) owner: u32,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Permissions {
    pub(super) places: Vec<Place>,
    /// Who looks.
    pub(super) user: u32,
}

pub(super) fn look(data: &Path) -> Permissions {
    let place = |(name, most): (&str, u32)| {
        let path = if name.is_empty() { data.to_owned() } else { data.join(name) };
        let about = std::fs::metadata(&path).ok()?;
        let mode = about.mode() & 0o7777;
        Some(Place { path: path.display().to_string(), mode, most, owner: about.uid() })
    };
    Permissions {
        places: PRIVATE.into_iter().filter_map(place).collect(),
        user: rustix::process::geteuid().as_raw(),
    }
}

pub(super) fn judge(seen: &Permissions) -> Vec<Finding> {
    let mut found = Vec::new();
    for Place { path, mode, most, owner } in &seen.places {
        if mode & !most & 0o077 != 0 {
            found.push(Finding::fail(
                "permissions",
                format!("{path} is open to others (mode {mode:04o})"),
                format!("chmod {most:04o} {path}"),
            ));
        }
        if *owner != seen.user && seen.user != 0 {
            found.push(Finding::warn(
                "permissions",
                format!("{path} belongs to user {owner}, and you are {}", seen.user),
                "run the server, and this, as the user that owns the data",
            ));
        }
    }
    let owners: Vec<u32> = seen.places.iter().map(|p| p.owner).collect();
    if seen.user == 0 && owners.windows(2).any(|two| two[0] != two[1]) {
        found.push(Finding::warn(
            "permissions",
            "the data directory and its files belong to several users",
            "chown -R them to the user that serves",
        ));
    }
    if found.is_empty() && !seen.places.is_empty() {
        found.push(Finding::ok("permissions", "the data directory is closed to others"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fail, Ok as Fine, Warn};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn permissions_are_judged() {
        let place = |path: &str, mode, most, owner| Place { path: path.to_owned(), mode, most, owner };
        let judge = |places: &[Place], user| judge(&Permissions { places: places.to_vec(), user });
        let data = place("data", 0o700, 0o700, 7);
        check(&judge(&[data.clone(), place("secret", 0o600, 0o600, 7)], 7), &[(Fine, "closed")]);
        check(&judge(&[place("data", 0o750, 0o700, 7)], 7), &[(Fail, "chmod 0700 data")]);
        check(
            &judge(&[data.clone(), place("secret", 0o644, 0o600, 7)], 7),
            &[(Fail, "secret is open to others (mode 0644)")],
        );
        check(&judge(&[data.clone(), place("journal", 0o755, 0o755, 7)], 7), &[(Fine, "closed")]);
        check(&judge(std::slice::from_ref(&data), 8), &[(Warn, "belongs to user 7, and you are 8")]);
        check(&judge(std::slice::from_ref(&data), 0), &[(Fine, "closed")]);
        check(&judge(&[data, place("secret", 0o600, 0o600, 0)], 0), &[(Warn, "several users")]);
    }
}
