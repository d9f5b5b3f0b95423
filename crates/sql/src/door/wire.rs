// SPDX-License-Identifier: Apache-2.0
//! Messages of a client, read within their own bounds: a message is a slice, and nothing is taken from beyond it.
//!
//! Written here and not taken from a library: the one there is reads past a message's end, panics where one is short,
//! and takes a gigabyte from who has not said who they are.

use bytes::Bytes;

/// What a connection may begin with.
#[derive(Debug, PartialEq, Eq)]
pub enum First {
    /// Asks for TLS.
    Tls,
    /// Asks for encryption by Kerberos, which is refused.
    Gss,
    /// Asks for the statement of another connection to be ended.
    Cancel {
        /// Which connection.
        pid: i32,
        /// What only that connection's client was told.
        secret: i32,
    },
    /// Says who it is and what it wants.
    Startup {
        /// Version 3 of the protocol, and which of it.
        minor: u16,
        /// `user`, `database` and the like.
        parameters: Vec<(String, String)>,
    },
}

/// What is sent once a connection is made.
#[derive(Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as PostgreSQL's chapter on message formats names them")]
pub enum Message {
    Query(String),
    Parse {
        name: String,
        text: String,
        types: Vec<u32>,
    },
    Bind {
        portal: String,
        statement: String,
        formats: Vec<i16>,
        values: Vec<Option<Bytes>>,
        results: Vec<i16>,
    },
    DescribeStatement(String),
    DescribePortal(String),
    Execute {
        portal: String,
        most: i32,
    },
    CloseStatement(String),
    ClosePortal(String),
    Flush,
    Sync,
    Terminate,
    /// A password or a step of SASL: what it is depends on what was asked.
    Password(Bytes),
    /// Data for a COPY that was never begun; passed over.
    Copy,
}

/// A message that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message that is not as the protocol has it: {0}")]
pub struct Malformed(pub &'static str);

type Read<T> = Result<T, Malformed>;

const SHORT: Malformed = Malformed("it is too short");

/// Most parameters of a start-up message.
const STARTUP_PARAMETERS: usize = 64;

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| SHORT)
    }

    fn i32(&mut self) -> Read<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Read<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn u16(&mut self) -> Read<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// How many items of so many bytes follow; no more than can.
    fn count(&mut self, each: usize) -> Read<usize> {
        let many = usize::from(self.u16()?);
        if many.saturating_mul(each) > self.0.len() { Err(SHORT) } else { Ok(many) }
    }

    fn text(&mut self) -> Read<String> {
        let end = self.0.iter().position(|b| *b == 0).ok_or(Malformed("a text without an end"))?;
        let text = self.take(end)?;
        self.take(1)?;
        String::from_utf8(text.to_vec()).map_err(|_| Malformed("a text that is not UTF-8"))
    }

    fn formats(&mut self) -> Read<Vec<i16>> {
        let many = self.count(2)?;
        (0..many).map(|_| Ok(i16::from_be_bytes(self.array()?))).collect()
    }

    fn end<T>(self, message: T) -> Read<T> {
        if self.0.is_empty() { Ok(message) } else { Err(Malformed("it is too long")) }
    }
}

/// What a connection begins with: the body behind its length.
///
/// # Errors
/// Where it is none of these, or of a protocol that is not spoken.
pub fn first(body: &[u8]) -> Read<First> {
    let mut cursor = Cursor(body);
    match (cursor.u16()?, cursor.u16()?) {
        (1234, 5679) => cursor.end(First::Tls),
        (1234, 5680) => cursor.end(First::Gss),
        (1234, 5678) => {
            let (pid, secret) = (cursor.i32()?, cursor.i32()?);
            cursor.end(First::Cancel { pid, secret })
        }
        (3, minor) => {
            let mut parameters = Vec::new();
            loop {
                let name = cursor.text()?;
                if name.is_empty() {
                    return cursor.end(First::Startup { minor, parameters });
                }
                if parameters.len() == STARTUP_PARAMETERS {
                    return Err(Malformed("too many parameters"));
                }
                let value = cursor.text()?;
                parameters.push((name, value));
            }
        }
        _ => Err(Malformed("a protocol that is not spoken here")),
    }
}

