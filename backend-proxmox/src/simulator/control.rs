//! What a test does to a simulated cluster from outside of its API.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedMutexGuard, broadcast};

use super::cluster::NodeFailure;
use super::console::GuestEvent;
use super::counters::Counters;
use super::devices;
use super::fault::FaultRule;
use super::guest::{Guest, GuestSpec};
use super::migration;
use super::random;
use super::{Simulator, SimulatorBuilder};

/// A guest as it is now: see [`Simulator::guest`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuestView {
    /// The node that it is on.
    pub node: String,
    /// Its process runs.
    pub running: bool,
    /// The number of its process, which another start changes.
    pub pid: Option<u32>,
    /// `running`, `paused`, ...; `stopped` without a process.
    pub status: String,
    /// The device that the running machine booted from, or the next start would boot from.
    pub boots_from: Option<String>,
    /// `boot` in its configuration now.
    pub boot: Option<String>,
    /// `boot` as it will be with the next start.
    pub next_boot: Option<String>,
    /// Keys that wait for the next start.
    pub pending: Vec<String>,
    /// The lock in its configuration.
    pub lock: Option<String>,
    /// What reached the machine, oldest first: `start, boots from net0`, `stop`, `reset`, `nmi`, `key esc`, ...
    pub events: Vec<String>,
}

impl GuestView {
    fn of(guest: &Guest) -> Self {
        let configured = guest.configured();
        let machine = guest
            .process
            .as_ref()
            .map_or(&configured, |process| &process.config);
        Self {
            node: guest.node.clone(),
            running: guest.process.is_some(),
            pid: guest.process.as_ref().map(|process| process.pid),
            status: guest
                .process
                .as_ref()
                .map_or("stopped", |process| process.status)
                .to_owned(),
            boots_from: devices::boots_from(machine),
            boot: guest.config.get("boot").cloned(),
            next_boot: configured.get("boot").cloned(),
            pending: guest.pending.keys().cloned().collect(),
            lock: guest.lock().map(str::to_owned),
            events: guest.events.clone(),
        }
    }
}

/// What reaches a guest from now on: see [`Simulator::watch`].
#[derive(Debug)]
pub struct GuestEvents {
    receiver: broadcast::Receiver<GuestEvent>,
}

impl GuestEvents {
    /// The next event, as in [`GuestView::events`]; `None`: the guest is gone. Whoever is slow misses some.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            match self.receiver.recv().await {
                Ok(GuestEvent::Recorded(event)) => return Some(event),
                Ok(GuestEvent::Output(_) | GuestEvent::Stopped) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// Keeps a guest's lock file for as long as it lives: see [`Simulator::hold_lock_file`].
#[derive(Debug)]
pub struct LockFile {
    _guard: OwnedMutexGuard<()>,
}

impl Simulator {
    /// How a cluster is to be; [`SimulatorBuilder::start`] starts it.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::new()
    }

    /// The first node's `https://ADDRESS:PORT`.
    pub fn url(&self) -> String {
        self.urls().into_iter().next().unwrap_or_default()
    }

    /// Every node's `https://ADDRESS:PORT`, in the order of the nodes.
    pub fn urls(&self) -> Vec<String> {
        self.inner
            .shared
            .daemons
            .values()
            .map(|daemon| format!("https://{}", daemon.address))
            .collect()
    }

