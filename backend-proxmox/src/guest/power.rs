//! Power actions: what PVE is asked to do, and following what it has accepted.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Mutex;
use std::time::Instant;

use ipmi_server::backend::{BackendEvent, PowerAction, PowerActions, PowerState};
use std::sync::Arc;

use super::{Guest, Observation};
use crate::client::{ApiError, Call, by_text, one_line};
use crate::cluster::GuestKind;
use crate::sync::lock;
use crate::task::{self, Upid};
use crate::value::text;

/// A look that is not older is good enough to decide what an action means.
const JUST_SEEN: Duration = Duration::from_secs(1);
/// Between stop and start: while PVE cleans up after the old process, the new one can make it hold the guest's lock
/// for 30 s.
const BETWEEN_STOP_AND_START: Duration = Duration::from_secs(3);
/// Another operation may hold the lock so long; after that it is a failure.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
const LOCK_PAUSE: Duration = Duration::from_secs(2);
/// A guest starts within this time: memory may have to be found, disks to be activated.
const START_LIMIT: Duration = Duration::from_secs(300);
/// PVE itself waits 60 s before it kills a process.
const STOP_LIMIT: Duration = Duration::from_secs(120);
const RESET_LIMIT: Duration = Duration::from_secs(60);
/// What is added to the time that a guest has to shut down.
const SOFT_MARGIN: Duration = Duration::from_secs(120);
/// PVE's own limit for a shutdown is at most this.
const SOFT_LIMIT: Duration = Duration::from_secs(3600);
/// High availability acts on a request after ten seconds or more.
const MANAGED_LIMIT: Duration = Duration::from_secs(120);
const MANAGED_PAUSE: Duration = Duration::from_secs(2);
/// The first version that ends a running shutdown by itself when it is asked to stop.
const OVERRULES_SHUTDOWN: (u32, u32) = (8, 2);

/// What is remembered between actions.
#[derive(Debug, Default)]
pub(super) struct PowerNotes {
    /// When the guest was last stopped by us.
    stopped: Mutex<Option<Instant>>,
    /// PVE does not know `overrule-shutdown`.
    cannot_overrule: AtomicBool,
}

/// What is being done, for error messages.
pub(super) const fn operation(action: PowerAction) -> &'static str {
    match action {
        PowerAction::On => "start the guest",
        PowerAction::Off => "stop the guest",
        PowerAction::Reset => "reset the guest",
        PowerAction::SoftOff => "shut the guest down",
        PowerAction::DiagnosticInterrupt => "interrupt the guest",
        _ => "change the power of the guest",
    }
}

/// Where an accepted action leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    On,
    Off,
    /// The same process goes on, from the beginning.
    Reset,
}

impl Guest {
    /// What the guest can do. Whether NMIs are possible depends on version and privileges.
    pub(super) fn possible_actions(&self) -> PowerActions {
        let all = PowerActions::ON | PowerActions::OFF | PowerActions::RESET | PowerActions::SOFT_OFF;
        if self.kind() != Some(GuestKind::Lxc) && self.may_interrupt().is_some() {
            return all | PowerActions::DIAGNOSTIC_INTERRUPT;
        }
        all
    }

    /// Whether an NMI can be sent, and whether as the user with a password.
    fn may_interrupt(&self) -> Option<bool> {
        let facts = self.cluster.facts()?;
        let credentials = self.cluster.client.credentials();
        let is_root = credentials.user().is_some_and(|user| user.name() == "root@pam");
        if is_root {
            return Some(true);
        }
        let path = format!("/vms/{}", self.vmid());
        let privileges = &facts.privileges;
        let may = facts.version.number.0 < 9
            && privileges.has(&path, "VM.Monitor")
            && privileges.has("/", "Sys.Modify");
        may.then_some(false)
    }

