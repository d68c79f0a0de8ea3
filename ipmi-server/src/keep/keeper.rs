//! Notices what changed and brings it to the store, one commit of a BMC at a time.
//!
//! What changes while one commit is under way goes with the next one. So a failure is simple: all changes of
//! clients that are not safe are undone and answered with an error, everything else is tried again later.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use ipmi_proto::time::Instant;

use super::parts::{CONFIGURED, COUNT, EVENT_LOG, EVENT_LOG_STATE, record};
use super::undo::{Undo, undo};
use super::{Commit, written};
use crate::state::State;
use crate::state::sel::Logged;
use crate::store::{Change, Changes, RecordKey, Store, StoreError, Value};

/// After a failure, changes that nobody waits for are tried again after this time, and then less and less often.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// So often the power-on hours of a machine that is on go to the store.
const COUNT_EVERY: Duration = Duration::from_secs(600);

/// Whose change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A client's, who is told an error and finds it undone if it cannot be saved.
    Client,
    /// Something that happened. It cannot be undone, and is saved some time.
    Event,
}

/// Changes for the store, and who waits for them.
pub(crate) struct Outgoing {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) changes: Changes,
}

/// Brings the state of one BMC to its store.
pub(crate) struct Keeper {
    store: Arc<dyn Store>,
    parts: [PartState; COUNT],
    /// Sequence numbers of records of the event log that were added or removed.
    log_unsaved: BTreeSet<u64>,
    /// Records of the log that the store may have are not to be there.
    log_cleared: bool,
    log_sent: BTreeSet<u64>,
    log_clear_sent: bool,
    /// Kept when the configuration was applied, until it is saved.
    configured: Option<Value>,
    configured_sent: bool,
    /// The commit that the store has.
    in_flight: Option<Arc<Commit>>,
    undo_in_flight: Vec<Undo>,
    /// The next one.
    next: Option<Arc<Commit>>,
    undo_next: Vec<Undo>,
    /// The latest commit failed: this long the keeper waits.
    pause: Option<Duration>,
    retry_at: Option<Instant>,
    count_at: Instant,
}

/// What the keeper knows of a part.
#[derive(Debug, Default)]
struct PartState {
    /// As it was when it was looked at last.
    seen: Value,
    /// The store does not have this yet.
    unsaved: bool,
    sent: bool,
}

/// How a commit ended, for the log of the BMC.
#[derive(Debug, Default)]
pub(crate) enum Turn {
    /// Nothing new.
    #[default]
    Same,
    /// The first failure after all went well.
    Failed(StoreError),
    /// The first success after a failure.
    Recovered,
}

impl Keeper {
    /// A keeper for a state as it was loaded. `in_store`: the records that the store has.
    pub(crate) fn new(store: Arc<dyn Store>, state: &mut State, in_store: &[(RecordKey, Value)]) -> Self {
        let mut parts: [PartState; COUNT] = Default::default();
        for ((part, kept), known) in state.kept_parts().into_iter().zip(&mut parts) {
            kept.take_touched();
            let stored = in_store.iter().find(|(key, _)| *key == record(part));
            known.seen = match stored {
                Some((_, value)) => value.clone(),
                None => kept.encode().unwrap_or_default(),
            };
        }
        state.sel.keep_journal();
        Self {
            store,
            parts,
            log_unsaved: BTreeSet::new(),
            log_cleared: false,
            log_sent: BTreeSet::new(),
            log_clear_sent: false,
            configured: None,
            configured_sent: false,
            in_flight: None,
            undo_in_flight: Vec::new(),
            next: None,
            undo_next: Vec::new(),
            pause: None,
            retry_at: None,
            count_at: Instant::ZERO + COUNT_EVERY,
        }
    }

    /// What the configuration said, to be saved with the next commit.
    pub(crate) fn set_configured(&mut self, configured: Value) {
        self.configured = Some(configured);
        self.configured_sent = false;
        self.next.get_or_insert_default();
    }

    /// Looks at what was touched. Answers the commit that has it, if something is different from what the store has.
    pub(crate) fn observe(&mut self, state: &mut State, origin: Origin) -> Option<Arc<Commit>> {
        if !state.is_touched() {
            return None;
        }
        let mut changed = false;
        let mut on_its_way = false;
        for (position, ((_, kept), known)) in state.kept_parts().into_iter().zip(&mut self.parts).enumerate()
        {
            if !kept.take_touched() {
                continue;
            }
            let Ok(value) = kept.encode() else {
                continue;
            };
            if value == known.seen {
                // The client asks for what another one, or its own earlier request, asked for just before: it is
                // not safe yet all the same.
                if origin == Origin::Client {
                    changed |= known.unsaved;
                    on_its_way |= known.sent;
                }
                continue;
            }
            let before = core::mem::replace(&mut known.seen, value);
            known.unsaved = true;
            changed = true;
            if origin == Origin::Client {
                self.undo_next.push(Undo::Part(position, before));
            }
        }
        for logged in state.sel.take_journal() {
            changed = true;
            match &logged {
                Logged::Added { sequence, .. } | Logged::Removed { sequence, .. } => {
                    self.log_unsaved.insert(*sequence);
                }
                Logged::Cleared { .. } => {
                    self.log_cleared = true;
                    self.log_unsaved.clear();
                }
            }
            if origin == Origin::Client {
                self.undo_next.push(Undo::Log(logged));
            }
        }
        if !changed {
            return self.in_flight.clone().filter(|_| on_its_way);
        }
        if origin == Origin::Client {
            // Somebody waits: the store is asked, whatever it said before.
            self.retry_at = None;
        }
        Some(Arc::clone(self.next.get_or_insert_default()))
    }

