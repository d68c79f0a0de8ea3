//! Describing a BMC before it runs.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use std::sync::{Mutex, OnceLock, RwLock};

use ipmi_proto::crypto::{BmcKey, CipherSuite, CipherSuiteId, Password};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::pet::TRAP_PORT;
use ipmi_proto::session::managed::{Limits, Sessions};
use ipmi_proto::session::{AuthTypes, Event, UserId};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::PaddedText;

use super::event::Listener;
use super::{Alarms, Bmc, Identify, IdentifyListener, Inner, LoginLockout};
use crate::audit::{Audit, AuditEvent, AuditLog, AuditRecord};
use crate::backend::{BmcBackend, PowerState, SerialConsole};
use crate::keep::{Configured, Keeper, Unreadable, Wish};
use crate::metrics::Metrics;
use crate::power::{self, PowerSlot};
use crate::sol::{ConsoleOptions, ConsoleQuota, ConsoleTranscript, Sol};
use crate::state::clock::{self, HostTime};
use crate::state::users::{CONFIGURED_USER, NULL_USER, USER_COUNT};
use crate::state::{Channel, Clock, Identity, State};
use crate::store::{Store, StoreError};

/// A client is answered after this time, whatever the hypervisor does.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);
/// The suites that authenticate and encrypt every packet.
const DEFAULT_SUITES: [CipherSuiteId; 4] = [
    CipherSuiteId::SUITE_3,
    CipherSuiteId::SUITE_8,
    CipherSuiteId::SUITE_12,
    CipherSuiteId::SUITE_17,
];

/// What Power Cycle does with a machine that is off (IPMI 2.0 §28.3 recommends the error).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CycleWhenOff {
    /// Answers D5h, "not supported in the present state".
    #[default]
    Error,
    /// Powers the machine on. Some fencing agents rely on it.
    On,
}

/// What does not change while a BMC runs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) cycle_when_off: CycleWhenOff,
    pub(crate) deadline: Duration,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) transcript: Option<Arc<dyn ConsoleTranscript>>,
    pub(crate) console_quota: Option<Arc<ConsoleQuota>>,
    pub(crate) audit: Arc<dyn Audit>,
    pub(crate) identify: Option<IdentifyListener>,
}

impl Settings {
    /// Tells the embedding program what the machine is to show of itself.
    pub(crate) fn tell_identify(&self, identify: Identify) {
        tracing::info!(bmc = self.name, ?identify, "identify");
        if let Some(listener) = &self.identify {
            listener.tell(&self.name, identify);
        }
    }

    /// Counts an event if it is the end of a login.
    pub(crate) fn count_login(&self, event: &Event) {
        let succeeded = match event {
            Event::Opened { .. } => true,
            Event::LoginFailed { .. } => false,
            _ => return,
        };
        if let Some(metrics) = &self.metrics {
            metrics.login(succeeded);
        }
    }

    /// Tells the audit log what happened to a session.
    pub(crate) fn tell(&self, state: &State, event: &Event) {
        let (actor, peer, event) = match *event {
            Event::Opened {
                handle,
                user,
                limit,
                peer,
                ..
            } => (
                Some(state.actor(user, Some(handle))),
                peer,
                AuditEvent::Login { limit },
            ),
            Event::Closed {
                handle,
                user,
                peer,
                reason,
                ..
            } => (
                Some(state.actor(user, Some(handle))),
                peer,
                AuditEvent::SessionClosed { reason },
            ),
            Event::LoginFailed { user, failure, peer } => (
                user.map(|user| state.actor(user, None)),
                peer,
                AuditEvent::LoginFailed { failure },
            ),
            _ => return,
        };
        self.audit.record(&AuditRecord {
            bmc: &self.name,
            actor,
            source: Some(peer.remote),
            event,
            completion: None,
        });
    }
}

