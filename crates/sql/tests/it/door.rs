// SPDX-License-Identifier: Apache-2.0
//! A door over the small past, for clients: who may come in is a handful of keys.

use super::past::{NOON, memory};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use wardroom_event::Micros;
use wardroom_sql::door::{self, Admission, Gate, Lacks, Options, Verifier};
use wardroom_sql::{Memory, SqlEngine};

/// A key that sees all, and has a verifier under the name `desk`.
pub(crate) const WHOLE: &str = "wk_00000001_0123456789abcdef0123456789abcdef";
/// A key that sees masked, and has none.
pub(crate) const MASKED: &str = "wk_00000002_0123456789abcdef0123456789abcdef";
/// A key that may not read.
pub(crate) const INGEST: &str = "wk_00000003_0123456789abcdef0123456789abcdef";

struct Keys;

impl Gate for Keys {
    fn verifier(&self, user: &str) -> Option<(Verifier, Result<Admission, Lacks>)> {
        (user == "desk").then(|| (verifier(WHOLE), Ok(Admission { name: "desk".into(), whole: true })))
    }

    fn password(&self, password: &str) -> Option<Result<Admission, Lacks>> {
        match password {
            WHOLE => Some(Ok(Admission { name: "desk".into(), whole: true })),
            MASKED => Some(Ok(Admission { name: "trainee".into(), whole: false })),
            INGEST => Some(Err(Lacks("this needs a key with the role `read`".into()))),
            _ => None,
        }
    }

    fn now(&self) -> Micros {
        Micros(NOON)
    }
}

/// What is kept of a password, as the keys' file has it.
fn verifier(password: &str) -> Verifier {
    let (salt, mut salted) = ([9; 16], [0; 32]);
    let rounds = NonZeroU32::new(4096).unwrap();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut salted);
    let sign = |what: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salted), what);
    let stored = digest::digest(&digest::SHA256, sign(b"Client Key").as_ref());
    let text = |bytes: &[u8]| BASE64.encode(bytes);
    let (salt, stored, server) = (text(&salt), text(stored.as_ref()), text(sign(b"Server Key").as_ref()));
    Verifier::parse(&format!("SCRAM-SHA-256$4096:{salt}${stored}:{server}")).unwrap()
}

/// A door that is open until it is dropped.
pub(crate) struct Open {
    pub(crate) port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

pub(crate) fn open() -> Open {
    open_with(memory(), Options::default())
}

pub(crate) fn open_with(memory: Memory, options: Options) -> Open {
    let (stop, stopped) = oneshot::channel();
    let (tell, port) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            let engine = SqlEngine::new(Arc::new(memory), wardroom_sql::Options::default()).unwrap();
            door::serve(listener, engine, Arc::new(Keys), options, async { drop(stopped.await) }).await;
        });
    });
    Open { port: port.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
}
