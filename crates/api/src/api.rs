// SPDX-License-Identifier: Apache-2.0
//! The API's handle: what every request shares, and which path leads where.

use crate::act::{Acting, jobs, labels, lists};
use crate::cases::{self, Deadlines, Desk};
use crate::doors::{HookSecret, account, auth_policy, hooks};
use crate::erasures::Erasures;
use crate::keys::{Held, Keys, Refusal, Role};
use crate::metrics::Metrics;
use crate::passage;
use crate::problem::{self, Problem};
use crate::query::Sql;
use crate::rate::Limiter;
use crate::sentinel::{self, Sentinel, log, not_me};
use crate::status::LookAtHost;
use crate::throughput::Rates;
use crate::trace::Traces;
use crate::{
    backtests, campaigns, decide, effects, erasures, explain, health, history, limits, openapi, policy,
    query, ranges, status, stream,
};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use serde::Serialize;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore, watch};
use wardroom_account::breach::Breach;
use wardroom_engine::{Engine, SubmitError};
use wardroom_event::{Micros, Span};
use wardroom_history::Past;
use wardroom_history::backtest;
use wardroom_history::query::Source;

/// Tells the time. The edge passes it in; nothing here reads the wall clock.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// How the API behaves, beyond its engine and keys.
#[derive(Clone)]
pub struct Options {
    /// Tells the time of an event's arrival.
    pub clock: Clock,
    /// Whether `/metrics` is read without a key.
    pub metrics_open: bool,
    /// Most connections at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// Most connections at once from one address; further ones are closed. Zero: as many as there may be in all.
    pub max_connections_per_address: usize,
    /// How long requests in flight may take once the server is told to stop.
    pub grace: Duration,
    /// How long a body may take, unless it is a stream.
    pub body_timeout: Duration,
    /// How long a body that has begun may lie still, unless it is a stream.
    pub body_idle: Duration,
    /// How long a stream may lie still, with nothing to answer, before the server ends it.
    pub stream_idle: Duration,
    /// How long a request's head may take, and how long a connection may lie idle between two requests.
    pub head_timeout: Duration,
    /// How long a peer may take none of what is written to it before its connection is cut.
    pub write_timeout: Duration,
    /// Looks at the machine and the data directory, for `/v1/status`.
    pub host: Option<LookAtHost>,
    /// Whether each request gets a line in the log, and each event of a stream.
    pub log_requests: bool,
    /// Who erases subjects.
    pub erasures: Option<Arc<dyn Erasures>>,
    /// Who takes traces of requests.
    pub traces: Option<Arc<dyn Traces>>,
    /// Where backtests are done, if any are.
    pub backtests: Option<backtest::Desk>,
    /// The past that can be asked.
    pub past: Option<Arc<dyn Source>>,
    /// The same, with its files, to be looked at.
    pub history: Option<Arc<Past>>,
    /// Who answers SQL.
    pub sql: Option<Arc<dyn Sql>>,
    /// Keys the tags that tell masked values apart.
    pub secret: [u8; 16],
    /// What acting on the past needs.
    pub acting: Acting,
    /// What is known of breached passwords.
    pub breach: Option<Arc<Breach>>,
    /// What Keycloak's webhooks are signed with, where they are.
    pub keycloak_secret: Option<HookSecret>,
    /// By when cases are due.
    pub deadlines: Deadlines,
    /// How security logs look.
    pub sentinel: Sentinel,
}

impl Options {
    /// The defaults of [`limits`], with this clock.
    pub fn new(clock: impl Fn() -> Micros + Send + Sync + 'static) -> Options {
        Options {
            clock: Arc::new(clock),
            metrics_open: false,
            max_connections: limits::CONNECTIONS,
            grace: limits::GRACE,
            max_connections_per_address: 0,
            body_timeout: limits::BODY_TIMEOUT,
            body_idle: limits::BODY_IDLE,
            stream_idle: limits::STREAM_IDLE,
            head_timeout: limits::HEAD_TIMEOUT,
            write_timeout: limits::WRITE_TIMEOUT,
            host: None,
            log_requests: false,
            erasures: None,
            traces: None,
            backtests: None,
            past: None,
            history: None,
            sql: None,
            secret: [0; 16],
            acting: Acting::default(),
            breach: None,
            keycloak_secret: None,
            deadlines: Deadlines::default(),
            sentinel: Sentinel::usual(),
        }
    }
}

