//! Ten million random and mutated datagrams at one BMC: no panic, memory flat, and it still serves.
//!
//! The datagrams are of five kinds: noise, noise behind a good RMCP header, steps of a login with changes,
//! packets of an open session with changes, and packets of an open session that are sealed with its keys and
//! ask for anything at all. Built with optimisation it is ten million, otherwise a sample of them.

#![allow(clippy::unwrap_used, reason = "a test")]

mod heap;
mod peer;

use std::task::Poll;
use std::time::Duration;

use ipmi_proto::command;
use ipmi_proto::crypto::Password;
use ipmi_proto::ipmb::{BMC_ADDRESS, Lun, NetFn, RequestHeader, RequestMessage, RequestSequence};
use ipmi_proto::packet::v2_0::PayloadType;
use ipmi_proto::session::console::{Console, ConsoleConfig, Event};
use ipmi_proto::testing::{Captured, Direction, Forger};
use ipmi_proto::wire::Writer;
use ipmi_server::backend::memory::MemoryMachine;
use ipmi_server::bmc::{Bmc, Reaction};
use peer::Wire;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

/// How many datagrams.
const DATAGRAMS: u64 = if cfg!(debug_assertions) {
    100_000
} else {
    10_000_000
};
/// So many are sent before memory is measured for the first time.
const WARM_UP: u64 = DATAGRAMS / 10;
/// So often the attacker logs in anew: a random command may have closed the session or worse.
const LOGIN_EVERY: u64 = 5_000;
/// So often the BMC is made anew: a random command may have changed the password.
const BMC_EVERY: u64 = 100_000;
/// The most that one BMC may hold on to while it is attacked.
const MOST_PER_BMC: usize = 2 << 20;

const PASSWORD: &[u8] = b"soak password";

fn new_bmc() -> Wire {
    let machine = MemoryMachine::builder("soaked").build();
    let password = Password::new(PASSWORD).unwrap();
    let bmc = Bmc::builder(machine)
        .administrator("admin", password)
        .build()
        .unwrap();
    Wire::new(bmc)
}

/// An attacker who knows the password.
struct Attacker {
    login: Vec<Captured>,
    forger: Forger,
    sequence: u32,
    request: u8,
}

impl Attacker {
    /// Logs in; `None` if the BMC does not let the attacker in any more.
    fn log_in(wire: &mut Wire, random: &mut StdRng) -> Option<Self> {
        let password = || Password::new(PASSWORD).unwrap();
        let mut console = Console::new(ConsoleConfig::new(b"admin", password()).unwrap());
        console.connect(wire.now(), random).unwrap();
        let port = random.random_range(1_024..=u16::MAX);
        let mut login = Vec::new();
        let mut buffer = [0; 2_048];
        for _ in 0..64 {
            while let Some(length) = console.poll_transmit(wire.now(), random, &mut buffer) {
                let bytes = buffer[..length].to_vec();
                login.push(Captured {
                    direction: Direction::ToBmc,
                    bytes: bytes.clone(),
                });
                if let Some(mut answer) = wire.deliver(port, bytes, random) {
                    login.push(Captured {
                        direction: Direction::ToConsole,
                        bytes: answer.clone(),
                    });
                    let _ = console.handle_datagram(wire.now(), &mut answer, random);
                }
            }
            match console.poll_event() {
                Some(Event::Connected { .. }) => {
                    let forger = Forger::from_login(&login, &password(), None)?;
                    return Some(Self {
                        login,
                        forger,
                        sequence: 4,
                        request: 0,
                    });
                }
                Some(_) => return None,
                None => {
                    wire.pass(Duration::from_millis(200));
                    console.handle_timeout(wire.now());
                }
            }
        }
        None
    }

    /// One datagram of any kind.
    fn datagram(&mut self, random: &mut StdRng) -> Vec<u8> {
        match random.random_range(0..100) {
            0..10 => noise(random, &[]),
            10..20 => noise(random, &[6, 0, 0xff, 7]),
            20..25 => noise(random, &[6, 0, 1, 6]),
            25..45 => {
                let at = random.random_range(0..self.login.len());
                changed(self.login[at].bytes.clone(), random)
            }
            45..60 => changed(self.sealed(random), random),
            _ => self.sealed(random),
        }
    }