/// A message of this type with this body.
///
/// # Errors
/// Where it is not as the protocol has it.
pub fn message(kind: u8, body: &Bytes) -> Read<Message> {
    let mut cursor = Cursor(body);
    let message = match kind {
        b'Q' => Message::Query(cursor.text()?),
        b'P' => {
            let (name, text) = (cursor.text()?, cursor.text()?);
            let many = cursor.count(4)?;
            let types = (0..many).map(|_| cursor.u32()).collect::<Read<_>>()?;
            Message::Parse { name, text, types }
        }
        b'B' => bind(&mut cursor)?,
        b'D' | b'C' => {
            let of = cursor.array::<1>()?;
            let name = cursor.text()?;
            match (kind, of) {
                (b'D', [b'S']) => Message::DescribeStatement(name),
                (b'D', [b'P']) => Message::DescribePortal(name),
                (_, [b'S']) => Message::CloseStatement(name),
                (_, [b'P']) => Message::ClosePortal(name),
                _ => return Err(Malformed("neither a statement nor a portal")),
            }
        }
        b'E' => Message::Execute { portal: cursor.text()?, most: cursor.i32()? },
        b'H' => Message::Flush,
        b'S' => Message::Sync,
        b'X' => Message::Terminate,
        b'p' => return Ok(Message::Password(body.clone())),
        b'd' | b'c' | b'f' => return Ok(Message::Copy),
        b'F' => return Err(Malformed("function calls are not taken")),
        _ => return Err(Malformed("a type of message that there is not")),
    };
    cursor.end(message)
}

fn bind(cursor: &mut Cursor<'_>) -> Read<Message> {
    let (portal, statement) = (cursor.text()?, cursor.text()?);
    let formats = cursor.formats()?;
    let many = cursor.count(4)?;
    let mut values = Vec::with_capacity(many);
    for _ in 0..many {
        let length = cursor.i32()?;
        values.push(match usize::try_from(length) {
            Ok(length) => Some(Bytes::copy_from_slice(cursor.take(length)?)),
            Err(_) if length == -1 => None,
            Err(_) => return Err(Malformed("a length below zero")),
        });
    }
    Ok(Message::Bind { portal, statement, formats, values, results: cursor.formats()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(parts: &[&[u8]]) -> Bytes {
        parts.concat().into()
    }

    #[test]
    fn a_message_takes_nothing_from_beyond_its_end() {
        let body = bytes(&[b"p\0s\0", &[0, 1, 0, 1], &[0, 2], &[0, 0, 0, 1, b'x'], &[255; 4], &[0, 0]]);
        let whole = message(b'B', &body).unwrap();
        let values = vec![Some(Bytes::from_static(b"x")), None];
        let expect = Message::Bind {
            portal: "p".into(),
            statement: "s".into(),
            formats: vec![1],
            values,
            results: vec![],
        };
        assert_eq!(whole, expect);
        for end in 0..body.len() {
            assert!(message(b'B', &body.slice(..end)).is_err(), "{end}");
        }
        assert_eq!(message(b'B', &bytes(&[&body, b"x"])), Err(Malformed("it is too long")));
        // More items than there are bytes for: nothing is set aside for them.
        assert_eq!(message(b'P', &bytes(&[b"\0\0", &[255, 255]])), Err(SHORT));
        assert_eq!(message(b'Q', &bytes(&[&[0xff, 0]])), Err(Malformed("a text that is not UTF-8")));
    }

    #[test]
    fn a_connection_begins_in_four_ways() {
        assert_eq!(first(&[4, 210, 22, 47]), Ok(First::Tls));
        assert_eq!(first(&[4, 210, 22, 48]), Ok(First::Gss));
        assert_eq!(first(&[4, 210, 22, 46, 0, 0, 0, 7, 0, 0, 0, 9]), Ok(First::Cancel { pid: 7, secret: 9 }));
        let parameters = vec![("user".to_owned(), "ann".to_owned())];
        assert_eq!(first(b"\0\x03\0\0user\0ann\0\0"), Ok(First::Startup { minor: 0, parameters }));
        for bad in [&b"\0\x03\0\0user\0ann\0"[..], b"\0\x02\0\0\0", b"\0", b"\0\x03\0\0user\0\0"] {
            assert!(first(bad).is_err(), "{bad:?}");
        }
    }
}
