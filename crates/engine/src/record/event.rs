// SPDX-License-Identifier: Apache-2.0
//! Events and decisions as bytes.

use super::bytes::{Input, put_i64, put_len, put_text, put_u64};
use super::dictionary::many;
use super::effect::{effect, put_effect};
use super::values::{kind_byte, put_kind_byte, put_value, skip_value, value, value_bytes};
use super::{Dictionary, Unreadable};
use crate::decision::{Destination, Judged, Signal, Stored, StoredEffect, StoredSignal, Why};
use crate::flow::Step;
use crate::past::PastJudged;
use wardroom_event::{Event, EventId, Micros, Type, TypeId, Value};
use wardroom_policy::{Piece, Verdict};

const VERSION: u8 = 1;

/// An event with what was served and judged.
pub(crate) fn encode_decided(policy: u64, event: &Event, step: &Step, out: &mut Vec<u8>) {
    put_event(policy, event, out);
    step.served.iter().for_each(|v| put_value(out, v));
    out.push(step.judgement.verdict as u8);
    let skipped = if step.judgement.skipped > 0 { SKIPPED } else { 0 };
    out.push(u8::from(step.judgement.fault) | skipped);
    if skipped != 0 {
        put_u64(out, step.judgement.skipped);
    }
    put_len(out, step.judgement.signals.len());
    step.judgement.signals.iter().for_each(|s| put_signal(out, s));
}

/// An event alone.
pub(crate) fn encode_recorded(policy: u64, event: &Event, out: &mut Vec<u8>) {
    put_event(policy, event, out);
}

/// How many bytes an event takes in a record, at most.
pub(crate) fn event_bytes(event: &Event) -> usize {
    let text = |t: &str| t.len() + 3;
    // Version, policy, type and both times: numbers of at most ten bytes.
    let head = 1 + 4 * 10;
    let values = event.values.iter().map(value_bytes).sum::<usize>();
    head + text(&event.id.source) + text(&event.id.id) + values
}

fn put_event(policy: u64, event: &Event, out: &mut Vec<u8>) {
    out.push(VERSION);
    put_u64(out, policy);
    put_u64(out, event.kind.0.into());
    put_text(out, &event.id.source);
    put_text(out, &event.id.id);
    put_i64(out, event.time.0);
    // Wrapping, so that any two times come back as they were.
    put_i64(out, event.received.0.wrapping_sub(event.time.0));
    event.values.iter().for_each(|v| put_value(out, v));
}

/// Of a judgement: rules were not asked, and how many follows.
pub(super) const SKIPPED: u8 = 2;

const DECIDES: u8 = 1;
const MISSING: u8 = 2;
pub(super) const ASKS: u8 = 4;
/// Of a signal: effects follow its reason.
pub(super) const FOLLOWS: u8 = 8;

fn put_signal(out: &mut Vec<u8>, signal: &Signal) {
    put_len(out, signal.rule);
    out.push(signal.verdict as u8);
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(
        flag(signal.decides, DECIDES)
            | flag(signal.why == Why::Missing, MISSING)
            | flag(signal.ask.is_some(), ASKS)
            | flag(!signal.effects.is_empty(), FOLLOWS),
    );
    if let Some(ask) = &signal.ask {
        put_text(out, ask);
    }
    put_pieces(&signal.because, out);
    if !signal.effects.is_empty() {
        put_len(out, signal.effects.len());
        signal.effects.iter().for_each(|e| put_effect(out, e));
    }
}

fn put_pieces(pieces: &[Piece], out: &mut Vec<u8>) {
    put_len(out, pieces.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                out.push(0);
                put_text(out, text);
            }
            Piece::Value(kind, value) => {
                out.push(1);
                put_kind_byte(out, *kind);
                put_value(out, value);
            }
        }
    }
}

/// The policy a record was made under, by the number of the policy's record.
pub(crate) fn policy_of(payload: &[u8]) -> Result<u64, Unreadable> {
    head(&mut Input::new(payload))
}

/// The policy a record was made under, by the number of its head, and the number of its event's type there.
pub(crate) fn type_of(payload: &[u8]) -> Result<(u64, u64), Unreadable> {
    let mut input = Input::new(payload);
    Ok((head(&mut input)?, input.u64()?))
}

