// SPDX-License-Identifier: Apache-2.0
//! A message and its envelope as an event of the policy `mail`.
//!
//! What is not known is missing, and never nothing: without a model there is no `spam`, and without a login no `account`. Text
//! of the message is in no event but its subject and names; what stands in it is told by facts.

use super::{Case, Envelope, Lesson, Message, Stage, Teaches};
use crate::read::Reading;
use std::borrow::Cow;
use wardroom_event::{Draft, Faults, Raw, limits};

/// What SpamAssassin's users send to see whether a filter is there. It is no secret and in no honest message.
const GTUBE: &[u8] = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
/// Where it is looked for: such messages are short.
const GTUBE_WITHIN: usize = 64 * 1024;

/// What a model says of a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scored {
    /// How likely it is spam, from 0 to 1.
    pub spam: f64,
    /// The same as log-odds, before it is made a probability.
    pub log_odds: f64,
    /// What weighed most.
    pub reasons: Vec<super::Reason>,
}

/// The event of a message, or of what somebody says of one.
pub struct Drafted(Draft<'static>);

impl Drafted {
    fn of(kind: &'static str, listener: &str, case: Case) -> Drafted {
        let mut made = Drafted(Draft {
            kind: kind.into(),
            source: Some("mail".into()),
            id: None,
            time: None,
            fields: Vec::with_capacity(24),
            prefix: "",
        });
        made.text("listener", Some(listener));
        made.text("case", Some(&case.to_string()));
        made
    }

    /// A message at the end of DATA.
    pub fn message(
        message: &Message,
        reading: &Reading,
        scored: Option<&Scored>,
        listener: &str,
        case: Case,
    ) -> Drafted {
        let mut made = Drafted::of("mail", listener, case);
        made.envelope(&message.envelope);
        made.raw("size", Some(whole(message.bytes.len())));
        made.raw("cut", Some(Raw::Bool(message.is_cut)));
        made.text("message_id", reading.message_id.as_deref());
        made.text("subject", Some(reading.subject.as_str()).filter(|text| !text.is_empty()));
        if let Some(from) = reading.from.first() {
            made.name("from", Some(&from.address));
            made.name("from_domain", from.domain());
            made.text("from_name", Some(from.name.as_str()).filter(|name| !name.is_empty()));
        }
        made.name("reply_to", reading.reply_to.first().map(|mailbox| mailbox.address.as_str()));
        made.list("hosts", reading.urls.iter().map(|url| url.host.as_str()));
        made.list("attachments", reading.attachments.iter().map(|attachment| attachment.name.as_str()));
        let begin = &message.bytes[..message.bytes.len().min(GTUBE_WITHIN)];
        made.raw("test_string", Some(Raw::Bool(memchr::memmem::find(begin, GTUBE).is_some())));
        made.list("oddities", reading.oddities.iter().map(crate::kind::Kind::name));
        if let Some(scored) = scored.filter(|scored| scored.spam.is_finite() && scored.log_odds.is_finite()) {
            made.raw("spam", Some(Raw::Number(scored.spam)));
            made.raw("log_odds", Some(Raw::Number(scored.log_odds)));
        }
        made
    }

    /// A recipient at RCPT.
    pub fn recipient(envelope: &Envelope, listener: &str, case: Case) -> Drafted {
        let mut made = Drafted::of("mail_rcpt", listener, case);
        made.envelope(envelope);
        made.text("instance", envelope.instance.as_deref());
        made.raw(
            "declared_size",
            envelope.declared_size.and_then(|size| i64::try_from(size).ok()).map(Raw::Int),
        );
        made
    }

    /// What somebody says of a message.
    pub fn lesson(lesson: &Lesson, reading: &Reading, listener: &str, case: Case) -> Drafted {
        let mut made = Drafted::of("mail_feedback", listener, case);
        let says = match lesson.teaches {
            Teaches::Spam => "spam",
            Teaches::Ham => "ham",
            Teaches::Forget => "nothing",
        };
        made.text("says", Some(says));
        made.text("message_id", reading.message_id.as_deref());
        // Whoever says it is the user that the client names.
        let by = lesson.message.envelope.user.as_ref().or(lesson.message.envelope.recipients.first());
        made.name("account", by.map(String::as_str));
        made
    }

    /// The draft, to be typed.
    pub fn draft(&self) -> Draft<'_> {
        self.0.clone()
    }

    /// Leaves out what is no value of its field's type: an address of mail that is none is a stranger's word, and no fault
    /// of whoever passes it on. Whether anything was left out.
    pub fn without(&mut self, faults: &Faults) -> bool {
        let before = self.0.fields.len();
        let wrong = |name: &str| {
            faults.list().iter().any(|fault| {
                fault.pointer.trim_start_matches('/').split('/').next().is_some_and(|first| first == name)
            })
        };
        self.0.fields.retain(|(name, _)| !wrong(name));
        self.0.fields.len() < before
    }

    /// Leaves out the fields that a policy does not ask for.
    pub fn keep(&mut self, is_asked: impl Fn(&str) -> bool) {
        self.0.fields.retain(|(name, _)| is_asked(name));
    }

    fn envelope(&mut self, envelope: &Envelope) {
        self.raw("ip", envelope.ip.map(|ip| Raw::Text(ip.to_canonical().to_string().into())));
        self.name("helo", envelope.helo.as_deref());
        self.name("ptr", envelope.ptr.as_deref());
        let sender = envelope.sender.as_deref();
        self.raw("bounce", sender.map(|sender| Raw::Bool(sender.is_empty())));
        let sender = sender.filter(|sender| !sender.is_empty());
        self.name("sender", sender);
        self.name(
            "sender_domain",
            sender.and_then(|sender| sender.rsplit_once('@')).map(|(_, domain)| domain),
        );
        let asked = match envelope.stage {
            Stage::Rcpt => envelope.recipients.last(),
            Stage::Data => envelope.recipients.first(),
        };
        self.name("recipient", asked.map(String::as_str));
        self.raw("recipients", Some(Raw::Int(i64::from(envelope.recipient_count))));
        self.name("account", envelope.user.as_deref());
        self.raw("encrypted", Some(Raw::Bool(envelope.tls.is_some())));
        self.text("queue_id", envelope.queue_id.as_deref());
    }

    fn raw(&mut self, field: &'static str, value: Option<Raw<'static>>) {
        self.0.fields.extend(value.map(|value| (Cow::Borrowed(field), value)));
    }

    fn name(&mut self, field: &'static str, value: Option<&str>) {
        self.raw(field, value.filter(|v| !v.is_empty()).map(|value| text(value, limits::ENTITY_BYTES)));
    }

    fn text(&mut self, field: &'static str, value: Option<&str>) {
        self.raw(field, value.map(|value| text(value, 1024)));
    }

    /// Different texts, as many as a list may have.
    fn list<'a>(&mut self, field: &'static str, values: impl Iterator<Item = &'a str>) {
        let mut seen: Vec<&str> = Vec::new();
        for value in values.filter(|value| !value.is_empty()) {
            if seen.len() < LIST_ITEMS && !seen.contains(&value) {
                seen.push(value);
            }
        }
        self.raw(
            field,
            Some(Raw::List(seen.into_iter().map(|value| text(value, limits::ENTITY_BYTES)).collect())),
        );
    }
}

