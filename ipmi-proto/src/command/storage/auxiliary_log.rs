//! Status of logs beside the event log.

use crate::command::{Empty, commands};
use crate::wire::{Bytes, LowBits, code_points};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Reads the status of a log beside the event log.
    GetAuxiliaryLogStatus = "Get Auxiliary Log Status", STORAGE 0x5a, USER, Refuse, "31.12";
    request GetAuxiliaryLogStatusRequest {
        /// Which log.
        log: LowBits<AuxiliaryLog, 4>,
    }
    response AuxiliaryLogStatus {
        /// When the log was changed last, in seconds of the event log's clock.
        timestamp: u32,
        /// For the machine check log: number of entries, 4 bytes. For the others: the manufacturer's.
        data: Bytes<11>,
    }

    /// Sets the status of a log beside the event log.
    SetAuxiliaryLogStatus = "Set Auxiliary Log Status", STORAGE 0x5b, ADMINISTRATOR, Refuse, "31.13";
    request SetAuxiliaryLogStatusRequest {
        /// Which log.
        log: LowBits<AuxiliaryLog, 4>,
        /// As in the response of [`GetAuxiliaryLogStatus`].
        data: Bytes<15>,
    }
    response Empty;
}

code_points! {
    /// A log beside the event log, 4 bits.
    pub struct AuxiliaryLog(u8) {
        MACHINE_CHECK = 0, "machine check";
        OEM_1 = 1, "OEM 1";
        OEM_2 = 2, "OEM 2";
    }
}
