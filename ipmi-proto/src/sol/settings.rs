//! How one end of the line paces its packets, and how much it holds.

use super::MAX_CHARACTERS;
use crate::time::Duration;

/// How one end of the line paces its packets, and how much it holds. The defaults are those of the SOL
/// configuration parameters (IPMI 2.0 §26.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolSettings {
    /// How long characters may wait for more before they are sent.
    pub accumulate_interval: Duration,
    /// How many waiting characters are sent at once.
    pub send_threshold: u8,
    /// How often a packet is sent again at [`retry_interval`](Self::retry_interval). After that it is sent again
    /// once a second, until the payload ends: a character that is given up is lost.
    pub retry_count: u8,
    /// Time between two sendings of a packet. At least 10 ms are kept.
    pub retry_interval: Duration,
    /// The most characters of a packet: payload size less [`HEADER_LENGTH`](super::HEADER_LENGTH), not 0.
    pub max_characters: u8,
    /// How many characters are held that were written and not yet acknowledged.
    pub output_capacity: usize,
    /// How many characters are held that came in and were not yet read.
    pub input_capacity: usize,
}

impl Default for SolSettings {
    fn default() -> Self {
        Self {
            accumulate_interval: Duration::from_millis(60),
            send_threshold: 96,
            retry_count: 7,
            retry_interval: Duration::from_millis(100),
            max_characters: u8::MAX,
            output_capacity: 16 * 1024,
            input_capacity: 2 * 1024,
        }
    }
}

impl SolSettings {
    /// The settings of a console: what is typed is sent at once. It sends again less often than a BMC, which may be
    /// far away.
    #[must_use]
    pub fn console() -> Self {
        Self {
            accumulate_interval: Duration::ZERO,
            retry_interval: Duration::from_millis(500),
            ..Self::default()
        }
    }

    /// These settings with SOL configuration parameters 3 and 4: accumulate interval in 5 ms, send threshold in
    /// characters, retry count, retry interval in 10 ms.
    #[must_use]
    pub fn with_parameters(self, accumulate: u8, threshold: u8, retry_count: u8, retry_interval: u8) -> Self {
        Self {
            accumulate_interval: Duration::from_millis(u64::from(accumulate) * 5),
            send_threshold: threshold,
            retry_count,
            retry_interval: Duration::from_millis(u64::from(retry_interval) * 10),
            ..self
        }
    }

    /// The most characters of a packet, at least one.
    pub(super) fn packet_characters(&self) -> usize {
        usize::from(self.max_characters).clamp(1, MAX_CHARACTERS)
    }
}
