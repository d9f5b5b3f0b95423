// SPDX-License-Identifier: Apache-2.0
//! `wardroom sim score`: worlds through a policy, one thread a world, and the figures that come of it.

use super::peers;
use super::plan::Course;
use super::run::{self, Ran};
use super::table;
use super::words::spoken;
use crate::cli::SimScore;
use crate::command::test::ready;
use crate::terminal::Progress;
use crate::{packs, policy_dir};
use anyhow::{Result, anyhow};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wardroom_engine::Active;
use wardroom_sim::measure::{Door, Draws, Figure, World, figures, losses};

/// Replicates of the bootstrap.
const REPLICATES: usize = 400;
/// What replicates are drawn from.
const DRAWN_FROM: u64 = 0x6669_6775_7265;
/// How often the progress line is drawn.
const TICK: Duration = Duration::from_millis(100);
/// Microseconds of a day.
const DAY: u64 = 86_400_000_000;

pub(super) fn run(args: &SimScore) -> Result<ExitCode> {
    let course = Course::asked(args)?;
    let bundle = match &args.policy {
        Some(dir) => policy_dir::load(dir)?,
        None => packs::shipped(),
    };
    let active = ready(bundle.clone())?;
    let version = active.program.version.to_string();
    let active = if args.words { ready(spoken(bundle, &active.program))? } else { active };
    let began = Instant::now();
    let mut ran = all(&course, &active)?;
    teach(&course, &active, &mut ran)?;
    let said = Said::of(&course, &active, ran, args.words, began).of_version(version);
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&said.json())?)?;
    } else {
        table::say(&said, &mut out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs every world of a course, on as many threads as there are cores.
fn all(course: &Course, active: &Arc<Active>) -> Result<Vec<Ran>> {
    let worlds = course.seeds.len();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(worlds);
    let (next, done, left) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicUsize::new(threads));
    let whole = worlds as u64 * u64::from(course.days) * DAY;
    let mut progress = Progress::new("running simulated worlds");
    let work = || {
        let mut mine = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= worlds {
                break;
            }
            let (plan, peace) = course.plan(at);
            mine.push((at, run::run(plan, peace, active, &done)));
        }
        left.fetch_sub(1, Ordering::Release);
        mine
    };
    let mut found: BTreeMap<usize, Result<Ran>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        while left.load(Ordering::Acquire) > 0 && threads.iter().any(|t| !t.is_finished()) {
            progress.at(done.load(Ordering::Relaxed), whole);
            std::thread::sleep(TICK);
        }
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    progress.finish();
    let lost = || anyhow!("a world tripped over a fault of its own");
    (0..worlds).map(|at| found.remove(&at).ok_or_else(lost)?).collect()
}

/// Lets boosted trees speak: no world is judged by trees that learnt from it.
fn teach(course: &Course, active: &Arc<Active>, ran: &mut [Ran]) -> Result<()> {
    if !course.is_tuning() {
        let models = peers::learn(all(&course.tuning(), active)?.iter());
        ran.iter_mut().for_each(|one| peers::apply(&models, one));
        return Ok(());
    }
    for half in 0..2 {
        let others = ran.iter().enumerate().filter(|(at, _)| at % 2 != half).map(|(_, one)| one);
        let models = peers::learn(others);
        let mine = ran.iter_mut().enumerate().filter(|(at, _)| at % 2 == half);
        mine.for_each(|(_, one)| peers::apply(&models, one));
    }
    Ok(())
}

/// All that is said.
pub(super) struct Said {
    pub(super) policy: String,
    pub(super) seeds: Vec<u64>,
    pub(super) families: Vec<(&'static str, &'static str)>,
    pub(super) people: u32,
    pub(super) days: u32,
    pub(super) rates: Rates,
    pub(super) figures: Vec<Figure>,
    pub(super) cost: Cost,
    pub(super) words: BTreeMap<&'static str, super::words::Words>,
    pub(super) notes: Vec<String>,
}

/// What a world has of each, on average, while it is measured.
#[derive(serde::Serialize)]
pub(super) struct Rates {
    pub(super) honest_signups: u64,
    pub(super) attackers_signups: u64,
    pub(super) honest_logins: u64,
    pub(super) attackers_logins: u64,
}

impl Rates {
    fn of(worlds: &[World]) -> Rates {
        let mean = |door: Door, honest: bool| {
            let all = worlds.iter().flat_map(|world| &world.entries);
            let found = all.filter(|e| e.door == door && e.truth.is_honest() == honest).count();
            (found / worlds.len().max(1)) as u64
        };
        Rates {
            honest_signups: mean(Door::Signup, true),
            attackers_signups: mean(Door::Signup, false),
            honest_logins: mean(Door::Login, true),
            attackers_logins: mean(Door::Login, false),
        }
    }
}

