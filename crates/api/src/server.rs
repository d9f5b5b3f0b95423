// SPDX-License-Identifier: Apache-2.0
//! Connections: accepted up to a number, bounded in time and size, finished in peace.
//!
//! HTTP/1.1 only: an edge speaks HTTP/2 to the world, and to this server over a few kept connections.

use crate::api::Api;
use crate::outlet::Outlet;
use crate::passage::Passage;
use crate::problem::Problem;
use crate::{limits, metrics, throughput};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower_service::Service;

/// Answers requests until `shutdown` is done, then finishes those in flight within the grace of the options. The
/// engine is left open: closing it is for whoever opened it.
pub async fn serve(listener: TcpListener, api: Api, shutdown: impl Future<Output = ()>) {
    let router = api.router();
    let slots = Arc::new(Semaphore::new(api.options().max_connections));
    let addresses = Addresses::new(api.options().max_connections_per_address);
    let mut connections = JoinSet::new();
    let looking = tokio::spawn(look_at_rates(api.clone()));
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => report(ended),
            (stream, peer, slot) = accept(&listener, &slots) => match addresses.admit(peer.ip()) {
                Some(one) => {
                    let places = (slot, one);
                    connections.spawn(connection(stream, api.clone(), router.clone(), places));
                }
                // Closed without an answer: who has too many gets no more of our time.
                None => api.metrics().turned_away(),
            }
        }
    }
    drop(listener);
    api.close();
    looking.abort();
    let finish = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(api.options().grace, finish).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections were cut when the grace was over");
        connections.shutdown().await;
    }
}

/// Notes how many events there are, until the server stops.
async fn look_at_rates(api: Api) {
    loop {
        api.rates().note(api.uptime(), api.engine().status().events);
        tokio::time::sleep(throughput::EVERY).await;
    }
}

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// How many connections each address has, where that is bounded.
struct Addresses {
    most: usize,
    open: Counts,
}

/// One connection of an address, until it is dropped.
struct OfAddress(Option<(IpAddr, Counts)>);

impl Addresses {
    /// At most so many of each; zero is no bound.
    fn new(most: usize) -> Addresses {
        Addresses { most, open: Arc::default() }
    }

    fn admit(&self, address: IpAddr) -> Option<OfAddress> {
        if self.most == 0 {
            return Some(OfAddress(None));
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let address = address.to_canonical();
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(OfAddress(Some((address, self.open.clone()))))
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let Some((address, open)) = self.0.take() else { return };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = open.entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(e) = ended {
        tracing::error!(error = %e, "a connection's task failed by a fault of the server");
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        // The semaphore is never closed.
        let Ok(slot) = slots.clone().acquire_owned().await else {
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            // Out of file handles, mostly: others must end first. A connection that went away is no matter.
            Err(e) => {
                tracing::warn!(error = %e, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// A place among all connections, and one among those of its address.
type Places = (OwnedSemaphorePermit, OfAddress);

async fn connection(stream: TcpStream, api: Api, router: Router, _places: Places) {
    // Answers are small and written whole; waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let _open = api.metrics().connection();
    let mut closing = api.closing();
    let head_timeout = api.options().head_timeout;
    let outlet = Outlet::new(stream, api.options().write_timeout);
    let service = service_fn(move |request| Box::pin(respond(api.clone(), router.clone(), request)));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_header_size(limits::HEAD_BYTES)
        .max_buf_size(limits::READ_BYTES)
        .serve_connection(TokioIo::new(outlet), service);
    let mut told = false;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break ended,
            _ = closing.wait_for(|closing| *closing), if !told => {
                told = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    match ended {
        Ok(()) => linger(connection.into_parts().io.into_inner()).await,
        Err(e) => tracing::debug!(error = %e, "a connection ended"),
    }
}

/// Closes a connection without losing its last answer. One that was answered early, before its request was read,
/// may still be sending; closing at once would make the system reset it, and the answer with it (RFC 9112, 9.6).
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let drain = async {
        let mut scrap = vec![0; 16 * 1024];
        let mut read = 0;
        while let Ok(n @ 1..) = stream.read(&mut scrap).await {
            read += n;
            if read > limits::LINGER_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(limits::LINGER, drain).await;
}

/// Answers one request; a fault of our own is answered too, and takes no other request with it.
async fn respond(
    api: Api,
    mut router: Router,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let began = Instant::now();
    let route = metrics::route(request.uri().path());
    let passage = Passage::begin(&api, request.headers());
    let method = request.method().clone();
    let request: Request = request.map(Body::new);
    let answered = AssertUnwindSafe(passage.scope(router.call(request))).catch_unwind().await;
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Err(panic) => passage.sync_scope(|| Problem::ours("answer", &words(&*panic))).into_response(),
    };
    if let Some((name, value)) = passage.header() {
        response.headers_mut().insert(name, value);
    }
    passage.finish(&api, &method, metrics::label(route), response.status().as_u16());
    api.metrics().request(route, response.status().as_u16(), began.elapsed());
    Ok(response)
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}
