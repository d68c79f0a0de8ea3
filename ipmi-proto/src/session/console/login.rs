//! The way to a session: one struct for each phase, which knows what is known by then.
//!
//! ```text
//!   IPMI 2.0  Discovery ─► CipherSuites ─► Begin ─► OpenSession ─► AwaitRakp2 ─► AwaitRakp4 ─► session
//!   IPMI 1.5  Discovery ─► Challenge ─► Activation ─► session
//! ```
//! An answer that does not come makes a login begin again at `Begin` or `Challenge`, with new numbers.

use rand_core::CryptoRng;

use super::discovery::{CipherSuites, Discovery};
use super::rakp::{AwaitRakp2, AwaitRakp4, OpenSession};
use super::retry::{Due, RetryTimer};
use super::tunnel::Tunnel;
use super::version15::{Activation, Challenge};
use super::{ConnectFailure, ConsoleConfig, LoginStep};
use crate::crypto::CipherSuite;
use crate::ipmb::RequestSequence;
use crate::packet::RmcpPlusStatus;
use crate::session::DropReason;
use crate::time::Instant;
use crate::wire::{WireError, Writer};

/// Where a login stands.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one value lives as long as a login, and the large phase is its end"
)]
pub(super) enum LoginPhase {
    Discovery(Discovery),
    CipherSuites(CipherSuites),
    /// Open Session is due, with new numbers.
    Begin(CipherSuite),
    OpenSession(OpenSession),
    Rakp1(AwaitRakp2),
    Rakp3(AwaitRakp4),
    Challenge(Challenge),
    Activation(Activation),
}

/// What an answer or its absence leads to.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "passed once for each datagram of a login"
)]
pub(super) enum Step {
    /// To nothing: the datagram is dropped.
    Stay(DropReason),
    /// To the next phase.
    Next(LoginPhase),
    /// To a session of IPMI 1.5.
    Open(Tunnel),
    /// To a session of IPMI 2.0, whose keys the present phase holds: see [`Login::into_tunnel`].
    Verified,
    /// The login begins again, or fails so if it did too often.
    Restart(ConnectFailure),
    /// The login has failed.
    Fail(ConnectFailure),
    /// The login has failed and the BMC is told in a RAKP 3.
    Refuse(RakpRefusal, ConnectFailure),
}

/// The RAKP 3 of a console that gives up.
#[derive(Clone, Copy, Debug)]
pub(super) struct RakpRefusal {
    pub(super) tag: u8,
    pub(super) bmc_session: u32,
    pub(super) status: RmcpPlusStatus,
}

impl From<DropReason> for Step {
    fn from(reason: DropReason) -> Self {
        Self::Stay(reason)
    }
}

/// A login under way.
#[derive(Debug)]
pub(super) struct Login {
    phase: LoginPhase,
    timer: RetryTimer,
    restarts: u8,
}

impl Login {
    pub(super) fn new(now: Instant, config: &ConsoleConfig, sequence: RequestSequence) -> Self {
        Self {
            phase: LoginPhase::Discovery(Discovery { sequence }),
            timer: RetryTimer::new(now, &config.retry),
            restarts: config.retry.restarts,
        }
    }

    pub(super) fn enter(&mut self, now: Instant, config: &ConsoleConfig, phase: LoginPhase) {
        self.phase = phase;
        self.timer = RetryTimer::new(now, &config.retry);
    }

    /// Begins again; `false` if that was done often enough.
    pub(super) fn restart(&mut self, now: Instant, config: &ConsoleConfig) -> bool {
        let Some(restarts) = self.restarts.checked_sub(1) else {
            return false;
        };
        let phase = match &self.phase {
            LoginPhase::Discovery(discovery) => LoginPhase::Discovery(*discovery),
            LoginPhase::CipherSuites(query) => LoginPhase::CipherSuites(*query),
            LoginPhase::Begin(suite) => LoginPhase::Begin(*suite),
            LoginPhase::OpenSession(phase) => LoginPhase::Begin(phase.suite()),
            LoginPhase::Rakp1(phase) => LoginPhase::Begin(phase.suite()),
            LoginPhase::Rakp3(phase) => LoginPhase::Begin(phase.suite()),
            LoginPhase::Challenge(challenge) => LoginPhase::Challenge(*challenge),
            LoginPhase::Activation(activation) => LoginPhase::Challenge(activation.challenge_again()),
        };
        self.restarts = restarts;
        self.enter(now, config, phase);
        true
    }

