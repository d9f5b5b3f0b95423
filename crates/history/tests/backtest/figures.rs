// SPDX-License-Identifier: Apache-2.0
//! What a backtest counts, against figures worked out by hand.

use crate::support::{Data, NOON, wait};
use wardroom_engine::acts::{Act, Deed, Subject};
use wardroom_engine::{Engine, Work};
use wardroom_event::{Micros, Span, Type, Value};
use wardroom_history::backtest::{Ask, BacktestError, Costs, Limits, Paint, Report, Way, markdown, text};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool

feature failures = count(login, where=not ok, by=ip, last="1h")

rule guessing on login:
    when    failures >= 3
    then    challenge
    because "{failures} failures from {ip}"

rule odd on login:
    when    account == "eve"
    then    block
    because "{account}"
"#;

fn day(n: i64) -> Micros {
    NOON.plus(Span::from_secs(n * 86_400))
}

/// Ten days; each day six failures from one address, by `mallory`, and two logins of `alice`, and one of `eve`. What mallory
/// does is abuse, as is known two days later; alice is good.
pub(crate) fn past() -> Data {
    let data = Data::new();
    let engine = data.open(Some(Bundle::single("policy.ward", POLICY)));
    for n in 0..10 {
        for minute in 0..6 {
            login(&engine, day(n).plus(Span::from_secs(60 * minute)), "mallory", "192.0.2.1", false);
        }
        login(&engine, day(n).plus(Span::from_secs(3_000)), "alice", "192.0.2.1", true);
        login(&engine, day(n).plus(Span::from_secs(40_000)), "alice", "198.51.100.2", true);
        login(&engine, day(n).plus(Span::from_secs(41_000)), "eve", "198.51.100.3", true);
    }
    label(&engine, "mallory", "abuse", day(2));
    label(&engine, "alice", "good", day(2));
    wait(engine.close());
    data
}

fn login(engine: &Engine, at: Micros, account: &str, ip: &str, ok: bool) {
    let json = format!(
        r#"{{"type":"login","id":"{at}","time":"{at}","data":{{"account":"{account}","ip":"{ip}","ok":{ok}}}}}"#
    );
    let event = engine.intake(json.as_bytes(), at).unwrap();
    wait(engine.submit(vec![event], Work::Decide)).unwrap();
}

fn label(engine: &Engine, account: &str, label: &str, known: Micros) {
    let subject = Subject::Entity { kind: Type::Account, value: Value::Text(account.into()) };
    let about = Some(known.minus(Span::from_secs(2 * 86_400)));
    let deed = Deed::Label {
        subject,
        label: label.into(),
        says: true,
        until: None,
        confidence: None,
        note: "".into(),
        about,
    };
    let act = Act { deed, source: "key:ann".into(), by: "ann".into(), item: None };
    wait(engine.act(vec![act], known)).unwrap();
}

pub(crate) fn ask(rule: &str) -> Ask {
    let (from, to) = (Some(NOON.to_string()), Some(day(10).to_string()));
    Ask { rule: Some(rule.to_owned()), from, to, ..Ask::default() }
}

fn tested(data: &Data, ask: &Ask) -> Report {
    let one = data.test(ask, 1).unwrap();
    let three = data.test(ask, 3).unwrap();
    // But in how long it took, and how much memory.
    let plain = |mut report: Report| {
        (report.took_ms, report.past.bytes) = (0, 0);
        report
    };
    assert_eq!(plain(three), plain(one.clone()), "threads do not show");
    one
}

pub(crate) const STRICTER: &str = "rule guessing on login:\n    when failures >= 2\n    then block\n    because \"{failures} from {ip} by {account}\"\n";

