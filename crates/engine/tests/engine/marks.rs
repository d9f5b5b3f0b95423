// SPDX-License-Identifier: Apache-2.0
//! What decisions leave behind, and what is known from outside: labels and list entries that act on later events and
//! survive a restart, facts that are kept with the event, canaries that stay with their entities, budgets.

use crate::support::{Data, Desk, NOON, bundle, decide, run, sent, submit, warm};
use std::sync::Arc;
use wardroom_engine::{Active, Flow, Origin, Outcome, Stored, StoredEffect, Work};
use wardroom_event::{Facts, Part, Sight, Span, Type, Value};
use wardroom_policy::Verdict;
use wardroom_state::{Keyer, Secret};

const POLICY: &str = r#"
event signup:
    account: account
    ip: ip

list bad: ip
feature from_net = count(signup, by=ip.net, last="1h")

rule farm on signup:
    when    from_net >= 3
    then    block, label(ip.net, "farm", expires="1d"), list(ip, bad, expires="2h"), case("farms")
    because "{from_net} from {ip.net}"

rule marked on signup:
    when    labelled(ip.net, "farm")
    then    review
    because "{ip.net} is a farm"

rule listed on signup:
    when    ip in bad
    then    challenge
    because "{ip} is listed"

rule watched on signup:
    when    from_net >= 3
    then    limit, label(account, "watched")
    because "watched"
    mode    shadow
"#;

