//! Platform event filtering: what the BMC does by itself when an event comes.

use super::pef_parameter::PefParameter;
use crate::command::{Empty, ParameterData, commands};
use crate::record::RecordId;
use crate::wire::{LowBits, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Says which actions and how many filters the BMC has.
    GetPefCapabilities = "Get PEF Capabilities", SENSOR_EVENT 0x10, USER, Alert, "30.1";
    request Empty;
    response PefCapabilities {
        /// Version of PEF, BCD with the low digit first: 51h is 1.5.
        version: u8,
        /// Actions that the BMC can do.
        actions: PefActionSupport,
        /// Number of entries of the event filter table.
        filters: u8,
    }

    /// Starts, stops or reads the timer that holds event filtering back.
    ArmPefPostponeTimer = "Arm PEF Postpone Timer", SENSOR_EVENT 0x11, ADMINISTRATOR, Alert, "30.2";
    request ArmPefPostponeTimerRequest {
        /// What to do with the timer.
        timer: PostponeTimer,
    }
    response ArmPefPostponeTimerResponse {
        /// Present value of the timer, in seconds.
        timer: PostponeTimer,
    }

    /// Writes one configuration parameter of event filtering.
    SetPefParameter = "Set PEF Configuration Parameters", SENSOR_EVENT 0x12, ADMINISTRATOR, Alert, "30.3";
    request SetPefParameterRequest {
        /// Which parameter.
        parameter: LowBits<PefParameter, 7>,
        /// Its data: see [`PefValue`](super::pef_parameter::PefValue).
        data: ParameterData,
    }
    response Empty;

    /// Reads one configuration parameter of event filtering.
    GetPefParameter = "Get PEF Configuration Parameters", SENSOR_EVENT 0x13, OPERATOR, Alert, "30.4";
    request GetPefParameterRequest {
        /// Which parameter.
        selector: PefParameterSelector,
        /// Which entry of a table, 0 if the parameter is not one.
        set: u8,
        /// Which block of an entry, 0 if it has none.
        block: u8,
    }
    response GetPefParameterResponse {
        /// Revision of the parameter: [`PARAMETER_REVISION`](crate::command::PARAMETER_REVISION).
        revision: u8,
        /// Its data, none if only the revision was asked for.
        data: ParameterData,
    }

    /// Sets which record of the event log was filtered last.
    SetLastProcessedEvent = "Set Last Processed Event ID", SENSOR_EVENT 0x14, ADMINISTRATOR, Alert, "30.5";
    request SetLastProcessedEventRequest {
        /// Whose mark to set.
        who: EventProcessor,
        /// The record.
        record: RecordId,
    }
    response Empty;

    /// Reads which record of the event log was filtered last.
    GetLastProcessedEvent = "Get Last Processed Event ID", SENSOR_EVENT 0x15, ADMINISTRATOR, Alert, "30.6";
    request Empty;
    response LastProcessedEvent {
        /// When the newest record was added, in seconds of the event log's clock.
        last_addition: u32,
        /// The newest record; FFFFh if the log is empty.
        last_record: RecordId,
        /// The record that software processed last.
        last_by_software: RecordId,
        /// The record that the BMC processed last.
        last_by_bmc: RecordId,
    }
}

packed! {
    /// Actions of event filtering.
    pub struct PefActionSupport: u8 {
        /// Can filter OEM event records too.
        oem_records: bool = 7, 7;
        /// Diagnostic interrupt.
        diagnostic_interrupt: bool = 5, 5;
        /// OEM action.
        oem: bool = 4, 4;
        /// Power cycle.
        power_cycle: bool = 3, 3;
        /// Reset.
        reset: bool = 2, 2;
        /// Power down.
        power_down: bool = 1, 1;
        /// Alert.
        alert: bool = 0, 0;
    }
}

code_points! {
    /// Seconds of the postpone timer, or what to do with it.
    pub struct PostponeTimer(u8) {
        DISABLE = 0x00, "disable the timer";
        TEMPORARY_DISABLE = 0xfe, "disable event filtering until the next system start";
        GET = 0xff, "get the present value";
    }
}

packed! {
    /// First byte of [`GetPefParameter`].
    pub struct PefParameterSelector: u8 {
        /// Only the revision of the parameter is wanted, not its value.
        revision_only: bool = 7, 7;
        /// The parameter.
        parameter: PefParameter = 6, 0;
    }
}

packed! {
    /// First byte of [`SetLastProcessedEvent`].
    pub struct EventProcessor: u8 {
        /// The mark of the BMC; otherwise that of software.
        bmc: bool = 0, 0;
    }
}
