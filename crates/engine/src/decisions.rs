// SPDX-License-Identifier: Apache-2.0
//! The decisions of a journal, one after the other, read beside whoever writes it: it takes no lock and changes nothing.

use crate::EngineError;
use crate::decision::Stored;
use crate::record::{Dictionary, decode_stored, kind};
use std::path::Path;
use wardroom_journal::{Keyring, Reader};

/// Hands over every decision and record from this number on, in their order, up to what the journal holds now; until
/// `take` says that it has enough.
///
/// # Errors
/// When the journal cannot be read, or holds what this program cannot read.
pub fn decisions(
    dir: &Path,
    keys: &Keyring,
    from: u64,
    mut take: impl FnMut(Stored) -> bool,
) -> Result<(), EngineError> {
    let reader = Reader::open(dir)?.with_keys(keys);
    // Names are read at the beginning of a segment.
    let begin = reader.segment_of(from.max(reader.first_seq())).unwrap_or(0);
    let mut reader = reader.from(begin)?;
    let mut head: Option<Dictionary> = None;
    while let Some(frame) = reader.next_frame()? {
        let seq = frame.position.seq;
        let unreadable = |why| EngineError::Record { seq, why };
        match frame.kind {
            kind::POLICY => head = Some(Dictionary::decode(frame.payload).map_err(unreadable)?),
            kind::DECIDED | kind::RECORDED if seq >= from => {
                let Some(head) = &head else { continue };
                let judged = frame.kind == kind::DECIDED;
                if !take(decode_stored(seq, judged, frame.payload, head).map_err(unreadable)?) {
                    break;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Engine, Work};
    use wardroom_event::Micros;
    use wardroom_policy::Bundle;

    const POLICY: &str = "event hit:\n    ip: ip\n";

    #[test]
    fn they_are_those_that_the_engine_gives() {
        let dir = tempfile::tempdir().unwrap();
        let bundle = Bundle::single("main.ward", POLICY);
        let (engine, _) = Engine::open(&Config::new(dir.path()), Some(bundle), Micros(0)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let hit = |n: u8| {
            let text = format!(r#"{{"type":"hit","id":"{n}","ip":"10.0.0.{n}"}}"#);
            let event = engine.intake(text.as_bytes(), Micros(i64::from(n))).unwrap();
            let work = if n == 2 { Work::Record } else { Work::Decide };
            runtime.block_on(engine.submit(vec![event], work)).unwrap();
        };
        (1..5).for_each(hit);
        let read = |from: u64, most: usize| {
            let mut all = Vec::new();
            let keep = |d: Stored| {
                all.push(d);
                all.len() < most
            };
            decisions(&dir.path().join("journal"), &Keyring::default(), from, keep).unwrap();
            all
        };
        let all = read(0, 99);
        assert_eq!((all.len(), all[1].judged.is_some()), (4, false));
        assert!(all.iter().all(|d| engine.decision(d.seq).unwrap().as_ref() == Some(d)));
        assert_eq!(read(all[2].seq, 99), all[2..]);
        assert_eq!(read(0, 3), all[..3]);
    }
}
