//! Alerts in virtual time: what is sent to whom, how often, and what becomes of it.

use core::time::Duration;
use std::net::SocketAddr;

use ipmi_proto::ipmb::NetFn;
use ipmi_proto::pet::PlatformEventTrap;
use ipmi_proto::wire::Writer;

use crate::backend::PowerState;
use crate::backend::memory::MemoryMachine;
use crate::test_bench::Bench;

const HOT: [u8; 7] = [0x04, 0x01, 0x30, 0x01, 0x59, 0xff, 0xff];

fn ask(bench: &Bench, command: u8, data: &[u8]) -> (u8, Vec<u8>) {
    bench.ask(NetFn::SENSOR_EVENT, command, data).at_once()
}

#[track_caller]
fn set(bench: &Bench, parameter: u8, data: &[u8]) {
    let request = [&[parameter][..], data].concat();
    assert_eq!(ask(bench, 0x12, &request).0, 0);
}

#[track_caller]
fn set_lan(bench: &Bench, parameter: u8, data: &[u8]) {
    let request = [&[1, parameter][..], data].concat();
    assert_eq!(bench.ask(NetFn::TRANSPORT, 0x01, &request).at_once().0, 0);
}

/// A destination in 198.51.100.0/24 with its number. `acknowledged`: seconds to wait, less one, and repetitions.
fn destination(bench: &Bench, number: u8, acknowledged: Option<(u8, u8)>) {
    let (flag, timeout, retries) =
        acknowledged.map_or((0, 0, 0), |(timeout, retries)| (0x80, timeout, retries));
    set_lan(bench, 18, &[number, flag, timeout, retries]);
    set_lan(bench, 19, &[number, 0, 0, 198, 51, 100, number, 0, 0, 0, 0, 0, 0]);
}

/// A BMC at 192.0.2.1 that alerts of every event along policy set 3.
fn alerting() -> Bench {
    let machine = MemoryMachine::builder("node1").power(PowerState::On);
    let bench = Bench::with(machine, |bmc| {
        bmc.wall_clock(|now| 1_700_000_000 + now.as_micros() / 1_000_000)
    });
    bench.bmc.served_at("192.0.2.1:623".parse().unwrap());
    set(&bench, 1, &[0x01]);
    set(&bench, 2, &[0x01]);
    let mut filter = [0; 21];
    filter[..12].copy_from_slice(&[
        5, 0x80, 0x01, 0x03, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ]);
    set(&bench, 6, &filter);
    bench
}

/// A policy of set 3.
fn policy(bench: &Bench, number: u8, rule: u8, destination: u8, string: u8) {
    set(bench, 9, &[number, 0x38 | rule, 0x10 | destination, string]);
}

fn event(bench: &Bench) {
    assert_eq!(ask(bench, 0x02, &HOT), (0, vec![]));
}

/// A trap as it was sent.
struct Sent {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl Sent {
    fn trap(&self) -> PlatformEventTrap<'_> {
        PlatformEventTrap::parse(&self.bytes).unwrap()
    }

    /// The request data that acknowledges it.
    fn acknowledgement(&self) -> Vec<u8> {
        let mut buffer = [0; 12];
        let mut writer = Writer::new(&mut buffer);
        writer.value(&self.trap().variable.acknowledgement()).unwrap();
        writer.written().to_vec()
    }
}

/// Lets the time that was told pass, and fetches all traps.
fn poll(bench: &Bench) -> Vec<Sent> {
    let now = bench.now();
    bench.bmc.handle_timeout(now);
    let mut sent = Vec::new();
    let mut output = [0; 1_280];
    while let Some((peer, length)) = bench.bmc.poll_transmit(now, &mut rand::rng(), &mut output) {
        sent.push(Sent {
            from: peer.local,
            to: peer.remote,
            bytes: output[..length].to_vec(),
        });
    }
    sent
}

