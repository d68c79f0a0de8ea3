//! The common header: where the areas of an inventory are (FRU definition §8).

use super::FORMAT_VERSION;
use crate::wire::{Decode, Encode, Reader, WireError, Writer, checksum};

/// Offsets of the areas in units of 8 bytes; 0 for an area that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FruHeader {
    /// Internal use area.
    pub internal: u8,
    /// Chassis info area.
    pub chassis: u8,
    /// Board info area.
    pub board: u8,
    /// Product info area.
    pub product: u8,
    /// Multirecord area.
    pub multirecord: u8,
}

/// [`WireError::Invalid`] if the version or the checksum is wrong.
impl Decode for FruHeader {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let bytes: [u8; 8] = reader.array()?;
        let [version, internal, chassis, board, product, multirecord, _, _] = bytes;
        if version & 0x0f != FORMAT_VERSION || checksum(&bytes) != 0 {
            return Err(WireError::Invalid);
        }
        Ok(Self {
            internal,
            chassis,
            board,
            product,
            multirecord,
        })
    }
}

impl Encode for FruHeader {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let bytes = [
            FORMAT_VERSION,
            self.internal,
            self.chassis,
            self.board,
            self.product,
            self.multirecord,
            0,
        ];
        writer.bytes(&bytes)?;
        writer.u8(checksum(&bytes))
    }
}
