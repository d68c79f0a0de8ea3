//! The BMC's side of all sessions of one BMC.
//!
//! ```text
//!   datagram ──► handle_datagram ──► Reply(length)      the answer stands in `output`: send it back
//!                                ├─► Request            answer it with `respond`, now or later
//!                                ├─► Payload            Serial over LAN, for the application's machine
//!                                └─► Dropped(reason)    count it
//!   poll_timeout ──► handle_timeout     poll_event ──► logins, logouts, failures
//! ```

mod active;
mod claim;
mod commands;
mod events;
mod half_open;
mod handshake;
mod limits;
mod login_1_5;
mod request;
mod retry;
mod table;

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use rand_core::CryptoRng;

use self::active::{LoginAnswer, Protection, Sealing, Session};
use self::commands::Executed;
use self::half_open::{HalfOpen, HalfOpens};
pub use self::limits::Limits;
use self::retry::Ticket;
use self::table::Table;
use super::{CloseReason, Directory, DropReason, Event, Peer, UserId};
use crate::crypto::{Password, PasswordForm};
use crate::ipmb::{
    ChannelNumber, CompletionCode, NetFn, Privilege, RequestHeader, RequestMessage, ResponseMessage,
};
use crate::packet::rmcp::{self, Class};
use crate::packet::v2_0::{Layout, PayloadType};
use crate::packet::{Format, asf, v1_5};
use crate::time::Instant;
use crate::wire::Writer;

/// A session that is logged in, by the number that the BMC gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub u32);

/// A session as the application sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Number.
    pub id: SessionId,
    /// Handle, 1 to 255.
    pub handle: u8,
    /// Whose it is.
    pub user: UserId,
    /// Present privilege.
    pub privilege: Privilege,
    /// Highest privilege that it may take.
    pub limit: Privilege,
    /// RMCP+ (IPMI 2.0) or IPMI 1.5.
    pub is_rmcp_plus: bool,
    /// Packets are authenticated.
    pub is_authenticated: bool,
    /// Packets are encrypted.
    pub is_encrypted: bool,
    /// Where the console was last heard.
    pub peer: Peer,
}

/// What came of a datagram.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "a box would be an allocation per command"
)]
pub enum Handled<'d> {
    /// Nothing to do.
    Dropped(DropReason),
    /// The answer stands in the first `length` bytes of the output buffer.
    Reply {
        /// Length of the answer.
        length: usize,
        /// The command that the engine has answered itself; `None` for a step of a login of IPMI 2.0, a ping, and
        /// an answer that is sent again.
        command: Option<AnsweredCommand>,
    },
    /// A command for the application.
    Request(Request<'d>),
    /// A payload of an open session that is not a command: Serial over LAN.
    Payload {
        /// The session.
        session: SessionId,
        /// The decrypted payload.
        data: &'d [u8],
    },
}

impl Handled<'_> {
    /// An answer to no command, or one that is sent again.
    const fn answer(length: usize) -> Self {
        Self::Reply {
            length,
            command: None,
        }
    }
}

/// A command that the engine answered itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnsweredCommand {
    /// Network function.
    pub netfn: NetFn,
    /// Number.
    pub number: u8,
    /// How it was answered.
    pub completion: CompletionCode,
}

/// A command that passed authentication, or one that needs none.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<'d> {
    /// What `respond` wants back.
    pub token: RequestToken,
    /// The command.
    pub message: RequestMessage<'d>,
    /// The session it came in; `None` outside of any.
    pub session: Option<SessionInfo>,
    /// The channel it came in on.
    pub channel: ChannelNumber,
    /// Who sent it.
    pub peer: Peer,
}

/// The right to answer one request, once.
#[derive(Debug)]
#[must_use]
pub struct RequestToken {
    header: RequestHeader,
    origin: Origin,
}

/// Where a request came from, and so how its answer is sealed.
#[derive(Clone, Copy, Debug)]
enum Origin {
    Session {
        id: u32,
        ticket: Ticket,
        sealing: Sealing,
    },
    Sessionless {
        format: Format,
        peer: Peer,
    },
}

/// A datagram that is being handled: when, from whom, and what the engine may ask.
struct Arrival<'a, D, R> {
    now: Instant,
    peer: Peer,
    directory: &'a D,
    random: &'a mut R,
}

/// All sessions of one BMC.
#[derive(Debug)]
pub struct Sessions {
    limits: Limits,
    active: Table<Box<Session>>,
    half_open: HalfOpens,
    events: VecDeque<Event>,
    last_handle: u8,
    /// No deadline lies before this; looked at again when it is reached.
    next_timeout: Option<Instant>,
    unsolicited: events::Budget,
    /// The password of users who do not exist: random, drawn when it is needed first.
    decoy: Option<Box<Password>>,
}

