//! The clock of event log and SDR repository: one for both.

use ipmi_proto::command::Empty;
use ipmi_proto::command::storage::time::{
    ClockTime, GetSdrRepositoryTime, GetSelTime, GetSelTimeUtcOffset, SetSdrRepositoryTime, SetSelTime,
    SetSelTimeUtcOffset, UtcOffset,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, handlers};

handlers! {
    pure GetSdrRepositoryTime => get;
    pure SetSdrRepositoryTime => set;
    pure GetSelTime => get;
    pure SetSelTime => set;
    pure GetSelTimeUtcOffset => get_utc_offset;
    pure SetSelTimeUtcOffset => set_utc_offset;
}

fn get(context: &mut Context<'_>, _: Empty) -> Result<ClockTime, CompletionCode> {
    let seconds = context.state.clock.now();
    Ok(ClockTime { seconds })
}

fn set(context: &mut Context<'_>, request: ClockTime) -> Result<Empty, CompletionCode> {
    context.state.clock.set(request.seconds);
    Ok(Empty)
}

fn get_utc_offset(context: &mut Context<'_>, _: Empty) -> Result<UtcOffset, CompletionCode> {
    let minutes = context.state.clock.utc_offset();
    Ok(UtcOffset { minutes })
}

fn set_utc_offset(context: &mut Context<'_>, request: UtcOffset) -> Result<Empty, CompletionCode> {
    if context.state.clock.set_utc_offset(request.minutes) {
        Ok(Empty)
    } else {
        Err(CompletionCode::INVALID_FIELD)
    }
}
