// SPDX-License-Identifier: Apache-2.0
//! A subject that is erased: nowhere in what is kept, and everybody else as before, to the bit; wherever a kill cuts it short.

use crate::support::{
    Data, POLICY, bundle, content, decide, everything, line, login, open, replay, run, sent, submit,
};
use std::path::Path;
use std::sync::Mutex;
use wardroom_engine::acts::{Act, Deed, JobHead, JobItem, JobStep, Step, Subject as Whom};
use wardroom_engine::{Config, Engine, EraseError, Erased, Subject, Token, Work};
use wardroom_event::{Micros, Span, Type, Value};
use wardroom_journal::{Key, Keyring};

const ALICE: &str = "alice.miller";
const MAIL: &str = "alice.miller@example.org";
const TOKEN: &str = "erased-aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Holds values as they came: in a `last`, in reasons, on a list that rules fill, in free text.
const KEEPING: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?
    agent: user_agent?

event signup:
    account: account
    ip: ip
    email: email?
    age: number?
    note: text?

feature failures  = count(login, where=not ok, by=ip, last="10m")
feature accounts  = distinct(account, of=[login, signup], by=ip, last="1h")
feature known     = first_seen(login, where=ok, by=(account, device))
feature mine      = count(login, by=account, last="1h")
feature before    = last(account, of=login, by=ip, last="1h")
feature mails     = distinct(email, of=signup, by=email.domain, last="1d")
list seen: account

rule note_account on login:
    when    mine >= 2
    then    limit, list(account, seen), label(account, "busy")
    because "{account} again, {mine} times, after {before}"

rule listed on login:
    when    account in seen or labelled(account, "busy")
    then    review
    because "{account} is on the list"

rule crowd on signup:
    when    mails >= 2
    then    challenge("mail")
    because "{email} and {mails} others"
"#;

fn token() -> Token {
    Token::parse(TOKEN).unwrap()
}

pub(crate) fn erase(engine: &Engine, subject: &str) -> Result<Erased, EraseError> {
    engine.erase(&Subject::parse(subject).unwrap(), &token(), at(1000), &mut |_, _| {})
}

fn at(secs: i64) -> Micros {
    crate::support::NOON.plus(Span::from_secs(secs))
}

/// Files below whose bytes have one of these, whatever the case.
fn holding(dir: &Path, what: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(holding(&entry, what));
            continue;
        }
        let bytes = std::fs::read(&entry).unwrap().to_ascii_lowercase();
        let has = |what: &&str| bytes.windows(what.len()).any(|w| w == what.to_ascii_lowercase().as_bytes());
        if what.iter().any(has) {
            found.push(entry.display().to_string());
        }
    }
    found
}

/// Everybody logs in from few addresses; some of it is Alice.
fn live_on(engine: &Engine, from: i64, to: i64, with_alice: bool) {
    for n in from..to {
        let ip = format!("192.0.2.{}", n % 7);
        let who = match n % 5 {
            0 if with_alice => ALICE.to_owned(),
            1 => format!("person{}", n % 11),
            _ => format!("person{}", n % 3),
        };
        let fields = format!(
            r#""account":"{who}","ip":"{ip}","ok":{},"device":"d{}","agent":"app of {who}/1.0""#,
            n % 4 != 0,
            n % 6
        );
        submit(engine, &sent("login", n, &fields).id(format!("{who}/{n}")), Work::Decide);
        if n % 10 == 0 {
            let mail =
                if with_alice { "Alice.Miller@example.org".to_owned() } else { format!("p{n}@example.org") };
            let fields = format!(
                r#""account":"{who}","ip":"{ip}","email":"{mail}","note":"call {who} (malice.miller) at {mail}""#
            );
            submit(engine, &sent("signup", n, &fields).id(format!("s{n}")), Work::Decide);
        }
    }
}

/// What decisions say of everybody else, and of nobody.
fn others(engine: &Engine) -> Vec<String> {
    let is_alice =
        |text: &String| text.to_ascii_lowercase().contains("alice.miller") || text.contains("erased-");
    everything(engine).iter().map(content).filter(|text| !is_alice(text)).collect()
}

