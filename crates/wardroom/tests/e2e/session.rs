// SPDX-License-Identifier: Apache-2.0
//! The first hour with a server: a verdict, a restart, another policy, another key.

use crate::http::Client;
use crate::process::{Process, run, wardroom};
use crate::server::{Server, Shop, address, signup};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// The README's newcomer, and the same shop after a restart.
#[test]
fn the_eleventh_signup_is_challenged_and_a_restart_remembers() {
    let shop = Shop::new();
    let server = shop.serve();
    let client = &server.client;
    assert_eq!(client.get("/readyz").ok()["ready"], true);

    let event = r#"{"type":"signup","account":"alice","ip":"203.0.113.7"}"#;
    for _ in 0..9 {
        assert_eq!(client.decide(event).ok()["verdict"], "allow");
    }
    let tenth = client.decide(&signup("tenth", "alice@home", "203.0.113.8")).ok();
    assert_eq!(tenth["verdict"], "allow", "{tenth}");
    let eleventh = client.decide(&signup("eleventh", "alice@home", "203.0.113.9")).ok();
    assert_eq!(eleventh["verdict"], "challenge", "{eleventh}");
    assert_eq!(eleventh["ask"], "captcha");
    assert_eq!(eleventh["event_id"], "eleventh");
    assert_eq!(eleventh["repeated"], false);
    assert_eq!(eleventh["signals"][0]["because"], "10 sign-ups from 203.0.113.0/24 in the last hour");

    let id = eleventh["decision"].as_str().unwrap();
    let explained = client.get(&format!("/v1/decisions/{id}"));
    assert!(!explained.body.contains("alice"), "people are masked: {}", explained.body);
    let explained = explained.ok();
    assert_eq!(
        (&explained["masked"], &explained["verdict"]),
        (&Value::Bool(true), &Value::from("challenge"))
    );
    assert_eq!(field(&explained["fields"], "name", "account")["value"], "al…", "{explained}");
    assert_eq!(field(&explained["features"], "id", "signups_from_net")["value"], 10, "{explained}");
    assert_eq!(client.get("/v1/decisions?event=eleventh").ok()["decision"], id);
    client.get(&format!("/v1/decisions/{id}?reveal=true")).problem(403, "missing_role");
    Client { token: String::new(), ..client.clone() }.decide(event).problem(401, "no_key");
    client.decide(r#"{"type":"sgnup","account":"a","ip":"203.0.113.7"}"#).problem(422, "bad_event");
    server.stop();

    let server = shop.serve();
    let again = server.client.decide(&signup("eleventh", "alice@home", "203.0.113.9")).ok();
    assert_eq!(without(&again, "repeated"), without(&eleventh, "repeated"));
    assert_eq!(again["repeated"], true);
    let twelfth = server.client.decide(&signup("twelfth", "bob", "203.0.113.10")).ok();
    assert_eq!(twelfth["signals"][0]["because"], "11 sign-ups from 203.0.113.0/24 in the last hour");
    assert_eq!(number(&twelfth), number(&eleventh) + 1, "the numbers go on: {twelfth}");
    let log = server.stop().err;
    assert!(log.contains("ready events=11 "), "{log}");
    assert!(!log.contains("alice"), "people do not get into the log: {log}");
}

fn number(decision: &Value) -> u64 {
    decision["decision"].as_str().unwrap().parse().unwrap()
}

fn field<'a>(list: &'a Value, key: &str, value: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|f| f[key] == value).unwrap_or_else(|| panic!("{value} in {list}"))
}

fn without(value: &Value, key: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(key);
    value
}

