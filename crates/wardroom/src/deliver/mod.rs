// SPDX-License-Identifier: Apache-2.0
//! Effects on their way out: the edge that drives the engine's outbox.
//!
//! One task asks the outbox what is due, sends it, and reports how that ended; what is due, in which order and when again
//! is the outbox's business, and so is what goes on record. Nothing here is waited for by a decision: the outbox reads the
//! journal behind it, and this task holds nothing that a decision needs. A destination that is slow holds its own few
//! places; each attempt has an end.

mod connect;
pub(crate) mod limits;
mod message;
mod sign;
mod url;

pub(crate) use sign::Secret;
pub(crate) use url::Url;

use crate::clock;
use anyhow::{Context, Result};
use bytes::Bytes;
use connect::Line;
use futures_util::FutureExt;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use sign::Signer;
use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use wardroom_engine::{Attempt, Delivery, Destination, EffectId, Outbox};
use wardroom_event::nearest;
use wardroom_policy::{Deed, Program};

/// A destination as it is configured.
#[derive(Clone)]
pub(crate) struct Destined {
    /// What rules call it.
    pub(crate) destination: Destination,
    pub(crate) url: Url,
    pub(crate) secret: Option<Secret>,
    /// Certificates to trust in place of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// How long one attempt may take.
    pub(crate) timeout: Duration,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether identifiers of people are sent whole.
    pub(crate) reveal: bool,
    /// Of a notification: the member that holds the words.
    pub(crate) field: String,
}

/// Shows what lets nobody in.
impl fmt::Debug for Destined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destined({} at {})", self.destination, self.url)
    }
}

/// Makes the request of a delivery.
type Build = fn(&Target, &Delivery) -> Result<Request<Full<Bytes>>, hyper::http::Error>;

/// A destination, ready to be sent to.
struct Target {
    destined: Destined,
    signer: Option<Signer>,
    line: Line,
    build: Build,
}

impl Target {
    fn open(destined: &Destined) -> Result<Target> {
        let signer = destined.secret.as_ref().map(Signer::open).transpose()?;
        let line = Line::new(destined.url.clone(), destined.ca_file.as_deref())?;
        Ok(Target { destined: destined.clone(), signer, line, build: Target::request })
    }

    /// Sends, and gives how that ended whatever happens on the way: an attempt of which nothing is told keeps its place
    /// for good, and a destination has few.
    async fn send(&self, delivery: &Delivery) -> Attempt {
        let ours = |_| Attempt::Failed { why: "a fault of our own".to_owned(), wait: None };
        AssertUnwindSafe(self.attempt(delivery)).catch_unwind().await.unwrap_or_else(ours)
    }

    async fn attempt(&self, delivery: &Delivery) -> Attempt {
        match (self.build)(self, delivery) {
            Ok(request) => self.line.send(request, self.destined.timeout, clock::now()).await,
            Err(e) => Attempt::Failed { why: format!("no request: {e}"), wait: None },
        }
    }

    fn request(&self, delivery: &Delivery) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let body = message::body(delivery, &self.destined);
        let timestamp = clock::now().0.div_euclid(1_000_000);
        let mut request = Request::post(&*self.destined.url.path)
            .header(HOST, &*self.destined.url.authority)
            .header(USER_AGENT, concat!("wardroom/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", &delivery.key)
            .header("webhook-id", &delivery.key)
            .header("webhook-timestamp", timestamp);
        if let Some(signer) = &self.signer {
            request = request.header("webhook-signature", signer.sign(&delivery.key, timestamp, &body));
        }
        for (name, value) in &self.destined.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(body.into()))
    }
}

/// Delivering, under way.
pub(crate) struct Deliver {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Opens the destinations and begins to deliver.
///
/// # Errors
/// When a secret or a file of certificates cannot be read, or the outbox cannot say in the journal where it stands.
pub(crate) async fn start(outbox: Arc<Outbox>, destined: &[Destined]) -> Result<Deliver> {
    let mut targets = HashMap::new();
    for one in destined {
        let target = Target::open(one).with_context(|| format!("{}", one.destination))?;
        targets.insert(one.destination.clone(), Arc::new(target));
    }
    outbox.configure(targets.keys().cloned());
    // So that it is known from here on, whatever happens. A full disk is met and told by whoever sends events.
    if let Err(e) = outbox.write(true).await {
        tracing::warn!(error = %e, "where effects stand is not on record");
    }
    let (stop, stopped) = oneshot::channel();
    let courier = Courier { outbox, targets, sending: JoinSet::new(), rest_until: None };
    Ok(Deliver { stop, task: tokio::spawn(courier.run(stopped)) })
}

impl Deliver {
    /// Lets what is under way finish within a bound, and has it written down.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        if let Err(e) = self.task.await {
            tracing::error!(error = %e, "delivering effects ended by a fault of our own");
        }
    }
}

