//! Known answers, round trips and damage of FRU inventories.

use super::*;
use crate::record::text::TextEncoding;
use crate::record::to_latin_1;
use crate::wire::{U24, checksum};
use alloc::string::ToString;
use alloc::vec::Vec;
use hex_literal::hex;
use proptest::prelude::*;

fn encode(inventory: &FruInventory<'_>) -> Vec<u8> {
    let mut buffer = [0xa5; 4096];
    let mut writer = Writer::new(&mut buffer);
    writer.value(inventory).unwrap();
    writer.written().to_vec()
}

fn latin_1(text: &str) -> Field<'_> {
    assert!(text.is_ascii());
    Field::latin_1(text.as_bytes())
}

/// As `ipmitool fru print` and `ipmi-fru` show it, served by OpenIPMI's ipmi_sim: chassis "Rack Mount Chassis",
/// CH-1, C0001; board of 1998-01-03 21:36 UTC by Maker, Board, B0001, BP-1; product of Maker, Virtual, VM-1, 1.0,
/// P0001, asset.
const INVENTORY: &[u8] = &hex!(
    "01000103070000f4"
    "010217c443482d31c54330303031c1af"
    "010419302010c54d616b6572c5426f617264c54230303031c442502d3100c1e3"
    "010619c54d616b6572c75669727475616cc4564d2d31c3312e30c55030303031c5617373657400c100000000000000ea"
);

fn inventory() -> FruInventory<'static> {
    FruInventory {
        chassis: Some(Chassis {
            chassis_type: ChassisType::RACK_MOUNT,
            part_number: latin_1("CH-1"),
            serial: latin_1("C0001"),
            custom: Fields::NONE,
        }),
        board: Some(Board {
            language: Language::ENGLISH,
            manufactured: U24(0x10_20_30),
            manufacturer: latin_1("Maker"),
            product: latin_1("Board"),
            serial: latin_1("B0001"),
            part_number: latin_1("BP-1"),
            ..Board::default()
        }),
        product: Some(Product {
            language: Language::ENGLISH,
            manufacturer: latin_1("Maker"),
            name: latin_1("Virtual"),
            part_number: latin_1("VM-1"),
            version: latin_1("1.0"),
            serial: latin_1("P0001"),
            asset_tag: latin_1("asset"),
            ..Product::default()
        }),
        ..FruInventory::default()
    }
}

#[test]
fn known_inventory_both_ways() {
    assert_eq!(encode(&inventory()), INVENTORY);
    assert_eq!(FruInventory::parse(INVENTORY), Ok(inventory()));
}

#[test]
fn every_damaged_byte_and_every_cut_is_found() {
    for position in 0..INVENTORY.len() {
        let mut damaged = INVENTORY.to_vec();
        damaged[position] ^= 0x11;
        assert_ne!(FruInventory::parse(&damaged), Ok(inventory()), "byte {position}");
        assert!(
            FruInventory::parse(&INVENTORY[..position]).is_err(),
            "cut to {position}"
        );
        let mut buffer = [0; 2048];
        let full = Writer::new(&mut buffer[..position]).value(&inventory());
        assert_eq!(full, Err(WireError::BufferTooSmall));
    }
}

#[test]
fn all_areas_and_custom_fields() {
    let unique_id = [&[0x07][..], &[0x5a; 16]].concat();
    let records = [
        MultiRecord {
            record_type: MultiRecordType(0xc0),
            data: &[1, 2, 3],
        },
        MultiRecord {
            record_type: MultiRecordType::MANAGEMENT_ACCESS,
            data: &unique_id,
        },
    ];
    let custom = [
        latin_1("first"),
        Field::new(TextEncoding::BCD_PLUS, &[0x12, 0x34]).unwrap(),
    ];
    let inventory = FruInventory {
        internal: Some(&[9; 7]),
        chassis: Some(Chassis {
            custom: Fields::new(&custom),
            ..Chassis::default()
        }),
        multirecords: MultiRecords::new(&records),
        ..FruInventory::default()
    };
    let bytes = encode(&inventory);
    assert_eq!(bytes[..8], hex!("01 01 02 00 00 04 00 f8"));
    let read = FruInventory::parse(&bytes).unwrap();
    assert_eq!(read, inventory);
    assert_eq!(read.chassis.unwrap().custom.iter().count(), 2);
    assert_eq!(encode(&read), bytes);
}

