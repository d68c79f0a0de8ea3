//! A flood must not take a logged-in client's requests away.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod toy;

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ipmi_server::net::{NetConfig, Server};
use toy::{Client, Toy, eventually, runtimes};

/// Sends the same from one socket as fast as it goes, as long as `go` says so.
fn flood(to: SocketAddr, datagram: &[u8], go: &AtomicBool) {
    let socket = UdpSocket::bind((to.ip(), 0)).unwrap();
    socket.connect(to).unwrap();
    while go.load(Ordering::Relaxed) {
        let _ = socket.send(datagram);
    }
}

/// Ends floods when dropped, also when a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Requests of `client` that got no answer.
fn lost(client: &Client, to: SocketAddr, requests: usize) -> usize {
    client
        .0
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    (0..requests)
        .filter(|_| {
            client.send(to, b"echo");
            client.0.recv_from(&mut [0; 64]).is_err()
        })
        .count()
}

fn under_flood(server: &Server<Toy>, toy: &Toy, bmc: SocketAddr, datagram: &[u8]) {
    let client = Client::new(bmc);
    assert_eq!(client.ask(bmc, b"login").len(), 6);
    let before = server.metrics().snapshot().promotions;
    let go = AtomicBool::new(true);
    let stop = Stop(&go);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| flood(bmc, datagram, &go));
        }
        eventually("the client gets a socket of its own", || {
            server.metrics().snapshot().promotions > before
        });
        let lost = lost(&client, bmc, 500);
        drop(stop);
        assert!(lost <= 5, "{lost} of 500 requests lost");
    });
    // A second program is refused as before.
    assert!(UdpSocket::bind(bmc).is_err());
    // In calm times the listener serves everybody again, and nothing is lost on the way there.
    assert_eq!(lost(&client, bmc, 100), 0);
    toy.peers.lock().unwrap().clear();
    assert_eq!(lost(&client, bmc, 100), 0);
}

#[test]
fn a_logged_in_client_is_served_through_a_flood() {
    let mut config = NetConfig::default();
    config.receive_buffer = 1 << 16;
    config.calm_after = Duration::from_millis(500);
    // One that is dropped, and one that is answered.
    for (workers, datagram) in [(1, b"junk"), (2, b"junk"), (1, b"echo")] {
        let (handles, _stops) = runtimes(workers);
        let server = Server::on(handles, config.clone());
        let toy = Toy::new(b'A');
        let bmc = server.add(toy.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
        under_flood(&server, &toy, bmc.local_addr(), datagram);
        let shared = server.share("0.0.0.0:0".parse().unwrap()).unwrap();
        let toy = Toy::new(b'B');
        let bmc = shared.add(toy.clone(), [127, 0, 7, 1].into()).unwrap();
        under_flood(&server, &toy, bmc.local_addr(), datagram);
    }
}
