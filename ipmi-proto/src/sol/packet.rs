//! The SOL packet: four bytes of header and up to 255 characters (IPMI 2.0 §15.9).

use super::SolDrop;
use crate::wire::{Decode, Encode, LowBits, Reader, WireError, Writer, packed};

/// Bytes before the characters.
pub const HEADER_LENGTH: usize = 4;
/// The most characters of a packet: the accepted count of an acknowledgement is a byte.
pub const MAX_CHARACTERS: usize = 255;
/// Bytes of the longest packet.
pub const MAX_PACKET_LENGTH: usize = HEADER_LENGTH + MAX_CHARACTERS;
/// The highest sequence number; 1 comes after it. 0 is for packets that are not acknowledged.
pub const MAX_SEQUENCE: u8 = 15;

/// The header of a packet. `F` are the flags of its direction: [`ConsoleControl`] or [`ManagedStatus`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SolHeader<F> {
    /// Number of the packet, 1 to [`MAX_SEQUENCE`]; 0 for one that only acknowledges.
    pub sequence: u8,
    /// Number of the packet that is acknowledged; 0 for none.
    pub acknowledged: u8,
    /// How many characters of that packet were accepted.
    pub accepted: u8,
    /// Operations or status.
    pub flags: F,
}

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolPacket<'a, F> {
    /// Everything before the characters.
    pub header: SolHeader<F>,
    /// The characters.
    pub characters: &'a [u8],
}

impl<'a, F: Decode> SolPacket<'a, F> {
    /// Reads the payload of a packet.
    ///
    /// # Errors
    /// [`SolDrop::Malformed`] if it is shorter than a header or has more than [`MAX_CHARACTERS`] characters.
    pub fn parse(payload: &'a [u8]) -> Result<Self, SolDrop> {
        let mut reader = Reader::new(payload);
        let header = reader.value().map_err(|_| SolDrop::Malformed)?;
        let characters = reader.rest();
        if characters.len() > MAX_CHARACTERS {
            return Err(SolDrop::Malformed);
        }
        Ok(Self { header, characters })
    }
}

impl<F: Encode> Encode for SolPacket<'_, F> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.header)?;
        writer.bytes(self.characters)
    }
}

impl<F: Decode> Decode for SolHeader<F> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            sequence: reader.value::<LowBits<u8, 4>>()?.0,
            acknowledged: reader.value::<LowBits<u8, 4>>()?.0,
            accepted: reader.u8()?,
            flags: reader.value()?,
        })
    }
}

impl<F: Encode> Encode for SolHeader<F> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&LowBits::<u8, 4>(self.sequence))?;
        writer.value(&LowBits::<u8, 4>(self.acknowledged))?;
        writer.u8(self.accepted)?;
        writer.value(&self.flags)
    }
}

packed! {
    /// What the console wants, beside sending characters.
    #[derive(Hash)]
    pub struct ConsoleControl: u8 {
        /// The acknowledged packet was not accepted.
        nack: bool = 6, 6;
        /// Ring indicator: wake up on ring.
        ring: bool = 5, 5;
        /// Send a break to the system.
        generate_break: bool = 4, 4;
        /// Deassert CTS: the system shall send nothing.
        pause: bool = 3, 3;
        /// Deassert DCD and DSR.
        hang_up: bool = 2, 2;
        /// Discard characters to the system that it has not taken yet.
        flush_inbound: bool = 1, 1;
        /// Discard characters of the system that have not been sent yet.
        flush_outbound: bool = 0, 0;
    }
}

packed! {
    /// What the BMC says, beside sending characters.
    #[derive(Hash)]
    pub struct ManagedStatus: u8 {
        /// The acknowledged packet was not accepted.
        nack: bool = 6, 6;
        /// Characters cannot be passed to the system at present.
        unavailable: bool = 5, 5;
        /// The BMC ends the payload; nothing follows.
        deactivating: bool = 4, 4;
        /// Characters of the system were lost before this packet.
        overrun: bool = 3, 3;
        /// The system sent a break.
        break_received: bool = 2, 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions() {
        let bytes = hex_literal::hex!("0f 01 03 10 6c730a");
        let packet = SolPacket::<ConsoleControl>::parse(&bytes).unwrap();
        assert_eq!(
            (
                packet.header.sequence,
                packet.header.acknowledged,
                packet.header.accepted
            ),
            (15, 1, 3)
        );
        assert!(packet.header.flags.generate_break);
        assert_eq!(packet.characters, b"ls\n");
        let mut buffer = [0xa5; 7];
        Writer::new(&mut buffer).value(&packet).unwrap();
        assert_eq!(buffer, bytes);
        let status = SolPacket::<ManagedStatus>::parse(&[0, 0, 0, 0x60])
            .unwrap()
            .header
            .flags;
        assert!(status.nack && status.unavailable && !status.deactivating);
    }

    #[test]
    fn wrong_lengths() {
        for length in 0..HEADER_LENGTH {
            let cut = SolPacket::<ManagedStatus>::parse(&[0; HEADER_LENGTH][..length]);
            assert_eq!(cut, Err(SolDrop::Malformed));
        }
        assert!(SolPacket::<ManagedStatus>::parse(&[0; MAX_PACKET_LENGTH]).is_ok());
        let long = SolPacket::<ManagedStatus>::parse(&[0; MAX_PACKET_LENGTH + 1]);
        assert_eq!(long, Err(SolDrop::Malformed));
    }
}
