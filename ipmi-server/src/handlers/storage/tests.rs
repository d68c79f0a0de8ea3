//! Storage commands, byte for byte.

use ipmi_proto::ipmb::NetFn;

use crate::test_bench::Bench;

const EVENT: [u8; 16] = [0, 0, 2, 0, 0, 0, 0, 0x20, 0, 4, 1, 0x30, 1, 0x59, 0x60, 0x5a];

fn ask(bench: &Bench, command: u8, data: &[u8]) -> (u8, Vec<u8>) {
    bench.ask(NetFn::STORAGE, command, data).at_once()
}

#[tokio::test]
async fn event_log() {
    let bench = Bench::with_clock(|_| 0x4003_0201);
    let storage = |command, data: &[u8]| ask(&bench, command, data);
    assert_eq!(storage(0x40, &[]).1[..5], [0x51, 0, 0, 0xff, 0xff]);
    assert_eq!(storage(0x43, &[0, 0, 0, 0, 0, 0xff]).0, 0xcb);
    assert_eq!(storage(0x44, &EVENT), (0, vec![1, 0]));
    assert_eq!(storage(0x44, &EVENT), (0, vec![2, 0]));
    assert_eq!(storage(0x44, &[1; 16]).0, 0x80);
    let (code, record) = storage(0x43, &[0, 0, 0, 0, 0, 0xff]);
    assert_eq!((code, record.len(), &record[..5]), (0, 18, &[2, 0, 1, 0, 2][..]));
    assert_eq!(record[5..9], [1, 2, 3, 0x40]);
    assert_eq!(record[9..], EVENT[7..]);
    assert_eq!(storage(0x43, &[0, 0, 1, 0, 4, 2]).0, 0xc5);
    let (_, reservation) = storage(0x42, &[]);
    let reserved = |rest: &[u8]| [&reservation[..], rest].concat();
    assert_eq!(storage(0x43, &reserved(&[1, 0, 10, 2])).1, [2, 0, 1, 0x30]);
    assert_eq!(storage(0x46, &reserved(&[1, 0])), (0, vec![1, 0]));
    assert_eq!(storage(0x47, &reserved(b"CLR\xaa")).0, 0xc5);
    let (_, reservation) = storage(0x42, &[]);
    let reserved = |rest: &[u8]| [&reservation[..], rest].concat();
    assert_eq!(storage(0x47, &reserved(b"CLX\xaa")).0, 0xcc);
    assert_eq!(storage(0x47, &reserved(b"CLR\xaa")), (0, vec![1]));
    assert_eq!(storage(0x47, &reserved(b"CLR\x00")), (0, vec![1]));
    assert_eq!(storage(0x40, &[]).1[1], 0);
}

#[tokio::test]
async fn the_clock_and_its_records() {
    let bench = Bench::with_clock(|_| 1_000);
    let storage = |command, data: &[u8]| ask(&bench, command, data);
    assert_eq!(storage(0x49, &[1, 2, 3, 0x40]).0, 0);
    assert_eq!(storage(0x48, &[]), (0, vec![1, 2, 3, 0x40]));
    assert_eq!(storage(0x28, &[]), (0, vec![1, 2, 3, 0x40]));
    // One record in the old time and one in the new.
    let (_, first) = storage(0x43, &[0, 0, 0, 0, 0, 0xff]);
    assert_eq!(
        first[5..],
        [0xe8, 3, 0, 0, 0x20, 0, 4, 0x12, 0x0b, 0x6f, 0xc5, 0x00, 0xff]
    );
    let (_, second) = storage(0x43, &[0, 0, 0xff, 0xff, 0, 0xff]);
    assert_eq!(
        second[5..],
        [1, 2, 3, 0x40, 0x20, 0, 4, 0x12, 0x0b, 0x6f, 0xc5, 0x80, 0xff]
    );
    assert_eq!(storage(0x5c, &[]), (0, vec![0xff, 0x07]));
    assert_eq!(storage(0x5d, &[0x88, 0xff]).0, 0);
    assert_eq!(storage(0x5c, &[]), (0, vec![0x88, 0xff]));
    assert_eq!(storage(0x5d, &[0xff, 0x7f]).0, 0xcc);
}

