//! FRU inventory: who made a part, its numbers, its owner's notes (FRU Information Storage Definition 1.3).
//!
//! [`FruInventory`] reads an inventory in place, without copying, and writes one into a caller's buffer. Reading
//! checks versions, lengths and checksums; whatever is wrong is an error, never a panic.

mod area;
mod field;
mod header;
mod multirecord;

pub use area::{Board, Chassis, ChassisType, Language, Product};
pub use field::{Field, FieldIter, Fields, MAX_FIELD_LENGTH};
pub use header::FruHeader;
pub use multirecord::{MultiRecord, MultiRecordIter, MultiRecordType, MultiRecords};

use crate::wire::{Encode, Reader, WireError, Writer};

/// Lengths and offsets inside an inventory count units of so many bytes.
const UNIT: usize = 8;
/// Version of the header and of all areas.
const FORMAT_VERSION: u8 = 0x01;

/// A FRU inventory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FruInventory<'a> {
    /// Data for the controller's own use. Read with the padding behind it.
    pub internal: Option<&'a [u8]>,
    /// The chassis that the part is in.
    pub chassis: Option<Chassis<'a>>,
    /// The board that the part is.
    pub board: Option<Board<'a>>,
    /// The product that the part belongs to.
    pub product: Option<Product<'a>>,
    /// Further records.
    pub multirecords: MultiRecords<'a>,
}

impl<'a> FruInventory<'a> {
    /// Reads an inventory. Bytes after the last area are ignored.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if an area goes beyond `bytes`; [`WireError::Invalid`] if a version or a checksum is
    /// wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let header: FruHeader = Reader::new(bytes).value()?;
        let area = |offset: u8| match offset {
            0 => Ok(None),
            offset => bytes
                .get(usize::from(offset) * UNIT..)
                .map(Some)
                .ok_or(WireError::Truncated),
        };
        Ok(Self {
            internal: area(header.internal)?
                .map(|rest| internal(rest, header.internal, &header))
                .transpose()?,
            chassis: area(header.chassis)?.map(Chassis::parse).transpose()?,
            board: area(header.board)?.map(Board::parse).transpose()?,
            product: area(header.product)?.map(Product::parse).transpose()?,
            multirecords: area(header.multirecord)?
                .map(MultiRecords::parse)
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

/// The data of the internal use area, which has no length of its own: it goes on to the next area.
fn internal<'a>(rest: &'a [u8], start: u8, header: &FruHeader) -> Result<&'a [u8], WireError> {
    let end = [header.chassis, header.board, header.product, header.multirecord]
        .into_iter()
        .filter(|offset| *offset > start)
        .min();
    let length = end.map_or(rest.len(), |end| usize::from(end - start) * UNIT);
    let mut reader = Reader::new(rest.get(..length).ok_or(WireError::Truncated)?);
    if reader.u8()? != FORMAT_VERSION {
        return Err(WireError::Invalid);
    }
    Ok(reader.rest())
}

/// [`WireError::Invalid`] if an area or an offset is too large for its length field, which is 2,040 bytes.
impl Encode for FruInventory<'_> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let start = writer.len();
        writer.value(&FruHeader::default())?;
        let mut header = FruHeader::default();
        let position =
            |writer: &Writer<'_>| u8::try_from((writer.len() - start) / UNIT).map_err(|_| WireError::Invalid);
        if let Some(data) = self.internal {
            header.internal = position(writer)?;
            writer.u8(FORMAT_VERSION)?;
            writer.bytes(data)?;
            pad(writer, start, 0)?;
        }
        if let Some(chassis) = &self.chassis {
            header.chassis = position(writer)?;
            writer.value(chassis)?;
        }
        if let Some(board) = &self.board {
            header.board = position(writer)?;
            writer.value(board)?;
        }
        if let Some(product) = &self.product {
            header.product = position(writer)?;
            writer.value(product)?;
        }
        if !self.multirecords.is_empty() {
            header.multirecord = position(writer)?;
            writer.value(&self.multirecords)?;
        }
        // The offsets are known only now.
        let place = writer.written_mut().get_mut(start..).unwrap_or_default();
        Writer::new(place).value(&header)
    }
}

/// Writes zeros until `after` more bytes end on a unit, counted from `start`.
fn pad(writer: &mut Writer<'_>, start: usize, after: usize) -> Result<(), WireError> {
    while !(writer.len() - start + after).is_multiple_of(UNIT) {
        writer.u8(0)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
