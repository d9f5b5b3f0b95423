// SPDX-License-Identifier: Apache-2.0
//! Webhooks that ask a product for something: what they say, and that it is signed.

use crate::effects::{Got, Receiver, Reply, hook, is_genuine, shop};
use serde_json::{Value, json};

const POLICY: &str = r#"
event login:
    account: account
    ip:      ip
    session: text?

rule stolen on login:
    when    account == "alice"
    then    block, webhook("session-revoke"), webhook("account-hold")
    because "{account} is used by somebody else"

rule doubted on login:
    when    account == "bob"
    then    challenge("security key"), webhook("step-up-required"), webhook("mine")
    because "{account} was never at {ip}"
"#;

#[test]
fn a_product_learns_what_to_do_with_whom() {
    let product = Receiver::start(&[Reply::Status(200)]);
    let url = format!("http://{}/", product.address);
    let names = ["session-revoke", "account-hold", "step-up-required", "mine"];
    let masked = hook("mine", &url) + "reveal = false\n";
    let config: String = names[..3].iter().map(|name| hook(name, &url)).chain([masked]).collect();
    let shop = shop(&config);
    std::fs::write(shop.policy(), POLICY).unwrap();
    let server = shop.serve();
    for (id, account, session) in [("1", "alice", r#","session":"s-1""#), ("2", "bob", "")] {
        let event =
            format!(r#"{{"type":"login","id":"{id}","account":"{account}","ip":"192.0.2.1"{session}}}"#);
        server.client.decide(&event).ok();
    }
    let got = product.await_requests(4);
    let of = |name: &str| -> (Got, Value) {
        let found = got.iter().find(|got| got.json()["data"]["effect"] == name);
        let got = found.unwrap_or_else(|| panic!("{name} in {got:#?}"));
        assert!(is_genuine(got), "{got:?}");
        (got.clone(), got.json()["data"].clone())
    };
    let check = |name: &str, asked: &str| {
        let (got, data) = of(name);
        assert_eq!(data["do"], asked);
        assert!(!is_genuine(&Got { body: got.body.replace(asked, "account.delete"), ..got }));
        data
    };
    for (name, asked) in [("session-revoke", "session.revoke"), ("account-hold", "account.hold")] {
        let data = check(name, asked);
        assert_eq!((&data["session"], &data["verdict"]), (&json!("s-1"), &json!("block")));
        assert_eq!(data["entities"], json!({"account": "alice", "ip": "192.0.2.1"}));
        assert_eq!(data["reason"], "alice is used by somebody else");
        assert_eq!(data.get("ask"), None, "nothing is asked of who is blocked");
    }
    let data = check("step-up-required", "step_up.required");
    assert_eq!((&data["ask"], data.get("session")), (&json!("security key"), None));
    assert_eq!(data["reason"], "bob was never at 192.0.2.1");
    let (_, mine) = of("mine");
    assert_eq!((mine.get("do"), mine.get("session")), (None, None), "a name of one's own asks for nothing");
    assert!(!mine.to_string().contains("bob"), "{mine}");
    let ids: std::collections::BTreeSet<&str> = got.iter().map(Got::id).collect();
    assert_eq!(ids.len(), 4);
    server.stop();
}
