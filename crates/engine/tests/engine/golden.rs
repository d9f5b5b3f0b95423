// SPDX-License-Identifier: Apache-2.0
//! Data directories that earlier versions wrote, in `testdata/golden-N`: each is opened, read and gone on with, for ever.
//!
//! A directory there is a data directory with a text of what it holds (`dump.txt`) and of what further events get
//! (`after.txt`); one that is encrypted has its `key` beside, one that has snapshots what a start makes of it
//! (`opened.txt`). **None of them is ever changed.** When what the engine writes changes, count up [`NEWEST`] and run
//! `cargo test -p wardroom-engine --test engine -- --ignored the_next_golden`: it writes a new one beside the old ones, in
//! the open where the number is even and encrypted where it is odd, and refuses to touch one that is there.

use crate::support::{
    Data, NOON, Sent, bundle, decide, everything, line, login, open, run, sent, submit, warm,
};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use wardroom_engine::acts::{Act, Deed, Done, JobHead, JobItem, JobStep, Step, Subject};
use wardroom_engine::{
    Attempt, Channel, Config, Destination, Engine, Opened, Origin, Stored, Work, mark_restored,
};
use wardroom_event::{Micros, Sight, Span, Type, Value};
use wardroom_journal::{Key, Keyring};

/// The number of the directory that today's program would write.
const NEWEST: u32 = 5;

/// Every kind of feature and of what follows from a decision.
const FIRST: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    how: enum("password", "key")?
    seen_at: list(net)?

event signup:
    account: account
    ip: ip
    email: email?
    age: number?

feature failures = count(login, where=not ok, by=ip, last="1d")
feature accounts = distinct(account, of=[login, signup], by=ip.net, last="1d")
feature known    = first_seen(login, where=ok, by=account)
feature oldest   = max(age, of=signup, by=ip, last="1d")
list watched: ip

rule guessing on login:
    when    failures >= 2
    then    block, label(ip, "guesser", expires="7d"), list(ip, watched), case("abuse")
    because "{failures} failures from {ip} for {accounts} accounts"

rule labelled on signup:
    when    labelled(ip, "guesser")
    then    review
    because "{ip} guessed"

rule young on signup:
    when    age < 13.5
    then    challenge("a parent")
    because "{age}, the oldest from here is {oldest}"
    mode    shadow
"#;

/// What the second and those after it have besides: effects that go out, and memory that does not suffice.
const OUT: &str = r#"
feature visits_hour = count(login, by=(account, ip), last="1h")
feature visits_week = count(login, by=(account, ip), last="7d")

rule told on login:
    when    failures >= 3
    then    review, webhook("desk")
    because "{failures} failures from {ip}"
"#;

/// What the fourth and those after it have besides: a hashed field, acts by hand, a job, and somebody erased.
const HASHED: &str = r#"
event visit:
    who: account hashed
    page: text

feature visits = count(visit, by=who, last="1d")

rule often on visit:
    when    visits >= 1
    then    limit, label(who, "reader")
    because "{visits} pages"
"#;

/// How much memory its counters have, and how many events it takes until they are held to that.
const MEMORY: u64 = 64 << 10;
const CROWD: usize = 1100;

/// The same with another feature and another limit: put in force over the API in the middle.
fn second() -> String {
    FIRST.replace("failures >= 2", "failures >= 4 or fast >= 3")
        + "\nfeature fast = count(login, where=not ok, by=account, last=\"10m\")\n"
}

