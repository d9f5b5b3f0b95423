// SPDX-License-Identifier: Apache-2.0
//! What is given out to be sent, where that goes wrong.

use super::*;
use crate::engine::{Config, Engine, Work};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account

rule all on login:
    when    account != "nobody"
    then    webhook("hook")
    because "{account}"
"#;

#[test]
fn what_trips_before_it_is_given_out_gives_its_place_back() {
    let dir = tempfile::tempdir().unwrap();
    let (config, now) = (Config::new(dir.path().join("data")), Micros(0));
    let (engine, _) = Engine::open(&config, Some(Bundle::single("a.ward", POLICY)), now).unwrap();
    let outbox = engine.outbox();
    outbox.configure([Destination { channel: Channel::Webhook, name: "hook".into() }]);
    let event = engine.intake(br#"{"type":"login","id":"1","account":"a"}"#, now).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(engine.submit(vec![event], Work::Decide)).unwrap();
    while outbox.look(now).unwrap() {}
    assert_eq!(outbox.give_out(now, |_| panic!("as a fault of our own would")).len(), 0);
    let listed = outbox.list(State::Pending, 1).effects.remove(0);
    assert_eq!((listed.attempts, listed.why.as_deref()), (1, Some("a fault of our own")));
    assert_eq!(outbox.due(listed.at).len(), 1);
}
