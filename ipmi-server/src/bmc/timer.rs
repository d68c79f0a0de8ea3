//! Time passes: sessions, the watchdog, the boot flags, identification, event filters, alerts, alarms.

use alloc::sync::Arc;

use ipmi_proto::command::app::watchdog::{PreTimeoutInterrupt, TimeoutAction};
use ipmi_proto::time::Instant;

use super::{Bmc, Identify, Inner, Unfinished};
use crate::power;
use crate::state::watchdog::Alarm;

impl Bmc {
    /// Lets time pass.
    pub fn handle_timeout(self: &Arc<Self>, now: Instant) {
        self.with(|inner| {
            inner.tell_time(now);
            inner.sessions.handle_timeout(now);
            inner.take_session_events(self.settings());
            inner.alarms.expire(now);
            inner.sol.handle_timeout(now);
            if let Some(reason) = inner.sol.expired(now) {
                inner.end_sol(self.settings(), reason);
                inner.wake_driver();
            }
            inner.start_pump(self);
            if inner.state.boot.expire(now) {
                inner.start(Unfinished::new(self, power::take_override_back(Arc::clone(self))));
            }
            if inner.state.chassis.unkept().expire_identify(now) {
                self.settings().tell_identify(Identify::Off);
            }
            self.expire_watchdog(inner);
            inner.state.pef_timeout(now);
            inner.state.alerts_timeout(now);
            if let Some(action) = inner.state.filtering.take_action() {
                inner.start(Unfinished::new(
                    self,
                    power::filter_action(Arc::clone(self), action),
                ));
            }
            inner.state.scan(now, self.backend());
            inner.keeper_timeout();
        });
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.with(|inner| {
            let timeouts = [
                inner.state.needs_time().then_some(Instant::ZERO),
                inner.sessions.poll_timeout(),
                inner.alarms.timeout(),
                inner.sol.timeout(),
                inner.state.boot.timeout(),
                inner.state.chassis.identify_timeout(),
                inner.state.watchdog.timeout(),
                inner.state.filtering.timeout(),
                inner.state.alerts.timeout(),
                inner.state.scan_timeout(),
                inner
                    .keeper
                    .as_ref()
                    .and_then(|keeper| keeper.timeout(&inner.state)),
            ];
            timeouts.into_iter().flatten().min()
        })
    }

    fn expire_watchdog(self: &Arc<Self>, inner: &mut Inner) {
        while let Some(alarm) = inner.state.watchdog.expire(inner.now) {
            tracing::info!(bmc = self.name(), ?alarm, "watchdog");
            inner.state.watchdog_told(inner.now, alarm);
            let bmc = Arc::clone(self);
            match alarm {
                Alarm::PreTimeout { interrupt, .. } => {
                    inner.state.device.pre_timeout_pending = true;
                    if interrupt == PreTimeoutInterrupt::NMI {
                        inner.start(Unfinished::new(self, power::interrupt(bmc)));
                    }
                }
                Alarm::Timeout { action, .. } if action != TimeoutAction::NONE => {
                    inner.start(Unfinished::new(self, power::watchdog_action(bmc, action)));
                }
                Alarm::Timeout { .. } => {}
            }
        }
    }
}