#[test]
fn a_hangup_puts_the_new_policy_in_force_or_keeps_the_old() {
    let shop = Shop::new();
    let mut server = shop.serve();
    let version =
        |server: &Server| server.client.get("/v1/policy").ok()["version"].as_str().unwrap().to_owned();
    let first = version(&server);
    assert_eq!(server.client.decide(&signup("1", "a", "203.0.113.1")).ok()["verdict"], "allow");

    shop.edit(">= 10", ">= 1");
    shop.edit("10 * signup", "1 * signup");
    assert_eq!(version(&server), first, "not before it is asked to");
    server.process.signal(Signal::HUP);
    server.process.await_err("the new policy", |log| log.contains(" reloaded").then_some(()));
    let second = version(&server);
    assert_ne!(second, first);
    let judged = server.client.decide(&signup("2", "a", "203.0.113.1")).ok();
    assert_eq!((judged["verdict"].as_str(), judged["policy"].as_str()), (Some("challenge"), Some(&*second)));
    // What was decided under the old one still says so.
    let before = server.client.get("/v1/decisions?event=1").ok();
    assert_eq!((before["policy"].as_str(), &before["policy_in_force"]), (Some(&*first), &Value::Bool(false)));

    let broken = [(shop.policy(), "rule x:\n", "did you mean"), (shop.policy(), "", "it has errors")];
    for (i, (path, text, _)) in broken.iter().enumerate() {
        let good = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, format!("{good}\n{text}nonsense\n")).unwrap();
        server.process.signal(Signal::HUP);
        server.process.await_err("a refusal", |log| {
            (log.matches("the policy is not reloaded: it has errors").count() > i).then_some(())
        });
        std::fs::write(path, good).unwrap();
        assert_eq!(version(&server), second);
    }
    let log = server.process.err();
    assert!(log.contains("`nonsense` does not begin a declaration"), "{log}");
    // A directory that is gone is no reason to stop either.
    std::fs::rename(shop.path().join("policy"), shop.path().join("away")).unwrap();
    server.process.signal(Signal::HUP);
    server.process.await_err("a refusal", |log| log.contains("cannot read the policy").then_some(()));
    assert_eq!(server.client.decide(&signup("3", "a", "203.0.113.1")).ok()["verdict"], "challenge");
    server.stop();

    // Without the directory the journal's policy is in force.
    let server = shop.serve();
    assert_eq!(version(&server), second);
    server.stop();
}

#[test]
fn a_policy_put_through_the_api_outlives_a_hangup_for_keys() {
    let shop = Shop::new();
    let mut server = shop.serve();
    let version =
        |server: &Server| server.client.get("/v1/policy").ok()["version"].as_str().unwrap().to_owned();
    let text =
        std::fs::read_to_string(shop.policy()).unwrap().replace(">= 10", ">= 3").replace("10 *", "3 *");
    server.client.call("PUT", "/v1/policy", "text/plain", &text).unwrap().ok();
    let put = version(&server);
    server.process.signal(Signal::HUP);
    server.process.await_err("the reload", |log| log.contains("has not changed").then_some(()));
    assert_eq!(version(&server), put);
    server.stop();
    let server = shop.serve();
    assert_eq!(version(&server), put, "nor does a restart take it back");
    server.stop();
}

#[test]
fn keys_made_and_revoked_count_from_a_hangup_on() {
    let shop = Shop::new();
    let mut server = shop.serve();
    let made = run(shop.path(), &["key", "new", "desk", "--role", "ingest,read,reveal"]).ended(0);
    let desk = Client { token: made.out.trim().to_owned(), ..server.client.clone() };
    desk.decide(&signup("1", "alice", "203.0.113.1")).problem(401, "no_key");
    server.process.signal(Signal::HUP);
    server.process.await_err("the reload", |log| log.contains(" reloaded").then_some(()));
    desk.decide(&signup("1", "alice", "203.0.113.1")).ok();
    let revealed = desk.get("/v1/decisions?event=1&reveal=true").ok();
    assert_eq!(field(&revealed["fields"], "name", "account")["value"], "alice", "{revealed}");
    server
        .process
        .await_err("who looked", |log| log.contains("identifiers of people were revealed").then_some(()));

    let first = server.client.token.split('_').nth(1).unwrap().to_owned();
    run(shop.path(), &["key", "revoke", &first]).ended(0);
    server.process.signal(Signal::HUP);
    server.process.await_err("the reload", |log| (log.matches(" reloaded").count() == 2).then_some(()));
    server.client.get("/v1/policy").problem(401, "no_key");
    desk.get("/v1/decisions?event=1").ok();
    server.stop();
}

