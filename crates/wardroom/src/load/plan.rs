// SPDX-License-Identifier: Apache-2.0
//! What to run: where to, how fast, how long; and what can be wrong with it.

use super::{Events, limits};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::http::uri::PathAndQuery;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A run of the load generator.
#[derive(Clone)]
pub(crate) struct Plan {
    /// The server: `http://127.0.0.1:8750`, `http://[::1]:8750` or `http://localhost:8750`, without a path.
    pub(crate) url: String,
    /// The API key, sent as `Authorization: Bearer …`; `None` sends no such header.
    pub(crate) token: Option<String>,
    /// How events travel.
    pub(crate) mode: Mode,
    /// When they come.
    pub(crate) arrivals: Arrivals,
    /// How many keep-alive connections carry them; from 1 to [`limits::CONNECTIONS`]. In [`Mode::Single`] each has one
    /// request under way at a time, so a rate needs at least rate × latency of them.
    pub(crate) connections: usize,
    /// [`Mode::Stream`]: how many events one stream may have without an answer; from 1 to [`limits::IN_FLIGHT`].
    pub(crate) in_flight: usize,
    /// How long the same load runs before anything is measured.
    pub(crate) warm_up: Duration,
    /// How long is measured.
    pub(crate) duration: Duration,
    /// What is sent.
    pub(crate) events: Events,
    /// A closed loop ends after so many, if that is before its time.
    pub(crate) most: Option<u64>,
    /// Told what comes back, for who wants to see how it goes.
    pub(crate) watch: Option<super::Watch>,
}

/// How events travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// One event a request: `POST /v1/decide`.
    Single,
    /// NDJSON, one event a line, one answer a line in the same order: `POST /v1/stream`, one request a connection.
    Stream,
}

/// When events come.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub(crate) enum Arrivals {
    /// Open loop, evenly spaced.
    Fixed {
        /// Events a second.
        rate: f64,
    },
    /// Open loop, each independent of the others, as many people are: the times between are exponential.
    Poisson {
        /// Events a second, on average.
        rate: f64,
        /// The same seed gives the same times.
        seed: u64,
    },
    /// Closed loop: each connection sends the next event as soon as it may.
    Max,
}

impl Arrivals {
    /// The rate asked for; `None` for as fast as possible.
    pub(crate) fn rate(self) -> Option<f64> {
        match self {
            Arrivals::Fixed { rate } | Arrivals::Poisson { rate, .. } => Some(rate),
            Arrivals::Max => None,
        }
    }
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// Something in the plan is out of its limits.
    #[error("{0}")]
    Plan(String),
    /// The address is none.
    #[error("`{url}` is not the address of a server: {why}")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The address is on another machine.
    #[error("{address} is not a loopback address: load is sent to this machine only")]
    NotLoopback {
        /// Where it points.
        address: SocketAddr,
    },
    /// The key cannot stand in a header. It is not shown.
    #[error("the API key has characters that cannot stand in a header")]
    Token,
    /// Nobody answers there.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The thread that keeps the time could not be started.
    #[error("cannot start the pacing thread: {0}")]
    Thread(io::Error),
}

impl Plan {
    /// Holds the plan to its limits.
    ///
    /// # Errors
    /// [`LoadError::Plan`] with the first that is passed.
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        let most = limits::DURATION.as_secs();
        let fault = if !(1..=limits::CONNECTIONS).contains(&self.connections) {
            format!("{} connections; there may be 1 to {}", self.connections, limits::CONNECTIONS)
        } else if !(1..=limits::IN_FLIGHT).contains(&self.in_flight) {
            format!("{} events in flight; there may be 1 to {}", self.in_flight, limits::IN_FLIGHT)
        } else if self.arrivals.rate().is_some_and(|r| !(r > 0.0 && r <= limits::RATE)) {
            format!("the rate must be above 0 and at most {} events a second", limits::RATE)
        } else if self.duration.is_zero() || self.duration > limits::DURATION {
            format!("the duration must be above 0 and at most {most} s")
        } else if self.warm_up > limits::DURATION {
            format!("the warm-up must be at most {most} s")
        } else {
            return Ok(());
        };
        Err(LoadError::Plan(fault))
    }
}

/// The server, taken apart once.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(super) address: SocketAddr,
    pub(super) path: PathAndQuery,
    pub(super) headers: HeaderMap,
}

impl Target {
    /// Where and with which headers the plan sends.
    pub(super) async fn of(plan: &Plan) -> Result<Target, LoadError> {
        let (host, port) =
            authority(&plan.url).map_err(|why| LoadError::Url { url: plan.url.clone(), why })?;
        let address = loopback(&plan.url, &host, port).await?;
        let (path, content) = match plan.mode {
            Mode::Single => ("/v1/decide", "application/json"),
            Mode::Stream => ("/v1/stream", "application/x-ndjson"),
        };
        let mut headers = HeaderMap::new();
        let named = HeaderValue::try_from(address.to_string());
        headers
            .insert(HOST, named.map_err(|e| LoadError::Url { url: plan.url.clone(), why: e.to_string() })?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
        if let Some(token) = &plan.token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| LoadError::Token)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Target { address, path: PathAndQuery::from_static(path), headers })
    }
}

