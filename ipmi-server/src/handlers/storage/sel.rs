//! The system event log.

use ipmi_proto::command::Empty;
use ipmi_proto::command::storage::sdr::AllocationInfo;
use ipmi_proto::command::storage::sdr_update::{
    CLEAR_CONFIRMATION, ClearAction, ClearProgress, ClearRequest, ClearResponse, PartialAddProgress,
};
use ipmi_proto::command::storage::sel::{
    AddSelEntry, AddSelEntryRequest, ClearSel, DeleteSelEntry, DeleteSelEntryRequest, GetSelAllocationInfo,
    GetSelEntry, GetSelEntryRequest, GetSelEntryResponse, GetSelInfo, PartialAddSelEntry,
    PartialAddSelEntryRequest, ReserveSel, SEL_VERSION, SelEntry, SelInfo, SelReservation, SelSupport,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::RecordId;
use ipmi_proto::record::sel::{RECORD_LENGTH, SelRecord};
use ipmi_proto::wire::{Bytes, LowBits};

use crate::handlers::{Context, handlers};
use crate::state::sel::CAPACITY;

handlers! {
    pure GetSelInfo => info;
    pure GetSelAllocationInfo => allocation;
    pure ReserveSel => reserve;
    pure GetSelEntry => get;
    pure AddSelEntry => add;
    pure PartialAddSelEntry => partial_add;
    pure DeleteSelEntry => delete;
    pure ClearSel => clear;
}

/// Add SEL Entry: there are no records of this type.
const RECORD_TYPE_NOT_SUPPORTED: CompletionCode = CompletionCode(0x80);
/// Count that stands for the rest of the record.
const WHOLE_RECORD: u8 = 0xff;

fn info(context: &mut Context<'_>, _: Empty) -> Result<SelInfo, CompletionCode> {
    let log = &context.state.sel;
    Ok(SelInfo {
        version: SEL_VERSION,
        entries: log.len(),
        free: log.free(),
        last_addition: log.last_addition,
        last_erase: log.last_erase,
        support: SelSupport {
            overflow: log.has_overflowed,
            delete: true,
            partial_add: true,
            reserve: true,
            allocation_info: true,
        },
    })
}

fn allocation(context: &mut Context<'_>, _: Empty) -> Result<AllocationInfo, CompletionCode> {
    let units = u16::try_from(CAPACITY).unwrap_or(u16::MAX);
    let free = units.saturating_sub(context.state.sel.len());
    Ok(AllocationInfo {
        units,
        unit_size: u16::try_from(RECORD_LENGTH).unwrap_or(u16::MAX),
        free_units: free,
        largest_free_block: free,
        largest_record: 1,
    })
}

fn reserve(context: &mut Context<'_>, _: Empty) -> Result<SelReservation, CompletionCode> {
    let reservation = context.state.sel.reservation.reserve();
    Ok(SelReservation { reservation })
}

fn get(
    context: &mut Context<'_>,
    request: GetSelEntryRequest,
) -> Result<GetSelEntryResponse, CompletionCode> {
    let log = &context.state.sel;
    if request.offset != 0 {
        log.reservation.check(request.reservation)?;
    }
    let (record, next) = log.get(request.record)?;
    let rest = record.get(usize::from(request.offset)..);
    let rest = rest
        .filter(|rest| !rest.is_empty())
        .ok_or(CompletionCode::OUT_OF_RANGE)?;
    let part = match request.count {
        WHOLE_RECORD => rest,
        count => rest.get(..usize::from(count)).unwrap_or(rest),
    };
    Ok(GetSelEntryResponse {
        next,
        data: Bytes::from_slice(part).map_err(|_| CompletionCode::UNSPECIFIED)?,
    })
}

fn add(context: &mut Context<'_>, request: AddSelEntryRequest) -> Result<SelEntry, CompletionCode> {
    keep(context, request.record)
}

fn keep(context: &mut Context<'_>, record: SelRecord) -> Result<SelEntry, CompletionCode> {
    if !record.body.is_known() {
        return Err(RECORD_TYPE_NOT_SUPPORTED);
    }
    let now = context.state.clock.now();
    let record = context.state.sel.add(record.body, now)?;
    Ok(SelEntry { record })
}

fn partial_add(
    context: &mut Context<'_>,
    request: PartialAddSelEntryRequest,
) -> Result<SelEntry, CompletionCode> {
    let is_last = match request.progress.0 {
        PartialAddProgress::LAST => true,
        PartialAddProgress::MORE => false,
        _ => return Err(CompletionCode::INVALID_FIELD),
    };
    let log = &mut context.state.sel;
    match log.add_piece(request.reservation, request.offset, &request.data, is_last)? {
        Some(record) => keep(context, record),
        // The ID is known with the last piece.
        None => Ok(SelEntry {
            record: RecordId::default(),
        }),
    }
}

fn delete(context: &mut Context<'_>, request: DeleteSelEntryRequest) -> Result<SelEntry, CompletionCode> {
    let now = context.state.clock.now();
    let record = context
        .state
        .sel
        .delete(request.reservation, request.record, now)?;
    Ok(SelEntry { record })
}

/// Done at once. No record says so: clients expect the log to be empty after it.
fn clear(context: &mut Context<'_>, request: ClearRequest) -> Result<ClearResponse, CompletionCode> {
    if request.confirmation != CLEAR_CONFIRMATION {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let now = context.state.clock.now();
    match request.action {
        ClearAction::BEGIN => context.state.sel.clear(request.reservation, now)?,
        ClearAction::STATUS => {}
        _ => return Err(CompletionCode::INVALID_FIELD),
    }
    Ok(ClearResponse {
        progress: LowBits(ClearProgress::COMPLETED),
    })
}
