//! What the application learns about sessions.

use super::{Peer, UserId};
use crate::ipmb::Privilege;

/// Something that happened to a session. Polled, in order; the oldest are lost if nobody polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A login succeeded.
    Opened {
        /// Session number of the BMC.
        session: u32,
        /// Handle, 1 to 255.
        handle: u8,
        /// Who.
        user: UserId,
        /// The highest privilege that the session may take.
        limit: Privilege,
        /// From where.
        peer: Peer,
    },
    /// A session ended.
    Closed {
        /// Session number of the BMC.
        session: u32,
        /// Handle, 1 to 255.
        handle: u8,
        /// Whose it was.
        user: UserId,
        /// Where the console was last heard.
        peer: Peer,
        /// Why.
        reason: CloseReason,
    },
    /// A login failed.
    LoginFailed {
        /// The user, if the name is one of ours.
        user: Option<UserId>,
        /// Why.
        failure: LoginFailure,
        /// From where.
        peer: Peer,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// Close Session.
    Requested,
    /// Nothing was heard of the console for too long.
    Timeout,
    /// The user was changed, or the BMC was reset.
    Configuration,
}

/// Why a login failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginFailure {
    /// No such user, or not allowed here.
    UnknownUser,
    /// The key that the console proved is not the user's.
    WrongPassword,
    /// The user may not have the privilege.
    Privilege,
    /// The console found out by itself that its password is not the user's, and said so.
    GivenUp,
    /// After too many wrong passwords the user has to wait, whatever the password is now.
    LockedOut,
}
