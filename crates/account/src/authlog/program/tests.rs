// SPDX-License-Identifier: Apache-2.0
//! Lines of Dovecot, PAM and login(1), as they stand in logs → events.

use super::super::{LINE_BYTES, Options, REPEATS, Reader, Tally, YearPolicy};
use proptest::prelude::*;
use wardroom_event::{Draft, Raw};

fn read(lines: &[&str]) -> (Vec<Draft<'static>>, Tally) {
    let mut reader = Reader::new(Options::new(YearPolicy::FirstLine(2026)));
    let mut out = Vec::new();
    lines.iter().for_each(|line| reader.line(line, &mut out));
    reader.finish(&mut out);
    (out, reader.tally().clone())
}

/// `account ip ok protocol known` of each event.
fn shown(lines: &[&str]) -> Vec<String> {
    let show = |draft: &Draft<'_>| {
        assert_eq!(draft.kind, "login");
        let field = |name: &str| match draft.fields.iter().find(|(n, _)| n == name).map(|(_, raw)| raw) {
            None => "-".to_owned(),
            Some(Raw::Text(text)) => text.to_string(),
            Some(Raw::Bool(b)) => b.to_string(),
            Some(other) => panic!("{other:?}"),
        };
        ["account", "ip", "ok", "protocol", "user_known"].map(field).join(" | ")
    };
    read(lines).0.iter().map(show).collect()
}

const HEAD: &str = "Nov 28 13:55:45 mail ";

#[test]
fn lines_of_dovecot_are_logins() {
    let check = |line: &str, expect: &[&str]| {
        assert_eq!(shown(&[&format!("{HEAD}dovecot: {line}")]), expect, "{line}")
    };
    let rest = "lip=192.0.2.1, mpid=7824, TLS, session=<G1eae1ZhRON/AAAB>";
    check(
        &format!("imap-login: Login: user=<alice>, method=PLAIN, rip=203.0.113.7, {rest}"),
        &["alice | 203.0.113.7 | true | imap | true"],
    );
    check(
        &format!("imap-login: Info: Logged in: user=<alice>, method=PLAIN, rip=203.0.113.7, {rest}"),
        &["alice | 203.0.113.7 | true | imap | true"],
    );
    check(
        &format!("submission-login: Login: user=<alice@mail.example>, method=LOGIN, rip=2001:db8::7, {rest}"),
        &["alice@mail.example | 2001:db8::7 | true | smtp | true"],
    );
    let failed = ["alice | 203.0.113.7 | false | imap | -"; 3];
    for form in [
        "Disconnected (auth failed, 3 attempts in 8 secs)",
        "Disconnected: Connection closed (auth failed, 3 attempts in 8 secs)",
        "Aborted login (auth failed, 3 attempts in 8 secs)",
        "Login aborted: Logged out (auth failed, 3 attempts in 8 secs) (auth_failed)",
        "Disconnected: Inactivity (auth failed, 3 attempts in 179 secs)",
    ] {
        check(&format!("imap-login: {form}: user=<alice>, method=PLAIN, rip=203.0.113.7, {rest}"), &failed);
    }
    check(
        &format!(
            "pop3-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<bob>, method=PLAIN, rip=203.0.113.7, {rest}"
        ),
        &["bob | 203.0.113.7 | false | pop3 | -"],
    );
    for nothing in [
        &format!("imap-login: Disconnected (no auth attempts in 0 secs): user=<>, rip=203.0.113.7, {rest}"),
        &format!(
            "imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<>, method=PLAIN, rip=203.0.113.7, {rest}"
        ),
        "imap(alice)<7824><abc>: Disconnected: Logged out in=0 out=404",
        "auth: passwd-file(alice,203.0.113.7,<abc>): Password mismatch",
        "lmtp(alice): Disconnect from local: Successful quit",
        "master: Warning: Killed with signal 15",
    ] {
        check(nothing, &[]);
    }
}

/// Its own file (`log_path`) has neither host nor program.
#[test]
fn dovecots_own_log_is_read_too() {
    let line = "Nov 28 13:55:45 imap-login: Info: Disconnected: Connection closed (auth failed, 1 attempts in 0 secs): user=<nobody>, method=PLAIN, rip=203.0.113.7, lip=127.0.0.1, secured, session=<abc>";
    assert_eq!(shown(&[line]), ["nobody | 203.0.113.7 | false | imap | -"]);
    let auth = "Nov 28 13:55:45 auth: Info: passwd-file(nobody,203.0.113.7,<abc>): unknown user";
    assert_eq!(shown(&[auth]).len(), 0);
}

