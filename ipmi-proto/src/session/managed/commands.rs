//! The commands that the engine answers itself: identity, authentication capabilities, sessions.

use core::net::{IpAddr, Ipv4Addr};

use rand_core::CryptoRng;

use super::{Arrival, Sessions};
use crate::command::app::session::{
    ActiveSession, AuthenticationStatus, ChannelAuthenticationCapabilities, ChannelCipherSuites,
    CloseSession, CloseSessionRequest, ExtendedCapabilities, GetChannelAuthenticationCapabilities,
    GetChannelAuthenticationCapabilitiesRequest, GetChannelCipherSuites, GetChannelCipherSuitesRequest,
    GetSessionChallenge, GetSessionInfo, GetSessionInfoRequest, GetSystemGuid, LanPeer,
    OfferedAuthentication, SessionChannel, SessionInfo, SetSessionPrivilegeLevel,
    SetSessionPrivilegeLevelRequest, SetSessionPrivilegeLevelResponse,
};
use crate::command::{Command, Empty, Guid, Level, decode_request};
use crate::crypto::CipherSuite;
use crate::ipmb::{ChannelNumber, CompletionCode, Lun, NetFn, Privilege, RequestMessage};
use crate::packet::v2_0::PayloadType;
use crate::session::policy::AuthTypes;
use crate::session::{Directory, LoginKinds};
use crate::wire::{Bytes, Encode, MacAddress, U24, Writer};

/// The fields of Get Session Info that count sessions have six bits.
const MOST_SESSIONS_SHOWN: usize = 63;
/// A page of Get Channel Cipher Suites.
const SUITE_PAGE: usize = 16;
/// Room for the longest answer of these commands.
pub(super) const ANSWER_LENGTH: usize = 32;

/// What a command of the engine came to.
#[derive(Debug)]
pub(super) struct Executed {
    pub(super) completion: CompletionCode,
    pub(super) data: Bytes<ANSWER_LENGTH>,
    /// The session to end once the answer is sealed.
    pub(super) close: Option<u32>,
}

/// Data of a good answer, or the code of a bad one.
type Answer = Result<Bytes<ANSWER_LENGTH>, CompletionCode>;

