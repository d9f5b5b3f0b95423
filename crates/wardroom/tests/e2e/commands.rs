// SPDX-License-Identifier: Apache-2.0
//! The command line: what each command says, where it says it, and with which exit code it ends.

use crate::process::{Process, run, wardroom};
use crate::server::Shop;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

const COMMANDS: [&[&str]; 31] = [
    &[],
    &["demo"],
    &["init"],
    &["serve"],
    &["check"],
    &["test"],
    &["fmt"],
    &["policy"],
    &["policy", "diff"],
    &["policy", "json"],
    &["policy", "text"],
    &["explain"],
    &["replay"],
    &["backtest"],
    &["breach"],
    &["breach", "build"],
    &["breach", "info"],
    &["breach", "look"],
    &["key"],
    &["key", "new"],
    &["key", "revoke"],
    &["journal"],
    &["journal", "verify"],
    &["journal", "dump"],
    &["journal", "repair"],
    &["journal", "key"],
    &["journal", "key", "new"],
    &["journal", "key", "id"],
    &["config"],
    &["bench"],
    &["bench", "keys"],
];

#[test]
fn every_command_has_help_and_refuses_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let help = run(dir.path(), &[command, &["--help"]].concat()).ended(0);
        assert!(help.out.contains("Usage: wardroom") && help.err.is_empty(), "{help:#?}");
        for name in command {
            assert!(help.out.contains(name), "{help:#?}");
        }
        let wrong = run(dir.path(), &[command, &["--no-such-flag"]].concat()).ended(2);
        assert!(wrong.err.contains("--no-such-flag") && wrong.out.is_empty(), "{wrong:#?}");
    }
    let unknown = run(dir.path(), &["srve"]).ended(2);
    assert!(unknown.err.contains("a similar subcommand exists: 'serve'"), "{unknown:#?}");
    assert!(run(dir.path(), &[]).ended(2).err.contains("Usage: wardroom"));
    let version = run(dir.path(), &["--version"]).ended(0);
    assert_eq!(version.out.trim(), concat!("wardroom ", env!("CARGO_PKG_VERSION")));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn policies_are_compared_by_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let policy = "event hit:\n    ip: ip\n\nfeature hits = count(hit, by=ip, last=\"1h\")\n\nrule many on hit:\n    \
                  when    hits > 9\n    then    block\n    because \"{hits}\"\n";
    put("old.ward", policy);
    put("same.ward", &format!("# again\n{policy}"));
    put("new.ward", &policy.replace("1h", "1d").replace("block", "review"));
    put("bad.ward", &policy.replace("hits > 9", "hit > 9"));
    let diff = |more: &[&str], code: i32| run(dir.path(), &[&["policy", "diff"], more].concat()).ended(code);
    for (exit, code) in [(&[][..], 0), (&["--exit-code"], 1)] {
        let shown = diff(&[&["old.ward", "new.ward"], exit].concat(), code);
        let (_, lines) = shown.out.split_once('\n').unwrap();
        let expect = "~ feature hits, warms\n    - count(hit, by=ip, last=\"1h\")\n    + count(hit, by=ip, last=\"1d\")\n\
                      ~ rule many\n    verdict: block -> review\n";
        assert_eq!((lines, &*shown.err), (expect, ""));
        let same = diff(&[&["old.ward", "same.ward"], exit].concat(), 0);
        assert!(same.out.contains("say the same"), "{same:#?}");
    }
    let json = diff(&["old.ward", "new.ward", "--json"], 0);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["features"]["changed"][0]["warms"], true);
    assert!(diff(&["old.ward", "bad.ward"], 1).err.contains("error[W"));
    assert!(diff(&["nowhere", "old.ward"], 3).err.contains("cannot read the policy nowhere"));
}

