// SPDX-License-Identifier: Apache-2.0
//! A mail server asks: `auth_policy` of Dovecot, which is the protocol of weakforced.
//!
//! What goes wrong is a status of its own and no answer: what a mail server does without one is its administrator's choice, and
//! is not made here.

use super::{fit, judge, key, note, tags};
use crate::api::{Api, json_of};
use crate::body;
use crate::explain::query;
use crate::keys::Role;
use crate::problem::{BAD_QUERY, Problem, ProblemBody};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wardroom_account::auth_policy::{self, Answer, Command, Question};
use wardroom_account::{Step, limits};
use wardroom_engine::Client;

/// The name of the door in figures.
const DOOR: &str = "auth_policy";

/// What is asked. Other members of the query are the mail server's business.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommandQuery {
    /// `allow`: may they go on? `report`: this came of it. `reset`: nothing is done. `ping`: is somebody there?
    #[param(pattern = "^(allow|report|reset|ping)$")]
    command: String,
}

/// What is answered: to `allow` a number, to anything else a word.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AuthPolicyAnswer, example = json!({"status": 0, "msg": ""}))]
enum AnswerBody {
    /// To `allow`.
    Allow {
        /// 0: go on. -1: refuse. More: wait so many seconds first.
        #[schema(example = 0)]
        status: i32,
        /// What a mail program shows to its user.
        msg: &'static str,
    },
    /// To anything else.
    Said {
        /// `ok`, or `ignored` where nothing was done.
        #[schema(example = "ok")]
        status: &'static str,
        /// Why nothing was done.
        #[serde(skip_serializing_if = "str::is_empty")]
        #[schema(required = false)]
        msg: &'static str,
    },
}

impl AnswerBody {
    const OK: AnswerBody = AnswerBody::Said { status: "ok", msg: "" };
    const NOTHING: AnswerBody = AnswerBody::Said { status: "ignored", msg: "it tells nothing of a login" };
    const NO_RESET: AnswerBody = AnswerBody::Said {
        status: "ignored",
        msg: "no account is locked here; take a label off an address with `wardroom label`",
    };
}

impl From<Answer> for AnswerBody {
    fn from(Answer { status, msg }: Answer) -> AnswerBody {
        AnswerBody::Allow { status, msg }
    }
}

/// Ask whether the server is there
///
/// `command=ping`, as weakforced has it.
#[utoipa::path(
    get, path = "/auth-policy", tag = "doors", security(("key" = ["ingest"])),
    params(CommandQuery),
    responses(
        (status = 200, description = "It is", body = AnswerBody),
        (status = 400, description = "Another command", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ask(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    key::admit(&api, request.headers(), Role::Ingest)?;
    match command(request.uri())? {
        Command::Ping => json_of(&AnswerBody::OK),
        _ => Err(Problem::new(BAD_QUERY, "`allow`, `report` and `reset` come with POST")),
    }
}

/// Ask and tell about a login by mail
///
/// The protocol of weakforced, as Dovecot's `auth_policy_server_url` speaks it: `command=allow` before a password is looked at and
/// after it was found right, `command=report` when it is over. The key comes as bearer token, as password of Basic
/// authentication, or as `X-API-Key`.
#[utoipa::path(
    post, path = "/auth-policy", tag = "doors", security(("key" = ["ingest"])),
    params(CommandQuery),
    request_body(description = "Who wants in, at most 128 KiB", content(
        (serde_json::Value = "application/json", example = json!({
            "login": "alice", "remote": "203.0.113.7", "protocol": "imap", "pwhash": "0712",
            "device_id": "", "session_id": "G1eae1ZhRON/AAAB", "tls": true
        })),
    )),
    responses(
        (status = 200, description = "The answer", body = AnswerBody),
        (status = 400, description = "Not JSON, cut off, or another command", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The event's type changed meanwhile", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Another content type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No object, or the policy has no such events", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "More than the key's limit, or than its share of the server; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn tell(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let key = key::admit(&api, &head.headers, Role::Ingest)?;
    let answered = match command(&head.uri) {
        Ok(Command::Ping) => return json_of(&AnswerBody::OK),
        Ok(Command::Reset) => return json_of(&AnswerBody::NO_RESET),
        Ok(command) => {
            let begun = api.spend(&key).and_then(|()| body::content_type(&head.headers, body::JSON));
            match begun {
                Ok(_) => answer(&api, key.client, body, command).await,
                Err(problem) => Err(problem),
            }
        }
        Err(problem) => Err(problem),
    };
    json_of(&answered.inspect_err(|problem| note(&api, problem))?)
}

async fn answer(api: &Api, client: Client, body: Body, command: Command) -> Result<AnswerBody, Problem> {
    let bytes = body::whole(body, limits::AUTH_POLICY_BYTES, api.options().into()).await?;
    let question = Question::read(&bytes)?;
    let told = command == Command::Report;
    let draft = if told { question.reported(&tags(api)) } else { question.asked(&tags(api)) };
    let Some(mut draft) = draft else {
        api.metrics().ignored(DOOR);
        return Ok(if told { AnswerBody::NOTHING } else { auth_policy::answer(Step::LetIn).into() });
    };
    fit(api, &mut draft);
    let judged = judge(api, client, draft).await?;
    if told {
        return Ok(AnswerBody::OK);
    }
    Ok(auth_policy::answer(judged.settled.step().unwrap_or(Step::LetIn)).into())
}

fn command(uri: &Uri) -> Result<Command, Problem> {
    let CommandQuery { command } = query(uri)?;
    Command::named(&command)
        .ok_or_else(|| Problem::new(BAD_QUERY, "`command` is one of allow, report, reset, ping"))
}
