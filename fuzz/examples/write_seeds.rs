//! Writes seeds into the corpora: real packets, and a short list of operations for the targets that take one.
//!
//! `cargo run -p ipmi-fuzz --example write_seeds` after a change of a format.

use std::fs;
use std::path::Path;

use ipmi_proto::command;
use ipmi_proto::crypto::{CipherSuite, Password};
use ipmi_proto::packet::rmcp;
use ipmi_proto::packet::v2_0::{Layout, PayloadType};
use ipmi_proto::session::console::{ConsoleConfig, Protocol, SuiteChoice, TypeChoice};
use ipmi_proto::testing::{OEM_ECHO, OEM_NETFN, Pair, Users};

fn seed(target: &str, name: &str, bytes: &[u8]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(name), bytes).unwrap();
}

fn packets() {
    let suites = [0, 3, 17].map(|id| {
        Protocol::V2_0(SuiteChoice::Fixed(
            *CipherSuite::ALL.iter().find(|suite| suite.id.0 == id).unwrap(),
        ))
    });
    let protocols = [
        Protocol::V2_0(SuiteChoice::Automatic),
        Protocol::V1_5(TypeChoice::Automatic),
    ];
    for (index, protocol) in suites.into_iter().chain(protocols).enumerate() {
        let mut config = ConsoleConfig::new(b"admin", Password::new(b"secret").unwrap()).unwrap();
        config.protocol = protocol;
        let users = Users::permissive(b"admin", Password::new(b"secret").unwrap());
        let mut pair = Pair::new(config, users, 1);
        pair.captures = true;
        pair.connect();
        let _ = pair.call(OEM_NETFN, OEM_ECHO, b"seed");
        pair.close();
        for (number, packet) in pair.captured.iter().enumerate() {
            let name = format!("exchange-{index}-{number:02}");
            seed("datagram", &name, &packet.bytes);
            let body = &packet.bytes[rmcp::HEADER_LENGTH..];
            let Ok(layout) = Layout::parse(body) else {
                seed("message", &name, &body[10..]);
                continue;
            };
            let payload = &body[layout.payload];
            let kind = match layout.header.payload_type {
                PayloadType::OPEN_SESSION_REQUEST => 0,
                PayloadType::OPEN_SESSION_RESPONSE => 1,
                PayloadType::RAKP_1 => 2,
                PayloadType::RAKP_2 => 3,
                PayloadType::RAKP_3 => 4,
                PayloadType::RAKP_4 => 5,
                _ if !layout.header.encrypted => {
                    seed("message", &name, payload);
                    continue;
                }
                _ => continue,
            };
            seed("handshake", &name, &[&[kind], payload].concat());
        }
    }
}

/// What Net-SNMP 5.9.3 sends for `snmptrap -v 1` with the variable of a platform event trap.
fn trap() {
    let variable = "33221100554477668899aabbccddeeff010236a1b2c3ffff2020102030030157beb40000000000190000a2b81234c548656c6c6fc1";
    let trap = format!(
        "307202010004067075626c6963a465060\
         92b06010401986f01014004c00002010201060203010187430301e24030453043060a2b06010401986f0101010435{variable}"
    );
    let byte = |at: usize| u8::from_str_radix(&trap[at..at + 2], 16).unwrap();
    let bytes: Vec<_> = (0..trap.len()).step_by(2).map(byte).collect();
    seed("datagram", "trap", &bytes);
}

fn commands() {
    for (index, spec) in command::all().enumerate() {
        let index = u16::try_from(index).unwrap().to_le_bytes();
        let bytes = [&index[..], &[1; 4]].concat();
        let name = format!("{:02x}-{:02x}", spec.netfn.0, spec.number);
        seed("command_request", &name, &bytes);
        seed("command_response", &name, &bytes);
    }
    // Every command of the table, eight at a time.
    let all: Vec<_> = command::all().collect();
    for (index, group) in all.chunks(8).enumerate() {
        let mut bytes = Vec::new();
        for spec in group {
            let body = spec.body.code();
            let data: Vec<u8> = body.into_iter().chain([1, 0, 0]).collect();
            bytes.extend([spec.netfn.0, spec.number, u8::try_from(data.len()).unwrap()]);
            bytes.extend(data);
        }
        seed("server_dispatch", &format!("commands-{index:02}"), &bytes);
    }
}

