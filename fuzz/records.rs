//! Sensor data records, event log records and FRU inventories.

use ipmi_proto::record::fru::FruInventory;
use ipmi_proto::record::sdr::SdrRecord;
use ipmi_proto::record::sel::SelRecord;
use ipmi_proto::wire::{Decode, Encode, Reader, Writer};

fn encode(value: &impl Encode) -> Option<Vec<u8>> {
    let mut buffer = vec![0xa5; 4_096];
    let mut writer = Writer::new(&mut buffer);
    writer.value(value).ok()?;
    Some(writer.written().to_vec())
}

/// What was read, written and read again is the same.
fn round<T: Decode + Encode + core::fmt::Debug>(data: &[u8]) {
    if let Ok(value) = Reader::new(data).value::<T>() {
        let first = encode(&value).expect("what was read can be written");
        let again = Reader::new(&first)
            .value::<T>()
            .expect("what was written can be read");
        assert_eq!(encode(&again), Some(first), "{value:?}");
    }
}

/// Checksums that the fuzzer cannot guess: of the common header, and of areas that say how long they are.
fn put_checksums_right(data: &mut [u8]) {
    if data.len() < 8 {
        return;
    }
    data[0] = 1;
    data[7] = ipmi_proto::wire::checksum(&data[..7]);
    for index in 2..5 {
        let start = usize::from(data[index]) * 8;
        let Some(length) = data.get(start + 1).map(|length| usize::from(*length) * 8) else {
            continue;
        };
        if start >= 8 && length >= 8 && start + length <= data.len() {
            data[start] = 1;
            let last = start + length - 1;
            data[last] = ipmi_proto::wire::checksum(&data[start..last]);
        }
    }
}

fn fru(data: &[u8]) {
    let Ok(inventory) = FruInventory::parse(data) else {
        return;
    };
    if let Some(chassis) = &inventory.chassis {
        chassis.custom.iter().for_each(|field| drop(format!("{field:?}")));
    }
    if let Some(board) = &inventory.board {
        board.custom.iter().for_each(|field| drop(format!("{field:?}")));
    }
    if let Some(product) = &inventory.product {
        product.custom.iter().for_each(|field| drop(format!("{field:?}")));
    }
    inventory
        .multirecords
        .iter()
        .for_each(|record| drop(format!("{record:?}")));
    // It may not fit any more: areas may overlap in what was read, not in what is written.
    if let Some(bytes) = encode(&inventory) {
        let again = FruInventory::parse(&bytes).expect("what was written can be read");
        assert_eq!(again.chassis, inventory.chassis);
        assert_eq!(again.board, inventory.board);
        assert_eq!(again.product, inventory.product);
    }
}

/// Record formats; the first byte says which.
pub fn records(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    match kind % 4 {
        0 => round::<SdrRecord>(data),
        1 => round::<SelRecord>(data),
        2 => fru(data),
        _ => {
            let mut data = data.to_vec();
            put_checksums_right(&mut data);
            fru(&data);
        }
    }
}
