// SPDX-License-Identifier: Apache-2.0
//! Jobs on a simulated disk: killed and cut off anywhere, they are finished or undone, and no item is done twice.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::panic, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wardroom_engine::acts::{Body, Deed, Done, JobHead, JobStep, Phase, Step};
use wardroom_engine::{Acted, Config, Engine, Outcome, Stepper, Work};
use wardroom_event::{Micros, Sight, Span};
use wardroom_history::act::{Advanced, Asked, Found, Plan, Walk, entries, plan, preview, undo};
use wardroom_journal::{Faults, SimDisk, SimRng};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account
    ip: ip

list bad: ip

rule thief on login:
    when    labelled(account, "thief")
    then    block, list(ip, bad)
    because "{account}"

rule again on login:
    when    labelled(account, "spread")
    then    limit, label(account, "seen")
    because "{account}"

rule seen on login:
    when    ip in bad or labelled(account, "seen")
    then    review
    because "seen"
"#;

const NOON: Micros = Micros(1_767_614_400_000_000);

struct Desk {
    disk: SimDisk,
    config: Config,
    engine: Option<(Engine, Stepper)>,
    ids: u64,
    now: Micros,
}

impl Desk {
    fn new(seed: u64) -> Desk {
        let config = Config { segment_bytes: 8192, ..Config::new("/d") };
        let mut desk = Desk { disk: SimDisk::new(seed, 1 << 30), config, engine: None, ids: 0, now: NOON };
        desk.open(true);
        desk
    }

    /// Opens it; where faults of the disk keep it from that, once they are over.
    fn open(&mut self, first: bool) {
        self.engine = None;
        for _ in 0..40 {
            let policy = first.then(|| Bundle::single("a.ward", POLICY));
            let disk = Arc::new(self.disk.clone());
            match Engine::open_stepped(disk, &self.config, policy, self.now, 7) {
                Ok((engine, stepper, _)) if !self.disk.crashed() => {
                    self.engine = Some((engine, stepper));
                    return;
                }
                _ => {
                    self.disk.reboot();
                    self.disk.set_faults(Faults::default());
                }
            }
        }
        panic!("it does not open");
    }

    /// Waits for something, with as many turns as it takes. None where the engine failed.
    fn wait<T>(&mut self, ask: impl AsyncFnOnce(&Engine) -> T) -> Option<T> {
        let (engine, stepper) = self.engine.as_mut().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        let mut asking = std::pin::pin!(ask(engine));
        for _ in 0..400 {
            if let Poll::Ready(told) = asking.as_mut().poll(&mut context) {
                return Some(told);
            }
            stepper.turn();
        }
        None
    }

    fn engine(&self) -> &Engine {
        &self.engine.as_ref().unwrap().0
    }

    /// Decides an event; its number, verdict and rules.
    fn login(&mut self, account: &str, ip: &str) -> Option<(u64, Vec<String>)> {
        self.ids += 1;
        self.now = self.now.plus(Span(1_000_000));
        let json = format!(
            r#"{{"type":"login","id":"e{}","time":"{}","account":"{account}","ip":"{ip}"}}"#,
            self.ids, self.now
        );
        let now = self.now;
        let told = self.wait(async |engine: &Engine| {
            let event = engine.intake(json.as_bytes(), now).unwrap();
            engine.submit(vec![event], Work::Decide).await
        });
        match told?.ok()?.remove(0) {
            Outcome::Decided { seq, signals, .. } => {
                Some((seq, signals.iter().map(|s| s.rule.to_string()).collect()))
            }
            _ => None,
        }
    }

    fn plan(&mut self, asked: &str, seqs: Vec<u64>) -> Plan {
        let asked: Asked = serde_json::from_str(asked).unwrap();
        plan(self.engine(), &asked, &Found::Events(seqs), self.now).unwrap()
    }

    fn begin(&mut self, plan: &Plan) -> u64 {
        let at = self.now;
        let head = JobHead {
            at,
            by: "ann".into(),
            source: "key:ann".into(),
            key: "".into(),
            what: "{}".into(),
            from: "".into(),
            reason: "".into(),
            items: 0,
            parts: Vec::new(),
            second: false,
        };
        let job = self.wait(async |engine: &Engine| engine.plan(head, &plan.items).await);
        let job = job.unwrap().unwrap();
        self.step(job, Step::Start).unwrap();
        job
    }

    fn step(&mut self, job: u64, step: Step) -> Option<()> {
        let step = JobStep { job, step, at: self.now, by: "ann".into() };
        self.wait(async |engine: &Engine| engine.step_job(step).await)?.ok()
    }

    /// Goes on until no job is under way.
    fn finish(&mut self) {
        let mut walk = Walk::default();
        let now = self.now;
        loop {
            let advanced = self.wait(async |engine: &Engine| walk.advance(engine, now).await);
            if advanced.unwrap().unwrap() == Advanced::Idle {
                return;
            }
        }
    }

