// SPDX-License-Identifier: Apache-2.0
//! Webhooks and notifications, over real connections: signed, at least once and each under one key, one destination beside
//! the other, and nothing of it in the way of a decision.

use crate::process::{Process, Ran, run, until, wardroom};
use crate::server::{Server, Shop};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const POLICY: &str = r#"
event login:
    account: account
    ip: ip

rule takeover on login:
    when    account in ["alice", "bob"]
    then    block, webhook("revoke"), notify("desk"), case("takeovers"), label(ip, "odd")
    because "{account} is used by somebody else"

rule slow on login:
    when    account == "carol"
    then    webhook("slow"), webhook("revoke")
    because "carol"
"#;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a receiver got.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What a receiver does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    Status(u16),
    /// It closes the connection.
    Close,
    /// It keeps the connection and says nothing.
    Never,
    /// It says this, and never all of what it announces.
    Half(u16),
}

/// Somebody to send to: answers the nth request as it is told, the last way for good.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    connections: Arc<Mutex<usize>>,
}

impl Receiver {
    pub(crate) fn start(replies: &[Reply]) -> Receiver {
        Receiver::with(replies, None)
    }

    fn with(replies: &[Reply], tls: Option<Arc<ServerConfig>>) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (got, connections) = (Arc::<Mutex<Vec<Got>>>::default(), Arc::<Mutex<usize>>::default());
        let (into, count, replies) = (got.clone(), connections.clone(), replies.to_vec());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                *count.lock().unwrap() += 1;
                let (into, replies, tls) = (into.clone(), replies.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        answer(StreamOwned::new(connection, stream.unwrap()), &into, &replies);
                    }
                    None => answer(stream.unwrap(), &into, &replies),
                });
            }
        });
        Receiver { address, got, connections }
    }

    pub(crate) fn all(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Waits until it got so many requests.
    #[track_caller]
    pub(crate) fn await_requests(&self, count: usize) -> Vec<Got> {
        until(&format!("{count} requests"), || Some(self.all()).filter(|all| all.len() >= count))
    }
}

/// Answers requests on one connection until it ends.
fn answer(stream: impl Read + Write, into: &Mutex<Vec<Got>>, replies: &[Reply]) {
    let mut stream = BufReader::new(stream);
    while let Some(got) = request(&mut stream) {
        let nth = {
            let mut all = into.lock().unwrap();
            all.push(got);
            all.len() - 1
        };
        match replies[nth.min(replies.len() - 1)] {
            Reply::Status(status) => {
                let text =
                    format!("HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\nok");
                if stream
                    .get_mut()
                    .write_all(text.as_bytes())
                    .and_then(|()| stream.get_mut().flush())
                    .is_err()
                {
                    return;
                }
            }
            Reply::Half(status) => {
                let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 9\r\n\r\nok");
                let sent = stream.get_mut().write_all(text.as_bytes());
                if sent.and_then(|()| stream.get_mut().flush()).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_secs(300));
            }
            Reply::Close => return,
            Reply::Never => std::thread::sleep(Duration::from_secs(300)),
        }
    }
}

fn request(stream: &mut impl BufRead) -> Option<Got> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned()));
    let headers: BTreeMap<String, String> = headers.collect();
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some(Got { path, headers, body: String::from_utf8(body).ok()? })
}

/// Writes the key of signatures, for its owner alone.
fn secret(path: &Path) {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
    writeln!(file, "{SECRET}").unwrap();
}