fn events() -> Vec<Sent> {
    let mut all = Vec::new();
    for i in 0..12 {
        let more = if i % 3 == 0 { r#","how":"key","seen_at":["192.0.2.0/24","2001:db8::/32"]"# } else { "" };
        let login =
            format!(r#""account":"account{}","ip":"203.0.113.{}","ok":{}{more}"#, i % 4, i % 2, i % 5 == 0);
        all.push(sent("login", i * 7, &login).id(format!("login {i}")));
        let fields = format!(
            r#""account":"new{i}","ip":"203.0.113.{}","email":"n{i}@example.org","age":{}.5"#,
            i % 3,
            10 + i
        );
        all.push(sent("signup", i * 7 + 1, &fields).id(format!("signup {i}")));
    }
    all
}

/// What comes after, and leans on everything that was counted, labelled and listed.
fn after() -> Vec<Sent> {
    let signup = |ip| {
        sent("signup", 300, &format!(r#""account":"late","ip":"{ip}","age":9.5"#)).id(format!("late {ip}"))
    };
    vec![
        login("late", 290, "account1", "203.0.113.1", false),
        login("elsewhere", 291, "account1", "192.0.2.77", false),
        signup("203.0.113.1"),
        signup("192.0.2.77"),
    ]
}

fn golden(number: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/golden-{number}"))
}

/// A decision in one line that no later version has a reason to say otherwise.
fn said(stored: &Stored) -> String {
    let mut out =
        format!("{} {} {:?} {} {}", stored.seq, stored.event_type, stored.id.id, stored.time, stored.policy);
    for (field, value) in &stored.fields {
        write!(out, " {}={}", field.name, field.show(value, Sight::Full)).unwrap();
    }
    let Some(judged) = &stored.judged else { return out + " recorded" };
    for (id, kind, value) in &judged.served {
        write!(out, " {id}={}", value.show(*kind, Sight::Full)).unwrap();
    }
    write!(out, " | {}", line(stored)).unwrap();
    for effect in judged.signals.iter().flat_map(|signal| &signal.effects) {
        write!(out, " {}", effect.show(Sight::Full)).unwrap();
    }
    out
}

/// The kind of each record, and what each decision says.
fn dump(engine: &Engine, journal: &Path, keys: &Keyring) -> String {
    let mut out =
        kinds(journal, keys, false).iter().map(|kind| format!("{kind} ")).collect::<String>() + "\n";
    // One of a hundred of the crowd is enough of them.
    for stored in
        everything(engine).iter().filter(|s| !s.id.id.starts_with("crowd") || s.id.id.ends_with("00"))
    {
        writeln!(out, "{}", said(stored)).unwrap();
    }
    out
}

/// The kinds of records, in order, or those of what stands at the beginnings of segments.
fn kinds(journal: &Path, keys: &Keyring, prologue: bool) -> Vec<u8> {
    let mut kinds = Vec::new();
    let mut reader = wardroom_journal::Reader::open(journal).unwrap().with_keys(keys);
    while let Some(frame) = reader.next_frame().unwrap() {
        if frame.is_prologue() == prologue {
            kinds.push(frame.kind);
        }
    }
    kinds
}

/// What a start made of it: from which snapshot, how much of the journal, and which effects wait.
fn told(engine: &Engine, opened: &Opened) -> String {
    engine.outbox().configure([Destination { channel: Channel::Webhook, name: "desk".into() }]);
    let mut out = format!("from {:?}, folded {}\n", opened.snapshot, opened.folded);
    for delivery in due(engine, later(1000)) {
        writeln!(out, "{} {} {}", delivery.destination, delivery.key, delivery.decision.seq).unwrap();
    }
    out
}

fn due(engine: &Engine, now: Micros) -> Vec<wardroom_engine::Delivery> {
    while engine.outbox().look(now).unwrap() {}
    let mut due = engine.outbox().due(now);
    due.sort_by(|a, b| a.key.cmp(&b.key));
    due
}

fn later(secs: i64) -> Micros {
    NOON.plus(Span::from_secs(secs))
}

/// The key that lies beside it, where there is one.
fn keys(number: u32) -> Keyring {
    let key = std::fs::read_to_string(golden(number).join("key")).ok();
    key.map_or_else(Keyring::default, |fill| keyring(fill.trim().parse().unwrap()))
}

fn keyring(fill: u8) -> Keyring {
    Keyring::new(Some(Key::new([fill; 32])), Vec::new())
}

/// What the events that come after get; the numbers they get are not part of it.
fn go_on(engine: &Engine) -> String {
    after().iter().map(|event| line(&decide(engine, event)) + "\n").collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            std::fs::copy(entry.path(), target).map(drop).unwrap()
        }
    }
}

#[test]
fn every_golden_directory_opens_reads_and_goes_on() {
    for number in 1..=NEWEST {
        let data = Data::new();
        copy(&golden(number), &data.path());
        let config = Config { keys: keys(number), ..data.config() };
        let text = |name: &str| std::fs::read_to_string(golden(number).join(name)).unwrap();
        let (engine, opened) = open(&config, None).unwrap();
        let dumped = dump(&engine, &golden(number).join("journal"), &config.keys);
        assert_eq!(dumped, text("dump.txt"), "golden-{number}");
        if number > 1 {
            assert_eq!(told(&engine, &opened), text("opened.txt"), "golden-{number}");
            // Nothing of it was passed over: the state is that of the whole journal.
            assert!(opened.snapshot.is_some() && opened.skipped.is_empty(), "golden-{number}");
        }
        drop(engine);
        let (engine, _) = open(&config, None).unwrap();
        assert_eq!(go_on(&engine), text("after.txt"), "golden-{number}");
        let again = submit(&engine, &events()[0], Work::Decide);
        assert!(matches!(again, wardroom_engine::Outcome::Repeated { .. }), "golden-{number}: {again:?}");
        run(engine.close());
        open(&config, None).unwrap();
    }
}

/// The newest holds every kind of record there is, or it promises less than it seems to.
#[test]
fn the_newest_golden_directories_hold_every_kind_of_record() {
    for number in [NEWEST - 1, NEWEST] {
        let journal = golden(number).join("journal");
        let keys = keys(number);
        let mut seen = kinds(&journal, &keys, false);
        seen.extend(kinds(&journal, &keys, true));
        seen.sort_unstable();
        seen.dedup();
        // Kind 0 fills what a repair cut out; the journal's own golden files have it.
        assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20], "golden-{number}");
        assert!(std::fs::read_dir(golden(number).join("snapshots")).unwrap().count() > 2, "golden-{number}");
    }
}

