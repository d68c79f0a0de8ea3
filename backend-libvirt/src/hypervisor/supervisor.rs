//! The task that keeps the connection: takes events, and connects again when it is lost.

use core::time::Duration;
use std::collections::HashSet;
use std::sync::Arc;

use rand::RngExt;
use tokio::sync::mpsc;

use super::{Discovery, Entry, Known, Session, Shared, statistics};
use crate::failure::with_causes;
use crate::rpc::{Domain, Event, EventId, Events, Lifecycle, RpcError, StatisticsGroups};

/// Until the next attempt to connect: at first and at most. The real time is between half and all of it.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Details of lifecycle events.
const STARTED_BOOTED: i32 = 0;
const STARTED_FROM_SNAPSHOT: i32 = 3;

/// Keeps the connection for ever.
pub(super) async fn run(
    shared: Arc<Shared>,
    session: Session,
    events: Events,
    mut refreshes: mpsc::Receiver<Arc<Entry>>,
) {
    let mut present = Some((session, events));
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some((session, events)) = present.take() {
            let session = Arc::new(session);
            let reason = serve(&shared, &session, events, &mut refreshes).await;
            shared.session.send_replace(None);
            tracing::warn!(uri = %shared.uri, reason, "libvirt is lost");
            for entry in shared.all() {
                entry.connected(false);
            }
        }
        let jittered = pause.mul_f64(rand::rng().random_range(0.5..=1.0));
        tokio::time::sleep(jittered).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        match Session::open(&shared.uri).await {
            Ok(opened) => {
                tracing::info!(uri = %shared.uri, "libvirt is back");
                present = Some(opened);
                pause = FIRST_PAUSE;
            }
            Err(error) => {
                tracing::debug!(uri = %shared.uri, error = with_causes(&error), "libvirt is not back");
            }
        }
    }
}

/// Serves a connection until it ends; says why it did.
async fn serve(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    mut events: Events,
    refreshes: &mut mpsc::Receiver<Arc<Entry>>,
) -> String {
    // Events first, states then: what changes in between is told.
    if let Err(error) = subscribe(session).await {
        return with_causes(&error);
    }
    if let Err(error) = shared.resynchronise(session).await {
        return with_causes(&error);
    }
    shared.session.send_replace(Some(Arc::clone(session)));
    for entry in shared.all() {
        entry.connected(true);
    }
    let polling = statistics::poll(Arc::clone(shared), Arc::clone(session));
    let polling = Abort(tokio::spawn(polling).abort_handle());
    let reason = loop {
        tokio::select! {
            biased;
            reason = session.closed() => break with_causes(&*reason),
            event = events.next() => {
                let Some(event) = event else { break "the events ended".to_owned() };
                shared.handle(session, event).await;
                if events.were_lost()
                    && let Err(error) = shared.resynchronise(session).await
                {
                    break with_causes(&error);
                }
            }
            // The sender is in `shared`.
            Some(entry) = refreshes.recv() => shared.refresh(session, &entry).await,
        }
    };
    drop(polling);
    reason
}

struct Abort(tokio::task::AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Subscribes to everything that there is. Drivers lack some events, all have the first one.
async fn subscribe(session: &Session) -> Result<(), RpcError> {
    if let Err(error @ RpcError::Closed(_)) = session.state.subscribe_closing().await {
        return Err(error);
    }
    for (position, event) in EventId::ALL.into_iter().enumerate() {
        match session.state.subscribe(event).await {
            Err(RpcError::Libvirt(error)) if position > 0 => {
                tracing::debug!(?event, %error, "libvirt has no such event");
            }
            result => result?,
        }
    }
    Ok(())
}

impl Shared {
    fn all(&self) -> Vec<Arc<Entry>> {
        self.entries().values().cloned().collect()
    }

    /// Learns the state of every domain in one call.
    async fn resynchronise(&self, session: &Session) -> Result<(), RpcError> {
        let all = session.state.statistics(StatisticsGroups::STATE).await?;
        let mut seen = HashSet::with_capacity(all.len());
        for statistics in all {
            seen.insert(statistics.domain.uuid);
            let state = statistics
                .count("state.state")
                .and_then(|state| i32::try_from(state).ok());
            let known = state.map_or(Known::Unknown, |state| Known::of(state.into()));
            let entry = self.meet(&statistics.domain);
            entry.note(known);
        }
        for entry in self.all() {
            if !seen.contains(&entry.uuid()) && entry.known() != Known::Missing {
                entry.note(Known::Missing);
                self.discovered(Discovery::Removed(entry.domain()));
            }
        }
        Ok(())
    }

    /// The entry of a domain that libvirt spoke of; tells if it is new, or has another name.
    fn meet(&self, domain: &Domain) -> Arc<Entry> {
        let is_new = !self.entries().contains_key(&domain.uuid);
        let entry = self.entry(domain);
        if let Some(old_name) = entry.rename(&domain.name) {
            let domain = domain.clone();
            self.discovered(Discovery::Renamed { domain, old_name });
        }
        if is_new || entry.known() == Known::Missing {
            self.discovered(Discovery::Defined(domain.clone()));
        }
        entry
    }

    fn discovered(&self, discovery: Discovery) {
        // An error: nobody listens.
        let _ = self.discoveries.send(discovery);
    }

    async fn handle(&self, session: &Session, event: Event) {
        tracing::debug!(?event, "libvirt");
        let Some(domain) = event.domain() else { return };
        let entry = self.meet(domain);
        match &event {
            Event::Lifecycle { event, detail, .. } => {
                // The state is asked for, not concluded: events come late, answers do not.
                self.refresh(session, &entry).await;
                match (*event, *detail) {
                    (Lifecycle::Started, STARTED_BOOTED | STARTED_FROM_SNAPSHOT) => entry.booted(),
                    (Lifecycle::Undefined | Lifecycle::Stopped, _) if entry.known() == Known::Missing => {
                        self.entries().remove(&entry.uuid());
                        self.discovered(Discovery::Removed(entry.domain()));
                    }
                    _ => {}
                }
            }
            Event::Reboot(_) => entry.rebooted(),
            Event::ControlError(_) | Event::PmWakeup(_) | Event::PmSuspend(_) | Event::PmSuspendDisk(_) => {
                self.refresh(session, &entry).await;
            }
            Event::MetadataChange { .. } => self.discovered(Discovery::Metadata(entry.domain())),
            _ => {}
        }
    }
}
