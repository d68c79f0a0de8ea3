//! A small machine with everything that a machine can have, and faults for the suite to find.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use ipmi_server::backend::{
    BackendError, BackendErrorKind, BackendEvent, BmcBackend, BootControl, BootDevice, BootDevices, BootMode,
    BootOverride, BootPersistence, ConsoleEvent, ConsoleStream, EventListener, EventSource, PowerAction,
    PowerActions, PowerState, SensorDescription, SensorKind, SensorReading, SensorSource, SensorValue,
    SerialConsole,
};
use tokio::sync::Notify;

/// What the machine does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    ForgetsTheFirstListener,
    KeepsListeners,
    OpensWhileOff,
    ConsoleNeverEnds,
    LosesOutput,
    BootsTwiceFromTheChoice,
    ForgetsTheChoice,
    InventsValues,
    AgeStandsStill,
    ValueOutOfRange,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct Kettle {
    me: Weak<Self>,
    fault: Option<Fault>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_on: bool,
    choice: Option<BootOverride>,
    choice_used: u32,
    boots: Vec<BootDevice>,
    listeners: Vec<Weak<dyn EventListener>>,
    kept: Vec<Arc<dyn EventListener>>,
    unread: Vec<u8>,
    is_open: bool,
}

impl Kettle {
    pub(crate) fn new(fault: Option<Fault>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            fault,
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// The devices that it booted from.
    pub(crate) fn boots(&self) -> Vec<BootDevice> {
        self.state().boots.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn tell(&self, event: &BackendEvent) {
        let mut listeners = self.state().listeners.clone();
        if self.has(Fault::ForgetsTheFirstListener) && listeners.len() > 1 {
            listeners.remove(0);
        }
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.event(event.clone());
        }
    }

    fn boot_now(&self) {
        let mut state = self.state();
        let device = state.choice.map_or(BootDevice::Disk, |choice| choice.device);
        state.boots.push(device);
        state.choice_used += 1;
        let boots = if self.has(Fault::BootsTwiceFromTheChoice) {
            2
        } else {
            1
        };
        let is_once = state
            .choice
            .is_some_and(|choice| choice.persistence == BootPersistence::NextBoot);
        if is_once && state.choice_used >= boots || self.has(Fault::ForgetsTheChoice) {
            state.choice = None;
        }
        drop(state);
        self.tell(&BackendEvent::Booted);
    }
}

const fn error(kind: BackendErrorKind) -> BackendError {
    BackendError::new(kind, "use the kettle")
}

#[async_trait::async_trait]
impl BmcBackend for Kettle {
    fn known_power_state(&self) -> Option<PowerState> {
        Some(if self.state().is_on {
            PowerState::On
        } else {
            PowerState::Off
        })
    }

    async fn power_state(&self) -> Result<PowerState, BackendError> {
        self.known_power_state().ok_or(error(BackendErrorKind::Other))
    }

    fn power_actions(&self) -> PowerActions {
        PowerActions::ON | PowerActions::OFF | PowerActions::RESET
    }

    async fn power(&self, action: PowerAction) -> Result<(), BackendError> {
        let is_on = self.state().is_on;
        match (action, is_on) {
            (PowerAction::On, true) | (PowerAction::Off, false) => {}
            (PowerAction::On, false) => {
                self.state().is_on = true;
                self.tell(&BackendEvent::Power(PowerState::On));
                self.boot_now();
            }
            (PowerAction::Off, true) => {
                self.state().is_on = false;
                self.tell(&BackendEvent::Power(PowerState::Off));
                self.changed.notify_waiters();
            }
            (PowerAction::Reset, true) => self.boot_now(),
            (PowerAction::Reset, false) => return Err(error(BackendErrorKind::InvalidState)),
            _ => return Err(error(BackendErrorKind::Unsupported)),
        }
        Ok(())
    }

    fn boot(&self) -> Option<&dyn BootControl> {
        Some(self)
    }

