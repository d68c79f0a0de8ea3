//! DCMI: what ipmitool and ipmi-dcmi ask is answered truly, or with the code that says that it is not there.

use crate::client::{Client, Shown};
use crate::daemon::Vbmcd;

#[test]
fn capabilities_are_what_there_is() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client
        .ipmitool(&["dcmi", "discover"])
        .ok()
        .has("Power management available")
        .has("Temperature monitor available")
        .has("Asset tag")
        .has("SOL enabled")
        .has("SEL automatic rollover is not present")
        .has("Primary LAN channel number: 1 is available")
        .has("No serial channel is available");
    let shown = client.freeipmi("ipmi-dcmi", &["--get-dcmi-capability-info"]).ok();
    assert_eq!(shown.value("DCMI Specification Conformance"), "1.5");
    assert_eq!(shown.value("Asset Tag"), "Available");
    client
        .ipmitool(&["raw", "0x2c", "1", "0xdc", "9"])
        .failed()
        .has("rsp=0x80");
}

#[test]
fn power_is_measured_and_not_limited() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let watts = |shown: &Shown| {
        let value = shown.value("Instantaneous power reading");
        value.split_whitespace().next().unwrap().parse::<u16>().unwrap()
    };
    let reading = || client.ipmitool(&["dcmi", "power", "reading"]).ok();
    assert_eq!(watts(&reading()), 0);
    client.set_power("on");
    let shown = reading();
    assert!((80..=160).contains(&watts(&shown)), "{shown}");
    assert_eq!(shown.value("Power reading state is"), "activated");
    let shown = client
        .freeipmi("ipmi-dcmi", &["--get-system-power-statistics"])
        .ok();
    assert_eq!(shown.value("Power Measurement"), "Active");
    client.set_power("off");
    assert_eq!(watts(&reading()), 0);

    client
        .ipmitool(&["dcmi", "power", "get_limit"])
        .ok()
        .has("No Active Power Limit");
    client
        .freeipmi("ipmi-dcmi", &["--get-power-limit"])
        .ok()
        .has("Power Limit Requested");
    for refused in [
        &["power", "set_limit", "limit", "100"][..],
        &["power", "activate"],
        &["power", "deactivate"],
        &["thermalpolicy", "get", "0", "0"],
    ] {
        client
            .ipmitool(&[&["dcmi"], refused].concat())
            .has("Invalid command (c1)");
    }
    // Averages over periods, which are not kept.
    client
        .ipmitool(&["dcmi", "power", "reading", "5_sec"])
        .has("DCMI request failed");
}

#[test]
fn tag_and_identifier_are_kept() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let long = "a tag of the longest length that there may be: sixty-three bytes";
    let long = &long[..63];
    for tag in ["short", long] {
        client.ipmitool(&["dcmi", "set_asset_tag", tag]).ok();
        let shown = client.ipmitool(&["dcmi", "asset_tag"]).ok();
        assert_eq!(shown.value("Asset tag"), tag);
        let shown = client.freeipmi("ipmi-dcmi", &["--get-asset-tag"]).ok();
        assert_eq!(shown.text.trim(), tag);
    }
    client.freeipmi("ipmi-dcmi", &["--set-asset-tag=other"]).ok();
    let shown = client.ipmitool(&["dcmi", "asset_tag"]).ok();
    assert_eq!(shown.value("Asset tag"), "other");

    // Its NUL belongs to it, and ipmitool prints that too.
    let identifier = || {
        let shown = client.ipmitool(&["dcmi", "get_mc_id_string"]).ok();
        let value = shown.value("Get Management Controller Identifier String");
        value.trim_end_matches('\0').to_owned()
    };
    assert_eq!(identifier(), "node1");
    for name in ["rack-7", "an identifier that takes several requests"] {
        client.ipmitool(&["dcmi", "set_mc_id_string", name]).ok();
        assert_eq!(identifier(), name);
        let shown = client
            .freeipmi("ipmi-dcmi", &["--get-management-controller-identifier-string"])
            .ok();
        assert_eq!(shown.text.trim(), name);
    }
    // Behind the end: the tag has at most 63 bytes.
    client
        .ipmitool(&["raw", "0x2c", "8", "0xdc", "63", "1", "0x41"])
        .failed()
        .has("rsp=0xc9");
}

#[test]
fn thermometers_are_those_of_the_machine() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    client
        .ipmitool(&["dcmi", "sensors"])
        .ok()
        .has("Record ID 0x0061: Inlet Temp")
        .has("Record ID 0x0060: CPU Temp")
        .has("Baseboard: 0 temperature sensor");
    client
        .freeipmi("ipmi-dcmi", &["--get-dcmi-sensor-info"])
        .ok()
        .has("97")
        .has("96");
    client
        .ipmitool(&["dcmi", "get_temp_reading"])
        .ok()
        .has("Inlet air temperature(40h)")
        .has("CPU temperature sensors(41h)");
    // What has no value has no line, and no zero.
    client.set_power("off");
    client
        .ipmitool(&["dcmi", "get_temp_reading"])
        .ok()
        .has("Inlet air temperature(40h)")
        .has_not("CPU temperature sensors(41h)");
}

#[test]
fn configuration_is_kept_but_there_is_no_dhcp_client() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for (parameter, value) in [("init", "5"), ("server_contact", "600"), ("server_retry", "70")] {
        client
            .ipmitool(&["dcmi", "set_conf_param", parameter, value])
            .ok();
    }
    let shown = client.ipmitool(&["dcmi", "get_conf_param"]).ok();
    assert_eq!(shown.value("Initial timeout interval"), "5 seconds");
    client
        .ipmitool(&["dcmi", "set_conf_param", "activate_dhcp", "1"])
        .has("Invalid data field in request (cc)");
}
