// SPDX-License-Identifier: Apache-2.0
//! Whole sessions with a client in memory: what it says, one message after the other, and what it is told.

use crate::{Ended, frame, limits, serve};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::{BufReader, Cursor, Write};
use std::path::Path;

const POLICY: &str = r#"# Somebody wants in.
event login:
    account: account
    ip:      ip
    ok:      bool

list nets: net from "nets.txt"

feature failures = count(login, where=not ok, by=ip, last="10m")

# What it sees: too many failures.
rule guessing on login:
    when    failures >= 3 and account != "größe" and not ip in nets
    then    block
    because "größer als 𝟛: {failures} von {ip}"

test guessing "the third":
    given   3 * login(ip="192.0.2.7", ok=false) within "1m"
    when    login(ip="192.0.2.7", ok=false)
    expect  block by guessing
"#;

/// What a client says in one session, and what it can do.
struct Client {
    sent: Vec<u8>,
    id: i64,
}

/// What a client was told.
struct Told {
    messages: Vec<Value>,
    ended: Ended,
}

impl Client {
    fn new(capabilities: Value, root: Option<&Path>) -> Client {
        let mut client = Client { sent: Vec::new(), id: 0 };
        let folders = root.map(|root| json!([{"uri": uri(root), "name": "x"}]));
        client.ask("initialize", json!({"capabilities": capabilities, "workspaceFolders": folders}));
        client.tell("initialized", json!({}));
        client
    }

    /// A client that can show everything.
    fn able() -> Client {
        Client::new(able(), None)
    }

    fn send(&mut self, message: &Value) {
        frame::write(&mut self.sent, message.to_string().as_bytes()).unwrap();
    }

    /// Asks; gives the question's id.
    fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}));
        self.id
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn open(&mut self, uri: &str, text: &str) {
        self.tell(
            "textDocument/didOpen",
            json!({"textDocument": {"uri": uri, "languageId": "ward", "version": 1, "text": text}}),
        );
    }

    fn change(&mut self, uri: &str, version: i32, changes: Value) {
        self.tell(
            "textDocument/didChange",
            json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}),
        );
    }

    /// Asks about the place of the `|` in `there`, which stands for `here` in the policy.
    fn ask_at(&mut self, method: &str, here: &str, there: &str, more: &Value) -> i64 {
        let (text, position) = cursor(here, there);
        self.open(FILE, &text);
        let mut params = json!({"textDocument": {"uri": FILE}, "position": position});
        for (key, value) in more.as_object().unwrap() {
            params[key] = value.clone();
        }
        self.ask(method, params)
    }

    fn end(mut self) -> Told {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        told(self.sent)
    }

    /// Ends when all that is wrong has been told.
    fn end_after_faults(mut self) -> Told {
        let (input, mut send) = std::io::pipe().unwrap();
        let (receive, output) = std::io::pipe().unwrap();
        let server = std::thread::spawn(move || serve(input, output).unwrap());
        let mut reader = BufReader::new(receive);
        let mut messages: Vec<Value> = Vec::new();
        let mut until = |found: &dyn Fn(&Value) -> bool| {
            while let frame::Frame::Body(body) = frame::read(&mut reader).unwrap() {
                let message: Value = serde_json::from_slice(&body).unwrap();
                let last = found(&message);
                messages.push(message);
                if last {
                    return;
                }
            }
        };
        let done = self.ask("workspace/symbol", json!({"query": "-"}));
        send.write_all(&std::mem::take(&mut self.sent)).unwrap();
        until(&|m| m["id"] == done);
        // Whatever is published from here on is about all that was said.
        self.tell("workspace/didChangeWatchedFiles", json!({"changes": []}));
        send.write_all(&std::mem::take(&mut self.sent)).unwrap();
        until(&|m| m["method"] == "textDocument/publishDiagnostics");
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        send.write_all(&self.sent).unwrap();
        until(&|_| false);
        Told { messages, ended: server.join().unwrap() }
    }
}

const FILE: &str = "untitled:policy.ward";

