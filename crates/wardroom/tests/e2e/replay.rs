// SPDX-License-Identifier: Apache-2.0
//! `wardroom replay`: real logs and bad ones, formats, time, and Ctrl-C in the middle.

use crate::process::{Process, Ran, real_log, run, wardroom};
use crate::server::signup;
use rustix::process::Signal;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

/// An empty directory: without a policy of its own, so that the shipped one judges.
fn here() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn put(dir: &TempDir, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn strongest(summary: &Value) -> Vec<(&str, &str)> {
    let list = summary["addresses"].as_array().unwrap();
    list.iter().map(|a| (a["ip"].as_str().unwrap(), a["strongest"].as_str().unwrap())).collect()
}

/// One line of a broken clock must not make everything after it late.
#[test]
fn a_line_from_the_future_is_refused_and_blinds_nobody() {
    let dir = here();
    let mut log = String::from("192.0.2.9 - - [01/Jan/2099:00:00:00 +0000] \"GET / HTTP/1.1\" 200 5\n");
    for path in ["/wp-login.php", "/phpmyadmin/", "/administrator/"] {
        log += &format!("203.0.113.7 - - [17/May/2015:10:05:03 +0000] \"GET {path} HTTP/1.1\" 404 5\n");
    }
    let file = put(&dir, "access.log", log);
    let summary = run(dir.path(), &["replay", &file, "--json"]).ended(0).json();
    assert_eq!((&summary["refused"], &summary["events"]), (&1.into(), &3.into()), "{summary}");
    assert_eq!(strongest(&summary), [("203.0.113.7", "block")]);
    let said = run(dir.path(), &["replay", &file]).ended(0).out;
    assert!(said.contains("1 event was refused; the first: /time: `time` is 2099-01-01"), "{said}");
    let kept = run(dir.path(), &["replay", &file, "--json", "--data", "kept"]).ended(0).json();
    assert_eq!(strongest(&kept), [("203.0.113.7", "block")]);
}

/// What the worked example says of the real auth.log.
#[test]
fn the_real_auth_log_names_the_guessers_and_no_user() {
    let Some(log) = real_log("the_real_auth_log_names_the_guessers_and_no_user", "auth.log") else {
        return;
    };
    let dir = here();
    let args = ["replay", log.to_str().unwrap(), "--year", "2017", "--json", "--top", "10000"];
    let summary = run(dir.path(), &args).ended(0).json();
    assert_eq!((&summary["events"], &summary["read"]["junk"]), (&1546.into(), &0.into()), "{summary}");
    assert_eq!((&summary["read"]["lines"], &summary["repeated"]), (&7121.into(), &0.into()));
    assert_eq!(
        summary["verdicts"],
        serde_json::json!({
            "allow": 769, "limit": 233, "challenge": 0, "review": 127, "block": 417
        })
    );
    let strongest = strongest(&summary);
    assert_eq!(strongest.iter().filter(|(_, v)| *v == "block").count(), 101);
    let of = |ip: &str| strongest.iter().find(|(found, _)| *found == ip).map(|(_, verdict)| *verdict);
    assert_eq!(of("24.151.103.17"), Some("review"), "people log in from there");
    for ip in ["85.245.107.41", "95.93.96.191", "127.0.0.1"] {
        assert_eq!(of(ip), None, "{ip} has nothing against it");
    }
    let masked = summary.to_string();
    assert!(masked.contains("now for r…") && !masked.contains("now for root"), "people are masked");
    let revealed = run(dir.path(), &[&args[..], &["--reveal"]].concat()).ended(0).out;
    assert!(revealed.contains("now for root"));

    // As text, with the same figures.
    let text =
        run(dir.path(), &["replay", log.to_str().unwrap(), "--year", "2017", "--reveal", "--top", "14"])
            .ended(0);
    for line in [
        "judged  1,546 events from 2017-03-27T13:08:09Z to 2017-04-20T14:14:29Z",
        "  allow 769 · limit 233 · challenge 0 · review 127 · block 417",
        "… and 113 more; --top N shows them",
    ] {
        assert!(text.out.lines().any(|l| l == line), "{line}\n{}", text.out);
    }
}

#[test]
fn the_real_access_log_has_a_scanner_at_four_addresses_and_a_prober() {
    let name = "the_real_access_log_has_a_scanner_at_four_addresses_and_a_prober";
    let Some(log) = real_log(name, "access.log") else {
        return;
    };
    let dir = here();
    let ran = run(dir.path(), &["replay", log.to_str().unwrap(), "--signals", "--json"]).ended(0);
    let lines: Vec<Value> = ran.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let (summary, signals) = lines.split_last().unwrap();
    let said: Vec<_> =
        signals.iter().map(|s| (s["rule"].as_str().unwrap(), s["time"].as_str().unwrap())).collect();
    assert_eq!(
        said,
        [
            ("web.door_scan", "2015-05-17T17:05:50Z"),
            ("web.door_scan", "2015-05-19T12:05:48Z"),
            ("web.door_scan", "2015-05-19T14:05:51Z"),
            ("web.door_scan", "2015-05-20T02:05:18Z"),
            // Lines of one minute stand in no order.
            ("web.only_misses", "2015-05-20T05:05:51Z"),
            ("web.only_misses", "2015-05-20T05:05:26Z"),
            ("web.only_misses", "2015-05-20T05:05:03Z"),
        ]
    );
    let mut named = strongest(summary);
    named.sort_unstable();
    assert_eq!(
        named,
        [
            ("188.165.243.45", "block"),
            ("195.250.34.144", "block"),
            ("198.245.61.43", "block"),
            ("91.236.75.25", "limit"),
            ("95.78.54.93", "block"),
        ]
    );
    assert_eq!((&summary["events"], &summary["read"]["junk"]), (&10_000.into(), &0.into()));
}

/// A log that is replayed again has been judged.
#[test]
fn a_data_directory_remembers_a_replay() {
    let Some(log) = real_log("a_data_directory_remembers_a_replay", "auth.log") else {
        return;
    };
    let dir = here();
    let args = ["replay", log.to_str().unwrap(), "--year", "2017", "--json", "--data", "kept", "--signals"];
    let split = |ran: Ran| -> (usize, Value) {
        let mut lines: Vec<Value> = ran.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let summary = lines.pop().unwrap();
        (lines.len(), summary)
    };
    let (first_signals, first) = split(run(dir.path(), &args).ended(0));
    let (second_signals, second) = split(run(dir.path(), &args).ended(0));
    assert!(
        first_signals > 700 && second_signals == 0,
        "signals are told once: {first_signals}, {second_signals}"
    );
    assert_eq!((&first["repeated"], &second["repeated"]), (&0.into(), &1546.into()));
    for key in ["events", "verdicts", "rules", "addresses", "read"] {
        assert_eq!(first[key], second[key], "{key}");
    }
    // In memory or on disk: the same.
    let (_, memory) = split(run(dir.path(), &[&args[..5], &["--signals"]].concat()).ended(0));
    assert_eq!((&memory["verdicts"], &memory["rules"]), (&first["verdicts"], &first["rules"]));
}

/// Killed in the middle and run again: the same verdicts as if nothing had happened.
#[test]
fn a_replay_that_was_killed_goes_on_where_it_was() {
    let dir = here();
    let logins = (0..4000).map(|i| {
        let (minute, second, ip) = (i / 60 % 60, i % 60, i % 7);
        format!("Jan  3 {:02}:{minute:02}:{second:02} gate sshd[{i}]: Failed password for root from 203.0.113.{ip} port 4711 ssh2\n", i / 3600)
    });
    let path = put(&dir, "auth.log", logins.collect::<String>());
    let args = ["replay", &path, "--year", "2026", "--json", "--signals"];
    let kept = [&args[..], &["--data", "kept"]].concat();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = wardroom(dir.path());
    let process = Process::of(command.args(&kept).stdout(writer).stderr(Stdio::piped()));
    drop(command);
    std::io::Read::read_exact(&mut reader, &mut [0]).unwrap();
    process.signal(Signal::KILL);
    assert_eq!(process.wait().signal, Some(9));
    drop(reader);
    let summary = |args: &[&str]| -> Value {
        serde_json::from_str(run(dir.path(), args).ended(0).out.lines().last().unwrap()).unwrap()
    };
    let (again, whole) = (summary(&kept), summary(&args));
    let repeated = again["repeated"].as_u64().unwrap();
    assert!(repeated > 0 && repeated < 4000, "it was killed in the middle: {repeated}");
    for key in ["events", "verdicts", "rules", "addresses"] {
        assert_eq!(again[key], whole[key], "{key}");
    }
}

#[test]
fn bad_lines_are_counted_told_and_never_fatal() {
    let dir = here();
    let long =
        format!(r#"{{"type":"ssh_login","ip":"203.0.113.1","ok":true,"host":"{}"}}"#, "x".repeat(70_000));
    let many: String = (0..20).map(|_| "[]\n").collect();
    let lines = [
        r#"{"type":"ssh_login","ip":"203.0.113.1","ok":false,"account":"root"}"#,
        "not json",
        "",
        r#"{"type":"ssh_logim","ip":"203.0.113.1","ok":false}"#,
        r#"{"type":"ssh_login","ip":"203.0.113.999","ok":"no"}"#,
        &long,
        &many,
        r#"{"type":"ssh_login","ip":"203.0.113.1","ok":false,"account":"root"}"#,
    ];
    // The last line has no end.
    let path = put(&dir, "events.ndjson", lines.join("\n"));
    let ran = run(dir.path(), &["replay", &path]).ended(0);
    for said in [
        "24 faulty, 28 lines, 1 too long",
        "  line 2: event: not JSON",
        "  line 4: /type: no event type `ssh_logim`; did you mean `ssh_login`?",
        "  line 5: /ip: `ip` must be an IPv4 or IPv6 address; /ok: ",
        "  line 6: longer than 65536 bytes",
        "judged  2 events from ",
    ] {
        assert!(ran.out.contains(said), "{said}\n{}", ran.out);
    }
    let summary = run(dir.path(), &["replay", &path, "--json"]).ended(0).json();
    assert_eq!((&summary["events"], &summary["read"]["faulty"]), (&2.into(), &24.into()), "{summary}");
    let told: Vec<&str> = summary["faults"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    let lines: Vec<&str> = told.iter().map(|f| f.split(':').next().unwrap()).collect();
    let expect = [2, 4, 5, 6, 7, 8, 9, 10, 11, 12].map(|n| format!("line {n}"));
    assert_eq!(lines, expect, "the first are told, in order; the rest is counted");
}

#[test]
fn standard_input_is_a_file_like_others() {
    let dir = here();
    let mut process = Process::start(
        wardroom(dir.path()).args(["replay", "-", "--format", "ndjson"]).stdin(Stdio::piped()),
    );
    let mut input = process.input();
    for i in 0..300 {
        let event =
            format!(r#"{{"type":"ssh_login","ip":"203.0.113.1","ok":false,"id":"{i}","account":"root"}}"#);
        writeln!(input, "{event}").unwrap();
    }
    drop(input);
    let ran = process.wait().ended(0);
    assert!(ran.out.contains("judged  300 events") && ran.out.contains("ssh.brute_force"), "{}", ran.out);
}

/// Waits until it is told of SIGINT: before, the system ends it.
fn handles_signals(process: &Process) {
    let caught = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
        let mask = status.lines().find_map(|l| l.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
        u64::from_str_radix(&mask, 16).unwrap() & 2 != 0
    };
    crate::process::until("a handler of SIGINT", || caught().then_some(()));
}

/// What `replay <(zcat auth.log.1.gz)` gives: a pipe can be read once.
#[test]
fn a_pipe_is_read_from_its_beginning() {
    let dir = here();
    let line = "203.0.113.7 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n";
    let path = put(&dir, "access.log", line.repeat(3000));
    let program = wardroom(dir.path()).get_program().to_str().unwrap().to_owned();
    let shell = |script: &str| {
        let mut shell = std::process::Command::new("sh");
        shell.current_dir(dir.path()).args(["-c", script]).stdin(Stdio::null());
        Process::start(&mut shell)
    };
    shell("mkfifo fifo").wait().ended(0);
    // Without a format it would have to be read twice.
    let ran = run(dir.path(), &["replay", "fifo"]).ended(2);
    assert!(ran.one_error().contains("say what the lines hold"), "{ran:#?}");
    let script = format!("cat '{path}' > fifo & exec '{program}' replay fifo --format access --json");
    assert_eq!(shell(&script).wait().ended(0).json()["events"], 3000);
    // Nobody writes: Ctrl-C is heard even while it is being opened.
    let process = Process::start(wardroom(dir.path()).args(["replay", "fifo", "--format", "access"]));
    handles_signals(&process);
    process.signal(Signal::INT);
    process.wait().ended(130);
}

#[test]
fn formats_are_seen_and_junk_is_not_taken_for_one() {
    let dir = here();
    let check = |text: &str, expect: &str| {
        let path = put(&dir, "some.log", text);
        let ran = run(dir.path(), &["replay", &path]).ended(0);
        assert!(ran.out.contains(expect), "{expect}: {}", ran.out);
    };
    let login = r#"{"type":"ssh_login","ip":"203.0.113.1","ok":false}"#;
    check(&format!("\n\n{login}\n"), "judged  1 events");
    check(
        "203.0.113.7 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5\n",
        "judged  1 events from 2015-05-17T10:05:03Z",
    );
    check(
        "Jan  3 04:05:06 gate sshd[7]: Failed password for root from 203.0.113.9 port 4711 ssh2\n",
        "judged  1 events",
    );
    check(
        "2026-01-03T04:05:06+02:00 gate sshd[7]: Failed password for root from 203.0.113.9 port 4711 ssh2\n",
        "judged  1 events from 2026-01-03T02:05:06Z",
    );
    // Every byte there is, in no order.
    let junk: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let path = put(&dir, "junk", &junk);
    assert!(run(dir.path(), &["replay", &path]).ended(2).one_error().contains("cannot tell what"));
    for format in ["auth", "access", "ndjson"] {
        let ran = run(dir.path(), &["replay", &path, "--format", format, "--json"]).ended(0);
        assert_eq!(ran.json()["events"], 0, "{format}");
    }
    let path = put(&dir, "nothing", "");
    run(dir.path(), &["replay", &path]).ended(2);
    let ran = run(dir.path(), &["replay", &path, "--format", "auth"]).ended(0);
    assert!(ran.out.contains("judged  0 events") && ran.out.contains("no rule fired"), "{}", ran.out);
}

/// Lines without a year: the file's first, and another from New Year on.
#[test]
fn the_year_turns_within_a_log() {
    let dir = here();
    let log = "Dec 31 23:59:58 gate sshd[7]: Failed password for root from 203.0.113.9 port 4711 ssh2\n\
               Jan  1 00:00:01 gate sshd[8]: Failed password for root from 203.0.113.9 port 4712 ssh2\n";
    let path = put(&dir, "auth.log", log);
    let ran = run(dir.path(), &["replay", &path, "--year", "2019"]).ended(0);
    assert!(ran.out.contains("2 events from 2019-12-31T23:59:58Z to 2020-01-01T00:00:01Z"), "{}", ran.out);
    let ran = run(dir.path(), &["replay", &path, "--year", "2019", "--offset", "+02:00"]).ended(0);
    assert!(ran.out.contains("2 events from 2019-12-31T21:59:58Z to 2019-12-31T22:00:01Z"), "{}", ran.out);
    // Without --year the file's own time says when its last line was written: 2 January 2022.
    let file = std::fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_641_081_600)).unwrap();
    drop(file);
    let ran = run(dir.path(), &["replay", &path]).ended(0);
    assert!(ran.out.contains("2 events from 2021-12-31T23:59:58Z to 2022-01-01T00:00:01Z"), "{}", ran.out);
}

/// A policy of one's own, from the directory at hand or as given; what it does not know is said.
#[test]
fn another_policy_judges_and_says_what_it_does_not_know() {
    let dir = here();
    run(dir.path(), &["init"]).ended(0);
    let events = format!("{}\n", signup("1", "a", "203.0.113.1")).repeat(1)
        + &(0..12).map(|i| signup(&format!("s{i}"), "a", "203.0.113.1") + "\n").collect::<String>();
    put(&dir, "signups.ndjson", events);
    let ran = run(dir.path(), &["replay", "signups.ndjson"]).ended(0);
    assert!(ran.out.contains("challenge 3 ") && ran.out.contains("signup_burst"), "{}", ran.out);
    put(
        &dir,
        "auth.log",
        "Jan  3 04:05:06 gate sshd[7]: Failed password for root from 203.0.113.9 port 4711 ssh2\n",
    );
    let ran = run(dir.path(), &["replay", "auth.log"]).ended(0);
    assert!(
        ran.out.contains("1 events of type `ssh_login` are not in the policy and were passed over"),
        "{}",
        ran.out
    );
    put(&dir, "policy/first.ward", "rule x on y:\n");
    let ran = run(dir.path(), &["replay", "auth.log"]).ended(1);
    assert!(ran.err.contains("the policy has ") && ran.out.is_empty(), "{ran:#?}");
}

/// Requests each of which has one signal.
fn attacks(n: usize) -> String {
    let line = |i| {
        let ip = format!("198.18.{}.{}", i / 250, i % 250);
        format!("{ip} - - [17/May/2015:10:05:03 +0000] \"GET /../x HTTP/1.1\" 404 5 \"-\" \"x\"\n")
    };
    (0..n).map(line).collect()
}

#[test]
fn ctrl_c_in_the_middle_prints_what_was_found() {
    let dir = here();
    let path = put(&dir, "access.log", attacks(40_000));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = wardroom(dir.path());
    command.args(["replay", &path, "--signals", "--json"]).stdout(writer).stderr(Stdio::piped());
    let process = Process::of(&mut command);
    drop(command);
    // A pipe that is full holds it in the middle, for as long as nobody reads on.
    let mut first = [0; 1];
    std::io::Read::read_exact(&mut reader, &mut first).unwrap();
    process.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(500));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut reader, &mut rest).unwrap();
    let ran = process.wait().ended(130);
    assert_eq!(ran.err, "");
    let summary: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    let events = summary["events"].as_u64().unwrap();
    assert!(events > 0 && events < 40_000, "{events}");
    assert_eq!(rest.lines().count() as u64, events + 1, "every signal of what was judged, and the summary");
}

