//! The BMC's engine under a list of operations.

use core::time::Duration;

use ipmi_proto::crypto::{CipherSuite, Password};
use ipmi_proto::ipmb::NetFn;
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::session::console::{Console, ConsoleConfig, Protocol, SuiteChoice, TypeChoice};
use ipmi_proto::session::managed::Limits;
use ipmi_proto::session::{CloseReason, Peer, UserId};
use ipmi_proto::testing::{Bmc, Pair, PredictableRandom, Users};
use ipmi_proto::time::Instant;

use crate::input::Input;

/// Name and password of the user that there is.
pub(crate) const NAME: &[u8] = b"admin";
pub(crate) const PASSWORD: &[u8] = b"secret";

/// More operations than this say nothing new and make the fuzzer slow.
const MAX_OPERATIONS: usize = 200;
const MAX_CONSOLES: usize = 6;

/// A configuration that can log in; `choice` says how.
pub(crate) fn config(choice: u8) -> Option<ConsoleConfig> {
    let mut config = ConsoleConfig::new(NAME, Password::new(PASSWORD).ok()?).ok()?;
    config.protocol = match usize::from(choice) % (CipherSuite::ALL.len() + 2) {
        0 => Protocol::V1_5(TypeChoice::Automatic),
        1 => Protocol::V2_0(SuiteChoice::Automatic),
        index => Protocol::V2_0(SuiteChoice::Fixed(*CipherSuite::ALL.get(index - 2)?)),
    };
    Some(config)
}

pub(crate) fn users() -> Option<Users> {
    Some(Users::permissive(NAME, Password::new(PASSWORD).ok()?))
}

struct World {
    now: Instant,
    bmc: Bmc,
    random: PredictableRandom,
    consoles: Vec<(Console, Peer)>,
    /// The last datagrams that consoles sent.
    sent: Vec<Vec<u8>>,
}

impl World {
    /// Gives a datagram to the BMC and looks at what must always hold.
    fn deliver(&mut self, peer: Peer, datagram: &[u8]) -> Option<Vec<u8>> {
        let mut reply = [0; MAX_DATAGRAM];
        let opened = self.bmc.sessions.open_sessions().count();
        let length = self
            .bmc
            .handle_datagram(self.now, peer, &mut datagram.to_vec(), &mut reply);
        assert!(self.bmc.sessions.open_sessions().count() <= opened + 1);
        self.check();
        length.map(|length| reply[..length].to_vec())
    }

    fn check(&mut self) {
        assert!(self.bmc.sessions.open_sessions().count() <= 4);
        for executed in self.bmc.machine.log.drain(..) {
            let is_alert_acknowledge = (executed.netfn, executed.command) == (NetFn::SENSOR_EVENT, 0x17);
            assert!(executed.session.is_some() || is_alert_acknowledge, "{executed:?}");
        }
        self.bmc.events.clear();
        self.bmc.payloads.clear();
    }

    /// Lets a console say what it has to say.
    fn run(&mut self, index: usize, most: usize) {
        for _ in 0..most {
            let mut request = [0; MAX_DATAGRAM];
            let Some((console, peer)) = self.consoles.get_mut(index) else {
                return;
            };
            let peer = *peer;
            let Some(length) = console.poll_transmit(self.now, &mut self.random, &mut request) else {
                return;
            };
            if self.sent.len() >= 16 {
                self.sent.remove(0);
            }
            self.sent.push(request[..length].to_vec());
            let reply = self.deliver(peer, &request[..length]);
            if let (Some(mut reply), Some((console, _))) = (reply, self.consoles.get_mut(index)) {
                let _ = console.handle_datagram(self.now, &mut reply, &mut self.random);
                while console.poll_event().is_some() {}
            }
        }
    }

    fn operate(&mut self, input: &mut Input<'_>) {
        let index = usize::from(input.byte()) % MAX_CONSOLES;
        match input.byte() % 9 {
            0 => {
                let datagram = input.string();
                let _ = self.deliver(Pair::peer(index as u16), datagram);
            }
            1 => {
                self.now = self.now + Duration::from_millis(u64::from(input.word()) * 2);
                self.bmc.handle_timeout(self.now);
                for (console, _) in &mut self.consoles {
                    console.handle_timeout(self.now);
                }
            }
            2 => {
                if let Some(config) = config(input.byte()).filter(|_| self.consoles.len() < MAX_CONSOLES) {
                    let mut console = Console::new(config);
                    let _ = console.connect(self.now, &mut self.random);
                    self.consoles
                        .push((console, Pair::peer(self.consoles.len() as u16)));
                }
            }
            3 => self.run(index, usize::from(input.byte() % 16)),
            4 => {
                let (netfn, command) = (input.byte(), input.byte());
                let data = input.string();
                if let Some((console, _)) = self.consoles.get_mut(index) {
                    let _ = console.request_raw(self.now, NetFn(netfn & 0x3f), command, data);
                }
                self.run(index, 1);
            }
            5 => {
                // A datagram again, as it was or changed, from where it came or from elsewhere.
                let (which, offset, value) =
                    (usize::from(input.byte()), usize::from(input.word()), input.byte());
                if let Some(mut datagram) = self.sent.get(which % 16).cloned() {
                    if let Some(byte) = datagram.get_mut(offset) {
                        *byte ^= value;
                    }
                    let _ = self.deliver(Pair::peer(index as u16), &datagram);
                }
            }
            6 => {
                if let Some((console, _)) = self.consoles.get_mut(index) {
                    console.close(self.now);
                }
                self.run(index, 2);
            }
            7 => match input.byte() % 8 {
                0 => self.bmc.sessions.close_all(CloseReason::Configuration),
                1 => self
                    .bmc
                    .sessions
                    .close_user(UserId(2), None, CloseReason::Configuration),
                2 => self.bmc.users.locked_out ^= true,
                3 => self.consoles.clear(),
                _ => self.bmc.machine.latency = Duration::from_millis(u64::from(input.byte()) * 10),
            },
            _ => {
                let mut reply = [0; MAX_DATAGRAM];
                while self.bmc.poll_transmit(self.now, &mut reply).is_some() {}
            }
        }
    }
}

/// Datagrams, logins, requests, replays, time and configuration in any order.
pub fn managed_ops(data: &[u8]) {
    let limits = Limits {
        sessions: 4,
        half_open: 6,
        half_open_per_address: 4,
        half_open_per_peer: 3,
        ..Limits::default()
    };
    let Some(users) = users() else { return };
    let mut world = World {
        now: Instant::from_millis(1),
        bmc: Bmc::new(users, limits, 1),
        random: PredictableRandom::new(2),
        consoles: Vec::new(),
        sent: Vec::new(),
    };
    let mut input = Input::new(data);
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        world.operate(&mut input);
    }
    world.check();
}
