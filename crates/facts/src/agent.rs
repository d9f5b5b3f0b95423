// SPDX-License-Identifier: Apache-2.0
//! User agents: which program says it is speaking, and on which system.
//!
//! A user agent is what a stranger says, so nothing here is proof. What is taken from it is only what rules compare:
//! a family and a system, by a table of words ([`table`]). There are no versions (they change weekly), and no regular
//! expressions: the text is walked once, each word is looked up by its hash, and time grows with length and nothing
//! else. Case does not matter anywhere. What no user agent can tell is not told: Brave is `Chrome`, an iPad that
//! asks for desktop pages is `macOS`, a page in an app is `WebView` or the app.

mod table;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

/// What a user agent says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The program: `Firefox`, `curl`, `Googlebot`; `bot` for a robot without a name of its own here, and `other`.
    pub family: &'static str,
    /// The operating system: `Windows`, `Android`; or `other`.
    pub os: &'static str,
}

impl Agent {
    /// Reads a user agent, or the `X-Mailer` of a message.
    pub fn read(text: &str) -> Agent {
        let index = &*INDEX;
        let mut found = Found { family: index.families, os: index.systems };
        let mut before: Option<Word<'_>> = None;
        for word in Words(text.as_bytes(), 0) {
            look_up(index, before, word, &mut found);
            before = Some(word);
        }
        found.agent(index)
    }
}

/// The best places found so far in the two tables; their lengths while nothing is.
struct Found {
    family: u16,
    os: u16,
}

impl Found {
    fn take(&mut self, key: &Key) {
        self.family = self.family.min(key.family);
        self.os = self.os.min(key.os);
    }

    fn agent(&self, index: &Index) -> Agent {
        let family = index.family_names.get(usize::from(self.family)).copied().unwrap_or(table::OTHER);
        let os = table::SYSTEMS.get(usize::from(self.os)).map_or(table::OTHER, |(name, _)| *name);
        // Safari has never run on Android; what claims it there is the old browser.
        let family = match (family, os) {
            (table::SAFARI, "Android") => table::ANDROID_BROWSER,
            _ => family,
        };
        Agent { family, os }
    }
}

/// Looks up a word, its parts, the word with its slash, and the word with the one before it.
fn look_up(index: &Index, before: Option<Word<'_>>, word: Word<'_>, found: &mut Found) {
    let whole = hash(START, word.text);
    index.find(whole, &[word.text], found);
    if word.slash {
        index.find(hash(whole, b"/"), &[word.text, b"/"], found);
    }
    if let Some(before) = before.filter(|before| before.end + 1 == word.begin && before.space) {
        let pair = hash(hash(hash(START, before.text), b" "), word.text);
        index.find(pair, &[before.text, b" ", word.text], found);
    }
    let parts = word.text.split(|byte| !byte.is_ascii_alphanumeric());
    for part in parts {
        if part.len() < word.text.len() {
            index.find(hash(START, part), &[part], found);
        }
        if is_bots(part) {
            found.family = found.family.min(index.bot);
        }
    }
}

/// Whether a word names a robot by its ending.
fn is_bots(word: &[u8]) -> bool {
    // Most words end in another letter, and need no closer look.
    if !word.last().is_some_and(|last| matches!(last.to_ascii_lowercase(), b't' | b's' | b'r' | b'l')) {
        return false;
    }
    let ends = |ending: &str| {
        word.len()
            .checked_sub(ending.len())
            .is_some_and(|at| word[at..].eq_ignore_ascii_case(ending.as_bytes()))
    };
    table::BOT_ENDINGS.into_iter().any(ends)
        && !table::NO_BOTS.into_iter().any(|no| word.eq_ignore_ascii_case(no.as_bytes()))
}

/// A word of a user agent, and what stands behind it.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a [u8],
    begin: usize,
    end: usize,
    /// A slash follows, and none stands before: a name with its version, not a step of a path.
    slash: bool,
    /// A space follows.
    space: bool,
}

