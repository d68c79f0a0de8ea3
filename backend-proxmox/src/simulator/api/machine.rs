//! Keys, monitor, migration and removal of a guest.

use std::time::Duration;

use serde_json::{Value, json};

use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::devices;
use crate::simulator::guest::{Guest, GuestKind};
use crate::simulator::migration;
use crate::simulator::version::PveVersion;

/// Commands of the monitor that change nothing.
const READING: [&str; 3] = ["info", "help", "?"];
/// Commands that only root has since version 9, besides all that are not known.
const WITH_SYS_MODIFY: [&str; 12] = [
    "announce_self",
    "balloon",
    "block_resize",
    "boot_set",
    "c",
    "cont",
    "eject",
    "qom-get",
    "qom-list",
    "qom-set",
    "sendkey",
    "stop",
];

pub(super) fn handle(call: &Call, kind: GuestKind, method: &str, rest: &str) -> ApiResult {
    match (method, rest) {
        ("PUT", _) => send_key(call),
        ("POST", "/monitor") => monitor(call),
        ("POST", _) => migrate(call, kind),
        _ => destroy(call, kind),
    }
}

fn send_key(call: &Call) -> ApiResult {
    call.check_skiplock()?;
    let mut cluster = call.shared.cluster();
    let guest = cluster
        .guest_mut(call.node(), GuestKind::Qemu, call.vmid())
        .map_err(ApiError::died)?;
    if guest.process.is_none() {
        return Err(ApiError::died(format!("VM {} not running", call.vmid())));
    }
    let keys = call.text("key");
    if let Some(unknown) = keys.split('-').find(|key| !is_key(key)) {
        return Err(ApiError::died(format!("invalid parameter: {unknown}\r")));
    }
    guest.record(format!("key {keys}"));
    Ok(Value::Null.into())
}

fn is_key(key: &str) -> bool {
    const NAMED: [&str; 26] = [
        "alt",
        "alt_r",
        "backspace",
        "ctrl",
        "ctrl_r",
        "delete",
        "down",
        "end",
        "esc",
        "home",
        "insert",
        "left",
        "menu",
        "meta_l",
        "minus",
        "pause",
        "pgdn",
        "pgup",
        "print",
        "ret",
        "right",
        "shift",
        "spc",
        "sysrq",
        "tab",
        "up",
    ];
    let function = key.strip_prefix('f').and_then(|number| number.parse::<u8>().ok());
    let character = key.len() == 1 && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    NAMED.contains(&key) || character || function.is_some_and(|number| (1..=12).contains(&number))
}

fn monitor(call: &Call) -> ApiResult {
    let text = call.text("command");
    let command = text.split_whitespace().next().unwrap_or_default();
    check_monitor(call, command)?;
    let mut cluster = call.shared.cluster();
    let guest = cluster
        .guest_mut(call.node(), GuestKind::Qemu, call.vmid())
        .map_err(ApiError::died)?;
    if guest.process.is_none() {
        return Ok(format!("ERROR: VM {} not running\n", call.vmid()).into());
    }
    Ok(run_monitor(guest, command, text).into())
}

/// The rights beyond those for the monitor as such.
fn check_monitor(call: &Call, command: &str) -> Result<(), ApiError> {
    if READING.contains(&command) || call.caller.is_root() {
        return Ok(());
    }
    if call.shared.version >= PveVersion::V9 {
        if command == "nmi" {
            return Err(ApiError::died("root-only command 'nmi'"));
        }
        if !WITH_SYS_MODIFY.contains(&command) {
            let text = format!(
                "command '{command}' non-existent or not assigned a required permission yet, limiting to root user"
            );
            return Err(ApiError::died(text));
        }
    }
    call.shared.cluster().require(&call.caller, "/", &["Sys.Modify"])
}

fn run_monitor(guest: &mut Guest, command: &str, text: &str) -> String {
    let status = guest
        .process
        .as_ref()
        .map_or("shutdown", |process| process.status);
    match command {
        "info" => format!("VM status: {status}\r\n"),
        "nmi" => {
            guest.record("nmi");
            String::new()
        }
        "boot_set" => {
            let order = text.split_whitespace().nth(1).unwrap_or_default();
            format!("boot device list now set to {order}\r\n")
        }
        "qom-get" => {
            let device = text
                .split('/')
                .nth(3)
                .and_then(|rest| rest.split_whitespace().next())
                .unwrap_or_default();
            let config = guest.process.as_ref().map(|process| &process.config);
            let place =
                config.and_then(|config| devices::boot_order(config).iter().position(|name| name == device));
            place.map_or_else(
                || "Error: Property not found\r\n".to_owned(),
                |place| format!("{}\r\n", 100 + place),
            )
        }
        _ if WITH_SYS_MODIFY.contains(&command) => {
            guest.record(format!("monitor {text}"));
            String::new()
        }
        _ => format!("unknown command: '{command}'\r\n"),
    }
}

fn migrate(call: &Call, kind: GuestKind) -> ApiResult {
    let target = call.text("target").to_owned();
    {
        let cluster = call.shared.cluster();
        let guest = cluster
            .guest(call.node(), kind, call.vmid())
            .map_err(ApiError::died)?;
        if target == guest.node {
            return Err(ApiError::parameter("target", "target is local node."));
        }
        if !cluster.is_online(&target) {
            return Err(ApiError::died(format!("node '{target}' is not online")));
        }
        guest.check_lock().map_err(ApiError::died)?;
        if guest.process.is_some() && !call.flag("online") && kind == GuestKind::Qemu {
            return Err(ApiError::died("can't migrate running VM without --online"));
        }
    }
    let name = if kind == GuestKind::Qemu {
        "qmigrate"
    } else {
        "vzmigrate"
    };
    let vmid = call.vmid();
    let upid =
        call.shared.start_task(
            call.node(),
            name,
            call.text("vmid"),
            &call.caller,
            move |task| async move {
                migration::migrate(&task.shared, vmid, &target, Duration::from_secs(5)).await
            },
        );
    Ok(json!(upid).into())
}

fn destroy(call: &Call, kind: GuestKind) -> ApiResult {
    let vmid = call.vmid();
    {
        let cluster = call.shared.cluster();
        let guest = cluster.guest(call.node(), kind, vmid).map_err(ApiError::died)?;
        if guest.process.is_some() {
            return Err(ApiError::died(format!("VM {vmid} is running - destroy failed")));
        }
        if guest.config.get("protection").is_some_and(|value| value == "1") {
            return Err(ApiError::died(format!(
                "can't remove VM {vmid} - protection mode enabled"
            )));
        }
    }
    let name = format!("{}destroy", kind.task_prefix());
    let upid = call.shared.start_task(
        call.node(),
        &name,
        call.text("vmid"),
        &call.caller,
        move |task| async move {
            let mut cluster = task.shared.cluster();
            cluster.check_quorum()?;
            cluster.guests.remove(&vmid);
            // A later guest with the same number must not have this one's rights.
            cluster.access.forget_path(&format!("/vms/{vmid}"));
            Ok(())
        },
    );
    Ok(upid.into())
}
