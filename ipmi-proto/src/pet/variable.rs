//! The octets of a trap's variable: who saw what, when, and how bad it is (Platform Event Trap 1.0, table 3).
//!
//! Numbers are most-significant byte first here, unlike in IPMI.

use crate::command::Guid;
use crate::command::sensor_event::alert::PetAcknowledgement;
use crate::command::sensor_event::pef_parameter::EventSeverity;
use crate::record::{Entity, EntityId};
use crate::wire::{Bytes, Decode, Encode, Reader, WireError, Writer};

/// Trap and event source type of IPMI.
pub const SOURCE_IPMI: u8 = 0x20;
/// Most bytes of OEM custom fields.
pub const MAX_OEM_LENGTH: usize = 64;
/// Fewest octets of the variable: the end of the OEM custom fields is the only one of them.
pub const MIN_VARIABLE_LENGTH: usize = 47;
/// Most octets of the variable.
pub const MAX_VARIABLE_LENGTH: usize = 46 + MAX_OEM_LENGTH;
/// The UTC offset that nobody has said.
const UNSPECIFIED_UTC_OFFSET: u16 = 0xffff;
/// Ends the OEM custom fields.
const END_OF_FIELDS: u8 = 0xc1;
/// Type of an OEM custom field with text of one byte per character, in the two upper bits.
const TEXT: u8 = 0xc0;
/// 1998-01-01 00:00 in seconds since 1970.
const EPOCH: u32 = 883_612_800;

/// The octets of a trap's variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrapVariable {
    /// The system. Its bytes travel in the order in which the ID is written, unlike in IPMI.
    pub guid: Guid,
    /// Number of the event: the same in all copies of a trap.
    pub sequence: u16,
    /// When it happened: see [`timestamp_from_unix`]; 0 if unknown.
    pub timestamp: u32,
    /// Minutes to add to UTC, if known.
    pub utc_offset: Option<i16>,
    /// What kind of device sent the trap: [`SOURCE_IPMI`].
    pub trap_source: u8,
    /// What kind of device saw the event.
    pub event_source: u8,
    /// How bad it is.
    pub severity: EventSeverity,
    /// Slave address or software ID of the one who saw the event: bits 7:1, bit 0 set for software.
    pub sensor_device: u8,
    /// Number of the sensor; 0 if unspecified.
    pub sensor_number: u8,
    /// What the sensor belongs to; zeros if unspecified.
    pub entity: Entity,
    /// Event data 1 to 3 and five bytes more, which are zero.
    pub event_data: [u8; 8],
    /// Language of texts in the OEM custom fields, as in FRU inventories: 25 for English, FFh if unspecified.
    pub language: u8,
    /// Manufacturer of the system, its enterprise number; 0 if unspecified.
    pub manufacturer: u32,
    /// The manufacturer's number of the system.
    pub system: u16,
    /// OEM custom fields, without the byte that ends them: see [`text_field`].
    pub oem: Bytes<MAX_OEM_LENGTH>,
}

impl TrapVariable {
    /// What PET Acknowledge says to stop this trap from being sent again.
    #[must_use]
    pub const fn acknowledgement(&self) -> PetAcknowledgement {
        let [data1, data2, data3, ..] = self.event_data;
        PetAcknowledgement {
            sequence: self.sequence,
            timestamp: self.timestamp,
            event_source: self.event_source,
            sensor_device: self.sensor_device,
            sensor_number: self.sensor_number,
            event_data: [data1, data2, data3],
        }
    }
}

/// A time as traps have it, in seconds since 1998-01-01; 0, which is none, for times before.
#[must_use]
pub const fn timestamp_from_unix(seconds: u32) -> u32 {
    seconds.saturating_sub(EPOCH)
}

/// An OEM custom field with a text in Latin-1, as a FRU inventory has it. A text that is too long is cut, one of
/// a single character gets a space: its type would be taken for the end.
#[must_use]
pub fn text_field(text: &[u8]) -> Bytes<MAX_OEM_LENGTH> {
    let mut field = Bytes::new();
    let text = text.get(..MAX_OEM_LENGTH - 2).unwrap_or(text);
    let padding: &[u8] = if text.len() == 1 { b" " } else { b"" };
    let length = u8::try_from(text.len() + padding.len()).unwrap_or_default();
    for part in [&[TEXT | length][..], text, padding] {
        // Never too long: it has been cut.
        let _ = field.extend(part);
    }
    field
}

impl Encode for TrapVariable {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&self.guid.to_uuid())?;
        writer.bytes(&self.sequence.to_be_bytes())?;
        writer.bytes(&self.timestamp.to_be_bytes())?;
        let offset = self.utc_offset.map_or(UNSPECIFIED_UTC_OFFSET, i16::cast_unsigned);
        writer.bytes(&offset.to_be_bytes())?;
        writer.bytes(&[
            self.trap_source,
            self.event_source,
            self.severity.0,
            self.sensor_device,
            self.sensor_number,
            self.entity.id.0,
            self.entity.instance,
        ])?;
        writer.bytes(&self.event_data)?;
        writer.u8(self.language)?;
        writer.bytes(&self.manufacturer.to_be_bytes())?;
        writer.bytes(&self.system.to_be_bytes())?;
        writer.bytes(self.oem.as_slice())?;
        if self.oem.len() < MAX_OEM_LENGTH {
            writer.u8(END_OF_FIELDS)?;
        }
        Ok(())
    }
}

impl Decode for TrapVariable {
    /// Takes everything that is left: the octets have no length of their own. Senders that leave the OEM custom
    /// fields out are understood.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let guid = Guid::from_uuid(reader.array()?);
        let sequence = u16::from_be_bytes(reader.array()?);
        let timestamp = u32::from_be_bytes(reader.array()?);
        let utc_offset = u16::from_be_bytes(reader.array()?);
        let [
            trap_source,
            event_source,
            severity,
            sensor_device,
            sensor_number,
            entity,
            instance,
        ] = reader.array()?;
        Ok(Self {
            guid,
            sequence,
            timestamp,
            utc_offset: (utc_offset != UNSPECIFIED_UTC_OFFSET).then_some(utc_offset.cast_signed()),
            trap_source,
            event_source,
            severity: EventSeverity(severity),
            sensor_device,
            sensor_number,
            entity: Entity::new(EntityId(entity), instance),
            event_data: reader.array()?,
            language: reader.u8()?,
            manufacturer: u32::from_be_bytes(reader.array()?),
            system: u16::from_be_bytes(reader.array()?),
            oem: fields(reader.rest())?,
        })
    }
}

/// OEM custom fields up to their end, or to one that is not whole.
fn fields(bytes: &[u8]) -> Result<Bytes<MAX_OEM_LENGTH>, WireError> {
    let mut rest = bytes;
    while let Some((kind, tail)) = rest.split_first()
        && *kind != END_OF_FIELDS
    {
        let Some(next) = tail.get(usize::from(kind & !TEXT)..) else {
            break;
        };
        rest = next;
    }
    let length = bytes.len() - rest.len();
    Bytes::from_slice(bytes.get(..length).unwrap_or_default()).map_err(|_| WireError::Invalid)
}