fn able() -> Value {
    json!({
        "general": {"positionEncodings": ["utf-8", "utf-16"]},
        "textDocument": {
            "completion": {"completionItem": {"snippetSupport": true}},
            "documentSymbol": {"hierarchicalDocumentSymbolSupport": true},
            "publishDiagnostics": {"relatedInformation": true},
            "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}}},
        },
        "workspace": {"workspaceEdit": {"documentChanges": true}},
    })
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A policy without its list's file: what is not saved is a policy of its own.
fn cursor(here: &str, there: &str) -> (String, Value) {
    let policy = POLICY.replace(" from \"nets.txt\"", "");
    assert!(policy.contains(here), "{here}");
    let text = policy.replacen(here, there, 1);
    let at = text.find('|').unwrap();
    let line = text[..at].matches('\n').count();
    let column = at - text[..at].rfind('\n').map_or(0, |n| n + 1);
    (text.replacen('|', "", 1), json!({"line": line, "character": column}))
}

fn told(sent: Vec<u8>) -> Told {
    let mut output = Vec::new();
    let ended = serve(Cursor::new(sent), &mut output).unwrap();
    let mut rest = output.as_slice();
    let mut messages = Vec::new();
    while let frame::Frame::Body(body) = frame::read(&mut rest).unwrap() {
        messages.push(serde_json::from_slice(&body).unwrap());
    }
    Told { messages, ended }
}

impl Told {
    #[track_caller]
    fn answer(&self, id: i64) -> &Value {
        let found: Vec<&Value> = self.messages.iter().filter(|m| m["id"] == id).collect();
        assert_eq!(found.len(), 1, "answers to {id}: {:#?}", self.messages);
        found[0]
    }

    #[track_caller]
    fn result(&self, id: i64) -> &Value {
        let answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{answer}");
        &answer["result"]
    }

    #[track_caller]
    fn error(&self, id: i64) -> (i64, &str) {
        let error = &self.answer(id)["error"];
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap())
    }

    fn notes(&self, method: &str) -> Vec<&Value> {
        self.messages.iter().filter(|m| m["method"] == method).map(|m| &m["params"]).collect()
    }

    /// What was said last to be wrong with a file.
    #[track_caller]
    fn faults(&self, uri: &str) -> &Value {
        let of_file = self.notes("textDocument/publishDiagnostics").into_iter().rfind(|p| p["uri"] == uri);
        &of_file.unwrap_or_else(|| panic!("nothing about {uri}: {:#?}", self.messages))["diagnostics"]
    }
}

#[test]
fn a_session_has_its_order() {
    let mut client = Client { sent: Vec::new(), id: 0 };
    let early = client.ask("textDocument/hover", json!({}));
    let first = client.ask("initialize", json!({"capabilities": {}}));
    let second = client.ask("initialize", json!({"capabilities": {}}));
    let unknown = client.ask("no/such", json!({}));
    let wrong = client.ask("textDocument/hover", json!({"position": 1}));
    client.tell("no/such", json!({}));
    client.tell("$/setTrace", json!({"value": "off"}));
    let down = client.ask("shutdown", Value::Null);
    let late = client.ask("textDocument/hover", json!({}));
    client.tell("exit", Value::Null);
    let told = told(client.sent);
    assert_eq!(told.ended, Ended::Shutdown);
    assert_eq!(told.error(early).0, -32002);
    assert_eq!(told.result(first)["capabilities"]["positionEncoding"], "utf-16");
    assert_eq!(told.error(second).0, -32600);
    assert_eq!(told.error(unknown), (-32601, "no method `no/such`"));
    assert_eq!(told.error(wrong).0, -32602);
    assert_eq!(told.result(down), &Value::Null);
    assert_eq!(told.error(late).0, -32600);
}

#[test]
fn a_session_without_an_end_is_cut() {
    let mut client = Client::able();
    client.tell("exit", Value::Null);
    assert_eq!(told(client.sent).ended, Ended::Cut);
    assert_eq!(told(Client::able().sent).ended, Ended::Cut);
}

