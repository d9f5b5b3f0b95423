// SPDX-License-Identifier: Apache-2.0
//! `wardroom status`: of a server that runs, of one that does not, and of what it left.

use crate::process::{Process, Ran, run, wardroom};
use crate::server::{Server, Shop, signup};
use std::io::{Read, Write};
use std::net::TcpListener;

fn status(shop: &Shop, server: &Server, key: &str, args: &[&str]) -> Ran {
    let url = format!("http://{}", server.client.address);
    let mut command = wardroom(shop.path());
    command.args(["status", "--server", &url]).args(args).env("WARDROOM_KEY", key);
    Process::start(&mut command).wait()
}

#[test]
fn a_server_says_how_it_is_and_its_directory_speaks_for_one_that_is_gone() {
    let shop = Shop::new();
    let key = run(shop.path(), &["key", "new", "watch", "--role", "read"]).ended(0).out.trim().to_owned();
    let feed = run(shop.path(), &["key", "new", "feed"]).ended(0).out.trim().to_owned();
    let server = shop.serve();
    for n in 0..5 {
        server.client.decide(&signup(&n.to_string(), &format!("a{n}"), "203.0.113.7")).ok();
    }
    let ran = status(&shop, &server, &key, &["--json"]).ended(0);
    let said = ran.json();
    assert_eq!(said["healthy"], true, "{said}");
    assert_eq!(said["events"]["recorded"], 5);
    assert_eq!(said["journal"]["seq"], 7, "two of the policy, five events");
    assert_eq!(said["host"]["journal_segments"], 1);
    assert_eq!(said["host"]["durability"], "sync");
    assert_eq!(said["policy"]["origin"], "directory");
    assert!(said["host"]["disk_free_bytes"].as_u64().is_some_and(|n| n > 0));
    assert!(said["host"]["resident_bytes"].as_u64().is_some_and(|n| n > 0));
    let table = status(&shop, &server, &key, &[]).ended(0).out;
    for line in [
        "healthy\n",
        "events       5 recorded\n",
        "queue        0 of ",
        "journal      record 7, 1 segments, ",
    ] {
        assert!(table.contains(line), "{line} in {table}");
    }

    assert!(status(&shop, &server, "wk_00000000_0", &[]).ended(3).one_error().contains("answers 401"));
    assert!(status(&shop, &server, &feed, &[]).ended(3).one_error().contains("answers 403"));
    assert!(status(&shop, &server, "", &[]).ended(2).one_error().contains("WARDROOM_KEY"));

    // Beside the server, which holds the lock.
    let beside = run(shop.path(), &["status", "--data", "data", "--json"]).ended(0).json();
    assert_eq!(beside["journal"]["seq"], 7);
    let address = server.client.address;
    server.stop();
    let gone = run(shop.path(), &["status", "--server", &format!("http://{address}")]).ended(3);
    assert!(gone.one_error().contains("no server answers"), "{gone:#?}");
    let config = format!("listen = \"{address}\"\n");
    std::fs::write(shop.path().join("wardroom.toml"), config).unwrap();
    let left = run(shop.path(), &["status"]).ended(3);
    assert!(left.err.contains("this is what its directory says"), "{left:#?}");
    assert!(left.out.starts_with("offline: data\n"), "{left:#?}");
    assert!(
        left.out.contains("journal      record 7, 1 segments") && left.out.contains("newest event 20"),
        "{left:#?}"
    );
    assert!(
        run(shop.path(), &["status", "--data", "nowhere"]).ended(3).one_error().contains("holds no journal")
    );
}

#[test]
fn watching_goes_on_until_it_is_ended() {
    let shop = Shop::new();
    let key = run(shop.path(), &["key", "new", "watch", "--role", "read"]).ended(0).out.trim().to_owned();
    let server = shop.serve();
    server.client.decide(&signup("1", "a", "203.0.113.7")).ok();
    let mut watch = wardroom(shop.path());
    let url = format!("http://{}", server.client.address);
    watch.args(["status", "--server", &url, "--watch", "--every", "1", "--json"]).env("WARDROOM_KEY", &key);
    let mut watching = Process::start(&mut watch);
    watching.await_out("two looks", |out| (out.lines().count() >= 2).then_some(()));
    watching.signal(rustix::process::Signal::INT);
    let ran = watching.wait().ended(0);
    let looks: Vec<serde_json::Value> = ran.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(looks.iter().all(|look| look["healthy"] == true && look["events"]["recorded"] == 1), "{looks:?}");
    server.stop();
}

/// What a server says of itself that is not well is the exit code, whatever else an older or newer one says.
#[test]
fn a_server_that_is_not_well_ends_it_with_1() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        // The first connection only sees whether anything is there.
        for stream in listener.incoming().take(2) {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            if stream.read(&mut head).unwrap() == 0 {
                continue;
            }
            let body = r#"{"healthy":false,"reasons":["the disk has 5 MiB left"],"novelty":[1]}"#;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let mut command = wardroom(dir.path());
    command.args(["status", "--server", &url]).env("WARDROOM_KEY", "wk_x");
    let ran = Process::start(&mut command).wait().ended(1);
    assert_eq!(ran.out, "not healthy\n  the disk has 5 MiB left\n");
    answering.join().unwrap();
}