/// Nobody writes, nobody will: Ctrl-C is heard all the same.
#[test]
fn ctrl_c_is_heard_while_standard_input_is_silent() {
    let dir = here();
    let args = ["replay", "-", "--format", "access", "--signals"];
    let mut process = Process::start(wardroom(dir.path()).args(args).stdin(Stdio::piped()));
    let mut input = process.input();
    input.write_all(attacks(300).as_bytes()).unwrap();
    process.await_out("all signals", |out| (out.matches("web.injection").count() == 300).then_some(()));
    process.signal(Signal::INT);
    let ran = process.wait().ended(130);
    assert!(ran.out.contains("judged  300 events"), "{}", ran.out);
    drop(input);
}

/// What a person types ends in an event as soon as it is there, not when a buffer is full.
#[test]
fn signals_of_a_slow_pipe_come_as_they_are_judged() {
    let dir = here();
    let args = ["replay", "-", "--format", "access", "--signals"];
    let mut process = Process::start(wardroom(dir.path()).args(args).stdin(Stdio::piped()));
    let mut input = process.input();
    input.write_all(attacks(1).as_bytes()).unwrap();
    process.await_out("a signal", |out| out.contains("web.injection").then_some(()));
    drop(input);
    process.wait().ended(0);
}

/// `tail -F … | wardroom replay --follow -`: standard input is followed by itself.
#[test]
fn standard_input_can_be_followed() {
    let dir = here();
    let args = ["replay", "-", "--follow", "--format", "access"];
    let mut process = Process::start(wardroom(dir.path()).args(args).stdin(Stdio::piped()));
    let mut input = process.input();
    input.write_all(attacks(1).as_bytes()).unwrap();
    process.await_out("a signal", |out| out.contains("web.injection").then_some(()));
    process.signal(Signal::INT);
    process.wait().ended(0);
    drop(input);
}