#[test]
fn what_is_no_message_is_answered_and_passed_over() {
    let mut client = Client::able();
    for body in [
        "{",
        "[]",
        "1",
        "{\"id\": {}, \"method\": \"x\"}",
        "{\"jsonrpc\": \"2.0\"}",
        "{\"method\": 3, \"id\": 1}",
    ] {
        frame::write(&mut client.sent, body.as_bytes()).unwrap();
    }
    client.sent.extend(b"Content-Length: many\r\n\r\n");
    let told = client.end();
    let errors: Vec<i64> = told
        .messages
        .iter()
        .filter(|m| m["id"].is_null())
        .filter_map(|m| m["error"]["code"].as_i64())
        .collect();
    assert_eq!(errors, [-32700, -32600, -32600, -32600, -32600, -32600, -32600]);
    assert_eq!(told.ended, Ended::Shutdown);
}

#[test]
fn columns_are_counted_as_agreed() {
    let at = POLICY.find("{ip}").unwrap() + 1;
    let line_start = POLICY[..at].rfind('\n').unwrap() + 1;
    let line = POLICY[..at].matches('\n').count();
    let before = &POLICY[line_start..at];
    let check = |capabilities: Value, column: usize, name: &str| {
        let mut client = Client::new(capabilities, None);
        client.open(FILE, POLICY);
        let hover = client.ask(
            "textDocument/hover",
            json!({"textDocument": {"uri": FILE}, "position": {"line": line, "character": column}}),
        );
        let told = client.end();
        assert_eq!(told.result(1)["capabilities"]["positionEncoding"], name);
        assert_eq!(told.result(hover)["range"]["start"], json!({"line": line, "character": column}));
        assert!(told.result(hover)["contents"]["value"].as_str().unwrap().contains("field of `login`"));
    };
    check(json!({}), before.encode_utf16().count(), "utf-16");
    check(able(), before.len(), "utf-8");
}

#[test]
fn changes_are_taken_in() {
    let mut client = Client::new(json!({}), None);
    client.open(FILE, &POLICY.replace(" from \"nets.txt\"", ""));
    let line = POLICY.lines().position(|l| l.contains("because")).unwrap();
    // After `größer als 𝟛`, in UTF-16: a pair counts as two.
    let column = "    because \"größer als 𝟛".encode_utf16().count();
    let range =
        json!({"start": {"line": line, "character": column - 2}, "end": {"line": line, "character": column}});
    client.change(FILE, 2, json!([{"range": range, "text": "drei {acount} é"}]));
    let column = column - 2 + "drei {".len();
    let told = client.end_after_faults();
    let fault = &told.faults(FILE)[0];
    assert_eq!(fault["code"], "W0201");
    assert_eq!(
        fault["range"],
        json!({"start": {"line": line, "character": column}, "end": {"line": line, "character": column + 6}})
    );
}

#[test]
fn what_is_wrong_is_published_with_all_there_is_to_say() {
    let mut client = Client::able();
    client.open(FILE, "event a:\n    ip: ip\nevent a:\n    ip: ip\nlist l: net\n");
    let told = client.end_after_faults();
    let [twice] = told.faults(FILE).as_array().unwrap().as_slice() else { panic!("{:#?}", told.messages) };
    assert_eq!(
        (&twice["code"], &twice["severity"], &twice["source"]),
        (&json!("W0202"), &json!(1), &json!("wardroom"))
    );
    assert_eq!(twice["range"]["start"], json!({"line": 2, "character": 6}));
    assert_eq!(
        twice["relatedInformation"][0]["location"]["range"]["start"],
        json!({"line": 0, "character": 6})
    );
    let message = twice["message"].as_str().unwrap();
    assert!(message.contains("\nnote: ") && message.contains("`wardroom explain W0202`"), "{message}");
}

