// SPDX-License-Identifier: Apache-2.0
//! What a counter is, as bytes: its kind, and the lengths in microseconds.

use super::{Kind, Spec};
use crate::bytes::{Pen, Source, Unreadable};
use wardroom_event::Span;

impl Spec {
    pub(crate) fn encode(self, pen: &mut Pen<'_>) {
        match self.kind {
            Kind::Count => pen.byte(0),
            Kind::Distinct => pen.byte(1),
            Kind::FirstSeen => pen.byte(2),
            Kind::Sum => pen.byte(3),
            Kind::Extreme { max } => pen.bytes(&[4, u8::from(max)]),
            Kind::Last => pen.byte(5),
            Kind::Ratio => pen.byte(6),
            Kind::Quantile { q } => {
                pen.byte(7);
                pen.number(q.into());
            }
            Kind::Baseline { span } => {
                pen.byte(8);
                pen.signed(span.0);
            }
            Kind::Speed => pen.byte(9),
            Kind::Sequence { times, within } => {
                pen.byte(10);
                pen.number(times.into());
                pen.signed(within.0);
            }
        }
        pen.byte(self.window.is_some().into());
        self.window.into_iter().for_each(|window| pen.signed(window.0));
    }

    pub(crate) fn decode(from: &mut Source<'_>) -> Result<Spec, Unreadable> {
        let kind = match from.byte()? {
            0 => Kind::Count,
            1 => Kind::Distinct,
            2 => Kind::FirstSeen,
            3 => Kind::Sum,
            4 => Kind::Extreme { max: from.byte()? != 0 },
            5 => Kind::Last,
            6 => Kind::Ratio,
            7 => Kind::Quantile { q: from.small()? },
            8 => Kind::Baseline { span: Span(from.signed()?) },
            9 => Kind::Speed,
            10 => Kind::Sequence { times: from.small()?, within: Span(from.signed()?) },
            _ => return Err(Unreadable::No("kind of counter")),
        };
        let window = if from.byte()? == 0 { None } else { Some(Span(from.signed()?)) };
        Spec::new(kind, window).map_err(|_| Unreadable::No("counter"))
    }
}
