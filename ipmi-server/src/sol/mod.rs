//! Serial over LAN (IPMI 2.0 §15): the active payload of a BMC, between a session and the machine's console.
//!
//! ```text
//!   session ──► handle_packet ──► input ──► pump ──► ConsoleStream::send
//!   session ◄── transmit ◄── scrollback ◄── pump ◄── ConsoleStream::next
//! ```
//!
//! The state machine of the packets is [`ipmi_proto::sol::Managed`]. The [`pump`] is a future that the driver
//! runs aside as long as a payload is active, and where the machine allows it also while none is, so that the
//! next client sees what the machine said before. A console that reads slowly makes the scrollback fill; then
//! the pump reads no more, and the machine waits.

mod options;
mod pump;
mod quota;
mod scrollback;
#[cfg(test)]
pub(crate) mod tests;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;
use std::net::SocketAddr;

use ipmi_proto::session::managed::SessionId;
use ipmi_proto::session::{DropReason, UserId};
use ipmi_proto::sol::{MAX_PACKET_LENGTH, Managed, ManagedEvent, SolDrop, SolSettings};
use ipmi_proto::time::Instant;

use self::scrollback::Scrollback;
use crate::audit::Actor;
use crate::bmc::Datagram;

pub(crate) use options::ConsoleOptions;
pub use options::ConsoleTranscript;
pub(crate) use pump::run as pump;
pub use quota::ConsoleQuota;
pub(crate) use quota::Place;

/// Output that is being sent. Little: what waits stands in the scrollback.
const OUTPUT: usize = 2 * 1024;
/// Input that the machine has not taken yet.
const INPUT: usize = 2 * 1024;
/// Input that is handed to the machine at once.
const CHUNK: usize = 512;
/// Output begins so long after the activation: a console that deactivates at once (`ipmitool sol looptest`)
/// takes a packet that crosses its command for the answer.
const SILENCE: Duration = Duration::from_millis(50);
/// Sealed notices that wait for the driver; more are lost, as datagrams may be.
const NOTICES: usize = 8;

/// Why a client's serial console was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SolEnd {
    /// Its own session deactivated it.
    Deactivated,
    /// Another session deactivated it.
    Taken,
    /// Serial over LAN was disabled.
    Disabled,
    /// The user was changed.
    UserChanged,
    /// The BMC restarts.
    Restart,
    /// The session has ended.
    SessionClosed,
    /// The machine has no console any more.
    NoConsole,
    /// Nobody serves the BMC any more.
    Unserved,
    /// Nothing was typed for too long.
    Idle,
    /// It was open for as long as a console may be.
    TimeLimit,
}

impl SolEnd {
    /// A few words for logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Deactivated => "deactivated",
            Self::Taken => "taken by another session",
            Self::Disabled => "Serial over LAN disabled",
            Self::UserChanged => "user changed",
            Self::Restart => "BMC reset",
            Self::SessionClosed => "session closed",
            Self::NoConsole => "machine without console",
            Self::Unserved => "BMC not served any more",
            Self::Idle => "idle for too long",
            Self::TimeLimit => "open for too long",
        }
    }

    /// Whether the console has to be told.
    pub(crate) const fn is_news(self) -> bool {
        !matches!(self, Self::Deactivated | Self::SessionClosed)
    }
}

/// The payload of one BMC, if it is active, and what remains of earlier ones.
#[derive(Debug)]
pub(crate) struct Sol {
    active: Option<Box<Active>>,
    scrollback: Scrollback,
    /// What a client typed that is gone, and what the machine has not been sent yet.
    leftover: Vec<u8>,
    /// Sealed datagrams for consoles that were cut off.
    notices: VecDeque<Datagram>,
    is_pump_running: bool,
    /// Wakes the pump.
    waker: Option<Waker>,
    /// The machine's console is read also while no payload is active.
    is_always_open: bool,
    /// Somebody serves the BMC.
    is_served: bool,
    /// The machine may have been switched on since its console was tried last.
    is_worth_a_try: bool,
    idle_timeout: Option<Duration>,
    absolute_timeout: Option<Duration>,
}

