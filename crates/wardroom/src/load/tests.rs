// SPDX-License-Identifier: Apache-2.0
//! The generator against the bare endpoint, and against servers that misbehave.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

fn plan(url: String, mode: Mode, arrivals: Arrivals) -> Plan {
    Plan {
        url,
        token: Some("k".to_owned()),
        mode,
        arrivals,
        connections: 4,
        in_flight: 512,
        warm_up: Duration::from_millis(100),
        duration: Duration::from_millis(500),
        events: Population::new(7).events(),
        most: None,
        watch: None,
    }
}

/// A server that reads requests and answers each with these bytes, or never.
fn server(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 64 * 1024];
                while stream.read(&mut buffer).is_ok_and(|n| n > 0) {
                    if answer.is_some_and(|a| stream.write_all(a.as_bytes()).is_err()) {
                        return;
                    }
                }
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_loop_sends_what_is_scheduled_and_counts_each_once() {
    let peer = Peer::start(1).unwrap();
    for mode in [Mode::Single, Mode::Stream] {
        for arrivals in [Arrivals::Fixed { rate: 400.0 }, Arrivals::Poisson { rate: 400.0, seed: 3 }] {
            let report = run(plan(peer.url(), mode, arrivals)).await.unwrap();
            // 0.5 s of 400 a second; of independent arrivals, give or take four standard deviations.
            let expect = if matches!(arrivals, Arrivals::Fixed { .. }) { 200..=200 } else { 143..=257 };
            assert!(expect.contains(&report.sent), "{mode:?} {arrivals:?} {report:?}");
            assert_eq!(
                (report.answered, report.unanswered, report.unsent),
                (report.sent, 0, 0),
                "{report:?}"
            );
            assert!(report.errors.is_empty(), "{report:?}");
            assert_eq!(report.verdicts.values().sum::<u64>(), report.answered);
            assert!(report.verdicts.contains_key("challenge") && report.verdicts.contains_key("allow"));
            let (latency, lag) = (report.latency.unwrap(), report.lag.unwrap());
            assert!(latency.p50_us >= lag.p50_us && latency.p50_us <= latency.p999_us, "{report:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_loop_keeps_the_server_busy() {
    let peer = Peer::start(1).unwrap();
    for mode in [Mode::Single, Mode::Stream] {
        let report = run(plan(peer.url(), mode, Arrivals::Max)).await.unwrap();
        assert!(report.answered > 500 && report.errors.is_empty(), "{report:?}");
        assert!(report.lag.is_none() && report.rate > 1000.0, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_is_charged_to_everyone_who_came_in_it() {
    // One connection whose every answer takes 100 ms, and an event due each 10 ms: a closed loop would report 100 ms.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        r#"{"verdict":"allow"}"#
    };
    let app = axum::Router::new().route("/v1/decide", axum::routing::post(slow));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut plan = plan(url, Mode::Single, Arrivals::Fixed { rate: 100.0 });
    plan.connections = 1;
    plan.warm_up = Duration::ZERO;
    let report = run(plan).await.unwrap();
    // 50 events, ten answered a second: the last waits for 50 × 100 ms, less the 490 ms after which it was due.
    let latency = report.latency.unwrap();
    assert_eq!(report.answered + report.unanswered + report.unsent, 50, "{report:?}");
    assert!(latency.p50_us > 2_000_000 && latency.max_us > 4_000_000, "{report:?}");
    assert!(report.lag.unwrap().p50_us > 1_900_000, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_counted_by_name_and_none_is_lost() {
    async fn check(answer: &'static str, mode: Mode, expect: &str) {
        let report = run(plan(server(Some(answer)), mode, Arrivals::Fixed { rate: 200.0 })).await.unwrap();
        let errors: u64 = report.errors.values().sum();
        assert_eq!((report.answered, report.latency), (0, None), "{report:?}");
        assert_eq!(errors + report.unanswered + report.unsent, 100, "{report:?}");
        assert!(report.errors.contains_key(expect), "{expect}: {report:?}");
    }
    let busy = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
    check(busy, Mode::Single, "503").await;
    check(busy, Mode::Stream, "503").await;
    check("HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\n{}", Mode::Single, "401").await;
    check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Mode::Single, "no verdict").await;
    check("nonsense\r\n\r\n", Mode::Single, "no answer").await;
    check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Mode::Stream, "stream ended early").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_does_not_hold_it_up() {
    for mode in [Mode::Single, Mode::Stream] {
        let began = Instant::now();
        let report = run(plan(server(None), mode, Arrivals::Fixed { rate: 200.0 })).await.unwrap();
        assert!(began.elapsed() < limits::DRAIN + Duration::from_secs(3), "{:?}", began.elapsed());
        assert_eq!((report.answered, report.unanswered + report.unsent), (0, 100), "{report:?}");
        assert!(report.latency.unwrap().p50_us > 4_000_000, "{report:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_said_at_once() {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let error = run(plan(url, Mode::Single, Arrivals::Max)).await.unwrap_err();
    assert!(matches!(error, LoadError::Connect { .. }), "{error}");
}
