//! Choosing the boot device.

use super::{Log, Patience, settle, told};
use crate::backend::{
    BackendErrorKind, BackendEvent, BmcBackend, BootDevice, BootDevices, BootMode, BootOverride,
    BootPersistence, PowerAction, PowerActions, PowerState,
};

/// All kinds of devices.
const DEVICES: [BootDevice; 5] = [
    BootDevice::Pxe,
    BootDevice::Disk,
    BootDevice::Cdrom,
    BootDevice::Removable,
    BootDevice::FirmwareSetup,
];

/// Checks which devices can be chosen. The machine is on afterwards.
pub(super) async fn check(backend: &dyn BmcBackend, patience: &Patience, log: &Log) {
    let Some(boot) = backend.boot() else {
        return;
    };
    for device in DEVICES {
        let mode = boot.mode().unwrap_or(BootMode::Legacy);
        let persistence = BootPersistence::NextBoot;
        let wish = BootOverride {
            device,
            mode,
            persistence,
        };
        let result = boot.set_override(Some(wish)).await.map_err(|error| error.kind());
        let expected = if boot.devices().contains(BootDevices::from(device)) {
            Ok(())
        } else {
            Err(BackendErrorKind::Unsupported)
        };
        assert_eq!(result, expected, "booting from {device:?}");
    }
    for _ in 0..2 {
        let result = boot.set_override(None).await;
        assert!(
            result.is_ok(),
            "taking an override away is idempotent: {result:?}"
        );
    }
    log.take();
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    if backend.events().is_some() {
        told(patience, log, &BackendEvent::Booted).await;
    }
}

/// Checks that a machine boots from what was chosen, once or each time, and from its own device otherwise.
///
/// `booted` tells the devices that the machine booted from so far, the last one at the end, from whatever the backend
/// stands on. The machine must have another device than that which it boots from by itself; it is off afterwards.
///
/// # Panics
/// If the backend breaks its contract, or the machine has no choice of devices.
pub async fn check_boots(
    backend: &dyn BmcBackend,
    patience: &Patience,
    booted: &(dyn Fn() -> Vec<BootDevice> + Sync),
) {
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
    let machine = Machine {
        backend,
        patience,
        booted,
    };
    machine.choose(None).await;
    let own = machine.start().await;
    let other = DEVICES
        .into_iter()
        .find(|device| *device != own && machine.has(*device));
    let Some(other) = other else {
        panic!("the machine boots from nothing but {own:?}: there is nothing to check");
    };

    machine.choose(Some((other, BootPersistence::NextBoot))).await;
    assert_eq!(
        machine.start().await,
        other,
        "the next start is from what was chosen"
    );
    assert_eq!(
        machine.start().await,
        own,
        "a choice for one boot is for one boot"
    );
    if backend.power_actions().contains(PowerActions::RESET) {
        machine.choose(Some((other, BootPersistence::NextBoot))).await;
        assert_eq!(machine.reset().await, other, "a reset is a boot");
        assert_eq!(
            machine.reset().await,
            own,
            "a choice for one boot ends with a reset"
        );
    }
    machine.choose(Some((other, BootPersistence::NextBoot))).await;
    machine.choose(None).await;
    assert_eq!(machine.start().await, own, "a choice that was taken away is gone");

    machine.choose(Some((other, BootPersistence::EveryBoot))).await;
    for _ in 0..2 {
        assert_eq!(machine.start().await, other, "a choice for all boots stays");
    }
    machine.choose(None).await;
    assert_eq!(
        machine.start().await,
        own,
        "the machine's own order is never lost"
    );
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
}

/// A machine, and what is known of its boots.
struct Machine<'a> {
    backend: &'a dyn BmcBackend,
    patience: &'a Patience,
    booted: &'a (dyn Fn() -> Vec<BootDevice> + Sync),
}

impl Machine<'_> {
    fn has(&self, device: BootDevice) -> bool {
        let boot = self.backend.boot();
        boot.is_some_and(|boot| boot.devices().contains(device.into()))
    }

    async fn choose(&self, choice: Option<(BootDevice, BootPersistence)>) {
        let Some(boot) = self.backend.boot() else {
            panic!("the boot device of the machine cannot be chosen: there is nothing to check");
        };
        let mode = boot.mode().unwrap_or(BootMode::Legacy);
        let wish = choice.map(|(device, persistence)| BootOverride {
            device,
            mode,
            persistence,
        });
        let result = boot.set_override(wish).await;
        assert!(result.is_ok(), "{wish:?}: {result:?}");
    }

    /// Switches the machine off and on, and says what it booted from.
    async fn start(&self) -> BootDevice {
        settle(self.backend, self.patience, PowerAction::Off, PowerState::Off).await;
        self.boot(PowerAction::On).await
    }

    async fn reset(&self) -> BootDevice {
        self.boot(PowerAction::Reset).await
    }

    async fn boot(&self, action: PowerAction) -> BootDevice {
        let before = (self.booted)().len();
        settle(self.backend, self.patience, action, PowerState::On).await;
        for _ in 0..super::LOOKS {
            let all = (self.booted)();
            if let Some(last) = all.last().filter(|_| all.len() > before) {
                assert_eq!(all.len(), before + 1, "{action:?} is one boot: {all:?}");
                return *last;
            }
            self.patience.pause().await;
        }
        panic!("a machine that is on has booted");
    }
}
