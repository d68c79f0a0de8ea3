//! The engines on a network that loses, repeats, reorders, delays and changes datagrams.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, not their helpers"
)]

mod support;

use core::time::Duration;

use ipmi_proto::ipmb::NetFn;
use ipmi_proto::session::console::{Event, Protocol, RequestId, SuiteChoice, TypeChoice};
use ipmi_proto::testing::{Faults, OEM_COUNT, OEM_ECHO, OEM_NETFN, Pair};
use support::*;

/// Logs in over a bad network; a login may fail there, but not for long.
fn connect(pair: &mut Pair) {
    for _ in 0..20 {
        if let Event::Connected { .. } = pair.connect() {
            return;
        }
    }
    panic!("no login succeeded: {pair:#?}");
}

fn protections() -> [Protocol; 4] {
    [
        Protocol::V2_0(SuiteChoice::Fixed(suite(17))),
        Protocol::V2_0(SuiteChoice::Fixed(suite(3))),
        Protocol::V2_0(SuiteChoice::Fixed(suite(12))),
        Protocol::V1_5(TypeChoice::Automatic),
    ]
}

/// Makes requests one after the other. Each answer carries the count, so each must be one higher, but for
/// requests that timed out: they ran once or not at all.
fn count_one_by_one(protocol: Protocol, seed: u64, requests: u32) {
    let mut pair = Pair::new(with(protocol), users(), seed);
    pair.set_faults(Faults::heavy());
    connect(&mut pair);
    let (mut least, mut most) = (0, 0);
    for _ in 0..requests {
        if !pair.console.is_connected() {
            connect(&mut pair);
        }
        match pair.call(OEM_NETFN, OEM_COUNT, &[]).unwrap() {
            Event::Response { response, .. } => {
                let count = u32::from_le_bytes(response.data.as_slice().try_into().unwrap());
                most += 1;
                assert!(
                    count > least && count <= most,
                    "{count} not in {least}..={most}, seed {seed}"
                );
                (least, most) = (count, count);
            }
            // What an application does then: the session may be lost. Eight packets lost in a row end one of
            // IPMI 1.5, whose window is narrow.
            Event::TimedOut { .. } => {
                most += 1;
                pair.close();
            }
            other => panic!("{other:?}"),
        }
    }
    let count = pair.bmc.machine.count;
    assert!(
        count >= least && count <= most,
        "{count} not in {least}..={most}, seed {seed}"
    );
    assert!(least > requests / 2, "hardly anything was answered, seed {seed}");
}

#[test]
fn a_command_runs_once_for_each_request() {
    for (index, protocol) in protections().into_iter().enumerate() {
        for seed in 0..25 {
            count_one_by_one(protocol, seed * 10 + index as u64, 40);
        }
    }
}

/// As many requests at a time as the console allows; the same data each time.
fn count_many_at_a_time(protocol: Protocol, seed: u64, latency: Duration) {
    let mut pair = Pair::new(with(protocol), users(), seed);
    connect(&mut pair);
    pair.bmc.machine.latency = latency;
    pair.set_faults(Faults::heavy());
    let mut waiting: Vec<RequestId> = Vec::new();
    let (mut made, mut answered, mut timed_out) = (0_u32, 0_u32, 0_u32);
    let mut seen = pair.events.len();
    while made < 120 || !waiting.is_empty() {
        while made < 120
            && let Ok(id) = pair.console.request_raw(pair.now, OEM_NETFN, OEM_COUNT, &[])
        {
            waiting.push(id);
            made += 1;
        }
        pair.step();
        for event in pair.events.iter().skip(seen) {
            let id = match event {
                Event::Response { id, .. } => {
                    answered += 1;
                    id
                }
                Event::TimedOut { id } => {
                    timed_out += 1;
                    id
                }
                other => panic!("{other:?}"),
            };
            let index = waiting.iter().position(|known| known == id);
            waiting.remove(index.expect("each request ends once"));
        }
        seen = pair.events.len();
    }
    let count = pair.bmc.machine.count;
    assert!(
        count >= answered && count <= answered + timed_out,
        "ran {count} times, {answered} answered, {timed_out} timed out, seed {seed}"
    );
    // Eight packets lost in a row end a session of IPMI 1.5: its window is narrow.
    let least = if matches!(protocol, Protocol::V1_5(_)) {
        0
    } else {
        90
    };
    assert!(answered > least, "hardly anything was answered, seed {seed}");
}

#[test]
fn outstanding_requests_do_not_get_each_others_answers() {
    for (index, protocol) in protections().into_iter().enumerate() {
        for seed in 0..10 {
            count_many_at_a_time(protocol, 1_000 + seed * 10 + index as u64, Duration::ZERO);
        }
    }
}

#[test]
fn slow_commands_are_not_started_twice() {
    for (index, protocol) in protections().into_iter().enumerate() {
        for seed in 0..10 {
            count_many_at_a_time(
                protocol,
                2_000 + seed * 10 + index as u64,
                Duration::from_millis(2_700),
            );
        }
    }
}

#[test]
fn answers_belong_to_their_requests() {
    for seed in 0..20 {
        let mut pair = connected(config().protocol, 3_000 + seed);
        pair.set_faults(Faults::heavy());
        for number in 0..100_u32 {
            if let Event::Response { response, .. } =
                pair.call(OEM_NETFN, OEM_ECHO, &number.to_le_bytes()).unwrap()
            {
                assert_eq!(response.data.as_slice(), number.to_le_bytes(), "seed {seed}");
            }
        }
    }
}

#[test]
fn a_reset_is_done_once() {
    for seed in 0..50 {
        let mut pair = connected(config().protocol, 4_000 + seed);
        pair.bmc.machine.latency = Duration::from_millis(1_500);
        pair.set_faults(Faults::heavy());
        let event = pair.call(NetFn::CHASSIS, 0x02, &[0x03]).unwrap();
        pair.run_for(Duration::from_secs(10));
        let actions = &pair.bmc.machine.power_actions;
        match event {
            Event::Response { .. } => assert_eq!(actions, &[0x03], "seed {seed}"),
            _ => assert!(actions.len() <= 1, "seed {seed}"),
        }
    }
}

#[test]
fn logins_survive_loss() {
    let mut connected = 0;
    for (index, protocol) in all_protections().into_iter().enumerate() {
        for seed in 0..20 {
            let mut pair = Pair::new(with(protocol), users(), 5_000 + seed * 100 + index as u64);
            pair.set_faults(Faults {
                loss: 250,
                duplication: 250,
                reordering: 250,
                corruption: 0,
                delay: Duration::from_millis(20),
            });
            let event = pair.connect();
            if matches!(event, Event::Connected { .. }) {
                connected += 1;
            } else {
                assert!(
                    matches!(
                        failure(&event),
                        ipmi_proto::session::console::ConnectFailure::TimedOut(_)
                    ),
                    "{event:?}"
                );
            }
        }
    }
    // Five attempts for each of five to seven steps, of which a quarter gets lost in each direction.
    assert!(connected >= 295, "{connected} of 320");
}
