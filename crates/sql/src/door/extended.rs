// SPDX-License-Identifier: Apache-2.0
//! The extended protocol: statements prepared, bound to values, described, and read in portions.

use super::session::{Client, Stop, cancelled, columns, format, shown};
use super::values::oid_of;
use super::{params, say};
use crate::engine::{Kind, Prepared, SqlError, Statement};
use crate::limits;
use bytes::Bytes;
use datafusion::arrow::datatypes::Field;
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

/// A statement prepared by the client.
pub(super) struct Parsed {
    statement: Option<Statement>,
    prepared: Option<Prepared>,
    /// Types of parameters, as the client named them or was told them.
    oids: Vec<u32>,
}

/// A statement with its values, and how far it was read.
pub(super) struct Portal {
    statement: Option<Statement>,
    fields: Vec<Field>,
    values: Vec<ScalarValue>,
    formats: Vec<i16>,
    running: Option<super::session::Running>,
}

impl Client<'_> {
    pub(super) async fn parse(&mut self, name: String, text: &str, types: &[u32]) -> Result<(), Stop> {
        if self.parsed.len() >= limits::PREPARED && !self.parsed.contains_key(&name) {
            return Err(full("prepared statements").into());
        }
        if types.len() > limits::PARAMETERS {
            return Err(SqlError::new(
                Kind::TooLarge,
                format!("a statement has at most {} parameters", limits::PARAMETERS),
            )
            .into());
        }
        let mut statements = self.door.engine.parse(text).await?;
        let statement = statements.pop();
        if !statements.is_empty() {
            return Err(SqlError::new(Kind::Syntax, "only one statement can be prepared at a time").into());
        }
        if let Some(statement) = &statement {
            self.allowed(statement)?;
        }
        let mut parsed = Parsed { statement, prepared: None, oids: types.to_vec() };
        if let Some(Statement::Query(query)) = &parsed.statement {
            let given = types.iter().map(|oid| params::type_of(*oid)).collect();
            self.cancel.clear();
            let (session, cancel) = (self.session(), self.cancel.clone());
            let prepared = tokio::select! {
                prepared = self.door.engine.prepare(query.clone(), given, session) => prepared?,
                () = cancel.asked() => return Err(cancelled().into()),
                error = self.wire.gone() => return Err(error.into()),
            };
            // What the client left open it is told.
            parsed.oids.resize(prepared.parameters.len(), 0);
            for (oid, kind) in parsed.oids.iter_mut().zip(&prepared.parameters) {
                if params::type_of(*oid).is_none() {
                    *oid = oid_of(kind);
                }
            }
            parsed.prepared = Some(prepared);
        }
        self.parsed.insert(name, Arc::new(parsed));
        say::bare(&mut self.wire.out, b'1');
        Ok(())
    }

    pub(super) fn bind(
        &mut self,
        portal: String,
        statement: &str,
        formats: &[i16],
        given: &[Option<Bytes>],
        results: Vec<i16>,
    ) -> Result<(), SqlError> {
        let parsed = self.parsed.get(statement).cloned().ok_or_else(|| {
            SqlError::new(
                Kind::Name,
                format!("there is no prepared statement \"{}\"", statement.escape_debug()),
            )
            .coded("26000")
        })?;
        if self.portals.len() >= limits::PREPARED && !self.portals.contains_key(&portal) {
            return Err(full("portals"));
        }
        let types = parsed.prepared.as_ref().map_or(&[][..], |prepared| &prepared.parameters);
        if given.len() != types.len() {
            let why =
                format!("the statement takes {} parameters, and {} were given", types.len(), given.len());
            return Err(SqlError::new(Kind::Syntax, why).coded("08P01"));
        }
        let values =
            given.iter().zip(types).zip(&parsed.oids).enumerate().map(|(at, ((bytes, kind), oid))| {
                let binary = format(formats, at)?;
                params::value(at, bytes.as_deref(), binary, kind, *oid)
            });
        let values = values.collect::<Result<_, _>>()?;
        let fields = match (&parsed.prepared, &parsed.statement) {
            (Some(prepared), _) => prepared.schema.fields().iter().map(|field| (**field).clone()).collect(),
            (None, Some(statement)) => shown(statement).into_iter().collect(),
            (None, None) => Vec::new(),
        };
        columns(fields.iter(), &results)?;
        let statement = parsed.statement.clone();
        self.portals.insert(portal, Portal { statement, fields, values, formats: results, running: None });
        say::bare(&mut self.wire.out, b'2');
        Ok(())
    }

    pub(super) fn describe_statement(&mut self, name: &str) -> Result<(), SqlError> {
        let parsed = self.parsed.get(name).cloned().ok_or_else(|| {
            SqlError::new(Kind::Name, format!("there is no prepared statement \"{}\"", name.escape_debug()))
                .coded("26000")
        })?;
        say::parameter_types(&mut self.wire.out, &parsed.oids);
        let fields: Vec<Field> = match (&parsed.prepared, &parsed.statement) {
            (Some(prepared), _) => prepared.schema.fields().iter().map(|field| (**field).clone()).collect(),
            (None, Some(statement)) => shown(statement).into_iter().collect(),
            (None, None) => Vec::new(),
        };
        self.describe(&fields, &[])
    }

    pub(super) fn describe_portal(&mut self, name: &str) -> Result<(), SqlError> {
        let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
        let (fields, formats) = (portal.fields.clone(), portal.formats.clone());
        self.describe(&fields, &formats)
    }

    fn describe(&mut self, fields: &[Field], formats: &[i16]) -> Result<(), SqlError> {
        match fields {
            [] => say::bare(&mut self.wire.out, b'n'),
            fields => say::columns(&mut self.wire.out, &columns(fields.iter(), formats)?),
        }
        Ok(())
    }

    pub(super) async fn execute(&mut self, name: &str, most: i32) -> Result<(), Stop> {
        // Taken out, so that a fault drops it with all that it holds.
        let mut portal = self.portals.remove(name).ok_or_else(|| no_portal(name))?;
        match &portal.statement {
            None => say::bare(&mut self.wire.out, b'I'),
            Some(statement) => {
                self.allowed(statement)?;
                match statement {
                    Statement::Query(query) => {
                        let mut running = match portal.running.take() {
                            Some(running) => running,
                            None => {
                                let values = std::mem::take(&mut portal.values);
                                self.begin(query.clone(), values, &portal.formats).await?
                            }
                        };
                        let most = u64::try_from(most).ok().filter(|most| *most > 0).unwrap_or(u64::MAX);
                        if self.rows(&mut running, most).await? {
                            self.complete(&running);
                        } else {
                            say::bare(&mut self.wire.out, b's');
                            portal.running = Some(running);
                            self.portals.insert(name.to_owned(), portal);
                        }
                        return Ok(());
                    }
                    other => self.other(&other.clone())?,
                }
            }
        }
        Ok(())
    }
}

fn full(what: &str) -> SqlError {
    SqlError::new(Kind::TooLarge, format!("a connection has at most {} {what}", limits::PREPARED))
}

fn no_portal(name: &str) -> SqlError {
    SqlError::new(Kind::Name, format!("there is no portal \"{}\"", name.escape_debug())).coded("34000")
}
