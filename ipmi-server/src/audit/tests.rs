//! What is told of, by whom, and what is not.

use alloc::sync::Arc;
use std::sync::Mutex;

use ipmi_proto::command;
use ipmi_proto::crypto::{CipherSuiteId, Password};
use ipmi_proto::ipmb::{NetFn, Privilege};

use super::{Audit, AuditRecord, asked};
use crate::backend::memory::{MemoryMachine, Operation};
use crate::backend::{BackendErrorKind, PowerAction};
use crate::sol::tests::world::{ACTIVATE, DEACTIVATE, World};
use crate::test_bench::Bench;

/// Keeps a line for each record.
#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl Audit for Lines {
    fn record(&self, record: &AuditRecord<'_>) {
        let who = record
            .actor
            .map_or_else(|| "nobody".to_owned(), |actor| format!("{actor:?}"));
        let code = record
            .completion
            .map_or_else(String::new, |code| format!(" {:02x}", code.0));
        let text = format!(
            "{} {who} {}: {}{code}",
            record.bmc,
            record.event.name(),
            record.event
        );
        assert!(record.source.is_some());
        self.0.lock().unwrap().push(text);
    }
}

impl Lines {
    /// The lines since the last call, which have to be these.
    #[track_caller]
    fn are(&self, expected: &[&str]) {
        assert_eq!(core::mem::take(&mut *self.0.lock().unwrap()), expected);
    }
}

fn world() -> (World, Arc<Lines>) {
    let lines = Arc::new(Lines::default());
    let audit = Arc::clone(&lines);
    let bench = Bench::with(MemoryMachine::builder("node1"), |bmc| {
        bmc.audit(audit)
            .user("operator", Password::new(b"secret").unwrap(), Privilege::OPERATOR)
    });
    (World::with(bench), lines)
}

#[tokio::test(start_paused = true)]
async fn sessions_and_consoles_are_told_of() {
    let (mut world, lines) = world();
    let (first, second) = (world.login().await, world.login().await);
    let login = "node1 user 2 \"admin\" login: up to Administrator";
    lines.are(&[login, login]);
    world.activate(first).await;
    assert_eq!(world.ask(second, DEACTIVATE).await.0, 0);
    lines.are(&[
        "node1 user 2 \"admin\" console_opened: ",
        "node1 user 2 \"admin\" console_closed: taken by another session",
    ]);
    assert_eq!(world.ask(second, ACTIVATE).await.0, 0);
    let now = world.bench.now();
    world.clients[second].session.close(now);
    world
        .until(|world| world.bench.bmc.with(|inner| inner.sol.session().is_none()))
        .await;
    lines.are(&[
        "node1 user 2 \"admin\" console_opened: ",
        "node1 user 2 \"admin\" session_closed: requested",
        "node1 user 2 \"admin\" console_closed: session closed",
    ]);
}

#[tokio::test(start_paused = true)]
async fn failed_logins_are_told_of() {
    let (mut world, lines) = world();
    // A wrong password is noticed by the client itself, at RAKP message 2: the BMC learns nothing of it.
    for user in ["stranger", "operator"] {
        world
            .try_login(user, CipherSuiteId::SUITE_3, Privilege::ADMINISTRATOR)
            .await;
    }
    lines.are(&[
        "node1 nobody login_failed: unknown user",
        "node1 user 3 \"operator\" login_failed: privilege not allowed",
    ]);
}

#[tokio::test(start_paused = true)]
async fn commands_that_change_something_are_told_of_with_their_answer() {
    let (mut world, lines) = world();
    let admin = world.login().await;
    let low = world
        .login_as("operator", CipherSuiteId::SUITE_3, Privilege::OPERATOR)
        .await;
    lines.0.lock().unwrap().clear();
    let asks: &[(NetFn, u8, &[u8], &str)] = &[
        (NetFn::CHASSIS, 0x02, &[1], "power_action: power up 00"),
        (NetFn::CHASSIS, 0x02, &[9], "power_action: unknown action cc"),
        (
            NetFn::CHASSIS,
            0x08,
            &[5, 0x80, 4, 0, 0, 0],
            "boot_option_changed: Boot Flags 00",
        ),
        (
            NetFn::CHASSIS,
            0x08,
            &[0x7e, 1],
            "boot_option_changed: parameter 126 80",
        ),
        (
            NetFn::APP,
            0x43,
            &[0x91, 3, 3, 0],
            "user_changed: Set User Access of user 3 00",
        ),
        (
            NetFn::APP,
            0x4c,
            &[1, 3, 2, 0, 0, 0],
            "user_changed: Set User Payload Access of user 3 00",
        ),
        (
            NetFn::TRANSPORT,
            0x21,
            &[1, 5, 7],
            "configuration_changed: Set SOL Configuration Parameters 00",
        ),
        (
            NetFn::TRANSPORT,
            0x21,
            &[1, 5],
            "configuration_changed: Set SOL Configuration Parameters c7",
        ),
    ];
    for (netfn, number, data, line) in asks {
        world.ask(admin, (*netfn, *number, data)).await;
        lines.are(&[&format!("node1 user 2 \"admin\" {line}")]);
    }
    let mut password = [0; 18];
    password[..8].copy_from_slice(&[3, 3, b's', b'e', b'c', b'r', b'e', b't']);
    assert_eq!(world.ask(admin, (NetFn::APP, 0x47, &password)).await.0, 0);
    lines.are(&["node1 user 2 \"admin\" password_tested: of user 3 00"]);

    // Who may not is told of, too.
    assert_eq!(world.ask(low, (NetFn::APP, 0x02, &[])).await.0, 0xd4);
    lines.are(&["node1 user 3 \"operator\" configuration_changed: Cold Reset d4"]);
    // Reading is not.
    for (netfn, number) in [(NetFn::APP, 0x01), (NetFn::CHASSIS, 0x01), (NetFn::STORAGE, 0x40)] {
        assert_eq!(world.ask(low, (netfn, number, &[])).await.0, 0);
    }
    lines.are(&[]);
}

#[tokio::test(start_paused = true)]
async fn a_power_action_is_told_of_when_it_is_answered() {
    let (mut world, lines) = world();
    let admin = world.login().await;
    lines.0.lock().unwrap().clear();
    let machine = Arc::clone(&world.bench.machine);
    machine.set_fault(
        Operation::Power(PowerAction::On),
        1,
        BackendErrorKind::Unavailable,
    );
    let on = (NetFn::CHASSIS, 0x02, &[1][..]);
    let code = world.ask(admin, on).await.0;
    assert_ne!(code, 0);
    lines.are(&[&format!(
        "node1 user 2 \"admin\" power_action: power up {code:02x}"
    )]);
}

/// Every command that a session with less than Operator may not send, and that does not read, is told of.
#[test]
fn the_commands_that_are_told_of() {
    let told: Vec<_> = command::all()
        .filter(|spec| asked(spec, &[0; 20]).is_some())
        .map(|spec| spec.name)
        .collect();
    for name in [
        "Chassis Control",
        "Clear SEL",
        "Set User Name",
        "Cold Reset",
        "Write FRU Data",
        "Set Asset Tag",
    ] {
        assert!(told.contains(&name), "{name} is not told of: {told:?}");
    }
    for name in [
        "Reset Watchdog Timer",
        "Reserve SEL",
        "Get User Name",
        "Get Channel Access",
        "Activate Payload",
    ] {
        assert!(!told.contains(&name), "{name} is told of");
    }
}
