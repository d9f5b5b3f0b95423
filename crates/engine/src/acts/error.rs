// SPDX-License-Identifier: Apache-2.0
//! Why an act was not done.

use crate::error::SubmitError;
use wardroom_event::Type;

/// Why an act was not done, or a job does not go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ActError {
    /// There is no such event, or no longer.
    #[error("there is no event with number {0}, or it is no longer kept")]
    NoEvent(u64),
    /// There is no such act, or no longer.
    #[error("there is no act with number {0}, or it is no longer kept")]
    NoAct(u64),
    /// It is an undoing itself.
    #[error("an undoing is not undone: do once more what it undid")]
    IsUndo,
    /// The policy has no such list.
    #[error("the policy in force has no list `{list}`{}", near.as_ref().map_or(String::new(), |n| format!("; did you mean `{n}`?")))]
    NoList {
        /// What was asked for.
        list: Box<str>,
        /// The nearest name there is.
        near: Option<Box<str>>,
    },
    /// Nothing but the policy's text changes the list.
    #[error("the entries of list `{0}` stand in the policy's text, and no rule adds to it: change it there")]
    FixedList(Box<str>),
    /// The policy's text has the entry.
    #[error("the policy's text has this entry of list `{0}`: take it out there")]
    InText(Box<str>),
    /// The value cannot be on the list.
    #[error("list `{list}` takes {expected}: {why}")]
    NoEntry {
        /// The list.
        list: Box<str>,
        /// What its entries are.
        expected: Type,
        /// Why it cannot.
        why: String,
    },
    /// The label cannot be set.
    #[error("{0}")]
    NoLabel(String),
    /// What is not of a type that names somebody bears no labels.
    #[error("a label is about an entity, and `{0}` is none")]
    NoEntity(Type),
    /// Labels and lists have their share of the memory.
    #[error("labels and lists have no more room in memory")]
    NoRoom,
    /// Something is longer than may be.
    #[error("{what} has {bytes} bytes, where {most} are the most")]
    TooLong {
        /// What.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// A confidence that is none.
    #[error("a confidence is a number from 0 to 1")]
    NoConfidence,
    /// The policy in force does not have the event's type.
    #[error("the policy in force has no event type `{0}`")]
    NoType(Box<str>),
    /// There is no such job, or it is not listed any more.
    #[error("there is no job {0}")]
    NoJob(u64),
    /// The job is not where that could be done.
    #[error("job {job} {state}")]
    State {
        /// The job.
        job: u64,
        /// In words that follow its number.
        state: &'static str,
    },
    /// Too many jobs are open.
    #[error("{0} jobs are open, which is the most: finish or cancel some")]
    TooManyJobs(usize),
    /// A job has too many items, or none.
    #[error("a job of {items} items, where 1 to {most} are allowed")]
    Items {
        /// How many.
        items: usize,
        /// The most.
        most: usize,
    },
    /// The journal could not be read.
    #[error("the journal cannot be read: {0}")]
    Journal(String),
    /// The engine did not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}
