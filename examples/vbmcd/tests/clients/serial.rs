//! Serial over LAN in a terminal: ipmitool and ipmiconsole, whose console is the simulated machine's.

use crate::client::Client;
use crate::daemon::{Vbmcd, until};
use crate::terminal::{Terminal, ipmiconsole, low_port};

#[test]
fn ipmitool_sees_the_machine_boot_and_cycle() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let mut terminal = Terminal::ipmitool(&client);
    client.ipmitool(&["chassis", "bootdev", "pxe"]).ok();
    for device in ["boot pxe", "boot disk"] {
        terminal.clear();
        client.set_power("on");
        terminal.wait_for(device);
        terminal.wait_for("# ");
        terminal.echoes("hello-machine");
        client.set_power("off");
    }
    terminal.type_in("\r~.");
    assert_eq!(terminal.end(), Some(0), "{}", terminal.text());
}

#[test]
fn break_and_escapes_of_ipmitool() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let mut terminal = Terminal::ipmitool(&client);
    terminal.type_in("\r~B");
    terminal.wait_for("[break]");
    terminal.echoes("after-the-break");
    terminal.clear();
    // The escape character itself, typed twice.
    terminal.type_in("\r~~x");
    terminal.wait_for("~x");
    terminal.type_in("\r~.");
    assert_eq!(terminal.end(), Some(0), "{}", terminal.text());
    client
        .ipmitool(&["sol", "deactivate"])
        .has("already de-activated");
}

#[test]
fn one_console_at_a_time() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let mut first = Terminal::ipmitool(&client);
    first.echoes("typed-first");
    client
        .ipmitool(&["sol", "activate"])
        .failed()
        .has("already active on another session");
    first.echoes("still-there");

    client.ipmitool(&["sol", "deactivate"]).ok();
    // ipmitool does not look at the notice; what it types is heard no more.
    first.type_in("ghost");
    // The next one sees what was there before.
    let mut second = Terminal::ipmitool(&client);
    second.wait_for("typed-first");
    second.echoes("typed-second");
    second.type_in("\r~.");
    assert!(!second.text().contains("ghost"), "{}", second.text());
    assert_eq!(second.end(), Some(0), "{}", second.text());
}

