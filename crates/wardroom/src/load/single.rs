// SPDX-License-Identifier: Apache-2.0
//! One event a request, one request at a time on each connection.

use super::answer::{self, Outcome};
use super::plan::{LoadError, Target};
use super::{Shared, limits};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout, timeout_at};

/// One kept-alive connection. Dropping it closes it.
pub(super) struct Connection<B> {
    pub(super) sender: SendRequest<B>,
    driver: JoinHandle<()>,
}

impl<B> Drop for Connection<B> {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl<B> Connection<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Connects to the target.
    pub(super) async fn open(target: &Target) -> io::Result<Connection<B>> {
        let stream = timeout(limits::CONNECT, TcpStream::connect(target.address)).await??;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let driver = tokio::spawn(async move {
            // How it ended shows in the request that was under way.
            let _ = connection.await;
        });
        Ok(Connection { sender, driver })
    }
}

/// A request to the target.
pub(super) fn request<B>(target: &Target, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.path.clone().into();
    *request.headers_mut() = target.headers.clone();
    request
}

/// Finds out whether anybody listens, before a run begins.
///
/// # Errors
/// [`LoadError::Connect`].
pub(super) async fn reach(target: &Target) -> Result<(), LoadError> {
    let refused = |source| LoadError::Connect { address: target.address, source };
    let connected = timeout(limits::CONNECT, TcpStream::connect(target.address)).await;
    connected.map_err(|elapsed| refused(elapsed.into()))?.map(drop).map_err(refused)
}

/// Sends events over one connection until there are no more.
pub(super) async fn work(shared: Arc<Shared>) {
    let mut connection: Option<Connection<Full<Bytes>>> = None;
    let mut event = Vec::new();
    while let Some(arrival) = shared.next().await {
        let started = Instant::now();
        event.clear();
        shared.events.write(arrival.number, &mut event);
        let body = Bytes::copy_from_slice(&event);
        let answer =
            timeout_at(shared.window.give_up.into(), ask(&shared.target, &mut connection, body)).await;
        let done = Instant::now();
        match answer {
            Ok(Ok((status, body))) => {
                shared.tally().done(&arrival, started, done, &answer::read(status, &body));
            }
            Ok(Err(fault)) => {
                connection = None;
                shared.tally().done(&arrival, started, done, &Outcome::Error(fault.into()));
                sleep(limits::BACK_OFF).await;
            }
            Err(_) => {
                connection = None;
                shared.tally().unanswered(&arrival, started, done);
            }
        }
    }
}

/// One request and the whole of its answer. The error says where it stopped.
async fn ask(
    target: &Target,
    connection: &mut Option<Connection<Full<Bytes>>>,
    body: Bytes,
) -> Result<(u16, Bytes), &'static str> {
    let open = match connection {
        Some(open) if !open.sender.is_closed() => open,
        other => other.insert(Connection::open(target).await.map_err(|_| "connect")?),
    };
    open.sender.ready().await.map_err(|_| "connection closed")?;
    let response =
        open.sender.send_request(request(target, Full::new(body))).await.map_err(|_| "no answer")?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), limits::ANSWER_BYTES)
        .collect()
        .await
        .map_err(|_| "answer cut off")?;
    Ok((status, body.to_bytes()))
}
