// SPDX-License-Identifier: Apache-2.0
//! What goes wrong with a statement, as who wrote it is told: what, where, and what was probably meant.

use crate::limits;
use datafusion::common::{Diagnostic, SchemaError, Span};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use std::fmt;
use wardroom_event::nearest;

/// Which sort of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The text is no SQL that we read.
    Syntax,
    /// A table, column or function that is not there, or cannot be meant.
    Name,
    /// A statement that would write.
    ReadOnly,
    /// Right, and not to be had here.
    Unsupported,
    /// A value that does not fit: a division by zero, a text that is no number.
    Value,
    /// Larger, deeper or longer than what is taken.
    TooLarge,
    /// More memory than a statement has.
    Memory,
    /// Out of time, or too many others before it.
    Timeout,
    /// Somebody ended it.
    Cancelled,
    /// The past could not be read.
    World,
    /// Our own fault.
    Ours,
}

/// A statement that failed.
#[derive(Clone, Debug)]
pub struct SqlError {
    /// Which sort of fault.
    pub kind: Kind,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
    /// Where in the text, in characters from 1.
    pub position: Option<usize>,
    code: &'static str,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SqlError {}

impl SqlError {
    /// A fault of this sort.
    pub fn new(kind: Kind, message: impl Into<String>) -> SqlError {
        let code = match kind {
            Kind::Syntax => "42601",
            Kind::Name => "42703",
            Kind::ReadOnly => "25006",
            Kind::Unsupported => "0A000",
            Kind::Value => "22000",
            Kind::TooLarge => "54000",
            Kind::Memory => "53200",
            Kind::Timeout | Kind::Cancelled => "57014",
            Kind::World => "58000",
            Kind::Ours => "XX000",
        };
        let message = message.into();
        let message = match message.char_indices().nth(limits::MESSAGE_CHARS) {
            Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
            None => message,
        };
        SqlError { kind, message, hint: None, position: None, code }
    }

    /// PostgreSQL's code for it.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn coded(self, code: &'static str) -> SqlError {
        SqlError { code, ..self }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> SqlError {
        SqlError { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn at(self, text: &str, line: u64, column: u64) -> SqlError {
        SqlError { position: position(text, line, column), ..self }
    }

    pub(crate) fn timeout(after: std::time::Duration) -> SqlError {
        let message = format!(
            "the statement took longer than {} and was ended",
            wardroom_event::Span(after.as_micros() as i64)
        );
        SqlError::new(Kind::Timeout, message)
            .hint("ask for less time or fewer columns, or for a longer time-out")
    }

    /// A panic is our own fault, and that of one statement only.
    pub(crate) fn ours(why: &dyn fmt::Display) -> SqlError {
        tracing::error!("a statement of SQL failed by our own fault: {why}");
        SqlError::new(Kind::Ours, "this failed by our own fault; the server's log says more")
    }

    /// What DataFusion says, about this text.
    pub(crate) fn from(error: DataFusionError, text: &str) -> SqlError {
        let mut place = None;
        let said = known(error, &mut place);
        match place {
            Some((line, column)) if said.position.is_none() => said.at(text, line, column),
            _ => said,
        }
    }
}

/// The place of a line and column, both from 1, in characters from 1.
fn position(text: &str, line: u64, column: u64) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let before: usize = text.split('\n').take(line).map(|line| line.chars().count() + 1).sum();
    let at = before + usize::try_from(column).ok()?;
    (at >= 1 && at <= text.chars().count() + 1).then_some(at)
}

fn known(error: DataFusionError, place: &mut Option<(u64, u64)>) -> SqlError {
    use DataFusionError as E;
    match error {
        E::Diagnostic(diagnostic, inner) => {
            noted(&diagnostic, place);
            known(*inner, place)
        }
        E::Context(_, inner) => known(*inner, place),
        E::Collection(mut all) if !all.is_empty() => known(all.swap_remove(0), place),
        E::Shared(inner) => match std::sync::Arc::try_unwrap(inner) {
            Ok(inner) => known(inner, place),
            Err(inner) => plain(&inner),
        },
        E::SQL(error, _) => syntax(*error, place),
        E::SchemaError(error, _) => schema(*error),
        E::External(inner) => match inner.downcast::<DataFusionError>() {
            Ok(inner) => known(*inner, place),
            Err(inner) => {
                tracing::error!("SQL cannot read the past: {inner}");
                SqlError::new(Kind::World, "the past cannot be read; the server's log says why")
            }
        },
        E::ArrowError(inner, _) => match *inner {
            datafusion::arrow::error::ArrowError::ExternalError(inner) => known(E::External(inner), place),
            inner => SqlError::new(Kind::Value, inner.to_string()),
        },
        E::ExecutionJoin(join) => SqlError::ours(&join),
        E::Internal(why) => SqlError::ours(&why),
        other => plain(&other),
    }
}

/// A fault whose words stand for themselves.
fn plain(error: &DataFusionError) -> SqlError {
    use DataFusionError as E;
    let said = error.strip_backtrace();
    let said = said.split_once(": ").map_or(said.as_str(), |(_, rest)| rest).replace('\n', " ");
    match error {
        E::ResourcesExhausted(_) => {
            SqlError::new(Kind::Memory, "the statement needs more memory than it may have")
                .hint("group by less, sort less, or narrow the time; `[sql] memory` sets how much there is")
        }
        E::NotImplemented(_) => SqlError::new(Kind::Unsupported, said),
        E::Execution(_) => SqlError::new(Kind::Value, said),
        E::Plan(_) if said.starts_with("Invalid function") => SqlError::new(Kind::Name, said).coded("42883"),
        E::Plan(_) => SqlError::new(Kind::Name, said).coded("42000"),
        _ => SqlError::new(Kind::Value, said),
    }
}

fn noted(diagnostic: &Diagnostic, place: &mut Option<(u64, u64)>) {
    if let (Some(Span { start, .. }), None) = (diagnostic.span, &place) {
        *place = Some((start.line, start.column));
    }
}

/// The parser ends its message with ` at Line: 1, Column: 8`.
fn syntax(error: ParserError, place: &mut Option<(u64, u64)>) -> SqlError {
    let said = match error {
        ParserError::TokenizerError(said) | ParserError::ParserError(said) => said,
        ParserError::RecursionLimitExceeded => {
            return SqlError::new(Kind::TooLarge, "the statement is nested too deep").coded("54001");
        }
    };
    let Some((said, at)) = said.rsplit_once(" at Line: ") else { return SqlError::new(Kind::Syntax, said) };
    if let Some((line, column)) = at.split_once(", Column: ") {
        *place = line.parse().ok().zip(column.trim().parse().ok());
    }
    SqlError::new(Kind::Syntax, said)
}

fn schema(error: SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let said = SqlError::new(Kind::Name, format!("there is no column \"{}\" here", field.name));
            match nearest(&field.name, valid_fields.iter().map(|field| field.name.as_str())) {
                Some(meant) => said.hint(format!("did you mean {}?", quoted(meant))),
                None => said,
            }
        }
        SchemaError::AmbiguousReference { field } => SqlError::new(
            Kind::Name,
            format!("the column \"{}\" is in more than one table: write TABLE.{}", field.name, field.name),
        )
        .coded("42702"),
        other => SqlError::new(Kind::Name, other.to_string()),
    }
}

/// A name as SQL wants it: in quotes where it is more than lower-case letters, digits and underscores.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain && name.chars().next().is_some_and(|c| !c.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
