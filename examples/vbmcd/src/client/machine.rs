//! `power`, `bootdev`, `sel`, `sensors`, `users`, `check` and `events`.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use hyper::Method;
use serde_json::{Value, json};

use super::ClientError;
use super::http::{Http, segment};
use super::output::{OutputArgs, Rows};
use super::secrets::Source;
use crate::control::api::{
    Boot, BootDevice, ChangeUser, Check, LogEntry, Power, PowerAction, PowerOrder, PowerStatus, Privilege,
    Sensor, User,
};
use crate::events::Event;

/// Arguments of `power`.
#[derive(Args, Debug)]
pub struct PowerArgs {
    /// What to do.
    #[arg(value_enum)]
    pub action: PowerVerb,
    /// Names of the BMCs, or of their machines.
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// How `status` is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What `power` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PowerVerb {
    /// Show whether the machine is on.
    Status,
    /// Power on.
    On,
    /// Power off, at once.
    Off,
    /// Off and on again.
    Cycle,
    /// Hard reset.
    Reset,
    /// Ask the operating system to shut down.
    Soft,
    /// Diagnostic interrupt (NMI).
    Nmi,
}

/// Arguments of `bootdev`.
#[derive(Args, Debug)]
pub struct BootArgs {
    /// What to boot from, or `status` to show it.
    #[arg(value_parser = boot_device)]
    pub device: BootVerb,
    /// Names of the BMCs, or of their machines.
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// For all boots, not for the next one alone.
    #[arg(long)]
    pub persistent: bool,
    /// By EFI.
    #[arg(long)]
    pub efi: bool,
    /// How `status` is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What `bootdev` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootVerb {
    /// Show the device.
    Status,
    /// Set it.
    Set(BootDevice),
}

/// Arguments of `sel`.
#[derive(Args, Debug)]
pub struct LogArgs {
    /// Name of the BMC, or of its machine.
    pub name: String,
    /// Erase the event log.
    #[arg(long)]
    pub clear: bool,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `sensors`.
#[derive(Args, Debug)]
pub struct SensorArgs {
    /// Name of the BMC, or of its machine.
    pub name: String,
    /// How they are printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `users`.
#[derive(Args, Debug)]
pub struct UserArgs {
    /// Name of the BMC, or of its machine.
    pub name: String,
    /// Change the user with this number, or make one in a free place.
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u8).range(1..=63))]
    pub set: Option<u8>,
    /// New name.
    #[arg(long, requires = "set")]
    pub username: Option<String>,
    /// New password from the first line of a file.
    #[arg(long, value_name = "FILE", requires = "set")]
    pub password_file: Option<std::path::PathBuf>,
    /// New password from standard input.
    #[arg(long, requires = "set", conflicts_with = "password_file")]
    pub password_stdin: bool,
    /// New privilege.
    #[arg(long, value_enum, requires = "set")]
    pub privilege: Option<Privilege>,
    /// Let the user log in.
    #[arg(long, requires = "set")]
    pub enable: bool,
    /// Let the user log in no more.
    #[arg(long, requires = "set", conflicts_with = "enable")]
    pub disable: bool,
    /// How they are printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Names of the BMCs, or of their machines [default: all].
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `events`.
#[derive(Args, Debug)]
pub struct EventArgs {
    /// Go on with new events as they happen.
    #[arg(long)]
    pub follow: bool,
    /// As lines of JSON.
    #[arg(long)]
    pub json: bool,
}

fn boot_device(text: &str) -> Result<BootVerb, String> {
    if text == "status" {
        return Ok(BootVerb::Status);
    }
    BootDevice::from_str(text, false)
        .map(BootVerb::Set)
        .map_err(|_| "choose one of status, none, pxe, disk, cdrom, bios, floppy".to_owned())
}