/// Why a BMC cannot be made as it was described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A user name does not fit.
    #[error(
        "cannot add user {name:?} to BMC {bmc:?}: a user name has 1 to 16 bytes without NUL; choose another one"
    )]
    UserName {
        /// The BMC.
        bmc: String,
        /// The name.
        name: String,
    },
    /// There are more users than slots.
    #[error(
        "cannot add user {name:?} to BMC {bmc:?}: it has room for {capacity} named users; leave some out"
    )]
    TooManyUsers {
        /// The BMC.
        bmc: String,
        /// The first name that did not fit.
        name: String,
        /// Number of named users that fit.
        capacity: u8,
    },
    /// A cipher suite that does not exist, is not supported, or is suite 0.
    #[error(
        "cannot offer cipher suite {suite} on BMC {bmc:?}: only 1, 2, 3, 6, 7, 8, 11, 12, 15, 16 and 17 can be \
         chosen (suite 0 has a switch of its own)"
    )]
    CipherSuite {
        /// The BMC.
        bmc: String,
        /// Number of the suite.
        suite: u8,
    },
    /// An authentication type of IPMI 1.5 that is not chosen this way.
    #[error(
        "cannot offer IPMI 1.5 authentication without a digest on BMC {bmc:?}: choose MD5 or MD2 (none and \
         password have switches of their own)"
    )]
    AuthTypes {
        /// The BMC.
        bmc: String,
    },
    /// What the store has of the BMC cannot be read.
    #[error("cannot load BMC {bmc:?}")]
    Store {
        /// The BMC.
        bmc: String,
        /// Why not.
        source: StoreError,
    },
    /// What the store has of the BMC means nothing to this program.
    #[error(
        "cannot use what the store has of BMC {bmc:?}: another version or program wrote it; use that one, or give \
         the BMC another name"
    )]
    Unreadable {
        /// The BMC.
        bmc: String,
    },
}

#[derive(Debug)]
struct NewUser {
    name: Vec<u8>,
    password: Password,
    limit: Privilege,
}

/// Describes a BMC.
///
/// Without further calls it offers the cipher suites 3, 8, 12 and 17, IPMI 1.5 with MD5, and has no user.
#[derive(Debug)]
#[must_use]
pub struct BmcBuilder {
    backend: Arc<dyn BmcBackend>,
    name: Option<String>,
    users: Vec<NewUser>,
    null_user: Option<(Password, Privilege)>,
    suites: Vec<(CipherSuiteId, Privilege)>,
    suite_0: Option<Privilege>,
    auth_types: AuthTypes,
    danger_auth_types: AuthTypes,
    bmc_key: BmcKey,
    limits: Limits,
    login_lockout: LoginLockout,
    hides_unknown_users: bool,
    channel_limit: Privilege,
    cycle_when_off: CycleWhenOff,
    deadline: Duration,
    metrics: Option<Arc<Metrics>>,
    wall_clock: HostTime,
    console: ConsoleOptions,
    audit: Arc<dyn Audit>,
    identify: Option<IdentifyListener>,
    store: Option<Arc<dyn Store>>,
    alert_port: u16,
}

impl BmcBuilder {
    pub(super) fn new(backend: Arc<dyn BmcBackend>) -> Self {
        Self {
            backend,
            name: None,
            users: Vec::new(),
            null_user: None,
            suites: DEFAULT_SUITES.map(|id| (id, Privilege::ADMINISTRATOR)).into(),
            suite_0: None,
            auth_types: AuthTypes::MD5,
            danger_auth_types: AuthTypes::empty(),
            bmc_key: BmcKey::unset(),
            limits: Limits::default(),
            login_lockout: LoginLockout::default(),
            hides_unknown_users: false,
            channel_limit: Privilege::ADMINISTRATOR,
            cycle_when_off: CycleWhenOff::default(),
            deadline: DEFAULT_DEADLINE,
            metrics: None,
            console: ConsoleOptions::default(),
            audit: Arc::new(AuditLog::default()),
            identify: None,
            store: None,
            wall_clock: clock::system_time,
            alert_port: TRAP_PORT,
        }
    }

