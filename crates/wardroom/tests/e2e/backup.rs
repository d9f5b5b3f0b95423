// SPDX-License-Identifier: Apache-2.0
//! A backup beside a server under load; then the server is killed, and another goes on from the backup elsewhere.

use crate::http::{Client, Connection};
use crate::process::{Process, program, run, until, wardroom};
use crate::server::{Server, Shop, signup};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

const SENDERS: u64 = 3;

/// Two features over some accounts and addresses, so that counters differ by key and by what they count.
const POLICY: &str = r#"
event signup:
    account: account
    ip: ip

feature from_ip  = count(signup, by=ip, last="1d")
feature accounts = distinct(account, of=signup, by=ip, last="1d")
feature of_one   = count(signup, by=account, last="1d")

rule many on signup:
    when    from_ip >= 20
    then    block, label(ip, "many", expires="1d")
    because "{from_ip} from {ip}"

rule busy on signup:
    when    accounts >= 25 or of_one >= 12
    then    review
    because "{accounts} accounts from {ip}; {account} {of_one} times"
"#;

/// An event of a fixed moment: its features do not depend on when it is sent.
fn event(sender: u64, i: u64, base: i64) -> (String, String) {
    let id = format!("{sender}-{i}");
    let time = base + i64::try_from(i).unwrap() / 10;
    let time = format!("{}", Second(time));
    let line = format!(
        r#"{{"type":"signup","id":"{id}","time":"{time}","account":"a{}","ip":"203.0.113.{}"}}"#,
        (i * 7 + sender) % 90,
        (i * 13 + sender) % 40
    );
    (id, line)
}

/// Seconds since 1970 as RFC 3339, of today: hours, minutes and seconds are all that is needed beside the day.
struct Second(i64);

impl std::fmt::Display for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Howard Hinnant, civil_from_days.
        let (days, rest) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
        let year = yoe + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
    }
}

#[derive(Clone, Debug)]
struct Acknowledged {
    line: String,
    number: u64,
    verdict: String,
}

fn decide(connection: &mut Connection, line: &str) -> std::io::Result<Value> {
    Ok(connection.call("POST", "/v1/decide", "application/json", line)?.ok())
}

/// Sends until told to stop. Gives what was acknowledged, by id.
fn send(
    client: &Client,
    sender: u64,
    base: i64,
    stop: &AtomicBool,
    count: &AtomicU64,
) -> BTreeMap<String, Acknowledged> {
    let mut all = BTreeMap::new();
    let mut connection = Connection::open(client).unwrap();
    for i in 0.. {
        if stop.load(SeqCst) {
            break;
        }
        let (id, line) = event(sender, i, base);
        let answer = decide(&mut connection, &line).unwrap();
        let number = answer["decision"].as_str().unwrap().parse().unwrap();
        let verdict = answer["verdict"].as_str().unwrap().to_owned();
        all.insert(id, Acknowledged { line, number, verdict });
        count.fetch_add(1, SeqCst);
    }
    all
}

/// What is served for the next event of each of some addresses.
fn probes(server: &Server, base: i64) -> Vec<Value> {
    let mut connection = Connection::open(&server.client).unwrap();
    let probe = |n: u64| {
        let time = Second(base + 600);
        let line = format!(
            r#"{{"type":"signup","id":"probe-{n}","time":"{time}","account":"a{n}","ip":"203.0.113.{n}"}}"#
        );
        let number = decide(&mut connection, &line).unwrap()["decision"].as_str().unwrap().to_owned();
        let stored = connection.call("GET", &format!("/v1/decisions/{number}"), "", "").unwrap().ok();
        assert!(stored["features"].as_array().is_some_and(|f| f.len() == 3), "{stored}");
        serde_json::json!([stored["features"], stored["verdict"], stored["signals"]])
    };
    (0..20).map(probe).collect()
}

#[test]
fn a_backup_made_under_load_goes_on_elsewhere_as_if_nothing_had_been() {
    let shop = Shop::new();
    std::fs::write(shop.policy(), POLICY).unwrap();
    let server = shop.serve();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let base = i64::try_from(now).unwrap() - 1800;
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (client, stop, count) = (server.client.clone(), stop.clone(), count.clone());
            std::thread::spawn(move || send(&client, sender, base, &stop, &count))
        })
        .collect();
    let more = |n: u64| {
        let from = count.load(SeqCst);
        until("more events", || (count.load(SeqCst) >= from + n).then_some(()));
    };
    more(150);
    let full = run(shop.path(), &["backup", "1.tar", "--json"]).ended(0).json();
    more(150);
    let taken = run(shop.path(), &["backup", "2.tar", "--since", "1.tar", "--json"]).ended(0).json();
    more(150);
    stop.store(true, SeqCst);
    let mut all = BTreeMap::new();
    senders.into_iter().for_each(|sender| all.extend(sender.join().unwrap()));
    let expected = probes(&server, base);
    server.kill();

    let last = taken["last_seq"].as_u64().unwrap();
    assert!(last > full["last_seq"].as_u64().unwrap(), "{full} {taken}");
    run(shop.path(), &["backup", "verify", "2.tar", "1.tar"]).ended(0);
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["1.tar", "2.tar"] {
        std::fs::rename(shop.path().join(name), elsewhere.path().join(name)).unwrap();
    }
    let ran = run(elsewhere.path(), &["restore", "2.tar", "1.tar", "--data", "data", "--policy", "policy"])
        .ended(0);
    assert!(
        ran.out.contains(&format!("records (1 to {last})")) && ran.out.contains("every checksum right"),
        "{ran:#?}"
    );

    let token = shop.token.clone();
    let serve =
        || Server::start(wardroom(elsewhere.path()).args(["serve", "--listen", "127.0.0.1:0"]), &token);
    let server = serve();
    assert_eq!(server.client.get("/v1/policy").ok()["origin"], "directory");
    let mut connection = Connection::open(&server.client).unwrap();
    // What the backup holds has its decision; what came after it is new, and sent again as a sender would.
    let mut by_number: Vec<_> = all.values().collect();
    by_number.sort_by_key(|sent| sent.number);
    let (before, after): (Vec<&Acknowledged>, Vec<_>) = by_number.into_iter().partition(|s| s.number <= last);
    assert!(before.len() >= 300 && after.len() >= 100, "{} before, {} after", before.len(), after.len());
    for sent in before {
        let answer = decide(&mut connection, &sent.line).unwrap();
        let found =
            (answer["decision"].as_str().unwrap().parse().unwrap(), answer["verdict"].as_str().unwrap());
        assert_eq!(
            (found, &answer["repeated"]),
            ((sent.number, &*sent.verdict), &Value::Bool(true)),
            "{answer}"
        );
    }
    for sent in after {
        let answer = decide(&mut connection, &sent.line).unwrap();
        assert_eq!(
            (answer["verdict"].as_str(), &answer["repeated"]),
            (Some(&*sent.verdict), &Value::Bool(false))
        );
    }
    assert_eq!(probes(&server, base), expected, "every counter is where it was");
    server.stop();
    // And it is a data directory like any other.
    serve().stop();
}

