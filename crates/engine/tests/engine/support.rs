// SPDX-License-Identifier: Apache-2.0
//! What every test needs: a data directory, an engine in it, events, and decisions read back.

use std::fmt::Write as _;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use wardroom_engine::{
    Active, Config, Durability, Engine, EngineError, Flow, Opened, Origin, Outcome, Step, Stored,
    SubmitError, Work, judge,
};
use wardroom_event::{Draft, Event, Micros, Span, read};
use wardroom_journal::JournalError;
use wardroom_policy::{Bundle, Row, Source, Verdict};
use wardroom_state::{Keyer, Secret};

/// When tests begin: Monday, 5 January 2026, noon UTC.
pub(crate) const NOON: Micros = Micros(1_767_614_400_000_000);

/// The kind of a policy's head in the journal.
pub(crate) const POLICY_HEAD: u8 = 4;

/// The kind of a record that says which features are warming.
pub(crate) const WARMING: u8 = 5;

/// A policy with every kind of feature, keys on parts, several event types in one feature, and rules of every mode.
pub(crate) const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?

event signup:
    account: account
    ip: ip
    email: email?
    age: number?

feature failures  = count(login, where=not ok, by=ip, last="10m")
feature from_net  = count([login, signup], by=ip.net, last="1h")
feature accounts  = distinct(account, of=[login, signup], by=ip, last="1h")
feature known     = first_seen(login, where=ok, by=(account, device))
feature all       = count(login, last="1m")
feature mail_hosts = distinct(email.domain, of=signup, by=ip.net, last="1d")
list trusted: net = ["198.51.100.0/24"]

rule trusted_net on login:
    when    ip in trusted
    then    allow
    because "{ip} is trusted"

rule guessing on login:
    when    failures >= 3
    then    block
    because "{failures} failures from {ip}, {all} logins in all"

rule many on login:
    when    accounts >= 4
    then    challenge("second factor")
    because "{accounts} accounts at {ip}"

rule unknown_device on login:
    when    known is missing and from_net >= 2
    then    limit
    because "{account} is not known on {device}"

rule busy_net on signup:
    when    from_net >= 5 or mail_hosts >= 3
    then    review
    because "{from_net} from {ip.net}, {mail_hosts} mail hosts"

rule watched on signup:
    when    age < 18.5
    then    block
    because "{age}"
    mode    shadow
"#;

/// The same events, other rules: one feature as before, one changed, the others gone.
pub(crate) const OTHER: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?

event signup:
    account: account
    ip: ip
    email: email?
    age: number?

feature failures = count(login, where=not ok, by=ip, last="10m")
feature from_net = count([login, signup], by=ip.net, last="2h")

rule guessing on login:
    when    failures >= 2 and from_net >= 1
    then    review
    because "{failures} failures from {ip}, {from_net} from its network"
"#;

/// A data directory that goes with the test.
pub(crate) struct Data {
    pub(crate) dir: TempDir,
    pub(crate) durability: Durability,
    pub(crate) segment_bytes: u64,
}

impl Data {
    pub(crate) fn new() -> Data {
        let dir = tempfile::tempdir().unwrap();
        // Segments as small as the journal makes them: there is a border every few dozen events.
        Data { dir, durability: Durability::Sync, segment_bytes: 4096 }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.path().join("journal")
    }

    pub(crate) fn config(&self) -> Config {
        Config { durability: self.durability, segment_bytes: self.segment_bytes, ..Config::new(self.path()) }
    }

    pub(crate) fn try_open(&self, policy: Option<&str>) -> Result<(Engine, Opened), EngineError> {
        open(&self.config(), policy.map(bundle))
    }

    pub(crate) fn open(&self, policy: &str) -> Engine {
        self.try_open(Some(policy)).unwrap().0
    }

    /// Opens with the policy that is in the journal.
    pub(crate) fn reopen(&self) -> Engine {
        self.try_open(None).unwrap().0
    }

    /// The error of an opening that must fail.
    pub(crate) fn refusal(&self, policy: Option<&str>) -> EngineError {
        match self.try_open(policy) {
            Ok(_) => panic!("it opened"),
            Err(e) => e,
        }
    }

    /// What a kill at this moment would leave: a copy, made while the engine runs.
    pub(crate) fn killed(&self) -> Data {
        let copy = Data { dir: tempfile::tempdir().unwrap(), ..*self };
        copy_tree(&self.path(), &copy.path());
        copy
    }