#[test]
fn a_subject_is_nowhere_and_everybody_else_is_as_before() {
    let data = Data::new();
    let engine = data.open(KEEPING);
    live_on(&engine, 0, 300, true);
    run(engine.snapshot()).unwrap();
    live_on(&engine, 300, 330, true);
    let before = others(&engine);
    assert!(before.len() > 150 && holding(&data.path(), &[ALICE]).len() > 3);

    let done = erase(&engine, &format!("account:{ALICE}")).unwrap();
    let met = done.segments.iter().map(|segment| segment.met.replaced()).sum::<u64>();
    assert!(met > 300 && done.memory.replaced() > 0, "{met} {:?}", done.memory);
    assert!(!done.snapshots_removed.is_empty());
    // Whose address it is was not asked: it is another subject.
    let mails = holding(&data.path(), &["xx@example.org", "alice.miller@example.org"]);
    assert!(!mails.is_empty());
    erase(&engine, &format!("email:{MAIL}")).unwrap();
    assert_eq!(holding(&data.path(), &["\"alice.miller", " alice.miller", "/alice.miller", MAIL]), [""; 0]);
    for subject in [format!("account:{ALICE}"), format!("email:{MAIL}")] {
        let proof = engine.prove(&Subject::parse(&subject).unwrap(), done.seq).unwrap();
        assert!(proof.holds() && proof.after == 0, "{subject}: {proof:?}");
        assert!(proof.files.len() > 5 && proof.files.iter().any(|file| file.path.starts_with("snapshots/")));
        let within: u64 = proof.files.iter().map(|file| file.within).sum();
        assert_eq!(within > 0, subject.starts_with("account"), "malice.miller is somebody else");
    }
    assert_eq!(others(&engine), before, "not a bit of anybody else");
    assert!(everything(&engine).iter().any(|stored| content(stored).contains(TOKEN)));

    // She comes back, and is new: also to the running server, as in a replay, which knows only the token.
    live_on(&engine, 330, 420, true);
    let back = login("back", 430, ALICE, "192.0.2.99", true);
    let back = decide(&engine, &back);
    assert!(!line(&back).is_empty());
    replay(&engine, &data, &[KEEPING]);
    let said: Vec<String> = everything(&engine).iter().map(content).collect();
    run(engine.close());
    for rebuilt in [false, true] {
        if rebuilt {
            std::fs::remove_dir_all(data.path().join("snapshots")).unwrap();
        }
        let engine = data.reopen();
        assert_eq!(everything(&engine).iter().map(content).collect::<Vec<_>>(), said);
        replay(&engine, &data, &[KEEPING]);
        run(engine.close());
    }
}

/// The same stream with a stranger's name from the beginning: what is served later is the same, to the bit.
#[test]
fn what_comes_after_is_decided_as_if_the_token_had_been_there_from_the_beginning() {
    let (data, other) = (Data::new(), Data::new());
    let (engine, plain) = (data.open(KEEPING), other.open(KEEPING));
    live_on(&engine, 0, 200, true);
    live_on(&plain, 0, 200, true);
    erase(&engine, &format!("account:{ALICE}")).unwrap();
    live_on(&engine, 200, 300, false);
    live_on(&plain, 200, 300, false);
    let served = |engine: &Engine| {
        let all = everything(engine).into_iter().filter(|stored| stored.received >= at(200));
        let of = |stored: &wardroom_engine::Stored| content(stored).replace(ALICE, TOKEN);
        all.map(|stored| of(&stored)).collect::<Vec<_>>()
    };
    assert_eq!(served(&engine), served(&plain));
    assert!(served(&engine).iter().any(|text| text.contains(TOKEN)), "a last account is told apart still");
}

#[test]
fn an_encrypted_directory_is_erased_as_well_and_stays_encrypted() {
    let data = Data::new();
    let keys = Keyring::new(Some(Key::new([3; 32])), Vec::new());
    let config = Config { keys, ..data.config() };
    let (engine, _) = open(&config, Some(bundle(KEEPING))).unwrap();
    live_on(&engine, 0, 100, true);
    run(engine.snapshot()).unwrap();
    let done = erase(&engine, &format!("account:{ALICE}")).unwrap();
    let subject = Subject::parse(&format!("account:{ALICE}")).unwrap();
    let proof = engine.prove(&subject, done.seq).unwrap();
    assert!(proof.holds() && proof.files.iter().all(|file| file.decoded > 0));
    assert!(everything(&engine).iter().any(|stored| content(stored).contains(TOKEN)));
    assert_eq!(holding(&data.path(), &[ALICE, "person1"]), [""; 0]);
    // A proof that is asked of what was not erased does not hold.
    let bob = Subject::parse("account:person1").unwrap();
    assert!(!engine.prove(&bob, done.seq).unwrap().holds());
    run(engine.close());
}

