//! The session packet of IPMI 1.5 (IPMI 2.0 §13.6, table 13-8).

use crate::wire::{Reader, WireError, Writer};

/// Length of the authentication code, when there is one.
pub const AUTH_CODE_LENGTH: usize = 16;

/// The session header. The authentication code and the length follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Authentication type, 4 bits; 0: none, then no code follows.
    pub auth_type: u8,
    /// Session sequence number, 0 outside a session.
    pub sequence: u32,
    /// Session number, 0 outside a session.
    pub session: u32,
}

/// A whole session packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The header.
    pub header: Header,
    /// The authentication code, if the type has one.
    pub auth_code: Option<&'a [u8; AUTH_CODE_LENGTH]>,
    /// The IPMI message.
    pub message: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the packet after the RMCP header. A legacy pad byte after the message is accepted.
    ///
    /// # Errors
    /// [`WireError`] if it is cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let auth_type = reader.u8()? & 0x0f;
        let header = Header {
            auth_type,
            sequence: reader.value()?,
            session: reader.value()?,
        };
        let auth_code = match auth_type {
            0 => None,
            _ => Some(
                reader
                    .slice(AUTH_CODE_LENGTH)?
                    .first_chunk()
                    .ok_or(WireError::Truncated)?,
            ),
        };
        let length = reader.u8()?;
        let message = reader.slice(usize::from(length))?;
        Ok(Self {
            header,
            auth_code,
            message,
        })
    }

    /// Writes the packet after the RMCP header.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit, or the message is longer than 255 bytes.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let length = u8::try_from(self.message.len()).map_err(|_| WireError::BufferTooSmall)?;
        writer.u8(self.header.auth_type)?;
        writer.value(&self.header.sequence)?;
        writer.value(&self.header.session)?;
        if let Some(code) = self.auth_code {
            writer.bytes(code)?;
        }
        writer.u8(length)?;
        writer.bytes(self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// Get Channel Authentication Capabilities as ipmitool sends it, after the RMCP header.
    const PACKET: [u8; 19] = hex!("00 00000000 00000000 09 2018c8 8100388e04 b5");

    #[test]
    fn packet_goes_both_ways() {
        let packet = Packet::parse(&PACKET).unwrap();
        assert_eq!(
            packet.header,
            Header {
                auth_type: 0,
                sequence: 0,
                session: 0
            }
        );
        assert_eq!(packet.message.len(), 9);
        let mut output = [0xa5; 32];
        let mut writer = Writer::new(&mut output);
        packet.write(&mut writer).unwrap();
        assert_eq!(writer.written(), PACKET);
        for length in 0..PACKET.len() {
            assert_eq!(
                Packet::parse(&PACKET[..length]),
                Err(WireError::Truncated),
                "{length} bytes"
            );
        }
    }
}
