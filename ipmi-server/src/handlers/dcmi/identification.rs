//! Names of the machine and of the BMC.

use ipmi_proto::command::dcmi::identification::{
    AssetTag, GetAssetTag, GetAssetTagRequest, GetManagementControllerIdentifier,
    GetManagementControllerIdentifierRequest, ManagementControllerIdentifier, SetAssetTag,
    SetAssetTagRequest, SetAssetTagResponse, SetManagementControllerIdentifier,
    SetManagementControllerIdentifierRequest, SetManagementControllerIdentifierResponse,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, handlers};
use crate::state::dcmi::{length, page};

handlers! {
    pure GetAssetTag => get_asset_tag;
    pure SetAssetTag => set_asset_tag;
    pure GetManagementControllerIdentifier => get_identifier;
    pure SetManagementControllerIdentifier => set_identifier;
}

fn get_asset_tag(context: &mut Context<'_>, request: GetAssetTagRequest) -> Result<AssetTag, CompletionCode> {
    let tag = context.state.dcmi.asset_tag();
    Ok(AssetTag {
        total: length(tag),
        data: page(tag, request.offset, request.count)?,
    })
}

/// The tag is in the FRU inventory as well.
fn set_asset_tag(
    context: &mut Context<'_>,
    request: SetAssetTagRequest,
) -> Result<SetAssetTagResponse, CompletionCode> {
    let state = &mut context.state;
    let total = state.dcmi.write_asset_tag(request.offset, &request.data.0)?;
    state.fru.set_asset_tag(state.dcmi.asset_tag());
    Ok(SetAssetTagResponse { total })
}

fn get_identifier(
    context: &mut Context<'_>,
    request: GetManagementControllerIdentifierRequest,
) -> Result<ManagementControllerIdentifier, CompletionCode> {
    let name = context.state.dcmi.identifier(&context.state.identity.name);
    Ok(ManagementControllerIdentifier {
        total: length(&name),
        data: page(&name, request.offset, request.count)?,
    })
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
