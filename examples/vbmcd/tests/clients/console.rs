//! Our own client over a socket: faster than a program per command, and it sees completion codes.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ipmi_proto::crypto::Password;
use ipmi_proto::ipmb::NetFn;
use ipmi_proto::session::console::{Console, ConsoleConfig, Event};
use ipmi_proto::time;

use crate::daemon::{DEADLINE, PASSWORD, USER};

/// How long a look at the socket takes at most.
const GLANCE: Duration = Duration::from_millis(20);

/// A session with a BMC.
pub(crate) struct Session {
    console: Console,
    socket: UdpSocket,
    start: Instant,
}

impl Session {
    /// Logs in as the administrator. `None` if `gone` comes first.
    pub(crate) fn open(address: SocketAddr, gone: &AtomicBool) -> Option<Self> {
        let password = Password::new(PASSWORD.as_bytes()).unwrap();
        let config = ConsoleConfig::new(USER.as_bytes(), password).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(address).unwrap();
        socket.set_read_timeout(Some(GLANCE)).unwrap();
        let mut session = Self {
            console: Console::new(config),
            socket,
            start: Instant::now(),
        };
        let now = session.now();
        session.console.connect(now, &mut rand::rng()).unwrap();
        match session.next_event(gone)? {
            Event::Connected { .. } => Some(session),
            _ if gone.load(Ordering::Relaxed) => None,
            other => panic!("the login failed: {other:?}"),
        }
    }

    /// Sends a request and gives completion code and data of its answer. `None` if `gone` comes first: nobody
    /// knows whether it was carried out.
    pub(crate) fn ask(
        &mut self,
        (netfn, command): (NetFn, u8),
        data: &[u8],
        gone: &AtomicBool,
    ) -> Option<(u8, Vec<u8>)> {
        let now = self.now();
        self.console.request_raw(now, netfn, command, data).unwrap();
        match self.next_event(gone)? {
            Event::Response { response, .. } => Some((response.completion.0, response.data.to_vec())),
            _ if gone.load(Ordering::Relaxed) => None,
            other => panic!("no answer to {netfn} {command:#x}: {other:?}"),
        }
    }

    fn now(&self) -> time::Instant {
        time::Instant::from_micros(self.start.elapsed().as_micros().try_into().unwrap())
    }

    fn next_event(&mut self, gone: &AtomicBool) -> Option<Event> {
        let (mut buffer, mut random) = ([0; 2_048], rand::rng());
        let deadline = Instant::now() + DEADLINE;
        while !gone.load(Ordering::Relaxed) {
            assert!(Instant::now() < deadline, "the BMC says nothing");
            if let Some(event) = self.console.poll_event() {
                return Some(event);
            }
            let now = self.now();
            while let Some(length) = self.console.poll_transmit(now, &mut random, &mut buffer) {
                // A daemon that was killed has no socket.
                let _ = self.socket.send(&buffer[..length]);
            }
            if let Ok(length) = self.socket.recv(&mut buffer) {
                let now = self.now();
                let _ = self
                    .console
                    .handle_datagram(now, &mut buffer[..length], &mut random);
            }
            let now = self.now();
            self.console.handle_timeout(now);
        }
        None
    }
}
