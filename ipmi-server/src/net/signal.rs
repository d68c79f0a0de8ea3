//! How other threads, and the BMC itself, reach the task of a socket.

use core::sync::atomic::{AtomicU8, Ordering};
use core::task::Waker;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The BMC has something to send, to do, or an earlier deadline.
const ATTENTION: u8 = 1;
/// Stop and close the socket.
const CLOSE: u8 = 2;
/// Take no more datagrams in, close the socket when all commands have been answered.
const FINISH: u8 = 4;
/// The task is just running and looks at the flags before it sleeps.
const RUNNING: u8 = 8;

/// What a task was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked(u8);

impl Asked {
    pub(crate) fn attention(self) -> bool {
        self.0 & ATTENTION != 0
    }

    pub(crate) fn stop(self) -> bool {
        self.0 & (CLOSE | FINISH) != 0
    }

    pub(crate) fn is_nothing(self) -> bool {
        self.0 == 0
    }
}

/// Flags that wake a task.
///
/// A BMC calls its waker also while its task handles a datagram. That costs one atomic operation and no
/// second run of the task.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    flags: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl Signal {
    pub(crate) fn attention(&self) {
        self.set(ATTENTION);
    }

    pub(crate) fn close(&self) {
        self.set(CLOSE);
    }

    pub(crate) fn finish(&self) {
        self.set(FINISH);
    }

    /// Whether the socket is to be closed at once.
    pub(crate) fn is_closed(&self) -> bool {
        self.flags.load(Ordering::Acquire) & CLOSE != 0
    }

    fn set(&self, flag: u8) {
        let before = self.flags.fetch_or(flag, Ordering::AcqRel);
        if before & (flag | RUNNING) == 0 {
            let waker = self.waker().clone();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// The task begins to run: what was asked since it last looked.
    pub(crate) fn begin(&self, waker: &Waker) -> Asked {
        let before = self.flags.fetch_or(RUNNING, Ordering::AcqRel);
        // A task keeps its waker for life, so this happens once.
        let mut slot = self.waker();
        if !slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
        drop(slot);
        self.take(before)
    }

    /// The task would end its run: what was asked meanwhile. If anything, the task goes on.
    pub(crate) fn end(&self) -> Asked {
        let sleeping = self
            .flags
            .compare_exchange(RUNNING, 0, Ordering::AcqRel, Ordering::Acquire);
        match sleeping {
            Ok(_) => Asked(0),
            Err(flags) => self.take(flags),
        }
    }

    /// Takes the request for attention; those to stop stay.
    fn take(&self, seen: u8) -> Asked {
        if seen & ATTENTION != 0 {
            self.flags.fetch_and(!ATTENTION, Ordering::AcqRel);
        }
        Asked(seen & !RUNNING)
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use core::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_sleeping_task_is_woken_once() {
        let count = Arc::new(Count::default());
        let signal = Signal::default();
        assert_eq!(signal.begin(&count.clone().into()), Asked(0));
        assert_eq!(signal.end(), Asked(0));
        signal.attention();
        signal.attention();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(signal.begin(&count.into()).attention());
        assert!(!signal.end().attention());
    }

    #[test]
    fn a_running_task_is_told_at_its_end_and_not_woken() {
        let count = Arc::new(Count::default());
        let signal = Signal::default();
        let _ = signal.begin(&count.clone().into());
        signal.attention();
        assert!(signal.end().attention());
        assert!(!signal.end().attention());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        signal.attention();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_request_to_stop_stays() {
        let signal = Signal::default();
        signal.close();
        assert!(signal.begin(Waker::noop()).stop());
        assert!(signal.end().stop());
        assert!(signal.is_closed());
    }
}
