//! Payloads of an IPMI 2.0 session: Serial over LAN and others, who may use them, starting and ending them.

use super::session::PayloadField;
use crate::command::{ChannelField, Empty, UserIdField, commands, message};
use crate::packet::v2_0::PayloadType;
use crate::wire::{LowBits, U24, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Starts a payload in the session of the request.
    ActivatePayload = "Activate Payload", APP 0x48, USER, Console, "24.1";
    request ActivatePayloadRequest {
        /// Kind of the payload.
        payload: PayloadField,
        /// Which one of its kind, from 1.
        instance: LowBits<u8, 4>,
        /// Settings of Serial over LAN.
        settings: ActivationSettings,
        /// Reserved, zero.
        reserved: [u8; 3],
    }
    response ActivatedPayload {
        /// Whether Serial over LAN is in test mode.
        status: ActivationStatus,
        /// Reserved, zero.
        reserved: [u8; 3],
        /// Most bytes of a payload to the BMC, its own header included.
        inbound_size: u16,
        /// Most bytes of a payload from the BMC, its own header included.
        outbound_size: u16,
        /// UDP port of the payload.
        port: u16,
        /// VLAN of the payload; [`NO_VLAN`] if none.
        vlan: u16,
    }
    => {
        ALREADY_ACTIVE = 0x80, "the payload is active on another session";
        DISABLED = 0x81, "the payload type is disabled";
        LIMIT_REACHED = 0x82, "the limit of active payloads is reached";
        CANNOT_ENCRYPT = 0x83, "the payload cannot be activated with encryption";
        MUST_ENCRYPT = 0x84, "the payload cannot be activated without encryption";
    }

    /// Ends a payload.
    DeactivatePayload = "Deactivate Payload", APP 0x49, USER, Console, "24.2";
    request DeactivatePayloadRequest {
        /// Kind of the payload.
        payload: PayloadField,
        /// Which one of its kind, from 1.
        instance: LowBits<u8, 4>,
        /// Not used by Serial over LAN.
        auxiliary: [u8; 4],
    }
    response Empty;
    => {
        ALREADY_INACTIVE = 0x80, "the payload is not active";
        DISABLED = 0x81, "the payload type is disabled";
    }

    /// Tells which instances of a payload are active.
    GetPayloadActivationStatus = "Get Payload Activation Status", APP 0x4a, USER, Console, "24.4";
    request GetPayloadActivationStatusRequest {
        /// Kind of the payload.
        payload: PayloadType,
    }
    response PayloadActivationStatus {
        /// Most instances that can be active at a time.
        capacity: LowBits<u8, 4>,
        /// The active ones: bit 0 is instance 1.
        active: u16,
    }

    /// Tells which session uses a payload.
    GetPayloadInstanceInfo = "Get Payload Instance Info", APP 0x4b, USER, Console, "24.5";
    request GetPayloadInstanceInfoRequest {
        /// Kind of the payload.
        payload: PayloadType,
        /// Which one of its kind, from 1.
        instance: u8,
    }
    response PayloadInstanceInfo {
        /// ID that the BMC gave to the session; 0 if the instance is not active.
        session: u32,
        /// Serial over LAN: number of the serial port, 0 if not specified.
        port: u8,
        /// Reserved, zero.
        reserved: [u8; 7],
    }

    /// Changes which payloads a user may start.
    SetUserPayloadAccess = "Set User Payload Access", APP 0x4c, ADMINISTRATOR, Console, "24.6";
    request SetUserPayloadAccessRequest {
        /// The channel.
        channel: ChannelField,
        /// The user and what to do.
        user: PayloadUser,
        /// The payloads to which it is done.
        payloads: UserPayloads,
    }
    response Empty;

    /// Tells which payloads a user may start.
    GetUserPayloadAccess = "Get User Payload Access", APP 0x4d, OPERATOR, Console, "24.7";
    request GetUserPayloadAccessRequest {
        /// The channel.
        channel: ChannelField,
        /// The user.
        user: UserIdField,
    }
    response GetUserPayloadAccessResponse {
        /// The payloads that the user may start.
        payloads: UserPayloads,
    }

    /// Tells which kinds of payload a channel carries.
    GetChannelPayloadSupport = "Get Channel Payload Support", APP 0x4e, USER, Console, "24.8";
    request GetChannelPayloadSupportRequest {
        /// The channel.
        channel: ChannelField,
    }
    response ChannelPayloadSupport {
        /// Standard payloads, bit n is type n.
        standard: u16,
        /// Payloads of session setup, bit n is type 10h + n.
        session_setup: u16,
        /// OEM payloads, bit n is type 20h + n.
        oem: u16,
        /// Reserved, zero.
        reserved: u16,
    }

    /// Tells the version of a kind of payload.
    GetChannelPayloadVersion = "Get Channel Payload Version", APP 0x4f, USER, Console, "24.9";
    request GetChannelPayloadVersionRequest {
        /// The channel.
        channel: ChannelField,
        /// Kind of the payload.
        payload: PayloadType,
    }
    response ChannelPayloadVersion {
        /// The version.
        version: PayloadVersion,
    }
    => {
        NOT_AVAILABLE = 0x80, "the channel does not have the payload type";
    }

    /// Tells about an OEM payload.
    GetChannelOemPayloadInfo = "Get Channel OEM Payload Info", APP 0x50, USER, Console, "24.10";
    request GetChannelOemPayloadInfoRequest {
        /// The channel.
        channel: ChannelField,
        /// Kind of the payload: OEM explicit, or one of the OEM types.
        payload: PayloadType,
        /// Enterprise number for OEM explicit, else zero.
        oem: U24,
        /// The enterprise's number of the payload.
        oem_payload: u16,
    }
    response ChannelOemPayloadInfo {
        /// Kind of the payload.
        payload: PayloadType,
        /// Enterprise number.
        oem: U24,
        /// The enterprise's number of the payload.
        oem_payload: u16,
        /// The version.
        version: PayloadVersion,
    }
    => {
        NOT_AVAILABLE = 0x80, "the channel does not have the payload";
    }

    /// Stops or starts the encryption of a payload.
    SuspendResumePayloadEncryption =
        "Suspend/Resume Payload Encryption", APP 0x55, USER, Console, "24.3";
    request SuspendResumePayloadEncryptionRequest {
        /// Kind of the payload.
        payload: PayloadField,
        /// Which one of its kind, from 1.
        instance: LowBits<u8, 4>,
        /// What to do.
        operation: LowBits<EncryptionOperation, 5>,
    }
    response Empty;
    => {
        NOT_SUPPORTED = 0x80, "not supported for this payload type";
        NOT_ALLOWED = 0x81, "not allowed by the configuration";
        NOT_ENCRYPTED = 0x82, "the session is not encrypted";
        INSTANCE_INACTIVE = 0x83, "the payload instance is not active";
    }
}

