// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a mail server can make a door hold.

/// Most bytes of a message that a door takes, unless the listener says less: as many as the reader looks at.
pub const MESSAGE_BYTES: usize = crate::limits::BYTES;
/// Longest value of the envelope that is kept, in bytes; the rest is cut off. RFC 5321 allows 256 for a path.
pub const FIELD_BYTES: usize = 1024;
/// Most recipients of one message that are kept; more are counted. Mail servers take 1,000.
pub const RECIPIENTS: usize = 1_000;
/// Longest frame of milter, its length not counted: the largest chunk that mail servers may be asked for, and its command.
pub const FRAME_BYTES: usize = 1024 * 1024 + 64;
/// Most bytes of the frames before the body: a header field is one frame.
pub const MILTER_HEADER_BYTES: usize = 1024 * 1024;
/// Most macros that are read of one packet; Postfix sends some twenty.
pub const MACROS: usize = 128;
/// Most bytes of a request of policy delegation. Postfix sends about 1,000, and certificates' names with them.
pub const DELEGATION_BYTES: usize = 64 * 1024;
/// Most bytes of the first line and the headers of an HTTP request: a thousand recipients are a thousand headers.
pub const HTTP_HEAD_BYTES: usize = 512 * 1024;
/// Most headers of an HTTP request.
pub const HTTP_FIELDS: usize = 2_000;
/// Longest line before a chunk of an HTTP body, with its extensions.
pub const CHUNK_LINE_BYTES: usize = 256;
/// Most bytes of the first line and the headers of a request of spamc.
pub const SPAMC_HEAD_BYTES: usize = 16 * 1024;
/// Longest value of a header that is added, in bytes: with its name it stays below the 998 that RFC 5322 allows a line.
pub const HEADER_BYTES: usize = 900;
/// Most headers that a judgement adds of its own.
pub const HEADERS: usize = 16;
/// Longest text of an SMTP reply, in bytes: with code and line end it stays below the 512 that RFC 5321 allows.
pub const REPLY_BYTES: usize = 400;
/// Most reasons that a reply names.
pub const REASONS: usize = 64;
