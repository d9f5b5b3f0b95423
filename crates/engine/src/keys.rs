// SPDX-License-Identifier: Apache-2.0
//! The keys of the event in hand: each is hashed once, however many features are read or counted under it.

use smallvec::SmallVec;
use std::borrow::Cow;
use wardroom_event::{Event, Value};
use wardroom_policy::KeyPath;
use wardroom_state::{Key, Keyer};

/// Keys as far as they were asked for. There are a few, so they are searched one by one.
pub(crate) struct Keys<'a> {
    keyer: &'a Keyer,
    event: &'a Event,
    hashed: SmallVec<[(&'a [KeyPath], Option<Key>); 8]>,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(keyer: &'a Keyer, event: &'a Event) -> Keys<'a> {
        Keys { keyer, event, hashed: SmallVec::new() }
    }

    /// The key under the given paths; `None` where a part of it is missing.
    pub(crate) fn of(&mut self, paths: &'a [KeyPath]) -> Option<Key> {
        if let Some((_, key)) = self.hashed.iter().find(|(known, _)| *known == paths) {
            return *key;
        }
        let values: SmallVec<[Cow<'_, Value>; 4]> =
            paths.iter().map(|path| value(self.event, path)).collect();
        let key = self.keyer.key(values.iter().map(|value| &**value));
        self.hashed.push((paths, key));
        key
    }
}

fn value<'e>(event: &'e Event, path: &KeyPath) -> Cow<'e, Value> {
    match (path.part, event.values.get(path.slot)) {
        (None, Some(whole)) => Cow::Borrowed(whole),
        _ => Cow::Owned(path.of(event)),
    }
}
