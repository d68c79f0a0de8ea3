//! The FRU inventory of the machine: generated from its identity until somebody writes (FRU definition 1.3).

use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::fru::{Board, Chassis, ChassisType, Field, FruInventory, Language, Product};
use ipmi_proto::record::to_latin_1;
use ipmi_proto::wire::Writer;

use super::Identity;

/// Size of the inventory.
pub(crate) const SIZE: usize = 2_048;

/// The inventory.
#[derive(Debug, Default)]
pub(crate) struct Fru {
    /// What was written, over what is generated.
    written: Option<Box<[u8; SIZE]>>,
}

impl Fru {
    /// Reads up to `output.len()` bytes from an offset; gives how many there are.
    ///
    /// # Errors
    /// C9h behind the end.
    pub(crate) fn read(
        &self,
        identity: &Identity,
        asset_tag: &[u8],
        offset: u16,
        output: &mut [u8],
    ) -> Result<usize, CompletionCode> {
        let generated;
        let image = if let Some(written) = self.written.as_deref() {
            written
        } else {
            generated = generate(identity, asset_tag)?;
            &generated
        };
        let start = usize::from(offset);
        if start >= SIZE {
            return Err(CompletionCode::OUT_OF_RANGE);
        }
        let rest = image.get(start..).unwrap_or_default();
        let length = rest.len().min(output.len());
        if let (Some(target), Some(source)) = (output.get_mut(..length), rest.get(..length)) {
            target.copy_from_slice(source);
        }
        Ok(length)
    }

    /// Writes bytes at an offset.
    ///
    /// # Errors
    /// C9h behind the end.
    pub(crate) fn write(
        &mut self,
        identity: &Identity,
        asset_tag: &[u8],
        offset: u16,
        data: &[u8],
    ) -> Result<(), CompletionCode> {
        if usize::from(offset) + data.len() > SIZE {
            return Err(CompletionCode::OUT_OF_RANGE);
        }
        let image = match &mut self.written {
            Some(written) => written,
            none => none.insert(Box::new(generate(identity, asset_tag)?)),
        };
        let start = usize::from(offset);
        let place = image
            .get_mut(start..start + data.len())
            .ok_or(CompletionCode::OUT_OF_RANGE)?;
        place.copy_from_slice(data);
        Ok(())
    }
}

fn generate(identity: &Identity, asset_tag: &[u8]) -> Result<[u8; SIZE], CompletionCode> {
    let machine = &identity.machine;
    let uuid = &identity.uuid_text;
    let serial = if machine.serial.is_empty() {
        uuid
    } else {
        &machine.serial
    };
    let manufacturer = to_latin_1::<63>(&machine.manufacturer);
    let name = to_latin_1::<63>(&machine.name);
    let model = to_latin_1::<63>(&machine.product);
    let version = to_latin_1::<63>(&machine.version);
    let serial = to_latin_1::<63>(serial);
    let uuid = to_latin_1::<63>(uuid);
    let inventory = FruInventory {
        chassis: Some(Chassis {
            chassis_type: ChassisType::OTHER,
            serial: Field::latin_1(&uuid),
            ..Chassis::default()
        }),
        board: Some(Board {
            language: Language::ENGLISH,
            manufacturer: Field::latin_1(&manufacturer),
            product: Field::latin_1(&model),
            serial: Field::latin_1(&serial),
            ..Board::default()
        }),
        product: Some(Product {
            language: Language::ENGLISH,
            manufacturer: Field::latin_1(&manufacturer),
            name: Field::latin_1(&name),
            part_number: Field::latin_1(&model),
            version: Field::latin_1(&version),
            serial: Field::latin_1(&serial),
            asset_tag: Field::latin_1(asset_tag),
            ..Product::default()
        }),
        ..FruInventory::default()
    };
    let mut image = [0; SIZE];
    Writer::new(&mut image).value(&inventory)?;
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::MachineIdentity;

    #[test]
    fn generated_inventory_is_whole_and_can_be_written_over() {
        let machine = MachineIdentity {
            name: "node1".into(),
            manufacturer: "Hypervisor".into(),
            ..MachineIdentity::default()
        };
        let identity = Identity::new("node1".into(), machine);
        let mut fru = Fru::default();
        let mut image = [0; SIZE];
        assert_eq!(fru.read(&identity, b"tag", 0, &mut image), Ok(SIZE));
        let inventory = FruInventory::parse(&image).unwrap();
        let product = inventory.product.unwrap();
        assert_eq!(product.name.as_bytes(), b"node1");
        assert_eq!(product.asset_tag.as_bytes(), b"tag");
        assert!(!product.serial.as_bytes().is_empty());
        fru.write(&identity, b"", 2_046, &[1, 2]).unwrap();
        let mut end = [0; 8];
        assert_eq!(fru.read(&identity, b"", 2_045, &mut end), Ok(3));
        assert_eq!(end[..3], [0, 1, 2]);
        assert!(fru.write(&identity, b"", 2_047, &[1, 2]).is_err());
        assert!(fru.read(&identity, b"", 2_048, &mut end).is_err());
    }
}
