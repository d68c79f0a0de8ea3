//! The six thresholds of a sensor, raw values in the order of the threshold commands.

use crate::command::message;
use crate::wire::{code_points, packed};

code_points! {
    /// One of the six thresholds: its bit in a [`ThresholdMask`] and in the state byte of a reading.
    pub struct Threshold(u8) {
        LOWER_NON_CRITICAL = 0, "lower non-critical";
        LOWER_CRITICAL = 1, "lower critical";
        LOWER_NON_RECOVERABLE = 2, "lower non-recoverable";
        UPPER_NON_CRITICAL = 3, "upper non-critical";
        UPPER_CRITICAL = 4, "upper critical";
        UPPER_NON_RECOVERABLE = 5, "upper non-recoverable";
    }
}

packed! {
    /// A set of thresholds: which are readable, settable, given, or crossed.
    #[derive(Hash)]
    pub struct ThresholdMask: u8 {
        /// Upper non-recoverable.
        upper_non_recoverable: bool = 5, 5;
        /// Upper critical.
        upper_critical: bool = 4, 4;
        /// Upper non-critical.
        upper_non_critical: bool = 3, 3;
        /// Lower non-recoverable.
        lower_non_recoverable: bool = 2, 2;
        /// Lower critical.
        lower_critical: bool = 1, 1;
        /// Lower non-critical.
        lower_non_critical: bool = 0, 0;
    }
}

impl ThresholdMask {
    /// Whether a threshold is in the set.
    #[must_use]
    pub fn contains(self, threshold: Threshold) -> bool {
        threshold.0 < 6 && self.to_word() >> threshold.0 & 1 == 1
    }
}

message! {
    /// Raw values of the thresholds, in the order of Set and Get Sensor Thresholds (IPMI 2.0 §35.8).
    #[derive(Default, Hash)]
    pub struct Thresholds {
        /// Lower non-critical.
        lower_non_critical: u8,
        /// Lower critical.
        lower_critical: u8,
        /// Lower non-recoverable.
        lower_non_recoverable: u8,
        /// Upper non-critical.
        upper_non_critical: u8,
        /// Upper critical.
        upper_critical: u8,
        /// Upper non-recoverable.
        upper_non_recoverable: u8,
    }
}

impl Thresholds {
    /// The value of one threshold.
    #[must_use]
    pub const fn get(&self, threshold: Threshold) -> Option<u8> {
        match threshold {
            Threshold::LOWER_NON_CRITICAL => Some(self.lower_non_critical),
            Threshold::LOWER_CRITICAL => Some(self.lower_critical),
            Threshold::LOWER_NON_RECOVERABLE => Some(self.lower_non_recoverable),
            Threshold::UPPER_NON_CRITICAL => Some(self.upper_non_critical),
            Threshold::UPPER_CRITICAL => Some(self.upper_critical),
            Threshold::UPPER_NON_RECOVERABLE => Some(self.upper_non_recoverable),
            _ => None,
        }
    }

    /// The place of one threshold.
    #[must_use]
    pub const fn get_mut(&mut self, threshold: Threshold) -> Option<&mut u8> {
        match threshold {
            Threshold::LOWER_NON_CRITICAL => Some(&mut self.lower_non_critical),
            Threshold::LOWER_CRITICAL => Some(&mut self.lower_critical),
            Threshold::LOWER_NON_RECOVERABLE => Some(&mut self.lower_non_recoverable),
            Threshold::UPPER_NON_CRITICAL => Some(&mut self.upper_non_critical),
            Threshold::UPPER_CRITICAL => Some(&mut self.upper_critical),
            Threshold::UPPER_NON_RECOVERABLE => Some(&mut self.upper_non_recoverable),
            _ => None,
        }
    }
}
