// SPDX-License-Identifier: Apache-2.0
//! A past to ask: events of one type with what was decided of them, as random rows and as the columns of a table.

use super::super::ROLE;
use super::NOW;
use arrow_array::builder::{BooleanBuilder, ListBuilder, StringBuilder, StructBuilder};
use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field as ArrowField, Fields, Schema, SchemaRef};
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;
use wardroom_event::{Field, Micros, Span, Type, Value};
use wardroom_policy::{Bundle, Verdict, form};

/// One policy; `never` and `twice` are served by none of its rules.
const POLICY: &str = r#"
event login:
    account: account?
    ip: ip
    ok: bool?
    n: int?
    x: number?
    wait: duration?
    plan: enum("free", "paid")?

list near: net = ["10.0.0.0/9"]

feature failures = count(login, where=not ok, by=ip, last="1h")
feature never    = count(login, by=account, last="1h")
feature twice    = failures * 2

rule many on login:
    when    failures > 3
    then    block
    because "many"

rule other on login:
    when    twice > 100 or never > 100
    then    review
    because "other"
    mode    draft
"#;

pub(super) fn bundle() -> Bundle {
    Bundle::single("main.ward", POLICY)
}

/// An event, and what was decided.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) time: Micros,
    pub(super) account: Option<&'static str>,
    pub(super) ip: &'static str,
    pub(super) ok: Option<bool>,
    pub(super) n: Option<i64>,
    pub(super) x: Option<f64>,
    pub(super) wait: Option<i64>,
    pub(super) plan: Option<&'static str>,
    pub(super) failures: Option<i64>,
    pub(super) verdict: Option<Verdict>,
    /// The rules that fired; none where nothing was judged.
    pub(super) rules: Option<Vec<&'static str>>,
    pub(super) labels: Vec<&'static str>,
    pub(super) class: Option<&'static str>,
}

impl Default for Row {
    fn default() -> Row {
        Row {
            seq: 0,
            time: NOW.minus(Span::from_secs(60)),
            account: None,
            ip: "10.0.0.1",
            ok: None,
            n: None,
            x: None,
            wait: None,
            plan: None,
            failures: None,
            verdict: None,
            rules: None,
            labels: Vec::new(),
            class: None,
        }
    }
}

pub(super) const ACCOUNTS: [&str; 4] = ["a", "b", "", "ä"];
pub(super) const RULES: [&str; 2] = ["many", "other"];
pub(super) const LABELS: [&str; 2] = ["farm", "vip"];
pub(super) const CLASSES: [&str; 3] = ["abuse", "good", "disputed"];
const IPS: [&str; 5] = ["10.0.0.1", "10.0.0.2", "10.200.0.1", "2001:db8::1", "2001:db9::1"];

fn maybe<T: Clone + std::fmt::Debug + 'static>(all: Vec<T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.8, select(all))
}

/// A random event of the last days.
pub(super) fn row() -> impl Strategy<Value = Row> {
    let event = (
        0i64..40 * 3600,
        maybe(ACCOUNTS.to_vec()),
        select(IPS.to_vec()),
        maybe(vec![true, false]),
        maybe(vec![-3, 0, 1, 2, 7, i64::MAX / 2]),
        maybe(vec![-1.5, 0.0, -0.0, 0.25, 3.0, 1e6]),
        maybe(vec![0, 1, 999_999, 60_000_000]),
        maybe(vec!["free", "paid"]),
    );
    let decided = (
        maybe(vec![0, 3, 4, 10]),
        maybe(Verdict::ALL.to_vec()),
        prop::option::weighted(0.8, prop::sample::subsequence(RULES.to_vec(), 0..3)),
        prop::sample::subsequence(LABELS.to_vec(), 0..3),
        maybe(CLASSES.to_vec()),
    );
    (event, decided).prop_map(
        |((ago, account, ip, ok, n, x, wait, plan), (failures, verdict, rules, labels, class))| {
            let time = NOW.minus(Span::from_secs(ago));
            Row { seq: 0, time, account, ip, ok, n, x, wait, plan, failures, verdict, rules, labels, class }
        },
    )
}

impl Row {
    pub(super) fn ip(&self) -> Value {
        Value::Ip(self.ip.parse().unwrap())
    }

