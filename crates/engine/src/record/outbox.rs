// SPDX-License-Identifier: Apache-2.0
//! The outbox as bytes: what became of one effect, and where the outbox stands.
//!
//! Where it stands is written now and then, and again at the beginning of each segment; what became of effects since is
//! read on top of it. Attempts that failed are in neither until the next time: after a crash an effect is tried a little
//! more often, which at least once allows.

use super::Unreadable;
use super::bytes::{Input, put_i64, put_len, put_text, put_u64};
use super::dictionary::many;
use crate::decision::{Channel, Destination, EffectId};
use std::collections::BTreeMap;
use wardroom_event::Micros;

const VERSION: u8 = 1;
/// Of where the outbox stands, after a restore.
const RESTORED_VERSION: u8 = 2;

/// What became of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It arrived.
    Delivered,
    /// It is not tried again by itself; why not.
    Dead(Box<str>),
    /// The case is open.
    Opened,
    /// Somebody asked for it again.
    Asked,
}

/// What became of an effect, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EffectRecord {
    pub(crate) id: EffectId,
    pub(crate) destination: Destination,
    pub(crate) at: Micros,
    /// How often it was tried.
    pub(crate) attempts: u32,
    pub(crate) happened: Happened,
}

impl EffectRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_id(&mut out, self.id);
        put_destination(&mut out, &self.destination);
        put_i64(&mut out, self.at.0);
        put_u64(&mut out, self.attempts.into());
        out.push(match self.happened {
            Happened::Delivered => 0,
            Happened::Dead(_) => 1,
            Happened::Opened => 2,
            Happened::Asked => 3,
        });
        if let Happened::Dead(why) = &self.happened {
            put_text(&mut out, why);
        }
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<EffectRecord, Unreadable> {
        let mut input = Input::new(payload);
        version(&mut input, "an effect")?;
        let (id, destination) = (id(&mut input)?, destination(&mut input)?);
        let (at, attempts) = (Micros(input.i64()?), small(&mut input)?);
        let happened = match input.byte()? {
            0 => Happened::Delivered,
            1 => Happened::Dead(input.text()?.into()),
            2 => Happened::Opened,
            3 => Happened::Asked,
            byte => return Err(format!("an effect of which {byte} became")),
        };
        input.finish()?;
        Ok(EffectRecord { id, destination, at, attempts, happened })
    }
}

/// An effect that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfinished {
    pub(crate) destination: Destination,
    /// When it was taken up.
    pub(crate) since: Micros,
    pub(crate) attempts: u32,
    /// When it is tried next.
    pub(crate) due: Micros,
}

/// An effect that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    pub(crate) id: EffectId,
    pub(crate) destination: Destination,
    pub(crate) at: Micros,
    pub(crate) attempts: u32,
    pub(crate) why: Box<str>,
}

/// A case that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenCase {
    pub(crate) id: EffectId,
    pub(crate) destination: Destination,
    pub(crate) at: Micros,
}

/// A restore from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restored {
    /// The last record that the backup had: the numbers after it were given a second time.
    pub(crate) after: u64,
    /// What the keys of effects of decisions after it begin with.
    pub(crate) prefix: u64,
}

/// Where the outbox stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Outcomes up to this record are in it.
    pub(crate) as_of: u64,
    /// What tells this installation's effects from those of others; it stays, whatever becomes of the secret.
    pub(crate) installation: u64,
    /// Decisions up to this one were looked at.
    pub(crate) through: u64,
    /// Destinations with more than was taken up: their effects up to this decision were.
    pub(crate) behind: Vec<(Destination, u64)>,
    pub(crate) unfinished: BTreeMap<EffectId, Unfinished>,
    /// Effects of decisions not looked at yet, of which it is known what became.
    pub(crate) settled: Vec<EffectId>,
    /// Oldest first.
    pub(crate) dead: Vec<DeadLetter>,
    /// Oldest first.
    pub(crate) cases: Vec<OpenCase>,
    /// In the order of the records that they went back to.
    pub(crate) restored: Vec<Restored>,
}

