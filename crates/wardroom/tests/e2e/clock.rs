// SPDX-License-Identifier: Apache-2.0
//! A start with a clock that is far from what the journal says.

use crate::process::run;
use crate::server::{Shop, signup};
use std::path::Path;
use wardroom_engine::{Config, Engine, Work};
use wardroom_event::{Micros, Span};
use wardroom_policy::Bundle;

/// The machine's clock, moved by so many days.
fn in_days(days: i64) -> Micros {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Micros(i64::try_from(since.as_micros()).unwrap()).plus(Span::from_secs(days * 86_400))
}

/// A journal whose one event came then.
fn came(shop: &Shop, at: Micros) {
    let text = std::fs::read_to_string(shop.policy()).unwrap();
    let config = Config::new(shop.path().join("data"));
    let (engine, _) = Engine::open(&config, Some(Bundle::single("first.ward", &text)), at).unwrap();
    let event = engine.intake(signup("then", "a", "203.0.113.7").as_bytes(), at).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        engine.submit(vec![event], Work::Decide).await.unwrap();
        engine.close().await;
    });
}

/// Every file below a directory with what it holds.
fn everything(dir: &Path, out: &mut Vec<(String, Vec<u8>)>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            everything(&path, out);
        } else {
            out.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn a_clock_far_past_the_journal_is_asked_about_and_counts_nothing() {
    let shop = Shop::new();
    let then = in_days(-36);
    came(&shop, then);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    everything(&shop.path().join("data"), &mut before);
    for refused in [
        run(shop.path(), &["serve", "--listen", "127.0.0.1:0"]).ended(3),
        run(shop.path(), &["replay", "policy/first.ward", "--format", "ndjson", "--data", "data"]).ended(3),
    ] {
        let said = refused.err.lines().last().unwrap_or_default();
        let expect = format!("the newest record in data is of {then}, 36d 0h before");
        assert!(said.starts_with("error: the clock says 20") && said.contains(&expect), "{said}");
        assert!(said.contains("--clock-is-right") && said.contains("set it first"), "{said}");
    }
    everything(&shop.path().join("data"), &mut after);
    assert!(before == after, "nothing was changed");
    let doctor = run(shop.path(), &["doctor"]);
    assert!(doctor.out.contains("36d 0h later") && doctor.out.contains("--clock-is-right"), "{doctor:#?}");

    let server = shop.serve_with(&["--clock-is-right"]);
    server.client.decide(&signup("now", "a", "203.0.113.7")).ok();
    let ran = server.stop();
    assert!(ran.err.contains("the newest record is 36d 0h old"), "{ran:#?}");
    // With an event of now it is no question any more.
    shop.serve().stop();
}

#[test]
fn a_month_out_of_use_is_no_question() {
    let shop = Shop::new();
    came(&shop, in_days(-34));
    let ran = shop.serve().stop();
    assert!(!ran.err.contains("newest"), "{ran:#?}");
}

#[test]
fn a_clock_before_the_journal_is_warned_of() {
    let shop = Shop::new();
    came(&shop, in_days(1));
    let server = shop.serve();
    let metrics = server.client.get("/metrics").body;
    assert!(metrics.contains("wardroom_clock_offset_seconds 0.0\n"), "{metrics}");
    let ran = server.stop();
    assert!(ran.err.contains("before the newest record"), "{ran:#?}");
}
