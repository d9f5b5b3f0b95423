// SPDX-License-Identifier: Apache-2.0
//! Every role against every route.

use crate::harness::Server;
use wardroom_api::{Keys, Role};

/// Every route with what it takes: its method, path, content type, and role.
const ROUTES: [(&str, &str, &str, Option<Role>); 54] = [
    ("POST", "/v1/decide", "application/json", Some(Role::Ingest)),
    ("POST", "/v1/record", "application/json", Some(Role::Ingest)),
    ("POST", "/v1/stream", "application/x-ndjson", Some(Role::Ingest)),
    ("POST", "/v1/account/attempt", "application/json", Some(Role::Ingest)),
    ("POST", "/v1/account/login", "application/json", Some(Role::Ingest)),
    ("POST", "/v1/account/keycloak", "application/json", Some(Role::Ingest)),
    ("POST", "/v1/account/authentik", "application/json", Some(Role::Ingest)),
    ("POST", "/auth-policy?command=allow", "application/json", Some(Role::Ingest)),
    ("GET", "/auth-policy?command=ping", "", Some(Role::Ingest)),
    ("GET", "/v1/decisions/1", "", Some(Role::Read)),
    ("GET", "/v1/decisions?event=1", "", Some(Role::Read)),
    ("GET", "/v1/policy", "", Some(Role::Read)),
    ("GET", "/v1/policy/files", "", Some(Role::Read)),
    ("POST", "/v1/policy/check", "application/json", Some(Role::Policy)),
    ("PUT", "/v1/policy", "application/json", Some(Role::Policy)),
    ("GET", "/v1/status", "", Some(Role::Read)),
    ("GET", "/v1/effects?state=dead", "", Some(Role::Read)),
    ("POST", "/v1/effects/1/retry", "", Some(Role::Admin)),
    ("POST", "/v1/effects/retry", "", Some(Role::Admin)),
    ("GET", "/v1/cases", "", Some(Role::Read)),
    ("GET", "/v1/cases/1", "", Some(Role::Read)),
    ("POST", "/v1/cases/1/claim", "application/json", Some(Role::Act)),
    ("POST", "/v1/cases/1/close", "application/json", Some(Role::Act)),
    ("GET", "/v1/accounts/1/log", "", Some(Role::Subject)),
    ("GET", "/v1/not-me/1", "", None),
    ("POST", "/v1/not-me/1", "application/x-www-form-urlencoded", None),
    ("POST", "/v1/backtests", "application/json", Some(Role::Read)),
    ("GET", "/v1/backtests", "", Some(Role::Read)),
    ("GET", "/v1/backtests/1", "", Some(Role::Read)),
    ("DELETE", "/v1/backtests/1", "", Some(Role::Read)),
    ("POST", "/v1/query", "application/json", Some(Role::Read)),
    ("GET", "/v1/history", "", Some(Role::Read)),
    ("GET", "/v1/campaigns", "", Some(Role::Read)),
    ("GET", "/v1/campaigns/1", "", Some(Role::Read)),
    ("POST", "/v1/campaigns/sweep", "application/json", Some(Role::Act)),
    ("POST", "/v1/labels", "application/json", Some(Role::Act)),
    ("GET", "/v1/labels?subject=account:a", "", Some(Role::Read)),
    ("POST", "/v1/labels/import", "text/csv", Some(Role::Act)),
    ("POST", "/v1/acts/1/undo", "", Some(Role::Act)),
    ("GET", "/v1/lists", "", Some(Role::Read)),
    ("GET", "/v1/lists/1", "", Some(Role::Read)),
    ("POST", "/v1/lists/1/entries", "application/json", Some(Role::Act)),
    ("POST", "/v1/jobs", "application/json", Some(Role::Act)),
    ("GET", "/v1/jobs", "", Some(Role::Read)),
    ("GET", "/v1/jobs/1", "", Some(Role::Read)),
    ("GET", "/v1/jobs/1/log", "", Some(Role::Read)),
    ("POST", "/v1/jobs/1/start", "", Some(Role::Act)),
    ("POST", "/v1/erasures", "application/json", Some(Role::Admin)),
    ("GET", "/v1/erasures/1", "", Some(Role::Admin)),
    ("GET", "/range/1", "", Some(Role::Ingest)),
    ("GET", "/metrics", "", Some(Role::Read)),
    ("GET", "/healthz", "", None),
    ("GET", "/readyz", "", None),
    ("GET", "/openapi.json", "", None),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_its_role() {
    let server = Server::start().await;
    for (method, path, kind, needed) in ROUTES {
        let call = async |token: Option<&str>| server.call(method, path, token, Some((kind, b"{}"))).await;
        for role in Role::ALL {
            let answer = call(Some(server.token(role))).await;
            if needed.is_none_or(|n| n == role) {
                assert!(![401, 403].contains(&answer.status), "{role} at {path}: {}", answer.text());
                continue;
            }
            let problem = answer.problem(403, "missing_role");
            let name = format!("`{}`", needed.unwrap());
            assert!(problem["detail"].as_str().unwrap().contains(&name), "{problem}");
        }
        let token = server.token(Role::Read);
        let end = if token.ends_with('0') { '1' } else { '0' };
        let near = format!("{}{end}", &token[..token.len() - 1]);
        for token in [
            None,
            Some(""),
            Some("wk_00000000_00000000000000000000000000000000"),
            Some(&near),
            Some("hunter2"),
        ] {
            let answer = call(token).await;
            if needed.is_none() {
                // A link is open to everybody; this one is none.
                let expect = if path.starts_with("/v1/not-me/") { 404 } else { 200 };
                assert_eq!(answer.status, expect, "{path} is open");
                continue;
            }
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            let problem = answer.problem(401, "no_key");
            assert!(!problem.to_string().contains("hunter2") && !problem.to_string().contains(&near));
        }
    }
    // Each of them is a route of its own to the metrics.
    let page = server.get("/metrics", Role::Read).await.text();
    let others =
        page.lines().filter(|line| line.starts_with("wardroom_requests_total") && line.contains("\"other\""));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
    assert!(page.contains("wardroom_requests_total{route=\"/v1/query\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_knows_every_route() {
    let document: serde_json::Value = serde_json::from_str(&wardroom_api::document()).unwrap();
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let secured = operation.get("security").is_some();
            described.push((method.to_uppercase(), path.clone(), secured));
        }
    }
    assert_eq!(described.len(), ROUTES.len());
    for (method, path, _, role) in ROUTES {
        let path = path.split('?').next().unwrap();
        let same = |(m, of, secured): &(String, String, bool)| {
            let part = |(of, given): (&str, &str)| {
                of == given || of.starts_with('{') && (given == "1" || given == "start")
            };
            let alike = of.split('/').count() == path.split('/').count();
            m == method && *secured == role.is_some() && alike && of.split('/').zip(path.split('/')).all(part)
        };
        assert!(described.iter().any(same), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_while_the_server_runs() {
    let server = Server::start().await;
    let path = server.dir.path().join("keys.toml");
    let id = server.token(Role::Read)[3..11].to_owned();
    assert_eq!(server.get("/v1/policy", Role::Read).await.status, 200);
    Keys::revoke(&path, &id).unwrap();
    server.api.replace_keys(Keys::load(&path).unwrap());
    server.get("/v1/policy", Role::Read).await.problem(401, "no_key");
    let both = server.token_of(&[Role::Read, Role::Ingest]);
    assert_eq!(server.call("GET", "/v1/policy", Some(&both), None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_open_when_configured_so() {
    let server = Server::with(|o| o.metrics_open = true).await;
    assert_eq!(server.call("GET", "/metrics", None, None).await.status, 200);
}
