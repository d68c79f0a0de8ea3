//! What makes a command run once however often its request arrives.
//!
//! A console that misses an answer sends the request again with a new session sequence number, so that the
//! window lets it pass. Most keep the request's own sequence number: such a request gets the first answer
//! again. libfreeipmi counts it up: therefore a power action that equals the last one of the session joins it.

use super::limits::{JOIN_LIFETIME, RETRY_LIFETIME};
use crate::command::Command;
use crate::command::chassis::control::ChassisControl;
use crate::ipmb::{CompletionCode, RequestHeader};
use crate::time::{Duration, Instant};
use crate::wire::Bytes;

/// Requests that are remembered per session. The window lets in a retry that is up to 16 packets late, and a
/// console may have sent 8 other requests before it sent that retry.
const ENTRIES: usize = 24;
/// The most requests that can wait for the machine at a time.
const RUNNING: usize = 8;
/// Answers up to this length, with the completion code, are kept as long as their requests are remembered.
/// Those of all commands that change something are among them.
const SHORT_ANSWER: usize = 14;
/// Bytes kept of longer answers. One that is overwritten, or does not fit at all, is not kept: the request,
/// which can only be a read, then runs again. A session is to be small; few reads are longer.
const ANSWER_BYTES: usize = 96;

/// What came of looking for a request among the remembered ones.
#[derive(Debug)]
pub(super) enum Lookup<'a> {
    /// It is new and has the given ticket.
    New(Ticket),
    /// It is being worked on, or nothing more can be taken on.
    InProgress,
    /// It was answered with these bytes: completion code and data.
    Answered(&'a [u8]),
}

/// A request that is being worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    slot: u8,
    serial: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The answer is not kept.
    Empty,
    Running,
    /// A short answer.
    Short(Bytes<SHORT_ANSWER>),
    /// Where the answer lies in the ring.
    Answered {
        start: u16,
        length: u16,
    },
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    header: RequestHeader,
    serial: u32,
    digest: u32,
    at: Moment,
    state: State,
}

/// Milliseconds of the clock, cut to what a comparison over some seconds needs.
#[derive(Clone, Copy, Debug)]
struct Moment(u32);

impl Moment {
    fn of(now: Instant) -> Self {
        let [a, b, c, d, ..] = (now.as_micros() / 1_000).to_le_bytes();
        Self(u32::from_le_bytes([a, b, c, d]))
    }

    fn is_within(self, now: Instant, lifetime: Duration) -> bool {
        u128::from(Self::of(now).0.wrapping_sub(self.0)) < lifetime.as_millis()
    }
}

/// The last power action of a session.
#[derive(Clone, Copy, Debug)]
struct Action {
    digest: u32,
    slot: u8,
    serial: u32,
    at: Moment,
    /// `None` while it runs.
    completion: Option<CompletionCode>,
}

/// The requests that a session remembers.
#[derive(Debug)]
pub(super) struct RetryCache {
    entries: [Option<Entry>; ENTRIES],
    answers: [u8; ANSWER_BYTES],
    /// Where the next answer goes.
    end: u16,
    /// The entry that was taken last.
    last: u8,
    serial: u32,
    action: Option<Action>,
}

impl RetryCache {
    pub(super) const fn new() -> Self {
        Self {
            entries: [None; ENTRIES],
            answers: [0; ANSWER_BYTES],
            end: 0,
            last: 0,
            serial: 0,
            action: None,
        }
    }

    /// Finds an earlier answer; does not take the request on.
    pub(super) fn answer_of(&self, now: Instant, header: &RequestHeader, data: &[u8]) -> Option<&[u8]> {
        let digest = digest(header, data);
        let entry = self
            .entries
            .iter()
            .flatten()
            .find(|entry| entry.is(now, header, digest))?;
        match &entry.state {
            State::Short(answer) => Some(answer),
            State::Answered { start, length } => self.answer(*start, *length),
            State::Running | State::Empty => None,
        }
    }

