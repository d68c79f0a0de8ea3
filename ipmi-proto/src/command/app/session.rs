//! Logging in and sessions: authentication capabilities, cipher suites, challenge, activation, privilege.

use core::net::Ipv4Addr;

use crate::command::{ChannelField, Empty, Guid, PrivilegeField, UserIdField, commands, message};
use crate::crypto::v15::AuthenticationType;
use crate::ipmb::ChannelNumber;
use crate::packet::v2_0::PayloadType;
use crate::wire::{
    Bytes, Decode, Encode, LowBits, MacAddress, PaddedText, Reader, U24, WireError, Writer, packed,
};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Identifies the managed machine. The same ID stands in RAKP message 2.
    GetSystemGuid = "Get System GUID", APP 0x37, ANYONE, Core, "22.14";
    request Empty;
    response Guid;

    /// Says how a client may log in on a channel.
    GetChannelAuthenticationCapabilities =
        "Get Channel Authentication Capabilities", APP 0x38, ANYONE, Core, "22.13";
    request GetChannelAuthenticationCapabilitiesRequest {
        /// The channel, and whether the client understands the answer's fields of IPMI 2.0.
        channel: AuthenticationChannel,
        /// Privilege level that the client wants.
        privilege: PrivilegeField,
    }
    response ChannelAuthenticationCapabilities {
        /// The channel itself, never "the present one".
        channel: ChannelField,
        /// Authentication types of IPMI 1.5 that are enabled for the wanted privilege.
        types: OfferedAuthentication,
        /// Which users and packets must authenticate.
        status: AuthenticationStatus,
        /// Which versions of the session layer the channel speaks; zero without the fields of IPMI 2.0.
        extended: ExtendedCapabilities,
        /// IANA enterprise number of the OEM authentication type.
        oem: U24,
        /// Auxiliary data of the OEM authentication type.
        oem_auxiliary: u8,
    }

    /// Starts the login of IPMI 1.5.
    GetSessionChallenge = "Get Session Challenge", APP 0x39, ANYONE, Core, "22.16";
    request GetSessionChallengeRequest {
        /// Authentication type of the session.
        authentication: AuthenticationField,
        /// User name; all NUL for the null user.
        user: PaddedText<16>,
    }
    response SessionChallenge {
        /// Session ID for Activate Session alone.
        temporary_session: u32,
        /// What Activate Session must bring back.
        challenge: [u8; 16],
    }
    => {
        INVALID_USER = 0x81, "invalid user name";
        NULL_USER_DISABLED = 0x82, "the null user is not enabled";
    }

    /// Ends the login of IPMI 1.5. Only inside the temporary session of Get Session Challenge.
    ActivateSession = "Activate Session", APP 0x3a, ANYONE, Core, "22.17";
    request ActivateSessionRequest {
        /// Authentication type; that of the challenge.
        authentication: AuthenticationField,
        /// Highest privilege that the session will ask for.
        maximum_privilege: PrivilegeField,
        /// The challenge.
        challenge: [u8; 16],
        /// First sequence number of the BMC's packets, not 0.
        initial_outbound: u32,
    }
    response ActivatedSession {
        /// Authentication type of all further packets.
        authentication: AuthenticationField,
        /// Session ID of all further packets.
        session: u32,
        /// First sequence number of the console's packets, not 0.
        initial_inbound: u32,
        /// Highest privilege that the session may ask for.
        maximum_privilege: PrivilegeField,
    }
    => {
        NO_SLOT = 0x81, "no session slot is free";
        NO_SLOT_FOR_USER = 0x82, "no session slot is free for this user";
        NO_SLOT_FOR_PRIVILEGE = 0x83, "no session slot is free for this privilege";
        SEQUENCE_OUT_OF_RANGE = 0x84, "session sequence number out of range";
        INVALID_SESSION_ID = 0x85, "invalid session ID";
        PRIVILEGE_EXCEEDED = 0x86, "the privilege exceeds the limit of user or channel";
    }

    /// Asks for or changes the privilege level of the session.
    SetSessionPrivilegeLevel = "Set Session Privilege Level", APP 0x3b, USER, Core, "22.18";
    request SetSessionPrivilegeLevelRequest {
        /// The wanted level; [`Privilege::UNSPECIFIED`](crate::ipmb::Privilege::UNSPECIFIED) asks only.
        privilege: PrivilegeField,
    }
    response SetSessionPrivilegeLevelResponse {
        /// The level that holds now.
        privilege: PrivilegeField,
    }
    => {
        NOT_AVAILABLE = 0x80, "level not available to this user";
        LIMIT_EXCEEDED = 0x81, "the level exceeds the limit of login, user or channel";
        CANNOT_DISABLE_AUTHENTICATION = 0x82, "user-level authentication cannot be disabled";
    }

    /// Ends a session.
    CloseSession = "Close Session", APP 0x3c, CALLBACK, Core, "22.19";
    request CloseSessionRequest;
    response Empty;
    => {
        INVALID_SESSION_ID = 0x87, "invalid session ID";
        INVALID_SESSION_HANDLE = 0x88, "invalid session handle";
    }

    /// Tells about a session and how many there are.
    GetSessionInfo = "Get Session Info", APP 0x3d, USER, Core, "22.20";
    request GetSessionInfoRequest;
    response SessionInfo {
        /// Handle of the session, 0 if there is none.
        handle: u8,
        /// Most sessions that can be active at a time.
        slots: LowBits<u8, 6>,
        /// Sessions that are active now.
        active: LowBits<u8, 6>,
        /// The session; absent if there is none.
        session: Option<ActiveSession>,
    }

    /// Computes an authentication code for a third party.
    GetAuthCode = "Get AuthCode", APP 0x3f, OPERATOR, Refuse, "22.21";
    request GetAuthCodeRequest {
        /// Kind of the code.
        algorithm: AuthCodeAlgorithm,
        /// Channel whose user's password is used.
        channel: ChannelField,
        /// User whose password is used.
        user: UserIdField,
        /// What the code is computed over.
        data: [u8; 16],
    }
    response GetAuthCodeResponse {
        /// The code; its length follows from the algorithm.
        code: Bytes<32>,
    }

    /// Lists the cipher suites of a channel in pages of 16 bytes.
    GetChannelCipherSuites = "Get Channel Cipher Suites", APP 0x54, ANYONE, Core, "22.15";
    request GetChannelCipherSuitesRequest {
        /// The channel.
        channel: ChannelField,
        /// Payload that the suites are for.
        payload: PayloadField,
        /// Kind of list and page.
        list: CipherSuiteList,
    }
    response ChannelCipherSuites {
        /// The channel itself, never "the present one".
        channel: ChannelField,
        /// The page; fewer than 16 bytes end the list.
        records: Bytes<16>,
    }
}

