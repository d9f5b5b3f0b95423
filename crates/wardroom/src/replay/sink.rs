// SPDX-License-Identifier: Apache-2.0
//! Drafts to verdicts: in memory, or through an engine whose data directory keeps them.

use super::source::Read;
use crate::cli::Replay;
use crate::clock;
use crate::config::Config;
use crate::host::size;
use anyhow::{Context, Result, bail};
use std::sync::Arc;
use wardroom_engine::{Active, Engine, Flow, Origin, Outcome, StoredSignal, SubmitError, Work};
use wardroom_event::{Draft, Event, Faults, LineIds, Micros, read};
use wardroom_facts::Library;
use wardroom_policy::{Bundle, Verdict};
use wardroom_state::{Keyer, Secret};

/// A judged event, or a line that held none.
pub(crate) enum Judged {
    Event {
        event: Event,
        verdict: Verdict,
        signals: Vec<StoredSignal>,
        /// It was judged in an earlier run.
        repeated: bool,
    },
    Refused {
        line: Option<u64>,
        faults: Faults,
    },
    /// An event type that the policy does not have: told once for each type.
    Unknown(String),
}

/// Where events are judged.
pub(crate) struct Sink {
    to: To,
    /// The latest time seen: a log's events arrive when they happen, and a line out of order arrives late.
    now: Micros,
    /// Ids for events of NDJSON that bring none: the same each time the file is read, and others for another file.
    ids: LineIds,
    /// What is known about addresses, domains and user agents.
    facts: Library,
}

enum To {
    Memory(Box<Flow>),
    Engine { engine: Box<Engine>, runtime: tokio::runtime::Runtime },
}