    /// Looks a request up and takes it on if it is new.
    pub(super) fn begin(&mut self, now: Instant, header: &RequestHeader, data: &[u8]) -> Lookup<'_> {
        let digest = digest(header, data);
        let known = self
            .entries
            .iter()
            .position(|entry| entry.as_ref().is_some_and(|entry| entry.is(now, header, digest)));
        match known.and_then(|index| self.entries.get(index)?.as_ref().map(|entry| entry.state)) {
            Some(State::Running) => return Lookup::InProgress,
            Some(State::Short(_) | State::Answered { .. }) => {
                return self
                    .answer_of(now, header, data)
                    .map_or(Lookup::InProgress, Lookup::Answered);
            }
            Some(State::Empty) | None => {}
        }
        let is_action = ChassisControl::SPEC.is(header.netfn, header.command);
        if is_action {
            match self.join(now, header, digest) {
                Join::No => {}
                Join::Running => return Lookup::InProgress,
                Join::Ended => return Lookup::Answered(&[0]),
            }
        }
        let Some(ticket) = self.take_slot(now, *header, digest) else {
            return Lookup::InProgress;
        };
        if is_action {
            let Ticket { slot, serial } = ticket;
            self.action = Some(Action {
                digest,
                slot,
                serial,
                at: Moment::of(now),
                completion: None,
            });
        }
        Lookup::New(ticket)
    }

    /// Keeps the answer of a request. Gives the header to answer to, which is that of the newest retry;
    /// `None` if the request is not known any more.
    pub(super) fn finish(
        &mut self,
        now: Instant,
        ticket: Ticket,
        completion: CompletionCode,
        data: &[u8],
    ) -> Option<RequestHeader> {
        if let Some(action) = self
            .action
            .as_mut()
            .filter(|action| (action.slot, action.serial) == (ticket.slot, ticket.serial))
        {
            action.completion = Some(completion);
            action.at = Moment::of(now);
        }
        let state = match short(completion, data) {
            Some(answer) => State::Short(answer),
            None => self
                .store(completion, data)
                .map_or(State::Empty, |(start, length)| State::Answered { start, length }),
        };
        let entry = self.entries.get_mut(usize::from(ticket.slot))?.as_mut()?;
        if entry.serial != ticket.serial {
            return None;
        }
        entry.state = state;
        entry.at = Moment::of(now);
        Some(entry.header)
    }

    /// Whether a power action equals the last one. A running one takes over the newest header.
    fn join(&mut self, now: Instant, header: &RequestHeader, digest: u32) -> Join {
        let Some(action) = self.action.filter(|action| action.digest == digest) else {
            return Join::No;
        };
        match action.completion {
            None => {
                let entry = self
                    .entries
                    .get_mut(usize::from(action.slot))
                    .and_then(Option::as_mut);
                if let Some(entry) = entry.filter(|entry| entry.serial == action.serial) {
                    entry.header = *header;
                }
                Join::Running
            }
            // One that failed is tried again.
            Some(completion) if completion.is_ok() && action.at.is_within(now, JOIN_LIFETIME) => Join::Ended,
            Some(_) => Join::No,
        }
    }

    /// A place for a request: the one after the last, unless a request that is running has it.
    fn take_slot(&mut self, now: Instant, header: RequestHeader, digest: u32) -> Option<Ticket> {
        let is_running = |entry: &&Option<Entry>| {
            entry
                .as_ref()
                .is_some_and(|entry| matches!(entry.state, State::Running))
        };
        if self.entries.iter().filter(is_running).count() >= RUNNING {
            return None;
        }
        let after_last = (1..=ENTRIES).map(|step| (usize::from(self.last) + step) % ENTRIES);
        let slot = after_last
            .into_iter()
            .find(|slot| !self.entries.get(*slot).is_some_and(|entry| is_running(&entry)))?;
        self.last = u8::try_from(slot).ok()?;
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        *self.entries.get_mut(slot)? = Some(Entry {
            header,
            serial,
            digest,
            at: Moment::of(now),
            state: State::Running,
        });
        Some(Ticket {
            slot: self.last,
            serial,
        })
    }

    /// Puts an answer into the ring and forgets those that it overwrites.
    fn store(&mut self, completion: CompletionCode, data: &[u8]) -> Option<(u16, u16)> {
        let length = 1 + data.len();
        if length > ANSWER_BYTES {
            return None;
        }
        let mut start = usize::from(self.end);
        if start + length > ANSWER_BYTES {
            start = 0;
        }
        let end = start + length;
        let (first, rest) = self.answers.get_mut(start..end)?.split_first_mut()?;
        *first = completion.0;
        rest.copy_from_slice(data);
        for entry in self.entries.iter_mut().flatten() {
            if let State::Answered { start: other, length } = entry.state {
                let other = usize::from(other)..usize::from(other) + usize::from(length);
                if other.start < end && start < other.end {
                    entry.state = State::Empty;
                }
            }
        }
        self.end = u16::try_from(end).ok()?;
        Some((u16::try_from(start).ok()?, u16::try_from(length).ok()?))
    }

    fn answer(&self, start: u16, length: u16) -> Option<&[u8]> {
        let start = usize::from(start);
        self.answers.get(start..start + usize::from(length))
    }
}

enum Join {
    No,
    Running,
    Ended,
}

impl Entry {
    fn is(&self, now: Instant, header: &RequestHeader, digest: u32) -> bool {
        let alive = matches!(self.state, State::Running) || self.at.is_within(now, RETRY_LIFETIME);
        self.digest == digest && self.header == *header && alive
    }
}

/// Completion code and data, if they are short.
fn short(completion: CompletionCode, data: &[u8]) -> Option<Bytes<SHORT_ANSWER>> {
    let mut answer = Bytes::from_slice(&[completion.0]).ok()?;
    answer.extend(data).ok()?;
    Some(answer)
}

