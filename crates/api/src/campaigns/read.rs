// SPDX-License-Identifier: Apache-2.0
//! Sign-ups out of the past, with what is known of their accounts by now.
//!
//! Columns are found by what they hold, as queries do. A policy that asks for no `ip.asn` has none, and then it links nobody.

use super::Period;
use crate::limits;
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use wardroom_account::campaign::{Known, Linker, Signup};
use wardroom_event::{Field, Micros, Part, Span, Type, Value};
use wardroom_history::query::{QueryError, Source, Wants};
use wardroom_history::{KIND, NAME, ROLE};
use wardroom_policy::column_values;

/// The event types of sign-ups and of the answer to a code, and the verdict of what was refused.
const SIGNUP: &str = "signup";
const VERIFICATION: &str = "verification";
const REFUSED: &str = "block";

/// What was read.
#[derive(Debug)]
pub struct Read {
    /// The sign-ups.
    pub linker: Linker,
    /// What is known of their accounts by now.
    pub known: BTreeMap<Box<str>, Known>,
}

/// Reads the sign-ups of a period. Accounts are known to be bad by labels of the class `abuse`, and by events of the types
/// `refused` that were blocked.
///
/// # Errors
/// When the past cannot be read, or it was stopped.
pub fn read(
    source: &dyn Source,
    period: Period,
    refused: &[String],
    secret: [u8; 16],
    stop: &Arc<AtomicBool>,
) -> Result<Read, QueryError> {
    let (mut linker, mut known) = (Linker::new(secret), BTreeMap::new());
    let reader = Reader { source, stop };
    reader.each(SIGNUP, SIGNUP_COLUMNS, period, &mut |row| {
        let Some(signup) = signup(row) else { return };
        match row.text("class").as_deref() {
            Some("abuse") => known.insert(signup.account.clone(), Known::Bad),
            Some("good") => known.insert(signup.account.clone(), Known::Good),
            _ => None,
        };
        linker.add(signup);
    })?;
    // What became of an account is read up to now, whenever it signed up.
    let since = Period { to: None, ..period };
    reader.answers(since, &mut linker)?;
    for kind in refused.iter().take(limits::REFUSED_KINDS) {
        reader.each(kind, &["account", "verdict"], since, &mut |row| {
            let account = row.text("account").filter(|_| row.text("verdict").as_deref() == Some(REFUSED));
            if let Some(account) = account {
                known.insert(account, Known::Bad);
            }
        })?;
    }
    known.retain(|account, _| linker.holds(account));
    Ok(Read { linker, known })
}

/// What is read of a sign-up.
const SIGNUP_COLUMNS: &[&str] = &[
    "class",
    "account",
    "ip",
    "ip.asn",
    "ip.kind",
    "ip.country",
    "device",
    "ja4",
    "user_agent",
    "user_agent.family",
    "user_agent.os",
    "platform",
    "languages",
    "username",
    "email",
    "email.site",
    "form_time",
    "typing_pace",
    "typing_spread",
    "referrer",
    "referrer.site",
    "captcha_time",
];

fn signup(row: &Row) -> Option<Signup> {
    let part = |part: Part, of: &str| match part.of(row.value(of)?) {
        Value::Text(text) => Some(text),
        _ => None,
    };
    let seq = row.seq?;
    Some(Signup {
        ip: match row.value("ip") {
            Some(Value::Ip(ip)) => Some(*ip),
            _ => None,
        },
        asn: match row.value("ip.asn") {
            Some(Value::Int(asn)) => Some(*asn),
            _ => None,
        },
        kind: row.text("ip.kind"),
        country: row.text("ip.country"),
        device: row.text("device"),
        ja4: row.text("ja4"),
        program: row.text("user_agent.family").or_else(|| row.text("user_agent")),
        system: row.text("user_agent.os").or_else(|| row.text("platform")),
        languages: row.text("languages"),
        username: row.text("username"),
        mailbox: part(Part::EmailLocal, "email"),
        mail_site: row.text("email.site").or_else(|| part(Part::EmailDomain, "email")),
        form_time: row.span("form_time"),
        typing_pace: row.span("typing_pace"),
        typing_spread: row.span("typing_spread"),
        referrer: row.text("referrer.site").or_else(|| part(Part::UrlHost, "referrer")),
        captcha_time: row.span("captcha_time"),
        ..Signup::new(seq, row.text("account")?, row.time?)
    })
}

struct Reader<'a> {
    source: &'a dyn Source,
    stop: &'a Arc<AtomicBool>,
}

