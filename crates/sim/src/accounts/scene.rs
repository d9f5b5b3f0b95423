// SPDX-License-Identifier: Apache-2.0
//! One provider for some days: an agenda of what is due, run until somebody does something.
//!
//! A plain discrete-event loop in which each task makes at most one event. Whoever made it hears the answer and puts down what
//! to do next, never before now; so the first event the loop comes to is final.

use super::attack::{Job, Raid, raid};
use super::honest;
use super::plan::Plan;
use super::stage::{Follow, Stage, Task};
use super::{Answer, Happening, Traffic};
use crate::clock::HOUR;
use crate::event::Token;
use crate::random::Random;

/// Nobody attacks on the stroke of an hour.
const BEGINS_WITHIN: i64 = 6 * HOUR;

/// A provider of accounts, its people, and those who attack it.
#[derive(Debug)]
pub struct Scene {
    stage: Stage,
    raids: Vec<Box<dyn Raid>>,
    end: i64,
    waiting: Option<(Token, Follow)>,
    now: i64,
}

impl Scene {
    /// The scene of a plan.
    pub fn new(plan: Plan) -> Scene {
        let plan = plan.in_range();
        let end = plan.end();
        let mut stage = Stage::new(plan);
        honest::begin(&mut stage);
        let mut raids = Vec::new();
        for (number, assault) in stage.plan.families.clone().iter().enumerate() {
            let number = number as u32;
            raids.push(raid(number, assault, &stage));
            let wait =
                Random::new(stage.seed, 0x4247_0000_0000 + u64::from(number)).between(0, BEGINS_WITHIN);
            stage.agenda.add(stage.plan.start + assault.after + wait, Task::Raid(number, Job::BEGIN));
        }
        Scene { now: stage.plan.start, stage, raids, end, waiting: None }
    }

    fn act(&mut self, time: i64, task: Task) -> Option<(Happening, Follow)> {
        let stage = &mut self.stage;
        match task {
            Task::Visit(person) => honest::visit(person, time, stage),
            Task::Program(person) => honest::program(person, time, stage),
            Task::Errand(errand) => errand.act(time, stage),
            Task::Stale(stale) => stale.act(time, stage),
            Task::Signup => honest::signup(time, stage),
            Task::Crew(crew) => honest::crew(crew, time, stage),
            Task::Outage => honest::outage(time, stage),
            Task::Raid(number, job) => self.raids[number as usize].act(job, time, stage),
            Task::Late(late) => return Some(*late),
        }
        stage.said()
    }

    fn answered(&mut self, follow: Follow, answer: Answer, about: Token) {
        let (stage, now) = (&mut self.stage, self.now);
        match follow {
            Follow::Nobody => {}
            Follow::Errand(errand) => errand.heard(answer, about, now, stage),
            Follow::Stale(stale) => stale.heard(answer, now, stage),
            Follow::Raid(number, job) => self.raids[number as usize].heard(job, answer, now, stage),
        }
    }

    /// How many people have an account, or wanted one.
    #[cfg(test)]
    pub(crate) fn people(&self) -> usize {
        self.stage.members.len()
    }

    /// How much is under way.
    #[cfg(test)]
    pub(crate) fn pending(&self) -> usize {
        self.stage.agenda.len()
    }
}

impl Traffic for Scene {
    fn next(&mut self) -> Option<Happening> {
        if let Some((about, follow)) = self.waiting.take() {
            self.answered(follow, Answer::Pass, about);
        }
        loop {
            let (time, task) = self.stage.agenda.take_before(self.end)?;
            self.now = time;
            if let Some((happening, follow)) = self.act(time, task) {
                self.waiting = Some((happening.event.id, follow));
                return Some(happening);
            }
        }
    }

    fn hear(&mut self, happening: &Happening, answer: Answer) {
        if let Some((about, follow)) = self.waiting.take_if(|(id, _)| *id == happening.event.id) {
            self.answered(follow, answer, about);
        }
    }
}
