// SPDX-License-Identifier: Apache-2.0
//! Text to statements: what is not bounded by the parser is bounded before it.

use super::dialect::Bounded;
use super::error::{Kind, SqlError};
use crate::limits;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Ident, ObjectName, Set, ShowStatementFilter, ShowStatementOptions, Value,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// One statement, sorted by who answers it.
#[derive(Clone, Debug)]
pub enum Statement {
    /// Rows of the past, or how they would be got.
    Query(Query),
    /// Sets something of the session; without a value back to what it was.
    Set {
        /// What, in lower case.
        name: String,
        /// To what.
        value: Option<String>,
    },
    /// Shows something of the session.
    Show(String),
    /// Begins a transaction.
    Begin,
    /// Ends a transaction.
    Commit,
    /// Ends a transaction as well: there is nothing to undo.
    Rollback,
    /// Forgets prepared statements and settings.
    Discard,
    /// Forgets one prepared statement, or all.
    Deallocate(Option<String>),
    /// Means nothing where nothing is written: a savepoint, a cursor's end. Its name is what the client is told.
    Nothing(&'static str),
}

/// A statement that gives rows, parsed and not yet looked at.
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) statement: Box<ast::Statement>,
    /// The text it stands in, for places.
    pub(crate) text: std::sync::Arc<str>,
}

/// All statements of a text.
pub(super) fn statements(text: &str) -> Result<Vec<Statement>, SqlError> {
    if text.len() > limits::SQL_BYTES {
        let most = limits::SQL_BYTES / 1024;
        return Err(SqlError::new(Kind::TooLarge, format!("a text of SQL has at most {most} KiB")));
    }
    let dialect = Bounded::new();
    let tokens = Tokenizer::new(&dialect, text).tokenize_with_location();
    let tokens = tokens.map_err(|e| from(ParserError::TokenizerError(e.to_string()), text))?;
    let many = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).count();
    if many > limits::SQL_TOKENS {
        return Err(SqlError::new(
            Kind::TooLarge,
            format!("a text of SQL has at most {} words, numbers and signs", limits::SQL_TOKENS),
        ));
    }
    // A chain of these is as deep as it is long once parsed, and each link is large.
    let sets = tokens.iter().filter(|token| match &token.token {
        Token::Word(word) => {
            matches!(word.keyword, Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS)
        }
        _ => false,
    });
    if sets.count() > limits::TABLES_READ {
        return Err(SqlError::new(
            Kind::TooLarge,
            format!("a text has at most {} UNIONs and the like", limits::TABLES_READ),
        ));
    }
    let mut parser =
        Parser::new(&dialect).with_recursion_limit(limits::SQL_NESTING).with_tokens_with_locations(tokens);
    let parsed = parser.parse_statements().map_err(|e| from(e, text))?;
    if parsed.len() > limits::SQL_STATEMENTS {
        let most = limits::SQL_STATEMENTS;
        return Err(SqlError::new(Kind::TooLarge, format!("a text of SQL has at most {most} statements")));
    }
    let text: std::sync::Arc<str> = text.into();
    parsed.into_iter().map(|statement| sort(statement, &text)).collect()
}

fn from(error: ParserError, text: &str) -> SqlError {
    SqlError::from(datafusion::error::DataFusionError::SQL(Box::new(error), None), text)
}

/// Reads the one statement of a text of our own.
fn own(text: &str) -> Result<Statement, SqlError> {
    let mut parsed = Parser::parse_sql(&PostgreSqlDialect {}, text).map_err(|e| from(e, text))?;
    let statement = parsed.pop().ok_or_else(|| SqlError::ours(&"no statement of our own"))?;
    Ok(Statement::Query(Query { statement: Box::new(statement), text: text.into() }))
}

