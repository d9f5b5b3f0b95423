// SPDX-License-Identifier: Apache-2.0
//! The past in SQL, as an analyst with psql meets it: a real server, its own past, a real client.

use crate::process::{Process, Ran, run, wardroom};
use crate::server::{Server, Shop, signup};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether psql is absent and the run was told so.
fn skipped() -> bool {
    let told = std::env::var("WARDROOM_SKIP").unwrap_or_default();
    let skip = told.split(',').any(|absent| absent == "psql");
    if skip {
        println!("skipped: psql is not there");
    }
    skip
}

/// A shop with a door for SQL, and keys for somebody who sees identifiers whole and somebody who does not.
fn shop(more: &str) -> (Shop, String, String) {
    let shop = Shop::new();
    let toml = shop.path().join("wardroom.toml");
    let text = std::fs::read_to_string(&toml).unwrap_or_default();
    std::fs::write(&toml, format!("{text}\n[sql]\nlisten = \"127.0.0.1:0\"\n{more}")).unwrap();
    let key = |name: &str, roles: &[&str]| {
        let mut args = vec!["key", "new", name];
        roles.iter().for_each(|role| args.extend(["--role", role]));
        let made = run(shop.path(), &args).ended(0);
        let token = made.out.split_whitespace().find(|word| word.starts_with("wk_"));
        token.unwrap_or_else(|| panic!("a key: {made:#?}")).to_owned()
    };
    let (desk, trainee) = (key("desk", &["read", "reveal"]), key("trainee", &["read"]));
    (shop, desk, trainee)
}

/// The address in the line about clients of PostgreSQL.
fn door(server: &mut Server) -> SocketAddr {
    server.process.await_err("the door for SQL", |log| {
        let line = log.lines().find(|l| l.contains("clients of PostgreSQL may connect"))?;
        line.split("address=").nth(1)?.split_whitespace().next()?.parse().ok()
    })
}

fn psql(door: SocketAddr, user: &str, password: &str, more: &str, asked: &[&str]) -> Ran {
    let mut command = Command::new("psql");
    command.env("PGPASSWORD", password).env("LC_ALL", "C.UTF-8").env("PAGER", "cat").stdin(Stdio::null());
    let place = format!("host=127.0.0.1 port={} user={user} dbname=wardroom {more}", door.port());
    command.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &place]);
    for text in asked {
        command.args(["-c", text]);
    }
    Process::start(&mut command).wait()
}

fn decide(server: &Server, from: u64, to: u64) {
    for n in from..to {
        server.client.decide(&signup(&n.to_string(), &format!("alice{}", n % 3), "192.0.2.7")).ok();
    }
}

#[test]
fn psql_asks_a_running_server_about_what_it_has_just_decided() {
    if skipped() {
        return;
    }
    let (shop, desk, trainee) = shop("");
    let mut server = shop.serve();
    let door = door(&mut server);
    decide(&server, 0, 30);
    let ask = |user, key, asked: &[&str]| psql(door, user, key, "", asked);
    let tables = ask("desk", &desk, &["\\d"]).ended(0).out;
    for table in ["signup", "events", "signals", "labels", "lists", "policies"] {
        assert!(tables.contains(&format!("|{table}|")), "{tables}");
    }
    let described = ask("desk", &desk, &["\\d signup"]).ended(0).out;
    assert!(
        described.contains("account|text") && described.contains("time|timestamp with time zone"),
        "{described}"
    );
    let count = "SELECT account, count(*) FROM signup GROUP BY 1 ORDER BY 1";
    assert_eq!(ask("desk", &desk, &[count]).ended(0).out, "alice0|10\nalice1|10\nalice2|10\n");
    // What is decided now is in the next answer, and the past of a server that was killed is the same past.
    decide(&server, 30, 33);
    assert_eq!(ask("desk", &desk, &["SELECT count(*) FROM events"]).ended(0).out, "33\n");
    let masked = ask("trainee", &trainee, &[count]).ended(0).out;
    assert!(
        !masked.contains("alice") && masked.lines().filter(|l| l.ends_with("|11")).count() == 3,
        "{masked}"
    );
    let found = ask("trainee", &trainee, &["SELECT count(*) FROM signup WHERE account = 'alice1'"]).ended(0);
    assert_eq!(found.out, "0\n");
    let wrong = ask("desk", &desk, &["SELECT acount FROM signup"]).ended(1);
    assert!(wrong.err.contains("acount") && wrong.err.contains("account"), "{wrong:#?}");
    let refused = ask("desk", &trainee, &["SELECT 1"]).ended(2);
    assert!(refused.err.contains("the password is no key of this server"), "{refused:#?}");
    let written = ask("desk", &desk, &["DELETE FROM signup"]).ended(1);
    assert!(written.err.contains("read-only") || written.err.contains("only be read"), "{written:#?}");
    server.kill();
    let mut server = shop.serve();
    let door = self::door(&mut server);
    assert_eq!(psql(door, "desk", &desk, "", &["SELECT count(*) FROM events"]).ended(0).out, "33\n");
    server.stop();
}

#[test]
fn psql_comes_in_by_tls_and_proves_who_it_talks_to() {
    if skipped() {
        return;
    }
    let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/tls");
    let path = |name: &str| tls.join(name).display().to_string();
    let (shop, desk, _) = shop(&format!("cert = \"{}\"\nkey = \"{}\"\n", path("cert.pem"), path("key.pem")));
    let mut server = shop.serve();
    let door = door(&mut server);
    let with = |root: &str| {
        let more = format!("sslmode=verify-ca sslrootcert={}", path(root));
        psql(door, "desk", &desk, &more, &["\\conninfo", "SELECT 1"])
    };
    let said = with("cert.pem").ended(0).out;
    assert!(said.contains("SSL connection") && said.ends_with("1\n"), "{said}");
    let other = with("other.pem").ended(2);
    assert!(other.err.contains("certificate verify failed"), "{other:#?}");
    server.stop();
}

#[test]
fn a_door_for_other_machines_without_tls_is_refused() {
    let shop = Shop::new();
    std::fs::write(shop.path().join("wardroom.toml"), "[sql]\nlisten = \"0.0.0.0:0\"\n").unwrap();
    let ran = Process::start(wardroom(shop.path()).args(["serve", "--listen", "127.0.0.1:0"])).wait();
    assert_ne!(ran.code, Some(0), "{ran:#?}");
    assert!(ran.err.contains("sql.cert"), "{ran:#?}");
}
