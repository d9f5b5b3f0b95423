// SPDX-License-Identifier: Apache-2.0
//! The configuration: one TOML file over the defaults, the command line over both. Unknown keys are refused.

mod account;
mod breach;
mod cases;
mod effects;
mod engine;
mod history;
mod keep;
mod mail;
mod sentinel;
mod sql;

pub(crate) use mail::Door as MailDoor;

use crate::deliver::Destined;
use crate::key_file;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wardroom_engine::{Every, Retention};
use wardroom_event::{Size, Span, nearest};
use wardroom_journal::Keyring;
use wardroom_journal::limits;

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
    /// Most memory that counters, labels, lists and event ids may take, such as `"4GiB"`. Beyond it counters forget the keys
    /// that were touched longest ago. Default `2GiB`.
    memory: Option<String>,
    /// Size of the journal's files, such as `"64MiB"`: each is allocated whole. From 4 KiB to 1 GiB. Default `64MiB`.
    segment_size: Option<String>,
    /// After how much of the journal and after how much time a snapshot is made, whichever comes first: a size, a length of
    /// time or both, such as `"256MiB 10m"`; `"never"` makes none. Default `256MiB 10m`.
    snapshot_every: Option<String>,
    /// How much of the journal is kept: an age, a size or both, such as `"90d"` or `"90d 200GiB"`; what is beyond either goes.
    /// `"all"` keeps everything. Default `all`.
    retention: Option<String>,
    /// Whether `/metrics` needs no key. Default `false`.
    metrics_open: Option<bool>,
    /// Most connections held at once. Default 10000.
    max_connections: Option<usize>,
    /// Most connections held at once from one address; 0 is no bound. Default 0.
    max_connections_per_address: Option<usize>,
    /// How long requests in flight may take when the server stops. Default `10s`.
    shutdown_grace: Option<String>,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`. Default `info`.
    log: Option<String>,
    /// `text` or `json`. Default `text`.
    log_format: Option<String>,
    /// Whether each request gets a line in the log, and each event of a stream. Default `false`.
    log_requests: Option<bool>,
    /// Where traces go.
    telemetry: WrittenTelemetry,
    /// Which files say more about addresses.
    facts: WrittenFacts,
    /// Whether and with which keys the data directory is encrypted.
    encryption: WrittenEncryption,
    /// Where webhooks and notifications go.
    effects: effects::Written,
    /// How people act on what has happened.
    act: WrittenAct,
    /// By when cases are due.
    cases: cases::Written,
    /// How the security logs of accounts look.
    sentinel: sentinel::Written,
    /// Where clients of PostgreSQL connect.
    sql: sql::Written,
    /// The files of the past.
    history: history::Written,
    /// How long values are kept, by event type and field.
    keep: keep::Written,
    /// The files of breached passwords.
    breach: breach::Written,
    /// The doors for logins.
    account: account::Written,
    /// The doors for mail servers.
    mail: mail::Written,
}

/// The section `[act]`: labels, lists and jobs by people.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WrittenAct {
    /// A job of more items needs the approval of a second person: a key of another name with the role `approve`. 0: every
    /// job does. Default 1000.
    second_person_above: Option<usize>,
}

/// The section `[encryption]`: what is written to the data directory is encrypted with a key that lies elsewhere.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WrittenEncryption {
    /// The file with the key, relative to the file; `wardroom journal key new` makes one. Default none: nothing new is
    /// encrypted.
    key_file: Option<PathBuf>,
    /// Files with keys that were used before, relative to the file: they read what was written with them. Default none.
    old_key_files: Option<Vec<PathBuf>>,
}

/// The section `[facts]`: files that say what is known about addresses. They are read again at SIGHUP.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WrittenFacts {
    /// MMDB files, relative to the file: `ip.country`, `ip.asn`, `ip.lat`, `ip.lon`, `ip.kind`. The first that knows
    /// gives the fact. Default none.
    mmdb: Option<Vec<PathBuf>>,
    /// Tables of countries, relative to the file, with lines `first,last,CC`, such as Debian's `tor-geoipdb` has; in
    /// place of the table in the program. Default none.
    countries: Option<Vec<PathBuf>>,
    /// One's own file of kinds, relative to the file: lines `203.0.113.0/24 hosting` and `asn 64500 hosting`. It goes
    /// before what an MMDB file says. Default none.
    kinds: Option<PathBuf>,
}

/// The section `[telemetry]`: traces of requests by OTLP/HTTP, for a collector of OpenTelemetry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WrittenTelemetry {
    /// The collector, such as `http://127.0.0.1:4318`. Default none: there are no traces.
    otlp: Option<String>,
    /// The share of requests that are traced, from 0 to 1; who sends `traceparent` chooses itself. Default `0.05`.
    sample: Option<f64>,
    /// What the server calls itself there. Default `wardroom`.
    service: Option<String>,
    /// A file with headers for the collector, lines `Name: value`, relative to the file. Default none.
    headers: Option<PathBuf>,
}

