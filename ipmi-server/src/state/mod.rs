//! What a BMC knows: plain structs that take the time as an argument and do no I/O.

pub(crate) mod boot;
pub(crate) mod catalogue;
pub(crate) mod channel;
pub(crate) mod chassis;
pub(crate) mod clock;
pub(crate) mod dcmi;
pub(crate) mod device;
pub(crate) mod event_log;
pub(crate) mod fru;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod lan;
pub(crate) mod lockout;
pub(crate) mod pef;
pub(crate) mod power_statistics;
pub(crate) mod readings;
pub(crate) mod reservation;
mod scale;
pub(crate) mod sdr;
pub(crate) mod sel;
pub(crate) mod sensors;
pub(crate) mod set_guard;
pub(crate) mod sol;
pub(crate) mod system_info;
pub(crate) mod users;
pub(crate) mod watchdog;
pub(crate) mod written;

use alloc::sync::Arc;

use ipmi_proto::crypto::{BmcKey, CipherSuiteId};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::managed::SessionId;
use ipmi_proto::session::{ChannelPolicy, Directory, LoginKinds, Peer, UserId, UserLookup, UserRecord};
use ipmi_proto::time::Instant;

pub(crate) use boot::BootOptions;
pub(crate) use channel::Channel;
pub(crate) use chassis::Chassis;
pub(crate) use clock::Clock;
pub(crate) use dcmi::Dcmi;
pub(crate) use device::{Capabilities, Datagrams, Device};
pub(crate) use event_log::EventPolicy;
pub(crate) use fru::Fru;
pub(crate) use history::History;
pub(crate) use identity::Identity;
pub(crate) use lan::Lan;
pub(crate) use lockout::Lockout;
pub(crate) use pef::{Pef, PefMarks, PefRun};
pub(crate) use power_statistics::PowerStatistics;
pub(crate) use readings::Scan;
pub(crate) use reservation::Reservation;
pub(crate) use sdr::Repository;
pub(crate) use sel::Sel;
pub(crate) use sensors::Sensors;
pub(crate) use set_guard::SetGuard;
pub(crate) use sol::SolSettings;
pub(crate) use system_info::SystemInfo;
pub(crate) use users::Users;
pub(crate) use watchdog::Watchdog;
pub(crate) use written::Written;

use crate::alert::Alerts;
use crate::audit::Actor;
use crate::backend::{BmcBackend, PowerState};
use crate::handlers::DEVICE_SUPPORT;
use crate::keep::Kept;

/// How thoroughly a BMC restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    /// Volatile settings are lost.
    Cold,
    /// Settings are kept.
    Warm,
}

/// Everything that a BMC knows. What is [`Kept`] survives a restart, and so does the event log; see
/// [`keep`](crate::keep) for how to keep more.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) identity: Identity,
    pub(crate) capabilities: Capabilities,
    pub(crate) users: Kept<Users>,
    pub(crate) channel: Kept<Channel>,
    pub(crate) chassis: Kept<Chassis>,
    pub(crate) boot: Kept<BootOptions>,
    pub(crate) watchdog: Watchdog,
    pub(crate) device: Device,
    pub(crate) lan: Kept<Lan>,
    pub(crate) lockout: Lockout,
    pub(crate) sol: Kept<SolSettings>,
    pub(crate) system_info: Kept<SystemInfo>,
    pub(crate) datagrams: Datagrams,
    pub(crate) clock: Kept<Clock>,
    pub(crate) sel: Sel,
    pub(crate) events: EventPolicy,
    pub(crate) history: Kept<History>,
    pub(crate) sensors: Kept<Sensors>,
    pub(crate) scan: Scan,
    pub(crate) power_statistics: PowerStatistics,
    pub(crate) sdr_reservation: Reservation,
    pub(crate) device_sdr_reservation: Reservation,
    pub(crate) fru: Kept<Fru>,
    pub(crate) dcmi: Kept<Dcmi>,
    pub(crate) pef: Kept<Pef>,
    pub(crate) pef_marks: Kept<PefMarks>,
    /// What event filtering is doing.
    pub(crate) filtering: PefRun,
    pub(crate) alerts: Alerts,
    /// The driver has to look at timeout and datagrams again.
    pub(crate) wake: bool,
    /// The power state that the machine told last.
    told_power: Option<PowerState>,
    /// It has not been noted for the power-on hours yet.
    is_power_uncounted: bool,
    /// The machine was powered on and has not told of its boot yet.
    powered_on: bool,
}

impl State {
    /// The state of a BMC that has just been made.
    pub(crate) fn new(identity: Identity, channel: Channel) -> Self {
        Self {
            identity,
            capabilities: Capabilities::default(),
            users: Kept::new(Users::new()),
            channel: Kept::new(channel),
            chassis: Kept::new(Chassis::new()),
            boot: Kept::new(BootOptions::new()),
            watchdog: Watchdog::new(),
            device: Device::new(),
            lan: Kept::new(Lan::default()),
            lockout: Lockout::default(),
            sol: Kept::new(SolSettings::default()),
            system_info: Kept::new(SystemInfo::default()),
            datagrams: Datagrams::default(),
            clock: Kept::new(Clock::new(clock::system_time)),
            sel: Sel::new(),
            events: EventPolicy::new(),
            history: Kept::new(History::new()),
            sensors: Kept::new(Sensors::new(Arc::default())),
            scan: Scan::default(),
            power_statistics: PowerStatistics::default(),
            sdr_reservation: Reservation::default(),
            device_sdr_reservation: Reservation::default(),
            fru: Kept::new(Fru::default()),
            dcmi: Kept::new(Dcmi::default()),
            pef: Kept::new(Pef::new()),
            pef_marks: Kept::new(PefMarks::default()),
            filtering: PefRun::default(),
            alerts: Alerts::new(),
            wake: false,
            told_power: None,
            is_power_uncounted: true,
            powered_on: false,
        }
    }

