// SPDX-License-Identifier: Apache-2.0
//! Backtests in a server: begun, waited for, found again, kept, stopped.

use crate::figures::{STRICTER, ask, past};
use crate::support::NOW;
use std::time::{Duration, Instant};
use wardroom_event::{Micros, Span};
use wardroom_history::backtest::{Ask, Desk, Found, Setting};

fn done(desk: &Desk, id: &str) -> Found {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let found = desk.get(id).unwrap();
        if !matches!(found.status.state.as_str(), "waiting" | "running") {
            return found;
        }
        assert!(Instant::now() < until, "{:?}", found.status);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_backtest_is_begun_found_again_and_kept() {
    let data = past();
    let desk = Desk::new(data.files(), Setting::default(), 1);
    let id = desk.begin(ask(STRICTER), NOW).unwrap();
    let found = done(&desk, &id);
    assert_eq!((found.status.state.as_str(), found.status.passes), ("done", Some(true)), "{:?}", found.error);
    assert_eq!(found.report.unwrap().together.hits.all, 50);
    assert_eq!(desk.begin(ask(STRICTER), NOW).unwrap(), id, "the same over the same past");
    let titled = Ask { title: Some("two".to_owned()), ..ask(STRICTER) };
    let other = desk.begin(titled, NOW.plus(Span::from_secs(1))).unwrap();
    assert_ne!(other, id);
    done(&desk, &other);
    // A desk of another run finds what was kept.
    let desk = Desk::new(data.files(), Setting::default(), 1);
    let ids: Vec<String> = desk.list().into_iter().map(|status| status.id).collect();
    assert_eq!(ids, [other.clone(), id.clone()]);
    assert_eq!(desk.get(&id).unwrap().report.unwrap().rules[0].id, "guessing");
    assert!(desk.remove(&id).unwrap() && !desk.remove(&id).unwrap());
    assert!(desk.get(&id).is_none() && desk.get("../secret").is_none());
    // Long after, the next lets go of what is old.
    let later = NOW.plus(Span::from_secs(40 * 86_400));
    let third = desk.begin(Ask { title: Some("three".to_owned()), ..ask(STRICTER) }, later).unwrap();
    done(&desk, &third);
    assert_eq!(desk.list().len(), 1);
}

#[test]
fn what_fails_says_why_and_what_reveals_is_not_kept() {
    let data = past();
    let desk = Desk::new(data.files(), Setting::default(), 2);
    let id = desk
        .begin(ask("rule x on login:\n    when nothing\n    then block\n    because \"\"\n"), NOW)
        .unwrap();
    let found = done(&desk, &id);
    assert_eq!(
        (found.status.state.as_str(), found.status.error.as_deref()),
        ("failed", Some("the policy has 1 errors"))
    );
    let id = desk.begin(Ask { reveal: true, ..ask(STRICTER) }, Micros(NOW.0 + 1)).unwrap();
    let report = done(&desk, &id).report.unwrap();
    assert!(report.rules[0].top.iter().any(|top| top.values.iter().any(|(value, _)| value == "mallory")));
    assert!(Desk::new(data.files(), Setting::default(), 1).get(&id).is_none());
}
