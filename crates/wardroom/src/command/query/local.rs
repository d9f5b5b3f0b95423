// SPDX-License-Identifier: Apache-2.0
//! A question answered from a data directory, with or without a server beside it: files and journal are read, no lock is taken.

use crate::cli::{Query, QueryFormat};
use crate::clock;
use crate::command::query::table;
use crate::config::Config;
use crate::failure::{NotRight, Usage};
use crate::terminal::Paint;
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use wardroom_engine::{Glance, installation_keyer, installation_secret};
use wardroom_event::{Micros, Sight};
use wardroom_history::Past;
use wardroom_history::query::{self, About, Answered, Ask, Format, Look, limits};
use wardroom_policy::Bundle;
use wardroom_policy::query::{Query as Checked, compile, parse_time};

pub(super) fn answer(args: &Query, text: &str, data: &Path) -> Result<ExitCode> {
    let journal = data.join("journal");
    if !journal.is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let config = Config::load(args.config.as_deref())?;
    let keys = config.encryption.keys()?;
    let began = Instant::now();
    let glance = Glance::at(&journal, &keys)?;
    let bundle = glance.policy.and_then(|policy| policy.bundle);
    let bundle = bundle.with_context(|| format!("{} has no policy in force", data.display()))?;
    let query = compiled(&bundle, text)?;
    let (ask, as_of) = (ask(args, data)?, time("as-of", &args.as_of)?);
    let past = Past::open(data, &keys, &config.history.options()).context("cannot open the past")?;
    let answer = query::ask(&past, &query, &ask, as_of)?;
    let sight = if args.reveal { Sight::Full } else { Sight::Masked };
    print(args, Answered::new(answer, Look { sight, secret: ask.secret }), began)
}

/// The query; what is wrong with it is printed, and so are warnings.
fn compiled(bundle: &Bundle, text: &str) -> Result<Checked> {
    let compiled = compile(bundle, text);
    if !compiled.diagnostics.is_empty() {
        let rendered =
            wardroom_report::render(&compiled.diagnostics, &compiled.sources, Paint::stderr().is_on());
        writeln!(std::io::stderr(), "{rendered}")?;
    }
    compiled.query.ok_or_else(|| NotRight.into())
}

fn time(name: &str, text: &Option<String>) -> Result<Option<Micros>> {
    let parse = |text: &String| {
        parse_time(text)
            .ok_or_else(|| Usage(format!("--{name} is a day, 2026-11-01, or a time with its zone")))
    };
    Ok(text.as_ref().map(parse).transpose()?)
}

fn ask(args: &Query, data: &Path) -> Result<Ask> {
    let is_one = data.join("secret").exists();
    let secret = if is_one { installation_secret(data)?.0 } else { [0; 16] };
    let limit = args.limit.unwrap_or(limits::ROWS_USUAL);
    if limit == 0 || limit > limits::ROWS {
        return Err(Usage(format!("--limit is between 1 and {}", limits::ROWS)).into());
    }
    let (from, to) = (time("from", &args.from)?, time("to", &args.to)?);
    let ask = Ask { from, to, limit, ..Ask::new(clock::now(), secret) };
    if !is_one {
        return Ok(ask);
    }
    Ok(Ask { keyer: installation_keyer(data)?, ..ask })
}

fn print(args: &Query, mut answered: Answered, began: Instant) -> Result<ExitCode> {
    let format = args.format.unwrap_or(QueryFormat::Table);
    let form = match format {
        QueryFormat::Table | QueryFormat::Json => Format::Json,
        QueryFormat::Ndjson => Format::Ndjson,
        QueryFormat::Csv => Format::Csv,
        QueryFormat::Arrow => Format::Arrow,
    };
    let more = |about: &About| {
        let mut more = match serde_json::to_value(about) {
            Ok(Value::Object(more)) => more,
            _ => Map::new(),
        };
        more.insert("took_ms".to_owned(), json!(began.elapsed().as_millis() as u64));
        more
    };
    let mut bytes = Vec::new();
    let mut out = std::io::stdout().lock();
    let mut failed = None;
    let put = |piece: Vec<u8>| {
        if format == QueryFormat::Table {
            bytes.extend(piece);
            return true;
        }
        failed = out.write_all(&piece).err();
        failed.is_none()
    };
    let written = query::write(&mut answered, form, more, put);
    if let Some(error) = failed {
        return Err(error.into());
    }
    written?;
    if format == QueryFormat::Table {
        let answer: Value = serde_json::from_slice(&bytes)?;
        let width = table::width(std::io::stdout().is_terminal());
        out.write_all(table::draw(&answer, Paint::stdout(), width).as_bytes())?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
