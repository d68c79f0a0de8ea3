//! What the engine asks the application at login: who there is and what is allowed.

use crate::crypto::{BmcKey, CipherSuiteId, Password};
use crate::ipmb::{ChannelNumber, Privilege};
use crate::time::Instant;
use bitflags::bitflags;

/// A user's number, 1 to 63; 1 is the user without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u8);

bitflags! {
    /// Authentication types of IPMI 1.5 as the bits of Get Channel Authentication Capabilities (IPMI 2.0 §22.13).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct AuthTypes: u8 {
        /// No authentication. Dangerous: whoever can send a datagram is the user.
        const NONE = 1 << 0;
        /// MD2.
        const MD2 = 1 << 1;
        /// MD5.
        const MD5 = 1 << 2;
        /// The password itself in every packet. Dangerous: whoever can read a datagram has it.
        const PASSWORD = 1 << 4;
    }
}

/// What the channel allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelPolicy {
    /// Number of the channel.
    pub number: ChannelNumber,
    /// Highest privilege of any session on it.
    pub privilege_limit: Privilege,
    /// IPMI 1.5 authentication types by wanted privilege: Callback, User, Operator, Administrator, OEM. All
    /// empty: no IPMI 1.5 sessions.
    pub auth_types: [AuthTypes; 5],
    /// After Activate Session, packets of an IPMI 1.5 session need no authentication code.
    pub per_message_authentication_disabled: bool,
    /// Commands of User level need no authentication code.
    pub user_level_authentication_disabled: bool,
}

impl ChannelPolicy {
    /// The authentication types for a wanted privilege.
    #[must_use]
    pub fn auth_types_for(&self, privilege: Privilege) -> AuthTypes {
        let index = usize::from(privilege.0).wrapping_sub(1);
        self.auth_types.get(index).copied().unwrap_or_default()
    }

    /// Whether IPMI 1.5 sessions exist at all.
    #[must_use]
    pub fn has_version_1_5(&self) -> bool {
        self.auth_types.iter().any(|types| !types.is_empty())
    }
}

/// How a login names its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserLookup<'a> {
    /// Name as sent, at most 16 bytes, trailing NULs removed. Empty: the user without a name.
    pub name: &'a [u8],
    /// With name-and-privilege lookup: the wanted privilege that the entry's limit must reach.
    pub at_least: Option<Privilege>,
}

/// An enabled user as a login sees it.
#[derive(Clone, Copy, Debug)]
pub struct UserRecord<'a> {
    /// Number.
    pub id: UserId,
    /// Password.
    pub password: &'a Password,
    /// Highest privilege on this channel. A user whose limit is no level, such as
    /// [`NO_ACCESS`](Privilege::NO_ACCESS), cannot log in.
    pub privilege_limit: Privilege,
    /// Most sessions that the user may have at a time; `None`: as many as the BMC has.
    pub session_limit: Option<u8>,
}

/// Users, keys and rights, as the application keeps them. Answers from memory, at once.
pub trait Directory {
    /// The system GUID as Get System GUID and RAKP 2 carry it (IPMI 2.0 §22.14).
    fn system_guid(&self) -> &[u8; 16];

    /// The BMC key K_G, if one is set: then logins need both keys.
    fn bmc_key(&self) -> Option<&BmcKey>;

    /// What the channel allows.
    fn channel(&self) -> ChannelPolicy;

    /// Whether a user may log in now from this peer; `false` while that is locked out. Asked at the beginning of a
    /// login and at its end.
    fn login_allowed(&self, user: UserId, peer: super::Peer, now: Instant) -> bool {
        let _ = (user, peer, now);
        true
    }

    /// Whether a login as somebody who does not exist, or may not log in, is led to its end and fails there as one
    /// with a wrong password does. Otherwise it is told so at once, as the specification has it.
    fn hides_unknown_users(&self) -> bool {
        false
    }

    /// The enabled user with IPMI messaging on this channel that the lookup names.
    fn user(&self, lookup: UserLookup<'_>) -> Option<UserRecord<'_>>;

    /// An enabled user by number.
    fn user_by_id(&self, id: UserId) -> Option<UserRecord<'_>>;

    /// Whether there are enabled users with a name; with an empty name and a password; with neither
    /// (IPMI 2.0 §22.13).
    fn login_kinds(&self) -> LoginKinds;

    /// The highest privilege that a session with this suite may have; `None`: the suite is not offered.
    fn suite_privilege(&self, suite: CipherSuiteId) -> Option<Privilege>;
}

bitflags! {
    /// Which kinds of login there are, as the bits of Get Channel Authentication Capabilities.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LoginKinds: u8 {
        /// No name, no password.
        const ANONYMOUS = 1 << 0;
        /// No name, but a password.
        const NULL_NAME = 1 << 1;
        /// Users with names.
        const NAMED = 1 << 2;
    }
}
