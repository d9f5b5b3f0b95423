// SPDX-License-Identifier: Apache-2.0
//! Real clients: psql, and drivers of Python. What they show is kept as it was last looked at, in `transcripts`.
//!
//! With `WARDROOM_TRANSCRIPTS=write` the files are written anew.

use super::door::{INGEST, MASKED, Open, WHOLE, open};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn psql(door: &Open, user: &str, password: &str, extra: &[&str], input: &str) -> String {
    let mut command = Command::new("psql");
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("PGPASSWORD", password)
        .env("LC_ALL", "C.UTF-8")
        .env("PAGER", "cat");
    command
        .args(["-X", "-h", "127.0.0.1", "-p", &door.port.to_string(), "-U", user, "-d", "wardroom"])
        .args(extra);
    run(command, input)
}

/// Both outputs of a program as they come, through one pipe.
fn run(mut command: Command, input: &str) -> String {
    let (mut read, write) = std::io::pipe().unwrap();
    let mut child =
        command.stdin(Stdio::piped()).stdout(write.try_clone().unwrap()).stderr(write).spawn().unwrap();
    drop(command);
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut read, &mut said).unwrap();
    child.wait().unwrap();
    said
}

/// Whether the program is absent and the run was told so.
#[allow(clippy::disallowed_methods, reason = "what xtask says to tests, it says by the environment")]
fn skipped(program: &str) -> bool {
    let told = std::env::var("WARDROOM_SKIP").unwrap_or_default();
    let skip = told.split(',').any(|absent| absent == program);
    if skip {
        eprintln!("skipped: {program} is not there");
    }
    skip
}

#[allow(
    clippy::disallowed_methods,
    reason = "a test reads what it compares with, and may be told to write it"
)]
fn compare(name: &str, said: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/transcripts").join(name);
    let said = said.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>();
    if std::env::var("WARDROOM_TRANSCRIPTS").is_ok_and(|word| word == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &said).unwrap();
    }
    let expect = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(said.lines().collect::<Vec<_>>(), expect.lines().collect::<Vec<_>>(), "{}", path.display());
}

/// What an analyst types, from `\l` to a question with parameters.
const SESSION: &str = r"\conninfo
\l
\dn
\dt
\dv
\d
\dt+
\d login
\d+ signup
\d events
\df
\du
\dp
\di
\ds
\dT
\dx
SELECT account, count(*) AS n, count(*) FILTER (WHERE NOT ok) AS failed FROM login GROUP BY 1 ORDER BY 2 DESC, 1;
SELECT seq, time, ip, peers, age FROM login WHERE ip_in(ip, '203.0.113.0/31') ORDER BY seq LIMIT 2;
SELECT rule, count(*) FROM signals GROUP BY rule;
SELECT acount FROM login;
SELECT *
  FROM logn;
INSERT INTO login VALUES (1);
SHOW wardroom.as_of;
SET wardroom.as_of = '2026-01-05 11:00Z';
SHOW wardroom.as_of;
SET wardroom.asof = 'x';
BEGIN;
SELECT 1/0;
SELECT 1;
ROLLBACK;
SHOW TABLES;
DESCRIBE signup;
SELECT version();
SELECT current_user, current_database(), current_schema();
\gdesc
";

#[test]
fn psql_lists_describes_and_asks() {
    if skipped("psql") {
        return;
    }
    let door = open();
    let said = psql(&door, "desk", WHOLE, &["-e"], SESSION);
    let said = said.replace(&door.port.to_string(), "5433");
    compare("psql.txt", &said);
    assert!(!said.contains("XX000") && !said.contains("our own fault"), "{said}");
}

