// SPDX-License-Identifier: Apache-2.0
//! Fields that are kept as hashes: a backtest of the policy in force finds what was decided, by both ways, also where rules
//! ask for lists that name people in the clear, and across a change of the key.

use crate::support::{Data, NOON, wait};
use std::collections::BTreeMap;
use wardroom_engine::{Work, rotate_hash_key};
use wardroom_event::Span;
use wardroom_history::backtest::{Ask, Way};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account hashed
    email:   email? hashed
    ip:      ip

list known: account = ["alice", "carol"]
feature mine = count(login, by=account, last="1h")
feature hosts = distinct(email.domain, of=login, by=ip, last="1h")

rule knows on login:
    when    account in known and mine >= 1
    then    block
    because "{account} again, {mine} times"

rule often on login:
    when    mine >= 3 and hosts >= 2
    then    review
    because "{email} is one of {hosts}"
"#;

#[test]
fn hashed_fields_are_tried_as_they_were_decided() {
    let data = Data::new();
    let policy = || Some(Bundle::single("a.ward", POLICY));
    let mut blocked = 0;
    for round in 0..2 {
        let engine = data.open(policy());
        for n in round * 60..round * 60 + 60 {
            let at = NOON.plus(Span::from_secs(n * 10));
            let who = ["alice", "bob", "carol", "dave", "erin"][(n % 5) as usize];
            let event = format!(
                r#"{{"type":"login","id":"{n}","time":"{at}","account":"{who}","email":"{who}@h{}.example.org","ip":"192.0.2.{}"}}"#,
                n % 3,
                n % 4
            );
            let event = engine.intake(event.as_bytes(), at).unwrap();
            wait(engine.submit(vec![event], Work::Decide)).unwrap();
        }
        let all = (1..=engine.status().seq).filter_map(|seq| engine.decision(seq).unwrap());
        blocked =
            all.filter(|stored| stored.judged.as_ref().unwrap().verdict.name() == "block").count() as u64;
        wait(engine.close());
        drop(engine);
        if round == 0 {
            rotate_hash_key(&data.files().data).unwrap();
        }
    }
    assert!(blocked > 30, "{blocked}");
    for way in [Way::Columns, Way::Replay] {
        let files = Some(BTreeMap::from([("a.ward".to_owned(), POLICY.to_owned())]));
        let report = data.test(&Ask { files, way: Some(way), ..Ask::default() }, 2).unwrap();
        assert_eq!(report.events.all, 120);
        assert_eq!(report.change.changed, 0, "{way:?}: {:?}", report.change.matrix);
        let knows = report.rules.iter().find(|rule| &*rule.id == "knows").unwrap();
        assert_eq!(
            (knows.measures.hits.all, knows.before, knows.both),
            (blocked, blocked, blocked),
            "{way:?}"
        );
        // A draft asks the same lists.
        let draft =
            "rule draft on login:\n    when account in known\n    then block\n    because \"{account}\"\n";
        let report =
            data.test(&Ask { rule: Some(draft.to_owned()), way: Some(way), ..Ask::default() }, 1).unwrap();
        assert_eq!(report.rules[0].measures.hits.all, 48, "{way:?}");
    }
}