    /// The commit after which everything is saved that there is now. `None` if everything is.
    pub(crate) fn settle(&mut self) -> Option<Arc<Commit>> {
        self.retry_at = None;
        if self.has_unsaved() {
            self.next.get_or_insert_default();
        }
        self.next.clone().or_else(|| self.in_flight.clone())
    }

    fn has_unsaved(&self) -> bool {
        self.parts.iter().any(|part| part.unsaved)
            || !self.log_unsaved.is_empty()
            || self.log_cleared
            || self.configured.is_some()
    }

    /// The next commit, if it can begin now.
    pub(crate) fn begin(&mut self, state: &mut State) -> Option<Outgoing> {
        if self.in_flight.is_some() || self.retry_at.is_some() {
            return None;
        }
        self.in_flight = Some(self.next.take()?);
        self.undo_in_flight = core::mem::take(&mut self.undo_next);
        let mut changes = Changes::new();
        for ((part, _), known) in state.kept_parts().into_iter().zip(&mut self.parts) {
            known.sent = core::mem::take(&mut known.unsaved);
            if known.sent {
                changes.push(Change::Put(record(part), known.seen.clone()));
            }
        }
        if let Some(configured) = &self.configured {
            changes.push(Change::Put(record(CONFIGURED), configured.clone()));
            self.configured_sent = true;
        }
        self.send_log(state, &mut changes);
        let store = Arc::clone(&self.store);
        Some(Outgoing { store, changes })
    }

    fn send_log(&mut self, state: &State, changes: &mut Changes) {
        self.log_sent = core::mem::take(&mut self.log_unsaved);
        self.log_clear_sent = core::mem::take(&mut self.log_cleared);
        if self.log_sent.is_empty() && !self.log_clear_sent {
            return;
        }
        let key = |number| RecordKey {
            part: EVENT_LOG,
            number,
        };
        if self.log_clear_sent {
            changes.push(Change::Clear(EVENT_LOG));
        }
        for sequence in &self.log_sent {
            changes.push(match state.sel.by_sequence(*sequence) {
                Some(bytes) => Change::Put(key(*sequence), Value::from(bytes.to_vec())),
                None => Change::Remove(key(*sequence)),
            });
        }
        if let Ok(value) = written(&state.sel.saved_state()) {
            changes.push(Change::Put(record(EVENT_LOG_STATE), value));
        }
    }

    /// The commit under way ended. Who waited for it is to be told when the lock is free.
    pub(crate) fn finish(
        &mut self,
        state: &mut State,
        now: Instant,
        outcome: Result<(), StoreError>,
    ) -> (Vec<Arc<Commit>>, Turn) {
        let mut ended = Vec::from_iter(self.in_flight.take());
        let undo_sent = core::mem::take(&mut self.undo_in_flight);
        let Err(error) = outcome else {
            if core::mem::take(&mut self.configured_sent) {
                self.configured = None;
            }
            let recovered = self.pause.take().is_some();
            self.retry_at = None;
            if self.has_unsaved() {
                self.next.get_or_insert_default();
            }
            return (ended, if recovered { Turn::Recovered } else { Turn::Same });
        };
        // What happened since is looked at before anything is undone.
        self.observe(state, Origin::Event);
        ended.extend(self.next.take());
        undo(state, core::mem::take(&mut self.undo_next), now);
        undo(state, undo_sent, now);
        self.after_undo(state);
        let first = self.pause.is_none();
        let pause = self
            .pause
            .map_or(FIRST_RETRY, |pause| (pause * 2).min(LAST_RETRY));
        self.pause = Some(pause);
        self.retry_at = Some(now + pause);
        (ended, if first { Turn::Failed(error) } else { Turn::Same })
    }

    /// What was sent did not arrive, and the state is what it was before.
    fn after_undo(&mut self, state: &mut State) {
        for ((_, kept), known) in state.kept_parts().into_iter().zip(&mut self.parts) {
            known.unsaved |= core::mem::take(&mut known.sent);
            kept.take_touched();
            if let Ok(value) = kept.encode() {
                known.seen = value;
            }
        }
        self.configured_sent = false;
        state.sel.take_journal();
        let mut unsaved = core::mem::take(&mut self.log_sent);
        unsaved.append(&mut self.log_unsaved);
        if core::mem::take(&mut self.log_clear_sent) || core::mem::take(&mut self.log_cleared) {
            // Nobody knows which records the store has now.
            self.log_cleared = true;
            unsaved.clear();
            unsaved.extend(state.sel.sequences());
        }
        self.log_unsaved = unsaved;
    }

    /// When saving is tried again, or the power-on hours are counted.
    pub(crate) fn timeout(&self, state: &State) -> Option<Instant> {
        let count_at = state.is_on().then_some(self.count_at);
        [self.retry_at, count_at].into_iter().flatten().min()
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self, state: &mut State, now: Instant) {
        if self.count_at <= now {
            self.count_at = now + COUNT_EVERY;
            state.count_power_on_time(now);
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            if self.has_unsaved() {
                self.next.get_or_insert_default();
            }
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