#[test]
fn psql_is_let_in_by_a_key_only() {
    if skipped("psql") {
        return;
    }
    let door = open();
    let ask = |user: &str, password: &str, extra: &[&str]| {
        psql(&door, user, password, extra, "SELECT current_user AS me;")
    };
    let who = ["-A", "-t"];
    assert_eq!(ask("desk", WHOLE, &who), "desk\n");
    // Another user's name, or a key without a verifier: the key itself is the password.
    assert_eq!(ask("anybody", WHOLE, &who), "desk\n");
    assert_eq!(ask("anybody", MASKED, &who), "trainee\n");
    for (user, password) in [("desk", MASKED), ("desk", "x"), ("anybody", "x"), ("anybody", "wk_00000001_0")]
    {
        let said = ask(user, password, &[]);
        assert!(said.contains("the password is no key of this server"), "{said}");
    }
    assert!(ask("anybody", INGEST, &[]).contains("this needs a key with the role `read`"));
    // Who insists on SCRAM or on TLS gets it, or is told; MD5 is never spoken.
    let said =
        psql(&door, "desk", WHOLE, &["-A", "-t", "-d", "dbname=wardroom sslmode=require"], "SELECT 1;");
    assert!(said.contains("server does not support SSL"), "{said}");
}

/// What psql asks when a person presses the tab key is in its source; these are the questions of version 15.
#[test]
fn completion_of_names_is_answered() {
    if skipped("psql") {
        return;
    }
    let door = open();
    let asked = r"
SELECT c.relname, NULL::pg_catalog.text FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p') AND (c.relname) LIKE 'log%' AND pg_catalog.pg_table_is_visible(c.oid) AND c.relnamespace <> (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'pg_catalog')
UNION ALL
SELECT NULL::pg_catalog.text, n.nspname FROM pg_catalog.pg_namespace n WHERE n.nspname LIKE 'log%' AND n.nspname NOT LIKE E'pg\\_%'
LIMIT 1000;
SELECT a.attname FROM pg_catalog.pg_attribute a, pg_catalog.pg_class c WHERE c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped AND (a.attname) LIKE 'acc%' AND (c.relname) = 'login' AND pg_catalog.pg_table_is_visible(c.oid) LIMIT 1000;
SELECT pg_catalog.quote_ident(datname) FROM pg_catalog.pg_database WHERE substring(pg_catalog.quote_ident(datname),1,2)='wa' LIMIT 1000;
SELECT name FROM (SELECT pg_catalog.lower(name) AS name FROM pg_catalog.pg_settings UNION ALL SELECT 'all') ss WHERE substring(name,1,4)='ward' LIMIT 1000;
SELECT p.proname, NULL::pg_catalog.text FROM pg_catalog.pg_proc p WHERE p.prokind IN ('f', 'w') AND (p.proname) LIKE 'ip%' LIMIT 1000;
";
    let said = psql(&door, "desk", WHOLE, &["-A", "-t", "-v", "ON_ERROR_STOP=1"], asked);
    assert_eq!(said, "login|\naccount\nwardroom\nwardroom.as_of\nip_in|\n");
}

/// A Python with the drivers, made once; none where it cannot be had.
fn python() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python-sql");
    let (python, done) = (home.join("bin/python"), home.join("drivers"));
    if !done.exists() {
        let made =
            Command::new("python3").args(["-m", "venv"]).arg(&home).status().is_ok_and(|s| s.success());
        let drivers = ["psycopg[binary]==3.2.*", "pg8000==1.31.*", "SQLAlchemy==2.0.*"];
        let pip = Command::new(&python).args(["-m", "pip", "install", "-q"]).args(drivers).status();
        if !(made && pip.is_ok_and(|s| s.success())) {
            return None;
        }
        std::fs::write(done, "").unwrap();
    }
    Some(python)
}

#[test]
fn drivers_of_python_list_describe_and_ask() {
    let Some(python) = python().filter(|_| !skipped("python3")) else {
        eprintln!("skipped: no Python with drivers");
        return;
    };
    let door = open();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/drivers.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .env_clear()
        .env("PORT", door.port.to_string())
        .env("WHOLE", WHOLE)
        .env("MASKED", MASKED);
    let said = run(command, "");
    compare("drivers.txt", &said);
    assert!(said.ends_with("all is well\n"), "{said}");
}
