// SPDX-License-Identifier: Apache-2.0
//! Whom to erase, and what stands in the place of each occurrence.
//!
//! One token for one subject: whatever was counted apart stays apart, so that a replay counts for everybody else what it did.
//! A token is 128 random bits, so nobody can ask for it and it meets nothing. It fits where the value stood: that of an
//! e-mail address keeps the domain, which others share; an address of the network, which cannot hold a word, becomes one of
//! the block that is set aside for what goes nowhere (`100::/64`, RFC 6666), with 64 of the bits.

use super::words::{Found, Words, pattern};
use crate::decision::StoredSignal;
use crate::record::{Hand, scrub_signal};
use regex::bytes;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;
use wardroom_event::{Type, Value, parse_text};
use wardroom_state::HashKeys;

/// Shortest value that can be told from other words, in bytes.
const SHORTEST: usize = 3;
/// The block of addresses that go nowhere.
const DISCARD: u128 = 0x0100 << 112;

/// Whom to erase: a value of one type.
#[derive(Clone)]
pub struct Subject {
    kind: Type,
    value: Value,
    /// What stands in the value's place where it is kept as a hash.
    hashes: Vec<Value>,
}

/// Who it is, whatever is known of their hashes.
impl PartialEq for Subject {
    fn eq(&self, other: &Subject) -> bool {
        self.kind == other.kind && self.value == other.value
    }
}

/// Shows the kind, not who it is.
impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subject({}:…)", self.kind)
    }
}

/// Types of which there are subjects.
const KINDS: [Type; 9] = [
    Type::Account,
    Type::Email,
    Type::Ip,
    Type::Device,
    Type::Phone,
    Type::Wallet,
    Type::Domain,
    Type::Url,
    Type::Text,
];

impl Subject {
    /// Reads `TYPE:VALUE`, such as `account:alice` or `ip:203.0.113.7`; the value is brought to the form in which events
    /// have it. `text` is any word or words, such as a name that was written into a free text.
    ///
    /// # Errors
    /// What is wrong, in words that do not repeat the value.
    pub fn parse(text: &str) -> Result<Subject, String> {
        let names = || KINDS.map(Type::name).join(", ");
        let (kind, value) = text.split_once(':').ok_or_else(|| {
            format!("a subject is TYPE:VALUE, such as account:alice; the types are {}", names())
        })?;
        let found = Type::named(kind).filter(|kind| KINDS.contains(kind));
        let kind = found.ok_or_else(|| format!("no subjects of this type; the types are {}", names()))?;
        let value = parse_text(value, kind).map_err(|why| format!("the value {why}"))?;
        match &value {
            Value::Text(text) if text.len() < SHORTEST => {
                Err(format!("a value of less than {SHORTEST} bytes cannot be told from parts of other words"))
            }
            Value::Text(text) if text.chars().any(char::is_control) => {
                Err("the value has control characters".to_owned())
            }
            _ => Ok(Subject { kind, value, hashes: Vec::new() }),
        }
    }

    /// The type.
    pub fn kind(&self) -> Type {
        self.kind
    }

    /// The same, also where it is kept as a hash under one of these keys.
    pub(crate) fn hashed(self, keys: &HashKeys) -> Subject {
        Subject { hashes: keys.all(self.kind, &self.value), ..self }
    }

    /// All values that are the subject.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        std::iter::once(&self.value).chain(&self.hashes).filter(|value| !value.is_missing())
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// As [`Subject::parse`] reads it.
    pub fn to_text(&self) -> String {
        let value = match &self.value {
            Value::Text(text) => text.to_string(),
            other => other.show(self.kind, wardroom_event::Sight::Full),
        };
        format!("{}:{value}", self.kind)
    }

    /// As tables show it: a long one not whole.
    pub fn shown(&self) -> String {
        self.value.show(self.kind, wardroom_event::Sight::Full)
    }