/// The VLAN number that says that there is none.
pub const NO_VLAN: u16 = 0xffff;

packed! {
    /// First settings byte of [`ActivatePayloadRequest`] for Serial over LAN.
    pub struct ActivationSettings: u8 {
        /// Encrypt the payload.
        encrypt: bool = 7, 7;
        /// Authenticate the payload.
        authenticate: bool = 6, 6;
        /// Test mode.
        test_mode: bool = 5, 5;
        /// Serial alerts while the payload is active: 0 fail, 1 wait, 2 succeed.
        serial_alerts: u8 = 3, 2;
        /// CTS, DCD and DSR stay deasserted until the console asserts them.
        hold_handshake: bool = 1, 1;
    }
}

packed! {
    /// First byte of [`ActivatedPayload`].
    pub struct ActivationStatus: u8 {
        /// Serial over LAN is in test mode.
        test_mode: bool = 0, 0;
    }
}

code_points! {
    /// What [`SetUserPayloadAccess`] does, 2 bits.
    pub struct PayloadAccessOperation(u8) {
        ENABLE = 0, "enable";
        DISABLE = 1, "disable";
    }
}

packed! {
    /// Second byte of [`SetUserPayloadAccessRequest`].
    pub struct PayloadUser: u8 {
        /// What to do.
        operation: PayloadAccessOperation = 7, 6;
        /// The user.
        user: u8 = 5, 0;
    }
}

packed! {
    /// Standard payloads of a user.
    pub struct StandardPayloads: u8 {
        /// Standard payload 7.
        payload_7: bool = 7, 7;
        /// Standard payload 6.
        payload_6: bool = 6, 6;
        /// Standard payload 5.
        payload_5: bool = 5, 5;
        /// Standard payload 4.
        payload_4: bool = 4, 4;
        /// Standard payload 3.
        payload_3: bool = 3, 3;
        /// Standard payload 2.
        payload_2: bool = 2, 2;
        /// Serial over LAN, standard payload 1.
        sol: bool = 1, 1;
    }
}

message! {
    /// Payloads that a user may start.
    #[derive(Default)]
    pub struct UserPayloads {
        /// Standard payloads.
        standard: StandardPayloads,
        /// Reserved, zero.
        standard_reserved: u8,
        /// OEM payloads: bit n is type 20h + n.
        oem: u8,
        /// Reserved, zero.
        oem_reserved: u8,
    }
}

packed! {
    /// Version of a payload.
    pub struct PayloadVersion: u8 {
        /// Major version.
        major: u8 = 7, 4;
        /// Minor version.
        minor: u8 = 3, 0;
    }
}

code_points! {
    /// What [`SuspendResumePayloadEncryption`] does, 5 bits.
    pub struct EncryptionOperation(u8) {
        SUSPEND = 0, "suspend encryption";
        RESUME = 1, "resume encryption";
        REGENERATE = 2, "regenerate the initialisation vector";
    }
}
