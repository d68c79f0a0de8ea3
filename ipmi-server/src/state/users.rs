//! Users: names, passwords, rights (IPMI 2.0 §6.9, §22.26 to §22.30).

mod kept;

use ipmi_proto::crypto::Password;
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::{LoginKinds, UserId, UserLookup, UserRecord};
use ipmi_proto::wire::PaddedText;

pub(crate) use kept::SavedUsers;

/// Number of users, the null user included.
pub(crate) const USER_COUNT: u8 = 16;
/// The user without a name.
pub(crate) const NULL_USER: UserId = UserId(1);
/// The user that the configuration names.
pub(crate) const CONFIGURED_USER: UserId = UserId(2);

/// One user.
#[derive(Debug)]
pub(crate) struct User {
    /// Name; empty for the null user and for free slots.
    pub(crate) name: PaddedText<16>,
    /// Password.
    pub(crate) password: Password,
    /// May log in.
    pub(crate) enabled: bool,
    /// May log in only while being called back, which a LAN cannot do.
    pub(crate) callback_only: bool,
    /// May authenticate links. Recorded only.
    pub(crate) link_authentication: bool,
    /// May log in for IPMI messages.
    pub(crate) ipmi_messaging: bool,
    /// Highest privilege on the LAN channel.
    pub(crate) limit: Privilege,
    /// Most sessions at a time; 0 is as many as there are.
    pub(crate) session_limit: u8,
    /// May activate Serial over LAN.
    pub(crate) may_use_sol: bool,
}

impl User {
    /// A free slot. Messaging is on: a client that sets name, password and privilege and enables the user
    /// has made one that can log in.
    const fn free() -> Self {
        Self {
            name: PaddedText([0; 16]),
            password: Password::empty(),
            enabled: false,
            callback_only: false,
            link_authentication: false,
            ipmi_messaging: true,
            limit: Privilege::NO_ACCESS,
            session_limit: 0,
            may_use_sol: true,
        }
    }

    /// Whether the user can log in on the LAN.
    pub(crate) fn can_log_in(&self) -> bool {
        self.enabled && self.ipmi_messaging && self.limit.is_level()
    }

    /// Highest privilege of a login on the LAN.
    fn lan_limit(&self) -> Privilege {
        if self.callback_only {
            self.limit.min(Privilege::CALLBACK)
        } else {
            self.limit
        }
    }

    fn is_administrator(&self) -> bool {
        self.can_log_in() && self.lan_limit() >= Privilege::ADMINISTRATOR
    }

    fn record(&self, id: UserId) -> UserRecord<'_> {
        UserRecord {
            id,
            password: &self.password,
            privilege_limit: self.lan_limit(),
            session_limit: (self.session_limit > 0).then_some(self.session_limit),
        }
    }
}

/// All users.
#[derive(Debug)]
pub(crate) struct Users {
    slots: [User; USER_COUNT as usize],
}

impl Users {
    /// No user that can log in.
    pub(crate) fn new() -> Self {
        Self {
            slots: core::array::from_fn(|_| User::free()),
        }
    }

    /// The user with this number.
    pub(crate) fn get(&self, id: UserId) -> Option<&User> {
        self.slots.get(usize::from(id.0).checked_sub(1)?)
    }

    /// The user with this number, to change it.
    pub(crate) fn get_mut(&mut self, id: UserId) -> Option<&mut User> {
        self.slots.get_mut(usize::from(id.0).checked_sub(1)?)
    }

    fn all(&self) -> impl Iterator<Item = (UserId, &User)> {
        (1..=USER_COUNT).map(UserId).zip(&self.slots)
    }

    /// Number of enabled users.
    pub(crate) fn enabled_count(&self) -> u8 {
        self.slots
            .iter()
            .fold(0, |count, user| count + u8::from(user.enabled))
    }

    /// Whether another user than `id` has this name and is enabled.
    pub(crate) fn is_name_taken(&self, id: UserId, name: &[u8]) -> bool {
        self.all()
            .any(|(other, user)| other != id && user.enabled && user.name.text() == name)
    }

    /// Whether `id` is the only user who can log in as administrator: then nobody may take that away over
    /// the network.
    pub(crate) fn is_last_administrator(&self, id: UserId) -> bool {
        let mut administrators = self.all().filter(|(_, user)| user.is_administrator());
        administrators.next().is_some_and(|(first, _)| first == id) && administrators.next().is_none()
    }

