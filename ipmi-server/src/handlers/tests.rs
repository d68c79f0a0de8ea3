//! The way of every command through dispatch, and the core commands byte for byte.

use ipmi_proto::command::{self, Body, Class, Level};
use ipmi_proto::ipmb::{CompletionCode, Lun, NetFn, Privilege};

use super::TABLE;
use super::table::{Table, answered};
use crate::test_bench::Bench;

/// Rows that are neither handled nor of the class that is refused: what commands.md says of them.
const ABSENT: &[(NetFn, Body, u8)] = &[
    // Get BT Interface Capabilities: only with a system interface.
    (NetFn::APP, Body::Ipmi, 0x36),
];

/// Commands that have no handler yet.
const UNFINISHED: &[&str] = &["Alert Immediate"];

#[tokio::test]
async fn every_row_is_answered_or_refused() {
    let bench = Bench::new();
    for spec in command::all() {
        let is_absent = ABSENT.contains(&(spec.netfn, spec.body, spec.number));
        let is_answered = answered()
            .any(|other| (other.netfn, other.body, other.number) == (spec.netfn, spec.body, spec.number));
        let is_handled = TABLE
            .find(spec.netfn, spec.body.code().as_slice(), spec.number)
            .is_some();
        match spec.class {
            // Set Command Enables answers 80h; the others do not exist.
            Class::Refuse if spec.name == "Set Command Enables" => assert!(is_handled),
            Class::Refuse => {
                assert!(!is_handled, "{} is handled", spec.name);
                let data = spec.body.code();
                let (code, echoed) = bench.ask(spec.netfn, spec.number, data.as_slice()).at_once();
                assert_eq!(code, CompletionCode::INVALID_COMMAND.0, "{}", spec.name);
                assert_eq!(echoed, data.as_slice(), "{}", spec.name);
            }
            _ if UNFINISHED.contains(&spec.name) => {}
            _ => assert!(is_answered != is_absent, "{} is not answered", spec.name),
        }
    }
}

#[tokio::test]
async fn privilege_is_checked_before_length_and_after_existence() {
    let bench = Bench::new();
    for handler in Table::all() {
        let spec = handler.spec;
        let below = match spec.level {
            Level::AtLeast(Privilege(level)) => Some(Privilege(level - 1)),
            Level::SystemInterface => Some(Privilege::OEM),
            _ => continue,
        };
        let mut data = vec![0x55; 64];
        if let Some(code) = spec.body.code() {
            data[0] = code;
        }
        let (code, _) = bench
            .ask_as(below, Lun::BMC, spec.netfn, spec.number, &data)
            .at_once();
        assert_eq!(code, CompletionCode::INSUFFICIENT_PRIVILEGE.0, "{}", spec.name);
        let (code, _) = bench
            .ask_as(None, Lun::BMC, spec.netfn, spec.number, &data)
            .at_once();
        assert_eq!(code, CompletionCode::INSUFFICIENT_PRIVILEGE.0, "{}", spec.name);
        let (code, _) = bench
            .ask_as(below, Lun::new(1), spec.netfn, spec.number, &data)
            .at_once();
        assert_eq!(code, CompletionCode::INVALID_FOR_LUN.0, "{}", spec.name);
    }
}

#[tokio::test]
async fn too_long_a_request_is_refused_with_a_length_code() {
    let bench = Bench::new();
    for handler in Table::all() {
        let spec = handler.spec;
        let is_open = matches!(spec.level, Level::AtLeast(_));
        let mut data = vec![0; 250];
        if let Some(code) = spec.body.code() {
            data[0] = code;
        }
        // A FRU is written in pieces of any length.
        if is_open && spec.name != "Write FRU Data" {
            let (code, _) = bench.ask(spec.netfn, spec.number, &data).at_once();
            let refused = [0xc7, 0xcc, 0xcb, 0xc9, 0x80, 0x82, 0x83];
            assert!(refused.contains(&code), "{}: {code:#x}", spec.name);
        }
    }
}