#[test]
fn an_edited_rule_over_stored_columns() {
    let data = past();
    let report = tested(&data, &ask(STRICTER));
    let [rule] = &report.rules[..] else { panic!("{:?}", report.rules) };
    assert_eq!(
        (&*rule.id, rule.way, rule.mode.as_str()),
        ("guessing", Some(Way::Columns), "live"),
        "{}",
        rule.why
    );
    // Each day: failures 0 to 5 are served to mallory's six, and 6 to alice's first.
    let hits = &rule.measures.hits;
    assert_eq!((hits.all, hits.abuse, hits.good, hits.unlabelled), (50, 40, 10, 0));
    assert_eq!((rule.before, rule.both), (40, 40), "it fired from three on");
    let change = &report.change;
    assert_eq!(change.verdicts, ["allow", "limit", "challenge", "review", "block"]);
    let (allow, challenge, block) = (&change.matrix[0], &change.matrix[2], &change.matrix[4]);
    // Of allow: two failures' rows, and alice's other login; 10 turn into blocks.
    assert_eq!((allow[0], allow[4]), (30, 10));
    assert_eq!((challenge[2], challenge[4]), (0, 40));
    assert_eq!(block[4], 10, "eve is blocked as before");
    assert_eq!((change.new_blocks, change.new_good_blocks, change.milder, change.changed), (50, 10, 0, 50));
    let precision = rule.measures.precision.unwrap();
    assert!((precision.value - 0.8).abs() < 1e-12 && precision.low < 0.8 && precision.high > 0.8);
    assert!((rule.measures.recall.unwrap().value - 40.0 / 60.0).abs() < 1e-12);
    assert_eq!((report.events.all, report.events.abuse, report.events.good), (90, 60, 20));
    assert_eq!(rule.alone, 50, "no other rule has a say there");
    let ip = rule.top.iter().find(|top| top.field == "ip").unwrap();
    assert_eq!((ip.distinct, &ip.values[..]), (1, &[("192.0.2.1".to_owned(), 50)][..]));
    let account = rule.top.iter().find(|top| top.field == "account").unwrap();
    assert_eq!(account.values, [("ma…".to_owned(), 40), ("al…".to_owned(), 10)], "people are masked");
    assert_eq!(rule.examples.len(), 8);
    assert!(rule.examples.iter().any(|e| e.class.as_deref() == Some("good")), "each class is seen");
    assert!(rule.examples[0].because.contains(" from 192.0.2.1 by "));
    // From noon to noon nine days lie whole within; each has the five hits of its noon.
    assert_eq!((rule.load.days, rule.load.most, rule.load.median), (9, 5, 5.0));
    assert_eq!(rule.load.hours[12], (5.0, 5.0));
    assert_eq!(rule.series.hits.iter().sum::<u64>(), 50);
    assert!(text(&report, Paint { colours: false }).contains("50 new blocks (10 of good events)"));
}

#[test]
fn a_new_feature_is_counted_anew() {
    let data = past();
    let rule = "feature many = count(login, by=ip, last=\"2h\")\n\nrule crowd on login:\n    when many >= 6\n    then review\n    because \"{many}\"\n    mode draft\n";
    let report = tested(&data, &ask(rule));
    let [rule] = &report.rules[..] else { panic!("{:?}", report.rules) };
    assert_eq!(rule.way, Some(Way::Replay));
    assert!(rule.why.contains("`many` is new since policy"), "{}", rule.why);
    // Six before alice's first of each day: a draft is tried as if it decided.
    assert_eq!((rule.measures.hits.all, rule.measures.hits.good), (10, 10));
    assert_eq!((report.past.counted, report.past.warm_up_from), (90, Some(1)));
    // `guessing` had challenged it: the stronger wins.
    assert_eq!((report.change.new_reviews, report.change.matrix[2][3]), (10, 10));
    assert_eq!(rule.overlap.len(), 1);
    let other = &rule.overlap[0];
    assert_eq!((&*other.rule, other.both, other.within), ("guessing", 10, 1.0));
    assert!((other.jaccard - 10.0 / 40.0).abs() < 1e-12);
    assert_eq!(rule.examples[0].because, "6");
    // As it is written a draft decides nothing.
    let written = tested(&data, &Ask { as_written: true, ..report.ask.clone() });
    assert_eq!((written.change.changed, written.rules[0].measures.hits.all), (0, 10));
}

#[test]
fn what_was_not_known_yet_is_not_known() {
    let data = past();
    let early = Ask { as_of: Some(day(1).to_string()), ..ask(STRICTER) };
    let report = tested(&data, &early);
    assert_eq!((report.events.abuse, report.events.unlabelled), (0, 90));
    assert_eq!((report.rules[0].measures.precision, report.rules[0].measures.recall), (None, None));
    assert!(
        report.warnings.iter().any(|w| w.contains("no event of the period is labelled")),
        "{:?}",
        report.warnings
    );
    // Labels take two days; known right at the period's end, the last are missing.
    let late = Ask { as_of: Some(day(10).to_string()), ..ask(STRICTER) };
    let report = tested(&data, &late);
    assert_eq!(report.delay.as_ref().map(|d| (d.labels, d.median_secs)), Some((2, 172_800.0)));
    assert!(report.warnings.iter().any(|w| w.contains("longer than 2 d")), "{:?}", report.warnings);
    assert!(tested(&data, &ask(STRICTER)).warnings.is_empty(), "thirty days later all are known");
}