    /// The texts that are this value.
    pub(crate) fn forms(&self) -> Vec<String> {
        let hashes = self.hashes.iter().filter_map(|value| match value {
            Value::Text(text) => Some(text.to_string()),
            _ => None,
        });
        self.written().into_iter().chain(hashes).collect()
    }

    fn written(&self) -> Vec<String> {
        match &self.value {
            Value::Text(text) => vec![text.to_string()],
            Value::Ip(IpAddr::V6(ip)) => {
                let groups = ip.segments();
                let full: Vec<String> = groups.iter().map(|group| format!("{group:04x}")).collect();
                let short: Vec<String> = groups.iter().map(|group| format!("{group:x}")).collect();
                let mut forms = vec![ip.to_string(), full.join(":"), short.join(":")];
                forms.dedup();
                forms
            }
            other => vec![other.show(self.kind, wardroom_event::Sight::Full)],
        }
    }

    /// Whether letters in another case are the same.
    pub(crate) fn any_case(&self) -> bool {
        matches!(self.kind, Type::Email | Type::Domain | Type::Ip)
    }
}

/// What stands in the place of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    bits: u128,
}

const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const PREFIX: &str = "erased-";

impl Token {
    /// A new one, from the system's randomness.
    ///
    /// # Errors
    /// Where there is none.
    pub fn random() -> Result<Token, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Token { bits: u128::from_le_bytes(bytes) })
    }

    /// Reads what [`Token::word`] gives.
    pub fn parse(text: &str) -> Option<Token> {
        let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 26)?;
        let mut bits = 0u128;
        for digit in digits.bytes() {
            let digit = DIGITS.iter().position(|d| *d == digit)? as u128;
            bits = bits.checked_mul(32)?.checked_add(digit)?;
        }
        Some(Token { bits })
    }

    /// The word that stands in texts: `erased-` and 26 letters and digits.
    pub fn word(&self) -> String {
        let digits = (0..26).rev().map(|n| char::from(DIGITS[(self.bits >> (5 * n)) as usize & 31]));
        PREFIX.chars().chain(digits).collect()
    }

    /// The token of the hash under the key of that number; of the value itself for 0.
    fn of(&self, number: usize) -> Token {
        Token { bits: self.bits ^ (number as u128) << 64 }
    }

    /// The value that stands in the place of a subject's.
    fn value(&self, subject: &Subject) -> Value {
        let word = self.word();
        let text = match (&subject.value, subject.kind) {
            (Value::Ip(_), _) => {
                return Value::Ip(Ipv6Addr::from(DISCARD | u128::from(self.bits as u64)).into());
            }
            (Value::Text(text), Type::Email) => match text.rsplit_once('@') {
                Some((_, domain)) => format!("{word}@{domain}"),
                None => word,
            },
            (_, Type::Domain) => format!("{word}.invalid"),
            (_, Type::Url) => format!("https://{word}.invalid/"),
            _ => word,
        };
        Value::Text(text.into())
    }
}

/// How often, and as what, a subject was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// As a value of its own.
    pub values: u64,
    /// As a word in a free text.
    pub words: u64,
    /// As part of a longer word, which is another's: these stay.
    pub within: u64,
}

impl Met {
    /// Adds what was met elsewhere.
    pub fn add(&mut self, other: Met) {
        self.values += other.values;
        self.words += other.words;
        self.within += other.within;
    }

    /// How many were replaced.
    pub fn replaced(&self) -> u64 {
        self.values + self.words
    }
}

/// Puts the token in the place of a subject.
#[derive(Debug)]
pub struct Eraser {
    subject: Subject,
    /// What stands in the place of each of its values: what two of them were counted apart as stays apart.
    tokens: Vec<(Value, Value)>,
    /// The same in texts.
    plain: Box<str>,
    coded: Vec<(Box<str>, Box<str>)>,
    words: Words,
    /// What a payload must hold if there is anything in it to be replaced.
    raw: bytes::Regex,
}

