// SPDX-License-Identifier: Apache-2.0
//! `wardroom retain`: takes away what is kept no longer, over a data directory that no server has open.

use crate::cli::Retain;
use crate::clock;
use crate::config::Config;
use crate::retain::{Retaining, Took, strange};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::process::ExitCode;
use wardroom_engine::Engine;
use wardroom_history::Past;

pub(crate) fn run(args: &Retain) -> Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref())?;
    config.data.or_given(args.data.clone());
    let data = config.data.value.clone();
    if !data.join("journal").is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let mut out = std::io::stdout().lock();
    if config.keep.is_empty() {
        writeln!(out, "everything is kept: the configuration has no section [keep]")?;
        return Ok(ExitCode::SUCCESS);
    }
    let engine_config = config.engine()?;
    let past = Past::open(&data, &engine_config.keys, &wardroom_history::Options::default());
    let past = past.context("cannot open the past")?;
    let (engine, _) = Engine::open(&engine_config, None, clock::now())?;
    for why in strange(&engine, &config.keep) {
        writeln!(std::io::stderr(), "warning: {why}")?;
    }
    let took = Retaining::new(config.keep.clone()).look(&engine, &past);
    super::block_on_one(async {
        engine.close().await;
        Ok(())
    })?;
    let Took { segments, waiting, files, values } = took?;
    writeln!(out, "{} values are gone from {segments} segments of the journal", values.0)?;
    writeln!(out, "{} values are gone from {files} files of the past in columns", values.1)?;
    if waiting > 0 {
        writeln!(out, "{waiting} segments wait: a start, or an effect to be sent, still needs them")?;
    }
    Ok(ExitCode::SUCCESS)
}
