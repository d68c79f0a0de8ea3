//! Power, boot options and watchdog against the machine in memory, in virtual time.

use core::time::Duration;

use ipmi_proto::ipmb::NetFn;

use crate::backend::memory::{MemoryMachine, Operation, PowerDelays};
use crate::backend::{BackendErrorKind, BootDevice, BootDevices, PowerAction, PowerState};
use crate::bmc::CycleWhenOff;
use crate::test_bench::Bench;

mod chassis;

const DOWN: u8 = 0;
const UP: u8 = 1;
const CYCLE: u8 = 2;
const RESET: u8 = 3;
const INTERRUPT: u8 = 4;
const SOFT: u8 = 5;

impl Bench {
    async fn control(&self, action: u8) -> u8 {
        self.ask(NetFn::CHASSIS, 0x02, &[action]).answer().await.0
    }

    fn status(&self) -> Vec<u8> {
        let (code, status) = self.ask(NetFn::CHASSIS, 0x01, &[]).at_once();
        assert_eq!(code, 0);
        status
    }

    fn is_on(&self) -> bool {
        self.status()[0] & 1 == 1
    }

    fn has_fault(&self) -> bool {
        self.status()[0] & 0x10 != 0
    }

    /// What reached the machine, without boots.
    fn done(&self) -> Vec<String> {
        let actions = self
            .machine
            .actions()
            .into_iter()
            .map(|action| action.to_string());
        actions.filter(|action| !action.starts_with("boot")).collect()
    }

    fn restart_cause(&self) -> Vec<u8> {
        self.ask(NetFn::CHASSIS, 0x07, &[]).at_once().1
    }

    fn boot_flags(&self) -> Vec<u8> {
        self.ask(NetFn::CHASSIS, 0x09, &[5, 0, 0]).at_once().1
    }

    async fn set_boot_flags(&self, flags: [u8; 5]) -> u8 {
        let data = [&[5][..], &flags].concat();
        self.ask(NetFn::CHASSIS, 0x08, &data).answer().await.0
    }