    /// How often each item was done, and undone.
    fn counts(&self, job: u64) -> BTreeMap<u32, (u32, u32)> {
        let mut counts: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        let count = |_, acted: Acted| {
            if let Acted::Act(record) = acted
                && let Some(item) = record.item.filter(|item| item.job == job)
            {
                let (done, undone) = counts.entry(item.item).or_default();
                *(if matches!(record.body, Body::Undone { .. }) { undone } else { done }) += 1;
            }
        };
        self.engine().acts_between(1, u64::MAX, count).unwrap();
        counts
    }
}

/// One job in many lives: something goes wrong at every third step, and in the end all of it is done once, or undone once.
#[test]
fn killed_or_cut_off_anywhere_a_job_is_finished_or_undone_and_never_half() {
    let (mut kills, mut cuts, mut undone_jobs) = (0, 0, 0);
    for seed in 0..60 {
        let mut rng = SimRng::new(seed);
        let mut desk = Desk::new(seed);
        let count = 100 + rng.below(300);
        let seqs: Vec<u64> =
            (0..count).map(|n| desk.login(&format!("a{n}"), "192.0.2.1").unwrap().0).collect();
        // Some bear the label already: undoing leaves it on them.
        let before: BTreeSet<u64> = (0..count).filter(|_| rng.one_in(5)).collect();
        if !before.is_empty() {
            let marked = before.iter().map(|n| seqs[*n as usize]).collect();
            let first = desk.plan(r#"{"label":{"name":"thief","on":"account"}}"#, marked);
            desk.begin(&first);
            desk.finish();
        }
        let made = desk.plan(r#"{"label":{"name":"thief","on":"account"}}"#, seqs.clone());
        assert_eq!(made.items.len() as u64, count);
        let job = desk.begin(&made);
        let undo_at = rng.one_in(2).then(|| rng.below(8));
        let mut walk = Walk::default();
        for turn in 0.. {
            let now = desk.now;
            if undo_at == Some(turn) && desk.engine().job(job).unwrap().phase != Phase::Undone {
                let _ = desk.step(job, Step::Undo);
            }
            match rng.below(6) {
                0 => {
                    desk.disk.set_faults(Faults { crash_after_ops: 1 + rng.below(12), ..Faults::default() });
                }
                1 => {
                    // A kill: what the system was given is there.
                    desk.open(false);
                    (walk, kills) = (Walk::default(), kills + 1);
                }
                2 => {
                    let snapshot = desk.wait(async |engine: &Engine| engine.snapshot().await.is_ok());
                    let _ = snapshot;
                }
                _ => {}
            }
            let advanced = desk.wait(async |engine: &Engine| walk.advance(engine, now).await);
            if desk.disk.crashed() || desk.engine().status().failed.is_some() {
                desk.disk.reboot();
                desk.disk.set_faults(Faults::default());
                desk.open(false);
                (walk, cuts) = (Walk::default(), cuts + 1);
                continue;
            }
            if matches!(advanced, Some(Ok(Advanced::Idle))) && undo_at.is_none_or(|at| at < turn) {
                break;
            }
        }
        desk.disk.set_faults(Faults::default());
        desk.open(false);
        let stands = desk.engine().job(job).unwrap();
        let counts = desk.counts(job);
        let undone = stands.phase == Phase::Undone;
        assert_eq!(undone, undo_at.is_some(), "seed {seed}: {:?}", stands.phase);
        undone_jobs += u64::from(undone);
        let once = |(done, taken): &(u32, u32)| *done == 1 && *taken == u32::from(undone);
        assert!(counts.values().all(once), "seed {seed}: {counts:?}");
        assert_eq!(counts.len() as u32, stands.next, "seed {seed}");
        assert!(undone || counts.len() as u64 == count, "seed {seed}");
        for n in (0..count).step_by(7) {
            let (_, rules) = desk.login(&format!("a{n}"), "198.51.100.1").unwrap();
            let expect = !undone || before.contains(&n);
            assert_eq!(rules.contains(&"thief".to_owned()), expect, "seed {seed}: account a{n}");
        }
    }
    assert!(kills > 20 && cuts > 20 && undone_jobs > 15, "{kills} kills, {cuts} cuts, {undone_jobs} undone");
}

#[test]
fn what_a_rule_said_since_is_left_though_it_looks_the_same() {
    let mut desk = Desk::new(1);
    let seqs = vec![desk.login("ann", "192.0.2.1").unwrap().0, desk.login("bob", "192.0.2.2").unwrap().0];
    let made = desk.plan(r#"{"label":{"name":"seen","on":"account"}}"#, seqs.clone());
    let job = desk.begin(&made);
    desk.finish();
    // A rule says the same of Ann, for good as well.
    let spread = desk.plan(r#"{"label":{"name":"spread","on":"account"}}"#, vec![seqs[0]]);
    desk.begin(&spread);
    desk.finish();
    assert_eq!(desk.login("ann", "192.0.2.9").unwrap().1, ["seen", "again"].map(String::from));
    desk.step(job, Step::Undo).unwrap();
    desk.finish();
    let stands = desk.engine().job(job).unwrap();
    assert_eq!((stands.tally.restored, stands.tally.left), (1, 1));
    let mut log = Vec::new();
    entries(desk.engine(), &stands, 0, Sight::Full, |entry| log.push(entry)).unwrap();
    let left: Vec<String> = log.iter().flat_map(|entry| entry.left.clone()).collect();
    assert!(left.len() == 1 && left[0].contains("rule `again` on decision"), "{left:?}");
    assert!(desk.login("ann", "192.0.2.9").unwrap().1.contains(&"seen".to_owned()));
    assert!(desk.login("bob", "192.0.2.8").unwrap().1.is_empty());
}

#[test]
fn a_preview_says_what_the_job_then_does() {
    let mut desk = Desk::new(2);
    let mut seqs: Vec<u64> =
        (0..30).map(|n| desk.login(&format!("a{}", n % 10), &format!("192.0.2.{n}")).unwrap().0).collect();
    let first = desk.plan(r#"{"list":{"list":"bad","value":"ip"}}"#, seqs[..5].to_vec());
    desk.begin(&first);
    desk.finish();
    seqs.push(1);
    let list = desk.plan(r#"{"list":{"list":"bad","value":"ip"}}"#, seqs.clone());
    let now = desk.now;
    let said = desk.wait(async |engine: &Engine| preview(engine, &list, Sight::Full, now).await);
    let said = said.unwrap().unwrap();
    assert_eq!((said.asked, said.items, said.gone, said.same, said.changes), (31, 30, 1, 5, 25));
    assert_eq!(said.samples[0], "192.0.2.0 on list `bad`: there for good already");
    let job = desk.begin(&list);
    desk.finish();
    let tally = desk.engine().job(job).unwrap().tally;
    assert_eq!((tally.made, tally.same, tally.refused), (25, 5, 0));
    let accounts = desk.plan(r#"{"label":{"name":"x","on":"account"}}"#, seqs);
    assert_eq!((accounts.items.len(), accounts.repeated), (10, 20), "one item an account");

    let asked = |text: &str| serde_json::from_str::<Asked>(text).unwrap();
    let check = |desk: &Desk, text: &str, expect: &str| {
        let found = Found::Events(vec![accounts_seq(desk)]);
        let why = plan(desk.engine(), &asked(text), &found, NOON).unwrap_err().to_string();
        assert!(why.contains(expect), "{why}");
    };
    check(&desk, r#"{"label":{"name":"x","on":"acount"}}"#, "did you mean `account`");
    check(&desk, r#"{"label":{"name":"x","on":"ip.kind"}}"#, "have no `ip.kind`");
    check(&desk, r#"{"list":{"list":"bad","value":"ip","until":"soon"}}"#, "is no time");
    check(&desk, r#"{"label":{"name":"x","until":"2026-01-05T10:00:00Z","expires":"1d"}}"#, "not both");
    check(&desk, r#"{"unlist":{"list":"bad","value":"ip","expires":"1d"}}"#, "say nothing there");
    let none = Found::Events(vec![1]);
    assert!(plan(desk.engine(), &asked(r#"{"again":{}}"#), &none, NOON).is_err());
}

fn accounts_seq(desk: &Desk) -> u64 {
    // The first event of the journal, whatever came before it.
    (1..100).find(|seq| desk.engine().decision(*seq).unwrap().is_some()).unwrap()
}

#[test]
fn one_act_is_undone_by_its_number() {
    let mut desk = Desk::new(3);
    let seq = desk.login("ann", "192.0.2.1").unwrap().0;
    let made = desk.plan(r#"{"label":{"name":"thief","on":"account"}}"#, vec![seq]);
    let act = wardroom_engine::acts::Act {
        deed: made.items[0].clone(),
        source: "key:ann".into(),
        by: "ann".into(),
        item: None,
    };
    let now = desk.now;
    let done = desk.wait(async |engine: &Engine| engine.act(vec![act], now).await).unwrap().unwrap();
    let Done::Made { seq, .. } = done[0] else { panic!("{done:?}") };
    let undone = desk.wait(async |engine: &Engine| undo(engine, seq, "key:bob", "bob", now).await);
    assert!(matches!(undone, Some(Ok(Done::Undone { restored: 1, .. }))), "{undone:?}");
    assert!(desk.login("ann", "192.0.2.1").unwrap().1.is_empty());
    assert!(matches!(made.items[0], Deed::Label { .. }));
}
