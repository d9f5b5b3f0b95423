// SPDX-License-Identifier: Apache-2.0
//! The section `[keep]`: how long values are kept, by event type and by field.

use super::{From, span};
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::time::Duration;
use wardroom_engine::Keep;
use wardroom_event::Span;

/// Most that it may say.
const MOST: usize = 1000;
/// Shortest that can be meant: a segment of the journal is written for about as long.
const SHORTEST: Duration = Duration::from_secs(3600);

/// As it is written: `login = "90d"`, `"login.ip" = "30d"`, and `login.ip = "30d"`, which is a table to TOML.
pub(super) type Written = BTreeMap<String, toml::Value>;

pub(super) fn resolve(written: &Written) -> Result<Vec<Keep>> {
    let mut keeps = Vec::new();
    for (name, value) in written {
        match value {
            toml::Value::String(text) => keeps.push(keep(name, text)?),
            toml::Value::Table(fields) => {
                for (field, value) in fields {
                    match value.as_str() {
                        Some(text) => keeps.push(keep(&format!("{name}.{field}"), text)?),
                        None => bail!("`keep.{name}.{field}` is a length of time such as \"30d\""),
                    }
                }
            }
            _ => bail!("`keep.{name}` is a length of time such as \"90d\""),
        }
    }
    if keeps.len() > MOST {
        bail!("`keep` says more than {MOST} things");
    }
    keeps.sort();
    Ok(keeps)
}

fn keep(name: &str, text: &str) -> Result<Keep> {
    let kept = span(&format!("keep.{name}"), text)?;
    if kept < SHORTEST {
        bail!(
            "`keep.{name}` is at least an hour: what is kept is taken away by segments of the journal, not by events"
        );
    }
    let (event, field) = match name.split_once('.') {
        Some((event, field)) => (event, Some(field.into())),
        None => (name, None),
    };
    let micros = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
    Ok(Keep { event: event.into(), field, span: Span(micros) })
}

/// Every value as a line with its origin.
pub(super) fn lines(keeps: &[Keep]) -> Vec<(String, From)> {
    let line = |keep: &Keep| {
        let field = keep.field.as_ref().map_or_else(String::new, |field| format!(".{field}"));
        (format!("keep.\"{}{field}\" = \"{}\"", keep.event, keep.span), From::File)
    };
    keeps.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_in_both_ways_and_what_cannot_be_meant_is_refused() {
        let check = |text: &str, expect: Result<&[&str], &str>| {
            let read = toml::from_str::<Written>(text).unwrap();
            let read =
                resolve(&read).map(|keeps| lines(&keeps).into_iter().map(|(l, _)| l).collect::<Vec<_>>());
            match (read, expect) {
                (Ok(lines), Ok(expect)) => assert_eq!(lines, expect, "{text}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{text}: {error}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        };
        check(
            "login = \"12w\"\n\"login.ip\" = \"4w\"",
            Ok(&["keep.\"login\" = \"12w\"", "keep.\"login.ip\" = \"4w\""]),
        );
        check("login.ip.asn = \"1d\"", Err("keep.login.ip"));
        check("\"login.ip.asn\" = \"1d\"", Ok(&["keep.\"login.ip.asn\" = \"1d\""]));
        check(
            "login.ip = \"4w\"\nlogin.agent = \"2w\"",
            Ok(&["keep.\"login.agent\" = \"2w\"", "keep.\"login.ip\" = \"4w\""]),
        );
        check("login = 90", Err("`keep.login` is a length of time"));
        check("login = \"soon\"", Err("`keep.login` is a length of time"));
        check("login = \"5m\"", Err("at least an hour"));
    }
}