    /// The user that a login names.
    pub(crate) fn lookup(&self, lookup: UserLookup<'_>) -> Option<UserRecord<'_>> {
        let mut found = self.all().filter(|(id, user)| {
            let named = if lookup.name.is_empty() {
                *id == NULL_USER
            } else {
                *id != NULL_USER && user.name.text() == lookup.name
            };
            named && user.can_log_in()
        });
        let Some(wanted) = lookup.at_least else {
            return found.next().map(|(id, user)| user.record(id));
        };
        // The entry that is just enough, otherwise the first one that is more.
        let mut more = None;
        for (id, user) in found {
            if user.lan_limit() == wanted {
                return Some(user.record(id));
            }
            if user.lan_limit() > wanted && more.is_none() {
                more = Some(user.record(id));
            }
        }
        more
    }

    /// An enabled user by number.
    pub(crate) fn record(&self, id: UserId) -> Option<UserRecord<'_>> {
        let user = self.get(id)?;
        user.can_log_in().then(|| user.record(id))
    }

    /// Which kinds of users can log in.
    pub(crate) fn login_kinds(&self) -> LoginKinds {
        let mut kinds = LoginKinds::empty();
        for (id, user) in self.all().filter(|(_, user)| user.can_log_in()) {
            kinds |= if id != NULL_USER {
                LoginKinds::NAMED
            } else if user.password.is_empty() {
                LoginKinds::ANONYMOUS
            } else {
                LoginKinds::NULL_NAME
            };
        }
        kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(entries: &[(u8, &[u8], Privilege)]) -> Users {
        let mut users = Users::new();
        for (id, name, limit) in entries {
            let user = users.get_mut(UserId(*id)).unwrap();
            user.name = PaddedText::new(name).unwrap();
            user.password = Password::new(b"secret").unwrap();
            user.limit = *limit;
            user.enabled = true;
        }
        users
    }

    fn find(users: &Users, name: &[u8], at_least: Option<Privilege>) -> Option<u8> {
        users
            .lookup(UserLookup { name, at_least })
            .map(|record| record.id.0)
    }

    #[test]
    fn lookup_by_name_and_privilege_prefers_the_equal_entry() {
        let users = users(&[
            (2, b"root", Privilege::ADMINISTRATOR),
            (3, b"root", Privilege::OPERATOR),
            (4, b"nobody", Privilege::NO_ACCESS),
        ]);
        assert_eq!(find(&users, b"root", None), Some(2));
        assert_eq!(find(&users, b"root", Some(Privilege::OPERATOR)), Some(3));
        assert_eq!(find(&users, b"root", Some(Privilege::USER)), Some(2));
        assert_eq!(find(&users, b"root", Some(Privilege::OEM)), None);
        assert_eq!(find(&users, b"nobody", None), None);
        assert_eq!(find(&users, b"roo", None), None);
    }

    #[test]
    fn null_user_is_found_by_the_empty_name_alone() {
        let mut users = users(&[(2, b"", Privilege::ADMINISTRATOR)]);
        assert_eq!(find(&users, b"", None), None);
        assert_eq!(users.login_kinds(), LoginKinds::NAMED);
        let null = users.get_mut(NULL_USER).unwrap();
        (null.enabled, null.limit) = (true, Privilege::USER);
        assert_eq!(find(&users, b"", None), Some(1));
        assert_eq!(users.login_kinds(), LoginKinds::NAMED | LoginKinds::ANONYMOUS);
    }

    #[test]
    fn last_administrator_is_the_one_who_can_log_in() {
        let mut users = users(&[
            (2, b"root", Privilege::ADMINISTRATOR),
            (3, b"op", Privilege::OPERATOR),
        ]);
        assert!(users.is_last_administrator(UserId(2)));
        assert!(!users.is_last_administrator(UserId(3)));
        users.get_mut(UserId(3)).unwrap().limit = Privilege::ADMINISTRATOR;
        assert!(!users.is_last_administrator(UserId(2)));
        users.get_mut(UserId(3)).unwrap().ipmi_messaging = false;
        assert!(users.is_last_administrator(UserId(2)));
        assert_eq!(users.enabled_count(), 2);
    }

    #[test]
    fn numbers_outside_the_table_do_not_exist() {
        let users = Users::new();
        assert!(users.get(UserId(0)).is_none());
        assert!(users.get(UserId(USER_COUNT)).is_some());
        assert!(users.get(UserId(USER_COUNT + 1)).is_none());
    }
}
