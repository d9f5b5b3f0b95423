// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a client may send and a folder may hold, each with a name.

/// Largest message, in bytes; a larger one is passed over and answered with an error.
pub const MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// Longest head of a message, in bytes; past it the stream is no longer understood, and the session ends.
pub const HEADER_BYTES: usize = 8 * 1024;
/// Most messages that wait. Further ones stay with the client.
pub const QUEUE: usize = 64;
/// Most open files; further ones are not looked at.
pub const OPEN_FILES: usize = 1024;
/// Longest open file, in bytes; a longer one is let go until it is opened again.
pub const TEXT_BYTES: usize = 16 * 1024 * 1024;
/// Folders deeper than this below a policy's folder are left out: a link that leads in a circle ends here.
pub const DEPTH: usize = 16;
/// Most entries looked at below a policy's folder.
pub const ENTRIES: usize = 20_000;
/// Longest configuration file that is read for where the policy is, in bytes.
pub const CONFIG_BYTES: u64 = 64 * 1024;
/// Most symbols that a search of all the policy gives.
pub const SYMBOLS: usize = 1000;
