//! What a service tells systemd: that it is ready, that it ends, and that it is alive.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

use crate::runtimes::Runtimes;

/// Tells systemd that the BMCs answer.
pub fn ready() {
    tell(NotifyState::Ready);
}

/// Tells systemd that the program ends.
pub fn stopping() {
    tell(NotifyState::Stopping);
}

/// How often systemd wants to hear that the program is alive, if it does: twice in its limit.
#[must_use]
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// Tells systemd that the program is alive, once every thread of BMCs has shown that it is.
pub async fn alive(runtimes: &Runtimes) {
    for runtime in runtimes.handles() {
        // A runtime that has ended says so by an error: then systemd is told nothing.
        if runtime.spawn(async {}).await.is_err() {
            return;
        }
    }
    tell(NotifyState::Watchdog);
}

/// Without systemd nobody is told.
fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        warn!(%error, "cannot tell systemd");
    }
}