/// What is refused, with which code, and what is said: one message.
#[test]
fn what_cannot_be_done_is_one_message_and_a_code() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    put("latin.ward", "");
    std::fs::write(dir.path().join("latin.ward"), b"# caf\xe9\n").unwrap();
    put("typo.toml", "listn = \"127.0.0.1:1\"\n");
    put("type.toml", "max_connections = \"many\"\n");
    put("level.toml", "log = \"loud\"\n");
    put("toml.toml", "listen = \n");
    let check = |args: &[&str], code: i32, expect: &str| {
        let ran = run(dir.path(), args).ended(code);
        assert!(ran.one_error().contains(expect), "{args:?}: {ran:#?}");
        assert_eq!(ran.out, "", "{args:?}");
    };
    check(&["check"], 3, "cannot read the policy policy: No such file");
    check(&["check", "nowhere"], 3, "cannot read the policy nowhere: No such file");
    check(&["check", "empty"], 3, "no .ward file in empty; `wardroom init` writes a first one");
    check(&["check", "latin.ward"], 3, "cannot read latin.ward");
    check(&["test", "nowhere"], 3, "cannot read the policy nowhere");
    check(&["test", "empty"], 3, "no .ward file in empty");
    check(&["fmt"], 3, "cannot read the policy policy: No such file");
    check(&["fmt", "empty"], 3, "no .ward file in empty");
    check(&["fmt", "latin.ward"], 3, "cannot read latin.ward");
    check(&["policy", "json", "nowhere.ward"], 3, "cannot read nowhere.ward: No such file");
    check(&["policy", "text", "latin.ward"], 3, "cannot read latin.ward");
    check(&["explain", "W9999"], 2, "no diagnostic has the code `W9999`; `wardroom explain` lists them");
    check(
        &["config", "--config", "nowhere.toml"],
        3,
        "cannot read the configuration nowhere.toml: No such file",
    );
    check(&["config", "--config", "empty"], 3, "cannot read the configuration empty: Is a directory");
    check(
        &["config", "--config", "typo.toml"],
        3,
        "typo.toml is not right: no setting `listn`; did you mean `listen`?",
    );
    check(
        &["config", "--config", "level.toml"],
        3,
        "`log` is one of error, warn, info, debug, trace; this is \"loud\"",
    );
    check(&["key", "new", "x", "--role", "ingst"], 2, "no role `ingst`; did you mean `ingest`?");
    check(
        &["key", "new", "x", "--role", "emperor"],
        2,
        "no role `emperor`; there are: ingest, read, reveal, policy, admin",
    );
    check(&["key", "new", "x", "--rate", "fast"], 2, "such as \"1000/s\"");
    check(&["key", "new", "x", "--burst", "5"], 2, "`burst` goes with a `rate`");
    check(&["key", "new", "a\u{1b}b"], 3, "a key's name has 1 to");
    check(&["key", "revoke", "00000000"], 2, "no key has the id `00000000`; `wardroom key list` shows them");
    check(&["replay", "nowhere.log"], 3, "cannot read nowhere.log: No such file");
    check(&["replay", "empty"], 2, "empty is a directory; name one file");
    check(&["replay", "typo.toml"], 2, "cannot tell what typo.toml holds: say what the lines hold");
    check(&["replay", "-"], 2, "say what the lines hold: --format auth, access or ndjson");
    check(&["replay", "x.log", "--follow"], 2, "say what the lines hold");
    check(
        &["replay", "empty", "--follow", "--format", "auth"],
        3,
        "cannot read empty: a directory has no lines",
    );
    check(
        &["replay", "x", "--format", "auth", "--offset", "2"],
        2,
        "--offset is written +HH:MM or -HH:MM; this is `2`",
    );
    check(&["replay", "x", "--format", "auth", "--policy", "nowhere"], 3, "cannot read the policy nowhere");
    check(&["demo", "--policy", "nowhere", "--json"], 3, "cannot read the policy nowhere");
    check(&["init", "latin.ward"], 3, "cannot make the directory latin.ward");
    // TOML's own messages draw the place, over several lines.
    for (file, expect) in
        [("type.toml", "invalid type: string \"many\""), ("toml.toml", "TOML parse error at line 1")]
    {
        let ran = run(dir.path(), &["config", "--config", file]).ended(3);
        assert!(
            ran.err.starts_with(&format!("error: {file} is not right: ")) && ran.err.contains(expect),
            "{ran:#?}"
        );
        assert!(!ran.err.ends_with("\n\n") && ran.out.is_empty(), "{ran:#?}");
    }
}

const GOOD: &str = "\
event login:
    account: account
    ip:      ip
    ok:      bool

