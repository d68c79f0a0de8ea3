//! A BMC for a machine of your own: here a lamp. Try it with
//! `ipmitool -I lanplus -H 127.0.0.1 -p 6230 -U admin -P example chassis power on`.
use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering::Relaxed};

use ipmi_proto::crypto::Password;
use ipmi_server::{Bmc, backend::*, net::NetConfig, net::Server};

#[derive(Debug, Default)]
pub(crate) struct Lamp(AtomicBool);

#[async_trait::async_trait]
impl BmcBackend for Lamp {
    fn known_power_state(&self) -> Option<PowerState> {
        None
    }
    async fn power_state(&self) -> Result<PowerState, BackendError> {
        let on = self.0.load(Relaxed);
        Ok(if on { PowerState::On } else { PowerState::Off })
    }
    fn power_actions(&self) -> PowerActions {
        PowerActions::ON | PowerActions::OFF
    }
    async fn power(&self, action: PowerAction) -> Result<(), BackendError> {
        let switch = || self.0.store(action == PowerAction::On, Relaxed);
        let error = BackendError::new(BackendErrorKind::Unsupported, "do this to a lamp");
        let can = self.power_actions().contains(action.into());
        can.then(switch).ok_or(error)
    }
    ipmi_server::without!(boot, console, sensors, inventory, events);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bmc = Bmc::builder(Arc::<Lamp>::default()).administrator("admin", Password::new(b"example")?);
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:6230").parse()?;
    let handle = Server::new(NetConfig::default()).add(bmc.build()?, address)?;
    eprintln!("The lamp's BMC is at {}", handle.local_addr());
    std::future::pending().await
}
