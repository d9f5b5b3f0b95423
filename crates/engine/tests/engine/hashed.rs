// SPDX-License-Identifier: Apache-2.0
//! Fields that are kept as hashes: they count, equal, are listed and labelled as before, and nothing of what they were is on
//! disk; across a change of the key, a backup's restart and an erasure.

use crate::support::{Data, content, decide, everything, line, replay, run, sent};
use wardroom_engine::{Engine, Stored, Subject, Token, rotate_hash_key};
use wardroom_event::{Facts, Part, Type, Value};

const POLICY: &str = r#"
event login:
    account:  account hashed
    username: text? hashed
    email:    email? hashed
    ip:       ip

feature mine   = count(login, by=account, last="1h")
feature people = distinct(account, of=login, by=ip, last="1h")
feature hosts  = distinct(email.domain, of=login, by=ip, last="1h")
feature before = last(account, of=login, by=ip, last="1h")
list known: account = ["alice"]
list seen: account

rule knows on login:
    when    account in known
    then    limit
    because "{account} is known"

rule often on login:
    when    mine >= 2
    then    review, list(account, seen), label(account, "often")
    because "{account} {mine} times, {people} people, {hosts} hosts"

rule same on login:
    when    account == username
    then    challenge("x")
    because "{username} is the account"

rule marked on login:
    when    account in seen and labelled(account, "often") and email.site == "example.org" and email.domain == "mail.example.org"
    then    block
    because "{before}"
"#;

/// The same without a word of hashing.
fn plain() -> String {
    POLICY.replace(" hashed", "")
}

/// Knows the site of an address: of a hash nobody does.
struct Sites;

impl Facts for Sites {
    fn fact(&self, part: Part, value: &Value) -> Value {
        match (part, value) {
            (Part::EmailSite, Value::Text(text)) if text.starts_with("marguerite@") => {
                Value::Text("example.org".into())
            }
            _ => Value::Missing,
        }
    }
}

fn logins(engine: &Engine, from: i64, to: i64) -> Vec<Stored> {
    let one = |n: i64| {
        let who = ["marguerite", "alice", "bob"][(n % 3) as usize];
        let fields = format!(
            r#""account":"{who}","username":"{}","email":"{who}@mail.example.org","ip":"192.0.2.{}""#,
            if n % 2 == 0 { who } else { "other" },
            n % 4
        );
        decide(engine, &sent("login", n, &fields).id(n))
    };
    (from..to).map(one).collect()
}

fn holds(dir: &std::path::Path, what: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
        true => holds(&path, what),
        false => std::fs::read(path).unwrap().windows(what.len()).any(|w| w == what),
    })
}

#[test]
fn a_hashed_field_is_judged_as_a_plain_one_and_is_nowhere() {
    let (data, other) = (Data::new(), Data::new());
    let (engine, same) = (data.open(POLICY), other.open(&plain()));
    engine.set_facts(std::sync::Arc::new(Sites));
    same.set_facts(std::sync::Arc::new(Sites));
    let lines = |all: &[Stored]| all.iter().map(line).collect::<Vec<_>>();
    let (hashed, told) = (logins(&engine, 0, 60), logins(&same, 0, 60));
    assert_eq!(lines(&hashed), lines(&told), "rule by rule");
    let ever = |rule: &str| lines(&hashed).iter().any(|line| line.contains(rule));
    assert!(["knows", "often", "same", "marked"].into_iter().all(ever), "{:?}", lines(&hashed).last());
    run(engine.snapshot()).unwrap();
    assert!(holds(&other.path(), b"marguerite") && !holds(&data.path(), b"marguerite"));
    assert!(holds(&data.path(), b"h1.") && holds(&data.path(), b"@mail.example.org"));
    let said: Vec<String> = everything(&engine).iter().map(content).collect();
    replay(&engine, &data, &[POLICY]);
    run(engine.close());
    for rebuilt in [false, true] {
        if rebuilt {
            std::fs::remove_dir_all(data.path().join("snapshots")).unwrap();
        }
        let engine = data.reopen();
        assert_eq!(everything(&engine).iter().map(content).collect::<Vec<_>>(), said);
        run(engine.close());
    }
    let engine = data.reopen();
    engine.set_facts(std::sync::Arc::new(Sites));
    assert_eq!(lines(&logins(&engine, 60, 90)), lines(&logins(&same, 60, 90)), "and counts on");
}

#[test]
fn a_new_key_makes_everybody_new_and_lists_of_the_policy_still_match() {
    let data = Data::new();
    let engine = data.open(POLICY);
    logins(&engine, 0, 30);
    run(engine.close());
    assert_eq!(rotate_hash_key(&data.path()).unwrap(), 2);
    let engine = data.reopen();
    let after = logins(&engine, 30, 36);
    let said: Vec<String> = after.iter().map(line).collect();
    // Marguerite was seen and labelled: that was another name. Alice is on the policy's own list under any key.
    assert!(
        said[0].contains("same") && !said[0].contains("often") && !said[0].contains("marked"),
        "{said:?}"
    );
    assert!(said[1].contains("knows"), "{said:?}");
    assert!(content(&after[0]).contains("h2.") && !content(&after[0]).contains("marguerite"));
    replay(&engine, &data, &[POLICY]);
    // She is erased under every key.
    let subject = Subject::parse("account:marguerite").unwrap();
    let known: Vec<String> = everything(&engine).iter().map(content).collect();
    let token = Token::random().unwrap();
    let done = engine.erase(&subject, &token, crate::support::NOON, &mut |_, _| {}).unwrap();
    assert!(done.segments.iter().map(|segment| segment.met.values).sum::<u64>() >= 12);
    assert!(engine.prove(&subject, done.seq).unwrap().holds());
    let now: Vec<String> = everything(&engine).iter().map(content).collect();
    let changed = known.iter().zip(&now).filter(|(a, b)| a != b).count();
    let begins = &token.word()[..12];
    assert!(changed >= 12 && now.iter().filter(|text| text.contains(begins)).count() == changed);
    replay(&engine, &data, &[POLICY]);
}

#[test]
fn somebody_who_sends_a_hash_is_not_who_it_stands_for() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let first = decide(&engine, &sent("login", 0, r#""account":"marguerite","ip":"192.0.2.1""#));
    let Value::Text(hash) = &first.fields[0].1 else { panic!("{first:?}") };
    assert!(hash.starts_with("h1.") && hash.len() == 29, "{hash}");
    assert_eq!(first.fields[0].0.kind, Type::Account);
    let fields = format!(r#""account":"{hash}","ip":"192.0.2.1""#);
    let forged = decide(&engine, &sent("login", 1, &fields));
    assert_ne!(forged.fields[0].1, first.fields[0].1);
}
