// SPDX-License-Identifier: Apache-2.0
//! What a session sets: as of when it looks, how long a statement may take; and what drivers set by habit.

use crate::engine::{Kind, SqlError};
use crate::limits;
use std::collections::BTreeMap;
use std::time::Duration;
use wardroom_event::{Micros, nearest};

/// What is told at the start, and what `SHOW` says.
const KNOWN: [(&str, &str); 30] = [
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("datestyle", "ISO, MDY"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("idle_in_transaction_session_timeout", "0"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("intervalstyle", "postgres"),
    ("is_superuser", "off"),
    ("jit", "off"),
    ("lock_timeout", "0"),
    ("max_identifier_length", "63"),
    ("row_security", "off"),
    ("search_path", "public"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "150000"),
    ("session_authorization", ""),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("synchronize_seqscans", "on"),
    ("timezone", "UTC"),
    ("transaction_isolation", "read committed"),
    ("transaction_read_only", "on"),
    ("wardroom.as_of", ""),
    ("work_mem", "4MB"),
];

/// Which PostgreSQL's catalogue and ways are imitated: psql asks servers of other versions other questions.
pub(crate) const SERVER_VERSION: &str = "15.0";

/// All settings with what they are at first.
pub(crate) fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
    KNOWN.into_iter()
}

/// What clients are told when they come in, under the names that they look for.
const TOLD: [(&str, &str); 11] = [
    ("application_name", "application_name"),
    ("client_encoding", "client_encoding"),
    ("DateStyle", "datestyle"),
    ("default_transaction_read_only", "default_transaction_read_only"),
    ("in_hot_standby", "in_hot_standby"),
    ("integer_datetimes", "integer_datetimes"),
    ("IntervalStyle", "intervalstyle"),
    ("is_superuser", "is_superuser"),
    ("server_encoding", "server_encoding"),
    ("server_version", "server_version"),
    ("standard_conforming_strings", "standard_conforming_strings"),
];

/// Most settings with names that are not known, such as `myapp.user`.
const OTHERS: usize = 32;
/// Longest value, in bytes.
const VALUE_BYTES: usize = 1024;

/// A session's settings.
#[derive(Debug, Default)]
pub(super) struct Settings {
    set: BTreeMap<String, String>,
    pub(super) as_of: Option<Micros>,
    pub(super) timeout: Option<Duration>,
}

impl Settings {
    /// With what a client said at the start; what it may not say then is passed over.
    pub(super) fn new(parameters: &[(String, String)], user: &str) -> Settings {
        let mut settings = Settings::default();
        settings.set.insert("session_authorization".to_owned(), user.to_owned());
        for (name, value) in parameters {
            let name = name.to_lowercase();
            match name.as_str() {
                "user" | "database" | "replication" => {}
                "options" => settings.options(value),
                _ => drop(settings.set(&name, Some(value.clone()))),
            }
        }
        settings
    }

    /// `-c name=value`, as often as it is there.
    fn options(&mut self, options: &str) {
        let mut words = options.split_whitespace();
        while let Some(word) = words.next() {
            let pair = match word {
                "-c" => words.next(),
                word => word.strip_prefix("-c").or_else(|| word.strip_prefix("--")),
            };
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                let _ = self.set(&name.to_lowercase().replace('-', "_"), Some(value.to_owned()));
            }
        }
    }

    /// What is told at the start.
    pub(super) fn told(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let own = [("session_authorization", "session_authorization"), ("TimeZone", "timezone")];
        TOLD.into_iter().chain(own).map(|(shown, name)| (shown, self.get(name).unwrap_or_default()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let known = || KNOWN.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        self.set.get(name).map(String::as_str).or_else(known)
    }

    /// The value of a setting.
    pub(super) fn show(&self, name: &str) -> Result<&str, SqlError> {
        self.get(name).ok_or_else(|| unknown(name))
    }

    /// Sets, or without a value goes back to what was there at first.
    pub(super) fn set(&mut self, name: &str, value: Option<String>) -> Result<(), SqlError> {
        let Some(value) = value else {
            self.forget(name);
            return Ok(());
        };
        if value.len() > VALUE_BYTES {
            return Err(SqlError::new(Kind::TooLarge, "the value of a setting is too long"));
        }
        let known = KNOWN.iter().any(|(known, _)| *known == name);
        match name {
            "wardroom.as_of" => self.as_of = moment(&value)?,
            "statement_timeout" => self.timeout = milliseconds(&value)?,
            "client_encoding" if !matches!(folded(&value).as_str(), "utf8" | "unicode") => {
                return Err(wrong("the only encoding is UTF8"));
            }
            "datestyle" if !value.to_lowercase().starts_with("iso") => {
                return Err(wrong("the only style of dates is ISO"));
            }
            "default_transaction_read_only" | "transaction_read_only"
                if matches!(value.to_lowercase().as_str(), "off" | "false" | "0" | "no") =>
            {
                return Err(SqlError::new(Kind::ReadOnly, "the past can only be read"));
            }
            "bytea_output" if value != "hex" => return Err(wrong("bytes are written in hex")),
            // Times are told with their offset, in UTC whatever is asked for: who reads them knows which time it is.
            "timezone" | "client_encoding" | "datestyle" => return Ok(()),
            "session_authorization" | "server_version" | "server_encoding" | "is_superuser" => {
                return Err(
                    SqlError::new(Kind::Unsupported, format!("{name} cannot be changed")).coded("55P02")
                );
            }
            _ if known => {}
            _ if name.contains('.') && !name.starts_with("wardroom.") => {
                let others = self.set.keys().filter(|set| set.contains('.')).count();
                if others >= OTHERS && !self.set.contains_key(name) {
                    return Err(SqlError::new(Kind::TooLarge, "there are as many settings as there may be"));
                }
            }
            _ => return Err(unknown(name)),
        }
        self.set.insert(name.to_owned(), value);
        Ok(())
    }

    /// Goes back to what was there at first.
    pub(super) fn reset(&mut self) {
        let user = self.set.remove("session_authorization").unwrap_or_default();
        *self = Settings::new(&[], &user);
    }

    fn forget(&mut self, name: &str) {
        if name != "session_authorization" {
            self.set.remove(name);
        }
        match name {
            "wardroom.as_of" => self.as_of = None,
            "statement_timeout" => self.timeout = None,
            _ => {}
        }
    }
}

fn folded(value: &str) -> String {
    value.to_lowercase().replace(['-', '_'], "")
}

fn wrong(why: &str) -> SqlError {
    SqlError::new(Kind::Value, why).coded("22023")
}

fn unknown(name: &str) -> SqlError {
    let said =
        SqlError::new(Kind::Name, format!("there is no setting \"{}\"", name.escape_debug())).coded("42704");
    match nearest(name, KNOWN.iter().map(|(name, _)| *name)) {
        Some(meant) => said.hint(format!("did you mean {meant}?")),
        None => said,
    }
}

/// `2026-11-01`, `2026-11-01 12:00`, with or without an offset: UTC without.
fn moment(value: &str) -> Result<Option<Micros>, SqlError> {
    let value = value.trim();
    if value.is_empty() || value.eq_ignore_ascii_case("now") {
        return Ok(None);
    }
    let zoned = value.parse::<jiff::Timestamp>();
    let civil =
        || value.parse::<jiff::civil::DateTime>().and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
    let time = zoned.or_else(|_| civil().map(|zoned| zoned.timestamp()));
    match time {
        Ok(time) => Ok(Some(Micros(time.as_microsecond()))),
        Err(_) => Err(wrong("wardroom.as_of is a time such as '2026-11-01 12:00:00Z', or 'now'")),
    }
}

/// As PostgreSQL takes it: milliseconds without a unit; 0 is as configured.
fn milliseconds(value: &str) -> Result<Option<Duration>, SqlError> {
    let value = value.trim();
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let number: u64 = digits.parse().map_err(|_| wrong("statement_timeout is a time such as '30s'"))?;
    let unit = match value.get(digits.len()..).unwrap_or_default().trim() {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong("statement_timeout is a time such as '30s'")),
    };
    let time = Duration::from_millis(number.saturating_mul(unit));
    Ok((!time.is_zero()).then(|| time.min(limits::LONGEST_TIMEOUT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_shown_and_what_is_none_is_told() {
        let mut settings = Settings::new(
            &[
                ("Application_Name".into(), "psql".into()),
                ("options".into(), "-c statement_timeout=5s".into()),
            ],
            "ann",
        );
        assert_eq!(settings.show("application_name").unwrap(), "psql");
        assert_eq!(settings.timeout, Some(Duration::from_secs(5)));
        assert_eq!(settings.show("session_authorization").unwrap(), "ann");
        settings.set("wardroom.as_of", Some("2026-01-05 12:00".into())).unwrap();
        assert_eq!(settings.as_of, Some(Micros(1_767_614_400_000_000)));
        settings.set("wardroom.as_of", Some("2026-01-05T13:00:00+01:00".into())).unwrap();
        assert_eq!(settings.as_of, Some(Micros(1_767_614_400_000_000)));
        settings.set("wardroom.as_of", None).unwrap();
        assert_eq!(settings.as_of, None);
        let mut refused =
            |name: &str, value: &str| settings.set(name, Some(value.into())).unwrap_err().code();
        assert_eq!(refused("wardroom.asof", "x"), "42704");
        assert_eq!(refused("wardroom.as_of", "soon"), "22023");
        assert_eq!(refused("client_encoding", "latin1"), "22023");
        assert_eq!(refused("transaction_read_only", "off"), "25006");
        assert_eq!(refused("session_authorization", "root"), "55P02");
        assert_eq!(refused("statement_timeout", "1 fortnight"), "22023");
        for n in 0..OTHERS {
            settings.set(&format!("my.{n}"), Some("x".into())).unwrap();
        }
        assert!(settings.set("my.more", Some("x".into())).is_err());
        settings.reset();
        assert_eq!(settings.timeout, None);
    }
}