    /// Starts an action; ends when PVE has accepted it. The rest goes on in the background.
    pub(super) async fn act(self: Arc<Self>, action: PowerAction) -> Result<(), ApiError> {
        if !self.possible_actions().contains(action.into()) {
            let what = match self.kind() {
                Some(GuestKind::Lxc) => "a container cannot do this",
                _ => {
                    "an NMI needs root@pam with a password, or before version 9 the privileges VM.Monitor on the \
                     guest and Sys.Modify on /"
                }
            };
            return Err(ApiError::Unsupported {
                what: what.to_owned(),
            });
        }
        let _turn = self.action_turn.acquire().await.map_err(|_| ApiError::Ending)?;
        let now = Instant::now();
        let seen = self.look(now.checked_sub(JUST_SEEN).unwrap_or(now)).await?;
        match action {
            PowerAction::On => self.on(&seen).await,
            PowerAction::Off => self.off(&seen).await,
            PowerAction::Reset => self.reset(&seen).await,
            PowerAction::SoftOff => self.soft_off(&seen).await,
            PowerAction::DiagnosticInterrupt => self.interrupt(&seen).await,
            _ => Err(ApiError::Unsupported {
                what: "this action is not known".to_owned(),
            }),
        }
    }

    async fn on(&self, seen: &Observation) -> Result<(), ApiError> {
        match seen.power {
            PowerState::On => Ok(()),
            PowerState::Off => self.start(seen).await,
            _ => {
                self.check_lock(seen)?;
                let upid = self.begin("resume", |call| call).await?;
                self.follow(upid, "resume", Goal::On, START_LIMIT, seen);
                Ok(())
            }
        }
    }

    /// Starts a guest that is off, with what it is to boot from.
    async fn start(&self, seen: &Observation) -> Result<(), ApiError> {
        // A guest that is suspended to disk is off, with this lock; it goes on from there.
        if seen.lock.as_deref() != Some("suspended") {
            self.check_lock(seen)?;
        }
        if seen.is_ending() {
            // Its process is still there; it is gone in a moment, or stop takes it away.
            let upid = self.begin("stop", |call| call).await?;
            task::finished(&self.cluster.client, &upid, STOP_LIMIT).await?;
            self.note_stopped();
        }
        self.wait_after_stop().await;
        self.apply_boot(seen).await?;
        let upid = match self.begin("start", |call| call).await {
            Ok(upid) => upid,
            // Somebody else has started it since it was looked at: containers say so, machines make a task of it.
            Err(ApiError::InvalidState { reason, .. }) if reason.contains("already running") => return Ok(()),
            Err(error) => {
                if error.did_nothing() {
                    self.boot_failed().await;
                }
                return Err(error);
            }
        };
        self.follow(upid, "start", Goal::On, START_LIMIT, seen);
        Ok(())
    }

