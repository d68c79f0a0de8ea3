//! Bounds on what peers can make a BMC keep.

use core::time::Duration;

/// Bounds on what peers can make a BMC keep. All of them hold per BMC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions that are logged in, at most 255 (a handle has eight bits).
    pub sessions: u8,
    /// Logins under way, from anywhere.
    pub half_open: u16,
    /// Logins under way from one address.
    pub half_open_per_address: u16,
    /// Logins under way from one address and port.
    pub half_open_per_peer: u16,
    /// A session ends when nothing is heard of its console for this long (IPMI 2.0 §6.12.15).
    pub inactivity: Duration,
    /// A login that does not go on for this long is given up.
    pub half_open_lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 255,
            half_open: 256,
            half_open_per_address: 128,
            half_open_per_peer: 16,
            inactivity: Duration::from_secs(60),
            half_open_lifetime: Duration::from_secs(20),
        }
    }
}

/// Answers to messages that belong to no login and no session (unknown session numbers, pings) are limited to
/// this many a second and source, so that a flood of them costs little.
pub(super) const UNSOLICITED_ANSWERS_PER_SECOND: u16 = 500;

/// For how long a request that is sent again gets the first answer. ipmitool gives up 10 seconds after its
/// first packet; a sequence number comes round after 64 requests at the earliest.
pub(super) const RETRY_LIFETIME: Duration = Duration::from_secs(10);

/// For how long an identical power action under a new sequence number is taken as a retry: libfreeipmi counts
/// its sequence number up with each.
pub(super) const JOIN_LIFETIME: Duration = Duration::from_secs(5);

/// How many events wait to be polled; then the oldest is lost.
pub(super) const MAX_EVENTS: usize = 64;