/// A digest of command and data. Only the session's own user could make two requests collide.
fn digest(header: &RequestHeader, data: &[u8]) -> u32 {
    let head = [header.netfn.0, header.responder_lun.get(), header.command];
    head.iter().chain(data).fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipmb::{BMC_ADDRESS, Lun, NetFn, RequestSequence};

    fn header(netfn: NetFn, command: u8, sequence: u8) -> RequestHeader {
        RequestHeader {
            responder: BMC_ADDRESS,
            netfn,
            responder_lun: Lun::BMC,
            requester: 0x81,
            requester_lun: Lun::BMC,
            sequence: RequestSequence::new(sequence),
            command,
        }
    }

    fn new(cache: &mut RetryCache, now: Instant, header: &RequestHeader, data: &[u8]) -> Ticket {
        match cache.begin(now, header, data) {
            Lookup::New(ticket) => ticket,
            other => panic!("not new: {other:?}"),
        }
    }

    #[test]
    fn a_retry_gets_the_first_answer_until_it_is_old() {
        let mut cache = RetryCache::new();
        let request = header(NetFn::APP, 1, 5);
        let ticket = new(&mut cache, Instant::ZERO, &request, &[7]);
        assert!(matches!(
            cache.begin(Instant::ZERO, &request, &[7]),
            Lookup::InProgress
        ));
        assert_eq!(
            cache.finish(Instant::ZERO, ticket, CompletionCode::OK, &[1, 2]),
            Some(request)
        );
        let later = Instant::from_millis(9_999);
        assert!(matches!(
            cache.begin(later, &request, &[7]),
            Lookup::Answered([0, 1, 2])
        ));
        let _other_data = new(&mut cache, later, &request, &[8]);
        let _too_old = new(&mut cache, Instant::from_millis(10_000), &request, &[7]);
    }

    #[test]
    fn a_long_poller_is_never_answered_from_the_last_round() {
        let mut cache = RetryCache::new();
        for round in 0..1_000_u32 {
            let request = header(NetFn::APP, 1, u8::try_from(round % 64).unwrap());
            let ticket = new(&mut cache, Instant::ZERO, &request, &[]);
            assert!(
                cache
                    .finish(Instant::ZERO, ticket, CompletionCode::OK, &round.to_le_bytes())
                    .is_some()
            );
            let answered = cache.answer_of(Instant::ZERO, &request, &[]).unwrap();
            assert_eq!(answered[1..], round.to_le_bytes());
        }
    }

    #[test]
    fn a_power_action_under_a_new_number_joins_the_running_one_and_the_one_just_ended() {
        let mut cache = RetryCache::new();
        let first = header(NetFn::CHASSIS, 2, 1);
        let retry = header(NetFn::CHASSIS, 2, 2);
        let ticket = new(&mut cache, Instant::ZERO, &first, &[3]);
        assert!(matches!(
            cache.begin(Instant::ZERO, &retry, &[3]),
            Lookup::InProgress
        ));
        assert_eq!(
            cache.finish(Instant::ZERO, ticket, CompletionCode::OK, &[]),
            Some(retry)
        );
        let third = header(NetFn::CHASSIS, 2, 3);
        assert!(matches!(
            cache.begin(Instant::from_millis(4_999), &third, &[3]),
            Lookup::Answered([0])
        ));
        let _another = new(
            &mut cache,
            Instant::from_millis(1),
            &header(NetFn::CHASSIS, 2, 4),
            &[0],
        );
        let _same_again_after_another = new(
            &mut cache,
            Instant::from_millis(2),
            &header(NetFn::CHASSIS, 2, 5),
            &[3],
        );
    }

    #[test]
    fn a_failed_power_action_is_tried_again() {
        let mut cache = RetryCache::new();
        let ticket = new(&mut cache, Instant::ZERO, &header(NetFn::CHASSIS, 2, 1), &[3]);
        assert!(
            cache
                .finish(Instant::ZERO, ticket, CompletionCode::BUSY, &[])
                .is_some()
        );
        let _again = new(&mut cache, Instant::ZERO, &header(NetFn::CHASSIS, 2, 2), &[3]);
    }

    #[test]
    fn running_requests_are_bounded_and_keep_their_places() {
        let mut cache = RetryCache::new();
        let tickets: alloc::vec::Vec<_> = (0..8)
            .map(|sequence| new(&mut cache, Instant::ZERO, &header(NetFn::APP, 1, sequence), &[]))
            .collect();
        assert!(matches!(
            cache.begin(Instant::ZERO, &header(NetFn::APP, 1, 8), &[]),
            Lookup::InProgress
        ));
        for ticket in tickets {
            assert!(
                cache
                    .finish(Instant::ZERO, ticket, CompletionCode::OK, &[0; 100])
                    .is_some()
            );
        }
        let long = new(&mut cache, Instant::ZERO, &header(NetFn::STORAGE, 0x23, 9), &[]);
        assert!(
            cache
                .finish(Instant::ZERO, long, CompletionCode::OK, &[0; 400])
                .is_some()
        );
        assert_eq!(
            cache.answer_of(Instant::ZERO, &header(NetFn::STORAGE, 0x23, 9), &[]),
            None
        );
    }
}
