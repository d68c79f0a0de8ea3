//! Users and rights, written down.

use alloc::vec::Vec;

use crate::crypto::{BmcKey, CipherSuite, CipherSuiteId, Password};
use crate::ipmb::{ChannelNumber, Privilege};
use crate::session::{AuthTypes, ChannelPolicy, Directory, LoginKinds, Peer, UserId, UserLookup, UserRecord};
use crate::time::Instant;

/// An enabled user.
#[derive(Debug)]
pub struct User {
    /// Number.
    pub id: UserId,
    /// Name; empty for the user without a name.
    pub name: Vec<u8>,
    /// Password.
    pub password: Password,
    /// Highest privilege.
    pub limit: Privilege,
    /// Most sessions at a time.
    pub session_limit: Option<u8>,
}

/// Users and rights of a BMC. Everything may be changed at any time.
#[derive(Debug)]
pub struct Users {
    /// The enabled users.
    pub users: Vec<User>,
    /// K_G.
    pub bmc_key: Option<BmcKey>,
    /// GUID of the system.
    pub guid: [u8; 16],
    /// What the channel allows.
    pub channel: ChannelPolicy,
    /// Cipher suites that are offered.
    pub suites: Vec<CipherSuiteId>,
    /// Nobody may try to log in.
    pub locked_out: bool,
    /// An unknown user fails as one with a wrong password.
    pub hides_unknown_users: bool,
}

impl Users {
    /// One administrator; all cipher suites, all authentication types: more than a BMC should allow.
    #[must_use]
    pub fn permissive(name: &[u8], password: Password) -> Self {
        let user = User {
            id: UserId(2),
            name: name.to_vec(),
            password,
            limit: Privilege::ADMINISTRATOR,
            session_limit: None,
        };
        Self {
            users: Vec::from([user]),
            bmc_key: None,
            guid: *b"0123456789abcdef",
            channel: ChannelPolicy {
                number: ChannelNumber::LAN,
                privilege_limit: Privilege::ADMINISTRATOR,
                auth_types: [AuthTypes::all(); 5],
                per_message_authentication_disabled: false,
                user_level_authentication_disabled: false,
            },
            suites: CipherSuite::ALL.iter().map(|suite| suite.id).collect(),
            locked_out: false,
            hides_unknown_users: false,
        }
    }
}

impl User {
    fn record(&self) -> UserRecord<'_> {
        UserRecord {
            id: self.id,
            password: &self.password,
            privilege_limit: self.limit,
            session_limit: self.session_limit,
        }
    }
}

impl Directory for Users {
    fn system_guid(&self) -> &[u8; 16] {
        &self.guid
    }

    fn bmc_key(&self) -> Option<&BmcKey> {
        self.bmc_key.as_ref()
    }

    fn channel(&self) -> ChannelPolicy {
        self.channel
    }

    fn login_allowed(&self, _: UserId, _: Peer, _: Instant) -> bool {
        !self.locked_out
    }

    fn hides_unknown_users(&self) -> bool {
        self.hides_unknown_users
    }

    fn user(&self, lookup: UserLookup<'_>) -> Option<UserRecord<'_>> {
        let fits = |user: &&User| {
            user.name == lookup.name && lookup.at_least.is_none_or(|privilege| user.limit >= privilege)
        };
        self.users.iter().find(fits).map(User::record)
    }

    fn user_by_id(&self, id: UserId) -> Option<UserRecord<'_>> {
        self.users.iter().find(|user| user.id == id).map(User::record)
    }

    fn login_kinds(&self) -> LoginKinds {
        self.users
            .iter()
            .map(|user| match (user.name.is_empty(), user.password.is_empty()) {
                (false, _) => LoginKinds::NAMED,
                (true, false) => LoginKinds::NULL_NAME,
                (true, true) => LoginKinds::ANONYMOUS,
            })
            .fold(LoginKinds::empty(), |all, kind| all | kind)
    }

    fn suite_privilege(&self, suite: CipherSuiteId) -> Option<Privilege> {
        self.suites.contains(&suite).then_some(Privilege::ADMINISTRATOR)
    }
}
