// SPDX-License-Identifier: Apache-2.0
//! `wardroom erase`: through the server that runs, or over a data directory where none does; and whether a report is true.

use crate::ask::{self, Server};
use crate::cli::Erase;
use crate::clock;
use crate::config::Config;
use crate::erase;
use crate::failure::Usage;
use crate::terminal::Progress;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use wardroom_engine::{Engine, Subject, Token, installation_secret};
use wardroom_history::Past;
use wardroom_journal::{Disk, FsDisk};

/// How long to wait between two questions how far it is.
const PACE: Duration = Duration::from_millis(200);
/// Longest report that is read, in bytes.
const REPORT_BYTES: usize = 64 << 20;

pub(crate) fn run(args: &Erase) -> Result<ExitCode> {
    if let Some(report) = &args.verify {
        return verify(args, report);
    }
    let report = match (&args.subject, &args.data) {
        (_, Some(data)) => offline(args, data)?,
        (Some(subject), None) => {
            Subject::parse(subject).map_err(Usage)?;
            super::block_on_one(online(args, subject))?
        }
        (None, None) => return Err(Usage("whom? name a subject, such as account:alice".to_owned()).into()),
    };
    let Some(report) = report else {
        writeln!(std::io::stdout(), "nothing was cut short")?;
        return Ok(ExitCode::SUCCESS);
    };
    let text = serde_json::to_string_pretty(&report)?;
    if let Some(path) = &args.report {
        std::fs::write(path, format!("{text}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let shown = if args.json { text + "\n" } else { erase::shown(&report) };
    write!(std::io::stdout(), "{shown}")?;
    Ok(if erase::is_proven(&report) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Asks the server, and waits until it is done.
async fn online(args: &Erase, subject: &str) -> Result<Option<Value>> {
    let key = ask::key_with("admin")?;
    let server = Server::of(args.server.as_deref(), args.config.as_deref())?;
    let said =
        server.send_json("/v1/erasures", &key, &json!({ "subject": subject })).await?.ok(server.url())?;
    let id = said["id"].as_str().unwrap_or_default().to_owned();
    let mut progress = Progress::new("erasing");
    loop {
        let said = server.get(&format!("/v1/erasures/{id}"), &key).await?.ok(server.url())?;
        match said["state"].as_str() {
            Some("done") => {
                progress.finish();
                return Ok(Some(said["report"].clone()));
            }
            Some("failed") => {
                progress.finish();
                bail!("{}", crate::terminal::one_line(said["why"].as_str().unwrap_or_default()));
            }
            _ => progress.at((said["progress"].as_f64().unwrap_or(0.0) * 1000.0) as u64, 1000),
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Over a data directory that no server has open.
fn offline(args: &Erase, data: &Path) -> Result<Option<Value>> {
    let (engine, past) = open(args, data, false)?;
    let report = match &args.subject {
        None => erase::resume(&engine, &past, data)?,
        Some(subject) => {
            let subject = Subject::parse(subject).map_err(Usage)?;
            let token = match engine.unfinished_erasure()? {
                Some((pending, token)) if pending == subject => token,
                _ => Token::random().context("there is no randomness")?,
            };
            let mut progress = Progress::new("erasing");
            let report =
                erase::erase(&engine, &past, data, &subject, &token, &mut |done, all| progress.at(done, all));
            progress.finish();
            Some(report?)
        }
    };
    super::block_on_one(async {
        engine.close().await;
        Ok(())
    })?;
    Ok(report)
}

fn open(args: &Erase, data: &Path, look: bool) -> Result<(Engine, Past)> {
    if !data.join("journal").is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let mut config = Config::load(args.config.as_deref())?;
    config.data.or_given(Some(data.to_owned()));
    let engine = if look { config.engine_to_look()? } else { config.engine()? };
    let past = Past::open(data, &engine.keys, &wardroom_history::Options::default());
    let past = past.context("cannot open the past")?;
    Ok((Engine::open(&engine, None, clock::now())?.0, past))
}

/// Whether a report is this installation's and unchanged, the journal has its record, and, where the subject is named, it is
/// still nowhere.
fn verify(args: &Erase, report: &Path) -> Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref())?;
    config.data.or_given(args.data.clone());
    let data = config.data.value.clone();
    let text = FsDisk.load(report, REPORT_BYTES);
    let text = text.with_context(|| format!("cannot read {}", report.display()))?;
    let secret = installation_secret(&data)?;
    let claim = erase::read(&String::from_utf8_lossy(&text), secret)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "the report is this installation's, and unchanged")?;
    let (engine, past) = open(args, &data, true)?;
    let found = engine.erasure(claim.record)?;
    let is_there =
        found.as_ref().is_some_and(|(digest, token)| *digest == claim.digest && *token == claim.token);
    match (is_there, engine.first_record() > claim.record) {
        (true, _) => writeln!(out, "record {} of the journal says the same", claim.record)?,
        (false, true) => writeln!(out, "the journal no longer reaches back to record {}", claim.record)?,
        (false, false) => bail!("record {} of the journal does not say so", claim.record),
    }
    let mut good = claim.holds;
    if !claim.holds {
        writeln!(out, "the report itself says that the value was not gone")?;
    }
    if let Some(subject) = &args.subject {
        let subject = Subject::parse(subject).map_err(Usage)?;
        let digest: String = engine.digest(&subject).iter().map(|byte| format!("{byte:02x}")).collect();
        if digest != claim.digest {
            bail!("the report is of another subject");
        }
        let left = erase::look_again(&engine, &past, &data, &subject, claim.record)?;
        left.iter().try_for_each(|path| writeln!(out, "NOT GONE: it is in {path}"))?;
        good &= left.is_empty();
        if left.is_empty() {
            writeln!(out, "it is of this subject, which is in no file")?;
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
