// SPDX-License-Identifier: Apache-2.0
//! The sections `[cases.QUEUE]`: by when somebody is to have looked at a case.

use super::{From, known_keys, span, span_text};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::time::Duration;
use wardroom_api::{Deadlines, limits};
use wardroom_event::Span;

/// As they are written: `[cases.sentinel]`, and in it `due = "4h"`.
pub(super) type Written = BTreeMap<String, toml::Value>;

/// Every key of such a section.
const KEYS: [&str; 1] = ["due"];
/// The section that speaks for every queue without one.
const USUAL: &str = "default";

pub(super) fn resolve(written: &Written) -> Result<Deadlines> {
    if written.len() > limits::CASE_QUEUES {
        bail!("`cases` names {} queues; the most is {}", written.len(), limits::CASE_QUEUES);
    }
    let mut deadlines = Deadlines::default();
    for (queue, section) in written {
        let name = format!("cases.{queue}");
        let table =
            section.as_table().with_context(|| format!("`{name}` is a section with `due = \"4h\"`"))?;
        known_keys(table, &format!("{name}."), &KEYS)?;
        let Some(due) = table.get("due") else { continue };
        let name = format!("{name}.due");
        let text = due.as_str().with_context(|| format!("`{name}` is a length of time such as \"4h\""))?;
        let due = Span(i64::try_from(span(&name, text)?.as_micros()).unwrap_or(i64::MAX));
        if due > limits::CASE_DUE_MOST {
            bail!("`{name}` is at most {}; this is {text:?}", limits::CASE_DUE_MOST);
        }
        if queue == USUAL {
            deadlines.usual = due;
        } else {
            deadlines.by_queue.insert(queue.as_str().into(), due);
        }
    }
    Ok(deadlines)
}

/// Every value as a line with its origin.
pub(super) fn lines(deadlines: &Deadlines) -> Vec<(String, From)> {
    let text = |due: &Span| span_text(Duration::from_micros(due.0.unsigned_abs()));
    let usual = (deadlines.usual != limits::CASE_DUE)
        .then(|| (format!("cases.{USUAL}.due = {:?}", text(&deadlines.usual)), From::File));
    let each = deadlines
        .by_queue
        .iter()
        .map(|(queue, due)| (format!("cases.{queue:?}.due = {:?}", text(due)), From::File));
    usual.into_iter().chain(each).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{parse, resolve};
    use std::path::Path;

    #[test]
    fn each_queue_has_a_deadline_of_its_own_or_the_usual_one() {
        let deadlines = |text: &str| {
            let config = parse(text).and_then(|written| resolve(written, Path::new("/etc"), None))?;
            anyhow::Ok((config.cases.clone(), super::lines(&config.cases)))
        };
        assert!(deadlines("").unwrap().1.is_empty());
        let (found, lines) =
            deadlines("[cases.sentinel]\ndue = \"4h\"\n[cases.default]\ndue = \"2d\"").unwrap();
        assert_eq!(found.by_queue["sentinel"].0, 4 * 3_600_000_000);
        assert_eq!(found.usual.0, 48 * 3_600_000_000);
        let lines: Vec<String> = lines.into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, ["cases.default.due = \"2d\"", "cases.\"sentinel\".due = \"4h\""]);
        let check = |text: &str, expect: &str| {
            let said = format!("{:#}", deadlines(text).unwrap_err());
            assert!(said.contains(expect), "{said}");
        };
        check("[cases.a]\ndeu = \"4h\"", "did you mean `cases.a.due`?");
        check("[cases.a]\ndue = \"soon\"", "`cases.a.due` is a length of time");
        check("[cases.a]\ndue = 4", "`cases.a.due` is a length of time");
        check("[cases.a]\ndue = \"9999d\"", "at most");
        check("[cases]\na = \"4h\"", "`cases.a` is a section");
    }
}
