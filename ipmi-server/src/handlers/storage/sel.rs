//! The system event log.

use ipmi_proto::command::storage::sdr_update::{ClearAction, ClearRequest, ClearResponse};
use ipmi_proto::command::storage::sel::{
    AddSelEntry, AddSelEntryRequest, ClearSel, DeleteSelEntry, GetSelAllocationInfo, GetSelEntry, GetSelInfo,
    PartialAddSelEntry, PartialAddSelEntryRequest, ReserveSel, SelEntry, SelReservation,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, handlers};

handlers! {
    pure GetSelInfo => |context, _| Ok(context.state.sel.info());
    pure GetSelAllocationInfo => |context, _| Ok(context.state.sel.allocation());
    pure ReserveSel => |context, _| Ok(SelReservation { reservation: context.state.sel.reserve() });
    pure GetSelEntry => |context, request| context.state.sel.get(&request);
    pure AddSelEntry => add;
    pure PartialAddSelEntry => add_piece;
    pure DeleteSelEntry => |context, request| {
        let seconds = context.state.clock.seconds(context.now);
        context.state.sel.delete(seconds, &request).map(|record| SelEntry { record })
    };
    pure ClearSel => clear;
}

fn add(context: &mut Context<'_>, request: AddSelEntryRequest) -> Result<SelEntry, CompletionCode> {
    let record = context.state.record(context.now, request.record.body)?;
    Ok(SelEntry { record })
}

fn add_piece(
    context: &mut Context<'_>,
    request: PartialAddSelEntryRequest,
) -> Result<SelEntry, CompletionCode> {
    let record = match context.state.sel.add_piece(&request)? {
        (record, None) => record,
        (_, Some(body)) => context.state.record(context.now, body)?,
    };
    Ok(SelEntry { record })
}

/// No record says that the log was cleared: clients take a log with a record for one that was not cleared. The
/// sensor of the log shows it instead.
fn clear(context: &mut Context<'_>, request: ClearRequest) -> Result<ClearResponse, CompletionCode> {
    let seconds = context.state.clock.seconds(context.now);
    let response = context.state.sel.clear(seconds, &request)?;
    if request.action == ClearAction::BEGIN {
        tracing::info!(bmc = context.bmc.name(), "the event log was cleared");
        context.state.events.log_cleared();
    }
    Ok(response)
}
