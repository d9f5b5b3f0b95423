// SPDX-License-Identifier: Apache-2.0
//! The address to listen on: free, or taken by a server of ours.

use super::Finding;
use crate::ask::Server;
use serde_json::Value;
use tokio::net::TcpListener;

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) address: String,
    /// Why it cannot be listened on, where it cannot; whether something answers there as we do.
    pub(super) taken: Option<(String, bool)>,
}

pub(super) async fn look(address: &str) -> Port {
    let taken = match TcpListener::bind(address).await {
        Ok(_) => None,
        Err(why) => Some((why.to_string(), answers(address).await)),
    };
    Port { address: address.to_owned(), taken }
}

/// Whether a server of ours lives there.
async fn answers(address: &str) -> bool {
    let Ok(server) = Server::named(&format!("http://{address}")) else { return false };
    let said = async { server.get("/healthz", "").await?.ok(server.url()) };
    said.await.is_ok_and(|said: Value| said["ok"] == true)
}

pub(super) fn judge(port: &Port) -> Vec<Finding> {
    let (check, address) = ("port", &port.address);
    vec![match &port.taken {
        None => Finding::ok(check, format!("{address} is free")),
        Some((_, true)) => Finding::ok(check, format!("a server answers at {address}")),
        Some((why, false)) => Finding::fail(
            check,
            format!("{address} cannot be listened on: {why}"),
            "stop what is there, or choose another `listen`",
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fail, Ok as Fine};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn ports_are_judged() {
        let judge = |taken: Option<(&str, bool)>| {
            let taken = taken.map(|(why, ours)| (why.to_owned(), ours));
            judge(&Port { address: "127.0.0.1:8320".to_owned(), taken })
        };
        check(&judge(None), &[(Fine, "is free")]);
        check(&judge(Some(("in use", true))), &[(Fine, "a server answers")]);
        check(&judge(Some(("in use", false))), &[(Fail, "in use")]);
    }
}
