// SPDX-License-Identifier: Apache-2.0
//! Functions of e-mail addresses, domain names and URLs, which read what is written and ask nobody.

use super::text::{cut, text};
use super::{Class, Eval, Form, Function, Gives, Param, punycode};
use wardroom_event::{Type, Value};

/// A function of one of these; each entry fills in the rest.
const BASE: Function = Function {
    name: "",
    form: Form::Call,
    params: &[],
    optional: 0,
    variadic: false,
    gives: Gives::Is(Type::Text),
    eval: Eval::Text1(text),
    cost: 150,
    group: "E-mail addresses, domains and URLs",
    doc: "",
    examples: &[],
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "plain",
        params: &[Param::new("email", Class::Is(Type::Email))],
        gives: Gives::Is(Type::Email),
        eval: Eval::Text1(plain),
        doc: "The address without what one mailbox can be written with: the part before the `@` in lower case and cut at \
              its first `+`; at gmail.com and googlemail.com, which are one, also without dots and as gmail.com.",
        examples: &[
            ("plain(\"Alice+news@example.org\")", "\"alice@example.org\""),
            ("plain(\"A.Li.ce+x@googlemail.com\")", "\"alice@gmail.com\""),
            ("plain(\"a.b@example.org\")", "\"a.b@example.org\""),
        ],
        ..BASE
    },
    Function {
        name: "is_under",
        params: &[
            Param::new("domain", Class::Is(Type::Domain)),
            Param::new("parent", Class::Is(Type::Domain)),
        ],
        gives: Gives::Is(Type::Bool),
        eval: Eval::Text2(is_under),
        cost: 10,
        doc: "Whether a domain is `parent` or lies below it.",
        examples: &[
            ("is_under(\"mail.example.org\", \"example.org\")", "true"),
            ("is_under(\"example.org\", \"example.org\")", "true"),
            ("is_under(\"badexample.org\", \"example.org\")", "false"),
        ],
        ..BASE
    },
    Function {
        name: "unicode",
        params: &[Param::new("domain", Class::Is(Type::Domain))],
        eval: Eval::Text1(punycode::domain),
        cost: 200,
        doc: "A domain name as people read it: its `xn--` labels decoded from Punycode (RFC 3492). A label that cannot be \
              decoded stays as it is.",
        examples: &[
            ("unicode(\"xn--mller-kva.example\")", "\"müller.example\""),
            ("skeleton(unicode(\"xn--pypal-4ve.example\"))", "\"paypal.example\""),
            ("unicode(\"example.org\")", "\"example.org\""),
        ],
        ..BASE
    },
    Function {
        name: "param",
        params: &[Param::new("url", Class::Is(Type::Url)), Param::new("name", Class::Textual)],
        eval: Eval::Text2(param),
        cost: 200,
        doc: "The first value of that name in the query of a URL, decoded as browsers write it: `%41` is an `A`, `+` a \
              space, and what is no UTF-8 becomes `\u{fffd}`. Empty where the name stands without a value, missing where \
              it does not stand.",
        examples: &[
            ("param(\"https://example.org/?q=a%20b&next=%2Fhome\", \"next\")", "\"/home\""),
            ("param(\"https://example.org/?q\", \"q\")", "\"\""),
            ("param(\"https://example.org/#?q=1\", \"q\")", "missing"),
        ],
        ..BASE
    },
    Function {
        name: "unquote",
        params: &[Param::new("text", Class::Textual)],
        eval: Eval::Text1(|t| text(&decoded(cut(t), false))),
        doc: "A text with its `%41` decoded, once; a `%` without two hexadecimal digits stays, and what is no UTF-8 \
              becomes `\u{fffd}`.",
        examples: &[
            ("unquote(\"%2e%2e/etc\")", "\"../etc\""),
            ("unquote(\"100%\")", "\"100%\""),
            ("unquote(\"%2541\")", "\"%41\""),
        ],
        ..BASE
    },
];

/// Where dots before the `@` mean nothing, and the domain that all of them are.
const DOTLESS: ([&str; 2], &str) = (["gmail.com", "googlemail.com"], "gmail.com");

fn plain(email: &str) -> Value {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return Value::Missing;
    };
    let local = cut(local).to_lowercase();
    let kept = local.split('+').next().filter(|kept| !kept.is_empty()).unwrap_or(&local);
    let bare: String = kept.chars().filter(|c| *c != '.').collect();
    if DOTLESS.0.contains(&domain) && !bare.is_empty() {
        return text(&format!("{bare}@{}", DOTLESS.1));
    }
    text(&format!("{kept}@{domain}"))
}

fn is_under(domain: &str, parent: &str) -> Value {
    let below = domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    Value::Bool(below && !parent.is_empty())
}

fn param(url: &str, name: &str) -> Value {
    let before_fragment = url.split('#').next().unwrap_or(url);
    let Some((_, query)) = before_fragment.split_once('?') else {
        return Value::Missing;
    };
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decoded(key, true) == name && !pair.is_empty() {
            return text(&decoded(value, true));
        }
    }
    Value::Missing
}

/// Percent-decoded text; with `plus`, a `+` is a space. Never much longer than what it was made from.
fn decoded(written: &str, plus: bool) -> String {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hex(*high) << 4 | hex(*low));
                rest = after;
                continue;
            }
            (b'+', _) if plus => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}
