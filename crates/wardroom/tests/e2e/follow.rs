// SPDX-License-Identifier: Apache-2.0
//! `wardroom replay --follow` behind real servers: nginx through a rotation, sshd with a real client.

use crate::http::Client;
use crate::process::{Process, program, run, skipped, until, wardroom};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Ports of servers that cannot take a free one themselves: one that was free a moment ago.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Follows a file, and has seen what is in it so far.
fn follow(dir: &Path, file: &Path, format: &str) -> Process {
    let mut command = wardroom(dir);
    command.args(["replay", "--follow", "--json", "--format", format]).arg(file);
    Process::start(&mut command)
}

/// Every signal printed so far.
fn signals(process: &Process) -> Vec<Value> {
    let out = process.out();
    let whole = out.rfind('\n').map_or("", |end| &out[..end]);
    whole.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Stops following; gives the summary.
fn stop(process: Process) -> Value {
    process.signal(Signal::INT);
    let ran = process.wait().ended(0);
    assert_eq!(ran.err, "");
    serde_json::from_str(ran.out.lines().last().unwrap()).unwrap()
}

struct Nginx {
    process: Process,
    client: Client,
    log: PathBuf,
    _dir: TempDir,
}

impl Nginx {
    fn start(program: &Path) -> Nginx {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        std::fs::create_dir_all(dir.path().join("site")).unwrap();
        std::fs::write(dir.path().join("site/index.html"), "hello").unwrap();
        let address = free_port();
        // Workers of a master that is root would be somebody else, who may not look into the directory.
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary: String = temporary.map(|t| format!("{t}_temp_path {at}/{t};\n")).concat();
        let config = format!(
            "daemon off;\n{user}\nworker_processes 1;\npid {at}/pid;\nerror_log stderr warn;\n\
             events {{ worker_connections 64; }}\n\
             http {{\n{temporary}access_log {at}/access.log combined;\n\
             server {{ listen {address}; root {at}/site; }}\n}}\n"
        );
        std::fs::write(dir.path().join("nginx.conf"), config).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(dir.path()).arg("-c").arg(dir.path().join("nginx.conf")).args(["-e", "stderr"]);
        let mut process = Process::start(command.stdin(Stdio::null()));
        let client = Client { address, token: String::new() };
        until("nginx", || {
            assert!(process.runs(), "nginx: {}", process.err());
            client.call("GET", "/", "", "").ok()
        });
        Nginx { process, client, log: dir.path().join("access.log"), _dir: dir }
    }

    fn get(&self, path: &str) -> u16 {
        self.client.get(path).status
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its worker ends with it only when it is told to.
        if self.process.runs() {
            self.process.signal(Signal::TERM);
            until("nginx's end", || (!self.process.runs()).then_some(()));
        }
    }
}

#[test]
fn a_door_scan_at_nginx_is_seen_through_a_rotation() {
    let test = "a_door_scan_at_nginx_is_seen_through_a_rotation";
    let Some(nginx) = program(test, "nginx") else {
        return;
    };
    let nginx = Nginx::start(&nginx);
    let dir = tempfile::tempdir().unwrap();
    // What was written before following began is not judged: these doors are free again.
    assert_eq!((nginx.get("/.env"), nginx.get("/.git/config")), (404, 404));
    let mut following = follow(dir.path(), &nginx.log, "access");
    // It may still be starting: it has begun to follow when a line that is no crime is answered by one that is.
    until("the following to begin", || {
        nginx.get("/a/..%2f../x?q=<script");
        (!signals(&following).is_empty()).then_some(())
    });
    for (door, status) in [("/", 200), ("/wp-login.php", 404), ("/administrator/", 404), ("/admin.php", 404)]
    {
        assert_eq!(nginx.get(door), status);
    }
    let doors = |following: &mut Process, n: usize| {
        following.await_out("a block", |out| {
            let found = out.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
            found.filter(|s| s["rule"] == "web.door_scan").nth(n)
        })
    };
    let first = doors(&mut following, 0);
    let expect = "127.0.0.1 tried 2 doors of programs that do not run here within a day; now /admin.php";
    assert_eq!((first["because"].as_str(), first["verdict"].as_str()), (Some(expect), Some("block")));

    // As logrotate does it: away with the file, a request that still goes there, then the signal.
    let rotated = nginx.log.with_extension("log.1");
    std::fs::rename(&nginx.log, &rotated).unwrap();
    assert_eq!(nginx.get("/phpmyadmin/"), 404);
    nginx.process.signal(Signal::USR1);
    until("the new log", || nginx.log.exists().then_some(()));
    assert_eq!(nginx.get("/xmlrpc.php"), 404);
    let last = doors(&mut following, 2);
    let (before, after) =
        (std::fs::read_to_string(&rotated).unwrap(), std::fs::read_to_string(&nginx.log).unwrap());
    assert!(before.contains("/phpmyadmin/"), "the last line of the old file: {before}");
    assert!(after.contains("/xmlrpc.php") || before.contains("/xmlrpc.php"));
    assert!(last["because"].as_str().unwrap().contains("tried 4 doors"), "{last}");
    // Whatever nginx's worker had not noticed yet, now it has.
    until("a line in the new log", || {
        nginx.get("/manager/html");
        std::fs::read_to_string(&nginx.log).unwrap().contains("/manager/html").then_some(())
    });
    following.await_out("a block from the new file", |out| out.contains("now /manager/html").then_some(()));

    let summary = stop(following);
    assert_eq!(summary["read"]["junk"], 0, "{summary}");
    assert_eq!(summary["addresses"][0]["strongest"], "block");
    let written = std::fs::read_to_string(&rotated).unwrap().lines().count() + after.lines().count();
    assert!(summary["events"].as_u64().unwrap() <= written as u64 + 50, "no line is judged twice: {summary}");

    // From its beginning, what was there before is judged too.
    let mut command = wardroom(dir.path());
    command.args(["replay", "--follow", "--from-start", "--json", "--format", "access"]).arg(&rotated);
    let mut following = Process::start(&mut command);
    following.await_out("the first doors", |out| out.contains("tried 2 doors").then_some(()));
    stop(following);
}

/// A follower waits for a file that is not there yet, and for the end of a line.
#[test]
fn a_file_to_come_is_waited_for_and_lines_are_taken_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let following = follow(dir.path(), &path, "access");
    // Until it has read the shipped packs and looks for the file.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let mut file = std::fs::File::create(&path).unwrap();
    let attack = |name: &str| {
        format!(
            "203.0.113.7 - - [17/May/2015:10:05:03 +0000] \"GET /../{name} HTTP/1.1\" 404 5 \"-\" \"x\"\n"
        )
    };
    let (whole, half) = (attack("whole"), attack("half"));
    file.write_all(format!("{whole}{}", &half[..40]).as_bytes()).unwrap();
    until("the first", || (signals(&following).len() == 1).then_some(()));
    file.write_all(&half.as_bytes()[40..]).unwrap();
    until("the second", || (signals(&following).len() == 2).then_some(()));
    // Copied and truncated, as `copytruncate` does it.
    file.set_len(0).unwrap();
    drop(file);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    file.write_all(attack("after").as_bytes()).unwrap();
    until("the third", || (signals(&following).len() == 3).then_some(()));
    let summary = stop(following);
    assert_eq!((&summary["events"], &summary["read"]["junk"]), (&3.into(), &0.into()), "{summary}");
}

