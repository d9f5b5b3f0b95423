// SPDX-License-Identifier: Apache-2.0
//! Doors for mail servers: listeners of the protocols that `wardroom_mail::door` speaks.
//!
//! One listener serves one protocol. What a mail server asks becomes an event of the policy's (`ask`), judged like any other, and
//! goes back in its own words. Connections, bytes and time are bounded; a message that finds no room or no time is one that was
//! not scanned, and what becomes of it is the listener's fail mode.

mod ask;
mod connection;

use crate::api::Api;
use crate::limits;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use wardroom_mail::door::{
    Class, Conversation, Envelope, FailMode, Scored, delegation, milter, rspamd, spamd, stalwart,
};
use wardroom_mail::read::Reading;

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Milter: Postfix, Sendmail.
    Milter,
    /// Postfix's policy delegation.
    Delegation,
    /// rspamd's HTTP.
    Rspamd,
    /// SpamAssassin's spamd.
    Spamd,
    /// Stalwart's MTA hooks.
    Stalwart,
}

impl Protocol {
    /// Each of them, by its name.
    pub const ALL: [(&str, Protocol); 5] = [
        ("milter", Protocol::Milter),
        ("delegation", Protocol::Delegation),
        ("rspamd", Protocol::Rspamd),
        ("spamd", Protocol::Spamd),
        ("stalwart", Protocol::Stalwart),
    ];

    /// A conversation for one connection.
    fn begin(self, message_bytes: usize) -> Box<dyn Conversation> {
        match self {
            Protocol::Milter => Box::new(milter::Milter::new(message_bytes)),
            Protocol::Delegation => Box::new(delegation::Delegation::default()),
            Protocol::Rspamd => Box::new(rspamd::Rspamd::new(message_bytes)),
            Protocol::Spamd => Box::new(spamd::Spamd::new(message_bytes)),
            Protocol::Stalwart => Box::new(stalwart::Stalwart::new(message_bytes)),
        }
    }
}

/// A learned model: what it says of a message, or nothing where it can say nothing.
pub type Scorer = Arc<dyn Fn(&Envelope, &Reading) -> Option<Scored> + Send + Sync>;

/// How a listener behaves.
#[derive(Clone)]
pub struct Options {
    /// Its name, in events and in the log.
    pub name: Arc<str>,
    /// What it speaks.
    pub protocol: Protocol,
    /// What becomes of a message that cannot be judged.
    pub fail: FailMode,
    /// Most bytes of a message.
    pub message_bytes: usize,
    /// Most connections at once.
    pub connections: usize,
    /// How long judging may take.
    pub timeout: Duration,
    /// How long a connection may lie idle.
    pub idle: Duration,
    /// Whether those who connect may say what a message is.
    pub teaches: bool,
    /// The model, where there is one.
    pub scorer: Option<Scorer>,
}

impl Options {
    /// The defaults of [`limits`].
    pub fn new(name: &str, protocol: Protocol, fail: FailMode) -> Options {
        Options {
            name: name.into(),
            protocol,
            fail,
            message_bytes: wardroom_mail::door::limits::MESSAGE_BYTES,
            connections: limits::MAIL_CONNECTIONS,
            timeout: limits::MAIL_TIMEOUT,
            idle: limits::MAIL_IDLE,
            teaches: false,
            scorer: None,
        }
    }
}

/// What all connections of a listener share.
struct Door {
    api: Api,
    options: Options,
    /// Room for messages that are being read.
    turns: Arc<Semaphore>,
    counts: Counts,
    closing: watch::Receiver<bool>,
}

/// What was counted since the listener began.
struct Counts {
    classes: [AtomicU64; Class::ALL.len()],
    not_scanned: AtomicU64,
    learned: AtomicU64,
    cases: AtomicU64,
    since: wardroom_event::Micros,
}

/// Lets mail servers in until `stop` is ready; then answers what is asked and returns.
pub async fn serve(listener: TcpListener, api: Api, options: Options, stop: impl Future<Output = ()>) {
    let (close, closing) = watch::channel(false);
    let permits = Arc::new(Semaphore::new(options.connections.max(1)));
    let counts = Counts {
        classes: Default::default(),
        not_scanned: AtomicU64::new(0),
        learned: AtomicU64::new(0),
        cases: AtomicU64::new(0),
        since: api.now(),
    };
    let grace = api.options().grace;
    let turns = Arc::new(Semaphore::new(limits::MAIL_AT_ONCE));
    let door = Arc::new(Door { api, options, turns, counts, closing });
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => report(ended),
            (stream, permit) = accept(&listener, &permits) => {
                let door = door.clone();
                connections.spawn(async move {
                    let _permit = permit;
                    if let Err(error) = connection::serve(&door, stream).await {
                        tracing::debug!(listener = %door.options.name, "a connection of a mail server ended: {error}");
                    }
                });
            }
        }
    }
    drop(listener);
    close.send_replace(true);
    let finish = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(grace, finish).await.is_err() {
        tracing::warn!(listener = %door.options.name, "a mail server was still being answered when time was up");
    }
}

/// The next connection, once there is room for one: others wait to be accepted.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit) {
    let Ok(permit) = permits.clone().acquire_owned().await else { std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                // Out of file descriptors, most often: others end and give theirs back.
                tracing::warn!("cannot accept a connection of a mail server: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection of a mail server failed by a fault of the server: {error}");
    }
}