    /// The session, after [`Step::Verified`].
    pub(super) fn into_tunnel(self) -> Option<Tunnel> {
        match self.phase {
            LoginPhase::Rakp3(phase) => Some(phase.into_tunnel()),
            _ => None,
        }
    }

    /// What an answer leads to.
    pub(super) fn handle(
        &self,
        config: &ConsoleConfig,
        datagram: &[u8],
        random: &mut impl CryptoRng,
    ) -> Step {
        match &self.phase {
            LoginPhase::Discovery(phase) => phase.handle(config, datagram),
            LoginPhase::CipherSuites(phase) => phase.handle(datagram),
            LoginPhase::Begin(_) => Step::Stay(DropReason::NotAwaited),
            LoginPhase::OpenSession(phase) => phase.handle(config, datagram, random),
            LoginPhase::Rakp1(phase) => phase.handle(config, datagram),
            LoginPhase::Rakp3(phase) => phase.handle(datagram),
            LoginPhase::Challenge(phase) => phase.handle(datagram, random),
            LoginPhase::Activation(phase) => phase.handle(config, datagram),
        }
    }

    /// What it leads to that no answer came in all the attempts of a phase; `None` while there is time.
    pub(super) fn handle_timeout(&self, now: Instant) -> Option<Step> {
        if self.timer.check(now) != Due::GiveUp {
            return None;
        }
        Some(match &self.phase {
            LoginPhase::CipherSuites(query) => query.not_answered(),
            // Nobody is there: asking again does not help.
            LoginPhase::Discovery(_) => Step::Fail(ConnectFailure::TimedOut(self.step())),
            _ => Step::Restart(ConnectFailure::TimedOut(self.step())),
        })
    }

    /// Writes the packet that is due, for the first time or again.
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        config: &ConsoleConfig,
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Option<usize> {
        if self.timer.check(now) != Due::Send {
            return None;
        }
        self.timer.sent(now);
        if let LoginPhase::Begin(suite) = &self.phase {
            self.phase = LoginPhase::OpenSession(OpenSession::new(*suite, random));
        }
        self.write(config, output).ok()
    }

    pub(super) const fn next_timeout(&self) -> Instant {
        self.timer.due()
    }

    fn write(&self, config: &ConsoleConfig, output: &mut [u8]) -> Result<usize, WireError> {
        let mut writer = Writer::new(output);
        match &self.phase {
            LoginPhase::Discovery(phase) => phase.write(config, &mut writer)?,
            LoginPhase::CipherSuites(phase) => phase.write(&mut writer)?,
            LoginPhase::Begin(_) => return Err(WireError::Invalid),
            LoginPhase::OpenSession(phase) => phase.write(config, &mut writer)?,
            LoginPhase::Rakp1(phase) => phase.write(config, &mut writer)?,
            LoginPhase::Rakp3(phase) => phase.write(&mut writer)?,
            LoginPhase::Challenge(phase) => phase.write(config, &mut writer)?,
            LoginPhase::Activation(phase) => return phase.write(config, output),
        }
        Ok(writer.len())
    }

    const fn step(&self) -> LoginStep {
        match self.phase {
            LoginPhase::Discovery(_) => LoginStep::Discovery,
            LoginPhase::CipherSuites(_) => LoginStep::CipherSuites,
            LoginPhase::Begin(_) | LoginPhase::OpenSession(_) => LoginStep::OpenSession,
            LoginPhase::Rakp1(_) => LoginStep::Rakp1,
            LoginPhase::Rakp3(_) => LoginStep::Rakp3,
            LoginPhase::Challenge(_) => LoginStep::Challenge,
            LoginPhase::Activation(_) => LoginStep::Activation,
        }
    }
}
