//! Completion codes (IPMI 2.0 §5.2).

use crate::wire::{WireError, code_points};

code_points! {
    /// The first byte of a response (IPMI 2.0 §5.2). 80h to BEh mean something else with each command.
    #[must_use]
    pub struct CompletionCode(u8) {
        OK = 0x00, "command completed normally";
        BUSY = 0xc0, "node busy";
        INVALID_COMMAND = 0xc1, "invalid command";
        INVALID_FOR_LUN = 0xc2, "command invalid for this LUN";
        TIMEOUT = 0xc3, "timeout while processing the command";
        OUT_OF_SPACE = 0xc4, "out of space";
        RESERVATION_LOST = 0xc5, "reservation cancelled or invalid";
        TRUNCATED = 0xc6, "request data truncated";
        LENGTH_INVALID = 0xc7, "request data length invalid";
        LENGTH_EXCEEDED = 0xc8, "request data length limit exceeded";
        OUT_OF_RANGE = 0xc9, "parameter out of range";
        CANNOT_RETURN_BYTES = 0xca, "cannot return the requested number of bytes";
        NOT_PRESENT = 0xcb, "requested sensor, data or record not present";
        INVALID_FIELD = 0xcc, "invalid data field in request";
        ILLEGAL_FOR_TYPE = 0xcd, "command illegal for this sensor or record type";
        NO_RESPONSE = 0xce, "command response could not be provided";
        DUPLICATE = 0xcf, "cannot execute duplicated request";
        SDR_UPDATE_MODE = 0xd0, "SDR repository in update mode";
        FIRMWARE_UPDATE_MODE = 0xd1, "device in firmware update mode";
        INITIALISING = 0xd2, "BMC initialisation in progress";
        DESTINATION_UNAVAILABLE = 0xd3, "destination unavailable";
        INSUFFICIENT_PRIVILEGE = 0xd4, "insufficient privilege level";
        NOT_IN_PRESENT_STATE = 0xd5, "not supported in the present state";
        SUB_FUNCTION_DISABLED = 0xd6, "sub-function disabled or unavailable";
        UNSPECIFIED = 0xff, "unspecified error";
    }
}

impl CompletionCode {
    /// Whether the command did what it was asked.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }
}

/// The code for a request whose data cannot be read.
impl From<WireError> for CompletionCode {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Truncated | WireError::Trailing => Self::LENGTH_INVALID,
            WireError::Invalid => Self::INVALID_FIELD,
            WireError::BufferTooSmall => Self::CANNOT_RETURN_BYTES,
        }
    }
}
