//! A BMC for a machine of your own: here a lamp. Try it with
//! `ipmitool -I lanplus -H 127.0.0.1 -p 6230 -U admin -P example chassis power on`.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ipmi_proto::crypto::Password;
use ipmi_server::backend::{BackendError, BmcBackend, PowerAction, PowerActions, PowerState};
use ipmi_server::net::{NetConfig, Server};

#[derive(Debug, Default)]
struct Lamp(AtomicBool);

#[async_trait::async_trait]
impl BmcBackend for Lamp {
    fn known_power_state(&self) -> Option<PowerState> {
        Some(if self.0.load(Relaxed) {
            PowerState::On
        } else {
            PowerState::Off
        })
    }
    async fn power_state(&self) -> Result<PowerState, BackendError> {
        Ok(if self.0.load(Relaxed) {
            PowerState::On
        } else {
            PowerState::Off
        })
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
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:6230".to_owned());
    let bmc = ipmi_server::Bmc::builder(Arc::new(Lamp::default())).name("lamp");
    let bmc = bmc.administrator("admin", Password::new(b"example")?).build()?;
    let handle = Server::new(NetConfig::default()).add(bmc, address.parse()?)?;
    eprintln!("The lamp's BMC is at {}", handle.local_addr());
    std::future::pending().await
}
