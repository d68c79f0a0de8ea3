//! Sensor data records of the BMC as a device: the same as in the repository.

use ipmi_proto::command::sensor_event::device_sdr::{
    DeviceSdrFlags, DeviceSdrInfo, GetDeviceSdr, GetDeviceSdrInfo, GetDeviceSdrInfoRequest,
    ReserveDeviceSdrRepository,
};
use ipmi_proto::command::storage::sdr::SdrReservation;
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::storage::read_sdr;
use crate::handlers::{Context, handlers};

handlers! {
    pure GetDeviceSdrInfo => info;
    pure GetDeviceSdr => |context, request| {
        read_sdr(context.state, context.state.device_sdr_reservation, &request)
    };
    pure ReserveDeviceSdrRepository => |context, _| {
        Ok(SdrReservation { reservation: context.state.device_sdr_reservation.reserve() })
    };
}

fn info(
    context: &mut Context<'_>,
    request: GetDeviceSdrInfoRequest,
) -> Result<DeviceSdrInfo, CompletionCode> {
    let repository = context.state.sensors.repository();
    let counts_records = request.operation.is_some_and(|operation| operation.records);
    let count = if counts_records {
        repository.len()
    } else {
        repository.sensors().len()
    };
    Ok(DeviceSdrInfo {
        count: u8::try_from(count).unwrap_or(u8::MAX),
        flags: DeviceSdrFlags {
            dynamic: false,
            lun0: true,
            ..DeviceSdrFlags::default()
        },
        population_change: None,
    })
}
