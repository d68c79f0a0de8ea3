//! Event filters against the machine in memory, in virtual time.

use core::time::Duration;

use ipmi_proto::ipmb::NetFn;

use crate::backend::memory::{MemoryMachine, Operation, PowerDelays};
use crate::backend::{BackendErrorKind, PowerAction, PowerActions, PowerState};
use crate::test_bench::Bench;

/// Bits of actions.
const ALERT: u8 = 0x01;
const OFF: u8 = 0x02;
const RESET: u8 = 0x04;
const CYCLE: u8 = 0x08;
const INTERRUPT: u8 = 0x20;

/// The event of ipmitool's `event 1`: temperature, upper critical going high.
const HOT: [u8; 7] = [0x04, 0x01, 0x30, 0x01, 0x59, 0xff, 0xff];
/// PEF enabled, its actions logged.
const ON: u8 = 0x03;

fn ask(bench: &Bench, command: u8, data: &[u8]) -> (u8, Vec<u8>) {
    bench.ask(NetFn::SENSOR_EVENT, command, data).at_once()
}

#[track_caller]
fn set(bench: &Bench, parameter: u8, data: &[u8]) {
    let request = [&[parameter][..], data].concat();
    assert_eq!(ask(bench, 0x12, &request), (0, vec![]));
}

fn event(bench: &Bench, event: [u8; 7]) {
    assert_eq!(ask(bench, 0x02, &event), (0, vec![]));
}