#[test]
fn the_folder_is_one_policy_and_what_is_open_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("policy");
    std::fs::create_dir_all(root.join("ssh")).unwrap();
    let (events, rules) = POLICY.split_at(POLICY.find("feature").unwrap());
    std::fs::write(root.join("events.ward"), events).unwrap();
    std::fs::write(root.join("nets.txt"), "192.0.2.0/24\n").unwrap();
    std::fs::write(root.join("ssh/rules.ward"), rules.replace("{ip}", "{ipp}")).unwrap();
    let (events_uri, rules_uri) = (uri(&root.join("events.ward")), uri(&root.join("ssh/rules.ward")));

    let mut client = Client::able();
    client.open(&events_uri, events);
    let told = client.end_after_faults();
    assert_eq!(told.faults(&rules_uri)[0]["code"], "W0201", "a file that is not open");
    assert_eq!(told.faults(&events_uri), &json!([]), "an open file without faults");

    let mut client = Client::able();
    client.open(&events_uri, events);
    client.open(&rules_uri, rules);
    let found = client.ask("workspace/symbol", json!({"query": "gues"}));
    let told = client.end_after_faults();
    assert_eq!(told.faults(&rules_uri), &json!([]), "what is open goes before the disk");
    assert_eq!(told.result(found)[0]["location"]["uri"], json!(rules_uri));

    let mut client = Client::able();
    client.open(&rules_uri, rules);
    let line = rules.lines().position(|l| l.contains("ip in nets")).unwrap();
    let column = rules.lines().nth(line).unwrap().find("nets").unwrap();
    let position = json!({"line": line, "character": column});
    let place = json!({"textDocument": {"uri": rules_uri}, "position": position});
    let definition = client.ask("textDocument/definition", place);
    client.tell("textDocument/didClose", json!({"textDocument": {"uri": rules_uri}}));
    let closed =
        client.ask("textDocument/hover", json!({"textDocument": {"uri": rules_uri}, "position": position}));
    let told = client.end();
    assert_eq!(told.result(definition)[0]["uri"], json!(events_uri), "in a file that is not open");
    assert_eq!(told.result(closed), &Value::Null);
    assert_eq!(told.faults(&rules_uri), &json!([]));
}

#[test]
fn what_the_disk_holds_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("policy");
    std::fs::create_dir_all(&root).unwrap();
    let file = uri(&root.join("main.ward"));
    let (input, mut send) = std::io::pipe().unwrap();
    let (mut receive, output) = std::io::pipe().unwrap();
    let server = std::thread::spawn(move || serve(input, output).unwrap());
    let mut client = Client::able();
    client.open(&file, POLICY);
    send.write_all(&std::mem::take(&mut client.sent)).unwrap();
    let mut reader = BufReader::new(&mut receive);
    let mut next_fault = || loop {
        let frame::Frame::Body(body) = frame::read(&mut reader).unwrap() else { panic!("the end") };
        let message: Value = serde_json::from_slice(&body).unwrap();
        if message["method"] == "textDocument/publishDiagnostics" {
            return message["params"]["diagnostics"].clone();
        }
    };
    assert_eq!(next_fault()[0]["code"], "W0206", "the list's file is not there");
    std::fs::write(root.join("nets.txt"), "192.0.2.0/24\n").unwrap();
    client.tell("workspace/didChangeWatchedFiles", json!({"changes": []}));
    send.write_all(&std::mem::take(&mut client.sent)).unwrap();
    assert_eq!(next_fault(), json!([]));
    drop(send);
    assert_eq!(server.join().unwrap(), Ended::Cut);
}

