//! Power of the machine, by ipmitool and FreeIPMI.

use crate::client::Client;
use crate::daemon::{Vbmcd, until};

#[test]
fn ipmitool_switches_on_and_off_once() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    assert_eq!(client.power(), "off");
    for _ in 0..2 {
        client
            .ipmitool(&["chassis", "power", "on"])
            .ok()
            .has("Chassis Power Control: Up/On");
        client.wait_for_power("on");
    }
    for _ in 0..2 {
        client
            .ipmitool(&["power", "off"])
            .ok()
            .has("Chassis Power Control: Down/Off");
        client.wait_for_power("off");
    }
    assert_eq!(
        (daemon.count("node1 power on"), daemon.count("node1 power off")),
        (1, 1)
    );
}

#[test]
fn ipmitool_cycles_resets_and_interrupts_a_running_machine() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    daemon.wait_for("node1 boot disk", 1);

    client
        .ipmitool(&["chassis", "power", "reset"])
        .ok()
        .has("Chassis Power Control: Reset");
    daemon.wait_for("node1 boot disk", 2);
    client
        .ipmitool(&["chassis", "power", "diag"])
        .ok()
        .has("Chassis Power Control: Diag");
    daemon.wait_for("node1 nmi", 1);
    assert_eq!(client.power(), "on");

    client
        .ipmitool(&["chassis", "power", "cycle"])
        .ok()
        .has("Chassis Power Control: Cycle");
    client.wait_for_power("off");
    client.wait_for_power("on");
    daemon.wait_for("node1 boot disk", 3);
    let expected = [
        "power on",
        "boot disk",
        "reset",
        "boot disk",
        "nmi",
        "power off",
        "power on",
        "boot disk",
    ];
    assert_eq!(daemon.actions(), expected.map(|action| format!("node1 {action}")));
}

#[test]
fn a_soft_shutdown_is_obeyed_after_a_while() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    client
        .ipmitool(&["chassis", "power", "soft"])
        .ok()
        .has("Chassis Power Control: Soft");
    client.wait_for_power("off");
    assert_eq!(
        (daemon.count("node1 soft"), daemon.count("node1 power off")),
        (1, 0)
    );
}

#[test]
fn what_needs_a_running_machine_is_refused_while_it_is_off() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for action in ["cycle", "reset", "soft", "diag"] {
        let shown = client.ipmitool(&["chassis", "power", action]).failed();
        shown.has("not supported in present state");
    }
    assert_eq!(client.power(), "off");
    assert!(daemon.actions().is_empty(), "{:?}", daemon.actions());
}

#[test]
fn cycle_while_off_powers_on_where_that_is_configured() {
    let daemon = Vbmcd::run("cycle_when_off = \"on\"");
    let client = Client::new(daemon.address());
    client.ipmitool(&["chassis", "power", "cycle"]).ok();
    client.wait_for_power("on");
}

#[test]
fn ipmipower_does_all_of_it() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let power = |arguments: &[&str]| client.freeipmi("ipmipower", arguments).ok();
    power(&["--stat"]).has(": off");
    power(&["--on", "--wait-until-on"]).has(": ok");
    power(&["--stat"]).has(": on");
    power(&["--reset"]).has(": ok");
    power(&["--pulse"]).has(": ok");
    power(&["--cycle"]).has(": ok");
    client.wait_for_power("off");
    client.wait_for_power("on");
    power(&["--soft"]).has(": ok");
    until(
        || "still on".to_owned(),
        || power(&["--stat"]).text.contains(": off"),
    );
    power(&["--reset", "--on-if-off"]).has(": ok");
    until(
        || "still off".to_owned(),
        || power(&["--stat"]).text.contains(": on"),
    );
    power(&["--off", "--wait-until-off"]).has(": ok");
    assert_eq!((daemon.count("node1 reset"), daemon.count("node1 nmi")), (1, 1));
}

#[test]
fn each_bmc_has_a_machine_of_its_own() {
    let daemon = Vbmcd::demo(&["--count", "3"]);
    let clients: Vec<_> = daemon
        .endpoints()
        .iter()
        .map(|(_, address)| Client::new(*address))
        .collect();
    assert_eq!(clients.len(), 3);
    clients[1].set_power("on");
    assert_eq!(
        [clients[0].power(), clients[1].power(), clients[2].power()],
        ["off", "on", "off"]
    );
    daemon.wait_for("node2 boot disk", 1);
    let guid = |client: &Client| {
        client
            .ipmitool(&["mc", "guid"])
            .ok()
            .value("System GUID")
            .to_owned()
    };
    assert_ne!(guid(&clients[0]), guid(&clients[1]));
}
