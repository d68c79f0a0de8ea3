//! Platform event filtering: what it can do, its configuration, marks and postpone timer.

use ipmi_proto::command::sensor_event::pef::{
    ArmPefPostponeTimer, ArmPefPostponeTimerRequest, ArmPefPostponeTimerResponse, GetLastProcessedEvent,
    GetPefCapabilities, GetPefParameter, GetPefParameterRequest, GetPefParameterResponse, LastProcessedEvent,
    PefActionSupport, PefCapabilities, SetLastProcessedEvent, SetLastProcessedEventRequest, SetPefParameter,
    SetPefParameterRequest,
};
use ipmi_proto::command::sensor_event::pef_parameter::{PefParameter, PefValue};
use ipmi_proto::command::{Empty, PARAMETER_REVISION, ParameterData};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::RecordId;
use ipmi_proto::wire::LowBits;

use crate::handlers::{Context, check_writable, handlers};
use crate::state::pef::{FILTERS, possible_actions};

handlers! {
    pure GetPefCapabilities => capabilities;
    pure ArmPefPostponeTimer => arm_postpone_timer;
    pure SetPefParameter => set;
    pure GetPefParameter => get;
    pure SetLastProcessedEvent => set_last_processed;
    pure GetLastProcessedEvent => get_last_processed;
}

/// Version of PEF, BCD with the low digit first: 1.5.
const VERSION: u8 = 0x51;

fn capabilities(context: &mut Context<'_>, _: Empty) -> Result<PefCapabilities, CompletionCode> {
    let possible = possible_actions(&context.state.capabilities);
    Ok(PefCapabilities {
        version: VERSION,
        // The same bits; OEM records are not filtered.
        actions: PefActionSupport::from_word(possible.to_word()),
        filters: FILTERS,
    })
}

fn arm_postpone_timer(
    context: &mut Context<'_>,
    request: ArmPefPostponeTimerRequest,
) -> Result<ArmPefPostponeTimerResponse, CompletionCode> {
    let timer = context.state.filtering.arm(context.now, request.timer);
    context.state.go_on_filtering(context.now);
    context.wake_driver = true;
    Ok(ArmPefPostponeTimerResponse { timer })
}

fn get(
    context: &mut Context<'_>,
    request: GetPefParameterRequest,
) -> Result<GetPefParameterResponse, CompletionCode> {
    let selector = request.selector;
    let pef = &context.state.pef;
    let value = match selector.parameter {
        PefParameter::SET_IN_PROGRESS => PefValue::SetInProgress(LowBits(pef.guard.value(context.now))),
        parameter => pef.settings.get(parameter, request.set, request.block)?,
    };
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
    let possible = possible_actions(&context.state.capabilities);
    let pef = &mut context.state.pef;
    match PefValue::from_data(parameter, &request.data)? {
        PefValue::SetInProgress(LowBits(value)) => pef.guard.set(value, session, context.now)?,
        value => pef.settings.set(&value, possible)?,
    }
    context.state.go_on_filtering(context.now);
    Ok(Empty)
}

fn set_last_processed(
    context: &mut Context<'_>,
    request: SetLastProcessedEventRequest,
) -> Result<Empty, CompletionCode> {
    let marks = &mut context.state.pef_marks;
    if request.who.bmc {
        marks.by_bmc = request.record;
    } else {
        marks.by_software = request.record;
    }
    Ok(Empty)
}

fn get_last_processed(context: &mut Context<'_>, _: Empty) -> Result<LastProcessedEvent, CompletionCode> {
    let state = &context.state;
    Ok(LastProcessedEvent {
        last_addition: state.sel.last_addition(),
        last_record: state.sel.last().unwrap_or(RecordId::LAST),
        last_by_software: state.pef_marks.by_software,
        last_by_bmc: state.pef_marks.by_bmc,
    })
}
