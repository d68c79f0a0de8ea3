//! A handler that shows what the driver does with a BMC, and a client that waits with a deadline.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "every test uses its part"
)]

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ipmi_proto::session::{DropReason, Peer};
use ipmi_proto::time::Instant;
use ipmi_server::bmc::Datagram;
use ipmi_server::net::{AsideCommand, AsideWork, DatagramHandler, Outcome};
use rand::rngs::ThreadRng;
use tokio::sync::watch;

type Waker = Arc<dyn Fn() + Send + Sync>;

/// Answers by the first byte of a datagram:
/// `e` echoes behind its name, `l` logs the peer in and echoes, `o` logs it out, `s` waits for the machine,
/// `t` sends something by itself 20 ms later, everything else is dropped.
pub struct Toy {
    pub name: u8,
    /// Commands of the machine end when this says so.
    pub machine: watch::Sender<bool>,
    pub timeouts: AtomicUsize,
    pub peers: Mutex<Vec<Peer>>,
    /// What follows by itself, and when.
    later: Mutex<Option<(Instant, Peer)>>,
    ready: Mutex<Vec<Peer>>,
    waker: Mutex<Option<Waker>>,
}

impl std::fmt::Debug for Toy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toy")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Toy {
    pub fn new(name: u8) -> Arc<Self> {
        Arc::new(Self {
            name,
            machine: watch::Sender::new(false),
            timeouts: AtomicUsize::new(0),
            peers: Mutex::default(),
            later: Mutex::default(),
            ready: Mutex::default(),
            waker: Mutex::default(),
        })
    }

    /// Has the BMC send its name to `peer` by itself.
    pub fn transmit(&self, peer: Peer) {
        self.ready.lock().unwrap().push(peer);
        self.wake();
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap().clone();
        waker.unwrap()();
    }
}

pub struct Slow {
    peer: Peer,
    name: u8,
    machine: watch::Receiver<bool>,
}

pub struct Work;

impl DatagramHandler for Toy {
    type Command = Slow;
    type Work = Work;

    fn handle_datagram(
        self: &Arc<Self>,
        now: Instant,
        peer: Peer,
        datagram: &mut [u8],
        _: &mut ThreadRng,
        output: &mut [u8],
    ) -> Outcome<Slow> {
        match datagram.first() {
            Some(b's') => {
                return Outcome::Run(Slow {
                    peer,
                    name: self.name,
                    machine: self.machine.subscribe(),
                });
            }
            Some(b't') => {
                *self.later.lock().unwrap() = Some((now + Duration::from_millis(20), peer));
                self.wake();
                return Outcome::Dropped(DropReason::NoAnswerWanted);
            }
            Some(b'o') => self.peers.lock().unwrap().retain(|known| *known != peer),
            Some(b'l') => self.peers.lock().unwrap().push(peer),
            Some(b'e') => {}
            _ => return Outcome::Dropped(DropReason::NotRmcp),
        }
        output[0] = self.name;
        output[1..=datagram.len()].copy_from_slice(datagram);
        Outcome::Reply {
            length: datagram.len() + 1,
        }
    }

    fn poll_transmit(&self, _: Instant, _: &mut ThreadRng, output: &mut [u8]) -> Option<(Peer, usize)> {
        let peer = self.ready.lock().unwrap().pop()?;
        output[0] = self.name;
        Some((peer, 1))
    }

    fn poll_work(&self) -> Option<Work> {
        None
    }

    fn handle_timeout(self: &Arc<Self>, now: Instant) {
        self.timeouts.fetch_add(1, Ordering::Relaxed);
        let mut later = self.later.lock().unwrap();
        if let Some((_, peer)) = later.take_if(|(at, _)| *at <= now) {
            self.ready.lock().unwrap().push(peer);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.later.lock().unwrap().as_ref().map(|(at, _)| *at)
    }

    fn session_peers(&self) -> Vec<Peer> {
        self.peers.lock().unwrap().clone()
    }

    fn set_waker(&self, waker: Waker) {
        *self.waker.lock().unwrap() = Some(waker);
    }
}

impl AsideCommand for Slow {
    type Work = Work;

    fn deadline(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn refuse(self) -> Option<Datagram> {
        None
    }

    async fn answer(mut self, deadline: impl Future<Output = ()> + Send) -> (Option<Datagram>, Option<Work>) {
        tokio::select! {
            _ = self.machine.wait_for(|done| *done) => {}
            () = deadline => {}
        }
        (
            Some(Datagram {
                peer: self.peer,
                bytes: vec![self.name, b's'],
            }),
            None,
        )
    }
}

impl AsideWork for Work {
    fn limit(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn finish(self, _: impl Future<Output = ()> + Send) {}
}

/// A client; nothing here waits longer than ten seconds.
pub struct Client(pub UdpSocket);

impl Client {
    pub fn new(near: SocketAddr) -> Self {
        let any = if near.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(any).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(socket)
    }

    pub fn local(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    pub fn send(&self, to: SocketAddr, bytes: &[u8]) {
        self.0.send_to(bytes, to).unwrap();
    }

    /// The next datagram, and where from.
    pub fn receive(&self) -> (Vec<u8>, SocketAddr) {
        let mut bytes = [0; 2048];
        let (length, from) = self.0.recv_from(&mut bytes).unwrap();
        (bytes[..length].to_vec(), from)
    }

    /// Asks and expects the answer from the address that was asked.
    pub fn ask(&self, to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
        self.send(to, bytes);
        let (answer, from) = self.receive();
        assert_eq!(from, to);
        answer
    }
}

/// Waits until something is so, at most ten seconds.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// Runs a server on a thread of its own, with `workers` single-threaded runtimes.
pub fn runtimes(workers: usize) -> (Vec<tokio::runtime::Handle>, Vec<Stop>) {
    (0..workers)
        .map(|_| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let handle = runtime.handle().clone();
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let thread = std::thread::spawn(move || {
                let _ = runtime.block_on(stopped);
            });
            (
                handle,
                Stop {
                    _stop: stop,
                    _thread: thread,
                },
            )
        })
        .unzip()
}

/// Stops a runtime when dropped.
pub struct Stop {
    _stop: tokio::sync::oneshot::Sender<()>,
    _thread: std::thread::JoinHandle<()>,
}