/// When a record's event arrived.
pub(crate) fn arrived(payload: &[u8]) -> Result<Micros, Unreadable> {
    let mut input = Input::new(payload);
    head(&mut input)?;
    input.u64()?;
    input.text()?;
    input.text()?;
    let time = input.i64()?;
    Ok(Micros(time.wrapping_add(input.i64()?)))
}

/// The source and the id of a record's event.
pub(crate) fn id_of(payload: &[u8]) -> Result<(&str, &str), Unreadable> {
    let mut input = Input::new(payload);
    head(&mut input)?;
    input.u64()?;
    Ok((input.text()?, input.text()?))
}

fn head(input: &mut Input<'_>) -> Result<u64, Unreadable> {
    take_version(input)?;
    input.u64()
}

/// The version that an event record begins with, if it is one that is known.
pub(super) fn take_version(input: &mut Input<'_>) -> Result<u8, Unreadable> {
    match input.byte()? {
        VERSION => Ok(VERSION),
        version => Err(format!("an event record of version {version}; this program reads version {VERSION}")),
    }
}

/// The event of a record, typed by the dictionary's schema. What was judged of it is passed over unread.
pub(crate) fn decode_event(
    payload: &[u8],
    judged: bool,
    dictionary: &Dictionary,
) -> Result<Event, Unreadable> {
    let mut input = Input::new(payload);
    let event = event(&mut input, dictionary)?;
    if !judged {
        input.finish()?;
    }
    Ok(event)
}

fn event(input: &mut Input<'_>, dictionary: &Dictionary) -> Result<Event, Unreadable> {
    let opened = open_event(input, dictionary)?;
    let id = EventId { source: opened.source.into(), id: opened.id.into() };
    let EventHead { kind, time, received, .. } = opened;
    let fields = dictionary.schema.get(kind).fields.len();
    let values = (0..fields).map(|_| value(input)).collect::<Result<Box<[Value]>, _>>()?;
    Ok(Event { schema: dictionary.schema.clone(), kind, id, time, received, values })
}

/// The event of a record, and what was served for it; nothing for one that was only recorded. The rest is passed over.
pub(crate) fn decode_served(
    payload: &[u8],
    judged: bool,
    dictionary: &Dictionary,
) -> Result<(Event, Vec<Value>), Unreadable> {
    let mut input = Input::new(payload);
    let event = event(&mut input, dictionary)?;
    let served = dictionary.served.get(usize::from(event.kind.0)).map_or(0, Vec::len);
    let served = (0..if judged { served } else { 0 }).map(|_| value(&mut input)).collect::<Result<_, _>>()?;
    Ok((event, served))
}

/// When the event of a record happened.
pub(crate) fn time_of(payload: &[u8], dictionary: &Dictionary) -> Result<Micros, Unreadable> {
    Ok(open_event(&mut Input::new(payload), dictionary)?.time)
}

/// An event but for its values, as it stands in the record.
pub(crate) struct EventHead<'a> {
    pub(crate) kind: TypeId,
    pub(crate) source: &'a str,
    pub(crate) id: &'a str,
    pub(crate) time: Micros,
    pub(crate) received: Micros,
}

/// Reads an event up to its values, of which one for each field of its type follows.
pub(crate) fn open_event<'a>(
    input: &mut Input<'a>,
    dictionary: &Dictionary,
) -> Result<EventHead<'a>, Unreadable> {
    if head(input)? != dictionary.seq {
        return Err("it belongs to another policy".to_owned());
    }
    let number = input.u64()?;
    let kind = u16::try_from(number).ok().filter(|n| usize::from(*n) < dictionary.schema.len());
    let kind = TypeId(kind.ok_or_else(|| format!("its policy has no event type number {number}"))?);
    let (source, id) = (input.text()?, input.text()?);
    let time = Micros(input.i64()?);
    let received = Micros(time.0.wrapping_add(input.i64()?));
    Ok(EventHead { kind, source, id, time, received })
}

/// A whole record, names looked up.
pub(crate) fn decode_stored(
    seq: u64,
    judged: bool,
    payload: &[u8],
    dictionary: &Dictionary,
) -> Result<Stored, Unreadable> {
    let mut input = Input::new(payload);
    let event = event(&mut input, dictionary)?;
    let judged = if judged { Some(decode_judged(&mut input, dictionary, event.kind)?) } else { None };
    input.finish()?;
    let event_type = dictionary.schema.get(event.kind);
    let fields = event_type.fields.iter().cloned().zip(event.values).collect();
    Ok(Stored {
        seq,
        event_type: event_type.name.clone(),
        id: event.id,
        time: event.time,
        received: event.received,
        fields,
        policy: (&*dictionary.version).into(),
        judged,
    })
}

