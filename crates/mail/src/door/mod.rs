// SPDX-License-Identifier: Apache-2.0
//! Doors for mail servers: what they send becomes a question, what is decided goes back in the words of whoever asked.
//!
//! Each protocol is a [`Conversation`]: bytes go in as they come, questions and bytes come out, and nothing waits in it. So one
//! listener serves them all, and they are tested and fuzzed without a socket. Behind all of them stands one record, the
//! [`Judgement`]; what a protocol cannot say is in a header, which is the same behind every door ([`tags`]).
//!
//! A message that could not be judged is never one with the score 0: it says `not scanned` and why, or is refused for now, as
//! the listener's [`FailMode`] has it.

mod draft;
mod envelope;
mod judgement;
pub mod limits;
pub mod tags;

mod heard;
mod http;
mod text;

pub mod delegation;
pub mod milter;
pub mod rspamd;
pub mod spamd;
pub mod stalwart;

pub use draft::{Drafted, Scored};
pub use envelope::{Envelope, Message, Stage, Tls};
pub use judgement::{Case, Class, FailMode, Judgement, Reason, Refusal, Scale, State, Why};

/// One connection, in one of the protocols.
pub trait Conversation: Send {
    /// Takes what the other side sent. What is not yet used is kept, so [`Conversation::next`] is called until it wants more.
    fn hear(&mut self, bytes: &[u8]);

    /// The other side sends no more.
    fn end(&mut self);

    /// Goes on as far as it can; what is to be sent is appended. After [`Next::Ask`] it waits for the answer.
    fn next(&mut self, out: &mut Vec<u8>) -> Next;

    /// The answer to what was asked.
    fn answer(&mut self, answer: &Answer, out: &mut Vec<u8>);
}

/// What a conversation wants.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// More bytes.
    More,
    /// An answer.
    Ask(Box<Question>),
    /// To be closed, once what is to be sent is sent; with what was wrong, for the log.
    Close(Option<&'static str>),
}

/// What is asked at a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What becomes of this message?
    Message(Message),
    /// May this recipient be written to? It is the last of the envelope's.
    Recipient(Envelope),
    /// Somebody says what this message is.
    Lesson(Lesson),
    /// How many were there?
    Figures,
}

/// What somebody says of a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Lesson {
    /// The message.
    pub message: Message,
    /// What it is, or no longer.
    pub teaches: Teaches,
    /// The password that came with it.
    pub password: Option<String>,
}

/// Shows nothing of the password.
impl std::fmt::Debug for Lesson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lesson")
            .field("teaches", &self.teaches)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// What is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teaches {
    /// It is spam.
    Spam,
    /// It is none.
    Ham,
    /// What was said of it before is taken back.
    Forget,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To a message or a recipient.
    Judged(Judgement),
    /// To a lesson.
    Learned(Learned),
    /// To the question for figures.
    Figures(Figures),
}

/// What became of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// It was taken.
    Taken,
    /// It was not, for this reason.
    Refused(String),
    /// Nobody may teach at this door, or not with this password.
    Forbidden,
}

/// What a listener has counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages that were judged, as [`Class::ALL`] has them.
    pub classes: [u64; Class::ALL.len()],
    /// Messages that were not.
    pub not_scanned: u64,
    /// Lessons that were taken.
    pub learned: u64,
    /// Seconds since it started.
    pub up_secs: u64,
}
