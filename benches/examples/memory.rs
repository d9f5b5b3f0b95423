// SPDX-License-Identifier: Apache-2.0
//! What state takes: `cargo run --release -p wardroom-benches --example memory -- [EVENTS]`.
//!
//! Feeds the simulated provider's events, of the demo's size, through the shipped packs and through one count over five
//! windows. Beside what the engine says it holds stands what it must hold: the pairs of counter and key with a sighting within
//! the window, told apart by a list of its own. Country and operator are unknown here, so what is counted by them is not.
#![allow(clippy::disallowed_methods, reason = "reads the shipped packs")]

use anyhow::{Context, Result, anyhow};
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wardroom_engine::{Active, Flow, Origin, Size};
use wardroom_event::{Draft, Event, Micros, Schema, Value, read};
use wardroom_policy::{Bundle, Row};
use wardroom_sim::{Settings, World};
use wardroom_state::{Key, Keyer, Secret};

/// Events, unless the command line says how many.
const EVENTS: usize = 200_000;
/// Accounts of the demo's provider.
const ACCOUNTS: u32 = 50_000;
const SECRET: Secret = Secret([7; 16]);

/// The same count over five windows.
const FIVE: &str = "
event signup:
    account: account
    ip: ip
    device: device?
    email: email?
    username: text
    form_time: duration?
    user_agent: text?

event login:
    account: account
    ip: ip
    device: device?
    ok: bool
    user_known: bool?
    user_agent: text?

feature in_minutes = count(login, by=ip, last=\"10m\")
feature in_hour    = count(login, by=ip, last=\"1h\")
feature in_hours   = count(login, by=ip, last=\"6h\")
feature in_day     = count(login, by=ip, last=\"1d\")
feature in_week    = count(login, by=ip, last=\"7d\")

rule many on login:
    when    in_minutes + in_hour + in_hours + in_day + in_week > 100_000
    then    limit
    because \"many\"
";

/// The shipped packs.
fn shipped() -> Result<Bundle> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../policy"));
    let mut bundle = Bundle::new();
    for pack in ["account", "core", "ssh", "web"] {
        for file in std::fs::read_dir(root.join(pack))? {
            let path = file?.path();
            let name = path.file_name().and_then(|name| name.to_str()).context("a file's name")?;
            bundle.add(format!("{pack}/{name}"), std::fs::read_to_string(&path)?);
        }
    }
    Ok(bundle)
}

fn active(bundle: Bundle) -> Result<Arc<Active>> {
    let (active, _) = Active::compile(bundle, Origin::Directory, &Keyer::new(SECRET), None)?;
    Ok(Arc::new(active))
}

fn events(schema: &Arc<Schema>, most: usize) -> Result<Vec<Event>> {
    let world = World::new(Settings { accounts: ACCOUNTS, ..Settings::default() });
    let mut json = String::new();
    let typed = world.take(most).map(|happening| {
        json.clear();
        happening.event.write_json(&mut json);
        let draft = Draft::from_json(json.as_bytes()).map_err(|f| anyhow!("{f}"))?;
        read(draft, schema, Micros(happening.arrival), || "none".into()).map_err(|f| anyhow!("{f}"))
    });
    typed.collect()
}

/// Pairs of counter and key that have a sighting within the window when the events are over.
fn alive(flow: &Flow, events: &[Event]) -> usize {
    let active = flow.active();
    let mut last: HashMap<(&str, Key), Micros> = HashMap::new();
    let mut windows = HashMap::new();
    for event in events {
        let row = Row::new(event, &[], &**active);
        for count in &active.program.plan(event.kind).count {
            let feature = &active.program.features[count.feature];
            let values: Vec<Value> = count.key.iter().map(|path| path.of(event)).collect();
            if let (Some(_), Some(key)) = (count.takes(&row), flow.keyer().key(&values)) {
                windows.insert(&*feature.definition, feature.window);
                let time = last.entry((&feature.definition, key)).or_insert(event.counted_at());
                *time = event.counted_at().max(*time);
            }
        }
    }
    let now = events.iter().map(Event::counted_at).max().unwrap_or(Micros(0));
    let within = |((definition, _), time): &(&(&str, Key), &Micros)| {
        windows[definition].is_none_or(|window| **time >= now.minus(window))
    };
    last.iter().filter(within).count()
}

/// What it came to.
struct Found {
    size: Size,
    alive: usize,
    streams: usize,
    counters: usize,
    judge: Duration,
}

fn measure(bundle: Bundle, most: usize) -> Result<Found> {
    let active = active(bundle)?;
    let events = events(&active.program.schema, most)?;
    let mut flow = Flow::new(SECRET, active.clone());
    let began = Instant::now();
    events.iter().for_each(|event| drop(flow.judge(event)));
    let judge = began.elapsed() / u32::try_from(events.len().max(1))?;
    let of = |name: fn(&wardroom_policy::Feature) -> &str| {
        active.program.features.iter().map(name).collect::<HashSet<_>>().len()
    };
    Ok(Found {
        size: flow.size(),
        alive: alive(&flow, &events),
        streams: of(|f| &f.stream),
        counters: of(|f| &f.definition),
        judge,
    })
}

fn main() -> Result<()> {
    let most = std::env::args().nth(1).map_or(Ok(EVENTS), |arg| arg.parse()).context("how many events")?;
    let mut out = io::stdout().lock();
    for (name, bundle) in [("shipped packs", shipped()?), ("five windows", Bundle::single("five.ward", FIVE))]
    {
        let found = measure(bundle, most)?;
        let per = |of: usize| found.size.bytes as f64 / of.max(1) as f64;
        writeln!(out, "{name}: {most} events, {} counters of {} streams", found.counters, found.streams)?;
        writeln!(out, "  bytes held                {:>12}", found.size.bytes)?;
        writeln!(out, "  keys of tables            {:>12}", found.size.keys)?;
        writeln!(
            out,
            "  pairs held                {:>12}  {:.1} bytes each",
            found.size.pairs,
            per(found.size.pairs)
        )?;
        writeln!(out, "  pairs within their window {:>12}  {:.1} bytes each", found.alive, per(found.alive))?;
        writeln!(out, "  reading, counting, judging an event: {:?}", found.judge)?;
    }
    Ok(())
}
