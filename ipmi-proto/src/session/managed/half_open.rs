//! Logins under way: what is known of each, and how many there may be.

use core::net::IpAddr;

use super::Limits;
use super::table::Table;
use crate::crypto::CipherSuite;
use crate::crypto::v15::AuthenticationType;
use crate::ipmb::Privilege;
use crate::packet::rakp::Rakp1;
use crate::session::{Peer, UserId};
use crate::time::Instant;

/// A login under way.
#[derive(Debug)]
pub(super) struct HalfOpen {
    pub(super) peer: Peer,
    pub(super) started: Instant,
    pub(super) phase: Phase,
}

/// How far a login has come; each phase knows only what belongs to it.
#[derive(Debug)]
pub(super) enum Phase {
    AwaitRakp1(AwaitRakp1),
    AwaitRakp3(AwaitRakp3),
    AwaitActivate(AwaitActivate),
}

/// After Open Session.
#[derive(Clone, Copy, Debug)]
pub(super) struct AwaitRakp1 {
    pub(super) console_session: u32,
    pub(super) suite: CipherSuite,
    /// The privilege that the request asked for, and what was granted.
    pub(super) wanted: Privilege,
    pub(super) granted: Privilege,
}

/// After RAKP 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct AwaitRakp3 {
    pub(super) opened: AwaitRakp1,
    pub(super) rakp1: Rakp1,
    pub(super) bmc_random: [u8; 16],
    pub(super) claim: Claim,
}

/// Who a console says it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// `None`: nobody, but the console is not to know before it has failed to prove it.
    pub(super) user: Option<UserId>,
    /// Highest privilege that the session may take; `None`: the user may not have what was asked for, which is
    /// told when the password is proven.
    pub(super) limit: Option<Privilege>,
}

/// After Get Session Challenge of IPMI 1.5.
#[derive(Clone, Copy, Debug)]
pub(super) struct AwaitActivate {
    pub(super) kind: AuthenticationType,
    pub(super) challenge: [u8; 16],
    /// As in [`Claim`].
    pub(super) user: Option<UserId>,
    /// The wrong code that came last: clients send it again when nobody answers.
    pub(super) wrong_code: Option<[u8; 16]>,
}

/// All logins under way.
#[derive(Debug)]
pub(super) struct HalfOpens {
    table: Table<HalfOpen>,
}

impl HalfOpens {
    pub(super) const fn new() -> Self {
        Self { table: Table::new() }
    }

    pub(super) fn get(&self, id: u32) -> Option<&HalfOpen> {
        self.table.get(id)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut HalfOpen> {
        self.table.get_mut(id)
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.table.contains(id)
    }

    pub(super) fn remove(&mut self, id: u32) -> Option<HalfOpen> {
        self.table.remove(id)
    }

    pub(super) fn clear(&mut self) {
        self.table = Table::new();
    }

    /// The login of this peer that awaits RAKP 1 and that `is_wanted` accepts.
    pub(super) fn find_opened(&self, peer: Peer, is_wanted: impl Fn(&AwaitRakp1) -> bool) -> Option<u32> {
        let mut found = self.table.iter().filter(|(_, login)| login.peer == peer);
        found
            .find(|(_, login)| matches!(&login.phase, Phase::AwaitRakp1(opened) if is_wanted(opened)))
            .map(|(id, _)| id)
    }

    /// Takes a login in. Where a limit is reached, the oldest login that counts towards it goes.
    pub(super) fn insert(&mut self, id: u32, login: HalfOpen, limits: &Limits) {
        let (remote, address) = (login.peer.remote, login.peer.remote.ip());
        self.make_room(limits.half_open_per_peer, |other| other.peer.remote == remote);
        self.make_room(limits.half_open_per_address, |other| same_address(other, address));
        self.make_room(limits.half_open, |_| true);
        self.table.insert(id, login);
    }

    /// Ends the logins that did not go on. Gives the time when the next one is due.
    pub(super) fn expire(&mut self, now: Instant, limits: &Limits) -> Option<Instant> {
        let lifetime = limits.half_open_lifetime;
        self.table
            .retain(|login| now.since(login.started) < lifetime, |_, _| ());
        self.table.iter().map(|(_, login)| login.started + lifetime).min()
    }

    fn make_room(&mut self, limit: u16, counts: impl Fn(&HalfOpen) -> bool) {
        let mut counted = self
            .table
            .iter()
            .filter(|(_, login)| counts(login))
            .map(|(id, _)| id);
        let oldest = counted.next();
        let more = counted.count();
        if let Some(oldest) = oldest.filter(|_| more + 1 >= usize::from(limit.max(1))) {
            self.table.remove(oldest);
        }
    }
}

fn same_address(login: &HalfOpen, address: IpAddr) -> bool {
    login.peer.remote.ip() == address
}