/// Events without ids of their own: those of another file are others, those of the same file are known.
#[test]
fn events_without_ids_are_told_apart_by_what_they_say() {
    let dir = here();
    let event = |i: usize| {
        format!(r#"{{"type":"ssh_login","ip":"203.0.113.{i}","ok":false,"time":"2026-01-05T10:00:00Z"}}"#)
    };
    let first = put(&dir, "first.ndjson", [event(1), event(2), event(1)].join("\n"));
    let second = put(&dir, "second.ndjson", [event(3), event(4)].join("\n"));
    let judged = |path: &str| {
        let summary = run(dir.path(), &["replay", path, "--data", "kept", "--json"]).ended(0).json();
        (summary["events"].as_u64().unwrap(), summary["repeated"].as_u64().unwrap())
    };
    assert_eq!((judged(&first), judged(&second)), ((3, 0), (2, 0)));
    assert_eq!((judged(&first), judged(&second)), ((3, 3), (2, 2)));
}

/// The shipped policy is found wherever one is; a log is read from anywhere.
#[test]
fn a_replay_leaves_nothing_behind() {
    let dir = here();
    let elsewhere = here();
    let path = put(&elsewhere, "access.log", attacks(10));
    run(dir.path(), &["replay", &path]).ended(0);
    let count = |path: &Path| std::fs::read_dir(path).unwrap().count();
    assert_eq!((count(dir.path()), count(elsewhere.path())), (0, 1));
}

/// Counters of texts, so that a few thousand events are more than the least there may be.
const HEAVY: &str = "\
event note:
    account: account
    ip:      ip
    text:    text

feature by_account = last(text, of=note, by=account)
feature by_ip      = last(text, of=note, by=ip)
feature by_both    = last(text, of=note, by=(account, ip))

rule same on note:
    when    text == by_account or text == by_ip or text == by_both
    then    limit
    because \"said before\"
";

fn notes(from: usize) -> String {
    let line = |i: usize| {
        let (text, ip) =
            (format!("{i:0>250}"), format!("198.{}.{}.{}", 18 + i / 65536, i / 256 % 256, i % 256));
        format!(r#"{{"type":"note","id":"n{i}","account":"a{i}","ip":"{ip}","text":"{text}"}}"#) + "\n"
    };
    (from..from + 12_000).map(line).collect()
}

/// A replay into a data directory is told what its server is told: what it forgets beyond that cannot be had back.
#[test]
fn a_replay_keeps_within_the_memory_that_is_configured() {
    let dir = here();
    put(&dir, "heavy.ward", HEAVY);
    let forgotten = |config: &str| {
        let dump = ["journal", "dump", "--data", "kept", "--kind", "forget", "--config", config];
        run(dir.path(), &dump).ended(0).out.lines().count()
    };
    let replay = |file: &str, config: &[&str]| {
        let args = [&["replay", file, "--policy", "heavy.ward", "--data", "kept"], config].concat();
        run(dir.path(), &args).ended(0);
    };
    put(&dir, "wardroom.toml", "memory = \"1GiB\"\n");
    put(&dir, "least.toml", "memory = \"16MiB\"\n");
    let (first, second) = (put(&dir, "1.ndjson", notes(0)), put(&dir, "2.ndjson", notes(12_000)));
    replay(&first, &[]);
    assert_eq!(forgotten("wardroom.toml"), 0);
    replay(&second, &["--config", "least.toml"]);
    assert!(forgotten("least.toml") > 0, "the file that is named says how much there may be");
    assert!(run(dir.path(), &["replay", &first, "--config", "least.toml"]).ended(2).err.contains("--data"));
}
