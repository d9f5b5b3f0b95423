// SPDX-License-Identifier: Apache-2.0
//! How long values are kept: a thread of the server takes what is older from journal and history, and so does
//! `wardroom retain` where no server runs.

use crate::clock;
use anyhow::{Context, Result};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use wardroom_engine::{Engine, Keep, Keeps};
use wardroom_event::nearest;
use wardroom_history::{KeptFiles, Past};

/// How long the thread rests between two looks.
const PAUSE: Duration = Duration::from_secs(3600);
/// How long after the start it looks first: a start has other things to do.
const FIRST: Duration = Duration::from_secs(60);

/// What is kept how long, and what was done about it.
#[derive(Default)]
pub(crate) struct Retaining {
    keeps: Keeps,
    files: KeptFiles,
}

/// What a look did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Took {
    pub(crate) segments: u64,
    pub(crate) waiting: u64,
    pub(crate) files: u64,
    /// Values that went from the journal, and from files.
    pub(crate) values: (u64, u64),
}

impl Retaining {
    pub(crate) fn new(keeps: Vec<Keep>) -> Retaining {
        Retaining { keeps: Keeps::new(keeps), files: KeptFiles::default() }
    }

    /// Takes away what is kept no longer.
    pub(crate) fn look(&mut self, engine: &Engine, past: &Past) -> Result<Took> {
        let now = clock::now();
        // The journal first: what is put into columns meanwhile comes from there.
        let journal = engine.retain(&mut self.keeps, now).context("the journal")?;
        let (files, values) =
            past.retain(&self.keeps, &mut self.files, now).context("the past in columns")?;
        let values = (journal.values, values);
        Ok(Took { segments: journal.segments, waiting: journal.waiting, files, values })
    }
}

/// What is named and not there: it may have been once, so it is no fault, but it may be a slip.
pub(crate) fn strange(engine: &Engine, keeps: &[Keep]) -> Vec<String> {
    let active = engine.active();
    let schema = &active.program.schema;
    let say = |name: &str, near: Option<&str>| {
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("`keep` names `{name}`, which the policy in force does not have{near}")
    };
    let of = |keep: &Keep| {
        let Some(id) = schema.id(&keep.event) else {
            return Some(say(
                &keep.event,
                nearest(&keep.event, schema.iter().map(|(_, event)| &*event.name)),
            ));
        };
        let fields = &schema.get(id).fields;
        let field = keep.field.as_deref().filter(|field| fields.iter().all(|f| *f.name != **field))?;
        Some(say(&format!("{}.{field}", keep.event), nearest(field, fields.iter().map(|f| &*f.name))))
    };
    keeps.iter().filter_map(of).collect()
}

/// The thread of a server.
pub(crate) struct Thread {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Thread {
    /// Begins, where anything is to go.
    pub(crate) fn start(engine: Arc<Engine>, past: Arc<Past>, keeps: &[Keep]) -> Result<Option<Thread>> {
        if keeps.is_empty() {
            return Ok(None);
        }
        strange(&engine, keeps).iter().for_each(|why| tracing::warn!("{why}"));
        let mut retaining = Retaining::new(keeps.to_vec());
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = stop.clone();
        let work = move || {
            let mut pause = FIRST;
            while !waited(&seen, pause) {
                pause = PAUSE;
                match retaining.look(&engine, &past) {
                    Ok(took) if took.values == (0, 0) => {}
                    Ok(Took { segments, waiting, files, values }) => tracing::info!(
                        segments,
                        files,
                        waiting,
                        values = values.0.max(values.1),
                        "what is kept no longer is gone"
                    ),
                    Err(error) => tracing::error!(
                        error = format!("{error:#}"),
                        "what is kept no longer cannot be taken away now; it is tried again later"
                    ),
                }
            }
        };
        let thread = std::thread::Builder::new().name("retainer".to_owned()).spawn(work);
        Ok(Some(Thread { stop, thread: thread.context("no thread for what is kept no longer")? }))
    }

    /// Ends after what it is doing.
    pub(crate) fn stop(self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the thread that takes away what is kept no longer failed");
        }
    }
}

/// Waits; gives whether it is to end.
fn waited(stop: &(Mutex<bool>, Condvar), pause: Duration) -> bool {
    let held = stop.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = stop.1.wait_timeout_while(held, pause, |stop| !*stop);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}
