// SPDX-License-Identifier: Apache-2.0
//! One world through a policy: each happening is judged as the engine would, and the world hears the answer.

use super::numbers::{Sample, number};
use super::peers::{Peers, Told};
use super::words::Words;
use anyhow::{Context, Result, anyhow};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use wardroom_engine::{Active, Flow, Step};
use wardroom_event::{Draft, Event, Micros, Value, read};
use wardroom_facts::Library;
use wardroom_policy::{Serve, Verdict};
use wardroom_sim::accounts::{Answer, Happening, Plan, Scene, Traffic};
use wardroom_sim::measure::{Door, Entry, Judge, Opinion, World};
use wardroom_state::Secret;

/// The scores that curves are drawn from, by event type.
pub(super) const SCORES: [(&str, &str); 2] = [("signup", "account.farmed"), ("login", "account.takeover")];
/// The score of logins that reads no address; a policy without it has no such column.
const NO_ADDRESS: (&str, &str) = ("login", "account.takeover_rtt");

/// A world that was run.
pub(super) struct Ran {
    pub(super) world: World,
    pub(super) signups: Sample,
    pub(super) logins: Sample,
    /// Nanoseconds of judging and counting each login.
    pub(super) login_nanos: Vec<u32>,
    /// Bytes of counters, labels and lists at the end, and how many accounts there were.
    pub(super) state: (usize, usize),
    /// One decision about each family.
    pub(super) words: BTreeMap<&'static str, Words>,
    /// Events that the policy has no type for, or that it refused, by what was wrong.
    pub(super) left_out: BTreeMap<String, u64>,
    /// Events in all.
    pub(super) events: u64,
}

/// Runs a plan to its end; `done` is told how far it is, in microseconds of the world.
pub(super) fn run(plan: Plan, peace: i64, active: &Arc<Active>, done: &AtomicU64) -> Result<Ran> {
    let (start, people) = (plan.start, plan.people);
    let mut runner = Runner::new(&plan, peace, active);
    let mut scene = Scene::new(plan);
    let (mut line, mut told) = (String::new(), start);
    while let Some(happening) = scene.next() {
        line.clear();
        happening.event.write_json(&mut line);
        let answer = runner.take(&happening, &line)?;
        scene.hear(&happening, answer);
        done.fetch_add((happening.arrival - told).max(0) as u64, Ordering::Relaxed);
        told = told.max(happening.arrival);
    }
    done.fetch_add((runner.ran.world.until - told).max(0) as u64, Ordering::Relaxed);
    let size = runner.flow.size();
    let signups = runner.ran.world.entries.iter().filter(|e| e.door == Door::Signup).count();
    runner.ran.state = (size.bytes, people as usize + signups);
    Ok(runner.ran)
}

/// What a type of event is to the measure.
#[derive(Clone, Copy)]
struct Reads {
    /// Place of the score among the served values.
    score: Option<usize>,
    no_address: Option<usize>,
    columns: usize,
}

struct Runner {
    flow: Flow,
    active: Arc<Active>,
    facts: Library,
    peers: Peers,
    reads: BTreeMap<u16, Reads>,
    now: Micros,
    ran: Ran,
}

impl Runner {
    fn new(plan: &Plan, peace: i64, active: &Arc<Active>) -> Runner {
        let program = &active.program;
        let reads: BTreeMap<u16, Reads> = program
            .schema
            .iter()
            .map(|(kind, of)| {
                let serve = &program.plan(kind).serve;
                let id = SCORES.iter().find(|(event, _)| *event == &*of.name).map(|(_, id)| *id);
                let score = serve.iter().position(|s| id == Some(&*s.id));
                let is_one = |s: &Serve| NO_ADDRESS == (&*of.name, &*s.id);
                (kind.0, Reads { score, no_address: serve.iter().position(is_one), columns: serve.len() })
            })
            .collect();
        let columns = |name: &str| {
            program.schema.id(name).and_then(|kind| reads.get(&kind.0)).map_or(0, |reads| reads.columns)
        };
        let ran = Ran {
            world: World {
                seed: plan.seed,
                people: plan.people,
                from: plan.start + peace,
                until: plan.start + i64::from(plan.days) * 86_400_000_000,
                entries: Vec::new(),
            },
            signups: Sample::new(columns("signup"), plan.seed),
            logins: Sample::new(columns("login"), plan.seed),
            login_nanos: Vec::new(),
            state: (0, 0),
            words: BTreeMap::new(),
            left_out: BTreeMap::new(),
            events: 0,
        };
        let flow = Flow::new(Secret([0; 16]), active.clone());
        let (active, facts) = (active.clone(), Library::default());
        Runner { flow, active, facts, peers: Peers::default(), reads, now: Micros(i64::MIN), ran }
    }