#[test]
fn a_backup_goes_through_a_pipe_and_other_tools_read_it() {
    let shop = Shop::new();
    shop.serve().stop();
    let out = File::create(shop.path().join("out.tar")).unwrap();
    let mut command = wardroom(shop.path());
    let ran = Process::of(command.args(["backup", "-"]).stdout(out).stderr(std::process::Stdio::piped()))
        .wait()
        .ended(0);
    assert!(
        ran.err.contains("-: 2 records (1 to 2)") && ran.err.contains("not in it: wardroom.toml"),
        "{ran:#?}"
    );
    run(shop.path(), &["backup", "verify", "out.tar"]).ended(0);
    let again = run(shop.path(), &["backup", "out.tar"]).ended(3);
    assert!(again.one_error().contains("is there already"), "{again:#?}");
    assert!(run(shop.path(), &["backup"]).ended(2).one_error().contains("where should the backup go?"));
    let Some(tar) = program("a_backup_goes_through_a_pipe_and_other_tools_read_it", "tar") else { return };
    std::fs::create_dir(shop.path().join("unpacked")).unwrap();
    let unpack = |args: &[&str]| {
        let mut command = std::process::Command::new(&tar);
        Process::start(command.current_dir(shop.path()).args(args)).wait().ended(0)
    };
    let listed = unpack(&["tvf", "out.tar"]).out;
    assert!(
        listed.lines().all(|line| line.starts_with("-rw------- ")) && listed.contains("policy/first.ward"),
        "{listed}"
    );
    unpack(&["xf", "out.tar", "-C", "unpacked"]);
    // What was unpacked is a backup in a directory; what is packed again is one in a file.
    run(shop.path(), &["backup", "verify", "unpacked"]).ended(0);
    unpack(&["cf", "packed.tar", "-C", "unpacked", "."]);
    run(shop.path(), &["backup", "verify", "packed.tar"]).ended(0);
}

/// What is encrypted stays so: it is copied and checked without its key, and served with it.
#[test]
fn an_encrypted_journal_is_backed_up_as_it_lies() {
    let shop = Shop::new();
    run(shop.path(), &["journal", "key", "new", "lock.key"]).ended(0);
    let config = "[encryption]\nkey_file = \"lock.key\"\n";
    std::fs::write(shop.path().join("wardroom.toml"), config).unwrap();
    let server = shop.serve();
    let event = signup("1", "alice", "203.0.113.7");
    let decision = server.client.decide(&event).ok()["decision"].clone();
    let taken = run(shop.path(), &["backup", "out", "--json"]).ended(0).json();
    assert_eq!((&taken["records"], taken["policy"].is_string()), (&Value::from(3), true));
    server.kill();
    let names: Vec<String> = std::fs::read_dir(shop.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!names.iter().any(|name| name == "policy" || name.contains("lock")), "{names:?}");

    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::rename(shop.path().join("out"), elsewhere.path().join("out")).unwrap();
    run(elsewhere.path(), &["backup", "verify", "out"]).ended(0);
    let restored = run(elsewhere.path(), &["restore", "out", "--data", "data"]).ended(0);
    assert!(
        restored.out.contains("3 records (1 to 3)") && restored.out.contains("it is encrypted"),
        "{restored:#?}"
    );
    let serve = |args: &[&str]| {
        let mut command = wardroom(elsewhere.path());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        command
    };
    let locked = Process::start(&mut serve(&[])).wait().ended(3);
    assert!(locked.err.contains("key"), "{locked:#?}");
    std::fs::copy(shop.path().join("lock.key"), elsewhere.path().join("lock.key")).unwrap();
    std::fs::write(elsewhere.path().join("wardroom.toml"), config).unwrap();
    let server = Server::start(&mut serve(&[]), &shop.token);
    let again = server.client.decide(&event).ok();
    assert_eq!((&again["decision"], &again["repeated"]), (&decision, &Value::Bool(true)));
    server.stop();
}
