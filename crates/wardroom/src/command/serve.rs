// SPDX-License-Identifier: Apache-2.0
//! `wardroom serve`: the API over a data directory, until told to stop.

use crate::cli::Serve;
use crate::clock;
use crate::config::Config;
use crate::deliver::{self, Destined};
use crate::policy_dir;
use crate::sql::Sql;
use crate::telemetry::Exporter;
use crate::terminal::{Paint, grouped};
use anyhow::{Context, Result};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use wardroom_account::breach::{Breach, Files as BreachFiles, Sources as BreachSources};
use wardroom_api::{Acting, Api, Keys, Options};
use wardroom_engine::{Engine, EngineError, Opened, Origin, SwapError};
use wardroom_facts::{Library, Sources};
use wardroom_history::act::Runner;
use wardroom_history::backtest::{Desk, Files, Setting};
use wardroom_history::{Keeper, Past};
use wardroom_policy::{Bundle, Version};
use wardroom_report::render;

pub(crate) async fn run(args: Serve) -> Result<ExitCode> {
    let began = Instant::now();
    let mut config = Config::load(args.config.as_deref())?;
    config.listen.or_given(args.listen);
    config.data.or_given(args.data);
    config.policy.or_given(args.policy);
    log_to_stderr(&config)?;

    let listen = &config.listen.value;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let past = past(&config)?;
    let (engine, taken) = open(&config, &past, args.rebuild, args.clock_is_right)?;
    tokio::spawn(clock::watch());
    let engine = Arc::new(engine);
    engine.set_facts(Arc::new(library(&config.facts.sources())?));
    let keys_file = super::key::file(&config.data.value);
    let keys = Keys::load(&keys_file)?;
    if keys.is_empty() {
        tracing::warn!("there is no API key: nobody can use the API; make one with `wardroom key new NAME`");
    }
    let exporter = Exporter::start(&config.telemetry)?;
    let keeper = keeper(&past)?;
    let runner =
        Arc::new(Runner::start(engine.clone(), clock::now).context("cannot start the jobs' thread")?);
    let acting = Acting { runner: Some(runner), second_person_above: config.second_person_above.value };
    let erasures = crate::erase::Running::new(engine.clone(), past.clone(), config.data.value.clone());
    let retaining = crate::retain::Thread::start(engine.clone(), past.clone(), &config.keep)?;
    let sql = Sql::over(&config, past.clone())?;
    let breach = breach(&config)?;
    let options = Options {
        acting,
        deadlines: config.cases.clone(),
        sentinel: config.sentinel.read()?,
        past: Some(past.clone()),
        history: Some(past),
        metrics_open: config.metrics_open.value,
        max_connections: config.max_connections.value,
        max_connections_per_address: config.max_connections_per_address.value,
        grace: config.shutdown_grace.value,
        log_requests: config.log_requests.value,
        traces: exporter.as_ref().map(Exporter::traces),
        backtests: Some(backtests(&config)?),
        secret: wardroom_engine::installation_secret(&config.data.value)?.0,
        erasures: Some(erasures.clone()),
        host: Some(crate::host::looking(config.data.value.clone(), config.durability.value)),
        sql: sql.for_api(),
        breach: Some(breach.clone()),
        keycloak_secret: config.account.keycloak_secret()?,
        ..Options::new(clock::now)
    };
    say_unconfigured(&engine, &config.effects);
    let delivering = deliver::start(engine.outbox().clone(), &config.effects).await?;
    let api = Api::new(engine.clone(), keys, options);
    let door = sql.open_door(&config, &api).await?;
    let mail = crate::mail::Doors::open(&config.mail, &api).await?;
    reload_on_hangup(&config, engine.clone(), api.clone(), taken, breach)?;

    erasures.resume();
    // Before it says that it serves: whoever waits for that may stop it at once.
    let stop = stop_signal()?;
    let address = listener.local_addr().context("cannot tell the address listened on")?;
    tracing::info!(%address, ready_ms = began.elapsed().as_millis(), "serving");
    wardroom_api::serve(listener, api, stop).await;
    mail.close().await;
    door.close().await;
    delivering.stop().await;
    // It ends after the file that it writes.
    let kept = tokio::task::spawn_blocking(move || keeper.stop()).await;
    kept.context("cannot stop the keeper of the past")?;
    let retained = tokio::task::spawn_blocking(move || retaining.map(crate::retain::Thread::stop)).await;
    retained.context("cannot stop the thread that takes away what is kept no longer")?;
    engine.close().await;
    if let Some(exporter) = exporter {
        exporter.finish().await;
    }
    tracing::info!("stopped; everything accepted is on disk");
    Ok(ExitCode::SUCCESS)
}