/// Who uses the payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) session: SessionId,
    pub(crate) actor: Actor,
    pub(crate) source: SocketAddr,
}

/// An active payload.
#[derive(Debug)]
struct Active {
    owner: Owner,
    line: Managed,
    opened_at: Instant,
    /// When the user typed last.
    typed_at: Instant,
    /// Counts against the user's quota.
    _place: Option<Place>,
    /// There is no output before this time.
    silent_until: Option<Instant>,
    /// The machine is to get a break before any other input.
    is_break_due: bool,
}

/// What the pump does next.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    /// End: nobody wants the console.
    End,
    /// Send a break to the machine.
    Break,
    /// Send the input to the machine, if there is some, then wait.
    Send,
}

/// What the pump waits for.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// Somebody wants the console.
    is_wanted: bool,
    /// There is something to send of a client that is gone, and somebody to wait for it.
    has_leftover: bool,
    is_served: bool,
    /// A payload is active.
    is_active: bool,
    has_input: bool,
    has_room: bool,
}

impl Sol {
    /// No payload is active. `may_stay_open`: what the machine says of its console, if it has one.
    pub(crate) fn new(options: &ConsoleOptions, may_stay_open: Option<bool>) -> Self {
        let is_always_open = may_stay_open.is_some_and(|may| options.always_open.unwrap_or(may));
        Self {
            active: None,
            scrollback: Scrollback::new(options.scrollback),
            leftover: Vec::new(),
            notices: VecDeque::new(),
            is_pump_running: false,
            waker: None,
            is_always_open,
            is_served: true,
            is_worth_a_try: true,
            idle_timeout: options.idle_timeout,
            absolute_timeout: options.absolute_timeout,
        }
    }

