// SPDX-License-Identifier: Apache-2.0
//! The life of an event: intake → sequence → judge → record → reply.
//!
//! This crate knows no sockets: surfaces hand it bytes or drafts with the time of their arrival and get decisions
//! back. It does not know how a policy is written, how a counter is kept or how a record lies on disk; it brings the
//! three together, in one order that a replay repeats.
//!
//! One thread, the sequencer, gives each event its number, reads its features as of that moment, counts it, judges it
//! and writes it down; a batch is answered when it is durable. Everything else runs beside it.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod active;
pub mod acts;
mod apart;
mod backfill;
mod cast;
mod decision;
mod describe;
mod digest;
mod engine;
mod erase;
mod error;
mod flow;
mod glance;
mod hash_keys;
mod judge;
mod keys;
mod latency;
pub mod limits;
mod marks;
mod memory;
mod outbox;
mod past;
mod probe;
mod queue;
mod record;
mod recount;
mod recover;
mod rehearse;
mod restored;
mod retain;
mod secret;
mod seen;
mod sequencer;
mod serve;
mod snapshot;
mod step;
mod warmth;

pub use active::{Active, Origin, Standing, lists as policy_lists};
pub use decision::{
    Channel, Destination, EffectId, Judged, Outcome, Signal, Stored, StoredEffect, StoredSignal, Why,
};
pub use describe::{Describer, Description, Detail, kind_name};
pub use engine::{Acted, Config, Durability, Engine, Intake, Opened, Paused, Status, Work};
pub use erase::{EraseError, Erased, ErasedSegment, Eraser, Grep, Hits, Met, Proof, Proved, Subject, Token};
pub use error::{EngineError, SnapshotError, SubmitError, SwapError};
pub use flow::{Flow, Step};
pub use glance::{Glance, PolicyGlance};
pub use hash_keys::{installation_keyer, rotate_hash_key};
pub use judge::{Judgement, judge};
pub use latency::{Distribution, Latencies};
pub use memory::Size;
pub use outbox::{
    Attempt, Cause, ChannelStatus, DeadLetters, Delivery, Listed, Listing, Outbox, OutboxStatus, Retried,
    RetryError, State, Wanted,
};
pub use past::{Layout, PastChange, PastEvent, PastJudged, PolicyRecord, Record, Records};
pub use probe::Probe;
pub use queue::{Backlog, Client, Whose};
pub use record::Going;
pub use recount::{
    Asked, Made, PastPolicy, Recount, RecountError, Recounted, Take, Told, Walk, Watch, each, past_policies,
    recount, same_served,
};
pub use rehearse::{CaseResult, Expected, rehearse, rehearse_some};
pub use restored::mark_restored;
pub use retain::{Keep, Keeps, Retained};
pub use secret::installation_secret;
pub use snapshot::{Every, Retention, Skipped, Snapshot, SnapshotStatus};
pub use step::Stepper;
pub use warmth::Warming;