/// A byte with a payload type in its low six bits.
pub type PayloadField = LowBits<PayloadType, 6>;

/// A byte with an authentication type in its low four bits.
pub type AuthenticationField = LowBits<AuthenticationType, 4>;

packed! {
    /// First byte of [`GetChannelAuthenticationCapabilitiesRequest`].
    pub struct AuthenticationChannel: u8 {
        /// The client understands the fields of IPMI 2.0.
        extended: bool = 7, 7;
        /// The channel.
        channel: ChannelNumber = 3, 0;
    }
}

packed! {
    /// Authentication types of IPMI 1.5 as flags (LAN parameters 1 and 2).
    pub struct AuthenticationTypes: u8 {
        /// OEM.
        oem: bool = 5, 5;
        /// Straight password.
        password: bool = 4, 4;
        /// MD5.
        md5: bool = 2, 2;
        /// MD2.
        md2: bool = 1, 1;
        /// None.
        none: bool = 0, 0;
    }
}

packed! {
    /// Authentication types byte of [`ChannelAuthenticationCapabilities`].
    pub struct OfferedAuthentication: u8 {
        /// The answer has the fields of IPMI 2.0.
        extended: bool = 7, 7;
        /// OEM.
        oem: bool = 5, 5;
        /// Straight password.
        password: bool = 4, 4;
        /// MD5.
        md5: bool = 2, 2;
        /// MD2.
        md2: bool = 1, 1;
        /// None.
        none: bool = 0, 0;
    }
}

