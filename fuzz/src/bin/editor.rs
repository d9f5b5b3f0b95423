// SPDX-License-Identifier: Apache-2.0
//! A language server as an editor may speak to it: any bytes end in a session that ends, and what it says is framed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Cursor;
use wardroom_lsp::frame::{self, Frame};

/// Enough of a beginning for the rest to be looked at.
const BEGIN: [&str; 2] = [
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"capabilities":{}}}"#,
    r#"{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"untitled:a","languageId":"ward","version":1,"text":"event e:\n    ip: ip\n"}}}"#,
];

fuzz_target!(|bytes: &[u8]| {
    let mut sent = Vec::new();
    for message in BEGIN {
        frame::write(&mut sent, message.as_bytes()).expect("a vector takes everything");
    }
    // Messages without a head, one a line: a fuzzer would have to guess their lengths.
    for line in bytes.split(|b| *b == b'\n').take(32) {
        frame::write(&mut sent, line).expect("a vector takes everything");
    }
    sent.extend(bytes);
    let mut output = Vec::new();
    wardroom_lsp::serve(Cursor::new(sent), &mut output).expect("a vector takes everything");
    let mut rest = output.as_slice();
    loop {
        match frame::read(&mut rest).expect("a slice can be read") {
            Frame::Body(body) => assert!(std::str::from_utf8(&body).is_ok(), "not UTF-8"),
            Frame::End => return,
            other => panic!("badly framed: {other:?}"),
        }
    }
});