    fn console(&self) -> Option<&dyn SerialConsole> {
        Some(self)
    }

    fn sensors(&self) -> Option<&dyn SensorSource> {
        Some(self)
    }

    fn events(&self) -> Option<&dyn EventSource> {
        Some(self)
    }

    ipmi_server::without!(inventory);
}

#[async_trait::async_trait]
impl BootControl for Kettle {
    fn devices(&self) -> BootDevices {
        BootDevices::DISK | BootDevices::PXE
    }

    fn mode(&self) -> Option<BootMode> {
        None
    }

    async fn set_override(&self, boot: Option<BootOverride>) -> Result<(), BackendError> {
        if boot.is_some_and(|boot| !self.devices().contains(boot.device.into())) {
            return Err(error(BackendErrorKind::Unsupported));
        }
        let mut state = self.state();
        (state.choice, state.choice_used) = (boot, 0);
        Ok(())
    }
}

impl EventSource for Kettle {
    fn subscribe(&self, listener: &Arc<dyn EventListener>) {
        let mut state = self.state();
        state.listeners.push(Arc::downgrade(listener));
        if self.has(Fault::KeepsListeners) {
            state.kept.push(Arc::clone(listener));
        }
    }
}

impl SensorSource for Kettle {
    fn sensors(&self) -> Vec<SensorDescription> {
        vec![SensorDescription::new(
            1,
            "Water",
            SensorKind::Temperature,
            (0.0, 100.0),
        )]
    }

    fn read(&self, id: u16) -> Option<SensorReading> {
        let is_there = self.state().is_on && (id == 1 || self.has(Fault::InventsValues));
        let age = if self.has(Fault::AgeStandsStill) { 3 } else { 0 };
        let value = if self.has(Fault::ValueOutOfRange) {
            101.0
        } else {
            20.0
        };
        is_there.then_some(SensorReading {
            value: SensorValue::Number(value),
            age: Duration::from_secs(age),
        })
    }
}

#[async_trait::async_trait]
impl SerialConsole for Kettle {
    async fn open(&self) -> Result<Box<dyn ConsoleStream>, BackendError> {
        let machine = self.me.upgrade().ok_or(error(BackendErrorKind::NotFound))?;
        let mut state = self.state();
        if !state.is_on && !self.has(Fault::OpensWhileOff) {
            return Err(error(BackendErrorKind::InvalidState));
        }
        if core::mem::replace(&mut state.is_open, true) {
            return Err(error(BackendErrorKind::Busy));
        }
        state.unread.clear();
        Ok(Box::new(Line(machine)))
    }
}

/// An open console. It says again what it is sent, little at a time.
#[derive(Debug)]
struct Line(Arc<Kettle>);

impl Line {
    fn look(&self) -> Option<ConsoleEvent> {
        let mut state = self.0.state();
        if state.unread.is_empty() {
            let has_ended = !state.is_on && !self.0.has(Fault::ConsoleNeverEnds);
            return has_ended.then_some(ConsoleEvent::Ended);
        }
        let mut output = core::mem::take(&mut state.unread);
        if self.0.has(Fault::LosesOutput) {
            output.pop();
        }
        Some(ConsoleEvent::Output(Bytes::from(output)))
    }
}

#[async_trait::async_trait]
impl ConsoleStream for Line {
    async fn next(&mut self) -> Result<ConsoleEvent, BackendError> {
        loop {
            let changed = self.0.changed.notified();
            if let Some(event) = self.look() {
                return Ok(event);
            }
            changed.await;
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<usize, BackendError> {
        let taken = bytes.get(..100).unwrap_or(bytes);
        self.0.state().unread.extend_from_slice(taken);
        self.0.changed.notify_waiters();
        Ok(taken.len())
    }

    async fn send_break(&mut self) -> Result<(), BackendError> {
        Err(error(BackendErrorKind::Unsupported))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.state().is_open = false;
    }
}
