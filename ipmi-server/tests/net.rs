//! The driver on loopback, with a toy in place of a BMC.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod toy;

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipmi_proto::session::Peer;
use ipmi_server::metrics::Loss;
use ipmi_server::net::{NetConfig, Server};
use toy::{Client, Stop, Toy, eventually, runtimes};

const LIMIT: Duration = Duration::from_secs(10);

fn server(workers: usize, config: NetConfig) -> (Server<Toy>, Vec<Stop>) {
    let (handles, stops) = runtimes(workers);
    (Server::on(handles, config), stops)
}

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// Waits for what belongs to no runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, future).await.expect("in time") })
}

#[test]
fn a_socket_for_each_bmc() {
    let (server, _stops) = server(2, NetConfig::default());
    for address in ["127.0.0.1:0", "127.0.0.3:0", "[::1]:0"] {
        let bmc = server.add(Toy::new(b'A'), at(address)).unwrap();
        let client = Client::new(bmc.local_addr());
        assert_eq!(client.ask(bmc.local_addr(), b"echo"), b"Aecho");
    }
    eventually("all is counted", || {
        let traffic = server.metrics().snapshot().traffic;
        (traffic.datagrams_in, traffic.bytes_out) == (3, 15)
    });
}

#[test]
fn one_socket_answers_from_the_address_that_was_asked() {
    for workers in [1, 2] {
        let (server, _stops) = server(workers, NetConfig::default());
        let shared = server.share(at("0.0.0.0:0")).unwrap();
        let addresses: Vec<IpAddr> = (1..=20).map(|host| IpAddr::from([127, 0, 1, host])).collect();
        let names = (b'a'..).zip(&addresses);
        let bmcs: Vec<_> = names
            .map(|(name, address)| shared.add(Toy::new(name), *address).unwrap())
            .collect();
        for (name, bmc) in (b'a'..).zip(&bmcs) {
            let client = Client::new(bmc.local_addr());
            assert_eq!(client.ask(bmc.local_addr(), b"e"), [name, b'e']);
        }
        let nobody = SocketAddr::new([127, 0, 1, 21].into(), shared.local_addr().port());
        Client::new(nobody).send(nobody, b"e");
        eventually("the datagram to nobody is counted", || {
            server
                .metrics()
                .snapshot()
                .losses
                .contains(&(Loss::NoSuchAddress, 1))
        });
        assert_eq!(
            shared.add(Toy::new(b'x'), addresses[0]).unwrap_err().kind(),
            ErrorKind::AddrInUse
        );
        assert_eq!(
            shared.add(Toy::new(b'x'), at("[::1]:0").ip()).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
}

#[test]
fn one_socket_of_ipv6() {
    let (server, _stops) = server(1, NetConfig::default());
    let shared = server.share(at("[::]:0")).unwrap();
    let bmc = shared.add(Toy::new(b'6'), at("[::1]:0").ip()).unwrap();
    let client = Client::new(bmc.local_addr());
    assert_eq!(client.ask(bmc.local_addr(), b"echo"), b"6echo");
}

#[test]
fn one_bmc_at_all_addresses_answers_from_the_asked_one() {
    let (server, _stops) = server(1, NetConfig::default());
    let bmc = server.add(Toy::new(b'A'), at("0.0.0.0:0")).unwrap();
    for host in 1..5 {
        let asked = SocketAddr::new([127, 0, 2, host].into(), bmc.local_addr().port());
        assert_eq!(Client::new(asked).ask(asked, b"e"), b"Ae");
    }
    let address = bmc.local_addr();
    block_on(bmc.remove());
    std::net::UdpSocket::bind(address).expect("the address is free");
}

#[test]
fn a_slow_machine_delays_nobody() {
    let (server, _stops) = server(1, NetConfig::default());
    let shared = server.share(at("0.0.0.0:0")).unwrap();
    let (slow, quick) = (Toy::new(b'S'), Toy::new(b'Q'));
    for place in ["own", "shared"] {
        let (slow_bmc, quick_bmc) = match place {
            "own" => (
                server.add(slow.clone(), at("127.0.0.1:0")).unwrap(),
                server.add(quick.clone(), at("127.0.0.1:0")).unwrap(),
            ),
            _ => (
                shared.add(slow.clone(), [127, 0, 3, 1].into()).unwrap(),
                shared.add(quick.clone(), [127, 0, 3, 2].into()).unwrap(),
            ),
        };
        slow.machine.send_replace(false);
        let client = Client::new(slow_bmc.local_addr());
        client.send(slow_bmc.local_addr(), b"s");
        for _ in 0..100 {
            assert_eq!(client.ask(quick_bmc.local_addr(), b"e"), b"Qe");
            assert_eq!(client.ask(slow_bmc.local_addr(), b"e"), b"Se");
        }
        slow.machine.send_replace(true);
        assert_eq!(client.receive(), (b"Ss".to_vec(), slow_bmc.local_addr()));
    }
}

#[test]
fn commands_in_flight_are_bounded() {
    let mut config = NetConfig::default();
    config.commands_in_flight = 3;
    let (server, _stops) = server(1, config);
    let toy = Toy::new(b'A');
    let bmc = server.add(toy.clone(), at("127.0.0.1:0")).unwrap();
    let client = Client::new(bmc.local_addr());
    for _ in 0..5 {
        client.send(bmc.local_addr(), b"s");
    }
    assert_eq!(client.ask(bmc.local_addr(), b"e"), b"Ae");
    assert!(server.metrics().snapshot().losses.contains(&(Loss::Overload, 2)));
    toy.machine.send_replace(true);
    for _ in 0..3 {
        assert_eq!(client.receive().0, b"As");
    }
    eventually("there is room again", || {
        client.send(bmc.local_addr(), b"s");
        toy.machine.receiver_count() == 0
    });
}

#[test]
fn a_bmc_sends_by_itself_and_on_time() {
    let (server, _stops) = server(2, NetConfig::default());
    let shared = server.share(at("0.0.0.0:0")).unwrap();
    let toys = [Toy::new(b'A'), Toy::new(b'B'), Toy::new(b'C')];
    let bmcs = [
        server.add(toys[0].clone(), at("127.0.0.1:0")).unwrap(),
        shared.add(toys[1].clone(), [127, 0, 4, 1].into()).unwrap(),
        shared.add(toys[2].clone(), [127, 0, 4, 2].into()).unwrap(),
    ];
    for (toy, bmc) in toys.iter().zip(&bmcs) {
        let client = Client::new(bmc.local_addr());
        toy.transmit(Peer {
            remote: client.local(),
            local: bmc.local_addr(),
        });
        assert_eq!(client.receive(), (vec![toy.name], bmc.local_addr()));
        let asked = std::time::Instant::now();
        client.send(bmc.local_addr(), b"t");
        assert_eq!(client.receive(), (vec![toy.name], bmc.local_addr()));
        assert!(asked.elapsed() >= Duration::from_millis(20));
    }
}

#[test]
fn two_servers_on_one_port_are_refused() {
    let (first, _first) = server(2, NetConfig::default());
    let (second, _second) = server(2, NetConfig::default());
    let own = first.add(Toy::new(b'A'), at("127.0.0.1:0")).unwrap();
    let again = second.add(Toy::new(b'B'), own.local_addr()).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AddrInUse);
    let shared = first.share(at("0.0.0.0:0")).unwrap();
    let again = second.share(shared.local_addr()).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AddrInUse);
}