impl Sessions {
    /// Runs a command that the engine answers itself; `None` if it is the application's.
    ///
    /// `session`: the open session it came in.
    pub(super) fn execute<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        session: Option<u32>,
        message: &RequestMessage<'_>,
    ) -> Option<Executed> {
        let header = &message.header;
        if header.netfn != NetFn::APP || header.responder_lun != Lun::BMC {
            return None;
        }
        let data = message.data;
        let mut close = None;
        let level = self.level_of(header.command)?;
        let answer = self
            .check_level(level, session)
            .and_then(|()| match header.command {
                number if number == GetSystemGuid::SPEC.number => decode_request::<Empty>(data)
                    .and_then(|_| encode(&Guid(*arrival.directory.system_guid()))),
                number if number == GetChannelAuthenticationCapabilities::SPEC.number => decode_request(data)
                    .and_then(|request| authentication_capabilities(arrival.directory, &request)),
                number if number == GetChannelCipherSuites::SPEC.number => {
                    decode_request(data).and_then(|request| cipher_suites(arrival.directory, &request))
                }
                number if number == GetSessionChallenge::SPEC.number => {
                    let request = decode_request(data)?;
                    encode(&self.challenge(arrival, &request)?)
                }
                number if number == SetSessionPrivilegeLevel::SPEC.number => decode_request(data)
                    .and_then(|request| self.set_privilege(arrival.directory, session, &request)),
                number if number == CloseSession::SPEC.number => {
                    close = Some(self.session_to_close(session, decode_request(data)?)?);
                    encode(&Empty)
                }
                // Get Session Info is the last of the commands that have a level here.
                _ => decode_request(data)
                    .and_then(|request| self.session_info(arrival.directory, session, request)),
            });
        Some(match answer {
            Ok(data) => Executed {
                completion: CompletionCode::OK,
                data,
                close,
            },
            Err(completion) => Executed {
                completion,
                data: Bytes::new(),
                close: None,
            },
        })
    }

    /// The level of a command of the engine; `None`: it is none.
    fn level_of(&self, number: u8) -> Option<Level> {
        const OURS: [crate::command::CommandSpec; 7] = [
            GetSystemGuid::SPEC,
            GetChannelAuthenticationCapabilities::SPEC,
            GetChannelCipherSuites::SPEC,
            GetSessionChallenge::SPEC,
            SetSessionPrivilegeLevel::SPEC,
            CloseSession::SPEC,
            GetSessionInfo::SPEC,
        ];
        OURS.iter()
            .find(|spec| spec.number == number)
            .map(|spec| spec.level)
    }

    fn check_level(&self, level: Level, session: Option<u32>) -> Result<(), CompletionCode> {
        let privilege = session
            .and_then(|id| self.active.get(id))
            .map(|session| session.privilege);
        let is_allowed = match level {
            Level::Anyone => true,
            Level::AtLeast(needed) => privilege.is_some_and(|privilege| privilege >= needed),
            Level::SystemInterface | Level::FromBmc => false,
        };
        if is_allowed {
            Ok(())
        } else {
            Err(CompletionCode::INSUFFICIENT_PRIVILEGE)
        }
    }

    fn set_privilege(
        &mut self,
        directory: &impl Directory,
        session: Option<u32>,
        request: &SetSessionPrivilegeLevelRequest,
    ) -> Answer {
        let session = session
            .and_then(|id| self.active.get_mut(id))
            .ok_or(CompletionCode::INSUFFICIENT_PRIVILEGE)?;
        let wanted = request.privilege.0;
        if wanted != Privilege::UNSPECIFIED {
            if !wanted.is_level() {
                return Err(CompletionCode::INVALID_FIELD);
            }
            let user = directory
                .user_by_id(session.user)
                .ok_or(SetSessionPrivilegeLevel::NOT_AVAILABLE)?;
            if !user.privilege_limit.is_level() || wanted > user.privilege_limit {
                return Err(SetSessionPrivilegeLevel::NOT_AVAILABLE);
            }
            if wanted > session.limit || wanted > directory.channel().privilege_limit {
                return Err(SetSessionPrivilegeLevel::LIMIT_EXCEEDED);
            }
            session.privilege = wanted;
        }
        encode(&SetSessionPrivilegeLevelResponse {
            privilege: session.privilege.into(),
        })
    }

    fn session_to_close(
        &self,
        own: Option<u32>,
        request: CloseSessionRequest,
    ) -> Result<u32, CompletionCode> {
        let found = match request {
            CloseSessionRequest::Id(id) => self
                .active
                .contains(id)
                .then_some(id)
                .ok_or(CloseSession::INVALID_SESSION_ID)?,
            CloseSessionRequest::Handle(handle) => self
                .by_handle(handle)
                .ok_or(CloseSession::INVALID_SESSION_HANDLE)?,
        };
        let privilege = own
            .and_then(|id| self.active.get(id))
            .map(|session| session.privilege);
        let may_close_others = privilege.is_some_and(|privilege| privilege >= Privilege::ADMINISTRATOR);
        if own == Some(found) || may_close_others {
            Ok(found)
        } else {
            Err(CompletionCode::INSUFFICIENT_PRIVILEGE)
        }
    }

    fn by_handle(&self, handle: u8) -> Option<u32> {
        self.active
            .iter()
            .find(|(_, session)| session.handle == handle)
            .map(|(id, _)| id)
    }

    fn session_info(
        &self,
        directory: &impl Directory,
        own: Option<u32>,
        request: GetSessionInfoRequest,
    ) -> Answer {
        let found = match request {
            GetSessionInfoRequest::Present => own,
            GetSessionInfoRequest::Nth(index) => self
                .active
                .iter()
                .nth(usize::from(index).saturating_sub(1))
                .map(|(id, _)| id),
            GetSessionInfoRequest::Handle(handle) => {
                Some(self.by_handle(handle).ok_or(CompletionCode::NOT_PRESENT)?)
            }
            GetSessionInfoRequest::Id(id) => Some(
                self.active
                    .contains(id)
                    .then_some(id)
                    .ok_or(CompletionCode::NOT_PRESENT)?,
            ),
        };
        let found = found.and_then(|id| self.active.get(id));
        let shown = |count: usize| u8::try_from(count.min(MOST_SESSIONS_SHOWN)).unwrap_or(u8::MAX);
        let session = found.map(|session| {
            let info = session.info();
            let address = match info.peer.remote.ip().to_canonical() {
                IpAddr::V4(address) => address,
                IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
            };
            let channel = SessionChannel {
                protocol: u8::from(info.is_rmcp_plus),
                channel: directory.channel().number,
            };
            ActiveSession {
                user: info.user.0.into(),
                privilege: info.privilege.into(),
                channel,
                peer: Some(LanPeer {
                    address,
                    mac: MacAddress::default(),
                    port: info.peer.remote.port(),
                }),
            }
        });
        encode(&SessionInfo {
            handle: found.map_or(0, |session| session.handle),
            slots: shown(usize::from(self.limits.sessions)).into(),
            active: shown(self.active.len()).into(),
            session,
        })
    }
}

