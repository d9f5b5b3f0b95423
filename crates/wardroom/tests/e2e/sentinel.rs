// SPDX-License-Identifier: Apache-2.0
//! A story: somebody at risk joins the programme, lives on, and one night somebody else has the password.
//!
//! With `--no-capture` it is told as it goes.

use crate::effects::{Receiver, Reply, hook, shop};
use crate::http::{Answer, Client};
use crate::process::{Ran, run, until, wardroom};
use crate::server::{Server, Shop};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

const HOOKS: [&str; 7] = [
    "session-revoke",
    "account-hold",
    "account-release",
    "step-up-required",
    "setting-delayed",
    "owner-notice",
    "sentinel-left",
];
const HOME: &str = "193.0.6.139";
const AWAY: &str = "199.71.0.46";

/// The shipped packs, where a newcomer has the first policy.
fn ship(shop: &Shop) {
    std::fs::remove_file(shop.policy()).unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy"), &shop.path().join("policy"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let there = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &there),
            false => assert!(std::fs::copy(&path, &there).unwrap() > 0),
        }
    }
}

fn key(shop: &Shop, name: &str, roles: &[&str]) -> String {
    let mut args = vec!["key", "new", name];
    roles.iter().for_each(|role| args.extend(["--role", role]));
    let made = run(shop.path(), &args).ended(0);
    made.out.split_whitespace().find(|word| word.starts_with("wk_")).unwrap().to_owned()
}

/// RFC 3339, so many minutes before now.
fn ago(minutes: u64) -> String {
    let time = SystemTime::now() - Duration::from_secs(60 * minutes);
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    wardroom_event::Micros(i64::try_from(since.as_micros()).unwrap()).to_string()
}

struct Story {
    shop: Shop,
    server: Server,
    hooks: Receiver,
    product: Client,
    person: String,
}

impl Story {
    fn begin() -> Story {
        let hooks = Receiver::start(&[Reply::Status(200)]);
        let all: String =
            HOOKS.iter().map(|name| hook(name, &format!("http://{}/{name}", hooks.address))).collect();
        let shop = shop(&format!("{all}\n[cases.sentinel]\ndue = \"4h\"\n"));
        ship(&shop);
        let product = key(&shop, "product", &["ingest", "subject"]);
        let person = key(&shop, "ann", &["read", "reveal", "act"]);
        let server = shop.serve();
        let product = Client { address: server.client.address, token: product };
        Story { shop, server, hooks, product, person }
    }

    /// An event of alice's, so many minutes ago. Gives what was decided.
    fn event(&self, id: &str, minutes: u64, mut event: Value) -> Value {
        event["id"] = id.into();
        event["account"] = "alice".into();
        event["time"] = ago(minutes).into();
        self.product.decide(&event.to_string()).ok()
    }

    fn login(&self, id: &str, minutes: u64, more: &Value) -> Value {
        let mut event =
            json!({"type": "login", "ip": HOME, "device": "laptop", "ok": true, "factor": "password"});
        for (name, value) in more.as_object().unwrap() {
            event[name] = value.clone();
        }
        self.event(id, minutes, event)
    }

    /// The webhooks that were called about this event.
    fn told_of(&self, event: &str) -> BTreeSet<String> {
        let of = |got: &crate::effects::Got| {
            (got.json()["data"]["event"]["id"] == event)
                .then(|| got.path().trim_start_matches('/').to_owned())
        };
        self.hooks.all().iter().filter_map(of).collect()
    }

    #[track_caller]
    fn await_told(&self, event: &str, hooks: &[&str]) {
        let wanted: BTreeSet<String> = hooks.iter().map(|&name| name.to_owned()).collect();
        until(&format!("{wanted:?} about {event}"), || {
            Some(()).filter(|()| self.told_of(event).is_superset(&wanted))
        });
        println!("  webhooks: {}", hooks.join(", "));
    }

    fn log(&self) -> Value {
        self.product.get("/v1/accounts/alice/log").ok()
    }

    /// A command of the person who looks at cases.
    fn say(&self, args: &[&str]) -> Ran {
        let url = format!("http://{}", self.server.client.address);
        let mut command = wardroom(self.shop.path());
        command.args(args).args(["--server", &url]).env("WARDROOM_KEY", &self.person);
        println!("$ wardroom {}", args.join(" "));
        let ran = crate::process::Process::start(&mut command).wait().ended(0);
        ran.out.lines().for_each(|line| println!("{line}"));
        ran
    }
}

fn decided(what: &str, said: &Value) {
    let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    println!("{what}: {} {}", text("verdict"), text("ask"));
    for signal in said["signals"].as_array().into_iter().flatten() {
        println!("  {} says: {}", signal["rule"].as_str().unwrap(), signal["because"].as_str().unwrap());
    }
}

fn tell(entry: &Value) {
    let text = |name: &str| entry[name]["text"].as_str().unwrap_or_default().to_owned();
    let can =
        entry["can"].as_array().unwrap().iter().filter_map(|it| it["text"].as_str()).collect::<Vec<_>>();
    let mark = if entry["suspicious"] == true { "! " } else { "  " };
    println!("{mark}{} {} {}. {} {}", text("what"), text("from"), text("with"), text("did"), can.join(" "));
}