#[test]
#[ignore = "writes directories into the repository: for a change of what the engine writes"]
fn the_next_golden() {
    for number in [NEWEST - 1, NEWEST] {
        let target = golden(number);
        assert!(!target.exists(), "a golden directory is never changed: count up NEWEST by two");
        let data = Data { segment_bytes: 64 << 10, ..Data::new() };
        std::fs::create_dir(data.path()).unwrap();
        // Counters' keys are hashed under it: one that protects nothing.
        std::fs::write(data.path().join("secret"), "000102030405060708090a0b0c0d0e0f\n").unwrap();
        let fill = (number % 2 == 1).then_some(7);
        let config = Config {
            keys: fill.map_or_else(Keyring::default, keyring),
            memory_bytes: MEMORY,
            ..data.config()
        };
        write(&data, &config);
        copy(&data.path(), &target);
        std::fs::remove_file(target.join("journal/LOCK")).unwrap();
        fill.map_or(Ok(()), |fill| std::fs::write(target.join("key"), format!("{fill}\n"))).unwrap();
        // Read back, so that a directory that does not open is never kept.
        let kept = |name: &str, text: String| std::fs::write(target.join(name), text).unwrap();
        let (engine, opened) = open(&config, None).unwrap();
        kept("dump.txt", dump(&engine, &target.join("journal"), &config.keys));
        kept("opened.txt", told(&engine, &opened));
        drop(engine);
        let (engine, _) = open(&config, None).unwrap();
        kept("after.txt", go_on(&engine));
    }
}

fn act(engine: &Engine, deed: Deed, item: Option<JobItem>) -> Done {
    let (source, by) = ("key:ann".into(), "ann".into());
    run(engine.act(vec![Act { deed, source, by, item }], later(200))).unwrap().remove(0)
}

fn busy(name: &str) -> Deed {
    let subject = Subject::Entity { kind: Type::Account, value: Value::Text(name.into()) };
    let (label, note) = ("busy".into(), "wrote to us".into());
    Deed::Label { subject, label, says: true, until: None, confidence: Some(0.75), note, about: None }
}

