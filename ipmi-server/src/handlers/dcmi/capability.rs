//! What of DCMI the BMC has.

use ipmi_proto::command::dcmi::capability::{
    AccessCapabilities, AccessChannels, AveragePeriods, DcmiCapability, DcmiCapabilityInfo,
    DcmiCapabilityValue, DcmiVersion, EventLogAttributes, GetDcmiCapabilityInfo,
    GetDcmiCapabilityInfoRequest, IdentificationAttributes, MandatoryAttributes, MandatoryCapabilities,
    NO_CHANNEL, OptionalCapabilities, PowerController, PowerControllerLocation, SupportedCapabilities,
    TemperatureAttributes,
};
use ipmi_proto::ipmb::{BMC_ADDRESS, ChannelNumber, CompletionCode};
use ipmi_proto::record::EntityId;

use super::thermal::temperatures;
use crate::handlers::{Context, handlers};
use crate::state::sel;

handlers! {
    pure GetDcmiCapabilityInfo => get;
}

/// Most records that the field for their number can say.
const MAX_ENTRIES: u16 = 0x0fff;
/// Seconds between two measurements of temperatures.
const SAMPLING_PERIOD: u8 = 10;

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
        _ => return Err(GetDcmiCapabilityInfo::PARAMETER_NOT_SUPPORTED),
    };
    Ok(DcmiCapabilityInfo {
        version: DcmiVersion::V1_5,
        data: value.to_data()?,
    })
}

fn supported(context: &Context<'_>) -> SupportedCapabilities {
    SupportedCapabilities {
        mandatory: MandatoryCapabilities {
            temperature: temperatures(context.state).next().is_some(),
            chassis_power: true,
            event_log: true,
            identification: true,
        },
        optional: OptionalCapabilities {
            power_management: context.state.has_power_sensor(),
        },
        access: AccessCapabilities {
            sol: context.bmc.backend().console().is_some(),
            primary_lan: true,
            ..AccessCapabilities::default()
        },
    }
}

fn mandatory(context: &Context<'_>) -> MandatoryAttributes {
    let has = |entity| temperatures(context.state).any(|temperature| temperature.entity == entity);
    let temperature = TemperatureAttributes {
        baseboard: has(EntityId::BASEBOARD_DCMI),
        processors: has(EntityId::PROCESSOR_DCMI),
        inlet: has(EntityId::AIR_INLET_DCMI),
    };
    let is_measured = temperature != TemperatureAttributes::default();
    MandatoryAttributes {
        event_log: EventLogAttributes {
            rollover: false,
            flush_all: false,
            flush_record: false,
            entries: u16::try_from(sel::CAPACITY).unwrap_or(u16::MAX).min(MAX_ENTRIES),
        },
        identification: IdentificationAttributes {
            asset_tag: true,
            dhcp_host_name: false,
            guid: true,
        },
        temperature,
        sampling_period: Some(if is_measured { SAMPLING_PERIOD } else { 0 }),
    }
}