/// What she does before anything happens to her.
fn join_and_live(story: &Story) {
    println!("-- She shows a key, and joins.");
    let day = 24 * 60;
    story.event(
        "k-1",
        31 * day,
        json!({"type": "step_up", "ip": HOME, "device": "laptop", "factor": "security_key", "ok": true}),
    );
    let asked = story.event(
        "s-1",
        31 * day - 1,
        json!({"type": "setting", "ip": HOME, "device": "laptop", "what": "sentinel_on", "step": "due"}),
    );
    decided("joining", &asked);
    assert_eq!(asked["verdict"], "allow");
    story.await_told("s-1", &["owner-notice"]);
    let person = Client { token: story.person.clone(), ..story.product.clone() };
    let listed = person.get("/v1/lists/sentinel.members?value=alice").ok();
    assert_eq!(listed["entry"], true, "{listed}");
    println!("-- A month of logins at home, on her laptop: nothing is asked for.");
    for n in 0..28 {
        let said = story.login(&format!("h-{n}"), (30 - n) * day, &json!({}));
        assert_eq!(said["verdict"], "allow", "{said}");
    }
}

#[test]
fn a_stolen_password_is_not_enough() {
    let story = Story::begin();
    join_and_live(&story);

    println!("-- Yesterday evening, somebody who has her password, on another device in another country.");
    let thief = json!({"ip": AWAY, "device": "burner", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"});
    for n in 0..6 {
        let mut guess = thief.clone();
        guess["ok"] = json!(false);
        guess["ip"] = json!(format!("199.71.0.{}", 40 + n));
        story.login(&format!("g-{n}"), 1600 - n, &guess);
    }
    let said = story.login("t-1", 1570, &thief);
    decided("the right password", &said);
    assert_eq!((&said["verdict"], &said["ask"]), (&json!("challenge"), &json!("security key")));
    story.await_told("t-1", &["step-up-required", "owner-notice"]);

    println!("-- He has a session all the same (a product that did not ask), and wants her mail.");
    let forward = |step: &str| json!({"type": "setting", "ip": AWAY, "device": "burner", "what": "forwarding", "step": step, "target": "h-9f2c"});
    let said = story.event("f-1", 1560, forward("asked"));
    decided("forwarding is asked for", &said);
    assert_eq!(said["verdict"], "review");
    story.await_told("f-1", &["setting-delayed", "owner-notice"]);

    println!("-- Her security log.");
    let log = story.log();
    log["entries"].as_array().unwrap().iter().take(4).for_each(tell);
    let find =
        |id: &str| log["entries"].as_array().unwrap().iter().find(|e| e["events"][0] == id).cloned().unwrap();
    let theft = find("t-1");
    assert_eq!(
        (&theft["suspicious"], &theft["did"]["params"]["proof"]),
        (&json!(true), &json!("security key"))
    );
    assert_eq!(find("g-5")["what"]["text"], "6 failed attempts to log in to your account");
    let page = story.product.get("/v1/accounts/alice/log?format=html");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Please look at this") && !page.body.contains("takeover"), "{}", page.body);
    if let Some(path) = std::env::var_os("WARDROOM_TEST_PAGE") {
        std::fs::write(path, &page.body).unwrap();
    }

    println!("-- \"This was not me\": without being logged in.");
    let anybody = Client { token: String::new(), ..story.product.clone() };
    let link = theft["not_me"].as_str().unwrap();
    let asked = anybody.get(link);
    assert!(asked.status == 200 && asked.body.contains("This was not me"), "{asked:#?}");
    let revoked = story.hooks.all().iter().any(|got| got.path() == "/session-revoke");
    assert!(!revoked, "a link that is followed does nothing");
    let form = |answer: &str| -> Answer {
        anybody.call("POST", link, "application/x-www-form-urlencoded", answer).unwrap()
    };
    assert!(form("answer=not-me").body.contains("we know that this was not you"));
    let number = story.log()["entries"][0].clone();
    assert_eq!(number["what"]["id"], "report.not_mine");
    let report = number["events"][0].as_str().unwrap();
    story.await_told(report, &["session-revoke", "account-hold"]);
    assert!(form("answer=not-me").body.contains("we know that this was not you"));

    println!("-- A day after it was asked for, the forwarding is due.");
    let said = story.event("f-2", 0, forward("due"));
    decided("forwarding is due", &said);
    assert_eq!(
        (&said["verdict"], &said["signals"][0]["rule"]),
        (&json!("block"), &json!("sentinel.setting_called_off"))
    );

    println!("-- A person looks.");
    close_the_cases(&story);
    story.server.stop();
}

fn close_the_cases(story: &Story) {
    let cases = until("cases", || {
        let said = story.say(&["cases", "list", "--json", "--reveal"]);
        let said: Value = serde_json::from_str(&said.out).unwrap();
        let cases = said["cases"].as_array().unwrap().clone();
        (cases.len() >= 4).then_some(cases)
    });
    story.say(&["cases", "list"]);
    let theft = cases.iter().find(|case| case["event_type"] == "login").unwrap();
    assert_eq!(
        (&theft["account"], &theft["queue"], &theft["overdue"]),
        (&json!("alice"), &json!("sentinel"), &json!(false))
    );
    let key = theft["key"].as_str().unwrap();
    let shown = story.say(&["cases", "show", key]).out;
    assert!(
        shown.contains("what its owner reported") && shown.contains("other cases of the account"),
        "{shown}"
    );
    assert!(!shown.contains("alice"), "{shown}");
    story.say(&["cases", "claim", key]);
    let closed = story.say(&["cases", "close", key, "--outcome", "attacker", "--note", "she was asleep"]).out;
    assert!(closed.contains("closed by ann: attacker"), "{closed}");
    let event = theft["decision"].as_str().unwrap();
    let labels = story.say(&["label", "show", &format!("event:{event}")]).out;
    assert!(
        labels.contains("case:sentinel: is `abuse`") && labels.contains(&format!("event:{event} is abuse")),
        "{labels}"
    );
}