    fn value(&self, name: &str) -> Value {
        let text = |t: Option<&str>| t.map_or(Value::Missing, |t| Value::Text(t.into()));
        match name {
            "time" | "received" => Value::Time(self.time),
            "id" => Value::Text(self.seq.to_string().into()),
            "source" => Value::Text("test".into()),
            "policy" => Value::Text("p1".into()),
            "verdict" => text(self.verdict.map(Verdict::name)),
            "account" => text(self.account),
            "ip" => self.ip(),
            "ok" => self.ok.map_or(Value::Missing, Value::Bool),
            "n" => self.n.map_or(Value::Missing, Value::Int),
            "x" => self.x.map_or(Value::Missing, Value::Number),
            "wait" => self.wait.map_or(Value::Missing, |n| Value::Duration(Span(n))),
            "plan" => text(self.plan),
            "failures" => self.failures.map_or(Value::Missing, Value::Int),
            _ => text(self.class),
        }
    }
}

/// The plain columns: name, type and role.
fn plain() -> Vec<(&'static str, Type, &'static str)> {
    vec![
        ("time", Type::Time, "meta"),
        ("received", Type::Time, "meta"),
        ("id", Type::Text, "meta"),
        ("source", Type::Text, "meta"),
        ("policy", Type::Text, "meta"),
        ("verdict", Type::Text, "meta"),
        ("account", Type::Account, "field"),
        ("ip", Type::Ip, "field"),
        ("ok", Type::Bool, "field"),
        ("n", Type::Int, "field"),
        ("x", Type::Number, "field"),
        ("wait", Type::Duration, "field"),
        ("plan", Type::Text, "field"),
        ("failures", Type::Int, "served"),
        ("class", Type::Text, "meta"),
    ]
}

fn signal_fields() -> Fields {
    Fields::from(vec![
        ArrowField::new("rule", DataType::Utf8, true),
        ArrowField::new("verdict", DataType::Utf8, true),
        ArrowField::new("decides", DataType::Boolean, true),
    ])
}

/// The columns of the table.
pub(super) fn schema() -> SchemaRef {
    let item = |of: DataType| DataType::List(Arc::new(ArrowField::new("item", of, true)));
    let mut fields = vec![ArrowField::new("seq", DataType::UInt64, false)];
    fields.extend(plain().into_iter().map(|(name, kind, role)| {
        let metadata = [(ROLE.to_owned(), role.to_owned())].into();
        form::arrow_field(&Field::plain(name, kind, true)).with_metadata(metadata)
    }));
    fields.push(ArrowField::new("signals", item(DataType::Struct(signal_fields())), true));
    fields.push(ArrowField::new("labels", item(DataType::Utf8), true));
    Arc::new(Schema::new(fields))
}

/// Rows as a batch of the table.
pub(super) fn batch(rows: &[Row]) -> RecordBatch {
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(rows.iter().map(|r| r.seq).collect::<UInt64Array>())];
    for (name, kind, _) in plain() {
        let values: Vec<Value> = rows.iter().map(|row| row.value(name)).collect();
        arrays
            .push(form::array(&Field::plain(name, kind, true), &values.iter().collect::<Vec<_>>()).unwrap());
    }
    arrays.push(signals(rows));
    let mut labels = ListBuilder::new(StringBuilder::new());
    for row in rows {
        row.labels.iter().for_each(|label| labels.values().append_value(label));
        labels.append(true);
    }
    arrays.push(Arc::new(labels.finish()));
    RecordBatch::try_new(schema(), arrays).unwrap()
}

fn signals(rows: &[Row]) -> ArrayRef {
    let mut all = ListBuilder::new(StructBuilder::from_fields(signal_fields(), 0));
    for row in rows {
        for rule in row.rules.iter().flatten() {
            let signal = all.values();
            signal.field_builder::<StringBuilder>(0).unwrap().append_value(rule);
            signal.field_builder::<StringBuilder>(1).unwrap().append_value("block");
            signal.field_builder::<BooleanBuilder>(2).unwrap().append_value(*rule == "many");
            signal.append(true);
        }
        all.append(row.rules.is_some());
    }
    Arc::new(all.finish())
}