fn decode_judged(input: &mut Input<'_>, dictionary: &Dictionary, kind: TypeId) -> Result<Judged, Unreadable> {
    let served = dictionary.served.get(usize::from(kind.0)).map_or(&[][..], Vec::as_slice);
    let named = |number: &usize| -> Result<(Box<str>, Type), Unreadable> {
        dictionary.features.get(*number).cloned().ok_or_else(|| "an unknown feature".to_owned())
    };
    let served = served
        .iter()
        .map(|number| {
            let (id, kind) = named(number)?;
            Ok((id, kind, value(input)?))
        })
        .collect::<Result<Vec<_>, Unreadable>>()?;
    let verdict = verdict(input)?;
    let flags = input.byte()?;
    let skipped = if flags & SKIPPED != 0 { input.u64()? } else { 0 };
    let signals = many(input, |i| signal(i, dictionary))?;
    Ok(Judged { served, verdict, signals, fault: flags & 1 != 0, skipped })
}

/// A whole record without names: what they are is said by its layout.
pub(crate) fn decode_row(
    payload: &[u8],
    judged: bool,
    dictionary: &Dictionary,
) -> Result<(Event, Option<PastJudged>), Unreadable> {
    let mut input = Input::new(payload);
    let event = event(&mut input, dictionary)?;
    let judged = if judged { Some(row_judged(&mut input, dictionary, event.kind)?) } else { None };
    input.finish()?;
    Ok((event, judged))
}

fn row_judged(
    input: &mut Input<'_>,
    dictionary: &Dictionary,
    kind: TypeId,
) -> Result<PastJudged, Unreadable> {
    let served = dictionary.served.get(usize::from(kind.0)).map_or(0, Vec::len);
    let served = (0..served).map(|_| value(input)).collect::<Result<Vec<_>, Unreadable>>()?;
    let verdict = verdict(input)?;
    let flags = input.byte()?;
    let skipped = if flags & SKIPPED != 0 { input.u64()? } else { 0 };
    let signals = many(input, |i| signal(i, dictionary))?;
    Ok(PastJudged { served, verdict, fault: flags & 1 != 0, skipped, signals })
}

/// What a signal holds beside its rule, verdict and flags, as bytes: the pieces of its reason and its effects.
pub(crate) fn pack_rest(signal: &StoredSignal, out: &mut Vec<u8>) {
    put_pieces(&signal.because, out);
    put_len(out, signal.effects.len());
    signal.effects.iter().for_each(|e| put_effect(out, e));
}

/// What [`pack_rest`] wrote.
pub(crate) fn unpack_rest(bytes: &[u8]) -> Result<(Vec<Piece>, Vec<StoredEffect>), Unreadable> {
    let mut input = Input::new(bytes);
    let rest = (pieces(&mut input)?, many(&mut input, effect)?);
    input.finish()?;
    Ok(rest)
}

fn verdict(input: &mut Input<'_>) -> Result<Verdict, Unreadable> {
    let rank = input.byte()?;
    Verdict::ranked(rank).ok_or_else(|| format!("an unknown verdict {rank}"))
}

fn signal(input: &mut Input<'_>, dictionary: &Dictionary) -> Result<StoredSignal, Unreadable> {
    let number = input.u64()?;
    let rule = usize::try_from(number).ok().and_then(|n| dictionary.rules.get(n));
    let rule = rule.ok_or_else(|| format!("its policy has no rule number {number}"))?.clone();
    let verdict = verdict(input)?;
    let flags = input.byte()?;
    let ask = if flags & ASKS != 0 { Some(input.text()?.into()) } else { None };
    let because = pieces(input)?;
    let effects = if flags & FOLLOWS != 0 { many(input, effect)? } else { Vec::new() };
    let why = if flags & MISSING != 0 { Why::Missing } else { Why::Holds };
    Ok(StoredSignal { rule, verdict, decides: flags & DECIDES != 0, why, ask, because, effects })
}