/// A real sshd, and the part of syslogd that matters: `Mon DD HH:MM:SS host sshd[pid]: ` before each line.
struct Sshd {
    _process: Process,
    dir: TempDir,
    port: u16,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Sshd {
    /// `None`, with why on standard output, where it does not run.
    fn start(test: &str, program: &Path) -> Option<Sshd> {
        let dir = tempfile::tempdir().unwrap();
        let (at, port) = (dir.path().display(), free_port().port());
        for name in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.path().join(name));
            assert!(keygen.status().unwrap().success());
        }
        std::fs::copy(dir.path().join("user.pub"), dir.path().join("authorized")).unwrap();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication yes\nKbdInteractiveAuthentication no\nPubkeyAuthentication yes\n\
             PermitRootLogin prohibit-password\nAuthorizedKeysFile {at}/authorized\nLogLevel INFO\n"
        );
        std::fs::write(dir.path().join("config"), config).unwrap();
        let mut command = Sshd::command(program, dir.path());
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer);
        let mut process = Process::of(&mut command);
        drop(command);
        let raw = Arc::default();
        let path = dir.path().join("auth.log");
        std::fs::File::create(&path).unwrap();
        syslog(reader, path, Arc::clone(&raw));
        let text = || String::from_utf8_lossy(&raw.lock().unwrap()).into_owned();
        let listens = until("sshd", || {
            let ended = !process.runs();
            (ended || text().contains("Server listening")).then_some(!ended)
        });
        if !listens {
            skipped(test, &format!("sshd does not run here: {}", text().trim()));
            return None;
        }
        Some(Sshd { _process: process, dir, port, log: raw })
    }

    /// As root it wants a directory that packages leave to the init system: it gets one in a mount namespace of its own.
    fn command(program: &Path, dir: &Path) -> Command {
        let (program, config) = (program.display(), dir.join("config"));
        let serve = format!("exec '{program}' -D -e -f '{}'", config.display());
        let mut command;
        if rustix::process::geteuid().is_root() && !Path::new("/run/sshd").is_dir() {
            let made = "mount -t tmpfs -o mode=755 none /run && mkdir -m 755 /run/sshd";
            command = Command::new("unshare");
            command.args(["--mount", "sh", "-c", &format!("{made} && {serve}")]);
        } else {
            command = Command::new("sh");
            command.args(["-c", &serve]);
        }
        command
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("auth.log")
    }

    fn client(&self, program: &Path, before: &[&str], options: &[&str], user: &str) {
        let at = self.dir.path();
        let ssh = Command::new(before.first().map_or(program, Path::new))
            .args(before.iter().skip(1))
            .args(before.first().map(|_| program))
            .args([
                "-F",
                "none",
                "-p",
                &self.port.to_string(),
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "LogLevel=ERROR",
            ])
            .args(["-o", "ConnectTimeout=30", "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes"])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}/known", at.display()))
            .args(options)
            .args([&format!("{user}@127.0.0.1"), "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        ssh.unwrap();
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }
}

