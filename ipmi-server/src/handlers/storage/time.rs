//! The clock of the event log, which is that of the SDR repository as well.

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
    pure GetSelTimeUtcOffset => |context, _| Ok(UtcOffset { minutes: context.state.clock.utc_offset() });
    pure SetSelTimeUtcOffset => |context, request| {
        context.state.clock.set_utc_offset(request.minutes).map(|()| Empty)
    };
}

fn get(context: &mut Context<'_>, _: Empty) -> Result<ClockTime, CompletionCode> {
    let seconds = context.state.clock.seconds(context.now);
    Ok(ClockTime { seconds })
}

fn set(context: &mut Context<'_>, request: ClockTime) -> Result<Empty, CompletionCode> {
    context.state.set_clock(context.now, request.seconds);
    Ok(Empty)
}
