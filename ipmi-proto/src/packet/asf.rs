//! ASF presence ping and pong, with which consoles look for BMCs (IPMI 2.0 §13.2). Big-endian.

use crate::wire::{Reader, WireError, Writer};

/// The ASF-RMCP enterprise number.
const ASF_ENTERPRISE: [u8; 4] = 4_542_u32.to_be_bytes();
const TYPE_PING: u8 = 0x80;
const TYPE_PONG: u8 = 0x40;
const PONG_DATA_LENGTH: u8 = 0x10;
/// The tag of a ping that wants no answer.
const TAG_NO_ANSWER: u8 = 0xff;
/// Supported entities: IPMI, and ASF version 1.0.
const ENTITIES_IPMI: u8 = 0x81;

/// A presence ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Matches the pong to the ping.
    pub tag: u8,
}

impl Ping {
    /// Reads the part of a ping after the RMCP header.
    ///
    /// # Errors
    /// [`WireError`] if it is cut or another ASF message.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let enterprise = reader.array::<4>()?;
        let [kind, tag, _, _length] = reader.array()?;
        if enterprise == ASF_ENTERPRISE && kind == TYPE_PING {
            Ok(Self { tag })
        } else {
            Err(WireError::Invalid)
        }
    }

    /// Writes the part after the RMCP header.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&ASF_ENTERPRISE)?;
        writer.bytes(&[TYPE_PING, self.tag, 0, 0])
    }

    /// The pong that answers, if the ping wants one.
    #[must_use]
    pub const fn answer(&self) -> Option<Pong> {
        if self.tag == TAG_NO_ANSWER {
            None
        } else {
            Some(Pong {
                tag: self.tag,
                supports_ipmi: true,
            })
        }
    }
}

/// The answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong {
    /// Tag of the ping.
    pub tag: u8,
    /// The sender speaks IPMI.
    pub supports_ipmi: bool,
}

impl Pong {
    /// Reads the part of a pong after the RMCP header.
    ///
    /// # Errors
    /// [`WireError`] if it is cut or another ASF message.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let enterprise = reader.array::<4>()?;
        let [kind, tag, _, _length] = reader.array()?;
        let _oem = reader.array::<8>()?;
        let [entities, _interactions] = reader.array()?;
        let _reserved = reader.array::<6>()?;
        if enterprise != ASF_ENTERPRISE || kind != TYPE_PONG {
            return Err(WireError::Invalid);
        }
        Ok(Self {
            tag,
            supports_ipmi: entities & 0x80 != 0,
        })
    }

    /// Writes the part after the RMCP header.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&ASF_ENTERPRISE)?;
        writer.bytes(&[TYPE_PONG, self.tag, 0, PONG_DATA_LENGTH])?;
        // No OEM of its own: the ASF number again and no OEM-defined word.
        writer.bytes(&ASF_ENTERPRISE)?;
        writer.bytes(&[0; 4])?;
        writer.bytes(&[if self.supports_ipmi { ENTITIES_IPMI } else { 0x01 }, 0])?;
        writer.bytes(&[0; 6])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn ping_of_ipmitool_gets_its_pong() {
        // Sent by ipmitool -I lan after the RMCP header.
        let ping = Ping::parse(&hex!("000011be 80 00 00 00")).unwrap();
        let mut output = [0xa5; 32];
        let mut writer = Writer::new(&mut output);
        ping.answer().unwrap().write(&mut writer).unwrap();
        assert_eq!(
            writer.written(),
            hex!("000011be 40 00 00 10 000011be 00000000 81 00 000000000000")
        );
        assert_eq!(
            Pong::parse(writer.written()),
            Ok(Pong {
                tag: 0,
                supports_ipmi: true
            })
        );
        assert_eq!(Ping { tag: 0xff }.answer(), None);
    }
}
