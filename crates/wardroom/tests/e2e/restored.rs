// SPDX-License-Identifier: Apache-2.0
//! Restores, as a receiver of webhooks meets them: numbers are given a second time, ids are not.

use crate::effects::{Receiver, Reply, decide, hook, retry, shop};
use crate::process::{run, until, wardroom};
use crate::server::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a receiver that keeps to the book has done: by id, about which event. What it knows it does not do again.
fn done(receiver: &Receiver) -> BTreeMap<String, String> {
    let mut done = BTreeMap::new();
    for got in receiver.all() {
        let about = got.json()["data"]["event"]["id"].as_str().unwrap().to_owned();
        done.entry(got.id().to_owned()).or_insert(about);
    }
    done
}

/// The ids under which it did something about an event.
fn ids(receiver: &Receiver, event: &str) -> BTreeSet<String> {
    done(receiver).into_iter().filter(|(_, about)| about == event).map(|(id, _)| id).collect()
}

/// Waits until it has done what the two rules of an event ask for.
#[track_caller]
fn await_done(receiver: &Receiver, event: &str) -> BTreeSet<String> {
    until(&format!("effects of {event}"), || Some(ids(receiver, event)).filter(|ids| ids.len() == 2))
}

fn serve(dir: &Path, token: &str) -> Server {
    Server::start(wardroom(dir).args(["serve", "--listen", "127.0.0.1:0"]), token)
}

#[test]
fn what_is_decided_after_a_restore_is_news_to_a_receiver() {
    let receiver = Receiver::start(&[Reply::Status(200)]);
    let url = format!("http://{}/", receiver.address);
    let shop = shop(&(hook("revoke", &url) + &hook("slow", &url)));
    let token = shop.token.clone();
    let server = shop.serve();
    decide(&server, "before", "carol");
    let before = await_done(&receiver, "before");
    run(shop.path(), &["backup", "1.tar"]).ended(0);
    for n in 0..5 {
        decide(&server, &format!("lost-{n}"), "carol");
        await_done(&receiver, &format!("lost-{n}"));
    }
    server.kill();

    // The disk is gone; the backup and the configuration are not.
    let mut backup = shop.path().join("1.tar");
    let mut lives = Vec::new();
    for life in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        for name in ["wardroom.toml", "hook.key"] {
            std::fs::copy(shop.path().join(name), dir.path().join(name)).unwrap();
        }
        run(dir.path(), &["restore", backup.to_str().unwrap(), "--data", "data", "--policy", "policy"])
            .ended(0);
        let server = serve(dir.path(), &token);
        for n in 0..5 {
            let event = format!("life-{life}-{n}");
            decide(&server, &event, "carol");
            await_done(&receiver, &event);
            if n == 1 {
                run(dir.path(), &["backup", "next.tar"]).ended(0);
            }
        }
        // What the backup holds keeps its ids, also when it is sent again.
        for event in ["before", "life-0-0", "life-1-1"].iter().take(life + 1) {
            let known = await_done(&receiver, event);
            let asked = receiver.all().len();
            known.iter().for_each(|key| retry(&server, key));
            receiver.await_requests(asked + known.len());
            assert_eq!(ids(&receiver, event), known);
        }
        server.kill();
        backup = dir.path().join("next.tar");
        lives.push(dir);
    }
    assert_eq!(ids(&receiver, "before"), before);
}
