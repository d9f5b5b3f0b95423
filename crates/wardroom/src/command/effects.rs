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
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use wardroom_engine::{Engine, Listed, State};

/// Most that are listed or sent again at once: as many as the server gives.
const MOST: usize = wardroom_api::limits::EFFECTS_LISTED;

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
        EffectsAction::Retry { keys, dead } => super::block_on_one(retry(args, keys, *dead))?,
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

/// Has effects sent again, each by its key; the first that cannot be ends it.
async fn retry(args: &Effects, keys: &[String], dead: bool) -> Result<()> {
    let admin = ask::admin_key()?;
    let server = Server::of(args.server.as_deref(), args.config.as_deref())?;
    let mut all = keys.to_vec();
    if dead {
        let said = listed(args, Stage::Dead, &admin).await?;
        let dead = said["effects"].as_array().into_iter().flatten();
        all.extend(dead.filter_map(|effect| effect["key"].as_str().map(str::to_owned)));
    }
    for key in &all {
        if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') || key.is_empty() {
            return Err(Usage(format!("`{}` is no key of an effect", one_line(key))).into());
        }
        server.call(Method::POST, &format!("/v1/effects/{key}/retry"), &admin).await?.ok(server.url())?;
        writeln!(std::io::stdout(), "{key} is on its way again")?;
    }
    if all.is_empty() {
        writeln!(std::io::stdout(), "none")?;
    }
    Ok(())
}
