// SPDX-License-Identifier: Apache-2.0
//! The door for those who speak PostgreSQL's protocol, version 3: psql, drivers, tools that draw.
//!
//! In come holders of a key of this server, over TLS or from the same machine. Everything is bounded before it is
//! believed: connections, the time until one is let in, messages, prepared statements, idle time.

mod cancel;
mod connection;
mod extended;
mod params;
mod say;
mod scram;
mod session;
mod settings;
mod startup;
pub(crate) mod values;
#[doc(hidden)]
pub mod wire;

pub(crate) use params::items as array_items;
pub use scram::Verifier;
pub(crate) use settings::{SERVER_VERSION, known as known_settings};

use crate::SqlEngine;
use crate::engine::{Kind, SqlError};
use crate::limits;
use bytes::BytesMut;
use cancel::Register;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use wardroom_event::Micros;

/// Who was let in.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The key's name.
    pub name: Arc<str>,
    /// Whether identifiers of people are shown whole.
    pub whole: bool,
}

/// Why a key that is good is not let in: what it lacks.
#[derive(Clone, Debug)]
pub struct Lacks(pub String);

/// Says who may come in, and what time it is.
pub trait Gate: Send + Sync {
    /// What is kept of the key that this user's name names, for SCRAM, and what it may; none where no key has that name, or
    /// it has no verifier.
    fn verifier(&self, user: &str) -> Option<(Verifier, Result<Admission, Lacks>)>;
    /// What the holder of this key may; none where it is no key.
    fn password(&self, password: &str) -> Option<Result<Admission, Lacks>>;
    /// The time.
    fn now(&self) -> Micros;
}

/// How the door behaves.
#[derive(Clone)]
pub struct Options {
    /// Certificate and key; without them connections from other machines are refused.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Most connections at once.
    pub connections: usize,
    /// How long one may lie idle.
    pub idle: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { tls: None, connections: limits::CONNECTIONS, idle: limits::IDLE }
    }
}

/// What all connections share.
struct Door {
    engine: SqlEngine,
    gate: Arc<dyn Gate>,
    options: Options,
    register: Register,
    closing: watch::Receiver<bool>,
}

/// Lets clients in until `stop` is ready; then ends what is under way and returns.
pub async fn serve(
    listener: TcpListener,
    engine: SqlEngine,
    gate: Arc<dyn Gate>,
    options: Options,
    stop: impl Future<Output = ()>,
) {
    let (close, closing) = watch::channel(false);
    let permits = Arc::new(Semaphore::new(options.connections.max(1)));
    let door = Arc::new(Door { engine, gate, options, register: Register::default(), closing });
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match permits.clone().try_acquire_owned() {
                    Ok(permit) => {
                        let door = door.clone();
                        connections.spawn(async move {
                            let _permit = permit;
                            if let Err(error) = connection::serve(&door, stream, peer).await {
                                tracing::debug!(%peer, "a connection for SQL ended: {error}");
                            }
                        });
                    }
                    Err(_) => full(stream).await,
                },
                Err(error) => {
                    // Out of file descriptors, most often: others end and give theirs back.
                    tracing::warn!("cannot accept a connection for SQL: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    close.send_replace(true);
    let _ =
        tokio::time::timeout(LAST_WORDS, async { while connections.join_next().await.is_some() {} }).await;
}

/// How long to wait when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long connections have for their last words.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Says that there is no place. What the client asked is not read: it is told before it asks.
async fn full(mut stream: TcpStream) {
    let mut out = BytesMut::new();
    let error = SqlError::new(Kind::TooLarge, "there are as many connections as there may be").coded("53300");
    say::error(&mut out, "FATAL", &error);
    let _ = tokio::time::timeout(ACCEPT_PAUSE, stream.write_all(&out)).await;
}
