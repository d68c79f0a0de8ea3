//! The FRU inventory of the machine (IPMI 2.0 §34, FRU definition 1.3): made from the machine's identity until
//! somebody writes to it.

mod kept;

use alloc::boxed::Box;

use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::fru::{
    Board, Chassis, ChassisType, Field, FruInventory, Language, MAX_FIELD_LENGTH, MultiRecord,
    MultiRecordType, MultiRecords, Product,
};
use ipmi_proto::record::to_latin_1;
use ipmi_proto::wire::{Bytes, Encode, WireError, Writer};

use super::Identity;

/// Number of the only FRU device.
pub(crate) const DEVICE: u8 = 0;
/// Bytes of the inventory.
pub(crate) const SIZE: usize = 2_048;
/// First byte of a management access record that holds the unique ID of the system.
const SYSTEM_UNIQUE_ID: u8 = 0x07;

/// An inventory as clients see it.
type Image = [u8; SIZE];

/// The inventory.
#[derive(Debug, Default)]
pub(crate) struct Fru {
    /// What clients made of it. Until then nothing is kept.
    written: Option<Box<Image>>,
}

impl Fru {
    /// Read FRU Data: the bytes from `offset`, at most `count`.
    ///
    /// # Errors
    /// C9h if `offset` is behind the end.
    pub(crate) fn read(
        &self,
        identity: &Identity,
        asset_tag: &[u8],
        offset: u16,
        count: u8,
    ) -> Result<Bytes<255>, CompletionCode> {
        let image = self.image(identity, asset_tag);
        let rest = image.get(usize::from(offset)..).filter(|rest| !rest.is_empty());
        let rest = rest.ok_or(CompletionCode::OUT_OF_RANGE)?;
        let length = rest.len().min(usize::from(count));
        let data = rest.get(..length).unwrap_or_default();
        Bytes::from_slice(data).map_err(|_| CompletionCode::CANNOT_RETURN_BYTES)
    }

    /// Write FRU Data. Clients write an area in pieces, its checksum last: what is there in between is kept as
    /// it is.
    ///
    /// # Errors
    /// C9h if the data goes beyond the end.
    pub(crate) fn write(
        &mut self,
        identity: &Identity,
        asset_tag: &[u8],
        offset: u16,
        data: &[u8],
    ) -> Result<(), CompletionCode> {
        let mut image = self.image(identity, asset_tag);
        let start = usize::from(offset);
        let place = image.get_mut(start..start + data.len());
        place.ok_or(CompletionCode::OUT_OF_RANGE)?.copy_from_slice(data);
        self.written = Some(Box::new(image));
        Ok(())
    }

    /// The asset tag of an inventory that clients have written, if it can be read.
    pub(crate) fn asset_tag(&self) -> Option<Bytes<MAX_FIELD_LENGTH>> {
        let inventory = FruInventory::parse(self.written.as_deref()?).ok()?;
        Bytes::from_slice(inventory.product?.asset_tag.as_bytes()).ok()
    }

    /// Puts another asset tag into an inventory that clients have written, if it can be read and the tag fits.
    pub(crate) fn set_asset_tag(&mut self, tag: &[u8]) {
        let Some(written) = self.written.as_deref_mut() else {
            return;
        };
        let mut changed = [0; SIZE];
        let Ok(mut inventory) = FruInventory::parse(written) else {
            return;
        };
        let Some(product) = &mut inventory.product else {
            return;
        };
        product.asset_tag = text(tag);
        if inventory.encode(&mut Writer::new(&mut changed)).is_ok() {
            *written = changed;
        }
    }

    fn image(&self, identity: &Identity, asset_tag: &[u8]) -> Image {
        if let Some(written) = &self.written {
            return **written;
        }
        let mut image = [0; SIZE];
        let made = make(identity, asset_tag, &mut image);
        debug_assert!(made.is_ok(), "the inventory of any identity fits");
        image
    }
}

/// A field with this text; without a text, one that says nothing.
fn text(bytes: &[u8]) -> Field<'_> {
    if bytes.is_empty() {
        Field::EMPTY
    } else {
        Field::latin_1(bytes)
    }
}

