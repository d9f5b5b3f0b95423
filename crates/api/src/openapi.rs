// SPDX-License-Identifier: Apache-2.0
//! The API's description, generated from the handlers and the bodies they read and write.

use crate::act::{jobs, labels, lists};
use crate::answer::SignalBody;
use crate::doors::{account, auth_policy, hooks};
use crate::keys::Role;
use crate::problem::{FaultBody, ProblemBody};
use crate::sentinel::{log, not_me};
use crate::{
    backtests, campaigns, cases, decide, effects, erasures, explain, health, history, policy, query, ranges,
    status, stream,
};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Wardroom",
        description = "Events in, verdicts with their reasons out. Errors are problem details (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        decide::decide,
        decide::record,
        stream::stream,
        account::attempt,
        account::login,
        hooks::keycloak,
        hooks::authentik,
        auth_policy::ask,
        auth_policy::tell,
        explain::find,
        explain::get,
        policy::show,
        policy::put,
        policy::files,
        policy::check,
        status::status,
        backtests::begin,
        backtests::list,
        backtests::get,
        backtests::remove,
        query::ask,
        history::show,
        campaigns::list,
        campaigns::get,
        campaigns::sweep,
        effects::list,
        effects::retry,
        effects::retry_dead,
        cases::list,
        cases::show,
        cases::claim,
        cases::close,
        log::get,
        not_me::ask,
        not_me::say,
        labels::say,
        labels::opinions,
        labels::import,
        labels::undo,
        lists::all,
        lists::one,
        lists::change,
        jobs::new,
        jobs::list,
        jobs::one,
        jobs::step,
        jobs::log,
        erasures::begin,
        erasures::show,
        ranges::range,
        health::healthz,
        health::readyz,
        health::metrics,
        health::openapi,
    ),
    components(schemas(ProblemBody, FaultBody, SignalBody)),
    tags(
        (name = "events", description = "Hand over events"),
        (name = "doors", description = "Logins: before and after, mail servers, identity providers"),
        (name = "decisions", description = "Read decisions and their explanations"),
        (name = "policy", description = "Read, check and change the policy"),
        (name = "backtests", description = "Try rules and policies on the past"),
        (name = "past", description = "Ask about what has happened"),
        (name = "effects", description = "Cases, notifications and webhooks"),
        (name = "cases", description = "What waits for a person, and what came of it"),
        (name = "sentinel", description = "What the owner of an account sees of it"),
        (name = "acting", description = "Act on what has happened: labels, lists, jobs"),
        (name = "privacy", description = "Erase subjects"),
        (name = "passwords", description = "Look passwords up in known breaches"),
        (name = "health", description = "Watch the server"),
    ),
    modifiers(&Secured),
)]
struct Description;

/// Adds what all operations under a key have in common.
struct Secured;

impl Modify for Secured {
    fn modify(&self, api: &mut OpenApi) {
        let roles = Role::ALL.map(Role::name).join(", ");
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("wk_<id>_<secret>")
            .description(Some(format!(
                "A key of the server. Its roles are of: {roles}. Each operation names those it takes."
            )))
            .build();
        api.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(scheme));
        for item in api.paths.paths.values_mut() {
            for operation in
                [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
            {
                add_common(operation);
            }
        }
    }
}

fn add_common(operation: &mut Operation) {
    if operation.security.is_none() {
        return;
    }
    let responses = &mut operation.responses.responses;
    for (status, description) in [
        ("401", "No key, or none of this server"),
        ("403", "The key lacks the role"),
        ("500", "A fault of the server; `incident` finds it in the log"),
    ] {
        responses.entry(status.to_owned()).or_insert_with(|| problem(description).into());
    }
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// The API's description as OpenAPI 3.1, in JSON.
pub fn document() -> String {
    // Generated from types: a failure to write it would be seen by the first test.
    let json = Description::openapi().to_pretty_json();
    json.expect("the description can be written")
}
