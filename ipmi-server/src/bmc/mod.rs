//! One BMC: its sessions, its state and its machine behind one lock, without I/O.
//!
//! A driver gives it datagrams and the time, and sends what it answers. The lock is held while a command is
//! answered from state, never while the machine is waited for.

mod alarm;
mod builder;
mod event;
mod identify;
mod keeping;
mod local;
mod lockout;
mod pending;
mod serial;
mod timer;

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

use ipmi_proto::ipmb::{CompletionCode, NetFn};
use ipmi_proto::session::managed::{AnsweredCommand, Handled, Request, SessionId, Sessions};
use ipmi_proto::session::{CloseReason, DropReason, Event, Peer};
use ipmi_proto::time::Instant;
use rand::CryptoRng;

pub use crate::sol::{ConsoleQuota, ConsoleTranscript, SolEnd};
pub(crate) use alarm::{Alarms, Sleep};
pub(crate) use builder::Settings;
pub use builder::{BmcBuilder, BuildError, CycleWhenOff};
pub use identify::Identify;
pub(crate) use identify::IdentifyListener;
pub use local::LocalError;
pub use lockout::LoginLockout;
pub use pending::{Datagram, PendingCommand, Unfinished};
pub(crate) use pending::{Job, Outcome, Work};

use crate::audit::{self, Asked};
use crate::backend::{BmcBackend, EventListener};
use crate::handlers::{self, After, Context, Dispatched, RESPONSE_CAPACITY};
use crate::keep::{Keeper, Origin};
use crate::metrics::CommandNumber;
use crate::power::PowerSlot;
use crate::sol::Sol;
use crate::state::State;

/// A BMC. Shared by the driver, the backend's events and the embedding program.
pub struct Bmc {
    backend: Arc<dyn BmcBackend>,
    settings: Settings,
    this: Weak<Self>,
    inner: Mutex<Inner>,
    waker: RwLock<Option<Arc<dyn Fn() + Send + Sync>>>,
    /// The backend has a weak reference to it.
    listener: OnceLock<Arc<dyn EventListener>>,
}

/// What the lock protects.
pub(crate) struct Inner {
    pub(crate) sessions: Sessions,
    pub(crate) state: State,
    pub(crate) power: PowerSlot,
    pub(crate) sol: Sol,
    pub(crate) alarms: Alarms,
    /// If there is a store.
    keeper: Option<Box<Keeper>>,
    /// Work of its own that the driver has not fetched yet.
    work: VecDeque<Unfinished>,
    /// The latest time that the driver told.
    pub(crate) now: Instant,
    /// The driver has to look at timeout and work again.
    wake: bool,
}

impl Inner {
    /// Leaves work for the driver.
    pub(crate) fn start(&mut self, work: Unfinished) {
        self.work.push_back(work);
        self.wake = true;
    }

    /// Makes the driver look at timeout and work when the lock is released.
    pub(crate) const fn wake_driver(&mut self) {
        self.wake = true;
    }
}

/// What the driver does after a datagram.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "a box would be an allocation per command"
)]
pub enum Reaction {
    /// Nothing.
    Dropped(DropReason),
    /// Send the first `length` bytes of the output buffer back to where the datagram came from.
    Reply {
        /// Length of the answer.
        length: usize,
    },
    /// Nothing at once: what there is to send comes by [`Bmc::poll_transmit`].
    Taken,
    /// A command waits for the machine: run it aside.
    Run(PendingCommand),
}

impl Bmc {
    /// Starts to describe a BMC for a machine.
    pub fn builder(backend: Arc<dyn BmcBackend>) -> BmcBuilder {
        BmcBuilder::new(backend)
    }