    async fn off(&self, seen: &Observation) -> Result<(), ApiError> {
        if seen.power == PowerState::Off && !seen.is_ending() {
            return Ok(());
        }
        self.check_lock(seen)?;
        match self.stop().await {
            Ok(upid) => self.follow(upid, "stop", Goal::Off, STOP_LIMIT, seen),
            // It has stopped since it was looked at: containers say so, machines do not mind.
            Err(ApiError::InvalidState { reason, .. }) if reason.contains("not running") => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Asks PVE to stop the guest, also if a shutdown holds its lock.
    async fn stop(&self) -> Result<Upid, ApiError> {
        let facts = self.cluster.facts();
        let overrules = facts.is_some_and(|facts| facts.version.number >= OVERRULES_SHUTDOWN)
            && !self.power.cannot_overrule.load(Ordering::Relaxed);
        if overrules {
            match self.begin("stop", |call| call.with("overrule-shutdown", 1)).await {
                Err(ApiError::Parameter { .. }) => self.power.cannot_overrule.store(true, Ordering::Relaxed),
                result => return result,
            }
        }
        self.end_shutdown().await;
        self.begin("stop", |call| call).await
    }

    /// Ends a shutdown that is under way: it would hold the guest's lock until its time is over.
    async fn end_shutdown(&self) {
        let Some((node, kind)) = self.place() else { return };
        let shutdown = match kind {
            GuestKind::Qemu => "qmshutdown",
            GuestKind::Lxc => "vzshutdown",
        };
        let client = &self.cluster.client;
        let running = task::running(client, &node, self.vmid(), shutdown).await;
        for upid in running.unwrap_or_default() {
            if let Err(error) = task::abort(client, &upid).await {
                tracing::warn!(vmid = self.vmid(), %upid, %error, "a shutdown that holds the guest cannot be ended");
            }
        }
    }

    async fn reset(&self, seen: &Observation) -> Result<(), ApiError> {
        if seen.power == PowerState::Off {
            return Err(self.is_off("reset"));
        }
        self.check_lock(seen)?;
        // PVE's reset keeps the process, and the boot order is the process's. Containers have no reset at all.
        let needs_restart = self.kind() == Some(GuestKind::Lxc) || self.boot_needs_restart(seen);
        if !needs_restart {
            let upid = self.begin("reset", |call| call).await?;
            self.follow(upid, "reset", Goal::Reset, RESET_LIMIT, seen);
            return Ok(());
        }
        let upid = self.stop().await?;
        let seen = seen.clone();
        self.spawn(|guest| async move {
            let Ok(_turn) = guest.action_turn.acquire().await else {
                return;
            };
            if let Err(error) = guest.restart(&upid, &seen).await {
                guest.failed("reset", &error).await;
            }
        });
        Ok(())
    }

    /// The second half of a reset by stop and start.
    async fn restart(&self, stop: &Upid, before: &Observation) -> Result<(), ApiError> {
        self.finished(stop, "stop", STOP_LIMIT).await?;
        self.note_stopped();
        let mut seen = self.look_now().await?;
        if before.details.is_some_and(|details| details.is_managed) {
            seen = self.until(Goal::Off, MANAGED_LIMIT).await?;
        }
        if seen.power != PowerState::Off {
            return Err(ApiError::InvalidState {
                request: self.name(),
                reason: "it was stopped for a restart and is on again".to_owned(),
            });
        }
        self.start(&seen).await
    }

    async fn soft_off(&self, seen: &Observation) -> Result<(), ApiError> {
        match seen.power {
            PowerState::On => {}
            PowerState::Off => return Err(self.is_off("shutdown")),
            _ => {
                return Err(ApiError::InvalidState {
                    request: self.name(),
                    reason: "it is paused: its operating system cannot hear".to_owned(),
                });
            }
        }
        self.check_lock(seen)?;
        let config = &self.cluster.config;
        let begun = self.begin("shutdown", |call| {
            let call = match config.soft_off_timeout {
                Some(timeout) => call.with("timeout", timeout.as_secs()),
                None => call,
            };
            if config.soft_off_stops {
                call.with("forceStop", 1)
            } else {
                call
            }
        });
        let upid = begun.await?;
        let limit = config
            .soft_off_timeout
            .map_or(SOFT_LIMIT, |timeout| timeout + SOFT_MARGIN);
        self.follow(upid, "shutdown", Goal::Off, limit, seen);
        Ok(())
    }

    /// Sends an NMI through the monitor, the only way there is.
    async fn interrupt(&self, seen: &Observation) -> Result<(), ApiError> {
        if seen.power != PowerState::On {
            return Err(self.is_off("nmi"));
        }
        let as_user = self.may_interrupt().unwrap_or(false);
        let answer = self.ask(|path| {
            let call = Call::post(format!("{path}/monitor")).with("command", "nmi");
            if as_user { call.by_user() } else { call }
        });
        // The monitor's errors are text in an answer that is a success.
        let said = text(&answer.await?).unwrap_or_default();
        if said.trim().is_empty() {
            self.knowledge.tell(BackendEvent::DiagnosticInterrupt);
            return Ok(());
        }
        let request = "monitor nmi";
        Err(by_text(request, &said).unwrap_or_else(|| ApiError::Refused {
            request: request.to_owned(),
            status: 200,
            reason: one_line(&said),
        }))
    }

    fn is_off(&self, what: &str) -> ApiError {
        ApiError::InvalidState {
            request: format!("{what} of {}", self.name()),
            reason: "it is off".to_owned(),
        }
    }

    /// A guest that something else holds is left alone.
    fn check_lock(&self, seen: &Observation) -> Result<(), ApiError> {
        match &seen.lock {
            None => Ok(()),
            Some(lock) => Err(ApiError::Locked {
                request: self.name(),
                reason: lock.clone(),
            }),
        }
    }

    /// Asks for a change of the run state; gives the task that PVE made of it.
    async fn begin(&self, what: &str, with: impl Fn(Call) -> Call + Send + Sync) -> Result<Upid, ApiError> {
        let answer = self
            .ask(|path| with(Call::post(format!("{path}/status/{what}"))))
            .await;
        // Whatever became of it: what was seen before says nothing any more.
        self.knowledge.acted();
        let upid = Upid::of_answer(what, &answer?)?;
        tracing::info!(vmid = self.vmid(), what, %upid, "accepted");
        Ok(upid)
    }

    /// Follows an accepted action to its end, in the background.
    fn follow(&self, upid: Upid, what: &'static str, goal: Goal, limit: Duration, seen: &Observation) {
        let is_managed = seen.details.is_some_and(|details| details.is_managed);
        let was_paused = matches!(seen.power, PowerState::Paused | PowerState::Suspended);
        self.spawn(|guest| async move {
            let mut result = guest.finished(&upid, what, limit).await;
            if goal == Goal::Off {
                guest.note_stopped();
            }
            if result.is_ok() && is_managed && goal != Goal::Reset {
                result = guest.until(goal, MANAGED_LIMIT).await.map(|_| ());
            }
            match result {
                Ok(()) => guest.reached(goal, was_paused).await,
                Err(error) => guest.failed(what, &error).await,
            }
        });
    }

    /// Waits for the end of a task; tries again while only the guest's lock is in the way, or if it has moved.
    async fn finished(&self, upid: &Upid, what: &str, limit: Duration) -> Result<(), ApiError> {
        let started = Instant::now();
        let mut upid = upid.clone();
        let mut followed = false;
        loop {
            let error = match task::finished(&self.cluster.client, &upid, limit).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let exit_status = match &error {
                ApiError::TaskFailed { exit_status, .. } => exit_status.as_str(),
                _ => return Err(error),
            };
            if what == "start" && exit_status.contains("already running") {
                return Ok(());
            }
            if error.is_elsewhere() && !followed {
                followed = true;
                self.cluster.refresh(Instant::now()).await?;
            } else if error.is_lock_timeout() && started.elapsed() < LOCK_PATIENCE {
                tokio::time::sleep(LOCK_PAUSE).await;
            } else {
                return Err(error);
            }
            tracing::info!(vmid = self.vmid(), what, %error, "tried again");
            upid = self.begin(what, |call| call).await?;
        }
    }

    /// Waits until high availability has done what it was asked for.
    async fn until(&self, goal: Goal, limit: Duration) -> Result<Observation, ApiError> {
        let started = Instant::now();
        loop {
            let seen = self.look_now().await;
            if let Ok(seen) = &seen
                && seen.power.is_on() == (goal == Goal::On)
            {
                return Ok(seen.clone());
            }
            if started.elapsed() >= limit {
                let _ = seen?;
                return Err(ApiError::InvalidState {
                    request: self.name(),
                    reason: "high availability has not done what it was asked for: see `ha-manager status`"
                        .to_owned(),
                });
            }
            tokio::time::sleep(MANAGED_PAUSE).await;
        }
    }

    /// An action has come to its end.
    async fn reached(&self, goal: Goal, was_paused: bool) {
        if goal == Goal::Reset {
            self.knowledge.tell(BackendEvent::Booted);
            if was_paused && let Err(error) = self.begin("resume", |call| call).await {
                self.failed("resume", &error).await;
            }
        }
        if let Err(error) = self.look_now().await {
            tracing::warn!(vmid = self.vmid(), %error, "the state after an action cannot be read");
        }
        if goal == Goal::On {
            self.boot_happened();
        }
    }

    /// An accepted action has failed.
    async fn failed(&self, what: &str, error: &ApiError) {
        tracing::warn!(vmid = self.vmid(), what, %error, "an accepted action failed");
        self.knowledge.tell(BackendEvent::ActionFailed {
            reason: format!("{what}: {error}"),
        });
        let seen = self.look_now().await;
        if what == "start" || what == "reset" {
            match seen {
                Ok(seen) if seen.power.is_on() => self.boot_happened(),
                _ => self.boot_failed().await,
            }
        }
    }

    fn note_stopped(&self) {
        *lock(&self.power.stopped) = Some(Instant::now());
    }

    /// Waits until PVE has cleaned up after a stop.
    async fn wait_after_stop(&self) {
        let stopped = *lock(&self.power.stopped);
        let left = stopped.map(|stopped| BETWEEN_STOP_AND_START.saturating_sub(stopped.elapsed()));
        tokio::time::sleep(left.unwrap_or_default()).await;
    }
}
