//! The console's end of the line.

use super::packet::{ConsoleControl, HEADER_LENGTH, ManagedStatus, SolHeader, SolPacket};
use super::receiver::{Arrival, Receiver};
use super::sender::Sender;
use super::{SolDrop, SolSettings};
use crate::time::Instant;
use crate::wire::Writer;

/// The console's end of the line, for one active payload.
///
/// What is typed goes in by [`write`](Self::write), the system's output comes out by [`read`](Self::read).
#[derive(Debug)]
pub struct Console {
    sender: Sender,
    receiver: Receiver,
    /// Flags that every packet carries: pause and hang-up.
    line: ConsoleControl,
    events: Pending,
    is_closed: bool,
}

/// Something that happened at the console's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsoleEvent {
    /// There is output to [`read`](Console::read).
    Readable,
    /// There is room for input again after a [`write`](Console::write) that was cut short.
    Writable,
    /// The system sent a break.
    Break,
    /// Output of the system was lost.
    Overrun,
    /// The BMC cannot pass input to the system at present. It is held and offered again.
    Unavailable,
    /// A packet is not acknowledged in spite of all retries. It is sent again once a second.
    Stalled,
    /// The BMC ended the payload. Output that came before can still be read.
    Deactivated,
}

bitflags::bitflags! {
    /// Events that were not polled yet. Each is there once, so a peer cannot pile them up.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Pending: u8 {
        const READABLE = 1;
        const WRITABLE = 1 << 1;
        const BREAK = 1 << 2;
        const OVERRUN = 1 << 3;
        const UNAVAILABLE = 1 << 4;
        const STALLED = 1 << 5;
        const DEACTIVATED = 1 << 6;
    }
}

impl Console {
    /// The end of a payload that has just been activated. See [`SolSettings::console`].
    #[must_use]
    pub fn new(settings: SolSettings) -> Self {
        Self {
            sender: Sender::new(settings),
            receiver: Receiver::new(settings.input_capacity),
            line: ConsoleControl::default(),
            events: Pending::default(),
            is_closed: false,
        }
    }

    /// Takes input for the system: as much as fits, nothing after the end. Gives the number of characters taken.
    pub fn write(&mut self, now: Instant, input: &[u8]) -> usize {
        if self.is_closed {
            return 0;
        }
        self.sender.write(now, input)
    }

    /// Sends a break to the system, after all input written so far and before all later input. A break that waits
    /// already moves to this place.
    pub fn send_break(&mut self) {
        self.sender.send_mark(
            ConsoleControl {
                generate_break: true,
                ..ConsoleControl::default()
            }
            .to_word(),
        );
    }

    /// Asks the BMC to stop the system from sending, or to let it go on.
    pub fn set_paused(&mut self, is_paused: bool) {
        self.line.pause = is_paused;
        self.sender.send_flags(0);
    }

    /// Hangs up, or is there again: DCD and DSR.
    pub fn set_hung_up(&mut self, is_hung_up: bool) {
        self.line.hang_up = is_hung_up;
        self.sender.send_flags(0);
    }

    /// Rings.
    pub fn ring(&mut self) {
        self.send_control(ConsoleControl {
            ring: true,
            ..ConsoleControl::default()
        });
    }

    /// Asks the BMC to discard input that the system has not taken, and discards what was not sent yet.
    pub fn flush_input(&mut self) {
        self.sender.flush();
        self.send_control(ConsoleControl {
            flush_inbound: true,
            ..ConsoleControl::default()
        });
    }

    /// Asks the BMC to discard output that it has not sent.
    pub fn flush_output(&mut self) {
        self.send_control(ConsoleControl {
            flush_outbound: true,
            ..ConsoleControl::default()
        });
    }

    fn send_control(&mut self, control: ConsoleControl) {
        self.sender.send_flags(control.to_word());
    }

    /// How much input fits at present.
    #[must_use]
    pub fn free(&self) -> usize {
        self.sender.free()
    }

