// SPDX-License-Identifier: Apache-2.0
//! The policy in force: read it, check another, put another in force.
//!
//! This module moves texts and diagnostics; what they mean is the policy's and the engine's matter.

use crate::api::{Api, json_of};
use crate::body;
use crate::keys::Role;
use crate::limits;
use crate::passage;
use crate::problem::{
    BAD_POLICY, BAD_PRECONDITION, NOT_JSON, POLICY_CHANGED, PolicyFaults, Problem, ProblemBody,
};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use wardroom_engine::{Active, Origin, SwapError, Warming};
use wardroom_event::{Faults, Micros};
use wardroom_policy::{Bundle, Feature};

/// The file that a body of plain text stands for.
const SINGLE: &str = "main.ward";

/// A policy's texts.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyFiles, example = json!({"files": {
    "ssh/rules.ward": "event login:\n    account: account\n    ip: ip\n    ok: bool\n"
}}))]
pub(crate) struct FilesBody {
    /// Texts by their path below the policy's folder; a folder is the namespace of what its files declare.
    files: BTreeMap<String, String>,
}

/// The policy in force.
#[derive(Serialize, ToSchema)]
#[schema(as = Policy)]
pub(crate) struct PolicyBody<'a> {
    /// Names its exact text.
    version: &'a str,
    /// Where it came from: `directory` or `api`.
    origin: &'static str,
    /// Its files.
    #[schema(value_type = Vec<FileBody>)]
    files: Vec<FileBody<'a>>,
    /// Its features.
    #[schema(value_type = Vec<FeatureBody>)]
    features: Vec<FeatureBody<'a>>,
    /// Its rules, in the order written.
    #[schema(value_type = Vec<RuleBody>)]
    rules: Vec<RuleBody<'a>>,
}

/// A file of the policy.
#[derive(Serialize, ToSchema)]
#[schema(as = PolicyFile)]
struct FileBody<'a> {
    /// Its path below the policy's folder.
    path: &'a str,
    /// Its size in bytes.
    bytes: usize,
}

/// A feature of the policy.
#[derive(Serialize, ToSchema)]
#[schema(as = Feature)]
struct FeatureBody<'a> {
    /// Its id.
    id: &'a str,
    /// What it counts, in one line.
    definition: &'a str,
    /// `ready`, or `warming`: it is new, its past is being counted from the journal, and it is unknown until then.
    state: &'static str,
    /// Since when its past is known: the journal's first event. Null while it is warming.
    since: Option<String>,
    /// How much of its past is counted, from 0 to 1.
    progress: f64,
    /// How many seconds that may still take. Null where it is ready, and where it is not known yet.
    estimate_seconds: Option<u64>,
}

impl<'a> FeatureBody<'a> {
    fn new(feature: &'a Feature, since: Option<Micros>, warming: Option<&Warming>) -> FeatureBody<'a> {
        FeatureBody {
            id: &feature.id,
            definition: &feature.text,
            state: if warming.is_some() { "warming" } else { "ready" },
            since: since.filter(|_| warming.is_none()).map(|s| s.to_string()),
            progress: warming.map_or(1.0, |w| w.done as f64 / w.of.max(1) as f64),
            // Rounded up: nothing that goes on takes no time.
            estimate_seconds: warming.and_then(|w| w.remaining).map(|r| r.as_millis().div_ceil(1000) as u64),
        }
    }
}

/// A rule of the policy.
#[derive(Serialize, ToSchema)]
#[schema(as = Rule)]
struct RuleBody<'a> {
    /// Its id.
    id: &'a str,
    /// The event type it judges.
    on: &'a str,
    /// `draft`, `shadow`, `canary`, `live` or `retired`.
    mode: &'static str,
    /// What follows when it fires; null for a rule that only has effects.
    verdict: Option<&'static str>,
    /// Who answers for it.
    owner: Option<&'a str>,
}

/// What checking a policy found.
#[derive(Serialize, ToSchema)]
#[schema(as = PolicyCheck)]
pub(crate) struct CheckBody<'a> {
    /// Whether it can be put in force.
    ok: bool,
    /// Names the exact text that was checked.
    version: &'a str,
    /// Errors and warnings, in the form of `wardroom check --json`.
    #[schema(value_type = Vec<Object>)]
    diagnostics: &'a RawValue,
    /// The same, drawn for a terminal.
    rendered: &'a str,
}

/// A policy that was put in force.
#[derive(Serialize, ToSchema)]
#[schema(as = PolicyAccepted)]
pub(crate) struct AcceptedBody<'a> {
    /// Names its exact text; decisions name it from now on.
    version: &'a str,
    /// Warnings, in the form of `wardroom check --json`.
    #[schema(value_type = Vec<Object>)]
    warnings: &'a RawValue,
    /// The same, drawn for a terminal.
    rendered: &'a str,
}

