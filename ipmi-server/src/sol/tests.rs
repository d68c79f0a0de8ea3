//! Serial over LAN from a console to the machine, in virtual time, over a link that loses, doubles and reorders.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use ipmi_proto::crypto::{CipherSuite, CipherSuiteId, Password};
use ipmi_proto::ipmb::{NetFn, Privilege};
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::packet::v2_0::PayloadType;
use ipmi_proto::session::Peer;
use ipmi_proto::session::console::{Console, ConsoleConfig, Event, Protocol, SuiteChoice};
use ipmi_proto::sol::{self, ConsoleEvent, MAX_PACKET_LENGTH, SolSettings};
use ipmi_proto::time::Instant;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinHandle;

use crate::backend::memory::MemoryMachine;
use crate::backend::{BmcBackend, PowerAction};
use crate::bmc::Reaction;
use crate::test_bench::Bench;

const TICK: Duration = Duration::from_millis(1);
/// In virtual time.
const DEADLINE: Duration = Duration::from_secs(600);
const ACTIVATE: (NetFn, u8, &[u8]) = (NetFn::APP, 0x48, &[1, 1, 0xc6, 0, 0, 0]);
const DEACTIVATE: (NetFn, u8, &[u8]) = (NetFn::APP, 0x49, &[1, 1, 0, 0, 0, 0]);
const STATUS: (NetFn, u8, &[u8]) = (NetFn::APP, 0x4a, &[1]);
const INSTANCE: (NetFn, u8, &[u8]) = (NetFn::APP, 0x4b, &[1, 1]);

type Command<'a> = (NetFn, u8, &'a [u8]);

/// A client program.
struct Client {
    port: u16,
    session: Console,
    line: Option<sol::Console>,
    answer: Option<(u8, Vec<u8>)>,
    screen: Vec<u8>,
    is_cut_off: bool,
}

impl Client {
    fn new(port: u16, user: &str, suite: CipherSuiteId, privilege: Privilege) -> Self {
        let password = Password::new(b"secret").unwrap();
        let mut config = ConsoleConfig::new(user.as_bytes(), password).unwrap();
        config.protocol = Protocol::V2_0(SuiteChoice::Fixed(CipherSuite::by_id(suite).unwrap()));
        config.privilege = privilege;
        Self {
            port,
            session: Console::new(config),
            line: None,
            answer: None,
            screen: Vec::new(),
            is_cut_off: false,
        }
    }

    fn shows(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.screen).contains(text)
    }

    /// Passes between line and session what there is, and takes events.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Response { response, .. } => {
                    self.answer = Some((response.completion.0, response.data.to_vec()));
                }
                Event::PayloadReceived { data, .. } => {
                    if let Some(line) = &mut self.line {
                        let _ = line.handle_packet(now, &data);
                    }
                }
                _ => {}
            }
        }
        let Some(line) = &mut self.line else { return };
        line.handle_timeout(now);
        let mut buffer = [0; MAX_PACKET_LENGTH];
        loop {
            let length = line.read(&mut buffer);
            self.screen.extend(&buffer[..length]);
            if length == 0 {
                break;
            }
        }
        while let Some(event) = line.poll_event() {
            self.is_cut_off |= event == ConsoleEvent::Deactivated;
        }
        while let Some(length) = line.poll_transmit(now, &mut buffer) {
            let _ = self.session.send_payload(PayloadType::SOL, &buffer[..length]);
        }
    }
}

/// A BMC, its clients and what lies between.
struct World {
    bench: Bench,
    clients: Vec<Client>,
    /// On its way: to the BMC (from this port) or to this port.
    flying: BTreeMap<(Instant, u64), (bool, u16, Vec<u8>)>,
    sent: u64,
    work: Vec<JoinHandle<()>>,
    random: StdRng,
    is_lossy: bool,
}

impl World {
    fn new() -> Self {
        Self::with(Bench::with(MemoryMachine::builder("node1"), |bmc| bmc))
    }

    fn with(bench: Bench) -> Self {
        Self {
            bench,
            clients: Vec::new(),
            flying: BTreeMap::new(),
            sent: 0,
            work: Vec::new(),
            random: StdRng::seed_from_u64(7),
            is_lossy: false,
        }
    }

