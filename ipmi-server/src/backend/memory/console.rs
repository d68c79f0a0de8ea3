//! The serial console: a firmware that says what it boots, then a line that echoes.

use core::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

use super::machine::{Action, MemoryMachine};
use super::script::Operation;
use crate::backend::{
    BackendError, BackendErrorKind, BmcBackend, ConsoleEvent, ConsoleStream, PowerState, SerialConsole,
};

/// What nobody has read yet; more is lost, oldest first.
const UNREAD: usize = 16 * 1024;
/// The machine takes nothing as long as so much has not been read.
const ECHO: usize = UNREAD / 4;
/// What the machine takes at once.
const ACCEPTED: usize = 256;

const OPERATION: &str = "open the console of the simulated machine";

/// The serial line.
#[derive(Debug, Default)]
pub(super) struct Line {
    state: Mutex<LineState>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct LineState {
    unread: BytesMut,
    is_open: bool,
    has_ended: bool,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, LineState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The firmware starts.
    pub(super) fn boot(&self, name: &str, action: Action) {
        let mut text = String::new();
        let written = write!(
            text,
            "\r\n\r\nSimulated firmware {}\r\nMachine: {name}\r\nMemory test: 4096 MiB OK\r\n{action}\r\n\r\n{name}# ",
            env!("CARGO_PKG_VERSION")
        );
        if written.is_ok() {
            self.say(text.as_bytes());
        }
    }

    /// The power is gone: the stream ends.
    pub(super) fn power_off(&self) {
        let mut state = self.state();
        state.has_ended = state.is_open;
        drop(state);
        self.changed.notify_waiters();
    }

    fn say(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.unread.extend_from_slice(bytes);
        let excess = state.unread.len().saturating_sub(UNREAD);
        let _ = state.unread.split_to(excess);
        drop(state);
        self.changed.notify_waiters();
    }

    fn take(&self) -> Option<ConsoleEvent> {
        let mut state = self.state();
        if !state.unread.is_empty() {
            return Some(ConsoleEvent::Output(state.unread.split().freeze()));
        }
        state.has_ended.then_some(ConsoleEvent::Ended)
    }
}

#[async_trait]
impl SerialConsole for MemoryMachine {
    async fn open(&self) -> Result<Box<dyn ConsoleStream>, BackendError> {
        self.script().step(Operation::Console).await?;
        let error = |kind| BackendError::new(kind, OPERATION);
        if self.present_power() == PowerState::Off {
            return Err(error(BackendErrorKind::InvalidState));
        }
        let machine = self.strong().ok_or_else(|| error(BackendErrorKind::NotFound))?;
        let mut state = self.line.state();
        if state.is_open {
            return Err(error(BackendErrorKind::Busy));
        }
        (state.is_open, state.has_ended) = (true, false);
        drop(state);
        Ok(Box::new(MemoryConsole { machine }))
    }

    /// Nobody else could want it.
    fn may_stay_open(&self) -> bool {
        true
    }
}

/// An open console.
#[derive(Debug)]
struct MemoryConsole {
    machine: Arc<MemoryMachine>,
}

#[async_trait]
impl ConsoleStream for MemoryConsole {
    async fn next(&mut self) -> Result<ConsoleEvent, BackendError> {
        loop {
            let changed = self.machine.line.changed.notified();
            if let Some(event) = self.machine.line.take() {
                return Ok(event);
            }
            changed.await;
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<usize, BackendError> {
        if self.machine.power_state().await? == PowerState::Off {
            return Err(BackendError::new(
                BackendErrorKind::InvalidState,
                "write to the console of the simulated machine",
            ));
        }
        // A reader that is slow makes the machine take less: no echo is lost.
        let free = ECHO.saturating_sub(self.machine.line.state().unread.len());
        let taken = bytes.get(..free.min(ACCEPTED)).unwrap_or(bytes);
        let mut echo = BytesMut::with_capacity(taken.len() + 8);
        for byte in taken {
            match byte {
                b'\r' => echo.extend_from_slice(b"\r\n"),
                other => echo.extend_from_slice(&[*other]),
            }
        }
        let echo: Bytes = echo.freeze();
        self.machine.line.say(&echo);
        Ok(taken.len())
    }

    async fn send_break(&mut self) -> Result<(), BackendError> {
        self.machine.line.say(b"\r\n[break]\r\n");
        Ok(())
    }
}

impl Drop for MemoryConsole {
    fn drop(&mut self) {
        let mut state = self.machine.line.state();
        (state.is_open, state.has_ended) = (false, false);
    }
}