    /// The session that uses the payload.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.active.as_ref().map(|active| active.owner.session)
    }

    /// The user who uses it.
    pub(crate) fn user(&self) -> Option<UserId> {
        self.owner().map(|owner| owner.actor.user)
    }

    /// Who uses it.
    pub(crate) fn owner(&self) -> Option<Owner> {
        self.active.as_ref().map(|active| active.owner)
    }

    /// Activates the payload for a session; there must be none.
    pub(crate) fn activate(
        &mut self,
        now: Instant,
        owner: Owner,
        place: Option<Place>,
        settings: SolSettings,
    ) {
        self.scrollback.replay();
        let settings = SolSettings {
            output_capacity: OUTPUT,
            input_capacity: INPUT,
            ..settings
        };
        self.active = Some(Box::new(Active {
            owner,
            line: Managed::new(settings),
            opened_at: now,
            typed_at: now,
            _place: place,
            silent_until: Some(now + SILENCE),
            is_break_due: false,
        }));
        self.wake_pump();
    }

    /// Ends the payload; whose it was.
    pub(crate) fn end(&mut self) -> Option<Owner> {
        let active = self.active.take()?;
        if self.is_served {
            // The client was told that it arrived.
            let (front, back) = active.line.input();
            let room = INPUT.saturating_sub(self.leftover.len());
            self.leftover.extend(front.iter().chain(back).take(room));
        }
        self.scrollback.settle();
        self.wake_pump();
        Some(active.owner)
    }

    /// Whether a pump has to be started.
    pub(crate) const fn needs_pump(&self) -> bool {
        !self.is_pump_running
            && (self.active.is_some() || self.is_always_open && self.is_served && self.is_worth_a_try)
    }

    /// Whether a pump has to be started. It has then been.
    pub(crate) const fn start_pump(&mut self) -> bool {
        let start = self.needs_pump();
        self.is_pump_running |= start;
        start
    }

    /// Somebody serves the BMC, or nobody does any more.
    pub(crate) fn set_served(&mut self, is_served: bool) {
        self.is_worth_a_try |= is_served && !self.is_served;
        self.is_served = is_served;
        self.wake_pump();
    }

    /// The machine is off, and will tell when that changes.
    pub(crate) const fn machine_is_off(&mut self) {
        self.is_worth_a_try = false;
    }

    /// The machine has no console after all.
    fn give_up(&mut self) {
        self.is_always_open = false;
    }

    /// Something changed at the machine: its console may be there now.
    pub(crate) const fn machine_changed(&mut self) {
        self.is_worth_a_try = true;
    }

    /// Leaves a sealed datagram for the driver.
    pub(crate) fn notify(&mut self, notice: Datagram) {
        if self.notices.len() < NOTICES {
            self.notices.push_back(notice);
        }
    }

    /// The next sealed datagram.
    pub(crate) fn poll_notice(&mut self) -> Option<Datagram> {
        let notice = self.notices.pop_front()?;
        if self.notices.is_empty() {
            self.notices = VecDeque::new();
        }
        Some(notice)
    }

    /// Takes a packet of a session in.
    ///
    /// # Errors
    /// [`DropReason`] if it is dropped.
    pub(crate) fn handle_packet(
        &mut self,
        now: Instant,
        session: SessionId,
        packet: &[u8],
    ) -> Result<(), DropReason> {
        let active = self
            .active
            .as_mut()
            .filter(|active| active.owner.session == session);
        let active = active.ok_or(DropReason::UnknownPayload)?;
        active
            .line
            .handle_packet(now, packet)
            .map_err(|reason| match reason {
                SolDrop::Stale => DropReason::Replayed,
                _ => DropReason::MalformedMessage,
            })?;
        if self.take_events()
            && let Some(active) = &mut self.active
        {
            active.typed_at = now;
        }
        self.wake_pump();
        Ok(())
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Some(active) = &mut self.active {
            active.silent_until = active.silent_until.filter(|end| now < *end);
            active.line.handle_timeout(now);
            self.take_events();
        }
    }

    /// Why the payload has to end by now, if it has to.
    pub(crate) fn expired(&self, now: Instant) -> Option<SolEnd> {
        let (idle, absolute) = self.limits();
        if absolute.is_some_and(|limit| limit <= now) {
            Some(SolEnd::TimeLimit)
        } else if idle.is_some_and(|limit| limit <= now) {
            Some(SolEnd::Idle)
        } else {
            None
        }
    }

    /// When the payload ends if nothing is typed, and when it ends in any case.
    fn limits(&self) -> (Option<Instant>, Option<Instant>) {
        let active = self.active.as_ref();
        let idle = active.zip(self.idle_timeout);
        let absolute = active.zip(self.absolute_timeout);
        (
            idle.map(|(active, timeout)| active.typed_at + timeout),
            absolute.map(|(active, timeout)| active.opened_at + timeout),
        )
    }

    /// When time has to pass.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let start = self.needs_pump().then_some(Instant::ZERO);
        let (idle, absolute) = self.limits();
        let active = self.active.as_ref();
        let silence = active.and_then(|active| active.silent_until);
        let line = active.and_then(|active| active.line.poll_timeout());
        let timeouts = [start, idle, absolute, silence, line];
        timeouts.into_iter().flatten().min()
    }

    /// The next packet, and the session that it is for.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        packet: &mut [u8; MAX_PACKET_LENGTH],
    ) -> Option<(SessionId, usize)> {
        let active = self.active.as_mut()?;
        if active.silent_until.is_none() && active.pass_on(now, &mut self.scrollback) {
            self.waker.iter().for_each(Waker::wake_by_ref);
        }
        let length = active.line.poll_transmit(now, packet)?;
        Some((active.owner.session, length))
    }

    /// Does what the line wants. Whether there was input.
    fn take_events(&mut self) -> bool {
        let Some(active) = &mut self.active else {
            return false;
        };
        let mut is_input = false;
        while let Some(event) = active.line.poll_event() {
            match event {
                ManagedEvent::Readable => is_input = true,
                ManagedEvent::Break => {
                    active.is_break_due = true;
                    is_input = true;
                }
                ManagedEvent::OutputDiscarded => self.scrollback.skip(),
                ManagedEvent::Stalled => tracing::debug!("the console acknowledges nothing"),
                // A virtual serial port has no such lines, and the pump looks at the rest by itself.
                _ => {}
            }
        }
        is_input
    }

    fn wake_pump(&self) {
        self.waker.iter().for_each(Waker::wake_by_ref);
    }

    /// Takes output of the machine.
    fn output(&mut self, bytes: &[u8]) {
        self.scrollback.push(bytes);
        if self.active.is_none() {
            self.scrollback.skip();
        }
    }

    /// Says whether input can be passed to the machine.
    fn set_available(&mut self, is_available: bool) {
        if let Some(active) = &mut self.active {
            active.line.set_available(is_available);
        }
    }

    /// Discards input for a machine that is off.
    fn discard_input(&mut self) {
        self.leftover = Vec::new();
        self.take_events();
        if let Some(active) = &mut self.active {
            while active.has_input() {
                let (front, back) = active.line.input();
                active.line.consume(front.len() + back.len());
                active.is_break_due = false;
                while let Some(event) = active.line.poll_event() {
                    active.is_break_due |= event == ManagedEvent::Break;
                }
            }
        }
    }

    /// What the pump does next. Input for the machine is moved to `input`, if that is empty.
    fn next_task(&mut self, input: &mut Vec<u8>) -> Task {
        self.take_events();
        if input.is_empty() && !self.leftover.is_empty() {
            *input = core::mem::take(&mut self.leftover);
            return Task::Send;
        }
        let Some(active) = &mut self.active else {
            let is_done = !self.is_wanted() && (input.is_empty() || !self.is_served);
            return if is_done { Task::End } else { Task::Send };
        };
        if input.is_empty() {
            if core::mem::take(&mut active.is_break_due) {
                return Task::Break;
            }
            input.resize(CHUNK, 0);
            let length = active.line.read(input);
            input.truncate(length);
        }
        Task::Send
    }

    fn watch(&mut self, waker: &Waker) -> Watch {
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            unknown => *unknown = Some(waker.clone()),
        }
        self.take_events();
        let active = self.active.as_ref();
        Watch {
            is_wanted: self.is_wanted(),
            has_leftover: !self.leftover.is_empty() && self.is_served,
            is_served: self.is_served,
            is_active: active.is_some(),
            has_input: !self.leftover.is_empty() || active.is_some_and(|active| active.has_input()),
            has_room: self.scrollback.has_room(),
        }
    }

    /// Whether somebody wants the machine's console.
    const fn is_wanted(&self) -> bool {
        self.active.is_some() || self.is_always_open && self.is_served
    }

    /// Whether the pump opens the console again. If it does not, another one is started when one is needed.
    fn keeps_pump(&mut self) -> bool {
        let goes_on = self.is_wanted();
        if goes_on {
            self.is_worth_a_try = false;
        } else {
            self.leftover = Vec::new();
            self.pump_ended();
        }
        goes_on
    }

    /// The machine is off and would tell if that changed. Whether the pump goes on nevertheless.
    fn keeps_pump_while_off(&mut self) -> bool {
        let goes_on = self.active.is_some() || self.is_worth_a_try;
        if !goes_on {
            self.pump_ended();
        }
        goes_on
    }

    fn pump_ended(&mut self) {
        self.is_pump_running = false;
        self.waker = None;
    }
}

impl Active {
    /// Passes output on to the line, as much as it takes. Whether there is room for more again.
    fn pass_on(&mut self, now: Instant, scrollback: &mut Scrollback) -> bool {
        let had_room = scrollback.has_room();
        let (front, back) = scrollback.waiting();
        let mut passed = self.line.write(now, front);
        if passed == front.len() {
            passed += self.line.write(now, back);
        }
        scrollback.passed(passed);
        !had_room && scrollback.has_room()
    }

    fn has_input(&self) -> bool {
        let (front, back) = self.line.input();
        self.is_break_due || !front.is_empty() || !back.is_empty()
    }
}
