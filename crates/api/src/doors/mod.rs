// SPDX-License-Identifier: Apache-2.0
//! Doors for logins: events come in as their senders have them and are judged like any other; what is decided goes back in the
//! words of whoever asked.
//!
//! `account` is for one's own code, `auth_policy` for mail servers, `hooks` for identity providers. What their bodies mean is
//! known to `wardroom_account`; here is who may come in, and the way through the engine.

pub(crate) mod account;
pub(crate) mod auth_policy;
pub(crate) mod hooks;
mod key;
mod password;

pub use hooks::HookSecret;

use crate::answer::{self, Settled};
use crate::api::Api;
use crate::passage;
use crate::problem::Problem;
use crate::trace::Stages;
use wardroom_account::Tags;
use wardroom_engine::{Client, Work};
use wardroom_event::{Draft, EventId};

/// An event that was judged.
pub(crate) struct Judged {
    pub(crate) id: EventId,
    pub(crate) settled: Settled,
}

/// Judges the event that somebody sent.
pub(crate) async fn judge(api: &Api, client: Client, draft: Draft<'_>) -> Result<Judged, Problem> {
    let passage = passage::current();
    let mut stages = Stages::of(passage.as_ref().and_then(|p| p.trace()));
    let event = api.engine().intake_draft(draft, api.now())?;
    stages.end("intake");
    let (id, kind) = (event.id.clone(), Box::<str>::from(event.type_name()));
    let probe = stages.probe();
    let outcomes = api.engine().submit_probed(client, vec![event], Work::Decide, probe.clone()).await;
    stages.end_at_marks(probe.as_deref());
    let outcomes = outcomes.map_err(|e| api.refused(e))?;
    let settled = answer::settle(api, Work::Decide, &[&id], outcomes).await.pop();
    let settled = settled.unwrap_or_else(|| Err(Problem::ours("answer", &"the engine gave no outcome")))?;
    if let Some(passage) = &passage {
        passage.decided(settled.outline(&id, Some(&kind)));
    }
    Ok(Judged { id, settled })
}

/// Leaves out what the policy in force does not ask for: whoever sent it in a form of their own is not at fault for that.
fn fit(api: &Api, draft: &mut Draft<'_>) {
    let active = api.engine().active();
    let schema = &active.program.schema;
    if let Some(id) = schema.id(&draft.kind) {
        draft.fields.retain(|(name, _)| schema.get(id).slot(name).is_some());
    }
}

/// Whether events of this type have such a field.
fn asks_for(api: &Api, kind: &str, field: &str) -> bool {
    let active = api.engine().active();
    let schema = &active.program.schema;
    schema.id(kind).is_some_and(|id| schema.get(id).slot(field).is_some())
}

/// The tags of this installation.
fn tags(api: &Api) -> Tags {
    Tags::new(api.options().secret)
}

/// Counts what was refused, for metrics and the log.
fn note(api: &Api, problem: &Problem) {
    api.metrics().refused(problem.kind());
    passage::current().inspect(|passage| passage.problem(problem.kind().slug));
}
