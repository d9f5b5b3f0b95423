// SPDX-License-Identifier: Apache-2.0
//! Frames of milter: taken apart, and made.

use crate::door::heard::Heard;
use crate::door::limits;

/// What may be done to a message.
pub(super) mod action {
    pub(in super::super) const ADD_HEADERS: u32 = 0x01;
    pub(in super::super) const CHANGE_HEADERS: u32 = 0x10;
    pub(in super::super) const QUARANTINE: u32 = 0x20;
    /// What this side would do.
    pub(in super::super) const WANTED: u32 = ADD_HEADERS | CHANGE_HEADERS | QUARANTINE;
}

/// What is not sent, what is not answered, and in which form headers come.
pub(super) mod step {
    pub(in super::super) const NO_UNKNOWN: u32 = 0x100;
    pub(in super::super) const NO_DATA: u32 = 0x200;
    pub(in super::super) const SKIP: u32 = 0x400;
    pub(in super::super) const NR_HEADER: u32 = 0x80;
    pub(in super::super) const NR_CONNECT: u32 = 0x1000;
    pub(in super::super) const NR_HELO: u32 = 0x2000;
    pub(in super::super) const NR_MAIL: u32 = 0x4000;
    pub(in super::super) const NR_RCPT: u32 = 0x8000;
    pub(in super::super) const NR_DATA: u32 = 0x1_0000;
    pub(in super::super) const NR_UNKNOWN: u32 = 0x2_0000;
    pub(in super::super) const NR_END_OF_HEADERS: u32 = 0x4_0000;
    pub(in super::super) const NR_BODY: u32 = 0x8_0000;
    pub(in super::super) const LEADING_SPACE: u32 = 0x10_0000;
    /// What this side would have.
    pub(in super::super) const WANTED: u32 = NO_UNKNOWN
        | NO_DATA
        | SKIP
        | NR_HEADER
        | NR_CONNECT
        | NR_HELO
        | NR_MAIL
        | NR_RCPT
        | NR_DATA
        | NR_UNKNOWN
        | NR_END_OF_HEADERS
        | NR_BODY
        | LEADING_SPACE;
}

/// A command and what belongs to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) command: u8,
    pub(super) payload: Vec<u8>,
}

/// The next frame, once it is there.
pub(super) fn next(heard: &mut Heard) -> Result<Option<Frame>, &'static str> {
    let Some((length, _)) = heard.rest().split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    match length {
        0 => return Err("a frame without a command"),
        n if n > limits::FRAME_BYTES => return Err("a frame that is too long"),
        n if heard.rest().len() < 4 + n => return Ok(None),
        _ => heard.skip(4),
    }
    let command = heard.take(1)[0];
    Ok(Some(Frame { command, payload: heard.take(length - 1).to_vec() }))
}

/// Appends a frame.
pub(super) fn put(out: &mut Vec<u8>, command: u8, parts: &[&[u8]]) {
    let length: usize = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.push(command);
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// The strings of a payload, each ended by a zero; the last may lack it.
pub(super) fn strings(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let payload = payload.strip_suffix(b"\0").unwrap_or(payload);
    let is_empty = payload.is_empty();
    payload.split(|b| *b == 0).filter(move |_| !is_empty)
}

/// Three numbers, as negotiation has them.
pub(super) fn numbers(payload: &[u8]) -> Option<[u32; 3]> {
    let mut made = [0; 3];
    for (at, number) in made.iter_mut().enumerate() {
        *number = u32::from_be_bytes(payload.get(4 * at..4 * at + 4)?.try_into().ok()?);
    }
    Some(made)
}
