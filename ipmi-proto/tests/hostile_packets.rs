//! Packets that are cut, changed, out of place or repeated.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, not their helpers"
)]

mod support;

use core::time::Duration;

use ipmi_proto::crypto::CipherSuite;
use ipmi_proto::ipmb::{NetFn, RequestMessage};
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::packet::v2_0::{Header, PayloadType};
use ipmi_proto::session::DropReason;
use ipmi_proto::session::console::{Event, Protocol, SuiteChoice, TypeChoice};
use ipmi_proto::testing::{Direction, Forger, OEM_COUNT, OEM_ECHO, OEM_NETFN, Pair, PredictableRandom};
use ipmi_proto::wire::Writer;
use support::*;

/// Plays an exchange up to its `index`-th datagram, which `change` changes; then looks at what came of it.
///
/// The engines get the same random numbers each time, so up to there everything is as it was.
fn play(protocol: Protocol, seed: u64, index: usize, change: &mut dyn FnMut(&mut Vec<u8>)) -> Pair {
    let mut pair = Pair::new(with(protocol), users(), seed);
    pair.captures = true;
    let begun = pair.console.connect(pair.now, &mut pair.random);
    assert!(begun.is_ok());
    let mut buffer = [0; MAX_DATAGRAM];
    let mut next = 0;
    let mut did = 0;
    for _ in 0..200 {
        let mut idle = true;
        while let Some(length) = pair
            .console
            .poll_transmit(pair.now, &mut pair.random, &mut buffer)
        {
            idle = false;
            let mut datagram = buffer[..length].to_vec();
            if next == index {
                change(&mut datagram);
            }
            next += 1;
            let received = datagram.len();
            let reply = pair
                .bmc
                .handle_datagram(pair.now, pair.peer, &mut datagram, &mut buffer);
            let Some(length) = reply else {
                if next == index + 1 {
                    return pair;
                }
                continue;
            };
            assert!(length <= most_reply(received).max(MAX_DATAGRAM * usize::from(did > 0)));
            let mut datagram = buffer[..length].to_vec();
            if next == index {
                change(&mut datagram);
            }
            next += 1;
            let _ = pair
                .console
                .handle_datagram(pair.now, &mut datagram, &mut pair.random);
            if next > index {
                return pair;
            }
        }
        while let Some(event) = pair.console.poll_event() {
            if let Event::ConnectFailed { reason } = event {
                panic!("{reason} before anything was changed");
            }
        }
        if pair.console.is_connected() && idle {
            did += 1;
            match did {
                1 => drop(
                    pair.console
                        .request_raw(pair.now, OEM_NETFN, OEM_COUNT, &[1, 2, 3])
                        .unwrap(),
                ),
                2 => drop(
                    pair.console
                        .request_raw(pair.now, OEM_NETFN, OEM_ECHO, &[1, 2, 3])
                        .unwrap(),
                ),
                _ => pair.console.close(pair.now),
            }
        } else if idle {
            break;
        }
    }
    pair
}

/// Protections with different handshakes and different codes.
fn protections() -> Vec<Protocol> {
    let suites = [2, 3, 12, 17].map(|number| Protocol::V2_0(SuiteChoice::Fixed(suite(number))));
    suites
        .into_iter()
        .chain([Protocol::V1_5(TypeChoice::Automatic)])
        .collect()
}

/// How many datagrams [`play`] has before it ends by itself.
fn played(protocol: Protocol) -> usize {
    let mut count = 0;
    // An index that is never reached.
    let pair = play(protocol, 1, usize::MAX, &mut |_| count += 1);
    assert_eq!(pair.bmc.machine.count, 1);
    pair.bmc.machine.log.len() * 2
        + if matches!(protocol, Protocol::V1_5(_)) {
            10
        } else {
            12
        }
}

#[test]
fn no_truncated_packet_does_anything() {
    for protocol in protections() {
        for index in 0..played(protocol) {
            let mut whole = 0;
            play(protocol, 2, index, &mut |datagram| whole = datagram.len());
            for length in 0..whole {
                let mut before = 0;
                let pair = play(protocol, 2, index, &mut |datagram| {
                    before = datagram.len();
                    datagram.truncate(length);
                });
                // A name that is cut off is a shorter message with a wrong length: nothing of it is obeyed.
                let dropped: u32 = pair.bmc.dropped.iter().sum();
                let refused = pair.bmc.sessions.open_sessions().count() == 0;
                assert!(
                    dropped > 0 || refused || index % 2 == 1,
                    "{protocol:?} {index} cut to {length} of {before}"
                );
            }
        }
    }
}

