//! Measurements: one call for all domains of a connection, at regular times.

use core::time::Duration;
use std::sync::{Arc, PoisonError};

use rand::RngExt;
use tokio::time::Instant;

use super::{Session, Shared};
use crate::rpc::{DomainStatistics, StatisticsGroups};

/// What is read each time. Disks are slower, and read each sixth time.
const ALWAYS: StatisticsGroups = StatisticsGroups::STATE
    .union(StatisticsGroups::CPU)
    .union(StatisticsGroups::BALLOON)
    .union(StatisticsGroups::VCPU)
    .union(StatisticsGroups::INTERFACE);
const DISKS_EACH: u32 = 6;

/// Counters of a domain at one time.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    /// Nanoseconds of processor time since the start.
    processor: Option<u64>,
    /// Nanoseconds for which processors waited for the host.
    stolen: Option<u64>,
    processors: u64,
    /// Share of the memory in use, percent.
    memory: Option<f64>,
    /// Bytes since the start.
    network: Option<u64>,
    disks: Option<(Instant, u64)>,
}

/// The newest values of a domain.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    last: Option<Sample>,
    /// When it was measured last.
    pub(crate) at: Option<Instant>,
    /// Percent.
    pub(crate) processor: Option<f64>,
    /// Percent.
    pub(crate) stolen: Option<f64>,
    /// Percent.
    pub(crate) memory: Option<f64>,
    /// Bytes a second.
    pub(crate) network: Option<f64>,
    /// Bytes a second.
    pub(crate) disks: Option<f64>,
}

/// Reads the counters of all domains until it is aborted.
pub(super) async fn poll(shared: Arc<Shared>, session: Arc<Session>) {
    let interval = shared.options.poll_interval.max(Duration::from_secs(1));
    let mut round = 0_u32;
    loop {
        let groups = if round.is_multiple_of(DISKS_EACH) {
            ALWAYS | StatisticsGroups::BLOCK
        } else {
            ALWAYS
        };
        match session.operations.statistics(groups).await {
            Ok(all) => shared.measured(&all),
            Err(error) => tracing::debug!(%error, "libvirt gives no statistics"),
        }
        round = round.wrapping_add(1);
        let pause = interval.mul_f64(rand::rng().random_range(0.9..=1.1));
        tokio::time::sleep(pause).await;
    }
}

impl Shared {
    fn measured(&self, all: &[DomainStatistics]) {
        let now = Instant::now();
        for statistics in all {
            let entry = self.entries().get(&statistics.domain.uuid).cloned();
            let Some(entry) = entry else { continue };
            let mut measured = entry.measured.lock().unwrap_or_else(PoisonError::into_inner);
            measured.add(now, statistics);
        }
    }
}

impl Measured {
    /// Adds the counters of now. Values are between two readings; a domain that was off has none.
    fn add(&mut self, now: Instant, statistics: &DomainStatistics) {
        const SHUT_OFF: u64 = 5;
        if statistics
            .count("state.state")
            .is_none_or(|state| state == SHUT_OFF)
        {
            *self = Self::default();
            return;
        }
        let rates = |prefix, one, two| {
            let one = statistics.sum(prefix, one)?;
            Some(one.saturating_add(statistics.sum(prefix, two)?))
        };
        let last = self.last;
        let sample = Sample {
            at: now,
            processor: statistics.count("cpu.time"),
            stolen: statistics.sum("vcpu", "delay"),
            processors: statistics.count("vcpu.current").unwrap_or(1).max(1),
            memory: memory(statistics),
            network: rates("net", "rx.bytes", "tx.bytes"),
            disks: rates("block", "rd.bytes", "wr.bytes").map(|bytes| (now, bytes)),
        };
        self.memory = sample.memory;
        self.at = Some(now);
        if let Some(last) = last {
            let seconds = now.duration_since(last.at).as_secs_f64();
            let share = |new, old| {
                let nanoseconds = rate(new, old, seconds)?;
                // Nanoseconds a second and processor: 1e7 is one percent.
                Some((nanoseconds / (1e7 * to_f64(sample.processors))).clamp(0.0, 100.0))
            };
            self.processor = share(sample.processor, last.processor);
            self.stolen = share(sample.stolen, last.stolen);
            self.network = rate(sample.network, last.network, seconds);
            if let (Some((at, new)), Some((then, old))) = (sample.disks, last.disks) {
                self.disks = rate(Some(new), Some(old), at.duration_since(then).as_secs_f64());
            }
        }
        self.last = Some(Sample {
            disks: sample.disks.or_else(|| last.and_then(|last| last.disks)),
            ..sample
        });
    }
}

/// Share of the memory in use, as the guest's balloon driver tells it. Without one it is not known: what QEMU itself
/// occupies says little of the guest.
fn memory(statistics: &DomainStatistics) -> Option<f64> {
    let all = statistics.count("balloon.available")?;
    let free = statistics
        .count("balloon.usable")
        .or_else(|| statistics.count("balloon.unused"))?;
    let used = all.saturating_sub(free);
    (all > 0).then(|| (to_f64(used) / to_f64(all) * 100.0).clamp(0.0, 100.0))
}

/// Change per second; `None` if the counter began anew.
fn rate(new: Option<u64>, old: Option<u64>, seconds: f64) -> Option<f64> {
    let change = new?.checked_sub(old?)?;
    (seconds > 0.0).then(|| to_f64(change) / seconds)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a measurement has fewer digits than an f64"
)]
const fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::{Domain, Uuid, Value};

    fn statistics(values: &[(&str, u64)]) -> DomainStatistics {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::Unsigned(*value)));
        DomainStatistics::new(Domain::new("a", Uuid([1; 16])), values.collect())
    }

    #[tokio::test(start_paused = true)]
    async fn values_are_between_two_readings() {
        let mut measured = Measured::default();
        let first = [
            ("state.state", 1),
            ("cpu.time", 1_000_000_000),
            ("vcpu.current", 2),
            ("net.0.rx.bytes", 100),
            ("net.0.tx.bytes", 0),
            ("balloon.available", 1000),
            ("balloon.usable", 750),
        ];
        measured.add(Instant::now(), &statistics(&first));
        assert_eq!((measured.processor, measured.memory), (None, Some(25.0)));
        tokio::time::advance(Duration::from_secs(10)).await;
        let second = [
            ("state.state", 1),
            ("cpu.time", 11_000_000_000),
            ("vcpu.current", 2),
            ("net.0.rx.bytes", 600),
            ("net.0.tx.bytes", 500),
        ];
        measured.add(Instant::now(), &statistics(&second));
        assert_eq!(measured.memory, None, "a guest that tells nothing has no value");
        assert_eq!(measured.processor, Some(50.0));
        assert_eq!(measured.network, Some(100.0));
        assert_eq!(measured.disks, None);
        // Started anew: counters are smaller.
        measured.add(Instant::now(), &statistics(&first));
        assert_eq!(measured.processor, None);
        measured.add(
            Instant::now(),
            &statistics(&[("state.state", 5), ("cpu.time", 5)]),
        );
        assert!(measured.at.is_none() && measured.memory.is_none());
    }
}
