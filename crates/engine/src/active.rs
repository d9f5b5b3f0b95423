// SPDX-License-Identifier: Apache-2.0
//! A policy ready to be used: its program and its lists, made before anybody waits for them.

use crate::{Stored, SwapError, limits};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wardroom_event::{Event, Micros, Schema, Value};
use wardroom_policy::{Bundle, Flip, ListId, Matching, Mode, Program, Row, Trace, Tri, Verdict, World};
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

/// How a rule stood on one event: each of its terms with what it is made of, the whole, and what would turn it.
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
    /// The same with their parts; empty where [`limits::TRACED`] parts of other rules are shown already.
    pub traces: Vec<Trace>,
    /// What would turn it; empty where the parts are.
    pub flips: Vec<Flip>,
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
        // Looking into a rule asks what judging left out.
        catch_unwind(AssertUnwindSafe(|| self.all_standings(&plan.rules, &row))).ok()
    }

    /// How these rules stood. What is looked into is bounded, so those that fired come first.
    fn all_standings(&self, rules: &[usize], row: &Row<'_>) -> Vec<Standing<'_>> {
        let mut all: Vec<(usize, Standing<'_>)> = rules.iter().map(|n| (*n, self.plain(*n, row))).collect();
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|at| all[*at].1.holds == Tri::False);
        let mut left = limits::TRACED;
        for at in order {
            let (number, standing) = &mut all[at];
            if left > 0 {
                standing.traces = self.program.trace(*number, row, &mut left);
                standing.flips = self.program.flips(*number, row);
            }
        }
        all.into_iter().map(|(_, standing)| standing).collect()
    }

    /// How a rule stood, with its parts and what would turn it.
    pub(crate) fn standing(&self, number: usize, row: &Row<'_>) -> Standing<'_> {
        let traces = self.program.trace(number, row, &mut limits::TRACED.clone());
        Standing { traces, flips: self.program.flips(number, row), ..self.plain(number, row) }
    }

    fn plain(&self, number: usize, row: &Row<'_>) -> Standing<'_> {
        let rule = &self.program.rules[number];
        Standing {
            rule: &rule.id,
            verdict: rule.verdict,
            mode: rule.mode,
            holds: rule.holds(row),
            terms: rule.terms.iter().map(|t| (&*t.text, t.holds(row))).collect(),
            traces: Vec::new(),
            flips: Vec::new(),
        }
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

/// What a program's lists hold as it writes them.
///
/// # Errors
/// [`SwapError::List`] where one cannot be built.
pub fn lists(program: &Program, keyer: &Keyer) -> Result<Vec<List>, SwapError> {
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
