//! The info areas: chassis, board and product (FRU definition §10 to §12).

use super::field::{Field, FieldReader, Fields, write_custom};
use super::{FORMAT_VERSION, UNIT, pad};
use crate::wire::{Encode, Reader, U24, WireError, Writer, checksum, code_points};

code_points! {
    /// Language of a board or product area.
    pub struct Language(u8) {
        ENGLISH_DEFAULT = 0x00, "English";
        ENGLISH = 0x19, "English";
    }
}

impl Language {
    /// Whether texts of 8 bits are Latin-1; in other languages they are UCS-2.
    #[must_use]
    pub const fn is_english(self) -> bool {
        matches!(self, Self::ENGLISH_DEFAULT | Self::ENGLISH)
    }
}

code_points! {
    /// Kind of a chassis (SMBIOS, System Enclosure type).
    pub struct ChassisType(u8) {
        OTHER = 0x01, "other";
        UNKNOWN = 0x02, "unknown";
        DESKTOP = 0x03, "desktop";
        TOWER = 0x07, "tower";
        MAIN_SERVER = 0x11, "main server chassis";
        RACK_MOUNT = 0x17, "rack mount chassis";
        BLADE = 0x1c, "blade";
    }
}

/// A chassis info area. Its texts are in English.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chassis<'a> {
    /// Kind of the chassis.
    pub chassis_type: ChassisType,
    /// Part number.
    pub part_number: Field<'a>,
    /// Serial number.
    pub serial: Field<'a>,
    /// Further fields.
    pub custom: Fields<'a>,
}

/// A board info area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Board<'a> {
    /// Language of the texts.
    pub language: Language,
    /// When it was made: minutes since 1996-01-01 00:00 UTC, 24 bits; 0 if that is not known.
    pub manufactured: U24,
    /// Manufacturer.
    pub manufacturer: Field<'a>,
    /// Product name.
    pub product: Field<'a>,
    /// Serial number.
    pub serial: Field<'a>,
    /// Part number.
    pub part_number: Field<'a>,
    /// Version of the file that the inventory was made from.
    pub file_id: Field<'a>,
    /// Further fields.
    pub custom: Fields<'a>,
}

/// A product info area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Product<'a> {
    /// Language of the texts.
    pub language: Language,
    /// Manufacturer.
    pub manufacturer: Field<'a>,
    /// Product name.
    pub name: Field<'a>,
    /// Part or model number.
    pub part_number: Field<'a>,
    /// Version.
    pub version: Field<'a>,
    /// Serial number.
    pub serial: Field<'a>,
    /// Asset tag.
    pub asset_tag: Field<'a>,
    /// Version of the file that the inventory was made from.
    pub file_id: Field<'a>,
    /// Further fields.
    pub custom: Fields<'a>,
}

impl<'a> Chassis<'a> {
    /// Reads the area at the front of `bytes`.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if the area or a field is cut, [`WireError::Invalid`] if version or checksum is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = open(bytes)?;
        let chassis_type = reader.value()?;
        let mut fields = FieldReader::new(reader.rest());
        Ok(Self {
            chassis_type,
            part_number: fields.field()?,
            serial: fields.field()?,
            custom: fields.custom()?,
        })
    }
}

impl<'a> Board<'a> {
    /// Reads the area at the front of `bytes`.
    ///
    /// # Errors
    /// As [`Chassis::parse`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = open(bytes)?;
        let language = reader.value()?;
        let manufactured = reader.value()?;
        let mut fields = FieldReader::new(reader.rest());
        Ok(Self {
            language,
            manufactured,
            manufacturer: fields.field()?,
            product: fields.field()?,
            serial: fields.field()?,
            part_number: fields.field()?,
            file_id: fields.field()?,
            custom: fields.custom()?,
        })
    }
}

impl<'a> Product<'a> {
    /// Reads the area at the front of `bytes`.
    ///
    /// # Errors
    /// As [`Chassis::parse`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = open(bytes)?;
        let language = reader.value()?;
        let mut fields = FieldReader::new(reader.rest());
        Ok(Self {
            language,
            manufacturer: fields.field()?,
            name: fields.field()?,
            part_number: fields.field()?,
            version: fields.field()?,
            serial: fields.field()?,
            asset_tag: fields.field()?,
            file_id: fields.field()?,
            custom: fields.custom()?,
        })
    }
}

impl Encode for Chassis<'_> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        write(writer, |writer| {
            writer.value(&self.chassis_type)?;
            writer.value(&self.part_number)?;
            writer.value(&self.serial)?;
            write_custom(&self.custom, writer)
        })
    }
}

impl Encode for Board<'_> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        write(writer, |writer| {
            writer.value(&self.language)?;
            writer.value(&self.manufactured)?;
            for field in [
                self.manufacturer,
                self.product,
                self.serial,
                self.part_number,
                self.file_id,
            ] {
                writer.value(&field)?;
            }
            write_custom(&self.custom, writer)
        })
    }
}

impl Encode for Product<'_> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        write(writer, |writer| {
            writer.value(&self.language)?;
            for field in [
                self.manufacturer,
                self.name,
                self.part_number,
                self.version,
                self.serial,
                self.asset_tag,
                self.file_id,
            ] {
                writer.value(&field)?;
            }
            write_custom(&self.custom, writer)
        })
    }
}

/// What stands between the length and the checksum of the area at the front of `bytes`.
fn open(bytes: &[u8]) -> Result<Reader<'_>, WireError> {
    let [version, length] = Reader::new(bytes).array()?;
    if version & 0x0f != FORMAT_VERSION {
        return Err(WireError::Invalid);
    }
    let area = bytes
        .get(..usize::from(length) * UNIT)
        .ok_or(WireError::Truncated)?;
    let [_, _, content @ .., _] = area else {
        return Err(WireError::Invalid);
    };
    if checksum(area) != 0 {
        return Err(WireError::Invalid);
    }
    Ok(Reader::new(content))
}

/// Writes an area around its content: version, length, padding, checksum.
fn write(
    writer: &mut Writer<'_>,
    content: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let start = writer.len();
    writer.bytes(&[FORMAT_VERSION, 0])?;
    content(writer)?;
    pad(writer, start, 1)?;
    let units = (writer.len() - start + 1) / UNIT;
    let area = writer.written_mut().get_mut(start..).unwrap_or_default();
    if let [_, length, ..] = area {
        *length = u8::try_from(units).map_err(|_| WireError::Invalid)?;
    }
    let sum = checksum(area);
    writer.u8(sum)
}
