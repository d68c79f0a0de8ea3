//! The machines of `vbmcd demo --proxmox`: guests of a Proxmox VE cluster that is simulated in this process. They are
//! asked over HTTPS with an API token, as those of a real one are.

use std::sync::Arc;

use async_trait::async_trait;
use backend_proxmox::simulator::{GuestEvents, GuestSpec, PveVersion, Simulator};
use backend_proxmox::{
    ApiToken, ClientConfig, Cluster, ClusterConfig, Credentials, Secret, Trust, UserPassword,
};
use ipmi_server::backend::memory::Action;
use ipmi_server::backend::{BmcBackend, BootDevice, PowerAction};
use rand::RngExt;
use rand::distr::Alphanumeric;
use tracing::info;

use super::{Connection, ConnectionError, ConnectionPlan, Context, Wanted};
use crate::actions;
use crate::cli::ProxmoxVersion;

/// Nodes of the cluster.
const NODES: u8 = 2;
/// VMID of the first guest.
const FIRST: u32 = 100;
/// Who asks, and what it may do.
const USER: &str = "bmc@pve";
const TOKEN: &str = "bmc@pve!vbmcd";
const ROLE: &str = "PVEVMAdmin";

/// A simulated cluster with a guest for each name.
#[derive(Debug)]
pub struct ProxmoxDemoPlan {
    version: ProxmoxVersion,
    names: Vec<String>,
}

impl ProxmoxDemoPlan {
    /// A cluster of a version, with guests of these names.
    pub const fn new(version: ProxmoxVersion, names: Vec<String>) -> Self {
        Self { version, names }
    }

    /// Starts the cluster with its guests, and a user and a token that may do with them what BMCs do.
    async fn start(&self) -> Result<(Simulator, ClusterConfig), ConnectionError> {
        let version = match self.version {
            ProxmoxVersion::V7 => PveVersion::V7,
            ProxmoxVersion::V8 => PveVersion::V8,
            ProxmoxVersion::V9 => PveVersion::V9,
        };
        let simulator = Simulator::builder().version(version).nodes(NODES).start().await;
        let simulator = simulator.map_err(|error| {
            ConnectionError::new("cannot start the simulated Proxmox VE cluster").with_source(error)
        })?;
        for ((vmid, name), number) in (FIRST..).zip(&self.names).zip((1..=NODES).cycle()) {
            simulator.add_guest(GuestSpec::qemu(vmid).name(name).node(&format!("pve{number}")));
        }
        let password: String = rand::rng()
            .sample_iter(Alphanumeric)
            .take(32)
            .map(char::from)
            .collect();
        simulator.add_user(USER, &password);
        let secret = simulator.add_token(TOKEN, true);
        for who in [USER, TOKEN] {
            simulator.grant("/", who, "PVEAuditor");
            simulator.grant("/vms", who, ROLE);
        }
        let unusable = |error: backend_proxmox::CredentialsError| {
            ConnectionError::new("cannot use the credentials of the simulated cluster").with_source(error)
        };
        let token = ApiToken::new(TOKEN, &Secret::new(secret)).map_err(unusable)?;
        // Consoles of versions 7 and 8 are not for tokens.
        let user = UserPassword::new(USER, Secret::new(password)).map_err(unusable)?;
        let Some(credentials) = Credentials::of(Some(token), Some(user)) else {
            return Err(ConnectionError::new("the simulated cluster has no credentials"));
        };
        let client = ClientConfig::new(simulator.urls(), credentials)
            .trust(Trust::Authorities(simulator.ca_pem().as_bytes().to_vec()));
        Ok((simulator, ClusterConfig::new(client)))
    }
}

#[async_trait]
impl ConnectionPlan for ProxmoxDemoPlan {
    async fn connect(&self, context: &Context) -> Result<Box<dyn Connection>, ConnectionError> {
        let (simulator, config) = self.start().await?;
        for (vmid, name) in (FIRST..).zip(&self.names) {
            if let Some(events) = simulator.watch(vmid) {
                tokio::spawn(follow(
                    simulator.clone(),
                    vmid,
                    name.clone(),
                    events,
                    context.clone(),
                ));
            }
        }
        info!(url = simulator.url(), "simulated Proxmox VE");
        let cluster = Cluster::connect(config).await.map_err(|error| {
            ConnectionError::new("cannot use the simulated Proxmox VE cluster").with_source(error)
        })?;
        Ok(Box::new(ProxmoxDemo {
            cluster,
            _simulator: simulator,
        }))
    }
}

#[derive(Debug)]
struct ProxmoxDemo {
    cluster: Arc<Cluster>,
    /// Ends with the connection.
    _simulator: Simulator,
}

#[async_trait]
impl Connection for ProxmoxDemo {
    async fn machine(&self, wanted: &Wanted<'_>) -> Result<Arc<dyn BmcBackend>, ConnectionError> {
        let guest = self.cluster.find(wanted.machine).await.map_err(|error| {
            ConnectionError::new(format!("cannot find guest `{}`", wanted.machine)).with_source(error)
        })?;
        Ok(guest)
    }
}

/// Writes down what reaches a guest.
async fn follow(simulator: Simulator, vmid: u32, name: String, mut events: GuestEvents, context: Context) {
    while let Some(event) = events.next().await {
        let action = match event.split(',').next().unwrap_or_default() {
            "start" => Action::Power(PowerAction::On),
            "stop" => Action::Power(PowerAction::Off),
            "reset" => Action::Power(PowerAction::Reset),
            "power button" => Action::Power(PowerAction::SoftOff),
            "nmi" => Action::Power(PowerAction::DiagnosticInterrupt),
            _ => continue,
        };
        append(&context, &name, &action);
        let boots = matches!(action, Action::Power(PowerAction::On | PowerAction::Reset));
        let device = simulator
            .guest(vmid)
            .and_then(|guest| guest.boots_from)
            .filter(|_| boots);
        if let Some(device) = device {
            let network = device.starts_with("net");
            append(
                &context,
                &name,
                &Action::Boot(if network {
                    BootDevice::Pxe
                } else {
                    BootDevice::Disk
                }),
            );
        }
    }
}

fn append(context: &Context, machine: &str, action: &Action) {
    let action = actions::name(action);
    info!(machine, action, "action");
    if let Some(actions) = &context.actions {
        actions.append(machine, action);
    }
}