feature failures = count(login, where=not ok, by=ip, last=\"10m\")

rule guessing on login:
    when    not ok and failures >= 3
    then    block
    because \"{failures} failures from {ip}\"

test guessing:
    given  3 * login(ip=\"203.0.113.7\", ok=false) within \"1m\"
    when   login(ip=\"203.0.113.7\", ok=false)
    expect block by guessing
";

/// A policy with these changes, in a directory of its own.
fn policy(changes: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut text = GOOD.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    std::fs::create_dir(dir.path().join("policy")).unwrap();
    std::fs::write(dir.path().join("policy/login.ward"), text).unwrap();
    dir
}

#[test]
fn check_says_what_is_right_and_all_that_is_wrong() {
    let good = policy(&[]);
    for path in ["policy", "policy/login.ward"] {
        let ran = run(good.path(), &["check", path]).ended(0);
        assert!(ran.out.ends_with("is right: 1 event type, 1 feature, 1 rule, 1 test\n"), "{ran:#?}");
        assert_eq!(ran.err, "");
    }
    let ran = run(good.path(), &["check", "--json"]).ended(0);
    assert_eq!(ran.json(), serde_json::json!([]));

    let bad = policy(&[("failures >= 3", "failres >= 3"), ("then    block", "then    blok")]);
    let ran = run(bad.path(), &["check"]).ended(1);
    assert_eq!(ran.out, "");
    for said in ["did you mean `failures`?", "did you mean `block`?", "--> login.ward:9:24", "failres >= 3"] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    assert!(ran.err.contains("the policy has 2 errors; `wardroom explain W0201` says more"), "{}", ran.err);
    let ran = run(bad.path(), &["check", "--json"]).ended(1);
    let found = ran.json();
    let codes: Vec<&str> = found.as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["W0201", "W0502"], "{found}");
    assert_eq!(ran.err, "", "programs read standard output alone");
    for code in codes {
        let page = run(bad.path(), &["explain", code]).ended(0);
        assert!(page.out.starts_with(code) && page.out.lines().count() > 2, "{page:#?}");
    }
    let all = run(bad.path(), &["explain"]).ended(0);
    assert!(all.out.lines().count() > 20 && all.out.contains("W0201"), "{}", all.out);

    let warned = policy(&[("rule guessing", "feature all = count(login, last=\"1h\")\n\nrule guessing")]);
    let ran = run(warned.path(), &["check"]).ended(0);
    assert!(ran.err.contains("warning[W0901]") && ran.out.contains(", 1 warning"), "{ran:#?}");
}

#[test]
fn test_says_which_test_fails_where_and_what_came_instead() {
    let good = policy(&[]);
    let ran = run(good.path(), &["test"]).ended(0);
    assert!(ran.out.contains("ok   login.guessing") || ran.out.contains("ok   guessing"), "{}", ran.out);
    assert!(ran.out.contains("1 passed, 0 failed"), "{}", ran.out);

    let failing = "test too_few:\n    given  2 * login(ip=\"203.0.113.7\", ok=false) within \"1m\"\n    \
                   when   login(ip=\"203.0.113.7\", ok=false)\n    expect block\n\n\
                   test other_verdict:\n    given  3 * login(ip=\"203.0.113.7\", ok=false) within \"1m\"\n    \
                   when   login(ip=\"203.0.113.7\", ok=false)\n    expect allow\n\ntest guessing:";
    let bad = policy(&[("test guessing:", failing)]);
    let ran = run(bad.path(), &["test"]).ended(1);
    assert!(ran.out.contains("FAIL too_few") && ran.out.contains("no rule fired"), "{}", ran.out);
    assert!(ran.out.contains("FAIL other_verdict"), "{}", ran.out);
    assert!(ran.out.contains("block by guessing: 3 failures from 203.0.113.7"), "{}", ran.out);
    assert!(ran.out.contains("login.ward:13: "), "the test's place: {}", ran.out);
    assert!(ran.out.contains("1 passed, 2 failed"), "{}", ran.out);

    let only = run(bad.path(), &["test", "--only", "guess"]).ended(0);
    assert!(only.out.contains("1 passed, 0 failed"), "{}", only.out);
    assert!(run(bad.path(), &["test", "--only", "few"]).ended(1).out.contains("0 passed, 1 failed"));

    let ran = run(bad.path(), &["test", "--json"]).ended(1).json();
    let passed: Vec<bool> = ran.as_array().unwrap().iter().map(|t| t["passed"].as_bool().unwrap()).collect();
    assert_eq!(passed, [false, false, true], "{ran}");
    assert_eq!(ran[0]["line"], 13);

    let broken = policy(&[("then    block", "then    blok")]);
    let ran = run(broken.path(), &["test"]).ended(1);
    assert!(ran.err.contains("did you mean `block`?") && ran.out.is_empty(), "{ran:#?}");

    let asleep = policy(&[(
        "    expect block by guessing",
        "    expect block\n\nrule never on login:\n    \
        when    failures > 1000\n    then    review\n    because \"x\"\n",
    )]);
    let ran = run(asleep.path(), &["test"]).ended(0);
    assert!(ran.out.contains("no test makes 1 rule fire: never"), "{}", ran.out);
}

/// A name that fits no test is a mistake of whoever typed it, and not a success.
#[test]
fn test_only_what_does_not_exist_is_no_success() {
    let dir = policy(&[]);
    let ran = run(dir.path(), &["test", "--only", "gessing"]).ended(2);
    assert!(ran.one_error().contains("no test's name holds `gessing`"), "{ran:#?}");
}

#[test]
fn config_shows_every_value_and_where_it_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let lines = |args: &[&str]| -> Vec<String> {
        run(dir.path(), &[&["config"], args].concat()).ended(0).out.lines().map(str::to_owned).collect()
    };
    let line = |lines: &[String], key: &str| {
        lines.iter().find(|l| l.starts_with(&format!("{key} = "))).unwrap().clone()
    };
    let defaults = lines(&[]);
    assert!(defaults.len() > 12, "{defaults:#?}");
    assert!(defaults.iter().all(|l| l.ends_with("# default")), "{defaults:#?}");
    assert!(line(&defaults, "listen").contains("\"127.0.0.1:8320\""), "{defaults:#?}");

    std::fs::create_dir(dir.path().join("etc")).unwrap();
    let file = "listen = \"[::1]:99\"\ndata = \"d\"\npolicy = \"/abs\"\ndurability = \"50ms\"\n";
    std::fs::write(dir.path().join("etc/w.toml"), file).unwrap();
    let given = lines(&["--config", "etc/w.toml"]);
    let check = |key: &str, value: &str, origin: &str| {
        let line = line(&given, key);
        assert!(
            line.contains(&format!("{key} = {value} ")) && line.ends_with(&format!("# {origin}")),
            "{line}"
        );
    };
    check("listen", "\"[::1]:99\"", "etc/w.toml");
    check("data", "\"etc/d\"", "etc/w.toml");
    check("policy", "\"/abs\"", "etc/w.toml");
    check("durability", "\"50ms\"", "etc/w.toml");
    check("log", "\"info\"", "default");
    // What is shown is a configuration again.
    std::fs::write(dir.path().join("wardroom.toml"), given.join("\n")).unwrap();
    assert!(line(&lines(&[]), "durability").ends_with("# wardroom.toml"));
}

#[test]
fn init_makes_a_directory_ready_and_touches_none_that_is() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &["init", "a/shop"]).ended(0);
    assert!(ran.out.contains("export WARDROOM_KEY=wk_") && ran.out.contains("cd a/shop"), "{}", ran.out);
    let shop = dir.path().join("a/shop");
    run(&shop, &["check"]).ended(0);
    run(&shop, &["test"]).ended(0);
    assert!(run(&shop, &["config"]).ended(0).out.contains("# wardroom.toml"));

    let before = tree(&shop);
    assert_eq!(
        before.iter().map(|(name, ..)| &**name).collect::<Vec<_>>(),
        ["data", "data/keys.toml", "policy", "policy/first.ward", "wardroom.toml"]
    );
    let again = run(dir.path(), &["init", "a/shop"]).ended(3);
    assert!(again.one_error().contains("is there already; nothing was changed"), "{again:#?}");
    assert_eq!(tree(&shop), before);

    // Anything of a server that is there is reason enough.
    for taken in ["wardroom.toml", "policy", "data"] {
        let other = tempfile::tempdir().unwrap();
        if taken == "wardroom.toml" {
            std::fs::write(other.path().join(taken), "").unwrap();
        } else {
            std::fs::create_dir(other.path().join(taken)).unwrap();
        }
        let ran = run(other.path(), &["init"]).ended(3);
        assert!(ran.one_error().contains(taken), "{ran:#?}");
        assert_eq!(tree(other.path()).len(), 1);
    }
}

