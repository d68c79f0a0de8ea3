//! What the sockets of a group share: the BMCs, and who is where.

use alloc::collections::BTreeSet;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ipmi_proto::session::Peer;

use super::common::Common;
use super::handler::DatagramHandler;
use super::outlet::Outlet;
use super::promoted::Promotions;
use super::signal::Signal;
use super::station::Station;

/// Number of a BMC, never used again.
pub(crate) type Number = u64;

/// What the tasks of a group of sockets share.
#[derive(Debug)]
pub(crate) struct Group<H> {
    pub(crate) common: Arc<Common>,
    pub(crate) local: SocketAddr,
    members: RwLock<Members<H>>,
    pub(crate) homes: Vec<Home>,
    promotions: Mutex<Promotions>,
}

/// The BMCs of a group.
#[derive(Debug)]
pub(crate) struct Members<H> {
    by_address: HashMap<IpAddr, Arc<Station<H>>>,
    by_number: HashMap<Number, Arc<Station<H>>>,
    /// Answers at every address that no other has.
    elsewhere: Option<Arc<Station<H>>>,
    next: Number,
}

/// How a task is reached.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) signal: Arc<Signal>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) outlet: Weak<Outlet>,
}

/// BMCs that want something.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    numbers: Mutex<BTreeSet<Number>>,
}

impl Waiting {
    pub(crate) fn add(&self, number: Number) {
        self.numbers().insert(number);
    }

    pub(crate) fn take(&self) -> BTreeSet<Number> {
        core::mem::take(&mut *self.numbers())
    }

    fn numbers(&self) -> MutexGuard<'_, BTreeSet<Number>> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A BMC in a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    number: Number,
    address: Option<IpAddr>,
}

impl<H: DatagramHandler> Group<H> {
    /// A group of sockets, which live elsewhere.
    pub(crate) fn new(common: Arc<Common>, local: SocketAddr, outlets: &[Arc<Outlet>]) -> Arc<Self> {
        let home = |outlet: &Arc<Outlet>| Home {
            signal: Arc::default(),
            waiting: Arc::default(),
            outlet: Arc::downgrade(outlet),
        };
        let members = Members {
            by_address: HashMap::new(),
            by_number: HashMap::new(),
            elsewhere: None,
            next: 0,
        };
        Arc::new(Self {
            common,
            local,
            members: RwLock::new(members),
            homes: outlets.iter().map(home).collect(),
            promotions: Mutex::default(),
        })
    }

    /// How the tasks are stopped.
    pub(crate) fn signals(&self) -> impl Iterator<Item = &Arc<Signal>> {
        self.homes.iter().map(|home| &home.signal)
    }

    /// Adds a BMC at `address`, or one for all addresses that have none.
    pub(crate) fn add(&self, handler: Arc<H>, address: Option<IpAddr>) -> io::Result<Member> {
        if address.is_some_and(|address| address.is_ipv4() != self.local.is_ipv4()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "address is not of the socket's family",
            ));
        }
        let mut members = self.members_mut();
        let taken = match address {
            Some(address) => members.by_address.contains_key(&address),
            None => members.elsewhere.is_some(),
        };
        if taken {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                "another BMC has this address",
            ));
        }
        let number = members.next;
        members.next += 1;
        let closed = || io::Error::new(io::ErrorKind::NotConnected, "the socket is closed");
        let home = self.home(number).ok_or_else(closed)?;
        let outlet = home.outlet.upgrade().ok_or_else(closed)?;
        let station = Station::new(handler, self.common.clone(), &outlet);
        match address {
            Some(address) => members.by_address.insert(address, station.clone()),
            None => members.elsewhere.replace(station.clone()),
        };
        members.by_number.insert(number, station.clone());
        drop(members);

        let local = address.unwrap_or_else(|| self.local.ip());
        station
            .handler
            .served_at(SocketAddr::new(local, self.local.port()));
        let (signal, waiting) = (home.signal.clone(), home.waiting.clone());
        let waker = move || {
            waiting.add(number);
            signal.attention();
        };
        // In this order: what the BMC asks for after the first look calls the waker.
        station.handler.set_waker(Arc::new(waker.clone()));
        waker();
        Ok(Member { number, address })
    }

    /// Takes a BMC away.
    pub(crate) fn remove(&self, member: Member) {
        let mut members = self.members_mut();
        let Some(station) = members.by_number.remove(&member.number) else {
            return;
        };
        match member.address {
            Some(address) => drop(members.by_address.remove(&address)),
            None => members.elsewhere = None,
        }
        drop(members);
        station.leave();
        self.with_promotions(|promotions| promotions.close_at(member.address));
    }

    fn home(&self, number: Number) -> Option<&Home> {
        let homes = u64::try_from(self.homes.len()).ok()?;
        self.homes.get(usize::try_from(number.checked_rem(homes)?).ok()?)
    }

    /// The BMC with this number.
    pub(crate) fn station(&self, number: Number) -> Option<Arc<Station<H>>> {
        self.members().by_number.get(&number).cloned()
    }

    /// No BMC is served any more.
    pub(crate) fn leave(&self) {
        let stations: Vec<_> = self.members().by_number.values().cloned().collect();
        for station in stations {
            station.leave();
        }
    }

    /// All peers that are logged in to a BMC.
    pub(crate) fn peers(&self) -> Vec<(Peer, Arc<Station<H>>)> {
        let peers = |station: &Arc<Station<H>>| {
            let station = station.clone();
            let peers = station.handler.session_peers();
            peers.into_iter().map(move |peer| (peer, station.clone()))
        };
        self.members().by_number.values().flat_map(peers).collect()
    }

    /// The BMCs, to look up many.
    pub(crate) fn members(&self) -> RwLockReadGuard<'_, Members<H>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works with the connected sockets of the group.
    pub(crate) fn with_promotions<T>(&self, work: impl FnOnce(&mut Promotions) -> T) -> T {
        work(&mut self.promotions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn members_mut(&self) -> RwLockWriteGuard<'_, Members<H>> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H> Members<H> {
    /// The BMC at this address.
    pub(crate) fn at(&self, address: IpAddr) -> Option<&Arc<Station<H>>> {
        self.by_address.get(&address).or(self.elsewhere.as_ref())
    }
}
