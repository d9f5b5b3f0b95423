// SPDX-License-Identifier: Apache-2.0
//! Campaigns of sign-ups over HTTP: listed, looked at, and swept when one of their members turned bad.
//!
//! What is linked, and why, is known in `wardroom_account::campaign`; here sign-ups are read from the past for it, in the
//! background and within the bounds of any question about the past.

mod read;
mod shown;
mod sweep;

pub use read::{Read, read};
pub use shown::{CampaignBody, CampaignsBody, MemberBody, SharedBody, SuspectBody, all, one, suspect};
#[doc(hidden)]
pub(crate) use sweep::__path_sweep;
pub(crate) use sweep::sweep;

use crate::api::{Api, json_of};
use crate::explain::query;
use crate::keys::Role;
use crate::problem::{BAD_QUERY, NO_CAMPAIGN, NO_HISTORY, Problem, ProblemBody};
use crate::query::{aside_until, failed, timeout};
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use utoipa::IntoParams;
use wardroom_event::{Micros, Sight, Span};
use wardroom_history::query::Look;
use wardroom_policy::query::parse_time;

/// How far back is looked where nobody says.
const USUAL: Span = Span::from_secs(28 * 86_400);

/// From when to when sign-ups are looked at; half-open.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// From when on.
    pub from: Micros,
    /// Until when; up to the newest where it is not said.
    pub to: Option<Micros>,
}

impl Period {
    /// The period that is asked for: a day, a time with its zone, or a length of time back from now; 28 days where nothing is
    /// said.
    ///
    /// # Errors
    /// What is not understood, in words.
    pub fn asked(since: Option<&str>, until: Option<&str>, now: Micros) -> Result<Period, String> {
        let time = |name: &str, text: &str| {
            let back = Span::parse(text).ok().filter(|span| span.0 > 0).map(|span| now.minus(span));
            let like = "a day such as 2026-11-01, a time with its zone, or a length of time such as 7d";
            parse_time(text).or(back).ok_or_else(|| format!("`{name}` is {like}"))
        };
        let from = since.map_or(Ok(now.minus(USUAL)), |since| time("since", since))?;
        let to = until.map(|until| time("until", until)).transpose()?;
        Ok(Period { from, to })
    }
}

/// Which sign-ups are looked at, and how.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CampaignsQuery {
    /// From when on: a day, a time with its zone, or a length of time back from now; 28 days where it does not say.
    #[param(required = false)]
    since: Option<String>,
    /// Until when, without it.
    #[param(required = false)]
    until: Option<String>,
    /// How long it may take, such as `30s`, which is usual; ten minutes at most.
    #[param(required = false)]
    timeout: Option<String>,
    /// Show identifiers of people whole; needs the role `reveal` as well, and is logged.
    #[serde(default)]
    #[param(required = false)]
    reveal: bool,
}

/// What is asked, once it is understood.
struct Asked {
    period: Period,
    refused: Vec<String>,
    timeout: Duration,
    look: Look,
}

impl Asked {
    fn of(api: &Api, headers: &HeaderMap, query: CampaignsQuery) -> Result<Asked, Problem> {
        let period = Period::asked(query.since.as_deref(), query.until.as_deref(), api.now());
        let sight = match query.reveal {
            false => Sight::Masked,
            true => {
                let key = api.admit(headers, Role::Reveal)?;
                tracing::info!(%key, "identifiers of people were revealed: campaigns");
                Sight::Full
            }
        };
        Ok(Asked {
            period: period.map_err(|why| Problem::new(BAD_QUERY, why))?,
            refused: Vec::new(),
            timeout: timeout(query.timeout)?,
            look: Look { sight, secret: api.options().secret },
        })
    }
}

/// Reads what is asked for, looks for campaigns, and does something with them, away from the threads that answer requests.
async fn found<T: Send + 'static>(
    api: &Api,
    asked: Asked,
    work: impl FnOnce(&Read, &Asked, &mut wardroom_account::campaign::Look) -> T + Send + 'static,
) -> Result<T, Problem> {
    let Some(past) = api.options().past.clone() else {
        return Err(Problem::new(NO_HISTORY, "this server keeps no history that can be asked"));
    };
    let (secret, timeout) = (api.options().secret, asked.timeout);
    aside_until(api, timeout, move |stop| {
        let read = read(past.as_ref(), asked.period, &asked.refused, secret, &stop).map_err(failed)?;
        let mut look = read.linker.look_until(&|| stop.load(Relaxed));
        Ok(work(&read, &asked, &mut look))
    })
    .await
}

/// List campaigns of sign-ups
///
/// Accounts that one hand made, as far as what their sign-ups share can tell: against what honest sharing predicts, so that a
/// class, an office or the customers of a carrier are none.
#[utoipa::path(
    get, path = "/v1/campaigns", tag = "past", security(("key" = ["read"])), params(CampaignsQuery),
    responses(
        (status = 200, description = "The campaigns", body = CampaignsBody),
        (status = 400, description = "What is asked is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 501, description = "This server has no history", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Enough questions are being answered; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "It took too long", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let asked = Asked::of(&api, request.headers(), query(request.uri())?)?;
    let now = api.now();
    let body = found(&api, asked, move |read, asked, found| CampaignsBody {
        campaigns: all(found, asked.look),
        signups: found.signups(),
        from: asked.period.from.to_string(),
        to: asked.period.to.unwrap_or(now).to_string(),
        complete: !found.is_cut() && read.linker.left_out() == 0,
    });
    json_of(&body.await?)
}

/// Look at a campaign
///
/// With its members, and of each what it shares with the others.
#[utoipa::path(
    get, path = "/v1/campaigns/{name}", tag = "past", security(("key" = ["read"]), ("key" = ["read", "reveal"])),
    params(("name" = String, Path, description = "Its name, as listed; its end, day and mark, is enough"), CampaignsQuery),
    responses(
        (status = 200, description = "The campaign", body = CampaignBody),
        (status = 400, description = "What is asked is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such campaign in this period", body = ProblemBody, content_type = "application/problem+json"),
        (status = 501, description = "This server has no history", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Enough questions are being answered; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "It took too long", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get(
    State(api): State<Api>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let asked = Asked::of(&api, request.headers(), query(request.uri())?)?;
    let look = asked.look;
    let campaign =
        found(&api, asked, move |_, _, found| found.campaign(&name).map(|campaign| one(campaign, look)));
    let none =
        || Problem::new(NO_CAMPAIGN, "campaigns have the names that /v1/campaigns lists for the same period");
    json_of(&campaign.await?.ok_or_else(none)?)
}
