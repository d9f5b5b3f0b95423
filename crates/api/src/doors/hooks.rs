// SPDX-License-Identifier: Apache-2.0
//! Webhooks of identity providers: what they tell is judged, and what the account pack does not ask for is taken and counted,
//! so that nobody sends it again and again.

use super::{fit, judge, key, note, tags};
use crate::answer::Seq;
use crate::api::{Api, json_of};
use crate::body;
use crate::explain::query;
use crate::keys::Role;
use crate::problem::{BAD_QUERY, NO_KEY, Problem, ProblemBody};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use bytes::Bytes;
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use wardroom_account::{AccountBy, Hook, authentik, keycloak, limits};
use wardroom_engine::Client;
use wardroom_event::Faults;

/// Where a listener of Keycloak puts the signature of a body.
const SIGNATURE: HeaderName = HeaderName::from_static("x-keycloak-signature");
/// Who a sender is to the engine that is known by its signature: no key has such a number, for those have 32 bits.
const SIGNED: u64 = 1 << 32;

/// What webhooks are signed with.
#[derive(Clone)]
pub struct HookSecret(Arc<hmac::Key>);

impl HookSecret {
    /// A secret as both sides have it.
    pub fn new(secret: &[u8]) -> HookSecret {
        HookSecret(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// Whether these bytes were signed with it, in hex digits.
    fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let pairs = signature.as_chunks::<2>();
        let digit = |d: u8| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let mac: Option<Vec<u8>> =
            pairs.0.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect();
        pairs.1.is_empty() && mac.is_some_and(|mac| hmac::verify(&self.0, bytes, &mac).is_ok())
    }
}

/// Shows nothing of it.
impl fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookSecret(…)")
    }
}

/// Which name of an account is taken.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountQuery {
    /// `id`: Keycloak's own, which stays when a name changes. `name`: the user's name, where other doors send names.
    #[param(pattern = "^(id|name)$")]
    account: Option<String>,
}

/// What became of a webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Hooked, example = json!({"taken": true, "decision": "123", "event_id": "0a1b"}))]
struct HookedBody<'a> {
    /// Whether it told something about an account.
    taken: bool,
    /// The decision's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Seq, required = false)]
    decision: Option<Seq>,
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event_id: Option<&'a str>,
    /// Why it was ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    why: Option<&'a str>,
}

