// SPDX-License-Identifier: Apache-2.0
//! `wardroom effects`: what is on its way, what was given up, and once more for that.

use crate::ask::{self, Server};
use crate::cli::{Effects, EffectsAction, Stage};
use crate::clock;
use crate::config::Config;
use crate::failure::Usage;
use crate::terminal::one_line;
use anyhow::{Result, bail};
use hyper::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use wardroom_engine::{Engine, Listed, State};

/// Most that are listed: as many as the server gives.
const MOST: usize = wardroom_api::limits::EFFECTS_LISTED;
/// How long dead letters wait where there is no room for more on their way, and how often in a row.
const ROOM_WAIT: Duration = Duration::from_secs(1);
const ROOM_TRIES: u32 = 60;

pub(crate) fn run(args: &Effects) -> Result<ExitCode> {
    match &args.action {
        EffectsAction::List { state, data, json } => {
            let said = match data {
                Some(data) => from_data(*state, data, args.config.as_deref())?,
                None => {
                    let key = ask::key("effects are asked of their server")?;
                    super::block_on_one(listed(args, *state, &key))?
                }
            };
            let mut out = std::io::stdout().lock();
            if *json {
                writeln!(out, "{}", serde_json::to_string_pretty(&said)?)?;
            } else {
                say(*state, &said, &mut out)?;
            }
        }
        EffectsAction::Retry { keys, dead, to, since } => {
            let filter = [("name", to), ("since", since)];
            let refused = super::block_on_one(retry(args, keys, dead.then_some(filter)))?;
            return Ok(if refused { ExitCode::from(1) } else { ExitCode::SUCCESS });
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn listed(args: &Effects, state: Stage, key: &str) -> Result<Value> {
    let server = Server::of(args.server.as_deref(), args.config.as_deref())?;
    let path = format!("/v1/effects?state={}&limit={MOST}", state.name());
    server.get(&path, key).await?.ok(server.url())
}

/// As the server would answer, from what it left.
fn from_data(state: Stage, data: &Path, config: Option<&Path>) -> Result<Value> {
    if !data.join("journal").is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let mut config = Config::load(config)?;
    config.data.or_given(Some(data.to_owned()));
    let (engine, _) = Engine::open(&config.engine_to_look()?, None, clock::now())?;
    let which = match state {
        Stage::Pending => State::Pending,
        Stage::Dead => State::Dead,
        Stage::Cases => State::Cases,
    };
    let listing = engine.outbox().list(which, MOST);
    let one = |listed: &Listed| {
        json!({
            "key": listed.key,
            "decision": listed.decision.to_string(),
            "effect": listed.destination.channel.name(),
            "name": &*listed.destination.name,
            "attempts": listed.attempts,
            "at": listed.at.to_string(),
            "why": listed.why,
        })
    };
    let effects: Vec<Value> = listing.effects.iter().map(one).collect();
    Ok(json!({ "state": state.name(), "total": listing.total, "effects": effects }))
}

fn say(state: Stage, said: &Value, out: &mut impl Write) -> Result<()> {
    let effects = said["effects"].as_array().map_or(&[][..], Vec::as_slice);
    for effect in effects {
        let text = |key: &str| one_line(effect[key].as_str().unwrap_or_default());
        let (key, what, name, at) = (text("key"), text("effect"), text("name"), text("at"));
        let attempts = match effect["attempts"].as_u64() {
            Some(1) => "1 attempt".to_owned(),
            n => format!("{} attempts", n.unwrap_or(0)),
        };
        let why = match text("why") {
            why if why.is_empty() => why,
            why => format!(": {why}"),
        };
        match state {
            Stage::Pending => writeln!(out, "{key}  {what} {name}  {attempts}, the next {at}{why}")?,
            Stage::Dead => writeln!(out, "{key}  {what} {name}  {attempts}, given up {at}{why}")?,
            Stage::Cases => writeln!(out, "{key}  {what} {name}  opened {at}")?,
        }
    }
    let total = said["total"].as_u64().unwrap_or(0);
    if effects.is_empty() {
        writeln!(out, "none")?;
    } else if total > effects.len() as u64 {
        writeln!(out, "and {} more", total - effects.len() as u64)?;
    }
    Ok(())
}

/// Has effects sent again: those with these keys, and dead letters. One that cannot be holds no other up; whether there
/// were such, once they have been told.
async fn retry(args: &Effects, keys: &[String], dead: Option<[(&str, &Option<String>); 2]>) -> Result<bool> {
    if let Some(key) = keys.iter().find(|key| !is_plain(key)) {
        return Err(Usage(format!("`{}` is no key of an effect", one_line(key))).into());
    }
    let admin = ask::key_with("admin")?;
    let server = Server::of(args.server.as_deref(), args.config.as_deref())?;
    let mut told = Told::default();
    for key in keys {
        let said = server.call(Method::POST, &format!("/v1/effects/{key}/retry"), &admin).await?;
        match said.refusal(&[404, 409, 503]) {
            Some(why) => told.refused.push((key.clone(), why)),
            None => {
                said.ok(server.url())?;
                told.again(key)?;
            }
        }
    }
    if let Some(filter) = dead {
        retry_dead(&server, &admin, filter, &mut told).await?;
    }
    told.end()
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The server looks through its journal for them, some at a time.
async fn retry_dead(
    server: &Server,
    admin: &str,
    filter: [(&str, &Option<String>); 2],
    told: &mut Told,
) -> Result<()> {
    let mut given = String::new();
    for (name, value) in filter {
        if let Some(value) = value {
            write!(given, "&{name}={}", encoded(value))?;
        }
    }
    let (mut after, mut waited) = ("0".to_owned(), 0);
    loop {
        let path = format!("/v1/effects/retry?after={after}{given}");
        let said = server.call(Method::POST, &path, admin).await?.ok(server.url())?;
        let text = |value: &Value| value.as_str().map(one_line).unwrap_or_default();
        let retried = said["retried"].as_array().map_or(&[][..], Vec::as_slice);
        retried.iter().try_for_each(|key| told.again(&text(key)))?;
        let refused = said["refused"].as_array().into_iter().flatten();
        told.refused.extend(refused.map(|it| (text(&it["key"]), text(&it["why"]))));
        let Some(next) = said["next"].as_str() else { return Ok(()) };
        after = next.to_owned();
        if said["full"] == true {
            waited = if retried.is_empty() { waited + 1 } else { 0 };
            if waited >= ROOM_TRIES {
                let why = "too many effects are on their way; ask again when there are fewer".to_owned();
                told.refused.push(("all others".to_owned(), why));
                return Ok(());
            }
            tokio::time::sleep(ROOM_WAIT).await;
        }
    }
}

/// A text within a query: what may stand there as it is does.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// What was said of the effects that were asked for.
#[derive(Default)]
struct Told {
    again: usize,
    refused: Vec<(String, String)>,
}

impl Told {
    fn again(&mut self, key: &str) -> Result<()> {
        self.again += 1;
        Ok(writeln!(std::io::stdout(), "{key} is on its way again")?)
    }

    /// Tells of those that cannot be sent; whether there are any.
    fn end(self) -> Result<bool> {
        for (key, why) in &self.refused {
            writeln!(std::io::stderr(), "{key} is not sent: {why}")?;
        }
        if self.again == 0 && self.refused.is_empty() {
            writeln!(std::io::stdout(), "none")?;
        }
        Ok(!self.refused.is_empty())
    }
}
