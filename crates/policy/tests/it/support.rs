// SPDX-License-Identifier: Apache-2.0
//! What the tests share: files read with a bound, golden texts, policies of one file, events to judge.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wardroom_event::{Event, EventId, Micros, Schema, Value};
use wardroom_policy::{Bundle, Compiled, List, ListId, Program, Row, World, compile};
use wardroom_report::render;

/// More than any file of this repository has.
const MOST: u64 = 4 * 1024 * 1024;

/// A file of the repository; `path` counts from this crate's folder.
pub(crate) fn path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A whole text file; `None` when there is none.
pub(crate) fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MOST).read_to_string(&mut text).unwrap();
    Some(text)
}

/// The files of a folder with this ending, by name.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(path(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == ending))
        .collect();
    found.sort();
    found
}

/// Whether golden texts are to be written anew: `BLESS=1`.
#[allow(clippy::disallowed_methods, reason = "a switch of the test run, read where it is used")]
pub(crate) fn is_blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|v| v == "1")
}

/// Compares a text with the one kept at `file`, or keeps it. Gives what to say when they differ.
pub(crate) fn golden(file: &Path, got: &str) -> Option<String> {
    let kept = read(file).unwrap_or_default();
    if kept == got {
        return None;
    }
    if is_blessing() {
        std::fs::write(file, got).unwrap();
        return None;
    }
    Some(format!("{} differs; BLESS=1 rewrites it\n{}", file.display(), diff(&kept, got)))
}

/// Lines that only one of two texts has, between those that both begin and end with.
fn diff(kept: &str, got: &str) -> String {
    let (kept, got): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), got.lines().collect());
    let head = kept.iter().zip(&got).take_while(|(a, b)| a == b).count();
    let tail = kept[head..].iter().rev().zip(got[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut out = format!("  from line {}\n", head + 1);
    for (sign, lines) in [('-', &kept), ('+', &got)] {
        for line in &lines[head..lines.len() - tail] {
            let _ = writeln!(out, "  {sign} {line}");
        }
    }
    out
}

/// Compiles a policy of several files.
pub(crate) fn compiled(files: &[(&str, &str)]) -> Compiled {
    let mut bundle = Bundle::new();
    for (path, text) in files {
        bundle.add(*path, *text);
    }
    compile(&bundle)
}

/// Everything there is to say of a policy, as a person sees it.
pub(crate) fn said(compiled: &Compiled) -> String {
    render(&compiled.diagnostics, &compiled.sources, false)
}

/// The program of a policy without errors; warnings are passed over.
pub(crate) fn program(files: &[(&str, &str)]) -> Program {
    let compiled = compiled(files);
    let said = said(&compiled);
    compiled.program.unwrap_or_else(|| panic!("{said}"))
}

/// The codes of what is said of a policy, in the order of their places.
pub(crate) fn codes(files: &[(&str, &str)]) -> Vec<&'static str> {
    compiled(files).diagnostics.iter().map(|d| d.code).collect()
}

/// For each diagnostic its code and the text it points at.
pub(crate) fn pointed(text: &str) -> Vec<(&'static str, String)> {
    let compiled = compiled(&[("main.ward", text)]);
    let at = |d: &wardroom_report::Diagnostic| (d.code, compiled.sources.slice(d.primary.0).to_owned());
    compiled.diagnostics.iter().map(at).collect()
}

/// Lists that hold what a program's own entries say, with networks holding their addresses.
pub(crate) struct Entries(pub(crate) Vec<Vec<Value>>);

impl Entries {
    /// What the program's lists hold as they are written.
    pub(crate) fn of(program: &Program) -> Entries {
        let entries = |l: &List| l.entries.iter().map(|(value, _)| value.clone()).collect();
        Entries(program.lists.iter().map(entries).collect())
    }
}

impl World for Entries {
    fn contains(&self, list: ListId, value: &Value, _: Micros) -> bool {
        assert!(!value.is_missing(), "asked for a missing value");
        self.0[list.0].iter().any(|entry| match (entry, value) {
            (Value::Net(net), Value::Ip(ip)) => net.contains(ip),
            (entry, value) => entry == value,
        })
    }

    fn bucket(&self, _: &str, _: &Value) -> u32 {
        0
    }
}

/// An event of the schema's type `kind`, with these values.
pub(crate) fn event(schema: &Arc<Schema>, kind: &str, time: Micros, values: Vec<Value>) -> Event {
    let kind = schema.id(kind).unwrap();
    let id = EventId { source: "".into(), id: "1".into() };
    Event { schema: schema.clone(), kind, id, time, received: time, values: values.into() }
}

/// Judges an event by nothing but its fields.
pub(crate) fn row(event: &Event) -> Row<'_> {
    static NONE: Entries = Entries(Vec::new());
    Row::new(event, &[], &NONE)
}