fn pieces(input: &mut Input<'_>) -> Result<Vec<Piece>, Unreadable> {
    many(input, |i| {
        Ok(match i.byte()? {
            0 => Piece::Text(i.text()?.into()),
            _ => Piece::Value(kind_byte(i)?, value(i)?),
        })
    })
}

/// An effect that goes out: its place among all effects of its decision, and where it goes.
pub(crate) type Outward = (u32, Destination);

/// The effects of a decision that go out, and little else: all decisions are looked through, and few have any.
pub(crate) fn outward(payload: &[u8], dictionary: &Dictionary) -> Result<Vec<Outward>, Unreadable> {
    let mut input = Input::new(payload);
    let kind = pass_event(&mut input, dictionary)?;
    let served = dictionary.served.get(kind).map_or(0, Vec::len);
    (0..served).try_for_each(|_| skip_value(&mut input))?;
    input.byte()?;
    if input.byte()? & SKIPPED != 0 {
        input.u64()?;
    }
    let (mut found, mut place) = (Vec::new(), 0);
    for _ in 0..input.len()? {
        for effect in pass_signal(&mut input)? {
            found.extend(effect.destination().map(|to| (place, to)));
            place += 1;
        }
    }
    Ok(found)
}

/// Goes past an event; gives its type's number.
fn pass_event(input: &mut Input<'_>, dictionary: &Dictionary) -> Result<usize, Unreadable> {
    head(input)?;
    let number = input.u64()?;
    let kind = u16::try_from(number).ok().filter(|n| usize::from(*n) < dictionary.schema.len());
    let kind = TypeId(kind.ok_or_else(|| format!("its policy has no event type number {number}"))?);
    input.text()?;
    input.text()?;
    input.u64()?;
    input.u64()?;
    (0..dictionary.schema.get(kind).fields.len()).try_for_each(|_| skip_value(input))?;
    Ok(usize::from(kind.0))
}

/// Goes past a signal; gives its effects.
fn pass_signal(input: &mut Input<'_>) -> Result<Vec<StoredEffect>, Unreadable> {
    input.u64()?;
    input.byte()?;
    let flags = input.byte()?;
    if flags & ASKS != 0 {
        input.text()?;
    }
    for _ in 0..input.len()? {
        match input.byte()? {
            0 => drop(input.text()?),
            _ => {
                input.byte()?;
                skip_value(input)?;
            }
        }
    }
    if flags & FOLLOWS != 0 { many(input, effect) } else { Ok(Vec::new()) }
}

#[cfg(test)]
mod tests {
    use super::super::fields::tests::any_event_type;
    use super::super::values::tests::any_value;
    use super::super::{Part, encode_parts};
    use super::*;
    use crate::active::Origin;
    use crate::judge::Judgement;
    use crate::limits;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::sync::Arc;
    use wardroom_event::{EventType, Field, Schema};
    use wardroom_policy::Bundle;

    const NAME: &str = "[a-zé_.]{0,12}";

    fn any_kind() -> impl Strategy<Value = Type> {
        prop::sample::select([&Type::ALL[..], &[Type::Enum, Type::List]].concat())
    }

    fn any_dictionary() -> impl Strategy<Value = Dictionary> {
        let heads = (any::<u64>(), any::<i64>(), NAME, any::<bool>(), any::<u64>());
        let names = (vec(any_event_type(), 1..5), vec((NAME, any_kind()), 1..5), vec(NAME, 1..5));
        let served = vec(vec(any::<prop::sample::Index>(), 0..5), 5);
        (heads, names, served).prop_map(
            |((seq, time, version, api, parts), (types, features, rules), served)| {
                let number =
                    |of: Vec<prop::sample::Index>| of.into_iter().map(|i| i.index(features.len())).collect();
                Dictionary {
                    seq,
                    time: Micros(time),
                    version: version.into(),
                    origin: if api { Origin::Api } else { Origin::Directory },
                    parts,
                    served: served.into_iter().take(types.len()).map(number).collect(),
                    schema: Arc::new(Schema::new(types)),
                    features: features.into_iter().map(|(id, kind)| (id.into(), kind)).collect(),
                    rules: rules.into_iter().map(Into::into).collect(),
                }
            },
        )
    }