#[test]
fn an_address_becomes_one_that_goes_nowhere() {
    let data = Data::new();
    let engine = data.open(POLICY);
    for n in 0..60 {
        let ip = if n % 3 == 0 { "203.0.113.7" } else { "198.51.100.9" };
        decide(&engine, &login(n, n, &format!("p{}", n % 4), ip, n % 2 == 0));
    }
    let done = erase(&engine, "ip:203.0.113.7").unwrap();
    assert!(done.segments.iter().map(|segment| segment.met.values).sum::<u64>() >= 20);
    let proof = engine.prove(&Subject::parse("ip:203.0.113.7").unwrap(), done.seq).unwrap();
    assert!(proof.holds(), "{proof:?}");
    let shown: Vec<String> = everything(&engine).iter().map(content).collect();
    assert!(shown.iter().all(|text| !text.contains("203.0.113.7")));
    assert_eq!(shown.iter().filter(|text| text.contains("100::")).count(), 20);
    run(engine.close());
    let engine = data.reopen();
    assert_eq!(everything(&engine).iter().map(content).collect::<Vec<_>>(), shown);
}

#[test]
fn a_policy_that_names_the_subject_stands_in_the_way_and_an_old_one_does_not() {
    let data = Data::new();
    let naming =
        POLICY.replace("when    failures >= 3", "when    failures >= 3 and account != \"alice.miller\"");
    let engine = data.open(&naming);
    live_on_policy(&engine);
    let refused = erase(&engine, &format!("account:{ALICE}")).unwrap_err();
    assert!(matches!(&refused, EraseError::Policy { places } if places.len() == 1), "{refused}");
    assert!(!refused.to_string().contains(ALICE), "{refused}");
    assert!(engine.unfinished_erasure().unwrap().is_none(), "nothing was begun");
    run(engine.swap(bundle(POLICY), wardroom_engine::Origin::Api, at(500))).unwrap();
    let done = erase(&engine, &format!("account:{ALICE}")).unwrap();
    let subject = Subject::parse(&format!("account:{ALICE}")).unwrap();
    assert!(engine.prove(&subject, done.seq).unwrap().holds());
    assert_eq!(holding(&data.path(), &[ALICE]), [""; 0]);
    run(engine.close());
    let engine = data.reopen();
    decide(&engine, &login("x", 600, "bob", "192.0.2.1", true));
}

/// What people did, and a job, also while it is being done.
#[test]
fn what_was_done_by_hand_holds_nothing_of_it() {
    let data = Data::new();
    let engine = data.open(KEEPING);
    live_on(&engine, 0, 60, true);
    let value = |name: &str| (Type::Account, Value::Text(name.into()));
    let label = |name: &str| {
        let (kind, value) = value(name);
        let (label, note) = ("busy".into(), format!("{name} wrote to us").into());
        let subject = Whom::Entity { kind, value };
        Deed::Label { subject, label, says: true, until: None, confidence: None, note, about: None }
    };
    let entry = |name: &str| {
        let (kind, value) = value(name);
        Deed::List { list: "seen".into(), kind, value, put: true, until: None }
    };
    let hers = everything(&engine).into_iter().find(|stored| content(stored).contains(ALICE)).unwrap().seq;
    let deeds = [label(ALICE), entry(ALICE), label("person1"), Deed::Again { event: hers }];
    let by_hand = |deed| Act { deed, source: "key:ann".into(), by: "ann".into(), item: None };
    run(engine.act(deeds.iter().cloned().map(by_hand).collect(), at(100))).unwrap();
    let text = || Box::<str>::from(format!("login where account == \"{ALICE}\""));
    let head = JobHead {
        at: at(110),
        by: "ann".into(),
        source: "key:ann".into(),
        key: "".into(),
        what: text(),
        from: text(),
        reason: text(),
        items: 4,
        parts: Vec::new(),
        second: false,
    };
    let job = run(engine.plan(head, &deeds)).unwrap();
    let step = JobStep { job, step: Step::Start, at: at(120), by: "ann".into() };
    run(engine.step_job(step)).unwrap();
    let first = Act { item: Some(JobItem { job, item: 0 }), ..by_hand(deeds[0].clone()) };
    run(engine.act(vec![first], at(130))).unwrap();
    assert!(!holding(&data.path(), &["alice.miller wrote"]).is_empty());

    let done = erase(&engine, &format!("account:{ALICE}")).unwrap();
    let proof = engine.prove(&Subject::parse(&format!("account:{ALICE}")).unwrap(), done.seq).unwrap();
    assert!(proof.holds() && proof.after == 0, "{proof:?}");
    let check = |engine: &Engine| {
        let job = engine.job(job).unwrap();
        let shown = format!("{job:?} {:?}", engine.job_items(&job).unwrap());
        assert!(
            shown.contains(TOKEN) && shown.contains("person1 wrote") && !shown.contains(ALICE),
            "{shown}"
        );
        assert_eq!((job.next, job.phase.name()), (1, "running"));
    };
    check(&engine);
    let wrote = ["alice.miller wrote", "\"alice.miller\""];
    assert_eq!(holding(&data.path(), &wrote), [""; 0]);
    // The job goes on, with what is left of it.
    let next = engine.job_items(&engine.job(job).unwrap()).unwrap();
    let second = Act { item: Some(JobItem { job, item: 1 }), ..by_hand(next[1].clone()) };
    run(engine.act(vec![second], at(140))).unwrap();
    run(engine.close());
    std::fs::remove_dir_all(data.path().join("snapshots")).unwrap();
    let engine = data.reopen();
    assert_eq!(engine.job(job).unwrap().next, 2);
    replay(&engine, &data, &[KEEPING]);
    run(engine.close());
}

