// SPDX-License-Identifier: Apache-2.0
//! A data directory as a backup, made beside the server that writes it, and back again.
//!
//! A journal makes this simple. Segments that are complete no longer change, and of the newest every byte up to its last
//! whole frame stays what it is: copying them one after the other gives the journal as it was at the moment when the
//! newest was looked at, which is what a crash at that moment would have left. Snapshots are opened before the journal is
//! looked at, so they lie before the end of what is copied with them. No lock is taken and the server is not asked.
//!
//! Where retention has taken the journal's beginning, a backup is one only with a snapshot that reaches back to what is
//! left ([`Manifest::can_start`](manifest::Manifest::can_start)): that is seen to when it is made, verified and restored.
//!
//! Left out on purpose: the key of encryption at rest (a backup with its key beside it is not encrypted), `wardroom.toml`
//! (it is the machine's, not the data's) and compression (`zstd` in a pipe does it better than this would).

mod archive;
pub(crate) mod limits;
mod manifest;
mod restore;
mod take;
mod tar;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use archive::Archive;
pub(crate) use restore::{Restored, Target, restore};
pub(crate) use take::{Encryption, Taken, take};
pub(crate) use verify::{Verified, verify};