pub(super) async fn power(http: &mut Http, arguments: &PowerArgs) -> Result<(), ClientError> {
    let action = match arguments.action {
        PowerVerb::Status => None,
        PowerVerb::On => Some(PowerAction::On),
        PowerVerb::Off => Some(PowerAction::Off),
        PowerVerb::Cycle => Some(PowerAction::Cycle),
        PowerVerb::Reset => Some(PowerAction::Reset),
        PowerVerb::Soft => Some(PowerAction::Soft),
        PowerVerb::Nmi => Some(PowerAction::Nmi),
    };
    let mut rows = Rows::new(&["Name", "Power"]);
    let done = several(&arguments.names, async |name| {
        let path = path(name, "power");
        if let Some(action) = action {
            return http.order(Method::POST, &path, &PowerOrder { action }).await;
        }
        let status: PowerStatus = http.get(&path).await?;
        let power = match status.power {
            Power::On => "on",
            Power::Off => "off",
        };
        rows.push(vec![json!(name), json!(power)]);
        Ok(())
    });
    let done = done.await;
    if action.is_none() {
        rows.print(&arguments.output)?;
    }
    done
}

pub(super) async fn bootdev(http: &mut Http, arguments: &BootArgs) -> Result<(), ClientError> {
    let mut rows = Rows::new(&["Name", "Device", "Persistent", "EFI"]);
    let done = several(&arguments.names, async |name| {
        let path = path(name, "boot");
        if let BootVerb::Set(device) = arguments.device {
            let boot = Boot {
                device,
                persistent: arguments.persistent,
                efi: arguments.efi,
            };
            return http.order(Method::PUT, &path, &boot).await;
        }
        let boot: Boot = http.get(&path).await?;
        let device = serde_json::to_value(boot.device).unwrap_or_default();
        rows.push(vec![json!(name), device, boot.persistent.into(), boot.efi.into()]);
        Ok(())
    });
    let done = done.await;
    if arguments.device == BootVerb::Status {
        rows.print(&arguments.output)?;
    }
    done
}

pub(super) async fn sel(http: &mut Http, arguments: &LogArgs) -> Result<(), ClientError> {
    let path = path(&arguments.name, "sel");
    if arguments.clear {
        return http.tell(Method::DELETE, &path).await;
    }
    let entries: Vec<LogEntry> = http.get(&path).await?;
    let columns = ["ID", "Time", "Sensor", "Event", "Asserted", "Raw"];
    let mut rows = Rows::new(&columns).usually(&["ID", "Time", "Sensor", "Event", "Asserted"]);
    for entry in entries {
        let time = entry.time.map(|time| {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time.into());
            humantime::format_rfc3339_seconds(time).to_string()
        });
        rows.push(vec![
            entry.id.into(),
            time.into(),
            entry.sensor.into(),
            entry.event.into(),
            entry.asserted.into(),
            entry.raw.into(),
        ]);
    }
    rows.print(&arguments.output)
}

pub(super) async fn sensors(http: &mut Http, arguments: &SensorArgs) -> Result<(), ClientError> {
    let sensors: Vec<Sensor> = http.get(&path(&arguments.name, "sensors")).await?;
    let columns = ["Number", "Name", "Kind", "Value", "Unit", "States", "Available"];
    let mut rows = Rows::new(&columns).usually(&["Name", "Value", "Unit", "States"]);
    for sensor in sensors {
        let value = match sensor.value {
            Some(value) => json!(value),
            None if sensor.available => Value::Null,
            None => json!("no reading"),
        };
        rows.push(vec![
            sensor.number.into(),
            sensor.name.into(),
            sensor.kind.into(),
            value,
            sensor.unit.into(),
            sensor.states.join(", ").into(),
            sensor.available.into(),
        ]);
    }
    rows.print(&arguments.output)
}