    /// Name of the BMC in logs and for clients; without it, the name of the machine.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds an administrator. The first user that is added is user 2.
    pub fn administrator(self, name: impl AsRef<[u8]>, password: Password) -> Self {
        self.user(name, password, Privilege::ADMINISTRATOR)
    }

    /// Adds a user with this highest privilege.
    pub fn user(mut self, name: impl AsRef<[u8]>, password: Password, limit: Privilege) -> Self {
        let name = name.as_ref().to_vec();
        self.users.push(NewUser {
            name,
            password,
            limit,
        });
        self
    }

    /// Offers these cipher suites and no others, each with the highest privilege of a session with it.
    /// They become the entries of LAN parameters 23 and 24, where clients can change the privileges.
    pub fn cipher_suites(mut self, suites: impl IntoIterator<Item = (CipherSuiteId, Privilege)>) -> Self {
        self.suites = suites.into_iter().collect();
        self
    }

    /// Offers every cipher suite that authenticates at login, also those that do not protect packets after
    /// it. For tests of clients.
    pub fn all_authenticated_cipher_suites(self) -> Self {
        let suites = CipherSuite::ALL
            .iter()
            .filter(|suite| !suite.is_unauthenticated());
        self.cipher_suites(suites.map(|suite| (suite.id, Privilege::ADMINISTRATOR)))
    }

    /// Authentication types for IPMI 1.5 sessions: MD5, MD2, or none of them for no IPMI 1.5 at all.
    pub const fn ipmi_1_5(mut self, auth_types: AuthTypes) -> Self {
        self.auth_types = auth_types;
        self
    }

    /// The key K_G: every login needs it besides the password.
    pub fn bmc_key(mut self, key: BmcKey) -> Self {
        self.bmc_key = key;
        self
    }

    /// Bounds on sessions.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// When a user has to wait after failed logins: see [`LoginLockout::default`].
    pub const fn login_lockout(mut self, lockout: LoginLockout) -> Self {
        self.login_lockout = lockout;
        self
    }

    /// Whether a login as a user who does not exist fails as one with a wrong password does. Otherwise it is told
    /// so, as the specification has it, and names can be tried.
    pub const fn hide_unknown_users(mut self, hide: bool) -> Self {
        self.hides_unknown_users = hide;
        self
    }

    /// The highest privilege of any session.
    pub const fn channel_privilege_limit(mut self, limit: Privilege) -> Self {
        self.channel_limit = limit;
        self
    }

    /// What Power Cycle does with a machine that is off.
    pub const fn cycle_when_off(mut self, cycle_when_off: CycleWhenOff) -> Self {
        self.cycle_when_off = cycle_when_off;
        self
    }

    /// How long a client is kept waiting for the machine: 5 s unless set.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many characters of the serial console are kept, and shown to the next one who opens it: 64 KiB
    /// unless set. Memory is taken when the console is used.
    pub const fn console_scrollback(mut self, characters: usize) -> Self {
        self.console.scrollback = characters;
        self
    }

    /// Whether the serial console is kept open while no client watches, so that the next one sees what the
    /// machine said before. Unless set, the machine decides: see
    /// [`SerialConsole::may_stay_open`](crate::backend::SerialConsole::may_stay_open).
    pub const fn console_always_open(mut self, is_always_open: bool) -> Self {
        self.console.always_open = Some(is_always_open);
        self
    }

    /// Closes a client's serial console at which nothing was typed for so long. Off unless set: programs that
    /// record consoles never type.
    pub const fn console_idle_timeout(mut self, timeout: Duration) -> Self {
        self.console.idle_timeout = Some(timeout);
        self
    }

    /// Closes a client's serial console after this time, whatever happens there. Off unless set.
    pub const fn console_absolute_timeout(mut self, timeout: Duration) -> Self {
        self.console.absolute_timeout = Some(timeout);
        self
    }

    /// Bounds how many consoles one user has open: usually one quota for all BMCs. No bound unless set.
    pub fn console_quota(mut self, quota: Arc<ConsoleQuota>) -> Self {
        self.console.quota = Some(quota);
        self
    }