/// Every key, for the nearest name and for `wardroom config`.
const KEYS: [&str; 28] = [
    "listen",
    "data",
    "policy",
    "durability",
    "memory",
    "segment_size",
    "snapshot_every",
    "retention",
    "metrics_open",
    "max_connections",
    "max_connections_per_address",
    "shutdown_grace",
    "log",
    "log_format",
    "log_requests",
    "telemetry",
    "facts",
    "encryption",
    "effects",
    "act",
    "cases",
    "sentinel",
    "sql",
    "history",
    "keep",
    "mail",
    "breach",
    "account",
];

/// Every key of the section `[act]`.
const ACT_KEYS: [&str; 1] = ["second_person_above"];

/// Every key of the section `[telemetry]`.
const TELEMETRY_KEYS: [&str; 4] = ["otlp", "sample", "service", "headers"];

/// Every key of the section `[facts]`.
const FACTS_KEYS: [&str; 3] = ["mmdb", "countries", "kinds"];

/// Every key of the section `[encryption]`.
const ENCRYPTION_KEYS: [&str; 2] = ["key_file", "old_key_files"];

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
    pub(crate) memory: Known<u64>,
    pub(crate) segment_size: Known<u64>,
    pub(crate) snapshot_every: Known<Option<Every>>,
    pub(crate) retention: Known<Retention>,
    pub(crate) metrics_open: Known<bool>,
    pub(crate) max_connections: Known<usize>,
    pub(crate) max_connections_per_address: Known<usize>,
    pub(crate) shutdown_grace: Known<Duration>,
    pub(crate) log: Known<String>,
    pub(crate) log_format: Known<String>,
    pub(crate) log_requests: Known<bool>,
    pub(crate) telemetry: Telemetry,
    pub(crate) facts: Facts,
    pub(crate) encryption: Encryption,
    pub(crate) effects: Vec<Destined>,
    pub(crate) second_person_above: Known<usize>,
    pub(crate) cases: wardroom_api::Deadlines,
    pub(crate) sentinel: sentinel::Sentinel,
    #[cfg_attr(
        not(feature = "sql"),
        allow(dead_code, reason = "shown and checked where there is no SQL too")
    )]
    pub(crate) sql: sql::Sql,
    pub(crate) history: history::History,
    /// The section `[breach]`.
    pub(crate) breach: breach::Breach,
    /// The section `[keep]`.
    pub(crate) keep: Vec<wardroom_engine::Keep>,
    pub(crate) account: account::Account,
    /// The section `[mail]`.
    pub(crate) mail: Vec<MailDoor>,
}

/// The section `[encryption]` in force.
#[derive(Clone, Debug)]
pub(crate) struct Encryption {
    pub(crate) key_file: Known<Option<PathBuf>>,
    pub(crate) old_key_files: Known<Vec<PathBuf>>,
}

impl Encryption {
    /// Reads the keys.
    pub(crate) fn keys(&self) -> Result<Keyring> {
        let newest = self.key_file.value.as_deref().map(key_file::read).transpose()?;
        let older =
            self.old_key_files.value.iter().map(|path| key_file::read(path)).collect::<Result<_>>()?;
        Ok(Keyring::new(newest, older))
    }

    fn lines(&self) -> [(String, From); 2] {
        [
            (path_line("encryption.key_file", self.key_file.value.as_deref(), "key"), self.key_file.from),
            (
                format!("encryption.old_key_files = {}", path_list(&self.old_key_files.value)),
                self.old_key_files.from,
            ),
        ]
    }
}

fn path_list(paths: &[PathBuf]) -> String {
    let quoted: Vec<String> = paths.iter().map(|path| format!("{:?}", path.display().to_string())).collect();
    format!("[{}]", quoted.join(", "))
}

