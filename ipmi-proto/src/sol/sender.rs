//! The sending half of one end: what waits to be sent, and the one packet in flight.

use super::ring::Ring;
use super::{MAX_SEQUENCE, SolSettings};
use crate::time::{Duration, Instant};

/// The shortest time between two sendings of a packet.
const SHORTEST_RETRY: Duration = Duration::from_millis(10);
/// Time between two sendings of a packet when the retries are used up, and until characters that were refused are
/// offered again.
const SLOW_RETRY: Duration = Duration::from_secs(1);

/// A packet that was sent and not acknowledged.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    sequence: u8,
    length: usize,
    /// Flags that go with it.
    flags: u8,
    retries: u8,
    resend_at: Instant,
    is_due: bool,
}

/// A packet that is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) sequence: u8,
    pub(super) length: usize,
    pub(super) flags: u8,
}

#[derive(Debug)]
pub(super) struct Sender {
    settings: SolSettings,
    /// Characters of the packet in flight, then those that were never sent or were not accepted.
    queue: Ring,
    in_flight: Option<InFlight>,
    /// Number of the last new packet.
    sequence: u8,
    /// Since when the first character has waited.
    waiting_since: Option<Instant>,
    /// What waits shall go with the next packet.
    is_due: bool,
    /// The other end refuses characters; they are offered again at this time.
    refused_until: Option<Instant>,
    /// Flags for the next new packet, which is sent even without characters.
    flags: Option<u8>,
    /// Flags for a packet of their own, after so many characters of the queue.
    mark: Option<(usize, u8)>,
    /// A write was cut short.
    was_full: bool,
}

/// What an acknowledgement changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// There is room again for characters that did not fit.
    pub(super) is_writable: bool,
}

impl Sender {
    pub(super) fn new(settings: SolSettings) -> Self {
        Self {
            queue: Ring::new(settings.output_capacity),
            settings,
            in_flight: None,
            sequence: 0,
            waiting_since: None,
            is_due: false,
            refused_until: None,
            flags: None,
            mark: None,
            was_full: false,
        }
    }

    /// Takes as many characters as fit.
    pub(super) fn write(&mut self, now: Instant, characters: &[u8]) -> usize {
        let taken = self.queue.push(characters);
        self.was_full |= taken < characters.len();
        if taken > 0 && self.waiting_since.is_none() {
            self.waiting_since = Some(now);
        }
        self.decide(now);
        taken
    }

    /// Takes characters; the oldest that were never sent make room for them. Says whether some were lost.
    pub(super) fn write_dropping_oldest(&mut self, now: Instant, characters: &[u8]) -> bool {
        let kept = self.in_flight_length();
        let room = self.settings.output_capacity.saturating_sub(kept);
        let skipped = characters.len().saturating_sub(room);
        let rest = characters.get(skipped..).unwrap_or_default();
        let missing = rest.len().saturating_sub(self.queue.free());
        self.queue.discard_behind(kept, missing);
        if let Some((position, _)) = &mut self.mark {
            *position = (*position).saturating_sub(missing).max(kept);
        }
        self.write(now, rest);
        missing + skipped > 0
    }

    /// How many characters fit.
    pub(super) fn free(&self) -> usize {
        self.queue.free()
    }

    /// How many characters wait or are not acknowledged.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Discards what was never sent.
    pub(super) fn flush(&mut self) {
        let kept = self.in_flight_length();
        self.queue.discard_behind(kept, usize::MAX);
        self.waiting_since = None;
        self.is_due = false;
        if let Some((position, _)) = &mut self.mark {
            *position = kept;
        }
    }

    /// Sends these flags with the next new packet, which is sent even without characters.
    pub(super) const fn send_flags(&mut self, flags: u8) {
        let waiting = match self.flags {
            Some(waiting) => waiting,
            None => 0,
        };
        self.flags = Some(waiting | flags);
    }

    /// Sends these flags in a packet of their own, after the characters that wait now and before all later ones.
    pub(super) fn send_mark(&mut self, flags: u8) {
        self.mark = Some((self.queue.len(), flags));
        self.is_due = true;
    }

    fn in_flight_length(&self) -> usize {
        self.in_flight.map_or(0, |packet| packet.length)
    }

    /// How many characters the next new packet would have.
    fn sendable(&self) -> usize {
        let until_mark = self.mark.map_or(usize::MAX, |(position, _)| position);
        self.queue
            .len()
            .min(until_mark)
            .min(self.settings.packet_characters())
    }

