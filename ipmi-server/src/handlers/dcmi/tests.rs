//! DCMI commands, byte for byte.

use ipmi_proto::ipmb::NetFn;

use crate::backend::PowerState;
use crate::backend::memory::MemoryMachine;
use crate::test_bench::Bench;

fn ask(bench: &Bench, command: u8, data: &[u8]) -> (u8, Vec<u8>) {
    let data = [&[0xdc], data].concat();
    bench.ask(NetFn::GROUP_EXTENSION, command, &data).at_once()
}

fn running() -> Bench {
    let machine = MemoryMachine::builder("node1").power(PowerState::On);
    Bench::with(machine, |bmc| bmc)
}

#[tokio::test]
async fn capabilities_and_temperatures() {
    let bench = running();
    let dcmi = |command, data: &[u8]| ask(&bench, command, data);
    assert_eq!(dcmi(0x01, &[1]), (0, vec![0xdc, 1, 5, 2, 0x0f, 1, 0x18]));
    assert_eq!(
        dcmi(0x01, &[2]),
        (0, vec![0xdc, 1, 5, 2, 0xff, 0x0f, 0x05, 0x03, 10])
    );
    assert_eq!(dcmi(0x01, &[9]), (0x80, vec![0xdc]));
    assert_eq!(dcmi(0x07, &[1, 0x41, 0, 0]), (0, vec![0xdc, 1, 1, 0x60, 0x00]));
    assert_eq!(dcmi(0x07, &[1, 0x03, 1, 0]), (0, vec![0xdc, 1, 1, 0x60, 0x00]));
    assert_eq!(dcmi(0x07, &[1, 0x42, 0, 0]), (0, vec![0xdc, 0, 0]));
    assert_eq!(dcmi(0x07, &[2, 0x42, 0, 0]).0, 0xcc);
    bench.machine.set_sensor(2, Some(-3.6));
    assert_eq!(dcmi(0x10, &[1, 0x40, 0, 0]), (0, vec![0xdc, 1, 1, 0x84, 1]));
    assert_eq!(dcmi(0x0c, &[0x40, 0]), (0xc1, vec![0xdc]));
}

#[tokio::test]
async fn a_machine_without_sensors_has_neither_power_nor_temperatures() {
    let machine = MemoryMachine::builder("node1").without_sensors();
    let bench = Bench::with(machine, |bmc| bmc);
    assert_eq!(ask(&bench, 0x01, &[1]), (0, vec![0xdc, 1, 5, 2, 0x07, 0, 0x18]));
    assert_eq!(ask(&bench, 0x02, &[1, 0, 0]), (0xc1, vec![0xdc]));
    assert_eq!(ask(&bench, 0x03, &[0, 0]), (0xc1, vec![0xdc]));
    assert_eq!(ask(&bench, 0x07, &[1, 0x41, 0, 0]), (0, vec![0xdc, 0, 0]));
}

#[tokio::test]
async fn power() {
    let bench = running();
    bench.machine.set_sensor(6, Some(97.4));
    let (code, power) = ask(&bench, 0x02, &[1, 0, 0]);
    assert_eq!((code, power.len()), (0, 18));
    assert_eq!(
        (&power[..9], power[17]),
        (&[0xdc, 97, 0, 97, 0, 97, 0, 97, 0][..], 0x40)
    );
    bench.machine.set_sensor(6, Some(300.0));
    let (_, power) = ask(&bench, 0x02, &[1, 0, 0]);
    assert_eq!(power[1..9], [44, 1, 97, 0, 44, 1, 199, 0]);
    // Nobody knows: not measured, and not zero in the statistics.
    bench.machine.set_sensor(6, None);
    let (_, power) = ask(&bench, 0x02, &[1, 0, 0]);
    assert_eq!((&power[1..5], power[17]), (&[0, 0, 97, 0][..], 0x00));
    assert_eq!(ask(&bench, 0x02, &[2, 0, 0]).0, 0xcc);
    let (code, limit) = ask(&bench, 0x03, &[0, 0]);
    assert_eq!((code, limit.len()), (0x80, 14));
    let (_, off) = ask(&Bench::new(), 0x02, &[1, 0, 0]);
    assert_eq!((&off[1..3], off[17]), (&[0, 0][..], 0x40));
}

#[tokio::test]
async fn names_and_configuration() {
    let bench = running();
    let dcmi = |command, data: &[u8]| ask(&bench, command, data);
    assert_eq!(dcmi(0x08, &[0, 3, b't', b'a', b'g']), (0, vec![0xdc, 3]));
    assert_eq!(dcmi(0x06, &[0, 16]), (0, vec![0xdc, 3, b't', b'a', b'g']));
    assert_eq!(dcmi(0x06, &[3, 16]), (0, vec![0xdc, 3]));
    assert_eq!(dcmi(0x06, &[4, 16]).0, 0xc9);
    assert_eq!(dcmi(0x09, &[0, 16]), (0, b"\xdc\x06node1\0".to_vec()));
    assert_eq!(dcmi(0x0a, b"\0\x04bmc\0"), (0, vec![0xdc, 4]));
    assert_eq!(dcmi(0x09, &[0, 16]), (0, b"\xdc\x04bmc\0".to_vec()));
    assert_eq!(dcmi(0x12, &[4, 0, 120, 0]), (0, vec![0xdc]));
    assert_eq!(dcmi(0x13, &[4, 0]), (0, vec![0xdc, 1, 5, 2, 120, 0]));
    assert_eq!(dcmi(0x12, &[1, 0, 1]).0, 0xcc);
    assert_eq!(dcmi(0x13, &[1, 0]).0, 0x83);
    assert_eq!(dcmi(0x13, &[6, 0]).0, 0x80);
}
