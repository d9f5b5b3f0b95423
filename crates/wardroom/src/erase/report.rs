// SPDX-License-Identifier: Apache-2.0
//! The report of an erasure: what was looked at, what was replaced where, what a second look found. It has no word of the
//! subject in it, only a keyed digest; and it is signed, so that it cannot be changed by whoever cannot read the secret.

use super::Second;
use super::files::Looked;
use anyhow::{Context, Result, bail};
use ring::hmac;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use wardroom_engine::{Erased, Met, Proved};
use wardroom_event::Micros;
use wardroom_history::ErasedFile;
use wardroom_state::Secret;

/// What a report says it is.
const WHAT: &str = "wardroom erasure report";
const VERSION: u64 = 1;

/// All that a report is made of.
pub(crate) struct Made<'a> {
    pub(crate) erased: &'a Erased,
    pub(crate) history: &'a [ErasedFile],
    pub(crate) files: &'a [Looked],
    pub(crate) second: &'a Second,
    pub(crate) began: Micros,
    pub(crate) ended: Micros,
}

/// The report as JSON, signed.
pub(crate) fn signed(made: &Made<'_>, secret: Secret) -> Value {
    let Made { erased, history, files, second, began, ended } = made;
    let mut journal = Met::default();
    erased.segments.iter().for_each(|segment| journal.add(segment.met));
    let segments: Vec<Value> = erased
        .segments
        .iter()
        .map(|s| {
            json!({
                "first": s.first_seq, "last": s.last_seq, "bytes": s.bytes, "frames": s.frames,
                "rewritten": s.replaced, "values": s.met.values, "words": s.met.words, "within": s.met.within,
            })
        })
        .collect();
    let mut columns = Met::default();
    history.iter().for_each(|file| columns.add(file.met));
    let mut report = json!({
        "what": WHAT,
        "version": VERSION,
        "program": env!("CARGO_PKG_VERSION"),
        "began": began.to_string(),
        "ended": ended.to_string(),
        "kind": erased.kind.name(),
        "digest": hex(&erased.digest),
        "token": erased.token,
        "record": erased.seq,
        "replaced": {
            "journal": met(journal),
            "memory": met(erased.memory),
            "history": met(columns),
            "files": files.iter().map(|file| file.replaced).sum::<u64>(),
        },
        "segments": segments,
        "snapshot": erased.snapshot,
        "snapshots_removed": erased.snapshots_removed,
        "damaged_removed": erased.damaged_removed,
        "history": history.iter().map(in_columns).collect::<Vec<_>>(),
        "files": files.iter().map(looked).collect::<Vec<_>>(),
        "second_look": {
            "at": ended.to_string(),
            "holds": second.holds(),
            "came_after": second.proof.after,
            "files": found(second),
        },
        "beyond": [
            "backups and copies made before hold what they held: delete them, or erase again after restoring one",
            "what effects sent out to others is with them",
            "logs of the program and of what stands before it are not in the data directory",
            "event ids are kept for a day as keyed hashes",
        ],
    });
    let signature = sign(&report, secret);
    if let Value::Object(members) = &mut report {
        members.insert("signature".to_owned(), json!(signature));
    }
    report
}

fn found(second: &Second) -> Vec<Value> {
    let records = second.proof.files.iter().map(|file| proved(file, "records"));
    let columns = second.columns.iter().map(|file| proved(file, "columns"));
    records.chain(columns).chain(second.others.iter().map(looked)).collect()
}

fn in_columns(file: &ErasedFile) -> Value {
    let Met { values, words, within } = file.met;
    json!({ "path": file.path, "rows": file.rows, "values": values, "words": words, "within": within })
}

fn met(met: Met) -> Value {
    json!({ "values": met.values, "words": met.words, "within": met.within })
}

fn looked(file: &Looked) -> Value {
    json!({
        "path": file.path, "bytes": file.bytes, "as": file.as_, "replaced": file.replaced,
        "alone": file.alone, "within": file.within,
    })
}

