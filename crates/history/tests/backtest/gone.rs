// SPDX-License-Identifier: Apache-2.0
//! What retention has taken from the journal and files still have: stored columns are asked of it, and what has to be counted
//! anew says that it cannot be. Columns are believed only of policies whose text is still there.

use crate::support::{Data, NOON, NOW, wait};
use wardroom_engine::{Origin, Work};
use wardroom_event::{Micros, Span};
use wardroom_history::backtest::{Ask, BacktestError, Progress, Report, Setting, Way};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account
    ip:      ip
    ok:      bool

feature failures = count(login, where=not ok, by=ip, last="1h")

rule guessing on login:
    when    failures >= 3
    then    challenge
    because "{failures} failures from {ip}"
"#;

const STRICTER: &str =
    "rule guessing on login:\n    when failures >= 2\n    then block\n    because \"{failures}\"\n";
const FIELDS: &str =
    "rule own on login:\n    when account == \"p1\"\n    then block\n    because \"{account}\"\n";
const NEW: &str = "feature tried = count(login, by=account, last=\"1d\")\n\nrule often on login:\n    when tried >= 2\n    then block\n    because \"\"\n";

/// Events under `first`, then under the policy, which after some is put in force again; all is in files. Gives where the records
/// begin that hold its text for the second time: no segment from there on begins under `first`.
fn past(first: &str) -> (Data, u64) {
    let data = Data::new();
    let engine = data.open(Some(Bundle::single("a.ward", first)));
    let at = |n: i64| NOON.plus(Span::from_secs(n * 60));
    let decide = |n: i64| {
        let json = format!(
            r#"{{"type":"login","id":"{n}","time":"{}","account":"p{}","ip":"192.0.2.{}","ok":{}}}"#,
            at(n),
            n % 4,
            n % 3,
            n % 5 == 0
        );
        wait(engine.submit(vec![engine.intake(json.as_bytes(), at(n)).unwrap()], Work::Decide)).unwrap();
    };
    let put = || {
        let before = engine.status().seq;
        for text in [format!("{POLICY}\nlist other: ip\n"), POLICY.to_owned()] {
            wait(engine.swap(Bundle::single("a.ward", &text), Origin::Api, at(200))).unwrap();
            while !engine.warming().is_empty() {
                std::thread::yield_now();
            }
        }
        before + 1
    };
    (0..200).for_each(decide);
    put();
    (200..300).for_each(decide);
    let text = put();
    (300..400).for_each(decide);
    wait(engine.snapshot()).unwrap();
    wait(engine.close());
    drop(engine);
    data.export();
    (data, text)
}

fn ask(rule: &str, way: Option<Way>) -> Ask {
    Ask { rule: Some(rule.to_owned()), to: Some(NOW.to_string()), way, ..Ask::default() }
}

fn tested(data: &Data, ask: &Ask) -> Result<Report, BacktestError> {
    let mut report = data.files().run(ask, &Setting::default(), NOW, &Progress::default())?;
    report.took_ms = 0;
    Ok(report)
}

fn warns(report: &Report) -> bool {
    report.warnings.iter().any(|warning| {
        warning.starts_with("the journal begins with record") && warning.contains("cannot be replayed")
    })
}

#[test]
fn stored_columns_outlast_the_journal_and_a_replay_says_that_it_does_not() {
    let (data, text) = past(POLICY);
    let whole = tested(&data, &ask(STRICTER, None)).unwrap();
    assert_eq!((whole.events.all, whole.rules[0].way), (400, Some(Way::Columns)));
    let hits = whole.rules[0].measures.hits.all;
    assert!(hits > 200, "{hits}");
    assert_eq!(tested(&data, &ask(NEW, None)).unwrap().events.all, 400);
    data.cut(text);
    assert!(data.test(&ask(STRICTER, None), 1).unwrap().events.all < 150, "the journal has lost them");
    let after = tested(&data, &ask(STRICTER, None)).unwrap();
    assert_eq!(after, whole, "the files have not");
    // What has to be counted anew needs the journal.
    let report = tested(&data, &ask(NEW, None)).unwrap();
    assert_eq!(report.rules[0].way, Some(Way::Replay));
    assert!(report.events.all < 150 && report.events.all + report.past.beyond == 400, "{:?}", report.past);
    assert!(warns(&report) && !warns(&after), "{:?}", report.warnings);
}

#[test]
fn the_policy_in_force_outlasts_the_records_that_held_its_text() {
    let (data, _) = past(POLICY);
    let whole = tested(&data, &ask(STRICTER, None)).unwrap();
    // All but the last segment: the text is in the snapshots, as for a restart.
    data.cut(u64::MAX);
    assert_eq!(tested(&data, &ask(STRICTER, None)).unwrap(), whole);
    std::fs::remove_dir_all(data.files().data.join("snapshots")).unwrap();
    let refused = tested(&data, &ask(STRICTER, None)).unwrap_err();
    assert!(matches!(refused, BacktestError::NoPolicy), "{refused}");
}

#[test]
fn what_a_policy_counted_whose_text_is_gone_is_not_taken_for_the_same() {
    // The same name for what is counted in another window.
    let (data, text) = past(&POLICY.replace("\"1h\"", "\"5m\""));
    let before = tested(&data, &ask(STRICTER, None)).unwrap();
    assert_eq!((before.events.all, before.rules[0].way), (400, Some(Way::Replay)), "{}", before.rules[0].why);
    data.cut(text);
    let report = tested(&data, &ask(STRICTER, None)).unwrap();
    let [rule] = &report.rules[..] else { panic!("{:?}", report.rules) };
    assert_eq!(rule.way, Some(Way::Replay));
    assert!(rule.why.contains("is not kept"), "{}", rule.why);
    assert!(report.events.all < 150 && warns(&report), "{:?}", report.warnings);
    let refused = tested(&data, &ask(STRICTER, Some(Way::Columns))).unwrap_err();
    assert!(refused.to_string().contains("cannot be asked of stored columns"), "{refused}");
    // Of the period in which only the policy in force judged, columns are as good as ever.
    let from = Some(Micros(NOON.0 + 200 * 60_000_000).to_string());
    let late = tested(&data, &Ask { from, ..ask(STRICTER, None) }).unwrap();
    assert_eq!((late.events.all, late.rules[0].way), (200, Some(Way::Columns)), "{}", late.rules[0].why);
    // Fields are what they were whoever judged.
    let own = tested(&data, &ask(FIELDS, None)).unwrap();
    assert_eq!((own.events.all, own.rules[0].measures.hits.all), (400, 100));
    assert_eq!(own.rules[0].way, Some(Way::Columns));
}
