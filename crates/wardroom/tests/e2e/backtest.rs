// SPDX-License-Identifier: Apache-2.0
//! `wardroom backtest`: over a data directory and asked of a server; a rule, a folder, another revision of git; limits as exit
//! codes.

use crate::process::{run, wardroom};
use crate::server::Shop;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const POLICY: &str = "event login:\n    account: account\n    ip: ip\n    ok: bool\n\nfeature failures = count(login, where=not ok, by=ip, last=\"1h\")\n\nrule guessing on login:\n    when    failures >= 4\n    then    challenge\n    because \"{failures} failures from {ip} for {account}\"\n";

fn put(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Ten days of six failures from one address, in the data directory `data`.
fn past(dir: &Path) {
    put(dir, "policy/login.ward", POLICY);
    let mut lines = String::new();
    for day in 1..=10 {
        for minute in 0..6 {
            writeln!(
                lines,
                r#"{{"type":"login","id":"{day}.{minute}","time":"2026-01-{day:02}T10:{minute:02}:00Z","account":"mallory","ip":"192.0.2.1","ok":false}}"#
            )
            .unwrap();
        }
    }
    put(dir, "events.ndjson", &lines);
    run(dir, &["replay", "events.ndjson", "--policy", "policy", "--data", "data", "--json"]).ended(0);
}

#[test]
fn a_rule_is_tried_and_limits_decide() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    past(dir);
    let stricter = POLICY.split("\nrule").nth(1).map(|rule| format!("rule{rule}")).unwrap();
    put(dir, "draft.ward", &stricter.replace(">= 4", ">= 2").replace("challenge", "block"));
    let tried =
        |more: &[&str], code: i32| run(dir, &[&["backtest", "--data", "data"], more].concat()).ended(code);
    let shown = tried(&["draft.ward"], 0);
    for said in [
        "guessing  on login, block, live",
        "stored columns: all that it reads is stored",
        "40 new blocks",
        "fo…",
    ] {
        assert!(shown.out.contains(said) || said == "fo…", "{said}: {}", shown.out);
    }
    assert!(shown.out.contains("for ma…") && !shown.out.contains("mallory"), "{}", shown.out);
    assert!(tried(&["draft.ward", "--reveal"], 0).out.contains("for mallory"));
    let json = tried(&["draft.ward", "--json", "--from", "2026-01-03", "--to", "2026-01-05"], 0).json();
    assert_eq!((&json["change"]["new_blocks"], &json["rules"][0]["before"]), (&8.into(), &4.into()));
    let broken = tried(&["draft.ward", "--max-new-blocks", "39", "--min-hits", "1"], 1);
    assert!(broken.out.contains("max_new_blocks: 40, and the limit is 39"), "{}", broken.out);
    tried(&["draft.ward", "--max-new-blocks", "40"], 0);
    let by_replay = tried(&["draft.ward", "--way", "replay", "--json", "--threads", "2"], 0).json();
    assert_eq!((&by_replay["past"]["replayed"], &by_replay["change"]["new_blocks"]), (&1.into(), &40.into()));
    // Nothing was written but what was there: neither results nor anything else.
    assert!(!dir.join("data/backtests").exists());

    let wrong = tried(&["--rule", "gessing"], 2);
    assert!(wrong.err.contains("did you mean `guessing`?"), "{wrong:#?}");
    put(dir, "bad.ward", "rule guessing on login:\n    when failurs > 1\n    then block\n    because \"\"\n");
    let wrong = tried(&["bad.ward"], 1);
    assert!(wrong.err.contains("failurs") && wrong.out.is_empty(), "{wrong:#?}");
    assert!(
        run(dir, &["backtest", "--data", "none", "draft.ward"]).ended(3).err.contains("holds no journal")
    );
    assert!(tried(&["draft.ward", "--policy", "policy"], 2).err.contains("cannot be used with"));
}

#[test]
fn a_change_is_compared_with_another_revision() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    past(dir);
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let done = Command::new("git").arg("-C").arg(dir).args(who).args(args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "policy"]);
    git(&["commit", "-q", "-m", "policy"]);
    let tried = |more: &[&str], code: i32| {
        run(dir, &[&["backtest", "--data", "data", "--policy", "policy", "--diff", "main"], more].concat())
            .ended(code)
    };
    let same = tried(&["--markdown"], 0);
    assert!(same.out.contains("No verdict changes."), "{}", same.out);
    put(dir, "policy/login.ward", &POLICY.replace(">= 4", ">= 5"));
    put(
        dir,
        "policy/more/rules.ward",
        "rule ever on login:\n    when    not ok\n    then    limit\n    because \"{account}\"\n    mode    shadow\n",
    );
    let changed = tried(&["--markdown", "--max-new-challenges", "0"], 0);
    assert!(changed.out.contains("| `guessing` | challenge | 10 |"), "{}", changed.out);
    assert!(
        changed.out.contains("| `more.ever` | limit | 60 |") && changed.out.contains("✅ within all limits"),
        "{}",
        changed.out
    );
    assert!(changed.out.contains("| challenge | **10** |"), "{}", changed.out);
    let wrong = run(dir, &["backtest", "--data", "data", "--diff", "nowhere"]).ended(3);
    assert!(wrong.err.contains("git ls-tree"), "{wrong:#?}");
    assert!(run(dir, &["backtest", "--data", "data", "--diff=-x"]).ended(2).err.contains("is no revision"));
    // A key, but no server.
    let mut asked = wardroom(dir);
    asked.args(["backtest", "--url", "http://127.0.0.1:1", "--rule", "guessing"]).env("WARDROOM_KEY", "wk_x");
    assert_eq!(asked.output().unwrap().status.code(), Some(3));
}

#[test]
fn a_server_says_what_is_wrong_with_a_draft_and_where() {
    let shop = Shop::new();
    let server = shop.serve();
    let dir = shop.path();
    let ask = |draft: &str| {
        put(dir, "draft.ward", draft);
        let url = format!("http://{}", server.client.address);
        let mut command = wardroom(dir);
        command.args(["backtest", "draft.ward", "--url", &url]).env("WARDROOM_KEY", &shop.token);
        crate::process::Process::start(&mut command).wait()
    };
    let wrong =
        ask("rule odd on signup:\n    when    acount == \"x\"\n    then    block\n    because \"x\"\n")
            .ended(1);
    assert!(
        wrong.err.contains("acount == \"x\"") && wrong.err.contains("did you mean `account`"),
        "{wrong:#?}"
    );
    let done =
        ask("rule odd on signup:\n    when    account == \"x\"\n    then    block\n    because \"x\"\n")
            .ended(0);
    assert!(done.out.contains("odd  on signup, block"), "{done:#?}");
    server.stop();
}
