//! What of DCMI the BMC has.

use ipmi_proto::command::PARAMETER_NOT_SUPPORTED;
use ipmi_proto::command::dcmi::capability::{
    AccessCapabilities, AccessChannels, AveragePeriods, DcmiCapability, DcmiCapabilityInfo,
    DcmiCapabilityValue, DcmiVersion, EventLogAttributes, GetDcmiCapabilityInfo,
    GetDcmiCapabilityInfoRequest, IdentificationAttributes, MandatoryAttributes, MandatoryCapabilities,
    OptionalCapabilities, PowerController, PowerControllerLocation, SupportedCapabilities,
    TemperatureAttributes,
};
use ipmi_proto::ipmb::{BMC_ADDRESS, ChannelNumber, CompletionCode};
use ipmi_proto::record::EntityId;

use super::power::power_sensor;
use super::thermal::temperatures;
use crate::handlers::{Context, handlers};
use crate::state::sel::CAPACITY;

handlers! {
    pure GetDcmiCapabilityInfo => get;
}

/// There is no such channel.
const NO_CHANNEL: u8 = 0xff;

fn get(
    context: &mut Context<'_>,
    request: GetDcmiCapabilityInfoRequest,
) -> Result<DcmiCapabilityInfo, CompletionCode> {
    let value = match request.parameter {
        DcmiCapability::SUPPORTED => DcmiCapabilityValue::Supported(supported(context)),
        DcmiCapability::MANDATORY_ATTRIBUTES => DcmiCapabilityValue::Mandatory(mandatory(context)),
        DcmiCapability::OPTIONAL_ATTRIBUTES => DcmiCapabilityValue::Optional(PowerController {
            address: BMC_ADDRESS,
            location: PowerControllerLocation {
                channel: ChannelNumber::IPMB,
                revision: 0,
            },
        }),
        DcmiCapability::ACCESS_ATTRIBUTES => DcmiCapabilityValue::Access(AccessChannels {
            primary_lan: ChannelNumber::LAN.0,
            secondary_lan: NO_CHANNEL,
            serial: NO_CHANNEL,
        }),
        DcmiCapability::POWER_STATISTICS => DcmiCapabilityValue::PowerStatistics(AveragePeriods::default()),
        _ => return Err(PARAMETER_NOT_SUPPORTED),
    };
    Ok(DcmiCapabilityInfo {
        version: DcmiVersion::V1_5,
        data: value.to_data()?,
    })
}

fn supported(context: &Context<'_>) -> SupportedCapabilities {
    SupportedCapabilities {
        mandatory: MandatoryCapabilities {
            temperature: false,
            chassis_power: true,
            event_log: true,
            identification: true,
        },
        optional: OptionalCapabilities {
            power_management: power_sensor(context).is_some(),
        },
        access: AccessCapabilities {
            sol: context.bmc.backend().console().is_some(),
            primary_lan: true,
            ..AccessCapabilities::default()
        },
    }
}

fn mandatory(context: &Context<'_>) -> MandatoryAttributes {
    let has = |entity| temperatures(context, entity).next().is_some();
    // The field has 12 bits.
    let entries = u16::try_from(CAPACITY).unwrap_or(u16::MAX).min(0x0fff);
    MandatoryAttributes {
        event_log: EventLogAttributes {
            entries,
            ..EventLogAttributes::default()
        },
        identification: IdentificationAttributes {
            asset_tag: true,
            dhcp_host_name: false,
            guid: true,
        },
        temperature: TemperatureAttributes {
            baseboard: has(EntityId::BASEBOARD_DCMI),
            processors: has(EntityId::PROCESSOR_DCMI),
            inlet: has(EntityId::AIR_INLET_DCMI),
        },
        sampling_period: Some(0),
    }
}
