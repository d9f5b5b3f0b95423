// SPDX-License-Identifier: Apache-2.0
//! `wardroom query`: a question about the past, answered as a table, or in a form that programs read.

mod local;
mod table;

use crate::ask::{self, Server};
use crate::cli::{Query, QueryFormat};
use crate::failure::{NotRight, Usage};
use crate::terminal::{Paint, Progress, printable};
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Longest text read from standard input, in bytes.
const TEXT_BYTES: u64 = wardroom_api::limits::QUESTION_BYTES as u64;
/// How often it is said that an answer is awaited.
const BEAT: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Query) -> Result<ExitCode> {
    let text = text(args)?;
    if args.fmt {
        return in_form(&text);
    }
    if let Some(data) = &args.data {
        if args.sql {
            return Err(Usage("SQL is asked of a server".to_owned()).into());
        }
        return local::answer(args, &text, data);
    }
    let key = ask::key("a query is asked of its server")?;
    super::block_on_one(from_server(args, &text, &key))
}

/// The query: as it is given, or what standard input has.
fn text(args: &Query) -> Result<String> {
    if args.text != "-" {
        return Ok(args.text.clone());
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(TEXT_BYTES)
        .read_to_string(&mut text)
        .context("standard input is no text")?;
    Ok(text)
}

/// Prints the query in its form.
fn in_form(text: &str) -> Result<ExitCode> {
    match wardroom_policy::query::format(text) {
        Ok(form) => {
            writeln!(std::io::stdout().lock(), "{form}")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            let rendered =
                wardroom_report::render(&refusal.diagnostics, &refusal.sources, Paint::stderr().is_on());
            writeln!(std::io::stderr(), "{rendered}")?;
            Err(NotRight.into())
        }
    }
}

/// What is asked, as the server reads it.
fn question(args: &Query, text: &str) -> Value {
    let mut body = Map::new();
    body.insert(if args.sql { "sql" } else { "query" }.to_owned(), json!(text));
    let texts = [("from", &args.from), ("to", &args.to), ("as_of", &args.as_of), ("timeout", &args.timeout)];
    for (name, value) in texts {
        body.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
    }
    body.extend(args.limit.map(|limit| ("limit".to_owned(), json!(limit))));
    if args.reveal {
        body.insert("reveal".to_owned(), json!(true));
    }
    Value::Object(body)
}

async fn from_server(args: &Query, text: &str, key: &str) -> Result<ExitCode> {
    let server = Server::of(args.server.as_deref(), args.config.as_deref())?;
    let format = args.format.unwrap_or(QueryFormat::Table);
    let asked = server.ask_for("/v1/query", key, format.media(), question(args, text));
    let said = waiting(asked).await?;
    if said.status() != 200 {
        return refused(&said.body(), said.status(), server.url());
    }
    let mut out = std::io::stdout().lock();
    match format {
        QueryFormat::Table => {
            let answer: Value =
                serde_json::from_slice(&said.body()).context("the server answers with no JSON")?;
            let width = table::width(std::io::stdout().is_terminal());
            out.write_all(table::draw(&answer, Paint::stdout(), width).as_bytes())?;
        }
        _ => out.write_all(&said.body())?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Says every now and then, from the first second on, that an answer is awaited.
async fn waiting<T>(asked: impl Future<Output = Result<T>>) -> Result<T> {
    let mut progress = Progress::new("asking the past");
    let mut asked = std::pin::pin!(asked);
    loop {
        tokio::select! {
            said = &mut asked => {
                progress.finish();
                return said;
            }
            () = tokio::time::sleep(BEAT) => progress.waits(),
        }
    }
}

/// Says why there is no answer: of a query with faults where they are.
fn refused(body: &[u8], status: u16, url: &str) -> Result<ExitCode> {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(rendered) = problem["rendered"].as_str().filter(|text| !text.is_empty()) {
        writeln!(std::io::stderr(), "{}", printable(rendered))?;
        return Err(NotRight.into());
    }
    let words = ["title", "detail"].map(|name| printable(problem[name].as_str().unwrap_or_default()));
    match status {
        400 | 422 => Err(Usage(words.join(": ")).into()),
        _ => bail!("{url} answers {status}: {}", words.join(": ")),
    }
}
