//! What the parts of a running simulator share, and how tasks run in it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::access::Caller;
use super::clock::Clock;
use super::cluster::{Cluster, Reported};
use super::counters::Counters;
use super::fault::Faults;
use super::guest::Guest;
use super::schema::Schema;
use super::version::PveVersion;
use crate::sync::lock;

/// Workers of the daemon of each node.
const WORKERS: usize = 3;

/// What can be chosen about a simulator beside its contents.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// How long a 401 takes.
    pub(super) authentication_delay: Duration,
    /// Time between two reports of a node's status daemon: what `/cluster/resources` lags behind.
    pub(super) report_interval: Duration,
    /// Idle connections are closed after this time, which is real.
    pub(super) idle: Duration,
    /// Requests that one connection may carry.
    pub(super) requests_per_connection: u32,
    /// Time to connect to a console, and then again to send the ticket.
    pub(super) console_patience: Duration,
    /// A start right after a stop keeps the lock file for long.
    pub(super) cleanup_race: bool,
    /// API tokens can use consoles.
    pub(super) token_consoles: bool,
}

/// The daemon of one node.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) workers: Semaphore,
    pub(super) busy: AtomicU64,
    /// Cuts every connection of the node.
    pub(super) cut: Mutex<CancellationToken>,
    pub(super) address: std::net::SocketAddr,
    pub(super) fingerprint: String,
}

impl Daemon {
    pub(super) fn new(address: std::net::SocketAddr, fingerprint: String) -> Self {
        Self {
            workers: Semaphore::new(WORKERS),
            busy: AtomicU64::new(0),
            cut: Mutex::default(),
            address,
            fingerprint,
        }
    }

    /// Cancelled when the node's connections are cut.
    pub(super) fn cut_token(&self) -> CancellationToken {
        lock(&self.cut).clone()
    }

    /// Cuts the connections that there are; later ones are not harmed.
    pub(super) fn cut_connections(&self) {
        std::mem::take(&mut *lock(&self.cut)).cancel();
    }
}

/// What all connections and tasks work on.
pub(super) struct Shared {
    pub(super) version: PveVersion,
    pub(super) schema: &'static Schema,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    cluster: Mutex<Cluster>,
    faults: Mutex<Faults>,
    counters: Mutex<Counters>,
    pub(super) daemons: BTreeMap<String, Daemon>,
    /// Cancelled when the simulator ends.
    pub(super) end: CancellationToken,
}

impl Shared {
    pub(super) fn new(
        cluster: Cluster,
        clock: Clock,
        settings: Settings,
        daemons: BTreeMap<String, Daemon>,
        end: CancellationToken,
    ) -> Self {
        Self {
            version: cluster.version,
            schema: Schema::of(cluster.version),
            clock,
            settings,
            cluster: Mutex::new(cluster),
            faults: Mutex::default(),
            counters: Mutex::default(),
            daemons,
            end,
        }
    }

    /// The state; never held while something is waited for.
    pub(super) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        lock(&self.cluster)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(super) fn counters(&self) -> MutexGuard<'_, Counters> {
        lock(&self.counters)
    }

    /// Counts a call that runs in the daemon of `node`, until the guard is dropped.
    pub(super) fn count_busy<'a>(&self, daemon: &'a Daemon) -> Busy<'a> {
        let busy = daemon.busy.fetch_add(1, Ordering::Relaxed) + 1;
        let mut counters = self.counters();
        counters.busiest = counters.busiest.max(busy);
        Busy(daemon)
    }

    /// What the status daemons report: the numbers of all guests on nodes that are there.
    pub(super) fn report(&self) {
        self.report_of(|_| true);
        let mut cluster = self.cluster();
        let Cluster { guests, reported, .. } = &mut *cluster;
        reported.retain(|vmid, _| guests.contains_key(vmid));
    }

    /// The report of one guest.
    pub(super) fn report_guest(&self, vmid: u32) {
        self.report_of(|guest| guest.vmid == vmid);
    }

    fn report_of(&self, wanted: impl Fn(&Guest) -> bool) {
        let now = self.clock.now();
        let mut cluster = self.cluster();
        let Cluster {
            nodes,
            guests,
            reported,
            ..
        } = &mut *cluster;
        for guest in guests.values().filter(|guest| wanted(guest)) {
            if nodes.get(&guest.node).is_none_or(|node| node.failure.is_some()) {
                continue;
            }
            let uptime = guest
                .process
                .as_ref()
                .map(|process| now.saturating_sub(process.started).as_secs());
            let report = Reported {
                running: uptime.is_some(),
                uptime: uptime.unwrap_or(0),
                name: guest.name().to_owned(),
            };
            reported.insert(guest.vmid, report);
        }
    }

    /// Starts a task on `node` and gives its UPID at once.
    pub(super) fn start_task<F, Work>(
        self: &Arc<Self>,
        node: &str,
        kind: &str,
        id: &str,
        caller: &Caller,
        work: F,
    ) -> String
    where
        F: FnOnce(TaskHandle) -> Work,
        Work: Future<Output = Result<(), String>> + Send + 'static,
    {
        let now = self.clock.unix();
        let (upid, stop) = {
            let mut cluster = self.cluster();
            let pid = cluster.next_pid(node);
            let task = cluster.tasks.start(node, kind, id, caller, pid, now);
            (task.upid.clone(), task.stop.clone())
        };
        let work = work(TaskHandle {
            shared: self.clone(),
            upid: upid.clone(),
        });
        let (shared, number) = (self.clone(), upid.clone());
        tokio::spawn(async move {
            let result = tokio::select! {
                result = work => result,
                () = stop.cancelled() => Err("received interrupt".to_owned()),
                () = shared.end.cancelled() => return,
            };
            let now = shared.clock.unix();
            shared.cluster().tasks.end(&number, result, now);
        });
        upid
    }
}

/// Counts a running call for as long as it lives.
pub(super) struct Busy<'a>(&'a Daemon);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the work of a task sees of it.
pub(super) struct TaskHandle {
    pub(super) shared: Arc<Shared>,
    upid: String,
}

impl TaskHandle {
    /// Adds a line to its log; one that begins with `WARN: ` counts as a warning.
    pub(super) fn log(&self, line: impl Into<String>) {
        if let Some(task) = self.shared.cluster().tasks.get_mut(&self.upid) {
            task.log(line);
        }
    }
}
