// SPDX-License-Identifier: Apache-2.0
//! The section `[mail]`: where mail servers ask, in which protocol, and what becomes of mail that cannot be judged.

use super::sql::is_local;
use super::{From, known_keys, size, span, span_text};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use wardroom_api::mail::{Options, Protocol};
use wardroom_mail::door::FailMode;

/// Doors by their names: `[mail.NAME]`.
pub(super) type Written = BTreeMap<String, WrittenDoor>;

/// One door. `protocol`, `listen` and `fail` are needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WrittenDoor {
    /// What is spoken there: `milter`, `delegation`, `rspamd`, `spamd` or `stalwart`.
    protocol: Option<String>,
    /// The address, such as `127.0.0.1:8891`.
    listen: Option<String>,
    /// What becomes of mail that cannot be judged: `tag` delivers it and says in a header that it was not scanned, `tempfail`
    /// puts it off.
    fail: Option<String>,
    /// Longest message; of longer ones the beginning is read, or they are refused where the protocol has it so. Default `32MiB`.
    message_size: Option<String>,
    /// Most connections at once. Default 256.
    connections: Option<usize>,
    /// How long judging may take. Default `5s`.
    timeout: Option<String>,
    /// How long a connection may lie idle. Default `10m`.
    idle: Option<String>,
    /// Whether who connects may say what is spam and what is not. Default `false`.
    teach: Option<bool>,
    /// Whether an address that others can reach is meant: these protocols know no keys, and are not encrypted. Default `false`.
    others: Option<bool>,
}

/// Every key of a door.
const KEYS: [&str; 9] =
    ["protocol", "listen", "fail", "message_size", "connections", "timeout", "idle", "teach", "others"];
/// Most doors.
const MOST_DOORS: usize = 16;
const MOST_CONNECTIONS: usize = 10_000;
/// Smallest bound of a message that lets its headers be read.
const LEAST_MESSAGE: u64 = 64 * 1024;
/// Postfix waits 30 s for the end of a message's commands, and 300 s for its body.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A door in force.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) listen: String,
    pub(crate) options: Options,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({:?} on {:?})", self.options.protocol, self.listen)
    }
}

/// Refuses a key of the section that is not known.
pub(super) fn check_keys(mail: &toml::Table) -> Result<()> {
    for (name, door) in mail {
        match door.as_table() {
            Some(door) => known_keys(door, &format!("mail.{name}."), &KEYS)?,
            None => bail!("`[mail]` has doors, each a section of its own: `[mail.{name}]`"),
        }
    }
    Ok(())
}

/// The doors in force.
pub(super) fn resolve(written: Written) -> Result<Vec<Door>> {
    if written.len() > MOST_DOORS {
        bail!("`[mail]` has {} doors; the most is {MOST_DOORS}", written.len());
    }
    written
        .into_iter()
        .map(|(name, door)| one(&name, door).with_context(|| format!("`[mail.{name}]`")))
        .collect()
}

fn one(name: &str, written: WrittenDoor) -> Result<Door> {
    let names = || Protocol::ALL.map(|(name, _)| format!("`{name}`")).join(", ");
    let protocol = written.protocol.with_context(|| format!("it needs `protocol`: one of {}", names()))?;
    let known = Protocol::ALL.into_iter().find(|(name, _)| *name == protocol);
    let (_, protocol) =
        known.with_context(|| format!("`protocol` is one of {}; this is {protocol:?}", names()))?;
    let fail = match written.fail.as_deref() {
        Some("tag") => FailMode::Tag,
        Some("tempfail") => FailMode::Tempfail,
        Some(other) => bail!("`fail` is `tag` or `tempfail`; this is {other:?}"),
        None => bail!("it needs `fail`, what becomes of mail that cannot be judged: `tag` or `tempfail`"),
    };
    let listen = written.listen.context("it needs `listen`, such as \"127.0.0.1:8891\"")?;
    if !is_local(&listen) && written.others != Some(true) {
        bail!(
            "`listen` = {listen:?} is for other machines too, where nothing keeps strangers out: if that is meant, say `others = true`"
        );
    }
    let mut options = Options::new(name, protocol, fail);
    if let Some(text) = written.message_size {
        let most = wardroom_mail::door::limits::MESSAGE_BYTES as u64;
        options.message_bytes = size("message_size", &text, LEAST_MESSAGE, most)? as usize;
    }
    match written.connections {
        Some(n) if !(1..=MOST_CONNECTIONS).contains(&n) => {
            bail!("`connections` is from 1 to {MOST_CONNECTIONS}; this is {n}");
        }
        Some(n) => options.connections = n,
        None => {}
    }
    if let Some(text) = written.timeout {
        options.timeout = span("timeout", &text)?;
    }
    if options.timeout > LONGEST_TIMEOUT {
        bail!("`timeout` is at most {}", span_text(LONGEST_TIMEOUT));
    }
    if let Some(text) = written.idle {
        options.idle = span("idle", &text)?;
    }
    options.teaches = written.teach.unwrap_or(false);
    Ok(Door { listen, options })
}

/// Every door as lines of TOML.
pub(super) fn lines(all: &[Door]) -> Vec<(String, From)> {
    let shown = |door: &Door| {
        let fail = match door.options.fail {
            FailMode::Tag => "tag",
            FailMode::Tempfail => "tempfail",
        };
        let protocol =
            Protocol::ALL.iter().find(|(_, p)| *p == door.options.protocol).map_or("", |(name, _)| *name);
        format!("# mail.{}: {protocol} on {:?}, fail = {fail:?}", door.options.name, door.listen)
    };
    all.iter().map(|door| (shown(door), From::File)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_checked() {
        let check = |text: &str, expect: &str| {
            let table: toml::Table = text.parse().unwrap();
            let made = check_keys(&table).and_then(|()| resolve(toml::from_str(text)?));
            let said = match made {
                Ok(all) => lines(&all).into_iter().map(|(line, _)| line).collect(),
                Err(e) => format!("{e:#}"),
            };
            assert!(said.contains(expect), "{text}: {said}");
        };
        let door = |rest: &str| format!("[mx]\nprotocol = \"milter\"\nlisten = \"127.0.0.1:8891\"\n{rest}");
        check(&door("fail = \"tag\""), "# mail.mx: milter on \"127.0.0.1:8891\", fail = \"tag\"");
        check(&door(""), "`[mail.mx]`: it needs `fail`");
        check(&door("fail = \"accept\""), "`fail` is `tag` or `tempfail`; this is \"accept\"");
        check(&door("fial = \"tag\""), "no setting `mail.mx.fial`; did you mean `mail.mx.fail`?");
        check("[mx]\nfail = \"tag\"", "it needs `protocol`: one of `milter`");
        check("[mx]\nprotocol = \"smtp\"", "this is \"smtp\"");
        check("[mx]\nprotocol = \"rspamd\"\nfail = \"tag\"", "it needs `listen`");
        check("mx = 1", "`[mail.mx]`");
        let open = "[mx]\nprotocol = \"spamd\"\nfail = \"tempfail\"\nlisten = \"0.0.0.0:783\"\n";
        check(open, "say `others = true`");
        check(&format!("{open}others = true"), "spamd on \"0.0.0.0:783\"");
        check(&door("fail = \"tag\"\nmessage_size = \"1KiB\""), "message_size");
        check(&door("fail = \"tag\"\nmessage_size = \"33MiB\""), "message_size");
        check(&door("fail = \"tag\"\nconnections = 0"), "from 1 to 10000");
        check(&door("fail = \"tag\"\ntimeout = \"2m\""), "at most 1m");
    }
}
