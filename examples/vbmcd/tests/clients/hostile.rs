//! What nobody wants to see at a BMC: replays, repetitions, floods of logins.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use crate::client::Client;
use crate::daemon::{DEADLINE, Vbmcd};
use crate::relay::Relay;

/// Whether a datagram of suite 2, which does not encrypt, carries Chassis Control with "hard reset".
fn is_reset(datagram: &[u8]) -> bool {
    // RMCP header 4, session header 12; then address, NetFn, checksum, address, sequence, command, data.
    matches!(datagram.get(16..23), Some([0x20, 0x00, _, _, _, 0x02, 0x03]))
}

#[test]
fn a_reset_that_arrives_twenty_one_times_resets_once() {
    let daemon = Vbmcd::demo(&[]);
    Client::new(daemon.address()).set_power("on");
    let relay = Relay::start(
        daemon.address(),
        |datagram| if is_reset(datagram) { 20 } else { 0 },
    );
    let client = Client::new(relay.address()).option(&["-C", "2"]);
    client
        .ipmitool(&["chassis", "power", "reset"])
        .ok()
        .has("Chassis Power Control: Reset");
    let recorded = relay.recorded();
    assert_eq!(recorded.iter().filter(|datagram| is_reset(datagram)).count(), 1);
    daemon.wait_for("node1 reset", 1);

    // The session is over; all of it again, from where it came from.
    for datagram in recorded.iter().cycle().take(20 * recorded.len()) {
        relay.resend(datagram);
    }
    client.ipmitool(&["mc", "info"]).ok();
    assert_eq!(daemon.count("node1 reset"), 1);
}

#[test]
fn a_client_whose_every_datagram_is_doubled_notices_nothing() {
    let daemon = Vbmcd::demo(&[]);
    let relay = Relay::start(daemon.address(), |_| 1);
    for options in [["-C", "3"], ["-C", "17"]] {
        let client = Client::new(relay.address()).option(&options);
        client.ipmitool(&["chassis", "power", "on"]).ok();
        client.wait_for_power("on");
        client.ipmitool(&["chassis", "power", "off"]).ok();
        client.wait_for_power("off");
    }
    assert_eq!(
        (daemon.count("node1 power on"), daemon.count("node1 power off")),
        (2, 2)
    );
}

#[test]
fn a_thousand_half_open_sessions_keep_nobody_out() {
    let daemon = Vbmcd::demo(&[]);
    let mut logged_in = Shell::start(&Client::new(daemon.address()));
    logged_in.ask("chassis power status", "Chassis Power is off");

    let attacker = Attacker::new(daemon.address());
    for round in 0..10 {
        for i in 0..100 {
            attacker.open_session(round * 100 + i);
        }
        attacker.wait_for_pong();
    }
    logged_in.ask("chassis power on", "Up/On");
    daemon.wait_for("node1 power on", 1);
    let client = Client::new(daemon.address());
    client.ipmitool(&["chassis", "status"]).ok().has("System Power");
    client.freeipmi("ipmipower", &["--stat"]).ok();
    logged_in.ask("mc guid", "System GUID");
}

#[test]
fn rubbish_is_survived() {
    let daemon = Vbmcd::demo(&[]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let attacker = Attacker::new(daemon.address());
    let recorded = {
        let relay = Relay::start(daemon.address(), |_| 0);
        Client::new(relay.address())
            .ipmitool(&["chassis", "power", "status"])
            .ok();
        relay.recorded()
    };
    for datagram in &recorded {
        for length in 0..datagram.len() {
            socket.send_to(&datagram[..length], daemon.address()).unwrap();
        }
        for byte in 0..datagram.len() {
            let mut changed = datagram.clone();
            changed[byte] ^= 0x81;
            socket.send_to(&changed, daemon.address()).unwrap();
        }
        attacker.wait_for_pong();
    }
    Client::new(daemon.address()).ipmitool(&["mc", "info"]).ok();
    assert!(daemon.actions().is_empty(), "{:?}", daemon.actions());
}

/// Sends what needs no login.
struct Attacker(UdpSocket);

impl Attacker {
    fn new(bmc: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(bmc).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(socket)
    }

    /// Open Session Request for suite 3, of a console session of its own.
    fn open_session(&self, console: u32) {
        let mut packet = vec![0x06, 0, 0xff, 0x07, 0x06, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0];
        packet.extend([0x55, 0, 0, 0]);
        packet.extend((console + 1).to_le_bytes());
        for kind in 0..3 {
            packet.extend([kind, 0, 0, 8, 1, 0, 0, 0]);
        }
        self.0.send(&packet).unwrap();
    }

    /// Waits until the BMC has looked at everything that was sent before.
    fn wait_for_pong(&self) {
        self.0
            .send(&[0x06, 0, 0xff, 0x06, 0, 0, 0x11, 0xbe, 0x80, 0x77, 0, 0])
            .unwrap();
        let mut buffer = [0; 1024];
        loop {
            let length = self
                .0
                .recv(&mut buffer)
                .expect("the BMC answers no ping any more");
            if buffer[..length].get(8..10) == Some(&[0x40, 0x77]) {
                return;
            }
        }
    }
}

/// `ipmitool shell`: one session that goes on.
struct Shell {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

impl Shell {
    fn start(client: &Client) -> Self {
        let inner = client.ipmitool_command(&["shell"]);
        // Without stdbuf the answers would stay in ipmitool's buffer.
        let mut command = Command::new("stdbuf");
        command.arg("-oL").arg(inner.get_program()).args(inner.get_args());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, input, output }
    }

    /// Types a command and waits for its answer.
    #[track_caller]
    fn ask(&mut self, command: &str, answer: &str) {
        writeln!(self.input, "{command}").unwrap();
        let mut shown = String::new();
        while !shown.contains(answer) {
            match self.output.recv_timeout(DEADLINE) {
                Ok(line) => shown = shown + &line + "\n",
                Err(_) => panic!("no {answer:?} to {command:?}: {shown}"),
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Nothing is left to do if it ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