impl Checkpoint {
    /// As bytes. `as_of` stands first and in a fixed width, see [`Checkpoint::stamp`]. In the first version that can say it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![if self.restored.is_empty() { VERSION } else { RESTORED_VERSION }];
        out.extend_from_slice(&self.as_of.to_le_bytes());
        out.extend_from_slice(&self.installation.to_le_bytes());
        put_u64(&mut out, self.through);
        let names = self.names();
        let number = |to: &Destination| names.binary_search(&to).unwrap_or(usize::MAX);
        put_len(&mut out, names.len());
        names.iter().for_each(|to| put_destination(&mut out, to));
        put_len(&mut out, self.behind.len());
        for (to, through) in &self.behind {
            put_len(&mut out, number(to));
            put_u64(&mut out, *through);
        }
        put_len(&mut out, self.unfinished.len());
        for (id, it) in &self.unfinished {
            put_id(&mut out, *id);
            put_len(&mut out, number(&it.destination));
            put_i64(&mut out, it.since.0);
            put_u64(&mut out, it.attempts.into());
            put_i64(&mut out, it.due.0);
        }
        put_len(&mut out, self.settled.len());
        self.settled.iter().for_each(|id| put_id(&mut out, *id));
        put_len(&mut out, self.dead.len());
        for letter in &self.dead {
            put_id(&mut out, letter.id);
            put_len(&mut out, number(&letter.destination));
            put_i64(&mut out, letter.at.0);
            put_u64(&mut out, letter.attempts.into());
            put_text(&mut out, &letter.why);
        }
        put_len(&mut out, self.cases.len());
        for case in &self.cases {
            put_id(&mut out, case.id);
            put_len(&mut out, number(&case.destination));
            put_i64(&mut out, case.at.0);
        }
        if !self.restored.is_empty() {
            put_len(&mut out, self.restored.len());
            for restored in &self.restored {
                put_u64(&mut out, restored.after);
                out.extend_from_slice(&restored.prefix.to_le_bytes());
            }
        }
        out
    }

    /// Says in encoded bytes as of which record they are: the sequencer knows it only when it writes them.
    pub(crate) fn stamp(encoded: &mut [u8], as_of: u64) {
        if let Some(place) = encoded.get_mut(1..9) {
            place.copy_from_slice(&as_of.to_le_bytes());
        }
    }

    /// Every destination in it, once and in order.
    fn names(&self) -> Vec<&Destination> {
        let mut names: Vec<&Destination> = self.behind.iter().map(|(to, _)| to).collect();
        names.extend(self.unfinished.values().map(|it| &it.destination));
        names.extend(self.dead.iter().map(|letter| &letter.destination));
        names.extend(self.cases.iter().map(|case| &case.destination));
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Checkpoint, Unreadable> {
        let mut input = Input::new(payload);
        let version = input.byte()?;
        if ![VERSION, RESTORED_VERSION].contains(&version) {
            return Err(format!(
                "an outbox of version {version}; this program reads versions {VERSION} and {RESTORED_VERSION}"
            ));
        }
        let as_of = u64::from_le_bytes(input.array()?);
        let installation = u64::from_le_bytes(input.array()?);
        let through = input.u64()?;
        let names = many(&mut input, destination)?;
        let named = |i: &mut Input<'_>| -> Result<Destination, Unreadable> {
            let number = usize::try_from(i.u64()?).ok().and_then(|n| names.get(n));
            number.cloned().ok_or_else(|| "an unknown destination".to_owned())
        };
        let behind = many(&mut input, |i| Ok((named(i)?, i.u64()?)))?;
        let unfinished = many(&mut input, |i| {
            let (id, destination) = (id(i)?, named(i)?);
            let (since, attempts, due) = (Micros(i.i64()?), small(i)?, Micros(i.i64()?));
            Ok((id, Unfinished { destination, since, attempts, due }))
        })?;
        let settled = many(&mut input, id)?;
        let dead = many(&mut input, |i| {
            let (id, destination, at) = (id(i)?, named(i)?, Micros(i.i64()?));
            Ok(DeadLetter { id, destination, at, attempts: small(i)?, why: i.text()?.into() })
        })?;
        let cases =
            many(&mut input, |i| Ok(OpenCase { id: id(i)?, destination: named(i)?, at: Micros(i.i64()?) }))?;
        let mut restored = Vec::new();
        if version == RESTORED_VERSION {
            let one =
                |i: &mut Input<'_>| Ok(Restored { after: i.u64()?, prefix: u64::from_le_bytes(i.array()?) });
            restored = many(&mut input, one)?;
        }
        input.finish()?;
        let unfinished = unfinished.into_iter().collect();
        Ok(Checkpoint { as_of, installation, through, behind, unfinished, settled, dead, cases, restored })
    }
}

