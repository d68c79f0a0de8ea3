//! Fields that many commands share.

use core::fmt;

use crate::ipmb::{ChannelNumber, Privilege};
use crate::wire::{Decode, Encode, LowBits, Reader, WireError, Writer, code_points, packed};

/// A byte with a channel number in its low four bits.
pub type ChannelField = LowBits<ChannelNumber, 4>;
/// A byte with a privilege level in its low four bits.
pub type PrivilegeField = LowBits<Privilege, 4>;
/// A byte with a user ID in its low six bits. User 1 is the null user, 0 is reserved.
pub type UserIdField = LowBits<u8, 6>;

/// A globally unique ID in the order of its bytes on the wire (IPMI 2.0 §20.8), which is the reverse of the
/// order in which an RFC 4122 UUID is written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// The ID whose bytes are written as `uuid`, time field first.
    #[must_use]
    pub fn from_uuid(mut uuid: [u8; 16]) -> Self {
        uuid.reverse();
        Self(uuid)
    }

    /// The bytes in the order in which the ID is written, time field first.
    #[must_use]
    pub fn to_uuid(self) -> [u8; 16] {
        let mut uuid = self.0;
        uuid.reverse();
        uuid
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.to_uuid().iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Decode for Guid {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.array().map(Self)
    }
}

impl Encode for Guid {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&self.0)
    }
}

code_points! {
    /// Parameter 0 of all configuration commands, 2 bits: whether somebody is changing parameters.
    pub struct SetInProgress(u8) {
        COMPLETE = 0, "set complete";
        IN_PROGRESS = 1, "set in progress";
        COMMIT = 2, "commit write";
    }
}

packed! {
    /// First byte of the commands that read configuration parameters of a channel.
    pub struct ParameterChannel: u8 {
        /// Only the revision of the parameter is wanted, not its value.
        revision_only: bool = 7, 7;
        /// The channel.
        channel: ChannelNumber = 3, 0;
    }
}

packed! {
    /// First byte of the commands that read configuration parameters of the BMC itself.
    pub struct ParameterRevisionOnly: u8 {
        /// Only the revision of the parameter is wanted, not its value.
        revision_only: bool = 7, 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_travels_in_reverse_of_how_it_is_written() {
        let wire = hex_literal::hex!("0f0e0d0c0b0a09080706050403020100");
        let guid: Guid = Reader::new(&wire).value().unwrap();
        assert_eq!(std::format!("{guid}"), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        assert_eq!(Guid::from_uuid(guid.to_uuid()), guid);
    }
}