#[test]
fn ipmiconsole_talks_breaks_steals_and_ends() {
    let daemon = Vbmcd::demo(&["--port", &low_port()]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let mut stolen = Terminal::ipmiconsole(&daemon);
    stolen.echoes("mine");
    let mut terminal = Terminal::ipmiconsole(&daemon);
    stolen.wait_for("SOL session stolen");
    stolen.end();
    terminal.echoes("hello-ipmiconsole");
    terminal.type_in("&B");
    terminal.wait_for("[break]");
    terminal.echoes("after-the-break");
    terminal.type_in("&.");
    terminal.wait_for("closing the connection");
    terminal.end();

    let mut again = Terminal::ipmiconsole(&daemon);
    again.echoes("here-again");
    assert!(
        ipmiconsole(&daemon)
            .arg("--deactivate")
            .status()
            .unwrap()
            .success()
    );
    again.wait_for("SOL session stolen");
    again.end();
}

#[test]
fn a_reset_of_the_bmc_and_its_end_cut_the_console_off() {
    let daemon = Vbmcd::demo(&["--port", &low_port()]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let mut terminal = Terminal::ipmiconsole(&daemon);
    terminal.echoes("before-the-reset");
    client.ipmitool(&["mc", "reset", "cold"]).ok();
    terminal.wait_for("closing the connection");
    terminal.end();

    let mut terminal = Terminal::ipmiconsole(&daemon);
    terminal.echoes("before-the-end");
    let status = daemon.stop(rustix::process::Signal::TERM);
    assert_eq!(status.code(), Some(0));
    terminal.wait_for("closing the connection");
    terminal.end();
}

#[test]
fn the_boot_is_seen_by_who_comes_after_it() {
    let daemon = Vbmcd::demo(&["--port", &low_port()]);
    let client = Client::new(daemon.address());
    client.ipmitool(&["chassis", "bootdev", "cdrom"]).ok();
    client.set_power("on");
    daemon.wait_for("node1 boot cdrom", 1);
    for _ in 0..2 {
        let mut terminal = Terminal::ipmitool(&client);
        terminal.wait_for("Simulated firmware");
        terminal.wait_for("boot cdrom");
        terminal.type_in("\r~.");
        assert_eq!(terminal.end(), Some(0), "{}", terminal.text());
    }
    let mut terminal = Terminal::ipmiconsole(&daemon);
    terminal.wait_for("boot cdrom");
    terminal.type_in("&.");
    terminal.end();
}

#[test]
fn escapes_that_stay_with_the_client() {
    let daemon = Vbmcd::demo(&["--port", &low_port()]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let mut terminal = Terminal::ipmitool(&client);
    terminal.type_in("\r~?");
    terminal.wait_for("terminate connection");
    terminal.echoes("after-the-help");
    terminal.type_in("\r~.");
    assert_eq!(terminal.end(), Some(0), "{}", terminal.text());

    let mut terminal = Terminal::ipmiconsole(&daemon);
    terminal.type_in("&?");
    terminal.wait_for("send DEL character");
    terminal.echoes("after-the-help");
    terminal.clear();
    // The escape character itself, typed twice.
    terminal.type_in("&&x");
    terminal.wait_for("&x");
    terminal.type_in("&.");
    terminal.end();
}

#[test]
fn ipmiconsole_does_not_steal_if_told_so() {
    let daemon = Vbmcd::demo(&["--port", &low_port()]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    let mut first = Terminal::ipmitool(&client);
    first.echoes("mine");
    let mut command = ipmiconsole(&daemon);
    command.arg("--dont-steal");
    let mut second = Terminal::run(&command);
    second.wait_for("SOL in use");
    second.end();
    first.echoes("still-mine");
}

#[test]
fn a_console_where_nobody_types_is_closed() {
    let daemon = Vbmcd::run("console_idle_timeout = 2");
    let client = Client::new(daemon.address());
    client.set_power("on");
    let _terminal = Terminal::ipmitool(&client);
    until(
        || format!("the console is not closed: {}", daemon.log()),
        || daemon.log().contains("console_closed: idle for too long"),
    );
    // It is free for the next one.
    Terminal::ipmitool(&client).echoes("here-again");
}

#[test]
fn a_user_has_as_many_consoles_as_are_allowed() {
    let daemon = Vbmcd::run(
        "[[bmc]]\nname = \"node2\"\nconnection = \"lab\"\nmachine = \"lab-1\"\nport = 0\n\
         username = \"admin\"\npassword = \"Correct-Horse-1\"\n\n[console]\nper_user = 1",
    );
    let [one, two] = [0, 1].map(|index| Client::new(daemon.endpoints()[index].1));
    one.set_power("on");
    let mut terminal = Terminal::ipmitool(&one);
    terminal.echoes("the-only-one");
    two.ipmitool(&["sol", "activate"])
        .failed()
        .has("activation limit reached");
    terminal.type_in("\r~.");
    assert_eq!(terminal.end(), Some(0), "{}", terminal.text());
    two.set_power("on");
    Terminal::ipmitool(&two).echoes("the-only-one-again");
}

#[test]
fn a_transcript_has_what_the_machine_said() {
    let daemon = Vbmcd::run("console_transcripts = \".\"");
    let client = Client::new(daemon.address());
    client.set_power("on");
    Terminal::ipmitool(&client).echoes("written-down");
    let path = daemon.file("node1.log");
    let read = || std::fs::read_to_string(&path).unwrap();
    until(
        || format!("not in the transcript: {}", read()),
        || {
            let text = read();
            text.contains("boot disk") && text.contains("written-down")
        },
    );
    assert!(
        !daemon.log().contains("written-down"),
        "no log holds what is on a console"
    );
}
