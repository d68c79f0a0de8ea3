//! FRU inventory. There is one, of the machine: device 0.

use ipmi_proto::command::storage::fru::{
    FruAccess, FruAreaInfo, FruData, GetFruAreaInfo, GetFruAreaInfoRequest, ReadFru, ReadFruRequest,
    WriteFru, WriteFruRequest, WriteFruResponse,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::{Bytes, Counted};

use crate::handlers::{Context, handlers};
use crate::state::fru::SIZE;

handlers! {
    pure GetFruAreaInfo => info;
    pure ReadFru => read;
    pure WriteFru => write;
}

const fn check_device(device: u8) -> Result<(), CompletionCode> {
    match device {
        0 => Ok(()),
        _ => Err(CompletionCode::NOT_PRESENT),
    }
}

fn info(_: &mut Context<'_>, request: GetFruAreaInfoRequest) -> Result<FruAreaInfo, CompletionCode> {
    check_device(request.device)?;
    Ok(FruAreaInfo {
        size: u16::try_from(SIZE).unwrap_or(u16::MAX),
        access: FruAccess { words: false },
    })
}

fn read(context: &mut Context<'_>, request: ReadFruRequest) -> Result<FruData, CompletionCode> {
    check_device(request.device)?;
    let mut buffer = [0; 255];
    let wanted = buffer.get_mut(..usize::from(request.count)).unwrap_or_default();
    let state = &context.state;
    let length = state
        .fru
        .read(&state.identity, state.dcmi.asset_tag(), request.offset, wanted)?;
    let data = buffer.get(..length).unwrap_or_default();
    Ok(FruData {
        data: Counted(Bytes::from_slice(data).map_err(|_| CompletionCode::UNSPECIFIED)?),
    })
}

fn write(context: &mut Context<'_>, request: WriteFruRequest) -> Result<WriteFruResponse, CompletionCode> {
    check_device(request.device)?;
    let state = &mut *context.state;
    state.fru.write(
        &state.identity,
        state.dcmi.asset_tag(),
        request.offset,
        &request.data,
    )?;
    Ok(WriteFruResponse {
        count: u8::try_from(request.data.len()).unwrap_or(u8::MAX),
    })
}
