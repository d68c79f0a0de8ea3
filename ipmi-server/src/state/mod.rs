//! What a BMC knows: plain structs that take the time as an argument and do no I/O.

pub(crate) mod boot;
pub(crate) mod channel;
pub(crate) mod chassis;
pub(crate) mod clock;
pub(crate) mod dcmi;
pub(crate) mod device;
pub(crate) mod fru;
pub(crate) mod happening;
pub(crate) mod identity;
pub(crate) mod lan;
pub(crate) mod pef;
pub(crate) mod reservation;
pub(crate) mod sdr;
pub(crate) mod sel;
pub(crate) mod sensors;
pub(crate) mod set_guard;
pub(crate) mod sol;
pub(crate) mod system_info;
pub(crate) mod users;
pub(crate) mod watchdog;
pub(crate) mod written;

use core::time::Duration;

use ipmi_proto::crypto::{BmcKey, CipherSuiteId};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::managed::SessionId;
use ipmi_proto::session::{ChannelPolicy, Directory, LoginKinds, UserId, UserLookup, UserRecord};
use ipmi_proto::time::Instant;

pub(crate) use boot::BootOptions;
pub(crate) use channel::Channel;
pub(crate) use chassis::Chassis;
pub(crate) use clock::Clock;
pub(crate) use dcmi::Dcmi;
pub(crate) use device::{Capabilities, Datagrams, Device};
pub(crate) use fru::Fru;
pub(crate) use happening::Happening;
pub(crate) use identity::Identity;
pub(crate) use lan::Lan;
pub(crate) use pef::Pef;
pub(crate) use reservation::Reservation;
pub(crate) use sdr::Repository;
pub(crate) use sel::EventLog;
pub(crate) use sensors::Sensors;
pub(crate) use set_guard::SetGuard;
pub(crate) use sol::SolSettings;
pub(crate) use system_info::SystemInfo;
pub(crate) use users::Users;
pub(crate) use watchdog::Watchdog;
pub(crate) use written::Written;

use crate::backend::{BmcBackend, PowerState};

/// Between two records of wrong passwords.
const WRONG_PASSWORDS: Duration = Duration::from_secs(60);

/// How thoroughly a BMC restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    /// Volatile settings are lost.
    Cold,
    /// Settings are kept.
    Warm,
}

/// Everything that a BMC knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) identity: Identity,
    pub(crate) capabilities: Capabilities,
    pub(crate) users: Users,
    pub(crate) channel: Channel,
    pub(crate) chassis: Chassis,
    pub(crate) boot: BootOptions,
    pub(crate) watchdog: Watchdog,
    pub(crate) device: Device,
    pub(crate) lan: Lan,
    pub(crate) sol: SolSettings,
    pub(crate) system_info: SystemInfo,
    pub(crate) datagrams: Datagrams,
    pub(crate) clock: Clock,
    pub(crate) sel: EventLog,
    pub(crate) sensors: Sensors,
    pub(crate) repository: Repository,
    pub(crate) fru: Fru,
    pub(crate) dcmi: Dcmi,
    pub(crate) pef: Pef,
    /// The power state that the machine told last.
    told_power: Option<PowerState>,
    /// It has not been noted for the power-on hours yet.
    is_power_uncounted: bool,
    /// Until when wrong passwords are not logged.
    quiet_until: Option<Instant>,
    /// The operating system was asked to shut down.
    pub(crate) soft_off_asked: bool,
    /// The machine was powered on and has not told of its boot yet.
    powered_on: bool,
}

impl State {
    /// The state of a BMC that has just been made.
    pub(crate) fn new(identity: Identity, channel: Channel) -> Self {
        let dcmi = Dcmi::new(&identity);
        Self {
            identity,
            capabilities: Capabilities::default(),
            users: Users::new(),
            channel,
            chassis: Chassis::new(),
            boot: BootOptions::new(),
            watchdog: Watchdog::new(),
            device: Device::new(),
            lan: Lan::default(),
            sol: SolSettings::default(),
            system_info: SystemInfo::default(),
            datagrams: Datagrams::default(),
            clock: Clock::new(host_seconds),
            sel: EventLog::new(),
            sensors: Sensors::default(),
            repository: Repository::default(),
            fru: Fru::default(),
            dcmi,
            pef: Pef::new(),
            told_power: None,
            is_power_uncounted: true,
            powered_on: false,
            quiet_until: None,
            soft_off_asked: false,
        }
    }

    /// Notes what the machine can do.
    pub(crate) fn note_capabilities(&mut self, backend: &dyn BmcBackend) {
        self.capabilities = Capabilities::of(backend);
        self.told_power = backend.known_power_state();
        self.sensors = Sensors::of(backend);
        self.repository = Repository::of(&self.sensors, self.capabilities.has_interrupt());
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
        if power.is_on() {
            self.powered_on |= was_off;
        } else {
            let asked = core::mem::take(&mut self.soft_off_asked);
            if !was_off {
                self.log(Happening::PoweredOff { asked });
            }
            self.powered_on = false;
            self.watchdog.stop(now);
            self.system_info.stopped();
        }
    }

    /// Nobody knows the power state any more.
    pub(crate) fn power_unknown(&mut self) {
        self.told_power = None;
        self.is_power_uncounted = true;
    }

    /// The machine boots.
    pub(crate) fn booted(&mut self, now: Instant) {
        let was_off = core::mem::take(&mut self.powered_on);
        let cause = self.chassis.booted(now, was_off);
        self.soft_off_asked = false;
        if was_off {
            self.log(Happening::PoweredOn(cause, self.chassis.restart_channel));
        } else {
            self.log(Happening::Reset);
        }
        if self.boot.booted() {
            self.log(Happening::OneTimeBoot);
        }
        self.watchdog.stop(now);
        self.system_info.stopped();
    }

    /// Somebody gave a wrong password. One record a minute: who guesses must not fill the log.
    pub(crate) fn login_failed(&mut self, now: Instant, user: UserId) {
        if self.quiet_until.is_none_or(|end| end <= now) {
            self.quiet_until = Some(now + WRONG_PASSWORDS);
            self.log(Happening::WrongPassword(user));
        }
    }

    /// A session ended.
    pub(crate) fn session_closed(&mut self, session: SessionId) {
        self.boot.guard.session_closed(session);
        self.lan.guard.session_closed(session);
        self.sol.guard.session_closed(session);
        self.system_info.guard.session_closed(session);
        self.pef.guard.session_closed(session);
    }

    /// The BMC restarts; the machine is not touched.
    pub(crate) fn restart(&mut self, now: Instant, restart: Restart) {
        self.watchdog.stop(now);
        self.boot.guard = SetGuard::default();
        self.lan.guard = SetGuard::default();
        self.sol.guard = SetGuard::default();
        self.system_info.guard = SetGuard::default();
        self.pef.guard = SetGuard::default();
        self.sel.reservation.cancel();
        self.repository.reservation.cancel();
        if restart == Restart::Cold {
            self.watchdog = Watchdog::new();
            self.channel.restart();
            self.device.restart();
        }
    }
}

/// Seconds since 1970 of the host.
fn host_seconds() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
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

    fn login_kinds(&self) -> LoginKinds {
        self.users.login_kinds()
    }

    fn suite_privilege(&self, suite: CipherSuiteId) -> Option<Privilege> {
        self.channel.suite_privilege(suite)
    }
}
