//! A BMC with a machine in memory, its clients, and a link that loses, doubles and reorders, in virtual time.

use alloc::sync::Arc;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

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
use crate::bmc::{BmcBuilder, Reaction};
use crate::test_bench::Bench;

pub(crate) const TICK: Duration = Duration::from_millis(1);
/// In virtual time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(200);
pub(crate) const ACTIVATE: (NetFn, u8, &[u8]) = (NetFn::APP, 0x48, &[1, 1, 0xc6, 0, 0, 0]);
pub(crate) const DEACTIVATE: (NetFn, u8, &[u8]) = (NetFn::APP, 0x49, &[1, 1, 0, 0, 0, 0]);
pub(crate) const STATUS: (NetFn, u8, &[u8]) = (NetFn::APP, 0x4a, &[1]);
pub(crate) const INSTANCE: (NetFn, u8, &[u8]) = (NetFn::APP, 0x4b, &[1, 1]);

pub(crate) type Command<'a> = (NetFn, u8, &'a [u8]);

/// Datagrams and the ports that they go to.
type Late = Arc<Mutex<Vec<(u16, Vec<u8>)>>>;

/// A client program.
pub(crate) struct Client {
    pub(crate) port: u16,
    pub(crate) session: Console,
    pub(crate) line: Option<sol::Console>,
    pub(crate) answer: Option<(u8, Vec<u8>)>,
    pub(crate) screen: Vec<u8>,
    /// The packets of the BMC, and when each came.
    pub(crate) arrivals: Vec<(Instant, Vec<u8>)>,
    pub(crate) is_cut_off: bool,
    /// Packets of the console are thrown away.
    pub(crate) is_deaf: bool,
    has_failed: bool,
}

