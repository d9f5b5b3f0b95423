// SPDX-License-Identifier: Apache-2.0
//! Every bound on what is read from other programs, each with a name.

/// Longest body of the mail server's questions, in bytes. What Dovecot sends has a few hundred, but strangers write some of it: a
/// line of 8 KiB, each byte of which may take six in JSON. It must fit, for whoever could make a question too long would be let
/// on unasked by a server that lets people in when no answer comes.
pub const AUTH_POLICY_BYTES: usize = 128 * 1024;
/// Longest body of an identity provider's event, in bytes: events of administrators carry whole users with them.
pub const HOOK_BYTES: usize = 256 * 1024;
/// How long a mail program waits that is to be slowed down, in seconds. Long enough that guessing costs a tenth, short enough
/// that no program gives up.
pub const SLOW_DOWN_SECS: u16 = 5;
/// Most pairs of an IMAP `ID` that are looked through for the program's name (RFC 2971, 3.3 allows 30).
pub const ID_PAIRS: usize = 30;
