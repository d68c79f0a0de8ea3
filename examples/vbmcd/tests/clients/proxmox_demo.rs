//! `vbmcd demo --proxmox`: ipmitool on BMCs whose machines are guests of a simulated Proxmox VE cluster.

use crate::client::Client;
use crate::daemon::Vbmcd;
use crate::terminal::Terminal;

#[test]
fn power_and_one_time_boot_reach_the_guest() {
    for version in ["--proxmox=7", "--proxmox=8", "--proxmox"] {
        let daemon = Vbmcd::demo(&[version]);
        let client = Client::new(daemon.address());
        assert_eq!(client.power(), "off", "{version}");
        client.ipmitool(&["chassis", "bootdev", "pxe"]).ok();
        client.set_power("on");
        daemon.wait_for("node1 boot pxe", 1);
        client.ipmitool(&["chassis", "power", "cycle"]).ok();
        daemon.wait_for("node1 power on", 2);
        daemon.wait_for("node1 boot disk", 1);
        client.set_power("off");
        assert_eq!(daemon.count("node1 boot pxe"), 1, "{version}");
    }
}

#[test]
fn the_serial_console_echoes() {
    for version in ["--proxmox=8", "--proxmox"] {
        let daemon = Vbmcd::demo(&[version]);
        let client = Client::new(daemon.address());
        client.set_power("on");
        let mut terminal = Terminal::ipmitool(&client);
        terminal.type_in("\r");
        terminal.wait_for("node1:~# ");
        terminal.echoes("hello-guest");
        terminal.type_in("\r~.");
        assert_eq!(terminal.end(), Some(0), "{version}: {}", terminal.text());
    }
}