/// Show the policy in force
#[utoipa::path(
    get, path = "/v1/policy", tag = "policy", security(("key" = ["read"])),
    responses((status = 200, description = "Version, files, features and rules; `ETag` holds the version", body = PolicyBody))
)]
pub(crate) async fn show(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let (active, warming, since) = in_force(&api);
    let program = &active.program;
    let features = program.features.iter().zip(since);
    let warming = |id: &str| warming.iter().find(|w| *w.feature == *id);
    let body = PolicyBody {
        version: &program.version.0,
        origin: active.origin.name(),
        files: active.bundle.files().map(|(path, text)| FileBody { path, bytes: text.len() }).collect(),
        features: features.map(|(f, since)| FeatureBody::new(f, since, warming(&f.id))).collect(),
        rules: program
            .rules
            .iter()
            .map(|r| RuleBody {
                id: &r.id,
                on: &program.schema.get(r.on).name,
                mode: r.mode.name(),
                verdict: r.verdict.map(|v| v.name()),
                owner: r.owner.as_deref(),
            })
            .collect(),
    };
    tagged(json_of(&body)?, &program.version.0)
}

/// The policy in force, what of it is warming, and since when the past of its features is known: all of one policy.
fn in_force(api: &Api) -> (Arc<Active>, Vec<Warming>, Vec<Option<Micros>>) {
    loop {
        let active = api.engine().active();
        // What is not warming now has its past in what is asked next.
        let warming = api.engine().warming();
        let since = api.engine().since();
        if Arc::ptr_eq(&active, &api.engine().active()) {
            return (active, warming, since);
        }
    }
}

fn tagged(mut response: Response, version: &str) -> Result<Response, Problem> {
    let tag =
        HeaderValue::try_from(format!("\"{version}\"")).map_err(|e| Problem::ours("write a header", &e))?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

/// Show the texts of the policy in force
#[utoipa::path(
    get, path = "/v1/policy/files", tag = "policy", security(("key" = ["read"])),
    responses((status = 200, description = "The texts by path; `ETag` holds the version", body = FilesBody))
)]
pub(crate) async fn files(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let active = api.engine().active();
    let files = active.bundle.files().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    tagged(json_of(&FilesBody { files })?, &active.program.version.0)
}