/// The API over one engine. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    keys: RwLock<Arc<Keys>>,
    options: Options,
    metrics: Metrics,
    began: Instant,
    rates: Rates,
    closing: watch::Sender<bool>,
    /// Held while a policy is put in force, so that a precondition stays true until it is.
    swapping: Arc<Mutex<()>>,
    openapi: Bytes,
    /// When the log was last told that the disk is full.
    complained: AtomicI64,
    /// One for each question about the past that may be answered at a time.
    asking: Arc<Semaphore>,
    /// Where cases stand.
    desk: Desk,
    /// What all who hold links may do together.
    not_me: Option<Limiter>,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Api(…)")
    }
}

impl Api {
    /// An API that answers for this engine and lets these keys in.
    pub fn new(engine: Arc<Engine>, keys: Keys, options: Options) -> Api {
        Api(Arc::new(Inner {
            engine,
            keys: RwLock::new(Arc::new(keys)),
            options,
            metrics: Metrics::new(),
            began: Instant::now(),
            rates: Rates::default(),
            closing: watch::Sender::new(false),
            swapping: Arc::default(),
            openapi: openapi::document().into(),
            complained: AtomicI64::new(i64::MIN),
            asking: Arc::new(Semaphore::new(limits::QUESTIONS)),
            desk: Desk::default(),
            not_me: sentinel::limiter(),
        }))
    }

    /// Lets other keys in from now on: after one was made or revoked.
    pub fn replace_keys(&self, keys: Keys) {
        let mut held = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        let keys = keys.after(&held);
        *held = Arc::new(keys);
    }

    /// The keys that are let in now.
    pub fn keys(&self) -> Arc<Keys> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// How long it has been there.
    pub(crate) fn uptime(&self) -> Duration {
        self.0.began.elapsed()
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.0.rates
    }

    pub(crate) fn openapi(&self) -> Bytes {
        self.0.openapi.clone()
    }

    pub(crate) fn swapping(&self) -> Arc<Mutex<()>> {
        self.0.swapping.clone()
    }

    /// Room for questions about the past.
    pub(crate) fn asking(&self) -> Arc<Semaphore> {
        self.0.asking.clone()
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.0.desk
    }

    pub(crate) fn not_me(&self) -> Option<&Limiter> {
        self.0.not_me.as_ref()
    }

    pub(crate) fn now(&self) -> Micros {
        (self.0.options.clock)()
    }

