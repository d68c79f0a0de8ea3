//! Where events go, and events that come in.

use crate::command::{Empty, commands};
use crate::record::EventMessage;
use crate::wire::{Decode, Encode, LowBits, Reader, WireError, Writer};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Sets where the BMC sends events of its sensors, or turns event generation off.
    SetEventReceiver = "Set Event Receiver", SENSOR_EVENT 0x00, ADMINISTRATOR, Alert, "29.1";
    request EventReceiver {
        /// Slave address of the receiver; [`EVENTS_OFF`] for none.
        address: u8,
        /// Unit of the receiver.
        lun: LowBits<u8, 2>,
    }
    response Empty;

    /// Reads where the BMC sends events of its sensors.
    GetEventReceiver = "Get Event Receiver", SENSOR_EVENT 0x01, USER, Alert, "29.2";
    request Empty;
    response EventReceiver;

    /// Delivers an event to the BMC, which logs it and filters it.
    PlatformEvent = "Platform Event", SENSOR_EVENT 0x02, OPERATOR, Alert, "29.3";
    request PlatformEventRequest;
    response Empty;
}

/// The receiver address that turns event generation off.
pub const EVENTS_OFF: u8 = 0xff;

/// Request data of [`PlatformEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformEventRequest {
    /// Slave address or software ID of the generator: bits 7:1, bit 0 set for software. Only messages over the
    /// system interface carry it; over other channels the requester's address says it.
    pub generator: Option<u8>,
    /// The event.
    pub event: EventMessage,
}

/// Bytes of an [`EventMessage`]: a request that is longer starts with the generator.
const EVENT_LENGTH: usize = 7;

impl Decode for PlatformEventRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let generator = if reader.remaining() > EVENT_LENGTH {
            Some(reader.u8()?)
        } else {
            None
        };
        let event = reader.value()?;
        Ok(Self { generator, event })
    }
}

impl Encode for PlatformEventRequest {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.generator)?;
        writer.value(&self.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_platform_event() {
        let bytes = hex_literal::hex!("41 04 09 01 6f a0 ff ff");
        let long: PlatformEventRequest = Reader::new(&bytes).value().unwrap();
        let short: PlatformEventRequest = Reader::new(&bytes[1..]).value().unwrap();
        assert_eq!(long.generator, Some(0x41));
        assert_eq!(short.generator, None);
        assert_eq!(long.event, short.event);
        let cut = Reader::new(&bytes[2..]).value::<PlatformEventRequest>();
        assert_eq!(cut, Err(WireError::Truncated));
    }
}
