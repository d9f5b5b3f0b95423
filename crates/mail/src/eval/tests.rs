// SPDX-License-Identifier: Apache-2.0
//! Evaluation: where mail lies, what may be trained on, and that the ways to ask agree with what they say.

use super::*;
use std::fs;
use std::path::Path;

fn message(at: usize, abuse: bool) -> String {
    let (subject, text) = if abuse {
        (
            format!("Cheap pills {}", at * 7919),
            "Buy cheap pills now at http://pills.example/buy and save money",
        )
    } else {
        (format!("Meeting {}", at * 104_729), "Here are the minutes of our meeting, see you on Monday")
    };
    // Words of its own, so that conversations differ.
    let own: String = at.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
    format!("From: a{at}@x.example\nTo: b@y.example\nSubject: {subject} {own}\n\n{text}\n")
}

/// A folder of messages, a Maildir, a mailbox in one file; a manifest that names them.
fn lay_out(folder: &Path) -> std::path::PathBuf {
    fs::create_dir_all(folder.join("good/cur")).unwrap();
    fs::create_dir_all(folder.join("good/tmp")).unwrap();
    fs::create_dir_all(folder.join("test")).unwrap();
    let mut mbox = String::new();
    for at in 0..60 {
        fs::write(folder.join(format!("good/cur/{at:03}:2,S")), message(at, false)).unwrap();
        mbox += &format!("From x@y Mon Jan  1 00:00:00 2024\n{}\n", message(at, true));
        let (good, bad) = (message(100 + at, false), message(100 + at, true));
        fs::write(folder.join(format!("test/{at:03}.good")), good).unwrap();
        fs::write(folder.join(format!("{at:03}.bad")), bad).unwrap();
    }
    fs::write(folder.join("good/tmp/half"), "nothing").unwrap();
    fs::write(folder.join("good/dovecot.index"), "nothing").unwrap();
    fs::write(folder.join("bad.mbox"), mbox).unwrap();
    let mut manifest = "path\tlabel\tsource\tsplit\tdelivered_utc\n".to_owned();
    manifest += "good\tham\tone\ttrain\t1\nbad.mbox\tspam\tone\ttrain\t1\ntest\tham\ttwo\ttest\t2\nmissing\tham\tx\textra\t3\n";
    (0..60).for_each(|at| manifest += &format!("{at:03}.bad\tspam\ttwo\ttest\t2\n"));
    fs::write(folder.join("manifest.tsv"), manifest).unwrap();
    folder.join("manifest.tsv")
}

#[test]
fn mail_is_found_where_it_lies_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let entries = manifest(&lay_out(folder.path())).unwrap();
    assert_eq!(entries.len(), 240);
    assert_eq!(entries.iter().filter(|entry| entry.train).count(), 120);
    let second = entries.iter().filter(|entry| entry.at.is_some()).nth(1).unwrap();
    assert_eq!(String::from_utf8(second.load().unwrap()).unwrap().trim_end(), message(1, true).trim_end());

    let plan = Plan { misjudged: 3, ablation: true, ..Plan::default() };
    let batch = evaluate(entries.clone(), plan).unwrap();
    assert_eq!(batch.learned, 120);
    assert_eq!(
        batch.all.errors.map(|errors| (errors.good, errors.abuse, errors.false_positives)),
        Some((60, 60, 0))
    );
    assert_eq!(batch.all.roca.map(|(figure, ..)| figure), Some(0.0));
    assert_eq!(batch.ablation.len(), 2 * LAYOUT.len());
    assert!(batch.to_string().contains("cross-validation"));

    let online = evaluate(entries.clone(), Plan { mode: Mode::Online, ..plan }).unwrap();
    assert_eq!(online.all.errors.map(|errors| errors.good + errors.abuse), Some(240));
    let late = &online.slices.last().unwrap().figures;
    assert_eq!(late.errors.map(|errors| errors.false_positives), Some(0));

    let held_out = evaluate(entries, Plan { mode: Mode::HeldOut, without_headers: true, ..plan }).unwrap();
    assert_eq!(
        held_out.all.errors.map(|errors| errors.good + errors.abuse),
        Some(120),
        "the test is not looked at"
    );
    assert!(held_out.all.roca.unwrap().0 < 1.0, "bodies tell enough");
}

#[test]
fn a_manifest_says_where_it_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.tsv");
    for (text, expect) in [
        ("label\nham\n", "m.tsv:1: no column `path`"),
        ("path\n", "m.tsv:1: no column `label`"),
        ("path\tlabel\nx\tmaybe\n", "m.tsv:2: a label is `ham` or `spam`"),
        ("path\tlabel\nnowhere\tham\n", "cannot read "),
    ] {
        fs::write(&path, text).unwrap();
        let said = manifest(&path).unwrap_err().to_string();
        assert!(said.contains(expect), "{said}");
    }
}

#[test]
fn conversations_share_a_number() {
    let number = |subject: &str| conversation(format!("Subject: {subject}\n\nx\n").as_bytes());
    assert_eq!(number("Lunch?"), number("Re: [team] lunch 2"));
    assert_ne!(number("Lunch?"), number("Dinner?"));
    assert_ne!(conversation(b"\na\n"), conversation(b"\nb\n"));
}

#[test]
fn without_headers_the_body_can_still_be_read() {
    let raw = b"From: a@b\nContent-Transfer-Encoding: base64\nSubject: x\n\naGVsbG8=\n";
    let bare = without_headers(raw);
    assert_eq!(bare, b"Content-Transfer-Encoding: base64\n\naGVsbG8=\n");
    assert_eq!(without_headers(b"\nhello\n"), b"\nhello\n");
}
