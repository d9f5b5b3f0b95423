// SPDX-License-Identifier: Apache-2.0
//! The tables beside those of events: what was said of whom (`labels`), what went on and off lists (`lists`), and which
//! policies there were (`policies`).

use crate::HistoryError;
use crate::layout::{Column, Role, schema, time_type};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field as ArrowField};
use std::sync::Arc;
use wardroom_engine::acts::{ActRecord, AgainRecord, Body, Changed, Deed, Held, JobItem, Mark, Subject};
use wardroom_engine::{PastChange, PolicyRecord, StoredEffect};
use wardroom_event::{Field, Micros, Sight, Type};

/// The table of labels.
pub const LABELS: &str = "labels";
/// The table of list entries.
pub const LISTS: &str = "lists";
/// The table of policies.
pub const POLICIES: &str = "policies";
/// What the subject is where that is an event.
pub(crate) const EVENT: &str = "event";
/// What the subject is where an act was undone: what it said does not hold.
pub(crate) const ACT: &str = "act";

/// One thing said: of an entity or an event, by somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The number of its record.
    pub seq: u64,
    /// Since when it is known.
    pub known: Micros,
    /// The time that it is about.
    pub time: Micros,
    /// The type of the subject; `event` where that is one, by its number, and `act` where what an act said was taken back.
    pub subject_kind: Box<str>,
    /// The subject.
    pub subject: Box<str>,
    /// The label, or the list's id; nothing of an act that was undone.
    pub name: Box<str>,
    /// Whether it bears the label, or is put on the list; otherwise that it does not, or is taken off.
    pub says: bool,
    /// Who says so: `rule:ID`, `key:NAME`, `import:NAME`.
    pub source: Box<str>,
    /// The person or key behind the source, where it is another.
    pub by: Option<Box<str>>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// Until when.
    pub until: Option<Micros>,
    /// The job it belongs to.
    pub job: Option<u64>,
    /// A word about it.
    pub note: Option<Box<str>>,
}

/// What one record says: of whom, in which table.
pub(crate) type Row = (&'static str, Said);

/// What a change that followed from a decision says.
pub(crate) fn said_by_rule(change: &PastChange) -> Option<Row> {
    let (table, kind, value, name, until) = match &change.effect {
        StoredEffect::Label { kind, value, name, until } => (LABELS, kind, value, name, until),
        StoredEffect::List { list, kind, value, until } => (LISTS, kind, value, list, until),
        StoredEffect::Case(_) | StoredEffect::Notify(_) | StoredEffect::Webhook(_) => return None,
    };
    let source = format!("rule:{}", change.rule).into();
    let said = Said { time: change.at, until: *until, ..Said::of(change.seq, change.known, source) };
    Some((
        table,
        Said { says: true, name: name.clone(), ..said.about(kind.name(), value.show(*kind, Sight::Full)) },
    ))
}

/// What an act says. Of one that undoes another each table that may be about it has a row.
pub(crate) fn said_by_act(seq: u64, act: &ActRecord) -> Vec<Row> {
    let said = Said::of(seq, act.at, act.source.clone()).by(&act.by, act.item);
    match &act.body {
        Body::Made { deed: Deed::Label { subject, label, says, until, confidence, note, about }, .. } => {
            let (kind, subject) = match subject {
                Subject::Entity { kind, value } => (kind.name(), value.show(*kind, Sight::Full)),
                Subject::Event(event) => (EVENT, event.to_string()),
            };
            let (says, until, confidence) = (*says, *until, *confidence);
            let note = Some(note.clone()).filter(|note| !note.is_empty());
            let said = Said { name: label.clone(), says, until, confidence, note, ..said };
            vec![(LABELS, Said { time: about.unwrap_or(act.at), ..said.about(kind, subject) })]
        }
        Body::Made { deed: Deed::List { list, kind, value, put, until }, .. } => {
            let said = Said { name: list.clone(), says: *put, until: *until, ..said };
            vec![(LISTS, said.about(kind.name(), value.show(*kind, Sight::Full)))]
        }
        Body::Undone { act, changes, left } => {
            let note = (!left.is_empty()).then(|| left.join("; ").into());
            let said = Said { note, ..said.about(ACT, act.to_string()) };
            // Where nothing was restored the record does not tell what the act was about.
            let about = |is: fn(&Mark) -> bool| changes.is_empty() || changes.iter().any(|c| is(&c.mark));
            let labels = about(|mark| matches!(mark, Mark::Label { .. })).then(|| (LABELS, said.clone()));
            let lists = about(|mark| matches!(mark, Mark::Entry { .. })).then(|| (LISTS, said.clone()));
            labels.into_iter().chain(lists).collect()
        }
        Body::Made { .. } | Body::Sent(_) | Body::Refused(_) => Vec::new(),
    }
}

/// What followed from judging an event again.
pub(crate) fn said_again(seq: u64, again: &AgainRecord) -> Vec<Row> {
    let row = |Changed { mark, rule, after, .. }: &Changed| {
        let said = Said::of(seq, again.at, format!("rule:{rule}").into()).by(&again.by, again.item);
        let said = Said { says: *after != Held::Not, until: after.end(), ..said };
        let (table, kind, value, name) = match mark {
            Mark::Label { kind, value, name } => (LABELS, kind, value, name),
            Mark::Entry { list, kind, value } => (LISTS, kind, value, list),
        };
        let said = Said { name: name.clone(), ..said };
        (table, said.about(kind.name(), value.show(*kind, Sight::Full)))
    };
    again.changes.iter().map(row).collect()
}

impl Said {
    fn of(seq: u64, known: Micros, source: Box<str>) -> Said {
        Said {
            seq,
            known,
            time: known,
            subject_kind: "".into(),
            subject: "".into(),
            name: "".into(),
            says: false,
            source,
            by: None,
            confidence: None,
            until: None,
            job: None,
            note: None,
        }
    }

    fn by(self, by: &str, item: Option<JobItem>) -> Said {
        Said { by: Some(by.into()), job: item.map(|item| item.job), ..self }
    }

    fn about(self, kind: &str, subject: impl Into<Box<str>>) -> Said {
        Said { subject_kind: kind.into(), subject: subject.into(), ..self }
    }
}

/// A policy that came into force, as a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InForce {
    pub(crate) seq: u64,
    pub(crate) time: Micros,
    pub(crate) version: Arc<str>,
    pub(crate) origin: &'static str,
}