fn proved(file: &Proved, as_: &str) -> Value {
    json!({
        "path": file.path, "bytes": file.bytes, "as": as_, "decoded": file.decoded,
        "alone": file.alone, "within": file.within,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// HMAC-SHA-256 over the report without its signature, its members in the order of their names, under a key that comes of the
/// installation's secret.
fn sign(report: &Value, secret: Secret) -> String {
    hex(hmac::sign(&key(secret), &canonical(report)).as_ref())
}

fn key(secret: Secret) -> hmac::Key {
    let outer = hmac::Key::new(hmac::HMAC_SHA256, &secret.0);
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&outer, b"wardroom erasure report").as_ref())
}

fn canonical(report: &Value) -> Vec<u8> {
    let mut out = report.clone();
    if let Value::Object(members) = &mut out {
        members.remove("signature");
    }
    sorted(&out).to_string().into_bytes()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            Value::Object(names.into_iter().map(|n| (n.clone(), sorted(&members[n]))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// What a report must say to be looked at again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) digest: String,
    pub(crate) record: u64,
    pub(crate) token: String,
    pub(crate) holds: bool,
}

/// Reads a report and checks its signature.
pub(crate) fn read(text: &str, secret: Secret) -> Result<Claim> {
    let report: Value = serde_json::from_str(text).context("this is no JSON")?;
    if report["what"] != WHAT || report["version"] != VERSION {
        bail!("this is no report of an erasure that this version knows");
    }
    let signature = report["signature"].as_str().unwrap_or_default();
    let given: Vec<u8> = (0..signature.len() / 2)
        .filter_map(|n| u8::from_str_radix(signature.get(2 * n..2 * n + 2)?, 16).ok())
        .collect();
    if hmac::verify(&key(secret), &canonical(&report), &given).is_err() {
        bail!("the signature is not that of this installation: the report was changed, or is of another");
    }
    let text = |name: &str| report[name].as_str().unwrap_or_default().to_owned();
    Ok(Claim {
        digest: text("digest"),
        record: report["record"].as_u64().unwrap_or(0),
        token: text("token"),
        holds: report["second_look"]["holds"] == true,
    })
}

/// The report for people.
pub(crate) fn shown(report: &Value) -> String {
    let mut out = String::new();
    let number = |value: &Value| crate::terminal::grouped(value.as_u64().unwrap_or(0));
    let text = |value: &Value| crate::terminal::one_line(value.as_str().unwrap_or_default());
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let _ = writeln!(
        out,
        "erased       one {} with the digest {}",
        text(&report["kind"]),
        text(&report["digest"])
    );
    let _ = writeln!(out, "in its place {}", text(&report["token"]));
    let _ = writeln!(out, "on record    {} at {}", number(&report["record"]), text(&report["began"]));
    let journal = &report["replaced"]["journal"];
    let segments = list(&report["segments"]);
    let rewritten = segments.iter().filter(|s| s["rewritten"].as_u64().unwrap_or(0) > 0).count();
    let _ = writeln!(
        out,
        "replaced     {} values and {} words in {rewritten} of {} segments, {} in memory, {} in other files",
        number(&journal["values"]),
        number(&journal["words"]),
        segments.len(),
        number(&json!(
            report["replaced"]["memory"]["values"].as_u64().unwrap_or(0)
                + report["replaced"]["memory"]["words"].as_u64().unwrap_or(0)
        )),
        number(&report["replaced"]["files"]),
    );
    let removed = list(&report["snapshots_removed"]).len() + list(&report["damaged_removed"]).len();
    let _ = writeln!(out, "removed      {removed} snapshots and copies of before");
    let look = &report["second_look"];
    let files = list(&look["files"]);
    let bytes: u64 = files.iter().map(|f| f["bytes"].as_u64().unwrap_or(0)).sum();
    let decoded: u64 = files.iter().map(|f| f["decoded"].as_u64().unwrap_or(0)).sum();
    let within: u64 = files.iter().map(|f| f["within"].as_u64().unwrap_or(0)).sum();
    let _ = writeln!(
        out,
        "second look  {} files, {} bytes as they lie, {} bytes of what they mean",
        files.len(),
        number(&json!(bytes)),
        number(&json!(decoded))
    );
    match look["holds"] == true {
        true => out.push_str("             the value is in none of them\n"),
        false => {
            for file in files.iter().filter(|f| f["alone"].as_u64().unwrap_or(0) > 0) {
                let (path, alone) = (text(&file["path"]), number(&file["alone"]));
                let _ = writeln!(out, "             NOT GONE: {alone} in {path}");
            }
        }
    }
    if within > 0 {
        let _ = writeln!(
            out,
            "             {} times it is part of a longer word, which is another's",
            number(&json!(within))
        );
    }
    if look["came_after"].as_u64().unwrap_or(0) > 0 {
        let _ = writeln!(
            out,
            "             {} records that came since have it again",
            number(&look["came_after"])
        );
    }
    for beyond in list(&report["beyond"]) {
        let _ = writeln!(out, "beyond       {}", text(&beyond));
    }
    out
}
