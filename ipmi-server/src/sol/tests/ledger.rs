//! A machine whose console keeps account of every character, and fails as consoles do.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;

use crate::backend::{
    BackendError, BackendErrorKind, BmcBackend, ConsoleEvent, ConsoleStream, PowerAction, PowerActions,
    PowerState, SerialConsole,
};

/// Most characters that the console gives out at once.
pub(super) const LONGEST_PIECE: usize = 700;

/// The machine.
#[derive(Debug)]
pub(super) struct Ledger {
    account: Mutex<Account>,
    changed: Notify,
}

#[derive(Debug)]
pub(super) struct Account {
    /// What the machine will say.
    pub(super) to_say: VecDeque<u8>,
    /// What was taken from it, in order.
    pub(super) said: Vec<u8>,
    /// What it took, in order.
    pub(super) heard: Vec<u8>,
    /// It takes no input at present.
    pub(super) is_deaf: bool,
    /// How often the console was opened.
    pub(super) opened: u32,
    is_on: bool,
    has_ended: bool,
    /// So often opening fails yet.
    failures: u32,
    random: StdRng,
}

impl Ledger {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            account: Mutex::new(Account {
                to_say: VecDeque::new(),
                said: Vec::new(),
                heard: Vec::new(),
                is_deaf: false,
                opened: 0,
                is_on: true,
                has_ended: false,
                failures: 0,
                random: StdRng::seed_from_u64(seed),
            }),
            changed: Notify::new(),
        })
    }

    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says more.
    pub(super) fn say(&self, text: &[u8]) {
        self.account().to_say.extend(text);
        self.changed.notify_waiters();
    }

    /// Switches the machine on or off. The console ends with the power.
    pub(super) fn set_on(&self, is_on: bool) {
        let mut account = self.account();
        account.is_on = is_on;
        account.has_ended |= !is_on;
        drop(account);
        self.changed.notify_waiters();
    }

    /// The connection to the console breaks, and cannot be made again so often.
    pub(super) fn disconnect(&self, failures: u32) {
        let mut account = self.account();
        account.has_ended = true;
        account.failures = failures;
        drop(account);
        self.changed.notify_waiters();
    }
}

/// What the BMC has: a stream of it holds the machine.
#[derive(Debug)]
pub(super) struct LedgerBackend(pub(super) Arc<Ledger>);

#[async_trait]
impl BmcBackend for LedgerBackend {
    fn known_power_state(&self) -> Option<PowerState> {
        None
    }

    async fn power_state(&self) -> Result<PowerState, BackendError> {
        let is_on = self.0.account().is_on;
        Ok(if is_on { PowerState::On } else { PowerState::Off })
    }

    fn power_actions(&self) -> PowerActions {
        PowerActions::ON | PowerActions::OFF
    }

    async fn power(&self, action: PowerAction) -> Result<(), BackendError> {
        self.0.set_on(action == PowerAction::On);
        Ok(())
    }

    fn console(&self) -> Option<&dyn SerialConsole> {
        Some(self)
    }

    crate::without!(boot, sensors, inventory, events);
}

const OPEN: &str = "open the console of the test's machine";

#[derive(Debug)]
struct Stream(Arc<Ledger>);

#[async_trait]
impl SerialConsole for LedgerBackend {
    async fn open(&self) -> Result<Box<dyn ConsoleStream>, BackendError> {
        let mut account = self.0.account();
        if !account.is_on {
            return Err(BackendError::new(BackendErrorKind::InvalidState, OPEN));
        }
        if account.failures > 0 {
            account.failures -= 1;
            return Err(BackendError::new(BackendErrorKind::Unavailable, OPEN));
        }
        account.has_ended = false;
        account.opened += 1;
        Ok(Box::new(Stream(Arc::clone(&self.0))))
    }

    fn may_stay_open(&self) -> bool {
        true
    }
}

#[async_trait]
impl ConsoleStream for Stream {
    async fn next(&mut self) -> Result<ConsoleEvent, BackendError> {
        loop {
            let changed = self.0.changed.notified();
            {
                let mut account = self.0.account();
                if account.has_ended {
                    return Ok(ConsoleEvent::Ended);
                }
                if !account.to_say.is_empty() {
                    let most = account.to_say.len().min(LONGEST_PIECE);
                    let length = account.random.random_range(1..=most);
                    let piece: Vec<u8> = account.to_say.drain(..length).collect();
                    account.said.extend(&piece);
                    return Ok(ConsoleEvent::Output(piece.into()));
                }
            }
            changed.await;
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<usize, BackendError> {
        let mut account = self.0.account();
        if account.has_ended {
            return Err(BackendError::new(
                BackendErrorKind::Unavailable,
                "write to the console of the test's machine",
            ));
        }
        let taken = if account.is_deaf {
            0
        } else {
            account.random.random_range(0..=bytes.len())
        };
        account.heard.extend(&bytes[..taken]);
        Ok(taken)
    }

    async fn send_break(&mut self) -> Result<(), BackendError> {
        Ok(())
    }
}