    fn any_piece() -> impl Strategy<Value = Piece> {
        prop_oneof![
            ".{0,30}".prop_map(|t| Piece::Text(t.into())),
            (any_kind(), any_value()).prop_map(|(kind, value)| Piece::Value(kind, value)),
        ]
    }

    fn any_signal(rules: usize) -> impl Strategy<Value = Signal> {
        let verdict = prop::sample::select(Verdict::ALL.to_vec());
        let effects = vec(super::super::effect::tests::any_effect(), 0..3);
        let words = (prop::option::of(".{0,20}"), vec(any_piece(), 0..4));
        (0..rules, verdict, any::<[bool; 2]>(), words, effects).prop_map(
            |(rule, verdict, [decides, missing], (ask, because), effects)| {
                let why = if missing { Why::Missing } else { Why::Holds };
                Signal { rule, verdict, decides, why, ask: ask.map(Into::into), because, effects }
            },
        )
    }

    /// A dictionary, an event of one of its types, and what might have been made of it.
    fn any_decision() -> impl Strategy<Value = (Dictionary, Event, Step)> {
        (any_dictionary(), any::<prop::sample::Index>()).prop_flat_map(|(dictionary, kind)| {
            let kind = kind.index(dictionary.schema.len());
            let id = TypeId(kind as u16);
            let values = vec(any_value(), dictionary.schema.get(id).fields.len());
            let served = vec(any_value(), dictionary.served[kind].len());
            let event = (NAME, ".{0,20}", any::<i64>(), any::<i64>(), values);
            let verdict = prop::sample::select(Verdict::ALL.to_vec());
            let faults = (any::<bool>(), 0u64..3);
            let judged = (served, verdict, faults, vec(any_signal(dictionary.rules.len()), 0..4));
            (Just(dictionary), event, judged).prop_map(move |(dictionary, event, judged)| {
                let (source, name, time, received, values) = event;
                let event = Event {
                    schema: dictionary.schema.clone(),
                    kind: id,
                    id: EventId { source: source.into(), id: name.into() },
                    time: Micros(time),
                    received: Micros(received),
                    values: values.into(),
                };
                let (served, verdict, (fault, skipped), signals) = judged;
                let judgement = Judgement { verdict, signals, fault, skipped };
                (dictionary, event, Step { served, judgement })
            })
        })
    }

    /// Debug shows every bit of a number but those of NaN, which there is none of.
    fn shown(what: &impl std::fmt::Debug) -> String {
        format!("{what:?}")
    }

