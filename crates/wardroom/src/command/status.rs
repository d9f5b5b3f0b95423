// SPDX-License-Identifier: Apache-2.0
//! `wardroom status`: how a running server is; or, where none runs, what its data directory says.
//!
//! Exit codes: 0 healthy, 1 not, with the reasons, 3 no server answers (what its directory says is shown all the same).
//! With `--data` no server is asked, and the code is 0 unless the journal is damaged.

use crate::ask::Server;
use crate::cli::Status;
use crate::clock;
use crate::command::leave_signal;
use crate::config::Config;
use crate::host::{self, size};
use crate::terminal::{Paint, grouped, lasting, one_line};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use wardroom_engine::Glance;
use wardroom_event::Micros;

pub(crate) async fn run(args: Status) -> Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    if let Some(data) = &args.data {
        let said = offline(data, &config)?;
        print(&said, &args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let server = match &args.server {
        Some(url) => Server::named(url)?,
        None => Server::configured(&config)?,
    };
    if !server.is_there().await {
        return unreachable(&server, &config, &args);
    }
    let key = crate::ask::key("a status is asked of its server")?;
    let ask = async || server.get("/v1/status", &key).await?.ok(server.url());
    let mut said = ask().await?;
    print(&said, &args)?;
    if args.watch {
        let mut leave = std::pin::pin!(leave_signal()?);
        loop {
            tokio::select! {
                () = &mut leave => break,
                () = tokio::time::sleep(Duration::from_secs(args.every)) => {}
            }
            said = ask().await?;
            print(&said, &args)?;
        }
    }
    Ok(if said["healthy"] == true { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// No server answers. Where its data directory is at hand, that speaks for it.
fn unreachable(server: &Server, config: &Config, args: &Status) -> Result<ExitCode> {
    let data = &config.data.value;
    if args.server.is_some() || !data.join("journal").is_dir() {
        bail!("no server answers at {}; where it was stopped, --data DIR reads what it left", server.url());
    }
    let said = offline(data, config)?;
    let _ =
        writeln!(std::io::stderr(), "no server answers at {}; this is what its directory says", server.url());
    print(&said, args)?;
    Ok(ExitCode::from(3))
}

/// What a data directory says, without the lock: somebody may serve it.
fn offline(data: &Path, config: &Config) -> Result<Value> {
    let journal = data.join("journal");
    if !journal.is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let glance = Glance::at(&journal, &config.encryption.keys()?)?;
    let policy = glance
        .policy
        .map(|p| json!({ "version": p.version, "origin": p.origin.name(), "since": p.since.to_string() }));
    let newest = glance.newest_event.map(|(_, time)| time.to_string());
    let host = host::look(data, None);
    Ok(json!({
        "offline": data.display().to_string(),
        "version": env!("CARGO_PKG_VERSION"),
        "policy": policy,
        "journal": { "seq": glance.last_seq, "newest_event": newest },
        "host": host,
    }))
}

fn print(said: &Value, args: &Status) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        let text = if args.watch { said.to_string() } else { serde_json::to_string_pretty(said)? };
        return Ok(writeln!(out, "{text}")?);
    }
    if args.watch && Paint::stdout().is_on() {
        // Home, then clear below: the picture stays where it is.
        write!(out, "\u{1b}[H\u{1b}[2J")?;
    } else if args.watch {
        writeln!(out, "-- {}", clock::now())?;
    }
    table(said, Paint::stdout(), &mut out)?;
    Ok(out.flush()?)
}

/// The figures as a table. What a server does not say has no line, so an older one can be asked as well.
fn table(said: &Value, paint: Paint, out: &mut impl Write) -> Result<()> {
    let head = match (said["offline"].as_str(), said["healthy"].as_bool()) {
        (Some(data), _) => paint.bold(&format!("offline: {}", one_line(data))),
        (None, Some(true)) => paint.good("healthy"),
        (None, _) => paint.bad("not healthy"),
    };
    writeln!(out, "{head}")?;
    for reason in said["reasons"].as_array().into_iter().flatten() {
        writeln!(out, "  {}", one_line(reason.as_str().unwrap_or_default()))?;
    }
    for (name, value) in lines(said) {
        writeln!(out, "{name:<12} {value}")?;
    }
    Ok(())
}

/// Each line of the table that there is something for.
fn lines(said: &Value) -> Vec<(&'static str, String)> {
    let at = |pointer: &str| said.pointer(pointer).filter(|v| !v.is_null());
    let number = |pointer: &str| at(pointer).and_then(Value::as_u64);
    let text = |pointer: &str| at(pointer).and_then(Value::as_str).map(one_line);
    let counted = |pointer: &str, words: &str| number(pointer).map(|n| format!("{} {words}", grouped(n)));
    let sized = |pointer: &str, words: &str| number(pointer).map(|n| format!("{}{words}", size(n)));
    let some = |pointer: &str, words: &str| counted(pointer, words).filter(|_| number(pointer) > Some(0));
    let uptime = number("/uptime_seconds").map(|secs| format!("up {}", lasting(secs)));
    let rate =
        |pointer: &str, words: &str| at(pointer).and_then(Value::as_f64).map(|r| format!("{r:.1}/s {words}"));
    let verdicts = at("/decisions").and_then(Value::as_object);
    let verdicts = verdicts.map(|all| {
        let mut all: Vec<(String, u64)> =
            all.iter().map(|(v, n)| (one_line(v), n.as_u64().unwrap_or(0))).collect();
        all.retain(|(_, n)| *n > 0);
        all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        all.iter().map(|(v, n)| format!("{v} {}", grouped(*n))).collect::<Vec<_>>().join(", ")
    });
    let waiting = number("/queue/waiting").zip(number("/queue/limit"));
    let parts = [
        ("version", vec![text("/version"), uptime]),
        (
            "policy",
            vec![
                text("/policy/version"),
                text("/policy/origin").map(|o| format!("from {o}")),
                counted("/policy/rules", "rules"),
                counted("/policy/features", "features"),
                some("/policy/warming", "warming"),
            ],
        ),
        (
            "events",
            vec![
                counted("/events/recorded", "recorded"),
                some("/events/repeated", "repeated"),
                some("/events/refused_full", "refused for want of disk"),
                some("/events/faults", "faults"),
            ],
        ),
        (
            "rate",
            vec![rate("/rates/last_10s", "in the last 10 s"), rate("/rates/last_60s", "in the last minute")],
        ),
        ("decisions", vec![verdicts.filter(|v| !v.is_empty())]),
        ("queue", vec![waiting.map(|(n, of)| format!("{n} of {of}"))]),
        (
            "journal",
            vec![
                number("/journal/seq").map(|n| format!("record {}", grouped(n))),
                counted("/host/journal_segments", "segments"),
                sized("/host/journal_bytes", ""),
                text("/host/durability"),
                newest(said),
            ],
        ),
        (
            "snapshots",
            vec![
                counted("/host/snapshot_files", "files"),
                sized("/host/snapshot_bytes", ""),
                text("/host/snapshot_newest").map(|at| format!("newest {at}")),
            ],
        ),
        ("state", vec![sized("/state/bytes", ""), counted("/state/keys", "keys")]),
        ("effects", effects(said)),
        ("memory", vec![sized("/host/resident_bytes", " resident")]),
        (
            "disk",
            vec![
                sized("/host/disk_free_bytes", " free"),
                sized("/host/disk_bytes", "").map(|all| format!("of {all}")),
            ],
        ),
    ];
    let joined = parts
        .into_iter()
        .map(|(name, parts)| (name, parts.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    joined.filter(|(_, line)| !line.is_empty()).collect()
}

fn newest(said: &Value) -> Option<String> {
    let at = said.pointer("/journal/newest_event")?.as_str()?;
    let secs = Micros::parse(at).map(|at| (clock::now().0 - at.0).max(0).unsigned_abs() / 1_000_000);
    Some(format!(
        "newest event {}{}",
        one_line(at),
        secs.map_or(String::new(), |s| format!(" ({} ago)", lasting(s)))
    ))
}

/// Whatever figures there are about effects, by their names.
fn effects(said: &Value) -> Vec<Option<String>> {
    let all = said["effects"].as_object().into_iter().flatten();
    let shown = all.filter_map(|(name, n)| Some((one_line(name), n.as_u64()?)));
    shown.map(|(name, n)| Some(format!("{} {}", grouped(n), name.replace('_', " ")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_no_line() {
        let said = json!({
            "healthy": false, "reasons": ["the \u{1b}[2J disk"], "version": "0.1.0", "uptime_seconds": 61,
            "decisions": {"allow": 1200, "block": 0, "limit": 1500},
            "queue": {"waiting": 3, "limit": 4096},
            "host": {"disk_free_bytes": 5_u64 << 30, "durability": "sync"},
        });
        let mut out = Vec::new();
        table(&said, Paint::stdout(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let expect = "not healthy
  the \\u{1b}[2J disk
version      0.1.0, up 1m 1s
decisions    limit 1,500, allow 1,200
queue        3 of 4096
journal      sync
disk         5.0 GiB free
";
        assert_eq!(text, expect);
    }
}
