// SPDX-License-Identifier: Apache-2.0
//! What honest people and their programs do.

mod crew;
mod errand;
mod form;
mod program;
mod recovery;
mod setting;
mod signup;
mod visit;

pub(crate) use crew::{Crew, CrewKind, crew};
pub(crate) use errand::{Errand, Step};
pub(crate) use form::{DISPOSABLE_DOMAINS, REFERRERS, written_out};
pub(crate) use program::{Stale, outage, program};
pub(crate) use signup::signup;
pub(crate) use visit::{log_in, visit};

use super::stage::Stage;

/// Puts down the first thing that everybody does.
pub(crate) fn begin(stage: &mut Stage) {
    for person in 0..stage.members.len() as u32 {
        visit::settle(person, stage.plan.start, stage);
    }
    signup::begin(stage);
    crew::begin(stage);
    program::begin(stage);
}