    /// Who is told of logins, power actions, changed settings and serial consoles: log lines of the target `audit`
    /// unless set.
    pub fn audit(mut self, audit: Arc<dyn Audit>) -> Self {
        self.audit = audit;
        self
    }

    /// Calls `listener` with the name of the BMC when a client wants to see which machine it is, and when that ends,
    /// by a client or by time.
    ///
    /// It is called in order and under the BMC's lock: it must not block for long, and not call the BMC.
    pub fn on_identify(mut self, listener: impl Fn(&str, Identify) + Send + Sync + 'static) -> Self {
        self.identify = Some(IdentifyListener::new(listener));
        self
    }

    /// Also gives all output of the serial console to `transcript`. It may hold secrets that the machine
    /// shows. Nothing of a console is recorded unless this is set.
    pub fn console_transcript(mut self, transcript: Arc<dyn ConsoleTranscript>) -> Self {
        self.console.transcript = Some(transcript);
        self
    }

    /// The UDP port that alerts are sent to, which their destinations do not have: 162 unless set.
    pub const fn alert_port(mut self, port: u16) -> Self {
        self.alert_port = port;
        self
    }

    /// Where to count commands and logins: usually one for all BMCs, and the driver's.
    pub fn metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Where the BMC keeps what survives a restart, under its name: users, configuration, event log, boot options
    /// and the like. Without a store they are lost with the BMC.
    ///
    /// What this builder says of users, K_G, cipher suites and the privilege limit holds at the first start, and
    /// again when it says something else than it said last; otherwise what clients made of it stands.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Where the BMC has the time of day from, in seconds since 1970: the host unless set. It is told the time
    /// that the driver told last, for tests and simulations in virtual time.
    pub const fn wall_clock(mut self, wall_clock: fn(Instant) -> u64) -> Self {
        self.wall_clock = wall_clock;
        self
    }

    /// Offers cipher suite 0: whoever knows a user's name can log in without the password, up to `limit`.
    pub const fn danger_cipher_suite_0(mut self, limit: Privilege) -> Self {
        self.suite_0 = Some(limit);
        self
    }

    /// Enables the user without a name. With an empty password anybody is this user.
    pub fn danger_null_user(mut self, password: Password, limit: Privilege) -> Self {
        self.null_user = Some((password, limit));
        self
    }

    /// Offers IPMI 1.5 sessions without authentication: whoever can send a datagram is the user.
    pub fn danger_ipmi_1_5_none(mut self) -> Self {
        self.danger_auth_types |= AuthTypes::NONE;
        self
    }

    /// Offers IPMI 1.5 sessions that carry the password in every packet.
    pub fn danger_ipmi_1_5_password(mut self) -> Self {
        self.danger_auth_types |= AuthTypes::PASSWORD;
        self
    }

    /// Makes the BMC. With a store it blocks until its records are loaded.
    ///
    /// # Errors
    /// [`BuildError`] if users, suites or authentication types cannot be as described, or if what the store has
    /// cannot be loaded.
    pub fn build(mut self) -> Result<Arc<Bmc>, BuildError> {
        let machine = self
            .backend
            .inventory()
            .map(|inventory| inventory.identity())
            .unwrap_or_default();
        let name = self.name.take().unwrap_or_else(|| machine.name.clone());
        let channel = self.channel(&name)?;
        let identity = Identity::new(name.clone(), machine);
        let mut state = State::new(identity, channel);
        self.add_users(&name, &mut state)?;
        *state.clock = Clock::new(self.wall_clock);
        state.lan.bad_passwords = self.login_lockout.threshold();
        state.alerts.port = self.alert_port;
        state.note_capabilities(&*self.backend);
        let keeper = match self.store.take() {
            Some(store) => Some(Box::new(load(&name, store, &mut state)?)),
            None => None,
        };
        let settings = Settings {
            name,
            cycle_when_off: self.cycle_when_off,
            deadline: self.deadline,
            metrics: self.metrics,
            transcript: self.console.transcript.clone(),
            console_quota: self.console.quota.clone(),
            audit: self.audit,
            identify: self.identify,
        };
        let may_stay_open = self.backend.console().map(SerialConsole::may_stay_open);
        let mut sol = Sol::new(&self.console, may_stay_open);
        if self.backend.events().is_some() && self.backend.known_power_state() == Some(PowerState::Off) {
            sol.machine_is_off();
        }
        let inner = Inner {
            sessions: Sessions::new(self.limits),
            state,
            power: PowerSlot::default(),
            sol,
            alarms: Alarms::default(),
            keeper,
            work: alloc::collections::VecDeque::new(),
            now: Instant::ZERO,
            wake: false,
        };
        let bmc = Arc::new_cyclic(|this| Bmc {
            backend: self.backend,
            settings,
            this: this.clone(),
            inner: Mutex::new(inner),
            waker: RwLock::default(),
            listener: OnceLock::new(),
        });
        Listener::subscribe(&bmc);
        power::resume(&bmc);
        Ok(bmc)
    }

