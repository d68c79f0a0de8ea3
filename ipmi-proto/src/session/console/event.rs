//! What a console tells its application.

use crate::command::Command;
use crate::ipmb::{CompletionCode, MAX_MESSAGE_DATA, NetFn, Privilege};
use crate::packet::RmcpPlusStatus;
use crate::packet::v2_0::PayloadType;
use crate::wire::{Bytes, Reader, WireError};

/// A request of this console, from [`request`](super::Console::request) to its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub(super) u64);

/// Something that happened. Each request ends in one [`Response`](Self::Response) or one
/// [`TimedOut`](Self::TimedOut), each login in one [`Connected`](Self::Connected) or one
/// [`ConnectFailed`](Self::ConnectFailed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "events are queued without an allocation for each"
)]
pub enum Event {
    /// The login succeeded: requests can be made.
    Connected {
        /// Privilege that the session has.
        privilege: Privilege,
    },
    /// The login failed. The console can try again.
    ConnectFailed {
        /// Why.
        reason: ConnectFailure,
    },
    /// A request was answered.
    Response {
        /// The request.
        id: RequestId,
        /// The answer.
        response: Response,
    },
    /// A request was not answered in all its attempts, or the session was closed before. Whether it was carried
    /// out is not known.
    TimedOut {
        /// The request.
        id: RequestId,
    },
    /// A payload arrived that is not a message: Serial over LAN.
    PayloadReceived {
        /// What it is.
        kind: PayloadType,
        /// The decrypted payload.
        data: Bytes<MAX_MESSAGE_DATA>,
    },
    /// The session has ended as [`close`](super::Console::close) wanted.
    Closed,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// Network function of the request.
    pub netfn: NetFn,
    /// How the command ended.
    pub completion: CompletionCode,
    /// Everything after the completion code, also the defining body of a group extension.
    pub data: Bytes<MAX_MESSAGE_DATA>,
}

/// Why an answer is not the response of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The command failed.
    #[error("the command failed: {0}")]
    Completion(CompletionCode),
    /// The data is not what the command answers.
    #[error("the answer cannot be read: {0}")]
    Malformed(#[from] WireError),
}

impl Response {
    /// The answer as the response of the command that was asked.
    ///
    /// # Errors
    /// [`ResponseError`] if the command failed or its data cannot be read.
    pub fn decode<C: Command>(&self) -> Result<C::Response, ResponseError> {
        if !self.completion.is_ok() {
            return Err(ResponseError::Completion(self.completion));
        }
        let mut reader = Reader::new(&self.data);
        if let Some(code) = C::SPEC.body.code()
            && reader.u8()? != code
        {
            return Err(ResponseError::Malformed(WireError::Invalid));
        }
        Ok(reader.value()?)
    }
}

/// Steps of a login, in which an answer can fail to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginStep {
    /// Get Channel Authentication Capabilities: nobody is there.
    Discovery,
    /// Get Channel Cipher Suites.
    CipherSuites,
    /// RMCP+ Open Session.
    OpenSession,
    /// RAKP 1, answered by RAKP 2.
    Rakp1,
    /// RAKP 3, answered by RAKP 4.
    Rakp3,
    /// Get Session Challenge of IPMI 1.5.
    Challenge,
    /// Activate Session of IPMI 1.5. Many BMCs say nothing to a wrong password here.
    Activation,
    /// Set Session Privilege Level.
    Privilege,
}

/// Why a login failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// A step was not answered.
    #[error("no answer in the step {0:?} of the login")]
    TimedOut(LoginStep),
    /// The BMC does not speak the wanted version of IPMI.
    #[error("the BMC does not speak this version of IPMI")]
    VersionNotSupported,
    /// The BMC has neither cipher suite 17 nor 3.
    #[error("the BMC offers neither cipher suite 17 nor 3")]
    NoCommonCipherSuite,
    /// The BMC does not offer the authentication type for the wanted privilege.
    #[error("the BMC does not offer the authentication type for this privilege")]
    AuthenticationTypeNotOffered,
    /// The password is longer than IPMI 1.5 allows.
    #[error("a password of more than 16 bytes cannot be used with IPMI 1.5")]
    PasswordTooLong,
    /// The BMC refused Open Session or a RAKP message.
    #[error("the BMC refused the step {step:?} of the login: {status}")]
    Refused {
        /// The step that was refused.
        step: LoginStep,
        /// Its status code.
        status: RmcpPlusStatus,
    },
    /// The BMC chose other algorithms than proposed.
    #[error("the BMC chose other algorithms than proposed")]
    AlgorithmsChanged,
    /// The BMC grants less than the wanted privilege.
    #[error("the BMC grants no more than the privilege {0}")]
    PrivilegeNotGranted(Privilege),
    /// The BMC could not prove that it knows the password: it is wrong, or that is not the BMC.
    #[error("wrong password: the BMC knows another one")]
    WrongPassword,
    /// The BMC knows the password but has derived other keys: K_G is wrong or missing.
    #[error("wrong BMC key K_G: the BMC has derived other session keys")]
    WrongBmcKey,
    /// A command of the login failed.
    #[error("the step {step:?} of the login failed: {completion}")]
    Command {
        /// The step.
        step: LoginStep,
        /// Its completion code.
        completion: CompletionCode,
    },
    /// The application closed the console.
    #[error("the login was given up")]
    Cancelled,
}

/// Why a request or payload is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no session, or it is being closed.
    #[error("the console is not connected")]
    NotConnected,
    /// As many requests as possible wait for their answers, or events wait to be polled.
    #[error("too many requests are outstanding")]
    Busy,
    /// The data does not fit into a message.
    #[error("the data does not fit into a message")]
    TooLong,
}