    fn send(&mut self, to_bmc: bool, port: u16, datagram: &[u8]) {
        let copies = match self.random.random_range(0..100) {
            _ if !self.is_lossy => 1,
            0..20 => 0,
            20..30 => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let delay = if self.is_lossy {
                self.random.random_range(0..30)
            } else {
                0
            };
            let due = self.bench.now() + Duration::from_millis(delay);
            self.flying
                .insert((due, self.sent), (to_bmc, port, datagram.to_vec()));
            self.sent += 1;
        }
    }

    async fn step(&mut self) {
        tokio::time::sleep(TICK).await;
        let now = self.bench.now();
        let bmc = self.bench.bmc.clone();
        while let Some(work) = bmc.poll_work() {
            let limit = tokio::time::sleep(work.limit());
            self.work.push(tokio::spawn(work.finish(limit)));
        }
        if bmc.poll_timeout().is_some_and(|due| due <= now) {
            bmc.handle_timeout(now);
        }
        let mut random = rand::rng();
        let mut buffer = [0; MAX_DATAGRAM];
        while let Some((peer, length)) = bmc.poll_transmit(now, &mut random, &mut buffer) {
            self.send(false, peer.remote.port(), &buffer[..length]);
        }
        for index in 0..self.clients.len() {
            let client = &mut self.clients[index];
            client.settle(now);
            let port = client.port;
            let mut datagrams = Vec::new();
            while let Some(length) = client.session.poll_transmit(now, &mut random, &mut buffer) {
                datagrams.push(buffer[..length].to_vec());
            }
            client.session.handle_timeout(now);
            for datagram in datagrams {
                self.send(true, port, &datagram);
            }
        }
        while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= now) {
            let (to_bmc, port, datagram) = entry.remove();
            self.deliver(to_bmc, port, datagram);
        }
    }

    fn deliver(&mut self, to_bmc: bool, port: u16, mut datagram: Vec<u8>) {
        let (now, mut random) = (self.bench.now(), rand::rng());
        if !to_bmc {
            let client = self.clients.iter_mut().find(|client| client.port == port);
            let _ = client
                .unwrap()
                .session
                .handle_datagram(now, &mut datagram, &mut random);
            return;
        }
        let peer = Peer {
            remote: SocketAddr::from(([192, 0, 2, 9], port)),
            local: SocketAddr::from(([192, 0, 2, 1], 6_230)),
        };
        let mut output = [0; MAX_DATAGRAM];
        let reaction = self
            .bench
            .bmc
            .handle_datagram(now, peer, &mut datagram, &mut random, &mut output);
        if let Reaction::Reply { length } = reaction {
            self.send(false, port, &output[..length]);
        }
    }

    async fn until(&mut self, condition: impl Fn(&Self) -> bool) {
        let deadline = self.bench.now() + DEADLINE;
        while !condition(self) {
            assert!(
                self.bench.now() < deadline,
                "screens: {:?}",
                self.clients
                    .iter()
                    .map(|client| String::from_utf8_lossy(&client.screen))
                    .collect::<Vec<_>>()
            );
            self.step().await;
        }
    }

    async fn pass(&mut self, time: Duration) {
        let end = self.bench.now() + time;
        while self.bench.now() < end {
            self.step().await;
        }
    }

    /// A new client that is logged in.
    async fn login_as(&mut self, user: &str, suite: CipherSuiteId, privilege: Privilege) -> usize {
        let index = self.clients.len();
        let port = 50_000 + u16::try_from(index).unwrap();
        let mut client = Client::new(port, user, suite, privilege);
        client
            .session
            .connect(self.bench.now(), &mut rand::rng())
            .unwrap();
        self.clients.push(client);
        self.until(|world| world.clients[index].session.is_connected())
            .await;
        index
    }

    async fn login(&mut self) -> usize {
        self.login_as("admin", CipherSuiteId::SUITE_3, Privilege::ADMINISTRATOR)
            .await
    }

    /// Completion code and data of a command.
    async fn ask(&mut self, client: usize, (netfn, command, data): Command<'_>) -> (u8, Vec<u8>) {
        let now = self.bench.now();
        let this = &mut self.clients[client];
        this.answer = None;
        this.session.request_raw(now, netfn, command, data).unwrap();
        self.until(|world| world.clients[client].answer.is_some()).await;
        self.clients[client].answer.take().unwrap()
    }

    async fn activate(&mut self, client: usize) {
        let (completion, data) = self.ask(client, ACTIVATE).await;
        assert_eq!(completion, 0);
        assert_eq!(data, [0, 0, 0, 0, 3, 1, 3, 1, 0x56, 0x18, 0xff, 0xff]);
        self.clients[client].line = Some(sol::Console::new(SolSettings::console()));
    }

    fn type_in(&mut self, client: usize, text: &[u8]) -> usize {
        let now = self.bench.now();
        self.clients[client].line.as_mut().unwrap().write(now, text)
    }

    async fn power(&self, action: PowerAction) {
        self.bench.machine.power(action).await.unwrap();
    }

    fn is_idle(&self) -> bool {
        self.work.iter().all(JoinHandle::is_finished)
    }
}

