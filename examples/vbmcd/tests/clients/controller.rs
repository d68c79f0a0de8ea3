//! The management controller itself: identity, self test, channels, resets.

use crate::client::Client;
use crate::daemon::{Vbmcd, until};

#[test]
fn the_device_says_what_it_is() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let shown = client.ipmitool(&["mc", "info"]).ok();
    assert_eq!(shown.value("IPMI Version"), "2.0");
    assert_eq!(shown.value("Device Available"), "yes");
    shown.has("Chassis Device");
    let bytes = client.ipmitool(&["raw", "6", "1"]).ok().bytes();
    assert!(matches!(bytes.len(), 11 | 15), "{bytes:02x?}");
    client
        .freeipmi("bmc-info", &["--get-device-id"])
        .ok()
        .has("IPMI Version")
        .has("2.0");
    client.freeipmi("bmc-info", &[]).ok().has("802.3 LAN");
    client
        .freeipmi("ipmi-raw", &["0", "6", "1"])
        .ok()
        .has("rcvd: 01 00 20");
}

#[test]
fn self_test_passes() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.ipmitool(&["mc", "selftest"]).ok().has("Selftest: passed");
    client.freeipmi("bmc-device", &["--get-self-test-results"]).ok();
}

#[test]
fn guids_stay_and_belong_to_the_machine() {
    let first = Vbmcd::demo(&[]);
    let guid = |daemon: &Vbmcd| {
        let client = Client::new(daemon.address());
        let system = client
            .ipmitool(&["mc", "guid"])
            .ok()
            .value("System GUID")
            .to_owned();
        client.freeipmi("bmc-info", &["--get-device-guid"]).ok();
        system
    };
    let shown = guid(&first);
    assert!(
        shown.chars().any(|c| c.is_ascii_hexdigit() && c != '0'),
        "{shown}"
    );
    assert_eq!(guid(&first), shown);
    // The same name is the same machine, also after a restart.
    assert_eq!(guid(&Vbmcd::demo(&[])), shown);
}

#[test]
fn channels_are_one_lan_and_no_more() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for channel in ["1", "0xe"] {
        let shown = client.ipmitool(&["channel", "info", channel]).ok();
        assert_eq!(shown.value("Channel Medium Type"), "802.3 LAN");
    }
    let capabilities = client.ipmitool(&["channel", "authcap", "1", "4"]).ok();
    capabilities.has("IPMI v2.0");
    client
        .ipmitool(&["raw", "6", "0x42", "5"])
        .failed()
        .has("rsp=0xcc");
    client.ipmitool(&["raw", "6", "0xfe"]).failed().has("rsp=0xc1");
    client.ipmitool(&["raw", "0x1a", "1"]).failed().has("rsp=0xc1");
}

#[test]
fn a_reset_of_the_bmc_leaves_the_machine_alone() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let impatient = client.clone().option(&["-R", "1", "-N", "1"]);
    for kind in ["warm", "cold"] {
        client
            .ipmitool(&["mc", "reset", kind])
            .ok()
            .has(&format!("Sent {kind} reset command"));
        until(
            || format!("no answer after a {kind} reset"),
            || impatient.ipmitool(&["mc", "info"]).text.contains("IPMI Version"),
        );
    }
    assert_eq!(client.power(), "on");
}

#[test]
fn presence_pings_are_answered() {
    // rmcpping and ipmiping know port 623 only, so this BMC has an address that no other process here has.
    let [high, low, ..] = std::process::id().to_le_bytes();
    let bind = format!("127.62.{high}.{}", low.clamp(1, 254));
    let daemon = Vbmcd::demo(&["--bind", &bind, "--port", "623"]);
    let host = daemon.address().ip().to_string();
    for tool in ["rmcpping", "ipmiping"] {
        let output = std::process::Command::new(tool)
            .args(["-c", "3", &host])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains(" 3 ") && !text.contains("100.0% packet loss"),
            "{tool}: {text}"
        );
    }
}