/// TOML has no word for nothing: the line is there to show the key.
fn path_line(key: &str, path: Option<&Path>, example: &str) -> String {
    match path {
        Some(path) => format!("{key} = {:?}", path.display().to_string()),
        None => format!("# {key} = {example:?}"),
    }
}

/// The section `[telemetry]` in force.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    pub(crate) otlp: Known<Option<String>>,
    pub(crate) sample: Known<f64>,
    pub(crate) service: Known<String>,
    pub(crate) headers: Known<Option<PathBuf>>,
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry {
            otlp: Known::of(None, None),
            sample: Known::of(None, 0.05),
            service: Known::of(None, "wardroom".to_owned()),
            headers: Known::of(None, None),
        }
    }
}

impl Telemetry {
    fn lines(&self) -> [(String, From); 4] {
        let otlp = match &self.otlp.value {
            Some(url) => format!("telemetry.otlp = {url:?}"),
            None => "# telemetry.otlp = \"http://127.0.0.1:4318\"".to_owned(),
        };
        let headers = match &self.headers.value {
            Some(path) => format!("telemetry.headers = {:?}", path.display().to_string()),
            None => "# telemetry.headers = \"collector.headers\"".to_owned(),
        };
        [
            (otlp, self.otlp.from),
            (format!("telemetry.sample = {:?}", self.sample.value), self.sample.from),
            (format!("telemetry.service = {:?}", self.service.value), self.service.from),
            (headers, self.headers.from),
        ]
    }
}

/// The section `[facts]` in force.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) mmdb: Known<Vec<PathBuf>>,
    pub(crate) countries: Known<Vec<PathBuf>>,
    pub(crate) kinds: Known<Option<PathBuf>>,
}

impl Facts {
    /// The files to open, for [`wardroom_facts::Library::open`].
    pub(crate) fn sources(&self) -> wardroom_facts::Sources {
        wardroom_facts::Sources {
            mmdb: self.mmdb.value.clone(),
            countries: self.countries.value.clone(),
            kinds: self.kinds.value.clone(),
        }
    }

    fn lines(&self) -> [(String, From); 3] {
        [
            (format!("facts.mmdb = {}", path_list(&self.mmdb.value)), self.mmdb.from),
            (format!("facts.countries = {}", path_list(&self.countries.value)), self.countries.from),
            (path_line("facts.kinds", self.kinds.value.as_deref(), "kinds.txt"), self.kinds.from),
        ]
    }
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
        let mut lines = vec![
            (format!("listen = {:?}", self.listen.value), self.listen.from),
            (format!("data = {:?}", path(&self.data.value)), self.data.from),
            (format!("policy = {:?}", path(&self.policy.value)), self.policy.from),
            (format!("durability = {:?}", durability_text(self.durability.value)), self.durability.from),
            (format!("memory = {:?}", size_text(self.memory.value)), self.memory.from),
            (format!("segment_size = {:?}", size_text(self.segment_size.value)), self.segment_size.from),
            (
                format!("snapshot_every = {:?}", every_text(self.snapshot_every.value)),
                self.snapshot_every.from,
            ),
            (format!("retention = {:?}", retention_text(self.retention.value)), self.retention.from),
            (format!("metrics_open = {}", self.metrics_open.value), self.metrics_open.from),
            (format!("max_connections = {}", self.max_connections.value), self.max_connections.from),
            (
                format!("max_connections_per_address = {}", self.max_connections_per_address.value),
                self.max_connections_per_address.from,
            ),
            (
                format!("shutdown_grace = {:?}", span_text(self.shutdown_grace.value)),
                self.shutdown_grace.from,
            ),
            (format!("log = {:?}", self.log.value), self.log.from),
            (format!("log_format = {:?}", self.log_format.value), self.log_format.from),
            (format!("log_requests = {}", self.log_requests.value), self.log_requests.from),
        ];
        lines.extend(self.telemetry.lines());
        lines.extend(self.facts.lines());
        lines.extend(self.encryption.lines());
        lines.extend(effects::lines(&self.effects));
        let above = &self.second_person_above;
        lines.push((format!("act.second_person_above = {}", above.value), above.from));
        lines.extend(cases::lines(&self.cases));
        lines.extend(self.sentinel.lines());
        lines.extend(self.sql.lines());
        lines.extend(self.history.lines());
        lines.extend(self.breach.lines());
        lines.extend(self.account.lines());
        lines.extend(keep::lines(&self.keep));
        lines.extend(mail::lines(&self.mail));
        lines
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
    known_keys(&table, "", &KEYS)?;
    if let Some(act) = table.get("act").and_then(toml::Value::as_table) {
        known_keys(act, "act.", &ACT_KEYS)?;
    }
    if let Some(facts) = table.get("facts").and_then(toml::Value::as_table) {
        known_keys(facts, "facts.", &FACTS_KEYS)?;
    }
    if let Some(encryption) = table.get("encryption").and_then(toml::Value::as_table) {
        known_keys(encryption, "encryption.", &ENCRYPTION_KEYS)?;
    }
    if let Some(effects) = table.get("effects").and_then(toml::Value::as_table) {
        effects::check_keys(effects)?;
    }
    if let Some(sentinel) = table.get("sentinel").and_then(toml::Value::as_table) {
        known_keys(sentinel, "sentinel.", &sentinel::KEYS)?;
    }
    if let Some(mail) = table.get("mail").and_then(toml::Value::as_table) {
        mail::check_keys(mail)?;
    }
    if let Some(sql) = table.get("sql").and_then(toml::Value::as_table) {
        known_keys(sql, "sql.", &sql::KEYS)?;
    }
    if let Some(history) = table.get("history").and_then(toml::Value::as_table) {
        known_keys(history, "history.", &history::KEYS)?;
    }
    if let Some(breach) = table.get("breach").and_then(toml::Value::as_table) {
        known_keys(breach, "breach.", &breach::KEYS)?;
    }
    if let Some(account) = table.get("account").and_then(toml::Value::as_table) {
        known_keys(account, "account.", &account::KEYS)?;
    }
    if let Some(telemetry) = table.get("telemetry").and_then(toml::Value::as_table) {
        known_keys(telemetry, "telemetry.", &TELEMETRY_KEYS)?;
    }
    Ok(toml::from_str(text)?)
}