impl InForce {
    pub(crate) fn of(policy: &PolicyRecord) -> InForce {
        InForce { seq: policy.seq, time: policy.time, version: policy.version.clone(), origin: policy.origin }
    }
}

fn plain(name: &str, kind: Type, data_type: DataType, nullable: bool) -> Column {
    let field = Field::plain(name, kind, nullable);
    let metadata = [
        (crate::layout::ROLE, Role::Meta.name().to_owned()),
        (crate::layout::NAME, name.to_owned()),
        (crate::layout::TYPE, kind.name().to_owned()),
        (crate::layout::KIND, kind.name().to_owned()),
    ];
    let metadata = metadata.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let arrow = ArrowField::new(name, data_type, nullable).with_metadata(metadata);
    Column { name: name.into(), role: Role::Meta, field, arrow: Arc::new(arrow) }
}

/// The columns of `labels` and `lists`.
pub(crate) fn said_columns(table: &str) -> Vec<Column> {
    let text = |name: &str, nullable| plain(name, Type::Text, DataType::Utf8, nullable);
    let time = |name: &str, nullable| plain(name, Type::Time, time_type(), nullable);
    vec![
        plain("seq", Type::Int, DataType::UInt64, false),
        time("known", false),
        time("time", false),
        text("subject_kind", false),
        text("subject", false),
        text(if table == LABELS { "label" } else { "list" }, false),
        plain("says", Type::Bool, DataType::Boolean, false),
        text("source", false),
        text("by", true),
        plain("confidence", Type::Number, DataType::Float64, true),
        time("until", true),
        plain("job", Type::Int, DataType::UInt64, true),
        text("note", true),
    ]
}

/// The columns of `policies`.
pub(crate) fn policy_columns() -> Vec<Column> {
    vec![
        plain("seq", Type::Int, DataType::UInt64, false),
        plain("time", Type::Time, time_type(), false),
        plain("version", Type::Text, DataType::Utf8, false),
        plain("origin", Type::Text, DataType::Utf8, false),
    ]
}

fn times(values: impl Iterator<Item = Option<Micros>>) -> ArrayRef {
    let times: TimestampMicrosecondArray = values.map(|t| t.map(|t| t.0)).collect();
    Arc::new(times.with_timezone("UTC"))
}

pub(crate) fn said_batch(columns: &[Column], rows: &[Said]) -> Result<RecordBatch, HistoryError> {
    let text = |of: fn(&Said) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|r| r.seq))),
        times(rows.iter().map(|r| Some(r.known))),
        times(rows.iter().map(|r| Some(r.time))),
        text(|r| Some(&r.subject_kind)),
        text(|r| Some(&r.subject)),
        text(|r| Some(&r.name)),
        Arc::new(rows.iter().map(|r| Some(r.says)).collect::<BooleanArray>()),
        text(|r| Some(&r.source)),
        text(|r| r.by.as_deref()),
        Arc::new(rows.iter().map(|r| r.confidence).collect::<Float64Array>()),
        times(rows.iter().map(|r| r.until)),
        Arc::new(rows.iter().map(|r| r.job).collect::<UInt64Array>()),
        text(|r| r.note.as_deref()),
    ];
    Ok(RecordBatch::try_new(schema(columns), arrays)?)
}

pub(crate) fn policy_batch(columns: &[Column], rows: &[InForce]) -> Result<RecordBatch, HistoryError> {
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|r| r.seq))),
        times(rows.iter().map(|r| Some(r.time))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &*r.version))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.origin))),
    ];
    Ok(RecordBatch::try_new(schema(columns), arrays)?)
}
