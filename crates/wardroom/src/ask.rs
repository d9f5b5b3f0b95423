// SPDX-License-Identifier: Apache-2.0
//! Asking a running server one thing, as `explain` and `status` do: plain HTTP to an address, with a key.
//!
//! No TLS: the server itself speaks none, and whoever asks through a proxy far away has `curl`.

use crate::config::Config;
use crate::failure::{NotRight, Usage};
use crate::terminal::{one_line, printable};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::client::conn::http1::handshake;
use hyper::{Method, Request, Uri, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the server may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long it may take over a question that says itself how long that is: the server's own bound ends it before.
const ANSWER_MOST: Duration = Duration::from_secs(660);
/// Largest answer read, in bytes.
const MOST: usize = 512 * 1024 * 1024;

/// The API key of the environment.
///
/// # Errors
/// When there is none. `what` begins the sentence that says so, such as "a decision is asked of its server".
pub(crate) fn key(what: &str) -> Result<String> {
    key_or(|| {
        format!(
            "{what}: put an API key with the role `read` into WARDROOM_KEY, or name the data directory with --data"
        )
    })
}

/// The API key of the environment, for what only a key with this role may do.
///
/// # Errors
/// When there is none.
pub(crate) fn key_with(role: &str) -> Result<String> {
    key_or(|| format!("put an API key with the role `{role}` into WARDROOM_KEY"))
}

#[allow(clippy::disallowed_methods, reason = "this is the edge where the environment is read")]
fn key_or(missing: impl FnOnce() -> String) -> Result<String> {
    let key = std::env::var("WARDROOM_KEY").ok().filter(|key| !key.is_empty());
    Ok(key.ok_or_else(|| Usage(missing()))?)
}

/// A server, by its URL.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    authority: String,
    address: String,
    path: String,
}

/// What a server said.
pub(crate) struct Said {
    status: u16,
    body: Bytes,
}