impl Eraser {
    /// Of a subject, with its token.
    ///
    /// # Errors
    /// Where the value makes no search that could be run.
    pub fn new(subject: Subject, token: &Token) -> Result<Eraser, String> {
        let forms = subject.forms();
        let words = Words::new(&forms, subject.any_case()).map_err(|e| e.to_string())?;
        let flag = if subject.any_case() { "(?i)" } else { "" };
        let mut source = format!("{flag}{}", pattern(&forms));
        if let Value::Ip(ip) = &subject.value {
            source = format!("{source}|(?-iu:{})", octets(*ip));
        }
        let raw = bytes::RegexBuilder::new(&source).size_limit(8 << 20).build().map_err(|e| e.to_string())?;
        let tokens: Vec<(Value, Value)> = subject
            .values()
            .enumerate()
            .map(|(n, value)| (value.clone(), token.of(n).value(&subject)))
            .collect();
        let text = |value: &Value| match value {
            Value::Text(text) => text.clone(),
            other => other.show(subject.kind, wardroom_event::Sight::Full).into(),
        };
        let plain = tokens.first().map_or_else(Box::default, |(_, token)| text(token));
        let coded = tokens.iter().skip(1).map(|(value, token)| (text(value), text(token))).collect();
        Ok(Eraser { tokens, plain, coded, words, raw, subject })
    }

    /// Whom it erases.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// How often bytes look as if they held the subject: a quick look before a long one.
    pub fn raw(&self, bytes: &[u8]) -> usize {
        self.raw.find_iter(bytes).count()
    }

    /// A text with the token in the place of each word that is the subject; none where there is no such word.
    pub fn text(&self, text: &str, met: &mut Met) -> Option<String> {
        self.replaced(text, self.words.find(text), met)
    }

    /// The same of an event's id: what looks like a name with a number behind it is one.
    pub fn id(&self, text: &str, met: &mut Met) -> Option<String> {
        self.replaced(text, self.words.find_within_ids(text), met)
    }

    fn replaced(&self, text: &str, found: Found, met: &mut Met) -> Option<String> {
        met.words += found.words.len() as u64;
        met.within += found.within as u64;
        (!found.words.is_empty()).then(|| self.put(text, &found.words))
    }

    /// Where a text has the subject as a word.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        self.words.find(text).words
    }

    fn put(&self, text: &str, places: &[Range<usize>]) -> String {
        let (mut out, mut from) = (String::with_capacity(text.len() + 32 * places.len()), 0);
        for place in places {
            out.push_str(&text[from..place.start]);
            let met = &text[place.clone()];
            let coded = self.coded.iter().find(|(hash, _)| **hash == *met);
            out.push_str(coded.map_or(&self.plain, |(_, word)| word));
            from = place.end;
        }
        out.push_str(&text[from..]);
        out
    }

    /// What stands in the place of a value; none where it stays.
    pub fn value(&self, kind: Option<Type>, value: &Value, met: &mut Met) -> Option<Value> {
        match value {
            Value::Text(text) if self.is(text).is_some() => {
                met.values += 1;
                self.is(text).cloned()
            }
            // The name of somebody else is a value of its own, whatever it has in it.
            Value::Text(text) if kind.is_some_and(is_name) => {
                met.within += self.words.find(text).words.len() as u64;
                None
            }
            Value::Text(text) => self.text(text, met).map(|text| Value::Text(text.into())),
            Value::Ip(ip) if Value::Ip(ip.to_canonical()) == self.subject.value => {
                met.values += 1;
                self.token().cloned()
            }
            Value::Net(net) if net.prefix_len() == net.max_prefix_len() => {
                let is = Value::Ip(net.addr().to_canonical()) == self.subject.value;
                let Some(Value::Ip(token)) = self.token().filter(|_| is) else { return None };
                met.values += 1;
                Some(Value::Net((*token).into()))
            }
            Value::List(values) => {
                let mut changed = false;
                let one = |value: &Value| match self.value(None, value, met) {
                    Some(other) => {
                        changed = true;
                        other
                    }
                    None => value.clone(),
                };
                let values: Box<[Value]> = values.iter().map(one).collect();
                changed.then_some(Value::List(values))
            }
            _ => None,
        }
    }

    /// What stands in its place, as tables show it.
    pub fn shown(&self) -> String {
        self.token()
            .map_or_else(String::new, |token| token.show(self.subject.kind, wardroom_event::Sight::Full))
    }

    /// Puts the token into a signal; whether the subject was in it.
    pub fn signal(&self, signal: &mut StoredSignal, met: &mut Met) -> bool {
        let mut hand = Erasing { eraser: self, met: Met::default() };
        let changed = scrub_signal(signal, &mut hand);
        met.add(hand.met);
        changed
    }

    /// The bytes of a subject that is an address, one of IPv4 mapped into IPv6.
    pub fn address(&self) -> Option<[u8; 16]> {
        match &self.subject.value {
            Value::Ip(IpAddr::V4(ip)) => Some(ip.to_ipv6_mapped().octets()),
            Value::Ip(IpAddr::V6(ip)) => Some(ip.octets()),
            _ => None,
        }
    }

    /// What stands in the place of the subject as it was written.
    fn token(&self) -> Option<&Value> {
        self.tokens.first().map(|(_, token)| token)
    }

    /// What stands in the place of this text, if it is the subject or its hash.
    fn is(&self, text: &str) -> Option<&Value> {
        let found = self.tokens.iter().find(|(value, _)| match value {
            Value::Text(value) if self.subject.any_case() => value.eq_ignore_ascii_case(text),
            Value::Text(value) => **value == *text,
            _ => false,
        });
        found.map(|(_, token)| token)
    }
}

