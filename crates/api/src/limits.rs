// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a client can make the server hold or wait for, each with a name.

use std::time::Duration;

/// Longest body with one event, and longest line of a stream, in bytes.
pub const EVENT_BYTES: usize = wardroom_event::limits::EVENT_BYTES;
/// Longest body with a policy, in bytes.
pub const POLICY_BYTES: usize = wardroom_policy::limits::BUNDLE_BYTES;
/// Longest body that asks for a backtest: it may hold two policies, to be compared.
pub const BACKTEST_BYTES: usize = 2 * POLICY_BYTES + 1024 * 1024;
/// Longest path of a policy file, in bytes.
pub const POLICY_PATH_BYTES: usize = 256;
/// Most bytes of a request's first line and headers.
pub const HEAD_BYTES: usize = 32 * 1024;
/// Most bytes of one connection's read buffer; how much of a stream may have arrived and wait.
pub const READ_BYTES: usize = 128 * 1024;
/// Most connections at once, unless the options say otherwise; further ones wait to be accepted.
pub const CONNECTIONS: usize = 10_000;
/// How long a request's head may take, and how long a connection may lie idle between two requests.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a body may take, unless it is a stream.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a peer may take none of what is written to it. One that takes a little now and then is only slow.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests in flight may take to finish once the server is told to stop.
pub const GRACE: Duration = Duration::from_secs(10);
/// How long a connection that was answered before its request was read is still read from, so that the answer is not
/// lost with it.
pub const LINGER: Duration = Duration::from_secs(1);
/// Most bytes read in that time.
pub const LINGER_BYTES: usize = 16 * 1024 * 1024;
/// Most lines of a stream handed to the engine together.
pub const STREAM_BATCH: usize = 256;
/// How many bytes of lines end such a batch, whatever their number: it has at most one line more.
pub const BATCH_BYTES: usize = 1024 * 1024;
/// Most such batches of one stream under way at once.
pub const STREAM_BATCHES: usize = 4;
/// Largest file of keys, in bytes.
pub const KEYS_BYTES: u64 = 1024 * 1024;
/// Longest name of a key, in bytes.
pub const KEY_NAME_BYTES: usize = 64;
/// Below how many free bytes of the data directory's disk the server says that it is not well: room for sixteen segments.
pub const DISK_LOW_BYTES: u64 = 1024 * 1024 * 1024;
/// The most shares of the server that one key may have where others have one.
pub const KEY_WEIGHT: u8 = 100;
/// How long a body that has begun may lie still, unless it is a stream.
pub const BODY_IDLE: Duration = Duration::from_secs(10);
/// How long a stream may lie still, with nothing to answer, before the server ends it.
pub const STREAM_IDLE: Duration = Duration::from_secs(600);
/// The least that a peer must take in [`WRITE_TIMEOUT`] of what is written to it, in bytes, where there is as much.
pub const WRITE_LEAST: usize = 1024;
/// The least and the most seconds after which a sender is told to come back.
pub const RETRY_SECS: (u16, u16) = (1, 30);
/// Most effects in one answer.
pub const EFFECTS_LISTED: usize = 1000;
/// Longest name that a client may give its request, in bytes; another is not taken, and the request gets one.
pub const REQUEST_ID_BYTES: usize = 128;
/// Largest question about the past, in bytes.
pub const QUESTION_BYTES: usize = 256 * 1024;
/// Most questions about the past that are answered at a time.
pub const QUESTIONS: usize = 4;
/// Most pieces of an answer that wait to be taken.
pub const QUESTION_PIECES: usize = 4;
/// Most characters of an event's id in a line of the log.
pub const LOGGED_ID_CHARS: usize = 64;
/// A job of more items needs the approval of a second person, unless the options say otherwise.
pub const SECOND_PERSON_ABOVE: usize = 1000;
/// Longest body that says what to do with what, in bytes: 100,000 numbers of records take two megabytes.
pub const ACT_BYTES: usize = 8 * 1024 * 1024;
/// Longest file of labels, in bytes.
pub const IMPORT_BYTES: usize = 32 * 1024 * 1024;
/// Most labels, or entries of a list, in one request.
pub const LABELS: usize = 1000;
/// Longest name by which asking for a job twice is known, in bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = wardroom_engine::limits::ACT_NAME_BYTES;
/// Most suspects of a sweep that an answer shows; the job is over all of them.
pub const SUSPECTS: usize = 1000;
/// Most event types whose refusal says that an account is bad.
pub const REFUSED_KINDS: usize = 16;
/// Most lines of a job's log in one answer.
pub const LOG_LINES: usize = 10_000;