/// SIGTERM is what service managers send; requests under way are answered, a stream is ended properly.
#[test]
fn sigterm_is_an_orderly_stop_in_the_middle_of_a_stream() {
    let shop = Shop::new();
    let server = shop.serve();
    let (mut sender, mut answers) = crate::http::stream(&server.client).unwrap();
    sender.send(&format!("{}\n", signup("1", "a", "203.0.113.1"))).unwrap();
    let answer = answers.next().unwrap().unwrap();
    assert_eq!(answer["event_id"], "1");
    server.process.signal(Signal::TERM);
    assert_eq!(answers.next().unwrap(), None, "the answer ends as it should");
    drop(sender);
    let ran = server.process.wait().ended(0);
    assert!(ran.err.contains("stopped; everything accepted is on disk"), "{ran:#?}");
    let server = shop.serve();
    assert_eq!(server.client.get("/v1/decisions?event=1").ok()["decision"], answer["decision"]);
    server.stop();
}

#[test]
fn a_server_by_interval_keeps_what_it_answered_when_it_is_killed() {
    let shop = Shop::new();
    let text = std::fs::read_to_string(shop.path().join("wardroom.toml")).unwrap();
    let text = text.replace(
        "durability = \"sync\"",
        "durability = \"50ms\"\nlog_format = \"json\"\nmetrics_open = true",
    );
    std::fs::write(shop.path().join("wardroom.toml"), text).unwrap();
    let mut process = Process::start(wardroom(shop.path()).args(["serve", "--listen", "127.0.0.1:0"]));
    let address = process.await_err("an address", |log| {
        let line = log.lines().find(|l| l.contains("\"serving\""))?;
        let line: Value = serde_json::from_str(line).unwrap();
        line["fields"]["address"].as_str()?.parse().ok()
    });
    let client = Client { address, token: shop.token.clone() };
    let decided = client.decide(&signup("1", "a", "203.0.113.1")).ok();
    let open = Client { token: String::new(), ..client };
    assert!(open.get("/metrics").body.contains("# EOF"));
    let server = Server { process, client: open };
    server.kill();
    let text = std::fs::read_to_string(shop.path().join("wardroom.toml")).unwrap();
    std::fs::write(shop.path().join("wardroom.toml"), text.replace("log_format = \"json\"", "")).unwrap();
    let server = shop.serve();
    assert_eq!(server.client.get("/v1/decisions?event=1").ok()["decision"], decided["decision"]);
    server.stop();
}

/// `wardroom serve 2>&1 | head`, or a log collector that died: the server goes on.
#[test]
fn a_log_that_nobody_reads_any_more_stops_nothing() {
    let shop = Shop::new();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = wardroom(shop.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(writer);
    let process = Process::of(&mut command);
    // Its copy of the writing end would keep the pipe open.
    drop(command);
    let mut lines = BufReader::new(reader).lines();
    let found = lines.find_map(|line| address(&line.unwrap())).unwrap();
    drop(lines);
    let client = Client { address: found, token: shop.token.clone() };
    for round in 1..=3 {
        shop.edit("in the last hour", &format!("in the last hour, {round}"));
        process.signal(Signal::HUP);
        let version = || client.get("/v1/policy").ok()["version"].clone();
        let want = run(shop.path(), &["check"]).ended(0).out;
        crate::process::until("the new policy", || want.contains(version().as_str().unwrap()).then_some(()));
    }
    assert_eq!(client.decide(&signup("1", "a", "203.0.113.1")).ok()["verdict"], "allow");
    process.signal(Signal::INT);
    process.wait().ended(0);
}
