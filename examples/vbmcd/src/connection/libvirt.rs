//! `type = "libvirt"`: the domains of a libvirt daemon.

use std::sync::Arc;

use async_trait::async_trait;
use backend_libvirt::rpc::Uri;
use backend_libvirt::{Hypervisor, Options};
use ipmi_server::backend::BmcBackend;

use super::{Connection, ConnectionError, ConnectionPlan, Context, KeyError, Keys, Mistake, Wanted};

/// How a libvirt daemon is reached and used.
#[derive(Clone, Debug)]
struct LibvirtPlan {
    uri: Uri,
    options: Options,
}

pub(super) fn read(keys: &mut Keys<'_>) -> Result<Box<dyn ConnectionPlan>, KeyError> {
    let text = keys.required_text("uri", "\"qemu:///system\"")?;
    let uri = Uri::parse(text.get_ref()).map_err(|error| Mistake::at(&text, format!("`uri`: {error}")))?;
    let mut options = Options::default();
    options.force_console = keys.flag("force_console")?;
    options.strict_boot_mode = keys.flag("strict_boot_mode")?;
    Ok(Box::new(LibvirtPlan { uri, options }))
}

#[async_trait]
impl ConnectionPlan for LibvirtPlan {
    async fn connect(&self, _: &Context) -> Result<Box<dyn Connection>, ConnectionError> {
        let connected = Hypervisor::connect(self.uri.clone(), self.options).await;
        let hypervisor = connected.map_err(|error| {
            ConnectionError::new(format!("cannot connect to {}", self.uri)).with_source(error)
        })?;
        Ok(Box::new(Libvirt(hypervisor)))
    }
}

#[derive(Debug)]
struct Libvirt(Hypervisor);

#[async_trait]
impl Connection for Libvirt {
    async fn machine(&self, wanted: &Wanted<'_>) -> Result<Arc<dyn BmcBackend>, ConnectionError> {
        let machine = self.0.machine(wanted.machine).await;
        let machine = machine.map_err(|error| {
            ConnectionError::new(format!("cannot use the domain `{}`", wanted.machine)).with_source(error)
        })?;
        Ok(machine)
    }
}
