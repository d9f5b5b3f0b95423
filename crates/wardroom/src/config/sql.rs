// SPDX-License-Identifier: Apache-2.0
//! The section `[sql]`: where clients of PostgreSQL connect, and how much their statements may take.

use super::{From, Known, path_line, size, size_text, span, span_text};
use anyhow::{Result, bail};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the section may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    /// Address for clients of PostgreSQL, such as `127.0.0.1:5433`. Default none: there is no door.
    listen: Option<String>,
    /// The certificate with its chain (PEM), relative to the file. Needed where others than this machine connect.
    cert: Option<PathBuf>,
    /// Its key (PEM), relative to the file.
    key: Option<PathBuf>,
    /// What one statement may hold, from 1 MiB. Default `256MiB`.
    memory: Option<String>,
    /// Statements at once. Default 4.
    statements: Option<usize>,
    /// How long one may take, at most an hour. Default `30s`.
    timeout: Option<String>,
    /// Connections at once. Default 64.
    connections: Option<usize>,
    /// How long a connection may lie idle. Default `1h`.
    idle: Option<String>,
}

/// Every key of the section.
pub(super) const KEYS: [&str; 8] =
    ["listen", "cert", "key", "memory", "statements", "timeout", "connections", "idle"];

/// Least memory of a statement: less finds no room for one batch of rows.
const LEAST_MEMORY: u64 = 1024 * 1024;
/// Most connections, statements at once, and the longest time-out that can be meant.
const MOST_CONNECTIONS: usize = 10_000;
const MOST_STATEMENTS: usize = 64;
const LONGEST: Duration = Duration::from_secs(3600);

/// The section in force.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    pub(crate) listen: Known<Option<String>>,
    pub(crate) cert: Known<Option<PathBuf>>,
    pub(crate) key: Known<Option<PathBuf>>,
    pub(crate) memory: Known<u64>,
    pub(crate) statements: Known<usize>,
    pub(crate) timeout: Known<Duration>,
    pub(crate) connections: Known<usize>,
    pub(crate) idle: Known<Duration>,
}

pub(super) fn resolve(written: Written, base: &Path) -> Result<Sql> {
    let below = |path: PathBuf| Some(base.join(path));
    let memory = written.memory.map(|text| size("sql.memory", &text, LEAST_MEMORY, u64::MAX)).transpose()?;
    let timeout = written.timeout.map(|text| span("sql.timeout", &text)).transpose()?;
    if timeout.is_some_and(|time| time > LONGEST) {
        bail!("`sql.timeout` is at most an hour");
    }
    let idle = written.idle.map(|text| span("sql.idle", &text)).transpose()?;
    let sql = Sql {
        listen: Known::of(written.listen.map(Some), None),
        cert: Known::of(written.cert.map(below), None),
        key: Known::of(written.key.map(below), None),
        memory: Known::of(memory, 256 * 1024 * 1024),
        statements: Known::of(between("statements", written.statements, MOST_STATEMENTS)?, 4),
        timeout: Known::of(timeout, Duration::from_secs(30)),
        connections: Known::of(between("connections", written.connections, MOST_CONNECTIONS)?, 64),
        idle: Known::of(idle, Duration::from_secs(3600)),
    };
    if sql.cert.value.is_some() != sql.key.value.is_some() {
        bail!("`sql.cert` and `sql.key` go together");
    }
    if let (Some(listen), None) = (&sql.listen.value, &sql.cert.value)
        && !is_local(listen)
    {
        bail!(
            "`sql.listen` = {listen:?} is for other machines too: that needs TLS, `sql.cert` and `sql.key`"
        );
    }
    Ok(sql)
}

fn between(key: &str, written: Option<usize>, most: usize) -> Result<Option<usize>> {
    match written {
        Some(n) if !(1..=most).contains(&n) => bail!("`sql.{key}` is from 1 to {most}; this is {n}"),
        other => Ok(other),
    }
}

/// Whether only this machine can connect there.
pub(super) fn is_local(listen: &str) -> bool {
    match listen.parse::<SocketAddr>() {
        Ok(address) => IpAddr::is_loopback(&address.ip()),
        Err(_) => listen.rsplit_once(':').is_some_and(|(host, _)| host == "localhost"),
    }
}

impl Sql {
    pub(super) fn lines(&self) -> [(String, From); 8] {
        let listen = match &self.listen.value {
            Some(listen) => format!("sql.listen = {listen:?}"),
            None => "# sql.listen = \"127.0.0.1:5433\"".to_owned(),
        };
        [
            (listen, self.listen.from),
            (path_line("sql.cert", self.cert.value.as_deref(), "sql.crt"), self.cert.from),
            (path_line("sql.key", self.key.value.as_deref(), "sql.key"), self.key.from),
            (format!("sql.memory = {:?}", size_text(self.memory.value)), self.memory.from),
            (format!("sql.statements = {}", self.statements.value), self.statements.from),
            (format!("sql.timeout = {:?}", span_text(self.timeout.value)), self.timeout.from),
            (format!("sql.connections = {}", self.connections.value), self.connections.from),
            (format!("sql.idle = {:?}", span_text(self.idle.value)), self.idle.from),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_for_others_needs_a_certificate() {
        let check = |text: &str, expect: Option<&str>| {
            let said =
                resolve(toml::from_str(text).unwrap(), Path::new("")).map(drop).map_err(|e| e.to_string());
            match expect {
                None => assert_eq!(said, Ok(()), "{text}"),
                Some(expect) => assert!(said.clone().is_err_and(|e| e.contains(expect)), "{text}: {said:?}"),
            }
        };
        check("", None);
        check("listen = \"127.0.0.1:5433\"", None);
        check("listen = \"[::1]:5433\"", None);
        check("listen = \"localhost:5433\"", None);
        check("listen = \"0.0.0.0:5433\"", Some("needs TLS"));
        check("listen = \"db.example:5433\"", Some("needs TLS"));
        check("listen = \"0.0.0.0:5433\"\ncert = \"a\"\nkey = \"b\"", None);
        check("cert = \"a\"", Some("go together"));
        check("statements = 0", Some("from 1 to 64"));
        check("timeout = \"2h\"", Some("at most an hour"));
        check("memory = \"1KiB\"", Some("sql.memory"));
    }
}