/// Whether a value of this type is the name of one, and never has others in it. A URL and a domain have.
fn is_name(kind: Type) -> bool {
    matches!(kind, Type::Account | Type::Device | Type::Email | Type::Phone | Type::Wallet)
}

/// How the records have an address, after the tags of an address and of a network.
fn octets(ip: IpAddr) -> String {
    let (tags, octets) = match ip.to_canonical() {
        IpAddr::V4(ip) => ("[\\x08\\x0a]", ip.octets().to_vec()),
        IpAddr::V6(ip) => ("[\\x09\\x0b]", ip.octets().to_vec()),
    };
    octets.iter().fold(tags.to_owned(), |out, octet| format!("{out}\\x{octet:02x}"))
}

/// A hand that erases, and keeps count.
pub(crate) struct Erasing<'a> {
    pub(crate) eraser: &'a Eraser,
    pub(crate) met: Met,
}

impl Hand for Erasing<'_> {
    fn value(&mut self, kind: Option<Type>, value: &Value) -> Option<Value> {
        self.eraser.value(kind, value, &mut self.met)
    }

    fn text(&mut self, text: &str) -> Option<String> {
        self.eraser.text(text, &mut self.met)
    }

    fn id(&mut self, text: &str) -> Option<String> {
        self.eraser.id(text, &mut self.met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eraser(subject: &str) -> Eraser {
        Eraser::new(Subject::parse(subject).unwrap(), &Token { bits: 7 }).unwrap()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn subjects_are_read_or_refused_without_being_repeated() {
        let check = |given: &str, expect: Result<&str, &str>| {
            let read = Subject::parse(given).map(|subject| subject.to_text());
            assert_eq!(read.as_deref().map_err(String::as_str), expect, "{given}");
        };
        check("account:alice", Ok("account:alice"));
        check("email:A.b@Example.ORG", Ok("email:A.b@example.org"));
        check("ip:::ffff:203.0.113.7", Ok("ip:203.0.113.7"));
        check("ip:2001:DB8:0::7", Ok("ip:2001:db8::7"));
        check("text:Anna Schmidt", Ok("text:Anna Schmidt"));
        check("account:al", Err("a value of less than 3 bytes cannot be told from parts of other words"));
        check("ip:here", Err("the value must be an IPv4 or IPv6 address"));
        let types = "account, email, ip, device, phone, wallet, domain, url, text";
        check("net:10.0.0.0/8", Err(&format!("no subjects of this type; the types are {types}")));
        check(
            "alice",
            Err(&format!("a subject is TYPE:VALUE, such as account:alice; the types are {types}")),
        );
        assert_eq!(format!("{:?}", Subject::parse("account:alice").unwrap()), "Subject(account:…)");
    }

    #[test]
    fn tokens_fit_where_the_value_stood() {
        let check = |subject: &str, expect: &str| {
            let eraser = eraser(subject);
            let token = eraser.token().unwrap();
            assert_eq!(token.show(eraser.subject.kind, wardroom_event::Sight::Full), expect);
        };
        check("account:alice", "erased-aaaaaaaaaaaaaaaaaaaaaaaaah");
        check("email:a@example.org", "erased-aaaaaaaaaaaaaaaaaaaaaaaaah@example.org");
        check("domain:example.org", "erased-aaaaaaaaaaaaaaaaaaaaaaaaah.invalid");
        check("url:http://example.org/alice", "https://erased-aaaaaaaaaaaaaaaaaaaaaaaaah.invalid/");
        check("ip:203.0.113.7", "100::7");
        for _ in 0..100 {
            let token = Token::random().unwrap();
            assert_eq!(Token::parse(&token.word()), Some(token.clone()));
            assert_eq!(token.word().len(), 33);
        }
        for word in
            ["erased-", "erased-aaaaaaaaaaaaaaaaaaaaaaaaa1", "erased-777777777777777777777777777", "x"]
        {
            assert_eq!(Token::parse(word), None, "{word}");
        }
    }

    #[test]
    fn values_and_words_become_the_token_and_other_names_stay() {
        let word = "erased-aaaaaaaaaaaaaaaaaaaaaaaaah";
        let check = |subject: &str, kind: Option<Type>, value: Value, expect: Option<Value>| {
            assert_eq!(
                eraser(subject).value(kind, &value, &mut Met::default()),
                expect,
                "{subject} {value:?}"
            );
        };
        check("account:alice", Some(Type::Account), text("alice"), Some(text(word)));
        check("account:alice", Some(Type::Email), text("alice"), Some(text(word)));
        check("account:alice", Some(Type::Account), text("alice smith"), None);
        check("account:alice", Some(Type::Text), text("alice smith"), Some(text(&format!("{word} smith"))));
        check("account:alice", Some(Type::Account), text("Alice"), None);
        let mail = format!("{word}@example.org");
        check("email:a.b@example.org", Some(Type::Account), text("A.b@example.org"), Some(text(&mail)));
        check("domain:example.org", Some(Type::Email), text("a@example.org"), None);
        let ip = |text: &str| Value::Ip(text.parse().unwrap());
        check("ip:203.0.113.7", Some(Type::Ip), ip("203.0.113.7"), Some(ip("100::7")));
        check("ip:203.0.113.7", Some(Type::Ip), ip("::ffff:203.0.113.7"), Some(ip("100::7")));
        check("ip:203.0.113.7", Some(Type::Ip), ip("203.0.113.8"), None);
        let net = |text: &str| Value::Net(text.parse().unwrap());
        check("ip:203.0.113.7", Some(Type::Net), net("203.0.113.7/32"), Some(net("100::7/128")));
        check("ip:203.0.113.7", Some(Type::Net), net("203.0.113.0/24"), None);
        check("ip:203.0.113.7", Some(Type::Text), text("at 203.0.113.7"), Some(text("at 100::7")));
        let list = |items: &[&str]| Value::List(items.iter().map(|item| text(item)).collect());
        check("account:alice", Some(Type::List), list(&["bob", "alice"]), Some(list(&["bob", word])));
        check("account:alice", Some(Type::List), list(&["bob"]), None);
    }
}
