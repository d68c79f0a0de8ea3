//! The BMC's end of the line.

use super::packet::{ConsoleControl, HEADER_LENGTH, ManagedStatus, SolHeader, SolPacket};
use super::receiver::{Arrival, Receiver};
use super::sender::Sender;
use super::{SolDrop, SolSettings};
use crate::time::Instant;
use crate::wire::Writer;

/// The BMC's end of the line, for one active payload.
///
/// The system's output goes in by [`write`](Self::write), the console's input comes out by [`read`](Self::read).
#[derive(Debug)]
pub struct Managed {
    sender: Sender,
    receiver: Receiver,
    /// What the console last asked the line to be.
    line: Line,
    events: Pending,
    phase: Phase,
}

/// Something that happened at the BMC's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagedEvent {
    /// There is input to [`read`](Managed::read).
    Readable,
    /// There is room for output again after a [`write`](Managed::write) that was cut short.
    Writable,
    /// The console sent a break. All input before it has been read; input after it can be read now.
    Break,
    /// The console wants the system to send nothing (`true`), or to go on.
    Pause(bool),
    /// The console hung up (`true`), or is there again: DCD and DSR.
    HungUp(bool),
    /// The console rings.
    Ring,
    /// Input that had not been read was discarded as the console wished.
    InputDiscarded,
    /// Output that had not been sent was discarded as the console wished.
    OutputDiscarded,
    /// A packet is not acknowledged in spite of all retries. It is sent again once a second.
    Stalled,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Line {
    is_paused: bool,
    is_hung_up: bool,
}

bitflags::bitflags! {
    /// Events that were not polled yet. Each is there once, so a peer cannot pile them up.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Pending: u8 {
        const READABLE = 1;
        const WRITABLE = 1 << 1;
        const PAUSE = 1 << 2;
        const HUNG_UP = 1 << 3;
        const RING = 1 << 4;
        const INPUT_DISCARDED = 1 << 5;
        const OUTPUT_DISCARDED = 1 << 6;
        const STALLED = 1 << 7;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Active,
    /// The console still has to be told.
    Closing,
    Closed,
}

impl Managed {
    /// The end of a payload that has just been activated.
    #[must_use]
    pub fn new(settings: SolSettings) -> Self {
        Self {
            sender: Sender::new(settings),
            receiver: Receiver::new(settings.input_capacity),
            line: Line::default(),
            events: Pending::default(),
            phase: Phase::Active,
        }
    }

    /// Takes output of the system: as much as fits, nothing while the console has paused the system or after the
    /// end. Gives the number of characters taken.
    pub fn write(&mut self, now: Instant, output: &[u8]) -> usize {
        if self.phase != Phase::Active || self.line.is_paused {
            return 0;
        }
        self.sender.write(now, output)
    }

    /// Takes all output of a system that cannot wait. The oldest output that was never sent makes room for it, and
    /// the console is told that characters were lost.
    pub fn write_dropping_oldest(&mut self, now: Instant, output: &[u8]) {
        if self.phase == Phase::Active && self.sender.write_dropping_oldest(now, output) {
            self.report_overrun();
        }
    }

    /// Tells the console that output of the system was lost before it came here.
    pub fn report_overrun(&mut self) {
        self.send_status(ManagedStatus {
            overrun: true,
            ..ManagedStatus::default()
        });
    }

    /// Tells the console that the system sent a break.
    pub fn report_break(&mut self) {
        self.send_status(ManagedStatus {
            break_received: true,
            ..ManagedStatus::default()
        });
    }

    fn send_status(&mut self, status: ManagedStatus) {
        self.sender.send_flags(status.to_word());
    }

    /// How much output fits at present.
    #[must_use]
    pub fn free(&self) -> usize {
        self.sender.free()
    }