packed! {
    /// Status byte of [`ChannelAuthenticationCapabilities`].
    pub struct AuthenticationStatus: u8 {
        /// The BMC key K_G is set: a client needs it to log in. Only with the fields of IPMI 2.0.
        key_required: bool = 5, 5;
        /// Packets after Activate Session need not be authenticated.
        per_message_disabled: bool = 4, 4;
        /// Commands for which User is enough need not be authenticated.
        user_level_disabled: bool = 3, 3;
        /// Users with a name can log in.
        named_users: bool = 2, 2;
        /// A user without a name but with a password can log in.
        null_user: bool = 1, 1;
        /// A user with neither name nor password can log in.
        anonymous: bool = 0, 0;
    }
}

packed! {
    /// Extended capabilities byte of [`ChannelAuthenticationCapabilities`].
    pub struct ExtendedCapabilities: u8 {
        /// The channel speaks IPMI 2.0.
        ipmi_2_0: bool = 1, 1;
        /// The channel speaks IPMI 1.5.
        ipmi_1_5: bool = 0, 0;
    }
}

packed! {
    /// First byte of [`GetAuthCodeRequest`].
    pub struct AuthCodeAlgorithm: u8 {
        /// 0: the number is an authentication type of IPMI 1.5; 1: an integrity algorithm of IPMI 2.0.
        version: u8 = 7, 6;
        /// The number.
        algorithm: u8 = 5, 0;
    }
}

packed! {
    /// Last byte of [`GetChannelCipherSuitesRequest`].
    pub struct CipherSuiteList: u8 {
        /// Records of cipher suites are wanted, not only the algorithms that are supported.
        by_suite: bool = 7, 7;
        /// Page of 16 bytes, from 0.
        index: u8 = 5, 0;
    }
}

/// Request data of [`CloseSession`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseSessionRequest {
    /// The session with this ID.
    Id(u32),
    /// The session with this handle; ID 0 stands before it.
    Handle(u8),
}

impl Decode for CloseSessionRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        match reader.value()? {
            0 if !reader.is_empty() => reader.u8().map(Self::Handle),
            id => Ok(Self::Id(id)),
        }
    }
}

impl Encode for CloseSessionRequest {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        match self {
            Self::Id(id) => writer.value(id),
            Self::Handle(handle) => {
                writer.value(&0_u32)?;
                writer.u8(*handle)
            }
        }
    }
}

/// Request data of [`GetSessionInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetSessionInfoRequest {
    /// The session that the request came in.
    Present,
    /// The n-th active session, from 1 to FDh.
    Nth(u8),
    /// The session with this handle.
    Handle(u8),
    /// The session with this ID.
    Id(u32),
}

/// The first byte of a request for a session by its handle.
const BY_HANDLE: u8 = 0xfe;
/// The first byte of a request for a session by its ID.
const BY_ID: u8 = 0xff;

impl Decode for GetSessionInfoRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        match reader.u8()? {
            0 => Ok(Self::Present),
            BY_HANDLE => reader.u8().map(Self::Handle),
            BY_ID => reader.value().map(Self::Id),
            index => Ok(Self::Nth(index)),
        }
    }
}

impl Encode for GetSessionInfoRequest {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        match self {
            Self::Present => writer.u8(0),
            Self::Nth(index) => writer.u8(*index),
            Self::Handle(handle) => writer.bytes(&[BY_HANDLE, *handle]),
            Self::Id(id) => {
                writer.u8(BY_ID)?;
                writer.value(id)
            }
        }
    }
}

message! {
    /// What [`SessionInfo`] says about a session.
    pub struct ActiveSession {
        /// The session's user.
        user: UserIdField,
        /// Its present privilege level.
        privilege: PrivilegeField,
        /// Its protocol and channel.
        channel: SessionChannel,
        /// The console, if it is on a LAN channel. Some BMCs leave it out there too.
        peer: Option<LanPeer>,
    }
}

message! {
    /// A console on a LAN channel.
    pub struct LanPeer {
        /// Address of the console; zero for IPv6.
        address: Ipv4Addr,
        /// MAC address of the console; zero if not known.
        mac: MacAddress,
        /// UDP port of the console.
        port: u16,
    }
}

packed! {
    /// Channel byte of [`ActiveSession`].
    pub struct SessionChannel: u8 {
        /// Session layer: 0 IPMI 1.5, 1 IPMI 2.0.
        protocol: u8 = 7, 4;
        /// The channel.
        channel: ChannelNumber = 3, 0;
    }
}