/// Journals hold who did what, and keys.toml who may ask.
#[test]
fn what_init_makes_is_closed_to_others() {
    let shop = Shop::new();
    let mode = |name: &str| std::fs::metadata(shop.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700, "{:o}", mode("data"));
    assert_eq!(mode("data/keys.toml"), 0o600);
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["key", "new", "first"]).ended(0);
    let made = std::fs::metadata(dir.path().join("data")).unwrap().permissions().mode() & 0o777;
    assert_eq!(made, 0o700, "{made:o}");
}

/// Every file and folder below `dir`, with what is in it.
fn tree(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().display().to_string();
            found.push((name, if path.is_dir() { Vec::new() } else { std::fs::read(&path).unwrap() }));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(dir.path(), &["key", "list"]).ended(0).out, "");
    let made = run(dir.path(), &["key", "new", "gate", "--role", "ingest,read"]).ended(0);
    let token = made.out.trim();
    assert!(token.starts_with("wk_") && token.lines().count() == 1, "only the token is printed: {made:#?}");
    assert!(made.err.contains("shown once"), "{made:#?}");
    run(dir.path(), &["key", "new", "desk", "--role", "read", "--role", "reveal"]).ended(0);
    let list = run(dir.path(), &["key", "list"]).ended(0).out;
    assert_eq!(list.lines().count(), 2);
    let gate = list.lines().find(|l| l.contains(" gate ")).unwrap();
    assert!(gate.contains(" ingest,read "), "{gate}");
    assert!(list.lines().any(|l| l.contains(" desk ") && l.contains(" read,reveal ")), "{list}");
    let id = gate.split_whitespace().next().unwrap();
    assert_eq!(id, token.split('_').nth(1).unwrap());
    let limits = ["--rate", "1000/s", "--burst", "5000", "--weight", "3"];
    let made = run(dir.path(), &[&["key", "new", "slow"], &limits[..]].concat()).ended(0);
    let list = run(dir.path(), &["key", "list"]).ended(0).out;
    assert!(list.contains("  rate 1000/s  burst 5000  weight 3\n"), "{list}");
    run(dir.path(), &["key", "revoke", made.out.split('_').nth(1).unwrap()]).ended(0);
    let file = std::fs::read_to_string(dir.path().join("data/keys.toml")).unwrap();
    let secret = token.rsplit('_').next().unwrap();
    assert!(!file.contains(secret) && !list.contains(secret), "the secret is shown once");

    let ran = run(dir.path(), &["key", "revoke", id]).ended(0);
    assert!(ran.out.contains(&format!("key {id} (gate) is revoked")), "{ran:#?}");
    assert_eq!(run(dir.path(), &["key", "list"]).ended(0).out.lines().count(), 1);
    run(dir.path(), &["key", "revoke", id]).ended(2);
}

