//! Opening and closing of sessions, the events of both, and the budget for answers to nobody in particular.

use alloc::boxed::Box;
use core::net::{IpAddr, SocketAddr};

use rand_core::CryptoRng;

use super::limits::{MAX_EVENTS, UNSOLICITED_ANSWERS_PER_SECOND};
use super::retry::RetryCache;
use super::{Arrival, HalfOpen, LoginAnswer, Protection, Session, Sessions};
use crate::ipmb::Privilege;
use crate::session::{CloseReason, DropReason, Event, Peer, UserId, UserRecord};
use crate::time::Instant;

/// Where a source counts.
fn place_of(source: SocketAddr) -> usize {
    let add = |sum: usize, byte: u8| sum.wrapping_mul(31).wrapping_add(usize::from(byte));
    let port = source.port().to_le_bytes();
    let sum = match source.ip() {
        IpAddr::V4(address) => address.octets().into_iter().chain(port).fold(0, add),
        IpAddr::V6(address) => address.octets().into_iter().chain(port).fold(0, add),
    };
    sum % PLACES
}

/// So often a random number is drawn until one is not in use. With 32 bits the second draw is already rare.
const DRAWS: usize = 8;

/// Answers of this second to messages that belong to no login and no session. Each source counts in one of a
/// few places, so that one that sends too much takes nothing from nearly all others.
#[derive(Debug)]
pub(super) struct Budget {
    second: u64,
    spent: [u16; PLACES],
}

const PLACES: usize = 16;

impl Budget {
    pub(super) const fn new() -> Self {
        Self {
            second: 0,
            spent: [0; PLACES],
        }
    }
}

impl Sessions {
    /// Takes one answer out of the source's budget for this second.
    pub(super) fn spend_unsolicited(&mut self, now: Instant, peer: Peer) -> Result<(), DropReason> {
        let second = now.as_micros() / 1_000_000;
        let budget = &mut self.unsolicited;
        if budget.second != second {
            *budget = Budget {
                second,
                ..Budget::new()
            };
        }
        let place = place_of(peer.remote);
        match budget.spent.get_mut(place) {
            Some(spent) if *spent < UNSOLICITED_ANSWERS_PER_SECOND => {
                *spent += 1;
                Ok(())
            }
            _ => Err(DropReason::RateLimited),
        }
    }

    /// Whether no other session can be opened.
    pub(super) fn is_full(&self) -> bool {
        self.active.len() >= usize::from(self.limits.sessions)
    }

    /// Whether a user's own limit allows another session.
    pub(super) fn user_may_have_another(&self, user: &UserRecord<'_>) -> bool {
        let Some(limit) = user.session_limit else {
            return true;
        };
        self.active
            .iter()
            .filter(|(_, session)| session.user == user.id)
            .count()
            < usize::from(limit)
    }

    /// A random session number that is not in use.
    pub(super) fn free_id(&self, random: &mut impl CryptoRng) -> Option<u32> {
        let is_free = |id: u32| id != 0 && !self.active.contains(id) && !self.half_open.contains(id);
        (0..DRAWS).map(|_| random.next_u32()).find(|id| is_free(*id))
    }

    pub(super) fn insert_half_open(&mut self, now: Instant, id: u32, login: HalfOpen) {
        let limits = self.limits;
        self.half_open.insert(id, login, &limits);
        self.wake_by(now + limits.half_open_lifetime);
    }

    /// Opens a session. `None` if there is no place for it.
    pub(super) fn open<D, R>(
        &mut self,
        arrival: &Arrival<'_, D, R>,
        id: u32,
        user: UserId,
        limit: Privilege,
        protection: Protection,
        unconfirmed: LoginAnswer,
    ) -> Option<()> {
        let handle = self.free_handle()?;
        self.last_handle = handle;
        let session = Session {
            id,
            handle,
            user,
            // A session starts at User and is raised by Set Session Privilege Level (IPMI 2.0 §6.8).
            privilege: limit.min(Privilege::USER),
            limit,
            peer: arrival.peer,
            last_heard: arrival.now,
            retries: RetryCache::new(),
            unconfirmed: Some(Box::new(unconfirmed)),
            protection,
        };
        self.active.insert(id, Box::new(session));
        self.wake_by(arrival.now + self.limits.inactivity);
        self.push_event(Event::Opened {
            session: id,
            handle,
            user,
            limit,
            peer: arrival.peer,
        });
        Some(())
    }

    pub(super) fn close_id(&mut self, id: u32, reason: CloseReason) {
        if let Some(session) = self.active.remove(id) {
            self.push_event(Event::Closed {
                session: id,
                handle: session.handle,
                user: session.user,
                peer: session.peer,
                reason,
            });
        }
    }

    pub(super) fn close_where(&mut self, closes: impl Fn(&Session) -> bool, reason: CloseReason) {
        let next = |sessions: &Self| {
            sessions
                .active
                .iter()
                .find(|(_, session)| closes(session))
                .map(|(id, _)| id)
        };
        while let Some(id) = next(self) {
            self.close_id(id, reason);
        }
    }

    /// Remembers an event; the oldest is lost if nobody polls.
    pub(super) fn push_event(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    fn wake_by(&mut self, due: Instant) {
        self.next_timeout = Some(self.next_timeout.map_or(due, |other| other.min(due)));
    }

    /// The handle after the last one that is not in use: one that was closed is not soon another session's.
    fn free_handle(&self) -> Option<u8> {
        let after = (1..=u8::MAX)
            .map(|step| self.last_handle.wrapping_add(step))
            .filter(|handle| *handle != 0);
        after
            .into_iter()
            .find(|handle| !self.active.iter().any(|(_, session)| session.handle == *handle))
    }
}
