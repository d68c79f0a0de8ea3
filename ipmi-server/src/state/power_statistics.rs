//! How much power the machine has taken since the BMC started (DCMI 1.5 §6.6.1).

use core::time::Duration;

use ipmi_proto::time::Instant;

/// Least, most and average of the measurements.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PowerStatistics {
    summary: Option<Summary>,
}

#[derive(Clone, Copy, Debug)]
struct Summary {
    minimum: f64,
    maximum: f64,
    sum: f64,
    count: u32,
    since: Instant,
}

/// What is known of the machine's power, in W.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PowerSummary {
    /// Least.
    pub(crate) minimum: f64,
    /// Most.
    pub(crate) maximum: f64,
    /// Average of the measurements.
    pub(crate) average: f64,
    /// Since the first one.
    pub(crate) period: Duration,
}

impl PowerStatistics {
    /// Takes a measurement in.
    pub(crate) fn add(&mut self, now: Instant, watts: f64) {
        let summary = self.summary.get_or_insert(Summary {
            minimum: watts,
            maximum: watts,
            sum: 0.0,
            count: 0,
            since: now,
        });
        summary.minimum = summary.minimum.min(watts);
        summary.maximum = summary.maximum.max(watts);
        if let Some(count) = summary.count.checked_add(1) {
            summary.sum += watts;
            summary.count = count;
        }
    }

    /// What is known, if there was a measurement.
    pub(crate) fn summary(&self, now: Instant) -> Option<PowerSummary> {
        let summary = self.summary?;
        Some(PowerSummary {
            minimum: summary.minimum,
            maximum: summary.maximum,
            average: summary.sum / f64::from(summary.count),
            period: now.since(summary.since),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_most_and_average() {
        let mut statistics = PowerStatistics::default();
        assert_eq!(statistics.summary(Instant::ZERO), None);
        for (second, watts) in [(1, 100.0), (2, 160.0), (3, 70.0)] {
            statistics.add(Instant::from_millis(second * 1_000), watts);
        }
        let expected = PowerSummary {
            minimum: 70.0,
            maximum: 160.0,
            average: 110.0,
            period: Duration::from_secs(4),
        };
        assert_eq!(statistics.summary(Instant::from_millis(5_000)), Some(expected));
    }
}
