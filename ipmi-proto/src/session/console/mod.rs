//! The client's side: one login and its session.
//!
//! ```text
//!   connect, request, send_payload, close     what the application wants
//!   handle_datagram, handle_timeout           what the world brings
//!   poll_transmit, poll_timeout, poll_event   what is to be done now, when to come back, what happened
//! ```
//!
//! The application owns socket, clock and random numbers. After each call that brings something in, it sends what
//! [`poll_transmit`](Console::poll_transmit) gives until that is `None`, and takes
//! [`poll_event`](Console::poll_event) until that is `None`.
//!
//! ```
//! # use ipmi_proto::{command::app::device::GetDeviceId, command::Empty, crypto::Password, time::Instant};
//! # use ipmi_proto::session::console::{Console, ConsoleConfig, Event};
//! # fn example(random: &mut impl rand_core::CryptoRng, now: impl Fn() -> Instant,
//! #     send: impl Fn(&[u8]), receive: impl Fn(&mut [u8], Option<Instant>) -> Option<usize>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let mut console = Console::new(ConsoleConfig::new(b"admin", Password::new(b"secret")?)?);
//! let mut buffer = [0; ipmi_proto::packet::MAX_DATAGRAM];
//! console.connect(now(), random)?;
//! loop {
//!     while let Some(length) = console.poll_transmit(now(), random, &mut buffer) {
//!         send(&buffer[..length]);
//!     }
//!     // Waits for a datagram, but not longer than until the next timeout.
//!     match receive(&mut buffer, console.poll_timeout()) {
//!         Some(length) => drop(console.handle_datagram(now(), &mut buffer[..length], random)),
//!         None => console.handle_timeout(now()),
//!     }
//!     while let Some(event) = console.poll_event() {
//!         match event {
//!             Event::Connected { .. } => drop(console.request::<GetDeviceId>(now(), &Empty)?),
//!             Event::Response { response, .. } => {
//!                 println!("{:?}", response.decode::<GetDeviceId>()?);
//!                 console.close(now());
//!             }
//!             Event::Closed => return Ok(()),
//!             _ => return Err("no answer".into()),
//!         }
//!     }
//! }
//! # }
//! ```

mod config;
mod discovery;
mod event;
mod login;
mod rakp;
mod requests;
mod retry;
mod sessionless;
mod tunnel;
mod version15;

pub use config::{ConsoleConfig, Protocol, RetryPolicy, SuiteChoice, TypeChoice};
pub use event::{ConnectFailure, Event, LoginStep, RequestError, RequestId, Response, ResponseError};

use alloc::collections::VecDeque;

use rand_core::CryptoRng;

use crate::command::Command;
use crate::command::app::session::{
    CloseSession, CloseSessionRequest, SetSessionPrivilegeLevel, SetSessionPrivilegeLevelRequest,
};
use crate::ipmb::{
    CompletionCode, MAX_MESSAGE_DATA, MESSAGE_OVERHEAD, NetFn, Privilege, RequestSequence, ResponseMessage,
};
use crate::packet::v2_0::PayloadType;
use crate::session::DropReason;
use crate::time::Instant;
use crate::wire::{Bytes, Encode, Secret, Writer};
use login::{Login, RakpRefusal, Step};
use requests::{MAX_OUTSTANDING, Purpose, Requests};
use tunnel::{MAX_MESSAGE_V1_5, Opened, Plain, Tunnel};

/// Events that can wait to be polled before payloads are dropped and requests refused.
const EVENT_LIMIT: usize = 16;
/// Payloads that can wait to be sent. Serial over LAN has one on its way at a time.
const PAYLOAD_LIMIT: usize = 4;

