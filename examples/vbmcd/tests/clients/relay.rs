//! A relay between a client and a BMC that records what passes and can repeat it.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the relay waits for a datagram before it looks whether it is to end.
const TURN: Duration = Duration::from_millis(2);

/// Which datagrams of the client are repeated, and how often.
pub(crate) type Repeat = fn(&[u8]) -> usize;

/// Relays between one client and a BMC, through one socket towards the BMC.
pub(crate) struct Relay {
    address: SocketAddr,
    target: Arc<UdpSocket>,
    recorded: Arc<Mutex<Vec<Vec<u8>>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts a relay to `bmc`. `repeat` says how many more times a datagram of the client is sent.
    pub(crate) fn start(bmc: SocketAddr, repeat: Repeat) -> Self {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(TURN)).unwrap();
        let target = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        target.connect(bmc).unwrap();
        target.set_read_timeout(Some(TURN)).unwrap();
        let address = client.local_addr().unwrap();
        let (recorded, end) = (Arc::default(), Arc::default());
        let way = Way {
            client,
            target: Arc::clone(&target),
            recorded: Arc::clone(&recorded),
        };
        let ended = Arc::clone(&end);
        let thread = std::thread::spawn(move || way.relay(repeat, &ended));
        Self {
            address,
            target,
            recorded,
            end,
            thread: Some(thread),
        }
    }

    /// Where the client is to send.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the client sent so far.
    pub(crate) fn recorded(&self) -> Vec<Vec<u8>> {
        self.recorded.lock().unwrap().clone()
    }

    /// Sends a datagram to the BMC once more, from the socket that it came through.
    pub(crate) fn resend(&self, datagram: &[u8]) {
        self.target.send(datagram).unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

struct Way {
    client: UdpSocket,
    target: Arc<UdpSocket>,
    recorded: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Way {
    fn relay(&self, repeat: Repeat, end: &AtomicBool) {
        let mut buffer = [0; 4096];
        let mut peer = None;
        while !end.load(Ordering::Relaxed) {
            if let Ok((length, from)) = self.client.recv_from(&mut buffer) {
                peer = Some(from);
                let datagram = &buffer[..length];
                self.recorded.lock().unwrap().push(datagram.to_vec());
                for _ in 0..=repeat(datagram) {
                    self.target.send(datagram).unwrap();
                }
            }
            while let (Some(peer), Ok(length)) = (peer, self.target.recv(&mut buffer)) {
                self.client.send_to(&buffer[..length], peer).unwrap();
            }
        }
    }
}