#[test]
fn questions_about_places_are_answered() {
    let check = |method: &str, here: &str, there: &str, more: Value, expect: &[&str]| {
        let mut client = Client::able();
        let id = client.ask_at(method, here, there, &more);
        let told = client.end();
        let answer = told.result(id).to_string();
        for part in expect {
            assert!(answer.contains(part), "{method} {there}: no {part} in {answer}");
        }
    };
    let none = || json!({});
    check(
        "textDocument/hover",
        "failures >= 3",
        "fail|ures >= 3",
        none(),
        &["```ward", "of type `int`", "- window: 10m", "80 ns"],
    );
    check("textDocument/hover", "# Somebody", "# Some|body", none(), &["null"]);
    check(
        "textDocument/completion",
        "failures >= 3 and",
        "| and",
        none(),
        &["\"label\":\"failures\"", "\"label\":\"account\"", "\"sortText\"", "\"newText\""],
    );
    check(
        "textDocument/completion",
        "    then    block",
        "    th|",
        none(),
        &["\"label\":\"then\"", "\"character\":4", "\"character\":6"],
    );
    check(
        "textDocument/completion",
        "list nets",
        "ru|\nlist nets",
        none(),
        &["rule ${1:name} on", "\"insertTextFormat\":2"],
    );
    check(
        "textDocument/signatureHelp",
        "count(login, where",
        "count(login, wh|ere",
        none(),
        &["count(EVENTS", "\"activeParameter\":1", "[6,12]"],
    );
    check(
        "textDocument/definition",
        "failures >= 3",
        "fail|ures >= 3",
        none(),
        &["\"character\":8,\"line\":8"],
    );
    check("textDocument/definition", "{ip}", "{i|p}", none(), &["\"character\":4,\"line\":3"]);
    check(
        "textDocument/references",
        "failures >= 3",
        "fail|ures >= 3",
        json!({"context": {"includeDeclaration": true}}),
        &["\"line\":8", "\"line\":12", "\"line\":14"],
    );
    check(
        "textDocument/documentHighlight",
        "feature failures",
        "feature fail|ures",
        none(),
        &["\"kind\":3", "\"kind\":2"],
    );
    check(
        "textDocument/prepareRename",
        "rule guessing",
        "rule gue|ssing",
        none(),
        &["\"placeholder\":\"guessing\""],
    );
    check("textDocument/prepareRename", "rule guessing", "ru|le guessing", none(), &["null"]);
}

#[test]
fn questions_about_a_file_are_answered() {
    let policy = wardroom_policy::format("a", &POLICY.replace(" from \"nets.txt\"", "")).unwrap();
    let check = |method: &str, text: &str, expect: &[&str]| {
        let mut client = Client::able();
        client.open(FILE, text);
        let id = client.ask(
            method,
            json!({"textDocument": {"uri": FILE}, "options": {"tabSize": 4, "insertSpaces": true}}),
        );
        let told = client.end();
        let answer = told.result(id).to_string();
        for part in expect {
            assert!(answer.contains(part), "{method}: no {part} in {answer}");
        }
    };
    check(
        "textDocument/documentSymbol",
        &policy,
        &["\"name\":\"guessing\"", "\"detail\":\"field\"", "\"children\""],
    );
    check("textDocument/foldingRange", &policy, &["\"endLine\":4,\"startLine\":1"]);
    check(
        "textDocument/foldingRange",
        "# a\n# b\n\n# c\nevent e:\n    ip: ip\n",
        &["\"kind\":\"comment\"", "\"startLine\":4"],
    );
    check("textDocument/formatting", &policy, &["[]"]);
    check(
        "textDocument/formatting",
        &policy.replace("    then    block", "  then  block"),
        &["\"newText\":\"    then    block\\n\"", "\"character\":0,\"line\":13"],
    );
    // A comment of 20 characters, then `event` on the next line.
    check("textDocument/semanticTokens/full", &policy, &["\"data\":[0,0,20,13,0,1,0,5,0,0,0,6,5,2,1"]);

    let mut client = Client::able();
    client.open(FILE, "event (");
    let id = client.ask("textDocument/formatting", json!({"textDocument": {"uri": FILE}}));
    assert!(client.end().error(id).1.starts_with("a text with faults is not formatted"));
}