#[test]
fn no_flipped_bit_runs_a_command() {
    for protocol in protections() {
        let is_v1_5 = matches!(protocol, Protocol::V1_5(_));
        for index in 0..played(protocol) {
            let mut whole = 0;
            let plain = play(protocol, 3, index, &mut |datagram| whole = datagram.len());
            let runs_command = plain.bmc.machine.log.len() > logged_before(protocol, index);
            for bit in 0..whole * 8 {
                let pair = play(protocol, 3, index, &mut |datagram| {
                    datagram[bit / 8] ^= 1 << (bit % 8)
                });
                assert!(pair.bmc.machine.log.len() <= plain.bmc.machine.log.len());
                // The reserved byte and the sequence number of RMCP say nothing; the pad bits of an
                // authentication type neither. Everything else of a packet in a session is covered by its code.
                let outside = bit / 8 == 1 || bit / 8 == 2 || is_v1_5 && bit / 8 == 4 && bit % 8 >= 4;
                if runs_command && pair.bmc.machine.log.len() == plain.bmc.machine.log.len() {
                    assert!(
                        outside,
                        "{protocol:?}: packet {index} runs with bit {bit} flipped"
                    );
                }
            }
        }
    }
}

fn logged_before(protocol: Protocol, index: usize) -> usize {
    match index.checked_sub(1) {
        Some(before) => play(protocol, 3, before, &mut |_| ()).bmc.machine.log.len(),
        None => 0,
    }
}

#[test]
fn a_captured_reset_resent_twenty_times_resets_once() {
    for protocol in all_protections() {
        let mut pair = connected(protocol, 4);
        pair.captures = true;
        let _ = pair.call(NetFn::CHASSIS, 0x02, &[0x03]);
        let reset = pair
            .captured
            .iter()
            .find(|packet| packet.direction == Direction::ToBmc);
        let reset = reset.unwrap().bytes.clone();
        for time in 0..20 {
            let mut reply = [0; MAX_DATAGRAM];
            let mut again = reset.clone();
            let _ = pair
                .bmc
                .handle_datagram(pair.now, pair.peer, &mut again, &mut reply);
            // From another address, too.
            let mut again = reset.clone();
            let reply = pair
                .bmc
                .handle_datagram(pair.now, Pair::peer(7), &mut again, &mut reply);
            assert_eq!(reply, None, "a replay from elsewhere is answered");
            pair.now = pair.now + Duration::from_secs(time);
            if time == 10 {
                // The window moves on.
                for _ in 0..40 {
                    let _ = pair.call(OEM_NETFN, OEM_COUNT, &[]);
                }
            }
        }
        assert_eq!(pair.bmc.machine.power_actions, [0x03], "{protocol:?}");
    }
}

#[test]
fn a_whole_session_resent_does_nothing() {
    for protocol in all_protections() {
        let (mut pair, captured) = exchange(protocol, 5);
        let count = pair.bmc.machine.count;
        let mut reply = [0; MAX_DATAGRAM];
        for packet in captured {
            let mut bytes = packet.bytes.clone();
            let _ = pair
                .bmc
                .handle_datagram(pair.now, pair.peer, &mut bytes, &mut reply);
            let mut bytes = packet.bytes.clone();
            let _ = pair
                .console
                .handle_datagram(pair.now, &mut bytes, &mut pair.random);
        }
        assert_eq!(pair.bmc.machine.count, count);
        assert_eq!(pair.bmc.sessions.open_sessions().count(), 0);
        assert_eq!(pair.console.poll_event(), None);
    }
}