    /// The certificate of the cluster's authority, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.inner.ca_pem
    }

    /// The SHA-256 fingerprint of a node's certificate, in hexadecimal digits with colons.
    pub fn fingerprint(&self, node: &str) -> Option<String> {
        self.inner
            .shared
            .daemons
            .get(node)
            .map(|daemon| daemon.fingerprint.clone())
    }

    /// Adds a guest, or replaces the one with its VMID; without a node of its own it is on the first one.
    pub fn add_guest(&self, mut spec: GuestSpec) {
        let now = self.inner.shared.clock.now();
        let mut cluster = self.inner.shared.cluster();
        let first = cluster.nodes.keys().next().cloned().unwrap_or_default();
        let node = spec.node.take().unwrap_or(first);
        let (vmid, running) = (spec.vmid, spec.running);
        cluster.guests.insert(vmid, Guest::new(spec, node));
        if running {
            cluster.start_process(vmid, now);
        }
        drop(cluster);
        self.inner.shared.report_guest(vmid);
    }

    /// Removes a guest with its process.
    pub fn remove_guest(&self, vmid: u32) {
        let mut cluster = self.inner.shared.cluster();
        cluster.guests.remove(&vmid);
        cluster.access.forget_path(&format!("/vms/{vmid}"));
    }

    /// A guest as it is now.
    pub fn guest(&self, vmid: u32) -> Option<GuestView> {
        self.inner.shared.cluster().guests.get(&vmid).map(GuestView::of)
    }

    /// What reaches a guest from now on.
    pub fn watch(&self, vmid: u32) -> Option<GuestEvents> {
        let cluster = self.inner.shared.cluster();
        let receiver = cluster.guests.get(&vmid)?.console.subscribe();
        Some(GuestEvents { receiver })
    }

    /// Puts an image such as `local:iso/debian.iso` on the storage: drives can be filled with it.
    pub fn add_image(&self, volume: &str) {
        self.inner.shared.cluster().images.insert(volume.to_owned());
    }

    /// Adds a user as `NAME@REALM`; `root@pam` is there already, with a password that nobody knows.
    pub fn add_user(&self, user: &str, password: &str) {
        self.inner.shared.cluster().access.set_user(user, password);
    }

    /// Adds an API token as `USER@REALM!NAME` and gives its secret; `separate`: it has only rights of its own.
    pub fn add_token(&self, id: &str, separate: bool) -> String {
        let secret = random::uuid();
        self.inner
            .shared
            .cluster()
            .access
            .set_token(id, &secret, separate, 0);
        secret
    }

    /// Lets an API token expire, now.
    pub fn expire_token(&self, id: &str) {
        let secret = random::uuid();
        self.inner
            .shared
            .cluster()
            .access
            .set_token(id, &secret, false, 1);
    }

    /// Removes an API token.
    pub fn remove_token(&self, id: &str) {
        self.inner.shared.cluster().access.remove_token(id);
    }

    /// Makes a role, or changes one.
    pub fn add_role(&self, role: &str, privileges: &[&str]) {
        self.inner.shared.cluster().access.set_role(role, privileges);
    }

    /// Gives a user or a token a role on a path and below.
    pub fn grant(&self, path: &str, who: &str, role: &str) {
        self.inner.shared.cluster().access.grant(path, who, role, true);
    }

    /// Takes back what a user or a token was given on a path.
    pub fn revoke(&self, path: &str, who: &str) {
        self.inner.shared.cluster().access.revoke(path, who);
    }

    /// Makes every ticket worthless, as two hours do.
    pub fn expire_tickets(&self) {
        self.inner.shared.cluster().access.expire_tickets();
    }

    /// Moves the simulator's clock on.
    pub fn advance(&self, by: Duration) {
        self.inner.shared.clock.advance(by);
    }

    /// Lets the status daemons report now, without waiting for their interval.
    pub fn report_now(&self) {
        self.inner.shared.report();
    }

    /// Requests and connections so far.
    pub fn counters(&self) -> Counters {
        self.inner.shared.counters().clone()
    }

    /// Requests and connections since the last time; they are counted from zero again.
    pub fn take_counters(&self) -> Counters {
        std::mem::take(&mut *self.inner.shared.counters())
    }

    /// Lets something go wrong with requests to come.
    pub fn inject(&self, rule: FaultRule) {
        self.inner.shared.faults().add(rule);
    }

    /// Takes back all faults that wait.
    pub fn clear_faults(&self) {
        self.inner.shared.faults().clear();
    }

    /// Cuts every connection there is, consoles too.
    pub fn cut_connections(&self) {
        self.inner
            .shared
            .daemons
            .values()
            .for_each(super::shared::Daemon::cut_connections);
    }

    /// Lets a node fail: its guests end with it, its connections break and it is not reached any more.
    pub fn fail_node(&self, node: &str, failure: NodeFailure) {
        let now = self.inner.shared.clock.now();
        let mut cluster = self.inner.shared.cluster();
        if let Some(known) = cluster.nodes.get_mut(node) {
            known.failure = Some(failure);
            known.failed_at = now;
        }
        for guest in cluster.guests.values_mut().filter(|guest| guest.node == node) {
            guest.process = None;
            _ = guest.console.send(GuestEvent::Stopped);
        }
        cluster
            .tasks
            .newest()
            .filter(|task| task.node == node)
            .for_each(|task| task.stop.cancel());
        drop(cluster);
        if let Some(sender) = self.inner.failures.get(node) {
            sender.send_replace(Some(failure));
        }
        if let Some(daemon) = self.inner.shared.daemons.get(node) {
            daemon.cut_connections();
        }
    }

    /// Brings a failed node back, with its guests powered off.
    pub fn restore_node(&self, node: &str) {
        if let Some(known) = self.inner.shared.cluster().nodes.get_mut(node) {
            known.failure = None;
        }
        if let Some(sender) = self.inner.failures.get(node) {
            sender.send_replace(None);
        }
    }

    /// Whether the nodes that are left have a majority; without, nothing is started and no configuration is written.
    pub fn set_quorate(&self, quorate: bool) {
        self.inner.shared.cluster().quorate = quorate;
    }

    /// Gives a guest to the high availability manager, or takes it away.
    pub fn set_managed(&self, vmid: u32, managed: bool) {
        self.with_guest(vmid, |guest| {
            let state = if guest.process.is_some() {
                "started"
            } else {
                "stopped"
            };
            guest.ha = managed.then(|| state.to_owned());
        });
    }

    /// Sets or removes the lock in a guest's configuration, as a backup does.
    pub fn set_lock(&self, vmid: u32, lock: Option<&str>) {
        self.with_guest(vmid, |guest| match lock {
            Some(lock) => _ = guest.config.insert("lock".to_owned(), lock.to_owned()),
            None => _ = guest.config.remove("lock"),
        });
    }

    /// Changes the configuration as an administrator with an editor does: at once, past locks; `None` removes the key.
    pub fn set_config(&self, vmid: u32, key: &str, value: Option<&str>) {
        self.with_guest(vmid, |guest| match value {
            Some(value) => _ = guest.config.insert(key.to_owned(), value.to_owned()),
            None => _ = guest.config.remove(key),
        });
    }

    /// A line of a guest's configuration, without what waits.
    pub fn config(&self, vmid: u32, key: &str) -> Option<String> {
        self.inner
            .shared
            .cluster()
            .guests
            .get(&vmid)?
            .config
            .get(key)
            .cloned()
    }

    /// Takes a guest's lock file and keeps it: actions on the guest wait for it, and fail after 10 s.
    pub async fn hold_lock_file(&self, vmid: u32) -> Option<LockFile> {
        let file = self.inner.shared.cluster().guests.get(&vmid)?.lock_file.clone();
        Some(LockFile {
            _guard: file.lock_owned().await,
        })
    }

    /// How long the guest takes to shut down from now on; `None`: it does not react.
    pub fn set_shutdown_after(&self, vmid: u32, time: Option<Duration>) {
        self.with_guest(vmid, |guest| guest.behaviour.shutdown_after = time);
    }

    /// Lets every start of the guest fail with `text` in its task; `None`: no longer.
    pub fn set_start_error(&self, vmid: u32, text: Option<&str>) {
        self.with_guest(vmid, |guest| {
            guest.behaviour.start_error = text.map(str::to_owned)
        });
    }

    /// The guest's agent runs from now on, or does not.
    pub fn set_agent(&self, vmid: u32, runs: bool) {
        self.with_guest(vmid, |guest| guest.behaviour.agent = runs);
    }

    /// The guest powers itself off.
    pub fn power_off_inside(&self, vmid: u32) {
        let now = self.inner.shared.clock.now();
        self.inner.shared.cluster().stop_process(vmid, now);
    }

    /// The guest restarts itself: the same process, the same boot order.
    pub fn restart_inside(&self, vmid: u32) {
        self.with_guest(vmid, |guest| {
            guest.record("restart inside");
            guest.print_banner();
        });
    }

    /// Sets what `qmpstatus` says of a running machine: `io-error`, `guest-panicked`, `paused`, `running`, ...
    pub fn set_status(&self, vmid: u32, status: &'static str) {
        self.with_guest(vmid, |guest| {
            if let Some(process) = &mut guest.process {
                process.status = status;
            }
        });
    }

    /// Prints on the guest's console; lost when nobody is attached.
    pub fn print(&self, vmid: u32, text: &[u8]) {
        let bytes = text.to_vec();
        self.with_guest(vmid, |guest| _ = guest.console.send(GuestEvent::Output(bytes)));
    }

    /// Moves a guest to another node, which takes `time`; returns when it is there.
    ///
    /// # Errors
    /// The text of what went wrong.
    pub async fn migrate(&self, vmid: u32, target: &str, time: Duration) -> Result<(), String> {
        migration::migrate(&self.inner.shared, vmid, target, time).await
    }

    /// Exit status of the newest task of a type on a guest: outer `None`: no such task; inner `None`: it runs.
    pub fn newest_task(&self, kind: &str, vmid: u32) -> Option<Option<String>> {
        let cluster = self.inner.shared.cluster();
        let id = vmid.to_string();
        cluster
            .tasks
            .newest()
            .find(|task| task.kind == kind && task.id == id)
            .map(|task| task.exit.clone())
    }

    fn with_guest(&self, vmid: u32, change: impl FnOnce(&mut Guest)) {
        if let Some(guest) = self.inner.shared.cluster().guests.get_mut(&vmid) {
            change(guest);
        }
    }
}