impl Client {
    pub(crate) fn new(port: u16, user: &str, suite: CipherSuiteId, privilege: Privilege) -> Self {
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
            arrivals: Vec::new(),
            is_cut_off: false,
            is_deaf: false,
            has_failed: false,
        }
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.screen).contains(text)
    }

    /// Passes between line and session what there is, and takes events.
    pub(crate) fn settle(&mut self, now: Instant) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Response { response, .. } => {
                    self.answer = Some((response.completion.0, response.data.to_vec()));
                }
                Event::PayloadReceived { data, .. } => {
                    self.arrivals.push((now, data.to_vec()));
                    if let Some(line) = &mut self.line
                        && !self.is_deaf
                    {
                        let _ = line.handle_packet(now, &data);
                    }
                }
                Event::ConnectFailed { .. } => self.has_failed = true,
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
pub(crate) struct World {
    pub(crate) bench: Bench,
    pub(crate) clients: Vec<Client>,
    /// On its way: to the BMC (from this port) or to this port.
    flying: BTreeMap<(Instant, u64), (bool, u16, Vec<u8>)>,
    sent: u64,
    pub(crate) work: Vec<JoinHandle<()>>,
    random: StdRng,
    pub(crate) is_lossy: bool,
    /// Answers of commands that waited for the machine.
    late: Late,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::describe(|bmc| bmc)
    }

    pub(crate) fn describe(bmc: impl FnOnce(BmcBuilder) -> BmcBuilder) -> Self {
        Self::with(Bench::with(MemoryMachine::builder("node1"), bmc))
    }

    pub(crate) fn with(bench: Bench) -> Self {
        Self {
            bench,
            clients: Vec::new(),
            flying: BTreeMap::new(),
            sent: 0,
            work: Vec::new(),
            random: StdRng::seed_from_u64(7),
            is_lossy: false,
            late: Arc::default(),
        }
    }

    /// The link's faults follow from this.
    pub(crate) fn reseed(&mut self, seed: u64) {
        self.random = StdRng::seed_from_u64(seed);
    }

    pub(crate) fn send(&mut self, to_bmc: bool, port: u16, datagram: &[u8]) {
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

    pub(crate) async fn step(&mut self) {
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
        let late = core::mem::take(&mut *self.late.lock().unwrap());
        for (port, bytes) in late {
            self.send(false, port, &bytes);
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

    pub(crate) fn deliver(&mut self, to_bmc: bool, port: u16, mut datagram: Vec<u8>) {
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
        match reaction {
            Reaction::Reply { length } => self.send(false, port, &output[..length]),
            Reaction::Run(command) => {
                let late = Arc::clone(&self.late);
                self.work.push(tokio::spawn(async move {
                    let deadline = tokio::time::sleep(command.deadline());
                    let (answer, work) = command.answer(deadline).await;
                    late.lock()
                        .unwrap()
                        .extend(answer.map(|answer| (port, answer.bytes)));
                    if let Some(work) = work {
                        let limit = tokio::time::sleep(work.limit());
                        work.finish(limit).await;
                    }
                }));
            }
            _ => {}
        }
    }

    /// What the clients see, in brief.
    fn screens(&self) -> Vec<String> {
        let end = |client: &Client| {
            let length = client.screen.len();
            let last = &client.screen[length.saturating_sub(200)..];
            format!("{length} characters, ..{}", last.escape_ascii())
        };
        self.clients.iter().map(end).collect()
    }

    pub(crate) async fn until(&mut self, condition: impl Fn(&Self) -> bool) {
        let deadline = self.bench.now() + DEADLINE;
        while !condition(self) {
            assert!(
                self.bench.now() < deadline,
                "ends of the screens: {:?}",
                self.screens()
            );
            self.step().await;
        }
    }

    pub(crate) async fn pass(&mut self, time: Duration) {
        let end = self.bench.now() + time;
        while self.bench.now() < end {
            self.step().await;
        }
    }

    /// A new client that is logged in.
    pub(crate) async fn login_as(&mut self, user: &str, suite: CipherSuiteId, privilege: Privilege) -> usize {
        let index = self.clients.len();
        let port = 50_000 + u16::try_from(index).unwrap();
        self.begin_login(Client::new(port, user, suite, privilege));
        self.until(|world| world.clients[index].session.is_connected())
            .await;
        index
    }

    fn begin_login(&mut self, mut client: Client) {
        client
            .session
            .connect(self.bench.now(), &mut rand::rng())
            .unwrap();
        self.clients.push(client);
    }

    /// A login that fails.
    pub(crate) async fn try_login(&mut self, user: &str, suite: CipherSuiteId, privilege: Privilege) {
        let index = self.clients.len();
        let port = 50_000 + u16::try_from(index).unwrap();
        self.begin_login(Client::new(port, user, suite, privilege));
        self.until(|world| world.clients[index].has_failed).await;
    }

    pub(crate) async fn login(&mut self) -> usize {
        self.login_as("admin", CipherSuiteId::SUITE_3, Privilege::ADMINISTRATOR)
            .await
    }

    /// Completion code and data of a command.
    pub(crate) async fn ask(&mut self, client: usize, (netfn, command, data): Command<'_>) -> (u8, Vec<u8>) {
        let now = self.bench.now();
        let this = &mut self.clients[client];
        this.answer = None;
        this.session.request_raw(now, netfn, command, data).unwrap();
        self.until(|world| world.clients[client].answer.is_some()).await;
        self.clients[client].answer.take().unwrap()
    }

    pub(crate) async fn activate(&mut self, client: usize) {
        let (completion, data) = self.ask(client, ACTIVATE).await;
        assert_eq!(completion, 0);
        assert_eq!(data, [0, 0, 0, 0, 3, 1, 3, 1, 0x56, 0x18, 0xff, 0xff]);
        self.clients[client].line = Some(sol::Console::new(SolSettings::console()));
    }

    pub(crate) fn type_in(&mut self, client: usize, text: &[u8]) -> usize {
        let now = self.bench.now();
        self.clients[client].line.as_mut().unwrap().write(now, text)
    }

    pub(crate) async fn power(&self, action: PowerAction) {
        self.bench.machine.power(action).await.unwrap();
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.work.iter().all(JoinHandle::is_finished)
    }
}
