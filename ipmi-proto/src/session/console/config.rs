//! What a console is told before it logs in.

use core::time::Duration;

use crate::crypto::v15::AuthenticationType;
use crate::crypto::{BmcKey, CipherSuite, Password};
use crate::ipmb::Privilege;
use crate::packet::rakp::MAX_USER_NAME;
use crate::wire::{Bytes, CapacityError};

/// How a console logs in.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConsoleConfig {
    /// Name of the user; empty for the user without a name.
    pub user_name: Bytes<MAX_USER_NAME>,
    /// The user's password.
    pub password: Password,
    /// The BMC's key K_G, where the BMC has one.
    pub bmc_key: Option<BmcKey>,
    /// Privilege that the session is raised to before it counts as connected.
    pub privilege: Privilege,
    /// The BMC finds the user by name alone (IPMI 2.0 §13.20). Otherwise by name and privilege, which some BMCs
    /// take to be the user's exact limit.
    pub name_only_lookup: bool,
    /// Version of the session protocol.
    pub protocol: Protocol,
    /// How long to wait for an answer, and how often to ask.
    pub retry: RetryPolicy,
}

impl ConsoleConfig {
    /// A login with IPMI 2.0, automatic choice of the cipher suite, as Administrator.
    ///
    /// # Errors
    /// [`CapacityError`] if the name is longer than 16 bytes.
    pub fn new(user_name: &[u8], password: Password) -> Result<Self, CapacityError> {
        Ok(Self {
            user_name: Bytes::from_slice(user_name)?,
            password,
            bmc_key: None,
            privilege: Privilege::ADMINISTRATOR,
            name_only_lookup: true,
            protocol: Protocol::V2_0(SuiteChoice::Automatic),
            retry: RetryPolicy::default(),
        })
    }
}

/// Version of the session protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// IPMI 2.0, RMCP+.
    V2_0(SuiteChoice),
    /// IPMI 1.5. Nothing is encrypted.
    V1_5(TypeChoice),
}

/// Which cipher suite protects an IPMI 2.0 session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuiteChoice {
    /// The BMC is asked which suites it has, and 17 is taken, else 3; also 3 if it does not answer. The question
    /// is not authenticated: whoever can change packets on the way can make 17 into 3, never into anything less.
    Automatic,
    /// This one. Suite 0 is dangerous: neither side proves anything.
    Fixed(CipherSuite),
}

/// Which authentication type protects an IPMI 1.5 session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeChoice {
    /// MD5 if the BMC offers it, else MD2. Never the password itself, never none.
    Automatic,
    /// This one. The straight password and none are dangerous: everybody on the way can take the session over.
    Fixed(AuthenticationType),
}

/// How long to wait for an answer, and how often to ask.
///
/// A request is sent up to `attempts` times; after the first time it waits for `first`, after each further time
/// twice as long as before, but not longer than `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Wait after the first packet.
    pub first: Duration,
    /// Longest wait.
    pub longest: Duration,
    /// How often a packet is sent before its request counts as not answered.
    pub attempts: u8,
    /// How often a login begins again from the start when one of its steps is not answered.
    pub restarts: u8,
}

impl Default for RetryPolicy {
    /// 1, 2, 2, 2 and 2 seconds: 9 in all. BMCs remember for about 10 seconds what they answered, so none of the
    /// retries runs a command again. A login begins again once.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(2),
            attempts: 5,
            restarts: 1,
        }
    }
}
