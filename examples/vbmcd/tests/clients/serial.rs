//! Serial over LAN in a terminal: ipmitool and ipmiconsole, whose console is the simulated machine's.

use std::io::{Read, Write};
use std::net::UdpSocket;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use wait_timeout::ChildExt;

use crate::client::Client;
use crate::daemon::{DEADLINE, PASSWORD, USER, Vbmcd, until};

/// A program in a terminal of its own.
struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Runs a program in the terminal that util-linux's `script` makes for it.
    fn run(command: &Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let quoted: Vec<_> = words
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        let mut child = Command::new("script")
            .args(["-q", "-e", "-f", "-c", &quoted.join(" "), "/dev/null"])
            .env("LC_ALL", "C")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (keyboard, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let screen = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                written.lock().unwrap().extend(&buffer[..length]);
            }
        });
        Self {
            child,
            keyboard,
            screen,
        }
    }

    /// `ipmitool sol activate`, once it is operational.
    #[track_caller]
    fn ipmitool(client: &Client) -> Self {
        let terminal = Self::run(&client.ipmitool_command(&["sol", "activate"]));
        terminal.wait_for("SOL Session operational");
        terminal
    }

    /// `ipmiconsole`, once it is established.
    #[track_caller]
    fn ipmiconsole(daemon: &Vbmcd) -> Self {
        let terminal = Self::run(&ipmiconsole(daemon));
        terminal.wait_for("SOL established");
        terminal
    }

    fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    fn clear(&self) {
        self.screen.lock().unwrap().clear();
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        until(
            || format!("no {text:?} on the terminal: {:?}", self.text()),
            || self.text().contains(text),
        );
    }

    /// Types a text, which must come back.
    #[track_caller]
    fn echoes(&mut self, text: &str) {
        self.clear();
        self.type_in(text);
        self.wait_for(text);
    }

    /// Waits for the program's end.
    #[track_caller]
    fn end(&mut self) -> Option<i32> {
        let status = self.child.wait_timeout(DEADLINE).unwrap();
        status
            .unwrap_or_else(|| panic!("the program does not end: {:?}", self.text()))
            .code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nothing is left to do if it ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A free port below 32768: ipmiconsole takes no other one.
fn low_port() -> String {
    /// Tests of one run ask at the same time: each looks in another place.
    static TURN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let is_free = |port: &u16| UdpSocket::bind(("127.0.0.1", *port)).is_ok();
    let from = first + TURN.fetch_add(1, Ordering::Relaxed) * 100;
    (from..i16::MAX.unsigned_abs()).find(is_free).unwrap().to_string()
}

fn ipmiconsole(daemon: &Vbmcd) -> Command {
    let mut command = Command::new("ipmiconsole");
    command.args(["-h", &daemon.address().to_string(), "-u", USER, "-p", PASSWORD]);
    command
}

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
