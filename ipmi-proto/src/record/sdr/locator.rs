//! Locator records: where FRU inventories and management controllers are (IPMI 2.0 §43.8, §43.9).

use super::{IdString, skip_reserved, write_reserved};
use crate::command::app::device::DeviceSupport;
use crate::ipmb::{BMC_ADDRESS, ChannelNumber};
use crate::record::Entity;
use crate::wire::{Decode, Encode, LowBits, Reader, WireError, Writer, packed};

/// Where a FRU inventory is, record type 11h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FruLocator {
    /// Slave address of the controller that holds it, bits 7:1.
    pub controller: u8,
    /// Number of the logical FRU device, or slave address of the device.
    pub device: u8,
    /// How the device is accessed.
    pub access: FruDeviceAccess,
    /// Channel of the controller; 0 for the BMC.
    pub channel: FruChannel,
    /// Kind of the device: 10h for a logical FRU device.
    pub device_type: u8,
    /// Refines `device_type`: 00h for a FRU inventory in the IPMI format.
    pub type_modifier: u8,
    /// What the inventory is about.
    pub entity: Entity,
    /// The manufacturer's own.
    pub oem: u8,
    /// Name of the inventory.
    pub name: IdString,
}

impl FruLocator {
    /// Record type.
    pub const TYPE: u8 = 0x11;

    /// The locator of a logical FRU device of the BMC.
    #[must_use]
    pub const fn of_bmc(device: u8, entity: Entity, name: IdString) -> Self {
        Self {
            controller: BMC_ADDRESS,
            device,
            access: FruDeviceAccess {
                logical: true,
                lun: 0,
                bus: 0,
            },
            channel: FruChannel {
                channel: ChannelNumber(0),
            },
            device_type: 0x10,
            type_modifier: 0x00,
            entity,
            oem: 0,
            name,
        }
    }
}

packed! {
    /// How a FRU device is accessed.
    #[derive(Hash)]
    pub struct FruDeviceAccess: u8 {
        /// By FRU commands to the controller; otherwise it is a device on a bus.
        logical: bool = 7, 7;
        /// Unit of the controller.
        lun: u8 = 4, 3;
        /// Private bus of the device.
        bus: u8 = 2, 0;
    }
}

packed! {
    /// Channel of the controller of a FRU device.
    #[derive(Hash)]
    pub struct FruChannel: u8 {
        /// The channel.
        channel: ChannelNumber = 7, 4;
    }
}

impl Decode for FruLocator {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            controller: reader.u8()?,
            device: reader.u8()?,
            access: reader.value()?,
            channel: reader.value()?,
            device_type: {
                skip_reserved::<1>(reader)?;
                reader.u8()?
            },
            type_modifier: reader.u8()?,
            entity: reader.value()?,
            oem: reader.u8()?,
            name: reader.value()?,
        })
    }
}

impl Encode for FruLocator {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&[self.controller, self.device])?;
        writer.value(&self.access)?;
        writer.value(&self.channel)?;
        write_reserved::<1>(writer)?;
        writer.bytes(&[self.device_type, self.type_modifier])?;
        writer.value(&self.entity)?;
        writer.u8(self.oem)?;
        writer.value(&self.name)
    }
}

/// Where a management controller is, record type 12h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ControllerLocator {
    /// Slave address of the controller.
    pub address: u8,
    /// Channel of the controller; 0 for the BMC.
    pub channel: LowBits<ChannelNumber, 4>,
    /// What it wants to be told and how it is set up.
    pub initialization: ControllerInitialization,
    /// Logical devices that it offers, as in the answer to Get Device ID.
    pub support: DeviceSupport,
    /// What the controller is.
    pub entity: Entity,
    /// The manufacturer's own.
    pub oem: u8,
    /// Name of the controller.
    pub name: IdString,
}

impl ControllerLocator {
    /// Record type.
    pub const TYPE: u8 = 0x12;
}

packed! {
    /// What a controller wants to be told and how it is set up.
    #[derive(Hash)]
    pub struct ControllerInitialization: u8 {
        /// It wants to be told the system's power state.
        system_power_state: bool = 7, 7;
        /// It wants to be told its device's power state.
        device_power_state: bool = 6, 6;
        /// It is always there; otherwise it may come and go.
        is_static: bool = 5, 5;
        /// The initialization agent logs its errors.
        logs_initialization_errors: bool = 3, 3;
        /// The initialization agent logs errors of accessing it.
        logs_access_errors: bool = 2, 2;
        /// Event generation: 0 enable, 1 disable, 2 do not touch the controller.
        event_generation: u8 = 1, 0;
    }
}

impl Decode for ControllerLocator {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            address: reader.u8()?,
            channel: reader.value()?,
            initialization: reader.value()?,
            support: reader.value()?,
            entity: {
                skip_reserved::<3>(reader)?;
                reader.value()?
            },
            oem: reader.u8()?,
            name: reader.value()?,
        })
    }
}

impl Encode for ControllerLocator {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.u8(self.address)?;
        writer.value(&self.channel)?;
        writer.value(&self.initialization)?;
        writer.value(&self.support)?;
        write_reserved::<3>(writer)?;
        writer.value(&self.entity)?;
        writer.u8(self.oem)?;
        writer.value(&self.name)
    }
}
