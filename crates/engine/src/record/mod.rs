// SPDX-License-Identifier: Apache-2.0
//! What the engine writes into the journal, and reads back.
//!
//! Several kinds of record, listed below. A policy is written as its texts in parts, then a head with the dictionary that later records
//! refer to by number: names are written once a policy, not once an event. The head also stands at the beginning of
//! each segment. Payloads begin with a version; a reader refuses one it does not know. `docs/src/records.md` has the
//! layout.

mod bytes;
mod dictionary;
mod effect;
mod erasure;
mod event;
mod fields;
mod forget;
mod outbox;
mod policy;
mod scrub;
mod values;
mod warming;

pub(crate) use bytes::{Input, put_i64, put_len, put_text, put_u64};
pub(crate) use dictionary::{Dictionary, many};
pub(crate) use effect::{Change, put_until, until};
pub(crate) use erasure::ErasureRecord;
pub(crate) use event::{
    Outward, arrived, decode_event, decode_row, decode_served, decode_stored, encode_decided,
    encode_recorded, event_bytes, id_of, open_event, outward, pack_rest, policy_of, time_of, type_of,
    unpack_rest,
};
pub(crate) use forget::ForgetRecord;
pub(crate) use outbox::{Checkpoint, DeadLetter, EffectRecord, Happened, OpenCase, Restored, Unfinished};
pub(crate) use policy::{Part, encode_parts};
pub use scrub::Going;
pub(crate) use scrub::{Hand, forget, read_with, scrub, scrub_job, scrub_signal};
#[cfg(test)]
pub(crate) use values::tests::any_value;
pub(crate) use values::{kind_byte, put_kind_byte, put_value, skip_value, value, value_bytes};
pub(crate) use warming::WarmingRecord;

/// Kinds of journal frames.
pub(crate) mod kind {
    /// A record that a repair found lost; the journal's own.
    pub(crate) const LOST: u8 = wardroom_journal::LOST;
    /// An event that was judged.
    pub(crate) const DECIDED: u8 = 1;
    /// An event that was only recorded.
    pub(crate) const RECORDED: u8 = 2;
    /// A piece of a policy's text.
    pub(crate) const POLICY_PART: u8 = 3;
    /// A policy's head: from here on it is in force.
    pub(crate) const POLICY: u8 = 4;
    /// Which features of the policy in force are warming from here on.
    pub(crate) const WARMING: u8 = 5;
    /// A label or a list entry that follows from a decision.
    pub(crate) const CHANGE: u8 = 6;
    /// For lack of memory, the keys of a counter that were touched longest ago were forgotten.
    pub(crate) const FORGET: u8 = 7;
    /// What became of an effect that goes out.
    pub(crate) const EFFECT: u8 = 8;
    /// Where the outbox stands.
    pub(crate) const OUTBOX: u8 = 9;
    /// An act of a person or a machine.
    pub(crate) const ACT: u8 = 10;
    /// Items of a job.
    pub(crate) const JOB_PART: u8 = 11;
    /// A job's head: from here on it is planned.
    pub(crate) const JOB: u8 = 12;
    /// A step of a job.
    pub(crate) const JOB_STEP: u8 = 13;
    /// An event that was judged once more, and is not counted.
    pub(crate) const AGAIN: u8 = 14;
    /// A subject was erased from all records before.
    pub(crate) const ERASURE: u8 = 20;
}

/// Why a payload cannot be read.
pub(crate) type Unreadable = String;
