// SPDX-License-Identifier: Apache-2.0
//! JSON that another program writes in its own form: read leniently, for its sender can change nothing about it.
//!
//! A member that is there twice counts as it stands last (Dovecot does send `tls` twice); a member of another type than
//! expected is as if it were not there. What is needed and not there is said by the reader of that form.

use serde_json::{Map, Value};
use std::borrow::Cow;
use std::net::IpAddr;
use wardroom_event::{Draft, Faults, Micros, Raw, limits};

/// A JSON object.
pub(crate) type Sheet = Map<String, Value>;

/// Reads one object of at most so many bytes.
pub(crate) fn read(bytes: &[u8], most: usize) -> Result<Sheet, Faults> {
    if bytes.len() > most {
        let message = format!("the body has {} bytes; the most is {most}", bytes.len());
        return Err(Faults::one("", "too_large", message));
    }
    // Bytes that are no text are somebody's name all the same.
    match serde_json::from_str(&String::from_utf8_lossy(bytes)) {
        Ok(Value::Object(sheet)) => Ok(sheet),
        Ok(_) => Err(Faults::one("", "not_an_object", "the body is a JSON object")),
        // Where it went wrong, and nothing of what stands there.
        Err(e) => {
            let message = format!("not JSON, at line {} column {}", e.line(), e.column());
            Err(Faults::one("", "not_json", message))
        }
    }
}

/// A text that says something.
pub(crate) fn text<'s>(sheet: &'s Sheet, name: &str) -> Option<&'s str> {
    sheet.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// What can be an address of mail.
pub(crate) fn email<'s>(sheet: &'s Sheet, name: &str) -> Option<&'s str> {
    let whole = |email: &&str| {
        email.rsplit_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
    };
    text(sheet, name).filter(whole)
}

/// A truth, false where it is not there.
pub(crate) fn truth(sheet: &Sheet, name: &str) -> bool {
    sheet.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// An object within.
pub(crate) fn inner<'s>(sheet: &'s Sheet, name: &str) -> Option<&'s Sheet> {
    sheet.get(name)?.as_object()
}

/// An address; the first, where proxies have made a list of it.
pub(crate) fn address(sheet: &Sheet, name: &str) -> Option<IpAddr> {
    let first = text(sheet, name)?.split(',').next()?.trim();
    first.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// An event in the making.
pub(crate) struct Making(Draft<'static>);

impl Making {
    /// One of this type, from this door.
    pub(crate) fn of(kind: &'static str, door: &'static str) -> Making {
        Making(Draft {
            kind: kind.into(),
            source: Some(door.into()),
            id: None,
            time: None,
            fields: Vec::with_capacity(8),
            prefix: "",
        })
    }

    /// With this id; one that is longer than ids may be is cut.
    pub(crate) fn id(mut self, id: Option<&str>) -> Making {
        self.0.id = id.map(|id| cut(id, limits::ID_BYTES).to_owned().into());
        self
    }

    /// At this time.
    pub(crate) fn at(mut self, time: Option<Micros>) -> Making {
        self.0.time = time;
        self
    }

    /// With a text of at most as many bytes as the name of an entity may have.
    pub(crate) fn name(self, field: &'static str, value: Option<&str>) -> Making {
        self.raw(field, value.map(|v| Raw::Text(Cow::Owned(cut(v, limits::ENTITY_BYTES).to_owned()))))
    }

    /// With a longer text.
    pub(crate) fn text(self, field: &'static str, value: Option<&str>) -> Making {
        self.raw(field, value.map(|v| Raw::Text(Cow::Owned(cut(v, limits::TEXT_BYTES).to_owned()))))
    }

    /// With a word of this program's own.
    pub(crate) fn word(self, field: &'static str, value: &'static str) -> Making {
        self.raw(field, Some(Raw::Text(value.into())))
    }

    /// With an address.
    pub(crate) fn ip(self, ip: IpAddr) -> Making {
        self.raw("ip", Some(Raw::Text(ip.to_string().into())))
    }

    /// With a truth.
    pub(crate) fn truth(self, field: &'static str, value: Option<bool>) -> Making {
        self.raw(field, value.map(Raw::Bool))
    }

    fn raw(mut self, field: &'static str, value: Option<Raw<'static>>) -> Making {
        self.0.fields.extend(value.map(|value| (Cow::Borrowed(field), value)));
        self
    }

    /// The event as it is now.
    pub(crate) fn made(self) -> Draft<'static> {
        self.0
    }
}

/// At most `most` bytes of a text, cut between characters.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_is_refused_without_showing_it() {
        let check = |bytes: &[u8], code: &str| {
            let faults = read(bytes, 40).unwrap_err();
            assert_eq!(faults.list()[0].code, code);
            assert!(!faults.to_string().contains("hunter2"), "{faults}");
        };
        check(b"[]", "not_an_object");
        check(b"{\"password\":\"hunter2\"", "not_json");
        check(b"{\"password\":hunter2}", "not_json");
        check(&[b' '; 41], "too_large");
        let sheet = read(br#"{"a":"","tls":true,"tls":false,"ip":"::ffff:203.0.113.7, ::1"}"#, 80).unwrap();
        assert_eq!((text(&sheet, "a"), truth(&sheet, "tls")), (None, false));
        assert_eq!(address(&sheet, "ip"), "203.0.113.7".parse().ok());
        let sheet = read(br#"{"a":"x@y","b":"@y","c":"x@","d":"x"}"#, 80).unwrap();
        let emails = ["a", "b", "c", "d", "e"].map(|name| email(&sheet, name));
        assert_eq!(emails, [Some("x@y"), None, None, None, None]);
    }
}
