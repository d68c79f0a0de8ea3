//! Sensors as clients see them, and what they log.

use core::time::Duration;

use ipmi_proto::ipmb::NetFn;

use crate::backend::PowerState;
use crate::backend::memory::MemoryMachine;
use crate::test_bench::Bench;

/// "CPU Temp" of the machine in memory: half degrees, limits at 80, 90 and 100 degrees.
const TEMPERATURE: u8 = 0x60;
/// "CPU Utilization": whole percent, no limits.
const LOAD: u8 = 0x03;

fn running() -> Bench {
    let machine = MemoryMachine::builder("node1").power(PowerState::On);
    Bench::with(machine, |bmc| bmc)
}

fn ask(bench: &Bench, command: u8, data: &[u8]) -> (u8, Vec<u8>) {
    bench.ask(NetFn::SENSOR_EVENT, command, data).at_once()
}

/// Sensor, direction and type, and data of the events in the log.
fn logged(bench: &Bench) -> Vec<[u8; 5]> {
    let (_, info) = bench.ask(NetFn::STORAGE, 0x40, &[]).at_once();
    let mut next = [0, 0];
    let records = (0..info[1]).map(|_| {
        let request = [&[0, 0][..], &next, &[0, 0xff]].concat();
        let (_, record) = bench.ask(NetFn::STORAGE, 0x43, &request).at_once();
        next = [record[0], record[1]];
        <[u8; 5]>::try_from(&record[13..]).unwrap()
    });
    records.collect()
}

#[tokio::test]
async fn readings() {
    let bench = running();
    bench.machine.set_sensor(1, Some(85.0));
    assert_eq!(
        ask(&bench, 0x2d, &[TEMPERATURE]),
        (0, vec![170, 0xc0, 0xc8, 0x80])
    );
    bench.machine.set_sensor(1, None);
    assert_eq!(ask(&bench, 0x2d, &[TEMPERATURE]), (0, vec![0, 0xe0, 0xc0, 0x80]));
    assert_eq!(ask(&bench, 0x2d, &[0x01]), (0, vec![0, 0xc0, 0, 0x80]));
    assert_eq!(ask(&bench, 0x2d, &[0x02]), (0, vec![0, 0xc0, 1, 0x80]));
    assert_eq!(ask(&bench, 0x2d, &[0x06]), (0, vec![0, 0x40, 0x80, 0x80]));
    assert_eq!(ask(&bench, 0x2d, &[0x77]).0, 0xcb);
    // It only sends events.
    assert_eq!(ask(&bench, 0x2d, &[0x0a]).0, 0xcd);
    let off = Bench::new();
    assert_eq!(ask(&off, 0x2d, &[LOAD]), (0, vec![0, 0x60, 0xc0, 0x80]));
    assert_eq!(ask(&off, 0x2d, &[0x01]), (0, vec![0, 0xc0, 1, 0x80]));
}

#[tokio::test]
async fn thresholds_hysteresis_and_types() {
    let bench = running();
    assert_eq!(
        ask(&bench, 0x27, &[TEMPERATURE]),
        (0, vec![0b11_1000, 0, 0, 0, 160, 180, 200])
    );
    assert_eq!(ask(&bench, 0x27, &[0x01]).0, 0xcd);
    assert_eq!(ask(&bench, 0x27, &[0x77]).0, 0xcb);
    let set = |mask, critical| ask(&bench, 0x26, &[TEMPERATURE, mask, 0, 0, 0, 0, critical, 0]).0;
    assert_eq!(set(0b01_0000, 176), 0);
    assert_eq!(ask(&bench, 0x27, &[TEMPERATURE]).1[5], 176);
    // Below the one before it, and one that is not there.
    assert_eq!((set(0b01_0000, 140), set(0b00_0001, 0)), (0xcc, 0xcc));
    assert_eq!(ask(&bench, 0x25, &[TEMPERATURE, 0xff]), (0, vec![2, 2]));
    assert_eq!(ask(&bench, 0x24, &[TEMPERATURE, 0xff, 4, 5]).0, 0);
    assert_eq!(ask(&bench, 0x25, &[TEMPERATURE, 0xff]), (0, vec![4, 5]));
    assert_eq!(ask(&bench, 0x24, &[0x01, 0xff, 4, 5]).0, 0xcd);
    assert_eq!(
        ask(&bench, 0x23, &[TEMPERATURE, 0]),
        (0, vec![0xff, 5, 0, 0, 0, 0, 0xf0])
    );
    assert_eq!(ask(&bench, 0x2f, &[TEMPERATURE]), (0, vec![0x01, 0x01]));
    assert_eq!(ask(&bench, 0x2e, &[TEMPERATURE, 0x02, 0x01]).0, 0xcd);
    assert_eq!(ask(&bench, 0x2e, &[TEMPERATURE, 0x01, 0x01]).0, 0);
    assert_eq!(ask(&bench, 0x30, &[TEMPERATURE, 0x01, 5]).0, 0x80);
    assert_eq!(ask(&bench, 0x30, &[0x77, 0x01, 5]).0, 0xcb);
}

