//! A BMC for a machine of your own: here a lamp. Try it with
//! `ipmitool -I lanplus -H 127.0.0.1 -p 6230 -U admin -P example chassis power on`.
use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering::Relaxed};

use ipmi_proto::crypto::Password;
use ipmi_server::backend::{BackendError, BmcBackend, PowerAction, PowerActions, PowerState};
use ipmi_server::net::{NetConfig, Server};

#[derive(Debug, Default)]
struct Lamp(AtomicBool);

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
        self.0.store(action == PowerAction::On, Relaxed);
        Ok(())
    }
    ipmi_server::without!(boot, console, sensors, inventory, events);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let password = Password::new(b"example")?;
    let bmc = ipmi_server::Bmc::builder(Arc::<Lamp>::default()).administrator("admin", password);
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:6230").parse()?;
    let handle = Server::new(NetConfig::default()).add(bmc.build()?, address)?;
    eprintln!("The lamp's BMC is at {}", handle.local_addr());
    std::future::pending().await
}
