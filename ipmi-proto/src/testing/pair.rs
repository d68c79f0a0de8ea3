//! A console and a BMC.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use super::{Bmc, Faults, Link, PredictableRandom, Users};
use crate::packet::MAX_DATAGRAM;
use crate::session::console::{Console, ConsoleConfig, Event, RequestError};
use crate::session::managed::Limits;
use crate::session::{DropReason, Peer};
use crate::time::Instant;

/// Which way a datagram went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the console.
    ToBmc,
    /// From the BMC.
    ToConsole,
}

/// A datagram as it was sent, before the link did anything to it.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Which way it went.
    pub direction: Direction,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A console and a BMC with a link in each direction.
#[derive(Debug)]
pub struct Pair {
    /// The time.
    pub now: Instant,
    /// The console's engine.
    pub console: Console,
    /// The BMC.
    pub bmc: Bmc,
    /// Where the console is.
    pub peer: Peer,
    /// The way to the BMC.
    pub to_bmc: Link,
    /// The way to the console.
    pub to_console: Link,
    /// What happened at the console, oldest first.
    pub events: Vec<Event>,
    /// How many datagrams the console dropped for each reason, in the order of [`DropReason::ALL`].
    pub dropped: Vec<u32>,
    /// All datagrams that were sent, while [`captures`](Self::captures).
    pub captured: Vec<Captured>,
    /// Whether datagrams are kept.
    pub captures: bool,
    /// Random numbers of the console.
    pub random: PredictableRandom,
}

impl Pair {
    /// A pair on a good network.
    #[must_use]
    pub fn new(config: ConsoleConfig, users: Users, seed: u64) -> Self {
        Self::with_limits(config, users, Limits::default(), seed)
    }

    /// A pair on a good network, with limits of the BMC.
    #[must_use]
    pub fn with_limits(config: ConsoleConfig, users: Users, limits: Limits, seed: u64) -> Self {
        let mut seeds = PredictableRandom::new(seed);
        Self {
            now: Instant::from_millis(1_000),
            console: Console::new(config),
            bmc: Bmc::new(users, limits, seeds.next()),
            peer: Self::peer(1),
            to_bmc: Link::new(Faults::default(), seeds.next()),
            to_console: Link::new(Faults::default(), seeds.next()),
            events: Vec::new(),
            dropped: Vec::from_iter(DropReason::ALL.iter().map(|_| 0)),
            captured: Vec::new(),
            captures: false,
            random: PredictableRandom::new(seeds.next()),
        }
    }