#[tokio::test]
async fn unknown_commands_bodies_and_enterprises() {
    let bench = Bench::new();
    let ask = |netfn: u8, command, data: &[u8]| bench.ask(NetFn(netfn), command, data).at_once();
    assert_eq!(ask(0x06, 0xee, &[]), (0xc1, vec![]));
    assert_eq!(ask(0x02, 0x00, &[]), (0xc1, vec![]));
    assert_eq!(ask(0x30, 0x01, &[1, 2]), (0xc1, vec![]));
    assert_eq!(ask(0x3e, 0x01, &[]), (0xc1, vec![]));
    // PICMG and VITA probes of ipmitool: the body is echoed.
    assert_eq!(ask(0x2c, 0x00, &[0x00]), (0xc1, vec![0x00]));
    assert_eq!(ask(0x2c, 0x00, &[0x03]), (0xc1, vec![0x03]));
    assert_eq!(ask(0x2c, 0x3e, &[0x00, 0x02]), (0xc1, vec![0x00]));
    assert_eq!(ask(0x2c, 0x00, &[]), (0xc7, vec![]));
    assert_eq!(
        ask(0x2e, 0x01, &[0xf2, 0x1b, 0x00, 0x05]),
        (0xc1, vec![0xf2, 0x1b, 0x00])
    );
    assert_eq!(ask(0x2e, 0x01, &[0xf2, 0x1b]), (0xc7, vec![]));
    // Whatever the privilege: nothing can be probed.
    let (code, _) = bench.ask_as(None, Lun::BMC, NetFn::APP, 0x3f, &[]).at_once();
    assert_eq!(code, 0xc1);
}

#[tokio::test]
async fn identity() {
    let bench = Bench::new();
    let app = |command| bench.ask(NetFn::APP, command, &[]).at_once();
    let (code, device) = app(0x01);
    assert_eq!(code, 0);
    assert_eq!(device.len(), 15);
    assert_eq!(
        (device[0], device[1], device[4], device[5]),
        (0x20, 0x81, 0x02, 0x9f)
    );
    assert_eq!(app(0x04), (0, vec![0x55, 0x00]));
    let (code, guid) = app(0x08);
    assert_eq!((code, guid.len()), (0, 16));
}

#[tokio::test]
async fn channels() {
    let bench = Bench::new();
    let info = |channel| bench.ask(NetFn::APP, 0x42, &[channel]).at_once();
    let lan = vec![0x01, 0x04, 0x01, 0x80, 0xf2, 0x1b, 0x00, 0x00, 0x00];
    assert_eq!(info(0x01), (0, lan.clone()));
    assert_eq!(info(0x0e), (0, lan));
    assert_eq!(
        info(0x0f),
        (0, vec![0x0f, 0x0c, 0x05, 0x00, 0xf2, 0x1b, 0x00, 0xff, 0xff])
    );
    for absent in [0x00, 0x02, 0x0b, 0x0d] {
        assert_eq!(info(absent).0, 0xcc);
    }
    let access = |data: &[u8]| bench.ask(NetFn::APP, 0x41, data).at_once();
    assert_eq!(access(&[0x01, 0x80]), (0, vec![0x02, 0x04]));
    assert_eq!(access(&[0x0f, 0x80]).0, 0x82);
    assert_eq!(access(&[0x01, 0x00]).0, 0xcc);
    let set = |data: &[u8]| bench.ask(NetFn::APP, 0x40, data).at_once().0;
    assert_eq!(set(&[0x01, 0x80, 0x00]), 0x83);
    assert_eq!(set(&[0x01, 0xa2, 0x00]), 0);
    assert_eq!(access(&[0x0e, 0x80]), (0, vec![0x22, 0x04]));
    assert_eq!(access(&[0x0e, 0x40]), (0, vec![0x02, 0x04]));
    assert_eq!(set(&[0x01, 0x00, 0x82]), 0xcc);
}

