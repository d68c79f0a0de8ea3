//! What all sockets of a server share.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::signal::Signal;
use super::{Clock, NetConfig};

/// What all sockets of a server share.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) config: NetConfig,
    pub(crate) clock: Clock,
    runtimes: Vec<Handle>,
    turn: AtomicUsize,
    sockets: Mutex<Sockets>,
    /// How many sockets of listeners are open.
    open: watch::Sender<usize>,
    /// Connected sockets that are open now.
    promoted: AtomicUsize,
    /// Commands and work that run aside now.
    aside: watch::Sender<usize>,
    /// Whether what runs aside is to be given up.
    giving_up: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Sockets {
    signals: HashMap<u64, Arc<Signal>>,
    next: u64,
    /// No more are taken.
    ended: bool,
}

impl Common {
    pub(crate) fn new(config: NetConfig, runtimes: Vec<Handle>) -> Self {
        Self {
            config,
            clock: Clock::start(),
            runtimes,
            turn: AtomicUsize::new(0),
            sockets: Mutex::default(),
            open: watch::Sender::new(0),
            promoted: AtomicUsize::new(0),
            aside: watch::Sender::new(0),
            giving_up: watch::Sender::new(false),
        }
    }

    pub(crate) fn runtimes(&self) -> &[Handle] {
        &self.runtimes
    }

    /// The runtime whose turn it is.
    pub(crate) fn next_runtime(&self) -> Handle {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let index = turn.checked_rem(self.runtimes.len()).unwrap_or(0);
        self.runtimes.get(index).cloned().unwrap_or_else(Handle::current)
    }

    /// Counts a listener as open, as long as the answer lives.
    pub(crate) fn register(self: &Arc<Self>, signal: Arc<Signal>) -> io::Result<Registered> {
        let mut sockets = self.sockets();
        if sockets.ended {
            return Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "the server has ended",
            ));
        }
        let number = sockets.next;
        sockets.next += 1;
        sockets.signals.insert(number, signal);
        drop(sockets);
        self.open.send_modify(|open| *open += 1);
        Ok(Registered {
            common: self.clone(),
            number,
        })
    }

    /// Has all listeners take no more datagrams in, and end when all commands have been answered.
    pub(crate) fn finish_sockets(&self) {
        let mut sockets = self.sockets();
        sockets.ended = true;
        for signal in sockets.signals.values() {
            signal.finish();
        }
    }

    /// Waits until no listener is open.
    pub(crate) async fn all_closed(&self) {
        // The sender lives as long as `self`.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one of the connected sockets that may be open, until the answer is dropped.
    pub(crate) fn promotion(self: &Arc<Self>) -> Option<Promotion> {
        let more = |open| (open < self.config.promoted_sockets).then_some(open + 1);
        self.promoted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Promotion { common: self.clone() })
    }

    pub(crate) fn aside_began(&self) {
        self.aside.send_modify(|running| *running += 1);
    }

    pub(crate) fn aside_ended(&self) {
        self.aside
            .send_modify(|running| *running = running.saturating_sub(1));
    }

    /// Waits until nothing runs aside.
    pub(crate) async fn nothing_aside(&self) {
        // The sender lives as long as `self`.
        let _ = self.aside.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Waits until nothing runs aside, at most for `limit`; gives up what still does.
    pub(crate) async fn wind_up(&self, limit: Duration) {
        if tokio::time::timeout(limit, self.nothing_aside()).await.is_err() {
            let left = *self.aside.borrow();
            tracing::warn!(left, "gave up work of machines");
            self.giving_up.send_replace(true);
        }
    }

    /// Waits until what runs aside is to be given up.
    pub(crate) async fn given_up(&self) {
        let _ = self.giving_up.subscribe().wait_for(|yes| *yes).await;
    }
}

/// A listener that counts as open.
#[derive(Debug)]
pub(crate) struct Registered {
    common: Arc<Common>,
    number: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.common.sockets().signals.remove(&self.number);
        self.common
            .open
            .send_modify(|open| *open = open.saturating_sub(1));
    }
}

/// A connected socket that counts as open.
#[derive(Debug)]
pub(crate) struct Promotion {
    common: Arc<Common>,
}

impl Drop for Promotion {
    fn drop(&mut self) {
        self.common.promoted.fetch_sub(1, Ordering::Relaxed);
    }
}