pub(super) async fn users(http: &mut Http, arguments: &UserArgs) -> Result<(), ClientError> {
    let path = path(&arguments.name, "users");
    let users = match arguments.set {
        None => http.get::<Vec<User>>(&path).await?,
        Some(id) => {
            let source = Source {
                what: "password",
                argument: None,
                file: arguments.password_file.as_deref(),
                stdin: arguments.password_stdin,
            };
            let change = ChangeUser {
                name: arguments.username.clone(),
                password: source.read()?.map(|password| password.expose().to_owned()),
                enabled: (arguments.enable || arguments.disable).then_some(arguments.enable),
                privilege: arguments.privilege,
            };
            vec![http.ask(Method::PATCH, &format!("{path}/{id}"), &change).await?]
        }
    };
    let mut rows = Rows::new(&["ID", "Name", "Enabled", "Privilege"]);
    for user in users {
        let privilege = serde_json::to_value(user.privilege).unwrap_or_default();
        rows.push(vec![
            user.id.into(),
            user.name.into(),
            user.enabled.into(),
            privilege,
        ]);
    }
    rows.print(&arguments.output)
}

pub(super) async fn check(http: &mut Http, arguments: &CheckArgs) -> Result<(), ClientError> {
    let names = if arguments.names.is_empty() {
        let bmcs: Vec<crate::control::api::BmcSummary> = http.get("/v1/bmcs").await?;
        bmcs.into_iter().map(|bmc| bmc.name).collect()
    } else {
        arguments.names.clone()
    };
    let mut rows = Rows::new(&["Name", "Check", "Result", "Detail"]);
    let (mut failed, mut all) = (0, 0);
    let done = several(&names, async |name| {
        let checks: Vec<Check> = http.ask(Method::POST, &path(name, "check"), &json!({})).await?;
        for check in checks {
            all += 1;
            failed += usize::from(!check.ok);
            let result = if check.ok { "ok" } else { "FAILED" };
            rows.push(vec![
                json!(name),
                check.check.into(),
                json!(result),
                check.detail.into(),
            ]);
        }
        Ok(())
    });
    let done = done.await;
    rows.print(&arguments.output)?;
    if failed > 0 {
        return Err(ClientError::Some { failed, all });
    }
    done
}

pub(super) async fn events(http: &mut Http, arguments: &EventArgs) -> Result<(), ClientError> {
    let path = format!("/v1/events?follow={}", arguments.follow);
    let as_json = arguments.json;
    http.lines(&path, |line| {
        let mut output = io::stdout().lock();
        if as_json {
            output.write_all(line)?;
            output.write_all(b"\n")?;
        } else if let Ok(event) = serde_json::from_slice::<Event>(line) {
            writeln!(output, "{}", readable(&event))?;
        }
        output.flush()
    })
    .await
}

/// An event for people. Names may hold anything: nothing of it steers the terminal.
fn readable(event: &Event) -> String {
    let mut text = format!(
        "{}  {:<12} {}",
        event.time,
        event.bmc.as_deref().unwrap_or("-"),
        event.event
    );
    for (word, part) in [("by", &event.user), ("from", &event.source)] {
        if let Some(part) = part {
            text = format!("{text} {word} {part}");
        }
    }
    if !event.detail.is_empty() {
        text = format!("{text}: {}", event.detail);
    }
    match event.completion {
        Some(code) if !event.succeeded => text = format!("{text} -> failed ({code:02X}h)"),
        None if !event.succeeded => text.push_str(" -> failed"),
        _ => {}
    }
    text.chars().filter(|c| !c.is_control()).collect()
}

fn path(name: &str, rest: &str) -> String {
    format!("/v1/bmcs/{}/{rest}", segment(name))
}

/// Does the same for several BMCs. One that fails does not keep the others from it.
pub(super) async fn several(
    names: &[String],
    mut work: impl AsyncFnMut(&str) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut failed = 0;
    for name in names {
        match work(name).await {
            Ok(()) => {}
            Err(ClientError::Refused(reason)) if names.len() > 1 => {
                failed += 1;
                // Nothing is left to do if nobody reads it.
                let _ = writeln!(io::stderr(), "{reason}");
            }
            Err(error) => return Err(error),
        }
    }
    let all = names.len();
    if failed > 0 {
        Err(ClientError::Some { failed, all })
    } else {
        Ok(())
    }
}
