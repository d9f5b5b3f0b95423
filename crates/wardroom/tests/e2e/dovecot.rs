// SPDX-License-Identifier: Apache-2.0
//! The real Dovecot asks before it lets anybody in, with the configuration of the book and the shipped policy: what its owner, a
//! guesser and a stuffer meet, and what happens when nobody answers.

use crate::http::Client;
use crate::process::{DEADLINE, Process, program, run, until};
use crate::server::{Server, Shop};
use rustix::process::{Signal, getegid, geteuid};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use wardroom_event::Micros;

/// Where the owner is at home, and three who want in.
const HOME: &str = "198.51.100.7";
const GUESSER: &str = "203.0.113.9";
const STUFFER: &str = "192.0.2.66";
const THIEF: &str = "199.71.0.46";

/// What is shipped, and in the book.
fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A server under the shipped policy.
fn mail_shop() -> Shop {
    let shop = Shop::new();
    std::fs::remove_file(shop.policy()).unwrap();
    copy(&shipped("policy"), &shop.path().join("policy"));
    shop
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

struct Dovecot {
    process: Process,
    imap: SocketAddr,
    dir: TempDir,
}

impl Dovecot {
    /// Starts it with the book's configuration, changed where a line of it is to be another.
    fn start(program: &Path, client: &Client, change: &[(&str, &str)]) -> Dovecot {
        let dir = tempfile::tempdir().unwrap();
        let imap = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut book = std::fs::read_to_string(shipped("examples/dovecot/wardroom.conf")).unwrap();
        let url = format!("http://{}/", client.address);
        let key = [
            ("http://127.0.0.1:8320/", &*url),
            ("wk_00000000_00000000000000000000000000000000", &*client.token),
        ];
        for (from, to) in key.iter().chain(change) {
            assert!(book.contains(from), "{from}");
            book = book.replace(from, to);
        }
        std::fs::write(dir.path().join("wardroom.conf"), book).unwrap();
        std::fs::write(dir.path().join("dovecot.conf"), config(dir.path(), imap)).unwrap();
        let mut command = Command::new(program);
        command.arg("-F").arg("-c").arg(dir.path().join("dovecot.conf")).stdin(Stdio::null());
        let mut dovecot = Dovecot { process: Process::start(&mut command), imap, dir };
        until("dovecot", || {
            assert!(dovecot.process.runs(), "dovecot: {}", dovecot.process.err());
            TcpStream::connect(imap).ok()
        });
        dovecot
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Logs in as a mail program at this address; gives the answer, and adds to the transcript.
    fn login(&self, transcript: &mut String, ip: &str, user: &str, password: &str) -> String {
        let stream = TcpStream::connect(self.imap).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut lines = BufReader::new(stream);
        let mut said = |send: &str, until: &str| {
            lines.get_mut().write_all(send.as_bytes()).unwrap();
            loop {
                let mut line = String::new();
                assert_ne!(lines.read_line(&mut line).unwrap(), 0, "closed after {send}");
                if line.starts_with(until) {
                    return line.trim_end().to_owned();
                }
            }
        };
        said("", "* OK");
        // A proxy of a trusted network says for whom it speaks: so one test has many addresses.
        said(
            &format!(
                "1 ID (\"name\" \"Thunderbird\" \"version\" \"128.0\" \"x-originating-ip\" \"{ip}\")\r\n"
            ),
            "1 OK",
        );
        let answer = said(&format!("2 LOGIN {user} {password}\r\n"), "2 ");
        let shown = answer
            .split("Logged in")
            .next()
            .map_or(&*answer, |head| if head.len() < answer.len() { "2 OK Logged in" } else { head });
        writeln!(transcript, "{ip:>13}  C: LOGIN {user} {password}\n{:>13}  S: {shown}", "").unwrap();
        answer
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its children end with it only when it is told to.
        if self.process.runs() {
            self.process.signal(Signal::TERM);
            until("dovecot's end", || (!self.process.runs()).then_some(()));
        }
    }
}

/// A server of its own: in its own folder, on its own port, as whoever runs the test.
fn config(dir: &Path, imap: SocketAddr) -> String {
    let at = dir.display();
    let mut users = String::new();
    for user in ["alice", "bob"] {
        writeln!(users, "{user}:{{PLAIN}}right::::::").unwrap();
    }
    std::fs::write(dir.join("users"), users).unwrap();
    std::fs::create_dir(dir.join("mail")).unwrap();
    let root = geteuid().is_root();
    // Mail belongs to nobody where root serves it, since Dovecot serves none to root.
    let (uid, gid) = if root { (65_534, 65_534) } else { (geteuid().as_raw(), getegid().as_raw()) };
    if root {
        chown(dir.join("mail"), Some(uid), Some(gid)).unwrap();
    }
    let name = |program: &str| {
        let out = Command::new("id").arg(program).output().unwrap().stdout;
        String::from_utf8(out).unwrap().trim().to_owned()
    };
    let (user, group) = (name("-un"), name("-gn"));
    let login = if root { "nobody" } else { &*user };
    format!(
        "base_dir = {at}/base\nstate_dir = {at}/state\nlog_path = {at}/log\ninstance_name = wardroom-test\n\
         protocols = imap\nlisten = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\n\
         default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {login}\n\
         mail_location = maildir:{at}/mail/%u\nauth_verbose = yes\nauth_failure_delay = 0 secs\n\
         login_trusted_networks = 127.0.0.0/8\n\
         service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {port}\n  }}\n\
         \x20 inet_listener imaps {{\n    port = 0\n  }}\n}}\n\
         service anvil {{\n  chroot =\n  unix_listener anvil-auth-penalty {{\n    mode = 0\n  }}\n}}\n\
         service stats {{\n  chroot =\n}}\n\
         passdb {{\n  driver = passwd-file\n  args = {at}/users\n  override_fields = wardroom=checked\n}}\n\
         userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={at}/mail/%u\n}}\n\
         !include {at}/wardroom.conf\n",
        port = imap.port()
    )
}

/// Alice has logged in from home now and then for a month.
fn at_home(server: &Server) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    for days in 1..=9_i64 {
        let time = Micros(i64::try_from(now).unwrap() - (30 - 3 * days) * 86_400_000_000);
        let event = format!(
            r#"{{"type":"login","id":"home-{days}","time":"{time}","account":"alice","ip":"{HOME}","ok":true,"protocol":"imap"}}"#
        );
        server.client.decide(&event).ok();
    }
}

#[test]
fn a_mail_server_keeps_guessers_out_and_its_owner_in() {
    let test = "a_mail_server_keeps_guessers_out_and_its_owner_in";
    let Some(dovecot) = program(test, "dovecot") else { return };
    let shop = mail_shop();
    let server = shop.serve();
    at_home(&server);
    let open = Dovecot::start(&dovecot, &server.client, &[]);
    let closed = [("auth_policy_reject_on_fail = no", "auth_policy_reject_on_fail = yes")];
    let closed = Dovecot::start(&dovecot, &server.client, &closed);
    let mut said = String::new();

    said += "\n-- the owner, at home; a slip of the finger\n";
    assert!(open.login(&mut said, HOME, "alice", "right").starts_with("2 OK"), "{said}{}", open.log());
    assert!(open.login(&mut said, HOME, "Alice", "wrnog").contains("AUTHENTICATIONFAILED"), "{said}");
    assert!(open.login(&mut said, HOME, "alice", "right").starts_with("2 OK"), "{said}");

    said += "\n-- somebody guesses at alice\n";
    for guess in 1..=12 {
        let answer = open.login(&mut said, GUESSER, "alice", &format!("guess{guess}"));
        assert!(answer.starts_with("2 NO"), "{said}");
    }
    let slowed = |who: &str| {
        let log = open.log();
        log.lines().filter(|l| l.contains("tarpit 5 second") && l.contains(who)).count()
    };
    assert!(slowed(GUESSER) >= 1, "{said}{}", open.log());
    said += "\n-- the owner meanwhile\n";
    assert!(open.login(&mut said, HOME, "alice", "right").starts_with("2 OK"), "{said}");
    assert_eq!(slowed(HOME), 0, "the owner waits for nobody: {}", open.log());

    said += "\n-- a list of stolen passwords\n";
    let mut refused = 0;
    for name in 1..=14 {
        let answer = open.login(&mut said, STUFFER, &format!("customer{name}"), "hunter2");
        assert!(answer.starts_with("2 NO"), "{said}");
        refused +=
            usize::from(answer.contains("[ALERT] This login was refused. If it was you, log in on the web"));
    }
    assert!(refused >= 2, "{said}{}", open.log());
    // What comes from there is not even looked at.
    assert!(open.login(&mut said, STUFFER, "alice", "right").contains("[ALERT]"), "{said}");

    said += "\n-- a short list, and alice's password is on it\n";
    for name in 1..=8 {
        let answer = open.login(&mut said, THIEF, &format!("stranger{name}"), "hunter2");
        assert!(answer.contains("AUTHENTICATIONFAILED"), "{said}");
    }
    let answer = open.login(&mut said, THIEF, "alice", "right");
    assert!(answer.contains("[ALERT] ") && answer.contains("og in on the web"), "{said}{}", open.log());
    assert!(open.login(&mut said, HOME, "alice", "right").starts_with("2 OK"), "{said}");

    let log = server.kill().err;
    for secret in ["alice", "guess1", "hunter2"] {
        assert!(!log.contains(secret), "{log}");
    }
    said += "\n-- nobody answers: open\n";
    assert!(open.login(&mut said, HOME, "alice", "right").starts_with("2 OK"), "{said}{}", open.log());
    assert!(open.login(&mut said, GUESSER, "alice", "guess13").starts_with("2 NO"), "{said}");
    said += "\n-- nobody answers: closed\n";
    assert!(closed.login(&mut said, HOME, "alice", "right").starts_with("2 NO"), "{said}{}", closed.log());
    println!("{said}");
    read_again(&shop, &open);
}

/// The log of the same session tells the same, to who only has a log.
fn read_again(shop: &Shop, dovecot: &Dovecot) {
    let path = dovecot.dir.path().join("log").display().to_string();
    let read = run(shop.path(), &["replay", &path, "--format", "auth", "--json"]).ended(0);
    let summary: Value = serde_json::from_str(read.out.lines().last().unwrap()).unwrap();
    let log = dovecot.log();
    let told =
        log.matches("imap-login: Info: Login: ").count() + log.matches("(auth failed, 1 attempts").count();
    assert!(told > 30, "{log}");
    assert_eq!(summary["events"], told, "{summary}");
}
