// SPDX-License-Identifier: Apache-2.0
//! Every bound of this crate, each with its reason.

use std::time::Duration;

/// Longest SQL text, in bytes: a statement of a dashboard with some thousand values in a list has half of that.
pub const SQL_BYTES: usize = 256 * 1024;
/// Most tokens of one text. What the parser builds is at most as deep, and is dropped by recursion.
pub const SQL_TOKENS: usize = 20_000;
/// Most statements of one text.
pub const SQL_STATEMENTS: usize = 64;
/// How deep parentheses, subqueries and the like may nest while they are parsed.
pub const SQL_NESTING: usize = 60;
/// How many beginnings of expressions the parser reads: twice as many as a text has tokens, and some.
pub const SQL_TRIES: u32 = 50_000;
/// How deep an expression may be: a chain of `and` is as deep as it is long. Planning and running one recurse.
pub const EXPRESSION_DEPTH: usize = 400;
/// Most tables and selects of a statement once its `with` queries are put where they are named: each naming plans it
/// again.
pub const TABLES_READ: usize = 100;
/// Most rows of one answer, whatever is asked for.
pub const ROWS: u64 = 1_000_000;
/// Most bytes of one answer, as they lie in memory.
pub const ANSWER_BYTES: usize = 512 * 1024 * 1024;
/// Most bytes that one call of a function may make for one batch of rows: no pool counts them.
pub const FUNCTION_BYTES: usize = 64 * 1024 * 1024;
/// Most groups, sorted rows and joined rows of one statement, in bytes, unless configured.
pub const MEMORY: usize = 256 * 1024 * 1024;
/// Most statements that run at once, unless configured; further ones wait.
pub const STATEMENTS: usize = 4;
/// How long a statement may take, waiting included, unless configured or asked for.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that a session may ask for.
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);
/// Stack of a thread that parses, plans and runs. Reserved, and used only as far as an expression is deep.
pub const STACK_BYTES: usize = 64 * 1024 * 1024;
/// Threads that run statements, beside those that read files.
pub const THREADS: usize = 4;
/// Threads that read files, over all statements.
pub const READERS: usize = 32;
/// Batches that wait between a reader and who takes them.
pub const BATCHES_WAITING: usize = 2;
/// Rows of one batch.
pub const BATCH_ROWS: usize = 8192;
/// Longest message of an error, in characters.
pub const MESSAGE_CHARS: usize = 2000;

/// Most connections to the door at once, unless configured.
pub const CONNECTIONS: usize = 64;
/// How long a connection may take from its first byte until it is let in.
pub const STARTUP: Duration = Duration::from_secs(20);
/// How long a connection may lie idle, unless configured.
pub const IDLE: Duration = Duration::from_secs(3600);
/// How long a peer may take none of what is written to it.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest message before a connection is let in, in bytes: PostgreSQL's own bound.
pub const STARTUP_BYTES: usize = 10_000;
/// Longest message of who is let in: a statement with its parameters.
pub const MESSAGE_BYTES: usize = SQL_BYTES + 64 * 1024;
/// Most prepared statements and portals of one connection, each.
pub const PREPARED: usize = 256;
/// Most parameters of a statement.
pub const PARAMETERS: usize = 1024;
/// Bytes of rows gathered before they are written.
pub const WRITE_BYTES: usize = 64 * 1024;
/// Rounds of PBKDF2. A key has 128 random bits, so that more would only cost time (RFC 7677 asks for 4,096).
pub const SCRAM_ROUNDS: u32 = 4096;
