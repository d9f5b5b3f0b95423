// SPDX-License-Identifier: Apache-2.0
//! The examples on the API's page are run in their order, against one server; what the page shows is what comes back.
//!
//! A small reader of `curl` command lines, of exactly the forms the page uses: another is a failure.

use crate::documents::{here, text_of};
use crate::harness::{Answer, POLICY, Server};
use serde_json::Value;
use wardroom_api::Role;

const PAGE: &str = "../../docs/src/api.md";
const BASE: &str = "http://127.0.0.1:8320";

/// With `BLESS=1` the page's answers are written anew instead; then look at the difference.
#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
async fn the_examples_on_the_page_are_true() {
    let server = Server::start().await;
    let page = text_of(PAGE);
    assert!(page.contains(POLICY.trim()), "the page shows the policy that its examples run under");
    let mut truth = String::new();
    let mut ran = 0;
    let mut lines = page.lines().peekable();
    let mut console = false;
    while let Some(line) = lines.next() {
        truth += &format!("{line}\n");
        console = line == "```console" || (console && line != "```");
        if !console || !line.starts_with("$ ") {
            continue;
        }
        let mut command = line[2..].to_owned();
        while command.ends_with('\\') {
            let next = lines.next().expect("a command's next line");
            truth += &format!("{next}\n");
            command.pop();
            command += next;
        }
        truth += &run(&server, &command).await;
        ran += 1;
        while lines.peek().is_some_and(|l| *l != "```" && !l.starts_with("$ ")) {
            lines.next();
        }
    }
    assert!(ran >= 10, "{ran} examples");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(here(PAGE), &truth).unwrap();
        return;
    }
    for (n, (shown, true_line)) in page.lines().zip(truth.lines()).enumerate() {
        assert_eq!(shown, true_line, "api.md:{}; run with BLESS=1 and review the difference", n + 1);
    }
    assert_eq!(page.lines().count(), truth.lines().count());
}

/// What a terminal would show.
async fn run(server: &Server, command: &str) -> String {
    let (curl, filter) = command.split_once(" | ").unwrap_or((command, ""));
    let mut words = words(curl).into_iter();
    assert_eq!((words.next().as_deref(), words.next().as_deref()), (Some("curl"), Some("-s")), "{command}");
    let (mut method, mut path, mut head, mut body) = ("", String::new(), String::new(), None);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} of {command}"));
        match &*word {
            "-H" => head += &format!("{}\r\n", value()),
            "--json" => {
                head += "Content-Type: application/json\r\n";
                body = Some(value());
            }
            "--data-binary" => body = Some(value()),
            "-XPUT" => method = "PUT",
            "-XPOST" => method = "POST",
            url => path = url.strip_prefix(BASE).unwrap_or_else(|| panic!("{url} of {command}")).to_owned(),
        }
    }
    for (name, token) in [
        ("$INGEST", server.token(Role::Ingest).to_owned()),
        ("$READ", server.token(Role::Read).to_owned()),
        ("$POLICY", server.token(Role::Policy).to_owned()),
        ("$ADMIN", server.token(Role::Admin).to_owned()),
        ("$DESK", server.token_of(&[Role::Read, Role::Reveal])),
    ] {
        head = head.replace(name, &token);
    }
    let method = match (method, &body) {
        ("", None) => "GET",
        ("", Some(_)) => "POST",
        (given, _) => given,
    };
    let body = body.unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    show(server.raw(request.as_bytes()).await, filter)
}

fn show(answer: Answer, filter: &str) -> String {
    let text = match filter {
        "" => answer.text(),
        "jq ." => pretty(&answer.text()),
        "jq -r .rendered" => answer.json()["rendered"].as_str().unwrap().to_owned(),
        "grep ^wardroom_decisions" => {
            let text = answer.text();
            let mut lines: Vec<_> = text.lines().filter(|l| l.starts_with("wardroom_decisions")).collect();
            lines.sort_unstable();
            lines.join("\n")
        }
        "jq -c '.fields[0]'" => answer.json()["fields"][0].to_string(),
        "jq '.rules[0]'" => first_of(&answer.text(), "rules"),
        "jq '.features[0]'" => first_of(&answer.text(), "features"),
        other => panic!("the filter {other} is not read"),
    };
    format!("{}\n", text.trim_end())
}

/// The first of a list, in the order written, not in that of the names.
fn first_of(json: &str, list: &str) -> String {
    let text = pretty(json);
    let head = format!("  \"{list}\": [\n");
    let start = text.find(&head).unwrap() + head.len();
    let end = start + text[start..].find("\n    }").unwrap() + 6;
    let lines = text[start..end].lines().map(|l| l.strip_prefix("    ").unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// A shell's words: bare, in single or double quotes, or in `$'…'` with `\n`.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (quote, escapes) = match rest {
            r if r.starts_with("$'") => (Some('\''), true),
            r if r.starts_with('\'') => (Some('\''), false),
            r if r.starts_with('"') => (Some('"'), false),
            _ => (None, false),
        };
        let start = usize::from(quote.is_some()) + usize::from(escapes);
        let end = rest[start..].find(quote.unwrap_or(' ')).map_or(rest.len(), |e| e + start);
        let word = &rest[start..end];
        words.push(if escapes { word.replace("\\n", "\n") } else { word.to_owned() });
        rest = rest.get(end + usize::from(quote.is_some())..).unwrap_or("").trim_start();
    }
    words
}

/// JSON as `jq` lays it out, members in their own order.
fn pretty(json: &str) -> String {
    let _: Value = serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"));
    let mut out = String::new();
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        if quoted {
            out.push(c);
            (quoted, escaped) = (escaped || c != '"', !escaped && c == '\\');
            continue;
        }
        match c {
            '"' => {
                quoted = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                if chars.peek().is_some_and(|n| matches!(n, '}' | ']')) {
                    out.extend(chars.next());
                } else {
                    depth += 1;
                    out += &format!("\n{}", "  ".repeat(depth));
                }
            }
            '}' | ']' => {
                depth -= 1;
                out += &format!("\n{}{c}", "  ".repeat(depth));
            }
            ',' => out += &format!(",\n{}", "  ".repeat(depth)),
            ':' => out += ": ",
            ' ' | '\n' => {}
            other => out.push(other),
        }
    }
    out
}
