//! Timers for the futures of the core: they sleep on the BMC itself, so that it needs no runtime and follows
//! virtual time.
//!
//! A future does not know the time. So a new alarm makes [`Bmc::poll_timeout`] answer "now"; the driver
//! calls [`Bmc::handle_timeout`] with the time, and the alarm counts from then.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use ipmi_proto::time::Instant;

use super::Bmc;

/// The alarms of one BMC. Few: one per action under way.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    entries: Vec<Entry>,
    next_id: u64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    due: Due,
    /// A change of the power state ends the sleep as well.
    on_power_change: bool,
    waker: Waker,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    /// Counts from the next time that is told.
    After(Duration),
    At(Instant),
    Now,
}

impl Alarms {
    /// When the time has to be told.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let due = |entry: &Entry| match entry.due {
            Due::After(_) => Some(Instant::ZERO),
            Due::At(due) => Some(due),
            Due::Now => None,
        };
        self.entries.iter().filter_map(due).min()
    }

    /// Lets time pass.
    pub(crate) fn expire(&mut self, now: Instant) {
        for entry in &mut self.entries {
            match entry.due {
                Due::After(duration) => entry.due = Due::At(now + duration),
                Due::At(due) if due <= now => entry.fire(),
                Due::At(_) | Due::Now => {}
            }
        }
    }

    /// The power state changed.
    pub(crate) fn power_changed(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.on_power_change) {
            entry.fire();
        }
    }

    fn remove(&mut self, id: u64) {
        self.entries.retain(|entry| entry.id != id);
        if self.entries.is_empty() {
            // Thousands of BMCs: nothing is kept that is seldom needed.
            self.entries = Vec::new();
        }
    }
}

impl Entry {
    fn fire(&mut self) {
        self.due = Due::Now;
        self.waker.wake_by_ref();
    }
}

/// Ends when a time has passed.
#[derive(Debug)]
#[must_use]
pub(crate) struct Sleep {
    bmc: Arc<Bmc>,
    duration: Duration,
    on_power_change: bool,
    id: Option<u64>,
}

impl Sleep {
    /// Sleeps for a time.
    pub(crate) const fn new(bmc: Arc<Bmc>, duration: Duration) -> Self {
        Self {
            bmc,
            duration,
            on_power_change: false,
            id: None,
        }
    }

    /// Sleeps for a time or until the machine tells of another power state.
    pub(crate) const fn or_power_change(bmc: Arc<Bmc>, duration: Duration) -> Self {
        let mut sleep = Self::new(bmc, duration);
        sleep.on_power_change = true;
        sleep
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let (id, duration, on_power_change) = (this.id, this.duration, this.on_power_change);
        let waker = context.waker();
        let (id, ready) = this.bmc.with(|inner| {
            let Some(id) = id else {
                let id = inner.alarms.next_id;
                inner.alarms.next_id += 1;
                inner.alarms.entries.push(Entry {
                    id,
                    due: Due::After(duration),
                    on_power_change,
                    waker: waker.clone(),
                });
                inner.wake_driver();
                return (id, false);
            };
            let entry = inner.alarms.entries.iter_mut().find(|entry| entry.id == id);
            let ready = entry.is_none_or(|entry| {
                entry.waker.clone_from(waker);
                matches!(entry.due, Due::Now)
            });
            (id, ready)
        });
        this.id = Some(id);
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.bmc.with(|inner| inner.alarms.remove(id));
        }
    }
}