    pub(crate) fn secret(&self) -> Secret {
        wardroom_engine::installation_secret(&self.path()).unwrap()
    }
}

/// Opens an engine. A lock that was let go of can be held on for a moment by the child that another test is starting,
/// between its fork and its exec.
pub(crate) fn open(config: &Config, policy: Option<Bundle>) -> Result<(Engine, Opened), EngineError> {
    for _ in 0..50 {
        match Engine::open(config, policy.clone(), NOON) {
            Err(EngineError::Journal(JournalError::Locked { .. })) => {
                std::thread::sleep(Duration::from_millis(10))
            }
            other => return other,
        }
    }
    Engine::open(config, policy, NOON)
}

/// Copies as a crash would: the newest segment last, each file as it is when its turn comes.
fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mut entries: Vec<_> = std::fs::read_dir(from).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy_tree(&entry, &target);
        } else {
            // What got its own name, or went, since it was listed is not there.
            match std::fs::copy(&entry, &target) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                copied => {
                    copied.unwrap();
                }
            }
        }
    }
}

pub(crate) fn bundle(text: &str) -> Bundle {
    Bundle::single("policy.ward", text)
}

/// Runs a future to its end on this thread.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Waits until something holds; fails when it does not within a generous time.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not happen within a minute");
}

/// Waits until every feature has its past.
pub(crate) fn warm(engine: &Engine) {
    wait_for("warming", || engine.warming().is_empty());
}

/// An event of a test before it is typed: JSON by pieces.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    kind: &'static str,
    fields: String,
    id: String,
    source: Option<&'static str>,
    at: Micros,
    received: Option<Micros>,
}

/// An event of this type: its fields as the inside of a JSON object, its time in seconds after noon.
pub(crate) fn sent(kind: &'static str, secs: i64, fields: &str) -> Sent {
    let id = format!("{kind} {secs} {fields}");
    let id = id.replace(['"', '\\'], "'");
    Sent {
        kind,
        fields: fields.into(),
        id,
        source: None,
        at: NOON.plus(Span::from_secs(secs)),
        received: None,
    }
}

