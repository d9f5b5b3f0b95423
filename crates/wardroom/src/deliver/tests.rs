// SPDX-License-Identifier: Apache-2.0
//! The courier over an engine, where no request comes about.

use super::*;
use wardroom_engine::{Channel, Config, Engine, State, Work, limits::OUTBOX_SENDING};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account

rule all on login:
    when    account != "nobody"
    then    webhook("hook")
    because "{account}"
"#;

fn destined() -> Destined {
    Destined {
        destination: Destination { channel: Channel::Webhook, name: "hook".into() },
        url: Url::parse("http://127.0.0.1:1/").unwrap(),
        secret: None,
        ca_file: None,
        timeout: Duration::from_secs(1),
        headers: Vec::new(),
        reveal: true,
        field: "text".to_owned(),
    }
}

fn trips(_: &Target, _: &Delivery) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    panic!("as a fault of our own would")
}

#[tokio::test]
async fn what_trips_over_its_request_gives_its_place_back() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = Some(Bundle::single("a.ward", POLICY));
    let (engine, _) = Engine::open(&Config::new(dir.path().join("data")), bundle, clock::now()).unwrap();
    let outbox = engine.outbox().clone();
    let target = Target { build: trips, ..Target::open(&destined()).unwrap() };
    let name = target.destined.destination.clone();
    outbox.configure([name.clone()]);
    let effects = OUTBOX_SENDING + 1;
    for n in 0..effects {
        let event = format!(r#"{{"type":"login","id":"{n}","account":"a"}}"#);
        let event = engine.intake(event.as_bytes(), clock::now()).unwrap();
        engine.submit(vec![event], Work::Decide).await.unwrap();
    }
    let targets = HashMap::from([(name, Arc::new(target))]);
    let (stop, stopped) = oneshot::channel();
    let courier =
        Courier { outbox: outbox.clone(), targets, sending: JoinSet::new(), rest_until: None }.run(stopped);
    let watched = async {
        loop {
            let tried = outbox.list(State::Pending, effects).effects;
            let tried = tried.iter().filter(|e| e.why.as_deref() == Some("a fault of our own")).count();
            if tried == effects {
                return stop.send(()).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let both = async { tokio::join!(courier, watched) };
    timeout(Duration::from_secs(60), both).await.expect("each of them was tried");
}