fn version(input: &mut Input<'_>, what: &str) -> Result<(), Unreadable> {
    match input.byte()? {
        VERSION => Ok(()),
        other => Err(format!("{what} of version {other}; this program reads version {VERSION}")),
    }
}

fn put_id(out: &mut Vec<u8>, id: EffectId) {
    put_u64(out, id.decision);
    put_u64(out, id.index.into());
}

fn id(input: &mut Input<'_>) -> Result<EffectId, Unreadable> {
    Ok(EffectId { decision: input.u64()?, index: small(input)? })
}

fn small(input: &mut Input<'_>) -> Result<u32, Unreadable> {
    u32::try_from(input.u64()?).map_err(|_| "a number is too large".to_owned())
}

/// The byte of a channel: as that of the effect in a signal.
fn put_destination(out: &mut Vec<u8>, to: &Destination) {
    out.push(match to.channel {
        Channel::Case => 3,
        Channel::Notify => 4,
        Channel::Webhook => 5,
    });
    put_text(out, &to.name);
}

fn destination(input: &mut Input<'_>) -> Result<Destination, Unreadable> {
    let channel = match input.byte()? {
        3 => Channel::Case,
        4 => Channel::Notify,
        5 => Channel::Webhook,
        byte => return Err(format!("an unknown way {byte} for an effect to go")),
    };
    Ok(Destination { channel, name: input.text()?.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    fn any_id() -> impl Strategy<Value = EffectId> {
        (any::<u64>(), any::<u32>()).prop_map(|(decision, index)| EffectId { decision, index })
    }

    fn any_destination() -> impl Strategy<Value = Destination> {
        let channel = prop::sample::select(vec![Channel::Case, Channel::Notify, Channel::Webhook]);
        (channel, "[a-zé]{0,3}").prop_map(|(channel, name)| Destination { channel, name: name.into() })
    }

    fn any_time() -> impl Strategy<Value = Micros> {
        any::<i64>().prop_map(Micros)
    }

    fn any_record() -> impl Strategy<Value = EffectRecord> {
        let happened = (0u8..4, ".{0,9}").prop_map(|(which, why)| match which {
            0 => Happened::Delivered,
            1 => Happened::Dead(why.into()),
            2 => Happened::Opened,
            _ => Happened::Asked,
        });
        (any_id(), any_destination(), any_time(), any::<u32>(), happened).prop_map(
            |(id, destination, at, attempts, happened)| EffectRecord {
                id,
                destination,
                at,
                attempts,
                happened,
            },
        )
    }

    fn any_checkpoint() -> impl Strategy<Value = Checkpoint> {
        let unfinished = (any_destination(), any_time(), any::<u32>(), any_time())
            .prop_map(|(destination, since, attempts, due)| Unfinished { destination, since, attempts, due });
        let dead = (any_id(), any_destination(), any_time(), any::<u32>(), ".{0,9}").prop_map(
            |(id, destination, at, attempts, why)| DeadLetter {
                id,
                destination,
                at,
                attempts,
                why: why.into(),
            },
        );
        let case = (any_id(), any_destination(), any_time()).prop_map(|(id, destination, at)| OpenCase {
            id,
            destination,
            at,
        });
        let lists = (vec((any_destination(), any::<u64>()), 0..4), vec(any_id(), 0..4));
        let effects = (btree_map(any_id(), unfinished, 0..5), vec(dead, 0..4), vec(case, 0..4));
        let restored = any::<[u64; 2]>().prop_map(|[after, prefix]| Restored { after, prefix });
        (any::<[u64; 3]>(), lists, effects, vec(restored, 0..3)).prop_map(
            |([as_of, installation, through], (behind, settled), (unfinished, dead, cases), restored)| {
                Checkpoint {
                    as_of,
                    installation,
                    through,
                    behind,
                    unfinished,
                    settled,
                    dead,
                    cases,
                    restored,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(record in any_record(), checkpoint in any_checkpoint(), as_of in any::<u64>()) {
            let bytes = record.encode();
            prop_assert_eq!(EffectRecord::decode(&bytes), Ok(record));
            prop_assert!(EffectRecord::decode(&bytes[..bytes.len() - 1]).is_err());
            let mut bytes = checkpoint.encode();
            prop_assert_eq!(Checkpoint::decode(&bytes), Ok(checkpoint.clone()));
            Checkpoint::stamp(&mut bytes, as_of);
            prop_assert_eq!(Checkpoint::decode(&bytes), Ok(Checkpoint { as_of, ..checkpoint }));
            prop_assert!(Checkpoint::decode(&bytes[..bytes.len() - 1]).is_err());
        }

        #[test]
        fn no_bytes_make_a_decoder_panic(record in any_record(), checkpoint in any_checkpoint(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), junk in vec(any::<u8>(), 0..99)) {
            for mut bytes in [record.encode(), checkpoint.encode(), junk] {
                for (at, byte) in &changes {
                    if !bytes.is_empty() {
                        let at = at.index(bytes.len());
                        bytes[at] = *byte;
                    }
                }
                let _ = EffectRecord::decode(&bytes);
                let _ = Checkpoint::decode(&bytes);
            }
        }
    }

    /// The bytes are a format: they may not change under one version.
    #[test]
    fn the_layout_is_the_one_in_the_book() {
        let id = EffectId { decision: 300, index: 2 };
        let destination = Destination { channel: Channel::Webhook, name: "x".into() };
        let why = "no".into();
        let record = EffectRecord {
            id,
            destination: destination.clone(),
            at: Micros(-1),
            attempts: 3,
            happened: Happened::Dead(why),
        };
        assert_eq!(record.encode(), b"\x01\xac\x02\x02\x05\x01x\x01\x03\x01\x02no");
        let unfinished = Unfinished { destination, since: Micros(1), attempts: 3, due: Micros(2) };
        let checkpoint = Checkpoint {
            as_of: 7,
            installation: 8,
            through: 300,
            unfinished: [(id, unfinished)].into(),
            ..Checkpoint::default()
        };
        let mut expect = vec![1, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0xac, 2];
        expect.extend(b"\x01\x05\x01x\x00\x01\xac\x02\x02\x00\x02\x03\x04\x00\x00\x00");
        assert_eq!(checkpoint.encode(), expect);
        let restored = vec![Restored { after: 300, prefix: 9 }];
        expect[0] = 2;
        expect.extend(b"\x01\xac\x02\x09\x00\x00\x00\x00\x00\x00\x00");
        assert_eq!(Checkpoint { restored, ..checkpoint }.encode(), expect);
    }

    /// The bounds in `limits` add up: however full the outbox is, where it stands is one record.
    #[test]
    fn the_fullest_outbox_is_one_record() {
        let at = Micros(i64::MAX);
        let name = |n: usize| Destination {
            channel: Channel::Webhook,
            name: format!("{n:0>width$}", width = wardroom_policy::limits::LABEL_BYTES).into(),
        };
        let id = |n: usize| EffectId { decision: u64::MAX - n as u64, index: limits::EFFECTS as u32 };
        let pending = limits::OUTBOX_PENDING + limits::DESTINATIONS * limits::EFFECTS;
        let unfinished = |n: usize| {
            (id(n), Unfinished { destination: name(n % 64), since: at, attempts: u32::MAX, due: at })
        };
        let letter = |n: usize| DeadLetter {
            id: id(n),
            destination: name(n),
            at,
            attempts: u32::MAX,
            why: "x".repeat(limits::OUTBOX_WHY_BYTES).into(),
        };
        let case = |n: usize| OpenCase { id: id(n), destination: name(n + limits::DEAD_LETTERS), at };
        let full = Checkpoint {
            behind: (0..limits::DESTINATIONS).map(|n| (name(n), u64::MAX)).collect(),
            unfinished: (0..pending).map(unfinished).collect(),
            settled: (0..2 * limits::OUTBOX_CHECKPOINT).map(id).collect(),
            dead: (0..limits::DEAD_LETTERS).map(letter).collect(),
            cases: (0..limits::CASES).map(case).collect(),
            restored: vec![Restored { after: u64::MAX, prefix: u64::MAX }; limits::RESTORES],
            ..Checkpoint::default()
        };
        let bytes = full.encode().len();
        assert!(bytes <= limits::RECORD_BYTES, "{bytes}");
    }
}
