//! The BMC as a device: identity, resets, self test.

use crate::command::{Empty, commands};
use crate::wire::{U24, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Says what the BMC is and which logical devices it has.
    GetDeviceId = "Get Device ID", APP 0x01, USER, Core, "20.1";
    request Empty;
    response DeviceId {
        /// Device ID; the manufacturer's own.
        device_id: u8,
        /// Device revision and whether the BMC has device SDRs.
        revision: DeviceRevision,
        /// Major firmware revision and availability.
        firmware_major: FirmwareMajor,
        /// Minor firmware revision, BCD.
        firmware_minor: u8,
        /// Version of IPMI, BCD with the low digit first: 02h is 2.0.
        ipmi_version: u8,
        /// Logical devices that the BMC offers.
        support: DeviceSupport,
        /// IANA enterprise number of the manufacturer, 20 bits.
        manufacturer: U24,
        /// The manufacturer's product number.
        product: u16,
        /// Auxiliary firmware revision.
        auxiliary: Option<[u8; 4]>,
    }

    /// Restarts the BMC with its defaults. The machine is not touched.
    ColdReset = "Cold Reset", APP 0x02, ADMINISTRATOR, Manage, "20.2";
    request Empty;
    response Empty;
}

packed! {
    /// Device revision byte of [`DeviceId`].
    pub struct DeviceRevision: u8 {
        /// The BMC provides device SDRs.
        provides_sdrs: bool = 7, 7;
        /// Device revision, binary.
        revision: u8 = 3, 0;
    }
}

packed! {
    /// Firmware revision byte of [`DeviceId`].
    pub struct FirmwareMajor: u8 {
        /// The device is being updated or initialised.
        updating: bool = 7, 7;
        /// Major revision, binary.
        major: u8 = 6, 0;
    }
}

packed! {
    /// Logical devices of [`DeviceId`].
    pub struct DeviceSupport: u8 {
        /// Chassis device.
        chassis: bool = 7, 7;
        /// Bridge.
        bridge: bool = 6, 6;
        /// Generates events onto the IPMB.
        event_generator: bool = 5, 5;
        /// Receives events from the IPMB.
        event_receiver: bool = 4, 4;
        /// FRU inventory device.
        fru_inventory: bool = 3, 3;
        /// System event log.
        sel: bool = 2, 2;
        /// SDR repository.
        sdr_repository: bool = 1, 1;
        /// Sensors.
        sensor: bool = 0, 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Body, Command, find};
    use crate::ipmb::NetFn;

    #[test]
    fn device_id_goes_both_ways() {
        // FreeIPMI's bmc-info against OpenIPMI's ipmi_sim.
        let bytes = hex_literal::hex!("20 81 01 02 02 9f f20300 9a02 00000000");
        let mut output = [0xa5; 32];
        let length = (GetDeviceId::SPEC.recode_response)(&bytes, &mut output).unwrap();
        assert_eq!(output[..length], bytes);
        assert_eq!(find(NetFn::APP, Body::Ipmi, 1).unwrap().name, "Get Device ID");
    }
}
