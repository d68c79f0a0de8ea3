//! One simulated machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use ipmi_server::backend::{
    BackendError, BackendErrorKind, BackendEvent, BmcBackend, BootControl, BootDevice, BootDevices, BootMode,
    BootOverride, BootPersistence, EventListener, EventSource, Inventory, MachineIdentity, PowerAction,
    PowerActions, PowerState, SensorSource, SerialConsole,
};
use tokio::runtime::Handle;
use tracing::info;
use uuid::Uuid;

use super::ActionLog;

/// From the order to start until the processor runs.
const POWER_ON: Duration = Duration::from_millis(150);
/// From the order to stop until the power is off.
const POWER_OFF: Duration = Duration::from_millis(80);
/// From the start of the processor until the firmware reads the boot device.
const FIRMWARE: Duration = Duration::from_millis(250);
/// From the power button until the operating system has shut down.
const SHUTDOWN: Duration = Duration::from_millis(1500);

/// What machine UUIDs are derived from, together with the machine's name.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c1a_2f0e_3b57_4c0b_9d0a_6a0b_51d5_7e21);

/// What a machine without an override boots from.
const OWN_ORDER: BootDevice = BootDevice::Disk;

/// A machine that exists in this process only. Starts switched off.
///
/// Its UUID comes from its name: the same name is the same machine after a restart of the program.
#[derive(Debug)]
pub struct SimulatedMachine {
    shared: Arc<Shared>,
}

/// What the machine and its pending steps share.
#[derive(Debug)]
struct Shared {
    name: Box<str>,
    actions: Option<Arc<ActionLog>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    power: PowerState,
    /// Where the last accepted action leads: the power is on its way there.
    target: PowerState,
    /// Counts accepted actions; a step that was planned by an earlier one than the last does not happen.
    generation: u64,
    boot: Option<BootOverride>,
    listener: Option<Weak<dyn EventListener>>,
}

/// Something that the machine does a while after an action.
#[derive(Clone, Copy, Debug)]
enum Step {
    PowerOn,
    PowerOff,
    Boot,
}

