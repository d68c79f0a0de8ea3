//! The machine itself: power, boots, what was done to it.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::builder::{Config, MemoryMachineBuilder};
use super::console::Line;
use super::operation;
use super::script::{Operation, Script};
use super::sensors::Measurements;
use crate::backend::{
    BackendError, BackendErrorKind, BackendEvent, BootDevice, BootOverride, BootPersistence, EventListener,
    PowerAction, PowerState,
};

/// How many actions a machine remembers.
const HISTORY: usize = 4_096;

/// Something that reached the machine. Its text is a line of an actions file without the machine's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// A power action that was not without effect.
    Power(PowerAction),
    /// It booted from this device.
    Boot(BootDevice),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Power(PowerAction::On) => "power on",
            Self::Power(PowerAction::Off) => "power off",
            Self::Power(PowerAction::Reset) => "reset",
            Self::Power(PowerAction::SoftOff) => "soft",
            Self::Power(PowerAction::DiagnosticInterrupt) => "nmi",
            Self::Boot(BootDevice::Pxe) => "boot pxe",
            Self::Boot(BootDevice::Disk) => "boot disk",
            Self::Boot(BootDevice::Cdrom) => "boot cdrom",
            Self::Boot(BootDevice::Removable) => "boot removable",
            Self::Boot(BootDevice::FirmwareSetup) => "boot setup",
        })
    }
}

/// A machine that exists in memory alone.
///
/// The power state and the sensors can be read without a lock of the machine; listeners are called while the
/// lock is held, so that events keep their order.
pub struct MemoryMachine {
    config: Config,
    script: Script,
    power: AtomicU8,
    body: Mutex<Body>,
    pub(super) measurements: Measurements,
    pub(super) line: Line,
    this: Weak<Self>,
}

#[derive(Debug, Default)]
struct Body {
    boot: Option<BootOverride>,
    listeners: Vec<Weak<dyn EventListener>>,
    actions: Vec<Action>,
    /// Counts actions: a later one makes an earlier one that has not taken effect void.
    generation: u64,
}

/// What an accepted action comes to after its delay.
#[derive(Clone, Copy, Debug)]
enum Effect {
    PowerOn,
    PowerOff,
    Reset,
}

const STATES: [PowerState; 4] = [
    PowerState::Off,
    PowerState::On,
    PowerState::Paused,
    PowerState::Suspended,
];

impl MemoryMachine {
    /// Starts to describe a machine.
    pub fn builder(name: impl Into<String>) -> MemoryMachineBuilder {
        MemoryMachineBuilder::new(name.into())
    }

    pub(super) fn new(config: Config, power: PowerState) -> Arc<Self> {
        let machine = Arc::new_cyclic(|this| Self {
            config,
            script: Script::default(),
            power: AtomicU8::new(0),
            body: Mutex::default(),
            measurements: Measurements::new(),
            line: Line::default(),
            this: Weak::clone(this),
        });
        machine.store_power(power);
        machine
    }

