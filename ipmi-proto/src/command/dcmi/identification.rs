//! Names of the machine and of the BMC.

use crate::command::commands;
use crate::wire::{Bytes, Counted};

/// Most bytes that a request reads or writes.
pub const PAGE: usize = 16;
/// Most bytes of an asset tag.
pub const ASSET_TAG_LENGTH: usize = 63;
/// Most bytes of a management controller identifier, its NUL included.
pub const IDENTIFIER_LENGTH: usize = 64;

commands! {
    /// The commands of this module.
    COMMANDS: Dcmi;

    /// Reads a part of the asset tag.
    GetAssetTag = "Get Asset Tag", GROUP_EXTENSION 0x06, USER, Dcmi, "6.4.2";
    request GetAssetTagRequest {
        /// First byte to read, from 0.
        offset: u8,
        /// Number of bytes to read, at most [`PAGE`].
        count: u8,
    }
    response AssetTag {
        /// Bytes of the whole tag.
        total: u8,
        /// The bytes that were asked for.
        data: Bytes<PAGE>,
    }

    /// Writes a part of the asset tag.
    SetAssetTag = "Set Asset Tag", GROUP_EXTENSION 0x08, OPERATOR, Dcmi, "6.4.3";
    request SetAssetTagRequest {
        /// First byte to write, from 0.
        offset: u8,
        /// The bytes.
        data: Counted<Bytes<PAGE>>,
    }
    response SetAssetTagResponse {
        /// Bytes of the whole tag.
        total: u8,
    }

    /// Reads a part of the BMC's name.
    GetManagementControllerIdentifier =
        "Get Management Controller Identifier String", GROUP_EXTENSION 0x09, USER, Dcmi, "6.4.6.1";
    request GetManagementControllerIdentifierRequest {
        /// First byte to read, from 0.
        offset: u8,
        /// Number of bytes to read, at most [`PAGE`].
        count: u8,
    }
    response ManagementControllerIdentifier {
        /// Bytes of the whole name, its NUL included.
        total: u8,
        /// The bytes that were asked for.
        data: Bytes<PAGE>,
    }

    /// Writes a part of the BMC's name.
    SetManagementControllerIdentifier =
        "Set Management Controller Identifier String", GROUP_EXTENSION 0x0a, ADMINISTRATOR, Dcmi, "6.4.6.2";
    request SetManagementControllerIdentifierRequest {
        /// First byte to write, from 0.
        offset: u8,
        /// The bytes; the last ones end with NUL.
        data: Counted<Bytes<PAGE>>,
    }
    response SetManagementControllerIdentifierResponse {
        /// Bytes of the whole name, its NUL included.
        total: u8,
    }
}