/// What a person does by hand, and the beginning of a job. Gives the number of an act that can be undone.
fn acted(engine: &Engine) -> u64 {
    for i in 0..2 {
        let visit = sent("visit", 95 + i, r#""who":"reader","page":"/""#).id(format!("visit {i}"));
        decide(engine, &visit);
    }
    let entry = Deed::List {
        list: "watched".into(),
        kind: Type::Ip,
        value: Value::Ip("192.0.2.50".parse().unwrap()),
        put: true,
        until: Some(later(86_400)),
    };
    let again = Deed::Again { event: everything(engine)[0].seq };
    let done = [entry, again].map(|deed| act(engine, deed, None));
    assert!(matches!(done, [Done::Made { .. }, Done::Judged { .. }]), "{done:?}");
    let Done::Made { seq, .. } = act(engine, busy("account2"), None) else { panic!("it is made") };
    let head = JobHead {
        at: later(210),
        by: "ann".into(),
        source: "key:ann".into(),
        key: "once".into(),
        what: "{}".into(),
        from: "by hand".into(),
        reason: "a wave".into(),
        items: 0,
        parts: Vec::new(),
        second: false,
    };
    let items = [busy("account3"), busy("new4")];
    let job = run(engine.plan(head, &items)).unwrap();
    run(engine.step_job(JobStep { job, step: Step::Start, at: later(220), by: "ann".into() })).unwrap();
    let [first, _] = items;
    let made = act(engine, first, Some(JobItem { job, item: 0 }));
    assert!(matches!(made, Done::Made { .. }), "{made:?}");
    seq
}

/// A life with everything in it that leaves something on disk.
fn write(data: &Data, config: &Config) {
    let destination = || [Destination { channel: Channel::Webhook, name: "desk".into() }];
    let (engine, _) = open(config, Some(bundle(&(FIRST.to_owned() + OUT + HASHED)))).unwrap();
    engine.outbox().configure(destination());
    let all = events();
    let (first, rest) = all.split_at(10);
    first.iter().for_each(|event| drop(decide(&engine, event)));
    let told = acted(&engine);
    let undone = act(&engine, Deed::Undo { act: told, since: "".into() }, None);
    assert!(matches!(undone, Done::Undone { .. }), "{undone:?}");
    crate::erase::erase(&engine, "account:new3").unwrap();
    let crowd = |n: usize| {
        login(format!("crowd {n}"), 90, &format!("c{n}"), &format!("10.0.{}.{}", n >> 8, n & 255), true)
            .on(&engine)
    };
    for from in (0..CROWD).step_by(100) {
        run(engine.submit((from..from + 100).map(crowd).collect(), Work::Record)).unwrap();
    }
    assert!(engine.status().forgotten > 0, "memory suffices");
    run(engine.snapshot()).unwrap();
    for delivery in due(&engine, later(100)) {
        engine.outbox().report(delivery.id, Attempt::Delivered, later(100));
    }
    run(engine.outbox().write(true)).unwrap();
    run(engine.swap(bundle(&(second() + OUT + HASHED)), Origin::Api, NOON)).unwrap();
    warm(&engine);
    run(engine.snapshot()).unwrap();
    rest.iter().for_each(|event| drop(decide(&engine, event)));
    run(engine.snapshot()).unwrap();
    act(&engine, busy("new5"), None);
    submit(&engine, &login("only recorded", 100, "account1", "203.0.113.1", false), Work::Record);
    let seq = engine.status().seq;
    run(engine.close());

    // As after a restore: effects of what is decided from here on have other keys.
    mark_restored(&data.path(), seq).unwrap();
    let (engine, _) = open(config, None).unwrap();
    engine.outbox().configure(destination());
    for i in 0..3 {
        decide(&engine, &login(format!("restored {i}"), 110 + i, "account1", "203.0.113.1", false));
    }
    let waiting = due(&engine, later(120));
    assert!(waiting.len() > 2, "{} effects wait", waiting.len());
    engine.outbox().report(waiting[0].id, Attempt::Delivered, later(120));
    run(engine.outbox().write(false)).unwrap();
    run(engine.close());
}