/// Writes what sshd says to a file as syslogd would. A connection's process is named by the port of its client: sshd
/// does not say which it is.
fn syslog(source: impl std::io::Read + Send + 'static, path: PathBuf, raw: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut file = std::fs::File::options().append(true).open(path).unwrap();
        let mut pid = 1;
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            let line = line.trim_end();
            raw.lock().unwrap().extend_from_slice(format!("{line}\n").as_bytes());
            let port =
                line.rsplit(" port ").next().and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            pid = port.filter(|_| line.contains(" port ")).unwrap_or(pid);
            let time = jiff::Timestamp::now().strftime("%b %e %H:%M:%S").to_string();
            writeln!(file, "{time} gate sshd[{pid}]: {line}").unwrap();
        }
    });
}

#[test]
fn guessing_at_a_real_sshd_is_seen_as_it_happens() {
    let test = "guessing_at_a_real_sshd_is_seen_as_it_happens";
    let (Some(sshd), Some(ssh), Some(sshpass)) =
        (program(test, "sshd"), program(test, "ssh"), program(test, "sshpass"))
    else {
        return;
    };
    let Some(sshd) = Sshd::start(test, &sshd) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut following = follow(dir.path(), &sshd.path(), "auth");
    let password = ["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"];
    let guess = |user: &str| sshd.client(&ssh, &[sshpass.to_str().unwrap(), "-p", "guess"], &password, user);
    // Until it follows, what happens is before its time.
    until("the following to begin", || {
        guess("nobody-here-0");
        (!signals(&following).is_empty()).then_some(())
    });
    for i in 1..10 {
        guess(&format!("nobody-here-{i}"));
    }
    let blocked = following.await_out("a block", |out| {
        let found = out.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
        found.filter(|s| s["event"] == "ssh_login").find(|s| s["verdict"] == "block")
    });
    assert!(blocked["because"].as_str().unwrap().contains("127.0.0.1"), "{blocked}");
    assert!(blocked["rule"].as_str().unwrap().starts_with("ssh."), "{blocked}");
    until("the last guess in the log", || {
        sshd.said().contains("Failed password for invalid user nobody-here-9").then_some(())
    });
    let summary = stop(following);
    assert_eq!((&summary["read"]["junk"], &summary["addresses"][0]["ip"]), (&0.into(), &"127.0.0.1".into()));

    // Now somebody with a key comes in, and the whole log is judged again: nobody is locked out behind a real login.
    let me = Command::new("id").arg("-un").output().unwrap().stdout;
    let key = sshd.dir.path().join("user").display().to_string();
    sshd.client(&ssh, &[], &["-o", "BatchMode=yes", "-i", &key], String::from_utf8(me).unwrap().trim());
    let log = sshd.path().display().to_string();
    let accepted = until("the login's outcome", || {
        let said = sshd.said();
        let (yes, no) = (said.contains("Accepted publickey for "), said.contains("not allowed because"));
        (yes || no).then_some(yes)
    });
    if !accepted {
        println!("the login of a real user is left out: sshd refuses this account: {}", sshd.said());
        return;
    }
    guess("nobody-here-10");
    until("one more guess in the log", || {
        std::fs::read_to_string(sshd.path())
            .unwrap()
            .contains("Failed password for invalid user nobody-here-10")
            .then_some(())
    });
    let again = run(dir.path(), &["replay", &log, "--format", "auth", "--signals", "--json"]).ended(0);
    let lines: Vec<Value> = again.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let (summary, signals) = lines.split_last().unwrap();
    assert!(
        signals.iter().any(|s| s["rule"] == "ssh.guessed"),
        "a success after guesses is looked at: {again:#?}"
    );
    let last = signals.last().unwrap();
    assert_ne!(last["verdict"], "block", "an address with a real login is not blocked: {last}");
    // What an sshd without PAM says of accounts that do not exist is all that the reader does not know.
    let said = sshd.said();
    let unknown = said.matches("Could not get shadow information").count();
    assert_eq!(summary["read"]["unknown"], unknown, "every other line is understood: {said}");
    let tried =
        said.matches("Failed password for ").count() + said.matches("Accepted publickey for ").count();
    assert_eq!(summary["events"], tried, "each attempt is one event: {said}");
}