/// Opens the engine and says what it found. Gives the version of the policy directory beside it.
fn open(
    config: &Config,
    past: &Past,
    rebuild: bool,
    clock_is_right: bool,
) -> Result<(Engine, Option<Version>)> {
    let policy = policy_dir::load(&config.policy.value);
    if policy.is_err() && !config.policy.value.exists() && !config.data.value.join("journal").exists() {
        // Said before anything is made: what was left would stand in the way of `wardroom init`.
        return Err(no_policy(config));
    }
    let bundle = match policy {
        Ok(bundle) => Some(bundle),
        // The journal may hold a policy; without one the engine says so.
        Err(e) if !config.policy.value.exists() => {
            tracing::warn!("{e:#}");
            None
        }
        Err(e) => return Err(e),
    };
    let taken = bundle.as_ref().map(Bundle::version);
    let exported = Some(past.store().exported());
    let engine_config = wardroom_engine::Config { rebuild, exported, ..config.engine()? };
    // Before anything is opened: what is written there has the time on it.
    clock::begin(&engine_config.data, &engine_config.keys, clock_is_right)?;
    let (engine, opened) = match Engine::open(&engine_config, bundle, clock::now()) {
        Ok(found) => found,
        Err(EngineError::Policy(SwapError::Policy { diagnostics, sources })) => {
            say(&render(&diagnostics, &sources, Paint::stderr().is_on()));
            anyhow::bail!("the policy in {} has errors", config.policy.value.display());
        }
        Err(EngineError::NoPolicy) => return Err(no_policy(config)),
        Err(e) => return Err(e.into()),
    };
    report(&engine, &opened);
    Ok((engine, taken))
}

/// The past of the data directory. Nothing is made there yet.
fn past(config: &Config) -> Result<Arc<Past>> {
    let past = Past::open(&config.data.value, &config.encryption.keys()?, &config.history.options());
    Ok(Arc::new(past.context("cannot open the past")?))
}

/// The thread that puts the past into columns. The engine is open: nobody else writes there.
fn keeper(past: &Arc<Past>) -> Result<Keeper> {
    let removed = past.store().tidy().context("cannot look at the past")?;
    if removed > 0 {
        tracing::info!(files = removed, "what a crash left of the past's files is removed");
    }
    Keeper::start(past.clone(), clock::now).context("no thread for the past")
}

/// What is known about addresses, domains and user agents; says from which files.
fn library(sources: &Sources) -> Result<Library> {
    let library = Library::open(sources)?;
    for about in library.about() {
        tracing::info!("facts: {about}");
    }
    Ok(library)
}

/// What is known of breached passwords; says from which files.
fn breach(config: &Config) -> Result<Arc<Breach>> {
    let key = wardroom_engine::installation_secret(&config.data.value)?.0;
    let files = breach_files(&config.breach.sources())?;
    Ok(Arc::new(Breach::new(key, files, config.breach.is_open(&config.listen.value))))
}

fn breach_files(sources: &BreachSources) -> Result<BreachFiles> {
    let files = BreachFiles::open(sources)?;
    for about in files.about() {
        tracing::info!(
            hashes = %grouped(about.hashes),
            false_positive_rate = about.false_positive_rate(),
            "breached passwords: {} of {} hashes",
            about.what.name(),
            about.kind.name()
        );
    }
    Ok(files)
}

fn no_policy(config: &Config) -> anyhow::Error {
    let (policy, data) = (config.policy.value.display(), config.data.value.display());
    anyhow::anyhow!("no policy: {policy} is not there, and {data} holds none; `wardroom init` makes both")
}

fn report(engine: &Engine, opened: &Opened) {
    if let Some(torn) = &opened.recovery.torn {
        tracing::warn!(?torn, "the last write before the stop was torn and is cut; none of it was durable");
    }
    for skipped in &opened.skipped {
        tracing::warn!(file = %skipped.path.display(), why = %skipped.why, "a snapshot was passed over");
    }
    match opened.snapshot {
        Some(seq) => tracing::info!(seq, folded = %grouped(opened.folded), "went on from a snapshot"),
        None if opened.folded > 0 => {
            tracing::info!(folded = %grouped(opened.folded), "folded the whole journal")
        }
        None => {}
    }
    if opened.uncounted > 0 {
        tracing::info!(
            events = opened.uncounted,
            "events of types that the policy does not have are kept, and not counted"
        );
    }
    let active = engine.active();
    tracing::info!(
        events = %grouped(opened.events),
        policy = %active.program.version,
        origin = active.origin.name(),
        new = opened.adopted,
        rules = active.program.rules.len(),
        "ready"
    );
    for warning in &opened.warnings {
        tracing::warn!(code = warning.code, "policy: {}", warning.message);
    }
}

/// Says which effects of the policy in force would be dead letters at once.
fn say_unconfigured(engine: &Engine, destined: &[Destined]) {
    for line in deliver::unconfigured(&engine.active().program, destined) {
        tracing::warn!("{line}");
    }
}

/// Diagnostics are drawn for a terminal, not for a log.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}\n");
}