/// Last bytes of the addresses that traps went to.
fn addressees(sent: &[Sent]) -> Vec<u8> {
    sent.iter()
        .map(|sent| match sent.to.ip() {
            std::net::IpAddr::V4(address) => address.octets()[3],
            std::net::IpAddr::V6(_) => panic!("{}", sent.to),
        })
        .collect()
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn acknowledge(bench: &Bench, data: &[u8]) {
    // It needs no session.
    let asked = bench.ask_as(None, ipmi_proto::ipmb::Lun::BMC, NetFn::SENSOR_EVENT, 0x17, data);
    assert_eq!(asked.at_once(), (0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_trap_says_what_happened() {
    let bench = alerting();
    destination(&bench, 2, None);
    policy(&bench, 1, 0, 2, 0x04);
    set(&bench, 13, b"\x04\x01Too hot");
    set_lan(&bench, 16, b"secret\0\0\0\0\0\0\0\0\0\0\0\0");
    pass(100).await;
    event(&bench);
    let sent = poll(&bench);
    assert_eq!(addressees(&sent), [2]);
    assert_eq!(sent[0].to.to_string(), "198.51.100.2:162");
    assert_eq!(sent[0].from.to_string(), "192.0.2.1:623");
    let trap = sent[0].trap();
    assert_eq!(trap.community, b"secret");
    assert_eq!(trap.agent.to_string(), "192.0.2.1");
    assert_eq!(trap.event.number(), 0x01_01_09);
    assert_eq!(trap.uptime, 10_000);
    let variable = &trap.variable;
    let system = bench.bmc.with(|inner| inner.state.identity.system_guid);
    assert_eq!((variable.guid, variable.sequence), (system, 1));
    assert_eq!(variable.timestamp, 1_700_000_100 - 883_612_800);
    assert_eq!(variable.utc_offset, None);
    assert_eq!(
        (
            variable.severity.0,
            variable.sensor_device,
            variable.sensor_number
        ),
        (0x10, 0x81, 0x30)
    );
    assert_eq!(variable.event_data, [0x59, 0xff, 0xff, 0, 0, 0, 0, 0]);
    assert_eq!(
        (variable.language, variable.oem.as_slice()),
        (25, &b"\xc7Too hot"[..])
    );
    // A GUID of its own, the zone, a sensor of the BMC.
    set(&bench, 10, &[&[1][..], &[7; 16]].concat());
    assert_eq!(
        bench
            .ask(NetFn::STORAGE, 0x5d, &(-60_i16).to_le_bytes())
            .at_once()
            .0,
        0
    );
    bench.machine.set_power_from_outside(PowerState::Off);
    let sent = poll(&bench);
    let trap = sent[0].trap();
    assert_eq!(trap.event.number(), 0x09_6f_00);
    let variable = &trap.variable;
    assert_eq!((variable.guid.0, variable.sequence), ([7; 16], 2));
    assert_eq!(variable.utc_offset, Some(-60));
    assert_eq!((variable.sensor_device, variable.sensor_number), (0x20, 1));
    assert_eq!((variable.entity.id.0, variable.entity.instance), (7, 1));
}

#[tokio::test(start_paused = true)]
async fn an_acknowledged_alert_is_repeated_until_it_is_acknowledged() {
    let bench = alerting();
    destination(&bench, 1, Some((4, 3)));
    policy(&bench, 1, 0, 1, 0);
    event(&bench);
    let first = poll(&bench);
    assert_eq!(addressees(&first), [1]);
    assert!(poll(&bench).is_empty());
    pass(4).await;
    assert!(poll(&bench).is_empty());
    pass(1).await;
    let second = poll(&bench);
    assert_eq!(addressees(&second), [1]);
    assert_eq!(second[0].trap().variable, first[0].trap().variable);
    // Another event, another time, another sensor: not meant.
    let right = second[0].acknowledgement();
    for position in 0..right.len() {
        let mut wrong = right.clone();
        wrong[position] ^= 1;
        acknowledge(&bench, &wrong);
    }
    pass(5).await;
    assert_eq!(addressees(&poll(&bench)), [1]);
    acknowledge(&bench, &right);
    pass(100).await;
    assert!(poll(&bench).is_empty());
    // Again, when there is nothing to acknowledge.
    acknowledge(&bench, &right);
}

#[tokio::test(start_paused = true)]
async fn the_next_policy_is_followed_when_nobody_acknowledges() {
    let bench = alerting();
    destination(&bench, 1, Some((0, 2)));
    destination(&bench, 2, Some((0, 0)));
    destination(&bench, 3, None);
    policy(&bench, 2, 0, 1, 0);
    policy(&bench, 4, 1, 2, 0);
    // Has no address.
    policy(&bench, 5, 2, 4, 0);
    policy(&bench, 7, 2, 3, 0);
    policy(&bench, 9, 2, 1, 0);
    event(&bench);
    let mut order = Vec::new();
    for _ in 0..10 {
        order.extend(addressees(&poll(&bench)));
        pass(1).await;
    }
    assert_eq!(order, [1, 1, 1, 2, 3]);
    // Acknowledged at once: the second is skipped, and the others after it.
    event(&bench);
    let first = poll(&bench);
    acknowledge(&bench, &first[0].acknowledgement());
    pass(1).await;
    assert_eq!(addressees(&poll(&bench)), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn alerts_wait_for_each_other_and_not_too_many() {
    let bench = alerting();
    destination(&bench, 1, Some((0, 0)));
    destination(&bench, 2, None);
    policy(&bench, 1, 0, 1, 0);
    policy(&bench, 2, 0, 2, 0);
    for _ in 0..100 {
        event(&bench);
    }
    let mut order = Vec::new();
    for _ in 0..200 {
        for sent in poll(&bench) {
            order.push((sent.trap().variable.sequence, addressees(&[sent])[0]));
        }
        pass(1).await;
    }
    let expected: Vec<_> = (1..=32).flat_map(|event| [(event, 1), (event, 2)]).collect();
    assert_eq!(order, expected);
    event(&bench);
    assert_eq!(poll(&bench)[0].trap().variable.sequence, 101);
}

#[tokio::test(start_paused = true)]
async fn strings_of_filters_and_destinations_that_cannot_be() {
    let bench = alerting();
    destination(&bench, 1, None);
    // Set 2 of filter 5; another filter's; none.
    set(&bench, 12, &[6, 5, 2]);
    set(&bench, 13, b"\x06\x01mine");
    set(&bench, 12, &[7, 4, 2]);
    set(&bench, 13, b"\x07\x01other");
    policy(&bench, 1, 0, 1, 0x82);
    policy(&bench, 2, 0, 1, 0x83);
    policy(&bench, 3, 0, 1, 0x00);
    // Another channel, the volatile destination, one that there is not, one of another kind.
    set(&bench, 9, &[4, 0x38, 0x21, 0]);
    policy(&bench, 5, 0, 0, 0);
    policy(&bench, 6, 0, 9, 0);
    destination(&bench, 3, None);
    set_lan(&bench, 18, &[3, 0x06, 0, 0]);
    policy(&bench, 7, 0, 3, 0);
    // IPv6, where the BMC is not.
    set_lan(&bench, 18, &[4, 0, 0, 0]);
    set_lan(&bench, 19, &[&[4, 0x10][..], &[0x20; 16]].concat());
    policy(&bench, 8, 0, 4, 0);
    event(&bench);
    let sent = poll(&bench);
    assert_eq!(addressees(&sent), [1, 1, 1]);
    let texts: Vec<_> = sent
        .iter()
        .map(|sent| sent.trap().variable.oem.to_vec())
        .collect();
    assert_eq!(texts, [b"\xc4mine".to_vec(), vec![], vec![]]);
    assert_eq!(sent[2].trap().variable.language, 0xff);
}

#[tokio::test(start_paused = true)]
async fn a_bmc_of_ipv6_alerts_over_it() {
    let bench = alerting();
    bench.bmc.served_at("[2001:db8::1]:623".parse().unwrap());
    set_lan(&bench, 19, &[&[1, 0x10][..], &[0x20; 16]].concat());
    destination(&bench, 2, None);
    policy(&bench, 1, 0, 2, 0);
    policy(&bench, 2, 0, 1, 0);
    event(&bench);
    let sent = poll(&bench);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].to.is_ipv6());
    assert_eq!(sent[0].trap().agent.to_string(), "0.0.0.0");
}

#[tokio::test(start_paused = true)]
async fn alert_immediate_sends_and_says_how_it_went() {
    let bench = alerting();
    let immediate = |data: &[u8]| ask(&bench, 0x16, data);
    let status = |destination: u8| immediate(&[1, 0x40 | destination, 0]);
    assert_eq!(status(1), (0, vec![0]));
    // No address yet; no such destination; another channel; no such operation; no such string.
    assert_eq!(immediate(&[1, 1, 0]).0, 0xd3);
    assert_eq!(immediate(&[1, 5, 0]).0, 0xcc);
    assert_eq!(immediate(&[2, 1, 0]).0, 0xcc);
    assert_eq!(immediate(&[1, 0xc1, 0]).0, 0xcc);
    destination(&bench, 1, Some((1, 1)));
    destination(&bench, 0, None);
    assert_eq!(immediate(&[1, 1, 0x89]).0, 0xcc);
    set(&bench, 13, b"\x00\x01Hello");
    assert_eq!(immediate(&[0x0e, 0, 0x80]), (0, vec![]));
    let sent = poll(&bench);
    assert_eq!(addressees(&sent), [0]);
    let trap = sent[0].trap();
    assert_eq!(trap.event.number(), 0x0f);
    assert_eq!(
        (trap.variable.sensor_number, trap.variable.oem.as_slice()),
        (0, &b"\xc5Hello"[..])
    );
    assert_eq!((status(0).1, status(1).1), (vec![1], vec![0]));
    // With an event, acknowledged.
    let with_event = [1, 1, 0, 0x41, 0x04, 0x07, 0x03, 0x6f, 0x41, 0x02, 0x03];
    assert_eq!(immediate(&with_event), (0, vec![]));
    assert_eq!(status(1).1, [0xff]);
    assert_eq!(immediate(&[1, 0x81, 0]).0, 0x81);
    assert_eq!(immediate(&[1, 0, 0]).0, 0x81);
    let sent = poll(&bench);
    assert_eq!(sent[0].trap().event.number(), 0x07_6f_01);
    assert_eq!(sent[0].trap().variable.sensor_device, 0x41);
    acknowledge(&bench, &sent[0].acknowledgement());
    assert_eq!(status(1).1, [1]);
    assert_eq!(immediate(&[1, 0x81, 0]), (0, vec![]));
    assert_eq!(status(1).1, [0]);
    // Nobody answers: once and once again.
    assert_eq!(immediate(&[1, 1, 0]).0, 0);
    let mut sent = 0;
    for _ in 0..10 {
        sent += poll(&bench).len();
        pass(1).await;
    }
    assert_eq!((sent, status(1).1), (2, vec![3]));
}

#[tokio::test(start_paused = true)]
async fn alerts_wait_after_the_start_of_the_machine() {
    let bench = alerting();
    destination(&bench, 1, None);
    policy(&bench, 1, 0, 1, 0);
    set(&bench, 4, &[30]);
    set(&bench, 1, &[0x09]);
    let now = bench.now();
    bench.bmc.with(|inner| inner.state.booted(now));
    event(&bench);
    assert!(poll(&bench).is_empty());
    pass(29).await;
    assert!(poll(&bench).is_empty());
    pass(1).await;
    // The boot and the event.
    assert_eq!(poll(&bench).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_the_bmc_forgets_alerts_and_goes_on_counting() {
    let bench = alerting();
    destination(&bench, 1, Some((0, 7)));
    policy(&bench, 1, 0, 1, 0);
    event(&bench);
    event(&bench);
    assert_eq!(poll(&bench).len(), 1);
    let now = bench.now();
    bench
        .bmc
        .with(|inner| inner.state.restart(now, crate::state::Restart::Cold));
    pass(5).await;
    assert!(poll(&bench).is_empty());
    event(&bench);
    assert_eq!(poll(&bench)[0].trap().variable.sequence, 3);
}
