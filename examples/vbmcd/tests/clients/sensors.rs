//! Sensors: readings, limits that clients set, and the events of crossing them.

use crate::client::Client;
use crate::daemon::{Vbmcd, until};

/// A sensor that has a value while the machine is off: 22 to 24 degrees.
const INLET: &str = "Inlet Temp";

/// The events of the inlet's temperature in the log.
fn events(client: &Client) -> Vec<String> {
    let shown = client.ipmitool(&["sel", "elist"]).ok();
    let lines = shown.text.lines().filter(|line| line.contains(INLET));
    lines.map(str::to_owned).collect()
}

fn set(client: &Client, limit: &str, value: &str) {
    let shown = client.ipmitool(&["sensor", "thresh", INLET, limit, value]).ok();
    shown.has_not("Error");
}

/// Waits until the BMC has scanned its sensors and the log has so many events.
#[track_caller]
fn wait_for_events(client: &Client, count: usize) -> Vec<String> {
    until(
        || format!("no {count} events in {:?}", events(client)),
        || events(client).len() >= count,
    );
    let events = events(client);
    assert_eq!(events.len(), count, "{events:?}");
    events
}

#[test]
fn crossing_a_limit_is_an_event_once_and_coming_back_another() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    assert_eq!(events(&client), [""; 0]);
    // 10 degrees of hysteresis in steps of half a degree.
    client
        .ipmitool(&["raw", "4", "0x24", "0x61", "0xff", "20", "20"])
        .ok();
    set(&client, "unc", "20");
    let crossed = wait_for_events(&client, 1);
    assert!(
        crossed[0].contains("Upper Non-critical going high | Asserted | Reading 2")
            && crossed[0].contains("> Threshold 20 degrees C"),
        "{crossed:?}"
    );
    let shown = client.ipmitool(&["sensor", "get", INLET]).ok();
    assert_eq!(shown.value("Status"), "Upper Non-Critical");
    assert_eq!(shown.value("Upper Non-Critical"), "20.000");
    let hysteresis = client.ipmitool(&["raw", "4", "0x25", "0x61", "0xff"]).ok();
    assert_eq!(hysteresis.bytes(), [20, 20]);
    assert_eq!(shown.value("Assertion Events"), "unc+");
    client
        .freeipmi("ipmi-sensors", &["--sdr-cache-recreate", "--record-ids=97"])
        .ok()
        .has("Upper Non-Critical Threshold");

    // Neither the same limit again nor one that the value is not below by the hysteresis is news.
    set(&client, "unc", "20");
    set(&client, "unc", "30");
    assert_eq!(events(&client), crossed);
    set(&client, "unc", "40");
    let gone = wait_for_events(&client, 2);
    assert!(
        gone[1].contains("Upper Non-critical going high | Deasserted"),
        "{gone:?}"
    );
    let shown = client.ipmitool(&["sensor", "get", INLET]).ok();
    assert_eq!(shown.value("Status"), "ok");
    assert_eq!(shown.value("Assertion Events"), "");
}

#[test]
fn limits_stay_in_order_and_belong_to_sensors_that_have_them() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    set(&client, "unc", "30");
    set(&client, "ucr", "35");
    // The last limit below the one before, and a lower one, which this sensor does not have.
    for limits in [
        &["0x20", "0", "0", "0", "0", "0", "68"][..],
        &["0x02", "0", "10", "0", "0", "0", "0"],
    ] {
        client
            .ipmitool(&[&["raw", "4", "0x26", "0x61"], limits].concat())
            .failed()
            .has("rsp=0xcc");
    }
    let bytes = client.ipmitool(&["raw", "4", "0x27", "0x61"]).ok().bytes();
    assert_eq!(bytes, [0x38, 0, 0, 0, 60, 70, 92]);
    // A state has no limits and no factors, and what is not there has nothing.
    for request in [&["0x27", "1"][..], &["0x23", "1", "0"]] {
        client
            .ipmitool(&[&["raw", "4"], request].concat())
            .failed()
            .has("rsp=0xcd");
    }
    client
        .ipmitool(&["raw", "4", "0x2d", "0xee"])
        .failed()
        .has("rsp=0xcb");
    client
        .freeipmi(
            "ipmi-config",
            &[
                "--category=sensors",
                "--commit",
                "--key-pair=97_Inlet_Temp:Upper_Critical_Threshold=37.5",
            ],
        )
        .ok();
    let shown = client.ipmitool(&["sensor", "get", INLET]).ok();
    assert_eq!(shown.value("Upper Critical"), "37.500");
}

