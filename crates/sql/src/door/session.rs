// SPDX-License-Identifier: Apache-2.0
//! What a client that was let in asks, message by message: the simple protocol and the extended one.

use super::connection::Wire;
use super::extended::{Parsed, Portal};
use super::settings::Settings;
use super::startup::Admitted;
use super::values::Column;
use super::wire::Message;
use super::{Admission, Door, cancel, say, values};
use crate::engine::{Answer, Kind, Query, Session, SqlError, Statement};
use crate::limits;
use crate::mask::Mask;
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::scalar::ScalarValue;
use futures_util::StreamExt;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::HashMap;
use std::io::{Error, ErrorKind};
use std::sync::Arc;

/// Why an answer ends early: the statement is wrong, or the connection is gone.
pub(super) enum Stop {
    Sql(SqlError),
    Gone(Error),
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Stop {
        Stop::Sql(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Gone(error)
    }
}

/// An answer under way.
pub(super) struct Running {
    answer: Answer,
    columns: Vec<Column>,
    /// Rows that were read and not sent: their columns, and the next of them.
    rest: Option<(Vec<ArrayRef>, usize)>,
    sent: u64,
}

pub(super) struct Client<'a> {
    pub(super) door: &'a Door,
    pub(super) wire: Wire,
    admission: Admission,
    mask: Option<Mask>,
    pub(super) settings: Settings,
    pub(super) parsed: HashMap<String, Arc<Parsed>>,
    pub(super) portals: HashMap<String, Portal>,
    /// `I`, `T` or `E`.
    transaction: u8,
    /// After a fault in the extended protocol everything is passed over until the client says `Sync`.
    skipping: bool,
    pub(super) cancel: Arc<cancel::Cancel>,
}

fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok().map(|()| bytes)
}

/// Answers until the client goes, lies idle for too long, or the server stops.
pub(super) async fn serve(door: &Door, mut wire: Wire, admitted: Admitted) -> std::io::Result<()> {
    let Admitted { admission, parameters } = admitted;
    let none = || Error::other("the system gives no random bytes");
    let place = door.register.enter(|| random().map(i32::from_be_bytes)).ok_or_else(none)?;
    let mask = if admission.whole { None } else { Some(Mask::new(random().ok_or_else(none)?)) };
    let settings = Settings::new(&parameters, &admission.name);
    for (name, value) in settings.told() {
        say::parameter(&mut wire.out, name, value);
    }
    say::key_data(&mut wire.out, place.pid, place.secret);
    say::ready(&mut wire.out, b'I');
    let mut client = Client {
        door,
        wire,
        admission,
        mask,
        settings,
        parsed: HashMap::new(),
        portals: HashMap::new(),
        transaction: b'I',
        skipping: false,
        cancel: place.cancel.clone(),
    };
    match client.converse().await {
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            client.last_words(&SqlError::new(Kind::Syntax, error.to_string()).coded("08P01")).await;
            Err(error)
        }
        other => other,
    }
}