#[test]
fn a_bmc_can_be_removed_and_added_again() {
    let (server, _stops) = server(1, NetConfig::default());
    let toy = Toy::new(b'A');
    let mut address = at("127.0.0.1:0");
    for _ in 0..3 {
        let bmc = server.add(toy.clone(), address).unwrap();
        address = bmc.local_addr();
        // Its machine is still at work when the address is free again.
        let client = Client::new(address);
        client.send(address, b"s");
        assert_eq!(client.ask(address, b"e"), b"Ae");
        block_on(bmc.remove());
    }
    let shared = server.share(at("0.0.0.0:0")).unwrap();
    for name in [b'B', b'C'] {
        let bmc = shared.add(Toy::new(name), [127, 0, 5, 1].into()).unwrap();
        assert_eq!(
            Client::new(bmc.local_addr()).ask(bmc.local_addr(), b"e"),
            [name, b'e']
        );
        block_on(bmc.remove());
    }
    let address = shared.local_addr();
    block_on(shared.close());
    std::net::UdpSocket::bind(address).expect("the address is free");
}

#[test]
fn shutdown_lets_commands_end_within_the_limit() {
    let (server, _stops) = server(2, NetConfig::default());
    let toy = Toy::new(b'A');
    let bmc = server.add(toy.clone(), at("127.0.0.1:0")).unwrap();
    let client = Client::new(bmc.local_addr());
    client.send(bmc.local_addr(), b"s");
    eventually("the command runs", || toy.machine.receiver_count() == 1);
    let ending = std::thread::spawn(move || {
        block_on(server.shutdown(LIMIT));
        server
    });
    eventually("nothing is taken in any more", || {
        client
            .0
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        client.send(bmc.local_addr(), b"e");
        client.0.recv_from(&mut [0; 16]).is_err()
    });
    toy.machine.send_replace(true);
    client.0.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(client.receive().0, b"As");
    let server = ending.join().unwrap();
    std::net::UdpSocket::bind(bmc.local_addr()).expect("the address is free");
    assert!(server.add(toy, bmc.local_addr()).is_err(), "the server has ended");
}