/// The client's side of one session with one BMC.
///
/// Memory is taken when it is made: established, it takes none for a datagram or a request.
#[derive(Debug)]
pub struct Console {
    config: ConsoleConfig,
    phase: Phase,
    requests: Requests,
    /// Payloads to be sent, in order.
    payloads: VecDeque<(PayloadType, Bytes<MAX_MESSAGE_DATA>)>,
    /// The last word of a login that was given up.
    refusal: Option<RakpRefusal>,
    events: VecDeque<Event>,
    next_id: u64,
}

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each console, and it is in a session"
)]
enum Phase {
    Idle,
    Login(Login),
    Session(Session),
}

#[derive(Debug)]
struct Session {
    tunnel: Tunnel,
    state: SessionState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionState {
    /// The login's last step: Set Session Privilege Level is under way.
    Raising,
    /// The application has it.
    Open,
    /// Close Session is under way.
    Closing {
        /// The application waits for [`Event::Closed`]. Otherwise it knows that the login failed.
        announce: bool,
    },
}

/// A login is under way, or there is a session already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the console is connected already")]
pub struct AlreadyConnected;

impl Console {
    /// A console that is not connected.
    #[must_use]
    pub fn new(config: ConsoleConfig) -> Self {
        Self {
            config,
            phase: Phase::Idle,
            requests: Requests::new(),
            payloads: VecDeque::with_capacity(PAYLOAD_LIMIT),
            refusal: None,
            // Above the limit, each outstanding request can bring one event, and the end of the session another.
            events: VecDeque::with_capacity(EVENT_LIMIT + MAX_OUTSTANDING + 2),
            next_id: 0,
        }
    }

    /// Begins to log in. Ends in [`Event::Connected`] or [`Event::ConnectFailed`].
    ///
    /// # Errors
    /// [`AlreadyConnected`] unless the console is new, its login failed or its session was closed.
    pub fn connect(&mut self, now: Instant, random: &mut impl CryptoRng) -> Result<(), AlreadyConnected> {
        if !matches!(self.phase, Phase::Idle) {
            return Err(AlreadyConnected);
        }
        let is_v1_5 = matches!(self.config.protocol, Protocol::V1_5(_));
        if is_v1_5 && self.config.password.padded_16().is_none() {
            self.fail(ConnectFailure::PasswordTooLong);
            return Ok(());
        }
        // Late answers to an earlier login shall not fit.
        let [sequence, ..] = random.next_u32().to_le_bytes();
        let login = Login::new(now, &self.config, RequestSequence::new(sequence));
        self.requests
            .reset(RequestSequence::new(sequence.wrapping_add(32)));
        self.payloads.clear();
        self.phase = Phase::Login(login);
        Ok(())
    }

    /// Takes a datagram of the BMC in; it is decrypted in place. Says why, if it is dropped.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &mut [u8],
        random: &mut impl CryptoRng,
    ) -> Option<DropReason> {
        match &mut self.phase {
            Phase::Idle => Some(DropReason::NotAwaited),
            Phase::Login(login) => {
                let step = login.handle(&self.config, datagram, random);
                self.advance(now, step)
            }
            Phase::Session(session) => match session.tunnel.open(datagram, &self.config.password) {
                Ok(opened) => self.handle_opened(now, &opened, datagram),
                Err(reason) => Some(reason),
            },
        }
    }