impl Client<'_> {
    async fn converse(&mut self) -> std::io::Result<()> {
        loop {
            let message = match self.wire.buffered()? {
                Some(message) => message,
                None => match self.wait().await? {
                    Some(message) => message,
                    None => return Ok(()),
                },
            };
            if !self.answer(message).await? {
                return Ok(());
            }
        }
    }

    /// Waits for a message; none when there will be no more.
    async fn wait(&mut self) -> std::io::Result<Option<Message>> {
        self.wire.flush().await?;
        let mut closing = self.door.closing.clone();
        let over = tokio::select! {
            message = self.wire.message() => return message,
            () = tokio::time::sleep(self.door.options.idle) => {
                SqlError::new(Kind::Timeout, "the connection was idle for too long").coded("57P05")
            }
            () = async { drop(closing.wait_for(|closing| *closing).await) } => {
                SqlError::new(Kind::Cancelled, "the server is stopping").coded("57P01")
            }
        };
        self.last_words(&over).await;
        Ok(None)
    }

    async fn last_words(&mut self, error: &SqlError) {
        say::error(&mut self.wire.out, "FATAL", error);
        let _ = self.wire.flush().await;
    }

    /// Answers one message; false when it was the last.
    async fn answer(&mut self, message: Message) -> std::io::Result<bool> {
        if self.skipping && !matches!(message, Message::Sync | Message::Terminate) {
            return Ok(true);
        }
        let done = match message {
            Message::Query(text) => {
                let done = self.simple(&text).await;
                let done = self.settle(done)?;
                self.portals.clear();
                say::ready(&mut self.wire.out, self.transaction);
                let _ = done;
                return Ok(true);
            }
            Message::Sync => {
                self.skipping = false;
                if self.transaction == b'I' {
                    self.portals.clear();
                }
                say::ready(&mut self.wire.out, self.transaction);
                return Ok(true);
            }
            Message::Terminate => return Ok(false),
            Message::Flush => {
                self.wire.flush().await?;
                Ok(())
            }
            Message::Copy => Ok(()),
            Message::Password(_) => {
                return Err(Error::new(ErrorKind::InvalidData, "nobody asked for a password"));
            }
            Message::Parse { name, text, types } => self.parse(name, &text, &types).await,
            Message::Bind { portal, statement, formats, values, results } => {
                self.bind(portal, &statement, &formats, &values, results).map_err(Stop::Sql)
            }
            Message::DescribeStatement(name) => self.describe_statement(&name).map_err(Stop::Sql),
            Message::DescribePortal(name) => self.describe_portal(&name).map_err(Stop::Sql),
            Message::Execute { portal, most } => self.execute(&portal, most).await,
            Message::CloseStatement(name) => {
                self.parsed.remove(&name);
                say::bare(&mut self.wire.out, b'3');
                Ok(())
            }
            Message::ClosePortal(name) => {
                self.portals.remove(&name);
                say::bare(&mut self.wire.out, b'3');
                Ok(())
            }
        };
        if !self.settle(done)? {
            self.skipping = true;
        }
        Ok(true)
    }

    /// Tells what is wrong with a statement. Says whether nothing was.
    fn settle(&mut self, done: Result<(), Stop>) -> std::io::Result<bool> {
        match done {
            Ok(()) => Ok(true),
            Err(Stop::Gone(error)) => Err(error),
            Err(Stop::Sql(error)) => {
                say::error(&mut self.wire.out, "ERROR", &error);
                if self.transaction == b'T' {
                    self.transaction = b'E';
                }
                Ok(false)
            }
        }
    }

    /// The session as statements are run in it.
    pub(super) fn session(&self) -> Session {
        Session {
            mask: self.mask.clone(),
            as_of: self.settings.as_of,
            now: self.door.gate.now(),
            timeout: self.settings.timeout,
            limit: limits::ROWS,
            user: self.admission.name.clone(),
        }
    }

    async fn simple(&mut self, text: &str) -> Result<(), Stop> {
        let statements = self.door.engine.parse(text).await?;
        if statements.is_empty() {
            say::bare(&mut self.wire.out, b'I');
        }
        for statement in statements {
            self.allowed(&statement)?;
            match statement {
                Statement::Query(query) => {
                    let mut running = self.begin(query, Vec::new(), &[0]).await?;
                    say::columns(&mut self.wire.out, &running.columns);
                    self.rows(&mut running, u64::MAX).await?;
                    self.complete(&running);
                }
                other => {
                    if let Some(field) = shown(&other) {
                        say::columns(&mut self.wire.out, &[Column::of(&field, false)]);
                    }
                    self.other(&other)?;
                }
            }
        }
        Ok(())
    }

    /// In a transaction that failed there is only its end.
    pub(super) fn allowed(&self, statement: &Statement) -> Result<(), SqlError> {
        let ends = matches!(statement, Statement::Commit | Statement::Rollback);
        if self.transaction == b'E' && !ends {
            let why = "the transaction has failed; statements are passed over until it ends";
            return Err(SqlError::new(Kind::Cancelled, why).coded("25P02"));
        }
        Ok(())
    }

    pub(super) async fn begin(
        &mut self,
        query: Query,
        values: Vec<ScalarValue>,
        formats: &[i16],
    ) -> Result<Running, Stop> {
        self.cancel.clear();
        let session = self.session();
        let cancel = self.cancel.clone();
        let answer = tokio::select! {
            answer = self.door.engine.run(query, values, session) => answer?,
            () = cancel.asked() => return Err(cancelled().into()),
            error = self.wire.gone() => return Err(error.into()),
        };
        let columns = columns(answer.schema().fields().iter().map(|field| &**field), formats)?;
        Ok(Running { answer, columns, rest: None, sent: 0 })
    }

    /// Sends at most so many rows. Says whether all were sent.
    pub(super) async fn rows(&mut self, running: &mut Running, most: u64) -> Result<bool, Stop> {
        let (mut left, cancel) = (most, self.cancel.clone());
        loop {
            if let Some((arrays, next)) = &mut running.rest {
                let rows = arrays.first().map_or(0, |array| array.len());
                while *next < rows && left > 0 {
                    row(&mut self.wire, arrays, *next, &running.columns);
                    (*next, left, running.sent) = (*next + 1, left - 1, running.sent + 1);
                    self.wire.flush_if_much().await?;
                }
                if *next < rows {
                    return Ok(false);
                }
                running.rest = None;
            }
            let batch = tokio::select! {
                batch = running.answer.next() => batch,
                () = cancel.asked() => return Err(cancelled().into()),
                error = self.wire.gone() => return Err(error.into()),
            };
            let Some(batch) = batch.transpose()? else { return Ok(true) };
            let arrays = batch.columns().iter().map(values::plain).collect::<Result<Vec<_>, _>>();
            let arrays = arrays.map_err(|e| SqlError::new(Kind::Value, e.to_string()))?;
            if arrays.is_empty() {
                // Rows without a column are rows all the same.
                for _ in 0..batch.num_rows() {
                    row(&mut self.wire, &[], 0, &[]);
                    running.sent += 1;
                }
            } else {
                running.rest = Some((arrays, 0));
            }
        }
    }

    pub(super) fn complete(&mut self, running: &Running) {
        if running.answer.is_cut() {
            let said = format!("cut after {} rows; narrow the question, or ask in parts", running.sent);
            say::notice(&mut self.wire.out, "01004", &said);
        }
        say::complete(&mut self.wire.out, &format!("SELECT {}", running.sent));
    }

    /// Answers a statement that is about the session.
    pub(super) fn other(&mut self, statement: &Statement) -> Result<(), SqlError> {
        let out = &mut self.wire.out;
        match statement {
            Statement::Query(_) => {}
            Statement::Set { name, value } => {
                self.settings.set(name, value.clone())?;
                if name == "application_name" {
                    say::parameter(out, name, value.as_deref().unwrap_or_default());
                }
                say::complete(out, if value.is_some() { "SET" } else { "RESET" });
            }
            Statement::Show(name) if name == "all" => say::complete(out, "SHOW"),
            Statement::Show(name) => {
                let value = self.settings.show(name)?;
                let array: ArrayRef = Arc::new(datafusion::arrow::array::StringArray::from(vec![value]));
                let column = Column::of(&Field::new(name, DataType::Utf8, true), false);
                row(&mut self.wire, &[array], 0, &[column]);
                say::complete(&mut self.wire.out, "SHOW");
            }
            Statement::Begin => {
                self.transaction = b'T';
                say::complete(out, "BEGIN");
            }
            Statement::Commit => {
                let failed = self.transaction == b'E';
                self.transaction = b'I';
                say::complete(out, if failed { "ROLLBACK" } else { "COMMIT" });
            }
            Statement::Rollback => {
                self.transaction = b'I';
                say::complete(out, "ROLLBACK");
            }
            Statement::Discard => {
                self.settings.reset();
                self.parsed.clear();
                self.portals.clear();
                say::complete(out, "DISCARD ALL");
            }
            Statement::Deallocate(name) => {
                match name {
                    Some(name) => drop(self.parsed.remove(name)),
                    None => self.parsed.clear(),
                }
                say::complete(out, "DEALLOCATE");
            }
            Statement::Nothing(tag) => say::complete(out, tag),
        }
        Ok(())
    }
}

