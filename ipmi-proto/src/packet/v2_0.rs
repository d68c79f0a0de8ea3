//! The session packet of IPMI 2.0, RMCP+ (IPMI 2.0 §13.6).

use core::ops::Range;

use super::RMCP_PLUS_FORMAT;
use crate::wire::{Reader, WireError, Writer, code_points};

/// Length of the header with an ordinary payload type.
pub const HEADER_LENGTH: usize = 12;
/// What stands between padding and authentication code.
pub const NEXT_HEADER: u8 = 0x07;
/// The bytes that pad the authenticated part to a multiple of four.
pub const INTEGRITY_PAD: u8 = 0xff;

const ENCRYPTED: u8 = 0x80;
const AUTHENTICATED: u8 = 0x40;

code_points! {
    /// What a packet carries, 6 bits (IPMI 2.0 §13.27.3).
    pub struct PayloadType(u8) {
        IPMI = 0x00, "IPMI message";
        SOL = 0x01, "Serial over LAN";
        OEM_EXPLICIT = 0x02, "OEM explicit";
        OPEN_SESSION_REQUEST = 0x10, "RMCP+ Open Session Request";
        OPEN_SESSION_RESPONSE = 0x11, "RMCP+ Open Session Response";
        RAKP_1 = 0x12, "RAKP Message 1";
        RAKP_2 = 0x13, "RAKP Message 2";
        RAKP_3 = 0x14, "RAKP Message 3";
        RAKP_4 = 0x15, "RAKP Message 4";
    }
}

impl PayloadType {
    /// Whether the payload belongs to the setting-up of a session and is sent outside of it.
    #[must_use]
    pub const fn is_handshake(self) -> bool {
        matches!(self.0, 0x10..=0x15)
    }
}

/// The session header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The payload is encrypted.
    pub encrypted: bool,
    /// An integrity trailer follows the payload.
    pub authenticated: bool,
    /// What the payload is.
    pub payload_type: PayloadType,
    /// Enterprise number and payload number of an [`OEM_EXPLICIT`](PayloadType::OEM_EXPLICIT) payload.
    pub oem: Option<[u8; 6]>,
    /// Session number, 0 outside a session.
    pub session: u32,
    /// Session sequence number, 0 outside a session.
    pub sequence: u32,
}

/// A packet whose header was read: where its parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The header.
    pub header: Header,
    /// Where the payload is, in bytes after the RMCP header.
    pub payload: Range<usize>,
}

impl Layout {
    /// Reads the header of the packet after the RMCP header.
    ///
    /// # Errors
    /// [`WireError`] if it is cut, or the payload is.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let [format, kind] = reader.array()?;
        if format != RMCP_PLUS_FORMAT {
            return Err(WireError::Invalid);
        }
        let payload_type = PayloadType(kind & 0x3f);
        let oem = match payload_type {
            PayloadType::OEM_EXPLICIT => Some(reader.array()?),
            _ => None,
        };
        let header = Header {
            encrypted: kind & ENCRYPTED != 0,
            authenticated: kind & AUTHENTICATED != 0,
            payload_type,
            oem,
            session: reader.value()?,
            sequence: reader.value()?,
        };
        let length = usize::from(reader.value::<u16>()?);
        let start = bytes.len() - reader.remaining();
        reader.slice(length)?;
        Ok(Self {
            header,
            payload: start..start + length,
        })
    }

    /// Splits an authenticated packet into what the authentication code covers and the code.
    ///
    /// # Errors
    /// [`WireError`] if the trailer is cut or does not fit: the padding fills up to a multiple of four, the
    /// pad length agrees, and nothing follows the code.
    pub fn trailer<'a>(
        &self,
        bytes: &'a [u8],
        code_length: usize,
    ) -> Result<(&'a [u8], &'a [u8]), WireError> {
        let covered = bytes.len().checked_sub(code_length).ok_or(WireError::Truncated)?;
        let (covered, code) = bytes.split_at_checked(covered).ok_or(WireError::Truncated)?;
        let [.., pad_length, next_header] = covered else {
            return Err(WireError::Truncated);
        };
        let expected = self.payload.end + usize::from(*pad_length) + 2;
        if expected != covered.len() || *next_header != NEXT_HEADER {
            return Err(WireError::Invalid);
        }
        Ok((covered, code))
    }
}

impl Header {
    /// Writes the header and the length of the payload.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit, or the length is over 65,535.
    pub fn write(&self, payload_length: usize, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let length = u16::try_from(payload_length).map_err(|_| WireError::BufferTooSmall)?;
        let flags =
            if self.encrypted { ENCRYPTED } else { 0 } | if self.authenticated { AUTHENTICATED } else { 0 };
        writer.bytes(&[RMCP_PLUS_FORMAT, flags | self.payload_type.0])?;
        if let Some(oem) = &self.oem {
            writer.bytes(oem)?;
        }
        writer.value(&self.session)?;
        writer.value(&self.sequence)?;
        writer.value(&length)
    }
}

/// Writes padding, pad length and next header after `packet_length` bytes of a packet, so that everything
/// before the authentication code is a multiple of four long.
///
/// # Errors
/// [`WireError::BufferTooSmall`] if they do not fit.
pub fn write_trailer(packet_length: usize, writer: &mut Writer<'_>) -> Result<(), WireError> {
    let pad = (packet_length + 2).next_multiple_of(4) - (packet_length + 2);
    let pads = [INTEGRITY_PAD; 3];
    writer.bytes(pads.get(..pad).unwrap_or_default())?;
    writer.bytes(&[u8::try_from(pad).unwrap_or_default(), NEXT_HEADER])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_goes_both_ways_and_every_truncation_is_seen() {
        let header = Header {
            encrypted: true,
            authenticated: true,
            payload_type: PayloadType::SOL,
            oem: None,
            session: 0x0403_0201,
            sequence: 9,
        };
        let mut output = [0xa5; 64];
        let mut writer = Writer::new(&mut output);
        header.write(5, &mut writer).unwrap();
        writer.bytes(&[1, 2, 3, 4, 5]).unwrap();
        let length = writer.len();
        write_trailer(length, &mut writer).unwrap();
        assert_eq!(writer.len() % 4, 0);
        writer.bytes(&[7; 12]).unwrap();
        let packet = writer.written();
        assert_eq!(packet[..12], [0x06, 0xc1, 1, 2, 3, 4, 9, 0, 0, 0, 5, 0]);
        let layout = Layout::parse(packet).unwrap();
        assert_eq!(
            layout,
            Layout {
                header,
                payload: 12..17
            }
        );
        assert_eq!(layout.trailer(packet, 12).unwrap().1, [7; 12]);
        for length in 0..17 {
            assert_eq!(
                Layout::parse(&packet[..length]),
                Err(WireError::Truncated),
                "{length} bytes"
            );
        }
        for length in 17..packet.len() {
            assert!(layout.trailer(&packet[..length], 12).is_err(), "{length} bytes");
        }
    }
}
