//! How fast a serial console is: a machine that never stops talking, through the UDP driver on loopback, to a client
//! of our own in this thread.
//!
//! `cargo bench -p ipmi-server --bench console`

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]
#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use async_trait::async_trait;
use bytes::Bytes;
use ipmi_proto::crypto::{CipherSuite, CipherSuiteId, Password};
use ipmi_proto::ipmb::NetFn;
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::packet::v2_0::PayloadType;
use ipmi_proto::session::console::{Console, ConsoleConfig, Event, Protocol, SuiteChoice};
use ipmi_proto::sol::{self, MAX_PACKET_LENGTH, SolSettings};
use ipmi_proto::time::Instant;
use ipmi_server::Bmc;
use ipmi_server::backend::{
    BackendError, BmcBackend, ConsoleEvent, ConsoleStream, PowerAction, PowerActions, PowerState,
    SerialConsole,
};
use ipmi_server::net::{NetConfig, Server};

/// How long is measured.
const TIME: Duration = Duration::from_secs(3);
/// What the machine says, again and again, as many characters as a prime number.
const PIECE: usize = 4_093;

/// A machine that never stops talking.
#[derive(Debug)]
struct Talker;

/// Its console: numbers that follow each other.
#[derive(Debug, Default)]
struct Talk(usize);

fn character(index: usize) -> u8 {
    u8::try_from(index % PIECE % 251).unwrap_or_default()
}

#[async_trait]
impl BmcBackend for Talker {
    fn known_power_state(&self) -> Option<PowerState> {
        Some(PowerState::On)
    }
    async fn power_state(&self) -> Result<PowerState, BackendError> {
        Ok(PowerState::On)
    }
    fn power_actions(&self) -> PowerActions {
        PowerActions::ON | PowerActions::OFF
    }
    async fn power(&self, _action: PowerAction) -> Result<(), BackendError> {
        Ok(())
    }
    fn console(&self) -> Option<&dyn SerialConsole> {
        Some(self)
    }
    ipmi_server::without!(boot, sensors, inventory, events);
}

#[async_trait]
impl SerialConsole for Talker {
    async fn open(&self) -> Result<Box<dyn ConsoleStream>, BackendError> {
        Ok(Box::new(Talk::default()))
    }
}

#[async_trait]
impl ConsoleStream for Talk {
    async fn next(&mut self) -> Result<ConsoleEvent, BackendError> {
        let piece: Vec<u8> = (self.0..self.0 + PIECE).map(character).collect();
        self.0 += PIECE;
        Ok(ConsoleEvent::Output(Bytes::from(piece)))
    }
    async fn send(&mut self, bytes: &[u8]) -> Result<usize, BackendError> {
        Ok(bytes.len())
    }
    async fn send_break(&mut self) -> Result<(), BackendError> {
        Ok(())
    }
}

/// A client program: one thread, one socket.
struct Client {
    socket: UdpSocket,
    session: Console,
    start: Clock,
    line: sol::Console,
    is_active: bool,
    received: usize,
    types: bool,
    typed: usize,
}

impl Client {
    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.start.elapsed().as_micros()).unwrap())
    }

    /// Sends what there is, and waits for a datagram.
    fn turn(&mut self) {
        let (now, mut random) = (self.now(), rand::rng());
        let mut buffer = [0; MAX_DATAGRAM];
        if self.is_active && self.types {
            self.typed += self.line.write(now, &[b'x'; 4_096]);
        }
        let mut packet = [0; MAX_PACKET_LENGTH];
        while let Some(length) = self.line.poll_transmit(now, &mut packet) {
            self.session
                .send_payload(PayloadType::SOL, &packet[..length])
                .unwrap();
        }
        while let Some(length) = self.session.poll_transmit(now, &mut random, &mut buffer) {
            self.socket.send(&buffer[..length]).unwrap();
        }
        match self.socket.recv(&mut buffer) {
            Ok(length) => {
                let now = self.now();
                let _ = self
                    .session
                    .handle_datagram(now, &mut buffer[..length], &mut random);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("{error}"),
        }
        let now = self.now();
        self.session.handle_timeout(now);
        self.line.handle_timeout(now);
        self.events(now);
    }

    fn events(&mut self, now: Instant) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Response { response, .. } => {
                    assert!(response.completion.is_ok(), "{:?}", response.completion);
                    self.is_active = true;
                }
                Event::PayloadReceived { data, .. } => {
                    let _ = self.line.handle_packet(now, &data);
                }
                _ => {}
            }
        }
        while self.line.poll_event().is_some() {}
        let mut buffer = [0; 4_096];
        loop {
            let length = self.line.read(&mut buffer);
            if length == 0 {
                return;
            }
            for byte in &buffer[..length] {
                assert_eq!(*byte, character(self.received), "at {}", self.received);
                self.received += 1;
            }
        }
    }
}

fn measure(suite: CipherSuiteId, types: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let handle = runtime.block_on(async {
        let password = Password::new(b"secret").unwrap();
        let bmc = Bmc::builder(Arc::new(Talker)).administrator("admin", password);
        let server = Server::new(NetConfig::default());
        let handle = server
            .add(bmc.build().unwrap(), "127.0.0.1:0".parse().unwrap())
            .unwrap();
        (server, handle)
    });
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(handle.1.local_addr()).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut config = ConsoleConfig::new(b"admin", Password::new(b"secret").unwrap()).unwrap();
    config.protocol = Protocol::V2_0(SuiteChoice::Fixed(CipherSuite::by_id(suite).unwrap()));
    let mut client = Client {
        socket,
        session: Console::new(config),
        start: Clock::now(),
        line: sol::Console::new(SolSettings::console()),
        is_active: false,
        received: 0,
        types,
        typed: 0,
    };
    let now = client.now();
    client.session.connect(now, &mut rand::rng()).unwrap();
    while !client.session.is_connected() {
        client.turn();
    }
    let activate = [1, 1, 0xc6, 0, 0, 0];
    let now = client.now();
    client
        .session
        .request_raw(now, NetFn::APP, 0x48, &activate)
        .unwrap();
    while client.received == 0 {
        client.turn();
    }
    let (from, typed, begin) = (client.received, client.typed, Clock::now());
    while begin.elapsed() < TIME {
        client.turn();
    }
    let seconds = begin.elapsed().as_secs_f64();
    let rate = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds / 1e6;
    println!(
        "suite {:2}: {:.2} MB/s from the machine, {:.2} MB/s to it",
        suite.0,
        rate(client.received - from),
        rate(client.typed - typed)
    );
}

fn main() {
    // A test runner that looks for tests here finds none.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for suite in [CipherSuiteId::SUITE_3, CipherSuiteId::SUITE_17] {
        measure(suite, false);
        measure(suite, true);
    }
}