    /// Lets time pass: gives up what was not answered. Calls that come too early do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Idle => {}
            Phase::Login(login) => {
                if let Some(step) = login.handle_timeout(now) {
                    let _ = self.advance(now, step);
                }
            }
            Phase::Session(_) => {
                while let Some(purpose) = self.requests.next_expired(now) {
                    self.not_answered(purpose);
                }
            }
        }
    }

    /// Sends a command. Ends in [`Event::Response`] or [`Event::TimedOut`].
    ///
    /// # Errors
    /// [`RequestError`] if it cannot be sent now.
    pub fn request<C: Command>(
        &mut self,
        now: Instant,
        request: &C::Request,
    ) -> Result<RequestId, RequestError> {
        let data = encode::<C>(request)?;
        self.send(now, C::SPEC.netfn, C::SPEC.number, data)
    }

    /// Sends a command by its numbers. `data` holds the defining body of a group extension, too.
    ///
    /// # Errors
    /// [`RequestError`] if it cannot be sent now.
    pub fn request_raw(
        &mut self,
        now: Instant,
        netfn: NetFn,
        command: u8,
        data: &[u8],
    ) -> Result<RequestId, RequestError> {
        let data = Secret::from_slice(data).map_err(|_| RequestError::TooLong)?;
        self.send(now, netfn.request(), command, data)
    }

    /// Sends a payload that is not a message, such as Serial over LAN. It is sent once: who needs an answer
    /// repeats it. IPMI 1.5 has none.
    ///
    /// # Errors
    /// [`RequestError`] if it cannot be sent now.
    pub fn send_payload(&mut self, kind: PayloadType, data: &[u8]) -> Result<(), RequestError> {
        let is_open = matches!(
            &self.phase,
            Phase::Session(Session {
                tunnel: Tunnel::V2_0(_),
                state: SessionState::Open
            })
        );
        if !is_open {
            return Err(RequestError::NotConnected);
        }
        if self.payloads.len() >= PAYLOAD_LIMIT {
            return Err(RequestError::Busy);
        }
        let data = Bytes::from_slice(data).map_err(|_| RequestError::TooLong)?;
        self.payloads.push_back((kind, data));
        Ok(())
    }

    /// Ends the session, or a login under way. Requests without answer end in [`Event::TimedOut`]; then comes
    /// [`Event::Closed`], or [`Event::ConnectFailed`] if there was no session yet.
    pub fn close(&mut self, now: Instant) {
        match &self.phase {
            Phase::Idle => {}
            Phase::Login(_) => self.fail(ConnectFailure::Cancelled),
            Phase::Session(session) => match session.state {
                SessionState::Raising => {
                    self.fail(ConnectFailure::Cancelled);
                    self.begin_close(now, false);
                }
                SessionState::Open => self.begin_close(now, true),
                SessionState::Closing { .. } => {}
            },
        }
    }

    /// The next datagram for the BMC: its length in `output`, which should have the room of
    /// [`MAX_DATAGRAM`](crate::packet::MAX_DATAGRAM); what does not fit is lost.
    #[must_use = "the datagram is to be sent"]
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Option<usize> {
        if let Some(refusal) = self.refusal.take() {
            let mut writer = Writer::new(output);
            return rakp::write_refusal(refusal, &mut writer)
                .ok()
                .map(|()| writer.len());
        }
        let password = &self.config.password;
        match &mut self.phase {
            Phase::Idle => None,
            Phase::Login(login) => login.poll_transmit(now, &self.config, random, output),
            Phase::Session(session) => {
                if let Some((kind, data)) = self.payloads.pop_front() {
                    let plain = Plain::Payload(kind, &data);
                    return session.tunnel.seal(plain, password, random, output).ok();
                }
                let plain = Plain::Message(self.requests.next_due(now)?);
                session.tunnel.seal(plain, password, random, output).ok()
            }
        }
    }

    /// When [`poll_transmit`](Self::poll_transmit) and [`handle_timeout`](Self::handle_timeout) are due, in this
    /// order.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Idle => None,
            Phase::Login(login) => Some(login.next_timeout()),
            Phase::Session(_) => self.requests.next_timeout(),
        }
    }

    /// The next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether requests can be made.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(
            &self.phase,
            Phase::Session(Session {
                state: SessionState::Open,
                ..
            })
        )
    }

    /// The number by which the BMC knows the session.
    #[must_use]
    pub const fn bmc_session(&self) -> Option<u32> {
        match &self.phase {
            Phase::Session(session) => Some(session.tunnel.bmc_session()),
            Phase::Idle | Phase::Login(_) => None,
        }
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &ConsoleConfig {
        &self.config
    }

    fn send(
        &mut self,
        now: Instant,
        netfn: NetFn,
        command: u8,
        data: Secret<MAX_MESSAGE_DATA>,
    ) -> Result<RequestId, RequestError> {
        let Phase::Session(Session {
            tunnel,
            state: SessionState::Open,
        }) = &self.phase
        else {
            return Err(RequestError::NotConnected);
        };
        if matches!(tunnel, Tunnel::V1_5(_)) && data.len() + MESSAGE_OVERHEAD > MAX_MESSAGE_V1_5 {
            return Err(RequestError::TooLong);
        }
        if self.requests.is_full() || self.events.len() >= EVENT_LIMIT {
            return Err(RequestError::Busy);
        }
        let id = RequestId(self.next_id);
        self.next_id += 1;
        let purpose = Purpose::Application(id);
        self.requests
            .add(now, purpose, (netfn, command), data, &self.config.retry);
        Ok(id)
    }

    /// Carries out what a login came to.
    fn advance(&mut self, now: Instant, step: Step) -> Option<DropReason> {
        match step {
            Step::Stay(reason) => return Some(reason),
            Step::Next(phase) => {
                if let Phase::Login(login) = &mut self.phase {
                    login.enter(now, &self.config, phase);
                }
            }
            Step::Open(tunnel) => self.open(now, tunnel),
            Step::Verified => {
                if let Phase::Login(login) = core::mem::replace(&mut self.phase, Phase::Idle)
                    && let Some(tunnel) = login.into_tunnel()
                {
                    self.open(now, tunnel);
                }
            }
            Step::Restart(failure) => {
                let restarted = match &mut self.phase {
                    Phase::Login(login) => login.restart(now, &self.config),
                    Phase::Idle | Phase::Session(_) => true,
                };
                if !restarted {
                    self.fail(failure);
                }
            }
            Step::Fail(failure) => self.fail(failure),
            Step::Refuse(refusal, failure) => {
                self.refusal = Some(refusal);
                self.fail(failure);
            }
        }
        None
    }

    fn fail(&mut self, reason: ConnectFailure) {
        if let Phase::Login(_) = self.phase {
            self.phase = Phase::Idle;
        }
        self.events.push_back(Event::ConnectFailed { reason });
    }

    /// The keys stand. Sessions begin at User level (IPMI 2.0 §22.18): what is above is asked for.
    fn open(&mut self, now: Instant, tunnel: Tunnel) {
        let privilege = self.config.privilege;
        let state = if privilege > Privilege::USER {
            let request = SetSessionPrivilegeLevelRequest {
                privilege: privilege.into(),
            };
            self.add_own::<SetSessionPrivilegeLevel>(now, Purpose::RaisePrivilege, &request);
            SessionState::Raising
        } else {
            self.events.push_back(Event::Connected { privilege });
            SessionState::Open
        };
        self.phase = Phase::Session(Session { tunnel, state });
    }

    fn begin_close(&mut self, now: Instant, announce: bool) {
        while let Some(purpose) = self.requests.take_oldest() {
            if let Purpose::Application(id) = purpose {
                self.events.push_back(Event::TimedOut { id });
            }
        }
        self.payloads.clear();
        let Phase::Session(session) = &mut self.phase else {
            return;
        };
        session.state = SessionState::Closing { announce };
        let request = CloseSessionRequest::Id(session.tunnel.bmc_session());
        self.add_own::<CloseSession>(now, Purpose::Close, &request);
    }

    /// Adds a request of the console itself. There is room: it is the only one.
    fn add_own<C: Command>(&mut self, now: Instant, purpose: Purpose, request: &C::Request) {
        if let Ok(data) = encode::<C>(request) {
            let numbers = (C::SPEC.netfn, C::SPEC.number);
            self.requests.add(now, purpose, numbers, data, &self.config.retry);
        }
    }

    fn handle_opened(&mut self, now: Instant, opened: &Opened, datagram: &[u8]) -> Option<DropReason> {
        let Some(payload) = datagram.get(opened.payload.clone()) else {
            return Some(DropReason::MalformedHeader);
        };
        if opened.kind == PayloadType::IPMI {
            let Ok(message) = ResponseMessage::parse(payload) else {
                return Some(DropReason::MalformedMessage);
            };
            self.handle_response(now, &message)
        } else if opened.kind.is_handshake() {
            Some(DropReason::UnknownPayload)
        } else {
            self.handle_payload(opened.kind, payload)
        }
    }

    fn handle_payload(&mut self, kind: PayloadType, payload: &[u8]) -> Option<DropReason> {
        if !self.is_connected() {
            return Some(DropReason::NotAwaited);
        }
        if self.events.len() >= EVENT_LIMIT {
            return Some(DropReason::RateLimited);
        }
        let Ok(data) = Bytes::from_slice(payload) else {
            return Some(DropReason::MalformedMessage);
        };
        self.events.push_back(Event::PayloadReceived { kind, data });
        None
    }

    fn handle_response(&mut self, now: Instant, message: &ResponseMessage<'_>) -> Option<DropReason> {
        // The BMC still works on an earlier packet of the same request: its answer will come.
        if message.completion == CompletionCode::DUPLICATE {
            return Some(DropReason::InProgress);
        }
        let Ok(data) = Bytes::from_slice(message.data) else {
            return Some(DropReason::MalformedMessage);
        };
        let Some(purpose) = self.requests.answered(&message.request) else {
            return Some(DropReason::NotAwaited);
        };
        let response = Response {
            netfn: message.request.netfn,
            completion: message.completion,
            data,
        };
        match purpose {
            Purpose::Application(id) => self.events.push_back(Event::Response { id, response }),
            Purpose::RaisePrivilege => self.raised(now, &response),
            // Whatever it says: nobody here will use the session any more.
            Purpose::Close => self.closed(),
        }
        None
    }

    fn raised(&mut self, now: Instant, response: &Response) {
        match response.decode::<SetSessionPrivilegeLevel>() {
            Ok(level) => {
                if let Phase::Session(session) = &mut self.phase {
                    session.state = SessionState::Open;
                }
                self.events.push_back(Event::Connected {
                    privilege: level.privilege.0,
                });
            }
            Err(error) => {
                let completion = match error {
                    ResponseError::Completion(completion) => completion,
                    ResponseError::Malformed(_) => CompletionCode::UNSPECIFIED,
                };
                let step = LoginStep::Privilege;
                self.fail(ConnectFailure::Command { step, completion });
                self.begin_close(now, false);
            }
        }
    }

    fn not_answered(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Application(id) => self.events.push_back(Event::TimedOut { id }),
            Purpose::RaisePrivilege => {
                self.phase = Phase::Idle;
                self.fail(ConnectFailure::TimedOut(LoginStep::Privilege));
            }
            Purpose::Close => self.closed(),
        }
    }

    fn closed(&mut self) {
        if let Phase::Session(session) = core::mem::replace(&mut self.phase, Phase::Idle)
            && session.state == (SessionState::Closing { announce: true })
        {
            self.events.push_back(Event::Closed);
        }
    }
}

/// The data of a request, with the defining body of a group extension in front.
fn encode<C: Command>(request: &C::Request) -> Result<Secret<MAX_MESSAGE_DATA>, RequestError> {
    let mut buffer = zeroize::Zeroizing::new([0; MAX_MESSAGE_DATA]);
    let mut writer = Writer::new(&mut *buffer);
    let body = C::SPEC.body.code();
    body.map_or(Ok(()), |code| writer.u8(code))
        .and_then(|()| request.encode(&mut writer))
        .map_err(|_| RequestError::TooLong)?;
    Secret::from_slice(writer.written()).map_err(|_| RequestError::TooLong)
}
