//! Client programs that want a terminal.

use std::io::{Read, Write};
use std::net::UdpSocket;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use wait_timeout::ChildExt;

use crate::client::Client;
use crate::daemon::{DEADLINE, PASSWORD, USER, Vbmcd, until};

/// A program in a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Runs a program in the terminal that util-linux's `script` makes for it.
    pub(crate) fn run(command: &Command) -> Self {
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
    pub(crate) fn ipmitool(client: &Client) -> Self {
        let terminal = Self::run(&client.ipmitool_command(&["sol", "activate"]));
        terminal.wait_for("SOL Session operational");
        terminal
    }

    /// `ipmiconsole`, once it is established.
    #[track_caller]
    pub(crate) fn ipmiconsole(daemon: &Vbmcd) -> Self {
        let terminal = Self::run(&ipmiconsole(daemon));
        terminal.wait_for("SOL established");
        terminal
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    pub(crate) fn clear(&self) {
        self.screen.lock().unwrap().clear();
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        until(
            || format!("no {text:?} on the terminal: {:?}", self.text()),
            || self.text().contains(text),
        );
    }

    /// Types a text, which must come back.
    #[track_caller]
    pub(crate) fn echoes(&mut self, text: &str) {
        self.clear();
        self.type_in(text);
        self.wait_for(text);
    }

    /// Waits for the program's end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Option<i32> {
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
pub(crate) fn low_port() -> String {
    /// Tests of one run ask at the same time: each looks in another place.
    static TURN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let is_free = |port: &u16| UdpSocket::bind(("127.0.0.1", *port)).is_ok();
    let from = first + TURN.fetch_add(1, Ordering::Relaxed) * 100;
    (from..i16::MAX.unsigned_abs()).find(is_free).unwrap().to_string()
}

pub(crate) fn ipmiconsole(daemon: &Vbmcd) -> Command {
    let mut command = Command::new("ipmiconsole");
    command.args(["-h", &daemon.address().to_string(), "-u", USER, "-p", PASSWORD]);
    command
}