/// A filter that takes every event.
fn any(actions: u8) -> [u8; 20] {
    let mut filter = [0; 20];
    filter[..11].copy_from_slice(&[0x80, actions, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    filter
}

fn filter(bench: &Bench, number: u8, filter: [u8; 20]) {
    set(bench, 6, &[&[number][..], &filter].concat());
}

/// Enables filtering, all actions allowed.
fn enable(bench: &Bench) {
    set(bench, 1, &[ON]);
    set(bench, 2, &[0x2f]);
}

/// A BMC whose machine is on, and which has a filter for all events.
fn with_filter(actions: u8) -> Bench {
    let bench = Bench::with(MemoryMachine::builder("node1").power(PowerState::On), |bmc| bmc);
    enable(&bench);
    filter(&bench, 1, any(actions));
    bench
}

/// The masks of actions that are in the log, one for each event that a filter acted on.
fn acted(bench: &Bench) -> Vec<u8> {
    let records = bench.bmc.with(|inner| {
        let records = inner.state.sel.since(ipmi_proto::record::RecordId(1));
        records.map(|record| record.to_bytes()).collect::<Vec<_>>()
    });
    let of_filters = records
        .iter()
        .filter(|record| record[10..14] == [0x12, 0x0b, 0x6f, 0xc4]);
    of_filters.map(|record| record[14]).collect()
}

/// What reached the machine, without boots.
fn done(bench: &Bench) -> Vec<String> {
    let actions = bench
        .machine
        .actions()
        .into_iter()
        .map(|action| action.to_string());
    actions.filter(|action| !action.starts_with("boot")).collect()
}

fn last_processed(bench: &Bench) -> Vec<u8> {
    ask(bench, 0x15, &[]).1
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test]
async fn every_field_of_a_filter_counts() {
    let bench = with_filter(0);
    let base = {
        let mut filter = any(ALERT);
        // The software of the LAN console on channel 1, and all of the event.
        filter[4..11].copy_from_slice(&[0x81, 0x10, 0x01, 0x30, 0x01, 0x00, 0x02]);
        filter[11..20].copy_from_slice(&[0x0f, 0x0f, 0x09, 0xff, 0xff, 0xff, 0x81, 0x00, 0x01]);
        filter
    };
    let matches = |change: &dyn Fn(&mut [u8; 20])| {
        let before = acted(&bench).len();
        let mut changed = base;
        change(&mut changed);
        filter(&bench, 1, changed);
        event(&bench, HOT);
        acted(&bench).len() > before
    };
    assert!(matches(&|_| {}));
    for (byte, value) in [
        (0, 0x00),
        (4, 0x20),
        (5, 0x00),
        (6, 0x02),
        (7, 0x31),
        (8, 0x81),
        (10, 0x01),
        (13, 0x08),
    ] {
        assert!(!matches(&|filter| filter[byte] = value), "{byte}");
    }
    for byte in [4, 5, 6, 7, 8] {
        assert!(matches(&|filter| filter[byte] = 0xff), "{byte}");
    }
    // Event data 2 exactly, 3 in at least one bit.
    assert!(!matches(&|filter| filter[16] = 0xfe));
    assert!(!matches(&|filter| filter[19] = 0x00));
    // An offset that no mask bit stands for.
    assert!(!matches(&|filter| filter[9..11].copy_from_slice(&[0xff, 0xfd])));
}

#[tokio::test]
async fn what_is_switched_off_does_nothing() {
    let bench = with_filter(ALERT | OFF);
    let first = || acted(&bench).last().copied();
    set(&bench, 1, &[0x02]);
    event(&bench, HOT);
    assert_eq!(first(), None);
    assert_eq!(last_processed(&bench)[8..], [0xff, 0xff]);
    set(&bench, 1, &[ON]);
    set(&bench, 2, &[0]);
    event(&bench, HOT);
    assert_eq!(first(), None);
    // It was looked at.
    assert_eq!(last_processed(&bench)[8..], [2, 0]);
    set(&bench, 2, &[ALERT]);
    event(&bench, HOT);
    assert_eq!(first(), Some(ALERT));
    // Nothing in the log of what was done.
    set(&bench, 1, &[0x01]);
    event(&bench, HOT);
    assert_eq!(acted(&bench).len(), 1);
    assert_eq!(last_processed(&bench)[8..], [5, 0]);
}

#[tokio::test]
async fn every_door_of_the_log_leads_to_the_filters() {
    let bench = with_filter(ALERT);
    event(&bench, HOT);
    let entry = [
        0, 0, 2, 0, 0, 0, 0, 0x41, 0, 4, 0x01, 0x30, 0x01, 0x59, 0xff, 0xff,
    ];
    assert_eq!(bench.ask(NetFn::STORAGE, 0x44, &entry).at_once().0, 0);
    bench.machine.set_power_from_outside(PowerState::Off);
    assert_eq!(acted(&bench), [ALERT; 4]);
    // A record of no event is none for them.
    let oem = [0, 0, 0xc0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    assert_eq!(bench.ask(NetFn::STORAGE, 0x44, &oem).at_once().0, 0);
    // Events are not logged, but filtered.
    bench
        .bmc
        .with(|inner| inner.state.device.enables.event_logging = false);
    event(&bench, HOT);
    assert_eq!(last_processed(&bench)[8..], [0, 0]);
    assert_eq!(acted(&bench).len(), 4);
    bench
        .bmc
        .with(|inner| inner.state.device.enables.event_logging = true);
    // No receiver: the BMC's own events go nowhere.
    assert_eq!(ask(&bench, 0x00, &[0xff, 0]).0, 0);
    bench.machine.set_power_from_outside(PowerState::On);
    assert_eq!(last_processed(&bench)[8..], [0, 0]);
}

#[tokio::test]
async fn a_full_log_does_not_stop_the_filters() {
    let bench = with_filter(0);
    bench.bmc.with(|inner| {
        let body = ipmi_proto::record::sel::SelBody::Untimed {
            record_type: 0xe0,
            data: [0; 13],
        };
        while inner.state.sel.add(0, body).is_ok() {}
    });
    assert_eq!(last_processed(&bench)[8..], [0xff, 0xff]);
    assert_eq!(ask(&bench, 0x02, &HOT).0, 0xc4);
    // Then the record that says that the log is full, which is an event as well.
    assert_eq!(last_processed(&bench)[8..], 5_120_u16.to_le_bytes());
    assert_eq!(ask(&bench, 0x02, &HOT).0, 0xc4);
    assert_eq!(last_processed(&bench)[8..], [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn of_several_power_actions_the_highest_is_done() {
    for (first, second, masks, expected) in [
        (RESET, OFF, OFF | RESET, vec!["power off"]),
        (
            INTERRUPT | RESET,
            CYCLE,
            INTERRUPT | RESET | CYCLE,
            vec!["power off", "power on"],
        ),
        (INTERRUPT, RESET | ALERT, INTERRUPT | RESET | ALERT, vec!["reset"]),
        (INTERRUPT, 0, INTERRUPT, vec!["nmi"]),
    ] {
        let bench = with_filter(first);
        bench.drive();
        filter(&bench, 16, any(second));
        event(&bench, HOT);
        pass(10).await;
        assert_eq!(done(&bench), expected);
        assert_eq!(acted(&bench)[0], masks);
    }
}

#[tokio::test(start_paused = true)]
async fn the_restart_is_ascribed_to_the_filters() {
    for (action, cause) in [(RESET, 8), (CYCLE, 9)] {
        let bench = with_filter(action);
        bench.drive();
        // A boot override that parameter 3 does not keep over it.
        let flags = [5, 0x80, 0x04, 0, 0, 0];
        assert_eq!(bench.ask(NetFn::CHASSIS, 0x08, &flags).answer().await.0, 0);
        event(&bench, HOT);
        pass(10).await;
        assert_eq!(bench.ask(NetFn::CHASSIS, 0x07, &[]).at_once().1[0], cause);
        assert_eq!(bench.ask(NetFn::CHASSIS, 0x09, &[5, 0, 0]).at_once().1[2], 0x00);
        assert_eq!(bench.machine.boot_override(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_does_not_lead_to_itself() {
    let machine = MemoryMachine::builder("node1").power(PowerState::On);
    let slow = machine.delays(PowerDelays {
        on: Duration::from_secs(2),
        off: Duration::from_secs(2),
        ..PowerDelays::default()
    });
    let bench = Bench::with(slow, |bmc| bmc);
    bench.drive();
    enable(&bench);
    filter(&bench, 1, any(CYCLE));
    event(&bench, HOT);
    pass(60).await;
    assert_eq!(done(&bench), ["power off", "power on"]);
    assert_eq!(acted(&bench), [CYCLE]);
    // Others do get through meanwhile, and its own are forgotten some time.
    event(&bench, HOT);
    pass(300).await;
    assert_eq!(done(&bench).len(), 4);
    bench.machine.set_power_from_outside(PowerState::Off);
    pass(60).await;
    // Off already: nothing to cycle, and nothing that is tried for ever.
    assert_eq!(acted(&bench), [CYCLE; 3]);
    assert_eq!(done(&bench).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn one_action_at_a_time_and_again_if_the_machine_is_busy() {
    let bench = with_filter(RESET);
    bench.drive();
    bench.machine.set_fault(
        Operation::Power(PowerAction::Reset),
        3,
        BackendErrorKind::Unavailable,
    );
    for _ in 0..100 {
        event(&bench, HOT);
    }
    pass(30).await;
    // The first, and one for all that came while it was under way.
    let resets = done(&bench).len();
    assert!((1..=2).contains(&resets), "{resets}");
    pass(300).await;
    assert_eq!(done(&bench).len(), resets);
}

#[tokio::test(start_paused = true)]
async fn filters_wait_after_the_start_of_the_machine() {
    let bench = with_filter(ALERT);
    bench.drive();
    set(&bench, 3, &[20]);
    set(&bench, 1, &[ON | 0x04]);
    let request = bench.ask(NetFn::CHASSIS, 0x02, &[3]);
    assert_eq!(request.answer().await.0, 0);
    pass(10).await;
    event(&bench, HOT);
    assert_eq!(acted(&bench), [0; 0]);
    pass(11).await;
    // The restart and the event, in their order.
    assert_eq!(acted(&bench), [ALERT; 2]);
    assert_eq!(last_processed(&bench)[8..], [2, 0]);
    event(&bench, HOT);
    assert_eq!(acted(&bench), [ALERT; 3]);
}

#[tokio::test(start_paused = true)]
async fn the_postpone_timer_holds_filters_back() {
    let bench = with_filter(ALERT);
    bench.drive();
    let arm = |timer: u8| ask(&bench, 0x11, &[timer]).1[0];
    assert_eq!(arm(0xff), 0);
    assert_eq!(arm(60), 60);
    event(&bench, HOT);
    event(&bench, HOT);
    event(&bench, HOT);
    pass(20).await;
    assert_eq!(arm(0xff), 40);
    assert_eq!(acted(&bench), [0; 0]);
    // Software has seen to the first two.
    assert_eq!(ask(&bench, 0x14, &[0, 2, 0]).0, 0);
    pass(41).await;
    assert_eq!(arm(0xff), 0);
    assert_eq!(acted(&bench), [ALERT]);
    assert_eq!(last_processed(&bench)[4..], [4, 0, 2, 0, 3, 0]);
    // Disarmed: at once.
    assert_eq!(arm(0xfd), 0xfd);
    event(&bench, HOT);
    assert_eq!(arm(0), 0);
    assert_eq!(acted(&bench), [ALERT; 2]);
}

#[tokio::test(start_paused = true)]
async fn filters_can_be_off_until_the_next_start() {
    let bench = with_filter(ALERT);
    bench.drive();
    assert_eq!(ask(&bench, 0x11, &[0xfe]).1, [0xfe]);
    event(&bench, HOT);
    pass(1_000).await;
    assert_eq!(ask(&bench, 0x11, &[0xff]).1, [0xfe]);
    assert_eq!(acted(&bench), [0; 0]);
    assert_eq!(bench.ask(NetFn::CHASSIS, 0x02, &[3]).answer().await.0, 0);
    pass(1).await;
    // The restart; what came before is not looked at any more.
    assert_eq!(acted(&bench), [ALERT]);
    assert_eq!(ask(&bench, 0x11, &[0xff]).1, [0x00]);
}

#[tokio::test]
async fn what_had_to_wait_is_forgotten_when_filtering_is_switched_off() {
    let bench = with_filter(ALERT);
    assert_eq!(ask(&bench, 0x11, &[60]).0, 0);
    event(&bench, HOT);
    set(&bench, 1, &[0x02]);
    set(&bench, 1, &[ON]);
    assert_eq!(ask(&bench, 0x11, &[0]).0, 0);
    assert_eq!(acted(&bench), [0; 0]);
}

#[tokio::test]
async fn only_what_the_machine_can_do_is_offered() {
    assert_eq!(ask(&Bench::new(), 0x10, &[]), (0, vec![0x51, 0x2f, 16]));
    let machine = MemoryMachine::builder("node1").power_actions(PowerActions::ON | PowerActions::OFF);
    let bench = Bench::with(machine, |bmc| bmc);
    assert_eq!(ask(&bench, 0x10, &[]).1, [0x51, ALERT | OFF | CYCLE, 16]);
    assert_eq!(ask(&bench, 0x12, &[2, RESET]).0, 0xcc);
    assert_eq!(ask(&bench, 0x12, &[2, OFF]).0, 0);
    assert_eq!(ask(&bench, 0x13, &[2, 0, 0]), (0, vec![0x11, OFF]));
}
