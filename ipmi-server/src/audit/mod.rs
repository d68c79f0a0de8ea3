//! Who did what at which BMC: logins, power actions, changes of settings, serial consoles.
//!
//! A BMC tells its [`Audit`] sink ([`BmcBuilder::audit`](crate::BmcBuilder::audit)) of each such event as it
//! happens. Without a sink they become log lines of the target `audit` ([`AuditLog`]). No record holds a secret
//! or anything of a console.

mod command;
mod log;
#[cfg(test)]
mod tests;

use core::fmt;
use std::net::SocketAddr;

use ipmi_proto::command::chassis::boot::BootParameter;
use ipmi_proto::command::chassis::control::ControlAction;
use ipmi_proto::ipmb::{CompletionCode, Privilege};
use ipmi_proto::session::{CloseReason, LoginFailure, UserId};
use ipmi_proto::wire::PaddedText;

pub(crate) use self::command::asked;
pub use self::log::AuditLog;
use crate::bmc::SolEnd;

/// One thing that somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditRecord<'a> {
    /// Name of the BMC.
    pub bmc: &'a str,
    /// Who; `None` if that is not known, as with a failed login under a name that does not exist.
    pub actor: Option<Actor>,
    /// From which address and port.
    pub source: Option<SocketAddr>,
    /// What.
    pub event: AuditEvent,
    /// How a command was answered; `None` where there was no command.
    pub completion: Option<CompletionCode>,
}

impl AuditRecord<'_> {
    /// Whether it came to pass.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        !matches!(self.event, AuditEvent::LoginFailed { .. })
            && self.completion.is_none_or(|code| code == CompletionCode::OK)
    }
}

/// A user of a BMC, and the session that was used.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Actor {
    /// Number of the user.
    pub user: UserId,
    /// Name of the user: bytes in no particular encoding, empty for the null user.
    pub name: PaddedText<16>,
    /// Handle of the session, 1 to 255.
    pub session: Option<u8>,
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {} \"{}\"", self.user.0, self.name.text().escape_ascii())
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditEvent {
    /// A login.
    Login {
        /// The highest privilege that the session may take.
        limit: Privilege,
    },
    /// A login failed.
    LoginFailed {
        /// Why.
        failure: LoginFailure,
    },
    /// A session ended.
    SessionClosed {
        /// Why.
        reason: CloseReason,
    },
    /// A power action was asked for. Whether the machine did it tells the event log.
    PowerAction {
        /// The action.
        action: ControlAction,
    },
    /// A boot option was written.
    BootOptionChanged {
        /// Which one.
        parameter: BootParameter,
    },
    /// A user was changed.
    UserChanged {
        /// Name of the command.
        command: &'static str,
        /// Whose name, password or rights.
        user: UserId,
    },
    /// A password was tried out with Set User Password.
    PasswordTested {
        /// Whose.
        user: UserId,
    },
    /// Some other setting was changed, a log was written or erased, the BMC was reset.
    ConfigurationChanged {
        /// Name of the command.
        command: &'static str,
    },
    /// The serial console was opened.
    ConsoleOpened,
    /// The serial console was closed.
    ConsoleClosed {
        /// Why.
        reason: SolEnd,
    },
}

impl AuditEvent {
    /// A name that does not change between versions, for programs that read logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Login { .. } => "login",
            Self::LoginFailed { .. } => "login_failed",
            Self::SessionClosed { .. } => "session_closed",
            Self::PowerAction { .. } => "power_action",
            Self::BootOptionChanged { .. } => "boot_option_changed",
            Self::UserChanged { .. } => "user_changed",
            Self::PasswordTested { .. } => "password_tested",
            Self::ConfigurationChanged { .. } => "configuration_changed",
            Self::ConsoleOpened => "console_opened",
            Self::ConsoleClosed { .. } => "console_closed",
        }
    }
}

/// What goes with the event, in a few words.
impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login { limit } => write!(f, "up to {}", limit.label().unwrap_or("no level")),
            Self::LoginFailed { failure } => f.write_str(match failure {
                LoginFailure::UnknownUser => "unknown user",
                LoginFailure::WrongPassword => "wrong password",
                LoginFailure::GivenUp => "wrong password, as the console says",
                LoginFailure::LockedOut => "has to wait after failed logins",
                LoginFailure::Privilege => "privilege not allowed",
                _ => "refused",
            }),
            Self::SessionClosed { reason } => f.write_str(match reason {
                CloseReason::Requested => "requested",
                CloseReason::Timeout => "timeout",
                CloseReason::Configuration => "user changed or BMC reset",
                _ => "ended",
            }),
            Self::PowerAction { action } => f.write_str(action.label().unwrap_or("unknown action")),
            Self::BootOptionChanged { parameter } => match parameter.spec() {
                Some(spec) => f.write_str(spec.name),
                None => write!(f, "parameter {}", parameter.0),
            },
            Self::UserChanged { command, user } => write!(f, "{command} of user {}", user.0),
            Self::PasswordTested { user } => write!(f, "of user {}", user.0),
            Self::ConfigurationChanged { command } => f.write_str(command),
            Self::ConsoleOpened => Ok(()),
            Self::ConsoleClosed { reason } => f.write_str(reason.label()),
        }
    }
}

/// Takes records of what was done.
pub trait Audit: fmt::Debug + Send + Sync {
    /// Takes one record. It is called under the BMC's lock, in the order of events: it must not wait, and must not
    /// call the BMC.
    fn record(&self, record: &AuditRecord<'_>);
}

/// A command that was asked for and has no answer yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) actor: Option<Actor>,
    pub(crate) source: SocketAddr,
    pub(crate) event: AuditEvent,
}

impl Asked {
    /// It was answered with this code.
    pub(crate) fn answered(self, bmc: &str, audit: &dyn Audit, completion: CompletionCode) {
        audit.record(&AuditRecord {
            bmc,
            actor: self.actor,
            source: Some(self.source),
            event: self.event,
            completion: Some(completion),
        });
    }
}
