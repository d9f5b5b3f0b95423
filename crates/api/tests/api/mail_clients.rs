// SPDX-License-Identifier: Apache-2.0
//! The programs that people have, at the doors for mail: rspamc, spamc, miltertest.
//!
//! They are Debian's, and where one is not installed its test says so and is passed over, but not in CI.

use crate::mail::{Door, GTUBE};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use wardroom_api::mail::Protocol;
use wardroom_mail::door::FailMode;

const HAM: &str = "From: Ann <a@sender.example>\r\nTo: b@here.example\r\nSubject: a\r\nMessage-ID: <1@sender.example>\r\n\r\nHello.\r\n";

fn test_mail() -> String {
    HAM.replace("Hello.", GTUBE)
}

/// Whether these programs are there; in CI they are.
fn has(programs: &[&str]) -> bool {
    let absent: Vec<&&str> = programs.iter().filter(|program| which(program).is_none()).collect();
    assert!(absent.is_empty() || std::env::var_os("CI").is_none(), "not installed: {absent:?}");
    if !absent.is_empty() {
        eprintln!("passed over, for these are not installed: {absent:?}");
    }
    absent.is_empty()
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    folders.into_iter().map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Runs a program with this on its standard input, off the threads that answer it.
async fn run(program: &str, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(which(program).unwrap());
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    let run = move || {
        let mut child = command.spawn().unwrap();
        // Whoever does not read to the end has what it needs.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn rspamc() {
    if !has(&["rspamc"]) {
        return;
    }
    let door = Door::open(Protocol::Rspamd, FailMode::Tag, |options| options.teaches = true).await;
    let host = door.address.to_string();
    let check = ["-h", &host, "-i", "192.0.2.7", "-F", "a@sender.example", "-r", "b@here.example", "symbols"];
    let ham = text(&run("rspamc", &check, HAM).await);
    assert!(ham.contains("Action: no action") && ham.contains("Message-ID: 1@sender.example"), "{ham}");
    let test = text(&run("rspamc", &check, &test_mail()).await);
    assert!(test.contains("Action: reject") && test.contains("Symbol: ssh.tested"), "{test}");
    let learned = text(&run("rspamc", &["-h", &host, "learn_spam"], HAM).await);
    assert!(learned.contains("success = true"), "{learned}");
    let stat = text(&run("rspamc", &["-h", &host, "stat"], "").await);
    assert!(stat.contains("Messages scanned: 2"), "{stat}");
    eprintln!("{ham}\n{test}\n{learned}\n{stat}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spamc() {
    if !has(&["spamc"]) {
        return;
    }
    let door = Door::open(Protocol::Spamd, FailMode::Tag, |options| options.teaches = true).await;
    let port = door.address.port().to_string();
    let at = |more: &[&'static str]| {
        [&["-d", "127.0.0.1", "-p", &*port], more]
            .concat()
            .iter()
            .map(|s| (*s).to_owned())
            .collect::<Vec<_>>()
    };
    let spamc = |more: &[&'static str], mail: String| {
        let args = at(more);
        async move {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            run("spamc", &args, &mail).await
        }
    };
    let ham = spamc(&["-c"], HAM.into()).await;
    assert_eq!((ham.status.code(), text(&ham).trim()), (Some(0), "0.0/5.0"));
    let spam = spamc(&["-c"], test_mail()).await;
    assert_eq!((spam.status.code(), text(&spam).trim()), (Some(1), "10.0/5.0"));
    let whole = text(&spamc(&[], test_mail()).await);
    assert!(
        whole.starts_with("X-Wardroom-Status: scanned; class=reject; case=")
            && whole.ends_with(&format!("{GTUBE}\r\n")),
        "{whole}"
    );
    let symbols = text(&spamc(&["-y"], test_mail()).await);
    assert!(symbols.contains("ssh.tested"), "{symbols}");
    let report = text(&spamc(&["-R"], test_mail()).await);
    assert!(report.contains("Wardroom, case ") && report.contains("ssh.tested: tested by"), "{report}");
    assert_eq!(text(&spamc(&["-L", "spam"], HAM.into()).await).trim(), "Message successfully un/learned");
    assert_eq!(spamc(&["-K"], String::new()).await.status.code(), Some(0), "a ping");
    eprintln!("{whole}\n{symbols}\n{report}");

    // With `-x` what goes wrong is an error, without it the message comes back as it was.
    door.server.engine.close().await;
    let failed = spamc(&["-x", "-c"], HAM.into()).await;
    assert!(failed.status.code().is_some_and(|code| code > 1), "{failed:?}");
    let tagged = text(&spamc(&[], HAM.into()).await);
    assert!(
        tagged.starts_with("X-Wardroom-Status: not scanned (the server ") && tagged.ends_with(HAM),
        "{tagged}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn miltertest() {
    if !has(&["miltertest"]) {
        return;
    }
    let door = Door::open(Protocol::Milter, FailMode::Tag, |_| ()).await;
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("test.lua");
    let lua = format!(
        r#"
function check(what, ok) if not ok then error(what .. " failed") end end
conn = mt.connect("inet:{port}@127.0.0.1")
check("connect", conn ~= nil)
check("connection", mt.conninfo(conn, "mx.sender.example", "192.0.2.7") == nil)
mt.macro(conn, SMFIC_MAIL, "i", "4XyZ1")
check("helo", mt.helo(conn, "mx.sender.example") == nil)
for round = 1, 2 do
    check("mail", mt.mailfrom(conn, "<a@sender.example>") == nil)
    check("rcpt", mt.rcptto(conn, "<b@here.example>") == nil)
    check("header", mt.header(conn, "Subject", "a") == nil)
    check("forged", mt.header(conn, "X-Wardroom-Status", "scanned; class=inbox") == nil)
    check("eoh", mt.eoh(conn) == nil)
    check("body", mt.bodystring(conn, round == 1 and "Hello.\r\n" or "{GTUBE}\r\n") == nil)
    check("eom", mt.eom(conn) == nil)
    if round == 1 then
        check("continue", mt.getreply(conn) == SMFIR_CONTINUE)
        check("added", mt.eom_check(conn, MT_HDRADD, "X-Wardroom-Status"))
        check("removed", mt.eom_check(conn, MT_HDRDELETE, "X-Wardroom-Status"))
    else
        check("refused", mt.getreply(conn) == SMFIR_REPLYCODE)
    end
end
mt.disconnect(conn)
"#,
        port = door.address.port()
    );
    std::fs::write(&script, lua).unwrap();
    let output = run("miltertest", &["-vv", "-s", script.to_str().unwrap()], "").await;
    assert!(output.status.success(), "{}", text(&output));
}