impl SimulatedMachine {
    /// A machine that is switched off.
    #[must_use]
    pub fn new(name: &str, actions: Option<Arc<ActionLog>>) -> Self {
        let state = State {
            power: PowerState::Off,
            target: PowerState::Off,
            generation: 0,
            boot: None,
            listener: None,
        };
        let shared = Shared {
            name: name.into(),
            actions,
            state: Mutex::new(state),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The UUID of the machine with a name.
    #[must_use]
    pub fn uuid(name: &str) -> [u8; 16] {
        Uuid::new_v5(&NAMESPACE, name.as_bytes()).into_bytes()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after every statement: a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, action: &str) {
        info!(machine = %self.name, action, "action");
        if let Some(actions) = &self.actions {
            actions.append(&self.name, action);
        }
    }

    /// Lets `step` happen after `delay`, unless another action comes in between.
    fn plan(self: &Arc<Self>, runtime: &Handle, delay: Duration, step: Step, generation: u64) {
        let shared = Arc::clone(self);
        let handle = runtime.clone();
        runtime.spawn(async move {
            tokio::time::sleep(delay).await;
            shared.step(&handle, step, generation);
        });
    }

    fn step(self: &Arc<Self>, runtime: &Handle, step: Step, generation: u64) {
        let mut state = self.state();
        if state.generation != generation {
            return;
        }
        let listener = state.listener.as_ref().and_then(Weak::upgrade);
        let event = match step {
            Step::PowerOn => {
                state.power = PowerState::On;
                BackendEvent::Power(PowerState::On)
            }
            Step::PowerOff => {
                state.power = PowerState::Off;
                BackendEvent::Power(PowerState::Off)
            }
            Step::Boot => {
                let device = state.boot.map_or(OWN_ORDER, |boot| boot.device);
                state.boot = state
                    .boot
                    .filter(|boot| boot.persistence == BootPersistence::EveryBoot);
                // Logged under the lock: an action that comes now is logged after the boot that it interrupts.
                self.log(&format!("boot {}", device_name(device)));
                BackendEvent::Booted
            }
        };
        drop(state);
        if let Some(listener) = listener {
            listener.event(event);
        }
        if matches!(step, Step::PowerOn) {
            self.plan(runtime, FIRMWARE, Step::Boot, generation);
        }
    }

    fn act(self: &Arc<Self>, runtime: &Handle, action: PowerAction) -> Result<(), BackendError> {
        let mut state = self.state();
        let runs = state.power.is_on();
        let refused = Err(BackendError::new(
            BackendErrorKind::InvalidState,
            operation(action),
        ));
        let (text, target, delay, step) = match action {
            PowerAction::On if state.target.is_on() => return Ok(()),
            PowerAction::On => ("power on", PowerState::On, POWER_ON, Step::PowerOn),
            // A shutdown that the operating system is still at is overtaken; a power-off is only awaited.
            PowerAction::Off if !runs && !state.target.is_on() => return Ok(()),
            PowerAction::Off => ("power off", PowerState::Off, POWER_OFF, Step::PowerOff),
            PowerAction::Reset if runs => ("reset", PowerState::On, FIRMWARE, Step::Boot),
            PowerAction::SoftOff if runs => ("soft", PowerState::Off, SHUTDOWN, Step::PowerOff),
            PowerAction::DiagnosticInterrupt if runs => {
                self.log("nmi");
                let listener = state.listener.as_ref().and_then(Weak::upgrade);
                drop(state);
                if let Some(listener) = listener {
                    listener.event(BackendEvent::DiagnosticInterrupt);
                }
                return Ok(());
            }
            PowerAction::Reset | PowerAction::SoftOff | PowerAction::DiagnosticInterrupt => return refused,
            _ => {
                return Err(BackendError::new(
                    BackendErrorKind::Unsupported,
                    operation(action),
                ));
            }
        };
        state.target = target;
        state.generation += 1;
        self.log(text);
        self.plan(runtime, delay, step, state.generation);
        // Power-on of a machine that is still stopping: it stops first.
        if runs && action == PowerAction::On {
            state.power = PowerState::Off;
            let listener = state.listener.as_ref().and_then(Weak::upgrade);
            drop(state);
            if let Some(listener) = listener {
                listener.event(BackendEvent::Power(PowerState::Off));
            }
        }
        Ok(())
    }
}

const fn operation(action: PowerAction) -> &'static str {
    match action {
        PowerAction::On => "start the machine",
        PowerAction::Off => "stop the machine",
        PowerAction::Reset => "reset the machine",
        PowerAction::SoftOff => "ask the machine to shut down",
        PowerAction::DiagnosticInterrupt => "send a diagnostic interrupt to the machine",
        _ => "do this to the machine",
    }
}

const fn device_name(device: BootDevice) -> &'static str {
    match device {
        BootDevice::Pxe => "pxe",
        BootDevice::Disk => "disk",
        BootDevice::Cdrom => "cdrom",
        BootDevice::Removable => "floppy",
        BootDevice::FirmwareSetup => "bios",
        _ => "other",
    }
}

#[async_trait]
impl BmcBackend for SimulatedMachine {
    fn known_power_state(&self) -> Option<PowerState> {
        Some(self.shared.state().power)
    }

    async fn power_state(&self) -> Result<PowerState, BackendError> {
        Ok(self.shared.state().power)
    }

    fn power_actions(&self) -> PowerActions {
        PowerActions::all()
    }

    async fn power(&self, action: PowerAction) -> Result<(), BackendError> {
        let runtime = Handle::try_current().map_err(|error| {
            BackendError::new(BackendErrorKind::Other, operation(action)).with_source(error)
        })?;
        self.shared.act(&runtime, action)
    }

    fn boot(&self) -> Option<&dyn BootControl> {
        Some(self)
    }

    fn console(&self) -> Option<&dyn SerialConsole> {
        None
    }

    fn sensors(&self) -> Option<&dyn SensorSource> {
        None
    }

    fn inventory(&self) -> Option<&dyn Inventory> {
        Some(self)
    }

    fn events(&self) -> Option<&dyn EventSource> {
        Some(self)
    }
}

#[async_trait]
impl BootControl for SimulatedMachine {
    fn devices(&self) -> BootDevices {
        BootDevices::all()
    }

    fn mode(&self) -> Option<BootMode> {
        None
    }

    async fn set_override(&self, boot: Option<BootOverride>) -> Result<(), BackendError> {
        self.shared.state().boot = boot;
        Ok(())
    }
}

