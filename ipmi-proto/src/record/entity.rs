//! Entities: the physical or logical things that sensors and FRUs belong to (IPMI 2.0 §39, §43.14).

use crate::command::message;
use crate::wire::code_points;

message! {
    /// One entity: what it is and which one of its kind.
    #[derive(Default, Hash)]
    pub struct Entity {
        /// What it is.
        id: EntityId,
        /// Which one, from 1; bit 7 set for a logical entity, 60h and above relative to the device.
        instance: u8,
    }
}

impl Entity {
    /// The entity `id` with number `instance`.
    #[must_use]
    pub const fn new(id: EntityId, instance: u8) -> Self {
        Self { id, instance }
    }
}

code_points! {
    /// What an entity is (IPMI 2.0 §43.14).
    pub struct EntityId(u8) {
        UNSPECIFIED = 0x00, "unspecified";
        OTHER = 0x01, "other";
        UNKNOWN = 0x02, "unknown";
        PROCESSOR = 0x03, "processor";
        DISK = 0x04, "disk or disk bay";
        PERIPHERAL_BAY = 0x05, "peripheral bay";
        SYSTEM_MANAGEMENT_MODULE = 0x06, "system management module";
        SYSTEM_BOARD = 0x07, "system board";
        MEMORY_MODULE = 0x08, "memory module";
        PROCESSOR_MODULE = 0x09, "processor module";
        POWER_SUPPLY = 0x0a, "power supply";
        ADD_IN_CARD = 0x0b, "add-in card";
        FRONT_PANEL_BOARD = 0x0c, "front panel board";
        POWER_SYSTEM_BOARD = 0x0e, "power system board";
        DRIVE_BACKPLANE = 0x0f, "drive backplane";
        SYSTEM_CHASSIS = 0x17, "system chassis";
        FAN = 0x1d, "fan";
        MEMORY_DEVICE = 0x20, "memory device";
        SYSTEM_FIRMWARE = 0x22, "BIOS";
        OPERATING_SYSTEM = 0x23, "operating system";
        MANAGEMENT_CONTROLLER = 0x2e, "management controller firmware";
        AIR_INLET = 0x37, "air inlet";
        AIR_INLET_DCMI = 0x40, "air inlet (DCMI)";
        PROCESSOR_DCMI = 0x41, "processor (DCMI)";
        BASEBOARD_DCMI = 0x42, "baseboard (DCMI)";
    }
}
