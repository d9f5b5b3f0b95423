// SPDX-License-Identifier: Apache-2.0
//! `wardroom explain` and what `wardroom test` says beside pass and fail, as transcripts.

use crate::process::{Process, run, wardroom};
use crate::server::{Shop, signup};
use rustix::process::Signal;
use std::path::Path;

const POLICY: &str = "\
event login:
    account: account
    ip:      ip
    ok:      bool
    device:  device?

feature failures = count(login, where=not ok, by=ip, last=\"10m\")

list office: net = [\"192.0.2.0/24\"]

# What it sees: guessing.
# Whom it hurts when wrong: whoever forgot a password.
rule guessing on login:
    when    not ok and failures >= 3 and (ip not in office or device is missing)
    then    block
    because \"{failures} failures from {ip}\"
    owner   \"desk\"

test guessing \"the fourth\":
    given  3 * login(ip=\"203.0.113.7\", ok=false) within \"1m\"
    when   login(ip=\"203.0.113.7\", ok=false)
    expect block by guessing
";

fn written(policy: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), policy);
    dir
}

fn put(dir: &Path, policy: &str) {
    std::fs::create_dir_all(dir.join("policy/auth")).unwrap();
    std::fs::write(dir.join("policy/auth/login.ward"), policy).unwrap();
}

#[test]
fn a_rule_is_explained_term_by_term() {
    let dir = written(POLICY);
    for name in ["auth.guessing", "guessing"] {
        let ran = run(dir.path(), &["explain", name]).ended(0);
        let expect = "\
auth.guessing  rule on login  auth/login.ward:13
  What it sees: guessing.
  Whom it hurts when wrong: whoever forgot a password.

when all of these hold
  not ok
  failures >= 3
  (ip not in office or device is missing)
then
  block
because
  {failures} failures from {ip}
mode      live
unknown   it does not fire
owner     desk
cost      at most 78, in about nanoseconds; the dearest of it is `ip not in office` with 60
          serving an event of its type costs 80, of a budget of 1000000
reads
  feature auth.failures  count(login, where=not ok, by=ip, last=\"10m\")
  list auth.office       1 value of type net
tests, which reach 66 % of it
  fires  auth.guessing (auth/login.ward:19)  the fourth
";
        assert_eq!((&*ran.out, &*ran.err), (expect, ""));
    }
    let json = run(dir.path(), &["explain", "guessing", "--json"]).ended(0).json();
    assert_eq!(json["rule"]["terms"][1]["text"], "failures >= 3");
    assert_eq!(json["reads"][0]["id"], "auth.failures");
}

#[test]
fn whatever_has_a_name_is_explained() {
    let dir = written(POLICY);
    let check = |what: &str, expect: &[&str]| {
        let ran = run(dir.path(), &["explain", what]).ended(0);
        expect.iter().for_each(|e| assert!(ran.out.contains(e), "{e}: {ran:#?}"));
        assert!(
            run(dir.path(), &["explain", what, "--json"])
                .ended(0)
                .json()
                .as_object()
                .is_some_and(|o| !o.is_empty())
                || what == "share"
        );
    };
    check(
        "failures",
        &["auth.failures  feature  auth/login.ward:7", "of type int, over 10m", "rule auth.guessing"],
    );
    check("office", &["auth.office  list", "of type net, 1 entry", "read by\n  rule auth.guessing"]);
    check("share", &["share(k: number, n: number) -> number", "share(0, 0)  is  0.5"]);
    check("W0201", &["W0201: "]);
    let wrong = |what: &str, expect: &str| {
        let ran = run(dir.path(), &["explain", what]).ended(2);
        assert!(ran.one_error().contains(expect), "{ran:#?}");
    };
    wrong("gessing", "nothing is called `gessing`; did you mean `guessing`?");
    wrong("strtswith", "did you mean `startswith`?");
    wrong("W9999", "no diagnostic has the code `W9999`");
    wrong("7", "put an API key with the role `read` into WARDROOM_KEY");
}

/// The server's words and those of its data directory are the same.
#[test]
fn a_decision_is_explained_from_the_server_and_from_its_data() {
    let shop = Shop::new();
    let server = shop.serve();
    for n in 0..10 {
        server.client.decide(&signup(&format!("{n}"), "alice", "203.0.113.7")).ok();
    }
    let number = server.client.decide(&signup("x", "alice", "203.0.113.9")).ok()["decision"].clone();
    let number = number.as_str().unwrap().to_owned();
    let url = format!("http://{}", server.client.address);
    let ask = |args: &[&str], key: &str| {
        let args = [&["explain", &number], args].concat();
        Process::start(wardroom(shop.path()).args(args).env("WARDROOM_KEY", key)).wait()
    };
    let asked = ask(&["--server", &url], &shop.token).ended(0);
    for expect in [
        "challenge (captcha)\n",
        "  account          \"al…\"\n",
        "challenge by signup_burst: 10 sign-ups from 203.0.113.0/24 in the last hour\n",
        "signup_burst: its condition is true\n  signups_from_net >= 10  true\n    signups_from_net      10         \
         count(signup, by=ip.net, last=\"1h\")\n",
        "what would turn the verdict\n  signup_burst\n    it would stay quiet with any of these:\n      signups_from_net is 10; \
         at 9 it would not hold\n",
    ] {
        assert!(asked.out.contains(expect), "{expect}\n{}", asked.out);
    }
    let json = ask(&["--server", &url, "--json"], &shop.token).ended(0).json();
    assert_eq!(json["rules"][0]["flips"][0]["alone"], true, "{json}");
    let refused = ask(&["--server", &url], "wk_no_key").ended(3);
    assert!(refused.one_error().contains("answers 401"), "{refused:#?}");
    assert!(ask(&["--server", "ftp://x"], "k").ended(2).one_error().contains("http://host:port"));
    server.stop();

    let nobody = ask(&["--server", &url], &shop.token).ended(3);
    assert!(nobody.one_error().contains("--data DIR reads what it left"), "{nobody:#?}");
    let read = ask(&["--data", "data"], "").ended(0);
    assert_eq!(read.out, asked.out);
    let whole = ask(&["--data", "data", "--reveal"], "").ended(0);
    assert!(whole.out.contains("\"alice\""), "{}", whole.out);
    assert!(ask(&["--data", "nowhere"], "").ended(3).one_error().contains("holds no journal"));
}

/// A rule that was quiet for want of a value is named with what it lacks.
#[test]
fn an_unknown_value_may_have_turned_the_verdict() {
    let shop = Shop::new();
    let policy = "\
event visit:
    account: account
    device:  device?

rule odd on visit:
    when    device == \"robot\"
    then    block
    because \"a robot\"
";
    std::fs::write(shop.path().join("policy/visits.ward"), policy).unwrap();
    let server = shop.serve();
    let event = r#"{"type":"visit","id":"v","account":"alice"}"#;
    let number = server.client.decide(event).ok()["decision"].clone();
    server.stop();
    let asked = run(shop.path(), &["explain", number.as_str().unwrap(), "--data", "data"]).ended(0);
    let expect = "quiet
  odd: device == \"robot\" is unknown

what would turn the verdict
  odd, perhaps to block
    with several of these, or when known:
      device is unknown; the condition hangs on it
";
    assert!(asked.out.contains(expect), "{}", asked.out);
}

#[test]
fn what_tests_reach_is_a_table_and_a_line() {
    let dir = written(POLICY);
    let ran = run(dir.path(), &["test"]).ended(0);
    assert!(ran.out.ends_with("rules 1 of 1 covered, conditions 66 %\n"), "{}", ran.out);
    let ran = run(dir.path(), &["test", "--coverage"]).ended(0);
    let table = " 66 %  auth.guessing
         auth/login.ward:14: never false: not ok
         auth/login.ward:14: never false: (ip not in office or device is missing)
         auth/login.ward:14: never false: ip not in office
         auth/login.ward:14: never false: device is missing
1 passed, 0 failed";
    assert!(ran.out.contains(table), "{}", ran.out);
    run(dir.path(), &["test", "--min-coverage", "60"]).ended(0);
    let less = run(dir.path(), &["test", "--min-coverage", "80"]).ended(1);
    assert!(less.out.contains("less than 80 %"), "{}", less.out);
    let json = run(dir.path(), &["test", "--coverage", "--json"]).ended(0).json();
    assert_eq!(
        (&json["coverage"]["rules"], &json["tests"][0]["passed"]),
        (&1.into(), &true.into()),
        "{json}"
    );
    let points = json["coverage"]["covered"][0]["points"].as_array().unwrap();
    assert!(points.iter().any(|p| p["wants"] == "fires" && p["seen"] == true), "{json}");
}

#[test]
fn a_failed_test_says_why_its_rule_did_not_fire() {
    let dir = written(&POLICY.replace("given  3 *", "given  2 *"));
    let ran = run(dir.path(), &["test"]).ended(1);
    let expect = "\
       auth/login.ward:19: expected block, got allow
       no rule fired
       auth.guessing: its condition is false
         not ok                                   true
           ok                                     false
         failures >= 3                            false
           failures                               2          count(login, where=not ok, by=ip, last=\"10m\")
         (ip not in office or device is missing)  true
           ip not in office                       true       auth.office
             ip                                   203.0.113.7
           device is missing                      true
             device                               unknown
       it would fire with any of these:
         failures is 2; at 3 it would hold
";
    assert!(ran.out.contains(expect), "{}", ran.out);
    let json = run(dir.path(), &["test", "--json"]).ended(1).json();
    assert_eq!(json[0]["expected"]["flips"][0]["text"], "failures is 2; at 3 it would hold");
}

#[test]
fn tests_run_again_when_the_policy_changes() {
    let dir = written(POLICY);
    let mut watch = Process::start(wardroom(dir.path()).args(["test", "--watch"]));
    let runs =
        |n: usize| move |out: &str| (out.matches("watching policy; Ctrl-C ends").count() >= n).then_some(());
    watch.await_out("a first run", runs(1));
    put(dir.path(), &POLICY.replace("failures >= 3", "failres >= 3"));
    watch.await_out("a second run", runs(2));
    assert!(watch.err().contains("did you mean `failures`?"), "{}", watch.err());
    put(dir.path(), &POLICY.replace("given  3 *", "given  2 *"));
    watch.await_out("a third run", runs(3));
    std::fs::write(dir.path().join("policy/notes.txt"), "not read by the policy, and seen all the same")
        .unwrap();
    watch.await_out("a fourth run", runs(4));
    watch.signal(Signal::INT);
    let ran = watch.wait().ended(0);
    assert_eq!(ran.out.matches("1 passed, 0 failed").count(), 1, "{}", ran.out);
    assert_eq!(ran.out.matches("0 passed, 1 failed").count(), 2, "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "the screen is cleared on a terminal only");
}
