//! Serial over LAN (IPMI 2.0 §15): the active payload of a BMC, between a session and the machine's console.
//!
//! ```text
//!   session ──► handle_packet ──► input ──► pump ──► ConsoleStream::send
//!   session ◄── transmit ◄── scrollback ◄── pump ◄── ConsoleStream::next
//! ```
//!
//! The state machine of the packets is [`ipmi_proto::sol::Managed`]. The [`pump`] is a future that the driver
//! runs aside as long as a payload is active. A console that reads slowly makes the scrollback fill; then the
//! pump reads no more, and the machine waits.

mod pump;
mod scrollback;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;

use ipmi_proto::session::managed::SessionId;
use ipmi_proto::session::{DropReason, UserId};
use ipmi_proto::sol::{MAX_PACKET_LENGTH, Managed, ManagedEvent, SolDrop, SolSettings};
use ipmi_proto::time::Instant;

use self::scrollback::Scrollback;
use crate::bmc::Datagram;

pub(crate) use pump::run as pump;

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

/// Why a payload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SolEnd {
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
}

impl SolEnd {
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
    /// Sealed datagrams for consoles that were cut off.
    notices: VecDeque<Datagram>,
    is_pump_running: bool,
    /// Wakes the pump.
    waker: Option<Waker>,
}

/// An active payload.
#[derive(Debug)]
struct Active {
    session: SessionId,
    user: UserId,
    line: Managed,
    /// There is no output before this time.
    silent_until: Option<Instant>,
    /// The machine is to get a break before any other input.
    is_break_due: bool,
}

/// What the pump does next.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    /// End: no payload is active.
    End,
    /// Send a break to the machine.
    Break,
    /// Send the input to the machine, if there is some, then wait.
    Send,
}

/// What the pump waits for.
#[derive(Clone, Copy, Debug)]
struct Watch {
    is_active: bool,
    has_input: bool,
    has_room: bool,
}

impl Sol {
    /// No payload is active. Keeps so much output for the next one.
    pub(crate) const fn new(scrollback: usize) -> Self {
        Self {
            active: None,
            scrollback: Scrollback::new(scrollback),
            notices: VecDeque::new(),
            is_pump_running: false,
            waker: None,
        }
    }

    /// The session that uses the payload.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.active.as_ref().map(|active| active.session)
    }

    /// The user who uses it.
    pub(crate) fn user(&self) -> Option<UserId> {
        self.active.as_ref().map(|active| active.user)
    }

    /// Activates the payload for a session; there must be none.
    pub(crate) fn activate(&mut self, now: Instant, session: SessionId, user: UserId, settings: SolSettings) {
        self.scrollback.replay();
        let settings = SolSettings {
            output_capacity: OUTPUT,
            input_capacity: INPUT,
            ..settings
        };
        self.active = Some(Box::new(Active {
            session,
            user,
            line: Managed::new(settings),
            silent_until: Some(now + SILENCE),
            is_break_due: false,
        }));
        self.wake_pump();
    }

    /// Ends the payload; whose it was.
    pub(crate) fn end(&mut self) -> Option<SessionId> {
        let active = self.active.take()?;
        self.scrollback.settle();
        self.wake_pump();
        Some(active.session)
    }

    /// Whether a pump has to be started. It has then been.
    pub(crate) const fn start_pump(&mut self) -> bool {
        let start = self.active.is_some() && !self.is_pump_running;
        self.is_pump_running |= start;
        start
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
        let active = self.active.as_mut().filter(|active| active.session == session);
        let active = active.ok_or(DropReason::UnknownPayload)?;
        active
            .line
            .handle_packet(now, packet)
            .map_err(|reason| match reason {
                SolDrop::Stale => DropReason::Replayed,
                _ => DropReason::MalformedMessage,
            })?;
        self.take_events();
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

    /// When time has to pass.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let active = self.active.as_ref()?;
        let timeouts = [active.silent_until, active.line.poll_timeout()];
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
        Some((active.session, length))
    }

    fn take_events(&mut self) {
        let Some(active) = &mut self.active else {
            return;
        };
        while let Some(event) = active.line.poll_event() {
            match event {
                ManagedEvent::Break => active.is_break_due = true,
                ManagedEvent::OutputDiscarded => self.scrollback.skip(),
                ManagedEvent::Stalled => tracing::debug!("the console acknowledges nothing"),
                // A virtual serial port has no such lines, and the pump looks at the rest by itself.
                _ => {}
            }
        }
    }

    fn wake_pump(&self) {
        self.waker.iter().for_each(Waker::wake_by_ref);
    }

    /// Takes output of the machine.
    fn output(&mut self, bytes: &[u8]) {
        if self.active.is_some() {
            self.scrollback.push(bytes);
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
        let Some(active) = &mut self.active else {
            return Task::End;
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
            is_active: active.is_some(),
            has_input: active.is_some_and(|active| active.has_input()),
            has_room: self.scrollback.has_room(),
        }
    }

    /// Whether the pump goes on. If it does not, the next activation starts another one.
    fn keeps_pump(&mut self) -> bool {
        if self.active.is_none() {
            self.pump_ended();
        }
        self.active.is_some()
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