#[test]
fn shutdown_gives_up_what_takes_too_long() {
    let (server, _stops) = server(1, NetConfig::default());
    let toy = Toy::new(b'A');
    let bmc = server.add(toy.clone(), at("127.0.0.1:0")).unwrap();
    Client::new(bmc.local_addr()).send(bmc.local_addr(), b"s");
    eventually("the command runs", || toy.machine.receiver_count() == 1);
    block_on(server.shutdown(Duration::from_millis(10)));
    eventually("the command is gone", || toy.machine.receiver_count() == 0);
}

#[test]
fn datagrams_that_cannot_be_ipmi_are_counted() {
    let (server, _stops) = server(1, NetConfig::default());
    let shared = server.share(at("0.0.0.0:0")).unwrap();
    let bmcs = [
        server.add(Toy::new(b'A'), at("127.0.0.1:0")).unwrap(),
        shared.add(Toy::new(b'B'), [127, 0, 6, 1].into()).unwrap(),
    ];
    for bmc in &bmcs {
        let client = Client::new(bmc.local_addr());
        client.send(bmc.local_addr(), &[b'e'; 5000]);
        client.send(bmc.local_addr(), b"");
        assert_eq!(client.ask(bmc.local_addr(), b"e").len(), 2);
    }
    assert!(server.metrics().snapshot().losses.contains(&(Loss::TooLong, 2)));
}

#[test]
fn a_datagram_that_wants_an_acknowledge_gets_one() {
    let (server, _stops) = server(1, NetConfig::default());
    let shared = server.share(at("0.0.0.0:0")).unwrap();
    let bmcs = [
        server.add(Toy::new(b'A'), at("127.0.0.1:0")).unwrap(),
        shared.add(Toy::new(b'B'), [127, 0, 8, 1].into()).unwrap(),
    ];
    for bmc in &bmcs {
        let client = Client::new(bmc.local_addr());
        assert_eq!(client.ask(bmc.local_addr(), &[6, 0, 5, 7]), [6, 0, 5, 0x87]);
        client.send(bmc.local_addr(), &[6, 0, 0xff, 7]);
        assert_eq!(client.ask(bmc.local_addr(), b"e").len(), 2);
    }
}

#[test]
fn ten_thousand_bmcs_start_within_a_second() {
    let (server, _stops) = server(2, NetConfig::default());
    let began = std::time::Instant::now();
    let shared = server.share(at("0.0.0.0:0")).unwrap();
    for number in 0..10_000_u16 {
        let [high, low] = number.to_be_bytes();
        shared.add(Toy::new(b'A'), [127, 1, high, low].into()).unwrap();
    }
    // As many sockets as any limit of open files allows.
    let own: Vec<_> = (0..500)
        .map(|_| server.add(Toy::new(b'B'), at("127.0.0.1:0")).unwrap())
        .collect();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let last = SocketAddr::new([127, 1, 39, 15].into(), shared.local_addr().port());
    assert_eq!(Client::new(last).ask(last, b"e"), b"Ae");
    assert_eq!(Client::new(last).ask(own[499].local_addr(), b"e"), b"Be");
}