/// `wardroom … | head`: whoever read had enough, and that is no error.
#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let shop = Shop::new();
    let log = shop.path().join("web.log");
    let line = "203.0.113.7 - - [17/May/2015:10:05:03 +0000] \"GET /a/../../etc/passwd HTTP/1.1\" 404 5 \"-\" \"x\"\n";
    std::fs::write(&log, line.repeat(2000)).unwrap();
    std::fs::create_dir(shop.path().join("elsewhere")).unwrap();
    for args in [
        &["--help"][..],
        &["explain"],
        &["check"],
        &["check", "--json"],
        &["test"],
        &["test", "--json"],
        &["config"],
        &["key", "list"],
        &["replay", "../web.log"],
        &["replay", "../web.log", "--signals"],
        &["replay", "../web.log", "--signals", "--json"],
    ] {
        let dir = if args[0] == "replay" { shop.path().join("elsewhere") } else { shop.path().to_owned() };
        // A pipe that nobody reads, from before the program begins.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran =
            Process::of(wardroom(&dir).args(args).stdout(writer).stderr(Stdio::piped())).wait().ended(0);
        assert_eq!(ran.err, "", "{args:?}");
    }
}

/// A message that nobody can read does not change how a command ends.
#[test]
fn errors_that_nobody_reads_keep_their_exit_codes() {
    let dir = tempfile::tempdir().unwrap();
    let check = |args: &[&str], code: i32| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Process::of(wardroom(dir.path()).args(args).stdout(Stdio::piped()).stderr(writer)).wait().ended(code);
    };
    check(&["check", "nowhere"], 3);
    check(&["explain", "W9999"], 2);
    check(&["serve", "--policy", "nowhere"], 3);
}

/// Colours are for people at a terminal: nothing here is one.
#[test]
fn no_escape_codes_where_no_terminal_is() {
    let shop = Shop::new();
    std::fs::write(shop.path().join("bad.ward"), "rule x:\n").unwrap();
    for args in [
        &["check"][..],
        &["check", "bad.ward"],
        &["test"],
        &["config"],
        &["explain", "W0101"],
        &["key", "list"],
    ] {
        for no_color in [false, true] {
            let mut command = wardroom(shop.path());
            command.args(args).env("TERM", "xterm-256color");
            if no_color {
                command.env("NO_COLOR", "1");
            }
            let ran = Process::start(&mut command).wait();
            assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{args:?}: {ran:#?}");
        }
    }
}
