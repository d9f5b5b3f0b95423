// SPDX-License-Identifier: Apache-2.0
//! The limit to compare with: the same web stack, JSON read and written, and nothing behind it.
//!
//! No counting, no rules, no record, no disk. What the real server adds is the difference between the two in one run.

use super::limits;
use super::stream::{Feed, Lines};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// A bare endpoint on a free port of 127.0.0.1, with a runtime of its own. Dropping it stops it.
pub(crate) struct Peer {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Peer {
    /// Starts it with that many threads. Takes `POST /v1/decide` (a JSON object; its `verdict` is `challenge` where
    /// `ok` is false and `allow` otherwise) and `POST /v1/stream` (the same by lines).
    ///
    /// # Errors
    /// When the threads or the socket cannot be had.
    pub(crate) fn start(threads: usize) -> io::Result<Peer> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("peer")
            .enable_all()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let app = Router::new().route("/v1/decide", post(decide)).route("/v1/stream", post(stream));
        runtime.spawn(async move {
            // Without delays of Nagle's algorithm, as the real server has it.
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                let _ = stream.set_nodelay(true);
            });
            let _ = axum::serve(listener, app).await;
        });
        Ok(Peer { address, runtime: Some(runtime) })
    }

    /// Where it listens, as [`super::Plan::url`] wants it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Without waiting: it may be dropped inside another runtime, where nothing may block.
            runtime.shutdown_background();
        }
    }
}

async fn decide(body: Bytes) -> Response {
    match answer(&body) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(problem) => (StatusCode::BAD_REQUEST, problem).into_response(),
    }
}

/// The answer to one event, or a problem document.
fn answer(event: &[u8]) -> Result<String, String> {
    match serde_json::from_slice::<Value>(event) {
        Ok(Value::Object(event)) => {
            let verdict = if event.get("ok") == Some(&Value::Bool(false)) { "challenge" } else { "allow" };
            Ok(json!({ "id": event.get("id"), "verdict": verdict, "signals": [] }).to_string())
        }
        _ => Err(json!({ "status": 400, "title": "not an event" }).to_string()),
    }
}

/// One answer a line, as many in a piece as came in one.
async fn stream(body: Body) -> Response {
    let (pieces, feed) = mpsc::channel(limits::PIECES);
    tokio::spawn(async move {
        let mut body = body;
        let mut lines = Lines::default();
        while let Some(Ok(frame)) = body.frame().await {
            let Some(bytes) = frame.data_ref() else {
                continue;
            };
            let mut answers = String::new();
            lines.push(bytes, |line| {
                answers
                    .push_str(&answer(line).unwrap_or_else(|problem| format!("{{\"problem\":{problem}}}")));
                answers.push('\n');
            });
            if !answers.is_empty() && pieces.send(Bytes::from(answers)).await.is_err() {
                return;
            }
        }
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(Feed(feed))).into_response()
}
