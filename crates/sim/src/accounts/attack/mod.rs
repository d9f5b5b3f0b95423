// SPDX-License-Identifier: Apache-2.0
//! What attackers do. A raid is one campaign: it gets jobs from the agenda, makes an event in each at most, and hears the answer.
//!
//! Every campaign draws its own tools, sources and habits from wide ranges, so that no constant gives a family away. What real
//! tools get wrong stays in: few generators of names, few domains, languages that do not fit the country, one program's TLS
//! under another's name, confirmations that come as fast as a loop turns. All ranges are assumed where no source is named.

mod farm;
mod handles;
mod source;

mod bandit;
mod recipes;

mod approach;
mod stuffing;
mod taking;

use std::fmt::Debug;

use super::Answer;
use super::event::Client;
use super::family::Way;
use super::plan::Assault;
use super::stage::Stage;
use super::truth::Attack;

/// A campaign at work.
pub(crate) trait Raid: Debug {
    /// Does the job that is due; makes one event at most.
    fn act(&mut self, job: Job, now: i64, stage: &mut Stage);

    /// Goes on after the answer to the event that this job made.
    fn heard(&mut self, job: Job, answer: Answer, now: i64, stage: &mut Stage);
}

/// Something a raid does at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Job {
    pub(crate) what: What,
    /// Which of the campaign's accounts or victims.
    pub(crate) member: u32,
    pub(crate) tries: u16,
    /// What the raid wants to remember with the job.
    pub(crate) note: u64,
    pub(crate) client: Option<Client>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// The next member.
    Next,
    Join,
    Captcha,
    Verify,
    Login,
    Factor,
    Session,
    Setting,
    Recover,
    /// An account made long ago turns bad.
    Turn,
    /// Behaves well, for the time being.
    Behave,
}

impl Job {
    /// The first job of every raid.
    pub(crate) const BEGIN: Job = Job { what: What::Next, member: 0, tries: 0, note: 0, client: None };

    /// The same member goes on with something else.
    pub(crate) fn then(self, what: What) -> Job {
        Job { what, ..self }
    }
}

/// What all raids know of themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Campaign {
    pub(crate) number: u32,
    pub(crate) family: &'static super::family::Family,
    pub(crate) size: u32,
}

impl Campaign {
    /// The truth's part about one member's event.
    pub(crate) fn attack(&self, member: u32, would_take_over: bool) -> Attack {
        Attack { campaign: self.number, family: self.family, member, size: self.size, would_take_over }
    }
}

/// The campaign of an assault.
pub(crate) fn raid(number: u32, assault: &Assault, stage: &Stage) -> Box<dyn Raid> {
    let campaign = Campaign { number, family: assault.family, size: assault.size };
    match assault.family.way {
        Way::Stuffing(addresses) => Box::new(stuffing::Stuffing::new(campaign, addresses, stage)),
        Way::Spray => Box::new(stuffing::Spray::new(campaign, stage)),
        Way::Hammer => Box::new(stuffing::Hammer::new(campaign, stage)),
        way @ (Way::Targeted | Way::Phishing | Way::Cookie | Way::Recovery | Way::Bought) => {
            Box::new(taking::Taking::new(way, campaign, stage))
        }
        way => Box::new(farm::Farm::new(campaign, recipes::recipe(way, campaign, stage), stage)),
    }
}
