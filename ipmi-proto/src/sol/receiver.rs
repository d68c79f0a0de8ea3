//! The receiving half of one end: which packets are new, what they are answered, what waits to be read.

use super::ring::Ring;
use super::{MAX_SEQUENCE, SolDrop};
use crate::time::{Duration, Instant};

/// How long the answer to a packet is held back when nothing of it fits.
///
/// The answer then is an acknowledgement of no characters, on which consoles send them again at once, under a new
/// number. A NACK would not do: `ipmitool` drops what was refused with one. The time is below the retry
/// intervals of the common consoles (0.5 s and 1 s), so they neither give up nor flood.
const FULL_ANSWER_DELAY: Duration = Duration::from_millis(250);

/// How long a number out of turn must be repeated, with nothing else between, until it is believed.
///
/// Numbers follow each other without gaps, because a sender has one packet in flight and none of the known consoles
/// gives one up and goes on. So a number out of turn is a late copy, unless it keeps coming.
const OUT_OF_TURN_PATIENCE: Duration = Duration::from_secs(1);

/// What a packet is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Number of the packet; 0 for none.
    pub(super) sequence: u8,
    /// How many of its characters were accepted.
    pub(super) accepted: u8,
    /// The packet was refused.
    pub(super) nack: bool,
}

/// Whether the operations that come with a packet are to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Seen for the first time, or not numbered.
    New,
    /// Seen before.
    Repeated,
}

#[derive(Debug)]
pub(super) struct Receiver {
    queue: Ring,
    /// The answer to the last packet.
    last: Answer,
    /// The answer has to be sent.
    is_owed: bool,
    /// A packet of which nothing fits: its number, and until when its answer is held back.
    waiting: Option<(u8, Instant)>,
    /// A number out of turn, and since when it has come.
    out_of_turn: Option<(u8, Instant)>,
    /// Characters are refused.
    is_refusing: bool,
    /// Characters that were accepted since the start.
    received: u64,
    /// Characters that were read or discarded since the start.
    read: u64,
    /// How far can be read before a mark (a break) is taken.
    mark: Option<u64>,
}