impl Server {
    /// The server at a URL such as `http://127.0.0.1:8320`.
    pub(crate) fn named(url: &str) -> Result<Server> {
        let uri: Uri =
            url.parse().map_err(|_| Usage(format!("`{url}` is no URL such as http://127.0.0.1:8320")))?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(Usage(format!("a server is named as http://host:port; this is `{url}`")).into());
        };
        Ok(Server {
            url: url.to_owned(),
            address: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)),
            authority: authority.as_str().to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The server that this configuration is of.
    pub(crate) fn configured(config: &Config) -> Result<Server> {
        Server::named(&format!("http://{}", config.listen.value))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether anything takes connections at its address.
    pub(crate) async fn is_there(&self) -> bool {
        matches!(timeout(ANSWER, TcpStream::connect(&self.address)).await, Ok(Ok(_)))
    }

    /// The server at a URL, or the one that the configuration is of.
    pub(crate) fn of(url: Option<&str>, config: Option<&Path>) -> Result<Server> {
        match url {
            Some(url) => Server::named(url),
            None => Server::configured(&Config::load(config)?),
        }
    }

    /// What it says at a path.
    pub(crate) async fn get(&self, path: &str, key: &str) -> Result<Said> {
        self.call(Method::GET, path, key).await
    }

    /// What it says at a path where looking may take as long as a question about the past.
    pub(crate) async fn get_at_length(&self, path: &str, key: &str) -> Result<Said> {
        self.call_within(Method::GET, path, key, ANSWER_MOST).await
    }

    /// What it answers to a request without a body.
    pub(crate) async fn call(&self, method: Method, path: &str, key: &str) -> Result<Said> {
        self.call_within(method, path, key, ANSWER).await
    }

    async fn call_within(&self, method: Method, path: &str, key: &str, most: Duration) -> Result<Said> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.path))
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .body(Empty::<Bytes>::new())
            .map_err(|_| Usage("WARDROOM_KEY holds no API key".to_owned()))?;
        let asked = timeout(most, self.ask(request)).await;
        asked.context("the server does not answer")?.with_context(|| {
            format!("no answer from {}; where no server runs, --data DIR reads what it left", self.url)
        })
    }

    /// What it answers to a body of this type; `once` is the name under which asking twice is asking once.
    pub(crate) async fn send(
        &self,
        path: &str,
        key: &str,
        kind: &'static str,
        once: Option<&str>,
        body: Bytes,
    ) -> Result<Said> {
        let mut request = Request::post(format!("{}{path}", self.path))
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, kind);
        if let Some(once) = once {
            request = request.header("idempotency-key", once);
        }
        let request = request
            .body(Full::new(body))
            .map_err(|_| Usage("WARDROOM_KEY holds no API key, or the name is none".to_owned()))?;
        let asked = timeout(ANSWER, self.ask(request)).await;
        asked.context("the server does not answer")?.with_context(|| format!("no answer from {}", self.url))
    }

    /// What it answers to JSON.
    pub(crate) async fn send_json(&self, path: &str, key: &str, json: &Value) -> Result<Said> {
        self.send(path, key, "application/json", None, json.to_string().into()).await
    }

    /// What it answers to JSON sent to a path, wanted in this form.
    pub(crate) async fn ask_for(&self, path: &str, key: &str, accept: &str, json: Value) -> Result<Said> {
        let request = Request::post(format!("{}{path}", self.path))
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::ACCEPT, accept)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::<Bytes>::new(json.to_string().into()))
            .map_err(|_| Usage("WARDROOM_KEY holds no API key".to_owned()))?;
        let asked = timeout(ANSWER_MOST, self.ask(request)).await;
        asked.context("the server does not answer")?.with_context(|| format!("no answer from {}", self.url))
    }

    /// Sends JSON to a path, with these headers. Gives the status of the answer.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(header::HeaderName, header::HeaderValue)],
        json: Bytes,
    ) -> Result<u16> {
        let mut request = Request::post(format!("{}{path}", self.path))
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(json))?;
        request.headers_mut().extend(headers.iter().cloned());
        Ok(self.ask(request).await?.status)
    }

    async fn ask<B>(&self, request: Request<B>) -> Result<Said>
    where
        B: hyper::body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
    {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MOST).collect().await;
        driver.abort();
        Ok(Said { status, body: body.map_err(|e| anyhow::anyhow!("{e}"))?.to_bytes() })
    }
}

impl Said {
    /// The status of the answer.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Its body.
    pub(crate) fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Why it does not do this one thing, in its words, where its status is among these.
    pub(crate) fn refusal(&self, statuses: &[u16]) -> Option<String> {
        let problem: Value = serde_json::from_slice(&self.body).ok()?;
        let is_told = statuses.contains(&self.status) && problem["rendered"].is_null();
        is_told.then(|| one_line(problem["detail"].as_str().unwrap_or_default()))
    }

    /// The lines of a success, each as JSON.
    pub(crate) fn lines(self, url: &str) -> Result<Vec<Value>> {
        if self.status != 200 {
            return self.ok(url).map(|said| vec![said]);
        }
        let lines = self.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let read = |line| serde_json::from_slice(line).with_context(|| format!("{url} answers with no JSON"));
        lines.map(read).collect()
    }

    /// The JSON of a success; the words of a problem as an error.
    pub(crate) fn ok(self, url: &str) -> Result<Value> {
        let said: Value =
            serde_json::from_slice(&self.body).with_context(|| format!("{url} answers with no JSON"))?;
        if let Some(rendered) = said["rendered"].as_str().filter(|_| self.status == 422) {
            writeln!(std::io::stderr(), "{}", printable(rendered))?;
            return Err(NotRight.into());
        }
        if !matches!(self.status, 200..=202) {
            let words = ["title", "detail"].map(|key| one_line(said[key].as_str().unwrap_or_default()));
            bail!("{url} answers {}: {}", self.status, words.join(": "));
        }
        Ok(said)
    }
}
