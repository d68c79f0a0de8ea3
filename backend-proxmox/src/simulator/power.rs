//! The work of tasks that change whether a guest runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::access::Caller;
use super::cluster::Cluster;
use super::devices;
use super::guest::{Guest, GuestKind};
use super::shared::{Shared, TaskHandle};
use super::version::PveVersion;

/// How long an action waits for a guest's lock file.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// How long a machine takes to start, and to stop.
const START: Duration = Duration::from_millis(300);
const STOP: Duration = Duration::from_millis(100);
/// How long an agent that is not there is waited for.
pub(super) const AGENT_PATIENCE: Duration = Duration::from_secs(3);
/// Time from the end of a machine that reboots until it is started again.
const REBOOT_PAUSE: Duration = Duration::from_millis(500);
/// A start so soon after a stop makes the clean-up of the old process wait, with the lock file held.
const CLEANUP_RACE: Duration = Duration::from_millis(300);
const CLEANUP: Duration = Duration::from_secs(30);

/// One guest, for the work of a task.
pub(super) struct Target {
    pub(super) node: String,
    pub(super) kind: GuestKind,
    pub(super) vmid: u32,
    /// Locks in the configuration do not count.
    pub(super) skip_lock: bool,
}

impl Target {
    fn guest<'a>(&self, cluster: &'a mut Cluster) -> Result<&'a mut Guest, String> {
        cluster.guest_mut(&self.node, self.kind, self.vmid)
    }

    fn is_running(&self, shared: &Shared) -> Result<bool, String> {
        Ok(self.guest(&mut shared.cluster())?.process.is_some())
    }

    /// The guest's lock file, which one action at a time holds.
    ///
    /// # Errors
    /// There is no such guest, or somebody else keeps the file for too long.
    pub(super) async fn lock(&self, shared: &Shared) -> Result<OwnedMutexGuard<()>, String> {
        let file = self.guest(&mut shared.cluster())?.lock_file.clone();
        tokio::select! {
            biased;
            guard = file.lock_owned() => Ok(guard),
            () = shared.clock.sleep(LOCK_PATIENCE) => {
                let name = match self.kind {
                    GuestKind::Qemu => format!("/var/lock/qemu-server/lock-{}.conf", self.vmid),
                    GuestKind::Lxc => format!("/run/lock/lxc/pve-config-{}.lock", self.vmid),
                };
                Err(format!("can't lock file '{name}' - got timeout"))
            }
        }
    }

    fn check_lock(&self, shared: &Shared) -> Result<(), String> {
        let mut cluster = shared.cluster();
        let guest = self.guest(&mut cluster)?;
        if self.skip_lock {
            Ok(())
        } else {
            guest.check_lock()
        }
    }
}

/// Starts a guest.
pub(super) async fn start(task: TaskHandle, target: Target) -> Result<(), String> {
    let shared = &task.shared;
    let guard = target.lock(shared).await?;
    let lines = prepare_start(shared, &target)?;
    lines.into_iter().for_each(|line| task.log(line));
    shared.clock.sleep(START).await;
    let now = shared.clock.now();
    let mut cluster = shared.cluster();
    let stopped = target.guest(&mut cluster)?.stopped;
    cluster.start_process(target.vmid, now);
    drop(cluster);
    drop(guard);
    let race = target.kind == GuestKind::Qemu
        && shared.settings.cleanup_race
        && stopped.is_some_and(|stopped| now.saturating_sub(stopped) < START + CLEANUP_RACE);
    if race {
        hold_lock_for_cleanup(shared, &target);
    }
    Ok(())
}

/// What is looked at before a start; gives lines for the log.
fn prepare_start(shared: &Shared, target: &Target) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    let mut cluster = shared.cluster();
    cluster.check_quorum()?;
    let guest = target.guest(&mut cluster)?;
    if guest.process.is_some() && target.kind == GuestKind::Qemu {
        return Err(format!("VM {} already running", target.vmid));
    }
    if guest.lock() == Some("suspended") {
        guest.config.remove("lock");
        lines.push("Resuming suspended VM".to_owned());
    }
    if !target.skip_lock {
        guest.check_lock()?;
    }
    if let Some(error) = &guest.behaviour.start_error {
        return Err(error.clone());
    }
    if target.kind == GuestKind::Qemu && shared.version >= PveVersion::V8 {
        let cards = 0..devices::loose_network_cards(&guest.configured());
        let warning = |card| {
            format!(
                "WARN: Interface 'tap{}i{card}' not attached to any bridge.",
                target.vmid
            )
        };
        lines.extend(cards.map(warning));
    }
    Ok(lines)
}

/// The clean-up of an old process that finds a new one waits for that, and keeps the lock file meanwhile.
fn hold_lock_for_cleanup(shared: &Arc<Shared>, target: &Target) {
    let Ok(file) = target
        .guest(&mut shared.cluster())
        .map(|guest| guest.lock_file.clone())
    else {
        return;
    };
    let shared = shared.clone();
    tokio::spawn(async move {
        let _guard = file.lock_owned().await;
        tokio::select! {
            () = shared.clock.sleep(CLEANUP) => {}
            () = shared.end.cancelled() => {}
        }
    });
}

/// Ends a guest as a power cut does.
pub(super) async fn stop(task: TaskHandle, target: Target) -> Result<(), String> {
    let shared = &task.shared;
    let _guard = target.lock(shared).await?;
    if !target.is_running(shared)? {
        return Ok(());
    }
    target.check_lock(shared)?;
    end_process(shared, &target).await;
    Ok(())
}

async fn end_process(shared: &Shared, target: &Target) {
    shared.clock.sleep(STOP).await;
    let now = shared.clock.now();
    shared.cluster().stop_process(target.vmid, now);
}