#[test]
fn what_was_meant_can_be_written() {
    let check = |here: &str, there: &str, title: &str, range: (usize, usize)| {
        let mut client = Client::able();
        let (text, position) = cursor(here, there);
        client.open(FILE, &text);
        let id = client.ask("textDocument/codeAction", json!({"textDocument": {"uri": FILE}, "range": {"start": position, "end": position}, "context": {"diagnostics": []}}));
        let told = client.end();
        let actions = told.result(id).as_array().unwrap().clone();
        assert_eq!(actions[0]["title"], title, "{there}: {actions:?}");
        let at = &actions[0]["edit"]["changes"][FILE][0]["range"];
        assert_eq!(
            (&at["start"]["character"], &at["end"]["character"]),
            (&json!(range.0), &json!(range.1)),
            "{at}"
        );
        assert!(actions.last().unwrap()["title"].as_str().unwrap().starts_with("Explain W0"));
    };
    check("failures >= 3", "failurs| >= 3", "Write `failures`", (12, 19));
    check("    then    block", "    then    bl|ok", "Write `block`", (12, 16));
    check("    then    block", "    thn|    block", "Write `then`", (4, 7));
    check("count(login", "cont|(login", "Write `count`", (19, 23));
    check("list nets", "lisst| nets", "Write `list`", (0, 5));
}

#[test]
fn a_codes_page_is_shown() {
    let mut client = Client::able();
    let good = client
        .ask("workspace/executeCommand", json!({"command": "wardroom.explain", "arguments": ["W0201"]}));
    let bad = client.ask("workspace/executeCommand", json!({"command": "rm", "arguments": []}));
    let told = client.end();
    assert_eq!(told.result(good), &Value::Null);
    assert!(told.notes("window/showMessage")[0]["message"].as_str().unwrap().starts_with("W0201: "));
    assert_eq!(told.error(bad).0, -32602);
}

/// The policy with what a rename makes of it, and what was told; or why it was refused.
fn renamed(here: &str, there: &str, new: &str) -> Result<(String, Option<String>), String> {
    let (text, _) = cursor(here, there);
    let mut client = Client::able();
    let id = client.ask_at("textDocument/rename", here, there, &json!({"newName": new}));
    let told = client.end();
    if let Some(error) = told.answer(id).get("error") {
        return Err(error["message"].as_str().unwrap().to_owned());
    }
    let edits = told.result(id)["documentChanges"][0].clone();
    assert_eq!(edits["textDocument"], json!({"uri": FILE, "version": 1}));
    let mut text = text;
    let lines = |text: &str| -> Vec<usize> {
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
    };
    let starts = lines(&text);
    let offset = |place: &Value| {
        starts[place["line"].as_u64().unwrap() as usize] + place["character"].as_u64().unwrap() as usize
    };
    let mut all: Vec<(usize, usize, String)> = Vec::new();
    for edit in edits["edits"].as_array().unwrap() {
        let range = &edit["range"];
        all.push((
            offset(&range["start"]),
            offset(&range["end"]),
            edit["newText"].as_str().unwrap().to_owned(),
        ));
    }
    for (start, end, put) in all.into_iter().rev() {
        text.replace_range(start..end, &put);
    }
    Ok((text, told.notes("window/showMessage").first().map(|m| m["message"].as_str().unwrap().to_owned())))
}

#[test]
fn names_change_everywhere() {
    let check = |here: &str, there: &str, new: &str, expect: &[&str], warned: Option<&str>| {
        let (text, warning) = renamed(here, there, new).unwrap_or_else(|why| panic!("{there}: {why}"));
        for part in expect {
            assert!(text.contains(part), "{there}: no {part} in {text}");
        }
        match warned {
            Some(part) => assert!(warning.as_deref().is_some_and(|w| w.contains(part)), "{warning:?}"),
            None => assert_eq!(warning, None),
        }
    };
    check(
        "failures >= 3",
        "fail|ures >= 3",
        "misses",
        &["feature misses =", "misses >= 3", "{misses} von"],
        None,
    );
    check("list nets", "list ne|ts", "own", &["list own: net", "ip in own"], None);
    check(
        "rule guessing",
        "rule gue|ssing",
        "too_many",
        &["rule too_many on login", "by too_many", "    was     \"guessing\"\n\ntest guessing"],
        None,
    );
    check(
        "by guessing",
        "by gue|ssing",
        "too_many",
        &["rule too_many on login", "was     \"guessing\""],
        None,
    );
    check(
        "event login",
        "event lo|gin",
        "signin",
        &["event signin:", "count(signin,", "on signin:", "3 * signin("],
        Some("`login` still"),
    );
    check(
        "ok:      bool",
        "o|k:      bool",
        "passed",
        &["passed:      bool", "where=not passed", "passed=false"],
        Some("`ok` still"),
    );
}