#[tokio::test(start_paused = true)]
async fn a_crossed_threshold_is_logged_although_nobody_asks() {
    let bench = running();
    bench.drive();
    bench.machine.set_sensor(1, Some(95.0));
    assert_eq!(logged(&bench), [] as [[u8; 5]; 0]);
    // Two periods: the first scan comes at some time within one.
    tokio::time::sleep(Duration::from_secs(21)).await;
    let crossed = [
        [TEMPERATURE, 0x01, 0x57, 190, 160],
        [TEMPERATURE, 0x01, 0x59, 190, 180],
    ];
    assert_eq!(logged(&bench), crossed);
    bench.machine.set_sensor(1, Some(88.5));
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(logged(&bench)[2..], [[TEMPERATURE, 0x81, 0x59, 177, 180]]);
    // Upper non-critical still holds, upper critical is gone.
    assert_eq!(
        ask(&bench, 0x2b, &[TEMPERATURE]),
        (0, vec![0xc0, 0x80, 0x00, 0x00, 0x02])
    );
    // A new threshold holds at once.
    assert_eq!(ask(&bench, 0x26, &[TEMPERATURE, 0x10, 0, 0, 0, 0, 170, 0]).0, 0);
    assert_eq!(logged(&bench)[3..], [[TEMPERATURE, 0x01, 0x59, 177, 170]]);
}

#[tokio::test]
async fn events_are_turned_on_and_off() {
    let bench = running();
    bench.machine.set_sensor(4, Some(97.0));
    assert_eq!(ask(&bench, 0x29, &[LOAD]), (0, vec![0x40, 0, 0, 0, 0]));
    assert_eq!(ask(&bench, 0x26, &[LOAD, 0x10, 0, 0, 0, 0, 90, 0]).0, 0);
    assert_eq!(ask(&bench, 0x2d, &[LOAD]), (0, vec![97, 0x40, 0xd0, 0x80]));
    assert_eq!(logged(&bench), [] as [[u8; 5]; 0]);
    // Upper critical going high. The state that holds already is reported when events are re-armed.
    assert_eq!(ask(&bench, 0x28, &[LOAD, 0xd0, 0x00, 0x02, 0, 0]).0, 0);
    assert_eq!(ask(&bench, 0x29, &[LOAD]), (0, vec![0xc0, 0, 2, 0, 0]));
    assert_eq!(ask(&bench, 0x2a, &[LOAD, 0x00]).0, 0);
    assert_eq!(logged(&bench), [[LOAD, 0x01, 0x59, 97, 90]]);
    // Without a receiver nothing is logged.
    assert_eq!(ask(&bench, 0x00, &[0xff, 0]).0, 0);
    assert_eq!(ask(&bench, 0x2a, &[LOAD, 0x00]).0, 0);
    assert_eq!(logged(&bench).len(), 1);
    assert_eq!(ask(&bench, 0x01, &[]), (0, vec![0xff, 0]));
    assert_eq!(ask(&bench, 0x00, &[0x22, 0]).0, 0xcc);
    assert_eq!(ask(&bench, 0x28, &[LOAD, 0xf0, 0, 0, 0, 0]).0, 0xcc);
    // Not scanned: no reading.
    assert_eq!(ask(&bench, 0x28, &[LOAD, 0x00]).0, 0);
    assert_eq!(ask(&bench, 0x2d, &[LOAD]), (0, vec![0, 0x20, 0xc0, 0x80]));
}