fn live_on_policy(engine: &Engine) {
    (0..30).for_each(|n| drop(decide(engine, &login(n, n, ALICE, "192.0.2.5", true))));
}

/// Killed at each step that can be told apart, and at the next start it goes on to the end.
#[test]
fn wherever_it_is_cut_short_it_goes_on_and_nothing_is_half() {
    let data = Data::new();
    let engine = data.open(KEEPING);
    live_on(&engine, 0, 120, true);
    run(engine.snapshot()).unwrap();
    live_on(&engine, 120, 140, true);
    let before = others(&engine);
    let killed = Mutex::new(vec![data.killed()]);
    let subject = Subject::parse(&format!("account:{ALICE}")).unwrap();
    let done = std::thread::scope(|scope| {
        let erasing = scope.spawn(|| {
            engine.erase(&subject, &token(), at(1000), &mut |_, _| killed.lock().unwrap().push(data.killed()))
        });
        // Copies between steps that no progress is told of: while the record is written, while the snapshot is made.
        while !erasing.is_finished() {
            if data.path().join("erasing").exists() && killed.lock().unwrap().len() < 14 {
                killed.lock().unwrap().push(data.killed());
            }
        }
        erasing.join().unwrap().unwrap()
    });
    assert!(engine.prove(&subject, done.seq).unwrap().holds());
    run(engine.close());
    let (mut resumed, mut whole) = (0, 0);
    for copy in killed.into_inner().unwrap() {
        let engine = copy.reopen();
        assert_eq!(others(&engine), before, "nobody else loses a bit");
        let Some((subject, token)) = engine.unfinished_erasure().unwrap() else {
            whole += 1;
            continue;
        };
        resumed += 1;
        let done = engine.erase(&subject, &token, at(2000), &mut |_, _| {}).unwrap();
        assert!(engine.prove(&subject, done.seq).unwrap().holds());
        assert!(engine.unfinished_erasure().unwrap().is_none());
        assert_eq!(others(&engine), before);
        run(engine.close());
        assert_eq!(holding(&copy.path(), &["\"alice.miller", " alice.miller ", "/alice.miller"]), [""; 0]);
        std::fs::remove_dir_all(copy.path().join("snapshots")).unwrap();
        let engine = copy.reopen();
        replay(&engine, &copy, &[KEEPING]);
        run(engine.close());
    }
    assert!(resumed > 3 && whole >= 1, "{resumed} {whole}");
}

/// Another erasure waits until the one that was cut short has come to its end.
#[test]
fn one_at_a_time() {
    let data = Data::new();
    let engine = data.open(POLICY);
    live_on_policy(&engine);
    std::fs::write(data.path().join("erasing"), format!("{TOKEN} account:someone\n")).unwrap();
    assert!(matches!(erase(&engine, &format!("account:{ALICE}")), Err(EraseError::Unfinished)));
    erase(&engine, "account:someone").unwrap();
    erase(&engine, &format!("account:{ALICE}")).unwrap();
    std::fs::write(data.path().join("erasing"), "nonsense").unwrap();
    assert!(erase(&engine, "account:someone").is_err());
}