    proptest! {
        #[test]
        fn what_is_written_is_read((dictionary, event, step) in any_decision()) {
            prop_assert_eq!(&Dictionary::decode(&dictionary.encode()).unwrap(), &dictionary);
            let mut recorded = Vec::new();
            encode_recorded(dictionary.seq, &event, &mut recorded);
            prop_assert!(recorded.len() <= event_bytes(&event));
            prop_assert_eq!(policy_of(&recorded).unwrap(), dictionary.seq);
            let read = decode_event(&recorded, false, &dictionary).unwrap();
            prop_assert_eq!(shown(&read), shown(&event));

            let mut decided = Vec::new();
            encode_decided(dictionary.seq, &event, &step, &mut decided);
            prop_assert_eq!(shown(&decode_event(&decided, true, &dictionary).unwrap()), shown(&event));
            let stored = decode_stored(7, true, &decided, &dictionary).unwrap();
            let event_type = dictionary.schema.get(event.kind);
            prop_assert_eq!((stored.seq, &stored.event_type, &*stored.policy), (7, &event_type.name, &*dictionary.version));
            prop_assert_eq!((&stored.id, stored.time, stored.received), (&event.id, event.time, event.received));
            let fields: Vec<_> = event_type.fields.iter().zip(&event.values).collect();
            let read: Vec<_> = stored.fields.iter().map(|(field, v)| (field, v)).collect();
            prop_assert_eq!(shown(&read), shown(&fields));
            let judged = stored.judged.unwrap();
            let effects = judged.signals.iter().flat_map(|s| &s.effects).enumerate();
            let goes_out: Vec<_> = effects.filter_map(|(n, e)| Some((n as u32, e.destination()?))).collect();
            prop_assert_eq!(outward(&decided, &dictionary).unwrap(), goes_out);
            let served: Vec<_> = dictionary.served[usize::from(event.kind.0)].iter().zip(&step.served)
                .map(|(n, v)| (&*dictionary.features[*n].0, dictionary.features[*n].1, v)).collect();
            let read: Vec<_> = judged.served.iter().map(|(id, kind, v)| (&**id, *kind, v)).collect();
            prop_assert_eq!(shown(&read), shown(&served));
            prop_assert_eq!((judged.verdict, judged.fault), (step.judgement.verdict, step.judgement.fault));
            prop_assert_eq!(judged.skipped, step.judgement.skipped);
            let named: Vec<_> = step.judgement.signals.into_iter().map(|s| { let n = s.rule; s.named(&dictionary.rules[n]) }).collect();
            prop_assert_eq!(shown(&judged.signals), shown(&named));

            // What was only recorded has nothing judged, and what was judged is more than what was recorded.
            prop_assert_eq!(decode_stored(7, false, &recorded, &dictionary).unwrap().judged, None);
            prop_assert!(decode_stored(7, false, &decided, &dictionary).is_err());
            prop_assert!(decode_event(&decided, false, &dictionary).is_err());
        }

        #[test]
        fn no_bytes_make_a_decoder_panic((dictionary, event, step) in any_decision(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), junk in vec(any::<u8>(), 0..200)) {
            let mut decided = Vec::new();
            encode_decided(dictionary.seq, &event, &step, &mut decided);
            let mut head = dictionary.encode();
            for (at, byte) in changes {
                let at_decided = at.index(decided.len());
                decided[at_decided] = byte;
                let at_head = at.index(head.len());
                head[at_head] = byte;
            }
            let versioned = [&[VERSION][..], &junk].concat();
            for bytes in [&decided, &head, &junk, &versioned] {
                let _ = policy_of(bytes);
                let _ = Part::decode(bytes);
                let _ = outward(bytes, &dictionary);
                for judged in [true, false] {
                    let _ = decode_event(bytes, judged, &dictionary);
                    let _ = decode_stored(1, judged, bytes, &dictionary);
                }
                if let Ok(read) = Dictionary::decode(bytes) {
                    // Whatever it is, it is consistent: reading with it cannot go out of bounds.
                    let _ = decode_stored(1, true, &decided, &read);
                    prop_assert_eq!(Dictionary::decode(&read.encode()), Ok(read));
                }
            }
        }

        #[test]
        fn a_policy_of_any_texts_comes_back(files in prop::collection::btree_map("[a-z/.]{1,12}", ".{0,50}", 0..6)) {
            let mut bundle = Bundle::new();
            files.into_iter().for_each(|(path, text)| bundle.add(path, text));
            let parts = encode_parts(&bundle).iter().map(|p| Part::decode(p).unwrap()).collect();
            prop_assert_eq!(Part::join(parts), bundle);
        }
    }

    /// A length is believed only as far as there are bytes: no payload makes a reader allocate more than it has.
    #[test]
    fn no_length_is_believed() {
        let dictionary = Dictionary {
            schema: Arc::new(Schema::new(vec![EventType { name: "e".into(), fields: Vec::new() }])),
            served: vec![Vec::new()],
            ..Dictionary::nothing()
        };
        for claim in [1u64 << 20, u64::from(u32::MAX), u64::MAX / 2, u64::MAX] {
            let mut long = Vec::new();
            put_u64(&mut long, claim);
            let part = [&[VERSION][..], &long].concat();
            assert!(Part::decode(&part).is_err());
            // Version, policy 0, type 0: then the length of the source.
            let event = [&[VERSION, 0, 0][..], &long].concat();
            assert!(decode_event(&event, false, &dictionary).is_err());
            // A whole event, nothing served, a verdict, no fault: then the number of signals.
            let judged = [&[VERSION, 0, 0, 0, 0, 0, 0, 0, 0][..], &long].concat();
            assert!(decode_stored(1, true, &judged, &dictionary).is_err());
            // Version, number, time, no version, "api", no parts: then the number of event types.
            let head = [&[VERSION, 0, 0, 0, 3, b'a', b'p', b'i', 0][..], &long].concat();
            assert!(Dictionary::decode(&head).is_err());
        }
        let sound = decode_stored(1, true, &[VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0], &dictionary).unwrap();
        assert_eq!(sound.judged.unwrap().verdict, Verdict::Allow, "without the claim it can be read");
        assert!(Dictionary::decode(&[VERSION, 0, 0, 0, 3, b'a', b'p', b'i', 0, 0, 0, 0]).is_ok());
    }

