// SPDX-License-Identifier: Apache-2.0
//! A person at a terminal acts on what has happened: says labels, imports them, plans jobs, approves, undoes; and the server
//! is killed in the middle of a job and of its undoing.

use crate::http::Client;
use crate::process::{Ran, run, until, wardroom};
use crate::server::{Server, Shop, signup};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const POLICY: &str = r#"
event signup:
    account: account
    ip: ip

list watched: ip

rule thief on signup:
    when    labelled(account, "abuse")
    then    block
    because "{account}"

rule watch on signup:
    when    ip in watched
    then    review
    because "{ip}"
"#;

/// A shop with this policy, and keys for two people.
fn shop() -> (Shop, String, String) {
    let shop = Shop::new();
    std::fs::write(shop.policy(), POLICY).unwrap();
    let key = |name: &str, roles: &[&str]| {
        let mut args = vec!["key", "new", name];
        roles.iter().for_each(|role| args.extend(["--role", role]));
        let made = run(shop.path(), &args).ended(0);
        let token = made.out.split_whitespace().find(|word| word.starts_with("wk_"));
        token.unwrap_or_else(|| panic!("a key: {made:#?}")).to_owned()
    };
    let ann = key("ann", &["act", "read", "approve", "ingest"]);
    let bob = key("bob", &["approve", "read"]);
    (shop, ann, bob)
}

/// The command, with a key, against a server.
fn say(shop: &Shop, server: &Server, key: &str, args: &[&str]) -> Ran {
    let url = format!("http://{}", server.client.address);
    let mut command = wardroom(shop.path());
    command.args(args).args(["--server", &url]).env("WARDROOM_KEY", key);
    crate::process::Process::start(&mut command).wait()
}

fn serve(shop: &Shop, key: &str) -> Server {
    let server = shop.serve();
    Server { client: Client { token: key.to_owned(), ..server.client }, ..server }
}

fn decide(server: &Server, id: &str, account: &str) -> (String, String) {
    let said = server.client.decide(&signup(id, account, "192.0.2.1")).ok();
    (said["decision"].as_str().unwrap().to_owned(), said["verdict"].as_str().unwrap().to_owned())
}

