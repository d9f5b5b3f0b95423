// SPDX-License-Identifier: Apache-2.0
//! Which way each rule goes, and why: over stored columns where all that it reads is stored as it would be served now, and by
//! replay otherwise.
//!
//! Fields and facts are stored whatever the policy. A served value is stored as it would be served if every policy of the
//! period counted, labelled or listed the same under it, by meaning and not by name. What is computed is computed again, on
//! either way.

use super::ask::Way;
use super::{BacktestError, limits};
use std::collections::BTreeSet;
use wardroom_engine::{Active, PastPolicy, same_served};
use wardroom_policy::{Program, RuleReads, Source, compile};

/// How one rule is asked of the past.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) way: Way,
    pub(crate) why: String,
    pub(crate) reads: RuleReads,
    /// Places of what is served that no column has as it would be now.
    pub(crate) anew: Vec<usize>,
}

/// The policies of the past, compiled; each version once.
pub(crate) struct Versions {
    all: Vec<(Box<str>, Option<Program>)>,
}

impl Versions {
    /// Compiles those with these versions. One that judged events and of which the journal knows nothing any more is one
    /// whose text is not kept.
    pub(crate) fn of(
        policies: &[PastPolicy],
        wanted: &BTreeSet<Box<str>>,
    ) -> Result<Versions, BacktestError> {
        if wanted.len() > limits::VERSIONS {
            return Err(BacktestError::Ask(format!(
                "more than {} versions of the policy were in force: ask for a shorter period",
                limits::VERSIONS
            )));
        }
        // In force more than once, it may have its text only from one of these times.
        let text = |version: &str| {
            policies.iter().filter(|p| *p.version == *version).find_map(|policy| policy.bundle.as_ref())
        };
        let mut known: Vec<&str> = wanted.iter().map(|version| &**version).collect();
        // What is said of why names the first that differs: the oldest, and before all what the journal no longer knows.
        known.sort_by_key(|version| policies.iter().position(|policy| *policy.version == **version));
        let compiled = |version: &str| text(version).and_then(|bundle| compile(bundle).program);
        Ok(Versions { all: known.into_iter().map(|version| (version.into(), compiled(version))).collect() })
    }

    /// The first version that does not have a served value as the policy has it, and what is wrong with it.
    fn differs(&self, active: &Active, kind: &str, place: usize) -> Option<String> {
        let to = &active.program;
        self.all.iter().find_map(|(version, program)| {
            let Some(program) = program else {
                return Some(format!("the text of policy {version} is not kept or no longer compiles"));
            };
            if program.version == to.version {
                return None;
            }
            // A policy without the type made no events of it.
            let was = program.schema.id(kind)?;
            let same = same_served(program, was, to).get(place).copied().flatten();
            same.is_none().then(|| unlike(program, to, kind, place, version))
        })
    }
}

fn unlike(program: &Program, to: &Program, kind: &str, place: usize, version: &str) -> String {
    let Some(serve) = to.schema.id(kind).and_then(|kind| to.plan(kind).serve.get(place)) else {
        return "what it reads is not served".to_owned();
    };
    let known = match &serve.source {
        Source::Feature { feature, .. } => {
            let feature = &to.features[*feature];
            let defined = program.features.iter().any(|f| f.definition == feature.definition);
            let named = program.features.iter().any(|f| f.id == feature.id);
            match (defined, named) {
                (false, true) => "counts something else than under",
                (true, _) => "is counted, but was not served under",
                (false, false) => "is new since",
            }
        }
        _ => "was not served under",
    };
    format!("`{}` {known} policy {version}", serve.id)
}

/// The ways of rules, by number; of all of them replay where they judge together and one needs it.
pub(crate) fn choose(
    active: &Active,
    rules: &[usize],
    versions: &Versions,
    wanted: Option<Way>,
    together: bool,
) -> Result<Vec<Chosen>, BacktestError> {
    let mut chosen = Vec::with_capacity(rules.len());
    for number in rules {
        chosen.push(one(active, *number, versions, wanted)?);
    }
    let replayed = chosen.iter().position(|c| c.way == Way::Replay);
    if let (true, Some(first)) = (together, replayed) {
        let because = active.program.rules[rules[first]].id.clone();
        for one in chosen.iter_mut().filter(|c| c.way == Way::Columns) {
            one.way = Way::Replay;
            one.why = format!("it is judged together with `{because}`, which is replayed");
        }
    }
    Ok(chosen)
}

fn one(
    active: &Active,
    number: usize,
    versions: &Versions,
    wanted: Option<Way>,
) -> Result<Chosen, BacktestError> {
    let program = &active.program;
    let rule = &program.rules[number];
    let plan = program.columns(rule.on);
    let reads = plan.reads(number, true).unwrap_or_default();
    let kind = &*program.schema.get(rule.on).name;
    let serve = &program.plan(rule.on).serve;
    let mut why = None;
    let mut anew = Vec::new();
    for place in &reads.served {
        if matches!(serve[*place].source, Source::Computed(_)) && !looks_up(&serve[*place].id) {
            continue;
        }
        if let Some(differs) = versions.differs(active, kind, *place) {
            anew.push(*place);
            why.get_or_insert(differs);
        }
    }
    let counted = reads.served.iter().any(|place| !matches!(serve[*place].source, Source::Computed(_)));
    let (way, why) = match (wanted, why) {
        (Some(Way::Columns), Some(why)) => {
            return Err(BacktestError::Ask(format!(
                "`{}` cannot be asked of stored columns: {why}",
                rule.id
            )));
        }
        (Some(Way::Replay), why) => (Way::Replay, why.unwrap_or_else(|| "it was asked for".to_owned())),
        (_, Some(why)) => (Way::Replay, why),
        (_, None) if counted => {
            (Way::Columns, "all that it reads is stored as it was served, by the same definitions".to_owned())
        }
        (_, None) => (Way::Columns, "it reads fields and facts of the event alone".to_owned()),
    };
    if wanted == Some(Way::Replay) {
        anew = reads.served.clone();
    }
    Ok(Chosen { way, why, reads, anew })
}

/// Whether it is a comprehension that looks into a list that changes: what that held is part of the decision.
fn looks_up(id: &str) -> bool {
    id.starts_with("items at ")
}