#[tokio::test]
async fn platform_events_are_logged_with_their_sender() {
    let bench = Bench::new();
    let sensor = |command, data: &[u8]| bench.ask(NetFn::SENSOR_EVENT, command, data).at_once();
    assert_eq!(sensor(0x02, &[4, 1, 0x30, 1, 0x59, 0x60, 0x5a]).0, 0);
    assert_eq!(sensor(0x02, &[5, 1, 0x30, 1, 0x59, 0x60, 0x5a]).0, 0xcc);
    assert_eq!(sensor(0x02, &[4, 1, 0x30, 1, 0x59, 0x60]).0, 0xc7);
    let (_, record) = ask(&bench, 0x43, &[0, 0, 0xff, 0xff, 0, 0xff]);
    assert_eq!(record[2..5], [1, 0, 2]);
    assert_eq!(record[9..], [0x81, 0x10, 4, 1, 0x30, 1, 0x59, 0x60, 0x5a]);
}

#[tokio::test]
async fn records_of_sensors() {
    let bench = Bench::new();
    let storage = |command, data: &[u8]| ask(&bench, command, data);
    let (_, info) = storage(0x20, &[]);
    assert_eq!(info[0], 0x51);
    assert!(info[1] > 8);
    for refused in [0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b] {
        assert_eq!(storage(refused, &[0; 8]).0, 0xc1, "{refused:#x}");
    }
    let (code, record) = storage(0x23, &[0, 0, 0x60, 0x00, 0, 0xff]);
    assert_eq!((code, record[2..5].to_vec()), (0, vec![0x60, 0x00, 0x51]));
    assert_eq!(record.len(), 2 + 5 + usize::from(record[6]));
    assert_eq!(storage(0x23, &[0, 0, 0x60, 0x00, 5, 16]).0, 0xc5);
    let (_, reservation) = storage(0x22, &[]);
    let (code, part) = storage(0x23, &[&reservation[..], &[0x60, 0x00, 5, 16]].concat());
    assert_eq!((code, &part[2..]), (0, &record[7..23]));
    let sensor = |command, data: &[u8]| bench.ask(NetFn::SENSOR_EVENT, command, data).at_once();
    assert_eq!(sensor(0x21, &[0, 0, 0x60, 0x00, 0, 0xff]), (0, record));
    // Two kinds of reservations.
    assert_eq!(
        sensor(0x21, &[&reservation[..], &[0x60, 0x00, 5, 16]].concat()).0,
        0xc5
    );
    let (_, count) = sensor(0x20, &[1]);
    assert_eq!(count, [info[1], 0x01]);
    assert_eq!(storage(0x2c, &[1]), (0, vec![1]));
}

#[tokio::test]
async fn the_fru_inventory() {
    let bench = Bench::new();
    let storage = |command, data: &[u8]| ask(&bench, command, data);
    assert_eq!(storage(0x10, &[0]), (0, vec![0x00, 0x08, 0x00]));
    assert_eq!(storage(0x10, &[1]).0, 0xcb);
    let (code, header) = storage(0x11, &[0, 0, 0, 8]);
    assert_eq!((code, header[0], header[1]), (0, 8, 1));
    assert_eq!(
        header[1..].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)),
        0
    );
    assert_eq!(storage(0x11, &[0, 0, 8, 8]).0, 0xc9);
    assert_eq!(storage(0x11, &[0, 0, 0, 240]).1.len(), 241);
    assert_eq!(storage(0x12, &[0, 0xf0, 0x07, 1, 2, 3]), (0, vec![3]));
    assert_eq!(storage(0x11, &[0, 0xf0, 0x07, 4]), (0, vec![4, 1, 2, 3, 0]));
    assert_eq!(storage(0x12, &[0, 0xff, 0x07, 1, 2]).0, 0xc9);
}