    /// Name of the BMC.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The machine.
    #[must_use]
    pub fn backend(&self) -> &dyn BmcBackend {
        &*self.backend
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs `f` with the lock, then wakes the driver if `f` left something for it.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Inner) -> R) -> R {
        // A panic under the lock is a bug, but state is changed in steps that each leave it whole.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f(&mut inner);
        let outgoing = inner.outgoing();
        let wake = core::mem::take(&mut inner.wake) | core::mem::take(&mut inner.state.wake);
        drop(inner);
        if wake {
            self.call_waker();
        }
        if let Some(outgoing) = outgoing {
            self.save(outgoing);
        }
        result
    }

    fn call_waker(&self) {
        // Cloned, so that the waker is free to call for another one to be set.
        let waker = self.waker.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker();
        }
    }

    /// Takes a datagram in; an immediate answer is written to `output`. No allocation and no waiting on the
    /// way of a command that is answered from state.
    pub fn handle_datagram(
        self: &Arc<Self>,
        now: Instant,
        peer: Peer,
        datagram: &mut [u8],
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Reaction {
        self.with(|inner| {
            inner.tell_time(now);
            inner.state.alerts.reached_at(peer.local);
            let timeout = inner.sessions.poll_timeout();
            let Inner { sessions, state, .. } = inner;
            let reaction = match sessions.handle_datagram(now, peer, datagram, state, random, output) {
                Handled::Reply { length, command } => {
                    if let Some(command) = command {
                        self.count_answered(&command);
                    }
                    Reaction::Reply { length }
                }
                Handled::Dropped(reason) => Reaction::Dropped(reason),
                Handled::Request(request) => self.handle_request(inner, request, random, output),
                Handled::Payload { session, data } => inner.handle_payload(session, data),
                _ => Reaction::Dropped(DropReason::UnknownPayload),
            };
            inner.state.datagrams.count(&reaction);
            inner.take_session_events(&self.settings);
            inner.wake |= is_earlier(inner.sessions.poll_timeout(), timeout);
            reaction
        })
    }

    fn handle_request(
        self: &Arc<Self>,
        inner: &mut Inner,
        request: Request<'_>,
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Reaction {
        let now = inner.now;
        let number = self.command_number(&request);
        let asked = asked(&inner.state, &request);
        // What happened before is not the client's doing.
        inner.observe(Origin::Event);
        let header = &request.message.header;
        let span = tracing::debug_span!(
            "command",
            bmc = self.name(),
            netfn = header.netfn.0,
            command = header.command,
            session = request.session.map(|session| session.handle),
        );
        let _entered = span.enter();
        let mut context = Context {
            bmc: self,
            sessions: &inner.sessions,
            state: &mut inner.state,
            power: &mut inner.power,
            sol: &mut inner.sol,
            now,
            session: request.session.map(Into::into),
            channel: request.channel,
            peer: request.peer,
            header: request.message.header,
            after: After::Nothing,
            wake_driver: false,
        };
        let mut buffer = [0; RESPONSE_CAPACITY];
        let dispatched = handlers::dispatch(&mut context, request.message.data, &mut buffer);
        let after = context.after;
        inner.wake |= context.wake_driver;
        let (body, job) = match (dispatched, inner.observe(Origin::Client)) {
            (Dispatched::Answer { completion, length }, None) => {
                self.count_command(number, completion);
                self.answered(asked, completion);
                let data = buffer.get(..length).unwrap_or_default();
                let sealed = inner
                    .sessions
                    .respond(now, request.token, completion, data, random, output);
                inner.act_after(self, after);
                return sealed.map_or(Reaction::Dropped(DropReason::AnswerTooLong), |(_, length)| {
                    Reaction::Reply { length }
                });
            }
            (Dispatched::Answer { completion, length }, Some(commit)) => {
                // It was split before, for this command.
                let (body, _) =
                    BodyPrefix::split(request.message.header.netfn, request.message.data).unwrap_or_default();
                let data = buffer.get(body.length..length).unwrap_or_default().to_vec();
                let job = pending::when_safe(commit, move || pending::at_once(completion, data));
                (body, job)
            }
            (Dispatched::Wait { job, body }, Some(commit)) => (body, pending::when_safe(commit, || job)),
            (Dispatched::Wait { job, body }, None) => (body, job),
        };
        let bmc = Arc::clone(self);
        Reaction::Run(PendingCommand::new(
            bmc,
            request.token,
            body,
            job,
            number,
            asked,
            after,
        ))
    }

    /// What counts a request, if anything does.
    fn command_number(&self, request: &Request<'_>) -> Option<CommandNumber> {
        let metrics = self.settings.metrics.as_ref()?;
        let header = &request.message.header;
        let body = request
            .message
            .data
            .get(..header.netfn.body_length())
            .unwrap_or_default();
        Some(metrics.command_number(header.netfn, body, header.command))
    }

    /// Counts a command of sessions, which the engine answered.
    fn count_answered(&self, command: &AnsweredCommand) {
        if let Some(metrics) = &self.settings.metrics {
            let number = metrics.command_number(command.netfn, &[], command.number);
            metrics.command(number, command.completion);
        }
    }

    /// Tells what was asked for and how it was answered, if that is of interest.
    fn answered(&self, asked: Option<Asked>, completion: CompletionCode) {
        if let Some(asked) = asked {
            asked.answered(self.name(), &*self.settings.audit, completion);
        }
    }

    fn count_command(&self, number: Option<CommandNumber>, completion: CompletionCode) {
        if let (Some(metrics), Some(number)) = (&self.settings.metrics, number) {
            metrics.command(number, completion);
        }
    }

    /// Work that the BMC starts by itself: the watchdog's action, taking a boot override back. To be called
    /// until it answers `None` after [`handle_timeout`](Self::handle_timeout) and when the waker was called.
    #[must_use]
    pub fn poll_work(&self) -> Option<Unfinished> {
        self.with(|inner| inner.work.pop_front())
    }

    /// Tells the BMC where it is reached: where its alerts come from. A BMC that is not told takes the address
    /// that the first datagram was sent to.
    pub fn served_at(&self, address: SocketAddr) {
        self.with(|inner| inner.state.alerts.served_at(address));
    }

    /// Peers with an open session, for a driver that gives each a socket of its own under attack.
    #[must_use]
    pub fn session_peers(&self) -> Vec<Peer> {
        self.with(|inner| {
            inner
                .sessions
                .open_sessions()
                .map(|session| session.peer)
                .collect()
        })
    }

    /// Sets what wakes the driver when [`poll_transmit`](Self::poll_transmit),
    /// [`poll_timeout`](Self::poll_timeout) or [`poll_work`](Self::poll_work) changed without a datagram
    /// (events of the machine, console output). It is called from any thread, without the BMC's lock. The
    /// latest one counts. From now on somebody serves the BMC, until [`Bmc::end_serial_over_lan`].
    pub fn set_waker(&self, waker: Arc<dyn Fn() + Send + Sync>) {
        self.with(|inner| inner.sol.set_served(true));
        *self.waker.write().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }
}

impl Inner {
    /// Notes the time.
    pub(crate) fn tell_time(&mut self, now: Instant) {
        self.now = now;
        self.state.tell_time(now);
    }

    fn act_after(&mut self, bmc: &Arc<Bmc>, after: After) {
        match after {
            After::Nothing => {}
            After::StartSol => self.start_sol(bmc),
            After::EndSol(reason) => self.end_sol(bmc.settings(), reason),
            After::CloseUser { user, spared } => {
                let sol = self.sol.session();
                if self.sol.user() == Some(user) && (sol.is_none() || sol != spared) {
                    self.end_sol(bmc.settings(), SolEnd::UserChanged);
                }
                self.sessions.close_user(user, spared, CloseReason::Configuration);
            }
            After::Reset(reset) => {
                self.end_sol(bmc.settings(), SolEnd::Restart);
                self.sessions.close_all(CloseReason::Configuration);
                self.state.restart(self.now, reset);
            }
        }
        if after != After::Nothing {
            self.wake = true;
        }
    }

    fn take_session_events(&mut self, settings: &Settings) {
        while let Some(event) = self.sessions.poll_event() {
            tracing::debug!(bmc = settings.name, ?event, "session");
            settings.count_login(&event);
            settings.tell(&self.state, &event);
            match event {
                Event::Closed { session, .. } => {
                    let session = SessionId(session);
                    self.state.session_closed(session);
                    if self.sol.session() == Some(session) {
                        self.end_sol(settings, SolEnd::SessionClosed);
                    }
                }
                Event::Opened { user, peer, .. } => self.state.lockout.succeeded(user, peer),
                Event::LoginFailed {
                    user, failure, peer, ..
                } => self.state.login_failed(self.now, user, failure, peer),
                _ => {}
            }
        }
    }
}

/// What a request asks for, if the audit log has to know.
fn asked(state: &State, request: &Request<'_>) -> Option<Asked> {
    let header = &request.message.header;
    let (body, data) = BodyPrefix::split(header.netfn, request.message.data).ok()?;
    let spec = handlers::find(header.netfn, body, header.command)?;
    let event = audit::asked(spec, data)?;
    let session = request.session.as_ref();
    Some(Asked {
        actor: session.map(|session| state.actor(session.user, Some(session.handle))),
        source: request.peer.remote,
        event,
    })
}

impl fmt::Debug for Bmc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bmc")
            .field("name", &self.settings.name)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// Whether a timeout has moved to where the driver does not expect it. One that moves later it finds there.
fn is_earlier(timeout: Option<Instant>, before: Option<Instant>) -> bool {
    timeout.is_some_and(|timeout| before.is_none_or(|before| timeout < before))
}

/// The body code or enterprise number that stands before the data of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BodyPrefix {
    bytes: [u8; 3],
    length: usize,
}

impl BodyPrefix {
    /// The first bytes of a request's data, if they say whose command it is.
    ///
    /// # Errors
    /// C7h if the request is shorter.
    pub(crate) fn split(netfn: NetFn, data: &[u8]) -> Result<(Self, &[u8]), CompletionCode> {
        let length = netfn.body_length();
        let (body, rest) = data
            .split_at_checked(length)
            .ok_or(CompletionCode::LENGTH_INVALID)?;
        let mut bytes = [0; 3];
        bytes
            .get_mut(..length)
            .ok_or(CompletionCode::UNSPECIFIED)?
            .copy_from_slice(body);
        Ok((Self { bytes, length }, rest))
    }

    /// The bytes.
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
