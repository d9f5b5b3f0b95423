// SPDX-License-Identifier: Apache-2.0
//! From the first byte until a client is let in: TLS, who it says it is, and the proof.

use super::connection::Wire;
use super::wire::{First, Message};
use super::{Admission, Door, Lacks, say, scram};
use crate::engine::{Kind, SqlError};
use crate::limits;
use ring::rand::{SecureRandom, SystemRandom};
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Who was let in, with what was said at the start.
pub(super) struct Admitted {
    pub(super) admission: Admission,
    pub(super) parameters: Vec<(String, String)>,
}

/// Most requests for encryption before a client says who it is: TLS and Kerberos, each once, and some patience.
const REQUESTS: usize = 4;
/// Numbers of what the server asks of a client (`AuthenticationOk` and others).
const OK: i32 = 0;
const CLEARTEXT: i32 = 3;
const SASL: i32 = 10;
const SASL_CONTINUE: i32 = 11;
const SASL_FINAL: i32 = 12;
const MECHANISM: &str = "SCRAM-SHA-256";

/// Lets a client in; none where it wanted something else, or was told that it may not.
pub(super) async fn begin(
    door: &Door,
    stream: TcpStream,
    peer: SocketAddr,
) -> Result<Option<(Wire, Admitted)>> {
    let mut wire = Wire::new(Box::new(stream));
    let Some(said) = said_who(door, &mut wire).await? else { return Ok(None) };
    let admission = match admit(door, &mut wire, &said, peer).await? {
        Ok(admission) => admission,
        Err(error) => {
            tracing::info!(%peer, "refused at the door for SQL: {error}");
            say::error(&mut wire.out, "FATAL", &error);
            wire.flush().await?;
            return Ok(None);
        }
    };
    tracing::info!(%peer, key = %admission.name, tls = said.tls, "let in at the door for SQL");
    let Said { minor, parameters, .. } = said;
    let unknown: Vec<&str> =
        parameters.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("_pq_.")).collect();
    if minor > 0 || !unknown.is_empty() {
        say::older_protocol(&mut wire.out, &unknown);
    }
    say::authentication(&mut wire.out, OK, &[]);
    wire.most = limits::MESSAGE_BYTES;
    Ok(Some((wire, Admitted { admission, parameters })))
}

/// What a client said before it had to prove anything.
struct Said {
    tls: bool,
    minor: u16,
    parameters: Vec<(String, String)>,
}

impl Said {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

async fn said_who(door: &Door, wire: &mut Wire) -> Result<Option<Said>> {
    let mut tls = false;
    for _ in 0..REQUESTS {
        match (wire.first().await?, &door.options.tls) {
            (None, _) => return Ok(None),
            (Some(First::Startup { minor, parameters }), _) => {
                return Ok(Some(Said { tls, minor, parameters }));
            }
            (Some(First::Cancel { pid, secret }), _) => {
                door.register.cancel(pid, secret);
                return Ok(None);
            }
            (Some(First::Tls), Some(config)) if !tls => {
                if !wire.inbox.is_empty() {
                    // Sent in the clear by somebody in between, to be taken for what comes within TLS.
                    return Err(Error::new(ErrorKind::InvalidData, "bytes before TLS began"));
                }
                wire.stream.write_all(b"S").await?;
                wire.stream.flush().await?;
                let plain = std::mem::replace(
                    &mut wire.stream,
                    Box::new(tokio::io::join(tokio::io::empty(), tokio::io::sink())),
                );
                let acceptor = tokio_rustls::TlsAcceptor::from(config.clone());
                wire.stream = Box::new(acceptor.accept(plain).await?);
                tls = true;
            }
            (Some(First::Tls | First::Gss), _) => {
                wire.stream.write_all(b"N").await?;
                wire.stream.flush().await?;
            }
        }
    }
    Err(Error::new(ErrorKind::InvalidData, "too many requests for encryption"))
}

fn refused(code: &'static str, why: impl Into<String>) -> SqlError {
    SqlError::new(Kind::Name, why).coded(code)
}

/// Lets in who proves to hold a key that may read.
async fn admit(
    door: &Door,
    wire: &mut Wire,
    said: &Said,
    peer: SocketAddr,
) -> Result<std::result::Result<Admission, SqlError>> {
    if !said.tls && !peer.ip().to_canonical().is_loopback() {
        let why = refused("28000", "connections from other machines need TLS");
        return Ok(Err(why.hint("connect with sslmode=require, once `[sql] cert` and `key` are configured")));
    }
    if said.parameter("replication").is_some_and(|value| !matches!(value, "" | "false" | "off" | "no" | "0"))
    {
        return Ok(Err(refused("0A000", "there is no replication here")));
    }
    let Some(user) = said.parameter("user").filter(|user| !user.is_empty()) else {
        return Ok(Err(refused("28000", "no user was named")));
    };
    let proven = match door.gate.verifier(user) {
        Some((verifier, admission)) => by_scram(wire, verifier).await?.then_some(admission),
        None => by_password(door, wire).await?,
    };
    Ok(match proven {
        Some(Ok(admission)) => Ok(admission),
        Some(Err(Lacks(what))) => Err(refused("42501", what)),
        None => Err(refused("28P01", "the password is no key of this server").hint(
            "the password is a key `wk_…` with the role `read`; the user is the key's name, or anything",
        )),
    })
}

async fn answer(wire: &mut Wire) -> Result<bytes::Bytes> {
    wire.flush().await?;
    match wire.message().await? {
        Some(Message::Password(data)) => Ok(data),
        None => Err(ErrorKind::UnexpectedEof.into()),
        Some(_) => Err(Error::new(ErrorKind::InvalidData, "an answer was expected")),
    }
}

/// The key itself as the password: only ever asked for within TLS, or from the same machine.
async fn by_password(door: &Door, wire: &mut Wire) -> Result<Option<std::result::Result<Admission, Lacks>>> {
    say::authentication(&mut wire.out, CLEARTEXT, &[]);
    let data = answer(wire).await?;
    let password = data.strip_suffix(&[0]).and_then(|text| std::str::from_utf8(text).ok());
    Ok(password.and_then(|password| door.gate.password(password)))
}

async fn by_scram(wire: &mut Wire, verifier: scram::Verifier) -> Result<bool> {
    let mut random = [0; 18];
    SystemRandom::new().fill(&mut random).map_err(|_| Error::other("the system gives no random bytes"))?;
    say::authentication(&mut wire.out, SASL, format!("{MECHANISM}\0\0").as_bytes());
    let data = answer(wire).await?;
    let Some(first) = initial(&data) else { return Ok(false) };
    let Some((exchange, said)) = scram::begin(verifier, first, &random) else { return Ok(false) };
    say::authentication(&mut wire.out, SASL_CONTINUE, said.as_bytes());
    let data = answer(wire).await?;
    let last = std::str::from_utf8(&data).ok().and_then(|last| exchange.end(last));
    if let Some(said) = &last {
        say::authentication(&mut wire.out, SASL_FINAL, said.as_bytes());
    }
    Ok(last.is_some())
}

/// A mechanism's name, a length and the client's first message.
fn initial(data: &[u8]) -> Option<&str> {
    let rest = data.strip_prefix(MECHANISM.as_bytes())?.strip_prefix(&[0])?;
    let (length, first) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
    if length != first.len() {
        return None;
    }
    std::str::from_utf8(first).ok()
}