/// Take an event of Keycloak
///
/// Keycloak's own event as JSON, in any of the shapes in which its listeners send it. The key comes as bearer token or as
/// password of Basic authentication; or the body is signed with the shared secret in `X-Keycloak-Signature`.
#[utoipa::path(
    post, path = "/v1/account/keycloak", tag = "doors", security(("key" = ["ingest"])),
    params(AccountQuery),
    request_body(description = "An event, at most 256 KiB", content((serde_json::Value = "application/json", example = json!({
        "id": "0a1b", "time": 1_767_614_400_000_i64, "type": "LOGIN_ERROR", "error": "invalid_user_credentials",
        "userId": "bcee5034", "ipAddress": "203.0.113.7", "details": {"username": "alice"}
    })))),
    responses(
        (status = 200, description = "It was taken, or ignored", body = HookedBody),
        (status = 400, description = "Not JSON, or cut off", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Another content type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No object, or the policy has no such events", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "More than the key's limit, or than its share of the server; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn keycloak(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    of_keycloak(&api, &head, body).await.inspect_err(|problem| note(&api, problem))
}

async fn of_keycloak(api: &Api, head: &Parts, body: Body) -> Result<Response, Problem> {
    let (client, bytes) = signed_or_admitted(api, head, body).await?;
    let AccountQuery { account } = query(&head.uri)?;
    let by = match account.as_deref().map(AccountBy::named) {
        None => AccountBy::default(),
        Some(Some(by)) => by,
        Some(None) => return Err(Problem::new(BAD_QUERY, "`account` is one of id, name")),
    };
    take(api, client, "keycloak", keycloak::read(&bytes, by, &tags(api))).await
}

/// Take an event of authentik
///
/// What a webhook transport sends with the mapping in the book: the event as authentik's API shows it.
#[utoipa::path(
    post, path = "/v1/account/authentik", tag = "doors", security(("key" = ["ingest"])),
    request_body(description = "An event, at most 256 KiB", content((serde_json::Value = "application/json", example = json!({
        "pk": "51d1", "action": "login_failed", "client_ip": "203.0.113.7", "created": "2026-01-05T12:00:00Z",
        "user": {"username": "AnonymousUser"}, "context": {"username": "alice"}
    })))),
    responses(
        (status = 200, description = "It was taken, or ignored", body = HookedBody),
        (status = 400, description = "Not JSON, or cut off", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Another content type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No object, or the policy has no such events", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "More than the key's limit, or than its share of the server; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn authentik(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    of_authentik(&api, &head, body).await.inspect_err(|problem| note(&api, problem))
}

async fn of_authentik(api: &Api, head: &Parts, body: Body) -> Result<Response, Problem> {
    let client = admitted(api, &head.headers)?;
    let bytes = body::whole(body, limits::HOOK_BYTES, api.options().into()).await?;
    take(api, client, "authentik", authentik::read(&bytes, &tags(api))).await
}

/// Whose key it is, within its limit; and that the body is of a known kind.
fn admitted(api: &Api, headers: &HeaderMap) -> Result<Client, Problem> {
    let key = key::admit(api, headers, Role::Ingest)?;
    api.spend(&key)?;
    body::content_type(headers, body::JSON)?;
    Ok(key.client)
}

/// The body, of somebody with a key or of whoever has the shared secret. A body is read for a signature only where there is a
/// secret to check it with.
async fn signed_or_admitted(api: &Api, head: &Parts, body: Body) -> Result<(Client, Bytes), Problem> {
    let headers = &head.headers;
    let signature = headers.get(SIGNATURE).filter(|_| !headers.contains_key(AUTHORIZATION));
    let (Some(signature), Some(secret)) = (signature, &api.options().keycloak_secret) else {
        let client = admitted(api, headers)?;
        return Ok((client, body::whole(body, limits::HOOK_BYTES, api.options().into()).await?));
    };
    body::content_type(headers, body::JSON)?;
    let bytes = body::whole(body, limits::HOOK_BYTES, api.options().into()).await?;
    match secret.signed(&bytes, signature.as_bytes()) {
        true => Ok((Client::new(SIGNED), bytes)),
        false => Err(Problem::new(NO_KEY, "the body is not signed with the shared secret")),
    }
}

async fn take(
    api: &Api,
    client: Client,
    door: &'static str,
    read: Result<Hook, Faults>,
) -> Result<Response, Problem> {
    let mut draft = match read? {
        Hook::Tells(draft) => draft,
        Hook::Ignored(why) => {
            api.metrics().ignored(door);
            return json_of(&HookedBody { taken: false, decision: None, event_id: None, why: Some(why) });
        }
    };
    fit(api, &mut draft);
    let judged = judge(api, client, draft).await?;
    let decision = Some(Seq(judged.settled.seq()));
    json_of(&HookedBody { taken: true, decision, event_id: Some(&judged.id.id), why: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn a_signature_is_of_its_bytes_and_secret() {
        let mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let secret = HookSecret::new(b"Jefe");
        let signed = |bytes: &[u8], mac: &str| secret.signed(bytes, mac.as_bytes());
        assert!(signed(b"what do ya want for nothing?", mac));
        assert!(signed(b"what do ya want for nothing?", &mac.to_uppercase()));
        assert!(!signed(b"what do ya want for nothing!", mac));
        for wrong in ["", "5", &mac[..62], &mac.replace('5', "g"), &format!("{mac}0"), &format!("{mac}00")] {
            assert!(!signed(b"what do ya want for nothing?", wrong), "{wrong}");
        }
        assert!(!HookSecret::new(b"jefe").signed(b"what do ya want for nothing?", mac.as_bytes()));
        assert_eq!(format!("{secret:?}"), "HookSecret(…)");
    }
}
