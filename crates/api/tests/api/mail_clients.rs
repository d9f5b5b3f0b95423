// SPDX-License-Identifier: Apache-2.0
//! The programs that people have, at the doors for mail: rspamc, spamc, miltertest, and Postfix with swaks in front of it.
//!
//! They are Debian's, and where one is not installed its test says so and is passed over, but not in CI.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test starts programs and looks into their files"
)]

use crate::mail::{Door, GTUBE};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
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

/// A Postfix of its own, in front of a door, and a sink behind it.
struct Postfix {
    dir: TempDir,
    smtp: SocketAddr,
    sink: Child,
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ =
            Command::new("/usr/sbin/postfix").arg("-c").arg(self.dir.path().join("etc")).arg("stop").output();
        let _ = self.sink.kill();
        let _ = self.sink.wait();
        let _ = std::fs::remove_file(self.log());
    }
}

impl Postfix {
    fn start(milter: SocketAddr, policy: SocketAddr, fail: FailMode) -> Postfix {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (smtp, sink_at) = (free(), free());
        let dir = tempfile::Builder::new().prefix("postfix").tempdir_in("/tmp").unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in ["etc", "spool", "data", "out"] {
            std::fs::create_dir(at(folder)).unwrap();
        }
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(at("out"), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Command::new("chown").arg("postfix").arg(at("data")).status().unwrap().success());
        let (milter_default, policy_default) = match fail {
            FailMode::Tag => ("accept", "DUNNO"),
            FailMode::Tempfail => ("tempfail", "451 4.3.5 try again later"),
        };
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {spool}\ndata_directory = {data}\nmyhostname = mx.here.example\n\
             daemon_directory = /usr/lib/postfix/sbin\ncommand_directory = /usr/sbin\nmydestination =\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 198.51.100.0/24\nrelay_domains = here.example\n\
             relay_transport = smtp:[{sink}]:{port}\nsmtp_dns_support_level = disabled\n\
             smtpd_authorized_xclient_hosts = 127.0.0.1\nsmtpd_milters = inet:{milter}\n\
             milter_default_action = {milter_default}\nsmtpd_policy_service_default_action = {policy_default}\n\
             smtpd_policy_service_retry_delay = 1s\nsmtpd_relay_restrictions =\nsmtpd_peername_lookup = no\n\
             smtpd_recipient_restrictions = check_policy_service inet:{policy}, permit_mynetworks, reject_unauth_destination\n\
             maillog_file = {log}\n",
            spool = at("spool").display(),
            data = at("data").display(),
            sink = sink_at.ip(),
            port = sink_at.port(),
            log = log_of(dir.path()).display(),
        );
        std::fs::write(at("etc/main.cf"), main).unwrap();
        let mut master = format!(
            "{smtp} inet n - n - - smtpd\npostlog unix-dgram n - n - 1 postlogd\nqmgr unix n - n 300 1 qmgr\n"
        );
        for (name, program) in [
            ("cleanup", "cleanup"),
            ("rewrite", "trivial-rewrite"),
            ("bounce", "bounce"),
            ("defer", "bounce"),
            ("trace", "bounce"),
            ("proxymap", "proxymap"),
            ("smtp", "smtp"),
            ("error", "error"),
            ("retry", "error"),
            ("anvil", "anvil"),
            ("scache", "scache"),
            ("discard", "discard"),
        ] {
            // How many there may be of these, Postfix insists on.
            let most = match name {
                "anvil" | "scache" => "1",
                "cleanup" | "bounce" | "defer" | "trace" => "0",
                _ => "-",
            };
            let private = if name == "cleanup" { "n" } else { "-" };
            master += &format!("{name} unix {private} - n - {most} {program}\n");
        }
        std::fs::write(at("etc/master.cf"), master).unwrap();
        let mut sink = Command::new("/usr/sbin/smtp-sink");
        sink.args(["-u", "postfix", "-d"]).arg(at("out/%M.")).arg(sink_at.to_string()).arg("100");
        let sink = sink.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let postfix = Postfix { smtp, sink, dir };
        let started = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(postfix.dir.path().join("etc"))
            .arg("start")
            .output()
            .unwrap();
        assert!(started.status.success(), "{}{}", text(&started), postfix.logged());
        until("Postfix", || TcpStream::connect(smtp).ok());
        postfix
    }

    fn log(&self) -> PathBuf {
        log_of(self.dir.path())
    }

    fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// What was delivered, once there is so much of it.
    fn delivered(&self, count: usize) -> Vec<String> {
        until("a delivery", || {
            let files = std::fs::read_dir(self.dir.path().join("out")).unwrap();
            let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
            files.sort();
            let mails: Vec<String> = files
                .iter()
                .map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned())
                .collect();
            (mails.len() >= count && mails.iter().all(|mail| !mail.is_empty())).then_some(mails)
        })
    }

    /// Sends a message as a client at 192.0.2.7; gives the session.
    async fn swaks(&self, from: &str, mail: &str) -> String {
        let server = self.smtp.to_string();
        let xclient = "ADDR=192.0.2.7 NAME=mx.sender.example";
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mail");
        std::fs::write(&file, mail.replace("\r\n", "\n")).unwrap();
        let data = format!("@{}", file.display());
        let args = [
            "--server",
            &server,
            "--xclient",
            xclient,
            "--helo",
            "mx.sender.example",
            "--from",
            from,
            "--to",
            "b@here.example",
            "--data",
            &data,
        ];
        text(&run("swaks", &args, "").await)
    }
}

