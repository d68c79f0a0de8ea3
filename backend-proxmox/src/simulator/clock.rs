//! The simulator's clock: it runs at a chosen speed and can be moved on by hand.
//!
//! Everything that takes time in a cluster (tasks, shutdowns, the lag of the resource list, tickets) is measured by it,
//! so that a test of something that takes a minute takes no minute.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::sync::lock;
use tokio::sync::Notify;

/// Time since the simulator was started, as its guests and daemons see it.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    /// Seconds since 1970 at the start.
    epoch: u64,
    /// Simulated seconds per second; 0: only [`Clock::advance`] moves it.
    speed: u32,
    advanced: Mutex<Duration>,
    moved: Notify,
}

impl Clock {
    pub(super) fn new(speed: u32) -> Self {
        let epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        Self {
            started: Instant::now(),
            epoch,
            speed,
            advanced: Mutex::default(),
            moved: Notify::new(),
        }
    }

    /// Time since the start.
    pub(super) fn now(&self) -> Duration {
        let advanced = *lock(&self.advanced);
        self.started
            .elapsed()
            .saturating_mul(self.speed)
            .saturating_add(advanced)
    }

    /// Seconds since 1970.
    pub(super) fn unix(&self) -> u64 {
        self.epoch.saturating_add(self.now().as_secs())
    }

    /// Moves the clock on; whoever sleeps until then wakes up.
    pub(super) fn advance(&self, by: Duration) {
        {
            let mut advanced = lock(&self.advanced);
            *advanced = advanced.saturating_add(by);
        }
        self.moved.notify_waiters();
    }

    /// Returns when `duration` has passed on this clock.
    pub(super) async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now().saturating_add(duration)).await;
    }

    /// Returns at `deadline` of this clock, at once if that is over.
    pub(super) async fn sleep_until(&self, deadline: Duration) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Listen before looking, or a move in between is missed.
            moved.as_mut().enable();
            let Some(left) = deadline.checked_sub(self.now()).filter(|left| !left.is_zero()) else {
                return;
            };
            match left.checked_div(self.speed) {
                Some(real) => {
                    // Timers count milliseconds; a little more than the rounding, or the loop would spin.
                    let real = real.saturating_add(Duration::from_micros(100));
                    tokio::select! {
                        () = tokio::time::sleep(real) => {}
                        () = moved => {}
                    }
                }
                None => moved.await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stopped_clock_wakes_sleepers_when_it_is_moved() {
        let clock = std::sync::Arc::new(Clock::new(0));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep_until(Duration::from_secs(60)).await;
                clock.now()
            }
        });
        clock.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        assert_eq!(sleeper.await.unwrap(), Duration::from_secs(60));
    }
}