/// Presses the power button and waits; `force`: ends the guest when it does not obey in time.
pub(super) async fn shut_down(
    task: &TaskHandle,
    target: &Target,
    timeout: Duration,
    force: bool,
) -> Result<(), String> {
    let shared = &task.shared;
    // The lock file is held for the whole time.
    let _guard = target.lock(shared).await?;
    if !target.is_running(shared)? {
        return Ok(());
    }
    target.check_lock(shared)?;
    let (behaviour, has_agent, pid) = {
        let mut cluster = shared.cluster();
        let guest = target.guest(&mut cluster)?;
        guest.record("power button");
        let pid = guest.process.as_ref().map(|process| process.pid);
        (guest.behaviour.clone(), guest.has_agent(), pid)
    };
    if target.kind == GuestKind::Qemu && has_agent && !behaviour.agent {
        shared.clock.sleep(AGENT_PATIENCE).await;
        if let Some(channel) = shared.version.agent_channel() {
            task.log(format!(
                "QEMU Guest Agent is not running - VM {} {channel} command 'guest-ping' failed - got timeout",
                target.vmid
            ));
        }
    }
    let reaction = behaviour.shutdown_after.filter(|time| *time <= timeout);
    wait_for_end(shared, target, pid, reaction.unwrap_or(timeout)).await?;
    if reaction.is_some() || !target.is_running(shared)? {
        let now = shared.clock.now();
        shared.cluster().stop_process(target.vmid, now);
        return Ok(());
    }
    if force {
        task.log(shared.version.shutdown_forced());
        end_process(shared, target).await;
        return Ok(());
    }
    Err(match target.kind {
        GuestKind::Qemu => shared.version.shutdown_timeout().to_owned(),
        GuestKind::Lxc => format!(
            "command 'lxc-stop -n {} --nokill' failed: exit code 1",
            target.vmid
        ),
    })
}

/// Waits for `time`, or until the process `pid` has ended by itself.
async fn wait_for_end(
    shared: &Shared,
    target: &Target,
    pid: Option<u32>,
    time: Duration,
) -> Result<(), String> {
    let deadline = shared.clock.now() + time;
    while shared.clock.now() < deadline {
        let current = target
            .guest(&mut shared.cluster())?
            .process
            .as_ref()
            .map(|process| process.pid);
        if current != pid {
            return Ok(());
        }
        let step = shared.clock.now() + Duration::from_millis(100);
        shared.clock.sleep_until(step.min(deadline)).await;
    }
    Ok(())
}

/// Shuts a guest down and starts it again; the task is over when it has stopped.
pub(super) async fn reboot(task: TaskHandle, target: Target, timeout: Duration) -> Result<(), String> {
    shut_down(&task, &target, timeout, false).await?;
    let shared = task.shared.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = shared.clock.sleep(REBOOT_PAUSE) => {}
            () = shared.end.cancelled() => return,
        }
        // Another daemon starts it, in the name of root.
        let root = Caller {
            user: "root@pam".to_owned(),
            token: None,
        };
        let (node, id) = (target.node.clone(), target.vmid.to_string());
        let kind = format!("{}start", target.kind.task_prefix());
        shared.start_task(&node, &kind, &id, &root, |task| start(task, target));
    });
    Ok(())
}

/// Resets a machine: the same process begins anew, with the devices it was started with.
pub(super) async fn reset(task: TaskHandle, target: Target) -> Result<(), String> {
    let shared = &task.shared;
    let _guard = target.lock(shared).await?;
    target.check_lock(shared)?;
    let mut cluster = shared.cluster();
    let guest = target.guest(&mut cluster)?;
    if guest.process.is_none() {
        return Err(format!("VM {} not running", target.vmid));
    }
    guest.record("reset");
    guest.print_banner();
    Ok(())
}

/// Pauses a machine, or puts it on disk.
pub(super) async fn suspend(task: TaskHandle, target: Target, to_disk: bool) -> Result<(), String> {
    let shared = &task.shared;
    let _guard = target.lock(shared).await?;
    target.check_lock(shared)?;
    if to_disk {
        shared.cluster().check_quorum()?;
        target
            .guest(&mut shared.cluster())?
            .config
            .insert("lock".to_owned(), "suspending".to_owned());
        end_process(shared, &target).await;
        target
            .guest(&mut shared.cluster())?
            .config
            .insert("lock".to_owned(), "suspended".to_owned());
        return Ok(());
    }
    set_status(shared, &target, "paused")
}

/// Lets a paused machine go on.
pub(super) async fn resume(task: TaskHandle, target: Target) -> Result<(), String> {
    let shared = &task.shared;
    let _guard = target.lock(shared).await?;
    target.check_lock(shared)?;
    let was_paused = {
        let mut cluster = shared.cluster();
        let guest = target.guest(&mut cluster)?;
        let paused = guest
            .process
            .as_ref()
            .is_some_and(|process| process.status == "paused");
        paused && devices::loose_network_cards(&guest.config) > 0
    };
    if was_paused && shared.version >= PveVersion::V8 {
        task.log(format!(
            "WARN: Interface 'tap{}i0' not attached to any bridge.",
            target.vmid
        ));
    }
    set_status(shared, &target, "running")
}

fn set_status(shared: &Shared, target: &Target, status: &'static str) -> Result<(), String> {
    let mut cluster = shared.cluster();
    let guest = target.guest(&mut cluster)?;
    let Some(process) = guest.process.as_mut() else {
        return Err(format!("{} {} not running", target.kind.title(), target.vmid));
    };
    process.status = status;
    guest.record(status);
    Ok(())
}
