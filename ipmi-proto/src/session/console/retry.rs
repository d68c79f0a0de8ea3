//! When something is sent again.

use core::time::Duration;

use super::RetryPolicy;
use crate::time::Instant;

/// The clock of one request: when it is due, and how often it may still be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryTimer {
    due: Instant,
    wait: Duration,
    longest: Duration,
    left: u8,
}

/// What a timer calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing yet.
    Wait,
    /// The packet is to be sent, for the first time or again.
    Send,
    /// Everything was tried.
    GiveUp,
}

impl RetryTimer {
    /// A packet that is due at once.
    pub(super) fn new(now: Instant, policy: &RetryPolicy) -> Self {
        Self {
            due: now,
            wait: policy.first,
            longest: policy.longest,
            left: policy.attempts.max(1),
        }
    }

    pub(super) fn check(&self, now: Instant) -> Due {
        if now < self.due {
            Due::Wait
        } else if self.left == 0 {
            Due::GiveUp
        } else {
            Due::Send
        }
    }

    /// The packet was sent.
    pub(super) fn sent(&mut self, now: Instant) {
        self.due = now + self.wait;
        self.wait = self.wait.saturating_mul(2).min(self.longest);
        self.left = self.left.saturating_sub(1);
    }

    pub(super) const fn due(&self) -> Instant {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let policy = RetryPolicy {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(3),
            attempts: 4,
            restarts: 0,
        };
        let mut timer = RetryTimer::new(Instant::ZERO, &policy);
        let mut now = Instant::ZERO;
        for wait in [1, 2, 3, 3] {
            assert_eq!(timer.check(now), Due::Send);
            timer.sent(now);
            assert_eq!(timer.check(now), Due::Wait);
            now = now + Duration::from_secs(wait);
            assert_eq!(timer.due(), now);
        }
        assert_eq!(timer.check(now), Due::GiveUp);
    }
}
