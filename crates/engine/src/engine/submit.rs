// SPDX-License-Identifier: Apache-2.0
//! Handing events over: in pieces, to the queue, and waiting for what became of them.

use super::Engine;
use super::shared::Shared;
use crate::decision::Outcome;
use crate::error::SubmitError;
use crate::limits;
use crate::probe::Probe;
use crate::queue::{Client, Load, Pieces};
use crate::record::event_bytes;
use crate::sequencer::Task;
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;
use tokio::sync::oneshot;
use wardroom_event::Event;

/// Whether events are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Judge and count.
    Decide,
    /// Only count.
    Record,
}

impl Engine {
    /// Hands over events and waits until they are durable. Each has its outcome, in order. More than
    /// [`limits::WORK_EVENTS`] take several places in the queue, and other work may come between them.
    ///
    /// # Errors
    /// [`SubmitError::Busy`] when too much waits already: nothing was taken. [`SubmitError::Closed`] when the engine
    /// stops.
    pub async fn submit(&self, events: Vec<Event>, work: Work) -> Result<Vec<Outcome>, SubmitError> {
        self.submit_for(Client::LOCAL, events, work).await
    }

    /// As [`Engine::submit`], for a client, which shares the queue fairly with others.
    ///
    /// # Errors
    /// As [`Engine::submit`].
    pub async fn submit_for(
        &self,
        client: Client,
        events: Vec<Event>,
        work: Work,
    ) -> Result<Vec<Outcome>, SubmitError> {
        self.submit_probed(client, events, work, None).await
    }

    /// As [`Engine::submit_for`], with what notes when the work came to each stage; of much work, when its first piece did.
    ///
    /// # Errors
    /// As [`Engine::submit`].
    pub async fn submit_probed(
        &self,
        client: Client,
        events: Vec<Event>,
        work: Work,
        probe: Option<Arc<Probe>>,
    ) -> Result<Vec<Outcome>, SubmitError> {
        let (pieces, outcomes) = pieces(events, work, probe);
        self.queue.push(client, pieces).map_err(|e| self.shared.refused(e))?;
        gather(outcomes, &self.shared).await
    }

    /// As [`Engine::submit`], but waits for its turn where others must come back: for streams, whose sender is slowed
    /// by it.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] when the engine stops.
    pub async fn submit_waiting(&self, events: Vec<Event>, work: Work) -> Result<Vec<Outcome>, SubmitError> {
        self.enqueue(events, work).await?.await
    }

    /// The first half of [`Engine::submit_waiting`]: waits for a place in the queue and gives what waits for the
    /// outcomes. Who has several pieces under way and wants them done in order takes the places one after the other.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] when the engine stops, from either half. [`SubmitError::Busy`] for more events than the
    /// whole queue has room for, or when too many wait for a place; nothing was taken.
    pub async fn enqueue(
        &self,
        events: Vec<Event>,
        work: Work,
    ) -> Result<impl Future<Output = Result<Vec<Outcome>, SubmitError>> + Send + use<>, SubmitError> {
        self.enqueue_for(Client::LOCAL, events, work).await
    }

    /// As [`Engine::enqueue`], for a client, which shares the queue fairly with others.
    ///
    /// # Errors
    /// As [`Engine::enqueue`].
    pub async fn enqueue_for(
        &self,
        client: Client,
        events: Vec<Event>,
        work: Work,
    ) -> Result<impl Future<Output = Result<Vec<Outcome>, SubmitError>> + Send + use<>, SubmitError> {
        let (pieces, outcomes) = pieces(events, work, None);
        self.queue.push_waiting(client, pieces).await.map_err(|e| self.shared.refused(e))?;
        let shared = self.shared.clone();
        Ok(async move { gather(outcomes, &shared).await })
    }
}

type Outcomes = oneshot::Receiver<Vec<Outcome>>;

/// Events as pieces of work of bounded size, in order, and where their outcomes will come. No events are a piece too.
fn pieces(
    events: Vec<Event>,
    work: Work,
    mut probe: Option<Arc<Probe>>,
) -> (Pieces<Task>, SmallVec<[Outcomes; 1]>) {
    let judge = work == Work::Decide;
    let mut piece = |events: Vec<Event>| {
        let load = Load { pieces: 1, events: events.len(), bytes: events.iter().map(held_bytes).sum() };
        let (reply, outcomes) = oneshot::channel();
        ((load, Task::Events { events, judge, reply, probe: probe.take() }), outcomes)
    };
    if events.len() <= limits::WORK_EVENTS {
        let (piece, outcomes) = piece(events);
        return (smallvec![piece], smallvec![outcomes]);
    }
    let mut rest = events.into_iter();
    let mut next = || (rest.len() > 0).then(|| piece(rest.by_ref().take(limits::WORK_EVENTS).collect()));
    std::iter::from_fn(&mut next).unzip()
}

/// How many bytes of memory an event holds while it waits, about.
fn held_bytes(event: &Event) -> usize {
    size_of::<Event>() + size_of_val(&*event.values) + event_bytes(event)
}

/// The outcomes of all pieces, in order, once there are all of them.
async fn gather(mut pieces: SmallVec<[Outcomes; 1]>, shared: &Shared) -> Result<Vec<Outcome>, SubmitError> {
    if let [piece] = &mut *pieces {
        return piece.await.map_err(|_| shared.gone());
    }
    let mut all = Vec::new();
    for piece in pieces {
        all.append(&mut piece.await.map_err(|_| shared.gone())?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_event::{Draft, Micros, read};
    use wardroom_policy::{Bundle, compile};

    #[test]
    fn work_is_handed_over_in_pieces_of_bounded_size() {
        let program = compile(&Bundle::single("a.ward", "event hit:\n    ip: ip\n")).program.unwrap();
        let event = |n: usize| {
            let json = format!(r#"{{"type":"hit","id":"{n}","time":"1970-01-01T00:00:00Z","ip":"::1"}}"#);
            let draft = Draft::from_json(json.as_bytes()).unwrap();
            read(draft, &program.schema, Micros(0), || unreachable!("it brings an id")).unwrap()
        };
        let check = |count: usize, expect: &[usize]| {
            let (tasks, outcomes) = pieces((0..count).map(event).collect(), Work::Decide, None);
            assert_eq!(outcomes.len(), expect.len());
            let mut sizes = Vec::new();
            let mut ids = Vec::new();
            for (load, task) in tasks {
                let Task::Events { events, judge: true, .. } = task else { panic!("another task") };
                assert_eq!((load.pieces, load.events), (1, events.len()));
                assert!(load.bytes >= events.len() * size_of::<Event>());
                sizes.push(events.len());
                ids.extend(events.into_iter().map(|e| e.id.id.to_string()));
            }
            assert_eq!(sizes, expect);
            assert!(ids.into_iter().eq((0..count).map(|n| n.to_string())), "in order");
        };
        let most = limits::WORK_EVENTS;
        check(0, &[0]);
        check(1, &[1]);
        check(most, &[most]);
        check(most + 1, &[most, 1]);
        check(2 * most + 3, &[most, most, 3]);
    }
}
