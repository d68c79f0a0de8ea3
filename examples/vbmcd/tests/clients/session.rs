//! Logging in over IPMI 2.0: cipher suites, users, privileges, keys.

use crate::client::Client;
use crate::daemon::{PASSWORD, Vbmcd, free_port, write_private};

/// The suites of the demo, all but suite 0.
const SUITES: [&str; 11] = ["1", "2", "3", "6", "7", "8", "11", "12", "15", "16", "17"];
/// What Debian's ipmitool cannot do: it ends by an assertion of its own.
const NOT_IN_IPMITOOL: [&str; 2] = ["11", "12"];

#[test]
fn every_cipher_suite_on_offer_works_and_suite_0_does_not() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for suite in SUITES {
        client
            .clone()
            .option(&["-I", suite])
            .freeipmi("ipmipower", &["--stat"])
            .ok()
            .has(": off");
        if !NOT_IN_IPMITOOL.contains(&suite) {
            let with_suite = client.clone().option(&["-C", suite]);
            with_suite
                .ipmitool(&["chassis", "power", "status"])
                .ok()
                .has("Chassis Power is off");
        }
    }
    client
        .clone()
        .option(&["-C", "0"])
        .ipmitool(&["mc", "info"])
        .failed();
    let refused = client.option(&["-I", "0"]).freeipmi("ipmipower", &["--stat"]);
    refused.has("cipher suite id unavailable");
}

#[test]
fn ipmitool_picks_the_best_suite_on_offer_at_once() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let shown = client.option(&["-v"]).ipmitool(&["mc", "info"]).ok();
    shown
        .has("Using best available cipher suite 17")
        .has_not("Unable to Get Channel Cipher Suites");

    let daemon = Vbmcd::run("cipher_suites = [3]");
    let client = Client::new(daemon.address());
    let shown = client.clone().option(&["-v"]).ipmitool(&["mc", "info"]).ok();
    shown.has("Using best available cipher suite 3");
    client
        .clone()
        .option(&["-C", "17"])
        .ipmitool(&["mc", "info"])
        .failed();
    client
        .option(&["-I", "17"])
        .freeipmi("ipmipower", &["--stat"])
        .has("cipher suite id unavailable");
}

#[test]
fn suite_0_opens_where_it_is_configured_by_its_name() {
    let daemon = Vbmcd::run("cipher_suites = [0, 3]\ndangerous_cipher_suite_0 = true");
    let client = Client::new(daemon.address());
    let anybody = client
        .clone()
        .user("admin", "not the password")
        .option(&["-C", "0"]);
    anybody
        .ipmitool(&["chassis", "power", "status"])
        .ok()
        .has("Chassis Power is off");
    client
        .option(&["-C", "3"])
        .user("admin", "wrong")
        .ipmitool(&["mc", "info"])
        .failed();
}

#[test]
fn wrong_passwords_and_users_are_refused_in_the_words_that_clients_look_for() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let wrong = client.clone().user("admin", "wrong").option(&["-R", "1"]);
    wrong.ipmitool(&["chassis", "power", "off"]).failed();
    client
        .clone()
        .user("nobody", PASSWORD)
        .option(&["-R", "1"])
        .ipmitool(&["mc", "info"])
        .failed();
    client
        .clone()
        .user("", "")
        .option(&["-R", "1"])
        .ipmitool(&["mc", "info"])
        .failed();
    let shown = client
        .clone()
        .user("admin", "wrong")
        .freeipmi("ipmipower", &["--stat"]);
    shown.has("password invalid");
    let shown = client
        .clone()
        .user("nobody", PASSWORD)
        .freeipmi("ipmipower", &["--stat"]);
    shown.has("username invalid");
    let key = "0x00112233445566778899aabbccddeeff00112233";
    let shown = client
        .clone()
        .option(&["-k", key])
        .freeipmi("ipmipower", &["--stat"]);
    shown.has("k_g invalid");
    assert_eq!(client.power(), "on");
}

#[test]
fn a_session_starts_low_and_takes_no_more_than_was_asked_for() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let as_user = client.clone().option(&["-L", "USER"]);
    as_user
        .ipmitool(&["chassis", "power", "status"])
        .ok()
        .has("Chassis Power is on");
    as_user
        .ipmitool(&["chassis", "power", "off"])
        .failed()
        .has("nsufficient privilege");
    let as_operator = client.clone().option(&["-L", "OPERATOR"]);
    as_operator.ipmitool(&["mc", "reset", "warm"]).failed();
    as_operator.ipmitool(&["chassis", "power", "reset"]).ok();
    for level in ["USER", "OPERATOR", "ADMIN"] {
        client
            .clone()
            .option(&["-l", level])
            .freeipmi("ipmipower", &["--stat"])
            .ok()
            .has(": on");
    }
    client
        .freeipmi("ipmipower", &["-W", "opensesspriv", "--stat"])
        .ok()
        .has(": on");
    assert_eq!(daemon.count("node1 power off"), 0);
}

