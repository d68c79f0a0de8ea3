//! Identity and access: users, channel, LAN parameters, what happens to those who guess.

use std::io::Write;
use std::process::Stdio;

use crate::client::Client;
use crate::daemon::{PASSWORD, Vbmcd, until};

/// Makes user 3 an administrator who can log in.
fn make_user(client: &Client, name: &str, password: &str) {
    client.ipmitool(&["user", "set", "name", "3", name]).ok();
    client
        .ipmitool(&["user", "set", "password", "3", password, "20"])
        .ok();
    client.ipmitool(&["user", "priv", "3", "4", "1"]).ok();
    client.ipmitool(&["user", "enable", "3"]).ok();
}

#[test]
fn users_are_made_tested_changed_and_taken_away() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let long = "twenty-letters-long-";
    make_user(&client, "sixteen-letters-", long);
    let user = client.clone().user("sixteen-letters-", long);
    user.ipmitool(&["mc", "info"]).ok();
    client
        .ipmitool(&["user", "test", "3", "20", long])
        .ok()
        .has("Success");
    client
        .ipmitool(&["user", "test", "3", "16", "twenty-letters-l"])
        .failed()
        .has("wrong password size");
    client
        .ipmitool(&["user", "test", "3", "20", "twenty-letters-lonG-"])
        .failed()
        .has("password incorrect");
    let summary = client.ipmitool(&["user", "summary", "1"]).ok();
    assert_eq!(summary.value("Enabled User Count"), "2");
    assert_eq!(summary.value("Maximum IDs"), "16");

    // A new password holds from the next login on, and the old one does not any more.
    user.ipmitool(&["user", "set", "password", "3", "short"]).ok();
    user.option(&["-R", "1"]).ipmitool(&["mc", "info"]).failed();
    let user = client.clone().user("sixteen-letters-", "short");
    user.ipmitool(&["mc", "info"]).ok();
    client.ipmitool(&["user", "priv", "3", "2", "1"]).ok();
    let impatient = user.clone().option(&["-R", "1"]);
    impatient.ipmitool(&["mc", "info"]).failed();
    user.option(&["-L", "USER"]).ipmitool(&["mc", "info"]).ok();

    let flags = ["callin=off", "ipmi=on", "link=on", "privilege=3"];
    client
        .ipmitool(&[&["channel", "setaccess", "1", "3"][..], &flags].concat())
        .ok();
    let access = client.ipmitool(&["channel", "getaccess", "1", "3"]).ok();
    assert_eq!(access.value("Link Authentication"), "enabled");
    assert_eq!(access.value("Privilege Level"), "OPERATOR");
    client.ipmitool(&["user", "disable", "3"]).ok();
    client
        .user("sixteen-letters-", "short")
        .option(&["-L", "USER", "-R", "1"])
        .ipmitool(&["mc", "info"])
        .failed();
}

#[test]
fn the_last_administrator_stays() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for command in [
        &["user", "disable", "2"][..],
        &["user", "priv", "2", "3", "1"],
        // No IPMI messages. ipmitool 1.8.19 sends the opposite of what `ipmi=off` says.
        &["raw", "6", "0x43", "0x81", "2", "4"],
    ] {
        client.ipmitool(command).has("Invalid data field");
    }
    make_user(&client, "second", "Second-1");
    client.ipmitool(&["user", "disable", "2"]).ok();
    let second = client.user("second", "Second-1");
    second
        .ipmitool(&["user", "disable", "3"])
        .has("Invalid data field");
    second.ipmitool(&["user", "enable", "2"]).ok();
}

#[test]
fn the_session_of_a_user_who_is_disabled_ends() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    make_user(&client, "second", "Second-1");
    let mut shell = client
        .clone()
        .user("second", "Second-1")
        .ipmitool_command(&["shell"]);
    let mut shell = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = shell.stdin.take().unwrap();
    input.write_all(b"chassis power status\n").unwrap();
    let is_there = || {
        let shown = client.ipmitool(&["session", "info", "all"]).ok();
        let mut lines = shown.text.lines();
        lines.any(|line| line.starts_with("user id") && line.trim_end().ends_with(": 3"))
    };
    until(|| "the second user does not log in".to_owned(), is_there);
    client.ipmitool(&["user", "disable", "3"]).ok();
    let is_still_there = is_there();
    shell.kill().unwrap();
    shell.wait().unwrap();
    assert!(!is_still_there);
}