/// The words of a text, from a place in it.
struct Words<'a>(&'a [u8], usize);

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let Words(text, at) = self;
        let begin = *at + text.get(*at..)?.iter().position(|byte| is_inside(*byte))?;
        let end =
            text[begin..].iter().position(|byte| !is_inside(*byte)).map_or(text.len(), |len| begin + len);
        *at = end;
        let next = text.get(end);
        Some(Word {
            text: &text[begin..end],
            begin,
            end,
            slash: next == Some(&b'/') && begin.checked_sub(1).is_none_or(|before| text[before] != b'/'),
            space: next == Some(&b' '),
        })
    }
}

/// Whether a byte belongs to a word.
fn is_inside(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+')
}

/// A key of the tables, and its rows.
struct Key {
    text: &'static str,
    family: u16,
    os: u16,
}

/// The keys of both tables by their hashes. The table is half empty or more, and a look-up walks to the next gap.
struct Index {
    keys: Vec<Key>,
    /// One more than the place of a key; 0 is a gap.
    slots: Vec<u16>,
    family_names: Vec<&'static str>,
    /// How many rows the tables have, which is also the row of nothing found.
    families: u16,
    systems: u16,
    /// The row of robots without a name.
    bot: u16,
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

/// The start of a hash.
const START: u32 = 0x811c_9dc5;

/// FNV-1a over lower-case letters, going on from `state`. The keys are known, so nobody can aim at them; a stranger
/// who makes words collide gains a comparison.
fn hash(state: u32, text: &[u8]) -> u32 {
    text.iter()
        .fold(state, |state, byte| (state ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193))
}

impl Index {
    fn new() -> Index {
        let rows: Vec<table::Row> = [table::BOTS, &[(table::BOT, &[])]]
            .into_iter()
            .chain(table::FAMILIES)
            .flatten()
            .copied()
            .collect();
        let (families, systems) = (place(rows.len()), place(table::SYSTEMS.len()));
        let mut index = Index {
            keys: Vec::new(),
            slots: vec![0; 2048],
            family_names: rows.iter().map(|(name, _)| *name).collect(),
            families,
            systems,
            bot: place(table::BOTS.len()),
        };
        for (row, (_, keys)) in (0..).zip(&rows) {
            keys.iter().for_each(|key| index.add(Key { text: key, family: row, os: systems }));
        }
        for (row, (_, keys)) in (0..).zip(table::SYSTEMS) {
            keys.iter().for_each(|key| index.add(Key { text: key, family: families, os: row }));
        }
        index
    }

    fn add(&mut self, key: Key) {
        self.keys.push(key);
        let number = place(self.keys.len());
        let at = hash(START, self.keys[usize::from(number) - 1].text.as_bytes());
        let free = self.walk(at).find(|slot| self.slots[*slot] == 0);
        if let Some(slot) = free {
            self.slots[slot] = number;
        }
    }

    /// Slots from where a hash belongs, each once.
    fn walk(&self, hash: u32) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len() - 1;
        let start = (hash ^ hash >> 15) as usize;
        (0..=mask).map(move |far| (start + far) & mask)
    }

    /// Takes every key that is these texts in turn.
    fn find(&self, hash: u32, texts: &[&[u8]], found: &mut Found) {
        for slot in self.walk(hash) {
            let Some(at) = usize::from(self.slots[slot]).checked_sub(1) else { return };
            let key = &self.keys[at];
            if is_joined(key.text.as_bytes(), texts) {
                found.take(key);
            }
        }
    }
}

fn place(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Whether `key` is these texts in turn, in any case.
fn is_joined(key: &[u8], texts: &[&[u8]]) -> bool {
    let mut rest = key;
    for text in texts {
        match rest.split_at_checked(text.len()) {
            Some((head, tail)) if head.eq_ignore_ascii_case(text) => rest = tail,
            _ => return false,
        }
    }
    rest.is_empty()
}