impl Inventory for SimulatedMachine {
    fn identity(&self) -> MachineIdentity {
        let mut identity = MachineIdentity::default();
        identity.uuid = Self::uuid(&self.shared.name);
        identity.name = self.shared.name.to_string();
        identity.manufacturer = "vbmcd".to_owned();
        identity.product = "Simulated machine".to_owned();
        identity.version = env!("CARGO_PKG_VERSION").to_owned();
        identity.serial = self.shared.name.to_string();
        identity
    }
}

impl EventSource for SimulatedMachine {
    fn subscribe(&self, listener: &Arc<dyn EventListener>) {
        self.shared.state().listener = Some(Arc::downgrade(listener));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Default)]
    struct Heard(Mutex<Vec<BackendEvent>>);

    impl fmt::Debug for Heard {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Heard")
        }
    }

    impl EventListener for Heard {
        fn event(&self, event: BackendEvent) {
            self.0.lock().unwrap().push(event);
        }
    }

    struct Fixture {
        machine: SimulatedMachine,
        heard: Arc<Heard>,
        _listener: Arc<dyn EventListener>,
        directory: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let actions = ActionLog::open(&directory.path().join("actions")).unwrap();
            let machine = SimulatedMachine::new("m", Some(Arc::new(actions)));
            let heard = Arc::new(Heard::default());
            let listener: Arc<dyn EventListener> = Arc::clone(&heard) as _;
            machine.subscribe(&listener);
            Self {
                machine,
                heard,
                _listener: listener,
                directory,
            }
        }

        async fn act(&self, action: PowerAction) {
            self.machine.power(action).await.unwrap();
        }

        async fn pass(&self) {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }

        fn actions(&self) -> String {
            std::fs::read_to_string(self.directory.path().join("actions")).unwrap()
        }
    }

    fn once(device: BootDevice) -> Option<BootOverride> {
        Some(BootOverride {
            device,
            mode: BootMode::Legacy,
            persistence: BootPersistence::NextBoot,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_takes_its_time_and_boots_once_from_where_it_is_told() {
        let fixture = Fixture::new();
        fixture.machine.set_override(once(BootDevice::Pxe)).await.unwrap();
        fixture.act(PowerAction::On).await;
        assert_eq!(fixture.machine.known_power_state(), Some(PowerState::Off));
        fixture.act(PowerAction::On).await;
        fixture.pass().await;
        assert_eq!(fixture.machine.known_power_state(), Some(PowerState::On));
        fixture.act(PowerAction::Reset).await;
        fixture.pass().await;
        fixture.act(PowerAction::SoftOff).await;
        assert_eq!(fixture.machine.known_power_state(), Some(PowerState::On));
        fixture.pass().await;
        assert_eq!(fixture.machine.power_state().await.unwrap(), PowerState::Off);
        assert_eq!(
            fixture.actions(),
            "m power on\nm boot pxe\nm reset\nm boot disk\nm soft\n"
        );
        assert_eq!(
            *fixture.heard.0.lock().unwrap(),
            [
                BackendEvent::Power(PowerState::On),
                BackendEvent::Booted,
                BackendEvent::Booted,
                BackendEvent::Power(PowerState::Off),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_action_wins() {
        let fixture = Fixture::new();
        fixture.act(PowerAction::On).await;
        fixture.act(PowerAction::Off).await;
        fixture.pass().await;
        assert_eq!(fixture.machine.known_power_state(), Some(PowerState::Off));
        fixture.act(PowerAction::On).await;
        fixture.pass().await;
        fixture.act(PowerAction::SoftOff).await;
        fixture.act(PowerAction::Off).await;
        fixture.act(PowerAction::On).await;
        fixture.pass().await;
        assert_eq!(fixture.machine.known_power_state(), Some(PowerState::On));
    }

    #[tokio::test]
    async fn what_needs_a_running_machine_is_refused_while_it_is_off() {
        let machine = SimulatedMachine::new("m", None);
        for action in [
            PowerAction::Reset,
            PowerAction::SoftOff,
            PowerAction::DiagnosticInterrupt,
        ] {
            let error = machine.power(action).await.unwrap_err();
            assert_eq!(error.kind(), BackendErrorKind::InvalidState);
        }
        machine.power(PowerAction::Off).await.unwrap();
    }

    #[test]
    fn the_uuid_belongs_to_the_name() {
        assert_eq!(SimulatedMachine::uuid("a"), SimulatedMachine::uuid("a"));
        assert_ne!(SimulatedMachine::uuid("a"), SimulatedMachine::uuid("b"));
    }
}
