// SPDX-License-Identifier: Apache-2.0
//! The configuration: one TOML file over the defaults, the command line over both. Unknown keys are refused.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wardroom_event::{Span, nearest};

/// The name looked for in the working directory.
pub(crate) const FILE: &str = "wardroom.toml";
/// Longest configuration file, in bytes.
const MOST: u64 = 1024 * 1024;

/// What the file may say. Every key is optional; doc comments are the reference.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    /// Address to listen on. Default `127.0.0.1:8320`.
    listen: Option<String>,
    /// The data directory, relative to the file. Default `data`.
    data: Option<PathBuf>,
    /// The policy directory, relative to the file. Default `policy`.
    policy: Option<PathBuf>,
    /// `"sync"` answers when a decision would survive a power cut; a duration such as `"50ms"` answers at once and
    /// syncs that often. Default `sync`.
    durability: Option<String>,
    /// Whether `/metrics` needs no key. Default `false`.
    metrics_open: Option<bool>,
    /// Most connections held at once. Default 10000.
    max_connections: Option<usize>,
    /// How long requests in flight may take when the server stops. Default `10s`.
    shutdown_grace: Option<String>,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`. Default `info`.
    log: Option<String>,
    /// `text` or `json`. Default `text`.
    log_format: Option<String>,
}

/// Every key, for the nearest name and for `wardroom config`.
const KEYS: [&str; 9] = [
    "listen",
    "data",
    "policy",
    "durability",
    "metrics_open",
    "max_connections",
    "shutdown_grace",
    "log",
    "log_format",
];

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Default,
    File,
    CommandLine,
}

/// A value with where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Known<T> {
    pub(crate) value: T,
    pub(crate) from: From,
}

impl<T> Known<T> {
    fn of(written: Option<T>, default: T) -> Known<T> {
        match written {
            Some(value) => Known { value, from: From::File },
            None => Known { value: default, from: From::Default },
        }
    }

    /// Lets the command line have the last word.
    pub(crate) fn or_given(&mut self, given: Option<T>) {
        if let Some(value) = given {
            *self = Known { value, from: From::CommandLine };
        }
    }
}

/// The configuration in force.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) file: Option<PathBuf>,
    pub(crate) listen: Known<String>,
    pub(crate) data: Known<PathBuf>,
    pub(crate) policy: Known<PathBuf>,
    pub(crate) durability: Known<wardroom_engine::Durability>,
    pub(crate) metrics_open: Known<bool>,
    pub(crate) max_connections: Known<usize>,
    pub(crate) shutdown_grace: Known<Duration>,
    pub(crate) log: Known<String>,
    pub(crate) log_format: Known<String>,
}

impl Config {
    /// Reads `file`, or `wardroom.toml` where there is one, or nothing.
    pub(crate) fn load(file: Option<&Path>) -> Result<Config> {
        let found = match file {
            Some(file) => Some(file.to_owned()),
            None => Some(PathBuf::from(FILE)).filter(|f| f.is_file()),
        };
        let text = match &found {
            Some(file) => read(file)?,
            None => String::new(),
        };
        let name = found.as_deref().map_or_else(|| FILE.to_owned(), |f| f.display().to_string());
        let base = found.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        resolve(parse(&text).with_context(|| format!("{name} is not right"))?, &base, found)
            .with_context(|| format!("{name} is not right"))
    }

    /// Every value as a line of TOML with its origin.
    pub(crate) fn lines(&self) -> Vec<(String, From)> {
        let path = |p: &Path| p.display().to_string();
        vec![
            (format!("listen = {:?}", self.listen.value), self.listen.from),
            (format!("data = {:?}", path(&self.data.value)), self.data.from),
            (format!("policy = {:?}", path(&self.policy.value)), self.policy.from),
            (format!("durability = {:?}", durability_text(self.durability.value)), self.durability.from),
            (format!("metrics_open = {}", self.metrics_open.value), self.metrics_open.from),
            (format!("max_connections = {}", self.max_connections.value), self.max_connections.from),
            (
                format!("shutdown_grace = {:?}", span_text(self.shutdown_grace.value)),
                self.shutdown_grace.from,
            ),
            (format!("log = {:?}", self.log.value), self.log.from),
            (format!("log_format = {:?}", self.log_format.value), self.log_format.from),
        ]
    }
}

fn read(file: &Path) -> Result<String> {
    let about = || format!("cannot read the configuration {}", file.display());
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(about)?;
    opened.take(MOST + 1).read_to_string(&mut text).with_context(about)?;
    if text.len() as u64 > MOST {
        bail!("{} is larger than {MOST} bytes", file.display());
    }
    Ok(text)
}

fn parse(text: &str) -> Result<Written> {
    let table: toml::Table = text.parse()?;
    for key in table.keys() {
        if !KEYS.contains(&key.as_str()) {
            match nearest(key, KEYS) {
                Some(near) => bail!("no setting `{key}`; did you mean `{near}`?"),
                None => bail!("no setting `{key}`; there are: {}", KEYS.join(", ")),
            }
        }
    }
    Ok(toml::from_str(text)?)
}

fn resolve(written: Written, base: &Path, file: Option<PathBuf>) -> Result<Config> {
    let below = |path: PathBuf| base.join(path);
    let durability = match written.durability {
        None => None,
        Some(text) if text == "sync" => Some(wardroom_engine::Durability::Sync),
        Some(text) => match span("durability", &text) {
            Ok(every) => Some(wardroom_engine::Durability::Interval(every)),
            Err(_) => {
                bail!("`durability` is \"sync\" or how often to sync, such as \"50ms\"; this is {text:?}")
            }
        },
    };
    let grace = written.shutdown_grace.map(|text| span("shutdown_grace", &text)).transpose()?;
    let log = one_of("log", written.log, &["error", "warn", "info", "debug", "trace"])?;
    let log_format = one_of("log_format", written.log_format, &["text", "json"])?;
    if written.max_connections == Some(0) {
        bail!("`max_connections` must be at least 1");
    }
    Ok(Config {
        file,
        listen: Known::of(written.listen, "127.0.0.1:8320".to_owned()),
        data: Known::of(written.data.map(below), below("data".into())),
        policy: Known::of(written.policy.map(below), below("policy".into())),
        durability: Known::of(durability, wardroom_engine::Durability::Sync),
        metrics_open: Known::of(written.metrics_open, false),
        max_connections: Known::of(written.max_connections, 10_000),
        shutdown_grace: Known::of(grace, Duration::from_secs(10)),
        log: Known::of(log, "info".to_owned()),
        log_format: Known::of(log_format, "text".to_owned()),
    })
}

fn one_of(key: &str, written: Option<String>, known: &[&str]) -> Result<Option<String>> {
    match written {
        Some(text) if !known.contains(&text.as_str()) => {
            bail!("`{key}` is one of {}; this is {text:?}", known.join(", "))
        }
        other => Ok(other),
    }
}

fn span(key: &str, text: &str) -> Result<Duration> {
    match Span::parse(text) {
        Ok(span) if span > Span::ZERO => Ok(Duration::from_micros(span.0.unsigned_abs())),
        Ok(_) => bail!("`{key}` must be longer than nothing"),
        Err(e) => bail!("`{key}` is a length of time such as \"10s\"; {e}"),
    }
}

fn span_text(duration: Duration) -> String {
    Span(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)).to_string()
}

fn durability_text(durability: wardroom_engine::Durability) -> String {
    match durability {
        wardroom_engine::Durability::Sync => "sync".to_owned(),
        wardroom_engine::Durability::Interval(every) => span_text(every),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_checked() {
        let check = |text: &str, expect: &str| {
            let result = parse(text).and_then(|w| resolve(w, Path::new("/etc"), None));
            let said = result.map_or_else(|e| format!("{e:#}"), |c| c.lines()[3].0.clone());
            assert!(said.contains(expect), "{text}: {said}");
        };
        check("", "durability = \"sync\"");
        check("durability = \"50ms\"", "durability = \"50ms\"");
        check("durability = \"often\"", "`durability` is \"sync\" or how often");
        check("lisen = \"x\"", "did you mean `listen`?");
        check("colour = true", "there are: listen");
        check("max_connections = 0", "at least 1");
        check("max_connections = \"many\"", "invalid type");
        check("log = \"loud\"", "one of error, warn");
        check("shutdown_grace = \"0s\"", "longer than nothing");
        check("listen = ", "TOML parse error");
    }

    #[test]
    fn every_key_is_known() {
        assert_eq!(KEYS.len(), resolve(Written::default(), Path::new(""), None).unwrap().lines().len());
    }
}
