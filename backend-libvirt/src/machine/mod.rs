//! A domain as a BMC sees it.

mod boot;
mod console;
mod power;
mod sensors;

use std::sync::Arc;

use async_trait::async_trait;
use ipmi_server::backend::{
    BackendError, BackendErrorKind, BmcBackend, BootControl, EventListener, EventSource, Inventory,
    MachineIdentity, PowerAction, PowerActions, PowerState, SensorSource, SerialConsole,
};

pub(crate) use boot::PresentBoot;

use crate::hypervisor::{Entry, Hypervisor, Known, Session};
use crate::xml::Description;

/// A domain behind a BMC.
#[derive(Debug)]
pub struct LibvirtMachine {
    hypervisor: Hypervisor,
    entry: Arc<Entry>,
    description: Description,
    identity: MachineIdentity,
}

impl LibvirtMachine {
    pub(crate) fn new(hypervisor: Hypervisor, entry: Arc<Entry>, description: Description) -> Arc<Self> {
        let facts = &hypervisor.shared.facts;
        let mut identity = MachineIdentity::default();
        identity.uuid = entry.uuid().0;
        identity.name = entry.name();
        identity.manufacturer.clone_from(&facts.driver);
        identity.product.clone_from(&description.machine_type);
        identity.version = format!("{} libvirt {}", facts.hypervisor_version, facts.libvirt_version);
        identity.serial = entry.uuid().to_string();
        Arc::new(Self {
            hypervisor,
            entry,
            description,
            identity,
        })
    }

    /// The present name of the domain.
    #[must_use]
    pub fn name(&self) -> String {
        self.entry.name()
    }

    fn session(&self) -> Result<Arc<Session>, BackendError> {
        self.hypervisor.shared.session()
    }
}

#[async_trait]
impl BmcBackend for LibvirtMachine {
    fn known_power_state(&self) -> Option<PowerState> {
        self.entry.known().power()
    }

    async fn power_state(&self) -> Result<PowerState, BackendError> {
        const OPERATION: &str = "ask for the domain's power state";
        // What is known is kept up to date by events: asking could only give an answer that is older.
        if let Some(power) = self.entry.known().power() {
            return Ok(power);
        }
        let session = self.session()?;
        let state = session.state.state(&self.entry.domain()).await;
        let (state, _) = state.map_err(crate::failure::failure(OPERATION))?;
        let known = Known::of(state);
        self.hypervisor.shared.refresh_soon(&self.entry);
        known
            .power()
            .ok_or_else(|| BackendError::new(BackendErrorKind::Other, OPERATION))
    }

    fn power_actions(&self) -> PowerActions {
        PowerActions::all()
    }

    async fn power(&self, action: PowerAction) -> Result<(), BackendError> {
        self.change_power(action).await
    }

    fn boot(&self) -> Option<&dyn BootControl> {
        Some(self)
    }

    fn console(&self) -> Option<&dyn SerialConsole> {
        self.description.has_console.then_some(self)
    }

    fn sensors(&self) -> Option<&dyn SensorSource> {
        self.description.is_qemu.then_some(self)
    }

    fn inventory(&self) -> Option<&dyn Inventory> {
        Some(self)
    }

    fn events(&self) -> Option<&dyn EventSource> {
        Some(self)
    }
}

impl Inventory for LibvirtMachine {
    fn identity(&self) -> MachineIdentity {
        self.identity.clone()
    }
}

impl EventSource for LibvirtMachine {
    fn subscribe(&self, listener: &Arc<dyn EventListener>) {
        self.entry.subscribe(listener);
    }
}
