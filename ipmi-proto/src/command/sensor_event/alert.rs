//! Alerts: sending one at once, and the acknowledgement of a platform event trap.

use crate::command::{ChannelField, Empty, commands, message};
use crate::record::EventMessage;
use crate::wire::{code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Sends an alert to a destination, or asks how the last one went.
    AlertImmediate = "Alert Immediate", SENSOR_EVENT 0x16, ADMINISTRATOR, Alert, "30.7";
    request AlertImmediateRequest {
        /// Channel of the destination.
        channel: ChannelField,
        /// What to do and for which destination.
        target: AlertTarget,
        /// The string that the alert carries.
        string: AlertStringSelector,
        /// The event that the alert is about.
        event: Option<AlertEvent>,
    }
    response AlertImmediateResponse {
        /// How the last alert went, if asked for.
        status: Option<AlertStatus>,
    }
    => {
        IN_PROGRESS = 0x81, "an alert is already in progress";
        SESSION_ACTIVE = 0x82, "a messaging session is active on the channel";
    }

    /// Says that a trap has arrived, so that it is not sent again.
    PetAcknowledge = "PET Acknowledge", SENSOR_EVENT 0x17, ANYONE, Alert, "30.8";
    request PetAcknowledgement {
        /// Sequence number of the trap.
        sequence: u16,
        /// Local timestamp of the trap: seconds since 1998-01-01.
        timestamp: u32,
        /// Event source type of the trap.
        event_source: u8,
        /// Sensor device of the trap.
        sensor_device: u8,
        /// Sensor number of the trap.
        sensor_number: u8,
        /// First three event data bytes of the trap.
        event_data: [u8; 3],
    }
    response Empty;
}

packed! {
    /// What [`AlertImmediate`] does and for which destination.
    pub struct AlertTarget: u8 {
        /// What to do.
        operation: AlertOperation = 7, 6;
        /// The destination of the channel.
        destination: u8 = 3, 0;
    }
}

code_points! {
    /// What [`AlertImmediate`] does, 2 bits.
    pub struct AlertOperation(u8) {
        SEND = 0, "send the alert";
        GET_STATUS = 1, "get the status";
        CLEAR_STATUS = 2, "clear the status";
    }
}

packed! {
    /// The string of an [`AlertImmediate`].
    pub struct AlertStringSelector: u8 {
        /// A string is sent.
        send: bool = 7, 7;
        /// Which string; 0 is the volatile one.
        string: u8 = 6, 0;
    }
}

code_points! {
    /// How the last alert went.
    pub struct AlertStatus(u8) {
        NONE = 0x00, "no status";
        NORMAL_END = 0x01, "ended normally";
        FAILED_RETRIES = 0x02, "failed after all retries";
        FAILED_ACKNOWLEDGE = 0x03, "failed waiting for the acknowledgement";
        IN_PROGRESS = 0xff, "in progress";
    }
}

message! {
    /// The event that an alert is about.
    pub struct AlertEvent {
        /// Slave address or software ID of the generator: bits 7:1, bit 0 set for software.
        generator: u8,
        /// The event.
        event: EventMessage,
    }
}
