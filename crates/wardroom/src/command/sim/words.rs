// SPDX-License-Identifier: Apache-2.0
//! One decision as a support person reads it: what came of it, why, and which signs weighed most.

use serde::Serialize;
use wardroom_engine::{Active, Step};
use wardroom_event::{Event, Sight, Value};
use wardroom_policy::Piece;

/// Signs that are named.
const TERMS: usize = 4;

/// The words of a decision.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Words {
    /// It was asked for more or stopped.
    pub(super) stops: bool,
    event: String,
    account: String,
    time: String,
    verdict: &'static str,
    ask: Option<String>,
    /// The rule that decided, and its reason.
    rule: Option<String>,
    because: Option<String>,
    /// Evidence that speaks for abuse, strongest first.
    terms: Vec<(String, f64)>,
}

impl Words {
    pub(super) fn of(active: &Active, event: &Event, step: &Step, stops: bool) -> Words {
        let program = &active.program;
        let signal = step.judgement.signals.first().filter(|s| s.decides);
        let fields = &event.schema.get(event.kind).fields;
        let account = fields.iter().zip(&event.values).find(|(field, _)| &*field.name == "account");
        let plan = program.plan(event.kind);
        let evidence = |id: &str| program.defined.iter().any(|d| d.what == "evidence" && &*d.id == id);
        let mut terms: Vec<(String, f64)> = plan
            .serve
            .iter()
            .zip(&step.served)
            .filter_map(|(serve, value)| match value {
                Value::Number(n) if *n > 0.0 && evidence(&serve.id) => Some((serve.id.to_string(), *n)),
                _ => None,
            })
            .collect();
        terms.sort_by(|a, b| b.1.total_cmp(&a.1));
        terms.truncate(TERMS);
        Words {
            stops,
            event: event.type_name().to_owned(),
            account: account.map_or_else(String::new, |(f, value)| value.show(f.kind, Sight::Full)),
            time: event.time.to_string(),
            verdict: step.judgement.verdict.name(),
            ask: signal.and_then(|s| s.ask.as_deref()).map(str::to_owned),
            rule: signal.and_then(|s| program.rules.get(s.rule)).map(|rule| rule.id.to_string()),
            because: signal.map(|s| Piece::join(&s.because, Sight::Full)),
            terms,
        }
    }

    /// As lines of text.
    pub(super) fn lines(&self) -> Vec<String> {
        let ask = self.ask.as_ref().map_or(String::new(), |ask| format!(" ({ask})"));
        let mut lines =
            vec![format!("{}{ask}: {} of {}, {}", self.verdict, self.event, self.account, self.time)];
        match (&self.rule, &self.because) {
            (Some(rule), Some(because)) => lines.push(format!("because {because} [{rule}]")),
            _ => lines.push("no rule had anything against it".to_owned()),
        }
        if !self.terms.is_empty() {
            let terms: Vec<String> = self.terms.iter().map(|(id, nats)| format!("{id} {nats:+.1}")).collect();
            lines.push(format!("signs: {}", terms.join(", ")));
        }
        lines
    }
}