/// Refuses a key that is not known, with the one that was probably meant.
fn known_keys(table: &toml::Table, section: &str, known: &[&str]) -> Result<()> {
    let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    match nearest(key, known.iter().copied()) {
        Some(near) => bail!("no setting `{section}{key}`; did you mean `{section}{near}`?"),
        None => bail!("no setting `{section}{key}`; there are: {}", known.join(", ")),
    }
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
    let memory = written.memory.map(|text| size("memory", &text, LEAST_MEMORY, u64::MAX)).transpose()?;
    let segments = (limits::MIN_SEGMENT_BYTES, limits::MAX_SEGMENT_BYTES);
    let segment_size =
        written.segment_size.map(|text| size("segment_size", &text, segments.0, segments.1)).transpose()?;
    let snapshot_every = written.snapshot_every.map(|text| every(&text)).transpose()?;
    let retention = written.retention.map(|text| retention(&text)).transpose()?;
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
        memory: Known::of(memory, wardroom_engine::limits::MEMORY_BYTES),
        segment_size: Known::of(segment_size, limits::DEFAULT_SEGMENT_BYTES),
        snapshot_every: Known::of(snapshot_every, Some(Every::default())),
        retention: Known::of(retention, Retention::default()),
        metrics_open: Known::of(written.metrics_open, false),
        max_connections: Known::of(written.max_connections, 10_000),
        max_connections_per_address: Known::of(written.max_connections_per_address, 0),
        shutdown_grace: Known::of(grace, Duration::from_secs(10)),
        log: Known::of(log, "info".to_owned()),
        log_format: Known::of(log_format, "text".to_owned()),
        log_requests: Known::of(written.log_requests, false),
        telemetry: resolve_telemetry(written.telemetry, base)?,
        facts: resolve_facts(written.facts, base),
        encryption: Encryption {
            key_file: Known::of(written.encryption.key_file.map(|path| Some(base.join(path))), None),
            old_key_files: Known::of(
                written.encryption.old_key_files.map(|paths| paths.into_iter().map(below).collect()),
                Vec::new(),
            ),
        },
        effects: effects::resolve(written.effects, base)?,
        second_person_above: Known::of(
            written.act.second_person_above,
            wardroom_api::limits::SECOND_PERSON_ABOVE,
        ),
        cases: cases::resolve(&written.cases)?,
        sentinel: sentinel::resolve(written.sentinel, base)?,
        sql: sql::resolve(written.sql, base)?,
        history: history::resolve(written.history, base)?,
        breach: breach::resolve(written.breach, base)?,
        keep: keep::resolve(&written.keep)?,
        account: account::resolve(written.account, base),
        mail: mail::resolve(written.mail)?,
    })
}