/// The channel that a request names, if it is ours.
fn own_channel(directory: &impl Directory, channel: ChannelNumber) -> Result<ChannelNumber, CompletionCode> {
    let own = directory.channel().number;
    if channel == own || channel == ChannelNumber::PRESENT {
        Ok(own)
    } else {
        Err(CompletionCode::INVALID_FIELD)
    }
}

fn authentication_capabilities(
    directory: &impl Directory,
    request: &GetChannelAuthenticationCapabilitiesRequest,
) -> Answer {
    let channel = own_channel(directory, request.channel.channel)?;
    let wanted = request.privilege.0;
    if wanted != Privilege::UNSPECIFIED && !wanted.is_level() {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let policy = directory.channel();
    let types = policy.auth_types_for(wanted);
    let kinds = directory.login_kinds();
    let extended = request.channel.extended;
    encode(&ChannelAuthenticationCapabilities {
        channel: channel.into(),
        types: OfferedAuthentication {
            extended,
            oem: false,
            password: types.contains(AuthTypes::PASSWORD),
            md5: types.contains(AuthTypes::MD5),
            md2: types.contains(AuthTypes::MD2),
            none: types.contains(AuthTypes::NONE),
        },
        status: AuthenticationStatus {
            key_required: extended && directory.bmc_key().is_some(),
            per_message_disabled: policy.per_message_authentication_disabled,
            user_level_disabled: policy.user_level_authentication_disabled,
            named_users: kinds.contains(LoginKinds::NAMED),
            null_user: kinds.contains(LoginKinds::NULL_NAME),
            anonymous: kinds.contains(LoginKinds::ANONYMOUS),
        },
        extended: ExtendedCapabilities {
            ipmi_2_0: extended,
            ipmi_1_5: extended && policy.has_version_1_5(),
        },
        oem: U24(0),
        oem_auxiliary: 0,
    })
}

fn cipher_suites(directory: &impl Directory, request: &GetChannelCipherSuitesRequest) -> Answer {
    let channel = own_channel(directory, request.channel.0)?;
    // Serial over LAN is protected as its session is, so its list is the same.
    if !matches!(request.payload.0, PayloadType::IPMI | PayloadType::SOL) {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let offered = CipherSuite::ALL
        .iter()
        .filter(|suite| directory.suite_privilege(suite.id).is_some());
    let mut list = Bytes::<{ CipherSuite::ALL.len() * CipherSuite::RECORD_LENGTH }>::new();
    for suite in offered {
        if request.list.by_suite {
            list.extend(&suite.record())
                .map_err(|_| CompletionCode::OUT_OF_SPACE)?;
        } else {
            let [_, _, algorithms @ ..] = suite.record();
            for algorithm in algorithms {
                if !list.contains(&algorithm) {
                    list.extend(&[algorithm])
                        .map_err(|_| CompletionCode::OUT_OF_SPACE)?;
                }
            }
        }
    }
    let start = usize::from(request.list.index) * SUITE_PAGE;
    let page = list.get(start..).unwrap_or_default();
    let page = page.get(..SUITE_PAGE).unwrap_or(page);
    let records = Bytes::from_slice(page).map_err(|_| CompletionCode::OUT_OF_SPACE)?;
    encode(&ChannelCipherSuites {
        channel: channel.into(),
        records,
    })
}

fn encode(value: &impl Encode) -> Answer {
    let mut buffer = [0; ANSWER_LENGTH];
    let mut writer = Writer::new(&mut buffer);
    writer.value(value)?;
    Bytes::from_slice(writer.written()).map_err(|_| CompletionCode::OUT_OF_SPACE)
}