#[tokio::test(start_paused = true)]
async fn one_session_at_a_time_and_others_may_end_it() {
    let mut world = World::new();
    world.power(PowerAction::On).await;
    let (first, second) = (world.login().await, world.login().await);
    assert_eq!(world.ask(first, DEACTIVATE).await.0, 0x80);
    assert_eq!(world.ask(first, INSTANCE).await.1, [0; 12]);
    world.activate(first).await;
    world.until(|world| world.clients[first].shows("node1# ")).await;
    world.type_in(first, b"hello");
    world.until(|world| world.clients[first].shows("# hello")).await;

    assert_eq!(world.ask(second, ACTIVATE).await.0, 0x80);
    assert_eq!(world.ask(second, STATUS).await.1, [1, 1, 0]);
    let id = world.clients[first].session.bmc_session().unwrap().to_le_bytes();
    assert_eq!(
        world.ask(second, INSTANCE).await.1,
        [&id[..], &[1], &[0; 7]].concat()
    );
    assert_eq!(world.ask(second, DEACTIVATE).await.0, 0);
    world.until(|world| world.clients[first].is_cut_off).await;
    world.activate(second).await;
    world.until(|world| world.clients[second].shows("# hello")).await;
    world.type_in(second, b"-again");
    world
        .until(|world| world.clients[second].shows("hello-again"))
        .await;

    assert_eq!(world.ask(second, DEACTIVATE).await.0, 0);
    world.until(World::is_idle).await;
    assert!(!world.clients[second].is_cut_off);
    assert_eq!(world.ask(second, STATUS).await.1, [1, 0, 0]);
    assert!(world.bench.bmc.poll_work().is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_doubled_or_reordered_on_a_bad_link() {
    let mut world = World::new();
    world.power(PowerAction::On).await;
    let client = world.login().await;
    world.activate(client).await;
    world.until(|world| world.clients[client].shows("# ")).await;
    world.clients[client].screen.clear();
    world.is_lossy = true;
    let typed: Vec<u8> = (0..20_000_u32)
        .flat_map(|number| {
            [
                b'a' + u8::try_from(number % 26).unwrap(),
                b'0' + u8::try_from(number / 26 % 10).unwrap(),
            ]
        })
        .collect();
    let mut written = 0;
    let deadline = world.bench.now() + DEADLINE;
    while world.clients[client].screen.len() < typed.len() {
        assert!(world.bench.now() < deadline);
        written += world.type_in(client, &typed[written..]);
        world.step().await;
    }
    world.pass(Duration::from_secs(5)).await;
    assert!(world.clients[client].screen == typed);
}

#[tokio::test(start_paused = true)]
async fn a_power_cycle_keeps_the_session() {
    let mut world = World::new();
    let client = world.login().await;
    world.activate(client).await;
    world.type_in(client, b"nobody hears this");
    world.pass(Duration::from_secs(20)).await;
    for _ in 0..2 {
        world.power(PowerAction::On).await;
        world
            .until(|world| world.clients[client].shows("boot disk"))
            .await;
        world.until(|world| world.clients[client].shows("node1# ")).await;
        world.type_in(client, b"typed\r");
        world
            .until(|world| world.clients[client].shows("# typed\r\n"))
            .await;
        assert!(!world.clients[client].shows("nobody"));
        world.power(PowerAction::Off).await;
        world.clients[client].screen.clear();
    }
    assert!(!world.clients[client].is_cut_off);
}

#[tokio::test(start_paused = true)]
async fn a_break_reaches_the_machine_in_its_place() {
    let mut world = World::new();
    world.power(PowerAction::On).await;
    let client = world.login().await;
    world.activate(client).await;
    world.type_in(client, b"before");
    world.clients[client].line.as_mut().unwrap().send_break();
    world.type_in(client, b"after");
    world
        .until(|world| world.clients[client].shows("before\r\n[break]\r\nafter"))
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_session_user_or_bmc_ends_the_payload() {
    let mut world = World::new();
    world.power(PowerAction::On).await;
    let (first, second) = (world.login().await, world.login().await);
    world.activate(first).await;
    let now = world.bench.now();
    world.clients[first].session.close(now);
    world
        .until(|world| world.bench.bmc.with(|inner| inner.sol.session().is_none()))
        .await;

    world.activate(second).await;
    // Set SOL Configuration Parameters: not enabled.
    let disable = (NetFn::TRANSPORT, 0x21, &[1, 1, 0][..]);
    assert_eq!(world.ask(second, disable).await.0, 0);
    world.until(|world| world.clients[second].is_cut_off).await;
    assert_eq!(world.ask(second, ACTIVATE).await.0, 0x81);
    let enable = (NetFn::TRANSPORT, 0x21, &[1, 1, 1][..]);
    assert_eq!(world.ask(second, enable).await.0, 0);

    world.clients[second].is_cut_off = false;
    world.activate(second).await;
    let (now, this) = (world.bench.now(), &mut world.clients[second]);
    // Cold Reset.
    this.session.request_raw(now, NetFn::APP, 2, &[]).unwrap();
    world.until(|world| world.clients[second].is_cut_off).await;

    // Nothing is heard of the client for too long.
    let third = world.login().await;
    world.activate(third).await;
    world.clients.truncate(third);
    world.clients.push(Client::new(
        50_002,
        "admin",
        CipherSuiteId::SUITE_3,
        Privilege::USER,
    ));
    world.until(World::is_idle).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_configuration_demands() {
    let password = || Password::new(b"secret").unwrap();
    let mut world = World::with(Bench::with(MemoryMachine::builder("node1"), |bmc| {
        bmc.all_authenticated_cipher_suites()
            .user("operator", password(), Privilege::OPERATOR)
    }));
    world.power(PowerAction::On).await;
    let plain = world
        .login_as("admin", CipherSuiteId::SUITE_2, Privilege::ADMINISTRATOR)
        .await;
    let low = world
        .login_as("operator", CipherSuiteId::SUITE_3, Privilege::OPERATOR)
        .await;
    assert_eq!(world.ask(plain, ACTIVATE).await.0, 0x84);
    let unencrypted = (NetFn::APP, 0x48, &[1, 1, 0x40, 0, 0, 0][..]);
    assert_eq!(world.ask(low, unencrypted).await.0, 0x84);
    assert_eq!(
        world.ask(low, (NetFn::APP, 0x48, &[1, 2, 0xc0, 0, 0, 0])).await.0,
        0xcc
    );

    // Nothing is forced, and Administrators alone may use it.
    let set = (NetFn::TRANSPORT, 0x21, &[1, 2, 4][..]);
    assert_eq!(world.ask(plain, set).await.0, 0);
    assert_eq!(world.ask(low, ACTIVATE).await.0, 0xd4);
    world.activate(plain).await;
    assert_eq!(world.ask(low, DEACTIVATE).await.0, 0xd4);
    let suspend = (NetFn::APP, 0x55, &[1, 1, 0][..]);
    assert_eq!(world.ask(low, suspend).await.0, 0x83);
    assert_eq!(world.ask(plain, suspend).await.0, 0x82);
    world.until(|world| world.clients[plain].shows("node1# ")).await;
    assert_eq!(world.ask(plain, DEACTIVATE).await.0, 0);

    // Users may; the operator may not.
    let set = (NetFn::TRANSPORT, 0x21, &[1, 2, 2][..]);
    assert_eq!(world.ask(plain, set).await.0, 0);
    let forbid = (NetFn::APP, 0x4c, &[1, 0x43, 2, 0, 0, 0][..]);
    assert_eq!(world.ask(plain, forbid).await.0, 0);
    assert_eq!(world.ask(low, ACTIVATE).await.0, 0x81);
    let permit = (NetFn::APP, 0x4c, &[1, 0x03, 2, 0, 0, 0][..]);
    assert_eq!(world.ask(plain, permit).await.0, 0);
    world.activate(low).await;
    assert_eq!(world.ask(low, suspend).await.0, 0x81);
    assert_eq!(world.ask(low, (NetFn::APP, 0x55, &[1, 1, 1])).await.0, 0);
}
