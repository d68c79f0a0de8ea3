//! The Remote Management Control Protocol header (IPMI 2.0 §13.1).

use crate::wire::{Reader, WireError, Writer};

/// The version of RMCP that ASF 1.0 and 2.0 and all of IPMI use.
pub const VERSION: u8 = 0x06;
/// The sequence number of a message that wants no acknowledge. All IPMI messages have it.
pub const NO_ACKNOWLEDGE: u8 = 0xff;
/// Length of the header.
pub const HEADER_LENGTH: usize = 4;

const ACKNOWLEDGE: u8 = 0x80;
const CLASS_ASF: u8 = 0x06;
const CLASS_IPMI: u8 = 0x07;

/// What an RMCP message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// Alert Standard Format: presence ping and pong.
    Asf,
    /// IPMI.
    Ipmi,
    /// Something else; dropped.
    Other(u8),
}

/// The header of every datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sequence number; [`NO_ACKNOWLEDGE`] asks for none.
    pub sequence: u8,
    /// What follows.
    pub class: Class,
    /// This is an acknowledge: nothing follows.
    pub is_acknowledge: bool,
}

impl Header {
    /// The header of every IPMI message.
    pub const IPMI: Self = Self {
        sequence: NO_ACKNOWLEDGE,
        class: Class::Ipmi,
        is_acknowledge: false,
    };
    /// The header of every ASF message that we send.
    pub const ASF: Self = Self {
        sequence: NO_ACKNOWLEDGE,
        class: Class::Asf,
        is_acknowledge: false,
    };

    /// Reads the header.
    ///
    /// # Errors
    /// [`WireError`] if it is cut or of another version. The reserved byte is not looked at.
    pub fn parse(datagram: &[u8]) -> Result<Self, WireError> {
        let [version, _, sequence, class] = Reader::new(datagram).array()?;
        if version != VERSION {
            return Err(WireError::Invalid);
        }
        let is_acknowledge = class & ACKNOWLEDGE != 0;
        let class = match class & !ACKNOWLEDGE {
            CLASS_ASF => Class::Asf,
            CLASS_IPMI => Class::Ipmi,
            other => Class::Other(other),
        };
        Ok(Self {
            sequence,
            class,
            is_acknowledge,
        })
    }

    /// Writes the header.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let class = match self.class {
            Class::Asf => CLASS_ASF,
            Class::Ipmi => CLASS_IPMI,
            Class::Other(other) => other,
        };
        writer.bytes(&[
            VERSION,
            0,
            self.sequence,
            class | if self.is_acknowledge { ACKNOWLEDGE } else { 0 },
        ])
    }
}

/// The acknowledge that is owed for a datagram, to be sent before any answer; `None` if none is
/// (IPMI 2.0 §13.1.1): the sender asked for none, the datagram is one itself, or it is not for us.
#[must_use]
pub fn acknowledge(datagram: &[u8]) -> Option<[u8; HEADER_LENGTH]> {
    let header = Header::parse(datagram).ok()?;
    if header.sequence == NO_ACKNOWLEDGE || header.is_acknowledge || matches!(header.class, Class::Other(_)) {
        return None;
    }
    let mut bytes = [0; HEADER_LENGTH];
    Header {
        is_acknowledge: true,
        ..header
    }
    .write(&mut Writer::new(&mut bytes))
    .ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_goes_both_ways() {
        let bytes = [0x06, 0x00, 0xff, 0x07];
        assert_eq!(Header::parse(&bytes), Ok(Header::IPMI));
        let mut output = [0xa5; 4];
        Header::IPMI.write(&mut Writer::new(&mut output)).unwrap();
        assert_eq!(output, bytes);
    }

    #[test]
    fn only_a_numbered_message_is_acknowledged() {
        assert_eq!(acknowledge(&[6, 0, 0x11, 0x07, 1, 2]), Some([6, 0, 0x11, 0x87]));
        assert_eq!(acknowledge(&[6, 0, 0x11, 0x06]), Some([6, 0, 0x11, 0x86]));
        assert_eq!(acknowledge(&[6, 0, 0xff, 0x07]), None);
        assert_eq!(acknowledge(&[6, 0, 0x11, 0x87]), None);
        assert_eq!(acknowledge(&[6, 0, 0x11, 0x08]), None);
        assert_eq!(acknowledge(&[5, 0, 0x11, 0x07]), None);
        assert_eq!(acknowledge(&[6, 0, 0x11]), None);
    }
}
