// SPDX-License-Identifier: Apache-2.0
//! The section `[account]`: the doors for logins.

use super::{From, Known, path_line};
use crate::key_file;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use wardroom_api::HookSecret;

/// Longest shared secret, in bytes.
const MOST: u64 = 1024;
/// Shortest that nobody guesses, in bytes.
const LEAST: usize = 16;

/// What the section may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    /// The file with the secret that a listener of Keycloak signs its webhooks with, relative to the file and of mode 600.
    /// Default none: webhooks come with a key.
    keycloak_secret_file: Option<PathBuf>,
}

/// Every key of the section.
pub(super) const KEYS: [&str; 1] = ["keycloak_secret_file"];

/// The section in force.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) keycloak_secret_file: Known<Option<PathBuf>>,
}

pub(super) fn resolve(written: Written, base: &Path) -> Account {
    Account {
        keycloak_secret_file: Known::of(written.keycloak_secret_file.map(|path| Some(base.join(path))), None),
    }
}

impl Account {
    /// Reads the secret; a file that others can read or write is refused.
    pub(crate) fn keycloak_secret(&self) -> Result<Option<HookSecret>> {
        let Some(path) = &self.keycloak_secret_file.value else { return Ok(None) };
        let about = || format!("cannot read the secret {}", path.display());
        let file = File::open(path).with_context(about)?;
        key_file::is_closed(&file, "the secret", path)?;
        let mut text = String::new();
        file.take(MOST).read_to_string(&mut text).with_context(about)?;
        if text.trim().len() < LEAST {
            bail!("the secret {} has fewer than {LEAST} characters", path.display());
        }
        Ok(Some(HookSecret::new(text.trim().as_bytes())))
    }

    pub(super) fn lines(&self) -> [(String, From); 1] {
        let file = &self.keycloak_secret_file;
        [(path_line("account.keycloak_secret_file", file.value.as_deref(), "keycloak.secret"), file.from)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_shared_secret_is_its_owners_alone_and_long_enough() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keycloak.secret");
        let written = || Written { keycloak_secret_file: Some("keycloak.secret".into()) };
        let check = |text: &str, mode: u32, expect: &str| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = resolve(written(), dir.path()).keycloak_secret();
            let said = read.map_or_else(|e| format!("{e:#}"), |secret| format!("{secret:?}"));
            assert!(said.contains(expect) && !said.contains("hunter2"), "{said}");
        };
        check("hunter2hunter2hunter2\n", 0o600, "Some(HookSecret(…))");
        check("hunter2hunter2hunter2\n", 0o640, "can be read or written by others");
        check("hunter2\n", 0o600, "fewer than 16 characters");
        assert!(resolve(Written::default(), dir.path()).keycloak_secret().unwrap().is_none());
    }
}