/// Most entries of one list: an event has to stay within its bytes.
const LIST_ITEMS: usize = 64;

fn whole(number: usize) -> Raw<'static> {
    Raw::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn text(value: &str, most: usize) -> Raw<'static> {
    Raw::Text(value[..value.floor_char_boundary(most)].to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Budget;
    use crate::read::read;

    const MAIL: &[u8] = b"From: \"Ann\" <ann@Sender.example>\r\nMessage-ID: <1@x.example>\r\nSubject: Hello\r\n\r\nhttps://a.example/ and https://a.example/2\r\n";

    fn shown(drafted: &Drafted) -> Vec<String> {
        drafted.draft().fields.iter().map(|(name, value)| format!("{name}={value:?}")).collect()
    }

    fn message(envelope: Envelope, scored: Option<&Scored>) -> Vec<String> {
        let message = Message { envelope, bytes: MAIL.to_vec(), is_cut: false };
        shown(&Drafted::message(&message, &read(MAIL, &mut Budget::default()), scored, "mx", Case::of(33)))
    }

    #[test]
    fn what_is_not_known_is_missing() {
        let fields = message(Envelope::default(), None);
        for field in
            ["ip", "helo", "ptr", "bounce", "sender", "recipient", "account", "spam", "log_odds", "reply_to"]
        {
            assert!(!fields.iter().any(|f| f.starts_with(&format!("{field}="))), "{field} of {fields:?}");
        }
        let unlikely = Scored { spam: f64::NAN, ..Scored::default() };
        assert_eq!(message(Envelope::default(), Some(&unlikely)), fields);
    }

    #[test]
    fn a_message_by_one_of_ones_own_users() {
        let envelope = Envelope {
            ip: "::ffff:192.0.2.7".parse().ok(),
            sender: Some("ann@here.example".into()),
            recipients: vec!["b@x.example".into(), "c@x.example".into()],
            recipient_count: 1200,
            user: Some("ann".into()),
            ..Envelope::default()
        };
        let fields = message(envelope, Some(&Scored { spam: 0.25, log_odds: -1.0, reasons: Vec::new() }));
        for expect in [
            "listener=Text(\"mx\")",
            "case=Text(\"00000-00011\")",
            "ip=Text(\"192.0.2.7\")",
            "bounce=Bool(false)",
            "sender_domain=Text(\"here.example\")",
            "recipient=Text(\"b@x.example\")",
            "recipients=Int(1200)",
            "account=Text(\"ann\")",
            "from_name=Text(\"Ann\")",
            "subject=Text(\"Hello\")",
            "hosts=List([Text(\"a.example\")])",
            "test_string=Bool(false)",
            "spam=Number(0.25)",
        ] {
            assert!(fields.iter().any(|f| f == expect), "{expect} in {fields:?}");
        }
    }

    #[test]
    fn a_recipient_is_the_last_and_a_bounce_has_no_sender() {
        let envelope = Envelope {
            sender: Some(String::new()),
            recipients: vec!["a@x".into(), "b@x".into()],
            stage: Stage::Rcpt,
            ..Envelope::default()
        };
        let fields = shown(&Drafted::recipient(&envelope, "mx", Case::of(1)));
        assert!(
            fields.iter().any(|f| f == "recipient=Text(\"b@x\")")
                && fields.iter().any(|f| f == "bounce=Bool(true)")
        );
        assert!(!fields.iter().any(|f| f.starts_with("sender=")));
    }

    #[test]
    fn what_is_no_value_is_left_out_and_nothing_else() {
        let envelope = Envelope { sender: Some("no address".into()), ..Envelope::default() };
        let mut made = Drafted::recipient(&envelope, "mx", Case::of(1));
        let before = shown(&made).len();
        assert!(made.without(&Faults::one("/sender", "not_an_email", "")));
        assert!(!made.without(&Faults::one("/sender", "not_an_email", "")));
        assert!(!made.without(&Faults::one("", "too_large", "")));
        assert_eq!(shown(&made).len(), before - 1);
        made.keep(|name| name == "case");
        assert_eq!(shown(&made), ["case=Text(\"00000-00001\")"]);
    }
}