    /// Judges one happening.
    fn take(&mut self, happening: &Happening, line: &str) -> Result<Answer> {
        self.ran.events += 1;
        let draft = Draft::from_json(line.as_bytes())
            .map_err(|faults| anyhow!("{faults}"))
            .context("the simulation wrote an event that is none")?;
        let told = Told::of(happening, &draft);
        let mut said = [Opinion::default(); Judge::ALL.len()];
        self.peers.judge(&told, &mut said);
        let answer = match self.typed(happening, draft) {
            Some(event) => self.judge(&event, happening, &mut said, told.door),
            None => Answer::Pass,
        };
        let stops = said[Judge::Policy as usize].stops() == Some(true);
        self.peers.learn(&told, stops);
        self.keep(happening, &told, said, stops);
        Ok(answer)
    }

    /// The event under the policy's schema: facts that the policy does not ask for are no fields of it.
    fn typed(&mut self, happening: &Happening, mut draft: Draft<'_>) -> Option<Event> {
        let schema = self.active.program.schema.clone();
        let Some(kind) = schema.id(&draft.kind) else {
            *self.ran.left_out.entry(format!("no event type {}", draft.kind)).or_default() += 1;
            return None;
        };
        draft.fields.retain(|(name, _)| !name.starts_with("ip.") || schema.get(kind).slot(name).is_some());
        self.now = self.now.max(Micros(happening.arrival));
        match read(draft, &schema, self.now, Box::default) {
            Ok(mut event) => {
                event.enrich(&self.facts);
                Some(event)
            }
            Err(faults) => {
                *self.ran.left_out.entry(faults.to_string()).or_default() += 1;
                None
            }
        }
    }

    fn judge(
        &mut self,
        event: &Event,
        happening: &Happening,
        said: &mut [Opinion; Judge::ALL.len()],
        door: Door,
    ) -> Answer {
        let began = Instant::now();
        let step = self.flow.judge(event);
        let took = began.elapsed();
        if door == Door::Login {
            self.ran.login_nanos.push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
        }
        let answer = answer(step.judgement.verdict);
        let reads = self.reads.get(&event.kind.0).copied();
        let score = |place: Option<usize>| score(step.served.get(place?)?);
        let of = reads.and_then(|reads| score(reads.score));
        said[Judge::Policy as usize] = Opinion { score: of, answer: Some(answer) };
        said[Judge::NoAddress as usize].score = reads.and_then(|reads| score(reads.no_address));
        self.words(event, happening, &step, answer);
        self.sample(event, happening, &step.served, door);
        answer
    }

    /// Offers the served values to the trees: every sign-up, honest logins that got in, logins that take over.
    fn sample(&mut self, event: &Event, happening: &Happening, served: &[Value], door: Door) {
        let honest = happening.truth.is_honest();
        let (at, measured) = (self.ran.world.entries.len(), happening.arrival >= self.ran.world.from);
        let sample = match door {
            Door::Signup => &mut self.ran.signups,
            Door::Login if happening.event.ok() == Some(true) => &mut self.ran.logins,
            _ => return,
        };
        let takes_over = happening.truth.attack.is_some_and(|a| a.would_take_over);
        if measured && (honest || door == Door::Signup || takes_over) {
            sample.offer(at, honest, served.iter().map(|value| number(value, event.counted_at())));
        }
    }

    fn words(&mut self, event: &Event, happening: &Happening, step: &Step, answer: Answer) {
        let stops = !matches!(answer, Answer::Pass | Answer::Limit);
        let about = match (happening.truth.attack, happening.event.kind()) {
            (Some(attack), _) => attack.family.name,
            // Whom it hurts is read by support, too.
            (None, "signup") if stops => "an honest sign-up",
            (None, "login") if stops => "an honest login",
            (None, _) => return,
        };
        if happening.arrival < self.ran.world.from {
            return;
        }
        let has = self.ran.words.get(about).map(|words| words.stops);
        // The first that is stopped is worth showing; until there is one, the first that is not.
        if has == Some(true) || (has == Some(false) && !stops) {
            return;
        }
        self.ran.words.insert(about, Words::of(&self.active, event, step, stops));
    }

    /// Keeps what figures are made of: what happened before the time that is measured, and what nobody stopped at other doors,
    /// is in no figure.
    fn keep(&mut self, happening: &Happening, told: &Told, said: [Opinion; Judge::ALL.len()], stops: bool) {
        let matters = match told.door {
            Door::Signup | Door::Login | Door::StepUp => true,
            Door::Other => stops || happening.truth.attack.is_some_and(|a| a.would_take_over),
        };
        if matters && happening.arrival >= self.ran.world.from {
            self.ran.world.entries.push(Entry {
                time: told.time,
                door: told.door,
                account: told.account,
                ok: told.ok,
                truth: happening.truth,
                said,
            });
        }
    }
}

/// A served score; one of which nothing is known says nothing.
fn score(value: &Value) -> Option<f32> {
    Some(if let Value::Number(n) = value { *n as f32 } else { f32::NEG_INFINITY })
}

/// What the provider does about a verdict.
fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Allow => Answer::Pass,
        Verdict::Limit => Answer::Limit,
        Verdict::Challenge => Answer::Challenge,
        Verdict::Review => Answer::Hold,
        Verdict::Block => Answer::Refuse,
    }
}