/// Resolves when the process is asked to stop.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Set by Ctrl-C and SIGTERM, for a command that then ends by itself.
pub(crate) fn stop_flag() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = {
        let _guard = runtime.enter();
        ignore_file_size_signal();
        stop_signal()?
    };
    let wait = move || {
        runtime.block_on(stop);
        seen.store(true, Relaxed);
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(flag)
}

/// As [`stop_signal`], and when the terminal is closed: for a command that shows something to a person there and must
/// clean up after itself.
pub(crate) fn leave_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let stop = stop_signal()?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot wait for signals")?;
    Ok(async move {
        tokio::select! {
            () = stop => {}
            _ = hangup.recv() => {}
        }
    })
}

/// SIGHUP reads the keys, the files of facts and of breached passwords and the policy directory again. What is not right is logged and changes nothing, and so does a
/// directory whose text is the one last taken from there: a policy put through the API then stays in force.
fn reload_on_hangup(
    config: &Config,
    engine: Arc<Engine>,
    api: Api,
    taken: Option<Version>,
    breach: Arc<Breach>,
) -> Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot wait for signals")?;
    let keys = super::key::file(&config.data.value);
    let facts = config.facts.sources();
    let effects = config.effects.clone();
    let breach = (breach, config.breach.sources());
    let mut reload = Reload { policy: config.policy.value.clone(), facts, breach, effects, engine, taken };
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match Keys::load(&keys) {
                Ok(keys) => api.replace_keys(keys),
                Err(e) => tracing::error!("keys are not reloaded: {e}"),
            }
            // Reading and compiling a large policy takes a while: not on a thread that answers requests.
            let done = tokio::task::spawn_blocking(move || {
                reload.facts();
                reload.breach();
                reload.policy();
                reload
            });
            match done.await {
                Ok(again) => reload = again,
                Err(e) => {
                    tracing::error!("reloading failed by a fault of the server: {e}");
                    return;
                }
            }
        }
    });
    Ok(())
}

/// What reloading the policy needs.
struct Reload {
    policy: PathBuf,
    facts: Sources,
    breach: (Arc<Breach>, BreachSources),
    effects: Vec<Destined>,
    engine: Arc<Engine>,
    /// The version last taken from the directory.
    taken: Option<Version>,
}

impl Reload {
    fn facts(&self) {
        match library(&self.facts) {
            Ok(library) => self.engine.set_facts(Arc::new(library)),
            Err(e) => tracing::error!("facts are not reloaded: {e:#}"),
        }
    }

    fn breach(&self) {
        let (breach, sources) = &self.breach;
        match breach_files(sources) {
            Ok(files) => breach.replace(files),
            Err(e) => tracing::error!("breached passwords are not reloaded: {e:#}"),
        }
    }

    fn policy(&mut self) {
        let bundle = match policy_dir::load(&self.policy) {
            Ok(bundle) => bundle,
            Err(e) => return tracing::error!("the policy is not reloaded: {e:#}"),
        };
        let version = bundle.version();
        if self.taken.as_ref() == Some(&version) {
            let in_force = &self.engine.active().program.version;
            return tracing::info!(policy = %in_force, "keys reloaded; the policy directory has not changed");
        }
        let swap = self.engine.swap(bundle, Origin::Directory, clock::now());
        match tokio::runtime::Handle::current().block_on(swap) {
            Ok(_) => {
                tracing::info!(policy = %version, "reloaded");
                say_unconfigured(&self.engine, &self.effects);
                self.taken = Some(version);
            }
            Err(SwapError::Policy { diagnostics, sources }) => {
                let drawn = render(&diagnostics, &sources, false);
                tracing::error!("the policy is not reloaded: it has errors\n{drawn}");
            }
            Err(e) => tracing::error!("the policy is not reloaded: {e}"),
        }
    }
}

fn log_to_stderr(config: &Config) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log.value).context("`log` is not a level")?;
    let base =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A line that cannot be written, since whoever reads the log is gone, must not be complained about where it cannot
    // be written either: that panics.
    let base = base.log_internal_errors(false);
    if config.log_format.value == "json" {
        base.json().init();
    } else {
        base.with_ansi(Paint::stderr().is_on()).init();
    }
    Ok(())
}

/// A file at the size limit of the process (`ulimit -f`) is then an error that can be told, not a signal that kills.
pub(crate) fn ignore_file_size_signal() {
    // Tokio installs a handler, which is enough: the write then fails with EFBIG. Its stream is never read.
    if let Ok(stream) = signal(SignalKind::from_raw(SIGXFSZ)) {
        std::mem::forget(stream);
    }
}

/// Linux's number on all architectures we build for but MIPS.
const SIGXFSZ: i32 = 25;

/// Where backtests are asked for: one at a time and on one thread, for what comes in goes first.
fn backtests(config: &Config) -> Result<Desk> {
    let files = Files { data: config.data.value.clone(), keys: config.encryption.keys()? };
    Ok(Desk::new(files, Setting::default(), 1))
}
