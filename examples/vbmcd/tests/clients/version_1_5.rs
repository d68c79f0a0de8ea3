//! Logging in over IPMI 1.5.

use crate::client::Client;
use crate::daemon::Vbmcd;

#[test]
fn md5_works_and_types_without_a_digest_are_refused() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address()).version_1_5();
    client.ipmitool(&["mc", "info"]).ok().has("IPMI Version");
    let md5 = client.clone().option(&["-A", "MD5"]);
    md5.ipmitool(&["chassis", "power", "on"]).ok();
    md5.wait_for_power("on");
    let shown = client.ipmitool(&["session", "info", "active"]).ok();
    assert_eq!(shown.value("session type"), "IPMIv1.5");
    for refused in ["NONE", "PASSWORD"] {
        client
            .clone()
            .option(&["-A", refused, "-R", "1"])
            .ipmitool(&["mc", "info"])
            .failed();
    }
    client.freeipmi("ipmipower", &["--stat"]).ok().has(": on");
    client
        .clone()
        .option(&["-a", "MD5"])
        .freeipmi("ipmipower", &["--reset"])
        .ok()
        .has(": ok");
    for refused in ["NONE", "STRAIGHT_PASSWORD_KEY"] {
        client
            .clone()
            .option(&["-a", refused])
            .freeipmi("ipmipower", &["--stat"])
            .has_not(": on");
    }
    assert_eq!(
        (daemon.count("node1 power on"), daemon.count("node1 reset")),
        (1, 1)
    );
}

#[test]
fn wrong_passwords_users_and_privileges_are_refused() {
    let daemon = Vbmcd::run("users = [{ name = \"viewer\", password = \"Viewer-1\", privilege = \"user\" }]");
    let client = Client::new(daemon.address()).version_1_5().option(&["-R", "1"]);
    client
        .clone()
        .user("admin", "wrong")
        .ipmitool(&["chassis", "power", "on"])
        .failed();
    client
        .clone()
        .user("nobody", "wrong")
        .ipmitool(&["chassis", "power", "on"])
        .failed();
    let viewer = client.user("viewer", "Viewer-1");
    viewer
        .clone()
        .option(&["-L", "USER"])
        .ipmitool(&["chassis", "power", "status"])
        .ok();
    viewer
        .clone()
        .option(&["-L", "USER"])
        .ipmitool(&["chassis", "power", "on"])
        .failed();
    viewer
        .option(&["-L", "OPERATOR"])
        .ipmitool(&["chassis", "power", "on"])
        .failed();
    let wrong = Client::new(daemon.address()).version_1_5().user("admin", "wrong");
    let impatient = wrong.option(&["--session-timeout", "2000"]);
    impatient
        .freeipmi("ipmipower", &["--stat"])
        .has("password verification timeout");
    assert!(daemon.actions().is_empty(), "{:?}", daemon.actions());
}

#[test]
fn types_are_offered_as_configured() {
    let daemon = Vbmcd::run("ipmi_1_5 = [\"md2\", \"dangerous_password\", \"dangerous_none\"]");
    let client = Client::new(daemon.address()).version_1_5();
    for offered in ["NONE", "PASSWORD"] {
        client
            .clone()
            .option(&["-A", offered])
            .ipmitool(&["mc", "info"])
            .ok()
            .has("IPMI Version");
    }
    for offered in ["NONE", "STRAIGHT_PASSWORD_KEY", "MD2"] {
        client
            .clone()
            .option(&["-a", offered])
            .freeipmi("ipmipower", &["--stat"])
            .ok()
            .has(": off");
    }
    client
        .option(&["-A", "MD5", "-R", "1"])
        .ipmitool(&["mc", "info"])
        .failed();
}

#[test]
fn it_can_be_switched_off() {
    let daemon = Vbmcd::run("ipmi_1_5 = []");
    let client = Client::new(daemon.address());
    client
        .clone()
        .version_1_5()
        .option(&["-R", "1"])
        .ipmitool(&["mc", "info"])
        .failed();
    client
        .clone()
        .version_1_5()
        .freeipmi("ipmipower", &["--stat"])
        .has_not(": off");
    client.ipmitool(&["mc", "info"]).ok();
}
