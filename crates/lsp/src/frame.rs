// SPDX-License-Identifier: Apache-2.0
//! Messages on a stream: a head that says how long the body is, and the body. What is wrong with one does not end the
//! session as long as it is plain where the next begins.

use crate::limits;
use std::io::{self, BufRead, Read, Write};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// The body of a message.
    Body(Vec<u8>),
    /// Something that is no message, and why. Another may follow.
    Fault(&'static str),
    /// Nothing more can be understood, and why.
    Lost(&'static str),
    /// The end of the stream.
    End,
}

/// Reads one message.
///
/// # Errors
/// When the stream cannot be read.
pub fn read(input: &mut impl BufRead) -> io::Result<Frame> {
    let mut length = None;
    let mut fault = None;
    let mut left = limits::HEADER_BYTES;
    let mut begun = false;
    loop {
        let mut line = Vec::new();
        let count = input.by_ref().take(left as u64).read_until(b'\n', &mut line)?;
        if count == 0 {
            return Ok(if left == 0 {
                LONG
            } else if begun {
                Frame::Lost("the stream ends within a head")
            } else {
                Frame::End
            });
        }
        left -= count;
        if line.pop() != Some(b'\n') {
            return Ok(if left == 0 { LONG } else { Frame::Lost("the stream ends within a head") });
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.is_empty() {
            break;
        }
        begun = true;
        match header(&line) {
            Header::Length(n) => length = Some(n),
            Header::Other => {}
            Header::Fault(why) => fault = Some(why),
        }
    }
    match (fault, length) {
        (Some(why), _) => Ok(Frame::Fault(why)),
        (None, None) => Ok(Frame::Fault("a head without Content-Length")),
        (None, Some(length)) => body(input, length),
    }
}

const LONG: Frame = Frame::Lost("the head of a message is too long");

enum Header {
    Length(u64),
    Other,
    Fault(&'static str),
}

fn header(line: &[u8]) -> Header {
    let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) else {
        return Header::Fault("a line of the head is no `name: value`");
    };
    if !name.trim().eq_ignore_ascii_case("content-length") {
        return Header::Other;
    }
    let digits = value.trim();
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse() {
        Ok(length) if plain => Header::Length(length),
        _ => Header::Fault("Content-Length is no number"),
    }
}

fn body(input: &mut impl BufRead, length: u64) -> io::Result<Frame> {
    let mut from = input.by_ref().take(length);
    if length > limits::MESSAGE_BYTES as u64 {
        let passed = io::copy(&mut from, &mut io::sink())?;
        return Ok(if passed == length { Frame::Fault("the message is too large") } else { SHORT });
    }
    // As long as what is there, not as what is said to come.
    let mut body = Vec::new();
    let count = from.read_to_end(&mut body)?;
    Ok(if count as u64 == length { Frame::Body(body) } else { SHORT })
}

const SHORT: Frame = Frame::Lost("the stream ends within a message");

/// Writes one message.
///
/// # Errors
/// When the stream cannot be written.
pub fn write(output: &mut impl Write, body: &[u8]) -> io::Result<()> {
    write!(output, "Content-Length: {}\r\n\r\n", body.len())?;
    output.write_all(body)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(mut bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = read(&mut bytes).unwrap();
            let last = matches!(frame, Frame::End | Frame::Lost(_));
            frames.push(frame);
            if last {
                return frames;
            }
        }
    }

    #[test]
    fn messages_are_told_apart() {
        let check = |text: &str, expect: &[Frame]| assert_eq!(all(text.as_bytes()), expect, "{text:?}");
        let body = |text: &str| Frame::Body(text.into());
        check("", &[Frame::End]);
        check("Content-Length: 2\r\n\r\nab", &[body("ab"), Frame::End]);
        check(
            "content-length:1\nContent-Type: x\n\naContent-Length: 0\r\n\r\n",
            &[body("a"), body(""), Frame::End],
        );
        check("Content-Length: 9\r\n\r\nab", &[SHORT]);
        check(
            "Content-Length: x\r\n\r\nContent-Length: 1\r\n\r\na",
            &[Frame::Fault("Content-Length is no number"), body("a"), Frame::End],
        );
        check("Content-Length: +1\r\n\r\n", &[Frame::Fault("Content-Length is no number"), Frame::End]);
        check(
            "Content-Length: 99999999999999999999\r\n\r\n",
            &[Frame::Fault("Content-Length is no number"), Frame::End],
        );
        check("Content-Type: x\r\n\r\n", &[Frame::Fault("a head without Content-Length"), Frame::End]);
        check("rubbish\r\n\r\n", &[Frame::Fault("a line of the head is no `name: value`"), Frame::End]);
        check("Content-Len", &[Frame::Lost("the stream ends within a head")]);
        check(&"x".repeat(limits::HEADER_BYTES + 1), &[LONG]);
    }

    #[test]
    fn what_is_too_large_is_passed_over() {
        let large = limits::MESSAGE_BYTES + 1;
        let mut bytes = format!("Content-Length: {large}\r\n\r\n").into_bytes();
        bytes.resize(bytes.len() + large, b'x');
        bytes.extend(b"Content-Length: 1\r\n\r\na");
        assert_eq!(
            all(&bytes),
            [Frame::Fault("the message is too large"), Frame::Body(b"a".to_vec()), Frame::End]
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..6)) {
            let mut bytes = Vec::new();
            bodies.iter().for_each(|b| write(&mut bytes, b).unwrap());
            let mut expect: Vec<Frame> = bodies.into_iter().map(Frame::Body).collect();
            expect.push(Frame::End);
            prop_assert_eq!(all(&bytes), expect);
        }

        #[test]
        fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            all(&bytes);
        }
    }
}