#[tokio::test]
async fn users() {
    let bench = Bench::new();
    let app = |command, data: &[u8]| bench.ask(NetFn::APP, command, data).at_once();
    let mut name = *b"operator\0\0\0\0\0\0\0\0";
    let with = |id: u8, rest: &[u8]| [&[id][..], rest].concat();
    assert_eq!(app(0x44, &[0x01, 0x02]), (0, vec![0x10, 0x41, 0x01, 0x14]));
    assert_eq!(app(0x44, &[0x01, 0x01]), (0, vec![0x10, 0x81, 0x01, 0x1f]));
    assert_eq!(app(0x44, &[0x01, 0x00]).0, 0xcc);
    assert_eq!(app(0x44, &[0x01, 0x11]).0, 0xcc);
    assert_eq!(app(0x46, &[0x03]), (0, vec![0; 16]));
    assert_eq!(app(0x45, &with(3, &name)), (0, vec![]));
    assert_eq!(app(0x46, &[0x03]), (0, name.to_vec()));
    assert_eq!(app(0x45, &with(1, &name)).0, 0xcc);
    // The four commands of a new user: name, password, privilege without the change bit, enable.
    assert_eq!(app(0x47, &with(3, b"\x02swordfish\0\0\0\0\0\0\0")).0, 0);
    assert_eq!(app(0x43, &[0x01, 0x03, 0x03, 0x00]).0, 0);
    assert_eq!(app(0x47, &[3, 1]).0, 0);
    assert_eq!(app(0x44, &[0x0e, 0x03]), (0, vec![0x10, 0x42, 0x01, 0x13]));
    assert_eq!(app(0x47, &with(3, b"\x03swordfish\0\0\0\0\0\0\0")).0, 0);
    assert_eq!(app(0x47, &with(3, b"\x03swordfisH\0\0\0\0\0\0\0")).0, 0x80);
    assert_eq!(
        app(0x47, &with(0x83, b"\x03swordfish\0\0\0\0\0\0\0\0\0\0\0")).0,
        0x81
    );
    // The last administrator stays.
    assert_eq!(app(0x47, &[2, 0]).0, 0xcc);
    assert_eq!(app(0x43, &[0x81, 0x02, 0x04]).0, 0xcc);
    assert_eq!(app(0x43, &[0x11, 0x02, 0x03]).0, 0xcc);
    // An enabled name twice.
    name.copy_from_slice(b"admin\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(app(0x45, &with(3, &name)).0, 0xcc);
}

#[tokio::test]
async fn command_tables() {
    let bench = Bench::new();
    let app = |command, data: &[u8]| bench.ask(NetFn::APP, command, data).at_once();
    let (code, support) = app(0x09, &[0x0e]);
    assert_eq!((code, support.len(), support[0]), (0, 17, 0x01));
    assert_eq!(support[1] & 0b1001, 0b1001);
    let (code, absent) = app(0x0a, &[0x0e, 0x06, 0x00]);
    assert_eq!((code, absent.len()), (0, 16));
    // 01h is there, 00h is not; 37h by the session engine; 34h is refused.
    assert_eq!(absent[0] & 0b11, 0b01);
    assert_eq!(absent[6] & 0b1001_0000, 0b0001_0000);
    let (_, enabled) = app(0x61, &[0x0e, 0x06, 0x00]);
    assert!(
        enabled
            .iter()
            .zip(&absent)
            .all(|(enabled, absent)| *enabled == !absent)
    );
    assert_eq!(app(0x0c, &[0x0e, 0x06, 0x00]), (0, vec![0; 16]));
    let request = [&[0x0e, 0x06, 0x00][..], &[0; 16]].concat();
    assert_eq!(app(0x60, &request).0, 0x80);
    assert_eq!(app(0x64, &[0x0e, 0x2c, 0x00]), (0, vec![0x80, 0x01, 0xdc]));
    assert_eq!(app(0x2e, &[0x00]).0, 0xd4);
    assert_eq!(app(0x2f, &[]), (0, vec![0x08]));
}

#[tokio::test]
async fn lan_parameters() {
    let bench = Bench::new();
    let get = |parameter, set| {
        bench
            .ask(NetFn::TRANSPORT, 0x02, &[0x01, parameter, set, 0])
            .at_once()
    };
    let set = |data: &[u8]| {
        bench
            .ask(NetFn::TRANSPORT, 0x01, &[&[0x01], data].concat())
            .at_once()
            .0
    };
    assert_eq!(get(0, 0), (0, vec![0x11, 0x00]));
    assert_eq!(get(3, 0), (0, vec![0x11, 192, 0, 2, 1]));
    assert_eq!(get(8, 0), (0, vec![0x11, 0x6f, 0x02]));
    assert_eq!(get(22, 0), (0, vec![0x11, 0x04]));
    assert_eq!(get(23, 0).1[..6], [0x11, 0x00, 3, 8, 12, 17]);
    assert_eq!(get(24, 0).1[..4], [0x11, 0x00, 0x44, 0x44]);
    assert_eq!(
        (get(23, 0).1.len(), get(24, 0).1.len(), get(26, 0).1.len()),
        (18, 10, 7)
    );
    assert_eq!(get(200, 0).0, 0x80);
    assert_eq!(set(&[5, 1, 2, 3, 4, 5, 6]), 0x82);
    assert_eq!(set(&[24, 0, 0x34, 0x44, 0, 0, 0, 0, 0, 0]), 0);
    assert_eq!(get(24, 0).1[..4], [0x11, 0x00, 0x34, 0x44]);
    assert_eq!(set(&[2, 0x14, 0x14, 0x14, 0x14, 0]), 0xcc);
    assert_eq!(set(&[2, 0x04, 0x04, 0x04, 0x00, 0]), 0);
    assert_eq!(get(2, 0), (0, vec![0x11, 4, 4, 4, 0, 0]));
    assert_eq!((set(&[0, 1]), set(&[0, 1]), set(&[0, 0])), (0, 0x81, 0));
    let (code, revision) = bench.ask(NetFn::TRANSPORT, 0x02, &[0x81, 3, 0, 0]).at_once();
    assert_eq!((code, revision), (0, vec![0x11]));
    assert_eq!(
        bench.ask(NetFn::TRANSPORT, 0x02, &[0x02, 3, 0, 0]).at_once().0,
        0xcc
    );
}