#[test]
fn events_are_enabled_and_armed_again_by_clients() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let sensor = |data: &[&str]| client.ipmitool(&[&["raw", "4"], data].concat());
    let enables = sensor(&["0x29", "0x61"]).ok().bytes();
    assert_eq!(enables, [0xc0, 0x80, 0x0a, 0x80, 0x0a]);
    // The event of the first upper limit is disabled: bit 7 of the lower mask.
    sensor(&["0x28", "0x61", "0xe0", "0x80", "0", "0x80", "0"]).ok();
    assert_eq!(sensor(&["0x29", "0x61"]).ok().bytes(), [0xc0, 0, 0x0a, 0, 0x0a]);
    set(&client, "unc", "20");
    let shown = client.ipmitool(&["sensor", "get", INLET]).ok();
    assert_eq!(shown.value("Status"), "Upper Non-Critical");
    set(&client, "unc", "38");
    assert_eq!(events(&client), [""; 0]);
    sensor(&["0x28", "0x61", "0xd0", "0x80", "0", "0x80", "0"]).ok();
    assert_eq!(sensor(&["0x29", "0x61"]).ok().bytes(), enables);
    set(&client, "unc", "20");
    wait_for_events(&client, 1);
    assert_eq!(sensor(&["0x2b", "0x61"]).ok().bytes()[1..3], [0x80, 0]);
    // Armed again, what still holds is news.
    sensor(&["0x2a", "0x61", "0"]).ok();
    wait_for_events(&client, 2);
    // Nothing comes from a sensor that is not looked at.
    sensor(&["0x28", "0x61", "0x80"]).ok();
    assert_eq!(sensor(&["0x2d", "0x61"]).ok().bytes()[1] & 0x60, 0x20);
    client.ipmitool(&["sensor", "reading", INLET]).has_not("| 2");
}

#[test]
fn a_value_that_nobody_has_is_not_shown_as_zero() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let column = |name: &str, index: usize| {
        let shown = client.ipmitool(&["sensor"]).ok();
        let line = shown.text.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{shown}"));
        line.split('|').nth(index).unwrap().trim().to_owned()
    };
    let off = [
        "CPU Temp",
        "Fan 1",
        "System Power",
        "CPU Utilization",
        "Memory Usage",
    ];
    for name in off {
        assert_eq!(column(name, 1), "na");
        assert_eq!(column(name, 3), "na");
    }
    client
        .ipmitool(&["sdr", "elist"])
        .ok()
        .has("CPU Temp         | 60h | ns  |  3.1 | No Reading");
    let shown = client
        .freeipmi("ipmi-sensors", &["--sdr-cache-recreate", "--no-header-output"])
        .ok();
    let line = shown.text.lines().find(|line| line.contains("| CPU Temp"));
    let line = line.unwrap_or_else(|| panic!("{shown}"));
    assert!(line.matches("N/A").count() == 2, "{line}");
    // Its state is known all the same.
    assert_eq!(column("Power Unit", 1), "0x1");
    assert_eq!(column("Fan 1", 5), "600.000");
    // No fan stands still only because the machine is off.
    let log = client.ipmitool(&["sel", "elist"]).ok();
    log.has_not("Fan 1");

    client.set_power("on");
    for name in off {
        let value: f64 = column(name, 1).parse().unwrap();
        assert!(value > 0.0, "{name} {value}");
        assert_eq!(column(name, 3), "ok", "{name}");
    }
    assert_eq!(column("Power Unit", 1), "0x0");
    client.set_power("off");
    assert_eq!(column("CPU Temp", 1), "na");
    client.ipmitool(&["sel", "elist"]).ok().has_not("Fan 1");
}
