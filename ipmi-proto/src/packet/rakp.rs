//! RAKP messages 1 to 4, the authenticated key exchange of a login (IPMI 2.0 §13.20 to §13.23).

use super::RmcpPlusStatus;
use crate::ipmb::Privilege;
use crate::wire::{Bytes, Reader, WireError, Writer};

/// Longest user name.
pub const MAX_USER_NAME: usize = 16;

/// The role byte of RAKP 1 as it was sent: it goes into the codes with all its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role(pub u8);

impl Role {
    /// A role byte.
    #[must_use]
    pub const fn new(privilege: Privilege, name_only_lookup: bool) -> Self {
        Self(privilege.0 & 0x0f | if name_only_lookup { 0x10 } else { 0 })
    }

    /// The wanted privilege.
    #[must_use]
    pub const fn privilege(self) -> Privilege {
        Privilege(self.0 & 0x0f)
    }

    /// The user is looked up by name alone, not by name and privilege.
    #[must_use]
    pub const fn is_name_only_lookup(self) -> bool {
        self.0 & 0x10 != 0
    }
}

/// The console says who it is and sends its random number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rakp1 {
    /// Matches the answer to the message.
    pub tag: u8,
    /// The number that the BMC gave the session.
    pub bmc_session: u32,
    /// The console's random number.
    pub console_random: [u8; 16],
    /// Wanted privilege and kind of lookup.
    pub role: Role,
    /// Length of the name as sent; over 16 is an error that has a status code.
    pub name_length: u8,
    /// The name.
    pub name: Bytes<MAX_USER_NAME>,
}

impl Rakp1 {
    /// The tag and the BMC's session number of a message that may be malformed after them.
    #[must_use]
    pub fn identify(payload: &[u8]) -> Option<(u8, u32)> {
        let mut reader = Reader::new(payload);
        let [tag, ..] = reader.array::<4>().ok()?;
        Some((tag, reader.value().ok()?))
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// [`WireError`] if it is cut or longer than its name.
    pub fn parse(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(payload);
        let [tag, ..] = reader.array::<4>()?;
        let bmc_session = reader.value()?;
        let console_random = reader.array()?;
        let [role, _, _, name_length] = reader.array()?;
        let name = if usize::from(name_length) > MAX_USER_NAME {
            Bytes::new()
        } else {
            let name = reader.slice(usize::from(name_length))?;
            reader.finish()?;
            Bytes::from_slice(name).map_err(|_| WireError::Invalid)?
        };
        Ok(Self {
            tag,
            bmc_session,
            console_random,
            role: Role(role),
            name_length,
            name,
        })
    }

    /// Writes the payload.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&[self.tag, 0, 0, 0])?;
        writer.value(&self.bmc_session)?;
        writer.bytes(&self.console_random)?;
        writer.bytes(&[self.role.0, 0, 0, self.name_length])?;
        writer.bytes(&self.name)
    }
}

/// What RAKP 2 and RAKP 4 have in common: to whom, and how it went. An error has nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<T> {
    /// Tag of the message that is answered.
    pub tag: u8,
    /// The number that the console gave the session.
    pub console_session: u32,
    /// The rest, or what went wrong.
    pub outcome: Result<T, RmcpPlusStatus>,
}

/// The BMC sends its random number and proves that it knows the user's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rakp2<'a> {
    /// The BMC's random number.
    pub bmc_random: [u8; 16],
    /// The BMC's GUID.
    pub guid: [u8; 16],
    /// Key exchange authentication code; empty where the algorithm has none.
    pub code: &'a [u8],
}

/// The console proves that it knows the user's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rakp3<'a> {
    /// Matches the answer to the message.
    pub tag: u8,
    /// Not [`NO_ERRORS`](RmcpPlusStatus::NO_ERRORS): the console gives up.
    pub status: RmcpPlusStatus,
    /// The number that the BMC gave the session.
    pub bmc_session: u32,
    /// Key exchange authentication code; empty where the algorithm has none.
    pub code: &'a [u8],
}

/// The BMC proves that it derived the same session key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rakp4<'a> {
    /// Integrity check value; empty where the algorithm has none.
    pub code: &'a [u8],
}

