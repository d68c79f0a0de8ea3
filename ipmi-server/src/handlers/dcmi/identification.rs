//! Names of the machine and of the BMC, in pages of 16 bytes.

use ipmi_proto::command::dcmi::identification::{
    AssetTag, GetAssetTag, GetAssetTagRequest, GetManagementControllerIdentifier,
    GetManagementControllerIdentifierRequest, ManagementControllerIdentifier, PAGE, SetAssetTag,
    SetAssetTagRequest, SetAssetTagResponse, SetManagementControllerIdentifier,
    SetManagementControllerIdentifierRequest, SetManagementControllerIdentifierResponse,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::Bytes;

use crate::handlers::{Context, handlers};

handlers! {
    pure GetAssetTag => get_asset_tag;
    pure SetAssetTag => set_asset_tag;
    pure GetManagementControllerIdentifier => get_identifier;
    pure SetManagementControllerIdentifier => set_identifier;
}

/// A page of a text, and the length of all of it.
fn page(text: &[u8], offset: u8, count: u8) -> Result<(u8, Bytes<PAGE>), CompletionCode> {
    let total = u8::try_from(text.len()).map_err(|_| CompletionCode::UNSPECIFIED)?;
    let rest = text
        .get(usize::from(offset)..)
        .ok_or(CompletionCode::OUT_OF_RANGE)?;
    if usize::from(count) > PAGE {
        return Err(CompletionCode::OUT_OF_RANGE);
    }
    let part = rest.get(..usize::from(count)).unwrap_or(rest);
    let data = Bytes::from_slice(part).map_err(|_| CompletionCode::OUT_OF_RANGE)?;
    Ok((total, data))
}

fn get_asset_tag(context: &mut Context<'_>, request: GetAssetTagRequest) -> Result<AssetTag, CompletionCode> {
    let (total, data) = page(context.state.dcmi.asset_tag(), request.offset, request.count)?;
    Ok(AssetTag { total, data })
}

fn set_asset_tag(
    context: &mut Context<'_>,
    request: SetAssetTagRequest,
) -> Result<SetAssetTagResponse, CompletionCode> {
    let total = context
        .state
        .dcmi
        .write_asset_tag(request.offset, &request.data.0)?;
    Ok(SetAssetTagResponse { total })
}

fn get_identifier(
    context: &mut Context<'_>,
    request: GetManagementControllerIdentifierRequest,
) -> Result<ManagementControllerIdentifier, CompletionCode> {
    let (total, data) = page(context.state.dcmi.identifier(), request.offset, request.count)?;
    Ok(ManagementControllerIdentifier { total, data })
}

fn set_identifier(
    context: &mut Context<'_>,
    request: SetManagementControllerIdentifierRequest,
) -> Result<SetManagementControllerIdentifierResponse, CompletionCode> {
    let total = context
        .state
        .dcmi
        .write_identifier(request.offset, &request.data.0)?;
    Ok(SetManagementControllerIdentifierResponse { total })
}
