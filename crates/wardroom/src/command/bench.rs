// SPDX-License-Identifier: Apache-2.0
//! `wardroom bench`: durable decisions a second on this machine, and how long each takes, beside the same requests to a
//! server that does nothing.

use crate::cli::Bench;
use crate::load::{self, Arrivals, Mode, Peer, Plan, Population, Report};
use crate::{clock, packs, policy_dir};
use anyhow::{Context, Result};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use wardroom_api::{Allowance, Api, Keys, Options, Role};
use wardroom_engine::Engine;

/// Load before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);
/// Streams at once.
const STREAMS: usize = 4;
/// Events that one stream may have without an answer.
const IN_FLIGHT: usize = 1024;

/// One measurement, with what it is called.
#[derive(Serialize)]
struct Measured {
    what: String,
    report: Report,
}

pub(crate) async fn run(args: Bench) -> Result<ExitCode> {
    if let Some(trial) = args.trial {
        return crate::trial::run(trial).await;
    }
    // Before there is anything to leave behind.
    let stop = super::leave_signal()?;
    let parent = args.data.clone().unwrap_or_else(std::env::temp_dir);
    let dir = tempfile::Builder::new().prefix("wardroom-bench-").tempdir_in(&parent);
    let dir = dir.with_context(|| format!("cannot make a directory in {}", parent.display()))?;
    let server = Server::start(dir.path(), args.policy.as_deref()).await?;
    let result = tokio::select! {
        result = measure(&args, &server, dir.path()) => result,
        () = stop => Ok(ExitCode::from(130)),
    };
    // Nobody writes into the directory any more when it goes.
    server.engine.close().await;
    result
}

async fn measure(args: &Bench, server: &Server, data: &Path) -> Result<ExitCode> {
    let peer = Peer::start(1).context("cannot start the peer")?;
    let (ours, bare) = (To::server(server), To::peer(&peer));
    let rate = f64::from(args.rate);
    let paced = if args.even { Arrivals::Fixed { rate } } else { Arrivals::Poisson { rate, seed: 1 } };
    let runs = [
        (
            "peer that keeps nothing: one event a request, as fast as it goes",
            &bare,
            Mode::Single,
            Arrivals::Max,
        ),
        ("one event a request, as fast as it goes", &ours, Mode::Single, Arrivals::Max),
        ("NDJSON stream, as fast as it goes", &ours, Mode::Stream, Arrivals::Max),
        ("peer that keeps nothing: open loop", &bare, Mode::Single, paced),
        ("one event a request, open loop", &ours, Mode::Single, paced),
    ];
    let mut all = Vec::new();
    for (seed, (what, to, mode, arrivals)) in runs.into_iter().enumerate() {
        let plan = plan(args, to, mode, arrivals, seed as u64 + 1);
        let report = load::run(plan).await.with_context(|| format!("cannot measure: {what}"))?;
        if !args.json {
            writeln!(std::io::stdout(), "{what}\n{}", report.render())?;
        }
        all.push(Measured { what: what.to_owned(), report });
    }
    let status = server.engine.status();
    if args.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        let size = journal_bytes(data);
        let each = size.checked_div(status.events).unwrap_or(0);
        let batch = status.events as f64 / status.batches.max(1) as f64;
        writeln!(
            std::io::stdout(),
            "{} events in the journal, {each} bytes each; {batch:.1} events a sync",
            status.events
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where events are sent.
struct To {
    url: String,
    token: Option<String>,
}

impl To {
    fn server(server: &Server) -> To {
        To { url: server.url.clone(), token: Some(server.token.clone()) }
    }

    fn peer(peer: &Peer) -> To {
        To { url: peer.url(), token: None }
    }
}

/// Each run has a seed of its own: an id that came before would be answered from the journal.
fn plan(args: &Bench, to: &To, mode: Mode, arrivals: Arrivals, seed: u64) -> Plan {
    Plan {
        url: to.url.clone(),
        token: to.token.clone(),
        mode,
        arrivals,
        connections: if mode == Mode::Stream { STREAMS } else { args.connections as usize },
        in_flight: IN_FLIGHT,
        warm_up: WARM_UP,
        duration: Duration::from_secs(args.seconds),
        events: Population::new(seed).events(),
        most: None,
        watch: None,
    }
}

/// A server of our own on a free port.
struct Server {
    url: String,
    token: String,
    engine: Arc<Engine>,
}

impl Server {
    async fn start(data: &Path, policy: Option<&Path>) -> Result<Server> {
        let bundle = match policy {
            Some(dir) => policy_dir::load(dir)?,
            None => packs::shipped(),
        };
        super::compile_or_say(&bundle)?;
        let (engine, _) = Engine::open(&wardroom_engine::Config::new(data), Some(bundle), clock::now())?;
        let engine = Arc::new(engine);
        let keys: PathBuf = super::key::file(data);
        let token =
            super::key::issue(&keys, "bench", &[Role::Ingest.name().to_owned()], Allowance::default())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let api = Api::new(engine.clone(), Keys::load(&keys)?, Options::new(clock::now));
        tokio::spawn(wardroom_api::serve(listener, api, std::future::pending()));
        Ok(Server { url, token, engine })
    }
}

/// Bytes of the journal's frames: what is allocated beyond them is not counted.
fn journal_bytes(data: &Path) -> u64 {
    let entries = std::fs::read_dir(data.join("journal")).into_iter().flatten().flatten();
    let used = |path: PathBuf| {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(path).map_or(0, |m| m.blocks() * 512)
    };
    entries.map(|e| used(e.path())).sum()
}
