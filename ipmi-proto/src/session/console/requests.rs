//! Requests that wait for their answers.

use alloc::vec::Vec;

use super::retry::{Due, RetryTimer};
use super::{RequestId, RetryPolicy};
use crate::ipmb::{
    BMC_ADDRESS, CONSOLE_SOFTWARE_ID, Lun, MAX_MESSAGE_DATA, NetFn, RequestHeader, RequestMessage,
    RequestSequence,
};
use crate::time::Instant;
use crate::wire::Secret;

/// The most requests that wait at a time. A BMC works on few at a time, and its memory of answers is short.
pub(super) const MAX_OUTSTANDING: usize = 8;

/// Whose request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The application's.
    Application(RequestId),
    /// The end of the login: Set Session Privilege Level.
    RaisePrivilege,
    /// Close Session.
    Close,
}

#[derive(Debug)]
struct Outstanding {
    /// Requests are numbered as they are made.
    number: u64,
    purpose: Purpose,
    header: RequestHeader,
    /// Wiped afterwards: it can be a new password.
    data: Secret<MAX_MESSAGE_DATA>,
    timer: RetryTimer,
}

/// The requests that wait, oldest first.
#[derive(Debug)]
pub(super) struct Requests {
    waiting: Vec<Outstanding>,
    next: RequestSequence,
    /// How many requests there were so far.
    made: u64,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self {
            waiting: Vec::with_capacity(MAX_OUTSTANDING),
            next: RequestSequence::default(),
            made: 0,
        }
    }

    /// Forgets all requests; the next one begins with `sequence`.
    pub(super) fn reset(&mut self, sequence: RequestSequence) {
        self.waiting.clear();
        self.next = sequence;
    }

    /// Whether nothing more may be sent now: as many requests wait as possible, or the oldest of them was left
    /// too far behind. A BMC remembers few answers, and a retry of a request that it has forgotten runs again.
    pub(super) fn is_full(&self) -> bool {
        let oldest = self.waiting.first().map_or(self.made, |request| request.number);
        self.made - oldest >= MAX_OUTSTANDING as u64
    }

    /// Takes a request in. Its first packet is due at once.
    pub(super) fn add(
        &mut self,
        now: Instant,
        purpose: Purpose,
        (netfn, command): (NetFn, u8),
        data: Secret<MAX_MESSAGE_DATA>,
        policy: &RetryPolicy,
    ) {
        let header = RequestHeader {
            sequence: self.free_sequence(),
            ..request_header(netfn, command)
        };
        self.waiting.push(Outstanding {
            number: self.made,
            purpose,
            header,
            data,
            timer: RetryTimer::new(now, policy),
        });
        self.made += 1;
    }

    /// The next number that no waiting request has: there are 64, and at most [`MAX_OUTSTANDING`] are taken.
    fn free_sequence(&mut self) -> RequestSequence {
        let mut sequence = self.next;
        while self
            .waiting
            .iter()
            .any(|request| request.header.sequence == sequence)
        {
            sequence = sequence.next();
        }
        self.next = sequence.next();
        sequence
    }

    /// Removes the request that a response answers.
    pub(super) fn answered(&mut self, header: &RequestHeader) -> Option<Purpose> {
        let index = self
            .waiting
            .iter()
            .position(|request| request.header == *header)?;
        Some(self.waiting.remove(index).purpose)
    }

    /// The request whose packet is due, for the first time or again. It counts as sent.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<RequestMessage<'_>> {
        let request = self
            .waiting
            .iter_mut()
            .find(|request| request.timer.check(now) == Due::Send)?;
        request.timer.sent(now);
        Some(RequestMessage {
            header: request.header,
            data: request.data.expose(),
        })
    }

    /// Removes a request that was not answered in all its attempts.
    pub(super) fn next_expired(&mut self, now: Instant) -> Option<Purpose> {
        let index = self
            .waiting
            .iter()
            .position(|request| request.timer.check(now) == Due::GiveUp)?;
        Some(self.waiting.remove(index).purpose)
    }

    /// Removes the oldest request.
    pub(super) fn take_oldest(&mut self) -> Option<Purpose> {
        (!self.waiting.is_empty()).then(|| self.waiting.remove(0).purpose)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.waiting.iter().map(|request| request.timer.due()).min()
    }
}

/// The header of a request to the BMC, with the sequence number 0.
pub(super) fn request_header(netfn: NetFn, command: u8) -> RequestHeader {
    RequestHeader {
        responder: BMC_ADDRESS,
        netfn,
        responder_lun: Lun::BMC,
        requester: CONSOLE_SOFTWARE_ID,
        requester_lun: Lun::BMC,
        sequence: RequestSequence::default(),
        command,
    }
}
