//! Reads or sets the power of any IPMI 2.0 BMC:
//! `power 127.0.0.1:6230 admin on` with the password in IPMITOOL_PASSWORD.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]
use std::error::Error;
use std::net::UdpSocket;
use std::time::Duration;

use ipmi_proto::command::Empty;
use ipmi_proto::command::chassis::control::{ChassisControl, ChassisControlRequest, ControlAction};
use ipmi_proto::command::chassis::status::GetChassisStatus;
use ipmi_proto::crypto::Password;
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::session::console::{Console, ConsoleConfig, Event};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::LowBits;

/// What to do with the power; `None`: read it.
type Wish = Option<ControlAction>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, wish] = arguments.as_slice() else {
        return Err("usage: power ADDRESS:PORT USER status|on|off|cycle|reset|soft".into());
    };
    let action = match wish.as_str() {
        "status" => None,
        "on" => Some(ControlAction::POWER_UP),
        "off" => Some(ControlAction::POWER_DOWN),
        "cycle" => Some(ControlAction::POWER_CYCLE),
        "reset" => Some(ControlAction::HARD_RESET),
        "soft" => Some(ControlAction::SOFT_SHUTDOWN),
        _ => return Err(format!("`{wish}` is none of status, on, off, cycle, reset, soft").into()),
    };
    let password = std::env::var("IPMITOOL_PASSWORD")?;
    let config = ConsoleConfig::new(user.as_bytes(), Password::new(password.as_bytes())?)?;
    let any = ["0.0.0.0:0", "[::]:0"][usize::from(address.starts_with('['))];
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    println!("{}", run(&socket, Console::new(config), action)?);
    Ok(())
}

/// Logs in, does what was wished, logs out; says what came of it.
fn run(socket: &UdpSocket, mut console: Console, action: Wish) -> Result<&'static str, Box<dyn Error>> {
    let (start, mut random, mut buffer) = (std::time::Instant::now(), rand::rng(), [0; MAX_DATAGRAM]);
    let now = || Instant::from_micros(start.elapsed().as_micros().try_into().unwrap_or(u64::MAX));
    let mut result = "";
    console.connect(now(), &mut random)?;
    loop {
        while let Some(length) = console.poll_transmit(now(), &mut random, &mut buffer) {
            socket.send(&buffer[..length])?;
        }
        let wait = console.poll_timeout().map(|at| at.since(now()));
        socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
        if let Ok(length) = socket.recv(&mut buffer) {
            let _ = console.handle_datagram(now(), &mut buffer[..length], &mut random);
        }
        console.handle_timeout(now());
        while let Some(event) = console.poll_event() {
            match (event, action.map(LowBits)) {
                (Event::Connected { .. }, Some(action)) => {
                    console.request::<ChassisControl>(now(), &ChassisControlRequest { action })?;
                }
                (Event::Connected { .. }, None) => {
                    console.request::<GetChassisStatus>(now(), &Empty)?;
                }
                (Event::Response { response, .. }, wish) => {
                    result = match wish {
                        Some(_) => response.decode::<ChassisControl>().map(|_| "accepted")?,
                        None if response.decode::<GetChassisStatus>()?.power.on => "on",
                        None => "off",
                    };
                    console.close(now());
                }
                (Event::Closed, _) => return Ok(result),
                (other, _) => return Err(format!("{other:?}").into()),
            }
        }
    }
}