#[test]
fn packets_in_the_wrong_phase_do_nothing() {
    for protocol in protections() {
        let (_, captured) = exchange(protocol, 6);
        // Every packet as the first, second, … of a login that goes on undisturbed.
        for index in 0..12 {
            let mut pair = Pair::new(with(protocol), users(), 60);
            let begun = pair.console.connect(pair.now, &mut pair.random);
            assert!(begun.is_ok());
            let mut buffer = [0; MAX_DATAGRAM];
            for round in 0..30 {
                if round == index {
                    for packet in &captured {
                        let _ = pair.bmc.handle_datagram(
                            pair.now,
                            Pair::peer(9),
                            &mut packet.bytes.clone(),
                            &mut buffer,
                        );
                        if packet.direction == Direction::ToBmc {
                            let _ = pair.console.handle_datagram(
                                pair.now,
                                &mut packet.bytes.clone(),
                                &mut pair.random,
                            );
                        }
                    }
                    assert_eq!(pair.bmc.machine.log.len(), 0);
                }
                let Some(length) = pair
                    .console
                    .poll_transmit(pair.now, &mut pair.random, &mut buffer)
                else {
                    break;
                };
                let mut datagram = buffer[..length].to_vec();
                let reply = pair
                    .bmc
                    .handle_datagram(pair.now, pair.peer, &mut datagram, &mut buffer);
                if let Some(length) = reply {
                    let _ = pair
                        .console
                        .handle_datagram(pair.now, &mut buffer[..length], &mut pair.random);
                }
            }
            assert!(
                pair.console.is_connected(),
                "{protocol:?}, disturbed after {index}"
            );
        }
    }
}

/// A session and its keys.
fn forged(number: u8, seed: u64) -> (Pair, Forger) {
    let mut pair = Pair::new(with_suite(number), users(), seed);
    pair.captures = true;
    assert_connected(&pair.connect());
    let forger = Forger::from_login(&pair.captured, &password(PASSWORD), None).unwrap();
    (pair, forger)
}

fn message(pair: &mut Pair, forger: &Forger) -> (Header, Vec<u8>) {
    pair.captured.clear();
    let _ = pair.call(OEM_NETFN, OEM_COUNT, &[]);
    let sent = pair
        .captured
        .iter()
        .find(|packet| packet.direction == Direction::ToBmc)
        .unwrap();
    forger.open(&sent.bytes).unwrap()
}

#[test]
fn only_protected_packets_are_taken_in_a_session() {
    for suite in CipherSuite::ALL {
        let (mut pair, forger) = forged(suite.id.0, 7);
        let (header, payload) = message(&mut pair, &forger);
        assert_eq!(pair.bmc.machine.count, 1);
        let flags = [(false, false), (false, true), (true, false), (true, true)];
        for ((encrypted, authenticated), sequence) in flags.into_iter().zip(header.sequence + 1..) {
            let right = (encrypted, authenticated) == (header.encrypted, header.authenticated);
            let mut forged_message = payload.clone();
            // Another rqSeq, or it would be a retry; and the checksum that belongs to it.
            forged_message[4] = forged_message[4].wrapping_add(4);
            let last = forged_message.len() - 1;
            forged_message[last] = forged_message[last].wrapping_sub(4);
            let header = Header {
                encrypted,
                authenticated,
                sequence,
                ..header
            };
            let mut datagram = forger.seal_with(&header, &forged_message).unwrap();
            let before = pair.bmc.machine.count;
            let mut reply = [0; MAX_DATAGRAM];
            let _ = pair
                .bmc
                .handle_datagram(pair.now, pair.peer, &mut datagram, &mut reply);
            assert_eq!(
                pair.bmc.machine.count - before,
                u32::from(right),
                "{suite:?} {header:?}"
            );
        }
    }
}

#[test]
fn the_window_moves_only_for_packets_with_a_right_code() {
    let (mut pair, forger) = forged(17, 8);
    let (header, payload) = message(&mut pair, &forger);
    let mut reply = [0; MAX_DATAGRAM];
    for ahead in 1..=15 {
        let header = Header {
            sequence: header.sequence + ahead,
            ..header
        };
        let mut datagram = forger.seal_with(&header, &payload).unwrap();
        let last = datagram.len() - 1;
        datagram[last] ^= 1;
        let length = pair
            .bmc
            .handle_datagram(pair.now, pair.peer, &mut datagram, &mut reply);
        assert_eq!(length, None);
    }
    assert_eq!(pair.bmc.dropped_for(DropReason::BadAuthCode), 15);
    let Ok(Event::Response { .. }) = pair.call(OEM_NETFN, OEM_COUNT, &[]) else {
        panic!("the session does not go on");
    };
    assert_eq!(pair.bmc.machine.count, 2);
}

