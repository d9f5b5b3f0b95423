// SPDX-License-Identifier: Apache-2.0
//! `wardroom label`, `act`, `cases`, `jobs`, `undo`, `campaigns`: looking at and acting on what has happened, through a running server.

mod campaigns;
mod cases;
mod jobs;
mod label;
mod plan;

pub(crate) use campaigns::run as campaigns;
pub(crate) use cases::run as cases;
pub(crate) use jobs::{run as jobs, undo};
pub(crate) use label::run as label;
pub(crate) use plan::run as act;

use crate::ask::{self, Said, Server};
use crate::cli::{Asked, End};
use crate::failure::{Refused, Usage};
use crate::terminal::one_line;
use anyhow::{Context, Result};
use serde_json::{Map, Value};
use std::io::{BufRead, Write};
use std::time::Duration;

/// How long is waited between two looks at a job.
const LOOK: Duration = Duration::from_millis(300);

/// A server and a key for it.
struct Desk {
    server: Server,
    key: String,
}

impl Desk {
    fn of(asked: &Asked, role: &str) -> Result<Desk> {
        let server = Server::of(asked.server.as_deref(), asked.config.as_deref())?;
        Ok(Desk { server, key: ask::key_with(role)? })
    }

    async fn get(&self, path: &str) -> Result<Value> {
        self.answered(self.server.get(path, &self.key).await?)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let sent = self.server.send(path, &self.key, "application/json", None, body.to_string().into());
        self.answered(sent.await?)
    }

    /// The JSON of a success; where the server will not do it, why, in its words.
    fn answered(&self, said: Said) -> Result<Value> {
        match said.refusal(&[404, 409, 422]) {
            Some(why) => Err(Refused(why).into()),
            None => said.ok(self.server.url()),
        }
    }

    /// Looks at a job until nothing is under way any more, and shows how far it is.
    async fn watch(&self, id: &str, quiet: bool) -> Result<Value> {
        loop {
            let job = self.get(&format!("/v1/jobs/{id}")).await?;
            let state = job["state"].as_str().unwrap_or_default();
            let going = matches!(state, "running" | "undoing");
            if !quiet {
                let percent = job["progress"].as_f64().unwrap_or(0.0) * 100.0;
                write!(std::io::stderr(), "\rjob {id}: {state}, {percent:.0} %   ")?;
            }
            if !going {
                if !quiet {
                    writeln!(std::io::stderr())?;
                }
                return Ok(job);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Asks whether to go on; no, where nobody answers.
fn agreed(question: &str) -> Result<bool> {
    write!(std::io::stderr(), "{question} [y/N] ")?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read the answer")?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

fn print(json: &Value) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(json)?)?)
}

/// A text of an answer, fit for a terminal.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn put_end(into: &mut Map<String, Value>, end: &End) {
    put(into, "until", &end.until);
    put(into, "expires", &end.expires);
}

fn put(into: &mut Map<String, Value>, key: &str, value: &Option<String>) {
    if let Some(value) = value {
        into.insert(key.to_owned(), Value::String(value.clone()));
    }
}

/// A text within a path or a query.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes().fold(String::new(), |mut out, byte| {
        match plain(byte) {
            true => out.push(byte.into()),
            false => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

fn usage(why: impl Into<String>) -> anyhow::Error {
    Usage(why.into()).into()
}
