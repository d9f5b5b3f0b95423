// SPDX-License-Identifier: Apache-2.0
//! The doors for mail servers, over real sockets: a judgement in each protocol, and what is said when there is none.

use crate::harness::{NOW, PATH, Server};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wardroom_api::mail::{Options, Protocol, serve};
use wardroom_mail::door::{FailMode, Scored};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event mail:
    case: text
    listener: text
    sender: email?
    test_string: bool?
    spam: number?
    recipients: int
    size: int

event mail_rcpt:
    case: text
    account: account?

event mail_feedback:
    case: text
    says: enum("spam", "ham", "nothing")

feature sent = count(mail_rcpt, by=account, last="1h")

rule tested on mail:
    when    test_string
    then    block
    because "tested by {sender}"

rule held on mail:
    when    sender == "held@sender.example"
    then    review
    because "held"

rule slow on mail:
    when    sender == "slow@sender.example"
    then    limit
    because "slow"

rule modelled on mail:
    when    spam > 0.5
    then    challenge("spam")
    because "it reads so"

rule much on mail_rcpt:
    when    sent >= 2
    then    limit
    because "{sent}"
"#;

pub(crate) const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

pub(crate) struct Door {
    pub(crate) server: Server,
    pub(crate) address: std::net::SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Door {
    pub(crate) async fn open(protocol: Protocol, fail: FailMode, change: impl FnOnce(&mut Options)) -> Door {
        let server = Server::start().await;
        let bundle = Bundle::single(PATH, POLICY);
        server.engine.swap(bundle, wardroom_engine::Origin::Directory, NOW).await.unwrap();
        Door::before(server, protocol, fail, change).await
    }

    async fn before(
        server: Server,
        protocol: Protocol,
        fail: FailMode,
        change: impl FnOnce(&mut Options),
    ) -> Door {
        let mut options = Options::new("mx", protocol, fail);
        change(&mut options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(serve(listener, server.api.clone(), options, async { drop(stopped.await) }));
        Door { server, address, stop: Some(stop), task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Ends it without a word, as a signal would that nobody can catch.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// What is said to these bytes until the connection ends.
    async fn say(&self, bytes: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        said
    }

    async fn check(&self, mail: &str) -> Value {
        let request = format!(
            "POST /checkv2 HTTP/1.0\r\nIp: 192.0.2.7\r\nFrom: not an address\r\nRcpt: b@here.example\r\nContent-Length: {}\r\n\r\n{mail}",
            mail.len()
        );
        let said = self.say(&request).await;
        serde_json::from_str(said.split_once("\r\n\r\n").unwrap().1).unwrap_or_else(|_| panic!("{said}"))
    }
}

fn status(body: &Value) -> &str {
    body["milter"]["add_headers"]["X-Wardroom-Status"]["value"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_judged_and_its_case_is_in_the_record() {
    let door = Door::open(Protocol::Rspamd, FailMode::Tempfail, |_| ()).await;
    let ham = door.check("Subject: a\r\n\r\nb\r\n").await;
    assert_eq!((&ham["action"], &ham["is_skipped"]), (&"no action".into(), &false.into()), "{ham}");
    assert!(status(&ham).starts_with("scanned; class=inbox; case="), "{ham}");
    let test = door.check(&format!("Subject: a\r\n\r\n{GTUBE}\r\n")).await;
    assert_eq!(test["action"], "reject", "{test}");
    let case = test["messages"]["case"].as_str().unwrap().to_owned();
    let text = test["messages"]["smtp_message"].as_str().unwrap();
    assert!(
        text.starts_with("Refused as unwanted mail [ssh.tested] (case ") && text.contains(&case),
        "{text}"
    );
    assert_ne!(ham["messages"]["case"], case.as_str(), "each has its own");
    let reader = door.server.token(wardroom_api::Role::Read).to_owned();
    let mut found = false;
    for number in 1..10 {
        let path = format!("/v1/decisions/{number}");
        found |= door.server.call("GET", &path, Some(&reader), None).await.text().contains(&case);
    }
    assert!(found, "the case is in no record");
    let stat = door.say("GET /stat HTTP/1.0\r\n\r\n").await;
    assert!(stat.contains("\"scanned\":2") && stat.contains("\"spam_count\":1"), "{stat}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_heard_and_where_there_is_none_nothing_is_known() {
    let scored = Scored { spam: 0.9, log_odds: 2.2, reasons: Vec::new() };
    let door = Door::open(Protocol::Rspamd, FailMode::Tag, |options| {
        options.scorer = Some(Arc::new(move |envelope, reading| {
            (envelope.recipients.len() == 1 && reading.subject == "a").then(|| scored.clone())
        }));
    })
    .await;
    let spam = door.check("Subject: a\r\n\r\nb\r\n").await;
    assert_eq!((&spam["action"], &spam["score"]), (&"add header".into(), &14.091.into()), "{spam}");
    let unknown = door.check("Subject: other\r\n\r\nb\r\n").await;
    assert_eq!(unknown["action"], "no action");
    assert_eq!(unknown["milter"]["add_headers"].get("X-Wardroom-Score"), None, "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_says_so_as_its_door_is_told() {
    // The policy in force takes no mail.
    for (fail, action) in [(FailMode::Tag, "no action"), (FailMode::Tempfail, "soft reject")] {
        let door = Door::before(Server::start().await, Protocol::Rspamd, fail, |_| ()).await;
        let said = door.check("Subject: a\r\n\r\nb\r\n").await;
        assert_eq!(
            (&said["action"], &said["is_skipped"], said.get("score")),
            (&action.into(), &true.into(), None)
        );
        assert!(status(&said).starts_with("not scanned (no rule takes mail); case="), "{said}");
    }
    // A model that takes too long.
    let slow = |options: &mut Options| {
        options.timeout = Duration::from_millis(50);
        options.scorer = Some(Arc::new(|_, _| {
            std::thread::sleep(Duration::from_millis(500));
            None
        }));
    };
    let door = Door::open(Protocol::Spamd, FailMode::Tempfail, slow).await;
    let said = door.say("CHECK SPAMC/1.5\r\nContent-length: 3\r\n\r\na: ").await;
    assert!(said.starts_with("SPAMD/1.0 75 EX_TEMPFAIL not scanned: it took too long (case "), "{said}");
    // The engine has stopped.
    let door = Door::open(Protocol::Rspamd, FailMode::Tag, |_| ()).await;
    door.server.engine.close().await;
    let said = door.check("Subject: a\r\n\r\nb\r\n").await;
    assert!(status(&said).starts_with("not scanned (the server "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_is_counted_for_whoever_logged_in() {
    let door = Door::open(Protocol::Delegation, FailMode::Tempfail, |_| ()).await;
    let ask =
        "request=smtpd_access_policy\nprotocol_state=RCPT\nsasl_username=ann\nrecipient=b@x.example\n\n";
    let said = door.say(&ask.repeat(3)).await;
    let said: Vec<&str> = said.split("\n\n").filter(|action| !action.is_empty()).collect();
    assert_eq!(said[..2], ["action=DUNNO", "action=DUNNO"]);
    assert!(said[2].starts_with("action=451 4.7.1 Not accepted for now, try again later (case "), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_door_that_is_told_to_takes_lessons() {
    let tell = "TELL SPAMC/1.5\r\nMessage-class: spam\r\nSet: local\r\nContent-length: 6\r\n\r\na: b\r\n";
    let door = Door::open(Protocol::Spamd, FailMode::Tag, |_| ()).await;
    assert!(door.say(tell).await.starts_with("SPAMD/1.0 77 EX_NOPERM"));
    let door = Door::open(Protocol::Spamd, FailMode::Tag, |options| options.teaches = true).await;
    assert!(door.say(tell).await.contains("DidSet: local"));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded_in_number_and_time_and_end_with_the_server() {
    let mut door = Door::open(Protocol::Rspamd, FailMode::Tag, |options| {
        options.connections = 1;
        options.idle = Duration::from_millis(300);
    })
    .await;
    let mut first = door.connect().await;
    first.write_all(b"GET /pi").await.unwrap();
    // The second waits for the first to have been idle for too long.
    let said =
        tokio::time::timeout(Duration::from_secs(20), door.say("GET /ping HTTP/1.0\r\n\r\n")).await.unwrap();
    assert!(said.ends_with("pong\r\n"), "{said}");
    assert_eq!(first.read(&mut [0; 9]).await.unwrap_or(0), 0, "the first was ended");
    let mut half = door.connect().await;
    half.write_all(b"POST /checkv2 HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf").await.unwrap();
    drop(door.stop.take());
    tokio::time::timeout(Duration::from_secs(20), door.task).await.unwrap().unwrap();
    assert_eq!(half.read(&mut [0; 9]).await.unwrap_or(0), 0, "nothing is said of half a message");
}
