//! Sensors: the numbers of the cluster's list of guests, the same for all and without a request of their own.

use std::sync::Mutex;
use std::time::Instant;

use ipmi_server::backend::{
    PowerState, SensorDescription, SensorKind, SensorPlace, SensorReading, SensorSource, SensorValue,
};

use super::Guest;
use crate::cluster::GuestUsage;
use crate::sync::lock;

const PROCESSOR: u16 = 1;
const MEMORY: u16 = 2;
const RECEIVED: u16 = 3;
const SENT: u16 = 4;
const READ: u16 = 5;
const WRITTEN: u16 = 6;
const UPTIME: u16 = 7;

/// Bytes of a megabyte, as rates count them.
const MEGABYTE: f64 = 1e6;
/// Fastest rate that is shown, megabytes per second: a 10 Gbit/s link.
const FASTEST: f64 = 1_275.0;
/// Longest uptime that is shown, hours.
const LONGEST: f64 = 1_020.0;

/// What was measured last.
#[derive(Debug, Default)]
pub(super) struct Measured(Mutex<Option<Sample>>);

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    usage: GuestUsage,
    rates: Rates,
}

/// Bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rates {
    received: Option<f64>,
    sent: Option<f64>,
    read: Option<f64>,
    written: Option<f64>,
}

impl Measured {
    /// Takes new numbers in; `None`: there are none any more.
    pub(super) fn take(&self, at: Instant, usage: Option<GuestUsage>) {
        let mut last = lock(&self.0);
        *last = usage.map(|usage| Sample {
            at,
            usage,
            rates: rates(last.as_ref(), &usage),
        });
    }
}

/// The rates between two samples. Their own clock is the guest's uptime: how long it took us to ask plays no part.
fn rates(before: Option<&Sample>, now: &GuestUsage) -> Rates {
    let Some(before) = before else {
        return Rates::default();
    };
    let seconds = match (now.uptime, before.usage.uptime) {
        // The statistics are those of before.
        (Some(now), Some(then)) if now == then => return before.rates,
        (Some(now), Some(then)) if now > then => u32::try_from(now - then).ok(),
        // It was started anew.
        _ => None,
    };
    let rate = |now: Option<u64>, then: Option<u64>| {
        let bytes = now?.checked_sub(then?)?;
        // Beyond 2^53 a float does not tell neighbours apart, which a sensor does not either.
        Some(bytes as f64 / f64::from(seconds?))
    };
    Rates {
        received: rate(now.received, before.usage.received),
        sent: rate(now.sent, before.usage.sent),
        read: rate(now.read, before.usage.read),
        written: rate(now.written, before.usage.written),
    }
}

impl SensorSource for Guest {
    fn sensors(&self) -> Vec<SensorDescription> {
        let percent = (0.0, 100.0);
        let rate = (0.0, FASTEST);
        let sensor = SensorDescription::new;
        vec![
            sensor(
                PROCESSOR,
                "CPU Utilization",
                SensorKind::ProcessorUtilization,
                percent,
            )
            .at(SensorPlace::Processor),
            sensor(MEMORY, "Memory Usage", SensorKind::MemoryUtilization, percent).at(SensorPlace::Memory),
            sensor(RECEIVED, "Net Received", SensorKind::DataRate, rate),
            sensor(SENT, "Net Sent", SensorKind::DataRate, rate),
            sensor(READ, "Disk Read", SensorKind::DataRate, rate),
            sensor(WRITTEN, "Disk Written", SensorKind::DataRate, rate),
            sensor(UPTIME, "Uptime", SensorKind::Uptime, (0.0, LONGEST)),
        ]
    }

    fn read(&self, id: u16) -> Option<SensorReading> {
        // A guest that is off, or of which nothing is known, has no values.
        self.knowledge.power().filter(|power| *power != PowerState::Off)?;
        let sample = (*lock(&self.measured.0))?;
        let (usage, rates) = (sample.usage, sample.rates);
        // A list that is older than the start shows the guest as it was: off.
        let uptime = usage.uptime.filter(|uptime| *uptime > 0)?;
        let value = match id {
            PROCESSOR => usage.cpu? * 100.0,
            MEMORY => usage.memory? as f64 / usage.memory_limit.filter(|limit| *limit > 0)? as f64 * 100.0,
            RECEIVED => rates.received? / MEGABYTE,
            SENT => rates.sent? / MEGABYTE,
            READ => rates.read? / MEGABYTE,
            WRITTEN => rates.written? / MEGABYTE,
            UPTIME => uptime as f64 / 3600.0,
            _ => return None,
        };
        Some(SensorReading {
            value: SensorValue::Number(value),
            age: sample.at.elapsed(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(uptime: u64, received: u64) -> GuestUsage {
        GuestUsage {
            uptime: Some(uptime),
            received: Some(received),
            ..GuestUsage::default()
        }
    }

    #[test]
    fn rates_are_those_of_the_guests_own_time() {
        let measured = Measured::default();
        let received = |measured: &Measured| lock(&measured.0).unwrap().rates.received;
        let now = Instant::now();
        measured.take(now, Some(usage(100, 1_000)));
        assert_eq!(received(&measured), None);
        measured.take(now, Some(usage(110, 21_000)));
        assert_eq!(received(&measured), Some(2_000.0));
        // The same statistics again.
        measured.take(now, Some(usage(110, 21_000)));
        assert_eq!(received(&measured), Some(2_000.0));
        // Started anew.
        measured.take(now, Some(usage(5, 100)));
        assert_eq!(received(&measured), None);
        measured.take(now, None);
        assert!(lock(&measured.0).is_none());
    }
}
