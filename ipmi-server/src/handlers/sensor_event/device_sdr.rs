//! Device SDRs: the same records as those of the repository.

use ipmi_proto::command::sensor_event::device_sdr::{
    DeviceSdrFlags, DeviceSdrInfo, GetDeviceSdr, GetDeviceSdrInfo, GetDeviceSdrInfoRequest,
    ReserveDeviceSdrRepository,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::storage::sdr;
use crate::handlers::{Context, handlers};

handlers! {
    pure GetDeviceSdrInfo => info;
    pure GetDeviceSdr => sdr::get;
    pure ReserveDeviceSdrRepository => sdr::reserve;
}

fn info(
    context: &mut Context<'_>,
    request: GetDeviceSdrInfoRequest,
) -> Result<DeviceSdrInfo, CompletionCode> {
    let repository = &context.state.repository;
    let count = if request.operation.is_some_and(|operation| operation.records) {
        u8::try_from(repository.len()).unwrap_or(u8::MAX)
    } else {
        repository.sensor_count()
    };
    Ok(DeviceSdrInfo {
        count,
        flags: DeviceSdrFlags {
            lun0: true,
            ..DeviceSdrFlags::default()
        },
        population_change: None,
    })
}