/// What judging cost.
#[derive(serde::Serialize)]
pub(super) struct Cost {
    pub(super) events: u64,
    pub(super) logins: u64,
    /// Nanoseconds of judging and counting a login, by the clock: on a busy machine the greater ones are others' work.
    pub(super) login_nanos_median: u32,
    pub(super) login_nanos_p99: u32,
    /// Bytes of state for each account, at the end of the worlds.
    pub(super) state_bytes_per_account: f64,
    pub(super) took_secs: f64,
}

impl Said {
    fn of(course: &Course, active: &Active, mut ran: Vec<Ran>, with_words: bool, began: Instant) -> Said {
        let mut words = BTreeMap::new();
        for one in &mut ran {
            for (family, said) in std::mem::take(&mut one.words) {
                let kept = words.entry(family).or_insert_with(|| said.clone());
                if said.stops && !kept.stops {
                    *kept = said;
                }
            }
        }
        let (notes, mut cost) = (notes(course, active, &ran), cost(&mut ran));
        let worlds: Vec<World> = ran.into_iter().map(|one| one.world).collect();
        let draws = Draws::new(worlds.len(), REPLICATES, DRAWN_FROM);
        let figures = figures(&worlds, &draws);
        cost.took_secs = began.elapsed().as_secs_f64();
        Said {
            policy: active.program.version.to_string(),
            seeds: course.seeds.clone(),
            families: course.families.iter().map(|f| (f.name, f.words)).collect(),
            people: course.people,
            days: course.days,
            rates: Rates::of(&worlds),
            figures,
            cost,
            words: if with_words { words } else { BTreeMap::new() },
            notes,
        }
    }

    /// Of the policy as it was given, without what lets it speak.
    fn of_version(self, policy: String) -> Said {
        Said { policy, ..self }
    }

    fn json(&self) -> serde_json::Value {
        let names: Vec<&str> = self.families.iter().map(|(name, _)| *name).collect();
        json!({
            "policy": self.policy, "seeds": self.seeds, "families": names, "people": self.people,
            "days": self.days, "rates": self.rates, "figures": self.figures, "where_we_lose": losses(&self.figures),
            "cost": self.cost, "words": self.words, "notes": self.notes,
        })
    }
}

fn cost(ran: &mut [Ran]) -> Cost {
    let mut nanos: Vec<u32> = ran.iter_mut().flat_map(|one| std::mem::take(&mut one.login_nanos)).collect();
    let mut quantile = |percent: usize| {
        let at = nanos.len() * percent / 100;
        if nanos.is_empty() { 0 } else { *nanos.select_nth_unstable(at).1 }
    };
    let (median, p99) = (quantile(50), quantile(99));
    let (bytes, accounts) = ran.iter().fold((0, 0), |(b, a), one| (b + one.state.0, a + one.state.1));
    Cost {
        events: ran.iter().map(|one| one.events).sum(),
        logins: nanos.len() as u64,
        login_nanos_median: median,
        login_nanos_p99: p99,
        state_bytes_per_account: bytes as f64 / accounts.max(1) as f64,
        took_secs: 0.0,
    }
}

/// What a reader must know to read the figures.
fn notes(course: &Course, active: &Active, ran: &[Ran]) -> Vec<String> {
    let mut notes = Vec::new();
    for (event, id) in run::SCORES {
        let kind = active.program.schema.id(event);
        let served = kind.is_some_and(|k| active.program.plan(k).serve.iter().any(|s| &*s.id == id));
        if !served {
            notes.push(format!(
                "the policy serves no {id} on {event}: the curves of {event} are not measured"
            ));
        }
    }
    let mut left_out: BTreeMap<&str, u64> = BTreeMap::new();
    for (why, times) in ran.iter().flat_map(|one| &one.left_out) {
        *left_out.entry(why).or_default() += times;
    }
    notes.extend(
        left_out.into_iter().take(10).map(|(why, times)| format!("{times} events not judged: {why}")),
    );
    if course.seeds.len() < 2 {
        notes.push("one world: there are no intervals, and no trees that learnt elsewhere".to_owned());
    }
    if course.seeds.iter().any(|seed| wardroom_sim::SEALED.contains(seed)) {
        notes.push("sealed worlds were looked at: policy that is changed after this needs others".to_owned());
    }
    notes
}