#[test]
fn payloads_behind_a_right_code_are_checked_all_the_same() {
    let (mut pair, forger) = forged(17, 9);
    let (header, payload) = message(&mut pair, &forger);
    let mut reply = [0; MAX_DATAGRAM];
    let mut random = PredictableRandom::new(9);
    for (round, sequence) in (0..3_000).zip(header.sequence + 1..) {
        let header = Header { sequence, ..header };
        let mut body = payload.clone();
        let datagram = match round % 3 {
            0 => {
                let index = random.below(body.len() as u64) as usize;
                body[index] ^= 1 << random.below(8);
                forger.seal_with(&header, &body)
            }
            1 => {
                body.truncate(random.below(body.len() as u64) as usize);
                forger.seal_with(&header, &body)
            }
            // Wrong padding, or not even whole blocks.
            _ => {
                let length = random.below(80) as usize;
                body = (0..length).map(|_| random.next() as u8).collect();
                forger.seal_body(&header, &body)
            }
        };
        let length = pair
            .bmc
            .handle_datagram(pair.now, pair.peer, &mut datagram.unwrap(), &mut reply);
        assert_eq!(length, None, "round {round}");
    }
    assert_eq!(pair.bmc.machine.count, 1);
    assert_eq!(pair.bmc.sessions.open_sessions().count(), 1);
}

#[test]
fn handshake_payloads_inside_a_session_do_nothing() {
    let (mut pair, forger) = forged(17, 10);
    let (header, payload) = message(&mut pair, &forger);
    let mut reply = [0; MAX_DATAGRAM];
    for kind in 0..=0x3f {
        if matches!(PayloadType(kind), PayloadType::IPMI | PayloadType::SOL) {
            continue;
        }
        let sequence = header.sequence + 1 + u32::from(kind);
        let datagram = forger.seal(Direction::ToBmc, PayloadType(kind), sequence, &payload);
        let length = pair
            .bmc
            .handle_datagram(pair.now, pair.peer, &mut datagram.unwrap(), &mut reply);
        assert_eq!(length, None, "payload type {kind:02x}");
    }
    assert_eq!(pair.bmc.machine.count, 1);
}

#[test]
fn nothing_but_the_allowed_commands_outside_of_a_session() {
    let mut pair = Pair::new(config(), users(), 11);
    for netfn in (0..0x3f).step_by(2) {
        for command in 0..=0xff {
            for length in [0, 2, 3, 24] {
                let mut message = [0; 64];
                let mut writer = Writer::new(&mut message);
                let header = ipmi_proto::ipmb::RequestHeader {
                    responder: 0x20,
                    netfn: NetFn(netfn),
                    responder_lun: ipmi_proto::ipmb::Lun::BMC,
                    requester: 0x81,
                    requester_lun: ipmi_proto::ipmb::Lun::BMC,
                    sequence: ipmi_proto::ipmb::RequestSequence::new(1),
                    command,
                };
                let data = &[0x0e; 24][..length];
                RequestMessage { header, data }.write(&mut writer).unwrap();
                let message = writer.written();
                let length = message.len() as u8;
                let v1_5 = [&[6, 0, 0xff, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, length][..], message].concat();
                let v2_0 = [
                    &[6, 0, 0xff, 7, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, length, 0][..],
                    message,
                ]
                .concat();
                for mut datagram in [v1_5, v2_0] {
                    let mut reply = [0; MAX_DATAGRAM];
                    let sent = datagram.len();
                    let length = pair
                        .bmc
                        .handle_datagram(pair.now, pair.peer, &mut datagram, &mut reply);
                    let allowed = matches!((netfn, command), (0x06, 0x37..=0x39 | 0x54) | (0x04, 0x17));
                    assert!(
                        allowed || length.is_none(),
                        "{netfn:02x} {command:02x} is answered"
                    );
                    assert!(length.unwrap_or_default() <= most_reply(sent));
                }
            }
        }
    }
    // What was left to the application: acknowledges of alerts.
    assert!(
        pair.bmc
            .machine
            .log
            .iter()
            .all(|executed| executed.command == 0x17 && executed.session.is_none())
    );
}