#[test]
fn limits_and_costs() {
    let data = past();
    let limits = Limits {
        max_new_blocks: Some(49),
        max_good_hits: Some(10),
        min_precision: Some(0.9),
        min_recall: Some(0.5),
        ..Limits::default()
    };
    let costs = Costs { false_block: 100.0, missed_abuse: 10.0, review_minute: 1.0, minutes_per_review: 5.0 };
    let report = tested(&data, &Ask { limits, costs: Some(costs), ..ask(STRICTER) });
    let broken: Vec<&str> = report.broken.iter().map(|b| &*b.limit).collect();
    assert_eq!(broken, ["max_new_blocks", "min_precision"]);
    assert!(!report.passes());
    let cost = report.cost.unwrap();
    // Three of mallory's six a day were let through, now two; ten good events are blocked.
    assert_eq!((cost.was, cost.would_be, cost.false_blocks), (300.0, 1200.0, 1000.0));
    let said = markdown(&report);
    assert!(said.contains("- ❌ `max_new_blocks` is 50; the limit is 49"), "{said}");
    assert!(said.contains("| `guessing` | block | 50 | 40 | 10 |"), "{said}");
}

#[test]
fn a_whole_policy_against_another() {
    let data = past();
    let files = |text: String| Some([("policy.ward".to_owned(), text)].into());
    let after = files(POLICY.replace("then    block", "then    limit"));
    let base = Ask { rule: None, ..ask("") };
    let report = tested(&data, &Ask { files: after.clone(), ..base.clone() });
    assert!(report.whole && report.against.is_none());
    assert_eq!(report.rules.iter().map(|r| &*r.id).collect::<Vec<_>>(), ["odd"]);
    assert_eq!((report.change.matrix[4][1], report.change.milder, report.change.changed), (10, 10, 10));
    let stricter = files(POLICY.replace("failures >= 3", "failures >= 2"));
    let report = tested(&data, &Ask { files: after, against: stricter, ..base.clone() });
    assert!(report.against.is_some());
    // `guessing` fires from three on again, and eve is only limited.
    assert_eq!((report.change.matrix[2][0], report.change.matrix[4][1], report.change.changed), (10, 10, 20));
    let guessing = report.rules.iter().find(|r| r.id == "guessing").unwrap();
    assert_eq!((guessing.measures.hits.all, guessing.before, guessing.both), (40, 50, 40));
    // A rule that is gone takes its blocks with it.
    let gone = files(POLICY[..POLICY.find("rule odd").unwrap()].to_owned());
    let report = tested(&data, &Ask { files: gone, ..base });
    assert_eq!((&report.gone[..], report.change.matrix[4][0]), (&["odd".to_owned()][..], 10));
}

#[test]
fn what_cannot_be_asked_is_said() {
    let data = past();
    let fails = |ask: &Ask| data.test(ask, 1).unwrap_err();
    let wrong = fails(&ask("rule x on login:\n    when failurs >= 2\n    then block\n    because \"\"\n"));
    assert!(
        matches!(&wrong, BacktestError::Policy { diagnostics, .. } if !diagnostics.is_empty()),
        "{wrong}"
    );
    let rules = Ask { rule: None, rules: Some(vec!["guesing".to_owned()]), ..ask("") };
    assert_eq!(fails(&rules).to_string(), "the policy has no rule `guesing`; did you mean `guessing`?");
    assert_eq!(
        fails(&ask("# Nothing.
"))
        .to_string(),
        "the text changes no rule of the policy in force"
    );
    let backwards = Ask { from: Some(day(3).to_string()), to: Some(day(2).to_string()), ..ask(STRICTER) };
    assert_eq!(fails(&backwards).to_string(), "the period ends before it begins");
    let new = "feature many = count(login, by=ip, last=\"2h\")\n\nrule crowd on login:\n    when many >= 6\n    then review\n    because \"\"\n";
    let by_columns = fails(&Ask { way: Some(Way::Columns), ..ask(new) });
    assert!(by_columns.to_string().contains("cannot be asked of stored columns"), "{by_columns}");
}
