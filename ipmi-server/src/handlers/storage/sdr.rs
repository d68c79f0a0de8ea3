//! Reading the SDR repository. It is generated: nothing can be added or deleted.

use ipmi_proto::command::Empty;
use ipmi_proto::command::storage::sdr::{
    AllocationInfo, GetSdr, GetSdrAllocationInfo, GetSdrRepositoryInfo, GetSdrRequest, GetSdrResponse,
    InitializationStatus, ReserveSdrRepository, RunInitializationAgent, RunInitializationAgentRequest,
    RunInitializationAgentResponse, SDR_VERSION, SdrRepositoryInfo, SdrRepositorySupport, SdrReservation,
    WHOLE_RECORD,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::sdr::MAX_RECORD_LENGTH;
use ipmi_proto::wire::Bytes;

use crate::handlers::{Context, handlers};

handlers! {
    pure GetSdrRepositoryInfo => info;
    pure GetSdrAllocationInfo => allocation;
    pure ReserveSdrRepository => reserve;
    pure GetSdr => get;
    pure RunInitializationAgent => run_initialization_agent;
}

fn info(context: &mut Context<'_>, _: Empty) -> Result<SdrRepositoryInfo, CompletionCode> {
    let repository = &context.state.repository;
    Ok(SdrRepositoryInfo {
        version: SDR_VERSION,
        records: repository.len(),
        free: 0,
        last_addition: repository.stamp(),
        last_erase: repository.stamp(),
        support: SdrRepositorySupport {
            reserve: true,
            allocation_info: true,
            ..SdrRepositorySupport::default()
        },
    })
}

/// All zero: units are not specified.
fn allocation(_: &mut Context<'_>, _: Empty) -> Result<AllocationInfo, CompletionCode> {
    Ok(AllocationInfo {
        units: 0,
        unit_size: 0,
        free_units: 0,
        largest_free_block: 0,
        largest_record: 0,
    })
}

pub(in crate::handlers) fn reserve(
    context: &mut Context<'_>,
    _: Empty,
) -> Result<SdrReservation, CompletionCode> {
    let reservation = context.state.repository.reservation.reserve();
    Ok(SdrReservation { reservation })
}

pub(in crate::handlers) fn get(
    context: &mut Context<'_>,
    request: GetSdrRequest,
) -> Result<GetSdrResponse, CompletionCode> {
    let state = &context.state;
    if request.offset != 0 {
        state.repository.reservation.check(request.reservation)?;
    }
    let mut buffer = [0; MAX_RECORD_LENGTH];
    let (length, next) = state
        .repository
        .get(request.record, &state.sensors, &mut buffer)?;
    let rest = buffer
        .get(usize::from(request.offset)..length)
        .filter(|rest| !rest.is_empty())
        .ok_or(CompletionCode::OUT_OF_RANGE)?;
    let part = match request.count {
        WHOLE_RECORD => rest,
        count => rest.get(..usize::from(count)).unwrap_or(rest),
    };
    Ok(GetSdrResponse {
        next,
        data: Bytes::from_slice(part).map_err(|_| CompletionCode::UNSPECIFIED)?,
    })
}

fn run_initialization_agent(
    _: &mut Context<'_>,
    _: RunInitializationAgentRequest,
) -> Result<RunInitializationAgentResponse, CompletionCode> {
    Ok(RunInitializationAgentResponse {
        status: InitializationStatus { completed: true },
    })
}
