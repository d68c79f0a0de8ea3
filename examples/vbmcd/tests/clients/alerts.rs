//! Event filters and alerts: configured by ipmitool and FreeIPMI, seen by Debian's snmptrapd.

use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::client::Client;
use crate::daemon::{Vbmcd, free_port, until};

/// A running `snmptrapd`. Ends with the value.
struct Snmptrapd {
    child: Child,
    directory: TempDir,
}

/// A trap as snmptrapd shows it.
struct Trap {
    /// Agent, sender, enterprise, trap, subtype, security.
    words: String,
    /// Octets of the variable.
    octets: Vec<u8>,
}

impl Snmptrapd {
    fn start(port: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("conf"), "").unwrap();
        let output = std::fs::File::create(directory.path().join("traps")).unwrap();
        let child = Command::new("snmptrapd")
            .args(["-f", "-Lo", "-C", "-c"])
            .arg(directory.path().join("conf"))
            .args([
                "--disableAuthorization=yes",
                "-Onx",
                "-F",
                "TRAP %a %b %N %w %q %P | %v END\n",
            ])
            .arg(format!("udp:127.0.0.1:{port}"))
            .env("MIBS", "")
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .expect("cannot run snmptrapd; ./test.sh says how to install it");
        let daemon = Self { child, directory };
        until(
            || format!("snmptrapd did not get ready: {}", daemon.shown()),
            || daemon.shown().contains("NET-SNMP version"),
        );
        daemon
    }

    fn shown(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("traps")).unwrap()
    }

    fn traps(&self) -> Vec<Trap> {
        let shown = self.shown();
        let whole = shown
            .split("TRAP ")
            .skip(1)
            .filter_map(|trap| trap.split_once(" END"));
        whole
            .map(|(trap, _)| {
                let (words, variable) = trap.split_once(" | ").unwrap();
                let hex = variable
                    .strip_prefix(".1.3.6.1.4.1.3183.1.1.1 = Hex-STRING: ")
                    .unwrap_or_else(|| panic!("{shown}"));
                let octet = |text| u8::from_str_radix(text, 16).unwrap();
                Trap {
                    words: words.to_owned(),
                    octets: hex.split_whitespace().map(octet).collect(),
                }
            })
            .collect()
    }

    #[track_caller]
    fn wait_for(&self, count: usize) -> Vec<Trap> {
        until(
            || format!("no {count} traps: {}", self.shown()),
            || self.traps().len() >= count,
        );
        self.traps()
    }
}

