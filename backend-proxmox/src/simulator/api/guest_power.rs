//! `POST /nodes/{node}/{qemu,lxc}/{vmid}/status/*`: each call starts a task.

use std::time::Duration;

use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::guest::{Guest, GuestKind};
use crate::simulator::ha;
use crate::simulator::power::{self, Target};
use crate::simulator::task::Task;

/// How long a shutdown may take when nobody says it.
const SHUTDOWN: u64 = 60;

pub(super) fn handle(call: &Call, kind: GuestKind, rest: &str) -> ApiResult {
    call.check_skiplock()?;
    let action = rest.rsplit('/').next().unwrap_or_default();
    match kind {
        GuestKind::Qemu => check_machine(call, action)?,
        GuestKind::Lxc => check_container(call, action)?,
    }
    if let Some(upid) = by_manager(call, kind, action) {
        return Ok(upid.into());
    }
    if action == "stop" && call.flag("overrule-shutdown") {
        end_shutdowns(call, kind);
    }
    let target = Target {
        node: call.node().to_owned(),
        kind,
        vmid: call.vmid(),
        skip_lock: call.flag("skiplock"),
    };
    let timeout = Duration::from_secs(call.number("timeout").unwrap_or(SHUTDOWN));
    let (force, to_disk) = (call.flag("forceStop"), call.flag("todisk"));
    let upid = match action {
        "start" => begin(call, kind, "start", |task| power::start(task, target)),
        "stop" => begin(call, kind, "stop", |task| power::stop(task, target)),
        "shutdown" => begin(call, kind, "shutdown", move |task| async move {
            power::shut_down(&task, &target, timeout, force).await
        }),
        "reboot" => begin(call, kind, "reboot", move |task| {
            power::reboot(task, target, timeout)
        }),
        "reset" => begin(call, kind, "reset", |task| power::reset(task, target)),
        "suspend" => {
            let name = if kind == GuestKind::Qemu && !to_disk {
                "pause"
            } else {
                "suspend"
            };
            begin(call, kind, name, move |task| {
                power::suspend(task, target, to_disk)
            })
        }
        "resume" if suspended_to_disk(call) => begin(call, kind, "resume", |task| power::start(task, target)),
        _ => begin(call, kind, "resume", |task| power::resume(task, target)),
    };
    Ok(upid.into())
}

fn begin<F, Work>(call: &Call, kind: GuestKind, name: &str, work: F) -> String
where
    F: FnOnce(crate::simulator::shared::TaskHandle) -> Work,
    Work: Future<Output = Result<(), String>> + Send + 'static,
{
    let name = format!("{}{name}", kind.task_prefix());
    call.shared
        .start_task(call.node(), &name, call.text("vmid"), &call.caller, work)
}

/// The guest, where a handler looks before it starts the task.
fn look<T>(
    call: &Call,
    kind: GuestKind,
    look: impl FnOnce(&Guest) -> Result<T, String>,
) -> Result<T, ApiError> {
    let cluster = call.shared.cluster();
    let guest = cluster
        .guest(call.node(), kind, call.vmid())
        .map_err(ApiError::died)?;
    look(guest).map_err(ApiError::died)
}

/// What is refused before there is a task: most mistakes are found by the task only.
fn check_machine(call: &Call, action: &str) -> Result<(), ApiError> {
    if matches!(action, "start" | "stop") {
        return Ok(());
    }
    let vmid = call.vmid();
    look(call, GuestKind::Qemu, |guest| {
        let status = guest.process.as_ref().map(|process| process.status);
        let to_resume = action == "resume" && guest.lock() == Some("suspended");
        match status {
            None if action == "shutdown" || to_resume => Ok(()),
            None => Err(format!("VM {vmid} not running")),
            Some("paused") if matches!(action, "shutdown" | "reboot") && !call.flag("forceStop") => {
                Err(format!("VM is paused - cannot {action}"))
            }
            Some(_) => Ok(()),
        }
    })
}

fn check_container(call: &Call, action: &str) -> Result<(), ApiError> {
    let vmid = call.vmid();
    look(call, GuestKind::Lxc, |guest| {
        match (action, guest.process.is_some()) {
            ("start", true) => Err(format!("CT {vmid} already running")),
            // The text for a container says machine here, as recorded.
            ("reboot", false) => Err(format!("VM {vmid} not running")),
            ("stop" | "shutdown" | "suspend", false) => Err(format!("CT {vmid} not running")),
            _ => Ok(()),
        }
    })
}

fn suspended_to_disk(call: &Call) -> bool {
    let cluster = call.shared.cluster();
    cluster
        .guests
        .get(&call.vmid())
        .is_some_and(|guest| guest.lock() == Some("suspended"))
}

/// Guests of the high availability manager: the request is filed, and carried out later.
fn by_manager(call: &Call, kind: GuestKind, action: &str) -> Option<String> {
    let managed = call
        .shared
        .cluster()
        .guests
        .get(&call.vmid())
        .is_some_and(|guest| guest.ha.is_some());
    let (name, state) = match action {
        "start" => ("hastart", "started"),
        "stop" | "shutdown" => ("hastop", "stopped"),
        _ => return None,
    };
    if !managed {
        return None;
    }
    let (vmid, force) = (call.vmid(), action == "stop");
    Some(call.shared.start_task(
        call.node(),
        name,
        call.text("vmid"),
        &call.caller,
        move |task| async move {
            task.shared.cluster().check_quorum()?;
            if let Some(guest) = task.shared.cluster().guests.get_mut(&vmid) {
                guest.ha = Some(state.to_owned());
            }
            ha::carry_out(&task.shared, kind, vmid, state, force);
            Ok(())
        },
    ))
}

/// Ends the shutdowns of the guest that still run and that the caller may end.
fn end_shutdowns(call: &Call, kind: GuestKind) {
    let name = format!("{}shutdown", kind.task_prefix());
    let cluster = call.shared.cluster();
    let may = cluster.may(&call.caller, &format!("/nodes/{}", call.node()), "Sys.Modify");
    let mine = |task: &&Task| {
        let shutdown = task.is_running() && task.kind == name && task.id == call.text("vmid");
        shutdown && (may || task.belongs_to(&call.caller))
    };
    cluster
        .tasks
        .newest()
        .filter(mine)
        .for_each(|task| task.stop.cancel());
}