#[test]
fn a_person_says_labels_and_takes_them_back() {
    let (shop, ann, _) = shop();
    let server = serve(&shop, &ann);
    let (seq, _) = decide(&server, "1", "joe");
    let said = say(
        &shop,
        &server,
        &ann,
        &["label", "account:joe", "abuse", "--confidence", "0.9", "--note", "card"],
    );
    let said = said.ended(0);
    assert!(
        said.out.starts_with("account:joe is `abuse` (act ") && said.out.contains("it was not"),
        "{said:#?}"
    );
    let act = said.out.split("(act ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(decide(&server, "2", "joe").1, "block");
    say(&shop, &server, &ann, &["label", &format!("event:{seq}"), "good", "--source", "import:desk"])
        .ended(0);
    let shown = say(&shop, &server, &ann, &["label", "show", "account:joe"]).ended(0);
    assert!(
        shown.out.contains("key:ann: is `abuse`") && shown.out.contains("account:joe is abuse"),
        "{shown:#?}"
    );
    let wrong = say(&shop, &server, &ann, &["label", "acount:joe", "abuse"]).ended(1);
    assert!(wrong.one_error().contains("did you mean `account`"), "{wrong:#?}");
    let undone = say(&shop, &server, &ann, &["undo", "act", &act]).ended(0);
    assert_eq!(undone.out, format!("act {act}: 1 restored\n"));
    assert_eq!(decide(&server, "3", "joe").1, "allow");

    std::fs::write(shop.path().join("bank.csv"), "subject,label\naccount:eve,abuse\nnobody,abuse\n").unwrap();
    let args = ["label", "import", "bank.csv", "--source", "import:bank", "--key", "week 1"];
    let imported = say(&shop, &server, &ann, &args).ended(1);
    assert!(
        imported.out.starts_with("1 labels are said (job ") && imported.err.contains("line 3: "),
        "{imported:#?}"
    );
    assert_eq!(decide(&server, "4", "eve").1, "block");
    server.stop();
}

#[test]
fn a_job_is_previewed_approved_done_and_undone_at_a_terminal() {
    let (shop, ann, bob) = shop();
    let toml = std::fs::read_to_string(shop.path().join("wardroom.toml")).unwrap_or_default();
    std::fs::write(shop.path().join("wardroom.toml"), toml + "\n[act]\nsecond_person_above = 4\n").unwrap();
    let server = serve(&shop, &ann);
    let seqs: Vec<String> =
        (0..5).map(|n| decide(&server, &n.to_string(), &format!("account{n}")).0).collect();
    std::fs::write(shop.path().join("wave.txt"), seqs.join("\n")).unwrap();
    let args = ["act", "label", "abuse", "--on", "account", "--seqs", "wave.txt", "--reason", "a wave"];
    let dry = say(&shop, &server, &ann, &[&args[..], &["--dry-run"]].concat()).ended(0);
    assert!(
        dry.err
            .starts_with("5 found come to 5 items\n  would change 5, are so already 0, cannot be done 0\n"),
        "{dry:#?}"
    );
    assert!(
        dry.err.contains("not there now, then there for good") && !dry.err.contains("account1"),
        "{dry:#?}"
    );
    let planned = say(&shop, &server, &ann, &[&args[..], &["--yes"]].concat()).ended(0);
    let id = planned.err.split("job ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert!(planned.err.contains("waits for a second person"), "{planned:#?}");
    say(&shop, &server, &ann, &["jobs", "start", &id]).ended(1);
    say(&shop, &server, &ann, &["jobs", "approve", &id]).ended(1);
    say(&shop, &server, &bob, &["jobs", "approve", &id]).ended(0);
    say(&shop, &server, &ann, &["jobs", "start", &id]).ended(0);
    until("the job to be done", || {
        let shown = say(&shop, &server, &ann, &["jobs", "show", &id]).ended(0);
        shown.out.contains("done  5 of 5 items").then_some(())
    });
    assert_eq!(decide(&server, "a", "account1").1, "block");
    let undone = say(&shop, &server, &ann, &["undo", "job", &id, "--yes"]).ended(0);
    assert!(undone.out.contains("undone 5, not wholly 0"), "{undone:#?}");
    assert_eq!(decide(&server, "b", "account1").1, "allow");
    let log = say(&shop, &server, &ann, &["jobs", "log", &id]).ended(0);
    assert_eq!(log.out.lines().filter(|line| line.contains("  undone  ")).count(), 5, "{log:#?}");
    // Nobody answers: nothing is done.
    let small = ["act", "list", "watched", "--value", "ip", "--seq", &seqs[0]];
    let asked = say(&shop, &server, &ann, &small).ended(1);
    assert!(asked.err.contains("do it? [y/N]") && asked.err.contains("nothing was done"), "{asked:#?}");
    let done = say(&shop, &server, &ann, &[&small[..], &["--yes"]].concat()).ended(0);
    assert!(done.out.contains("changed 1, were so already 0"), "{done:#?}");
    assert_eq!(decide(&server, "c", "account4").1, "review");
    let listed = say(&shop, &server, &ann, &["jobs"]).ended(0);
    assert_eq!(listed.out.lines().filter(|line| line.contains(" items  ")).count(), 3, "{listed:#?}");
    server.stop();
}

#[test]
fn a_job_is_about_what_a_query_finds() {
    let (shop, ann, _) = shop();
    let server = serve(&shop, &ann);
    for n in 0..9 {
        server
            .client
            .decide(&signup(&n.to_string(), &format!("account{}", n % 3), &format!("192.0.2.{n}")))
            .ok();
    }
    let act = |more: &[&str], code| {
        let args = ["act", "label", "abuse", "--on", "account", "--reason", "a wave", "--yes", "--json"];
        say(&shop, &server, &ann, &[&args[..], more].concat()).ended(code)
    };
    let items = |ran: &Ran| ran.json()["items"].as_u64();
    // Events, their accounts once each; the accounts themselves; and by their numbers.
    let events =
        act(&["--query", "signup where ip in [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.4\"]", "--dry-run"], 0);
    assert_eq!(events.json()["preview"]["items"], 2, "{events:#?}");
    let groups = act(&["--query", "signup by account show count", "--dry-run"], 0);
    assert_eq!(groups.json()["preview"]["items"], 3, "{groups:#?}");
    let done = act(&["--query", "signup where account == \"account1\" show seq, ip"], 0);
    assert_eq!(items(&done), Some(1), "{done:#?}");
    assert_eq!(decide(&server, "a", "account1").1, "block");
    assert_eq!(decide(&server, "b", "account2").1, "allow");
    for (query, expect) in [
        ("signup by ip.net show count", "the label is for `account`, and entities of type `net` were found"),
        ("signup per \"1d\" show count", "a job takes events"),
        ("signup by account, ip show count", "a job takes events"),
        ("signup where acount == \"x\"", "did you mean `account`"),
        ("signup where ip == 7", "of type"),
    ] {
        let wrong = act(&["--query", query], 1);
        assert!(wrong.err.contains(expect), "{query}: {wrong:#?}");
    }
    let many = act(&["--query", "signup", "--cap", "3"], 1);
    assert!(many.err.contains("it finds more than 3"), "{many:#?}");
    if cfg!(feature = "sql") {
        let sql = act(&["--sql", "SELECT seq FROM signup WHERE ip_in(ip, '192.0.2.0/30')", "--dry-run"], 0);
        assert_eq!(sql.json()["preview"]["items"], 3, "{sql:#?}");
        let wrong = act(&["--sql", "SELECT ip FROM signup"], 1);
        assert!(wrong.err.contains("a job takes events"), "{wrong:#?}");
    }
    server.stop();
}

/// How often each item was done and undone, by the job's log.
fn counts(server: &Server, id: &str) -> BTreeMap<u64, (u32, u32)> {
    let mut counts: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
    let mut after = "0".to_owned();
    loop {
        let answer = server.client.get(&format!("/v1/jobs/{id}/log?after={after}"));
        let text = answer.body;
        if text.is_empty() {
            return counts;
        }
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            after = line["seq"].as_str().unwrap().to_owned();
            let (done, undone) = counts.entry(line["item"].as_u64().unwrap()).or_default();
            match line["outcome"].as_str().unwrap() {
                "undone" => *undone += 1,
                "made" => *done += 1,
                other => panic!("{other}"),
            }
        }
    }
}

fn job(server: &Server, id: &str) -> Value {
    server.client.get(&format!("/v1/jobs/{id}")).ok()
}

/// Kills the server whenever the job is under way, until it is not any more.
fn kill_until(shop: &Shop, key: &str, mut server: Server, id: &str, state: &str) -> (Server, u32) {
    let mut kills = 0;
    loop {
        let now = job(&server, id);
        if now["state"] == state {
            return (server, kills);
        }
        // Some of it is done each time.
        let progress = now["progress"].as_f64().unwrap();
        until("some progress", || {
            let now = job(&server, id);
            (now["state"] == state || now["progress"].as_f64().unwrap() > progress).then_some(())
        });
        server.kill();
        kills += 1;
        server = serve(shop, key);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn killed_in_the_middle_of_a_job_and_of_its_undoing_each_item_is_done_once() {
    const ITEMS: u64 = 1000;
    let (shop, ann, _) = shop();
    let server = serve(&shop, &ann);
    let lines: Vec<String> =
        (0..ITEMS).map(|n| signup(&n.to_string(), &format!("account{n}"), "192.0.2.1")).collect();
    let seqs: Vec<String> = server
        .client
        .stream(&lines)
        .iter()
        .map(|answer| answer["decision"].as_str().unwrap().to_owned())
        .collect();
    let body =
        serde_json::json!({"do": {"label": {"name": "abuse", "on": "account"}}, "where": {"seqs": seqs}});
    let planned =
        server.client.call("POST", "/v1/jobs", "application/json", &body.to_string()).unwrap().json();
    let id = planned["id"].as_str().unwrap().to_owned();
    server.client.call("POST", &format!("/v1/jobs/{id}/start"), "application/json", "{}").unwrap().ok();
    let (server, first) = kill_until(&shop, &ann, server, &id, "done");
    let once = counts(&server, &id);
    assert!(once.len() as u64 == ITEMS && once.values().all(|count| *count == (1, 0)), "{once:?}");
    assert_eq!(decide(&server, "x", "account999").1, "block");
    server.client.call("POST", &format!("/v1/jobs/{id}/undo"), "application/json", "{}").unwrap().ok();
    let (server, second) = kill_until(&shop, &ann, server, &id, "undone");
    let both = counts(&server, &id);
    assert!(both.len() as u64 == ITEMS && both.values().all(|count| *count == (1, 1)), "{both:?}");
    assert_eq!(job(&server, &id)["counts"]["restored"], ITEMS);
    assert_eq!(decide(&server, "y", "account999").1, "allow");
    assert!(first > 0 && second > 0, "{first} and {second} kills");
    server.stop();
}