/// Host and port of `http://host:port`.
fn authority(url: &str) -> Result<(String, u16), String> {
    let uri: hyper::Uri = url.parse().map_err(|e| format!("{e}"))?;
    if uri.scheme_str() != Some("http") {
        return Err("it must begin with http://".to_owned());
    }
    if uri.path() != "/" || uri.query().is_some() {
        return Err("it must end after the port".to_owned());
    }
    if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
        return Err("it must hold no user; the API key is given apart".to_owned());
    }
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok((host, uri.port_u16().unwrap_or(80)))
}

/// The first address of the host; every one of them must be loopback.
async fn loopback(url: &str, host: &str, port: u16) -> Result<SocketAddr, LoadError> {
    let no_address = |why: String| LoadError::Url { url: url.to_owned(), why };
    let found = tokio::net::lookup_host((host, port)).await.map_err(|e| no_address(e.to_string()))?;
    let mut first = None;
    for address in found {
        if !address.ip().to_canonical().is_loopback() {
            return Err(LoadError::NotLoopback { address });
        }
        first = first.or(Some(address));
    }
    first.ok_or_else(|| no_address("the host has no address".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(url: &str) -> Plan {
        Plan {
            most: None,
            watch: None,
            url: url.to_owned(),
            token: None,
            mode: Mode::Single,
            arrivals: Arrivals::Max,
            connections: 1,
            in_flight: 1,
            warm_up: Duration::ZERO,
            duration: Duration::from_secs(1),
            events: Events::new(|_, _| {}),
        }
    }

    #[tokio::test]
    async fn addresses_of_this_machine_and_no_other() {
        async fn check(url: &str, expect: &str) {
            let got = match Target::of(&plan(url)).await {
                Ok(target) => target.address.to_string(),
                Err(error) => error.to_string(),
            };
            assert!(got.contains(expect), "{url}: {got}");
        }
        check("http://127.0.0.1:8750", "127.0.0.1:8750").await;
        check("http://127.9.9.9:8750/", "127.9.9.9:8750").await;
        check("http://[::1]:8750", "[::1]:8750").await;
        check("http://[::ffff:127.0.0.1]:8750", ":8750").await;
        check("http://192.0.2.1:8750", "192.0.2.1:8750 is not a loopback address").await;
        check("http://0.0.0.0:8750", "is not a loopback address").await;
        check("http://[::ffff:192.0.2.1]:80", "is not a loopback address").await;
        check("https://127.0.0.1:8750", "must begin with http://").await;
        check("127.0.0.1:8750", "is not the address of a server").await;
        check("http://127.0.0.1:8750/v1", "must end after the port").await;
        check("http://user:word@127.0.0.1:8750", "must hold no user").await;
    }

    #[tokio::test]
    async fn a_key_is_sent_and_never_shown() {
        let mut plan = plan("http://127.0.0.1:1");
        plan.token = Some("secret-key".to_owned());
        let target = Target::of(&plan).await.unwrap();
        assert_eq!(target.headers[AUTHORIZATION], "Bearer secret-key");
        assert!(!format!("{target:?}").contains("secret-key"));
        plan.token = Some("secret\nkey".to_owned());
        let error = Target::of(&plan).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }

    #[test]
    fn a_plan_is_held_to_its_limits() {
        let check = |change: fn(&mut Plan), expect: Option<&str>| {
            let mut plan = plan("http://127.0.0.1:1");
            change(&mut plan);
            let got = plan.check().err().map(|e| e.to_string());
            assert_eq!(got.is_some(), expect.is_some(), "{got:?}");
            assert!(expect.is_none_or(|e| got.clone().unwrap_or_default().contains(e)), "{got:?}");
        };
        check(|_| {}, None);
        check(|p| p.connections = 0, Some("0 connections"));
        check(|p| p.connections = 8193, Some("1 to 8192"));
        check(|p| p.in_flight = 0, Some("0 events in flight"));
        check(|p| p.arrivals = Arrivals::Fixed { rate: 0.0 }, Some("rate"));
        check(|p| p.arrivals = Arrivals::Fixed { rate: f64::NAN }, Some("rate"));
        check(|p| p.arrivals = Arrivals::Poisson { rate: 2e6, seed: 1 }, Some("rate"));
        check(|p| p.duration = Duration::ZERO, Some("duration"));
        check(|p| p.warm_up = Duration::from_secs(4000), Some("warm-up"));
    }
}