    /// How much input waits or is not acknowledged.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.sender.len()
    }

    /// Takes output of the system out.
    pub fn read(&mut self, target: &mut [u8]) -> usize {
        self.receiver.read(target)
    }

    /// Output of the system, in order, without taking it out: see [`consume`](Self::consume).
    #[must_use]
    pub fn output(&self) -> (&[u8], &[u8]) {
        self.receiver.peek()
    }

    /// Takes the first `count` characters of [`output`](Self::output) out.
    pub fn consume(&mut self, count: usize) {
        self.receiver.consume(count);
    }

    /// Takes a packet of the BMC in.
    ///
    /// # Errors
    /// [`SolDrop`] says why it was dropped.
    pub fn handle_packet(&mut self, now: Instant, payload: &[u8]) -> Result<(), SolDrop> {
        if self.is_closed {
            return Err(SolDrop::Closed);
        }
        let packet = SolPacket::<ManagedStatus>::parse(payload)?;
        let header = packet.header;
        let status = header.flags;
        let acknowledged = self
            .sender
            .acknowledge(now, header.acknowledged, header.accepted, status.nack);
        self.notice(Pending::WRITABLE, acknowledged.is_writable);
        self.notice(Pending::UNAVAILABLE, status.nack && status.unavailable);
        if self.receiver.arrive(now, header.sequence)? == Arrival::New {
            self.notice(Pending::OVERRUN, status.overrun);
            self.notice(Pending::BREAK, status.break_received);
            self.notice(Pending::DEACTIVATED, status.deactivating);
        }
        let is_readable = self.receiver.receive(now, header.sequence, packet.characters);
        self.notice(Pending::READABLE, is_readable);
        self.is_closed |= status.deactivating;
        Ok(())
    }

    fn notice(&mut self, event: Pending, has_happened: bool) {
        if has_happened {
            self.events.insert(event);
        }
    }

    /// Lets time pass. To be called at [`poll_timeout`](Self::poll_timeout); at other times it does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.receiver.handle_timeout(now);
        let is_stalled = self.sender.handle_timeout(now);
        self.notice(Pending::STALLED, is_stalled);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_closed {
            return None;
        }
        [self.sender.deadline(), self.receiver.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Writes the next packet for the BMC into `payload`, which should have room for
    /// [`MAX_PACKET_LENGTH`](super::MAX_PACKET_LENGTH) bytes, and gives its length.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, payload: &mut [u8]) -> Option<usize> {
        if self.is_closed {
            return None;
        }
        let (head, characters) = payload.split_at_mut_checked(HEADER_LENGTH)?;
        let outgoing = self.sender.poll(now, characters);
        if outgoing.is_none() && !self.receiver.owes_answer() {
            return None;
        }
        let outgoing = outgoing.unwrap_or_default();
        let answer = self.receiver.take_answer().unwrap_or_default();
        let header = SolHeader {
            sequence: outgoing.sequence,
            acknowledged: answer.sequence,
            accepted: answer.accepted,
            flags: ConsoleControl {
                nack: answer.nack,
                pause: self.line.pause,
                hang_up: self.line.hang_up,
                ..ConsoleControl::from_word(outgoing.flags)
            },
        };
        Writer::new(head).value(&header).ok()?;
        Some(HEADER_LENGTH + outgoing.length)
    }

    /// What happened. To be called until it gives `None`.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ConsoleEvent> {
        let event = self.events.iter().next()?;
        self.events.remove(event);
        Some(match event {
            Pending::READABLE => ConsoleEvent::Readable,
            Pending::WRITABLE => ConsoleEvent::Writable,
            Pending::BREAK => ConsoleEvent::Break,
            Pending::OVERRUN => ConsoleEvent::Overrun,
            Pending::UNAVAILABLE => ConsoleEvent::Unavailable,
            Pending::STALLED => ConsoleEvent::Stalled,
            _ => ConsoleEvent::Deactivated,
        })
    }
}
