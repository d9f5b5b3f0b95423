// SPDX-License-Identifier: Apache-2.0
//! A server in a process of its own: started, asked whether it is ready, killed.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wardroom_api::Role;

/// How long a server may take until it is ready.
const START: Duration = Duration::from_secs(600);
/// How long the answer to one question may take.
const ASK: Duration = Duration::from_secs(5);
/// Most bytes read of such an answer, and of a file of the system.
const MOST: u64 = 4 << 20;

/// A running server. It is killed when this is dropped.
pub(super) struct Host {
    child: Child,
    dir: PathBuf,
    address: SocketAddr,
    pub(super) token: String,
    /// Of a second client, which has a turn of its own.
    pub(super) other: String,
}

impl Host {
    /// Starts a server with its data in `dir`; `settings` are further lines of its configuration.
    pub(super) async fn start(dir: &Path, policy: Option<&Path>, settings: &str) -> Result<Host> {
        let data = dir.join("data");
        std::fs::create_dir_all(&data)?;
        let policy = match policy {
            Some(policy) => {
                policy.canonicalize().with_context(|| format!("no policy in {}", policy.display()))?
            }
            None => shipped(dir)?,
        };
        let config = format!("data = {data:?}\npolicy = {policy:?}\n{settings}");
        std::fs::write(dir.join("wardroom.toml"), config)?;
        let roles = [Role::Ingest, Role::Read].map(|role| role.name().to_owned());
        let keys = crate::command::keys_file(&data);
        let issue = |name| crate::command::issue_key(&keys, name, &roles, wardroom_api::Allowance::default());
        let (token, other) = (issue("trial")?, issue("other")?);
        let address = free_address()?;
        let mut host = Host { child: spawn(dir, address)?, dir: dir.to_owned(), address, token, other };
        host.ready().await?;
        Ok(host)
    }

    /// Kills the server as a power switch does and starts it again on the same data; how long it took until it was ready.
    pub(super) async fn restart(&mut self) -> Result<Duration> {
        self.kill();
        self.address = free_address()?;
        let began = Instant::now();
        self.child = spawn(&self.dir, self.address)?;
        self.ready().await?;
        Ok(began.elapsed())
    }

    async fn ready(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < START {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}; see {}", self.dir.join("server.log").display());
            }
            if self.get("/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("the server is not ready after {START:?}")
    }

    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The server's answer to a GET, head and body.
    pub(super) fn get(&self, path: &str) -> Result<String> {
        self.ask("GET", path, "")
    }

    /// Has one event decided.
    pub(super) fn decide(&self, event: &str) -> Result<()> {
        let answer = self.ask("POST", "/v1/decide", event)?;
        match answer.starts_with("HTTP/1.1 200") {
            true => Ok(()),
            false => bail!("an event was refused: {}", answer.lines().next().unwrap_or_default()),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let mut socket = TcpStream::connect_timeout(&self.address, ASK)?;
        socket.set_read_timeout(Some(ASK))?;
        let (host, token) = (self.address, &self.token);
        write!(
            socket,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        socket.take(MOST).read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// A figure of the server's metrics; of a metric with labels, the sum.
    pub(super) fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics").ok()?;
        let values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with([' ', '{']))?;
            rest.rsplit(' ').next()?.parse::<f64>().ok()
        });
        values.reduce(|a, b| a + b)
    }

    /// Resident memory and processor time so far, as the kernel counts them.
    pub(super) fn usage(&self) -> Option<Usage> {
        let of = |name: &str| small(&PathBuf::from(format!("/proc/{}/{name}", self.child.id())));
        let status = of("status")?;
        let kilobytes = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let stat = of("stat")?;
        // The name of the program, in brackets, may hold anything.
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
        // A tick is a hundredth of a second on every Linux there is (USER_HZ).
        let cpu_secs = (ticks(11)? + ticks(12)?) as f64 / 100.0;
        Some(Usage { resident: kilobytes("VmRSS:")? * 1024, peak: kilobytes("VmHWM:")? * 1024, cpu_secs })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the kernel counts of a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// Bytes in memory now, and at most so far.
    pub(super) resident: u64,
    pub(super) peak: u64,
    /// Seconds of processor time, of all threads.
    pub(super) cpu_secs: f64,
}

fn spawn(dir: &Path, address: SocketAddr) -> Result<Child> {
    let log = File::options().create(true).append(true).open(dir.join("server.log"))?;
    let program = std::env::current_exe().context("this program does not know where it lies")?;
    Command::new(program)
        .args(["serve", "--config", "wardroom.toml", "--listen", &address.to_string()])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("cannot start a server")
}

/// The shipped policy as files.
fn shipped(dir: &Path) -> Result<PathBuf> {
    let policy = dir.join("policy");
    for (name, text) in crate::packs::files() {
        let path = policy.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&policy))?;
        std::fs::write(path, text)?;
    }
    Ok(policy)
}

/// An address nobody listens on. Another program might take it before the server does; then the server says so.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// The text of a small file.
fn small(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Bytes that the files below a directory take on the disk.
pub(super) fn on_disk(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => on_disk(&entry.path()),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    };
    entries.map(size).sum()
}
