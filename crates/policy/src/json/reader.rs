// SPDX-License-Identifier: Apache-2.0
//! Values of JSON with the way to them, and what is said when something else stands there.

use crate::limits;
use crate::syntax::cursor::TAKEN;
use crate::syntax::tree::Ident;
use crate::syntax::turns;
use serde_json::{Map, Value};
use wardroom_event::nearest;
use wardroom_report::Loc;

/// A value could not be read; why has been reported.
#[derive(Debug)]
pub(super) struct Failed;

/// What reading gives.
pub(super) type Got<T> = Result<T, Failed>;

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    up: Option<&'a At<'a>>,
    step: Step<'a>,
    depth: usize,
    pub(super) value: &'a Value,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    pub(super) fn root(value: &'a Value) -> At<'a> {
        At { up: None, step: Step::Root, depth: 0, value }
    }

    fn below(&'a self, step: Step<'a>, value: &'a Value) -> At<'a> {
        At { up: Some(self), step, depth: self.depth + 1, value }
    }

    /// Its JSON pointer (RFC 6901).
    fn pointer(&self) -> String {
        let mut steps = Vec::new();
        let mut at = Some(self);
        while let Some(here) = at {
            match here.step {
                Step::Root => {}
                Step::Key(key) => steps.push(key.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => steps.push(index.to_string()),
            }
            at = here.up;
        }
        if steps.is_empty() {
            return "(root)".to_owned();
        }
        steps.iter().rev().map(|step| format!("/{step}")).collect()
    }
}

/// An object whose keys are known.
pub(super) struct Fields<'a> {
    at: &'a At<'a>,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, key: &'a str) -> Option<At<'a>> {
        Some(self.at.below(Step::Key(key), self.map.get(key)?))
    }
}

/// Reads values and gathers faults.
#[derive(Default)]
pub(super) struct Reader {
    faults: Vec<String>,
    more: usize,
    /// Expressions around the one that is read.
    pub(super) depth: usize,
}

