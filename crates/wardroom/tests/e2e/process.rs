// SPDX-License-Identifier: Apache-2.0
//! Programs under test: started, watched, told to stop, and gone when the test is.

use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hung.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// How often something awaited is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The program, to be run in `dir`, with nothing in the environment that changes what it says.
pub(crate) fn wardroom(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardroom"));
    command.current_dir(dir).env_remove("NO_COLOR").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Ran {
    Process::start(wardroom(dir).args(args)).wait()
}

/// What a program that has ended left.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code; none where a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// That it ended with this code. Gives it back.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Its one message on standard error, which must be all there is on it.
    #[track_caller]
    pub(crate) fn one_error(&self) -> &str {
        let lines: Vec<&str> = self.err.lines().collect();
        assert_eq!(lines.len(), 1, "one message: {self:#?}");
        lines[0].strip_prefix("error: ").unwrap_or_else(|| panic!("an error: {self:#?}"))
    }

    /// Its output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}

/// A running program. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    out: Pipe,
    err: Pipe,
}

impl Process {
    /// Starts it with its output and its errors gathered.
    pub(crate) fn start(command: &mut Command) -> Process {
        Process::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts it with its output where the command says; what is piped is gathered.
    pub(crate) fn of(command: &mut Command) -> Process {
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let (out, err) = (Pipe::of(child.stdout.take()), Pipe::of(child.stderr.take()));
        Process { child, out, err }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Its standard input, where that is piped.
    pub(crate) fn input(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// What it has written to standard output.
    pub(crate) fn out(&self) -> String {
        self.out.text()
    }

    /// What it has written to standard error.
    pub(crate) fn err(&self) -> String {
        self.err.text()
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until `found` finds something in its output.
    #[track_caller]
    pub(crate) fn await_out<T>(&mut self, what: &str, found: impl Fn(&str) -> Option<T>) -> T {
        self.await_in(what, |p| found(&p.out()))
    }

    /// Waits until `found` finds something in its errors.
    #[track_caller]
    pub(crate) fn await_err<T>(&mut self, what: &str, found: impl Fn(&str) -> Option<T>) -> T {
        self.await_in(what, |p| found(&p.err()))
    }

    #[track_caller]
    fn await_in<T>(&mut self, what: &str, found: impl Fn(&Process) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            // Looked at after it was seen to run: what it wrote last is not missed.
            let runs = self.runs();
            if !runs {
                self.out.join();
                self.err.join();
            }
            if let Some(it) = found(self) {
                return it;
            }
            let told = || format!("{what}\nout: {}\nerr: {}", self.out(), self.err());
            assert!(runs, "it has ended, without {}", told());
            assert!(begun.elapsed() < DEADLINE, "still without {}", told());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ran {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < DEADLINE, "it does not end\nout: {}\nerr: {}", self.out(), self.err());
            std::thread::sleep(LOOK);
        };
        self.out.join();
        self.err.join();
        Ran { code: status.code(), signal: status.signal(), out: self.out(), err: self.err() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // By its handle: it cannot hit another process that has been given the same number.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes through a pipe, gathered by a thread.
struct Pipe {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Pipe {
    fn of(source: Option<impl Read + Send + 'static>) -> Pipe {
        let text = Arc::default();
        let reader = source.map(|source| gather(source, Arc::clone(&text)));
        Pipe { text, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until all that was written is gathered.
    #[track_caller]
    fn join(&mut self) {
        if let Some(reader) = self.reader.take() {
            until("the end of its output, which another process may hold", || {
                reader.is_finished().then_some(())
            });
            let _ = reader.join();
        }
    }
}

/// Reads to the end, a piece at a time.
pub(crate) fn gather(mut source: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(n @ 1..) = source.read(&mut piece) {
            into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..n]);
        }
    })
}

/// Waits until `found` finds something.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(it) = found() {
            return it;
        }
        assert!(begun.elapsed() < DEADLINE, "still without {what}");
        std::thread::sleep(LOOK);
    }
}

/// The program's path, where it is installed. Where it is not, a line says that `test` is skipped; with `CI=true`
/// nothing may be.
pub(crate) fn program(test: &str, name: &str) -> Option<PathBuf> {
    let skip = std::env::var("WARDROOM_SKIP").unwrap_or_default();
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin", "/sbin"]);
    let found = folders.map(|f| Path::new(f).join(name)).find(|p| p.is_file());
    if let Some(found) = found.filter(|_| !skip.split(',').any(|s| s.trim() == name)) {
        return Some(found);
    }
    skipped(test, &format!("there is no {name} here"));
    None
}

/// Says that a test is skipped, and why; fails it where nothing may be.
pub(crate) fn skipped(test: &str, why: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test}: {why}, and with CI=true nothing is skipped"
    );
    println!("skipped {test}: {why}");
}

/// A file of the real data, where it is there; a line says what is skipped where it is not.
pub(crate) fn real_log(test: &str, name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/logs").join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped {test}: no real log at ../shared/data/logs/{name}");
    None
}
