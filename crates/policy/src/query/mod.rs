// SPDX-License-Identifier: Apache-2.0
//! The policy language as a query: what is asked of the events of one type that have been decided.
//!
//! `login where not ok by ip.net show count top 20` is read by the parser of policies, checked against the policy it names
//! things of, and evaluated by the column executor: a condition means in a query what it means in a rule. Where events are
//! kept, and how answers are added up, is not known here.

pub(crate) mod checked;
pub(crate) mod fold;
mod form;
pub(crate) mod own;

pub use fold::Fold;
pub use form::format;
pub use own::{Asked, Own};

use crate::check::query as check;
use crate::columns::ColumnValue;
use crate::outline::Text;
use crate::program::Program;
use crate::sink::Sink;
use crate::syntax::tree::Decl;
use crate::{Bundle, limits, syntax};
use checked::{CheckedAnswer, CheckedQuery, CheckedSum, Named};
use wardroom_event::{Field, Micros, Span, TypeId, Value};
use wardroom_report::{Diagnostic, FileId, Loc, Sources};

pub(crate) use check::parse_time as time;

/// The name under which diagnostics show a query's text.
pub const NAME: &str = "query";
/// What the column of a time series' steps is called.
pub const STEP: &str = "time";

/// Over which time a query asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// So long up to now.
    Last(Span),
    /// From here to there, without the latter; all there is where it does not say.
    Between(Option<Micros>, Option<Micros>),
}

impl Period {
    /// From when to when, where it is now `now`; half-open.
    pub fn at(self, now: Micros) -> (Option<Micros>, Option<Micros>) {
        match self {
            Period::Last(span) => (Some(now.minus(span)), Some(now)),
            Period::Between(from, to) => (from, to),
        }
    }
}

/// A point in time as queries have it: RFC 3339, or a day, which is its beginning in UTC.
pub fn parse_time(text: &str) -> Option<Micros> {
    time(text)
}

/// What groups are put in order by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// What is added up, by its number.
    Sum(usize),
    /// How much of that changed against the time before.
    Change(usize),
}

/// A value of each event, and the field that would hold it.
pub struct Shown {
    /// Its name in the answer, its type and shape.
    pub field: Field,
    /// How it is computed.
    pub of: ColumnValue,
}

/// Something that is added up.
pub struct Sum {
    /// Its name in the answer and its type.
    pub field: Field,
    /// How.
    pub fold: Fold,
    /// Of what; `None` for the events themselves.
    pub of: Option<ColumnValue>,
    /// Whether it is part of the answer, and not only what that is put in order by.
    pub shown: bool,
}

/// What is answered.
pub enum Answer {
    /// The events themselves, newest first or in the order of a value.
    Rows {
        /// Their columns.
        columns: Vec<Shown>,
        /// What they are put in order by, greatest first.
        by: Option<ColumnValue>,
        /// The least first.
        bottom: bool,
        /// At most so many.
        most: Option<usize>,
    },
    /// What is added up over them.
    Groups {
        /// What.
        sums: Vec<Sum>,
        /// What groups are put in order by, greatest first.
        by: By,
        /// The least first.
        bottom: bool,
        /// At most so many; in a time series so many keys, each with all its steps.
        most: Option<usize>,
    },
}

/// What a query reads of each event.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The column of a batch that it is read from: its name and type.
    pub field: Field,
    /// What stands in it.
    pub what: What,
}

/// What a column of a batch that a query reads holds.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// When the event happened.
    Time,
    /// A field or fact of the event.
    Field,
    /// A value that was served, under this id.
    Served(Box<str>),
    /// What is no value of the event.
    Asked(Asked),
}

/// A query, ready to be evaluated over batches of events.
pub struct Query {
    /// The policy it was checked against, without rules: what its columns are.
    pub program: Program,
    /// The type of event it asks about.
    pub on: TypeId,
    /// In its form.
    pub text: Box<str>,
    /// What must hold; unknown is not true.
    pub filter: Option<ColumnValue>,
    /// Over which time.
    pub period: Period,
    /// How long each step of a time series is.
    pub per: Option<Span>,
    /// How long before lies the time that is put beside it.
    pub against: Option<Span>,
    /// What it groups by.
    pub keys: Vec<Shown>,
    /// What is answered.
    pub answer: Answer,
    /// What fields and values must be equal to for the condition to hold.
    equal: Vec<(Field, Value)>,
    asked: Vec<(Box<str>, Asked)>,
    reads: Vec<usize>,
}

/// What reading a query gave: the query unless something was wrong, and everything there is to say of it.
pub struct Compiled {
    /// The query, unless a diagnostic is an error.
    pub query: Option<Query>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that diagnostics point into.
    pub sources: Sources,
}

