//! The FRU inventory.

use ipmi_proto::command::storage::fru::{
    FruAccess, FruAreaInfo, FruData, GetFruAreaInfo, GetFruAreaInfoRequest, ReadFru, ReadFruRequest,
    WriteFru, WriteFruRequest, WriteFruResponse,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::Counted;

use crate::handlers::{Context, handlers};
use crate::state::fru::{DEVICE, SIZE};

handlers! {
    pure GetFruAreaInfo => area_info;
    pure ReadFru => read;
    pure WriteFru => write;
}

fn check(device: u8) -> Result<(), CompletionCode> {
    if device == DEVICE {
        Ok(())
    } else {
        Err(CompletionCode::NOT_PRESENT)
    }
}

fn area_info(_: &mut Context<'_>, request: GetFruAreaInfoRequest) -> Result<FruAreaInfo, CompletionCode> {
    check(request.device)?;
    Ok(FruAreaInfo {
        size: u16::try_from(SIZE).map_err(|_| CompletionCode::UNSPECIFIED)?,
        access: FruAccess { words: false },
    })
}

fn read(context: &mut Context<'_>, request: ReadFruRequest) -> Result<FruData, CompletionCode> {
    check(request.device)?;
    let state = &context.state;
    let tag = state.dcmi.asset_tag();
    let data = state
        .fru
        .read(&state.identity, tag, request.offset, request.count)?;
    Ok(FruData { data: Counted(data) })
}

fn write(context: &mut Context<'_>, request: WriteFruRequest) -> Result<WriteFruResponse, CompletionCode> {
    check(request.device)?;
    let count = u8::try_from(request.data.len()).map_err(|_| CompletionCode::LENGTH_EXCEEDED)?;
    let state = &mut context.state;
    let tag = state.dcmi.asset_tag();
    state
        .fru
        .write(&state.identity, tag, request.offset, &request.data)?;
    if let Some(tag) = state.fru.asset_tag() {
        state.dcmi.replace_asset_tag(&tag);
    }
    Ok(WriteFruResponse { count })
}
