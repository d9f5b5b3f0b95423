// SPDX-License-Identifier: Apache-2.0
//! A policy ready to be used: its program and its lists, made before anybody waits for them.

use crate::{Stored, SwapError};
use std::fmt;
use std::sync::Arc;
use wardroom_event::{Event, Micros, Schema, Value};
use wardroom_policy::{Bundle, ListId, Matching, Mode, Program, Row, Rule, Tri, Verdict, World};
use wardroom_report::Diagnostic;
use wardroom_state::{Keyer, List};

/// Where a policy came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The policy directory.
    Directory,
    /// The API.
    Api,
}

impl Origin {
    /// Its name in the journal's words.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Directory => "directory",
            Origin::Api => "api",
        }
    }
}

/// A policy ready to be used.
pub struct Active {
    /// What it says, compiled.
    pub program: Program,
    /// What it was compiled from.
    pub bundle: Bundle,
    /// Where it came from.
    pub origin: Origin,
    keyer: Keyer,
    lists: Vec<List>,
}

impl fmt::Debug for Active {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Active({} from {:?})", self.program.version, self.origin)
    }
}

impl Active {
    /// Compiles a bundle. A schema equal to `before` is shared with it, so that events on their way need no recasting.
    /// Warnings are given beside the policy.
    ///
    /// # Errors
    /// [`SwapError::Policy`] with everything wrong with it, or [`SwapError::List`].
    pub fn compile(
        bundle: Bundle,
        origin: Origin,
        keyer: &Keyer,
        before: Option<&Arc<Schema>>,
    ) -> Result<(Active, Vec<Diagnostic>), SwapError> {
        let compiled = wardroom_policy::compile(&bundle);
        let Some(mut program) = compiled.program else {
            return Err(SwapError::Policy { diagnostics: compiled.diagnostics, sources: compiled.sources });
        };
        if let Some(schema) = before.filter(|s| ***s == *program.schema) {
            program.schema = schema.clone();
        }
        let lists = lists(&program, keyer)?;
        Ok((Active { program, bundle, origin, keyer: keyer.clone(), lists }, compiled.diagnostics))
    }
}

/// How a rule stood on one event: each of its terms, and the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// What it says when it fires; `None` for one that only has effects.
    pub verdict: Option<Verdict>,
    /// Whether it decides.
    pub mode: Mode,
    /// Whether its condition held.
    pub holds: Tri,
    /// Its terms as written, and whether each held.
    pub terms: Vec<(&'a str, Tri)>,
}

impl Active {
    /// How every rule that was asked stood on a stored decision, from the values that were served then. `None` where the
    /// decision was made by another policy, or was not judged, or judging tripped: asking again would trip again.
    pub fn standings(&self, stored: &Stored) -> Option<Vec<Standing<'_>>> {
        let judged = stored.judged.as_ref().filter(|_| *self.program.version.0 == *stored.policy)?;
        if judged.fault {
            return None;
        }
        let kind = self.program.schema.id(&stored.event_type)?;
        let plan = self.program.plan(kind);
        let ids = plan.serve.iter().map(|s| &*s.id);
        if !ids.eq(judged.served.iter().map(|(id, ..)| &**id)) {
            return None;
        }
        let event = Event {
            schema: self.program.schema.clone(),
            kind,
            id: stored.id.clone(),
            time: stored.time,
            received: stored.received,
            values: stored.fields.iter().map(|(_, value)| value.clone()).collect(),
        };
        let served: Vec<Value> = judged.served.iter().map(|(_, _, value)| value.clone()).collect();
        let row = Row::new(&event, &served, self);
        let rules = plan.rules.iter().map(|n| &self.program.rules[*n]);
        let asked = rules.filter(|r| r.mode.runs());
        Some(asked.map(|rule| standing(rule, &row)).collect())
    }
}

fn standing<'a>(rule: &'a Rule, row: &Row<'_>) -> Standing<'a> {
    Standing {
        rule: &rule.id,
        verdict: rule.verdict,
        mode: rule.mode,
        holds: rule.holds(row),
        terms: rule.terms.iter().map(|t| (&*t.text, t.holds(row))).collect(),
    }
}

impl World for Active {
    fn contains(&self, list: ListId, value: &Value, at: Micros) -> bool {
        #[cfg(test)]
        tests::trip(at);
        self.lists.get(list.0).and_then(|l| l.contains(value, at)).unwrap_or(false)
    }

    /// The keyed hash of both, spread over a million: nobody outside can tell who falls where.
    fn bucket(&self, rule: &str, entity: &Value) -> u32 {
        let hash = self.keyer.key([&Value::Text(rule.into()), entity]).map_or(0, |key| key.0);
        u32::try_from((u128::from(hash) * 1_000_000) >> 64).unwrap_or(0)
    }
}

fn lists(program: &Program, keyer: &Keyer) -> Result<Vec<List>, SwapError> {
    program.lists.iter().map(|declared| list(declared, keyer)).collect()
}

fn list(declared: &wardroom_policy::List, keyer: &Keyer) -> Result<List, SwapError> {
    let fault = |why: String| SwapError::List { list: declared.id.to_string(), why };
    let mut list = match declared.matching {
        Matching::Same => List::new(declared.kind, keyer.clone()),
        Matching::Suffix => List::suffixes(keyer.clone()),
        Matching::Pattern => {
            let text = |(value, _): &(Value, Option<Micros>)| match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            };
            let patterns: Vec<Box<str>> = declared.entries.iter().filter_map(text).collect();
            return List::patterns(&patterns, keyer.clone()).map_err(|e| fault(e.to_string()));
        }
    };
    for (entry, until) in &declared.entries {
        list.insert(entry.clone(), *until).map_err(|e| fault(e.to_string()))?;
    }
    Ok(list)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// At this time, filters and looks into a list trip: a fault of our own, for the guards' tests.
    pub(crate) const TRIPS: Micros = Micros(13);

    pub(crate) fn trip(at: Micros) {
        assert!(at != TRIPS, "a fault of our own, on purpose");
    }
}
