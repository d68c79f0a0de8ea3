//! Changing the SDR repository.

use crate::command::{Empty, commands};
use crate::record::RecordId;
use crate::record::sdr::MAX_RECORD_LENGTH;
use crate::wire::{Bytes, LowBits, code_points};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Adds a record.
    AddSdr = "Add SDR", STORAGE 0x24, OPERATOR, Refuse, "33.13";
    request AddSdrRequest {
        /// The record; its ID is ignored.
        record: Bytes<MAX_RECORD_LENGTH>,
    }
    response SdrRecord {
        /// The record that was added or deleted.
        record: RecordId,
    }

    /// Adds a record piece by piece.
    PartialAddSdr = "Partial Add SDR", STORAGE 0x25, OPERATOR, Refuse, "33.14";
    request PartialAddSdrRequest {
        /// The reservation.
        reservation: u16,
        /// Which record; 0000h with the first piece.
        record: RecordId,
        /// First byte of the record that this piece holds.
        offset: u8,
        /// Whether this piece is the last.
        progress: LowBits<PartialAddProgress, 4>,
        /// The piece.
        data: Bytes<MAX_RECORD_LENGTH>,
    }
    response SdrRecord;

    /// Deletes a record.
    DeleteSdr = "Delete SDR", STORAGE 0x26, OPERATOR, Refuse, "33.15";
    request DeleteSdrRequest {
        /// The reservation.
        reservation: u16,
        /// Which record.
        record: RecordId,
    }
    response SdrRecord;

    /// Deletes all records, or asks how that goes.
    ClearSdrRepository = "Clear SDR Repository", STORAGE 0x27, OPERATOR, Refuse, "33.16";
    request ClearRequest {
        /// The reservation.
        reservation: u16,
        /// [`CLEAR_CONFIRMATION`].
        confirmation: [u8; 3],
        /// Begin, or ask how it goes.
        action: ClearAction,
    }
    response ClearResponse {
        /// How it goes.
        progress: LowBits<ClearProgress, 4>,
    }

    /// Makes the repository ready to be changed.
    EnterSdrUpdateMode = "Enter SDR Repository Update Mode", STORAGE 0x2a, OPERATOR, Refuse, "33.19";
    request Empty;
    response Empty;

    /// Ends the changes to the repository.
    ExitSdrUpdateMode = "Exit SDR Repository Update Mode", STORAGE 0x2b, OPERATOR, Refuse, "33.20";
    request Empty;
    response Empty;
}

/// What a request to clear must say to be meant: `CLR`.
pub const CLEAR_CONFIRMATION: [u8; 3] = *b"CLR";

code_points! {
    /// Whether a piece of a record is the last, 4 bits.
    pub struct PartialAddProgress(u8) {
        MORE = 0, "more will follow";
        LAST = 1, "this is the last";
    }
}

code_points! {
    /// What a request to clear asks for.
    pub struct ClearAction(u8) {
        STATUS = 0x00, "get the status of the erasure";
        BEGIN = 0xaa, "begin the erasure";
    }
}

code_points! {
    /// How an erasure goes, 4 bits.
    pub struct ClearProgress(u8) {
        IN_PROGRESS = 0, "in progress";
        COMPLETED = 1, "completed";
    }
}