impl Receiver {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            queue: Ring::new(capacity),
            last: Answer::default(),
            is_owed: false,
            waiting: None,
            out_of_turn: None,
            is_refusing: false,
            received: 0,
            read: 0,
            mark: None,
        }
    }

    /// Looks at the number of a packet, which then goes on to [`receive`](Self::receive).
    ///
    /// A copy that is late by exactly 14 packets has the number of the next one and cannot be told from it; the
    /// session's window, which lets no datagram pass that is more than 16 late, makes that as good as impossible.
    pub(super) fn arrive(&mut self, now: Instant, sequence: u8) -> Result<Arrival, SolDrop> {
        if sequence == 0 {
            return Ok(Arrival::New);
        }
        if sequence == self.last.sequence {
            // The answer was lost, or is under way.
            self.is_owed = true;
            return Ok(Arrival::Repeated);
        }
        if self.last.sequence != 0 && sequence != self.last.sequence % MAX_SEQUENCE + 1 {
            self.believe(now, sequence)?;
        }
        self.out_of_turn = None;
        let is_waiting = self.waiting.is_some_and(|(waiting, _)| waiting == sequence);
        Ok(if is_waiting {
            Arrival::Repeated
        } else {
            Arrival::New
        })
    }

    /// Whether a number out of turn has come long enough.
    fn believe(&mut self, now: Instant, sequence: u8) -> Result<(), SolDrop> {
        match self.out_of_turn {
            Some((other, since)) if other == sequence => {
                if now.since(since) >= OUT_OF_TURN_PATIENCE {
                    return Ok(());
                }
            }
            _ => self.out_of_turn = Some((sequence, now)),
        }
        Err(SolDrop::Stale)
    }

    /// Takes the characters of a numbered packet that was not answered yet. Says whether there is something new to
    /// read.
    pub(super) fn receive(&mut self, now: Instant, sequence: u8, characters: &[u8]) -> bool {
        if sequence == 0 || sequence == self.last.sequence {
            return false;
        }
        if self.is_refusing && !characters.is_empty() {
            self.answer(sequence, 0, true);
            return false;
        }
        let accepted = self.queue.push(characters);
        if accepted == 0 && !characters.is_empty() {
            match self.waiting {
                Some((waiting, _)) if waiting == sequence => {}
                _ => self.waiting = Some((sequence, now + FULL_ANSWER_DELAY)),
            }
            return false;
        }
        self.received = self
            .received
            .saturating_add(u64::try_from(accepted).unwrap_or(u64::MAX));
        // A packet has no more characters than the count can say.
        self.answer(sequence, u8::try_from(accepted).unwrap_or(u8::MAX), false);
        accepted > 0
    }

    fn answer(&mut self, sequence: u8, accepted: u8, nack: bool) {
        self.last = Answer {
            sequence,
            accepted,
            nack,
        };
        self.is_owed = true;
        self.waiting = None;
    }

    /// The answer that has to be sent, if there is one.
    pub(super) const fn take_answer(&mut self) -> Option<Answer> {
        if !self.is_owed {
            return None;
        }
        self.is_owed = false;
        Some(self.last)
    }

    /// Whether an answer has to be sent.
    pub(super) const fn owes_answer(&self) -> bool {
        self.is_owed
    }

    /// Takes characters out, up to the mark.
    pub(super) fn read(&mut self, target: &mut [u8]) -> usize {
        let readable = self.readable();
        let target = match target.get_mut(..readable) {
            Some(all) => all,
            None => target,
        };
        let count = self.queue.peek(target);
        self.consume(count);
        count
    }

    /// The characters up to the mark, without taking them out.
    pub(super) fn peek(&self) -> (&[u8], &[u8]) {
        let readable = self.readable();
        let (front, back) = self.queue.as_slices();
        let front = front.get(..readable).unwrap_or(front);
        let back = back.get(..readable - front.len()).unwrap_or(back);
        (front, back)
    }

    /// Takes `count` characters out, but not beyond the mark.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.readable());
        self.queue.discard(count);
        self.advance(count);
    }

    /// Discards everything that was not read.
    pub(super) fn flush(&mut self) {
        let count = self.queue.len();
        self.queue.discard(count);
        self.advance(count);
    }

    fn advance(&mut self, count: usize) {
        self.read = self.read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if count > 0 {
            self.end_wait();
        }
    }

    /// Answers the packet of which nothing fitted: its characters come again.
    fn end_wait(&mut self) {
        if let Some((sequence, _)) = self.waiting {
            self.answer(sequence, 0, false);
        }
    }

    fn readable(&self) -> usize {
        let until_mark = self.mark.map_or(u64::MAX, |mark| mark.saturating_sub(self.read));
        usize::try_from(until_mark)
            .unwrap_or(usize::MAX)
            .min(self.queue.len())
    }

    /// Sets the mark behind everything received so far.
    pub(super) const fn set_mark(&mut self) {
        self.mark = Some(self.received);
    }

    /// Takes the mark away if everything before it has been read.
    pub(super) fn take_mark(&mut self) -> bool {
        self.mark.take_if(|mark| *mark <= self.read).is_some()
    }

    /// Refuses characters from now on, or accepts them again. When they are accepted again, the sender of a packet
    /// that was refused is told so.
    pub(super) fn set_refusing(&mut self, is_refusing: bool) {
        if self.is_refusing && !is_refusing && self.last.nack {
            self.last.nack = false;
            self.is_owed = true;
        }
        self.is_refusing = is_refusing;
    }

    pub(super) const fn is_refusing(&self) -> bool {
        self.is_refusing
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.map(|(_, deadline)| deadline)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.waiting.is_some_and(|(_, deadline)| deadline <= now) {
            self.end_wait();
        }
    }
}
