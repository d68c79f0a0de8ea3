//! A simulated cluster, and the backend connected to it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backend_proxmox::simulator::{GuestSpec, PveVersion, Simulator, SimulatorBuilder};
use backend_proxmox::{
    ApiToken, ClientConfig, Cluster, ClusterConfig, ClusterError, Credentials, Guest, Journal, Secret, Trust,
    UserPassword,
};
use ipmi_server::backend::{BackendEvent, BmcBackend, EventListener, PowerAction, PowerState};

/// What is waited for happens within this time, or not at all.
const LIMIT: Duration = Duration::from_secs(60);
const TOKEN: &str = "bmc@pve!power";
const PASSWORD: &str = "guess-me-not";

/// A cluster with a guest 100, and who may use it.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    secret: String,
}

impl World {
    /// A cluster of this version with one node.
    pub(crate) async fn of(version: PveVersion) -> Self {
        Self::start(Simulator::builder().version(version)).await
    }

    /// A cluster with a guest 100.
    pub(crate) async fn start(builder: SimulatorBuilder) -> Self {
        let simulator = builder.start().await.unwrap();
        simulator.add_guest(GuestSpec::qemu(100));
        simulator.add_user("bmc@pve", PASSWORD);
        let secret = simulator.add_token(TOKEN, false);
        for path in ["/vms", "/"] {
            simulator.grant(path, "bmc@pve", "Administrator");
        }
        Self { simulator, secret }
    }

    pub(crate) fn token(&self) -> ApiToken {
        ApiToken::new(TOKEN, &Secret::new(self.secret.as_str())).unwrap()
    }

    pub(crate) fn user() -> UserPassword {
        UserPassword::new("bmc@pve", Secret::new(PASSWORD)).unwrap()
    }

    /// How the token reaches the cluster.
    pub(crate) fn client(&self) -> ClientConfig {
        self.client_as(Credentials::Token(self.token()))
    }

    /// How these credentials reach the cluster.
    pub(crate) fn client_as(&self, credentials: Credentials) -> ClientConfig {
        let authorities = self.simulator.ca_pem().as_bytes().to_vec();
        ClientConfig::new(self.simulator.urls(), credentials).trust(Trust::Authorities(authorities))
    }

    pub(crate) async fn cluster(&self) -> Arc<Cluster> {
        Cluster::connect(ClusterConfig::new(self.client())).await.unwrap()
    }

    /// The cluster with boot orders remembered here: another life of the program.
    pub(crate) async fn with_journal(&self, journal: Arc<dyn Journal>) -> Arc<Cluster> {
        let config = ClusterConfig::new(self.client()).journal(journal);
        Cluster::connect(config).await.unwrap()
    }

    pub(crate) async fn connect(&self, client: ClientConfig) -> Result<Arc<Cluster>, ClusterError> {
        Cluster::connect(ClusterConfig::new(client)).await
    }

    pub(crate) async fn guest(&self, vmid: u32) -> Arc<Guest> {
        self.cluster().await.find(&vmid.to_string()).await.unwrap()
    }

    /// What reached the simulated machine.
    pub(crate) fn events(&self, vmid: u32) -> Vec<String> {
        self.simulator.guest(vmid).unwrap().events
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is() {
        assert!(Instant::now() < end, "did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the backend says that the guest is so.
pub(crate) async fn until_power(guest: &Guest, power: PowerState) {
    let end = Instant::now() + LIMIT;
    loop {
        let seen = guest.power_state().await;
        if seen.as_ref().is_ok_and(|seen| *seen == power) {
            return;
        }
        assert!(Instant::now() < end, "the guest is {seen:?} and not {power:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Does something and waits until the guest is so.
pub(crate) async fn settle(guest: &Guest, action: PowerAction, power: PowerState) {
    guest.power(action).await.unwrap();
    until_power(guest, power).await;
}

/// What a guest told.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<BackendEvent>>);

impl EventListener for Log {
    fn event(&self, event: BackendEvent) {
        self.0.lock().unwrap().push(event);
    }
}

impl Log {
    /// Listens to a guest, as long as the second one lives.
    pub(crate) fn of(guest: &Guest) -> (Arc<Self>, Arc<dyn EventListener>) {
        let log = Arc::new(Self::default());
        let listener: Arc<dyn EventListener> = Arc::clone(&log) as _;
        guest.events().unwrap().subscribe(&listener);
        (log, listener)
    }

    /// Whether such an event was told.
    pub(crate) fn has(&self, is: impl Fn(&BackendEvent) -> bool) -> bool {
        self.0.lock().unwrap().iter().any(is)
    }
}
