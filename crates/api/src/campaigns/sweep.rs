// SPDX-License-Identifier: Apache-2.0
//! The sweep for sleepers: who is likely bad by kin with those that turned out bad, and a job over them.

use super::shown::{SuspectBody, suspect};
use super::{Asked, CampaignsQuery, found};
use crate::act::jobs::{Wanted, plan_on};
use crate::act::read as body_of;
use crate::api::{Api, json_of};
use crate::keys::Role;
use crate::limits;
use crate::problem::{BAD_ACT, Problem, ProblemBody};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use wardroom_account::campaign::Suspect;
use wardroom_event::{Type, Value};
use wardroom_history::act::{Asked as Deed, CaseOf, Found, LabelOf};

/// What is said of suspects where nobody says what.
const LABEL: &str = "signup-campaign";
/// How likely they must be where nobody says.
const ABOVE: f64 = 0.9;

/// A sweep.
#[derive(Deserialize, ToSchema)]
#[schema(as = Sweep, example = json!({ "since": "90d", "above": 0.95, "dry_run": false, "reason": "ann was a sleeper" }))]
#[serde(deny_unknown_fields)]
pub(crate) struct SweepBody {
    /// Back to when registrations are looked at: a day, a time with its zone, or a length of time back from now; 28 days where
    /// it does not say.
    #[serde(default)]
    since: Option<String>,
    /// Until when, without it.
    #[serde(default)]
    until: Option<String>,
    /// How long looking may take, such as `30s`, which is usual; ten minutes at most.
    #[serde(default)]
    timeout: Option<String>,
    /// How likely bad an account must be to be proposed, from 0.5 to 1; 0.9 where it does not say.
    #[serde(default)]
    above: Option<f64>,
    /// Event types of which a block says that the account is bad, such as `message`. Not `login`: who is attacked is not bad.
    #[serde(default)]
    refused: Vec<String>,
    /// The label that is said of each; `signup-campaign` where it does not say.
    #[serde(default)]
    label: Option<Box<str>>,
    /// For how long (`30d`); for good where it does not say.
    #[serde(default)]
    expires: Option<Box<str>>,
    /// Open a case for each sign-up in this queue, instead of saying a label.
    #[serde(default)]
    case: Option<Box<str>>,
    /// Why.
    #[serde(default)]
    reason: Box<str>,
    /// Only look who it would be: nothing is on record. So it is unless this says `false`.
    #[serde(default = "yes")]
    dry_run: bool,
    /// Show identifiers of people whole; needs the role `reveal` as well, and is logged.
    #[serde(default)]
    reveal: bool,
}

fn yes() -> bool {
    true
}

/// Sweep for sleepers
///
/// Where an account turned out bad (a label of the class abuse, or a block of one of the types `refused`), those that hang together
/// with it by their registration are judged once more. Whoever is likely bad too is shown with reasons; without `dry_run` a job is
/// planned over them, which is approved, started, watched and undone as any other.
#[utoipa::path(
    post, path = "/v1/campaigns/sweep", tag = "acting", security(("key" = ["act"])), request_body = SweepBody,
    responses(
        (status = 200, description = "A dry run, or nobody is likely enough: the `suspects`, and the `preview` of a job", body = Object),
        (status = 201, description = "The job, with its `preview` and the `suspects`", body = Object),
        (status = 400, description = "What is asked is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Too many jobs are open", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be done", body = ProblemBody, content_type = "application/problem+json"),
        (status = 501, description = "This server has no history", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Enough questions are being answered; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "It took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sweep(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Act)?;
    let (parts, sent) = request.into_parts();
    let body: SweepBody = body_of(&api, &parts.headers, sent).await?;
    let above = body.above.unwrap_or(ABOVE);
    if !(0.5..=1.0).contains(&above) || body.refused.len() > limits::REFUSED_KINDS {
        let why =
            format!("`above` is from 0.5 to 1, and `refused` has {} types at most", limits::REFUSED_KINDS);
        return Err(Problem::new(BAD_ACT, why));
    }
    let SweepBody { since, until, timeout, refused, reveal, .. } = body;
    let asked = Asked::of(&api, &parts.headers, CampaignsQuery { since, until, timeout, reveal })?;
    let look = asked.look;
    let asked = Asked { refused, ..asked };
    let suspects = found(&api, asked, move |read, _, found| found.sweep(&read.known, above)).await?;
    let shown: Vec<SuspectBody> = suspects.iter().take(limits::SUSPECTS).map(|s| suspect(s, look)).collect();
    if suspects.is_empty() {
        return json_of(&json!({ "suspects": shown, "count": 0 }));
    }
    let wanted = Wanted {
        asked: deed(&body.label, &body.expires, &body.case),
        found: set(&suspects, body.case.is_some()),
        from: json!({ "sweep": { "above": above, "suspects": suspects.len() } }),
        reason: body.reason,
        dry_run: body.dry_run,
        sight: look.sight,
        key: Box::default(),
    };
    let (status, mut said) = plan_on(&api, &who, wanted).await?;
    said["suspects"] = json!(shown);
    said["count"] = json!(suspects.len());
    Ok((status, json_of(&said)?).into_response())
}

fn deed(label: &Option<Box<str>>, expires: &Option<Box<str>>, case: &Option<Box<str>>) -> Deed {
    if let Some(queue) = case {
        return Deed::Case(CaseOf { queue: queue.clone() });
    }
    Deed::Label(LabelOf {
        name: label.clone().unwrap_or_else(|| LABEL.into()),
        on: "account".into(),
        says: true,
        until: None,
        expires: expires.clone(),
        confidence: None,
        note: "kin of a bad account by registration".into(),
    })
}

/// A case is of an event, a label of an account.
fn set(suspects: &[Suspect], by_event: bool) -> Found {
    match by_event {
        true => Found::Events(suspects.iter().map(|suspect| suspect.seq).collect()),
        false => {
            let one = |suspect: &Suspect| (Type::Account, Value::Text((&*suspect.account).into()));
            Found::Values(suspects.iter().map(one).collect())
        }
    }
}