/// What the task works with.
struct Courier {
    outbox: Arc<Outbox>,
    targets: HashMap<Destination, Arc<Target>>,
    sending: JoinSet<(EffectId, Attempt)>,
    /// After a fault of the journal.
    rest_until: Option<Instant>,
}

impl Courier {
    async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let mut tick = interval(limits::TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.begin().await;
            tokio::select! {
                biased;
                _ = &mut stop => break,
                Some(ended) = self.sending.join_next() => self.ended(ended),
                _ = tick.tick() => self.write(false).await,
            }
            while let Some(ended) = self.sending.try_join_next() {
                self.ended(ended);
            }
        }
        let finish = async {
            while let Some(ended) = self.sending.join_next().await {
                self.ended(ended);
            }
        };
        if timeout(limits::GRACE, finish).await.is_err() {
            tracing::warn!("effects were under way at the stop; they are sent again at the next start");
        }
        self.write(true).await;
    }

    /// Begins to send what is due.
    async fn begin(&mut self) {
        let resting = self.rest_until.is_some_and(|until| Instant::now() < until);
        if resting || !self.outbox.has_work(clock::now()) {
            return;
        }
        let outbox = self.outbox.clone();
        // Both read the disk.
        let looked = tokio::task::spawn_blocking(move || {
            let looked = outbox.look(clock::now());
            (looked.map(drop), outbox.due(clock::now()))
        });
        let Ok((looked, due)) = looked.await else {
            tracing::error!("looking for effects failed by a fault of our own");
            return self.rest();
        };
        if let Err(e) = looked {
            tracing::error!(error = %e, "the journal cannot be read for effects; they wait");
            self.rest();
        }
        for delivery in due {
            self.send(delivery);
        }
    }

    fn send(&mut self, delivery: Delivery) {
        let id = delivery.id;
        let Some(target) = self.targets.get(&delivery.destination).cloned() else {
            // The outbox gives out what is configured, and nothing else.
            let why = format!("{} is not configured", delivery.destination);
            return self.outbox.report(id, Attempt::Refused { why }, clock::now());
        };
        self.sending.spawn(async move {
            let attempt = target.send(&delivery).await;
            match &attempt {
                Attempt::Delivered => {
                    tracing::debug!(effect = %delivery.key, to = %delivery.destination, "delivered");
                }
                Attempt::Failed { why, .. } | Attempt::Refused { why } => tracing::info!(
                    effect = %delivery.key, to = %delivery.destination, attempt = delivery.attempt, why,
                    "not delivered"
                ),
            }
            (id, attempt)
        });
    }

    fn ended(&mut self, ended: Result<(EffectId, Attempt), tokio::task::JoinError>) {
        match ended {
            Ok((id, attempt)) => self.outbox.report(id, attempt, clock::now()),
            Err(e) => tracing::error!(error = %e, "sending an effect failed by a fault of our own"),
        }
    }

    async fn write(&mut self, all: bool) {
        let resting = self.rest_until.is_some_and(|until| Instant::now() < until);
        if resting && !all {
            return;
        }
        if let Err(e) = self.outbox.write(all).await {
            tracing::warn!(error = %e, "what became of effects is not on record yet");
            self.rest();
        }
    }

    fn rest(&mut self) {
        self.rest_until = Some(Instant::now() + limits::REST);
    }
}

/// What of a policy's effects has nowhere to go, each in one line.
pub(crate) fn unconfigured(program: &Program, destined: &[Destined]) -> Vec<String> {
    let mut said = Vec::new();
    for rule in &program.rules {
        for effect in &rule.effects {
            let (channel, name) = match &effect.what {
                Deed::Notify(whom) => ("notify", whom),
                Deed::Webhook(hook) => ("webhook", hook),
                Deed::Case(_) | Deed::Label { .. } | Deed::List { .. } => continue,
            };
            let known = destined.iter().map(|d| &d.destination).filter(|d| d.channel.name() == channel);
            let known: Vec<&str> = known.map(|d| &*d.name).collect();
            if known.contains(&&**name) {
                continue;
            }
            let near = nearest(name, known).map_or(String::new(), |near| format!("; there is `{near}`"));
            said.push(format!(
                "rule `{}`: {channel} `{name}` has nowhere to go: there is no `[effects.{channel}.{name}]`{near}",
                rule.id
            ));
        }
    }
    said.dedup();
    said
}

#[cfg(test)]
mod tests;
