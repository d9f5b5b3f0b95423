// SPDX-License-Identifier: Apache-2.0
//! `wardroom campaigns`: who made accounts by the hundred, listed with reasons; and the sweep for sleepers.

use super::{Desk, encoded, plan, print, put, text, usage};
use crate::cli::{Campaigns, CampaignsAction, Sweep};
use crate::clock;
use crate::config::Config;
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use wardroom_api::campaigns::{CampaignsBody, Period, all, one, read};
use wardroom_engine::installation_secret;
use wardroom_event::Sight;
use wardroom_history::Past;
use wardroom_history::query::Look;

/// Most suspects that are told one by one.
const TOLD: usize = 20;

pub(crate) fn run(args: &Campaigns) -> Result<ExitCode> {
    let name = match &args.action {
        Some(CampaignsAction::Sweep(sweep)) if args.data.is_none() => {
            return crate::command::block_on_one(swept(args, sweep));
        }
        Some(CampaignsAction::Sweep(_)) => {
            return Err(usage("a sweep is asked of a server, which does the job"));
        }
        Some(CampaignsAction::Show { name }) => Some(&**name),
        Some(CampaignsAction::List) | None => None,
    };
    let said = match &args.data {
        Some(data) => local(args, name, data)?,
        None => crate::command::block_on_one(from_server(args, name))?,
    };
    match name {
        _ if args.asked.json => print(&said)?,
        Some(_) => shown(&said)?,
        None => listed(&said)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn from_server(args: &Campaigns, name: Option<&str>) -> Result<Value> {
    let desk = Desk::of(&args.asked, "read")?;
    let name = name.map_or(String::new(), |name| format!("/{}", encoded(name)));
    let mut path = format!("/v1/campaigns{name}?reveal={}", args.reveal);
    for (key, value) in [("since", &args.since), ("until", &args.until), ("timeout", &args.timeout)] {
        if let Some(value) = value {
            path += &format!("&{key}={}", encoded(value));
        }
    }
    desk.answered(desk.server.get_at_length(&path, &desk.key).await?)
}

/// The same from a data directory: files and journal are read, no lock is taken.
fn local(args: &Campaigns, name: Option<&str>, data: &Path) -> Result<Value> {
    if !data.join("journal").is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let config = Config::load(args.asked.config.as_deref())?;
    let now = clock::now();
    let period = Period::asked(args.since.as_deref(), args.until.as_deref(), now).map_err(usage)?;
    let past = Past::open(data, &config.encryption.keys()?, &config.history.options());
    let past = past.context("cannot open the past")?;
    let secret = if data.join("secret").exists() { installation_secret(data)?.0 } else { [0; 16] };
    let read = read(&past, period, &[], secret, &Arc::default())?;
    let found = read.linker.look();
    let look = Look { sight: if args.reveal { Sight::Full } else { Sight::Masked }, secret };
    let Some(name) = name else {
        return Ok(serde_json::to_value(CampaignsBody {
            campaigns: all(&found, look),
            signups: found.signups(),
            from: period.from.to_string(),
            to: period.to.unwrap_or(now).to_string(),
            complete: !found.is_cut() && read.linker.left_out() == 0,
        })?);
    };
    let campaign =
        found.campaign(name).with_context(|| format!("there is no campaign `{name}` in this period"))?;
    Ok(serde_json::to_value(one(campaign, look))?)
}

fn listed(said: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let campaigns = said["campaigns"].as_array().map_or(&[][..], Vec::as_slice);
    campaigns.iter().try_for_each(|campaign| head(campaign, &mut out))?;
    let [signups, from, to] = ["signups", "from", "to"].map(|key| text(&said[key]));
    writeln!(out, "{} campaigns among {signups} sign-ups from {from} to {to}", campaigns.len())?;
    if said["complete"] != true {
        writeln!(
            out,
            "not all of them could be looked at: ask for a shorter period, or allow more with --timeout"
        )?;
    }
    Ok(())
}

/// A campaign with what its members share.
fn head(campaign: &Value, out: &mut impl Write) -> Result<()> {
    let [name, members, first, last, evidence] =
        ["name", "members", "first", "last", "evidence"].map(|key| text(&campaign[key]));
    writeln!(out, "{name}  {members} accounts, {first} to {last}, {evidence} nats")?;
    for shared in campaign["shared"].as_array().into_iter().flatten() {
        let [words, have, of, expected, nats] =
            ["words", "members", "of", "expected", "nats"].map(|key| text(&shared[key]));
        writeln!(out, "  {nats:>6}  {words}: {have} of {of}, where honest sharing predicts {expected}")?;
    }
    Ok(())
}

fn shown(campaign: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    head(campaign, &mut out)?;
    let shared = campaign["shared"].as_array().map_or(&[][..], Vec::as_slice);
    for member in campaign["accounts"].as_array().into_iter().flatten() {
        let places = member["shares"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        let what = places.filter_map(|place| Some(text(&shared.get(place as usize)?["what"])));
        let what: Vec<String> = what.collect();
        let [account, decision, time, evidence] =
            ["account", "decision", "time", "evidence"].map(|key| text(&member[key]));
        writeln!(out, "{account}  #{decision}  {time}  {evidence} nats: {}", what.join(", "))?;
    }
    Ok(())
}

async fn swept(args: &Campaigns, sweep: &Sweep) -> Result<ExitCode> {
    let (desk, json) = (Desk::of(&args.asked, "act")?, args.asked.json);
    let mut body = Map::new();
    let texts = [
        ("since", &args.since),
        ("until", &args.until),
        ("timeout", &args.timeout),
        ("label", &sweep.label),
        ("expires", &sweep.expires),
        ("case", &sweep.case),
        ("reason", &sweep.reason),
    ];
    texts.into_iter().for_each(|(name, value)| put(&mut body, name, value));
    body.extend(sweep.above.map(|above| ("above".to_owned(), json!(above))));
    body.insert("refused".to_owned(), json!(sweep.refused));
    body.insert("dry_run".to_owned(), json!(!sweep.run));
    body.insert("reveal".to_owned(), json!(args.reveal));
    let asked =
        desk.server.ask_for("/v1/campaigns/sweep", &desk.key, "application/json", Value::Object(body));
    let said = desk.answered(asked.await?)?;
    if !json {
        suspects(&said)?;
    }
    if !sweep.run || said["id"].is_null() {
        if json {
            print(&said)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    plan::carried_out(&desk, &said, sweep.yes, json).await
}

/// Who, why, and how likely.
fn suspects(said: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let suspects = said["suspects"].as_array().map_or(&[][..], Vec::as_slice);
    for suspect in suspects.iter().take(TOLD) {
        let [account, decision, time, kin] =
            ["account", "decision", "time", "kin"].map(|key| text(&suspect[key]));
        let percent = suspect["probability"].as_f64().unwrap_or(0.0) * 100.0;
        let campaign = match text(&suspect["campaign"]) {
            name if name.is_empty() => name,
            name => format!(", both of {name}"),
        };
        writeln!(
            out,
            "{account}  #{decision}  {time}  {percent:.1} % likely bad, as kin of {kin}{campaign}"
        )?;
        for reason in suspect["because"].as_array().into_iter().flatten() {
            writeln!(out, "  {:>6}  {}", text(&reason["nats"]), text(&reason["words"]))?;
        }
    }
    let count = said["count"].as_u64().unwrap_or(0);
    if count > TOLD as u64 {
        writeln!(out, "… and {} more", count - TOLD as u64)?;
    }
    Ok(writeln!(out, "{count} accounts hang together with those that turned out bad")?)
}
