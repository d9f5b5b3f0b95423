// SPDX-License-Identifier: Apache-2.0
//! What acts took off: labels and entries that are gone, and that an older snapshot of a chain may still have.
//!
//! A snapshot that adds to another shows what was set since, not what is gone. So what was taken off is kept in mind and shown
//! too, behind all the rest, until no chain can be older: the first snapshot of a day is whole, and this is kept for two.
//! Whatever sets it again takes it out of here.

use crate::acts::ActError;
use crate::limits;
use crate::record::{Input, Unreadable, put_i64, put_len, put_text, put_value, value};
use std::collections::BTreeMap;
use std::ops::Bound;
use wardroom_event::{Micros, Value};
use wardroom_state::{Key, canonical};

/// What an entry of the map takes beside its bytes, about.
const ENTRY: usize = 48;
/// Most of them in one piece of a snapshot.
const PIECE: usize = 1024;

/// Something that was taken off.
pub(super) enum Off {
    /// A label, by the key of who bore it.
    Label(Key, Box<str>),
    /// An entry of a list.
    Entry(Box<str>, Value),
}

fn label(key: Key, name: &str) -> Box<[u8]> {
    let mut out = vec![1];
    out.extend_from_slice(&key.0.to_le_bytes());
    put_text(&mut out, name);
    out.into()
}

fn entry(list: &str, value: &Value) -> Box<[u8]> {
    let mut out = vec![2];
    put_text(&mut out, list);
    put_value(&mut out, &canonical(value.clone()));
    out.into()
}

/// What was taken off, and up to what time of events it is kept in mind.
#[derive(Default)]
pub(super) struct TakenOff {
    off: BTreeMap<Box<[u8]>, Micros>,
    bytes: usize,
}

impl TakenOff {
    pub(super) fn label(&mut self, key: Key, name: &str, at: Micros) {
        self.insert(label(key, name), at);
    }

    pub(super) fn entry(&mut self, list: &str, value: &Value, at: Micros) {
        self.insert(entry(list, value), at);
    }

    fn insert(&mut self, off: Box<[u8]>, at: Micros) {
        let bytes = off.len() + ENTRY;
        if self.off.insert(off, at).is_none() {
            self.bytes += bytes;
        }
    }

    pub(super) fn forget_label(&mut self, key: Key, name: &str) {
        if !self.off.is_empty() {
            self.forget(&label(key, name));
        }
    }

    pub(super) fn forget_entry(&mut self, list: &str, value: &Value) {
        if !self.off.is_empty() {
            self.forget(&entry(list, value));
        }
    }

    fn forget(&mut self, off: &[u8]) {
        if self.off.remove(off).is_some() {
            self.bytes -= off.len() + ENTRY;
        }
    }

    /// Whether one more may be taken off.
    pub(super) fn has_room(&self) -> Result<(), ActError> {
        if self.off.len() < limits::TAKEN_OFF { Ok(()) } else { Err(ActError::NoRoom) }
    }

    /// Lets go of what no snapshot can have any more.
    pub(super) fn let_go(&mut self, floor: Micros) {
        let bytes = &mut self.bytes;
        self.off.retain(|off, at| {
            let stays = *at > floor;
            *bytes -= if stays { 0 } else { off.len() + ENTRY };
            stays
        });
    }

    /// Appends the next piece; whether there was one.
    pub(super) fn write(&self, after: &mut Option<Box<[u8]>>, out: &mut Vec<u8>) -> bool {
        let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut last = None;
        for (off, at) in self.off.range::<[u8], _>((from, Bound::Unbounded)).take(PIECE) {
            put_len(out, off.len());
            out.extend_from_slice(off);
            put_i64(out, at.0);
            last = Some(off);
        }
        *after = last.cloned().or_else(|| after.take());
        last.is_some()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Reads the next of what [`TakenOff::write`] wrote.
pub(super) fn read(input: &mut Input<'_>) -> Result<Option<Off>, Unreadable> {
    if input.is_empty() {
        return Ok(None);
    }
    let len = input.len()?;
    let mut inner = Input::new(input.take(len)?);
    let off = match inner.byte()? {
        1 => Off::Label(Key(u64::from_le_bytes(inner.array()?)), inner.text()?.into()),
        2 => Off::Entry(inner.text()?.into(), value(&mut inner)?),
        tag => return Err(format!("something taken off of kind {tag}")),
    };
    inner.finish()?;
    input.i64()?;
    Ok(Some(off))
}