    /// How much output waits or is not acknowledged.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.sender.len()
    }

    /// Takes input for the system out. Input after a break comes only when [`ManagedEvent::Break`] was polled.
    pub fn read(&mut self, target: &mut [u8]) -> usize {
        self.receiver.read(target)
    }

    /// Input for the system, in order, without taking it out: see [`consume`](Self::consume).
    #[must_use]
    pub fn input(&self) -> (&[u8], &[u8]) {
        self.receiver.peek()
    }

    /// Takes the first `count` characters of [`input`](Self::input) out.
    pub fn consume(&mut self, count: usize) {
        self.receiver.consume(count);
    }

    /// Says whether input can be passed to the system. While it cannot, the console is told that its characters are
    /// refused; when it can again, it is told that too.
    pub fn set_available(&mut self, is_available: bool) {
        self.receiver.set_refusing(!is_available);
    }

    /// Ends the payload: the console is told with the next packet, nothing else is sent or accepted.
    pub fn close(&mut self) {
        if self.phase == Phase::Active {
            self.phase = Phase::Closing;
        }
    }

    /// Takes a packet of the console in.
    ///
    /// # Errors
    /// [`SolDrop`] says why it was dropped.
    pub fn handle_packet(&mut self, now: Instant, payload: &[u8]) -> Result<(), SolDrop> {
        if self.phase != Phase::Active {
            return Err(SolDrop::Closed);
        }
        let packet = SolPacket::<ConsoleControl>::parse(payload)?;
        let header = packet.header;
        let acknowledged =
            self.sender
                .acknowledge(now, header.acknowledged, header.accepted, header.flags.nack);
        if acknowledged.is_writable {
            self.events.insert(Pending::WRITABLE);
        }
        if self.receiver.arrive(now, header.sequence)? == Arrival::New {
            self.flush(header.flags);
            self.set_line(&header);
        }
        if self.receiver.receive(now, header.sequence, packet.characters) {
            self.events.insert(Pending::READABLE);
        }
        Ok(())
    }

    /// What is done before the characters of a packet are taken in.
    fn flush(&mut self, control: ConsoleControl) {
        if control.flush_inbound {
            self.receiver.flush();
            self.events.insert(Pending::INPUT_DISCARDED);
        }
        if control.flush_outbound {
            self.sender.flush();
            self.events.insert(Pending::OUTPUT_DISCARDED);
        }
        if control.generate_break {
            self.receiver.set_mark();
        }
        if control.ring {
            self.events.insert(Pending::RING);
        }
    }

    fn set_line(&mut self, header: &SolHeader<ConsoleControl>) {
        // A mere acknowledgement may have been overtaken by the packet that changed the line.
        if header.sequence == 0 && header.acknowledged != 0 {
            return;
        }
        let line = Line {
            is_paused: header.flags.pause,
            is_hung_up: header.flags.hang_up,
        };
        if line.is_paused != self.line.is_paused {
            self.events.insert(Pending::PAUSE);
        }
        if line.is_hung_up != self.line.is_hung_up {
            self.events.insert(Pending::HUNG_UP);
        }
        self.line = line;
    }

    /// Lets time pass. To be called at [`poll_timeout`](Self::poll_timeout); at other times it does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.receiver.handle_timeout(now);
        if self.sender.handle_timeout(now) {
            self.events.insert(Pending::STALLED);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.phase != Phase::Active {
            return None;
        }
        [self.sender.deadline(), self.receiver.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Writes the next packet for the console into `payload`, which should have room for
    /// [`MAX_PACKET_LENGTH`](super::MAX_PACKET_LENGTH) bytes, and gives its length.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, payload: &mut [u8]) -> Option<usize> {
        let (head, characters) = payload.split_at_mut_checked(HEADER_LENGTH)?;
        let mut header = SolHeader::<ManagedStatus>::default();
        let mut length = 0;
        match self.phase {
            Phase::Closed => return None,
            Phase::Closing => {
                self.phase = Phase::Closed;
                header.flags.deactivating = true;
            }
            Phase::Active => {
                let outgoing = self.sender.poll(now, characters);
                if outgoing.is_none() && !self.receiver.owes_answer() {
                    return None;
                }
                if let Some(outgoing) = outgoing {
                    header.sequence = outgoing.sequence;
                    header.flags = ManagedStatus::from_word(outgoing.flags);
                    length = outgoing.length;
                }
                let answer = self.receiver.take_answer().unwrap_or_default();
                header.acknowledged = answer.sequence;
                header.accepted = answer.accepted;
                header.flags.nack = answer.nack;
                header.flags.unavailable = answer.nack && self.receiver.is_refusing();
            }
        }
        Writer::new(head).value(&header).ok()?;
        Some(HEADER_LENGTH + length)
    }

    /// What happened. To be called until it gives `None`.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ManagedEvent> {
        if self.receiver.take_mark() {
            // Input after the break can be read from now on.
            self.events.insert(Pending::READABLE);
            return Some(ManagedEvent::Break);
        }
        let event = self.events.iter().next()?;
        self.events.remove(event);
        Some(match event {
            Pending::READABLE => ManagedEvent::Readable,
            Pending::WRITABLE => ManagedEvent::Writable,
            Pending::PAUSE => ManagedEvent::Pause(self.line.is_paused),
            Pending::HUNG_UP => ManagedEvent::HungUp(self.line.is_hung_up),
            Pending::RING => ManagedEvent::Ring,
            Pending::INPUT_DISCARDED => ManagedEvent::InputDiscarded,
            Pending::OUTPUT_DISCARDED => ManagedEvent::OutputDiscarded,
            _ => ManagedEvent::Stalled,
        })
    }
}
