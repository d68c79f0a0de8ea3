//! Platform event filtering: its configuration and marks. No action is offered.

use ipmi_proto::command::sensor_event::alert::PetAcknowledge;
use ipmi_proto::command::sensor_event::pef::{
    ArmPefPostponeTimer, ArmPefPostponeTimerRequest, ArmPefPostponeTimerResponse, GetLastProcessedEvent,
    GetPefCapabilities, GetPefParameter, GetPefParameterRequest, GetPefParameterResponse, LastProcessedEvent,
    PefActionSupport, PefCapabilities, PostponeTimer, SetLastProcessedEvent, SetLastProcessedEventRequest,
    SetPefParameter, SetPefParameterRequest,
};
use ipmi_proto::command::sensor_event::pef_parameter::PefValue;
use ipmi_proto::command::{Empty, PARAMETER_REVISION, ParameterData};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::RecordId;
use ipmi_proto::wire::LowBits;

use crate::handlers::{Context, check_writable, handlers};
use crate::state::pef::FILTERS;

handlers! {
    pure GetPefCapabilities => capabilities;
    pure ArmPefPostponeTimer => arm_postpone_timer;
    pure SetPefParameter => set;
    pure GetPefParameter => get;
    pure SetLastProcessedEvent => set_last_processed;
    pure GetLastProcessedEvent => get_last_processed;
    // No trap is waiting for one.
    pure PetAcknowledge => |_, _| Ok(Empty);
}

/// Version of PEF, BCD with the low digit first: 1.5.
const VERSION: u8 = 0x51;

fn capabilities(_: &mut Context<'_>, _: Empty) -> Result<PefCapabilities, CompletionCode> {
    Ok(PefCapabilities {
        version: VERSION,
        actions: PefActionSupport::default(),
        filters: FILTERS,
    })
}

/// There is nothing to hold back: the timer never runs.
fn arm_postpone_timer(
    _: &mut Context<'_>,
    request: ArmPefPostponeTimerRequest,
) -> Result<ArmPefPostponeTimerResponse, CompletionCode> {
    match request.timer {
        PostponeTimer::DISABLE | PostponeTimer::GET => Ok(ArmPefPostponeTimerResponse {
            timer: PostponeTimer::DISABLE,
        }),
        _ => Err(CompletionCode::INVALID_FIELD),
    }
}

fn get(
    context: &mut Context<'_>,
    request: GetPefParameterRequest,
) -> Result<GetPefParameterResponse, CompletionCode> {
    let selector = request.selector;
    let value = context
        .state
        .pef
        .get(selector.parameter, request.set, request.block, context.now)?;
    let data = if selector.revision_only {
        ParameterData::new()
    } else {
        value.to_data()?
    };
    Ok(GetPefParameterResponse {
        revision: PARAMETER_REVISION,
        data,
    })
}

fn set(context: &mut Context<'_>, request: SetPefParameterRequest) -> Result<Empty, CompletionCode> {
    let parameter = request.parameter.0;
    check_writable(parameter.spec())?;
    let session = context.session.map(|session| session.id);
    let pef = &mut context.state.pef;
    match PefValue::from_data(parameter, &request.data)? {
        PefValue::SetInProgress(LowBits(value)) => pef.guard.set(value, session, context.now)?,
        value => pef.set(&value)?,
    }
    Ok(Empty)
}

fn set_last_processed(
    context: &mut Context<'_>,
    request: SetLastProcessedEventRequest,
) -> Result<Empty, CompletionCode> {
    let pef = &mut context.state.pef;
    if request.who.bmc {
        pef.last_by_bmc = request.record;
    } else {
        pef.last_by_software = request.record;
    }
    Ok(Empty)
}

fn get_last_processed(context: &mut Context<'_>, _: Empty) -> Result<LastProcessedEvent, CompletionCode> {
    let state = &context.state;
    Ok(LastProcessedEvent {
        last_addition: state.sel.last_addition(),
        last_record: state.sel.last().unwrap_or(RecordId::LAST),
        last_by_software: state.pef.last_by_software,
        last_by_bmc: state.pef.last_by_bmc,
    })
}
