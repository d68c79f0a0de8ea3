//! One row of the command table.

use crate::ipmb::{CompletionCode, NetFn, Privilege};
use crate::wire::{Decode, Encode, Reader, WireError, Writer};

/// Whose command it is: IPMI's own, or that of a defining body of the group extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Body {
    /// IPMI itself.
    Ipmi,
    /// DCMI: network function 2Ch with body code DCh.
    Dcmi,
}

impl Body {
    /// The body code that stands before the data of requests and responses.
    #[must_use]
    pub const fn code(self) -> Option<u8> {
        match self {
            Self::Ipmi => None,
            Self::Dcmi => Some(0xdc),
        }
    }
}

/// Who may send a command (IPMI 2.0 appendix G).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Anybody, also outside a session.
    Anyone,
    /// A session with at least this privilege.
    AtLeast(Privilege),
    /// Only software on the machine itself, through the system interface.
    SystemInterface,
    /// Nobody: the BMC itself sends it.
    FromBmc,
}

impl Level {
    /// Anybody, also outside a session.
    pub const ANYONE: Self = Self::Anyone;
    /// A session with Callback privilege.
    pub const CALLBACK: Self = Self::AtLeast(Privilege::CALLBACK);
    /// A session with User privilege.
    pub const USER: Self = Self::AtLeast(Privilege::USER);
    /// A session with Operator privilege.
    pub const OPERATOR: Self = Self::AtLeast(Privilege::OPERATOR);
    /// A session with Administrator privilege.
    pub const ADMINISTRATOR: Self = Self::AtLeast(Privilege::ADMINISTRATOR);
    /// Only the system interface.
    pub const SYSTEM_INTERFACE: Self = Self::SystemInterface;
    /// Nobody: the BMC itself sends it.
    pub const FROM_BMC: Self = Self::FromBmc;
}

/// What a BMC for virtual machines does with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Identity, sessions, power, boot.
    Core,
    /// Users, channels, LAN, watchdog, chassis configuration.
    Manage,
    /// Sensors, SDR, SEL, FRU.
    Monitor,
    /// Payloads and Serial over LAN.
    Console,
    /// Events, PEF and alerts.
    Alert,
    /// DCMI.
    Dcmi,
    /// Not offered: a virtual machine has nothing behind it. Answered with an error completion code.
    Refuse,
}

/// A completion code between 80h and BEh and what it means with one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnCode {
    /// The code.
    pub code: CompletionCode,
    /// What it means.
    pub label: &'static str,
}

/// Decodes bytes as one message and writes them again from the decoded value.
///
/// # Errors
/// What the decoder finds wrong with `input`, or [`WireError::BufferTooSmall`].
pub type Recode = fn(input: &[u8], output: &mut [u8]) -> Result<usize, WireError>;

/// One row of the command table.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CommandSpec {
    /// Name as in the specification.
    pub name: &'static str,
    /// Section of the specification of `body`.
    pub section: &'static str,
    /// Network function of the request.
    pub netfn: NetFn,
    /// Whose command it is.
    pub body: Body,
    /// Command number.
    pub number: u8,
    /// Who may send it.
    pub level: Level,
    /// What we do with it.
    pub class: Class,
    /// Completion codes that mean something only with this command.
    pub codes: &'static [OwnCode],
    /// Decodes and encodes a request; every byte must be used.
    pub recode_request: Recode,
    /// Decodes and encodes a response (after completion code and body); later bytes are ignored.
    pub recode_response: Recode,
}

impl CommandSpec {
    /// Whether a request has this row's numbers.
    #[must_use]
    pub fn is(&self, netfn: NetFn, number: u8) -> bool {
        self.netfn == netfn && self.number == number
    }

    /// What a completion code means with this command, if anything.
    #[must_use]
    pub fn code_label(&self, code: CompletionCode) -> Option<&'static str> {
        let own = self.codes.iter().find(|own| own.code == code);
        own.map(|own| own.label).or_else(|| code.label())
    }
}

/// Decodes `input` as a `T` and writes the value into `output`.
///
/// # Errors
/// As [`Decode::decode`] and [`Encode::encode`]; [`WireError::Trailing`] if `all` and bytes are left.
pub(crate) fn recode<T: Decode + Encode>(
    input: &[u8],
    output: &mut [u8],
    all: bool,
) -> Result<usize, WireError> {
    let mut reader = Reader::new(input);
    let value: T = reader.value()?;
    if all {
        reader.finish()?;
    }
    let mut writer = Writer::new(output);
    writer.value(&value)?;
    Ok(writer.len())
}