    /// The bytes are a format: they may not change under one version.
    #[test]
    fn the_layout_is_the_one_in_the_book() {
        let field = |name, kind| Field::plain(name, kind, true);
        let fields = vec![field("ip", Type::Ip), field("n", Type::Int), field("w", Type::Text)];
        let dictionary = Dictionary {
            seq: 300,
            time: Micros(-1),
            version: "abc".into(),
            parts: 1,
            schema: Arc::new(Schema::new(vec![EventType { name: "hit".into(), fields }])),
            features: vec![("f".into(), Type::Int)],
            served: vec![vec![0]],
            rules: vec!["r".into()],
            ..Dictionary::nothing()
        };
        let mut head = vec![1, 0xac, 2, 1, 3];
        head.extend(b"abc\x09directory\x01\x01\x03hit\x03\x02ip\x02ip\x01\x01n\x03int\x01\x01w\x04text\x01\x01\x00\x01\x01f\x03int\x01\x01r");
        assert_eq!(dictionary.encode(), head);
        let event = Event {
            schema: dictionary.schema.clone(),
            kind: TypeId(0),
            id: EventId { source: "s".into(), id: "7".into() },
            time: Micros(64),
            received: Micros(63),
            values: vec![Value::Ip("192.0.2.1".parse().unwrap()), Value::Int(-2), Value::Missing].into(),
        };
        let mut bytes = Vec::new();
        encode_recorded(300, &event, &mut bytes);
        let mut expect = vec![1, 0xac, 2, 0];
        expect.extend(b"\x01s\x017\x80\x01\x01\x08\xc0\x00\x02\x01\x03\x03\x00");
        assert_eq!(bytes, expect);
        let because =
            vec![Piece::Text("x ".into()), Piece::Value(Type::Ip, Value::Ip("::1".parse().unwrap()))];
        let signal = Signal {
            rule: 0,
            verdict: Verdict::Challenge,
            decides: true,
            why: Why::Holds,
            ask: Some("pin".into()),
            because,
            effects: Vec::new(),
        };
        let judgement =
            Judgement { verdict: Verdict::Challenge, signals: vec![signal], fault: false, skipped: 0 };
        bytes.clear();
        encode_decided(300, &event, &Step { served: vec![Value::Int(1)], judgement }, &mut bytes);
        expect.extend(b"\x03\x02\x02\x00\x01\x00\x02\x05\x03pin\x02\x00\x02x \x01\x06\x09");
        expect.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(bytes, expect);
    }

    /// The bounds in `limits` add up: the largest signals, served values and event are one record.
    #[test]
    fn the_largest_signal_is_within_its_bound() {
        let mut out = Vec::new();
        let text = |len: usize| -> Box<str> { format!("{}…", "x".repeat(len)).into() };
        let mut because = vec![Piece::Text(text(limits::REASON_BYTES))];
        let net = Value::Net("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128".parse().unwrap());
        because.resize(limits::REASON_PIECES, Piece::Value(Type::Net, net));
        let entity = Value::Text("x".repeat(wardroom_event::limits::ENTITY_BYTES).into());
        let effect = StoredEffect::Label {
            kind: Type::Account,
            value: entity,
            name: "x".repeat(wardroom_policy::limits::LABEL_BYTES).into(),
            until: Some(Micros(i64::MAX)),
        };
        let signal = Signal {
            rule: usize::MAX,
            verdict: Verdict::Block,
            decides: true,
            why: Why::Missing,
            ask: Some(text(limits::ASK_BYTES)),
            because,
            effects: vec![effect; wardroom_policy::limits::EFFECTS],
        };
        put_signal(&mut out, &signal);
        let effects = wardroom_policy::limits::EFFECTS * limits::CHANGE_BYTES;
        assert!(out.len() <= limits::SIGNAL_BYTES + effects, "{}", out.len());
        out.clear();
        let widest = [Value::Int(i64::MIN), Value::Number(0.5), Value::Time(Micros(i64::MAX))];
        assert!(widest.iter().all(|v| {
            out.clear();
            put_value(&mut out, v);
            out.len() <= limits::SERVED_BYTES
        }));
    }
}
