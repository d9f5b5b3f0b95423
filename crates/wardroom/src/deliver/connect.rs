// SPDX-License-Identifier: Apache-2.0
//! Connections to a destination: TLS where the URL says so, kept for the next request, and never led elsewhere.
//!
//! Redirects are not followed: a destination is what was configured. Of an answer the status and `Retry-After` are read,
//! and they decide; its body is thrown away, and whether it comes is no matter.

use super::{Url, limits};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use wardroom_engine::Attempt;
use wardroom_event::{Micros, Span};

type Sender = SendRequest<Full<Bytes>>;

/// The ways to one destination.
pub(super) struct Line {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
    idle: Mutex<Vec<(Sender, Instant)>>,
}

impl Line {
    /// Connects nothing yet.
    pub(super) fn new(url: Url, ca_file: Option<&Path>) -> Result<Line> {
        let tls = if url.https { Some(trust(ca_file)?) } else { None };
        Ok(Line { url, tls, idle: Mutex::default() })
    }

    /// Sends a request and gives how that ended. The head of the answer is waited for as long as is said here.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>, most: Duration, now: Micros) -> Attempt {
        match timeout(most, self.answer(request)).await {
            Ok(Ok((response, sender))) => {
                let attempt = judge(response.status().as_u16(), response.headers(), now);
                self.finish(response, sender).await;
                attempt
            }
            Ok(Err(error)) => Attempt::Failed { why: format!("{error:#}"), wait: None },
            Err(_) => Attempt::Failed { why: format!("no answer within {} s", most.as_secs()), wait: None },
        }
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<(Response<Incoming>, Sender)> {
        if let Some(mut sender) = self.idle() {
            // The other side may have closed it meanwhile: then, and only then, another is worth a try.
            if sender.ready().await.is_ok()
                && let Ok(response) = sender.send_request(request.clone()).await
            {
                return Ok((response, sender));
            }
        }
        let mut sender = self.connect().await?;
        let response =
            sender.send_request(request).await.map_err(|e| anyhow::anyhow!("no answer: {}", source(&e)))?;
        Ok((response, sender))
    }

    fn idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < limits::IDLE_FOR);
        idle.pop().map(|(sender, _)| sender)
    }

    async fn connect(&self) -> Result<Sender> {
        let address = (self.url.host(), self.url.port);
        let stream = TcpStream::connect(address).await.map_err(|e| anyhow::anyhow!("no connection: {e}"))?;
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return handshake(stream).await };
        let name = ServerName::try_from(self.url.host().to_owned()).context("no name for TLS")?;
        let stream = TlsConnector::from(tls.clone()).connect(name, stream).await;
        handshake(stream.map_err(|e| anyhow::anyhow!("no TLS: {e}"))?).await
    }

    /// Reads the rest of an answer, so that its connection can be used again; if it is long, or slow, the connection is
    /// closed.
    async fn finish(&self, response: Response<Incoming>, sender: Sender) {
        let rest = Limited::new(response.into_body(), limits::ANSWER_BYTES).collect();
        let whole = timeout(limits::ANSWER_REST, rest).await.is_ok_and(|read| read.is_ok());
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if whole && !sender.is_closed() && idle.len() < limits::IDLE {
            idle.push((sender, Instant::now()));
        }
    }
}

async fn handshake<S>(stream: S) -> Result<Sender>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let made = http1::Builder::new().max_buf_size(limits::HEAD_BYTES).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(|e| anyhow::anyhow!("no connection: {}", source(&e)))?;
    // It ends when the sender is dropped.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// What lies behind hyper's words, which say only that something failed.
fn source(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Whom to trust: the file's certificates, or those of the system.
fn trust(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let about = || format!("cannot read the certificates {}", path.display());
            let mut pem = Vec::new();
            let file = std::fs::File::open(path).with_context(about)?;
            file.take(limits::CA_BYTES).read_to_end(&mut pem).with_context(about)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                roots.add(certificate.with_context(about)?).with_context(about)?;
            }
            if roots.is_empty() {
                bail!("{} holds no certificates in PEM", path.display());
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                bail!(
                    "the system has no certificates to trust; install ca-certificates, or name a `ca_file`"
                );
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions.context("TLS")?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What an answer means.
fn judge(status: u16, headers: &HeaderMap, now: Micros) -> Attempt {
    match status {
        200..=299 => Attempt::Delivered,
        410 => Attempt::Refused { why: "HTTP 410: the destination is gone for good".to_owned() },
        300..=399 => {
            Attempt::Failed { why: format!("HTTP {status}: redirects are not followed"), wait: None }
        }
        429 | 503 => Attempt::Failed { why: format!("HTTP {status}"), wait: retry_after(headers, now) },
        _ => Attempt::Failed { why: format!("HTTP {status}"), wait: None },
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: Micros) -> Option<Span> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse::<u32>() {
        return Some(Span::from_secs(secs.into()));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Micros(at.as_microsecond()).since(now)).filter(|wait| *wait > Span::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_the_page_says() {
        let now = Micros::parse("1994-11-06T08:49:00Z").unwrap();
        let check = |status: u16, after: Option<&'static str>, expect: Attempt| {
            let headers = after.map(|a| (RETRY_AFTER, hyper::header::HeaderValue::from_static(a)));
            assert_eq!(judge(status, &headers.into_iter().collect(), now), expect, "{status} {after:?}");
        };
        let failed = |why: &str, wait: Option<i64>| Attempt::Failed {
            why: why.to_owned(),
            wait: wait.map(Span::from_secs),
        };
        check(200, None, Attempt::Delivered);
        check(204, Some("5"), Attempt::Delivered);
        check(410, None, Attempt::Refused { why: "HTTP 410: the destination is gone for good".to_owned() });
        check(302, None, failed("HTTP 302: redirects are not followed", None));
        check(404, Some("5"), failed("HTTP 404", None));
        check(500, None, failed("HTTP 500", None));
        check(429, Some("5"), failed("HTTP 429", Some(5)));
        check(503, Some("Sun, 06 Nov 1994 08:49:37 GMT"), failed("HTTP 503", Some(37)));
        check(503, Some("Sun, 06 Nov 1994 08:48:37 GMT"), failed("HTTP 503", None));
        check(503, Some("soon"), failed("HTTP 503", None));
        check(503, Some("-5"), failed("HTTP 503", None));
    }
}