impl Sink {
    /// Judges in memory, or in the data directory that is named, which is opened as its server's configuration has it.
    pub(crate) fn open(bundle: Bundle, args: &Replay) -> Result<Sink> {
        let to = match args.data.as_deref() {
            None => {
                let secret = Secret([0; 16]);
                let (active, _) = Active::compile(bundle, Origin::Directory, &Keyer::new(secret), None)?;
                To::Memory(Box::new(Flow::new(secret, Arc::new(active))))
            }
            Some(data) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let mut config = Config::load(args.config.as_deref())?;
                config.data.or_given(Some(data.to_owned()));
                let engine_config = config.engine()?;
                clock::begin(data, &engine_config.keys, args.clock_is_right)?;
                let (engine, _) = Engine::open(&engine_config, Some(bundle), clock::now())
                    .with_context(|| format!("cannot open the data directory {}", data.display()))?;
                let status = engine.status();
                fits(&config, status.state_bytes.saturating_add(status.ids_bytes))?;
                To::Engine { engine: Box::new(engine), runtime }
            }
        };
        Ok(Sink {
            to,
            now: Micros(i64::MIN),
            ids: LineIds::new("wardroom.ndjson"),
            facts: Library::default(),
        })
    }

    /// Judges what was read, in order.
    pub(crate) fn judge(&mut self, batch: Vec<Read>) -> Result<Vec<Judged>> {
        let mut out = Vec::with_capacity(batch.len());
        let mut events = Vec::with_capacity(batch.len());
        for item in batch {
            match item {
                Read::Draft(draft) => match self.typed(draft, None) {
                    Ok(event) => events.push(event),
                    Err(judged) => out.push(judged),
                },
                Read::Json(line, text) => {
                    // With its place: equal lines far apart are two events.
                    let id = self.ids.line(&text).event(line as u32);
                    match Draft::from_json(text.as_bytes()) {
                        Ok(draft) => match self.typed(draft, Some((line, id))) {
                            Ok(event) => events.push(event),
                            Err(judged) => out.push(judged),
                        },
                        Err(faults) => out.push(Judged::Refused { line: Some(line), faults }),
                    }
                }
            }
        }
        self.pass(events, &mut out)?;
        Ok(out)
    }

    /// The event, under the schema in force. A line of NDJSON comes with its number and the id for an event without one;
    /// log readers give ids themselves.
    fn typed(&mut self, draft: Draft<'_>, line: Option<(u64, String)>) -> Result<Event, Judged> {
        let schema = match &self.to {
            To::Memory(flow) => flow.active().program.schema.clone(),
            To::Engine { engine, .. } => engine.active().program.schema.clone(),
        };
        if line.is_none() && schema.id(&draft.kind).is_none() {
            return Err(Judged::Unknown(draft.kind.into_owned()));
        }
        let clock = clock::now();
        // A line from the future moves nobody's clock: counters would take all that follows for late.
        self.now = self.now.max(draft.time.unwrap_or(clock).min(clock));
        let received = match &self.to {
            To::Memory(_) => self.now,
            // An id is known for a day from its arrival here, however long ago its event was.
            To::Engine { .. } => clock,
        };
        let (line, id) = line.unzip();
        let mut event = read(draft, &schema, received, || id.unwrap_or_default().into())
            .map_err(|faults| Judged::Refused { line, faults })?;
        event.enrich(&self.facts);
        Ok(event)
    }

    fn pass(&mut self, events: Vec<Event>, out: &mut Vec<Judged>) -> Result<()> {
        match &mut self.to {
            To::Memory(flow) => {
                for event in events {
                    let step = flow.judge(&event);
                    let rules = &flow.active().program.rules;
                    let signals = step.judgement.signals.into_iter().map(|s| {
                        let rule = &rules[s.rule].id;
                        s.named(rule)
                    });
                    let signals = signals.collect();
                    out.push(Judged::Event {
                        event,
                        verdict: step.judgement.verdict,
                        signals,
                        repeated: false,
                    });
                }
            }
            To::Engine { engine, runtime } => {
                let outcomes = runtime.block_on(engine.submit_waiting(events.clone(), Work::Decide))?;
                for (event, outcome) in events.into_iter().zip(outcomes) {
                    out.push(judged(engine, event, outcome)?);
                }
            }
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(crate) fn close(&mut self) {
        if let To::Engine { engine, runtime } = &self.to {
            runtime.block_on(engine.close());
        }
    }
}

/// What is forgotten for lack of memory cannot be had back. Where no file says how much there may be, a directory that
/// holds more than the default is one whose server was told otherwise.
fn fits(config: &Config, held: u64) -> Result<()> {
    if config.file.is_none() && held > config.memory.value {
        bail!(
            "{} holds {} of counters, and without a configuration {} are the most: name its server's file with --config",
            config.data.value.display(),
            size(held),
            size(config.memory.value)
        );
    }
    Ok(())
}

fn judged(engine: &Engine, event: Event, outcome: Outcome) -> Result<Judged> {
    match outcome {
        Outcome::Decided { verdict, signals, .. } => {
            Ok(Judged::Event { event, verdict, signals, repeated: false })
        }
        Outcome::Repeated { seq } => {
            let stored = engine.decision(seq)?.and_then(|s| s.judged);
            let (verdict, signals) = stored.map_or((Verdict::Allow, Vec::new()), |j| (j.verdict, j.signals));
            Ok(Judged::Event { event, verdict, signals, repeated: true })
        }
        Outcome::Recorded { .. } => {
            Ok(Judged::Event { event, verdict: Verdict::Allow, signals: vec![], repeated: false })
        }
        Outcome::Refused(SubmitError::Full(why)) => {
            bail!("the disk is full, and the replay stops here: {why}")
        }
        Outcome::Refused(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_default_needs_the_servers_file() {
        // A name that is not there is no configuration, and neither is none.
        let mut config = Config::load(None).unwrap();
        config.file = None;
        config.memory.value = 2 << 30;
        assert!(fits(&config, 2 << 30).is_ok());
        let said = fits(&config, 6 << 30).unwrap_err().to_string();
        assert!(said.contains("holds 6.0 GiB of counters") && said.contains("--config"), "{said}");
        config.file = Some("wardroom.toml".into());
        assert!(fits(&config, 6 << 30).is_ok(), "as its server would");
    }
}