/// A login, with an id of its own.
pub(crate) fn login(id: impl ToString, secs: i64, account: &str, ip: &str, ok: bool) -> Sent {
    sent("login", secs, &format!(r#""account":"{account}","ip":"{ip}","ok":{ok}"#)).id(id)
}

impl Sent {
    pub(crate) fn id(mut self, id: impl ToString) -> Sent {
        self.id = id.to_string();
        self
    }

    pub(crate) fn source(mut self, source: &'static str) -> Sent {
        self.source = Some(source);
        self
    }

    /// It arrived this many seconds after noon; otherwise when it happened.
    pub(crate) fn received(mut self, secs: i64) -> Sent {
        self.received = Some(NOON.plus(Span::from_secs(secs)));
        self
    }

    pub(crate) fn arrival(&self) -> Micros {
        self.received.unwrap_or(self.at)
    }

    pub(crate) fn json(&self) -> String {
        let mut json = format!(
            r#"{{"type":"{}","id":"{}","time":"{}","data":{{{}}}"#,
            self.kind, self.id, self.at, self.fields
        );
        if let Some(source) = self.source {
            write!(json, r#","source":"{source}""#).unwrap();
        }
        json + "}"
    }

    pub(crate) fn on(&self, engine: &Engine) -> Event {
        engine.intake(self.json().as_bytes(), self.arrival()).unwrap()
    }
}

/// Submits one event and gives its outcome.
pub(crate) fn submit(engine: &Engine, event: &Sent, work: Work) -> Outcome {
    let event = event.on(engine);
    run(engine.submit(vec![event], work)).unwrap().remove(0)
}

/// Has one event judged and gives the decision as the journal holds it.
pub(crate) fn decide(engine: &Engine, event: &Sent) -> Stored {
    let outcome = submit(engine, event, Work::Decide);
    let Outcome::Decided { seq, verdict, signals, policy, fault, skipped: 0 } = outcome else {
        panic!("{outcome:?}");
    };
    let stored = engine.decision(seq).unwrap().unwrap();
    let judged = stored.judged.clone().unwrap();
    assert_eq!(
        (judged.verdict, judged.signals, judged.fault),
        (verdict, signals, fault),
        "what was said is stored"
    );
    assert_eq!(*stored.policy, *policy);
    stored
}

/// The number of what became of an event, if it was recorded.
pub(crate) fn seq_of(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Decided { seq, .. } | Outcome::Recorded { seq } | Outcome::Repeated { seq } => Some(*seq),
        Outcome::Refused(_) => None,
    }
}

pub(crate) fn refused(outcome: &Outcome) -> &SubmitError {
    match outcome {
        Outcome::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

/// A decision in one line: verdict, then the rules that fired with their verdicts; shadow ones in brackets.
pub(crate) fn line(stored: &Stored) -> String {
    let judged = stored.judged.as_ref().unwrap();
    let mut out = judged.verdict.name().to_owned();
    for s in &judged.signals {
        let (open, close) = if s.decides { ("", "") } else { ("(", ")") };
        write!(out, " {open}{}:{}{close}", s.rule, s.verdict).unwrap();
    }
    out
}

/// What a decision says, without its number: equal, to the bit, for the same event in two runs.
pub(crate) fn content(stored: &Stored) -> String {
    // Debug tells 0.0 from -0.0, where `==` does not.
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        stored.event_type, stored.id, stored.time, stored.fields, stored.judged
    )
}

/// Every event of the journal, in order.
pub(crate) fn everything(engine: &Engine) -> Vec<Stored> {
    let last = engine.status().seq;
    (1..=last).filter_map(|seq| engine.decision(seq).unwrap()).collect()
}

/// The policies of a journal: the number of each head, with the version it names.
pub(crate) fn heads(data: &Data) -> Vec<(u64, Box<str>)> {
    let mut reader = wardroom_journal::Reader::open(data.journal()).unwrap();
    let mut heads = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        if frame.kind == POLICY_HEAD && !frame.is_prologue() {
            let text = String::from_utf8_lossy(frame.payload).into_owned();
            // The one text in it of twelve hex digits.
            let hex = |t: &&[u8]| t.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
            let version = text.as_bytes().windows(12).find(hex).unwrap();
            heads.push((frame.position.seq, str::from_utf8(version).unwrap().into()));
        }
    }
    heads
}

/// What the journal says about what is warming: the number of each record that says so, with the numbers of features. A
/// policy's head says that none are.
pub(crate) fn warmings(data: &Data) -> Vec<(u64, Vec<usize>)> {
    let mut reader = wardroom_journal::Reader::open(data.journal()).unwrap();
    let mut said = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        match frame.kind {
            _ if frame.is_prologue() => {}
            POLICY_HEAD => said.push((frame.position.seq, Vec::new())),
            WARMING => {
                let mut rest = &frame.payload[1..];
                let _policy = number(&mut rest);
                let count = number(&mut rest);
                let features = (0..count).map(|_| number(&mut rest) as usize).collect();
                said.push((frame.position.seq, features));
            }
            _ => {}
        }
    }
    said
}

/// LEB128, as `records.md` has it.
pub(crate) fn number(bytes: &mut &[u8]) -> u64 {
    let last = bytes.iter().position(|b| *b < 0x80).unwrap();
    let (number, rest) = bytes.split_at(last + 1);
    *bytes = rest;
    number.iter().rev().fold(0, |n, b| n << 7 | u64::from(b & 0x7f))
}

/// A recorded event as another policy would have it, by the names of its fields.
pub(crate) fn event_under(stored: &Stored, flow: &Flow) -> Option<Event> {
    let schema = flow.active().program.schema.clone();
    let kind = schema.id(&stored.event_type)?;
    let value = |field: &wardroom_event::Field| {
        let same = stored.fields.iter().find(|(f, _)| f.name == field.name && f.kind == field.kind);
        same.map_or(wardroom_event::Value::Missing, |(_, value)| value.clone())
    };
    let values = schema.get(kind).fields.iter().map(value).collect();
    let (id, time, received) = (stored.id.clone(), stored.time, stored.received);
    Some(Event { schema, kind, id, time, received, values })
}

/// Replay parity. The state is a fold of the whole journal under the policy in force: so at each policy's head a flow of
/// our own is made and fed every event before it, and from there on each decision has to say the same to the bit, with
/// what the journal takes for warming read as missing.
pub(crate) fn replay(engine: &Engine, data: &Data, policies: &[&str]) {
    let mut heads = heads(data).into_iter().peekable();
    let mut warmings = warmings(data).into_iter().peekable();
    let compiled = |version: &str| {
        let text = policies.iter().find(|p| *bundle(p).version().0 == *version).unwrap();
        let keyer = wardroom_engine::installation_keyer(&data.path()).unwrap();
        Active::compile(bundle(text), Origin::Api, &keyer, None).unwrap().0
    };
    let there = everything(engine);
    let mut flow = None;
    let mut cold = Vec::new();
    for (i, stored) in there.iter().enumerate() {
        while let Some((_, version)) = heads.next_if(|(seq, _)| *seq < stored.seq) {
            let mut new = Flow::new(data.secret(), compiled(&version).into());
            for before in &there[..i] {
                event_under(before, &new).iter().for_each(|event| new.count(event));
            }
            flow = Some(new);
        }
        while let Some((_, features)) = warmings.next_if(|(seq, _)| *seq < stored.seq) {
            cold = features;
        }
        let flow = flow.as_mut().unwrap();
        assert_eq!(flow.active().program.version.0, stored.policy);
        let event = event_under(stored, flow).unwrap();
        let Some(judged) = &stored.judged else {
            flow.count(&event);
            continue;
        };
        let mut served = flow.judge(&event).served;
        let active = flow.active();
        let plan = active.program.plan(event.kind);
        for (value, serve) in served.iter_mut().zip(&plan.serve) {
            if let Source::Feature { feature, .. } = &serve.source
                && cold.contains(feature)
            {
                *value = wardroom_event::Value::Missing;
            }
        }
        let was: Vec<_> = judged.served.iter().map(|(_, _, v)| v).collect();
        assert_eq!(
            format!("{served:?}"),
            format!("{was:?}"),
            "served to {:?}, record {}",
            stored.id,
            stored.seq
        );
        let row = Row::new(&event, &served, &**active);
        let judgement = judge(&active.program, plan, &row, None);
        assert_eq!(judgement.verdict, judged.verdict);
        let named = judgement.signals.into_iter().map(|s| {
            let id = active.program.rules[s.rule].id.clone();
            s.named(&id)
        });
        assert_eq!(format!("{:?}", named.collect::<Vec<_>>()), format!("{:?}", judged.signals));
    }
}

/// The flow without a disk, for tables about meaning.
pub(crate) struct Desk {
    pub(crate) flow: Flow,
}

impl Desk {
    pub(crate) fn new(policy: &str) -> Desk {
        Desk { flow: Flow::new(Secret([3; 16]), active(policy).into()) }
    }

    pub(crate) fn event(&self, event: &Sent) -> Event {
        let json = event.json();
        let draft = Draft::from_json(json.as_bytes()).unwrap();
        read(draft, &self.flow.active().program.schema, event.arrival(), || "new".into()).unwrap()
    }

    pub(crate) fn step(&mut self, event: &Sent) -> Step {
        let event = self.event(event);
        self.flow.judge(&event)
    }

    pub(crate) fn count(&mut self, event: &Sent) {
        let event = self.event(event);
        self.flow.count(&event);
    }

    /// Verdict and signals in one line, as [`line`].
    pub(crate) fn line(&mut self, event: &Sent) -> String {
        let step = self.step(event);
        let rules = &self.flow.active().program.rules;
        let mut out = step.judgement.verdict.name().to_owned();
        for s in &step.judgement.signals {
            let (open, close) = if s.decides { ("", "") } else { ("(", ")") };
            write!(out, " {open}{}:{}{close}", rules[s.rule].id, s.verdict).unwrap();
        }
        out
    }
}

pub(crate) fn active(policy: &str) -> Active {
    let keyer = Keyer::new(Secret([3; 16]));
    match Active::compile(bundle(policy), Origin::Api, &keyer, None) {
        Ok((active, _)) => active,
        Err(wardroom_engine::SwapError::Policy { diagnostics, sources }) => {
            panic!("{}", wardroom_report::render(&diagnostics, &sources, false))
        }
        Err(e) => panic!("{e}"),
    }
}

/// Verdicts by how often they were given.
pub(crate) fn verdicts(engine: &Engine) -> u64 {
    engine.status().verdicts.iter().map(|(_, n)| n).sum()
}

pub(crate) fn verdict(stored: &Stored) -> Verdict {
    stored.judged.as_ref().unwrap().verdict
}

impl Sent {
    /// Its identity.
    pub(crate) fn on_id(&self) -> wardroom_event::EventId {
        wardroom_event::EventId {
            source: self.source.unwrap_or_default().into(),
            id: self.id.as_str().into(),
        }
    }
}