    /// Notes what the machine can do.
    pub(crate) fn note_capabilities(&mut self, backend: &dyn BmcBackend) {
        self.capabilities = Capabilities::of(backend);
        self.told_power = backend.known_power_state();
        self.history.begin(self.told_power);
        let of_machine = backend.sensors().map(|source| source.sensors());
        let sensors = catalogue::sensors(&self.capabilities, &of_machine.unwrap_or_default());
        *self.sensors = Sensors::new(Repository::shared(sensors, DEVICE_SUPPORT));
        self.plan_scan();
    }

    /// Whether the time has to be told, because the power changed at a time that nobody knows.
    pub(crate) const fn needs_time(&self) -> bool {
        self.is_power_uncounted
    }

    /// The time was told. The machine tells of its changes without one.
    pub(crate) fn tell_time(&mut self, now: Instant) {
        if core::mem::take(&mut self.is_power_uncounted) {
            self.chassis.observe_power(now, self.told_power);
        }
    }

    /// The machine told its power state.
    pub(crate) fn power_observed(&mut self, now: Instant, power: PowerState) {
        let was_off = self.told_power == Some(PowerState::Off);
        self.told_power = Some(power);
        self.is_power_uncounted = true;
        self.chassis.power_told(power);
        if power.is_on() {
            self.powered_on |= was_off;
        } else {
            self.powered_on = false;
            self.watchdog.stop(now);
            self.system_info.stopped();
        }
        self.log_power(now, power);
    }

    /// Whether the machine is on, as far as is known.
    pub(crate) fn is_on(&self) -> bool {
        self.told_power.is_some_and(PowerState::is_on)
    }

    /// Counts the time that the machine has been on until now.
    pub(crate) fn count_power_on_time(&mut self, now: Instant) {
        self.chassis.observe_power(now, self.told_power);
    }

    /// Nobody knows the power state any more.
    pub(crate) fn power_unknown(&mut self) {
        self.told_power = None;
        self.is_power_uncounted = true;
    }

    /// The machine boots.
    pub(crate) fn booted(&mut self, now: Instant) {
        self.delay_filters();
        let was_off = core::mem::take(&mut self.powered_on);
        let cause = self.chassis.booted(now, was_off);
        let override_used = self.boot.booted();
        self.log_boot(now, was_off, cause, override_used);
        self.watchdog.stop(now);
        self.system_info.stopped();
    }

    /// A user as the audit log knows it.
    pub(crate) fn actor(&self, user: UserId, session: Option<u8>) -> Actor {
        let name = self.users.get(user).map(|user| user.name);
        let name = name.unwrap_or_default();
        Actor { user, name, session }
    }

    /// A session ended.
    pub(crate) fn session_closed(&mut self, session: SessionId) {
        self.boot.unkept().guard.session_closed(session);
        self.lan.unkept().guard.session_closed(session);
        self.sol.unkept().guard.session_closed(session);
        self.system_info.unkept().guard.session_closed(session);
        self.pef.unkept().guard.session_closed(session);
    }

    /// The BMC restarts; the machine is not touched.
    pub(crate) fn restart(&mut self, now: Instant, restart: Restart) {
        self.watchdog.stop(now);
        self.boot.guard = SetGuard::default();
        self.lan.guard = SetGuard::default();
        self.sol.guard = SetGuard::default();
        self.system_info.guard = SetGuard::default();
        self.pef.unkept().guard = SetGuard::default();
        self.filtering = PefRun::default();
        self.alerts.restart();
        self.sel.restart();
        self.sdr_reservation.cancel();
        self.device_sdr_reservation.cancel();
        if restart == Restart::Cold {
            self.watchdog = Watchdog::new();
            self.channel.restart();
            self.device.restart();
        }
    }
}

impl Directory for State {
    fn system_guid(&self) -> &[u8; 16] {
        &self.identity.system_guid.0
    }

    fn bmc_key(&self) -> Option<&BmcKey> {
        Some(&self.channel.bmc_key).filter(|key| key.is_set())
    }

    fn channel(&self) -> ChannelPolicy {
        self.channel.policy()
    }

    fn user(&self, lookup: UserLookup<'_>) -> Option<UserRecord<'_>> {
        self.users.lookup(lookup)
    }

    fn user_by_id(&self, id: UserId) -> Option<UserRecord<'_>> {
        self.users.record(id)
    }

    fn login_allowed(&self, user: UserId, peer: Peer, now: Instant) -> bool {
        self.lockout.allows(now, user, peer)
    }

    fn hides_unknown_users(&self) -> bool {
        self.channel.hides_unknown_users
    }

    fn login_kinds(&self) -> LoginKinds {
        self.users.login_kinds()
    }

    fn suite_privilege(&self, suite: CipherSuiteId) -> Option<Privilege> {
        self.channel.suite_privilege(suite)
    }
}