/// A shop whose rules have somewhere to go.
pub(crate) fn shop(config: &str) -> Shop {
    let shop = Shop::new();
    std::fs::write(shop.policy(), POLICY).unwrap();
    secret(&shop.path().join("hook.key"));
    let file = shop.path().join("wardroom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, format!("{text}{config}")).unwrap();
    shop
}

pub(crate) fn hook(name: &str, url: &str) -> String {
    format!("\n[effects.webhook.{name}]\nurl = \"{url}\"\nsecret_file = \"hook.key\"\ntimeout = \"5s\"\n")
}

pub(crate) fn decide(server: &Server, id: &str, account: &str) -> Value {
    let event = format!(r#"{{"type":"login","id":"{id}","account":"{account}","ip":"192.0.2.1"}}"#);
    server.client.decide(&event).ok()
}

fn listed(server: &Server, state: &str) -> Value {
    server.client.get(&format!("/v1/effects?state={state}")).ok()
}

#[track_caller]
fn await_listed(server: &Server, state: &str, total: u64) -> Value {
    until(&format!("{total} {state}"), || Some(listed(server, state)).filter(|said| said["total"] == total))
}

pub(crate) fn retry(server: &Server, key: &str) {
    let said = server.client.call("POST", &format!("/v1/effects/{key}/retry"), "", "").unwrap().ok();
    assert_eq!((&said["key"], &said["state"]), (&Value::from(key), &Value::from("pending")));
}

/// As the standard says a receiver should check it.
pub(crate) fn is_genuine(got: &Got) -> bool {
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let signed = format!("{}.{}.{}", got.id(), got.headers["webhook-timestamp"], got.body);
    let signature = got.headers["webhook-signature"].strip_prefix("v1,").unwrap();
    ring::hmac::verify(&key, signed.as_bytes(), &STANDARD.decode(signature).unwrap()).is_ok()
}

#[test]
fn an_effect_arrives_once_and_signed() {
    let (revoke, desk) = (Receiver::start(&[Reply::Status(200)]), Receiver::start(&[Reply::Status(204)]));
    let config = hook("revoke", &format!("http://{}/path/hunter2?q=1", revoke.address))
        + "headers = { Authorization = \"Bearer hunter2\" }\n"
        + &hook("slow", &format!("http://{}/", revoke.address))
        + &format!("\n[effects.notify.desk]\nurl = \"http://{}/hunter2\"\n", desk.address);
    let shop = shop(&config);
    let server = shop.serve();
    let said = decide(&server, "1", "alice");
    assert_eq!(said["verdict"], "block");

    let got = revoke.await_requests(1).remove(0);
    assert_eq!(got.path, "/path/hunter2?q=1");
    assert!(is_genuine(&got), "{got:?}");
    assert!(!is_genuine(&Got { body: got.body.replace("alice", "bob"), ..got.clone() }));
    assert_eq!(got.headers["authorization"], "Bearer hunter2");
    assert_eq!(
        (&got.headers["content-type"], &got.headers["idempotency-key"]),
        (&"application/json".into(), &got.id().into())
    );
    let body = got.json();
    let data = &body["data"];
    assert_eq!(body["type"], "rule.fired");
    assert_eq!((&data["id"], &data["decision"]), (&Value::from(got.id()), &said["decision"]));
    assert_eq!((&data["verdict"], &data["policy"]), (&Value::from("block"), &said["policy"]));
    assert!(data["rule"].as_str().unwrap().ends_with("takeover"), "{data}");
    assert_eq!(data["reason"], "alice is used by somebody else");
    assert_eq!(data["entities"], serde_json::json!({"account": "alice", "ip": "192.0.2.1"}));
    assert_eq!((&data["event"]["id"], &data["event"]["type"]), (&"1".into(), &"login".into()));
    let told = desk.await_requests(1).remove(0).json();
    let words = told["text"].as_str().unwrap();
    assert!(words.contains("al… is used by") && !words.contains("alice"), "people are masked: {words}");

    await_listed(&server, "pending", 0);
    let cases = await_listed(&server, "cases", 1);
    assert_eq!(
        (&cases["effects"][0]["name"], &cases["effects"][0]["decision"]),
        (&"takeovers".into(), &said["decision"])
    );
    assert_eq!(decide(&server, "1", "alice")["repeated"], true);
    decide(&server, "2", "bob");
    let all = revoke.await_requests(2);
    assert_ne!(all[0].id(), all[1].id());
    assert_eq!(*revoke.connections.lock().unwrap(), 1, "a connection is used again");
    let metrics = server.client.get("/metrics").body;
    assert!(metrics.contains("wardroom_effects_opened_total{effect=\"case\"} 2"), "{metrics}");
    let log = server.stop().err;
    assert!(!log.contains("hunter2") && !log.contains("whsec_") && !log.contains("alice"), "{log}");
    let shown = run(shop.path(), &["config"]).ended(0).out;
    assert!(
        shown.contains("# effects.webhook.revoke = \"http://127.0.0.1:") && !shown.contains("hunter2"),
        "{shown}"
    );

    let server = shop.serve();
    decide(&server, "3", "bob");
    assert_eq!(revoke.await_requests(3).len(), 3, "nothing again after a restart");
    server.stop();
    let ids: BTreeSet<String> = revoke.all().iter().map(|got| got.id().to_owned()).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn what_does_not_arrive_is_sent_again_under_its_key() {
    let replies = [
        Reply::Close,
        Reply::Status(500),
        Reply::Status(302),
        Reply::Status(410),
        Reply::Never,
        Reply::Status(200),
    ];
    let revoke = Receiver::start(&replies);
    let url = format!("http://{}/", revoke.address);
    let mut config = hook("revoke", &url) + &hook("slow", &url);
    config += "\n[effects.notify.desk]\nurl = \"http://127.0.0.1:1/hunter2\"\n";
    let shop = shop(&config);
    let server = shop.serve();
    decide(&server, "1", "alice");
    let key = revoke.await_requests(1)[0].id().to_owned();
    let failed = |server: &Server, attempts: u64| {
        until("a failed attempt", || {
            let said = listed(server, "pending");
            let all = said["effects"].as_array().unwrap().clone();
            all.into_iter().find(|e| e["key"] == *key && e["attempts"] == attempts)
        })
    };
    let first = failed(&server, 1);
    assert!(first["why"].as_str().unwrap().contains("no answer"), "{first}");
    retry(&server, &key);
    assert_eq!(failed(&server, 2)["why"], "HTTP 500");
    retry(&server, &key);
    assert!(failed(&server, 3)["why"].as_str().unwrap().contains("redirects are not followed"));
    retry(&server, &key);
    let dead = await_listed(&server, "dead", 1);
    assert_eq!(
        (&dead["effects"][0]["key"], &dead["effects"][0]["attempts"]),
        (&key.clone().into(), &4.into())
    );
    // A request that hangs when the server is killed is sent again by the next.
    retry(&server, &key);
    revoke.await_requests(5);
    let log = server.kill().err;
    assert!(log.contains("no connection") && !log.contains("hunter2"), "{log}");
    let server = shop.serve();
    let all = revoke.await_requests(6);
    until("its arrival on record", || {
        let metrics = server.client.get("/metrics").body;
        metrics.contains("wardroom_effects_delivered_total{effect=\"webhook\"} 1").then_some(())
    });
    assert_eq!(all.iter().map(Got::id).collect::<BTreeSet<_>>(), [&*key].into(), "one key");
    assert_eq!(all.iter().map(|got| &got.body).collect::<BTreeSet<_>>().len(), 1, "the same bytes");
    assert!(all.iter().all(|got| is_genuine(got) && got.path == "/"));
    server.client.call("POST", "/v1/effects/a-1-0/retry", "", "").unwrap().problem(404, "no_effect");
    server.stop();
}

/// The head of an answer decides, whatever becomes of its body.
#[test]
fn an_answer_whose_body_never_comes_is_an_answer() {
    let (yes, no) = (Receiver::start(&[Reply::Half(200)]), Receiver::start(&[Reply::Half(410)]));
    let config = hook("revoke", &format!("http://{}/", yes.address))
        + &hook("slow", &format!("http://{}/", no.address));
    let shop = shop(&config);
    let server = shop.serve();
    for n in 0..3 {
        decide(&server, &n.to_string(), "carol");
    }
    let dead = await_listed(&server, "dead", 3);
    assert!(dead["effects"][0]["why"].as_str().unwrap().starts_with("HTTP 410"), "{dead}");
    await_listed(&server, "pending", 0);
    let metrics = server.client.get("/metrics").body;
    assert!(metrics.contains("wardroom_effects_delivered_total{effect=\"webhook\"} 3"), "{metrics}");
    assert_eq!((yes.all().len(), no.all().len()), (3, 3), "each once");
    server.stop();
}

#[test]
fn a_slow_destination_holds_no_other_and_no_decision() {
    let (slow, quick) = (Receiver::start(&[Reply::Never]), Receiver::start(&[Reply::Status(200)]));
    let config = hook("slow", &format!("http://{}/", slow.address))
        + &hook("revoke", &format!("http://{}/", quick.address));
    let shop = shop(&config);
    let server = shop.serve();
    for n in 0..30 {
        decide(&server, &n.to_string(), "carol");
    }
    let ids: BTreeSet<String> = quick.await_requests(30).iter().map(|got| got.id().to_owned()).collect();
    assert_eq!(ids.len(), 30);
    assert!(slow.all().len() <= 8, "a few at a time: {}", slow.all().len());
    server.stop();
}

#[test]
fn names_without_a_destination_are_told_and_can_be_sent_later() {
    let shop = shop("\n[effects.webhook.revok]\nurl = \"http://127.0.0.1:1/\"\nsecret_file = \"hook.key\"\n");
    let checked = run(shop.path(), &["check"]).ended(0);
    let expect =
        "webhook `revoke` has nowhere to go: there is no `[effects.webhook.revoke]`; there is `revok`";
    assert!(checked.err.contains(expect), "{checked:#?}");
    let server = shop.serve();
    decide(&server, "1", "alice");
    await_listed(&server, "dead", 2);
    let log = server.stop().err;
    assert!(log.contains(expect), "{log}");

    let list = |state: &str| run(shop.path(), &["effects", "list", state, "--data", "data"]).ended(0).out;
    let dead = list("dead");
    assert!(dead.contains("webhook revoke  0 attempts, given up"), "{dead}");
    assert!(dead.contains("webhook `revoke` is not configured; did the rule mean `revok`?"), "{dead}");
    assert!(list("cases").contains("case takeovers  opened"), "{}", list("cases"));
    assert_eq!(list("pending"), "none\n");

    let revoke = Receiver::start(&[Reply::Status(200)]);
    let file = shop.path().join("wardroom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text + &hook("revoke", &format!("http://{}/", revoke.address));
    let text = text + &format!("\n[effects.notify.desk]\nurl = \"http://{}/\"\n", revoke.address);
    std::fs::write(&file, text).unwrap();
    let server = shop.serve();
    let ask = |args: &[&str]| ask(&shop, &server, args).ended(0).out;
    let again = ask(&["retry", "--dead"]);
    assert_eq!(again.lines().filter(|l| l.ends_with("is on its way again")).count(), 2, "{again}");
    revoke.await_requests(2);
    await_listed(&server, "pending", 0);
    assert_eq!(ask(&["list", "dead"]), "none\n");
    server.stop();
}

/// What lies encrypted is read with the keys of the configuration, as the server there would.
#[test]
fn effects_of_an_encrypted_directory_are_listed() {
    let shop = shop("\n[encryption]\nkey_file = \"lock.key\"\n");
    run(shop.path(), &["journal", "key", "new", "lock.key"]).ended(0);
    let server = shop.serve();
    decide(&server, "1", "alice");
    await_listed(&server, "dead", 2);
    server.stop();
    let ran = run(shop.path(), &["effects", "list", "dead", "--data", "data"]).ended(0);
    assert!(ran.out.contains("webhook revoke  0 attempts, given up"), "{ran:#?}");
    // From elsewhere the file is named.
    let (data, config) = (shop.path().join("data"), shop.path().join("wardroom.toml"));
    let (data, config) = (data.to_str().unwrap(), config.to_str().unwrap());
    let elsewhere = tempfile::tempdir().unwrap();
    let list = ["effects", "list", "cases", "--data", data];
    let ran = run(elsewhere.path(), &[&list[..], &["--config", config]].concat()).ended(0);
    assert!(ran.out.contains("case takeovers  opened"), "{ran:#?}");
    assert!(run(elsewhere.path(), &list).ended(3).one_error().contains("encrypted with the key"));
}

/// `wardroom effects`, asked of a server.
fn ask(shop: &Shop, server: &Server, args: &[&str]) -> Ran {
    let mut command = wardroom(shop.path());
    let at = format!("http://{}", server.client.address);
    command.env("WARDROOM_KEY", &shop.token).arg("effects").args(args).args(["--server", &at]);
    Process::start(&mut command).wait()
}

/// A dead letter that has nowhere to go is told of at the end, and the others go.
#[test]
fn one_that_cannot_be_sent_again_holds_no_other_up() {
    let shop = shop("");
    let server = shop.serve();
    for n in 0..3 {
        // To `slow`, then to `revoke`; and to `revoke`, then to `desk`.
        decide(&server, &format!("{n}"), "carol");
        decide(&server, &format!("more {n}"), "alice");
    }
    await_listed(&server, "dead", 12);
    server.stop();
    let revoke = Receiver::start(&[Reply::Status(200)]);
    let file = shop.path().join("wardroom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + &hook("revoke", &format!("http://{}/", revoke.address))).unwrap();
    let server = shop.serve();
    let dead = listed(&server, "dead");
    let keys = |name: &str| -> Vec<String> {
        let all = dead["effects"].as_array().unwrap().iter().filter(|it| it["name"] == name);
        all.map(|it| it["key"].as_str().unwrap().to_owned()).collect()
    };
    let (slow, wanted) = (&keys("slow")[0], &keys("revoke")[0]);
    let ran = ask(&shop, &server, &["retry", slow, wanted, "1-1-1"]).ended(1);
    assert_eq!(ran.out, format!("{wanted} is on its way again\n"));
    let expect = format!("{slow} is not sent: webhook `slow` is not configured\n1-1-1 is not sent: ");
    assert!(ran.err.starts_with(&expect), "{ran:#?}");
    revoke.await_requests(1);
    let ran = ask(&shop, &server, &["retry", "--dead", "--since", "2999-01-01T00:00:00Z"]).ended(0);
    assert_eq!(ran.out, "none\n");
    let ran = ask(&shop, &server, &["retry", "--dead", "--to", "slow"]).ended(1);
    assert_eq!((ran.out.lines().count(), ran.err.lines().count()), (0, 3), "{ran:#?}");
    let ran = ask(&shop, &server, &["retry", "--dead"]).ended(1);
    assert_eq!((ran.out.lines().count(), ran.err.lines().count()), (5, 6), "{ran:#?}");
    revoke.await_requests(6);
    await_listed(&server, "pending", 0);
    await_listed(&server, "dead", 6);
    server.stop();
}

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/tls").join(name)).unwrap()
}

#[test]
fn tls_is_spoken_with_whom_is_trusted_and_with_nobody_else() {
    let certificates = vec![CertificateDer::from_pem_slice(&pem("cert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&pem("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(certificates, key).unwrap());
    let revoke = Receiver::with(&[Reply::Status(200)], Some(config));
    let url = format!("https://localhost:{}/", revoke.address.port());
    let shop = shop(
        &(hook("revoke", &url)
            + "ca_file = \"ca.pem\"\n"
            + &hook("slow", &url)
            + "ca_file = \"other.pem\"\n"),
    );
    std::fs::write(shop.path().join("ca.pem"), pem("cert.pem")).unwrap();
    std::fs::write(shop.path().join("other.pem"), pem("other.pem")).unwrap();
    let server = shop.serve();
    decide(&server, "1", "carol");
    let got = revoke.await_requests(1).remove(0);
    assert!(is_genuine(&got));
    let pending = until("an attempt that failed", || {
        let said = listed(&server, "pending");
        Some(said["effects"][0].clone()).filter(|e| e["attempts"] == 1)
    });
    assert_eq!(pending["name"], "slow");
    assert!(pending["why"].as_str().unwrap().starts_with("no TLS: "), "{pending}");
    assert_eq!(revoke.all().len(), 1);
    server.stop();
}

/// What a port is for that nobody listens on: so that no test depends on what runs here.
#[test]
fn the_port_that_refuses_refuses() {
    assert!(TcpStream::connect("127.0.0.1:1").is_err());
}

/// Killed again and again while events come: each decision's effect arrives, and never under a second key.
#[test]
fn kills_lose_no_effect_and_give_none_a_second_key() {
    let revoke = Receiver::start(&[Reply::Status(500), Reply::Status(200)]);
    let url = format!("http://{}/", revoke.address);
    let shop = shop(&(hook("revoke", &url) + &hook("slow", &url)));
    let mut decisions = BTreeMap::new();
    for round in 0..6 {
        let server = shop.serve();
        let mut id = 0;
        // Until the server is gone; what was not answered is sent again in the next round.
        let pid = server.process.pid();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150 + 70 * round));
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        });
        while let Ok(answer) = {
            let event = format!(r#"{{"type":"login","id":"{id}","account":"carol","ip":"192.0.2.1"}}"#);
            server.client.call("POST", "/v1/decide", "application/json", &event)
        } {
            let number = answer.ok()["decision"].as_str().unwrap().to_owned();
            assert_eq!(
                *decisions.entry(id).or_insert(number.clone()),
                number,
                "the same id, the same decision"
            );
            id += 1;
        }
        killer.join().unwrap();
    }
    let server = shop.serve();
    let number = |key: &str| key.split('-').nth(1).unwrap().to_owned();
    let expect: BTreeSet<String> = decisions.values().cloned().collect();
    let arrived = until("every effect", || {
        let keys: BTreeSet<String> = revoke.all().iter().map(|got| got.id().to_owned()).collect();
        let numbers: BTreeSet<String> = keys.iter().map(|key| number(key)).collect();
        numbers.is_superset(&expect).then_some(keys)
    });
    until("the end of what is on its way", || (listed(&server, "pending")["total"] == 0).then_some(()));
    server.stop();
    // Two effects of each decision, and perhaps one decision that nobody was told of.
    let keys: BTreeSet<String> = revoke.all().iter().map(|got| got.id().to_owned()).collect();
    let events: BTreeSet<String> = revoke
        .all()
        .iter()
        .map(|got| got.json()["data"]["event"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys.len(), 2 * events.len(), "{} {}", arrived.len(), decisions.len());
    assert!(events.len() >= decisions.len() && decisions.len() > 5, "{}", decisions.len());
    let installation: BTreeSet<&str> = keys.iter().filter_map(|key| key.split('-').next()).collect();
    assert_eq!(installation.len(), 1);
}