#[test]
fn users_have_the_privilege_that_is_configured() {
    let daemon = Vbmcd::run(
        r#"users = [
    { name = "sixteen-letters-", password = "twenty-letters-long-", privilege = "operator" },
    { name = "viewer", password = "Viewer-1", privilege = "user" },
]"#,
    );
    let client = Client::new(daemon.address());
    let operator = client.clone().user("sixteen-letters-", "twenty-letters-long-");
    operator
        .clone()
        .option(&["-L", "OPERATOR"])
        .ipmitool(&["chassis", "power", "on"])
        .ok();
    operator.option(&["-R", "1"]).ipmitool(&["mc", "info"]).failed();
    client.wait_for_power("on");

    let viewer = client.clone().user("viewer", "Viewer-1");
    let status = viewer
        .clone()
        .option(&["-L", "USER"])
        .ipmitool(&["chassis", "power", "status"]);
    status.ok().has("Chassis Power is on");
    viewer
        .clone()
        .option(&["-L", "USER"])
        .ipmitool(&["chassis", "power", "off"])
        .failed();
    viewer
        .option(&["-L", "OPERATOR", "-R", "1"])
        .ipmitool(&["chassis", "power", "off"])
        .failed();
    assert_eq!(client.power(), "on");
}

#[test]
fn the_key_k_g_is_needed_where_it_is_configured() {
    // ipmitool takes a key that begins with zero for none.
    const KEY: &str = "f0112233445566778899aabbccddeeff00112233";
    let daemon = Vbmcd::run(&format!("kg = \"{KEY}\""));
    let client = Client::new(daemon.address());
    client
        .clone()
        .option(&["-y", KEY])
        .ipmitool(&["mc", "info"])
        .ok()
        .has("IPMI Version");
    client
        .clone()
        .option(&["-R", "1"])
        .ipmitool(&["mc", "info"])
        .failed();
    let with_key = format!("0x{KEY}");
    client
        .clone()
        .option(&["-k", &with_key])
        .freeipmi("ipmipower", &["--stat"])
        .ok()
        .has(": off");
    client.freeipmi("ipmipower", &["--stat"]).has("k_g invalid");
}

#[test]
fn session_info_shows_the_session_itself() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let shown = client.ipmitool(&["session", "info", "active"]).ok();
    assert_eq!(shown.value("privilege level"), "ADMINISTRATOR");
    assert_eq!(shown.value("session type"), "IPMIv2/RMCP+");
    assert_eq!(shown.value("user id"), "2");
    assert_eq!(shown.value("console ip"), "127.0.0.1");
    client
        .ipmitool(&["session", "info", "all"])
        .ok()
        .has("session handle");
}

#[test]
fn one_session_carries_many_commands() {
    let daemon = Vbmcd::demo(&[]);
    let script = daemon.file("script");
    write_private(&script, &"chassis power status\nmc guid\n".repeat(20));
    let shown = Client::new(daemon.address())
        .ipmitool(&["exec", script.to_str().unwrap()])
        .ok();
    assert_eq!(shown.text.matches("Chassis Power is").count(), 20);
    assert_eq!(shown.text.matches("System GUID").count(), 20);
}

#[test]
fn many_clients_at_once_get_their_answers() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| client.ipmitool(&["chassis", "status"]).ok().has("System Power"));
        }
    });
}

#[test]
fn bmcs_answer_over_ipv6() {
    let daemon = Vbmcd::demo(&["--bind", "::1"]);
    Client::new(daemon.address())
        .ipmitool(&["mc", "info"])
        .ok()
        .has("IPMI Version");
}

#[test]
fn bmcs_at_addresses_of_one_socket_answer_from_their_own() {
    let daemon = Vbmcd::demo(&["--addresses", "127.62.1.1-127.62.1.9", "--port", &free_port()]);
    assert_eq!(daemon.endpoints().len(), 9);
    let client = |i: usize| Client::new(daemon.endpoints()[i].1);
    client(8).set_power("on");
    daemon.wait_for("node9 boot disk", 1);
    assert_eq!((client(0).power(), client(8).power()), ("off", "on"));
    client(3).freeipmi("ipmipower", &["--stat"]).ok().has(": off");
}