/// Lists of operations on a Serial over LAN line.
fn serial() {
    // Capacities, characters of a packet, accumulation, threshold, retries and their interval, of both ends.
    let roomy = [100, 100, 255, 12, 96, 7, 10];
    let narrow = [3, 2, 5, 1, 2, 2, 3];
    // Characters both ways, then the usual course of things, or losses, late copies, and time.
    let fair = [0, 0x41, 0, 0x40, 15, 30, 8, 7, 15, 30, 9, 0];
    let bad = [
        0, 0x81, 0, 0x80, 8, 10, 6, 1, 6, 0, 7, 1, 8, 12, 8, 12, 4, 3, 4, 1, 5, 0, 6, 3, 6, 2, 3, 255, 2,
        254, 8, 30,
    ];
    let line = [
        10, 0, 0, 0x20, 12, 0, 15, 8, 12, 1, 11, 1, 15, 8, 11, 0, 13, 0, 13, 1, 13, 2, 13, 3, 15, 30,
    ];
    let hostile = [
        14, 4, 6, 1, 0, 0, 0x1f, b'h', b'i', 14, 5, 4, 9, 1, 255, 0x40, 14, 2, 3, b'x', b'y', b'z', 14, 0,
        14, 1, 14, 3, 5, 7, 2, 3, 0, b'!', 14, 4, 2, 0, 0,
    ];
    for (name, ends) in [
        ("roomy", [roomy, roomy]),
        ("narrow", [narrow, narrow]),
        ("mixed", [roomy, narrow]),
    ] {
        let start = |is_hostile| [&[is_hostile][..], &ends.concat()].concat();
        seed(
            "sol_ops",
            &format!("{name}-fair"),
            &[start(0), fair.repeat(4)].concat(),
        );
        seed(
            "sol_ops",
            &format!("{name}-bad"),
            &[start(0), bad.repeat(6)].concat(),
        );
        let both = [fair.to_vec(), line.to_vec(), bad.to_vec()].concat();
        seed(
            "sol_ops",
            &format!("{name}-line"),
            &[start(0), both.repeat(3)].concat(),
        );
        let both = [fair.to_vec(), hostile.to_vec(), bad.to_vec()].concat();
        seed(
            "sol_ops",
            &format!("{name}-hostile"),
            &[start(1), both.repeat(3)].concat(),
        );
    }
    // The machine's end closes while characters are under way.
    let close = [&[0][..], &roomy, &roomy, &fair, &[0, 0x41, 13, 5, 15, 30]].concat();
    seed("sol_ops", "close", &close);
}

fn main() {
    packets();
    trap();
    commands();
    for choice in 0..14 {
        // Connect, the usual course of things, a request, its answer, close.
        let console = [choice, 2, 7, 15, 7, 15, 5, 0x30, 1, 0, 7, 15, 6, 0, 7, 15];
        seed("console_ops", &format!("session-{choice:02}"), &console);
        let managed = [0, 2, choice, 0, 3, 15, 0, 4, 0x30, 1, 0, 0, 5, 3, 0, 0, 1, 0, 6];
        seed("managed_ops", &format!("session-{choice:02}"), &managed);
        let mutate = [
            choice, 0x00, 0xc0, 4, 1, 0, 0x01, 0xc4, 0, 0, 1, 0, 0x40, 3, 1, 2, 3, 0x61, 3, 2, 1, 0, 4,
        ];
        seed("pair_mutate", &format!("session-{choice:02}"), &mutate);
    }
    serial();
    let sdr = [
        &[0, 1, 0, 0x51, 0x01, 43, 0x20, 0, 1, 7, 1, 0x7f, 0x68, 1, 1][..],
        &[0; 33],
        &[0xc3, b'a', b'b', b'c'],
    ];
    seed("records", "sdr-full", &sdr.concat());
    seed(
        "records",
        "sdr-locator",
        &[
            0, 2, 0, 0x51, 0x11, 12, 0x20, 1, 0, 0, 0, 0x10, 0, 7, 1, 0, 0xc1, b'x',
        ],
    );
    seed(
        "records",
        "sel",
        &[1, 1, 0, 2, 1, 2, 3, 4, 0x20, 0, 4, 1, 1, 0x6f, 0, 0xff, 0xff],
    );
    let mut inventory = vec![3, 1, 0, 1, 2, 0, 0, 0, 0];
    inventory.extend([1, 1, 0x17, 0xc1, b'p', 0xc1, 0, 0]);
    inventory.extend([
        1, 2, 0x19, 0, 0, 0, 0xc1, b'm', 0xc1, b'p', 0xc1, b's', 0xc0, 0xc0, 0xc1, 0,
    ]);
    seed("records", "fru", &inventory);
}
