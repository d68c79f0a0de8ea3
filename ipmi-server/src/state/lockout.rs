//! Brute force: who has to wait before another login is looked at (IPMI 2.0 table 23-4, parameter 26).
//!
//! A user is locked out at the source that guesses, not everywhere: otherwise anybody who can send datagrams could
//! keep an administrator out. A source that fails as several users, or as users who do not exist, is locked out
//! whole. What a source is, it has proven by then: only a login that used a number that the BMC had sent to it
//! is told of (a challenge of IPMI 1.5 that is refused is not), so nobody can be locked out with somebody else's
//! address. Sessions that are open are not touched.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;

use ipmi_proto::session::{Peer, UserId};
use ipmi_proto::time::Instant;

/// So much is remembered of a BMC at a time; then the oldest is forgotten.
const MOST_RECORDS: usize = 128;
/// For so long a source is locked out when users are until an administrator enables them: there is no command that
/// enables a source.
const SOURCE_LOCKOUT: Duration = Duration::from_secs(60);

/// When somebody is locked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Failed logins until then; 0: never.
    pub(crate) attempts: u8,
    /// Failures count together when they come within this time; `None`: always.
    pub(crate) window: Option<Duration>,
    /// For how long; `None`: until an administrator enables the user.
    pub(crate) lockout: Option<Duration>,
}

/// Who was locked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockedOut {
    /// A user, at the source that failed.
    User(UserId),
    /// All users at the source.
    Source,
}

/// Failed logins of late, and who is locked out. Takes no memory until one fails.
#[derive(Debug, Default)]
pub(crate) struct Lockout {
    records: Vec<Record>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    source: IpAddr,
    who: Who,
    failures: u8,
    since: Instant,
    lock: Option<Lock>,
}

/// Whose failures a record counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    User(UserId),
    /// All of the source. `only`: they were all failures of this user, who is locked out alone.
    Anybody {
        only: Option<UserId>,
    },
}

#[derive(Clone, Copy, Debug)]
enum Lock {
    Until(Instant),
    UntilEnabled,
}

impl Lock {
    fn holds(self, now: Instant) -> bool {
        match self {
            Self::Until(end) => now < end,
            Self::UntilEnabled => true,
        }
    }
}

impl Record {
    const fn is_of_source(&self) -> bool {
        matches!(self.who, Who::Anybody { .. })
    }

    fn is_locked(&self, now: Instant) -> bool {
        self.lock.is_some_and(|lock| lock.holds(now))
    }
}

