//! Platform event traps: events as SNMPv1 traps over UDP (Platform Event Trap 1.0, RFC 1157).
//!
//! [`PlatformEventTrap`] is the whole datagram, [`TrapVariable`] the octets of its one variable binding. An
//! acknowledged trap is answered with the command PET Acknowledge, whose fields
//! [`TrapVariable::acknowledgement`] gives.

mod ber;
mod variable;

pub use variable::{
    MAX_OEM_LENGTH, MAX_VARIABLE_LENGTH, MIN_VARIABLE_LENGTH, SOURCE_IPMI, TrapVariable, text_field,
    timestamp_from_unix,
};

use core::fmt;
use core::net::Ipv4Addr;

use crate::record::{EventKind, EventMessage, EventType, SensorType};
use crate::wire::{Reader, WireError, Writer};

/// UDP port that traps are sent to.
pub const TRAP_PORT: u16 = 162;

/// The object identifier of platform event traps, 1.3.6.1.4.1.3183.1.1, as BER has it.
const ENTERPRISE: [u8; 9] = [0x2b, 6, 1, 4, 1, 0x98, 0x6f, 1, 1];
/// The object identifier of their variable, 1.3.6.1.4.1.3183.1.1.1.
const VARIABLE: [u8; 10] = [0x2b, 6, 1, 4, 1, 0x98, 0x6f, 1, 1, 1];
/// The version number of SNMPv1.
const VERSION_1: u32 = 0;
/// Generic trap "enterprise specific".
const ENTERPRISE_SPECIFIC: u32 = 6;

/// A platform event trap, a whole UDP datagram.
#[derive(Clone, PartialEq, Eq)]
pub struct PlatformEventTrap<'a> {
    /// Community name: SNMPv1's password.
    pub community: &'a [u8],
    /// Address of the BMC; 0.0.0.0 if it has none of IPv4.
    pub agent: Ipv4Addr,
    /// What happened, in the number of the trap.
    pub event: SpecificTrap,
    /// Time since the sender started, in hundredths of a second.
    pub uptime: u32,
    /// Everything else.
    pub variable: TrapVariable,
}

impl PlatformEventTrap<'_> {
    /// Writes the datagram.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let mut octets = [0; MAX_VARIABLE_LENGTH];
        let mut variable = Writer::new(&mut octets);
        variable.value(&self.variable)?;
        ber::constructed(writer, ber::SEQUENCE, |writer| {
            ber::write_number(writer, ber::INTEGER, VERSION_1)?;
            ber::write(writer, ber::OCTET_STRING, self.community)?;
            ber::constructed(writer, ber::TRAP, |writer| {
                ber::write(writer, ber::OBJECT_IDENTIFIER, &ENTERPRISE)?;
                ber::write(writer, ber::IP_ADDRESS, &self.agent.octets())?;
                ber::write_number(writer, ber::INTEGER, ENTERPRISE_SPECIFIC)?;
                ber::write_number(writer, ber::INTEGER, self.event.number())?;
                ber::write_number(writer, ber::TIME_TICKS, self.uptime)?;
                ber::constructed(writer, ber::SEQUENCE, |writer| {
                    ber::constructed(writer, ber::SEQUENCE, |writer| {
                        ber::write(writer, ber::OBJECT_IDENTIFIER, &VARIABLE)?;
                        ber::write(writer, ber::OCTET_STRING, variable.written())
                    })
                })
            })
        })
    }
}

impl<'a> PlatformEventTrap<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if it ends early, [`WireError::Invalid`] if it is not a platform event trap,
    /// [`WireError::Trailing`] if something stands behind it.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, WireError> {
        let mut whole = Reader::new(datagram);
        let mut message = Reader::new(ber::read(&mut whole, ber::SEQUENCE)?);
        whole.finish()?;
        expect(ber::read_number(&mut message, ber::INTEGER)? == VERSION_1)?;
        let community = ber::read(&mut message, ber::OCTET_STRING)?;
        let mut trap = Reader::new(ber::read(&mut message, ber::TRAP)?);
        message.finish()?;
        expect(ber::read(&mut trap, ber::OBJECT_IDENTIFIER)? == ENTERPRISE)?;
        let agent = ber::read(&mut trap, ber::IP_ADDRESS)?;
        let agent = <[u8; 4]>::try_from(agent).map_err(|_| WireError::Invalid)?;
        expect(ber::read_number(&mut trap, ber::INTEGER)? == ENTERPRISE_SPECIFIC)?;
        let event = SpecificTrap::from_number(ber::read_number(&mut trap, ber::INTEGER)?);
        let uptime = ber::read_number(&mut trap, ber::TIME_TICKS)?;
        let mut bindings = Reader::new(ber::read(&mut trap, ber::SEQUENCE)?);
        trap.finish()?;
        // Some senders add bindings of their own behind it.
        let mut binding = Reader::new(ber::read(&mut bindings, ber::SEQUENCE)?);
        expect(ber::read(&mut binding, ber::OBJECT_IDENTIFIER)? == VARIABLE)?;
        let mut variable = Reader::new(ber::read(&mut binding, ber::OCTET_STRING)?);
        binding.finish()?;
        Ok(Self {
            community,
            agent: agent.into(),
            event,
            uptime,
            variable: variable.value()?,
        })
    }
}

fn expect(holds: bool) -> Result<(), WireError> {
    if holds { Ok(()) } else { Err(WireError::Invalid) }
}

/// Without the community name.
impl fmt::Debug for PlatformEventTrap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformEventTrap")
            .field("agent", &self.agent)
            .field("event", &self.event)
            .field("uptime", &self.uptime)
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}

/// What happened, as the number of a trap has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpecificTrap {
    /// What the sensor watches; 0 if unspecified.
    pub sensor_type: SensorType,
    /// How to read the offset, and whether the state came or went.
    pub kind: EventKind,
    /// Offset of the state, 4 bits; [`Self::UNSPECIFIED_OFFSET`] if unspecified.
    pub offset: u8,
}

impl SpecificTrap {
    /// The offset that says nothing.
    pub const UNSPECIFIED_OFFSET: u8 = 0x0f;

    /// A trap that is about no event.
    pub const UNSPECIFIED: Self = Self {
        sensor_type: SensorType(0),
        kind: EventKind {
            deasserted: false,
            event_type: EventType::UNSPECIFIED,
        },
        offset: Self::UNSPECIFIED_OFFSET,
    };

    /// The number of the trap: sensor type, event/reading type, direction and offset.
    #[must_use]
    pub fn number(self) -> u32 {
        let direction = if self.kind.deasserted { 0x80 } else { 0 };
        let event_type = self.kind.event_type.0 & 0x7f;
        u32::from_be_bytes([0, self.sensor_type.0, event_type, direction | self.offset & 0x0f])
    }

    /// What a number says. Reserved bits are ignored.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        let [_, sensor_type, event_type, offset] = number.to_be_bytes();
        Self {
            sensor_type: SensorType(sensor_type),
            kind: EventKind {
                deasserted: offset & 0x80 != 0,
                event_type: EventType(event_type & 0x7f),
            },
            offset: offset & 0x0f,
        }
    }
}

impl From<&EventMessage> for SpecificTrap {
    fn from(event: &EventMessage) -> Self {
        Self {
            sensor_type: event.sensor_type,
            kind: event.kind,
            offset: event.data.offset,
        }
    }
}

#[cfg(test)]
mod tests;
