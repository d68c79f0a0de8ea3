//! The system event log. What a record says: [`record::sel`](crate::record::sel).

use super::sdr::AllocationInfo;
use super::sdr_update::{ClearRequest, ClearResponse, PartialAddProgress};
use crate::command::{Empty, commands};
use crate::record::RecordId;
use crate::record::sel::{RECORD_LENGTH, SelRecord};
use crate::wire::{Bytes, LowBits, packed};

/// Version of the event log commands, BCD with the low digit first: 51h is 1.5.
pub const SEL_VERSION: u8 = 0x51;

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Says what the log holds and can do.
    GetSelInfo = "Get SEL Info", STORAGE 0x40, USER, Monitor, "31.2";
    request Empty;
    response SelInfo {
        /// [`SEL_VERSION`].
        version: u8,
        /// Number of records.
        entries: u16,
        /// Free bytes; FFFFh for that many or more.
        free: u16,
        /// When a record was added last, in seconds of the log's clock; FFFFFFFFh for never.
        last_addition: u32,
        /// When a record was deleted or the log was cleared last; FFFFFFFFh for never.
        last_erase: u32,
        /// What the log can do.
        support: SelSupport,
    }

    /// Says in which units the log's memory is allocated.
    GetSelAllocationInfo = "Get SEL Allocation Info", STORAGE 0x41, USER, Monitor, "31.3";
    request Empty;
    response AllocationInfo;

    /// Takes the reservation that changing the log needs.
    ReserveSel = "Reserve SEL", STORAGE 0x42, USER, Monitor, "31.4";
    request Empty;
    response SelReservation {
        /// The reservation, never 0000h.
        reservation: u16,
    }
    => {
        ERASE_IN_PROGRESS = 0x81, "the log is being erased";
    }

    /// Reads a record or a part of it.
    GetSelEntry = "Get SEL Entry", STORAGE 0x43, USER, Monitor, "31.5";
    request GetSelEntryRequest {
        /// The reservation; 0000h will do for a whole record.
        reservation: u16,
        /// Which record; [`RecordId::FIRST`] and [`RecordId::LAST`] for the first and the last.
        record: RecordId,
        /// First byte of the record to read.
        offset: u8,
        /// How many bytes to read; FFh for the whole record.
        count: u8,
    }
    response GetSelEntryResponse {
        /// The record after this one; [`RecordId::LAST`] if there is none.
        next: RecordId,
        /// The bytes.
        data: Bytes<RECORD_LENGTH>,
    }
    => {
        ERASE_IN_PROGRESS = 0x81, "the log is being erased";
    }

    /// Adds a record.
    AddSelEntry = "Add SEL Entry", STORAGE 0x44, OPERATOR, Monitor, "31.6";
    request AddSelEntryRequest {
        /// The record. Its ID is ignored, its time is replaced.
        record: SelRecord,
    }
    response SelEntry {
        /// The record that was added or deleted.
        record: RecordId,
    }
    => {
        TYPE_NOT_SUPPORTED = 0x80, "operation not supported for this record type";
        ERASE_IN_PROGRESS = 0x81, "the log is being erased";
    }

    /// Adds a record piece by piece.
    PartialAddSelEntry = "Partial Add SEL Entry", STORAGE 0x45, OPERATOR, Monitor, "31.7";
    request PartialAddSelEntryRequest {
        /// The reservation.
        reservation: u16,
        /// Which record; 0000h with the first piece.
        record: RecordId,
        /// First byte of the record that this piece holds.
        offset: u8,
        /// Whether this piece is the last.
        progress: LowBits<PartialAddProgress, 4>,
        /// The piece.
        data: Bytes<RECORD_LENGTH>,
    }
    response SelEntry;
    => {
        LENGTH_MISMATCH = 0x80, "the record is not as long as its type says";
        ERASE_IN_PROGRESS = 0x81, "the log is being erased";
    }

    /// Deletes a record.
    DeleteSelEntry = "Delete SEL Entry", STORAGE 0x46, OPERATOR, Monitor, "31.8";
    request DeleteSelEntryRequest {
        /// The reservation.
        reservation: u16,
        /// Which record; [`RecordId::FIRST`] and [`RecordId::LAST`] for the first and the last.
        record: RecordId,
    }
    response SelEntry;
    => {
        TYPE_NOT_SUPPORTED = 0x80, "operation not supported for this record type";
        ERASE_IN_PROGRESS = 0x81, "the log is being erased";
    }

    /// Deletes all records, or asks how that goes.
    ClearSel = "Clear SEL", STORAGE 0x47, OPERATOR, Monitor, "31.9";
    request ClearRequest;
    response ClearResponse;
}

packed! {
    /// What an event log can do.
    pub struct SelSupport: u8 {
        /// Events were lost for want of space.
        overflow: bool = 7, 7;
        /// Delete SEL Entry is supported.
        delete: bool = 3, 3;
        /// Partial Add SEL Entry is supported.
        partial_add: bool = 2, 2;
        /// Reserve SEL is supported.
        reserve: bool = 1, 1;
        /// Get SEL Allocation Info is supported.
        allocation_info: bool = 0, 0;
    }
}
