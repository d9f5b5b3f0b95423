// SPDX-License-Identifier: Apache-2.0
//! `kill -9` under load, again and again: what was acknowledged is there, nothing is there twice, and what was counted is
//! what a count of the answers says.
//!
//! `WARDROOM_KILLS` is how often (25 unless it says otherwise), `WARDROOM_SEED` what the moments are drawn from; a failing
//! run prints it. The moment itself is the machine's, so a seed is a beginning, not a replay.

use crate::http::{Client, Connection, stream};
use crate::process::{DEADLINE, run};
use crate::server::{Server, Shop};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const KILLS: u64 = 25;
/// Lines in one piece of a stream.
const PIECE: u64 = 20;
/// Pieces of a stream that are sent before the first is answered.
const AHEAD: u64 = 8;
/// Acknowledgements before a kill, at most.
const MOST: u64 = 150;

/// Counts everything there is, and by network; the second puts another feature beside it, whose past has to be counted.
const POLICIES: [&str; 2] = [
    r#"
event signup:
    account: account
    ip: ip

list seen_before: account
feature everything = count(signup, last="400d")
feature from_net   = count(signup, by=ip.net, last="1h")

rule crowd on signup:
    when    from_net >= 12
    then    challenge("captcha"), label(ip.net, "crowded", expires="1h"), list(account, seen_before)
    because "{from_net} of {everything}"

rule again on signup:
    when    account in seen_before or labelled(ip.net, "crowded")
    then    review
    because "{account}"
"#,
    r#"
event signup:
    account: account
    ip: ip

feature everything = count(signup, last="400d")
feature accounts   = distinct(account, of=signup, by=ip.net, last="1d")

rule many on signup:
    when    accounts >= 8
    then    limit, label(ip.net, "crowded", expires="30m")
    because "{accounts} of {everything}"
"#,
];

/// An answer, as far as it must stay the same.
type Verdict = (String, String);

/// What one sender sent, and what was acknowledged, by event id.
#[derive(Default)]
struct Sent {
    lines: BTreeMap<String, String>,
    answers: BTreeMap<String, Verdict>,
}

impl Sent {
    /// Two senders may send one event; both must be told the same.
    fn add(&mut self, other: Sent) {
        self.lines.extend(other.lines);
        for (id, answer) in other.answers {
            let before = self.answers.insert(id.clone(), answer.clone());
            assert!(before.as_ref().is_none_or(|b| *b == answer), "{id} is {before:?} and {answer:?}");
        }
    }
}

fn verdict(answer: &Value) -> Verdict {
    let text = |key: &str| answer[key].as_str().unwrap_or_else(|| panic!("{key}: {answer}")).to_owned();
    (text("decision"), text("verdict"))
}