fn sort(statement: ast::Statement, text: &std::sync::Arc<str>) -> Result<Statement, SqlError> {
    use ast::Statement as S;
    Ok(match statement {
        S::Query(_) | S::Explain { .. } => {
            Statement::Query(Query { statement: Box::new(statement), text: text.clone() })
        }
        S::ShowTables { show_options, .. } => own(&format!(
            "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' {} ORDER BY 1",
            like("table_name", &show_options)?
        ))?,
        S::ExplainTable { table_name, .. } => described(&table_name)?,
        S::ShowColumns { show_options: ShowStatementOptions { show_in: Some(at), .. }, .. } => {
            described(at.parent_name.as_ref().unwrap_or(&ObjectName::from(Vec::<Ident>::new())))?
        }
        S::ShowVariable { variable } => Statement::Show(variable_name(&variable)),
        S::Set(set) => assignment(set)?,
        S::Reset(ast::ResetStatement { reset }) => match reset {
            ast::Reset::ALL => Statement::Discard,
            ast::Reset::ConfigurationParameter(name) => {
                Statement::Set { name: name.to_string().to_lowercase(), value: None }
            }
        },
        S::StartTransaction { .. } => Statement::Begin,
        S::Commit { .. } => Statement::Commit,
        S::Rollback { savepoint: Some(_), .. } => Statement::Nothing("ROLLBACK"),
        S::Rollback { .. } => Statement::Rollback,
        S::Savepoint { .. } => Statement::Nothing("SAVEPOINT"),
        S::ReleaseSavepoint { .. } => Statement::Nothing("RELEASE"),
        S::LISTEN { .. } => Statement::Nothing("LISTEN"),
        S::UNLISTEN { .. } => Statement::Nothing("UNLISTEN"),
        S::Close { .. } => Statement::Nothing("CLOSE CURSOR"),
        S::Discard { .. } => Statement::Discard,
        S::Deallocate { name, .. } => {
            Statement::Deallocate(Some(name.value).filter(|name| !name.eq_ignore_ascii_case("all")))
        }
        other => return Err(refused(&other)),
    })
}

/// What else there is either writes, or needs what is not here.
fn refused(statement: &ast::Statement) -> SqlError {
    use ast::Statement as S;
    let said = statement.to_string();
    let word = said.split_whitespace().next().unwrap_or_default().to_uppercase();
    match statement {
        S::Declare { .. } | S::Fetch { .. } | S::Open(_) => {
            SqlError::new(Kind::Unsupported, "there are no cursors in SQL here")
                .hint("drivers that take rows in portions do so by the protocol, which works")
        }
        S::Prepare { .. } | S::Execute { .. } => {
            SqlError::new(Kind::Unsupported, format!("{word} as a statement of SQL is not to be had here"))
                .hint("prepare by the protocol, as drivers do")
        }
        _ => SqlError::new(Kind::ReadOnly, format!("{word} is refused: the past can only be read"))
            .hint("SELECT, WITH, VALUES, TABLE, EXPLAIN, SHOW and DESCRIBE are taken"),
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn described(table: &ObjectName) -> Result<Statement, SqlError> {
    let table = table.0.last().and_then(|part| part.as_ident()).map_or("", |ident| &ident.value);
    own(&format!(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = {} ORDER BY ordinal_position",
        literal(table)
    ))
}

fn like(column: &str, options: &ShowStatementOptions) -> Result<String, SqlError> {
    use ast::ShowStatementFilterPosition::{Infix, Suffix};
    match &options.filter_position {
        None => Ok(String::new()),
        Some(Infix(ShowStatementFilter::Like(pattern)) | Suffix(ShowStatementFilter::Like(pattern))) => {
            Ok(format!("AND {column} LIKE {}", literal(pattern)))
        }
        Some(_) => Err(SqlError::new(Kind::Unsupported, "SHOW TABLES takes LIKE only")),
    }
}

fn variable_name(words: &[Ident]) -> String {
    let words: Vec<String> = words.iter().map(|word| word.value.to_lowercase()).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["transaction", "isolation", "level"] => "transaction_isolation".to_owned(),
        ["time", "zone"] => "timezone".to_owned(),
        _ => words.join("."),
    }
}

fn assignment(set: Set) -> Result<Statement, SqlError> {
    Ok(match set {
        Set::SingleAssignment { variable, values, .. } => {
            let name = variable.to_string().replace('"', "").to_lowercase();
            let value = values.iter().map(value_text).collect::<Vec<_>>().join(", ");
            Statement::Set { name, value: Some(value).filter(|v| !v.eq_ignore_ascii_case("default")) }
        }
        Set::SetTimeZone { value, .. } => {
            Statement::Set { name: "timezone".to_owned(), value: Some(value_text(&value)) }
        }
        Set::SetTransaction { .. } => Statement::Nothing("SET"),
        Set::SetNames { charset_name, .. } => {
            Statement::Set { name: "client_encoding".to_owned(), value: Some(charset_name.value) }
        }
        Set::SetNamesDefault {} => Statement::Set { name: "client_encoding".to_owned(), value: None },
        other => return Err(SqlError::new(Kind::Unsupported, format!("{other} is not to be had here"))),
    })
}

fn value_text(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(word) => word.value.clone(),
        other => other.to_string(),
    }
}