    fn channel(&mut self, bmc: &str) -> Result<Channel, BuildError> {
        for (suite, _) in &self.suites {
            if CipherSuite::by_id(*suite).is_none_or(CipherSuite::is_unauthenticated) {
                let (bmc, suite) = (bmc.to_owned(), suite.0);
                return Err(BuildError::CipherSuite { bmc, suite });
            }
        }
        if self.auth_types.intersects(AuthTypes::NONE | AuthTypes::PASSWORD) {
            return Err(BuildError::AuthTypes { bmc: bmc.to_owned() });
        }
        let mut suites = core::mem::take(&mut self.suites);
        suites.extend(self.suite_0.map(|limit| (CipherSuiteId::SUITE_0, limit)));
        let mut channel = Channel::new(self.auth_types | self.danger_auth_types, suites);
        channel.present.limit = self.channel_limit;
        channel.kept.limit = self.channel_limit;
        channel.bmc_key = self.bmc_key.duplicate();
        channel.hides_unknown_users = self.hides_unknown_users;
        Ok(channel)
    }

    fn add_users(&mut self, bmc: &str, state: &mut State) -> Result<(), BuildError> {
        for (new, id) in core::mem::take(&mut self.users)
            .into_iter()
            .zip(CONFIGURED_USER.0..)
        {
            let shown = String::from_utf8_lossy(&new.name).into_owned();
            let bmc = bmc.to_owned();
            let name = PaddedText::new(&new.name).ok();
            let name = name.filter(|name| !new.name.is_empty() && name.text() == new.name);
            let Some(name) = name else {
                return Err(BuildError::UserName { bmc, name: shown });
            };
            let Some(user) = state.users.get_mut(UserId(id)) else {
                return Err(BuildError::TooManyUsers {
                    bmc,
                    name: shown,
                    capacity: USER_COUNT - NULL_USER.0,
                });
            };
            (user.name, user.password, user.limit, user.enabled) = (name, new.password, new.limit, true);
        }
        if let Some((password, limit)) = self.null_user.take()
            && let Some(user) = state.users.get_mut(NULL_USER)
        {
            (user.password, user.limit, user.enabled) = (password, limit, true);
        }
        Ok(())
    }
}

/// Fills a state that has what the configuration says with what the store has.
fn load(bmc: &str, store: Arc<dyn Store>, state: &mut State) -> Result<Keeper, BuildError> {
    let records = store.load(bmc).map_err(|source| BuildError::Store {
        bmc: bmc.to_owned(),
        source,
    })?;
    let unreadable = |Unreadable| BuildError::Unreadable { bmc: bmc.to_owned() };
    let wish = Wish::of(state);
    for (key, value) in &records {
        state.restore(*key, value, Instant::ZERO).map_err(unreadable)?;
    }
    state.plan_scan();
    let mut keeper = Keeper::new(store, state, &records);
    let before = Configured::find(&records).map_err(unreadable)?;
    let configured = wish.apply(before, state, Instant::ZERO).map_err(unreadable)?;
    if let Some(configured) = configured {
        keeper.set_configured(configured);
    }
    Ok(keeper)
}
