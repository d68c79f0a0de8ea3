//! What is known of one domain, and who wants to be told.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ipmi_server::backend::{BackendEvent, EventListener, PowerState};
use tokio::sync::watch;
use tokio::time::Instant;

use super::statistics::Measured;
use crate::machine::PresentBoot;
use crate::rpc::{Domain, DomainState, Stream, Uuid};

/// One reset makes several reboot events, within this time.
const SAME_REBOOT: Duration = Duration::from_secs(1);
/// Somebody who asked for the console while the domain was off still waits for it after this time.
const CONSOLE_WANTED: Duration = Duration::from_secs(15);
/// A console that was opened for somebody is closed again if nobody came for it.
const CONSOLE_KEPT: Duration = Duration::from_secs(30);

/// What is known of the state of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Known {
    /// Nothing: no connection, or libvirt does not know either.
    Unknown,
    /// There is no such domain.
    Missing,
    On,
    Paused,
    Suspended,
    Off,
}

impl Known {
    const ALL: [Self; 6] = [
        Self::Unknown,
        Self::Missing,
        Self::On,
        Self::Paused,
        Self::Suspended,
        Self::Off,
    ];

    pub(crate) const fn of(state: DomainState) -> Self {
        match state {
            // A domain that crashed and is kept still has its process; one that shuts down is on until it is off.
            DomainState::Running | DomainState::Blocked | DomainState::Shutdown | DomainState::Crashed => {
                Self::On
            }
            DomainState::Paused => Self::Paused,
            DomainState::PmSuspended => Self::Suspended,
            DomainState::ShutOff => Self::Off,
            DomainState::Unknown(_) => Self::Unknown,
        }
    }

    pub(crate) const fn power(self) -> Option<PowerState> {
        match self {
            Self::Unknown | Self::Missing => None,
            Self::On => Some(PowerState::On),
            Self::Paused => Some(PowerState::Paused),
            Self::Suspended => Some(PowerState::Suspended),
            Self::Off => Some(PowerState::Off),
        }
    }
}

/// What is known of a domain.
pub(crate) struct Entry {
    uuid: Uuid,
    known: AtomicU8,
    changing: Mutex<Changing>,
    listeners: Mutex<Vec<Weak<dyn EventListener>>>,
    /// Counts reboots, for those who wait for one.
    reboots: watch::Sender<u64>,
    /// Operations that change the domain come one after the other.
    pub(crate) turn: tokio::sync::Mutex<()>,
    pub(crate) measured: Mutex<Measured>,
}

#[derive(Default)]
struct Changing {
    name: String,
    boot: PresentBoot,
    rebooted: Option<Instant>,
    /// A reset of ours is under way: its reboot events are part of it.
    is_resetting: bool,
    console_wanted: Option<Instant>,
    console: Option<(Instant, Stream)>,
    was_disconnected: bool,
}

impl Entry {
    pub(super) fn new(domain: &Domain) -> Self {
        Self {
            uuid: domain.uuid,
            known: AtomicU8::new(Known::Unknown as u8),
            changing: Mutex::new(Changing {
                name: domain.name.clone(),
                ..Changing::default()
            }),
            listeners: Mutex::default(),
            reboots: watch::Sender::new(0),
            turn: tokio::sync::Mutex::default(),
            measured: Mutex::default(),
        }
    }

    fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The domain as libvirt wants it named.
    pub(crate) fn domain(&self) -> Domain {
        Domain::new(self.name(), self.uuid)
    }

    pub(crate) const fn uuid(&self) -> Uuid {
        self.uuid
    }

    pub(crate) fn name(&self) -> String {
        self.changing().name.clone()
    }

    /// Notes the name; gives the old one if it was another.
    pub(super) fn rename(&self, name: &str) -> Option<String> {
        let mut changing = self.changing();
        if changing.name == name {
            return None;
        }
        Some(core::mem::replace(&mut changing.name, name.to_owned()))
    }

    pub(crate) fn known(&self) -> Known {
        let number = usize::from(self.known.load(Ordering::Relaxed));
        Known::ALL.get(number).copied().unwrap_or(Known::Unknown)
    }

    /// Notes what is known now, and tells of a new power state.
    pub(super) fn note(&self, known: Known) {
        let old = self.known.swap(known as u8, Ordering::Relaxed);
        if old != known as u8
            && let Some(power) = known.power()
        {
            self.tell(&BackendEvent::Power(power));
        }
    }

    /// The connection is lost or is back.
    pub(super) fn connected(&self, connected: bool) {
        if !connected {
            self.known.store(Known::Unknown as u8, Ordering::Relaxed);
            self.changing().console = None;
        }
        let was_disconnected = core::mem::replace(&mut self.changing().was_disconnected, !connected);
        if was_disconnected == connected {
            self.tell(&BackendEvent::Connected(connected));
        }
    }

    pub(crate) fn subscribe(&self, listener: &Arc<dyn EventListener>) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(listener));
    }

    /// Tells everybody. No lock is held meanwhile.
    pub(crate) fn tell(&self, event: &BackendEvent) {
        let listeners: Vec<_> = {
            let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.iter().filter_map(Weak::upgrade).collect()
        };
        for listener in listeners {
            listener.event(event.clone());
        }
    }

    /// The guest began to boot, from power off.
    pub(super) fn booted(&self) {
        self.changing().rebooted = Some(Instant::now());
        self.tell(&BackendEvent::Booted);
    }

    /// libvirt told of a reboot.
    pub(super) fn rebooted(&self) {
        self.reboots.send_modify(|count| *count += 1);
        let now = Instant::now();
        let is_new = {
            let mut changing = self.changing();
            let last = changing.rebooted.replace(now);
            let is_same = last.is_some_and(|last| now.duration_since(last) < SAME_REBOOT);
            !is_same && !changing.is_resetting
        };
        if is_new {
            self.tell(&BackendEvent::Booted);
        }
    }

    /// A reset of ours begins, or has ended well or not.
    pub(crate) fn resetting(&self, is_resetting: bool) {
        self.changing().is_resetting = is_resetting;
    }

    /// A reset of ours was done: the guest boots.
    pub(crate) fn reset_done(&self) {
        self.resetting(false);
        self.booted();
    }

    /// Tells of reboots from now on.
    pub(crate) fn reboots(&self) -> watch::Receiver<u64> {
        let mut reboots = self.reboots.subscribe();
        reboots.mark_unchanged();
        reboots
    }

    /// Looks at the boot override, or changes it.
    pub(crate) fn boot<T>(&self, use_it: impl FnOnce(&mut PresentBoot) -> T) -> T {
        use_it(&mut self.changing().boot)
    }

    /// Somebody wants the console as soon as there is one.
    pub(crate) fn want_console(&self) {
        self.changing().console_wanted = Some(Instant::now());
    }

    pub(crate) fn is_console_wanted(&self) -> bool {
        let wanted = self.changing().console_wanted;
        wanted.is_some_and(|wanted| wanted.elapsed() < CONSOLE_WANTED)
    }

    /// Keeps a console that was opened before the guest ran, for who wants it.
    pub(crate) fn keep_console(&self, stream: Stream) {
        self.changing().console = Some((Instant::now(), stream));
    }

    /// Takes the console that was kept.
    pub(crate) fn take_console(&self) -> Option<Stream> {
        let (since, stream) = self.changing().console.take()?;
        (since.elapsed() < CONSOLE_KEPT).then_some(stream)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("uuid", &self.uuid)
            .field("name", &self.name())
            .field("known", &self.known())
            .finish_non_exhaustive()
    }
}