#[test]
fn guessing_is_slowed_down_where_it_comes_from() {
    let daemon = Vbmcd::run("login_attempts = 3\nlockout_seconds = 0");
    let client = Client::new(daemon.address());
    make_user(&client, "second", "Second-1");
    let shown = client.ipmitool(&["lan", "print", "1"]).ok();
    assert_eq!(shown.value("Bad Password Threshold"), "3");
    // A console of IPMI 2.0 finds out by itself that its password is wrong; one of IPMI 1.5 has to ask.
    let old = client.clone().version_1_5().option(&["-R", "1"]);
    for guess in ["a", "b", "c"] {
        old.clone()
            .user("admin", guess)
            .ipmitool(&["mc", "info"])
            .failed();
    }
    old.ipmitool(&["mc", "info"]).failed();
    let impatient = client.clone().option(&["-R", "1"]);
    impatient.ipmitool(&["mc", "info"]).failed();
    let second = client.clone().user("second", "Second-1");
    let log = second.freeipmi("ipmi-sel", &["--sdr-cache-recreate"]).ok();
    assert_eq!(
        log.text.matches("Invalid Username or Password").count(),
        3,
        "{log}"
    );
    log.has("Invalid Password Disable ; Event Data2 = 02h");
    assert!(
        daemon.log().contains("too many failed logins"),
        "{}",
        daemon.log()
    );

    // Without an end it ends when an administrator says so.
    second.ipmitool(&["user", "enable", "2"]).ok();
    client.ipmitool(&["mc", "info"]).ok();

    second
        .ipmitool(&["lan", "set", "1", "bad_pass_thresh", "7", "1", "60", "20"])
        .ok();
    let shown = client.ipmitool(&["lan", "print", "1"]).ok();
    assert_eq!(shown.value("Bad Password Threshold"), "7");
    assert_eq!(shown.value("User Lockout Interval"), "200");
}

#[test]
fn hidden_users_look_like_wrong_passwords() {
    let daemon = Vbmcd::run("hide_unknown_users = true");
    let client = Client::new(daemon.address());
    client.ipmitool(&["mc", "info"]).ok();
    for user in ["admin", "nobody"] {
        let stranger = client.clone().user(user, "wrong");
        stranger
            .freeipmi("ipmipower", &["--stat"])
            .has("password invalid");
    }
    client
        .user("nobody", PASSWORD)
        .freeipmi("ipmipower", &["--stat"])
        .has("password invalid");
}

#[test]
fn privileges_of_cipher_suites_hold_at_login() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    // By position: the third suite is 3, the last one is 17.
    client
        .ipmitool(&["lan", "set", "1", "cipher_privs", "aauaaaaaaaXXXXX"])
        .ok();
    let with = |suite: &str| client.clone().option(&["-C", suite, "-R", "1"]);
    with("3").ipmitool(&["mc", "info"]).failed();
    with("3").option(&["-L", "USER"]).ipmitool(&["mc", "info"]).ok();
    with("17").ipmitool(&["mc", "info"]).failed();
    with("16").ipmitool(&["mc", "info"]).ok();
}

#[test]
fn the_address_shown_is_the_one_that_was_asked() {
    let address = |line: &str| {
        let (_, value) = line.split_once(": ").unwrap();
        value.trim().to_owned()
    };
    let daemon = Vbmcd::demo(&["--bind", "0.0.0.0"]);
    let port = daemon.address().port();
    for host in ["127.0.0.1", "127.0.0.7"] {
        let client = Client::new(format!("{host}:{port}").parse().unwrap());
        let shown = client.ipmitool(&["lan", "print", "1"]).ok();
        assert_eq!(shown.value("IP Address"), host);
    }
    let daemon = Vbmcd::demo(&["--bind", "::1"]);
    let shown = Client::new(daemon.address())
        .ipmitool(&["lan6", "print", "1"])
        .ok();
    let line = shown.text.lines().find(|line| line.contains("Address:")).unwrap();
    assert_eq!(address(line), "::1/64");
}

#[test]
fn lan_parameters_are_kept_or_refused() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.ipmitool(&["lan", "set", "1", "snmp", "secret"]).ok();
    client
        .ipmitool(&[
            "lan6",
            "set",
            "1",
            "nolock",
            "static_addr",
            "0",
            "enable",
            "2001:db8::5",
            "64",
        ])
        .ok();
    client
        .ipmitool(&["lan6", "print", "1"])
        .ok()
        .has("2001:db8::5/64");
    let shown = client.ipmitool(&["lan", "print", "1"]).ok();
    assert_eq!(shown.value("SNMP Community String"), "secret");
    // MAC address, port, a VLAN: the socket is the host's.
    for write in [
        &["5", "2", "0", "0", "0", "0", "1"][..],
        &["8", "0x6f", "2"],
        &["20", "5", "0x80"],
    ] {
        client
            .ipmitool(&[&["raw", "0x0c", "1", "1"], write].concat())
            .failed()
            .has("rsp=0x82");
    }
}

#[test]
fn what_ipmi_config_reads_it_can_write() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for category in ["core", "chassis", "sensors"] {
        let file = daemon.file(category);
        let name = format!("--filename={}", file.display());
        let category = format!("--category={category}");
        // FreeIPMI ends with 1 where a BMC has no serial channel.
        let checkout = || {
            let shown = client.freeipmi("ipmi-config", &[&category, "--checkout", &name]);
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}: {shown}"))
        };
        let read = checkout();
        assert!(read.matches("EndSection").count() > 2, "{read}");
        let written = client.freeipmi("ipmi-config", &[&category, "--commit", &name]);
        let mut complaints = written.text.lines().filter(|line| line.contains("ERROR"));
        // The MAC address is the host's.
        assert!(complaints.all(|line| line.contains("MAC_Address")), "{written}");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(checkout(), read);
    }
}
