// SPDX-License-Identifier: Apache-2.0
//! Acting over HTTP: labels, lists, and jobs over many events, with what is there undone again.

mod find;
pub(crate) mod jobs;
pub(crate) mod labels;
pub(crate) mod lists;

use crate::api::Api;
use crate::body::Patience;
use crate::problem::{BAD_ACT, NO_ACT, NO_JOB, NO_LIST, Problem, WRONG_STATE};
use crate::{body, limits};
use axum::body::Body;
use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use wardroom_engine::acts::{ActError, Held};
use wardroom_history::act::{PlanError, Runner};

/// What acting needs beyond the engine.
#[derive(Clone)]
pub struct Acting {
    /// Goes on with jobs; without it they stay where they are.
    pub runner: Option<Arc<Runner>>,
    /// A job of more items needs the approval of a second person.
    pub second_person_above: usize,
}

impl Default for Acting {
    fn default() -> Acting {
        Acting { runner: None, second_person_above: limits::SECOND_PERSON_ABOVE }
    }
}

impl Acting {
    /// A job may be under way.
    pub(crate) fn wake(&self) {
        if let Some(runner) = &self.runner {
            runner.wake();
        }
    }
}

/// A JSON body, within its size.
pub(crate) async fn read<T: DeserializeOwned>(
    api: &Api,
    headers: &HeaderMap,
    sent: Body,
) -> Result<T, Problem> {
    body::content_type(headers, body::JSON)?;
    let bytes = body::whole(sent, limits::ACT_BYTES, Patience::from(api.options())).await?;
    serde_json::from_slice(&bytes).map_err(|e| Problem::new(BAD_ACT, e.to_string()))
}

/// Runs something that blocks on the disk away from the threads that answer requests.
pub(crate) async fn aside<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Problem::ours(doing, &e))
}

/// What is there, as an answer says it.
fn held(held: Held) -> serde_json::Value {
    match held {
        Held::Not => serde_json::Value::Bool(false),
        Held::Always => serde_json::Value::Bool(true),
        Held::Until(end) => serde_json::Value::String(end.to_string()),
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Problem {
        let kind = match &error {
            ActError::NoJob(_) => NO_JOB,
            ActError::NoAct(_) => NO_ACT,
            ActError::NoList { .. } => NO_LIST,
            ActError::State { .. } | ActError::TooManyJobs(_) => WRONG_STATE,
            ActError::Journal(why) => return Problem::ours("read the journal", why),
            ActError::Submit(error) => return error.clone().into(),
            _ => BAD_ACT,
        };
        Problem::new(kind, error.to_string())
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Problem {
        match error {
            PlanError::Act(error) => error.into(),
            PlanError::Engine(error) => error.into(),
            other => Problem::new(BAD_ACT, other.to_string()),
        }
    }
}