/// Reads a query of what a policy decided. All faults are reported at once.
pub fn compile(bundle: &Bundle, text: &str) -> Compiled {
    let mut sink = Sink::default();
    let (mut files, mut sources) = syntax::parse_bundle(bundle, &mut sink);
    for file in &mut files {
        file.decls.retain(|decl| !matches!(decl, Decl::Test(_) | Decl::Budget(_)));
    }
    if text.len() > limits::QUERY_BYTES {
        return too_long(sources, text.len());
    }
    let file = sources.add(NAME, text);
    let decl = syntax::query::parse(file, &sources, &mut sink);
    let checked = check::check(&files, bundle, &sources, &decl, &mut sink);
    let query = checked.filter(|_| sink.errors() == 0).map(|(mut whole, checked)| {
        whole.queried = checked.expressions().map(|typed| (checked.on, typed.clone())).collect();
        let program = crate::compile::program(whole, bundle.version(), Text::default());
        Query::new(program, checked, form::written(&decl).into())
    });
    let all = sink.finish();
    // What there is to say of the policy is said where that is checked.
    let wrong = |d: &Diagnostic| d.primary.0.file == file || (d.is_error() && query.is_none());
    let diagnostics = all.into_iter().filter(wrong).collect();
    Compiled { query, diagnostics, sources }
}

fn too_long(mut sources: Sources, bytes: usize) -> Compiled {
    let file = sources.add(NAME, "");
    let message = format!("a query of {bytes} bytes; the most is {}", limits::QUERY_BYTES);
    let at = Loc { file, ..Loc::default() };
    Compiled { query: None, diagnostics: vec![Diagnostic::error("W1005", at, message)], sources }
}

/// Which text is the query's, among those of a [`Compiled`].
pub fn file(sources: &Sources) -> FileId {
    sources.iter().filter(|(_, name, _)| *name == NAME).map(|(id, ..)| id).last().unwrap_or_default()
}

impl Query {
    fn new(program: Program, checked: CheckedQuery, text: Box<str>) -> Query {
        let plan = program.columns(checked.on);
        let value = |typed: &crate::ir::Typed| plan.value(typed);
        let shown = |named: &Named| Shown { field: named.field.clone(), of: value(&named.typed) };
        let filter = checked.filter.as_ref().map(value);
        let keys: Vec<Shown> = checked.keys.iter().map(shown).collect();
        let equal = checked.filter.as_ref().map(|f| plan.equal(f)).unwrap_or_default();
        let answer = match checked.answer {
            CheckedAnswer::Rows { columns, by, bottom, most } => {
                let columns = columns.iter().map(shown).collect();
                Answer::Rows { columns, by: by.as_ref().map(value), bottom, most }
            }
            CheckedAnswer::Groups { sums, by, bottom, most } => {
                let sum = |sum: CheckedSum| {
                    let of = sum.of.as_ref().map(value);
                    Sum { field: sum.field, fold: sum.fold, of, shown: sum.shown }
                };
                Answer::Groups { sums: sums.into_iter().map(sum).collect(), by, bottom, most }
            }
        };
        let (period, per, against) = (checked.period, checked.per, checked.against);
        let (on, asked) = (checked.on, checked.asked);
        let mut query = Query {
            on,
            text,
            filter,
            period,
            per,
            against,
            keys,
            answer,
            equal,
            asked,
            reads: Vec::new(),
            program,
        };
        query.reads = query.closure();
        query
    }

    /// The columns that are read, also those from which others can be computed; the time is one of them.
    fn closure(&self) -> Vec<usize> {
        let mut reads: Vec<usize> = vec![0];
        reads.extend(self.values().flat_map(ColumnValue::places));
        reads.sort_unstable();
        reads.dedup();
        reads
    }

    /// Every value that it computes.
    fn values(&self) -> impl Iterator<Item = &ColumnValue> {
        let (columns, by, sums) = match &self.answer {
            Answer::Rows { columns, by, .. } => (columns.as_slice(), by.as_ref(), &[][..]),
            Answer::Groups { sums, .. } => (&[][..], None, sums.as_slice()),
        };
        let shown = self.keys.iter().chain(columns).map(|shown| &shown.of);
        self.filter.iter().chain(shown).chain(by).chain(sums.iter().filter_map(|sum| sum.of.as_ref()))
    }

    /// The columns that it reads of a batch.
    pub fn reads(&self) -> Vec<Read> {
        self.reads.iter().filter_map(|at| self.read(*at)).collect()
    }

    /// The column at a place of the plan.
    fn read(&self, at: usize) -> Option<Read> {
        let declared = 1 + self.program.schema.get(self.on).fields.len();
        let field = self.program.columns(self.on).field(at)?.clone();
        let what = match at.checked_sub(declared) {
            _ if at == 0 => What::Time,
            Some(at) => What::Served(self.program.plan(self.on).serve.get(at)?.id.clone()),
            None => match self.asked.iter().find(|(name, _)| *name == field.name) {
                Some((_, asked)) => What::Asked(asked.clone()),
                None => What::Field,
            },
        };
        Some(Read { what, field })
    }

    /// What its condition asks to be equal to a value, by the columns of [`Query::reads`]: rows where it is not need not be
    /// read.
    pub fn equal(&self) -> &[(Field, Value)] {
        &self.equal
    }

    /// A value that can be served, computed from others, and what those are; `None` where it is counted or kept elsewhere, as
    /// counters, labels and lists are.
    pub fn computed(&self, served: &str) -> Option<(ColumnValue, Vec<Read>)> {
        let of = self.program.computed.iter().find(|c| *c.id == *served && c.on == self.on)?;
        let value = self.program.columns(self.on).value(&of.typed);
        let inputs = value.places().filter_map(|at| self.read(at)).collect();
        Some((value, inputs))
    }
}
