//! What is known of a guest now, and what its BMC is told when that changes.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Instant;

use ipmi_server::backend::{BackendEvent, EventListener, PowerState};
use tokio::sync::watch;

use super::status::Observation;
use crate::sync::lock;

/// A state that is older than this is not given as the present one.
pub(crate) const FRESH: Duration = Duration::from_secs(3);
/// A list of a node does not show that a guest is paused; that is believed to go on for so long.
const PAUSE_BELIEVED: Duration = Duration::from_secs(30);

/// What consoles want to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    /// Whether the guest is on, if that is known.
    pub(crate) is_on: Option<bool>,
    /// Counts processes that were seen to start; a reset keeps its process.
    pub(crate) generation: u64,
}

/// What is known of a guest.
#[derive(Debug)]
pub(crate) struct Knowledge {
    facts: Mutex<Facts>,
    /// Listeners are told while this is locked, so that events keep their order. It is locked before `facts`.
    listeners: Mutex<Vec<Weak<dyn EventListener>>>,
    life: watch::Sender<Life>,
}

#[derive(Debug, Default)]
struct Facts {
    last: Option<Observation>,
    /// The last look that showed everything.
    last_full: Option<Observation>,
    /// The last look that showed the emulator's state.
    last_emulator: Option<Observation>,
    /// What was asked before this does not show our own last action.
    valid_after: Option<Instant>,
    /// The listeners were told that the guest cannot be reached.
    is_lost: bool,
    /// Looks in a row that failed.
    failures: u32,
    fault: Option<String>,
}