impl Reader {
    pub(super) fn is_content(&self) -> bool {
        self.faults.is_empty()
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.faults.push(format!("and {} more that are not shown", self.more));
        }
        self.faults
    }

    /// Reports a fault.
    pub(super) fn fail<T>(&mut self, at: &At<'_>, message: &str) -> Got<T> {
        if self.faults.len() < limits::JSON_FAULTS {
            // A key can be as long as the document.
            let said = message.char_indices().nth(limits::MESSAGE_CHARS);
            let said = said.map_or(message.to_owned(), |(end, _)| format!("{}…", &message[..end]));
            self.faults.push(format!("{}: {said}", at.pointer()));
        } else {
            self.more += 1;
        }
        Err(Failed)
    }

    /// An object with no other keys than these. A place, under `at`, may stand anywhere and says nothing.
    pub(super) fn fields<'a>(&mut self, at: &'a At<'a>, known: &[&str]) -> Got<Fields<'a>> {
        if at.depth > limits::JSON_DEPTH {
            return self.fail(at, &format!("nested deeper than {} levels", limits::JSON_DEPTH));
        }
        let Some(map) = at.value.as_object() else {
            return self.fail(at, &format!("must be an object with {}", known.join(", ")));
        };
        let mut right = Ok(());
        for key in map.keys().filter(|key| *key != "at" && !known.contains(&key.as_str())) {
            let help = match nearest(key, known.iter().copied()) {
                Some(near) => format!("no key `{key}` is known here; did you mean `{near}`?"),
                None => format!("no key `{key}` is known here; known are {}", known.join(", ")),
            };
            right = self.fail(at, &help);
        }
        right.map(|()| Fields { at, map })
    }

    /// An object of one key, which says what it is.
    pub(super) fn single<'a>(
        &mut self,
        at: &'a At<'a>,
        what: &str,
        known: &[&'a str],
    ) -> Got<(&'a str, At<'a>)> {
        let fields = self.fields(at, known)?;
        let mut found = known.iter().filter_map(|key| Some((*key, fields.get(key)?)));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            _ => self.fail(at, &format!("must be {what}: an object with one of {}", known.join(", "))),
        }
    }

    pub(super) fn required<'a, T>(
        &mut self,
        fields: &Fields<'a>,
        key: &'a str,
        read: impl FnOnce(&mut Reader, &At<'_>) -> Got<T>,
    ) -> Got<T> {
        match fields.get(key) {
            Some(at) => read(self, &at),
            None => self.fail(fields.at, &format!("`{key}` is missing")),
        }
    }

    pub(super) fn optional<'a, T>(
        &mut self,
        fields: &Fields<'a>,
        key: &'a str,
        read: impl FnOnce(&mut Reader, &At<'_>) -> Got<T>,
    ) -> Got<Option<T>> {
        fields.get(key).map(|at| read(self, &at)).transpose()
    }

    /// The elements of an array, of which there are at least so many.
    pub(super) fn elements<'a>(&mut self, at: &'a At<'a>, least: usize) -> Got<Vec<At<'a>>> {
        match at.value.as_array() {
            Some(array) if array.len() >= least => {
                Ok(array.iter().enumerate().map(|(i, value)| at.below(Step::Index(i), value)).collect())
            }
            Some(_) => self.fail(at, &format!("must have at least {least} elements")),
            None => self.fail(at, "must be an array"),
        }
    }

    /// An array of exactly so many elements.
    pub(super) fn array<'a, const N: usize>(&mut self, at: &'a At<'a>) -> Got<[At<'a>; N]> {
        match <[At<'a>; N]>::try_from(self.elements(at, 0)?) {
            Ok(array) => Ok(array),
            Err(_) => self.fail(at, &format!("must have {N} elements")),
        }
    }

    /// Every element of an array; faults in one do not hide those in others.
    pub(super) fn items<T>(
        &mut self,
        at: &At<'_>,
        least: usize,
        read: impl Fn(&mut Reader, &At<'_>) -> Got<T>,
    ) -> Got<Vec<T>> {
        let all: Vec<Got<T>> = self.elements(at, least)?.iter().map(|element| read(self, element)).collect();
        all.into_iter().collect()
    }

    pub(super) fn text(&mut self, at: &At<'_>) -> Got<String> {
        match at.value.as_str() {
            Some(text) if text.contains(turns) => {
                self.fail(at, "holds a character that turns the direction of writing")
            }
            Some(text) => Ok(text.to_owned()),
            None => self.fail(at, "must be text"),
        }
    }

    pub(super) fn quoted(&mut self, at: &At<'_>) -> Got<Ident> {
        self.text(at).map(|name| Ident { name, loc: Loc::default() })
    }

    pub(super) fn boolean(&mut self, at: &At<'_>) -> Got<bool> {
        at.value.as_bool().map_or_else(|| self.fail(at, "must be true or false"), Ok)
    }

    /// A word as the language has them: letters, digits and `_`.
    pub(super) fn word(&mut self, at: &At<'_>) -> Got<Ident> {
        let name = self.text(at)?;
        let is_word = !name.starts_with(|c: char| c.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_word {
            return self.fail(at, "must be a name: letters a–z, digits and _, no digit first");
        }
        Ok(Ident { name, loc: Loc::default() })
    }

    /// A name for something new, which cannot be a word that means something.
    pub(super) fn new_name(&mut self, at: &At<'_>) -> Got<Ident> {
        let name = self.word(at)?;
        if TAKEN.contains(&name.name.as_str()) {
            return self.fail(at, &format!("`{}` is a word of the language", name.name));
        }
        Ok(name)
    }

    /// A name that stands for a value. `missing` does, as a value of a test.
    pub(super) fn variable(&mut self, at: &At<'_>) -> Got<String> {
        let name = self.word(at)?.name;
        if TAKEN.contains(&name.as_str()) && !matches!(name.as_str(), "missing" | "None") {
            return self.fail(at, &format!("`{name}` is a word of the language"));
        }
        Ok(name)
    }
}