impl Sessions {
    /// No sessions.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            active: Table::new(),
            half_open: HalfOpens::new(),
            events: VecDeque::new(),
            last_handle: 0,
            next_timeout: None,
            unsolicited: events::Budget::new(),
            decoy: None,
        }
    }

    /// Takes a datagram in. It is decrypted in place; an answer is written to `output`.
    ///
    /// If the datagram asks for an RMCP acknowledge ([`rmcp::acknowledge`]), that is the caller's to send
    /// first.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Instant,
        peer: Peer,
        datagram: &'d mut [u8],
        directory: &impl Directory,
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Handled<'d> {
        let Ok(header) = rmcp::Header::parse(datagram) else {
            return Handled::Dropped(DropReason::NotRmcp);
        };
        if header.is_acknowledge {
            return Handled::Dropped(DropReason::NoAnswerWanted);
        }
        let Some(packet) = datagram.get_mut(rmcp::HEADER_LENGTH..) else {
            return Handled::Dropped(DropReason::NotRmcp);
        };
        match header.class {
            Class::Asf => self.handle_ping(now, peer, packet, output),
            Class::Ipmi => {
                let mut arrival = Arrival {
                    now,
                    peer,
                    directory,
                    random,
                };
                match Format::of(packet) {
                    Some(Format::V2_0) => self.handle_v2_0(&mut arrival, packet, output),
                    Some(Format::V1_5) => self.handle_v1_5(&mut arrival, packet, output),
                    None => Handled::Dropped(DropReason::MalformedHeader),
                }
            }
            Class::Other(_) => Handled::Dropped(DropReason::OtherClass),
        }
    }

    /// Answers a request: seals completion code and data into `output`. `None` if nobody waits for the
    /// answer any more.
    ///
    /// `data` begins after the completion code (and holds the defining body of a group extension).
    #[must_use]
    pub fn respond(
        &mut self,
        now: Instant,
        token: RequestToken,
        completion: CompletionCode,
        data: &[u8],
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Option<(Peer, usize)> {
        let RequestToken { header, origin } = token;
        match origin {
            Origin::Sessionless { format, peer } => {
                let response = ResponseMessage {
                    request: header,
                    completion,
                    data,
                };
                request::seal_sessionless(format, &response, output)
                    .ok()
                    .map(|length| (peer, length))
            }
            Origin::Session { id, ticket, sealing } => {
                let session = self.active.get_mut(id)?;
                let header = session.retries.finish(now, ticket, completion, data)?;
                let length = session
                    .seal_response(sealing, header, completion, data, random, output)
                    .ok()?;
                Some((session.peer, length))
            }
        }
    }

    /// Seals a payload that the BMC sends by itself (Serial over LAN) into `output`. `None` if the session
    /// has ended, is one of IPMI 1.5, or the payload does not fit.
    #[must_use]
    pub fn send_payload(
        &mut self,
        session: SessionId,
        data: &[u8],
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Option<(Peer, usize)> {
        let session = self.active.get_mut(session.0)?;
        let Protection::V2_0(protection) = &mut session.protection else {
            return None;
        };
        let length = protection
            .seal(PayloadType::SOL, random, output, |writer| writer.bytes(data))
            .ok()?;
        Some((session.peer, length))
    }

    /// Ends one session.
    pub fn close(&mut self, session: SessionId, reason: CloseReason) {
        self.close_id(session.0, reason);
    }

    /// Ends the sessions of a user, but for `spared`. Logins under way end by themselves: they are held against
    /// what the directory says at their end.
    pub fn close_user(&mut self, user: UserId, spared: Option<SessionId>, reason: CloseReason) {
        self.close_where(
            |session| session.user == user && spared != Some(SessionId(session.id)),
            reason,
        );
    }

    /// Ends all sessions and logins (reset of the BMC).
    pub fn close_all(&mut self, reason: CloseReason) {
        self.half_open.clear();
        self.close_where(|_| true, reason);
    }

    /// Lets time pass: ends sessions that were silent for too long, and logins that did not go on.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_timeout.is_none_or(|due| now < due) {
            return;
        }
        let inactivity = self.limits.inactivity;
        self.close_where(
            |session| now.since(session.last_heard) >= inactivity,
            CloseReason::Timeout,
        );
        let half_open = self.half_open.expire(now, &self.limits);
        let active = self
            .active
            .iter()
            .map(|(_, session)| session.last_heard + inactivity)
            .min();
        self.next_timeout = [half_open, active].into_iter().flatten().min();
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due. It may turn out to have nothing to do then.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.next_timeout
    }

    /// The next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The open sessions, oldest first.
    pub fn open_sessions(&self) -> impl Iterator<Item = SessionInfo> {
        self.active.iter().map(|(_, session)| session.info())
    }

    /// An open session.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<SessionInfo> {
        self.active.get(id.0).map(|session| session.info())
    }

    /// Draws the password of users who do not exist.
    fn draw_decoy(&mut self, random: &mut impl CryptoRng) {
        if self.decoy.is_none() {
            let mut bytes = [0; Password::MAX_LENGTH];
            random.fill_bytes(&mut bytes);
            self.decoy = Password::with_form(&bytes, PasswordForm::Twenty)
                .ok()
                .map(Box::new);
        }
    }

    fn handle_ping<'d>(&mut self, now: Instant, peer: Peer, packet: &[u8], output: &mut [u8]) -> Handled<'d> {
        let answer = || -> Result<usize, DropReason> {
            let ping = asf::Ping::parse(packet).map_err(|_| DropReason::MalformedHeader)?;
            let pong = ping.answer().ok_or(DropReason::NoAnswerWanted)?;
            self.spend_unsolicited(now, peer)?;
            let mut writer = Writer::new(output);
            rmcp::Header::ASF
                .write(&mut writer)
                .map_err(|_| DropReason::AnswerTooLong)?;
            pong.write(&mut writer).map_err(|_| DropReason::AnswerTooLong)?;
            Ok(writer.len())
        };
        match { answer }() {
            Ok(length) => Handled::answer(length),
            Err(reason) => Handled::Dropped(reason),
        }
    }

    fn handle_v2_0<'d, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        packet: &'d mut [u8],
        output: &mut [u8],
    ) -> Handled<'d> {
        let Ok(layout) = Layout::parse(packet) else {
            return Handled::Dropped(DropReason::MalformedHeader);
        };
        let header = layout.header;
        if header.session == 0 {
            if header.encrypted || header.authenticated {
                return Handled::Dropped(DropReason::MalformedHeader);
            }
            let payload = packet.get(layout.payload).unwrap_or_default();
            return match header.payload_type {
                PayloadType::IPMI => self.handle_sessionless(arrival, Format::V2_0, payload, output),
                kind if kind.is_handshake() => self.handle_handshake(arrival, kind, payload, output),
                _ => Handled::Dropped(DropReason::UnknownPayload),
            };
        }
        let id = header.session;
        let Some(session) = self.active.get_mut(id) else {
            return Handled::Dropped(self.absent(id));
        };
        if session.peer.remote.ip() != arrival.peer.remote.ip() && !session.is_authenticated() {
            return Handled::Dropped(DropReason::NotProtected);
        }
        let is_duplicate = match session.let_in(&layout, packet) {
            Ok(is_duplicate) => is_duplicate,
            Err(reason) => return Handled::Dropped(reason),
        };
        let Protection::V2_0(protection) = &session.protection else {
            return Handled::Dropped(DropReason::NotProtected);
        };
        let payload = match protection.open(&layout, packet) {
            Ok(payload) => payload,
            Err(reason) => return Handled::Dropped(reason),
        };
        match header.payload_type {
            PayloadType::IPMI => match RequestMessage::parse(payload) {
                Ok(message) => self.handle_request(arrival, id, Sealing::V2_0, message, is_duplicate, output),
                Err(_) => Handled::Dropped(DropReason::MalformedMessage),
            },
            PayloadType::SOL if is_duplicate => Handled::Dropped(DropReason::Replayed),
            PayloadType::SOL => {
                session.heard(arrival.now, arrival.peer);
                Handled::Payload {
                    session: SessionId(id),
                    data: payload,
                }
            }
            _ => Handled::Dropped(DropReason::UnknownPayload),
        }
    }

    fn handle_v1_5<'d, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        packet: &'d [u8],
        output: &mut [u8],
    ) -> Handled<'d> {
        let Ok(packet) = v1_5::Packet::parse(packet) else {
            return Handled::Dropped(DropReason::MalformedHeader);
        };
        match packet.header.session {
            0 if packet.header.auth_type != 0 => Handled::Dropped(DropReason::MalformedHeader),
            0 => self.handle_sessionless(arrival, Format::V1_5, packet.message, output),
            id if self.active.contains(id) => self.handle_v1_5_session(arrival, packet, output),
            id if self.half_open.contains(id) => self.handle_temporary(arrival, &packet, output),
            _ => Handled::Dropped(DropReason::UnknownSession),
        }
    }

    /// Why there is no open session with this number.
    fn absent(&self, id: u32) -> DropReason {
        if self.half_open.contains(id) {
            DropReason::SessionNotOpen
        } else {
            DropReason::UnknownSession
        }
    }
}
