// SPDX-License-Identifier: Apache-2.0
//! Events that have lost values which are kept no longer: a backtest leaves them out and says so, and of the others it finds
//! what was decided.

use crate::support::{Data, NOON, wait};
use std::collections::BTreeMap;
use wardroom_engine::{Keep, Keeps, Origin, Work};
use wardroom_event::{Micros, Span};
use wardroom_history::backtest::{Ask, Way};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account
    ip:      ip
    note:    text?

feature mine = count(login, by=account, last="1h")

rule often on login:
    when    mine >= 2 and ip in "192.0.2.0/24"
    then    review
    because "{account} from {ip}"
"#;

const DAY: i64 = 86_400;

fn at(secs: i64) -> Micros {
    NOON.plus(Span::from_secs(secs))
}

#[test]
fn what_is_kept_no_longer_is_left_out_and_said() {
    let data = Data::new();
    let policy = |n: i64| Bundle::single("a.ward", &format!("{POLICY}\nlist l{n}: ip\n"));
    let engine = data.open(Some(policy(0)));
    for day in 0..5 {
        for n in 0..40 {
            let now = at(day * DAY + n * 30);
            let event = format!(
                r#"{{"type":"login","id":"{day}-{n}","time":"{now}","account":"p{}","ip":"192.0.2.{}"}}"#,
                n % 4,
                n % 9
            );
            let event = engine.intake(event.as_bytes(), now).unwrap();
            wait(engine.submit(vec![event], Work::Decide)).unwrap();
        }
        // Another policy makes the next snapshot whole.
        wait(engine.swap(policy(day + 1), Origin::Api, at(day * DAY + 3000))).unwrap();
        while !engine.warming().is_empty() {
            std::thread::yield_now();
        }
        wait(engine.snapshot()).unwrap();
    }
    let keep = Keep { event: "login".into(), field: Some("ip".into()), span: Span::from_secs(DAY) };
    let done = engine.retain(&mut Keeps::new(vec![keep]), at(20 * DAY)).unwrap();
    assert!(done.values > 40, "{done:?}");
    wait(engine.close());
    drop(engine);
    let files = || Some(BTreeMap::from([("a.ward".to_owned(), format!("{POLICY}\nlist l5: ip\n"))]));
    for way in [Way::Columns, Way::Replay] {
        let report = data.test(&Ask { files: files(), way: Some(way), ..Ask::default() }, 1).unwrap();
        assert!(report.events.all > 30 && report.events.all < 180, "{way:?} {}", report.events.all);
        let said = format!("{} events of the period have lost values", 200 - report.events.all);
        assert!(
            report.warnings.iter().any(|warning| warning.starts_with(&said)),
            "{way:?} {:?}",
            report.warnings
        );
        assert_eq!(report.change.changed, 0, "{way:?}: {:?}", report.change.matrix);
        assert!(report.rules[0].measures.hits.all > 20);
    }
}
