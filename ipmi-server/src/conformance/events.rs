//! What the machine tells.

use std::sync::{Arc, Weak};

use super::{LOOKS, Log, Patience, settle, told};
use crate::backend::{BackendEvent, BmcBackend, EventListener, PowerAction, PowerState};

/// Checks who is told of what. The machine has to be off, and is so afterwards.
pub(super) async fn check(backend: &dyn BmcBackend, patience: &Patience, log: &Log) {
    let Some(events) = backend.events() else {
        return;
    };
    log.take();
    let second = Arc::new(Log::default());
    let listener: Arc<dyn EventListener> = Arc::clone(&second) as _;
    events.subscribe(&listener);
    drop(listener);
    assert_eq!(second.take(), [], "only later events are told");
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    for log in [log, &*second] {
        told_all(
            patience,
            log,
            &[BackendEvent::Power(PowerState::On), BackendEvent::Booted],
        )
        .await;
    }
    let gone = Arc::downgrade(&second);
    drop(second);
    forgotten(patience, &gone).await;
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
    // A listener that went away keeps nothing from the other one.
    told(patience, log, &BackendEvent::Power(PowerState::Off)).await;
}

/// Waits until the machine has told of all this, in whichever order.
async fn told_all(patience: &Patience, log: &Log, expected: &[BackendEvent]) {
    let mut all = Vec::new();
    for _ in 0..LOOKS {
        all.extend(log.take());
        if expected.iter().all(|event| all.contains(event)) {
            return;
        }
        patience.pause().await;
    }
    panic!("every listener is told of {expected:?}, not only of {all:?}");
}

async fn forgotten(patience: &Patience, gone: &Weak<Log>) {
    for _ in 0..LOOKS {
        // It may be told of something at this moment.
        if gone.strong_count() == 0 {
            return;
        }
        patience.pause().await;
    }
    panic!("a source of events keeps a weak reference to its listeners");
}
