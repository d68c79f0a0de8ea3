//! The LAN channel: who may use it and how logins on it are protected (IPMI 2.0 §22.22 to §22.25).

mod kept;

use ipmi_proto::command::app::channel::{AccessMode, ChannelMode};
use ipmi_proto::crypto::{BmcKey, CipherSuite, CipherSuiteId};
use ipmi_proto::ipmb::{ChannelNumber, Privilege};
use ipmi_proto::session::{AuthTypes, ChannelPolicy};

pub(crate) use kept::SavedChannel;

/// Number of cipher suite entries of LAN parameters 23 and 24.
pub(crate) const SUITE_ENTRIES: usize = 16;

/// When and with which privilege the channel may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChannelAccess {
    /// Flags and mode.
    pub(crate) mode: AccessMode,
    /// Highest privilege of a session.
    pub(crate) limit: Privilege,
}

impl Default for ChannelAccess {
    fn default() -> Self {
        let mode = AccessMode {
            mode: ChannelMode::ALWAYS,
            ..AccessMode::default()
        };
        Self {
            mode,
            limit: Privilege::ADMINISTRATOR,
        }
    }
}

/// The LAN channel.
#[derive(Debug)]
pub(crate) struct Channel {
    /// What holds now.
    pub(crate) present: ChannelAccess,
    /// What holds after a restart.
    pub(crate) kept: ChannelAccess,
    /// Authentication types of IPMI 1.5 that the configuration allows (LAN parameter 1).
    pub(crate) auth_types: AuthTypes,
    /// Those that are enabled, by wanted privilege from Callback to OEM (LAN parameter 2).
    pub(crate) auth_enables: [AuthTypes; 5],
    /// The key K_G.
    pub(crate) bmc_key: BmcKey,
    /// K_G cannot be changed any more.
    pub(crate) bmc_key_locked: bool,
    /// Offered cipher suites with the highest privilege of a session with each, ascending (LAN parameters
    /// 23 and 24). [`Privilege::UNSPECIFIED`]: none.
    pub(crate) suites: Vec<(CipherSuiteId, Privilege)>,
    /// A login as a user who does not exist fails as one with a wrong password does.
    pub(crate) hides_unknown_users: bool,
}

impl Channel {
    /// A channel with these authentication types of IPMI 1.5, for all privileges, and these cipher suites.
    pub(crate) fn new(auth_types: AuthTypes, mut suites: Vec<(CipherSuiteId, Privilege)>) -> Self {
        suites.retain(|(id, _)| CipherSuite::by_id(*id).is_some());
        suites.sort_by_key(|(id, _)| *id);
        suites.dedup_by_key(|(id, _)| *id);
        suites.truncate(SUITE_ENTRIES);
        let mut auth_enables = [auth_types; 5];
        // No commands of ours need the OEM privilege.
        auth_enables[4] = AuthTypes::empty();
        Self {
            present: ChannelAccess::default(),
            kept: ChannelAccess::default(),
            auth_types,
            auth_enables,
            bmc_key: BmcKey::unset(),
            bmc_key_locked: false,
            suites,
            hides_unknown_users: false,
        }
    }

    /// What the session engine has to know.
    pub(crate) fn policy(&self) -> ChannelPolicy {
        let mode = self.present.mode;
        ChannelPolicy {
            number: ChannelNumber::LAN,
            privilege_limit: self.present.limit,
            auth_types: self.auth_enables.map(|types| types & self.auth_types),
            per_message_authentication_disabled: mode.per_message_disabled,
            user_level_authentication_disabled: mode.user_level_disabled,
        }
    }

    /// The highest privilege of a session with this suite.
    pub(crate) fn suite_privilege(&self, suite: CipherSuiteId) -> Option<Privilege> {
        let (_, limit) = self.suites.iter().find(|(id, _)| *id == suite)?;
        limit.is_level().then_some(*limit)
    }

    /// Changes the privilege of a suite by its position in the list.
    pub(crate) fn set_suite_privilege(&mut self, position: usize, limit: Privilege) {
        if let Some((_, present)) = self.suites.get_mut(position) {
            *present = limit;
        }
    }

    /// What a restart of the BMC leaves.
    pub(crate) fn restart(&mut self) {
        self.present = self.kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_sorted_and_known() {
        let admin = Privilege::ADMINISTRATOR;
        let suites = [
            (17, admin),
            (3, Privilege::OPERATOR),
            (4, admin),
            (17, Privilege::USER),
        ];
        let suites = suites.map(|(id, limit)| (CipherSuiteId(id), limit));
        let mut channel = Channel::new(AuthTypes::MD5, suites.into());
        assert_eq!(channel.suites.len(), 2);
        assert_eq!(
            channel.suite_privilege(CipherSuiteId(3)),
            Some(Privilege::OPERATOR)
        );
        assert_eq!(channel.suite_privilege(CipherSuiteId(17)), Some(admin));
        assert_eq!(channel.suite_privilege(CipherSuiteId(4)), None);
        channel.set_suite_privilege(0, Privilege::UNSPECIFIED);
        channel.set_suite_privilege(9, admin);
        assert_eq!(channel.suite_privilege(CipherSuiteId(3)), None);
    }

    #[test]
    fn enables_cannot_offer_what_the_configuration_does_not() {
        let mut channel = Channel::new(AuthTypes::MD5, Vec::new());
        channel.auth_enables = [AuthTypes::all(); 5];
        assert_eq!(channel.policy().auth_types, [AuthTypes::MD5; 5]);
    }
}