    /// Decides whether what waits shall be sent now.
    fn decide(&mut self, now: Instant) {
        let waiting = self.queue.len().saturating_sub(self.in_flight_length());
        if waiting == 0 {
            self.waiting_since = None;
        }
        let threshold = usize::from(self.settings.send_threshold).min(self.settings.packet_characters());
        self.is_due |=
            waiting > 0 && (waiting >= threshold || self.accumulated_at().is_some_and(|at| at <= now));
    }

    fn accumulated_at(&self) -> Option<Instant> {
        self.waiting_since
            .map(|since| since + self.settings.accumulate_interval)
    }

    /// Takes in what the other end says about the packet with this number.
    pub(super) fn acknowledge(
        &mut self,
        now: Instant,
        sequence: u8,
        accepted: u8,
        nack: bool,
    ) -> Acknowledged {
        if sequence == 0 || self.in_flight.is_none() && sequence != self.sequence {
            return Acknowledged::default();
        }
        let Some(packet) = self.in_flight.take_if(|packet| packet.sequence == sequence) else {
            if self.in_flight.is_none() && !nack {
                // What was refused before is wanted now.
                self.refused_until = None;
            }
            return Acknowledged::default();
        };
        let accepted = usize::from(accepted).min(packet.length);
        self.queue.discard(accepted);
        if let Some((position, _)) = &mut self.mark {
            *position = position.saturating_sub(accepted);
        }
        if accepted < packet.length {
            // The rest is sent in a new packet, without waiting for more.
            self.is_due = true;
        }
        self.refused_until = (nack && packet.length > 0).then(|| now + SLOW_RETRY);
        self.decide(now);
        let is_writable = self.was_full && self.queue.free() > 0;
        self.was_full &= !is_writable;
        Acknowledged { is_writable }
    }

    /// The packet to send now, with its characters in `characters`. `None` if there is none, or no room for it.
    pub(super) fn poll(&mut self, now: Instant, characters: &mut [u8]) -> Option<Outgoing> {
        if self.in_flight.is_none() {
            self.start()?;
        }
        let packet = self.in_flight.as_mut().filter(|packet| packet.is_due)?;
        let target = characters.get_mut(..packet.length)?;
        self.queue.peek(target);
        packet.is_due = false;
        packet.resend_at = now + resend_interval(&self.settings, packet.retries);
        Some(Outgoing {
            sequence: packet.sequence,
            length: packet.length,
            flags: packet.flags,
        })
    }

    /// Makes a new packet of what waits, if it is due.
    fn start(&mut self) -> Option<()> {
        let mut length = self.sendable();
        if self.refused_until.is_some() || !self.is_due {
            length = 0;
        }
        if self.mark.is_some_and(|(position, _)| position == 0) {
            let (_, mark) = self.mark.take()?;
            self.send_flags(mark);
            length = 0;
        }
        let flags = self.flags.take();
        if length == 0 && flags.is_none() {
            return None;
        }
        self.sequence = self.sequence % MAX_SEQUENCE + 1;
        self.in_flight = Some(InFlight {
            sequence: self.sequence,
            length,
            flags: flags.unwrap_or_default(),
            retries: 0,
            resend_at: Instant::ZERO,
            is_due: true,
        });
        // What stays behind a full packet goes with the next one.
        self.is_due = self.queue.len() > length && (self.is_due || self.mark.is_some());
        Some(())
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        if let Some(packet) = &self.in_flight {
            return (!packet.is_due).then_some(packet.resend_at);
        }
        if self.refused_until.is_some() {
            return self.refused_until;
        }
        if self.is_due { None } else { self.accumulated_at() }
    }

    /// Says whether the packet in flight has just used up its retries.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        let mut is_stalled = false;
        if let Some(packet) = &mut self.in_flight {
            if packet.resend_at <= now && !packet.is_due {
                packet.is_due = true;
                is_stalled = packet.retries == self.settings.retry_count;
                packet.retries = packet.retries.saturating_add(1);
            }
        } else {
            self.refused_until.take_if(|until| *until <= now);
        }
        self.decide(now);
        is_stalled
    }
}

fn resend_interval(settings: &SolSettings, retries: u8) -> Duration {
    let interval = settings.retry_interval.max(SHORTEST_RETRY);
    if retries < settings.retry_count {
        interval
    } else {
        interval.max(SLOW_RETRY)
    }
}