impl Reader<'_> {
    /// Calls `each` with the rows of a table in a period, of those of these columns that it has. There may be none.
    fn each(
        &self,
        table: &str,
        names: &[&str],
        period: Period,
        each: &mut dyn FnMut(&Row),
    ) -> Result<(), QueryError> {
        let Some(schema) = self.source.schema(table)? else { return Ok(()) };
        let columns = Columns::of(&schema, names);
        let wants =
            Wants { columns: columns.wanted(), equal: Vec::new(), from: Some(period.from), to: period.to };
        for part in self.source.parts(table, &wants, None, self.stop)? {
            for batch in (part.open)() {
                columns.rows(&batch?, period, each)?;
            }
        }
        Ok(())
    }

    /// How long the code took that was sent to an account: of its answers that were right the first.
    fn answers(&self, since: Period, linker: &mut Linker) -> Result<(), QueryError> {
        let mut first: BTreeMap<Box<str>, (Micros, u64, Span)> = BTreeMap::new();
        self.each(VERIFICATION, &["account", "ok", "took"], since, &mut |row| {
            let is_right = matches!(row.value("ok"), Some(Value::Bool(true)));
            let (Some(account), Some(took), true) = (row.text("account"), row.span("took"), is_right) else {
                return;
            };
            if !linker.holds(&account) {
                return;
            }
            let this = (row.time.unwrap_or(Micros(0)), row.seq.unwrap_or(0), took);
            let held = first.entry(account).or_insert(this);
            *held = this.min(*held);
        })?;
        first.into_iter().for_each(|(account, (.., took))| linker.verified(&account, took));
        Ok(())
    }
}

/// Which columns of a table hold what.
struct Columns {
    /// The name in the table, what it is to us, and how its values are read; meta columns have no field.
    found: Vec<(Box<str>, Box<str>, Option<Field>)>,
}

impl Columns {
    fn of(schema: &SchemaRef, names: &[&str]) -> Columns {
        let mut found = vec![("seq".into(), "seq".into(), None), ("time".into(), "time".into(), None)];
        for column in schema.fields() {
            let of = |key: &str| column.metadata().get(key).map(String::as_str);
            let name = of(NAME).unwrap_or(column.name());
            if !names.contains(&name) {
                continue;
            }
            let field = match of(ROLE) {
                // What is served has a rule's or feature's name, whatever that is.
                Some("served") => continue,
                Some("field" | "fact") => {
                    of(KIND).and_then(Type::named).map(|kind| Field::plain(name, kind, true))
                }
                _ => None,
            };
            found.push((column.name().as_str().into(), name.into(), field));
        }
        Columns { found }
    }

    fn wanted(&self) -> Vec<Box<str>> {
        self.found.iter().map(|(name, ..)| name.clone()).collect()
    }

    fn rows(
        &self,
        batch: &RecordBatch,
        period: Period,
        each: &mut dyn FnMut(&Row),
    ) -> Result<(), QueryError> {
        let column = |name: &str| batch.column_by_name(name);
        let seqs = column("seq").and_then(|array| array.as_primitive_opt::<UInt64Type>());
        let times = column("time").and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
        let mut values: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (name, own, field) in &self.found[2..] {
            let Some(array) = column(name) else { continue };
            let read = match field {
                Some(field) => column_values(field, array)?,
                None => texts(array),
            };
            values.insert(own, read);
        }
        for at in 0..batch.num_rows() {
            let time = times.map(|times| Micros(times.value(at)));
            let row = Row { seq: seqs.map(|seqs| seqs.value(at)), time, values: &values, at };
            // Rows beside may be among them.
            if time.is_some_and(|time| time >= period.from && period.to.is_none_or(|to| time < to)) {
                each(&row);
            }
        }
        Ok(())
    }
}

fn texts(array: &ArrayRef) -> Vec<Value> {
    let Some(texts) = array.as_string_opt::<i32>() else { return vec![Value::Missing; array.len()] };
    let text = |text: Option<&str>| text.map_or(Value::Missing, |text| Value::Text(text.into()));
    texts.iter().map(text).collect()
}

/// A row of a table.
struct Row<'a> {
    seq: Option<u64>,
    time: Option<Micros>,
    values: &'a BTreeMap<&'a str, Vec<Value>>,
    at: usize,
}

impl Row<'_> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name).map(|values| &values[self.at]).filter(|value| !value.is_missing())
    }

    fn text(&self, name: &str) -> Option<Box<str>> {
        match self.value(name)? {
            Value::Text(text) => Some(Box::from(&**text)),
            _ => None,
        }
    }

    fn span(&self, name: &str) -> Option<Span> {
        match self.value(name)? {
            Value::Duration(span) => Some(*span),
            _ => None,
        }
    }
}
