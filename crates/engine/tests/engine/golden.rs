// SPDX-License-Identifier: Apache-2.0
//! Data directories that earlier versions wrote, in `testdata/golden-N`: each is opened, read and gone on with, for ever.
//!
//! A directory there is a data directory with a text of what it holds (`dump.txt`) and of what further events get
//! (`after.txt`). **None of them is ever changed.** When what the engine writes changes, count up [`NEWEST`] and run
//! `cargo test -p wardroom-engine --test engine -- --ignored the_next_golden`: it writes a new one beside the old ones, and
//! refuses to touch one that is there.

use crate::support::{Data, NOON, Sent, bundle, decide, everything, line, login, run, sent, submit, warm};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use wardroom_engine::{Engine, Origin, Stored, Work};
use wardroom_event::Sight;

/// The number of the directory that today's program would write.
const NEWEST: u32 = 1;

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
fn dump(engine: &Engine, journal: &Path) -> String {
    let mut out = String::new();
    let mut reader = wardroom_journal::Reader::open(journal).unwrap();
    while let Some(frame) = reader.next_frame().unwrap() {
        if !frame.is_prologue() {
            write!(out, "{} ", frame.kind).unwrap();
        }
    }
    out.push('\n');
    for stored in everything(engine) {
        writeln!(out, "{}", said(&stored)).unwrap();
    }
    out
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
        let text = |name: &str| std::fs::read_to_string(golden(number).join(name)).unwrap();
        let before =
            dump(&Engine::open(&data.config(), None, NOON).unwrap().0, &golden(number).join("journal"));
        assert_eq!(before, text("dump.txt"), "golden-{number}");
        let engine = data.reopen();
        assert_eq!(go_on(&engine), text("after.txt"), "golden-{number}");
        let again = submit(&engine, &events()[0], Work::Decide);
        assert!(matches!(again, wardroom_engine::Outcome::Repeated { .. }), "golden-{number}: {again:?}");
        run(engine.close());
        data.reopen();
    }
}

#[test]
#[ignore = "writes a directory into the repository: for a change of what the engine writes"]
fn the_next_golden() {
    let target = golden(NEWEST);
    assert!(!target.exists(), "a golden directory is never changed: count up NEWEST");
    let data = Data::new();
    std::fs::create_dir(data.path()).unwrap();
    // Counters' keys are hashed under it: one that protects nothing.
    std::fs::write(data.path().join("secret"), "000102030405060708090a0b0c0d0e0f\n").unwrap();
    let engine = data.open(FIRST);
    let all = events();
    let (first, rest) = all.split_at(10);
    first.iter().for_each(|event| drop(decide(&engine, event)));
    run(engine.swap(bundle(&second()), Origin::Api, NOON)).unwrap();
    warm(&engine);
    rest.iter().for_each(|event| drop(decide(&engine, event)));
    submit(&engine, &login("only recorded", 100, "account1", "203.0.113.1", false), Work::Record);
    let text = dump(&engine, &data.journal());
    run(engine.close());
    copy(&data.path(), &target);
    std::fs::remove_file(target.join("journal/LOCK")).unwrap();
    std::fs::write(target.join("dump.txt"), text).unwrap();
    // Read back, so that a directory that does not open is never kept.
    let engine = data.reopen();
    std::fs::write(target.join("after.txt"), go_on(&engine)).unwrap();
}
