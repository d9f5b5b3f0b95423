// SPDX-License-Identifier: Apache-2.0
//! Who may look into the data directory, and at the secrets that the configuration names: their owner, and nobody else.

use super::Finding;
use crate::config::Config;
use crate::deliver::Secret;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What must be closed to others: below the data directory, and how.
const PRIVATE: [(&str, u32); 7] = [
    ("", 0o700),
    ("journal", 0o755),
    ("snapshots", 0o755),
    ("ids", 0o755),
    ("secret", 0o600),
    ("hash-keys", 0o600),
    ("keys.toml", 0o600),
];

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
    /// Why the key of encryption at rest cannot be read, where it cannot.
    pub(super) key_fault: Option<String>,
    /// Key files within the directory that they lock.
    pub(super) keys_within: Vec<String>,
}

pub(super) fn look(config: &Config) -> Permissions {
    let data = &config.data.value;
    let below = |(name, most): (&str, u32)| {
        place(if name.is_empty() { data.to_owned() } else { data.join(name) }, most)
    };
    let keys = config.encryption.key_file.value.iter().chain(&config.encryption.old_key_files.value);
    let hooks = config.effects.iter().filter_map(|destined| match &destined.secret {
        Some(Secret::File(path)) => Some(path),
        Some(Secret::Variable(_)) | None => None,
    });
    // Those of encryption are refused when they are read, below.
    let secrets: BTreeSet<&PathBuf> = hooks.chain(&config.telemetry.headers.value).collect();
    let secrets = secrets.into_iter().filter_map(|path| place(path.clone(), 0o600));
    Permissions {
        places: PRIVATE.into_iter().filter_map(below).chain(secrets).collect(),
        user: rustix::process::geteuid().as_raw(),
        key_fault: config.encryption.keys().err().map(|e| format!("{e:#}")),
        keys_within: keys.filter(|key| is_within(data, key)).map(|key| key.display().to_string()).collect(),
    }
}

fn place(path: PathBuf, most: u32) -> Option<Place> {
    let about = std::fs::metadata(&path).ok()?;
    let mode = about.mode() & 0o7777;
    Some(Place { path: path.display().to_string(), mode, most, owner: about.uid() })
}

fn is_within(data: &Path, file: &Path) -> bool {
    let (data, file) = (data.canonicalize(), file.canonicalize());
    data.is_ok_and(|data| file.is_ok_and(|file| file.starts_with(data)))
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
    if let Some(why) = &seen.key_fault {
        found.push(Finding::fail(
            "permissions",
            why,
            "a server does not start without the keys it is told to use",
        ));
    }
    for key in &seen.keys_within {
        found.push(Finding::warn(
            "permissions",
            format!("the key file {key} lies within the data directory that it locks"),
            "move it elsewhere: who has a copy of the directory has the key as well",
        ));
    }
    if found.is_empty() && !seen.places.is_empty() {
        found.push(Finding::ok("permissions", "the data directory and the secrets are closed to others"));
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
        let judge = |places: &[Place], user| {
            judge(&Permissions { places: places.to_vec(), user, ..Permissions::default() })
        };
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
        let keys = Permissions {
            key_fault: Some("cannot read the key file".into()),
            keys_within: vec!["data/key".into()],
            ..Permissions::default()
        };
        check(&super::judge(&keys), &[(Fail, "cannot read the key file"), (Warn, "move it elsewhere")]);
    }
}