fn parse_reply<'a, T>(
    payload: &'a [u8],
    parse: impl FnOnce(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<Reply<T>, WireError> {
    let mut reader = Reader::new(payload);
    let [tag, status, _, _] = reader.array()?;
    let console_session = reader.value()?;
    let outcome = match RmcpPlusStatus(status) {
        RmcpPlusStatus::NO_ERRORS => Ok(parse(&mut reader)?),
        error => Err(error),
    };
    Ok(Reply {
        tag,
        console_session,
        outcome,
    })
}

impl<T> Reply<T> {
    fn write_with(
        &self,
        writer: &mut Writer<'_>,
        write: impl FnOnce(&T, &mut Writer<'_>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        let status = self.outcome.as_ref().err().copied().unwrap_or_default();
        writer.bytes(&[self.tag, status.0, 0, 0])?;
        writer.value(&self.console_session)?;
        self.outcome.as_ref().map_or(Ok(()), |value| write(value, writer))
    }
}

impl<'a> Reply<Rakp2<'a>> {
    /// Reads the payload of RAKP 2.
    ///
    /// # Errors
    /// [`WireError`] if it is cut.
    pub fn parse(payload: &'a [u8]) -> Result<Self, WireError> {
        parse_reply(payload, |reader| {
            Ok(Rakp2 {
                bmc_random: reader.array()?,
                guid: reader.array()?,
                code: reader.rest(),
            })
        })
    }

    /// Writes the payload of RAKP 2.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        self.write_with(writer, |message, writer| {
            writer.bytes(&message.bmc_random)?;
            writer.bytes(&message.guid)?;
            writer.bytes(message.code)
        })
    }
}

impl<'a> Rakp3<'a> {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`WireError`] if it is cut.
    pub fn parse(payload: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(payload);
        let [tag, status, _, _] = reader.array()?;
        Ok(Self {
            tag,
            status: RmcpPlusStatus(status),
            bmc_session: reader.value()?,
            code: reader.rest(),
        })
    }

    /// Writes the payload.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&[self.tag, self.status.0, 0, 0])?;
        writer.value(&self.bmc_session)?;
        writer.bytes(self.code)
    }
}

impl<'a> Reply<Rakp4<'a>> {
    /// Reads the payload of RAKP 4.
    ///
    /// # Errors
    /// [`WireError`] if it is cut.
    pub fn parse(payload: &'a [u8]) -> Result<Self, WireError> {
        parse_reply(payload, |reader| Ok(Rakp4 { code: reader.rest() }))
    }

    /// Writes the payload of RAKP 4.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        self.write_with(writer, |message, writer| writer.bytes(message.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>) -> alloc::vec::Vec<u8> {
        let mut output = [0xa5; 128];
        let mut writer = Writer::new(&mut output);
        write(&mut writer).unwrap();
        writer.written().to_vec()
    }

    #[test]
    fn rakp1_goes_both_ways_and_every_truncation_is_seen() {
        let message = Rakp1 {
            tag: 3,
            bmc_session: 0x0102_0304,
            console_random: [9; 16],
            role: Role::new(Privilege::ADMINISTRATOR, true),
            name_length: 5,
            name: Bytes::from_slice(b"admin").unwrap(),
        };
        let bytes = written(|writer| message.write(writer));
        assert_eq!(bytes.len(), 33);
        assert_eq!(bytes[24], 0x14);
        assert_eq!(Rakp1::parse(&bytes), Ok(message));
        for length in 0..bytes.len() {
            assert_eq!(
                Rakp1::parse(&bytes[..length]),
                Err(WireError::Truncated),
                "{length} bytes"
            );
        }
        let long = [&bytes[..], &[0]].concat();
        assert_eq!(Rakp1::parse(&long), Err(WireError::Trailing));
    }

    #[test]
    fn replies_go_both_ways() {
        let code = [5; 20];
        let ok = Reply {
            tag: 1,
            console_session: 2,
            outcome: Ok(Rakp2 {
                bmc_random: [3; 16],
                guid: [4; 16],
                code: &code,
            }),
        };
        let bytes = written(|writer| ok.write(writer));
        assert_eq!(bytes.len(), 60);
        assert_eq!(Reply::<Rakp2<'_>>::parse(&bytes), Ok(ok));
        let error = Reply::<Rakp4<'_>> {
            tag: 1,
            console_session: 2,
            outcome: Err(RmcpPlusStatus::UNAUTHORIZED_NAME),
        };
        let bytes = written(|writer| error.write(writer));
        assert_eq!(bytes, [1, 0x0d, 0, 0, 2, 0, 0, 0]);
        assert_eq!(Reply::<Rakp4<'_>>::parse(&bytes), Ok(error));
        let rakp3 = Rakp3 {
            tag: 1,
            status: RmcpPlusStatus::NO_ERRORS,
            bmc_session: 9,
            code: &code,
        };
        let bytes = written(|writer| rakp3.write(writer));
        assert_eq!(Rakp3::parse(&bytes), Ok(rakp3));
    }
}
