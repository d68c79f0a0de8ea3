//! One guest of a cluster as a BMC's machine.

mod boot;
mod boot_order;
mod console;
mod journal;
mod knowledge;
mod power;
mod profile;
mod sensors;
mod snapshot;
mod status;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use async_trait::async_trait;
use ipmi_server::backend::{
    BackendError, BmcBackend, BootControl, EventListener, EventSource, Inventory, MachineIdentity,
    PowerAction, PowerActions, PowerState, SensorSource, SerialConsole,
};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

pub use journal::{AppliedBoot, BootChange, BootRecord, FileJournal, Journal, MemoryJournal};
pub(crate) use knowledge::Knowledge;
use profile::Profile;
pub use snapshot::Snapshot;
pub(crate) use status::Observation;

use crate::client::{ApiError, Call};
use crate::cluster::{Cluster, GuestKind, View};
use crate::sync::lock;
use crate::value::Object;

/// A look that is not older than this is taken for one made now: several commands of a client ask in a row.
const JUST_NOW: Duration = Duration::from_millis(500);

/// A virtual machine or a container of a cluster.
pub struct Guest {
    vmid: u32,
    cluster: Arc<Cluster>,
    runtime: Handle,
    pub(crate) knowledge: Knowledge,
    place: Mutex<Option<(String, GuestKind)>>,
    profile: Mutex<Option<Arc<Profile>>>,
    /// One `status/current` at a time: who waits for it takes what it shows.
    look_turn: Semaphore,
    /// One action at a time.
    action_turn: Semaphore,
    boot: boot::BootState,
    power: power::PowerNotes,
    console: console::ConsoleTurn,
    measured: sensors::Measured,
    this: Weak<Self>,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("vmid", &self.vmid)
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

impl Guest {
    pub(crate) fn new(vmid: u32, cluster: Arc<Cluster>, runtime: Handle) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            vmid,
            cluster,
            runtime,
            knowledge: Knowledge::new(),
            place: Mutex::default(),
            profile: Mutex::default(),
            look_turn: Semaphore::new(1),
            action_turn: Semaphore::new(1),
            boot: boot::BootState::default(),
            power: power::PowerNotes::default(),
            console: console::ConsoleTurn::default(),
            measured: sensors::Measured::default(),
            this: Weak::clone(this),
        })
    }

    /// Its number.
    #[must_use]
    pub const fn vmid(&self) -> u32 {
        self.vmid
    }

    /// Node and kind, as they were seen last.
    pub(crate) fn place(&self) -> Option<(String, GuestKind)> {
        lock(&self.place).clone()
    }

    /// The node that it is on, as it was seen last.
    #[must_use]
    pub fn node(&self) -> Option<String> {
        self.place().map(|(node, _)| node)
    }

    fn kind(&self) -> Option<GuestKind> {
        lock(&self.place).as_ref().map(|(_, kind)| *kind)
    }

    /// Learns what a BMC wants to know of a guest when it is made. What fails is tried again when it is needed.
    pub(crate) async fn prepare(&self) {
        if let Some(view) = self.cluster.view() {
            self.placed(&view);
        }
        if let Err(error) = self.boot.load(self).await {
            tracing::error!(vmid = self.vmid, %error, "the journal of boot orders cannot be read");
        }
        match self.learn().await {
            Ok(profile) => profile.tell_gaps(self.vmid),
            Err(error) => tracing::error!(vmid = self.vmid, %error, "the guest cannot be used yet"),
        }
        self.spawn(|guest| async move { guest.recover_boot().await });
    }

    /// Takes in where the guest is.
    pub(crate) fn placed(&self, view: &View) {
        let entry = view.guests.get(&self.vmid);
        self.measured.take(view.asked, entry.map(|entry| entry.usage));
        let found = entry.map(|entry| (entry.node.clone(), entry.kind));
        let is_gone = found.is_none();
        let before = core::mem::replace(&mut *lock(&self.place), found.clone());
        if before.is_some() && before != found {
            tracing::info!(vmid = self.vmid, from = ?before, to = ?found, "the guest has moved");
        }
        if is_gone || found.is_some_and(|(node, _)| self.cluster.is_offline(&node)) {
            self.knowledge.lost(true);
        }
    }

    /// Takes in how it runs.
    pub(crate) fn observe(&self, seen: Observation) {
        let is_unsure =
            self.cluster.has_lost_quorum() || self.node().is_some_and(|node| self.cluster.is_offline(&node));
        if is_unsure {
            return;
        }
        if self.knowledge.observe(seen) {
            // What was pending holds now.
            self.spawn(|guest| async move {
                guest.started_by_anybody().await;
                let _ = guest.learn().await;
            });
        }
    }

    /// Does something in the background, as long as the guest lives.
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Arc<Self>) -> F) {
        if let Some(guest) = self.this.upgrade() {
            self.runtime.spawn(work(guest));
        }
    }

    /// Does something to its end, also if nobody waits for it any more.
    async fn to_the_end<T, F>(&self, work: impl FnOnce(Arc<Self>) -> F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let guest = self.this.upgrade().ok_or(ApiError::Ending)?;
        let done = self.runtime.spawn(work(guest)).await;
        done.unwrap_or(Err(ApiError::Ending))
    }

    /// Node and kind; asks where the guest is if that is not known.
    async fn locate(&self) -> Result<(String, GuestKind), ApiError> {
        if self.cluster.has_lost_quorum() {
            return Err(ApiError::NoQuorum { request: self.name() });
        }
        let place = match self.place() {
            Some(place) => place,
            None => {
                let recent = Instant::now().checked_sub(JUST_NOW).unwrap_or_else(Instant::now);
                self.cluster.refresh(recent).await?;
                self.place().ok_or_else(|| ApiError::NoSuchGuest {
                    request: self.name(),
                    reason: "it is not in the list of the cluster, or VM.Audit on it is missing".to_owned(),
                })?
            }
        };
        if self.cluster.is_offline(&place.0) {
            return Err(ApiError::NodeOffline {
                request: self.name(),
                status: 595,
                reason: format!("node {} is not online", place.0),
            });
        }
        Ok(place)
    }

    fn name(&self) -> String {
        format!("guest {}", self.vmid)
    }

    /// Asks where the guest is. A guest that has moved is followed once.
    ///
    /// `make` gets the path of the guest: `/nodes/pve1/qemu/100`.
    async fn ask(&self, make: impl Fn(&str) -> Call + Send) -> Result<Value, ApiError> {
        let mut followed = false;
        loop {
            let (node, kind) = self.locate().await?;
            let asked = Instant::now();
            let path = format!("/nodes/{node}/{kind}/{}", self.vmid);
            match self.cluster.client.ask(make(&path)).await {
                Err(error) if error.is_elsewhere() && error.did_nothing() && !followed => {
                    followed = true;
                    self.cluster.refresh(asked).await?;
                    if self.place().is_none_or(|place| place == (node, kind)) {
                        return Err(error);
                    }
                }
                result => return result,
            }
        }
    }

    /// Looks how the guest runs; takes a look that was asked for at this time or later.
    async fn look(&self, asked: Instant) -> Result<Observation, ApiError> {
        let known = || {
            self.knowledge
                .full_since(asked)
                .filter(|_| !self.cluster.has_lost_quorum())
        };
        if let Some(seen) = known() {
            return Ok(seen);
        }
        let _turn = self.look_turn.acquire().await.map_err(|_| ApiError::Ending)?;
        if let Some(seen) = known() {
            return Ok(seen);
        }
        let now = Instant::now();
        let answer = self.ask(|path| Call::get(format!("{path}/status/current"))).await;
        let answer = answer.inspect_err(|error| {
            self.knowledge.lost(!matches!(error, ApiError::Timeout { .. }));
        })?;
        let seen = Observation::read(Object::new(&answer), now).ok_or_else(|| ApiError::Malformed {
            request: self.name(),
            reason: "it does not say whether the guest runs".to_owned(),
        })?;
        self.observe(seen.clone());
        Ok(seen)
    }

    /// Looks how the guest runs now.
    async fn look_now(&self) -> Result<Observation, ApiError> {
        self.look(Instant::now()).await
    }

    /// The power state for somebody who only wants to know that. In a rush, a list of the node may be sooner than
    /// a look at this guest.
    async fn ask_power(&self) -> Result<PowerState, ApiError> {
        let now = Instant::now();
        let asked = now.checked_sub(JUST_NOW).unwrap_or(now);
        let is_rush = self.node().is_some_and(|node| self.cluster.client.is_busy(&node));
        if !is_rush {
            return self.look(asked).await.map(|seen| seen.power);
        }
        let look = self.look(asked);
        let mut look = core::pin::pin!(look);
        loop {
            tokio::select! {
                seen = &mut look => return seen.map(|seen| seen.power),
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
            if let Some(seen) = self.knowledge.since(asked) {
                return Ok(seen.power);
            }
        }
    }

    /// The guest's configuration as it was read last.
    fn profile(&self) -> Option<Arc<Profile>> {
        lock(&self.profile).clone()
    }

    /// Reads the guest's configuration.
    async fn learn(&self) -> Result<Arc<Profile>, ApiError> {
        let config = self.ask(|path| Call::get(format!("{path}/config"))).await?;
        let profile = Arc::new(Profile::read(self.vmid, &config));
        *lock(&self.profile) = Some(Arc::clone(&profile));
        Ok(profile)
    }
}

