//! The chassis besides its power.

use crate::client::Client;
use crate::daemon::Vbmcd;

#[test]
fn chassis_status_has_all_its_fields() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for state in ["on", "off"] {
        client.set_power(state);
        let shown = client.ipmitool(&["chassis", "status"]).ok();
        assert_eq!(shown.value("System Power"), state);
        for key in [
            "Power Overload",
            "Main Power Fault",
            "Power Control Fault",
            "Drive Fault",
        ] {
            assert_eq!(shown.value(key), "false");
        }
        assert_eq!(shown.value("Chassis Intrusion"), "inactive");
    }
    let shown = client.freeipmi("ipmi-chassis", &["--get-chassis-status"]).ok();
    assert_eq!(shown.value("System Power"), "off");
}

#[test]
fn the_power_restore_policy_is_kept() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let list = client.ipmitool(&["chassis", "policy", "list"]).ok();
    list.has("always-off").has("always-on").has("previous");
    for policy in ["always-on", "previous", "always-off"] {
        client.ipmitool(&["chassis", "policy", policy]).ok();
        let shown = client.ipmitool(&["chassis", "status"]).ok();
        assert_eq!(shown.value("Power Restore Policy"), policy);
    }
}

#[test]
fn identify_shows_in_the_status() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    // Bits 5:4 of the third byte: off, timed, indefinite.
    let state = || client.ipmitool(&["raw", "0", "1"]).ok().bytes()[2] >> 4 & 3;
    assert_eq!(state(), 0);
    client.ipmitool(&["chassis", "identify", "200"]).ok();
    assert_eq!(state(), 1);
    client.ipmitool(&["chassis", "identify", "force"]).ok();
    assert_eq!(state(), 2);
    client.ipmitool(&["chassis", "identify", "0"]).ok();
    assert_eq!(state(), 0);
    client
        .freeipmi("ipmi-chassis", &["--chassis-identify=FORCE"])
        .ok();
    assert_eq!(state(), 2);
    let lit = ["node1 identify on", "node1 identify on", "node1 identify off"];
    assert_eq!(daemon.actions(), [&lit[..], &lit[..1]].concat());
    // It ends by itself.
    client.ipmitool(&["chassis", "identify", "1"]).ok();
    daemon.wait_for("node1 identify off", 2);
    assert_eq!(state(), 0);
}

#[test]
fn restart_cause_counter_and_capabilities() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let cause = client.ipmitool(&["chassis", "restart_cause"]).ok();
    cause.has("System restart cause: ").has("control command");
    client.ipmitool(&["chassis", "poh"]).ok().has("POH Counter");
    client
        .freeipmi("ipmi-chassis", &["--get-system-restart-cause"])
        .ok();
    client
        .freeipmi("ipmi-chassis", &["--get-power-on-hours-counter"])
        .ok();
    let capabilities = client
        .freeipmi("ipmi-chassis", &["--get-chassis-capabilities"])
        .ok();
    capabilities.has("Diagnostic Interrupt").has("20h");
}