fn make(identity: &Identity, asset_tag: &[u8], image: &mut Image) -> Result<(), WireError> {
    let machine = &identity.machine;
    let latin_1 = |text: &str| to_latin_1::<MAX_FIELD_LENGTH>(text);
    let serial = if machine.serial.is_empty() {
        &identity.uuid_text
    } else {
        &machine.serial
    };
    let uuid = latin_1(&identity.uuid_text);
    let name = latin_1(&machine.name);
    let manufacturer = latin_1(&machine.manufacturer);
    let product = latin_1(&machine.product);
    let version = latin_1(&machine.version);
    let serial = latin_1(serial);
    let mut unique_id = [SYSTEM_UNIQUE_ID; 17];
    let [_, id @ ..] = &mut unique_id;
    *id = identity.system_guid.to_uuid();
    let records = [MultiRecord {
        record_type: MultiRecordType::MANAGEMENT_ACCESS,
        data: &unique_id,
    }];
    let inventory = FruInventory {
        internal: None,
        chassis: Some(Chassis {
            chassis_type: ChassisType::OTHER,
            serial: text(&uuid),
            ..Chassis::default()
        }),
        board: Some(Board {
            language: Language::ENGLISH,
            manufacturer: text(&manufacturer),
            product: text(&product),
            serial: text(&serial),
            ..Board::default()
        }),
        product: Some(Product {
            language: Language::ENGLISH,
            manufacturer: text(&manufacturer),
            name: text(&name),
            part_number: text(&product),
            version: text(&version),
            serial: text(&serial),
            asset_tag: text(asset_tag),
            ..Product::default()
        }),
        multirecords: MultiRecords::new(&records),
    };
    inventory.encode(&mut Writer::new(image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::MachineIdentity;

    fn identity() -> Identity {
        let machine = MachineIdentity {
            uuid: [7; 16],
            name: "node\u{e9}\u{20ac}".to_owned(),
            manufacturer: "QEMU".to_owned(),
            product: "Q35".to_owned(),
            version: "9.0".to_owned(),
            serial: String::new(),
        };
        Identity::new("bmc".to_owned(), machine)
    }

    fn whole(fru: &Fru, tag: &[u8]) -> Vec<u8> {
        let pieces = (0..SIZE).step_by(128).map(|offset| {
            let offset = u16::try_from(offset).unwrap();
            fru.read(&identity(), tag, offset, 128).unwrap().to_vec()
        });
        pieces.flatten().collect()
    }

    #[test]
    fn the_identity_can_be_read_back() {
        let image = whole(&Fru::default(), b"tag-1");
        let inventory = FruInventory::parse(&image).unwrap();
        let product = inventory.product.unwrap();
        assert_eq!(product.name.as_bytes(), b"node\xe9?");
        assert_eq!(product.asset_tag.as_bytes(), b"tag-1");
        assert_eq!(inventory.board.unwrap().manufacturer.as_bytes(), b"QEMU");
        let serial = product.serial.text(Language::ENGLISH).to_string();
        assert_eq!(serial, "07070707-0707-0707-0707-070707070707");
        assert_eq!(inventory.multirecords.iter().next().unwrap().data[0], 7);
    }

    #[test]
    fn a_machine_with_the_longest_texts_fits() {
        let long = || "x".repeat(300);
        let machine = MachineIdentity {
            uuid: [7; 16],
            name: long(),
            manufacturer: long(),
            product: long(),
            version: long(),
            serial: long(),
        };
        let mut image = [0; SIZE];
        make(&Identity::new(long(), machine), &[b'y'; 63], &mut image).unwrap();
        assert!(FruInventory::parse(&image).is_ok());
    }

    #[test]
    fn reads_end_where_the_inventory_ends() {
        let fru = Fru::default();
        let read = |offset, count| fru.read(&identity(), b"", offset, count).map(|data| data.len());
        assert_eq!(read(0, 255), Ok(255));
        assert_eq!(read(2_040, 16), Ok(8));
        assert_eq!(read(0, 0), Ok(0));
        assert_eq!(read(2_048, 1), Err(CompletionCode::OUT_OF_RANGE));
    }

    #[test]
    fn what_is_written_stays_also_if_it_is_no_inventory() {
        let mut fru = Fru::default();
        let mut write = |offset, data: &[u8]| fru.write(&identity(), b"", offset, data);
        assert_eq!(write(2_047, &[1, 2]), Err(CompletionCode::OUT_OF_RANGE));
        assert_eq!(write(100, &[0xaa, 0xbb]), Ok(()));
        let image = whole(&fru, b"later");
        assert_eq!(image[100..102], [0xaa, 0xbb]);
        assert_eq!(fru.asset_tag(), None);
        fru.set_asset_tag(b"ignored");
        assert_eq!(whole(&fru, b""), image);
    }

    #[test]
    fn an_asset_tag_goes_into_a_written_inventory_and_comes_out_of_it() {
        let mut fru = Fru::default();
        let image = whole(&Fru::default(), b"one");
        fru.write(&identity(), b"", 0, &image).unwrap();
        assert_eq!(&fru.asset_tag().unwrap()[..], b"one");
        fru.set_asset_tag(b"a longer one");
        assert_eq!(&fru.asset_tag().unwrap()[..], b"a longer one");
        let image = whole(&fru, b"");
        assert!(FruInventory::parse(&image).is_ok());
    }
}
