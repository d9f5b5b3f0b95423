// SPDX-License-Identifier: Apache-2.0
//! As much of HTTP/1 as mail servers speak: a request with its body whole, and a response.
//!
//! HTTP/1.0 with and without a length, HTTP/1.1 with a length or in chunks, connections that go on or do not. Lines of the head
//! that are no header are passed over, since some clients send such; but a length that is said in two ways is refused.

use super::heard::Heard;
use super::limits;

/// A request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// Without its arguments.
    pub(super) path: String,
    /// The arguments, decoded, then the headers: names in small letters.
    pub(super) fields: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    pub(super) manner: Manner,
}

/// In which manner a request wants its response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Manner {
    /// HTTP/1.0 it is.
    pub(super) is_old: bool,
    /// Whether the connection goes on.
    pub(super) goes_on: bool,
}

impl Request {
    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice())
    }

    /// Each value of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.fields.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_slice())
    }
}

/// What is there of a request by now.
#[derive(Debug, Default)]
enum Stage {
    #[default]
    Start,
    Head(Vec<Vec<u8>>, usize),
    Body(Request, Left),
}

/// What is missing of a body.
#[derive(Clone, Copy, Debug)]
enum Left {
    Bytes(usize),
    /// A chunk's size comes next; the last one was not zero.
    Chunk,
    ChunkBytes(usize),
    ChunkEnd,
    Trailer(usize),
    UntilEnd,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Http {
    heard: Heard,
    stage: Stage,
    most: usize,
    ended: bool,
}

/// What comes of what was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    More,
    Request(Request),
    /// The other side has ended, or sent what is no request: this is the status that says so, and why.
    End(Option<(u16, &'static str)>),
}

impl Http {
    pub(super) fn new(body_bytes: usize) -> Http {
        Http { heard: Heard::default(), stage: Stage::Start, most: body_bytes, ended: false }
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.heard.push(bytes);
    }

    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Step {
        loop {
            let more = match std::mem::take(&mut self.stage) {
                Stage::Start => self.start(),
                Stage::Head(lines, size) => self.head(lines, size, out),
                Stage::Body(request, left) => self.body(request, left),
            };
            match more {
                Ok(Some(request)) => return Step::Request(request),
                Ok(None) => {}
                Err(None) if self.ended => return Step::End(self.cut_short()),
                Err(None) => return Step::More,
                Err(Some(wrong)) => return Step::End(Some(wrong)),
            }
        }
    }

    fn cut_short(&self) -> Option<(u16, &'static str)> {
        match self.stage {
            Stage::Start if self.heard.rest().is_empty() => None,
            _ => Some((400, "the request ends in the middle")),
        }
    }

    fn start(&mut self) -> More {
        match self.heard.line(limits::HTTP_HEAD_BYTES) {
            Err(_) => Err(Some((431, "the first line is too long"))),
            Ok(None) => Err(None),
            // Some clients send a line end after a body.
            Ok(Some([])) => Ok(None),
            Ok(Some(line)) => {
                self.stage = Stage::Head(vec![line.to_vec()], line.len());
                Ok(None)
            }
        }
    }

    fn head(&mut self, mut lines: Vec<Vec<u8>>, mut size: usize, out: &mut Vec<u8>) -> More {
        loop {
            match self.heard.line(limits::HTTP_HEAD_BYTES - size) {
                Err(_) => return Err(Some((431, "the headers are too long"))),
                Ok(None) => {
                    self.stage = Stage::Head(lines, size);
                    return Err(None);
                }
                Ok(Some([])) => break,
                Ok(Some(line)) => {
                    size += line.len();
                    lines.push(line.to_vec());
                }
            }
            if lines.len() > limits::HTTP_FIELDS || size >= limits::HTTP_HEAD_BYTES {
                return Err(Some((431, "there are too many headers")));
            }
        }
        let request = request(&lines).ok_or(Some((400, "the first line is no request")))?;
        let left = self.left(&request).map_err(Some)?;
        let waits = request.get("expect").is_some_and(|e| e.eq_ignore_ascii_case(b"100-continue"));
        if waits && !request.manner.is_old && !matches!(left, Left::Bytes(0)) {
            out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        self.stage = Stage::Body(request, left);
        Ok(None)
    }

    /// How long the body is, by what the head says.
    fn left(&self, request: &Request) -> Result<Left, Wrong> {
        const TWICE: Wrong = (400, "the length of the body is said in two ways");
        let chunked = request.all("transfer-encoding").next();
        let mut lengths = request.all("content-length");
        let length = lengths.next();
        if lengths.any(|other| Some(other) != length) || chunked.is_some() && length.is_some() {
            return Err(TWICE);
        }
        match (chunked, length) {
            (Some(coding), _) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Left::Chunk),
            (Some(_), _) => Err((501, "of transfer encodings only chunked is read")),
            (_, Some(length)) => {
                let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
                let number = std::str::from_utf8(length).ok().filter(|_| is_number);
                let number = number.ok_or((400, "the length of the body is no number"))?;
                number.parse().ok().filter(|n| *n <= self.most).map(Left::Bytes).ok_or(TOO_LONG)
            }
            (None, None) if request.manner.is_old && request.method == "POST" => Ok(Left::UntilEnd),
            (None, None) => Ok(Left::Bytes(0)),
        }
    }

    fn body(&mut self, mut request: Request, mut left: Left) -> More {
        loop {
            let waiting = match left {
                Left::Bytes(0) => return Ok(Some(request)),
                Left::Bytes(n) => {
                    let taken = take(&mut self.heard, n, &mut request.body);
                    left = Left::Bytes(n - taken);
                    taken == 0
                }
                Left::ChunkBytes(0) => {
                    left = Left::ChunkEnd;
                    false
                }
                Left::ChunkBytes(n) => {
                    let taken = take(&mut self.heard, n, &mut request.body);
                    left = Left::ChunkBytes(n - taken);
                    taken == 0
                }
                Left::UntilEnd => {
                    let room = self.most - request.body.len();
                    if self.heard.rest().len() > room {
                        return Err(Some(TOO_LONG));
                    }
                    take(&mut self.heard, room, &mut request.body);
                    if self.ended {
                        return Ok(Some(request));
                    }
                    true
                }
                Left::Chunk | Left::ChunkEnd | Left::Trailer(_) => {
                    match self.chunk_line(left, request.body.len())? {
                        Some(None) => return Ok(Some(request)),
                        Some(Some(next)) => {
                            left = next;
                            false
                        }
                        None => true,
                    }
                }
            };
            if waiting {
                self.stage = Stage::Body(request, left);
                return Err(None);
            }
        }
    }

    /// A line of the chunked form: what comes after it, or nothing if that was the last.
    fn chunk_line(&mut self, left: Left, has: usize) -> Result<Option<Option<Left>>, Option<Wrong>> {
        const WRONG: Wrong = (400, "a chunk of the body has no size");
        let Some(line) = self.heard.line(limits::CHUNK_LINE_BYTES).map_err(|_| Some(WRONG))? else {
            return Ok(None);
        };
        Ok(Some(match left {
            Left::Trailer(_) if line.is_empty() => None,
            Left::Trailer(lines) if lines < 16 => Some(Left::Trailer(lines + 1)),
            Left::ChunkEnd if line.is_empty() => Some(Left::Chunk),
            Left::Chunk => {
                let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
                let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
                let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex).ok_or(Some(WRONG))?;
                let size = usize::from_str_radix(digits, 16).ok().filter(|n| *n <= self.most - has);
                match size.ok_or(Some(TOO_LONG))? {
                    0 => Some(Left::Trailer(0)),
                    n => Some(Left::ChunkBytes(n)),
                }
            }
            _ => return Err(Some(WRONG)),
        }))
    }
}

type Wrong = (u16, &'static str);
/// A request, or nothing yet but to go on; an error is to wait for more, or what is wrong.
type More = Result<Option<Request>, Option<Wrong>>;

const TOO_LONG: Wrong = (413, "the body is too long");

fn take(heard: &mut Heard, most: usize, into: &mut Vec<u8>) -> usize {
    let taken = heard.take(most);
    into.extend_from_slice(taken);
    taken.len()
}

/// The head's lines as a request without its body.
fn request(lines: &[Vec<u8>]) -> Option<Request> {
    let (first, rest) = lines.split_first()?;
    let mut words = std::str::from_utf8(first).ok()?.split_ascii_whitespace();
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_old = version.eq_ignore_ascii_case("HTTP/1.0");
    if !is_old && !version.eq_ignore_ascii_case("HTTP/1.1") || words.next().is_some() {
        return None;
    }
    let (path, arguments) = target.split_once('?').unwrap_or((target, ""));
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    for pair in arguments.split('&').filter(|pair| !pair.is_empty()).take(limits::HTTP_FIELDS) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = String::from_utf8_lossy(&decoded(name)).to_ascii_lowercase();
        // Arguments say what a message is, and nothing of how the request comes.
        if !matches!(name.as_str(), "content-length" | "transfer-encoding" | "expect" | "connection") {
            fields.push((name, decoded(value)));
        }
    }
    for line in rest {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let Ok(name) = std::str::from_utf8(&line[..colon]) else { continue };
        if !name.is_empty() && !name.contains([' ', '\t']) {
            fields.push((name.to_ascii_lowercase(), line[colon + 1..].trim_ascii().to_vec()));
        }
    }
    let mut made = Request { method: method.to_owned(), path: path.to_owned(), fields, ..Request::default() };
    let says = |word: &str| {
        made.all("connection").any(|value| {
            value.split(|b| *b == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
        })
    };
    let goes_on = if is_old { says("keep-alive") } else { !says("close") };
    made.manner = Manner { is_old, goes_on };
    Some(made)
}

/// An argument without its per cent signs and plus signs.
fn decoded(text: &str) -> Vec<u8> {
    let (mut made, mut bytes) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, rest)) = bytes.split_first() {
        let digit = |at: usize| rest.get(at).and_then(|b| char::from(*b).to_digit(16));
        bytes = rest;
        made.push(match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes = &rest[2..];
                (high * 16 + low) as u8
            }
            (b'+', ..) => b' ',
            _ => *first,
        });
    }
    made
}

/// Appends a response with JSON, or with a text.
pub(super) fn respond(out: &mut Vec<u8>, manner: Manner, status: (u16, &str), media: &str, body: &[u8]) {
    let version = if manner.is_old { "1.0" } else { "1.1" };
    let connection = if manner.goes_on { "keep-alive" } else { "close" };
    let reason = super::text::plain(status.1, limits::REPLY_BYTES);
    let head =
        format!("HTTP/{version} {} {reason}\r\nConnection: {connection}\r\nServer: wardroom\r\n", status.0);
    out.extend_from_slice(head.as_bytes());
    // A response without content has no length either.
    if status.0 != 204 {
        let head = format!("Content-Length: {}\r\nContent-Type: {media}\r\n", body.len());
        out.extend_from_slice(head.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    if status.0 != 204 {
        out.extend_from_slice(body);
    }
}

/// What statuses are called.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        _ => "Service Unavailable",
    }
}

#[cfg(test)]
mod tests;