/// How many lines a padded range of breached passwords has, as Have I Been Pwned pads: the least and the most.
pub const PADDED_LINES: (usize, usize) = (800, 1000);

/// Largest body that names a subject to erase, in bytes.
pub const SUBJECT_BODY_BYTES: usize = 4 << 10;

/// Largest report of an erasure that is shown, in bytes.
pub const REPORT_BYTES: usize = 64 << 20;
/// Cases that are known of: as many as the engine lists, the newest ones.
pub const CASES: usize = wardroom_engine::limits::CASES;
/// Most that was said of cases and is kept in mind: of the newest ones, eight things each.
pub const CASE_WORDS: usize = 8 * CASES;
/// When a case is due where nobody says otherwise.
pub const CASE_DUE: wardroom_event::Span = wardroom_event::Span(86_400_000_000);
/// Longest that a queue's cases may wait.
pub const CASE_DUE_MOST: wardroom_event::Span = wardroom_event::Span(400 * 86_400_000_000);
/// Most queues that have a deadline of their own.
pub const CASE_QUEUES: usize = 64;
/// Longest note of somebody who closes a case, in bytes.
pub const CASE_NOTE_BYTES: usize = wardroom_engine::limits::ACT_NOTE_BYTES;
/// Events of its account that a case shows.
pub const CASE_EVENTS: usize = 50;
/// How far back they go, and how far a security log does.
pub const LOG_SPAN: wardroom_event::Span = wardroom_event::Span(180 * 86_400_000_000);
/// Most events of an account that one answer is made of.
pub const LOG_EVENTS: usize = 2000;
/// Most entries of a security log in one answer, and how many where nobody says.
pub const LOG_ENTRIES: (usize, usize) = (200, 50);
/// Longest name of an account in a path, in bytes.
pub const ACCOUNT_BYTES: usize = 512;
/// How long a log, or the events of a case, may be looked for.
pub const LOG_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a link "this was not me" works.
pub const NOT_ME_VALID: wardroom_event::Span = wardroom_event::Span(14 * 86_400_000_000);
/// Largest form behind such a link, in bytes.
pub const NOT_ME_FORM_BYTES: usize = 256;
/// How many of these forms may be sent, by everybody together, and how many links may be opened.
pub const NOT_ME_RATE: (&str, u32) = ("20/s", 100);
/// Largest page that an operator may put in the place of the log's.
pub const PAGE_BYTES: usize = 256 * 1024;

/// Most connections at once to one listener for mail, unless the options say otherwise.
pub const MAIL_CONNECTIONS: usize = 256;
/// How long a message may take to be judged, unless the options say otherwise. Mail servers wait for minutes, senders too.
pub const MAIL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection of a mail server may lie idle, unless the options say otherwise. Postfix keeps one for 100 s.
pub const MAIL_IDLE: Duration = Duration::from_secs(600);
/// Bytes that are read at once from a mail server.
pub const MAIL_READ_BYTES: usize = 64 * 1024;
/// Messages of one listener that are read at once: each may take as many bytes as a message has.
pub const MAIL_AT_ONCE: usize = 16;
/// How long a message waits for its turn there.
pub const MAIL_TURN: Duration = Duration::from_secs(2);
