// SPDX-License-Identifier: Apache-2.0
//! From sign-ups to a campaign with a name; one of it turns out bad, the others are proposed, labelled by a job, and that is undone.

use crate::http::Client;
use crate::process::{Process, Ran, run, wardroom};
use crate::server::{Server, Shop};
use serde_json::Value;

const POLICY: &str = r#"
event signup:
    account: account
    ip: ip
    device: device?
    username: text
    email: email?
    ja4: text?
    form_time: duration?
    captcha_time: duration?

rule swept on signup:
    when    labelled(account, "signup-campaign")
    then    block
    because "{account}"
"#;

/// A number that follows from another, as good as any.
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    z = (z ^ (z >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 29)
}

/// Between a fifth and five times a median, as people are.
fn millis(n: u64, median: f64) -> u64 {
    let share = mixed(n) as f64 / u64::MAX as f64;
    (median * 1000.0 * 5_f64.powf(2.0 * share - 1.0)) as u64
}

fn signups() -> Vec<String> {
    let person = |n: u64| {
        let (net, name, provider) = (mixed(n) % 60_000, mixed(n + 1), mixed(n + 2) % 12);
        format!(
            r#"{{"type":"signup","id":"p{n}","account":"person{n}","ip":"100.{}.{}.{}","device":"d{n}","username":"{:x}{}","email":"{:x}@provider{provider}.example","ja4":"t13d{}","form_time":"{}ms","captcha_time":"{}ms"}}"#,
            64 + net / 256 % 60,
            net % 256,
            n % 250,
            name >> 20,
            n % 7,
            name >> 16,
            mixed(n + 3) % 9,
            millis(7 * n, 40.0),
            millis(11 * n, 12.0),
        )
    };
    let robot = |n: u64| {
        let net = mixed(n + 77) % 60_000;
        format!(
            r#"{{"type":"signup","id":"r{n}","account":"robot{n}","ip":"100.{}.{}.9","device":"r{n}","username":"{:x}","email":"{:x}@tempbox.example","ja4":"t13dscript","form_time":"{}ms","captcha_time":"{}ms"}}"#,
            64 + net / 256 % 60,
            net % 256,
            mixed(n + 5) >> 30,
            mixed(n + 6) >> 30,
            9_000 + mixed(n) % 300,
            20_000 + mixed(n + 1) % 900,
        )
    };
    (1..=600).map(person).chain((1..=40).map(robot)).collect()
}

fn say(shop: &Shop, server: &Server, key: &str, args: &[&str]) -> Ran {
    let url = format!("http://{}", server.client.address);
    let mut command = wardroom(shop.path());
    command.args(args).args(["--server", &url]).env("WARDROOM_KEY", key);
    Process::start(&mut command).wait()
}

#[test]
fn a_campaign_is_named_and_when_one_of_it_turns_bad_the_others_are_swept() {
    let shop = Shop::new();
    std::fs::write(shop.policy(), POLICY).unwrap();
    let roles = ["act", "read", "reveal", "ingest"].map(|role| ["--role", role]).concat();
    let made = run(shop.path(), &[&["key", "new", "ann"], &roles[..]].concat()).ended(0);
    let key = made.out.split_whitespace().find(|word| word.starts_with("wk_")).unwrap().to_owned();
    let server = shop.serve();
    let server = Server { client: Client { token: key.clone(), ..server.client }, ..server };
    assert_eq!(server.client.stream(&signups()).len(), 640);

    let listed = say(&shop, &server, &key, &["campaigns"]).ended(0);
    assert!(listed.out.contains("1 campaigns among 640 sign-ups"), "{listed:#?}");
    assert!(
        listed.out.contains("mail at tempbox.example: 40 of 40")
            || listed.out.contains("at tempbox.example: "),
        "{listed:#?}"
    );
    let name = listed.out.split_whitespace().next().unwrap().to_owned();
    let shown = say(&shop, &server, &key, &["campaigns", "show", &name, "--reveal", "--json"]).ended(0);
    let accounts: Vec<Value> = shown.json()["accounts"].as_array().unwrap().clone();
    let robots =
        accounts.iter().filter(|member| member["account"].as_str().unwrap().starts_with("robot")).count();
    assert!(robots >= 38 && accounts.len() - robots <= 1, "{robots} of {}", accounts.len());
    let masked = say(&shop, &server, &key, &["campaigns", "show", &name]).ended(0);
    assert!(masked.out.contains("ro…·") && !masked.out.contains("robot"), "{masked:#?}");
    say(&shop, &server, &key, &["campaigns", "show", "none-2026-01-05-abcd"]).ended(1);
    // The same from the data directory, beside the server.
    let local = run(shop.path(), &["campaigns", "--data", "data", "--json"]).ended(0);
    assert_eq!(local.json()["campaigns"][0]["name"], name.as_str(), "{local:#?}");

    // Nobody is bad yet.
    let none = say(&shop, &server, &key, &["campaigns", "sweep"]).ended(0);
    assert!(none.out.contains("0 accounts hang together"), "{none:#?}");
    say(&shop, &server, &key, &["label", "account:robot7", "abuse"]).ended(0);
    let dry = say(&shop, &server, &key, &["campaigns", "sweep", "--json", "--reveal"]).ended(0).json();
    let suspects = dry["suspects"].as_array().unwrap();
    let of =
        |prefix: &str| suspects.iter().filter(|s| s["account"].as_str().unwrap().starts_with(prefix)).count();
    assert!(of("robot") >= 38 && of("person") <= 1, "{} and {}", of("robot"), of("person"));
    assert!(suspects.iter().all(|s| s["kin"] == "robot7" && s["because"].as_array().unwrap().len() > 1));
    assert_eq!(dry["preview"]["changes"], dry["count"], "{dry}");
    let jobs = say(&shop, &server, &key, &["jobs"]).ended(0);
    assert_eq!(jobs.out, "none\n", "a dry run plans nothing");

    let args = ["campaigns", "sweep", "--run", "--yes", "--reason", "robot7 was a sleeper"];
    let swept = say(&shop, &server, &key, &args).ended(0);
    assert!(swept.out.contains("likely bad, as kin of ro…") && !swept.out.contains("robot8"), "{swept:#?}");
    let id = swept.err.split("job ").nth(1).unwrap().split(':').next().unwrap().to_owned();
    let again = |id: &str| {
        let event =
            format!(r#"{{"type":"signup","id":"{id}","account":"robot8","ip":"192.0.2.1","username":"x"}}"#);
        server.client.decide(&event).ok()["verdict"].clone()
    };
    assert_eq!(again("x1"), "block");
    let undone = say(&shop, &server, &key, &["undo", "job", &id, "--yes"]).ended(0);
    assert!(undone.out.contains("not wholly 0"), "{undone:#?}");
    assert_eq!(again("x2"), "allow");
    server.stop();
}