fn signup(id: u32, secs: i64, ip: &str) -> crate::support::Sent {
    sent("signup", secs, &format!(r#""account":"a{id}","ip":"{ip}""#)).id(id)
}

/// What fired and what follows, as one line.
fn line(stored: &Stored) -> String {
    let judged = stored.judged.as_ref().unwrap();
    let signal = |s: &wardroom_engine::StoredSignal| {
        let effects: Vec<String> = s.effects.iter().map(|e| e.show(Sight::Full)).collect();
        format!("{}{} {effects:?}", s.rule, if s.decides { "" } else { "?" })
    };
    let signals: Vec<String> = judged.signals.iter().map(signal).collect();
    format!("{} {}", judged.verdict, signals.join(" "))
}

#[test]
fn labels_and_lists_act_on_later_events_and_survive_a_restart() {
    let data = Data::new();
    let engine = data.open(POLICY);
    for n in 0..3 {
        assert_eq!(line(&decide(&engine, &signup(n, i64::from(n), "192.0.2.1"))), "allow ");
    }
    let third = decide(&engine, &signup(20, 2, "192.0.2.1"));
    assert_eq!(
        line(&third),
        r#"block farm ["label(192.0.2.0/24, \"farm\", until 2026-01-06T12:00:02Z)", "list(192.0.2.1, bad, until 2026-01-05T14:00:02Z)", "case(\"farms\")"] watched? []"#,
        "it does not act on itself, and a shadow does nothing"
    );
    // Another address of the network, when the window has passed.
    let later = |engine: &_, id| line(&decide(engine, &signup(id, 5000, "192.0.2.9")));
    assert_eq!(later(&engine, 3), "review marked []");
    run(engine.close());
    let engine = data.reopen();
    let same = decide(&engine, &signup(5, 7000, "192.0.2.1"));
    assert_eq!(line(&same), "review marked [] listed []");
    let over = decide(&engine, &signup(6, 7202, "192.0.2.1"));
    assert_eq!(line(&over), "review marked []", "an entry is over at its very end");
    let next_day = decide(&engine, &signup(7, 86_402, "192.0.2.1"));
    assert_eq!(line(&next_day), "allow ");
    // What was served says so.
    let served = third.judged.unwrap().served;
    let named: Vec<&str> = served.iter().map(|(id, ..)| &**id).collect();
    assert_eq!(named, ["from_net", "labelled(ip.net, \"farm\")", "ip in bad"]);
    assert_eq!(served[1].2, Value::Bool(false));
    run(engine.close());
}

#[test]
fn marks_outlive_the_rules_that_made_them() {
    let data = Data::new();
    let engine = data.open(POLICY);
    (0..4).for_each(|n| drop(decide(&engine, &signup(n, i64::from(n), "192.0.2.1"))));
    let reading = r#"
event signup:
    account: account
    ip: ip

list bad: net = ["198.51.100.0/24"]

rule marked on signup:
    when    labelled(ip.net, "farm") and ip in bad
    then    review
    because "still"
"#;
    run(engine.swap(bundle(reading), Origin::Api, NOON)).unwrap();
    warm(&engine);
    let both = |engine: &_, id, ip: &str| line(&decide(engine, &signup(id, 60, ip)));
    assert_eq!(
        both(&engine, 9, "192.0.2.1"),
        "review marked []",
        "the address is in the list of networks now"
    );
    assert_eq!(both(&engine, 10, "192.0.2.2"), "allow ");
    run(engine.close());
    let engine = data.reopen();
    assert_eq!(both(&engine, 11, "192.0.2.1"), "review marked []");
    assert_eq!(both(&engine, 12, "192.0.2.2"), "allow ");
    run(engine.close());
}

/// Knows two numbers.
struct Known;

impl Facts for Known {
    fn fact(&self, part: Part, value: &Value) -> Value {
        match (part, value) {
            (Part::IpAsn, Value::Ip(ip)) if ip.is_ipv4() => Value::Int(64500),
            _ => Value::Missing,
        }
    }
}

#[test]
fn facts_are_looked_up_once_and_kept_with_the_event() {
    let policy = r#"
event hit:
    ip: ip

feature from_asn = count(hit, by=ip.asn, last="1h")

rule hosting on hit:
    when    ip.asn == 64500 and from_asn >= 1
    then    limit
    because "{from_asn} from AS{ip.asn}"
"#;
    let data = Data::new();
    let engine = data.open(policy);
    let hit =
        |id: u32, ip: &str, asn: &str| sent("hit", i64::from(id), &format!(r#""ip":"{ip}"{asn}"#)).id(id);
    assert_eq!(line(&decide(&engine, &hit(0, "192.0.2.1", ""))), "allow ", "nothing is known yet");
    engine.set_facts(Arc::new(Known));
    assert_eq!(line(&decide(&engine, &hit(1, "192.0.2.1", ""))), "allow ");
    let second = decide(&engine, &hit(2, "198.51.100.1", ""));
    assert_eq!(line(&second), "limit hosting []");
    let fields: Vec<String> =
        second.fields.iter().map(|(f, v)| format!("{}={}", f.name, f.show(v, Sight::Full))).collect();
    assert_eq!(fields, ["ip=198.51.100.1", "ip.asn=64500"]);
    assert_eq!(line(&decide(&engine, &hit(3, "2001:db8::1", ""))), "allow ", "no number is known of it");
    let brought = decide(&engine, &hit(4, "192.0.2.1", r#","ip.asn":64501"#));
    assert_eq!(line(&brought), "allow ", "what the sender says goes first");
    run(engine.close());
    // Without the library, what was known then still counts.
    let engine = data.reopen();
    assert_eq!(line(&decide(&engine, &hit(5, "192.0.2.1", r#","ip.asn":64500"#))), "limit hosting []");
    run(engine.close());
}

#[test]
fn a_canary_decides_for_the_same_accounts_every_time() {
    let policy = r#"
event login:
    account: account
    ip: ip

rule first on login:
    when    ip.version == 4
    then    challenge
    because "first"
    mode    canary 20% by account

rule second on login:
    when    ip.version == 4
    then    limit
    because "second"
    mode    canary 20%
"#;
    let mut desk = Desk::new(policy);
    let mut decided = [0u32; 4];
    for n in 0..2000 {
        let login = |secs| sent("login", secs, &format!(r#""account":"a{n}","ip":"192.0.2.1""#));
        let judge = |desk: &mut Desk, secs| {
            let event = desk.event(&login(secs));
            let signals = desk.flow.judge(&event).judgement.signals;
            let says = |rule: usize| signals.iter().any(|s| s.rule == rule && s.decides);
            assert_eq!(signals.len(), 2, "it is a shadow for the others");
            usize::from(says(0)) * 2 + usize::from(says(1))
        };
        let once = judge(&mut desk, n);
        assert_eq!(judge(&mut desk, n + 10_000), once);
        decided[once] += 1;
    }
    // A fifth each, and independent of each other: 64 %, 16 %, 16 %, 4 %.
    for (n, (least, most)) in decided.into_iter().zip([(1200, 1360), (250, 390), (250, 390), (45, 120)]) {
        assert!((least..most).contains(&n), "{decided:?}");
    }
}

#[test]
fn what_has_expired_does_not_fire() {
    let policy = r#"
event login:
    account: account

rule campaign on login:
    when    account == "a"
    then    challenge
    because "for the length of the campaign"
    expires "2026-01-05T12:00:10Z"
"#;
    let mut desk = Desk::new(policy);
    for (secs, expect) in [(9, Verdict::Challenge), (10, Verdict::Allow), (11, Verdict::Allow)] {
        let event = desk.event(&sent("login", secs, r#""account":"a""#));
        assert_eq!(desk.flow.judge(&event).judgement.verdict, expect, "{secs}");
    }
}

#[test]
fn beyond_the_budget_what_matters_least_is_left_out_and_said() {
    let rules = |n: usize, mode: &str, then: &str| {
        format!(
            "rule r{n} on login:\n    when    matches(account, \"^a{n}?\") and matches(account, \"b*\")\n    then    {then}\n    because \"r{n}\"\n    mode    {mode}\n\n"
        )
    };
    let policy = |budget: &str| {
        let mut text = format!("event login:\n    account: account\n\nbudget login = \"{budget}\"\n\n");
        text += &rules(0, "shadow", "block");
        text += &rules(1, "live", "limit");
        text += &rules(2, "live", "block");
        text += &rules(3, "live", "review");
        text
    };
    let check = |budget: &str, expect: (Verdict, &[usize], u64)| {
        let mut desk = Desk::new(&policy(budget));
        let event = desk.event(&sent("login", 0, r#""account":"a""#));
        let judgement = desk.flow.judge(&event).judgement;
        let mut fired: Vec<usize> = judgement.signals.iter().map(|s| s.rule).collect();
        fired.sort_unstable();
        assert_eq!((judgement.verdict, &*fired, judgement.skipped), expect, "{budget}");
    };
    check("1ms", (Verdict::Block, &[0, 1, 2, 3], 0));
    check("2us", (Verdict::Block, &[1, 2, 3], 1));
    check("1us", (Verdict::Block, &[2], 3));
}

#[test]
fn a_decision_short_of_budget_says_so_in_its_record() {
    let policy = "event login:\n    account: account\n\nbudget login = \"1us\"\n\nrule a on login:\n    when    matches(account, \"a\") and matches(account, \"b\") and matches(account, \"c\") and matches(account, \"d\")\n    then    block\n    because \"a\"\n";
    let data = Data::new();
    let engine = data.open(policy);
    let outcome = submit(&engine, &sent("login", 0, r#""account":"abcd""#), Work::Decide);
    let Outcome::Decided { seq, verdict: Verdict::Allow, skipped: 1, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(engine.decision(seq).unwrap().unwrap().judged.unwrap().skipped, 1);
    run(engine.close());
}

#[test]
fn an_unknown_condition_that_holds_has_effects_and_a_review_has_none() {
    let policy = |missing: &str| {
        format!(
            "event login:\n    account: account\n    ip: ip?\n\nrule a on login:\n    when    ip.version == 4\n    then    label(account, \"odd\")\n    because \"a\"\n    missing {missing}\n"
        )
    };
    let check = |missing: &str, expect: (Verdict, usize)| {
        let mut desk = Desk::new(&policy(missing));
        let event = desk.event(&sent("login", 0, r#""account":"a""#));
        let judgement = desk.flow.judge(&event).judgement;
        let effects: Vec<&StoredEffect> = judgement.signals.iter().flat_map(|s| &s.effects).collect();
        assert_eq!((judgement.verdict, effects.len()), expect, "{missing}");
    };
    check("false", (Verdict::Allow, 0));
    check("true", (Verdict::Allow, 1));
    check("review", (Verdict::Review, 0));
}

/// Who is put on a list anew with each event takes no more room for it.
#[test]
fn an_entry_that_comes_again_is_one_entry() {
    let (active, _) =
        Active::compile(bundle(POLICY), Origin::Api, &Keyer::new(Secret([3; 16])), None).unwrap();
    let mut flow = Flow::new(Secret([3; 16]), Arc::new(active));
    let mut list = |n: i64| {
        let until = Some(NOON.plus(Span::from_secs(n)));
        let value = Value::Ip(format!("203.0.113.{}", n % 200).parse().unwrap());
        flow.change(&StoredEffect::List { list: "bad".into(), kind: Type::Ip, value, until }, NOON);
        flow.size().bytes
    };
    let before = (0..2_000).map(&mut list).max().unwrap();
    let after = (2_000..100_000).map(&mut list).max().unwrap();
    assert!(after <= before, "{before} bytes became {after}");
}

/// The same kind of values, and another kind of list: a policy in force is what a restart makes of it.
#[test]
fn entries_follow_a_list_that_becomes_one_of_suffixes() {
    let policy = |kind: &str| {
        format!(
            "event mail:\n    host: domain\n\nlist bad: {kind}\n\nrule lists on mail:\n    when    host == \"example.org\"\n    then    list(host, bad)\n    because \"a\"\n\nrule listed on mail:\n    when    host in bad\n    then    block\n    because \"b\"\n"
        )
    };
    let mail = |id: u32, host: &str| sent("mail", i64::from(id), &format!(r#""host":"{host}""#)).id(id);
    let data = Data::new();
    let engine = data.open(&policy("domain"));
    decide(&engine, &mail(0, "example.org"));
    assert_eq!(line(&decide(&engine, &mail(1, "www.example.org"))), "allow ");
    run(engine.swap(bundle(&policy("domain suffix")), Origin::Api, NOON)).unwrap();
    assert_eq!(line(&decide(&engine, &mail(2, "www.example.org"))), "block listed []");
    run(engine.close());
    let engine = data.reopen();
    assert_eq!(line(&decide(&engine, &mail(3, "www.example.org"))), "block listed []");
    run(engine.swap(bundle(&policy("ip")), Origin::Api, NOON)).unwrap_err();
    run(engine.swap(bundle(&policy("domain")), Origin::Api, NOON)).unwrap();
    assert_eq!(line(&decide(&engine, &mail(4, "www.example.org"))), "allow ");
    run(engine.close());
}

/// How long the longest change takes while a list grows: everything waits for it.
#[test]
#[ignore = "a measurement, to be run by itself and with optimizations"]
fn the_longest_change_of_a_list_that_grows() {
    for net in [false, true] {
        let mut flow = Desk::new(POLICY).flow;
        let mut times: Vec<_> = (0..2_000_000u32)
            .map(|n| {
                let value = match net {
                    true => Value::Ip(std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into()),
                    false => Value::Text(format!("somebody.{n}@mail.example").into()),
                };
                let (list, kind) = if net { ("bad", Type::Ip) } else { ("named", Type::Text) };
                let effect = StoredEffect::List { list: list.into(), kind, value, until: None };
                let begun = std::time::Instant::now();
                assert!(flow.change(&effect, NOON));
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        let (longest, total) = (times[times.len() - 1], times.iter().sum::<std::time::Duration>());
        let late = times[times.len() - 200];
        println!(
            "networks {net}: longest {longest:?}, 1 in 10,000 {late:?}, all {total:?}, {} bytes",
            flow.size().bytes
        );
    }
}
