// SPDX-License-Identifier: Apache-2.0
//! What mail servers send, and strangers through them, in each protocol: nothing panics, nothing grows past its bounds, no line
//! of an answer is a stranger's, and it makes no difference in which pieces bytes come.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wardroom_mail::door::{
    Answer, Case, Class, Conversation, FailMode, Figures, Judgement, Learned, Next, Question, Reason, Why,
    delegation, limits, milter, rspamd, spamd, stalwart,
};

/// Bytes of a message that these doors take: few, so that the bound is met.
const MOST: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let [which, how, bytes @ ..] = bytes else { return };
    let whole = run(*which, *how, bytes, bytes.len().max(1));
    let pieces = run(*which, *how, bytes, usize::from(how >> 4) + 1);
    assert_eq!(whole.0, pieces.0, "other questions in pieces");
    assert_eq!(whole.1, pieces.1, "other answers in pieces");
});

/// The questions that bytes lead to, and all that is said.
fn run(which: u8, how: u8, bytes: &[u8], size: usize) -> (Vec<Question>, Vec<u8>) {
    let mut door: Box<dyn Conversation> = match which % 5 {
        0 => Box::new(milter::Milter::new(MOST)),
        1 => Box::new(delegation::Delegation::default()),
        2 => Box::new(rspamd::Rspamd::new(MOST)),
        3 => Box::new(spamd::Spamd::new(MOST)),
        _ => Box::new(stalwart::Stalwart::new(MOST)),
    };
    let (mut asked, mut out) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(size) {
        door.hear(piece);
        if !go_on(&mut *door, how, &mut asked, &mut out) {
            return (asked, out);
        }
    }
    door.end();
    assert!(!go_on(&mut *door, how, &mut asked, &mut out), "it waits for more of nothing");
    (asked, out)
}

/// Answers what is asked until more is wanted; whether it is.
fn go_on(door: &mut dyn Conversation, how: u8, asked: &mut Vec<Question>, out: &mut Vec<u8>) -> bool {
    loop {
        match door.next(out) {
            Next::More => return true,
            Next::Close(_) => return false,
            Next::Ask(question) => {
                check(&question);
                let before = out.len();
                door.answer(&answer(&question, how), out);
                assert!(out.len() > before, "nothing is said");
                // Each symbol has one of both; the message has one more, if it was judged.
                let said = &out[before..];
                let (scores, symbols) = (count(said, b"\"score\":"), count(said, b"\"metric_score\":"));
                assert!(
                    scores == symbols || how & 8 == 0 || !said.starts_with(b"HTTP/"),
                    "not scanned, and a score"
                );
                asked.push(*question);
            }
        }
    }
}

fn count(text: &[u8], part: &[u8]) -> usize {
    text.windows(part.len()).filter(|window| *window == part).count()
}

fn check(question: &Question) {
    let envelope = match question {
        Question::Message(message) => {
            assert!(message.bytes.len() <= MOST);
            &message.envelope
        }
        Question::Lesson(lesson) => &lesson.message.envelope,
        Question::Recipient(envelope) => envelope,
        Question::Figures => return,
    };
    assert!(envelope.recipients.len() <= limits::RECIPIENTS);
    assert!(envelope.recipients.len() <= envelope.recipient_count as usize);
    let texts =
        [&envelope.helo, &envelope.ptr, &envelope.sender, &envelope.user, &envelope.queue_id, &envelope.mta];
    texts
        .into_iter()
        .flatten()
        .chain(&envelope.recipients)
        .for_each(|text| assert!(text.len() <= limits::FIELD_BYTES));
}

fn answer(question: &Question, how: u8) -> Answer {
    let case = Case::of(u64::from(how));
    match question {
        Question::Figures => Answer::Figures(Figures::default()),
        Question::Lesson(_) => Answer::Learned(match how % 3 {
            0 => Learned::Taken,
            1 => Learned::Refused("seen\r\nbefore".to_owned()),
            _ => Learned::Forbidden,
        }),
        _ if how & 8 != 0 => {
            let mode = if how & 1 == 0 { FailMode::Tag } else { FailMode::Tempfail };
            Answer::Judged(Judgement::not_scanned(Why::Late, mode, case))
        }
        _ => {
            let mut judgement = Judgement::new(Class::ALL[usize::from(how % 8)], case);
            judgement.probability = Some(f64::from(how) / 255.0);
            judgement.reasons =
                vec![Reason { id: "a.b".to_owned(), words: "x\r\n.\r\n".to_owned(), weight: None }];
            Answer::Judged(judgement)
        }
    }
}