#[test]
fn a_text_of_one_character_is_not_the_end_mark() {
    let chassis = Chassis {
        part_number: latin_1("1"),
        serial: latin_1("2"),
        ..Chassis::default()
    };
    let inventory = FruInventory {
        chassis: Some(chassis),
        ..FruInventory::default()
    };
    let bytes = encode(&inventory);
    let read = FruInventory::parse(&bytes).unwrap().chassis.unwrap();
    assert_eq!(read.part_number.as_bytes(), b"1 ");
    assert_eq!(read.serial.as_bytes(), b"2 ");
}

#[test]
fn texts() {
    let name = to_latin_1::<MAX_FIELD_LENGTH>("Prüfstand €");
    let field = Field::latin_1(&name);
    assert_eq!(field.text(Language::ENGLISH).to_string(), "Prüfstand ?");
    let chinese = Field::new(TextEncoding::LATIN_1, &[0x2d, 0x4e]).unwrap();
    assert_eq!(chinese.text(Language(0x2a)).to_string(), "\u{4e2d}");
    assert!(Field::new(TextEncoding::BINARY, &[0; 64]).is_err());
    assert_eq!(Field::latin_1(&[b'x'; 70]).as_bytes().len(), MAX_FIELD_LENGTH);
}

#[test]
fn what_is_too_large_is_refused() {
    let field = [b'x'; MAX_FIELD_LENGTH];
    let custom = [Field::latin_1(&field); 40];
    let chassis = Chassis {
        custom: Fields::new(&custom),
        ..Chassis::default()
    };
    let mut buffer = [0; 4096];
    assert_eq!(Writer::new(&mut buffer).value(&chassis), Err(WireError::Invalid));
    let records = [MultiRecord {
        record_type: MultiRecordType(0xc0),
        data: &[0; 256],
    }];
    assert_eq!(
        Writer::new(&mut buffer).value(&MultiRecords::new(&records)),
        Err(WireError::Invalid)
    );
}

/// Makes checksums right, so that garbage gets past them.
fn repair(bytes: &mut [u8]) {
    for start in [8, 16, 24] {
        let Some(area) = bytes.get_mut(start..start + 8) else {
            return;
        };
        area[..2].copy_from_slice(&[1, 1]);
        area[7] = checksum(&area[..7]);
    }
    bytes[..8].copy_from_slice(&[1, 0, 1, 2, 3, 0, 0, 0xf9]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for _ in 0..2 {
            if let Ok(inventory) = FruInventory::parse(&bytes) {
                let written = encode(&inventory);
                prop_assert_eq!(FruInventory::parse(&written), Ok(inventory));
            }
            let _ = Chassis::parse(&bytes);
            let _ = Board::parse(&bytes);
            let _ = Product::parse(&bytes);
            let _ = MultiRecords::parse(&bytes);
            repair(&mut bytes);
        }
    }

    #[test]
    fn inventories_round_trip(
        texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..=63), 14),
        encodings in prop::collection::vec(0_u8..4, 14),
        minutes in 0_u32..0x100_0000,
        data in prop::collection::vec(any::<u8>(), 0..=255),
    ) {
        let fields: Vec<_> = texts
            .iter()
            .zip(encodings)
            .filter(|(text, encoding)| !(text.len() == 1 && *encoding == 3))
            .map(|(text, encoding)| Field::new(TextEncoding(encoding), text).unwrap())
            .collect();
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        let records = [MultiRecord { record_type: MultiRecordType(0xc0), data: &data }; 2];
        let inventory = FruInventory {
            internal: None,
            chassis: Some(Chassis { part_number: field(0), serial: field(1), ..Chassis::default() }),
            board: Some(Board {
                manufactured: U24(minutes),
                serial: field(2),
                custom: Fields::new(fields.get(3..).unwrap_or_default()),
                ..Board::default()
            }),
            product: Some(Product { asset_tag: field(4), ..Product::default() }),
            multirecords: MultiRecords::new(&records),
        };
        let bytes = encode(&inventory);
        prop_assert_eq!(FruInventory::parse(&bytes), Ok(inventory));
    }
}
