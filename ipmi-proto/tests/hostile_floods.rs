//! Floods, limits, time-outs: what many peers, or one with much patience, can do to a BMC.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, not their helpers"
)]

mod support;

use core::time::Duration;

use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::session::console::{Console, Event, Protocol, SuiteChoice, TypeChoice};
use ipmi_proto::session::managed::Limits;
use ipmi_proto::session::{AuthTypes, CloseReason, Event as BmcEvent};
use ipmi_proto::testing::{OEM_ECHO, OEM_NETFN, Pair, PredictableRandom, Users};
use support::*;

#[test]
fn a_flood_of_half_open_sessions_leaves_room() {
    let mut pair = Pair::new(config(), users(), 12);
    assert_connected(&pair.connect());
    for (round, distinct) in [(1_000, false), (1_000, true)] {
        for number in 0..round {
            let mut flooder = Console::new(config());
            flooder.connect(pair.now, &mut pair.random).unwrap();
            let peer = if distinct {
                Pair::peer(1_000 + number)
            } else {
                Pair::peer(2)
            };
            // Up to RAKP 1, and no further.
            let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
            for _ in 0..4 {
                let Some(length) = flooder.poll_transmit(pair.now, &mut pair.random, &mut request) else {
                    break;
                };
                let length = pair
                    .bmc
                    .handle_datagram(pair.now, peer, &mut request[..length], &mut reply);
                if let Some(length) = length {
                    let _ = flooder.handle_datagram(pair.now, &mut reply[..length], &mut pair.random);
                }
            }
        }
        // The client that is logged in goes on, and another one can log in, from the same address as well.
        let Ok(Event::Response { response, .. }) = pair.call(OEM_NETFN, OEM_ECHO, b"alive") else {
            panic!("the open session does not answer");
        };
        assert_eq!(response.completion, CompletionCode::OK);
        for peer in [Pair::peer(2), Pair::peer(3)] {
            let mut console = Console::new(config());
            console.connect(pair.now, &mut pair.random).unwrap();
            pair.exchange(&mut console, peer);
            assert!(console.is_connected());
        }
    }
    assert!(
        !pair
            .bmc
            .events
            .iter()
            .any(|event| matches!(event, BmcEvent::Closed { .. }))
    );
}

#[test]
fn open_sessions_are_bounded_and_none_is_pushed_out() {
    let limits = Limits {
        sessions: 4,
        ..Limits::default()
    };
    let mut pair = Pair::with_limits(config(), users(), limits, 13);
    assert_connected(&pair.connect());
    let mut consoles = Vec::new();
    for number in 0..10 {
        let mut console = Console::new(config());
        console.connect(pair.now, &mut pair.random).unwrap();
        pair.exchange(&mut console, Pair::peer(100 + number));
        consoles.push(console);
    }
    assert_eq!(
        consoles.iter().filter(|console| console.is_connected()).count(),
        3
    );
    assert_eq!(pair.bmc.sessions.open_sessions().count(), 4);
    assert!(pair.call(OEM_NETFN, OEM_ECHO, &[]).is_ok());
    // A place that becomes free can be taken.
    pair.close();
    let mut console = Console::new(config());
    console.connect(pair.now, &mut pair.random).unwrap();
    pair.exchange(&mut console, Pair::peer(200));
    assert!(console.is_connected());
}

#[test]
fn a_user_has_no_more_sessions_than_allowed() {
    let mut users = users();
    users.users[0].session_limit = Some(2);
    let mut pair = Pair::new(config(), users, 14);
    assert_connected(&pair.connect());
    for (number, works) in [(1, true), (2, false), (3, false)] {
        let mut console = Console::new(config());
        console.connect(pair.now, &mut pair.random).unwrap();
        pair.exchange(&mut console, Pair::peer(100 + number));
        assert_eq!(console.is_connected(), works);
    }
}

#[test]
fn silent_sessions_end_after_a_minute() {
    for protocol in [config().protocol, Protocol::V1_5(TypeChoice::Automatic)] {
        let mut pair = connected(protocol, 15);
        pair.run_for(Duration::from_secs(59));
        assert!(pair.call(OEM_NETFN, OEM_ECHO, &[]).is_ok());
        pair.run_for(Duration::from_secs(59));
        assert_eq!(pair.bmc.sessions.open_sessions().count(), 1);
        pair.run_for(Duration::from_secs(2));
        assert_eq!(pair.bmc.sessions.open_sessions().count(), 0);
        let closed = pair.bmc.events.last();
        assert!(
            matches!(
                closed,
                Some(BmcEvent::Closed {
                    reason: CloseReason::Timeout,
                    ..
                })
            ),
            "{closed:?}"
        );
        let Ok(Event::TimedOut { .. }) = pair.call(OEM_NETFN, OEM_ECHO, &[]) else {
            panic!("an ended session answers");
        };
    }
}

