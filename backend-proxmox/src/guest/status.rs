//! One look at a guest: what a list of a node or `status/current` says about its run state.

use std::time::Instant;

use ipmi_server::backend::PowerState;

use crate::value::Object;

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observation {
    /// When it was asked for: what was seen is at least as new.
    pub(crate) asked: Instant,
    /// The power state.
    pub(crate) power: PowerState,
    /// Process of the guest; another one means that it was started anew.
    pub(crate) pid: Option<u64>,
    /// Seconds since it started.
    pub(crate) uptime: u64,
    /// What holds it, such as a backup.
    pub(crate) lock: Option<String>,
    /// State of the emulator: `running`, `paused`, `io-error`, ...; short lists and containers have none.
    pub(crate) emulator: Option<String>,
    /// What `status/current` alone tells.
    pub(crate) details: Option<Details>,
}

/// What `status/current` alone tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Details {
    /// Whether high availability decides when and where the guest runs.
    pub(crate) is_managed: bool,
    /// Whether the guest is meant to have an agent.
    pub(crate) has_agent: bool,
}

impl Observation {
    /// Reads a row of a node's list, or the answer of `status/current`. `None`: it does not say how the guest is.
    pub(crate) fn read(row: Object<'_>, asked: Instant) -> Option<Self> {
        let emulator = row.text("qmpstatus");
        let power = match row.text("status")?.as_str() {
            "stopped" => PowerState::Off,
            "running" => match emulator.as_deref() {
                // The guest has switched itself off; its process is about to be taken away.
                Some("shutdown") => PowerState::Off,
                Some("suspended") => PowerState::Suspended,
                Some("paused" | "prelaunch" | "postmigrate") => PowerState::Paused,
                _ => PowerState::On,
            },
            // Older versions list a suspended machine so.
            "paused" => PowerState::Paused,
            "suspended" => PowerState::Suspended,
            _ => return None,
        };
        let details = row.object("ha").map(|ha| Details {
            is_managed: ha.flag("managed"),
            has_agent: row.flag("agent"),
        });
        Some(Self {
            asked,
            power,
            pid: row.integer("pid").filter(|_| power.is_on()),
            uptime: row.integer("uptime").unwrap_or(0),
            lock: row.text("lock").filter(|lock| !lock.is_empty()),
            emulator,
            details,
        })
    }

    /// Whether the guest was started anew since an earlier look, both while it was on.
    pub(crate) fn is_restart_of(&self, earlier: &Self) -> bool {
        match (self.pid, earlier.pid) {
            (Some(now), Some(then)) => now != then,
            // Statistics round; a second is no restart.
            _ => self.uptime.saturating_add(3) < earlier.uptime,
        }
    }

    /// Whether the guest has switched itself off while its process is still there: it cannot be started yet.
    pub(crate) fn is_ending(&self) -> bool {
        self.emulator.as_deref() == Some("shutdown")
    }

    /// The emulator's state if it is one that the guest does not get out of by itself.
    pub(crate) fn fault(&self) -> Option<&str> {
        let emulator = self.emulator.as_deref()?;
        matches!(emulator, "io-error" | "internal-error" | "guest-panicked").then_some(emulator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_state_of_the_emulator_has_its_power_state() {
        let power = |status: &str, emulator: Option<&str>| {
            let row = json!({ "status": status, "qmpstatus": emulator, "vmid": 100 });
            Observation::read(Object::new(&row), Instant::now()).map(|seen| seen.power)
        };
        assert_eq!(power("stopped", Some("stopped")), Some(PowerState::Off));
        assert_eq!(power("running", None), Some(PowerState::On));
        for on in [
            "running",
            "io-error",
            "guest-panicked",
            "internal-error",
            "save-vm",
        ] {
            assert_eq!(power("running", Some(on)), Some(PowerState::On), "{on}");
        }
        assert_eq!(power("running", Some("shutdown")), Some(PowerState::Off));
        assert_eq!(power("running", Some("paused")), Some(PowerState::Paused));
        assert_eq!(power("running", Some("prelaunch")), Some(PowerState::Paused));
        assert_eq!(power("running", Some("suspended")), Some(PowerState::Suspended));
        assert_eq!(power("unknown", None), None);
    }

    #[test]
    fn another_process_is_a_restart() {
        let seen = |pid: Option<u64>, uptime: u64| {
            let row = json!({ "status": "running", "pid": pid, "uptime": uptime });
            Observation::read(Object::new(&row), Instant::now()).unwrap()
        };
        assert!(seen(Some(2), 0).is_restart_of(&seen(Some(1), 50)));
        assert!(!seen(Some(1), 51).is_restart_of(&seen(Some(1), 50)));
        assert!(seen(None, 1).is_restart_of(&seen(None, 50)));
        assert!(!seen(None, 49).is_restart_of(&seen(None, 50)));
    }
}