    /// A valid packet with any command or any payload.
    fn sealed(&mut self, random: &mut StdRng) -> Vec<u8> {
        let mut payload = [0; 512];
        let mut data = [0; 64];
        random.fill_bytes(&mut data);
        let length = if random.random_ratio(3, 4) {
            random.random_range(0..8)
        } else {
            random.random_range(0..64)
        };
        let spec = command::all().nth(random.random_range(0..command::all().count()));
        let (netfn, number) = match spec {
            Some(spec) if random.random_ratio(9, 10) => {
                if let Some(code) = spec.body.code() {
                    data[0] = code;
                }
                (spec.netfn, spec.number)
            }
            _ => (NetFn(random.random_range(0..0x40)), random.random()),
        };
        self.request = self.request.wrapping_add(1);
        let header = RequestHeader {
            responder: BMC_ADDRESS,
            netfn,
            responder_lun: Lun::new(u8::from(random.random_ratio(1, 50))),
            requester: 0x81,
            requester_lun: Lun::BMC,
            sequence: RequestSequence::new(self.request),
            command: number,
        };
        let mut writer = Writer::new(&mut payload);
        RequestMessage {
            header,
            data: &data[..length],
        }
        .write(&mut writer)
        .unwrap();
        self.sequence = self.sequence.wrapping_add(1);
        let kind = if random.random_ratio(1, 30) {
            PayloadType::SOL
        } else {
            PayloadType::IPMI
        };
        self.forger
            .seal(Direction::ToBmc, kind, self.sequence, writer.written())
            .unwrap()
    }
}

/// Random bytes after `head`.
fn noise(random: &mut StdRng, head: &[u8]) -> Vec<u8> {
    let mut tail = vec![0; random.random_range(0..200)];
    random.fill_bytes(&mut tail);
    [head, &tail].concat()
}

/// Flips bits, cuts or lengthens.
fn changed(mut bytes: Vec<u8>, random: &mut StdRng) -> Vec<u8> {
    for _ in 0..random.random_range(1..4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..8) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.random()),
            2 => bytes[at] = random.random(),
            _ => bytes[at] ^= 1 << random.random_range(0..8),
        }
    }
    bytes
}

/// Lets go of what waits for the machine without waiting, as a driver does that ends.
fn settle(reaction: Reaction) {
    if let Reaction::Run(command) = reaction {
        let mut answer = Box::pin(command.answer(core::future::ready(())));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        if let Poll::Ready((_, Some(unfinished))) = answer.as_mut().poll(&mut context) {
            drop(unfinished);
        }
    }
}

#[test]
fn ten_million_datagrams_do_no_harm() {
    let mut random = StdRng::seed_from_u64(20_261_122);
    let mut after_warm_up = None;
    let (mut sent, mut logins, mut answered) = (0_u64, 0_u64, 0_u64);
    while sent < DATAGRAMS {
        let before = heap::live();
        let mut wire = new_bmc();
        let mut attacker =
            Attacker::log_in(&mut wire, &mut random).expect("a new BMC lets its administrator in");
        for step in 1..=BMC_EVERY {
            if step % LOGIN_EVERY == 0 {
                match Attacker::log_in(&mut wire, &mut random) {
                    Some(next) => (attacker, logins) = (next, logins + 1),
                    None => break,
                }
            }
            let mut datagram = attacker.datagram(&mut random);
            let port = random.random_range(1_024..2_048);
            let reaction = wire.handle(port, &mut datagram, &mut random);
            answered += u64::from(!matches!(reaction, Reaction::Dropped(_)));
            settle(reaction);
            sent += 1;
        }
        let held = heap::live().saturating_sub(before);
        assert!(
            held < MOST_PER_BMC,
            "one BMC holds {held} bytes after {sent} datagrams"
        );
        drop((wire, attacker));
        if sent >= WARM_UP {
            let live = heap::live();
            let first = *after_warm_up.get_or_insert(live);
            assert!(
                live <= first + 64 * 1_024,
                "{first} bytes after the start, {live} after {sent} datagrams"
            );
        }
    }
    // The mixture reaches behind the login: otherwise nothing was tested.
    assert!(
        logins > 0 && answered > sent / 10,
        "{logins} logins, {answered} answers to {sent} datagrams"
    );
}