#[test]
fn a_rule_with_a_past_keeps_it() {
    let old = "rule guessing on login:";
    let there = "rule gue|ssing on login:\n    was     \"older\"";
    let (text, warning) = renamed(old, there, "newer").unwrap();
    assert!(text.contains("rule newer on login:\n    was     \"older\""), "{text}");
    assert!(warning.unwrap().contains("was \"guessing\""));
    let (text, warning) = renamed(old, there, "older").unwrap();
    assert!(text.contains("rule older on login:\n    when"), "{text}");
    assert_eq!(warning, None);
}

#[test]
fn names_that_cannot_be_are_refused_with_a_reason() {
    let check = |here: &str, there: &str, new: &str, why: &str| {
        let refused = renamed(here, there, new).unwrap_err();
        assert!(refused.contains(why), "{there} {new}: {refused}");
    };
    check("failures >= 3", "fail|ures >= 3", "two words", "a name is made of");
    check("failures >= 3", "fail|ures >= 3", "missing", "is a word of the language");
    check("failures >= 3", "fail|ures >= 3", "account", "both a field of `login` and a feature");
    check("failures >= 3", "fail|ures >= 3", "nets", "declared twice");
    check("failures >= 3", "fail|ures >= 3", "time", "`time` is a name every event has");
    check("ok:      bool", "o|k:      bool", "ip", "declared twice");
    check("ok:      bool", "o|k:      bool", "source", "is a name every event has");
    check("rule guessing", "ru|le guessing", "x", "no name of the policy here");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes, the session ends, and what is said is well formed.
    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..400), begun: bool) {
        let mut sent = if begun { Client::able().sent } else { Vec::new() };
        sent.extend(bytes);
        told(sent);
    }

    /// The same for messages of some sense, in any order, with any places in them.
    #[test]
    fn any_messages_are_taken(steps in prop::collection::vec((0usize..16, 0u32..30, 0u32..60, 0u32..30, 0u32..60, "[ -~é𝐀\\n\\r]{0,12}"), 0..20)) {
        let mut client = Client::new(json!({}), None);
        client.open(FILE, POLICY);
        for (what, line, column, end_line, end_column, text) in steps {
            let range = json!({"start": {"line": line, "character": column}, "end": {"line": end_line, "character": end_column}});
            let place = json!({
                "textDocument": {"uri": FILE}, "position": range["start"], "range": range, "newName": text, "query": text,
                "context": {"includeDeclaration": true, "diagnostics": []}, "options": {"tabSize": 4, "insertSpaces": true},
            });
            match METHODS.get(what) {
                Some(method) => drop(client.ask(method, place)),
                None if what == 15 => client.tell("textDocument/didClose", json!({"textDocument": {"uri": FILE}})),
                None => client.change(FILE, 2, json!([{"range": range, "text": text}])),
            }
        }
        let told = client.end();
        prop_assert_eq!(told.ended, Ended::Shutdown);
        for message in told.messages {
            prop_assert!(message["error"]["code"] != json!(-32603), "{}", message);
        }
    }
}

const METHODS: [&str; 13] = [
    "textDocument/hover",
    "textDocument/completion",
    "textDocument/signatureHelp",
    "textDocument/definition",
    "textDocument/references",
    "textDocument/documentHighlight",
    "textDocument/prepareRename",
    "textDocument/rename",
    "textDocument/documentSymbol",
    "textDocument/formatting",
    "textDocument/foldingRange",
    "textDocument/semanticTokens/full",
    "textDocument/codeAction",
];

#[test]
fn more_files_than_are_looked_at_do_no_harm() {
    let mut client = Client::able();
    for number in 0..=limits::OPEN_FILES {
        client.open(&format!("untitled:{number}"), "");
    }
    let told = client.end();
    assert_eq!(told.ended, Ended::Shutdown);
    assert!(told.notes("window/logMessage")[0]["message"].as_str().unwrap().contains("open files"));
}
