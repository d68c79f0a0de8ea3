//! Channels: what they are, who may use them, their keys.

use crate::command::{ChannelField, Empty, PrivilegeField, commands};
use crate::ipmb::{ChannelMedium, ChannelProtocol, Privilege};
use crate::wire::{Decode, Encode, LowBits, Reader, Secret, U24, WireError, Writer, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Changes when and with which privilege a channel may be used.
    SetChannelAccess = "Set Channel Access", APP 0x40, ADMINISTRATOR, Manage, "22.22";
    request SetChannelAccessRequest {
        /// The channel.
        channel: ChannelField,
        /// What to change, and the flags and mode.
        access: SetAccessMode,
        /// What to change, and the privilege limit.
        limit: SetPrivilegeLimit,
    }
    response Empty;
    => {
        NOT_SUPPORTED_ON_CHANNEL = 0x82, "not supported on this channel";
        MODE_NOT_SUPPORTED = 0x83, "access mode not supported";
    }

    /// Reads when and with which privilege a channel may be used.
    GetChannelAccess = "Get Channel Access", APP 0x41, USER, Manage, "22.23";
    request GetChannelAccessRequest {
        /// The channel.
        channel: ChannelField,
        /// Which settings.
        settings: AccessSelector,
    }
    response ChannelAccess {
        /// Flags and mode.
        access: AccessMode,
        /// Highest privilege of a session on the channel.
        limit: PrivilegeField,
    }
    => {
        NOT_SUPPORTED_ON_CHANNEL = 0x82, "not supported on this channel";
    }

    /// Tells what a channel is.
    GetChannelInfo = "Get Channel Info", APP 0x42, USER, Core, "22.24";
    request GetChannelInfoRequest {
        /// The channel.
        channel: ChannelField,
    }
    response ChannelInfo {
        /// The channel itself, never "the present one".
        channel: ChannelField,
        /// What carries it.
        medium: LowBits<ChannelMedium, 7>,
        /// How messages are framed on it.
        protocol: LowBits<ChannelProtocol, 5>,
        /// How many sessions it has.
        sessions: ChannelSessions,
        /// Enterprise number of the protocol's owner; [`IPMI_ENTERPRISE`] for all but OEM protocols.
        vendor: U24,
        /// Auxiliary data: interrupts of the system interface, zero else.
        auxiliary: [u8; 2],
    }

    /// Reads, sets or locks the keys of a channel's key exchange.
    SetChannelSecurityKeys = "Set Channel Security Keys", APP 0x56, ADMINISTRATOR, Manage, "22.25";
    request SetChannelSecurityKeysRequest;
    response SetChannelSecurityKeysResponse;
    => {
        LOCKED = 0x80, "the key is locked";
        TOO_SHORT = 0x81, "too few bytes in the key";
        TOO_LONG = 0x82, "too many bytes in the key";
        CRITERIA_NOT_MET = 0x83, "the key does not meet the criteria";
        NOT_USED = 0x84, "K_R is not used";
    }
}

/// The enterprise number of the IPMI forum, the owner of the channel protocols.
pub const IPMI_ENTERPRISE: U24 = U24(7154);

code_points! {
    /// When a channel may be used for sessions, 3 bits.
    pub struct ChannelMode(u8) {
        DISABLED = 0, "disabled";
        PRE_BOOT = 1, "only while the system is off or in POST";
        ALWAYS = 2, "always available";
        SHARED = 3, "shared with system software";
    }
}

code_points! {
    /// Whether a field of [`SetChannelAccessRequest`] is to be changed, 2 bits.
    pub struct AccessChange(u8) {
        KEEP = 0, "do not change";
        NON_VOLATILE = 1, "change the setting that is taken at start";
        VOLATILE = 2, "change the present setting";
    }
}