/// Where a login comes from. Whoever has an IPv6 address has its whole network of 64 bits.
fn source_of(peer: Peer) -> IpAddr {
    match peer.remote.ip().to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

impl Lockout {
    /// Whether a login of this user from there is looked at.
    pub(crate) fn allows(&self, now: Instant, user: UserId, peer: Peer) -> bool {
        let source = source_of(peer);
        let mut of_source = self.records.iter().filter(|record| record.source == source);
        !of_source.any(|record| {
            let concerns = record.is_of_source() || record.who == Who::User(user);
            concerns && record.is_locked(now)
        })
    }

    /// Notes a failed login; `user`: if there is one of that name. Answers who is locked out because of it.
    pub(crate) fn failed(
        &mut self,
        now: Instant,
        rules: &Rules,
        user: Option<UserId>,
        peer: Peer,
    ) -> Option<LockedOut> {
        if rules.attempts == 0 {
            return None;
        }
        let source = source_of(peer);
        self.forget_old(now, rules);
        let locked_user = user.filter(|user| {
            let lock = rules
                .lockout
                .map_or(Lock::UntilEnabled, |time| Lock::Until(now + time));
            let record = self.record(now, source, |who| who == Who::User(*user), Who::User(*user));
            record.count(rules, lock)
        });
        let only = user;
        let of_source = |who| matches!(who, Who::Anybody { .. });
        let record = self.record(now, source, of_source, Who::Anybody { only });
        if record.who != (Who::Anybody { only }) {
            record.who = Who::Anybody { only: None };
        }
        // A single user is locked out alone: others may come from the same place.
        let is_of_one = record.who != Who::Anybody { only: None };
        let lock = Lock::Until(now + rules.lockout.unwrap_or(SOURCE_LOCKOUT));
        let is_source_locked = if is_of_one {
            record.failures = record.failures.saturating_add(1);
            false
        } else {
            record.count(rules, lock)
        };
        if is_source_locked {
            Some(LockedOut::Source)
        } else {
            locked_user.map(LockedOut::User)
        }
    }

    /// A login succeeded: what failed before it was a slip.
    pub(crate) fn succeeded(&mut self, user: UserId, peer: Peer) {
        if self.records.is_empty() {
            return;
        }
        let source = source_of(peer);
        self.records.retain(|record| {
            record.source != source || !record.is_of_source() && record.who != Who::User(user)
        });
    }

    /// An administrator enabled the user or gave it a password.
    pub(crate) fn forgive(&mut self, user: UserId) {
        self.records.retain(|record| record.who != Who::User(user));
    }

    /// The record of somebody, or a new one.
    fn record(
        &mut self,
        now: Instant,
        source: IpAddr,
        is_wanted: impl Fn(Who) -> bool,
        new: Who,
    ) -> &mut Record {
        let found = self
            .records
            .iter()
            .position(|record| record.source == source && is_wanted(record.who));
        let index = found.unwrap_or_else(|| {
            self.make_room(now, source);
            self.records.push(Record {
                source,
                who: new,
                failures: 0,
                since: now,
                lock: None,
            });
            self.records.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found or has just been pushed")]
        &mut self.records[index]
    }

    fn forget_old(&mut self, now: Instant, rules: &Rules) {
        self.records.retain(|record| match (record.lock, rules.window) {
            (Some(lock), _) => lock.holds(now),
            (None, Some(window)) => now.since(record.since) < window,
            (None, None) => true,
        });
    }

    /// What is known of the source at hand stays: otherwise a full table would keep it from ever being counted.
    fn make_room(&mut self, now: Instant, source: IpAddr) {
        if self.records.len() < MOST_RECORDS {
            return;
        }
        let others = self.records.iter().enumerate();
        let others = others.filter(|(_, record)| record.source != source);
        let oldest = others.min_by_key(|(_, record)| (record.is_locked(now), record.since));
        if let Some((index, _)) = oldest {
            self.records.remove(index);
        }
    }
}

impl Record {
    /// Counts a failure. Answers whether that was one too many.
    fn count(&mut self, rules: &Rules, lock: Lock) -> bool {
        self.failures = self.failures.saturating_add(1);
        let locks = self.lock.is_none() && self.failures >= rules.attempts;
        if locks {
            self.lock = Some(lock);
        }
        locks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        attempts: 3,
        window: Some(Duration::from_secs(100)),
        lockout: Some(Duration::from_secs(60)),
    };
    const ADMIN: UserId = UserId(2);
    const OTHER: UserId = UserId(3);

    fn after(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    fn peer(address: &str) -> Peer {
        Peer {
            remote: std::net::SocketAddr::new(address.parse().unwrap(), 50_000),
            local: "198.51.100.1:623".parse().unwrap(),
        }
    }

    #[test]
    fn a_user_waits_where_the_password_was_guessed_and_nowhere_else() {
        let mut lockout = Lockout::default();
        let (bad, good) = (peer("192.0.2.1"), peer("192.0.2.2"));
        assert_eq!(lockout.failed(after(0), &RULES, Some(ADMIN), bad), None);
        assert_eq!(lockout.failed(after(1), &RULES, Some(ADMIN), bad), None);
        assert!(lockout.allows(after(2), ADMIN, bad));
        let locked = lockout.failed(after(2), &RULES, Some(ADMIN), bad);
        assert_eq!(locked, Some(LockedOut::User(ADMIN)));
        assert!(!lockout.allows(after(61), ADMIN, bad));
        assert!(lockout.allows(after(61), OTHER, bad));
        assert!(lockout.allows(after(61), ADMIN, good));
        assert!(lockout.allows(after(62), ADMIN, bad));
        // The count begins anew.
        assert_eq!(lockout.failed(after(62), &RULES, Some(ADMIN), bad), None);
        assert!(lockout.allows(after(62), ADMIN, bad));
    }

    #[test]
    fn a_source_that_tries_several_users_waits_whole() {
        let mut lockout = Lockout::default();
        let bad = peer("2001:db8::1");
        assert_eq!(lockout.failed(after(0), &RULES, Some(ADMIN), bad), None);
        assert_eq!(lockout.failed(after(0), &RULES, Some(OTHER), bad), None);
        let neighbour = peer("2001:db8::ffff");
        assert_eq!(
            lockout.failed(after(0), &RULES, None, neighbour),
            Some(LockedOut::Source)
        );
        assert!(!lockout.allows(after(59), UserId(9), bad));
        assert!(lockout.allows(after(59), ADMIN, peer("2001:db8:0:1::1")));
        assert!(lockout.allows(after(60), ADMIN, bad));
        for _ in 0..2 {
            assert_eq!(lockout.failed(after(60), &RULES, None, bad), None);
        }
        assert_eq!(
            lockout.failed(after(60), &RULES, None, bad),
            Some(LockedOut::Source)
        );
    }

    #[test]
    fn what_is_long_ago_or_made_good_does_not_count() {
        let mut lockout = Lockout::default();
        let peer = peer("192.0.2.1");
        for second in [0, 50, 100, 150] {
            assert_eq!(lockout.failed(after(second), &RULES, Some(ADMIN), peer), None);
        }
        lockout.succeeded(ADMIN, peer);
        for _ in 0..2 {
            assert_eq!(lockout.failed(after(150), &RULES, Some(ADMIN), peer), None);
        }
        lockout.succeeded(OTHER, peer);
        assert_eq!(
            lockout.failed(after(150), &RULES, Some(ADMIN), peer),
            Some(LockedOut::User(ADMIN))
        );
        lockout.forgive(ADMIN);
        assert!(lockout.allows(after(150), ADMIN, peer));
    }

    #[test]
    fn without_an_end_only_an_administrator_ends_it() {
        let rules = Rules {
            lockout: None,
            window: None,
            ..RULES
        };
        let mut lockout = Lockout::default();
        let peer = peer("192.0.2.1");
        for day in 0..3 {
            lockout.failed(after(day * 86_400), &rules, Some(ADMIN), peer);
        }
        assert!(!lockout.allows(after(86_400 * 9), ADMIN, peer));
        lockout.forgive(ADMIN);
        assert!(lockout.allows(after(86_400 * 9), ADMIN, peer));
        let off = Rules { attempts: 0, ..RULES };
        for _ in 0..300 {
            assert_eq!(lockout.failed(after(0), &off, Some(ADMIN), peer), None);
        }
    }

    #[test]
    fn a_flood_of_sources_is_remembered_up_to_a_bound_and_locks_stay() {
        let mut lockout = Lockout::default();
        let bad = peer("192.0.2.1");
        for _ in 0..3 {
            lockout.failed(after(0), &RULES, Some(ADMIN), bad);
        }
        for number in 0..10_000_u32 {
            let source = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
            lockout.failed(after(1), &RULES, Some(ADMIN), peer(&source));
        }
        assert!(lockout.records.len() <= MOST_RECORDS);
        assert!(!lockout.allows(after(1), ADMIN, bad));
    }

    #[test]
    fn a_table_full_of_locks_keeps_nobody_from_being_counted() {
        let mut lockout = Lockout::default();
        for number in 0..1_000_u32 {
            let source = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
            for _ in 0..3 {
                lockout.failed(after(0), &RULES, None, peer(&source));
            }
        }
        let bad = peer("192.0.2.1");
        for second in 1..3 {
            assert_eq!(lockout.failed(after(second), &RULES, Some(ADMIN), bad), None);
        }
        let locked = lockout.failed(after(3), &RULES, Some(ADMIN), bad);
        assert_eq!(locked, Some(LockedOut::User(ADMIN)));
        assert!(!lockout.allows(after(4), ADMIN, bad));
        assert!(lockout.records.len() <= MOST_RECORDS);
    }
}