fn resolve_facts(written: WrittenFacts, base: &Path) -> Facts {
    let below = |paths: Vec<PathBuf>| paths.into_iter().map(|path| base.join(path)).collect::<Vec<_>>();
    Facts {
        mmdb: Known::of(written.mmdb.map(below), Vec::new()),
        countries: Known::of(written.countries.map(below), Vec::new()),
        kinds: Known::of(written.kinds.map(|path| Some(base.join(path))), None),
    }
}

fn resolve_telemetry(written: WrittenTelemetry, base: &Path) -> Result<Telemetry> {
    let sample = written.sample;
    if let Some(share) = sample.filter(|share| !(0.0..=1.0).contains(share)) {
        bail!("`telemetry.sample` is a share of requests, from 0 to 1; this is {share}");
    }
    Ok(Telemetry {
        otlp: Known::of(written.otlp.map(Some), None),
        sample: Known::of(sample, 0.05),
        service: Known::of(written.service, "wardroom".to_owned()),
        headers: Known::of(written.headers.map(|path| Some(base.join(path))), None),
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

/// Less memory than this holds no useful state.
const LEAST_MEMORY: u64 = 16 << 20;

/// A size between two others, as a key has it.
fn size(key: &str, text: &str, least: u64, most: u64) -> Result<u64> {
    match Size::parse(text) {
        Ok(Size(bytes)) => match u64::try_from(bytes) {
            Ok(bytes) if bytes < least => bail!("`{key}` is at least {}; this is {text:?}", size_text(least)),
            Ok(bytes) if bytes <= most => Ok(bytes),
            _ => bail!("`{key}` is at most {}; this is {text:?}", size_text(most)),
        },
        Err(e) => bail!("`{key}` is a size such as \"64MiB\"; {e}"),
    }
}

/// What is a size, a length of time or both, in either order.
fn size_and_span(key: &str, text: &str, like: &str) -> Result<(Option<u64>, Option<Duration>)> {
    let (mut size, mut time) = (None, None);
    for word in text.split_whitespace() {
        match (Size::parse(word), Span::parse(word)) {
            (Ok(Size(bytes)), _) if bytes > 0 && size.is_none() => size = Some(bytes.unsigned_abs()),
            (_, Ok(span)) if span > Span::ZERO && time.is_none() => {
                time = Some(Duration::from_micros(span.0.unsigned_abs()));
            }
            _ => bail!("`{key}` is a size, a length of time or both, such as {like}; this is {text:?}"),
        }
    }
    if size.is_none() && time.is_none() {
        bail!("`{key}` is a size, a length of time or both, such as {like}; this is empty");
    }
    Ok((size, time))
}

fn every(text: &str) -> Result<Option<Every>> {
    if text == "never" {
        return Ok(None);
    }
    let (bytes, time) = size_and_span("snapshot_every", text, "\"256MiB 10m\", or \"never\"")?;
    Ok(Some(Every { bytes: bytes.unwrap_or(u64::MAX), time: time.unwrap_or(Duration::MAX) }))
}

fn every_text(every: Option<Every>) -> String {
    let Some(Every { bytes, time }) = every else { return "never".to_owned() };
    let size = (bytes < u64::MAX).then(|| size_text(bytes));
    let time = (time < Duration::MAX).then(|| span_text(time));
    [size, time].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn retention(text: &str) -> Result<Retention> {
    if text == "all" {
        return Ok(Retention::default());
    }
    let (bytes, age) = size_and_span("retention", text, "\"90d\" or \"90d 200GiB\", or \"all\"")?;
    Ok(Retention { age, bytes })
}

fn retention_text(retention: Retention) -> String {
    let words: Vec<String> =
        retention.age.map(span_text).into_iter().chain(retention.bytes.map(size_text)).collect();
    if words.is_empty() { "all".to_owned() } else { words.join(" ") }
}

fn size_text(bytes: u64) -> String {
    Size(i64::try_from(bytes).unwrap_or(i64::MAX)).to_string()
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

/// As the configuration file says it.
pub(crate) fn durability_text(durability: wardroom_engine::Durability) -> String {
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
        check("memory = \"1kB\"", "`memory` is at least 16MiB");
        check("memory = \"much\"", "`memory` is a size such as");
        check("segment_size = \"1kB\"", "`segment_size` is at least 4KiB");
        check("segment_size = \"2GiB\"", "`segment_size` is at most 1GiB");
        check("snapshot_every = \"soon\"", "`snapshot_every` is a size, a length of time or both");
        check("snapshot_every = \"1MB 2MB\"", "such as \"256MiB 10m\", or \"never\"");
        check("snapshot_every = \"\"", "this is empty");
        check("retention = \"0d\"", "`retention` is a size");
        check("lisen = \"x\"", "did you mean `listen`?");
        check("colour = true", "there are: listen");
        check("max_connections = 0", "at least 1");
        check("max_connections = \"many\"", "invalid type");
        check("log = \"loud\"", "one of error, warn");
        check("shutdown_grace = \"0s\"", "longer than nothing");
        check("listen = ", "TOML parse error");
        check("[facts]\nkind = \"x\"", "no setting `facts.kind`; did you mean `facts.kinds`?");
        check("[telemetry]\notpl = \"x\"", "no setting `telemetry.otpl`; did you mean `telemetry.otlp`?");
        check("[telemetry]\nsample = 1.5", "from 0 to 1; this is 1.5");
        check("[facts]\ncolour = true", "there are: mmdb, countries, kinds");
        check("[facts]\nmmdb = \"x\"", "invalid type: string");
        check("facts = true", "invalid type: boolean");
        check("[encryption]\nkey = \"x\"", "no setting `encryption.key`");
        check("[encryption]\nkey_file = \"x\"\nold_key_files = [\"y\"]", "durability");
    }

    #[test]
    fn sizes_and_times_are_shown_as_they_are_written() {
        let check = |text: &str, expect: [&str; 4]| {
            let config = parse(text).and_then(|written| resolve(written, Path::new("/etc"), None)).unwrap();
            let lines: Vec<String> = config.lines().into_iter().map(|(line, _)| line).collect();
            assert_eq!(&lines[4..8], expect.map(str::to_owned), "{text}");
        };
        let default = [
            "memory = \"2GiB\"",
            "segment_size = \"64MiB\"",
            "snapshot_every = \"256MiB 10m\"",
            "retention = \"all\"",
        ];
        check("", default);
        check(
            "memory = \"3GB\"\nsegment_size = \"4MiB\"\nsnapshot_every = \"never\"\nretention = \"90d\"",
            [
                "memory = \"3GB\"",
                "segment_size = \"4MiB\"",
                "snapshot_every = \"never\"",
                "retention = \"12w6d\"",
            ],
        );
        check(
            "snapshot_every = \"5m\"\nretention = \"1TiB 30d\"",
            [default[0], default[1], "snapshot_every = \"5m\"", "retention = \"4w2d 1TiB\""],
        );
        check("retention = \"10GB\"", [default[0], default[1], default[2], "retention = \"10GB\""]);
    }

    #[test]
    fn files_of_facts_lie_beside_the_configuration() {
        let lines = |text: &str| {
            let config = parse(text).and_then(|written| resolve(written, Path::new("/etc"), None)).unwrap();
            config.facts.lines().map(|(line, _)| line)
        };
        let none = ["facts.mmdb = []", "facts.countries = []", "# facts.kinds = \"kinds.txt\""];
        assert_eq!(lines(""), none);
        let text = "[facts]\nmmdb = [\"a.mmdb\", \"/b.mmdb\"]\ncountries = [\"c\"]\nkinds = \"k.txt\"";
        let all = [
            "facts.mmdb = [\"/etc/a.mmdb\", \"/b.mmdb\"]",
            "facts.countries = [\"/etc/c\"]",
            "facts.kinds = \"/etc/k.txt\"",
        ];
        assert_eq!(lines(text), all);
    }

    #[test]
    fn every_key_is_known() {
        let lines = resolve(Written::default(), Path::new(""), None).unwrap().lines().len();
        // A section is a key, and no line of its own; of effects, of cases, of what is kept, and of doors for mail there are none by default.
        let sections = FACTS_KEYS.len() + ENCRYPTION_KEYS.len() + TELEMETRY_KEYS.len() + sql::KEYS.len();
        let sections =
            sections + history::KEYS.len() + breach::KEYS.len() + account::KEYS.len() + sentinel::KEYS.len();
        assert_eq!(KEYS.len() - 12 + sections, lines);
    }
}
