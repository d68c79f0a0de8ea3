//! Reading the SDR repository. What a record says: [`record::sdr`](crate::record::sdr).

use crate::command::{Empty, commands};
use crate::record::RecordId;
use crate::record::sdr::MAX_RECORD_LENGTH;
use crate::wire::{Bytes, code_points, packed};

/// Version of the SDR repository and of its records, BCD with the low digit first: 51h is 1.5.
pub const SDR_VERSION: u8 = 0x51;

/// Request count that stands for the rest of the record.
pub const WHOLE_RECORD: u8 = 0xff;

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Says what the repository holds and can do.
    GetSdrRepositoryInfo = "Get SDR Repository Info", STORAGE 0x20, USER, Monitor, "33.9";
    request Empty;
    response SdrRepositoryInfo {
        /// [`SDR_VERSION`].
        version: u8,
        /// Number of records.
        records: u16,
        /// Free bytes: 0000h full, FFFEh that many or more, FFFFh unspecified.
        free: u16,
        /// When a record was added last, in seconds of the repository's clock.
        last_addition: u32,
        /// When a record was deleted last.
        last_erase: u32,
        /// What the repository can do.
        support: SdrRepositorySupport,
    }

    /// Says in which units the repository's memory is allocated.
    GetSdrAllocationInfo = "Get SDR Repository Allocation Info", STORAGE 0x21, USER, Monitor, "33.10";
    request Empty;
    response AllocationInfo {
        /// Number of units altogether, 0 if unspecified.
        units: u16,
        /// Size of a unit in bytes, 0 if unspecified.
        unit_size: u16,
        /// Number of free units.
        free_units: u16,
        /// Free units in the largest free block.
        largest_free_block: u16,
        /// Units that the largest record takes.
        largest_record: u8,
    }

    /// Takes the reservation that reading a part of a record needs.
    ReserveSdrRepository = "Reserve SDR Repository", STORAGE 0x22, USER, Monitor, "33.11";
    request Empty;
    response SdrReservation {
        /// The reservation, never 0000h.
        reservation: u16,
    }

    /// Reads a record or a part of it.
    GetSdr = "Get SDR", STORAGE 0x23, USER, Monitor, "33.12";
    request GetSdrRequest {
        /// The reservation; 0000h will do if `offset` is 0.
        reservation: u16,
        /// Which record; [`RecordId::FIRST`] for the first.
        record: RecordId,
        /// First byte of the record to read.
        offset: u8,
        /// How many bytes to read; [`WHOLE_RECORD`] for the rest.
        count: u8,
    }
    response GetSdrResponse {
        /// The record after this one; [`RecordId::LAST`] if there is none.
        next: RecordId,
        /// The bytes.
        data: Bytes<MAX_RECORD_LENGTH>,
    }

    /// Runs the agent that sets sensors up from the repository, or asks how it goes.
    RunInitializationAgent = "Run Initialization Agent", STORAGE 0x2c, OPERATOR, Monitor, "33.21";
    request RunInitializationAgentRequest {
        /// What to do.
        action: InitializationAction,
    }
    response RunInitializationAgentResponse {
        /// How it goes.
        status: InitializationStatus,
    }
}

packed! {
    /// What an SDR repository can do.
    pub struct SdrRepositorySupport: u8 {
        /// Records were lost for want of space.
        overflow: bool = 7, 7;
        /// How records may be added and deleted.
        update: SdrUpdateSupport = 6, 5;
        /// Delete SDR is supported.
        delete: bool = 3, 3;
        /// Partial Add SDR is supported.
        partial_add: bool = 2, 2;
        /// Reserve SDR Repository is supported.
        reserve: bool = 1, 1;
        /// Get SDR Repository Allocation Info is supported.
        allocation_info: bool = 0, 0;
    }
}

code_points! {
    /// How records of a repository may be added and deleted, 2 bits.
    pub struct SdrUpdateSupport(u8) {
        UNSPECIFIED = 0, "unspecified";
        NON_MODAL = 1, "at any time";
        MODAL = 2, "only in update mode";
        BOTH = 3, "at any time and in update mode";
    }
}

packed! {
    /// Request byte of [`RunInitializationAgent`].
    pub struct InitializationAction: u8 {
        /// Run the agent; otherwise only ask how it goes.
        run: bool = 0, 0;
    }
}

packed! {
    /// Response byte of [`RunInitializationAgent`].
    pub struct InitializationStatus: u8 {
        /// The agent is done; otherwise it runs.
        completed: bool = 0, 0;
    }
}