#[test]
fn lines_of_pam_are_failures_of_their_service() {
    let check =
        |line: &str, expect: &[&str]| assert_eq!(shown(&[&format!("{HEAD}{line}")]), expect, "{line}");
    check(
        "vsftpd: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=alice rhost=203.0.113.7  user=alice",
        &["alice | 203.0.113.7 | false | ftp | true"],
    );
    check(
        "vsftpd[7]: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=nobody1 rhost=::ffff:203.0.113.7",
        &["nobody1 | 203.0.113.7 | false | ftp | -"],
    );
    check(
        "xrdp-sesman[9]: pam_unix(xrdp-sesman:auth): 2 more authentication failures; logname= uid=0 euid=0 tty=xrdp ruser= rhost=203.0.113.7  user=root",
        &["root | 203.0.113.7 | false | xrdp-sesman | true"; 2],
    );
    check(
        "login[3]: LOGIN ON pts/1 BY alice FROM 203.0.113.7",
        &["alice | 203.0.113.7 | true | login | true"],
    );
    check("login[3]: ROOT LOGIN ON pts/1 FROM 203.0.113.7", &["root | 203.0.113.7 | true | login | true"]);
    for nothing in [
        // Their own lines tell it.
        "sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.7  user=root",
        "auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=alice rhost=203.0.113.7  user=alice",
        // At a keyboard.
        "sudo: pam_unix(sudo:auth): authentication failure; logname=alice uid=1000 euid=0 tty=/dev/pts/0 ruser=alice rhost=  user=alice",
        "login[3]: pam_unix(login:auth): authentication failure; logname=LOGIN uid=0 euid=0 tty=/dev/tty1 ruser= rhost=  user=alice",
        "login[3]: FAILED LOGIN (1) on '/dev/tty1' FOR 'alice', Authentication failure",
        "login[3]: LOGIN ON tty1 BY alice",
        "sudo:   alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/bin/ls",
        // No login.
        "vsftpd: pam_faillock(vsftpd:auth): Consecutive login failures for user alice account temporarily locked",
        "vsftpd: pam_faillock(vsftpd:auth): User unknown",
        "vsftpd: pam_unix(vsftpd:auth): check pass; user unknown",
        "su[4]: pam_unix(su:session): session opened for user root(uid=0) by alice(uid=1000)",
    ] {
        check(nothing, &[]);
    }
}

#[test]
fn each_line_is_counted_once() {
    let check = |line: &str, class: fn(&mut Tally) -> &mut u64| {
        let (events, tally) = read(&[&format!("{HEAD}{line}")]);
        let mut expect = Tally { lines: 1, events: events.len() as u64, ..Tally::default() };
        *class(&mut expect) = 1;
        assert_eq!(tally, expect, "{line}");
    };
    check("dovecot: imap-login: Login: user=<a>, method=PLAIN, rip=203.0.113.7, lip=::1", |t| &mut t.used);
    check("dovecot: imap-login: Login: user=<a>, method=PLAIN, rip=, lip=::1", |t| &mut t.no_address);
    check("dovecot: master: x", |t| &mut t.ignored);
    check("sudo: pam_unix(sudo:auth): authentication failure; ruser=a rhost=  user=a", |t| &mut t.no_address);
    check("sudo: a : TTY=pts/0 ; COMMAND=/bin/ls", |t| &mut t.other_program);
}

/// Repeats are further tries, each with an id of its own, and there are not too many of them.
#[test]
fn repeats_are_told_and_bounded() {
    let line = |times: &str| {
        format!(
            "{HEAD}dovecot: imap-login: Disconnected (auth failed, {times} attempts in 8 secs): user=<a>, method=PLAIN, rip=203.0.113.7, lip=::1"
        )
    };
    let ids = |times: &str| {
        let (events, tally) = read(&[&line(times)]);
        let mut ids: Vec<String> = events.iter().filter_map(|e| e.id.as_deref().map(str::to_owned)).collect();
        ids.dedup();
        (ids.len(), tally.repeats_cut)
    };
    assert_eq!(ids("3"), (3, 0));
    assert_eq!(ids("4000000000"), (REPEATS as usize, 4_000_000_000 - u64::from(REPEATS)));
    let again = format!(
        "{HEAD}dovecot: message repeated 4 times: [ imap-login: Login: user=<a>, method=PLAIN, rip=203.0.113.7, lip=::1]"
    );
    assert_eq!(read(&[&again]).0.len(), 4);
}

/// Names that look like the rest of a line, or another line, accuse nobody else.
#[test]
fn a_strangers_text_accuses_nobody_else() {
    let (spoofs, tail) = (
        ["a>, method=PLAIN, rip=198.51.100.1, lip=::1", "a rip=198.51.100.1", "a>, rip=198.51.100.1, x=<"],
        "method=PLAIN, rip=203.0.113.7, lip=::1",
    );
    for spoof in spoofs {
        let line = format!(
            "{HEAD}dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<{spoof}>, {tail}"
        );
        let (events, tally) = read(&[&line]);
        assert_eq!((events.len(), tally.ambiguous), (0, 1), "{line}");
    }
    let name = "a: user=<b>, method=PLAIN, (auth failed, 900 attempts in 2 secs)";
    let line = format!(
        "{HEAD}dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<{name}>, {tail}"
    );
    assert_eq!(read(&[&line]).0.len(), 1, "it is one try, whatever the name says");
    let pam = format!(
        "{HEAD}vsftpd: pam_unix(vsftpd:auth): authentication failure; ruser=a rhost=198.51.100.1  user=b rhost=203.0.113.7"
    );
    assert_eq!(read(&[&pam]).1.ambiguous, 1);
}

proptest! {
    /// No name makes an event of another address than the one that Dovecot wrote, nor one that intake would not take.
    #[test]
    fn no_name_changes_the_address(name in "[ -~]{0,60}|(>, |rip=|198.51.100.1|user=<|method=| ){0,8}") {
        let line = format!("{HEAD}dovecot: imap-login: Login: user=<{name}>, method=PLAIN, rip=203.0.113.7, lip=::1, TLS");
        for event in read(&[&line]).0 {
            let ip = event.fields.iter().find(|(n, _)| n == "ip").map(|(_, raw)| raw.clone());
            prop_assert_eq!(ip, Some(Raw::Text("203.0.113.7".into())));
        }
        prop_assert!(line.len() < LINE_BYTES);
    }
}
