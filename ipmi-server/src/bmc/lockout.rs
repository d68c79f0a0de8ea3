//! How guessing of passwords is slowed down.

use core::time::Duration;

use ipmi_proto::command::transport::lan_value::{BadPasswordOptions, BadPasswordThreshold};

/// When a user has to wait after failed logins. Clients can change it (LAN parameter 26).
///
/// A user who failed waits at the source that failed, not elsewhere, and a source that failed as several users, or
/// as users who do not exist, waits whole; so nobody can keep others out. A successful login makes earlier failures
/// good. Open sessions go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLockout {
    /// Failed logins until then; 0: nobody ever waits.
    pub attempts: u8,
    /// Within this time, kept in steps of 10 s. Zero: however far apart.
    pub window: Duration,
    /// How long to wait, kept in steps of 10 s. Zero: until an administrator enables the user again or gives it a
    /// password (a source waits for a minute).
    pub duration: Duration,
}

impl LoginLockout {
    /// Nobody ever waits.
    pub const OFF: Self = Self {
        attempts: 0,
        window: Duration::ZERO,
        duration: Duration::ZERO,
    };

    /// As LAN parameter 26 has it.
    pub(super) fn threshold(self) -> BadPasswordThreshold {
        let units = |time: Duration| u16::try_from(time.as_secs().div_ceil(10)).unwrap_or(u16::MAX);
        BadPasswordThreshold {
            options: BadPasswordOptions { log_event: true },
            threshold: self.attempts,
            reset_interval: units(self.window),
            lockout_interval: units(self.duration),
        }
    }
}

impl Default for LoginLockout {
    /// A minute after five failed logins within five minutes.
    fn default() -> Self {
        Self {
            attempts: 5,
            window: Duration::from_secs(300),
            duration: Duration::from_secs(60),
        }
    }
}
