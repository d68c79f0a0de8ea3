//! Behind authentication: packets of the fuzzer's making, sealed with the keys of a session.

use ipmi_proto::crypto::Password;
use ipmi_proto::ipmb::{BMC_ADDRESS, CONSOLE_SOFTWARE_ID, NetFn};
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::packet::v2_0::{Header, PayloadType};
use ipmi_proto::session::console::{Event, Protocol};
use ipmi_proto::testing::{Direction, Forger, OEM_NETFN, Pair};
use ipmi_proto::wire::checksum;

use crate::input::Input;
use crate::managed_ops::{PASSWORD, config, users};

const MAX_OPERATIONS: usize = 64;

/// A message with right checksums around the fuzzer's bytes.
fn message(direction: Direction, netfn: u8, sequence: u8, command: u8, data: &[u8]) -> Vec<u8> {
    let (to, from) = match direction {
        Direction::ToBmc => (BMC_ADDRESS, CONSOLE_SOFTWARE_ID),
        Direction::ToConsole => (CONSOLE_SOFTWARE_ID, BMC_ADDRESS),
    };
    let head = [to, netfn];
    let tail = [&[from, sequence, command], data].concat();
    [&head[..], &[checksum(&head)], &tail, &[checksum(&tail)]].concat()
}

fn forge(forger: &Forger, input: &mut Input<'_>, sequences: &mut [u32; 2]) -> Option<(Direction, Vec<u8>)> {
    let choice = input.byte();
    let direction = if choice & 1 == 0 {
        Direction::ToBmc
    } else {
        Direction::ToConsole
    };
    // Forward as a rule, now and then back or far away.
    let sequence = &mut sequences[usize::from(choice & 1)];
    *sequence = sequence.wrapping_add(1);
    let used = match choice >> 1 & 7 {
        7 => sequence.wrapping_add(u32::from(input.byte())).wrapping_sub(100),
        _ => *sequence,
    };
    let session = match direction {
        Direction::ToBmc => forger.bmc_session,
        Direction::ToConsole => forger.console_session,
    };
    let datagram = match choice >> 4 & 7 {
        0..=3 => {
            let (netfn, number, command) = (input.byte(), input.byte(), input.byte());
            let plain = message(direction, netfn, number, command, input.string());
            forger.seal(direction, PayloadType::IPMI, used, &plain)
        }
        4 => forger.seal(direction, PayloadType::SOL, used, input.string()),
        5 => forger.seal(direction, PayloadType(input.byte() & 0x3f), used, input.string()),
        6 => {
            let flags = input.byte();
            let header = Header {
                encrypted: flags & 1 != 0,
                authenticated: flags & 2 != 0,
                payload_type: PayloadType(flags >> 2 & 1),
                oem: None,
                session,
                sequence: used,
            };
            forger.seal_body(&header, input.string())
        }
        _ => forger.seal(direction, PayloadType::IPMI, used, input.string()),
    };
    Some((direction, datagram?))
}

/// A session, and then whatever the fuzzer wants to say in it.
pub fn pair_mutate(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(config) = config(input.byte()).filter(|config| matches!(config.protocol, Protocol::V2_0(_)))
    else {
        return;
    };
    let (Some(users), Ok(password)) = (users(), Password::new(PASSWORD)) else {
        return;
    };
    let mut pair = Pair::new(config, users, 1);
    pair.captures = true;
    assert!(matches!(pair.connect(), Event::Connected { .. }));
    let forger = Forger::from_login(&pair.captured, &password, None).expect("there was a login");
    pair.captures = false;
    // Requests that wait for their answers, which may be forged.
    for command in 0..4 {
        let _ = pair
            .console
            .request_raw(pair.now, NetFn(OEM_NETFN.0 + 2), command, &[]);
    }
    let mut reply = [0; MAX_DATAGRAM];
    while let Some(length) = pair.console.poll_transmit(pair.now, &mut pair.random, &mut reply) {
        let _ = pair.bmc.handle_datagram(
            pair.now,
            Pair::peer(1),
            &mut reply[..length].to_vec(),
            &mut [0; MAX_DATAGRAM],
        );
    }
    let mut sequences = [20, 20];
    let mut ended = 0;
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        let Some((direction, mut datagram)) = forge(&forger, &mut input, &mut sequences) else {
            continue;
        };
        match direction {
            Direction::ToBmc => {
                let _ = pair
                    .bmc
                    .handle_datagram(pair.now, Pair::peer(1), &mut datagram, &mut reply);
            }
            Direction::ToConsole => {
                let _ = pair
                    .console
                    .handle_datagram(pair.now, &mut datagram, &mut pair.random);
                while let Some(event) = pair.console.poll_event() {
                    ended += u32::from(matches!(event, Event::Response { .. }));
                }
            }
        }
    }
    assert!(ended <= 4, "more answers than requests");
    assert!(pair.bmc.sessions.open_sessions().count() <= 1);
    for executed in &pair.bmc.machine.log {
        assert!(executed.session.is_some());
    }
}
