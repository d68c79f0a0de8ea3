//! Completion codes of single commands: 80h to BEh mean something else with each of them.
//!
//! The generic codes are in [`CompletionCode`].

use ipmi_proto::ipmb::CompletionCode;

/// Configuration parameters: there is no such parameter.
pub(crate) const PARAMETER_NOT_SUPPORTED: CompletionCode = CompletionCode(0x80);
/// Configuration parameters: somebody else is changing them.
pub(crate) const SET_ALREADY_IN_PROGRESS: CompletionCode = CompletionCode(0x81);
/// Configuration parameters: the parameter can only be read.
pub(crate) const PARAMETER_READ_ONLY: CompletionCode = CompletionCode(0x82);
/// Configuration parameters: the parameter can only be written.
pub(crate) const PARAMETER_WRITE_ONLY: CompletionCode = CompletionCode(0x83);
/// Reset Watchdog Timer: it was never set.
pub(crate) const WATCHDOG_NOT_INITIALISED: CompletionCode = CompletionCode(0x80);
/// Get Message, Read Event Message Buffer: there is none.
pub(crate) const QUEUE_EMPTY: CompletionCode = CompletionCode(0x80);
/// Set User Password, test: wrong, and of the right size.
pub(crate) const PASSWORD_WRONG: CompletionCode = CompletionCode(0x80);
/// Set User Password, test: of the wrong size.
pub(crate) const PASSWORD_SIZE_WRONG: CompletionCode = CompletionCode(0x81);
/// Set and Get Channel Access: not for a channel without sessions.
pub(crate) const CHANNEL_WITHOUT_ACCESS: CompletionCode = CompletionCode(0x82);
/// Set Channel Access: the channel does not have this mode.
pub(crate) const ACCESS_MODE_NOT_SUPPORTED: CompletionCode = CompletionCode(0x83);
/// Set Channel Security Keys: the key is locked.
pub(crate) const KEY_LOCKED: CompletionCode = CompletionCode(0x80);
/// Set Channel Security Keys: the key is too short.
pub(crate) const KEY_TOO_SHORT: CompletionCode = CompletionCode(0x81);
/// Set Channel Security Keys: the key is too long.
pub(crate) const KEY_TOO_LONG: CompletionCode = CompletionCode(0x82);
/// Set Channel Security Keys: K_R is not used.
pub(crate) const KEY_NOT_USED: CompletionCode = CompletionCode(0x84);
/// Set Command Enables: the command cannot be switched off.
pub(crate) const COMMAND_NOT_CONFIGURABLE: CompletionCode = CompletionCode(0x80);
