//! The repository of sensor data records. Nothing can be added: it says what the machine has.

use ipmi_proto::command::storage::sdr::{
    GetSdr, GetSdrAllocationInfo, GetSdrRepositoryInfo, GetSdrRequest, GetSdrResponse, InitializationStatus,
    ReserveSdrRepository, RunInitializationAgent, RunInitializationAgentResponse, SdrReservation,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::handlers;
use crate::state::{Repository, Reservation, State};

handlers! {
    pure GetSdrRepositoryInfo => |context, _| Ok(context.state.sensors.repository().info());
    pure GetSdrAllocationInfo => |_, _| Ok(Repository::allocation());
    pure ReserveSdrRepository => |context, _| {
        Ok(SdrReservation { reservation: context.state.sdr_reservation.reserve() })
    };
    pure GetSdr => |context, request| read(context.state, context.state.sdr_reservation, &request);
    // What it would do has been done when the BMC started.
    pure RunInitializationAgent => |_, _| {
        Ok(RunInitializationAgentResponse { status: InitializationStatus { completed: true } })
    };
}

/// Reads a record or a part of it. A part that is not the first needs the reservation.
pub(in crate::handlers) fn read(
    state: &State,
    reservation: Reservation,
    request: &GetSdrRequest,
) -> Result<GetSdrResponse, CompletionCode> {
    if request.offset != 0 {
        reservation.check(request.reservation)?;
    }
    state.sensors.repository().get(request)
}