#[async_trait]
impl BmcBackend for Guest {
    fn known_power_state(&self) -> Option<PowerState> {
        self.cluster.touch();
        if self.cluster.has_lost_quorum() {
            return None;
        }
        self.knowledge.power()
    }

    async fn power_state(&self) -> Result<PowerState, BackendError> {
        self.cluster.touch();
        let asked = self
            .to_the_end(|guest| async move { guest.ask_power().await })
            .await;
        asked.map_err(|error| error.into_backend("read the power state of the guest"))
    }

    fn power_actions(&self) -> PowerActions {
        self.possible_actions()
    }

    async fn power(&self, action: PowerAction) -> Result<(), BackendError> {
        self.cluster.touch();
        let done = self
            .to_the_end(move |guest| async move { guest.act(action).await })
            .await;
        done.map_err(|error| error.into_backend(power::operation(action)))
    }

    fn boot(&self) -> Option<&dyn BootControl> {
        (self.kind() != Some(GuestKind::Lxc)).then_some(self)
    }

    fn console(&self) -> Option<&dyn SerialConsole> {
        self.has_console().then_some(self)
    }

    fn sensors(&self) -> Option<&dyn SensorSource> {
        Some(self)
    }

    fn inventory(&self) -> Option<&dyn Inventory> {
        Some(self)
    }

    fn events(&self) -> Option<&dyn EventSource> {
        Some(self)
    }
}

impl EventSource for Guest {
    fn subscribe(&self, listener: &Arc<dyn EventListener>) {
        self.knowledge.subscribe(listener);
    }
}

impl Inventory for Guest {
    fn identity(&self) -> MachineIdentity {
        let version = self.cluster.version().map(|version| version.text);
        let profile = self.profile();
        profile::identity(self.vmid, profile.as_deref(), version)
    }
}