    /// Name of the machine.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.identity.name
    }

    /// What was done to the machine, oldest first; the latest 4,096 actions.
    #[must_use]
    pub fn actions(&self) -> Vec<Action> {
        self.body().actions.clone()
    }

    /// The present override of the boot device.
    #[must_use]
    pub fn boot_override(&self) -> Option<BootOverride> {
        self.body().boot
    }

    /// Makes an operation take this long from now on.
    pub fn set_latency(&self, operation: Operation, latency: Duration) {
        self.script.set_latency(operation, latency);
    }

    /// Makes the next `times` calls of an operation fail; 0 ends it, `u32::MAX` is for ever.
    pub fn set_fault(&self, operation: Operation, times: u32, kind: BackendErrorKind) {
        self.script.set_fault(operation, times, kind);
    }

    /// Makes the next power action be accepted and fail later.
    pub fn break_next_action(&self, reason: impl Into<String>) {
        self.script.set_broken(reason.into());
    }

    /// The operating system takes no notice of the power button any more, or does again.
    pub fn set_ignores_soft_off(&self, ignores: bool) {
        self.script.set_ignores_soft_off(ignores);
    }

    /// The power state is not known without asking any more, or is again.
    pub fn set_hides_power_state(&self, hides: bool) {
        self.script.set_hides_power_state(hides);
    }

    /// Cuts the connection to the machine, or mends it.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.script.set_unreachable(unreachable);
        self.body().tell(&BackendEvent::Connected(!unreachable));
    }

    /// Changes the power state from outside, as somebody at the hypervisor could.
    pub fn set_power_from_outside(&self, power: PowerState) {
        let mut body = self.body();
        body.generation += 1;
        let boots = power == PowerState::On && self.present_power() == PowerState::Off;
        self.change_power(&mut body, power);
        if boots {
            self.boot_now(&mut body);
        }
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) const fn script(&self) -> &Script {
        &self.script
    }

    pub(super) fn strong(&self) -> Option<Arc<Self>> {
        self.this.upgrade()
    }

    pub(super) fn present_power(&self) -> PowerState {
        let index = usize::from(self.power.load(Ordering::Acquire));
        STATES.get(index).copied().unwrap_or(PowerState::Off)
    }

    fn store_power(&self, power: PowerState) {
        let index = STATES.iter().position(|state| *state == power).unwrap_or(0);
        self.power
            .store(u8::try_from(index).unwrap_or(0), Ordering::Release);
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add_listener(&self, listener: Weak<dyn EventListener>) {
        self.body().listeners.push(listener);
    }

    pub(super) fn override_boot(&self, boot: Option<BootOverride>) {
        self.body().boot = boot;
    }

    /// Accepts a power action. Its effect comes after a delay.
    pub(super) fn act(&self, action: PowerAction) -> Result<(), BackendError> {
        let mut body = self.body();
        let power = self.present_power();
        let delays = self.config.delays;
        let effect = match (action, power) {
            (PowerAction::On, PowerState::On) | (PowerAction::Off, PowerState::Off) => return Ok(()),
            (PowerAction::On, PowerState::Off) => Some((Effect::PowerOn, delays.on)),
            (PowerAction::On, _) => {
                self.change_power(&mut body, PowerState::On);
                None
            }
            (PowerAction::Off, _) => Some((Effect::PowerOff, delays.off)),
            (PowerAction::Reset, PowerState::Off)
            | (PowerAction::SoftOff | PowerAction::DiagnosticInterrupt, PowerState::Off)
            | (
                PowerAction::SoftOff | PowerAction::DiagnosticInterrupt,
                PowerState::Paused | PowerState::Suspended,
            ) => {
                return Err(BackendError::new(
                    BackendErrorKind::InvalidState,
                    operation(action),
                ));
            }
            (PowerAction::Reset, _) => Some((Effect::Reset, delays.reset)),
            (PowerAction::SoftOff, _) if self.script.ignores_soft_off() => None,
            (PowerAction::SoftOff, _) => Some((Effect::PowerOff, delays.soft_off)),
            (PowerAction::DiagnosticInterrupt, _) => {
                body.tell(&BackendEvent::DiagnosticInterrupt);
                None
            }
        };
        self.record(&mut body, Action::Power(action));
        if let Some(reason) = self.script.take_broken() {
            body.tell(&BackendEvent::ActionFailed { reason });
        } else if let Some((effect, delay)) = effect {
            body.generation += 1;
            self.schedule(&mut body, effect, delay);
        }
        Ok(())
    }

    fn schedule(&self, body: &mut Body, effect: Effect, delay: Duration) {
        let generation = body.generation;
        let runtime = tokio::runtime::Handle::try_current();
        let (false, Ok(runtime), Some(machine)) = (delay.is_zero(), runtime, self.strong()) else {
            self.apply(body, effect);
            return;
        };
        // The machine lives on until its actions have taken effect.
        runtime.spawn(async move {
            tokio::time::sleep(delay).await;
            let mut body = machine.body();
            if body.generation == generation {
                machine.apply(&mut body, effect);
            }
        });
    }

    fn apply(&self, body: &mut Body, effect: Effect) {
        match effect {
            Effect::PowerOn => {
                self.change_power(body, PowerState::On);
                self.boot_now(body);
            }
            Effect::PowerOff => self.change_power(body, PowerState::Off),
            Effect::Reset => {
                if self.present_power() != PowerState::On {
                    self.change_power(body, PowerState::On);
                }
                self.boot_now(body);
            }
        }
    }

    fn change_power(&self, body: &mut Body, power: PowerState) {
        self.store_power(power);
        if power == PowerState::Off {
            self.line.power_off();
        }
        body.tell(&BackendEvent::Power(power));
    }

    fn boot_now(&self, body: &mut Body) {
        let device = body.boot.map_or(self.config.first_device, |boot| boot.device);
        if body
            .boot
            .is_some_and(|boot| boot.persistence == BootPersistence::NextBoot)
        {
            body.boot = None;
        }
        let action = Action::Boot(device);
        self.line.boot(self.name(), action);
        self.record(body, action);
        body.tell(&BackendEvent::Booted);
    }

    fn record(&self, body: &mut Body, action: Action) {
        if let Some(listener) = &self.config.on_action {
            listener(self.name(), &action);
        }
        if body.actions.len() >= HISTORY {
            body.actions.remove(0);
        }
        body.actions.push(action);
    }
}

impl Body {
    fn tell(&mut self, event: &BackendEvent) {
        self.listeners.retain(|listener| {
            let listener = listener.upgrade();
            if let Some(listener) = &listener {
                listener.event(event.clone());
            }
            listener.is_some()
        });
    }
}

impl fmt::Debug for MemoryMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryMachine")
            .field("name", &self.name())
            .field("power", &self.present_power())
            .finish_non_exhaustive()
    }
}