pub(super) fn cancelled() -> SqlError {
    SqlError::new(Kind::Cancelled, "the statement was ended, as was asked")
}

/// The column of what a statement about the session shows.
pub(super) fn shown(statement: &Statement) -> Option<Field> {
    match statement {
        Statement::Show(name) => Some(Field::new(name, DataType::Utf8, true)),
        _ => None,
    }
}

/// Whether the column or parameter `at` is binary: by one format for all, or one for each.
pub(super) fn format(formats: &[i16], at: usize) -> Result<bool, SqlError> {
    let format = match formats {
        [] => 0,
        [all] => *all,
        each => *each.get(at).unwrap_or(&-1),
    };
    match format {
        0 => Ok(false),
        1 => Ok(true),
        _ => {
            Err(SqlError::new(Kind::Syntax, "formats are 0 and 1, one for all or one for each")
                .coded("08P01"))
        }
    }
}

pub(super) fn columns<'a>(
    fields: impl Iterator<Item = &'a Field>,
    formats: &[i16],
) -> Result<Vec<Column>, SqlError> {
    fields.enumerate().map(|(at, field)| Ok(Column::of(field, format(formats, at)?))).collect()
}

fn row(wire: &mut Wire, arrays: &[ArrayRef], row: usize, columns: &[Column]) {
    say::message(&mut wire.out, b'D', |out| {
        bytes::BufMut::put_u16(out, u16::try_from(arrays.len()).unwrap_or(u16::MAX));
        for (array, column) in arrays.iter().zip(columns) {
            values::write(out, array, row, column.binary);
        }
    });
}
