// SPDX-License-Identifier: Apache-2.0
//! Requests in each of the forms they come in, in pieces of any size.

use super::*;

/// What comes of bytes that come in pieces of each size: the same.
fn steps(bytes: &[u8], most: usize) -> Vec<Step> {
    let run = |size: usize| {
        let (mut http, mut out, mut made) = (Http::new(most), Vec::new(), Vec::new());
        for piece in bytes.chunks(size) {
            http.hear(piece);
            loop {
                match http.next(&mut out) {
                    Step::More => break,
                    Step::End(wrong) => {
                        made.push(Step::End(wrong));
                        return made;
                    }
                    request => made.push(request),
                }
            }
        }
        http.end();
        loop {
            match http.next(&mut out) {
                Step::Request(request) => made.push(Step::Request(request)),
                step => {
                    made.push(step);
                    return made;
                }
            }
        }
    };
    let whole = run(bytes.len());
    for size in [1, 2, 5, 17] {
        assert_eq!(run(size), whole, "in pieces of {size}");
    }
    whole
}

fn one(bytes: &[u8]) -> Request {
    let mut made = steps(bytes, 64);
    assert_eq!(made.len(), 2, "{made:?}");
    assert_eq!(made.pop(), Some(Step::End(None)));
    match made.pop() {
        Some(Step::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn wrong(bytes: &str) -> u16 {
    match steps(bytes.as_bytes(), 64).pop() {
        Some(Step::End(Some((status, _)))) => status,
        other => panic!("{bytes:?}: {other:?}"),
    }
}

#[test]
fn bodies_of_each_form() {
    let forms: [&[u8]; 5] = [
        b"POST /checkv2 HTTP/1.0\r\nContent-Length: 5\r\n\r\na\r\nb\n",
        b"POST /checkv2 HTTP/1.1\nContent-Length: 5\n\na\r\nb\n",
        b"POST /checkv2 HTTP/1.0\r\n\r\na\r\nb\n",
        b"POST /checkv2 HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\na\r\r\n3;x=y\r\n\nb\n\r\n0\r\nTrailer: 1\r\n\r\n",
        b"\r\nPOST /checkv2?a=b HTTP/1.1\r\ntransfer-encoding:chunked\r\n\r\n0005\r\na\r\nb\n\r\n0\r\n\r\n",
    ];
    for form in forms {
        let request = one(form);
        assert_eq!((request.path.as_str(), request.body.as_slice()), ("/checkv2", &b"a\r\nb\n"[..]));
    }
}

#[test]
fn arguments_are_fields_too_and_junk_is_passed_over() {
    let request = one(
        b"GET /ping?Rcpt=a%40b.example&rcpt=c+d&x&%zz=%4&Content-Length=9 HTTP/1.1\r\nRcpt: e\r\njunk\r\n: none\r\nTwo words: x\r\n\xff: y\r\nSPF: [object Object]\r\n\r\n",
    );
    let all: Vec<String> =
        request.fields.iter().map(|(n, v)| format!("{n}={}", String::from_utf8_lossy(v))).collect();
    assert_eq!(all, ["rcpt=a@b.example", "rcpt=c d", "x=", "%zz=%4", "rcpt=e", "spf=[object Object]"]);
    assert_eq!(request.get("rcpt"), Some(&b"a@b.example"[..]));
}

#[test]
fn connections_go_on_or_do_not() {
    for (head, expect) in [
        ("1.0\r\n", false),
        ("1.0\r\nConnection: keep-alive\r\n", true),
        ("1.1\r\n", true),
        ("1.1\r\nConnection: TE, Close\r\n", false),
    ] {
        assert_eq!(one(format!("GET / HTTP/{head}\r\n").as_bytes()).manner.goes_on, expect, "{head:?}");
    }
    let two = b"POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nxGET /b HTTP/1.1\r\n\r\n";
    assert_eq!(steps(two, 9).len(), 3);
}

#[test]
fn what_is_no_request_has_a_status() {
    let length = |value: &str| format!("POST / HTTP/1.1\r\nContent-Length: {value}\r\n\r\n");
    for (bytes, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/2.0\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1".to_owned(), 400),
        (length("+5"), 400),
        (length("5\r\nContent-Length: 6"), 400),
        (length("5\r\nTransfer-Encoding: chunked"), 400),
        (length("65"), 413),
        (length("99999999999999999999999"), 413),
        (length("5") + "four", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".to_owned(), 501),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n".to_owned(), 400),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n".to_owned()
                + &"x".repeat(64)
                + "\r\n1\r\n",
            413,
        ),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n".to_owned(), 400),
        ("POST / HTTP/1.0\r\n\r\n".to_owned() + &"x".repeat(65), 413),
        ("x".repeat(limits::HTTP_HEAD_BYTES + 2), 431),
        ("GET / HTTP/1.1\r\n".to_owned() + &"a: b\r\n".repeat(limits::HTTP_FIELDS + 1), 431),
    ] {
        assert_eq!(wrong(&bytes), status, "{:?}", &bytes[..bytes.len().min(100)]);
    }
}

#[test]
fn whoever_waits_is_told_to_go_on() {
    let (mut http, mut out) = (Http::new(9), Vec::new());
    http.hear(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_eq!(http.next(&mut out), Step::More);
    assert_eq!(out, b"HTTP/1.1 100 Continue\r\n\r\n");
}
