//! The records that a BMC keeps: sensor data records, event log records, FRU inventory, and what they have in
//! common: events, sensor types, entities, units, thresholds.
//!
//! Everything here is bytes in, bytes out, without an allocator; nothing panics on bytes of a peer.

mod entity;
mod event;
pub mod fru;
pub mod offset;
pub mod sdr;
pub mod sel;
mod sensor_type;
mod text;
mod threshold;
mod unit;

pub use entity::{Entity, EntityId};
pub use event::{
    EventData, EventDataUse, EventKind, EventMessage, EventType, Generator, UNSPECIFIED_EVENT_DATA,
};
pub use sensor_type::SensorType;
pub use text::{Text, TextEncoding, to_latin_1};
pub use threshold::{Threshold, ThresholdMask, Thresholds};
pub use unit::{RateUnit, Unit, UnitModifier};

use crate::wire::{Decode, Encode, Reader, WireError, Writer};

/// The number of a record in the event log or in an SDR repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u16);

impl RecordId {
    /// In requests: the first record.
    pub const FIRST: Self = Self(0x0000);
    /// In requests: the last record. As the "next" of a response: there is none.
    pub const LAST: Self = Self(0xffff);
}

impl Decode for RecordId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.value().map(Self)
    }
}

impl Encode for RecordId {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.0)
    }
}