    /// The n-th of many consoles: each has an address of its own.
    #[must_use]
    pub const fn peer(index: u16) -> Peer {
        let [high, low] = index.to_be_bytes();
        let console = IpAddr::V4(Ipv4Addr::new(192, 0, high, low));
        Peer {
            remote: SocketAddr::new(console, 40_000),
            local: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), 623),
        }
    }

    /// Sets what both links do from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.to_bmc.faults = faults;
        self.to_console.faults = faults;
    }

    /// Logs in and runs until that succeeded or failed.
    ///
    /// # Panics
    /// If the console is connected already.
    pub fn connect(&mut self) -> Event {
        let begun = self.console.connect(self.now, &mut self.random);
        assert!(begun.is_ok(), "the console is connected already");
        self.run_until(|event| matches!(event, Event::Connected { .. } | Event::ConnectFailed { .. }))
    }

    /// Sends a command and runs until it is answered or timed out.
    ///
    /// # Errors
    /// [`RequestError`] if it cannot be sent now.
    pub fn call(
        &mut self,
        netfn: crate::ipmb::NetFn,
        command: u8,
        data: &[u8],
    ) -> Result<Event, RequestError> {
        let wanted = self.console.request_raw(self.now, netfn, command, data)?;
        Ok(self.run_until(|event| match event {
            Event::Response { id, .. } | Event::TimedOut { id } => *id == wanted,
            _ => false,
        }))
    }

    /// Closes the session and runs until that is done.
    pub fn close(&mut self) -> Event {
        self.console.close(self.now);
        self.run_until(|event| matches!(event, Event::Closed | Event::ConnectFailed { .. }))
    }

    /// Runs until an event happens.
    ///
    /// # Panics
    /// If an hour passes without it: each login and each request ends before.
    pub fn run_until(&mut self, mut is_wanted: impl FnMut(&Event) -> bool) -> Event {
        let deadline = self.now + Duration::from_secs(3_600);
        let mut seen = self.events.len();
        loop {
            let alive = self.step();
            let wanted = self.events.iter().skip(seen).find(|event| is_wanted(event));
            if let Some(event) = wanted {
                return event.clone();
            }
            seen = self.events.len();
            assert!(alive && self.now < deadline, "the event does not come: {self:#?}");
        }
    }

    /// Runs until nothing is on its way or due before `duration` has passed.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.transmit();
        while self.next_step().is_some_and(|next| next <= end) {
            self.step();
            self.transmit();
        }
        self.now = self.now.max(end);
    }

    /// Goes on to the time at which the next thing happens, and does everything that is due then. `false` if
    /// nothing will ever happen.
    pub fn step(&mut self) -> bool {
        self.transmit();
        self.take_events();
        let Some(next) = self.next_step() else {
            return false;
        };
        self.now = self.now.max(next);
        self.console.handle_timeout(self.now);
        self.bmc.handle_timeout(self.now);
        self.transmit();
        let mut reply = [0; MAX_DATAGRAM];
        while let Some(mut datagram) = self.to_bmc.receive(self.now) {
            let length = self
                .bmc
                .handle_datagram(self.now, self.peer, &mut datagram, &mut reply);
            if let Some(reply) = length.and_then(|length| reply.get(..length)) {
                self.send(Direction::ToConsole, reply);
            }
        }
        while let Some(mut datagram) = self.to_console.receive(self.now) {
            let dropped = self
                .console
                .handle_datagram(self.now, &mut datagram, &mut self.random);
            let index = dropped.map(DropReason::index);
            if let Some(count) = index.and_then(|index| self.dropped.get_mut(index)) {
                *count += 1;
            }
            self.take_events();
        }
        self.take_events();
        true
    }

    /// Puts on the links what both sides want to send.
    fn transmit(&mut self) {
        let mut buffer = [0; MAX_DATAGRAM];
        while let Some(length) = self
            .console
            .poll_transmit(self.now, &mut self.random, &mut buffer)
        {
            self.send(Direction::ToBmc, buffer.get(..length).unwrap_or_default());
        }
        while let Some((_, length)) = self.bmc.poll_transmit(self.now, &mut buffer) {
            self.send(Direction::ToConsole, buffer.get(..length).unwrap_or_default());
        }
    }

    /// Sends a datagram, as if it came from the other end.
    pub fn send(&mut self, direction: Direction, datagram: &[u8]) {
        if self.captures {
            self.captured.push(Captured {
                direction,
                bytes: datagram.to_vec(),
            });
        }
        match direction {
            Direction::ToBmc => self.to_bmc.send(self.now, datagram),
            Direction::ToConsole => self.to_console.send(self.now, datagram),
        }
    }

    /// Lets another console talk to the BMC over a perfect network until it has nothing more to say. The time
    /// stands still.
    pub fn exchange(&mut self, console: &mut Console, peer: Peer) {
        let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
        while let Some(length) = console.poll_transmit(self.now, &mut self.random, &mut request) {
            let request = request.get_mut(..length).unwrap_or_default();
            let length = self.bmc.handle_datagram(self.now, peer, request, &mut reply);
            if let Some(reply) = length.and_then(|length| reply.get_mut(..length)) {
                let _ = console.handle_datagram(self.now, reply, &mut self.random);
            }
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.console.poll_event() {
            self.events.push(event);
        }
    }

    fn next_step(&self) -> Option<Instant> {
        let times = [
            self.console.poll_timeout(),
            self.bmc.poll_timeout(),
            self.to_bmc.next_arrival(),
            self.to_console.next_arrival(),
        ];
        times.into_iter().flatten().min()
    }
}