/// Postfix logs below /var only, whatever one asks for.
fn log_of(dir: &Path) -> PathBuf {
    Path::new("/var/log").join(format!("{}.log", dir.file_name().unwrap().to_str().unwrap()))
}

fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "waited for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A client by hand, which can stop in the middle of a message.
struct Smtp(BufReader<TcpStream>);

impl Smtp {
    fn connect(to: SocketAddr) -> Smtp {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut made = Smtp(BufReader::new(stream));
        made.reply();
        made
    }

    fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the server went");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn say(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n"));
        self.reply()
    }
}

/// Postfix runs as root only.
fn has_postfix() -> bool {
    has(&["postfix", "swaks", "smtp-sink"]) && is_root()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_asks_and_does_what_it_is_told() {
    if !has_postfix() {
        return;
    }
    let milter = Door::open(Protocol::Milter, FailMode::Tempfail, |_| ()).await;
    let policy = Door::open(Protocol::Delegation, FailMode::Tempfail, |_| ()).await;
    let postfix = Postfix::start(milter.address, policy.address, FailMode::Tempfail);

    let forged = HAM.replace("Subject", "X-Wardroom-Status: scanned; class=inbox; case=FORGED\r\nSubject");
    let session = postfix.swaks("a@sender.example", &forged).await;
    assert!(session.contains("<-  250 2.0.0 Ok: queued as"), "{session}");
    let mail = postfix.delivered(1).pop().unwrap();
    assert!(
        mail.contains("\nX-Wardroom-Status: scanned; class=inbox; case=") && !mail.contains("FORGED"),
        "{mail}"
    );
    eprintln!("{session}\n{mail}");

    let session = postfix.swaks("a@sender.example", &test_mail()).await;
    let line = session.lines().find(|line| line.contains(" 550 ")).unwrap_or_else(|| panic!("{session}"));
    let case = line.split("(case ").nth(1).unwrap().split(')').next().unwrap().to_owned();
    assert!(line.contains("5.7.1 Refused as unwanted mail [ssh.tested] (case "), "{line}");
    let log = until("the log", || {
        Some(postfix.logged()).filter(|log| log.contains("milter-reject: END-OF-MESSAGE"))
    });
    assert!(log.contains(&format!("(case {case})")), "{log}");
    eprintln!("{session}");

    let held = postfix.swaks("held@sender.example", HAM).await;
    assert!(held.contains("<-  250 2.0.0 Ok: queued as"), "{held}");
    until("the hold queue", || {
        std::fs::read_dir(postfix.dir.path().join("spool/hold")).unwrap().next().map(drop)
    });

    let slow = postfix.swaks("slow@sender.example", HAM).await;
    assert!(slow.contains("451 4.7.1 Not accepted for now, try again later (case "), "{slow}");

    let broken = "Content-Type: multipart/mixed; boundary=\"\nContent-Type: x\n\u{1}\u{2}\n--\n--\n\nno end";
    let session = postfix.swaks("a@sender.example", broken).await;
    assert!(session.contains("<-  250 2.0.0 Ok: queued as"), "{session}");
    assert_eq!(postfix.delivered(2).len(), 2);
}

/// A message that is half sent when the server goes.
async fn half_sent(fail: FailMode) -> (String, Postfix) {
    let milter = Door::open(Protocol::Milter, fail, |_| ()).await;
    let policy = Door::open(Protocol::Delegation, fail, |_| ()).await;
    let postfix = Postfix::start(milter.address, policy.address, fail);
    let smtp = postfix.smtp;
    let mut client = tokio::task::spawn_blocking(move || {
        let mut client = Smtp::connect(smtp);
        client.say("EHLO mx.sender.example");
        client.say("MAIL FROM:<a@sender.example>");
        assert!(client.say("RCPT TO:<b@here.example>").starts_with("250 "));
        assert!(client.say("DATA").starts_with("354 "));
        client.send(HAM);
        client
    })
    .await
    .unwrap();
    // As by a signal that nobody can catch: nothing more is said, and its connections are gone.
    milter.kill().await;
    let reply = tokio::task::spawn_blocking(move || client.say(".")).await.unwrap();
    (reply, postfix)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_in_the_middle_of_a_message_is_what_its_fail_mode_says() {
    if !has_postfix() {
        return;
    }
    let (reply, postfix) = half_sent(FailMode::Tempfail).await;
    assert!(reply.starts_with("451 4.7.1 "), "{reply}");
    assert_eq!(std::fs::read_dir(postfix.dir.path().join("out")).unwrap().count(), 0);
    drop(postfix);
    let (reply, postfix) = half_sent(FailMode::Tag).await;
    assert!(reply.starts_with("250 2.0.0 Ok: queued as"), "{reply}");
    let mail = postfix.delivered(1).pop().unwrap();
    assert!(!mail.contains("X-Wardroom-Status"), "nobody has scanned it: {mail}");
}
