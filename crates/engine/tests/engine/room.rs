// SPDX-License-Identifier: Apache-2.0
//! Labels and list entries that find no room: they have a share of the memory, take nothing from counters, and a restart
//! makes none that was not made.

use crate::support::{Data, Sent, bundle, decide, open, run, sent};
use wardroom_engine::{Config, Engine, Work, limits};
use wardroom_event::Value;

const EVERYBODY: &str = r#"
event signup:
    account: account
    ip: ip

event probe:
    account: account

list bad: account
feature from_ip = count(signup, by=ip, last="1d")

rule everybody on signup:
    when    from_ip >= 0
    then    review, list(account, bad)
    because "{from_ip} from {ip}"

rule listed on probe:
    when    account in bad
    then    block
    because "{account} is listed"
"#;

fn signup(n: u32) -> Sent {
    let fields = format!(r#""account":"{n:0>100}","ip":"192.0.2.{}""#, n % 4);
    sent("signup", i64::from(n) / 100, &fields).id(n)
}

/// Which of some accounts are listed.
fn listed(engine: &Engine, most: u32) -> Vec<bool> {
    let probe = |n: u32| {
        let event = sent("probe", 300, &format!(r#""account":"{n:0>100}""#)).id(format!("probe {n}"));
        !decide(engine, &event).judged.unwrap().signals.is_empty()
    };
    (0..most).step_by(397).map(probe).collect()
}

#[test]
fn a_rule_that_lists_everybody_takes_its_share_and_nothing_from_counters() {
    let data = Data { segment_bytes: 4 << 20, ..Data::new() };
    let config = Config { memory_bytes: 2 << 20, ..data.config() };
    let share = config.memory_bytes / limits::MARKS_SHARE as u64;
    let (engine, _) = open(&config, Some(bundle(EVERYBODY))).unwrap();
    let most = 20_000;
    for first in (0..most).step_by(100) {
        let events = (first..first + 100).map(|n| signup(n).on(&engine)).collect();
        run(engine.submit(events, Work::Decide)).unwrap();
        let status = engine.status();
        assert!(status.marks_bytes <= share, "{} bytes after {first}", status.marks_bytes);
        if first == most / 2 {
            run(engine.snapshot()).unwrap();
        }
    }
    let status = engine.status();
    assert!(status.marks_bytes > share * 3 / 4, "{status:?}");
    assert!(status.marks_refused > u64::from(most / 2), "{status:?}");
    assert_eq!((status.forgets, status.forgotten), (0, 0), "counters keep what they counted");
    let counted = decide(&engine, &signup(most));
    assert_eq!(counted.judged.unwrap().served[0].2, Value::Int(i64::from(most / 4)));

    let (plain, snapshotted) = (data.killed(), data.killed());
    std::fs::remove_dir_all(plain.path().join("snapshots")).unwrap();
    let before = listed(&engine, most);
    assert!(before[0] && !before[before.len() - 1], "those that came first are listed");
    run(engine.close());
    for data in [plain, snapshotted] {
        let config = Config { memory_bytes: 2 << 20, ..data.config() };
        let (engine, _) = open(&config, None).unwrap();
        assert_eq!(listed(&engine, most), before);
        // What is listed can be listed anew.
        let refused = engine.status().marks_refused;
        decide(&engine, &signup(0).id("again"));
        assert_eq!(engine.status().marks_refused, refused);
        decide(&engine, &signup(most - 1).id("not again"));
        assert_eq!(engine.status().marks_refused, refused + 1);
        run(engine.close());
    }
}
