//! What can go wrong between this client and libvirt.

use core::time::Duration;
use std::io;

use thiserror::Error;

use super::xdr::{Decode, Reader, XdrError};

/// Why a call failed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum RpcError {
    /// libvirt did the call, and refused or failed.
    #[error(transparent)]
    Libvirt(#[from] LibvirtError),
    /// There is no connection any more. The call may have been done or not.
    #[error("the connection to libvirt is lost")]
    Closed(#[source] std::sync::Arc<CloseReason>),
    /// No answer came in time. The call may still be done.
    #[error("libvirt did not answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The answer is not what the procedure promises.
    #[error("libvirt's answer cannot be understood: is its version older than 1.2.8?")]
    Answer(#[source] XdrError),
    /// The arguments are larger than libvirt takes.
    #[error("the arguments are larger than libvirt takes")]
    TooLarge,
}

/// An error that libvirt gave.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("libvirt: {message} (code {})", .code.0)]
#[non_exhaustive]
pub struct LibvirtError {
    /// What kind of error.
    pub code: ErrorCode,
    /// Which part of libvirt it is from.
    pub domain: i32,
    /// What libvirt says.
    pub message: String,
}

/// The number of a kind of error (virErrorNumber).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub i32);

impl ErrorCode {
    /// Something broke inside libvirt or the hypervisor.
    pub const INTERNAL_ERROR: Self = Self(1);
    /// The driver has no such function.
    pub const NO_SUPPORT: Self = Self(3);
    /// A function was used in a wrong way.
    pub const INVALID_ARG: Self = Self(8);
    /// The operation failed.
    pub const OPERATION_FAILED: Self = Self(9);
    /// The connection may only read.
    pub const OPERATION_DENIED: Self = Self(29);
    /// The system failed.
    pub const SYSTEM_ERROR: Self = Self(38);
    /// Authentication failed.
    pub const AUTH_FAILED: Self = Self(45);
    /// There is no such domain.
    pub const NO_DOMAIN: Self = Self(42);
    /// The domain's state forbids it.
    pub const OPERATION_INVALID: Self = Self(55);
    /// The configuration does not allow it.
    pub const CONFIG_UNSUPPORTED: Self = Self(67);
    /// Another job holds the domain.
    pub const OPERATION_TIMEOUT: Self = Self(68);
    /// There is no such snapshot.
    pub const NO_DOMAIN_SNAPSHOT: Self = Self(72);
    /// Authentication was called off.
    pub const AUTH_CANCELLED: Self = Self(79);
    /// There is no such metadata.
    pub const NO_DOMAIN_METADATA: Self = Self(80);
    /// The operation is not supported for this domain.
    pub const OPERATION_UNSUPPORTED: Self = Self(84);
    /// The guest agent does not answer.
    pub const AGENT_UNRESPONSIVE: Self = Self(86);
    /// An access rule refuses it.
    pub const ACCESS_DENIED: Self = Self(88);
    /// Nobody can be asked for authentication.
    pub const AUTH_UNAVAILABLE: Self = Self(94);
}

impl LibvirtError {
    /// The error in the body of a reply.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, XdrError> {
        let mut input = Reader::new(body);
        let (code, domain, message) = <(i32, i32, Option<String>)>::decode(&mut input)?;
        Ok(Self {
            code: ErrorCode(code),
            domain,
            message: message.unwrap_or_else(|| "no reason given".to_owned()),
        })
    }
}

/// Why a connection ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The other side closed it.
    #[error("libvirt closed the connection")]
    Ended,
    /// The transport broke.
    #[error("the transport broke")]
    Io(#[source] io::Error),
    /// Something came that is no frame.
    #[error("the other side does not speak libvirt's protocol")]
    Malformed(#[source] XdrError),
    /// Nothing came for too long.
    #[error("libvirt has not answered for {} s", .0.as_secs())]
    Silent(Duration),
    /// The program that carried the connection ended.
    #[error("ssh ended: {0}")]
    Carrier(String),
    /// Nobody uses it any more.
    #[error("it is not used any more")]
    Unused,
    /// libvirt said that its own connection to the hypervisor is gone.
    #[error("libvirt lost the hypervisor")]
    Hypervisor,
}

impl CloseReason {
    pub(super) fn read(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Ended
        } else {
            Self::Io(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_libvirt() {
        // libvirt 9.0.0 to pm-wakeup of a domain of the test driver.
        let body = hex_literal::hex!(
            "00000003 00000014 00000001 0000004a 746869732066756e6374696f6e206973206e6f7420737570706f7274656420
             62792074686520636f6e6e656374696f6e206472697665723a20766972446f6d61696e504d57616b65757000 0000"
        );
        let error = LibvirtError::decode(&body).unwrap();
        assert_eq!((error.code, error.domain), (ErrorCode::NO_SUPPORT, 20));
        assert_eq!(
            error.to_string(),
            "libvirt: this function is not supported by the connection driver: virDomainPMWakeup (code 3)"
        );
    }
}
