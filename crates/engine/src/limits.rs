// SPDX-License-Identifier: Apache-2.0
//! Every bound of the engine, each with a name.

use std::time::Duration;
use wardroom_event::Span;

/// Pieces of work waiting for the sequencer that clients share; as much again is kept for those within their share when
/// others came before. Above it a sender is told to come back.
pub const QUEUE: usize = 4096;
/// The same in events.
pub const QUEUE_EVENTS: usize = 64 * 1024;
/// The same in bytes of memory, about.
pub const QUEUE_BYTES: usize = 64 * 1024 * 1024;
/// Most that the program may ask the sequencer for at once beside events: policies, outcomes of effects, snapshots.
pub const QUEUE_CONTROL: usize = 4096;
/// Most ids to be found that clients share; as much again is kept for those within their share when others came before.
pub const QUEUE_QUESTIONS: usize = 1024;
/// Most of them that are answered between two batches of events: each may read a page from the disk.
pub const BATCH_QUESTIONS: usize = 32;
/// Most that wait for a place in the queue: one for each stream that is slowed down.
pub const QUEUE_OUTSIDE: usize = 16 * 1024;
/// Most bytes of memory that those hold, about.
pub const QUEUE_OUTSIDE_BYTES: usize = 128 * 1024 * 1024;
/// Most clients whose empty lines in the queue are kept, to be filled again without a new allocation.
pub const QUEUE_IDLE_CLIENTS: usize = 1024;
/// Events drained in a second, where that was not measured yet.
pub const DRAIN_UNKNOWN: f64 = 1000.0;
/// The least and the most seconds after which a sender is told to come back.
pub const RETRY_SECS: (u16, u16) = (1, 30);
/// Most events in one piece of work; more are handed over in several. Also, what a client may send in its turn.
pub const WORK_EVENTS: usize = 128;
/// How many events end a batch that is made durable together; also, most pieces of work taken from the queue at once.
pub const BATCH_EVENTS: usize = 1024;
/// Largest record of an event, with all that was served and judged, in bytes: one frame of the journal.
pub const RECORD_BYTES: usize = wardroom_journal::limits::MAX_PAYLOAD;
/// Largest event in a record, in bytes; one from JSON is far smaller.
pub const EVENT_BYTES: usize = 256 * 1024;
/// Most that one served value takes in a record, in bytes: its tag and a number of 64 bits.
pub const SERVED_BYTES: usize = 11;
/// Most signals kept with a decision, strongest first.
pub const SIGNALS: usize = 64;
/// Most that one signal takes in a record, in bytes: its reason, what it asks for, and a little for the rest.
pub const SIGNAL_BYTES: usize = REASON_BYTES + ASK_BYTES + 1024;
/// Most effects of one decision, over all its signals: those of the strongest come first.
pub const EFFECTS: usize = 64;
/// Most that one change of a label or a list takes in a record, in bytes: an entity, a rule's id, the rest.
pub const CHANGE_BYTES: usize = 1024;
/// Most that one served text takes in a record, in bytes.
pub const SERVED_TEXT_BYTES: usize = 8 * 1024 + 16;
/// Most parts of conditions that are shown of one decision, over all its rules: those that fired come first.
pub const TRACED: usize = 4000;
/// Longest text of what to ask for, in bytes.
pub const ASK_BYTES: usize = 256;
/// Longest text of one value in a reason, in bytes.
pub const REASON_VALUE_BYTES: usize = 256;
/// Longest reason, in bytes of text over all its pieces.
pub const REASON_BYTES: usize = 4096;
/// Longest reason, in pieces.
pub const REASON_PIECES: usize = 32;
/// For how long the same event id gives the same decision.
pub const SEEN_WINDOW: Span = Span::from_secs(24 * 3600);
/// Event ids held in memory before they go to a file, at 16 bytes each and an index of 10 MB for all.
pub const IDS_PER_CHUNK: usize = 1 << 20;
/// The same in a simulation.
pub const IDS_PER_CHUNK_BY_HAND: usize = 48;
/// Most files of event ids, at 2.6 MB of memory each; above it the oldest ids are forgotten early.
pub const IDS_CHUNKS: usize = 96;
/// As many chunks of ids stay in memory where they cannot be written to files; above it the oldest are forgotten early.
pub const IDS_HELD_CHUNKS: usize = 8;
/// Longest piece of a policy text in one journal record, in bytes.
pub const POLICY_PART_BYTES: usize = 512 * 1024;
/// How many events pass between two looks at the size of the state, once there were many: a look walks every table.
pub const MEASURE_EVENTS: u64 = 1024;
/// Most policies whose dictionaries are kept for reading old decisions.
pub const DICTIONARIES: usize = 64;
/// Records that a restart hands over from one of its threads to the other at once.
pub const FOLD_BATCH: usize = 512;
/// Batches of them that may wait to be counted.
pub const FOLD_AHEAD: usize = 8;
/// Most records that the sequencer itself counts when a back-fill is handed over; above it the back-fill reads on.
pub const HANDOVER_RECORDS: u64 = 4096;
/// While events come, a back-fill works one part in this many of its time and rests for the others.
pub const BACKFILL_SHARE: u32 = 4;
/// How long a back-fill works before it looks whether to rest.
pub const BACKFILL_SLICE: Duration = Duration::from_millis(2);
/// How many records a back-fill counts before it looks at the time.
pub const BACKFILL_RECORDS: u64 = 64;
/// How long a back-fill that met a fault waits before it tries again.
pub const BACKFILL_RETRY: Duration = Duration::from_secs(30);
/// Most effects that are on their way at once, over all destinations: more wait in the journal.
pub const OUTBOX_PENDING: usize = 8192;
/// Most destinations an installation may have.
pub const DESTINATIONS: usize = 64;
/// Most requests under way to one destination: a slow one holds no more than these.
pub const OUTBOX_SENDING: usize = 4;
/// Most restores from backups that are told apart in the keys of effects: of more the oldest are forgotten.
pub const RESTORES: usize = 256;
/// Most dead letters that are listed, the newest; the journal has all of them.
pub const DEAD_LETTERS: usize = 1024;
/// Most dead letters that are sent again at once; whoever asks for more goes on behind them.
pub const RETRIED: usize = 1024;
/// Most cases that are listed, the newest; the journal has all of them.
pub const CASES: usize = 1024;
/// Most outcomes of effects that wait to be written down; above it no more are taken up or sent.
pub const OUTBOX_UNWRITTEN: usize = 1024;
/// Most outcomes of effects handed to the sequencer at once, so that they weigh little on a batch.
pub const OUTBOX_NOTE: usize = 128;
/// Records that the outbox looks through before it looks at the time.
pub const OUTBOX_LOOK: u64 = 4096;
/// Outcomes and failed attempts after which the outbox writes down where it stands.
pub const OUTBOX_CHECKPOINT: usize = 512;
/// Records looked through after which it does so too: a restart looks through no more of them again.
pub const OUTBOX_CHECKPOINT_RECORDS: u64 = 1 << 16;
/// Attempts after which an effect is a dead letter.
pub const OUTBOX_ATTEMPTS: u32 = 12;
/// How long an effect may be on its way before it is a dead letter, however few attempts it had.
pub const OUTBOX_GIVE_UP: Span = Span::from_secs(7 * 86_400);
/// Wait before the second attempt; each further one is three times as long. All of them together are about two days.
pub const OUTBOX_FIRST_WAIT: Span = Span::from_secs(5);
/// Longest wait before an attempt, and the longest that a destination may ask for.
pub const OUTBOX_LONGEST_WAIT: Span = Span::from_secs(8 * 3600);
/// Failures in a row after which a destination gets a pause, and then one request at a time.
pub const OUTBOX_PAUSE_AFTER: u32 = 5;
/// The first pause of a destination; each further one is twice as long.
pub const OUTBOX_FIRST_PAUSE: Span = Span::from_secs(10);
/// The longest pause that a destination gets without asking for it.
pub const OUTBOX_LONGEST_PAUSE: Span = Span::from_secs(600);
/// Longest reason kept of a failed attempt, in bytes.
pub const OUTBOX_WHY_BYTES: usize = 160;
/// Most bytes that counters, labels, lists and event ids hold, unless configured.
pub const MEMORY_BYTES: u64 = 2 << 30;
/// Labels, and what rules put on lists, take no more than one part in this many of that: beyond it a change finds no room.
pub const MARKS_SHARE: usize = 4;
/// Counters may always take one part in this many of it, whatever else is held.
pub const COUNTERS_SHARE: usize = 4;
/// How long nothing more is said of changes that found no room, once something was, by the times at which events arrive.
pub const REFUSED_SAID: Span = Span::from_secs(60);
/// Most tables that forget keys between two batches.
pub const FORGETS: usize = 64;
/// Bytes of the journal after which a snapshot is made, unless configured.
pub const SNAPSHOT_JOURNAL_BYTES: u64 = 256 << 20;
/// Time after which one is made, unless configured.
pub const SNAPSHOT_TIME: Duration = Duration::from_secs(600);
/// Most deltas that follow one whole snapshot: two chains are few enough files for a start and for a backup.
pub const SNAPSHOT_DELTAS: usize = 32;
/// Age of a whole snapshot, by the arrival of events, after which the next is whole: retention needs two of them.
pub const SNAPSHOT_WHOLE: Span = Span::from_secs(86_400);
/// Bytes of state that a byte of the journal may have changed, about: so much room a delta asks for before it begins.
pub const SNAPSHOT_ROOM: u64 = 16;
/// How long a snapshot that failed is not tried again.
pub const SNAPSHOT_RETRY: Duration = Duration::from_secs(60);
/// For how long pieces of a snapshot are taken between two batches; the last piece may go beyond it.
pub const SNAPSHOT_SLICE: Duration = Duration::from_micros(50);
/// Most pieces taken between two batches.
pub const SNAPSHOT_PIECES: usize = 16;
/// The same in a simulation, where empty ones are not counted.
pub const SNAPSHOT_PIECES_BY_HAND: usize = 3;
/// Bytes of a snapshot that may wait to be written before no further piece is made.
pub const SNAPSHOT_QUEUED: usize = 8 << 20;
/// Largest buffer of a piece that is kept to be filled again, in bytes.
pub const SNAPSHOT_BUFFER: usize = 1 << 20;
/// Largest section of a snapshot, in bytes.
pub const SECTION_BYTES: usize = 64 << 20;
/// Event ids in one piece of a snapshot.
pub const IDS_PIECE: usize = 4096;
/// Bytes of the journal since the last snapshot that make one worth its while at an orderly stop.
pub const SNAPSHOT_STOP_BYTES: u64 = 4 << 20;
/// Most bytes of state that are written at an orderly stop.
pub const SNAPSHOT_STOP_STATE: u64 = 512 << 20;
/// Most bytes of an entity or a value that an act is about, as its record has them.
pub const ACT_VALUE_BYTES: usize = 512;
/// Most bytes of a name in an act: a label, a list, a queue, a webhook, who it is by, whose word it is.
pub const ACT_NAME_BYTES: usize = 128;
/// Most bytes of the note of a label.
pub const ACT_NOTE_BYTES: usize = 1024;
/// Most that an act's record takes, in bytes, unless it undoes what followed from an event judged again.
pub const ACT_BYTES: usize = 4096;
/// Most that one change takes in the record of an act that makes or undoes several, in bytes.
pub const ACT_CHANGE_BYTES: usize = 2048;
/// Most labels and entries that are kept in mind as taken off: each until no snapshot can have it any more, two days later.
pub const TAKEN_OFF: usize = 1 << 18;
/// Most items of a job.
pub const JOB_ITEMS: usize = 100_000;
/// Bytes after which a part of a job's items ends: it is one piece of work between events.
pub const JOB_PART_BYTES: usize = 64 * 1024;
/// Most bytes of each of the texts that say what a job does, to whom, and why.
pub const JOB_TEXT_BYTES: usize = 4096;
/// Most jobs that are open; also, how many are listed.
pub const JOBS: usize = 256;
/// For how long a plan may be begun: later what was looked for may be something else.
pub const JOB_PREVIEW: Span = Span::from_secs(86_400);

/// Records of the journal that are taken apart as one piece when the past is counted anew.
pub const RECOUNT_BLOCK: usize = 8192;
/// Bytes of payload after which such a piece ends.
pub const RECOUNT_BLOCK_BYTES: usize = 8 << 20;
/// Pieces for each thread that are counted at a time, and as many that are read ahead.
pub const RECOUNT_BLOCKS: usize = 2;
/// Most threads that count the past anew.
pub const RECOUNT_THREADS: usize = 64;
