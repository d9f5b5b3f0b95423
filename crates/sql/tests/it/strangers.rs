// SPDX-License-Identifier: Apache-2.0
//! What strangers send: any bytes at any point end in an answer or an end, and the door stays open.

use super::door::{Open, WHOLE, open};
use bytes::Bytes;
use proptest::prelude::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use wardroom_sql::door::wire;

fn connect(door: &Open) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", door.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn framed(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let mut sent: Vec<u8> = kind.into_iter().collect();
    sent.extend((body.len() as u32 + 4).to_be_bytes());
    sent.extend(body);
    sent
}

/// Who says who it is, and proves it by the key itself.
fn let_in(door: &Open) -> TcpStream {
    let mut stream = connect(door);
    stream.write_all(&framed(None, b"\0\x03\0\0user\0anybody\0\0")).unwrap();
    stream.write_all(&framed(Some(b'p'), format!("{WHOLE}\0").as_bytes())).unwrap();
    assert!(heard(&mut stream).ends_with(b"Z\0\0\0\x05I"));
    stream
}

/// What is said until the server is ready, or the end.
fn heard(stream: &mut TcpStream) -> Vec<u8> {
    let (mut said, mut some) = (Vec::new(), [0; 4096]);
    while !said.ends_with(b"Z\0\0\0\x05I") {
        match stream.read(&mut some) {
            Ok(0) | Err(_) => break,
            Ok(n) => said.extend(&some[..n]),
        }
    }
    said
}

fn answers(door: &Open) {
    let mut stream = let_in(door);
    stream.write_all(&framed(Some(b'Q'), b"SELECT 40 + 2\0")).unwrap();
    let said = heard(&mut stream);
    assert!(said.windows(2).any(|two| two == b"42"), "{}", String::from_utf8_lossy(&said));
}

proptest! {
    /// No body makes the reader take more than there is, and none makes it panic.
    #[test]
    fn any_message_is_read_or_refused(kind in any::<u8>(), body in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = wire::message(kind, &Bytes::from(body.clone()));
        for known in *b"QPBDECHSXpdcf" {
            let _ = wire::message(known, &Bytes::from(body.clone()));
        }
        let _ = wire::first(&body);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_end_in_an_end(before in prop::collection::vec(any::<u8>(), 0..200), after in prop::collection::vec(any::<u8>(), 0..200)) {
        let door = open();
        let mut stream = connect(&door);
        let _ = stream.write_all(&before);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
        let mut stream = let_in(&door);
        let _ = stream.write_all(&after);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
        answers(&door);
    }

    /// Messages of the extended protocol in any order: each is answered, and after `Sync` the server is ready.
    #[test]
    fn any_order_of_messages_is_answered(order in prop::collection::vec((0usize..12, 0u8..3), 1..20)) {
        let door = open();
        let mut stream = let_in(&door);
        let messages: [(u8, &[u8]); 12] = [
            (b'P', b"s\0SELECT seq FROM login WHERE seq > $1\0\0\0"), (b'P', b"\0BEGIN\0\0\0"), (b'P', b"s\0SELEC\0\0\0"),
            (b'B', b"p\0s\0\0\0\0\x01\0\0\0\x011\0\0"), (b'B', b"\0\0\0\0\0\0\0\0"), (b'B', b"p\0s\0\0\x01\0\x01\0\x01\0\0\0\x01x\0\0"),
            (b'D', b"Ss\0"), (b'D', b"Pp\0"), (b'E', b"p\0\0\0\0\x02"), (b'E', b"\0\0\0\0\0"), (b'C', b"Pp\0"), (b'H', b""),
        ];
        for (which, syncs) in order {
            let (kind, body) = messages[which];
            stream.write_all(&framed(Some(kind), body)).unwrap();
            if syncs == 0 {
                stream.write_all(&framed(Some(b'S'), b"")).unwrap();
            }
        }
        stream.write_all(&framed(Some(b'S'), b"")).unwrap();
        stream.write_all(&framed(Some(b'Q'), b"ROLLBACK; SELECT 'done'\0")).unwrap();
        let mut said = Vec::new();
        while !said.windows(4).any(|four| four == b"done") {
            let more = heard(&mut stream);
            prop_assert!(!more.is_empty(), "{}", String::from_utf8_lossy(&said));
            said.extend(more);
        }
        prop_assert!(!said.windows(5).any(|five| five == b"XX000"));
    }
}

#[test]
fn lengths_are_bounded_before_they_are_believed() {
    let door = open();
    for (begin, length) in [(&b""[..], u32::MAX), (b"", 0x3fff_ffff), (b"", 3), (b"", 10_001)] {
        let mut stream = connect(&door);
        stream.write_all(begin).unwrap();
        stream.write_all(&length.to_be_bytes()).unwrap();
        stream.write_all(&[0; 16]).unwrap();
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(said.is_empty(), "{said:?}");
    }
    let mut stream = let_in(&door);
    stream.write_all(b"Q\x3f\xff\xff\xff").unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    assert!(String::from_utf8_lossy(&said).contains("its length is not one that is taken"));
    answers(&door);
}

#[test]
fn there_are_only_so_many_connections() {
    let options = wardroom_sql::door::Options {
        connections: 2,
        idle: Duration::from_millis(300),
        ..Default::default()
    };
    let door = super::door::open_with(super::past::memory(), options);
    let (_first, mut second) = (let_in(&door), let_in(&door));
    let mut third = connect(&door);
    let mut said = Vec::new();
    let _ = third.read_to_end(&mut said);
    assert!(String::from_utf8_lossy(&said).contains("53300"));
    // Idle ones are told and go; then there is room.
    let mut said = Vec::new();
    second.read_to_end(&mut said).unwrap();
    assert!(String::from_utf8_lossy(&said).contains("57P05"));
    std::thread::sleep(Duration::from_millis(200));
    answers(&door);
}