impl Knowledge {
    /// Nothing is known.
    pub(crate) fn new() -> Self {
        Self {
            facts: Mutex::default(),
            listeners: Mutex::default(),
            life: watch::Sender::new(Life::default()),
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        lock(&self.facts)
    }

    /// The power state, if it was seen a short time ago and since our last action.
    pub(crate) fn power(&self) -> Option<PowerState> {
        let facts = self.facts();
        let last = facts.last.as_ref()?;
        let is_valid = facts.valid_after.is_none_or(|after| last.asked >= after);
        (is_valid && !facts.is_lost && last.asked.elapsed() <= FRESH).then_some(last.power)
    }

    /// The last look, if it was asked for at this time or later, and since our last action.
    pub(crate) fn since(&self, asked: Instant) -> Option<Observation> {
        let facts = self.facts();
        let last = facts.last.as_ref()?;
        let after = facts.valid_after.map_or(asked, |after| after.max(asked));
        (last.asked >= after && !facts.is_lost).then(|| last.clone())
    }

    /// As [`since`](Self::since), the last look that showed everything.
    pub(crate) fn full_since(&self, asked: Instant) -> Option<Observation> {
        let facts = self.facts();
        let last = facts.last_full.as_ref()?;
        let after = facts.valid_after.map_or(asked, |after| after.max(asked));
        (last.asked >= after && !facts.is_lost).then(|| last.clone())
    }

    /// The last look, however old.
    pub(crate) fn last_full(&self) -> Option<Observation> {
        self.facts().last_full.clone()
    }

    /// An action was accepted now: what was asked before it does not count any more.
    pub(crate) fn acted(&self) {
        self.facts().valid_after = Some(Instant::now());
    }

    /// Tells consoles of changes.
    pub(crate) fn life(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    /// Tells this listener from now on.
    pub(crate) fn subscribe(&self, listener: &Arc<dyn EventListener>) {
        let mut listeners = lock(&self.listeners);
        listeners.push(Arc::downgrade(listener));
    }

    /// Tells an event that is no change of the state.
    pub(crate) fn tell(&self, event: BackendEvent) {
        let mut listeners = lock(&self.listeners);
        tell(&mut listeners, &[event]);
    }

    /// Takes a look in, and tells what has changed. Older looks than the last do not count. Answers whether the
    /// guest was started since the last one.
    pub(crate) fn observe(&self, seen: Observation) -> bool {
        let mut listeners = lock(&self.listeners);
        let events = self.facts().take(seen);
        for event in &events {
            match event {
                BackendEvent::Power(power) => self.life.send_modify(|life| life.is_on = Some(power.is_on())),
                BackendEvent::Booted => self.life.send_modify(|life| life.generation += 1),
                _ => {}
            }
        }
        tell(&mut listeners, &events);
        events.contains(&BackendEvent::Booted)
    }

    /// A look failed. `certain`: it is known that the guest cannot be reached, not just that one look was lost.
    pub(crate) fn lost(&self, certain: bool) {
        let mut listeners = lock(&self.listeners);
        let is_news = {
            let mut facts = self.facts();
            facts.failures = facts.failures.saturating_add(1);
            let is_news = !facts.is_lost && (certain || facts.failures >= 3);
            facts.is_lost |= is_news;
            is_news
        };
        if is_news {
            self.life.send_modify(|life| life.is_on = None);
            tell(&mut listeners, &[BackendEvent::Connected(false)]);
        }
    }
}

fn tell(listeners: &mut Vec<Weak<dyn EventListener>>, events: &[BackendEvent]) {
    listeners.retain(|listener| {
        let Some(listener) = listener.upgrade() else {
            return false;
        };
        for event in events {
            listener.event(event.clone());
        }
        true
    });
}

impl Facts {
    fn take(&mut self, mut seen: Observation) -> Vec<BackendEvent> {
        let is_old = self.valid_after.is_some_and(|after| seen.asked < after)
            || self.last.as_ref().is_some_and(|last| seen.asked < last.asked);
        if is_old {
            return Vec::new();
        }
        self.believe_pause(&mut seen);
        self.failures = 0;
        let mut events = Vec::new();
        let was_lost = core::mem::take(&mut self.is_lost);
        if was_lost {
            events.push(BackendEvent::Connected(true));
        }
        match &self.last {
            None => events.push(BackendEvent::Power(seen.power)),
            Some(last) => {
                let restarted = last.power.is_on() && seen.power.is_on() && seen.is_restart_of(last);
                if last.power != seen.power || was_lost {
                    events.push(BackendEvent::Power(seen.power));
                }
                if restarted || !last.power.is_on() && seen.power.is_on() {
                    events.push(BackendEvent::Booted);
                }
            }
        }
        if seen.details.is_some() {
            self.last_full = Some(seen.clone());
        }
        if seen.emulator.is_some() || !seen.power.is_on() {
            let fault = seen.fault().map(str::to_owned);
            if fault.is_some() && fault != self.fault {
                let state = fault.as_deref().unwrap_or_default();
                tracing::warn!(state, "the emulator of a guest has stopped working");
            }
            self.fault = fault;
            self.last_emulator = Some(seen.clone());
        }
        self.last = Some(seen);
        events
    }

    /// A list says `running` of a paused guest, too.
    fn believe_pause(&self, seen: &mut Observation) {
        let Some(known) = &self.last_emulator else { return };
        let is_paused = matches!(known.power, PowerState::Paused | PowerState::Suspended);
        let is_recent = seen.asked.saturating_duration_since(known.asked) < PAUSE_BELIEVED;
        let is_vague = seen.emulator.is_none() && seen.power == PowerState::On;
        if is_vague && is_paused && is_recent && seen.pid == known.pid {
            seen.power = known.power;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Object;
    use serde_json::json;

    #[derive(Debug, Default)]
    struct Log(Mutex<Vec<BackendEvent>>);

    impl EventListener for Log {
        fn event(&self, event: BackendEvent) {
            self.0.lock().unwrap().push(event);
        }
    }

    fn seen(status: &str, pid: u64) -> Observation {
        let row = json!({ "status": status, "pid": pid, "uptime": 10 });
        Observation::read(Object::new(&row), Instant::now()).unwrap()
    }

    fn world() -> (Knowledge, Arc<Log>, Arc<dyn EventListener>) {
        let log = Arc::new(Log::default());
        let listener: Arc<dyn EventListener> = Arc::clone(&log) as _;
        let knowledge = Knowledge::new();
        knowledge.subscribe(&listener);
        (knowledge, log, listener)
    }

    impl Log {
        fn take(&self) -> Vec<BackendEvent> {
            core::mem::take(&mut self.0.lock().unwrap())
        }
    }

    #[test]
    fn changes_are_told_once_and_in_order() {
        let (knowledge, log, _listener) = world();
        knowledge.observe(seen("stopped", 0));
        assert_eq!(log.take(), [BackendEvent::Power(PowerState::Off)]);
        knowledge.observe(seen("stopped", 0));
        assert_eq!(log.take(), []);
        knowledge.observe(seen("running", 1));
        assert_eq!(
            log.take(),
            [BackendEvent::Power(PowerState::On), BackendEvent::Booted]
        );
        knowledge.observe(seen("running", 2));
        assert_eq!(log.take(), [BackendEvent::Booted]);
        assert_eq!(knowledge.life().borrow().generation, 2);
    }

    #[test]
    fn what_was_asked_before_our_own_action_does_not_count() {
        let (knowledge, log, _listener) = world();
        knowledge.observe(seen("running", 1));
        let early = seen("running", 1);
        knowledge.acted();
        assert_eq!(knowledge.power(), None);
        log.take();
        knowledge.observe(early);
        assert_eq!((knowledge.power(), log.take()), (None, vec![]));
        knowledge.observe(seen("stopped", 0));
        assert_eq!(knowledge.power(), Some(PowerState::Off));
    }

    #[test]
    fn a_guest_that_cannot_be_reached_has_no_known_state() {
        let (knowledge, log, _listener) = world();
        knowledge.observe(seen("running", 1));
        log.take();
        // One lost look is no lost connection, and the state is still fresh.
        knowledge.lost(false);
        assert_eq!(knowledge.power(), Some(PowerState::On));
        knowledge.lost(true);
        assert_eq!(knowledge.power(), None);
        assert_eq!(log.take(), [BackendEvent::Connected(false)]);
        knowledge.observe(seen("running", 1));
        let back = [BackendEvent::Connected(true), BackendEvent::Power(PowerState::On)];
        assert_eq!(log.take(), back);
        assert_eq!(knowledge.power(), Some(PowerState::On));
    }

    #[test]
    fn an_old_state_is_not_given_as_the_present_one() {
        let (knowledge, _log, _listener) = world();
        let mut old = seen("running", 1);
        old.asked = Instant::now()
            .checked_sub(FRESH + Duration::from_millis(1))
            .unwrap();
        knowledge.observe(old);
        assert_eq!(knowledge.power(), None);
    }

    #[test]
    fn a_pause_is_not_forgotten_by_a_list() {
        let (knowledge, log, _listener) = world();
        let row = json!({ "status": "running", "qmpstatus": "paused", "pid": 1, "ha": { "managed": 0 } });
        knowledge.observe(Observation::read(Object::new(&row), Instant::now()).unwrap());
        log.take();
        knowledge.observe(seen("running", 1));
        assert_eq!(knowledge.power(), Some(PowerState::Paused));
        assert_eq!(log.take(), []);
    }
}