packed! {
    /// Access byte of [`SetChannelAccessRequest`].
    pub struct SetAccessMode: u8 {
        /// What to change.
        change: AccessChange = 7, 6;
        /// No alerts are sent over the channel.
        alerting_disabled: bool = 5, 5;
        /// Packets after Activate Session need not be authenticated.
        per_message_disabled: bool = 4, 4;
        /// Commands for which User is enough need not be authenticated.
        user_level_disabled: bool = 3, 3;
        /// When the channel may be used.
        mode: ChannelMode = 2, 0;
    }
}

packed! {
    /// Privilege byte of [`SetChannelAccessRequest`].
    pub struct SetPrivilegeLimit: u8 {
        /// What to change.
        change: AccessChange = 7, 6;
        /// Highest privilege of a session on the channel.
        limit: Privilege = 3, 0;
    }
}

packed! {
    /// Last byte of [`GetChannelAccessRequest`].
    pub struct AccessSelector: u8 {
        /// Which settings: non-volatile or present.
        settings: AccessChange = 7, 6;
    }
}

packed! {
    /// Access byte of [`ChannelAccess`].
    pub struct AccessMode: u8 {
        /// No alerts are sent over the channel.
        alerting_disabled: bool = 5, 5;
        /// Packets after Activate Session need not be authenticated.
        per_message_disabled: bool = 4, 4;
        /// Commands for which User is enough need not be authenticated.
        user_level_disabled: bool = 3, 3;
        /// When the channel may be used.
        mode: ChannelMode = 2, 0;
    }
}

code_points! {
    /// Whether a channel has sessions, 2 bits.
    pub struct SessionSupport(u8) {
        NONE = 0, "session-less";
        SINGLE = 1, "single-session";
        MULTI = 2, "multi-session";
        BY_CONFIGURATION = 3, "session-based, single or multi";
    }
}

packed! {
    /// Session byte of [`ChannelInfo`].
    pub struct ChannelSessions: u8 {
        /// Whether the channel has sessions.
        support: SessionSupport = 7, 6;
        /// Sessions that are active on it.
        active: u8 = 5, 0;
    }
}

code_points! {
    /// What [`SetChannelSecurityKeys`] does, 2 bits.
    pub struct KeyOperation(u8) {
        READ = 0, "read the key";
        SET = 1, "set the key";
        LOCK = 2, "lock the key";
    }
}

code_points! {
    /// A key of a channel.
    pub struct KeyId(u8) {
        RANDOM = 0, "K_R";
        GENERATING = 1, "K_G";
    }
}

code_points! {
    /// Whether a key can be changed, 2 bits.
    pub struct KeyLock(u8) {
        NOT_LOCKABLE = 0, "not lockable";
        LOCKED = 1, "locked";
        UNLOCKED = 2, "unlocked";
    }
}

/// Request data of [`SetChannelSecurityKeys`].
#[derive(Debug, PartialEq, Eq)]
pub struct SetChannelSecurityKeysRequest {
    /// The channel.
    pub channel: ChannelField,
    /// What to do.
    pub operation: LowBits<KeyOperation, 2>,
    /// Which key.
    pub key_id: KeyId,
    /// The new key, 20 bytes; empty unless it is set. Longer ones than 20 bytes are read, to be refused.
    pub key: Secret<64>,
}

impl Decode for SetChannelSecurityKeysRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            channel: reader.value()?,
            operation: reader.value()?,
            key_id: reader.value()?,
            key: reader.value()?,
        })
    }
}

impl Encode for SetChannelSecurityKeysRequest {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.channel)?;
        writer.value(&self.operation)?;
        writer.value(&self.key_id)?;
        writer.value(&self.key)
    }
}

/// Response data of [`SetChannelSecurityKeys`].
#[derive(Debug, PartialEq, Eq)]
pub struct SetChannelSecurityKeysResponse {
    /// Whether the key can be changed.
    pub lock: LowBits<KeyLock, 2>,
    /// The key, if it was read and may be shown.
    pub key: Secret<64>,
}

impl Decode for SetChannelSecurityKeysResponse {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            lock: reader.value()?,
            key: reader.value()?,
        })
    }
}

impl Encode for SetChannelSecurityKeysResponse {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.lock)?;
        writer.value(&self.key)
    }
}