#[test]
fn half_open_sessions_end() {
    let mut pair = Pair::new(config(), users(), 16);
    let mut console = Console::new(with_suite(17));
    console.connect(pair.now, &mut pair.random).unwrap();
    let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
    for _ in 0..3 {
        let length = console
            .poll_transmit(pair.now, &mut pair.random, &mut request)
            .unwrap();
        let length = pair
            .bmc
            .handle_datagram(pair.now, pair.peer, &mut request[..length], &mut reply);
        let reply = &mut reply[..length.unwrap()];
        assert_eq!(console.handle_datagram(pair.now, reply, &mut pair.random), None);
    }
    assert!(pair.bmc.poll_timeout().is_some());
    pair.now = pair.now + Duration::from_secs(21);
    pair.bmc.handle_timeout(pair.now);
    assert_eq!(pair.bmc.poll_timeout(), None, "nothing is left of the login");
    let length = console
        .poll_transmit(pair.now, &mut pair.random, &mut request)
        .unwrap();
    let _ = pair
        .bmc
        .handle_datagram(pair.now, pair.peer, &mut request[..length], &mut reply);
    assert_eq!(pair.bmc.sessions.open_sessions().count(), 0);
}

#[test]
fn safe_defaults_refuse_what_is_dangerous() {
    let mut users = Users::permissive(NAME, password(PASSWORD));
    users.suites = vec![
        ipmi_proto::crypto::CipherSuiteId(3),
        ipmi_proto::crypto::CipherSuiteId(17),
    ];
    users.channel.auth_types = [AuthTypes::MD5; 5];
    for protocol in all_protections() {
        let allowed = match protocol {
            Protocol::V2_0(SuiteChoice::Fixed(suite)) => matches!(suite.id.0, 3 | 17),
            Protocol::V1_5(TypeChoice::Fixed(kind)) => kind.mask() == AuthTypes::MD5.bits(),
            _ => unreachable!(),
        };
        let mut console = Console::new(with(protocol));
        let mut pair = Pair::new(
            config(),
            Users {
                users: Vec::new(),
                ..support::users()
            },
            17,
        );
        core::mem::swap(&mut pair.bmc.users, &mut users);
        console.connect(pair.now, &mut pair.random).unwrap();
        pair.exchange(&mut console, Pair::peer(1));
        assert_eq!(console.is_connected(), allowed, "{protocol:?}");
        core::mem::swap(&mut pair.bmc.users, &mut users);
    }
}

#[test]
fn random_and_mutated_datagrams_do_nothing() {
    let mut pair = connected(config().protocol, 18);
    let (_, captured) = exchange(config().protocol, 19);
    let (_, older) = exchange(Protocol::V1_5(TypeChoice::Automatic), 20);
    let mut random = PredictableRandom::new(21);
    let mut reply = [0; MAX_DATAGRAM];
    let executed = pair.bmc.machine.log.len();
    let mut datagram = Vec::new();
    for _ in 0..300_000 {
        datagram.clear();
        if random.happens(300) {
            let length = random.below(100);
            datagram.extend((0..length).map(|_| random.next() as u8));
            // As far as the session header.
            for (byte, value) in datagram.iter_mut().zip([6, 0, 0xff, 7]) {
                *byte = value;
            }
        } else {
            let source = if random.happens(500) { &captured } else { &older };
            let index = random.below(source.len() as u64) as usize;
            datagram.extend_from_slice(&source[index].bytes);
            for _ in 0..=random.below(4) {
                let index = random.below(datagram.len() as u64) as usize;
                datagram[index] = random.next() as u8;
            }
        }
        let sent = datagram.len();
        let length = pair
            .bmc
            .handle_datagram(pair.now, Pair::peer(5), &mut datagram.clone(), &mut reply);
        assert!(length.unwrap_or_default() <= most_reply(sent));
        let _ = pair
            .console
            .handle_datagram(pair.now, &mut datagram, &mut pair.random);
        pair.now = pair.now + Duration::from_micros(10);
    }
    assert_eq!(pair.bmc.machine.log.len(), executed);
    assert_eq!(pair.bmc.sessions.open_sessions().count(), 1);
    let Ok(Event::Response { .. }) = pair.call(OEM_NETFN, OEM_ECHO, &[]) else {
        panic!("the session does not go on");
    };
}