fn event(round: u64, series: &str, i: u64) -> (String, String) {
    let id = format!("{round}-{series}-{i}");
    let (account, net, host) = (i % 97, i % 40, i % 250);
    let line = format!(r#"{{"type":"signup","id":"{id}","account":"a{account}","ip":"203.0.{net}.{host}"}}"#);
    (id, line)
}

/// Sends one event a request, until the server is gone.
fn send_singly(client: &Client, round: u64, series: &str, told: &mpsc::Sender<()>) -> Sent {
    let mut sent = Sent::default();
    let Ok(mut connection) = Connection::open(client) else { return sent };
    for i in 0.. {
        let (id, line) = event(round, series, i);
        sent.lines.insert(id.clone(), line.clone());
        let Ok(answer) = connection.call("POST", "/v1/decide", "application/json", &line) else {
            break;
        };
        sent.answers.insert(id, verdict(&answer.ok()));
        let _ = told.send(());
    }
    sent
}

fn send_stream(client: &Client, round: u64, series: &str, told: &mpsc::Sender<()>) -> Sent {
    let Ok((mut lines, mut answers)) = stream(client) else { return Sent::default() };
    let (credit, credits) = mpsc::channel();
    (0..AHEAD).for_each(|_| credit.send(()).unwrap());
    let series = series.to_owned();
    let writer = std::thread::spawn(move || {
        let mut sent = BTreeMap::new();
        for (piece, ()) in (0..).zip(credits) {
            let events: Vec<_> =
                (piece * PIECE..(piece + 1) * PIECE).map(|i| event(round, &series, i)).collect();
            let text: String = events.iter().map(|(_, line)| format!("{line}\n")).collect();
            sent.extend(events);
            if lines.send(&text).is_err() {
                break;
            }
        }
        sent
    });
    let (mut acknowledged, mut count) = (BTreeMap::new(), 0_u64);
    while let Ok(Some(answer)) = answers.next() {
        acknowledged.insert(answer["event_id"].as_str().unwrap().to_owned(), verdict(&answer));
        let _ = told.send(());
        count += 1;
        if count.is_multiple_of(PIECE) {
            let _ = credit.send(());
        }
    }
    drop(credit);
    Sent { lines: writer.join().unwrap(), answers: acknowledged }
}

/// Puts one policy after the other in force, until the server is gone.
fn swap(client: &Client, first: u64) {
    for i in first.. {
        let policy = POLICIES[(i % 2) as usize];
        if client.call("PUT", "/v1/policy", "text/plain", policy).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Load on all connections, and a kill after so many acknowledgements. Two of the senders send the same events.
fn kill_under_load(server: Server, round: u64, draw: &mut Draw) -> Sent {
    let (told, heard) = mpsc::channel();
    type Sender = fn(&Client, u64, &str, &mpsc::Sender<()>) -> Sent;
    let senders: [(Sender, &str); 4] =
        [(send_singly, "one"), (send_singly, "both"), (send_stream, "both"), (send_stream, "lines")];
    let mut threads = Vec::new();
    for (sender, series) in senders {
        let (client, told) = (server.client.clone(), told.clone());
        threads.push(std::thread::spawn(move || sender(&client, round, series, &told)));
    }
    drop(told);
    let acknowledgements = 1 + draw.below(MOST);
    let swapping = draw.below(2) == 0;
    println!("round {round}: killed after {acknowledgements} acknowledgements, swapping: {swapping}");
    let swapper = swapping.then(|| {
        let client = server.client.clone();
        std::thread::spawn(move || swap(&client, round))
    });
    for _ in 0..acknowledgements {
        heard.recv_timeout(DEADLINE).unwrap();
    }
    // Somewhere within a batch, not at its end.
    std::thread::sleep(Duration::from_micros(draw.below(3000)));
    server.kill();
    let mut all = Sent::default();
    threads.into_iter().for_each(|sender| all.add(sender.join().unwrap()));
    swapper.into_iter().for_each(|swapper| swapper.join().unwrap());
    assert!(all.answers.len() < all.lines.len(), "it was killed while events were under way");
    all
}

/// What moments are drawn from (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn number_in(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not `{text}`")))
}

#[test]
fn what_was_acknowledged_survives_and_nothing_is_doubled() {
    let kills = number_in("WARDROOM_KILLS").unwrap_or(KILLS);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
    let seed = number_in("WARDROOM_SEED").unwrap_or_else(now);
    println!("WARDROOM_SEED={seed} WARDROOM_KILLS={kills} cargo test -p wardroom kill");
    let mut draw = Draw(seed);
    let shop = Shop::new();
    std::fs::write(shop.policy(), POLICIES[0]).unwrap();
    // So small that snapshots are under way at many of the moments.
    let settings = shop.path().join("wardroom.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("snapshot_every = \"16KiB 100ms\"\n{text}")).unwrap();
    let mut known: BTreeMap<String, Verdict> = BTreeMap::new();
    let mut server = shop.serve();
    for round in 0..kills {
        let sent = kill_under_load(server, round, &mut draw);
        // Now and then it is killed once more before anybody asks anything.
        if draw.below(4) == 0 {
            shop.serve().kill();
        }
        server = shop.serve();
        nothing_changed(&server, &sent, &mut known);
        each_is_there(&server, known.iter().rev().step_by(37));
        all_are_counted(&server, round, &mut known);
        if draw.below(3) == 0 {
            server.stop();
            the_journal_is_whole(&shop);
            server = shop.serve();
        }
    }
    each_is_there(&server, known.iter().step_by(known.len().div_ceil(300)));
    server.stop();
    the_journal_is_whole(&shop);
    println!("{kills} kills, {} events", known.len());
}

/// What had no answer is sent again; so is what had one, which is then known.
fn nothing_changed(server: &Server, sent: &Sent, known: &mut BTreeMap<String, Verdict>) {
    let lines: Vec<String> = sent.lines.values().cloned().collect();
    for answer in server.client.stream(&lines) {
        let id = answer["event_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        if let Some(before) = sent.answers.get(&id) {
            assert_eq!((&verdict(&answer), &answer["repeated"]), (before, &Value::Bool(true)), "{answer}");
        }
        assert_eq!(known.insert(id, verdict(&answer)), None, "answered once");
    }
    assert!(sent.lines.keys().all(|id| known.contains_key(id)));
    let numbers: BTreeSet<&str> = known.values().map(|(number, _)| &**number).collect();
    assert_eq!(numbers.len(), known.len(), "a number was given twice");
}

/// Each is found by its number and has the verdict that was answered.
fn each_is_there<'a>(server: &Server, answers: impl Iterator<Item = (&'a String, &'a Verdict)>) {
    let mut connection = Connection::open(&server.client).unwrap();
    for (id, (number, verdict)) in answers {
        let stored = connection.call("GET", &format!("/v1/decisions/{number}"), "", "").unwrap().ok();
        assert_eq!(
            (stored["event_id"].as_str(), stored["verdict"].as_str()),
            (Some(&**id), Some(&**verdict))
        );
    }
}

/// One more event is served the number of all before it: none was lost, none counted twice.
fn all_are_counted(server: &Server, round: u64, known: &mut BTreeMap<String, Verdict>) {
    let (id, line) = event(round, "probe", round);
    let answer = server.client.decide(&line).ok();
    let before = known.len() as u64;
    let (number, verdict) = verdict(&answer);
    let stored = server.client.get(&format!("/v1/decisions/{number}")).ok();
    let features = stored["features"].as_array().unwrap_or_else(|| panic!("features: {stored}"));
    let everything = features.iter().find(|f| f["id"] == "everything").map(|f| &f["value"]);
    assert_eq!(everything.and_then(Value::as_u64), Some(before), "counted: {stored}");
    known.insert(id, (number, verdict));
}

/// Every byte of it can be read.
fn the_journal_is_whole(shop: &Shop) {
    run(shop.path(), &["journal", "verify"]).ended(0);
}