    async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let started = tokio::time::Instant::now();
        while !condition(self) {
            assert!(started.elapsed() < Duration::from_secs(300), "never: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn on() -> Bench {
    Bench::with(MemoryMachine::builder("node1").power(PowerState::On), |bmc| bmc)
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn table_of_chassis_control() {
    let bench = Bench::new();
    bench.drive();
    assert_eq!(bench.control(DOWN).await, 0);
    for refused in [CYCLE, RESET, INTERRUPT, SOFT] {
        assert_eq!(bench.control(refused).await, 0xd5, "{refused}");
    }
    assert!(bench.done().is_empty());
    assert_eq!(bench.control(UP).await, 0);
    assert!(bench.is_on());
    assert_eq!(bench.control(UP).await, 0);
    assert_eq!(bench.done(), ["power on"]);
    assert_eq!(bench.control(RESET).await, 0);
    assert_eq!(bench.control(INTERRUPT).await, 0);
    assert_eq!(bench.control(SOFT).await, 0);
    assert!(!bench.is_on());
    assert_eq!(bench.done(), ["power on", "reset", "nmi", "soft"]);
    for reserved in 6..=0x0f {
        assert_eq!(bench.control(reserved).await, 0xcc, "{reserved}");
    }
}

#[tokio::test(start_paused = true)]
async fn cycle_is_off_for_the_interval_and_in_order() {
    let bench = on();
    bench.drive();
    assert_eq!(bench.control(CYCLE).await, 0);
    assert!(!bench.is_on());
    assert_eq!(bench.control(CYCLE).await, 0, "joined");
    assert_eq!(bench.control(UP).await, 0xc0, "another action is under way");
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert!(!bench.is_on());
    bench.until("on again", Bench::is_on).await;
    assert_eq!(bench.done(), ["power off", "power on"]);
    assert_eq!(bench.restart_cause(), [0x01, 0x01]);
    assert_eq!(bench.status()[1] & 0x10, 0x10, "last power-up by command");
    // Set Power Cycle Interval.
    bench
        .until("done", |bench| bench.bmc.with(|inner| inner.power.is_free()))
        .await;
    assert_eq!(bench.ask(NetFn::CHASSIS, 0x0b, &[60]).at_once().0, 0);
    assert_eq!(bench.control(CYCLE).await, 0);
    pass(59).await;
    assert!(!bench.is_on());
    pass(2).await;
    assert!(bench.is_on());
}

#[tokio::test(start_paused = true)]
async fn cycle_when_off_is_a_switch() {
    let bench = Bench::with(MemoryMachine::builder("node1"), |bmc| {
        bmc.cycle_when_off(CycleWhenOff::On)
    });
    assert_eq!(bench.control(CYCLE).await, 0);
    assert_eq!(bench.done(), ["power on"]);
}

#[tokio::test(start_paused = true)]
async fn on_that_meets_a_machine_on_its_way_down_is_not_lost() {
    let delays = PowerDelays {
        off: Duration::from_secs(5),
        ..PowerDelays::NONE
    };
    let machine = MemoryMachine::builder("node1")
        .power(PowerState::On)
        .delays(delays);
    let bench = Bench::with(machine, |bmc| bmc);
    bench.drive();
    assert_eq!(bench.control(DOWN).await, 0);
    assert!(bench.is_on(), "not off before it is");
    assert_eq!(bench.control(DOWN).await, 0, "joined");
    assert_eq!(bench.control(UP).await, 0xc0);
    bench.until("off", |bench| !bench.is_on()).await;
    assert_eq!(bench.control(UP).await, 0);
    assert_eq!(bench.done(), ["power off", "power on"]);
}

#[tokio::test(start_paused = true)]
async fn unknown_is_an_error_and_never_off() {
    let bench = on();
    bench.machine.set_unreachable(true);
    assert_eq!(
        bench.ask(NetFn::CHASSIS, 0x01, &[]).answer().await,
        (0xce, vec![])
    );
    assert_eq!(bench.control(DOWN).await, 0xce);
    assert_eq!(bench.ask(NetFn::APP, 0x07, &[]).answer().await.0, 0xce);
    bench.machine.set_unreachable(false);
    assert!(bench.is_on());
    bench.machine.set_hides_power_state(true);
    assert_eq!(bench.ask(NetFn::CHASSIS, 0x01, &[]).answer().await.1[0] & 1, 1);
}

#[tokio::test(start_paused = true)]
async fn failures_have_their_codes_and_leave_the_slot_free() {
    let bench = on();
    bench.drive();
    let cases = [
        (BackendErrorKind::Unavailable, 0xce, true),
        (BackendErrorKind::Timeout, 0xc3, true),
        (BackendErrorKind::NotFound, 0xce, true),
        (BackendErrorKind::Denied, 0xff, true),
        (BackendErrorKind::Other, 0xff, true),
        (BackendErrorKind::InvalidState, 0xd5, false),
        (BackendErrorKind::Busy, 0xc0, false),
        (BackendErrorKind::Unsupported, 0xcc, false),
    ];
    for (kind, code, is_fault) in cases {
        bench
            .machine
            .set_fault(Operation::Power(PowerAction::Reset), 1, kind);
        assert_eq!(bench.control(RESET).await, code, "{kind:?}");
        assert_eq!(bench.has_fault(), is_fault, "{kind:?}");
        assert_eq!(bench.control(RESET).await, 0);
        assert!(!bench.has_fault());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_acceptance_is_a_control_fault() {
    let bench = Bench::new();
    bench.drive();
    bench.machine.break_next_action("no memory");
    assert_eq!(bench.control(UP).await, 0);
    assert!(bench.has_fault());
    pass(120).await;
    assert!(bench.has_fault() && !bench.is_on());
    assert_eq!(bench.control(UP).await, 0);
    assert!(!bench.has_fault());
}

#[tokio::test(start_paused = true)]
async fn same_action_waits_for_the_outcome_of_the_first() {
    let bench = on();
    bench
        .machine
        .set_latency(Operation::Power(PowerAction::Reset), Duration::from_secs(2));
    bench.machine.set_fault(
        Operation::Power(PowerAction::Reset),
        1,
        BackendErrorKind::Unavailable,
    );
    let (first, second) = tokio::join!(bench.control(RESET), bench.control(RESET));
    assert_eq!((first, second), (0xce, 0xce));
    assert!(bench.done().is_empty());
    // Given up before it ran: the slot is free.
    drop(bench.ask(NetFn::CHASSIS, 0x02, &[RESET]));
    assert_eq!(bench.control(INTERRUPT).await, 0);
}

#[tokio::test(start_paused = true)]
async fn one_time_boot_is_used_once_and_shown_so() {
    let bench = Bench::new();
    bench.drive();
    assert_eq!(bench.boot_flags(), [0x01, 0x05, 0, 0, 0, 0, 0]);
    assert_eq!(bench.set_boot_flags([0x80, 0x04, 0, 0, 0]).await, 0);
    assert_eq!(bench.boot_flags(), [0x01, 0x05, 0x80, 0x04, 0, 0, 0]);
    assert_eq!(bench.machine.boot_override().unwrap().device, BootDevice::Pxe);
    assert_eq!(bench.control(UP).await, 0);
    assert_eq!(bench.boot_flags(), [0x01, 0x05, 0x00, 0x04, 0, 0, 0]);
    assert_eq!(bench.control(RESET).await, 0);
    let boots: Vec<_> = bench.machine.actions().iter().map(ToString::to_string).collect();
    assert_eq!(boots, ["power on", "boot pxe", "reset", "boot disk"]);
    // Persistent, with the EFI bit: stays until `bootdev none`.
    assert_eq!(bench.set_boot_flags([0xe0, 0x14, 0, 0, 0]).await, 0);
    assert_eq!(bench.control(RESET).await, 0);
    assert_eq!(bench.boot_flags()[2..4], [0xe0, 0x14]);
    assert_eq!(bench.set_boot_flags([0x80, 0x00, 0, 0, 0]).await, 0);
    assert_eq!(bench.machine.boot_override(), None);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_accepted_that_will_not_happen() {
    let devices = BootDevices::PXE | BootDevices::DISK;
    let bench = Bench::with(MemoryMachine::builder("node1").boot_devices(devices), |bmc| bmc);
    for device in [
        0x0c, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x3c,
    ] {
        assert_eq!(
            bench.set_boot_flags([0x80, device, 0, 0, 0]).await,
            0xcc,
            "{device:#x}"
        );
    }
    assert_eq!(
        bench.set_boot_flags([0x80, 0x84, 0, 0, 0]).await,
        0xcc,
        "clear CMOS"
    );
    assert_eq!(bench.boot_flags(), [0x01, 0x05, 0, 0, 0, 0, 0]);
    assert_eq!(bench.set_boot_flags([0x80, 0x08, 0, 0, 0]).await, 0);
    bench
        .machine
        .set_fault(Operation::Boot, 1, BackendErrorKind::Unavailable);
    assert_eq!(bench.set_boot_flags([0x80, 0x04, 0, 0, 0]).await, 0xce);
    assert_eq!(bench.boot_flags()[3], 0x08);
    let none = Bench::with(
        MemoryMachine::builder("node2").boot_devices(BootDevices::empty()),
        |bmc| bmc,
    );
    assert_eq!(none.set_boot_flags([0x80, 0x04, 0, 0, 0]).await, 0xcc);
    assert_eq!(none.set_boot_flags([0x80, 0x00, 0, 0, 0]).await, 0);
}

#[tokio::test(start_paused = true)]
async fn boot_flag_timer_runs_when_it_is_switched_on() {
    let bench = on();
    bench.drive();
    assert_eq!(
        bench.ask(NetFn::CHASSIS, 0x09, &[3, 0, 0]).at_once().1,
        [0x01, 0x03, 0x08]
    );
    assert_eq!(bench.set_boot_flags([0x80, 0x04, 0, 0, 0]).await, 0);
    pass(3_600).await;
    assert_eq!(bench.boot_flags()[2], 0x80);
    assert_eq!(bench.ask(NetFn::CHASSIS, 0x08, &[3, 0x00]).answer().await.0, 0);
    pass(50).await;
    assert_eq!(bench.control(INTERRUPT).await, 0, "starts the time again");
    pass(55).await;
    assert_eq!(bench.boot_flags()[2], 0x80);
    pass(6).await;
    assert_eq!(bench.boot_flags()[2], 0x00);
    assert_eq!(bench.machine.boot_override(), None);
}

#[tokio::test(start_paused = true)]
async fn boot_parameters_are_kept_and_marked() {
    let bench = Bench::new();
    let set = |data: &[u8]| bench.ask(NetFn::CHASSIS, 0x08, data).at_once().0;
    let get = |parameter: u8| bench.ask(NetFn::CHASSIS, 0x09, &[parameter, 0, 0]).at_once();
    assert_eq!(
        (set(&[0, 1]), set(&[0, 1]), set(&[0, 2]), set(&[0, 0])),
        (0, 0x81, 0, 0)
    );
    assert_eq!(set(&[4, 0x01, 0x01]), 0);
    assert_eq!(get(4), (0, vec![0x01, 0x04, 0x00, 0x01]));
    assert_eq!(set(&[6, 1, 2, 3, 4, 5, 6, 7, 8, 9]), 0);
    assert_eq!(get(6).1[2..], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(set(&[7, 0, 0xf2, 0x1b, 0x00, 0x2a]), 0);
    assert_eq!(get(7).1[..6], [0x01, 0x07, 0x00, 0xf2, 0x1b, 0x00]);
    assert_eq!(set(&[0x84]), 0);
    assert_eq!(get(4).1[1], 0x84);
    assert_eq!((set(&[4]), get(4).1[1]), (0, 0x04));
    assert_eq!((set(&[96, 1]), get(96).0, set(&[5, 0x80])), (0x80, 0x80, 0xc7));
}

#[tokio::test(start_paused = true)]
async fn others_start_and_stop_the_machine() {
    let bench = on();
    bench.drive();
    bench.machine.set_power_from_outside(PowerState::Off);
    assert!(!bench.is_on());
    bench.machine.set_power_from_outside(PowerState::On);
    assert_eq!(bench.restart_cause(), [0x03, 0x00]);
    assert_eq!(bench.status()[1] & 0x10, 0);
}

async fn watchdog(bench: &Bench, settings: [u8; 6]) {
    assert_eq!(bench.ask(NetFn::APP, 0x24, &settings).at_once().0, 0);
    assert_eq!(bench.ask(NetFn::APP, 0x22, &[]).at_once().0, 0);
}

#[tokio::test(start_paused = true)]
async fn watchdog_interrupts_then_resets() {
    let bench = on();
    bench.drive();
    assert_eq!(bench.ask(NetFn::APP, 0x22, &[]).at_once().0, 0x80);
    assert_eq!(bench.set_boot_flags([0x80, 0x04, 0, 0, 0]).await, 0);
    // SMS/OS, NMI 5 s before a hard reset at 20 s.
    watchdog(&bench, [0x04, 0x21, 5, 0, 200, 0]).await;
    pass(14).await;
    assert!(bench.done().is_empty());
    pass(2).await;
    assert_eq!(bench.done(), ["nmi"]);
    pass(5).await;
    assert_eq!(bench.done(), ["nmi", "reset"]);
    assert_eq!(bench.restart_cause(), [0x04, 0x00]);
    let (_, timer) = bench.ask(NetFn::APP, 0x25, &[]).at_once();
    assert_eq!(timer, [0x04, 0x21, 5, 0x10, 200, 0, 0, 0]);
    // Parameter 3 does not keep the valid bit over a watchdog reset.
    assert_eq!(bench.boot_flags()[2], 0);
    assert!(
        bench
            .machine
            .actions()
            .iter()
            .all(|action| action.to_string() != "boot pxe")
    );
}

#[tokio::test(start_paused = true)]
async fn watchdog_cycles_powers_down_and_tries_again() {
    let bench = on();
    bench.drive();
    watchdog(&bench, [0x04, 0x03, 0, 0, 10, 0]).await;
    pass(5).await;
    assert_eq!(bench.done(), ["power off", "power on"]);
    let fault = Operation::Power(PowerAction::Off);
    bench.machine.set_fault(fault, 3, BackendErrorKind::Unavailable);
    watchdog(&bench, [0x04, 0x02, 0, 0, 10, 0]).await;
    pass(30).await;
    assert_eq!(bench.done(), ["power off", "power on", "power off"]);
    // A machine that is off has no running watchdog.
    assert_eq!(bench.control(UP).await, 0);
    watchdog(&bench, [0x04, 0x01, 0, 0, 100, 0]).await;
    assert_eq!(bench.control(DOWN).await, 0);
    pass(60).await;
    assert_eq!(bench.done().last().unwrap(), "power off");
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_events_is_followed_by_asking() {
    let machine = MemoryMachine::builder("node1")
        .power(PowerState::On)
        .without_events();
    let bench = Bench::with(machine, |bmc| bmc);
    bench.drive();
    assert_eq!(bench.set_boot_flags([0x80, 0x04, 0, 0, 0]).await, 0);
    assert_eq!(bench.control(CYCLE).await, 0);
    bench.until("on", Bench::is_on).await;
    assert_eq!(bench.boot_flags()[2], 0x00);
    assert_eq!(bench.restart_cause(), [0x01, 0x01]);
}

#[tokio::test(start_paused = true)]
async fn identify_and_hours_show_in_their_places() {
    let bench = on();
    let identify = |data: &[u8]| bench.ask(NetFn::CHASSIS, 0x04, data).at_once().0;
    assert_eq!(identify(&[]), 0);
    assert_eq!(bench.status()[2] & 0x70, 0x50);
    pass(16).await;
    assert_eq!(bench.status()[2] & 0x70, 0x40);
    assert_eq!(identify(&[0, 1]), 0);
    assert_eq!(bench.status()[2] & 0x70, 0x60);
    let (_, hours) = bench.ask(NetFn::CHASSIS, 0x0f, &[]).at_once();
    assert_eq!(hours, [60, 0, 0, 0, 0]);
    pass(2 * 3_600).await;
    let (_, hours) = bench.ask(NetFn::CHASSIS, 0x0f, &[]).at_once();
    assert_eq!(hours, [60, 2, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_in_the_event_log() {
    let bench = Bench::new();
    bench.drive();
    for action in [UP, RESET, INTERRUPT, SOFT, UP, DOWN] {
        assert_eq!(bench.control(action).await, 0);
    }
    watchdog(&bench, [0x04, 0x01, 0, 0, 10, 0]).await;
    let mut records = Vec::new();
    let mut next = vec![0, 0];
    while next != [0xff, 0xff] {
        let request = [&[0, 0][..], &next, &[0, 0xff]].concat();
        let (code, record) = bench.ask(NetFn::STORAGE, 0x43, &request).at_once();
        assert_eq!(code, 0);
        // Sensor type, direction, offset.
        records.push((record[12], record[14] >> 7, record[15] & 0x0f));
        next = record[..2].to_vec();
    }
    let power_up = [(0x09, 1, 0), (0x22, 0, 0), (0x1d, 0, 7)];
    let expected = [
        &power_up[..],
        &[
            (0x1d, 0, 1),
            (0x13, 0, 0),
            (0x20, 0, 3),
            (0x09, 0, 0),
            (0x22, 0, 5),
        ],
        &power_up,
        &[(0x09, 0, 0), (0x22, 0, 0xa)],
    ];
    assert_eq!(records, expected.concat());
}

#[tokio::test(start_paused = true)]
async fn hours_start_when_the_machine_does_however_long_nobody_asked() {
    let bench = Bench::new();
    bench.drive();
    pass(5 * 3_600).await;
    bench.machine.set_power_from_outside(PowerState::On);
    pass(3_600 + 60).await;
    let (_, hours) = bench.ask(NetFn::CHASSIS, 0x0f, &[]).at_once();
    assert_eq!(hours, [60, 1, 0, 0, 0]);
}
