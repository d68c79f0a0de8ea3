//! The BMC's side of all sessions of one BMC.
//!
//! ```text
//!   datagram ──► handle_datagram ──► Reply(length)      the answer stands in `output`: send it back
//!                                ├─► Request            answer it with `respond`, now or later
//!                                ├─► Payload            Serial over LAN, for the application's machine
//!                                └─► Dropped(reason)    count it
//!   poll_timeout ──► handle_timeout     poll_event ──► logins, logouts, failures
//! ```

use core::time::Duration;

use rand_core::CryptoRng;

use super::{CloseReason, Directory, DropReason, Event, Peer, UserId};
use crate::ipmb::{ChannelNumber, CompletionCode, Privilege, RequestMessage};
use crate::time::Instant;

/// Bounds on what peers can make a BMC keep. All of them hold per BMC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Sessions that are logged in, at most 255 (a handle has eight bits).
    pub sessions: u8,
    /// Logins under way, from anywhere.
    pub half_open: u16,
    /// Logins under way from one address.
    pub half_open_per_address: u16,
    /// Logins under way from one address and port.
    pub half_open_per_peer: u16,
    /// A session ends when nothing is heard of its console for this long (IPMI 2.0 §6.12.15).
    pub inactivity: Duration,
    /// A login that does not go on for this long is given up.
    pub half_open_lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 255,
            half_open: 256,
            half_open_per_address: 128,
            half_open_per_peer: 16,
            inactivity: Duration::from_secs(60),
            half_open_lifetime: Duration::from_secs(20),
        }
    }
}

/// A session that is logged in, by the number that the BMC gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub u32);

/// A session as the application sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Number.
    pub id: SessionId,
    /// Handle, 1 to 255.
    pub handle: u8,
    /// Whose it is.
    pub user: UserId,
    /// Present privilege.
    pub privilege: Privilege,
    /// Highest privilege that it may take.
    pub limit: Privilege,
    /// RMCP+ (IPMI 2.0) or IPMI 1.5.
    pub is_rmcp_plus: bool,
    /// Packets are authenticated.
    pub is_authenticated: bool,
    /// Packets are encrypted.
    pub is_encrypted: bool,
    /// Where the console was last heard.
    pub peer: Peer,
}

/// What came of a datagram.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Handled<'d> {
    /// Nothing to do.
    Dropped(DropReason),
    /// The answer stands in the first `length` bytes of the output buffer.
    Reply {
        /// Length of the answer.
        length: usize,
    },
    /// A command for the application.
    Request(Request<'d>),
    /// A payload of an open session that is not a command: Serial over LAN.
    Payload {
        /// The session.
        session: SessionId,
        /// The decrypted payload.
        data: &'d [u8],
    },
}

/// A command that passed authentication, or one that needs none.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<'d> {
    /// What `respond` wants back.
    pub token: RequestToken,
    /// The command.
    pub message: RequestMessage<'d>,
    /// The session it came in; `None` outside of any.
    pub session: Option<SessionInfo>,
    /// The channel it came in on.
    pub channel: ChannelNumber,
    /// Who sent it.
    pub peer: Peer,
}

/// The right to answer one request, once.
#[derive(Debug)]
#[must_use]
pub struct RequestToken {
    _private: (),
}

/// All sessions of one BMC.
#[derive(Debug)]
pub struct Sessions {
    _limits: Limits,
}

impl Sessions {
    /// No sessions.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { _limits: limits }
    }

    /// Takes a datagram in. It is decrypted in place; an answer is written to `output`.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Instant,
        peer: Peer,
        datagram: &'d mut [u8],
        directory: &impl Directory,
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Handled<'d> {
        let _ = (now, peer, datagram, directory, random, output);
        Handled::Dropped(DropReason::NotRmcp)
    }

    /// Answers a request: seals completion code and data into `output`. `None` if nobody waits for the
    /// answer any more.
    ///
    /// `data` begins after the completion code (and holds the defining body of a group extension).
    #[must_use]
    pub fn respond(
        &mut self,
        now: Instant,
        token: RequestToken,
        completion: CompletionCode,
        data: &[u8],
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Option<(Peer, usize)> {
        let _ = (now, token, completion, data, random, output);
        None
    }

    /// Seals a payload that the BMC sends by itself (Serial over LAN) into `output`.
    #[must_use]
    pub fn send_payload(
        &mut self,
        now: Instant,
        session: SessionId,
        data: &[u8],
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Option<(Peer, usize)> {
        let _ = (now, session, data, random, output);
        None
    }

    /// Ends the sessions of a user.
    pub fn close_user(&mut self, now: Instant, user: UserId, reason: CloseReason) {
        let _ = (now, user, reason);
    }

    /// Ends all sessions and logins (reset of the BMC).
    pub fn close_all(&mut self, now: Instant, reason: CloseReason) {
        let _ = (now, reason);
    }

    /// Lets time pass: ends sessions that were silent for too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// The open sessions, oldest first.
    pub fn open_sessions(&self) -> impl Iterator<Item = SessionInfo> {
        core::iter::empty()
    }
}