/// Check a policy
///
/// Says everything wrong with it and puts nothing in force.
#[utoipa::path(
    post, path = "/v1/policy/check", tag = "policy", security(("key" = ["policy"])),
    request_body(description = "The policy's files, or one text that stands for `main.ward`; at most 16 MiB", content(
        (FilesBody = "application/json"), (String = "text/plain"),
    )),
    responses(
        (status = 200, description = "What was found, good or bad", body = CheckBody),
        (status = 400, description = "Not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Another content type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A path that no policy can have", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn check(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    api.admit(&head.headers, Role::Policy)?;
    let bundle = read_bundle(&api, &head.headers, body).await?;
    let checked = tokio::task::spawn_blocking(move || {
        let compiled = wardroom_policy::compile(&bundle);
        let said = PolicyFaults::new(&compiled.diagnostics, &compiled.sources);
        (compiled.program.is_some(), bundle.version(), said)
    });
    let (ok, version, said) = checked.await.map_err(|e| Problem::ours("check a policy", &e))?;
    let PolicyFaults { diagnostics, rendered } = &said;
    json_of(&CheckBody { ok, version: &version.0, diagnostics, rendered })
}

/// Put a policy in force
///
/// Whole or not at all: with an error in it, the policy before stays. Events under way are decided by the one or the
/// other, and every decision names which. With `If-Match`, only when that version is still in force.
#[utoipa::path(
    put, path = "/v1/policy", tag = "policy", security(("key" = ["policy"])),
    params(("If-Match" = Option<String>, Header, description = "The version, in quotes, that must be in force")),
    request_body(description = "The policy's files, or one text that stands for `main.ward`; at most 16 MiB", content(
        (FilesBody = "application/json"), (String = "text/plain"),
    )),
    responses(
        (status = 200, description = "It is in force, and recorded", body = AcceptedBody),
        (status = 400, description = "Not JSON, or If-Match is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "Another version is in force", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Another content type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The policy has errors: all of them", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let who = api.admit(&head.headers, Role::Policy)?;
    let expected = expected(&head.headers)?;
    let bundle = read_bundle(&api, &head.headers, body).await?;
    let version = bundle.version();
    // Compiling takes a thread of its own, and the caller's leaving does not stop it halfway.
    let (runtime, job) = (tokio::runtime::Handle::current(), api.clone());
    let swapped = tokio::task::spawn_blocking(move || runtime.block_on(swap(&job, expected, bundle)));
    let said = swapped.await.map_err(|e| Problem::ours("put a policy in force", &e))??;
    tracing::info!(request = %passage::id(), key = &*who, version = &*version.0, "a policy was put in force");
    let body = AcceptedBody { version: &version.0, warnings: &said.diagnostics, rendered: &said.rendered };
    tagged(json_of(&body)?, &version.0)
}

/// Puts a policy in force, if the one expected still is. Gives its warnings.
async fn swap(api: &Api, expected: Option<Vec<String>>, bundle: Bundle) -> Result<PolicyFaults, Problem> {
    let swapping = api.swapping();
    let _alone = swapping.lock().await;
    let version = api.engine().active().program.version.clone();
    if expected.is_some_and(|tags| !tags.iter().any(|t| **t == *version.0)) {
        return Err(Problem::new(POLICY_CHANGED, format!("version \"{version}\" is in force")));
    }
    let text = bundle.clone();
    match api.engine().swap(bundle, Origin::Api, api.now()).await {
        // Warnings come without the texts they point into: compiling once more is cheaper than keeping them always.
        Ok(warnings) if !warnings.is_empty() => {
            Ok(PolicyFaults::new(&warnings, &wardroom_policy::compile(&text).sources))
        }
        Ok(_) => Ok(PolicyFaults::new(&[], &Default::default())),
        Err(error) => Err(refused(api, error)),
    }
}

fn refused(api: &Api, error: SwapError) -> Problem {
    match error {
        SwapError::Policy { diagnostics, sources } => {
            Problem::bad_policy(PolicyFaults::new(&diagnostics, &sources))
        }
        SwapError::Submit(error) => api.refused(error),
        // It compiles, and the engine cannot keep it: its words say which list or name is at fault.
        other => bad_text("", "cannot_be_kept", other.to_string()),
    }
}

/// The versions that `If-Match` allows (RFC 9110, 13.1.1); none where it is absent or `*`, since there always is one.
fn expected(headers: &HeaderMap) -> Result<Option<Vec<String>>, Problem> {
    let bad =
        || Problem::new(BAD_PRECONDITION, "If-Match holds a version in quotes, such as \"5ae36b1c90fd\"");
    let mut tags = Vec::new();
    let mut given = false;
    for value in headers.get_all(IF_MATCH) {
        given = true;
        let text = value.to_str().map_err(|_| bad())?;
        for tag in text.split(',').map(str::trim) {
            if tag == "*" {
                return Ok(None);
            }
            let version = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).ok_or_else(bad)?;
            tags.push(version.to_owned());
        }
    }
    Ok(given.then_some(tags))
}

async fn read_bundle(api: &Api, headers: &HeaderMap, body: Body) -> Result<Bundle, Problem> {
    let kind = body::content_type(headers, body::POLICY)?;
    let bytes = body::whole(body, limits::POLICY_BYTES, api.options().into()).await?;
    if kind == "text/plain" {
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| bad_text("", "not_utf8", "a policy is text in UTF-8".to_owned()))?;
        return Ok(Bundle::single(SINGLE, text));
    }
    let read: FilesBody = serde_json::from_slice(&bytes)
        .map_err(|e| Problem::new(NOT_JSON, format!("send {{\"files\": {{\"main.ward\": \"…\"}}}}: {e}")))?;
    let mut bundle = Bundle::new();
    let mut faults = Faults::new();
    for (path, text) in read.files {
        if let Some(why) = misplaced(&path) {
            faults.add("/files", "bad_path", format!("`{}` {why}", shown(&path)));
        }
        bundle.add(path, text);
    }
    if bundle.files().next().is_none() {
        faults.add("/files", "no_files", "a policy has at least one file");
    }
    if faults.is_empty() { Ok(bundle) } else { Err(Problem::with_faults(BAD_POLICY, &faults)) }
}

fn bad_text(pointer: &str, code: &'static str, message: String) -> Problem {
    Problem::with_faults(BAD_POLICY, &Faults::one(pointer, code, message))
}

fn shown(path: &str) -> String {
    path.chars().take(64).flat_map(char::escape_debug).collect()
}

/// What is wrong with a path: a policy must be writable as a folder, and its paths be printable.
fn misplaced(path: &str) -> Option<&'static str> {
    if path.len() > limits::POLICY_PATH_BYTES {
        return Some("is too long");
    }
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return Some("has a character that paths do not have here");
    }
    let odd = |part: &str| part.is_empty() || part == "." || part == "..";
    path.split('/').any(odd).then_some("is not a path below the policy's folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_folder() {
        for good in ["main.ward", "ssh/rules.ward", "ssh/lists/nets.txt", "a..b"] {
            assert_eq!(misplaced(good), None, "{good}");
        }
        for bad in
            ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\\b", "a\nb", &"x".repeat(257)]
        {
            assert!(misplaced(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn preconditions_are_read() {
        let check = |given: &[&'static str], expect: Option<Option<&[&str]>>| {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append(IF_MATCH, HeaderValue::from_static(value));
            }
            let expect =
                expect.map(|e| e.map(|tags| tags.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()));
            assert_eq!(expected(&headers).ok(), expect, "{given:?}");
        };
        check(&[], Some(None));
        check(&["*"], Some(None));
        check(&["\"abc\""], Some(Some(&["abc"])));
        check(&["\"a\", \"b\"", "\"c\""], Some(Some(&["a", "b", "c"])));
        check(&["abc"], None);
        check(&["W/\"abc\""], None);
        check(&["\""], None);
    }
}
