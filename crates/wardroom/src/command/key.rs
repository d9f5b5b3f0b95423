// SPDX-License-Identifier: Apache-2.0
//! `wardroom key`: make, list and revoke API keys.

use crate::cli::{Key, KeyAction};
use crate::clock;
use crate::config::Config;
use crate::failure::Usage;
use anyhow::{Context, Result};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wardroom_api::{Allowance, KeyError, Keys, Role};

/// Where a data directory keeps its keys.
pub(crate) fn file(data: &Path) -> PathBuf {
    data.join("keys.toml")
}

pub(crate) fn run(args: Key) -> Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref())?;
    config.data.or_given(args.data);
    let path = file(&config.data.value);
    let mut out = std::io::stdout().lock();
    match args.action {
        KeyAction::New { name, role, rate, burst, weight } => {
            let data = &config.data.value;
            make_data(data)?;
            let token = issue(&path, &name, &role, Allowance { rate, burst, weight })?;
            writeln!(out, "{token}")?;
            writeln!(
                std::io::stderr(),
                "shown once; a running server takes it when it is sent SIGHUP or restarted"
            )?;
        }
        KeyAction::RotateHash => {
            let id = wardroom_engine::rotate_hash_key(&config.data.value)?;
            writeln!(out, "fields that are kept as hashes are hashed with key {id} from the next start on")?;
        }
        KeyAction::List => {
            for key in Keys::list(&path)? {
                let roles: Vec<&str> = key.roles.iter().map(|r| r.name()).collect();
                let allowance = allowance(&key);
                writeln!(
                    out,
                    "{}  {:<24}  {:<28}  {}{allowance}",
                    key.id,
                    key.name,
                    roles.join(","),
                    key.created
                )?;
            }
        }
        KeyAction::Revoke { id } => {
            let key = match Keys::revoke(&path, &id) {
                Err(KeyError::Unknown(id)) => {
                    return Err(
                        Usage(format!("no key has the id `{id}`; `wardroom key list` shows them")).into()
                    );
                }
                other => other?,
            };
            writeln!(out, "key {} ({}) is revoked; send a running server SIGHUP", key.id, key.name)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What of a key's limits is not the default.
fn allowance(key: &wardroom_api::Key) -> String {
    let mut text = String::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text += &format!("  {name} {value}");
        }
    };
    add("rate", key.rate.clone());
    add("burst", key.burst.map(|n| n.to_string()));
    add("weight", key.weight.map(|n| n.to_string()));
    text
}

/// Makes a data directory, open to its owner alone: it says who did what. One that is there keeps what it has.
pub(crate) fn make_data(data: &Path) -> Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.with_context(|| format!("cannot make the directory {}", data.display()))
}

/// Makes a key and gives its token.
pub(crate) fn issue(path: &Path, name: &str, roles: &[String], allowance: Allowance) -> Result<String> {
    let roles: Vec<Role> = roles.iter().map(|r| role(r)).collect::<Result<_>>()?;
    match Keys::issue_within(path, name, &roles, allowance, clock::now()) {
        Err(KeyError::Allowance(why)) => Err(Usage(why).into()),
        issued => Ok(issued?.token.expose().to_owned()),
    }
}

fn role(name: &str) -> Result<Role> {
    Role::named(name).ok_or_else(|| {
        let names: Vec<&str> = Role::ALL.iter().map(|r| r.name()).collect();
        let near = wardroom_event::nearest(name, names.iter().copied());
        let help = near
            .map_or_else(|| format!("there are: {}", names.join(", ")), |n| format!("did you mean `{n}`?"));
        Usage(format!("no role `{name}`; {help}")).into()
    })
}