    /// Tells every connection and stream to finish.
    pub(crate) fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Becomes true when the server is told to stop.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }

    /// Lets a request in whose key has `role`. Gives the key's name.
    pub(crate) fn admit(&self, headers: &HeaderMap, role: Role) -> Result<Arc<str>, Problem> {
        self.admit_key(headers, role).map(|key| key.name.clone())
    }

    /// As [`Api::admit`], but gives the key.
    pub(crate) fn admit_key(&self, headers: &HeaderMap, role: Role) -> Result<Arc<Held>, Problem> {
        self.admit_sent(headers.get(AUTHORIZATION).map(HeaderValue::as_bytes), role)
    }

    /// As [`Api::admit_key`], by what would stand in the header `Authorization`.
    pub(crate) fn admit_sent(&self, sent: Option<&[u8]>, role: Role) -> Result<Arc<Held>, Problem> {
        let keys = self.keys();
        let admitted = keys.admit(sent, role).cloned().inspect(|key| passage::note_key(key));
        admitted.map_err(|refusal| match refusal {
            Refusal::NoToken => {
                Problem::new(problem::NO_KEY, "send `Authorization: Bearer wk_…` with a key of this server")
            }
            Refusal::Unknown => Problem::new(problem::NO_KEY, "this is no key of this server"),
            Refusal::Lacks(role) => {
                Problem::new(problem::MISSING_ROLE, format!("this needs a key with the role `{role}`"))
            }
        })
    }

    /// Takes one event off what a key may send.
    pub(crate) fn spend(&self, key: &Held) -> Result<(), Problem> {
        let Some(limiter) = &key.limiter else { return Ok(()) };
        limiter.take(self.uptime(), 1).map_err(Problem::rate_limited)
    }

    /// What the engine said, as the caller is told it; the log hears of a full disk at most once a minute.
    pub(crate) fn refused(&self, error: SubmitError) -> Problem {
        if let SubmitError::Full(why) = &error {
            let (now, last) = (self.now(), Micros(self.0.complained.load(Relaxed)));
            if now >= last.plus(Span::from_secs(60)) {
                self.0.complained.store(now.0, Relaxed);
                tracing::error!(error = %why, "the disk is full; events are refused");
            }
        }
        error.into()
    }

    /// Which path leads where.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/v1/decide", post(decide::decide))
            .route("/v1/record", post(decide::record))
            .route("/v1/stream", post(stream::stream))
            .route("/v1/account/attempt", post(account::attempt))
            .route("/v1/account/login", post(account::login))
            .route("/v1/account/keycloak", post(hooks::keycloak))
            .route("/v1/account/authentik", post(hooks::authentik))
            .route("/auth-policy", get(auth_policy::ask).post(auth_policy::tell))
            .route("/v1/decisions", get(explain::find))
            .route("/v1/decisions/{id}", get(explain::get))
            .route("/v1/policy", get(policy::show).put(policy::put))
            .route("/v1/policy/files", get(policy::files))
            .route("/v1/policy/check", post(policy::check))
            .route("/v1/query", post(query::ask))
            .route("/v1/history", get(history::show))
            .route("/v1/campaigns", get(campaigns::list))
            .route("/v1/campaigns/sweep", post(campaigns::sweep))
            .route("/v1/campaigns/{name}", get(campaigns::get))
            .route("/v1/status", get(status::status))
            .route("/v1/backtests", get(backtests::list).post(backtests::begin))
            .route("/v1/backtests/{id}", get(backtests::get).delete(backtests::remove))
            .route("/v1/effects", get(effects::list))
            .route("/v1/effects/retry", post(effects::retry_dead))
            .route("/v1/effects/{key}/retry", post(effects::retry))
            .route("/v1/cases", get(cases::list))
            .route("/v1/cases/{key}", get(cases::show))
            .route("/v1/cases/{key}/claim", post(cases::claim))
            .route("/v1/cases/{key}/close", post(cases::close))
            .route("/v1/accounts/{account}/log", get(log::get))
            .route("/v1/not-me/{token}", get(not_me::ask).post(not_me::say))
            .route("/v1/labels", get(labels::opinions).post(labels::say))
            .route("/v1/labels/import", post(labels::import))
            .route("/v1/acts/{act}/undo", post(labels::undo))
            .route("/v1/lists", get(lists::all))
            .route("/v1/lists/{id}", get(lists::one))
            .route("/v1/lists/{id}/entries", post(lists::change))
            .route("/v1/jobs", get(jobs::list).post(jobs::new))
            .route("/v1/jobs/{id}", get(jobs::one))
            .route("/v1/jobs/{id}/log", get(jobs::log))
            .route("/v1/jobs/{id}/{step}", post(jobs::step))
            .route("/v1/erasures", post(erasures::begin))
            .route("/v1/erasures/{id}", get(erasures::show))
            .route("/range/{prefix}", get(ranges::range))
            .route("/healthz", get(health::healthz))
            .route("/readyz", get(health::readyz))
            .route("/metrics", get(health::metrics))
            .route("/openapi.json", get(health::openapi))
            .fallback(no_route)
            .method_not_allowed_fallback(wrong_method)
            .with_state(self.clone())
    }
}

async fn no_route() -> Problem {
    Problem::new(
        problem::NO_ROUTE,
        "/openapi.json lists every path; events go to /v1/decide, /v1/record or /v1/stream",
    )
}

async fn wrong_method(request: Request) -> Problem {
    Problem::new(
        problem::WRONG_METHOD,
        format!("{} is not among those of the Allow header", request.method()),
    )
}

/// A JSON response of status 200.
pub(crate) fn json(bytes: impl Into<Body>) -> Response {
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// `body` as a JSON response of status 200.
pub(crate) fn json_of(body: &impl Serialize) -> Result<Response, Problem> {
    serde_json::to_vec(body).map(json).map_err(|e| Problem::ours("write a response", &e))
}