impl Drop for Snmptrapd {
    fn drop(&mut self) {
        // Nothing is left to do if it ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A BMC that alerts of every event to destination 1, where snmptrapd listens.
fn alerting(acknowledged: bool) -> (Vbmcd, Client, Snmptrapd) {
    let port = free_port();
    let snmptrapd = Snmptrapd::start(&port);
    let daemon = Vbmcd::demo(&["--alert-port", &port]);
    let client = Client::new(daemon.address());
    let run = |words: &str| {
        client
            .ipmitool(&words.split_whitespace().collect::<Vec<_>>())
            .ok()
    };
    run("lan alert set 1 1 ipaddr 127.0.0.1");
    run("lan alert set 1 1 type pet");
    run(if acknowledged {
        "lan alert set 1 1 ack on"
    } else {
        "lan alert set 1 1 ack off"
    });
    run("lan alert set 1 1 retry 7");
    run("lan set 1 snmp hello");
    // Enabled; alerts allowed; filter 1 for everything, critical, set 1; policy 1: always, destination 1.
    run("raw 4 0x12 1 1");
    run("raw 4 0x12 2 1");
    run("raw 4 0x12 6 1 0x80 1 1 0x10 0xff 0xff 0xff 0xff 0xff 0xff 0xff 0 0 0 0 0 0 0 0 0");
    run("raw 4 0x12 9 1 0x18 0x11 0");
    (daemon, client, snmptrapd)
}

#[test]
fn events_of_ipmitool_arrive_as_traps() {
    let (daemon, client, snmptrapd) = alerting(false);
    for (event, trap) in [("1", 0x01_01_09), ("2", 0x02_01_02), ("3", 0x0c_6f_00)] {
        let before = snmptrapd.traps().len();
        client.ipmitool(&["event", event]).ok();
        let traps = snmptrapd.wait_for(before + 1);
        let last = traps.last().unwrap();
        let expected = format!(
            "127.0.0.1 UDP: [{}]:{}->",
            daemon.address().ip(),
            daemon.address().port()
        );
        assert!(last.words.starts_with(&expected), "{}", last.words);
        assert!(
            last.words.contains(&format!(" .1.3.6.1.4.1.3183.1.1 6 .{trap} ")),
            "{}",
            last.words
        );
        assert!(last.words.contains("SNMP v1, community hello"), "{}", last.words);
        assert_eq!(last.octets.len(), 47);
        // Number of the event; source, severity, software of the LAN console; the end.
        assert_eq!(last.octets[16..18], [0, event.parse::<u8>().unwrap()]);
        assert_eq!(last.octets[24..28], [0x20, 0x20, 0x10, 0x81]);
        assert_eq!(last.octets[46], 0xc1);
    }
    client.ipmitool(&["pef", "status"]).ok().has("0x0003");
    client
        .ipmitool(&["pef", "info"])
        .ok()
        .has("Alert,Power-off,Reset,Power-cycle,Diagnostic-interrupt");
    client
        .ipmitool(&["pef", "filter", "list"])
        .ok()
        .has("1 | enabled, configurable | Any | Any | Critical");
    client
        .ipmitool(&["pef", "policy", "list"])
        .ok()
        .has("1 | 1 | enabled | Match-always | 1 | 802.3 LAN | PET | hello");
}

#[test]
fn an_acknowledged_alert_is_repeated_until_it_is_acknowledged() {
    let (_daemon, client, snmptrapd) = alerting(true);
    client.ipmitool(&["event", "1"]).ok();
    let traps = snmptrapd.wait_for(2);
    assert_eq!(traps[0].octets, traps[1].octets);
    let octets = &traps[0].octets;
    // Sequence and timestamp the other way round, then source, device, sensor and data.
    let fields = [
        &[
            octets[17], octets[16], octets[21], octets[20], octets[19], octets[18],
        ][..],
        &[octets[25], octets[27], octets[28]],
        &octets[31..34],
    ];
    let fields: Vec<_> = fields
        .concat()
        .iter()
        .map(|byte| format!("{byte:#04x}"))
        .collect();
    let mut raw = vec!["raw", "4", "0x17"];
    raw.extend(fields.iter().map(String::as_str));
    client.ipmitool(&raw).ok();
    // The next event gets its turn before all repetitions of the first, which would take 8 s.
    client.ipmitool(&["event", "2"]).ok();
    until(
        || format!("no trap of the second event: {}", snmptrapd.shown()),
        || snmptrapd.traps().iter().any(|trap| trap.octets[17] == 2),
    );
    let first = snmptrapd
        .traps()
        .iter()
        .filter(|trap| trap.octets[17] == 1)
        .count();
    assert!(first < 8, "{first} traps of the first event");
}

#[test]
fn alert_immediate_sends_a_text() {
    let (_daemon, client, snmptrapd) = alerting(false);
    // Alert string 0: "Hi!".
    client
        .ipmitool(&["raw", "4", "0x12", "13", "0", "1", "0x48", "0x69", "0x21"])
        .ok();
    client.ipmitool(&["raw", "4", "0x16", "1", "1", "0x80"]).ok();
    let traps = snmptrapd.wait_for(1);
    assert_eq!(traps[0].octets[46..], *b"\xc3Hi!\xc1");
    until(
        || "the alert does not end".to_owned(),
        || {
            client
                .ipmitool(&["raw", "4", "0x16", "1", "0x41", "0"])
                .ok()
                .bytes()
                == [1]
        },
    );
}

#[test]
fn freeipmi_configures_event_filters() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let file = daemon.file("pef.conf");
    let file = file.to_str().unwrap();
    let option = format!("--filename={file}");
    client
        .freeipmi("ipmi-config", &["--category=pef", "--checkout", &option])
        .ok();
    client
        .freeipmi("ipmi-config", &["--category=pef", "--commit", &option])
        .ok();
    client
        .freeipmi("ipmi-config", &["--category=pef", "--diff", &option])
        .ok();
}
