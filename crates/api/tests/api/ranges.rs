// SPDX-License-Identifier: Apache-2.0
//! Ranges of breached passwords, by the protocol of Have I Been Pwned.

use crate::harness::{Answer, Server};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use wardroom_account::breach::{Breach, Files, Kind, List, Plan, Slot, Sources, build};
use wardroom_api::Role;

/// `password` and `P@ssw0rd`, and one that shares its first five digits with the second.
const LISTED: &str = "21BD12DC183F740EE76F27B78EB39C8AD972A757:52579\n5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8:10434004\n\
                      21BD100000000000000000000000000000000001:3\n";
const NTLM: &str = "8846F7EAEE8FB117AD06BDD830B7586C:9\n";

fn list(dir: &Path, kind: Kind, text: &'static str) {
    let plan = Plan {
        kind,
        plain: false,
        least: 1,
        slot: Slot::Bits16,
        ranges: true,
        skip_bad: false,
        out: dir.to_owned(),
    };
    let lists = vec![List::of("list".to_owned(), Cursor::new(text.as_bytes()))];
    build(&plan, lists, &mut |_, _| true).unwrap();
}

/// A server with these lists.
async fn server(dir: &Path, ntlm: bool, open: bool) -> Server {
    list(dir, Kind::Sha1, LISTED);
    list(dir, Kind::Ntlm, NTLM);
    let sources = Sources {
        filter: Some(dir.join("sha1.filter")),
        ranges: Some(dir.join("sha1.ranges")),
        ntlm_ranges: ntlm.then(|| dir.join("ntlm.ranges")),
        ..Sources::default()
    };
    let breach = Arc::new(Breach::new([1; 16], Files::open(&sources).unwrap(), open));
    Server::with(|options| options.breach = Some(breach)).await
}

async fn get(server: &Server, path: &str) -> Answer {
    server.call("GET", path, None, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_has_what_comes_after_its_five_digits() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path(), true, true).await;
    let both = "00000000000000000000000000000000001:3\r\n2DC183F740EE76F27B78EB39C8AD972A757:52579\r\n";
    let check = async |path: &str, expect: &str| {
        let answer = get(&server, path).await;
        assert_eq!((answer.status, &*answer.text()), (200, expect), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=86400"));
        assert_eq!(answer.header("vary"), Some("add-padding"));
    };
    check("/range/21BD1", both).await;
    check("/range/21bd1", both).await;
    check("/range/21bD1?mode=sha1", both).await;
    check("/range/5BAA6", "1E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\r\n").await;
    check("/range/00000", "").await;
    check("/range/8846f?mode=ntlm", "7EAEE8FB117AD06BDD830B7586C:9\r\n").await;
    check("/range/21BD1?mode=ntlm", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_prefix_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path(), false, true).await;
    for path in ["/range/21BD", "/range/21BD12", "/range/21BDG", "/range/%2b1BD1", "/range/21BD1?mode=md5"] {
        get(&server, path).await.problem(400, "bad_query");
    }
    get(&server, "/range/21BD1?padding=1").await.problem(400, "bad_query");
    let problem = get(&server, "/range/21BD1?mode=ntlm").await.problem(404, "no_ranges");
    assert!(problem["detail"].as_str().unwrap().contains("no list of ntlm hashes"), "{problem}");
    get(&server, "/range/").await.problem(404, "no_route");
    assert_eq!(server.call("POST", "/range/21BD1", None, None).await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn padding_is_added_where_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path(), true, true).await;
    for (path, digits, real) in [("/range/21BD1", 35, 2), ("/range/8846F?mode=ntlm", 27, 1)] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: t\r\nAdd-Padding: True\r\nConnection: close\r\n\r\n");
        let answer = server.raw(request.as_bytes()).await;
        assert_eq!(answer.status, 200);
        let text = answer.text();
        let lines: BTreeMap<&str, u64> = text
            .split_terminator("\r\n")
            .map(|line| line.split_once(':').map(|(suffix, count)| (suffix, count.parse().unwrap())).unwrap())
            .collect();
        assert!((800..=1000).contains(&lines.len()), "{}", lines.len());
        let shape = |suffix: &&str| {
            suffix.len() == digits && suffix.bytes().all(|b| b"0123456789ABCDEF".contains(&b))
        };
        assert!(lines.keys().all(shape), "{text}");
        assert_eq!(lines.values().filter(|count| **count > 0).count(), real);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_need_a_key_where_they_are_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path(), true, false).await;
    get(&server, "/range/21BD1").await.problem(401, "no_key");
    let answer = server.get("/range/21BD1", Role::Ingest).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("private, max-age=86400")));
    let page = server.get("/metrics", Role::Read).await.text();
    assert!(page.contains("wardroom_breach_failures_total 0"), "{page}");
    // The file goes bad under the server: its fault, in the log, and no line of it as if it were right.
    let path = dir.path().join("sha1.ranges");
    std::fs::write(&path, vec![0xa5; std::fs::metadata(&path).unwrap().len() as usize]).unwrap();
    server.get("/range/21BD1", Role::Ingest).await.problem(500, "internal");
    let page = server.get("/metrics", Role::Read).await.text();
    assert!(page.contains("wardroom_breach_failures_total 1"), "{page}");
}
